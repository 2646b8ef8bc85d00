#include "bench.h"

#include <sys/wait.h>
#include <zlib.h>

#include "json.h"

/*
 * manifest/ and records/: what their lines say, that they are written when
 * something has changed and only then, and that they can be read back.
 */

#define MANIFEST ".icloud-pull/manifest/"
#define RECORDS  ".icloud-pull/records/"

/* ---- words ---- */

static const char *
role_word(int role)
{
	static const char *const words[] = {
	    "original", "live", "alternative", "sidecar", "edited", "video"};

	return words[role];
}

/* The sums of both records: that they were handed over, and changed. */
static void
describe(void *arg, struct buf *out, const struct store_bytes *asset,
    const struct store_bytes *master)
{
	const struct store_bytes *all[] = {asset, master};

	(*(int *)arg)++;
	for (int i = 0; i < 2; i++)
		if (all[i]->p != NULL)
			buf_addf(out, ",\"%s_sum\":%lu",
			    i == 0 ? "asset" : "master",
			    crc32(0, all[i]->p, (uInt)all[i]->len));
}

static int described;
static const struct store_words words = {
    .role = role_word, .asset = describe, .arg = &described};

static void
write_all(struct bench *b)
{
	bool more = true;

	must(store_months_write(&more, b->s, &words, 0, e));
	assert_false(more);
}

/* ---- what is on the disk ---- */

/* A whole file, out of gzip if it is one; NULL if there is none.  The caller
 * frees. */
