#include "script.h"

/*
 * The whole of a first sign-in.
 */

static void
assert_widget_headers(const struct seen *seen, const char *origin)
{
	static const struct {
		const char *name, *value;
	} fixed[] = {
	    {"Accept", "application/json"},
	    {"X-Apple-Widget-Key",
		"d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1"
		"a815d"},
	    {"X-Apple-OAuth-Client-Id",
		"d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1"
		"a815d"},
	    {"X-Apple-OAuth-Client-Type", "firstPartyAuth"},
	    {"X-Apple-OAuth-Redirect-URI", "https://www.icloud.com"},
	    {"X-Apple-OAuth-Require-Grant-Code", "true"},
	    {"X-Apple-OAuth-Response-Mode", "web_message"},
	    {"X-Apple-OAuth-Response-Type", "code"},
	};
	char referer[64];

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		const char *v = sent_header(seen, fixed[i].name);

		if (i == 0 && strcmp(seen->request, "GET idmsa") == 0)
			continue;
		assert_non_null(v);
		assert_string_equal(v, fixed[i].value);
	}
	assert_string_equal(
	    sent_header(seen, "X-Apple-OAuth-State"), g.s->client_id);
	assert_string_equal(
	    sent_header(seen, "X-Apple-Frame-Id"), g.s->client_id);
	snprintf(referer, sizeof(referer), "%s/", origin);
	assert_string_equal(sent_header(seen, "Origin"), origin);
	assert_string_equal(sent_header(seen, "Referer"), referer);
}

#define IDMSA_ORIGIN "https://idmsa.apple.com"
#define HOME_ORIGIN  "https://www.icloud.com"

static void
test_first_sign_in(void **state)
{
	const struct auth_phone *phones;
	const struct seen *seen;
	cJSON *o;
	size_t n;

	(void)state;
	start();
	assert_int_equal(resume(), 0); /* without a request */
	assert_int_equal(g.next, AUTH_NEED_PASSWORD);

	to_code();
	seen = last_of("GET idmsa/authorize/signin");
	assert_string_equal(sent_header(seen, "Accept"), "text/html");
	assert_string_equal(sent_header(seen, "Referer"), HOME_ORIGIN "/");
	assert_null(sent_header(seen, "X-Apple-Widget-Key"));
	assert_non_null(strstr(seen->query, "?frame_id=auth-"));
	assert_non_null(strstr(seen->query, "&iframeId=auth-"));
	assert_non_null(strstr(seen->query, "&state=auth-"));
	assert_non_null(
	    strstr(seen->query, "&redirect_uri=https%3A%2F%2Fwww.icloud.com&"));
	assert_non_null(strstr(seen->query, "&client_id=d39ba9916b7251055"));
	assert_non_null(strstr(seen->query, "&authVersion=latest"));
	assert_null(strchr(seen->query, ' '));
	assert_false(seen->has_body);

	seen = last_of("POST idmsa/signin/init");
	assert_widget_headers(seen, IDMSA_ORIGIN);
	assert_string_equal(
	    sent_header(seen, "Content-Type"), "application/json");
	assert_ptr_equal(seen->retry, &retry_sign_in);
	o = sent_json(seen);
	assert_string_equal(json_str(o, "accountName"), "jd@example.com");
	assert_int_equal(cJSON_GetArraySize(json_array(o, "protocols")), 2);
	assert_int_equal(cJSON_GetArraySize(o), 3);
	cJSON_Delete(o);

	seen = last_of("POST idmsa/signin/complete");
	assert_widget_headers(seen, IDMSA_ORIGIN);
	assert_string_equal(seen->query, "?isRememberMeEnabled=true");
	assert_null(seen->retry); /* a proof is sent once */
	assert_non_null(strstr(seen->body, "\"trustTokens\":[]"));
	o = sent_json(seen);
	assert_string_equal(json_str(o, "accountName"), "jd@example.com");
	assert_true(json_bool(o, "rememberMe"));
	assert_int_equal(cJSON_GetArraySize(o), 6);
	cJSON_Delete(o);

	seen = last_of("GET idmsa");
	assert_widget_headers(seen, HOME_ORIGIN);
	assert_string_equal(sent_header(seen, "Accept"), "text/html");
	assert_string_equal(
	    sent_header(seen, "X-Apple-ID-Session-Id"), "sess-1");
	assert_string_equal(
	    sent_header(seen, "X-Apple-Auth-Attributes"), "attr-1");
	assert_false(seen->has_body);

	assert_true(auth_has_devices(g.a));
	phones = auth_phones(&n, g.a);
	assert_int_equal(n, 2);
	assert_string_equal(phones[0].id, "3");
	assert_string_equal(phones[0].label,
	    "+1 \xe2\x80\xa2\xe2\x80\xa2"
	    "42");
	assert_int_equal(phones[0].non_fteu, 1);
	assert_false(phones[0].voice_only);
	assert_string_equal(phones[1].id, "\"a\"");
	assert_string_equal(phones[1].label, "<81");
	assert_int_equal(phones[1].non_fteu, -1);
	assert_true(phones[1].voice_only);

	PLAY({.request = "PUT idmsa/verify/trusteddevice/securitycode",
	    .status = 202});
	assert_int_equal(done(auth_request_code(g.a, NULL, &g.err)), 0);
	seen = &g.seen[0];
	assert_widget_headers(seen, HOME_ORIGIN);
	assert_true(seen->has_body);
	assert_string_equal(seen->body, "");
	assert_int_equal(g.s->code_via, SESSION_CODE_DEVICE);
	assert_int_equal(g.s->code_asked_ms, NOW);

	PLAY(DEVICE_CODE(204, "X-Apple-Session-Token: token-1b\n", NULL),
	    TRUSTED, LOGGED_IN);
	assert_int_equal(done(auth_submit_code(
			     &g.next, g.a, " 012-345\n", PASSWORD, &g.err)),
	    0);
	assert_int_equal(g.next, AUTH_READY);
	seen = &g.seen[0];
	assert_widget_headers(seen, HOME_ORIGIN);
	assert_string_equal(
	    seen->body, "{\"securityCode\":{\"code\":\"012345\"}}");
	assert_widget_headers(&g.seen[1], HOME_ORIGIN);
	seen = &g.seen[2];
	assert_string_equal(sent_header(seen, "Origin"), HOME_ORIGIN);
	assert_string_equal(sent_header(seen, "Referer"), HOME_ORIGIN "/");
	assert_null(sent_header(seen, "X-Apple-Widget-Key"));
	assert_string_equal(seen->body,
	    "{\"accountCountryCode\":\"USA\",\"dsWebAuthToken\":\"token-2\","
	    "\"extended_login\":true,\"trustToken\":\"" TRUST "\"}");

	assert_string_equal(g.s->trust_token, TRUST);
	assert_string_equal(g.s->session_token, "token-2");
	assert_string_equal(g.s->session_id, "sess-1");
	assert_string_equal(g.s->account_country, "USA");
	assert_string_equal(g.s->dsid, "20000000042");
	assert_string_equal(
	    g.s->ckdatabase_url, "https://p61-ckdatabasews.icloud.com:443");
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	assert_int_equal(g.s->trust_expires_ms, INT64_C(4070908800000));
	assert_int_equal(g.s->last_validate_ms, NOW);
	assert_int_equal(g.s->last_srp_ms, NOW);
	assert_int_equal(g.s->last_unattended_srp_ms, 0);
	assert_int_equal(g.s->code_via, SESSION_CODE_NONE);
	assert_true(g.s->pcs_required);
	assert_false(g.s->adp);
	assert_non_null(strstr(
	    buf_text(&g.s->cookies), "\tX-APPLE-WEBAUTH-TOKEN\t\"v=2:t=1\"\n"));
	finish();
}

/* The other protocol, which hashes hex digits. */
static void
test_s2k_fo(void **state)
{
	(void)state;
	start();
	g.s2k_fo = true;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_READY);
	finish();
}

/* A trust token that is accepted needs no code. */
static void
test_trust_token(void **state)
{
	cJSON *o;

	(void)state;
	start();
	to_ready();
	restart();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	assert_int_equal(g.next, AUTH_READY);
	o = sent_json(last_of("POST idmsa/signin/complete"));
	assert_int_equal(cJSON_GetArraySize(json_array(o, "trustTokens")), 1);
	assert_string_equal(
	    cJSON_GetArrayItem(json_array(o, "trustTokens"), 0)->valuestring,
	    TRUST);
	cJSON_Delete(o);
	assert_true(g.s->trusted_sent);
	assert_int_equal(g.s->last_unattended_srp_ms, NOW);
	finish();
}

#define ESCROW_INIT                                                \
	{                                                          \
		.request = "POST idmsa/escrow/init", .status = 200 \
	}
#define ESCROW_DONE(st)                                                  \
	{                                                                \
		.request = "POST idmsa/escrow/complete", .status = (st), \
		.headers = "X-Apple-Session-Token: token-3\n"            \
	}

/* [escrow]: 409 with a trust token sent and EDP or PDP: no code. */
static void
test_escrow_after_trust_token(void **state)
{
	static const char *const marks[] = {EDP, PDP};
	const struct seen *seen;
	cJSON *o;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start();
		to_ready();
		restart();
		PLAY(AUTHORIZED, CHALLENGED,
		    COMPLETED(409, marks[i], "{\"authType\":\"hsa2\"}"),
		    ESCROW_INIT, ESCROW_DONE(200), LOGGED_IN);
		assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
		assert_int_equal(g.next, AUTH_READY);
		seen = last_of("POST idmsa/escrow/init");
		assert_widget_headers(seen, IDMSA_ORIGIN);
		o = sent_json(seen);
		assert_string_equal(json_str(o, "accountName"), "");
		cJSON_Delete(o);
		seen = last_of("POST idmsa/escrow/complete");
		assert_widget_headers(seen, IDMSA_ORIGIN);
		assert_null(seen->retry);
		o = sent_json(seen); /* m1, m2, c, k and nothing else */
		assert_int_equal(cJSON_GetArraySize(o), 4);
		cJSON_Delete(o);
		assert_non_null(strstr(
		    last_of("POST setup/accountLogin")->body, "\"token-3\""));
		finish();
	}
}

/* Without a trust token the same headers mean nothing: a code is needed. */
static void
test_no_escrow_without_trust_token(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(409, EDP, "{\"authType\":\"hsa2\"}"), OPTIONS);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_NEED_CODE);
	finish();
}

/* A trust token that is void stays: only Apple's next one replaces it. */
static void
test_void_trust_token(void **state)
{
	(void)state;
	start();
	to_ready();
	restart();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(409, TOKENS "X-Apple-TwoSV-Trust-Token: \n",
		"{\"authType\":\"hsa2\"}"));
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	assert_int_equal(g.next, AUTH_NEED_CODE);
	assert_string_equal(g.s->trust_token, TRUST);
	finish();
}

/* What a proof of the wrong or refused kind must leave alone. */
static void
test_refusal_keeps_the_session(void **state)
{
	(void)state;
	start();
	to_ready();
	restart();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(401, NULL, IDMSA_ERROR("-20101")));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	assert_non_null(strstr(g.err.what, "jd@example.com"));
	assert_non_null(strstr(g.err.what, "Apple's words."));
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	assert_string_equal(g.s->session_token, "token-2");
	assert_string_equal(g.s->trust_token, TRUST);
	PLAY(VALIDATED(200, GOOD_ACCOUNT));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	finish();
}

/*
 * Status tables.
 */

