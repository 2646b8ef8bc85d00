#include "bench.h"

#include "civil.h"

/* Records, zones, history; what the catalogue costs. */

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
random_base64(char *out, size_t chars, uint64_t *seed)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				       "mnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < chars; i++)
		out[i] = alphabet[next_random(seed) >> 20 & 63];
	out[chars] = '\0';
}

/* ---- typical records, as a server lays them out ---- */

struct shape {
	const char *nl, *in, *colon; /* line end, indent, between */
};
static const struct shape loose = {"\n", "  ", " : "};
static const struct shape tight = {"", "", ":"};

static void
field(struct buf *o, const struct shape *s, const char *name, const char *value,
    const char *type)
{
	buf_addf(o,
	    "%s%s%s\"%s\"%s{%s%s%s%s%s\"value\"%s%s,%s%s%s%s%s\"type\"%s\"%s\""
	    "%s%s%s%s},%s",
	    s->in, s->in, s->in, name, s->colon, s->nl, s->in, s->in, s->in,
	    s->in, s->colon, value, s->nl, s->in, s->in, s->in, s->in, s->colon,
	    type, s->nl, s->in, s->in, s->in, s->nl);
}

static void
number(struct buf *o, const struct shape *s, const char *name, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	field(o, s, name, text,
	    strstr(name, "Date") != NULL ? "TIMESTAMP" : "INT64");
}

static void
string(struct buf *o, const struct shape *s, const char *name,
    const char *value, const char *type)
{
	char text[300];

	snprintf(text, sizeof(text), "\"%s\"", value);
	field(o, s, name, text, type);
}

static void
begin(struct buf *o, const struct shape *s, const char *name, const char *type)
{
	buf_addf(o,
	    "{%s%s%s\"recordName\"%s\"%s\",%s%s%s\"recordType\"%s\"%s\",%s%s%s"
	    "\"fields\"%s{%s",
	    s->nl, s->in, s->in, s->colon, name, s->nl, s->in, s->in, s->colon,
	    type, s->nl, s->in, s->in, s->colon, s->nl);
}

static void
end(struct buf *o, const struct shape *s, uint64_t *seed)
{
	static const char who[] = "_0123456789abcdef0123456789abcdef";
	static const char device[] =
	    "00112233445566778899AABBCCDDEEFF0011223344"
	    "5566778899AABBCCDDEEFF";
	int i;

	buf_addf(o, "%s%s},%s%s%s\"recordChangeTag\"%s\"%llx\",%s", s->in,
	    s->in, s->nl, s->in, s->in, s->colon,
	    (unsigned long long)(next_random(seed) & 0xfffff), s->nl);
	for (i = 0; i < 2; i++)
		buf_addf(o,
		    "%s%s\"%s\"%s{%s%s%s%s\"timestamp\"%s%llu,%s%s%s%s"
		    "\"userRecordName\"%s\"%s\",%s%s%s%s\"deviceID\"%s\"%s\"%s"
		    "%s%s},%s",
		    s->in, s->in, i == 0 ? "created" : "modified", s->colon,
		    s->nl, s->in, s->in, s->in, s->colon,
		    1500000000000ULL + (next_random(seed) & 0x3fffffffff),
		    s->nl, s->in, s->in, s->in, s->colon, who, s->nl, s->in,
		    s->in, s->in, s->colon, device, s->nl, s->in, s->in, s->nl);
	buf_addf(o,
	    "%s%s\"deleted\"%sfalse,%s%s%s\"zoneID\"%s{%s%s%s%s"
	    "\"zoneName\"%s\"PrimarySync\",%s%s%s%s\"ownerRecordName\"%s\"%s\""
	    "%s%s%s}%s%s}",
	    s->in, s->in, s->colon, s->nl, s->in, s->in, s->colon, s->nl, s->in,
	    s->in, s->in, s->colon, s->nl, s->in, s->in, s->in, s->colon, who,
	    s->nl, s->in, s->in, s->nl, s->in);
}

