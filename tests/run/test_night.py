"""Nights: runs that a timer starts, whoever is told of them, and the doctor."""

import fcntl
import glob
import json
import os
import plistlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

from harness import (ACCOUNT, BUILD, PASSWORD, Case, Sim, compare, main,
                     shimmed, stop, wait_for)

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
SOON_S = 2


def rows(copy, sql):
    """Change the catalogue beneath the program."""
    path, = glob.glob(os.path.join(copy.state, "*", "catalogue.sqlite"))
    catalogue = sqlite3.connect(path)
    catalogue.execute(sql)
    catalogue.commit()
    catalogue.close()


def hours_pass(copy, hours):
    rows(copy, "update run set began_ms = began_ms - %d, ended_ms = ended_ms "
         "- %d" % (hours * HOUR_MS, hours * HOUR_MS))


def session_path(copy):
    return os.path.join(copy.state, "accounts", ACCOUNT, "session")


def trust_days_left(copy, days):
    with open(session_path(copy), encoding="utf-8") as file:
        session = json.load(file)
    session["trust_expires_ms"] = int(time.time() * 1000 + days * DAY_MS)
    with open(session_path(copy), "w", encoding="utf-8") as file:
        json.dump(session, file)


def err(result):
    """Without the warning that these tests bring upon themselves."""
    return "".join(line for line in result.err.splitlines(True)
                   if "Every connection goes to" not in line)


class Nights(Case):
    assets = 3

    def night(self, copy, *words, status=0, **options):
        result = copy.sync("--scheduled", *words, **options)
        self.status_is(result, status)
        return result

    def requests(self):
        return self.sim.counters()["requests"]

    def silent(self, result):
        self.assertEqual((result.out, err(result)), ("", ""))


class Scheduled(Nights):

    def test_twice_within_twenty_hours_is_once(self):
        copy = self.signed_in()
        result = self.night(copy)
        self.assertRegex(result.out, r"\AComplete: [^\n]+\n\Z")
        self.assertEqual(err(result), "")
        before = copy.snapshot()
        self.sim.reset_counters()
        self.silent(self.night(copy))
        hours_pass(copy, 19)
        self.silent(self.night(copy))
        events = self.night(copy, "--json").events()
        self.assertEqual([e["event"] for e in events], ["skipped"])
        self.assertEqual(self.requests(), 0)
        self.assertEqual(copy.snapshot(), before)
        # A person is not sent away.
        self.assertIn("Complete: ", copy.sync().out)

    def test_a_night_without_news_says_nothing(self):
        copy = self.signed_in()
        self.night(copy)
        hours_pass(copy, 20)
        before = copy.snapshot()
        self.sim.reset_counters()
        self.silent(self.night(copy))
        self.assertEqual(self.requests(), 3)
        self.assertEqual(copy.snapshot(), before)

        hours_pass(copy, 24)
        self.sim.change("add", count=2)
        result = self.night(copy)
        self.assertRegex(result.out, r"\AComplete: [^\n]+\n\Z")
        self.assertEqual(err(result), "")
        compare(self, copy)

        hours_pass(copy, 24)
        self.sim.change("add", count=1)
        self.sim.fault("content", "status", status=503, retry_after=3600,
                       times=-1)
        result = self.night(copy, status=4)
        self.assertRegex(result.out, r"\AIncomplete: [^\n]+\n\Z")
        self.assertRegex(err(result), r"\Aicloud-pull: error: [^\n]+\n\Z")

        # What went wrong is due again at once; and -v says what is done.
        self.sim.clear_faults()
        result = self.night(copy, "-v")
        self.assertRegex(result.out, "(?i)to fetch: ")
        compare(self, copy)

    def test_a_success_of_the_future_silences_nothing(self):
        copy = self.signed_in()
        self.night(copy)
        hours_pass(copy, -365 * 24)
        self.sim.reset_counters()
        self.night(copy)
        self.assertEqual(self.requests(), 3)
        self.sim.reset_counters()
        self.silent(self.night(copy))
        self.assertEqual(self.requests(), 0)

    def test_runs_that_leave_something_out_are_no_success(self):
        copy = self.signed_in()
        for words in (["--dry-run"], ["--skip", "trashed"]):
            self.status_is(copy.sync(*words), 0)
        self.sim.reset_counters()
        self.night(copy)
        self.assertGreater(self.requests(), 0)
        compare(self, copy)

    def test_a_filter_of_every_night_is_a_success(self):
        copy = self.signed_in()
        self.night(copy, "--skip", "trashed")
        self.sim.reset_counters()
        self.night(copy, "--skip", "trashed")
        self.assertEqual(self.requests(), 0)

    def test_in_the_configuration_it_is_for_sync_alone(self):
        copy = self.signed_in()
        with open(os.path.join(copy.home, ".config/icloud-pull/config"), "a",
                  encoding="utf-8") as file:
            file.write("scheduled = yes\n")
        self.status_is(copy.run(), 0)
        self.silent(copy.run())
        self.assertIn("In iCloud:", copy.run("status").out)
        self.assertIn("Signed out", copy.run("logout").out)


