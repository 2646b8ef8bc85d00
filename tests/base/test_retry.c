#include "test.h"

#include "retry.h"

#define DEFAULT (&retry_default)
#define SIGN_IN (&retry_sign_in)
#define NEVER   (&retry_none)

/* From what is known to the shortest and the longest wait (-1: no more). */
static const struct {
	const struct retry_policy *policy;
	struct retry_case c;
	int64_t shortest, longest;
} table[] = {
    /* policy, {code, status, stated, tries, waited}, shortest, longest */
    /* The schedule: 1, 2, 4, 8 s, five tries. */
    {DEFAULT, {ERR_NETWORK, 0, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NETWORK, 0, -1, 2, 1000}, 1500, 2500},
    {DEFAULT, {ERR_NETWORK, 0, -1, 3, 3000}, 3000, 5000},
    {DEFAULT, {ERR_NETWORK, 0, -1, 4, 8750}, 6000, 10000},
    {DEFAULT, {ERR_NETWORK, 0, -1, 5, 15000}, -1, -1},
    /* An answer that was cut off is no answer. */
    {DEFAULT, {ERR_NETWORK, 200, -1, 1, 0}, 750, 1250},
    /* By status. */
    {DEFAULT, {ERR_NONE, 408, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NONE, 429, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NONE, 500, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NONE, 502, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NONE, 503, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NONE, 504, -1, 1, 0}, 750, 1250},
    {DEFAULT, {ERR_NONE, 200, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 302, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 400, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 401, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 403, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 404, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 421, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 450, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 501, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 505, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 0, -1, 1, 0}, -1, -1},
    /* By code. */
    {DEFAULT, {ERR_PROTOCOL, 0, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_INTERRUPTED, 0, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_REFUSED, 0, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_UNAVAILABLE, 0, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_DISK_FULL, 206, -1, 1, 0}, -1, -1},
    {DEFAULT, {ERR_PROTOCOL, 503, -1, 1, 0}, -1, -1},
    /* What the server states is kept to the millisecond, up to 20 s in all. */
    {DEFAULT, {ERR_NONE, 503, 0, 1, 0}, 0, 0},
    {DEFAULT, {ERR_NONE, 503, 7000, 1, 0}, 7000, 7000},
    {DEFAULT, {ERR_NONE, 429, 7000, 4, 13000}, 7000, 7000},
    {DEFAULT, {ERR_NONE, 429, 20000, 1, 0}, 20000, 20000},
    {DEFAULT, {ERR_NONE, 429, 20001, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 429, 7000, 2, 13001}, -1, -1},
    {DEFAULT, {ERR_NONE, 429, INT64_MAX, 2, 13001}, -1, -1},
    {DEFAULT, {ERR_NONE, 500, 3000, 1, 0}, 3000, 3000},
    {DEFAULT, {ERR_NONE, 503, 1000, 5, 0}, -1, -1},
    {DEFAULT, {ERR_NONE, 401, 1000, 1, 0}, -1, -1},
    {DEFAULT, {ERR_NETWORK, 0, -1, 4, 19000}, -1, -1},
    /* The sign-in service: 2, 4 s, three tries, and throttling ends it. */
    {SIGN_IN, {ERR_NETWORK, 0, -1, 1, 0}, 1500, 2500},
    {SIGN_IN, {ERR_NONE, 502, -1, 2, 2000}, 3000, 5000},
    {SIGN_IN, {ERR_NONE, 502, -1, 3, 6000}, -1, -1},
    {SIGN_IN, {ERR_NONE, 429, -1, 1, 0}, -1, -1},
    {SIGN_IN, {ERR_NONE, 503, -1, 1, 0}, -1, -1},
    {SIGN_IN, {ERR_NONE, 429, 0, 1, 0}, -1, -1},
    {SIGN_IN, {ERR_NONE, 503, 1000, 1, 0}, -1, -1},
    {SIGN_IN, {ERR_NETWORK, 503, -1, 1, 0}, -1, -1},
    {SIGN_IN, {ERR_NONE, 500, 1000, 1, 0}, 1000, 1000},
    {NEVER, {ERR_NETWORK, 0, -1, 1, 0}, -1, -1},
    {NEVER, {ERR_NONE, 503, 0, 1, 0}, -1, -1},
};

static void
waits_as_the_table_says(void **state)
{
	int64_t wait, least, most;
	uint32_t jitter;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		least = INT64_MAX;
		most = INT64_MIN;
		for (jitter = 0; jitter < 30000; jitter++) {
			wait = retry_wait(
			    table[i].policy, &table[i].c, jitter * 143165U);
			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		if (table[i].shortest == table[i].longest) {
			assert_int_equal(least, table[i].shortest);
			assert_int_equal(most, table[i].longest);
			continue;
		}
		assert_in_range(least, table[i].shortest,
		    table[i].shortest + table[i].shortest / 10);
		assert_in_range(most, table[i].longest - table[i].longest / 10,
		    table[i].longest);
	}
	assert_in_range(
	    retry_wait(DEFAULT, &table[0].c, UINT32_MAX), 750, 1250);
}

static void
survives_any_policy(void **state)
{
	struct retry_policy p = {.max_tries = UINT32_MAX,
	    .first_wait_ms = 1,
	    .max_waited_ms = INT64_MAX};
	struct retry_case c = {ERR_NETWORK, 0, -1, 1000000, 0};

	(void)state;
	assert_true(retry_wait(&p, &c, 7) > 0);
	assert_true(retry_wait(&p, &c, UINT32_MAX) > 0);
	c.waited_ms = INT64_MAX;
	assert_int_equal(retry_wait(&p, &c, 7), -1);
}

/* A computer that has just woken: every 3 s, for as long as is wanted. */
static void
is_patient_before_the_first_answer(void **state)
{
	static const struct {
		enum err_code code;
		int status;
		int64_t since, patience, wait;
	} rows[] = {
	    {ERR_NETWORK, 0, 0, 100000, 3000},
	    {ERR_NETWORK, 0, 15000, 100000, 3000},
	    {ERR_NETWORK, 0, 97000, 100000, 3000},
	    {ERR_NETWORK, 0, 97001, 100000, -1},
	    {ERR_NETWORK, 0, INT64_MAX, 100000, -1},
	    {ERR_NETWORK, 0, 0, 0, -1},
	    {ERR_NETWORK, 200, 0, 100000, -1}, /* cut, so somebody answered */
	    {ERR_NONE, 503, 0, 100000, -1},
	    {ERR_PROTOCOL, 0, 0, 100000, -1}, /* a certificate */
	    {ERR_INTERRUPTED, 0, 0, 100000, -1},
	    {ERR_REFUSED, 0, 0, 100000, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct retry_case c = {
		    .code = rows[i].code, .status = rows[i].status};

		assert_int_equal(
		    retry_patience(&c, rows[i].since, rows[i].patience),
		    rows[i].wait);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_patient_before_the_first_answer),
	    cmocka_unit_test(waits_as_the_table_says),
	    cmocka_unit_test(survives_any_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
