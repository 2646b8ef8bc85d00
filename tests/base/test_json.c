#include "test.h"

#include "buf.h"
#include "err.h"
#include "json.h"

static bool
accepts(const char *text, size_t n)
{
	struct json_span span = {NULL, 0};
	struct err e = ERR_INIT, e2 = ERR_INIT;
	cJSON *json = json_parse(text, n, &e2);
	int rc = json_span_all(&span, text, n, &e);

	assert_true((json != NULL) == (rc == 0));
	assert_int_equal(e.code, rc == 0 ? ERR_NONE : ERR_PROTOCOL);
	assert_int_equal(e2.code, rc == 0 ? ERR_NONE : ERR_PROTOCOL);
	cJSON_Delete(json);
	return rc == 0;
}

static void
knows_the_grammar(void **state)
{
	static const char *const good[] = {"{}", "[]", " \t\r\n{ } ", "0", "-0",
	    "-1.5e+10", "1E5", "0.0", "\"\"", "true", "false", "null",
	    "[1,2,3]", "[ 1 , [ ] , { } ]", "{\"a\":1,\"b\":[{}]}",
	    "{ \"a\" : { \"b\" : null } , \"c\" : \"d\" }",
	    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
	    "\"\\ud800\"", "\"\\udc00 x\"", "\"\\ud800\\ud800\\udc00\"",
	    "\"caf\xc3\xa9 \xff\"", "{\"a\":1,\"a\":2}", "{\"\":0}",
	    "\"\\u0000\""};
	static const char *const bad[] = {"", " ", "{", "}", "[", "]", "[1",
	    "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
	    "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[}",
	    "{]", "[1}", "{\"a\":1]", "{} {}", "1 2", "[]x", "01", "-", "+1",
	    ".5", "1.", "1.e5", "1e", "1e+", "0x10", "- 1", "tru", "True",
	    "nulll", "NaN", "Infinity", "\"", "\"a", "\"\\\"", "\"\\x41\"",
	    "\"\\u12\"", "\"\\u12g4\"", "\"\\", "\"\\u", "\"a\nb\"", "\"a\tb\"",
	    "'a'", "\"\x01\"", "\xef\xbb\xbf{}", "{\"a\":1}}", "[1]]", "//x\n1",
	    "{\"a\\x\":1}"};
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!accepts(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (accepts(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	/* NUL bytes are bytes that do not belong there. */
	assert_false(accepts("{}\0", 3));
	assert_false(accepts("\0{}", 3));
	assert_false(accepts("\"a\0b\"", 5));
	assert_false(accepts("\"\\\0\"", 4));
	assert_false(accepts("[1,\0 2]", 7));
	/* The text ends where it is said to end, at each byte. */
	for (n = 0; n < strlen(good[15]); n++)
		assert_false(accepts(good[15], n));
}

static void
nest(struct buf *b, size_t depth, const char *open, const char *close)
{
	size_t i;

	buf_reset(b);
	for (i = 0; i < depth; i++)
		buf_adds(b, open);
	buf_adds(b, "1");
	for (i = 0; i < depth; i++)
		buf_adds(b, close);
}

static void
keeps_its_bounds(void **state)
{
	struct err e = ERR_INIT;
	struct json_span span;
	struct buf b = {0};
	char *big;

	(void)state;
	nest(&b, JSON_MAX_DEPTH, "[", "]");
	assert_true(accepts(b.data, b.len));
	nest(&b, JSON_MAX_DEPTH + 1, "[", "]");
	assert_false(accepts(b.data, b.len));
	nest(&b, JSON_MAX_DEPTH, "{\"a\":", "}");
	assert_true(accepts(b.data, b.len));
	nest(&b, JSON_MAX_DEPTH + 1, "{\"a\":", "}");
	assert_false(accepts(b.data, b.len));
	/* Only brackets that open count. */
	nest(&b, 1000000, "[", "]");
	assert_false(accepts(b.data, b.len));
	buf_clear(&b);

	big = xmalloc(JSON_MAX_BYTES + 1);
	memset(big, ' ', JSON_MAX_BYTES + 1);
	big[0] = '7';
	assert_int_equal(json_span_all(&span, big, JSON_MAX_BYTES, &e), 0);
	assert_int_equal(span.len, 1);
	assert_int_equal(json_span_all(&span, big, JSON_MAX_BYTES + 1, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
	assert_null(json_parse(big, JSON_MAX_BYTES + 1, &e));
	free(big);
}

static cJSON *
parse(const char *text)
{
	struct err e = ERR_INIT;
	cJSON *json = json_parse(text, strlen(text), &e);

	assert_non_null(json);
	return json;
}

static void
takes_members_as_values(void **state)
{
	cJSON *o =
	    parse("{\"a\":\"x\",\"A\":\"y\",\"o\":{\"b\":[1]},\"t\":true,"
		  "\"f\":false,\"n\":null,\"one\":1,\"a\":\"second\"}");
	int64_t v;

	(void)state;
	assert_string_equal(json_str(o, "a"), "x");
	assert_string_equal(json_str(o, "A"), "y");
	assert_null(json_str(o, "o"));
	assert_null(json_str(o, "one"));
	assert_null(json_str(o, "absent"));
	assert_null(json_str(NULL, "a"));
	assert_null(json_get(json_get(o, "a"), "a"));
	assert_null(json_get(json_at(o, "o", "b", NULL), "0"));
	assert_true(cJSON_IsNull(json_get(o, "n")));
	assert_non_null(json_at(o, "o", "b", NULL));
	assert_ptr_equal(json_at(o, NULL), o);
	assert_null(json_at(o, "o", "c", "d", NULL));
	assert_non_null(json_object(o, "o"));
	assert_null(json_object(o, "a"));
	assert_non_null(json_array(json_object(o, "o"), "b"));
	assert_null(json_array(o, "o"));
	assert_true(json_bool(o, "t"));
	assert_false(json_bool(o, "f"));
	assert_false(json_bool(o, "n"));
	assert_false(json_bool(o, "one"));
	assert_false(json_bool(o, "absent"));
	assert_true(json_int(&v, o, "one"));
	assert_int_equal(v, 1);
	assert_false(json_int(&v, o, "a"));
	cJSON_Delete(o);
}

static void
takes_numbers_and_ids(void **state)
{
	static const struct {
		const char *json, *id;
		bool is_int;
		int64_t v;
	} table[] = {
	    {"0", "0", true, 0},
	    {"-5", "-5", true, -5},
	    {"1e3", "1000", true, 1000},
	    {"9007199254740992", "9007199254740992", true, 9007199254740992},
	    {"-9007199254740992", "-9007199254740992", true, -9007199254740992},
	    {"9007199254740994", NULL, false, 0},
	    {"1e300", NULL, false, 0},
	    {"1.5", NULL, false, 0},
	    {"\"12\"", "12", true, 12},
	    {"\"9223372036854775807\"", "9223372036854775807", true, INT64_MAX},
	    {"\"9223372036854775808\"", "9223372036854775808", false, 0},
	    {"\"12 \"", "12 ", false, 0},
	    {"\"abc\"", "abc", false, 0},
	    {"\"\"", "", false, 0},
	    {"\"a text of more than twenty bytes\"", NULL, false, 0},
	    {"true", NULL, false, 0},
	    {"null", NULL, false, 0},
	    {"[1]", NULL, false, 0},
	};
	char text[100], id[20];
	int64_t v;
	size_t i;
	cJSON *o;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "{\"v\":%s}", table[i].json);
		o = parse(text);
		v = 77;
		assert_int_equal(json_int(&v, o, "v"), table[i].is_int);
		assert_int_equal(v, table[i].is_int ? table[i].v : 77);
		assert_int_equal(
		    json_value_int(&v, json_get(o, "v")), table[i].is_int);
		assert_int_equal(
		    json_id(id, sizeof(id), o, "v"), table[i].id != NULL);
		if (table[i].id != NULL)
			assert_string_equal(id, table[i].id);
		cJSON_Delete(o);
	}
	assert_false(json_value_int(&v, NULL));
	assert_false(json_id(id, sizeof(id), NULL, "v"));
}

static void
reads_half_pairs(void **state)
{
	cJSON *o = parse("{\"a\":\"x\\ud800y\\udc00\\\\ud800\\ud83d\\ude00\"}");

	(void)state;
	assert_string_equal(json_str(o, "a"),
	    "x\xef\xbf\xbdy\xef\xbf\xbd"
	    "\\ud800\xf0\x9f\x98\x80");
	cJSON_Delete(o);
}

static struct json_span
span_of(const char *text)
{
	struct json_span span;
	struct err e = ERR_INIT;

	assert_int_equal(json_span_all(&span, text, strlen(text), &e), 0);
	return span;
}

static void
assert_span(struct json_span span, const char *text)
{
	assert_non_null(span.p);
	assert_int_equal(span.len, strlen(text));
	assert_memory_equal(span.p, text, span.len);
}

static void
finds_spans(void **state)
{
	struct json_span o = span_of(
	    " {\"a\" : [1, 2] ,\"b\\\"\":\"x}\",\"\\u0063\":{\"a\":0},\"a\":9,"
	    "\"\\ud83d\\ude00\":1,\"e\\u0000x\":2,\"n\":null,\"\\n\\/\":3} ");

	(void)state;
	assert_span(json_span_get(o, "a"), "[1, 2]");
	assert_span(json_span_get(o, "b\""), "\"x}\"");
	assert_span(json_span_get(o, "c"), "{\"a\":0}");
	assert_span(json_span_get(json_span_get(o, "c"), "a"), "0");
	assert_span(json_span_get(o, "\xf0\x9f\x98\x80"), "1");
	assert_span(json_span_get(o, "n"), "null");
	assert_span(json_span_get(o, "\n/"), "3");
	/* A name ends at a NUL, as json_get() has it too. */
	assert_span(json_span_get(o, "e"), "2");
	assert_null(json_span_get(o, "").p);
	assert_null(json_span_get(o, "absent").p);
	assert_null(json_span_get(json_span_get(o, "a"), "a").p);
	assert_null(json_span_get(json_span_get(o, "absent"), "a").p);
	assert_span(json_span_get(span_of("{\"\":5}"), ""), "5");
	assert_null(json_span_get(span_of("{}"), "").p);
}

static void
walks_arrays(void **state)
{
	struct json_span a =
	    span_of("[ {\"x\":[1,2]} ,\"a,]\", -1.5 ,[],null ]");
	static const char *const values[] = {
	    "{\"x\":[1,2]}", "\"a,]\"", "-1.5", "[]", "null"};
	struct json_span v;
	size_t it = 0, i;
	struct err e = ERR_INIT;
	cJSON *json;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_true(json_span_next(&v, a, &it));
		assert_span(v, values[i]);
		json = json_span_parse(v, &e);
		assert_non_null(json);
		cJSON_Delete(json);
	}
	assert_false(json_span_next(&v, a, &it));
	assert_false(json_span_next(&v, a, &it));
	it = 0;
	assert_false(json_span_next(&v, span_of("[]"), &it));
	assert_false(json_span_next(&v, span_of("{\"a\":1}"), &it));
	assert_false(json_span_next(&v, span_of("1"), &it));
	assert_false(json_span_next(&v, (struct json_span){NULL, 0}, &it));
	assert_null(json_span_parse((struct json_span){NULL, 0}, &e));
	assert_int_equal(e.code, ERR_PROTOCOL);
}

static void
blanks_members(void **state)
{
	static const char *const table[][2] = {
	    {"{\"u\":\"secret\"}", "{\"u\":\"\"}"},
	    {"{ \"u\" : { \"u\":1 } , \"v\":\"u\" }",
		"{ \"u\" : \"\" , \"v\":\"u\" }"},
	    {"[[{\"a\":{\"u\":[1,2]}},{\"u\":null}]]",
		"[[{\"a\":{\"u\":\"\"}},{\"u\":\"\"}]]"},
	    /* A tree knows this one by the name "u". */
	    {"{\"u\\u0000v\":\"secret\"}", "{\"u\\u0000v\":\"\"}"},
	    {"{\"\\u0075\":1,\"U\":2,\"uu\":3}",
		"{\"\\u0075\":\"\",\"U\":2,\"uu\":3}"},
	    {"{\"a\":\"\\\"u\\\":1\",\"u\":1e5,\"u\":true}",
		"{\"a\":\"\\\"u\\\":1\",\"u\":\"\",\"u\":\"\"}"},
	    {"[\"u\",\"u\"]", "[\"u\",\"u\"]"},
	    {"\"u\"", "\"u\""},
	    {"{}", "{}"},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		buf_reset(&b);
		json_span_blank(&b, span_of(table[i][0]), "u");
		assert_string_equal(buf_text(&b), table[i][1]);
	}
	buf_reset(&b);
	buf_adds(&b, "before ");
	json_span_blank(&b, (struct json_span){NULL, 0}, "u");
	json_span_blank(&b, span_of("{\"u\":1}"), "u");
	assert_string_equal(buf_text(&b), "before {\"u\":\"\"}");
	buf_clear(&b);
}

/* Spans of any bytes, checked or not, are walked without leaving them. */
static void
stays_inside_its_bytes(void **state)
{
	static const char alphabet[] = "{}[]\",:\\u0d8tfn1e.- ab\0\xff";
	struct json_span span, v;
	struct buf b = {0};
	struct err e = ERR_INIT;
	unsigned seed = 1;
	size_t n, i, it;
	char *text;
	int round;

	(void)state;
	for (round = 0; round < 100000; round++) {
		n = (size_t)round % 24;
		/* Its own allocation, so that a sanitizer sees its end. */
		text = malloc(n != 0 ? n : 1);
		assert_non_null(text);
		for (i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] =
			    alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		cJSON_Delete(json_parse(text, n, &e));
		span.p = text;
		span.len = n;
		(void)json_span_get(span, "a");
		for (it = 0; json_span_next(&v, span, &it);)
			assert_true(v.p >= text && v.p + v.len <= text + n);
		buf_reset(&b);
		json_span_blank(&b, span, "a");
		free(text);
	}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_the_grammar),
	    cmocka_unit_test(keeps_its_bounds),
	    cmocka_unit_test(takes_members_as_values),
	    cmocka_unit_test(takes_numbers_and_ids),
	    cmocka_unit_test(reads_half_pairs),
	    cmocka_unit_test(finds_spans),
	    cmocka_unit_test(walks_arrays),
	    cmocka_unit_test(blanks_members),
	    cmocka_unit_test(stays_inside_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
