#include "store_p.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"

/*
 * The witness: what Apple's indexes list and state, compared with what the feed
 * has brought (docs/design.md, "The proof of completeness").
 */

#define PROOF_DAYS 30
/* More missing than this is not counted asset by asset. */
#define COUNT_MAX 50000

/* ---- when ---- */

static const char sql_due[] = "SELECT due_ms FROM zone WHERE zone = ?1";

int
store_witness_due(
    bool *due, struct store *s, int64_t zone, int64_t now_ms, struct err *e)
{
	int64_t due_ms = 0;

	if (sql_first(s, e, sql_due, "i>i", zone, &due_ms) == -1)
		return -1;
	/* Further away than it was ever set: the clock was set back. */
	*due = due_ms <= now_ms || due_ms - now_ms > PROOF_DAYS * CIVIL_DAY_MS;
	return 0;
}

static const char sql_unproven[] = "SELECT unproven FROM zone WHERE zone = ?1";
static const char sql_put_off[] =
    "UPDATE zone SET unproven = ?2, due_ms = ?3 WHERE zone = ?1";

/* After a day, then two, four, up to thirty. */
static int
put_off(struct store *s, int64_t zone, int64_t now_ms, struct err *e)
{
	int64_t unproven = 0, days = 1;

	if (sql_first(s, e, sql_unproven, "i>i", zone, &unproven) == -1)
		return -1;
	for (int64_t i = 0; i < unproven && days < PROOF_DAYS; i++)
		days *= 2;
	if (days > PROOF_DAYS)
		days = PROOF_DAYS;
	return sql_run(s, e, sql_put_off, "iii", zone, unproven + 1,
	    now_ms + days * CIVIL_DAY_MS);
}

int
store_witness_failed(
    struct store *s, int64_t zone, int64_t now_ms, struct err *e)
{
	bool own;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	return tx_end(s, own, put_off(s, zone, now_ms, e), e);
}

static const char sql_begin[] =
    "UPDATE zone SET witness = witness + 1 WHERE zone = ?1";
static const char sql_number[] = "SELECT witness FROM zone WHERE zone = ?1";
/* Of walks that were not ended; what the last whole one found still counts. */
static const char sql_forget_walks[] =
    "DELETE FROM difference WHERE zone = ?1"
    " AND witness <> (SELECT z.proof FROM zone z WHERE z.zone = ?1)";

int
store_witness_begin(
    int64_t *witness, struct store *s, int64_t zone, struct err *e)
{
	bool own;
	int rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_run(s, e, sql_begin, "i", zone);
	if (rc == 0)
		rc = sql_run(s, e, sql_forget_walks, "i", zone);
	if (rc == 0 && sql_first(s, e, sql_number, "i>i", zone, witness) != 0)
		rc = -1;
	return tx_end(s, own, rc, e);
}

/* ---- what was seen ---- */

static const char sql_asset_of[] =
    "SELECT a.rec, a.seen FROM record r JOIN asset a ON a.rec = r.rec"
    " WHERE r.zone = ?1 AND r.name = ?2";
static const char sql_mark[] = "UPDATE asset SET seen = ?2 WHERE rec = ?1";
static const char sql_difference[] =
    "INSERT INTO difference(zone, name, witness, side, answer)"
    " VALUES(?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT(zone, name, witness) DO UPDATE SET side = ?4, answer = ?5"
    "  WHERE side <> ?4 OR answer <> ?5";

int
store_witness_name(struct store *s, int64_t zone, const char *name,
    int64_t witness, struct err *e)
{
	int64_t rec = 0, seen = 0;
	int rc;
	bool own;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_first(s, e, sql_asset_of, "it>ii", zone, name, &rec, &seen);
	if (rc == 1)
		rc = sql_run(s, e, sql_difference, "itidd", zone, name, witness,
		    (int)STORE_ONLY_INDEX, (int)STORE_UNANSWERED);
	else if (rc == 0 && seen != witness)
		rc = sql_run(s, e, sql_mark, "ii", rec, witness);
	return tx_end(s, own, rc, e);
}

