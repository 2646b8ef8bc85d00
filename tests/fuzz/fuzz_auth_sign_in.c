#include "fuzz_answer.h"

#include "auth_p.h"
#include "log.h"

/*
 * The whole sign-in against any answers.  The first line says what is done, a
 * letter a step; the answers follow, and where they end the network is gone.
 * After each step the session can be kept and read back, no secret stands in an
 * error, and nothing was sent but what may be, a few times at most.
 *
 *	r  resume		c  hand in a code
 *	s  sign in, a person	d  ask for a code on the devices
 *	u  sign in, unattended	p  ask for a code by phone, q by the second
 *	l  sign out		a  ask for consent	x  drop it
 *	w  prolong the trust	n  another process, a quarter of an hour later
 */
#define PASSWORD "p\xc3\xa4ss w0rd \"quoted\""
#define PART     "ss w0rd" /* of the password; no base64 holds it */
#define CODE     "012 345"

#define NOTHING      ((enum auth_next)99)
#define STEPS_MAX    12
#define REQUESTS_MAX 20 /* of one step */

static struct {
	struct fuzz_in in;
	bool says_password; /* the input does, so it may come back */
	struct http *http;
	struct session *s;
	struct auth *a;
	int64_t now_ms;
	unsigned requests;
	enum auth_next next; /* of the step before; 99: of none */
} g;

static int64_t
clock_now(void)
{
	return g.now_ms;
}

/* "Cookie:" lines of an answer are lines for the jar. */
static void
take_cookies(const struct http_response *resp)
{
	struct fuzz_in all = {buf_text(&resp->headers), NULL};
	char *line;

	all.end = all.p + resp->headers.len;
	while (all.p != all.end) {
		line = fuzz_line(&all);
		if (strncmp(line, "Cookie:", 7) == 0)
			(void)http_cookie_set(g.http, line + 7);
		free(line);
	}
}

static int
call(struct http *http, struct http_response *resp,
    const struct http_request *req, struct err *e)
{
	char bits[16];
	size_t i;

	must(http == g.http);
	must(++g.requests <= REQUESTS_MAX);
	fuzz_look_at_request(req, auth_rules);
	if (!g.says_password) {
		must(!fuzz_holds(req->url, strlen(req->url), PART));
		must(!fuzz_holds(req->body, req->body_len, PART));
		for (i = 0; req->headers[i] != NULL; i++)
			must(strstr(req->headers[i], PART) == NULL);
	}
	g.now_ms += 1000;
	if (g.in.p == g.in.end) {
		memset(resp, 0, sizeof(*resp));
		resp->retry_after_ms = resp->date_ms = -1;
		return err_set(
		    e, ERR_NETWORK, "Check the network.", "No answer came.");
	}
	if (fuzz_answer(resp, &g.in, e) == -1)
		return -1;
	take_cookies(resp);
	/* Real work is for the tests of auth. */
	if (http_header(bits, sizeof(bits), resp, "X-Apple-HC-Bits") &&
	    strlen(bits) > 1)
		buf_reset(&resp->headers);
	return 0;
}

static void
another_process(struct session *s)
{
	auth_free(g.a);
	session_free(g.s);
	http_cookies_clear(g.http, NULL);
	g.s = s;
	g.a = auth_new(g.http, g.s, clock_now);
	g.a->call = call;
}

/* What is kept now can be read, and is the same when it is kept again. */
static struct session *
look_at_session(void)
{
	struct buf first = {0}, second = {0};
	struct session *s;

	session_write(&first, g.s);
	must(session_read(&s, buf_text(&first), first.len, NULL) == 0);
	session_write(&second, s);
	must(strcmp(buf_text(&first), buf_text(&second)) == 0);
	must(s->stage == g.s->stage && s->region == g.s->region);
	buf_clear(&first);
	buf_clear(&second);
	return s;
}