static const struct {
	int status;
	const char *headers, *body;
	enum err_code code;
	bool held_unattended, held_person;
} complete_rows[] = {
    {401, NULL, IDMSA_ERROR("-20101"), ERR_PASSWORD, false, false},
    {401, NULL, NULL, ERR_PASSWORD, false, false},
    {200, "X-Apple-I-Rscd: 401\n", "{}", ERR_PASSWORD, false, false},
    {400, NULL, IDMSA_ERROR("-22406"), ERR_PASSWORD, false, false},
    {403, NULL, IDMSA_ERROR("-20209"), ERR_LOCKED, false, false},
    {403, "X-Apple-I-Ercd: -20209\n", "<html>", ERR_LOCKED, false, false},
    {403, NULL, IDMSA_ERROR("-20751"), ERR_LOCKED, false, false},
    {403, NULL, NULL, ERR_THROTTLED, true, false},
    {400, NULL, IDMSA_ERROR("-1"), ERR_PROTOCOL, false, false},
    {404, NULL, NULL, ERR_PROTOCOL, false, false},
    {302, NULL, NULL, ERR_PROTOCOL, false, false},
    {429, NULL, NULL, ERR_THROTTLED, true, true},
    {503, NULL, "Service Temporary Unavailable", ERR_THROTTLED, true, true},
    {200, "X-Apple-I-Rscd: 503\n", "{}", ERR_THROTTLED, true, true},
    {500, NULL, "<html>no</html>", ERR_UNAVAILABLE, false, false},
    {502, NULL, NULL, ERR_UNAVAILABLE, false, false},
    {409, TOKENS, "{\"authType\":\"hsa2\",\"keyNames\":[\"YubiKey 5C\"]}",
	ERR_SECURITY_KEY, false, false},
    {409, TOKENS, "{\"fsaChallenge\":{\"challenge\":\"abc\"}}",
	ERR_SECURITY_KEY, false, false},
    {412, "X-Apple-Repair-Session-Token: r\n", "{}", ERR_TERMS, false, false},
    {0, NULL, NULL, ERR_NETWORK, false, false},
};

static void
test_complete_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(complete_rows) / sizeof(complete_rows[0]);
	     i++) {
		start();
		PLAY(AUTHORIZED, CHALLENGED,
		    COMPLETED(complete_rows[i].status, complete_rows[i].headers,
			complete_rows[i].body));
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		if (g.err.code != complete_rows[i].code)
			fail_msg("row %zu: %s", i, g.err.what);
		assert_int_equal(g.s->srp_not_before_ms > NOW,
		    complete_rows[i].held_unattended);
		assert_int_equal(g.s->login_not_before_ms > NOW,
		    complete_rows[i].held_person);
		assert_int_not_equal(g.s->stage, SESSION_NEEDS_CODE);
		finish();
	}
}

static const struct {
	int status;
	const char *headers, *body;
	enum err_code code;
} init_rows[] = {
    {403, NULL, IDMSA_ERROR("-20209"), ERR_LOCKED},
    {403, NULL, NULL, ERR_THROTTLED},
    {400, NULL, NULL, ERR_PROTOCOL},
    {412, NULL, "{\"authType\":\"sa\"}", ERR_TERMS},
    {429, NULL, NULL, ERR_THROTTLED},
    {503, NULL, "Service Temporary Unavailable", ERR_THROTTLED},
    {500, NULL, NULL, ERR_UNAVAILABLE},
    {200, NULL, "<html>", ERR_PROTOCOL},
    {200, NULL, "{}", ERR_PROTOCOL},
    {200, NULL,
	"{\"iteration\":100,\"salt\":\"AAAA\",\"protocol\":\"s3k\","
	"\"b\":\"AQ==\",\"c\":\"x\"}",
	ERR_PROTOCOL},
    {200, NULL,
	"{\"iteration\":1000001,\"salt\":\"AAAA\",\"protocol\":\"s2k\","
	"\"b\":\"AQ==\",\"c\":\"x\"}",
	ERR_PROTOCOL},
    {200, NULL,
	"{\"iteration\":0,\"salt\":\"AAAA\",\"protocol\":\"s2k\","
	"\"b\":\"AQ==\",\"c\":\"x\"}",
	ERR_PROTOCOL},
    {200, NULL,
	"{\"iteration\":100,\"salt\":\"A*\",\"protocol\":\"s2k\","
	"\"b\":\"AQ==\",\"c\":\"x\"}",
	ERR_PROTOCOL},
    {200, NULL,
	"{\"iteration\":100,\"salt\":\"AAAA\",\"protocol\":\"s2k\","
	"\"b\":\"AAAA\",\"c\":\"x\"}",
	ERR_PROTOCOL}, /* B = 0 */
    {200, NULL,
	"{\"iteration\":100,\"salt\":\"AAAA\",\"protocol\":\"s2k\","
	"\"b\":\"AQ==\"}",
	ERR_PROTOCOL}, /* no c */
    {0, NULL, NULL, ERR_NETWORK},
};

static void
test_init_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(init_rows) / sizeof(init_rows[0]); i++) {
		start();
		PLAY(AUTHORIZED,
		    {.request = "POST idmsa/signin/init",
			.status = init_rows[i].status,
			.headers = init_rows[i].headers,
			.body = init_rows[i].body});
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		if (g.err.code != init_rows[i].code)
			fail_msg("row %zu: %s", i, g.err.what);
		finish();
	}
}

/* 401 at init is a stale context: once more from the start, not twice. */
static void
test_init_401(void **state)
{
	(void)state;
	start();
	to_ready();
	restart();
	http_cookie_set(
	    g.http, "idmsa.apple.com\tFALSE\t/\tTRUE\t0\taasp\told");
	g.scnt = 0;
	PLAY(AUTHORIZED, {.request = "POST idmsa/signin/init", .status = 401},
	    AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_null(strstr(buf_text(&g.s->cookies), "aasp"));
	assert_string_equal(g.s->trust_token, TRUST);
	finish();

	start();
	PLAY(AUTHORIZED, {.request = "POST idmsa/signin/init", .status = 401},
	    AUTHORIZED, {.request = "POST idmsa/signin/init", .status = 401});
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_PROTOCOL);
	finish();
}

/* 409 with a challenge counts as 200. */
static void
test_init_409(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED,
	    {.request = "POST idmsa/signin/init", .status = 409, .body = "{}"});
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_PROTOCOL);
	finish();
}

/* The frame is a courtesy: only throttling and silence end the sign-in. */
static void
test_authorize_table(void **state)
{
	static const struct {
		int status;
		enum err_code code;
	} rows[] = {{404, ERR_NONE}, {403, ERR_NONE}, {500, ERR_NONE},
	    {302, ERR_NONE}, {429, ERR_THROTTLED}, {503, ERR_THROTTLED},
	    {0, ERR_NETWORK}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step first = {"GET idmsa/authorize/signin",
		    rows[i].status, NULL, NULL, NULL};

		start();
		if (rows[i].code == ERR_NONE) {
			PLAY(first, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
			    LOGGED_IN);
			assert_int_equal(sign_in(AUTH_PERSON), 0);
		} else {
			PLAY(first);
			assert_int_equal(sign_in(AUTH_PERSON), -1);
			assert_int_equal(g.err.code, rows[i].code);
		}
		finish();
	}
}

/* [repair]: once; an answer that is no success is for the owner. */
static void
test_repair(void **state)
{
	static const struct {
		int status;
		enum err_code code;
	} rows[] = {{200, ERR_NONE}, {204, ERR_NONE}, {400, ERR_TERMS},
	    {401, ERR_TERMS}, {403, ERR_TERMS}, {412, ERR_TERMS},
	    {429, ERR_THROTTLED}, {503, ERR_THROTTLED}, {500, ERR_UNAVAILABLE}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step repair = {"POST idmsa/repair/complete",
		    rows[i].status, NULL, NULL, NULL};
		const struct seen *seen;

		start();
		if (rows[i].code == ERR_NONE) {
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(412, TOKENS, "{\"authType\":\"sa\"}"),
			    repair, LOGGED_IN);
			assert_int_equal(sign_in(AUTH_PERSON), 0);
			assert_int_equal(g.next, AUTH_READY);
			seen = last_of("POST idmsa/repair/complete");
			assert_string_equal(seen->body, "{}");
			assert_string_equal(
			    sent_header(seen, "X-Apple-ID-Session-Id"),
			    "sess-1");
			assert_widget_headers(seen, IDMSA_ORIGIN);
		} else {
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(412, TOKENS, "{\"authType\":\"sa\"}"),
			    repair);
			assert_int_equal(sign_in(AUTH_PERSON), -1);
			assert_int_equal(g.err.code, rows[i].code);
		}
		finish();
	}
}

