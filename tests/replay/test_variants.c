#include "replay.h"

/*
 * The records that the recordings' authors edited to provoke errors, each
 * swapped into the page that it was made from: all others stay as they are,
 * and the odd one is kept, wanted and named.
 */
#include <openssl/sha.h>

#include "path.h"
#include "text.h"

#define LAYOUT "%Y/%m"

/* A resource of the odd record, and the file it must become. */
struct wish {
	int role;
	const char *uti, *file; /* "*": stem and extension are made */
};

struct variant {
	const char *file;
	const char *filename;  /* decoded; NULL: as cJSON reads it */
	int records;           /* that differ */
	bool nameless;         /* filenameEnc is absent */
	struct wish wishes[4]; /* of each odd master and its asset */
};

static const struct variant variants[] = {
    {"bad_filename", "i/n v:a_l*i?d\\p<a>t\"h|.JPG", 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "i_n v_a_l_i_d_p_a_t_h_.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie",
		"i_n v_a_l_i_d_p_a_t_h_.MOV"}}},
    {"bad_filename_base64_encoding", "i/n v:a_l*i?d\\p<a>t\"h|.JP", 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "i_n v_a_l_i_d_p_a_t_h_.JP"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie",
		"i_n v_a_l_i_d_p_a_t_h_.MOV"}}},
    {"bad_filename_utf8_encoding", "i\xef\xbf\xbd\x1dy\xef\xbf\xbd!", 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "i\xef\xbf\xbd_y\xef\xbf\xbd!.jpg"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie",
		"i\xef\xbf\xbd_y\xef\xbf\xbd!.mov"}}},
    {"chinese", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg",
	     "IMG_\xe4\xb8\xad\xe6\x96\x87_7409.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie",
		"IMG_\xe4\xb8\xad\xe6\x96\x87_7409.MOV"}}},
    {"filename_string_encoding", "IMG_7409.JPG", 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "IMG_7409.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"}}},
    {"missing_downloadUrl", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "IMG_7409.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"}}},
    {"missing_filenameEnc", NULL, 3, true,
	{{RESOURCE_ORIGINAL, NULL, "*"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "*"}}},
    {"missing_item_type", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "IMG_7409.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"}}},
    {"missing_item_type_value", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "IMG_7409.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"}}},
    {"raw", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "com.adobe.raw-image", "IMG_7409.DNG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"}}},
    {"raw_alt", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "com.canon.cr2-raw-image", "IMG_7409.CR2"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"},
	    {RESOURCE_ALTERNATIVE, "public.jpeg", "IMG_7409.JPG"}}},
    {"raw_alt_adj", NULL, 2, false,
	{{RESOURCE_ORIGINAL, "com.canon.cr2-raw-image", "IMG_7409.CR2"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"},
	    {RESOURCE_ALTERNATIVE, "public.jpeg", "IMG_7409.JPG"},
	    {RESOURCE_EDITED, "public.jpeg", "IMG_7409_edited.JPG"}}},
    {"two_sizes", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "public.jpeg", "IMG_7409.JPG"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7409.MOV"}}},
    {"deleted_heic", NULL, 1, false,
	{{RESOURCE_ORIGINAL, "public.heic", "IMG_7190.HEIC"},
	    {RESOURCE_LIVE, "com.apple.quicktime-movie", "IMG_7190.MOV"}}},
    {"keep_icloud_recent_days", NULL, 0, false, {{0, NULL, NULL}}},
    {"no_delete", NULL, 0, false, {{0, NULL, NULL}}},
    {"resume", NULL, 0, false, {{0, NULL, NULL}}},
    {"listing_videos", NULL, 0, false, {{0, NULL, NULL}}},
};

/* The variant, and the page that it makes of its base. */
struct swapped {
	struct recording own, base;
	const cJSON *differ;
	cJSON *records;
	char *text;
	struct json_span page;
};

static void
swap(struct swapped *out, const struct variant *v)
{
	const cJSON *entry, *record;
	char file[80];
	cJSON *body;
	int at, n;

	snprintf(file, sizeof(file), "photos/variants/%s.json", v->file);
	recording_open(&out->own, file);
	recording_open(&out->base, text_of(out->own.json, "base"));
	out->differ = member(out->own.json, "records that differ");
	assert_int_equal(cJSON_GetArraySize(out->differ), v->records);
	out->records = recording_records(&out->base);
	cJSON_ArrayForEach (entry, out->differ) {
		record = member(entry, "record");
		n = cJSON_GetArraySize(out->records);
		for (at = 0; at < n; at++)
			if (strcmp(text_of(cJSON_GetArrayItem(out->records, at),
				       "recordName"),
				text_of(record, "recordName")) == 0)
				break;
		assert_true(at < n);
		assert_true(cJSON_ReplaceItemInArray(
		    out->records, at, cJSON_Duplicate(record, true)));
	}
	body = (cJSON *)member(member(out->base.json, "response"), "body");
	out->text = cJSON_PrintUnformatted(body);
	must(json_span_all(&out->page, out->text, strlen(out->text), e));
}

static void
swap_end(struct swapped *s)
{
	cJSON_free(s->text);
	recording_close(&s->base);
	recording_close(&s->own);
}

/* Nothing that some volume cannot take, and nothing that leads elsewhere. */
static void
assert_safe(const char *part)
{
	size_t n = strlen(part), i;

	assert_in_range(n, 1, 255);
	assert_true(text_is_utf8(part, n));
	for (i = 0; i < n; i++) {
		assert_true((unsigned char)part[i] >= 0x20);
		assert_null(strchr("\"*/:<>?\\|\x7f", part[i]));
	}
	assert_int_not_equal(part[0], '.');
	assert_null(strchr(". ", part[n - 1]));
}

/* What the program wishes for a want; always the same. */
static void
wish_of(struct path_wish *out, const struct store_want *w)
{
	const struct path_subject subject = {.filename = w->filename,
	    .record = w->asset_name,
	    .uti = w->uti,
	    .library = "",
	    .is_original = w->role == RESOURCE_ORIGINAL,
	    .has_taken = w->has_taken,
	    .has_offset = w->has_offset,
	    .taken_ms = w->taken_ms,
	    .offset_s = w->offset_s};
	struct path_wish again;

	path_wish(out, LAYOUT, &subject);
	path_wish(&again, LAYOUT, &subject);
	assert_string_equal(out->folder, again.folder);
	assert_string_equal(out->stem, again.stem);
	assert_string_equal(out->ext, again.ext);
	assert_safe(out->stem);
	assert_safe(out->ext);
}

/* "FOLDER/STEM.EXT" as the table says; the caller frees. */
static char *
path_expected(
    const struct told *asset, const struct store_want *w, const char *file)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char folder[16], hex[13] = "";
	struct tm tm = told_date(asset);
	int i;

	strftime(folder, sizeof(folder), "%Y/%m", &tm);
	if (*file != '*')
		return xasprintf("%s/%s", folder, file);
	/* What has no name is named after its record and its type. */
	SHA256((const uint8_t *)w->asset_name, strlen(w->asset_name), hash);
	for (i = 0; i < 6; i++)
		snprintf(hex + (size_t)2 * (size_t)i, 3, "%02x", hash[i]);
	return xasprintf("%s/%s.%s", folder, hex,
	    strcmp(w->uti, "public.jpeg") == 0 ? "jpg" : "mov");
}

