#include "test.h"

#include <cjson/cJSON.h>
#include <openssl/sha.h>
#include <strings.h>

#include "faults.h"
#include "json.h"
#include "library.h"
#include "text.h"

/* The rules that every public client relies on, from docs/protocol.md; the
 * library is asked as a client asks, by requests and answers. */

#define NOW_MS (CLOUD_BORN_MS + DAY_MS)
#define BASE   "/database/1/com.apple.photos.cloud/production/"

static const char *
one_header(void *arg, const char *name)
{
	const char **pair = arg;

	return pair != NULL && strcasecmp(pair[0], name) == 0 ? pair[1] : NULL;
}

static struct cloud *
cloud_of(int64_t assets, uint64_t seed)
{
	struct sim_options o = {0};

	o.seed = seed;
	o.assets = assets;
	o.sizes = "tiny";
	return cloud_new(&o, NULL);
}

/* Ask past the sign-in, which is not the library's; with a fault of kind
 * "hook" or none.  NULL if the answer is no JSON. */
static cJSON *
ask_faulty(struct cloud *c, const char *path, const char *body, int *status,
    const struct fault *fault)
{
	struct sim_request r = {0};
	struct sim_response resp = {0};
	char full[256];
	cJSON *answer;

	snprintf(full, sizeof(full), BASE "%s", path);
	r.host = "p61-ckdatabasews.icloud.com";
	r.method = "POST";
	r.path = full;
	r.query = "remapEnums=true&getCurrentSyncToken=true";
	r.body = body;
	r.body_len = strlen(body);
	r.header = one_header;
	r.now_ms = NOW_MS;
	r.fault = fault;
	cloudkit_answer(c, &r, &resp);
	if (status != NULL)
		*status = resp.status;
	answer = cJSON_Parse(buf_text(&resp.body));
	if (answer == NULL && fault == NULL)
		print_error("no JSON: %.300s\n", buf_text(&resp.body));
	buf_clear(&resp.headers);
	buf_clear(&resp.body);
	return answer;
}

static cJSON *
ask(struct cloud *c, const char *path, const char *body, int *status)
{
	cJSON *answer = ask_faulty(c, path, body, status, NULL);

	assert_non_null(answer);
	return answer;
}

static void
control(struct cloud *c, const char *text)
{
	cJSON *op = cJSON_Parse(text);
	const char *why;

	assert_non_null(op);
	why = cloud_control(c, op, NOW_MS);
	if (why != NULL)
		print_error("%s: %s\n", text, why);
	assert_null(why);
	cJSON_Delete(op);
}

static const cJSON *
field(const cJSON *record, const char *name)
{
	return json_at(record, "fields", name, "value", NULL);
}

/* --- the feed --- */

struct walk {
	cJSON *records; /* by name, the latest state */
	char token[80];
	int pages, empty;
};

/* Until nothing more is coming; from w->token on, "" from the beginning. */
static void
walk(struct walk *w, struct cloud *c, const char *zone, const char *keys)
{
	char body[2048];
	const cJSON *z, *rec;
	cJSON *a;
	int n;
	bool more = true;

	if (w->records == NULL)
		w->records = cJSON_CreateObject();
	while (more) {
		snprintf(body, sizeof(body),
		    "{\"zones\":[{\"zoneID\":{\"zoneName\":\"%s\"}%s%s%s,"
		    "\"resultsLimit\":500%s}]}",
		    zone, w->token[0] != '\0' ? ",\"syncToken\":\"" : "",
		    w->token, w->token[0] != '\0' ? "\"" : "", keys);
		a = ask(c, "private/changes/zone", body, NULL);
		z = cJSON_GetArrayItem(json_array(a, "zones"), 0);
		assert_null(json_get(z, "serverErrorCode"));
		n = cJSON_GetArraySize(json_array(z, "records"));
		assert_true(n <= 200);
		w->empty += n == 0;
		w->pages++;
		snprintf(
		    w->token, sizeof(w->token), "%s", json_str(z, "syncToken"));
		assert_int_equal(strlen(w->token), 44);
		cJSON_ArrayForEach (rec, json_array(z, "records")) {
			const char *name = json_str(rec, "recordName");

			assert_non_null(name);
			cJSON_DeleteItemFromObjectCaseSensitive(
			    w->records, name);
			cJSON_AddItemToObject(
			    w->records, name, cJSON_Duplicate(rec, true));
		}
		more = json_bool(z, "moreComing");
		if (w->pages == 1) {
			/* [changes-zone]: the first page is empty */
			assert_int_equal(n, 0);
			assert_true(more);
		}
		cJSON_Delete(a);
		assert_true(w->pages < 10000);
	}
}

static int
count_type(const struct walk *w, const char *type)
{
	const cJSON *rec;
	const char *t;
	int n = 0;

	cJSON_ArrayForEach (rec, w->records) {
		t = json_str(rec, "recordType");
		n += t != NULL && strcmp(t, type) == 0;
	}
	return n;
}

static void
test_feed_has_everything_once(void **state)
{
	struct cloud *c = cloud_of(2500, 7);
	const struct zone *z = c->zones[0];
	struct walk w = {0}, again = {0};
	const cJSON *rec;
	char name[CHECKSUM_MAX];
	int tombstones = 0;
	size_t i;

	(void)state;
	walk(&w, c, "PrimarySync", "");
	assert_int_equal(count_type(&w, "CPLAsset"), z->asset_count);
	assert_int_equal(count_type(&w, "CPLMaster"), z->master_count);
	assert_int_equal(count_type(&w, "CPLAlbum"), z->album_count);
	assert_int_equal(
	    count_type(&w, "CPLContainerRelation"), z->relation_count);
	assert_int_equal(count_type(&w, "CPLLibraryInfo"), 1);
	assert_true(count_type(&w, "CPLFaceCrop") > 0);
	assert_true(w.empty > 4);
	/* every asset has its master, under the name it says */
	cJSON_ArrayForEach (rec, w.records) {
		const cJSON *ref = field(rec, "masterRef");

		tombstones += json_bool(rec, "deleted");
		if (ref != NULL)
			assert_non_null(
			    json_get(w.records, json_str(ref, "recordName")));
	}
	assert_int_equal(tombstones, z->tombstone_count);
	for (i = 0; i < z->master_count; i++) {
		assert_true((z->masters[i].flags & M_HASHED) != 0);
		checksum_text(name, z->masters[i].sha1);
		assert_non_null(json_get(w.records, name));
	}
	/* caught up: no records, the same token */
	again.records = cJSON_CreateObject();
	again.pages = 1;
	snprintf(again.token, sizeof(again.token), "%s", w.token);
	walk(&again, c, "PrimarySync", "");
	assert_int_equal(again.pages, 2);
	assert_int_equal(cJSON_GetArraySize(again.records), 0);
	assert_string_equal(again.token, w.token);
	cJSON_Delete(w.records);
	cJSON_Delete(again.records);
	cloud_free(c);
}

