"""login, logout, and how a session keeps working."""

import json
import os
import stat
import subprocess

from harness import ACCOUNT, PASSWORD, Case, compare, main, wait_for


class Login(Case):
    assets = 3

    def lines(self, *lines, words=()):
        return self.copy.run(
            "login", "--stdin", *words,
            stdin="".join(line + "\n" for line in lines).encode())

    def session_file(self):
        return os.path.join(self.copy.state, "accounts", ACCOUNT, "session")

    def test_with_a_code_from_the_devices(self):
        result = self.copy.login()
        self.status_is(result, 0)
        self.assertIn("Signed in as %s" % ACCOUNT, result.out)
        by = self.sim.counters()["by"]
        self.assertEqual(by["signin_init"], 1)
        self.assertEqual(by["code_request_device"], 1)
        self.assertEqual(by["code_submit_device"], 1)
        self.assertEqual(by["escrow_complete"], 1)
        self.assertEqual(by["trust"], 1)
        mode = os.stat(self.session_file()).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        mode = os.stat(os.path.dirname(self.session_file())).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o700)
        self.no_violations()

    def test_account_and_root_are_remembered(self):
        self.status_is(self.copy.login(), 0)
        # The one word of a nightly job.
        self.status_is(self.copy.run(), 0)
        compare(self, self.copy)

    def test_the_second_sign_in_needs_no_code(self):
        self.status_is(self.copy.login(), 0)
        self.sim.reset_counters()
        # The account is known from the configuration: no line for it.
        self.status_is(self.lines(PASSWORD), 0)
        by = self.sim.counters()["by"]
        self.assertEqual(by["code_request_device"], 0)
        self.assertEqual(by["escrow_complete"], 1)
        self.no_violations()

    def test_capitals_and_blanks_in_the_account_name(self):
        result = self.copy.run("login", "--stdin", "--account",
                               " JD@Example.com ",
                               stdin=(PASSWORD + "\n").encode())
        self.status_is(result, 3)
        self.assertIn("code", result.err)
        self.assertTrue(os.path.isdir(os.path.dirname(self.session_file())))

    def test_a_wrong_password(self):
        result = self.lines(ACCOUNT, "wrong", words=("--json",))
        self.status_is(result, 3)
        self.assertEqual(result.event("error")["reason"], "password")
        self.assertEqual(self.sim.counters()["by"]["signin_complete"], 1)
        self.assertFalse(os.path.exists(self.session_file()))

    def test_a_wrong_password_keeps_the_session_of_before(self):
        self.status_is(self.copy.login(), 0)
        self.status_is(self.lines("wrong"), 3)
        self.status_is(self.copy.sync(), 0)

    def test_a_wrong_code(self):
        process = subprocess.Popen(
            self.copy.argv("login", "--stdin", "--json"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.copy.env)
        out, _ = process.communicate(
            ("%s\n%s\n%s\n" % (ACCOUNT, PASSWORD, "000001")).encode())
        self.assertEqual(process.returncode, 3)
        self.assertIn(b'"reason":"code"', out)

    def test_two_processes(self):
        result = self.copy.run("login", "--account", ACCOUNT,
                               "--password-command",
                               "echo %s" % PASSWORD)
        self.status_is(result, 3)
        self.assertIn("login --code", result.err)
        code = self.sim.code()
        self.assertIsNotNone(code)
        result = self.copy.run("login", "--account", ACCOUNT, "--code",
                               "--stdin",
                               stdin=("%s\n%s\n" % (PASSWORD, code)).encode())
        self.status_is(result, 0)
        by = self.sim.counters()["by"]
        self.assertEqual(by["code_request_device"], 1)
        self.assertEqual(by["signin_init"], 1)
        self.status_is(self.copy.sync(), 0)
        self.no_violations()

    def login_by_text_message(self):
        process = subprocess.Popen(
            self.copy.argv("login", "--stdin", "--sms"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.copy.env)
        process.stdin.write(("%s\n%s\n" % (ACCOUNT, PASSWORD)).encode())
        process.stdin.flush()
        code = wait_for(self.sim.code, process)
        _, err = process.communicate((code + "\n").encode())
        self.assertEqual(process.returncode, 0, err)

    def test_code_by_text_message(self):
        self.login_by_text_message()
        by = self.sim.counters()["by"]
        self.assertEqual(by["code_request_phone"], 1)
        self.assertEqual(by["code_submit_phone"], 1)
        self.assertEqual(by["code_request_device"], 0)
        self.no_violations()

    def test_a_code_by_message_is_never_accepted_with_204(self):
        self.sim.change("account_set", code_answer="204")
        self.login_by_text_message()
        log = [json.loads(line) for line in
               self.sim.control("/requests").decode().splitlines()]
        self.assertEqual([r["status"] for r in log
                          if r["name"] == "code_submit_phone"], [200])
        self.no_violations()

    def test_a_locked_account(self):
        self.sim.change("account_set", locked=True)
        result = self.lines(ACCOUNT, PASSWORD, words=("--json",))
        self.status_is(result, 3)
        self.assertEqual(result.event("error")["reason"], "locked")

    def test_throttling_ends_it_and_is_remembered(self):  # B111
        self.sim.fault("signin_init", "status", status=503, retry_after=600,
                       times=-1)
        result = self.lines(ACCOUNT, PASSWORD, words=("--json",))
        self.status_is(result, 4)
        error = result.event("error")
        self.assertEqual(error["reason"], "throttled")
        self.assertGreater(error["wait_ms"], 0)
        self.assertLessEqual(self.sim.counters()["requests"], 2)

    def test_logout(self):
        self.status_is(self.copy.login(), 0)
        self.status_is(self.copy.run("logout"), 0)
        self.assertEqual(self.sim.counters()["by"]["logout"], 1)
        result = self.copy.sync()
        self.status_is(result, 3)
        # The trust stays: no code the next time.
        self.sim.reset_counters()
        self.status_is(self.lines(PASSWORD), 0)
        self.assertEqual(self.sim.counters()["by"]["code_request_device"], 0)


class Session(Case):
    assets = 3

    def test_an_expired_session_is_renewed_by_its_token(self):
        copy = self.signed_in()
        self.sim.change("account_expire_session")
        self.sim.reset_counters()
        self.status_is(copy.sync(), 0)
        by = self.sim.counters()["by"]
        self.assertEqual(by["account_login"], 1)
        self.assertEqual(by["signin_init"], 0)

    def test_an_ended_session_wants_a_person(self):
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        result = copy.sync("--json")
        self.status_is(result, 3)
        self.assertEqual(result.event("verdict")["reason"], "password")
        self.assertEqual(self.sim.counters()["by"]["code_request_device"], 1)

    def test_with_the_password_no_person_is_needed(self):
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        self.sim.reset_counters()
        self.status_is(copy.sync("--password-command",
                                 "echo '%s'" % PASSWORD), 0)
        by = self.sim.counters()["by"]
        self.assertEqual(by["signin_init"], 1)
        self.assertEqual(by["code_request_device"], 0)
        self.no_violations()

    def test_without_trust_no_code_is_asked_for_unattended(self):  # B093
        copy = self.signed_in()
        self.sim.change("account_expire_tokens")
        self.sim.change("account_expire_trust")
        self.sim.reset_counters()
        for _ in range(5):
            result = copy.sync("--password-command", "echo '%s'" % PASSWORD)
            self.assertIn(result.status, (3, 4), str(result))
        by = self.sim.counters()["by"]
        self.assertEqual(by["code_request_device"], 0)
        self.assertEqual(by["signin_init"], 1)


if __name__ == "__main__":
    main()
