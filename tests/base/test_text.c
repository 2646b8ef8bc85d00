#include "test.h"

#include <inttypes.h>

#include "buf.h"
#include "text.h"

static void
encodes_base64(void **state)
{
	/* RFC 4648, section 10. */
	static const char *const table[][3] = {
	    {"", "", ""},
	    {"f", "Zg==", "Zg"},
	    {"fo", "Zm8=", "Zm8"},
	    {"foo", "Zm9v", "Zm9v"},
	    {"foob", "Zm9vYg==", "Zm9vYg"},
	    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
	    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	    {"\xfb\xff\xfe", "+//+", "-__-"},
	};
	struct buf b = {0};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		buf_reset(&b);
		text_base64(
		    &b, (const uint8_t *)table[i][0], strlen(table[i][0]));
		assert_string_equal(buf_text(&b), table[i][1]);
		buf_reset(&b);
		text_base64url(
		    &b, (const uint8_t *)table[i][0], strlen(table[i][0]));
		assert_string_equal(buf_text(&b), table[i][2]);
		for (j = 1; j <= 2; j++) {
			buf_reset(&b);
			assert_int_equal(
			    text_unbase64(&b, table[i][j], strlen(table[i][j])),
			    0);
			assert_string_equal(buf_text(&b), table[i][0]);
		}
	}
	buf_clear(&b);
}

static void
decodes_base64_as_it_comes(void **state)
{
	static const char *const good[][2] = {
	    {"Zm9v\nYmFy", "foobar"},
	    {"Zm9v\r\nYg==\n", "foob"},
	    {" Z g = = ", "f"},
	    {"Zg=", "f"},
	    {"Zh==", "f"}, /* bits that are left over */
	    {"+-/_", "\xfb\xef\xff"},
	    {" \n", ""},
	};
	static const char *const bad[] = {"Z", "Zm9vY", "Zm9v!",
	    "Zg==Zg==", "=",
	    "====", "Zm9v=", "Zm8==", "Zg===", "Z=g=", "Zm\x80v"};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_reset(&b);
		assert_int_equal(
		    text_unbase64(&b, good[i][0], strlen(good[i][0])), 0);
		assert_string_equal(buf_text(&b), good[i][1]);
	}
	buf_reset(&b);
	buf_adds(&b, "kept");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (text_unbase64(&b, bad[i], strlen(bad[i])) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(buf_text(&b), "kept");
	}
	assert_int_equal(text_unbase64(&b, "Zm\0v", 4), -1);
	buf_clear(&b);
}

static void
writes_and_reads_hex(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x1f, 0xa0, 0xff};
	static const char *const bad[] = {
	    "", "001fa0f", "001fa0fff", "001fa0fg", "001fa0f ", "0x1fa0ff"};
	uint8_t back[4];
	char hex[9];
	size_t i;

	(void)state;
	text_hex(hex, bytes, 4);
	assert_string_equal(hex, "001fa0ff");
	assert_int_equal(text_unhex(back, 4, "001FA0ff"), 0);
	assert_memory_equal(back, bytes, 4);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_unhex(back, 4, bad[i]), -1);
	text_hex(hex, bytes, 0);
	assert_string_equal(hex, "");
	assert_int_equal(text_unhex(back, 0, ""), 0);
}

static void
writes_base32(void **state)
{
	char out[17];

	(void)state;
	/* RFC 4648, section 10, without its padding. */
	text_base32(out, 1, (const uint8_t *)"f", 1);
	assert_string_equal(out, "m");
	text_base32(out, 8, (const uint8_t *)"fooba", 5);
	assert_string_equal(out, "mzxw6ytb");
	text_base32(out, 8, (const uint8_t *)"\xff\xff\xff\xff\xff", 5);
	assert_string_equal(out, "77777777");
	text_base32(out, 4, (const uint8_t *)"foo", 3);
	assert_string_equal(out, "mzxw");
	text_base32(out, 0, (const uint8_t *)"f", 1);
	assert_string_equal(out, "");
}

