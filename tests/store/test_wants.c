#include "bench.h"

/* What is to fetch, what failed, what is missing for good. */

static void
assert_next(struct bench *b, const char *asset)
{
	struct store_want w;

	if (asset == NULL) {
		assert_false(next_want(&w, b));
		return;
	}
	assert_true(next_want(&w, b));
	assert_string_equal(w.asset_name, asset);
	store_want_clear(&w);
}

static struct store_totals
totals(struct bench *b)
{
	struct store_totals t;

	must(store_totals(&t, b->s, e));
	assert_int_equal(t.held, t.proven + t.size_verified);
	assert_int_equal(t.missing, t.resources - t.held);
	return t;
}

static void
put_trashed(struct bench *b, const char *name, const char *bytes,
    int64_t expunged, bool has)
{
	struct store_resource r = resource(0, thing(b, bytes));
	char master[64];

	snprintf(master, sizeof(master), "M%s", name);
	put_master(b, master, "t1", "IMG_1.JPG", &r, 1);
	put_asset(b, name, "t1", master,
	    (struct store_asset){.trashed = true,
		.has_expunged = has,
		.expunged_ms = expunged,
		.has_added = true,
		.added_ms = NOW});
}

/* Recently Deleted by date of expiry, then the newest added. */
static void
order(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "old", "a.JPG", "1", 1000);
	put_photo(&b, "new", "b.JPG", "2", NOW);
	put_photo(&b, "absurd", "c.JPG", "3", INT64_MAX);
	put_photo(&b, "ancient", "d.JPG", "4", INT64_MIN);
	put_trashed(&b, "later", "5", 2000, true);
	put_trashed(&b, "soon", "6", 1000, true);
	put_trashed(&b, "unknown", "7", 0, false);
	assert_next(&b, "soon");
	assert_next(&b, "later");
	assert_next(&b, "unknown");
	assert_next(&b, "absurd");
	assert_next(&b, "new");
	/* One that comes in between is given when its turn is. */
	put_photo(&b, "newer", "e.JPG", "8", NOW + 5);
	assert_next(&b, "newer");
	assert_next(&b, "old");
	assert_next(&b, "ancient");
	assert_next(&b, NULL);
	/* Each once a run; all again in the next. */
	bench_end(&b);
	bench_begin(&b);
	assert_next(&b, "soon");
	bench_done(&b);
}

/* A content has the smallest key of the assets that have it. */
static void
the_first_of_those_that_share(void **state)
{
	struct bench b;
	struct store_want w;

	(void)state;
	bench_start(&b);
	put_photo(&b, "P1", "a.JPG", "same", 1000);
	put_photo(&b, "P2", "b.JPG", "other", 2000);
	put_trashed(&b, "T1", "same", 5, true);
	assert_true(next_want(&w, &b));
	assert_string_equal(w.asset_name, "T1");
	assert_string_equal(w.record, "MT1");
	assert_string_equal(w.filename, "IMG_1.JPG");
	assert_string_equal(w.uti, "public.jpeg");
	assert_true(w.trashed);
	assert_int_equal(w.zone, b.zone);
	assert_int_equal(w.size_bytes, 4);
	store_want_clear(&w);
	assert_next(&b, "P2");
	assert_next(&b, NULL);
	bench_done(&b);
}

/* "A master may come before or after its assets." */
static void
a_master_after_its_assets(void **state)
{
	struct store_resource r;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_asset(&b, "A1", "t", "M1", (struct store_asset){.month = 0});
	put_asset(&b, "A2", "t", "M1", (struct store_asset){.month = 0});
	assert_next(&b, NULL);
	assert_int_equal(totals(&b).assets, 2);
	assert_int_equal(totals(&b).resources, 0);
	r = resource(0, thing(&b, "o"));
	put_master(&b, "M1", "t", "a.JPG", &r, 1);
	assert_next(&b, "A1");
	assert_next(&b, NULL);
	assert_int_equal(totals(&b).resources, 1);
	assert_sound(&b);
	bench_done(&b);
}

