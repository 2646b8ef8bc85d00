"""What "make install" puts where, that "make uninstall" takes it away again,
and that a release's tarball is the same wherever it is made."""

import os
import re
import shutil
import stat
import sys
import tarfile
import tempfile
import unittest

from harness import BUILD, PROGRAM, main
from tree import copy_to, known, make, run

TOP = os.getcwd()
FILES = {
    "bin/icloud-pull",
    "lib/systemd/user/icloud-pull.service",
    "lib/systemd/user/icloud-pull.timer",
    "share/bash-completion/completions/icloud-pull",
    "share/doc/icloud-pull/LICENSE",
    "share/doc/icloud-pull/README.md",
    "share/fish/vendor_completions.d/icloud-pull.fish",
    "share/man/man1/icloud-pull.1",
    "share/zsh/site-functions/_icloud-pull",
}


def files_under(top):
    return {os.path.relpath(os.path.join(folder, name), top)
            for folder, _, names in os.walk(top) for name in names}


def read(*parts):
    with open(os.path.join(*parts), "rb") as file:
        return file.read()


class Scratch(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="install-")
        self.addCleanup(shutil.rmtree, self.dir)


class Install(Scratch):
    def make(self, target):
        # A blank in the path: nothing may be split there.
        self.root = os.path.join(self.dir, "a root")
        make(target, "O=" + BUILD, "PREFIX=/usr", "DESTDIR=" + self.root)

    @unittest.skipIf(sys.platform == "darwin", "systemd is not there")
    def test_all_is_installed_and_all_is_removed(self):
        self.make("install")
        usr = os.path.join(self.root, "usr")
        docs = {"share/doc/icloud-pull/docs/" + name
                for name in os.listdir("docs") if name.endswith(".md")}
        self.assertEqual(files_under(usr), FILES | docs)
        for name in FILES | docs:
            path = os.path.join(usr, name)
            mode = 0o755 if name == "bin/icloud-pull" else 0o644
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode, name)
            self.assertGreater(os.path.getsize(path), 0, name)
        self.assertEqual(read(usr, "bin/icloud-pull"), read(PROGRAM))
        self.assertIn(b"ExecStart=/usr/bin/icloud-pull ",
                      read(usr, "lib/systemd/user/icloud-pull.service"))
        for name in docs:
            self.assertEqual(read(usr, name),
                             read("docs", os.path.basename(name)))

        # Somebody else's files beside ours stay.
        other = os.path.join(usr, "share/man/man1/other.1")
        with open(other, "w", encoding="utf-8"):
            pass
        self.make("uninstall")
        self.assertEqual(files_under(self.root),
                         {"usr/share/man/man1/other.1"})
        self.assertFalse(os.path.exists(
            os.path.join(usr, "share/doc/icloud-pull")))


    def test_a_mac_gets_launchd_s_file_in_place_of_systemd_s(self):
        said = {system: make("-n", "install", "O=" + BUILD,
                             "PREFIX=/usr/local", "UNAME=" + system)
                for system in ("Darwin", "Linux")}
        lines = {system: [line for line in text.splitlines()
                          if "/units/" in line and "install " in line]
                 for system, text in said.items()}
        self.assertEqual(len(lines["Darwin"]), 1)
        self.assertRegex(lines["Darwin"][0], "org.icloud-pull.nightly.plist "
                         '"/usr/local/share/doc/icloud-pull"$')
        self.assertNotIn("systemd/user", said["Darwin"])
        self.assertIn("systemd/user", said["Linux"])
        self.assertNotIn("org.icloud-pull.nightly.plist \"", said["Linux"])


class Libraries(unittest.TestCase):
    def test_each_stands_in_every_package(self):
        libraries = re.findall(r"^LIBS_(?:BASE|AUTH|API|STORE|SRC) *= (.*)$",
                               read("Makefile").decode(), re.M)
        libraries = " ".join(libraries).split()
        self.assertIn("libcurl", libraries)
        packages = {name: (debian, brew) for name, debian, brew in re.findall(
            r"^\s*need (\S+) (\S+) (\S+)$",
            read("tests/install.sh").decode(), re.M)}
        control = read("docs/packaging/debian/control").decode().splitlines()
        formula = read("docs/packaging/icloud-pull.rb").decode().splitlines()
        stubs = read("tests/macos/stubs.sh").decode()
        for name in libraries:
            with self.subTest(name):
                debian, brew = packages[name]
                self.assertIn(" %s," % debian, control)
                # What macOS brings itself has no Homebrew package here.
                if brew != '""':
                    self.assertIn("  depends_on " + '"%s"' % brew, formula)
                self.assertIn("\nlibrary %s " % name, stubs)


class Dist(Scratch):
    """The names that belong to a release are what git knows of; in a tarball,
    which says so itself in MANIFEST, what stands there."""

    def dist(self, cwd=None):
        """The tarball's path, made in a folder that is taken away."""
        out = tempfile.mkdtemp(dir=self.dir)
        make("dist", "O=" + os.path.relpath(out, cwd or TOP), cwd=cwd)
        (name,) = [n for n in os.listdir(out) if n.endswith(".tar.gz")]
        return os.path.join(out, name)

    def test_holds_what_git_knows_and_nothing_of_this_machine(self):
        path = self.dist()
        top = os.path.basename(path)[:-len(".tar.gz")]
        with tarfile.open(path) as tar:
            members = tar.getmembers()
            listed = tar.extractfile(top + "/MANIFEST").read().decode()
        names = [m.name for m in members]
        self.assertEqual(listed.splitlines(), known())
        self.assertEqual(names, sorted(
            top + "/" + name for name in known() + ["MANIFEST"]))
        self.assertEqual({(m.uid, m.gid, m.uname, m.gname) for m in members},
                         {(0, 0, "", "")})
        self.assertEqual(len({m.mtime for m in members}), 1)
        self.assertLessEqual({m.mode for m in members}, {0o644, 0o755})
        # No time and no name of a file in the header of gzip.
        self.assertEqual(read(path)[3:8], b"\0\0\0\0\0")

    def test_a_tarball_makes_the_same_tarball(self):
        tree = os.path.join(self.dir, "tree")
        copy_to(tree)
        first = self.dist(tree)
        with tarfile.open(first) as tar:
            tar.extractall(self.dir)
        top = os.path.join(self.dir, os.path.basename(first)[:-len(".tar.gz")])
        # What a build leaves behind is not packed.
        with open(os.path.join(top, "left-over.o"), "w", encoding="utf-8"):
            pass
        second = self.dist(top)
        with tarfile.open(second) as tar:
            self.assertNotIn(os.path.basename(top) + "/left-over.o",
                             tar.getnames())
        self.assertTrue(read(first) == read(second))

    def test_the_formula_names_the_tarball(self):
        path = self.dist()
        formula = read(os.path.dirname(path), "icloud-pull.rb").decode()
        self.assertIn('url "file://%s"\n' % path, formula)
        self.assertNotIn("@", formula.split("depends_on")[0])
        if shutil.which("ruby") is not None:
            run("ruby", "-c",
                os.path.join(os.path.dirname(path), "icloud-pull.rb"))


if __name__ == "__main__":
    main()
