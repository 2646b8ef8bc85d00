#include "bench.h"

/* Names: docs/design.md, "Names", and cases.md. */

static char *
suffixed(struct bench *b, const char *format, const char *bytes)
{
	char suffix[33];

	text_base32(suffix, 32, thing(b, bytes)->checksum + 1, 20);
	suffix[8] = '\0';
	return xasprintf(format, suffix); /* NOLINT */
}

static void
assert_suffixed(struct bench *b, const char *format, const char *suffix_of,
    const char *bytes)
{
	char *path = suffixed(b, format, suffix_of);

	assert_file(b, path, bytes);
	free(path);
}

/* B042, B043: equal names and sizes, other bytes. */
static void
same_name_gets_a_suffix(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.HEIC", "one", 2000);
	put_photo(&b, "A2", "IMG_1.HEIC", "two", 1000);
	assert_int_equal(fetch_all(&b), 2);
	assert_file(&b, "2024/07/IMG_1.HEIC", "one");
	assert_suffixed(&b, "2024/07/IMG_1-%s.HEIC", "two", "two");
	assert_int_equal(b.placed, 2);
	assert_sums(&b, 2);
	assert_sound(&b);
	bench_done(&b);
}

/* Two stems are one if equal after NFC and case folding, on every volume. */
static void
folded_names_are_one(void **state)
{
	static const struct {
		const char *first, *second, *pattern;
	} table[] = {
	    {"IMG_1.JPG", "img_1.JPG", "2024/07/img_1-%s.JPG"},
	    {"IMG_1.JPG", "IMG_1.jpg", "2024/07/IMG_1-%s.jpg"},
	    {"Jo\xcc\x88rg.JPG", "J\xc3\xb6rg.JPG",
		"2024/07/J\xc3\xb6rg-%s.JPG"},
	    {"STRASSE.JPG",
		"Stra\xc3\x9f"
		"e.JPG",
		"2024/07/Stra\xc3\x9f"
		"e-%s.JPG"},
	    /* Turkish letters, both sigmas, the long s, Kelvin's sign. */
	    {"\xc4\xb0zmir.JPG", "i\xcc\x87zmir.JPG",
		"2024/07/i\xcc\x87zmir-%s.JPG"},
	    {"\xce\x9f\xce\xa3.JPG", "\xce\xbf\xcf\x82.JPG",
		"2024/07/\xce\xbf\xcf\x82-%s.JPG"},
	    {"Slu\xc5\xbf.JPG", "slus.JPG", "2024/07/slus-%s.JPG"},
	    {"10\xe2\x84\xaa.JPG", "10k.JPG", "2024/07/10k-%s.JPG"},
	    /* Other extensions, still two assets: stems stay apart. */
	    {"IMG_1.JPG", "IMG_1.PNG", "2024/07/IMG_1-%s.PNG"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bench b;

		bench_start(&b);
		put_photo(&b, "A1", table[i].first, "one", 2000);
		put_photo(&b, "A2", table[i].second, "two", 1000);
		assert_int_equal(fetch_all(&b), 2);
		assert_suffixed(&b, table[i].pattern, "two", "two");
		assert_sound(&b);
		bench_done(&b);
	}
}

static void
put_pair(struct bench *b, const char *name, const char *filename,
    const char *still, const char *movie, int64_t added)
{
	struct store_resource r[2] = {
	    resource(0, thing(b, still)), resource(LIVE_ROLE, thing(b, movie))};
	char master[64];

	snprintf(master, sizeof(master), "M%s", name);
	put_master(b, master, "t1", filename, r, 2);
	put_asset(b, name, "t1", master,
	    (struct store_asset){.has_added = true, .added_ms = added});
}

/* B045: both halves of a pair share one stem, whichever comes first. */
static void
pairs_stay_together(void **state)
{
	struct bench b;
	struct store_want w[4];
	size_t n, i;

	(void)state;
	bench_start(&b);
	put_pair(&b, "A1", "FullSizeRender.HEIC", "s1", "m1", 2000);
	put_pair(&b, "A2", "FullSizeRender.HEIC", "s2", "m2", 1000);
	must(store_wants(w, 4, &n, b.s, &no_filter, NOW, e));
	assert_int_equal(n, 4);
	for (i = 4; i > 0; i--) {
		free(fetch_one(&b, &w[i - 1]));
		store_want_clear(&w[i - 1]);
	}
	must(store_flush(b.s, e));
	/* The last came first, so A2 has the plain stem. */
	assert_file(&b, "2024/07/FullSizeRender.HEIC", "s2");
	assert_file(&b, "2024/07/FullSizeRender.MOV", "m2");
	bench_done(&b);
}

/* B068: the movie comes a night later. */
static void
a_movie_of_a_later_night_joins(void **state)
{
	struct bench b;
	struct store_resource r[2];

	(void)state;
	bench_start(&b);
	put_photo(&b, "A0", "IMG_1.HEIC", "other", 3000);
	r[0] = resource(0, thing(&b, "still"));
	put_master(&b, "M1", "t1", "IMG_1.HEIC", r, 1);
	put_asset(&b, "A1", "t1", "M1", (struct store_asset){.month = 0});
	assert_int_equal(fetch_all(&b), 2);
	bench_end(&b);
	bench_begin(&b);
	r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
	put_master(&b, "M1", "t2", "IMG_1.HEIC", r, 2);
	assert_int_equal(fetch_all(&b), 1);
	assert_suffixed(&b, "2024/07/IMG_1-%s.HEIC", "still", "still");
	assert_suffixed(&b, "2024/07/IMG_1-%s.MOV", "still", "movie");
	assert_sums(&b, 3);
	bench_done(&b);
}

/* B064: RAW and JPEG, and two that would have one path. */
static void
raw_twin(void **state)
{
	struct bench b;
	struct store_resource r[2];

	(void)state;
	bench_start(&b);
	r[0] = resource(0, thing(&b, "jpeg"));
	r[1] = resource(ALT_ROLE, thing(&b, "raw"));
	/* wish() gives both the file name's extension. */
	put_master(&b, "M1", "t1", "IMG_1.JPG", r, 2);
	put_asset(&b, "A1", "t1", "M1", (struct store_asset){.month = 0});
	assert_int_equal(fetch_all(&b), 2);
	assert_file(&b, "2024/07/IMG_1.JPG", "jpeg");
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "raw", "raw");
	/* That stem is reserved, too. */
	assert_int_equal(ask(&b, "SELECT count(*) FROM stem"), 2);
	assert_sound(&b);
	bench_done(&b);
}