/* The same token gives the same page. */
static void
test_feed_is_idempotent(void **state)
{
	struct cloud *a = cloud_of(300, 3), *b = cloud_of(300, 3);
	struct walk wa = {0}, wb = {0};
	char *ta, *tb;

	(void)state;
	walk(&wa, a, "PrimarySync", "");
	walk(&wb, b, "PrimarySync", "");
	assert_string_equal(wa.token, wb.token);
	cJSON_DeleteItemFromObject(wa.records, "none");
	ta = cJSON_PrintUnformatted(wa.records);
	tb = cJSON_PrintUnformatted(wb.records);
	/* links bear the request's id: they are left out by their length */
	assert_int_equal(strlen(ta), strlen(tb));
	free(ta);
	free(tb);
	cJSON_Delete(wa.records);
	cJSON_Delete(wb.records);
	cloud_free(a);
	cloud_free(b);
}

#define META ",\"desiredKeys\":[\"masterRef\",\"isDeleted\",\"isHidden\"]"

/* [change-effects] */
static void
test_delta_after_changes(void **state)
{
	static const struct {
		const char *op;
		int assets, masters, albums, relations, infos, tombstones;
	} t[] = {
	    {"{\"op\":\"favourite\",\"nth\":0}", 1, 0, 0, 0, 0, 0},
	    {"{\"op\":\"caption\",\"nth\":0}", 1, 0, 0, 0, 0, 0},
	    {"{\"op\":\"edit\",\"nth\":1}", 1, 0, 0, 0, 0, 0},
	    {"{\"op\":\"revert\",\"nth\":1}", 1, 0, 0, 0, 0, 0},
	    {"{\"op\":\"hide\",\"nth\":1}", 1, 0, 0, 0, 1, 0},
	    {"{\"op\":\"unhide\",\"nth\":1}", 1, 0, 0, 0, 1, 0},
	    {"{\"op\":\"trash\",\"nth\":1}", 1, 1, 0, 0, 1, 0},
	    {"{\"op\":\"restore\",\"nth\":1}", 1, 1, 0, 0, 1, 0},
	    {"{\"op\":\"purge\",\"nth\":1}", 0, 0, 0, 0, 1, 2},
	    {"{\"op\":\"add\",\"count\":3,\"kind\":\"live\"}", 3, 3, 0, 0, 1,
		0},
	    {"{\"op\":\"add\",\"count\":4,\"kind\":\"burst\"}", 4, 4, 0, 0, 1,
		0},
	    {"{\"op\":\"duplicate\",\"nth\":0}", 1, 1, 0, 0, 1, 0},
	    {"{\"op\":\"replace_original\",\"nth\":2}", 1, 1, 0, 0, 0, 1},
	    {"{\"op\":\"late_movie\",\"nth\":5}", 0, 1, 0, 0, 1, 0},
	    {"{\"op\":\"late_raw\",\"nth\":20}", 0, 1, 0, 0, 0, 0},
	    {"{\"op\":\"album_add\",\"name\":\"New\",\"parent\":\"Trips\"}", 0,
		0, 1, 0, 1, 0},
	    {"{\"op\":\"album_put\",\"album\":\"New\",\"nth\":3}", 0, 0, 1, 1,
		0, 0},
	    {"{\"op\":\"album_take\",\"album\":\"New\",\"nth\":3}", 0, 0, 0, 0,
		0, 1},
	    {"{\"op\":\"album_rename\",\"album\":\"New\",\"name\":\"Old\"}", 0,
		0, 1, 0, 0, 0},
	    {"{\"op\":\"album_remove\",\"album\":\"Old\"}", 0, 0, 1, 0, 1, 0},
	    {"{\"op\":\"sparse\",\"size\":5000000}", 1, 1, 0, 0, 1, 0},
	};
	struct cloud *c = cloud_of(80, 5);
	struct walk w = {0};
	const cJSON *rec;
	size_t i;
	int gone;

	(void)state;
	walk(&w, c, "PrimarySync", META);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		cJSON_Delete(w.records);
		w.records = NULL;
		w.pages = 1;
		control(c, t[i].op);
		walk(&w, c, "PrimarySync", META);
		gone = 0;
		cJSON_ArrayForEach (rec, w.records)
			gone += json_bool(rec, "deleted");
		if (count_type(&w, "CPLAsset") != t[i].assets ||
		    count_type(&w, "CPLMaster") != t[i].masters ||
		    count_type(&w, "CPLAlbum") != t[i].albums ||
		    count_type(&w, "CPLContainerRelation") != t[i].relations ||
		    count_type(&w, "CPLLibraryInfo") != t[i].infos ||
		    gone != t[i].tombstones)
			fail_msg("%s: %d %d %d %d %d %d", t[i].op,
			    count_type(&w, "CPLAsset"),
			    count_type(&w, "CPLMaster"),
			    count_type(&w, "CPLAlbum"),
			    count_type(&w, "CPLContainerRelation"),
			    count_type(&w, "CPLLibraryInfo"), gone);
	}
	cJSON_Delete(w.records);
	cloud_free(c);
}

static void
zone_error(
    struct cloud *c, const char *zone, const char *token, const char *code)
{
	char body[512];
	const cJSON *z;
	cJSON *a;
	int status;

	snprintf(body, sizeof(body),
	    "{\"zones\":[{\"zoneID\":{\"zoneName\":\"%s\"},"
	    "\"syncToken\":\"%s\"}]}",
	    zone, token);
	a = ask(c, "private/changes/zone", body, &status);
	z = cJSON_GetArrayItem(json_array(a, "zones"), 0);
	assert_int_equal(status, 200);
	assert_string_equal(json_str(z, "serverErrorCode"), code);
	cJSON_Delete(a);
}

static void
test_bad_tokens(void **state)
{
	struct cloud *c = cloud_of(60, 5);
	struct walk w = {0};
	cJSON *a, *b;
	char cut[80];

	(void)state;
	walk(&w, c, "PrimarySync", META);
	zone_error(c, "PrimarySync", "garbage!", "BAD_REQUEST");
	snprintf(cut, sizeof(cut), "%.40s", w.token);
	zone_error(c, "PrimarySync", cut, "BAD_REQUEST");
	a = ask(c, "private/changes/database", "{}", NULL);
	b = ask(c, "private/changes/database", "{}", NULL);
	/* [changes-database]: another text each time, and not for zones */
	assert_string_not_equal(
	    json_str(a, "syncToken"), json_str(b, "syncToken"));
	zone_error(c, "PrimarySync", json_str(a, "syncToken"), "BAD_REQUEST");
	zone_error(c, "SharedSync", w.token, "ZONE_NOT_FOUND");
	cJSON_Delete(a);
	cJSON_Delete(b);
	cJSON_Delete(w.records);
	cloud_free(c);
}

