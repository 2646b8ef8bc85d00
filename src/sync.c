#include "sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "albums.h"
#include "buf.h"
#include "checksum.h"
#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "copy.h"
#include "describe.h"
#include "err.h"
#include "filter.h"
#include "log.h"
#include "mend.h"
#include "path.h"
#include "pull.h"
#include "report.h"
#include "scrub.h"
#include "session.h"
#include "sidecar.h"
#include "stop.h"
#include "store.h"
#include "summary.h"
#include "text.h"
#include "verdict.h"
#include "work.h"

struct sync {
	struct app *app;
	struct work *work;
	struct store *store;
	struct cloud cloud;
	struct filter filter;
	struct pull pull;
	int64_t placed, placed_bytes;
	struct store_losses losses;
	bool judged; /* what the cloud has lost; done with once it was told */
	struct err trouble; /* the most urgent of what marred the run */
};

static void
on_placed(void *arg, const struct store_placed *p)
{
	struct sync *s = arg;

	s->placed++;
	s->placed_bytes += p->size_bytes;
	s->app->outcome.repaired += p->mended;
	summary_placed(s->app->report, p);
}

static void
on_unplaced(void *arg, int64_t content, const struct err *e)
{
	struct sync *s = arg;

	(void)content;
	log_warn("%s", e->what);
	err_keep_worse(&s->trouble, e);
}

static int
open_copy(struct sync *s, const char *account, struct err *e)
{
	struct app *app = s->app;
	struct store_options o = {
	    .root = app->opt.root,
	    .state_dir = app->state_dir,
	    .account = account,
	    .layout = app->opt.layout,
	    .mode = STORE_WRITE,
	    .file_mode = (unsigned)app->opt.file_mode,
	    .lock_files = app->opt.lock_files,
	    .placed = on_placed,
	    .unplaced = on_unplaced,
	    .arg = s,
	};

	if (app->opt.layout != NULL &&
	    path_check_layout(app->opt.layout, e) == -1)
		return -1;
	s->work = work_new(pull_workers());
	o.work = s->work;
	if (store_open(&s->store, &o, e) == -1 ||
	    pull_check_account(s->store, account, e) == -1)
		return -1;
	if (app->opt.layout != NULL &&
	    strcmp(app->opt.layout, store_layout(s->store)) != 0)
		log_warn("This copy has the layout %s; --layout counts only "
			 "for a new one.",
		    store_layout(s->store));
	/* Somebody has written that into the marker by hand. */
	return path_check_layout(store_layout(s->store), e);
}

static int
list_and_fetch(struct sync *s, struct err *e)
{
	int rc;

	s->pull.app = s->app;
	s->pull.cloud = &s->cloud;
	s->pull.store = s->store;
	s->pull.work = s->work;
	s->pull.filter = &s->filter.of;
	s->pull.list.proof = s->app->opt.dry_run ? LISTING_NO_PROOF
	    : s->app->opt.prove                  ? LISTING_PROOF_NOW
						 : LISTING_PROOF_WHEN_DUE;
	/* What a filter by name means is known after the listing. */
	if (!s->app->opt.dry_run && !filter_is_wanted(&s->app->opt) &&
	    pull_begin(&s->pull, e) == -1)
		return -1;
	rc = pull_list(&s->pull, e);
	if (rc == 0)
		rc = filter_make(&s->filter, s->store, &s->app->opt, e);
	if (rc == 0)
		rc = pull_fetch(&s->pull, e);
	pull_end(&s->pull);
	err_keep_worse(&s->trouble, &s->pull.trouble);
	return rc;
}

/* A slice of the copy read again, if one is wanted; damage is named. */
static int
check(struct sync *s, struct scrub *scrub, struct err *e)
{
	const struct options *o = &s->app->opt;
	char n[32], size[32];

	if (o->sample == 0 && o->minutes == 0)
		return 0;
	if (scrub_files(scrub, o->sample, o->minutes, e) == -1 ||
	    scrub_tell(scrub, false, e) == -1)
		return -1;
	report_text(s->app->report, REPORT_CHATTER, "Checked %s %s, %s.",
	    text_count(n, scrub->checked),
	    scrub->checked == 1 ? "file" : "files",
	    text_size(size, scrub->checked_bytes));
	return 0;
}