static void
put_edit(struct bench *b, const char *name, const char *tag, const char *master,
    const char *still, const char *video)
{
	struct store_resource r[2];
	size_t n = 0;

	if (still != NULL)
		r[n++] = resource(EDIT_ROLE, thing(b, still));
	if (video != NULL)
		r[n++] = resource(EDIT_VIDEO_ROLE, thing(b, video));
	put_asset(
	    b, name, tag, master, (struct store_asset){.res = r, .nres = n});
}

/* B041: two of one name, both edited: four files in two pairs. */
static void
edits_of_namesakes(void **state)
{
	struct bench b;
	struct store_resource r;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "o1"));
	put_master(&b, "M1", "t1", "IMG_1.JPG", &r, 1);
	r = resource(0, thing(&b, "o2"));
	put_master(&b, "M2", "t1", "IMG_1.JPG", &r, 1);
	put_edit(&b, "A1", "t1", "M1", "e1", NULL);
	put_edit(&b, "A2", "t1", "M2", "e2", NULL);
	assert_int_equal(fetch_all(&b), 4);
	assert_file(&b, "2024/07/IMG_1.JPG", "o1");
	assert_file(&b, "2024/07/IMG_1_edited.JPG", "e1");
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "o2", "o2");
	assert_suffixed(&b, "2024/07/IMG_1-%s_edited.JPG", "o2", "e2");
	assert_sums(&b, 4);
	bench_done(&b);
}

