#include "test.h"

#include "pace.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A line that carries so much a transfer up to so many transfers. */
struct line {
	int64_t now_ms, work;
	int knee; /* transfers that fill it */
	int64_t each;
};

/* One window of measuring with as many transfers as are allowed. */
static void
window(struct pace *p, struct line *l)
{
	int n = pace_allowed(p, l->now_ms);

	l->now_ms += 250;
	l->work += (n < l->knee ? n : l->knee) * l->each;
	pace_measure(p, l->work, n, l->now_ms);
}

static void
starts_at_four(void **state)
{
	static const struct {
		int most, first;
	} table[] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {8, 4}, {32, 4}};
	struct pace p;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		pace_start(&p, table[i].most, 1000);
		assert_int_equal(pace_allowed(&p, 1000), table[i].first);
	}
}

static void
grows_while_it_pays(void **state)
{
	static const int mosts[] = {1, 3, 4, 8, 32};
	struct pace p;

	(void)state;
	for (size_t i = 0; i < LEN(mosts); i++) {
		struct line l = {.now_ms = 77, .knee = 100, .each = 250000};

		pace_start(&p, mosts[i], l.now_ms);
		for (int k = 0; k < 40; k++) {
			window(&p, &l);
			assert_true(p.now >= 1 && p.now <= mosts[i]);
		}
		assert_int_equal(pace_allowed(&p, l.now_ms), mosts[i]);
	}
}

/* What fills the line with 10 is not done with 32; and it is tried again. */
static void
settles_where_it_no_longer_pays(void **state)
{
	struct line l = {.knee = 10, .each = 250000};
	struct pace p;
	int most = 0;

	(void)state;
	pace_start(&p, 32, 0);
	for (int k = 0; k < 20; k++)
		window(&p, &l);
	for (int k = 0; k < 80; k++) {
		window(&p, &l);
		assert_in_range(p.now, 10, 14);
	}
	l.knee = 20; /* the line got better */
	for (int k = 0; k < 300; k++) {
		window(&p, &l);
		most = p.now > most ? p.now : most;
	}
	assert_in_range(p.best_jobs, 17, 32);
	assert_true(most > 20);
}

/* Half as many after throttling, and no more for a minute. */
static void
is_meek_after_throttling(void **state)
{
	struct line l = {.knee = 100, .each = 250000};
	struct pace p;

	(void)state;
	pace_start(&p, 8, 0);
	for (int k = 0; k < 20; k++)
		window(&p, &l);
	assert_int_equal(p.now, 8);
	pace_throttled(&p, 1000, l.now_ms);
	assert_int_equal(pace_allowed(&p, l.now_ms + 999), 0);
	for (int k = 0; k < 240; k++) {
		window(&p, &l);
		assert_int_equal(p.now, 4);
	}
	for (int k = 0; k < 20; k++)
		window(&p, &l);
	assert_int_equal(p.now, 8);
}

/* A house that is not full tells nothing. */
static void
ignores_an_idle_line(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, 8, 0);
	for (int k = 1; k < 100; k++)
		pace_measure(&p, k * 1000000, 2, k * 250);
	assert_int_equal(p.now, 4);
	/* and no window is shorter than it should be */
	for (int k = 0; k < 100; k++)
		pace_measure(&p, 200000000 + k, 4, 99 * 250 + k);
	assert_int_equal(p.now, 4);
}

/* Nothing starts until the stated wait has passed, and then half as many. */
static void
rests_when_told_to(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, 8, 0);
	p.now = 8;
	pace_throttled(&p, 5000, 1000);
	assert_int_equal(pace_allowed(&p, 1000), 0);
	assert_int_equal(pace_allowed(&p, 5999), 0);
	assert_int_equal(pace_allowed(&p, 6000), 4);

	/* Eight answers to what ran already are one event, the longest wait
	 * counts. */
	pace_throttled(&p, 5000, 6000);
	pace_throttled(&p, 9000, 6010);
	pace_throttled(&p, 1000, 6020);
	for (int k = 0; k < 5; k++)
		pace_throttled(&p, 2000, 6100);
	assert_int_equal(pace_allowed(&p, 15009), 0);
	assert_int_equal(pace_allowed(&p, 15010), 2);

	/* It does not grow while it rests. */
	pace_throttled(&p, 10000, 16000);
	for (int k = 1; k < 30; k++)
		pace_measure(&p, k * 1000000, 8, 16000 + k * 300);
	assert_int_equal(pace_allowed(&p, 26000), 1);
	/* Never fewer than one. */
	pace_throttled(&p, 0, 26000);
	assert_int_equal(pace_allowed(&p, 26000), 1);
}

/* Retry-After is anybody's number. */
static void
bears_any_wait(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, 8, 1000);
	pace_throttled(&p, INT64_MAX, 1000);
	assert_int_equal(pace_allowed(&p, INT64_MAX - 1), 0);
	pace_throttled(&p, INT64_MAX - 5, 2000);
	assert_int_equal(pace_allowed(&p, INT64_MAX - 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts_at_four),
	    cmocka_unit_test(grows_while_it_pays),
	    cmocka_unit_test(settles_where_it_no_longer_pays),
	    cmocka_unit_test(is_meek_after_throttling),
	    cmocka_unit_test(ignores_an_idle_line),
	    cmocka_unit_test(rests_when_told_to),
	    cmocka_unit_test(bears_any_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