static int
zones_changed(struct cloud *c, char token[128])
{
	char body[256];
	cJSON *a;
	int n;

	snprintf(body, sizeof(body), "{\"syncToken\":\"%s\"}", token);
	a = ask(c, "private/changes/database", token[0] ? body : "{}", NULL);
	n = cJSON_GetArraySize(json_array(a, "zones"));
	assert_non_null(json_str(a, "syncToken"));
	snprintf(token, 128, "%s", json_str(a, "syncToken"));
	cJSON_Delete(a);
	return n;
}

static void
test_database_changes(void **state)
{
	struct cloud *c = cloud_of(60, 5);
	char token[128] = "";
	cJSON *a;

	(void)state;
	assert_int_equal(zones_changed(c, token), 1);
	assert_int_equal(zones_changed(c, token), 0);
	control(c, "{\"op\":\"add\",\"count\":2}");
	assert_int_equal(zones_changed(c, token), 1);
	control(c, "{\"op\":\"shared_library\",\"as\":\"owner\",\"assets\":9}");
	assert_int_equal(zones_changed(c, token), 2);
	control(c, "{\"op\":\"move_to_shared\",\"count\":3}");
	assert_int_equal(zones_changed(c, token), 2);
	assert_int_equal(zones_changed(c, token), 0);
	a = ask(c, "shared/zones/list", "{}", NULL);
	assert_int_equal(cJSON_GetArraySize(json_array(a, "zones")), 0);
	cJSON_Delete(a);
	a = ask(c, "private/zones/list", "{}", NULL);
	assert_int_equal(cJSON_GetArraySize(json_array(a, "zones")), 2);
	cJSON_Delete(a);
	cloud_free(c);
}

/* --- indexes --- */

static const char *const joint[] = {
    "CPLAssetAndMasterByAddedDate",
    "CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted",
    "CPLAssetAndMasterHiddenByAssetDate",
    "CPLAssetAndMasterDeletedByExpungedDate",
    "CPLBurstStackAssetAndMasterByAssetDate",
};
static const char *const counts[] = {
    "CPLAssetByAddedDate",
    "CPLAssetByAssetDateWithoutHiddenOrDeleted",
    "CPLAssetHiddenByAssetDate",
    "CPLAssetDeletedByExpungedDate",
    "CPLAssetBurstStackAssetByAssetDate",
};

static cJSON *
query(struct cloud *c, const char *index, int rank, const char *direction,
    const char *marker)
{
	char body[1024];

	snprintf(body, sizeof(body),
	    "{\"query\":{\"recordType\":\"%s\",\"filterBy\":["
	    "{\"fieldName\":\"startRank\",\"comparator\":\"EQUALS\","
	    "\"fieldValue\":{\"type\":\"INT64\",\"value\":%d}},"
	    "{\"fieldName\":\"direction\",\"comparator\":\"EQUALS\","
	    "\"fieldValue\":{\"type\":\"STRING\",\"value\":\"%s\"}}]},"
	    "\"resultsLimit\":5000%s%s%s%s,"
	    "\"zoneID\":{\"zoneName\":\"PrimarySync\"}}",
	    index, rank, direction, META,
	    marker != NULL ? ",\"continuationMarker\":\"" : "",
	    marker != NULL ? marker : "", marker != NULL ? "\"" : "");
	return ask(c, "private/records/query", body, NULL);
}

/* Append the names of the assets of an answer. */
static int
add_assets(struct buf *out, const cJSON *answer)
{
	const cJSON *rec;
	int n = 0;

	assert_true(cJSON_GetArraySize(json_array(answer, "records")) <= 200);
	cJSON_ArrayForEach (rec, json_array(answer, "records"))
		if (strcmp(json_str(rec, "recordType"), "CPLAsset") == 0) {
			buf_addf(out, "%s\n", json_str(rec, "recordName"));
			n++;
		}
	return n;
}

static int64_t
count_of(struct cloud *c, const char *id)
{
	char body[512];
	const cJSON *rec;
	cJSON *a;
	int64_t n = -1;

	snprintf(body, sizeof(body),
	    "{\"batch\":[{\"resultsLimit\":1,\"query\":{\"recordType\":"
	    "\"HyperionIndexCountLookup\",\"filterBy\":{\"fieldName\":"
	    "\"indexCountID\",\"comparator\":\"IN\",\"fieldValue\":{\"type\":"
	    "\"STRING_LIST\",\"value\":[\"%s\"]}}},\"zoneWide\":true,"
	    "\"zoneID\":{\"zoneName\":\"PrimarySync\"}}]}",
	    id);
	a = ask(c, "private/internal/records/query/batch", body, NULL);
	rec = cJSON_GetArrayItem(
	    json_array(
		cJSON_GetArrayItem(json_array(a, "batch"), 0), "records"),
	    0);
	assert_string_equal(json_str(rec, "recordName"), id);
	assert_true(json_value_int(&n, field(rec, "itemCount")));
	cJSON_Delete(a);
	return n;
}

static void
test_marker_walk_is_rank_walk(void **state)
{
	struct cloud *c = cloud_of(1500, 9);
	struct buf by_rank = {0}, by_marker = {0};
	char marker[256];
	size_t i;
	int rank, n;
	cJSON *a;

	(void)state;
	for (i = 0; i < 5; i++) {
		buf_reset(&by_rank);
		buf_reset(&by_marker);
		rank = 0;
		do {
			a = query(c, joint[i], rank, "ASCENDING", NULL);
			n = add_assets(&by_rank, a);
			rank += n;
			cJSON_Delete(a);
		} while (n > 0);
		assert_int_equal(rank, count_of(c, counts[i]));
		marker[0] = '\0';
		do {
			a = query(c, joint[i], 0, "ASCENDING",
			    marker[0] ? marker : NULL);
			n = add_assets(&by_marker, a);
			snprintf(marker, sizeof(marker), "%s",
			    json_get(a, "continuationMarker") != NULL
				? json_str(a, "continuationMarker")
				: "");
			cJSON_Delete(a);
		} while (marker[0] != '\0');
		assert_string_equal(buf_text(&by_rank), buf_text(&by_marker));
	}
	buf_clear(&by_rank);
	buf_clear(&by_marker);
	cloud_free(c);
}

