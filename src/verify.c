#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "buf.h"
#include "checksum.h"
#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "describe.h"
#include "filter.h"
#include "log.h"
#include "mend.h"
#include "pull.h"
#include "report.h"
#include "scrub.h"
#include "session.h"
#include "stop.h"
#include "store.h"
#include "summary.h"
#include "text.h"
#include "work.h"

/* Of what was never fetched so many are named; --json names all. */
#define NAMED_MAX 100
/* --sample of all. */
#define SAMPLE_ALL 10000

/* ---- the verdict ---- */

static void
add_local(struct buf *out, const struct verify_facts *f)
{
	char n[32], m[32], d[32], size[32];

	text_count(n, f->files);
	text_count(m, f->checked);
	text_count(d, f->damaged);
	if (f->stopped.code != ERR_NONE)
		buf_addf(out,
		    "%s: %s of %s files were read; %s known to be not as they "
		    "should be.",
		    f->stopped.code == ERR_INTERRUPTED ? "Interrupted"
						       : "Stopped",
		    m, n, d);
	else if (f->damaged > 0)
		buf_addf(out,
		    "Damage: %s of %s files are not as they should be.", d, n);
	else if (f->files == 0)
		buf_adds(out, "There are no files in the copy yet.");
	else if (f->slice)
		buf_addf(out,
		    "Checked: %s of %s files (%s); they are as Apple holds "
		    "them.",
		    m, n, text_size(size, f->checked_bytes));
	else
		buf_addf(out,
		    "Verified: all files (%s, %s) are as Apple holds them.", n,
		    text_size(size, f->bytes));
	if (f->moved > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->moved, "of them has", "of them have");
		buf_adds(out, " moved.");
	}
	if (f->damaged_gone > 0) {
		buf_adds(out, " ");
		text_add_count(
		    out, f->damaged_gone, "of them has", "of them have");
		buf_adds(out, " left iCloud and cannot be fetched.");
	}
	if (f->damaged > 0 && f->slice && f->stopped.code == ERR_NONE) {
		buf_adds(out, " ");
		text_add_count(out, f->checked, "file was", "files were");
		buf_adds(out, " read now.");
	}
	if (f->repaired > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->repaired, "file was", "files were");
		buf_adds(out, " repaired.");
	}
}

static void
add_cloud(struct buf *out, const struct verify_facts *f)
{
	if (f->stopped.code != ERR_NONE || f->slice)
		return;
	if (!f->asked) {
		buf_adds(out, " iCloud was not asked.");
		return;
	}
	if (f->missing > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->missing, "file that iCloud holds is",
		    "files that iCloud holds are");
		buf_adds(out, " not here.");
	}
	if (f->filtered > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->filtered, "file is", "files are");
		buf_adds(out, " left out by a filter.");
	}
	if (f->gaps > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->gaps, "gap", "gaps");
		buf_adds(out, " (icloud-pull status --gaps).");
	}
	if (f->missing == 0 && f->gaps == 0)
		buf_adds(out,
		    f->filtered > 0 ? " iCloud holds nothing else that is not "
				      "here."
				    : " iCloud holds nothing that is not "
				      "here.");
}

static void
add_notes(struct buf *out, const struct verify_facts *f)
{
	char n[32];

	if (f->size_verified > 0)
		buf_addf(out,
		    " Of %s only the size is Apple's word; the bytes are as "
		    "they were fetched.",
		    text_count(n, f->size_verified));
	if (f->gone_kept > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->gone_kept,
		    "file that has left iCloud is",
		    "files that have left iCloud are");
		buf_adds(out, " kept here.");
	}
	if (f->months > 0) {
		buf_adds(out, " ");
		text_add_count(out, f->months,
		    "file of manifest and records is",
		    "files of manifest and records are");
		buf_adds(out, " not as they should be.");
	}
	if (f->strays > 0) {
		buf_adds(out, " ");
		text_add_count(
		    out, f->strays, "other file lies", "other files lie");
		buf_adds(out, " beside them (-v names them).");
	}
}

