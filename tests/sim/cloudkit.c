#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "text.h"

/*
 * pNN-ckdatabasews.icloud.com, container com.apple.photos.cloud, as far as a
 * reader needs it.  Everything else is refused and counted as a violation.
 */

#define PAGE_MAX 200 /* records, whatever is asked for [records-query] */

struct call {
	struct cloud *cloud;
	const struct sim_request *request;
	struct sim_response *response;
	struct page page;
	cJSON *body;
	bool shared;
	bool want_token; /* getCurrentSyncToken */
	bool by_name;    /* a look-up */
};

/* --- answers --- */

static void
new_uuid(char out[40], struct cloud *c, int64_t now_ms)
{
	uint64_t a, b;

	pthread_mutex_lock(&c->lock);
	a = ++c->uuids;
	pthread_mutex_unlock(&c->lock);
	b = mix2(c->options.seed ^ (uint64_t)now_ms, a);
	a = mix64(b);
	snprintf(out, 40, "%08x-%04x-4%03x-%04x-%012llx",
	    (unsigned int)(b >> 32), (unsigned int)(b >> 16 & 0xffff),
	    (unsigned int)(b & 0xfff), (unsigned int)(0x8000 | (a >> 50)),
	    (unsigned long long)(a & UINT64_C(0xffffffffffff)));
}

static void
begin_answer(struct call *q, int status)
{
	struct sim_response *resp = q->response;

	resp->status = status;
	sim_add_header(resp, "Content-Type", "application/json; charset=UTF-8");
	sim_add_header(resp, "X-Apple-Request-UUID", "%s", q->page.uuid);
	sim_add_header(resp, "X-Apple-CloudKit-Version", "1.0");
	sim_add_header(resp, "x-apple-user-partition", "%d", q->page.partition);
}

static int
status_of(const char *code)
{
	static const struct {
		const char *code;
		int status;
	} t[] = {/* [cloudkit-errors] */
	    {"ACCESS_DENIED", 403}, {"AUTHENTICATION_FAILED", 401},
	    {"AUTHENTICATION_REQUIRED", 421}, {"BAD_REQUEST", 400},
	    {"ZONE_NOT_FOUND", 404}, {"NOT_FOUND", 404},
	    {"INTERNAL_ERROR", 500}};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strcmp(t[i].code, code) == 0)
			return t[i].status;
	return 503;
}

static void
add_error(struct buf *b, const char *code, const char *reason)
{
	buf_adds(b, "\"serverErrorCode\":");
	buf_add_json(b, code);
	buf_adds(b, ",\"reason\":");
	buf_add_json(b, reason);
}

static void
answer_error(struct call *q, const char *code, const char *reason)
{
	begin_answer(q, status_of(code));
	buf_addf(&q->response->body, "{\"uuid\":\"%s\",", q->page.uuid);
	add_error(&q->response->body, code, reason);
	buf_addc(&q->response->body, '}');
}

/* --- zones --- */

/* Of a zoneID; NULL if there is none such. */
static struct zone *
find_zone(struct call *q, const cJSON *zone_id)
{
	const char *name = json_str(zone_id, "zoneName");
	const char *owner = json_str(zone_id, "ownerRecordName");
	struct zone *z;

	if (name == NULL)
		return NULL;
	pthread_mutex_lock(&q->cloud->lock);
	z = cloud_zone(q->cloud, q->shared, name);
	if (z != NULL && z->left)
		z = NULL;
	pthread_mutex_unlock(&q->cloud->lock);
	if (z == NULL)
		return NULL;
	/* another's zone is known by its owner as well; PrimarySync by its
	 * name alone [zone-id] */
	if (owner == NULL ? q->shared : strcmp(owner, z->owner) != 0)
		return NULL;
	return z;
}

static void
no_zone(char out[160], const cJSON *zone_id)
{
	const char *name = json_str(zone_id, "zoneName");

	snprintf(
	    out, 160, "Zone '%.100s' does not exist", name != NULL ? name : "");
}

/* A fault in a zone: "CODE" or "CODE@zoneName". */
static bool
zone_fault(char code[64], struct call *q, const char *zone_name)
{
	const char *fault = sim_fault_hook(q->request, "zone_error");

	if (fault == NULL || !fault_value_chooses(fault, zone_name))
		return false;
	fault_value(code, fault);
	if (code[0] == '\0')
		snprintf(code, 64, "INTERNAL_ERROR");
	return true;
}

/* The zone of a query or look-up; NULL once the error was answered. */
static struct zone *
need_zone(struct call *q, const cJSON *holder)
{
	const cJSON *zone_id = json_object(holder, "zoneID");
	struct zone *z;
	char text[160], code[64];

	if (zone_id == NULL) {
		/* [records-lookup]: the default zone has no tokens */
		answer_error(q, "BAD_REQUEST",
		    "syncToken operations supported only in SyncZone");
		return NULL;
	}
	z = find_zone(q, zone_id);
	if (z == NULL) {
		no_zone(text, zone_id);
		answer_error(q, "ZONE_NOT_FOUND", text);
	} else if (zone_fault(code, q, z->name)) {
		answer_error(q, code, "the simulation was told to fail here");
		z = NULL;
	}
	return z;
}

/* --- sync tokens --- */

#define TOKEN_LEN 33

/* [sync-token]: 0x01, a counter, 7F FF .. FF, sixteen bytes of the zone. */
static void
add_token(struct buf *b, const struct zone *z, uint64_t position)
{
	uint8_t t[TOKEN_LEN];
	uint64_t counter = z->counter + position;
	int i;

	t[0] = 0x01;
	for (i = 0; i < 8; i++)
		t[1 + i] = (uint8_t)(counter >> (56 - 8 * i));
	t[9] = 0x7f;
	memset(t + 10, 0xff, 7);
	memcpy(t + 17, z->token, 16);
	buf_addc(b, '"');
	text_base64(b, t, sizeof(t));
	buf_addc(b, '"');
}

