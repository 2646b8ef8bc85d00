#include "auth_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "log.h"
#include "text.h"

/*
 * The two hosts of a sign-in, as a browser on icloud.com talks to them.
 */

/*
 * [user-agent]: a current desktop browser; an outdated one has made sign-ins
 * fail.
 */
const char auth_user_agent[] =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/26.2 Safari/605.1.15";

const char wire_login[] = "Run icloud-pull login.";
const char wire_web_data[] =
    "iPhone or iPad: Settings > your name > iCloud > Access iCloud Data on "
    "the Web: on. It may take hours.";

#define IDMSA_HOST "idmsa.apple.com"
#define IDMSA_CN   "idmsa.apple.com.cn"
#define IDMSA_PATH "/appleauth/auth"
#define SETUP_HOST "setup.icloud.com"
#define SETUP_CN   "setup.icloud.com.cn"
#define SETUP_PATH "/setup/ws/1"

/* The public id of icloud.com's own sign-in widget [idmsa-headers]. */
const char wire_widget_key[] =
    "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d";

/* The same of a host and of its twin in mainland China. */
/* clang-format off */
#define IDMSA_RULES(host) \
	{"GET", host, IDMSA_PATH "/authorize/signin"}, \
	{"POST", host, IDMSA_PATH "/signin/init"}, \
	{"POST", host, IDMSA_PATH "/signin/complete"}, \
	{"POST", host, IDMSA_PATH "/repair/complete"}, \
	{"POST", host, IDMSA_PATH "/escrow/init"}, \
	{"POST", host, IDMSA_PATH "/escrow/complete"}, \
	{"GET", host, IDMSA_PATH}, \
	{"PUT", host, IDMSA_PATH "/verify/trusteddevice/securitycode"}, \
	{"POST", host, IDMSA_PATH "/verify/trusteddevice/securitycode"}, \
	{"PUT", host, IDMSA_PATH "/verify/phone"}, \
	{"POST", host, IDMSA_PATH "/verify/phone/securitycode"}, \
	{"GET", host, IDMSA_PATH "/2sv/trust"}
#define SETUP_RULES(host) \
	{"POST", host, SETUP_PATH "/validate"}, \
	{"POST", host, SETUP_PATH "/accountLogin"}, \
	{"POST", host, SETUP_PATH "/logout"}, \
	{"POST", host, SETUP_PATH "/requestWebAccessState"}, \
	{"POST", host, SETUP_PATH "/enableDeviceConsentForPCS"}, \
	{"POST", host, SETUP_PATH "/requestPCS"}
/* clang-format on */

const struct http_rule auth_rules[] = {
    IDMSA_RULES(IDMSA_HOST),
    IDMSA_RULES(IDMSA_CN),
    SETUP_RULES(SETUP_HOST),
    SETUP_RULES(SETUP_CN),
    {NULL, NULL, NULL},
};

/*
 * [region]: idmsa.apple.com serves every region, as far as is known; its twin
 * is for where it cannot be reached.
 */
static const char *
idmsa_origin(const struct auth *a)
{
	return a->s->idmsa_cn ? "https://" IDMSA_CN : "https://" IDMSA_HOST;
}

void
auth_use_host(struct auth *a, const char *idmsa_host)
{
	a->host_chosen = idmsa_host != NULL;
	a->begin_cn = a->host_chosen && strcmp(idmsa_host, IDMSA_CN) == 0;
}

void
wire_first_idmsa(struct auth *a)
{
	a->s->idmsa_cn = a->begin_cn;
}

bool
wire_other_idmsa(struct auth *a)
{
	if (a->host_chosen || a->s->region != SESSION_CN || a->s->idmsa_cn)
		return false;
	a->s->idmsa_cn = true;
	return true;
}

static const char *
setup_base(const struct auth *a)
{
	return a->s->region == SESSION_CN ? "https://" SETUP_CN SETUP_PATH
					  : "https://" SETUP_HOST SETUP_PATH;
}

