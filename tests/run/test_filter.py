"""Filters of sync: what is fetched is what the truth says, what is left out is
said, and nothing that is known becomes less."""

import os

from harness import Case, check_sums, main, sha256_of

MOVIES = ("com.apple.quicktime-movie", "public.mpeg-4")
DAY_MS = 86400000
FIRST_MS, END_MS = -5364662400000, 7289654400000 # 1800 to 2200


def of(row):
    return (row["zone"], row["asset"])


def content(row):
    return (row["sha256"], row["size"])


def local_day(row):
    """Days since 1970 by the clock of the place; None without a date, or with
    one that is absurd."""
    ms = row["assetDate_ms"]
    if ms is None:
        ms = row["originalCreationDate_ms"]
    ms += 1000 * (row["timeZoneOffset_s"] or 0)
    return ms // DAY_MS if FIRST_MS <= ms < END_MS else None


def day(text):
    return (int(text) - 1970) * 365 + len(
        [y for y in range(1970, int(text)) if y % 4 == 0])


class Filters(Case):
    def root(self, name):
        """Each filter fills a copy of its own."""
        self.copy.root = os.path.join(self.copy.home, name)
        return self.copy

    def held(self):
        return {(sha256_of(p), os.path.getsize(p))
                for p in self.copy.files().values()}

    def fetches(self, words, wanted, name):
        """A dry run says what the run then fetches (B055): that of the truth
        which wanted() lets, with its count of what is left out; and the next
        run fetches nothing and touches nothing."""
        copy = self.root(name)
        truth = self.sim.truth()
        everything = {content(t) for t in truth}
        expected = {content(t) for t in truth if wanted(t)}
        said = copy.sync("--dry-run", "--json", *words)
        self.status_is(said, 0)
        self.assertEqual(copy.files(), {})
        forecast = said.event("forecast")
        self.assertEqual(forecast["files"], len(expected), words)
        self.assertEqual(forecast["bytes"], sum(s for _, s in expected))
        self.assertEqual(forecast["filtered"], len(everything - expected))

        done = copy.sync("--json", *words)
        self.status_is(done, 0)
        self.assertEqual(self.held(), expected, words)
        check_sums(self, copy)
        verdict = done.event("verdict")
        for name in ("files", "bytes", "filtered"):
            self.assertEqual(done.event("forecast")[name], forecast[name])
        self.assertEqual(verdict["fetched"], len(expected))
        self.assertEqual(verdict["filtered"], len(everything - expected))
        self.assertEqual(verdict["filtered_bytes"],
                         sum(s for _, s in everything - expected))
        self.assertEqual(verdict["missing"], verdict["filtered"])
        self.assertEqual(verdict["resources"], len(everything))

        before = copy.snapshot()
        again = copy.sync("--json", *words)
        self.status_is(again, 0)
        self.assertEqual(again.event("forecast")["files"], 0)
        self.assertEqual(again.event("verdict")["fetched"], 0)
        self.assertEqual(copy.snapshot(), before)
        return done