/* [continuation-marker]: what goes elsewhere does not shift it. */
static void
test_marker_holds_when_ranks_shift(void **state)
{
	struct cloud *c = cloud_of(900, 9);
	struct buf before = {0}, after = {0};
	const char *index = joint[1];
	char marker[256];
	cJSON *a, *b;

	(void)state;
	control(c, "{\"op\":\"plain\",\"assets\":900}");
	a = query(c, index, 0, "ASCENDING", NULL);
	assert_int_equal(add_assets(&before, a), 100);
	snprintf(
	    marker, sizeof(marker), "%s", json_str(a, "continuationMarker"));
	b = query(c, index, 0, "ASCENDING", marker);
	buf_reset(&before);
	add_assets(&before, b);
	cJSON_Delete(b);
	control(c, "{\"op\":\"trash\",\"nth\":899}");
	control(c, "{\"op\":\"trash\",\"nth\":880}");
	/* the very asset that the marker names */
	b = cJSON_GetArrayItem(json_array(a, "records"), 199);
	{
		char op[128];

		snprintf(op, sizeof(op), "{\"op\":\"hide\",\"asset\":\"%s\"}",
		    json_str(b, "recordName"));
		control(c, op);
	}
	control(c, "{\"op\":\"add\",\"count\":5}");
	b = query(c, index, 0, "ASCENDING", marker);
	add_assets(&after, b);
	assert_string_equal(buf_text(&before), buf_text(&after));
	cJSON_Delete(b);
	/* and it is good for its own query only */
	b = query(c, joint[0], 0, "ASCENDING", marker);
	assert_string_equal(json_str(b, "serverErrorCode"), "BAD_REQUEST");
	cJSON_Delete(b);
	cJSON_Delete(a);
	buf_clear(&before);
	buf_clear(&after);
	cloud_free(c);
}

static void
test_descending_is_the_way_back(void **state)
{
	struct cloud *c = cloud_of(150, 2);
	struct buf up = {0}, down = {0};
	cJSON *a, *b;
	int n;

	(void)state;
	control(c, "{\"op\":\"plain\",\"assets\":150}");
	a = query(c, joint[1], 50, "ASCENDING", NULL);
	n = add_assets(&up, a);
	assert_int_equal(n, 100);
	cJSON_Delete(a);
	a = query(c, joint[1], 149, "DESCENDING", NULL);
	assert_int_equal(add_assets(&down, a), 100);
	assert_memory_equal(buf_text(&up), buf_text(&down) + 37 * 99, 37);
	b = query(
	    c, joint[1], 149, "DESCENDING", json_str(a, "continuationMarker"));
	assert_int_equal(add_assets(&down, b), 50);
	assert_null(json_get(b, "continuationMarker"));
	cJSON_Delete(a);
	cJSON_Delete(b);
	buf_clear(&up);
	buf_clear(&down);
	cloud_free(c);
}

static void
test_first_page_is_masters_then_assets(void **state)
{
	struct cloud *c = cloud_of(500, 4);
	cJSON *a = query(c, joint[0], 0, "ASCENDING", NULL);
	const cJSON *rec;
	bool assets = false;

	(void)state;
	cJSON_ArrayForEach (rec, json_array(a, "records")) {
		if (strcmp(json_str(rec, "recordType"), "CPLAsset") == 0)
			assets = true;
		else
			assert_false(assets);
	}
	assert_non_null(json_str(a, "syncToken"));
	cJSON_Delete(a);
	a = ask(c, "private/records/query",
	    "{\"query\":{\"recordType\":\"CPLMaster\"},"
	    "\"zoneID\":{\"zoneName\":\"PrimarySync\"}}",
	    NULL);
	assert_string_equal(
	    json_str(a, "reason"), "Type is not marked indexable: CPLMaster");
	cJSON_Delete(a);
	cloud_free(c);
}

/* --- albums --- */

static cJSON *
albums_of(struct cloud *c, const char *parent, const char *marker)
{
	char body[512];

	snprintf(body, sizeof(body),
	    "{\"query\":{\"recordType\":\"CPLAlbumByPositionLive\"%s%s%s}%s%s%"
	    "s,"
	    "\"zoneID\":{\"zoneName\":\"PrimarySync\"}}",
	    parent != NULL ? ",\"filterBy\":[{\"fieldName\":\"parentId\","
			     "\"comparator\":\"EQUALS\",\"fieldValue\":"
			     "{\"type\":\"STRING\",\"value\":\""
			   : "",
	    parent != NULL ? parent : "", parent != NULL ? "\"}}]" : "",
	    marker != NULL ? ",\"continuationMarker\":\"" : "",
	    marker != NULL ? marker : "", marker != NULL ? "\"" : "");
	return ask(c, "private/records/query", body, NULL);
}

static int
albums_below(struct cloud *c, const char *parent, int depth)
{
	char marker[256] = "";
	const cJSON *rec;
	cJSON *a;
	int64_t type;
	int n = 0;

	do {
		a = albums_of(c, parent, marker[0] ? marker : NULL);
		cJSON_ArrayForEach (rec, json_array(a, "records")) {
			if (field(rec, "albumNameEnc") == NULL)
				continue;
			n++;
			assert_true(
			    json_value_int(&type, field(rec, "albumType")));
			if (type == 3 && depth < 5)
				n += albums_below(
				    c, json_str(rec, "recordName"), depth + 1);
		}
		snprintf(marker, sizeof(marker), "%s",
		    json_get(a, "continuationMarker") != NULL
			? json_str(a, "continuationMarker")
			: "");
		cJSON_Delete(a);
	} while (marker[0] != '\0');
	return n;
}

static void
test_albums_and_members(void **state)
{
	struct cloud *c = cloud_of(90000, 6);
	const struct zone *z = c->zones[0];
	char id[128], name[40], body[1024];
	cJSON *a;
	struct buf b = {0};

	(void)state;
	/* more than a page of them, folders three deep */
	assert_true(z->album_count > 300);
	assert_int_equal(albums_below(c, NULL, 0), z->album_count - 2);
	assert_int_equal(
	    count_of(c, "CPLAlbumByPositionLive"), z->album_count - 2);
	album_record_name(name, c, z, 2);
	snprintf(id, sizeof(id), "CPLContainerRelationNotDeletedByAssetDate:%s",
	    name);
	snprintf(body, sizeof(body),
	    "{\"query\":{\"recordType\":\"CPLContainerRelationLiveByPosition\","
	    "\"filterBy\":[{\"fieldName\":\"parentId\",\"comparator\":"
	    "\"EQUALS\",\"fieldValue\":{\"type\":\"STRING\",\"value\":\"%s\"}}"
	    "]},\"resultsLimit\":200,\"zoneID\":{\"zoneName\":\"PrimarySync\"}"
	    "}",
	    name);
	a = ask(c, "private/records/query", body, NULL);
	assert_int_equal(add_assets(&b, a), count_of(c, id));
	cJSON_Delete(a);
	buf_clear(&b);
	cloud_free(c);
}