/* A master alone is nobody's: nothing to fetch, nothing gone. */
static void
a_master_without_assets(void **state)
{
	struct store_resource r;
	struct bench b;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "o"));
	put_master(&b, "M1", "t", "a.JPG", &r, 1);
	assert_next(&b, NULL);
	assert_int_equal(totals(&b).gone_unfetched, 0);
	must(store_record_gone(b.s, b.zone, "M1", e));
	assert_int_equal(totals(&b).gone_unfetched, 0);
	bench_done(&b);
}

/* Tombstones: wants end, files stay, and come back with the asset. */
static void
tombstones(void **state)
{
	struct store_totals t;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "held", 2000);
	put_photo(&b, "A3", "a.JPG", "held", 2000);
	assert_int_equal(fetch_all(&b), 1);
	put_photo(&b, "A2", "b.JPG", "unfetched", 1000);
	must(store_record_gone(b.s, b.zone, "A1", e));
	t = totals(&b);
	assert_int_equal(t.assets, 2);
	assert_int_equal(t.gone_kept, 0);
	must(store_record_gone(b.s, b.zone, "A2", e));
	must(store_record_gone(b.s, b.zone, "A2", e)); /* told twice */
	must(store_record_gone(b.s, b.zone, "A3", e));
	must(store_record_gone(b.s, b.zone, "MA2", e));
	must(store_record_gone(b.s, b.zone, "never heard of", e));
	assert_next(&b, NULL);
	t = totals(&b);
	assert_int_equal(t.assets, 0);
	assert_int_equal(t.resources, 0);
	assert_int_equal(t.files, 1);
	assert_int_equal(t.gone_kept, 1);
	assert_int_equal(t.gone_unfetched, 1);
	assert_file(&b, "2024/07/a.JPG", "held");
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM event WHERE kind = 2"
			     " AND rec IN (SELECT rec FROM asset)"),
	    3);
	/* The same record, with the same tag, is back. */
	put_photo(&b, "A2", "b.JPG", "unfetched", 1000);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 3"), 1);
	assert_next(&b, "A2");
	t = totals(&b);
	assert_int_equal(t.gone_unfetched, 0);
	assert_int_equal(t.missing, 1);
	assert_int_equal(t.missing_bytes, 9);
	assert_sound(&b);
	bench_done(&b);
}

static void
a_zone_goes_and_comes_back(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 2000);
	put_photo(&b, "A2", "b.JPG", "two", 1000);
	must(store_zone_gone(b.s, b.zone, true, e));
	must(store_zone_gone(b.s, b.zone, true, e));
	assert_next(&b, NULL);
	assert_int_equal(totals(&b).assets, 0);
	assert_int_equal(totals(&b).gone_unfetched, 2);
	must(store_zone_gone(b.s, b.zone, false, e));
	assert_int_equal(totals(&b).assets, 2);
	assert_next(&b, "A1");
	assert_next(&b, "A2");
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE rec IS NULL"), 2);
	bench_done(&b);
}

static void
filters(void **state)
{
	static const struct {
		struct store_filter f;
		int64_t files, filtered;
	} table[] = {
	    {{.skip_roles = 0}, 4, 0},
	    {{.skip_roles = 1u << LIVE_ROLE}, 3, 1},
	    {{.skip_hidden = true}, 3, 1},
	    {{.skip_trashed = true}, 3, 1},
	    {{.skip_roles = 1u, .skip_hidden = true}, 1, 3},
	};
	struct store_forecast fc;
	struct store_resource r[2];
	struct store_want w[8];
	struct bench b;
	size_t i, n, k;

	(void)state;
	bench_start(&b);
	r[0] = resource(0, thing(&b, "still"));
	r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
	put_master(&b, "M1", "t", "a.JPG", r, 2);
	put_asset(&b, "A1", "t", "M1", (struct store_asset){.month = 0});
	r[0] = resource(0, thing(&b, "hidden"));
	put_master(&b, "M2", "t", "a.JPG", r, 1);
	put_asset(&b, "A2", "t", "M2", (struct store_asset){.hidden = true});
	put_trashed(&b, "A3", "trash", 5, true);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		must(store_forecast(&fc, b.s, &table[i].f, NOW, e));
		assert_int_equal(fc.files, table[i].files);
		assert_int_equal(fc.filtered, table[i].filtered);
		assert_int_equal(fc.later, 0);
		must(store_wants(w, 8, &n, b.s, &table[i].f, NOW, e));
		assert_int_equal(n, table[i].files);
		for (k = 0; k < n; k++)
			store_want_clear(&w[k]);
		bench_end(&b);
		bench_begin(&b);
	}
	must(store_forecast(&fc, b.s, &no_filter, NOW, e));
	assert_int_equal(fc.bytes, 5 + 5 + 6 + 5);
	bench_done(&b);
}

