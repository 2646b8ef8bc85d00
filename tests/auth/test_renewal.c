#include "script.h"

/*
 * Prolonging the trust of this browser [renewal].
 */

#define DAY (24 * 60 * MINUTE)

/* A time to come: the jar drops what has ended by the clock on the wall. */
#undef NOW
#define NOW INT64_C(4050000000000)

/* The cookie of the trust, with its end in seconds. */
#define TRUST_UNTIL(s) COOKIE("X-APPLE-WEBAUTH-HSA-TRUST", "\"t\"", s)
#define UNTIL_30       "4052592000" /* 30 days after NOW */
#define UNTIL_45       "4053888000"
#define LOGGED_IN_UNTIL(s) \
	LOGIN(200, GOOD_ACCOUNT, TOKEN_COOKIE PCS_COOKIES TRUST_UNTIL(s))

/* Signed in with a code at NOW; the trust lasts for 30 days. */
static void
to_trusted(void)
{
	start();
	g.now = NOW;
	to_code();
	PLAY(DEVICE_CODE(204, NULL, NULL), TRUSTED, LOGGED_IN_UNTIL(UNTIL_30));
	assert_int_equal(submit(), 0);
	assert_int_equal(g.s->trust_expires_ms, NOW + 30 * DAY);
	assert_int_equal(g.s->trust_began_ms, NOW);
	restart();
	play(NULL, 0);
}

static int
renew(void)
{
	return done(auth_renew(g.a, PASSWORD, &g.err));
}

static void
test_due(void **state)
{
	(void)state;
	to_trusted();
	assert_false(auth_renewal_due(g.a));
	g.now = NOW + 15 * DAY - 1;
	assert_false(auth_renewal_due(g.a));
	g.now = NOW + 15 * DAY;
	assert_true(auth_renewal_due(g.a));
	g.now = NOW + 30 * DAY - 1;
	assert_true(auth_renewal_due(g.a));
	g.now = NOW + 30 * DAY; /* too late */
	assert_false(auth_renewal_due(g.a));
	finish();
}

/* Each of these alone holds it back. */
static void
test_not_due(void **state)
{
	enum {
		NO_LOGIN,
		NO_TOKEN,
		NO_BEGIN,
		LATELY,
		ANSWERED,
		REFUSED,
		ADP,
		SRP_WAIT,
		SRP_GAP,
		SRP_FAILED,
		SETUP_WAIT,
		ALL
	};

	(void)state;
	for (int i = NO_LOGIN; i <= ALL; i++) {
		struct session *s;

		to_trusted();
		s = g.s;
		g.now = NOW + 20 * DAY;
		if (i == NO_LOGIN)
			s->stage = SESSION_NONE;
		if (i == NO_TOKEN)
			session_keep(&s->trust_token, NULL);
		if (i == NO_BEGIN)
			s->trust_began_ms = 0;
		if (i == LATELY)
			s->last_renewal_ms = g.now - DAY + 1;
		if (i == ANSWERED)
			s->renewed_until_ms = s->trust_expires_ms;
		s->password_refused = i == REFUSED;
		s->adp = i == ADP;
		if (i == SRP_WAIT)
			s->srp_not_before_ms = g.now + 1;
		if (i == SRP_GAP)
			s->last_unattended_srp_ms = g.now - 15 * MINUTE + 1;
		if (i == SRP_FAILED) {
			s->srp_failures = 1;
			s->last_srp_ms = g.now - 15 * MINUTE + 1;
		}
		if (i == SETUP_WAIT)
			s->setup_not_before_ms = g.now + 1;
		if (auth_renewal_due(g.a) != (i == ALL))
			fail_msg("case %d", i);
		/* a clock that was set back holds nothing back */
		if (i == LATELY) {
			s->last_renewal_ms = g.now + DAY;
			assert_true(auth_renewal_due(g.a));
		}
		finish();
	}
}

/* Apple gives the trust its whole life again. */
static void
test_prolonged(void **state)
{
	(void)state;
	to_trusted();
	g.now = NOW + 15 * DAY;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGGED_IN_UNTIL(UNTIL_45));
	assert_int_equal(renew(), 0);
	assert_non_null(strstr(g.seen[2].body, "[\"" TRUST "\"]"));
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	assert_int_equal(g.s->trust_began_ms, g.now);
	assert_int_equal(g.s->trust_expires_ms, NOW + 45 * DAY);
	restart();
	assert_false(auth_renewal_due(g.a));
	g.now = NOW + 30 * DAY - 1;
	assert_false(auth_renewal_due(g.a));
	g.now++;
	assert_true(auth_renewal_due(g.a));
	finish();
}

/* With escrow it is no different; and where the trust ends as before, another
 * mail to the owner every night would not change that. */
static void
test_not_prolonged(void **state)
{
	(void)state;
	to_trusted();
	g.now = NOW + 15 * DAY;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, EDP, "{}"),
	    {.request = "POST idmsa/escrow/init", .status = 200},
	    {.request = "POST idmsa/escrow/complete",
		.status = 200,
		.headers = "X-Apple-Session-Token: token-3\n"},
	    LOGGED_IN_UNTIL(UNTIL_30));
	assert_int_equal(renew(), 0);
	assert_string_equal(g.s->session_token, "token-3");
	assert_int_equal(g.s->trust_began_ms, NOW);
	restart();
	for (int day = 15; day < 30; day++) {
		g.now = NOW + day * DAY + DAY / 2;
		assert_false(auth_renewal_due(g.a));
	}
	/* a new trust is another one */
	g.s->trust_expires_ms = NOW + 31 * DAY;
	assert_true(auth_renewal_due(g.a));
	finish();
}

