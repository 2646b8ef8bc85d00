#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "auth.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "compat.h"
#include "copy.h"
#include "dirs.h"
#include "err.h"
#include "fetch.h"
#include "filter.h"
#include "keystore.h"
#include "notify.h"
#include "password.h"
#include "pull.h"
#include "report.h"
#include "session.h"
#include "stop.h"
#include "store.h"
#include "sync.h"
#include "text.h"
#include "timer.h"

#define OLD_MS       (7 * CIVIL_DAY_MS)
#define TRUST_DAYS   14
#define CATALOGUE_MS 30000 /* of reading it through */
#define EARLIEST     "2025-01-01"
#define LATEST       "2100-01-01"

/*
 * Everything that a scheduled run would need, opened as it would open it.  What
 * would end the run is bad and gives the exit status that it would have; what
 * the run can do without is a hint.
 */
struct doctor {
	struct app *app;
	struct store *store; /* NULL: there is no copy to look at */
	struct err worst;
	bool signed_in;
	bool has_password; /* by a command that can be run */
};

static void
say(struct doctor *d, const char *check, const char *result, int status,
    const char *text, const char *next)
{
	struct report *r = d->app->report;

	report_open(r, "check");
	report_str(r, "check", check);
	report_str(r, "result", result);
	report_int(r, "status", status);
	report_str(r, "text", text);
	report_str(r, "next", next);
	report_close(r);
	report_text(r, REPORT_ASKED, "%-4s  %-16s %s%s%s", result, check, text,
	    *next != '\0' ? " " : "", next);
}