/* NULL, or why the token is refused. */
static const char *
read_token(uint64_t *position, const struct zone *z, const char *text)
{
	struct buf b = {0};
	const uint8_t *p;
	const char *why = "Unknown sync continuation type";
	uint64_t counter = 0;
	int i;

	if (text_unbase64(&b, text, strlen(text)) == 0 && b.len > 0 &&
	    b.data[0] == 0x01) {
		why = "Invalid continuation format";
		p = (const uint8_t *)b.data;
		if (b.len == TOKEN_LEN && p[9] == 0x7f &&
		    memcmp(p + 17, z->token, 16) == 0) {
			for (i = 0; i < 8; i++)
				counter = counter << 8 | p[1 + i];
			if (counter >= z->counter &&
			    counter - z->counter <= z->feed_count) {
				*position = counter - z->counter;
				why = NULL;
			}
		}
	}
	buf_clear(&b);
	return why;
}

#define DB_TOKEN_LEN 41

static uint64_t
db_seal(const struct cloud *c, bool shared, uint64_t once)
{
	return mix2(c->options.seed ^ 0x6462, once * 2 + shared);
}

/* [changes-database]: another text each time, and none for zones. */
static void
add_db_token(struct buf *b, struct cloud *c, bool shared)
{
	uint8_t t[DB_TOKEN_LEN];
	uint64_t once = mix64(++c->uuids), state, check;
	int i;

	state = c->database[shared] ^ db_seal(c, shared, once);
	check = mix64(state ^ db_seal(c, shared, ~once));
	t[0] = 0x03;
	for (i = 0; i < 8; i++) {
		t[1 + i] = (uint8_t)(once >> (56 - 8 * i));
		t[9 + i] = (uint8_t)(state >> (56 - 8 * i));
		t[17 + i] = (uint8_t)(check >> (56 - 8 * i));
		t[25 + i] = (uint8_t)(mix64(check) >> (56 - 8 * i));
		t[33 + i] = (uint8_t)(mix64(~check) >> (56 - 8 * i));
	}
	buf_addc(b, '"');
	text_base64(b, t, sizeof(t));
	buf_addc(b, '"');
}

static bool
read_db_token(
    uint64_t *seen, const struct cloud *c, bool shared, const char *text)
{
	struct buf b = {0};
	uint64_t once = 0, state = 0, check = 0;
	const uint8_t *p;
	bool ok = false;
	int i;

	if (text_unbase64(&b, text, strlen(text)) == 0 &&
	    b.len == DB_TOKEN_LEN && b.data[0] == 0x03) {
		p = (const uint8_t *)b.data;
		for (i = 0; i < 8; i++) {
			once = once << 8 | p[1 + i];
			state = state << 8 | p[9 + i];
			check = check << 8 | p[17 + i];
		}
		ok = check == mix64(state ^ db_seal(c, shared, ~once));
		*seen = state ^ db_seal(c, shared, once);
		/* from a process that had seen more: everything is news */
		if (*seen > c->database[shared])
			*seen = 0;
	}
	buf_clear(&b);
	return ok;
}

/* --- zones/list, changes/database --- */

static void
add_zone(struct buf *b, const struct zone *z, bool token)
{
	buf_addf(b, "{\"zoneID\":%s", z->id_json);
	if (z->left) {
		buf_adds(b, ",\"deleted\":true");
	} else if (token) {
		buf_adds(b, ",\"syncToken\":");
		add_token(b, z, z->feed_count);
	}
	buf_addc(b, '}');
}

static void
list_zones(struct buf *b, struct call *q, uint64_t since, bool tokens)
{
	struct cloud *c = q->cloud;
	bool some = false;
	size_t i;

	buf_adds(b, "{\"moreComing\":false,\"syncToken\":");
	add_db_token(b, c, q->shared);
	buf_adds(b, ",\"zones\":[");
	for (i = 0; i < c->zone_count; i++) {
		if (c->zones[i]->shared != q->shared ||
		    c->zones[i]->seen <= since ||
		    (c->zones[i]->left && since == 0))
			continue;
		if (some)
			buf_addc(b, ',');
		some = true;
		add_zone(b, c->zones[i], tokens);
	}
	buf_adds(b, "]}");
}

static void
zones_list(struct call *q)
{
	char code[64];

	if (zone_fault(code, q, q->shared ? "shared" : "private")) {
		answer_error(q, code, "the simulation was told to fail here");
		return;
	}
	begin_answer(q, 200);
	pthread_mutex_lock(&q->cloud->lock);
	list_zones(&q->response->body, q, 0, q->want_token);
	pthread_mutex_unlock(&q->cloud->lock);
}

static void
changes_database(struct call *q)
{
	const cJSON *token = json_get(q->body, "syncToken");
	uint64_t since = 0;
	char code[64];
	bool ok = true;

	if (zone_fault(code, q, q->shared ? "shared" : "private")) {
		answer_error(q, code, "the simulation was told to fail here");
		return;
	}
	pthread_mutex_lock(&q->cloud->lock);
	if (cJSON_IsString(token))
		ok = read_db_token(
			 &since, q->cloud, q->shared, token->valuestring) &&
		    sim_fault_hook(q->request, "token_refused") == NULL;
	if (ok) {
		begin_answer(q, 200);
		list_zones(&q->response->body, q, since, true);
	}
	pthread_mutex_unlock(&q->cloud->lock);
	if (!ok)
		answer_error(
		    q, "BAD_REQUEST", "Unknown sync continuation type");
}

/* --- changes/zone --- */

/* What stands at a place of the feed, unless it has moved on. */
static enum type
feed_at(uint32_t *number, const struct zone *z, uint64_t position)
{
	uint32_t n = z->feed[position] & 0xfffffff, now = 0;
	enum type type = (enum type)(z->feed[position] >> 28);

	*number = n;
	switch (type) {
	case TYPE_MASTER:
		now = z->masters[n].position;
		break;
	case TYPE_ASSET:
		now = z->assets[n].position;
		break;
	case TYPE_ALBUM:
		now = z->albums[n].position;
		break;
	case TYPE_RELATION:
		now = z->relations[n].position;
		break;
	case TYPE_INFO:
		now = z->info_position;
		break;
	case TYPE_QUOTA:
		now = z->quota_position;
		break;
	case TYPE_OTHER:
	case TYPE_TOMBSTONE:
		return type;
	case TYPE_NONE:
	case TYPE_BURST:
		return TYPE_NONE;
	}
	return now == position ? type : TYPE_NONE;
}

