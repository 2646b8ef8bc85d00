#include "test.h"

#include <errno.h>

#include "checksum.h"
#include "digest.h"
#include "scrub.h"
#include "store.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { PROVEN = STORE_STATE_PROVEN, BY_SIZE = STORE_STATE_SIZE_VERIFIED };

/* A file of 100 bytes whose SHA-256 is all 2 and whose SHA-1 is all 1. */
static void
tells_damage(void **state)
{
	static const struct {
		const char *what;
		int errnum;
		int64_t size;
		uint8_t sha256, sha1; /* as read */
		int state;
		bool checked, strict;
		enum store_damage damage;
	} table[] = {
	    {"good", 0, 100, 2, 1, PROVEN, true, true, STORE_GOOD},
	    {"by size", 0, 100, 2, 9, BY_SIZE, false, false, STORE_GOOD},
	    {"by size, kind known since", 0, 100, 2, 9, BY_SIZE, true, true,
		STORE_GOOD},
	    /* B032, B030: cut at a block, or empty */
	    {"shorter", 0, 99, 9, 9, PROVEN, true, true, STORE_TRUNCATED},
	    {"empty", 0, 0, 9, 9, PROVEN, true, true, STORE_TRUNCATED},
	    {"shorter, by size", 0, 0, 9, 9, BY_SIZE, false, false,
		STORE_TRUNCATED},
	    /* B033: a bit flipped at the same size */
	    {"flipped", 0, 100, 9, 9, PROVEN, true, true, STORE_ALTERED},
	    {"flipped, by size", 0, 100, 9, 1, BY_SIZE, false, false,
		STORE_ALTERED},
	    /* B036: bytes appended by others */
	    {"longer", 0, 120, 9, 9, PROVEN, true, true, STORE_LONGER},
	    {"longer, same hash", 0, 101, 2, 1, PROVEN, true, true,
		STORE_LONGER},
	    /* Apple's checksum has the last say ... */
	    {"catalogue wrong", 0, 100, 2, 9, PROVEN, true, true,
		STORE_ALTERED},
	    /* ... B040: but never one that cannot be computed */
	    {"kind unknown", 0, 100, 2, 9, PROVEN, false, true, STORE_GOOD},
	    {"kind not sure", 0, 100, 2, 9, PROVEN, true, false, STORE_GOOD},
	    /* nothing there, or something that is no file */
	    {"gone", ENOENT, 0, 0, 0, PROVEN, true, true, STORE_MISSING},
	    {"a file for a folder", ENOTDIR, 0, 0, 0, PROVEN, true, true,
		STORE_OBSTRUCTED},
	    {"a link", ELOOP, 0, 0, 0, PROVEN, true, true, STORE_OBSTRUCTED},
	    {"a folder", EISDIR, 0, 0, 0, PROVEN, true, true, STORE_OBSTRUCTED},
	    {"a socket", ENXIO, 0, 0, 0, PROVEN, true, true, STORE_OBSTRUCTED},
	    /* B087: the true reason: it is there, it cannot be read */
	    {"disk error", EIO, 0, 0, 0, PROVEN, true, true, STORE_UNREADABLE},
	    {"no right", EACCES, 0, 0, 0, PROVEN, true, true, STORE_UNREADABLE},
	    {"disk error on a good sum", EIO, 100, 2, 1, PROVEN, true, true,
		STORE_UNREADABLE},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct store_file f = {
		    .size_bytes = 100, .state = table[i].state};
		struct digest_rule rule = {
		    .checked = table[i].checked, .strict = table[i].strict};
		struct digest_sum sum = {.size_bytes = table[i].size};

		memset(f.sha256, 2, sizeof(f.sha256));
		memset(rule.sha1, 1, sizeof(rule.sha1));
		memset(sum.sha256, table[i].sha256, sizeof(sum.sha256));
		memset(sum.sha1, table[i].sha1, sizeof(sum.sha1));
		if (scrub_judge(&f, &rule, table[i].errnum, &sum) !=
		    table[i].damage)
			fail_msg("%s: %s", table[i].what,
			    scrub_word(
				scrub_judge(&f, &rule, table[i].errnum, &sum)));
	}
}

/* Every byte of the hash counts. */
static void
sees_every_bit(void **state)
{
	struct store_file f = {.size_bytes = 5, .state = PROVEN};
	struct digest_rule rule = {.checked = false};
	struct digest_sum sum = {.size_bytes = 5};

	(void)state;
	for (size_t i = 0; i < sizeof(sum.sha256) * 8; i++) {
		sum.sha256[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_int_equal(
		    scrub_judge(&f, &rule, 0, &sum), STORE_ALTERED);
		sum.sha256[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	assert_int_equal(scrub_judge(&f, &rule, 0, &sum), STORE_GOOD);
}

/* From bytes and Apple's own form of the checksum. */
static void
proves_real_bytes(void **state)
{
	static const char text[] = "not a picture";
	struct digest *d = digest_new(NULL, 0);
	struct store_file f = {.state = PROVEN, .checksum_len = 21};
	struct digest_rule rule;
	struct digest_sum sum;

	(void)state;
	/* The prefix is the rule's own: computed once without a hash. */
	f.checksum[0] = 0x01;
	checksum_rule(&rule, f.checksum, f.checksum_len);
	digest_free(d);
	d = digest_new(rule.prefix, rule.prefix_len);
	digest_add(d, text, strlen(text));
	digest_end(&sum, d);
	digest_free(d);
	f.size_bytes = (int64_t)strlen(text);
	memcpy(f.checksum + 1, sum.sha1, sizeof(sum.sha1));
	memcpy(f.sha256, sum.sha256, sizeof(f.sha256));
	checksum_rule(&rule, f.checksum, f.checksum_len);
	assert_true(rule.checked);
	assert_int_equal(scrub_judge(&f, &rule, 0, &sum), STORE_GOOD);
	f.checksum[20] ^= 1;
	checksum_rule(&rule, f.checksum, f.checksum_len);
	assert_int_equal(scrub_judge(&f, &rule, 0, &sum), STORE_ALTERED);
}

static void
has_a_word_for_each(void **state)
{
	static const char *const words[] = {[STORE_GOOD] = "good",
	    [STORE_MISSING] = "missing",
	    [STORE_OBSTRUCTED] = "missing",
	    [STORE_TRUNCATED] = "truncated",
	    [STORE_ALTERED] = "damaged",
	    [STORE_LONGER] = "damaged",
	    [STORE_UNREADABLE] = "unreadable"};

	(void)state;
	for (size_t i = 0; i < LEN(words); i++)
		assert_string_equal(scrub_word((enum store_damage)i), words[i]);
}

/* A share of the largest copy is computed without overflow. */
static void
takes_a_share(void **state)
{
	static const struct {
		int64_t bytes, sample, share;
	} table[] = {
	    {1000, 500, 50},
	    {1000, 0, 1000},
	    {1000, 10000, 1000},
	    {1000, 10001, 1000},
	    {1000, 1, 0},
	    {9999, 9999, 9998},
	    {0, 500, 0},
	    {INT64_MAX, 1, INT64_MAX / 10000},
	    {INT64_MAX, 9999, INT64_MAX - INT64_MAX / 10000 - 1},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++)
		assert_int_equal(scrub_share(table[i].bytes, table[i].sample),
		    table[i].share);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_damage),
	    cmocka_unit_test(sees_every_bit),
	    cmocka_unit_test(proves_real_bytes),
	    cmocka_unit_test(has_a_word_for_each),
	    cmocka_unit_test(takes_a_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