void
verify_verdict(struct verify_verdict *out, const struct verify_facts *f)
{
	struct buf line = {0};

	memset(out, 0, sizeof(*out));
	out->next = "";
	out->code = f->stopped.code;
	if (f->damaged > 0 || f->months > 0 ||
	    (f->asked && (f->missing > 0 || f->gaps > 0)))
		out->code = err_worse(out->code, ERR_INCOMPLETE);
	add_local(&line, f);
	add_cloud(&line, f);
	add_notes(&line, f);
	if (f->stopped.code == ERR_NONE && f->damaged > f->damaged_gone)
		out->next = "Run icloud-pull verify --repair to fetch them "
			    "anew.";
	else if (f->stopped.code == ERR_NONE && f->asked && f->missing > 0)
		out->next = "Run icloud-pull to fetch what is not here.";
	else if (f->stopped.code == ERR_NONE && f->months > 0)
		out->next = "Run icloud-pull verify --repair to write them "
			    "anew.";
	snprintf(out->line, sizeof(out->line), "%s", buf_text(&line));
	buf_clear(&line);
}

/* ---- the run ---- */

struct verify {
	struct app *app;
	struct work *work;
	struct store *store;
	struct cloud cloud;
	struct filter filter;
	struct store_filter wanted; /* of it, by a repair */
	struct pull pull;
	struct scrub scrub;
	struct mend mend;
	struct store_totals totals;
	bool repair, slice, asked;
	int64_t named;      /* of what was never fetched */
	int64_t moved;      /* damaged files that were found elsewhere */
	int64_t placed;     /* files fetched anew */
	int64_t months;     /* files of manifest and records with a fault */
	struct err trouble; /* the most urgent of what ended or marred it */
};

static void
on_placed(void *arg, const struct store_placed *p)
{
	struct verify *v = arg;

	v->placed += p->mended;
	summary_placed(v->app->report, p);
}

static void
on_unplaced(void *arg, int64_t content, const struct err *e)
{
	struct verify *v = arg;

	(void)content;
	log_warn("%s", e->what);
	err_keep_worse(&v->trouble, e);
}

static void
was_walked(void *arg, const struct store_zone *z)
{
	bool *walked = arg;

	*walked = *walked || z->walked;
}

/* A copy that no sync has filled yet has nothing to be compared. */
static int
check_begun(struct verify *v, struct err *e)
{
	bool walked = false;

	if (store_totals(&v->totals, v->store, e) == -1 ||
	    store_zones(v->store, was_walked, &walked, e) == -1)
		return -1;
	if (v->totals.files + v->totals.mending > 0 || walked)
		return 0;
	return err_set(e, ERR_USAGE, "Run icloud-pull first.",
	    "Nothing was copied to %s yet, so there is nothing to verify.",
	    store_root(v->store));
}

static int
open_copy(struct verify *v, struct err *e)
{
	struct app *app = v->app;
	struct store_options o = {
	    .root = app->opt.root,
	    .state_dir = app->state_dir,
	    .account = app->opt.account,
	    .mode = v->repair ? STORE_MEND : STORE_CHECK,
	    .file_mode = (unsigned)app->opt.file_mode,
	    .lock_files = app->opt.lock_files,
	    .placed = on_placed,
	    .unplaced = on_unplaced,
	    .arg = v,
	};

	v->scrub.threads = v->repair ? pull_workers() : work_cores();
	v->work = work_new(v->scrub.threads);
	o.work = v->work;
	if (store_open(&v->store, &o, e) == -1)
		return -1;
	return check_begun(v, e);
}

static void
count_moved(void *arg, const struct store_damaged *d)
{
	int64_t *n = arg;

	*n += d->to != NULL;
}

/* Read, look around, name what is wrong. */
static int
check(struct verify *v, struct err *e)
{
	const struct options *o = &v->app->opt;
	struct scrub *s = &v->scrub;

	s->store = v->store;
	s->work = v->work;
	s->report = v->app->report;
	s->verbose = o->verbose > 0;
	if (scrub_files(s, v->slice ? o->sample : 0, o->minutes, e) == -1) {
		/* What was found until then is worth its lines. */
		(void)scrub_tell(s, false, NULL);
		return -1;
	}
	if (store_totals(&v->totals, v->store, e) == -1)
		return -1;
	if ((!v->slice ||
		(v->repair && v->totals.damaged + v->totals.mending > 0)) &&
	    scrub_around(s, !v->slice, e) == -1)
		return -1;
	if (scrub_tell(s, !v->slice, e) == -1)
		return -1;
	return store_damaged(v->store, 0, count_moved, &v->moved, e);
}