static void
asset_id(struct buf *o, const struct shape *s, const char *name,
    const char *checksum, uint64_t *seed)
{
	char wrapping[32], reference[32], value[400];

	random_base64(wrapping, 22, seed);
	random_base64(reference, 28, seed);
	snprintf(value, sizeof(value),
	    "{%s%s%s%s%s%s\"fileChecksum\"%s\"%s\",%s%s%s%s%s%s\"size\"%s%llu,"
	    "%s%s%s%s%s%s\"wrappingKey\"%s\"%s==\",%s%s%s%s%s%s"
	    "\"referenceChecksum\"%s\"%s\",%s%s%s%s%s%s\"downloadURL\"%s\"\"%s"
	    "%s%s%s%s}",
	    s->nl, s->in, s->in, s->in, s->in, s->in, s->colon, checksum, s->nl,
	    s->in, s->in, s->in, s->in, s->in, s->colon,
	    (unsigned long long)(next_random(seed) & 0x7fffff), s->nl, s->in,
	    s->in, s->in, s->in, s->in, s->colon, wrapping, s->nl, s->in, s->in,
	    s->in, s->in, s->in, s->colon, reference, s->nl, s->in, s->in,
	    s->in, s->in, s->in, s->colon, s->nl, s->in, s->in, s->in, s->in);
	field(o, s, name, value, "ASSETID");
}

static void
make_master(struct buf *o, const struct shape *s, const char *name,
    const char *live, int i, uint64_t *seed)
{
	char filename[32];
	uint8_t plain[32];
	struct buf enc = {0};

	snprintf((char *)plain, sizeof(plain), "IMG_%04d.HEIC", i % 10000);
	text_base64(&enc, plain, strlen((char *)plain));
	snprintf(filename, sizeof(filename), "%s", buf_text(&enc));
	buf_clear(&enc);
	begin(o, s, name, "CPLMaster");
	string(o, s, "itemType", "public.heic", "STRING");
	string(o, s, "filenameEnc", filename, "ENCRYPTED_BYTES");
	number(o, s, "originalOrientation", 1 + (unsigned)i % 8);
	if (live != NULL) {
		string(o, s, "resOriginalVidComplFileType",
		    "com.apple.quicktime-movie", "STRING");
		string(o, s, "resOriginalVidComplFingerprint", live, "STRING");
		number(o, s, "resOriginalVidComplWidth", 1308);
		number(o, s, "resOriginalVidComplHeight", 980);
		asset_id(o, s, "resOriginalVidComplRes", live, seed);
	}
	number(o, s, "resOriginalWidth", 4032);
	number(o, s, "dataClassType", 1);
	string(o, s, "resOriginalFingerprint", name, "STRING");
	number(o, s, "resOriginalHeight", 3024);
	asset_id(o, s, "resOriginalRes", name, seed);
	string(o, s, "resOriginalFileType", "public.heic", "STRING");
	end(o, s, seed);
}

