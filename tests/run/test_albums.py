"""sync --albums links: the albums as folders of links, and nothing else touched.

What should be there is worked out from the simulator's lists, anew for each
look; renames, moves, members that come and go, folders of other people, volumes
without links, and a kill before each step.
"""

import errno
import json
import os
import shutil
import subprocess
import unicodedata

import harness
from harness import shimmed
from test_manifest import folder, manifest


def links(copy):
    """Path from ROOT -> text of the link, or its inode if it is a hard one."""
    found = {}
    for top, _, files in os.walk(os.path.join(copy.root, "Albums")):
        for name in files:
            path = os.path.join(top, name)
            st = os.lstat(path)
            found[os.path.relpath(path, copy.root)] = (
                os.readlink(path) if os.path.islink(path) else st.st_ino)
    return found


def folders(copy):
    return {os.path.relpath(top, copy.root)
            for top, _, _ in os.walk(os.path.join(copy.root, "Albums"))}


def originals(copy):
    """Everything of the copy itself, with all that a run could change."""
    found = {}
    for name, path in copy.files().items():
        st = os.lstat(path)
        found[name] = (st.st_ino, st.st_size, st.st_mtime_ns, st.st_mode,
                       harness.sha256_of(path))
    return found


def leads_to(copy, path):
    """The file of the copy that a link is; it is the very same file."""
    whole = os.path.join(copy.root, path)
    text = os.readlink(whole)
    assert not os.path.isabs(text), text
    return os.path.relpath(os.path.normpath(os.path.join(
        os.path.dirname(whole), text)), copy.root)


def members(copy):
    """Album's path in iCloud, composed -> paths of the files that belong in it."""
    found = {}
    for path, (_, line) in manifest(copy).items():
        for asset in line["assets"]:
            if asset.get("replaced") or asset["cloud"] != "present":
                continue
            if line["cloud"] != "present":
                continue
            # Its own albums, if it is not the only one that has the file.
            for album in asset.get("albums", line.get("albums", [])):
                found.setdefault(unicodedata.normalize("NFC", album),
                                 set()).add(path)
    return found


def copy_tree(source, target):
    """With hard links as they are."""
    shutil.rmtree(target, True)
    subprocess.run(["cp", "-a", source, target], check=True)


def expected(copy):
    """Paths of the links, where nothing needs a suffix."""
    return {os.path.join("Albums", album, os.path.basename(path))
            for album, files in members(copy).items() for path in files}


class Case(harness.Case):
    assets = 80

    def linked(self, *words, **more):
        """A run; what it said as an event."""
        result = self.copy.sync("--albums", "links", "--json", *words, **more)
        self.status_is(result, 0)
        return result.event("albums")

    def started(self):
        copy = self.signed_in()
        said = self.linked()
        self.assertEqual(said["kind"], "symbolic")
        self.assertGreater(said["made"], 10)
        self.assertEqual(said["made"], said["links"])
        self.assertEqual((said["removed"], said["in_the_way"]), (0, 0))
        return copy

    def in_folder(self, path):
        """Files of the copy that one folder of Albums shows."""
        prefix = os.path.join("Albums", path) + "/"
        return {leads_to(self.copy, name) for name in links(self.copy)
                if name.startswith(prefix) and "/" not in name[len(prefix):]}

    def as_in_the_cloud(self):
        """Titles of the simulator are safe names, and none is there twice."""
        want = members(self.copy)
        self.assertTrue(want)
        for album, files in want.items():
            self.assertEqual(self.in_folder(album), files, album)
        self.assertEqual(sum(map(len, want.values())), len(links(self.copy)))
        for name in links(self.copy):
            self.assertEqual(os.path.basename(name),
                             os.path.basename(leads_to(self.copy, name)))
        self.assertEqual(
            {os.path.dirname(n) for n in links(self.copy)},
            {os.path.join("Albums", a) for a in want})

    def a_member(self, album):
        """Record of an asset that lies in an album."""
        for _, (_, line) in sorted(manifest(self.copy).items()):
            if album in line.get("albums", []) and len(line["assets"]) == 1:
                return line["assets"][0]["record"]
        raise AssertionError(album)