static char *
text_of(struct bench *b, const char *path)
{
	char *whole = xasprintf("%s/%s", b->root, path), piece[4096];
	gzFile f = gzopen(whole, "rb");
	struct buf out = {0};
	int n;

	free(whole);
	if (f == NULL)
		return NULL;
	while ((n = gzread(f, piece, sizeof(piece))) > 0)
		assert_int_equal(buf_add(&out, piece, (size_t)n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(gzclose(f), Z_OK);
	return buf_take(&out);
}

/* Line n of a file as JSON, NULL if it has fewer; the caller deletes it. */
static cJSON *
line_of(struct bench *b, const char *path, int n)
{
	char *text = text_of(b, path), *line = text, *end;
	cJSON *json = NULL;

	while (line != NULL && *line != '\0') {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (n-- == 0) {
			json = json_parse(line, strlen(line), NULL);
			assert_non_null(json);
			break;
		}
		line = end + 1;
	}
	free(text);
	return json;
}

static int
lines_in(struct bench *b, const char *path)
{
	char *text = text_of(b, path);
	int n = 0;

	if (text == NULL)
		return -1;
	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	free(text);
	return n;
}

static void
assert_member(const cJSON *object, const char *name, const char *value)
{
	const char *is = json_str(object, name);

	if (value == NULL) {
		assert_null(json_get(object, name));
		return;
	}
	if (is == NULL)
		print_message("%s is missing\n", name);
	assert_non_null(is);
	assert_string_equal(is, value);
}

/* An array of texts, as "one|two"; "" if there is none. */
static void
assert_texts(const cJSON *object, const char *name, const char *value)
{
	struct buf all = {0};
	const cJSON *text;

	cJSON_ArrayForEach (text, json_array(object, name)) {
		if (all.len > 0)
			buf_adds(&all, "|");
		buf_adds(&all, cJSON_GetStringValue(text));
	}
	assert_string_equal(buf_text(&all), value);
	buf_clear(&all);
}

static const cJSON *
asset_of(const cJSON *line, int i)
{
	return cJSON_GetArrayItem(json_array(line, "assets"), i);
}

struct faults {
	int n;
	enum store_month_fault last;
	char path[200];
};

static void
on_fault(void *arg, const char *path, enum store_month_fault fault)
{
	struct faults *f = arg;

	f->n++;
	f->last = fault;
	snprintf(f->path, sizeof(f->path), "%s", path);
}

static struct faults
check(struct bench *b, bool mark)
{
	struct faults f = {0};

	must(store_months_check(b->s, &words, mark, on_fault, &f, e));
	return f;
}

static int64_t
marked(struct bench *b)
{
	return ask(b, "SELECT count(*) FROM month WHERE dirty > 0");
}

/* ---- records ---- */

/* A record with these bytes; the same again changes nothing. */
static enum store_change
put_bytes(int64_t *rec, struct bench *b, int64_t zone, const char *name,
    enum store_type type, const char *bytes)
{
	char tag[16];
	struct store_record r = {.zone = zone,
	    .name = name,
	    .type = type,
	    .tag = tag,
	    .bytes = bytes,
	    .len = strlen(bytes)};
	enum store_change change;

	snprintf(tag, sizeof(tag), "%lx",
	    crc32(0, (const Bytef *)bytes, (uInt)strlen(bytes)));
	must(store_record_put(&change, rec, b->s, &r, false, e));
	return change;
}

static void
put_album(struct bench *b, const char *name, const char *title,
    const char *parent, bool trashed)
{
	char *bytes = xasprintf("{\"%s\":\"%s\",\"in\":\"%s\",\"t\":%d}", name,
	    title, parent, trashed);
	int64_t rec;

	if (put_bytes(&rec, b, b->zone, name, STORE_ALBUM, bytes) != STORE_SAME)
		must(store_album_put(
		    b->s, rec, b->zone, title, parent, 0, 1, trashed, e));
	free(bytes);
}

static void
put_relation(
    struct bench *b, const char *asset, const char *album, bool trashed)
{
	char *name = xasprintf("%s-IN-%s", asset, album);
	char *bytes = xasprintf("{\"%s\":%d}", name, trashed);
	int64_t rec;

	if (put_bytes(&rec, b, b->zone, name, STORE_RELATION, bytes) !=
	    STORE_SAME)
		must(store_relation_put(
		    b->s, rec, b->zone, asset, album, 1, trashed, e));
	free(bytes);
	free(name);
}

/* ---- what a line says ---- */

static void
a_line(void **state)
{
	struct store_resource r[2];
	char hex[2 * DIGEST_SHA256 + 1];
	struct buf b64 = {0};
	struct bench b;
	struct digest_sum sum;
	const cJSON *a;
	cJSON *line;

	(void)state;
	bench_start(&b);
	r[0] = resource(0, thing(&b, "still"));
	r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
	put_master(&b, "M1", "t", "IMG_1.HEIC", r, 2);
	r[0] = resource(EDIT_ROLE, thing(&b, "edit"));
	put_asset(&b, "A1", "t", "M1",
	    (struct store_asset){.res = r,
		.nres = 1,
		.has_taken = true,
		.taken_ms = INT64_C(1721557815250),
		.has_offset = true,
		.offset_s = -12600,
		.has_added = true,
		.added_ms = INT64_C(1721557816000),
		.hidden = true,
		.favourite = true,
		.month = 202407});
	put_album(&b, "F1", "Trips", NULL, false);
	put_album(&b, "B1", "Italy \"24\"", "F1", false);
	put_relation(&b, "A1", "B1", false);
	assert_int_equal(fetch_all(&b), 3);
	write_all(&b);
	assert_int_equal(lines_in(&b, MANIFEST "2024-07.jsonl"), 3);

	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_member(line, "path", "2024/07/IMG_1.HEIC");
	assert_member(line, "stem", "2024/07/IMG_1");
	assert_member(line, "role", "original");
	assert_member(line, "type", "public.jpeg");
	assert_member(line, "state", "proven");
	assert_member(line, "cloud", "present");
	assert_member(line, "taken", "2024-07-21T07:00:15.250-03:30");
	assert_null(json_get(line, "stated_size"));
	assert_int_equal(cJSON_GetNumberValue(json_get(line, "size")), 5);
	assert_int_equal(store_hash_at(&sum, store_root_fd(b.s),
			     "2024/07/IMG_1.HEIC", NULL, 0),
	    0);
	text_hex(hex, sum.sha256, DIGEST_SHA256);
	assert_member(line, "sha256", hex);
	text_base64(&b64, thing(&b, "still")->checksum, 21);
	assert_member(line, "fileChecksum", buf_text(&b64));
	assert_texts(line, "albums", "Trips/Italy \"24\"");
	assert_null(json_get(line, "albums_before"));
	assert_int_equal(cJSON_GetArraySize(json_array(line, "assets")), 1);
	a = asset_of(line, 0);
	assert_member(a, "database", "private");
	assert_member(a, "zone", "PrimarySync");
	assert_member(a, "owner", "_o");
	assert_member(a, "record", "A1");
	assert_member(a, "master", "M1");
	assert_member(a, "filename", "IMG_1.HEIC");
	assert_member(a, "taken", "2024-07-21T07:00:15.250-03:30");
	assert_member(a, "added", "2024-07-21T10:30:16Z");
	assert_member(a, "cloud", "present");
	assert_member(a, "role", NULL);
	assert_true(json_bool(a, "hidden"));
	assert_true(json_bool(a, "favourite"));
	assert_null(json_get(a, "replaced"));
	assert_null(json_get(a, "albums")); /* it is the only one */
	assert_non_null(json_get(a, "asset_sum"));
	assert_non_null(json_get(a, "master_sum"));
	cJSON_Delete(line);

	line = line_of(&b, MANIFEST "2024-07.jsonl", 1);
	assert_member(line, "path", "2024/07/IMG_1.MOV");
	assert_member(line, "stem", "2024/07/IMG_1");
	assert_member(line, "role", "live");
	cJSON_Delete(line);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 2);
	assert_member(line, "path", "2024/07/IMG_1_edited.HEIC");
	assert_member(line, "role", "edited");
	cJSON_Delete(line);
	buf_clear(&b64);
	bench_done(&b);
}

/* B058: what is no date is kept as it is, in "undated". */
static void
dates(void **state)
{
	static const struct {
		bool has_taken, has_offset;
		int64_t taken_ms, offset_s;
		const char *taken;
	} cases[] = {
	    {true, true, 0, 7200, "1970-01-01T02:00:00+02:00"},
	    {true, false, -63849600000, 0, "1967-12-24T00:00:00Z"},
	    {true, true, 999, -1, "1969-12-31T23:59:59.999-00:00:01"},
	    {true, true, INT64_MAX, 3600, "+292278994-08-17T07:12:55.807Z"},
	    {true, true, INT64_MIN, 3600, "-292275055-05-16T16:47:04.192Z"},
	    {true, false, INT64_C(86531000000000000), 0,
		"+2744028-03-25T16:53:20Z"},
	    {false, true, 77, 3600, NULL},
	};
	const size_t n = sizeof(cases) / sizeof(cases[0]);
	char name[16], bytes[16], *text, *number;
	struct bench b;
	cJSON *line;
	size_t i;

	(void)state;
	bench_start(&b);
	for (i = 0; i < n; i++) {
		struct store_resource r;

		snprintf(name, sizeof(name), "M%zu", i);
		snprintf(bytes, sizeof(bytes), "bytes %zu", i);
		r = resource(0, thing(&b, bytes));
		put_master(&b, name, "t", "x.JPG", &r, 1);
		put_asset(&b, name + 1, "t", name,
		    (struct store_asset){.has_taken = cases[i].has_taken,
			.taken_ms = cases[i].taken_ms,
			.has_offset = cases[i].has_offset,
			.offset_s = cases[i].offset_s,
			.has_added = true,
			.added_ms = -(int64_t)i});
	}
	assert_int_equal(fetch_all(&b), n);
	write_all(&b);
	text = text_of(&b, MANIFEST "undated.jsonl");
	assert_non_null(text);
	for (i = 0; i < n; i++) {
		line = line_of(&b, MANIFEST "undated.jsonl", (int)i);
		assert_member(line, "taken", cases[i].taken);
		assert_member(asset_of(line, 0), "taken", cases[i].taken);
		cJSON_Delete(line);
		number = xasprintf(
		    "\"taken_ms\":%lld,", (long long)cases[i].taken_ms);
		assert_int_equal(
		    strstr(text, number) != NULL, cases[i].has_taken);
		free(number);
	}
	free(text);
	assert_int_equal(lines_in(&b, RECORDS "undated.jsonl.gz"), 2 * n);
	bench_done(&b);
}

static void
put_in_zone(struct bench *b, int64_t zone, const char *name, const char *master,
    const char *bytes, struct store_asset a)
{
	struct store_resource r = resource(0, thing(b, bytes));
	struct store_master m = {.filename = "IMG_1.JPG", .res = &r, .nres = 1};

	if (put_bytes(&m.rec, b, zone, master, STORE_MASTER, "{\"m\":1}") !=
	    STORE_SAME)
		must(store_master_put(b->s, &m, e));
	a.zone = zone;
	a.master = master;
	(void)put_bytes(&a.rec, b, zone, name, STORE_ASSET, "{\"a\":1}");
	must(store_asset_put(b->s, &a, e));
}

/* B001, B086: one file, and everybody who has it. */
static void
one_file_of_several(void **state)
{
	struct store_zone shared = {
	    .database = 1, .name = "SharedSync-1", .kind = 2};
	struct bench b;
	cJSON *line;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	put_album(&b, "B1", "Mine", NULL, false);
	put_relation(&b, "A1", "B1", false);
	write_all(&b);
	assert_int_equal(marked(&b), 0);

	/* It moves to the shared library, and is dated anew there. */
	must(store_record_gone(b.s, b.zone, "A1", e));
	must(store_zone_put(b.s, &shared, e));
	put_in_zone(&b, shared.zone, "S1", "MA1", "one",
	    (struct store_asset){
		.month = 202501, .has_taken = true, .taken_ms = NOW});
	assert_int_equal(fetch_all(&b), 0);
	write_all(&b);
	assert_int_equal(lines_in(&b, MANIFEST "2024-07.jsonl"), 1);
	assert_int_equal(lines_in(&b, MANIFEST "2025-01.jsonl"), -1);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_member(line, "cloud", "present");
	assert_texts(line, "albums", "Mine");
	assert_int_equal(cJSON_GetArraySize(json_array(line, "assets")), 2);
	assert_member(asset_of(line, 0), "record", "A1");
	assert_member(asset_of(line, 0), "cloud", "gone");
	assert_texts(asset_of(line, 0), "albums", "Mine");
	assert_member(asset_of(line, 1), "record", "S1");
	assert_member(asset_of(line, 1), "database", "shared");
	assert_member(asset_of(line, 1), "owner", NULL);
	assert_member(asset_of(line, 1), "cloud", "present");
	assert_texts(asset_of(line, 1), "albums", "");
	cJSON_Delete(line);
	/* Each asset where its date is, each with a master. */
	assert_int_equal(lines_in(&b, RECORDS "2024-07.jsonl.gz"), 2);
	assert_int_equal(lines_in(&b, RECORDS "2025-01.jsonl.gz"), 2);

	/* The library is left: what is here is what has been. */
	must(store_zone_gone(b.s, shared.zone, true, e));
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_member(line, "cloud", "gone");
	assert_member(asset_of(line, 1), "cloud", "gone");
	cJSON_Delete(line);
	assert_int_equal(check(&b, false).n, 0);
	bench_done(&b);
}

/* The file stays when its asset has another original. */
static void
what_was_replaced(void **state)
{
	struct bench b;
	struct store_resource r;
	cJSON *line;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "first", 1000);
	assert_int_equal(fetch_all(&b), 1);
	r = resource(0, thing(&b, "second"));
	put_master(&b, "MA1", "t2", "IMG_1.JPG", &r, 1);
	assert_int_equal(fetch_all(&b), 1);
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_member(line, "cloud", "replaced");
	assert_int_equal(cJSON_GetArraySize(json_array(line, "assets")), 1);
	assert_true(json_bool(asset_of(line, 0), "replaced"));
	assert_member(asset_of(line, 0), "cloud", "present");
	cJSON_Delete(line);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 1);
	assert_member(line, "cloud", "present");
	assert_null(json_get(asset_of(line, 0), "replaced"));
	cJSON_Delete(line);
	bench_done(&b);
}