/* --- look-ups --- */

static void
test_lookup(void **state)
{
	struct cloud *c = cloud_of(60, 8);
	struct buf body = {0};
	char name[40];
	cJSON *a;
	const cJSON *records;
	int i, status;

	(void)state;
	uuid_name(name, c, c->zones[0], TYPE_ASSET, 3);
	buf_addf(&body,
	    "{\"records\":[{\"recordName\":\"%s\"},{\"recordName\":\"gone\"},"
	    "{\"recordName\":\"PrimarySync-0000-LI\"}],"
	    "\"desiredKeys\":[\"masterRef\",\"photosCount\"],"
	    "\"zoneID\":{\"zoneName\":\"PrimarySync\"}}",
	    name);
	a = ask(c, "private/records/lookup", buf_text(&body), &status);
	assert_int_equal(status, 200);
	records = json_array(a, "records");
	assert_int_equal(cJSON_GetArraySize(records), 3);
	assert_int_equal(cJSON_GetArraySize(json_get(
			     cJSON_GetArrayItem(records, 0), "fields")),
	    1);
	assert_string_equal(
	    json_str(cJSON_GetArrayItem(records, 1), "serverErrorCode"),
	    "NOT_FOUND");
	assert_non_null(field(cJSON_GetArrayItem(records, 2), "photosCount"));
	/* a master's name that has not left yet, as after a restart */
	{
		struct cloud *other = cloud_of(60, 8);
		const char *master =
		    json_str(field(cJSON_GetArrayItem(records, 0), "masterRef"),
			"recordName");
		cJSON *x;

		buf_reset(&body);
		buf_addf(&body,
		    "{\"records\":[{\"recordName\":\"%s\"}],"
		    "\"zoneID\":{\"zoneName\":\"PrimarySync\"}}",
		    master);
		x = ask(other, "private/records/lookup", buf_text(&body), NULL);
		assert_non_null(json_at(
		    cJSON_GetArrayItem(json_array(x, "records"), 0), "fields",
		    "resOriginalRes", "value", "downloadURL", NULL));
		cJSON_Delete(x);
		cloud_free(other);
	}
	cJSON_Delete(a);
	/* [records-lookup]: 200 and no more */
	buf_reset(&body);
	buf_adds(
	    &body, "{\"zoneID\":{\"zoneName\":\"PrimarySync\"},\"records\":[");
	for (i = 0; i < 201; i++)
		buf_addf(&body, "%s{\"recordName\":\"x%d\"}", i ? "," : "", i);
	buf_adds(&body, "]}");
	a = ask(c, "private/records/lookup", buf_text(&body), &status);
	assert_int_equal(status, 400);
	assert_string_equal(json_str(a, "reason"),
	    "array 'records' length is greater than max size");
	cJSON_Delete(a);
	buf_clear(&body);
	cloud_free(c);
}

/* --- truth and bytes --- */

static void
salted(char out[CHECKSUM_MAX], const uint8_t *p, size_t len)
{
	static const char salt[] = "com.apple.XattrObjectSalt\0"
				   "com.apple.DataObjectSalt";
	struct buf b = {0};
	uint8_t sha1[SHA1_LEN];

	buf_add(&b, salt, sizeof(salt));
	buf_add(&b, p, len);
	SHA1((const uint8_t *)b.data, b.len, sha1);
	checksum_text(out, sha1);
	buf_clear(&b);
}

/* [file-checksum]: the vectors without files. */
static void
test_checksum_vectors(void **state)
{
	char text[CHECKSUM_MAX];
	struct cloud *c = cloud_of(1, 1);
	struct content empty = {1, 0, MAGIC_NONE};
	struct sums s;

	(void)state;
	salted(text, (const uint8_t *)"abc", 3);
	assert_string_equal(text, "AYnnoj1r4lMYTs3JP/g7mjGaDCgO");
	content_sums(&s, c, &empty, true);
	checksum_text(text, s.sha1);
	assert_string_equal(text, "AW2cWT2PxzWixMKuuNMTHJ8CJ3sH");
	assert_int_equal(s.sha256[0], 0xe3);
	cloud_free(c);
}

/* Bytes do not depend on the pieces in which they are asked for. */
static void
test_bytes_by_offset(void **state)
{
	struct cloud *c = cloud_of(1, 1);
	struct content f = {0x1234567, 5000, MAGIC_JPEG};
	uint8_t whole[5000], part[5000];
	char text[CHECKSUM_MAX], want[CHECKSUM_MAX];
	struct sums s;
	size_t from, len;

	(void)state;
	content_bytes(c, &f, 0, whole, sizeof(whole));
	assert_memory_equal(whole, "\xff\xd8\xff", 3);
	for (from = 0; from < 70; from++)
		for (len = 0; len < 50; len++) {
			memset(part, 0xaa, sizeof(part));
			content_bytes(c, &f, (int64_t)from, part, len);
			assert_memory_equal(part, whole + from, len);
			assert_int_equal(part[len], 0xaa);
		}
	content_bytes(c, &f, 4093, part, 907);
	assert_memory_equal(part, whole + 4093, 907);
	salted(want, whole, sizeof(whole));
	content_sums(&s, c, &f, false);
	checksum_text(text, s.sha1);
	assert_string_equal(text, want);
	cloud_free(c);
}

static void
test_recorded_picture(void **state)
{
	struct sim_options o = {0};
	struct cloud *c;
	struct buf truth = {0};
	const char *dir = getenv("ICLOUD_PULL_RECORDED");

	(void)state;
	fclose(recorded_open("content/IMG_3589.JPG"));
	o.seed = 1;
	o.assets = 3;
	o.sizes = "tiny";
	o.recorded = dir != NULL ? dir : RECORDED;
	c = cloud_new(&o, NULL);
	cloud_truth(c, &truth);
	assert_non_null(strstr(buf_text(&truth),
	    "\"filename\":\"IMG_3589.JPG\",\"size\":85638,"
	    "\"fileChecksum\":\"AeYfMtlOMb3dM9bETic9fXkMpjMV\",\"sha256\":"
	    "\"ec8182edc191f437c2f53b3e88fef4133369420c90899ad000c4d69c53f3f90c"
	    "\""));
	buf_clear(&truth);
	cloud_free(c);
}

