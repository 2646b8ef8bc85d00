"""A sign-in that keeps working: codes, accounts that want something of their
owner, Apple's moods, and sessions that end while something is under way.

What test_login.py and test_edges.py hold is not held here once more."""

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import time

from harness import (ACCOUNT, PASSWORD, PATIENCE_S, Case, Copy, Result, Sim,
                     compare, main, newer, shimmed, stop, wait_for)
from terminal import Terminal

COMMAND = "echo '%s'" % PASSWORD
MINUTE, HOUR = 60, 3600


class SignIn(Case):
    assets = 3

    def log(self, name=None):
        log = [json.loads(line) for line in
               self.sim.control("/requests").decode().splitlines()]
        return [r for r in log if name in (None, r["name"])]

    def paths(self, end):
        return [r for r in self.log() if r["path"].endswith(end)]

    def by(self):
        return self.sim.counters()["by"]

    def lines(self, *lines, words=(), copy=None, env=None):
        return (copy or self.copy).run(
            "login", "--stdin", *words, env=env,
            stdin="".join(line + "\n" for line in lines).encode())

    def login(self, *words, copy=None, account=ACCOUNT, code=None, env=None):
        """A script that waits for the code before it hands it in."""
        copy, sim = copy or self.copy, (copy or self.copy).sim
        old = sim.code()
        process = subprocess.Popen(
            copy.argv("--root", copy.root, "--account", account, "login",
                      "--stdin", *words),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(copy.env, **(env or {})),
            cwd=copy.home)
        process.stdin.write((PASSWORD + "\n").encode())
        process.stdin.flush()
        if code is None:
            code = wait_for(lambda: newer(sim.code(), old), process)
        out, err = process.communicate(
            (code + "\n").encode() if code else b"", timeout=PATIENCE_S)
        return Result(subprocess.CompletedProcess(
            [], process.returncode, out, err))

    def needs(self, result, reason, *words):
        """Status 3 with this reason, and a next step."""
        self.status_is(result, 3)
        event = result.event("error")
        self.assertEqual(event["reason"], reason, str(result))
        self.assertNotEqual(event["next"], "", str(result))
        for word in words:
            self.assertIn(word, event["text"] + " " + event["next"])

    def session_path(self, copy=None, name="session", account=ACCOUNT):
        return os.path.join((copy or self.copy).state, "accounts", account,
                            name)

    def session(self, **more):
        with open(self.session_path(**more), encoding="utf-8") as file:
            return json.load(file)

    def works(self, copy=None, *words):
        """The session is good for a whole copy, without another proof."""
        copy = copy or self.copy
        before = copy.sim.counters()["srp_sign_ins"]
        self.status_is(copy.sync(*words), 0)
        self.assertEqual(copy.sim.counters()["srp_sign_ins"], before)
        compare(self, copy)