/* What is known to be damaged, by this run or one before.  listed: the cloud
 * can be asked. */
static int
mend(struct sync *s, struct scrub *scrub, bool listed, struct err *e)
{
	struct store_filter filter = s->filter.of;
	struct mend m = {.kind = s->app->opt.repair,
	    .store = s->store,
	    .report = s->app->report};
	struct store_forecast all = s->pull.forecast;
	struct store_totals t;
	int rc;

	if (m.kind == NULL)
		return 0;
	if (store_totals(&t, s->store, e) == -1)
		return -1;
	if (t.damaged + t.mending == 0)
		return 0;
	if (scrub_around(scrub, false, e) == -1 || mend_follow(&m, e) == -1)
		return -1;
	s->app->outcome.repaired += m.followed;
	if (!listed)
		return 0;
	filter.mend = true;
	s->pull.filter = &filter;
	rc = mend_fetch(&m, &s->pull, e);
	s->pull.filter = &s->filter.of;
	s->pull.forecast = all; /* what the verdict speaks of */
	err_keep_worse(&s->trouble, &s->pull.trouble);
	return rc;
}

static int
check_and_mend(struct sync *s, bool listed, struct err *e)
{
	struct scrub scrub = {.store = s->store,
	    .work = s->work,
	    .report = s->app->report,
	    .threads = work_cores()};

	if (check(s, &scrub, e) == -1)
		return -1;
	return mend(s, &scrub, listed, e);
}

/* Has the cloud changed as after a theft?  Said by the first run that fetches
 * after it, once, whoever has listed it.  Of a list that broke off the rest is
 * still to come, and is judged together with what came. */
static int
look_for_theft(struct sync *s, struct err *e)
{
	if (s->app->opt.dry_run)
		return 0;
	if (store_losses(&s->losses, s->store, e) == -1)
		return -1;
	s->judged = s->pull.listing.complete || alarm_is_due(&s->losses);
	return alarm_is_due(&s->losses) ? alarm_sound(&s->losses, e) : 0;
}

/* With the disk in trouble, or asked to stop, nothing more is begun. */
static bool
may_go_on(const struct sync *s)
{
	int status = err_exit_status(s->trouble.code);

	return !s->app->opt.dry_run && status != 5 && status != 130;
}

static int
write_sidecars(struct sync *s, struct err *e)
{
	const char *kind = s->app->opt.sidecar;

	return kind != NULL && strcmp(kind, "xmp") == 0
	    ? sidecar_write(s->store, s->app->report, e)
	    : 0;
}

