#include "auth.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_p.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "retry.h"
#include "text.h"

/*
 * The sign-in as one state machine [sign-in-states].  Each state sends at most
 * one request (ESCROW two, PCS_CONSENT too) and names the state that follows.
 *
 *	resume	VALIDATE -> ACCOUNT_LOGIN -> ready, or needs the password
 *
 *	consent	PCS_CONSENT, which may follow on any ready: a tap is needed
 *
 *	sign in	AUTHORIZE -> INIT -> COMPLETE -> ACCOUNT_LOGIN -> ready
 *		     ^--------'       |-> ESCROW -> ACCOUNT_LOGIN
 *				      |-> REPAIR -> ACCOUNT_LOGIN
 *				      '-> CODE_OPTIONS -> needs a code
 *
 *	code	CODE -> TRUST -> ACCOUNT_LOGIN -> ready
 *		   |-> ESCROW -> TRUST
 *		   '-> REPAIR -> TRUST
 *
 * No state is entered more often than the table below says: whatever Apple
 * answers, a walk ends after a few requests, with one proof of the password
 * and one code at most.
 */
enum state {
	VALIDATE,
	AUTHORIZE,
	INIT,
	COMPLETE,
	REPAIR,
	ESCROW,
	CODE_OPTIONS,
	CODE,
	TRUST,
	ACCOUNT_LOGIN,
	PCS_CONSENT,
	STATES, /* those below send nothing: a walk ends in them */
	READY,
	NEED_PASSWORD,
	NEED_CODE,
	NEED_CONSENT,
	FAILED,
};

/* A half-finished sign-in of another process is worth trying this long. */
#define CODE_LIFE_MS (10 * MINUTE_MS)
#define CODE_TRIES   3

enum purpose { RESUME, SIGN_IN, SUBMIT_CODE, CONSENT };

struct walk {
	struct auth *a;
	enum purpose purpose;
	const char *password; /* borrowed; NULL if not at hand */
	const char *digits;   /* of the code */
	struct proof proof;
	enum state after; /* REPAIR and ESCROW lead here */
	bool fresh;       /* a 421 came: use new connections */
	bool moved;       /* the region has changed */
	unsigned entered[STATES];
};

typedef enum state state_fn(struct walk *, struct err *);
static state_fn at_validate, at_authorize, at_init, at_complete, at_repair,
    at_escrow, at_code_options, at_code, at_trust, at_account_login,
    at_pcs_consent;

static const struct {
	const char *name;
	state_fn *step;
	unsigned most; /* times in one walk */
} states[STATES] = {
    [VALIDATE] = {"validate", at_validate, 2}, /* again after 421 */
    /* again after 401 at init, once; and on the other host */
    [AUTHORIZE] = {"authorize", at_authorize, 3},
    [INIT] = {"signin/init", at_init, 2},
    [COMPLETE] = {"signin/complete", at_complete, 1},
    [REPAIR] = {"repair", at_repair, 1},
    [ESCROW] = {"escrow", at_escrow, 1},
    [CODE_OPTIONS] = {"code options", at_code_options, 1},
    [CODE] = {"code", at_code, 1},
    [TRUST] = {"trust", at_trust, 1},
    [ACCOUNT_LOGIN] = {"accountLogin", at_account_login, 3}, /* 421, region */
    [PCS_CONSENT] = {"pcs consent", at_pcs_consent, 1},
};

/*
 * resume
 */

/* [session-start]: without this cookie the answer is known beforehand. */
static enum state
at_validate(struct walk *w, struct err *e)
{
	if (!account_has_token(w->a))
		return ACCOUNT_LOGIN;
	switch (account_validate(w->a, w->fresh, e)) {
	case ACCOUNT_READY:
		return READY;
	case ACCOUNT_NEEDS_PCS:
		return PCS_CONSENT;
	case ACCOUNT_MISROUTED:
		if (w->fresh)
			return ACCOUNT_LOGIN;
		w->fresh = true;
		return VALIDATE;
	case ACCOUNT_OTHER_REGION:
		w->moved = true;
		return ACCOUNT_LOGIN;
	case ACCOUNT_NEEDS_FACTOR:
	case ACCOUNT_ENDED: /* perhaps by a 421 */
		w->fresh = true;
		return ACCOUNT_LOGIN;
	case ACCOUNT_FAILED:
		break;
	}
	return FAILED;
}

