"""The cloud after a theft: what was deleted there is said once, loudly, and
nothing held here becomes less (B078, B083)."""

import signal

import harness


class Theft(harness.Case):
    assets = 100

    def setUp(self):
        super().setUp()
        self.signed_in()
        self.status_is(self.copy.sync(), 0)
        self.held = {path: harness.sha256_of(full)
                     for path, full in self.copy.files().items()}

    def all_is_kept(self):
        for path, digest in self.held.items():
            self.assertEqual(
                harness.sha256_of(self.copy.files()[path]), digest, path)

    def alarmed(self, result):
        self.status_is(result, 7)
        verdict = result.event("verdict")
        self.assertEqual((verdict["status"], verdict["reason"]), (7, "alarm"))
        self.assertIn("Alarm: ", verdict["text"])
        self.assertIn("were deleted in iCloud", result.err)
        self.assertIn("iforgot.apple.com", result.err)

    def test_a_mass_of_deletions_is_an_alarm_once(self):
        """B078"""
        self.sim.change("mass_trash", percent=40)
        self.alarmed(self.copy.sync("--json"))
        self.all_is_kept()
        self.status_is(self.copy.sync(), 0)
        # What expires in the trash was known to be there.
        self.sim.change("purge", count=100)
        self.status_is(self.copy.sync(), 0)
        self.all_is_kept()

    def test_all_at_once_and_for_good(self):
        """B083: an empty library takes nothing away here."""
        self.sim.change("mass_trash", percent=100)
        self.sim.change("purge", count=1000)
        self.alarmed(self.copy.sync("--json"))
        self.all_is_kept()
        self.status_is(self.copy.sync(), 0)

    def test_a_run_that_is_killed_leaves_it_to_the_next(self):
        self.sim.change("mass_trash", percent=40)
        said = []
        for step in range(1, 1000):
            result = self.copy.sync("--json", env=harness.shimmed(
                SHIM_KILL_AT=step))
            said += [e["status"] for e in result.events()
                     if e["event"] == "verdict"]
            if result.status != -9:
                break
        self.assertGreater(step, 10)
        self.assertIn(7, said)

    def test_a_run_that_is_stopped_leaves_it_to_the_next(self):
        self.sim.change("mass_trash", percent=40)
        self.sim.change("add", count=1)
        self.sim.fault("content", "stall", times=-1)
        self.sim.reset_counters()
        process = self.copy.start("sync", "--root", self.copy.root)
        harness.wait_for(
            lambda: self.sim.counters()["by"].get("content") or None, process)
        self.assertEqual(harness.stop(process, signal.SIGTERM).status, 130)
        self.sim.clear_faults()
        self.alarmed(self.copy.sync("--json"))
        self.status_is(self.copy.sync(), 0)

    def test_whoever_lists_first_the_run_that_fetches_sounds_it(self):
        self.sim.change("mass_trash", percent=40)
        result = self.copy.verify()
        self.status_is(result, 0)
        self.assertIn("were deleted in iCloud", result.err)
        result = self.copy.sync("--dry-run")
        self.status_is(result, 0)
        self.alarmed(self.copy.sync("--json"))

    def test_tidying_up_is_none(self):
        self.sim.change("trash", count=10)
        self.status_is(self.copy.sync(), 0)

    def test_a_move_to_the_shared_library_is_none(self):
        self.sim.change("move_to_shared", count=40)
        self.status_is(self.copy.sync(), 0)
        self.all_is_kept()


class Listing(harness.Case):
    assets = 60

    def test_a_list_that_broke_off_is_judged_with_the_rest_of_it(self):
        self.sim.change("shared_library", **{"as": "guest", "assets": 60})
        self.signed_in()
        self.status_is(self.copy.sync(), 0)
        self.sim.change("trash", count=18)
        self.sim.change("trash", count=18, zone="shared")
        self.sim.fault("changes_zone", "status", match="/shared/", status=400,
                       times=-1,
                       body='{"serverErrorCode":"BAD_REQUEST","reason":"no"}')
        result = self.copy.sync()
        self.assertIn(result.status, (1, 6), str(result))
        self.sim.clear_faults()
        self.status_is(self.copy.sync(), 7)
        self.status_is(self.copy.sync(), 0)


if __name__ == "__main__":
    harness.main()
