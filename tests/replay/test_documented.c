#include "replay.h"

/*
 * Answers that the authors of other clients wrote down, with placeholders for
 * values: their shapes through api and intake.
 */
#include "cloudkit.h"
#include "http.h"

#define LIBRARY "SharedSync-D1EFE9A6-A0F2-38CA-B805-6F76790EDAF7"

/* ---- pyicloud's fixtures ---- */

#define FIXTURES "documented/pyicloud_photos_fixtures.json"

static struct json_span
fixture(const struct recording *r, const char *name)
{
	struct json_span all, found;

	must(json_span_all(&all, r->text, r->len, e));
	found = json_span_get(json_span_get(all, "files"), name);
	assert_non_null(found.p);
	return found;
}

/* A page is a body, or its first zone. */
static struct json_span
page_of(struct json_span body)
{
	struct json_span entry = {NULL, 0};
	size_t it = 0;

	if (json_span_get(body, "records").p != NULL)
		return body;
	(void)json_span_next(&entry, json_span_get(body, "zones"), &it);
	return entry;
}

static const struct fixture {
	const char *name;
	int assets, masters, albums, relations, tombstones, others, unreadable;
} fixtures[] = {
    /* Without a recordType: counted as one that is not known. */
    {"photos_album_create_response.json", 0, 0, 0, 0, 0, 1, 0},
    {"photos_album_membership_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_album_rename_response.json", 0, 0, 0, 0, 0, 0, 1},
    {"photos_all_photos_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_browser_mutations/album_create_response.json", 0, 0, 1, 0, 0, 0,
	0},
    {"photos_browser_mutations/album_rename_response.json", 0, 0, 1, 0, 0, 0,
	0},
    {"photos_browser_mutations/album_add_photo_response.json", 0, 0, 0, 1, 0, 0,
	0},
    {"photos_browser_mutations/photo_delete_response.json", 1, 0, 0, 0, 0, 0,
	0},
    {"photos_browser_mutations/album_delete_response.json", 0, 0, 1, 0, 0, 0,
	0},
    {"photos_browser_mutations/album_remove_photo_response.json", 0, 0, 0, 0, 1,
	0, 0},
    {"photos_favorites_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_indexing_not_finished_response.json", 0, 0, 0, 0, 0, 1, 0},
    {"photos_live_photo_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_missing_counterparts_response.json", 2, 2, 0, 0, 0, 0, 0},
    {"photos_recently_added_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_shared_library_all_photos_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_shared_library_favorites_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_shared_library_unfavorite_response.json", 1, 0, 0, 0, 0, 0, 0},
    {"photos_shared_library_zone_changes_response.json", 1, 0, 0, 0, 0, 1, 0},
    {"photos_upload_duplicate_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_upload_skeletal_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_video_only_response.json", 1, 1, 0, 0, 0, 0, 0},
    {"photos_zone_changes_response.json", 1, 0, 0, 0, 1, 0, 0},
};
#define N_FIXTURES (sizeof(fixtures) / sizeof(fixtures[0]))

static const struct fixture *
fixture_find(const char *name)
{
	size_t i;

	for (i = 0; i < N_FIXTURES; i++)
		if (strcmp(fixtures[i].name, name) == 0)
			return &fixtures[i];
	return NULL;
}

static void
take_fixture(struct replay *r, int64_t zone, const struct recording *all,
    const char *name)
{
	const struct fixture *f = fixture_find(name);
	struct taken t = take_page(r, zone, false, page_of(fixture(all, name)));

	assert_int_equal(t.of[RECORD_ASSET], f->assets);
	assert_int_equal(t.of[RECORD_MASTER], f->masters);
	assert_int_equal(t.of[RECORD_ALBUM], f->albums);
	assert_int_equal(t.of[RECORD_RELATION], f->relations);
	assert_int_equal(t.of[RECORD_TOMBSTONE], f->tombstones);
	assert_int_equal(t.of[RECORD_OTHER], f->others);
	assert_int_equal(t.unreadable, f->unreadable);
	assert_false(t.more);
}

