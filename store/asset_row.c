#include "store_p.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "text.h"

/* Masters, assets and their resources: what the records say now, and history
 * of what they said before. */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* ---- resources ---- */

struct resource_row {
	bool present;
	int64_t content; /* 0: mentioned only */
	char *uti;       /* owned */
};

static const char sql_resources[] =
    "SELECT role, content, uti FROM resource WHERE rec = ?1";
static const char sql_resource_put[] =
    "INSERT INTO resource(rec, role, content, uti) VALUES(?1, ?2, ?3, ?4)"
    " ON CONFLICT(rec, role) DO UPDATE SET content = ?3, uti = ?4";
static const char sql_resource_drop[] =
    "DELETE FROM resource WHERE rec = ?1 AND role = ?2";
static const char sql_content_name[] =
    "SELECT checksum, size FROM content WHERE content = ?1";

static int
resources_read(struct resource_row rows[ROLES], struct store *s, int64_t rec,
    struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_resources, "i", rec) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		struct resource_row *r =
		    &rows[sqlite3_column_int(st, 0) & (ROLES - 1)];

		r->present = true;
		r->content = sqlite3_column_int64(st, 1);
		r->uti = xstrdup(sql_text(st, 2));
	}
	return rc;
}

/* What a role held before: "role checksum-size". */
static int
content_event(
    struct store *s, int64_t rec, int role, int64_t content, struct err *e)
{
	char hex[2 * CHECKSUM_BYTES + 1] = "", detail[256];
	uint8_t checksum[CHECKSUM_BYTES];
	int64_t size = 0;
	size_t len = 0;

	if (content == 0)
		(void)snprintf(detail, sizeof(detail), "%d", role);
	else {
		if (sql_first(s, e, sql_content_name, "i>bi", content, checksum,
			&len, &size) == -1)
			return -1;
		text_hex(hex, checksum, len);
		(void)snprintf(
		    detail, sizeof(detail), "%d %s-%" PRId64, role, hex, size);
	}
	return event_add(s, rec, EVENT_CONTENT, detail, e);
}

static int
resource_put(struct store *s, int64_t rec, bool fresh, struct resource_row *old,
    const struct store_resource *r, struct err *e)
{
	int64_t content = 0;

	assert(r->role >= 0 && r->role < ROLES);
	assert(r->checksum_len <= CHECKSUM_BYTES);
	if (r->checksum != NULL &&
	    content_put(&content, s, r->sure, r->checksum, r->checksum_len,
		r->size_bytes, e) == -1)
		return -1;
	if (old->present && old->content == content &&
	    same_text(old->uti, r->uti))
		return 0;
	if (!fresh && old->content != content &&
	    content_event(s, rec, r->role, old->content, e) == -1)
		return -1;
	return sql_run(s, e, sql_resource_put, "idot", rec, r->role,
	    content != 0, content, r->uti);
}

/*
 * The resources of rec are these.  before: the contents that it had, which
 * the caller refreshes together with the new ones.
 */
static int
resources_put(int64_t before[ROLES], struct store *s, int64_t rec, bool fresh,
    const struct store_resource *res, size_t nres, struct err *e)
{
	struct resource_row rows[ROLES];
	unsigned seen = 0;
	size_t i;
	int rc = -1;

	memset(rows, 0, sizeof(rows));
	if (!fresh && resources_read(rows, s, rec, e) == -1)
		goto out;
	for (i = 0; i < ROLES; i++)
		before[i] = rows[i].content;
	for (i = 0; i < nres; i++) {
		/* Of two for one role the first counts. */
		if (seen & 1u << res[i].role)
			continue;
		seen |= 1u << res[i].role;
		if (resource_put(
			s, rec, fresh, &rows[res[i].role], &res[i], e) == -1)
			goto out;
	}
	for (i = 0; i < ROLES; i++) {
		if (!rows[i].present || (seen & 1u << i))
			continue;
		if (rows[i].content != 0 &&
		    content_event(s, rec, (int)i, rows[i].content, e) == -1)
			goto out;
		if (sql_run(s, e, sql_resource_drop, "id", rec, (int)i) == -1)
			goto out;
	}
	/* The record is not what it was: what failed may succeed now. */
	rc = fresh ? 0 : content_reset_of(s, rec, e);
out:
	for (i = 0; i < ROLES; i++)
		free(rows[i].uti);
	return rc;
}

static int
refresh(
    struct store *s, int64_t rec, const int64_t before[ROLES], struct err *e)
{
	int i;

	for (i = 0; i < ROLES; i++) {
		if (before[i] != 0 && content_refresh(s, before[i], e) == -1)
			return -1;
	}
	return content_refresh_of(s, rec, e);
}

/* ---- masters ---- */

static const char sql_master_get[] =
    "SELECT filename, created_ms FROM master WHERE rec = ?1";