/*
 * sign in
 */

/* [hashcash]: of the page's challenges only, not of later ones. */
static void
keep_challenge(struct auth *a, const struct wire_answer *ans)
{
	char bits[8];

	a->stamp_bits = 0;
	if (!http_header(bits, sizeof(bits), &ans->resp, "X-Apple-HC-Bits") ||
	    !http_header(a->stamp_challenge, sizeof(a->stamp_challenge),
		&ans->resp, "X-Apple-HC-Challenge") ||
	    text_int(&a->stamp_bits, bits, 1, HASHCASH_BITS_MAX) == -1)
		a->stamp_bits = 0;
}

/*
 * The page of the sign-in frame: only its headers and cookies count, and
 * other clients do without [authorize].
 */
static enum state
at_authorize(struct walk *w, struct err *e)
{
	struct wire_request r = {.method = "GET",
	    .accept = "text/html",
	    .bare = true,
	    .retry = &retry_sign_in};
	const char *home = wire_home(w->a), *id = w->a->s->client_id;
	struct err trouble = ERR_INIT;
	struct wire_answer ans;
	enum state next = INIT;
	char *path;

	path = xasprintf(
	    "/authorize/signin?frame_id=%s&language=en_US&skVersion=7"
	    "&iframeId=%s&client_id=%s&redirect_uri=https%%3A%%2F%%2F%s"
	    "&response_type=code&response_mode=web_message&state=%s"
	    "&authVersion=latest",
	    id, id, wire_widget_key, home + strlen("https://"), id);
	r.path = path;
	if (wire_idmsa(&ans, w->a, &r, &trouble) == -1) {
		next = trouble.code == ERR_NETWORK && wire_other_idmsa(w->a)
		    ? AUTHORIZE
		    : FAILED;
		if (next == FAILED && e != NULL)
			*e = trouble;
	} else if (ans.status == 429 || ans.status == 503) {
		wire_refused(w->a, &ans, "the sign-in", e);
		next = FAILED;
	} else {
		keep_challenge(w->a, &ans);
	}
	wire_clear(&ans);
	free(path);
	return next;
}

/* An answer makes it an exchange: later ones are held back by it. */
static void
count_exchange(struct auth *a)
{
	struct session *s = a->s;

	s->last_srp_ms = a->now_ms();
	if (a->who == AUTH_UNATTENDED) {
		s->last_unattended_srp_ms = s->last_srp_ms;
		a->unattended = true;
	}
}

/*
 * A 401 here is a stale context, not a wrong password: no proof was sent yet
 * [signin-init].
 */
static enum state
at_init(struct walk *w, struct err *e)
{
	struct wire_request r = {
	    .method = "POST", .path = "/signin/init", .retry = &retry_sign_in};
	struct auth *a = w->a;
	struct wire_answer ans;
	struct buf body;
	enum state next = FAILED;

	buf_init(&body, 0);
	proof_begin(&w->proof, &body, a->s->account);
	r.body = buf_text(&body);
	r.body_len = body.len;
	if (wire_idmsa(&ans, a, &r, e) == -1)
		goto out;
	count_exchange(a);
	if (ans.status == 200 || (ans.status == 409 && ans.json != NULL)) {
		if (proof_compute(
			&w->proof, &ans, a->s->account, w->password, e) == 0)
			next = COMPLETE;
	} else if (ans.status == 401 && w->entered[INIT] == 1) {
		session_forget_context(a->s);
		wire_load_cookies(a);
		next = AUTHORIZE;
	} else {
		wire_refused(a, &ans, "the sign-in", e);
	}
out:
	wire_clear(&ans);
	buf_clear(&body);
	return next;
}

static enum state
password_refused(struct walk *w, const struct wire_answer *ans, struct err *e)
{
	struct session *s = w->a->s;

	s->srp_failures++;
	if (w->a->who == AUTH_UNATTENDED)
		s->password_refused = true;
	err_set(e, ERR_PASSWORD,
	    "Check Apple Account and password; app-specific passwords do not "
	    "work here.",
	    "Apple did not accept the password for %s.%s", s->account,
	    ans->says);
	if (e != NULL)
		e->http_status = ans->status;
	return FAILED;
}

