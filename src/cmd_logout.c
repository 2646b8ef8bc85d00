#include "account.h"
#include "auth.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "err.h"
#include "http.h"
#include "keystore.h"
#include "log.h"
#include "report.h"
#include "session.h"

/* Tell Apple; that it cannot be told keeps nobody signed in here. */
static int
tell_apple(struct app *app, struct session *s, struct err *e)
{
	struct err telling = ERR_INIT;
	struct http *http;
	struct auth *auth;

	if (cloud_http(&http, app, e) == -1)
		return -1;
	auth = auth_new(http, s, clock_now_ms);
	if (auth_logout(auth, &telling) == -1)
		log_warn("Apple could not be told: %s", telling.what);
	auth_free(auth);
	http_free(http);
	return 0;
}

/* The key store's copy of the password goes too. */
static void
drop_password(const char *name)
{
	struct err e = ERR_INIT;

	if (keystore_drop(name, &e) == -1)
		log_warn("The saved password could not be removed. %s", e.what);
}

static void
say_signed_out(struct app *app, const char *name, bool before)
{
	report_open(app->report, "signed-out");
	report_str(app->report, "account", name);
	report_close(app->report);
	report_text(app->report, REPORT_CHATTER,
	    before ? "%s was not signed in." : "Signed out %s.", name);
}

static int
logout_run(struct app *app, struct err *e)
{
	struct account account = {.dir = -1, .lock = -1};
	struct session *s = NULL;
	int rc = -1;

	if (app->opt.account == NULL)
		return err_set(e, ERR_USAGE, "Give --account NAME.",
		    "No Apple Account was named.");
	if (account_find(&account, app->state_dir, app->opt.account, e) == -1)
		goto out;
	/* The store may ask a person: not with the lock held. */
	drop_password(account.name);
	if (account_lock(&account, e) == -1 ||
	    account_load(&s, &account, e) == -1)
		goto out;
	account_drop_pending(&account);
	if (s == NULL || s->stage != SESSION_SIGNED_IN) {
		say_signed_out(app, account.name, true);
		rc = 0;
		goto out;
	}
	if (tell_apple(app, s, e) == -1)
		goto out;
	session_forget_login(s);
	buf_clear(&s->cookies);
	s->stage = SESSION_NONE;
	if (account_save(&account, s, e) == -1)
		goto out;
	say_signed_out(app, account.name, false);
	rc = 0;
out:
	session_free(s);
	account_close(&account);
	return rc;
}

const struct cmd cmd_logout = {
    .name = "logout",
    .help = "forget the session and the saved password, and tell Apple",
    .scope = OPT_GLOBAL,
    .run = logout_run,
};