/* Flags: 8 gone, 16 its zone has left. */
static const char sql_only_index[] =
    "SELECT d.name FROM difference d"
    " WHERE d.zone = ?1 AND d.witness = ?2 AND d.side = 1 AND d.answer = 0"
    "  AND d.name > ?3 AND NOT EXISTS(SELECT 1 FROM record r"
    "   JOIN asset a ON a.rec = r.rec WHERE r.zone = ?1 AND r.name = d.name"
    "   AND r.index_only = 0 AND a.flags & 8 = 0)"
    " UNION "
    "SELECT r.name FROM asset a JOIN record r ON r.rec = a.rec"
    " WHERE a.zone = ?1 AND a.seen = ?2 AND r.name > ?3"
    "  AND (r.index_only <> 0 OR a.flags & 8 <> 0)"
    "  AND NOT EXISTS(SELECT 1 FROM difference d WHERE d.zone = ?1"
    "   AND d.name = r.name AND d.witness = ?2 AND d.answer <> 0)"
    " ORDER BY 1 LIMIT ?4";
static const char sql_only_feed[] =
    "SELECT r.name FROM record r CROSS JOIN asset a ON a.rec = r.rec"
    " WHERE r.zone = ?1 AND a.flags & 24 = 0 AND a.seen <> ?2"
    "  AND r.name > ?3"
    "  AND NOT EXISTS(SELECT 1 FROM difference d WHERE d.zone = ?1"
    "   AND d.name = r.name AND d.witness = ?2 AND d.answer <> 0)"
    " ORDER BY r.name LIMIT ?4";

int
store_witness_names(char **names, size_t *n, struct store *s, int64_t zone,
    int64_t witness, enum store_side side, const char *after, struct err *e)
{
	size_t max = *n, i = 0;
	sqlite3_stmt *st;
	int rc;

	*n = 0;
	if (sql_open(&st, s, e,
		side == STORE_ONLY_INDEX ? sql_only_index : sql_only_feed,
		"iiti", zone, witness, after != NULL ? after : "",
		(int64_t)max) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1)
		names[i++] = xstrdup(sql_text(st, 0));
	if (rc == -1) {
		while (i > 0)
			free(names[--i]);
		return -1;
	}
	*n = i;
	return 0;
}

int
store_witness_answer(struct store *s, int64_t zone, int64_t witness,
    const char *name, enum store_side side, enum store_answer answer,
    struct err *e)
{
	return sql_run(s, e, sql_difference, "itidd", zone, name, witness,
	    (int)side, (int)answer);
}

/* ---- the end of a walk ---- */

/* What this witness saw of a zone, or a look-up after it found, by the state of
 * the catalogue. */
struct sight {
	int64_t visible, hidden, trashed; /* without frames of bursts that were
					     found by name alone */
	int64_t bursts;                   /* of visible: with a burst's name */
	int64_t frames[3];                /* those, visible, hidden, trashed */
	int64_t all_visible, all_hidden;  /* in the cloud, seen or not */
};

/* Flags: 1 hidden, 2 trashed. */
static const char sql_sight[] =
    "SELECT a.flags & 3, a.seen = ?2, a.burst IS NOT NULL,"
    " CASE WHEN a.seen = ?2 THEN 1 ELSE EXISTS(SELECT 1 FROM record r"
    "  JOIN difference d ON d.zone = r.zone AND d.name = r.name"
    "  WHERE r.rec = a.rec AND d.witness = ?2 AND d.answer = 1) END,"
    " count(*) FROM asset a WHERE a.zone = ?1 AND a.flags & 24 = 0"
    " GROUP BY 1, 2, 3, 4";

static int
look(struct sight *out, struct store *s, int64_t zone, int64_t witness,
    struct err *e)
{
	int64_t *const of[] = {&out->visible, &out->hidden, &out->trashed};
	sqlite3_stmt *st;
	int rc;

