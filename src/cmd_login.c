#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "ask.h"
#include "auth.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "consent.h"
#include "err.h"
#include "http.h"
#include "keystore.h"
#include "log.h"
#include "password.h"
#include "report.h"
#include "session.h"
#include "text.h"

/* One sign-in, with a person or a script at the other end. */
struct login {
	struct app *app;
	struct account account;
	struct http *http;
	struct session *session;
	struct auth *auth;
	char *password; /* secret */
	bool saved;     /* by --password-command or in the key store */
	bool person;    /* somebody can be asked */
};

static void
login_clear(struct login *l)
{
	auth_free(l->auth);
	session_free(l->session);
	http_free(l->http);
	secret_free(l->password);
	account_close(&l->account);
}

/* ---- what is asked, in the order of docs/design.md, "login" ---- */

static int
ask_account(struct login *l, struct err *e)
{
	struct app *app = l->app;

	if (app->opt.account != NULL)
		return 0;
	if (app->opt.from_stdin)
		app->opt.account = ask_line(e);
	else if (l->person)
		app->opt.account =
		    ask_person("Apple Account (e-mail): ", false, e);
	else
		return err_set(e, ERR_USAGE, "Give --account NAME.",
		    "No Apple Account was named.");
	if (app->opt.account == NULL || app->opt.account[0] == '\0')
		return e->code != ERR_NONE
		    ? -1
		    : err_set(e, ERR_USAGE, "Give --account NAME.",
			  "No Apple Account was named.");
	return 0;
}

static int
ask_password(struct login *l, struct err *e)
{
	const char *command = l->app->opt.password_command;

	/* The second process of a sign-in takes what is saved; that there is
	 * no key store to look into is nobody's fault. */
	if (l->app->opt.code) {
		int rc =
		    password_saved(&l->password, l->app, l->account.name, e);

		if (rc == -1 && (command != NULL || e->code == ERR_INTERRUPTED))
			return -1;
		err_clear(e);
		l->saved = rc == 0;
	}
	if (l->saved)
		return 0;
	if (l->app->opt.from_stdin)
		l->password = ask_line(e);
	else if (command != NULL) {
		l->password = ask_command(command, e);
		l->saved = true;
	} else if (l->person)
		l->password = ask_person("Password: ", true, e);
	if (l->password == NULL || l->password[0] == '\0')
		return e->code != ERR_NONE
		    ? -1
		    : err_set(e, ERR_PASSWORD,
			  "Run icloud-pull login on a terminal, or give "
			  "--stdin or --password-command.",
			  "The password is needed.");
	return 0;
}

/* Trusted number n, from 1. */
static const struct auth_phone *
phone_number(const struct login *l, int64_t number, struct err *e)
{
	size_t n;
	const struct auth_phone *phones = auth_phones(&n, l->auth);

	if (number >= 1 && (uint64_t)number <= n)
		return &phones[number - 1];
	err_set(e, ERR_CODE, "Leave it out to use your devices.",
	    n == 0 ? "Apple names no number that a code could go to."
		   : "There is no trusted number %lld.",
	    (long long)number);
	return NULL;
}

/*
 * Ask Apple for a code: on the devices (number 0), or by message or call to a
 * number.  That it cannot be sent is no end: a device can show one that was
 * made by hand.
 */
static int
request_code(struct login *l, int64_t number, bool call, struct err *e)
{
	const struct auth_phone *phone = NULL;
	struct auth_phone called;
	struct err asking = ERR_INIT;
	int rc;

	if (number != 0) {
		phone = phone_number(l, number, e);
		if (phone == NULL)
			return -1;
		called = *phone;
		called.voice_only = called.voice_only || call;
		phone = &called;
	}
	if (account_lock(&l->account, e) == -1)
		return -1;
	rc = auth_request_code(l->auth, phone, &asking);
	account_unlock(&l->account);
	if (rc == -1 && asking.code != ERR_CODE) {
		*e = asking;
		return -1;
	}
	if (rc == -1)
		log_warn("%s %s", asking.what, asking.next);
	else if (phone == NULL)
		log_note("A code is shown on your trusted devices.");
	else if (phone->voice_only)
		log_note("Apple calls %s and says a code.", phone->label);
	else
		log_note("A code was sent to %s.", phone->label);
	return account_save_pending(&l->account, l->session, e);
}