static void
tells_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
	    {"plain", NULL},
	    {"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80", NULL},
	    {"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf \xef\xbf\xbf", NULL},
	    /* The examples of Unicode, tables 3-8 to 3-11; "?" is U+FFFD. */
	    {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "????????A"},
	    {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "????????A"},
	    {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "?????A??B"},
	    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "????A"},
	    {"\xe3\x81", "?"},
	    {"\xf0\x9f\x98", "?"},
	    {"a\xc3", "a?"},
	    {"\xf5\x80\x80\x80", "????"},
	};
	struct buf b = {0}, expected = {0};
	const char *p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(text_is_utf8(table[i].in, strlen(table[i].in)),
		    table[i].out == NULL);
		buf_reset(&b);
		buf_reset(&expected);
		text_utf8(&b, table[i].in, strlen(table[i].in));
		p = table[i].out != NULL ? table[i].out : table[i].in;
		for (; *p != '\0'; p++)
			if (*p == '?')
				buf_adds(&expected, "\xef\xbf\xbd");
			else
				buf_addc(&expected, *p);
		assert_string_equal(buf_text(&b), buf_text(&expected));
		assert_true(text_is_utf8(b.data, b.len));
	}
	buf_reset(&b);
	text_utf8(&b, "a\0b\0\0", 5);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 3);
	assert_true(text_is_utf8("a\0b", 3));
	assert_true(text_is_utf8("", 0));
	buf_clear(&b);
	buf_clear(&expected);
}

static void
utf8_of(char out[5], unsigned cp)
{
	int n = 0;

	if (cp < 0x80) {
		out[n++] = (char)cp;
	} else if (cp < 0x800) {
		out[n++] = (char)(0xc0 | cp >> 6);
		out[n++] = (char)(0x80 | (cp & 63));
	} else if (cp < 0x10000) {
		out[n++] = (char)(0xe0 | cp >> 12);
		out[n++] = (char)(0x80 | (cp >> 6 & 63));
		out[n++] = (char)(0x80 | (cp & 63));
	} else {
		out[n++] = (char)(0xf0 | cp >> 18);
		out[n++] = (char)(0x80 | (cp >> 12 & 63));
		out[n++] = (char)(0x80 | (cp >> 6 & 63));
		out[n++] = (char)(0x80 | (cp & 63));
	}
	out[n] = '\0';
}

