#include "store_p.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Gaps: what the cloud lists and cannot give (docs/design.md, "Known gaps").
 * A row keeps the run in which a gap was first seen, for as long as it stays.
 */

/* Assets in the cloud without an original, in zones that are fully known. */
static const char sql_assets[] =
    "INSERT INTO gap(rec, content, role, why, detail, first_run, seen_run)"
    " SELECT a.rec, 0, CASE a.lacks WHEN 1 THEN -1 ELSE 0 END, 2,"
    "  CASE a.lacks WHEN 1 THEN 'Apple lists it without its master record.'"
    "  ELSE 'Apple has no original of it.' END, ?1, ?1"
    " FROM asset a INDEXED BY asset_lacks JOIN zone z ON z.zone = a.zone"
    " WHERE a.lacks > 0 AND a.flags & 24 = 0 AND z.walked ORDER BY a.rec"
    " ON CONFLICT(rec, content) DO UPDATE SET role = excluded.role,"
    "  why = excluded.why, detail = excluded.detail, seen_run = ?1,"
    "  first_run = CASE WHEN closed_run IS NULL THEN first_run ELSE ?1 END,"
    "  closed_run = NULL";
/* Contents that no run can get: NO_ORIGINAL to TOO_LARGE. */
static const char sql_contents[] =
    "INSERT INTO gap(rec, content, role, why, detail, first_run, seen_run)"
    " SELECT 0, c.content, (SELECT min(r.role) FROM resource r"
    "  WHERE r.content = c.content), c.failure, c.detail, ?1, ?1"
    " FROM content c WHERE c.failure BETWEEN 2 AND 5"
    "  AND c.want IS NOT NULL"
    " ON CONFLICT(rec, content) DO UPDATE SET role = excluded.role,"
    "  why = excluded.why, detail = excluded.detail, seen_run = ?1,"
    "  first_run = CASE WHEN closed_run IS NULL THEN first_run ELSE ?1 END,"
    "  closed_run = NULL";
/* Parts that a record names without a checksum: a movie, a twin, an edit. */
static const char sql_parts[] =
    "INSERT INTO gap(rec, content, role, why, detail, first_run, seen_run)"
    " SELECT r.rec, -r.role, r.role, 2,"
    "  'Apple names it and has no file of it.', ?1, ?1"
    " FROM resource r JOIN record n ON n.rec = r.rec"
    " JOIN zone z ON z.zone = n.zone"
    " WHERE r.content IS NULL AND r.role > 0 AND z.walked"
    "  AND EXISTS(SELECT 1 FROM asset a WHERE a.flags & 24 = 0"
    "   AND (a.rec = r.rec OR a.master = r.rec))"
    " ORDER BY r.rec, r.role"
    " ON CONFLICT(rec, content) DO UPDATE SET seen_run = ?1,"
    "  first_run = CASE WHEN closed_run IS NULL THEN first_run ELSE ?1 END,"
    "  closed_run = NULL";
/*
 * By the witness: of a zone as a whole rec is -zone, and content 1 + what is
 * stated, or 100 for its index; of a name that stands in an index alone content
 * is -100.
 */
#define AGAIN                                                               \
	" ON CONFLICT(rec, content) DO UPDATE SET why = excluded.why,"      \
	"  detail = excluded.detail, seen_run = ?1,"                        \
	"  first_run = CASE WHEN closed_run IS NULL THEN first_run ELSE ?1" \
	"  END, closed_run = NULL"
static const char sql_stated[] =
    "INSERT INTO gap(rec, content, role, why, detail, first_run, seen_run)"
    " SELECT -s.zone, 1 + s.what, -1, 8, printf('%,lld stated, %,lld listed.',"
    "  s.stated, s.seen), ?1, ?1"
    " FROM stated s JOIN zone z ON z.zone = s.zone"
    " WHERE s.differs AND z.gone_run IS NULL" AGAIN;
static const char sql_unfinished[] =
    "INSERT INTO gap(rec, content, role, why, detail, first_run, seen_run)"
    " SELECT -zone, 100, -1, 9, 'Apple is still making its index ('"
    "  || ifnull(nullif(indexing, ''), 'state unknown') || '); until that is"
    " done nothing proves that the list is whole.', ?1, ?1"
    " FROM zone WHERE proof > 0 AND NOT finished AND gone_run IS NULL" AGAIN;