/* B067: a Live Photo and its edit: two clean pairs, in any order. */
static void
edited_pair(void **state)
{
	struct bench b;
	struct store_resource r[2];
	struct store_want w[4];
	size_t n, i;
	int order;

	(void)state;
	for (order = 0; order < 2; order++) {
		bench_start(&b);
		r[0] = resource(0, thing(&b, "still"));
		r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
		put_master(&b, "M1", "t1", "IMG_1.HEIC", r, 2);
		put_edit(&b, "A1", "t1", "M1", "edit", "editvideo");
		must(store_wants(w, 4, &n, b.s, &no_filter, NOW, e));
		assert_int_equal(n, 4);
		for (i = 0; i < n; i++) {
			size_t at = order == 0 ? i : n - 1 - i;

			free(fetch_one(&b, &w[at]));
		}
		for (i = 0; i < n; i++)
			store_want_clear(&w[i]);
		must(store_flush(b.s, e));
		assert_file(&b, "2024/07/IMG_1.HEIC", "still");
		assert_file(&b, "2024/07/IMG_1.MOV", "movie");
		assert_file(&b, "2024/07/IMG_1_edited.HEIC", "edit");
		assert_file(&b, "2024/07/IMG_1_edited.MOV", "editvideo");
		assert_sound(&b);
		bench_done(&b);
	}
}

/* "A later edit STEM_edited-<8>.EXT"; the first one stays. */
static void
a_later_edit(void **state)
{
	struct bench b;
	struct store_resource r;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "o"));
	put_master(&b, "M1", "t1", "IMG_1.JPG", &r, 1);
	put_edit(&b, "A1", "t1", "M1", "e1", NULL);
	assert_int_equal(fetch_all(&b), 2);
	put_edit(&b, "A1", "t2", "M1", "e2", NULL);
	assert_int_equal(fetch_all(&b), 1);
	assert_file(&b, "2024/07/IMG_1.JPG", "o");
	assert_file(&b, "2024/07/IMG_1_edited.JPG", "e1");
	assert_suffixed(&b, "2024/07/IMG_1_edited-%s.JPG", "e2", "e2");
	/* Taken back: nothing to fetch, nothing removed. */
	put_edit(&b, "A1", "t3", "M1", "e1", NULL);
	assert_int_equal(fetch_all(&b), 0);
	assert_sums(&b, 3);
	bench_done(&b);
}

/* B001: two assets, one master: one original, each one's edit. */
static void
a_shared_master(void **state)
{
	struct bench b;
	struct store_resource r;

	(void)state;
	bench_start(&b);
	r = resource(0, thing(&b, "o"));
	put_master(&b, "M1", "t1", "IMG_1.JPG", &r, 1);
	put_edit(&b, "A1", "t1", "M1", "e1", NULL);
	put_edit(&b, "A2", "t1", "M1", "e2", NULL);
	assert_int_equal(fetch_all(&b), 3);
	assert_file(&b, "2024/07/IMG_1.JPG", "o");
	assert_file(&b, "2024/07/IMG_1_edited.JPG", "e1");
	assert_suffixed(&b, "2024/07/IMG_1_edited-%s.JPG", "e2", "e2");
	bench_done(&b);
}

/* B086: the same bytes in two zones are one file. */
static void
two_zones_share(void **state)
{
	struct store_zone z = {
	    .database = 1, .name = "SharedSync-1", .kind = 2};
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "same", 2000);
	assert_int_equal(fetch_all(&b), 1);
	must(store_zone_put(b.s, &z, e));
	b.zone = z.zone;
	put_photo(&b, "B1", "IMG_9.JPG", "same", 2000);
	assert_int_equal(fetch_all(&b), 0);
	assert_sums(&b, 1);
	bench_done(&b);
}

