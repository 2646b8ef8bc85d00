"""Stopped at any moment, nothing is lost and nothing is wrong.

Every step by which the program changes the disk is counted by the preloaded
shim; the program is killed before step N, run again, and compared with the
truth.  With TORTURE_S=0 every step is tried; otherwise a random sample for so
many seconds, whose seed is printed.
"""

import errno
import os
import random
import shutil
import subprocess
import time
import unittest

import harness
from harness import Copy, Sim, check_sums, compare, main, sha256_of

SECONDS = int(os.environ.get("TORTURE_S", "60"))
SEED = int(os.environ.get("TORTURE_SEED", random.randrange(1 << 32)))


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("torture: %d s a test, TORTURE_SEED=%d" % (SECONDS, SEED))
        cls.sim = Sim("--sizes", "tiny", assets=14, seed=3)
        cls.addClassCleanup(cls.sim.close)
        # One signed-in home, copied for each try.
        cls.model = Copy(cls.sim)
        cls.addClassCleanup(cls.model.close)
        assert cls.model.login().status == 0
        cls.truth = cls.sim.truth()

    def fresh(self):
        copy = Copy(self.sim)
        shutil.rmtree(copy.home)
        shutil.copytree(self.model.home, copy.home, symlinks=True)
        self.addCleanup(copy.close)
        return copy

    def shimmed(self, copy, **shim):
        result = copy.sync(env=harness.shimmed(**shim))
        self.assertNotIn("ASan", result.err)
        return result

    def count_steps(self):
        copy = self.fresh()
        count = os.path.join(copy.home, "count")
        result = self.shimmed(copy, SHIM_COUNT=count)
        self.assertEqual(result.status, 0, str(result))
        with open(count, encoding="ascii") as file:
            return int(file.read())

    def steps(self, most):
        """All of them, or as many random ones as the time allows."""
        numbers = list(range(1, most + 1))
        if SECONDS == 0:
            yield from numbers
            return
        random.Random(SEED).shuffle(numbers)
        end = time.monotonic() + SECONDS
        for n in numbers:
            if time.monotonic() > end:
                break
            yield n

    def nothing_wrong(self, copy):
        """Whatever has a final name is right, at any moment."""
        right = {t["sha256"] for t in self.truth}
        for name, path in copy.files().items():
            self.assertIn(sha256_of(path), right, name)

    def whole_again(self, copy):
        result = copy.sync()
        self.assertEqual(result.status, 0, str(result))
        compare(self, copy, self.truth)
        self.assertEqual(check_sums(self, copy), set(copy.files()))
        partial = os.path.join(copy.root, ".icloud-pull",
                               "partial.noindex")
        self.assertEqual(os.listdir(partial), [])
        before = copy.snapshot()
        self.assertEqual(copy.sync().status, 0)
        self.assertEqual(copy.snapshot(), before)

    def test_killed_before_any_step(self):
        most = self.count_steps()
        self.assertGreater(most, 100)
        done = 0
        for n in self.steps(most):
            with self.subTest(step=n, seed=SEED):
                copy = self.fresh()
                result = self.shimmed(copy, SHIM_KILL_AT=str(n))
                self.assertIn(result.status, (-9, 0))
                self.nothing_wrong(copy)
                self.whole_again(copy)
                copy.close()
                done += 1
        print("torture: %d of %d steps" % (done, most))

    def test_killed_twice(self):
        most = self.count_steps()
        rng = random.Random(SEED + 1)
        end = time.monotonic() + (SECONDS or 120) / 2
        while time.monotonic() < end:
            first, second = rng.randint(1, most), rng.randint(1, most)
            with self.subTest(steps=(first, second), seed=SEED):
                copy = self.fresh()
                self.shimmed(copy, SHIM_KILL_AT=str(first))
                self.shimmed(copy, SHIM_KILL_AT=str(second))
                self.nothing_wrong(copy)
                self.whole_again(copy)
                copy.close()

    def test_a_failing_call_loses_nothing(self):
        for name in ("fsync", "rename", "write", "pwrite", "create", "mkdir",
                     "fdatasync"):
            for error in (errno.EIO, errno.ENOSPC):
                for n in (0, 1, 2, 5):
                    with self.subTest(call=name, error=error, n=n):
                        copy = self.fresh()
                        result = self.shimmed(
                            copy, SHIM_FAIL="%s:%d:%d" % (name, n, error))
                        self.assertIn(result.status, (0, 1, 5), str(result))
                        if n == 0:
                            self.assertNotEqual(result.status, 0,
                                                str(result))
                        self.nothing_wrong(copy)
                        self.whole_again(copy)
                        copy.close()