static const char sql_master_put[] =
    "INSERT INTO master(rec, filename, created_ms) VALUES(?1, ?2, ?3)"
    " ON CONFLICT(rec) DO UPDATE SET filename = ?2, created_ms = ?3";
static const char sql_assets_of[] = "SELECT rec FROM asset WHERE master = ?1"
				    " AND rec > ?2 ORDER BY rec LIMIT 1";
static const char sql_lonely[] =
    "SELECT 1 FROM record WHERE rec = ?1 AND dict IS NOT NULL"
    " AND NOT EXISTS(SELECT 1 FROM asset WHERE master = ?1)";

/* Has a master come, and no asset of it? */
static int
is_lonely(bool *out, struct store *s, int64_t master, struct err *e)
{
	int rc = sql_first(s, e, sql_lonely, "i>", master);

	*out = rc == 0;
	return rc == -1 ? -1 : 0;
}

/* enum lack. */
static int
set_lacks(struct store *s, int64_t asset, struct err *e)
{
	static const char sql[] =
	    "UPDATE asset SET lacks = CASE"
	    "  WHEN master IS NULL OR NOT EXISTS(SELECT 1 FROM record r"
	    "    WHERE r.rec = asset.master AND r.dict IS NOT NULL) THEN 1"
	    "  WHEN NOT EXISTS(SELECT 1 FROM resource r WHERE r.role = 0"
	    "    AND r.rec IN (asset.rec, asset.master)"
	    "    AND r.content IS NOT NULL) THEN 2"
	    "  ELSE 0 END WHERE rec = ?1";

	return sql_run(s, e, sql, "i", asset);
}

/*
 * An asset without a capture date of its own has its master's, whenever that
 * comes; else what its record says beside that (enum store_date).
 */
static const char sql_date_get[] =
    "SELECT a.dated, a.dated_alone, a.month, a.taken_ms, a.offset_s, "
    "a.added_ms,"
    " m.created_ms FROM asset a LEFT JOIN master m ON m.rec = a.master"
    " WHERE a.rec = ?1";
static const char sql_date_put[] = "UPDATE asset SET dated = ?2, taken_ms = ?3,"
				   " month = ?4 WHERE rec = ?1";

/* Its master has come or changed. */
static int
date_again(struct store *s, int64_t asset, struct err *e)
{
	bool had = false, has_offset = false, has_added = false, has = false;
	int64_t was = 0, offset = 0, added = 0, now = 0;
	int dated_was = 0, alone = 0, month_was = 0;
	int dated = STORE_DATE_MASTER, month = 0;

	if (sql_first(s, e, sql_date_get, "i>dddoooo", asset, &dated_was,
		&alone, &month_was, &had, &was, &has_offset, &offset,
		&has_added, &added, &has, &now) != 0)
		return -1;
	if (alone == STORE_DATE_ASSET)
		return 0;
	if (!has) {
		dated = alone;
		has = alone != STORE_DATE_NONE && has_added;
		now = added;
	}
	if (has)
		month = civil_month(now, has_offset ? offset : 0);
	if (dated_was == dated && had == has && (!has || was == now) &&
	    month_was == month)
		return 0;
	if (month_was != month && month_left(s, month_was, e) == -1)
		return -1;
	return sql_run(
	    s, e, sql_date_put, "idod", asset, dated, (int)has, now, month);
}

/* A master has come or changed: what follows for its assets. */
static int
assets_follow(struct store *s, int64_t master, struct err *e)
{
	int64_t asset = 0;
	int rc;

	while ((rc = sql_first(
		    s, e, sql_assets_of, "ii>i", master, asset, &asset)) == 0) {
		if (set_lacks(s, asset, e) == -1 ||
		    date_again(s, asset, e) == -1)
			return -1;
	}
	return rc == 1 ? months_of_master(s, master, e) : -1;
}

int
store_master_put(struct store *s, const struct store_master *m, struct err *e)
{
	int64_t before[ROLES], created = 0;
	bool own, has = false;
	char *filename = NULL;
	int rc;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_first(
	    s, e, sql_master_get, "i>to", m->rec, &filename, &has, &created);
	if (rc == -1)
		goto out;
	has = rc == 0; /* it was there before */
	rc = -1;
	/* What its assets share with others until now, too. */
	if (has && months_of_master(s, m->rec, e) == -1)
		goto out;
	if (has && !same_text(filename, m->filename) &&
	    event_add(s, m->rec, EVENT_NAME, filename, e) == -1)
		goto out;
	if (sql_run(s, e, sql_master_put, "ito", m->rec, m->filename,
		(int)m->has_created, m->created_ms) == -1 ||
	    resources_put(before, s, m->rec, !has, m->res, m->nres, e) == -1 ||
	    assets_follow(s, m->rec, e) == -1 ||
	    refresh(s, m->rec, before, e) == -1)
		goto out;
	rc = 0;
out:
	free(filename);
	return tx_end(s, own, rc, e);
}