/* The first code of a sign-in, as the options want it; without them on the
 * devices or, where the account has none, to its first number. */
static int
request_first_code(struct login *l, struct err *e)
{
	const struct options *o = &l->app->opt;
	int64_t number = o->voice != 0 ? o->voice : o->sms;
	size_t n;

	(void)auth_phones(&n, l->auth);
	if (number == 0 && !auth_has_devices(l->auth) && n > 0)
		number = 1;
	return request_code(l, number, o->voice != 0, e);
}

/* Said once to a person: what else can be typed than a code. */
static void
say_choices(const struct login *l)
{
	size_t n;
	const struct auth_phone *phones = auth_phones(&n, l->auth);

	for (size_t i = 0; i < n; i++)
		log_note("Type \"%s %zu\" for a code %s %s.",
		    phones[i].voice_only ? "call" : "sms", i + 1,
		    phones[i].voice_only ? "by a call to" : "by message to",
		    phones[i].label);
}

/* "sms", "sms 2", "call 1": which number, and how; false: no such words. */
static bool
is_choice(int64_t *number, bool *call, const char *typed)
{
	const char *rest;

	*number = 1;
	*call = strncmp(typed, "call", 4) == 0;
	if (!*call && strncmp(typed, "sms", 3) != 0)
		return false;
	rest = typed + (*call ? 4 : 3);
	rest += strspn(rest, " ");
	return *rest == '\0' || text_int(number, rest, 1, 99) == 0;
}

/* What a person has typed in place of a code: 1 if that was seen to. */
static int
no_code(struct login *l, const char *typed, struct err *e)
{
	int64_t number;
	bool call;

	if (auth_is_code(typed))
		return 0;
	if (!is_choice(&number, &call, typed))
		err_set(e, ERR_CODE, "Type the six digits that Apple shows.",
		    "That is no code.");
	else if (request_code(l, number, call, e) == 0)
		return 1;
	if (e->code != ERR_CODE)
		return -1;
	log_warn("%s %s", e->what, e->next);
	err_clear(e);
	return 1;
}

/* The sign-in waits, in STATE, for another process that has the code. */
static int
wait_for_code(struct login *l, struct err *e)
{
	if (account_save_pending(&l->account, l->session, e) == -1)
		return -1;
	return err_set(e, ERR_CODE,
	    "Run icloud-pull login --code within ten minutes.",
	    "A code for %s is needed.", l->account.name);
}

/* ---- the steps ---- */

/* One code.  While another can still be tried, also by another process, the
 * sign-in is kept. */
static int
enter_code(
    enum auth_next *next, struct login *l, const char *code, struct err *e)
{
	struct err saving = ERR_INIT;
	int rc;

	if (account_lock(&l->account, e) == -1)
		return -1;
	rc = auth_submit_code(next, l->auth, code, l->password, e);
	account_unlock(&l->account);
	if (l->session->stage != SESSION_NEEDS_CODE)
		account_drop_pending(&l->account);
	else if (account_save_pending(&l->account, l->session, &saving) == -1 &&
	    rc == 0) {
		*e = saving;
		rc = -1;
	}
	return rc;
}

/* Code after code, until one is right or no more may be tried. */
static int
enter_codes(enum auth_next *next, struct login *l, struct err *e)
{
	bool asks = l->person && !l->app->opt.from_stdin;
	char *code;
	int rc;

	*next = AUTH_NEED_CODE;
	if (asks)
		say_choices(l);
	while (*next == AUTH_NEED_CODE) {
		if (asks)
			code = ask_person("Code: ", false, e);
		else if (l->app->opt.from_stdin)
			code = ask_line(e);
		else
			code = NULL;
		if (code == NULL)
			return e->code == ERR_INTERRUPTED ? -1
							  : wait_for_code(l, e);
		rc = asks ? no_code(l, code, e) : 0;
		if (rc == 0)
			rc = enter_code(next, l, code, e);
		secret_free(code);
		if (rc == -1)
			return -1;
		if (rc == 1 || *next != AUTH_NEED_CODE)
			continue;
		/* A script's code is not asked for again. */
		if (!asks)
			return err_set(e, ERR_CODE,
			    "Run icloud-pull login --code with the newest one.",
			    "Apple did not accept the code.");
		log_warn("Apple did not accept the code. Only the newest one "
			 "counts.");
	}
	return 0;
}