static void
make_asset(struct buf *o, const struct shape *s, const char *name,
    const char *master, uint64_t *seed)
{
	static const char *const zeros[] = {"adjustmentRenderType", "isHidden",
	    "duration", "burstFlags", "assetSubtype", "vidComplVisibilityState",
	    "customRenderedValue", "isFavorite"};
	char location[180], value[300];
	size_t i;

	begin(o, s, name, "CPLAsset");
	number(o, s, "assetDate",
	    1500000000000ULL + (next_random(seed) & 0x3fffffffff));
	number(o, s, "orientation", 1);
	number(o, s, "addedDate",
	    1500000000000ULL + (next_random(seed) & 0x3fffffffff));
	number(o, s, "assetSubtypeV2", 2);
	number(o, s, "assetHDRType", 0);
	number(o, s, "timeZoneOffset", 7200);
	snprintf(value, sizeof(value),
	    "{\"recordName\":\"%s\",\"action\":\"DELETE_SELF\",\"zoneID\":{"
	    "\"zoneName\":\"PrimarySync\",\"ownerRecordName\":"
	    "\"_0123456789abcdef0123456789abcdef\"}}",
	    master);
	field(o, s, "masterRef", value, "REFERENCE");
	random_base64(location, 120, seed);
	string(o, s, "locationEnc", location, "ENCRYPTED_BYTES");
	for (i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
		number(o, s, zeros[i], 0);
	number(o, s, "vidComplDispScale", 1000000000);
	number(o, s, "vidComplDurScale", 1000000000);
	number(o, s, "vidComplDurValue", next_random(seed) & 0x7fffffff);
	number(o, s, "vidComplDispValue", next_random(seed) & 0x7fffffff);
	end(o, s, seed);
}

/* One asset of a typical library: every second one is a Live Photo. */
static void
put_typical(struct bench *b, const struct shape *shape, int i, uint64_t *seed,
    bool full)
{
	struct store_record r = {.zone = b->zone};
	struct store_resource res[2] = {{.role = 0, .uti = "public.heic"},
	    {.role = LIVE_ROLE, .uti = "com.apple.quicktime-movie"}};
	char master[32], live[32], name[40], tag[16];
	struct store_master m = {.res = res, .nres = i % 2 ? 1 : 2};
	struct store_asset a = {.zone = b->zone,
	    .master = master,
	    .has_taken = true,
	    .has_added = true,
	    .month = 201801 + i % 12,
	    .taken_ms = NOW + i,
	    .added_ms = NOW + i};
	enum store_change change;
	struct buf bytes = {0};
	uint8_t sums[2][21];
	char filename[32];
	size_t k;

	for (k = 0; k < 42; k++)
		((uint8_t *)sums)[k] = (uint8_t)(next_random(seed) >> 24);
	sums[0][0] = sums[1][0] = 1;
	for (k = 0; k < 2; k++) {
		res[k].checksum = sums[k];
		res[k].checksum_len = 21;
		res[k].size_bytes = (int64_t)(next_random(seed) & 0x7fffff);
	}
	text_base64(&bytes, sums[0], 21);
	snprintf(master, sizeof(master), "%s", buf_text(&bytes));
	buf_reset(&bytes);
	text_base64(&bytes, sums[1], 21);
	snprintf(live, sizeof(live), "%s", buf_text(&bytes));
	buf_reset(&bytes);
	snprintf(name, sizeof(name), "%08X-%04X-%04X-%04X-%012llX", i,
	    (unsigned)next_random(seed) & 0xffff, 0x4abc, 0x9def,
	    (unsigned long long)(next_random(seed) & 0xffffffffffff));
	snprintf(tag, sizeof(tag), "%x", i);
	snprintf(filename, sizeof(filename), "IMG_%04d.HEIC", i % 10000);

	make_master(&bytes, shape, master, i % 2 ? NULL : live, i, seed);
	r.name = master;
	r.tag = tag;
	r.type = STORE_MASTER;
	r.bytes = bytes.data;
	r.len = bytes.len;
	must(store_record_put(&change, &m.rec, b->s, &r, false, e));
	m.filename = filename;
	must(store_master_put(b->s, &m, e));
	buf_reset(&bytes);
	make_asset(&bytes, shape, name, master, seed);
	r.name = name;
	r.type = STORE_ASSET;
	r.bytes = bytes.data;
	r.len = bytes.len;
	must(store_record_put(&change, &a.rec, b->s, &r, false, e));
	must(store_asset_put(b->s, &a, e));
	if (full) {
		struct buf back = {0};

		must(store_record_bytes(&back, b->s, b->zone, name, e));
		assert_int_equal(back.len, bytes.len);
		assert_memory_equal(back.data, bytes.data, bytes.len);
		buf_clear(&back);
	}
	buf_clear(&bytes);
}

/* All of them as if fetched: stem, file, state. */
static void
as_if_fetched(struct bench *b)
{
	char stem[256], suffix[33], edit[33];
	struct digest_rule rule = {.checked = false};
	struct digest_sum sum = {.size_bytes = 1000000};
	struct store_name name;
	struct store_want w;
	const char *path;
	bool adopted;
	size_t i = 0, k;

	must(store_begin(b->s, e));
	while (next_want(&w, b)) {
		wish(&name, stem, suffix, edit, &w);
		must(store_reserve(&path, &adopted, b->s, &w, &name, &rule, e));
		for (k = 0; k < sizeof(sum.sha256); k++)
			sum.sha256[k] = (uint8_t)(i * 31 + k * 7);
		must(file_record(b->s, w.content, STORE_STATE_PROVEN, &sum, e));
		store_want_clear(&w);
		i++;
	}
	must(store_commit(b->s, e));
}

static int64_t
catalogue_bytes(struct bench *b)
{
	return ask(b, "PRAGMA page_count") * ask(b, "PRAGMA page_size");
}

/* docs/design.md, "Numbers to reach": at most 2.5 kB an asset. */
static void
size_of_an_asset(void **state)
{
	const struct shape *const shapes[] = {&tight, &loose};
	const int n = 2000;
	size_t k;

	(void)state;
	for (k = 0; k < 2; k++) {
		uint64_t seed = 0x9e3779b97f4a7c15;
		struct bench b;
		int i;

		bench_start(&b);
		must(store_begin(b.s, e));
		for (i = 0; i < n; i++)
			put_typical(&b, shapes[k], i, &seed, true);
		must(store_commit(b.s, e));
		print_message("# listed: %d bytes an asset\n",
		    (int)(catalogue_bytes(&b) / n));
		as_if_fetched(&b);
		print_message("# held: %d bytes an asset\n",
		    (int)(catalogue_bytes(&b) / n));
		print_message("# records: %d bytes an asset, were %d\n",
		    (int)(ask(&b, "SELECT sum(length(bytes)) FROM record") / n),
		    (int)(ask(&b, "SELECT sum(size) FROM record") / n));
		assert_true(catalogue_bytes(&b) / n < 2500);
		assert_sound(&b);
		bench_done(&b);
	}
}

/* Not asserted: how long a large listing takes, and looking at it. */
static void
a_large_listing(void **state)
{
	const char *many = getenv("STORE_TEST_ASSETS");
	const int n = many != NULL ? atoi(many) : 20000; /* NOLINT */
	uint64_t seed = 0x2545f4914f6cdd1d;
	struct store_forecast fc;
	struct store_totals t;
	struct store_want w[100];
	struct bench b;
	int64_t began;
	size_t got, k;
	int i;

	(void)state;
	bench_start(&b);
	began = clock_mono_ms();
	for (i = 0; i < n; i++) {
		if (i % 100 == 0)
			must(store_begin(b.s, e));
		put_typical(&b, &tight, i, &seed, false);
		if (i % 100 == 99)
			must(store_commit(b.s, e));
	}
	print_message(
	    "# %d assets listed in %d ms\n", n, (int)(clock_mono_ms() - began));
	began = clock_mono_ms();
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.assets, n);
	print_message("# totals: %d ms\n", (int)(clock_mono_ms() - began));
	began = clock_mono_ms();
	must(store_forecast(&fc, b.s, &no_filter, NOW, e));
	assert_int_equal(fc.files, n + n / 2);
	print_message("# forecast: %d ms\n", (int)(clock_mono_ms() - began));
	began = clock_mono_ms();
	do {
		must(store_wants(w, 100, &got, b.s, &no_filter, NOW, e));
		for (k = 0; k < got; k++)
			store_want_clear(&w[k]);
	} while (got > 0);
	print_message("# all wants: %d ms\n", (int)(clock_mono_ms() - began));
	began = clock_mono_ms();
	must(store_gaps_refresh(b.s, e));
	print_message("# gaps: %d ms\n", (int)(clock_mono_ms() - began));
	began = clock_mono_ms();
	as_if_fetched(&b);
	bench_end(&b);
	bench_begin(&b);
	must(store_gaps_refresh(b.s, e));
	must(store_totals(&t, b.s, e));
	print_message("# idle run: %d ms\n", (int)(clock_mono_ms() - began));
	bench_done(&b);
}

