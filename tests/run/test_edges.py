"""What goes wrong in years of nights: interruptions, lying servers, hostile
names, accounts that change under one's hands, and secrets that must stay."""

import base64
import datetime
import errno
import glob
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import unicodedata
import unittest

from harness import (ACCOUNT, PASSWORD, Case, Copy, Sim, check_sums, compare,
                     main, sha256_of, shimmed, stop, wait_for)
from test_manifest import manifest

SOON_S = 2
MEBI = 1 << 20
DAY_MS = 24 * 3600 * 1000


def match_of(resource):
    """What the address of this resource has in its path."""
    text = resource["fileChecksum"]
    return text.replace("+", "-").replace("/", "_")


def partial(copy):
    folder = os.path.join(copy.root, ".icloud-pull", "partial.noindex")
    return {name: os.path.getsize(os.path.join(folder, name))
            for name in os.listdir(folder)} if os.path.isdir(folder) else {}


class Edges(Case):
    assets = 3

    def added(self, **values):
        """Add assets; what the truth has more than before."""
        before = {(t["asset"], t["role"]) for t in self.sim.truth()}
        self.sim.change("add", **values)
        return [t for t in self.sim.truth()
                if (t["asset"], t["role"]) not in before]

    def completes(self, copy, *words, **options):
        result = copy.sync(*words, **options)
        self.status_is(result, 0)
        compare(self, copy)
        check_sums(self, copy)
        return result

    def names_of(self, copy, resources):
        """Where they lie, in their order."""
        by_hash = {sha256_of(p): n for n, p in copy.files().items()}
        return [by_hash[t["sha256"]] for t in resources]

    def ends_soon(self, process, signo=signal.SIGINT):
        began = time.monotonic()
        result = stop(process, signo)
        self.assertLess(time.monotonic() - began, SOON_S, str(result))
        self.status_is(result, 130)
        return result


