#include "photos.h"

#include <stdlib.h>
#include <string.h>

#include "body_p.h"
#include "buf.h"
#include "cloudkit.h"
#include "cloudkit_p.h"
#include "err.h"
#include "photos_p.h"
#include "record.h"
#include "zone.h"

/* Tokens of 48 and markers of 68 characters were seen; more than this is none
 * that we would want to keep. */
#define TOKEN_MAX 65536

static const char not_understood[] =
    "iCloud Photos gave an answer that is not understood (%s).";

char *
photos_span_text(struct json_span span)
{
	cJSON *json;
	char *text = NULL;

	if (span.p == NULL || *span.p != '"' || span.len > TOKEN_MAX)
		return NULL;
	json = json_span_parse(span, NULL);
	if (cJSON_IsString(json) && *json->valuestring != '\0')
		text = xstrdup(json->valuestring);
	cJSON_Delete(json);
	return text;
}

/* A token or marker, which the page then owns. */
static char *
own_token(const cJSON *json, const char *name)
{
	const char *s = json_str(json, name);

	if (s == NULL || *s == '\0' || strlen(s) > TOKEN_MAX)
		return NULL;
	return xstrdup(s);
}

/* [changes-zone]: only false, null or nothing at all is an end. */
static bool
is_more(const cJSON *json)
{
	const cJSON *more = json_get(json, "moreComing");

	return more != NULL && !cJSON_IsFalse(more) && !cJSON_IsNull(more);
}

/* The small things of a page: all of it without its records, which are left
 * where they are. */
static struct json_span
without(struct buf *out, struct json_span page, struct json_span records)
{
	const char *end = records.p + records.len;

	if (buf_add(out, page.p, (size_t)(records.p - page.p)) == -1 ||
	    buf_adds(out, "[]") == -1 ||
	    buf_add(out, end, (size_t)(page.p + page.len - end)) == -1)
		return page;
	return (struct json_span){out->data, out->len};
}

int
photos_page_read(struct photos_page *out, struct json_span span, struct err *e)
{
	struct json_span records = json_span_get(span, "records");
	struct json_span rest = span;
	struct buf b = {0};
	cJSON *json = NULL;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (records.p != NULL)
		rest = without(&b, span, records);
	if (cloudkit_entry_error(e, rest) == -1)
		goto out;
	if (records.p == NULL || *records.p != '[') {
		err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    "a page without records");
		goto out;
	}
	json = json_span_parse(rest, e);
	if (json == NULL)
		goto out;
	out->records = records;
	out->token = own_token(json, "syncToken");
	out->marker = own_token(json, "continuationMarker");
	out->more = is_more(json);
	rc = 0;
out:
	cJSON_Delete(json);
	buf_clear(&b);
	return rc;
}

void
photos_page_clear(struct photos_page *page)
{
	free(page->token);
	free(page->marker);
	memset(page, 0, sizeof(*page));
}

void
photos_zone_add(cJSON *body, const struct zone_id *zone)
{
	body_add(body, "zoneID", zone_id_json(zone));
}

/* A name is a string that is not empty. */
static bool
is_named(struct json_span record)
{
	struct json_span name = json_span_get(record, "recordName");

	return name.p != NULL && *name.p == '"' && name.len > 2;
}

size_t
photos_nameless(struct json_span records)
{
	struct json_span r;
	size_t it = 0, n = 0;

	while (json_span_next(&r, records, &it))
		n += !is_named(r);
	return n;
}

static void
unreadable(struct json_span span,
    void (*record)(void *arg, const struct record *), void *arg)
{
	char *name = photos_span_text(json_span_get(span, "recordName"));
	struct record r = {
	    .type = RECORD_ERROR,
	    .name = name != NULL ? name : "",
	    .type_name = "",
	    .tag = "",
	    .raw = span,
	};

	record(arg, &r);
	free(name);
}

void
photos_each(struct json_span records,
    void (*record)(void *arg, const struct record *), void *arg)
{
	struct json_span span;
	struct record r;
	size_t it = 0;

	while (json_span_next(&span, records, &it)) {
		if (record_read(&r, span, NULL) == -1) {
			unreadable(span, record, arg);
			continue;
		}
		record(arg, &r);
		record_clear(&r);
	}
}

/* changes/database. */
struct zones {
	struct cloudkit *ck;
	enum database database;
	char *token; /* sent; NULL: none */
	char *next;  /* read */
	struct json_span list;
	bool more;
	unsigned same; /* answers in a row that led nowhere */
	struct photos_zones cb;
};

static void zones_ask(struct zones *);

