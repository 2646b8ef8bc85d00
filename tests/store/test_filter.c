#include "bench.h"

/* What a filter leaves out: every kind, alone and together. */

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define DAY    INT64_C(86400000)
#define HOUR   INT64_C(3600)

/* 2020-01-01 00:00 UTC */
#define NEW_YEAR INT64_C(1577836800000)

/* The kinds that the tests' skips() knows, bits of filter.kinds. */
#define KIND_RAW   1U
#define KIND_MOVIE 2U

struct photo {
	const char *name;
	int zone; /* 0 or 1 */
	const char *bytes, *uti;
	const char *live; /* NULL: no movie */
	int64_t taken_ms, offset_s, added_ms;
	bool undated, hidden, trashed;
	const char *album; /* record name; NULL */
};

/* The day on which each was taken is that of its own clock. */
static const struct photo photos[] = {
    {.name = "A1",
	.bytes = "still",
	.uti = "public.heic",
	.live = "movie",
	.taken_ms = NEW_YEAR + 1800000,
	.offset_s = -HOUR,
	.added_ms = 100,
	.album = "B1"},
    {.name = "A2",
	.bytes = "raw",
	.uti = "com.adobe.raw-image",
	.taken_ms = NEW_YEAR,
	.added_ms = 200,
	.album = "B2"},
    {.name = "A3",
	.bytes = "video",
	.uti = "public.mpeg-4",
	.taken_ms = NEW_YEAR + DAY,
	.added_ms = 300},
    {.name = "A4",
	.bytes = "hidden",
	.taken_ms = NEW_YEAR + 2 * DAY,
	.added_ms = 400,
	.hidden = true,
	.album = "B1"},
    {.name = "A5",
	.bytes = "trash",
	.taken_ms = NEW_YEAR + 2 * DAY,
	.added_ms = 900,
	.trashed = true},
    {.name = "A6", .bytes = "undated", .undated = true, .added_ms = 500},
    {.name = "A7",
	.zone = 1,
	.bytes = "shared",
	.taken_ms = NEW_YEAR - DAY,
	.added_ms = 600},
    {.name = "A8",
	.zone = 1,
	.bytes = "both",
	.taken_ms = NEW_YEAR - DAY,
	.added_ms = 700},
    {.name = "A9",
	.bytes = "both",
	.taken_ms = NEW_YEAR + DAY,
	.added_ms = 50,
	.hidden = true},
};

struct library {
	struct bench b;
	int64_t zones[2];
	int64_t albums[2];
};

static bool
skips(unsigned kinds, int role, const char *uti, const char *original)
{
	bool movie = original != NULL && strcmp(original, "public.mpeg-4") == 0;

	assert_true(role == 0 || original != NULL);
	return (kinds & KIND_RAW && uti != NULL &&
		   strcmp(uti, "com.adobe.raw-image") == 0) ||
	    (kinds & KIND_MOVIE && movie);
}

static void
put(struct library *l, const struct photo *p)
{
	struct bench *b = &l->b;
	struct store_resource r[2];
	char name[64];
	int64_t rec;

	b->zone = l->zones[p->zone];
	r[0] = resource(0, thing(b, p->bytes));
	r[0].uti = p->uti;
	if (p->live != NULL)
		r[1] = resource(LIVE_ROLE, thing(b, p->live));
	snprintf(name, sizeof(name), "M%s", p->name);
	put_master(b, name, "1", "IMG.X", r, p->live != NULL ? 2 : 1);
	put_asset(b, p->name, "1", name,
	    (struct store_asset){.has_taken = !p->undated,
		.taken_ms = p->taken_ms,
		.has_offset = p->offset_s != 0,
		.offset_s = p->offset_s,
		.has_added = true,
		.added_ms = p->added_ms,
		.hidden = p->hidden,
		.trashed = p->trashed,
		.has_expunged = p->trashed,
		.expunged_ms = NOW});
	if (p->album == NULL)
		return;
	snprintf(name, sizeof(name), "%s-IN-%s", p->name, p->album);
	put_record(&rec, b, name, STORE_RELATION, "1");
	must(store_relation_put(
	    b->s, rec, b->zone, p->name, p->album, 1, false, e));
}

static void
library_start(struct library *l)
{
	struct store_zone z = {
	    .database = 1, .name = "SharedSync-1", .kind = 2};

	bench_start(&l->b);
	l->zones[0] = l->b.zone;
	must(store_zone_put(l->b.s, &z, e));
	l->zones[1] = z.zone;
	for (size_t i = 0; i < LEN(photos); i++)
		put(l, &photos[i]);
	l->b.zone = l->zones[0];
	for (int i = 0; i < 2; i++) {
		put_record(&l->albums[i], &l->b, i == 0 ? "B1" : "B2",
		    STORE_ALBUM, "1");
		must(store_album_put(l->b.s, l->albums[i], l->b.zone, "2024",
		    NULL, 0, i, false, e));
	}
}

