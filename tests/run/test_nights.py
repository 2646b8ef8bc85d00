"""Ninety nights of one account, with all that befalls a session: how often the
password is proven, a code is asked for, and Apple mails the owner.  The clock
of the program (by the shim) and that of the simulated iCloud go on together."""


from harness import PASSWORD, Case, compare, main, shimmed

DAY = 86400
NEW_PASSWORD = "another horse"


class Nights(Case):
    assets = 1
    sim_options = ("--sizes", "tiny")
    today = 0
    password = None # of the saved command; None: there is none

    def setUp(self):
        super().setUp()
        self.copy.env.update(shimmed(SHIM_CLOCK=0))

    def wait_until(self, night):
        seconds = (night - self.today) * DAY
        self.today = night
        self.sim.advance(seconds)
        self.copy.env["SHIM_CLOCK"] = str(night * DAY)

    def took(self):
        """Proofs of the password, codes asked for, mails, since last asked."""
        counters = self.sim.counters()
        self.assertEqual(counters["violations"], [], self.today)
        self.sim.reset_counters()
        return (counters["srp_sign_ins"], counters["code_requests"],
                counters["mails"])

    def run_of(self, night):
        """As a timer starts it; nobody is there."""
        self.wait_until(night)
        self.sim.change("account_run", unattended=True)
        words = ("--scheduled",)
        if self.password is not None:
            words += ("--password-command", "echo '%s'" % self.password)
        return self.copy.sync(*words)

    def person(self, password, proofs=(1, 1, 1)):
        self.sim.change("account_run", unattended=False)
        result = self.copy.login(password)
        self.status_is(result, 0)
        self.assertEqual(self.took(), proofs)

    def nights(self, first, last, expected):
        """From first up to last, that one left out.  expected: what differs
        from a night of status 0 that costs nothing but its requests."""
        for night in range(first, last):
            status, took = expected.get(night, (0, (0, 0, 0)))
            result = self.run_of(night)
            self.assertEqual((night, result.status), (night, status),
                             str(result))
            self.assertEqual((night, self.took()), (night, took), str(result))

    def test_with_a_saved_password(self):
        self.password = PASSWORD
        self.person(PASSWORD)

        # A cookie is enough, and then a token; half-way through the 30 days
        # of trust one proof tries to prolong it: once, since it does not.
        self.nights(1, 8, {})
        self.sim.change("account_expire_session")
        self.nights(8, 18, {15: (0, (1, 0, 1))})

        # The session ends: one proof, no code.
        self.sim.change("account_expire_tokens")
        self.nights(18, 22, {18: (0, (1, 0, 1))})

        # It ends while Apple takes no sign-ins: the wait is kept, and the
        # night after is early enough.
        self.sim.change("account_expire_tokens")
        self.sim.change("account_throttle", host="idmsa", seconds=4 * 3600)
        self.nights(22, 25, {22: (4, (0, 0, 0)), 23: (0, (1, 0, 1))})

        # The database is busy, and the account moves.
        self.sim.change("account_throttle", host="cloudkit", seconds=3600)
        self.nights(25, 27, {25: (4, (0, 0, 0))})
        self.sim.change("account_partition", partition=77)
        self.nights(27, 30, {})

        # The trust ends: one proof shows that, and after it only a person
        # helps.  Nobody is asked for a code in the night.
        self.nights(30, 35, {30: (3, (1, 0, 1)),
                             **{n: (3, (0, 0, 0)) for n in range(31, 35)}})
        self.person(PASSWORD)
        self.sim.change("account_expire_tokens")
        self.nights(35, 40, {35: (0, (1, 0, 1))})

        # The password is changed elsewhere, which ends all: an alarm, since the
        # saved one had worked; it is tried once.
        self.sim.change("account_set", password=NEW_PASSWORD)
        self.nights(40, 43, {40: (7, (1, 0, 0)), 41: (7, (0, 0, 0)),
                             42: (7, (0, 0, 0))})
        self.password = NEW_PASSWORD
        self.person(NEW_PASSWORD)

        # Where a proof does prolong the trust, two of them are all that the
        # rest takes; the code of night 42 was the last one.
        self.sim.change("account_set", trust_rolls=True)
        self.nights(43, 91, {57: (0, (1, 0, 1)), 72: (0, (1, 0, 1)),
                             87: (0, (1, 0, 1))})
        compare(self, self.copy)

    def test_without_one(self):
        self.person(PASSWORD)
        said = []
        for night in range(1, 30):
            result = self.run_of(night)
            self.assertEqual((night, result.status), (night, 0), str(result))
            said.append("more day" in result.err)
        self.assertEqual(self.took(), (0, 0, 0))
        # Warned of in the last fourteen days, once a day.
        self.assertEqual(said, [False] * 15 + [True] * 14)
        again = self.copy.sync()
        self.status_is(again, 0)
        self.assertNotIn("more day", again.err)
        self.nights(30, 33, {n: (3, (0, 0, 0)) for n in range(30, 33)})
        self.person(PASSWORD)
        self.nights(33, 35, {})


if __name__ == "__main__":
    main()
