#include "test.h"

#include <time.h>

#include "civil.h"

#define DAY INT64_C(86400000)

static void
agrees_with_gmtime(void **state)
{
	struct civil c;
	struct tm tm;
	int64_t ms;
	time_t t;

	(void)state;
	/* Steps of no round length, from year 1 to about 4000. */
	for (ms = -62135596800000; ms < 64060588800000;
	     ms += 40 * DAY + 777777) {
		civil_from_ms(&c, ms);
		assert_int_equal(civil_to_ms(&c), ms);
		t = (time_t)(ms / 1000 - (ms % 1000 < 0));
		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(c.year, tm.tm_year + INT64_C(1900));
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour, tm.tm_hour);
		assert_int_equal(c.minute, tm.tm_min);
		assert_int_equal(c.second, tm.tm_sec);
		assert_int_equal(c.ms, ((ms % 1000) + 1000) % 1000);
		assert_int_equal(c.yearday, tm.tm_yday + 1);
		assert_int_equal(c.weekday, tm.tm_wday);
	}
}

static void
counts_every_day(void **state)
{
	struct civil c, before;
	int64_t day;

	(void)state;
	civil_from_ms(&before, -800001 * DAY);
	for (day = -800000; day < 800000; day++) {
		civil_from_ms(&c, day * DAY);
		assert_int_equal(c.weekday, (before.weekday + 1) % 7);
		if (c.day != 1)
			assert_int_equal(c.day, before.day + 1);
		else if (c.month != 1)
			assert_int_equal(c.month, before.month + 1);
		else
			assert_int_equal(c.year, before.year + 1);
		assert_int_equal(civil_to_ms(&c), day * DAY);
		before = c;
	}
}

static void
reaches_the_ends(void **state)
{
	static const int64_t far[] = {INT64_MAX - DAY, INT64_MIN + 2 * DAY,
	    INT64_MAX / 2, INT64_MIN / 2, -1, 0, 1};
	struct civil c = {.year = INT64_MAX, .month = 12, .day = 31};
	char text[40];
	int64_t back;
	size_t i;

	(void)state;
	assert_int_equal(civil_to_ms(&c), INT64_MAX);
	c.year = INT64_MIN;
	assert_int_equal(civil_to_ms(&c), INT64_MIN);
	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		civil_from_ms(&c, far[i]);
		if (i != 0)
			assert_int_equal(civil_to_ms(&c), far[i]);
		civil_iso(text, far[i]);
		if (i != 0) {
			assert_int_equal(civil_parse(&back, text), 0);
			assert_true(far[i] - back >= 0 && far[i] - back < 1000);
		}
	}
	assert_int_equal(civil_parse(&back, "+300000000-01-01T00:00-01:00"), 0);
	assert_int_equal(back, INT64_MAX);
	assert_int_equal(civil_parse(&back, "-300000000-01-01T00:00+01:00"), 0);
	assert_int_equal(back, INT64_MIN);
	civil_from_ms(&c, INT64_MAX);
	civil_from_ms(&c, INT64_MIN);
	assert_int_equal(c.year, -292275055);
}

static void
writes_iso(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} table[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {-1, "1969-12-31T23:59:59Z"},
	    {1722427200000, "2024-07-31T12:00:00Z"},
	    {951782400999, "2000-02-29T00:00:00Z"},
	    {-62167219200000, "0000-01-01T00:00:00Z"},
	    {-62167219200001, "-0001-12-31T23:59:59Z"},
	    {253402300799000, "9999-12-31T23:59:59Z"},
	    {253402300800000, "+10000-01-01T00:00:00Z"},
	};
	char text[40];
	int64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_ptr_equal(civil_iso(text, table[i].ms), text);
		assert_string_equal(text, table[i].text);
		assert_int_equal(civil_parse(&back, text), 0);
		assert_int_equal(
		    back, table[i].ms - ((table[i].ms % 1000) + 1000) % 1000);
	}
}

static void
reads_iso(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
	    {"2024-07-31", 1722384000000},
	    {"2024-07-31T12:00", 1722427200000},
	    {"2024-07-31T12:00:01", 1722427201000},
	    {"2024-07-31T12:00:01.5", 1722427201500},
	    {"2024-07-31T12:00:01.123456789Z", 1722427201123},
	    {"2024-07-31T12:00Z", 1722427200000},
	    {"2024-07-31T14:00:00+02:00", 1722427200000},
	    {"2024-07-31T02:30:00-09:30", 1722427200000},
	    {"2024-02-29", 1709164800000},
	};
	static const char *const bad[] = {"", "2024", "2024-07", "2024-7-1",
	    "2024-13-01", "2024-00-01", "2024-01-00", "2023-02-29",
	    "1900-02-29", "2024-04-31", "2024-07-31 12:00", "2024-07-31T",
	    "2024-07-31T1:00", "2024-07-31T24:00", "2024-07-31T12:60",
	    "2024-07-31T12:00:60", "2024-07-31T12:00:00.", "2024-07-31T12",
	    "2024-07-31T12:00+2:00", "2024-07-31T12:00+0200",
	    "2024-07-31T12:00Zx", "2024-07-31Z", " 2024-07-31", "2024-07-31 ",
	    "20240731", "12024-07-31", "+024-01-01", "+9999999999-01-01"};
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(civil_parse(&ms, good[i].text), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (civil_parse(&ms, bad[i]) != -1)
			fail_msg("taken: %s", bad[i]);
}

static void
has_clocks(void **state)
{
	int64_t now = clock_now_ms(), mono = clock_mono_ms();

	(void)state;
	assert_true(now / 1000 >= (int64_t)time(NULL) - 2);
	assert_true(now / 1000 <= (int64_t)time(NULL) + 2);
	assert_true(clock_mono_ms() >= mono);
}

static void
knows_when_a_picture_can_be_of(void **state)
{
	static const struct {
		int64_t ms, offset_s;
		int month;
	} table[] = {
	    {INT64_C(1722427200000), 0, 202407},
	    {INT64_C(1722427200000), 43200, 202408},
	    {INT64_C(1722427200000), 50401, 202407},
	    {CIVIL_TAKEN_FIRST, 0, 180001},
	    {CIVIL_TAKEN_FIRST, -1, 0},
	    {CIVIL_TAKEN_FIRST - 1, 0, 0},
	    {CIVIL_TAKEN_FIRST - 1, 1, 180001},
	    {CIVIL_TAKEN_END - 1, 0, 220012},
	    {CIVIL_TAKEN_END - 1, 1, 0},
	    {CIVIL_TAKEN_END, 0, 0},
	    {INT64_MAX, INT64_MAX, 0},
	    {INT64_MIN, INT64_MIN, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (civil_month(table[i].ms, table[i].offset_s) !=
		    table[i].month)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_gmtime),
	    cmocka_unit_test(counts_every_day),
	    cmocka_unit_test(reaches_the_ends),
	    cmocka_unit_test(writes_iso),
	    cmocka_unit_test(reads_iso),
	    cmocka_unit_test(has_clocks),
	    cmocka_unit_test(knows_when_a_picture_can_be_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