static void
albums(void **state)
{
	struct bench b;
	int64_t rec;
	cJSON *line;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	put_album(&b, "F1", "Trips", NULL, false);
	put_album(&b, "B1", "Italy", "F1", false);
	put_album(&b, "B2", "Best", NULL, false);
	put_relation(&b, "A1", "B1", false);
	put_relation(&b, "A1", "B2", false);
	write_all(&b);
	/* A folder of its folder has another name; one album is left. */
	put_album(&b, "F1", "Journeys", NULL, false);
	assert_int_equal(marked(&b), 2);
	must(store_record_gone(b.s, b.zone, "A1-IN-B2", e));
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_texts(line, "albums", "Journeys/Italy");
	assert_texts(line, "albums_before", "Best");
	cJSON_Delete(line);
	/* A folder goes to the trash with all that is in it. */
	put_album(&b, "F1", "Journeys", NULL, true);
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_texts(line, "albums", "");
	assert_texts(line, "albums_before", "Journeys/Italy|Best");
	cJSON_Delete(line);
	/* An album ends, and is there again as it was. */
	put_album(&b, "F1", "Journeys", NULL, false);
	must(store_record_gone(b.s, b.zone, "B1", e));
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_texts(line, "albums", "");
	cJSON_Delete(line);
	put_album(&b, "B1", "Italy", "F1", false);
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_texts(line, "albums", "Journeys/Italy");
	cJSON_Delete(line);
	/* What was ever in an album is told of one asset only. */
	put_bytes(&rec, &b, b.zone, "A1-IN-B2", STORE_RELATION, "{\"x\":1}");
	must(store_relation_put(b.s, rec, b.zone, "A2", "B2", 1, true, e));
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_texts(line, "albums_before", "");
	cJSON_Delete(line);
	/* Folders in a circle end somewhere. */
	put_album(&b, "F1", "Journeys", "B1", false);
	write_all(&b);
	line = line_of(&b, MANIFEST "2024-07.jsonl", 0);
	assert_int_equal(cJSON_GetArraySize(json_array(line, "albums")), 1);
	cJSON_Delete(line);
	assert_int_equal(check(&b, false).n, 0);
	bench_done(&b);
}

/* ---- records ---- */

