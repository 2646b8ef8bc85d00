#ifndef SCRIPT_H
#define SCRIPT_H

#include "test.h"

#include "srp_server.h"

#include "auth_p.h"
#include "compat.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "retry.h"
#include "text.h"

/*
 * The sign-in without a network: scripted answers stand where http_call()
 * would send, and every request is looked at.  The test plays Apple's part from
 * the verifier, so a wrong proof fails here.
 */

#define PASSWORD "p\xc3\xa4ss w0rd \"quoted\""
#define CODE     "012345"
#define TRUST    "HSARMTKNSRV-0000000042"
#define FAR      "4102444800" /* 2100 */
#define NOW      INT64_C(1790000000000)
#define MINUTE   INT64_C(60000)

/* One request that is expected, and what it is answered. */
struct step {
	const char *request; /* "POST idmsa/signin/init", without the query */
	int status;          /* 0: no answer at all; -1: interrupted */
	const char *headers; /* lines; NULL: none but scnt */
	const char *body;    /* NULL: none, or a challenge after .../init */
	const char *cookie;  /* a line for the jar */
};

struct seen {
	char *request, *query, *headers, *body;
	bool fresh, has_body;
	const struct retry_policy *retry;
};

static struct {
	struct http *http;
	struct session *s;
	struct auth *a;
	int64_t now;
	struct step steps[16];
	size_t n_steps, at;
	struct seen seen[64];
	size_t n_seen;
	unsigned scnt; /* last number given out */
	struct srp_server srp;
	bool challenged, s2k_fo;
	const char *account; /* that the proof must be for */
	int64_t retry_after_ms;
	struct err err;
	enum auth_next next;
} g;

static inline int64_t
clock_now(void)
{
	return g.now;
}

/*
 * The scripted service.
 */

static const struct {
	const char *url, *name;
} bases[] = {
    {"https://idmsa.apple.com/appleauth/auth", "idmsa"},
    {"https://idmsa.apple.com.cn/appleauth/auth", "idmsa.cn"},
    {"https://setup.icloud.com/setup/ws/1", "setup"},
    {"https://setup.icloud.com.cn/setup/ws/1", "setup.cn"},
};

/* Nothing is sent that auth_rules does not name. */
static inline void
assert_allowed(const char *method, const char *url)
{
	const char *host = url + strlen("https://");
	const char *path = strchr(host, '/');
	size_t path_len;

	assert_non_null(path);
	path_len = strcspn(path, "?");
	for (const struct http_rule *r = auth_rules; r->method != NULL; r++)
		if (strcmp(r->method, method) == 0 &&
		    strlen(r->host) == (size_t)(path - host) &&
		    strncmp(r->host, host, strlen(r->host)) == 0 &&
		    strlen(r->path) == path_len &&
		    strncmp(r->path, path, path_len) == 0)
			return;
	fail_msg("no rule for %s %s", method, url);
}

static inline void
note_request(const struct http_request *req)
{
	struct seen *seen = &g.seen[g.n_seen++];
	const char *rest = "", *name = NULL;
	struct buf h = {0};
	size_t i, len;

	assert_true(g.n_seen < sizeof(g.seen) / sizeof(g.seen[0]));
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (strncmp(req->url, bases[i].url, strlen(bases[i].url)) ==
		    0) {
			name = bases[i].name;
			rest = req->url + strlen(bases[i].url);
			if (*rest == '/' || *rest == '\0' || *rest == '?')
				break;
		}
	assert_non_null(name);
	len = strcspn(rest, "?");
	seen->request =
	    xasprintf("%s %s%.*s", req->method, name, (int)len, rest);
	seen->query = xstrdup(rest + len);
	for (i = 0; req->headers != NULL && req->headers[i] != NULL; i++)
		buf_addf(&h, "%s\n", req->headers[i]);
	seen->headers = buf_take(&h);
	seen->has_body = req->body != NULL;
	seen->body = req->body != NULL ? xstrndup(req->body, req->body_len)
				       : xstrdup("");
	seen->fresh = req->fresh;
	seen->retry = req->retry;
}

