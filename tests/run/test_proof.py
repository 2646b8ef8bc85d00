"""The proof of completeness: iCloud's own indexes as a witness of its feed."""

import harness

DAY_S = 24 * 3600


class Proof(harness.Case):
    assets = 120

    def setUp(self):
        super().setUp()
        self.sim.change("account_set", trust_days=3650)

    def library(self, copy=None):
        """What status says of the personal library."""
        result = (copy or self.copy).status("--json")
        self.status_is(result, 0)
        return [e for e in result.events()
                if e["event"] == "compared" and e["zone"] == "PrimarySync"][0]

    def differences(self):
        result = self.copy.status("--json", "--gaps")
        self.status_is(result, 0)
        return {e["record"]: e for e in result.events()
                if e["event"] == "difference"}

    def gaps(self, result):
        return [(e["why"], e["stated"], e["detail"]) for e in result.events()
                if e["event"] == "gap"]

    def originals(self, *states):
        """Record names of assets, one file of each kept in the truth."""
        return sorted({t["asset"] for t in self.sim.truth()
                       if not states or t["state"] in states})

    def master(self, at):
        return self.sim.truth()[at]["master"]

    def agrees(self):
        library = self.library()
        self.assertTrue(library["agrees"], library)
        self.assertEqual(library["listed"], library["held"])
        self.assertEqual(library["listed"], library["proven"])
        self.assertEqual(library["ghosts"], 0)
        self.assertEqual(library["only_feed"], library["bursts"])
        return library

    def at(self, days):
        """The clock of program and simulator, so many days on."""
        self.sim.advance(days * DAY_S - getattr(self, "clock_s", 0))
        self.clock_s = days * DAY_S
        return harness.shimmed(SHIM_CLOCK=self.clock_s)

    def sync_at(self, days, *words):
        """A session is long over by then."""
        env = self.at(days)
        return self.copy.sync("--password-command",
                              "echo '%s'" % harness.PASSWORD, *words, env=env)


class Agreement(Proof):
    def test_the_first_run_proves_and_the_next_is_cheap(self):
        self.sim.change("shared_library", **{"as": "guest", "assets": 30})
        self.signed_in()
        result = self.copy.sync("--json")
        self.status_is(result, 0)
        harness.compare(self, self.copy)
        verdict = result.event("verdict")
        self.assertTrue(verdict["agrees"])
        self.assertIn("agreed with iCloud's index on", verdict["text"])
        library = self.agrees()
        truth = self.originals()
        counts = {c["what"]: c for c in library["counts"]}
        self.assertEqual(
            counts["Hidden"]["stated"], counts["Hidden"]["seen"])
        self.assertEqual(counts["Recently Deleted"]["stated"],
                         counts["Recently Deleted"]["seen"])
        self.assertEqual(library["indexing"], "FINISHED")
        shared = [e for e in self.copy.status("--json").events()
                  if e["event"] == "compared" and e["database"] == "shared"]
        self.assertTrue(shared[0]["agrees"], shared)
        self.assertEqual(
            library["listed"] + shared[0]["listed"], len(truth))
        # Frames of bursts that no index shows: looked up, and explained.
        self.assertGreater(library["bursts"], 0)
        self.assertEqual(
            library["stated"] + library["bursts"], library["listed"])
        text = self.copy.status().out
        self.assertIn("stated, ", text)
        self.assertIn("iCloud's index agreed on", text)
        self.sim.reset_counters()
        self.status_is(self.copy.sync(), 0)
        self.assertEqual(self.sim.counters()["requests"], 3)
        self.no_violations()

    def test_again_after_thirty_days_or_when_asked(self):
        self.signed_in()
        self.status_is(self.copy.sync(), 0)
        for days, queries in ((29, 0), (31, 1)):
            self.sim.reset_counters()
            self.status_is(self.sync_at(days), 0)
            by = self.sim.counters()["by"]
            self.assertEqual(by["records_query"] > 0, queries > 0, days)
            self.assertEqual(by["content"], 0)
        self.sim.reset_counters()
        self.status_is(self.sync_at(32, "--prove"), 0)
        by = self.sim.counters()["by"]
        self.assertGreater(by["records_query"], 0)
        self.assertGreater(by["count_batch"], 0)
        self.agrees()
        before = self.copy.snapshot()
        self.status_is(self.sync_at(33, "--prove"), 0)
        self.assertEqual(self.copy.snapshot(), before)
        self.no_violations()

    def test_dry_runs_and_verify_leave_it_alone(self):
        self.signed_in()
        self.status_is(self.copy.sync("--dry-run"), 0)
        self.assertIsNone(self.library()["compared"])
        self.status_is(self.copy.sync(), 0)
        first = self.agrees()["compared"]
        self.assertIsNotNone(first)
        self.status_is(self.copy.verify(env=self.at(40)), 0)
        self.assertEqual(self.agrees()["compared"], first)


