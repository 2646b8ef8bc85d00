#include "store_p.h"

/*
 * The months whose manifest and records are to be written anew (months.c):
 * marked in the transaction that changes what a line of theirs says.
 */

/* What is written last stays so. */
#define MARK " ON CONFLICT(month) DO UPDATE SET dirty = 1 WHERE dirty IN (0, 3)"

static const char sql_changed[] =
    "INSERT INTO month(month, dirty) VALUES(?1, 1)" MARK;
static const char sql_left[] = "INSERT INTO month(month, dirty) VALUES(?1, 2)"
			       " ON CONFLICT(month) DO UPDATE SET dirty = 2"
			       " WHERE dirty <> 2";

int
month_changed(struct store *s, int64_t month, struct err *e)
{
	return sql_run(s, e, sql_changed, "i", month);
}

int
month_left(struct store *s, int64_t month, struct err *e)
{
	return sql_run(s, e, sql_left, "i", month);
}

/* Those of its stems, its own, where its records are, and those of files that
 * it shares. */
static const char sql_of_asset[] =
    "INSERT INTO month(month, dirty)"
    " SELECT month, 1 FROM stem WHERE asset = ?1"
    " UNION SELECT month, 1 FROM asset WHERE rec = ?1"
    " UNION SELECT t.month, 1 FROM asset a"
    "  JOIN resource r ON r.rec IN (a.rec, a.master)"
    "  JOIN file f ON f.content = r.content JOIN stem t ON t.stem = f.stem"
    "  WHERE a.rec = ?1" MARK;

int
months_of_asset(struct store *s, int64_t asset, struct err *e)
{
	if (sidecars_of_asset(s, asset, e) == -1)
		return -1;
	return sql_run(s, e, sql_of_asset, "i", asset);
}

/* Of files whose type is known from a master without an asset. */
static const char sql_of_contents[] =
    "INSERT INTO month(month, dirty)"
    " SELECT DISTINCT t.month, 1 FROM resource r"
    "  JOIN file f ON f.content = r.content JOIN stem t ON t.stem = f.stem"
    "  WHERE r.rec = ?1" MARK;
static const char sql_next_asset[] =
    "SELECT rec FROM asset WHERE master = ?1 AND rec > ?2"
    " ORDER BY rec LIMIT 1";

int
months_of_master(struct store *s, int64_t master, struct err *e)
{
	int64_t asset = 0;
	int rc;

	while ((rc = sql_first(s, e, sql_next_asset, "ii>i", master, asset,
		    &asset)) == 0) {
		if (months_of_asset(s, asset, e) == -1)
			return -1;
	}
	if (rc != 1 || asset != 0)
		return rc == 1 ? 0 : -1;
	/* Without an asset it is among those of no month. */
	rc = sql_run(s, e, sql_of_contents, "i", master);
	return rc == 0 ? month_changed(s, MONTH_ALBUMS, e) : rc;
}

/* Of the members of an album and of all that is in it. */
static const char sql_of_album[] =
    "WITH RECURSIVE inside(rec) AS (SELECT ?1"
    "  UNION SELECT al.rec FROM inside i JOIN album al ON al.parent = i.rec)"
    " INSERT INTO month(month, dirty)"
    " SELECT t.month, 1 FROM inside i JOIN relation l ON l.album = i.rec"
    "  JOIN stem t ON t.asset = l.asset"
    " UNION SELECT t.month, 1 FROM inside i JOIN relation l ON l.album = i.rec"
    "  JOIN asset a ON a.rec = l.asset"
    "  JOIN resource r ON r.rec IN (a.rec, a.master)"
    "  JOIN file f ON f.content = r.content JOIN stem t ON t.stem = f.stem"
    "  WHERE true" MARK;

int
months_of_album(struct store *s, int64_t album, struct err *e)
{
	return sql_run(s, e, sql_of_album, "i", album);
}

int
months_of_record(
    struct store *s, int64_t rec, enum store_type type, struct err *e)
{
	switch (type) {
	case STORE_ASSET:
		return months_of_asset(s, rec, e);
	case STORE_MASTER:
		return months_of_master(s, rec, e);
	case STORE_ALBUM:
		if (months_of_album(s, rec, e) == -1)
			return -1;
		break;
	default:
		break;
	}
	return month_changed(s, MONTH_ALBUMS, e);
}