static void
add_items(struct buf *b, struct call *q, const struct items *l)
{
	/* what pages leave out, look-ups give */
	const char *fault =
	    q->by_name ? NULL : sim_fault_hook(q->request, "no_master");
	const char *left_out = sim_fault_hook(q->request, "leave_out");
	char name[256];
	bool some = false;
	size_t i;

	buf_adds(b, "\"records\":[");
	for (i = 0; i < l->count; i++) {
		if (fault != NULL && l->v[i].type == TYPE_MASTER) {
			item_name(name, &q->page, &l->v[i]);
			if (fault_chooses(fault, name))
				continue;
		}
		if (left_out != NULL) {
			item_name(name, &q->page, &l->v[i]);
			if (fault_chooses(left_out, name))
				continue;
		}
		if (some)
			buf_addc(b, ',');
		some = true;
		item_write(b, &q->page, &l->v[i]);
	}
	buf_addc(b, ']');
}

/* One page of one zone: its records from *position on, which moves on. */
static void
feed_page(struct items *out, bool *more, struct call *q, struct zone *z,
    uint64_t *position, int64_t limit)
{
	enum type type;
	uint32_t n;
	int64_t i;

	/* A page goes over so many places of the history, whatever is left at
	 * them: some are short, some empty. */
	for (i = 0; i < limit && *position < z->feed_count; i++) {
		type = feed_at(&n, z, (*position)++);
		if (type != TYPE_NONE)
			items_add(out, &q->page, z, type, n);
	}
	*more = *position < z->feed_count;
}

static void
zone_failed(
    struct buf *b, const cJSON *zone_id, const char *code, const char *reason)
{
	char *text = cJSON_PrintUnformatted(zone_id);

	buf_addf(b, "{\"zoneID\":%s,", text != NULL ? text : "null");
	cJSON_free(text);
	add_error(b, code, reason);
	buf_addc(b, '}');
}

static const char *
token_of(uint64_t *position, bool *first, struct call *q, const struct zone *z,
    const cJSON *token)
{
	*first = false;
	*position = 0;
	if (token == NULL || cJSON_IsNull(token)) {
		*first = true;
		return NULL;
	}
	if (!cJSON_IsString(token))
		return "Unknown sync continuation type";
	if (token->valuestring[0] == '\0') {
		/* [changes-zone]: as if caught up, the worst of answers */
		sim_violation("an empty syncToken was sent to %s", z->name);
		*position = z->feed_count;
		return NULL;
	}
	if (sim_fault_hook(q->request, "token_refused") != NULL)
		return "Unknown sync continuation type";
	return read_token(position, z, token->valuestring);
}

static void
add_feed(struct buf *b, struct call *q, const cJSON *in)
{
	const cJSON *zone_id = json_object(in, "zoneID");
	struct zone *z = find_zone(q, zone_id);
	struct items l = {0};
	struct keys *keys;
	const char *why = NULL;
	uint64_t position = 0, from;
	int64_t limit = PAGE_MAX;
	bool first = false, more = true;
	char text[160], code[64];

	if (z == NULL) {
		no_zone(text, zone_id);
		zone_failed(b, zone_id, "ZONE_NOT_FOUND", text);
		return;
	}
	if (zone_fault(code, q, z->name)) {
		zone_failed(
		    b, zone_id, code, "the simulation was told to fail here");
		return;
	}
	if (json_get(in, "resultsLimit") != NULL &&
	    (!json_int(&limit, in, "resultsLimit") || limit < 2)) {
		zone_failed(
		    b, zone_id, "BAD_REQUEST", "resultsLimit is invalid");
		return;
	}
	if (limit > PAGE_MAX)
		limit = PAGE_MAX;
	keys = keys_new(json_get(in, "desiredKeys"));
	q->page.keys = keys;
	q->page.zone = z;
	pthread_mutex_lock(&q->cloud->lock);
	why = token_of(&position, &first, q, z, json_get(in, "syncToken"));
	from = position;
	if (why == NULL && !first &&
	    sim_fault_hook(q->request, "empty_page") == NULL)
		feed_page(&l, &more, q, z, &position, limit);
	pthread_mutex_unlock(&q->cloud->lock);
	if (why != NULL) {
		zone_failed(b, zone_id, "BAD_REQUEST", why);
	} else {
		items_hash(&l, q->cloud, z);
		buf_addf(b, "{\"zoneID\":%s,\"moreComing\":", z->id_json);
		/* at the end null at times, which means false */
		buf_adds(b, more ? "true" : from % 3 == 0 ? "null" : "false");
		buf_adds(b, ",\"syncToken\":");
		add_token(b, z, position);
		buf_addc(b, ',');
		add_items(b, q, &l);
		buf_addc(b, '}');
	}
	items_clear(&l);
	keys_free(keys);
	q->page.keys = NULL;
}

static void
changes_zone(struct call *q)
{
	const cJSON *zones = json_array(q->body, "zones"), *in;
	struct buf *b = &q->response->body;
	bool some = false;

	if (zones == NULL || cJSON_GetArraySize(zones) == 0) {
		answer_error(
		    q, "BAD_REQUEST", "missing required field 'zones'");
		return;
	}
	begin_answer(q, 200);
	buf_adds(b, "{\"zones\":[");
	cJSON_ArrayForEach (in, zones) {
		if (some)
			buf_addc(b, ',');
		some = true;
		add_feed(b, q, in);
	}
	buf_adds(b, "]}");
}

/* --- records/query --- */

enum shape { SHAPE_JOINT, SHAPE_ASSETS, SHAPE_SMART };

static const struct {
	const char *name;
	enum index index;
	enum shape shape;
} indexes[] = {
    /* [records-query] */
    {"CPLAssetAndMasterByAddedDate", INDEX_ADDED, SHAPE_JOINT},
    {"CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted", INDEX_VISIBLE,
	SHAPE_JOINT},
    {"CPLAssetAndMasterHiddenByAssetDate", INDEX_HIDDEN, SHAPE_JOINT},
    {"CPLAssetAndMasterDeletedByExpungedDate", INDEX_DELETED, SHAPE_JOINT},
    {"CPLBurstStackAssetAndMasterByAssetDate", INDEX_BURST, SHAPE_JOINT},
    {"CPLAssetAndMasterInSmartAlbumByAssetDate", INDEX_COUNT, SHAPE_SMART},
    {"CPLAssetByAddedDate", INDEX_ADDED, SHAPE_ASSETS},
    {"CPLAssetByAssetDateWithoutHiddenOrDeleted", INDEX_VISIBLE, SHAPE_ASSETS},
    {"CPLAssetHiddenByAssetDate", INDEX_HIDDEN, SHAPE_ASSETS},
    {"CPLAssetDeletedByExpungedDate", INDEX_DELETED, SHAPE_ASSETS},
};