static void
look_at_phones(void)
{
	const struct auth_phone *phones;
	size_t n, i;
	cJSON *id;

	phones = auth_phones(&n, g.a);
	for (i = 0; i < n; i++) {
		must(phones[i].label != NULL);
		must(text_is_utf8(phones[i].label, strlen(phones[i].label)));
		id = json_parse(phones[i].id, strlen(phones[i].id), NULL);
		must(id != NULL);
		cJSON_Delete(id);
	}
}

static int
ask_phone(size_t which, struct err *e)
{
	const struct auth_phone *phones;
	struct auth_phone one;
	size_t n;
	int rc;

	phones = auth_phones(&n, g.a);
	if (which >= n)
		return auth_request_code(g.a, NULL, e);
	one = phones[which];
	one.id = xstrdup(one.id);
	rc = auth_request_code(g.a, &one, e);
	free(one.id);
	return rc;
}

static void
step(char what)
{
	enum auth_next next = NOTHING;
	struct err e = ERR_INIT;
	bool walked = true;
	int rc = 0;

	g.requests = 0;
	switch (what) {
	case 's':
		rc = auth_sign_in(&next, g.a, PASSWORD, AUTH_PERSON, &e);
		break;
	case 'u':
		rc = auth_sign_in(&next, g.a, PASSWORD, AUTH_UNATTENDED, &e);
		break;
	case 'c':
		rc = auth_submit_code(&next, g.a, CODE, PASSWORD, &e);
		break;
	case 'r':
		rc = auth_resume(&next, g.a, &e);
		break;
	case 'a': /* only where it is waited for */
		if (g.next != AUTH_NEED_CONSENT)
			return;
		rc = auth_consent(&next, g.a, &e);
		break;
	default:
		walked = false;
		if (what == 'd')
			rc = auth_request_code(g.a, NULL, &e);
		else if (what == 'p' || what == 'q')
			rc = ask_phone(what == 'q', &e);
		else if (what == 'l')
			rc = auth_logout(g.a, &e);
		else if (what == 'w')
			rc = auth_renew(g.a, PASSWORD, &e);
		else if (what == 'x')
			auth_drop_consent(g.a);
		break;
	}
	g.next = next;
	if (rc == -1) {
		fuzz_look_at_error(&e);
		must(e.next[0] != '\0');
		must(g.says_password || strstr(e.what, PART) == NULL);
		return;
	}
	must(e.code == ERR_NONE);
	if (!walked)
		return;
	must(next == AUTH_READY || next == AUTH_NEED_PASSWORD ||
	    next == AUTH_NEED_CODE || next == AUTH_NEED_CONSENT);
	must(next != AUTH_NEED_PASSWORD || what == 'r');
	must(next != AUTH_NEED_CODE || g.s->stage == SESSION_NEEDS_CODE);
	must(next != AUTH_READY || g.s->ckdatabase_url != NULL);
}

static void
begin(void)
{
	static const struct http_rule *const rules[] = {auth_rules, NULL};
	struct http_options o = {.rules = rules, .user_agent = auth_user_agent};

	log_set_level(LOG_QUIET);
	if (g.http == NULL)
		must(http_new(&g.http, &o, NULL) == 0);
	g.now_ms = FUZZ_DATE_MS;
	g.next = NOTHING;
	another_process(session_new("jd@example.com"));
}

static void
end(void)
{
	auth_free(g.a);
	session_free(g.s);
	g.a = NULL;
	g.s = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct session *kept;
	char *steps;
	size_t i;

	g.in = fuzz_begin(data, n);
	g.says_password = fuzz_holds(data, n, PART);
	steps = fuzz_line(&g.in);
	begin();
	for (i = 0; steps[i] != '\0' && i < STEPS_MAX; i++) {
		step(steps[i]);
		look_at_phones();
		kept = look_at_session();
		if (steps[i] == 'n') {
			g.now_ms += 15 * MINUTE_MS;
			another_process(kept);
		} else {
			session_free(kept);
		}
	}
	end();
	free(steps);
	return 0;
}
