"""list: what the catalogue knows, now and as the runs had seen it; without
network, without the lock, beside a run."""

import datetime
import json
import os
import re
import subprocess
import time

from harness import Case, main, sha256_of, stop, wait_for

CLOUD_STATES = {"live": (False, False), "hidden": (True, False),
                "trashed": (False, True)}


def content_of(row):
    return (row["sha256"], row["size"])


def iso(ms):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        milliseconds=ms // 1000 * 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Lists(Case):
    def list(self, *words, **options):
        return self.copy.run("list", "--root", self.copy.root, *words,
                             **options)

    def events(self, *words):
        result = self.list("--json", *words)
        self.status_is(result, 0)
        return result.events()

    def lines(self, *words):
        result = self.list(*words)
        self.status_is(result, 0)
        return result.out.splitlines()


class Now(Lists):
    def test_assets_are_those_of_the_truth(self):  # B016
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        truth = {}
        for t in self.sim.truth():
            truth.setdefault((t["zone"], t["asset"]), {})[t["role"]] = t
        assets = {(a["zone"], a["record"]): a for a in self.events()}
        self.assertEqual(set(assets), set(truth))
        fell_back = False
        for key, asset in assets.items():
            roles = truth[key]
            one = next(iter(roles.values()))
            self.assertEqual(asset["name"], one["filename"] or None)
            self.assertEqual(asset["master"], one["master"])
            self.assertEqual((asset["hidden"], asset["trashed"]),
                             CLOUD_STATES[one["state"]])
            self.assertFalse(asset["gone"])
            if one["assetDate_ms"] is None:
                self.assertEqual(asset["taken_from"], "created")
                self.assertEqual(asset["taken"],
                                 iso(one["originalCreationDate_ms"]))
                fell_back = True
            else:
                self.assertNotIn("taken_from", asset)
                if abs(one["assetDate_ms"]) < 10 ** 13:
                    self.assertEqual(asset["taken"], iso(one["assetDate_ms"]))
            self.assertEqual(asset.get("offset_s"), one["timeZoneOffset_s"])
            self.assertEqual({f["role"] for f in asset["files"]}, set(roles))
            for file in asset["files"]:
                wanted = roles[file["role"]]
                self.assertEqual(file["size"], wanted["size"])
                self.assertEqual(file["state"], "proven")
                self.assertEqual(
                    sha256_of(os.path.join(copy.root, file["path"])),
                    wanted["sha256"])
        self.assertTrue(fell_back)
        taken = [a["taken"] for a in self.events()]
        usual = [t for t in taken if t and t[:1] == "2" and t[4:5] == "-"]
        self.assertEqual(usual, sorted(usual))
        self.assertGreater(len(usual), 40)

    def test_text_has_a_line_each(self):
        copy = self.signed_in()
        self.status_is(copy.sync("--skip", "live"), 0)
        lines = self.lines()
        self.assertEqual(lines, self.lines("assets"))
        self.assertEqual(len(lines), len(self.events()))
        for line, asset in zip(lines, self.events()):
            here = [f["path"] for f in asset["files"] if f["path"]]
            self.assertIn(", ".join(here), line)
            self.assertEqual("[hidden]" in line, asset["hidden"])
            self.assertEqual("[recently deleted]" in line, asset["trashed"])
            self.assertEqual("[favourite]" in line, asset["favourite"])
            roles = {f["role"]: f for f in asset["files"]}
            self.assertEqual("[live]" in line, "live" in roles)
            self.assertEqual("[edited]" in line, bool(
                {"edited", "edited-video"} & set(roles)))
            if "live" in roles:
                self.assertEqual(roles["live"]["state"], "missing")
                self.assertIsNone(roles["live"]["path"])
                self.assertIn(" not here", line)

    def test_before_the_first_fetch_nothing_is_here(self):
        copy = self.signed_in()
        self.status_is(copy.sync("--dry-run"), 0)
        self.assertEqual(self.lines("files"), ["There are none."])
        self.assertEqual(self.events("files"), [])
        self.assertTrue(all(line.endswith("  not here")
                            for line in self.lines()))
        for asset in self.events():
            for file in asset["files"]:
                self.assertEqual((file["path"], file["state"]),
                                 (None, "missing"))
        library, = self.events("libraries")
        self.assertEqual(library["held"], 0)
        self.assertGreater(library["files"], 60)

    def test_albums_are_a_tree(self):  # B018
        copy = self.signed_in()
        trip = [t["asset"] for t in self.sim.truth()][:3]
        self.sim.change("album_add", name="Winter", parent="Europe")
        self.sim.change("album_put", album="Winter", asset=trip)
        self.sim.change("album_add", name="Thrown away")
        self.sim.change("album_remove", album="Thrown away")
        self.status_is(copy.sync(), 0)
        lines = self.lines("albums")
        at = lines.index("Trips/")
        self.assertRegex(lines[at + 1], r"^    2024 \([1-9]\)$")
        self.assertEqual(lines[at + 2], "    Europe/")
        self.assertRegex(lines[at + 3], r"^        2024 \([1-9]\)$")
        self.assertEqual(lines[at + 4],
                         "        Winter (%d)" % len(set(trip)))
        self.assertIn("Big files (smart album)", lines)
        self.assertIn("Empty (0)", lines)
        self.assertNotIn("Thrown away", "".join(lines))
        albums = {a["path"]: a for a in self.events("albums")}
        self.assertEqual(albums["Trips/2024"]["title"], "2024")
        self.assertEqual(albums["Trips/Europe/2024"]["title"], "2024")
        self.assertEqual(albums["Trips"]["kind"], "folder")
        self.assertEqual(albums["Big files"]["kind"], "smart")
        members = {}
        for asset in self.events():
            for path in asset["albums"]:
                members.setdefault(path, set()).add(asset["record"])
        self.assertEqual(members["Trips/Europe/Winter"], set(trip))
        for path, album in albums.items():
            if album["kind"] == "album":
                self.assertEqual(album["assets"],
                                 len(members.get(path, ())), path)

    def test_libraries(self):
        self.sim.change("shared_library", **{"as": "guest", "assets": 10})
        copy = self.signed_in()
        self.status_is(copy.sync("--library", "Personal"), 0)
        own, shared = self.events("libraries")
        self.assertEqual((own["name"], own["zone"], own["own"]),
                         ("Personal", "PrimarySync", True))
        self.assertEqual((shared["name"], shared["own"]), ("Shared", False))
        for library in own, shared:
            rows = [t for t in self.sim.truth()
                    if t["zone"] == library["zone"]]
            for name, state in (("hidden", "hidden"), ("trashed", "trashed")):
                self.assertEqual(library[name], len(
                    {t["asset"] for t in rows if t["state"] == state}))
            self.assertEqual(library["assets"], len({t["asset"]
                                                     for t in rows}))
            self.assertEqual(library["files"], len({content_of(t)
                                                    for t in rows}))
        self.assertEqual(own["held"], own["files"])
        self.assertEqual(own["held_bytes"], sum(
            size for _, size in {content_of(t) for t in self.sim.truth()
                                 if t["zone"] == "PrimarySync"}))
        text = "\n".join(self.lines("libraries"))
        self.assertIn("somebody else's", text)
        self.sim.change("leave_shared")
        self.status_is(copy.sync(), 0)
        self.assertTrue(self.events("libraries")[1]["gone"])

    def test_files_are_those_of_the_disk(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        self.sim.change("purge", count=4)
        self.status_is(copy.sync(), 0)
        files = {f["path"]: f for f in self.events("files")}
        self.assertEqual(list(files), sorted(files, key=str.casefold))
        self.assertEqual({p: f["sha256"] for p, f in files.items()},
                         {p: sha256_of(at)
                          for p, at in copy.files().items()})
        held = {content_of(t) for t in self.sim.truth()}
        gone = 0
        for path, file in files.items():
            self.assertEqual(
                file["size"], os.path.getsize(os.path.join(copy.root, path)))
            self.assertEqual(file["gone"],
                             (file["sha256"], file["size"]) not in held)
            gone += file["gone"]
        self.assertGreater(gone, 0)
        lines = self.lines("files")
        self.assertEqual(len(lines), len(files))
        self.assertEqual(
            len([x for x in lines if "[no longer in iCloud]" in x]), gone)


class Beside(Lists):
    assets = 12

    def test_a_run_goes_on_and_nobody_is_asked(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        before = self.events()
        self.sim.change("add", kind="jpeg", size=200000)
        self.sim.fault("content", "stall", after_bytes=1000)
        process = copy.start("sync", "--root", copy.root, "--json")
        waiting = wait_for(
            lambda: True if len(self.list("--json").events()) > len(before)
            else None, process)
        self.assertTrue(waiting)
        self.assertIsNone(process.poll())
        state = [f["state"] for a in self.events() for f in a["files"]]
        self.assertEqual(state.count("missing"), 1)
        stop(process)
        # With the cloud gone altogether, it is the same.
        self.sim.stop()
        now = copy.snapshot()
        for what in ("libraries", "albums", "assets", "files"):
            self.assertTrue(self.lines(what))
        self.assertEqual(copy.snapshot(), now)

    def test_nobody_reads_on(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        for words in (("assets",), ("files", "--json")):
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run(
                copy.argv("list", "--root", copy.root, "-q", *words),
                env=copy.env, stdin=subprocess.DEVNULL, stdout=write,
                stderr=subprocess.PIPE)
            os.close(write)
            self.assertEqual((done.returncode, done.stderr), (5, b""))

    def test_what_cannot_be_answered(self):
        copy = self.signed_in()
        result = self.list()
        self.status_is(result, 2)
        self.assertIn("no copy", result.err)
        self.status_is(copy.sync(), 0)
        result = self.list("folders")
        self.status_is(result, 2)
        self.assertIn("folders", result.err)
        result = self.list("--as-of", "2007-01-09")
        self.status_is(result, 2)
        self.assertIn("No run had looked at iCloud by then", result.err)
        self.assertEqual(result.out, "")
        self.status_is(self.list("--as-of", "never"), 2)

    def test_all_is_documented(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        with open(os.path.join(os.path.dirname(__file__),
                               "../../docs/json.md"),
                  encoding="utf-8") as file:
            words = set(re.findall(r"`([a-z0-9_-]+)`", file.read()))
        seen = set()

        def look(value):
            if isinstance(value, dict):
                for name, inner in value.items():
                    self.assertIn(name, words)
                    look(inner)
                for name in ("event", "state", "kind", "role", "database"):
                    if value.get(name) is not None:
                        self.assertIn(value[name], words)
            elif isinstance(value, list):
                for inner in value:
                    look(inner)

        for what in ("libraries", "albums", "assets", "files"):
            for event in self.events(what):
                seen.add(event["event"])
                look({k: v for k, v in event.items() if k != "event"} |
                     {"state": event.get("state")})
        self.assertEqual(seen, {"library", "album", "asset", "kept"})
        self.assertTrue(seen <= words)


class History(Lists):
    WHATS = ("libraries", "albums", "assets", "files")

    def all(self, *words):
        """All that is told, without what has no history."""
        told = {}
        for what in self.WHATS:
            events = self.events(what, *words)
            for event in events:
                event.pop("listed", None)
            told[what] = events
        return told

    def run_at_its_own_second(self, status=0):
        """A run's time has seconds; no two runs may share one."""
        began = int(time.time())
        while int(time.time()) == began:
            time.sleep(0.05)
        self.status_is(self.copy.sync(), status)
        run = self.copy.status("--json").events()
        return [e for e in run if e["event"] == "run"][0]["began"]

    def test_as_of_tells_what_was_told_then(self):
        self.signed_in()
        live = sorted({t["asset"] for t in self.sim.truth()
                       if t["state"] == "live"})
        moments = []

        def moment(status=0):
            moments.append((self.run_at_its_own_second(status), self.all()))

        moment()
        self.sim.change("trash", asset=live[0])
        self.sim.change("hide", asset=live[1])
        self.sim.change("caption", asset=live[2])
        self.sim.change("late_movie")
        self.sim.change("edit", asset=live[3])
        self.sim.change("add", count=3)
        self.sim.change("album_rename", album="Holidays", name="At the sea")
        self.sim.change("album_add", name="Norway", parent="Trips")
        self.sim.change("album_put", album="Norway", asset=live[4:7])
        self.sim.change("album_take", album="2024", count=2)
        self.sim.change("shared_library", **{"as": "guest", "assets": 4})
        moment()
        self.sim.change("purge", asset=live[0])
        self.sim.change("unhide", asset=live[1])
        self.sim.change("caption", asset=live[2])
        self.sim.change("revert", asset=live[3])
        self.sim.change("replace_original", asset=live[7])
        self.sim.change("album_remove", album="At the sea")
        self.sim.change("album_put", album="2024", asset=live[8])
        self.sim.change("leave_shared")
        moment()
        self.sim.change("mass_trash", percent=40)  # B078
        moment(7)
        for n, (began, told) in enumerate(moments):
            then = self.all("--as-of", began.rstrip("Z"))
            for what in self.WHATS:
                self.assertEqual(then[what], told[what],
                                 "%s of run %d" % (what, n + 1))
            if n > 0:
                self.assertNotEqual(told, moments[n - 1][1])
        trashed = [sum(a["trashed"] for a in told["assets"])
                   for _, told in moments]
        self.assertGreater(trashed[3], trashed[2] + 10)

    def test_a_day_ends_by_the_clock_of_this_computer(self):
        self.signed_in()
        began = datetime.datetime.fromisoformat(
            self.run_at_its_own_second().rstrip("Z"))
        for zone, hours in (("UTC0", 0), ("EAST-14", 14), ("WEST+12", -12)):
            local = (began + datetime.timedelta(hours=hours)).date()
            before = local - datetime.timedelta(days=1)
            result = self.list("--as-of", str(local), env={"TZ": zone})
            self.status_is(result, 0)
            self.assertEqual(len(result.out.splitlines()),
                             len(self.lines()) + 1, "a line says when")
            result = self.list("--as-of", str(before), env={"TZ": zone})
            self.status_is(result, 2)
            self.status_is(self.list("--as-of", str(local.year + 1),
                                     env={"TZ": zone}), 0)
        self.assertEqual(self.lines("-q", "--as-of", str(began.date())),
                         self.lines())
        self.assertTrue(json.loads(
            self.list("--json", "--as-of", "2999").out.splitlines()[0]))


if __name__ == "__main__":
    main()