/* The value of a request's header; NULL if it was not sent. */
static inline const char *
sent_header(const struct seen *seen, const char *name)
{
	static char value[512];
	const char *p = seen->headers;
	size_t n = strlen(name);

	for (; *p != '\0'; p += strcspn(p, "\n") + 1)
		if (strncmp(p, name, n) == 0 && strncmp(p + n, ": ", 2) == 0) {
			snprintf(value, sizeof(value), "%.*s",
			    (int)strcspn(p + n + 2, "\n"), p + n + 2);
			return value;
		}
	return NULL;
}

static inline cJSON *
sent_json(const struct seen *seen)
{
	cJSON *o = json_parse(seen->body, strlen(seen->body), NULL);

	assert_non_null(o);
	return o;
}

/* c is any JSON value: it must come back byte by byte. */
#define CHALLENGE_C "{\"d\": [1,2.50,\"\\u00e4\\/\"] ,\"e\":null}"

static inline void
make_challenge(struct buf *out)
{
	uint8_t salt[16], b[32];

	compat_random(salt, sizeof(salt));
	compat_random(b, sizeof(b));
	if (g.challenged)
		srp_server_clear(&g.srp);
	srp_server_init(&g.srp, PASSWORD, g.s2k_fo, salt, sizeof(salt), 100, b);
	g.challenged = true;
	buf_adds(out, "{\"iteration\":100,\"salt\":\"");
	text_base64(out, salt, sizeof(salt));
	buf_addf(out, "\",\"protocol\":\"%s\",\"version\":1,\"b\":\"",
	    g.s2k_fo ? "s2k_fo" : "s2k");
	text_base64(out, g.srp.pub, sizeof(g.srp.pub));
	buf_adds(out, "\",\"c\":" CHALLENGE_C "}");
}

static inline void
assert_sent_bytes(const cJSON *o, const char *name, const uint8_t *p, size_t n)
{
	struct buf b = {0};

	text_base64(&b, p, n);
	assert_non_null(json_str(o, name));
	assert_string_equal(json_str(o, name), buf_text(&b));
	buf_clear(&b);
}

static inline const struct seen *last_of(const char *request);

/* The proof in this body is that of the password, for this account name. */
static inline void
assert_proof(const struct seen *seen, const char *init, const char *account,
    bool with_key)
{
	cJSON *o = sent_json(seen), *first = sent_json(last_of(init));
	uint8_t m1[32], m2[32], key[32];
	struct buf a = {0};

	assert_int_equal(text_unbase64(&a, json_str(first, "a"),
			     strlen(json_str(first, "a"))),
	    0);
	assert_int_equal(a.len, 256);
	srp_server_expect(
	    m1, m2, key, NULL, &g.srp, (uint8_t *)a.data, account);
	assert_sent_bytes(o, "m1", m1, sizeof(m1));
	assert_sent_bytes(o, "m2", m2, sizeof(m2));
	if (with_key)
		assert_sent_bytes(o, "k", key, sizeof(key));
	else
		assert_null(json_get(o, "k"));
	assert_non_null(strstr(seen->body, "\"c\":" CHALLENGE_C));
	buf_clear(&a);
	cJSON_Delete(first);
	cJSON_Delete(o);
}

static inline void
look_at_request(const struct seen *seen)
{
	const char *scnt = sent_header(seen, "scnt");
	char last[32];

	if (strncmp(seen->request, "POST setup", 10) == 0) {
		assert_null(scnt);
		return;
	}
	if (strstr(seen->request, "/authorize/signin") != NULL)
		return;
	/* [session-record]: scnt of the last answer, whatever its status */
	snprintf(last, sizeof(last), "scnt-%u", g.scnt);
	if (g.scnt > 0) {
		assert_non_null(scnt);
		assert_string_equal(scnt, last);
	}
	if (strcmp(seen->request, "POST idmsa/signin/complete") == 0)
		assert_proof(seen, "POST idmsa/signin/init", g.account, false);
	if (strcmp(seen->request, "POST idmsa/escrow/complete") == 0)
		assert_proof(seen, "POST idmsa/escrow/init", "", true);
}