	memset(out, 0, sizeof(*out));
	if (sql_open(&st, s, e, sql_sight, "ii", zone, witness) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		int flags = sqlite3_column_int(st, 0);
		bool seen = sqlite3_column_int(st, 1) != 0;
		bool burst = sqlite3_column_int(st, 2) != 0;
		bool found = sqlite3_column_int(st, 3) != 0;
		int64_t n = sqlite3_column_int64(st, 4);
		int at = flags & ASSET_TRASHED ? 2
		    : flags & ASSET_HIDDEN     ? 1
					       : 0;

		if (found)
			*(burst && !seen ? &out->frames[at] : of[at]) += n;
		if (burst && seen && at == 0)
			out->bursts += n;
		out->all_visible += at == 0 ? n : 0;
		out->all_hidden += at == 1 ? n : 0;
	}
	return rc;
}

/*
 * What a number of Apple's may be: from low to high; seen is what is said
 * beside it.  Which frames of a burst are counted is not known, nor whether
 * what was hidden is, by date added; so these do not count as a difference
 * [counts].
 */
struct range {
	int64_t low, high, seen;
	bool fewer; /* fewer than that is a difference, too */
};

static struct range
range_of(enum store_stated what, const struct sight *g)
{
	int64_t low = g->visible - g->bursts;
	int64_t high = g->visible + g->frames[0];

	switch (what) {
	case STORE_STATED_ADDED:
		return (struct range){
		    low, high + g->hidden + g->frames[1], g->visible, true};
	case STORE_STATED_VISIBLE:
		return (struct range){low, high, g->visible, true};
	case STORE_STATED_HIDDEN:
		return (struct range){
		    g->hidden, g->hidden + g->frames[1], g->hidden, true};
	case STORE_STATED_TRASHED:
		return (struct range){
		    g->trashed, g->trashed + g->frames[2], g->trashed, true};
	case STORE_STATED_INFO:
		return (struct range){
		    0, g->all_visible + g->all_hidden, g->all_visible, false};
	case STORE_STATED_INFO_HIDDEN:
		return (struct range){0, g->all_hidden, g->all_hidden, false};
	case STORE_STATED_COUNT:
		break;
	}
	return (struct range){0, INT64_MAX, -1, false};
}

/* How many a number of Apple's is outside. */
static int64_t
distance(int64_t n, const struct range *r)
{
	if (n < 0)
		return 0;
	return n > r->high           ? n - r->high
	    : r->fewer && n < r->low ? r->low - n
				     : 0;
}

static const char sql_differed[] =
    "SELECT differs FROM stated WHERE zone = ?1 AND what = ?2";
/* More of it than was known is a gap of its own: store_gaps_refresh() opens it
 * anew. */
static const char sql_gap_grew[] =
    "UPDATE gap SET closed_run = ?3 WHERE rec = -?1 AND content = 1 + ?2"
    " AND closed_run IS NULL";
static const char sql_stated[] =
    "INSERT INTO stated(zone, what, stated, seen, differs)"
    " VALUES(?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT(zone, what) DO UPDATE SET stated = excluded.stated,"
    "  seen = excluded.seen, differs = excluded.differs";

static int
keep_stated(
    struct store *s, int64_t zone, const struct store_witness *w, struct err *e)
{
	struct sight sight;

	if (look(&sight, s, zone, w->witness, e) == -1)
		return -1;
	for (int i = 0; i < STORE_STATED_COUNT; i++) {
		struct range r = range_of((enum store_stated)i, &sight);
		int64_t n = w->stated[i], by = distance(n, &r), was = 0;

		if (sql_first(s, e, sql_differed, "id>i", zone, i, &was) ==
			-1 ||
		    (by > was &&
			sql_run(s, e, sql_gap_grew, "idi", zone, i, s->run) ==
			    -1) ||
		    sql_run(s, e, sql_stated, "idiii", zone, i, n, r.seen,
			by) == -1)
			return -1;
	}
	return 0;
}

