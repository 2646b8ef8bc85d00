#include "store_p.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Contents: bytes that somebody in the cloud has.  content.want is the order
 * of what is to fetch, kept with every change of the records, so that the
 * next wants are the first rows of an index.
 */

static const char sql_find[] =
    "SELECT content FROM content WHERE checksum = ?1 AND (size = ?2 OR ?3)"
    " ORDER BY state = 0, size <> ?2, content LIMIT 1";
static const char sql_add[] =
    "INSERT INTO content(checksum, size, bytes) VALUES(?1, ?2, max(?2, 0))";

int
content_put(int64_t *content, struct store *s, bool sure,
    const uint8_t *checksum, size_t len, int64_t size_bytes, struct err *e)
{
	int64_t size = size_bytes < 0 ? -1 : size_bytes;
	int rc = sql_first(
	    s, e, sql_find, "bid>i", checksum, len, size, (int)sure, content);

	if (rc != 1)
		return rc;
	if (sql_run(s, e, sql_add, "bi", checksum, len, size) == -1)
		return -1;
	*content = sqlite3_last_insert_rowid(s->db);
	return 0;
}

/* The first of the assets in the cloud that have it: ASSET_NOT_LIVE is 24. */
static const char sql_first_want[] =
    "SELECT min(want) FROM ("
    " SELECT a.want FROM resource r JOIN asset a ON a.rec = r.rec"
    "  WHERE r.content = ?1 AND a.flags & 24 = 0"
    " UNION ALL"
    " SELECT a.want FROM resource r JOIN asset a ON a.master = r.rec"
    "  WHERE r.content = ?1 AND a.flags & 24 = 0)";
static const char sql_set_want[] =
    "UPDATE content SET want = CASE WHEN state = 0 THEN ?2 END, live = ?3"
    " WHERE content = ?1";
static const char sql_get_want[] =
    "SELECT state, live, want FROM content WHERE content = ?1";

int
content_refresh(struct store *s, int64_t content, struct err *e)
{
	bool wanted = false, was_wanted = false;
	int64_t want = 0, was = 0;
	int state = 0, live = LIVE_NEVER, now;

	if (sql_first(s, e, sql_first_want, "i>o", content, &wanted, &want) ==
		-1 ||
	    sql_first(s, e, sql_get_want, "i>ddo", content, &state, &live,
		&was_wanted, &was) == -1)
		return -1;
	now = wanted ? LIVE_NOW : live == LIVE_NEVER ? LIVE_NEVER : LIVE_GONE;
	/* What is left of a file that was to be mended is what there is. */
	if (state == 0 && now == LIVE_GONE && live == LIVE_NOW &&
	    mend_give_up(s, content, e) == -1)
		return -1;
	if (state != 0)
		wanted = false;
	if (now == live && wanted == was_wanted && (!wanted || want == was))
		return 0;
	if (wanted && s->has_position &&
	    (want < s->position_want ||
		(want == s->position_want && content <= s->position_content))) {
		/* Before where the run is: it goes back for it. */
		s->position_want = want;
		s->position_content = content - 1;
	}
	return sql_run(
	    s, e, sql_set_want, "iod", content, (int)wanted, want, now);
}

static const char sql_of_record[] =
    "SELECT content FROM resource WHERE rec = ?1 AND content IS NOT NULL";

int
content_refresh_of(struct store *s, int64_t rec, struct err *e)
{
	int64_t contents[ROLES];
	sqlite3_stmt *st;
	int n = 0, i, rc;

	if (sql_open(&st, s, e, sql_of_record, "i", rec) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		assert(n < ROLES);
		contents[n++] = sqlite3_column_int64(st, 0);
	}
	for (i = 0; rc == 0 && i < n; i++)
		rc = content_refresh(s, contents[i], e);
	return rc;
}

static const char sql_reset[] =
    "UPDATE content SET" FORGET_FAILURE " WHERE content IN"
    " (SELECT content FROM resource WHERE rec = ?1)"
    " AND (failure IS NOT NULL OR failures > 0)";

int
content_reset_of(struct store *s, int64_t rec, struct err *e)
{
	return sql_run(s, e, sql_reset, "i", rec);
}

/* ---- wants ---- */

void
wants_begin(struct store *s)
{
	if (s->given_bytes > 0)
		memset(s->given, 0, s->given_bytes);
	s->has_position = false;
	memset(&s->filter, 0, sizeof(s->filter));
}

static bool
is_given(const struct store *s, int64_t content)
{
	size_t at = (size_t)content / 8;

	return at < s->given_bytes && (s->given[at] >> (content % 8) & 1);
}

static void
set_given(struct store *s, int64_t content)
{
	size_t at = (size_t)content / 8, now = s->given_bytes;

	if (at >= now) {
		size_t grown = at + at / 2 + 4096;

		s->given = xrealloc(s->given, grown);
		memset(s->given + now, 0, grown - now);
		s->given_bytes = grown;
	}
	s->given[at] |= (uint8_t)(1u << content % 8);
}

