#include "test.h"

/*
 * Every recorded page through the readers, against what the recordings'
 * README and fields.json say of them.
 */
#include <cjson/cJSON.h>

#include "asset.h"
#include "buf.h"
#include "cloudkit.h"
#include "err.h"
#include "json.h"
#include "link.h"
#include "photos.h"
#include "record.h"
#include "text.h"

/* Pages of one flow stand together: a record counts once a flow. */
static const struct {
	const char *file;
	int flow, records;
	bool token, marker;
} files[] = {
    {"photos/listing/01_indexing_state.json", 0, 1, true, false},
    {"photos/listing/02_shared_indexing_state.json", 0, 1, true, false},
    {"photos/listing/05_indexing_state.json", 0, 1, true, false},
    {"photos/listing/06_shared_indexing_state.json", 0, 1, true, false},
    {"photos/listing/09_query_rank0.json", 0, 200, true, true},
    {"photos/listing/10_shared_query_rank0.json", 0, 2, true, false},
    {"photos/listing_2023/01_indexing_state.json", 1, 1, true, false},
    {"photos/listing_2023/02_indexing_state.json", 1, 1, true, false},
    {"photos/listing_2023/05_query_rank0.json", 1, 200, true, true},
    {"photos/listing_2023/07_records_modify.json", 1, 1, true, false},
    {"photos/deleted_2018/02_indexing_state.json", 2, 1, true, false},
    {"photos/deleted_2018/03_indexing_state.json", 2, 1, true, false},
    {"photos/deleted_2018/05_query_rank0.json", 2, 32, true, false},
    {"photos/deleted_2018/06_query_rank32.json", 2, 0, true, false},
    {"photos/deleted_2023/02_indexing_state.json", 3, 1, true, false},
    {"photos/deleted_2023/03_indexing_state.json", 3, 1, true, false},
    {"photos/deleted_2023/05_query_rank0.json", 3, 158, true, false},
    {"photos/deleted_2023/06_query_rank79.json", 3, 0, true, false},
    {"photos/albums/01_indexing_state.json", 4, 1, true, false},
    {"photos/albums/02_shared_indexing_state.json", 4, 1, true, false},
    {"photos/albums/05_indexing_state.json", 4, 1, true, false},
    {"photos/albums/06_albums.json", 4, 17, true, false},
};
#define FILES (sizeof(files) / sizeof(files[0]))

static struct json_span
body_of(const char *text, size_t len)
{
	struct json_span all;

	assert_int_equal(json_span_all(&all, text, len, NULL), 0);
	return json_span_get(json_span_get(all, "response"), "body");
}

/* What is counted over all of them. */
struct tally {
	int masters, assets, albums, states, links, live, edited, trashed;
	int asset_ids, fingerprints, names_as_sums;
	cJSON *seen;   /* names of the flow */
	cJSON *fields; /* "type name" -> number of records */
};

static void
count_field(struct tally *t, const struct record *r, const char *field)
{
	char *key = xasprintf("%s %s", r->type_name, field);
	cJSON *n = cJSON_GetObjectItemCaseSensitive(t->fields, key);

	if (n == NULL)
		cJSON_AddNumberToObject(t->fields, key, 1);
	else
		cJSON_SetNumberValue(n, n->valuedouble + 1);
	free(key);
}

/* An ASSETID, whether we keep such a group or not. */
static void
check_asset_id(struct tally *t, const struct record *r, const char *field,
    const cJSON *value)
{
	static const char *const keys[] = {"fileChecksum", "size",
	    "wrappingKey", "referenceChecksum", "downloadURL"};
	char *name =
	    xasprintf("%.*sFingerprint", (int)(strlen(field) - 3), field);
	const char *print = record_str(r, name);
	struct buf path = {0}, request = {0}, bytes = {0};
	const char *url = json_str(value, "downloadURL");
	size_t i;

	for (i = 0; i < 5; i++)
		assert_non_null(json_get(value, keys[i]));
	assert_int_equal(cJSON_GetArraySize(value), 5);
	t->asset_ids++;
	if (print != NULL &&
	    strcmp(print, json_str(value, "fileChecksum")) == 0)
		t->fingerprints++;
	/* [download-link]: the path is made of the two checksums, except in
	 * the pair that its authors pasted together. */
	text_unbase64(&bytes, json_str(value, "fileChecksum"), 28);
	buf_adds(&path, "icloud-content.com/B/");
	text_base64url(&path, (const uint8_t *)bytes.data, bytes.len);
	buf_reset(&bytes);
	text_unbase64(&bytes, json_str(value, "referenceChecksum"), 28);
	text_base64url(&path, (const uint8_t *)bytes.data, bytes.len);
	buf_adds(&path, "/%24%7Bf%7D?o=");
	assert_int_equal(link_request(&request, url), 0);
	assert_true(link_expires_s(url) > 1500000000);
	if (strstr(buf_text(&request), buf_text(&path)) != NULL)
		t->links++;
	buf_clear(&path);
	buf_clear(&request);
	buf_clear(&bytes);
	free(name);
}