class Codes(SignIn):
    """The second factor: however it comes and whatever is said of it."""

    def test_by_a_call_or_a_message_to_a_number_of_choice(self):
        for words, number, mode in ((("--voice",), "3", "voice"),
                                    (("--voice=2",), "7", "voice"),
                                    (("--sms=2",), "7", "sms")):
            with self.subTest(words=words):
                copy = Copy(self.sim)
                self.addCleanup(copy.close)
                self.sim.reset_counters()
                result = self.login(*words, copy=copy)
                self.status_is(result, 0)
                # The simulator takes a code only by the way it was asked for.
                by = self.by()
                self.assertEqual(by["code_request_phone"], 1)
                self.assertEqual(by["code_submit_phone"], 1)
                self.assertEqual(by["code_request_device"], 0)
                self.assertIn("calls" if mode == "voice" else "was sent",
                              result.err)
                self.assertIn("42" if number == "3" else "17", result.err)
        self.no_violations()

    def test_a_number_that_there_is_not(self):
        result = self.lines(ACCOUNT, PASSWORD, words=("--sms=3", "--json"))
        self.needs(result, "code", "3")
        self.assertEqual(self.sim.counters()["code_requests"], 0)

    def test_wherever_the_numbers_stand(self):
        for place in ("bridge", "twosv", "phone", "top", "single"):
            with self.subTest(place=place):
                self.sim.change("account_set", boot_args=place)
                copy = Copy(self.sim)
                self.addCleanup(copy.close)
                self.status_is(self.login("--sms", copy=copy), 0)
        self.no_violations()

    def test_leading_zeros(self):
        self.sim.change("account_set", code="000120")
        self.status_is(self.login(), 0)
        self.works()

    def test_however_a_right_code_is_answered(self):
        # 409 means success since 2026, with a token or without.
        for answer in ("409", "409-no-token", "204", "200", "412"):
            with self.subTest(answer=answer):
                self.sim.change("account_set", code_answer=answer)
                copy = Copy(self.sim)
                self.addCleanup(copy.close)
                self.sim.reset_counters()
                self.status_is(self.login(copy=copy), 0)
                self.assertEqual(len(self.paths("/repair/complete")),
                                 answer == "412")
                self.works(copy)
                # And this browser is trusted from now on.
                self.status_is(self.lines(PASSWORD, copy=copy), 0)
                self.assertEqual(self.sim.counters()["code_requests"], 1)
        self.no_violations()

    def test_hidden_status(self):
        self.sim.change("account_set", rscd=True)
        self.needs(self.lines(ACCOUNT, "wrong", words=("--json",)),
                   "password")
        result = self.login(code="000000", *("--json",))
        self.needs(result, "code", "did not accept")
        self.status_is(self.login(), 0)
        self.works()
        self.no_violations()

    def test_too_many_codes_and_a_pause(self):
        self.sim.change("account_set", codes_left=0)
        result = self.lines(ACCOUNT, PASSWORD)
        self.status_is(result, 3)
        self.assertIn("too many codes", result.err)
        self.assertIn("last code you received", result.err)
        self.sim.change("account_set", codes_left=5, cooldown=True)
        result = self.lines(ACCOUNT, PASSWORD)
        self.status_is(result, 3)
        self.assertIn("a pause", result.err)
        self.assertIn("minute", result.err)
        # A code that was made by hand is handed in all the same.
        self.sim.change("account_set", cooldown=False, sms_refused=True)
        result = self.login("--sms", code="123456")
        self.assertIn("Get Verification Code", result.err)

    def test_without_devices_a_number_gets_it(self):  # B095
        self.sim.change("account_set", devices=False)
        self.status_is(self.login(), 0)
        by = self.by()
        self.assertEqual(by["code_request_phone"], 1)
        self.assertEqual(by["code_request_device"], 0)
        self.no_violations()

    def test_a_person_chooses_and_mistypes(self):
        person = Terminal(self.copy, "login")
        person.answer("Apple Account", ACCOUNT)
        person.answer("Password: ", PASSWORD)
        person.expect("shown on your trusted devices")
        # The bullets of masked numbers come through.
        person.expect('"sms 2"')
        person.answer("Code: ", "12345")
        person.expect("no code. Type the six digits")
        person.answer("Code: ", "smash")
        person.expect("no code.")
        person.answer("Code: ", "sms 9")
        person.expect("no trusted number 9")
        person.answer("Code: ", "000001")
        person.expect("did not accept the code")
        person.expect("Code: ")
        old = self.sim.code()
        person.type("call 2")
        person.expect("says a code")
        code = wait_for(lambda: newer(self.sim.code(), old), person.process)
        person.answer("Code: ", " %s-%s " % (code[:3], code[3:]))
        person.answer("Where shall the copy lie", self.copy.root)
        result = person.end()
        self.status_is(result, 0)
        self.assertNotIn(PASSWORD, result.err + result.out)
        by = self.by()
        self.assertEqual(by["code_request_device"], 1)
        self.assertEqual(by["code_request_phone"], 1)
        self.assertEqual(by["code_submit_device"], 1)
        self.assertEqual(by["code_submit_phone"], 1)
        self.assertEqual(self.sim.counters()["mails"], 1)
        self.status_is(self.copy.run(), 0)
        self.no_violations()

    def test_three_wrong_codes_are_the_end(self):
        person = Terminal(self.copy, "--account", ACCOUNT, "--json", "login")
        person.answer("Password: ", PASSWORD)
        for _ in range(3):
            person.answer("Code: ", "000001")
        self.needs(person.end(), "code", "3 times")
        # Nothing waits for a code any more.
        self.needs(self.lines(PASSWORD, "000001",
                              words=("--code", "--json", "--account",
                                     ACCOUNT)), "code", "waits")
        self.assertEqual(self.by()["code_submit_device"], 3)
        # And Apple has locked codes: said, with what to do.
        result = self.lines(PASSWORD, words=("--account", ACCOUNT))
        self.status_is(result, 3)
        self.assertIn("24 hours", result.err)


class SecondProcess(SignIn):
    """login --code: the code that was asked for, and no other."""

    NAMED = ("--account", ACCOUNT)

    def begin(self):
        result = self.copy.run("login", *self.NAMED, "--json",
                               "--password-command", COMMAND)
        self.needs(result, "code")
        return result

    def finish(self, code, *words):
        return self.lines(PASSWORD, code,
                          words=(*self.NAMED, "--code", "--json", *words))

    def test_a_wrong_code_costs_no_new_sign_in(self):
        self.begin()
        code = self.sim.code()
        result = self.finish("000001")
        self.needs(result, "code", "login --code")
        # What is saved need not be typed.
        result = self.copy.run("login", *self.NAMED, "--code", "--stdin",
                               "--password-command", COMMAND,
                               stdin=(code + "\n").encode())
        self.status_is(result, 0)
        counters = self.sim.counters()
        self.assertEqual(counters["srp_sign_ins"], 1)
        self.assertEqual(counters["code_requests"], 1)
        self.assertFalse(os.path.exists(self.session_path(name="pending")))
        self.works()
        self.no_violations()

    def test_no_answer_loses_it_neither(self):
        self.begin()
        self.sim.fault("code_submit_device", "status", status=503)
        self.status_is(self.finish(self.sim.code()), 4)
        self.status_is(self.finish(self.sim.code()), 0)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 1)

    def test_never_mixed_up_with_another_one(self):
        self.begin()
        first = self.sim.code()
        # A second one by a script, which is a person: it asks anew, and only
        # its own code counts from then on.
        self.status_is(self.lines(PASSWORD, words=self.NAMED), 3)
        second = self.sim.code()
        self.assertNotEqual(first, second)
        self.needs(self.finish(first), "code")
        self.needs(self.lines(PASSWORD, second, words=(
            "--account", "somebody.else@example.com", "--code", "--json")),
            "code", "somebody.else")
        self.status_is(self.finish(second), 0)
        self.assertEqual(self.sim.counters()["code_requests"], 2)
        self.works()
        self.no_violations()

    def test_it_waits_for_ten_minutes(self):
        self.begin()
        path = self.session_path(name="pending")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        old = time.time() - 11 * MINUTE
        os.utime(path, (old, old))
        self.sim.reset_counters()
        self.needs(self.finish(self.sim.code()), "code", "waits")
        self.assertEqual(self.sim.counters()["requests"], 0)
        self.assertFalse(os.path.exists(path))

    def test_started_again_and_again_by_a_supervisor(self):  # B093
        self.begin()
        for _ in range(20):
            self.begin()
        counters = self.sim.counters()
        self.assertEqual(counters["code_requests"], 1)
        self.assertEqual(counters["srp_sign_ins"], 1)
        self.status_is(self.finish(self.sim.code()), 0)
        self.no_violations()

    def test_the_host_of_china_stays(self):
        result = self.copy.run(
            "login", *self.NAMED, "--idmsa-host", "idmsa.apple.com.cn",
            "--password-command", COMMAND)
        self.status_is(result, 3)
        self.status_is(self.finish(self.sim.code()), 0)
        hosts = {r["host"] for r in self.log() if "idmsa" in r["host"]}
        self.assertEqual(hosts, {"idmsa.apple.com.cn"})
        self.no_violations()


