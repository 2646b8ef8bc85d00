#include "test.h"

#include "buf.h"
#include "xmp.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* What stands between the tags of an element; the caller frees. */
static char *
element(const struct xmp *x, const char *name)
{
	struct buf b = {0};
	char open[64], close[64], *at, *end, *text = NULL;

	snprintf(open, sizeof(open), "<%s>", name);
	snprintf(close, sizeof(close), "</%s>", name);
	xmp_write(&b, x);
	at = strstr(b.data, open);
	if (at != NULL) {
		at += strlen(open);
		end = strstr(at, close);
		assert_non_null(end);
		text = xstrndup(at, (size_t)(end - at));
		assert_null(strstr(end, open));
	}
	buf_clear(&b);
	return text;
}

static void
assert_element(const struct xmp *x, const char *name, const char *wanted)
{
	char *text = element(x, name);

	if (wanted == NULL)
		assert_null(text);
	else {
		assert_non_null(text);
		assert_string_equal(text, wanted);
	}
	free(text);
}

static void
whole_packet(void **state)
{
	static const char *const words[] = {"family", "lake"};
	const struct xmp x = {.title = "T",
	    .caption = "C",
	    .keywords = words,
	    .nkeywords = 2,
	    .has_place = true,
	    .latitude = 43.76983,
	    .longitude = -11.25,
	    .has_altitude = true,
	    .altitude_m = -1.5,
	    .has_taken = true,
	    .has_offset = true,
	    .taken_ms = INT64_C(1722427200250),
	    .offset_s = 7200,
	    .favourite = true};
	static const char wanted[] =
	    "<?xpacket begin=\"\xef\xbb\xbf\""
	    " id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
	    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
	    " <rdf:RDF"
	    " xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
	    "  <rdf:Description rdf:about=\"\"\n"
	    "    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
	    "    xmlns:digiKam=\"http://www.digikam.org/ns/1.0/\"\n"
	    "    xmlns:exif=\"http://ns.adobe.com/exif/1.0/\"\n"
	    "    xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\"\n"
	    "    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\">\n"
	    "   <dc:title>\n    <rdf:Alt>\n"
	    "     <rdf:li xml:lang=\"x-default\">T</rdf:li>\n"
	    "    </rdf:Alt>\n   </dc:title>\n"
	    "   <dc:description>\n    <rdf:Alt>\n"
	    "     <rdf:li xml:lang=\"x-default\">C</rdf:li>\n"
	    "    </rdf:Alt>\n   </dc:description>\n"
	    "   <dc:subject>\n    <rdf:Bag>\n"
	    "     <rdf:li>family</rdf:li>\n     <rdf:li>lake</rdf:li>\n"
	    "    </rdf:Bag>\n   </dc:subject>\n"
	    "   <digiKam:TagsList>\n    <rdf:Seq>\n"
	    "     <rdf:li>family</rdf:li>\n     <rdf:li>lake</rdf:li>\n"
	    "    </rdf:Seq>\n   </digiKam:TagsList>\n"
	    "   <exif:GPSLatitude>43,46.189800N</exif:GPSLatitude>\n"
	    "   <exif:GPSLongitude>11,15.000000W</exif:GPSLongitude>\n"
	    "   <exif:GPSAltitude>1500/1000</exif:GPSAltitude>\n"
	    "   <exif:GPSAltitudeRef>1</exif:GPSAltitudeRef>\n"
	    "   <exif:DateTimeOriginal>2024-07-31T14:00:00.250+02:00"
	    "</exif:DateTimeOriginal>\n"
	    "   <photoshop:DateCreated>2024-07-31T14:00:00.250+02:00"
	    "</photoshop:DateCreated>\n"
	    "   <xmp:CreateDate>2024-07-31T14:00:00.250+02:00"
	    "</xmp:CreateDate>\n"
	    "   <xmp:Rating>5</xmp:Rating>\n"
	    "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
	    "<?xpacket end=\"w\"?>\n";
	struct buf b = {0};

	(void)state;
	xmp_write(&b, &x);
	assert_string_equal(buf_text(&b), wanted);
	buf_clear(&b);
}

static void
leaves_out_what_is_not_known(void **state)
{
	static const char *const none[] = {"", " \t\n", "\x01"};
	const struct xmp x = {.title = "",
	    .caption = "\x02\x03 ",
	    .keywords = none,
	    .nkeywords = LEN(none)};
	static const char *const names[] = {"dc:title", "dc:description",
	    "dc:subject", "digiKam:TagsList", "exif:GPSLatitude",
	    "exif:GPSLongitude", "exif:GPSAltitude", "exif:DateTimeOriginal",
	    "photoshop:DateCreated", "xmp:CreateDate", "xmp:Rating"};

	(void)state;
	for (size_t i = 0; i < LEN(names); i++)
		assert_element(&x, names[i], NULL);
}