/* Manifest and records, by which the disk alone is enough. */
static void
say_month(void *arg, const char *path, enum store_month_fault fault)
{
	static const char *const words[] = {
	    [STORE_MONTH_MISSING] = "missing",
	    [STORE_MONTH_UNREADABLE] = "damaged",
	    [STORE_MONTH_DIFFERS] = "differs from the catalogue",
	};
	static const char *const whys[] = {
	    [STORE_MONTH_MISSING] = "missing",
	    [STORE_MONTH_UNREADABLE] = "damaged",
	    [STORE_MONTH_DIFFERS] = "differs",
	};
	struct verify *v = arg;
	struct report *r = v->app->report;

	v->months++;
	report_open(r, "month");
	report_str(r, "path", path);
	report_str(r, "why", whys[fault]);
	report_close(r);
	report_text(r, REPORT_ASKED, "%s: %s", path, words[fault]);
}

static int
check_months(struct verify *v, struct err *e)
{
	return v->slice ? 0
			: store_months_check(v->store, &describe_words,
			      v->repair, say_month, v, e);
}

/* Those with a fault, and what the repair has changed. */
static int
write_months(struct verify *v, struct err *e)
{
	if (describe_months(v->store, v->app->report, e) == -1)
		return -1;
	v->months = 0;
	return 0;
}

/* ---- the cloud ---- */

/* Of a failure that is not this machine's: one warning, and the local result
 * stands. */
static int
not_asked(struct verify *v, const struct err *why, struct err *e)
{
	int status = err_exit_status(why->code);
	char n[32];

	v->asked = false;
	if (status == 5 || status == 130) {
		*e = *why;
		return -1;
	}
	log_warn("iCloud could not be asked: %s%s%s", why->what,
	    why->next[0] != '\0' ? " " : "", why->next);
	if (v->repair && v->totals.damaged + v->totals.mending > 0)
		log_warn("So %s damaged %s could not be fetched anew.",
		    text_count(n, v->totals.damaged + v->totals.mending),
		    v->totals.damaged + v->totals.mending == 1 ? "file"
							       : "files");
	return 0;
}

static int
open_cloud(struct verify *v, struct err *e)
{
	struct app *app = v->app;
	char *account;
	int rc;

	if (app->opt.account == NULL)
		app->opt.account = xstrdup(store_copy_account(v->store));
	account = session_account_name(app->opt.account);
	rc = pull_check_account(v->store, account, e);
	free(account);
	return rc == 0 ? cloud_open(&v->cloud, app, e) : -1;
}

static int
list_cloud(struct verify *v, struct err *why)
{
	v->pull = (struct pull){.app = v->app,
	    .cloud = &v->cloud,
	    .store = v->store,
	    .work = v->work,
	    .filter = &v->wanted};
	err_clear(&v->pull.trouble);
	if (open_cloud(v, why) == -1 || pull_list(&v->pull, why) == -1)
		return -1;
	if (v->pull.listing.trouble.code != ERR_NONE) {
		*why = v->pull.listing.trouble;
		return -1;
	}
	if (!v->pull.listing.complete)
		return err_set(why, ERR_INCOMPLETE, NULL,
		    "Its list could not be read to the end.");
	return 0;
}

static void
say_gap(void *arg, const struct store_gap *g)
{
	struct verify *v = arg;

	summary_gap(v->app->report, REPORT_ASKED, g);
}

static void
say_unfetched(void *arg, const struct store_gap *g)
{
	struct verify *v = arg;

	summary_gap(v->app->report,
	    v->named++ < NAMED_MAX || v->app->opt.verbose > 0 ? REPORT_ASKED
							      : REPORT_NEVER,
	    g);
}

/* Everything that the cloud lists must be held, or is named, or is left out by
 * the filter. */
