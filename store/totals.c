#include "store_p.h"

/* Totals, from counts that the catalogue keeps (schema.c). */

static const char sql_assets[] = "SELECT flags, n FROM asset_count";
static const char sql_contents[] =
    "SELECT live, state, n, bytes FROM content_count";
static const char sql_known_bad[] =
    "SELECT c.live, c.state, count(*), total(c.bytes)"
    " FROM file f INDEXED BY file_damaged"
    " JOIN content c ON c.content = f.content"
    " WHERE f.damage <> 0 AND f.state + f.mend > 0 GROUP BY c.live, c.state";
static const char sql_albums[] =
    "SELECT count(*) FROM album a JOIN record r ON r.rec = a.rec"
    " WHERE NOT a.trashed AND r.gone_run IS NULL";
static const char sql_others[] = "SELECT ifnull(sum(count), 0) FROM other";
static const char sql_gaps[] = "SELECT count(*), total(first_run = ?1) FROM gap"
			       " WHERE closed_run IS NULL";
static const char sql_gap_contents[] =
    "SELECT count(*) FROM gap g JOIN content c ON c.content = g.content"
    " WHERE g.closed_run IS NULL AND g.rec = 0 AND c.live = 1"
    "  AND c.state = 0";

static int
add_assets(struct store_totals *t, struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_assets, "") == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		int64_t flags = sqlite3_column_int64(st, 0);
		int64_t n = sqlite3_column_int64(st, 1);

		if (flags & ASSET_NOT_LIVE)
			continue;
		t->assets += n;
		t->hidden += flags & ASSET_HIDDEN ? n : 0;
		t->trashed += flags & ASSET_TRASHED ? n : 0;
	}
	return rc;
}

static int
add_contents(struct store_totals *t, struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_contents, "") == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		int live = sqlite3_column_int(st, 0);
		int state = sqlite3_column_int(st, 1);
		int64_t n = sqlite3_column_int64(st, 2);
		int64_t bytes = sqlite3_column_int64(st, 3);

		if (state != 0) {
			t->files += n;
			t->file_bytes += bytes;
		}
		if (live == LIVE_GONE) {
			*(state != 0 ? &t->gone_kept : &t->gone_unfetched) += n;
			continue;
		}
		if (live != LIVE_NOW)
			continue;
		t->resources += n;
		t->resource_bytes += bytes;
		if (state == 0) {
			t->missing += n;
			t->missing_bytes += bytes;
			continue;
		}
		t->held += n;
		t->held_bytes += bytes;
		*(state == STORE_STATE_PROVEN ? &t->proven
					      : &t->size_verified) += n;
	}
	return rc;
}

/* What is known to be damaged is not held, whatever its row says. */
static int
take_damaged(struct store_totals *t, struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_known_bad, "") == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		int live = sqlite3_column_int(st, 0);
		int state = sqlite3_column_int(st, 1);
		int64_t n = sqlite3_column_int64(st, 2);

		if (state == 0) {
			t->mending += n;
			continue;
		}
		t->damaged += n;
		if (live != LIVE_NOW) {
			t->damaged_gone += n;
			t->gone_kept -= live == LIVE_GONE ? n : 0;
			continue;
		}
		t->held -= n;
		t->held_bytes -= sqlite3_column_int64(st, 3);
		*(state == STORE_STATE_PROVEN ? &t->proven
					      : &t->size_verified) -= n;
	}
	return rc;
}

int
store_totals(struct store_totals *out, struct store *s, struct err *e)
{
	struct store_totals t = {0};
	int64_t run;

	if (run_now(&run, s, e) == -1 || add_assets(&t, s, e) == -1 ||
	    add_contents(&t, s, e) == -1 || take_damaged(&t, s, e) == -1 ||
	    sql_first(s, e, sql_albums, ">i", &t.albums) != 0 ||
	    sql_first(s, e, sql_others, ">i", &t.other_records) != 0 ||
	    sql_first(s, e, sql_gap_contents, ">i", &t.gap_contents) != 0 ||
	    sql_first(s, e, sql_gaps, "i>ii", run, &t.gaps, &t.gaps_new) != 0)
		return -1;
	*out = t;
	return 0;
}