static void
test_escrow_table(void **state)
{
	static const struct {
		int init, complete;
		enum err_code code;
	} rows[] = {
	    {200, 204, ERR_NONE},
	    {400, 0, ERR_PROTOCOL},
	    {401, 0, ERR_PROTOCOL},
	    {503, 0, ERR_THROTTLED},
	    {500, 0, ERR_UNAVAILABLE},
	    {200, 401, ERR_PROTOCOL}, /* the same password was right */
	    {200, 400, ERR_PROTOCOL},
	    {200, 429, ERR_THROTTLED},
	    {200, 502, ERR_UNAVAILABLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step init = {
		    "POST idmsa/escrow/init", rows[i].init, NULL, NULL, NULL};
		struct step complete = {"POST idmsa/escrow/complete",
		    rows[i].complete, NULL, NULL, NULL};

		/* after a code: the code is used up when it fails */
		start();
		to_code();
		if (rows[i].code == ERR_NONE)
			PLAY(DEVICE_CODE(409, EDP, NULL), init, complete,
			    TRUSTED, LOGGED_IN);
		else if (rows[i].complete == 0)
			PLAY(DEVICE_CODE(409, EDP, NULL), init);
		else
			PLAY(DEVICE_CODE(409, EDP, NULL), init, complete);
		if (rows[i].code == ERR_NONE) {
			assert_int_equal(submit(), 0);
			assert_int_equal(g.next, AUTH_READY);
		} else {
			assert_int_equal(submit(), -1);
			assert_int_equal(g.err.code, rows[i].code);
			assert_int_equal(g.s->stage, SESSION_NONE);
		}
		finish();
	}
}

/* In a second process it may have been typed wrong. */
static void
test_escrow_wrong_password(void **state)
{
	(void)state;
	start();
	to_code();
	restart();
	PLAY(DEVICE_CODE(409, EDP, NULL), ESCROW_INIT, ESCROW_DONE(401));
	assert_int_equal(submit(), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	finish();
}

/* The password must be at hand for it, and is asked for by its own error. */
static void
test_escrow_without_password(void **state)
{
	(void)state;
	start();
	to_code();
	PLAY(DEVICE_CODE(409, EDP, NULL));
	assert_int_equal(
	    done(auth_submit_code(&g.next, g.a, CODE, NULL, &g.err)), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	finish();
}

/*
 * [code-submit]
 */
static const struct {
	int status;
	const char *headers, *body;
	enum err_code code; /* ERR_NONE: accepted */
	bool wrong;         /* another code may be typed */
	bool ends;          /* a new sign-in is needed */
} code_rows[] = {
    {204, "X-Apple-Session-Token: token-9\n", NULL, ERR_NONE, false, false},
    {200, "X-Apple-Session-Token: token-9\n", "{}", ERR_NONE, false, false},
    {200, NULL, "<html>", ERR_NONE, false, false},
    {409, NULL, "{\"securityCode\":{\"valid\":true}}", ERR_NONE, false, false},
    {409, "X-Apple-Session-Token: token-9\n", NULL, ERR_NONE, false, false},
    {200, "X-Apple-I-Rscd: 409\nX-Apple-Session-Token: token-9\n", "{}",
	ERR_NONE, false, false},
    {409, NULL, "{\"securityCode\":{\"valid\":false}}", ERR_NONE, true, false},
    {409, "X-Apple-EDP: true\n", "{}", ERR_NONE, true, false},
    {409, NULL, NULL, ERR_NONE, true, false},
    {400, "X-Apple-I-Ercd: -21669\n", VERIFY_ERROR("-21669"), ERR_NONE, true,
	false},
    {400, "X-Apple-I-Ercd: -21669\n", NULL, ERR_NONE, true, false},
    {200, NULL, VERIFY_ERROR("-21669"), ERR_NONE, true, false},
    {200, "X-Apple-I-Rscd: 400\n", VERIFY_ERROR("-21669"), ERR_NONE, true,
	false},
    {200, NULL, "{\"hasError\":true}", ERR_PROTOCOL, false, false},
    {401, NULL, VERIFY_ERROR("-22982"), ERR_CODE, false, false},
    {401, NULL, NULL, ERR_CODE, false, true},
    {403, NULL, NULL, ERR_CODE, false, true},
    {403, NULL, VERIFY_ERROR("-20209"), ERR_LOCKED, false, false},
    {412, NULL, "{}", ERR_TERMS, false, false},
    {423, NULL, "{\"securityCode\":{\"securityCodeLocked\":true}}", ERR_CODE,
	false, false},
    {423, NULL, NULL, ERR_CODE, false, false},
    {409, NULL, "{\"securityCode\":{\"tooManyCodesValidated\":true}}", ERR_CODE,
	false, false},
    {400, NULL,
	"{\"phoneNumberVerification\":{\"securityCode\":"
	"{\"securityCodeCooldown\":true}}}",
	ERR_CODE, false, false},
    {400, NULL, VERIFY_ERROR("-1"), ERR_PROTOCOL, false, false},
    {404, NULL, NULL, ERR_PROTOCOL, false, false},
    {429, NULL, NULL, ERR_THROTTLED, false, false},
    {503, NULL, NULL, ERR_THROTTLED, false, false},
    {500, NULL, NULL, ERR_UNAVAILABLE, false, false},
    {0, NULL, NULL, ERR_NETWORK, false, false},
};

static void
test_code_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(code_rows) / sizeof(code_rows[0]); i++) {
		struct step code = DEVICE_CODE(code_rows[i].status,
		    code_rows[i].headers, code_rows[i].body);
		bool accepted =
		    code_rows[i].code == ERR_NONE && !code_rows[i].wrong;
		int rc;

		start();
		to_code();
		if (accepted)
			PLAY(code, TRUSTED, LOGGED_IN);
		else
			PLAY(code);
		rc = submit();
		if (g.err.code != code_rows[i].code)
			fail_msg("row %zu: %d %s", i, g.err.code, g.err.what);
		assert_int_equal(rc, code_rows[i].code == ERR_NONE ? 0 : -1);
		if (accepted)
			assert_int_equal(g.next, AUTH_READY);
		if (code_rows[i].wrong)
			assert_int_equal(g.next, AUTH_NEED_CODE);
		assert_int_equal(g.s->code_tries, code_rows[i].wrong);
		assert_int_equal(g.s->stage,
		    accepted                ? SESSION_SIGNED_IN
			: code_rows[i].ends ? SESSION_NONE
					    : SESSION_NEEDS_CODE);
		finish();
	}
}

/* 409, valid, neither token nor mark: on with the token of the proof. */
static void
test_code_without_token(void **state)
{
	(void)state;
	start();
	to_code();
	PLAY(DEVICE_CODE(409, NULL, "{\"securityCode\":{\"valid\":true}}"),
	    {.request = "GET idmsa/2sv/trust",
		.status = 204,
		.headers = "X-Apple-TwoSV-Trust-Token: " TRUST "\n"},
	    LOGGED_IN);
	assert_int_equal(submit(), 0);
	assert_non_null(
	    strstr(last_of("POST setup/accountLogin")->body, "\"token-1\""));
	finish();
}

/* 412 with a valid code: repair once, then trust. */
static void
test_code_repair(void **state)
{
	(void)state;
	start();
	to_code();
	PLAY(DEVICE_CODE(412, NULL, "{\"securityCode\":{\"valid\":true}}"),
	    {.request = "POST idmsa/repair/complete", .status = 200}, TRUSTED,
	    LOGGED_IN);
	assert_int_equal(submit(), 0);
	assert_int_equal(g.next, AUTH_READY);
	finish();

	start();
	to_code();
	PLAY(DEVICE_CODE(412, NULL, "{\"securityCode\":{\"valid\":true}}"),
	    {.request = "POST idmsa/repair/complete", .status = 412});
	assert_int_equal(submit(), -1);
	assert_int_equal(g.err.code, ERR_TERMS);
	assert_int_equal(g.s->stage, SESSION_NONE);
	finish();
}

#define WRONG_CODE DEVICE_CODE(400, NULL, VERIFY_ERROR("-21669"))

/* Three wrong codes end a sign-in, also over several processes. */
static void
test_three_wrong_codes(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		start();
		to_code();
		for (int i = 0; i < 2; i++) {
			PLAY(WRONG_CODE);
			assert_int_equal(submit(), 0);
			assert_int_equal(g.next, AUTH_NEED_CODE);
			if (restarts)
				restart();
		}
		PLAY(WRONG_CODE);
		assert_int_equal(submit(), -1);
		assert_int_equal(g.err.code, ERR_CODE);
		assert_int_equal(g.s->stage, SESSION_NONE);
		play(NULL, 0);
		assert_int_equal(submit(), -1);
		assert_int_equal(g.err.code, ERR_CODE);
		/* and a new sign-in counts anew */
		to_code();
		assert_int_equal(g.s->code_tries, 0);
		finish();
	}
}

/* What is no code is not sent. */
static void
test_odd_codes(void **state)
{
	static const char *const codes[] = {"", "12345", "1234567", "12345a",
	    "a12345", "123 45", "\xd9\xa1\xd9\xa2", "-", "123456x", "0x1234"};

	(void)state;
	start();
	to_code();
	play(NULL, 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(done(auth_submit_code(
				     &g.next, g.a, codes[i], PASSWORD, &g.err)),
		    -1);
		assert_int_equal(g.err.code, ERR_CODE);
		assert_int_equal(g.s->stage, SESSION_NEEDS_CODE);
		assert_int_equal(g.s->code_tries, 0);
	}
	finish();
}

/* [code-request] */
static const struct {
	int status;
	const char *body;
	enum err_code code;
	bool ends;
} request_rows[] = {
    {200, NULL, ERR_NONE, false},
    {202, NULL, ERR_NONE, false},
    {200,
	"{\"trustedDeviceCount\":2,\"securityCode\":{\"length\":6,"
	"\"tooManyCodesSent\":false}}",
	ERR_NONE, false},
    {200, "{\"securityCode\":{\"tooManyCodesSent\":true}}", ERR_CODE, false},
    {200, "{\"securityCode\":{\"securityCodeLocked\":true}}", ERR_CODE, false},
    {200, "{\"securityCode\":{\"securityCodeCooldown\":true}}", ERR_CODE,
	false},
    {200, "{\"hasError\":true}", ERR_CODE, false},
    {423, NULL, ERR_CODE, false},
    {412, IDMSA_ERROR("-28248"), ERR_CODE, false},
    {404, NULL, ERR_CODE, false},
    {401, NULL, ERR_CODE, true},
    {403, NULL, ERR_CODE, true},
    {403, IDMSA_ERROR("-20209"), ERR_LOCKED, false},
    {405, NULL, ERR_PROTOCOL, false},
    {500, NULL, ERR_CODE, false},
    {429, NULL, ERR_THROTTLED, false},
    {503, NULL, ERR_THROTTLED, false},
    {0, NULL, ERR_NETWORK, false},
};

static void
test_request_table(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof(request_rows) / sizeof(request_rows[0]) * 2; i++) {
		size_t row = i / 2, n;
		bool phone = i % 2;
		struct step put = {phone
			? "PUT idmsa/verify/phone"
			: "PUT idmsa/verify/trusteddevice/securitycode",
		    request_rows[row].status, NULL, request_rows[row].body,
		    NULL};
		int rc;

		start();
		to_code();
		PLAY(put);
		rc = done(auth_request_code(
		    g.a, phone ? auth_phones(&n, g.a) : NULL, &g.err));
		if (g.err.code != request_rows[row].code)
			fail_msg("row %zu: %d %s", row, g.err.code, g.err.what);
		assert_int_equal(
		    rc, request_rows[row].code == ERR_NONE ? 0 : -1);
		assert_int_equal(g.s->stage,
		    request_rows[row].ends ? SESSION_NONE : SESSION_NEEDS_CODE);
		if (rc == -1)
			assert_int_equal(g.s->code_via, SESSION_CODE_NONE);
		finish();
	}
}

/* A code from a message goes where it came from, with the same words. */
static void
test_phone_codes(void **state)
{
	static const struct {
		enum session_code_via via;
		const char *put, *post;
	} rows[] = {
	    {SESSION_CODE_SMS,
		"{\"phoneNumber\":{\"id\":3,\"nonFTEU\":true},\"mode\":"
		"\"sms\"}",
		"{\"phoneNumber\":{\"id\":3,\"nonFTEU\":true},"
		"\"securityCode\":{\"code\":\"012345\"},\"mode\":\"sms\"}"},
	    {SESSION_CODE_VOICE,
		"{\"phoneNumber\":{\"id\":\"a\"},\"mode\":\"voice\"}",
		"{\"phoneNumber\":{\"id\":\"a\"},"
		"\"securityCode\":{\"code\":\"012345\"},\"mode\":\"voice\"}"},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct auth_phone *phones;
		size_t n;

		start();
		to_code();
		phones = auth_phones(&n, g.a);
		PLAY({.request = "PUT idmsa/verify/phone",
		    .status = 200,
		    .body = "{\"mode\":\"sms\"}"});
		assert_int_equal(
		    done(auth_request_code(g.a, &phones[i], &g.err)), 0);
		assert_string_equal(g.seen[0].body, rows[i].put);
		assert_widget_headers(&g.seen[0], HOME_ORIGIN);
		assert_null(g.seen[0].retry); /* each one counts */
		assert_int_equal(g.s->code_via, rows[i].via);
		restart();
		PLAY({.request = "POST idmsa/verify/phone/securitycode",
			 .status = 200,
			 .body = "{}"},
		    TRUSTED, LOGGED_IN);
		assert_int_equal(submit(), 0);
		assert_int_equal(g.next, AUTH_READY);
		assert_string_equal(g.seen[0].body, rows[i].post);
		finish();
	}
}

/* A code without a sign-in that waits for it is not sent anywhere. */
static void
test_no_code_waits(void **state)
{
	(void)state;
	start();
	play(NULL, 0);
	assert_int_equal(done(auth_request_code(g.a, NULL, &g.err)), -1);
	assert_int_equal(g.err.code, ERR_CODE);
	assert_int_equal(submit(), -1);
	assert_int_equal(g.err.code, ERR_CODE);
	finish();
}

/* Two processes: the second sends only the code, within ten minutes. */
static void
test_second_process(void **state)
{
	(void)state;
	start();
	to_code();
	restart();
	g.now += 10 * MINUTE;
	PLAY(DEVICE_CODE(204, NULL, NULL), TRUSTED, LOGGED_IN);
	assert_int_equal(submit(), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_string_equal(
	    sent_header(&g.seen[0], "X-Apple-ID-Session-Id"), "sess-1");
	finish();

	start();
	to_code();
	restart();
	g.now += 10 * MINUTE + 1;
	play(NULL, 0);
	assert_int_equal(submit(), -1);
	assert_int_equal(g.err.code, ERR_CODE);
	finish();
}

/* The old session still works beside a sign-in that waits for its code. */
static void
test_resume_beside_code(void **state)
{
	(void)state;
	start();
	to_ready();
	to_code();
	restart();
	PLAY(VALIDATED(200, GOOD_ACCOUNT));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_int_equal(g.s->stage, SESSION_NEEDS_CODE);
	PLAY(DEVICE_CODE(204, NULL, NULL), TRUSTED, LOGGED_IN);
	assert_int_equal(submit(), 0);
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
	finish();

	/* and its own token opens nothing: no request is wasted on it */
	start();
	to_code();
	restart();
	play(NULL, 0);
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_PASSWORD);
	finish();
}

