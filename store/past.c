#include "store_p.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/*
 * How things were when a run had ended, for lists: the events of later runs,
 * undone.  What they changed lies in temporary tables, an entry for each thing
 * that was different: of several events the first tells how it was before.
 * Without a past the tables are empty, and the same statements tell how things
 * are.
 */

static const char sql_tables[] =
    "CREATE TEMP TABLE past("
    "  rec INTEGER NOT NULL," /* an asset, album, master; -zone */
    "  what INTEGER NOT NULL,"
    "  value," /* a name that was none: x'' */
    "  PRIMARY KEY(rec, what)"
    ") WITHOUT ROWID;"
    "CREATE TEMP TABLE past_master("
    "  asset INTEGER PRIMARY KEY,"
    "  master INTEGER NOT NULL" /* 0: none */
    ");"
    "CREATE INDEX temp.past_master_of ON past_master(master);"
    "CREATE TEMP TABLE past_content("
    "  rec INTEGER NOT NULL,"
    "  role INTEGER NOT NULL,"
    "  content INTEGER NOT NULL," /* 0: none */
    "  PRIMARY KEY(rec, role)"
    ") WITHOUT ROWID;"
    "CREATE INDEX temp.past_content_of ON past_content(content);"
    "CREATE TEMP TABLE past_member("
    "  asset INTEGER NOT NULL,"
    "  album INTEGER NOT NULL,"
    "  member INTEGER NOT NULL,"
    "  PRIMARY KEY(asset, album)"
    ") WITHOUT ROWID;"
    "CREATE INDEX temp.past_member_of ON past_member(album);"
    /* Assets in the order of their list. */
    "CREATE TEMP TABLE listing(n INTEGER PRIMARY KEY, rec INTEGER NOT NULL);"
    /* Albums, and the same in the order of their tree. */
    "CREATE TEMP TABLE node("
    "  album INTEGER PRIMARY KEY,"
    "  zone INTEGER NOT NULL,"
    "  parent INTEGER NOT NULL," /* 0: at the top */
    "  title TEXT,"
    "  name TEXT NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  position INTEGER NOT NULL"
    ");"
    "CREATE INDEX temp.node_parent ON node(parent);"
    "CREATE TEMP TABLE tree("
    "  n INTEGER PRIMARY KEY,"
    "  album INTEGER NOT NULL UNIQUE,"
    "  depth INTEGER NOT NULL,"
    "  path TEXT NOT NULL"
    ");";
static const char sql_clear[] = "DELETE FROM temp.past;"
				"DELETE FROM temp.past_master;"
				"DELETE FROM temp.past_content;"
				"DELETE FROM temp.past_member;"
				"DELETE FROM temp.listing;"
				"DELETE FROM temp.node;"
				"DELETE FROM temp.tree;";

static const char sql_events[] =
    "SELECT v.event, v.rec, v.kind, v.detail, r.zone FROM event v"
    " LEFT JOIN record r ON r.rec = v.rec"
    " WHERE v.event > ?1 AND v.run > ?2 ORDER BY v.event LIMIT 256";
static const char sql_last_event[] = "SELECT ifnull(max(event), 0) FROM event";
static const char sql_was[] =
    "INSERT OR IGNORE INTO temp.past(rec, what, value) VALUES(?1, ?2, ?3)";
static const char sql_was_named[] =
    "INSERT OR IGNORE INTO temp.past(rec, what, value)"
    " VALUES(?1, ?2, ifnull(?3, x''))";
static const char sql_zone_was[] =
    "INSERT OR IGNORE INTO temp.past(rec, what, value)"
    " SELECT -zone, ?2, ?3 FROM zone WHERE name = ?1";
static const char sql_had_master[] =
    "INSERT OR IGNORE INTO temp.past_master(asset, master) VALUES(?1, ?2)";
static const char sql_had_content[] =
    "INSERT OR IGNORE INTO temp.past_content(rec, role, content)"
    " VALUES(?1, ?2, ?3)";
static const char sql_was_member[] =
    "INSERT OR IGNORE INTO temp.past_member(asset, album, member)"
    " VALUES(?1, ?2, ?3)";
static const char sql_named[] =
    "SELECT rec FROM record WHERE zone = ?1 AND name = ?2";
static const char sql_content[] =
    "SELECT content FROM content WHERE checksum = ?1 AND size = ?2";

struct event {
	int64_t event, rec, zone;
	int kind;
	char *detail; /* owned */
};

/* The record that an event names; 0: none. */
static int
named(int64_t *rec, struct store *s, const struct event *v, struct err *e)
{
	*rec = 0;
	if (v->detail == NULL)
		return 0;
	return sql_first(s, e, sql_named, "it>i", v->zone, v->detail, rec) == -1
	    ? -1
	    : 0;
}

/* "role checksum-size", or "role" alone. */
static int
undo_content(struct store *s, const struct event *v, struct err *e)
{
	uint8_t checksum[CHECKSUM_BYTES];
	int64_t content = 0, role = 0, size;
	char *hex, *stated;
	size_t n;

	if (v->detail == NULL)
		return 0;
	hex = strchr(v->detail, ' ');
	if (hex != NULL)
		*hex++ = '\0';
	if (text_int(&role, v->detail, 0, ROLES - 1) == -1)
		return 0;
	stated = hex != NULL ? strchr(hex, '-') : NULL;
	if (stated != NULL) {
		*stated++ = '\0';
		n = strlen(hex) / 2;
		if (n <= sizeof(checksum) &&
		    text_unhex(checksum, n, hex) == 0 &&
		    text_int(&size, stated, -1, INT64_MAX) == 0 &&
		    sql_first(s, e, sql_content, "bi>i", checksum, n, size,
			&content) == -1)
			return -1;
	}
	return sql_run(
	    s, e, sql_had_content, "idi", v->rec, (int)role, content);
}