/* A number stands in each row: dictionary 1 never changes again. */
static void
dictionary_is_frozen(void **state)
{
	struct buf d = {0}, none = {0};
	struct digest_sum sum;
	struct digest *h;
	char hex[2 * DIGEST_SHA256 + 1];

	(void)state;
	dictionary(&d, 1);
	h = digest_new(NULL, 0);
	digest_add(h, d.data, d.len);
	digest_end(&sum, h);
	digest_free(h);
	text_hex(hex, sum.sha256, DIGEST_SHA256);
	assert_true(d.len < 32768);
	assert_string_equal(hex,
	    "c853cdddbfa55e0e9e5bdfe427649566038f473f42f5d4b8"
	    "28ad6c246f95ff02");
	dictionary(&none, 2);
	assert_int_equal(none.len, 0);
	buf_clear(&d);
}

static void
round_trips(void **state)
{
	static const char *const texts[] = {"", "{}", "x",
	    "{\"recordName\":\"A\",\"recordType\":\"CPLMaster\"}",
	    "\xff\xfe\x01 no text at all"};
	struct store_record r = {.type = STORE_MASTER, .tag = "t"};
	enum store_change change;
	struct buf out = {0};
	struct err err = ERR_INIT;
	struct bench b;
	char name[16];
	int64_t rec;
	char *large;
	size_t i;

	(void)state;
	bench_start(&b);
	r.zone = b.zone;
	r.name = name;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(name, sizeof(name), "R%zu", i);
		r.bytes = texts[i];
		r.len = strlen(texts[i]);
		must(store_record_put(&change, &rec, b.s, &r, false, e));
		assert_int_equal(change, STORE_NEW);
		buf_reset(&out);
		must(store_record_bytes(&out, b.s, b.zone, name, e));
		assert_string_equal(buf_text(&out), texts[i]);
	}
	large = xmalloc(3 << 20);
	for (i = 0; i < 3 << 20; i++)
		large[i] = (char)(i * i >> 7);
	snprintf(name, sizeof(name), "large");
	r.bytes = large;
	r.len = 3 << 20;
	must(store_record_put(&change, &rec, b.s, &r, false, e));
	buf_reset(&out);
	must(store_record_bytes(&out, b.s, b.zone, name, e));
	assert_int_equal(out.len, r.len);
	assert_memory_equal(out.data, large, r.len);
	free(large);
	assert_int_equal(
	    store_record_bytes(&out, b.s, b.zone, "none", &err), 1);
	/* Damaged, or of a dictionary to come: said, not guessed. */
	assert_int_equal(sqlite3_exec(b.s->db,
			     "UPDATE record SET dict = 7 WHERE name = 'R3'",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(store_record_bytes(&out, b.s, b.zone, "R3", &err), -1);
	assert_int_equal(err.code, ERR_BAD_STATE);
	buf_clear(&out);
	bench_done(&b);
}

/* "The same tag as before (and not anew) writes nothing." */
static void
the_same_tag(void **state)
{
	struct store_record r = {.name = "R",
	    .type = STORE_ASSET,
	    .tag = "t1",
	    .bytes = "{}",
	    .len = 2};
	enum store_change change;
	struct bench b;
	int64_t rec, again;
	int before;

	(void)state;
	bench_start(&b);
	r.zone = b.zone;
	must(store_record_put(&change, &rec, b.s, &r, false, e));
	assert_int_equal(change, STORE_NEW);
	before = sqlite3_total_changes(b.s->db);
	must(store_record_put(&change, &again, b.s, &r, false, e));
	assert_int_equal(change, STORE_SAME);
	assert_int_equal(again, rec);
	assert_int_equal(sqlite3_total_changes(b.s->db), before);
	must(store_record_put(&change, &again, b.s, &r, true, e));
	assert_int_equal(change, STORE_CHANGED);
	r.tag = "t2";
	must(store_record_put(&change, &again, b.s, &r, false, e));
	assert_int_equal(change, STORE_CHANGED);
	/* After its tombstone the same tag is a change. */
	must(store_record_gone(b.s, b.zone, "R", e));
	must(store_record_put(&change, &again, b.s, &r, false, e));
	assert_int_equal(change, STORE_CHANGED);
	assert_int_equal(again, rec);
	/* Without a tag nothing is known to be the same. */
	r.tag = "";
	must(store_record_put(&change, &again, b.s, &r, false, e));
	must(store_record_put(&change, &again, b.s, &r, false, e));
	assert_int_equal(change, STORE_CHANGED);
	/* A placeholder becomes a record. */
	must(record_place(&rec, b.s, b.zone, "P", STORE_MASTER, e));
	r.name = "P";
	r.type = STORE_MASTER;
	must(store_record_put(&change, &again, b.s, &r, false, e));
	assert_int_equal(change, STORE_NEW);
	assert_int_equal(again, rec);
	bench_done(&b);
}

/* A page is whole or not at all. */
static void
a_page_is_one_transaction(void **state)
{
	struct store_totals t;
	struct bench b;

	(void)state;
	bench_start(&b);
	must(store_begin(b.s, e));
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	must(store_zone_token(b.s, b.zone, "t1", false, 1, NOW, e));
	store_rollback(b.s);
	store_rollback(b.s);
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.assets, 0);
	must(store_begin(b.s, e));
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	must(store_commit(b.s, e));
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.assets, 1);
	bench_done(&b);
}