/* As they came, but for line ends between members. */
static void
records(void **state)
{
	static const char bytes[] =
	    "{\r\n  \"recordName\" : \"M1\",\n"
	    "\t\"n\" : 9007199254740993, \"t\":\"a\\nb\"}";
	static const char written[] =
	    "\"gone\":false,\"record\":{    \"recordName\" : \"M1\", "
	    "\t\"n\" : 9007199254740993, \"t\":\"a\\nb\"}}\n";
	struct store_resource r;
	struct bench b;
	struct store_master m = {.res = &r, .nres = 1};
	struct store_asset a = {0};
	int64_t rec;
	char *text;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "one"));
	put_bytes(&m.rec, &b, b.zone, "M1", STORE_MASTER, bytes);
	must(store_master_put(b.s, &m, e));
	put_bytes(&rec, &b, b.zone, "LI", STORE_LIBRARY_INFO, "{\"li\":1}");
	put_album(&b, "B1", "Album", NULL, false);
	put_relation(&b, "A1", "B1", false);
	write_all(&b);
	/* A master without an asset is among those of no month. */
	text = text_of(&b, RECORDS "albums.jsonl.gz");
	assert_non_null(text);
	assert_non_null(strstr(text, written));
	assert_non_null(strstr(text, "{\"li\":1}"));
	free(text);
	assert_int_equal(lines_in(&b, RECORDS "albums.jsonl.gz"), 4);

	/* Two assets have it, in two months: it is in both, once in each. */
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"A1", "A2", "A3"};

		a = (struct store_asset){.zone = b.zone,
		    .master = "M1",
		    .month = i == 2 ? 202408 : 202407};
		put_bytes(&a.rec, &b, b.zone, names[i], STORE_ASSET,
		    i == 1 ? "{\"second\":1}" : "{\"a\":1}");
		must(store_asset_put(b.s, &a, e));
	}
	write_all(&b);
	assert_int_equal(lines_in(&b, RECORDS "albums.jsonl.gz"), 3);
	assert_int_equal(lines_in(&b, RECORDS "2024-07.jsonl.gz"), 3);
	assert_int_equal(lines_in(&b, RECORDS "2024-08.jsonl.gz"), 2);
	text = text_of(&b, RECORDS "2024-07.jsonl.gz");
	assert_non_null(strstr(text, written));
	free(text);
	/* No file of the copy is in those months. */
	assert_int_equal(lines_in(&b, MANIFEST "2024-07.jsonl"), -1);

	/* What has left the cloud is kept, and says so. */
	must(store_record_gone(b.s, b.zone, "A2", e));
	must(store_record_gone(b.s, b.zone, "M1", e));
	must(store_record_gone(b.s, b.zone, "LI", e));
	write_all(&b);
	text = text_of(&b, RECORDS "2024-07.jsonl.gz");
	assert_non_null(
	    strstr(text, "\"gone\":true,\"record\":{\"second\":1}}"));
	assert_non_null(strstr(text, "\"gone\":false,\"record\":{\"a\":1}}"));
	assert_non_null(strstr(text, "\"gone\":true,\"record\":{    \"record"));
	free(text);
	text = text_of(&b, RECORDS "2024-08.jsonl.gz");
	assert_non_null(strstr(text, "\"gone\":true,\"record\":{    \"record"));
	free(text);
	text = text_of(&b, RECORDS "albums.jsonl.gz");
	assert_non_null(strstr(text, "\"gone\":true,\"record\":{\"li\":1}}"));
	free(text);
	bench_done(&b);
}

/* ---- when ---- */

static void
only_what_has_changed(void **state)
{
	struct buf before = {0}, after = {0};
	struct stat st[2];
	char path[200], gz[12];
	struct bench b;
	mode_t mask;
	FILE *f;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	put_photo(&b, "A2", "b.JPG", "two", 2000);
	put_asset(&b, "A2", "t2", "MA2",
	    (struct store_asset){.month = 201912, .has_taken = true});
	assert_int_equal(fetch_all(&b), 2);
	write_all(&b);
	assert_int_equal(marked(&b), 0);
	bench_end(&b);
	tree(&before, b.root);

	/* A night without changes. */
	bench_reopen(&b);
	bench_begin(&b);
	described = 0;
	write_all(&b);
	bench_end(&b);
	tree(&after, b.root);
	assert_string_equal(buf_text(&before), buf_text(&after));
	assert_int_equal(described, 0);

	/* All are marked, and none is another: not one is touched. */
	bench_begin(&b);
	must(sql_exec(b.s, "UPDATE month SET dirty = 1", e));
	snprintf(path, sizeof(path), "%s/" MANIFEST "2019-12.jsonl", b.root);
	assert_int_equal(stat(path, &st[0]), 0);
	write_all(&b);
	assert_int_equal(marked(&b), 0);
	assert_true(described > 0);
	assert_int_equal(stat(path, &st[1]), 0);
	assert_int_equal(st[0].st_ino, st[1].st_ino);
	assert_int_equal(ST_MTIM(st[0]).tv_nsec, ST_MTIM(st[1]).tv_nsec);
	mask = umask(0);
	(void)umask(mask);
	assert_int_equal(st[0].st_mode & 0777, 0644 & ~mask);

	/* One asset changes: its month alone. */
	put_asset(&b, "A2", "t3", "MA2",
	    (struct store_asset){
		.month = 201912, .has_taken = true, .favourite = true});
	write_all(&b);
	assert_int_equal(stat(path, &st[1]), 0);
	assert_int_not_equal(st[0].st_ino, st[1].st_ino);
	bench_end(&b);
	buf_reset(&after);
	tree(&after, b.root);
	assert_null(strstr(buf_text(&after), ".new"));
	assert_null(strstr(buf_text(&after), "/new"));

	/* Reproducible: no time, no name, no system. */
	snprintf(path, sizeof(path), "%s/" RECORDS "2019-12.jsonl.gz", b.root);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(gz, 1, 10, f), 10);
	assert_int_equal(fclose(f), 0);
	assert_memory_equal(gz, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	buf_clear(&before);
	buf_clear(&after);
	bench_done(&b);
}

static void
in_small_pieces(void **state)
{
	struct bench b;
	bool more = true;
	char name[16], bytes[16];
	int calls = 0;

	(void)state;
	bench_start(&b);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "A%d", i);
		snprintf(bytes, sizeof(bytes), "thing %d", i);
		put_photo(&b, name, "x.JPG", bytes, i);
	}
	assert_int_equal(fetch_all(&b), 8);
	while (more) {
		must(store_months_write(&more, b.s, &words, 2, e));
		calls++;
	}
	assert_true(calls > 8);
	assert_int_equal(marked(&b), 0);
	assert_int_equal(check(&b, false).n, 0);

	/* What changes while its month is being written keeps its mark, for
	 * the next round; asked for all, the round begins anew. */
	must(sql_exec(b.s, "UPDATE month SET dirty = 1", e));
	must(store_months_write(&more, b.s, &words, 4, e));
	assert_true(more);
	put_photo(&b, "A8", "y.JPG", "thing 8", 8);
	put_asset(&b, "A0", "t2", "MA0",
	    (struct store_asset){.month = 202407, .favourite = true});
	while (more)
		must(store_months_write(&more, b.s, &words, 4, e));
	assert_int_equal(marked(&b), 1);
	must(store_months_write(&more, b.s, &words, 1, e));
	assert_true(more);
	put_asset(&b, "A1", "t2", "MA1",
	    (struct store_asset){.month = 202407, .favourite = true});
	write_all(&b);
	assert_int_equal(marked(&b), 0);
	assert_int_equal(check(&b, false).n, 0);
	bench_done(&b);
}

/* What goes from one month to another is there before it is no longer here. */
static struct bench *watched;
static int both;