/* "A new original of the same asset gets its own file; the old one stays." */
static void
a_replaced_original(void **state)
{
	struct bench b;
	struct store_resource r;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "old", 2000);
	assert_int_equal(fetch_all(&b), 1);
	r = resource(0, thing(&b, "new"));
	put_master(&b, "MA1", "t2", "IMG_1.JPG", &r, 1);
	assert_int_equal(fetch_all(&b), 1);
	assert_file(&b, "2024/07/IMG_1.JPG", "old");
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "new", "new");
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 9"), 1);
	bench_done(&b);
}

/* A path is chosen once: a new name in the cloud moves nothing. */
static void
a_renamed_asset_stays(void **state)
{
	struct store_resource r;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "o", 2000);
	assert_int_equal(fetch_all(&b), 1);
	r = resource(0, thing(&b, "o"));
	put_master(&b, "MA1", "t2", "Holiday.JPG", &r, 1);
	assert_int_equal(fetch_all(&b), 0);
	assert_file(&b, "2024/07/IMG_1.JPG", "o");
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 8"), 1);
	bench_done(&b);
}

/* B030: what is there without being right makes the name taken. */
static void
foreign_files_keep_their_places(void **state)
{
	static const char *const strays[] = {
	    "", "or", "ORIGINAL", "something longer"};
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		bench_start(&b);
		plant(&b, "2024/07/IMG_1.JPG", strays[i]);
		put_photo(&b, "A1", "IMG_1.JPG", "original", 2000);
		assert_int_equal(fetch_all(&b), 1);
		assert_int_equal(b.adopted, 0);
		assert_file(&b, "2024/07/IMG_1.JPG", strays[i]);
		assert_suffixed(
		    &b, "2024/07/IMG_1-%s.JPG", "original", "original");
		assert_sums(&b, 1);
		bench_done(&b);
	}
}

/* What src would say of another file of the asset. */
static void
other(struct store_other *out, void *arg, const struct store_resource *res)
{
	(void)arg;
	memset(out, 0, sizeof(*out));
	snprintf(out->ext, sizeof(out->ext), "%s",
	    res->role == LIVE_ROLE || res->role == EDIT_VIDEO_ROLE ? "MOV"
								   : "HEIC");
	out->edited = res->role >= EDIT_ROLE;
	bench_rule(&out->rule, res->checksum, res->checksum_len);
}

/* Somebody's STEM.MOV or STEM.HEIC does not split a Live Photo or its edit,
 * whichever comes first; the right bytes are no stranger. */
static void
foreign_files_split_no_pair(void **state)
{
	static const struct {
		const char *path, *bytes;
		int plain, adopted; /* files that have the plain stem */
	} table[] = {
	    {"2024/07/IMG_1.MOV", "other", 0, 0},
	    {"2024/07/IMG_1.MOV", "moviE", 0, 0},
	    {"2024/07/IMG_1.MOV", "movie", 4, 1},
	    {"2024/07/IMG_1.HEIC", "other", 0, 0},
	    {"2024/07/IMG_1.HEIC", "still", 4, 1},
	    {"2024/07/IMG_1_edited.MOV", "foreign", 2, 0},
	    {"2024/07/IMG_1_edited.HEIC", "foreign", 2, 0},
	};
	size_t i, n, at;

	(void)state;
	for (i = 0; i < 2 * sizeof(table) / sizeof(table[0]); i++) {
		struct store_resource r[2], edit[2];
		struct store_want w[4];
		struct bench b;

		bench_start(&b);
		b.other = other;
		r[0] = resource(0, thing(&b, "still"));
		r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
		edit[0] = resource(EDIT_ROLE, thing(&b, "edit"));
		edit[1] = resource(EDIT_VIDEO_ROLE, thing(&b, "editvideo"));
		plant(&b, table[i / 2].path, table[i / 2].bytes);
		put_master(&b, "M1", "t1", "IMG_1.HEIC", r, 2);
		put_asset(&b, "A1", "t1", "M1",
		    (struct store_asset){.res = edit, .nres = 2});
		must(store_wants(w, 4, &n, b.s, &no_filter, NOW, e));
		assert_int_equal(n, 4);
		for (at = 0; at < n; at++)
			free(fetch_one(&b, &w[i % 2 == 0 ? at : n - 1 - at]));
		for (at = 0; at < n; at++)
			store_want_clear(&w[at]);
		must(store_flush(b.s, e));
		assert_file(&b, table[i / 2].path, table[i / 2].bytes);
		/* Two stems, each of two files, none by itself. */
		assert_int_equal(ask(&b, "SELECT count(*) FROM stem"), 2);
		assert_int_equal(ask(&b,
				     "SELECT count(*) FROM (SELECT 1"
				     " FROM file GROUP BY stem"
				     " HAVING count(*) = 2)"),
		    2);
		assert_int_equal(
		    ask(&b,
			"SELECT count(*) FROM file WHERE path IN"
			" ('2024/07/IMG_1.HEIC', '2024/07/IMG_1.MOV',"
			" '2024/07/IMG_1_edited.HEIC',"
			" '2024/07/IMG_1_edited.MOV')"),
		    table[i / 2].plain);
		assert_int_equal(b.adopted, table[i / 2].adopted);
		assert_sums(&b, 4);
		assert_sound(&b);
		bench_done(&b);
	}
}

