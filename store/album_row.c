#include "store_p.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Albums, and which assets are in them. */

static const char sql_album_get[] =
    "SELECT title, trashed, parent FROM album WHERE rec = ?1";
static const char sql_album_put[] =
    "INSERT INTO album(rec, title, parent, type, position, trashed)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(rec) DO UPDATE SET"
    " title = ?2, parent = ?3, type = ?4, position = ?5, trashed = ?6";

static bool
same_title(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int
store_album_put(struct store *s, int64_t rec, int64_t zone, const char *title,
    const char *parent, int64_t type, int64_t position, bool trashed,
    struct err *e)
{
	int64_t parent_rec = 0, was_parent = 0;
	char *old = NULL;
	bool own;
	int rc, found, was_trashed = 0;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = found = sql_first(
	    s, e, sql_album_get, "i>tdi", rec, &old, &was_trashed, &was_parent);
	if (rc == -1)
		goto out;
	rc = 0;
	if (found == 0 && !same_title(old, title))
		rc = event_add(s, rec, EVENT_NAME, old, e);
	else if (found == 1)
		rc = event_add(s, rec, EVENT_NEW, NULL, e);
	if (rc == 0 && found == 0 && (was_trashed != 0) != trashed)
		rc = event_add(
		    s, rec, trashed ? EVENT_TRASHED : EVENT_UNTRASHED, NULL, e);
	if (rc == 0 && parent != NULL)
		rc = record_place(&parent_rec, s, zone, parent, STORE_ALBUM, e);
	if (rc == 0 && found == 0 && parent_rec != was_parent)
		rc = event_add_named(s, rec, EVENT_PARENT, was_parent, e);
	if (rc == 0)
		rc = sql_run(s, e, sql_album_put, "itoiid", rec, title,
		    parent_rec != 0, parent_rec, type, position, (int)trashed);
	/* Not with each picture that comes in, which changes it too. */
	if (rc == 0 &&
	    (found == 1 || parent_rec != was_parent ||
		(was_trashed != 0) != trashed || !same_title(old, title)))
		rc = months_of_album(s, rec, e);
out:
	free(old);
	return tx_end(s, own, rc, e);
}

static const char sql_relation_get[] =
    "SELECT asset, album, trashed FROM relation WHERE rec = ?1";
static const char sql_relation_put[] =
    "INSERT INTO relation(rec, asset, album, position, trashed)"
    " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(rec) DO UPDATE SET"
    " asset = ?2, album = ?3, position = ?4, trashed = ?5";
static const char sql_relation_out[] =
    "UPDATE relation SET trashed = 2 WHERE rec = ?1";

/* An asset came into an album or left it. */
static int
album_event(
    struct store *s, int64_t asset, int64_t album, bool in, struct err *e)
{
	int rc = event_add_named(
	    s, asset, in ? EVENT_IN_ALBUM : EVENT_OUT_OF_ALBUM, album, e);

	if (rc == 0 && asset != 0)
		rc = months_of_asset(s, asset, e);
	return rc;
}

int
store_relation_put(struct store *s, int64_t rec, int64_t zone,
    const char *asset, const char *album, int64_t position, bool trashed,
    struct err *e)
{
	int64_t asset_rec = 0, album_rec = 0, was_asset = 0, was_album = 0;
	int rc, found, was_out = 0;
	bool own, was_in;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = found = sql_first(s, e, sql_relation_get, "i>iid", rec, &was_asset,
	    &was_album, &was_out);
	if (rc == -1)
		goto out;
	rc = 0;
	was_in = found == 0 && was_out == 0;
	if (asset != NULL)
		rc = record_place(&asset_rec, s, zone, asset, STORE_ASSET, e);
	if (rc == 0 && album != NULL)
		rc = record_place(&album_rec, s, zone, album, STORE_ALBUM, e);
	if (rc == 0)
		rc = sql_run(s, e, sql_relation_put, "iooid", rec,
		    asset_rec != 0, asset_rec, album_rec != 0, album_rec,
		    position, (int)trashed);
	if (rc == 0 && was_in &&
	    (trashed || was_asset != asset_rec || was_album != album_rec)) {
		rc = album_event(s, was_asset, was_album, false, e);
		was_in = false;
	}
	if (rc == 0 && !was_in && !trashed)
		rc = album_event(s, asset_rec, album_rec, true, e);
	/* Albums in which it is no longer are written down too. */
	if (rc == 0 &&
	    (found == 1 ? trashed
			: was_asset != asset_rec || was_album != album_rec)) {
		rc = months_of_asset(s, was_asset, e);
		if (rc == 0)
			rc = months_of_asset(s, asset_rec, e);
	}
out:
	return tx_end(s, own, rc, e);
}

int
relation_gone(struct store *s, int64_t rec, struct err *e)
{
	int64_t asset = 0, album = 0;
	int rc, out = 0;

	if (event_add(s, rec, EVENT_GONE, NULL, e) == -1)
		return -1;
	rc = sql_first(
	    s, e, sql_relation_get, "i>iid", rec, &asset, &album, &out);
	if (rc == 0 && out == 0)
		rc = album_event(s, asset, album, false, e);
	if (rc == 0)
		rc = sql_run(s, e, sql_relation_out, "i", rec);
	return rc == 1 ? 0 : rc;
}
