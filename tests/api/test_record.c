#include "test.h"

#include <inttypes.h>

#include "buf.h"
#include "err.h"
#include "json.h"
#include "record.h"

static int
read_text(struct record *r, const char *text, struct err *e)
{
	struct json_span span;

	if (json_span_all(&span, text, strlen(text), e) == -1)
		return -1;
	return record_read(r, span, e);
}

/* A record with one field of this JSON; the text has to outlive it. */
static char *
with_field(struct record *r, const char *field_json)
{
	char *text =
	    xasprintf("{\"recordName\":\"A\",\"recordType\":\"CPLAsset\","
		      "\"fields\":{\"x\":1,\"f\":%s}}",
		field_json);

	assert_int_equal(read_text(r, text, NULL), 0);
	return text;
}

static void
envelopes(void **state)
{
	static const struct {
		const char *text;
		enum record_type type;
	} cases[] = {
	    {"{\"recordName\":\"A\",\"recordType\":\"CPLMaster\"}",
		RECORD_MASTER},
	    {"{\"recordName\":\"A\",\"recordType\":\"CPLAsset\","
	     "\"deleted\":false}",
		RECORD_ASSET},
	    {"{\"recordName\":\"A\",\"recordType\":\"CPLAlbum\"}",
		RECORD_ALBUM},
	    {"{\"recordName\":\"A\",\"recordType\":\"CPLContainerRelation\"}",
		RECORD_RELATION},
	    {"{\"recordName\":\"A\",\"recordType\":\"CPLLibraryInfo\"}",
		RECORD_LIBRARY_INFO},
	    {"{\"recordName\":\"A\",\"recordType\":\"CPLFaceCrop\"}",
		RECORD_OTHER},
	    {"{\"recordName\":\"A\",\"recordType\":\"cplmaster\"}",
		RECORD_OTHER},
	    {"{\"recordName\":\"A\",\"recordType\":5}", RECORD_OTHER},
	    {"{\"recordName\":\"A\"}", RECORD_OTHER},
	    /* [tombstone] */
	    {"{\"recordName\":\"A\",\"recordType\":null,\"deleted\":true}",
		RECORD_TOMBSTONE},
	    {"{\"recordName\":\"A\",\"deleted\":true,"
	     "\"recordType\":\"CPLAsset\"}",
		RECORD_TOMBSTONE},
	    {"{\"recordName\":\"A\",\"serverErrorCode\":\"NOT_FOUND\","
	     "\"reason\":\"Record not found\"}",
		RECORD_ERROR},
	};
	static const char *const none[] = {"{}", "[]", "5", "\"A\"", "null",
	    "{\"recordName\":null}", "{\"recordName\":5}",
	    "{\"recordName\":\"\"}",
	    "{\"serverErrorCode\":\"RETRY_LATER\",\"reason\":\"busy\"}"};
	struct record r;
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(&r, cases[i].text, &e), 0);
		assert_int_equal(r.type, cases[i].type);
		assert_string_equal(r.name, "A");
		record_clear(&r);
	}
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		err_clear(&e);
		assert_int_equal(read_text(&r, none[i], &e), -1);
		assert_int_equal(e.code, ERR_PROTOCOL);
		record_clear(&r); /* harmless */
	}
}

static void
members(void **state)
{
	static const char text[] =
	    "{\"recordName\":\"A+/b\","
	    "\"recordType\":\"CPLMaster\",\"recordChangeTag\":\"1s2f\","
	    "\"created\":{\"timestamp\":1533040623320},"
	    "\"expirationTime\":1703456000,\"fields\":{}}";
	struct record r;

	(void)state;
	assert_int_equal(read_text(&r, text, NULL), 0);
	assert_string_equal(r.name, "A+/b");
	assert_string_equal(r.type_name, "CPLMaster");
	assert_string_equal(r.tag, "1s2f");
	assert_int_equal(r.created_ms, 1533040623320);
	assert_int_equal(r.expiration_s, 1703456000);
	assert_non_null(r.fields);
	assert_ptr_equal(r.raw.p, text);
	assert_int_equal(r.raw.len, strlen(text));
	record_clear(&r);
	assert_int_equal(read_text(&r,
			     "{\"recordName\":\"A\",\"recordType\":null,"
			     "\"recordChangeTag\":7,\"created\":\"x\","
			     "\"expirationTime\":null,\"fields\":[]}",
			     NULL),
	    0);
	assert_string_equal(r.type_name, "");
	assert_string_equal(r.tag, "");
	assert_int_equal(r.created_ms, 0);
	assert_int_equal(r.expiration_s, 0);
	assert_null(r.fields);
	assert_null(record_str(&r, "f"));
	record_clear(&r);
}

