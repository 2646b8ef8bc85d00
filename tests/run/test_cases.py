"""Faults that other downloaders had, staged: completeness, pairs, incremental
runs.  Names and dates are in test_edges.py and test_volumes.py, what speaks of
index pages and counts is in test_proof.py."""

import glob
import json
import os
import resource
import signal
import sqlite3

import harness
from test_manifest import manifest


class Cases(harness.Case):
    def synced(self, *words, status=0):
        result = self.copy.sync("--json", *words)
        self.status_is(result, status)
        self.no_violations()
        return result

    def of(self, asset):
        """role -> path of what is here of an asset, which are those files of
        the truth and no others."""
        result = self.copy.run("list", "--root", self.copy.root, "--json")
        self.status_is(result, 0)
        found = [e for e in result.events() if e["record"] == asset]
        self.assertEqual(len(found), 1, asset)
        files = {f["role"]: f["path"] for f in found[0]["files"]}
        on_disk = self.copy.files()
        self.assertEqual(
            {role: harness.sha256_of(on_disk[path])
             for role, path in files.items()},
            {t["role"]: t["sha256"] for t in self.sim.truth()
             if t["asset"] == asset})
        return files

    def tried(self, *words):
        result = self.copy.sync("--json", *words)
        self.no_violations()
        return result

    def added(self, **values):
        """Names of the assets that an op_add has made."""
        before = {t["asset"] for t in self.sim.truth()}
        self.sim.change("add", **values)
        return sorted({t["asset"] for t in self.sim.truth()} - before)

    def stem(self, path):
        return os.path.splitext(path)[0]