class Kinds(Filters):
    def test_each_by_the_truth(self):  # B016, B055
        self.signed_in()
        original = {of(t): t["uti"] for t in self.sim.truth()
                    if t["role"] == "original"}

        def video(t):
            return original[of(t)] in MOVIES

        def live(t):
            return t["role"] == "live" or (
                t["role"] == "edited-video" and not video(t))

        def between(t, since, until):
            return (local_day(t) is not None and
                    since <= local_day(t) < until)

        wanted = {
            ("--skip", "live"): lambda t: not live(t),
            ("--skip", "raw"): lambda t: not t["uti"].endswith("raw-image"),
            ("--skip", "edited"): lambda t: not t["role"].startswith("edited"),
            ("--skip", "video"): lambda t: not video(t),
            ("--skip", "hidden"): lambda t: t["state"] != "hidden",
            ("--skip", "trashed"): lambda t: t["state"] != "trashed",
            ("--since", "2015"):
                lambda t: between(t, day("2015"), 1 << 60),
            ("--until", "2014"):
                lambda t: between(t, -1 << 60, day("2015")),
            ("--since", "2012", "--until", "2018", "--skip", "live,video",
             "--skip", "hidden"):
                lambda t: between(t, day("2012"), day("2019")) and
                not live(t) and not video(t) and t["state"] != "hidden",
        }
        everything = {content(t) for t in self.sim.truth()}
        for n, (words, lets) in enumerate(wanted.items()):
            with self.subTest(words=words):
                some = {content(t) for t in self.sim.truth() if lets(t)}
                self.assertNotIn(some, (set(), everything))
                done = self.fetches(words, lets, "kind-%d" % n)
                self.assertIn("Complete as filtered:",
                              done.event("verdict")["text"])
        self.no_violations()

    def test_a_zone_of_the_host_moves_no_day(self):
        copy = self.signed_in()
        said = {copy.sync("--dry-run", "--json", "--since", "2015",
                          env={"TZ": zone}).event("forecast")["files"]
                for zone in ("UTC", "Pacific/Auckland", "America/Lima")}
        self.assertEqual(len(said), 1, said)

    def test_recent_counts_all_but_the_trash(self):
        self.signed_in()
        known = {of(t) for t in self.sim.truth()}
        self.sim.change("add", kind="heic", count=4)
        new = [of(t) for t in self.sim.truth() if of(t) not in known]
        self.sim.change("trash", asset=new[3][1])
        self.sim.change("hide", asset=new[2][1])
        self.fetches(("--recent", "2"), lambda t: of(t) in new[1:3], "two")
        self.fetches(("--recent", "2", "--skip", "hidden"),
                     lambda t: of(t) == new[1], "one")

    def test_without_the_filter_the_rest_comes_under_the_same_names(self):
        self.signed_in()
        copy = self.root("at-once")
        self.status_is(copy.sync(), 0)
        at_once = set(copy.files())
        copy = self.root("in-two")
        self.status_is(copy.sync("--skip", "live,edited"), 0)
        some = set(copy.files())
        self.assertTrue(some < at_once, some - at_once)
        status = copy.status("--json").event("status")
        self.assertEqual(status["filter"], "--skip live --skip edited")
        self.assertEqual(status["filtered"], len(at_once - some))
        self.assertEqual(status["missing"], len(at_once - some))
        self.assertIn("by the filter of the last run (--skip live --skip "
                      "edited)", copy.status().out)
        result = copy.sync()
        self.status_is(result, 0)
        self.assertNotIn("filter", result.out)
        self.assertEqual(set(copy.files()), at_once)
        status = copy.status("--json").event("status")
        self.assertEqual((status["filtered"], status["filter"]), (0, None))
        self.assertNotIn("Left out", copy.status().out)

    def test_the_configuration_filters_too(self):
        copy = self.signed_in()
        config = os.path.join(copy.home, ".config/icloud-pull/config")
        with open(config, "a", encoding="utf-8") as file:
            file.write("skip = hidden\nskip = trashed, live\n"
                       .replace(", ", ","))
        result = copy.sync()
        self.status_is(result, 0)
        self.assertIn("Left out by the filter:", result.out)
        wanted = {content(t) for t in self.sim.truth()
                  if t["state"] == "live"}
        self.assertTrue(self.held() <= wanted)

    def test_verify_knows_what_is_left_out(self):
        copy = self.signed_in()
        self.status_is(copy.sync("--skip", "live,edited"), 0)
        some = set(copy.files())
        result = copy.verify("--json")
        self.status_is(result, 1)
        out = result.event("verdict")["missing"]
        self.assertGreater(out, 0)
        result = copy.verify("--json", "--skip", "live,edited")
        self.status_is(result, 0)
        verdict = result.event("verdict")
        self.assertEqual((verdict["missing"], verdict["filtered"],
                          verdict["filter"]),
                         (0, out, "--skip live --skip edited"))
        self.assertIn("%d files are left out by a filter." % out,
                      verdict["text"])
        self.assertNotIn("gap", [e["event"] for e in result.events()])
        # A part of it.
        result = copy.verify("--json", "--skip", "live")
        self.status_is(result, 1)
        verdict = result.event("verdict")
        self.assertEqual(verdict["missing"] + verdict["filtered"], out)
        self.assertEqual(len([e for e in result.events()
                              if e["event"] == "gap"]), verdict["missing"])
        self.status_is(copy.verify("--repair", "--skip", "live,edited"), 0)
        self.assertEqual(set(copy.files()), some)
        result = copy.verify("--album", "no such")
        self.status_is(result, 2)
        self.assertEqual(result.out, "")

    def test_what_was_here_is_mended_whatever_is_left_out(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        before = self.held()
        movies = {content(t) for t in self.sim.truth()
                  if t["role"] == "live"}
        for how in ((copy.verify, "--repair"),
                    (copy.verify, "--repair=missing"),
                    (copy.sync, "--sample", "100", "--repair")):
            gone = [p for p in copy.files().values()
                    if (sha256_of(p), os.path.getsize(p)) in movies][0]
            os.unlink(gone)
            self.status_is(how[0]("--skip", "live", *how[1:]), 0)
            self.assertEqual(self.held(), before)

    def test_what_was_fetched_stays_when_a_filter_comes(self):  # B081
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        before = copy.snapshot()
        result = copy.sync("--json", "--library", "Personal", "--recent", "1",
                           "--skip", "live,raw,edited,video,hidden,trashed")
        self.status_is(result, 0)
        self.assertEqual(result.event("verdict")["filtered"], 0)
        self.assertEqual(copy.snapshot(), before)
        self.no_violations()


class Libraries(Filters):
    assets = 20

    def test_by_the_name_that_people_know_and_by_the_zone(self):  # B006
        self.sim.change("shared_library", **{"as": "guest", "assets": 12})
        self.signed_in()
        zones = {t["zone"] for t in self.sim.truth()}
        shared, = zones - {"PrimarySync"}
        done = self.fetches(("--library", "personal"),
                            lambda t: t["zone"] == "PrimarySync", "personal")
        self.assertGreater(done.event("verdict")["filtered"], 0)
        self.fetches(("--library", "Shared"), lambda t: t["zone"] == shared,
                     "shared")
        self.fetches(("--library", shared.lower()),
                     lambda t: t["zone"] == shared, "zone")
        self.fetches(("--library", "Shared", "--library", "Personal"),
                     lambda t: True, "both")

    def test_an_unknown_one_is_named_with_those_that_are_there(self):
        self.sim.change("shared_library", **{"as": "owner", "assets": 3})
        copy = self.signed_in()
        for words in ((), ("--dry-run",)):
            result = copy.sync("--library", "Work", *words)
            self.status_is(result, 2)
            self.assertIn('There is no library "Work"', result.err)
            self.assertIn("Personal, Shared", result.err)
        result = copy.sync("--json", "--library", "Work")
        self.assertEqual(result.event("verdict")["reason"], "usage")
        self.assertEqual(self.sim.counters()["by"]["content"], 0)
        self.assertEqual(copy.files(), {})
        # It was listed all the same.
        self.assertEqual(copy.status("--json").event("status")["assets"], 23)

    def test_one_that_left_stops_nobody_elses(self):
        self.sim.change("shared_library", **{"as": "guest", "assets": 3})
        copy = self.signed_in()
        words = ("--library", "Personal", "--library", "Shared")
        self.status_is(copy.sync(*words), 0)
        self.sim.change("leave_shared")
        self.sim.change("add", count=2)
        self.status_is(copy.sync(*words), 0)
        self.assertTrue({content(t) for t in self.sim.truth()} <= self.held())


class Albums(Filters):
    def setUp(self):
        super().setUp()
        self.names = sorted({t["asset"] for t in self.sim.truth()
                             if t["state"] == "live"})
        self.put = {}
        for folder in ("Near", "Far"):
            self.sim.change("album_add", name=folder, folder=True)
        for at, (folder, name) in enumerate(
                (("Near", "Summer"), ("Far", "Summer"), ("Far", "Winter"))):
            # By a name that is its own until it has its assets.
            self.sim.change("album_add", name="new", parent=folder)
            some = self.names[3 * at:3 * at + 4]
            self.sim.change("album_put", album="new", asset=some)
            self.sim.change("album_rename", album="new", name=name)
            self.put[folder, name] = set(some)

    def test_by_title_by_path_and_by_folder(self):  # B018
        self.signed_in()
        near, far = self.put["Near", "Summer"], self.put["Far", "Summer"]
        winter = self.put["Far", "Winter"]
        for n, (words, assets) in enumerate((
                (("--album", "Summer"), near | far),
                (("--album", "Near/Summer"), near),
                (("--album", "/Far/summer"), far),
                (("--album", "Far"), far | winter),
                (("--album", "Winter", "--album", "Near/Summer"),
                 winter | near))):
            with self.subTest(words=words):
                self.fetches(words, lambda t, a=assets: t["asset"] in a,
                             "album-%d" % n)
        self.fetches(("--album", "Summer", "--skip", "live,edited,video"),
                     lambda t: t["asset"] in near | far and
                     t["role"] not in ("live", "edited", "edited-video") and
                     not any(o["asset"] == t["asset"] and
                             o["role"] == "original" and o["uti"] in MOVIES
                             for o in self.sim.truth()), "both")

    def test_what_enters_later_is_fetched_then(self):
        copy = self.signed_in()
        words = ("--album", "Near/Summer")
        self.status_is(copy.sync(*words), 0)
        late = self.names[20]
        self.sim.change("album_put", album="Winter", asset=late)
        self.status_is(copy.sync(*words), 0)
        self.assertNotIn(late, {t["asset"] for t in self.sim.truth()
                                if content(t) in self.held()})
        self.sim.change("album_take", album="Summer", count=2)
        self.sim.change("album_put", album="Summer", asset=late)
        self.status_is(copy.sync(*words), 0)
        self.assertTrue({content(t) for t in self.sim.truth()
                         if t["asset"] in self.put["Near", "Summer"] | {late}}
                        <= self.held())

    def test_one_that_is_not_there(self):
        copy = self.signed_in()
        for name, sentence in (
                ("Sommer", 'There is no album "Sommer"'),
                ("Near/Winter", 'There is no album "Near/Winter"'),
                ("Big files", '"Big files" is a smart album')):
            result = copy.sync("--album", name, "--album", "Summer")
            self.status_is(result, 2)
            self.assertIn(sentence, result.err)
        result = copy.sync("--album", "Sommer")
        self.assertIn("Near/Summer", result.err)
        self.assertEqual(self.sim.counters()["by"]["content"], 0)
        self.assertEqual(copy.files(), {})


if __name__ == "__main__":
    main()
