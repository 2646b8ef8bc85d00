"""A release's tarball becomes a Debian package, which is installed, run and
removed in a Debian of its own.  Needs root, apt and its archive; some minutes.

    make package-test
"""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "run"))
from harness import BUILD, main  # noqa: E402
from tree import copy_to, make, run  # noqa: E402

WORK = os.path.abspath(os.path.join(BUILD, "package"))
FILES = {
    "usr/bin/icloud-pull",
    "usr/lib/systemd/user/icloud-pull.service",
    "usr/lib/systemd/user/icloud-pull.timer",
    "usr/share/bash-completion/completions/icloud-pull",
    "usr/share/doc/icloud-pull/README.md",
    "usr/share/doc/icloud-pull/changelog.Debian",
    "usr/share/doc/icloud-pull/copyright",
    "usr/share/fish/vendor_completions.d/icloud-pull.fish",
    "usr/share/man/man1/icloud-pull.1",
    "usr/share/zsh/site-functions/_icloud-pull",
}


def why_not():
    """The reason for which nothing can be tried here, or None."""
    if os.geteuid() != 0:
        return "installing packages needs root"
    if shutil.which("apt-get") is None:
        return "apt-get is not here"
    return None


@unittest.skipIf(why_not() is not None, why_not())
class Debian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(run("sh", "tests/install.sh", "package"), end="", flush=True)
        shutil.rmtree(WORK, ignore_errors=True)
        os.makedirs(WORK)
        cls.addClassCleanup(shutil.rmtree, WORK)
        tree = os.path.join(WORK, "tree")
        copy_to(tree)
        make("dist", "O=dist", cwd=tree)
        (tarball,) = [name for name in os.listdir(os.path.join(tree, "dist"))
                      if name.endswith(".tar.gz")]
        cls.version = tarball[len("icloud-pull-"):-len(".tar.gz")]
        # Debian's own name for what it is built from.
        orig = os.path.join(WORK, "icloud-pull_%s.orig.tar.gz" % cls.version)
        shutil.move(os.path.join(tree, "dist", tarball), orig)
        shutil.rmtree(tree)
        shutil.unpack_archive(orig, WORK)
        source = os.path.join(WORK, "icloud-pull-" + cls.version)
        shutil.copytree(os.path.join(source, "docs", "packaging", "debian"),
                        os.path.join(source, "debian"))
        # Not this make's options, nor a compiler chosen for it.
        env = {name: os.environ[name] for name in ("PATH", "HOME")
               if name in os.environ}
        print("dpkg-buildpackage", flush=True)
        run("dpkg-buildpackage", "-us", "-uc", "-j2", cwd=source, env=env)
        (cls.package,) = [
            os.path.join(WORK, name) for name in os.listdir(WORK)
            if name.startswith("icloud-pull_") and name.endswith(".deb")]
        (cls.changes,) = [os.path.join(WORK, name)
                          for name in os.listdir(WORK)
                          if name.endswith(".changes")]
        cls.docs = {"usr/share/doc/icloud-pull/docs/" + name
                    for name in os.listdir("docs") if name.endswith(".md")}

    def test_the_package_has_these_files(self):
        lines = run("dpkg-deb", "-c", self.package).splitlines()
        files = {}
        for line in lines:
            mode, owner, *_, name = line.split()
            self.assertEqual(owner, "root/root", line)
            if mode[0] != "d":
                name = name[len("./"):]
                files[name[:-3] if name.endswith(".gz") else name] = mode
        self.assertEqual(set(files), FILES | self.docs)
        self.assertEqual({name for name, mode in files.items()
                          if mode != "-rw-r--r--"}, {"usr/bin/icloud-pull"})
        self.assertEqual(files["usr/bin/icloud-pull"], "-rwxr-xr-x")

    def test_lintian_finds_no_error(self):
        done = subprocess.run(["lintian", "--fail-on", "error",
                               "--tag-display-limit", "0", self.changes],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        print(done.stdout.decode(), end="", flush=True)
        self.assertEqual(done.returncode, 0)

    def test_it_installs_runs_and_goes(self):
        root = os.path.join(WORK, "root")
        with open("/etc/os-release", encoding="utf-8") as file:
            suite = [line.split("=")[1].strip() for line in file
                     if line.startswith("VERSION_CODENAME=")][0]
        print("debootstrap", suite, flush=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", suite,
                               root], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            self.skipTest("no Debian could be made to install it in: " +
                          done.stdout.decode().strip().splitlines()[-1])
        shutil.copy("/etc/resolv.conf", os.path.join(root, "etc"))
        shutil.copy(self.package, os.path.join(root, "new.deb"))

        def inside(*words):
            return run("chroot", root, *words, env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                "DEBIAN_FRONTEND": "noninteractive"})

        def there(name):
            return os.path.lexists(os.path.join(root, name.lstrip("/")))

        inside("apt-get", "install", "-qq", "--no-install-recommends",
               "/new.deb")
        self.assertEqual(inside("icloud-pull", "--version"),
                         "icloud-pull %s\n" % self.version)
        self.assertTrue(there("usr/share/man/man1/icloud-pull.1.gz"))
        # It starts for those who say so, not for everybody.
        self.assertFalse(there(
            "etc/systemd/user/timers.target.wants/icloud-pull.timer"))
        installed = [name for name in
                     inside("dpkg", "-L", "icloud-pull").splitlines()
                     if os.path.isfile(os.path.join(root, name[1:]))]
        self.assertGreaterEqual(len(installed), len(FILES))
        inside("apt-get", "purge", "-qq", "icloud-pull")
        self.assertEqual([name for name in installed if there(name)], [])
        self.assertFalse(there("usr/share/doc/icloud-pull"))


if __name__ == "__main__":
    main()