struct zones {
	int n;
	struct store_zone last;
	char token[32];
};

static void
each_zone(void *arg, const struct store_zone *z)
{
	struct zones *zs = arg;

	zs->n++;
	zs->last = *z;
	snprintf(zs->token, sizeof(zs->token), "%s",
	    z->token != NULL ? z->token : "NULL");
}

static void
zones_and_tokens(void **state)
{
	struct store_zone z = {.database = 1,
	    .name = "SharedSync-1",
	    .owner = NULL,
	    .type = NULL,
	    .kind = 2};
	struct zones zs = {0};
	struct store_totals t;
	struct bench b;
	char *token;
	int64_t first;

	(void)state;
	bench_start(&b);
	must(store_zone_put(b.s, &z, e));
	first = z.zone;
	assert_true(first > 0 && first != b.zone);
	assert_null(z.token);
	must(store_zone_token(b.s, z.zone, "walk", false, 3, NOW, e));
	must(store_zone_put(b.s, &z, e));
	assert_int_equal(z.zone, first);
	assert_string_equal(z.token, "walk");
	assert_false(z.walked);
	must(store_zone_token(b.s, z.zone, "end", true, 3, NOW, e));
	/* Another owner, another zone; NULL is an owner, too. */
	z.owner = "_x";
	must(store_zone_put(b.s, &z, e));
	assert_true(z.zone != first);
	must(store_zones(b.s, each_zone, &zs, e));
	assert_int_equal(zs.n, 3);
	z.owner = NULL;
	must(store_zone_put(b.s, &z, e));
	assert_int_equal(z.zone, first);
	assert_true(z.walked);
	assert_int_equal(z.keys, 3);
	assert_int_equal(z.walked_ms, NOW);
	assert_string_equal(z.token, "end");
	must(store_count_other(b.s, first, "CPLFace", e));
	must(store_count_other(b.s, first, "CPLFace", e));
	must(store_count_other(b.s, b.zone, "CPLFace", e));
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.other_records, 3);
	must(store_zone_token(b.s, first, NULL, false, 0, NOW, e));
	must(store_zone_put(b.s, &z, e));
	assert_null(z.token);
	assert_false(z.walked);
	assert_int_equal(z.keys, 3);
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.other_records, 1);

	must(store_database_token(&token, b.s, 0, e));
	assert_null(token);
	must(store_database_token_put(b.s, 0, "d0", e));
	must(store_database_token_put(b.s, 1, "d1", e));
	must(store_database_token_put(b.s, 0, "d2", e));
	must(store_database_token(&token, b.s, 0, e));
	assert_string_equal(token, "d2");
	free(token);
	must(store_database_token_put(b.s, 0, NULL, e));
	must(store_database_token(&token, b.s, 0, e));
	assert_null(token);
	bench_done(&b);
}