/* Links are secrets; all else is kept byte for byte. */
static void
kept_bytes(void **state)
{
	static const char text[] =
	    "{ \"recordName\":\"A\", \"fields\" : "
	    "{\"resOriginalRes\":{\"value\":{\"size\":1e0 ,"
	    "\"downloadURL\":\"https://secret/\\\"x\"}},"
	    "\"y\":{\"value\":{\"downloadURL\":\"https://s2\"}}}}";
	static const char kept[] =
	    "{ \"recordName\":\"A\", \"fields\" : "
	    "{\"resOriginalRes\":{\"value\":{\"size\":1e0 ,"
	    "\"downloadURL\":\"\"}},"
	    "\"y\":{\"value\":{\"downloadURL\":\"\"}}}}";
	struct record r;
	struct buf b = {0};

	(void)state;
	assert_int_equal(read_text(&r, text, NULL), 0);
	record_kept_bytes(&b, &r);
	assert_string_equal(buf_text(&b), kept);
	buf_clear(&b);
	record_clear(&r);
}

/* [record-typing]: any int64 is read whole, nothing is cast past its end. */
static void
ints(void **state)
{
	static const struct {
		const char *field;
		bool found;
		int64_t n;
	} cases[] = {
	    {"{\"value\":0,\"type\":\"INT64\"}", true, 0},
	    {"{\"value\":-63849600000,\"type\":\"TIMESTAMP\"}", true,
		-63849600000},
	    {"{\"value\":9223372036854775807}", true, INT64_MAX},
	    {"{\"value\":-9223372036854775808}", true, INT64_MIN},
	    {"{\"value\":9007199254740993}", true, 9007199254740993},
	    {"{\"value\": 86565489652000000 }", true, 86565489652000000},
	    {"{\"value\":9223372036854775808}", false, 0},
	    {"{\"value\":-9223372036854775809}", false, 0},
	    {"{\"value\":1e300}", false, 0},
	    {"{\"value\":-1e300}", false, 0},
	    {"{\"value\":1e999}", false, 0},
	    {"{\"value\":1e3}", true, 1000},
	    {"{\"value\":1533021744816.75}", true, 1533021744816},
	    {"{\"value\":-1.5}", true, -2},
	    {"{\"value\":\"42\"}", true, 42},
	    {"{\"value\":true}", true, 1},
	    {"{\"value\":false}", true, 0},
	    {"{\"value\":\"4x\"}", false, 0},
	    {"{\"value\":null,\"type\":\"INT64\"}", false, 0},
	    {"{\"type\":\"INT64\"}", false, 0},
	    {"{\"BADvalue\":1}", false, 0},
	    {"{\"value\":[1]}", false, 0},
	    {"{\"value\":{\"n\":1}}", false, 0},
	    {"{}", false, 0},
	    {"null", false, 0},
	    {"7", false, 0},
	    {"[7]", false, 0},
	};
	struct record r;
	int64_t n;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = with_field(&r, cases[i].field);
		n = 0;
		if (record_int(&n, &r, "f") != cases[i].found ||
		    n != cases[i].n)
			fail_msg("%s: %" PRId64, cases[i].field, n);
		assert_false(record_int(&n, &r, "none"));
		record_clear(&r);
		free(text);
	}
}

static void
doubles(void **state)
{
	struct record r;
	double d = 0;
	char *text;

	(void)state;
	text = with_field(&r, "{\"value\":-41.25}");
	assert_true(record_double(&d, &r, "f"));
	assert_true(d == -41.25);
	record_clear(&r);
	free(text);
	text = with_field(&r, "{\"value\":1e999}");
	assert_false(record_double(&d, &r, "f"));
	record_clear(&r);
	free(text);
	text = with_field(&r, "{\"value\":\"1\"}");
	assert_false(record_double(&d, &r, "f"));
	record_clear(&r);
	free(text);
}

static void
texts_and_names(void **state)
{
	struct record r;
	char *text;

	(void)state;
	text = with_field(&r, "{\"value\":\"public.jpeg\"}");
	assert_string_equal(record_str(&r, "f"), "public.jpeg");
	assert_null(record_ref(&r, "f"));
	record_clear(&r);
	free(text);
	text = with_field(&r,
	    "{\"value\":{\"recordName\":\"AQx+m/U\","
	    "\"action\":\"DELETE_SELF\"},\"type\":\"REFERENCE\"}");
	assert_string_equal(record_ref(&r, "f"), "AQx+m/U");
	assert_null(record_str(&r, "f"));
	record_clear(&r);
	free(text);
	text = with_field(&r, "{\"value\":{\"recordName\":\"\"}}");
	assert_null(record_ref(&r, "f"));
	record_clear(&r);
	free(text);
	text = with_field(&r, "{\"value\":{\"recordName\":5}}");
	assert_null(record_ref(&r, "f"));
	record_clear(&r);
	free(text);
}