static const char sql_ghosts[] =
    "INSERT INTO gap(rec, content, role, why, detail, first_run, seen_run)"
    " SELECT r.rec, -100, -1, 7,"
    "  'Apple''s index lists it, and no look-up finds it.', ?1, ?1"
    " FROM difference d JOIN zone z ON z.zone = d.zone"
    " JOIN record r ON r.zone = d.zone AND r.name = d.name"
    " WHERE d.side = 1 AND d.answer <> 1 AND d.witness = z.proof"
    "  AND z.gone_run IS NULL AND r.dict IS NULL" AGAIN;
/* What a run has seen that did not come to its end was not told. */
static const char sql_untold[] =
    "UPDATE gap SET first_run = ?1 WHERE closed_run IS NULL AND first_run >"
    " (SELECT ifnull(max(run), 0) FROM run WHERE ended_ms <> 0 AND run < ?1)";
/*
 * Closed is a gap whose reason is gone, not one that was not looked at: an
 * asset that is walked anew, a content that is due again later.
 */
static const char sql_close[] =
    "UPDATE gap SET closed_run = ?1 WHERE closed_run IS NULL"
    " AND CASE WHEN rec < 0 AND content = 100"
    "  THEN NOT EXISTS(SELECT 1 FROM zone z WHERE z.zone = -gap.rec"
    "   AND z.proof > 0 AND NOT z.finished AND z.gone_run IS NULL)"
    " WHEN rec < 0"
    "  THEN NOT EXISTS(SELECT 1 FROM stated s JOIN zone z ON z.zone = s.zone"
    "   WHERE s.zone = -gap.rec AND s.what = gap.content - 1 AND s.differs"
    "   AND z.gone_run IS NULL)"
    " WHEN content = -100"
    "  THEN NOT EXISTS(SELECT 1 FROM record r JOIN zone z ON z.zone = r.zone"
    "   JOIN difference d ON d.zone = r.zone AND d.name = r.name"
    "   WHERE r.rec = gap.rec AND r.dict IS NULL AND z.gone_run IS NULL"
    "    AND d.side = 1 AND d.answer <> 1 AND d.witness = z.proof)"
    " WHEN content < 0"
    "  THEN NOT EXISTS(SELECT 1 FROM resource r WHERE r.rec = gap.rec"
    "   AND r.role = -gap.content AND r.content IS NULL"
    "   AND EXISTS(SELECT 1 FROM asset a WHERE a.flags & 24 = 0"
    "    AND (a.rec = r.rec OR a.master = r.rec)))"
    " WHEN rec = 0"
    "  THEN NOT EXISTS(SELECT 1 FROM content c WHERE c.content = gap.content"
    "   AND c.want IS NOT NULL AND c.failure BETWEEN 2 AND 5)"
    "  ELSE NOT EXISTS(SELECT 1 FROM asset a WHERE a.rec = gap.rec"
    "   AND a.lacks > 0 AND a.flags & 24 = 0) END";

int
store_gaps_refresh(struct store *s, struct err *e)
{
	bool own;
	int rc;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_run(s, e, sql_untold, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_assets, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_contents, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_parts, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_stated, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_unfinished, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_ghosts, "i", s->run);
	if (rc == 0)
		rc = sql_run(s, e, sql_close, "i", s->run);
	return tx_end(s, own, rc, e);
}

/* Of a zone; of an asset as a whole; of a content, by the first record that has
 * it. */
static const char sql_gaps[] =
    "SELECT g.gap, z.name, ifnull(n.name, ''), m.filename, g.role, g.why,"
    " g.detail, g.first_run,"
    " CASE WHEN g.rec < 0 AND g.content < 100 THEN g.content - 1 ELSE -1 END"
    " FROM gap g"
    " LEFT JOIN record n ON n.rec = CASE WHEN g.rec = 0 THEN"
    "  (SELECT min(r.rec) FROM resource r WHERE r.content = g.content)"
    "  ELSE g.rec END"
    " JOIN zone z ON z.zone = CASE WHEN g.rec < 0 THEN -g.rec ELSE n.zone END"
    " LEFT JOIN asset a ON a.rec = n.rec"
    " LEFT JOIN master m ON m.rec = ifnull(a.master, n.rec)"
    " WHERE g.closed_run IS NULL AND g.gap > ?1 ORDER BY g.gap LIMIT 1";