const char *
wire_home(const struct auth *a)
{
	return a->s->region == SESSION_CN ? "https://www.icloud.com.cn"
					  : "https://www.icloud.com";
}

/*
 * Headers of one request [idmsa-headers] [setup-headers].
 */
#define HEADERS_MAX 20

struct headers {
	char *line[HEADERS_MAX + 1]; /* owned, NULL at the end */
	size_t n;
};

/* A value that is not known is not sent. */
static void
add(struct headers *h, const char *name, const char *value)
{
	if (value == NULL || *value == '\0' || h->n == HEADERS_MAX)
		return;
	h->line[h->n++] = xasprintf("%s: %s", name, value);
}

static void
headers_clear(struct headers *h)
{
	while (h->n > 0)
		secret_free(h->line[--h->n]);
}

static void
add_origin(struct headers *h, const char *origin)
{
	char *referer = xasprintf("%s/", origin);

	add(h, "Origin", origin);
	add(h, "Referer", referer);
	free(referer);
}

static void
add_content(struct headers *h, const struct wire_request *r)
{
	add(h, "Accept", r->accept != NULL ? r->accept : "application/json");
	if (strcmp(r->method, "GET") != 0)
		add(h, "Content-Type", "application/json");
}

/* [authorize]: the frame is loaded by its page, without the widget's set. */
static void
idmsa_headers(
    struct headers *h, const struct auth *a, const struct wire_request *r)
{
	const struct session *s = a->s;

	add_content(h, r);
	if (r->bare) {
		char *referer = xasprintf("%s/", wire_home(a));
		add(h, "Referer", referer);
		free(referer);
		return;
	}
	add_origin(h, r->origin == WIRE_HOME ? wire_home(a) : idmsa_origin(a));
	add(h, "X-Apple-Widget-Key", wire_widget_key);
	add(h, "X-Apple-OAuth-Client-Id", wire_widget_key);
	add(h, "X-Apple-OAuth-Client-Type", "firstPartyAuth");
	add(h, "X-Apple-OAuth-Redirect-URI", wire_home(a));
	add(h, "X-Apple-OAuth-Require-Grant-Code", "true");
	add(h, "X-Apple-OAuth-Response-Mode", "web_message");
	add(h, "X-Apple-OAuth-Response-Type", "code");
	add(h, "X-Apple-OAuth-State", s->client_id);
	add(h, "X-Apple-Frame-Id", s->client_id);
	add(h, "scnt", s->scnt);
	/* Once proved, the token stands in for an id that never came. */
	add(h, "X-Apple-ID-Session-Id",
	    s->session_id == NULL &&
		    (a->proved || s->stage == SESSION_NEEDS_CODE)
		? s->session_token
		: s->session_id);
	add(h, "X-Apple-Auth-Attributes", s->auth_attributes);
	add(h, "X-Apple-HC", r->stamp);
}

/*
 * What comes back.
 */

/* Keep a header of the answer; one that is absent or empty, or that a session
 * cannot hold, changes nothing. */
static void
keep_header(char **field, const struct http_response *resp, const char *name)
{
	char value[16384];

	if (http_header(value, sizeof(value), resp, name) && *value != '\0' &&
	    session_can_keep(value))
		session_keep(field, value);
	secret_wipe(value, sizeof(value));
}

/*
 * [session-record]: after every answer of idmsa, errors included.  A stale
 * scnt makes a right code look wrong.
 */
static void
keep_headers(struct session *s, const struct http_response *resp)
{
	keep_header(&s->scnt, resp, "scnt");
	keep_header(&s->session_id, resp, "X-Apple-ID-Session-Id");
	keep_header(&s->session_token, resp, "X-Apple-Session-Token");
	keep_header(&s->account_country, resp, "X-Apple-ID-Account-Country");
	keep_header(&s->auth_attributes, resp, "X-Apple-Auth-Attributes");
	keep_header(&s->trust_token, resp, "X-Apple-TwoSV-Trust-Token");
}

