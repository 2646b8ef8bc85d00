#include "cloud.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "buf.h"
#include "civil.h"
#include "cmd.h"
#include "consent.h"
#include "err.h"
#include "http.h"
#include "log.h"
#include "password.h"
#include "session.h"
#include "text.h"

#define RECOVERIES_MAX 3
#define WARN_DAYS      14
#define HOUR_MS        ((int64_t)60 * 60 * 1000)
/* Refused again so soon, consent is not what is lacking. */
#define CONSENT_MS 60000

/* A computer that has just woken may have no network for a while: with the
 * usual tries that follow it is two minutes in all. */
#define PATIENCE_MS 105000

/* A signal has come: everything on the loop ends. */
static void
on_signal(void *arg)
{
	http_interrupt(arg);
}

int
cloud_http(struct http **out, const struct app *app, struct err *e)
{
	static const struct http_rule *const rules[] = {
	    auth_rules, api_rules, NULL};
	struct http_options o = {
	    .rules = rules,
	    .user_agent = auth_user_agent,
	    .ca_file = app->opt.ca_file,
	    .connect_to = app->opt.connect_to,
	    .rate_bytes = app->opt.limit_rate,
	    .patience_ms = app->opt.scheduled ? PATIENCE_MS : 0,
	};

	if (http_new(out, &o, e) == -1)
		return -1;
	http_watch(*out, app->signal_fd, on_signal, *out);
	return 0;
}

static int
code_wanted(const struct cloud *c, struct err *e)
{
	return err_set(e, ERR_CODE, "Run icloud-pull login.",
	    "Apple wants a code for %s.", c->account.name);
}

/* Take the account's session from its file into c. */
static int
load_session(struct cloud *c, struct err *e)
{
	struct session *s;

	if (account_load(&s, &c->account, e) == -1)
		return -1;
	/* An unattended proof has shown it: another would show it again. */
	if (s != NULL && s->stage == SESSION_NEEDS_CODE) {
		session_free(s);
		return code_wanted(c, e);
	}
	if (s == NULL || s->stage != SESSION_SIGNED_IN) {
		session_free(s);
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "%s is not signed in yet.", c->account.name);
	}
	if (c->auth == NULL) {
		c->auth = auth_new(c->http, s, clock_now_ms);
		auth_use_host(c->auth, c->app->opt.idmsa_host);
	} else
		auth_take(c->auth, s);
	session_free(c->session);
	c->session = s;
	c->ck = (struct cloudkit){.http = c->http, .session = s};
	return 0;
}

/* Do both come from one sign-in? */
static bool
same_login(const struct session *a, const struct session *b)
{
	return a->session_token != NULL && b->session_token != NULL &&
	    strcmp(a->session_token, b->session_token) == 0;
}

/* CloudKit rotates cookies too [cookies].  Under the account's lock; a session
 * that a login has written meanwhile is newer and stays, and so does what one
 * that failed has taught. */
static void
keep_cookies(struct cloud *c)
{
	struct session *newest = NULL;
	struct err e = ERR_INIT;

	if (c->session->stage == SESSION_SIGNED_IN &&
	    account_load(&newest, &c->account, &e) == 0 && newest != NULL &&
	    same_login(newest, c->session)) {
		buf_reset(&newest->cookies);
		http_cookies_get(&newest->cookies, c->http);
		newest->cloud_refused_ms = c->session->cloud_refused_ms;
		newest->cloud_not_before_ms = c->session->cloud_not_before_ms;
		if (account_save(&c->account, newest, &e) == -1)
			log_warn("%s", e.what);
	}
	session_free(newest);
}

/* A `login` may have written another session while the lock was let go. */
static bool
is_outdated(const struct cloud *c)
{
	struct session *now = NULL;
	bool outdated;

	outdated = account_load(&now, &c->account, NULL) == 0 && now != NULL &&
	    now->session_token != NULL && !same_login(now, c->session);
	session_free(now);
	return outdated;
}