/* A long name leaves room for the longest extension of its stem. */
static void
long_names_have_room_for_all(void **state)
{
	struct store_resource r[2];
	char name[300];
	struct bench b;

	(void)state;
	bench_start(&b);
	b.other = other;
	memset(name, 'n', 253);
	strcpy(name + 253, ".x");
	r[0] = resource(0, thing(&b, "still"));
	r[1] = resource(LIVE_ROLE, thing(&b, "movie"));
	put_master(&b, "M1", "t1", name, r, 2);
	put_asset(&b, "A1", "t1", "M1", (struct store_asset){.month = 0});
	assert_int_equal(fetch_all(&b), 2);
	assert_int_equal(ask(&b, "SELECT count(*) FROM stem"), 1);
	assert_sums(&b, 2);
	bench_done(&b);
}

/* Two sizes stated for bytes that their checksum alone tells are one content,
 * before and after it is fetched; where it does not, they are two. */
static void
two_sizes_of_one_checksum(void **state)
{
	int sure;

	(void)state;
	for (sure = 0; sure < 2; sure++) {
		struct store_resource r;
		struct bench b;

		bench_start(&b);
		r = resource(0, thing(&b, "same"));
		r.sure = sure != 0;
		put_master(&b, "M1", "t1", "IMG_1.JPG", &r, 1);
		put_asset(
		    &b, "A1", "t1", "M1", (struct store_asset){.month = 0});
		r.size_bytes = 7;
		put_master(&b, "M2", "t1", "IMG_2.JPG", &r, 1);
		put_asset(
		    &b, "A2", "t1", "M2", (struct store_asset){.month = 0});
		assert_int_equal(
		    ask(&b, "SELECT count(*) FROM content"), sure ? 1 : 2);
		if (sure) {
			assert_int_equal(fetch_all(&b), 1);
			r.size_bytes = -1;
			put_master(&b, "M2", "t2", "IMG_2.JPG", &r, 1);
			assert_int_equal(fetch_all(&b), 0);
			assert_sums(&b, 1);
		}
		bench_done(&b);
	}
}

