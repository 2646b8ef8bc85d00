"""A password in the system's key store; run by tests/keystore.sh."""

import os
import subprocess

from harness import ACCOUNT, PASSWORD, Case, Result, compare, main, newer, \
    wait_for, PATIENCE_S

BUS = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")


class KeyStore(Case):
    assets = 3

    def setUp(self):
        super().setUp()
        self.copy.env.update({name: os.environ[name] for name in BUS})
        self.addCleanup(self.forget, ACCOUNT)

    def forget(self, account):
        subprocess.run(["secret-tool", "clear", "account", account],
                       check=False)

    def kept(self, account=ACCOUNT):
        """As another program of this user finds it; None: nothing."""
        done = subprocess.run(["secret-tool", "lookup", "account", account],
                              stdout=subprocess.PIPE, check=False)
        return done.stdout.decode() if done.returncode == 0 else None

    def login(self, *words, password=PASSWORD, env=None):
        old = self.sim.code()
        process = subprocess.Popen(
            self.copy.argv("--root", self.copy.root, "--account", ACCOUNT,
                           "login", "--stdin", *words),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(self.copy.env, **(env or {})),
            cwd=self.copy.home)
        process.stdin.write((password + "\n").encode())
        process.stdin.flush()
        code = wait_for(lambda: newer(self.sim.code(), old), process)
        out, err = process.communicate((code + "\n").encode() if code else b"",
                                       timeout=PATIENCE_S)
        return Result(subprocess.CompletedProcess(
            [], process.returncode, out, err))

    def no_bus(self):
        return dict(self.copy.env, DBUS_SESSION_BUS_ADDRESS="unix:path=/none")

    def test_saved_used_and_removed(self):
        result = self.login("--save-password")
        self.status_is(result, 0)
        self.assertIn("kept in the key ring", result.err)
        self.assertEqual(self.kept(), PASSWORD)
        self.assertIsNone(self.kept("somebody.else@example.com"))
        # The session ends: the next night signs in by itself.
        self.sim.change("account_expire_tokens")
        self.sim.change("account_run", unattended=True)
        self.status_is(self.copy.sync(), 0)
        compare(self, self.copy)
        counters = self.sim.counters()
        self.assertEqual(counters["srp_sign_ins"], 2)
        self.assertEqual(counters["code_requests"], 1)
        # Not in a file of ours.
        for folder, _, names in os.walk(self.copy.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(PASSWORD.encode(), file.read(), name)
        self.status_is(self.copy.run("logout"), 0)
        self.assertIsNone(self.kept())
        self.no_violations()

    def test_not_saved_is_not_used(self):
        self.status_is(self.login(), 0)
        self.assertIsNone(self.kept())
        self.sim.change("account_expire_tokens")
        result = self.copy.sync("--json")
        self.status_is(result, 3)
        self.assertEqual(result.event("error")["reason"], "password")
        self.assertEqual(self.sim.counters()["srp_sign_ins"], 1)

    def test_a_new_password_takes_the_place_of_the_old(self):
        self.status_is(self.login("--save-password"), 0)
        self.sim.change("account_set", password="another p\u00e4ssword")
        self.status_is(self.login("--save-password",
                                  password="another p\u00e4ssword"), 0)
        self.assertEqual(self.kept(), "another p\u00e4ssword")
        self.sim.change("account_expire_tokens")
        self.status_is(self.copy.sync(), 0)

    def test_the_code_alone_in_a_second_process(self):
        self.status_is(self.login("--save-password"), 0)
        self.sim.change("account_expire_trust")
        result = self.copy.run("login", "--account", ACCOUNT,
                               "--password-command",
                               "echo '%s'" % PASSWORD)
        self.status_is(result, 3)
        result = self.copy.run("login", "--code", "--stdin",
                               stdin=(self.sim.code() + "\n").encode())
        self.status_is(result, 0)

    def test_without_a_bus(self):
        result = self.login("--save-password", env=self.no_bus())
        self.status_is(result, 0)
        self.assertIn("The password is not kept", result.err)
        self.assertIn("--password-command", result.err)
        self.status_is(self.copy.sync(env=self.no_bus()), 0)
        self.sim.change("account_expire_tokens")
        result = self.copy.sync("--json", env=self.no_bus())
        self.status_is(result, 3)
        self.assertEqual(result.event("error")["next"],
                         "Run icloud-pull login.")
        # Its own message comes before, for whoever did save one.
        self.assertIn("key ring cannot be used", result.err)
        self.status_is(self.copy.run("logout", env=self.no_bus()), 0)


if __name__ == "__main__":
    main()