/* The password is right: what was held against earlier tries is over. */
static void
proof_accepted(struct auth *a)
{
	struct session *s = a->s;

	a->proved = true;
	s->srp_failures = 0;
	s->srp_not_before_ms = s->login_not_before_ms = 0;
	s->password_refused = false;
}

/* 409 [signin-complete]: the second factor, or only a second proof. */
static enum state
factor_wanted(struct walk *w, const struct wire_answer *ans, struct err *e)
{
	const char *type = json_str(ans->json, "authType");

	/* Without a trust token the header means nothing here [escrow]. */
	if (w->a->s->trusted_sent && wire_wants_escrow(ans)) {
		w->after = ACCOUNT_LOGIN;
		return ESCROW;
	}
	if (factor_no_keys(ans->json, e) == -1)
		return FAILED;
	/* The old two steps go on at the setup host, which says so. */
	return type != NULL && strcmp(type, "hsa") == 0 ? ACCOUNT_LOGIN
							: CODE_OPTIONS;
}

/*
 * [hashcash]: refused without a reason, while a proof of work was on offer:
 * the next sign-in brings it.
 */
static void
want_stamp(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	if (a->stamp_bits == 0 || a->s->stamp_wanted || ans->code[0] != '\0' ||
	    (ans->status != 403 && ans->status != 503 && ans->status != 400))
		return;
	a->s->stamp_wanted = true;
	if (ans->status != 503 && e != NULL)
		snprintf(e->next, sizeof(e->next),
		    "Run icloud-pull login once more: it brings a proof of "
		    "work, should Apple want one. Else check the Apple "
		    "Account's name, or try from another network.");
}

static enum state
completed(struct walk *w, const struct wire_answer *ans, struct err *e)
{
	switch (ans->status) {
	case 200:
		proof_accepted(w->a);
		return ACCOUNT_LOGIN;
	case 409:
		proof_accepted(w->a);
		return factor_wanted(w, ans, e);
	case 412:
		proof_accepted(w->a);
		w->after = ACCOUNT_LOGIN;
		/* [repair]: nobody knows how to go on with only this token. */
		if (wire_has_header(ans, "X-Apple-Session-Token") ||
		    !wire_has_header(ans, "X-Apple-Repair-Session-Token"))
			return REPAIR;
		break;
	case 401:
		return password_refused(w, ans, e);
	default:
		/* -22406 is "wrong password" of Apple's devices. */
		if (strcmp(ans->code, "-22406") == 0)
			return password_refused(w, ans, e);
	}
	wire_refused(w->a, ans, "the sign-in", e);
	want_stamp(w->a, ans, e);
	return FAILED;
}

/* One try: a proof that was on its way may have been taken.  On a connection of
 * its own, since one that has died meanwhile is tried again by itself. */
static enum state
at_complete(struct walk *w, struct err *e)
{
	struct wire_request r = {.method = "POST",
	    .path = "/signin/complete?isRememberMeEnabled=true",
	    .fresh = true};
	struct session *s = w->a->s;
	struct wire_answer ans;
	struct buf body;
	enum state next = FAILED;
	char stamp[160];

	if (s->stamp_wanted && w->a->stamp_bits > 0 &&
	    hashcash_mint(stamp, sizeof(stamp), w->a->stamp_bits,
		w->a->stamp_challenge, w->a->now_ms()) == 0)
		r.stamp = stamp;
	buf_init_secret(&body, 0);
	buf_adds(&body, "{\"accountName\":");
	buf_add_json(&body, s->account);
	buf_addc(&body, ',');
	proof_add(&body, &w->proof);
	buf_adds(&body, ",\"rememberMe\":true,\"trustTokens\":[");
	s->trusted_sent = s->trust_token != NULL && *s->trust_token != '\0';
	if (s->trusted_sent)
		buf_add_json(&body, s->trust_token);
	buf_adds(&body, "]}");
	r.body = buf_text(&body);
	r.body_len = body.len;
	if (wire_idmsa(&ans, w->a, &r, e) == 0)
		next = completed(w, &ans, e);
	proof_clear(&w->proof);
	wire_clear(&ans);
	buf_clear(&body);
	return next;
}

