#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "buf.h"
#include "civil.h"
#include "cmd.h"
#include "copy.h"
#include "err.h"
#include "json.h"
#include "library.h"
#include "report.h"
#include "session.h"
#include "store.h"
#include "summary.h"
#include "sync.h"
#include "text.h"

#define RUNS_SHOWN    5
#define RUNS_SEARCHED 50

/* What the person reads; the members of --json are said elsewhere. */
static void
say_totals(struct report *r, const struct store_totals *t)
{
	char a[32], b[32], c[32];

	report_text(r, REPORT_ASKED,
	    "In iCloud:  %s photos and videos "
	    "(%s hidden, %s recently deleted)",
	    text_count(a, t->assets), text_count(b, t->hidden),
	    text_count(c, t->trashed));
	report_text(r, REPORT_ASKED, "            %s files, %s",
	    text_count(a, t->resources), text_size(b, t->resource_bytes));
	report_text(r, REPORT_ASKED, "Held here:  %s files, %s; %s proven",
	    text_count(a, t->held), text_size(b, t->held_bytes),
	    text_count(c, t->proven));
	if (t->size_verified > 0)
		report_text(r, REPORT_ASKED,
		    "            %s verified by size only",
		    text_count(a, t->size_verified));
	if (t->missing > 0)
		report_text(r, REPORT_ASKED, "Missing:    %s files, %s",
		    text_count(a, t->missing), text_size(b, t->missing_bytes));
	else
		report_text(r, REPORT_ASKED, "Missing:    nothing");
	if (t->damaged > 0)
		report_text(r, REPORT_ASKED,
		    "Damaged:    %s %s (icloud-pull verify --repair)",
		    text_count(a, t->damaged),
		    t->damaged == 1 ? "file" : "files");
	if (t->damaged_gone > 0)
		report_text(r, REPORT_ASKED,
		    "            %s of them left iCloud and cannot be fetched",
		    text_count(a, t->damaged_gone));
	if (t->gaps > 0)
		report_text(r, REPORT_ASKED,
		    "Gaps:       %s (icloud-pull status --gaps names them)",
		    text_count(a, t->gaps));
	if (t->gone_kept > 0)
		report_text(r, REPORT_ASKED,
		    "Kept here:  %s files that have left iCloud",
		    text_count(a, t->gone_kept));
	if (t->gone_unfetched > 0)
		report_text(r, REPORT_ASKED,
		    "Lost:       %s files left iCloud before they could be "
		    "fetched",
		    text_count(a, t->gone_unfetched));
	report_text(r, REPORT_ASKED,
	    "Not copied: Shared Albums, \"Copy iCloud Link\" shares, "
	    "Image Playground, People and Memories");
}

/* Of a library: what Apple states, and what became of it. */
struct libraries {
	struct app *app;
	struct store *store;
	bool another;
	const char *zone; /* whose differences are told */
	struct err err;
};

static int64_t
stated_in_all(const struct store_compared *c)
{
	const int64_t *s = c->stated;

	return s[STORE_STATED_VISIBLE] < 0 || s[STORE_STATED_HIDDEN] < 0 ||
		s[STORE_STATED_TRASHED] < 0
	    ? -1
	    : s[STORE_STATED_VISIBLE] + s[STORE_STATED_HIDDEN] +
		s[STORE_STATED_TRASHED];
}

static void
write_library(struct report *r, const struct store_compared *c)
{
	char when[40];

	report_open(r, "compared");
	report_str(r, "name", library_word(c->zone_name));
	report_str(r, "zone", c->zone_name);
	report_str(r, "database", c->database == 0 ? "private" : "shared");
	report_str(r, "compared",
	    c->proof_ms != 0 ? civil_iso(when, c->proof_ms) : NULL);
	report_bool(r, "agrees", c->agrees);
	report_str(r, "indexing", c->indexing);
	if (stated_in_all(c) >= 0)
		report_int(r, "stated", stated_in_all(c));
	report_int(r, "listed", c->listed);
	if (c->held >= 0) {
		report_int(r, "held", c->held);
		report_int(r, "proven", c->proven);
	}
	report_int(r, "only_index", c->only_index);
	report_int(r, "only_feed", c->only_feed);
	report_int(r, "bursts", c->bursts);
	report_int(r, "ghosts", c->ghosts);
	report_list_open(r, "counts");
	for (int i = 0; i < STORE_STATED_COUNT; i++) {
		if (c->stated[i] < 0)
			continue;
		report_item_open(r);
		report_str(r, "what", summary_stated(i));
		report_int(r, "stated", c->stated[i]);
		report_int(r, "seen", c->seen[i]);
		report_item_close(r);
	}
	report_list_close(r);
	report_close(r);
}

