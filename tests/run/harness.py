"""The whole program against the simulated iCloud, over real TLS on loopback.

Sim      starts build/simcloud, arms faults, changes the library, reads counters
Copy     a home, a state folder and a ROOT of its own; runs build/icloud-pull
compare  disk against the simulator's truth: every resource, every byte
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

BUILD = os.environ.get("BUILD", "build")
PROGRAM = os.path.abspath(os.path.join(BUILD, "icloud-pull"))
SHIM = os.path.abspath(os.path.join(BUILD, "shim.so"))
SIMCLOUD = os.path.abspath(os.path.join(BUILD, "simcloud"))
RECORDED = os.path.abspath(
    os.environ.get("ICLOUD_PULL_RECORDED", "../shared/recorded"))
ACCOUNT = "jd@example.com"
PASSWORD = "correct horse battery staple"
# Longer than anything takes; a hang is a failure, not a wait.
PATIENCE_S = int(os.environ.get("PATIENCE_S", "300"))


def shimmed(**values):
    """The environment of a program with shim.c before it."""
    # The sanitizer's library would otherwise insist on coming first.
    asan = os.environ.get("ASAN_OPTIONS", "")
    return dict({name: str(value) for name, value in values.items()},
                LD_PRELOAD=SHIM,
                ASAN_OPTIONS=asan + ":verify_asan_link_order=0")


class Sim:
    def __init__(self, *options, assets=60, seed=1):
        self.dir = tempfile.mkdtemp(prefix="sim-")
        self.process = subprocess.Popen(
            [SIMCLOUD, "--dir", self.dir, "--assets", str(assets), "--seed",
             str(seed), "--die-with-stdin", *map(str, options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("simcloud did not start")
        self.where = json.loads(line)
        self.port = self.where["port"]
        self.ca_file = self.where["ca_file"]

    def stop(self):
        """Nobody answers any more; the authority's file stays."""
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def control(self, path, body=None):
        """The answer as bytes; None for 404."""
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s" % (self.where["control"], path),
            data=None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE_S) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            error.close()
            if error.code == 404:
                return None
            raise AssertionError("control %s: %d %s" %
                                 (path, error.code, text)) from None

    def change(self, op, **values):
        self.control("/change", dict(values, op=op))

    def fault(self, at, kind, **values):
        self.control("/fault", dict(values, at=at, kind=kind))

    def hook(self, at, hook, **values):
        """A fault that the library itself plays, by name."""
        self.fault(at, "hook", hook=hook, **values)

    def clear_faults(self):
        self.control("/faults/clear", {})

    def advance(self, seconds):
        self.control("/clock", {"advance_s": seconds})

    def counters(self):
        return json.loads(self.control("/counters"))

    def reset_counters(self):
        self.control("/counters/reset", {})

    def code(self):
        answer = self.control("/code")
        return None if answer is None else json.loads(answer)["code"]

    def truth(self):
        return [json.loads(line)
                for line in self.control("/truth").decode().splitlines()]


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def __str__(self):
        return "status %d\n--- out\n%s--- err\n%s" % (self.status, self.out,
                                                      self.err)

    def events(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def event(self, name):
        found = [e for e in self.events() if e["event"] == name]
        if not found:
            raise AssertionError("no event %s in %s" % (name, self))
        return found[-1]


class Copy:
    def __init__(self, sim):
        self.sim = sim
        self.home = tempfile.mkdtemp(prefix="home-")
        self.root = os.path.join(self.home, "copy")
        self.env = {
            "HOME": self.home,
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def state(self):
        return os.path.join(self.home, ".local/state/icloud-pull")

    def argv(self, *words):
        return [PROGRAM, "--connect-to", "127.0.0.1:%d" % self.sim.port,
                "--ca-file", self.sim.ca_file, *words]

    def run(self, *words, stdin=b"", env=None, **options):
        try:
            done = subprocess.run(
                self.argv(*words), input=stdin,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=dict(self.env, **(env or {})), cwd=self.home,
                timeout=PATIENCE_S, **options)
        except subprocess.TimeoutExpired as late:
            raise AssertionError("hangs: %s\n%s" % (
                words, (late.stderr or b"").decode(errors="replace"))) from None
        return Result(done)

    def start(self, *words, env=None, **options):
        return subprocess.Popen(
            self.argv(*words), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(self.env, **(env or {})), cwd=self.home, **options)

    def login(self, password=PASSWORD):
        """As a person would, with the code that the devices show."""
        old = self.sim.code()
        process = subprocess.Popen(
            self.argv("--root", self.root, "--account", ACCOUNT, "login",
                      "--stdin"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.env, cwd=self.home)
        process.stdin.write((password + "\n").encode())
        process.stdin.flush()
        code = wait_for(lambda: newer(self.sim.code(), old), process)
        out, err = process.communicate(
            (code + "\n").encode() if code else b"", timeout=PATIENCE_S)
        return Result(subprocess.CompletedProcess(
            [], process.returncode, out, err))

    def sync(self, *words, **options):
        return self.run("sync", "--root", self.root, *words, **options)

    def verify(self, *words, **options):
        return self.run("verify", "--root", self.root, *words, **options)

    def status(self, *words, **options):
        return self.run("status", "--root", self.root, *words, **options)

    def files(self):
        """Path from ROOT -> bytes on disk, of everything that has a final
        name; links of albums are none of it."""
        found = {}
        for folder, names, files in os.walk(self.root):
            for own in (".icloud-pull", "Albums"):
                if folder == self.root and own in names:
                    names.remove(own)
            for name in files:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, self.root)] = path
        return found

    def snapshot(self):
        """Everything under ROOT with its times, to see that nothing moves."""
        seen = {}
        for folder, names, files in os.walk(self.root):
            for name in [".", *files]:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                seen[path] = (st.st_ino, st.st_size, st.st_mtime_ns,
                              st.st_ctime_ns, st.st_mode)
        return seen


def newer(answer, old):
    return None if answer == old else answer


def wait_for(question, process):
    """Ask until there is an answer or the process has ended."""
    while process.poll() is None:
        answer = question()
        if answer is not None:
            return answer
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            pass
    return question()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def compare(test, copy, truth=None, extra=frozenset()):
    """Each content of the truth is there exactly once, under a final name,
    and nothing else is; the sums file says the same."""
    truth = copy.sim.truth() if truth is None else truth
    wanted = {(t["sha256"], t["size"]) for t in truth}
    held = {}
    for name, path in copy.files().items():
        if name in extra:
            continue
        held.setdefault((sha256_of(path), os.path.getsize(path)),
                        []).append(name)
    missing = wanted - set(held)
    test.assertEqual(missing, set(), "not on the disk: %s" % [
        t for t in truth if (t["sha256"], t["size"]) in missing][:5])
    doubled = {k: v for k, v in held.items() if len(v) > 1}
    test.assertEqual(doubled, {}, "stored twice")
    return held, wanted


def check_sums(test, copy):
    """`sha256sum -c` passes, and the lines are the files, each once."""
    sums = os.path.join(copy.root, ".icloud-pull", "SHA256SUMS")
    done = subprocess.run(["sha256sum", "--strict", "--quiet", "-c", sums],
                          cwd=copy.root, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    test.assertEqual(done.returncode, 0, done.stdout.decode())
    with open(sums, encoding="utf-8") as file:
        names = [line.rstrip("\n")[66:] for line in file]
    test.assertEqual(len(names), len(set(names)), "a line twice")
    return set(names)


class Case(unittest.TestCase):
    """A simulated iCloud and an empty copy for each test."""

    sim_options = ()
    assets = 60
    seed = 1

    def setUp(self):
        self.sim = Sim(*self.sim_options, assets=self.assets, seed=self.seed)
        self.addCleanup(self.sim.close)
        self.copy = Copy(self.sim)
        self.addCleanup(self.copy.close)

    def signed_in(self):
        result = self.copy.login()
        self.assertEqual(result.status, 0, str(result))
        return self.copy

    def status_is(self, result, status):
        self.assertEqual(result.status, status, str(result))

    def no_violations(self):
        counters = self.sim.counters()
        self.assertEqual(counters["violations"], [])
        self.assertEqual(counters["by"].get("records_modify", 0), 0)


def main():
    """Run the tests of the module that was started; the last line counts."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules["__main__"])
    if len(sys.argv) > 1:
        suite = unittest.defaultTestLoader.loadTestsFromNames(
            sys.argv[1:], sys.modules["__main__"])
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    print("%d passed, %d failed, %d skipped" %
          (result.testsRun - bad - skipped, bad, skipped))
    sys.exit(1 if bad else 0)


def stop(process, signo=signal.SIGINT):
    process.send_signal(signo)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Result(subprocess.CompletedProcess(
        [], process.returncode, out, err))