static void
zones_end(struct zones *z, const struct err *e)
{
	struct photos_zones cb = z->cb;
	char *token = e->code == ERR_NONE ? z->next : NULL;

	if (token == NULL)
		free(z->next);
	free(z->token);
	free(z);
	cb.done(cb.arg, token, e);
	free(token);
}

/* A zone that cannot be named could hold a whole library. */
static bool
zones_are_named(struct json_span list)
{
	struct json_span entry, name;
	size_t it = 0;

	while (json_span_next(&entry, list, &it)) {
		name =
		    json_span_get(json_span_get(entry, "zoneID"), "zoneName");
		if (name.p == NULL || *name.p != '"' || name.len <= 2)
			return false;
	}
	return true;
}

static int
zones_read(void *arg, struct json_span answer, bool last, struct err *e)
{
	struct zones *z = arg;
	cJSON *json = json_span_parse(answer, NULL);

	(void)last;
	free(z->next);
	z->list = json_span_get(answer, "zones");
	z->next = own_token(json, "syncToken");
	z->more = is_more(json);
	cJSON_Delete(json);
	if (z->list.p == NULL || *z->list.p != '[' || !zones_are_named(z->list))
		return err_set(
		    e, ERR_PROTOCOL, NULL, not_understood, "no list of zones");
	if (z->more && z->next == NULL)
		return err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    "more zones, but no token");
	return 0;
}

/* An error of one zone shows when it is walked. */
static void
zones_hand_on(struct zones *z)
{
	struct json_span entry;
	struct zone_id id;
	cJSON *json;
	size_t it = 0;

	while (json_span_next(&entry, z->list, &it)) {
		json = json_span_parse(entry, NULL);
		if (zone_id_read(
			&id, z->database, json_object(json, "zoneID")) == 0)
			z->cb.zone(z->cb.arg, &id, json_bool(json, "deleted"));
		zone_id_clear(&id);
		cJSON_Delete(json);
	}
}

/* The error of a request with a token or marker, where the service did not
 * say what it does not like: a token that has expired was never seen. */
static void
blame_token(struct err *e, bool had_token)
{
	if (had_token && cloudkit_is_bad_request(e))
		e->code = ERR_TOKEN;
	else if (!had_token && e->code == ERR_TOKEN)
		e->code = ERR_PROTOCOL;
}

static void
zones_answered(void *arg, struct http_response *resp, const struct err *net)
{
	struct zones *z = arg;
	struct err e = *net;

	(void)resp;
	if (e.code == ERR_NONE) {
		zones_hand_on(z);
		z->same = z->more && z->token != NULL &&
			strcmp(z->token, z->next) == 0
		    ? z->same + 1
		    : 0;
		if (z->same >= PHOTOS_SAME_MAX)
			err_set(&e, ERR_PROTOCOL, NULL, not_understood,
			    "the list of zones does not end");
	}
	blame_token(&e, z->token != NULL);
	if (e.code != ERR_NONE || !z->more) {
		zones_end(z, &e);
		return;
	}
	free(z->token);
	z->token = z->next;
	z->next = NULL;
	zones_ask(z);
}

static void
zones_ask(struct zones *z)
{
	cJSON *body = body_object();

	if (z->token != NULL)
		body_text(body, "syncToken", z->token);
	cloudkit_ask(z->ck,
	    &(struct cloudkit_request){
		.database = z->database,
		.path = "changes/database",
		.body = body,
		.read = zones_read,
		.done = zones_answered,
		.arg = z,
	    });
}

void
photos_zones(struct cloudkit *ck, enum database database, const char *token,
    const struct photos_zones *cb)
{
	struct zones *z = xcalloc(1, sizeof(*z));

	z->ck = ck;
	z->database = database;
	z->token = token != NULL && *token != '\0' ? xstrdup(token) : NULL;
	z->cb = *cb;
	zones_ask(z);
}

/* CheckIndexingState. */
struct indexing {
	char *state;
	void (*done)(void *arg, const char *state, const struct err *);
	void *arg;
};

static void
indexing_record(void *arg, const struct record *r)
{
	struct indexing *x = arg;
	const char *s = record_str(r, "state");

	if (s != NULL && *s != '\0' && x->state == NULL)
		x->state = xstrdup(s);
}

static int
indexing_read(void *arg, struct json_span answer, bool last, struct err *e)
{
	struct indexing *x = arg;
	struct photos_page page;
	int rc;

	(void)last;
	rc = photos_page_read(&page, answer, e);
	if (rc == 0)
		photos_each(page.records, indexing_record, x);
	photos_page_clear(&page);
	return rc;
}