/* Every one of them: a page gives what the table says, all else is none. */
static void
all_fixtures(void **state)
{
	const cJSON *file, *record;
	struct recording all;
	struct photos_page page;
	struct replay r;
	int64_t zone;
	size_t pages = 0;
	struct err e = ERR_INIT;

	(void)state;
	recording_open(&all, FIXTURES);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	cJSON_ArrayForEach (file, member(all.json, "files")) {
		if (fixture_find(file->string) != NULL) {
			take_fixture(&r, zone, &all, file->string);
			pages++;
			continue;
		}
		assert_int_equal(photos_page_read(&page,
				     page_of(fixture(&all, file->string)), &e),
		    -1);
		assert_int_equal(e.code, ERR_PROTOCOL);
		photos_page_clear(&page);
	}
	assert_int_equal(pages, N_FIXTURES);
	assert_sound(&r);
	/* Kept as it was sent, however little it is. */
	record = member(
	    member(all.json, "files"), "photos_upload_skeletal_response.json");
	record = cJSON_GetArrayItem(member(record, "records"), 0);
	check_kept(&r,
	    &(struct told){.zone = zone,
		.record = record,
		.name = text_of(record, "recordName")});
	/* None of these has a checksum, so there is nothing to fetch. */
	assert_int_equal(ask_int(&r, "SELECT count(*) FROM content"), 0);
	replay_done(&r);
	recording_close(&all);
}

#define RELATION "ASSET_RECORD_ID_031-IN-ALBUM_RECORD_ID_001"
static const char sql_trashed_album[] = "SELECT t.trashed" FROM_RECORD("album");
static const char sql_relation[] =
    "SELECT printf('%s %s %d %d',"
    " (SELECT name FROM record WHERE rec = t.asset),"
    " (SELECT name FROM record WHERE rec = t.album), t.position, t.trashed)"
    " FROM relation t JOIN record r ON r.rec = t.rec"
    " WHERE r.zone = ?1 AND r.name = ?2";
static const char sql_gone[] =
    "SELECT gone_run FROM record WHERE zone = ?1 AND name = ?2";
static const char sql_flags[] = "SELECT t.flags" FROM_RECORD("asset");
static const char sql_history[] =
    "SELECT group_concat(kind, ',') FROM (SELECT v.kind FROM event v"
    " JOIN record r ON r.rec = v.rec WHERE r.zone = ?1 AND r.name = ?2"
    " ORDER BY v.event)";

/* An album's life, in the order of its sync tokens, one night each. */
static void
album(void **state)
{
	static const char name[] = "ALBUM_RECORD_ID_001",
			  asset[] = "ASSET_RECORD_ID_031";
	struct recording all;
	struct replay r;
	int64_t zone;

	(void)state;
	recording_open(&all, FIXTURES);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	take_fixture(&r, zone, &all,
	    "photos_browser_mutations/album_create_response.json");
	assert_ask(&r, sql_trashed_album, zone, name, "0");
	replay_again(&r);
	take_fixture(&r, zone, &all,
	    "photos_browser_mutations/album_rename_response.json");
	replay_again(&r);
	take_fixture(&r, zone, &all,
	    "photos_browser_mutations/album_add_photo_response.json");
	assert_ask(&r, sql_relation, zone, RELATION,
	    "ASSET_RECORD_ID_031 ALBUM_RECORD_ID_001 1024 0");
	replay_again(&r);
	take_fixture(&r, zone, &all,
	    "photos_browser_mutations/photo_delete_response.json");
	assert_ask(&r, sql_flags, zone, asset, "2");
	replay_again(&r);
	take_fixture(&r, zone, &all,
	    "photos_browser_mutations/album_delete_response.json");
	/* [tombstone]: a trashed album is not gone. */
	assert_ask(&r, sql_trashed_album, zone, name, "1");
	assert_ask(&r, sql_gone, zone, name, "");
	replay_again(&r);
	take_fixture(&r, zone, &all,
	    "photos_browser_mutations/album_remove_photo_response.json");
	assert_ask(&r, sql_relation, zone, RELATION,
	    "ASSET_RECORD_ID_031 ALBUM_RECORD_ID_001 1024 2");
	assert_ask(&r, sql_gone, zone, RELATION, "6");
	/* In (10), known itself, out (11).  What an album is called is made up
	 * here, twice the same. */
	assert_ask(&r, sql_history, zone, asset, "10,1,11");
	assert_sound(&r);
	replay_done(&r);
	recording_close(&all);
}