class Owner(SignIn):
    """What only the owner of the account can do is named, with the place."""

    def signing_in(self, reason, *words, **settings):
        self.sim.change("account_set", **settings)
        self.needs(self.login("--json"), reason, *words)

    def nightly(self, reason, *words):
        result = self.copy.sync("--json")
        self.needs(result, reason, *words)
        self.assertEqual(result.event("verdict")["reason"], reason)

    def test_new_terms(self):
        self.signing_in("terms", "icloud.com", "terms", terms=True)
        # The code was not for nothing: this browser is trusted.
        self.assertTrue(self.session().get("trust_token"))
        self.needs(self.copy.sync("--json"), "password")
        self.sim.change("account_set", terms=False)
        self.status_is(self.lines(PASSWORD, words=("--account", ACCOUNT)), 0)
        self.assertEqual(self.sim.counters()["code_requests"], 1)
        self.works()
        self.sim.change("account_set", terms=True)
        self.nightly("terms", "icloud.com", "terms")
        self.sim.change("account_set", terms=False)
        self.works()
        # Nobody accepted them but the owner.
        self.assertEqual(self.paths("getTerms") + self.paths("repairDone"),
                         [])
        self.no_violations()

    def test_something_at_icloud_com(self):
        self.signed_in()
        self.sim.change("account_set", repair=True)
        self.nightly("terms", "icloud.com")
        # A code that was typed for it is not lost with it.
        before = self.session()
        self.sim.change("account_expire_trust")
        self.needs(self.login("--json"), "terms", "icloud.com")
        after = self.session()
        self.assertNotEqual(after["trust_token"], before["trust_token"])
        self.assertEqual(after["session_token"], before["session_token"])
        self.sim.change("account_set", repair=False)
        self.status_is(self.lines(PASSWORD), 0)
        self.assertEqual(self.sim.counters()["code_requests"], 2)
        self.works()
        self.no_violations()

    def test_an_account_without_a_second_factor(self):
        self.sim.change("account_set", two_factor=False)
        self.status_is(self.login(), 0)
        self.assertEqual(len(self.paths("/repair/complete")), 1)
        self.assertEqual(self.sim.counters()["code_requests"], 0)
        self.works()
        self.no_violations()

    def test_a_page_that_waits(self):
        self.signing_in("terms", "icloud.com", interstitial=True)
        self.assertEqual(len(self.paths("/repair/complete")), 1)
        self.no_violations()

    def test_security_keys(self):  # B097
        self.signing_in("security-key", "Blue key", "Spare key",
                        "Security Keys", security_keys=True)
        counters = self.sim.counters()
        self.assertEqual(counters["code_requests"], 0)
        self.assertEqual(counters["srp_sign_ins"], 1)
        self.no_violations()

    def test_security_keys_that_came_later(self):
        self.signed_in()
        self.sim.change("account_set", security_keys=True)
        self.sim.reset_counters()
        self.nightly("password", "no auth method found", "Security Keys")
        # A recovery was tried, and not for ever.
        self.assertLess(self.sim.counters()["requests"], 12)
        self.sim.change("account_set", security_keys=False)
        self.sim.fault("changes_database", "status", status=403, body="",
                       times=-1)
        self.nightly("password", "403", "Security Keys")
        self.sim.clear_faults()
        self.works()

    def test_no_photos_there(self):
        self.signing_in("terms", "never set up", "icloud.com/photos",
                        photos=False)

    def test_web_access_off(self):  # B098
        self.signing_in("web-access", "Access iCloud Data on the Web",
                        web_access=False)
        self.sim.change("account_set", web_access=True)
        self.status_is(self.lines(PASSWORD, words=("--account", ACCOUNT)), 0)
        self.works()
        self.sim.change("account_set", web_access=False)
        self.sim.reset_counters()
        result = self.copy.sync("--json", "--password-command", COMMAND)
        self.needs(result, "web-access", "Access iCloud Data on the Web")
        # Neither the password's doing nor a device's.
        self.assertLessEqual(self.sim.counters()["srp_sign_ins"], 1)
        self.assertEqual(self.sim.counters()["code_requests"], 0)

    def test_refused_with_and_without_protection(self):  # B098
        body = json.dumps({"serverErrorCode": "ACCESS_DENIED", "reason":
                           "private db access disabled for this account"})
        self.signed_in()
        self.sim.fault("changes_database", "status", status=403, body=body,
                       times=-1)
        self.sim.reset_counters()
        self.nightly("web-access", "Access iCloud Data on the Web")
        self.assertLessEqual(self.by()["changes_database"], 2)
        self.sim.change("account_set", adp=True)
        self.nightly("adp", "Advanced Data Protection")
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)

    def test_inactive_and_in_recovery(self):
        self.signing_in("locked", "not active", inactive=True)
        self.sim.change("account_set", inactive=False)
        self.signing_in("locked", "recover", "iforgot.apple.com",
                        recovery=True)
        self.assertEqual(self.sim.counters()["code_requests"], 0)

    def test_the_old_two_steps(self):
        self.signing_in("code", "two-step", "two-factor", two_step=True)
        self.assertEqual(self.sim.counters()["code_requests"], 0)
        self.no_violations()