static void
indexing_answered(void *arg, struct http_response *resp, const struct err *e)
{
	struct indexing *x = arg;

	(void)resp;
	x->done(x->arg, x->state != NULL ? x->state : "", e);
	free(x->state);
	free(x);
}

void
photos_indexing(struct cloudkit *ck, const struct zone_id *zone,
    void (*done)(void *arg, const char *state, const struct err *), void *arg)
{
	struct indexing *x = xcalloc(1, sizeof(*x));
	cJSON *body = body_object();

	x->done = done;
	x->arg = arg;
	body_text(body_add(body, "query", body_object()), "recordType",
	    "CheckIndexingState");
	photos_zone_add(body, zone);
	cloudkit_ask(ck,
	    &(struct cloudkit_request){
		.database = zone->database,
		.path = "records/query",
		.body = body,
		.read = indexing_read,
		.done = indexing_answered,
		.arg = x,
	    });
}

/* Counts. */
const char *const photos_count_ids[PHOTOS_COUNTS] = {
    "CPLAssetByAddedDate",
    "CPLAssetByAssetDateWithoutHiddenOrDeleted",
    "CPLAssetHiddenByAssetDate",
    "CPLAssetDeletedByExpungedDate",
};

struct counts {
	int64_t n[PHOTOS_COUNTS];
	void (*done)(
	    void *arg, const int64_t counts[PHOTOS_COUNTS], const struct err *);
	void *arg;
};

static void
counts_record(void *arg, const struct record *r)
{
	struct counts *c = arg;
	int64_t n;
	size_t i;

	if (!record_int(&n, r, "itemCount") || n < 0)
		return;
	/* The record is named after its index; the order is not relied on. */
	for (i = 0; i < PHOTOS_COUNTS; i++)
		if (strcmp(r->name, photos_count_ids[i]) == 0)
			c->n[i] = n;
}

/* One count that is refused leaves the others; all refused is an error. */
static int
counts_read(void *arg, struct json_span answer, bool last, struct err *e)
{
	struct json_span batch = json_span_get(answer, "batch"), entry;
	struct counts *c = arg;
	struct photos_page page;
	size_t it = 0, good = 0;
	struct err bad = ERR_INIT;
	size_t i;

	(void)last;
	for (i = 0; i < PHOTOS_COUNTS; i++)
		c->n[i] = -1;
	while (json_span_next(&entry, batch, &it)) {
		if (photos_page_read(&page, entry, &bad) == 0) {
			photos_each(page.records, counts_record, c);
			good++;
		}
		photos_page_clear(&page);
	}
	if (good > 0)
		return 0;
	if (bad.code == ERR_NONE)
		return err_set(
		    e, ERR_PROTOCOL, NULL, not_understood, "no counts");
	*e = bad;
	return -1;
}

static void
counts_answered(void *arg, struct http_response *resp, const struct err *e)
{
	struct counts *c = arg;

	(void)resp;
	c->done(c->arg, c->n, e);
	free(c);
}

/* [counts]: filterBy is one object here, where records/query has an array. */
static void
counts_add(cJSON *batch, const struct zone_id *zone, const char *id)
{
	cJSON *entry = body_append(batch, body_object());
	cJSON *query, *filter, *value;

	body_int(entry, "resultsLimit", 1);
	query = body_add(entry, "query", body_object());
	body_text(query, "recordType", "HyperionIndexCountLookup");
	filter = body_add(query, "filterBy", body_object());
	body_text(filter, "fieldName", "indexCountID");
	body_text(filter, "comparator", "IN");
	value = body_add(filter, "fieldValue", body_object());
	body_text(value, "type", "STRING_LIST");
	body_append_text(body_add(value, "value", body_array()), id);
	body_true(entry, "zoneWide");
	photos_zone_add(entry, zone);
}

void
photos_counts(struct cloudkit *ck, const struct zone_id *zone,
    void (*done)(
	void *arg, const int64_t counts[PHOTOS_COUNTS], const struct err *),
    void *arg)
{
	struct counts *c = xcalloc(1, sizeof(*c));
	cJSON *body = body_object();
	cJSON *batch = body_add(body, "batch", body_array());
	size_t i;

	c->done = done;
	c->arg = arg;
	for (i = 0; i < PHOTOS_COUNTS; i++) {
		c->n[i] = -1;
		counts_add(batch, zone, photos_count_ids[i]);
	}
	cloudkit_ask(ck,
	    &(struct cloudkit_request){
		.database = zone->database,
		.path = "internal/records/query/batch",
		.body = body,
		.read = counts_read,
		.done = counts_answered,
		.arg = c,
	    });
}

