#include "test.h"

#include "digest.h"
#include "text.h"

static const struct {
	const char *prefix, *bytes, *sha1, *sha256;
} vectors[] = {
    {"", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"a", "bc", "a9993e364706816aba3e25717850c26c9cd0d89d",
	"1e0bbd6c686ba050b8eb03ffeedc64fdc9d80947fce821abbe5d6dc8d252c5ac"},
};

static void
hashes_both(void **state)
{
	uint8_t sha1[DIGEST_SHA1], sha256[DIGEST_SHA256];
	struct digest_sum sum;
	struct digest *d;
	size_t i, at;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		d = digest_new((const uint8_t *)vectors[i].prefix,
		    strlen(vectors[i].prefix));
		for (at = 0; vectors[i].bytes[at] != '\0'; at++)
			digest_add(d, vectors[i].bytes + at, 1);
		digest_add(d, NULL, 0);
		digest_end(&sum, d);
		digest_free(d);
		assert_int_equal(sum.size_bytes, strlen(vectors[i].bytes));
		text_unhex(sha1, sizeof(sha1), vectors[i].sha1);
		text_unhex(sha256, sizeof(sha256), vectors[i].sha256);
		assert_memory_equal(sum.sha1, sha1, sizeof(sha1));
		assert_memory_equal(sum.sha256, sha256, sizeof(sha256));
	}
	d = digest_new(NULL, 0);
	digest_free(d);
	digest_free(NULL);
}

static void
obeys_a_rule(void **state)
{
	struct digest_rule rule = {.checked = true};
	struct digest_sum sum = {.size_bytes = 3};

	(void)state;
	text_unhex(rule.sha1, sizeof(rule.sha1), vectors[1].sha1);
	text_unhex(sum.sha1, sizeof(sum.sha1), vectors[1].sha1);
	assert_true(digest_matches(&sum, &rule));
	sum.sha1[DIGEST_SHA1 - 1] ^= 1;
	assert_false(digest_matches(&sum, &rule));
	sum.sha1[DIGEST_SHA1 - 1] ^= 1;
	rule.checked = false;
	assert_false(digest_matches(&sum, &rule));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hashes_both),
	    cmocka_unit_test(obeys_a_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