/* [enc-decoding]; B052 */
static void
enc(void **state)
{
	static const struct {
		const char *field, *text; /* NULL: absent */
	} cases[] = {
	    {"{\"value\":\"SU1HXzAwMDEuSEVJQw==\","
	     "\"type\":\"ENCRYPTED_BYTES\"}",
		"IMG_0001.HEIC"},
	    /* Padding may be missing, blanks and both alphabets are fine. */
	    {"{\"value\":\"SU1HXzAwMDEuSEVJQw\","
	     "\"type\":\"ENCRYPTED_BYTES\"}",
		"IMG_0001.HEIC"},
	    {"{\"value\":\"SU1H\\nXzAw MDEuSEVJQw==\","
	     "\"type\":\"BYTES\"}",
		"IMG_0001.HEIC"},
	    {"{\"value\":\"fn4_Pn5-\",\"type\":\"ENCRYPTED_BYTES\"}", "~~?>~~"},
	    /* Plain by its type, even if it could be base64. */
	    {"{\"value\":\"IMG1234\",\"type\":\"STRING\"}", "IMG1234"},
	    {"{\"value\":\"IMG_7409.JPG\",\"type\":\"STRING\"}",
		"IMG_7409.JPG"},
	    /* Plain since it is no base64. */
	    {"{\"value\":\"IMG_1.JPG\",\"type\":\"ENCRYPTED_BYTES\"}",
		"IMG_1.JPG"},
	    {"{\"value\":\"\\u00e9t\\u00e9.heic\","
	     "\"type\":\"ENCRYPTED_BYTES\"}",
		"\xc3\xa9t\xc3\xa9.heic"},
	    /* Without a type. */
	    {"{\"value\":\"TXkgQWxidW0=\"}", "My Album"},
	    /* No UTF-8: FF FE 41; and a Latin-1 name. */
	    {"{\"value\":\"//5B\",\"type\":\"ENCRYPTED_BYTES\"}",
		"\xef\xbf\xbd\xef\xbf\xbd"
		"A"},
	    {"{\"value\":\"TW9udHLpYWwuanBn\","
	     "\"type\":\"ENCRYPTED_BYTES\"}",
		"Montr\xef\xbf\xbd"
		"al.jpg"},
	    /* NULs: none at the end, none that cuts the rest. */
	    {"{\"value\":\"YWIAAA==\",\"type\":\"ENCRYPTED_BYTES\"}", "ab"},
	    {"{\"value\":\"YQBiLkpQRw==\",\"type\":\"ENCRYPTED_BYTES\"}",
		"a_b.JPG"},
	    /* Decomposed text stays as it is. */
	    {"{\"value\":\"Sm/MiHJn\",\"type\":\"ENCRYPTED_BYTES\"}",
		"Jo\xcc\x88rg"},
	    {"{\"value\":\"\",\"type\":\"ENCRYPTED_BYTES\"}", NULL},
	    {"{\"value\":\"\",\"type\":\"STRING\"}", NULL},
	    {"{\"value\":\"AAAA\",\"type\":\"ENCRYPTED_BYTES\"}", NULL},
	    {"{\"value\":null,\"type\":\"ENCRYPTED_BYTES\"}", NULL},
	    {"{\"type\":\"ENCRYPTED_BYTES\"}", NULL},
	    {"{\"value\":7,\"type\":\"ENCRYPTED_BYTES\"}", NULL},
	    {"{\"value\":[\"YQ==\"]}", NULL},
	    {"null", NULL},
	};
	struct record r;
	struct buf b = {0};
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = with_field(&r, cases[i].field);
		buf_reset(&b);
		buf_adds(&b, ">");
		assert_int_equal(
		    record_text(&b, &r, "f"), cases[i].text != NULL);
		assert_string_equal(buf_text(&b) + 1,
		    cases[i].text != NULL ? cases[i].text : "");
		record_clear(&r);
		free(text);
	}
	buf_clear(&b);
}

static void
bytes(void **state)
{
	struct record r;
	struct buf b = {0};
	char *text;

	(void)state;
	text = with_field(
	    &r, "{\"value\":\"YnBsaXN0MDAA/w\",\"type\":\"ENCRYPTED_BYTES\"}");
	assert_true(record_bytes(&b, &r, "f"));
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "bplist00\0\xff", 10);
	record_clear(&r);
	free(text);
	buf_reset(&b);
	text = with_field(&r, "{\"value\":\"**\",\"type\":\"BYTES\"}");
	assert_false(record_bytes(&b, &r, "f"));
	record_clear(&r);
	free(text);
	text = with_field(&r, "{\"value\":\"abcd\",\"type\":\"STRING\"}");
	assert_false(record_bytes(&b, &r, "f"));
	assert_int_equal(b.len, 0);
	record_clear(&r);
	free(text);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(envelopes),
	    cmocka_unit_test(members),
	    cmocka_unit_test(kept_bytes),
	    cmocka_unit_test(ints),
	    cmocka_unit_test(doubles),
	    cmocka_unit_test(texts_and_names),
	    cmocka_unit_test(enc),
	    cmocka_unit_test(bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