static int
compare(struct verify *v, struct err *e)
{
	char n[32];

	if (store_gaps_refresh(v->store, e) == -1 ||
	    store_gaps(v->store, say_gap, v, e) == -1 ||
	    store_unfetched(v->store, &v->filter.of, say_unfetched, v, e) == -1)
		return -1;
	if (v->named > NAMED_MAX && v->app->opt.verbose == 0)
		report_text(v->app->report, REPORT_ASKED,
		    "... and %s more (-v names them).",
		    text_count(n, v->named - NAMED_MAX));
	return 0;
}

/* Fetch anew, with the list up to date. */
static int
fetch(struct verify *v, struct err *e)
{
	struct err why = ERR_INIT;

	v->wanted = v->filter.of;
	v->wanted.mend = strcmp(v->app->opt.repair, "all") != 0;
	if (mend_fetch(&v->mend, &v->pull, &why) == -1 ||
	    v->pull.trouble.code != ERR_NONE) {
		if (why.code == ERR_NONE)
			why = v->pull.trouble;
		if (store_totals(&v->totals, v->store, e) == -1)
			return -1;
		return not_asked(v, &why, e);
	}
	return 0;
}

/* The alarm is for sync to sound; but whoever reads this may be the first. */
static int
look_for_theft(struct verify *v, struct err *e)
{
	struct store_losses losses;
	struct err alarm = ERR_INIT;

	if (store_losses(&losses, v->store, e) == -1)
		return -1;
	if (alarm_is_due(&losses)) {
		(void)alarm_sound(&losses, &alarm);
		log_warn("%s %s", alarm.what, alarm.next);
	}
	return 0;
}

/* By names, which the listing may have brought. */
static int
make_filter(struct verify *v, struct err *e)
{
	filter_clear(&v->filter);
	return filter_make(&v->filter, v->store, &v->app->opt, e);
}

static int
ask_cloud(struct verify *v, struct err *e)
{
	struct err why = ERR_INIT;

	if (list_cloud(v, &why) == -1)
		return not_asked(v, &why, e);
	v->asked = true;
	if (look_for_theft(v, e) == -1 || make_filter(v, e) == -1)
		return -1;
	if (v->repair && fetch(v, e) == -1)
		return -1;
	return v->asked && !v->slice ? compare(v, e) : 0;
}

static int
verify(struct verify *v, struct err *e)
{
	if (check(v, e) == -1 || check_months(v, e) == -1)
		return -1;
	if (v->repair) {
		v->mend = (struct mend){.kind = v->app->opt.repair,
		    .store = v->store,
		    .report = v->app->report};
		if (mend_follow(&v->mend, e) == -1 ||
		    store_totals(&v->totals, v->store, e) == -1)
			return -1;
		v->moved -= v->mend.followed;
	}
	/* A slice is read here alone, unless something is to be fetched. */
	if (v->slice &&
	    !(v->repair && v->totals.damaged + v->totals.mending > 0))
		return 0;
	return ask_cloud(v, e);
}

/* ---- its end ---- */

static void
say_verdict(struct verify *v, const struct verify_facts *f,
    const struct verify_verdict *end, int64_t run)
{
	struct report *r = v->app->report;

	report_open(r, "verdict");
	report_int(r, "run", run);
	report_bool(r, "complete", end->code == ERR_NONE);
	report_int(r, "status", err_exit_status(end->code));
	report_str(r, "reason", err_reason(end->code));
	report_str(r, "text", end->line);
	report_str(r, "next", end->next);
	report_int(r, "files", f->files);
	report_int(r, "checked", f->checked);
	report_int(r, "checked_bytes", f->checked_bytes);
	report_int(r, "damaged", f->damaged);
	report_int(r, "moved", f->moved);
	report_int(r, "damaged_gone", f->damaged_gone);
	report_int(r, "repaired", f->repaired);
	report_int(r, "size_verified", f->size_verified);
	report_int(r, "gone_kept", f->gone_kept);
	report_int(r, "foreign", f->strays);
	report_int(r, "months", f->months);
	report_bool(r, "asked", f->asked);
	report_int(r, "missing", f->missing);
	report_str(r, "filter", f->filter);
	report_int(r, "filtered", f->filtered);
	report_int(r, "gaps", f->gaps);
	report_close(r);
	report_text(r, REPORT_ASKED, "%s", end->line);
	if (end->next[0] != '\0')
		report_text(r, REPORT_CHATTER, "%s", end->next);
}