/*
 * "The owner was shown the page and went on" [repair]: once, and only this.
 * Terms are accepted by nobody but the owner.
 */
static enum state
at_repair(struct walk *w, struct err *e)
{
	struct wire_request r = {.method = "POST",
	    .path = "/repair/complete",
	    .body = "{}",
	    .body_len = 2};
	struct wire_answer ans;
	enum state next = FAILED;

	if (wire_idmsa(&ans, w->a, &r, e) == 0) {
		if (ans.status >= 200 && ans.status <= 299)
			next = w->after;
		else if (ans.status == 429 || ans.status >= 500)
			wire_refused(w->a, &ans, "the sign-in", e);
		else
			err_set(e, ERR_TERMS,
			    "Sign in at https://www.icloud.com, finish what "
			    "it asks (perhaps a new password), then run "
			    "icloud-pull login.",
			    "Apple wants something of the owner before the "
			    "sign-in.%s",
			    ans.says);
	}
	wire_clear(&ans);
	return next;
}

static enum state
at_escrow(struct walk *w, struct err *e)
{
	return escrow_prove(w->a, w->password, e) == 0 ? w->after : FAILED;
}

/*
 * The page may make the devices show a code [code-options], so nobody asks for
 * it while nobody is there.
 */
static enum state
at_code_options(struct walk *w, struct err *e)
{
	if (w->a->who == AUTH_UNATTENDED)
		return NEED_CODE;
	return factor_options(w->a, e) == 0 ? NEED_CODE : FAILED;
}

/*
 * code
 */

static enum state
wrong_code(struct walk *w, struct err *e)
{
	struct session *s = w->a->s;

	if (++s->code_tries < CODE_TRIES)
		return NEED_CODE;
	err_set(e, ERR_CODE, "Wait a while, then run icloud-pull login again.",
	    "Apple did not accept the code, %u times.", s->code_tries);
	return FAILED;
}

static enum state
at_code(struct walk *w, struct err *e)
{
	w->after = TRUST;
	switch (factor_submit(w->a, w->digits, e)) {
	case FACTOR_ACCEPTED:
		return TRUST;
	case FACTOR_WANTS_ESCROW:
		return ESCROW;
	case FACTOR_WANTS_REPAIR:
		return REPAIR;
	case FACTOR_WRONG:
		return wrong_code(w, e);
	case FACTOR_FAILED:
		break;
	}
	return FAILED;
}

static enum state
at_trust(struct walk *w, struct err *e)
{
	return factor_trust(w->a, e) == -1 ? FAILED : ACCOUNT_LOGIN;
}

/*
 * all of them
 */

/* The session token is of no use: asleep, it wants a password; fresh from the
 * sign-in, it shows that something else is wrong. */
static enum state
session_ended(struct walk *w, bool misrouted, struct err *e)
{
	const char *name = w->a->s->account;

	if (w->purpose == RESUME)
		return NEED_PASSWORD;
	if (w->moved)
		err_set(e, ERR_SESSION, "Run icloud-pull login again.",
		    "The account %s belongs to another region of iCloud.",
		    name);
	else if (misrouted)
		/* [account-login]: so it looks when the switch is off. */
		err_set(e, ERR_WEB_ACCESS, wire_web_data,
		    "iCloud gives no session to %s, though the sign-in was "
		    "accepted.",
		    name);
	else
		err_set(e, ERR_SESSION, "Run icloud-pull login again.",
		    "iCloud did not accept the sign-in of %s.", name);
	return FAILED;
}

static enum state
factor_pending(struct walk *w, struct err *e)
{
	switch (w->purpose) {
	case RESUME: /* a code belongs to a proof of the password */
		return NEED_PASSWORD;
	case SIGN_IN:
		return CODE_OPTIONS;
	case SUBMIT_CODE:
	case CONSENT:
		break;
	}
	err_set(e, ERR_CODE, "Run icloud-pull login again.",
	    "Apple accepted the code and still asks for one.");
	return FAILED;
}

