#include "store_p.h"

#include <stdlib.h>

/* The history. */

static const char sql_event[] =
    "INSERT INTO event(run, rec, kind, detail) VALUES(?1, ?2, ?3, ?4)";

int
event_add(struct store *s, int64_t rec, enum event_kind kind,
    const char *detail, struct err *e)
{
	return sql_run(
	    s, e, sql_event, "iodt", s->run, rec != 0, rec, (int)kind, detail);
}

static const char sql_name[] = "SELECT name FROM record WHERE rec = ?1";

int
event_add_named(struct store *s, int64_t rec, enum event_kind kind,
    int64_t other, struct err *e)
{
	char *name = NULL;
	int rc = 0;

	if (other != 0)
		rc = sql_first(s, e, sql_name, "i>t", other, &name);
	if (rc != -1)
		rc = event_add(s, rec, kind, name, e);
	free(name);
	return rc;
}