static const struct {
	const char *filter, *count;
	enum index index;
} smart_albums[] = {
    /* [smart-albums] */
    {"TIMELAPSE", "Timelapse", INDEX_TIMELAPSE},
    {"VIDEO", "Video", INDEX_VIDEO},
    {"SLOMO", "Slomo", INDEX_SLOMO},
    {"FAVORITE", "Favorite", INDEX_FAVORITE},
    {"PANORAMA", "Panorama", INDEX_PANORAMA},
    {"SCREENSHOT", "Screenshot", INDEX_SCREENSHOT},
    {"LIVE", "Live", INDEX_LIVE},
    {"DEPTH", "Depth", INDEX_DEPTH},
    {"EXPOSURE", "Exposure", INDEX_EXPOSURE},
    {"ANIMATED", "Animated", INDEX_ANIMATED},
};

/* The value of a filter; filterBy is an array, or one object. */
static const cJSON *
filter_value(const cJSON *query, const char *name)
{
	const cJSON *by = json_get(query, "filterBy"), *f;
	const char *field;

	if (cJSON_IsObject(by)) {
		field = json_str(by, "fieldName");
		return field != NULL && strcmp(field, name) == 0
		    ? json_at(by, "fieldValue", "value", NULL)
		    : NULL;
	}
	cJSON_ArrayForEach (f, by) {
		field = json_str(f, "fieldName");
		if (field != NULL && strcmp(field, name) == 0)
			return json_at(f, "fieldValue", "value", NULL);
	}
	return NULL;
}

static const char *
filter_text(const cJSON *query, const char *name)
{
	const cJSON *v = filter_value(query, name);

	return cJSON_IsString(v) ? v->valuestring : NULL;
}

struct query {
	const cJSON *query;
	struct zone *zone;
	const char *type; /* recordType */
	int64_t limit;    /* records */
	int64_t start;    /* rank */
	bool descending;
	uint32_t hash; /* of what a marker is good for */
	const char *marker;
	bool token; /* syncToken in the answer */
};

static uint32_t
query_hash(const cJSON *query, const struct zone *z)
{
	char *text = cJSON_PrintUnformatted(query), *p;
	uint64_t h = z->counter;

	for (p = text; p != NULL && *p != '\0'; p++)
		h = mix2(h, (uint8_t)*p);
	cJSON_free(text);
	return (uint32_t)h;
}

/*
 * [continuation-marker]: a small protobuf with the index key and the record
 * name of the last asset of the page, so that it holds when ranks shift.
 */
static void
add_marker(struct buf *b, int64_t key, const char *record_name, uint32_t hash)
{
	struct buf m = {0};
	uint64_t ordered = (uint64_t)key ^ UINT64_C(0x8000000000000000);
	int bytes = key > 0 && key < INT64_C(1) << 40 ? 5 : 8, i;

	if (bytes == 5)
		ordered = (uint64_t)key;
	buf_addf(&m, "\x12%c%c", bytes + 1, 0x14 + bytes);
	for (i = bytes - 1; i >= 0; i--)
		buf_addc(&m, (char)(ordered >> (8 * i)));
	buf_addf(&m, "\x1a%c\n%c%s\x10\x01", (int)strlen(record_name) + 4,
	    (int)strlen(record_name), record_name);
	buf_addc(&m, 0x2d);
	for (i = 0; i < 4; i++)
		buf_addc(&m, (char)(hash >> (8 * i)));
	buf_adds(b, ",\"continuationMarker\":\"");
	text_base64(b, (const uint8_t *)m.data, m.len);
	buf_addc(b, '"');
	buf_clear(&m);
}

static bool
read_marker(int64_t *key, char name[128], const struct query *in)
{
	struct buf m = {0};
	const uint8_t *p;
	uint64_t v = 0;
	uint32_t hash = 0;
	size_t bytes, n, i;
	bool ok = false;

	if (text_unbase64(&m, in->marker, strlen(in->marker)) == -1 ||
	    m.len < 20)
		goto out;
	p = (const uint8_t *)m.data;
	bytes = p[1] - 1u;
	if (p[0] != 0x12 || (bytes != 5 && bytes != 8) ||
	    p[2] != 0x14 + bytes || p[3 + bytes] != 0x1a)
		goto out;
	for (i = 0; i < bytes; i++)
		v = v << 8 | p[3 + i];
	*key = (int64_t)(bytes == 5 ? v : v ^ UINT64_C(0x8000000000000000));
	n = p[6 + bytes];
	if (n >= 128 || m.len != 7 + bytes + n + 7)
		goto out;
	memcpy(name, p + 7 + bytes, n);
	name[n] = '\0';
	for (i = 0; i < 4; i++)
		hash |= (uint32_t)p[7 + bytes + n + 3 + i] << (8 * i);
	ok = hash == in->hash;
out:
	buf_clear(&m);
	return ok;
}

/* Where to go on in an index after an asset that stood there with this key,
 * whether or not it still does: the first rank behind it. */
static size_t
rank_after(const struct zone *z, const struct ranks *r, enum index ix,
    int64_t key, uint32_t asset)
{
	size_t low = 0, high = r->count, mid;
	int64_t k;

	while (low < high) {
		mid = low + (high - low) / 2;
		k = index_key(z, ix, r->v[mid]);
		if (k > key || (k == key && r->v[mid] >= asset))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* A page of positions of an index. */
struct window {
	uint32_t *assets; /* owned */
	size_t count;
	bool more;
	int64_t last_key;
};

/* Under the lock.  False if the marker is none of this query. */
static bool
take_window(struct window *out, struct call *q, const struct query *in,
    const struct ranks *r, enum index ix, size_t positions)
{
	char name[128];
	int64_t key, at;
	uint32_t asset = 0;

	at = in->start;
	if (in->descending && at >= (int64_t)r->count)
		at = (int64_t)r->count - 1;
	if (in->marker != NULL) {
		if (!read_marker(&key, name, in) ||
		    !uuid_number(
			&asset, q->cloud, in->zone, TYPE_ASSET, name) ||
		    asset >= in->zone->asset_count)
			return false;
		at = (int64_t)rank_after(in->zone, r, ix, key, asset);
		if (in->descending) {
			/* one nearer to the newest than the asset itself */
			at--;
			if (at >= 0 && r->v[at] == asset)
				at--;
		}
	}
	out->assets = xreallocarray(NULL, positions + 1, sizeof(uint32_t));
	while (out->count < positions && at >= 0 && at < (int64_t)r->count) {
		out->assets[out->count++] = r->v[at];
		out->last_key = index_key(in->zone, ix, r->v[at]);
		at += in->descending ? -1 : 1;
	}
	out->more = out->count > 0 && at >= 0 && at < (int64_t)r->count;
	return true;
}

/* Masters once each and assets; masters first on the first page, elsewhere
 * nobody promised [records-query]. */
static void
add_pairs(struct items *l, struct call *q, const struct zone *z,
    const struct window *w, bool joint, bool assets_first)
{
	size_t i, j;
	int turn;
	uint32_t master;

	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < w->count; i++) {
			if ((turn == 0) == assets_first) {
				items_add(
				    l, &q->page, z, TYPE_ASSET, w->assets[i]);
				continue;
			}
			if (!joint)
				continue;
			master = z->assets[w->assets[i]].master;
			for (j = 0; j < i; j++)
				if (z->assets[w->assets[j]].master == master)
					break;
			if (j == i)
				items_add(l, &q->page, z, TYPE_MASTER, master);
		}
	}
}

