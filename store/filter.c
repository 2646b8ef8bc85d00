#include "store_p.h"

#include <string.h>

#include "civil.h"

/*
 * What a filter leaves out of fetching.  It lies in temporary tables, so that
 * one statement asks for every kind of filter, and asks nothing of an array.
 */

static const char sql_tables[] =
    "CREATE TEMP TABLE filter("
    "  flags INTEGER," /* an asset with one of these is left out */
    "  roles INTEGER,"
    "  zones INTEGER," /* is filter_zone asked? */
    "  albums INTEGER,"
    "  types INTEGER," /* is filter_skips() asked? */
    "  mend INTEGER,"  /* only what is to be mended? */
    "  since INTEGER,"
    "  until INTEGER,"
    "  want INTEGER," /* of the last of the newest; NULL: all */
    "  rec INTEGER"
    ");"
    "CREATE TEMP TABLE filter_zone(zone INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE filter_album(album INTEGER PRIMARY KEY);";
static const char sql_clear[] = "DELETE FROM temp.filter;"
				"DELETE FROM temp.filter_zone;"
				"DELETE FROM temp.filter_album;";
static const char sql_set[] =
    "INSERT INTO temp.filter(flags, roles, zones, albums, types, since,"
    " until, want, rec, mend)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
static const char sql_zone[] =
    "INSERT OR IGNORE INTO temp.filter_zone(zone) VALUES(?1)";
static const char sql_album[] =
    "INSERT OR IGNORE INTO temp.filter_album(album) VALUES(?1)";
/* asset.want is the order in which they were added: want_of(). */
static const char sql_recent[] =
    "SELECT want, rec FROM asset WHERE flags & 26 = 0"
    " ORDER BY want, rec LIMIT 1 OFFSET ?1";

bool
filter_is_none(const struct store_filter *f)
{
	return f->skip_roles == 0 && !f->skip_hidden && !f->skip_trashed &&
	    f->nzones == 0 && f->nalbums == 0 && !f->has_since &&
	    !f->has_until && f->recent == 0 && f->skips == NULL && !f->mend;
}

bool
filter_is_same(const struct store_filter *a, const struct store_filter *b)
{
	return a->skip_roles == b->skip_roles &&
	    a->skip_hidden == b->skip_hidden &&
	    a->skip_trashed == b->skip_trashed && a->zones == b->zones &&
	    a->nzones == b->nzones && a->albums == b->albums &&
	    a->nalbums == b->nalbums && a->has_since == b->has_since &&
	    a->has_until == b->has_until && a->since_ms == b->since_ms &&
	    a->until_ms == b->until_ms && a->recent == b->recent &&
	    a->skips == b->skips && a->kinds == b->kinds && a->mend == b->mend;
}

static const char *
text_of(sqlite3_value *v)
{
	return (const char *)sqlite3_value_text(v);
}

/* filter_skips(role, uti, uti of the original) */
static void
skips(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	const struct store *s = sqlite3_user_data(ctx);
	const struct store_filter *f = &s->filter_used;

	(void)n;
	sqlite3_result_int(ctx,
	    f->skips != NULL &&
		f->skips(f->kinds, sqlite3_value_int(v[0]), text_of(v[1]),
		    text_of(v[2])));
}

static int
make_tables(struct store *s, struct err *e)
{
	if (s->has_filter_tables)
		return 0;
	if (sqlite3_create_function_v2(s->db, "filter_skips", 3, SQLITE_UTF8, s,
		skips, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(s, e);
	if (sql_exec(s, sql_tables, e) == -1)
		return -1;
	s->has_filter_tables = true;
	return 0;
}

static int
fill(
    struct store *s, const char *sql, const int64_t *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (sql_run(s, e, sql, "i", v[i]) == -1)
			return -1;
	return 0;
}

int
filter_use(struct store *s, const struct store_filter *f, struct err *e)
{
	int64_t flags = ASSET_NOT_LIVE, want = 0, rec = 0;
	/* An absurd date lies in no span. */
	bool dated = f->has_since || f->has_until, own;
	int64_t since = f->has_since && f->since_ms > CIVIL_TAKEN_FIRST
	    ? f->since_ms
	    : CIVIL_TAKEN_FIRST;
	int64_t until = f->has_until && f->until_ms < CIVIL_TAKEN_END
	    ? f->until_ms
	    : CIVIL_TAKEN_END;
	int rc = 1;

	/* Anew: what is listed may have changed since it was used. */
	s->filter_used = *f;
	if (filter_is_none(f))
		return 0;
	if (make_tables(s, e) == -1 || tx_begin(&own, s, e) == -1)
		return -1;
	flags |= f->skip_hidden ? ASSET_HIDDEN : 0;
	flags |= f->skip_trashed || f->recent > 0 ? ASSET_TRASHED : 0;
	if (f->recent > 0)
		rc = sql_first(
		    s, e, sql_recent, "i>ii", f->recent - 1, &want, &rec);
	if (rc != -1 &&
	    (sql_exec(s, sql_clear, e) == -1 ||
		sql_run(s, e, sql_set, "iidddooood", flags,
		    (int64_t)f->skip_roles, (int)(f->nzones > 0),
		    (int)(f->nalbums > 0), (int)(f->skips != NULL), (int)dated,
		    since, (int)dated, until, (int)(rc == 0), want,
		    (int)(rc == 0), rec, (int)f->mend) == -1 ||
		fill(s, sql_zone, f->zones, f->nzones, e) == -1 ||
		fill(s, sql_album, f->albums, f->nalbums, e) == -1))
		rc = -1;
	return tx_end(s, own, rc == -1 ? -1 : 0, e);
}
