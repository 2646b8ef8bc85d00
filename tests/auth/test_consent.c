#include "script.h"

/*
 * Advanced Data Protection [pcs]: the tap on a device, round by round.
 */

#define ADP_ACCOUNT ACCOUNT("", "\"iCDPEnabled\":true,", "")

#define ON_SETUP(what, st, text)                                              \
	{                                                                     \
		.request = "POST setup/" what, .status = (st), .body = (text) \
	}
#define STATE(st, text)   ON_SETUP("requestWebAccessState", st, text)
#define ENABLE(st, text)  ON_SETUP("enableDeviceConsentForPCS", st, text)
#define REQUEST(st, text) ON_SETUP("requestPCS", st, text)

#define CLOSED                                                            \
	STATE(200,                                                        \
	    "{\"dsid\":\"20000000042\",\"isWebAccessAllowed\":true,"      \
	    "\"isDeviceConsentedForPCS\":false,\"isICDRSDisabled\":true," \
	    "\"deviceConsentForPCSExpiry\":0}")
#define CONSENTED                                                    \
	STATE(200,                                                   \
	    "{\"isWebAccessAllowed\":true,\"isICDRSDisabled\":true," \
	    "\"isDeviceConsentedForPCS\":true,"                      \
	    "\"deviceConsentForPCSExpiry\":1790003600000}")
#define ASKED ENABLE(200, "{\"isDeviceConsentNotificationSent\":true}")
#define UPLOADING                      \
	REQUEST(200,                   \
	    "{\"status\":\"failure\"," \
	    "\"message\":\"Requested the device to upload cookies.\"}")
#define NOT_YET                        \
	REQUEST(200,                   \
	    "{\"status\":\"failure\"," \
	    "\"message\":\"Cookies not available yet on server.\"}")
#define OPENED                                                            \
	{                                                                 \
		.request = "POST setup/requestPCS", .status = 200,        \
		.body = "{\"status\":\"success\"}", .cookie = PCS_COOKIES \
	}

#define MISSING_TOKEN "{\"error\":\"Missing X-APPLE-WEBAUTH-TOKEN cookie\"}"
#define ARMING                                \
	"{\"isDeviceConsentedForPCS\":false," \
	"\"message\":\"Issue requesting IDMS for arming.\"}"

/* A session that works but for the photos. */
static void
to_closed(void)
{
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200, ADP_ACCOUNT, TOKEN_COOKIE), CLOSED);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
}

static int
consent(void)
{
	return done(auth_consent(&g.next, g.a, &g.err));
}

