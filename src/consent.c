#include "consent.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "ask.h"
#include "auth.h"
#include "civil.h"
#include "cmd.h"
#include "err.h"
#include "http.h"
#include "log.h"
#include "report.h"
#include "session.h"

#define PATIENCE_MS INT64_C(300000)

static void
on_time(void *arg)
{
	*(bool *)arg = true;
}

/* Some seconds on the loop, so that a signal ends them; the person sees how
 * much is left of the five minutes. */
static int
pause_a_while(
    struct app *app, struct http *http, int64_t until_ms, struct err *e)
{
	bool over = false;

	http_after(http, AUTH_CONSENT_PAUSE_MS, on_time, &over);
	while (!over && !http_interrupted(http)) {
		int64_t now = clock_mono_ms();

		report_busy(app->report, "Waiting for the tap, seconds left",
		    until_ms > now ? (until_ms - now) / 1000 : 0, now);
		http_turn(http, 1000);
	}
	http_after_cancel(http, on_time, &over);
	return http_interrupted(http)
	    ? err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.")
	    : 0;
}

static int
one_round(enum auth_next *out, struct account *account, struct session *s,
    struct auth *auth, struct err *e)
{
	int rc;

	if (account_lock(account, e) == -1)
		return -1;
	rc = account_save_after(auth_consent(out, auth, e), account, s, e);
	account_unlock(account);
	return rc;
}

int
consent_wait(struct app *app, struct account *account, struct http *http,
    struct session *s, struct auth *auth, struct err *e)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	enum auth_next next = AUTH_NEED_CONSENT;
	bool said = false;
	int rc = 0;

	if (!ask_is_person() || app->opt.scheduled)
		return err_set(e, ERR_ADP,
		    "Run icloud-pull on a terminal and tap Allow on an iPhone, "
		    "iPad or Mac of the account. A nightly run cannot.",
		    s->adp ? "Advanced Data Protection is on for %s: its "
			     "photos open only after a tap on a device, for "
			     "about an hour."
			   : "iCloud keeps the photos of %s closed until a "
			     "device allows access, for about an hour.",
		    account->name);
	while (rc == 0) {
		rc = one_round(&next, account, s, auth, e);
		if (rc == -1 || next != AUTH_NEED_CONSENT)
			break;
		if (!said)
			log_note("%sTap Allow on one of your devices to let "
				 "icloud-pull see the photos for an hour.",
			    s->adp ? "Advanced Data Protection is on. " : "");
		said = true;
		if (clock_mono_ms() >= until)
			rc = err_set(e, ERR_ADP,
			    "Run icloud-pull again with a device at hand.",
			    "No device of %s allowed access within five "
			    "minutes.",
			    account->name);
		else
			rc = pause_a_while(app, http, until, e);
	}
	report_busy_end(app->report);
	assert(rc == -1 || next == AUTH_READY);
	return rc;
}