/* ---- assets ---- */

/*
 * What is fetched first has the smallest number: Recently Deleted by date of
 * expiry, those without one last; then the newest added.
 */
static int64_t
want_of(const struct store_asset *a)
{
	const int64_t half = INT64_C(1) << 60, most = INT64_C(1) << 52;
	int64_t ms;

	if (a->trashed) {
		ms = a->has_expunged ? a->expunged_ms : most;
		ms = ms > most ? most : ms < -most ? -most : ms;
		return ms - half;
	}
	ms = a->has_added ? a->added_ms : a->has_taken ? a->taken_ms : -most;
	ms = ms > most ? most : ms < -most ? -most : ms;
	return half - ms;
}

struct asset_row {
	bool present;
	int64_t master, flags, want, month;
	char *title; /* owned */
};

static const char sql_asset_get[] =
    "SELECT master, flags, want, month, title FROM asset WHERE rec = ?1";
static const char sql_asset_put[] =
    "INSERT INTO asset(rec, zone, master, flags, want, lacks, month,"
    " taken_ms, added_ms, offset_s, expunged_ms, title, burst, dated,"
    " dated_alone)"
    " VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    " ON CONFLICT(rec) DO UPDATE SET zone = ?2, master = ?3, flags = ?4,"
    " want = ?5, month = ?6, taken_ms = ?7, added_ms = ?8, offset_s = ?9,"
    " expunged_ms = ?10, title = ?11, burst = ?12, dated = ?13,"
    " dated_alone = ?14";
static const char sql_asset_flags[] =
    "UPDATE asset SET flags = ?2 WHERE rec = ?1";

static int
asset_get(struct asset_row *out, struct store *s, int64_t rec, struct err *e)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_first(s, e, sql_asset_get, "i>iiiit", rec, &out->master,
	    &out->flags, &out->want, &out->month, &out->title);
	out->present = rc == 0;
	return rc == -1 ? -1 : 0;
}

int
asset_master(int64_t *master, struct store *s, int64_t asset, struct err *e)
{
	struct asset_row a;

	*master = 0;
	if (asset_get(&a, s, asset, e) == -1)
		return -1;
	*master = a.master;
	free(a.title);
	return 0;
}

/* Each change of existence, trash, hidden and name is a row of history (of the
 * master: store_asset_put()). */
static int
asset_events(struct store *s, const struct asset_row *old,
    const struct store_asset *a, int64_t flags, struct err *e)
{
	int64_t was = old->flags;

	if (!old->present)
		return event_add(s, a->rec, EVENT_NEW, NULL, e);
	if ((was & ASSET_GONE) &&
	    event_add(s, a->rec, EVENT_BACK, NULL, e) == -1)
		return -1;
	if (((was ^ flags) & ASSET_TRASHED) &&
	    event_add(s, a->rec,
		flags & ASSET_TRASHED ? EVENT_TRASHED : EVENT_UNTRASHED, NULL,
		e) == -1)
		return -1;
	if (((was ^ flags) & ASSET_HIDDEN) &&
	    event_add(s, a->rec,
		flags & ASSET_HIDDEN ? EVENT_HIDDEN : EVENT_UNHIDDEN, NULL,
		e) == -1)
		return -1;
	if (!same_text(old->title, a->title))
		return event_add(s, a->rec, EVENT_NAME, old->title, e);
	return 0;
}

/* What was written down until now: before the row is what it becomes. */
static int
months_before(struct store *s, const struct asset_row *old,
    const struct store_asset *a, int64_t master, struct err *e)
{
	bool lonely = false;

	if (old->present && months_of_asset(s, a->rec, e) == -1)
		return -1;
	if (old->present && old->month != a->month &&
	    month_left(s, old->month, e) == -1)
		return -1;
	/* Until now its master was among those without an asset. */
	if (master != 0 && master != old->master &&
	    is_lonely(&lonely, s, master, e) == -1)
		return -1;
	return lonely ? month_left(s, MONTH_ALBUMS, e) : 0;
}

/* And what is from now on. */
static int
months_after(struct store *s, const struct asset_row *old,
    const struct store_asset *a, int64_t master, struct err *e)
{
	bool lonely = false;

	if (months_of_asset(s, a->rec, e) == -1)
		return -1;
	if (old->master != 0 && old->master != master &&
	    is_lonely(&lonely, s, old->master, e) == -1)
		return -1;
	return lonely ? month_changed(s, MONTH_ALBUMS, e) : 0;
}

static const char sql_master_date[] =
    "SELECT created_ms FROM master WHERE rec = ?1 AND created_ms IS NOT NULL";