/* [trust]: whatever becomes of it, the code was accepted. */
static void
test_trust_table(void **state)
{
	static const int rows[] = {
	    200, 204, 400, 401, 404, 409, 412, 500, 429, 503, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step trust = {
		    "GET idmsa/2sv/trust", rows[i], NULL, NULL, NULL};

		start();
		to_code();
		PLAY(DEVICE_CODE(204, "X-Apple-Session-Token: token-8\n", NULL),
		    trust, LOGGED_IN);
		assert_int_equal(submit(), 0);
		assert_int_equal(g.next, AUTH_READY);
		assert_null(g.s->trust_token);
		assert_non_null(strstr(last_of("POST setup/accountLogin")->body,
		    "\"dsWebAuthToken\":\"token-8\","
		    "\"extended_login\":true,\"trustToken\":\"\""));
		assert_int_equal(g.s->srp_not_before_ms > NOW,
		    rows[i] == 429 || rows[i] == 503);
		finish();
	}
}

/*
 * [account-flags]
 */
#define NEEDS_CONSENT ((enum err_code) - 1) /* no error: a tap is needed */
#define FLAGS(top, ds, db, jar, code)           \
	{                                       \
		ACCOUNT(top, ds, db), jar, code \
	}

static const struct {
	const char *body, *cookies;
	enum err_code code;
} flag_rows[] = {
    FLAGS("", "", "", FULL_COOKIES, ERR_NONE),
    FLAGS("", "\"hsaVersion\":null,", "", FULL_COOKIES, ERR_NONE),
    FLAGS("\"success\":false,\"error\":\"odd\",", "", "", FULL_COOKIES,
	ERR_PROTOCOL),
    FLAGS("\"hasError\":true,", "", "", FULL_COOKIES, ERR_PROTOCOL),
    FLAGS("\"termsUpdateNeeded\":true,", "", "", "", ERR_TERMS),
    FLAGS("\"termsUpdateNeeded\":true,\"isRepairNeeded\":true,",
	"\"locked\":true,", "", FULL_COOKIES, ERR_TERMS),
    FLAGS("\"isRepairNeeded\":true,", "", "", FULL_COOKIES, ERR_TERMS),
    FLAGS("", "", "", COOKIE("X-APPLE-WEBAUTH-REPAIR", "1", FAR), ERR_TERMS),
    FLAGS("", "", "", COOKIE("X-APPLE-WEBAUTH-REPAIR", "1", FAR) FULL_COOKIES,
	ERR_NONE),
    FLAGS("", "\"locked\":true,\"isWebAccessAllowed\":false,", "", FULL_COOKIES,
	ERR_LOCKED),
    FLAGS("\"hsaTrustedBrowser\":false,", "\"isWebAccessAllowed\":false,", "",
	FULL_COOKIES, ERR_WEB_ACCESS),
    FLAGS("\"hsaTrustedBrowser\":false,", "\"hsaVersion\":1,", "", FULL_COOKIES,
	ERR_CODE),
    FLAGS("", "\"hsaVersion\":1,", "", FULL_COOKIES, ERR_NONE),
    FLAGS("\"webservices\":{},", "", "", FULL_COOKIES, ERR_TERMS),
    FLAGS("", "", "\"status\":\"inactive\",", FULL_COOKIES, ERR_TERMS),
    FLAGS("", "", "\"url\":\"http://p61-ckdatabasews.icloud.com\",",
	FULL_COOKIES, ERR_PROTOCOL),
    FLAGS("", "", "\"url\":\"https://icloud.com.example\",", FULL_COOKIES,
	ERR_PROTOCOL),
    FLAGS("", "", "\"url\":\"https://x.icloud.com:443@evil.example\",",
	FULL_COOKIES, ERR_PROTOCOL),
    FLAGS("", "", "\"url\":\"https://x.icloud.com:80\",", FULL_COOKIES,
	ERR_PROTOCOL),
    FLAGS("", "", "\"url\":\"https://p2-ckdatabasews.icloud.com\",",
	FULL_COOKIES, ERR_NONE),
    FLAGS("", "", "\"url\":\"https://p2-ckdatabasews.icloud.com.cn:443\",",
	FULL_COOKIES, ERR_NONE),
    FLAGS("", "", "", PCS_COOKIES, ERR_TERMS), /* no token */
    FLAGS("", "", "", COOKIE("X-APPLE-WEBAUTH-TOKEN", "1", "1000") PCS_COOKIES,
	ERR_TERMS),
    FLAGS("", "", "", TOKEN_COOKIE, NEEDS_CONSENT),
    FLAGS("", "\"iCDPEnabled\":true,", "", TOKEN_COOKIE, NEEDS_CONSENT),
    FLAGS("", "\"iCDPEnabled\":true,", "", FULL_COOKIES, ERR_NONE),
    FLAGS("", "\"iCDPEnabled\":true,", "",
	TOKEN_COOKIE COOKIE("X-APPLE-WEBAUTH-PCS-Sharing", "1", FAR),
	NEEDS_CONSENT),
    FLAGS("", "", "",
	TOKEN_COOKIE COOKIE("X-APPLE-WEBAUTH-PCS-Sharing", "1", FAR), ERR_NONE),
    FLAGS("", "", "\"pcsRequired\":false,", TOKEN_COOKIE, ERR_NONE),
    {"{}", FULL_COOKIES, ERR_PROTOCOL},
    {"<html>", FULL_COOKIES, ERR_PROTOCOL},
};

static void
test_account_flags(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(flag_rows) / sizeof(flag_rows[0]); i++) {
		int rc;

		start();
		if (flag_rows[i].code == NEEDS_CONSENT) {
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(200, TOKENS, "{}"),
			    LOGIN(200, flag_rows[i].body, flag_rows[i].cookies),
			    {.request = "POST setup/requestWebAccessState",
				.status = 200,
				.body = "{\"isICDRSDisabled\":true}"});
			assert_int_equal(sign_in(AUTH_PERSON), 0);
			assert_int_equal(g.next, AUTH_NEED_CONSENT);
			finish();
			continue;
		}
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
		    LOGIN(200, flag_rows[i].body, flag_rows[i].cookies));
		rc = sign_in(AUTH_PERSON);
		if (g.err.code != flag_rows[i].code)
			fail_msg("row %zu: %d %s", i, g.err.code, g.err.what);
		assert_int_equal(rc, flag_rows[i].code == ERR_NONE ? 0 : -1);
		if (rc == 0)
			assert_int_equal(g.next, AUTH_READY);
		finish();
	}
}

static void
test_no_device(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200,
		ACCOUNT("\"hasMinimumDeviceForPhotosWeb\":false,", "", ""),
		FULL_COOKIES));
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_true(g.s->no_device);
	finish();
}

/* accountLogin may be what says that a code is needed, but not after one. */
static void
test_pending_after_login(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(200, TOKENS, "{\"auth_type\":\"hsa2\"}"),
	    LOGIN(200, PENDING_ACCOUNT, NULL), OPTIONS);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_NEED_CODE);
	PLAY(DEVICE_CODE(204, NULL, NULL), TRUSTED,
	    LOGIN(200, PENDING_ACCOUNT, NULL));
	assert_int_equal(submit(), -1);
	assert_int_equal(g.err.code, ERR_CODE);
	assert_int_equal(g.s->stage, SESSION_NONE);
	assert_string_equal(g.s->trust_token, TRUST);
	finish();
}

/* The old two-step kind goes to accountLogin, which names it. */
static void
test_two_step(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(409, TOKENS, "{\"authType\":\"hsa\"}"),
	    LOGIN(200,
		ACCOUNT(
		    "\"hsaTrustedBrowser\":false,", "\"hsaVersion\":1,", ""),
		FULL_COOKIES));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_CODE);
	finish();
}

/*
 * accountLogin's status, after a proof and from the stored token.
 */
#define MISSING                                                         \
	"{\"success\":false,\"error\":\"Missing X-APPLE-WEBAUTH-TOKEN " \
	"cookie\"}"
#define INVALID "{\"success\":false,\"error\":\"Invalid Session Token\"}"

static const struct {
	int status;
	const char *body;
	bool twice;            /* once more, on a fresh connection */
	enum err_code signing; /* after a proof */
	enum err_code resumed; /* ERR_NONE: a password is needed */
} login_rows[] = {
    {400, INVALID, false, ERR_SESSION, ERR_NONE},
    {401, NULL, false, ERR_SESSION, ERR_NONE},
    {450, NULL, false, ERR_SESSION, ERR_NONE},
    {421, MISSING, true, ERR_WEB_ACCESS, ERR_NONE},
    {421, NULL, true, ERR_WEB_ACCESS, ERR_NONE},
    {500, MISSING, false, ERR_SESSION, ERR_NONE},
    {200, INVALID, false, ERR_SESSION, ERR_NONE},
    {403, NULL, false, ERR_SESSION, ERR_SESSION},
    {429, NULL, false, ERR_THROTTLED, ERR_THROTTLED},
    {503, NULL, false, ERR_THROTTLED, ERR_THROTTLED},
    {500, NULL, false, ERR_UNAVAILABLE, ERR_UNAVAILABLE},
    {502, NULL, false, ERR_UNAVAILABLE, ERR_UNAVAILABLE},
    {302, NULL, false, ERR_PROTOCOL, ERR_PROTOCOL},
    {404, NULL, false, ERR_PROTOCOL, ERR_PROTOCOL},
    {0, NULL, false, ERR_NETWORK, ERR_NETWORK},
};

static void
test_login_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(login_rows) / sizeof(login_rows[0]);
	     i++) {
		struct step login =
		    LOGIN(login_rows[i].status, login_rows[i].body, NULL);

		start();
		if (login_rows[i].twice)
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(200, TOKENS, "{}"), login, login);
		else
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(200, TOKENS, "{}"), login);
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		if (g.err.code != login_rows[i].signing)
			fail_msg("row %zu: %s", i, g.err.what);
		if (login_rows[i].twice) {
			assert_false(g.seen[3].fresh);
			assert_true(g.seen[4].fresh);
		}

		/* the token is kept: Apple may have been wrong */
		assert_string_equal(g.s->session_token, "token-1");
		restart();
		if (login_rows[i].twice)
			PLAY(login, login);
		else if (login_rows[i].resumed == ERR_THROTTLED)
			play(NULL, 0); /* too early */
		else
			PLAY(login);
		if (login_rows[i].resumed == ERR_NONE) {
			assert_int_equal(resume(), 0);
			assert_int_equal(g.next, AUTH_NEED_PASSWORD);
		} else {
			assert_int_equal(resume(), -1);
			if (g.err.code != login_rows[i].resumed)
				fail_msg("row %zu: %s", i, g.err.what);
		}
		finish();
	}
}