static enum state
at_account_login(struct walk *w, struct err *e)
{
	const struct session *s = w->a->s;

	/* The token of a half-finished sign-in opens nothing. */
	if (s->session_token == NULL ||
	    (w->purpose == RESUME && s->stage == SESSION_NEEDS_CODE))
		return session_ended(w, false, e);
	switch (account_login(w->a, w->fresh, e)) {
	case ACCOUNT_READY:
		return READY;
	case ACCOUNT_NEEDS_PCS:
		return PCS_CONSENT;
	case ACCOUNT_MISROUTED:
		if (w->fresh)
			return session_ended(w, true, e);
		w->fresh = true;
		return ACCOUNT_LOGIN;
	case ACCOUNT_OTHER_REGION: /* [region]: the same tokens, there */
		if (!w->moved) {
			w->moved = true;
			return ACCOUNT_LOGIN;
		}
		err_set(e, ERR_PROTOCOL, "Try again later.",
		    "Apple sends %s from one region to the other and back.",
		    s->account);
		return FAILED;
	case ACCOUNT_NEEDS_FACTOR:
		return factor_pending(w, e);
	case ACCOUNT_ENDED:
		return session_ended(w, false, e);
	case ACCOUNT_FAILED:
		break;
	}
	return FAILED;
}

/*
 * [pcs]: what a device has consented to already is taken; only a person who is
 * there has one asked.  The sign-in that led here has cost a proof and perhaps
 * a code, and is not lost by what a device does not do.
 */
static enum state
at_pcs_consent(struct walk *w, struct err *e)
{
	bool signed_in = w->purpose == SIGN_IN || w->purpose == SUBMIT_CODE;
	struct err why = ERR_INIT;

	switch (consent_round(w->a, w->purpose == CONSENT, &why)) {
	case CONSENT_READY:
		return READY;
	case CONSENT_WAITS:
		return NEED_CONSENT;
	case CONSENT_FAILED:
		break;
	}
	if (signed_in && why.code != ERR_INTERRUPTED)
		return NEED_CONSENT;
	if (e != NULL)
		*e = why;
	return FAILED;
}

/* Is a half-finished sign-in young enough for its code? */
static bool
code_waits(const struct auth *a)
{
	const struct session *s = a->s;
	int64_t since = s->code_asked_ms > s->last_srp_ms ? s->code_asked_ms
							  : s->last_srp_ms;

	return s->stage == SESSION_NEEDS_CODE &&
	    a->now_ms() <= since + CODE_LIFE_MS;
}

static void
signed_in(struct walk *w)
{
	struct session *s = w->a->s;

	s->last_validate_ms = w->a->now_ms();
	/* Somebody may be about to type a code in another process. */
	if (w->purpose == RESUME && code_waits(w->a))
		return;
	s->stage = SESSION_SIGNED_IN;
	session_forget_code(s);
	factor_clear(w->a);
}

static int
walk_from(enum auth_next *out, struct walk *w, enum state at, struct err *e)
{
	struct session *s = w->a->s;

	while (at < STATES) {
		if (++w->entered[at] > states[at].most) {
			err_set(e, ERR_PROTOCOL, "Try again later.",
			    "Apple's sign-in went in a circle.");
			at = FAILED;
			break;
		}
		log_debug("sign-in: %s", states[at].name);
		at = states[at].step(w, e);
	}
	proof_clear(&w->proof);
	switch (at) {
	case READY:
		signed_in(w);
		*out = AUTH_READY;
		return 0;
	case NEED_PASSWORD:
		*out = AUTH_NEED_PASSWORD;
		return 0;
	case NEED_CODE:
		s->stage = SESSION_NEEDS_CODE;
		*out = AUTH_NEED_CODE;
		return 0;
	case NEED_CONSENT:
		signed_in(w);
		*out = AUTH_NEED_CONSENT;
		return 0;
	default:
		assert(at == FAILED);
		return -1;
	}
}

/*
 * The public face.
 */

struct auth *
auth_new(struct http *http, struct session *s, int64_t (*now_ms)(void))
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->http = http;
	a->s = s;
	a->now_ms = now_ms;
	a->call = http_call;
	wire_load_cookies(a);
	return a;
}

void
auth_take(struct auth *a, struct session *s)
{
	a->s = s;
	a->proved = a->consent_asked = a->pcs_asked = false;
	factor_clear(a);
	wire_load_cookies(a);
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	factor_clear(a);
	free(a);
}