static void
check_resource(const struct resource *res)
{
	assert_int_equal(res->present, res->mentioned);
	if (!res->present)
		return;
	assert_int_equal(res->checksum.len, 21);
	assert_int_equal(res->checksum.bytes[0], 0x01);
	assert_true(res->size_bytes > 0);
	assert_non_null(res->url);
	assert_non_null(uti_extension(res->uti));
}

static void
check_master(struct tally *t, const struct record *r)
{
	struct master m;
	struct checksum name;
	size_t i;

	master_read(&m, r);
	t->masters++;
	assert_non_null(m.filename);
	assert_non_null(strchr(m.filename, '.'));
	assert_non_null(m.item_type);
	for (i = 0; i < RESOURCE_COUNT; i++)
		check_resource(&m.res[i]);
	assert_true(m.res[RESOURCE_ORIGINAL].present);
	assert_false(m.res[RESOURCE_EDITED].present);
	t->live += m.res[RESOURCE_LIVE].present;
	/* The name of a master is its original's checksum. */
	assert_true(checksum_read(&name, m.name));
	if (memcmp(name.bytes, m.res[RESOURCE_ORIGINAL].checksum.bytes, 21) ==
	    0)
		t->names_as_sums++;
	master_clear(&m);
}

static void
check_asset(struct tally *t, const struct record *r)
{
	struct asset a;
	size_t i;

	asset_read(&a, r);
	t->assets++;
	assert_non_null(a.master);
	assert_true(a.has_taken && a.has_added);
	assert_true(a.added_ms > 0);
	for (i = 0; i < RESOURCE_COUNT; i++)
		check_resource(&a.res[i]);
	assert_false(a.res[RESOURCE_ORIGINAL].present);
	t->edited += a.res[RESOURCE_EDITED].present;
	t->trashed += a.trashed;
	assert_int_equal(a.trashed, a.has_expunged);
	assert_int_equal(a.trashed, r->expiration_s != 0);
	assert_false(a.hidden || a.expunged);
	asset_clear(&a);
}

static void
check_album(struct tally *t, const struct record *r)
{
	struct album a;

	album_read(&a, r);
	t->albums++;
	assert_null(a.parent);
	assert_false(a.trashed);
	assert_int_equal(a.title == NULL, a.type == 3);
	if (strcmp(r->name, "1EB42751-25E0-437F-951D-5A5EB7140BD5") == 0) {
		/* Decomposed, as it was given. */
		assert_string_equal(a.title, "Mo\xcc\x88we");
		assert_int_equal(a.position, 1032);
	}
	album_clear(&a);
}

static void
check_record(struct tally *t, const struct record *r)
{
	const cJSON *field, *value;
	struct buf kept = {0};
	cJSON *again;

	cJSON_ArrayForEach (field, r->fields) {
		count_field(t, r, field->string);
		value = json_get(field, "value");
		if (strcmp(json_str(field, "type"), "ASSETID") == 0)
			check_asset_id(t, r, field->string, value);
	}
	switch (r->type) {
	case RECORD_MASTER:
		check_master(t, r);
		break;
	case RECORD_ASSET:
		check_asset(t, r);
		break;
	case RECORD_ALBUM:
		check_album(t, r);
		break;
	default:
		assert_int_equal(r->type, RECORD_OTHER);
		assert_string_equal(r->type_name, "CheckIndexingState");
		assert_string_equal(record_str(r, "state"), "FINISHED");
		t->states++;
	}
	/* What is kept is the record, without one link. */
	record_kept_bytes(&kept, r);
	assert_null(strstr(buf_text(&kept), "https://"));
	again = json_parse(buf_text(&kept), kept.len, NULL);
	assert_string_equal(json_str(again, "recordName"), r->name);
	cJSON_Delete(again);
	buf_clear(&kept);
}

static int
check_page(struct tally *t, const struct photos_page *page)
{
	struct json_span span;
	struct record r;
	struct err e = ERR_INIT;
	size_t it = 0;
	int n = 0;

	while (json_span_next(&span, page->records, &it)) {
		assert_int_equal(record_read(&r, span, &e), 0);
		n++;
		if (cJSON_GetObjectItemCaseSensitive(t->seen, r.name) == NULL) {
			cJSON_AddTrueToObject(t->seen, r.name);
			check_record(t, &r);
		}
		record_clear(&r);
	}
	return n;
}