void
wire_load_cookies(struct auth *a)
{
	char *all = xstrdup(buf_text(&a->s->cookies));
	char *p = all, *end;

	http_cookies_clear(a->http, NULL);
	for (; *p != '\0'; p = end) {
		end = p + strcspn(p, "\n");
		if (*end != '\0')
			*end++ = '\0';
		if (*p != '\0' && http_cookie_set(a->http, p) == -1)
			log_debug("sign-in: a stored cookie was not taken");
	}
	secret_free(all);
}

bool
wire_has_cookie(const struct auth *a, const char *name)
{
	int64_t expires_ms;

	return http_cookie_has(a->http, name, false, a->now_ms(), &expires_ms);
}

/* Take the lines of cookies whose name begins so out of them. */
static bool
drop_lines(struct buf *cookies, const char *prefix)
{
	char *mark = xasprintf("\t%s", prefix), *found, *start, *end;
	bool any = false;

	while (
	    cookies->len > 0 && (found = strstr(cookies->data, mark)) != NULL) {
		start = found;
		end = found + strcspn(found, "\n");
		while (start > cookies->data && start[-1] != '\n')
			start--;
		if (*end != '\0')
			end++;
		memmove(start, end,
		    (size_t)(cookies->data + cookies->len - end) + 1);
		cookies->len -= (size_t)(end - start);
		any = true;
	}
	free(mark);
	return any;
}

void
wire_drop_cookies(struct auth *a, const char *prefix)
{
	buf_reset(&a->s->cookies);
	http_cookies_get(&a->s->cookies, a->http);
	if (drop_lines(&a->s->cookies, prefix))
		wire_load_cookies(a);
}

static void
keep_cookies(struct auth *a)
{
	struct session *s = a->s;
	int64_t expires_ms = 0;

	buf_reset(&s->cookies);
	http_cookies_get(&s->cookies, a->http);
	/* [cookies]: the mark of an unfinished second factor is not sent back. */
	if (drop_lines(&s->cookies, "X-APPLE-WEBAUTH-HSA-LOGIN\t"))
		wire_load_cookies(a);
	if (http_cookie_has(a->http, "X-APPLE-WEBAUTH-HSA-TRUST", true,
		a->now_ms(), &expires_ms) &&
	    expires_ms > 0 && expires_ms != s->trust_expires_ms) {
		s->trust_expires_ms = expires_ms;
		s->trust_began_ms = a->now_ms();
	}
}

/* [effective-status]: HTTP 200 may hide the true status in a header. */
static int
effective_status(const struct http_response *resp)
{
	char text[16];
	int64_t v;

	if (resp->status == 200 &&
	    http_header(text, sizeof(text), resp, "X-Apple-I-Rscd") &&
	    text_int(&v, text, 400, 599) == 0)
		return (int)v;
	return resp->status;
}

/* Apple's own words, in short; they may come in any of these members. */
static void
read_words(struct wire_answer *out, const cJSON *error)
{
	static const char *const members[] = {"message", "errorMessage",
	    "title", "errorTitle", "reason", "error"};
	static const char intro[] = " Apple says: ";
	const size_t most = sizeof(out->says) - 1;
	const char *text = NULL;
	struct buf words = {0};
	size_t len;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		text = json_str(error, members[i]);
		if (text != NULL && *text != '\0')
			break;
		text = NULL;
	}
	if (text == NULL)
		return;
	text_utf8(&words, text, strlen(text));
	len = text_cut(buf_text(&words), most - strlen(intro));
	snprintf(out->says, sizeof(out->says), "%s%.*s", intro, (int)len,
	    buf_text(&words));
	buf_clear(&words);
}

