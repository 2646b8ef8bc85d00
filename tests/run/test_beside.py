"""A first run fetches while it lists."""

import signal

import harness


class Beside(harness.Case):
    assets = 300

    def slow_feed(self, ms=150):
        self.sim.fault("changes_zone", "delay", ms=ms, times=-1)

    def paths(self):
        """What was asked for, in order: names of counters."""
        return [r["name"] for r in self.log()]

    def log(self):
        return [harness.json.loads(line) for line in
                self.sim.control("/requests").decode().splitlines()]

    def whole(self):
        self.sim.clear_faults()
        self.status_is(self.copy.sync(), 0)
        harness.compare(self, self.copy)
        harness.check_sums(self, self.copy)
        before = self.copy.snapshot()
        self.sim.reset_counters()
        self.status_is(self.copy.sync(), 0)
        self.assertEqual(self.sim.counters()["requests"], 3)
        self.assertEqual(self.copy.snapshot(), before)
        self.no_violations()

    def started(self, count=5):
        """A first run that has some files, and is still listing."""
        self.signed_in()
        self.slow_feed(400)
        process = self.copy.start("sync", "--root", self.copy.root)
        harness.wait_for(
            lambda: len(self.copy.files()) >= count or None, process)
        self.assertIsNone(process.poll())
        return process

    def test_a_session_that_ends_twice_in_one_walk(self):
        self.signed_in()
        for page in (1, 2):
            self.sim.fault("changes_zone", "status", status=421, skip=page,
                           times=1)
        result = self.copy.sync()
        self.status_is(result, 0)
        self.assertEqual(result.err.count("The session has ended"), 2)
        self.whole()

    def test_files_are_here_before_the_list_is_complete(self):
        self.signed_in()
        self.slow_feed()
        self.sim.reset_counters()
        result = self.copy.sync("--json")
        self.status_is(result, 0)
        harness.compare(self, self.copy)
        paths = self.paths()
        last = len(paths) - 1 - paths[::-1].index("changes_zone")
        self.assertGreater(paths[:last].count("content"), 100)
        self.assertEqual(
            self.sim.counters()["by"]["content"],
            len([t for t in {(t["sha256"], t["size"])
                             for t in self.sim.truth()} if t[1] > 0]))
        events = [e["event"] for e in result.events()]
        self.assertLess(events.index("listing"), events.index("file"))
        self.assertLess(events.index("file"), events.index("forecast"))
        self.whole()

    def test_interrupted(self):
        process = self.started()
        result = harness.stop(process)
        self.status_is(result, 130)
        self.assertIn("Interrupted: ", result.out)
        held = set(self.copy.files())
        self.assertGreaterEqual(len(held), 5)
        self.whole()
        self.assertLessEqual(held, set(self.copy.files()))

    def test_killed(self):
        process = self.started()
        harness.stop(process, signal.SIGKILL)
        held = set(self.copy.files())
        self.whole()
        self.assertLessEqual(held, set(self.copy.files()))

    def test_the_session_ends_once_for_both(self):
        self.signed_in()
        self.slow_feed(50)
        for at in ("changes_zone", "records_query", "records_lookup"):
            self.sim.fault(at, "status", status=421, skip=2,
                           body='{"reason":"Missing X-APPLE-WEBAUTH-TOKEN '
                                'cookie","error":1}')
        result = self.copy.sync()
        self.status_is(result, 0)
        harness.compare(self, self.copy)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 1)  # login's
        self.whole()

    def test_what_cannot_be_listed_ends_the_fetch_as_well(self):
        self.signed_in()
        self.sim.fault("changes_zone", "reset", skip=3, times=-1)
        result = self.copy.sync("--json")
        self.status_is(result, 4)
        self.assertEqual(result.event("verdict")["reason"], "network")
        self.whole()

    def test_a_filter_by_name_waits_for_the_list(self):
        self.signed_in()
        self.slow_feed(20)
        for words, env in ((("--recent", "5"), {}),
                           ((), {"ICLOUD_PULL_RECENT": "5"})):
            result = self.copy.sync("--json", "--dry-run", *words, env=env)
            self.status_is(result, 0)
            copy = harness.Copy(self.sim)
            self.addCleanup(copy.close)
            self.assertEqual(copy.login().status, 0)
            result = copy.sync("--json", *words, env=env)
            self.status_is(result, 0)
            self.assertNotIn(
                "listing", [e["event"] for e in result.events()])
            self.assertLess(len(copy.files()), 20)
        self.whole()

    def test_a_disk_that_fails_ends_the_listing(self):
        self.signed_in()
        self.slow_feed()
        result = self.copy.sync(
            "--json", env=harness.shimmed(SHIM_FAIL="write:20:5"))
        self.status_is(result, 5)
        self.whole()


if __name__ == "__main__":
    harness.main()