void
want_again(struct store *s, int64_t content)
{
	if (is_given(s, content))
		s->given[content / 8] &= (uint8_t) ~(1U << content % 8);
}

static const char sql_again[] =
    "SELECT content FROM content WHERE want IS NOT NULL"
    " AND (failure IS NULL OR failure = 6)";

int
store_wants_again(struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_again, "") == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1)
		want_again(s, sqlite3_column_int64(st, 0));
	s->has_position = false;
	return rc;
}

void
store_wants_listing(struct store *s, bool goes_on)
{
	if (s->listing && !goes_on)
		s->has_position = false; /* back to what had to wait */
	s->listing = goes_on;
}

void
store_want_clear(struct store_want *w)
{
	free(w->record);
	free(w->asset_name);
	free(w->filename);
	free(w->uti);
	memset(w, 0, sizeof(*w));
}

/* The first of the assets in the cloud that have it, by its own record or by
 * its master's; filtered or not, so that names are what they would be. */
static const char sql_carrier[] =
    "SELECT x.zone, n.name, x.role, x.uti, x.rec, an.name, m.filename,"
    " x.taken_ms, x.offset_s, x.flags, m.rec IS NULL FROM ("
    " SELECT a.zone, r.rec AS carrier, r.role AS role, r.uti, a.rec AS rec,"
    "  a.master, a.want AS want, a.taken_ms, a.offset_s, a.flags"
    "  FROM resource r JOIN asset a ON a.rec = r.rec"
    "  WHERE r.content = ?1 AND a.flags & 24 = 0"
    " UNION ALL"
    " SELECT a.zone, r.rec, r.role, r.uti, a.rec, a.master, a.want,"
    "  a.taken_ms, a.offset_s, a.flags"
    "  FROM resource r JOIN asset a ON a.master = r.rec"
    "  WHERE r.content = ?1 AND a.flags & 24 = 0"
    " ORDER BY want, rec, role LIMIT 1) x"
    " JOIN record n ON n.rec = x.carrier JOIN record an ON an.rec = x.rec"
    " LEFT JOIN master m ON m.rec = x.master";

/* Does the filter q let somebody have content c?  What was here and is to be
 * mended is let by every filter. */
#define LET                                                                    \
	" (EXISTS(SELECT 1 FROM file f"                                        \
	"  WHERE f.content = c.content AND f.mend <> 0)"                       \
	" OR NOT q.mend AND"                                                   \
	" (EXISTS(SELECT 1 FROM resource r JOIN asset a ON a.rec = r.rec"      \
	"  WHERE r.content = c.content AND" FILTER_LETS ")"                    \
	" OR EXISTS(SELECT 1 FROM resource r JOIN asset a ON a.master = r.rec" \
	"  WHERE r.content = c.content AND" FILTER_LETS "))) AS let"

static const char sql_let[] =
    "SELECT" LET " FROM temp.filter q CROSS JOIN content c"
    " WHERE c.content = ?1";

int
content_is_let(int *let, struct store *s, int64_t content, struct err *e)
{
	*let = 1;
	return filter_is_none(&s->filter_used)
	    ? 0
	    : sql_first(s, e, sql_let, "i>d", content, let);
}

static const char sql_next_wants[] =
    "SELECT content, want FROM content WHERE want IS NOT NULL"
    " AND (want, content) > (?1, ?2)"
    " AND (not_before_ms IS NULL OR not_before_ms <= ?3)"
    " ORDER BY want, content LIMIT 64";
static const char sql_want_content[] =
    "SELECT checksum, size, failures FROM content WHERE content = ?1";

/* Fill out; 1 if the filter leaves it out, or it has to wait. */
static int
want_fill(
    struct store_want *out, struct store *s, int64_t content, struct err *e)
{
	int64_t failures = 0, flags = 0;
	int rc, let, lonely = 0;

	memset(out, 0, sizeof(*out));
	if (content_is_let(&let, s, content, e) == -1)
		return -1;
	if (!let)
		return 1;
	rc = sql_first(s, e, sql_carrier, "i>itdtittooid", content, &out->zone,
	    &out->record, &out->role, &out->uti, &out->asset, &out->asset_name,
	    &out->filename, &out->has_taken, &out->taken_ms, &out->has_offset,
	    &out->offset_s, &flags, &lonely);
	if (rc == 0 && lonely && s->listing) {
		store_want_clear(out);
		return 1;
	}
	if (rc != 0)
		return rc;
	rc = sql_first(s, e, sql_want_content, "i>bii", content, out->checksum,
	    &out->checksum_len, &out->size_bytes, &failures);
	if (rc != 0) {
		store_want_clear(out);
		return -1;
	}
	out->content = content;
	out->failures = (unsigned)failures;
	out->trashed = (flags & ASSET_TRASHED) != 0;
	out->hidden = (flags & ASSET_HIDDEN) != 0;
	return 0;
}