static int
get(struct cloud *c, struct sim_response *resp, const char *url,
    const char *range, int64_t now_ms)
{
	struct sim_request r = {0};
	const char *pair[2] = {"Range", range};
	static char path[2048];
	char *q;

	snprintf(path, sizeof(path), "%s", strstr(url, "/B/"));
	q = strchr(path, '?');
	assert_non_null(q);
	*q = '\0';
	r.host = "cvws.icloud-content.com";
	r.method = "GET";
	r.path = path;
	r.query = q + 1;
	r.body = "";
	r.header = one_header;
	r.header_arg = range != NULL ? pair : NULL;
	r.now_ms = now_ms;
	memset(resp, 0, sizeof(*resp));
	content_answer(c, &r, resp);
	return resp->status;
}

static void
end(struct sim_response *resp)
{
	if (resp->bytes_free != NULL)
		resp->bytes_free(resp->bytes_arg);
	buf_clear(&resp->headers);
	buf_clear(&resp->body);
}

/* Fetch what a link leads to and compare it with what is said of it. */
static void
check_link(struct cloud *c, const cJSON *res)
{
	struct sim_response resp;
	char text[CHECKSUM_MAX];
	uint8_t *p;
	int64_t size;

	assert_true(json_int(&size, res, "size"));
	assert_int_equal(
	    get(c, &resp, json_str(res, "downloadURL"), NULL, NOW_MS), 200);
	assert_int_equal(resp.bytes_len, size);
	p = xmalloc((size_t)size + 1);
	if (size > 0)
		resp.bytes(resp.bytes_arg, 0, p, (size_t)size);
	salted(text, p, (size_t)size);
	assert_string_equal(text, json_str(res, "fileChecksum"));
	free(p);
	end(&resp);
}

static const char *const resources[] = {"resOriginalRes",
    "resOriginalVidComplRes", "resOriginalAltRes", "resSidecarRes",
    "resJPEGFullRes", "resVidFullRes"};

/* Every original of every record has its line, and no line is without. */
static void
test_truth_is_what_records_say(void **state)
{
	struct cloud *c = cloud_of(200, 11);
	struct walk w = {0};
	struct buf truth = {0};
	const cJSON *rec, *master, *res;
	char want[128];
	size_t lines = 0, seen = 0, i;
	const char *p;

	(void)state;
	walk(&w, c, "PrimarySync", "");
	cloud_truth(c, &truth);
	for (p = buf_text(&truth); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	cJSON_ArrayForEach (rec, w.records) {
		if (field(rec, "masterRef") == NULL)
			continue;
		master = json_get(
		    w.records, json_str(field(rec, "masterRef"), "recordName"));
		for (i = 0; i < 6; i++) {
			res = field(i < 3 ? master : rec, resources[i]);
			if (res == NULL && i == 3)
				res = field(master, resources[i]);
			if (res == NULL)
				continue;
			seen++;
			snprintf(want, sizeof(want), "\"fileChecksum\":\"%s\"",
			    json_str(res, "fileChecksum"));
			assert_non_null(strstr(buf_text(&truth), want));
			check_link(c, res);
		}
	}
	assert_int_equal(lines, seen);
	cJSON_Delete(w.records);
	buf_clear(&truth);
	cloud_free(c);
}

/* Sixty assets are enough to see each kind of thing. */
static void
test_sixty_have_all_kinds(void **state)
{
	static const char *const want[] = {"\"live\"", "\"alternative\"",
	    "\"edited\"", "\"edited-video\"", "\"sidecar\"", "\"hidden\"",
	    "\"trashed\"", "\"filename\":null", "\"filename\":\"\"",
	    "\"assetDate_ms\":null", "\"assetDate_ms\":-63849600000,",
	    "\"assetDate_ms\":9223372036854775807", "\"timeZoneOffset_s\":null",
	    "\"size\":0,", "com.example.future", "com.canon.cr2-raw-image",
	    "com.adobe.raw-image", "public.png", "public.mpeg-4",
	    "com.compuserve.gif", "org.webmproject.webp", "public.data",
	    "holiday/beach", "Jo\xcc\x88rg"};
	struct cloud *c = cloud_of(60, 1);
	struct buf truth = {0};
	size_t i;

	(void)state;
	cloud_truth(c, &truth);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (strstr(buf_text(&truth), want[i]) == NULL)
			fail_msg("no %s", want[i]);
	buf_clear(&truth);
	cloud_free(c);
}

/* A link for each line of the truth, in its order, to what that says. */
static void
test_links_lead_to_the_truth(void **state)
{
	struct cloud *c = cloud_of(20, 3);
	struct buf truth = {0}, links = {0};
	struct sim_response resp;
	char *link, *rest, *line, *lines;
	int64_t size;
	cJSON *t;

	(void)state;
	cloud_truth(c, &truth);
	cloud_links(c, NOW_MS, &links);
	rest = buf_take(&links);
	lines = buf_take(&truth);
	for (char *r = rest, *l = lines; *r != '\0';) {
		link = strsep(&r, "\n");
		line = strsep(&l, "\n");
		t = json_parse(line, strlen(line), NULL);
		assert_non_null(t);
		assert_true(json_int(&size, t, "size"));
		assert_int_equal(get(c, &resp, link, NULL, NOW_MS), 200);
		assert_int_equal(resp.bytes_len, size);
		end(&resp);
		cJSON_Delete(t);
	}
	free(rest);
	free(lines);
	cloud_free(c);
}

static void
test_same_seed_same_library(void **state)
{
	struct cloud *a = cloud_of(300, 21), *b = cloud_of(300, 21),
		     *other = cloud_of(300, 22);
	struct buf ta = {0}, tb = {0}, to = {0};

	(void)state;
	control(a, "{\"op\":\"mass_trash\",\"percent\":40}");
	control(b, "{\"op\":\"mass_trash\",\"percent\":40}");
	control(a, "{\"op\":\"purge\",\"count\":10}");
	control(b, "{\"op\":\"purge\",\"count\":10}");
	cloud_truth(a, &ta);
	cloud_truth(b, &tb);
	cloud_truth(other, &to);
	assert_string_equal(buf_text(&ta), buf_text(&tb));
	assert_string_not_equal(buf_text(&ta), buf_text(&to));
	buf_clear(&ta);
	buf_clear(&tb);
	buf_clear(&to);
	cloud_free(a);
	cloud_free(b);
	cloud_free(other);
}

static void
link_of(char out[2048], struct cloud *c, const struct content *f)
{
	struct buf b = {0};
	struct sums s;
	char checksum[CHECKSUM_MAX];

	content_sums(&s, c, f, false);
	checksum_text(checksum, s.sha1);
	content_link(&b, c, f, checksum, "PrimarySync", NOW_MS / 1000 + 3600,
	    "9dc5ea93-11ca-7a3e-2513-a3fd182279bd", 61);
	snprintf(out, 2048, "%s", buf_text(&b));
	buf_clear(&b);
}

/* [download-link], [content-range] */
static void
test_links(void **state)
{
	struct cloud *c = cloud_of(1, 1);
	struct content f = {99, 1000, MAGIC_MOV};
	struct sim_response resp;
	char url[2048], *p;
	uint8_t byte, whole[1000];
	static const struct {
		const char *range;
		int status;
		int64_t from, len;
	} t[] = {
	    {"bytes=0-", 206, 0, 1000},
	    {"bytes=400-", 206, 400, 600},
	    {"bytes=999-", 206, 999, 1},
	    {"bytes=1000-", 416, 0, 0},
	    {"bytes=5000-", 416, 0, 0},
	    {"bytes=10-19", 206, 10, 10},
	    {"bytes=10-5000", 206, 10, 990},
	    {"bytes=-100", 206, 900, 100},
	    {"bytes=nonsense", 200, 0, 1000},
	    {"lines=1-2", 200, 0, 1000},
	};
	size_t i;

	(void)state;
	link_of(url, c, &f);
	content_bytes(c, &f, 0, whole, sizeof(whole));
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(
		    get(c, &resp, url, t[i].range, NOW_MS), t[i].status);
		assert_int_equal(resp.bytes_len, t[i].len);
		if (t[i].status != 416) {
			assert_int_equal(resp.bytes_offset, t[i].from);
			resp.bytes(resp.bytes_arg, resp.bytes_offset, &byte, 1);
			assert_int_equal(byte, whole[t[i].from]);
		}
		end(&resp);
	}
	get(c, &resp, url, "bytes=400-", NOW_MS);
	assert_non_null(strstr(
	    buf_text(&resp.headers), "Content-Range: bytes 400-999/1000\n"));
	assert_non_null(
	    strstr(buf_text(&resp.headers), "filename=\"%24%7Bf%7D\""));
	assert_null(strstr(buf_text(&resp.headers), "ETag"));
	end(&resp);
	/* any name will do, after the end none will */
	p = strstr(url, "${f}");
	memcpy(p, "name", 4);
	assert_int_equal(get(c, &resp, url, NULL, NOW_MS), 200);
	end(&resp);
	assert_int_equal(get(c, &resp, url, NULL, NOW_MS + 3601000), 410);
	end(&resp);
	/* nothing else may be altered */
	p = strstr(url, "&x=3");
	p[3] = '4';
	assert_int_equal(get(c, &resp, url, NULL, NOW_MS), 403);
	end(&resp);
	p[3] = '3';
	p = strstr(url, "/B/");
	p[10] = p[10] == 'A' ? 'B' : 'A';
	assert_int_equal(get(c, &resp, url, NULL, NOW_MS), 403);
	end(&resp);
	cloud_free(c);
}