/* What is known of its master already comes before any date but its own. */
static int
date_by_master(
    struct store_asset *a, struct store *s, int64_t master, struct err *e)
{
	int64_t created;
	int rc;

	if (a->dated == STORE_DATE_ASSET)
		return 0;
	rc = sql_first(s, e, sql_master_date, "i>i", master, &created);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	a->dated = STORE_DATE_MASTER;
	a->has_taken = true;
	a->taken_ms = created;
	a->month = civil_month(created, a->has_offset ? a->offset_s : 0);
	return 0;
}

int
store_asset_put(
    struct store *s, const struct store_asset *as_read, struct err *e)
{
	struct store_asset dated = *as_read;
	const struct store_asset *a = &dated;
	int64_t before[ROLES], master = 0, flags = 0, want = want_of(as_read);
	struct asset_row old;
	bool own;
	int rc = -1;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	if (asset_get(&old, s, a->rec, e) == -1)
		goto out;
	if (a->master != NULL &&
	    record_place(&master, s, a->zone, a->master, STORE_MASTER, e) == -1)
		goto out;
	if (date_by_master(&dated, s, master, e) == -1)
		goto out;
	flags |= a->hidden ? ASSET_HIDDEN : 0;
	flags |= a->trashed ? ASSET_TRASHED : 0;
	flags |= a->favourite ? ASSET_FAVOURITE : 0;
	if (months_before(s, &old, a, master, e) == -1)
		goto out;
	if (old.present && old.master != master &&
	    event_add_named(s, a->rec, EVENT_MASTER, old.master, e) == -1)
		goto out;
	if (asset_events(s, &old, a, flags, e) == -1 ||
	    sql_run(s, e, sql_asset_put, "iioiidoooottdd", a->rec, a->zone,
		master != 0, master, flags, want, a->month, (int)a->has_taken,
		a->taken_ms, (int)a->has_added, a->added_ms, (int)a->has_offset,
		a->offset_s, (int)a->has_expunged, a->expunged_ms, a->title,
		a->burst, (int)a->dated, (int)as_read->dated) == -1 ||
	    resources_put(
		before, s, a->rec, !old.present, a->res, a->nres, e) == -1 ||
	    set_lacks(s, a->rec, e) == -1 ||
	    refresh(s, a->rec, before, e) == -1)
		goto out;
	if (old.master != 0 && old.master != master &&
	    content_refresh_of(s, old.master, e) == -1)
		goto out;
	/* The asset's record is changed, so its master's failures are old. */
	if (master != 0 &&
	    ((old.present && content_reset_of(s, master, e) == -1) ||
		content_refresh_of(s, master, e) == -1))
		goto out;
	rc = months_after(s, &old, a, master, e);
out:
	free(old.title);
	return tx_end(s, own, rc, e);
}

/* Set or clear flags that say whether an asset is in the cloud. */
static int
asset_live(
    struct store *s, int64_t rec, int64_t clear, int64_t set, struct err *e)
{
	struct asset_row a;

	if (asset_get(&a, s, rec, e) == -1)
		return -1;
	free(a.title);
	if (!a.present)
		return 0;
	if (sql_run(s, e, sql_asset_flags, "ii", rec,
		(a.flags & ~clear) | set) == -1 ||
	    content_refresh_of(s, rec, e) == -1 ||
	    (a.master != 0 && content_refresh_of(s, a.master, e) == -1))
		return -1;
	return months_of_asset(s, rec, e);
}

int
asset_gone(struct store *s, int64_t rec, struct err *e)
{
	if (event_add(s, rec, EVENT_GONE, NULL, e) == -1)
		return -1;
	return asset_live(s, rec, 0, ASSET_GONE, e);
}

static const char sql_lacking[] =
    "SELECT DISTINCT n.name FROM asset a JOIN record n ON n.rec = a.master"
    " WHERE a.lacks = 1 AND a.zone = ?1 AND a.flags & 24 = 0";

int
store_masters_lacking(struct store *s, int64_t zone,
    void (*each)(void *, const char *name), void *arg, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_lacking, "i", zone) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1)
		each(arg, sql_text(st, 0));
	return rc;
}

/* On from the last row: its index of zones would sort all of them each time. */
static const char sql_assets_of_zone[] =
    "SELECT rec FROM asset NOT INDEXED WHERE rec > ?2 AND zone = ?1"
    " ORDER BY rec LIMIT 1";

int
assets_of_zone(struct store *s, int64_t zone, bool gone, struct err *e)
{
	int64_t rec = 0;
	int rc;

	while ((rc = sql_first(
		    s, e, sql_assets_of_zone, "ii>i", zone, rec, &rec)) == 0) {
		if (asset_live(s, rec, gone ? 0 : ASSET_NO_ZONE,
			gone ? ASSET_NO_ZONE : 0, e) == -1)
			return -1;
	}
	return rc == 1 ? 0 : -1;
}