static void
end_query(
    struct call *q, const struct query *in, struct items *l, const char *marker)
{
	struct buf *b = &q->response->body;

	items_hash(l, q->cloud, in->zone);
	begin_answer(q, 200);
	buf_addc(b, '{');
	add_items(b, q, l);
	buf_adds(b, marker);
	if (in->token) {
		buf_adds(b, ",\"syncToken\":");
		pthread_mutex_lock(&q->cloud->lock);
		add_token(b, in->zone, in->zone->feed_count);
		pthread_mutex_unlock(&q->cloud->lock);
	}
	buf_addc(b, '}');
	items_clear(l);
}

static void
query_index(struct call *q, const struct query *in, enum index ix, bool joint)
{
	struct items l = {0};
	struct window w = {0};
	struct buf marker = {0};
	const struct ranks *r;
	char name[40];
	size_t positions = (size_t)in->limit / (joint ? 2 : 1);
	bool ok, first;

	if (positions == 0)
		positions = 1;
	pthread_mutex_lock(&q->cloud->lock);
	if (sim_fault_hook(q->request, "trash_one") != NULL)
		trash_newest(q->cloud, in->zone, q->request->now_ms);
	r = zone_index(in->zone, ix);
	ok = take_window(&w, q, in, r, ix, positions);
	if (ok && sim_fault_hook(q->request, "empty_page") != NULL) {
		/* nothing, but the way on is the same: asked again, the page
		 * is there */
		if (in->marker != NULL)
			buf_addf(&marker, ",\"continuationMarker\":\"%s\"",
			    in->marker);
	} else if (ok) {
		first = in->marker == NULL && in->start == 0;
		add_pairs(
		    &l, q, in->zone, &w, joint, !first && w.last_key % 2 == 0);
		if (w.more) {
			uuid_name(name, q->cloud, in->zone, TYPE_ASSET,
			    w.assets[w.count - 1]);
			add_marker(&marker, w.last_key, name, in->hash);
		}
	}
	pthread_mutex_unlock(&q->cloud->lock);
	if (ok)
		end_query(q, in, &l, buf_text(&marker));
	else
		answer_error(q, "BAD_REQUEST", "Invalid continuation marker");
	free(w.assets);
	buf_clear(&marker);
}

/* --- members of albums --- */

struct member {
	int64_t key;
	uint32_t relation, asset;
};

static int
compare_members(const void *va, const void *vb)
{
	const struct member *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? 1 : -1;
	return a->asset < b->asset ? 1 : -1;
}

/* Under the lock; the caller frees. */
static struct member *
members(size_t *count, const struct zone *z, uint32_t album, bool by_position)
{
	const struct album *al = &z->albums[album];
	const struct relation *r;
	struct member *m;
	size_t i;

	m = xreallocarray(NULL, al->relation_count + 1, sizeof(*m));
	*count = 0;
	for (i = 0; i < al->relation_count; i++) {
		r = &z->relations[al->relations[i]];
		if (r->gone ||
		    (z->assets[r->asset].flags & (A_GONE | A_TRASHED)) != 0)
			continue;
		m[*count].key = by_position
		    ? -(int64_t)r->place
		    : index_key(z, INDEX_VISIBLE, r->asset);
		m[*count].relation = al->relations[i];
		m[*count].asset = r->asset;
		(*count)++;
	}
	qsort(m, *count, sizeof(*m), compare_members);
	return m;
}

/* The first place behind a marker's, or before it when going back. */
static bool
member_start(int64_t *at, struct call *q, const struct query *in,
    const struct member *m, size_t count)
{
	struct member last;
	char name[128];
	size_t i = 0;

	*at = in->start;
	if (in->descending && *at >= (int64_t)count)
		*at = (int64_t)count - 1;
	if (in->marker == NULL)
		return true;
	if (!read_marker(&last.key, name, in) ||
	    !uuid_number(&last.asset, q->cloud, in->zone, TYPE_ASSET, name))
		return false;
	while (i < count && compare_members(&m[i], &last) < 0)
		i++;
	*at = (int64_t)i - 1;
	if (!in->descending) {
		if (i < count && m[i].key == last.key &&
		    m[i].asset == last.asset)
			i++;
		*at = (int64_t)i;
	}
	return true;
}