static void
look_for_both(const char *step)
{
	const char *const paths[] = {
	    RECORDS "2024-07.jsonl.gz", RECORDS "2030-01.jsonl.gz"};
	int found = 0;
	char *text;

	if (strcmp(step, "month renamed") != 0)
		return;
	for (int i = 0; i < 2; i++) {
		text = text_of(watched, paths[i]);
		found += text != NULL && strstr(text, "{\"moves\":1}") != NULL;
		free(text);
	}
	assert_true(found > 0);
	both = found > both ? found : both;
}

static void
a_move_loses_nothing(void **state)
{
	static const int months[] = {202407, 203001};
	struct bench b;

	(void)state;
	bench_start(&b);
	watched = &b;
	for (int i = 0; i < 4; i++) {
		struct store_asset a = {.zone = b.zone, .month = months[i % 2]};

		both = 0;
		(void)put_bytes(
		    &a.rec, &b, b.zone, "A1", STORE_ASSET, "{\"moves\":1}");
		must(store_asset_put(b.s, &a, e));
		b.s->step = i > 0 ? look_for_both : NULL;
		write_all(&b);
		assert_int_equal(both, i > 0 ? 2 : 0);
		assert_int_equal(lines_in(&b, RECORDS "2024-07.jsonl.gz"),
		    i % 2 == 0 ? 1 : -1);
	}
	b.s->step = NULL;
	bench_done(&b);
}

/* ---- trouble ---- */

static int steps_left;

static void
die_at_step(const char *name)
{
	(void)name;
	if (--steps_left == 0)
		_exit(42);
}

/* Killed at any step, what is behind is known, and the next run writes it. */
static void
killed(void **state)
{
	int status, n = 1;

	(void)state;
	do {
		struct bench b;
		pid_t pid;

		bench_start(&b);
		put_photo(&b, "A1", "a.JPG", "one", 1000);
		put_photo(&b, "A2", "b.JPG", "two", 2000);
		assert_int_equal(fetch_all(&b), 2);
		write_all(&b);
		put_asset(&b, "A2", "t2", "MA2",
		    (struct store_asset){.month = 201912, .hidden = true});
		put_asset(&b, "A1", "t2", "MA1",
		    (struct store_asset){.month = 202407, .hidden = true});
		store_close(b.s);
		b.s = NULL;
		work_free(b.work);
		b.work = NULL;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			bool more;

			b.work = work_new(1);
			bench_open(&b);
			bench_begin(&b);
			steps_left = n;
			b.s->step = die_at_step;
			must(store_months_write(&more, b.s, &words, 0, e));
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		b.work = work_new(1);
		bench_open(&b);
		bench_begin(&b);
		if (WEXITSTATUS(status) == 42)
			assert_true(marked(&b) > 0);
		assert_int_equal(check(&b, false).n, 0);
		write_all(&b);
		assert_int_equal(marked(&b), 0);
		assert_int_equal(check(&b, false).n, 0);
		bench_done(&b);
		n++;
	} while (WEXITSTATUS(status) == 42);
	assert_true(n > 5);
}

static void
a_place_that_is_taken(void **state)
{
	struct err e = ERR_INIT;
	struct bench b;
	bool more;
	char *path;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	plant(&b, MANIFEST "2024-07.jsonl/x", "no file, but a folder");
	assert_int_equal(store_months_write(&more, b.s, &words, 0, &e), -1);
	assert_int_equal(err_exit_status(e.code), 5);
	assert_non_null(strstr(e.what, MANIFEST "2024-07.jsonl"));
	assert_false(more);
	assert_true(marked(&b) > 0);
	/* A link leads nowhere else. */
	path = xasprintf(
	    "rm -r '%s/.icloud-pull/manifest'; ln -s /tmp '%s/.icloud-pull/"
	    "manifest'",
	    b.root, b.root);
	assert_int_equal(system(path), 0); /* NOLINT(cert-env33-c) */
	free(path);
	assert_int_equal(store_months_write(&more, b.s, &words, 0, &e), -1);
	assert_true(marked(&b) > 0);
	path = xasprintf("%s/.icloud-pull/manifest", b.root);
	assert_int_equal(unlink(path), 0);
	free(path);
	write_all(&b);
	assert_int_equal(marked(&b), 0);
	assert_int_equal(check(&b, false).n, 0);
	bench_done(&b);
}

/* How a file is spoilt: with a shell, in its folder, as $f. */
static const struct {
	const char *file, *how;
	enum store_month_fault fault;
} spoilt[] = {
    {MANIFEST "2024-07.jsonl", "rm $f", STORE_MONTH_MISSING},
    {MANIFEST "2024-07.jsonl", ": >$f", STORE_MONTH_DIFFERS},
    {MANIFEST "2024-07.jsonl", "sed -i 's/a.JPG/b.JPG/' $f",
	STORE_MONTH_DIFFERS},
    {MANIFEST "2024-07.jsonl", "sed -i 2p $f", STORE_MONTH_DIFFERS},
    {MANIFEST "2024-07.jsonl", "sed -i 1d $f", STORE_MONTH_DIFFERS},
    {MANIFEST "2024-07.jsonl", "truncate -s -2 $f", STORE_MONTH_UNREADABLE},
    {MANIFEST "2024-07.jsonl", "echo >>$f", STORE_MONTH_UNREADABLE},
    {MANIFEST "2024-07.jsonl", "sed -i 's/\"path\"/\"Path\"/' $f",
	STORE_MONTH_UNREADABLE},
    {RECORDS "2024-07.jsonl.gz", "rm $f; mkdir $f", STORE_MONTH_UNREADABLE},
    {RECORDS "2024-07.jsonl.gz", "truncate -s -1 $f", STORE_MONTH_UNREADABLE},
    {RECORDS "2024-07.jsonl.gz", "echo >>$f", STORE_MONTH_UNREADABLE},
    {RECORDS "2024-07.jsonl.gz", "zcat $f >x; gzip -n <x >$f; cat x >>$f; rm x",
	STORE_MONTH_UNREADABLE},
    {RECORDS "2024-07.jsonl.gz", "gzip -n </dev/null >$f", STORE_MONTH_DIFFERS},
    {RECORDS "2024-07.jsonl.gz", "zcat $f >x; sed '$ d' x | gzip -n >$f; rm x",
	STORE_MONTH_DIFFERS},
    {RECORDS "albums.jsonl.gz", "rm $f", STORE_MONTH_MISSING},
};