/* Other filter, same run: those that were left out before are given now. */
static void
a_second_filter(void **state)
{
	struct store_filter f = {.skip_roles = 1};
	struct store_want w;
	struct bench b;
	size_t n;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 2000);
	must(store_wants(&w, 1, &n, b.s, &f, NOW, e));
	assert_int_equal(n, 0);
	assert_next(&b, "A1");
	bench_done(&b);
}

static struct {
	int n, known;
	struct store_gap last;
	char record[64], name[64], detail[256];
} seen;

static void
see(void *arg, const struct store_gap *g)
{
	(void)arg;
	seen.n++;
	seen.known += g->known;
	seen.last = *g;
	snprintf(seen.record, sizeof(seen.record), "%s", g->record);
	snprintf(seen.name, sizeof(seen.name), "%s",
	    g->name != NULL ? g->name : "-");
	snprintf(seen.detail, sizeof(seen.detail), "%s", g->detail);
}

static int
gaps(struct bench *b)
{
	memset(&seen, 0, sizeof(seen));
	must(store_gaps_refresh(b->s, e));
	must(store_gaps(b->s, see, NULL, e));
	return seen.n;
}

static int64_t
want_content(struct bench *b)
{
	struct store_want w;
	int64_t content;

	assert_true(next_want(&w, b));
	content = w.content;
	store_want_clear(&w);
	return content;
}

static void
next_run(struct bench *b)
{
	bench_end(b);
	bench_begin(b);
}

/* Failed wants: put off, counted, walked; forgotten when the record changes. */
static void
failures(void **state)
{
	struct store_forecast fc;
	struct store_resource r;
	struct store_want w;
	struct bench b;
	int64_t content;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 2000);
	content = want_content(&b);
	must(store_want_failed(b.s, content, STORE_FAILED, "cut", 0, e));
	assert_next(&b, NULL);
	assert_int_equal(gaps(&b), 1);
	assert_int_equal(seen.last.why, STORE_FAILED);
	assert_int_equal(seen.last.first_run, b.run);
	assert_false(seen.last.known);
	assert_string_equal(seen.record, "MA1");
	assert_string_equal(seen.name, "a.JPG");
	assert_string_equal(seen.detail, "cut");
	assert_int_equal(totals(&b).gaps, 0);
	next_run(&b);
	assert_true(next_want(&w, &b));
	assert_int_equal(w.failures, 1);
	store_want_clear(&w);
	must(store_want_failed(b.s, content, STORE_FAILED, "cut", NOW + 5, e));
	next_run(&b);
	assert_next(&b, NULL);
	must(store_forecast(&fc, b.s, &no_filter, NOW, e));
	assert_int_equal(fc.files, 0);
	assert_int_equal(fc.later, 1);
	must(store_forecast(&fc, b.s, &no_filter, NOW + 5, e));
	assert_int_equal(fc.files, 1);
	assert_int_equal(gaps(&b), 1);
	assert_false(seen.last.known);
	r = resource(0, thing(&b, "one"));
	put_master(&b, "MA1", "t2", "a.JPG", &r, 1);
	assert_true(next_want(&w, &b));
	assert_int_equal(w.failures, 0);
	store_want_clear(&w);
	assert_int_equal(gaps(&b), 0);
	bench_done(&b);
}