static inline int
fake_call(struct http *http, struct http_response *resp,
    const struct http_request *req, struct err *e)
{
	const struct step *step;
	const struct seen *seen;
	size_t len;

	assert_ptr_equal(http, g.http);
	assert_int_equal(req->kind, HTTP_JSON);
	assert_allowed(req->method, req->url);
	note_request(req);
	seen = &g.seen[g.n_seen - 1];
	if (g.at == g.n_steps)
		fail_msg("not expected: %s", seen->request);
	step = &g.steps[g.at++];
	assert_string_equal(seen->request, step->request);
	look_at_request(seen);

	memset(resp, 0, sizeof(*resp));
	resp->retry_after_ms = resp->date_ms = resp->length = -1;
	if (step->status == -1)
		return err_set(e, ERR_INTERRUPTED, "-", "Interrupted.");
	if (step->status == 0)
		return err_set(
		    e, ERR_NETWORK, "Check the network.", "No answer.");
	resp->status = step->status;
	if (step->status == 429 || step->status == 503)
		resp->retry_after_ms = g.retry_after_ms;
	if (strncmp(seen->request + strcspn(seen->request, " "), " idmsa", 6) ==
	    0)
		buf_addf(&resp->headers, "SCNT: scnt-%u\n", ++g.scnt);
	if (step->headers != NULL)
		buf_adds(&resp->headers, step->headers);
	len = strlen(seen->request);
	if (step->body != NULL)
		buf_adds(&resp->body, step->body);
	else if (step->status == 200 &&
	    strcmp(seen->request + len - 5, "/init") == 0)
		make_challenge(&resp->body);
	for (const char *p = step->cookie; p != NULL && *p != '\0';) {
		char *line = xstrndup(p, strcspn(p, "\n"));

		assert_int_equal(http_cookie_set(g.http, line), 0);
		free(line);
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return 0;
}

static inline const struct seen *
last_of(const char *request)
{
	for (size_t i = g.n_seen; i > 0; i--)
		if (strcmp(g.seen[i - 1].request, request) == 0)
			return &g.seen[i - 1];
	fail_msg("never sent: %s", request);
	return NULL;
}

static inline void
forget_seen(void)
{
	for (size_t i = 0; i < g.n_seen; i++) {
		free(g.seen[i].request);
		free(g.seen[i].query);
		free(g.seen[i].headers);
		free(g.seen[i].body);
	}
	g.n_seen = 0;
}

/* Another process: the session as it was stored, nothing else. */
static inline void
restart(void)
{
	struct buf text = {0};
	struct session *s = NULL;

	session_write(&text, g.s);
	assert_int_equal(session_read(&s, buf_text(&text), text.len, NULL), 0);
	buf_clear(&text);
	auth_free(g.a);
	session_free(g.s);
	http_cookies_clear(g.http, NULL);
	g.s = s;
	g.a = auth_new(g.http, g.s, clock_now);
	g.a->call = fake_call;
}

static inline void
start_as(const char *account)
{
	static const struct http_rule *const rules[] = {auth_rules, NULL};
	struct http_options o = {.rules = rules, .user_agent = auth_user_agent};

	memset(&g, 0, sizeof(g));
	g.now = NOW;
	g.retry_after_ms = -1;
	g.err.wait_ms = -1;
	g.account = "jd@example.com";
	assert_int_equal(http_new(&g.http, &o, NULL), 0);
	g.s = session_new(account);
	g.a = auth_new(g.http, g.s, clock_now);
	g.a->call = fake_call;
}

static inline void
start(void)
{
	start_as(" JD@Example.com");
}

static inline void
finish(void)
{
	forget_seen();
	auth_free(g.a);
	session_free(g.s);
	http_free(g.http);
	if (g.challenged)
		srp_server_clear(&g.srp);
	memset(&g, 0, sizeof(g));
}

static inline void
play(const struct step *steps, size_t n)
{
	assert_true(n <= sizeof(g.steps) / sizeof(g.steps[0]));
	if (n > 0)
		memcpy(g.steps, steps, n * sizeof(*steps));
	g.n_steps = n;
	g.at = 0;
	forget_seen();
	memset(&g.err, 0, sizeof(g.err));
	g.err.wait_ms = -1;
	g.next = (enum auth_next)99;
}

#define PLAY(...)                                \
	play((const struct step[]){__VA_ARGS__}, \
	    sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* No secret in any sentence, a next step with each of them. */
static inline int
done(int rc)
{
	static const char *const secrets[] = {
	    PASSWORD, "w0rd", CODE, TRUST, "token-", "scnt-", "sess-", "attr-"};

	if (rc == -1) {
		assert_true(g.err.code != ERR_NONE);
		assert_true(g.err.what[0] != '\0');
		for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]);
		     i++) {
			assert_null(strstr(g.err.what, secrets[i]));
			assert_null(strstr(g.err.next, secrets[i]));
		}
		assert_true(g.err.next[0] != '\0');
		assert_int_not_equal(g.err.what[strlen(g.err.what) - 1], ' ');
	}
	if (g.at != g.n_steps)
		fail_msg("never sent: %s", g.steps[g.at].request);
	return rc;
}

