"""What opens the account leaves the session's file neither for the disk nor for
the eyes of others.  The simulated iCloud tells all that it has given out; what
is looked through is every file, what was said, and the running program as the
system shows it."""

import gzip
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import unittest

from harness import (ACCOUNT, PASSWORD, PROGRAM, Case, Result, main, newer,
                     wait_for, PATIENCE_S)


class Watch(threading.Thread):
    """/proc of a process and of what it starts, for as long as it runs."""

    def __init__(self, process):
        super().__init__()
        self.process = process
        self.seen = set()
        self.start()

    def pids(self):
        yield self.process.pid
        try:
            path = "/proc/%d/task/%d/children" % (2 * (self.process.pid,))
            with open(path, encoding="ascii") as file:
                yield from map(int, file.read().split())
        except OSError:
            pass

    def run(self):
        while self.process.poll() is None:
            for pid in self.pids():
                for name in ("cmdline", "environ"):
                    try:
                        with open("/proc/%d/%s" % (pid, name), "rb") as file:
                            self.seen.add(file.read())
                    except OSError: # ended, or not ours to read
                        pass
            try:
                self.process.wait(0.002)
            except subprocess.TimeoutExpired:
                pass


class Secrets(Case):
    assets = 6

    def setUp(self):
        super().setUp()
        self.said = []  # by the program
        self.shown = set() # by the system, of the running program

    def watched(self, *words, lines=(), code_from=None):
        copy = self.copy
        process = subprocess.Popen(
            copy.argv(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=copy.env, cwd=copy.home)
        watch = Watch(process)
        try:
            process.stdin.write("".join(l + "\n" for l in lines).encode())
            process.stdin.flush()
            if code_from is not None:
                code = wait_for(code_from, process)
                process.stdin.write((code + "\n").encode())
        except BrokenPipeError: # it has ended; why, it says
            pass
        out, err = process.communicate(timeout=PATIENCE_S)
        watch.join()
        # One that ends at once may not be seen.
        self.shown |= watch.seen
        self.said += [out, err]
        return Result(subprocess.CompletedProcess(
            [], process.returncode, out, err))

    def secrets(self):
        """Words, and codes apart: six digits may stand anywhere by chance."""
        told = {json.loads(line) for line in
                self.sim.control("/secrets").decode().splitlines()}
        codes = {t for t in told if re.fullmatch("[0-9]{6}", t)}
        words = {t.encode() for t in told - codes}
        self.assertTrue(codes and PASSWORD.encode() in words)
        self.assertGreater(len(words), 40)
        self.assertGreaterEqual(min(map(len, words)), 8)
        return words, codes

    def files(self):
        """All but what is the session's, compressed or not."""
        for folder, _, names in os.walk(self.copy.home):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                if folder.startswith(self.copy.state) and name in (
                        "session", "pending"):
                    continue
                with open(path, "rb") as file:
                    content = file.read()
                yield path, content
                if content[:2] == b"\x1f\x8b":
                    yield path, gzip.decompress(content)

    def found(self, blob, words):
        return [w for w in words if w in blob]

    def everywhere(self, words, codes):
        """Where any of them stands."""
        where = []
        pattern = re.compile(r"(?<![0-9])(%s)(?![0-9])" % "|".join(codes))
        for path, content in self.files():
            if self.found(content, words):
                where.append(path)
            # What the program writes for people and itself, not photographs.
            elif (path.startswith(self.copy.state) and
                  b"\0" not in content and
                  pattern.search(content.decode(errors="replace"))):
                where.append(path)
        for kind, blobs in (("said", self.said), ("shown", self.shown)):
            for blob in blobs:
                if (self.found(blob, words) or
                        pattern.search(blob.decode(errors="replace"))):
                    where.append(kind)
        return where

    def test_none_is_found_anywhere(self):
        copy, old = self.copy, self.sim.code()
        command = os.path.join(copy.home, "..", "password-of-" +
                               os.path.basename(copy.home))
        with open(command, "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")
        self.addCleanup(os.unlink, command)
        self.status_is(self.watched(
            "-vv", "--root", copy.root, "--account", ACCOUNT, "login",
            "--stdin", lines=(PASSWORD,),
            code_from=lambda: newer(self.sim.code(), old)), 0)
        # Links that expire, break and are refused are talked about.
        self.sim.fault("content", "status", status=410, times=2)
        self.sim.fault("content", "cut", after_bytes=100, skip=2)
        self.sim.fault("content", "status", status=500, skip=3)
        self.status_is(self.watched("-vv", "sync", "--root", copy.root), 0)
        # A sign-in without a person, refused once.
        self.sim.change("account_expire_tokens")
        self.sim.change("add", count=3)
        self.sim.fault("signin_complete", "reset")
        saved = ("--password-command", "cat '%s'" % command)
        self.status_is(self.watched("-vv", "sync", "--json", "--root",
                                    copy.root, *saved), 4)
        self.status_is(self.watched("-vv", "sync", "--json", "--root",
                                    copy.root, "--account", ACCOUNT, *saved),
                       4)
        self.status_is(self.watched("-vv", "--account", ACCOUNT, "login",
                                    "--stdin", "--json", lines=(PASSWORD,)), 0)
        self.status_is(self.watched("-vv", "sync", "--json", "--root",
                                    copy.root), 0)
        self.status_is(self.watched("-vv", "verify", "--root", copy.root), 0)
        self.status_is(self.watched("-vv", "status", "--gaps", "--json",
                                    "--root", copy.root), 0)
        # A code that waits, and one that is wrong.
        self.sim.change("account_expire_trust")
        self.status_is(self.watched("-vv", "--account", ACCOUNT, "login",
                                    "--stdin", lines=(PASSWORD, "000001")), 3)
        self.assertTrue(os.path.exists(os.path.join(
            copy.state, "accounts", ACCOUNT, "pending")))
        words, codes = self.secrets()
        self.assertEqual(self.everywhere(words, codes | {"000001"}), [])
        self.status_is(self.watched("-vv", "logout"), 0)
        self.assertTrue(any(b"icloud-pull" in seen for seen in self.shown))
        words, codes = self.secrets()
        self.assertEqual(self.everywhere(words, codes), [])
        # Signed out, not even the session's file opens anything but trust.
        with open(os.path.join(copy.state, "accounts", ACCOUNT, "session"),
                  encoding="utf-8") as file:
            session = json.load(file)
        self.assertNotIn("session_token", session)
        self.assertEqual(session["cookies"], "")

    def test_what_is_planted_is_found(self):
        """The search itself: each of its ways finds what is there."""
        self.signed_in()
        self.status_is(self.copy.sync(), 0)
        words, codes = self.secrets()
        self.assertEqual(self.everywhere(words, codes), [])
        token = max(words, key=len)
        code = sorted(codes)[0]
        log = os.path.join(self.copy.state, "log")
        for content in (b"begin" + token + b"end", gzip.compress(token),
                        b"The code is %s." % code.encode()):
            with open(log, "wb") as file:
                file.write(content)
            self.assertEqual(self.everywhere(words, codes), [log])
        os.unlink(log)
        self.said.append(b"Cookie: " + token)
        self.assertEqual(self.everywhere(words, codes), ["said"])
        self.said.clear()
        for argv, env in ((["sh", "-c", "sleep 5; : " + PASSWORD], {}),
                          (["sleep", "5"], {"HELD": PASSWORD})):
            process = subprocess.Popen(argv, env=dict(os.environ, **env))
            watch = Watch(process)
            wait_for(lambda w=watch: self.found(
                b"".join(w.seen.copy()), words) or None, process)
            process.kill()
            process.wait()
            watch.join()
            self.shown = watch.seen
            self.assertIn("shown", self.everywhere(words, codes))


class Process(unittest.TestCase):
    """The running program's memory is for nobody's eyes."""

    def setUp(self):
        with open(PROGRAM, "rb") as file:
            if b"__asan_init" in file.read():
                self.skipTest("a sanitizer wants to be able to dump")
        # Where another user can run it.
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        self.program = os.path.join(self.home, "icloud-pull")
        shutil.copy(PROGRAM, self.program)
        os.chmod(self.home, 0o777)
        os.chmod(self.program, 0o755)

    @staticmethod
    def other_user():
        """With cores allowed; and of root's processes /proc tells nothing."""
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        if os.getuid() == 0:
            hard = 1 << 20
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)

    def looked_at(self, *argv):
        """Whose its memory is while it runs, and whether it may leave a
        core."""
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=self.other_user, cwd="/",
            env={"HOME": self.home, "PATH": os.environ["PATH"]})
        try:
            # It has begun: standard error says so.
            self.assertTrue(process.stderr.readline())
            proc = "/proc/%d" % process.pid
            with open(proc + "/limits", encoding="ascii") as file:
                core, = re.findall("Max core file size +([^ ]+)", file.read())
            return os.stat(proc + "/environ").st_uid, core
        finally:
            process.communicate(b"")

    def test_no_core_and_no_debugger(self):
        user, core = self.looked_at("sh", "-c", "echo begun >&2; read x")
        self.assertEqual(user, os.getuid() or 65534) # as it is with others
        if os.getuid() == 0:
            self.assertNotEqual(core, "0")
        # It waits for the password; it has warned before.
        user, core = self.looked_at(
            self.program, "--connect-to", "127.0.0.1:9", "--ca-file",
            "/etc/hostname", "--account", ACCOUNT, "login", "--stdin")
        self.assertEqual(user, 0) # nobody's but root's
        self.assertEqual(core, "0")


if __name__ == "__main__":
    main()