static void
too_early(int64_t wait)
{
	play(NULL, 0);
	assert_int_equal(resume(), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	assert_int_equal(g.err.wait_ms, wait);
}

/*
 * [setup-throttling]: a stated wait is heeded, also by the next process;
 * otherwise half an hour is assumed, doubled each time.
 */
static void
test_login_throttled(void **state)
{
	static const int waits[] = {30, 60, 120, 240, 360, 360};

	(void)state;
	start();
	to_ready();
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		PLAY(VALIDATED(i % 2 == 0 ? 503 : 429, NULL));
		assert_int_equal(resume(), -1);
		assert_int_equal(g.err.code, ERR_THROTTLED);
		assert_int_equal(g.err.wait_ms, waits[i] * MINUTE);
		/* it does not count against sign-ins */
		assert_int_equal(g.s->srp_not_before_ms, 0);
		assert_int_equal(g.s->srp_failures, 0);
		restart();
		g.now += 30 * MINUTE - 1;
		too_early((waits[i] - 30) * MINUTE + 1);
		/* nor does a sign-in come in between */
		play(NULL, 0);
		assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
		assert_int_equal(g.err.code, ERR_THROTTLED);
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		assert_int_equal(g.err.wait_ms, 1);
		g.now += 1 + (waits[i] - 30) * MINUTE;
	}
	/* an answer ends it */
	PLAY(VALIDATED(200, GOOD_ACCOUNT));
	assert_int_equal(resume(), 0);
	g.retry_after_ms = 7000;
	PLAY(VALIDATED(503, NULL));
	assert_int_equal(resume(), -1);
	assert_int_equal(g.err.wait_ms, 7000);
	/* a clock that was set back holds nobody back */
	g.now -= MINUTE;
	PLAY(VALIDATED(200, GOOD_ACCOUNT));
	assert_int_equal(resume(), 0);
	finish();
}

/* Refused after the proof: the next one waits, whoever makes it. */
static void
test_login_throttled_after_proof(void **state)
{
	(void)state;
	start();
	g.retry_after_ms = 5 * MINUTE;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(503, NULL, NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	assert_int_equal(g.err.wait_ms, 5 * MINUTE);
	restart();
	play(NULL, 0);
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	g.now += 5 * MINUTE;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	finish();
}

/*
 * Resuming [session-start].
 */
static void
test_resume(void **state)
{
	const struct seen *seen;

	(void)state;
	start();
	to_ready();
	restart();
	g.now += MINUTE;
	PLAY(VALIDATED(200,
	    ACCOUNT("", "",
		"\"url\":\"https://p99-ckdatabasews.icloud.com:443\",")));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	seen = &g.seen[0];
	assert_string_equal(seen->body, "null");
	assert_string_equal(sent_header(seen, "Origin"), HOME_ORIGIN);
	assert_string_equal(
	    sent_header(seen, "Content-Type"), "application/json");
	assert_ptr_equal(seen->retry, &retry_sign_in);
	/* the partition may have changed */
	assert_string_equal(
	    g.s->ckdatabase_url, "https://p99-ckdatabasews.icloud.com:443");
	assert_int_equal(g.s->last_validate_ms, NOW + MINUTE);
	finish();
}

static const struct {
	int status;
	const char *body;
	int goes_on; /* with accountLogin; 2: validates once more */
	enum err_code code;
} validate_rows[] = {
    {421, MISSING, 1, ERR_NONE},
    {421, NULL, 2, ERR_NONE},
    {401, NULL, 1, ERR_NONE},
    {450, NULL, 1, ERR_NONE},
    {400, INVALID, 1, ERR_NONE},
    {403, NULL, 1, ERR_NONE},
    {200, PENDING_ACCOUNT, 1, ERR_NONE},
    {429, NULL, 0, ERR_THROTTLED},
    {503, NULL, 0, ERR_THROTTLED},
    {500, NULL, 0, ERR_UNAVAILABLE},
    {502, NULL, 0, ERR_UNAVAILABLE},
    {404, NULL, 0, ERR_PROTOCOL},
    {200, "<html>", 0, ERR_PROTOCOL},
    {200, ACCOUNT("\"termsUpdateNeeded\":true,", "", ""), 0, ERR_TERMS},
    {200, ACCOUNT("", "\"locked\":true,", ""), 0, ERR_LOCKED},
    {200, ACCOUNT("", "\"isWebAccessAllowed\":false,", ""), 0, ERR_WEB_ACCESS},
    {0, NULL, 0, ERR_NETWORK},
};

static void
test_validate_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(validate_rows) / sizeof(validate_rows[0]);
	     i++) {
		struct step v =
		    VALIDATED(validate_rows[i].status, validate_rows[i].body);

		start();
		to_ready();
		restart();
		if (validate_rows[i].goes_on == 2)
			PLAY(v, v, LOGGED_IN);
		else if (validate_rows[i].goes_on == 1)
			PLAY(v, LOGGED_IN);
		else
			PLAY(v);
		if (validate_rows[i].goes_on) {
			assert_int_equal(resume(), 0);
			assert_int_equal(g.next, AUTH_READY);
			assert_string_equal(g.s->trust_token, TRUST);
		} else {
			assert_int_equal(resume(), -1);
			if (g.err.code != validate_rows[i].code)
				fail_msg("row %zu: %s", i, g.err.what);
		}
		if (validate_rows[i].goes_on == 2) {
			assert_false(g.seen[0].fresh);
			assert_true(g.seen[1].fresh);
			assert_true(g.seen[2].fresh);
		}
		finish();
	}
}

/* A misrouted connection is cured by a new one, without accountLogin. */
static void
test_misrouted(void **state)
{
	(void)state;
	start();
	to_ready();
	restart();
	PLAY(VALIDATED(421, NULL), VALIDATED(200, GOOD_ACCOUNT));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	finish();
}

/* Without its cookie, or past its end, validate is not asked at all. */
static void
test_resume_without_cookie(void **state)
{
	(void)state;
	start();
	to_ready();
	http_cookies_clear(g.http, ".icloud.com");
	PLAY(LOGGED_IN);
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_READY);
	finish();

	start();
	to_ready();
	g.now = INT64_C(4102444800001);
	PLAY(LOGIN(421, MISSING, NULL), LOGIN(421, MISSING, NULL));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_PASSWORD);
	finish();
}

/* A session that is at an end takes two requests to be known as that. */
static void
test_resume_ended(void **state)
{
	(void)state;
	start();
	to_ready();
	restart();
	PLAY(VALIDATED(421, MISSING), LOGIN(421, MISSING, NULL));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_PASSWORD);
	assert_true(g.seen[1].fresh);
	finish();
}

/* A stored token whose second factor is pending asks for a proof first. */
static void
test_resume_pending(void **state)
{
	(void)state;
	start();
	to_ready();
	PLAY(VALIDATED(421, MISSING), LOGIN(200, PENDING_ACCOUNT, NULL));
	assert_int_equal(resume(), 0);
	assert_int_equal(g.next, AUTH_NEED_PASSWORD);
	finish();
}

/*
 * Regions.
 */
#define TO_CN  "{\"domainToUse\":\"iCloud.com.cn\"}"
#define TO_COM "{\"domainToUse\":\"ICLOUD.COM\"}"
#define CN_LOGIN(st, text)                                               \
	{                                                                \
		.request = "POST setup.cn/accountLogin", .status = (st), \
		.body = (text), .cookie = FULL_COOKIES                   \
	}

static void
test_region(void **state)
{
	static const int statuses[] = {302, 200};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start();
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
		    LOGIN(statuses[i], TO_CN, NULL),
		    CN_LOGIN(200, GOOD_ACCOUNT));
		assert_int_equal(sign_in(AUTH_PERSON), 0);
		assert_int_equal(g.next, AUTH_READY);
		assert_int_equal(g.s->region, SESSION_CN);
		assert_string_equal(sent_header(&g.seen[4], "Origin"),
		    "https://www.icloud.com.cn");
		assert_string_equal(g.seen[3].body, g.seen[4].body);
		/* and the next sign-in starts there */
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
		    CN_LOGIN(200, GOOD_ACCOUNT));
		assert_int_equal(sign_in(AUTH_PERSON), 0);
		assert_string_equal(
		    sent_header(&g.seen[1], "X-Apple-OAuth-Redirect-URI"),
		    "https://www.icloud.com.cn");
		assert_non_null(strstr(g.seen[0].query,
		    "redirect_uri=https%3A%2F%2Fwww.icloud.com.cn&"));
		finish();
	}

	/* the tokens are refused there: a new sign-in is needed */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(302, TO_CN, NULL), CN_LOGIN(400, INVALID));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_SESSION);
	assert_int_equal(g.s->region, SESSION_CN);
	finish();

	/* back and forth is no loop */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(302, TO_CN, NULL), CN_LOGIN(302, TO_COM));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_PROTOCOL);
	finish();

	/* only two names are known */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(302, "{\"domainToUse\":\"icloud.com.evil.example\"}", NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_PROTOCOL);
	assert_int_equal(g.s->region, SESSION_COM);
	finish();
}

#define ON(host, method, rest, st)                              \
	{                                                       \
		.request = method " " host rest, .status = (st) \
	}

/* An account of mainland China, as a sign-in of before has found out. */
static void
start_cn(void)
{
	start();
	g.s->region = SESSION_CN;
}

/* [region]: the first host cannot be reached, so the other one is asked, once;
 * and the sign-in stays with it, also in another process. */
static void
test_other_host(void **state)
{
	(void)state;
	start_cn();
	PLAY(ON("idmsa", "GET", "/authorize/signin", 0),
	    ON("idmsa.cn", "GET", "/authorize/signin", 200),
	    ON("idmsa.cn", "POST", "/signin/init", 200),
	    {.request = "POST idmsa.cn/signin/complete",
		.status = 409,
		.headers = TOKENS,
		.body = "{}"},
	    {.request = "GET idmsa.cn", .status = 200, .body = PAGE});
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_NEED_CODE);
	assert_string_equal(
	    sent_header(&g.seen[2], "Origin"), "https://idmsa.apple.com.cn");
	restart();
	PLAY({.request = "POST idmsa.cn/verify/trusteddevice/securitycode",
		 .status = 204},
	    {.request = "GET idmsa.cn/2sv/trust", .status = 204},
	    CN_LOGIN(200, GOOD_ACCOUNT));
	assert_int_equal(submit(), 0);
	assert_int_equal(g.next, AUTH_READY);
	/* the next one begins with the first host again */
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    CN_LOGIN(200, GOOD_ACCOUNT));
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	finish();

	/* neither can be reached */
	start_cn();
	PLAY(ON("idmsa", "GET", "/authorize/signin", 0),
	    ON("idmsa.cn", "GET", "/authorize/signin", 0));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_NETWORK);
	finish();
}

/* An answer is an answer, whatever it says; and only that region has two. */
static void
test_no_other_host(void **state)
{
	static const int statuses[] = {429, 503};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start_cn();
		PLAY(ON("idmsa", "GET", "/authorize/signin", statuses[i]));
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		assert_int_equal(g.err.code, ERR_THROTTLED);
		finish();
	}
	start_cn();
	PLAY(ON("idmsa", "GET", "/authorize/signin", 500), CHALLENGED,
	    COMPLETED(200, TOKENS, "{}"), CN_LOGIN(200, GOOD_ACCOUNT));
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	finish();

	/* after the page, a connection that breaks is no host that is away */
	start_cn();
	PLAY(AUTHORIZED, ON("idmsa", "POST", "/signin/init", 0));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_NETWORK);
	finish();

	start();
	PLAY(ON("idmsa", "GET", "/authorize/signin", 0));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_NETWORK);
	finish();
}

/* --idmsa-host: that one and no other. */
static void
test_chosen_host(void **state)
{
	(void)state;
	start();
	auth_use_host(g.a, "idmsa.apple.com.cn");
	PLAY(ON("idmsa.cn", "GET", "/authorize/signin", 200),
	    ON("idmsa.cn", "POST", "/signin/init", 200),
	    {.request = "POST idmsa.cn/signin/complete",
		.status = 409,
		.headers = TOKENS,
		.body = "{}"},
	    {.request = "GET idmsa.cn", .status = 200, .body = PAGE});
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	/* whatever the process says that hands in the code */
	restart();
	auth_use_host(g.a, "idmsa.apple.com");
	PLAY({.request = "POST idmsa.cn/verify/trusteddevice/securitycode",
		 .status = 204},
	    {.request = "GET idmsa.cn/2sv/trust", .status = 204}, LOGGED_IN);
	assert_int_equal(submit(), 0);
	finish();

	start_cn();
	auth_use_host(g.a, "idmsa.apple.com");
	PLAY(ON("idmsa", "GET", "/authorize/signin", 0));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_NETWORK);
	auth_use_host(g.a, "idmsa.apple.com.cn");
	PLAY(ON("idmsa.cn", "GET", "/authorize/signin", 0));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	auth_use_host(g.a, NULL);
	PLAY(ON("idmsa", "GET", "/authorize/signin", 0),
	    ON("idmsa.cn", "GET", "/authorize/signin", 0));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	finish();
}