static void
test_names_can_be_undone(void **state)
{
	struct cloud *c = cloud_of(1, 77);
	char name[40];
	uint32_t i, n;

	(void)state;
	for (i = 0; i < 5000; i++) {
		assert_true(unmix64(mix64(i * UINT64_C(0x123456789abcdef))) ==
		    i * UINT64_C(0x123456789abcdef));
		uuid_name(name, c, c->zones[0], TYPE_ASSET, i);
		assert_true(uuid_number(&n, c, c->zones[0], TYPE_ASSET, name));
		assert_int_equal(n, i);
		assert_false(uuid_number(&n, c, c->zones[0], TYPE_ALBUM, name));
	}
	assert_false(uuid_number(&n, c, c->zones[0], TYPE_ASSET,
	    "A5A7C0F1-BE37-46D8-9A99-400AD6DC2351"));
	cloud_free(c);
}

static void
test_moved_keeps_its_checksum(void **state)
{
	struct cloud *c = cloud_of(50, 12);
	struct buf before = {0}, after = {0};
	const char *p;
	char want[64];

	(void)state;
	cloud_truth(c, &before);
	control(c, "{\"op\":\"move_to_shared\",\"nth\":2}");
	cloud_truth(c, &after);
	assert_int_equal(before.len > 0, 1);
	p = strstr(buf_text(&after), "\"zone\":\"SharedSync-");
	assert_non_null(p);
	p = strstr(p, "\"fileChecksum\"");
	snprintf(want, sizeof(want), "%.45s", p);
	assert_non_null(strstr(buf_text(&before), want));
	buf_clear(&before);
	buf_clear(&after);
	cloud_free(c);
}

/* [shared-library]: a guest's zone lies in the shared database and is known by
 * its owner too; one that is left is gone. */
static void
test_guest_of_a_shared_library(void **state)
{
	struct cloud *c = cloud_of(20, 12);
	struct buf body = {0};
	const cJSON *z;
	char *id;
	cJSON *a;

	(void)state;
	control(c, "{\"op\":\"shared_library\",\"as\":\"guest\",\"assets\":9}");
	a = ask(c, "shared/changes/database", "{}", NULL);
	z = cJSON_GetArrayItem(json_array(a, "zones"), 0);
	id = cJSON_PrintUnformatted(json_get(z, "zoneID"));
	assert_non_null(id);
	cJSON_Delete(a);
	buf_addf(&body, "{\"zones\":[{\"zoneID\":%s,\"syncToken\":null}]}", id);
	a = ask(c, "shared/changes/zone", buf_text(&body), NULL);
	z = cJSON_GetArrayItem(json_array(a, "zones"), 0);
	assert_true(json_bool(z, "moreComing"));
	cJSON_Delete(a);
	/* the same zone is none of the private database */
	a = ask(c, "private/changes/zone", buf_text(&body), NULL);
	z = cJSON_GetArrayItem(json_array(a, "zones"), 0);
	assert_string_equal(json_str(z, "serverErrorCode"), "ZONE_NOT_FOUND");
	cJSON_Delete(a);
	control(c, "{\"op\":\"leave_shared\"}");
	a = ask(c, "shared/changes/zone", buf_text(&body), NULL);
	z = cJSON_GetArrayItem(json_array(a, "zones"), 0);
	assert_string_equal(json_str(z, "serverErrorCode"), "ZONE_NOT_FOUND");
	cJSON_Delete(a);
	cJSON_free(id);
	buf_clear(&body);
	cloud_free(c);
}

/* --- faults that answers are asked for --- */

#define PAGE                                                            \
	"{\"query\":{\"recordType\":\"CPLAssetAndMasterByAddedDate\"}," \
	"\"zoneID\":{\"zoneName\":\"PrimarySync\"}}"
#define STATE                                                 \
	"{\"query\":{\"recordType\":\"CheckIndexingState\"}," \
	"\"zoneID\":{\"zoneName\":\"PrimarySync\"}}"