class Protection(SignIn):
    """Advanced Data Protection: a tap on a device, for an hour."""

    def setUp(self):
        super().setUp()
        self.sim.change("account_set", adp=True)

    def tap(self, person):
        """It is asked for, and comes a little later."""
        person.expect("Tap Allow on one of your devices")
        self.sim.change("account_consent", given=True)

    def at_the_terminal(self, *words):
        return Terminal(self.copy, *words)

    def test_with_nobody_there(self):
        result = self.login("--json")
        self.needs(result, "adp", "about an hour", "terminal")
        self.assertIn("signed-in", [e["event"] for e in result.events()])
        # A nightly run says the same and has no device asked.
        self.sim.change("account_run", unattended=True)
        for words in ((), ("--scheduled",),
                      ("--password-command", COMMAND)):
            result = self.copy.sync("--json", *words)
            self.needs(result, "adp", "about an hour")
        self.assertEqual(self.by()["enable_consent"], 0)
        self.assertEqual(self.by()["request_pcs"], 0)
        self.assertEqual(self.sim.counters()["mails"], 1)
        # But what a device has allowed elsewhere is taken.
        self.sim.change("account_consent", given=True)
        self.works()
        self.no_violations()

    def test_the_tap(self):
        person = self.at_the_terminal("--account", ACCOUNT, "login")
        person.answer("Password: ", PASSWORD)
        person.expect("shown on your trusted devices")
        person.expect("Code: ")
        person.type(self.sim.code())
        person.answer("Where shall the copy lie", self.copy.root)
        person.expect("a nightly run needs one each time")
        self.tap(person)
        result = person.end()
        self.status_is(result, 0)
        self.assertIn("seconds left", result.err) # it waited visibly
        by = self.by()
        self.assertEqual(by["enable_consent"], 1)
        self.assertEqual(by["request_pcs"], 1)
        # Within the hour nobody need be there.
        self.sim.change("account_run", unattended=True)
        self.works()
        self.no_violations()

    def test_it_ends_in_mid_run(self):
        self.sim.change("account_consent", given=True)
        self.status_is(self.login(), 0)
        self.sim.fault("changes_zone", "delay", ms=800)
        self.sim.reset_counters()
        person = self.at_the_terminal("sync", "--root", self.copy.root)
        wait_for(lambda: self.by()["changes_database"] or None,
                 person.process)
        self.sim.advance(2 * HOUR)
        person.expect("closed again")
        self.tap(person)
        self.status_is(person.end(), 0)
        compare(self, self.copy)
        self.assertEqual(self.by()["enable_consent"], 1)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)
        # With nobody there it is the end, and honest.
        self.sim.change("add", count=2)
        self.sim.change("account_run", unattended=True)
        self.sim.advance(2 * HOUR)
        self.needs(self.copy.sync("--json"), "adp", "about an hour")
        self.assertEqual(self.by()["enable_consent"], 1)
        self.no_violations()

    def test_a_device_cannot_be_asked(self):
        self.sim.change("account_set", arming=True)
        self.sim.change("account_consent", given=True)
        self.needs(self.login("--json"), "adp")
        self.needs(self.copy.sync("--json"), "adp", "many sign-ins")
        # The sign-in itself was kept.
        self.sim.change("account_set", arming=False)
        self.works()

    def test_ctrl_c_while_waiting(self):
        self.needs(self.login("--json"), "adp")
        person = self.at_the_terminal("sync", "--root", self.copy.root)
        person.expect("Tap Allow")
        began = time.monotonic()
        person.process.send_signal(signal.SIGINT)
        self.status_is(person.end(), 130)
        self.assertLess(time.monotonic() - began, 2)

    def test_a_login_meanwhile(self):  # B102
        self.needs(self.login("--json"), "adp")
        person = self.at_the_terminal("sync", "--root", self.copy.root)
        person.expect("Tap Allow")
        # The lock is not held while a person is waited for.
        began = time.monotonic()
        self.needs(self.lines(PASSWORD, words=("--json",)), "adp")
        self.assertLess(time.monotonic() - began, 5)
        person.process.send_signal(signal.SIGINT)
        self.status_is(person.end(), 130)


