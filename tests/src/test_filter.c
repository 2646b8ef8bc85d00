#include "test.h"

#include "asset.h"
#include "filter.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#define HEIC "public.heic"
#define MOV  "com.apple.quicktime-movie"
#define DNG  "com.adobe.raw-image"
#define AAE  "com.apple.photos.apple-adjustment-envelope"

/* What each kind leaves out, of a Live Photo with an edit, of both ways round
 * of RAW and JPEG, of a RAW alone, of a video with an edit. */
static void
kinds_of_files(void **state)
{
	static const struct {
		const char *what;
		enum resource_role role;
		const char *uti, *original;
		unsigned kinds; /* by each of these it is left out */
	} rows[] = {
	    {"photo", RESOURCE_ORIGINAL, HEIC, HEIC, 0},
	    {"its movie", RESOURCE_LIVE, MOV, HEIC, FILTER_LIVE},
	    {"its edit", RESOURCE_EDITED, "public.jpeg", HEIC, FILTER_EDITED},
	    {"its edited movie", RESOURCE_EDITED_VIDEO, MOV, HEIC,
		FILTER_EDITED | FILTER_LIVE},
	    {"its sidecar", RESOURCE_SIDECAR, AAE, HEIC, 0},
	    {"movie of a RAW", RESOURCE_EDITED_VIDEO, MOV, DNG,
		FILTER_EDITED | FILTER_LIVE},
	    {"RAW twin", RESOURCE_ALTERNATIVE, DNG, "public.jpeg", FILTER_RAW},
	    {"the JPEG beside it", RESOURCE_ORIGINAL, "public.jpeg",
		"public.jpeg", 0},
	    {"RAW", RESOURCE_ORIGINAL, DNG, DNG, FILTER_RAW},
	    {"its JPEG twin", RESOURCE_ALTERNATIVE, "public.jpeg", DNG, 0},
	    {"RAW of a new camera", RESOURCE_ORIGINAL, "com.new.x9-Raw-Image",
		"com.new.x9-Raw-Image", FILTER_RAW},
	    {"video", RESOURCE_ORIGINAL, MOV, MOV, FILTER_VIDEO},
	    {"its edit", RESOURCE_EDITED_VIDEO, MOV, MOV,
		FILTER_EDITED | FILTER_VIDEO},
	    {"its edited frame", RESOURCE_EDITED, "public.jpeg", MOV,
		FILTER_EDITED | FILTER_VIDEO},
	    {"its sidecar", RESOURCE_SIDECAR, AAE, MOV, FILTER_VIDEO},
	    {"video in another box", RESOURCE_ORIGINAL, "PUBLIC.MPEG-4",
		"PUBLIC.MPEG-4", FILTER_VIDEO},
	    /* what is unknown is fetched */
	    {"unknown", RESOURCE_ORIGINAL, "com.future.thing",
		"com.future.thing", 0},
	    {"no type", RESOURCE_ORIGINAL, NULL, NULL, 0},
	    {"edited movie of what is unknown", RESOURCE_EDITED_VIDEO, MOV,
		"com.future.thing", FILTER_EDITED},
	    {"movie of what is unknown", RESOURCE_LIVE, MOV, NULL, FILTER_LIVE},
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		for (unsigned kinds = 0; kinds < 16; kinds++)
			if (filter_skips(kinds, (int)rows[i].role, rows[i].uti,
				rows[i].original) !=
			    ((kinds & rows[i].kinds) != 0))
				fail_msg("%s: kinds %#x", rows[i].what, kinds);
}

/* B018: one name in two folders, each by its path. */
static void
names_of_albums(void **state)
{
	static const struct {
		const char *name, *path;
		bool means;
	} rows[] = {
	    {"Holidays", "Holidays", true},
	    {"holidays", "Holidays", true},
	    {"Holiday", "Holidays", false},
	    {"days", "Holidays", false},
	    {"2024", "Trips/2024", true},
	    {"2024", "Trips/Europe/2024", true},
	    {"Trips/2024", "Trips/2024", true},
	    {"Trips/2024", "Trips/Europe/2024", false},
	    {"Europe/2024", "Trips/Europe/2024", true},
	    {"/2024", "2024", true},
	    {"/2024", "Trips/2024", false},
	    {"/Trips/2024", "Trips/2024", true},
	    {"Trips", "Trips/2024", false},
	    /* composed and decomposed are one */
	    {"J\xc3\xb6rg", "Jo\xcc\x88rg", true},
	    {"j\xc3\x96RG", "Jo\xcc\x88rg", true},
	    /* a title may have a "/" of its own */
	    {"AC/DC", "Music/AC/DC", true},
	    {"/", "AC", false},
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		if (filter_means(rows[i].name, rows[i].path) != rows[i].means)
			fail_msg("%s, %s", rows[i].name, rows[i].path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_of_files),
	    cmocka_unit_test(names_of_albums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
