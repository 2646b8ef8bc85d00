"""Completions: every command and option is in each script, and the shells take
them.  bash and fish are asked what they would offer."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAM, main

COMMANDS = "login logout sync verify status list doctor"
KINDS = "live raw edited video hidden trashed"


def run(*words):
    done = subprocess.run([PROGRAM, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True,
                          env={"HOME": "/nowhere"})
    return done.stdout.decode()


def options(text):
    """Long name -> (letter, value), as the lines of --help have them."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"  (?:-(.), |    )--([a-z-]+)(?:\[?[ =](\S+?)\]?)?  ",
                         line + "  ")
        if match:
            found[match.group(2)] = (match.group(1), match.group(3))
    return found


def commands():
    block = run("--help").split("\ncommands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in block.splitlines()]


def own_options(command):
    return options(run(command, "--help").split("options of every command")[0])


# What bash makes of a line: the equals sign and the colon are words of their
# own, unless somebody took them out of COMP_WORDBREAKS.
def words_of(line, breaks):
    words = line.split(" ")
    if not breaks:
        return words
    return [part for word in words
            for part in re.split("(=)", word) if part or word == ""]


class Scripts(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="completion-")
        self.addCleanup(shutil.rmtree, self.dir)

    def script(self, shell):
        path = os.path.join(self.dir, "icloud-pull." + shell)
        with open(path, "w", encoding="utf-8") as file:
            file.write(run("--completion", shell))
        return path

    def need(self, shell):
        if shutil.which(shell) is None:
            self.skipTest("%s is not installed" % shell)

    def shell(self, *words):
        done = subprocess.run(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, cwd=self.dir,
            env={"HOME": self.dir, "PATH": os.environ["PATH"],
                 "LC_ALL": "C.UTF-8", "TERM": "dumb"})
        self.assertEqual(done.stderr.decode(), "")
        self.assertEqual(done.returncode, 0)
        return done.stdout.decode()

    def test_all_is_in_each(self):
        known = options(run("--help"))
        self.assertEqual(" ".join(commands()), COMMANDS)
        for command in commands():
            known.update(own_options(command))
        self.assertGreater(len(known), 35)
        for shell in ("bash", "zsh", "fish"):
            text = run("--completion", shell)
            for name, (letter, _) in known.items():
                self.assertRegex(text, r"(--|-l )%s\b" % name)
                if letter is not None and shell != "bash":
                    self.assertRegex(text, r"(\{-%s|-s %s)\b" %
                                     (letter, letter))
            for command in commands():
                self.assertRegex(text, r"[ ':\t]%s\b" % command)

    def test_a_broken_configuration_is_no_hindrance(self):
        done = subprocess.run(
            [PROGRAM, "--completion", "bash"], stdout=subprocess.PIPE,
            env={"HOME": self.dir, "ICLOUD_PULL_JOBS": "many"}, check=True)
        self.assertIn(b"complete ", done.stdout)

    def test_a_full_disk_is_seen(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "--completion", "bash"],
                                  stdout=full, env={"HOME": self.dir})
        self.assertEqual(done.returncode, 5)

    def bash(self, script, line, breaks=True):
        words = words_of("icloud-pull " + line, breaks)
        return self.shell(
            "bash", "--norc", "-c",
            'source "$1"; shift; compopt() { echo "opt: $*"; }\n'
            'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
            '_icloud_pull; printf "%s\\n" "${COMPREPLY[@]}"',
            "bash", script, *words).split("\n")

    def test_bash(self):
        self.need("bash")
        script = self.script("bash")
        every = {"--" + name for name in options(run("--help"))}

        def of(*names):
            return " ".join(sorted(every | {
                "--" + option for name in names
                for option in own_options(name)}))

        table = [
            ("", COMMANDS),
            ("s", "sync status"),
            ("log", "login logout"),
            ("--root /a ", COMMANDS),
            ("-j 4 ve", "verify"),
            ("--root=/a st", "status"),
            ("--sms=2 ve", "verify"),
            ("--connect-to 127.0.0.1:1 ve", "verify"),
            ("-q -vv ve", "verify"),
            ("-", of("sync")),
            ("--", of("sync")),
            ("sync --", of("sync")),
            ("verify --", of("verify")),
            ("--json login --", of("login")),
            ("logout --", of()),
            ("doctor --", of()),
            ("nonsense --", of()),
            ("sync --r", "--root --recent --repair"),
            ("verify --r", "--recent --repair --root"),
            ("sync --dry-run --st", "--strict"),
            ("list ", "libraries albums assets files"),
            ("list a", "albums assets"),
            ("list --as-of 2024 ", "libraries albums assets files"),
            ("list albums ", ""),
            ("sync ", ""),
            ("sync --skip ", KINDS),
            ("sync --skip r", "raw"),
            ("sync --skip=", KINDS),
            ("sync --skip=ra", "raw"),
            ("sync --skip live,", " ".join(
                "live," + kind for kind in KINDS.split())),
            ("sync --skip live,raw,h", "live,raw,hidden"),
            ("sync --skip=live,h", "live,hidden"),
            ("verify --repair=", "all missing damaged"),
            ("verify --repair=m", "missing"),
            # without an equals sign it has no value
            ("verify --repair ", ""),
            ("verify --repair m", ""),
            ("--completion ", "bash zsh fish"),
            ("--idmsa-host=i", "idmsa.apple.com idmsa.apple.com.cn"),
            ("sync --album ", ""),
            ("--account=", ""),
        ]
        for line, want in table:
            for breaks in (True, False):
                said = [word for word in self.bash(script, line, breaks)
                        if word]
                self.assertEqual(said.pop(0), "opt: +o default", line)
                front = re.search(r"(--[a-z-]+=)[^ ]*$", line)
                if front and not breaks:
                    said = [word[len(front.group(1)):] for word in said]
                self.assertEqual(" ".join(sorted(said)),
                                 " ".join(sorted(want.split())), line)
        # Files and directories are bash's own to complete.
        for line in ("--config ", "--ca-file=/e", "sync --config /etc/pa"):
            self.assertEqual(self.bash(script, line), [""] * 2, line)
        self.assertEqual(self.bash(script, "--root /"),
                         ["opt: +o default", "opt: -o dirnames", "", ""])

    def test_zsh_reads_it(self):
        self.need("zsh")
        self.shell("zsh", "-n", self.script("zsh"))

    def test_fish(self):
        self.need("fish")
        script = self.script("fish")
        self.shell("fish", "-n", script)
        os.mkdir(os.path.join(self.dir, "a-folder"))
        with open(os.path.join(self.dir, "a-file"), "wb"):
            pass

        table = [
            ("icloud-pull ", COMMANDS),
            ("icloud-pull --root /a st", "status"),
            ("icloud-pull -j 4 ve", "verify"),
            ("icloud-pull sync ", ""),
            ("icloud-pull sync --rep", "--repair --repair="),
            ("icloud-pull --strict", "--strict"),
            ("icloud-pull verify --strict", ""),
            ("icloud-pull list ", "libraries albums assets files"),
            ("icloud-pull list albums ", ""),
            ("icloud-pull sync --skip ", KINDS),
            ("icloud-pull sync --skip live,r", "live,raw"),
            ("icloud-pull sync --skip=tr", "--skip=trashed"),
            ("icloud-pull verify --repair=m", "--repair=missing"),
            ("icloud-pull --completion ", "bash zsh fish"),
            ("icloud-pull --config a-", "a-file a-folder/"),
            ("icloud-pull --root a-", "a-folder/"),
            ("icloud-pull --account a-", ""),
        ]
        for line, want in table:
            said = self.shell("fish", "--no-config", "-c",
                              "source $argv[1]; complete -C $argv[2]",
                              script, line)
            said = [word.split("\t")[0] for word in said.splitlines()]
            self.assertEqual(" ".join(sorted(said)),
                             " ".join(sorted(want.split())), line)


if __name__ == "__main__":
    main()