static void
folds_names(void **state)
{
	static const char *const same[][2] = {
	    {"Caf\xc3\xa9", "CAFE\xcc\x81"},
	    {"STRASSE",
		"stra\xc3\x9f"
		"e"},
	    {"IMG_0001.HEIC", "img_0001.heic"},
	    {"\xce\xa3", "\xcf\x82"}, /* both sigmas */
	    /* U+0345 before U+0301 and behind: canonically equal. */
	    {"\xce\xb1\xcd\x85\xcc\x81", "\xce\xb1\xcc\x81\xcd\x85"},
	    {"\xe2\x84\xab", "a\xcc\x8a"}, /* Angstrom sign */
	};
	char *a, *b, one[5];
	unsigned cp;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		a = text_fold(same[i][0]);
		b = text_fold(same[i][1]);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	a = text_nfc("CAFE\xcc\x81");
	assert_string_equal(a, "CAF\xc3\x89");
	free(a);
	a = text_nfc("bad \xff");
	assert_string_equal(a, "bad \xff");
	free(a);
	a = text_fold("BAD \xff");
	assert_string_equal(a, "BAD \xff");
	free(a);
	/* A key is its own key, of every character there is. */
	for (cp = 1; cp <= 0x10ffff; cp += cp < 0x30000 ? 1 : 97) {
		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		utf8_of(one, cp);
		a = text_fold(one);
		b = text_fold(a);
		assert_string_equal(a, b);
		free(b);
		b = text_nfc(a);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
}

static void
shows_nothing_raw(void **state)
{
	/* raw, where UTF-8 is shown, and where ASCII alone is (the same: NULL) */
	static const char *const table[][3] = {
	    {"plain \\ Caf\xc3\xa9", "plain \\ Caf\xc3\xa9",
		"plain \\ Caf\\u{00e9}"},
	    /* U+00DB ends in the byte by which a terminal of 8 bits takes an
	     * order; the rest is beside it, of 3 and 4 bytes */
	    {"\xc3\x9b \xe5\x81\x87 \xf0\x9f\x8f\x96",
		"\xc3\x9b \xe5\x81\x87 \xf0\x9f\x8f\x96",
		"\\u{00db} \\u{5047} \\u{1f3d6}"},
	    {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
	    {"a\r\n\tb\x7f", "a\\x0d\\x0a\\x09b\\x7f"},
	    {"\xc2\x80\xc2\x9b"
	     "31m\xc2\x9f\xc2\xa0",
		"\\u{0080}\\u{009b}31m\\u{009f}\xc2\xa0",
		"\\u{0080}\\u{009b}31m\\u{009f}\\u{00a0}"},
	    {"\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xac\xe2\x80\xac"
	     "\xe2\x80\xaf",
		"\xe2\x80\xa9\\u{202a}\\u{202e}\\u{202c}\\u{202c}"
		"\xe2\x80\xaf",
		"\\u{2029}\\u{202a}\\u{202e}\\u{202c}\\u{202c}\\u{202f}"},
	    {"\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
		"\\u{2066}\\u{2069}\xe2\x81\xaa",
		"\\u{2066}\\u{2069}\\u{206a}"},
	    {"\x9b\xff\xe3\x81", "\\x9b\\xff\\xe3\\x81"},
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	};
	struct buf b = {0};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		buf_reset(&b);
		text_printable(&b, table[i][0], strlen(table[i][0]), false);
		assert_string_equal(buf_text(&b), table[i][1]);
		buf_reset(&b);
		text_printable(&b, table[i][0], strlen(table[i][0]), true);
		assert_string_equal(buf_text(&b),
		    table[i][2] != NULL ? table[i][2] : table[i][1]);
	}
	buf_reset(&b);
	text_printable(&b, "a\0b", 3, false);
	assert_string_equal(buf_text(&b), "a\\x00b");
	for (i = 0; i < 256; i++) {
		char c = (char)i;

		buf_reset(&b);
		text_printable(&b, &c, 1, i % 2 == 0);
		for (j = 0; j < b.len; j++)
			assert_in_range(b.data[j], 0x20, 0x7e);
	}
	buf_clear(&b);
}

static void
takes_characters_one_by_one(void **state)
{
	static const struct {
		const char *text;
		size_t n, len;
		uint32_t cp;
	} table[] = {
	    {"a", 1, 1, 'a'},
	    {"\0", 1, 1, 0},
	    {"\xc3\xa9z", 3, 2, 0xe9},
	    {"\xe5\x81\x87", 3, 3, 0x5047},
	    {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
	    /* none: as many bytes as are a beginning of one */
	    {"\xc3", 1, 1, UINT32_MAX},
	    {"\xe5\x81", 2, 2, UINT32_MAX},
	    {"\xe5\x81z", 3, 2, UINT32_MAX},
	    {"\x80\x80", 2, 1, UINT32_MAX},
	    {"\xf4\x90\x80\x80", 4, 1, UINT32_MAX},
	};
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
		    text_next(&cp, table[i].text, table[i].n), table[i].len);
		assert_int_equal(cp, table[i].cp);
	}
}