/* What is kept of it in the catalogue. */
static void
add_summary(struct buf *out, const struct verify_facts *f,
    const struct verify_verdict *end)
{
	buf_addf(out,
	    "{\"checked\":%lld,\"damaged\":%lld,\"repaired\":%lld,"
	    "\"missing\":%lld,\"gaps\":%lld,\"text\":",
	    (long long)f->checked, (long long)f->damaged,
	    (long long)f->repaired, (long long)f->missing, (long long)f->gaps);
	buf_add_json(out, end->line);
	buf_adds(out, "}");
}

static int
end_run(struct verify *v, int64_t run, struct err *e)
{
	const struct store_totals *t = &v->totals;
	struct verify_verdict end;
	struct err closing = ERR_INIT;
	struct verify_facts f;
	struct store_left left = {0};
	struct buf json = {0};

	if (store_totals(&v->totals, v->store, &closing) == -1 ||
	    store_left(&left, v->store, &v->filter.of, &closing) == -1)
		err_keep_worse(&v->trouble, &closing);
	f = (struct verify_facts){.stopped = v->trouble,
	    .slice = v->slice,
	    .asked = v->asked,
	    .files = t->files + t->mending,
	    .bytes = t->file_bytes,
	    .checked = v->scrub.checked,
	    .checked_bytes = v->scrub.checked_bytes,
	    .damaged = t->damaged + t->mending,
	    .moved = v->moved,
	    .damaged_gone = t->damaged_gone,
	    .repaired = v->placed + v->mend.followed,
	    .missing = left.open - t->mending,
	    .filter = v->filter.text,
	    .filtered = left.filtered,
	    .gaps = t->gaps,
	    .size_verified = v->scrub.size_verified,
	    .gone_kept = t->gone_kept,
	    .strays = v->scrub.strays,
	    .months = v->months};
	verify_verdict(&end, &f);
	snprintf(v->app->outcome.text, sizeof(v->app->outcome.text), "%.630s",
	    end.line);
	v->app->outcome.repaired = f.repaired;
	say_verdict(v, &f, &end, run);
	add_summary(&json, &f, &end);
	if (store_run_end(v->store, err_exit_status(end.code), buf_text(&json),
		clock_now_ms(), &closing) == -1)
		err_keep_worse(&v->trouble, &closing);
	buf_clear(&json);
	if (end.code == ERR_NONE && v->trouble.code == ERR_NONE)
		return 0;
	/* The verdict has been said; what stopped it has not. */
	*e = v->trouble;
	e->code = err_worse(end.code, v->trouble.code);
	if (e->code == ERR_INTERRUPTED)
		e->what[0] = '\0';
	return -1;
}

int
verify_run(struct app *app, struct err *e)
{
	const struct options *o = &app->opt;
	struct verify v = {.app = app,
	    .cloud = {.account = {.dir = -1, .lock = -1}},
	    .repair = o->repair != NULL,
	    .slice =
		(o->sample != 0 && o->sample < SAMPLE_ALL) || o->minutes != 0};
	struct err trouble = ERR_INIT;
	int64_t run;
	int rc = -1;

	err_clear(&v.trouble);
	if (o->root == NULL)
		return err_set(e, ERR_USAGE, "Give --root DIR.",
		    "Where the copy lies is not known.");
	if (open_copy(&v, e) == -1 || make_filter(&v, e) == -1 ||
	    store_run_begin(&run, v.store, "verify", clock_now_ms(),
		checksum_rule, e) == -1)
		goto out;
	app->outcome.run = run;
	if (verify(&v, &trouble) == -1 ||
	    (v.repair && write_months(&v, &trouble) == -1))
		err_keep_worse(&v.trouble, &trouble);
	rc = end_run(&v, run, e);
out:
	filter_clear(&v.filter);
	cloud_close(&v.cloud);
	store_close(v.store);
	work_free(v.work);
	return rc;
}