class China(SignIn):
    """Accounts of mainland China [region]."""

    def test_sent_to_the_other_region(self):  # B101
        for status in (302, 200):
            with self.subTest(status=status):
                self.sim.change("account_set", country="CHN",
                                domain_status=status)
                copy = Copy(self.sim)
                self.addCleanup(copy.close)
                self.sim.reset_counters()
                self.status_is(self.login(copy=copy), 0)
                self.assertEqual([r["host"] for r in
                                  self.log("account_login")],
                                 ["setup.icloud.com", "setup.icloud.com.cn"])
                self.works(copy)
                self.sim.reset_counters()
                self.status_is(self.lines(PASSWORD, copy=copy), 0)
                self.assertEqual([r["host"] for r in
                                  self.log("account_login")],
                                 ["setup.icloud.com.cn"])
                self.assertEqual({r["host"] for r in self.log()
                                  if "idmsa" in r["host"]},
                                 {"idmsa.apple.com"})
        self.no_violations()

    def test_a_host_that_is_away(self):  # B101
        self.sim.change("account_set", country="CHN")
        self.status_is(self.login(), 0)
        # No answer, as often as is tried: the other host, once.
        self.sim.fault("authorize", "reset", times=3)
        self.sim.reset_counters()
        self.status_is(self.lines(PASSWORD), 0)
        self.assertEqual([r["host"] for r in self.log("authorize")],
                         3 * ["idmsa.apple.com"] + ["idmsa.apple.com.cn"])
        self.assertEqual({r["host"] for r in self.log("signin_complete")},
                         {"idmsa.apple.com.cn"})
        self.works()
        self.no_violations()

    def test_a_host_that_refuses(self):  # B101, B111
        self.sim.change("account_set", country="CHN")
        self.status_is(self.login(), 0)
        self.sim.fault("authorize", "status", status=503)
        self.sim.reset_counters()
        self.status_is(self.lines(PASSWORD), 4)
        self.assertEqual([r["host"] for r in self.log()], ["idmsa.apple.com"])


