#ifndef ZONE_H
#define ZONE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum database { DATABASE_PRIVATE = 0, DATABASE_SHARED = 1 };
#define DATABASE_COUNT 2

/* "private", "shared" */
const char *database_name(enum database);

/* A zone as it was listed.  The whole object goes back to the server with
 * every request [zone-id].  Texts are owned; type may be NULL. */
struct zone_id {
	enum database	 database;
	char		*name;	/* "PrimarySync" */
	char		*owner;	/* "_" and 32 hex digits; NULL if not given */
	char		*type;	/* "REGULAR_CUSTOM_ZONE" */
};

void	zone_id_copy(struct zone_id *out, const struct zone_id *);
void	zone_id_clear(struct zone_id *);
bool	zone_id_equal(const struct zone_id *, const struct zone_id *);
/* From a "zoneID" object; -1 if it has no zone name. */
int	zone_id_read(struct zone_id *out, enum database, const cJSON *);
cJSON	*zone_id_json(const struct zone_id *); /* the caller deletes */

/* What a zone is for, by its name [zones]. */
enum zone_kind {
	ZONE_PRIMARY,  /* the account's own library */
	ZONE_SHARED,   /* an iCloud Shared Photo Library */
	ZONE_LINK,     /* one "Copy iCloud Link" share: no library */
	ZONE_OTHER,    /* of an app: no library */
};
enum zone_kind zone_kind(const char *name);

#endif