/* What only an index had brought, and none lists any more, nor is it found by
 * name. */
static const char sql_unlisted[] =
    "SELECT r.name FROM record r JOIN asset a ON a.rec = r.rec"
    " WHERE r.zone = ?1 AND r.index_only <> 0 AND r.gone_run IS NULL"
    "  AND a.seen <> ?2 AND NOT EXISTS(SELECT 1 FROM difference d"
    "   WHERE d.zone = ?1 AND d.name = r.name AND d.witness = ?2"
    "   AND d.answer <> 2) LIMIT 1";

static int
end_unlisted(struct store *s, int64_t zone, int64_t witness, struct err *e)
{
	char *name;
	int rc;

	for (;;) {
		name = NULL;
		rc =
		    sql_first(s, e, sql_unlisted, "ii>t", zone, witness, &name);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		rc = store_record_gone(s, zone, name, e);
		free(name);
		if (rc == -1)
			return -1;
	}
}

/* A name that stands in an index and nowhere else: a gap needs a record. */
static const char sql_ghosts[] =
    "SELECT name FROM difference d WHERE zone = ?1 AND witness = ?2"
    " AND side = 1 AND answer <> 1 AND name > ?3"
    " AND NOT EXISTS(SELECT 1 FROM record r WHERE r.zone = ?1"
    "  AND r.name = d.name) ORDER BY name LIMIT 1";

static int
place_ghosts(struct store *s, int64_t zone, int64_t witness, struct err *e)
{
	char *name, *last = xstrdup("");
	int64_t rec;
	int rc;

	for (;;) {
		name = NULL;
		rc = sql_first(
		    s, e, sql_ghosts, "iit>t", zone, witness, last, &name);
		free(last);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		last = name;
		if (record_place(&rec, s, zone, name, STORE_ASSET, e) == -1) {
			free(last);
			return -1;
		}
	}
}

static const char sql_forget[] =
    "DELETE FROM difference WHERE zone = ?1 AND witness <> ?2";
/* Seen and then brought by the feed, or gone meanwhile: no difference. */
static const char sql_settled[] =
    "DELETE FROM difference WHERE zone = ?1 AND answer <> 1"
    " AND EXISTS(SELECT 1 FROM record r JOIN asset a ON a.rec = r.rec"
    "  WHERE r.zone = ?1 AND r.name = difference.name"
    "   AND (a.flags & 8 <> 0 OR"
    "    (side = 1 AND answer = 0 AND r.index_only = 0)))";
static const char sql_proof[] =
    "UPDATE zone SET proof = ?2, proof_ms = ?3, indexing = ?4,"
    " finished = ?5 WHERE zone = ?1";
static const char sql_unanswered[] =
    "SELECT EXISTS(SELECT 1 FROM difference"
    " WHERE zone = ?1 AND witness = ?2 AND answer = 0)";
static const char sql_again[] =
    "UPDATE zone SET unproven = 0, due_ms = ?2 WHERE zone = ?1";

static int
keep_result(struct store *s, int64_t zone, const struct store_witness *w,
    int64_t now_ms, struct err *e)
{
	int unanswered = 0;

	if (keep_stated(s, zone, w, e) == -1 ||
	    end_unlisted(s, zone, w->witness, e) == -1 ||
	    sql_run(s, e, sql_forget, "ii", zone, w->witness) == -1 ||
	    sql_run(s, e, sql_settled, "i", zone) == -1 ||
	    place_ghosts(s, zone, w->witness, e) == -1 ||
	    sql_run(s, e, sql_proof, "iiitd", zone, w->witness, now_ms,
		w->indexing, (int)w->finished) == -1 ||
	    sql_first(s, e, sql_unanswered, "ii>d", zone, w->witness,
		&unanswered) == -1)
		return -1;
	if (!w->finished || unanswered)
		return put_off(s, zone, now_ms, e);
	return sql_run(
	    s, e, sql_again, "ii", zone, now_ms + PROOF_DAYS * CIVIL_DAY_MS);
}

