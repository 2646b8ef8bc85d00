"""sync --sidecar xmp: what iCloud knows, beside each file, for other programs.

Read by exiftool and compared with what the simulator has sent; changes between
runs; files of other people; no byte of a picture touched (B035, B036, B107).
"""

import datetime
import errno
import json
import os
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

import harness
from harness import shimmed
from test_manifest import folder, manifest

ROLES = ("original", "alternative", "edited", "edited-video")
EPOCH = datetime.datetime(1970, 1, 1)


def sidecars(copy):
    """Path from ROOT -> (inode, mtime, bytes)."""
    found = {}
    for name, path in copy.files().items():
        if not name.endswith(".xmp"):
            continue
        st = os.lstat(path)
        with open(path, "rb") as file:
            found[name] = (st.st_ino, st.st_mtime_ns, file.read())
    return found


def media(copy):
    return {n: harness.sha256_of(p) for n, p in copy.files().items()
            if not n.endswith(".xmp")}


def read_all(copy):
    """Path of the picture -> what exiftool reads in its sidecar."""
    done = subprocess.run(
        ["exiftool", "-j", "-n", "-G1", "-struct", "-charset", "UTF8", "-r",
         "-ext", "xmp", "."], cwd=copy.root, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=True)
    return {os.path.normpath(e["SourceFile"])[:-4]: e
            for e in json.loads(done.stdout)}


def moment(text):
    """"1969:07:20 22:17:00.25+02:00" -> ms since 1970, seconds of the zone
    (None: it says Z)."""
    date, zone = text[:19], text[19:]
    ms = 0
    if zone.startswith("."):
        digits = zone[1:].split("+")[0].split("-")[0].split("Z")[0]
        ms = int(round(float("0." + digits) * 1000))
        zone = zone[1 + len(digits):]
    when = datetime.datetime.strptime(date, "%Y:%m:%d %H:%M:%S")
    offset = None
    if zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60
        offset = -offset if zone[0] == "-" else offset
    span = when - EPOCH
    return ((span.days * 86400 + span.seconds) * 1000 + ms
            - (offset or 0) * 1000, offset)