/*
 * records/query.  Whole positions are two records (master and asset), so the
 * sizes are even; 408 on large libraries was cured by 100 [records-query].
 */
static const int query_sizes[] = {PHOTOS_PAGE_MAX, 100, 20, 4};
#define QUERY_SIZES (sizeof(query_sizes) / sizeof(query_sizes[0]))

bool
photos_may_pass(const struct err *e)
{
	return cloudkit_less_may_help(e);
}

struct query {
	struct cloudkit *ck;
	struct zone_id zone;
	struct photos_query q; /* texts owned */
	size_t size;           /* index into query_sizes */
	size_t assets;
	struct photos_page page;
};

static void query_ask(struct query *);

static void
query_end(struct query *x, const struct err *e)
{
	struct photos_query q = x->q;
	struct photos_page page = x->page;

	zone_id_clear(&x->zone);
	q.done(q.arg, e->code == ERR_NONE ? page.marker : NULL, x->assets, e);
	photos_page_clear(&page);
	free((char *)q.index);
	free((char *)q.marker);
	free((char *)q.parent);
	free(x);
}

static int
query_read(void *arg, struct json_span answer, bool last, struct err *e)
{
	struct query *x = arg;

	photos_page_clear(&x->page);
	if (photos_page_read(&x->page, answer, e) == -1)
		return -1;
	if (!last && photos_nameless(x->page.records) > 0)
		return err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    "records without names");
	return 0;
}

static void
query_record(void *arg, const struct record *r)
{
	struct query *x = arg;

	/* [records-query]: ranks count assets; a master that two of them share
	 * comes once. */
	if (r->type == RECORD_ASSET)
		x->assets++;
	x->q.record(x->q.arg, r);
}

static void
query_answered(void *arg, struct http_response *resp, const struct err *net)
{
	struct query *x = arg;
	struct err e = *net;

	(void)resp;
	if (e.code == ERR_NONE) {
		photos_each(x->page.records, query_record, x);
		query_end(x, &e);
		return;
	}
	if (cloudkit_less_may_help(&e) && x->size + 1 < QUERY_SIZES) {
		x->size++;
		query_ask(x);
		return;
	}
	blame_token(&e, x->q.marker != NULL);
	query_end(x, &e);
}

static void
query_filter(cJSON *list, const char *field, const char *type, cJSON *value)
{
	cJSON *filter = body_append(list, body_object());
	cJSON *v;

	body_text(filter, "fieldName", field);
	body_text(filter, "comparator", "EQUALS");
	v = body_add(filter, "fieldValue", body_object());
	body_text(v, "type", type);
	body_add(v, "value", value);
}

static cJSON *
query_body(const struct query *x)
{
	cJSON *body = body_object(), *query, *list;

	query = body_add(body, "query", body_object());
	body_text(query, "recordType", x->q.index);
	list = body_array();
	if (x->q.rank >= 0) {
		query_filter(list, "startRank", "INT64",
		    cJSON_CreateNumber((double)x->q.rank));
		query_filter(list, "direction", "STRING",
		    cJSON_CreateString("ASCENDING"));
	}
	if (x->q.parent != NULL)
		query_filter(list, "parentId", "STRING",
		    cJSON_CreateString(x->q.parent));
	if (cJSON_GetArraySize(list) > 0)
		body_add(query, "filterBy", list);
	else
		cJSON_Delete(list);
	if (x->q.marker != NULL)
		body_text(body, "continuationMarker", x->q.marker);
	body_int(body, "resultsLimit", query_sizes[x->size]);
	if (x->q.names_only) {
		list = body_add(body, "desiredKeys", body_array());
		body_append_text(list, "masterRef");
		body_append_text(list, "isDeleted");
		body_append_text(list, "isHidden");
	} else {
		photos_keys_add(body);
	}
	photos_zone_add(body, &x->zone);
	return body;
}

static void
query_ask(struct query *x)
{
	cloudkit_ask(x->ck,
	    &(struct cloudkit_request){
		.database = x->zone.database,
		.path = "records/query",
		.body = query_body(x),
		.tries = x->size == 0 ? 0 : 1,
		.read = query_read,
		.done = query_answered,
		.arg = x,
	    });
}

void
photos_query(struct cloudkit *ck, const struct zone_id *zone,
    const struct photos_query *q)
{
	struct query *x = xcalloc(1, sizeof(*x));

	x->ck = ck;
	zone_id_copy(&x->zone, zone);
	x->q = *q;
	x->q.index = xstrdup(q->index);
	x->q.marker = xstrdup(q->marker);
	x->q.parent = xstrdup(q->parent);
	query_ask(x);
}