int
store_witness_end(struct store *s, int64_t zone, const struct store_witness *w,
    int64_t now_ms, struct err *e)
{
	bool own;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	return tx_end(s, own, keep_result(s, zone, w, now_ms, e), e);
}

/* ---- what is known of it ---- */

/* It is finished, no number differs, and each name that one side alone has was
 * found (1). */
#define AGREES                                                             \
	" (z.proof_ms > 0 AND z.finished <> 0"                             \
	" AND NOT EXISTS(SELECT 1 FROM stated s"                           \
	"  WHERE s.zone = z.zone AND s.differs <> 0)"                      \
	" AND NOT EXISTS(SELECT 1 FROM difference d WHERE d.zone = z.zone" \
	"  AND d.witness = z.proof AND d.answer <> 1)) "
static const char sql_agreement[] =
    "SELECT ifnull(min(z.proof_ms), 0), ifnull(min(z.proof_ms = 0 OR" AGREES
    "), 1) FROM zone z WHERE z.gone_run IS NULL";

int
store_agreement(
    int64_t *compared_ms, bool *agrees, struct store *s, struct err *e)
{
	int all = 1;

	if (sql_first(s, e, sql_agreement, ">id", compared_ms, &all) != 0)
		return -1;
	*agrees = all != 0;
	return 0;
}

static const char sql_zones[] =
    "SELECT z.zone, z.name, z.database, z.proof, z.proof_ms, z.indexing,"
    " " AGREES ", (SELECT count(*) FROM asset a INDEXED BY asset_zone"
    "  WHERE a.zone = z.zone AND a.flags & 24 = 0)"
    " FROM zone z WHERE z.gone_run IS NULL AND z.zone > ?1"
    " ORDER BY z.zone LIMIT 1";
static const char sql_numbers[] =
    "SELECT what, stated, seen FROM stated WHERE zone = ?1";
static const char sql_sides[] =
    "SELECT d.side, d.answer, a.burst IS NOT NULL, count(*) FROM difference d"
    " LEFT JOIN record r ON r.zone = d.zone AND r.name = d.name"
    " LEFT JOIN asset a ON a.rec = r.rec"
    " WHERE d.zone = ?1 AND d.witness = ?2 GROUP BY 1, 2, 3";
/* Assets that lack one of their files.  From the contents, which are picked out
 * by indexes of their own, to the assets: never through all of a zone. */
#define LACKING(contents)                                                     \
	"WITH c(content) AS (" contents ")"                                   \
	"SELECT count(*) FROM ("                                              \
	" SELECT a.rec FROM c CROSS JOIN resource r ON r.content = c.content" \
	"  CROSS JOIN asset a ON a.rec = r.rec"                               \
	"  WHERE a.zone = ?1 AND a.flags & 24 = 0"                            \
	" UNION"                                                              \
	" SELECT a.rec FROM c CROSS JOIN resource r ON r.content = c.content" \
	"  CROSS JOIN asset a INDEXED BY asset_master ON a.master = r.rec"    \
	"  WHERE a.zone = ?1 AND a.flags & 24 = 0"                            \
	" UNION"                                                              \
	" SELECT a.rec FROM asset a INDEXED BY asset_lacks"                   \
	"  WHERE a.lacks > 0 AND a.zone = ?1 AND a.flags & 24 = 0)"
#define NOT_HELD                                                   \
	"SELECT w.content FROM content w WHERE w.want IS NOT NULL" \
	" UNION SELECT f.content FROM file f WHERE f.damage <> 0"
static const char sql_not_held[] = LACKING(NOT_HELD);
static const char sql_not_proven[] = LACKING(
    NOT_HELD " UNION SELECT w.content FROM content w WHERE w.state = 2");
static const char sql_many[] =
    "SELECT count(*) FROM (SELECT 1 FROM content WHERE want IS NOT NULL"
    " LIMIT ?1)";

