"""Damage to the copy: named exactly, mended exactly, and never made by us.

VERIFY_ASSETS says how many assets the large test has (two files or so each).
"""

import errno
import fcntl
import glob
import os
import random
import sqlite3
import struct
import subprocess
import time

from harness import (Case, Copy, Sim, check_sums, compare, main, sha256_of,
                     shimmed, stop)

ASSETS = int(os.environ.get("VERIFY_ASSETS", "250"))
SEED = int(os.environ.get("VERIFY_SEED", "33"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data, keep_times=True):
    """Other bytes in a file, as a dying disk would do it or as a person."""
    st = os.stat(path)
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(data)
    if keep_times:
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def flip(path, **how):
    data = bytearray(read(path))
    data[len(data) // 2] ^= 1
    write(path, bytes(data), **how)


def told(result):
    """Path -> why, of all that a verify named; each once."""
    events = [e for e in result.events() if e["event"] == "damage"]
    found = {e["path"]: e["why"] for e in events}
    assert len(found) == len(events), events
    return found


def repaired(result):
    return sorted(e["path"] for e in result.events()
                  if e["event"] == "repaired")


class Damage(Case):
    sim_options = ("--sizes", "tiny")
    assets = 25

    def synced(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        return copy

    def names(self, copy, least=10):
        """Files of some bytes, in order."""
        return sorted(n for n, p in copy.files().items()
                      if os.path.getsize(p) > least)

    def quarantine(self, copy):
        """Path below the run's folder -> path on the disk."""
        top = os.path.join(copy.root, ".icloud-pull", "quarantine")
        found = {}
        for folder, names, files in os.walk(top):
            for name in files + [n for n in names
                                 if os.path.islink(os.path.join(folder, n))]:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, top).split("/", 1)[1]] = path
        return found

    def whole(self, copy, extra=frozenset()):
        """All is here, proven, once, and every part of the disk says so."""
        compare(self, copy, extra=extra)
        self.assertEqual(check_sums(self, copy),
                         set(copy.files()) - set(extra))
        status = copy.status("--json").event("status")
        self.assertEqual(
            (status["held"], status["missing"], status["damaged"]),
            (status["resources"], 0, 0))
        before = copy.snapshot()
        result = copy.verify("--repair", "--json")
        self.status_is(result, 0)
        self.assertEqual((told(result), repaired(result)), ({}, []))
        self.status_is(copy.verify(), 0)
        self.assertEqual(copy.snapshot(), before, "twice is not once")


class Exactly(Damage):
    """B032, B033, B030, B043: those that are damaged, and no others."""

    assets = ASSETS
    seed = 5

    def do_damage(self, copy, names):
        """One percent, and a few at least, of every kind.  Why each is named,
        what must be in quarantine then, and what is nobody's."""
        rng = random.Random(SEED)
        rng.shuffle(names)
        kinds = ["flip", "cut", "swap", "empty", "rename", "replace", "grow",
                 "folder", "link", "gone", "rewrite"]
        why, kept, to = {}, {}, {}
        for i in range(max(len(names) // 100, len(kinds))):
            kind = kinds[i % len(kinds)]
            name = names.pop()
            path = os.path.join(copy.root, name)
            size = os.path.getsize(path)
            if kind == "swap":
                other = next(n for n in names if os.path.getsize(
                    os.path.join(copy.root, n)) == size) if any(
                        os.path.getsize(os.path.join(copy.root, n)) == size
                        for n in names) else names[-1]
                names.remove(other)
                there = os.path.join(copy.root, other)
                os.rename(path, path + ".x")
                os.rename(there, path)
                os.rename(path + ".x", there)
                for n, is_now, was in ((name, path, size),
                                       (other, there,
                                        os.path.getsize(path))):
                    now = os.path.getsize(is_now)
                    why[n] = "truncated" if now < was else "damaged"
                    kept[n] = sha256_of(is_now)
                continue
            if kind == "flip":
                flip(path)
                why[name] = "damaged"
            elif kind == "rewrite":
                flip(path, keep_times=False)
                why[name] = "damaged"
            elif kind == "cut":
                write(path, read(path)[:size // 2])
                why[name] = "truncated"
            elif kind == "empty":
                write(path, b"")
                why[name] = "truncated"
            elif kind == "grow":
                write(path, read(path) + b"x" * 20)
                why[name] = "damaged"
            elif kind == "replace":  # B043: the same size
                os.unlink(path)
                with open(path, "wb") as file:
                    file.write(rng.randbytes(size))
                why[name] = "damaged"
            elif kind == "rename":
                to[name] = "moved/%d.bin" % i
                os.makedirs(os.path.join(copy.root, "moved"), exist_ok=True)
                os.rename(path, os.path.join(copy.root, to[name]))
                why[name] = "moved"
            elif kind == "gone":
                os.unlink(path)
                why[name] = "missing"
            elif kind == "folder":
                os.unlink(path)
                os.makedirs(os.path.join(path, "of"))
                with open(os.path.join(path, "of", "mine"), "wb") as file:
                    file.write(b"mine")
                why[name] = "missing"
                kept[name + "/of/mine"] = sha256_of(
                    os.path.join(path, "of", "mine"))
            elif kind == "link":
                os.unlink(path)
                os.symlink("/etc/hostname", path)
                why[name] = "missing"
                kept[name] = None
            if why[name] in ("damaged", "truncated"):
                kept[name] = sha256_of(path)
        return why, kept, to

    def test_those_that_are_damaged_and_no_others(self):
        copy = self.synced()
        before = {n: sha256_of(p) for n, p in copy.files().items()}
        self.status_is(copy.verify(), 0)
        why, kept, to = self.do_damage(copy, self.names(copy))
        frozen = copy.snapshot()
        result = copy.verify("--json")
        self.status_is(result, 1)
        self.assertEqual(told(result), why)
        self.assertEqual(
            {e["path"]: e["to"] for e in result.events()
             if e.get("why") == "moved"}, to)
        verdict = result.event("verdict")
        self.assertEqual(verdict["damaged"], len(why))
        self.assertEqual(verdict["moved"], len(to))
        self.assertEqual(copy.snapshot(), frozen, "ROOT was written")
        self.status_is(copy.sync(), 1)
        self.assertEqual(copy.status("--json").event("status")["damaged"],
                         len(why))

        self.sim.reset_counters()
        result = copy.verify("--repair", "--json")
        self.status_is(result, 0)
        self.assertEqual(told(result), why)
        self.assertEqual(repaired(result),
                         sorted([n for n in why if n not in to] +
                                list(to.values())))
        self.assertEqual(self.sim.counters()["by"]["content"],
                         len(why) - len(to))
        after = {n: sha256_of(p) for n, p in copy.files().items()}
        self.assertEqual(after, {to.get(n, n): h for n, h in before.items()})
        found = self.quarantine(copy)
        self.assertEqual(set(found), set(kept))
        for name, digest in kept.items():
            if digest is None:
                self.assertTrue(os.path.islink(found[name]))
            else:
                self.assertEqual(sha256_of(found[name]), digest)
        self.whole(copy)
        self.status_is(copy.sync(), 0)
        self.no_violations()


class Words(Damage):
    def test_before_the_first_sync(self):
        copy = self.signed_in()
        for words in ((), ("--repair",), ("--sample", "5%")):
            self.status_is(copy.verify(*words), 2)
        self.assertFalse(os.path.exists(copy.root))
        # A copy that was made, and got no further.
        self.sim.fault("changes_database", "html", times=-1)
        self.status_is(copy.sync(), 6)
        self.sim.clear_faults()
        result = copy.verify()
        self.status_is(result, 2)
        self.assertIn("Nothing was copied", result.err)
        self.status_is(copy.sync(), 0)
        self.status_is(copy.verify(), 0)

    def test_an_empty_library_is_no_error(self):
        sim = Sim(assets=0)
        self.addCleanup(sim.close)
        copy = Copy(sim)
        self.addCleanup(copy.close)
        self.status_is(copy.login(), 0)
        self.status_is(copy.sync(), 0)
        self.status_is(copy.verify(), 0)

    def test_another_kind_is_wrong_usage(self):
        copy = self.synced()
        before = copy.snapshot()
        result = copy.verify("--repair=some")
        self.status_is(result, 2)
        self.assertIn("some", result.err)
        self.assertEqual(copy.snapshot(), before)

    def test_a_line_for_each_and_the_next_step(self):
        copy = self.synced()
        names = self.names(copy)
        path = os.path.join(copy.root, names[0])
        flip(path)
        write(os.path.join(copy.root, names[1]), b"", keep_times=False)
        os.unlink(os.path.join(copy.root, names[2]))
        flip(os.path.join(copy.root, names[3]), keep_times=False)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        result = copy.verify("-q")
        self.status_is(result, 1)
        lines = result.out.splitlines()
        self.assertEqual(lines[:4], [
            names[0] + ": damaged (same size)",
            names[1] + ": truncated, changed on %s by somebody else" % today,
            names[2] + ": missing",
            names[3] + ": damaged (same size), changed on %s by somebody else"
            % today])
        self.assertRegex(lines[4], r"^Damage: 4 of \d+ files ")
        self.assertEqual(len(lines), 5)
        result = copy.verify()
        self.assertIn("icloud-pull verify --repair", result.out)
        self.assertIn("Damaged:    4 files (icloud-pull verify --repair)",
                      copy.status().out)
        self.assertIn("4 files damaged", copy.sync().out)
        # A person's own later change of date is no damage at all.
        os.utime(os.path.join(copy.root, names[4]))
        self.assertEqual(len(told(copy.verify("--json"))), 4)
        runs = [e for e in copy.status("--json").events()
                if e["event"] == "run"]
        self.assertEqual([r["command"] for r in runs[:2]],
                         ["verify", "sync"])
        self.assertEqual(runs[0]["summary"]["damaged"], 4)
        self.assertEqual(runs[0]["status"], 1)

    def test_a_file_put_back_is_good_again(self):
        copy = self.synced()
        path = os.path.join(copy.root, self.names(copy)[0])
        data = read(path)
        flip(path)
        self.status_is(copy.verify(), 1)
        self.status_is(copy.sync(), 1)
        write(path, data)
        self.status_is(copy.verify(), 0)
        self.status_is(copy.sync(), 0)

    def test_the_disk_gives_an_error(self):
        copy = self.synced()
        name = self.names(copy)[0]
        os.chmod(os.path.join(copy.root, name), 0)
        run = {}
        if os.geteuid() == 0:
            # Root may read everything: as somebody else.
            os.chown(copy.home, 65534, 65534)
            for folder, names, files in os.walk(copy.home):
                for entry in names + files:
                    os.lchown(os.path.join(folder, entry), 65534, 65534)
            os.chmod(self.sim.dir, 0o755)
            run = {"user": 65534}
        result = copy.verify("--json", **run)
        self.status_is(result, 1)
        self.assertEqual(told(result), {name: "unreadable"})


class Kinds(Damage):
    def test_only_what_was_asked_for(self):
        copy = self.synced()
        names = self.names(copy)
        flip(os.path.join(copy.root, names[0]))
        write(os.path.join(copy.root, names[1]), b"short")
        os.unlink(os.path.join(copy.root, names[2]))
        os.rename(os.path.join(copy.root, names[3]),
                  os.path.join(copy.root, "here"))
        self.sim.change("add", count=2)
        result = copy.verify("--repair=missing", "--json")
        self.status_is(result, 1)
        self.assertEqual(repaired(result), sorted([names[2], "here"]))
        self.assertEqual(result.event("verdict")["damaged"], 2)
        self.assertGreater(result.event("verdict")["missing"], 0)
        self.assertEqual(self.quarantine(copy), {})
        result = copy.verify("--repair=damaged", "--json")
        self.status_is(result, 1)
        self.assertEqual(repaired(result), names[:2])
        self.assertEqual(set(self.quarantine(copy)), set(names[:2]))
        self.assertEqual(result.event("verdict")["damaged"], 0)
        self.assertEqual([e for e in result.events()
                          if e["event"] == "file"], [])
        # What was never fetched is mended by all alone.
        result = copy.verify("--repair=all", "--json")
        self.status_is(result, 0)
        self.assertEqual(repaired(result), [])
        self.assertGreater(len([e for e in result.events()
                                if e["event"] == "file"]), 0)
        self.whole(copy)


class Cloud(Damage):
    """Behind the disk the cloud's list; if it cannot be asked, the disk's word
    stands."""

    def not_asked(self, copy, status, *words):
        result = copy.verify("--json", *words)
        self.status_is(result, status)
        verdict = result.event("verdict")
        self.assertFalse(verdict["asked"])
        self.assertIn("iCloud was not asked", verdict["text"])
        self.assertIn("could not be asked", result.err)
        return result

    def test_what_the_cloud_has_and_nobody_fetched(self):
        copy = self.synced()
        result = copy.verify("--json")
        self.assertTrue(result.event("verdict")["asked"])
        before = copy.snapshot()
        had = {t["fileChecksum"] for t in self.sim.truth()}
        self.sim.change("add", count=3)
        new = {t["fileChecksum"] for t in self.sim.truth()} - had
        self.sim.reset_counters()
        result = copy.verify("--json")
        self.status_is(result, 1)
        gaps = [e for e in result.events() if e["event"] == "gap"]
        self.assertEqual({e["why"] for e in gaps}, {"not-fetched"})
        self.assertEqual(len(gaps), len(new))
        self.assertEqual(result.event("verdict")["missing"], len(new))
        self.assertEqual(result.event("verdict")["damaged"], 0)
        self.assertEqual(copy.snapshot(), before)
        by = self.sim.counters()["by"]
        self.assertEqual((by["content"], by["records_lookup"]), (0, 0))
        self.assertIn("It has not been fetched yet.", copy.verify().out)
        self.status_is(copy.sync(), 0)
        self.status_is(copy.verify(), 0)

    def test_of_many_only_some_are_named(self):
        copy = self.synced()
        had = {t["fileChecksum"] for t in self.sim.truth()}
        self.sim.change("add", count=120)
        new = {t["fileChecksum"] for t in self.sim.truth()} - had
        lines = copy.verify().out.count("It has not been fetched yet.")
        self.assertEqual(lines, 100)
        self.assertIn("and %d more" % (len(new) - 100), copy.verify().out)
        lines = copy.verify("-v").out.count("It has not been fetched yet.")
        self.assertEqual(lines, len(new))
        self.assertEqual(len([e for e in copy.verify("--json").events()
                              if e["event"] == "gap"]), len(new))

    def test_known_gaps_are_told_each_time(self):
        copy = self.signed_in()
        one = [t["master"] for t in self.sim.truth()][4]
        self.sim.hook("records_lookup", "no_url", value=one, times=-1)
        self.status_is(copy.sync(), 1)
        self.status_is(copy.sync(), 0)
        result = copy.verify("--json")
        self.status_is(result, 1)
        self.assertEqual(result.event("gap")["why"], "no-original")
        self.assertEqual(result.event("verdict")["damaged"], 0)

    def test_nobody_answers(self):
        copy = self.synced()
        self.sim.stop()
        self.not_asked(copy, 0)

    def test_apple_wants_rest(self):
        copy = self.synced()
        self.sim.fault("validate", "status", status=503, retry_after=600,
                       times=-1)
        self.not_asked(copy, 0)
        flip(os.path.join(copy.root, self.names(copy)[0]))
        self.not_asked(copy, 1)
        result = self.not_asked(copy, 1, "--repair")
        self.assertIn("1 damaged file could not be fetched", result.err)
        self.assertEqual(self.quarantine(copy), {})

    def test_nobody_is_signed_in(self):
        copy = self.synced()
        self.status_is(copy.run("logout"), 0)
        self.not_asked(copy, 0)
        os.unlink(os.path.join(copy.home, ".config/icloud-pull/config"))
        self.not_asked(copy, 0)

    def test_the_account_is_locked(self):
        copy = self.synced()
        self.sim.change("account_set", locked=True)
        self.sim.change("account_expire_session")
        self.sim.change("account_expire_tokens")
        self.not_asked(copy, 0)

    def test_another_account(self):
        copy = self.synced()
        result = self.not_asked(copy, 0, "--account", "else@example.com")
        self.assertIn("jd@example.com", result.err)

    def test_a_list_that_breaks_off(self):
        copy = self.synced()
        self.sim.change("add", count=3)
        self.sim.fault("changes_zone", "html", times=-1)
        self.not_asked(copy, 0)
        self.sim.clear_faults()
        self.status_is(copy.verify(), 1)

    def test_what_has_left_the_cloud_is_kept(self):
        copy = self.synced()
        had = {t["sha256"] for t in self.sim.truth()}
        self.sim.change("trash", count=3)
        self.sim.change("purge", count=3)
        gone = had - {t["sha256"] for t in self.sim.truth()}
        self.assertGreater(len(gone), 0)
        result = copy.verify("--json")
        self.status_is(result, 0)
        self.assertEqual(result.event("verdict")["gone_kept"], len(gone))
        # Damaged, it cannot be had again: what is left stays where it is.
        path = next(p for p in copy.files().values()
                    if sha256_of(p) in gone and os.path.getsize(p) > 10)
        flip(path)
        digest = sha256_of(path)
        result = copy.verify("--repair", "--json")
        self.status_is(result, 1)
        self.assertTrue(result.event("damage")["gone"])
        verdict = result.event("verdict")
        self.assertEqual((verdict["damaged"], verdict["damaged_gone"],
                          verdict["repaired"]), (1, 1, 0))
        self.assertEqual(sha256_of(path), digest)
        self.assertEqual(self.quarantine(copy), {})
        self.assertIn("it has left iCloud", copy.verify().out)
        self.assertIn("1 of them left iCloud", copy.status().out)

    def test_gone_since_the_last_list(self):
        copy = self.synced()
        truth = {t["sha256"]: t for t in self.sim.truth()}
        names = self.names(copy)
        self.sim.change("trash", count=25)
        self.sim.change("purge", count=25)
        left = {t["sha256"] for t in self.sim.truth()}
        name = next(n for n in names if sha256_of(
            os.path.join(copy.root, n)) in set(truth) - left)
        flip(os.path.join(copy.root, name))
        self.sim.reset_counters()
        result = copy.verify("--repair", "--json")
        self.status_is(result, 1)
        self.assertEqual(self.sim.counters()["by"]["content"], 0)
        self.assertEqual(result.event("verdict")["damaged_gone"], 1)
        self.assertTrue(os.path.exists(os.path.join(copy.root, name)))

    def test_only_the_size_is_apples_word(self):
        copy = self.signed_in()
        self.sim.hook("*", "checksum_kind", value="04", times=-1)
        result = copy.sync("--json")
        self.sim.clear_faults()
        count = result.event("verdict")["size_verified"]
        self.assertGreater(count, 0, str(result))
        result = copy.verify("--json")
        self.assertEqual(result.event("verdict")["size_verified"], count)
        self.assertIn("only the size is Apple's word",
                      result.event("verdict")["text"])


class Beside(Damage):
    def test_other_peoples_files_are_counted_and_left(self):
        copy = self.synced()
        folder = os.path.dirname(os.path.join(copy.root, self.names(copy)[0]))
        for name in ("holiday.txt", ".DS_Store", "._x", "Thumbs.db"):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"not of the copy")
        os.makedirs(os.path.join(copy.root, "@eaDir"))
        with open(os.path.join(copy.root, "@eaDir", "x"), "wb") as file:
            file.write(b"a server's")
        before = copy.snapshot()
        for words in ((), ("--repair",)):
            result = copy.verify("--json", *words)
            self.status_is(result, 0)
            self.assertEqual(result.event("verdict")["foreign"], 1)
            self.assertEqual(
                [e["path"] for e in result.events()
                 if e["event"] == "foreign"],
                [os.path.relpath(os.path.join(folder, "holiday.txt"),
                                 copy.root)])
        self.assertNotIn("holiday.txt", copy.verify().out)
        self.assertIn("holiday.txt", copy.verify("-v").out)
        self.assertEqual(copy.snapshot(), before)

    def test_a_folder_that_was_renamed_is_followed(self):
        copy = self.synced()
        year = sorted(n.split("/")[0] for n in copy.files())[-1]
        count = len([n for n in copy.files() if n.startswith(year + "/")])
        os.rename(os.path.join(copy.root, year),
                  os.path.join(copy.root, "the year " + year))
        empties = len([n for n, p in copy.files().items()
                       if os.path.getsize(p) == 0 and n.startswith("the ")])
        result = copy.verify("--json")
        self.status_is(result, 1)
        self.assertEqual(result.event("verdict")["moved"], count - empties)
        # That needs no cloud.
        self.sim.reset_counters()
        self.sim.fault("changes_database", "html", times=-1)
        result = copy.verify("--json", "--repair=missing")
        self.assertEqual(len(repaired(result)), count - empties)
        self.assertEqual(self.sim.counters()["by"]["content"], 0)
        self.assertIn("the year %s/" % year, repaired(result)[0])
        self.assertEqual(result.status, 1 if empties else 0)
        self.sim.clear_faults()
        self.status_is(copy.verify("--repair"), 0)
        self.whole(copy)
        # What comes later goes where it always did.
        self.sim.change("add", count=5)
        self.status_is(copy.sync(), 0)
        self.whole(copy)

    def test_a_link_in_the_place_of_a_folder(self):
        copy = self.synced()
        year = sorted(n.split("/")[0] for n in copy.files())[-1]
        elsewhere = os.path.join(copy.home, "elsewhere")
        os.rename(os.path.join(copy.root, year), elsewhere)
        os.symlink(elsewhere, os.path.join(copy.root, year))
        kept = sorted(os.listdir(elsewhere))
        result = copy.verify("--json")
        self.status_is(result, 1)
        self.assertEqual(set(told(result).values()), {"missing"})
        self.status_is(copy.verify("--repair"), 0)
        self.assertEqual(set(self.quarantine(copy)), {year})
        self.assertEqual(sorted(os.listdir(elsewhere)), kept)
        self.whole(copy)


class Slices(Damage):
    def checked(self, copy):
        catalogue, = glob.glob(os.path.join(copy.state, "*",
                                            "catalogue.sqlite"))
        rows = sqlite3.connect(catalogue)
        try:
            return dict(rows.execute(
                "select path, checked_ms from file where state > 0"))
        finally:
            rows.close()

    def test_slices_walk_the_whole_copy(self):
        copy = self.synced()
        names = self.names(copy)
        broken = set(names[::9])
        for name in broken:
            flip(os.path.join(copy.root, name))
        before = self.checked(copy)
        self.sim.reset_counters()
        found = set()
        for n in range(12):
            result = copy.verify("--json", "--sample", "10%")
            verdict = result.event("verdict")
            self.assertGreater(verdict["checked"], 0)
            self.assertLess(verdict["checked"], len(before))
            new = set(told(result))
            self.assertEqual(new & found, set(), "named twice, round %d" % n)
            found |= new
            self.assertEqual(result.status, 1 if found else 0)
            self.assertEqual(verdict["damaged"], len(found))
            after = self.checked(copy)
            if all(after[name] > before[name] for name in before):
                break
        self.assertEqual(found, broken)
        self.assertEqual(self.sim.counters()["requests"], 0)
        self.assertGreater(n, 5)

    def test_the_smallest_slice_is_one_file(self):
        copy = self.synced()
        for words in (("--sample", "0.01%"), ("--sample", "0.01")):
            result = copy.verify("--json", *words)
            self.status_is(result, 0)
            self.assertEqual(result.event("verdict")["checked"], 1)
        result = copy.verify("--json", "--sample", "100%")
        self.assertEqual(result.event("verdict")["checked"],
                         result.event("verdict")["files"])
        self.assertTrue(result.event("verdict")["asked"])

    def test_minutes(self):
        copy = self.synced()
        result = copy.verify("--json", "--minutes", "5")
        self.status_is(result, 0)
        verdict = result.event("verdict")
        self.assertEqual(verdict["checked"], verdict["files"])
        self.assertFalse(verdict["asked"])

    def test_a_slice_is_mended_too(self):
        copy = self.synced()
        for path in copy.files().values():
            if os.path.getsize(path) > 10:
                flip(path)
        result = copy.verify("--json", "--sample", "20%", "--repair")
        count = len(told(result))
        self.assertGreater(count, 0)
        self.assertEqual(len(repaired(result)), count)
        self.status_is(result, 0)

    def test_a_slice_of_each_sync(self):
        copy = self.synced()
        names = self.names(copy)
        flip(os.path.join(copy.root, names[0]))
        before = self.checked(copy)
        # Not looked for, not found; looked for, found; then known.
        self.status_is(copy.sync(), 0)
        self.assertEqual(self.checked(copy), before)
        result = copy.sync("--json", "--sample", "100%")
        self.status_is(result, 1)
        self.assertEqual(told(result), {names[0]: "damaged"})
        self.assertEqual(result.event("verdict")["damaged"], 1)
        result = copy.sync("--json")
        self.status_is(result, 1)
        self.assertEqual(told(result), {})
        result = copy.sync("--json", "--repair")
        self.status_is(result, 0)
        self.assertEqual(repaired(result), [names[0]])
        self.assertEqual(set(self.quarantine(copy)), {names[0]})
        self.whole(copy)
        # Found and mended in one run.
        flip(os.path.join(copy.root, names[1]))
        os.rename(os.path.join(copy.root, names[2]),
                  os.path.join(copy.root, "away"))
        result = copy.sync("--json", "--minutes", "9", "--repair=all")
        self.status_is(result, 0)
        self.assertEqual(repaired(result), sorted([names[1], "away"]))
        self.whole(copy)
        # And from the configuration file.
        with open(os.path.join(copy.home, ".config/icloud-pull/config"),
                  "a", encoding="utf-8") as file:
            file.write("sample = 100%\nrepair = damaged\n")
        flip(os.path.join(copy.root, names[3]))
        result = copy.sync("--json")
        self.status_is(result, 0)
        self.assertEqual(repaired(result), [names[3]])

    def test_a_dry_run_checks_and_mends_nothing(self):
        copy = self.synced()
        path = os.path.join(copy.root, self.names(copy)[0])
        flip(path)
        self.status_is(copy.verify(), 1)
        digest = sha256_of(path)
        before = self.checked(copy)
        self.status_is(copy.sync("--dry-run", "--repair", "--sample", "100%"),
                       1)
        self.assertEqual(self.checked(copy), before)
        self.assertEqual(sha256_of(path), digest)


class Broken(Damage):
    """A repair that does not come to its end."""

    def damaged(self):
        copy = self.synced()
        originals = {t["sha256"] for t in self.sim.truth()
                     if t["role"] == "original"}
        names = [n for n in self.names(copy) if sha256_of(
            os.path.join(copy.root, n)) in originals]
        for name in names[:4]:
            flip(os.path.join(copy.root, name))
        os.unlink(os.path.join(copy.root, names[4]))
        return copy, names[:5]

    def test_what_could_not_be_fetched_is_mended_by_the_next_sync(self):
        copy, names = self.damaged()
        self.sim.fault("content", "status", status=410, times=-1)
        result = copy.verify("--repair", "--json")
        self.status_is(result, 1)
        self.assertEqual(repaired(result), [])
        self.assertEqual(self.quarantine(copy), {})
        self.assertEqual(result.event("verdict")["damaged"], 5)
        for name in names[:4]:
            self.assertTrue(os.path.exists(os.path.join(copy.root, name)))
        # The line of each stays, and says that it is damaged.
        done = subprocess.run(
            ["sha256sum", "--quiet", "-c", ".icloud-pull/SHA256SUMS"],
            cwd=copy.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(
            {line.split(":")[0] for line in
             done.stdout.decode().splitlines()}, set(names))
        result = copy.verify("--json")
        self.status_is(result, 1)
        self.assertEqual(result.event("verdict")["damaged"], 5)
        self.sim.clear_faults()
        result = copy.sync("--json")
        self.status_is(result, 0)
        self.assertEqual(repaired(result), sorted(names))
        self.assertEqual(set(self.quarantine(copy)), set(names[:4]))
        self.whole(copy)

    def test_interrupted(self):
        copy, names = self.damaged()
        self.sim.fault("content", "stall", after_bytes=1, times=-1)
        self.sim.reset_counters()
        process = copy.start("verify", "--root", copy.root, "--repair",
                             "--json")
        while self.sim.counters()["by"]["content"] == 0:
            time.sleep(0.02)
        result = stop(process)
        self.status_is(result, 130)
        self.assertEqual(result.event("verdict")["damaged"], 5)
        self.sim.clear_faults()
        self.status_is(copy.verify("--repair"), 0)
        self.assertEqual(set(self.quarantine(copy)), set(names[:4]))
        self.whole(copy)

    def test_what_apple_cannot_give_stays_damaged(self):
        copy, names = self.damaged()
        self.sim.hook("records_lookup", "no_url", times=-1)
        result = copy.verify("--repair", "--json")
        self.status_is(result, 1)
        self.assertEqual(result.event("verdict")["damaged"], 5)
        for _ in range(2):
            result = copy.sync("--json")
            self.status_is(result, 1)
            self.assertEqual(result.event("verdict")["damaged"], 5)
        self.sim.clear_faults()
        self.status_is(copy.verify("--repair"), 0)
        self.whole(copy)

    def test_no_room_in_quarantine(self):
        copy, names = self.damaged()
        for error in (errno.ENOSPC, errno.EIO):
            result = copy.verify("--repair", env=shimmed(
                SHIM_FAIL="mkdir:0:%d" % error))
            self.status_is(result, 5)
            self.assertEqual(self.quarantine(copy), {})
        self.status_is(copy.verify("--repair"), 0)
        self.assertEqual(set(self.quarantine(copy)), set(names[:4]))
        self.whole(copy)

    def test_the_disk_is_gone(self):
        """A copy that cannot be read any more is not one without files."""
        copy = self.synced()
        catalogue, = glob.glob(os.path.join(copy.state, "*",
                                            "catalogue.sqlite"))
        marker = os.path.join(copy.root, ".icloud-pull", "copy.json")
        data = read(marker)
        process = copy.start("verify", "--root", copy.root, "--json",
                             env=shimmed(SHIM_SLOW=400))
        while not os.path.exists(catalogue + "-wal"):
            time.sleep(0.02)
        for path in copy.files().values():
            os.rename(path, path + ".away")
        os.unlink(marker)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 5, err.decode())
        for path in copy.files().values():
            os.rename(path, path[:-len(".away")])
        with open(marker, "wb") as file:
            file.write(data)
        self.assertEqual(copy.status("--json").event("status")["damaged"], 0)
        self.status_is(copy.verify(), 0)


FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IMMUTABLE_FL = 0x80086601, 0x40086602, 16


def flags(path, clear=False):
    """A file's attributes, and 0 where there are none."""
    fd = os.open(path, os.O_RDONLY)
    try:
        value = struct.unpack("l", fcntl.ioctl(
            fd, FS_IOC_GETFLAGS, struct.pack("l", 0)))[0]
        if clear:
            fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack(
                "l", value & ~FS_IMMUTABLE_FL))
        return value
    except OSError:
        return 0
    finally:
        os.close(fd)


class Locked(Damage):
    def test_locked_files(self):
        copy = self.signed_in()
        self.addCleanup(lambda: [flags(p, clear=True)
                                 for p in copy.files().values()])
        self.status_is(copy.sync("--lock-files"), 0)
        name = self.names(copy)[0]
        path = os.path.join(copy.root, name)
        if not flags(path) & FS_IMMUTABLE_FL:
            self.skipTest("no right to make files immutable here")
        for other in copy.files().values():
            self.assertTrue(flags(other) & FS_IMMUTABLE_FL, other)
        with self.assertRaises(PermissionError):
            os.unlink(path)
        # Only by hand can it be damaged now; its own mending unlocks it.
        flags(path, clear=True)
        flip(path)
        digest = sha256_of(path)
        fd = os.open(path, os.O_RDONLY)
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack(
            "l", flags(path) | FS_IMMUTABLE_FL))
        os.close(fd)
        self.status_is(copy.verify("--repair", "--lock-files"), 0)
        self.assertTrue(flags(path) & FS_IMMUTABLE_FL)
        kept = self.quarantine(copy)[name]
        self.assertEqual(sha256_of(kept), digest)
        self.assertFalse(flags(kept) & FS_IMMUTABLE_FL)
        self.whole(copy)


if __name__ == "__main__":
    main()