/* The right bytes are adopted, and not touched. */
static void
a_right_file_is_adopted(void **state)
{
	struct stat before, after;
	struct bench b;
	char path[256];

	(void)state;
	bench_start(&b);
	plant(&b, "2024/07/IMG_1.JPG", "original");
	snprintf(path, sizeof(path), "%s/2024/07/IMG_1.JPG", b.root);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(stat(path, &before), 0);
	put_photo(&b, "A1", "IMG_1.JPG", "original", 2000);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(b.adopted, 1);
	assert_int_equal(b.placed, 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(ST_MTIM(after).tv_sec, ST_MTIM(before).tv_sec);
	assert_int_equal(ST_MTIM(after).tv_nsec, ST_MTIM(before).tv_nsec);
	assert_int_equal(after.st_ctime, before.st_ctime);
	assert_sums(&b, 1);
	assert_sound(&b);
	bench_done(&b);
}

/* A link in the file's place is nobody's file; a link above is an error. */
static void
links_are_not_followed(void **state)
{
	struct store_want w;
	struct bench b;
	char from[256], stem[256], suffix[33], edit[33];
	struct err err = ERR_INIT;
	struct digest_rule rule;
	struct store_name name;
	const char *path;
	bool adopted;

	(void)state;
	bench_start(&b);
	plant(&b, "elsewhere", "original");
	plant(&b, "2024/07/x", "");
	snprintf(from, sizeof(from), "%s/2024/07/IMG_1.JPG", b.root);
	assert_int_equal(symlink("../../elsewhere", from), 0);
	put_photo(&b, "A1", "IMG_1.JPG", "original", 2000);
	put_photo(&b, "A2", "IMG_2.JPG", "second", 1000);
	assert_true(next_want(&w, &b));
	free(fetch_one(&b, &w));
	store_want_clear(&w);
	must(store_flush(b.s, e));
	assert_int_equal(b.adopted, 0);
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "original", "original");

	assert_true(next_want(&w, &b));
	wish(&name, stem, suffix, edit, &w);
	snprintf(from, sizeof(from), "%s/linked", b.root);
	assert_int_equal(symlink("2024", from), 0);
	name.folder = "linked/07";
	bench_rule(&rule, w.checksum, w.checksum_len);
	assert_int_equal(
	    store_reserve(&path, &adopted, b.s, &w, &name, &rule, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	store_want_clear(&w);
	bench_done(&b);
}

/* Reserved before the transfer, and the same in the next run. */
static void
a_reservation_stays(void **state)
{
	char stem[256], suffix[33], edit[33], *first;
	struct digest_rule rule;
	struct store_name name;
	struct store_want w;
	struct bench b;
	const char *path;
	bool adopted;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "original", 2000);
	assert_true(next_want(&w, &b));
	bench_rule(&rule, w.checksum, w.checksum_len);
	wish(&name, stem, suffix, edit, &w);
	must(store_reserve(&path, &adopted, b.s, &w, &name, &rule, e));
	first = xstrdup(path);
	store_want_clear(&w);
	bench_end(&b);
	bench_reopen(&b);
	bench_begin(&b);
	/* Another asset of that name does not get it. */
	put_photo(&b, "A0", "IMG_1.JPG", "newer", 3000);
	assert_int_equal(fetch_all(&b), 2);
	assert_file(&b, first, "original");
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "newer", "newer");
	free(first);
	bench_done(&b);
}

/* Somebody takes a reserved place between two runs. */
static void
a_reserved_place_is_taken(void **state)
{
	char stem[256], suffix[33], edit[33];
	struct digest_rule rule;
	struct store_name name;
	struct store_want w;
	struct bench b;
	const char *path;
	bool adopted;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "original", 2000);
	assert_true(next_want(&w, &b));
	bench_rule(&rule, w.checksum, w.checksum_len);
	wish(&name, stem, suffix, edit, &w);
	must(store_reserve(&path, &adopted, b.s, &w, &name, &rule, e));
	store_want_clear(&w);
	bench_end(&b);
	plant(&b, "2024/07/IMG_1.JPG", "foreign");
	bench_begin(&b);
	assert_int_equal(fetch_all(&b), 1);
	assert_file(&b, "2024/07/IMG_1.JPG", "foreign");
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "original", "original");
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 15"), 1);
	assert_sound(&b);
	bench_done(&b);
}

