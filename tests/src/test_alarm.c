#include "test.h"

#include <string.h>

#include "alarm.h"
#include "err.h"
#include "store.h"

static void
knows_a_theft(void **state)
{
	static const struct {
		int64_t lost, left;
		bool due;
	} table[] = {
	    {0, 0, false},
	    {0, 1000, false},
	    {19, 0, false}, /* few, though all */
	    {20, 0, true},
	    {20, 80, true}, /* a fifth */
	    {20, 81, false},
	    {200, 801, false},
	    {201, 804, true},
	    {1999, 20000, false},
	    {2000, 20000, true}, /* two thousand and a twentieth */
	    {2000, 38000, true},
	    {2000, 39000, false},
	    {400000, 600000, true},
	    {INT64_C(1) << 40, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct store_losses l = {
		    .lost = table[i].lost, .left = table[i].left};

		if (alarm_is_due(&l) != table[i].due)
			fail_msg("row %zu", i);
	}
}

static void
says_what_happened(void **state)
{
	struct store_losses l = {.lost = 1234, .left = 0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(alarm_sound(&l, &e), -1);
	assert_int_equal(e.code, ERR_ALARM);
	assert_non_null(strstr(e.what, "1,234 of 1,234 photos and videos"));
	assert_non_null(strstr(e.next, "iforgot.apple.com"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_a_theft),
	    cmocka_unit_test(says_what_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
