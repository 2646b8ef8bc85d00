#include "store_p.h"

/* The history, and the months whose manifest is to be written anew. */

static const char sql_event[] =
    "INSERT INTO event(run, rec, kind, detail) VALUES(?1, ?2, ?3, ?4)";

int
event_add(struct store *s, int64_t rec, enum event_kind kind,
    const char *detail, struct err *e)
{
	return sql_run(
	    s, e, sql_event, "iodt", s->run, rec != 0, rec, (int)kind, detail);
}

static const char sql_month[] =
    "INSERT INTO month(month, dirty) VALUES(?1, 1)"
    " ON CONFLICT(month) DO UPDATE SET dirty = 1 WHERE dirty = 0";

int
month_changed(struct store *s, int64_t month, struct err *e)
{
	return sql_run(s, e, sql_month, "i", month);
}

/* Those of its stems, and its own, where its records are. */
static const char sql_months[] =
    "INSERT INTO month(month, dirty)"
    " SELECT month, 1 FROM stem WHERE asset = ?1"
    " UNION SELECT month, 1 FROM asset WHERE rec = ?1"
    " UNION SELECT t.month, 1 FROM asset a"
    "  JOIN resource r ON r.rec IN (a.rec, a.master)"
    "  JOIN file f ON f.content = r.content JOIN stem t ON t.stem = f.stem"
    "  WHERE a.rec = ?1"
    " ON CONFLICT(month) DO UPDATE SET dirty = 1 WHERE dirty = 0";

int
months_of_asset(struct store *s, int64_t asset, struct err *e)
{
	return sql_run(s, e, sql_months, "i", asset);
}
