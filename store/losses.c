#include "store_p.h"

#include <assert.h>

/* What has gone from the cloud since it was looked at last. */

/* Purged from the trash, where it was known to be, is no news.  Flags: 2
 * trashed, 8 gone, 16 its zone has left. */
static const char sql_lost[] =
    "SELECT count(*) FROM asset a WHERE a.rec IN"
    " (SELECT rec FROM event WHERE event > ?1 AND kind IN (?2, ?3))"
    " AND a.flags & 16 = 0"
    " AND CASE WHEN a.flags & 8 = 0 THEN a.flags & 2 <> 0"
    "  ELSE a.flags & 2 = 0 OR EXISTS(SELECT 1 FROM event t"
    "   WHERE t.rec = a.rec AND t.kind = ?3 AND t.event > ?1) END"
    " AND NOT EXISTS(SELECT 1 FROM resource r"
    "  JOIN resource q ON q.content = r.content"
    "  JOIN asset b ON b.master = q.rec"
    "  WHERE r.rec = a.master AND r.role = 0 AND q.role = 0"
    "   AND b.flags & 26 = 0)";
static const char sql_seen[] =
    "SELECT ifnull((SELECT value FROM meta WHERE name = 'losses_seen'),"
    " (SELECT ifnull(max(event), 0) FROM event WHERE run < ?1))";
static const char sql_left[] =
    "SELECT ifnull(sum(n), 0) FROM asset_count WHERE flags & 26 = 0";
static const char sql_upto[] = "SELECT ifnull(max(event), 0) FROM event";
static const char sql_keep[] =
    "INSERT INTO meta(name, value) VALUES('losses_seen', ?1)"
    " ON CONFLICT(name) DO UPDATE SET value = excluded.value"
    "  WHERE value <> excluded.value";

int
store_losses(struct store_losses *out, struct store *s, struct err *e)
{
	int64_t seen = 0;

	assert(s->run != 0);
	if (sql_first(s, e, sql_seen, "i>i", s->run, &seen) != 0 ||
	    sql_first(s, e, sql_lost, "idd>i", seen, (int)EVENT_GONE,
		(int)EVENT_TRASHED, &out->lost) != 0 ||
	    sql_first(s, e, sql_left, ">i", &out->left) != 0 ||
	    sql_first(s, e, sql_upto, ">i", &out->upto) != 0)
		return -1;
	return 0;
}

int
store_losses_seen(struct store *s, int64_t upto, struct err *e)
{
	assert(s->run != 0);
	return sql_run(s, e, sql_keep, "i", upto);
}