static int64_t
put_zone(struct replay *r, const cJSON *entry)
{
	struct zone_id id;
	struct store_zone z = {.zone = 0};

	assert_int_equal(
	    zone_id_read(&id, DATABASE_PRIVATE, member(entry, "zoneID")), 0);
	z.name = id.name;
	z.owner = id.owner;
	z.type = id.type;
	z.kind = zone_kind(id.name);
	must(store_zone_put(r->s, &z, e));
	zone_id_clear(&id);
	return z.zone;
}

static void
no_original(void *arg, const struct store_gap *gap)
{
	int *n = arg;

	assert_int_equal(gap->why, STORE_NO_ORIGINAL);
	assert_int_equal(gap->role, RESOURCE_ORIGINAL);
	assert_string_equal(gap->zone, LIBRARY);
	(*n)++;
}

/* A shared library beside one's own, in the private database. */
static void
shared_library(void **state)
{
	static const char asset[] = "ASSET_RECORD_ID_110";
	const cJSON *list;
	struct recording all;
	struct store_totals totals;
	struct replay r;
	int64_t shared, own;
	int gaps = 0;
	struct buf before = {0}, after = {0};

	(void)state;
	recording_open(&all, FIXTURES);
	list = member(member(all.json, "files"),
	    "photos_shared_library_private_zones_response.json");
	list = member(list, "zones");
	assert_int_equal(cJSON_GetArraySize(list), 2);
	replay_start(&r);
	shared = put_zone(&r, cJSON_GetArrayItem(list, 0));
	own = put_zone(&r, cJSON_GetArrayItem(list, 1));
	assert_int_not_equal(shared, own);
	assert_ask(&r,
	    "SELECT printf('%d %s %s', kind, owner, type) FROM zone"
	    " WHERE zone = ?1 AND name = ?2",
	    shared, LIBRARY, "1 OWNER_RECORD_NAME_002 REGULAR_CUSTOM_ZONE");
	assert_int_equal(zone_kind(LIBRARY), ZONE_SHARED);
	take_fixture(
	    &r, shared, &all, "photos_shared_library_all_photos_response.json");
	take_fixture(
	    &r, shared, &all, "photos_shared_library_favorites_response.json");
	assert_ask(&r, sql_flags, shared, asset, "4");
	replay_again(&r);
	take_fixture(
	    &r, shared, &all, "photos_shared_library_unfavorite_response.json");
	assert_ask(&r, sql_flags, shared, asset, "0");
	/* The feed tells the same change once more, by its tag, with fewer
	 * fields: nothing is forgotten for it. */
	dump(&before, &r);
	take_fixture(&r, shared, &all,
	    "photos_shared_library_zone_changes_response.json");
	dump(&after, &r);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_ask(&r,
	    "SELECT count FROM other WHERE zone = ?1 AND"
	    " type_name = ?2",
	    shared, "CPLSharedLibraryQuota", "1");
	/* Both pictures have an original without a checksum: a gap each. */
	must(store_gaps_refresh(r.s, e));
	must(store_gaps(r.s, no_original, &gaps, e));
	assert_int_equal(gaps, 2);
	must(store_totals(&totals, r.s, e));
	assert_int_equal(totals.assets, 2);
	assert_int_equal(totals.resources, 0);
	assert_int_equal(totals.other_records, 1);
	replay_done(&r);
	buf_clear(&before);
	buf_clear(&after);
	recording_close(&all);
}