class Differences(Proof):
    def synced(self):
        self.signed_in()
        self.status_is(self.copy.sync(), 0)
        self.agrees()

    def test_what_the_feed_leaves_out_is_found(self):
        lost = self.originals("live")[3:6]
        self.signed_in()
        self.sim.hook("changes_zone", "leave_out", value=",".join(lost),
                      times=-1)
        result = self.copy.sync()
        self.status_is(result, 0)
        self.assertIn("3 photos that its list of changes has left out",
                      result.err)
        harness.compare(self, self.copy)
        named = self.differences()
        for name in lost:
            self.assertEqual((named[name]["only"], named[name]["look_up"]),
                             ("index", "found"))
        self.agrees_but_for(3)
        # It was explained; nothing is asked each night.
        self.sim.reset_counters()
        self.status_is(self.copy.sync(), 0)
        self.assertEqual(self.sim.counters()["requests"], 3)

    def agrees_but_for(self, n):
        library = self.library()
        self.assertTrue(library["agrees"])
        self.assertEqual(library["only_index"], n)

    def test_what_the_index_leaves_out_is_kept(self):
        self.signed_in()
        lost = self.originals("live")[3:5]
        self.sim.hook("records_query", "leave_out", value=",".join(lost),
                      times=-1)
        # Apple counts them all the same, and gives them by name.
        self.status_is(self.copy.sync(), 0)
        harness.compare(self, self.copy)
        named = self.differences()
        for name in lost:
            self.assertEqual((named[name]["only"], named[name]["look_up"]),
                             ("feed", "found"))
        self.status_is(self.copy.sync(), 0)
        self.sim.clear_faults()
        self.status_is(self.copy.sync("--prove"), 0)
        self.agrees()

    def test_ghosts(self):
        """In an index for ever, and no look-up finds them: told once, known
        afterwards, and the night stays cheap (B013)."""
        self.synced()
        self.sim.change("add", count=2)
        ghosts = [a for a in self.originals("live")
                  if a not in {e["record"] for e in self.named()}]
        self.assertEqual(len(ghosts), 2)
        self.sim.hook("changes_zone", "leave_out", value="", times=-1)
        self.sim.hook("records_lookup", "lookup_not_found",
                      value=",".join(ghosts), times=-1)
        result = self.copy.sync("--prove", "--json")
        self.status_is(result, 1)
        told = [e for e in result.events() if e["event"] == "gap"]
        self.assertEqual(sorted(e["record"] for e in told), sorted(ghosts))
        self.assertEqual({e["why"] for e in told}, {"ghost"})
        self.assertFalse(result.event("verdict")["agrees"])
        self.sim.reset_counters()
        again = self.copy.sync("--json")
        self.status_is(again, 0)
        self.assertEqual(self.sim.counters()["requests"], 3)
        self.assertEqual(again.event("verdict")["gaps"], 2)
        self.status_is(self.copy.sync("--strict"), 1)
        # Apple has found them.
        self.sim.clear_faults()
        self.sim.change("favourite", asset=ghosts)
        self.status_is(self.copy.sync("--prove"), 0)
        self.agrees()
        harness.compare(self, self.copy)

    def named(self):
        return [e for e in self.copy.run(
            "list", "assets", "--root", self.copy.root, "--json").events()
            if e["event"] == "asset"]

    def test_more_stated_than_listed(self):
        """B013: 33 more, for ever."""
        self.signed_in()
        self.sim.hook("count_batch", "count_offset",
                      value="33@CPLAssetByAssetDateWithoutHiddenOrDeleted",
                      times=-1)
        result = self.copy.sync("--json")
        self.status_is(result, 1)
        [(why, stated, detail)] = self.gaps(result)
        self.assertEqual((why, stated), ("miscounted", "the library"))
        n = [c for c in self.library()["counts"]
             if c["what"] == "the library"][0]
        self.assertEqual(n["stated"], n["seen"] + 33)
        self.assertEqual(
            detail, "%d stated, %d listed." % (n["stated"], n["seen"]))
        harness.compare(self, self.copy)
        self.sim.reset_counters()
        again = self.copy.sync("--json")
        self.status_is(again, 0)
        self.assertLessEqual(self.sim.counters()["requests"], 3)
        self.assertEqual(again.event("verdict")["gaps"], 1)
        self.assertIn("1 known gap", again.event("verdict")["text"])
        gap = self.copy.status("--gaps").out
        self.assertIn("Known gap: the library of PrimarySync: ", gap)

    def test_a_session_that_ends_while_names_are_looked_up(self):
        """What was asked is asked again, and no name is passed over."""
        self.synced()
        lost = self.originals("live")[3:5]
        self.sim.hook("records_query", "leave_out", value=",".join(lost),
                      times=-1)
        self.sim.fault("records_lookup", "status", status=421, times=1)
        self.status_is(self.copy.sync("--prove"), 0)
        named = self.differences()
        for name in lost:
            self.assertEqual((named[name]["only"], named[name]["look_up"]),
                             ("feed", "found"))

    def test_a_name_that_no_look_up_answers_is_a_gap(self):
        self.synced()
        before = set(self.originals())
        self.sim.change("add", count=2)
        new = sorted(set(self.originals()) - before)
        self.sim.hook("changes_zone", "leave_out", value=",".join(new),
                      times=-1)
        self.sim.fault("records_lookup", "status", status=400, times=-1,
                       body='{"serverErrorCode":"BAD_REQUEST","reason":"no"}')
        result = self.copy.sync("--prove", "--json")
        self.status_is(result, 1)
        self.assertEqual(
            sorted(e["record"] for e in result.events()
                   if e["event"] == "gap" and e["why"] == "ghost"), new)
        self.sim.clear_faults()
        self.status_is(self.copy.sync("--prove"), 0)
        harness.compare(self, self.copy)

    def test_a_known_gap_of_numbers_that_grows_is_new(self):
        self.signed_in()
        counted = "@CPLAssetByAssetDateWithoutHiddenOrDeleted"
        for offset, status in ((33, 1), (33, 0), (12, 0), (50, 1), (50, 0)):
            with self.subTest(offset=offset, status=status):
                self.sim.clear_faults()
                self.sim.hook("count_batch", "count_offset",
                              value="%d%s" % (offset, counted), times=-1)
                self.status_is(self.copy.sync("--prove"), status)

    def test_states_a_count_and_lists_nothing(self):
        """B015: Recently Deleted states twelve more, and they are not there."""
        self.signed_in()
        self.sim.hook("count_batch", "count_offset",
                      value="12@CPLAssetDeletedByExpungedDate", times=-1)
        result = self.copy.sync("--json")
        self.status_is(result, 1)
        self.assertEqual([g[:2] for g in self.gaps(result)],
                         [("miscounted", "Recently Deleted")])
        harness.compare(self, self.copy)
        self.sim.clear_faults()
        self.status_is(self.copy.sync("--prove"), 0)
        self.agrees()

    def test_an_index_that_is_never_finished(self):
        """B109"""
        self.signed_in()
        self.sim.hook("records_query", "not_indexed", times=-1)
        result = self.copy.sync("--json")
        self.status_is(result, 1)
        self.assertEqual([g[0] for g in self.gaps(result)], ["unindexed"])
        harness.compare(self, self.copy)
        text = self.copy.status("--gaps").out
        self.assertIn("still making its index (RUNNING)", text)
        self.sim.reset_counters()
        again = self.copy.sync()
        self.status_is(again, 0)
        self.assertIn("differed from iCloud's index", again.out)
        self.assertEqual(self.sim.counters()["requests"], 3)
        # It is asked again before thirty days are over.
        self.sim.clear_faults()
        self.status_is(self.sync_at(2), 0)
        self.agrees()