static void good(struct doctor *, const char *check, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void hint(struct doctor *, const char *check, const char *next,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
good(struct doctor *d, const char *check, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	say(d, check, "good", 0, buf_text(&text), "");
	buf_clear(&text);
}

static void
hint(
    struct doctor *d, const char *check, const char *next, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	say(d, check, "hint", 0, buf_text(&text), next);
	buf_clear(&text);
}

static void
bad(struct doctor *d, const char *check, const struct err *e)
{
	say(d, check, "bad", err_exit_status(e->code), e->what, e->next);
	err_keep_worse(&d->worst, e);
}

/* ---- what was said ---- */

/* What the run of a timer reads: the standard file and no command line. */
static void
check_timers_options(struct doctor *d, const struct options *here)
{
	char name[] = "icloud-pull", *argv[] = {name, NULL};
	char *path = dirs_config_file(), *next;
	const char *word = NULL;
	struct options there;
	struct err e = ERR_INIT;

	if (opt_read(&there, &word, 1, argv, path, &e) == -1)
		hint(d, "configuration", e.next,
		    "Without --config the file of a timer's run is another, "
		    "and wrong: %s",
		    e.what);
	else if (there.root == NULL || strcmp(there.root, here->root) != 0) {
		next = xasprintf("Put \"root = %s\" there, or give a timer's "
				 "command what was given here.",
		    here->root);
		hint(d, "configuration", next,
		    "The root was given by hand: a timer's run reads it from "
		    "%s.",
		    path != NULL ? path : "the configuration file");
		free(next);
	}
	opt_clear(&there);
	free(path);
}

static void
check_configuration(struct doctor *d)
{
	const char *path = d->app->config_path;
	struct stat st;

	if (path == NULL || stat(path, &st) == -1)
		good(d, "configuration", "There is no file %s.",
		    path != NULL ? path : "for it");
	else if ((st.st_mode & 022) != 0)
		hint(d, "configuration", "Take that right away (chmod go-w).",
		    "Others can write %s, which names commands that are run.",
		    path);
	else
		good(d, "configuration", "%s was read.", path);
}

static void
check_given(struct doctor *d)
{
	const struct options *o = &d->app->opt;
	struct err e = ERR_INIT;

	if (o->root == NULL) {
		err_set(&e, ERR_USAGE, "Give --root DIR.",
		    "Where the copy shall lie is not known.");
		bad(d, "root", &e);
	} else {
		good(d, "root", "%s", o->root);
		check_timers_options(d, o);
	}
	if (o->account == NULL) {
		err_set(&e, ERR_PASSWORD, "Run icloud-pull login.",
		    "No Apple Account is signed in yet.");
		bad(d, "account", &e);
	} else
		good(d, "account", "%s", o->account);
}

static void
check_clock(struct doctor *d)
{
	int64_t now = clock_now_ms(), earliest = 0, latest = 0;
	struct err e = ERR_INIT;
	char when[40];

	civil_iso(when, now);
	(void)civil_parse(&earliest, EARLIEST);
	(void)civil_parse(&latest, LATEST);
	if (now < earliest || now > latest) {
		err_set(&e, ERR_BAD_STATE, "Set this computer's clock.",
		    "The clock says %s, which cannot be.", when);
		bad(d, "clock", &e);
	} else
		good(d, "clock", "%s", when);
}

/* ---- STATE and what lies in it ---- */

static void
check_state(struct doctor *d)
{
	const char *path = d->app->state_dir;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;
	struct stat st = {0};

	if (fd == -1 && errno == ENOENT) {
		good(d, "state", "%s is not there yet; login makes it.", path);
		return;
	}
	if (fd == -1 || fstat(fd, &st) == -1)
		err_set_errno(&e, errno, "%s cannot be opened", path);
	else if (access(path, W_OK | X_OK) == -1)
		err_set_errno(&e, errno, "%s cannot be written", path);
	else if (compat_is_foreign_volume(fd))
		err_set(&e, ERR_BAD_STATE,
		    "Set XDG_STATE_HOME to a folder on a disk of this "
		    "machine.",
		    "%s lies on a volume on which a catalogue would be "
		    "damaged (network, exFAT or FAT).",
		    path);
	if (e.code != ERR_NONE)
		bad(d, "state", &e);
	else if ((st.st_mode & 022) != 0)
		hint(d, "state", "Take that right away (chmod go-w).",
		    "Others can write %s.", path);
	else
		good(d, "state", "%s can be written.", path);
	if (fd != -1)
		close(fd);
}

static void
check_session(struct doctor *d)
{
	struct account a = {.dir = -1, .lock = -1};
	struct session *s = NULL;
	struct err e = ERR_INIT;
	struct stat dir, file;
	const char *state = d->app->state_dir, *name = d->app->opt.account;
	bool open_to_others;

	/* Before it is opened, which closes it to others. */
	open_to_others = account_stat(&dir, &file, state, name) == 0 &&
	    ((dir.st_mode | file.st_mode) & 077) != 0;
	if (account_find(&a, state, name, &e) == -1 ||
	    account_load(&s, &a, &e) == -1)
		bad(d, "session", &e);
	else if (s == NULL || s->stage != SESSION_SIGNED_IN) {
		err_set(&e, ERR_PASSWORD, "Run icloud-pull login.",
		    "%s is not signed in.", a.name);
		bad(d, "session", &e);
	} else if (open_to_others) {
		d->signed_in = true;
		hint(d, "session",
		    "Close it (chmod 700 the folder, 600 the files). If "
		    "others use this machine, run icloud-pull logout and login "
		    "too.",
		    "The session in %s was open to other users.", a.path);
	} else {
		d->signed_in = true;
		good(d, "session", "%s is signed in.", a.name);
	}
	session_free(s);
	account_close(&a);
}

static void
check_trust(struct doctor *d)
{
	int64_t expires = 0, days;

	if (!account_trust(&expires, d->app->state_dir, d->app->opt.account))
		return;
	days = notify_trust_days(expires, clock_now_ms());
	if (expires == 0)
		good(d, "trust", "Until when no code is needed is not known.");
	else if (days < 0)
		hint(d, "trust", "Run icloud-pull login.",
		    "This computer is no longer trusted: the next sign-in "
		    "needs a code.");
	else if (days <= TRUST_DAYS)
		hint(d, "trust", "Run icloud-pull login.",
		    "No code is needed for %lld more days, then it is.",
		    (long long)days);
	else
		good(d, "trust", "No code is needed for %lld more days.",
		    (long long)days);
}

/* Can it be run? */
static bool
check_command(struct doctor *d, const char *check, const char *command)
{
	static const char test[] = "Try it with: sh -c 'COMMAND'";
	enum timer_command found = timer_command(command);

	switch (found) {
	case TIMER_COMMAND_FOUND:
		good(d, check, "What it begins with is there; it was not run.");
		break;
	case TIMER_COMMAND_HERE_ONLY:
		hint(d, check, "Give the program's whole path.",
		    "Its program is found from here, but a timer's PATH is "
		    "only %s.",
		    compat_timer_path());
		break;
	case TIMER_COMMAND_MISSING:
		hint(d, check, test, "Its program is not found.");
		break;
	case TIMER_COMMAND_BROKEN:
		hint(d, check, test, "The shell does not understand it.");
		break;
	case TIMER_COMMAND_OPAQUE:
		good(d, check, "It is set, and was not run.");
		break;
	}
	return found != TIMER_COMMAND_MISSING && found != TIMER_COMMAND_BROKEN;
}

/* What a run has when Apple ends the session. */
static void
check_password(struct doctor *d)
{
	const struct options *o = &d->app->opt;
	struct err e = ERR_INIT;
	char *account, *password = NULL;
	int rc = 1;

	if (o->password_command != NULL) {
		d->has_password =
		    check_command(d, "password", o->password_command);
		return;
	}
	if (o->account != NULL) {
		account = session_account_name(o->account);
		rc = password_saved(&password, d->app, account, &e);
		secret_free(password);
		free(account);
	}
	d->has_password = rc == 0;
	if (rc == -1)
		hint(d, "password", e.next, "%s", e.what);
	else if (rc == 0)
		good(d, "password", "It is kept in %s.", keystore_name());
	else
		good(d, "password",
		    "None is saved: when Apple ends the session, a person "
		    "signs in.");
}

static void
check_notify(struct doctor *d)
{
	const char *command = d->app->opt.notify_command;

	if (command != NULL)
		(void)check_command(d, "notify-command", command);
	else
		good(d, "notify-command",
		    "None: nobody is told how a night went.");
}

/* ---- the copy ---- */

/* Where a first run would make it. */
static void
check_new_copy(struct doctor *d, const struct err *e)
{
	const char *root = d->app->opt.root;
	char *place = xstrdup(root), *slash;
	struct err trouble = ERR_INIT;
	struct stat st;

	if (stat(place, &st) == -1) {
		for (slash = strrchr(place, '/');
		     slash != NULL && slash > place && slash[1] == '\0';
		     slash = strrchr(place, '/'))
			*slash = '\0';
		if (slash != NULL)
			slash[slash == place] = '\0';
		else
			memcpy(place, ".", sizeof("."));
	}
	if (access(place, W_OK | X_OK) == -1) {
		err_set_errno(&trouble, errno, "%s cannot be written", place);
		bad(d, "copy", &trouble);
	} else
		hint(d, "copy", "The first run makes it.", "%s", e->what);
	free(place);
}

static void
check_copy(struct doctor *d)
{
	struct app *app = d->app;
	struct err e = ERR_INIT;
	char *account;

	if (copy_read(&d->store, app, &e) == -1) {
		/* The right to make one is not asked for here. */
		if (e.code == ERR_USAGE)
			check_new_copy(d, &e);
		else
			bad(d, "copy", &e);
		return;
	}
	account = session_account_name(app->opt.account != NULL
		? app->opt.account
		: store_copy_account(d->store));
	if (pull_check_account(d->store, account, &e) == -1 ||
	    store_check_machine(d->store, &e) == -1)
		bad(d, "copy", &e);
	else
		good(d, "copy", "%s is the copy of %s.", store_root(d->store),
		    account);
	free(account);
}

static void
check_lock(struct doctor *d)
{
	struct err e = ERR_INIT;

	if (store_check_lock(d->store, &e) == -1)
		bad(d, "lock", &e);
	else
		good(d, "lock", "No run is at work on it.");
}

static void
check_volume(struct doctor *d)
{
	static const char *const renames[] = {
	    [FILE_RENAME_EXCLUSIVE] = "exclusive rename",
	    [FILE_RENAME_LINK] = "rename by links",
	    [FILE_RENAME_CHECK] = "rename by checking first",
	};
	struct file_volume v;
	struct err e = ERR_INIT;

	if (store_check_volume(&v, d->store, &e) == -1)
		bad(d, "volume", &e);
	else
		good(d, "volume",
		    "It can be written: %s, %s hard links, %s symbolic links, "
		    "%s modes, %s.",
		    renames[v.rename], v.hard_links ? "with" : "no",
		    v.symlinks ? "with" : "no", v.modes ? "with" : "no",
		    v.ignores_case ? "capitals are small letters"
				   : "capitals tell names apart");
}

/* Does what is missing, as last listed, fit?  What a filter would leave of it
 * is not counted here: then it is only a hint. */
static void
check_room(struct doctor *d)
{
	static const char next[] = "Make room, or move the copy to a larger "
				   "disk; a run fetches what fits.";
	int64_t space = 0, total = 0, wanted;
	struct store_forecast all = {0};
	struct filter filter;
	struct err e = ERR_INIT;
	char n[32], m[32];
	bool filtered;

	if (filter_make(&filter, d->store, &d->app->opt, &e) == -1)
		bad(d, "filter", &e);
	filtered = filter.text != NULL || e.code != ERR_NONE;
	filter_clear(&filter);
	err_clear(&e);
	if (store_space(&space, &total, d->store, &e) == -1 ||
	    store_forecast(&all, d->store, &filter.of, clock_now_ms(), &e) ==
		-1) {
		bad(d, "room", &e);
		return;
	}
	wanted = all.bytes;
	space -= fetch_air(total);
	if (space < 0)
		space = 0;
	text_size(n, space);
	text_size(m, wanted);
	if (wanted <= space)
		good(d, "room", "%s may still be written; to fetch: %s.", n, m);
	else if (filtered)
		hint(d, "room", next,
		    "%s may still be written, and without the filter %s are "
		    "to fetch.",
		    n, m);
	else {
		err_set(&e, ERR_DISK_FULL, next,
		    "%s may still be written, and %s are to fetch.", n, m);
		bad(d, "room", &e);
	}
}

static void
check_parts(struct doctor *d)
{
	struct err e = ERR_INIT;
	int64_t files, bytes;
	char n[32], size[32];

	if (store_check_parts(&files, &bytes, d->store, &e) == -1)
		bad(d, "partial", &e);
	else if (files == 0)
		good(d, "partial", "No transfer was left unfinished.");
	else
		good(d, "partial",
		    "Unfinished: %s %s, %s so far; the next run goes on with "
		    "what is still wanted.",
		    text_count(n, files), files == 1 ? "file" : "files",
		    text_size(size, bytes));
}

static void
check_catalogue(struct doctor *d)
{
	struct err e = ERR_INIT;
	bool whole;

	if (store_check_catalogue(&whole, d->store, CATALOGUE_MS, &e) == -1) {
		if (e.code != ERR_INTERRUPTED)
			bad(d, "catalogue", &e);
	} else if (whole)
		good(d, "catalogue", "It was read through and is sound.");
	else
		good(d, "catalogue",
		    "It is sound as far as it could be read in %d s.",
		    CATALOGUE_MS / 1000);
}

static void
check_last_success(struct doctor *d)
{
	int64_t now = clock_now_ms();
	struct err e = ERR_INIT;
	struct store_history h;
	char when[40], ago[32];

	if (store_history(&h, d->store, SYNC_RUN, INT64_MAX, &e) == -1) {
		bad(d, "last-success", &e);
		return;
	}
	civil_iso(when, h.success_end_ms);
	text_span(ago, now - h.success_end_ms);
	if (h.success_ms == 0)
		hint(d, "last-success", "Run icloud-pull.",
		    "No run was complete yet.");
	else if (h.success_end_ms > now)
		hint(d, "last-success", "Check this computer's clock.",
		    "The last run was complete at %s, which is to come.", when);
	else if (now - h.success_end_ms > OLD_MS)
		hint(d, "last-success", "Run icloud-pull and see what it says.",
		    "The last run was complete at %s, %s ago.", when, ago);
	else
		good(d, "last-success",
		    "The last run was complete at %s, %s ago.", when, ago);
}

/* ---- Apple ---- */

static bool
is_about_network(enum err_code code)
{
	return code == ERR_NETWORK || code == ERR_UNAVAILABLE ||
	    code == ERR_PROTOCOL;
}

/* The first requests of a run, and no proof of anything. */
static void
check_apple(struct doctor *d)
{
	static const char apple[] = "Apple was reached, over TLS.";
	enum auth_next next = AUTH_READY;
	struct err e = ERR_INIT;
	int rc = cloud_look(&next, d->app, &e);

	if (e.code == ERR_INTERRUPTED)
		return;
	if (rc == -1 && is_about_network(e.code)) {
		bad(d, "network", &e);
		return;
	}
	/* A wait that was stated before: nothing was asked. */
	if (e.code != ERR_THROTTLED)
		good(d, "network", "%s", apple);
	if (rc == 0 && next == AUTH_NEED_PASSWORD && d->has_password) {
		hint(d, "sign-in", "",
		    "Apple has ended the session; a run signs in anew with the "
		    "saved password.");
		return;
	}
	if (rc == 0 && next == AUTH_NEED_PASSWORD)
		rc = err_set(&e, ERR_PASSWORD, "Run icloud-pull login.",
		    "Apple has ended the session.");
	if (rc == 0 && next == AUTH_NEED_CONSENT)
		rc = err_set(&e, ERR_ADP,
		    "Run icloud-pull on a terminal, and allow it on a device.",
		    "Advanced Data Protection is on: photos need the consent "
		    "of a device.");
	if (rc == -1)
		bad(d, "sign-in", &e);
	else
		good(d, "sign-in", "Apple takes the session.");
}

/* ---- the timer ---- */

static void
check_timer(struct doctor *d)
{
	struct child_result r;

	switch (timer_look(&r)) {
	case TIMER_ON:
		good(d, "timer", "It is switched on.");
		break;
	case TIMER_OFF:
		hint(d, "timer", timer_enable(), "It is not switched on.");
		break;
	case TIMER_NO_MANAGER:
		hint(d, "timer",
		    "Have cron or whatever starts programs here run "
		    "\"icloud-pull sync --scheduled\" every night.",
		    "There is no systemd here.");
		break;
	case TIMER_UNKNOWN:
		hint(d, "timer", timer_enable(),
		    "Whether it is switched on cannot be told: %s",
		    r.said.len > 0 ? buf_text(&r.said) : "no answer.");
		break;
	}
	buf_clear(&r.said);
	switch (timer_lingers(&r)) {
	case TIMER_ON:
		good(d, "lingering", "It runs without a login too.");
		break;
	case TIMER_OFF:
		hint(d, "lingering", timer_linger(),
		    "It runs only while this user is logged in.");
		break;
	case TIMER_NO_MANAGER:
		break;
	case TIMER_UNKNOWN:
		hint(d, "lingering", timer_linger(),
		    "Whether it runs without a login cannot be told: %s",
		    r.said.len > 0 ? buf_text(&r.said) : "no answer.");
		break;
	}
	buf_clear(&r.said);
}

/* ---- all of it ---- */

static int
end(struct doctor *d, struct err *e)
{
	struct report *r = d->app->report;
	int status = err_exit_status(d->worst.code);
	struct buf text = {0};

	if (status == 0)
		buf_adds(&text, "A scheduled run would work.");
	else
		buf_addf(
		    &text, "A scheduled run would end with status %d.", status);
	report_open(r, "diagnosis");
	report_int(r, "status", status);
	report_str(r, "reason", err_reason(d->worst.code));
	report_str(r, "text", buf_text(&text));
	report_close(r);
	report_text(r, REPORT_ASKED, "%s", buf_text(&text));
	buf_clear(&text);
	if (status == 0)
		return 0;
	*e = d->worst;
	e->what[0] = '\0'; /* it was said */
	return -1;
}

static int
doctor_run(struct app *app, struct err *e)
{
	static void (*const of_copy[])(struct doctor *) = {check_lock,
	    check_volume, check_room, check_parts, check_catalogue,
	    check_last_success};
	struct doctor d = {.app = app};

	err_clear(&d.worst);
	check_configuration(&d);
	check_given(&d);
	check_clock(&d);
	check_state(&d);
	if (app->opt.account != NULL) {
		check_session(&d);
		check_trust(&d);
	}
	check_password(&d);
	check_notify(&d);
	if (app->opt.root != NULL)
		check_copy(&d);
	for (size_t i = 0; i < sizeof(of_copy) / sizeof(of_copy[0]); i++)
		if (d.store != NULL && !stop_is_set())
			of_copy[i](&d);
	store_close(d.store);
	if (d.signed_in && !stop_is_set())
		check_apple(&d);
	if (!stop_is_set())
		check_timer(&d);
	if (stop_is_set())
		return err_set(e, ERR_INTERRUPTED, NULL, "%s", "");
	return end(&d, e);
}

const struct cmd cmd_doctor = {
    .name = "doctor",
    .help = "open everything a scheduled run would need, and say what is wrong",
    .scope = OPT_DOCTOR,
    .run = doctor_run,
};
