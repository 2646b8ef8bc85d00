"""The option table, --help and the manual page say the same.

Options and their arguments both ways, commands, exit statuses; and mandoc has
nothing to say about the page.
"""

import os
import re
import shutil
import subprocess
import unittest

import harness

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../docs/icloud-pull.1")
OPTION = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?:\[=([A-Z:]+)\]| ([A-Z:]+))?"
                    r"(?:  | |$)", re.M)


def help_of(*words):
    return subprocess.run([harness.PROGRAM, *words, "--help"],
                          stdout=subprocess.PIPE, check=True,
                          env={"PATH": os.environ["PATH"]}).stdout.decode()


def commands():
    text = help_of()
    part = text[text.index("commands:"):text.index("options of every")]
    return re.findall(r"^  ([a-z]+) ", part, re.M)


def options():
    """(command or "", name) -> (letter, argument)."""
    found = {}
    for word in ["", *commands()]:
        text = help_of(*filter(None, [word]))
        own = text[text.index("options of every"):] if not word else \
            text[:text.index("options of every")]
        for letter, name, maybe, arg in OPTION.findall(own):
            found[(word, name)] = (letter, maybe or arg)
    return found


def page_options(text):
    """Name -> (letters, arguments) of the page's .It lines."""
    found = {}
    for line in re.findall(r"^\.It (Fl .*)$", text, re.M):
        names = re.findall(r"Fl Fl ([a-z-]+)|Fl -([a-z-]+)", line)
        letters = re.findall(r"Fl ([a-zA-Z])(?= |$)", line)
        args = re.findall(r"Ar ([A-Za-z:]+)", line)
        for pair in names:
            name = pair[0] or pair[1]
            found.setdefault(name, []).append(
                (letters[0] if letters else "",
                 args[0].lower() if args else ""))
    return found


class Page(unittest.TestCase):
    def setUp(self):
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()

    def test_every_option_of_help_is_there_and_no_other(self):
        table = options()
        page = page_options(self.text)
        self.assertGreater(len(table), 30)
        self.assertEqual({name for _, name in table}, set(page))

    def test_arguments_have_the_same_names(self):
        page = page_options(self.text)
        for (word, name), (letter, arg) in options().items():
            self.assertIn(arg.lower(), [a for _, a in page[name]],
                          (word, name))
            if letter:
                self.assertIn(letter, [x for x, _ in page[name]], name)

    def test_every_command_is_there(self):
        for word in commands():
            self.assertRegex(self.text, r"(?m)^\.(It|Ss|Nm|Ic|Cm).*\b%s\b"
                             % word)

    def test_every_exit_status_is_there(self):
        part = self.text[self.text.index(".Sh EXIT STATUS"):]
        part = part[:part.index("\n.Sh ", 5)]
        found = re.findall(r"^\.It (?:Li |Er |Sy )?(\d+)", part, re.M)
        self.assertEqual(found, ["0", "1", "2", "3", "4", "5", "6", "7",
                                 "130"])

    def test_mandoc_has_nothing_to_say(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        said = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", PAGE],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
        ours = [line for line in said.splitlines()
                if "outdated mandoc.db" not in line and
                "referenced manual not found" not in line]
        self.assertEqual(ours, [])


class Completions(unittest.TestCase):
    def test_every_option_and_command_is_in_each(self):
        for shell in ("bash", "zsh", "fish"):
            script = subprocess.run(
                [harness.PROGRAM, "--completion", shell],
                stdout=subprocess.PIPE, check=True).stdout.decode()
            for _, name in options():
                self.assertIn(name, script, shell)
            for word in commands():
                self.assertIn(word, script, shell)

    def test_shells_understand_them(self):
        for shell in ("bash", "zsh", "fish"):
            if shutil.which(shell) is None:
                continue
            script = subprocess.run(
                [harness.PROGRAM, "--completion", shell],
                stdout=subprocess.PIPE, check=True).stdout
            done = subprocess.run([shell, "-n"], input=script,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            self.assertEqual((done.returncode, done.stdout), (0, b""), shell)

    def test_bash_completes(self):
        script = subprocess.run([harness.PROGRAM, "--completion", "bash"],
                                stdout=subprocess.PIPE,
                                check=True).stdout.decode()

        def complete(*words):
            drive = script + """
COMP_WORDS=(%s); COMP_CWORD=%d
COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
f=$(complete -p icloud-pull | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$f" icloud-pull "${COMP_WORDS[COMP_CWORD]}" x
printf '%%s\\n' "${COMPREPLY[@]}"
""" % (" ".join("'%s'" % w for w in words), len(words) - 1)
            return subprocess.run(
                ["bash", "--norc", "-c", drive], stdout=subprocess.PIPE,
                check=True).stdout.decode().split()

        self.assertIn("verify", complete("icloud-pull", "ver"))
        self.assertIn("--dry-run", complete("icloud-pull", "sync", "--dr"))
        self.assertIn("albums", complete("icloud-pull", "list", "al"))
        self.assertNotIn("--dry-run", complete("icloud-pull", "list", "--d"))


if __name__ == "__main__":
    harness.main()