class Complete(Cases):
    def test_assets_that_share_a_master(self):
        """B001: five pairs, siblings beside each other and pages apart; all
        are known, and each one's edit is fetched."""
        sim = harness.Sim("--sizes", "tiny", assets=300, seed=5)
        self.addCleanup(sim.close)
        self.sim = sim
        self.copy = harness.Copy(sim)
        self.addCleanup(self.copy.close)
        pairs = []
        near = self.added(kind="jpeg", count=3)
        far = [t["asset"] for t in sim.truth() if t["role"] == "original" and
               t["state"] == "live" and t["uti"] == "public.jpeg"][:2]
        for first in far + near:
            before = {t["asset"] for t in sim.truth()}
            sim.change("duplicate", asset=first)
            second, = {t["asset"] for t in sim.truth()} - before
            sim.change("edit", asset=[first, second])
            pairs.append((first, second))
        self.signed_in()
        self.synced()
        held, wanted = harness.compare(self, self.copy)
        self.assertEqual(set(held), wanted)
        lines = {path: {a["record"] for a in line["assets"]}
                 for path, (_, line) in manifest(self.copy).items()}
        for first, second in pairs:
            one, two = self.of(first), self.of(second)
            self.assertEqual(one["original"], two["original"])
            self.assertNotEqual(one["edited"], two["edited"])
            self.assertLessEqual({first, second}, lines[one["original"]])
            self.assertEqual(lines[one["edited"]], {first})
            self.assertEqual(lines[two["edited"]], {second})

    def test_the_same_bytes_in_two_libraries(self):
        """Known of both, in one run: fetched once, and both are told."""
        mine = self.added(kind="jpeg", count=4)
        self.sim.change("duplicate", asset=mine)
        self.sim.change("move_to_shared", asset=mine)
        self.signed_in()
        self.synced()
        held, wanted = harness.compare(self, self.copy)
        self.assertEqual(set(held), wanted)
        self.assertEqual(self.sim.counters()["by"]["content"],
                         len([size for _, size in wanted if size > 0]))
        both = [line for _, line in manifest(self.copy).values()
                if len({a["zone"] for a in line["assets"]
                        if a["cloud"] == "present"}) == 2]
        self.assertEqual(len(both), 4)

    def test_a_shared_library_on_either_side(self):
        """B006, B007: the owner's is in the private database, a guest's in the
        shared one; the default is all of them.  What is no library, such as a
        link somebody shares, is neither fetched nor talked about."""
        for side, database in (("owner", "private"), ("guest", "shared")):
            with self.subTest(side=side):
                sim = harness.Sim("--sizes", "tiny", assets=7, seed=5)
                self.addCleanup(sim.close)
                sim.change("shared_library",
                           **{"as": side, "assets": 430})
                sim.change("link_share", assets=3)
                copy = harness.Copy(sim)
                self.addCleanup(copy.close)
                self.assertEqual(copy.login().status, 0)
                result = copy.sync()
                self.status_is(result, 0)
                self.assertEqual(
                    [line for line in result.err.splitlines()
                     if "Every connection goes to" not in line], [])
                held, wanted = harness.compare(self, copy)
                self.assertEqual(set(held), wanted)
                result = copy.run("list", "libraries", "--root", copy.root,
                                  "--json")
                libraries = {e["name"]: e for e in result.events()}
                self.assertEqual(set(libraries), {"Personal", "Shared"})
                self.assertEqual(libraries["Shared"]["database"], database)
                self.assertEqual(libraries["Shared"]["assets"], 430)
                self.assertEqual(sim.counters()["violations"], [])

    def test_a_large_library_in_little_room(self):
        """B012, scaled down: few descriptors, little memory and room."""
        sim = harness.Sim("--sizes", "tiny", assets=5000, seed=5)
        self.addCleanup(sim.close)
        copy = harness.Copy(sim)
        self.addCleanup(copy.close)
        self.assertEqual(copy.login().status, 0)

        with open(harness.PROGRAM, "rb") as file:
            sanitized = b"__asan_init" in file.read()

        def narrow():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            if not sanitized: # which takes all the address space there is
                resource.setrlimit(
                    resource.RLIMIT_AS, (512 << 20, 512 << 20))

        process = copy.start("sync", "--root", copy.root, "-q",
                             preexec_fn=narrow)
        with process.stdout, process.stderr:
            said = process.stderr.read().decode()
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, said)
        if not sanitized:
            self.assertLess(used.ru_maxrss, 64 << 10) # KiB
        harness.compare(self, copy)

    def test_masters_that_pages_leave_out(self):
        """B011: had by name; and if not, each is a gap, told once."""
        self.signed_in()
        self.sim.hook("changes_zone", "no_master", value="4", times=-1)
        self.sim.hook("records_query", "no_master", value="4", times=-1)
        self.synced()
        harness.compare(self, self.copy)

        other = harness.Copy(self.sim)
        self.addCleanup(other.close)
        self.assertEqual(other.login().status, 0)
        lost = sorted({t["master"] for t in self.sim.truth()})[:3]
        self.sim.clear_faults()
        for at in ("changes_zone", "records_query"):
            self.sim.hook(at, "no_master", value=",".join(lost), times=-1)
        self.sim.hook("records_lookup", "lookup_not_found",
                      value=",".join(lost), times=-1)
        result = other.sync("--json")
        self.status_is(result, 1)
        told = [e for e in result.events() if e["event"] == "gap"]
        gone = {t["asset"] for t in self.sim.truth() if t["master"] in lost}
        self.assertEqual({e["record"] for e in told}, gone)
        again = other.sync("--json")
        self.status_is(again, 0)
        self.assertEqual(again.event("verdict")["gaps"], len(gone))
        harness.compare(self, other, [t for t in self.sim.truth()
                                      if t["asset"] not in gone])
        # Apple has found them.
        self.sim.clear_faults()
        self.sim.change("favourite", asset=sorted(gone))
        self.status_is(other.sync(), 0)
        harness.compare(self, other)

    def test_a_master_without_an_asset_is_kept_and_not_missed(self):
        self.signed_in()
        truth = self.sim.truth()
        lone = [t for t in truth if t["role"] == "original" and
                t["state"] == "live" and
                [u["master"] for u in truth].count(t["master"]) == 1][2]
        for at in ("changes_zone", "records_query"):
            self.sim.hook(at, "leave_out", value=lone["asset"], times=-1)
        self.sim.hook("count_batch", "count_offset", times=-1,
                      value="-1@CPLAssetByAddedDate,"
                      "CPLAssetByAssetDateWithoutHiddenOrDeleted")
        self.synced()
        rest = [t for t in truth if t["asset"] != lone["asset"]]
        held, wanted = harness.compare(self, self.copy, rest)
        self.assertEqual(set(held), wanted)
        # An asset refers to it at last.
        self.sim.clear_faults()
        self.sim.change("favourite", asset=lone["asset"])
        self.synced()
        harness.compare(self, self.copy)

    def test_frames_of_a_burst(self):
        """B017: all of them, of one burst by name."""
        frames = self.added(kind="burst", count=10)
        self.assertEqual(len(frames), 10)
        self.signed_in()
        self.synced()
        harness.compare(self, self.copy)
        bursts = {}
        for _, line in manifest(self.copy).values():
            for asset in line["assets"]:
                if asset["record"] in frames:
                    bursts[asset["record"]] = asset["burst"]
        self.assertEqual(set(bursts), set(frames))
        self.assertEqual(len(set(bursts.values())), 1, bursts)
        self.assertEqual(len({os.path.dirname(self.of(f)["original"])
                              for f in frames}), 1)

    def test_more_albums_than_a_page_has(self):
        for n in range(230):
            self.sim.change("album_add", name="Album %03d" % n)
        self.signed_in()
        self.synced()
        result = self.copy.run("list", "albums", "--root", self.copy.root,
                               "--json")
        titles = {e["title"] for e in result.events()}
        self.assertLessEqual({"Album %03d" % n for n in range(230)}, titles)

    def test_hidden_ones(self):
        """B016: they are fetched, and whoever hides one moves nothing."""
        hidden = self.added(kind="hidden", count=20)
        seen, = self.added(kind="jpeg")
        self.signed_in()
        self.synced()
        harness.compare(self, self.copy)
        for asset in hidden:
            self.assertIn("original", self.of(asset))

        def inodes():
            return {name: os.stat(path).st_ino
                    for name, path in self.copy.files().items()}

        before = inodes()
        self.sim.change("hide", asset=seen)
        self.synced()
        self.assertEqual(inodes(), before)
        path = self.of(seen)["original"]
        asset, = [a for a in manifest(self.copy)[path][1]["assets"]
                  if a["record"] == seen]
        self.assertTrue(asset["hidden"])

    def test_an_original_that_comes_a_night_later(self):
        """B014: a gap, told once, and all others are fetched."""
        self.signed_in()
        truth = self.sim.truth()
        one = [t for t in truth if t["role"] == "original" and
               t["state"] == "live" and t["uti"] == "public.jpeg" and
               [u["master"] for u in truth].count(t["master"]) == 1][2]
        for at in ("changes_zone", "records_query", "records_lookup"):
            self.sim.hook(at, "no_original", value=one["master"], times=-1)
        result = self.synced(status=1)
        gap, = [e for e in result.events() if e["event"] == "gap"]
        self.assertEqual((gap["record"], gap["why"]),
                         (one["asset"], "no-original"))
        harness.compare(self, self.copy, [
            t for t in truth if t["master"] != one["master"]])
        told = self.copy.status("--gaps")
        self.assertIn(one["filename"], told.out)
        self.synced() # known
        self.sim.clear_faults()
        self.sim.change("late_movie", asset=one["asset"])
        self.synced()
        harness.compare(self, self.copy)
        files = self.of(one["asset"])
        self.assertEqual(self.stem(files["original"]),
                         self.stem(files["live"]))

    def test_an_original_that_is_replaced(self):
        self.signed_in()
        one, = self.added(kind="jpeg")
        self.synced()
        old = self.of(one)["original"]
        digest = harness.sha256_of(self.copy.files()[old])
        self.sim.change("replace_original", asset=one)
        self.synced()
        harness.compare(self, self.copy)
        new = self.of(one)["original"]
        self.assertNotEqual(new, old)
        self.assertEqual(harness.sha256_of(self.copy.files()[old]), digest)

    def test_a_move_to_the_shared_library_fetches_nothing(self):
        """B086: one stored original, two references."""
        self.signed_in()
        self.synced()
        self.sim.reset_counters()
        self.sim.change("move_to_shared", count=10)
        self.synced()
        self.assertEqual(self.sim.counters()["by"]["content"], 0)
        harness.compare(self, self.copy)


