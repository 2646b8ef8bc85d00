#include "test.h"

#include "json.h"
#include "zone.h"

static void
kinds(void **state)
{
	(void)state;
	assert_int_equal(zone_kind("PrimarySync"), ZONE_PRIMARY);
	assert_int_equal(zone_kind("SharedSync-D1EFE9A6"), ZONE_SHARED);
	assert_int_equal(zone_kind("CMM-1"), ZONE_LINK);
	assert_int_equal(
	    zone_kind("AppLibrarySync-com.apple.GenerativePlayground-1"),
	    ZONE_OTHER);
	assert_int_equal(zone_kind("SharedSync"), ZONE_OTHER);
	assert_int_equal(zone_kind("primarysync"), ZONE_OTHER);
	assert_int_equal(zone_kind(""), ZONE_OTHER);
	assert_string_equal(database_name(DATABASE_PRIVATE), "private");
	assert_string_equal(database_name(DATABASE_SHARED), "shared");
}

static int
from_text(struct zone_id *out, enum database database, const char *text)
{
	cJSON *json = json_parse(text, strlen(text), NULL);
	int rc = zone_id_read(out, database, json);

	cJSON_Delete(json);
	return rc;
}

/* [zone-id]: what was listed goes back whole. */
static void
there_and_back(void **state)
{
	static const char whole[] =
	    "{\"zoneName\":\"SharedSync-1\","
	    "\"ownerRecordName\":\"_01\",\"zoneType\":\"REGULAR_CUSTOM_ZONE\"}";
	static const char bare[] = "{\"zoneName\":\"PrimarySync\"}";
	struct zone_id a, b;
	cJSON *json;
	char *text;

	(void)state;
	assert_int_equal(from_text(&a, DATABASE_SHARED, whole), 0);
	assert_int_equal(a.database, DATABASE_SHARED);
	zone_id_copy(&b, &a);
	json = zone_id_json(&b);
	text = cJSON_PrintUnformatted(json);
	assert_string_equal(text, whole);
	cJSON_free(text);
	cJSON_Delete(json);
	assert_true(zone_id_equal(&a, &b));
	free(b.type);
	b.type = NULL;
	assert_true(zone_id_equal(&a, &b));
	b.database = DATABASE_PRIVATE;
	assert_false(zone_id_equal(&a, &b));
	b.database = DATABASE_SHARED;
	b.owner[1] = '9';
	assert_false(zone_id_equal(&a, &b));
	free(b.owner);
	b.owner = NULL;
	assert_false(zone_id_equal(&a, &b));
	zone_id_clear(&b);
	zone_id_clear(&b);
	zone_id_clear(&a);

	assert_int_equal(from_text(&a, DATABASE_PRIVATE, bare), 0);
	json = zone_id_json(&a);
	text = cJSON_PrintUnformatted(json);
	assert_string_equal(text, bare);
	cJSON_free(text);
	cJSON_Delete(json);
	zone_id_clear(&a);
}

static void
no_zone(void **state)
{
	static const char *const none[] = {"{}", "[]", "null", "\"x\"",
	    "{\"zoneName\":null}", "{\"zoneName\":7}", "{\"zoneName\":\"\"}"};
	struct zone_id z;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(from_text(&z, DATABASE_PRIVATE, none[i]), -1);
		zone_id_clear(&z);
	}
	assert_int_equal(zone_id_read(&z, DATABASE_PRIVATE, NULL), -1);
	zone_id_clear(&z);
	/* Odd owners and types are absent ones. */
	assert_int_equal(from_text(&z, DATABASE_PRIVATE,
			     "{\"zoneName\":\"A\",\"ownerRecordName\":1,"
			     "\"zoneType\":\"\"}"),
	    0);
	assert_null(z.owner);
	assert_null(z.type);
	zone_id_clear(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(no_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
