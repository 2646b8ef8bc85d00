"""manifest/ and records/: the disk alone says what every file is.

Each month's lines against the disk and the simulator's truth; changes between
runs; a month that is damaged by somebody else; nothing written when nothing
changed.
"""

import gzip
import json
import os
import shutil
import unittest

import harness


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
        for _, line in kept:
            self.assertIn("recordType", line["record"])
            self.assertFalse(line["gone"])
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
        path, (_, line) = sorted(manifest(copy).items())[0]
        self.sim.change("favourite", asset=line["assets"][0]["record"])
        shim = {"LD_PRELOAD": os.path.abspath(
            os.path.join(harness.BUILD, "shim.so")),
            "SHIM_FAIL": "write:0:28"}
        result = copy.sync(env=shim)
        if result.status == 0:
            self.skipTest("writes are not met by the shim")
        self.status_is(copy.sync(), 0)
        self.assertTrue(
            manifest(copy)[path][1]["assets"][0]["favourite"])


if __name__ == "__main__":
    harness.main()