/* By the order of POSIX, 8.2: the first that is set and not empty. */
static void
knows_a_locale_of_utf8(void **state)
{
	static const struct {
		const char *lc_all, *lc_ctype, *lang;
		bool is;
	} table[] = {
	    {NULL, NULL, NULL, false},
	    {"", "", "", false},
	    {NULL, NULL, "de_DE.UTF-8", true},
	    {NULL, NULL, "de_DE.utf8", true},
	    {NULL, NULL, "C.UTF-8", true},
	    {NULL, NULL, "ca_ES.UTF-8@valencia", true},
	    {NULL, "UTF-8", NULL, true}, /* of a Mac */
	    {NULL, NULL, "de_DE", false},
	    {NULL, NULL, "de_DE@euro", false},
	    {NULL, NULL, "ja_JP.eucJP", false},
	    {NULL, NULL, "POSIX", false},
	    {"C", "de_DE.UTF-8", "de_DE.UTF-8", false},
	    {"", "C", "de_DE.UTF-8", false},
	    {"", "", "de_DE.UTF-8", true},
	    {"de_DE.UTF-8", "C", "C", true},
	    {NULL, "de_DE.UTF-8", "C", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (text_is_utf8_locale(table[i].lc_all, table[i].lc_ctype,
			table[i].lang) != table[i].is)
			fail_msg("row %zu", i);
}

static void
reads_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max, value;
		int rc;
	} table[] = {
	    {"0", 0, 9, 0, 0},
	    {"-0", 0, 9, 0, 0},
	    {"007", 0, 9, 7, 0},
	    {"9", 0, 9, 9, 0},
	    {"10", 0, 9, 0, -1},
	    {"-1", 0, 9, 0, -1},
	    {"-1", -1, 9, -1, 0},
	    {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, 0},
	    {"9223372036854775808", INT64_MIN, INT64_MAX, 0, -1},
	    {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, 0},
	    {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, -1},
	    {"99999999999999999999999", INT64_MIN, INT64_MAX, 0, -1},
	    {"", 0, 9, 0, -1},
	    {"-", -9, 9, 0, -1},
	    {"+1", 0, 9, 0, -1},
	    {" 1", 0, 9, 0, -1},
	    {"1 ", 0, 9, 0, -1},
	    {"1.0", 0, 9, 0, -1},
	    {"0x1", 0, 9, 0, -1},
	    {"--1", -9, 9, 0, -1},
	};
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		v = 77;
		assert_int_equal(
		    text_int(&v, table[i].text, table[i].min, table[i].max),
		    table[i].rc);
		assert_int_equal(v, table[i].rc == 0 ? table[i].value : 77);
	}
}

static void
reads_bytes(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} table[] = {
	    {"0", 0},
	    {"500", 500},
	    {"64k", 64000},
	    {"64K", 64000},
	    {"1.5M", 1500000},
	    {"2G", 2000000000},
	    {"0.5T", 500000000000},
	    {"1.234k", 1234},
	    {"9223372036854775807", INT64_MAX},
	    {"9223372.036854775807T", INT64_MAX},
	    {"9223372.036854775808T", -1},
	    {"9223373T", -1},
	    {"1.2345k", -1},
	    {"1.5", -1},
	    {"1.k", -1},
	    {".5k", -1},
	    {"k", -1},
	    {"", -1},
	    {"-1k", -1},
	    {"1kk", -1},
	    {"1 k", -1},
	    {"1kB", -1},
	    {"1e3", -1},
	    {"1.5.5M", -1},
	};
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		v = -1;
		if (text_bytes(&v, table[i].text) !=
		    (table[i].value == -1 ? -1 : 0))
			fail_msg("%s", table[i].text);
		assert_int_equal(v, table[i].value);
	}
}