/* "Personal: 7,840 stated, 7,852 listed (12 more frames of bursts), ..." */
static void
add_library(struct buf *out, const struct store_compared *c)
{
	char n[32];

	buf_addf(out, "%s: ", library_word(c->zone_name));
	if (stated_in_all(c) >= 0)
		buf_addf(out, "%s stated, ", text_count(n, stated_in_all(c)));
	buf_addf(out, "%s listed", text_count(n, c->listed));
	if (c->bursts > 0)
		buf_addf(out, " (%s more %s of bursts)",
		    text_count(n, c->bursts),
		    c->bursts == 1 ? "frame" : "frames");
	if (c->held >= 0) {
		buf_addf(out, ", %s held", text_count(n, c->held));
		buf_addf(out, ", %s proven", text_count(n, c->proven));
	}
}

static void
say_library(void *arg, const struct store_compared *c)
{
	struct libraries *l = arg;
	struct report *r = l->app->report;
	struct buf line = {0};
	char when[40];

	write_library(r, c);
	add_library(&line, c);
	report_text(r, REPORT_ASKED, "%s%s",
	    l->another ? "            " : "Libraries:  ", buf_text(&line));
	buf_clear(&line);
	l->another = true;
	if (c->proof_ms == 0) {
		report_text(r, REPORT_ASKED,
		    "            never compared with iCloud's index");
		return;
	}
	civil_iso(when, c->proof_ms);
	when[strcspn(when, "T")] = '\0';
	report_text(r, REPORT_ASKED, "            iCloud's index %s on %s",
	    c->agrees ? "agreed" : "differed", when);
}

static void
say_difference(void *arg, const struct store_difference *d)
{
	static const char *const answers[] = {[STORE_UNANSWERED] = "unanswered",
	    [STORE_FOUND] = "found",
	    [STORE_NOT_FOUND] = "not-found"};
	struct libraries *l = arg;
	struct report *r = l->app->report;
	bool index = d->side == STORE_ONLY_INDEX;

	report_open(r, "difference");
	report_str(r, "zone", l->zone);
	report_str(r, "record", d->name);
	report_str(r, "only", index ? "index" : "feed");
	report_str(r, "look_up", answers[d->answer]);
	report_bool(r, "burst", d->burst);
	report_close(r);
	if (d->burst && d->answer == STORE_FOUND)
		return;
	report_text(r, REPORT_ASKED, "Difference: %s: only %s, and %s by name",
	    d->name,
	    index ? "iCloud's index lists it" : "iCloud's changes list it",
	    d->answer == STORE_FOUND           ? "it was found"
		: d->answer == STORE_NOT_FOUND ? "it was not found"
					       : "nothing was told");
}

static void
say_differences(void *arg, const struct store_compared *c)
{
	struct libraries *l = arg;

	l->zone = c->zone_name;
	if (l->err.code == ERR_NONE)
		(void)store_differences(
		    l->store, c->zone, say_difference, l, &l->err);
}

static void
say_success(struct report *r, const struct store_history *h, int64_t now_ms)
{
	char when[40], ago[32];

	if (h->success_ms == 0)
		report_text(r, REPORT_ASKED, "Complete:   never yet");
	else
		report_text(r, REPORT_ASKED, "Complete:   %s, %s ago",
		    civil_iso(when, h->success_end_ms),
		    text_span(ago,
			now_ms > h->success_end_ms ? now_ms - h->success_end_ms
						   : 0));
}

static void
say_run(void *arg, const struct store_run *run)
{
	struct report *r = arg;
	char when[40], took[32];

	report_open(r, "run");
	report_int(r, "run", run->run);
	report_str(r, "command", run->command);
	report_str(r, "began", civil_iso(when, run->began_ms));
	if (run->ended_ms != 0) {
		report_int(r, "took_ms", run->ended_ms - run->began_ms);
		report_int(r, "status", run->exit_status);
	}
	if (run->summary[0] != '\0')
		report_raw(r, "summary", run->summary);
	report_close(r);
	if (run->ended_ms == 0)
		report_text(r, REPORT_ASKED, "  %s  %s: did not end",
		    civil_iso(when, run->began_ms), run->command);
	else
		report_text(r, REPORT_ASKED, "  %s  %s: status %d, %s",
		    civil_iso(when, run->began_ms), run->command,
		    run->exit_status,
		    text_span(took, run->ended_ms - run->began_ms));
}

