#include "cloud.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "auth.h"
#include "buf.h"
#include "civil.h"
#include "cmd.h"
#include "err.h"
#include "http.h"
#include "log.h"
#include "session.h"

#define RECOVERIES_MAX 3

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
	};

	if (http_new(out, &o, e) == -1)
		return -1;
	http_watch(*out, app->signal_fd, on_signal, *out);
	return 0;
}

/* Take the account's session from its file into c. */
static int
load_session(struct cloud *c, struct err *e)
{
	struct session *s;

	if (account_load(&s, &c->account, e) == -1)
		return -1;
	if (s == NULL || s->stage != SESSION_SIGNED_IN) {
		session_free(s);
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "%s is not signed in yet.", c->account.name);
	}
	auth_free(c->auth);
	session_free(c->session);
	http_cookies_clear(c->http, NULL);
	c->session = s;
	c->auth = auth_new(c->http, s, clock_now_ms);
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
 * that a login has written meanwhile is newer and stays. */
static void
keep_cookies(struct cloud *c)
{
	struct session *newest = NULL;
	struct err e = ERR_INIT;

	if (c->session->stage == SESSION_SIGNED_IN &&
	    account_load(&newest, &c->account, &e) == 0 && newest != NULL &&
	    same_login(newest, c->session)) {
		buf_reset(&c->session->cookies);
		http_cookies_get(&c->session->cookies, c->http);
		if (account_save(&c->account, c->session, &e) == -1)
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
prove_password(struct cloud *c, struct err *e)
{
	enum auth_next next = AUTH_NEED_PASSWORD;
	char *password;
	int rc;

	if (c->app->opt.password_command == NULL)
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "The session of %s has ended.", c->account.name);
	/* The command may take its time; nobody else shall wait for it. */
	account_unlock(&c->account);
	password = ask_command(c->app->opt.password_command, e);
	if (password == NULL)
		return -1;
	if (account_lock(&c->account, e) == -1) {
		secret_free(password);
		return -1;
	}
	if (is_outdated(c)) {
		rc = load_session(c, e);
		if (rc == 0)
			rc = auth_resume(&next, c->auth, e);
		if (rc == -1 || next == AUTH_READY) {
			secret_free(password);
			return rc;
		}
	}
	rc = auth_sign_in(&next, c->auth, password, AUTH_UNATTENDED, e);
	secret_free(password);
	if (rc == 0)
		c->session->password_worked = true;
	if (rc == 0 && next == AUTH_NEED_CODE)
		rc = err_set(e, ERR_CODE, "Run icloud-pull login.",
		    "Apple wants a code for %s.", c->account.name);
	return rc;
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
	struct err saving = ERR_INIT;
	int rc;

	rc = auth_resume(&next, c->auth, e);
	if (rc == 0 && next != AUTH_READY)
		rc = prove_password(c, e);
	if (account_save(&c->account, c->session, &saving) == -1) {
		if (rc == 0)
			*e = saving;
		rc = -1;
	}
	return rc;
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
	    account_lock(&out->account, e) == -1)
		return -1;
	if (load_session(out, e) == -1 || make_it_work(out, e) == -1)
		return sound_alarm(out, e);
	account_unlock(&out->account);
	return 0;
}

int
cloud_recover(struct cloud *c, struct err *e)
{
	if (c->recoveries++ >= RECOVERIES_MAX)
		return err_set(e, ERR_SESSION, "Run icloud-pull login.",
		    "The session of %s ended again and again.",
		    c->account.name);
	log_note("The session has ended; signing in again.");
	if (account_lock(&c->account, e) == -1)
		return -1;
	keep_cookies(c);
	if (load_session(c, e) == -1 || make_it_work(c, e) == -1)
		return sound_alarm(c, e);
	account_unlock(&c->account);
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