static void
writes_for_people(void **state)
{
	static const struct {
		int64_t n;
		const char *size, *count, *span;
	} table[] = {
	    {0, "0 bytes", "0", "0 s"},
	    {1, "1 byte", "1", "0 s"},
	    {87, "87 bytes", "87", "0 s"},
	    {999, "999 bytes", "999", "0 s"},
	    {1000, "1.0 kB", "1,000", "1 s"},
	    {9949, "9.9 kB", "9,949", "9 s"},
	    {9950, "10 kB", "9,950", "9 s"},
	    {45000, "45 kB", "45,000", "45 s"},
	    {60000, "60 kB", "60,000", "1 min"},
	    {412330, "412 kB", "412,330", "6 min 52 s"},
	    {999499, "999 kB", "999,499", "16 min 39 s"},
	    {999500, "1.0 MB", "999,500", "16 min 39 s"},
	    {3600000, "3.6 MB", "3,600,000", "1 h"},
	    {11520000, "12 MB", "11,520,000", "3 h 12 min"},
	    {183600000, "184 MB", "183,600,000", "2 d 3 h"},
	    {INT64_C(1900000000000), "1.9 TB", "1,900,000,000,000",
		"21990 d 17 h"},
	    {INT64_MAX, "9.2 EB", "9,223,372,036,854,775,807",
		"106751991167 d 7 h"},
	    {INT64_MIN, "-9.2 EB", "-9,223,372,036,854,775,808", "0 s"},
	    {-1500, "-1.5 kB", "-1,500", "0 s"},
	};
	struct buf counted = {0};
	char out[32];
	size_t i;

	(void)state;
	text_add_count(&counted, 1, "file", "files");
	text_add_count(&counted, 1204, " file", " files");
	assert_string_equal(buf_text(&counted), "1 file1,204  files");
	buf_clear(&counted);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_string_equal(text_size(out, table[i].n), table[i].size);
		assert_string_equal(
		    text_count(out, table[i].n), table[i].count);
		assert_string_equal(text_span(out, table[i].n), table[i].span);
	}
}

static void
cuts_between_characters(void **state)
{
	static const struct {
		const char *text;
		size_t max, n;
	} table[] = {
	    {"", 0, 0},
	    {"abc", 3, 3},
	    {"abc", 2, 2},
	    {"abc", 0, 0},
	    {"a\xc3\xa4", 3, 3},
	    {"a\xc3\xa4", 2, 1},
	    {"\xf0\x9f\x98\x80", 4, 4},
	    {"\xf0\x9f\x98\x80", 3, 0},
	    {"\xf0\x9f\x98\x80x", 4, 4},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(
		    text_cut(table[i].text, table[i].max), table[i].n);
}

static void
tells_blank_text(void **state)
{
	static const char *const blank[] = {"", " ", "\t\n", "\xc2\xa0",
	    "\xe3\x80\x80", "\xe2\x80\x8b\xe2\x80\x8d", "\xef\xbb\xbf",
	    "\xe2\x80\xae \xe2\x81\xa9", "\xe3\x85\xa4", "\xef\xb8\x8f",
	    "\xe2\xa0\x80", "\xef\xbf\xbd", "\xff\xfe"};
	static const char *const seen[] = {"a", " a ", "_", "\xe5\x81\x87",
	    "\xf0\x9f\x8f\x96\xef\xb8\x8f", "\xe2\x80\xaegpj", "-"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(blank) / sizeof(blank[0]); i++)
		if (!text_is_blank(blank[i]))
			fail_msg("row %zu is blank", i);
	for (i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		if (text_is_blank(seen[i]))
			fail_msg("row %zu is seen", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cuts_between_characters),
	    cmocka_unit_test(encodes_base64),
	    cmocka_unit_test(decodes_base64_as_it_comes),
	    cmocka_unit_test(writes_and_reads_hex),
	    cmocka_unit_test(writes_base32),
	    cmocka_unit_test(tells_utf8),
	    cmocka_unit_test(folds_names),
	    cmocka_unit_test(shows_nothing_raw),
	    cmocka_unit_test(takes_characters_one_by_one),
	    cmocka_unit_test(knows_a_locale_of_utf8),
	    cmocka_unit_test(reads_whole_numbers),
	    cmocka_unit_test(reads_bytes),
	    cmocka_unit_test(writes_for_people),
	    cmocka_unit_test(tells_blank_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
