#include "test.h"

#include "verify.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* 60 files of 41 MB, all read and good. */
#define LOCAL \
	.files = 60, .bytes = 41000000, .checked = 60, .checked_bytes = 41000000
#define ALL     "Verified: all files (60, 41 MB) are as Apple holds them."
#define NOTHING " iCloud holds nothing that is not here."

struct row {
	const char *what;
	enum err_code stopped;
	struct verify_facts f;
	enum err_code code;
	const char *line;
	bool next;
};

static const struct row rows[] = {
    {"all is well", ERR_NONE, {LOCAL, .asked = true}, ERR_NONE, ALL NOTHING,
	false},
    {"not asked", ERR_NONE, {LOCAL}, ERR_NONE, ALL " iCloud was not asked.",
	false},
    /* what is known from before does not count then */
    {"not asked, and something is missing", ERR_NONE,
	{LOCAL, .missing = 4, .gaps = 2}, ERR_NONE,
	ALL " iCloud was not asked.", false},
    {"damage", ERR_NONE, {LOCAL, .damaged = 3, .asked = true}, ERR_INCOMPLETE,
	"Damage: 3 of 60 files are not as they should be." NOTHING, true},
    {"damage, not asked", ERR_NONE, {LOCAL, .damaged = 3}, ERR_INCOMPLETE,
	"Damage: 3 of 60 files are not as they should be. iCloud was not "
	"asked.",
	true},
    {"moved", ERR_NONE, {LOCAL, .damaged = 3, .moved = 1, .asked = true},
	ERR_INCOMPLETE,
	"Damage: 3 of 60 files are not as they should be. 1 of them has "
	"moved." NOTHING,
	true},
    {"nothing can be done", ERR_NONE,
	{LOCAL, .damaged = 2, .damaged_gone = 2, .asked = true}, ERR_INCOMPLETE,
	"Damage: 2 of 60 files are not as they should be. 2 of them have "
	"left iCloud and cannot be fetched." NOTHING,
	false},
    {"repaired", ERR_NONE, {LOCAL, .repaired = 12, .asked = true}, ERR_NONE,
	ALL " 12 files were repaired." NOTHING, false},
    {"repaired in part", ERR_NONE,
	{LOCAL, .damaged = 1, .repaired = 1, .asked = true}, ERR_INCOMPLETE,
	"Damage: 1 of 60 files are not as they should be. 1 file was "
	"repaired." NOTHING,
	true},
    {"never fetched", ERR_NONE, {LOCAL, .missing = 4, .asked = true},
	ERR_INCOMPLETE, ALL " 4 files that iCloud holds are not here.", true},
    {"left out", ERR_NONE, {LOCAL, .filtered = 4, .asked = true}, ERR_NONE,
	ALL " 4 files are left out by a filter. iCloud holds nothing else that "
	    "is not here.",
	false},
    {"left out, in part", ERR_NONE,
	{LOCAL, .filtered = 1, .missing = 4, .asked = true}, ERR_INCOMPLETE,
	ALL " 4 files that iCloud holds are not here. 1 file is left out by a "
	    "filter.",
	true},
    {"gaps, known or not", ERR_NONE, {LOCAL, .gaps = 1, .asked = true},
	ERR_INCOMPLETE, ALL " 1 gap (icloud-pull status --gaps).", false},
    {"notes", ERR_NONE,
	{LOCAL, .asked = true, .size_verified = 2, .gone_kept = 1, .strays = 7},
	ERR_NONE,
	ALL NOTHING " Of 2 only the size is Apple's word; the bytes are as "
		    "they were fetched. 1 file that has left iCloud is kept "
		    "here. 7 other files lie beside them (-v names them).",
	false},
    {"nothing here", ERR_NONE, {.asked = true}, ERR_NONE,
	"There are no files in the copy yet." NOTHING, false},
    {"a slice", ERR_NONE,
	{.files = 60,
	    .bytes = 41000000,
	    .checked = 3,
	    .checked_bytes = 2000,
	    .slice = true},
	ERR_NONE,
	"Checked: 3 of 60 files (2.0 kB); they are as Apple holds them.",
	false},
    {"a slice, damage known from before", ERR_NONE,
	{.files = 60,
	    .bytes = 41000000,
	    .checked = 3,
	    .checked_bytes = 2000,
	    .damaged = 1,
	    .slice = true},
	ERR_INCOMPLETE,
	"Damage: 1 of 60 files are not as they should be. 3 files were read "
	"now.",
	true},
    {"interrupted", ERR_INTERRUPTED,
	{.files = 60, .checked = 12, .damaged = 1, .missing = 5},
	ERR_INTERRUPTED,
	"Interrupted: 12 of 60 files were read; 1 known to be not as they "
	"should be.",
	false},
    {"the disk is gone", ERR_NOT_MOUNTED, {.files = 60, .checked = 12},
	ERR_NOT_MOUNTED,
	"Stopped: 12 of 60 files were read; 0 known to be not as they should "
	"be.",
	false},
    {"the disk is full", ERR_DISK_FULL, {LOCAL, .damaged = 1, .asked = true},
	ERR_DISK_FULL, NULL, false},
};

static void
says_how_it_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct verify_facts f = rows[i].f;
		struct verify_verdict v;

		f.stopped.code = rows[i].stopped;
		verify_verdict(&v, &f);
		if (v.code != rows[i].code)
			fail_msg("%s: code %d: %s", rows[i].what, (int)v.code,
			    v.line);
		if (rows[i].line != NULL && strcmp(v.line, rows[i].line) != 0)
			fail_msg("%s: %s", rows[i].what, v.line);
		if ((v.next[0] != '\0') != rows[i].next)
			fail_msg("%s: next: %s", rows[i].what, v.next);
		/* "Verified" is written only if all that is here is good. */
		if (strncmp(v.line, "Verified", 8) == 0)
			assert_int_equal(f.damaged, 0);
	}
}

static void
has_room_for_the_longest_line(void **state)
{
	const int64_t n = INT64_MAX;
	const struct verify_facts f = {.asked = true,
	    .files = n,
	    .bytes = n,
	    .checked = n,
	    .checked_bytes = n,
	    .damaged = n,
	    .moved = n,
	    .damaged_gone = n,
	    .repaired = n,
	    .missing = n,
	    .filtered = n,
	    .gaps = n,
	    .size_verified = n,
	    .gone_kept = n,
	    .strays = n};
	struct verify_verdict v;

	(void)state;
	verify_verdict(&v, &f);
	assert_string_equal(v.line + strlen(v.line) - 16, "(-v names them).");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_how_it_ended),
	    cmocka_unit_test(has_room_for_the_longest_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