static void
name_gap(void *arg, const struct store_gap *gap)
{
	struct buf *out = arg;

	assert_int_equal(gap->why, STORE_NO_ORIGINAL);
	buf_addf(out, "%s %d,", gap->record, gap->role);
}

/* An asset whose master never comes is a gap; a master alone is none. */
static void
missing_counterparts(void **state)
{
	struct recording all;
	struct buf gaps = {0};
	struct replay r;
	int64_t zone;

	(void)state;
	recording_open(&all, FIXTURES);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	take_fixture(
	    &r, zone, &all, "photos_missing_counterparts_response.json");
	/* Only of a zone that is known to its end. */
	must(store_gaps_refresh(r.s, e));
	must(store_gaps(r.s, name_gap, &gaps, e));
	assert_string_equal(buf_text(&gaps), "");
	must(
	    store_zone_token(r.s, zone, "T", true, PHOTOS_KEYS_NUMBER, NOW, e));
	must(store_gaps_refresh(r.s, e));
	must(store_gaps(r.s, name_gap, &gaps, e));
	/* The other has its master, which has no original. */
	assert_string_equal(
	    buf_text(&gaps), "ASSET_ONLY_001 -1,ASSET_MATCHED_001 0,");
	/* The named master has its place, but nothing in it. */
	assert_ask(&r,
	    "SELECT printf('%d %d', type, bytes IS NULL) FROM record"
	    " WHERE zone = ?1 AND name = ?2",
	    zone, "MISSING_MASTER_001", "1 1");
	buf_clear(&gaps);
	replay_done(&r);
	recording_close(&all);
}

/* A tombstone of what was never listed is nothing; of an asset that was, it
 * ends what is wanted of it and removes no row. */
static void
tombstones(void **state)
{
	struct recording all;
	struct store_totals totals;
	struct json_span span;
	struct replay r;
	int64_t zone;
	static const char page[] =
	    "{\"records\":[{\"recordName\":\"ASSET_RECORD_ID_101\","
	    "\"recordType\":null,\"deleted\":true,\"recordChangeTag\":\"t\"}],"
	    "\"syncToken\":\"T\"}";

	(void)state;
	recording_open(&all, FIXTURES);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	take_fixture(&r, zone, &all, "photos_zone_changes_response.json");
	assert_ask(&r,
	    "SELECT count(*) FROM record WHERE zone = ?1"
	    " AND name = ?2",
	    zone, "ALBUM_RECORD_ID_999", "0");
	assert_ask(&r, "SELECT token FROM zone WHERE zone = ?1 AND ?2 IS NULL",
	    zone, NULL, "SYNC_TOKEN_103");
	must(json_span_all(&span, page, strlen(page), e));
	assert_int_equal(take_page(&r, zone, false, span).changes, 1);
	assert_ask(&r, sql_history, zone, "ASSET_RECORD_ID_101", "1,2");
	must(store_totals(&totals, r.s, e));
	assert_int_equal(totals.assets, 0);
	assert_int_equal(ask_int(&r, "SELECT count(*) FROM asset"), 1);
	replay_done(&r);
	recording_close(&all);
}

/* ---- kei's reference ---- */

#define REFERENCE "documented/kei_synctoken_reference.json"

/*
 * Most of its blocks leave things out with "...".  What is left is JSON again
 * once these are put right.
 */
static const struct {
	const char *from, *to;
} repairs[] = {
    {"{ ... }", "{}"},
    {"[ ... ]", "[]"},
    {": ...", ": null"},
    {",\n        \"...all other fields still present...\"", ""},
    {", ...]", "]"},
    {",\n        ...", ""},
    {",\n    ...", ""},
};