static int
open_session(struct login *l, struct err *e)
{
	if (cloud_http(&l->http, l->app, e) == -1)
		return -1;
	l->auth = auth_new(l->http, l->session, clock_now_ms);
	auth_use_host(l->auth, l->app->opt.idmsa_host);
	return 0;
}

/*
 * The session of before stays, but what a failure has taught is kept in it:
 * Apple's "later", that the next process shall not ask at once, and a trust
 * that was won before it came to nothing.
 */
static void
remember_failure(struct login *l)
{
	struct session *kept = NULL, *left = NULL, *s = l->session;
	struct err e = ERR_INIT;

	if (s == NULL || account_lock(&l->account, &e) == -1)
		return;
	if (account_load(&kept, &l->account, &e) == 0 && kept != NULL) {
		session_learn(kept, s);
		left = kept;
	} else if (s->trust_token != NULL || s->srp_not_before_ms > 0 ||
	    s->setup_not_before_ms > 0 || s->stamp_wanted) {
		session_forget_login(s);
		left = s;
	}
	if (left != NULL && account_save(&l->account, left, &e) == -1)
		log_warn("%s", e.what);
	account_unlock(&l->account);
	session_free(kept);
}

/* Nobody is there who could enter a code, and one was asked for minutes ago:
 * started again and again, it shall not ask again and again. */
static bool
code_waits(const struct login *l)
{
	struct session *s = NULL;
	bool waits;

	if (l->person || l->app->opt.from_stdin)
		return false;
	waits =
	    account_load_pending(&s, &l->account, clock_now_ms(), NULL) == 0 &&
	    s != NULL && s->stage == SESSION_NEEDS_CODE;
	session_free(s);
	return waits;
}

/* Anew with the password, sending the trust token of before. */
static int
sign_in(enum auth_next *next, struct login *l, struct err *e)
{
	int rc;

	if (code_waits(l))
		return err_set(e, ERR_CODE, "Run icloud-pull login --code.",
		    "A code for %s was asked for already.", l->account.name);
	if (account_lock(&l->account, e) == -1)
		return -1;
	if (account_load(&l->session, &l->account, e) == -1) {
		if (e->code != ERR_BAD_STATE)
			return -1;
		log_warn("%s It is replaced.", e->what);
		err_clear(e);
	}
	if (l->session == NULL)
		l->session = session_new(l->account.name);
	session_forget_login(l->session);
	rc = open_session(l, e);
	if (rc == 0)
		rc = auth_sign_in(next, l->auth, l->password, AUTH_PERSON, e);
	account_unlock(&l->account);
	if (rc == -1)
		return -1;
	if (*next == AUTH_NEED_CODE)
		return request_first_code(l, e) == -1 ? -1
						      : enter_codes(next, l, e);
	return 0;
}

/* The second process of a sign-in: no new code is triggered. */
static int
finish_with_code(enum auth_next *next, struct login *l, struct err *e)
{
	if (account_load_pending(&l->session, &l->account, clock_now_ms(), e) ==
	    -1)
		return -1;
	if (l->session == NULL)
		return err_set(e, ERR_CODE, "Run icloud-pull login.",
		    "No sign-in of %s waits for a code.", l->account.name);
	if (open_session(l, e) == -1)
		return -1;
	return enter_codes(next, l, e);
}

/* ---- the configuration ---- */

static void
remember(struct app *app, const char *name, const char *value)
{
	struct err e = ERR_INIT;
	int rc = opt_config_set(app->config_path, name, value, &e);

	if (rc == -1)
		log_warn("%s", e.what);
	else if (rc == 1)
		log_note("%s names another %s; give --%s %s with each command.",
		    app->config_path, name, name, value);
}