/* A gap keeps its first run, is known afterwards, and closes. */
static void
a_gap_of_a_content(void **state)
{
	struct bench b;
	int64_t content;
	int i;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 2000);
	for (i = 0; i < 3; i++) {
		content = want_content(&b);
		must(store_want_failed(b.s, content,
		    i < 2 ? STORE_UNPROVEN : STORE_NO_ORIGINAL, "differs", 0,
		    e));
		assert_int_equal(gaps(&b), 1);
		assert_int_equal(seen.last.first_run, 1);
		assert_int_equal(seen.last.known, i > 0);
		assert_int_equal(totals(&b).gaps, 1);
		assert_int_equal(totals(&b).gaps_new, i == 0);
		assert_int_equal(totals(&b).gap_contents, 1);
		assert_int_equal(totals(&b).missing, 1);
		next_run(&b);
	}
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(gaps(&b), 0);
	assert_int_equal(totals(&b).gaps, 0);
	assert_int_equal(totals(&b).gap_contents, 0);
	bench_done(&b);
}

/* B014: no original, no master: only once the zone is fully known. */
static void
gaps_of_assets(void **state)
{
	struct store_resource r = {.role = 0, .size_bytes = -1};
	struct bench b;

	(void)state;
	bench_start(&b);
	put_master(&b, "M1", "t", "a.JPG", &r, 1);
	put_asset(&b, "A1", "t", "M1", (struct store_asset){.month = 0});
	put_asset(&b, "A2", "t", "M2", (struct store_asset){.month = 0});
	put_asset(&b, "A3", "t", NULL, (struct store_asset){.month = 0});
	assert_int_equal(gaps(&b), 0);
	must(store_zone_token(b.s, b.zone, "tok", true, 1, NOW, e));
	assert_int_equal(gaps(&b), 3);
	assert_string_equal(seen.record, "A3");
	assert_int_equal(seen.last.role, -1);
	assert_int_equal(seen.last.why, STORE_NO_ORIGINAL);
	assert_int_equal(totals(&b).gaps_new, 3);
	next_run(&b);
	/* Walked anew: what was known stays known. */
	must(store_zone_token(b.s, b.zone, NULL, false, 0, NOW, e));
	assert_int_equal(gaps(&b), 3);
	assert_int_equal(seen.known, 3);
	must(store_zone_token(b.s, b.zone, "tok", true, 1, NOW, e));
	/* The master comes, the asset goes, the original appears. */
	r = resource(0, thing(&b, "late"));
	put_master(&b, "M2", "t", "b.JPG", &r, 1);
	must(store_record_gone(b.s, b.zone, "A3", e));
	assert_int_equal(gaps(&b), 1);
	assert_string_equal(seen.record, "A1");
	assert_string_equal(seen.name, "a.JPG");
	assert_int_equal(seen.last.role, 0);
	r = resource(0, thing(&b, "later still"));
	put_master(&b, "M1", "t2", "a.JPG", &r, 1);
	assert_int_equal(gaps(&b), 0);
	assert_int_equal(fetch_all(&b), 2);
	/* Gone again: a new gap, not the old one. */
	next_run(&b);
	r = (struct store_resource){.role = 0, .size_bytes = -1};
	put_master(&b, "M1", "t3", "a.JPG", &r, 1);
	assert_int_equal(gaps(&b), 1);
	assert_false(seen.last.known);
	assert_int_equal(totals(&b).gaps_new, 1);
	bench_done(&b);
}

/* A movie, a twin, an edit that is named without a checksum: a gap each, of
 * the record that names it; the original is none. */
static void
gaps_of_parts(void **state)
{
	struct store_resource r[2], edit = {.role = 4, .size_bytes = -1};
	struct bench b;

	(void)state;
	bench_start(&b);
	must(store_zone_token(b.s, b.zone, "tok", true, 1, NOW, e));
	r[0] = resource(0, thing(&b, "o"));
	r[1] = (struct store_resource){.role = 1, .size_bytes = -1};
	put_master(&b, "M1", "t", "a.HEIC", r, 2);
	assert_int_equal(gaps(&b), 0); /* of no asset yet */
	put_asset(
	    &b, "A1", "t", "M1", (struct store_asset){.res = &edit, .nres = 1});
	assert_int_equal(gaps(&b), 2);
	assert_int_equal(totals(&b).gaps_new, 2);
	assert_int_equal(totals(&b).gap_contents, 0);
	next_run(&b);
	assert_int_equal(gaps(&b), 2);
	assert_int_equal(seen.known, 2);
	/* The movie comes, the edit is reverted. */
	r[1] = resource(1, thing(&b, "m"));
	put_master(&b, "M1", "t2", "a.HEIC", r, 2);
	put_asset(&b, "A1", "t2", "M1", (struct store_asset){.month = 0});
	assert_int_equal(gaps(&b), 0);
	bench_done(&b);
}