static inline int
resume(void)
{
	return done(auth_resume(&g.next, g.a, &g.err));
}

static inline int
sign_in(enum auth_who who)
{
	return done(auth_sign_in(&g.next, g.a, PASSWORD, who, &g.err));
}

static inline int
submit(void)
{
	return done(auth_submit_code(&g.next, g.a, CODE, PASSWORD, &g.err));
}

/*
 * Answers that many tests share.
 */

#define TOKENS                                                            \
	"X-Apple-ID-Session-Id: sess-1\nX-Apple-Session-Token: token-1\n" \
	"X-Apple-ID-Account-Country: USA\nX-Apple-Auth-Attributes: attr-1\n"
#define EDP TOKENS "x-apple-edp: true\n"
#define PDP TOKENS "X-Apple-PDP: true\n"

#define COOKIE(name, value, expires)                                          \
	"#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t" expires "\t" name "\t" value \
	"\n"
#define TOKEN_COOKIE COOKIE("X-APPLE-WEBAUTH-TOKEN", "\"v=2:t=1\"", FAR)
#define PCS_COOKIES                                        \
	COOKIE("X-APPLE-WEBAUTH-PCS-Photos", "\"p\"", FAR) \
	COOKIE("X-APPLE-WEBAUTH-PCS-Sharing", "\"s\"", FAR)
#define FULL_COOKIES                     \
	TOKEN_COOKIE PCS_COOKIES COOKIE( \
	    "X-APPLE-WEBAUTH-HSA-TRUST-x", "\"t\"", "4070908800")

/* An account object: what differs from a good one goes first and wins,
 * since the first member of a name is the one that counts. */
#define ACCOUNT(top, ds, db)                                                   \
	"{" top "\"dsInfo\":{" ds "\"dsid\":\"20000000042\",\"hsaVersion\":2," \
	"\"isWebAccessAllowed\":true,\"locked\":false,\"iCDPEnabled\":false,"  \
	"\"statusCode\":2},\"hsaTrustedBrowser\":true,"                        \
	"\"hsaChallengeRequired\":false,"                                      \
	"\"hasMinimumDeviceForPhotosWeb\":true,"                               \
	"\"webservices\":{\"ckdatabasews\":{" db "\"pcsRequired\":true,"       \
	"\"url\":\"https://p61-ckdatabasews.icloud.com:443\","                 \
	"\"status\":\"active\"}}}"