static void
faults_are_found(void **state)
{
	const size_t n = sizeof(spoilt) / sizeof(spoilt[0]);
	struct faults f;
	struct bench b;
	char *cmd;
	size_t i;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	put_photo(&b, "A2", "c.JPG", "two", 2000);
	put_album(&b, "B1", "Album", NULL, false);
	assert_int_equal(fetch_all(&b), 2);
	write_all(&b);
	assert_int_equal(check(&b, true).n, 0);
	assert_int_equal(marked(&b), 0);
	for (i = 0; i < n; i++) {
		cmd = xasprintf("cd '%s' && f=%s && %s", b.root, spoilt[i].file,
		    spoilt[i].how);
		assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
		f = check(&b, false);
		assert_int_equal(f.n, 1);
		assert_string_equal(f.path, spoilt[i].file);
		if (f.last != spoilt[i].fault)
			print_message("# %s: fault %d\n", cmd, (int)f.last);
		assert_int_equal(f.last, spoilt[i].fault);
		assert_int_equal(marked(&b), 0);
		/* What is marked is known to be behind. */
		assert_int_equal(check(&b, true).n, 1);
		assert_int_equal(marked(&b), 1);
		assert_int_equal(check(&b, true).n, 0);
		if (strstr(spoilt[i].how, "mkdir") != NULL) {
			free(cmd);
			cmd =
			    xasprintf("rmdir '%s/%s'", b.root, spoilt[i].file);
			assert_int_equal(
			    system(cmd), 0); /* NOLINT(cert-env33-c) */
		}
		free(cmd);
		write_all(&b);
		assert_int_equal(marked(&b), 0);
		assert_int_equal(check(&b, false).n, 0);
	}
	bench_done(&b);
}

/* ---- and back ---- */

struct seen {
	int files, records, gone, stop_at;
	struct buf names;
};

static int
see_file(void *arg, const struct store_manifest_line *l)
{
	struct seen *s = arg;

	if (++s->files == s->stop_at)
		return -1;
	buf_addf(&s->names, "%s %s %s %d %lld/%lld %zu %s %s\n", l->path,
	    l->stem, l->role, (int)l->state, (long long)l->size_bytes,
	    (long long)l->stated_bytes, l->checksum_len, l->assets[0].zone,
	    l->assets[0].record);
	return 0;
}

static int
see_record(void *arg, const struct store_record_line *l)
{
	struct seen *s = arg;

	s->records++;
	s->gone += l->gone;
	buf_addf(&s->names, "%d %s %s %.*s\n", l->database, l->zone,
	    l->owner != NULL ? l->owner : "-", (int)l->len, l->bytes);
	return 0;
}

static void
read_back(void **state)
{
	struct store_resource r;
	struct seen seen = {0};
	struct err why = ERR_INIT;
	struct bench b;
	int root;

	(void)state;
	bench_start(&b);
	/* A checksum that cannot be computed, and a size that is not stated or
	 * not right. */
	put_photo(&b, "A1", "a.JPG", "one", 3000);
	r = resource(0, thing_kind(&b, "unknown", 9));
	put_master(&b, "M2", "t", "b.JPG", &r, 1);
	put_asset(&b, "A2", "t", "M2", (struct store_asset){.month = 202407});
	r = resource(0, thing(&b, "three"));
	r.size_bytes = 4711;
	put_master(&b, "M3", "t", "c.JPG", &r, 1);
	put_asset(&b, "A3", "t", "M3", (struct store_asset){.month = 202407});
	r = resource(0, thing(&b, "four"));
	r.size_bytes = -1;
	put_master(&b, "M4", "t", NULL, &r, 1);
	put_asset(&b, "A4", "t", "M4",
	    (struct store_asset){.month = 202407, .has_added = true});
	assert_int_equal(fetch_all(&b), 4);
	must(store_record_gone(b.s, b.zone, "A2", e));
	write_all(&b);
	root = store_root_fd(b.s);
	must(store_manifest_read(
	    root, MANIFEST "2024-07.jsonl", see_file, &seen, e));
	assert_int_equal(seen.files, 4);
	assert_string_equal(buf_text(&seen.names),
	    "2024/07/a.JPG 2024/07/a original 1 3/3 21 PrimarySync A1\n"
	    "2024/07/x.JPG 2024/07/x original 1 4/-1 21 PrimarySync A4\n"
	    "2024/07/b.JPG 2024/07/b original 2 7/7 21 PrimarySync A2\n"
	    "2024/07/c.JPG 2024/07/c original 1 5/4711 21 PrimarySync A3\n");
	buf_reset(&seen.names);
	must(store_records_read(
	    root, RECORDS "2024-07.jsonl.gz", see_record, &seen, e));
	assert_int_equal(seen.records, 8);
	assert_int_equal(seen.gone, 1);
	assert_non_null(strstr(buf_text(&seen.names), "0 PrimarySync _o {}\n"));

	/* Who reads may end it; what is not there is no error. */
	seen.files = 0;
	seen.stop_at = 2;
	assert_int_equal(store_manifest_read(root, MANIFEST "2024-07.jsonl",
			     see_file, &seen, &why),
	    -1);
	assert_int_equal(seen.files, 2);
	assert_int_equal(store_manifest_read(root, MANIFEST "1999-01.jsonl",
			     see_file, &seen, &why),
	    1);
	/* Plain text is no gzip; the sentence names file and line. */
	assert_int_equal(store_records_read(root, MANIFEST "2024-07.jsonl",
			     see_record, &seen, &why),
	    -1);
	assert_int_equal(why.code, ERR_BAD_STATE);
	assert_non_null(strstr(why.what, "2024-07.jsonl"));
	assert_non_null(strstr(why.what, "line 1"));
	buf_clear(&seen.names);
	bench_done(&b);
}

#define SHA                                             \
	"\"sha256\":\"000102030405060708090a0b0c0d0e0f" \
	"000102030405060708090a0b0c0d0e0f\""
#define SUM "\"fileChecksum\":\"AYnnoj1r4lMYTs3JP/g7mjGaDCgO\""
#define ASSETS                                                 \
	"\"assets\":[{\"database\":\"shared\",\"zone\":\"Z\"," \
	"\"record\":\"R\",\"later\":1}]"
#define NAMES "\"path\":\"a/b\",\"stem\":\"a/b\",\"role\":\"live\""
#define LINE  NAMES "," SHA "," SUM "," ASSETS

