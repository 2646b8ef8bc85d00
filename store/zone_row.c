#include "store_p.h"

#include <assert.h>
#include <stdlib.h>

/* Zones and databases: where their feeds go on. */

static const char sql_zone_find[] =
    "SELECT zone FROM zone"
    " WHERE database = ?1 AND ifnull(owner, '') = ifnull(?2, '')"
    " AND name = ?3";
static const char sql_zone_add[] =
    "INSERT INTO zone(database, owner, name, type, kind)"
    " VALUES(?1, ?2, ?3, ?4, ?5)";
static const char sql_zone_update[] =
    "UPDATE zone SET type = ?2, kind = ?3 WHERE zone = ?1"
    " AND (type IS NOT ?2 OR kind <> ?3)";
static const char sql_zone_get[] =
    "SELECT token, walked, keys, gone_run, walked_ms FROM zone"
    " WHERE zone = ?1";

int
store_zone_put(struct store *s, struct store_zone *z, struct err *e)
{
	int64_t zone = 0, gone_run = 0;
	char *token = NULL;
	bool gone = false, own;
	int walked = 0, rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_first(s, e, sql_zone_find, "dtt>i", z->database, z->owner,
	    z->name, &zone);
	if (rc == 0)
		rc = sql_run(
		    s, e, sql_zone_update, "itd", zone, z->type, z->kind);
	else if (rc == 1) {
		rc = sql_run(s, e, sql_zone_add, "dtttd", z->database, z->owner,
		    z->name, z->type, z->kind);
		zone = sqlite3_last_insert_rowid(s->db);
	}
	if (rc == 0)
		rc = sql_first(s, e, sql_zone_get, "i>tddoi", zone, &token,
		    &walked, &z->keys, &gone, &gone_run, &z->walked_ms);
	rc = tx_end(s, own, rc == 1 ? -1 : rc, e);
	if (rc == 0) {
		buf_reset(&s->text);
		if (token != NULL && buf_adds(&s->text, token) == -1)
			abort();
		z->zone = zone;
		z->token = token != NULL ? buf_text(&s->text) : NULL;
		z->walked = walked != 0;
		z->gone = gone;
	}
	free(token);
	return rc;
}

static const char sql_zones[] =
    "SELECT zone, database, name, owner, type, kind, token, walked, keys,"
    " gone_run IS NOT NULL, walked_ms FROM zone"
    " WHERE zone > ?1 ORDER BY zone LIMIT 1";

/* One at a time, so that each() may use the store. */
int
store_zones(struct store *s, void (*each)(void *, const struct store_zone *),
    void *arg, struct err *e)
{
	struct store_zone z = {0};
	char *name, *owner, *type, *token;
	int gone, walked, rc;

	for (;;) {
		name = owner = type = token = NULL;
		rc = sql_first(s, e, sql_zones, "i>idtttdtdddi", z.zone,
		    &z.zone, &z.database, &name, &owner, &type, &z.kind, &token,
		    &walked, &z.keys, &gone, &z.walked_ms);
		if (rc == 0) {
			z.name = name;
			z.owner = owner;
			z.type = type;
			z.token = token;
			z.walked = walked != 0;
			z.gone = gone != 0;
			each(arg, &z);
		}
		free(name);
		free(owner);
		free(type);
		free(token);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
	}
}

static const char sql_token[] = "UPDATE zone SET token = ?2 WHERE zone = ?1";
static const char sql_token_end[] =
    "UPDATE zone SET token = ?2, walked = 1, keys = ?3, walked_ms = ?4"
    " WHERE zone = ?1";
static const char sql_token_drop[] =
    "UPDATE zone SET token = NULL, walked = 0 WHERE zone = ?1";
static const char sql_other_drop[] = "DELETE FROM other WHERE zone = ?1";

int
store_zone_token(struct store *s, int64_t zone, const char *token, bool end,
    int keys, int64_t now_ms, struct err *e)
{
	bool own;
	int rc;

	if (token != NULL && end)
		return sql_run(
		    s, e, sql_token_end, "itdi", zone, token, keys, now_ms);
	if (token != NULL)
		return sql_run(s, e, sql_token, "it", zone, token);
	/* The walk begins anew, and with it what is only counted. */
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_run(s, e, sql_token_drop, "i", zone);
	if (rc == 0)
		rc = sql_run(s, e, sql_other_drop, "i", zone);
	return tx_end(s, own, rc, e);
}

static const char sql_gone_get[] =
    "SELECT gone_run IS NOT NULL, name FROM zone WHERE zone = ?1";
static const char sql_gone_set[] =
    "UPDATE zone SET gone_run = ?2 WHERE zone = ?1";

int
store_zone_gone(struct store *s, int64_t zone, bool gone, struct err *e)
{
	char *name = NULL;
	bool own;
	int was = 0, rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_first(s, e, sql_gone_get, "i>dt", zone, &was, &name);
	if (rc == 0 && (was != 0) != gone) {
		rc = sql_run(s, e, sql_gone_set, "io", zone, gone, s->run);
		if (rc == 0)
			rc = event_add(s, 0,
			    gone ? EVENT_ZONE_GONE : EVENT_ZONE_BACK, name, e);
		if (rc == 0)
			rc = assets_of_zone(s, zone, gone, e);
	}
	free(name);
	return tx_end(s, own, rc == 1 ? 0 : rc, e);
}

static const char sql_database_get[] =
    "SELECT token FROM database WHERE database = ?1";
static const char sql_database_put[] =
    "INSERT INTO database(database, token) VALUES(?1, ?2)"
    " ON CONFLICT(database) DO UPDATE SET token = ?2"
    " WHERE token IS NOT ?2";

int
store_database_token(char **out, struct store *s, int database, struct err *e)
{
	*out = NULL;
	return sql_first(s, e, sql_database_get, "d>t", database, out) == -1
	    ? -1
	    : 0;
}

int
store_database_token_put(
    struct store *s, int database, const char *token, struct err *e)
{
	return sql_run(s, e, sql_database_put, "dt", database, token);
}