/* What the last run that fetched had been told to leave out. */
struct left_out {
	bool known;
	int64_t files, bytes;
	char *filter; /* owned; NULL: nothing */
};

static void
find_left_out(void *arg, const struct store_run *run)
{
	struct left_out *l = arg;
	cJSON *summary;

	if (l->known || run->summary[0] == '\0')
		return;
	summary = json_parse(run->summary, strlen(run->summary), NULL);
	l->known = json_int(&l->files, summary, "filtered");
	if (l->known) {
		(void)json_int(&l->bytes, summary, "filtered_bytes");
		l->filter = xstrdup(json_str(summary, "filter"));
	}
	cJSON_Delete(summary);
}

static void
say_left_out(struct report *r, const struct left_out *l)
{
	char n[32], size[32];

	if (l->files > 0)
		report_text(r, REPORT_ASKED,
		    "Left out:   %s %s, %s, by the filter of the last run (%s)",
		    text_count(n, l->files), l->files == 1 ? "file" : "files",
		    text_size(size, l->bytes),
		    l->filter != NULL ? l->filter : "");
}

static void
say_gap(void *arg, const struct store_gap *g)
{
	summary_gap(arg, REPORT_ASKED, g);
}

/* Days for which the next sign-in needs no code; from the stored session. */
static void
say_trust(struct app *app, const char *name)
{
	char *account = name != NULL ? session_account_name(name) : NULL;
	int64_t expires_ms = 0, days = 0;
	bool signed_in;

	signed_in = account != NULL &&
	    account_trust(&expires_ms, app->state_dir, account);
	report_open(app->report, "account");
	report_str(app->report, "account", name);
	report_bool(app->report, "signed_in", signed_in);
	if (expires_ms != 0) {
		days = (expires_ms - clock_now_ms()) / CIVIL_DAY_MS;
		report_int(app->report, "trust_days", days);
	}
	report_close(app->report);
	if (!signed_in) {
		report_text(app->report, REPORT_ASKED,
		    "Account:    not signed in (icloud-pull login)");
	} else if (expires_ms == 0) {
		report_text(app->report, REPORT_ASKED,
		    "Account:    %s, signed in", account);
	} else {
		report_text(app->report, REPORT_ASKED,
		    "Account:    %s, trusted for %lld more days", account,
		    (long long)(days > 0 ? days : 0));
	}
	free(account);
}

static int
status_run(struct app *app, struct err *e)
{
	struct store_totals t;
	struct store_history h;
	struct left_out left = {.known = false};
	struct libraries libraries = {.app = app};
	struct store *s = NULL;
	char when[40];
	int rc = -1;

	err_clear(&libraries.err);
	if (copy_read(&s, app, e) == -1 || store_totals(&t, s, e) == -1 ||
	    store_history(&h, s, SYNC_RUN, INT64_MAX, e) == -1 ||
	    store_runs(s, RUNS_SEARCHED, find_left_out, &left, e) == -1)
		goto out;
	report_open(app->report, "status");
	report_str(app->report, "root", store_root(s));
	report_str(app->report, "last_success",
	    h.success_ms != 0 ? civil_iso(when, h.success_end_ms) : NULL);
	summary_totals(app->report, &t);
	report_int(app->report, "filtered", left.files);
	report_int(app->report, "filtered_bytes", left.bytes);
	report_str(app->report, "filter", left.filter);
	report_close(app->report);
	report_text(app->report, REPORT_ASKED, "Copy:       %s", store_root(s));
	say_trust(app, store_copy_account(s));
	say_totals(app->report, &t);
	say_left_out(app->report, &left);
	libraries.store = s;
	if (store_compared(s, say_library, &libraries, e) == -1)
		goto out;
	say_success(app->report, &h, clock_now_ms());
	report_text(app->report, REPORT_ASKED, "Last runs:");
	if (store_runs(s, RUNS_SHOWN, say_run, app->report, e) == -1)
		goto out;
	if (app->opt.gaps &&
	    (store_gaps(s, say_gap, app->report, e) == -1 ||
		store_compared(s, say_differences, &libraries, e) == -1))
		goto out;
	*e = libraries.err;
	rc = e->code == ERR_NONE ? 0 : -1;
out:
	free(left.filter);
	store_close(s);
	return rc;
}

const struct cmd cmd_status = {
    .name = "status",
    .help = "what iCloud holds, what is here, what is missing and why",
    .scope = OPT_STATUS,
    .run = status_run,
};