class Interrupted(Edges):
    """Ctrl-C ends it within two seconds, whatever it is doing."""

    def test_stalled_transfer_then_a_long_rehash_then_resumed(self):
        copy = self.signed_in()
        self.completes(copy)
        size, arrived = 4 * MEBI, 3 * MEBI
        big, = self.added(kind="jpeg", size=size)
        self.sim.fault("content", "stall", match=match_of(big),
                       after_bytes=arrived)
        process = copy.start("sync", "--root", copy.root)
        wait_for(lambda: True if arrived in partial(copy).values() else None,
                 process)
        self.ends_soon(process)
        self.assertEqual(list(partial(copy).values()), [arrived])

        # A disk on which hashing those bytes takes ten seconds.
        process = copy.start("sync", "--root", copy.root, "-vv",
                             env=shimmed(SHIM_SLOW=800))
        for line in process.stderr:
            if b"records/lookup" in line:
                break
        time.sleep(1)
        self.assertIsNone(process.poll())
        self.ends_soon(process)
        self.assertEqual(list(partial(copy).values()), [arrived])

        self.sim.reset_counters()
        self.completes(copy)
        self.assertEqual(self.sim.counters()["content_bytes"],
                         size - arrived)

    def test_verify(self):
        copy = self.signed_in()
        self.added(kind="jpeg", size=4 * MEBI)
        self.completes(copy)
        process = copy.start("verify", "--root", copy.root, "--json",
                             env=shimmed(SHIM_SLOW=800))
        time.sleep(1.5)
        result = self.ends_soon(process)
        verdict = result.event("verdict")
        self.assertFalse(verdict["complete"])
        self.assertEqual(verdict["status"], 130)
        self.assertEqual(verdict["damaged"], 0)
        self.status_is(copy.verify(), 0)

    def test_looking_at_what_a_crash_has_left(self):
        copy = self.signed_in()
        self.added(kind="jpeg", size=4 * MEBI)
        self.completes(copy, "--json")
        # As if the last run had not come to its end, nor its rows.
        catalogue, = glob.glob(os.path.join(copy.state, "*",
                                            "catalogue.sqlite"))
        rows = sqlite3.connect(catalogue)
        rows.execute("update run set ended_ms = 0")
        rows.execute("update file set state = 0")
        rows.execute("update content set state = 0")
        rows.commit()
        rows.close()
        process = copy.start("sync", "--root", copy.root,
                             env=shimmed(SHIM_SLOW=800))
        time.sleep(1.5)
        self.ends_soon(process)
        # What was not looked at is looked at now, and not fetched.
        self.sim.reset_counters()
        self.status_is(copy.sync(), 0)
        self.assertEqual(self.sim.counters()["content_bytes"], 0)
        compare(self, copy)

    def test_a_password_command_that_waits(self):
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        process = copy.start(
            "sync", "--root", copy.root, "--password-command",
            "touch asked; exec sleep 60")
        asked = os.path.join(copy.home, "asked")
        wait_for(lambda: os.path.exists(asked) or None, process)
        time.sleep(0.2)
        self.ends_soon(process, signal.SIGTERM)

    def test_a_name_that_is_not_found(self):
        copy = self.signed_in()
        words = ["nowhere.invalid:443" if w.startswith("127.0.0.1:")
                 else w for w in copy.argv("sync", "--root", copy.root)]
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(copy.env, **shimmed(SHIM_DNS=9)))
        time.sleep(1)
        self.ends_soon(process)

    def test_a_hangup_does_not_end_a_run_under_nohup(self):
        copy = self.signed_in()
        self.sim.fault("changes_zone", "delay", ms=500)
        process = copy.start(
            "sync", "--root", copy.root,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        time.sleep(0.3)
        result = stop(process, signal.SIGHUP)
        self.status_is(result, 0)
        compare(self, copy)


class Wire(Edges):
    """The content host."""

    def test_stalled_and_dripping_transfers_are_given_up_and_tried_again(self):
        # B103.  The limit is 30 s, and both wait for it side by side.
        copy = self.signed_in()
        stalled, = self.added(kind="jpeg", size=300000)
        dripping, = self.added(kind="jpeg", size=300000)
        self.sim.fault("content", "stall", match=match_of(stalled),
                       after_bytes=1000)
        self.sim.fault("content", "drip", match=match_of(dripping),
                       bytes_per_s=200)
        began = time.monotonic()
        self.completes(copy)
        took = time.monotonic() - began
        self.assertGreater(took, 25)
        self.assertLess(took, 45)

    def test_an_error_page_of_exactly_the_right_size(self):  # B028
        copy = self.signed_in()
        self.sim.fault("content", "html", size_like_file=True, times=3)
        self.completes(copy)
        self.sim.clear_faults()
        # Even when it says that it is a picture.
        photo, = self.added(kind="jpeg", size=3000)
        self.sim.fault("content", "status", status=200, body="x" * 3000,
                       content_type="image/jpeg", match=match_of(photo))
        self.completes(copy)

    def test_cut_and_refused_in_the_middle_is_one_file(self):  # B024
        copy = self.signed_in()
        movie, = self.added(kind="video", size=2 * MEBI)
        self.sim.fault("content", "cut", match=match_of(movie),
                       after_bytes=MEBI)
        self.sim.fault("content", "status", match=match_of(movie), skip=1,
                       status=401)
        self.sim.reset_counters()
        self.completes(copy)
        name, = self.names_of(copy, [movie])
        self.assertEqual(os.path.basename(name), movie["filename"])
        self.assertEqual(self.sim.counters()["by"]["signin_init"], 0)

    def test_other_wrong_bytes_each_time_are_told_as_that(self):
        copy = self.signed_in()
        for size in (3000, 2 * MEBI):
            with self.subTest(size=size):
                photo, = self.added(kind="jpeg", size=size)
                for i in range(12):
                    self.sim.fault("content", "flip", match=match_of(photo),
                                   offset=100 + i)
                result = copy.sync("--json")
                self.status_is(result, 1)
                gap = result.event("gap")
                self.assertEqual(gap["why"], "failed")
                self.assertIn("differs from Apple's checksum", gap["detail"])
                self.assertEqual(gap["name"], photo["filename"])
                self.sim.clear_faults()
                self.completes(copy)

    def test_a_long_wait_is_left_to_the_next_run(self):
        copy = self.signed_in()
        self.sim.fault("content", "status", status=503, retry_after=7200)
        result = copy.sync("--json")
        self.status_is(result, 4)
        verdict = result.event("verdict")
        self.assertEqual(verdict["reason"], "throttled")
        self.assertEqual(verdict["wait_ms"], 7200 * 1000)
        self.assertIn("not_before", verdict)
        self.completes(copy)

    def test_a_host_that_refuses_all_is_not_asked_for_all(self):
        # A link can grow old while the computer sleeps: each file of those
        # that have links gets its new ones, and then no more are asked for.
        self.sim.change("add", kind="jpeg", size=100, count=400)
        copy = self.signed_in()
        self.sim.fault("content", "status", status=403, times=-1)
        self.sim.reset_counters()
        result = copy.sync("--json")
        self.status_is(result, 4)
        self.assertLess(self.sim.counters()["by"]["content"], 1100)

    def test_a_quota_is_no_gap(self):  # B087
        copy = self.signed_in()
        result = copy.sync("--json", env=shimmed(
            SHIM_FAIL="part:0:%d" % errno.EDQUOT))
        self.status_is(result, 5)
        self.assertEqual(result.event("verdict")["reason"], "disk-full")
        self.assertEqual(result.event("verdict")["gaps"], 0)
        self.assertIn("quota", result.event("error")["next"])
        self.completes(copy)

    def test_a_file_that_the_volume_cannot_hold_is_a_gap(self):  # B087
        copy = self.signed_in()
        result = copy.sync("--json", env=shimmed(
            SHIM_FAIL="part:0:%d" % errno.EFBIG))
        self.status_is(result, 1)
        self.assertEqual(result.event("gap")["why"], "too-large")
        self.assertEqual(sum(partial(copy).values()), 0)


class Account(Edges):
    """An account that changes in the night."""

    COMMAND = "echo '%s'" % PASSWORD

    def hours_pass(self, copy):
        """The last sign-in of a run without a person was long ago."""
        path = os.path.join(copy.state, "accounts", ACCOUNT, "session")
        with open(path, encoding="utf-8") as file:
            session = json.load(file)
        for name in ("last_srp_ms", "last_unattended_srp_ms"):
            session[name] = max(session[name] - 3600 * 1000, 1)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(session, file)

    def test_the_session_ends_while_listing_and_while_fetching(self):
        copy = self.signed_in()
        for at in ("changes_database", "changes_zone", "records_lookup"):
            with self.subTest(at=at):
                self.sim.change("add", count=2)
                self.sim.fault(at, "status", status=421,
                               body='{"reason":"Missing X-APPLE-WEBAUTH-TOKEN'
                                    ' cookie","error":1}')
                self.completes(copy)
        self.assertEqual(self.sim.counters()["by"]["signin_init"], 1)

    def test_locked_before_the_run_is_an_alarm(self):
        copy = self.signed_in()
        self.sim.change("account_set", locked=True)
        result = copy.sync("--json")
        self.status_is(result, 7)
        verdict = result.event("verdict")
        self.assertEqual(verdict["reason"], "alarm")
        self.assertTrue(verdict["text"].startswith("Alarm: "))
        self.assertIn("locked", result.event("error")["text"])
        self.assertIn("iforgot.apple.com", result.event("error")["next"])
        # A person who signs in is told what to do.
        result = copy.run("login", "--stdin",
                          stdin=(PASSWORD + "\n").encode())
        self.status_is(result, 3)
        self.sim.change("account_set", locked=False)
        result = copy.run("login", "--stdin",
                          stdin=(PASSWORD + "\n").encode())
        self.status_is(result, 0)
        self.completes(copy)

    def test_locked_in_the_middle_of_a_run(self):
        copy = self.signed_in()
        self.sim.fault("changes_zone", "delay", ms=1000)
        process = copy.start("sync", "--root", copy.root, "--json")
        time.sleep(0.4)
        self.sim.change("account_set", locked=True)
        self.sim.change("account_expire_session")
        result = stop(process, signal.SIGCONT)
        self.status_is(result, 7)
        self.assertEqual(result.event("verdict")["reason"], "alarm")

    def test_a_saved_password_that_worked_and_is_refused(self):
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        self.completes(copy, "--password-command", self.COMMAND)
        self.hours_pass(copy)
        self.sim.change("account_set", password="somebody else's")
        for _ in range(2): # and it stays one, without a second try
            result = copy.sync("--json", "--password-command", self.COMMAND)
            self.status_is(result, 7)
            self.assertIn("password", result.event("error")["text"])
        self.assertEqual(self.sim.counters()["by"]["signin_complete"], 3)

    def test_a_login_while_the_saved_password_is_asked_for(self):
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        self.sim.reset_counters()
        login = " ".join(copy.argv("login", "--stdin", "--account", ACCOUNT))
        self.completes(
            copy, "--password-command", "echo '%s' | %s >/dev/null 2>&1; %s"
            % (PASSWORD, login, self.COMMAND))
        # The newer session is used, and not written over.
        self.assertEqual(self.sim.counters()["by"]["signin_init"], 1)
        self.completes(copy)

    def test_a_saved_password_that_never_worked_is_none(self):
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        for _ in range(2):
            result = copy.sync("--json", "--password-command", "echo wrong")
            self.status_is(result, 3)
            self.assertEqual(result.event("verdict")["reason"], "password")

    def test_a_stated_wait_is_kept_for_the_next_process(self):  # B099, B111
        words = ("login", "--stdin", "--account", ACCOUNT, "--json")
        self.sim.fault("signin_init", "status", status=503, retry_after=600)
        result = self.copy.run(*words, stdin=(PASSWORD + "\n").encode())
        self.status_is(result, 4)
        self.sim.reset_counters()
        result = self.copy.run(*words, stdin=(PASSWORD + "\n").encode())
        self.status_is(result, 4)
        self.assertEqual(self.sim.counters()["requests"], 0)
        self.assertGreater(result.event("error")["wait_ms"], 500 * 1000)

    def test_a_copy_is_of_one_account(self):
        copy = self.signed_in()
        self.completes(copy)
        before = copy.snapshot()
        result = copy.sync("--account", "somebody.else@example.com")
        self.status_is(result, 2)
        self.assertIn(ACCOUNT, result.err)
        self.assertEqual(copy.snapshot(), before)
        self.completes(copy, "--account", " JD@Example.COM ")

    def test_no_copy_is_made_for_nobody(self):
        self.status_is(self.copy.sync(), 3)
        self.assertFalse(os.path.exists(self.copy.root))
        copy = self.signed_in()
        self.completes(copy)
        account = copy.status("--json").event("account")
        self.assertEqual(account["account"], ACCOUNT)
        self.assertTrue(account["signed_in"])


class Listing(Edges):
    """What the database says, and what it says otherwise."""

    assets = 40

    def test_empty_pages(self):  # B003
        copy = self.signed_in()
        self.sim.hook("changes_zone", "empty_page", times=3)
        self.completes(copy)

    def test_masters_that_only_a_look_up_gives(self):  # B011
        copy = self.signed_in()
        self.sim.hook("changes_zone", "no_master", value="2", times=-1)
        self.completes(copy)
        # A night without changes asks for nothing more.
        self.sim.reset_counters()
        self.completes(copy)
        self.assertEqual(self.sim.counters()["requests"], 3)

    def test_masters_that_nothing_gives(self):  # B011
        copy = self.signed_in()
        self.sim.hook("changes_zone", "no_master", value="7", times=-1)
        self.sim.fault("records_lookup", "hook", hook="lookup_not_found",
                       value="7", times=-1)
        first = copy.sync("--json")
        self.status_is(first, 1)
        self.assertGreater(first.event("verdict")["gaps_new"], 0)
        self.assertGreater(len(copy.files()), 20)
        again = copy.sync("--json")
        self.status_is(again, 0)
        self.assertGreater(again.event("verdict")["gaps"], 0)
        self.status_is(copy.sync("--strict"), 1)

    def test_not_found_once(self):
        copy = self.signed_in()
        self.sim.hook("records_lookup", "lookup_not_found", value="3")
        self.completes(copy)

    def test_not_found_for_ever(self):
        copy = self.signed_in()
        self.sim.hook("records_lookup", "lookup_not_found", value="5",
                      times=-1)
        first = copy.sync("--json")
        self.status_is(first, 1)
        self.assertEqual(first.event("gap")["why"], "no-original")
        self.assertIn("does not find", first.event("gap")["detail"])
        second = copy.sync("--json")
        self.status_is(second, 0)
        self.assertGreater(second.event("verdict")["gaps"], 0)
        self.assertGreater(second.event("verdict")["missing"], 0)
        # When it is found, it is fetched: not tonight, but in some days.
        self.sim.clear_faults()

    def test_records_that_come_as_errors(self):
        # More than one look-up holds, and none of them lost.
        self.sim.change("add", kind="jpeg", size=500, count=150)
        copy = self.signed_in()
        self.sim.hook("changes_zone", "bad_record", value="error", times=-1)
        self.completes(copy)

    def test_wrong_sizes_and_right_checksums(self):
        for value in ("7", "-7"):
            with self.subTest(value=value):
                copy = Copy(self.sim)
                self.addCleanup(copy.close)
                self.status_is(copy.login(), 0)
                self.sim.hook("*", "wrong_size", value=value, times=-1)
                result = copy.sync("--json")
                self.sim.clear_faults()
                self.status_is(result, 0)
                self.assertEqual(result.event("verdict")["size_verified"], 0)
                compare(self, copy)

    def test_a_library_that_comes_back_is_in_the_cloud_again(self):
        self.sim.change("shared_library", assets=5, **{"as": "guest"})
        copy = self.signed_in()
        self.completes(copy)
        whole = copy.status("--json").event("status")
        self.sim.change("add", zone="shared", count=1)
        self.sim.hook("changes_zone", "zone_error", value="ZONE_NOT_FOUND",
                      times=-1, skip=0)
        gone = copy.sync("--json")
        self.sim.clear_faults()
        self.assertIn(gone.status, (1, 3), str(gone))
        self.completes(copy)
        status = copy.status("--json").event("status")
        self.assertEqual(status["assets"], whole["assets"] + 1)
        self.assertEqual(status["gone_kept"], 0)


    def test_a_library_that_left_while_the_token_was_lost(self):
        self.sim.change("shared_library", assets=5, **{"as": "guest"})
        copy = self.signed_in()
        self.completes(copy)
        before = copy.status("--json").event("status")
        self.sim.change("leave_shared")
        self.sim.hook("changes_database", "token_refused", match="/shared/")
        first = copy.sync()
        self.status_is(first, 0)
        self.assertIn("has left the cloud", first.err)
        self.status_is(copy.sync(), 0)
        status = copy.status("--json").event("status")
        self.assertEqual(status["assets"], before["assets"] - 5)
        self.assertEqual(status["files"], before["files"])
        self.assertGreater(status["gone_kept"], 0)

    def test_two_sizes_stated_for_the_same_bytes(self):
        copy = self.signed_in()
        self.sim.hook("*", "wrong_size", value="7", times=-1)
        self.status_is(copy.sync(), 0)
        self.sim.clear_faults()
        self.sim.change("move_to_shared", count=2)
        self.sim.reset_counters()
        self.completes(copy)
        self.assertEqual(self.sim.counters()["by"].get("content", 0), 0)


class Checksums(Edges):
    """Kinds of fileChecksum (B040)."""

    def fetched_as(self, value, **wrong):
        """A copy of contents whose checksums are of this kind."""
        copy = Copy(self.sim)
        self.addCleanup(copy.close)
        self.status_is(copy.login(), 0)
        if wrong: # before the kind, which takes every request there is
            self.sim.fault("content", "flip", **wrong)
        self.sim.hook("*", "checksum_kind", value=value, times=-1)
        result = copy.sync("--json")
        self.sim.clear_faults()
        return copy, result

    def test_kinds_of_the_same_rule_are_proven(self):
        for value in ("81", "02"):
            with self.subTest(kind=value):
                copy, result = self.fetched_as(value)
                self.status_is(result, 0)
                verdict = result.event("verdict")
                self.assertEqual(verdict["size_verified"], 0)
                self.assertEqual(verdict["proven"], len(copy.files()))

    def test_an_unknown_kind_is_size_verified_and_said_so(self):
        self.sim.reset_counters()
        copy, result = self.fetched_as("04")
        self.status_is(result, 0)
        verdict = result.event("verdict")
        self.assertGreater(verdict["size_verified"], 0)
        self.assertNotIn("all proven", verdict["text"])
        self.assertIn("by size only", verdict["text"])
        compare(self, copy)
        check_sums(self, copy)
        # Every one of them was fetched twice.
        self.assertGreaterEqual(
            self.sim.counters()["by"]["content"],
            verdict["proven"] + 2 * verdict["size_verified"])
        verified = copy.verify("--json").event("verdict")
        self.assertEqual(verified["status"], 0)
        self.assertEqual(verified["size_verified"], verdict["size_verified"])

    def test_an_unknown_kind_wants_two_fetches_alike(self):
        copy, result = self.fetched_as("04", offset=3, times=2)
        self.status_is(result, 0)
        compare(self, copy)

    def test_a_mismatch_of_a_kind_never_seen_is_not_called_damage(self):
        photo, = self.added(kind="jpeg", size=3000)
        # In the address the kind is another: what is signed stays.
        match = match_of(photo)[2:]
        copy, result = self.fetched_as("81", offset=5, times=-1, match=match)
        self.status_is(result, 0)
        self.assertEqual(result.event("verdict")["size_verified"], 1)

    def test_wrong_bytes_of_a_strict_kind_get_no_name(self):
        copy = self.signed_in()
        photo, = self.added(kind="jpeg", size=3000, name="wrong.JPG")
        self.sim.fault("content", "flip", match=match_of(photo), times=-1,
                       offset=5)
        result = copy.sync("--json")
        self.status_is(result, 1)
        self.assertEqual(result.event("gap")["why"], "unproven")
        self.assertFalse([n for n in copy.files() if "wrong" in n])
        # No event speaks of a file that is not there.
        told = {e["path"] for e in result.events() if e["event"] == "file"}
        self.assertEqual(told, set(copy.files()))


class Names(Edges):
    date_ms = 1700000000000

    def test_two_assets_on_one_master(self):  # B001
        copy = self.signed_in()
        self.completes(copy)
        photo, = self.added(kind="jpeg", size=3000, date_ms=self.date_ms)
        self.sim.change("duplicate", asset=photo["asset"])
        self.sim.change("edit", asset=photo["asset"])
        truth = self.sim.truth()
        pair = {t["asset"] for t in truth if t["master"] == photo["master"]}
        self.assertEqual(len(pair), 2)
        self.sim.reset_counters()
        self.completes(copy)
        status = copy.status("--json").event("status")
        self.assertEqual(status["assets"], len({t["asset"] for t in truth}))
        # The original once, and the edit.
        self.assertEqual(self.sim.counters()["by"]["content"], 2)

    def test_one_name_one_size_other_bytes(self):  # B043
        copy = self.signed_in()
        one = self.added(kind="jpeg", name="IMG_7000.JPG", size=MEBI,
                         date_ms=self.date_ms)
        self.completes(copy)
        two = self.added(kind="jpeg", name="IMG_7000.JPG", size=MEBI,
                         date_ms=self.date_ms)
        self.completes(copy)
        names = self.names_of(copy, one + two)
        self.assertEqual(names[0], "2023/11/IMG_7000.JPG")
        self.assertRegex(names[1], r"^2023/11/IMG_7000-[a-z2-7]{8,}\.JPG$")

    def test_a_counter_that_rolls_over(self):  # B042
        copy = self.signed_in()
        photos = []
        for n in range(30):
            photos += self.added(kind="jpeg", name="IMG_0009.JPG", size=700,
                                 date_ms=self.date_ms - n * 400 * DAY_MS)
        self.assertEqual(len(photos), 30)
        self.completes(copy, "--layout", "flat")
        names = self.names_of(copy, photos)
        self.assertEqual(len(set(names)), 30)
        for name in names:
            self.assertRegex(name, r"^flat/IMG_0009(-[a-z2-7]{8,})?\.JPG$")
        before = copy.snapshot()
        self.completes(copy)
        self.assertEqual(copy.snapshot(), before)

    def test_live_pairs_stay_pairs(self):  # B045
        copy = self.signed_in()
        files = self.added(kind="live", name="FullSizeRender.HEIC", count=5,
                           date_ms=self.date_ms)
        self.assertEqual(len(files), 10)
        self.completes(copy)
        stems = {}
        for resource, name in zip(files, self.names_of(copy, files)):
            stems.setdefault(resource["asset"], set()).add(
                os.path.splitext(name)[0])
        self.assertTrue(all(len(s) == 1 for s in stems.values()), stems)
        self.assertEqual(len(set.union(*stems.values())), 5)

    def test_a_foreign_movie_splits_no_pair(self):
        copy = self.signed_in()
        self.completes(copy)
        files = self.added(kind="live", name="IMG_1.HEIC",
                           date_ms=self.date_ms)
        foreign = os.path.join("2023", "11", "IMG_1.MOV")
        os.makedirs(os.path.dirname(os.path.join(copy.root, foreign)))
        with open(os.path.join(copy.root, foreign), "wb") as file:
            file.write(b"somebody's")
        self.status_is(copy.sync(), 0)
        compare(self, copy, extra={foreign})
        stems = {os.path.splitext(n)[0] for n in self.names_of(copy, files)}
        self.assertEqual(len(stems), 1, stems)
        self.assertRegex(stems.pop(), r"^2023/11/IMG_1-[a-z2-7]{8}$")
        with open(os.path.join(copy.root, foreign), "rb") as file:
            self.assertEqual(file.read(), b"somebody's")

    def test_hostile_names(self):  # B047, B048, B052, B053
        names = [
            "1034:4677000000000001.mp4", "a/b.jpg", "\"?*<>|.jpg",
            "..", ".", "../../../../escape.jpg", "/etc/passwd", "\\\\x\\y.jpg",
            ".icloud-pull", ".hidden.jpg", "CON.jpg", "nul", "aux.tar.jpg",
            "trailing. ", "trailing.jpg.", " ", "tab\there.jpg",
            "line\nbreak.jpg", "esc\x1b[2J.jpg", "\u202egpj.jpg",
            "假期_01.jpg", "假日_01.jpg",
            "海边_01.jpg", "Jo\u0308rg.jpg", "J\u00f6rg.jpg",
            "x" * 400 + ".jpg", "\u00e9" * 200 + ".jpg", "no extension",
            "-rf.jpg", "$(touch oops).jpg", "SHA256SUMS", "*.jpg",
            "IMG.JPG", "img.jpg", "\ufeffbom.jpg", "a" * 250 + ".toolongext",
        ]
        copy = self.signed_in()
        files = []
        for name in names:
            files += self.added(kind="jpeg", name=name, size=600,
                                date_ms=self.date_ms)
        outside = set(os.listdir(copy.home))
        self.completes(copy)
        self.assertEqual(set(os.listdir(copy.home)) - outside, {"copy"})
        paths = self.names_of(copy, files)
        self.assertEqual(len({p.casefold() for p in paths}), len(names))
        for name, path in zip(names, paths):
            self.assertTrue(path.startswith("2023/11/"), (name, path))
            base = path[len("2023/11/"):]
            self.assertNotRegex(base, r'[/\\:*?"<>|\x00-\x1f\x7f]', name)
            self.assertFalse(base.startswith("."), (name, base))
            self.assertFalse(base.endswith((".", " ")), (name, base))
            self.assertLessEqual(len(base.encode()), 255)
        for name, path in zip(names, paths):
            if name.endswith("_01.jpg"): # kept byte for byte
                self.assertEqual(os.path.basename(path), name)
            self.assertTrue(unicodedata.is_normalized("NFC", path), name)
        # What each is called in truth is in the manifest.
        lines = manifest(copy)
        self.assertEqual([[a["filename"] for a in lines[path][1]["assets"]]
                          for path in paths], [[name] for name in names])

    def test_edits_of_namesakes(self):  # B041
        copy = self.signed_in()
        self.completes(copy)
        photos = self.added(kind="jpeg", name="IMG_1234.JPG", size=700,
                            count=2, date_ms=self.date_ms)
        for photo in photos:
            self.sim.change("edit", asset=photo["asset"])
        self.completes(copy)
        names = {}
        for t in self.sim.truth():
            if t["asset"] in {p["asset"] for p in photos}:
                name, = self.names_of(copy, [t])
                names.setdefault(t["asset"], {})[t["role"]] = name
        self.assertEqual([set(n) for n in names.values()],
                         2 * [{"original", "edited"}])
        plain = []
        for two in names.values():
            stem = os.path.splitext(two["original"])[0]
            self.assertEqual(os.path.splitext(two["edited"])[0],
                             stem + "_edited")
            plain.append(stem == "2023/11/IMG_1234")
            self.assertRegex(stem, r"^2023/11/IMG_1234(-[a-z2-7]{8})?$")
        self.assertEqual(sorted(plain), [False, True])

    def test_one_asset_of_each_type(self):  # B056
        copy = self.signed_in()
        kinds = ["jpeg", "heic", "png", "gif", "webp", "video", "mp4", "dng",
                 "cr3", "raw", "raw_alt", "future", "data"]
        files, names = [], []
        for kind in kinds:
            for name in ("%s.Xyz", "%s", "%s.mov"):
                more = self.added(kind=kind, size=400, name=name % kind,
                                  date_ms=self.date_ms)
                more = [t for t in more if t["role"] == "original"]
                files += more
                names += len(more) * [name % kind]
        self.assertEqual(len(files), 3 * len(kinds))
        self.completes(copy)
        for wish, file, path in zip(names, files, self.names_of(copy, files)):
            base = os.path.basename(path)
            if "." in wish: # kept, whatever the type
                self.assertTrue(base.startswith(wish.split(".")[0]), base)
                self.assertTrue(base.endswith("." + wish.split(".")[1]), base)
            else:
                self.assertNotEqual(os.path.splitext(base)[1], "", base)
            if file["uti"] in ("com.example.future", "public.data"):
                self.assertIn(base.split(".")[1:], (["bin"], ["Xyz"], ["mov"]))

    def test_odd_dates(self):  # B057, B058, B062
        first, end = -5364662400000, 7289654400000 # 1800 to 2200
        dates = [-63849600000, first, first - 1, 315532799000, end - 1, end,
                 -62135769600000, 86526000000000000, (1 << 63) - 1,
                 -(1 << 63)]
        copy = self.signed_in()
        files = []
        for date in dates:
            files += self.added(kind="jpeg", name="Odd.jpg", size=500,
                                date_ms=str(date))
        self.completes(copy)
        dated = 0
        for date, file, path in zip(dates, files, self.names_of(copy, files)):
            local = date + 1000 * (file["timeZoneOffset_s"] or 0)
            if not first <= local < end:
                self.assertEqual(os.path.dirname(path), "undated")
                continue
            dated += 1
            day = datetime.datetime(1970, 1, 1) + datetime.timedelta(
                milliseconds=local)
            self.assertEqual(os.path.dirname(path), "%04d/%02d" %
                             (day.year, day.month))
            if -2 ** 31 <= date // 1000 < 2 ** 31: # any volume holds these
                st = os.stat(os.path.join(copy.root, path))
                self.assertEqual(st.st_mtime_ns // 10 ** 6, date)
        self.assertGreaterEqual(dated, 4)
        before = copy.snapshot()
        self.completes(copy)
        self.assertEqual(copy.snapshot(), before)

    def test_names_that_are_no_names(self):  # B052, B053
        sim = Sim(assets=60)
        self.addCleanup(sim.close)
        copy = Copy(sim)
        self.addCleanup(copy.close)
        self.status_is(copy.login(), 0)
        self.status_is(copy.sync(), 0)
        compare(self, copy)
        by_hash = {sha256_of(p): os.path.basename(n)
                   for n, p in copy.files().items()}
        seen = set()
        for t in sim.truth():
            if t["role"] != "original":
                continue
            name, base = t["filename"], by_hash[t["sha256"]]
            if not name: # absent, or empty
                seen.add(name)
                self.assertRegex(base, r"^[0-9a-f]{12}\.[a-z]+$")
            elif "\ufffd" in name: # no UTF-8: what can be read of it
                seen.add("no text")
                self.assertEqual(base, name)
            elif re.fullmatch(r"IMG_[0-9]{4}\.[A-Za-z]+", name):
                # As text, as base64 with its padding and without.
                seen.add("name")
                stem, end = os.path.splitext(name)
                self.assertRegex(
                    base, "^%s(-[a-z2-7]{8})?[.]%s$" % (stem, end[1:]))
        self.assertEqual(seen, {None, "", "no text", "name"})


class Places(Edges):
    """Copies that move, are copied, or belong to another machine."""

    def test_a_copy_that_moved_is_known(self):
        copy = self.signed_in()
        self.completes(copy)
        moved = os.path.join(copy.home, "elsewhere")
        os.rename(copy.root, moved)
        self.sim.reset_counters()
        copy.root = moved
        self.completes(copy)
        self.assertEqual(self.sim.counters()["by"]["content"], 0)
        self.assertFalse(os.path.exists(os.path.join(copy.home, "copy")))

    def test_a_marker_that_was_copied_is_refused(self):
        copy = self.signed_in()
        self.completes(copy)
        other = os.path.join(copy.home, "other", ".icloud-pull")
        os.makedirs(other)
        shutil.copy(os.path.join(copy.root, ".icloud-pull", "copy.json"),
                    other)
        result = copy.run("sync", "--root", os.path.dirname(other))
        self.status_is(result, 5)
        self.assertIn("same copy", result.err)
        self.assertEqual(os.listdir(other), ["copy.json"])

    def test_another_machine_reads_and_does_not_write(self):
        copy = self.signed_in()
        self.completes(copy)
        marker = os.path.join(copy.root, ".icloud-pull", "copy.json")
        with open(marker, encoding="utf-8") as file:
            content = json.load(file)
        content["machine"] = "another"
        os.chmod(marker, 0o644)
        with open(marker, "w", encoding="utf-8") as file:
            json.dump(content, file)
        before = copy.snapshot()
        result = copy.sync()
        self.status_is(result, 5)
        self.assertIn("another machine", result.err)
        self.assertIn("--take-over", result.err)
        self.status_is(copy.status(), 0)
        self.status_is(copy.verify(), 0)
        self.assertEqual(copy.snapshot(), before)


class Usage(unittest.TestCase):
    """Words, files and descriptors; no cloud is asked."""

    @classmethod
    def setUpClass(cls):
        cls.sim = Sim(assets=3)
        cls.copy = Copy(cls.sim)
        login = cls.copy.login()
        synced = cls.copy.sync()
        if login.status != 0 or synced.status != 0:
            raise AssertionError("%s\n%s" % (login, synced))

    @classmethod
    def tearDownClass(cls):
        cls.copy.close()
        cls.sim.close()

    def usage(self, result, *words):
        self.assertEqual(result.status, 2, str(result))
        for word in words:
            self.assertIn(word, result.err)
        self.assertRegex(result.err, r"(?m)^icloud-pull: error: [^\n]+\.\s*")
        self.assertEqual(result.out, "")

    def test_words(self):
        self.usage(self.copy.run("frobnicate"), "frobnicate", "--help")
        self.usage(self.copy.run("sync", "extra"), "extra")
        self.usage(self.copy.run("sync", "--frobnicate"), "frobnicate")
        self.usage(self.copy.run("status", "--jobs", "3"), "jobs")
        self.usage(self.copy.run("sync", "--jobs", "33"), "jobs")
        self.usage(self.copy.run("sync", "--jobs"), "jobs")
        self.usage(self.copy.run("sync", "--layout", "../%Y"), "../%Y")

    def test_help(self):
        for command in ("login", "logout", "sync", "verify", "status"):
            with self.subTest(command=command):
                result = self.copy.run(command, "--help")
                self.assertEqual(result.status, 0)
                self.assertIn("usage: icloud-pull %s" % command, result.out)
                self.assertIn("--root", result.out)
                self.assertEqual(result.err, "")
        result = self.copy.run("--help")
        self.assertEqual(result.status, 0)
        for command in ("login", "logout", "sync", "verify", "status"):
            self.assertIn("\n  %s " % command, result.out)

    def test_environment(self):
        where = {"ICLOUD_PULL_ROOT": self.copy.root}
        result = self.copy.run("status", env=dict(where,
                                                  ICLOUD_PULL_JSON="yes"))
        self.assertEqual(result.status, 0, str(result))
        self.assertEqual(result.event("status")["root"],
                         os.path.realpath(self.copy.root))
        self.usage(self.copy.run("sync", env={"ICLOUD_PULL_JOBS": "many"}),
                   "ICLOUD_PULL_JOBS")

    def test_configuration_file(self):
        path = os.path.join(self.copy.home, "config")
        for text, line in (("root = /tmp\njobs = many\n", 2),
                           ("# a remark\n\nfrobnicate = 1\n", 3),
                           ("root\n", 1)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            self.usage(self.copy.run("--config", path, "status"),
                       "%s:%d" % (path, line))
        with open(path, "w", encoding="utf-8") as file:
            file.write("root = %s\njson = yes\n" % self.copy.root)
        result = self.copy.run("--config", path, "status")
        self.assertEqual(result.status, 0, str(result))
        self.assertIn("assets", result.event("status"))
        self.usage(self.copy.run("--config", path + ".absent", "status"),
                   "absent")

    def shell(self, redirection, *words):
        return subprocess.run(
            ["sh", "-c", 'exec "$@" ' + redirection, "sh",
             *self.copy.argv(*words)], env=self.copy.env,
            cwd=self.copy.home, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def test_closed_descriptors(self):
        words = ("status", "--root", self.copy.root)
        self.assertEqual(self.shell(">&-", *words).returncode, 5)
        self.assertEqual(self.shell("2>&-", *words).returncode, 0)
        self.assertEqual(self.shell("<&-", *words).returncode, 0)
        words = ("sync", "--root", self.copy.root)
        self.assertEqual(self.shell(">&- 2>&- <&-", *words).returncode, 5)
        self.assertEqual(self.shell("2>&- <&-", *words).returncode, 0)
        # Nothing of that was written into the catalogue by mistake.
        self.assertEqual(self.copy.verify().status, 0)
        self.assertEqual(self.copy.status().status, 0)


class Events(Edges):
    """docs/json.md names every event and every member."""

    def test_all_are_documented(self):
        with open(os.path.join(os.path.dirname(__file__),
                               "../../docs/json.md"),
                  encoding="utf-8") as file:
            words = set(re.findall(r"`([a-z_-]+)`", file.read()))
        copy = self.copy
        seen = [copy.run("login", "--account", ACCOUNT, "--json",
                         "--password-command", "echo wrong")]
        self.signed_in()
        self.sim.hook("records_lookup", "no_url", times=-1)
        self.sim.fault("content", "status", status=503, retry_after=60)
        seen.append(copy.sync("--json"))
        self.sim.clear_faults()
        self.sim.hook("records_lookup", "no_url")
        self.sim.change("add", count=3)
        seen.append(copy.sync("--json"))
        self.sim.change("add", count=3)
        seen.append(copy.sync("--json"))
        for path in list(copy.files().values())[:1]:
            os.unlink(path)
        os.unlink(os.path.join(copy.root,
                               ".icloud-pull/records/albums.jsonl.gz"))
        with open(os.path.join(copy.root, "stray"), "wb"):
            pass
        seen += [copy.verify("--json"), copy.verify("--json", "--repair"),
                 copy.status("--json", "--gaps"),
                 copy.run("login", "--stdin", "--json",
                          stdin=(PASSWORD + "\n").encode())]
        # Last, since Apple's wait is kept.
        self.sim.fault("validate", "status", status=503, retry_after=60)
        seen += [copy.sync("--json", "--albums", "links"),
                 copy.run("logout", "--json"),
                 copy.status("--json")]
        events = set()
        for result in seen:
            self.assertEqual(
                [e.get("status") for e in result.events()
                 if e["event"] == "verdict"] or [result.status],
                [result.status], str(result))
            for event in result.events():
                events.add(event["event"])
                for name in ("event", *event, *event.get("summary", ())):
                    self.assertIn(name, words | {"event"}, event)
                for name in ("event", "reason", "why", "state"):
                    if event.get(name) is not None:
                        self.assertIn(event[name], words, event)
        self.assertEqual(events, {
            "signed-in", "signed-out", "forecast", "file", "gap", "damage",
            "foreign", "month", "repaired", "verdict", "status", "account",
            "albums", "compared", "listing", "run", "error"})


class Secrets(Edges):
    """Nothing that opens the account leaves the session's file."""

    def planted(self, copy, codes):
        path = os.path.join(copy.state, "accounts", ACCOUNT, "session")
        with open(path, encoding="utf-8") as file:
            session = json.load(file)
        secrets = {PASSWORD, *codes}
        for name in ("session_token", "session_id", "scnt",
                     "auth_attributes", "trust_token"):
            if session.get(name):
                secrets.add(session[name])
        for line in base64.b64decode(
                session["cookies"]).decode().splitlines():
            value = line.split("\t")[-1].strip('"')
            if len(value) >= 8:
                secrets.add(value)
        return secrets

    def everything(self, copy):
        """All files of home but the session, the simulator's CA apart."""
        for folder, _, files in os.walk(copy.home):
            for name in files:
                path = os.path.join(folder, name)
                if name == "session" or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    yield path, file.read()

    def test_outputs_and_files_hold_none(self):
        copy = self.copy
        said, codes = [], []
        for words in ((), ("-q",), ("-v",), ("-vv",), ("-vv", "--json")):
            self.sim.change("account_expire_trust")
            old = self.sim.code()
            process = subprocess.Popen(
                copy.argv("--root", copy.root, "login", "--stdin",
                          "--account", ACCOUNT, *words),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=copy.env, cwd=copy.home)
            process.stdin.write((PASSWORD + "\n").encode())
            process.stdin.flush()
            code = wait_for(
                lambda: None if self.sim.code() == old else self.sim.code(),
                process)
            out, err = process.communicate((code + "\n").encode())
            self.assertEqual(process.returncode, 0, err)
            codes.append(code)
            said += [out, err]
            self.sim.change("add", count=3)
            # Links that expire, break and lead elsewhere are talked about.
            self.sim.fault("content", "status", status=410, times=2)
            self.sim.fault("content", "cut", after_bytes=100, skip=2)
            self.sim.fault("content", "status", status=500, skip=3)
            result = copy.sync(*words)
            self.status_is(result, 0)
            said += [result.out.encode(), result.err.encode()]
            for command in (copy.status, copy.verify):
                result = command(*words)
                said += [result.out.encode(), result.err.encode()]
            self.sim.clear_faults()
        secrets = self.planted(copy, codes)
        self.assertGreater(len(secrets), 8)
        for secret in secrets:
            for text in said:
                self.assertNotIn(secret.encode(), text)
        for path, content in self.everything(copy):
            for secret in secrets:
                if secret not in codes: # six digits may stand anywhere
                    self.assertNotIn(secret.encode(), content, path)
            if not path.startswith(copy.root):
                self.assertNotRegex(
                    content, rb"icloud-content\.com/B/[A-Za-z0-9_-]{8}", path)
        for text in said:
            self.assertNotRegex(text, rb"icloud-content\.com/B/[^.]")
            self.assertNotRegex(text, rb"[?&](e|x|k|a|s)=")

    def test_errors_hold_none(self):
        copy = self.signed_in()
        said = []
        for kind, values in (("status", {"status": 403, "times": -1}),
                             ("reset", {"times": 3})):
            self.sim.fault("content", kind, **values)
            result = copy.sync("-vv", "--json")
            said += [result.out, result.err]
            self.sim.clear_faults()
        result = copy.run("status", "--json", "--gaps", "--root", copy.root)
        said.append(result.out)
        for text in said:
            self.assertNotRegex(text, r"https?://(?!www\.|iforgot)")
            self.assertIsNone(re.search(r"/B/[A-Za-z0-9_-]{8}", text))


if __name__ == "__main__":
    main()
