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
#include "err.h"
#include "http.h"
#include "log.h"
#include "report.h"
#include "session.h"

/* One sign-in, with a person or a script at the other end. */
struct login {
	struct app *app;
	struct account account;
	struct http *http;
	struct session *session;
	struct auth *auth;
	char *password; /* secret */
	bool saved;     /* by --password-command */
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

	if (l->app->opt.from_stdin && (!l->app->opt.code || command == NULL))
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

static const struct auth_phone *
chosen_phone(struct login *l, struct err *e)
{
	size_t n;
	const struct auth_phone *phones = auth_phones(&n, l->auth);

	if (l->app->opt.sms == 0)
		return NULL;
	if ((size_t)l->app->opt.sms > n) {
		err_set(e, ERR_CODE, "Leave --sms out to use your devices.",
		    n == 0 ? "Apple names no number for text messages."
			   : "There is no trusted number %lld.",
		    (long long)l->app->opt.sms);
		return NULL;
	}
	return &phones[l->app->opt.sms - 1];
}

/* Ask Apple for a code.  That it cannot be sent is no end: a device can show
 * one that was made by hand. */
static int
request_code(struct login *l, struct err *e)
{
	const struct auth_phone *phone = chosen_phone(l, e);
	struct err asking = ERR_INIT;
	int rc;

	if (phone == NULL && e->code != ERR_NONE)
		return -1;
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
	else if (phone != NULL)
		log_note("A code was sent to %s.", phone->label);
	else
		log_note("A code is shown on your trusted devices.");
	return account_save_pending(&l->account, l->session, e);
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

/* Code after code, until one is right or no more may be tried. */
static int
enter_codes(struct login *l, struct err *e)
{
	enum auth_next next = AUTH_NEED_CODE;
	char *code;
	int rc;

	while (next == AUTH_NEED_CODE) {
		if (l->person && !l->app->opt.from_stdin)
			code = ask_person("Code: ", false, e);
		else if (l->app->opt.from_stdin)
			code = ask_line(e);
		else
			code = NULL;
		if (code == NULL)
			return e->code == ERR_INTERRUPTED ? -1
							  : wait_for_code(l, e);
		if (account_lock(&l->account, e) == -1) {
			secret_free(code);
			return -1;
		}
		rc = auth_submit_code(&next, l->auth, code, l->password, e);
		account_unlock(&l->account);
		secret_free(code);
		if (rc == -1) {
			account_drop_pending(&l->account);
			return -1;
		}
		if (next != AUTH_NEED_CODE)
			break;
		if (account_save_pending(&l->account, l->session, e) == -1)
			return -1;
		/* A script's code is not asked for again. */
		if (!l->person || l->app->opt.from_stdin)
			return err_set(e, ERR_CODE,
			    "Run icloud-pull login again.",
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
	return 0;
}

/* The session of before stays, but Apple's "later" is kept in it: the next
 * process shall not ask again at once. */
static void
remember_wait(struct login *l)
{
	struct session *kept = NULL;
	struct err e = ERR_INIT;

	if (account_lock(&l->account, &e) == -1)
		return;
	if (account_load(&kept, &l->account, &e) == 0) {
		if (kept == NULL)
			kept = session_new(l->account.name);
		kept->last_srp_ms = l->session->last_srp_ms;
		kept->srp_not_before_ms = l->session->srp_not_before_ms;
		kept->login_not_before_ms = l->session->login_not_before_ms;
		kept->srp_failures = l->session->srp_failures;
		if (account_save(&l->account, kept, &e) == -1)
			log_warn("%s", e.what);
	}
	account_unlock(&l->account);
	session_free(kept);
}

/* Anew with the password, sending the trust token of before. */
static int
sign_in(struct login *l, struct err *e)
{
	enum auth_next next = AUTH_NEED_PASSWORD;
	int rc;

	if (account_load(&l->session, &l->account, e) == -1) {
		if (e->code != ERR_BAD_STATE)
			return -1;
		log_warn("%s It is replaced.", e->what);
		err_clear(e);
	}
	if (l->session == NULL)
		l->session = session_new(l->account.name);
	session_forget_login(l->session);
	if (open_session(l, e) == -1 || account_lock(&l->account, e) == -1)
		return -1;
	rc = auth_sign_in(&next, l->auth, l->password, AUTH_PERSON, e);
	account_unlock(&l->account);
	if (rc == -1 && e->code == ERR_THROTTLED)
		remember_wait(l);
	if (rc == -1)
		return -1;
	if (next == AUTH_NEED_CODE)
		return request_code(l, e) == -1 ? -1 : enter_codes(l, e);
	return 0;
}

/* The second process of a sign-in: no new code is triggered. */
static int
finish_with_code(struct login *l, struct err *e)
{
	if (account_load_pending(&l->session, &l->account, clock_now_ms(), e) ==
	    -1)
		return -1;
	if (l->session == NULL)
		return err_set(e, ERR_CODE, "Run icloud-pull login.",
		    "No sign-in of %s waits for a code.", l->account.name);
	if (open_session(l, e) == -1)
		return -1;
	return enter_codes(l, e);
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

static int
login_run(struct app *app, struct err *e)
{
	struct login l = {.app = app, .account = {.dir = -1, .lock = -1}};
	int rc = -1;

	l.person = ask_is_person();
	if (ask_account(&l, e) == -1 ||
	    account_open(&l.account, app->state_dir, app->opt.account, e) ==
		-1 ||
	    ask_password(&l, e) == -1)
		goto out;
	if ((app->opt.code ? finish_with_code(&l, e) : sign_in(&l, e)) == -1)
		goto out;

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
	rc = settle_root(app, l.person, e);
	if (rc == 0 && app->opt.root == NULL)
		log_note("Give --root DIR with the first icloud-pull sync.");
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