static void
query_members(struct call *q, const struct query *in, bool by_position)
{
	const char *parent = filter_text(in->query, "parentId");
	struct items l = {0};
	struct window w = {0};
	struct buf marker = {0};
	struct member *m = NULL;
	char name[40];
	int64_t at = 0;
	size_t count = 0;
	uint32_t album, last = 0;
	bool ok = true;

	pthread_mutex_lock(&q->cloud->lock);
	if (parent != NULL &&
	    album_number(&album, q->cloud, in->zone, parent) &&
	    !in->zone->albums[album].trashed)
		m = members(&count, in->zone, album, by_position);
	ok = member_start(&at, q, in, m, count);
	/* up to three records a position [records-query] */
	w.assets =
	    xreallocarray(NULL, (size_t)in->limit / 3 + 1, sizeof(uint32_t));
	while (ok && w.count < (size_t)in->limit / 3 && at >= 0 &&
	    at < (int64_t)count) {
		last = (uint32_t)at;
		items_add(
		    &l, &q->page, in->zone, TYPE_RELATION, m[at].relation);
		w.assets[w.count++] = m[at].asset;
		at += in->descending ? -1 : 1;
	}
	if (w.count > 0) {
		add_pairs(&l, q, in->zone, &w, true, false);
		if (at >= 0 && at < (int64_t)count) {
			uuid_name(name, q->cloud, in->zone, TYPE_ASSET,
			    m[last].asset);
			add_marker(&marker, m[last].key, name, in->hash);
		}
	}
	pthread_mutex_unlock(&q->cloud->lock);
	if (ok)
		end_query(q, in, &l, buf_text(&marker));
	else
		answer_error(q, "BAD_REQUEST", "Invalid continuation marker");
	free(m);
	free(w.assets);
	buf_clear(&marker);
}

/* --- albums --- */

static bool
album_listed(const struct zone *z, uint32_t n, uint32_t parent)
{
	if (z->albums[n].trashed)
		return false;
	if (n < 2)
		return parent == 0; /* the sentinels, at the top */
	return z->albums[n].parent == parent;
}

static void
query_albums(struct call *q, const struct query *in)
{
	const char *parent = filter_text(in->query, "parentId");
	const struct zone *z = in->zone;
	struct items l = {0};
	struct buf marker = {0};
	uint32_t top = 0, n = 0, last = 0;
	int64_t key;
	char name[128];
	bool ok = true, more = false;

	pthread_mutex_lock(&q->cloud->lock);
	if (parent != NULL && !album_number(&top, q->cloud, z, parent))
		top = UINT32_MAX;
	if (in->marker != NULL) {
		ok = read_marker(&key, name, in) &&
		    album_number(&n, q->cloud, z, name);
		n++;
	}
	/* rows lie in the order of their positions */
	for (; ok && n < z->album_count; n++) {
		if (!album_listed(z, n, top))
			continue;
		more = l.count == (size_t)in->limit;
		if (more)
			break;
		items_add(&l, &q->page, z, TYPE_ALBUM, n);
		last = n;
	}
	if (more) {
		album_record_name(name, q->cloud, z, last);
		add_marker(&marker, z->albums[last].place, name, in->hash);
	}
	pthread_mutex_unlock(&q->cloud->lock);
	if (ok)
		end_query(q, in, &l, buf_text(&marker));
	else
		answer_error(q, "BAD_REQUEST", "Invalid continuation marker");
	buf_clear(&marker);
}

/* --- indexing state and counts --- */

static void
add_pseudo(struct buf *b, struct call *q, const struct zone *z,
    const char *name, const char *type, const char *fields)
{
	long long now = (long long)q->request->now_ms;

	buf_adds(b, "{\"recordName\":");
	buf_add_json(b, name);
	buf_addf(b,
	    ",\"recordType\":\"%s\",\"fields\":{%s},\"pluginFields\":{},"
	    "\"recordChangeTag\":\"0\",\"created\":{\"timestamp\":%lld,"
	    "\"userRecordName\":\"_10\",\"deviceID\":\"1\"},\"modified\":"
	    "{\"timestamp\":%lld,\"userRecordName\":\"_10\",\"deviceID\":\"1\"}"
	    ","
	    "\"deleted\":false,\"zoneID\":%s}",
	    type, fields, now, now, z->id_json);
}

static void
add_pseudo_end(struct buf *b, struct call *q, const struct query *in)
{
	buf_addc(b, ']');
	if (in->token) {
		buf_adds(b, ",\"syncToken\":");
		pthread_mutex_lock(&q->cloud->lock);
		add_token(b, in->zone, in->zone->feed_count);
		pthread_mutex_unlock(&q->cloud->lock);
	}
	buf_addc(b, '}');
}

static void
query_state(struct call *q, const struct query *in)
{
	bool running = sim_fault_hook(q->request, "not_indexed") != NULL;
	struct buf *b = &q->response->body;
	char name[48], fields[160];

	snprintf(name, sizeof(name), "_%s", q->page.uuid);
	snprintf(fields, sizeof(fields),
	    "\"progress\":{\"value\":%d,\"type\":\"INT64\"},"
	    "\"state\":{\"value\":\"%s\",\"type\":\"STRING\"}",
	    running ? 57 : 100, running ? "RUNNING" : "FINISHED");
	begin_answer(q, 200);
	buf_adds(b, "{\"records\":[");
	add_pseudo(b, q, in->zone, name, "CheckIndexingState", fields);
	add_pseudo_end(b, q, in);
}

/* Under the lock: the number of an index count, 0 if there is none. */
static int64_t
count_of(struct call *q, struct zone *z, const char *id)
{
	static const struct {
		const char *id;
		enum index index;
	} plain[] = {/* [counts] */
	    {"CPLAssetByAddedDate", INDEX_ADDED},
	    {"CPLAssetByAssetDateWithoutHiddenOrDeleted", INDEX_VISIBLE},
	    {"CPLAssetHiddenByAssetDate", INDEX_HIDDEN},
	    {"CPLAssetDeletedByExpungedDate", INDEX_DELETED},
	    {"CPLAssetBurstStackAssetByAssetDate", INDEX_BURST}};
	static const char smart[] = "CPLAssetInSmartAlbumByAssetDate:";
	static const char in_album[] =
	    "CPLContainerRelationNotDeletedByAssetDate:";
	struct totals t;
	uint32_t album;
	size_t i, n;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(id, plain[i].id) == 0)
			return (int64_t)zone_index(z, plain[i].index)->count;
	if (strncmp(id, smart, strlen(smart)) == 0) {
		id += strlen(smart);
		for (i = 0; i < sizeof(smart_albums) / sizeof(smart_albums[0]);
		     i++)
			if (strcmp(id, smart_albums[i].count) == 0)
				return (int64_t)zone_index(
				    z, smart_albums[i].index)
				    ->count;
	}
	if (strncmp(id, in_album, strlen(in_album)) == 0 &&
	    album_number(&album, q->cloud, z, id + strlen(in_album))) {
		free(members(&n, z, album, false));
		return (int64_t)n;
	}
	if (strcmp(id, "CPLAlbumByPositionLive") == 0) {
		zone_totals(&t, z);
		return t.albums;
	}
	return 0;
}