int
store_wants(struct store_want *out, size_t max, size_t *n, struct store *s,
    const struct store_filter *f, int64_t now_ms, struct err *e)
{
	struct {
		int64_t content, want;
	} page[64];
	sqlite3_stmt *st;
	int i, got, rc = -1;

	*n = 0;
	if (!s->has_position || !filter_is_same(f, &s->filter)) {
		if (filter_use(s, f, e) == -1)
			goto out;
		s->filter = *f;
		s->has_position = true;
		s->position_want = INT64_MIN;
		s->position_content = 0;
	} else if (!filter_is_same(f, &s->filter_used) &&
	    filter_use(s, f, e) == -1)
		goto out;
	do {
		got = 0;
		if (sql_open(&st, s, e, sql_next_wants, "iii", s->position_want,
			s->position_content, now_ms) == -1)
			goto out;
		while ((rc = sql_row(s, st, e)) == 1) {
			page[got].content = sqlite3_column_int64(st, 0);
			page[got++].want = sqlite3_column_int64(st, 1);
		}
		for (i = 0; rc == 0 && i < got && *n < max; i++) {
			s->position_want = page[i].want;
			s->position_content = page[i].content;
			if (is_given(s, page[i].content))
				continue;
			rc = want_fill(&out[*n], s, page[i].content, e);
			if (rc == 0) {
				set_given(s, page[i].content);
				(*n)++;
			} else if (rc == 1)
				rc = 0;
		}
		if (rc != 0)
			goto out;
	} while (got > 0 && *n < max);
	rc = 0;
out:
	while (rc != 0 && *n > 0)
		store_want_clear(&out[--*n]);
	return rc;
}

/* Without a filter: all but those that are put off. */
static const char sql_forecast_all[] =
    "SELECT c.n - p.n, c.bytes - p.bytes, p.n, 0 FROM"
    " (SELECT ifnull(sum(n), 0) AS n, ifnull(sum(bytes), 0) AS bytes"
    "  FROM content_count WHERE live = 1 AND state = 0) c,"
    " (SELECT count(*) AS n, ifnull(sum(bytes), 0) AS bytes FROM content"
    "  WHERE failure IS NOT NULL AND want IS NOT NULL"
    "  AND not_before_ms > ?1) p";
/* The limit keeps the inner query whole: let is asked once for each row. */
static const char sql_forecast[] =
    "SELECT total(due AND let), total(CASE WHEN due AND let THEN bytes END),"
    " total(NOT due AND let), total(NOT let) FROM (SELECT c.bytes,"
    " c.not_before_ms IS NULL OR c.not_before_ms <= ?1 AS due," LET
    " FROM temp.filter q CROSS JOIN content c WHERE c.want IS NOT NULL"
    " LIMIT -1)";

int
store_forecast(struct store_forecast *out, struct store *s,
    const struct store_filter *f, int64_t now_ms, struct err *e)
{
	const char *sql;
	int rc;

	memset(out, 0, sizeof(*out));
	if (filter_use(s, f, e) == -1)
		return -1;
	sql = filter_is_none(f) ? sql_forecast_all : sql_forecast;
	rc = sql_first(s, e, sql, "i>iiii", now_ms, &out->files, &out->bytes,
	    &out->later, &out->filtered);
	return rc == 0 ? 0 : -1;
}

static const char sql_left_all[] =
    "SELECT 0, 0,"
    " (SELECT total(n) FROM content_count WHERE live = 1 AND state = 0) -"
    " (SELECT count(*) FROM gap g JOIN content c ON c.content = g.content"
    "  WHERE g.closed_run IS NULL AND g.rec = 0 AND c.live = 1"
    "   AND c.state = 0)";
static const char sql_left[] =
    "SELECT total(NOT let), total(CASE WHEN NOT let THEN bytes END),"
    " total(let AND NOT gap) FROM (SELECT c.bytes,"
    " EXISTS(SELECT 1 FROM gap g WHERE g.rec = 0 AND g.content = c.content"
    "  AND g.closed_run IS NULL) AS gap," LET
    " FROM temp.filter q CROSS JOIN content c WHERE c.want IS NOT NULL"
    " LIMIT -1)";

int
store_left(struct store_left *out, struct store *s,
    const struct store_filter *f, struct err *e)
{
	const char *sql;
	int rc;

	memset(out, 0, sizeof(*out));
	if (filter_use(s, f, e) == -1)
		return -1;
	sql = filter_is_none(f) ? sql_left_all : sql_left;
	rc = sql_first(s, e, sql, ">iii", &out->filtered, &out->filtered_bytes,
	    &out->open);
	return rc == 0 ? 0 : -1;
}

static const char sql_failed[] =
    "UPDATE content SET failures = failures + 1, failure = ?2, detail = ?3,"
    " not_before_ms = ?4 WHERE content = ?1 AND state = 0";

int
store_want_failed(struct store *s, int64_t content, enum store_failure why,
    const char *detail, int64_t not_before_ms, struct err *e)
{
	/* Not to be had: it stays what it is, damaged, and no gap. */
	if (why != STORE_FAILED && why != STORE_VANISHED &&
	    mend_give_up(s, content, e) == -1)
		return -1;
	return sql_run(s, e, sql_failed, "idto", content, (int)why, detail,
	    not_before_ms != 0, not_before_ms);
}