static char *
replaced(const char *text, const char *from, const char *to)
{
	struct buf out = {0};
	const char *p;

	while ((p = strstr(text, from)) != NULL) {
		buf_add(&out, text, (size_t)(p - text));
		buf_adds(&out, to);
		text = p + strlen(from);
	}
	buf_adds(&out, text);
	return buf_take(&out);
}

/* The text of a block as JSON; the caller frees. */
static char *
block_text(const cJSON *block)
{
	const char *text = text_of(block, "text");
	char *now, *next;
	size_t i;

	if (text == NULL) {
		text = now = cJSON_PrintUnformatted(member(block, "json"));
		next = xstrdup(text);
		cJSON_free(now);
		return next;
	}
	now = xstrdup(text);
	for (i = 0; i < sizeof(repairs) / sizeof(repairs[0]); i++) {
		next = replaced(now, repairs[i].from, repairs[i].to);
		free(now);
		now = next;
	}
	return now;
}

/* The nth block with this end of its heading. */
static char *
block_find(const struct recording *all, const char *heading, int nth)
{
	const cJSON *block;

	cJSON_ArrayForEach (block, member(all->json, "blocks")) {
		const char *h = text_of(block, "heading");
		size_t n = strlen(heading);

		if (strlen(h) >= n && strcmp(h + strlen(h) - n, heading) == 0 &&
		    nth-- == 0)
			return block_text(block);
	}
	fail_msg("%s", heading);
	return NULL;
}

/* As it is, a block is JSON or refused; nothing in it ends the program. */
static void
all_blocks(void **state)
{
	const cJSON *block;
	struct recording all;
	struct json_span span;
	struct photos_page page;
	struct record rec;
	struct replay r;
	struct intake in;
	struct err bad = ERR_INIT;
	int64_t zone;
	int strict = 0, repaired = 0, pages = 0, records = 0;

	(void)state;
	recording_open(&all, REFERENCE);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	intake_begin(&in, r.s, zone, false);
	cJSON_ArrayForEach (block, member(all.json, "blocks")) {
		const char *text = text_of(block, "text");
		char *now = block_text(block);

		strict += text == NULL;
		if (text != NULL) {
			assert_int_equal(
			    json_span_all(&span, text, strlen(text), &bad), -1);
			assert_int_equal(bad.code, ERR_PROTOCOL);
		}
		if (json_span_all(&span, now, strlen(now), &bad) == 0) {
			repaired += text != NULL;
			if (page_of(span).p != NULL &&
			    photos_page_read(&page, page_of(span), &bad) == 0) {
				photos_page_clear(&page);
				take_page(&r, zone, false, page_of(span));
				pages++;
			}
			if (record_read(&rec, span, &bad) == 0) {
				must(intake_record(&in, &rec, e));
				record_clear(&rec);
				records++;
			}
		}
		free(now);
	}
	assert_int_equal(strict, 14);
	/* Only a bare member ("contributors": ...) stays what it is. */
	assert_int_equal(repaired, 16);
	assert_int_equal(pages, 2);
	assert_int_equal(records, 11);
	assert_sound(&r);
	replay_done(&r);
	recording_close(&all);
}

/* Take a block's one record; the kind that it was. */
static enum record_type
take_block(struct replay *r, int64_t zone, const struct recording *all,
    const char *heading, int nth, const char *tag)
{
	char *text = block_find(all, heading, nth);
	struct json_span span;
	struct record rec;
	struct intake in;
	enum record_type type;

	intake_begin(&in, r->s, zone, false);
	must(json_span_all(&span, text, strlen(text), e));
	must(record_read(&rec, span, e));
	/* The blocks leave change tags out. */
	if (*rec.tag == '\0')
		rec.tag = tag;
	type = rec.type;
	must(intake_record(&in, &rec, e));
	assert_int_equal(in.changes, 1);
	record_clear(&rec);
	free(text);
	return type;
}