/* What failed and is tried again.  Contents are outermost in their order, here
 * and below, so that no step sorts those that are left. */
#define FAILURES(why)                                                      \
	"SELECT c.content, z.name, n.name, m.filename, r.role, c.failure," \
	" c.detail, 0, -1 FROM content c INDEXED BY content_failure"       \
	" CROSS JOIN resource r ON r.content = c.content"                  \
	"  AND r.rec = (SELECT min(q.rec) FROM resource q"                 \
	"   WHERE q.content = c.content)"                                  \
	" JOIN record n ON n.rec = r.rec"                                  \
	" JOIN zone z ON z.zone = n.zone"                                  \
	" LEFT JOIN asset a ON a.rec = n.rec"                              \
	" LEFT JOIN master m ON m.rec = ifnull(a.master, n.rec)"           \
	" WHERE c.failure = " why " AND c.want IS NOT NULL"                \
	" AND c.content > ?1 ORDER BY c.content LIMIT 1"
static const char sql_failed[] = FAILURES("1");
static const char sql_vanished[] = FAILURES("6");

/* What nobody has tried to fetch yet. */
static const char sql_unfetched[] =
    "SELECT c.content, z.name, n.name, m.filename, r.role, 0,"
    " 'It has not been fetched yet.', 0, -1 FROM content c NOT INDEXED"
    " CROSS JOIN resource r ON r.content = c.content"
    "  AND r.rec = (SELECT min(q.rec) FROM resource q"
    "   WHERE q.content = c.content)"
    " JOIN record n ON n.rec = r.rec"
    " JOIN zone z ON z.zone = n.zone"
    " LEFT JOIN asset a ON a.rec = n.rec"
    " LEFT JOIN master m ON m.rec = ifnull(a.master, n.rec)"
    " WHERE c.failure IS NULL AND c.want IS NOT NULL AND c.content > ?1"
    " AND NOT EXISTS(SELECT 1 FROM file f"
    "  WHERE f.content = c.content AND f.mend <> 0)"
    " ORDER BY c.content LIMIT 1";

/* contents: at is one, and those that the filter leaves out are passed over. */
static int
walk(struct store *s, const char *sql, bool contents, int64_t run,
    void (*each)(void *, const struct store_gap *), void *arg, struct err *e)
{
	char *zone, *record, *name, *detail;
	struct store_gap g;
	int64_t at = 0;
	int rc, why, let = 1;

	for (;;) {
		zone = record = name = detail = NULL;
		rc =
		    sql_first(s, e, sql, "i>itttddtid", at, &at, &zone, &record,
			&name, &g.role, &why, &detail, &g.first_run, &g.stated);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		if (contents)
			rc = content_is_let(&let, s, at, e);
		g.zone = zone;
		g.record = record;
		g.name = name;
		g.why = (enum store_failure)why;
		g.detail = detail != NULL ? detail : "";
		g.known = g.first_run > 0 && g.first_run < run;
		if (g.first_run == 0)
			g.first_run = run;
		if (rc == 0 && let)
			each(arg, &g);
		free(zone);
		free(record);
		free(name);
		free(detail);
		if (rc != 0)
			return -1;
	}
}

int
store_gaps(struct store *s, void (*each)(void *, const struct store_gap *),
    void *arg, struct err *e)
{
	int64_t run;

	if (run_now(&run, s, e) == -1 ||
	    walk(s, sql_gaps, false, run, each, arg, e) == -1 ||
	    walk(s, sql_failed, false, run, each, arg, e) == -1)
		return -1;
	return walk(s, sql_vanished, false, run, each, arg, e);
}

int
store_unfetched(struct store *s, const struct store_filter *f,
    void (*each)(void *, const struct store_gap *), void *arg, struct err *e)
{
	int64_t run;

	if (run_now(&run, s, e) == -1 || filter_use(s, f, e) == -1)
		return -1;
	return walk(s, sql_unfetched, true, run, each, arg, e);
}