static void
lines(void **state)
{
	static const struct {
		int rc;
		const char *line;
	} files[] = {
	    {0, "{" LINE ",\"size\":0,\"state\":\"proven\"}"},
	    {0,
		"{\"new\":{\"x\":[1]}," LINE
		",\"size\":7,\"state\":\"size-verified\",\"stated_size\":8}"},
	    {0,
		"{" LINE ",\"size\":7,\"state\":\"proven\","
		"\"stated_size\":null}"},
	    {-1, ""},
	    {-1, "[]"},
	    {-1, "{}"},
	    {-1, "{" LINE ",\"size\":7,\"state\":\"good\"}"},
	    {-1, "{" LINE ",\"size\":-7,\"state\":\"proven\"}"},
	    {-1, "{" LINE ",\"size\":\"x\",\"state\":\"proven\"}"},
	    {-1,
		"{" LINE ",\"size\":7,\"state\":\"proven\","
		"\"stated_size\":-8}"},
	    {-1, "{" LINE ",\"size\":7,\"state\":\"proven\"} x"},
	    {-1, "{" LINE ",\"size\":7,\"state\":\"proven\""},
	    {-1, "{" NAMES "," SHA "," SUM ",\"size\":7,\"state\":\"proven\"}"},
	    {-1,
		"{" NAMES "," SUM "," ASSETS
		",\"size\":7,\"state\":\"proven\"}"},
	    {-1,
		"{" NAMES "," SHA "," ASSETS
		",\"size\":7,\"state\":\"proven\"}"},
	    {-1,
		"{" NAMES "," SHA ",\"fileChecksum\":\"\"," ASSETS
		",\"size\":7,\"state\":\"proven\"}"},
	    {-1,
		"{" NAMES "," SHA "," SUM ",\"assets\":[{\"database\":\"x\","
		"\"zone\":\"Z\",\"record\":\"R\"}],\"size\":7,"
		"\"state\":\"proven\"}"},
	    {-1,
		"{" NAMES "," SHA "," SUM ",\"assets\":[7],\"size\":7,"
		"\"state\":\"proven\"}"},
	    {-1,
		"{\"path\":7," SHA "," SUM "," ASSETS
		",\"size\":7,\"state\":\"proven\"}"},
	};
	static const struct {
		int rc;
		const char *line;
	} records_[] = {
	    {0,
		"{\"database\":\"private\",\"zone\":\"Z\",\"owner\":\"_o\","
		"\"gone\":true,\"record\":{\"a\":1}}"},
	    {0,
		"{\"record\":{},\"later\":0,\"gone\":false,\"zone\":\"Z\","
		"\"database\":\"shared\"}"},
	    {-1,
		"{\"database\":\"public\",\"zone\":\"Z\",\"gone\":true,"
		"\"record\":{}}"},
	    {-1, "{\"database\":\"shared\",\"gone\":true,\"record\":{}}"},
	    {-1, "{\"database\":\"shared\",\"zone\":\"Z\",\"record\":{}}"},
	    {-1,
		"{\"database\":\"shared\",\"zone\":\"Z\",\"gone\":1,"
		"\"record\":{}}"},
	    {-1,
		"{\"database\":\"shared\",\"zone\":\"Z\",\"gone\":true,"
		"\"record\":null}"},
	    {-1, "{\"database\":\"shared\",\"zone\":\"Z\",\"gone\":true}"},
	    {-1,
		"{\"database\":\"shared\",\"zone\":\"Z\",\"gone\":true,"
		"\"record\":{}"},
	    {-1, ""},
	};
	struct store_manifest_line file;
	struct store_record_line record;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (store_manifest_line_read(&file, files[i].line,
			strlen(files[i].line)) != files[i].rc) {
			print_message("# %s\n", files[i].line);
			fail();
		}
		store_manifest_line_clear(&file);
	}
	for (i = 0; i < sizeof(records_) / sizeof(records_[0]); i++) {
		if (store_record_line_read(&record, records_[i].line,
			strlen(records_[i].line)) != records_[i].rc) {
			print_message("# %s\n", records_[i].line);
			fail();
		}
		store_record_line_clear(&record);
	}
	assert_int_equal(store_record_line_read(&record, records_[0].line,
			     strlen(records_[0].line)),
	    0);
	assert_true(record.gone);
	assert_int_equal(record.database, 0);
	assert_string_equal(record.owner, "_o");
	assert_int_equal(record.len, 7);
	assert_memory_equal(record.bytes, "{\"a\":1}", 7);
	store_record_line_clear(&record);
}

/* ---- whatever changes ---- */

static uint64_t seed;

static int
roll(int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int)((seed >> 20) % (uint64_t)n);
}

static const char *
name_of(char out[16], const char *kind, int n)
{
	snprintf(out, 16, "%s%d", kind, n);
	return out;
}

/* Up to n resources of random bytes, some of them edits. */
static size_t
some_resources(struct store_resource out[3], struct bench *b, int from, int n)
{
	char bytes[16];
	size_t k;

	for (k = 0; k < (size_t)n; k++) {
		out[k] = resource(
		    from + (int)k, thing(b, name_of(bytes, "bytes", roll(8))));
		if (roll(9) == 0)
			out[k].checksum = NULL;
	}
	return k;
}

static void
change_master(struct bench *b)
{
	struct store_resource r[3];
	struct store_master m = {.res = r};
	char name[16], *bytes;

	m.nres = some_resources(r, b, 0, 1 + roll(3));
	m.filename = roll(4) == 0 ? NULL : roll(2) ? "x.JPG" : "y.HEIC";
	bytes = xasprintf("{\"m\":%d}", roll(1000));
	(void)put_bytes(&m.rec, b, b->zone, name_of(name, "M", roll(5)),
	    STORE_MASTER, bytes);
	must(store_master_put(b->s, &m, e));
	free(bytes);
}

static void
change_asset(struct bench *b)
{
	static const int months[] = {0, 202401, 202402, 202403};
	char name[16], master[16], *bytes;
	struct store_resource r[3];
	struct store_asset a = {.zone = b->zone,
	    .res = r,
	    .month = months[roll(4)],
	    .has_taken = roll(3) > 0,
	    .taken_ms = roll(100000),
	    .hidden = roll(4) == 0,
	    .trashed = roll(4) == 0,
	    .favourite = roll(4) == 0,
	    .title = roll(3) == 0 ? "Title" : NULL};

	a.nres = roll(2) ? 0 : some_resources(r, b, EDIT_ROLE, 1 + roll(2));
	a.master = roll(8) == 0 ? NULL : name_of(master, "M", roll(6));
	bytes = xasprintf("{\"a\":%d}", roll(1000));
	(void)put_bytes(&a.rec, b, b->zone, name_of(name, "A", roll(8)),
	    STORE_ASSET, bytes);
	must(store_asset_put(b->s, &a, e));
	free(bytes);
}

static void
end_something(struct bench *b)
{
	static const char *const kinds[] = {"A", "M", "B", "LI"};
	char name[40];
	int kind = roll(5);

	if (kind == 4)
		snprintf(name, sizeof(name), "A%d-IN-B%d", roll(8), roll(4));
	else
		snprintf(name, sizeof(name), "%s%d", kinds[kind], roll(5));
	must(store_record_gone(b->s, b->zone, name, e));
}

