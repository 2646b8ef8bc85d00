#include "test.h"

#include "store.h"
#include "verdict.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* 2,000 assets with 3,990 files, of which so many are not here; open gaps, so
 * many of them new, each about one of those files. */
#define LACKS(n, all, new)                                                    \
	{                                                                     \
		.assets = 2000, .resources = 3990, .held = 3990 - (n),        \
		.held_bytes = 41000000, .proven = 3990 - (n), .missing = (n), \
		.missing_bytes = 1900, .gaps = (all), .gaps_new = (new),      \
		.gap_contents = (all)                                         \
	}
#define FULL LACKS(0, 0, 0)
#define KEPT " What is here is kept; the next run goes on from there."
#define HERE \
	"2,000 photos and videos in iCloud, 3,990 files of them here (41 MB)"

struct row {
	const char *what;
	struct store_totals totals;
	enum err_code stopped;
	int64_t filtered;
	bool dry_run, strict, not_listed;
	enum err_code code;
	const char *line; /* NULL: not looked at */
};

/* Of what a filter has left out. */
#define FILTERED_BYTES 1500

static const struct row rows[] = {
    {"all is here", FULL, ERR_NONE, 0, false, false, false, ERR_NONE,
	"Complete: " HERE ", all proven."},
    {"one of each", {.assets = 1, .resources = 1, .held = 1, .held_bytes = 1},
	ERR_NONE, 0, false, false, false, ERR_NONE,
	"Complete: 1 photo or video in iCloud, 1 file of them here (1 byte), "
	"all proven."},
    {"empty library", {0}, ERR_NONE, 0, false, false, false, ERR_NONE, NULL},
    /* B040: a kind that cannot be computed is said, not hidden */
    {"size only",
	{.assets = 2000,
	    .resources = 3990,
	    .held = 3990,
	    .held_bytes = 41000000,
	    .proven = 3989,
	    .size_verified = 1},
	ERR_NONE, 0, false, false, false, ERR_NONE,
	"Complete: " HERE ", 1 file verified by size only."},
    {"something is missing", LACKS(3, 0, 0), ERR_NONE, 0, false, false, false,
	ERR_INCOMPLETE,
	"Incomplete: 2,000 photos and videos in iCloud, 3,987 files of them "
	"here (41 MB); 3 files missing (1.9 kB)."},
    /* a gap fails once, then it is known (design, "Known gaps") */
    {"new gap", LACKS(1, 1, 1), ERR_NONE, 0, false, false, false,
	ERR_INCOMPLETE,
	"Incomplete: 2,000 photos and videos in iCloud, 3,989 files of them "
	"here (41 MB); 1 file missing (1.9 kB). 1 new gap."},
    {"known gap", LACKS(1, 1, 0), ERR_NONE, 0, false, false, false, ERR_NONE,
	"Complete: 2,000 photos and videos in iCloud, 3,989 files of them here "
	"(41 MB), all proven. 1 known gap (icloud-pull status --gaps)."},
    {"known gap, strict", LACKS(1, 1, 0), ERR_NONE, 0, false, true, false,
	ERR_INCOMPLETE, NULL},
    /* B014: an asset without an original is a gap without a content */
    {"gap of no file",
	{.assets = 2000,
	    .resources = 3990,
	    .held = 3990,
	    .held_bytes = 41000000,
	    .proven = 3990,
	    .gaps = 1,
	    .gaps_new = 1},
	ERR_NONE, 0, false, false, false, ERR_INCOMPLETE,
	"Incomplete: " HERE ". 1 new gap."},
    {"more missing than gaps explain", LACKS(2, 1, 0), ERR_NONE, 0, false,
	false, false, ERR_INCOMPLETE, NULL},
    {"old and new", LACKS(3, 3, 1), ERR_NONE, 0, false, false, false,
	ERR_INCOMPLETE,
	"Incomplete: 2,000 photos and videos in iCloud, 3,987 files of them "
	"here (41 MB); 3 files missing (1.9 kB). 1 new gap. 2 known gaps "
	"(icloud-pull status --gaps)."},
    /* a filter narrows what is fetched, and is said */
    {"filtered", LACKS(5, 0, 0), ERR_NONE, 5, false, false, false, ERR_NONE,
	"Complete as filtered: 2,000 photos and videos in iCloud, 3,985 files "
	"of them here (41 MB), all proven. 5 files left out by a filter."},
    {"filtered, and one missing", LACKS(6, 0, 0), ERR_NONE, 5, false, false,
	false, ERR_INCOMPLETE,
	"Incomplete: 2,000 photos and videos in iCloud, 3,984 files of them "
	"here (41 MB); 1 file missing (400 bytes). 5 files left out by a "
	"filter."},
    {"dry run", {.assets = 2000, .resources = 3990, .missing = 3990}, ERR_NONE,
	0, true, false, false, ERR_NONE,
	"Nothing was fetched (dry run): 2,000 photos and videos in iCloud, 0 "
	"files of them here (0 bytes)."},
    {"dry run, not listed", LACKS(1, 0, 0), ERR_NONE, 0, true, false, true,
	ERR_INCOMPLETE, NULL},
    /* B003, B013: a list that ends early is never complete */
    {"not listed", FULL, ERR_NONE, 0, false, false, true, ERR_INCOMPLETE,
	"Incomplete: " HERE "; the list is not complete."},
    /* what stopped the run decides, if it is more urgent */
    {"network", FULL, ERR_NETWORK, 0, false, false, true, ERR_NETWORK,
	"Incomplete: " HERE "; the list is not complete."},
    {"throttled", LACKS(1, 0, 0), ERR_THROTTLED, 0, false, false, false,
	ERR_THROTTLED, NULL},
    {"disk full", LACKS(1, 0, 0), ERR_DISK_FULL, 0, false, false, false,
	ERR_DISK_FULL, NULL},
    {"password", LACKS(1, 1, 1), ERR_PASSWORD, 0, false, false, true,
	ERR_PASSWORD, NULL},
    {"not understood", LACKS(1, 0, 0), ERR_PROTOCOL, 0, false, false, true,
	ERR_PROTOCOL, NULL},
    {"alarm", LACKS(1, 0, 0), ERR_ALARM, 0, false, false, false, ERR_ALARM,
	NULL},
    {"interrupted", LACKS(1, 0, 0), ERR_INTERRUPTED, 0, false, false, true,
	ERR_INTERRUPTED,
	"Interrupted: 2,000 photos and videos in iCloud, 3,989 files of them "
	"here (41 MB); 1 file missing (1.9 kB); the list is not "
	"complete." KEPT},
    {"interrupted at the end", FULL, ERR_INTERRUPTED, 0, false, false, false,
	ERR_INTERRUPTED, "Interrupted: " HERE "." KEPT},
    /* B036: known damage is no success of any night, whatever else is well */
    {"damaged",
	{.assets = 2000,
	    .resources = 3990,
	    .held = 3988,
	    .held_bytes = 41000000,
	    .proven = 3988,
	    .damaged = 2},
	ERR_NONE, 0, false, false, false, ERR_INCOMPLETE,
	"Incomplete: 2,000 photos and videos in iCloud, 3,988 files of them "
	"here (41 MB); 2 files damaged (icloud-pull verify --repair)."},
    {"incomplete by word", FULL, ERR_INCOMPLETE, 0, false, false, false,
	ERR_INCOMPLETE, NULL},
};