static void
waits(void)
{
	assert_int_equal(consent(), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
}

static bool
derived_from_user(const struct seen *seen)
{
	cJSON *o = sent_json(seen);
	bool derived = json_bool(o, "derivedFromUserAction");

	assert_string_equal(json_str(o, "appName"), "photos");
	assert_non_null(json_get(o, "derivedFromUserAction"));
	cJSON_Delete(o);
	return derived;
}

/* With a person there: the devices ask once, the tap comes later, and the
 * device takes its time. */
static void
test_the_tap(void **state)
{
	(void)state;
	to_closed();
	PLAY(CLOSED, ASKED);
	waits();
	for (size_t i = 0; i < 2; i++) {
		const struct seen *seen = &g.seen[i];

		assert_non_null(
		    strstr(seen->query, "clientBuildNumber=2534Project66"));
		assert_non_null(
		    strstr(seen->query, "&clientMasteringNumber=2534B22"));
		assert_non_null(strstr(seen->query, "&dsid=20000000042"));
		assert_non_null(strstr(seen->query, "&clientId=auth-"));
		assert_false(seen->has_body);
		assert_string_equal(
		    sent_header(seen, "Origin"), "https://www.icloud.com");
	}
	PLAY(CLOSED);
	waits();
	PLAY(CONSENTED, UPLOADING);
	waits();
	assert_true(derived_from_user(&g.seen[1]));
	PLAY(CONSENTED, NOT_YET);
	waits();
	assert_false(derived_from_user(&g.seen[1]));
	PLAY(CONSENTED, OPENED);
	assert_int_equal(consent(), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	/* and the next run, within the hour, asks nobody */
	restart();
	PLAY(VALIDATED(200, ADP_ACCOUNT));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	finish();
}

/* Without one: what was consented to already is taken, and no device asks. */
static void
test_nobody_is_there(void **state)
{
	(void)state;
	to_closed();
	restart();
	PLAY(VALIDATED(200, ADP_ACCOUNT), CLOSED);
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
	PLAY(VALIDATED(200, ADP_ACCOUNT), CONSENTED, NOT_YET);
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
	assert_false(derived_from_user(&g.seen[2]));
	PLAY(VALIDATED(200, ADP_ACCOUNT), CONSENTED, OPENED);
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_false(derived_from_user(&g.seen[2]));
	finish();
}

/* CloudKit wants it anew: what it gave is forgotten, and a device asks again. */
static void
test_consent_ends(void **state)
{
	(void)state;
	to_closed();
	PLAY(CLOSED, ASKED);
	waits();
	PLAY(CONSENTED, OPENED);
	assert_int_equal(consent(), 0);
	auth_drop_consent(g.a);
	assert_null(strstr(buf_text(&g.s->cookies), "WEBAUTH-PCS-"));
	assert_non_null(strstr(buf_text(&g.s->cookies), "WEBAUTH-TOKEN"));
	PLAY(VALIDATED(200, ADP_ACCOUNT), CLOSED);
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
	PLAY(CLOSED, ASKED);
	waits();
	PLAY(CONSENTED, OPENED);
	assert_int_equal(consent(), 0);
	assert_true(derived_from_user(&g.seen[1]));
	assert_int_equal(g.next, AUTH_READY);
	finish();
}

/*
 * Every answer of the three requests, to a person.
 */
static const struct {
	int status;
	const char *body;
	enum err_code code; /* ERR_NONE: ready */
} state_rows[] =
    {
	{200, "{\"isWebAccessAllowed\":false,\"isICDRSDisabled\":true}",
	    ERR_WEB_ACCESS},
	/* without protection nothing need be asked */
	{200, "{\"dsid\":\"20000000042\",\"isWebAccessAllowed\":true}",
	    ERR_NONE},
	{200, "{\"isWebAccessAllowed\":true,\"isICDRSDisabled\":false}",
	    ERR_NONE},
	{200, "<html>", ERR_PROTOCOL},
	{200, NULL, ERR_PROTOCOL},
	{401, NULL, ERR_SESSION},
	{421, MISSING_TOKEN, ERR_SESSION},
	{450, NULL, ERR_SESSION},
	{403, NULL, ERR_ADP},
	{429, NULL, ERR_THROTTLED},
	{503, NULL, ERR_THROTTLED},
	{500, NULL, ERR_UNAVAILABLE},
	{500, MISSING_TOKEN, ERR_TERMS},
	{0, NULL, ERR_NETWORK},
	{-1, NULL, ERR_INTERRUPTED},
},
  enable_rows[] =
      {
	  {200, "{\"isDeviceConsentNotificationSent\":false}", ERR_ADP},
	  {200, "{}", ERR_ADP},
	  {200, "<html>", ERR_PROTOCOL},
	  {421, NULL, ERR_SESSION},
	  {503, NULL, ERR_THROTTLED},
	  {500, NULL, ERR_UNAVAILABLE},
	  {0, NULL, ERR_NETWORK},
},
  request_rows[] = {
      {200, "{\"status\":\"success\"}", ERR_PROTOCOL}, /* and no cookies */
      {200, "{\"status\":\"failure\",\"message\":\"Something else.\"}",
	  ERR_ADP},
      {200, "{\"status\":\"failure\"}", ERR_ADP},
      {200, "{}", ERR_PROTOCOL},
      {200, "<html>", ERR_PROTOCOL},
      {421, NULL, ERR_SESSION},
      {500, MISSING_TOKEN, ERR_TERMS},
      {500, ARMING, ERR_ADP},
      {500, NULL, ERR_UNAVAILABLE},
      {429, NULL, ERR_THROTTLED},
      {503, NULL, ERR_THROTTLED},
      {0, NULL, ERR_NETWORK},
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static void
ends_with(const char *table, size_t i, enum err_code code)
{
	int rc = consent();

	if (g.err.code != code)
		fail_msg("%s row %zu: %s", table, i, g.err.what);
	assert_int_equal(rc, code == ERR_NONE ? 0 : -1);
	if (rc == 0)
		assert_int_equal(g.next, AUTH_READY);
	/* whatever was said, the session itself stays */
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	assert_string_equal(g.s->session_token, "token-1");
}

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(state_rows); i++) {
		to_closed();
		PLAY(STATE(state_rows[i].status, state_rows[i].body));
		ends_with("state", i, state_rows[i].code);
		finish();
	}
	for (size_t i = 0; i < ROWS(enable_rows); i++) {
		to_closed();
		PLAY(
		    CLOSED, ENABLE(enable_rows[i].status, enable_rows[i].body));
		ends_with("enable", i, enable_rows[i].code);
		finish();
	}
	for (size_t i = 0; i < ROWS(request_rows); i++) {
		to_closed();
		PLAY(CONSENTED,
		    REQUEST(request_rows[i].status, request_rows[i].body));
		ends_with("request", i, request_rows[i].code);
		finish();
	}
}

/* Apple's own words are shown, and a stated wait is heeded. */
static void
test_words_and_waits(void **state)
{
	(void)state;
	to_closed();
	PLAY(CONSENTED,
	    REQUEST(200,
		"{\"status\":\"failure\",\"message\":\"Something else.\"}"));
	assert_int_equal(consent(), -1);
	assert_non_null(strstr(g.err.what, "Apple says: Something else."));
	finish();

	to_closed();
	g.retry_after_ms = 90000;
	PLAY(CONSENTED, REQUEST(503, NULL));
	assert_int_equal(consent(), -1);
	assert_int_equal(g.err.wait_ms, 90000);
	restart();
	play(NULL, 0);
	assert_int_equal(resume(), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	finish();
}

/* A proof and perhaps a code were spent: what a device does not do loses no
 * sign-in.  A run without a person is told what is wrong. */
static void
test_no_sign_in_is_lost(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200, ADP_ACCOUNT, TOKEN_COOKIE), CONSENTED,
	    REQUEST(500, ARMING));
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	restart();
	PLAY(VALIDATED(200, ADP_ACCOUNT), CONSENTED, REQUEST(500, ARMING));
	assert_int_equal(resume(), -1);
	assert_int_equal(g.err.code, ERR_ADP);
	assert_non_null(strstr(g.err.what, "many sign-ins"));
	finish();

	start();
	to_code();
	PLAY(DEVICE_CODE(204, NULL, NULL), TRUSTED,
	    LOGIN(200, ADP_ACCOUNT, TOKEN_COOKIE), STATE(500, NULL));
	assert_int_equal(submit(), 0);
	assert_int_equal(g.next, AUTH_NEED_CONSENT);
	assert_string_equal(g.s->trust_token, TRUST);
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	finish();

	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200, ADP_ACCOUNT, TOKEN_COOKIE), STATE(-1, NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_INTERRUPTED);
	finish();
}

/* Only a look is tried again by itself. */
static void
test_tries(void **state)
{
	(void)state;
	to_closed();
	PLAY(CLOSED, ASKED);
	waits();
	assert_ptr_equal(g.seen[0].retry, &retry_sign_in);
	assert_null(g.seen[1].retry);
	PLAY(CONSENTED, OPENED);
	assert_int_equal(consent(), 0);
	assert_null(g.seen[1].retry);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_tap),
	    cmocka_unit_test(test_nobody_is_there),
	    cmocka_unit_test(test_consent_ends),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_words_and_waits),
	    cmocka_unit_test(test_no_sign_in_is_lost),
	    cmocka_unit_test(test_tries),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