/* One proof by password, without a person. */
static int
prove_password(enum auth_next *next, struct cloud *c, struct err *e)
{
	char *password = NULL;
	int rc;

	/* This may take its time; nobody else shall wait for it. */
	account_unlock(&c->account);
	rc = password_saved(&password, c->app, c->account.name, e);
	/* A key store that cannot be asked may never have held one. */
	if (rc == -1 && c->app->opt.password_command == NULL &&
	    e->code != ERR_INTERRUPTED) {
		log_note("%s", e->what);
		rc = 1;
	}
	if (rc == 1)
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "The session of %s has ended.", c->account.name);
	if (rc == -1)
		return -1;
	if (account_lock(&c->account, e) == -1) {
		secret_free(password);
		return -1;
	}
	if (is_outdated(c)) {
		rc = load_session(c, e);
		if (rc == 0)
			rc = auth_resume(next, c->auth, e);
		if (rc == -1 || *next != AUTH_NEED_PASSWORD) {
			secret_free(password);
			return rc;
		}
	}
	rc = auth_sign_in(next, c->auth, password, AUTH_UNATTENDED, e);
	secret_free(password);
	if (rc == 0)
		c->session->password_worked = true;
	if (rc == 0 && *next == AUTH_NEED_CODE)
		rc = code_wanted(c, e);
	return rc;
}

/*
 * [renewal]: half-way through the life of the trust, with a password at hand,
 * the session that works is made to last.  That it fails ends nothing.
 */
static void
renew_trust(struct cloud *c)
{
	struct err e = ERR_INIT;
	char *password = NULL;

	if (!auth_renewal_due(c->auth))
		return;
	account_unlock(&c->account);
	if (password_saved(&password, c->app, c->account.name, &e) != 0) {
		/* That there is none, or no key store, is no news. */
		if (c->app->opt.password_command != NULL)
			log_warn("%s %s", e.what, e.next);
		return;
	}
	if (account_lock(&c->account, &e) == 0 && !is_outdated(c)) {
		log_debug("Prolonging the trust of this machine.");
		if (auth_renew(c->auth, password, &e) == 0)
			c->session->password_worked = true;
		else
			log_warn("The trust of this machine could not be "
				 "prolonged, which ends nothing yet. %s",
			    e.what);
		if (account_save(&c->account, c->session, &e) == -1)
			log_warn("%s", e.what);
	}
	secret_free(password);
}

/* What the owner should know while all still works; once a day. */
static void
say_outlook(struct cloud *c)
{
	struct session *s = c->session;
	int64_t now = clock_now_ms(), left = s->trust_expires_ms - now;
	int64_t ago = now - s->trust_warned_ms;
	struct err e = ERR_INIT;
	long long days = (long long)(left > 0 ? left / CIVIL_DAY_MS : 0);

	if (s->no_device)
		log_note("No device of %s has used iCloud Photos yet; the "
			 "library may be empty for that reason.",
		    c->account.name);
	if (s->trust_expires_ms == 0 || left >= WARN_DAYS * CIVIL_DAY_MS ||
	    (ago >= 0 && ago < 20 * HOUR_MS))
		return;
	log_warn("Apple trusts this machine for %lld more %s. After that, "
		 "icloud-pull login needs a code of one of your devices.",
	    days, days == 1 ? "day" : "days");
	s->trust_warned_ms = now;
	if (account_lock(&c->account, &e) == 0 && !is_outdated(c))
		(void)account_save(&c->account, s, &e);
}

/* A wait that CloudKit has stated to a run before. */
static int
too_early(const struct cloud *c, struct err *e)
{
	const struct session *s = c->session;
	int64_t now = clock_now_ms(), wait;
	char span[32], next[80];

	assert(s != NULL);
	wait = s->cloud_not_before_ms - now;
	/* Refused in the future: the clock was set back. */
	if (wait <= 0 || now < s->cloud_refused_ms)
		return 0;
	snprintf(next, sizeof(next), "Try again in %s.", text_span(span, wait));
	err_set(e, ERR_THROTTLED, next,
	    "Apple has asked to wait before asking for more photos of %s.",
	    c->account.name);
	e->wait_ms = wait;
	return -1;
}

/*
 * Nobody is there whom it could be asked: an account that is locked now, or a
 * saved password that worked and is refused, is how a theft looks from here.
 */
static int
sound_alarm(const struct cloud *c, struct err *e)
{
	bool refused = e->code == ERR_PASSWORD && c->session != NULL &&
	    c->session->password_worked && c->session->password_refused;

	if (e->code != ERR_LOCKED && !refused)
		return -1;
	return err_set(e, ERR_ALARM,
	    "If that was not you, somebody may be taking the account over: go "
	    "to https://iforgot.apple.com now. If it was, run icloud-pull "
	    "login.",
	    "%s", e->what);
}