#define COMPARED_MS INT64_C(1700000000000)
#define AGREED      " The list agreed with iCloud's index on 2023-11-14."

/* The line of a table, with what is said of a comparison that agreed. */
static bool
is_line(const struct verdict *v, const char *line)
{
	char with[600];

	snprintf(with, sizeof(with), "%s%s", line,
	    v->code == ERR_NONE ? AGREED : "");
	return strcmp(v->line, with) == 0;
}

static void
says_how_a_run_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct store_totals *t = &rows[i].totals;
		const struct verdict_facts f = {.totals = t,
		    .stopped = {.code = rows[i].stopped, .wait_ms = -1},
		    .filtered = rows[i].filtered,
		    .filtered_bytes = rows[i].filtered > 0 ? FILTERED_BYTES : 0,
		    .open = t->missing - rows[i].filtered - t->gap_contents,
		    .dry_run = rows[i].dry_run,
		    .strict = rows[i].strict,
		    .listed_all = !rows[i].not_listed,
		    .compared_ms = COMPARED_MS,
		    .agrees = true};
		struct verdict v;

		verdict_make(&v, &f);
		if (v.code != rows[i].code)
			fail_msg("%s: code %d: %s", rows[i].what, (int)v.code,
			    v.line);
		if (rows[i].line != NULL && !is_line(&v, rows[i].line))
			fail_msg("%s: %s", rows[i].what, v.line);
		/* "Complete" is written if and only if it is. */
		if (!rows[i].dry_run &&
		    (strncmp(v.line, "Complete", 8) == 0) !=
			(v.code == ERR_NONE))
			fail_msg("%s: %s", rows[i].what, v.line);
	}
}

