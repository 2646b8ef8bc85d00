"""The project's own files, for tests that build from them elsewhere."""

import os
import shutil
import subprocess


def run(*words, **more):
    """Standard output as text; an assertion with all that was said if not 0."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **more)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s%s" % (
            " ".join(words), done.returncode, done.stdout.decode(),
            done.stderr.decode()))
    return done.stdout.decode()


def make(*words, **more):
    return run(os.environ.get("MAKE", "make"), "--no-print-directory", *words,
               **more)


def known(*more):
    """Names of all that belongs to a release, sorted: what git knows of, or in
    an unpacked tarball what MANIFEST says."""
    if os.path.exists(".git"):
        return sorted(run("git", "ls-files", "-z", *more).split("\0")[:-1])
    with open("MANIFEST", encoding="utf-8") as file:
        return file.read().splitlines()


def copy_to(top):
    """What a release would be if all that lies here were in it, files that git
    was not told of yet too: so that what is tried is what lies here."""
    names = [name for name in
             known("--cached", "--others", "--exclude-standard")
             if os.path.exists(name)]
    for name in names:
        os.makedirs(os.path.join(top, os.path.dirname(name)), exist_ok=True)
        shutil.copy(name, os.path.join(top, name))
    with open(os.path.join(top, "MANIFEST"), "w", encoding="utf-8") as file:
        file.writelines(name + "\n" for name in names)