class Mending(unittest.TestCase):
    """verify --repair, stopped at any moment: what is damaged is somewhere, and
    the next run makes the copy whole."""

    seconds = SECONDS and max(1, SECONDS // 4)

    @classmethod
    def setUpClass(cls):
        cls.sim = Sim("--sizes", "tiny", assets=10, seed=4)
        cls.addClassCleanup(cls.sim.close)
        cls.model = Copy(cls.sim)
        cls.addClassCleanup(cls.model.close)
        assert cls.model.login().status == 0
        assert cls.model.sync().status == 0
        cls.truth = cls.sim.truth()
        names = sorted(n for n, p in cls.model.files().items()
                       if os.path.getsize(p) > 10)
        cls.kept = {}
        for name in names[:3]:
            path = os.path.join(cls.model.root, name)
            os.chmod(path, 0o644)
            with open(path, "r+b") as file:
                file.write(b"damage")
            cls.kept[name] = sha256_of(path)
        path = os.path.join(cls.model.root, names[3])
        os.unlink(path)
        os.mkdir(path)
        with open(os.path.join(path, "mine"), "wb") as file:
            file.write(b"mine")
        cls.kept[names[3] + "/mine"] = sha256_of(os.path.join(path, "mine"))
        os.unlink(os.path.join(cls.model.root, names[4]))
        os.rename(os.path.join(cls.model.root, names[5]),
                  os.path.join(cls.model.root, "moved"))

    def fresh(self):
        copy = Copy(self.sim)
        shutil.rmtree(copy.home)
        shutil.copytree(self.model.home, copy.home, symlinks=True)
        self.addCleanup(copy.close)
        # It lies somewhere else, and the model is still there.
        known = os.path.join(copy.state, "copies")
        with open(known, encoding="utf-8") as file:
            text = file.read()
        with open(known, "w", encoding="utf-8") as file:
            file.write(text.replace(self.model.root, copy.root))
        return copy

    def repair(self, copy, **shim):
        return copy.verify("--repair", env=harness.shimmed(**shim))

    def kept_somewhere(self, copy):
        """Bytes that were damaged, and what stood in a place: nothing of it is
        ever gone."""
        top = os.path.join(copy.root, ".icloud-pull", "quarantine")
        found = {}
        for folder, _, files in os.walk(top):
            for name in files:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, top).split("/", 1)[1]] = path
        for name, digest in self.kept.items():
            path = found.get(name, os.path.join(copy.root, name))
            self.assertEqual(sha256_of(path), digest, name)
        return found

    def test_killed_before_any_step(self):
        copy = self.fresh()
        count = os.path.join(copy.home, "count")
        result = self.repair(copy, SHIM_COUNT=count)
        self.assertEqual(result.status, 0, str(result))
        with open(count, encoding="ascii") as file:
            numbers = list(range(1, int(file.read()) + 1))
        end = time.monotonic() + self.seconds
        if self.seconds:
            random.Random(SEED).shuffle(numbers)
        done = 0
        for n in numbers:
            if self.seconds and time.monotonic() > end:
                break
            with self.subTest(step=n, seed=SEED):
                copy = self.fresh()
                self.repair(copy, SHIM_KILL_AT=str(n))
                self.kept_somewhere(copy)
                if n % 2:
                    self.assertIn(copy.sync().status, (0, 1))
                    self.kept_somewhere(copy)
                result = copy.verify("--repair")
                self.assertEqual(result.status, 0, str(result))
                self.assertEqual(set(self.kept_somewhere(copy)),
                                 set(self.kept))
                compare(self, copy, self.truth)
                self.assertEqual(check_sums(self, copy), set(copy.files()))
                before = copy.snapshot()
                self.assertEqual(copy.verify("--repair").status, 0)
                self.assertEqual(copy.sync().status, 0)
                self.assertEqual(copy.snapshot(), before)
                copy.close()
                done += 1
        print("torture: %d of %d steps of mending" % (done, len(numbers)))


class Killed(unittest.TestCase):
    """SIGKILL at random moments of a larger run."""

    def test_random_moments(self):
        times = int(os.environ.get("KILLS", "10"))
        rng = random.Random(SEED)
        sim = Sim(assets=int(os.environ.get("KILL_ASSETS", "300")), seed=11)
        self.addCleanup(sim.close)
        copy = Copy(sim)
        self.addCleanup(copy.close)
        self.assertEqual(copy.login().status, 0)
        truth = sim.truth()
        right = {t["sha256"] for t in truth}
        for n in range(times):
            process = copy.start("sync", "--root", copy.root)
            try:
                process.wait(rng.uniform(0.02, 1.0))
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            for name, path in copy.files().items():
                self.assertIn(sha256_of(path), right, (name, n, SEED))
        result = copy.sync()
        self.assertEqual(result.status, 0, str(result))
        compare(self, copy, truth)
        self.assertEqual(check_sums(self, copy), set(copy.files()))


if __name__ == "__main__":
    main()
