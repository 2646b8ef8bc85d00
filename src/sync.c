#include "sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "checksum.h"
#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "err.h"
#include "fetch.h"
#include "http.h"
#include "listing.h"
#include "log.h"
#include "path.h"
#include "report.h"
#include "session.h"
#include "store.h"
#include "summary.h"
#include "text.h"
#include "verdict.h"
#include "work.h"

/* Finishing waits for the drive, not for a core (docs/design.md, "One pool"). */
#define WORKERS_MIN 8

struct sync {
	struct app *app;
	struct work *work;
	struct store *store;
	struct cloud cloud;
	struct listing listing;
	struct store_filter filter;
	struct store_forecast forecast;
	struct fetch fetch;
	int64_t placed, placed_bytes;
	struct err trouble; /* the most urgent of what marred the run */
};

static void
on_placed(void *arg, const struct store_placed *p)
{
	struct sync *s = arg;
	struct report *r = s->app->report;

	s->placed++;
	s->placed_bytes += p->size_bytes;
	report_open(r, "file");
	report_str(r, "path", p->path);
	report_int(r, "size", p->size_bytes);
	report_str(r, "state",
	    p->state == STORE_STATE_PROVEN ? "proven" : "size-verified");
	report_close(r);
}

static void
on_unplaced(void *arg, int64_t content, const struct err *e)
{
	struct sync *s = arg;

	(void)content;
	log_warn("%s", e->what);
	err_keep_worse(&s->trouble, e);
}

/* A copy is of one account, for ever: zones of two have the same names. */
static int
check_account(const struct sync *s, const char *account, struct err *e)
{
	const char *of = store_copy_account(s->store);
	char *name = session_account_name(of), next[256];
	bool same = strcmp(name, account) == 0;

	free(name);
	if (same)
		return 0;
	snprintf(next, sizeof(next),
	    "Give --account %s, or the --root of another copy.", of);
	return err_set(e, ERR_USAGE, next,
	    "The copy at %s is of %s, not of %s.", store_root(s->store), of,
	    account);
}

static int
open_copy(struct sync *s, const char *account, struct err *e)
{
	struct app *app = s->app;
	unsigned cores = work_cores();
	struct store_options o = {
	    .root = app->opt.root,
	    .state_dir = app->state_dir,
	    .account = account,
	    .layout = app->opt.layout,
	    .mode = STORE_WRITE,
	    .file_mode = (unsigned)app->opt.file_mode,
	    .placed = on_placed,
	    .unplaced = on_unplaced,
	    .arg = s,
	};

	if (app->opt.layout != NULL &&
	    path_check_layout(app->opt.layout, e) == -1)
		return -1;
	s->work = work_new(cores > WORKERS_MIN ? cores : WORKERS_MIN);
	o.work = s->work;
	if (store_open(&s->store, &o, e) == -1 ||
	    check_account(s, account, e) == -1)
		return -1;
	if (app->opt.layout != NULL &&
	    strcmp(app->opt.layout, store_layout(s->store)) != 0)
		log_warn("This copy has the layout %s; --layout counts only "
			 "for a new one.",
		    store_layout(s->store));
	return 0;
}

/* Said before the first byte: what there is to do, and whether it fits. */
static int
say_forecast(struct sync *s, struct err *e)
{
	const struct store_forecast *f = &s->forecast;
	struct report *r = s->app->report;
	int64_t space = 0, total = 0;
	char n[32], size[32], room[32];

	if (store_forecast(
		&s->forecast, s->store, &s->filter, clock_now_ms(), e) == -1 ||
	    store_space(&space, &total, s->store, e) == -1)
		return -1;
	space -= fetch_air(total);
	if (space < 0)
		space = 0;
	report_open(r, "forecast");
	report_int(r, "files", f->files);
	report_int(r, "bytes", f->bytes);
	report_int(r, "free_bytes", space);
	report_int(r, "missing_bytes", f->bytes > space ? f->bytes - space : 0);
	report_close(r);
	if (f->files == 0)
		return 0;
	report_text(r, REPORT_CHATTER, "To fetch: %s %s, %s; free: %s.%s",
	    text_count(n, f->files), f->files == 1 ? "file" : "files",
	    text_size(size, f->bytes), text_size(room, space),
	    f->bytes > space ? " What fits is fetched, Recently Deleted and "
			       "the newest first."
			     : "");
	return 0;
}