/* Each field of each type is found as often as fields.json says. */
static void
check_fields(const struct tally *t)
{
	size_t len;
	char *text = recorded_read(&len, "fields.json");
	cJSON *json = json_parse(text, len, NULL);
	const cJSON *f;
	int64_t want, got;
	char *key;
	int n = 0;

	cJSON_ArrayForEach (f, json_array(json, "fields")) {
		assert_true(json_int(&want, f, "count"));
		if (strcmp(json_str(f, "recordType"), "IndexCountResult") == 0)
			continue;
		key = xasprintf(
		    "%s %s", json_str(f, "recordType"), json_str(f, "name"));
		if (!json_int(&got, t->fields, key) || got != want)
			fail_msg("%s", key);
		free(key);
		n++;
	}
	assert_int_equal(n, cJSON_GetArraySize(t->fields));
	cJSON_Delete(json);
	free(text);
}

static void
pages(void **state)
{
	struct tally t = {0};
	struct photos_page page;
	struct err e = ERR_INIT;
	char *text;
	size_t i, len;

	(void)state;
	t.seen = cJSON_CreateObject();
	t.fields = cJSON_CreateObject();
	for (i = 0; i < FILES; i++) {
		text = recorded_read(&len, files[i].file);
		if (i > 0 && files[i].flow != files[i - 1].flow) {
			cJSON_Delete(t.seen);
			t.seen = cJSON_CreateObject();
		}
		assert_int_equal(
		    photos_page_read(&page, body_of(text, len), &e), 0);
		assert_int_equal(page.token != NULL, files[i].token);
		assert_int_equal(page.marker != NULL, files[i].marker);
		assert_false(page.more);
		assert_int_equal(check_page(&t, &page), files[i].records);
		photos_page_clear(&page);
		free(text);
	}
	assert_int_equal(t.masters, 296);
	assert_int_equal(t.assets, 296);
	assert_int_equal(t.albums, 17);
	assert_int_equal(t.asset_ids, 1193);
	assert_int_equal(t.fingerprints, 1193);
	assert_int_equal(t.names_as_sums, 296);
	assert_int_equal(t.live, 79);
	assert_int_equal(t.edited, 28);
	assert_int_equal(t.trashed, 95);
	/* All but the pasted shared pair, which has 3 resources. */
	assert_in_range(t.links, 1190, 1193);
	check_fields(&t);
	cJSON_Delete(t.seen);
	cJSON_Delete(t.fields);
}

/* Answers that are no pages are none for us either. */
static void
other_answers(void **state)
{
	static const char *const others[] = {
	    "photos/listing/03_zones_list.json",
	    "photos/listing/07_count_batch.json",
	    "photos/listing/12_records_modify.json",
	};
	struct photos_page page;
	struct err e = ERR_INIT;
	struct json_span entry;
	struct record r;
	char *text;
	size_t i, len, it = 0;
	int64_t n;

	(void)state;
	for (i = 0; i < 3; i++) {
		text = recorded_read(&len, others[i]);
		assert_int_equal(
		    photos_page_read(&page, body_of(text, len), &e), -1);
		assert_int_equal(e.code, ERR_PROTOCOL);
		photos_page_clear(&page);
		free(text);
	}
	/* [counts]: each entry of a batch is a page of one record. */
	text = recorded_read(&len, "photos/listing_2023/04_count_batch.json");
	assert_true(json_span_next(
	    &entry, json_span_get(body_of(text, len), "batch"), &it));
	assert_int_equal(photos_page_read(&page, entry, &e), 0);
	it = 0;
	assert_true(json_span_next(&entry, page.records, &it));
	assert_int_equal(record_read(&r, entry, &e), 0);
	assert_string_equal(r.name, photos_count_ids[0]);
	assert_true(record_int(&n, &r, "itemCount"));
	assert_int_equal(n, 7840);
	record_clear(&r);
	photos_page_clear(&page);
	free(text);
}

/* Variants: a page with one to three records that their authors edited. */
static char *
variant(struct record *r, const char *file, size_t at)
{
	size_t len, it = 0;
	char *text = recorded_read(&len, file);
	struct json_span all, list, entry;

	assert_int_equal(json_span_all(&all, text, len, NULL), 0);
	list = json_span_get(all, "records that differ");
	do
		assert_true(json_span_next(&entry, list, &it));
	while (at-- > 0);
	assert_int_equal(
	    record_read(r, json_span_get(entry, "record"), NULL), 0);
	return text;
}

