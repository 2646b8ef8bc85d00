#include "test.h"

#include "progress.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
writes_the_line(void **state)
{
	static const struct progress p = {.files = 412330,
	    .bytes = INT64_C(1900000000000),
	    .files_done = 1204,
	    .bytes_done = INT64_C(12300000000),
	    .rate = 41200000};
	static const struct {
		int columns;
		const char *line;
	} table[] = {
	    {0,
		"1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s, "
		"12 h 43 min left"},
	    {80,
		"1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s, "
		"12 h 43 min left"},
	    {66,
		"1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s, "
		"12 h 43 min left"},
	    /* a part is there whole or not at all */
	    {65, "1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s"},
	    {48, "1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s"},
	    {47, "1,204 of 412,330 files, 12 GB of 1.9 TB"},
	    {38, "1,204 of 412,330 files"},
	    {22, "1,204 of 412,330 files"},
	    /* no number is cut */
	    {21, "1,204 of 412,330"},
	    {16, "1,204 of 412,330"},
	    {15, "1,204/412,330"},
	    {13, "1,204/412,330"},
	    {12, "0%"},
	    {2, "0%"},
	    {1, ""},
	    {-5,
		"1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s, "
		"12 h 43 min left"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		progress_line(out, sizeof(out), &p, table[i].columns);
		if (strcmp(out, table[i].line) != 0)
			fail_msg("%d columns: %s", table[i].columns, out);
	}
	/* The room counts as well. */
	progress_line(out, 10, &p, 80);
	assert_string_equal(out, "0%");
}

static void
tells_the_share(void **state)
{
	static const struct {
		int64_t files, done, bytes, bytes_done;
		const char *line;
	} table[] = {
	    {100000, 0, 0, 0, "0%"},
	    {100000, 50000, 0, 0, "50%"},
	    {100000, 1, 1000, 999, "99%"},
	    {100000, 1, 1000, 1000, "100%"},
	    /* stated sizes were too small */
	    {100000, 1, 1000, 5000, "100%"},
	    {100000, 1, INT64_MAX, INT64_MAX / 3, "33%"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct progress p = {.files = table[i].files,
		    .files_done = table[i].done,
		    .bytes = table[i].bytes,
		    .bytes_done = table[i].bytes_done};

		progress_line(out, sizeof(out), &p, 8);
		assert_string_equal(out, table[i].line);
	}
}

static void
leaves_out_what_is_unknown(void **state)
{
	struct progress p;
	char out[128];

	(void)state;
	progress_start(&p, 10, 1000, 5);
	progress_line(out, sizeof(out), &p, 80);
	assert_string_equal(out, "0 of 10 files, 0 bytes of 1.0 kB");
	/* Stated sizes were too small: no time left is made up. */
	progress_update(&p, 5, 5000, 1005);
	progress_line(out, sizeof(out), &p, 80);
	assert_string_equal(out, "5 of 10 files, 5.0 kB of 1.0 kB, 5.0 kB/s");
	assert_int_equal(progress_left_ms(&p), -1);
}

/* How much there is in all is not known before the list is complete. */
static void
goes_on_beside_a_listing(void **state)
{
	static const struct {
		int columns;
		const char *line;
	} table[] = {
	    {80, "120,000 records listed, 1,204 files, 5.0 MB, 5.0 MB/s"},
	    {0, "120,000 records listed, 1,204 files, 5.0 MB, 5.0 MB/s"},
	    {44, "120,000 records listed, 1,204 files, 5.0 MB"},
	    {36, "120,000 records listed, 1,204 files"},
	    {28, "1,204 files, 5.0 MB"},
	    {11, "1,204 files"},
	    {10, "1,204"},
	    {4, ""},
	};
	struct progress p;
	char out[120];

	(void)state;
	progress_start(&p, -1, 0, 0);
	p.listed = 120000;
	progress_update(&p, 1204, 5000000, 1000);
	for (size_t i = 0; i < LEN(table); i++) {
		progress_line(out, sizeof(out), &p, table[i].columns);
		if (strcmp(out, table[i].line) != 0)
			fail_msg("row %zu: %s", i, out);
	}
	progress_totals(&p, 2408, 10000000);
	progress_line(out, sizeof(out), &p, 80);
	assert_string_equal(
	    out, "1,204 of 2,408 files, 5.0 MB of 10 MB, 5.0 MB/s, 1 s left");
}

static void
tells_the_time_left(void **state)
{
	static const struct {
		int64_t bytes, done;
		double rate;
		int64_t left_ms;
	} table[] = {
	    {1000, 0, 100, 10000},
	    {1000, 900, 100, 1000},
	    {1000, 1000, 100, 0},
	    {1000, 1001, 100, -1},
	    {1000, 0, 0, -1},
	    {1000, 0, -5, -1},
	    {1000, 0, 0.5, -1},
	    /* what no number can hold is unknown, not a trap */
	    {INT64_MAX, 0, 1, -1},
	    {INT64_MAX, 0, 1e6, -1},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct progress p = {.bytes = table[i].bytes,
		    .bytes_done = table[i].done,
		    .rate = table[i].rate};

		if (progress_left_ms(&p) != table[i].left_ms)
			fail_msg("row %zu", i);
	}
}

/* A second without bytes does not make the time left jump. */
static void
smooths_the_rate(void **state)
{
	struct progress p;
	int64_t ms = 0, bytes = 0;

	(void)state;
	progress_start(&p, 1, INT64_C(1000000000), ms);
	for (; ms < 20000; ms += 1000, bytes += 1000000)
		progress_update(&p, 0, bytes, ms);
	assert_true(p.rate > 900000 && p.rate < 1100000);
	progress_update(&p, 0, bytes - 1000000, ms);
	assert_true(p.rate > 800000);
	/* After half a minute it has followed. */
	for (int i = 0; i < 30; i++)
		progress_update(&p, 0, bytes += 3000000, ms += 1000);
	assert_true(p.rate > 2700000 && p.rate < 3100000);
	/* Nothing comes for a day: one late look, and it is known. */
	progress_update(&p, 0, bytes, ms += 86400000);
	assert_true(p.rate < 1 && progress_left_ms(&p) == -1);
	/* and it comes back */
	for (int i = 0; i < 60; i++)
		progress_update(&p, 0, bytes += 1000000, ms += 1000);
	assert_true(p.rate > 500000);
}

/* Updates in quick succession measure nothing, and lose nothing. */
static void
waits_for_half_a_second(void **state)
{
	struct progress p;

	(void)state;
	progress_start(&p, 9, 9000, 0);
	for (int ms = 1; ms < 500; ms++)
		progress_update(&p, 1, ms, ms);
	assert_true(p.rate <= 0);
	assert_int_equal(p.bytes_done, 499);
	progress_update(&p, 1, 500, 500);
	assert_true(p.rate > 999 && p.rate < 1001);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_the_line),
	    cmocka_unit_test(tells_the_share),
	    cmocka_unit_test(leaves_out_what_is_unknown),
	    cmocka_unit_test(goes_on_beside_a_listing),
	    cmocka_unit_test(tells_the_time_left),
	    cmocka_unit_test(smooths_the_rate),
	    cmocka_unit_test(waits_for_half_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
