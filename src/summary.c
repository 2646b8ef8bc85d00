#include "summary.h"

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "err.h"
#include "store.h"
#include "text.h"
#include "verdict.h"

const char *
summary_role(int role)
{
	return role >= 0 && role < RESOURCE_COUNT
	    ? resource_role_name((enum resource_role)role)
	    : "other";
}

const char *
summary_state(int state)
{
	return state == STORE_STATE_PROVEN ? "proven" : "size-verified";
}

/* Members of totals, for --json: inside an open object. */
void
summary_totals(struct report *r, const struct store_totals *t)
{
	report_int(r, "assets", t->assets);
	report_int(r, "hidden", t->hidden);
	report_int(r, "trashed", t->trashed);
	report_int(r, "resources", t->resources);
	report_int(r, "resource_bytes", t->resource_bytes);
	report_int(r, "held", t->held);
	report_int(r, "held_bytes", t->held_bytes);
	report_int(r, "proven", t->proven);
	report_int(r, "size_verified", t->size_verified);
	report_int(r, "missing", t->missing);
	report_int(r, "missing_bytes", t->missing_bytes);
	report_int(r, "files", t->files);
	report_int(r, "file_bytes", t->file_bytes);
	report_int(r, "damaged", t->damaged);
	report_int(r, "damaged_gone", t->damaged_gone);
	report_int(r, "mending", t->mending);
	report_int(r, "gone_kept", t->gone_kept);
	report_int(r, "gone_unfetched", t->gone_unfetched);
	report_int(r, "gaps", t->gaps);
	report_int(r, "gaps_new", t->gaps_new);
}

void
summary_placed(struct report *r, const struct store_placed *p)
{
	report_open(r, p->mended ? "repaired" : "file");
	report_str(r, "path", p->path);
	report_int(r, "size", p->size_bytes);
	report_str(r, "state", summary_state(p->state));
	report_close(r);
	if (p->mended)
		report_text(
		    r, REPORT_CHATTER, "%s: fetched anew and proven", p->path);
}

void
summary_wait(struct report *r, int64_t wait_ms, int64_t now_ms)
{
	char when[40];

	if (wait_ms < 0)
		return;
	report_int(r, "wait_ms", wait_ms);
	if (wait_ms <= INT64_MAX - now_ms)
		report_str(r, "not_before", civil_iso(when, now_ms + wait_ms));
}

static const char *
failure_word(enum store_failure why)
{
	switch (why) {
	case STORE_NOT_YET:
		return "not-fetched";
	case STORE_FAILED:
		return "failed";
	case STORE_NO_ORIGINAL:
		return "no-original";
	case STORE_UNPROVEN:
		return "unproven";
	case STORE_UNKNOWN_KIND:
		return "unknown-checksum";
	case STORE_TOO_LARGE:
		return "too-large";
	case STORE_VANISHED:
		return "vanished";
	case STORE_GHOST:
		return "ghost";
	case STORE_MISCOUNTED:
		return "miscounted";
	case STORE_UNINDEXED:
		return "unindexed";
	}
	return "failed";
}

const char *
summary_stated(int what)
{
	static const char *const words[STORE_STATED_COUNT] = {
	    [STORE_STATED_ADDED] = "the library by date added",
	    [STORE_STATED_VISIBLE] = "the library",
	    [STORE_STATED_HIDDEN] = "Hidden",
	    [STORE_STATED_TRASHED] = "Recently Deleted",
	    [STORE_STATED_INFO] = "the total",
	    [STORE_STATED_INFO_HIDDEN] = "the total of Hidden",
	};

	return what >= 0 && what < STORE_STATED_COUNT ? words[what] : NULL;
}

/* Of a library as a whole: nothing of it is missing by name. */
static void
say_library_gap(
    struct report *r, enum report_weight weight, const struct store_gap *g)
{
	const char *what = summary_stated(g->stated);

	report_text(r, weight, "%s: %s%s%s: %s",
	    g->known ? "Known gap" : "Not proven", what != NULL ? what : "",
	    what != NULL ? " of " : "", g->zone, g->detail);
}

void
summary_gap(
    struct report *r, enum report_weight weight, const struct store_gap *g)
{
	bool library = g->why == STORE_MISCOUNTED || g->why == STORE_UNINDEXED;
	const char *role = g->role >= 0 && g->role < RESOURCE_COUNT
	    ? resource_role_name((enum resource_role)g->role)
	    : library ? "library"
		      : "asset";

	report_open(r, "gap");
	report_str(r, "zone", g->zone);
	report_str(r, "record", library ? NULL : g->record);
	report_str(r, "name", g->name);
	report_str(r, "role", role);
	report_str(r, "why", failure_word(g->why));
	report_str(r, "stated", summary_stated(g->stated));
	report_str(r, "detail", g->detail);
	report_bool(r, "known", g->known);
	report_close(r);
	if (library) {
		say_library_gap(r, weight, g);
		return;
	}
	report_text(r, weight, "%s: %s (%s): %s",
	    g->known ? "Known gap" : "Missing",
	    g->name != NULL ? g->name : g->record, role,
	    g->detail != NULL && g->detail[0] != '\0' ? g->detail
						      : failure_word(g->why));
}

void
summary_verdict(struct report *r, const struct verdict *v,
    const struct verdict_facts *f, int64_t run)
{
	char n[32], size[32], when[40];

	if (f->fetched > 0)
		report_text(r, REPORT_CHATTER, "Fetched %s %s, %s.",
		    text_count(n, f->fetched),
		    f->fetched == 1 ? "file" : "files",
		    text_size(size, f->fetched_bytes));
	report_open(r, "verdict");
	report_int(r, "run", run);
	report_bool(r, "complete", v->code == ERR_NONE);
	report_int(r, "status", err_exit_status(v->code));
	report_str(r, "reason", err_reason(v->code));
	summary_wait(r, f->stopped.wait_ms, clock_now_ms());
	report_str(r, "text", v->line);
	report_int(r, "fetched", f->fetched);
	report_int(r, "fetched_bytes", f->fetched_bytes);
	report_str(r, "filter", f->filter);
	report_int(r, "filtered", f->filtered);
	report_int(r, "filtered_bytes", f->filtered_bytes);
	summary_totals(r, f->totals);
	report_str(r, "compared",
	    f->compared_ms != 0 ? civil_iso(when, f->compared_ms) : NULL);
	report_bool(r, "agrees", f->compared_ms != 0 && f->agrees);
	report_close(r);
	report_text(r,
	    f->scheduled && v->code == ERR_NONE && f->fetched == 0
		? REPORT_CHATTER
		: REPORT_ASKED,
	    "%s", v->line);
}

void
summary_json(
    struct buf *out, const struct verdict *v, const struct verdict_facts *f)
{
	buf_addf(out,
	    "{\"fetched\":%lld,\"fetched_bytes\":%lld,\"missing\":%lld,"
	    "\"gaps\":%lld,\"filtered\":%lld,\"filtered_bytes\":%lld,",
	    (long long)f->fetched, (long long)f->fetched_bytes,
	    (long long)f->totals->missing, (long long)f->totals->gaps,
	    (long long)f->filtered, (long long)f->filtered_bytes);
	if (f->filter != NULL) {
		buf_adds(out, "\"filter\":");
		buf_add_json(out, f->filter);
		buf_adds(out, ",");
	}
	buf_adds(out, "\"text\":");
	buf_add_json(out, v->line);
	buf_adds(out, "}");
}