static void
check_file(struct replay *r, const struct told *asset,
    const struct store_want *w, const struct wish *wish)
{
	char suffix[33], *want = path_expected(asset, w, wish->file);
	struct digest_rule rule;
	struct path_wish name;
	struct store_name row;
	const char *path;
	bool adopted;
	int i;

	wish_of(&name, w);
	checksum_rule(&rule, w->checksum, w->checksum_len);
	assert_true(rule.checked && rule.strict);
	text_base32(suffix, 32, w->checksum + 1, w->checksum_len - 1);
	row = (struct store_name){.folder = name.folder,
	    .stem = name.stem,
	    .suffix = suffix,
	    .ext = name.ext,
	    .edited = w->role >= RESOURCE_EDITED,
	    .edit_suffix = suffix};
	/* Chosen once: the second time it is the same. */
	for (i = 0; i < 2; i++) {
		must(store_reserve(&path, &adopted, r->s, w, &row, &rule, e));
		assert_string_equal(path, want);
		assert_false(adopted);
	}
	free(want);
}

/* Each resource that the table names is wanted by the record that has it, and
 * gets its file; there are no more of that asset. */
static void
check_wishes(struct replay *r, const struct variant *v,
    const struct told *asset, const struct told *master)
{
	struct store_want w;
	unsigned wanted = 0, wished = 0;
	size_t n, i;

	/* The first in the order or not: all are asked for. */
	for (;;) {
		must(store_wants(&w, 1, &n, r->s, &no_filter, NOW, e));
		if (n == 0)
			break;
		if (strcmp(w.asset_name, asset->name) == 0)
			wanted |= 1u << w.role;
		for (i = 0; i < 4 && v->wishes[i].file != NULL; i++) {
			if (strcmp(w.asset_name, asset->name) != 0 ||
			    w.role != v->wishes[i].role)
				continue;
			wished |= 1u << w.role;
			if (v->wishes[i].uti != NULL)
				assert_string_equal(w.uti, v->wishes[i].uti);
			check_file(r, asset, &w, &v->wishes[i]);
		}
		store_want_clear(&w);
	}
	/* Not all that have no name are Live Photos. */
	if (v->nameless && told_resource(master, RESOURCE_LIVE) == NULL)
		assert_int_equal(wished, 1u << RESOURCE_ORIGINAL);
	else
		for (i = 0; i < 4 && v->wishes[i].file != NULL; i++)
			assert_true(wished >> v->wishes[i].role & 1);
	assert_int_equal(wanted, wished);
}