/* Absolute, since a nightly run starts elsewhere.  Its last part may be
 * missing: sync makes it.  The caller frees; NULL with errno. */
static char *
whole_path(const char *path)
{
	char *copy, *slash, *parent, *whole = realpath(path, NULL);

	if (whole != NULL || errno != ENOENT)
		return whole;
	if (path[0] == '/')
		return xstrdup(path);
	copy = xstrdup(path);
	slash = strrchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	parent = realpath(slash != NULL ? copy : ".", NULL);
	if (parent != NULL)
		whole = xasprintf(
		    "%s/%s", parent, slash != NULL ? slash + 1 : copy);
	free(parent);
	free(copy);
	return whole;
}

/* What a person typed: a shell would have seen to the "~/". */
static char *
typed_path(const char *typed)
{
	const char *home = getenv("HOME");

	return strncmp(typed, "~/", 2) == 0 && home != NULL
	    ? xasprintf("%s/%s", home, typed + 2)
	    : xstrdup(typed);
}

static int
settle_root(struct app *app, bool person, struct err *e)
{
	char *root = NULL;

	if (app->opt.root == NULL && person && !app->opt.from_stdin) {
		root = ask_person("Where shall the copy lie (a directory, "
				  "best on a disk of its own)? ",
		    false, e);
		if (root == NULL)
			return -1;
		if (root[0] != '\0')
			app->opt.root = typed_path(root);
		free(root);
	}
	if (app->opt.root == NULL)
		return 0;
	root = whole_path(app->opt.root);
	if (root == NULL)
		return err_set_errno(e, errno,
		    "Signed in, but %s cannot be used", app->opt.root);
	remember(app, "root", root);
	free(root);
	return 0;
}

/* That it cannot be kept does not undo the sign-in. */
static void
save_password(struct login *l)
{
	struct err e = ERR_INIT;

	if (keystore_put(l->account.name, l->password, &e) == -1) {
		log_warn("The password is not kept. %s %s", e.what, e.next);
		return;
	}
	log_note("The password is kept in %s.", keystore_name());
	l->session->password_worked = true;
	if (account_save(&l->account, l->session, &e) == -1)
		log_warn("%s", e.what);
}

static int
login_run(struct app *app, struct err *e)
{
	struct login l = {.app = app, .account = {.dir = -1, .lock = -1}};
	enum auth_next next = AUTH_NEED_PASSWORD;
	int rc = -1;

	l.person = ask_is_person();
	if (ask_account(&l, e) == -1 ||
	    account_open(&l.account, app->state_dir, app->opt.account, e) ==
		-1 ||
	    ask_password(&l, e) == -1)
		goto out;
	if ((app->opt.code ? finish_with_code(&next, &l, e)
			   : sign_in(&next, &l, e)) == -1) {
		remember_failure(&l);
		goto out;
	}

	l.session->password_worked = l.saved;
	if (account_save(&l.account, l.session, e) == -1)
		goto out;
	account_drop_pending(&l.account);
	remember(app, "account", l.account.name);
	report_open(app->report, "signed-in");
	report_str(app->report, "account", l.account.name);
	report_close(app->report);
	report_text(
	    app->report, REPORT_CHATTER, "Signed in as %s.", l.account.name);
	if (app->opt.save_password)
		save_password(&l);
	rc = settle_root(app, l.person, e);
	if (rc == 0 && app->opt.root == NULL)
		log_note("Give --root DIR with the first icloud-pull sync.");
	if (l.session->adp)
		log_note("Advanced Data Protection is on: the photos open only "
			 "after a tap on a device, for about an hour, so that "
			 "a nightly run needs one each time.");
	if (rc == 0 && next == AUTH_NEED_CONSENT)
		rc =
		    consent_wait(app, &l.account, l.http, l.session, l.auth, e);
out:
	login_clear(&l);
	return rc;
}

const struct cmd cmd_login = {
    .name = "login",
    .help = "sign in with the Apple Account; keeps the session",
    .scope = OPT_LOGIN,
    .run = login_run,
};