class Refused(SignIn):
    """Apple's waits, kept over runs (B099, B111); the clock is the shim's."""

    ahead = 0

    def pass_time(self, seconds):
        self.ahead += seconds
        self.sim.advance(seconds)

    def clock(self):
        return shimmed(SHIM_CLOCK=self.ahead)

    def night(self, *words):
        self.sim.change("account_run", unattended=True)
        self.sim.reset_counters()
        return self.copy.sync("--json", *words, env=self.clock())

    def waits(self, result, seconds):
        """Told to wait so long; what is added is the clock's own time."""
        self.status_is(result, 4)
        event = result.event("error")
        self.assertEqual(event["reason"], "throttled", str(result))
        self.assertIn("not_before", event)
        self.assertLessEqual(event["wait_ms"], seconds * 1000)
        self.assertGreater(event["wait_ms"], (seconds - 20) * 1000)

    def silent(self):
        self.assertEqual(self.sim.counters()["requests"], 0)

    def ended(self):
        """A session that only a proof brings back, with a saved password."""
        self.signed_in()
        self.sim.change("account_expire_tokens")
        return ("--password-command", COMMAND)

    def test_hashcash_is_demanded(self):
        self.sim.change("account_set", hashcash=11)
        result = self.lines(ACCOUNT, PASSWORD, words=("--json",))
        self.status_is(result, 4)
        self.assertIn("proof of work", result.event("error")["next"])
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 1)
        self.status_is(self.login(), 0)
        # It is brought from now on, unasked.
        self.sim.change("account_set", hashcash=12)
        self.status_is(self.lines(PASSWORD, words=("--json",)), 0)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 3)
        self.works()
        self.no_violations()

    def test_a_stated_wait(self):
        words = self.ended()
        self.sim.change("account_throttle", host="idmsa", seconds=1200)
        self.waits(self.night(*words), 1200)
        for left in (1200, 600, 30):
            self.pass_time(1200 - left - self.ahead)
            self.waits(self.night(*words), left)
            # The setup host says that the session has ended; idmsa is let be.
            self.assertEqual([r for r in self.log() if "idmsa" in r["host"]],
                             [])
        self.pass_time(30)
        self.status_is(self.night(*words), 0)
        self.no_violations()

    def test_half_an_hour_doubled_up_to_six(self):
        words = self.ended()
        self.sim.fault("signin_init", "status", status=503, times=-1)
        for minutes in (30, 60, 120, 240, 360, 360):
            self.waits(self.night(*words), minutes * MINUTE)
            self.assertEqual(self.by()["signin_init"], 1)
            self.pass_time((minutes - 1) * MINUTE)
            self.waits(self.night(*words), MINUTE)
            self.assertEqual(self.by()["signin_init"], 0)
            self.pass_time(MINUTE)
        # A person waits for the first value only.
        self.waits(self.night(*words), 6 * HOUR)
        self.pass_time(30 * MINUTE)
        self.sim.clear_faults()
        self.status_is(self.lines(PASSWORD, env=self.clock()), 0)
        # And with that all is forgotten.
        self.status_is(self.night(*words), 0)

    def test_refused_without_a_reason(self):
        words = self.ended()
        self.sim.fault("signin_complete", "status", status=403, body="{}",
                       content_type="application/json")
        self.waits(self.night(*words), 30 * MINUTE)
        self.waits(self.night(*words), 30 * MINUTE)
        self.assertEqual(self.by()["signin_init"], 0)
        self.pass_time(30 * MINUTE)
        self.status_is(self.night(*words), 0)
        self.no_violations()

    def test_one_proof_a_run_and_a_quarter_of_an_hour(self):
        words = self.ended()
        self.status_is(self.night(*words), 0)
        self.sim.change("account_expire_tokens")
        self.waits(self.night(*words), 15 * MINUTE)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)
        self.pass_time(15 * MINUTE)
        self.status_is(self.night(*words), 0)
        # Ended again in the middle, there is no second one in that run.
        self.pass_time(HOUR)
        self.sim.change("account_expire_tokens")
        self.sim.fault("changes_zone", "delay", ms=800)
        self.sim.change("add", count=1)
        self.sim.change("account_run", unattended=True)
        self.sim.reset_counters()
        process = self.copy.start("sync", "--root", self.copy.root, "--json",
                                  *words, env=self.clock())
        wait_for(lambda: self.by()["changes_database"] or None, process)
        self.sim.change("account_expire_tokens")
        self.waits(stop(process, signal.SIGCONT), 15 * MINUTE)
        self.no_violations()

    def test_a_failed_one_of_a_person_counts(self):
        words = self.ended()
        self.status_is(self.lines("wrong", env=self.clock()), 3)
        self.waits(self.night(*words), 15 * MINUTE)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)

    def test_the_setup_host(self):
        self.signed_in()
        self.sim.change("account_throttle", host="setup", seconds=900)
        self.waits(self.night(), 900)
        self.pass_time(600)
        self.waits(self.night("--password-command", COMMAND), 300)
        self.silent()
        result = self.lines(PASSWORD, words=("--json",), env=self.clock())
        self.waits(result, 300)
        self.silent()
        self.pass_time(300)
        self.status_is(self.night(), 0)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)
        self.no_violations()

    def test_the_database(self):
        self.signed_in()
        self.sim.change("account_throttle", host="cloudkit", seconds=900)
        self.waits(self.night(), 900)
        self.pass_time(600)
        self.waits(self.night(), 300)
        self.silent()
        self.pass_time(300)
        self.status_is(self.night(), 0)
        compare(self, self.copy)
        self.no_violations()

    def test_throttled_after_the_code(self):
        self.sim.fault("account_login", "status", status=503,
                       retry_after=300)
        self.waits(self.login("--json"), 300)
        self.sim.reset_counters()
        self.waits(self.lines(PASSWORD, words=("--json", "--account",
                                               ACCOUNT)), 300)
        self.silent()
        # The code was not for nothing.
        self.pass_time(300)
        self.status_is(self.lines(PASSWORD, words=("--account", ACCOUNT),
                                  env=self.clock()), 0)
        self.assertEqual(self.sim.counters()["code_requests"], 0)
        self.no_violations()

    def test_a_hundred_starts(self):  # B093
        words = self.ended()
        self.sim.change("account_expire_trust")
        self.sim.change("account_run", unattended=True)
        self.sim.reset_counters()
        for _ in range(100):
            self.needs(self.copy.sync("--json", *words), "code")
        counters = self.sim.counters()
        self.assertEqual(counters["code_requests"], 0)
        self.assertEqual(counters["srp_sign_ins"], 1)
        self.assertEqual(counters["mails"], 1)
        self.no_violations()