/* Each change of existence, trash, hidden, name is a row of history. */
static void
history(void **state)
{
	struct store_asset a = {.hidden = false};
	struct bench b;

	(void)state;
	bench_start(&b);
	put_asset(&b, "A1", "1", "M1", a);
	a.trashed = true;
	put_asset(&b, "A1", "2", "M1", a);
	put_asset(&b, "A1", "2", "M1", a);
	a.trashed = false;
	a.hidden = true;
	a.title = "Title";
	put_asset(&b, "A1", "3", "M1", a);
	/* A favourite is no history, and is kept (B071). */
	a.favourite = true;
	put_asset(&b, "A1", "4", "M1", a);
	must(store_record_gone(b.s, b.zone, "A1", e));
	a.hidden = false;
	put_asset(&b, "A1", "4", "M1", a);
	assert_int_equal(ask(&b,
			     "SELECT sum(kind = 1) * 100000 + "
			     "sum(kind = 2) * 10000 + sum(kind = 3) * "
			     "1000 + sum(kind = 4) * 100 + sum(kind = 5) "
			     "* 10 + sum(kind = 6) FROM event"),
	    111111);
	assert_int_equal(ask(&b,
			     "SELECT sum(kind = 7) * 10 + sum(kind = 8)"
			     " FROM event"),
	    11);
	assert_int_equal(ask(&b, "SELECT flags FROM asset"), 4);
	bench_done(&b);
}

static void
albums(void **state)
{
	struct store_totals t;
	int64_t folder, album, relation;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	put_record(&relation, &b, "A1-IN-B1", STORE_RELATION, "1");
	/* Before its album, and before its asset. */
	must(
	    store_relation_put(b.s, relation, b.zone, "A1", "B1", 1, false, e));
	put_record(&relation, &b, "A9-IN-B1", STORE_RELATION, "1");
	must(
	    store_relation_put(b.s, relation, b.zone, "A9", "B1", 2, false, e));
	put_record(&album, &b, "B1", STORE_ALBUM, "1");
	must(store_album_put(b.s, album, b.zone, "2024", "F1", 0, 1, false, e));
	put_record(&folder, &b, "F1", STORE_ALBUM, "1");
	must(store_album_put(
	    b.s, folder, b.zone, "Trips", NULL, 3, 1, false, e));
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.albums, 2);
	assert_int_equal(t.assets, 1);
	assert_int_equal(
	    ask(&b, "SELECT parent FROM album WHERE type = 0"), folder);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 10"), 2);
	must(store_album_put(b.s, album, b.zone, "2025", "F1", 0, 1, false, e));
	must(store_record_gone(b.s, b.zone, "A1-IN-B1", e));
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM event WHERE kind = 11"
			     " AND detail = 'B1'"),
	    1);
	put_record(&relation, &b, "A1-IN-B1", STORE_RELATION, "1");
	must(
	    store_relation_put(b.s, relation, b.zone, "A1", "B1", 1, false, e));
	must(
	    store_relation_put(b.s, relation, b.zone, "A1", "B1", 5, false, e));
	must(store_relation_put(b.s, relation, b.zone, "A1", "B1", 5, true, e));
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 10"), 3);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 11"), 2);
	must(store_album_put(b.s, album, b.zone, "2025", "F1", 0, 1, true, e));
	must(store_album_put(b.s, album, b.zone, "2025", "F1", 0, 2, true, e));
	must(store_album_put(b.s, album, b.zone, "2025", "F1", 0, 2, false, e));
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 4"), 1);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 5"), 1);
	must(store_record_gone(b.s, b.zone, "B1", e));
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.albums, 1);
	/* Albums are written down, and the month of what is in them. */
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM month WHERE dirty"
			     " AND month IN (-1, 202407)"),
	    2);
	assert_sound(&b);
	bench_done(&b);
}