class Doorway:
    """A port that is closed until it is opened, and then leads to the
    simulator."""

    def __init__(self, sim):
        self.sim = sim
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.open_ends = []

    def open(self):
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.socket.close()
        for end in self.open_ends:
            end.close()

    def serve(self):
        while True:
            try:
                here, _ = self.socket.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.sim.port))
            self.open_ends += [here, there]
            for pair in ((here, there), (there, here)):
                threading.Thread(target=self.carry, args=pair,
                                 daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Network(Nights):
    """A computer that has just woken has none for a while."""

    def started(self, copy, door):
        """A night that has seen that nobody answers."""
        words = ["127.0.0.1:%d" % door.port if w.startswith("127.0.0.1:")
                 else w for w in copy.argv("sync", "--root", copy.root,
                                           "--scheduled", "-v")]
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=copy.env, cwd=copy.home)
        for line in process.stderr:
            if b"no connection yet" in line:
                return process
        self.fail("it did not wait")
        return None

    def test_it_comes_later(self):
        copy = self.signed_in()
        door = Doorway(self.sim)
        self.addCleanup(door.close)
        process = self.started(copy, door)
        door.open()
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"Complete: ", out)
        compare(self, copy)

    def test_waiting_for_it_ends_at_once(self):
        copy = self.signed_in()
        door = Doorway(self.sim)
        self.addCleanup(door.close)
        process = self.started(copy, door)
        began = time.monotonic()
        result = stop(process, signal.SIGTERM)
        self.assertLess(time.monotonic() - began, SOON_S)
        self.status_is(result, 130)


