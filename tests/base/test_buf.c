#include "test.h"

#include "buf.h"

static void
grows_and_stays_terminated(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	for (i = 0; i < 1000; i++) {
		assert_int_equal(buf_addf(&b, "%03d,", i), 0);
		assert_int_equal(b.len, (size_t)(i + 1) * 4);
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_memory_equal(buf_text(&b), "000,001,", 8);
	assert_string_equal(buf_text(&b) + b.len - 4, "999,");
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_clear(&b);
	buf_clear(&b);
	assert_null(b.data);
}

static void
adds_nothing_past_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_adds(&b, "abcde"), 0);
	assert_int_equal(buf_addc(&b, 'f'), -1);
	assert_int_equal(buf_addf(&b, "%d", 1), -1);
	assert_int_equal(buf_add(&b, "", 0), 0);
	assert_string_equal(buf_text(&b), "abcde");
	buf_reset(&b);
	assert_int_equal(buf_adds(&b, "abcdef"), -1);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_add(&b, "x", SIZE_MAX), -1);
	/* A JSON string is added whole or not at all. */
	assert_int_equal(buf_addc(&b, 'x'), 0);
	assert_int_equal(buf_add_json(&b, "ab\n"), -1);
	assert_string_equal(buf_text(&b), "x");
	assert_int_equal(buf_add_json(&b, "ab"), 0);
	assert_string_equal(buf_text(&b), "x\"ab\"");
	buf_clear(&b);
}

static void
escapes_json(void **state)
{
	static const char *const table[][2] = {
	    {"", "\"\""},
	    {"plain", "\"plain\""},
	    {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
	    {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
	    {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
	    {"Caf\xc3\xa9 \xf0\x9f\x98\x80",
		"\"Caf\xc3\xa9 \xf0\x9f\x98\x80\""},
	    {"a\xff\xed\xa0\x80z",
		"\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\""},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		buf_reset(&b);
		assert_int_equal(buf_add_json(&b, table[i][0]), 0);
		assert_string_equal(buf_text(&b), table[i][1]);
	}
	buf_clear(&b);
}

static void
is_taken(void **state)
{
	struct buf b = {0};
	char *s;

	(void)state;
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_adds(&b, "mine");
	s = buf_take(&b);
	assert_string_equal(s, "mine");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	free(s);
}

static void
keeps_secrets(void **state)
{
	struct buf b;
	const char *old;
	char *s;
	int i;

	(void)state;
	buf_init_secret(&b, 0);
	buf_adds(&b, "password");
	old = b.data;
	buf_reset(&b);
	/* Not only forgotten. */
	for (i = 0; i < 8; i++)
		assert_int_equal(old[i], '\0');
	for (i = 0; i < 500; i++)
		buf_adds(&b, "secret ");
	assert_int_equal(b.len, 3500);
	assert_memory_equal(b.data + 3493, "secret ", 8);
	buf_clear(&b);
	assert_true(b.secret);
	s = xstrdup("token");
	secret_wipe(s, 3);
	assert_memory_equal(s, "\0\0\0en", 5);
	secret_free(s);
	secret_free(NULL);
}

static void
copies(void **state)
{
	char *s;

	(void)state;
	assert_null(xstrdup(NULL));
	s = xstrndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	s = xasprintf("%s-%d", "n", 5);
	assert_string_equal(s, "n-5");
	free(s);
	s = xmalloc(0);
	assert_non_null(s);
	s = xreallocarray(s, 4, 8);
	free(s);
	s = xcalloc(3, 1);
	assert_memory_equal(s, "\0\0\0", 3);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(grows_and_stays_terminated),
	    cmocka_unit_test(adds_nothing_past_its_maximum),
	    cmocka_unit_test(escapes_json),
	    cmocka_unit_test(is_taken),
	    cmocka_unit_test(keeps_secrets),
	    cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