class Recovery(SignIn):
    """The session ends while something is under way."""

    def stopped_at_the_list(self, *words):
        """A sync that is between the zones and their records."""
        self.sim.fault("changes_zone", "delay", ms=800)
        self.sim.reset_counters()
        process = self.copy.start("sync", "--root", self.copy.root, "--json",
                                  *words)
        wait_for(lambda: self.by()["changes_database"] or None, process)
        return process

    def goes_on(self, process):
        result = stop(process, signal.SIGCONT)
        self.status_is(result, 0)
        compare(self, self.copy)
        return result

    def test_the_trust_token_is_kept_and_sent(self):  # B092
        self.signed_in()
        before = self.session()
        self.sim.reset_counters()
        self.sim.change("account_run", unattended=True)
        process = self.stopped_at_the_list("--password-command", COMMAND)
        self.sim.change("account_expire_tokens")
        self.goes_on(process)
        counters = self.sim.counters()
        self.assertEqual(counters["srp_sign_ins"], 1)
        self.assertEqual(counters["code_requests"], 0)
        after = self.session()
        for name in ("trust_token", "client_id"):
            self.assertEqual(before[name], after[name])
        self.no_violations()

    def test_the_partition_moves(self):  # B110
        self.signed_in()
        process = self.stopped_at_the_list()
        self.sim.change("account_partition", partition=62)
        self.goes_on(process)
        self.assertEqual(self.log("records_lookup")[-1]["host"],
                         "p62-ckdatabasews.icloud.com")
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)
        self.assertIn("p62-", self.session()["ckdatabase_url"])
        self.no_violations()

    def test_in_mid_download_no_byte_is_lost(self):
        self.sim.change("add", kind="jpeg", size=2000, count=300)
        copy = self.signed_in()
        # The third batch of links is refused; what runs meanwhile goes on.
        self.sim.fault("records_lookup", "status", status=421, skip=2,
                       body='{"reason":"Missing X-APPLE-WEBAUTH-TOKEN cookie"'
                            ',"error":1}')
        self.sim.change("account_expire_session")
        self.sim.reset_counters()
        self.status_is(copy.sync(), 0)
        held, _ = compare(self, copy)
        self.assertEqual(self.sim.counters()["content_bytes"],
                         sum(size for _, size in held))
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)
        self.no_violations()

    def test_two_copies_of_one_account_at_once(self):
        # Each answer may bring a new cookie, and the old one ends: what one
        # run is given the other does not know.
        self.signed_in()
        roots = [os.path.join(self.copy.home, name) for name in ("one", "two")]
        for root in roots: # a first run sends many requests side by side
            self.status_is(self.copy.run("sync", "--root", root), 0)
        self.sim.change("account_set", rotate_every=3)
        self.sim.change("add", kind="jpeg", size=500, count=250)
        self.sim.reset_counters()
        runs = [self.copy.start("sync", "--root", root) for root in roots]
        for run, root in zip(runs, roots):
            self.status_is(stop(run, signal.SIGCONT), 0)
            self.copy.root = root
            compare(self, self.copy)
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)
        self.works()
        self.no_violations()

    def test_killed_with_newer_cookies_in_hand(self):
        self.sim.change("account_set", rotate_every=1)
        self.signed_in()
        for _ in range(3):
            process = self.stopped_at_the_list()
            process.send_signal(signal.SIGKILL)
            process.communicate()
        self.sim.clear_faults()
        self.works()
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 0)

    def test_cookies_outlive_the_program(self):
        self.signed_in()
        self.works()  # its requests go out side by side, later ones do not
        # A new one with each answer, and only the one before is good too.
        self.sim.change("account_set", rotate_every=1)
        self.sim.reset_counters()
        for _ in range(3):
            self.sim.change("add", count=2)
            self.works()
        by = self.by()
        self.assertEqual(by["validate"], 3)
        self.assertEqual(by["account_login"], 0)
        self.no_violations() # quotes, domains, the last of each