static int
undo(struct store *s, const struct event *v, struct err *e)
{
	int64_t other;

	switch ((enum event_kind)v->kind) {
	case EVENT_NEW:
		return sql_run(s, e, sql_was, "idd", v->rec, PAST_THERE, 0);
	case EVENT_GONE:
	case EVENT_BACK:
		return sql_run(s, e, sql_was, "idd", v->rec, PAST_GONE,
		    (int)(v->kind == EVENT_BACK));
	case EVENT_TRASHED:
	case EVENT_UNTRASHED:
		return sql_run(s, e, sql_was, "idd", v->rec, PAST_TRASHED,
		    (int)(v->kind == EVENT_UNTRASHED));
	case EVENT_HIDDEN:
	case EVENT_UNHIDDEN:
		return sql_run(s, e, sql_was, "idd", v->rec, PAST_HIDDEN,
		    (int)(v->kind == EVENT_UNHIDDEN));
	case EVENT_NAME:
		return sql_run(
		    s, e, sql_was_named, "idt", v->rec, PAST_NAME, v->detail);
	case EVENT_PARENT:
		return named(&other, s, v, e) == -1
		    ? -1
		    : sql_run(s, e, sql_was, "idi", v->rec, PAST_PARENT, other);
	case EVENT_MASTER:
		return named(&other, s, v, e) == -1
		    ? -1
		    : sql_run(s, e, sql_had_master, "ii", v->rec, other);
	case EVENT_CONTENT:
		return undo_content(s, v, e);
	case EVENT_IN_ALBUM:
	case EVENT_OUT_OF_ALBUM:
		if (named(&other, s, v, e) == -1)
			return -1;
		if (v->rec == 0 || other == 0)
			return 0;
		return sql_run(s, e, sql_was_member, "iid", v->rec, other,
		    (int)(v->kind == EVENT_OUT_OF_ALBUM));
	case EVENT_ZONE_GONE:
	case EVENT_ZONE_BACK:
		return sql_run(s, e, sql_zone_was, "tdd", v->detail, PAST_GONE,
		    (int)(v->kind == EVENT_ZONE_BACK));
	case EVENT_ADOPTED:
	case EVENT_MOVED:
		break; /* of files, which have no past but their first run */
	}
	return 0;
}

/* The next events, a page of them, so that none is open while one is undone. */
static int
undo_some(size_t *n, struct store *s, struct err *e)
{
	struct event page[256];
	sqlite3_stmt *st;
	size_t i;
	int rc;

	*n = 0;
	if (sql_open(&st, s, e, sql_events, "ii", s->past_event, s->past_run) ==
	    -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		struct event *v = &page[(*n)++];

		v->event = sqlite3_column_int64(st, 0);
		v->rec = sqlite3_column_int64(st, 1);
		v->kind = sqlite3_column_int(st, 2);
		v->detail = xstrdup(sql_text(st, 3));
		v->zone = sqlite3_column_int64(st, 4);
	}
	for (i = 0; i < *n; i++) {
		if (rc == 0)
			rc = undo(s, &page[i], e);
		s->past_event = page[i].event;
		free(page[i].detail);
	}
	return rc;
}

static const char sql_begin[] = "BEGIN";
static const char sql_end_read[] = "COMMIT";

int
past_read(struct store *s, struct err *e)
{
	size_t n;
	int rc;

	if (sql_run(s, e, sql_begin, "") == -1)
		return -1;
	/* What a run that goes on has changed since it was last read, too. */
	if (s->past_run == INT64_MAX)
		return 0;
	do
		rc = undo_some(&n, s, e);
	while (rc == 0 && n > 0);
	/* Those of runs before are not looked at again. */
	if (rc == 0)
		rc = sql_first(s, e, sql_last_event, ">i", &s->past_event);
	return rc == 0 ? 0 : -1;
}

int
past_read_end(struct store *s, int rc, struct err *e)
{
	if (rc == 0)
		return sql_run(s, e, sql_end_read, "");
	store_rollback(s);
	return rc;
}

int
past_begin(struct store *s, int64_t as_of, struct err *e)
{
	assert(sqlite3_get_autocommit(s->db) != 0);
	/* Temporary tables are written even by those who only read. */
	if (s->mode == STORE_READ &&
	    sql_exec(s, "PRAGMA query_only = 0", e) == -1)
		return -1;
	s->past_run = as_of != 0 ? as_of : INT64_MAX;
	s->past_event = 0;
	if (sql_exec(s, s->has_past_tables ? sql_clear : sql_tables, e) == -1)
		return past_end(s, -1, e);
	s->has_past_tables = true;
	return 0;
}

int
past_end(struct store *s, int rc, struct err *e)
{
	store_rollback(s);
	if (s->has_past_tables &&
	    sql_exec(s, sql_clear, rc == 0 ? e : NULL) == -1)
		rc = -1;
	if (s->mode == STORE_READ &&
	    sql_exec(s, "PRAGMA query_only = 1", rc == 0 ? e : NULL) == -1)
		rc = -1;
	return rc;
}