class Albums(Case):
    def test_nothing_is_made_unless_it_is_wanted(self):
        copy = self.signed_in()
        for words in ((), ("--albums", "none")):
            self.status_is(copy.sync(*words), 0)
            self.assertFalse(os.path.exists(os.path.join(copy.root, "Albums")))
        result = copy.sync("--albums", "links")
        self.status_is(result, 0)
        self.assertRegex(result.out, r"Albums: [0-9]+ symbolic links made")
        self.as_in_the_cloud()
        # And no longer: they stay.
        before = links(copy)
        self.status_is(copy.sync(), 0)
        self.assertEqual(links(copy), before)

    def test_the_tree_is_that_of_icloud(self):
        """B018: albums of one name in different folders."""
        copy = self.started()
        self.as_in_the_cloud()
        self.assertIn("Trips/2024", members(copy))
        self.assertIn("Trips/Europe/2024", members(copy))
        self.assertNotEqual(self.in_folder("Trips/2024"),
                            self.in_folder("Trips/Europe/2024"))
        # Neither smart albums, nor empty ones, nor iCloud's own root.
        self.assertEqual(folders(copy), {
            os.path.join("Albums", *a.split("/")[:n])
            for a in members(copy) for n in range(len(a.split("/")) + 1)}
            - {"Albums/"} | {"Albums"})
        self.assertEqual(harness.check_sums(self, copy),
                         set(originals(copy)))
        # Neither foreign to verify nor of the copy.
        verdict = copy.verify("--json").event("verdict")
        self.assertEqual((verdict["foreign"], verdict["damaged"]), (0, 0))
        self.assertEqual(verdict["files"], len(originals(copy)))
        # A second run finds nothing to do.
        before = copy.snapshot()
        said = self.linked()
        self.assertEqual((said["made"], said["removed"]), (0, 0))
        self.assertEqual(copy.snapshot(), before)

    def test_changes_are_followed(self):
        copy = self.started()
        kept = originals(copy)
        here = sorted(a["record"] for _, (_, line) in manifest(copy).items()
                      for a in line["assets"] if line["role"] == "original"
                      and a["cloud"] == "present"
                      and a["zone"] == "PrimarySync")
        self.sim.change("album_rename", album="Holidays", name="Summer: 2023")
        self.linked()
        self.assertNotIn("Albums/Holidays", folders(copy))
        self.assertEqual(self.in_folder("Summer_ 2023"),
                         members(copy)["Summer: 2023"])
        self.sim.change("album_rename", album="Summer: 2023", name="Holidays")
        # A folder, and so all in it; another folder; in, out, and a new one.
        self.sim.change("album_rename", album="Trips", name="Travels")
        self.sim.change("album_rename", album="Europe", parent="")
        self.sim.change("album_take", album="Holidays",
                        asset=self.a_member("Summer: 2023"))
        self.sim.change("album_add", name="Deep", folder=True, parent="Europe")
        self.sim.change("album_add", name="Deeper", parent="Deep")
        self.sim.change("album_put", album="Deeper", asset=here[:3])
        self.linked()
        self.as_in_the_cloud()
        self.assertIn("Albums/Europe/Deep/Deeper", folders(copy))
        self.assertIn("Albums/Europe/2024", folders(copy))
        self.assertIn("Albums/Travels/2024", folders(copy))
        self.assertNotIn("Albums/Trips", folders(copy))
        self.sim.change("album_remove", album="Deeper")
        self.linked()
        self.as_in_the_cloud()
        self.assertNotIn("Albums/Europe/Deep", folders(copy))
        self.assertEqual(originals(copy), kept)
        self.assertEqual(copy.verify("--json").event("verdict")["foreign"], 0)

    def test_the_trash_is_not_shown(self):
        copy = self.started()
        asset = self.a_member("Holidays")
        before = links(copy)
        self.sim.change("trash", asset=asset)
        self.linked()
        self.assertLess(set(links(copy)), set(before))
        self.as_in_the_cloud()
        self.sim.change("restore", asset=asset)
        self.linked()
        self.assertEqual(links(copy), before)
        # Hidden is another thing.
        self.sim.change("hide", asset=asset)
        self.linked()
        self.assertEqual(links(copy), before)

    def test_albums_of_one_name(self):
        copy = self.started()
        asset = self.a_member("Holidays")
        self.sim.change("album_add", name="HOLIDAYS")
        self.sim.change("album_put", album="HOLIDAYS", asset=asset)
        before = links(copy)
        self.linked()
        second = [f for f in folders(copy)
                  if f.startswith("Albums/HOLIDAYS")]
        self.assertEqual(len(second), 1)
        self.assertRegex(second[0], r"^Albums/HOLIDAYS-[a-z2-7]{8}$")
        self.assertLess(before.items(), links(copy).items())
        # The first is deleted: the second stays what it is called.
        self.sim.change("album_remove", album="Holidays")
        self.linked()
        self.assertIn(second[0], folders(copy))
        self.assertNotIn("Albums/Holidays", folders(copy))

    def test_members_of_one_name(self):
        copy = self.started()
        self.sim.change("album_add", name="Two")
        for date in (1700000000000, 1710000000000):
            self.sim.change("add", kind="live", name="IMG_9999.HEIC",
                            date_ms=str(date))
        self.status_is(copy.sync(), 0)
        twins = {line["assets"][0]["record"]
                 for path, (_, line) in manifest(copy).items()
                 if path.endswith("/IMG_9999.HEIC")}
        self.assertEqual(len(twins), 2)
        self.sim.change("album_put", album="Two", asset=sorted(twins))
        self.linked()
        names = sorted(os.path.basename(n) for n in links(copy)
                       if n.startswith("Albums/Two/"))
        self.assertEqual(len(names), 4)
        self.assertEqual(names[2:], ["IMG_9999.HEIC", "IMG_9999.MOV"])
        tail = names[0][len("IMG_9999"):-len(".HEIC")]
        self.assertRegex(tail, r"^-[a-z2-7]{8}$")
        self.assertEqual(names[:2], ["IMG_9999%s.HEIC" % tail,
                                     "IMG_9999%s.MOV" % tail])
        pairs = {}
        for name in names:
            path = leads_to(copy, "Albums/Two/" + name)
            pairs.setdefault(name[:-5].rstrip("."), set()).add(
                os.path.dirname(path))
        self.assertEqual({len(p) for p in pairs.values()}, {1})

    def test_what_was_deleted_comes_back(self):
        copy = self.started()
        before = links(copy)
        os.unlink(os.path.join(copy.root, sorted(before)[0]))
        said = self.linked()
        self.assertEqual((said["made"], said["removed"]), (1, 0))
        shutil.rmtree(os.path.join(copy.root, "Albums"))
        said = self.linked()
        self.assertEqual((said["made"], said["removed"]), (len(before), 0))
        self.assertEqual(links(copy), before)

    def test_what_others_have_put_there_stays(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        want = members(copy)
        name = os.path.basename(sorted(want["Holidays"])[0])
        mine = os.path.join(copy.root, "Albums/Holidays", name)
        os.makedirs(os.path.dirname(mine))
        with open(mine, "wb") as file:
            file.write(b"mine")
        os.symlink(copy.home, os.path.join(copy.root, "Albums/Trips"))
        outside = sorted(os.listdir(copy.home))
        blocked = 1 + sum(len(f) for a, f in want.items()
                          if a.startswith("Trips/"))
        for told in (1, 0):
            result = copy.sync("--albums", "links", "--json")
            self.status_is(result, 0)
            self.assertEqual(result.event("albums")["in_the_way"], blocked)
            self.assertEqual(result.err.count("Move it away"), told,
                             str(result))
            with open(mine, "rb") as file:
                self.assertEqual(file.read(), b"mine")
            self.assertEqual(os.readlink(os.path.join(
                copy.root, "Albums/Trips")), copy.home)
            self.assertEqual(sorted(os.listdir(copy.home)), outside)
        said = copy.verify("--json")
        self.assertEqual({e["path"] for e in said.events()
                          if e["event"] == "foreign"},
                         {os.path.relpath(mine, copy.root), "Albums/Trips"})
        os.unlink(mine)
        os.unlink(os.path.join(copy.root, "Albums/Trips"))
        self.assertEqual(self.linked()["in_the_way"], 0)
        self.as_in_the_cloud()
        # In a folder that goes: only ours goes with it.  And one of our names,
        # with something else under it.
        mine = os.path.join(copy.root, "Albums/Holidays/note.txt")
        changed = os.path.join(copy.root, sorted(
            n for n in links(copy) if n.startswith("Albums/Holidays/"))[0])
        os.unlink(changed)
        for path in (mine, changed):
            with open(path, "wb") as file:
                file.write(b"mine")
        self.sim.change("album_rename", album="Holidays", name="Leave")
        self.linked()
        self.assertEqual(sorted(os.listdir(os.path.dirname(mine))),
                         sorted(map(os.path.basename, (mine, changed))))
        self.assertEqual(self.in_folder("Leave"), want["Holidays"])

    def test_hard_links_where_there_are_no_others(self):
        copy = self.signed_in()
        env = shimmed(SHIM_NOLINK="symlink")
        said = self.linked(env=env)
        self.assertEqual(said["kind"], "hard")
        self.assertGreater(said["made"], 10)
        inodes = {v[0]: n for n, v in originals(copy).items()}
        before = links(copy)
        for name, inode in before.items():
            self.assertIn(inode, inodes, name)
        self.assertEqual(copy.verify("--json").event("verdict")["foreign"], 0)
        snapshot = copy.snapshot()
        self.linked(env=env)
        self.assertEqual(copy.snapshot(), snapshot)
        # A file that is fetched anew: its links as well.
        name, inode = sorted(before.items())[0]
        damaged = os.path.join(copy.root, inodes[inode])
        size = os.path.getsize(damaged)
        os.chmod(damaged, 0o644)
        with open(damaged, "wb") as file:
            file.write(b"\0" * size)
        self.status_is(copy.verify("--repair"), 0)
        self.linked(env=env)
        self.assertTrue(os.path.samefile(
            os.path.join(copy.root, name), damaged))
        self.assertEqual(set(links(copy)), set(before))
        # An original that somebody has deleted: what is left of it stays.
        os.unlink(damaged)
        copy.verify()
        self.status_is(copy.sync("--albums", "links", env=env), 1)
        self.assertTrue(os.path.exists(os.path.join(copy.root, name)))
        self.status_is(copy.verify("--repair"), 0)
        os.unlink(os.path.join(copy.root, name))
        self.linked(env=env)
        self.assertTrue(os.path.samefile(
            os.path.join(copy.root, name), damaged))
        # On a volume that has symbolic ones, those.
        self.sim.change("album_add", name="Another")
        self.assertEqual(self.linked()["kind"], "symbolic")
        self.as_in_the_cloud()

    def test_clones_where_there_are_no_links(self):
        copy = self.signed_in()
        env = shimmed(SHIM_NOLINK="symlink,link", SHIM_CLONE=1)
        said = self.linked(env=env)
        self.assertEqual(said["kind"], "clone")
        self.assertGreater(said["made"], 10)
        self.assertEqual(set(links(copy)), expected(copy))
        kept = originals(copy)
        sums = {v[4]: (v[2], v[3]) for v in kept.values()}
        for name in links(copy):
            path = os.path.join(copy.root, name)
            st = os.lstat(path)
            self.assertEqual(sums[harness.sha256_of(path)],
                             (st.st_mtime_ns, st.st_mode), name)
        self.assertEqual(os.listdir(folder(copy, "partial.noindex")), [])
        self.assertEqual(copy.verify("--json").event("verdict")["foreign"], 0)
        snapshot = copy.snapshot()
        self.linked(env=env)
        self.assertEqual(copy.snapshot(), snapshot)
        # One that somebody has changed is theirs.
        mine = os.path.join(copy.root, sorted(
            n for n in links(copy) if n.startswith("Albums/Holidays/"))[0])
        os.chmod(mine, 0o644)
        with open(mine, "r+b") as file:
            file.write(b"mine")
        self.assertEqual(copy.verify("--json").event("verdict")["foreign"], 1)
        self.sim.change("album_rename", album="Holidays", name="Leave")
        self.linked(env=env)
        self.assertEqual(os.listdir(os.path.dirname(mine)),
                         [os.path.basename(mine)])
        os.unlink(mine)
        self.assertEqual(set(links(copy)), expected(copy))
        # A file that is fetched anew; meanwhile what is left of it stays.
        name = sorted(n for n in links(copy)
                      if n.startswith("Albums/Leave/"))[0]
        inode = links(copy)[name]
        sum_ = harness.sha256_of(os.path.join(copy.root, name))
        damaged = [os.path.join(copy.root, n) for n, v in kept.items()
                   if v[4] == sum_][0]
        os.unlink(damaged)
        copy.verify()
        self.status_is(copy.sync("--albums", "links", env=env), 1)
        self.assertEqual(links(copy)[name], inode)
        self.status_is(copy.verify("--repair"), 0)
        self.linked(env=env)
        self.assertEqual(set(links(copy)), expected(copy))
        self.assertEqual(
            harness.sha256_of(os.path.join(copy.root, name)), sum_)

    def test_a_volume_without_links_is_one_sentence(self):
        copy = self.signed_in()
        env = shimmed(SHIM_NOLINK="symlink,link")
        result = copy.sync("--albums", "links", "--json", env=env)
        self.status_is(result, 0)
        self.assertIsNone(result.event("albums")["kind"])
        self.assertEqual(result.err.count("neither symbolic nor hard"), 1)
        self.assertFalse(os.path.exists(os.path.join(copy.root, "Albums")))
        before = copy.snapshot()
        result = copy.sync("--albums", "links", env=env)
        self.status_is(result, 0)
        self.assertEqual(copy.snapshot(), before)

    def test_a_full_disk_is_status_5_and_nothing_is_forgotten(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        result = copy.sync("--albums", "links", env=shimmed(
            SHIM_FAIL="symlink:9:%d" % errno.ENOSPC))
        self.status_is(result, 5)
        self.assertIn("Albums/", result.err)
        self.linked()
        self.as_in_the_cloud()

    def test_a_layout_in_albums_is_refused(self):
        copy = self.signed_in()
        for layout in ("Albums/%Y", "albums", "ALBUMS./%Y"):
            self.status_is(copy.sync("--layout", layout), 2)
        self.status_is(copy.sync(), 0)
        marker = folder(copy, "copy.json")
        with open(marker, encoding="utf-8") as file:
            values = json.load(file)
        values["layout"] = "ALBUMS/%Y"
        with open(marker, "w", encoding="utf-8") as file:
            json.dump(values, file)
        result = copy.sync()
        self.status_is(result, 2)
        self.assertIn("Albums", result.err)


class Crash(Case):
    """Killed before each step by which links are made, moved and removed."""

    assets = 30
    sim_options = ("--sizes", "tiny")

    def test_killed_before_any_step(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        kept = originals(copy)
        model = copy.home + "-model"
        self.addCleanup(shutil.rmtree, model, True)

        def save():
            copy_tree(copy.home, model)

        def back():
            copy_tree(model, copy.home)

        def every_step(most_tries, **shim):
            """Each step of one run, or so many of them."""
            save()
            count = os.path.join(copy.home, "count")
            self.linked(env=shimmed(SHIM_COUNT=count, **shim))
            with open(count, encoding="ascii") as file:
                most = int(file.read())
            self.assertGreater(most, 10)
            for n in range(1, most + 1, 1 + most // most_tries):
                back()
                result = copy.sync("--albums", "links", env=shimmed(
                    SHIM_KILL_AT=str(n), **shim))
                self.assertIn(result.status, (-9, 0))
                self.linked(env=shimmed(**shim))
                self.assertEqual(set(links(copy)), expected(copy))
                if not shim:
                    self.as_in_the_cloud()
                self.assertEqual(
                    os.listdir(folder(copy, "partial.noindex")), [])
                before = copy.snapshot()
                self.linked(env=shimmed(**shim))
                self.assertEqual(copy.snapshot(), before)
                self.assertEqual(copy.verify("--json").event("verdict")
                                 ["foreign"], 0)
                self.assertEqual({n: v[4] for n, v in originals(copy).items()},
                                 {n: v[4] for n, v in kept.items()})

        hard = {"SHIM_NOLINK": "symlink"}
        clones = {"SHIM_NOLINK": "symlink,link", "SHIM_CLONE": "1"}
        bare = copy.home + "-bare"
        self.addCleanup(shutil.rmtree, bare, True)
        copy_tree(copy.home, bare)
        changes = [
            lambda: self.sim.change("album_rename", album="Trips",
                                    name="Travels"),
            lambda: self.sim.change("album_rename", album="Travels",
                                    name="Voyages")]
        for tries, shim in ((14, {}), (5, hard), (5, clones)):
            copy_tree(bare, copy.home)
            every_step(tries, **shim)
            if shim == clones: # a copy of those is not theirs
                break
            changes.pop(0)()
            every_step(tries, **shim)


if __name__ == "__main__":
    harness.main()