class News(Nights):
    """--notify-command: who is not there is told, and nothing depends on it."""

    def setUp(self):
        super().setUp()
        self.told = os.path.join(self.copy.home, "told")
        self.hook = ("--notify-command", "cat >>'%s'" % self.told)

    def news(self):
        """What was told since this was asked last."""
        if not os.path.exists(self.told):
            return []
        with open(self.told, encoding="utf-8") as file:
            found = [json.loads(line) for line in file]
        os.unlink(self.told)
        return found

    def one(self, event, status):
        found = self.news()
        self.assertEqual([(n["event"], n["status"]) for n in found],
                         [(event, status)])
        return found[0]

    def test_incomplete_then_well_and_then_nothing(self):
        copy = self.signed_in()
        self.status_is(copy.sync(*self.hook), 0)
        self.assertEqual(self.news(), [])
        self.sim.change("add", count=1)
        self.sim.hook("records_lookup", "no_url", times=-1)
        self.status_is(copy.sync(*self.hook), 1)
        news = self.one("incomplete", 1)
        self.assertEqual(news["reason"], "incomplete")
        self.assertEqual(news["account"], ACCOUNT)
        self.assertEqual(news["root"], copy.root)
        self.assertEqual(news["command"], "sync")
        self.assertEqual(news["run"], 2)
        self.assertIn("Incomplete: ", news["text"])
        self.assertIsInstance(news["trust_days"], int)
        self.assertRegex(news["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")

        self.sim.clear_faults()
        self.status_is(copy.sync(*self.hook), 0)
        news = self.one("well", 0)
        self.assertIsNone(news["reason"])
        self.assertIn("Complete", news["text"])
        self.status_is(copy.sync(*self.hook), 0)
        self.assertEqual(self.news(), [])

    def test_a_person_is_needed(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        self.sim.change("account_expire_tokens")
        self.status_is(copy.sync(*self.hook), 3)
        news = self.one("person", 3)
        self.assertEqual(news["reason"], "password")
        self.assertIn("icloud-pull login", news["next"])
        # Even before there is a copy, or somebody who signed in.
        self.status_is(copy.run("logout"), 0)
        self.status_is(copy.sync(*self.hook), 3)
        self.one("person", 3)

    def test_an_alarm(self):
        copy = self.signed_in()
        self.sim.change("account_set", locked=True)
        self.status_is(copy.sync(*self.hook), 7)
        news = self.one("alarm", 7)
        self.assertIn("iforgot.apple.com", news["next"])

    def test_a_disk_that_is_not_there_and_comes_back(self):  # B085
        copy = self.signed_in()
        self.status_is(copy.sync(*self.hook), 0)
        os.rename(copy.root, copy.root + ".away")
        os.mkdir(copy.root)
        self.status_is(copy.sync(*self.hook), 5)
        news = self.one("incomplete", 5)
        self.assertEqual(news["reason"], "not-mounted")
        self.assertIsNone(news["run"])
        os.rmdir(copy.root)
        os.rename(copy.root + ".away", copy.root)
        self.status_is(copy.sync(*self.hook), 0)
        self.one("well", 0)
        notices = os.path.join(copy.state, "notices")
        self.assertEqual(os.stat(notices).st_mode & 0o777, 0o600)

    def test_a_night_without_apple_is_told_after_a_week(self):
        copy = self.signed_in()
        self.status_is(copy.sync(*self.hook), 0)
        self.sim.fault("validate", "status", status=503, retry_after=3600,
                       times=-1)
        self.status_is(copy.sync(*self.hook), 4)
        self.assertEqual(self.news(), [])
        hours_pass(copy, 8 * 24)
        self.status_is(copy.sync(*self.hook), 4)
        self.one("incomplete", 4)

    def test_trust_that_ends_is_told_once_a_day(self):
        self.sim.change("account_set", trust_days=3)
        copy = self.signed_in()
        self.status_is(copy.sync(*self.hook), 0)
        news = self.one("trust", 0)
        self.assertEqual(news["trust_days"], 2)
        self.assertIn("2 more days", news["text"])
        self.status_is(copy.sync(*self.hook), 0)
        self.assertEqual(self.news(), [])

    def test_what_was_repaired(self):
        copy = self.signed_in()
        self.status_is(copy.sync(), 0)
        os.unlink(sorted(copy.files().values())[0])
        self.status_is(copy.verify("--repair", *self.hook), 0)
        news = self.one("repaired", 0)
        self.assertEqual(news["command"], "verify")
        self.assertEqual(news["run"], 2)
        self.assertIn("1 damaged or missing file was", news["text"])
        # What is only found is something that is missing.
        os.unlink(sorted(copy.files().values())[0])
        self.status_is(copy.verify(*self.hook), 1)
        self.assertEqual(self.one("incomplete", 1)["command"], "verify")
        self.status_is(copy.verify("--repair", *self.hook), 0)
        self.assertEqual([n["event"] for n in self.news()],
                         ["repaired", "well"])

    def test_what_is_no_news(self):
        copy = self.signed_in()
        self.status_is(copy.sync("--dry-run", *self.hook), 0)
        self.status_is(copy.status(*self.hook), 0)
        self.sim.fault("changes_zone", "stall", after_bytes=10, times=-1)
        process = copy.start("sync", "--root", copy.root, "-vv", *self.hook)
        for line in process.stderr:
            if b"changes/database" in line:
                break
        self.status_is(stop(process), 130)
        self.sim.clear_faults()
        self.night(copy, *self.hook)
        self.night(copy, *self.hook) # nothing is due
        self.assertEqual(self.news(), [])

    def test_a_hook_changes_nothing(self):  # B106
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        for command, says in (("exit 1", "status 1"),
                              ("/nowhere/at/all", "status 127"),
                              ("echo no such host >&2; exit 6",
                               "status 6: no such host"),
                              ("exec <&-", None), ("true", None)):
            with self.subTest(command=command):
                result = copy.sync("--json", "--notify-command", command)
                self.status_is(result, 3)
                self.assertEqual(result.events()[-1]["event"], "error")
                if says is None:
                    self.assertNotIn("notify", result.err)
                else:
                    self.assertEqual(result.err.count("notify command"), 1)
                    self.assertIn(says, result.err)

    def test_a_hook_that_hangs_ends_with_ctrl_c(self):  # B106
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        asked = os.path.join(copy.home, "asked")
        process = copy.start(
            "sync", "--root", copy.root, "--notify-command",
            "trap '' TERM; echo $$ >'%s.new'; mv '%s.new' '%s'; "
            "while :; do sleep 1; done" % (asked, asked, asked))
        wait_for(lambda: os.path.exists(asked) or None, process)
        self.assertIsNone(process.poll())
        began = time.monotonic()
        result = stop(process)
        self.assertLess(time.monotonic() - began, SOON_S)
        self.status_is(result, 3)
        with open(asked, encoding="utf-8") as file:
            pid = int(file.read())
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_it_holds_no_secret_and_every_member_is_documented(self):
        copy = self.signed_in()
        self.sim.change("account_set", password="another")
        told = os.path.join(copy.home, "all")
        self.status_is(copy.sync(
            "--password-command", "echo '%s'" % PASSWORD, "--notify-command",
            "cat >'%s'; env >>'%s'" % (told, told)), 3)
        with open(told, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn(PASSWORD, text)
        with open(os.path.join(TOP, "docs/json.md"),
                  encoding="utf-8") as file:
            words = set(re.findall(r"`([a-z_-]+)`", file.read()))
        news = json.loads(text.splitlines()[0])
        for name in (*news, news["event"], news["reason"]):
            self.assertIn(name, words)
        for event in ("alarm", "person", "incomplete", "repaired", "well",
                      "trust"):
            self.assertIn(event, words)


class Status(Nights):

    def test_it_says_when_all_was_well(self):
        copy = self.signed_in()
        self.status_is(copy.sync("--dry-run"), 0)
        self.assertIn("Complete:   never yet", copy.status().out)
        self.assertIsNone(
            copy.status("--json").event("status")["last_success"])
        self.status_is(copy.sync(), 0)
        hours_pass(copy, 50)
        self.assertRegex(copy.status().out,
                         r"(?m)^Complete:   \S+Z, 2 d 2 h ago$")
        self.assertRegex(copy.status("--json").event("status")["last_success"],
                         r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


class Doctor(Nights):
    """What a night would need, looked at by day."""

    def setUp(self):
        super().setUp()
        self.signed_in()
        self.status_is(self.copy.sync(), 0)

    def checks(self, *words, status=0, **options):
        """By name: (result, status, text and next)."""
        result = self.copy.run("doctor", "--json", *words, **options)
        self.status_is(result, status)
        diagnosis = result.events()[-1]
        self.assertEqual((diagnosis["event"], diagnosis["status"]),
                         ("diagnosis", status))
        found = {}
        for e in result.events()[:-1]:
            self.assertEqual(e["event"], "check")
            self.assertEqual(e["result"] == "bad", e["status"] != 0, e)
            if e["result"] != "good":
                self.assertNotEqual(e["text"], "")
            found[e["check"]] = (e["result"], e["status"],
                                 e["text"] + " " + e["next"])
        return found

    def bad(self, check, status, *words, says="", **options):
        found = self.checks(*words, status=status, **options)
        self.assertEqual(found[check][:2], ("bad", status), found)
        self.assertIn(says, found[check][2])
        others = {name for name, f in found.items() if f[0] == "bad"}
        self.assertEqual(others, {check})
        return found

    def hinted(self, check, *words, says="", **options):
        found = self.checks(*words, **options)
        self.assertEqual(found[check][0], "hint", found)
        self.assertIn(says, found[check][2])

    def test_all_is_well_and_stays_as_it_is(self):
        before = self.copy.files()
        self.sim.reset_counters()
        found = self.checks()
        self.assertEqual(
            set(found) - {"lingering"},
            {"configuration", "root", "account", "clock", "state", "session",
             "trust", "password", "notify-command", "copy", "lock",
             "volume", "room", "partial", "catalogue", "last-success",
             "network", "sign-in", "timer"})
        for name, (result, _, text) in found.items():
            if name not in ("timer", "lingering"):
                self.assertEqual(result, "good", (name, text))
        counters = self.sim.counters()
        self.assertEqual(counters["requests"], 1)
        self.assertEqual(counters["by"]["validate"], 1)
        self.assertEqual(self.copy.files(), before)
        own = os.path.join(self.copy.root, ".icloud-pull")
        self.assertEqual([n for n in os.listdir(own) if n.startswith(".")],
                         [])
        result = self.copy.run("doctor")
        self.status_is(result, 0)
        for line in result.out.splitlines()[:-1]:
            self.assertRegex(line, r"\A(good|hint) +[a-z-]+ +\S.*\.?\Z")
        self.assertEqual(result.out.splitlines()[-1],
                         "A scheduled run would work.")

    def test_every_word_is_documented(self):
        with open(os.path.join(TOP, "docs/json.md"),
                  encoding="utf-8") as file:
            words = set(re.findall(r"`([a-z_-]+)`", file.read()))
        for event in self.copy.run("doctor", "--json").events():
            for name in event:
                self.assertIn(name, words | {"event"})
            for name in ("event", "check", "result"):
                self.assertIn(event.get(name, "event"), words | {"event"})

    def test_nothing_was_set_up(self):
        home = os.path.join(self.copy.home, "new")
        os.mkdir(home)
        found = self.checks(status=2, env={"HOME": home})
        self.assertEqual(found["root"][:2], ("bad", 2))
        self.assertEqual(found["account"][:2], ("bad", 3))
        self.assertEqual(os.listdir(home), [])

    def test_nobody_is_signed_in(self):
        self.status_is(self.copy.run("logout"), 0)
        found = self.bad("session", 3, says="icloud-pull login")
        self.assertNotIn("network", found)

    def test_the_session(self):
        os.chmod(session_path(self.copy), 0o644)
        self.hinted("session", says="open to other users")
        os.chmod(session_path(self.copy), 0o600)
        trust_days_left(self.copy, 10.5)
        self.hinted("trust", says="10 more days")
        trust_days_left(self.copy, -1.5)
        self.hinted("trust", says="no longer trusted")
        with open(session_path(self.copy), "w", encoding="utf-8") as file:
            file.write("{")
        self.bad("session", 5)

    def test_apple_has_ended_it(self):
        self.sim.change("account_expire_tokens")
        self.sim.reset_counters()
        self.bad("sign-in", 3, says="icloud-pull login")
        self.hinted("sign-in", "--password-command", "echo x")
        self.bad("sign-in", 3, "--password-command", "frobnicate")
        # No password is proven, and no code asked for.
        by = self.sim.counters()["by"]
        self.assertEqual((by["signin_init"], by["signin_complete"]), (0, 0))

    def test_the_account_is_locked(self):
        self.sim.change("account_set", locked=True)
        self.bad("sign-in", 3, says="locked")

    def test_apple_cannot_be_reached(self):
        other = Sim(assets=0)
        self.addCleanup(other.close)
        trusted, self.sim.ca_file = self.sim.ca_file, other.ca_file
        self.bad("network", 6, says="certificate")
        self.sim.ca_file = trusted
        # Last, since Apple's wait is kept.
        self.sim.fault("validate", "status", status=503, retry_after=3600,
                       times=-1)
        self.bad("sign-in", 4, says="Try again in")

    def test_the_disk_is_not_there(self):  # B085
        os.rename(self.copy.root, self.copy.root + ".away")
        os.mkdir(self.copy.root)
        found = self.bad("copy", 5, says="not mounted")
        self.assertNotIn("lock", found)
        self.assertEqual(os.listdir(self.copy.root), [])
        os.rmdir(self.copy.root)
        self.bad("copy", 5, says="is not there")
        self.assertFalse(os.path.exists(self.copy.root))

    def test_there_is_no_copy_yet(self):
        new = os.path.join(self.copy.home, "new")
        self.hinted("copy", "--root", new, says="first run makes it")
        self.assertFalse(os.path.exists(new))
        self.bad("copy", 5, "--root", "/nowhere/at/all")

    def test_the_copy_is_another_ones(self):
        self.status_is(self.copy.run("logout"), 0)
        found = self.checks("--account", "else@example.com", status=2)
        self.assertEqual(found["copy"][:2], ("bad", 2))
        marker = os.path.join(self.copy.root, ".icloud-pull", "copy.json")
        with open(marker, encoding="utf-8") as file:
            content = json.load(file)
        content["machine"] = "another"
        os.chmod(marker, 0o644)
        with open(marker, "w", encoding="utf-8") as file:
            json.dump(content, file)
        found = self.checks(status=3)
        self.assertEqual(found["copy"][:2], ("bad", 5))
        self.assertIn("another machine", found["copy"][2])

    def test_a_run_is_at_work(self):
        lock, = glob.glob(os.path.join(self.copy.state, "*", "lock"))
        with open(lock, "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("run 123, since then")
            file.flush()
            self.bad("lock", 5, says="run 123")

    def test_the_disk_cannot_be_written(self):  # B087
        self.bad("volume", 5, says="read-only",
                 env=shimmed(SHIM_FAIL="mkdir:0:30"))

    def test_the_state_lies_on_another_machine(self):
        for kind in ("ff534d42", "6969", "2011bab0"): # cifs, nfs, exfat
            found = self.checks(status=5, env=shimmed(SHIM_FS=kind))
            self.assertEqual(found["state"][:2], ("bad", 5), found)
            self.assertIn("XDG_STATE_HOME", found["state"][2])
            self.status_is(self.copy.sync(env=shimmed(SHIM_FS=kind)), 5)

    def test_there_is_too_little_room(self):
        rows(self.copy, "update content set live = 1, state = 0, want = 1, "
             "bytes = 900000000000000")
        self.bad("room", 5, says="Make room")
        config = os.path.join(self.copy.home, ".config/icloud-pull/config")
        with open(config, "a", encoding="utf-8") as file:
            file.write("skip = raw\n")
        self.hinted("room", says="without the filter")
        with open(config, "a", encoding="utf-8") as file:
            file.write("album = Nowhere\n")
        found = self.checks(status=2)
        self.assertEqual(found["filter"][:2], ("bad", 2))
        self.assertIn("Nowhere", found["filter"][2])

    def test_apple_has_asked_to_wait(self):  # B099
        self.sim.change("add", count=1)
        self.sim.fault("records_lookup", "status", status=503,
                       retry_after=3600, times=-1)
        self.status_is(self.copy.sync(), 4)
        self.sim.reset_counters()
        found = self.bad("sign-in", 4, says="wait")
        self.assertNotIn("network", found)
        self.assertEqual(self.requests(), 0)

    def test_transfers_were_left_unfinished(self):
        folder = os.path.join(self.copy.root, ".icloud-pull",
                              "partial.noindex")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "aa-9"), "wb") as file:
            file.write(b"x" * 3000)
        found = self.checks()
        self.assertEqual(found["partial"][0], "good")
        self.assertIn("1 file, 3.0 kB", found["partial"][2])

    def test_the_catalogue_is_damaged(self):
        path, = glob.glob(os.path.join(self.copy.state, "*",
                                       "catalogue.sqlite"))
        catalogue = sqlite3.connect(path)
        catalogue.execute("pragma wal_checkpoint(truncate)")
        page, = catalogue.execute(
            "select rootpage from sqlite_master where name = 'relation_album'"
        ).fetchone()
        size, = catalogue.execute("pragma page_size").fetchone()
        catalogue.close()
        with open(path, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        self.bad("catalogue", 5, says="is damaged")

    def test_the_last_success(self):
        hours_pass(self.copy, 8 * 24)
        self.hinted("last-success", says="8 d ago")
        hours_pass(self.copy, -16 * 24)
        self.hinted("last-success", says="clock")
        rows(self.copy, "update run set exit_status = 1")
        self.hinted("last-success", says="No run was complete yet")

    def test_the_configuration(self):
        path = os.path.join(self.copy.home, ".config/icloud-pull/config")
        os.chmod(path, 0o666)
        self.hinted("configuration", says="Others can write")
        os.chmod(path, 0o644)
        other = os.path.join(self.copy.home, "other")
        shutil.move(path, other)
        self.hinted("configuration", "--config", other, says="by hand")
        with open(path, "w", encoding="utf-8") as file:
            file.write("frobnicate = 1\n")
        self.hinted("configuration", "--config", other, says="frobnicate")
        result = self.copy.run("doctor")
        self.status_is(result, 2)
        self.assertIn("%s:1" % path, result.err)

    def test_commands_are_looked_at_and_not_run(self):
        trace = os.path.join(self.copy.home, "trace")
        touch = "touch '%s'" % trace
        for option, check in (("--password-command", "password"),
                              ("--notify-command", "notify-command")):
            self.assertEqual(self.checks(option, touch)[check][0], "good")
            self.hinted(check, option, "frobnicate -x; " + touch,
                        says="not found")
            self.hinted(check, option, "(", says="not understand")
            found = self.checks(option, "X=1 " + touch)
            self.assertEqual(found[check][0], "good")
        bin_dir = os.path.join(self.copy.home, "bin")
        os.mkdir(bin_dir)
        with open(os.path.join(bin_dir, "mine"), "w",
                  encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + touch)
        os.chmod(os.path.join(bin_dir, "mine"), 0o755)
        self.hinted("notify-command", "--notify-command", "mine",
                    says="whole path", env={
                        "PATH": bin_dir + ":" + self.copy.env["PATH"]})
        self.assertFalse(os.path.exists(trace))

    def fake(self, name, script):
        bin_dir = os.path.join(self.copy.home, "fake")
        os.makedirs(bin_dir, exist_ok=True)
        path = os.path.join(bin_dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return {"PATH": bin_dir + ":" + self.copy.env["PATH"]}

    def test_the_timer(self):
        env = self.fake("systemctl", 'test "$*" = "--user is-enabled '
                        'icloud-pull.timer" && echo enabled\n')
        env = self.fake("loginctl", 'test "$1" = show-user && '
                        'echo Linger=yes\n')
        found = self.checks(env=env)
        self.assertEqual(found["timer"][0], "good")
        self.assertEqual(found["lingering"][0], "good")
        self.fake("loginctl", "echo Linger=no\n")
        self.hinted("lingering", says="loginctl enable-linger", env=env)
        for said in ("disabled", "not-found", "Failed to get unit file state "
                     "for icloud-pull.timer: No such file or directory"):
            self.fake("systemctl", "echo '%s'; exit 1\n" % said)
            self.hinted("timer", says="systemctl --user enable --now "
                        "icloud-pull.timer", env=env)
        self.fake("systemctl", "echo 'no bus' >&2; exit 1\n")
        self.hinted("timer", says="no bus", env=env)
        for name in ("systemctl", "loginctl"):
            os.unlink(os.path.join(self.copy.home, "fake", name))
        env["PATH"] = os.path.join(self.copy.home, "fake")
        self.hinted("timer", says="no systemd", env=env)
        self.assertNotIn("lingering", self.checks(env=env))

    def test_ctrl_c_ends_it(self):
        env = dict(self.copy.env, **self.fake(
            "systemctl", "touch \"$HOME/asked\"; exec sleep 60\n"))
        process = self.copy.start("doctor", env=env)
        asked = os.path.join(self.copy.home, "asked")
        wait_for(lambda: os.path.exists(asked) or None, process)
        began = time.monotonic()
        result = stop(process)
        self.assertLess(time.monotonic() - began, SOON_S)
        self.status_is(result, 130)


class Units(unittest.TestCase):
    """docs/packaging: what starts it every night."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="units-")
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        subprocess.run(["make", "-s", "O=" + cls.dir, "PREFIX=" + cls.dir,
                        "units"], cwd=TOP, env=env, check=True)
        cls.units = os.path.join(cls.dir, "units")
        os.mkdir(os.path.join(cls.dir, "bin"))
        cls.program = os.path.join(cls.dir, "bin", "icloud-pull")
        shutil.copy(os.path.join(BUILD, "icloud-pull"), cls.program)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    @unittest.skipUnless(shutil.which("systemd-analyze"),
                         "systemd-analyze is absent")
    def test_systemd_takes_them(self):
        run_dir = os.path.join(self.dir, "run")
        os.mkdir(run_dir, 0o700)
        done = subprocess.run(
            ["systemd-analyze", "--user", "--man=no", "verify",
             os.path.join(self.units, "icloud-pull.service"),
             os.path.join(self.units, "icloud-pull.timer")],
            env=dict(os.environ, HOME=self.dir, XDG_RUNTIME_DIR=run_dir),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, ""))

    def read(self, name):
        """Section -> name -> value, comments apart."""
        found, section = {}, None
        with open(os.path.join(self.units, name), encoding="utf-8") as file:
            for line in file.read().splitlines():
                if line.startswith("["):
                    section = found.setdefault(line[1:-1], {})
                elif line and not line.startswith("#"):
                    key, _, value = line.partition("=")
                    self.assertNotIn(key, section)
                    section[key] = value
        return found

    def test_they_say_what_they_should(self):
        service = self.read("icloud-pull.service")["Service"]
        self.assertEqual(service["Type"], "oneshot")
        self.assertEqual(service["ExecStart"],
                         self.program + " sync --scheduled")
        self.assertNotIn("SuccessExitStatus", service)
        timer = self.read("icloud-pull.timer")
        self.assertEqual(timer["Timer"]["OnCalendar"], "*-*-* 03:10:00")
        self.assertEqual(timer["Timer"]["Persistent"], "true")
        self.assertEqual(timer["Install"]["WantedBy"], "timers.target")

    def test_launchd(self):
        path = os.path.join(self.units, "org.icloud-pull.nightly.plist")
        with open(path, "rb") as file:
            plist = plistlib.load(file)
        self.assertEqual(plist["Label"] + ".plist", os.path.basename(path))
        self.assertEqual(plist["ProgramArguments"],
                         [self.program, "sync", "--scheduled"])
        self.assertEqual(plist["StartCalendarInterval"],
                         {"Hour": 3, "Minute": 10})
        self.assertIs(plist["RunAtLoad"], True)
        self.assertEqual(plist["ProcessType"], "Standard")
        self.assertGreater(plist["ExitTimeOut"], SOON_S)
        for name in ("StandardOutPath", "StandardErrorPath"):
            self.assertEqual(plist[name],
                             "@HOME@/Library/Logs/icloud-pull.log")


if __name__ == "__main__":
    main()