class Sidecar(harness.Case):
    assets = 80

    def pulled(self, *words):
        copy = self.signed_in()
        self.status_is(copy.sync("--sidecar", "xmp", *words), 0)
        return copy

    def test_a_folder_that_somebody_has_taken_away(self):
        """What lies there waits for it; all others get theirs."""
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        gone = sorted(name for name in os.listdir(copy.root)
                      if name.startswith("20"))[0]
        elsewhere = os.path.join(copy.home, "elsewhere")
        os.rename(os.path.join(copy.root, gone), elsewhere)
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertFalse(os.path.exists(os.path.join(copy.root, gone)))
        wanted = self.wanted(copy)
        there = {name[:-4] for name in sidecars(copy)}
        self.assertEqual(there, {path for path in wanted
                                 if not path.startswith(gone + "/")})
        self.assertLess(there, wanted)
        os.rename(elsewhere, os.path.join(copy.root, gone))
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertEqual({name[:-4] for name in sidecars(copy)}, wanted)

    def wanted(self, copy):
        """Pictures that have one: not where its name would be too long."""
        return {path for path, (_, line) in manifest(copy).items()
                if line["role"] in ROLES
                and len(os.path.basename(path).encode()) <= 251}

    def test_nothing_is_written_unless_it_is_wanted(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        self.assertEqual(sidecars(copy), {})
        self.status_is(copy.sync("--sidecar", "none"), 0)
        self.assertEqual(sidecars(copy), {})
        before = media(copy)
        # Wanted from now on: all of them.  What has no name is said once.
        long = {p for p, (_, line) in manifest(copy).items()
                if line["role"] in ROLES} - self.wanted(copy)
        self.assertEqual(len(long), 1)
        for asked in (1, 0):
            result = copy.sync("--sidecar", "xmp")
            self.status_is(result, 0)
            self.assertEqual(result.err.count("too long a name"), asked)
        self.assertEqual({n[:-4] for n in sidecars(copy)}, self.wanted(copy))
        self.assertEqual(media(copy), before)
        # And no longer: they stay.
        self.status_is(copy.sync(), 0)
        self.assertEqual({n[:-4] for n in sidecars(copy)}, self.wanted(copy))

    def test_each_is_valid_and_nothing_else_is_touched(self):
        """B035, B036, B107"""
        self.sim.change("add", kind="jpeg", count=3,
                        date_ms=str(-14159025000))
        copy = self.pulled()
        self.assertEqual({n[:-4] for n in sidecars(copy)}, self.wanted(copy))
        for _, _, text in sidecars(copy).values():
            xml.etree.ElementTree.fromstring(text)
        for name in sidecars(copy):
            mode = os.lstat(copy.files()[name]).st_mode & 0o777
            self.assertEqual(mode & 0o600, 0o600)
        truth = {(t["sha256"], t["size"]) for t in self.sim.truth()}
        self.assertEqual({s for s, _ in truth}, set(media(copy).values()))
        # Neither in the sums nor in the manifest, and of the copy for verify.
        self.assertEqual(harness.check_sums(self, copy), set(media(copy)))
        self.assertEqual(set(manifest(copy)), set(media(copy)))
        result = copy.verify("--json")
        self.status_is(result, 0)
        self.assertEqual(result.event("verdict")["foreign"], 0)

    @unittest.skipUnless(shutil.which("exiftool"), "exiftool is not there")
    def test_exiftool_reads_what_was_sent(self):
        """B035, B036, B107"""
        self.sim.change("add", kind="jpeg", count=3,
                        date_ms=str(-14159025000))
        self.sim.change("duplicate", count=3)
        copy = self.pulled()
        truth = {}
        for t in self.sim.truth():
            truth.setdefault((t["zone"], t["asset"]), t)
        read = read_all(copy)
        self.assertEqual(set(read), self.wanted(copy))
        seen = dict.fromkeys(("title", "caption", "keywords", "place",
                              "height", "date", "zone", "old", "star"), 0)
        for path, found in read.items():
            line = manifest(copy)[path][1]
            all_of = [truth[a["zone"], a["record"]] for a in line["assets"]]
            t = all_of[0]
            self.assertEqual(found.get("XMP-dc:Title"), t["title"], path)
            self.assertEqual(found.get("XMP-dc:Description"), t["caption"])
            words = []
            for one in all_of:
                words += [w for w in one["keywords"] if w not in words]
            self.assertEqual(found.get("XMP-dc:Subject", []), words)
            self.assertEqual(found.get("XMP-digiKam:TagsList", []), words)
            self.check_place(seen, found, t["place"])
            self.check_date(seen, found, t)
            self.assertEqual(found.get("XMP-xmp:Rating"),
                             5 if t["favourite"] else None)
            seen["title"] += t["title"] is not None
            seen["caption"] += t["caption"] is not None
            seen["keywords"] += bool(words)
            seen["star"] += t["favourite"]
        self.assertNotIn(0, seen.values(), seen)

    def check_place(self, seen, found, place):
        if place is None:
            self.assertNotIn("XMP-exif:GPSLatitude", found)
            return
        seen["place"] += 1
        self.assertAlmostEqual(
            float(found["XMP-exif:GPSLatitude"]), place[0], delta=1e-7)
        self.assertAlmostEqual(
            float(found["XMP-exif:GPSLongitude"]), place[1], delta=1e-7)
        if place[2] is None:
            self.assertNotIn("XMP-exif:GPSAltitude", found)
            return
        seen["height"] += 1
        self.assertAlmostEqual(
            float(found["XMP-exif:GPSAltitude"]), place[2], delta=1e-3)
        self.assertEqual(int(found["XMP-exif:GPSAltitudeRef"]), 0)

    def check_date(self, seen, found, t):
        names = ("XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated",
                 "XMP-xmp:CreateDate")
        ms = t["assetDate_ms"]
        if ms is None:
            ms = t["originalCreationDate_ms"]
        if not -5364662400000 + 86400000 < ms < 7289654400000 - 86400000:
            for name in names:
                self.assertNotIn(name, found)
            return
        for name in names:
            self.assertEqual(moment(found[name]),
                             (ms, t["timeZoneOffset_s"]), found)
        seen["date"] += 1
        seen["zone"] += bool(t["timeZoneOffset_s"])
        seen["old"] += ms < 0

    @unittest.skipUnless(shutil.which("exiv2"), "exiv2 is not there")
    def test_exiv2_reads_the_same(self):
        """The library by which digiKam, darktable and Gwenview read them."""
        copy = self.pulled()
        read = read_all(copy)
        tags = {"Xmp.dc.title": "XMP-dc:Title",
                "Xmp.dc.description": "XMP-dc:Description",
                "Xmp.dc.subject": "XMP-dc:Subject",
                "Xmp.digiKam.TagsList": "XMP-digiKam:TagsList",
                "Xmp.exif.DateTimeOriginal": "XMP-exif:DateTimeOriginal",
                "Xmp.exif.GPSLatitude": "XMP-exif:GPSLatitude",
                "Xmp.xmp.Rating": "XMP-xmp:Rating"}
        seen = dict.fromkeys(tags, 0)
        for path, found in read.items():
            for tag, name in tags.items():
                text = self.exiv2(copy, path + ".xmp", tag)
                self.assertEqual(text is None, name not in found, (path, tag))
                if text is None:
                    continue
                seen[tag] += 1
                value = found[name]
                if name.startswith("XMP-dc:") and isinstance(value, str):
                    self.assertEqual(text, 'lang="x-default" ' + value)
                elif isinstance(value, list):
                    self.assertEqual(text, ", ".join(map(str, value)))
                elif tag.endswith("Latitude"):
                    degrees, minutes = text[:-1].split(",")
                    value = abs(float(value))
                    self.assertAlmostEqual(
                        int(degrees) + float(minutes) / 60, value, delta=1e-7)
                    self.assertIn(text[-1], "NS")
                elif tag.endswith("Original"):
                    date, time = text.split("T")
                    self.assertEqual(date.replace("-", ":") + " " + time,
                                     value)
                else:
                    self.assertEqual(text, str(value))
        self.assertNotIn(0, seen.values(), seen)

    def exiv2(self, copy, path, tag):
        done = subprocess.run(
            ["exiv2", "-q", "-g", tag + "$", "-Pv",
             os.path.join(copy.root, path)], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        self.assertIn(done.returncode, (0, 1), done)
        return done.stdout[:-1].decode() if done.stdout else None

    def test_only_what_changes_is_written_anew(self):
        copy = self.pulled()
        before = sidecars(copy)
        pictures = media(copy)
        snapshot = copy.snapshot()
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertEqual(copy.snapshot(), snapshot)
        lines = sorted(manifest(copy).items())
        records = []
        for _, (_, line) in lines:
            asset = line["assets"][0]
            if (line["cloud"] == "present" and asset["zone"] == "PrimarySync"
                    and line["role"] == "original"
                    and not asset.get("favourite")
                    and asset["record"] not in records):
                records.append(asset["record"])
        self.sim.change("caption", asset=records[0])
        self.sim.change("favourite", asset=records[1])
        self.sim.change("album_add", name="Summer")
        self.sim.change("album_put", album="Summer", asset=records[2])
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        changed = {n for n, v in sidecars(copy).items() if before[n] != v}
        may = {p + ".xmp" for p, (_, line) in lines
               if line["assets"][0]["record"] in records[:2]
               and line["role"] in ROLES}
        self.assertEqual(changed, may)
        self.assertEqual(len({manifest(copy)[n[:-4]][1]["stem"]
                              .replace("_edited", "") for n in changed}), 2)
        self.assertEqual(media(copy), pictures)
        # What changes while the option is off is not forgotten.
        before = sidecars(copy)
        self.sim.change("caption", asset=records[0])
        self.status_is(copy.sync(), 0)
        self.assertEqual(sidecars(copy), before)
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertNotEqual(sidecars(copy), before)

    def test_what_another_program_has_written_stays(self):
        copy = self.pulled()
        names = sorted(sidecars(copy))
        mine, gone = copy.files()[names[0]], copy.files()[names[1]]
        records = [manifest(copy)[n[:-4]][1]["assets"][0]["record"]
                   for n in names]
        with open(mine, "wb") as file:
            file.write(b"<mine/>")
        os.unlink(gone)
        before = sidecars(copy)
        result = copy.sync("--sidecar", "xmp")
        self.status_is(result, 0)
        self.assertEqual(result.err.count("changed by another"), 0)
        # What is gone is written again.
        self.assertIn(names[1], sidecars(copy))
        self.assertEqual(sidecars(copy)[names[0]], before[names[0]])
        for asked in (1, 0):
            self.sim.change("caption", asset=records[0])
            result = copy.sync("--sidecar", "xmp")
            self.status_is(result, 0)
            self.assertEqual(result.err.count("changed by another"), asked,
                             str(result))
            self.assertEqual(sidecars(copy)[names[0]], before[names[0]])
        self.assertEqual(copy.verify("--json").event("verdict")["foreign"], 0)
        os.unlink(mine)
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertIn(b"xmpmeta", sidecars(copy)[names[0]][2])

    def test_foreign_files_are_never_replaced(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        path = sorted(self.wanted(copy))[0] + ".xmp"
        with open(os.path.join(copy.root, path), "wb") as file:
            file.write(b"foreign")
        for asked in (1, 0):
            result = copy.sync("--sidecar", "xmp")
            self.status_is(result, 0)
            self.assertEqual(result.err.count(path), asked, str(result))
            self.assertEqual(sidecars(copy)[path][2], b"foreign")
        verdict = copy.verify("--json").event("verdict")
        self.assertEqual(verdict["foreign"], 1)
        os.unlink(os.path.join(copy.root, path))
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertIn(b"xmpmeta", sidecars(copy)[path][2])

    def test_a_full_disk_is_status_5_and_nothing_is_forgotten(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        before = media(copy)
        result = copy.sync("--sidecar", "xmp", env=shimmed(
            SHIM_FAIL="sidecar:70:%d" % errno.ENOSPC))
        self.status_is(result, 5)
        self.assertIn(".xmp cannot be written: No space left", result.err)
        self.assertTrue(sidecars(copy))
        self.assertLess({n[:-4] for n in sidecars(copy)}, self.wanted(copy))
        self.assertEqual(os.listdir(folder(copy, "partial.noindex")), [])
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertEqual({n[:-4] for n in sidecars(copy)}, self.wanted(copy))
        self.assertEqual(media(copy), before)

    def test_a_file_that_was_moved_gets_one_at_its_new_place(self):
        copy = self.pulled()
        path = sorted(self.wanted(copy))[0]
        moved = os.path.join(copy.root, "elsewhere.bin")
        os.rename(copy.files()[path], moved)
        self.status_is(copy.verify("--repair"), 0)
        self.assertIn(path + ".xmp", sidecars(copy))
        self.status_is(copy.sync("--sidecar", "xmp"), 0)
        self.assertIn("elsewhere.bin.xmp", sidecars(copy))
        self.assertEqual(copy.verify("--json").event("verdict")["foreign"], 0)


if __name__ == "__main__":
    harness.main()
