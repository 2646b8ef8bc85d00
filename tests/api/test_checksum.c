#include "test.h"

#include "buf.h"
#include "checksum.h"
#include "digest.h"
#include "json.h"
#include "text.h"

/* [file-checksum] */
static const struct {
	const char *base64, *bytes; /* of the file; NULL: not computable */
	bool strict;
} vectors[] = {
    {"AW2cWT2PxzWixMKuuNMTHJ8CJ3sH", "", true},
    {"AYnnoj1r4lMYTs3JP/g7mjGaDCgO", "abc", true},
    /* The same hash under other kinds. */
    {"gYnnoj1r4lMYTs3JP/g7mjGaDCgO", "abc", false}, /* 0x81 */
    {"Aonnoj1r4lMYTs3JP/g7mjGaDCgO", "abc", false}, /* 0x02 */
    {"C4nnoj1r4lMYTs3JP/g7mjGaDCgO", "abc", false}, /* 0x0b */
    {"i4nnoj1r4lMYTs3JP/g7mjGaDCgO", "abc", false}, /* 0x8b */
    {"BInnoj1r4lMYTs3JP/g7mjGaDCgO", NULL, false},  /* 0x04 keyed */
    {"hInnoj1r4lMYTs3JP/g7mjGaDCgO", NULL, false},  /* 0x84 */
    {"A4nnoj1r4lMYTs3JP/g7mjGaDCgO", NULL, false},  /* 0x03 */
    /* Other lengths: 20, 22, 32, 33, 1 bytes. */
    {"AYnnoj1r4lMYTs3JP/g7mjGaDCg=", NULL, false},
    {"AYnnoj1r4lMYTs3JP/g7mjGaDCgOAA==", NULL, false},
    {"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", NULL, false},
    {"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", NULL, false},
    {"AQ==", NULL, false},
};

static void
kinds(void **state)
{
	struct checksum c;
	struct digest_rule rule;
	struct digest_sum sum;
	struct digest *d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		assert_true(checksum_read(&c, vectors[i].base64));
		checksum_rule(&rule, c.bytes, c.len);
		assert_int_equal(rule.checked, vectors[i].bytes != NULL);
		assert_int_equal(rule.strict, vectors[i].strict);
		if (vectors[i].bytes == NULL)
			continue;
		assert_int_equal(rule.prefix_len, 51);
		d = digest_new(rule.prefix, rule.prefix_len);
		digest_add(d, vectors[i].bytes, strlen(vectors[i].bytes));
		digest_end(&sum, d);
		digest_free(d);
		assert_true(digest_matches(&sum, &rule));
		sum.sha1[19] ^= 1;
		assert_false(digest_matches(&sum, &rule));
	}
}

static void
reading(void **state)
{
	static const char *const none[] = {
	    "", "=", "A", "*", "AW2cWT2P,", " ", "AWé"};
	struct checksum a, b;
	char long64[89], long65[89];
	size_t i;

	(void)state;
	assert_false(checksum_read(&a, NULL));
	assert_int_equal(a.len, 0);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_false(checksum_read(&a, none[i]));
		assert_int_equal(a.len, 0);
	}
	/* Both alphabets, blanks, no padding. */
	assert_true(checksum_read(&a, "AY6c+BsE0jjaXx9tmVGJM1D2VcEO"));
	assert_true(checksum_read(&b, " AY6c-BsE0jjaXx9t\nmVGJM1D2VcEO"));
	assert_int_equal(a.len, 21);
	assert_int_equal(b.len, 21);
	assert_memory_equal(a.bytes, b.bytes, 21);
	/* 64 bytes fit, 65 do not. */
	memset(long64, 'A', 88);
	memcpy(long64 + 86, "==", 3);
	assert_true(checksum_read(&a, long64));
	assert_int_equal(a.len, CHECKSUM_MAX);
	memset(long65, 'A', 88);
	memcpy(long65 + 87, "=", 2);
	assert_false(checksum_read(&a, long65));
}

static void
nothing(void **state)
{
	struct checksum c;

	(void)state;
	assert_true(checksum_read(&c, "AW2cWT2PxzWixMKuuNMTHJ8CJ3sH"));
	assert_true(checksum_of_nothing(c.bytes, c.len));
	assert_false(checksum_of_nothing(c.bytes, c.len - 1));
	c.bytes[20] ^= 1;
	assert_false(checksum_of_nothing(c.bytes, c.len));
	assert_true(checksum_read(&c, "AYnnoj1r4lMYTs3JP/g7mjGaDCgO"));
	assert_false(checksum_of_nothing(c.bytes, c.len));
	assert_false(checksum_of_nothing(c.bytes, 0));
}

/* The one recorded picture whose bytes are whole. */
static void
recorded(void **state)
{
	char *text, *bytes;
	size_t len, n;
	cJSON *json;
	struct checksum c;
	struct digest_rule rule;
	struct digest_sum sum;
	struct digest *d;

	(void)state;
	text = recorded_read(&len, "content/IMG_3589.JPG.json");
	bytes = recorded_read(&n, "content/IMG_3589.JPG");
	json = json_parse(text, len, NULL);
	assert_true(checksum_read(&c, json_str(json, "fileChecksum")));
	checksum_rule(&rule, c.bytes, c.len);
	assert_true(rule.checked && rule.strict);
	d = digest_new(rule.prefix, rule.prefix_len);
	digest_add(d, bytes, n);
	digest_end(&sum, d);
	digest_free(d);
	assert_true(digest_matches(&sum, &rule));
	cJSON_Delete(json);
	free(text);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(reading),
	    cmocka_unit_test(nothing),
	    cmocka_unit_test(recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