/*
 * It fails: the session is as it was, and later ones are held back.
 */
static const struct {
	const char *name;
	struct step steps[6];
	bool again;   /* tomorrow, then */
	bool refused; /* the password is no longer good */
	bool throttled;
} failures[] = {
    {"no network", {{.request = "GET idmsa/authorize/signin", .status = 0}},
	true, false, false},
    {"page throttled",
	{{.request = "GET idmsa/authorize/signin", .status = 503}}, true, false,
	true},
    {"init throttled",
	{AUTHORIZED, {.request = "POST idmsa/signin/init", .status = 429}},
	true, false, true},
    {"refused without a reason",
	{AUTHORIZED, CHALLENGED, COMPLETED(403, NULL, NULL)}, true, false,
	true},
    {"out of order", {AUTHORIZED, CHALLENGED, COMPLETED(502, NULL, NULL)}, true,
	false, false},
    {"wrong password",
	{AUTHORIZED, CHALLENGED, COMPLETED(401, NULL, IDMSA_ERROR("-20101"))},
	false, true, false},
    {"a code is wanted", {AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}")},
	false, false, false},
    {"an interstitial",
	{AUTHORIZED, CHALLENGED, COMPLETED(412, TOKENS, "{}"),
	    {.request = "POST idmsa/repair/complete", .status = 412}},
	false, false, false},
    {"escrow fails",
	{AUTHORIZED, CHALLENGED, COMPLETED(409, EDP, "{}"),
	    {.request = "POST idmsa/escrow/init", .status = 500}},
	false, false, false},
    {"no session",
	{AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(401, NULL, NULL)},
	false, false, false},
    {"terms",
	{AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200, ACCOUNT("\"termsUpdateNeeded\":true,", "", ""),
		TRUST_UNTIL(UNTIL_45))},
	false, false, false},
    {"consent",
	{AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200, ACCOUNT("", "\"iCDPEnabled\":true,", ""),
		"#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t1000\t"
		"X-APPLE-WEBAUTH-PCS-Photos\tgone\n"),
	    {.request = "POST setup/requestWebAccessState",
		.status = 200,
		.body = "{\"isICDRSDisabled\":true}"}},
	false, false, false},
};

static void
test_failures(void **state)
{
	struct session *before = NULL;
	struct buf text = {0}, now = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		size_t n = 0;

		to_trusted();
		g.now = NOW + 16 * DAY;
		buf_reset(&text);
		session_write(&text, g.s);
		while (n < 6 && failures[i].steps[n].request != NULL)
			n++;
		play(failures[i].steps, n);
		if (renew() != -1)
			fail_msg("%s", failures[i].name);

		/* all but what holds others back is as it was */
		assert_int_equal(
		    session_read(&before, buf_text(&text), text.len, NULL), 0);
		session_learn(before, g.s);
		buf_reset(&text);
		buf_reset(&now);
		session_write(&text, before);
		session_write(&now, g.s);
		if (strcmp(buf_text(&text), buf_text(&now)) != 0)
			fail_msg(
			    "%s: the session is another one", failures[i].name);
		session_free(before);
		assert_int_equal(g.s->last_renewal_ms, g.now);
		assert_int_equal(g.s->password_refused, failures[i].refused);
		assert_int_equal(
		    g.s->srp_not_before_ms > g.now, failures[i].throttled);

		/* it goes on working, with the cookies of before */
		PLAY(VALIDATED(200, GOOD_ACCOUNT));
		assert_int_equal(resume(), 0);
		assert_int_equal(g.next, AUTH_READY);
		restart();
		assert_false(auth_renewal_due(g.a));
		g.now += DAY;
		if (auth_renewal_due(g.a) != failures[i].again)
			fail_msg("%s: tomorrow", failures[i].name);
		finish();
	}
	buf_clear(&text);
	buf_clear(&now);
}

/* It is a run's one proof. */
static void
test_one_proof_a_run(void **state)
{
	struct session *s = NULL;
	struct buf text = {0};

	(void)state;
	to_trusted();
	g.now = NOW + 16 * DAY;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGGED_IN_UNTIL(UNTIL_30));
	assert_int_equal(renew(), 0);
	/* hours later, and also with a session that was read anew */
	g.now += DAY;
	session_write(&text, g.s);
	assert_int_equal(session_read(&s, buf_text(&text), text.len, NULL), 0);
	auth_take(g.a, s);
	session_free(g.s);
	g.s = s;
	play(NULL, 0);
	assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	PLAY(VALIDATED(200, GOOD_ACCOUNT));
	assert_int_equal(resume(), 0);
	restart();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	finish();
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_due),
	    cmocka_unit_test(test_not_due),
	    cmocka_unit_test(test_prolonged),
	    cmocka_unit_test(test_not_prolonged),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_one_proof_a_run),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
