#include "test.h"

#include <math.h>
#include <plist/plist.h>

#include "buf.h"
#include "details.h"
#include "json.h"
#include "record.h"
#include "text.h"

/* What the fields of an asset say, base64 and all. */

static char *
make(struct record *r, const char *type, const char *fields)
{
	char *text = xasprintf("{\"recordName\":\"R\",\"recordType\":\"%s\","
			       "\"fields\":{%s}}",
	    type, fields);
	struct json_span span;

	assert_int_equal(json_span_all(&span, text, strlen(text), NULL), 0);
	assert_int_equal(record_read(r, span, NULL), 0);
	return text;
}

/* "name":{"value":"<base64>","type":"ENCRYPTED_BYTES"} */
static char *
field(const char *name, const void *bytes, size_t len)
{
	struct buf b64 = {0};
	char *text;

	text_base64(&b64, bytes, len);
	text =
	    xasprintf("\"%s\":{\"value\":\"%s\",\"type\":\"ENCRYPTED_BYTES\"}",
		name, buf_text(&b64));
	buf_clear(&b64);
	return text;
}

static void
read_fields(struct details *d, const char *fields)
{
	struct record r;
	char *text = make(&r, "CPLAsset", fields);

	details_read(d, &r, NULL);
	record_clear(&r);
	free(text);
}

/* One field that holds these bytes. */
static void
read_one(struct details *d, const char *name, const void *bytes, size_t len)
{
	char *text = field(name, bytes, len);

	read_fields(d, text);
	free(text);
}

static plist_t
somewhere(double lat, double lon)
{
	plist_t dict = plist_new_dict();

	plist_dict_set_item(dict, "lat", plist_new_real(lat));
	plist_dict_set_item(dict, "lon", plist_new_real(lon));
	plist_dict_set_item(dict, "alt", plist_new_real(12.5));
	plist_dict_set_item(dict, "horzAcc", plist_new_uint(5));
	plist_dict_set_item(dict, "speed", plist_new_real(-1));
	plist_dict_set_item(dict, "timestamp", plist_new_date(700000000, 0));
	return dict;
}

/* As property list, binary or XML. */
static void
read_list(struct details *d, const char *name, plist_t list, bool xml)
{
	char *bytes = NULL;
	uint32_t len = 0;

	if (xml)
		plist_to_xml(list, &bytes, &len);
	else
		plist_to_bin(list, &bytes, &len);
	read_one(d, name, bytes, len);
	free(bytes);
	plist_free(list);
}