/*
 * A proof of work [hashcash].
 */
#define HC_CHALLENGE "4e19d05de1614b4ea7746036705248f0"
#define OFFERED(bits, challenge)                                        \
	{                                                               \
		.request = "GET idmsa/authorize/signin", .status = 200, \
		.headers = "X-Apple-HC-Bits: " bits                     \
			   "\nX-Apple-HC-Challenge: " challenge "\n",   \
	}
/* A later challenge, which does not count. */
#define MISLED                                                          \
	{                                                               \
		.request = "POST idmsa/signin/init", .status = 200,     \
		.headers = "X-Apple-HC-Bits: 3\nX-Apple-HC-Challenge: " \
			   "ffffffffffffffffffffffffffffffff\n",        \
	}

static const struct {
	int status;
	const char *body;
	bool wanted;
} stamp_rows[] = {
    {403, NULL, true},
    {400, NULL, true},
    {503, NULL, true},
    {403, IDMSA_ERROR("-20209"), false},
    {403, IDMSA_ERROR("-20751"), false},
    {401, IDMSA_ERROR("-20101"), false},
    {429, NULL, false},
    {500, NULL, false},
};

static void
test_stamp(void **state)
{
	const char *stamp;

	(void)state;
	for (size_t i = 0; i < sizeof(stamp_rows) / sizeof(stamp_rows[0]);
	     i++) {
		start();
		PLAY(OFFERED("10", HC_CHALLENGE), MISLED,
		    COMPLETED(stamp_rows[i].status, NULL, stamp_rows[i].body));
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		for (size_t k = 0; k < g.n_seen; k++)
			assert_null(sent_header(&g.seen[k], "X-Apple-HC"));
		if (g.s->stamp_wanted != stamp_rows[i].wanted)
			fail_msg("row %zu", i);
		assert_int_equal(strstr(g.err.next, "proof of work") != NULL,
		    stamp_rows[i].wanted && stamp_rows[i].status != 503);
		finish();
	}

	/* The next sign-in brings it, with the proof and nowhere else. */
	start();
	PLAY(OFFERED("10", HC_CHALLENGE), MISLED, COMPLETED(403, NULL, NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	restart();
	PLAY(OFFERED("11", HC_CHALLENGE), MISLED, COMPLETED(200, TOKENS, "{}"),
	    LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	for (size_t k = 0; k < g.n_seen; k++)
		if (k != 2)
			assert_null(sent_header(&g.seen[k], "X-Apple-HC"));
	stamp = sent_header(&g.seen[2], "X-Apple-HC");
	assert_non_null(stamp);
	assert_non_null(
	    strstr(stamp, "1:11:20260921141320:" HC_CHALLENGE "::"));
	finish();
}

/* What is not offered, or asks for too much, is not brought. */
static void
test_no_stamp(void **state)
{
	static const struct step pages[] = {
	    {.request = "GET idmsa/authorize/signin", .status = 200},
	    OFFERED("25", HC_CHALLENGE),
	    OFFERED("0", HC_CHALLENGE),
	    OFFERED("many", HC_CHALLENGE),
	    OFFERED("10", "no hex"),
	    OFFERED("10", HC_CHALLENGE HC_CHALLENGE "0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		start();
		g.s->stamp_wanted = true;
		PLAY(pages[i], CHALLENGED, COMPLETED(200, TOKENS, "{}"),
		    LOGGED_IN);
		assert_int_equal(sign_in(AUTH_PERSON), 0);
		assert_null(sent_header(&g.seen[2], "X-Apple-HC"));
		finish();
	}
	/* without an offer a refusal is only a refusal */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(403, NULL, NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_false(g.s->stamp_wanted);
	finish();
}

/*
 * Holding back [throttling].
 */

#define THROTTLED                                                  \
	{                                                          \
		.request = "POST idmsa/signin/init", .status = 503 \
	}

static void
nothing_sent(enum auth_who who, int64_t wait)
{
	play(NULL, 0);
	assert_int_equal(sign_in(who), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	assert_int_equal(g.err.wait_ms, wait);
}

static void
test_throttled_person(void **state)
{
	(void)state;
	start();
	g.retry_after_ms = 5 * MINUTE;
	for (int i = 0; i < 4; i++) {
		PLAY(AUTHORIZED, THROTTLED);
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		assert_int_equal(g.err.code, ERR_THROTTLED);
		assert_int_equal(g.err.wait_ms, 5 * MINUTE);
		nothing_sent(AUTH_PERSON, 5 * MINUTE);
		g.now += 5 * MINUTE - 1;
		restart();
		nothing_sent(AUTH_PERSON, 1);
		g.now++;
	}
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.s->srp_failures, 0);
	assert_int_equal(g.s->srp_not_before_ms, 0);
	assert_int_equal(g.s->login_not_before_ms, 0);
	finish();
}

/* 30 minutes, doubled each time, at most 6 hours; over processes. */
static void
test_throttled_unattended(void **state)
{
	static const int waits[] = {30, 60, 120, 240, 360, 360};

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		PLAY(AUTHORIZED, THROTTLED);
		assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
		assert_int_equal(g.err.code, ERR_THROTTLED);
		assert_int_equal(g.err.wait_ms, waits[i] * MINUTE);
		restart();
		nothing_sent(AUTH_UNATTENDED, waits[i] * MINUTE);
		/* a person waits for the first value only */
		g.now += 30 * MINUTE;
		if (waits[i] > 30)
			nothing_sent(AUTH_UNATTENDED, (waits[i] - 30) * MINUTE);
		assert_true(g.s->login_not_before_ms <= g.now);
		g.now += (waits[i] - 30) * MINUTE;
	}
	finish();

	/* more than 6 hours are kept where they were stated */
	start();
	g.retry_after_ms = 600 * MINUTE;
	PLAY(AUTHORIZED, THROTTLED);
	assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
	assert_int_equal(g.err.wait_ms, 600 * MINUTE);
	finish();
}

/* A wait of centuries is a mistake; it must not come to a negative one. */
static void
test_throttled_for_ever(void **state)
{
	(void)state;
	start();
	g.retry_after_ms = INT64_MAX / 1000 * 1000;
	PLAY(AUTHORIZED, THROTTLED);
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.wait_ms, 366 * 24 * 60 * MINUTE);
	restart();
	nothing_sent(AUTH_PERSON, 366 * 24 * 60 * MINUTE);
	nothing_sent(AUTH_UNATTENDED, 366 * 24 * 60 * MINUTE);
	finish();
}

/* One a quarter of an hour, and one a run, however long it is. */
static void
test_unattended_gap(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	g.now += 15 * MINUTE;
	nothing_sent(AUTH_UNATTENDED, 15 * MINUTE); /* the same run */
	g.now -= 1;
	restart();
	nothing_sent(AUTH_UNATTENDED, 1);
	g.now += 1;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	/* a person is not held back by it */
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	finish();

	/* a failed one of a person holds unattended ones back as well */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(401, NULL, NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	g.now += 5 * MINUTE;
	nothing_sent(AUTH_UNATTENDED, 10 * MINUTE);
	finish();

	/* a clock that was set back holds nobody back for years */
	start();
	g.now += 1000000 * MINUTE;
	PLAY(AUTHORIZED, THROTTLED);
	assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
	restart();
	g.now = NOW;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	finish();

	/* no answer is no exchange */
	start();
	PLAY(AUTHORIZED, {.request = "POST idmsa/signin/init", .status = 0});
	assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	finish();
}

/* A saved password that was refused is not tried night after night. */
static void
test_refused_password_is_not_repeated(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(401, NULL, NULL));
	assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	g.now += MINUTE * 60 * 24;
	restart();
	play(NULL, 0);
	assert_int_equal(sign_in(AUTH_UNATTENDED), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	/* until a person has signed in */
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	g.now += MINUTE * 60 * 24;
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"), LOGGED_IN);
	assert_int_equal(sign_in(AUTH_UNATTENDED), 0);
	finish();
}

static void
test_no_password(void **state)
{
	(void)state;
	start();
	play(NULL, 0);
	assert_int_equal(
	    done(auth_sign_in(&g.next, g.a, NULL, AUTH_PERSON, &g.err)), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	assert_int_equal(
	    done(auth_sign_in(&g.next, g.a, "", AUTH_PERSON, &g.err)), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	finish();
}

/*
 * Where codes can go [code-options].
 */
#define PHONE(id)    "{\"id\":" id ",\"numberWithDialCode\":\"x\"}"
#define LIST(id)     "\"trustedPhoneNumbers\":[" PHONE(id) "]"
#define SINGLE(id)   "\"trustedPhoneNumber\":" PHONE(id)
#define SCRIPT(json) "<script class=boot_args>" json "</script>"
#define BRIDGE(p)                                         \
	"{\"direct\":{\"twoSV\":{\"bridgeInitiateData\":" \
	"{\"phoneNumberVerification\":{" p "}}}}}"
#define DIRECT(p) \
	"{\"direct\":{\"twoSV\":{\"phoneNumberVerification\":{" p "}}}}"

static const struct {
	int status;
	const char *body;
	const char *id; /* of the first phone; NULL: none */
	bool devices;
} option_rows[] = {
    {200, "{" LIST("7") "}", "7", true},
    {200, "{\"phoneNumberVerification\":{" LIST("7") "}}", "7", true},
    {200, DIRECT(LIST("7")), "7", true},
    {200, SCRIPT(DIRECT(LIST("7"))), "7", true},
    {200, SCRIPT(BRIDGE(LIST("7"))), "7", true},
    {200, SCRIPT(BRIDGE(SINGLE("3"))), "3", true},
    {200, "{" SINGLE("3") "}", "3", true},
    {200, "{" SINGLE("3") ",\"phoneNumberVerification\":{" LIST("7") "}}", "7",
	true},
    {200, "{" LIST("1") ",\"phoneNumberVerification\":{" LIST("2") "}}", "1",
	true},
    {200, "{\"trustedPhoneNumbers\":[]," SINGLE("3") "}", "3", true},
    {200, "{\"trustedPhoneNumbers\":[{\"id\":null},{}]}", NULL, true},
    {200, SCRIPT("{\"direct\":{\"hasTrustedDevices\":false}}"), NULL, false},
    {200, "{\"noTrustedDevices\":true," LIST("1") "}", "1", false},
    {200,
	"<SCRIPT\nTYPE='a>b' data-x=\">\" CLASS = 'x  boot_args'\n>"
	"{" LIST("5") "}</SCRIPT >",
	"5", true},
    {200,
	"<script class=\"boot_argsx\">{" LIST(
	    "1") "}</script>"
		 "<script data-class=boot_args>{" LIST(
		     "2") "}</script>"
			  "<script class=\"a\tboot_args\">{" LIST(
			      "3") "}</script>",
	"3", true},
    {200, "<script class=boot_args>{" LIST("1"), NULL, true},
    {200, "<script class=boot_args", NULL, true},
    {200, "<script class='boot_args", NULL, true},
    {200, "<script", NULL, true},
    {200, SCRIPT("{broken"), NULL, true},
    {200, "", NULL, true},
    {204, NULL, NULL, true},
    {404, "{" LIST("1") "}", NULL, true},
    {500, NULL, NULL, true},
};

static void
test_options_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]);
	     i++) {
		const struct auth_phone *phones;
		size_t n;

		start();
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
		    {.request = "GET idmsa",
			.status = option_rows[i].status,
			.body = option_rows[i].body});
		assert_int_equal(sign_in(AUTH_PERSON), 0);
		assert_int_equal(g.next, AUTH_NEED_CODE);
		phones = auth_phones(&n, g.a);
		if ((n > 0) != (option_rows[i].id != NULL))
			fail_msg("row %zu: %zu phones", i, n);
		if (n > 0)
			assert_string_equal(phones[0].id, option_rows[i].id);
		assert_int_equal(auth_has_devices(g.a), option_rows[i].devices);
		finish();
	}
}

/* Nothing is left but to recover the account: no code can come. */
static void
test_recovery(void **state)
{
	static const char *const pages[] = {
	    SCRIPT("{\"direct\":{\"hasTrustedDevices\":false,\"twoSV\":{"
		   "\"phoneNumberVerification\":{\"recoveryUrl\":\"u\"}}}}"),
	    "{\"noTrustedDevices\":true,\"recoveryUrl\":\"u\"}",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start();
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
		    {.request = "GET idmsa", .status = 200, .body = pages[i]});
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		assert_int_equal(g.err.code, ERR_LOCKED);
		assert_non_null(strstr(g.err.next, "iforgot"));
		finish();
	}
	/* every account has such an address */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
	    {.request = "GET idmsa",
		.status = 200,
		.body =
		    "{\"noTrustedDevices\":true,\"recoveryUrl\":\"u\"," LIST(
			"1") "}"});
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	finish();
}

