"""manifest/ and records/: the disk alone says what every file is.

Each month's lines against the disk and the simulator's truth; changes between
runs; a month that is damaged by somebody else; nothing written when nothing
changed.
"""

import errno
import gzip
import json
import os
import shutil

import harness
from harness import shimmed


def folder(copy, name):
    return os.path.join(copy.root, ".icloud-pull", name)


def manifest(copy):
    """Path -> (month, line)."""
    found = {}
    for name in sorted(os.listdir(folder(copy, "manifest"))):
        with open(os.path.join(folder(copy, "manifest"), name),
                  encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                assert line["path"] not in found, "twice: " + line["path"]
                found[line["path"]] = (name, line)
    return found


def records(copy):
    """Every kept record: (month, line)."""
    found = []
    for name in sorted(os.listdir(folder(copy, "records"))):
        with gzip.open(os.path.join(folder(copy, "records"), name), "rt",
                       encoding="utf-8") as file:
            found += [(name, json.loads(text)) for text in file]
    return found


def month_files(copy):
    """Name -> (inode, mtime, bytes) of all files of both folders."""
    seen = {}
    for kind in ("manifest", "records"):
        for name in os.listdir(folder(copy, kind)):
            path = os.path.join(folder(copy, kind), name)
            st = os.lstat(path)
            with open(path, "rb") as file:
                seen[kind + "/" + name] = (st.st_ino, st.st_mtime_ns,
                                           file.read())
    return seen


class Manifest(harness.Case):
    assets = 80

    def pulled(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        return copy

    def test_every_file_is_in_it_once_with_what_it_is(self):
        copy = self.pulled()
        lines = manifest(copy)
        self.assertEqual(set(lines), set(copy.files()))
        truth = {(t["sha256"], t["size"]): t for t in self.sim.truth()}
        for path, (name, line) in lines.items():
            self.assertEqual(line["sha256"],
                             harness.sha256_of(copy.files()[path]))
            t = truth[(line["sha256"], line["size"])]
            self.assertIn(line["state"], ("proven", "size-verified"))
            self.assertEqual(line["fileChecksum"], t["fileChecksum"])
            self.assertTrue(line["assets"])
            for asset in line["assets"]:
                self.assertIn("record", asset)
                self.assertIn(asset["database"], ("private", "shared"))
            if "taken" in line and not path.startswith("undated/"):
                self.assertEqual(name[:7], line["taken"][:7])

    def test_records_are_kept_as_they_came_without_links(self):
        copy = self.pulled()
        kept = records(copy)
        names = {(line["zone"], line["record"]["recordName"])
                 for _, line in kept}
        for _, (_, line) in manifest(copy).items():
            for asset in line["assets"]:
                self.assertIn((asset["zone"], asset["record"]), names)
                self.assertIn((asset["zone"], asset["master"]), names)
        text = json.dumps([line for _, line in kept])
        self.assertNotIn("icloud-content.com", text)
        sums = {t["fileChecksum"] for t in self.sim.truth()}
        found = set()
        for _, line in kept:
            record = line["record"]
            self.assertLessEqual(
                {"recordName", "recordType", "recordChangeTag", "created",
                 "modified", "deleted", "zoneID", "fields"}, set(record))
            self.assertFalse(line["gone"])
            for name, field in record["fields"].items():
                if field.get("type") == "ASSETID":
                    self.assertEqual(field["value"]["downloadURL"], "", name)
                    found.add(field["value"]["fileChecksum"])
        self.assertLessEqual(sums, found)
        kinds = {line["record"]["recordType"] for name, line in kept
                 if name == "albums.jsonl.gz"}
        self.assertIn("CPLAlbum", kinds)
        self.assertNotIn("CPLAsset", kinds)

    def test_a_gzip_file_has_no_time_and_the_same_bytes_again(self):
        copy = self.pulled()
        before = month_files(copy)
        for name, (_, _, data) in before.items():
            if name.startswith("records/"):
                self.assertEqual(data[4:8], b"\0\0\0\0", name)
        shutil.rmtree(folder(copy, "records"))
        result = copy.verify("--repair")
        self.assertIn(result.status, (0, 1), str(result))
        after = month_files(copy)
        self.assertEqual({n: v[2] for n, v in after.items()},
                         {n: v[2] for n, v in before.items()})

    def test_nothing_is_written_when_nothing_changed(self):
        copy = self.pulled()
        before = month_files(copy)
        self.status_is(copy.sync(), 0)
        self.assertEqual(month_files(copy), before)

    def test_only_the_month_that_changed_is_written_anew(self):
        """B071: a caption alone, with no master and no file."""
        copy = self.pulled()
        before = month_files(copy)
        path, (month, line) = sorted(manifest(copy).items())[0]
        record = line["assets"][0]["record"]
        self.sim.change("caption", asset=record)
        self.sim.change("favourite", asset=record)
        self.status_is(copy.sync(), 0)
        was = [a for a in line["assets"] if a["record"] == record][0]
        line = manifest(copy)[path][1]
        asset = [a for a in line["assets"] if a["record"] == record][0]
        self.assertNotEqual(asset.get("title"), was.get("title"))
        self.assertTrue(asset["title"])
        self.assertTrue(asset["favourite"])
        changed = {n for n, v in month_files(copy).items()
                   if before.get(n) != v}
        self.assertLessEqual(
            {n for n in changed if n.startswith("manifest/")},
            {"manifest/" + month})

    def test_albums_follow_a_new_name(self):
        copy = self.pulled()
        self.sim.change("album_add", name="Summer")
        album = [line["record"]["recordName"] for _, line in records(copy)]
        path, (_, line) = sorted(manifest(copy).items())[0]
        record = line["assets"][0]["record"]
        self.sim.change("album_put", album="Summer", asset=record)
        self.status_is(copy.sync(), 0)
        self.assertIn("Summer", manifest(copy)[path][1]["albums"])
        self.sim.change("album_rename", album="Summer", name="Winter")
        self.status_is(copy.sync(), 0)
        albums = manifest(copy)[path][1]["albums"]
        self.assertIn("Winter", albums)
        self.assertNotIn("Summer", albums)
        self.assertTrue(album)

    def test_two_assets_of_one_original_share_a_line(self):
        """B001"""
        copy = self.signed_in()
        self.sim.change("duplicate", count=3)
        self.status_is(copy.sync(), 0)
        shared = [line for _, line in manifest(copy).values()
                  if len(line["assets"]) > 1]
        self.assertTrue(shared)
        for line in shared:
            self.assertEqual(
                len({a["record"] for a in line["assets"]}),
                len(line["assets"]))

    def test_what_has_left_the_cloud_stays_and_says_so(self):
        copy = self.pulled()
        path, (_, line) = sorted(manifest(copy).items())[0]
        record = line["assets"][0]["record"]
        self.sim.change("purge", asset=record)
        self.assertIn(copy.sync().status, (0, 1))
        line = manifest(copy)[path][1]
        self.assertEqual(line["cloud"], "gone")
        gone = [r for _, r in records(copy)
                if r["record"]["recordName"] == record]
        self.assertTrue(gone and gone[0]["gone"])

    def test_a_damaged_month_is_named_and_written_anew(self):
        copy = self.pulled()
        before = {n: v[2] for n, v in month_files(copy).items()}
        name = sorted(os.listdir(folder(copy, "manifest")))[0]
        path = os.path.join(folder(copy, "manifest"), name)
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
        os.unlink(os.path.join(folder(copy, "records"), "albums.jsonl.gz"))
        result = copy.verify()
        self.status_is(result, 1)
        self.assertIn("manifest/" + name, result.out)
        self.assertIn("records/albums.jsonl.gz", result.out)
        self.assertEqual(os.path.exists(os.path.join(
            folder(copy, "records"), "albums.jsonl.gz")), False)
        self.status_is(copy.verify("--repair"), 0)
        self.assertEqual({n: v[2] for n, v in month_files(copy).items()},
                         before)
        self.status_is(copy.verify(), 0)

    def test_places_and_keywords_are_plain_words(self):
        copy = self.pulled()
        assets = [a for _, line in manifest(copy).values()
                  for a in line["assets"]]
        places = [a["place"] for a in assets if "place" in a]
        self.assertTrue(places)
        for place in places:
            self.assertTrue(-90 <= place["latitude"] <= 90)
            self.assertTrue(-180 <= place["longitude"] <= 180)
        self.assertTrue(any(a.get("keywords") for a in assets))

    def test_a_full_disk_leaves_the_mark(self):
        copy = self.pulled()
        path, (month, line) = sorted(manifest(copy).items())[0]
        self.sim.change("favourite", asset=line["assets"][0]["record"])
        before = month_files(copy)
        result = copy.sync(env=shimmed(
            SHIM_FAIL="month:0:%d" % errno.ENOSPC))
        self.status_is(result, 5)
        self.assertIn(".icloud-pull/manifest/" + month, result.err)
        self.assertIn("No space left", result.err)
        self.assertEqual(month_files(copy), before)
        # Nothing has changed since, and what is behind is known.
        self.status_is(copy.sync(), 0)
        self.assertTrue(
            manifest(copy)[path][1]["assets"][0]["favourite"])

    def test_what_is_no_date_is_kept_as_it_is(self):
        """B058"""
        copy = self.pulled()
        absurd = [86531000000000000, (1 << 63) - 1, -(1 << 63)]
        for date in absurd:
            self.sim.change("add", kind="jpeg", date_ms=str(date))
        self.status_is(copy.sync(), 0)
        found = {a["taken_ms"] for name, line in manifest(copy).values()
                 if name == "undated.jsonl" for a in line["assets"]
                 if "taken_ms" in a}
        self.assertLessEqual(set(absurd), found)

    def test_what_moves_to_the_shared_library_is_one_file_of_two(self):
        """B086"""
        copy = self.pulled()
        before = manifest(copy)
        self.sim.change("move_to_shared", count=10)
        self.status_is(copy.sync(), 0)
        after = manifest(copy)
        self.assertEqual(set(after), set(before))
        moved = [line for _, line in after.values()
                 if {a["database"] for a in line["assets"]
                     if a["zone"].startswith("SharedSync-")}]
        self.assertGreaterEqual(len(moved), 10)
        left = 0
        for line in moved:
            zones = {"PrimarySync": set(), "SharedSync": set()}
            for asset in line["assets"]:
                zones[asset["zone"].split("-")[0]].add(asset["cloud"])
            self.assertLessEqual(zones["SharedSync"], {"present", "trashed"})
            self.assertIn(line["cloud"], ("present", "trashed"))
            # A duplicate of it may have stayed.
            left += not zones["PrimarySync"] & {"present"}
            self.assertTrue(zones["PrimarySync"])
        self.assertGreaterEqual(left, 8)
        self.assertEqual(copy.verify().status, 0)

    def test_a_long_run_writes_them_while_it_goes_on(self):
        """And is killed: what the disk says then is true, if not all."""
        copy = self.signed_in()
        self.sim.fault("content", "delay", ms=400, times=-1)
        where = folder(copy, "records")
        process = copy.start("sync", "--root", copy.root, "--jobs", "2",
                             env=shimmed(SHIM_FAST=1500))
        harness.wait_for(lambda: os.path.isdir(where) and any(
            n.endswith(".gz") for n in os.listdir(where)) or None, process)
        process.kill()
        process.communicate()
        whole = {(t["sha256"], t["size"]) for t in self.sim.truth()}
        self.assertLess(len(copy.files()), len(whole), "it was at its end")
        self.assertTrue(records(copy))
        for path, (_, line) in manifest(copy).items():
            self.assertEqual(line["sha256"],
                             harness.sha256_of(copy.files()[path]))
        self.sim.clear_faults()
        self.status_is(copy.sync(), 0)
        self.assertEqual(set(manifest(copy)), set(copy.files()))
        self.status_is(copy.verify(), 0)
        left = [n for kind in ("manifest", "records")
                for n in os.listdir(folder(copy, kind)) if ".json" not in n]
        self.assertEqual(left, [])


if __name__ == "__main__":
    harness.main()