/*
 * How long a sign-in is held back still.  A clock that was set back must not
 * hold it back for years.
 */
static int64_t
wait_left(int64_t now, int64_t since, int64_t until)
{
	return now < since || now >= until ? 0 : until - now;
}

static int64_t
longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* [throttling]: a person waits for what Apple stated, and for nothing else. */
static int64_t
sign_in_wait(const struct auth *a, enum auth_who who)
{
	const struct session *s = a->s;
	int64_t now = a->now_ms(), wait;

	if (who == AUTH_PERSON)
		return wait_left(now, s->last_srp_ms, s->login_not_before_ms);
	wait = wait_left(now, s->last_srp_ms, s->srp_not_before_ms);
	if (s->last_unattended_srp_ms != 0)
		wait = longer(wait,
		    wait_left(now, s->last_unattended_srp_ms,
			s->last_unattended_srp_ms + UNATTENDED_GAP_MS));
	if (s->srp_failures != 0)
		wait = longer(wait,
		    wait_left(now, s->last_srp_ms,
			s->last_srp_ms + UNATTENDED_GAP_MS));
	/* A run of weeks is still one run. */
	return a->unattended ? longer(wait, UNATTENDED_GAP_MS) : wait;
}

/* [setup-throttling] */
static int64_t
setup_wait(const struct auth *a, enum auth_who who)
{
	const struct session *s = a->s;

	return wait_left(a->now_ms(), s->setup_refused_ms,
	    who == AUTH_PERSON ? s->setup_login_not_before_ms
			       : s->setup_not_before_ms);
}

static int
too_early(const char *what, const struct auth *a, int64_t wait, struct err *e)
{
	char span[32], next[128];

	if (wait == 0)
		return 0;
	snprintf(next, sizeof(next),
	    "Try again in %s; trying sooner makes Apple refuse for longer.",
	    text_span(span, wait));
	err_set(e, ERR_THROTTLED, next, "It is too early for another %s of %s.",
	    what, a->s->account);
	if (e != NULL)
		e->wait_ms = wait;
	return -1;
}

int
auth_resume(enum auth_next *out, struct auth *a, struct err *e)
{
	struct walk w = {.a = a, .purpose = RESUME};

	a->who = AUTH_UNATTENDED;
	if (too_early("look at the account", a, setup_wait(a, a->who), e) == -1)
		return -1;
	return walk_from(out, &w, VALIDATE, e);
}

int
auth_sign_in(enum auth_next *out, struct auth *a, const char *password,
    enum auth_who who, struct err *e)
{
	struct session *s = a->s;
	struct walk w = {.a = a, .purpose = SIGN_IN, .password = password};

	a->who = who;
	if (password == NULL || *password == '\0')
		return err_set(e, ERR_PASSWORD, wire_login,
		    "The password of %s is needed.", s->account);
	/* [throttling]: a refused password is never tried again by itself. */
	if (who == AUTH_UNATTENDED && s->password_refused)
		return err_set(e, ERR_PASSWORD, wire_login,
		    "The saved password of %s was refused by Apple.",
		    s->account);
	if (too_early("sign-in", a,
		longer(sign_in_wait(a, who), setup_wait(a, who)), e) == -1)
		return -1;
	/*
	 * What was half finished before this is over, and so is the context of
	 * an earlier sign-in; what works goes on working until a proof is
	 * accepted.
	 */
	if (s->stage == SESSION_NEEDS_CODE)
		s->stage = SESSION_NONE;
	session_forget_code(s);
	session_keep(&s->scnt, NULL);
	session_keep(&s->session_id, NULL);
	session_keep(&s->auth_attributes, NULL);
	wire_first_idmsa(a);
	factor_clear(a);
	a->proved = false;
	return walk_from(out, &w, AUTHORIZE, e);
}

static int
code_too_late(const struct auth *a, struct err *e)
{
	if (a->s->stage != SESSION_NEEDS_CODE)
		return err_set(e, ERR_CODE, wire_login,
		    "No sign-in of %s waits for a code.", a->s->account);
	/* In the process that signed in, Apple may decide. */
	if (!a->proved && !code_waits(a))
		return err_set(e, ERR_CODE, "Run icloud-pull login again.",
		    "The sign-in that this code belongs to is too old.");
	return 0;
}