/* A feed page that goes on, with a tombstone whose type is null. */
static void
feed_page(void **state)
{
	struct recording all;
	struct json_span span;
	struct taken t;
	struct replay r;
	int64_t zone;
	char *text;

	(void)state;
	recording_open(&all, REFERENCE);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	text = block_find(&all, "/changes/zone > Response", 0);
	must(json_span_all(&span, text, strlen(text), e));
	t = take_page(&r, zone, false, page_of(span));
	assert_true(t.more);
	assert_int_equal(t.of[RECORD_ASSET], 1);
	assert_int_equal(t.of[RECORD_TOMBSTONE], 1);
	assert_ask(&r,
	    "SELECT printf('%s %d', token, walked) FROM zone WHERE zone = ?1"
	    " AND ?2 IS NULL",
	    zone, NULL, "new_token_after_this_page... 0");
	free(text);
	replay_done(&r);
	recording_close(&all);
}

/* Hidden, shown, a favourite; in the trash is not gone, purged is. */
static void
deltas(void **state)
{
	static const char asset[] = "11111111-2222-4333-4444-555555555555",
			  favourite[] = "66666666-7777-4888-9999-AAAAAAAAAAAA",
			  master[] = "AExmplRecordName1abcdefghijk";
	struct recording all;
	struct replay r;
	int64_t zone;

	(void)state;
	recording_open(&all, REFERENCE);
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	assert_int_equal(
	    take_block(&r, zone, &all, "> Hide photo", 0, "t1"), RECORD_ASSET);
	assert_ask(&r, sql_flags, zone, asset, "1");
	take_block(&r, zone, &all, "> Un-hide photo", 0, "t2");
	assert_ask(&r, sql_flags, zone, asset, "0");
	assert_ask(&r, sql_history, zone, asset, "1,7");
	take_block(&r, zone, &all, "> Favorite photo", 0, "t1");
	assert_ask(&r, sql_flags, zone, favourite, "4");
	assert_int_equal(take_block(&r, zone, &all,
			     "> Soft Delete (Moved to Trash)", 0, "t1"),
	    RECORD_MASTER);
	/* What calls itself a STRING is one, also where it looks like base64
	 * [enc-decoding]. */
	assert_ask(&r, sql_master, zone, master, "SU1HXzAyMDYuRE5H");
	assert_ask(&r, sql_gone, zone, master, "");
	assert_int_equal(take_block(&r, zone, &all,
			     "> Hard Delete (Purged / Expunged)", 0, "t1"),
	    RECORD_TOMBSTONE);
	assert_int_equal(take_block(&r, zone, &all,
			     "> Hard Delete of CPLContainerRelation", 0, "t1"),
	    RECORD_TOMBSTONE);
	assert_int_equal(take_block(&r, zone, &all, "CPLLibraryInfo", 0, "t1"),
	    RECORD_LIBRARY_INFO);
	assert_sound(&r);
	replay_done(&r);
	recording_close(&all);
}

static void
zone_lists(void **state)
{
	static const struct {
		const char *heading;
		int zones;
		enum zone_kind kind[2];
	} lists[] = {
	    {"> Response (zones with changes)", 1, {ZONE_PRIMARY, 0}},
	    {"> Response (no changes)", 0, {0, 0}},
	    {"> Discovery", 2, {ZONE_PRIMARY, ZONE_SHARED}},
	};
	struct recording all;
	const cJSON *entry;
	struct zone_id id;
	cJSON *json;
	char *text;
	size_t i;
	int n;

	(void)state;
	recording_open(&all, REFERENCE);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		text = block_find(&all, lists[i].heading, 0);
		json = cJSON_Parse(text);
		n = 0;
		cJSON_ArrayForEach (entry, member(json, "zones")) {
			assert_int_equal(zone_id_read(&id, DATABASE_PRIVATE,
					     member(entry, "zoneID")),
			    0);
			assert_int_equal(
			    zone_kind(id.name), lists[i].kind[n++]);
			zone_id_clear(&id);
		}
		assert_int_equal(n, lists[i].zones);
		cJSON_Delete(json);
		free(text);
	}
	recording_close(&all);
}