/* Somebody takes it while the bytes are on their way (EEXIST at rename). */
static void
a_place_is_taken_at_the_last_moment(void **state)
{
	struct store_want w;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "original", 2000);
	assert_true(next_want(&w, &b));
	free(fetch_one(&b, &w));
	store_want_clear(&w);
	plant(&b, "2024/07/IMG_1.JPG", "foreign!");
	must(store_flush(b.s, e));
	assert_int_equal(b.placed, 1);
	assert_int_equal(b.unplaced, 0);
	assert_file(&b, "2024/07/IMG_1.JPG", "foreign!");
	assert_suffixed(&b, "2024/07/IMG_1-%s.JPG", "original", "original");
	assert_sums(&b, 1);
	assert_sound(&b);
	bench_done(&b);
}

/* Names at the limit keep their extension and stay below 255 bytes. */
static void
long_names_are_cut(void **state)
{
	struct bench b;
	char name[300];
	size_t i;

	(void)state;
	bench_start(&b);
	for (i = 0; i < 125; i++)
		memcpy(name + 2 * i, "\xc3\xb6", 2);
	snprintf(name + 250, sizeof(name) - 250, ".JPG");
	put_photo(&b, "A1", name, "one", 2000);
	put_photo(&b, "A2", name, "two", 1000);
	assert_int_equal(fetch_all(&b), 2);
	assert_int_equal(b.placed, 2);
	assert_sums(&b, 2);
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM file"
			     " WHERE path LIKE '%.JPG'"),
	    2);
	bench_done(&b);
}

/* A checksum that is no 20 bytes has a suffix too; no two are alike. */
static void
odd_checksums(void **state)
{
	uint8_t sums[3][8] = {{9, 1}, {9, 2}, {9, 3}};
	struct store_resource r = {.role = 0, .size_bytes = 1};
	struct store_name name = {
	    .folder = "f", .stem = "s", .suffix = "", .ext = "x"};
	const struct digest_rule rule = {.checked = false};
	struct store_want w;
	struct bench b;
	const char *path;
	char master[8];
	bool adopted;
	int i;

	(void)state;
	bench_start(&b);
	for (i = 0; i < 3; i++) {
		r.checksum = sums[i];
		r.checksum_len = 8;
		snprintf(master, sizeof(master), "M%d", i);
		put_master(&b, master, "t", NULL, &r, 1);
		put_asset(&b, master + 1, "t", master,
		    (struct store_asset){.month = 0});
	}
	for (i = 0; next_want(&w, &b); i++) {
		must(store_reserve(&path, &adopted, b.s, &w, &name, &rule, e));
		assert_false(adopted);
		store_want_clear(&w);
	}
	assert_int_equal(i, 3);
	assert_int_equal(ask(&b, "SELECT count(DISTINCT key) FROM stem"), 3);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_name_gets_a_suffix),
	    cmocka_unit_test(folded_names_are_one),
	    cmocka_unit_test(pairs_stay_together),
	    cmocka_unit_test(a_movie_of_a_later_night_joins),
	    cmocka_unit_test(raw_twin),
	    cmocka_unit_test(edits_of_namesakes),
	    cmocka_unit_test(edited_pair),
	    cmocka_unit_test(a_later_edit),
	    cmocka_unit_test(a_shared_master),
	    cmocka_unit_test(two_zones_share),
	    cmocka_unit_test(a_replaced_original),
	    cmocka_unit_test(a_renamed_asset_stays),
	    cmocka_unit_test(foreign_files_keep_their_places),
	    cmocka_unit_test(foreign_files_split_no_pair),
	    cmocka_unit_test(long_names_have_room_for_all),
	    cmocka_unit_test(two_sizes_of_one_checksum),
	    cmocka_unit_test(a_right_file_is_adopted),
	    cmocka_unit_test(links_are_not_followed),
	    cmocka_unit_test(a_reservation_stays),
	    cmocka_unit_test(a_reserved_place_is_taken),
	    cmocka_unit_test(a_place_is_taken_at_the_last_moment),
	    cmocka_unit_test(long_names_are_cut),
	    cmocka_unit_test(odd_checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
