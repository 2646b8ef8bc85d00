#include <stdio.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "cmd.h"
#include "copy.h"
#include "err.h"
#include "library.h"
#include "report.h"
#include "stop.h"
#include "store.h"
#include "summary.h"
#include "text.h"
#include "zone.h"

/*
 * What the catalogue knows, one by one, for people and for scripts; no network.
 */
struct list {
	struct report *report;
	struct store *store;
	bool as_of; /* of before: what is told of files is of now */
	int64_t n;
};

static const char *
state_word(int state, bool damaged)
{
	return damaged   ? "damaged"
	    : state == 0 ? "missing"
			 : summary_state(state);
}

/* Nobody may be left who reads: then it ends. */
static bool
go_on(struct list *l)
{
	l->n++;
	return !stop_is_set() && !report_has_failed(l->report);
}

/* ---- libraries ---- */

static bool
say_library(void *arg, const struct store_library *lib)
{
	struct list *l = arg;
	struct report *r = l->report;
	char a[32], b[32], c[32], d[32], size[32], when[40] = "never";

	if (lib->walked_ms != 0)
		civil_iso(when, lib->walked_ms);
	report_open(r, "library");
	report_str(r, "name", library_word(lib->zone_name));
	report_str(r, "zone", lib->zone_name);
	report_str(r, "database",
	    database_name(
		lib->database == 0 ? DATABASE_PRIVATE : DATABASE_SHARED));
	report_bool(r, "own", lib->database == 0);
	report_bool(r, "gone", lib->gone);
	report_int(r, "assets", lib->assets);
	report_int(r, "hidden", lib->hidden);
	report_int(r, "trashed", lib->trashed);
	report_int(r, "files", lib->files);
	report_int(r, "held", lib->held);
	report_int(r, "held_bytes", lib->held_bytes);
	report_int(r, "albums", lib->albums);
	report_str(r, "listed", lib->walked_ms != 0 ? when : NULL);
	report_close(r);
	report_text(r, REPORT_ASKED, "%s (%s)%s%s",
	    library_word(lib->zone_name), lib->zone_name,
	    lib->database == 0 ? "" : ", somebody else's",
	    lib->gone ? ", no longer in iCloud" : "");
	report_text(r, REPORT_ASKED,
	    "    %s photos and videos (%s hidden, %s recently deleted), %s "
	    "albums",
	    text_count(a, lib->assets), text_count(b, lib->hidden),
	    text_count(c, lib->trashed), text_count(d, lib->albums));
	report_text(r, REPORT_ASKED, "    %s of %s files are here, %s",
	    text_count(a, lib->held), text_count(b, lib->files),
	    text_size(size, lib->held_bytes));
	report_text(r, REPORT_ASKED, "    last listed: %s", when);
	return go_on(l);
}

/* ---- albums ---- */

static const char *
album_kind(int64_t type)
{
	return type == STORE_ALBUM_FOLDER ? "folder"
	    : type == STORE_ALBUM_SMART   ? "smart"
					  : "album";
}

static bool
say_album(void *arg, const struct store_album *a)
{
	struct list *l = arg;
	struct report *r = l->report;
	char n[32];

	if (a->title == NULL)
		return go_on(l);
	report_open(r, "album");
	report_str(r, "title", a->title);
	report_str(r, "path", a->path);
	report_str(r, "kind", album_kind(a->type));
	report_str(r, "zone", a->zone_name);
	report_str(r, "record", a->record);
	if (a->type != STORE_ALBUM_SMART && a->type != STORE_ALBUM_FOLDER)
		report_int(r, "assets", a->assets);
	report_close(r);
	if (a->type == STORE_ALBUM_FOLDER)
		report_text(r, REPORT_ASKED, "%*s%s/", 4 * (a->depth - 1), "",
		    a->title);
	else if (a->type == STORE_ALBUM_SMART)
		report_text(r, REPORT_ASKED, "%*s%s (smart album)",
		    4 * (a->depth - 1), "", a->title);
	else
		report_text(r, REPORT_ASKED, "%*s%s (%s)", 4 * (a->depth - 1),
		    "", a->title, text_count(n, a->assets));
	return go_on(l);
}

