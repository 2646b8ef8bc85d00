#include "test.h"

#include <openssl/evp.h>

#include "auth_p.h"
#include "civil.h"
#include "stop.h"

/*
 * The proof of work [hashcash].
 */

/* Stamps of others: the first two were seen in traces, the second of them with
 * a bit more than it needed; the rest was computed elsewhere. */
static const struct {
	const char *challenge, *stamp;
	struct civil at;
	int64_t bits;
} rows[] = {
    {"4e19d05de1614b4ea7746036705248f0",
	"1:11:20240629164439:4e19d05de1614b4ea7746036705248f0::1979",
	{.year = 2024,
	    .month = 6,
	    .day = 29,
	    .hour = 16,
	    .minute = 44,
	    .second = 39},
	11},
    {"6645198e569a298d0cb630f6341e6ef3",
	"1:12:20230223210829:6645198e569a298d0cb630f6341e6ef3::679",
	{.year = 2023,
	    .month = 2,
	    .day = 23,
	    .hour = 21,
	    .minute = 8,
	    .second = 29},
	12},
    {"dc063eb7988fd995d9e52138643aa169",
	"1:10:20260101000000:dc063eb7988fd995d9e52138643aa169::210",
	{.year = 2026, .month = 1, .day = 1}, 10},
    {"0123456789abcdef0123456789abcdef",
	"1:16:20260101000000:0123456789abcdef0123456789abcdef::123412",
	{.year = 2026, .month = 1, .day = 1}, 16},
};

static int
zero_bits(const char *stamp)
{
	uint8_t hash[20];
	int n = 0;

	assert_int_equal(
	    EVP_Digest(stamp, strlen(stamp), hash, NULL, EVP_sha1(), NULL), 1);
	while (n < 160 && (hash[n / 8] & (0x80 >> n % 8)) == 0)
		n++;
	return n;
}

static void
test_vectors(void **state)
{
	char stamp[160];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    hashcash_mint(stamp, sizeof(stamp), rows[i].bits,
			rows[i].challenge, civil_to_ms(&rows[i].at)),
		    0);
		assert_string_equal(stamp, rows[i].stamp);
	}
}

/* Bits, not hex digits; and up to as many as are computed at all. */
static void
test_all_bits(void **state)
{
	char stamp[160], begin[16];

	(void)state;
	for (int bits = 0; bits <= HASHCASH_BITS_MAX; bits++) {
		/* Above 18 one in three, to take no minute. */
		if (bits > 18 && bits % 3 != 0)
			continue;
		assert_int_equal(
		    hashcash_mint(stamp, sizeof(stamp), bits, rows[0].challenge,
			civil_to_ms(&rows[0].at)),
		    0);
		snprintf(begin, sizeof(begin), "1:%d:", bits);
		assert_memory_equal(stamp, begin, strlen(begin));
		assert_true(zero_bits(stamp) >= bits);
	}
}

#define HEX_64 \
	"0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
#define TOO_LONG HEX_64 "0"

static void
test_refused(void **state)
{
	static const char *const challenges[] = {
	    "", "g0", "00 11", "00\n11", "00:11", "0x12", TOO_LONG};
	char stamp[160], small[40];

	(void)state;
	for (size_t i = 0; i < sizeof(challenges) / sizeof(challenges[0]); i++)
		assert_int_equal(
		    hashcash_mint(stamp, sizeof(stamp), 1, challenges[i], 0),
		    -1);
	assert_int_equal(hashcash_mint(stamp, sizeof(stamp),
			     HASHCASH_BITS_MAX + 1, rows[0].challenge, 0),
	    -1);
	assert_int_equal(
	    hashcash_mint(stamp, sizeof(stamp), -1, rows[0].challenge, 0), -1);
	assert_int_equal(
	    hashcash_mint(small, sizeof(small), 1, rows[0].challenge, 0), -1);
	/* The longest that is taken. */
	assert_int_equal(hashcash_mint(stamp, sizeof(stamp), 1, HEX_64, 0), 0);
}

/* A signal ends it. */
static void
test_stop(void **state)
{
	char stamp[160];

	(void)state;
	stop_set(true);
	assert_int_equal(
	    hashcash_mint(stamp, sizeof(stamp), 1, rows[0].challenge, 0), -1);
	stop_set(false);
	assert_int_equal(
	    hashcash_mint(stamp, sizeof(stamp), 1, rows[0].challenge, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_all_bits),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