int
auth_submit_code(enum auth_next *out, struct auth *a, const char *code,
    const char *password, struct err *e)
{
	struct session *s = a->s;
	char digits[FACTOR_DIGITS + 1];
	struct walk w = {.a = a,
	    .purpose = SUBMIT_CODE,
	    .password = password,
	    .digits = digits};
	int rc;

	a->who = AUTH_PERSON;
	if (factor_digits(digits, code, e) == -1 || code_too_late(a, e) == -1)
		return -1;
	rc = walk_from(out, &w, CODE, e);
	secret_wipe(digits, sizeof(digits));
	/* A code is used up, and three were wrong: a new sign-in is needed. */
	if (rc == -1 && s->stage == SESSION_NEEDS_CODE &&
	    (w.entered[TRUST] > 0 || w.entered[ESCROW] > 0 ||
		w.entered[REPAIR] > 0 || s->code_tries >= CODE_TRIES)) {
		session_forget_code(s);
		s->stage = SESSION_NONE;
	}
	return rc;
}

int
auth_consent(enum auth_next *out, struct auth *a, struct err *e)
{
	struct walk w = {.a = a, .purpose = CONSENT};

	return walk_from(out, &w, PCS_CONSENT, e);
}

void
auth_drop_consent(struct auth *a)
{
	wire_drop_cookies(a, "X-APPLE-WEBAUTH-PCS-");
	a->consent_asked = a->pcs_asked = false;
}

/*
 * Renewal [renewal]: nobody knows for sure that a proof prolongs the trust,
 * and each makes Apple send the owner a mail; so it is rare, and what it
 * breaks is put back.  Where Apple has answered and the trust ends no later,
 * more of them would end it no later either.  With Advanced Data Protection
 * many sign-ins make that no device can be asked [pcs].
 */

bool
auth_renewal_due(const struct auth *a)
{
	const struct session *s = a->s;
	int64_t now = a->now_ms();
	int64_t half =
	    s->trust_began_ms + (s->trust_expires_ms - s->trust_began_ms) / 2;

	return s->stage == SESSION_SIGNED_IN && s->trust_token != NULL &&
	    s->trust_began_ms > 0 && s->trust_expires_ms > now && now >= half &&
	    s->renewed_until_ms != s->trust_expires_ms &&
	    wait_left(now, s->last_renewal_ms,
		s->last_renewal_ms + 24 * HOUR_MS) == 0 &&
	    !s->password_refused && !s->adp &&
	    sign_in_wait(a, AUTH_UNATTENDED) == 0 &&
	    setup_wait(a, AUTH_UNATTENDED) == 0;
}

int
auth_renew(struct auth *a, const char *password, struct err *e)
{
	enum auth_next next = AUTH_NEED_PASSWORD;
	struct session *s = a->s, *before = NULL;
	int64_t until = s->trust_expires_ms;
	struct buf kept;
	int rc;

	s->last_renewal_ms = a->now_ms();
	buf_init_secret(&kept, 0);
	session_write(&kept, s);
	rc = auth_sign_in(&next, a, password, AUTH_UNATTENDED, e);
	if (a->proved)
		s->renewed_until_ms = until;
	if (rc == 0 && next == AUTH_NEED_CODE)
		rc = err_set(e, ERR_CODE, wire_login,
		    "Apple wants a code before it prolongs the trust of this "
		    "machine.");
	else if (rc == 0 && next == AUTH_NEED_CONSENT)
		rc = err_set(e, ERR_ADP, wire_login,
		    "Apple wants the consent of a device before it prolongs "
		    "the trust of this machine.");
	if (rc == -1 &&
	    session_read(&before, buf_text(&kept), kept.len, NULL) == 0) {
		session_learn(before, s);
		session_swap(s, before);
		wire_load_cookies(a);
	}
	session_free(before);
	buf_clear(&kept);
	return rc;
}

int
auth_logout(struct auth *a, struct err *e)
{
	struct session *s = a->s;
	int rc = 0;

	if (s->cookies.len > 0)
		rc = account_logout(a, e);
	session_forget_login(s);
	buf_reset(&s->cookies);
	wire_load_cookies(a);
	factor_clear(a);
	a->proved = false;
	return rc;
}