/* [error-shapes]: two spellings of a list, or members at the top. */
static void
read_error(struct wire_answer *out)
{
	const cJSON *list = json_array(out->json, "serviceErrors");
	const cJSON *error;

	if (cJSON_GetArraySize(list) == 0)
		list = json_array(out->json, "service_errors");
	error = cJSON_GetArrayItem(list, 0);
	if (error != NULL) {
		(void)json_id(out->code, sizeof(out->code), error, "code");
	} else {
		error = out->json;
		(void)json_id(out->code, sizeof(out->code), error, "errorCode");
	}
	if (out->code[0] == '\0')
		(void)http_header(
		    out->code, sizeof(out->code), &out->resp, "X-Apple-I-Ercd");
	read_words(out, error);
}

static int
send_request(struct wire_answer *out, struct auth *a, const char *base,
    const struct wire_request *r, struct headers *h, struct err *e)
{
	struct http_request req = {.kind = HTTP_JSON};
	char *url = xasprintf("%s%s", base, r->path);
	int rc;

	memset(out, 0, sizeof(*out));
	req.method = r->method;
	req.url = url;
	req.headers = (const char *const *)h->line;
	req.body = r->body;
	req.body_len = r->body_len;
	req.fresh = r->fresh;
	req.retry = r->retry;
	rc = a->call(a->http, &out->resp, &req, e);
	free(url);
	headers_clear(h);
	/* Where no answer came, cookies of an earlier try may have. */
	keep_cookies(a);
	if (rc == -1)
		return -1;
	out->status = out->resp.status;
	/* The content type says little: HTML may hold JSON [error-shapes]. */
	out->json =
	    json_parse(buf_text(&out->resp.body), out->resp.body.len, NULL);
	read_error(out);
	return 0;
}

int
wire_idmsa(struct wire_answer *out, struct auth *a,
    const struct wire_request *r, struct err *e)
{
	struct headers h = {0};
	char *base = xasprintf("%s" IDMSA_PATH, idmsa_origin(a));
	int rc;

	idmsa_headers(&h, a, r);
	rc = send_request(out, a, base, r, &h, e);
	free(base);
	if (rc == -1)
		return -1;
	out->status = effective_status(&out->resp);
	keep_headers(a->s, &out->resp);
	return 0;
}

int
wire_setup(struct wire_answer *out, struct auth *a,
    const struct wire_request *r, struct err *e)
{
	struct headers h = {0};

	add_content(&h, r);
	add_origin(&h, wire_home(a));
	return send_request(out, a, setup_base(a), r, &h, e);
}

void
wire_clear(struct wire_answer *ans)
{
	session_wipe_json(ans->json);
	ans->json = NULL;
	ans->resp.headers.secret = ans->resp.body.secret = 1;
	http_response_clear(&ans->resp);
}

bool
wire_has_header(const struct wire_answer *ans, const char *name)
{
	char value[16384];
	bool has;

	has = http_header(value, sizeof(value), &ans->resp, name) &&
	    *value != '\0';
	secret_wipe(value, sizeof(value));
	return has;
}

bool
wire_has_errors(const struct wire_answer *ans)
{
	return json_bool(ans->json, "hasError") ||
	    cJSON_IsFalse(json_get(ans->json, "success")) ||
	    cJSON_GetArraySize(json_array(ans->json, "service_errors")) > 0 ||
	    cJSON_GetArraySize(json_array(ans->json, "serviceErrors")) > 0;
}

bool
wire_wants_escrow(const struct wire_answer *ans)
{
	return wire_has_header(ans, "X-Apple-EDP") ||
	    wire_has_header(ans, "X-Apple-PDP");
}

#define WAIT_MAX_MS (INT64_C(366) * 24 * HOUR_MS) /* more is taken for this */

/*
 * [throttling]: an unattended run waits twice as long for each refusal in a
 * row, up to 6 hours; a person waits only for what was stated or, if nothing
 * was, for half an hour.
 */