static int
add_numbers(struct store_compared *out, struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	for (int i = 0; i < STORE_STATED_COUNT; i++)
		out->stated[i] = out->seen[i] = -1;
	if (sql_open(&st, s, e, sql_numbers, "i", out->zone) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		int what = sqlite3_column_int(st, 0);

		if (what < 0 || what >= STORE_STATED_COUNT)
			continue;
		out->stated[what] = sqlite3_column_int64(st, 1);
		out->seen[what] = sqlite3_column_int64(st, 2);
	}
	return rc;
}

static int
add_sides(
    struct store_compared *out, struct store *s, int64_t proof, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_sides, "ii", out->zone, proof) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		int side = sqlite3_column_int(st, 0);
		int answer = sqlite3_column_int(st, 1);
		int64_t n = sqlite3_column_int64(st, 3);

		*(side == STORE_ONLY_INDEX ? &out->only_index
					   : &out->only_feed) += n;
		if (answer != STORE_FOUND)
			out->ghosts += n;
		else if (side == STORE_ONLY_FEED && sqlite3_column_int(st, 2))
			out->bursts += n;
	}
	return rc;
}

static int
add_held(struct store_compared *out, struct store *s, struct err *e)
{
	int64_t many = 0, lacking = 0, unproven = 0;

	out->held = out->proven = -1;
	if (sql_first(s, e, sql_many, "d>i", COUNT_MAX, &many) == -1)
		return -1;
	if (many >= COUNT_MAX)
		return 0;
	if (sql_first(s, e, sql_not_held, "i>i", out->zone, &lacking) == -1 ||
	    sql_first(s, e, sql_not_proven, "i>i", out->zone, &unproven) == -1)
		return -1;
	out->held = out->listed - lacking;
	out->proven = out->listed - unproven;
	return 0;
}

int
store_compared(struct store *s,
    void (*each)(void *, const struct store_compared *), void *arg,
    struct err *e)
{
	struct store_compared c = {0};
	char *name, *indexing;
	int64_t proof;
	int rc, agrees;

	for (;;) {
		c = (struct store_compared){.zone = c.zone};
		name = indexing = NULL;
		rc = sql_first(s, e, sql_zones, "i>itdiitdi", c.zone, &c.zone,
		    &name, &c.database, &proof, &c.proof_ms, &indexing, &agrees,
		    &c.listed);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		rc = add_numbers(&c, s, e);
		if (rc == 0)
			rc = add_sides(&c, s, proof, e);
		if (rc == 0)
			rc = add_held(&c, s, e);
		c.zone_name = name;
		c.indexing = indexing;
		c.agrees = agrees != 0;
		if (rc == 0)
			each(arg, &c);
		free(name);
		free(indexing);
		if (rc != 0)
			return -1;
	}
}

static const char sql_differences[] =
    "SELECT d.name, d.side, d.answer, a.burst IS NOT NULL"
    " FROM difference d JOIN zone z ON z.zone = d.zone"
    " LEFT JOIN record r ON r.zone = d.zone AND r.name = d.name"
    " LEFT JOIN asset a ON a.rec = r.rec"
    " WHERE d.zone = ?1 AND d.witness = z.proof AND d.name > ?2"
    " ORDER BY d.name LIMIT 1";

int
store_differences(struct store *s, int64_t zone,
    void (*each)(void *, const struct store_difference *), void *arg,
    struct err *e)
{
	char *name, *last = xstrdup("");
	struct store_difference d;
	int rc, side, answer, burst;

	for (;;) {
		name = NULL;
		rc = sql_first(s, e, sql_differences, "it>tddd", zone, last,
		    &name, &side, &answer, &burst);
		free(last);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		last = name;
		d = (struct store_difference){.name = name,
		    .side = (enum store_side)side,
		    .answer = (enum store_answer)answer,
		    .burst = burst != 0};
		each(arg, &d);
	}
}