/* Months still to write are a column. */
static void
months(void **state)
{
	struct store_resource r;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(sqlite3_exec(b.s->db, "UPDATE month SET dirty = 0",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	/* The date changes: where it was, and where it is. */
	put_asset(&b, "A1", "t2", "MA1", (struct store_asset){.month = 202001});
	assert_int_equal(
	    ask(&b, "SELECT total((dirty > 0) * month) FROM month"),
	    202407 + 202001);
	assert_int_equal(sqlite3_exec(b.s->db, "UPDATE month SET dirty = 0",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	r = resource(0, thing(&b, "one"));
	put_master(&b, "MA1", "t2", "b.JPG", &r, 1);
	assert_int_equal(
	    ask(&b, "SELECT total((dirty > 0) * month) FROM month"),
	    202407 + 202001);
	bench_done(&b);
}

/* Odd records are values: two of one role, no checksum, another type. */
static void
odd_records(void **state)
{
	struct store_resource r[3];
	struct store_totals t;
	struct bench b;
	int64_t rec;

	(void)state;
	bench_start(&b);
	r[0] = resource(0, thing(&b, "one"));
	r[1] = resource(0, thing(&b, "two"));
	r[2] = (struct store_resource){.role = 3, .size_bytes = 9};
	put_master(&b, "M1", "t", NULL, r, 3);
	put_asset(&b, "A1", "t", "M1", (struct store_asset){.month = 0});
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.resources, 1);
	assert_int_equal(ask(&b, "SELECT count(*) FROM resource"), 2);
	/* A name that stands for something else now. */
	put_record(&rec, &b, "A1", STORE_ALBUM, "t2");
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.assets, 0);
	assert_int_equal(t.gone_unfetched, 1);
	assert_sound(&b);
	bench_done(&b);
}

/* A capture date is the asset's own, else its master's whenever that comes,
 * else that of its adding, else its record's; and its month with it. */
static void
dates_fall_back(void **state)
{
	enum { JUNE = 1718000000, MAY = 1715000000 };
	static const struct {
		enum store_date dated;
		bool has_added, has_created;
		enum store_date expect;
		int month;
	} table[] = {
	    {STORE_DATE_ASSET, true, true, STORE_DATE_ASSET, 202407},
	    {STORE_DATE_ADDED, true, true, STORE_DATE_MASTER, 202405},
	    {STORE_DATE_ADDED, true, false, STORE_DATE_ADDED, 202406},
	    {STORE_DATE_RECORD, true, true, STORE_DATE_MASTER, 202405},
	    {STORE_DATE_RECORD, true, false, STORE_DATE_RECORD, 202406},
	    {STORE_DATE_NONE, false, true, STORE_DATE_MASTER, 202405},
	    {STORE_DATE_NONE, false, false, STORE_DATE_NONE, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(table) / sizeof(table[0]); i++) {
		const int64_t added = INT64_C(1000) * JUNE;
		struct store_asset a = {.dated = table[i / 2].dated,
		    .has_added = table[i / 2].has_added,
		    .added_ms = added,
		    .has_taken = table[i / 2].dated != STORE_DATE_NONE,
		    .taken_ms = added,
		    .month = 202406};
		struct store_master m = {.filename = "IMG_1.JPG",
		    .has_created = table[i / 2].has_created,
		    .created_ms = INT64_C(1000) * MAY};
		struct store_record r = {.name = "M1",
		    .type = STORE_MASTER,
		    .tag = "t",
		    .bytes = "{}",
		    .len = 2};
		enum store_change change;
		struct bench b;

		bench_start(&b);
		if (table[i / 2].dated == STORE_DATE_ASSET) {
			a.taken_ms = NOW;
			a.month = 202407;
		} else if (table[i / 2].dated == STORE_DATE_NONE)
			a.month = 0;
		r.zone = b.zone;
		if (i % 2 == 1) /* the asset before its master */
			put_asset(&b, "A1", "t", "M1", a);
		must(store_record_put(&change, &m.rec, b.s, &r, false, e));
		must(store_master_put(b.s, &m, e));
		if (i % 2 == 0)
			put_asset(&b, "A1", "t", "M1", a);
		assert_int_equal(
		    ask(&b, "SELECT dated FROM asset"), table[i / 2].expect);
		assert_int_equal(
		    ask(&b, "SELECT month FROM asset"), table[i / 2].month);
		assert_int_equal(
		    ask(&b, "SELECT ifnull(taken_ms, -1) FROM asset"),
		    table[i / 2].expect == STORE_DATE_ASSET ? NOW
			: table[i / 2].expect == STORE_DATE_MASTER
			? INT64_C(1000) * MAY
			: table[i / 2].expect == STORE_DATE_NONE ? -1
								 : added);
		/* A master that loses its date gives what there was. */
		m.has_created = false;
		must(store_master_put(b.s, &m, e));
		assert_int_equal(
		    ask(&b, "SELECT dated FROM asset"), table[i / 2].dated);
		assert_int_equal(ask(&b, "SELECT month FROM asset"), a.month);
		/* The months that it left and came to are to be written. */
		if (a.month != table[i / 2].month)
			assert_int_equal(
			    ask(&b,
				"SELECT count(*) FROM month WHERE dirty > 0"
				" AND month IN (202405, 202406, 0)") >= 2,
			    1);
		bench_done(&b);
	}
}

static int
count_work(void *arg)
{
	++*(int64_t *)arg;
	return 0;
}

/* So many records, and rows of them by rows; then SQLite's work is counted. */
static void
fill(struct bench *b, int64_t *work, const char *n, int type, const char *rows)
{
	char *sql = xasprintf(
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    "  WHERE i < %s) INSERT INTO record(zone, name, type, first_run,"
	    "  changed_run) SELECT 1, 'A' || i, %d, 1, 1 FROM n; %s",
	    n, type, rows);

	bench_start(b);
	must(sql_exec(b->s, sql, e));
	free(sql);
	sqlite3_progress_handler(b->s->db, 100, count_work, work);
}

/* Of a library of so many assets that leaves and returns. */
static int64_t
work_of_leaving(const char *assets)
{
	struct bench b;
	int64_t work = 0;

	fill(&b, &work, assets, STORE_ASSET,
	    "INSERT INTO asset(rec, zone, flags, want, lacks, month)"
	    " SELECT rec, zone, 0, 0, 1, 0 FROM record;");
	must(store_zone_gone(b.s, b.zone, true, e));
	must(store_zone_gone(b.s, b.zone, false, e));
	sqlite3_progress_handler(b.s->db, 0, NULL, NULL);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM asset WHERE flags <> 0"), 0);
	bench_done(&b);
	return work;
}

static void
count_gap(void *arg, const struct store_gap *g)
{
	(void)g;
	++*(int64_t *)arg;
}

/* To name so many contents that are not here: half of them failed. */
static int64_t
work_of_naming(const char *contents)
{
	struct bench b;
	int64_t work = 0, named = 0;

	fill(&b, &work, contents, STORE_MASTER,
	    "INSERT INTO content(content, checksum, size, bytes, want, live,"
	    "  failure) SELECT rec, CAST(name AS BLOB), 1, 1, -rec, 1,"
	    "  CASE rec & 3 WHEN 0 THEN 1 WHEN 1 THEN 6 END FROM record;"
	    "INSERT INTO resource(rec, role, content)"
	    " SELECT rec, 0, rec FROM record;");
	must(store_gaps(b.s, count_gap, &named, e));
	must(store_unfetched(
	    b.s, &(struct store_filter){0}, count_gap, &named, e));
	sqlite3_progress_handler(b.s->db, 0, NULL, NULL);
	assert_int_equal(named, ask(&b, "SELECT count(*) FROM content"));
	bench_done(&b);
	return work;
}

static void
many_that_are_missing_are_named_as_fast_as_few(void **state)
{
	(void)state;
	assert_in_range(work_of_naming("4000"), 1, 6 * work_of_naming("1000"));
}

static void
a_large_library_leaves_as_fast_as_a_small_one(void **state)
{
	(void)state;
	assert_in_range(
	    work_of_leaving("4000"), 1, 6 * work_of_leaving("1000"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dictionary_is_frozen),
	    cmocka_unit_test(a_large_library_leaves_as_fast_as_a_small_one),
	    cmocka_unit_test(many_that_are_missing_are_named_as_fast_as_few),
	    cmocka_unit_test(round_trips),
	    cmocka_unit_test(the_same_tag),
	    cmocka_unit_test(a_page_is_one_transaction),
	    cmocka_unit_test(zones_and_tokens),
	    cmocka_unit_test(history),
	    cmocka_unit_test(albums),
	    cmocka_unit_test(months),
	    cmocka_unit_test(odd_records),
	    cmocka_unit_test(size_of_an_asset),
	    cmocka_unit_test(a_large_listing),
	    cmocka_unit_test(dates_fall_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