static void
add_counts(struct buf *b, struct call *q, const struct query *in)
{
	const cJSON *ids = filter_value(in->query, "indexCountID"), *id;
	const char *fault = sim_fault_hook(q->request, "count_offset");
	char fields[80], number[64];
	int64_t n, by;
	bool some = false;

	buf_adds(b, "{\"records\":[");
	cJSON_ArrayForEach (id, ids) {
		if (!cJSON_IsString(id))
			continue;
		pthread_mutex_lock(&q->cloud->lock);
		n = count_of(q, in->zone, id->valuestring);
		pthread_mutex_unlock(&q->cloud->lock);
		if (fault != NULL &&
		    fault_value_chooses(fault, id->valuestring)) {
			fault_value(number, fault);
			if (text_int(&by, number, INT32_MIN, INT32_MAX) == 0)
				n += by;
		}
		snprintf(fields, sizeof(fields),
		    "\"itemCount\":{\"value\":%lld,\"type\":\"INT64\"}",
		    (long long)n);
		if (some)
			buf_addc(b, ',');
		some = true;
		add_pseudo(b, q, in->zone, id->valuestring, "IndexCountResult",
		    fields);
	}
	add_pseudo_end(b, q, in);
}

/* --- one query --- */

/* 0; -1 once the error was answered. */
static int
read_query(struct query *out, struct call *q, const cJSON *in)
{
	const char *direction;
	int64_t limit = PAGE_MAX;

	memset(out, 0, sizeof(*out));
	out->zone = need_zone(q, in);
	if (out->zone == NULL)
		return -1;
	out->query = json_object(in, "query");
	out->type = json_str(out->query, "recordType");
	if (out->type == NULL) {
		answer_error(
		    q, "BAD_REQUEST", "missing required field 'query'");
		return -1;
	}
	if (json_get(in, "resultsLimit") != NULL &&
	    (!json_int(&limit, in, "resultsLimit") || limit < 1)) {
		answer_error(q, "BAD_REQUEST", "resultsLimit is invalid");
		return -1;
	}
	out->limit = limit < PAGE_MAX ? limit : PAGE_MAX;
	out->marker = json_str(in, "continuationMarker");
	json_value_int(&out->start, filter_value(out->query, "startRank"));
	direction = filter_text(out->query, "direction");
	out->descending =
	    direction != NULL && strcmp(direction, "DESCENDING") == 0;
	if (out->start < 0) {
		answer_error(q, "BAD_REQUEST", "startRank is invalid");
		return -1;
	}
	out->hash = query_hash(out->query, out->zone);
	/* with a limit of 1 there is no token [sync-token] */
	out->token = q->want_token && limit >= 2;
	q->page.zone = out->zone;
	return 0;
}

static void
query_smart(struct call *q, const struct query *in)
{
	const char *album = filter_text(in->query, "smartAlbum");
	struct items none = {0};
	size_t i;

	for (i = 0; album != NULL &&
	     i < sizeof(smart_albums) / sizeof(smart_albums[0]);
	     i++)
		if (strcmp(album, smart_albums[i].filter) == 0) {
			query_index(q, in, smart_albums[i].index, true);
			return;
		}
	if (album != NULL && strcmp(album, "SELFIE") == 0)
		end_query(q, in, &none, "");
	else
		answer_error(q, "BAD_REQUEST", "Unknown smart album");
}

static void
run_query(struct call *q, const struct query *in)
{
	char text[160];
	size_t i;

	for (i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		if (strcmp(in->type, indexes[i].name) != 0)
			continue;
		if (indexes[i].shape == SHAPE_ASSETS &&
		    sim_fault_hook(q->request, "joint_only") != NULL)
			break;
		if (indexes[i].shape == SHAPE_SMART)
			query_smart(q, in);
		else
			query_index(q, in, indexes[i].index,
			    indexes[i].shape == SHAPE_JOINT);
		return;
	}
	if (strcmp(in->type, "CheckIndexingState") == 0) {
		query_state(q, in);
	} else if (strcmp(in->type, "CPLAlbumByPositionLive") == 0) {
		query_albums(q, in);
	} else if (strcmp(in->type, "CPLContainerRelationLiveByAssetDate") ==
	    0) {
		query_members(q, in, false);
	} else if (strcmp(in->type, "CPLContainerRelationLiveByPosition") ==
	    0) {
		query_members(q, in, true);
	} else if (strcmp(in->type, "HyperionIndexCountLookup") == 0) {
		begin_answer(q, 200);
		add_counts(&q->response->body, q, in);
	} else {
		snprintf(text, sizeof(text),
		    "Type is not marked indexable: %.100s", in->type);
		answer_error(q, "BAD_REQUEST", text);
	}
}

static void
records_query(struct call *q)
{
	struct query in;
	struct keys *keys;

	if (read_query(&in, q, q->body) == -1)
		return;
	keys = keys_new(json_get(q->body, "desiredKeys"));
	q->page.keys = keys;
	run_query(q, &in);
	q->page.keys = NULL;
	keys_free(keys);
}

static void
query_batch(struct call *q)
{
	const cJSON *batch = json_array(q->body, "batch"), *e;
	struct buf *b = &q->response->body;
	struct query in;
	char text[160], code[64];
	bool some = false;

	if (batch == NULL) {
		answer_error(
		    q, "BAD_REQUEST", "missing required field 'batch'");
		return;
	}
	begin_answer(q, 200);
	buf_adds(b, "{\"batch\":[");
	cJSON_ArrayForEach (e, batch) {
		if (some)
			buf_addc(b, ',');
		some = true;
		memset(&in, 0, sizeof(in));
		in.query = json_object(e, "query");
		in.type = json_str(in.query, "recordType");
		in.zone = find_zone(q, json_object(e, "zoneID"));
		in.token = q->want_token;
		if (in.zone == NULL) {
			no_zone(text, json_object(e, "zoneID"));
			buf_addc(b, '{');
			add_error(b, "ZONE_NOT_FOUND", text);
			buf_addc(b, '}');
		} else if (zone_fault(code, q, in.zone->name)) {
			buf_addc(b, '{');
			add_error(b, code, "the simulation was told to fail");
			buf_addc(b, '}');
		} else if (in.type == NULL ||
		    strcmp(in.type, "HyperionIndexCountLookup") != 0) {
			buf_addc(b, '{');
			add_error(b, "BAD_REQUEST", "only counts in a batch");
			buf_addc(b, '}');
		} else {
			q->page.zone = in.zone;
			add_counts(b, q, &in);
		}
	}
	buf_adds(b, "]}");
}