static bool
close_to(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* B107: both forms, and what is none of them. */
static void
places(void **state)
{
	struct details d;

	(void)state;
	for (int xml = 0; xml < 2; xml++) {
		read_list(&d, "locationEnc", somewhere(46.5, -7.25), xml);
		assert_true(d.place.present);
		assert_true(close_to(d.place.latitude, 46.5));
		assert_true(close_to(d.place.longitude, -7.25));
		assert_true(d.place.has_altitude);
		assert_true(close_to(d.place.altitude_m, 12.5));
		assert_true(d.place.has_accuracy);
		assert_true(close_to(d.place.accuracy_m, 5));
		/* -1 means that it is not known. */
		assert_false(d.place.has_speed);
		assert_false(d.place.has_course);
		assert_true(d.place.has_time);
		assert_int_equal(
		    d.place.time_ms, (INT64_C(978307200) + 700000000) * 1000);
		details_clear(&d);
	}
	read_list(&d, "locationEnc", somewhere(91, 0), false);
	assert_false(d.place.present);
	details_clear(&d);
	read_list(&d, "locationEnc", somewhere(0, NAN), false);
	assert_false(d.place.present);
	details_clear(&d);
}

/* Without a list that can be read, the numbers beside it. */
static void
places_by_numbers(void **state)
{
	struct details d;

	(void)state;
	read_fields(&d,
	    "\"locationEnc\":{\"value\":\"anVuaw==\","
	    "\"type\":\"ENCRYPTED_BYTES\"},"
	    "\"locationLatitude\":{\"value\":12.5},"
	    "\"locationLongitude\":{\"value\":-7}");
	assert_true(d.place.present);
	assert_true(close_to(d.place.latitude, 12.5));
	assert_true(close_to(d.place.longitude, -7));
	assert_false(d.place.has_altitude);
	details_clear(&d);
	read_fields(&d, "\"locationLatitude\":{\"value\":12.5}");
	assert_false(d.place.present);
	details_clear(&d);
	read_fields(&d,
	    "\"locationLatitude\":{\"value\":12.5},"
	    "\"locationLongitude\":{\"value\":181}");
	assert_false(d.place.present);
	details_clear(&d);
}

/* B063: what the camera has written, whatever date iCloud goes by. */
static void
camera_dates(void **state)
{
	static const struct {
		const char *given, *date;
	} table[] = {
	    {"2021:09:29 12:00:01", "2021-09-29T12:00:01"},
	    {"0000:00:00 00:00:00", NULL},
	    {"2021-09-29 12:00:01", NULL},
	    {"2021:09:29 12:00:01.5", NULL},
	    {"2021:09:29", NULL},
	    {"    :  :     :  :  ", NULL},
	    {"", NULL},
	};
	struct record asset, master;
	struct details d;
	plist_t list, group;
	char *bytes, *text, *a, *m;
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		list = plist_new_dict();
		group = plist_new_dict();
		plist_dict_set_item(group, "DateTimeOriginal",
		    plist_new_string(table[i].given));
		plist_dict_set_item(list, "PixelWidth", plist_new_uint(7));
		plist_dict_set_item(list, "{Exif}", group);
		bytes = NULL;
		plist_to_bin(list, &bytes, &len);
		text = field("mediaMetaDataEnc", bytes, len);
		a = make(&asset, "CPLAsset", "");
		m = make(&master, "CPLMaster", text);
		details_read(&d, &asset, &master);
		if (table[i].date == NULL)
			assert_null(d.camera);
		else
			assert_string_equal(d.camera, table[i].date);
		details_clear(&d);
		record_clear(&asset);
		record_clear(&master);
		free(a);
		free(m);
		free(text);
		free(bytes);
		plist_free(list);
	}
}

static void
kinds(void **state)
{
	static const struct {
		int first, second;
		const char *kind;
	} table[] = {
	    {0, 0, NULL},
	    {1, 0, "panorama"},
	    {100, 0, "slow-motion"},
	    {101, 101, "time-lapse"},
	    {0, 101, "time-lapse"},
	    {0, 2, "live"},
	    {0, 3, "screenshot"},
	    {7, 7, NULL},
	};
	struct details d;
	char *fields;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fields = xasprintf("\"assetSubtype\":{\"value\":%d},"
				   "\"assetSubtypeV2\":{\"value\":%d}",
		    table[i].first, table[i].second);
		read_fields(&d, fields);
		if (table[i].kind == NULL)
			assert_null(d.kind);
		else
			assert_string_equal(d.kind, table[i].kind);
		details_clear(&d);
		free(fields);
	}
}

static void
what_is_no_list(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} table[] = {
	    {"", 0},
	    {"junk", 4},
	    {"bplist00", 8},
	    {"bplist00\xd1\x01\x02", 11},
	    {"<?xml version=\"1.0\"?><plist><dict><key>lat", 42},
	    {"<plist><array></array></plist>", 30},
	    {"{\"lat\":1}", 9},
	};
	struct details d;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		read_one(&d, "locationEnc", table[i].bytes, table[i].len);
		assert_false(d.place.present);
		details_clear(&d);
		read_one(&d, "keywordsEnc", table[i].bytes, table[i].len);
		assert_int_equal(d.nkeywords, 0);
		details_clear(&d);
	}
}

static void
keywords(void **state)
{
	plist_t list = plist_new_array();
	struct details d;

	(void)state;
	plist_array_append_item(list, plist_new_string("Meer"));
	plist_array_append_item(list, plist_new_uint(3));
	plist_array_append_item(list, plist_new_string("\xe6\xb5\xb7"));
	read_list(&d, "keywordsEnc", list, false);
	assert_int_equal(d.nkeywords, 2);
	assert_string_equal(d.keywords[0], "Meer");
	assert_string_equal(d.keywords[1], "\xe6\xb5\xb7");
	details_clear(&d);
	/* An empty list occurs. */
	read_list(&d, "keywordsEnc", plist_new_array(), false);
	assert_int_equal(d.nkeywords, 0);
	details_clear(&d);
}