struct wire_wait
wire_wait(int64_t stated_ms, unsigned failures)
{
	struct wire_wait w;

	w.first_ms = stated_ms > 0 ? stated_ms : 30 * MINUTE_MS;
	if (w.first_ms > WAIT_MAX_MS)
		w.first_ms = WAIT_MAX_MS;
	w.doubled_ms = w.first_ms;
	for (unsigned i = 0; i < failures && w.doubled_ms < 6 * HOUR_MS; i++)
		w.doubled_ms *= 2;
	if (w.doubled_ms > 6 * HOUR_MS)
		w.doubled_ms =
		    w.first_ms > 6 * HOUR_MS ? w.first_ms : 6 * HOUR_MS;
	return w;
}

/* Hold sign-ins back. */
static int64_t
hold_back(struct auth *a, int64_t stated_ms, bool persons_too)
{
	struct session *s = a->s;
	struct wire_wait w = wire_wait(stated_ms, s->srp_failures);
	int64_t now = a->now_ms();

	s->srp_failures++;
	s->last_srp_ms = now;
	s->srp_not_before_ms = now + w.doubled_ms;
	if (persons_too)
		s->login_not_before_ms = now + w.first_ms;
	if (a->who == AUTH_PERSON)
		return w.first_ms;
	return w.doubled_ms > UNATTENDED_GAP_MS ? w.doubled_ms
						: UNATTENDED_GAP_MS;
}

static int
throttled(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	int64_t wait = hold_back(a, ans->resp.retry_after_ms, true);
	char span[32], next[128];

	snprintf(next, sizeof(next),
	    "Try again in %s; trying sooner makes the wait longer.",
	    text_span(span, wait));
	err_set(e, ERR_THROTTLED, next,
	    "Apple refuses sign-ins from here for now.%s", ans->says);
	if (e != NULL) {
		e->wait_ms = wait;
		e->http_status = ans->status;
	}
	return -1;
}

/* [signin-refused]: unknown name, blocked network and throttling look alike. */
static int
refused_without_reason(struct auth *a, const struct wire_answer *ans,
    const char *what, struct err *e)
{
	int64_t wait = hold_back(a, -1, false);

	err_set(e, ERR_THROTTLED,
	    "Check the Apple Account's name; else try in half an hour, or from "
	    "another network.",
	    "Apple refused %s and gave no reason.%s", what, ans->says);
	if (e != NULL)
		e->wait_ms = wait;
	return -1;
}

int
wire_refused(struct auth *a, const struct wire_answer *ans, const char *what,
    struct err *e)
{
	const char *name = a->s->account;
	int status = ans->status, rc;

	if (status == 429 || status == 503)
		return throttled(a, ans, e);
	if (strcmp(ans->code, "-20209") == 0)
		rc = err_set(e, ERR_LOCKED,
		    "Unlock it at https://iforgot.apple.com, sign in once at "
		    "icloud.com, then run icloud-pull login.",
		    "Apple has locked the account %s for security reasons.",
		    name);
	else if (strcmp(ans->code, "-20751") == 0)
		rc = err_set(e, ERR_LOCKED,
		    "Ask Apple Support about the account.",
		    "The account %s is not active.%s", name, ans->says);
	else if (status == 403)
		rc = refused_without_reason(a, ans, what, e);
	else if (status >= 500)
		rc = err_set(e, ERR_UNAVAILABLE, "Try again later.",
		    "Apple's sign-in is out of order (status %d).%s", status,
		    ans->says);
	else if (status == 412)
		rc = err_set(e, ERR_TERMS,
		    "Sign in at https://www.icloud.com, finish what it asks, "
		    "then run icloud-pull login.",
		    "Apple wants something of the owner before %s.%s", what,
		    ans->says);
	else
		rc = err_set(e, ERR_PROTOCOL,
		    "Look for a newer icloud-pull: Apple may have changed its "
		    "sign-in.",
		    "Apple's answer to %s was not understood (status %d).%s",
		    what, status, ans->says);
	if (e != NULL)
		e->http_status = status;
	return rc;
}