static void
variants(void **state)
{
	static const struct {
		const char *file;
		size_t at;
		const char *filename, *item_type;
		bool url;
		const char *alternative; /* its type */
	} cases[] = {
	    {"photos/variants/bad_filename.json", 0,
		"i/n v:a_l*i?d\\p<a>t\"h|.JPG", "public.jpeg", true, NULL},
	    {"photos/variants/bad_filename_base64_encoding.json", 0,
		"i/n v:a_l*i?d\\p<a>t\"h|.JP", "public.jpeg", true, NULL},
	    {"photos/variants/bad_filename_utf8_encoding.json", 0,
		"i\xef\xbf\xbd\x1dy\xef\xbf\xbd!", "public.jpeg", true, NULL},
	    {"photos/variants/chinese.json", 0,
		"IMG_\xe4\xb8\xad\xe6\x96\x87_7409.JPG", "public.jpeg", true,
		NULL},
	    {"photos/variants/filename_string_encoding.json", 0, "IMG_7409.JPG",
		"public.jpeg", true, NULL},
	    {"photos/variants/missing_downloadUrl.json", 0, "IMG_7409.JPG",
		"public.jpeg", false, NULL},
	    {"photos/variants/missing_filenameEnc.json", 0, NULL, "public.jpeg",
		true, NULL},
	    {"photos/variants/missing_filenameEnc.json", 1, NULL, "public.jpeg",
		true, NULL},
	    {"photos/variants/missing_filenameEnc.json", 2, NULL,
		"com.apple.quicktime-movie", true, NULL},
	    {"photos/variants/missing_item_type.json", 0, "IMG_7409.JPG",
		"public.jpeg", true, NULL},
	    {"photos/variants/missing_item_type_value.json", 0, "IMG_7409.JPG",
		"public.jpeg", true, NULL},
	    {"photos/variants/raw.json", 0, "IMG_7409.DNG",
		"com.adobe.raw-image", true, NULL},
	    {"photos/variants/raw_alt.json", 0, "IMG_7409.CR2",
		"com.canon.cr2-raw-image", true, "public.jpeg"},
	    {"photos/variants/raw_alt_adj.json", 0, "IMG_7409.CR2",
		"com.canon.cr2-raw-image", true, "public.jpeg"},
	    {"photos/variants/deleted_heic.json", 0, "IMG_7190.HEIC",
		"public.heic", true, NULL},
	    {"photos/variants/two_sizes.json", 0, "IMG_7409.JPG", "public.jpeg",
		true, NULL},
	};
	struct record r;
	struct master m;
	struct asset a;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = variant(&r, cases[i].file, cases[i].at);
		assert_int_equal(r.type, RECORD_MASTER);
		master_read(&m, &r);
		if (cases[i].filename == NULL)
			assert_null(m.filename);
		else
			assert_string_equal(m.filename, cases[i].filename);
		assert_string_equal(m.item_type, cases[i].item_type);
		assert_true(m.res[RESOURCE_ORIGINAL].present);
		assert_int_equal(
		    m.res[RESOURCE_ORIGINAL].url != NULL, cases[i].url);
		assert_int_equal(m.res[RESOURCE_ALTERNATIVE].present,
		    cases[i].alternative != NULL);
		if (cases[i].alternative != NULL)
			assert_string_equal(m.res[RESOURCE_ALTERNATIVE].uti,
			    cases[i].alternative);
		master_clear(&m);
		record_clear(&r);
		free(text);
	}
	text = variant(&r, "photos/variants/raw_alt_adj.json", 1);
	asset_read(&a, &r);
	assert_true(a.res[RESOURCE_EDITED].present);
	assert_string_equal(a.res[RESOURCE_EDITED].uti, "public.jpeg");
	assert_int_equal(a.res[RESOURCE_EDITED].size_bytes, 233944);
	asset_clear(&a);
	record_clear(&r);
	free(text);
}

/* [tombstone], [changes-zone]: as another client's authors wrote them down. */
static void
documented(void **state)
{
	size_t len, it = 0;
	char *text =
	    recorded_read(&len, "documented/pyicloud_photos_fixtures.json");
	struct json_span all, entry, rec;
	struct photos_page page;
	struct record r;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(json_span_all(&all, text, len, NULL), 0);
	all = json_span_get(
	    json_span_get(all, "files"), "photos_zone_changes_response.json");
	assert_true(json_span_next(&entry, json_span_get(all, "zones"), &it));
	assert_int_equal(photos_page_read(&page, entry, &e), 0);
	assert_false(page.more);
	assert_string_equal(page.token, "SYNC_TOKEN_103");
	it = 0;
	assert_true(json_span_next(&rec, page.records, &it));
	assert_int_equal(record_read(&r, rec, &e), 0);
	assert_int_equal(r.type, RECORD_ASSET);
	record_clear(&r);
	assert_true(json_span_next(&rec, page.records, &it));
	assert_int_equal(record_read(&r, rec, &e), 0);
	assert_int_equal(r.type, RECORD_TOMBSTONE);
	assert_string_equal(r.name, "ALBUM_RECORD_ID_999");
	record_clear(&r);
	assert_false(json_span_next(&rec, page.records, &it));
	photos_page_clear(&page);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pages),
	    cmocka_unit_test(other_answers),
	    cmocka_unit_test(variants),
	    cmocka_unit_test(documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