/* Deep, wide, and 20 pairs that are a million values. */
static void
bombs(void **state)
{
	struct buf list = {0};
	struct details d;
	plist_t deep = plist_new_array(), inner;
	uint8_t trailer[32] = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++) {
		inner = plist_new_array();
		plist_array_append_item(inner, deep);
		deep = inner;
	}
	read_list(&d, "keywordsEnc", deep, false);
	assert_int_equal(d.nkeywords, 0);
	details_clear(&d);

	/* Object i is an array of object i + 1, twice. */
	buf_adds(&list, "bplist00");
	for (i = 0; i < 30; i++) {
		uint8_t pair[3] = {0xa2, (uint8_t)(i + 1), (uint8_t)(i + 1)};
		buf_add(&list, pair, sizeof(pair));
	}
	buf_add(&list, "\x51x", 2);
	for (i = 0; i < 31; i++) {
		uint8_t at = (uint8_t)(8 + 3 * i);
		buf_add(&list, &at, 1);
	}
	trailer[6] = trailer[7] = 1;
	trailer[15] = 31;
	trailer[31] = (uint8_t)(8 + 3 * 30 + 2);
	buf_add(&list, trailer, sizeof(trailer));
	read_one(&d, "keywordsEnc", list.data, list.len);
	assert_int_equal(d.nkeywords, 0);
	details_clear(&d);
	buf_clear(&list);

	/* Too large to be looked at. */
	for (i = 0; i < 300000; i++)
		buf_addc(&list, i < 7 ? "<plist>"[i] : ' ');
	read_one(&d, "locationEnc", list.data, list.len);
	assert_false(d.place.present);
	details_clear(&d);
	buf_clear(&list);
}

static void
words_and_numbers(void **state)
{
	struct record asset, master;
	struct details d;
	char *a, *m;

	(void)state;
	a = make(&asset, "CPLAsset",
	    "\"captionEnc\":{\"value\":\"VGl0ZWw=\","
	    "\"type\":\"ENCRYPTED_BYTES\"},"
	    "\"extendedDescEnc\":{\"value\":\"plain\",\"type\":\"STRING\"},"
	    "\"timeZoneNameEnc\":{\"value\":\"RXVyb3BlL1JvbWU=\","
	    "\"type\":\"ENCRYPTED_BYTES\"},"
	    "\"adjustmentType\":{\"value\":\"com.apple.photo\"},"
	    "\"burstId\":{\"value\":\"B\"},\"duration\":{\"value\":1500},"
	    "\"assetSubtype\":{\"value\":100},\"orientation\":{\"value\":6}");
	m = make(&master, "CPLMaster",
	    "\"originalCreationDate\":{\"value\":-86400000}");
	details_read(&d, &asset, &master);
	assert_string_equal(d.title, "Titel");
	assert_string_equal(d.caption, "plain");
	assert_string_equal(d.time_zone, "Europe/Rome");
	assert_string_equal(d.adjustment, "com.apple.photo");
	assert_string_equal(d.burst, "B");
	assert_int_equal(d.duration_ms, 1500);
	assert_int_equal(d.subtype, 100);
	assert_string_equal(d.kind, "slow-motion");
	assert_null(d.camera);
	assert_true(d.has_orientation);
	assert_int_equal(d.orientation, 6);
	assert_true(d.has_created);
	assert_int_equal(d.created_ms, -86400000);
	details_clear(&d);
	record_clear(&asset);
	record_clear(&master);
	free(a);
	free(m);

	read_fields(&d, "");
	assert_null(d.title);
	assert_null(d.caption);
	assert_null(d.kind);
	assert_int_equal(d.nkeywords, 0);
	assert_false(d.has_orientation);
	assert_false(d.has_created);
	details_clear(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places),
	    cmocka_unit_test(places_by_numbers),
	    cmocka_unit_test(camera_dates),
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(what_is_no_list),
	    cmocka_unit_test(keywords),
	    cmocka_unit_test(bombs),
	    cmocka_unit_test(words_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