class Pairs(Cases):
    def test_raw_twins_in_both_orders(self):
        """B064"""
        raw, = self.added(kind="raw")
        alt, = self.added(kind="raw_alt")
        self.signed_in()
        self.synced()
        for asset in (raw, alt):
            files = self.of(asset)
            self.assertEqual(set(files), {"original", "alternative"})
            self.assertEqual(self.stem(files["original"]),
                             self.stem(files["alternative"]))
            ends = {role: os.path.splitext(path)[1]
                    for role, path in files.items()}
            self.assertEqual(ends, {"original": ".CR2", "alternative": ".JPG"}
                             if asset == raw else
                             {"original": ".JPG", "alternative": ".DNG"})

    def test_an_edit_with_its_recipe_and_its_removal(self):
        """B065: the original is never replaced, what is here stays."""
        one, = self.added(kind="jpeg")
        self.sim.change("edit", asset=one, sidecar=True)
        self.signed_in()
        self.synced()
        files = self.of(one)
        self.assertEqual(set(files), {"original", "edited", "sidecar"})
        digests = {p: harness.sha256_of(self.copy.files()[p])
                   for p in files.values()}
        self.sim.change("revert", asset=one)
        self.synced()
        harness.compare(self, self.copy)
        self.assertNotIn("edited", self.of(one))
        for path, digest in digests.items():
            self.assertEqual(
                harness.sha256_of(self.copy.files()[path]), digest)

    def test_an_edited_video(self):
        """B066"""
        one, = self.added(kind="video_edited")
        self.signed_in()
        self.synced()
        files = self.of(one)
        self.assertEqual(set(files), {"original", "edited-video"})
        self.assertEqual(self.stem(files["edited-video"]),
                         self.stem(files["original"]) + "_edited")

    def test_an_edited_live_photo_is_two_clean_pairs(self):
        """B067"""
        one, = self.added(kind="live_edited")
        self.signed_in()
        self.synced()
        files = self.of(one)
        self.assertEqual(set(files),
                         {"original", "live", "edited", "edited-video"})
        self.assertEqual(self.stem(files["original"]),
                         self.stem(files["live"]))
        self.assertEqual(self.stem(files["edited"]),
                         self.stem(files["edited-video"]))
        self.assertEqual(self.stem(files["edited"]),
                         self.stem(files["original"]) + "_edited")

    def test_what_comes_one_night_later_keeps_the_stem(self):
        """Of two of one name: the twin and the rendering of each."""
        two = self.added(kind="jpeg", count=2, name="IMG_4711.JPG",
                         date_ms=1700000000000)
        self.signed_in()
        self.synced()
        first = [self.of(one)["original"] for one in two]
        self.assertEqual(len({self.stem(path) for path in first}), 2)
        self.sim.change("late_raw", asset=two)
        self.sim.change("edit", asset=two)
        self.synced()
        for asset, path in zip(two, first):
            self.assertEqual(self.of(asset), {
                "original": path,
                "alternative": self.stem(path) + ".DNG",
                "edited": self.stem(path) + "_edited.JPG"})

    def test_a_movie_one_night_later(self):
        """B068"""
        one, = self.added(kind="heic")
        self.signed_in()
        self.synced()
        still = self.of(one)["original"]
        self.sim.change("late_movie", asset=one)
        self.synced()
        files = self.of(one)
        self.assertEqual(files["original"], still)
        self.assertEqual(self.stem(files["live"]), self.stem(still))
        harness.compare(self, self.copy)