static void
check_odd(struct replay *r, const struct variant *v, struct model *m,
    const struct told *master)
{
	size_t i, assets = 0;

	for (i = 0; i < m->n; i++) {
		if (!told_is(&m->told[i], "CPLAsset") ||
		    told_master(m, &m->told[i]) != master)
			continue;
		assets++;
		check_wishes(r, v, &m->told[i], master);
	}
	assert_int_equal(assets, 1);
}

static void
variant(void **state)
{
	const struct variant *v = *state;
	const cJSON *entry;
	struct model *m;
	struct swapped s;
	struct replay r;
	struct told *t;
	int64_t zone;

	swap(&s, v);
	m = xcalloc(1, sizeof(*m));
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	assert_int_equal(take_page(&r, zone, false, s.page).changes,
	    cJSON_GetArraySize(s.records));
	model_add(m, zone, s.records);
	cJSON_ArrayForEach (entry, s.differ) {
		t = told_find(m, zone, text_of(entry, "recordName"));
		t->is_odd = v->filename != NULL;
		t->filename = v->filename;
	}
	check_catalogue(&r, m);
	check_wants(&r, m);
	cJSON_ArrayForEach (entry, s.differ) {
		t = told_find(m, zone, text_of(entry, "recordName"));
		if (!told_is(t, "CPLMaster"))
			continue;
		replay_again(&r);
		check_odd(&r, v, m, t);
		/* Nor is it another the next night, told again. */
		replay_again(&r);
		assert_int_equal(
		    take_page(&r, zone, true, s.page).changes, m->n);
		check_odd(&r, v, m, t);
	}
	replay_done(&r);
	free(m);
	swap_end(&s);
}

/* A picture that changes in the cloud: the base page, then the variant's with
 * another tag.  Names are history; what is wanted follows. */
static void
changed(void **state)
{
	const struct variant *v = &variants[11]; /* raw_alt_adj */
	const cJSON *entry;
	struct model *m;
	struct swapped s;
	struct recording base;
	struct replay r;
	struct json_span page;
	char *text;
	int64_t zone;
	cJSON *record;

	(void)state;
	swap(&s, v);
	recording_open(&base, text_of(s.own.json, "base"));
	cJSON_ArrayForEach (record, s.records)
		cJSON_ArrayForEach (entry, s.differ)
			if (strcmp(text_of(record, "recordName"),
				text_of(entry, "recordName")) == 0)
				assert_non_null(cJSON_SetValuestring(
				    cJSON_GetObjectItemCaseSensitive(
					record, "recordChangeTag"),
				    "zzz"));
	text = cJSON_PrintUnformatted(
	    member(member(s.base.json, "response"), "body"));
	m = xcalloc(1, sizeof(*m));
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	take_page(&r, zone, false, recording_body(&base));
	replay_again(&r);
	must(json_span_all(&page, text, strlen(text), e));
	assert_int_equal(take_page(&r, zone, false, page).changes, 2);
	model_add(m, zone, s.records);
	check_catalogue(&r, m);
	check_wants(&r, m);
	/* The name before (kind 8); new roles have nothing before (kind 9). */
	assert_ask(&r,
	    "SELECT group_concat(kind || ' ' || detail, ',') FROM (SELECT *"
	    " FROM event WHERE kind > 1 ORDER BY kind, detail)",
	    0, NULL, "8 IMG_7409.JPG,9 2,9 4");
	replay_done(&r);
	free(m);
	cJSON_free(text);
	recording_close(&base);
	swap_end(&s);
}

int
main(void)
{
	struct CMUnitTest tests[sizeof(variants) / sizeof(variants[0]) + 1] = {
	    cmocka_unit_test(changed),
	};
	size_t i;

	for (i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		tests[i + 1] = (struct CMUnitTest){.name = variants[i].file,
		    .test_func = variant,
		    .initial_state = (void *)&variants[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