/* The order of [session-start], under the account's lock. */
static int
make_it_work(struct cloud *c, struct err *e)
{
	enum auth_next next = AUTH_NEED_PASSWORD;
	int rc;

	rc = auth_resume(&next, c->auth, e);
	if (rc == 0 && next == AUTH_NEED_PASSWORD)
		rc = prove_password(&next, c, e);
	rc = account_save_after(rc, &c->account, c->session, e);
	if (rc == 0 && next == AUTH_NEED_CONSENT) {
		rc = consent_wait(
		    c->app, &c->account, c->http, c->session, c->auth, e);
		if (rc == 0)
			c->recoveries = 0;
	}
	return rc;
}

/* All of it, from the stored session on; the lock is let go, also where the
 * run goes on without the cloud. */
static int
open_session(struct cloud *c, bool consent_lost, struct err *e)
{
	int rc = -1;

	if (account_lock(&c->account, e) == -1)
		return -1;
	if (c->session != NULL)
		keep_cookies(c);
	if (load_session(c, e) == 0 &&
	    (c->recoveries > 0 || too_early(c, e) == 0)) {
		if (consent_lost)
			auth_drop_consent(c->auth);
		rc = make_it_work(c, e);
	}
	account_unlock(&c->account);
	return rc == 0 ? 0 : sound_alarm(c, e);
}

int
cloud_open(struct cloud *out, struct app *app, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->app = app;
	assert(app->opt.account != NULL);
	if (account_find(&out->account, app->state_dir, app->opt.account, e) ==
	    -1)
		return -1;
	if (cloud_http(&out->http, app, e) == -1 ||
	    open_session(out, false, e) == -1)
		return -1;
	renew_trust(out);
	say_outlook(out);
	account_unlock(&out->account);
	return 0;
}

int
cloud_look(enum auth_next *out, struct app *app, struct err *e)
{
	struct cloud c = {.app = app, .account = {.dir = -1, .lock = -1}};
	int rc = -1;

	assert(app->opt.account != NULL);
	*out = AUTH_READY;
	if (account_find(&c.account, app->state_dir, app->opt.account, e) ==
		0 &&
	    cloud_http(&c.http, app, e) == 0 &&
	    account_lock(&c.account, e) == 0 && load_session(&c, e) == 0 &&
	    too_early(&c, e) == 0) {
		/* Its cookies may have been rotated. */
		rc = account_save_after(
		    auth_resume(out, c.auth, e), &c.account, c.session, e);
	}
	cloud_close(&c);
	return rc;
}

bool
cloud_lost(struct cloud *c, enum database database, unsigned generation,
    const struct err *e)
{
	if (e->code == ERR_THROTTLED && e->wait_ms > 0) {
		c->session->cloud_refused_ms = clock_now_ms();
		c->session->cloud_not_before_ms =
		    c->session->cloud_refused_ms + e->wait_ms;
	}
	if (e->code != ERR_ADP && e->code != ERR_SESSION)
		return false;
	if (generation != c->generation) /* it began before the cure */
		return true;
	if (e->code == ERR_SESSION) {
		if (database == DATABASE_SHARED && c->shared_cured)
			return false;
		c->shared_lost |= database == DATABASE_SHARED;
		return true;
	}
	if (c->consented_ms > 0 &&
	    clock_mono_ms() - c->consented_ms < CONSENT_MS)
		return false;
	c->consent_lost = true;
	return true;
}

int
cloud_recover(struct cloud *c, unsigned generation, struct err *e)
{
	bool consent_lost = c->consent_lost;

	if (generation != c->generation)
		return 0;
	c->consent_lost = false;
	if (c->recoveries++ >= RECOVERIES_MAX)
		return err_set(e, ERR_SESSION, "Run icloud-pull login.",
		    "The session of %s ended again and again.",
		    c->account.name);
	log_note(consent_lost ? "The photos have closed again."
			      : "The session has ended; signing in again.");
	if (open_session(c, consent_lost, e) == -1)
		return -1;
	if (consent_lost)
		c->consented_ms = clock_mono_ms();
	c->shared_cured = c->shared_lost;
	c->shared_lost = false;
	c->generation++;
	return 0;
}

void
cloud_close(struct cloud *c)
{
	struct err e = ERR_INIT;

	if (c->session != NULL && account_lock(&c->account, &e) == 0)
		keep_cookies(c);
	auth_free(c->auth);
	session_free(c->session);
	http_free(c->http);
	account_close(&c->account);
	memset(c, 0, sizeof(*c));
	c->account.dir = c->account.lock = -1;
}