/* The bytes of all that is given, in their order. */
static void
given(char out[512], struct bench *b, const struct store_filter *f)
{
	struct store_want w;
	size_t n;

	bench_end(b);
	bench_begin(b);
	*out = '\0';
	for (;;) {
		must(store_wants(&w, 1, &n, b->s, f, NOW, e));
		if (n == 0)
			break;
		snprintf(out + strlen(out), 512 - strlen(out), "%s%s",
		    *out != '\0' ? " " : "", thing_of(b, w.checksum)->bytes);
		store_want_clear(&w);
	}
}

static int64_t
words(const char *text)
{
	int64_t n = *text != '\0';

	for (; *text != '\0'; text++)
		n += *text == ' ';
	return n;
}

static void
every_kind(void **state)
{
	struct library l;
	int64_t zones[2], both[2];
	const struct {
		const char *what;
		struct store_filter f;
		const char *given;
	} table[] = {
	    {"none", {.recent = 0},
		"trash both shared undated hidden video raw still movie"},
	    {"roles", {.skip_roles = 1U << LIVE_ROLE},
		"trash both shared undated hidden video raw still"},
	    /* B016; what somebody else has, too, is fetched */
	    {"hidden", {.skip_hidden = true},
		"trash both shared undated video raw still movie"},
	    {"trashed", {.skip_trashed = true},
		"both shared undated hidden video raw still movie"},
	    {"raw", {.skips = skips, .kinds = KIND_RAW},
		"trash both shared undated hidden video still movie"},
	    {"video, not the movie of a still",
		{.skips = skips, .kinds = KIND_MOVIE},
		"trash both shared undated hidden raw still movie"},
	    {"one library", {.zones = zones, .nzones = 1},
		"trash both undated hidden video raw still movie"},
	    {"the other", {.zones = zones + 1, .nzones = 1}, "both shared"},
	    {"both", {.zones = zones, .nzones = 2},
		"trash both shared undated hidden video raw still movie"},
	    {"an album", {.albums = both, .nalbums = 1}, "hidden still movie"},
	    {"two albums", {.albums = both, .nalbums = 2},
		"hidden raw still movie"},
	    /* A1 was taken in the last hour of the year before, there */
	    {"since", {.has_since = true, .since_ms = NEW_YEAR},
		"trash both hidden video raw"},
	    {"until", {.has_until = true, .until_ms = NEW_YEAR},
		"both shared still movie"},
	    {"a day",
		{.has_since = true,
		    .since_ms = NEW_YEAR - 2 * HOUR * 1000,
		    .has_until = true,
		    .until_ms = NEW_YEAR},
		"still movie"},
	    {"the last one", {.recent = 1}, "both"},
	    {"the last four", {.recent = 4}, "both shared undated hidden"},
	    {"more than there are", {.recent = 99},
		"both shared undated hidden video raw still movie"},
	    /* all at once; the count is of all that there is */
	    {"recent, not hidden", {.recent = 4, .skip_hidden = true},
		"both shared undated"},
	    {"recent, in an album", {.recent = 4, .albums = both, .nalbums = 2},
		"hidden"},
	    {"in an album, not hidden, no movies",
		{.albums = both,
		    .nalbums = 1,
		    .skip_hidden = true,
		    .skip_roles = 1U << LIVE_ROLE},
		"still"},
	    /* two assets have it, and neither is let */
	    {"one is hidden, one too old",
		{.skip_hidden = true, .has_since = true, .since_ms = NEW_YEAR},
		"trash video raw"},
	    {"nothing",
		{.zones = zones + 1, .nzones = 1, .albums = both, .nalbums = 2},
		""},
	};
	struct store_forecast fc;
	struct store_left left;
	struct store_totals t;
	char got[512];

	(void)state;
	library_start(&l);
	memcpy(zones, l.zones, sizeof(zones));
	memcpy(both, l.albums, sizeof(both));
	must(store_totals(&t, l.b.s, e));
	for (size_t i = 0; i < LEN(table); i++) {
		given(got, &l.b, &table[i].f);
		if (strcmp(got, table[i].given) != 0)
			fail_msg("%s: %s", table[i].what, got);
		must(store_forecast(&fc, l.b.s, &table[i].f, NOW, e));
		must(store_left(&left, l.b.s, &table[i].f, e));
		assert_int_equal(fc.files, words(got));
		assert_int_equal(fc.filtered, t.missing - words(got));
		assert_int_equal(left.filtered, fc.filtered);
		assert_int_equal(left.open, fc.files);
		assert_int_equal(
		    left.filtered_bytes, t.missing_bytes - fc.bytes);
	}
	bench_done(&l.b);
}

/* What is filtered and a gap is left out once, and open is what nobody
 * explains. */