static void
refused_token(void **state)
{
	struct recording all;
	struct json_span span;
	struct err bad = ERR_INIT;
	char *text;

	(void)state;
	recording_open(&all, REFERENCE);
	text = block_find(&all, "> Invalid/Garbage Token", 0);
	must(json_span_all(&span, text, strlen(text), e));
	assert_int_equal(cloudkit_entry_error(&bad, span), 0);
	assert_int_equal(cloudkit_entry_error(&bad, page_of(span)), -1);
	assert_int_equal(bad.code, ERR_TOKEN);
	free(text);
	recording_close(&all);
}

/* ---- kei's error bodies ---- */

/* In their order.  code is that of the body, or of its first zone or page;
 * unreadable: records of a page that are errors. */
static const struct {
	const char *where;
	enum err_code code;
	int status; /* as CloudKit documents it; 0: none */
	int records, unreadable;
} bodies[] = {
    {"auth/responses.rs:160", ERR_NONE, 0, 0, 0},
    {"auth/responses.rs:188", ERR_NONE, 0, 0, 0},
    {"auth/responses.rs:282", ERR_PROTOCOL, 0, 0, 0},
    {"auth/responses.rs:299", ERR_SESSION, 0, 0, 0},
    {"auth/responses.rs:316", ERR_PROTOCOL, 0, 0, 0},
    {"auth/responses.rs:329", ERR_PROTOCOL, 0, 0, 0},
    {"auth/responses.rs:346", ERR_NOT_FOUND, 404, 0, 0},
    {"auth/responses.rs:360", ERR_SESSION, 401, 0, 0},
    {"auth/responses.rs:371", ERR_WEB_ACCESS, 403, 0, 0},
    {"auth/srp.rs:1003", ERR_NONE, 0, 0, 0},
    {"auth/srp.rs:1041", ERR_NONE, 0, 0, 0},
    {"auth/srp.rs:1273", ERR_NONE, 0, 0, 0},
    {"auth/twofa.rs:607", ERR_SESSION, 0, 0, 0},
    {"auth/twofa.rs:621", ERR_PROTOCOL, 0, 0, 0},
    {"auth/twofa.rs:632", ERR_PROTOCOL, 0, 0, 0},
    {"auth/twofa.rs:643", ERR_NONE, 0, 0, 0},
    {"auth/twofa.rs:649", ERR_NONE, 0, 0, 0},
    {"album.rs:1528", ERR_TOKEN, 400, 0, 0},
    {"album.rs:1569", ERR_UNAVAILABLE, 503, 0, 0},
    {"album.rs:1614", ERR_TOKEN, 400, 0, 0},
    {"cloudkit.rs:334", ERR_NOT_FOUND, 404, 0, 0},
    {"library.rs:488", ERR_WEB_ACCESS, 403, 0, 0},
    {"library.rs:593", ERR_SESSION, 401, 0, 0},
    /* One that lost a race: nothing was throttled. */
    {"session.rs:501", ERR_UNAVAILABLE, 503, 0, 0},
    {"session.rs:515", ERR_NOT_FOUND, 404, 0, 0},
    {"session.rs:529", ERR_NONE, 0, 1, 1},
    {"session.rs:544", ERR_NONE, 0, 0, 2},
    {"session.rs:558", ERR_UNAVAILABLE, 503, 0, 0},
    {"session.rs:570", ERR_THROTTLED, 503, 0, 0},
    {"session.rs:582", ERR_NOT_FOUND, 404, 0, 0},
    {"session.rs:594", ERR_SESSION, 401, 0, 0},
    /* The reason tells, whatever the code. */
    {"session.rs:620", ERR_WEB_ACCESS, 0, 0, 0},
    {"session.rs:673", ERR_PROTOCOL, 0, 0, 0},
    {"session.rs:684", ERR_PROTOCOL, 0, 0, 0},
    {"session.rs:829", ERR_THROTTLED, 503, 0, 0},
    {"session.rs:930", ERR_NONE, 0, 2, 1},
};