#define COUNT                                                                \
	"{\"query\":{\"recordType\":\"HyperionIndexCountLookup\","           \
	"\"filterBy\":["                                                     \
	"{\"fieldName\":\"indexCountID\",\"comparator\":\"IN\","             \
	"\"fieldValue\":"                                                    \
	"{\"type\":\"STRING_LIST\",\"value\":[\"CPLAssetByAddedDate\"]}}]}," \
	"\"zoneID\":{\"zoneName\":\"PrimarySync\"}}"

/* The answer as text, with ids of requests and times as they are. */
static char *
with_fault(struct cloud *c, const char *path, const char *body, char *hook,
    char *value)
{
	struct fault f = {0};
	cJSON *a;
	char *text;

	f.kind = FAULT_HOOK;
	f.hook = hook;
	f.value = value;
	a = ask_faulty(c, path, body, NULL, hook != NULL ? &f : NULL);
	text = a != NULL ? cJSON_PrintUnformatted(a) : xstrdup("no JSON");
	cJSON_Delete(a);
	return text;
}

static void
test_hooks(void **state)
{
	/* what is in the answer with the fault only, or (has is false)
	 * without it only */
	static const struct {
		const char *hook, *value, *path, *body, *text;
		bool has;
	} t[] = {
	    {"empty_page", "", "records/query", PAGE, "CPLAsset", false},
	    {"no_master", "", "records/query", PAGE, "CPLMaster", false},
	    {"bad_record", "", "records/query", PAGE, "RETRY_LATER", true},
	    {"bad_record", "junk", "records/query", PAGE, "no JSON", true},
	    {"bad_record", "fields", "records/query", PAGE, "\"fields\":null",
		true},
	    {"bad_record", "types@3", "records/query", PAGE, "[null,", true},
	    {"zone_error", "THROTTLED", "records/query", PAGE, "THROTTLED",
		true},
	    {"not_indexed", "", "records/query", STATE, "RUNNING", true},
	    {"count_offset", "1000000", "records/query", COUNT, "10000", true},
	    {"no_url", "", "records/query", PAGE, "", true},
	    {"no_original", "", "records/query", PAGE, "resOriginalRes", false},
	    {"checksum_kind", "04", "records/query", PAGE,
		"resOriginalFingerprint\":{\"value\":\"B", true},
	};
	struct cloud *c = cloud_of(30, 4);
	char path[64], hook[32], value[32], *good, *bad;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(path, sizeof(path), "private/%s", t[i].path);
		snprintf(hook, sizeof(hook), "%s", t[i].hook);
		snprintf(value, sizeof(value), "%s", t[i].value);
		good = with_fault(c, path, t[i].body, NULL, NULL);
		bad = with_fault(c, path, t[i].body, hook, value);
		if (strcmp(t[i].hook, "no_url") == 0)
			assert_true(strlen(bad) < strlen(good));
		else if ((strstr(bad, t[i].text) != NULL) != t[i].has ||
		    (strstr(good, t[i].text) != NULL) == t[i].has)
			fail_msg("%s %s", t[i].hook, t[i].value);
		free(good);
		free(bad);
	}
	cloud_free(c);
}

/* Ranks shift under a walk: half of the library is passed over. */
static void
test_hook_trash_one(void **state)
{
	struct cloud *c = cloud_of(10, 4);
	struct fault f = {0};
	char hook[] = "trash_one";
	struct buf b = {0};
	cJSON *a;

	(void)state;
	control(c, "{\"op\":\"plain\",\"assets\":10}");
	f.kind = FAULT_HOOK;
	f.hook = hook;
	a = ask_faulty(c, "private/records/query", PAGE, NULL, &f);
	assert_int_equal(add_assets(&b, a), 9);
	cJSON_Delete(a);
	a = ask(c, "private/records/query", PAGE, NULL);
	assert_int_equal(add_assets(&b, a), 9);
	cJSON_Delete(a);
	buf_clear(&b);
	cloud_free(c);
}

static void
test_hook_wrong_size(void **state)
{
	struct cloud *c = cloud_of(30, 4);
	struct fault f = {0};
	char hook[] = "wrong_size", value[] = "5";
	cJSON *good, *bad;
	const cJSON *rec, *was, *res;
	int64_t a, b;
	int i, seen = 0;

	(void)state;
	f.kind = FAULT_HOOK;
	f.hook = hook;
	f.value = value;
	good = ask(c, "private/records/query", PAGE, NULL);
	bad = ask_faulty(c, "private/records/query", PAGE, NULL, &f);
	for (i = 0; i < cJSON_GetArraySize(json_array(good, "records")); i++) {
		rec = cJSON_GetArrayItem(json_array(bad, "records"), i);
		was = cJSON_GetArrayItem(json_array(good, "records"), i);
		res = field(rec, "resOriginalRes");
		if (res == NULL)
			continue;
		assert_true(json_int(&a, res, "size"));
		assert_true(json_int(&b, field(was, "resOriginalRes"), "size"));
		assert_int_equal(a, b + 5);
		assert_string_equal(json_str(res, "fileChecksum"),
		    json_str(field(was, "resOriginalRes"), "fileChecksum"));
		seen++;
	}
	assert_true(seen > 10);
	cJSON_Delete(good);
	cJSON_Delete(bad);
	cloud_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_can_be_undone),
	    cmocka_unit_test(test_checksum_vectors),
	    cmocka_unit_test(test_bytes_by_offset),
	    cmocka_unit_test(test_recorded_picture),
	    cmocka_unit_test(test_links_lead_to_the_truth),
	    cmocka_unit_test(test_same_seed_same_library),
	    cmocka_unit_test(test_sixty_have_all_kinds),
	    cmocka_unit_test(test_feed_has_everything_once),
	    cmocka_unit_test(test_feed_is_idempotent),
	    cmocka_unit_test(test_delta_after_changes),
	    cmocka_unit_test(test_bad_tokens),
	    cmocka_unit_test(test_database_changes),
	    cmocka_unit_test(test_marker_walk_is_rank_walk),
	    cmocka_unit_test(test_marker_holds_when_ranks_shift),
	    cmocka_unit_test(test_descending_is_the_way_back),
	    cmocka_unit_test(test_first_page_is_masters_then_assets),
	    cmocka_unit_test(test_albums_and_members),
	    cmocka_unit_test(test_lookup),
	    cmocka_unit_test(test_truth_is_what_records_say),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_moved_keeps_its_checksum),
	    cmocka_unit_test(test_guest_of_a_shared_library),
	    cmocka_unit_test(test_hooks),
	    cmocka_unit_test(test_hook_trash_one),
	    cmocka_unit_test(test_hook_wrong_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