static void
test_options_throttled(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
	    {.request = "GET idmsa", .status = 503});
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	finish();
}

/* Keys are named, wherever they stand. */
static void
test_security_keys(void **state)
{
	static const char *const pages[] = {
	    "{\"fsaChallenge\":{\"challenge\":\"abc\"},\"keyNames\":"
	    "[\"YubiKey 5C\",\"Passkey-Home\"]}",
	    SCRIPT("{\"direct\":{\"twoSV\":{\"keyNames\":"
		   "[\"YubiKey 5C\",\"Passkey-Home\"]}}}"),
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start();
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
		    {.request = "GET idmsa", .status = 200, .body = pages[i]});
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		assert_int_equal(g.err.code, ERR_SECURITY_KEY);
		assert_non_null(
		    strstr(g.err.what, "(YubiKey 5C, Passkey-Home)"));
		finish();
	}
}

/* What Apple calls a phone or a key is shown: UTF-8, whatever came. */
static void
test_odd_names(void **state)
{
	const struct auth_phone *phones;
	size_t n;

	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
	    {.request = "GET idmsa",
		.status = 200,
		.body = "{\"trustedPhoneNumbers\":[{\"id\":\"\x7f\"},"
			"{\"id\":\"\xff\"},"
			"{\"id\":5,\"numberWithDialCode\":\"+1 \xff\"},"
			"{\"id\":6,\"lastTwoDigits\":\"4\xc3\"},"
			"{\"id\":7}]}"});
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	phones = auth_phones(&n, g.a);
	/* An id that no session can hold is none. */
	assert_int_equal(n, 3);
	assert_string_equal(phones[0].id, "5");
	assert_string_equal(phones[0].label, "+1 \xef\xbf\xbd");
	assert_string_equal(phones[1].label, "...4\xef\xbf\xbd");
	assert_string_equal(phones[2].label, "a trusted number");
	finish();

	start();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(
		409, TOKENS, "{\"fsaChallenge\":{},\"keyNames\":[\"a\xff\"]}"));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_SECURITY_KEY);
	assert_non_null(strstr(g.err.what, "(a\xef\xbf\xbd)"));
	finish();
}

/* Apple's own words too, cut between two characters. */
static void
test_odd_words(void **state)
{
	static const char before[] = "{\"serviceErrors\":[{\"message\":\"";
	struct buf body = {0};

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		start();
		buf_reset(&body);
		buf_adds(&body, before);
		for (size_t i = 0; i < shift; i++)
			buf_addc(&body, 'a');
		for (size_t i = 0; i < 60; i++)
			buf_addc(&body, '\xff');
		buf_adds(&body, "\"}]}");
		PLAY(AUTHORIZED, CHALLENGED,
		    COMPLETED(401, NULL, buf_text(&body)));
		assert_int_equal(sign_in(AUTH_PERSON), -1);
		assert_int_equal(g.err.code, ERR_PASSWORD);
		assert_non_null(strstr(g.err.what, "Apple says: "));
		assert_true(text_is_utf8(g.err.what, strlen(g.err.what)));
		finish();
	}
	buf_clear(&body);
	/* In what else an error shows of an answer. */
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200,
		ACCOUNT(
		    "", "\"hsaVersion\":\"\xff\",\"statusCode\":\"\xc3\",", ""),
		NULL));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_int_equal(g.err.code, ERR_TERMS);
	assert_true(text_is_utf8(g.err.what, strlen(g.err.what)));
	finish();
}

/* [session-record]: what could not be read back is not kept. */
static void
test_odd_values(void **state)
{
	char url[400];
	struct buf account = {0};

	(void)state;
	memset(url, 'a', sizeof(url));
	snprintf(url + sizeof(url) - 12, 12, ".icloud.com");
	buf_addf(&account,
	    "{\"webservices\":{\"ckdatabasews\":{\"url\":\"https://%s\"}},"
	    "\"dsInfo\":{}}",
	    url);
	start();
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(200,
		TOKENS "X-Apple-TwoSV-Trust-Token: a\x01\n"
		       "X-Apple-Auth-Attributes: \xff\n",
		"{}"),
	    LOGIN(200, buf_text(&account),
		COOKIE(
		    "X-APPLE-WEBAUTH-HSA-TRUST-x", "t", "9223372036854775")));
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_null(g.s->trust_token);
	assert_string_equal(g.s->auth_attributes, "attr-1");
	assert_null(g.s->ckdatabase_url);
	assert_true(g.s->trust_expires_ms > 0);
	restart();
	assert_true(g.s->trust_expires_ms > g.now);
	finish();
	buf_clear(&account);
}

/*
 * Cookies [cookies].
 */
static void
test_cookies(void **state)
{
	const char *jar;
	int64_t expires;

	(void)state;
	start();
	PLAY(AUTHORIZED, CHALLENGED, COMPLETED(200, TOKENS, "{}"),
	    LOGIN(200, GOOD_ACCOUNT,
		COOKIE("X-APPLE-WEBAUTH-HSA-LOGIN", "\"v\"", FAR)
		    FULL_COOKIES COOKIE("X-APPLE-WEBAUTH-HSA-LOGIN", "\"w\"",
			"0") COOKIE("X-APPLE-WEBAUTH-USER", "\"d=1\"", "0")));
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	jar = buf_text(&g.s->cookies);
	assert_null(strstr(jar, "HSA-LOGIN"));
	assert_false(http_cookie_has(
	    g.http, "X-APPLE-WEBAUTH-HSA-LOGIN", false, NOW, &expires));
	assert_non_null(strstr(jar, "\t0\tX-APPLE-WEBAUTH-USER\t\"d=1\"\n"));
	assert_non_null(strstr(jar, "\tX-APPLE-WEBAUTH-TOKEN\t\"v=2:t=1\"\n"));
	assert_non_null(strstr(jar, "#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t"));
	assert_int_equal(g.s->trust_expires_ms, INT64_C(4070908800000));
	/* and they come back in another process */
	restart();
	assert_true(http_cookie_has(
	    g.http, "X-APPLE-WEBAUTH-USER", false, NOW, &expires));
	assert_true(account_has_token(g.a));
	finish();
}

/* Cookies are in the session also where no answer came after them. */
static void
test_cookies_after_failure(void **state)
{
	(void)state;
	start();
	PLAY(AUTHORIZED,
	    {.request = "POST idmsa/signin/init",
		.status = 503,
		.cookie = "idmsa.apple.com\tFALSE\t/\tTRUE\t0\taasp\tnew"});
	assert_int_equal(sign_in(AUTH_PERSON), -1);
	assert_non_null(strstr(buf_text(&g.s->cookies), "aasp\tnew"));
	assert_string_equal(g.s->scnt, "scnt-2");
	finish();
}

/*
 * [logout]
 */
static void
test_logout(void **state)
{
	static const struct {
		int status;
		enum err_code code;
	} rows[] = {{200, ERR_NONE}, {421, ERR_NONE}, {500, ERR_UNAVAILABLE},
	    {0, ERR_NETWORK}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step logout = {"POST setup/logout", rows[i].status, NULL,
		    "{\"success\":true}", NULL};

		start();
		to_ready();
		PLAY(logout);
		assert_int_equal(done(auth_logout(g.a, &g.err)),
		    rows[i].code == ERR_NONE ? 0 : -1);
		assert_int_equal(g.err.code, rows[i].code);
		assert_string_equal(g.seen[0].body,
		    "{\"trustBrowser\":true,\"allBrowsers\":false}");
		assert_non_null(
		    strstr(g.seen[0].query, "clientBuildNumber=2534"));
		assert_non_null(strstr(g.seen[0].query, "&clientId=auth-"));
		assert_non_null(strstr(g.seen[0].query, "&dsid=20000000042"));
		/* here it is over in any case */
		assert_null(g.s->session_token);
		assert_null(g.s->scnt);
		assert_string_equal(g.s->trust_token, TRUST);
		assert_int_equal(g.s->cookies.len, 0);
		assert_false(account_has_token(g.a));
		assert_int_equal(g.s->stage, SESSION_NONE);
		/* and there is nothing to tell a second time */
		play(NULL, 0);
		assert_int_equal(done(auth_logout(g.a, &g.err)), 0);
		finish();
	}
}

/*
 * Recorded flows.  Their authors cut salt, b and c to alphabets, took a, m1,
 * m2 out of the bodies and show 200 at signin/complete for a second factor;
 * what counts here are the headers, cookies and members.
 */

/* What other clients leave out, or do where we do not. */
static bool
ours_only(const char *request)
{
	return strcmp(request, "GET idmsa/authorize/signin") == 0 ||
	    strncmp(request, "PUT ", 4) == 0;
}

static struct {
	cJSON *flow;
	const cJSON *next; /* exchange */
} rec;

static void
recorded_headers(struct http_response *resp, const cJSON *headers)
{
	const cJSON *h;

	cJSON_ArrayForEach (h, headers) {
		if (cJSON_IsString(h))
			buf_addf(&resp->headers, "%s: %s\n", h->string,
			    h->valuestring);
	}
}

/* Set-Cookie into the jar, as if it had come today and ran on for long. */
static void
recorded_cookies(const cJSON *list)
{
	const cJSON *c;

	cJSON_ArrayForEach (c, list) {
		const char *v = c->valuestring, *eq = strchr(v, '=');
		const char *end = v + strcspn(v, ";");
		const char *domain = strstr(v, "Domain=");
		char *line;

		assert_non_null(eq);
		assert_non_null(domain);
		domain += strlen("Domain=");
		line = xasprintf("#HttpOnly_%.*s\tTRUE\t/\tTRUE\t" FAR
				 "\t%.*s\t%.*s",
		    (int)strcspn(domain, ";"), domain, (int)(eq - v), v,
		    (int)(end - eq - 1), eq + 1);
		assert_int_equal(http_cookie_set(g.http, line), 0);
		free(line);
	}
}