/* --- records/lookup --- */

/* Under the lock: which record bears this name; TYPE_NONE if none does.
 * *again is set if a master of this name may exist without its being known. */
static enum type
find_record(uint32_t *n, bool *again, struct call *q, const struct zone *z,
    const char *name)
{
	struct buf b = {0};
	char info[96];
	enum type type = TYPE_NONE;

	if (uuid_number(n, q->cloud, z, TYPE_ASSET, name))
		return *n < z->asset_count &&
			(z->assets[*n].flags & A_GONE) == 0
		    ? TYPE_ASSET
		    : TYPE_NONE;
	if (album_number(n, q->cloud, z, name))
		return TYPE_ALBUM;
	if (uuid_number(n, q->cloud, z, TYPE_OTHER, name))
		return *n < z->other_count ? TYPE_OTHER : TYPE_NONE;
	if (relation_find(n, q->cloud, z, name))
		return z->relations[*n].gone ? TYPE_NONE : TYPE_RELATION;
	snprintf(info, sizeof(info), "%s-0000-LI", z->name);
	*n = 0;
	if (strcmp(name, info) == 0)
		return TYPE_INFO;
	if (strlen(name) == 28 && text_unbase64(&b, name, 28) == 0 &&
	    b.len == 1 + SHA1_LEN && b.data[0] == 0x01) {
		if (!master_find(n, z, (const uint8_t *)b.data + 1))
			*again = z->by_name_count < z->master_count;
		else if ((z->masters[*n].flags & M_GONE) == 0)
			type = TYPE_MASTER;
	}
	buf_clear(&b);
	return type;
}

static void
lookup_all(struct items *l, bool *again, struct call *q, struct zone *z,
    const cJSON *records)
{
	const char *fault = sim_fault_hook(q->request, "lookup_not_found");
	const char *name;
	const cJSON *e;
	enum type type;
	uint32_t n;

	pthread_mutex_lock(&q->cloud->lock);
	cJSON_ArrayForEach (e, records) {
		name = json_str(e, "recordName");
		if (name == NULL)
			continue;
		if (fault != NULL && fault_chooses(fault, name))
			type = TYPE_NONE;
		else
			type = find_record(&n, again, q, z, name);
		if (type == TYPE_NONE)
			items_add_missing(l, name);
		else
			items_add(l, &q->page, z, type, n);
	}
	pthread_mutex_unlock(&q->cloud->lock);
}

static void
records_lookup(struct call *q)
{
	const cJSON *records = json_array(q->body, "records");
	struct query in = {0};
	struct items l = {0};
	struct keys *keys;
	bool again = false, ignored;

	in.zone = need_zone(q, q->body);
	if (in.zone == NULL)
		return;
	if (records == NULL) {
		answer_error(
		    q, "BAD_REQUEST", "missing required field 'records'");
		return;
	}
	if (cJSON_GetArraySize(records) > PAGE_MAX) { /* [records-lookup] */
		answer_error(q, "BAD_REQUEST",
		    "array 'records' length is greater than max size");
		return;
	}
	keys = keys_new(json_get(q->body, "desiredKeys"));
	q->page.keys = keys;
	q->page.zone = in.zone;
	in.token = q->want_token;
	lookup_all(&l, &again, q, in.zone, records);
	if (again) {
		items_clear(&l);
		masters_hash_all(q->cloud, in.zone);
		lookup_all(&l, &ignored, q, in.zone, records);
	}
	q->by_name = true;
	end_query(q, &in, &l, "");
	q->page.keys = NULL;
	keys_free(keys);
}

/* --- dispatch --- */

static const struct {
	const char *path;
	void (*run)(struct call *);
} calls[] = {
    {"zones/list", zones_list},
    {"changes/database", changes_database},
    {"changes/zone", changes_zone},
    {"records/query", records_query},
    {"internal/records/query/batch", query_batch},
    {"records/lookup", records_lookup},
};

static void
dispatch(struct call *q, const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(path, calls[i].path) != 0)
			continue;
		q->body = cJSON_ParseWithLength(
		    q->request->body, q->request->body_len);
		if (strcmp(q->request->method, "POST") != 0 ||
		    !cJSON_IsObject(q->body)) {
			sim_violation("%s %s without a JSON object",
			    q->request->method, q->request->path);
			answer_error(q, "BAD_REQUEST", "Invalid request body");
		} else {
			calls[i].run(q);
		}
		cJSON_Delete(q->body);
		return;
	}
	/* anything that writes, above all records/modify */
	sim_violation("%s %s", q->request->method, q->request->path);
	answer_error(q, "ACCESS_DENIED", "nothing may be changed from here");
}

/* NN of "pNN-...", 1 if there is none. */
static int
partition_of(const char *host)
{
	char digits[8];
	int64_t n;

	snprintf(digits, sizeof(digits), "%.*s",
	    (int)strspn(host + 1, "0123456789"), host + 1);
	return text_int(&n, digits, 1, 9999) == 0 ? (int)n : 1;
}

void
cloudkit_answer(
    struct cloud *c, const struct sim_request *r, struct sim_response *resp)
{
	static const char base[] =
	    "/database/1/com.apple.photos.cloud/production/";
	struct call q = {0};
	char value[16];
	const char *path = r->path;
	size_t n = strlen(base);

	q.cloud = c;
	q.request = r;
	q.response = resp;
	q.page.cloud = c;
	q.page.request = r;
	q.page.partition = partition_of(r->host);
	/* one end for all links of a page [download-link] */
	q.page.expires_s = r->now_ms / 1000 + c->options.link_life_s;
	new_uuid(q.page.uuid, c, r->now_ms);
	q.want_token =
	    sim_query(value, sizeof(value), r, "getCurrentSyncToken") &&
	    strcasecmp(value, "true") == 0;
	if (strncmp(path, base, n) == 0) {
		path += n;
		q.shared = strncmp(path, "shared/", 7) == 0;
		if (q.shared || strncmp(path, "private/", 8) == 0) {
			dispatch(&q, path + (q.shared ? 7 : 8));
			return;
		}
	}
	sim_violation("%s %s", r->method, r->path);
	answer_error(&q, "NOT_FOUND", "no such container or database");
}