/* ---- assets ---- */

/* "2024-07-31 14:00:00": as the clocks there had it. */
static char *
local_time(char out[40], const struct store_listed *a)
{
	const int64_t most = INT64_MAX / 4, day_s = 86400;
	bool odd = !a->has_offset || a->taken_ms > most ||
	    a->taken_ms < -most || a->offset_s > day_s || a->offset_s < -day_s;
	struct civil c;

	if (!a->has_taken) {
		snprintf(out, 40, "%-19s", "(no date)");
		return out;
	}
	civil_from_ms(&c, a->taken_ms + (odd ? 0 : a->offset_s * 1000));
	snprintf(out, 40, "%04lld-%02d-%02d %02d:%02d:%02d", (long long)c.year,
	    c.month, c.day, c.hour, c.minute, c.second);
	return out;
}

/* As the manifest says it. */
static const char *
date_word(enum store_date dated)
{
	return dated == STORE_DATE_MASTER ? "created"
	    : dated == STORE_DATE_ADDED   ? "added"
					  : "record";
}

static void
add_flags(struct buf *out, const struct store_listed *a)
{
	static const struct {
		unsigned roles;
		const char *word;
	} parts[] = {
	    {1U << RESOURCE_LIVE, " [live]"},
	    {1U << RESOURCE_ALTERNATIVE, " [raw]"},
	    {1U << RESOURCE_EDITED | 1U << RESOURCE_EDITED_VIDEO, " [edited]"},
	};
	unsigned roles = 0;

	for (size_t i = 0; i < a->nfiles; i++)
		roles |= 1U << (unsigned)a->files[i].role;
	if (a->gone)
		buf_adds(out, " [gone]");
	if (a->hidden)
		buf_adds(out, " [hidden]");
	if (a->trashed)
		buf_adds(out, " [recently deleted]");
	if (a->favourite)
		buf_adds(out, " [favourite]");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if ((roles & parts[i].roles) != 0)
			buf_adds(out, parts[i].word);
}

/* The paths of what is here; and that something, or all of it, is not. */
static void
add_paths(struct buf *out, const struct store_listed *a)
{
	size_t here = 0;

	for (size_t i = 0; i < a->nfiles; i++) {
		if (a->files[i].path == NULL)
			continue;
		buf_adds(out, here++ > 0 ? ", " : "  ");
		buf_adds(out, a->files[i].path);
		if (a->files[i].damaged)
			buf_adds(out, " (damaged)");
	}
	if (here == 0)
		buf_adds(out, "  not here");
	else if (here < a->nfiles)
		buf_addf(out, ", %zu not here", a->nfiles - here);
}

static void
say_files_of(struct report *r, const struct store_listed *a)
{
	report_list_open(r, "files");
	for (size_t i = 0; i < a->nfiles; i++) {
		const struct store_listed_file *f = &a->files[i];

		report_item_open(r);
		report_str(r, "role", summary_role(f->role));
		report_str(r, "path", f->path);
		report_int(r, "size", f->size_bytes);
		report_str(r, "state", state_word(f->state, f->damaged));
		report_item_close(r);
	}
	report_list_close(r);
}