class SideBySide(SignIn):
    """Several accounts, several runs, one state directory."""

    def test_two_accounts(self):
        other = Sim("--account", "second@example.com", assets=4, seed=9)
        self.addCleanup(other.close)
        one, two = self.copy, Copy(other)
        self.addCleanup(two.close)
        two.home = one.home
        two.env = dict(two.env, HOME=one.home)
        two.root = os.path.join(one.home, "second")
        self.status_is(self.login(), 0)
        self.status_is(self.login(copy=two, account="second@example.com"), 0)
        name = ("--account", "second@example.com")
        self.status_is(one.sync("--account", ACCOUNT), 0)
        self.status_is(two.sync(*name), 0)
        compare(self, one)
        compare(self, two)
        sessions = [self.session(account=a) for a in (ACCOUNT, name[1])]
        for member in ("client_id", "session_token", "trust_token", "dsid",
                       "cookies"):
            self.assertNotEqual(sessions[0][member], sessions[1][member])
        # One leaves; the other does not notice.
        self.status_is(one.run("logout", "--account", ACCOUNT), 0)
        self.status_is(one.sync("--account", ACCOUNT), 3)
        self.status_is(two.sync(*name), 0)
        for sim in (self.sim, other):
            self.assertEqual(sim.counters()["violations"], [])

    def test_two_runs_on_one_copy(self):
        self.signed_in()
        self.status_is(self.copy.sync(), 0)
        self.sim.change("add", count=1)
        self.sim.fault("changes_zone", "delay", ms=1500)
        self.sim.reset_counters()
        first = self.copy.start("sync", "--root", self.copy.root)
        wait_for(lambda: self.by()["changes_database"] or None, first)
        result = self.copy.sync("--json")
        self.status_is(result, 5)
        self.assertEqual(result.event("error")["reason"], "busy")
        self.assertIn(str(first.pid), result.event("error")["text"])
        self.status_is(stop(first, signal.SIGCONT), 0)
        compare(self, self.copy)

    def test_a_sync_while_a_code_is_waited_for(self):  # B102
        self.signed_in()
        self.sim.change("account_expire_trust")
        old = self.sim.code()
        process = subprocess.Popen(
            self.copy.argv("login", "--stdin"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.copy.env, cwd=self.copy.home)
        process.stdin.write((PASSWORD + "\n").encode())
        process.stdin.flush()
        code = wait_for(lambda: newer(self.sim.code(), old), process)
        # With the session of before, and without touching the other.
        self.works()
        _, err = process.communicate((code + "\n").encode())
        self.assertEqual(process.returncode, 0, err)
        self.works()
        self.no_violations()

    def test_a_refused_login_while_a_sync_runs(self):
        self.signed_in()
        self.sim.fault("changes_zone", "delay", ms=1500)
        self.sim.reset_counters()
        process = self.copy.start("sync", "--root", self.copy.root)
        wait_for(lambda: self.by()["changes_database"] or None, process)
        self.sim.change("account_throttle", host="idmsa", seconds=600)
        self.status_is(self.lines(PASSWORD), 4)
        self.status_is(stop(process, signal.SIGCONT), 0)
        # What Apple has said is not forgotten when the cookies are kept.
        self.sim.reset_counters()
        self.status_is(self.lines(PASSWORD), 4)
        self.assertEqual(self.sim.counters()["requests"], 0)
        self.works()

    def test_a_session_file_is_whole_or_not_there(self):
        """Killed before each step by which the disk is changed."""
        count = os.path.join(self.copy.home, "count")
        self.status_is(self.login(), 0)
        self.status_is(self.lines(PASSWORD, env=shimmed(SHIM_COUNT=count)), 0)
        with open(count, encoding="ascii") as file:
            steps = int(file.read())
        self.assertGreater(steps, 3)
        folder = os.path.dirname(self.session_path())
        for step in range(1, steps + 1):
            before = self.session()
            self.lines(PASSWORD, env=shimmed(SHIM_KILL_AT=step))
            session = self.session()
            self.assertEqual(set(session) >= {"client_id", "trust_token",
                                              "cookies"}, True)
            self.assertEqual(session["client_id"], before["client_id"])
            for name in os.listdir(folder):
                mode = os.stat(os.path.join(folder, name)).st_mode
                self.assertEqual(stat.S_IMODE(mode) & 0o177, 0, name)
        self.works()
        self.assertLessEqual(set(os.listdir(folder)), {"session", "lock"})

    def test_modes_whatever_the_umask(self):
        result = self.login(copy=self.copy)
        self.status_is(result, 0)
        other = Copy(self.sim)
        self.addCleanup(other.close)
        done = other.run("login", "--account", ACCOUNT, "--password-command",
                         COMMAND, preexec_fn=lambda: os.umask(0))
        self.status_is(done, 3)
        for copy, name in ((self.copy, "session"), (other, "pending")):
            path = self.session_path(copy=copy, name=name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            self.assertEqual(stat.S_IMODE(os.stat(
                os.path.dirname(path)).st_mode), 0o700)


class Strict(SignIn):
    """What the simulated iCloud does not let pass; else a client that forgets
    a wait, a person or a cookie would not be noticed."""

    def ask(self, method, path, headers=(), host="idmsa.apple.com"):
        """As no browser does: without most of the headers."""
        context = ssl.create_default_context(cafile=self.sim.ca_file)
        raw = socket.create_connection(("127.0.0.1", self.sim.port))
        connection = http.client.HTTPSConnection(host, context=context)
        connection.sock = context.wrap_socket(raw, server_hostname=host)
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def violations(self):
        return "\n".join(self.sim.counters()["violations"])

    def test_a_wait_is_a_wait(self):
        self.sim.change("account_throttle", host="idmsa", seconds=100)
        for seconds in ("100", "200", "400"):
            answer = self.ask("GET", "/appleauth/auth/authorize/signin")
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.headers["Retry-After"], seconds)
        self.assertEqual(self.violations().count("before Retry-After"), 2)
        self.sim.advance(400)
        answer = self.ask("GET", "/appleauth/auth/authorize/signin")
        self.assertEqual(answer.status, 200)
        # A wait that a fault has stated counts as well.
        self.sim.fault("authorize", "status", status=429, retry_after=50)
        for _ in range(2):
            self.ask("GET", "/appleauth/auth/authorize/signin")
        self.assertEqual(self.violations().count("before Retry-After"), 3)

    def test_nobody_is_there(self):
        path = "/appleauth/auth/verify/trusteddevice/securitycode"
        self.ask("PUT", path)
        self.assertNotIn("nobody is there", self.violations())
        self.sim.change("account_run", unattended=True)
        for method, path in (("PUT", path),
                             ("PUT", "/appleauth/auth/verify/phone"),
                             ("GET", "/appleauth/auth")):
            self.sim.reset_counters()
            self.ask(method, path)
            self.assertIn("nobody is there", self.violations(), path)
        # Two proofs in one run that has nobody.
        self.sim.change("account_run", unattended=False)
        self.signed_in()
        self.sim.change("account_run", unattended=True)
        for proofs in (1, 2):
            self.sim.reset_counters()
            self.status_is(self.lines(PASSWORD), 0)
            self.assertEqual("the second proof" in self.violations(),
                             proofs == 2)

    def test_a_cookie_of_long_ago_is_worth_nothing(self):
        self.sim.change("account_set", rotate_every=1)
        self.signed_in()
        with open(self.session_path(), "rb") as file:
            old = file.read()
        self.works()
        with open(self.session_path(), "wb") as file:
            file.write(old)
        self.sim.reset_counters()
        self.works()
        self.assertEqual(self.by()["account_login"], 1)

    def test_headers(self):
        self.ask("POST", "/appleauth/auth/signin/init")
        for word in ("User-Agent", "X-Apple-Widget-Key", "Origin",
                     "X-Apple-OAuth-State", "accountName"):
            self.assertIn(word, self.violations())

    def test_an_scnt_of_before(self):
        page = self.ask("GET", "/appleauth/auth/authorize/signin")
        cookies = page.headers.get_all("Set-Cookie")
        context = {"Cookie": "; ".join(c.split(";")[0] for c in cookies),
                   "scnt": page.headers["scnt"]}
        self.ask("POST", "/appleauth/auth/signin/init", context)
        self.assertNotIn("scnt", self.violations())
        answer = self.ask("POST", "/appleauth/auth/signin/init", context)
        self.assertEqual(answer.status, 401)
        self.assertIn("scnt is not the last one given", self.violations())


if __name__ == "__main__":
    main()
