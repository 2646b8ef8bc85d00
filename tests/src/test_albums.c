#include "test.h"

#include "albums.h"
#include "text.h"

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define E3  "\xe5\x81\x87" /* one character of three bytes */

static void
names_of_folders(void **state)
{
	static const struct {
		const char *title, *out;
	} table[] = {
	    {"Holidays", "Holidays"},
	    /* B018: a title is one name and no path */
	    {"Trips/2024", "Trips_2024"},
	    {"..", "_"},
	    {".hidden", "_hidden"},
	    {"A\\B:C", "A_B_C"},
	    {"J\x6f\xcc\x88rg", "J\xc3\xb6rg"},
	    {"con", "_con"},
	    {"ends. ", "ends"},
	    {"tab\there", "tab_here"},
	    {"\xf0\x9f\x8f\x96", "\xf0\x9f\x8f\x96"},
	    /* nothing to see */
	    {NULL, "559aead08264"},
	    {"", "559aead08264"},
	    {" ", "559aead08264"},
	    {"\xe2\x80\x8b", "559aead08264"},
	    {"\xff", "559aead08264"},
	};
	char out[201];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		albums_name(out, 200, table[i].title, "A");
		assert_string_equal(out, table[i].out);
	}
}

static void
long_names_are_cut_on_a_character(void **state)
{
	char out[201];

	(void)state;
	albums_name(out, 200, A50 A50 A50 A50 A50, "A");
	assert_string_equal(out, A50 A50 A50 A50);
	albums_name(out, 14, "123456789012" E3, "A");
	assert_string_equal(out, "123456789012");
	albums_name(out, 12, NULL, "A");
	assert_string_equal(out, "559aead08264");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_folders),
	    cmocka_unit_test(long_names_are_cut_on_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
