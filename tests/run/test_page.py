"""The option table, --help and the manual page say the same.

Options, their arguments and where they may stand, commands, exit statuses,
reasons, files and variables, both ways; and mandoc has nothing to say.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAM, main

PAGE = "docs/icloud-pull.1"
OPTION = re.compile(
    r"^  (?:-(\w), |    )--([a-z-]+)(?:\[=([A-Z:]+)\]| ([A-Z:]+))?  +\S", re.M)
ITEM = re.compile(
    r"^\.It (?:Fl (\w) , )?Fl -([a-z-]+)"
    r"(?: Ns Op = Ns Ar ([A-Z:]+)| Ar ([A-Z:]+))?\n(\.Pq \*\n)?", re.M)


def run(*words, **env):
    return subprocess.run([PROGRAM, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=env)


def help_of(*words):
    done = run(*words, "--help", HOME="/nowhere")
    assert done.returncode == 0, done
    return done.stdout.decode()


def commands():
    block = help_of().split("\ncommands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in block.splitlines()]


def table():
    """Command ("" for all) -> options in order: letter, name, optional value,
    value."""
    found = {}
    for command in ["", *commands()]:
        text = help_of(*[command][:1 if command else 0])
        own, every = text.split("options of every command:\n")
        found[command] = OPTION.findall(own if command else every)
    return found


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def sections(text, macro):
    """Title -> body."""
    parts = re.split(r"^\.%s (.*)\n" % macro, text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class Help(unittest.TestCase):
    def test_it_fits_a_window_of_80_columns(self):
        for command in ["", *commands()]:
            text = help_of(*[command][:1 if command else 0])
            for line in text.splitlines():
                self.assertLess(len(line), 80, line)

    def test_options_stand_anywhere(self):
        # getopt would end them at the first word with this.
        for words in (("list", "assets", "--help"), ("--help", "list"),
                      ("list", "--help", "assets")):
            done = run(*words, HOME="/nowhere", POSIXLY_CORRECT="1")
            self.assertEqual(done.returncode, 0, done)
            self.assertIn(b"usage: icloud-pull list [WHAT]", done.stdout)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = read(PAGE)
        cls.parts = sections(cls.text, "Sh")
        cls.table = table()

    def page_options(self):
        found = {}
        for title, body in sections(self.parts["OPTIONS"], "Ss").items():
            command = title.removeprefix("Options of ")
            found["" if command == "every command" else command] = \
                ITEM.findall(body)
            self.assertEqual(body.count("\n.It Fl "),
                             len(found[command if command != "every command"
                                       else ""]), title)
        return found

    def test_options(self):
        """Each where it is in --help, in that order, with its letter and the
        name of its value; and no other."""
        page = {command: [item[:4] for item in items]
                for command, items in self.page_options().items()}
        help_too = {command: options for command, options in
                    self.table.items() if options}
        self.assertEqual(page, help_too)
        self.assertGreater(sum(map(len, page.values())), 40)

    def test_where_options_may_stand(self):
        """Those with a star are of the command line alone."""
        home = tempfile.mkdtemp(prefix="page-")
        self.addCleanup(shutil.rmtree, home)
        config = os.path.join(home, "config")
        starred = {}
        for items in self.page_options().values():
            for _, name, _, _, star in items:
                starred[name] = starred.get(name, False) or star != ""
        for name, star in starred.items():
            variable = "ICLOUD_PULL_" + name.upper().replace("-", "_")
            # Nothing is no value of any option.
            done = run("status", HOME=home, **{variable: ""})
            self.assertEqual(variable in done.stderr.decode(), not star, name)
            for spelled in {name, name.replace("-", "_")}:
                with open(config, "w", encoding="utf-8") as file:
                    file.write(spelled + " =\n")
                done = run("status", "--config", config, HOME=home)
                self.assertEqual(done.returncode, 2)
                self.assertEqual("there is no setting" in
                                 done.stderr.decode(),
                                 star or name == "config", name)

    def test_words_of_options(self):
        """What a value can be stands in the page as well."""
        script = run("--completion", "bash", HOME="/nowhere").stdout.decode()
        bodies = re.split(r"^\.It Fl ", self.parts["OPTIONS"], flags=re.M)
        choices = re.findall(
            r"\t--([a-z-]+)\)\n(?:\t\t(?!return).*\n)*?\t\tCOMPREPLY=.* -W "
            r"'([^']+)'",
            script)
        self.assertEqual({name for name, _ in choices},
                         {"idmsa-host", "completion", "skip", "sidecar",
                          "albums", "repair"})
        for name, words in choices:
            about = "".join(body for body in bodies
                            if body.startswith("-%s " % name))
            for word in words.split():
                self.assertRegex(about, r"(?m)^\.Cm .*\b%s\b" %
                                 re.escape(word))

    def test_commands(self):
        items = re.findall(r"^\.It Cm ([a-z]+)( Op Ar WHAT)?$",
                           self.parts["DESCRIPTION"], re.M)
        self.assertEqual([name for name, _ in items], commands())
        for name, what in items:
            text = help_of(name)
            self.assertEqual("[WHAT]" in text, what != "", name)
            for word in re.findall(r"WHAT is one of: (.*)", text):
                for each in word.split():
                    self.assertRegex(self.parts["DESCRIPTION"],
                                     r"(?m)^\.Cm %s\b" % each)

    def test_exit_statuses_and_reasons(self):
        """Those of the README, with the words of json.md."""
        readme = re.findall(r"^\| (\d+) \| ", read("README.md"), re.M)
        items = re.split(r"^\.It (\d+)\n", self.parts["EXIT STATUS"],
                         flags=re.M)
        self.assertEqual(items[1::2], readme)
        self.assertEqual(readme, "0 1 2 3 4 5 6 7 130".split())
        page = {status: re.findall(r"^\.Pq Cm ([a-z-]+)", body, re.M)
                for status, body in zip(items[1::2], items[2::2])}
        said = re.search(r"\*\*reason\*\* is null with status 0, (.*?)\n\n",
                         read("docs/json.md"), re.S).group(1)
        reasons = {"0": []}
        for words, status in re.findall(r"((?:`[a-z-]+`[,\s]*)+)\((\d+)\)",
                                        said):
            reasons[status] = re.findall("`(.*?)`", words)
        self.assertEqual(page, reasons)

    def test_files(self):
        """Those of design.md, and no other below the copy's own folder."""
        design = read("docs/design.md")
        block = re.search(r"## On disk\n\n```\n(.*?)```", design,
                          re.S).group(1)
        wanted = []
        inside = False
        for line in filter(None, block.splitlines()):
            first = re.split(r"\s{2,}", line.strip())[0]
            if first == ".icloud-pull/":
                inside = True
            elif line[0] != " ":
                inside = False
            elif not first.startswith("("):
                for name in first.split(", "):
                    name = name.split("/...")[0].rstrip("/")
                    wanted.append((".icloud-pull/" if inside else "") + name)
        self.assertGreater(len(wanted), 15)
        files = self.parts["FILES"]
        for name in wanted:
            last = re.sub(r"/RUN/PATH$", "", name).split("/")[-1]
            self.assertRegex(files, r"(?m)^\.(It )?Pa \S*%s/?( |$)" %
                             re.escape(last))
        for name in re.findall(r"^\.It Pa \.icloud-pull/(\w+)", files, re.M):
            self.assertTrue(any(w.startswith(".icloud-pull/" + name)
                                for w in wanted), name)
        self.assertIn(".Pa ~/.config/icloud-pull/config .", files)

    def test_variables(self):
        """Those that the program reads, and what others read for it."""
        read_by_us = set()
        for path in glob.glob("src/*.c") + glob.glob("src/base/*.c"):
            text = read(path)
            read_by_us |= set(re.findall(r'getenv\("(\w+)"\)', text))
            read_by_us |= set(re.findall(r'place\("(\w+)"', text))
        self.assertIn("XDG_STATE_HOME", read_by_us)
        page = set()
        for line in re.findall(r"^\.It Ev (.*)$", self.parts["ENVIRONMENT"],
                               re.M):
            page |= set(line.split(" , "))
        self.assertEqual(page, read_by_us | {
            "ICLOUD_PULL_NAME", "NO_COLOR", "https_proxy", "no_proxy"})

    def test_sections(self):
        self.assertEqual(list(self.parts), [
            "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT",
            "FILES", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS", "SEE ALSO",
            "CAVEATS"])

    def test_mandoc_has_nothing_to_say(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        said = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "style", PAGE],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
        # Which other pages are installed is not the page's business.
        ours = [line for line in said.splitlines()
                if "mandoc.db" not in line and
                "referenced manual not found" not in line]
        self.assertEqual(ours, [])


if __name__ == "__main__":
    main()