/* The whole answer, or the zone in it, is that error. */
static void
check_error(struct json_span entry, size_t i)
{
	struct http_response resp = {.status = 200,
	    .retry_after_ms = -1,
	    .date_ms = -1,
	    .length = -1,
	    .range_start = -1,
	    .range_total = -1};
	struct photos_page page;
	struct err e = ERR_INIT;
	int want = bodies[i].code == ERR_NONE ? 0 : -1;

	assert_int_equal(cloudkit_entry_error(&e, entry), want);
	assert_int_equal(e.code, bodies[i].code);
	assert_int_equal(e.http_status, bodies[i].status);
	if (want == -1) {
		assert_int_equal(photos_page_read(&page, entry, &e), -1);
		assert_int_equal(e.code, bodies[i].code);
		photos_page_clear(&page);
	}
	/* Alone as an answer it is the same error, also with status 200. */
	buf_add(&resp.body, entry.p, entry.len);
	err_clear(&e);
	assert_int_equal(cloudkit_answer_error(&e, &resp), want);
	assert_int_equal(e.code, bodies[i].code);
	if (bodies[i].status == 0)
		goto out;
	/* And with the status that belongs to it. */
	resp.status = bodies[i].status;
	err_clear(&e);
	assert_int_equal(cloudkit_answer_error(&e, &resp), -1);
	assert_int_equal(e.code, bodies[i].code);
	assert_int_equal(e.http_status, bodies[i].status);
out:
	buf_clear(&resp.body);
}

static void
error_bodies(void **state)
{
	struct json_span all_span, list, entry, body;
	struct recording all;
	struct replay r;
	struct taken t;
	size_t it = 0, i = 0;
	int64_t zone;

	(void)state;
	recording_open(&all, "documented/kei_error_bodies.json");
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	must(json_span_all(&all_span, all.text, all.len, e));
	list = json_span_get(all_span, "bodies");
	for (; json_span_next(&entry, list, &it); i++) {
		const char *where = text_of(
		    cJSON_GetArrayItem(member(all.json, "bodies"), (int)i),
		    "source");

		assert_true(i < sizeof(bodies) / sizeof(bodies[0]));
		assert_string_equal(
		    where + strlen(where) - strlen(bodies[i].where),
		    bodies[i].where);
		body = json_span_get(entry, "json");
		if (page_of(body).p != NULL)
			body = page_of(body);
		check_error(body, i);
		if (bodies[i].records + bodies[i].unreadable == 0)
			continue;
		t = take_page(&r, zone, false, body);
		assert_int_equal(t.of[RECORD_OTHER], bodies[i].records);
		assert_int_equal(t.unreadable, bodies[i].unreadable);
	}
	assert_int_equal(i, sizeof(bodies) / sizeof(bodies[0]));
	assert_sound(&r);
	replay_done(&r);
	recording_close(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_fixtures),
	    cmocka_unit_test(album),
	    cmocka_unit_test(shared_library),
	    cmocka_unit_test(missing_counterparts),
	    cmocka_unit_test(tombstones),
	    cmocka_unit_test(all_blocks),
	    cmocka_unit_test(feed_page),
	    cmocka_unit_test(deltas),
	    cmocka_unit_test(zone_lists),
	    cmocka_unit_test(refused_token),
	    cmocka_unit_test(error_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