static int
recorded_call(struct http *http, struct http_response *resp,
    const struct http_request *req, struct err *e)
{
	const cJSON *response, *request, *body;
	const struct seen *seen;
	char *text;

	(void)http;
	(void)e;
	assert_allowed(req->method, req->url);
	note_request(req);
	seen = &g.seen[g.n_seen - 1];
	memset(resp, 0, sizeof(*resp));
	resp->retry_after_ms = resp->date_ms = resp->length = -1;
	if (ours_only(seen->request)) {
		resp->status = 202;
		return 0;
	}
	/* accountLogin with a pending factor is a detour of that client. */
	request = json_object(rec.next, "request");
	if (strstr(json_str(request, "url"), "accountLogin") != NULL &&
	    strstr(req->url, "verify/") != NULL)
		rec.next = rec.next->next;
	assert_non_null(rec.next);
	request = json_object(rec.next, "request");
	response = json_object(rec.next, "response");
	rec.next = rec.next->next;
	assert_string_equal(req->method, json_str(request, "method"));
	assert_string_equal(req->url, json_str(request, "url"));
	resp->status = (int)json_get(response, "status")->valuedouble;
	/* Apple's servers say 409, before the recordings were edited. */
	if (strstr(req->url, "/signin/complete") != NULL && resp->status == 200)
		resp->status = 409;
	recorded_headers(resp, json_get(response, "headers"));
	recorded_cookies(json_get(json_get(response, "headers"), "Set-Cookie"));
	body = json_get(response, "body");
	if (cJSON_IsString(body)) {
		buf_adds(&resp->body, body->valuestring);
	} else if (body != NULL && !cJSON_IsNull(body)) {
		text = cJSON_PrintUnformatted(body);
		buf_adds(&resp->body, text);
		cJSON_free(text);
	}
	return 0;
}

static void
start_recorded(const char *name)
{
	size_t len;
	char *text = recorded_read(&len, name);

	start();
	g.a->call = recorded_call;
	rec.flow = json_parse(text, len, NULL);
	assert_non_null(rec.flow);
	rec.next = json_array(rec.flow, "exchanges")->child;
	free(text);
}

static void
finish_recorded(void)
{
	cJSON_Delete(rec.flow);
	memset(&rec, 0, sizeof(rec));
	finish();
}

static void
recorded_code(const char *name, const char *code, bool right)
{
	const struct auth_phone *phones;
	size_t n;

	start_recorded(name);
	assert_int_equal(
	    auth_sign_in(&g.next, g.a, PASSWORD, AUTH_PERSON, &g.err), 0);
	assert_int_equal(g.next, AUTH_NEED_CODE);
	phones = auth_phones(&n, g.a);
	assert_int_equal(n, 1);
	assert_non_null(strstr(phones[0].label, "42"));
	assert_true(auth_has_devices(g.a));
	assert_int_equal(
	    auth_submit_code(&g.next, g.a, code, PASSWORD, &g.err), 0);
	if (right) {
		assert_int_equal(g.next, AUTH_READY);
		assert_string_equal(g.s->trust_token, "2svtoken-0000000042");
		assert_string_equal(
		    g.s->session_token, "sessiontoken-0000000042");
		assert_string_equal(g.s->ckdatabase_url,
		    "https://p61-ckdatabasews.icloud.com:443");
		assert_non_null(strstr(buf_text(&g.s->cookies),
		    "\tX-APPLE-WEBAUTH-TOKEN\t\"v=2:t=XB=="));
		assert_null(rec.next);
	} else {
		assert_int_equal(g.next, AUTH_NEED_CODE);
		assert_int_equal(g.s->code_tries, 1);
	}
	assert_null(strstr(buf_text(&g.s->cookies), "HSA-LOGIN"));
	finish_recorded();
}

static void
test_recorded_codes(void **state)
{
	(void)state;
	recorded_code("auth/2fa_valid_code.json", "654321", true);
	recorded_code("auth/2fa_valid_code_zero_lead.json", "054321", true);
	recorded_code("auth/2fa_invalid_code.json", "901431", false);
}

static void
test_recorded_wrong_password(void **state)
{
	(void)state;
	start_recorded("auth/failed_auth.json");
	assert_int_equal(
	    auth_sign_in(&g.next, g.a, PASSWORD, AUTH_PERSON, &g.err), -1);
	assert_int_equal(g.err.code, ERR_PASSWORD);
	assert_non_null(strstr(g.err.what, "Enter the email or phone number"));
	finish_recorded();
}

static void
test_recorded_503(void **state)
{
	(void)state;
	start_recorded("auth/failed_auth_503.json");
	assert_int_equal(
	    auth_sign_in(&g.next, g.a, PASSWORD, AUTH_PERSON, &g.err), -1);
	assert_int_equal(g.err.code, ERR_THROTTLED);
	assert_int_equal(g.err.wait_ms, 30 * MINUTE);
	assert_int_equal(g.n_seen, 2); /* the frame, and init once */
	finish_recorded();
}

/* An account without a second factor; its authors left the token cookie out
 * of the answer, which is how far it goes here. */
static void
test_recorded_repair(void **state)
{
	(void)state;
	start_recorded("auth/non_2fa_repair.json");
	assert_int_equal(
	    auth_sign_in(&g.next, g.a, PASSWORD, AUTH_PERSON, &g.err), -1);
	assert_int_equal(g.err.code, ERR_TERMS);
	assert_non_null(strstr(g.err.what, "two-factor none"));
	assert_null(rec.next);
	assert_string_equal(g.s->session_token, "token-0000000042");
	finish_recorded();
}

static void
test_recorded_validate(void **state)
{
	(void)state;
	start_recorded("auth/validate_ok.json");
	http_cookie_set(g.http,
	    "#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t" FAR
	    "\tX-APPLE-WEBAUTH-TOKEN\t\"v=2:t=old\"");
	assert_int_equal(auth_resume(&g.next, g.a, &g.err), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_string_equal(g.s->dsid, "20000000042");
	assert_null(strstr(buf_text(&g.s->cookies), "t=old"));
	assert_null(rec.next);
	finish_recorded();
}

/* Pages and challenges as other clients' authors wrote them down. */
static void
test_documented_pages(void **state)
{
	static const char *const ids[] = {"3", "3", NULL};
	size_t len, i = 0;
	char *text;
	cJSON *all;
	const cJSON *page;

	(void)state;
	text = recorded_read(&len, "documented/pyicloud_hsa2_boot_args.json");
	all = json_parse(text, len, NULL);
	assert_non_null(all);
	cJSON_ArrayForEach (page, json_array(all, "pages")) {
		const struct auth_phone *phones;
		size_t n;

		start();
		PLAY(AUTHORIZED, CHALLENGED, COMPLETED(409, TOKENS, "{}"),
		    {.request = "GET idmsa",
			.status = 200,
			.body = json_str(page, "html")});
		assert_int_equal(sign_in(AUTH_PERSON), 0);
		phones = auth_phones(&n, g.a);
		assert_int_equal(n, ids[i] != NULL);
		if (n > 0) {
			assert_string_equal(phones[0].id, ids[i]);
			assert_int_equal(phones[0].non_fteu, 0);
		}
		finish();
		i++;
	}
	assert_int_equal(i, 3);
	cJSON_Delete(all);
	free(text);
}

static void
test_documented_bodies(void **state)
{
	size_t len, keys = 0, others = 0;
	char *text, *body;
	const cJSON *b;
	cJSON *all;

	(void)state;
	text = recorded_read(&len, "documented/kei_error_bodies.json");
	all = json_parse(text, len, NULL);
	assert_non_null(all);
	cJSON_ArrayForEach (b, json_array(all, "bodies")) {
		const cJSON *json = json_get(b, "json");
		bool has_keys = json_get(json, "fsaChallenge") != NULL;

		body = cJSON_PrintUnformatted(json);
		start();
		if (has_keys) {
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(409, TOKENS, body));
			assert_int_equal(sign_in(AUTH_PERSON), -1);
			assert_int_equal(g.err.code, ERR_SECURITY_KEY);
			assert_non_null(strstr(g.err.what, "YubiKey 5C"));
			keys++;
		} else {
			PLAY(AUTHORIZED, CHALLENGED,
			    COMPLETED(409, TOKENS, body), OPTIONS);
			assert_int_equal(sign_in(AUTH_PERSON), 0);
			others++;
		}
		finish();
		cJSON_free(body);
	}
	assert_true(keys >= 3 && others > 10);
	cJSON_Delete(all);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_sign_in),
	    cmocka_unit_test(test_s2k_fo),
	    cmocka_unit_test(test_trust_token),
	    cmocka_unit_test(test_escrow_after_trust_token),
	    cmocka_unit_test(test_no_escrow_without_trust_token),
	    cmocka_unit_test(test_void_trust_token),
	    cmocka_unit_test(test_refusal_keeps_the_session),
	    cmocka_unit_test(test_complete_table),
	    cmocka_unit_test(test_init_table),
	    cmocka_unit_test(test_init_401),
	    cmocka_unit_test(test_init_409),
	    cmocka_unit_test(test_authorize_table),
	    cmocka_unit_test(test_repair),
	    cmocka_unit_test(test_escrow_table),
	    cmocka_unit_test(test_escrow_wrong_password),
	    cmocka_unit_test(test_escrow_without_password),
	    cmocka_unit_test(test_code_table),
	    cmocka_unit_test(test_code_without_token),
	    cmocka_unit_test(test_code_repair),
	    cmocka_unit_test(test_three_wrong_codes),
	    cmocka_unit_test(test_odd_codes),
	    cmocka_unit_test(test_request_table),
	    cmocka_unit_test(test_phone_codes),
	    cmocka_unit_test(test_no_code_waits),
	    cmocka_unit_test(test_second_process),
	    cmocka_unit_test(test_resume_beside_code),
	    cmocka_unit_test(test_trust_table),
	    cmocka_unit_test(test_account_flags),
	    cmocka_unit_test(test_no_device),
	    cmocka_unit_test(test_pending_after_login),
	    cmocka_unit_test(test_two_step),
	    cmocka_unit_test(test_login_table),
	    cmocka_unit_test(test_login_throttled),
	    cmocka_unit_test(test_login_throttled_after_proof),
	    cmocka_unit_test(test_resume),
	    cmocka_unit_test(test_validate_table),
	    cmocka_unit_test(test_misrouted),
	    cmocka_unit_test(test_resume_without_cookie),
	    cmocka_unit_test(test_resume_ended),
	    cmocka_unit_test(test_resume_pending),
	    cmocka_unit_test(test_region),
	    cmocka_unit_test(test_other_host),
	    cmocka_unit_test(test_no_other_host),
	    cmocka_unit_test(test_chosen_host),
	    cmocka_unit_test(test_stamp),
	    cmocka_unit_test(test_no_stamp),
	    cmocka_unit_test(test_throttled_person),
	    cmocka_unit_test(test_throttled_unattended),
	    cmocka_unit_test(test_throttled_for_ever),
	    cmocka_unit_test(test_unattended_gap),
	    cmocka_unit_test(test_refused_password_is_not_repeated),
	    cmocka_unit_test(test_no_password),
	    cmocka_unit_test(test_options_table),
	    cmocka_unit_test(test_recovery),
	    cmocka_unit_test(test_options_throttled),
	    cmocka_unit_test(test_security_keys),
	    cmocka_unit_test(test_odd_names),
	    cmocka_unit_test(test_odd_words),
	    cmocka_unit_test(test_odd_values),
	    cmocka_unit_test(test_cookies),
	    cmocka_unit_test(test_cookies_after_failure),
	    cmocka_unit_test(test_logout),
	    cmocka_unit_test(test_recorded_codes),
	    cmocka_unit_test(test_recorded_wrong_password),
	    cmocka_unit_test(test_recorded_503),
	    cmocka_unit_test(test_recorded_repair),
	    cmocka_unit_test(test_recorded_validate),
	    cmocka_unit_test(test_documented_pages),
	    cmocka_unit_test(test_documented_bodies),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