static void
change_something(struct bench *b)
{
	char name[16], other[16], *bytes;
	int64_t rec;

	switch (roll(12)) {
	case 0:
	case 1:
	case 2:
		change_master(b);
		break;
	case 3:
	case 4:
	case 5:
		change_asset(b);
		break;
	case 6:
		end_something(b);
		break;
	case 7:
		put_album(b, name_of(name, "B", roll(4)),
		    roll(2) ? "Italy" : "Spain",
		    roll(2) ? NULL : name_of(other, "B", roll(4)),
		    roll(5) == 0);
		break;
	case 8:
		put_relation(b, name_of(name, "A", roll(8)),
		    name_of(other, "B", roll(4)), roll(4) == 0);
		break;
	case 9:
		bytes = xasprintf("{\"li\":%d}", roll(1000));
		(void)put_bytes(
		    &rec, b, b->zone, "LI0", STORE_LIBRARY_INFO, bytes);
		free(bytes);
		break;
	case 10:
		if (roll(4) == 0)
			must(store_zone_gone(b->s, b->zone, roll(2), e));
		break;
	default:
		if (roll(3) == 0)
			(void)fetch_all(b);
		break;
	}
}

/*
 * The disk always says what the catalogue says: whatever changes marks every
 * month in which it is written down, also while one is being written.
 */
static void
marks_miss_nothing(void **state)
{
	const char *many = getenv("STORE_TEST_CHANGES");
	const int n = many != NULL ? atoi(many) : 400; /* NOLINT */
	struct faults f;
	struct bench b;
	bool more;

	(void)state;
	seed = 0x9e3779b97f4a7c15;
	bench_start(&b);
	for (int i = 0; i < n; i++) {
		change_something(&b);
		if (roll(3) == 0)
			must(store_months_write(
			    &more, b.s, &words, (size_t)(1 + roll(4)), e));
		if (roll(4) != 0)
			continue;
		write_all(&b);
		assert_int_equal(marked(&b), 0);
		f = check(&b, false);
		if (f.n > 0)
			print_message("# change %d: %s\n", i, f.path);
		assert_int_equal(f.n, 0);
	}
	bench_done(&b);
}

/* Every file under a final name is in one manifest, each kept record in the
 * records. */
static void
all_of_them(void **state)
{
	struct seen seen = {0};
	struct bench b;
	int64_t files, kept;
	int i;

	(void)state;
	seed = 0x2545f4914f6cdd1d;
	bench_start(&b);
	for (i = 0; i < 120; i++)
		change_something(&b);
	(void)fetch_all(&b);
	write_all(&b);
	for (i = 0; i < 4; i++) {
		static const char *const names[] = {
		    "undated", "2024-01", "2024-02", "2024-03"};
		char *path = xasprintf(MANIFEST "%s.jsonl", names[i]);
		char *gz = xasprintf(RECORDS "%s.jsonl.gz", names[i]);

		assert_int_not_equal(store_manifest_read(store_root_fd(b.s),
					 path, see_file, &seen, NULL),
		    -1);
		assert_int_not_equal(store_records_read(store_root_fd(b.s), gz,
					 see_record, &seen, NULL),
		    -1);
		free(path);
		free(gz);
	}
	files = ask(&b, "SELECT count(*) FROM file WHERE state > 0");
	assert_true(files > 5);
	assert_int_equal(seen.files, files);
	must(store_records_read(store_root_fd(b.s), RECORDS "albums.jsonl.gz",
	    see_record, &seen, e));
	/* A master once for each month in which it has an asset. */
	kept = ask(&b,
	    "SELECT (SELECT count(*) FROM record WHERE dict IS NOT NULL AND"
	    " type <> 1) + (SELECT total(max(1, (SELECT count(DISTINCT month)"
	    " FROM asset a WHERE a.master = r.rec))) FROM record r"
	    " WHERE dict IS NOT NULL AND type = 1)");
	assert_int_equal(seen.records, kept);
	buf_clear(&seen.names);
	bench_done(&b);
}

/* Where a date is from that is not the asset's own. */
static void
a_date_says_where_it_is_from(void **state)
{
	static const struct {
		enum store_date dated;
		const char *word;
	} cases[] = {
	    {STORE_DATE_ASSET, NULL},
	    {STORE_DATE_ADDED, "added"},
	    {STORE_DATE_RECORD, "record"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool created = i % 2 == 1;
		struct store_resource r;
		struct store_master m = {.filename = "x.JPG",
		    .res = &r,
		    .nres = 1,
		    .has_created = created,
		    .created_ms = INT64_C(1600000000000)};
		struct bench b;
		cJSON *line;

		bench_start(&b);
		r = resource(0, thing(&b, "bytes"));
		put_record(&m.rec, &b, "M1", STORE_MASTER, "t");
		must(store_master_put(b.s, &m, e));
		put_asset(&b, "A1", "t", "M1",
		    (struct store_asset){.dated = cases[i / 2].dated,
			.has_taken = true,
			.taken_ms = NOW,
			.has_added = true,
			.added_ms = NOW,
			.month = 202009});
		assert_int_equal(fetch_all(&b), 1);
		write_all(&b);
		line = line_of(&b, MANIFEST "2020-09.jsonl", 0);
		assert_member(asset_of(line, 0), "taken_from",
		    cases[i / 2].word == NULL ? NULL
			: created             ? "created"
					      : cases[i / 2].word);
		assert_member(line, "taken",
		    created && i >= 2 ? "2020-09-13T12:26:40Z"
				      : "2023-11-14T22:13:20Z");
		cJSON_Delete(line);
		bench_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line),
	    cmocka_unit_test(dates),
	    cmocka_unit_test(one_file_of_several),
	    cmocka_unit_test(what_was_replaced),
	    cmocka_unit_test(albums),
	    cmocka_unit_test(records),
	    cmocka_unit_test(only_what_has_changed),
	    cmocka_unit_test(in_small_pieces),
	    cmocka_unit_test(a_move_loses_nothing),
	    cmocka_unit_test(killed),
	    cmocka_unit_test(a_place_that_is_taken),
	    cmocka_unit_test(faults_are_found),
	    cmocka_unit_test(read_back),
	    cmocka_unit_test(lines),
	    cmocka_unit_test(marks_miss_nothing),
	    cmocka_unit_test(all_of_them),
	    cmocka_unit_test(a_date_says_where_it_is_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
