#include "zone.h"

#include <stdlib.h>
#include <string.h>

#include "body_p.h"
#include "buf.h"
#include "json.h"

const char *
database_name(enum database database)
{
	return database == DATABASE_SHARED ? "shared" : "private";
}

void
zone_id_copy(struct zone_id *out, const struct zone_id *in)
{
	out->database = in->database;
	out->name = xstrdup(in->name);
	out->owner = xstrdup(in->owner);
	out->type = xstrdup(in->type);
}

void
zone_id_clear(struct zone_id *z)
{
	free(z->name);
	free(z->owner);
	free(z->type);
	z->name = z->owner = z->type = NULL;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The type says nothing about which zone it is. */
bool
zone_id_equal(const struct zone_id *a, const struct zone_id *b)
{
	return a->database == b->database && same(a->name, b->name) &&
	    same(a->owner, b->owner);
}

static char *
text_or_null(const cJSON *json, const char *name)
{
	const char *s = json_str(json, name);

	return s != NULL && *s != '\0' ? xstrdup(s) : NULL;
}

int
zone_id_read(struct zone_id *out, enum database database, const cJSON *json)
{
	memset(out, 0, sizeof(*out));
	out->database = database;
	out->name = text_or_null(json, "zoneName");
	if (out->name == NULL)
		return -1;
	out->owner = text_or_null(json, "ownerRecordName");
	out->type = text_or_null(json, "zoneType");
	return 0;
}

/* [zone-id]: a zone that others own is not found without its owner. */
cJSON *
zone_id_json(const struct zone_id *z)
{
	cJSON *json = body_object();

	body_text(json, "zoneName", z->name);
	if (z->owner != NULL)
		body_text(json, "ownerRecordName", z->owner);
	if (z->type != NULL)
		body_text(json, "zoneType", z->type);
	return json;
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

enum zone_kind
zone_kind(const char *name)
{
	if (strcmp(name, "PrimarySync") == 0)
		return ZONE_PRIMARY;
	if (begins(name, "SharedSync-"))
		return ZONE_SHARED;
	if (begins(name, "CMM-"))
		return ZONE_LINK;
	return ZONE_OTHER;
}