#define TITLE(text)                                                  \
	"\n    <rdf:Alt>\n     <rdf:li xml:lang=\"x-default\">" text \
	"</rdf:li>\n    </rdf:Alt>\n   "

static void
escapes_texts(void **state)
{
	static const struct {
		const char *text, *wanted;
	} table[] = {
	    {"a<b>&\"c\"]]>", TITLE("a&lt;b&gt;&amp;\"c\"]]&gt;")},
	    {"</rdf:li>", TITLE("&lt;/rdf:li&gt;")},
	    {"two\nlines\t.\r", TITLE("two\nlines\t.&#13;")},
	    {"a\x01\x1f\x0b"
	     "b",
		TITLE("ab")},
	    {"\xef\xbf\xbe\xef\xbf\xbf!", TITLE("!")},
	    {"\xff\xc3", TITLE("\xef\xbf\xbd\xef\xbf\xbd")},
	    {"\xed\xa0\x80", TITLE("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")},
	    {"\xf0\x9f\x93\xb7 \xc3\xa4", TITLE("\xf0\x9f\x93\xb7 \xc3\xa4")},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct xmp x = {.title = table[i].text};

		assert_element(&x, "dc:title", table[i].wanted);
	}
}

static void
keywords_count_once(void **state)
{
	static const char *const words[] = {"b", "a", "b", "\x01", "a\x02"};
	const struct xmp x = {.keywords = words, .nkeywords = LEN(words)};

	(void)state;
	assert_element(&x, "dc:subject",
	    "\n    <rdf:Bag>\n     <rdf:li>b</rdf:li>\n"
	    "     <rdf:li>a</rdf:li>\n    </rdf:Bag>\n   ");
}

static void
places(void **state)
{
	static const struct {
		double latitude, longitude;
		const char *lat, *lon;
	} table[] = {
	    {0, 0, "0,00.000000N", "0,00.000000E"},
	    {-0.0, -1e-12, "0,00.000000N", "0,00.000000E"},
	    {90, 180, "90,00.000000N", "180,00.000000E"},
	    {-90, -180, "90,00.000000S", "180,00.000000W"},
	    {1e-7, -1e-7, "0,00.000006N", "0,00.000006W"},
	    {59.99999999999, 9.9999999999, "60,00.000000N", "10,00.000000E"},
	    {-33.8567844, 151.2152967, "33,51.407064S", "151,12.917802E"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct xmp x = {.has_place = true,
		    .latitude = table[i].latitude,
		    .longitude = table[i].longitude};

		assert_element(&x, "exif:GPSLatitude", table[i].lat);
		assert_element(&x, "exif:GPSLongitude", table[i].lon);
		assert_element(&x, "exif:GPSAltitude", NULL);
	}
}

static void
heights(void **state)
{
	static const struct {
		double m;
		const char *wanted, *ref;
	} table[] = {
	    {0, "0/1000", "0"},
	    {8848.8601, "8848860/1000", "0"},
	    {-430.5, "430500/1000", "1"},
	    {1e300, NULL, NULL},
	    {-1e7, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct xmp x = {.has_place = true,
		    .has_altitude = true,
		    .altitude_m = table[i].m};

		assert_element(&x, "exif:GPSAltitude", table[i].wanted);
		assert_element(&x, "exif:GPSAltitudeRef", table[i].ref);
	}
}

static void
dates(void **state)
{
	static const struct {
		int64_t ms;
		int offset_s; /* -1: none */
		const char *wanted;
	} table[] = {
	    {0, -1, "1970-01-01T00:00:00Z"},
	    {0, 0, "1970-01-01T00:00:00+00:00"},
	    {-1, -1, "1969-12-31T23:59:59.999Z"},
	    {INT64_C(-14182980000), -14400, "1969-07-20T16:17:00-04:00"},
	    {INT64_C(1722427200000), 20700, "2024-07-31T17:45:00+05:45"},
	    /* Of old, with seconds: the moment stays. */
	    {INT64_C(-3000000000000), 1172, "1874-12-07T18:59:00+00:19"},
	    {INT64_C(-5364662400000), -1, "1800-01-01T00:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct xmp x = {.has_taken = true,
		    .taken_ms = table[i].ms,
		    .has_offset = table[i].offset_s != -1,
		    .offset_s = table[i].offset_s};

		assert_element(&x, "exif:DateTimeOriginal", table[i].wanted);
		assert_element(&x, "photoshop:DateCreated", table[i].wanted);
		assert_element(&x, "xmp:CreateDate", table[i].wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_packet),
	    cmocka_unit_test(leaves_out_what_is_not_known),
	    cmocka_unit_test(escapes_texts),
	    cmocka_unit_test(keywords_count_once),
	    cmocka_unit_test(places),
	    cmocka_unit_test(heights),
	    cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