/* The same bytes, stated with two sizes, once proven. */
static void
size_unstated(void **state)
{
	struct store_resource r;
	struct store_want w;
	struct bench b;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "o"));
	r.size_bytes = -1;
	put_master(&b, "M1", "t", "a.JPG", &r, 1);
	put_asset(&b, "A1", "t", "M1", (struct store_asset){.month = 0});
	assert_int_equal(totals(&b).missing_bytes, 0);
	assert_true(next_want(&w, &b));
	assert_int_equal(w.size_bytes, -1);
	free(fetch_one(&b, &w));
	store_want_clear(&w);
	must(store_flush(b.s, e));
	assert_int_equal(totals(&b).held_bytes, 1);
	assert_int_equal(totals(&b).missing_bytes, 0);
	assert_sound(&b);
	bench_done(&b);
}

/* What vanished is given once more after a new listing, unlike what failed. */
static void
given_once_more(void **state)
{
	struct bench b;
	struct store_want w;

	(void)state;
	bench_start(&b);
	put_photo(&b, "vanished", "a.JPG", "1", NOW + 2);
	put_photo(&b, "failed", "b.JPG", "2", NOW + 1);
	put_photo(&b, "left", "c.JPG", "3", NOW);
	assert_true(next_want(&w, &b));
	must(store_want_failed(
	    b.s, w.content, STORE_VANISHED, "not found", 0, e));
	store_want_clear(&w);
	assert_true(next_want(&w, &b));
	must(store_want_failed(b.s, w.content, STORE_FAILED, "cut", 0, e));
	store_want_clear(&w);
	assert_next(&b, "left");
	assert_next(&b, NULL);
	must(store_wants_again(b.s, e));
	assert_next(&b, "vanished");
	assert_next(&b, "left");
	assert_next(&b, NULL);
	bench_done(&b);
}

static void
count_name(void *arg, const char *name)
{
	int *n = arg;

	assert_string_equal(name, "M1");
	(*n)++;
}

/* Masters that were left out are known by name, each once. */
static void
masters_lacking(void **state)
{
	struct store_resource r;
	struct bench b;
	int n = 0;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "1"));
	put_asset(&b, "a", "t1", "M1", (struct store_asset){0});
	put_asset(&b, "b", "t1", "M1", (struct store_asset){0});
	put_photo(&b, "whole", "c.JPG", "3", NOW);
	must(store_masters_lacking(b.s, b.zone, count_name, &n, e));
	assert_int_equal(n, 1);
	put_master(&b, "M1", "t1", "IMG_1.JPG", &r, 1);
	must(store_masters_lacking(b.s, b.zone, count_name, &n, e));
	assert_int_equal(n, 1);
	/* Of assets that are gone none is sought. */
	put_asset(&b, "d", "t1", "M2", (struct store_asset){0});
	must(store_record_gone(b.s, b.zone, "d", e));
	must(store_masters_lacking(b.s, b.zone, count_name, &n, e));
	assert_int_equal(n, 1);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order),
	    cmocka_unit_test(the_first_of_those_that_share),
	    cmocka_unit_test(a_master_after_its_assets),
	    cmocka_unit_test(a_master_without_assets),
	    cmocka_unit_test(tombstones),
	    cmocka_unit_test(a_zone_goes_and_comes_back),
	    cmocka_unit_test(filters),
	    cmocka_unit_test(a_second_filter),
	    cmocka_unit_test(failures),
	    cmocka_unit_test(given_once_more),
	    cmocka_unit_test(masters_lacking),
	    cmocka_unit_test(a_gap_of_a_content),
	    cmocka_unit_test(gaps_of_assets),
	    cmocka_unit_test(gaps_of_parts),
	    cmocka_unit_test(size_unstated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