static void
left_out_once(void **state)
{
	const struct store_filter hidden = {.skip_hidden = true};
	struct store_filter none = {.recent = 0};
	struct store_left left;
	struct store_want w[16];
	struct library l;
	size_t n;

	(void)state;
	library_start(&l);
	must(store_wants(w, 16, &n, l.b.s, &no_filter, NOW, e));
	assert_int_equal(n, 9);
	for (size_t i = 0; i < n; i++) {
		/* Gaps: one that the filter leaves out, and one that not. */
		if (strcmp(w[i].asset_name, "A4") == 0 ||
		    strcmp(w[i].asset_name, "A7") == 0)
			must(store_want_failed(l.b.s, w[i].content,
			    STORE_UNPROVEN, "differs", NOW + DAY, e));
		else if (strcmp(w[i].asset_name, "A6") == 0)
			must(store_want_failed(
			    l.b.s, w[i].content, STORE_FAILED, "cut", 0, e));
		else
			free(fetch_one(&l.b, &w[i]));
		store_want_clear(&w[i]);
	}
	must(store_flush(l.b.s, e));
	must(store_left(&left, l.b.s, &none, e));
	assert_int_equal(left.open, 3); /* gaps are not looked for yet */
	must(store_gaps_refresh(l.b.s, e));
	must(store_left(&left, l.b.s, &none, e));
	assert_int_equal(left.filtered, 0);
	assert_int_equal(left.filtered_bytes, 0);
	assert_int_equal(left.open, 1);
	must(store_left(&left, l.b.s, &hidden, e));
	assert_int_equal(left.filtered, 1);
	assert_int_equal(left.filtered_bytes, 6);
	assert_int_equal(left.open, 1);
	bench_done(&l.b);
}

/* The newest are counted when a listing has ended, not when the run began. */
static void
the_newest_of_now(void **state)
{
	const struct store_filter f = {.recent = 2};
	const struct photo late = {.name = "C1",
	    .bytes = "late",
	    .taken_ms = NEW_YEAR,
	    .added_ms = 800};
	struct store_forecast fc;
	struct store_want w;
	struct library l;
	char got[512];
	size_t n;

	(void)state;
	library_start(&l);
	given(got, &l.b, &f);
	assert_string_equal(got, "both shared");
	put(&l, &late);
	must(store_forecast(&fc, l.b.s, &f, NOW, e));
	assert_int_equal(fc.files, 2);
	must(store_wants_again(l.b.s, e));
	must(store_wants(&w, 1, &n, l.b.s, &f, NOW, e));
	assert_int_equal(n, 1);
	assert_string_equal(w.asset_name, "C1");
	store_want_clear(&w);
	bench_done(&l.b);
}

/* Two filters in turn within one run: each counts as itself. */
static void
filters_in_turn(void **state)
{
	const struct store_filter a = {.skip_hidden = true}, b = {.recent = 1};
	struct store_forecast fc;
	struct store_want w[16];
	struct library l;
	size_t n, k;

	(void)state;
	library_start(&l);
	must(store_wants(w, 1, &n, l.b.s, &a, NOW, e));
	assert_int_equal(n, 1);
	store_want_clear(&w[0]);
	must(store_forecast(&fc, l.b.s, &b, NOW, e));
	assert_int_equal(fc.files, 1);
	must(store_wants(w, 16, &n, l.b.s, &a, NOW, e));
	assert_int_equal(n, 7);
	for (k = 0; k < n; k++)
		store_want_clear(&w[k]);
	must(store_forecast(&fc, l.b.s, &no_filter, NOW, e));
	assert_int_equal(fc.files, 9);
	bench_done(&l.b);
}

/* A filter that leaves the original out today does not change the names that
 * its files get tomorrow: plain stems, and those with a suffix. */
static void
the_same_names(void **state)
{
	const struct store_filter steps[] = {{.skip_roles = 1U}, {.recent = 0}};
	char *paths[2][4] = {{NULL}};

	(void)state;
	for (int filtered = 0; filtered < 2; filtered++) {
		struct store_resource r[2];
		struct store_want w;
		struct bench b;
		size_t n;
		int i = 0;

		bench_start(&b);
		plant(&b, "2024/07/IMG_1.HEIC", "not ours");
		plant(&b, "2024/07/IMG_1.MOV", "nor this");
		r[0] = resource(0, thing(&b, "original"));
		r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
		put_master(&b, "M1", "1", "IMG_1.HEIC", r, 2);
		put_asset(
		    &b, "A1", "1", "M1", (struct store_asset){.month = 0});
		for (size_t step = filtered ? 0 : 1; step < 2; step++) {
			for (;;) {
				must(store_wants(
				    &w, 1, &n, b.s, &steps[step], NOW, e));
				if (n == 0)
					break;
				paths[filtered][w.role] = fetch_one(&b, &w);
				store_want_clear(&w);
				i++;
			}
		}
		assert_int_equal(i, 2);
		must(store_flush(b.s, e));
		bench_done(&b);
	}
	for (int role = 0; role < 2; role++) {
		assert_string_equal(paths[0][role], paths[1][role]);
		assert_non_null(strstr(paths[0][role], "IMG_1-"));
		free(paths[0][role]);
		free(paths[1][role]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind),
	    cmocka_unit_test(left_out_once),
	    cmocka_unit_test(the_newest_of_now),
	    cmocka_unit_test(filters_in_turn),
	    cmocka_unit_test(the_same_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