static int
fetch(struct sync *s, bool relisted, struct err *e)
{
	struct fetch_options o = {
	    .jobs = (int)s->app->opt.jobs,
	    .layout = store_layout(s->store),
	    .filter = &s->filter,
	    .files = s->forecast.files,
	    .bytes = s->forecast.bytes,
	    .relisted = relisted,
	};
	struct err full = ERR_INIT;
	char n[32];

	if (fetch_run(&s->fetch, &s->cloud, s->store, s->work, s->app->report,
		&o, e) == -1)
		return -1;
	err_keep_worse(&s->trouble, &s->fetch.trouble);
	if (s->fetch.no_room > 0) {
		err_set(&full, ERR_DISK_FULL,
		    "Make room, or move the copy to a larger disk.",
		    "The disk is full: %s %s not fit.",
		    text_count(n, s->fetch.no_room),
		    s->fetch.no_room == 1 ? "file did" : "files did");
		err_keep_worse(&s->trouble, &full);
	}
	return 0;
}

/* List, fetch; and list once more if something changed under our hands. */
static int
list_and_fetch(struct sync *s, struct err *e)
{
	for (int round = 0; round < 2; round++) {
		if (listing_run(&s->listing, &s->cloud, s->store,
			s->app->report, e) == -1)
			return -1;
		if (round > 0 && store_wants_again(s->store, e) == -1)
			return -1;
		if (say_forecast(s, e) == -1)
			return -1;
		if (s->app->opt.dry_run || s->forecast.files == 0)
			break;
		if (fetch(s, round > 0, e) == -1)
			return -1;
		if (s->fetch.vanished == 0 || s->fetch.trouble.code != ERR_NONE)
			break;
	}
	err_keep_worse(&s->trouble, &s->listing.trouble);
	return 0;
}

static void
say_gap(void *arg, const struct store_gap *g)
{
	struct sync *s = arg;

	if (g->known && !s->app->opt.strict)
		return;
	summary_gap(s->app->report, REPORT_CHATTER, g);
}

/* The one line, and the same for the catalogue and for scripts. */
static int
end_run(struct sync *s, int64_t run, struct err *e)
{
	struct verdict_facts facts = {.stopped = s->trouble,
	    .fetched = s->placed,
	    .fetched_bytes = s->placed_bytes,
	    .filtered = s->forecast.filtered,
	    .dry_run = s->app->opt.dry_run,
	    .strict = s->app->opt.strict,
	    .listed_all = s->listing.complete};
	struct store_totals totals;
	struct verdict v;
	struct buf json = {0};
	struct err closing = ERR_INIT;

	if (store_gaps_refresh(s->store, &closing) == -1 ||
	    store_gaps(s->store, say_gap, s, &closing) == -1 ||
	    store_totals(&totals, s->store, &closing) == -1) {
		if (e->code == ERR_NONE)
			*e = closing;
		return -1;
	}
	facts.totals = &totals;
	verdict_make(&v, &facts);
	summary_verdict(s->app->report, &v, &facts, run);
	summary_json(&json, &v, &facts);
	if (store_run_end(s->store, err_exit_status(v.code), buf_text(&json),
		clock_now_ms(), &closing) == -1 &&
	    s->trouble.code == ERR_NONE) {
		s->trouble = closing;
		v.code = closing.code;
	}
	buf_clear(&json);
	if (v.code == ERR_NONE)
		return 0;
	/* The verdict has been said; what stopped the run has not. */
	*e = s->trouble;
	e->code = v.code;
	if (v.code == ERR_INTERRUPTED)
		e->what[0] = '\0';
	return -1;
}

int
sync_run(struct app *app, struct err *e)
{
	struct sync s = {
	    .app = app, .cloud = {.account = {.dir = -1, .lock = -1}}};
	struct err trouble = ERR_INIT;
	char *account;
	int64_t run;
	int rc = -1;

	err_clear(&s.trouble);
	if (app->opt.root == NULL)
		return err_set(e, ERR_USAGE, "Give --root DIR.",
		    "Where the copy shall lie is not known.");
	/* Before a copy is made that would be nobody's. */
	if (app->opt.account == NULL)
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "No Apple Account is signed in yet.");
	account = session_account_name(app->opt.account);
	if (open_copy(&s, account, e) == -1)
		goto out;
	if (store_run_begin(
		&run, s.store, "sync", clock_now_ms(), checksum_rule, e) == -1)
		goto out;
	if (cloud_open(&s.cloud, app, &trouble) == -1 ||
	    list_and_fetch(&s, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	rc = end_run(&s, run, e);
out:
	free(account);
	cloud_close(&s.cloud);
	store_close(s.store);
	work_free(s.work);
	return rc;
}