class Walk(Proof):
    """What goes wrong while an index is read."""

    assets = 450

    def whole(self, result, status=0):
        self.status_is(result, status)
        harness.compare(self, self.copy)
        self.no_violations()

    def test_an_empty_page_ends_nothing(self):
        """B003: once, and always at a rank."""
        self.signed_in()
        self.sim.hook("records_query", "empty_page", skip=3, times=1)
        self.whole(self.copy.sync())
        self.agrees()
        # An index that ends too early: what it does not have is asked for by
        # name, each, and was never less.
        self.sim.hook("records_query", "empty_page", skip=2, times=-1)
        self.whole(self.copy.sync("--prove"))
        named = self.differences().values()
        self.assertEqual({(d["only"], d["look_up"]) for d in named},
                         {("feed", "found")})
        self.assertGreater(len(named), 100)
        self.sim.clear_faults()
        self.whole(self.copy.sync("--prove"))
        self.agrees()

    def test_a_service_with_joint_indexes_alone(self):
        """A page of those has half as many assets."""
        self.signed_in()
        self.whole(self.copy.sync())
        self.sim.hook("records_query", "joint_only", times=-1)
        self.whole(self.copy.sync("--prove"))
        self.agrees()
        bursts = len(self.differences())
        # A page in the middle of the index that stays empty, and no more.
        self.sim.clear_faults()
        self.sim.hook("records_query", "empty_page", skip=5, times=3)
        self.sim.hook("records_query", "joint_only", times=-1)
        self.whole(self.copy.sync("--prove"))
        self.assertEqual(len(self.differences()), bursts + 100)

    def test_a_feed_that_goes_on_with_nothing(self):
        """B003: an empty page for ever is no end."""
        self.signed_in()
        self.sim.hook("changes_zone", "empty_page", skip=2, times=-1)
        result = self.copy.sync("--json")
        self.status_is(result, 6)
        self.assertFalse(result.event("verdict")["complete"])
        self.assertIn("does not end", result.err)
        self.sim.clear_faults()
        self.whole(self.copy.sync())
        self.agrees()

    def test_assets_leave_while_they_are_paged(self):
        """B004: one before each page, in windows of ranks and by markers."""
        self.signed_in()
        self.sim.hook("records_query", "trash_one", times=-1)
        self.whole(self.copy.sync())
        library = self.library()
        self.assertEqual(library["listed"], library["held"])
        self.whole(self.copy.sync("--prove"))
        self.sim.clear_faults()
        self.whole(self.copy.sync("--prove"))
        self.agrees()

    def test_assets_leave_while_nothing_else_lists_them(self):
        """B004: where the feed cannot be passed, ranks that shift lose none
        of those that stay."""
        def missing():
            held = {harness.sha256_of(path)
                    for path in self.copy.files().values()}
            return {t["asset"] for t in self.sim.truth()
                    if t["state"] == "live" and t["sha256"] not in held}

        self.sim.hook("changes_zone", "empty_page", skip=1, times=-1)
        self.signed_in()
        self.status_is(self.copy.sync(), 6)
        frames = missing() # of bursts; no index has them
        self.assertLess(len(frames), 20)
        self.copy = harness.Copy(self.sim)
        self.addCleanup(self.copy.close)
        self.sim.clear_faults()
        self.sim.hook("changes_zone", "empty_page", skip=1, times=-1)
        self.sim.hook("records_query", "trash_one", times=-1)
        self.signed_in()
        trashed = len(self.originals("trashed"))
        self.status_is(self.copy.sync(), 6)
        self.assertGreater(len(self.originals("trashed")), trashed + 4)
        self.assertLessEqual(missing(), frames)

    def test_trouble_on_the_way(self):
        for fault in (("status", {"status": 503, "retry_after": 1}),
                      ("status", {"status": 408}), ("reset", {}),
                      ("cut", {"after_bytes": 1000}),
                      ("status", {"status": 421})):
            with self.subTest(fault=fault):
                sim = harness.Sim(assets=250, seed=7)
                self.addCleanup(sim.close)
                copy = harness.Copy(sim)
                self.addCleanup(copy.close)
                self.assertEqual(copy.login().status, 0)
                sim.fault("records_query", fault[0], skip=4, times=1,
                          **fault[1])
                self.status_is(copy.sync(), 0)
                harness.compare(self, copy)
                self.assertTrue(self.library(copy)["agrees"])
                sim.fault("records_query", fault[0], skip=2, times=1,
                          **fault[1])
                self.status_is(copy.sync("--prove"), 0)
                self.assertTrue(self.library(copy)["agrees"])

    def test_a_session_that_ends_beside_what_ends_the_walk(self):
        """Pages side by side: one finds no session, others no index."""
        self.signed_in()
        self.sim.fault("records_query", "status", status=421, skip=4, times=1)
        self.sim.fault("records_query", "status", status=400, skip=4, times=-1,
                       body='{"serverErrorCode":"BAD_REQUEST","reason":"no"}')
        self.whole(self.copy.sync(), 1)
        self.sim.clear_faults()
        self.status_is(self.copy.sync("--prove"), 0)
        self.agrees()

    def test_a_session_that_ends_after_what_ends_the_listing(self):
        """Pages still on their way find that the session is over."""
        sim = harness.Sim("--delay-ms", 300, assets=450)
        self.addCleanup(sim.close)
        copy = harness.Copy(sim)
        self.addCleanup(copy.close)
        self.status_is(copy.login(), 0)
        sim.fault("changes_zone", "delay", ms=150, times=1)
        sim.fault("changes_zone", "status", status=503, retry_after=600,
                  skip=2, times=-1)
        sim.fault("records_query", "status", status=421, skip=3, times=-1)
        self.status_is(copy.sync(), 4)

    def test_an_index_that_cannot_be_read(self):
        """The copy is whole all the same; that it is not proven is said."""
        self.signed_in()
        self.sim.fault("records_query", "status", status=400, times=-1,
                       body='{"serverErrorCode":"BAD_REQUEST","reason":"no"}')
        result = self.copy.sync("--json")
        self.whole(result, 1)
        self.assertIn("could not be compared with iCloud's index", result.err)
        self.assertIsNone(result.event("verdict")["compared"])
        # Not each night.
        self.status_is(self.copy.sync(), 0)
        # Also if the list is read once more, for what vanishes meanwhile.
        self.sim.change("add", count=1)
        self.sim.fault("records_lookup", "hook", hook="lookup_not_found",
                       value=self.master(-1), times=1)
        self.whole(self.copy.sync("--prove"), 1)
        self.sim.clear_faults()
        self.status_is(self.sync_at(2), 0)
        self.agrees()

    def test_the_feed_cannot_be_passed(self):
        """What the indexes have is fetched all the same."""
        self.signed_in()
        self.sim.fault("changes_zone", "status", status=500, skip=2,
                       times=-1)
        result = self.copy.sync("--json")
        self.assertIn(result.status, (1, 4), str(result))
        live = {t["sha256"] for t in self.sim.truth()
                if t["state"] == "live"}
        held = {harness.sha256_of(path) for path in self.copy.files().values()}
        self.assertGreater(len(live & held), len(live) * 3 / 4)
        self.sim.clear_faults()
        self.whole(self.copy.sync())
        self.agrees()

    def test_a_failing_shared_index_stops_nothing(self):
        self.sim.change("shared_library", **{"as": "guest", "assets": 30})
        self.signed_in()
        self.sim.fault("records_query", "status", match="/shared/",
                       status=400, times=-1,
                       body='{"serverErrorCode":"BAD_REQUEST","reason":"no"}')
        self.whole(self.copy.sync(), 1)
        self.agrees()


if __name__ == "__main__":
    harness.main()