#define GOOD_ACCOUNT ACCOUNT("", "", "")
#define PENDING_ACCOUNT                                                       \
	ACCOUNT("\"hsaChallengeRequired\":true,\"hsaTrustedBrowser\":false,", \
	    "", "")

#define IDMSA_ERROR(code)                       \
	"{\"serviceErrors\":[{\"code\":\"" code \
	"\",\"message\":\"Apple's words.\",\"suppressDismissal\":false}]}"
#define VERIFY_ERROR(code)                          \
	"{\"service_errors\":[{\"code\":\"" code    \
	"\",\"title\":\"T\",\"message\":\"Apple's " \
	"words.\"}],\"hasError\":true}"

#define PAGE                                                             \
	"<html><script>var a = \"boot_args\";</script>"                  \
	"<script nonce='x' class=\"a boot_args b\" type=json data-t=1>"  \
	"{\"direct\":{\"hasTrustedDevices\":true,\"twoSV\":{"            \
	"\"phoneNumberVerification\":{\"trustedPhoneNumbers\":["         \
	"{\"id\":3,\"numberWithDialCode\":\"+1 \xe2\x80\xa2\xe2\x80\xa2" \
	"42\",\"pushMode\":\"sms\",\"nonFTEU\":true},"                   \
	"{\"id\":\"a\",\"obfuscatedNumber\":\"\\u003C81\","              \
	"\"pushMode\":\"voice\"}]}}}}</script></html>"

#define AUTHORIZED                                                     \
	{                                                              \
		.request = "GET idmsa/authorize/signin", .status = 200 \
	}
#define CHALLENGED                                                 \
	{                                                          \
		.request = "POST idmsa/signin/init", .status = 200 \
	}
#define COMPLETED(st, head, text)                                        \
	{                                                                \
		.request = "POST idmsa/signin/complete", .status = (st), \
		.headers = (head), .body = (text)                        \
	}
#define OPTIONS                                                     \
	{                                                           \
		.request = "GET idmsa", .status = 200, .body = PAGE \
	}
#define DEVICE_CODE(st, head, text)                                        \
	{                                                                  \
		.request = "POST idmsa/verify/trusteddevice/securitycode", \
		.status = (st), .headers = (head), .body = (text)          \
	}
#define TRUSTED                                                     \
	{                                                           \
		.request = "GET idmsa/2sv/trust", .status = 204,    \
		.headers = "X-Apple-TwoSV-Trust-Token: " TRUST "\n" \
			   "X-Apple-Session-Token: token-2\n"       \
	}
#define LOGGED_IN                                                    \
	{                                                            \
		.request = "POST setup/accountLogin", .status = 200, \
		.body = GOOD_ACCOUNT, .cookie = FULL_COOKIES         \
	}
#define LOGIN(st, text, jar)                                          \
	{                                                             \
		.request = "POST setup/accountLogin", .status = (st), \
		.body = (text), .cookie = (jar)                       \
	}
#define VALIDATED(st, text)                                       \
	{                                                         \
		.request = "POST setup/validate", .status = (st), \
		.body = (text)                                    \
	}

/* Sign in up to where a code is needed. */
static inline void
to_code(void)
{
	PLAY(AUTHORIZED, CHALLENGED,
	    COMPLETED(409, TOKENS, "{\"authType\":\"hsa2\"}"), OPTIONS);
	assert_int_equal(sign_in(AUTH_PERSON), 0);
	assert_int_equal(g.next, AUTH_NEED_CODE);
	assert_int_equal(g.s->stage, SESSION_NEEDS_CODE);
}

/* A session that works, as after a sign-in with a code. */
static inline void
to_ready(void)
{
	to_code();
	PLAY(DEVICE_CODE(204, "X-Apple-Session-Token: token-1b\n", NULL),
	    TRUSTED, LOGGED_IN);
	assert_int_equal(submit(), 0);
	assert_int_equal(g.next, AUTH_READY);
	assert_int_equal(g.s->stage, SESSION_SIGNED_IN);
}

#endif