static bool
say_asset(void *arg, const struct store_listed *a)
{
	struct list *l = arg;
	struct report *r = l->report;
	struct buf line = {0};
	char when[40];

	if (report_is_json(r)) {
		report_open(r, "asset");
		report_str(r, "record", a->record);
		report_str(r, "zone", a->zone_name);
		report_str(r, "master", a->master);
		report_str(r, "name", a->filename);
		report_str(r, "title", a->title);
		report_str(r, "taken",
		    a->has_taken ? civil_iso(when, a->taken_ms) : NULL);
		if (a->has_taken && a->dated != STORE_DATE_ASSET)
			report_str(r, "taken_from", date_word(a->dated));
		if (a->has_offset)
			report_int(r, "offset_s", a->offset_s);
		report_str(r, "added",
		    a->has_added ? civil_iso(when, a->added_ms) : NULL);
		report_bool(r, "hidden", a->hidden);
		report_bool(r, "trashed", a->trashed);
		report_bool(r, "favourite", a->favourite);
		report_bool(r, "gone", a->gone);
		report_strs(r, "albums", a->albums, a->nalbums);
		say_files_of(r, a);
		report_close(r);
	} else {
		buf_addf(&line, "%s  %s", local_time(when, a),
		    a->filename != NULL ? a->filename : a->record);
		add_flags(&line, a);
		add_paths(&line, a);
		report_text(r, REPORT_ASKED, "%s", buf_text(&line));
	}
	buf_clear(&line);
	return go_on(l);
}

/* ---- files ---- */

static bool
say_file(void *arg, const struct store_kept *f)
{
	struct list *l = arg;
	struct report *r = l->report;
	char hex[2 * DIGEST_SHA256 + 1], size[32];

	text_hex(hex, f->sha256, DIGEST_SHA256);
	report_open(r, "kept");
	report_str(r, "path", f->path);
	report_int(r, "size", f->size_bytes);
	report_str(r, "sha256", hex);
	report_str(r, "role", summary_role(f->role));
	report_str(r, "state", state_word(f->state, f->damaged));
	report_bool(r, "gone", !f->live);
	report_close(r);
	report_text(r, REPORT_ASKED, "%9s  %-13s  %-12s  %s%s",
	    text_size(size, f->size_bytes), state_word(f->state, f->damaged),
	    summary_role(f->role), f->path,
	    f->live ? "" : "  [no longer in iCloud]");
	return go_on(l);
}

/* ---- the command ---- */

/* The run as of which it is told; 0: now. */
static int
find_run(
    int64_t *run, struct list *l, const struct opt_date *as_of, struct err *e)
{
	int64_t until, began;
	char when[40];

	*run = 0;
	if (!as_of->set)
		return 0;
	until = civil_local_to_ms(as_of->to_ms);
	if (store_run_before(run, &began, l->store, until, e) == -1)
		return -1;
	if (*run == 0)
		return err_set(e, ERR_USAGE, "Give a later date.",
		    "No run had looked at iCloud by then.");
	l->as_of = true;
	report_text(l->report, REPORT_CHATTER,
	    "As the run of %s had seen it:", civil_iso(when, began));
	return 0;
}

static int
list_what(struct list *l, const char *what, int64_t run, struct err *e)
{
	if (what == NULL || strcmp(what, "assets") == 0)
		return store_list_assets(l->store, run, say_asset, l, e);
	if (strcmp(what, "libraries") == 0)
		return store_list_libraries(l->store, run, say_library, l, e);
	if (strcmp(what, "albums") == 0)
		return store_list_albums(l->store, run, say_album, l, e);
	return store_list_files(l->store, run, say_file, l, e);
}

static int
list_run(struct app *app, struct err *e)
{
	struct list l = {.report = app->report};
	int64_t run;
	int rc = -1;

	if (copy_read(&l.store, app, e) == -1 ||
	    find_run(&run, &l, &app->opt.as_of, e) == -1 ||
	    list_what(&l, app->opt.operand, run, e) == -1)
		goto out;
	rc = stop_is_set() ? err_set(e, ERR_INTERRUPTED, NULL, "%s", "") : 0;
	if (rc == 0 && l.n == 0)
		report_text(app->report, REPORT_CHATTER, "There are none.");
out:
	store_close(l.store);
	return rc;
}

const struct cmd cmd_list = {
    .name = "list",
    .help = "libraries, albums, assets or files, as the catalogue has them",
    .scope = OPT_LIST,
    .words = "libraries albums assets files",
    .run = list_run,
};