static int
link_albums(struct sync *s, struct err *e)
{
	const char *kind = s->app->opt.album_links;

	return kind != NULL && strcmp(kind, "links") == 0
	    ? albums_link(s->store, s->app->report, e)
	    : 0;
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
	    .dry_run = s->app->opt.dry_run,
	    .strict = s->app->opt.strict,
	    .scheduled = s->app->opt.scheduled && s->app->outcome.repaired == 0,
	    .listed_all = s->pull.listing.complete};
	struct store_totals totals;
	struct store_left left;
	struct verdict v;
	struct buf json = {0};
	struct err closing = ERR_INIT;

	if (store_gaps_refresh(s->store, &closing) == -1 ||
	    store_gaps(s->store, say_gap, s, &closing) == -1 ||
	    store_totals(&totals, s->store, &closing) == -1 ||
	    store_left(&left, s->store, &s->filter.of, &closing) == -1 ||
	    store_agreement(
		&facts.compared_ms, &facts.agrees, s->store, &closing) == -1) {
		if (e->code == ERR_NONE)
			*e = closing;
		return -1;
	}
	facts.totals = &totals;
	facts.filter = s->filter.text;
	facts.filtered = left.filtered;
	facts.filtered_bytes = left.filtered_bytes;
	facts.open = left.open;
	verdict_make(&v, &facts);
	snprintf(
	    s->app->outcome.text, sizeof(s->app->outcome.text), "%s", v.line);
	summary_verdict(s->app->report, &v, &facts, run);
	summary_json(&json, &v, &facts);
	/* Who is killed before this, or stopped, leaves its alarm to the next. */
	if (((s->judged && !stop_is_set() &&
		 store_losses_seen(s->store, s->losses.upto, &closing) == -1) ||
		store_run_end(s->store, err_exit_status(v.code),
		    buf_text(&json), clock_now_ms(), &closing) == -1) &&
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

/* What the run is called in the table of runs.  One that leaves things out by
 * hand is another than that of every night, and no success of it. */
static const char *
run_name(const struct options *o)
{
	if (o->dry_run)
		return "sync (dry run)";
	if (!o->scheduled &&
	    opt_given(o, "library album since until recent skip"))
		return "sync (filtered)";
	return SYNC_RUN;
}

bool
sync_is_due(int64_t success_ms, int64_t now_ms)
{
	/* Of the future: the clock was set back, and its age is not known. */
	return success_ms == 0 || success_ms > now_ms ||
	    now_ms - success_ms >= SYNC_FRESH_MS;
}

/* Is there anything to do for a scheduled run?  What it cannot see is for the
 * run itself to find out. */
static bool
is_due(struct app *app)
{
	struct store_history h = {0};
	struct store *s = NULL;
	char when[40];
	bool due = true;

	if (copy_read(&s, app, NULL) == -1)
		return true;
	if (store_history(&h, s, SYNC_RUN, INT64_MAX, NULL) == 0)
		due = sync_is_due(h.success_ms, clock_now_ms());
	store_close(s);
	if (due)
		return true;
	civil_iso(when, h.success_end_ms);
	report_open(app->report, "skipped");
	report_str(app->report, "last_success", when);
	report_close(app->report);
	report_text(app->report, REPORT_CHATTER,
	    "Nothing is due: the last run was complete at %s.", when);
	return false;
}

int
sync_run(struct app *app, struct err *e)
{
	struct sync s = {
	    .app = app, .cloud = {.account = {.dir = -1, .lock = -1}}};
	struct err trouble = ERR_INIT;
	char *account;
	int64_t run;
	bool listed;
	int rc = -1;

	err_clear(&s.trouble);
	err_clear(&s.pull.trouble);
	if (app->opt.root == NULL)
		return err_set(e, ERR_USAGE, "Give --root DIR.",
		    "Where the copy shall lie is not known.");
	/* Before a copy is made that would be nobody's. */
	if (app->opt.account == NULL)
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "No Apple Account is signed in yet.");
	app->outcome.command = app->opt.dry_run ? NULL : run_name(&app->opt);
	if (app->opt.scheduled && !is_due(app)) {
		app->outcome.command = NULL;
		return 0;
	}
	account = session_account_name(app->opt.account);
	if (open_copy(&s, account, e) == -1)
		goto out;
	if (store_run_begin(&run, s.store, run_name(&app->opt), clock_now_ms(),
		checksum_rule, e) == -1)
		goto out;
	app->outcome.run = run;
	if (cloud_open(&s.cloud, app, &trouble) == -1 ||
	    list_and_fetch(&s, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	listed = trouble.code == ERR_NONE && s.pull.trouble.code == ERR_NONE;
	err_clear(&trouble);
	if (look_for_theft(&s, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	err_clear(&trouble);
	if (may_go_on(&s) && check_and_mend(&s, listed, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	err_clear(&trouble);
	if (may_go_on(&s) &&
	    describe_months(s.store, app->report, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	err_clear(&trouble);
	if (may_go_on(&s) && write_sidecars(&s, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	err_clear(&trouble);
	if (may_go_on(&s) && link_albums(&s, &trouble) == -1)
		err_keep_worse(&s.trouble, &trouble);
	rc = end_run(&s, run, e);
out:
	free(account);
	filter_clear(&s.filter);
	cloud_close(&s.cloud);
	store_close(s.store);
	work_free(s.work);
	return rc;
}