class Nights(Cases):
    def test_an_old_photo_that_is_added_today(self):
        """B020, B022: found wherever it stands, and each night anew."""
        self.signed_in()
        self.synced()
        for year in (2010, 1985):
            one, = self.added(
                kind="jpeg", date_ms=int((year - 1970) * 31556952000 + 10 ** 10))
            self.synced()
            self.assertRegex(self.of(one)["original"], "^%d/" % year)
        self.added(count=5)
        self.synced()
        harness.compare(self, self.copy)

    def test_a_picture_that_came_from_a_computer(self):
        """B063: by the day that iCloud goes by; the camera's is kept."""
        one, = self.added(kind="uploaded", date_ms=1763640000000)
        self.signed_in()
        self.synced()
        path = self.of(one)["original"]
        self.assertRegex(path, "^2025/11/")
        month, line = manifest(self.copy)[path]
        self.assertEqual(month, "2025-11.jsonl")
        asset, = line["assets"]
        self.assertEqual(asset["taken_ms"], 1763640000000)
        self.assertEqual(asset["camera"], "2021-09-29T12:00:01")

    def test_links_that_have_expired_are_asked_for_together(self):
        """B072: hours pass while some have their links already.  Those on the
        wire are refused; the rest is not tried, and nothing is listed."""
        self.signed_in()
        self.synced()
        self.sim.change("add", kind="jpeg", size=600, count=250)
        self.sim.reset_counters()
        self.sim.fault("content", "delay", ms=20, times=-1)
        process = self.copy.start("sync", "--root", self.copy.root, "-v")
        for line in process.stderr:
            if b"Fetched" in line:
                break
        self.sim.advance(2 * 3600)
        self.status_is(harness.stop(process, signal.SIGCONT), 0)
        self.no_violations()
        harness.compare(self, self.copy)
        answers = [json.loads(line)["status"] for line in
                   self.sim.control("/requests").decode().splitlines()]
        refused = answers.count(410)
        self.assertGreater(refused, 0)
        self.assertLess(refused, 40)
        by = self.sim.counters()["by"]
        self.assertLess(by["records_lookup"], 40)
        self.assertLessEqual(by["changes_zone"], 4)
        self.assertEqual(by["records_query"], 0)

    def test_tokens_that_are_worth_nothing(self):
        """B077: refused, cut short, or lost; what is new is found and nothing
        is fetched again.  An empty one, which Apple takes for one that has
        everything, is never sent."""
        self.signed_in()
        self.synced()
        path, = glob.glob(os.path.join(self.copy.state, "*/catalogue.sqlite"))
        for zones, databases in (("'garbage'", "'garbage'"), ("''", "''"),
                                 ("substr(token, 1, 7)",
                                  "substr(token, 1, 7)"), ("NULL", "NULL"),
                                 ("''", "token"), ("token", "''")):
            with self.subTest(zones=zones, databases=databases):
                catalogue = sqlite3.connect(path)
                with catalogue:
                    catalogue.execute("UPDATE zone SET token = " + zones)
                    catalogue.execute(
                        "UPDATE database SET token = " + databases)
                catalogue.close()
                new = self.added(kind="jpeg", count=3)
                self.sim.reset_counters()
                self.synced()
                self.assertEqual(self.sim.counters()["by"]["content"], 3)
                for asset in new:
                    self.assertIn("original", self.of(asset))
                harness.compare(self, self.copy)
                self.sim.reset_counters()
                self.synced()
                self.assertEqual(self.sim.counters()["requests"], 3)

    def test_a_retry_keeps_the_place_that_was_planned(self):
        """B076, B073: what failed is on our own list, at its own path."""
        new = self.added(kind="jpeg", count=5)
        self.signed_in()
        other = harness.Copy(self.sim)
        self.addCleanup(other.close)
        self.assertEqual(other.login().status, 0)
        self.status_is(other.sync(), 0)
        self.sim.fault("content", "status", status=404, times=-1)
        self.assertIn(self.tried().status, (1, 4))
        self.assertLessEqual(len(self.copy.files()), 1) # an empty one
        self.sim.clear_faults()
        self.sim.change("album_add", name="B")
        self.sim.change("album_put", album="B", asset=new)
        self.sim.change("caption", asset=new)
        self.synced()
        self.assertEqual(set(self.copy.files()), set(other.files()))
        harness.compare(self, self.copy)


if __name__ == "__main__":
    harness.main()