/* A known gap that the filter leaves out as well explains one file, not two. */
static void
what_is_left_out_explains_itself(void **state)
{
	const struct store_totals one = LACKS(5, 1, 0), two = LACKS(6, 1, 0);
	struct verdict_facts f = {.totals = &one,
	    .filtered = 5,
	    .filtered_bytes = FILTERED_BYTES,
	    .listed_all = true,
	    .compared_ms = COMPARED_MS,
	    .agrees = true};
	struct verdict v;

	(void)state;
	verdict_make(&v, &f);
	assert_int_equal(v.code, ERR_NONE);
	assert_true(is_line(&v,
	    "Complete as filtered: 2,000 photos and videos in iCloud, 3,985 "
	    "files of them here (41 MB), all proven. 5 files left out by a "
	    "filter. 1 known gap (icloud-pull status --gaps)."));
	f.totals = &two;
	f.open = 1;
	verdict_make(&v, &f);
	assert_int_equal(v.code, ERR_INCOMPLETE);
	assert_string_equal(v.line,
	    "Incomplete: 2,000 photos and videos in iCloud, 3,984 files of "
	    "them here (41 MB); 1 file missing (400 bytes). 5 files left out "
	    "by a filter. 1 known gap (icloud-pull status --gaps).");
}

/* What the number of photos rests on. */
static void
says_how_old_the_proof_is(void **state)
{
	static const struct store_totals full = FULL, lacks = LACKS(1, 0, 0);
	struct verdict_facts f = {.totals = &full,
	    .listed_all = true,
	    .compared_ms = COMPARED_MS,
	    .agrees = true};
	struct verdict v;

	(void)state;
	verdict_make(&v, &f);
	assert_string_equal(v.line, "Complete: " HERE ", all proven." AGREED);
	/* A difference is no failure of itself: what is missing is a gap. */
	f.agrees = false;
	verdict_make(&v, &f);
	assert_int_equal(v.code, ERR_NONE);
	assert_string_equal(v.line,
	    "Complete: " HERE ", all proven. The list differed from iCloud's "
	    "index on 2023-11-14 (icloud-pull status --gaps).");
	f.agrees = true;
	f.compared_ms = 0;
	verdict_make(&v, &f);
	assert_int_equal(v.code, ERR_NONE);
	assert_string_equal(v.line,
	    "Complete: " HERE ", all proven. The list was never compared with "
	    "iCloud's index.");
	/* Who has other worries hears of this only if it is one. */
	f.totals = &lacks;
	f.open = 1;
	verdict_make(&v, &f);
	assert_null(strstr(v.line, "index"));
	f.compared_ms = COMPARED_MS;
	f.agrees = false;
	verdict_make(&v, &f);
	assert_non_null(strstr(v.line, "differed"));
}

/* Over all facts: whatever lacks an explanation is never exit 0. */
static void
never_calls_a_gap_complete(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1U << 10; bits++) {
		const struct store_totals t = {.assets = 9,
		    .resources = 9,
		    .missing = (bits & 3) + (bits >> 2 & 3),
		    .gap_contents = bits >> 2 & 3,
		    .damaged = bits >> 9 & 1,
		    .gaps = (bits >> 2 & 3) + (bits >> 4 & 1),
		    .gaps_new = bits >> 4 & 1};
		const struct verdict_facts f = {.totals = &t,
		    .open = bits & 3,
		    .stopped = {.code =
				    (bits >> 5 & 1) != 0 ? ERR_DISK : ERR_NONE},
		    .listed_all = (bits >> 6 & 1) != 0,
		    .strict = (bits >> 7 & 1) != 0,
		    .dry_run = (bits >> 8 & 1) != 0};
		bool bad = f.stopped.code != ERR_NONE || !f.listed_all ||
		    t.gaps_new > 0 || t.damaged > 0 ||
		    (f.strict && t.gaps > 0) || (!f.dry_run && f.open > 0);
		struct verdict v;

		verdict_make(&v, &f);
		assert_int_equal(v.code != ERR_NONE, bad);
		if (f.stopped.code != ERR_NONE)
			assert_int_equal(v.code, ERR_DISK);
	}
}

static void
has_room_for_the_longest_line(void **state)
{
	const struct store_totals t = {.assets = INT64_MAX,
	    .resources = INT64_MAX,
	    .held = INT64_MAX,
	    .held_bytes = INT64_MAX,
	    .size_verified = INT64_MAX,
	    .missing = INT64_MAX,
	    .missing_bytes = INT64_MAX,
	    .damaged = INT64_MAX,
	    .gaps = INT64_MAX,
	    .gaps_new = 2};
	const struct verdict_facts f = {.totals = &t,
	    .filtered = 2,
	    .strict = true,
	    .compared_ms = INT64_MAX};
	struct verdict v;

	(void)state;
	verdict_make(&v, &f);
	assert_string_equal(
	    v.line + strlen(v.line) - 28, "(icloud-pull status --gaps).");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_how_a_run_ended),
	    cmocka_unit_test(what_is_left_out_explains_itself),
	    cmocka_unit_test(says_how_old_the_proof_is),
	    cmocka_unit_test(never_calls_a_gap_complete),
	    cmocka_unit_test(has_room_for_the_longest_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
