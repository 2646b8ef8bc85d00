#include "bench.h"

#include <inttypes.h>

#include "civil.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ASAN
#endif

/* Lists: what is known now, and what was known when a run had ended. */

/* ---- lists as lines ---- */

static bool
add_asset(void *arg, const struct store_listed *a)
{
	struct buf *out = arg;

	buf_addf(out, "%s %s%s%s%s%s%s%s", a->record,
	    a->filename != NULL ? a->filename : "-",
	    a->title != NULL ? " '" : "", a->title != NULL ? a->title : "",
	    a->title != NULL ? "'" : "", a->hidden ? " hidden" : "",
	    a->trashed ? " trashed" : "", a->gone ? " gone" : "");
	for (size_t i = 0; i < a->nalbums; i++)
		buf_addf(out, " in:%s", a->albums[i]);
	for (size_t i = 0; i < a->nfiles; i++)
		buf_addf(out, " %d:%s", a->files[i].role,
		    a->files[i].path != NULL ? a->files[i].path : "missing");
	buf_addc(out, '\n');
	return true;
}

static bool
add_album(void *arg, const struct store_album *a)
{
	buf_addf(arg, "%d %s|%s|%d\n", a->depth,
	    a->title != NULL ? a->title : "-", a->path, (int)a->assets);
	return true;
}

static bool
add_file(void *arg, const struct store_kept *f)
{
	buf_addf(arg, "%s %d%s%s\n", f->path, (int)f->size_bytes,
	    f->live ? "" : " gone", f->damaged ? " damaged" : "");
	return true;
}

static bool
add_library(void *arg, const struct store_library *l)
{
	buf_addf(arg, "%s%s assets %d,%d,%d files %d,%d albums %d\n",
	    l->zone_name, l->gone ? " gone" : "", (int)l->assets,
	    (int)l->hidden, (int)l->trashed, (int)l->files, (int)l->held,
	    (int)l->albums);
	return true;
}

static void
assert_lines(struct buf *b, const char *lines, int line)
{
	if (strcmp(buf_text(b), lines) != 0)
		fail_msg("line %d: got\n%s", line, buf_text(b));
	buf_reset(b);
}

#define assert_assets(b, as_of, lines)                                       \
	do {                                                                 \
		struct buf out_ = {0};                                       \
		must(store_list_assets((b)->s, as_of, add_asset, &out_, e)); \
		assert_lines(&out_, lines, __LINE__);                        \
		buf_clear(&out_);                                            \
	} while (0)
#define assert_albums(b, as_of, lines)                                       \
	do {                                                                 \
		struct buf out_ = {0};                                       \
		must(store_list_albums((b)->s, as_of, add_album, &out_, e)); \
		assert_lines(&out_, lines, __LINE__);                        \
		buf_clear(&out_);                                            \
	} while (0)
#define assert_files(b, as_of, lines)                                      \
	do {                                                               \
		struct buf out_ = {0};                                     \
		must(store_list_files((b)->s, as_of, add_file, &out_, e)); \
		assert_lines(&out_, lines, __LINE__);                      \
		buf_clear(&out_);                                          \
	} while (0)
#define assert_libraries(b, as_of, lines)                   \
	do {                                                \
		struct buf out_ = {0};                      \
		must(store_list_libraries(                  \
		    (b)->s, as_of, add_library, &out_, e)); \
		assert_lines(&out_, lines, __LINE__);       \
		buf_clear(&out_);                           \
	} while (0)

/* ---- what happens ---- */

static void
put_album(struct bench *b, const char *name, const char *tag, const char *title,
    const char *parent, int64_t type, int64_t position, bool trashed)
{
	int64_t rec;

	if (put_record(&rec, b, name, STORE_ALBUM, tag) != STORE_SAME)
		must(store_album_put(b->s, rec, b->zone, title, parent, type,
		    position, trashed, e));
}

static void
put_in(struct bench *b, const char *asset, const char *album)
{
	char name[64];
	int64_t rec;

	snprintf(name, sizeof(name), "%s-IN-%s", asset, album);
	put_record(&rec, b, name, STORE_RELATION, "1");
	must(store_relation_put(b->s, rec, b->zone, asset, album, 1, false, e));
}

static void
put_one(struct bench *b, const char *name, const char *tag, const char *bytes,
    const char *movie, struct store_asset a)
{
	struct store_resource r[2];
	char master[64], filename[64];

	r[0] = resource(0, thing(b, bytes));
	if (movie != NULL)
		r[1] = resource(LIVE_ROLE, thing(b, movie));
	snprintf(master, sizeof(master), "M%s", name);
	snprintf(filename, sizeof(filename), "%s.JPG", name);
	put_master(b, master, tag, filename, r, movie != NULL ? 2 : 1);
	a.has_taken = a.taken_ms != 0;
	put_asset(b, name, tag, master, a);
}

static void
next_run(struct bench *b)
{
	fetch_all(b);
	bench_end(b);
	bench_begin(b);
}

/* Nothing but existence, trash and hiding; from the first run to the third. */
static void
assets_come_and_go(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(
	    &b, "A2", "1", "two", NULL, (struct store_asset){.taken_ms = 2000});
	put_one(
	    &b, "A1", "1", "one", NULL, (struct store_asset){.taken_ms = 1000});
	next_run(&b);
	put_one(&b, "A1", "2", "one", NULL,
	    (struct store_asset){.taken_ms = 1000, .trashed = true});
	put_one(&b, "A2", "2", "two", NULL,
	    (struct store_asset){.taken_ms = 2000, .hidden = true});
	put_one(
	    &b, "A0", "1", "undated", NULL, (struct store_asset){.month = 0});
	next_run(&b);
	must(store_record_gone(b.s, b.zone, "A1", e));
	put_one(
	    &b, "A2", "3", "two", NULL, (struct store_asset){.taken_ms = 2000});
	put_one(&b, "A3", "1", "three", NULL,
	    (struct store_asset){.taken_ms = 3000});
	fetch_all(&b);

	assert_assets(&b, 0,
	    "A1 A1.JPG trashed gone 0:2024/07/A1.JPG\n"
	    "A2 A2.JPG 0:2024/07/A2.JPG\n"
	    "A3 A3.JPG 0:2024/07/A3.JPG\n"
	    "A0 A0.JPG 0:2024/07/A0.JPG\n");
	assert_assets(&b, 3,
	    "A1 A1.JPG trashed gone 0:2024/07/A1.JPG\n"
	    "A2 A2.JPG 0:2024/07/A2.JPG\n"
	    "A3 A3.JPG 0:2024/07/A3.JPG\n"
	    "A0 A0.JPG 0:2024/07/A0.JPG\n");
	assert_assets(&b, 2,
	    "A1 A1.JPG trashed 0:2024/07/A1.JPG\n"
	    "A2 A2.JPG hidden 0:2024/07/A2.JPG\n"
	    "A0 A0.JPG 0:2024/07/A0.JPG\n");
	assert_assets(&b, 1,
	    "A1 A1.JPG 0:2024/07/A1.JPG\n"
	    "A2 A2.JPG 0:2024/07/A2.JPG\n");
	assert_files(&b, 0,
	    "2024/07/A0.JPG 7\n2024/07/A1.JPG 3 gone\n2024/07/A2.JPG 3\n"
	    "2024/07/A3.JPG 5\n");
	assert_files(
	    &b, 2, "2024/07/A0.JPG 7\n2024/07/A1.JPG 3\n2024/07/A2.JPG 3\n");
	assert_files(&b, 1, "2024/07/A1.JPG 3\n2024/07/A2.JPG 3\n");
	assert_libraries(
	    &b, 0, "PrimarySync assets 3,0,0 files 3,3 albums 0\n");
	assert_libraries(
	    &b, 2, "PrimarySync assets 3,1,1 files 3,3 albums 0\n");
	assert_libraries(
	    &b, 1, "PrimarySync assets 2,0,0 files 2,2 albums 0\n");

	/* It comes back. */
	bench_end(&b);
	bench_begin(&b);
	put_one(
	    &b, "A1", "4", "one", NULL, (struct store_asset){.taken_ms = 1000});
	assert_files(&b, 3,
	    "2024/07/A0.JPG 7\n2024/07/A1.JPG 3 gone\n2024/07/A2.JPG 3\n"
	    "2024/07/A3.JPG 5\n");
	assert_libraries(
	    &b, 3, "PrimarySync assets 3,0,0 files 3,3 albums 0\n");
	assert_libraries(
	    &b, 4, "PrimarySync assets 4,0,0 files 4,4 albums 0\n");
	bench_done(&b);
}

/* Names, titles, masters and their files. */
static void
contents_and_names(void **state)
{
	struct store_resource r, edit[2];
	struct store_asset a = {.has_taken = true, .taken_ms = 1000};
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(&b, "A1", "1", "one", NULL, a);
	/* An asset without its master: its name is known, and no more. */
	put_asset(&b, "A2", "1", "M2", (struct store_asset){.month = 0});
	next_run(&b);
	/* The movie comes late, and the name changes. */
	put_one(&b, "A1", "2", "one", "movie", a);
	r = resource(0, thing(&b, "two"));
	put_master(&b, "M2", "1", "two.JPG", &r, 1);
	edit[0] = resource(EDIT_ROLE, thing(&b, "edit"));
	a.res = edit;
	a.nres = 1;
	a.title = "Beach";
	put_asset(&b, "A1", "2b", "MA1", a);
	next_run(&b);
	/* Another edit, and another original: another master. */
	r = resource(0, thing(&b, "other"));
	put_master(&b, "M9", "1", "other.JPG", &r, 1);
	edit[0] = resource(EDIT_ROLE, thing(&b, "edit 2"));
	a.title = "Sea";
	put_asset(&b, "A1", "3", "M9", a);
	must(store_record_gone(b.s, b.zone, "MA1", e));
	fetch_all(&b);

	assert_assets(&b, 0,
	    "A1 other.JPG 'Sea' 0:2024/07/other.JPG"
	    " 4:2024/07/other_edited.JPG\n"
	    "A2 two.JPG 0:2024/07/two.JPG\n");
	assert_assets(&b, 2,
	    "A1 A1.JPG 'Beach' 0:2024/07/A1.JPG 1:2024/07/A1.MOV"
	    " 4:2024/07/A1_edited.JPG\n"
	    "A2 two.JPG 0:2024/07/two.JPG\n");
	assert_assets(&b, 1, "A1 A1.JPG 0:2024/07/A1.JPG\nA2 -\n");
	assert_files(&b, 0,
	    "2024/07/A1.JPG 3 gone\n2024/07/A1.MOV 5 gone\n"
	    "2024/07/A1_edited.JPG 4 gone\n2024/07/other.JPG 5\n"
	    "2024/07/other_edited.JPG 6\n2024/07/two.JPG 3\n");
	assert_files(&b, 2,
	    "2024/07/A1.JPG 3\n2024/07/A1.MOV 5\n2024/07/A1_edited.JPG 4\n"
	    "2024/07/two.JPG 3\n");
	assert_files(&b, 1, "2024/07/A1.JPG 3\n");
	assert_libraries(
	    &b, 0, "PrimarySync assets 2,0,0 files 3,3 albums 0\n");
	assert_libraries(
	    &b, 2, "PrimarySync assets 2,0,0 files 4,4 albums 0\n");
	assert_libraries(
	    &b, 1, "PrimarySync assets 2,0,0 files 1,1 albums 0\n");
	bench_done(&b);
}

/* An asset takes the master that another one had: before, nobody had it. */
static void
a_master_goes_from_hand_to_hand(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(
	    &b, "A1", "1", "one", NULL, (struct store_asset){.taken_ms = 1000});
	put_one(
	    &b, "A2", "1", "two", NULL, (struct store_asset){.taken_ms = 2000});
	next_run(&b);
	must(store_record_gone(b.s, b.zone, "A2", e));
	next_run(&b);
	put_asset(&b, "A1", "2", "MA2",
	    (struct store_asset){.has_taken = true, .taken_ms = 1000});
	assert_files(&b, 1, "2024/07/A1.JPG 3\n2024/07/A2.JPG 3\n");
	assert_files(&b, 2, "2024/07/A1.JPG 3\n2024/07/A2.JPG 3 gone\n");
	assert_files(&b, 0, "2024/07/A1.JPG 3 gone\n2024/07/A2.JPG 3\n");
	assert_libraries(
	    &b, 2, "PrimarySync assets 1,0,0 files 1,1 albums 0\n");
	bench_done(&b);
}

/* What is not here, and what is damaged. */
static void
not_here(void **state)
{
	int64_t n, kept;
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(&b, "A1", "1", "one", "movie",
	    (struct store_asset){.taken_ms = 1000});
	assert_assets(&b, 0, "A1 A1.JPG 0:missing 1:missing\n");
	assert_files(&b, 0, "");
	assert_libraries(
	    &b, 0, "PrimarySync assets 1,0,0 files 2,0 albums 0\n");
	next_run(&b);
	put_one(
	    &b, "A2", "1", "two", NULL, (struct store_asset){.taken_ms = 2000});
	fetch_all(&b);
	must(store_file_note(b.s,
	    &(struct store_note){.file = ask(&b,
				     "SELECT file FROM file WHERE path ="
				     " '2024/07/A1.MOV'"),
		.damage = STORE_TRUNCATED},
	    NOW, e));
	assert_files(&b, 0,
	    "2024/07/A1.JPG 3\n2024/07/A1.MOV 5 damaged\n"
	    "2024/07/A2.JPG 3\n");
	assert_libraries(
	    &b, 0, "PrimarySync assets 2,0,0 files 3,2 albums 0\n");
	/* Fetched anew, it has been here since the first run all the same. */
	next_run(&b);
	must(store_mend(&n, &kept, b.s, STORE_MEND_DAMAGED, e));
	assert_int_equal(n, 1);
	assert_assets(&b, 0,
	    "A1 A1.JPG 0:2024/07/A1.JPG 1:missing\n"
	    "A2 A2.JPG 0:2024/07/A2.JPG\n");
	assert_int_equal(fetch_all(&b), 1);
	assert_files(&b, 1, "2024/07/A1.JPG 3\n2024/07/A1.MOV 5\n");
	bench_done(&b);
}

/* B018: folders three deep, two albums of one name, their own order. */
static void
albums_are_a_tree(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(
	    &b, "A1", "1", "one", NULL, (struct store_asset){.taken_ms = 1000});
	put_one(
	    &b, "A2", "1", "two", NULL, (struct store_asset){.taken_ms = 2000});
	put_album(&b, "R", "1", NULL, NULL, 3, 0, false);
	put_album(&b, "F1", "1", "Trips", "R", 3, 2, false);
	put_album(&b, "B1", "1", "2024", "F1", 0, 9, false);
	put_album(&b, "F2", "1", "Europe", "F1", 3, 1, false);
	put_album(&b, "B2", "1", "2024", "F2", 0, 1, false);
	put_album(&b, "B3", "1", "Holidays", NULL, 0, 1, false);
	put_album(&b, "B4", "1", "Thrown away", "R", 0, 1, true);
	put_album(&b, "S", "1", "Big", "R", 6, 3, false);
	put_in(&b, "A1", "B1");
	put_in(&b, "A1", "B3");
	put_in(&b, "A2", "B1");
	put_in(&b, "A9", "B1"); /* never came */
	assert_albums(&b, 0,
	    "0 -||0\n"
	    "1 Trips|Trips|0\n"
	    "2 Europe|Trips/Europe|0\n"
	    "3 2024|Trips/Europe/2024|0\n"
	    "2 2024|Trips/2024|2\n"
	    "1 Big|Big|0\n"
	    "1 Holidays|Holidays|1\n");
	assert_assets(&b, 0,
	    "A1 A1.JPG in:Trips/2024 in:Holidays 0:missing\n"
	    "A2 A2.JPG in:Trips/2024 0:missing\n");
	next_run(&b);
	/* Renamed, moved, thrown away, left, entered. */
	put_album(&b, "B1", "2", "2025", "F1", 0, 9, false);
	put_album(&b, "F2", "2", "Europe", "R", 3, 1, false);
	put_album(&b, "B3", "2", "Holidays", NULL, 0, 1, true);
	put_album(&b, "B4", "2", "Fetched back", "R", 0, 1, false);
	put_album(&b, "B5", "1", "New", "F2", 0, 1, false);
	must(store_record_gone(b.s, b.zone, "A1-IN-B1", e));
	must(store_record_gone(b.s, b.zone, "A1-IN-B3", e));
	put_in(&b, "A1", "B2");
	fetch_all(&b);
	assert_albums(&b, 0,
	    "0 -||0\n"
	    "1 Fetched back|Fetched back|0\n"
	    "1 Europe|Europe|0\n"
	    "2 2024|Europe/2024|1\n"
	    "2 New|Europe/New|0\n"
	    "1 Trips|Trips|0\n"
	    "2 2025|Trips/2025|1\n"
	    "1 Big|Big|0\n");
	assert_albums(&b, 1,
	    "0 -||0\n"
	    "1 Trips|Trips|0\n"
	    "2 Europe|Trips/Europe|0\n"
	    "3 2024|Trips/Europe/2024|0\n"
	    "2 2024|Trips/2024|2\n"
	    "1 Big|Big|0\n"
	    "1 Holidays|Holidays|1\n");
	assert_assets(&b, 1,
	    "A1 A1.JPG in:Trips/2024 in:Holidays 0:2024/07/A1.JPG\n"
	    "A2 A2.JPG in:Trips/2024 0:2024/07/A2.JPG\n");
	assert_libraries(
	    &b, 0, "PrimarySync assets 2,0,0 files 2,2 albums 5\n");
	assert_libraries(
	    &b, 1, "PrimarySync assets 2,0,0 files 2,2 albums 4\n");
	/* Gone altogether, and back. */
	next_run(&b);
	must(store_record_gone(b.s, b.zone, "B5", e));
	next_run(&b);
	put_album(&b, "B5", "1", "New", "F2", 0, 1, false);
	assert_libraries(
	    &b, 2, "PrimarySync assets 2,0,0 files 2,2 albums 5\n");
	assert_libraries(
	    &b, 3, "PrimarySync assets 2,0,0 files 2,2 albums 4\n");
	assert_libraries(
	    &b, 0, "PrimarySync assets 2,0,0 files 2,2 albums 5\n");
	bench_done(&b);
}

/* Odd ones: folders in each other, a folder that is not there. */
static void
albums_without_a_top(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_album(&b, "F1", "1", "hen", "F2", 3, 1, false);
	put_album(&b, "F2", "1", "egg", "F1", 3, 2, false);
	put_album(&b, "F3", "1", "self", "F3", 3, 3, false);
	put_album(&b, "B1", "1", "orphan", "never came", 0, 4, false);
	assert_albums(&b, 0,
	    "1 orphan|orphan|0\n1 hen|hen|0\n1 egg|egg|0\n1 self|self|0\n");
	bench_done(&b);
}

static void
a_library_leaves_and_returns(void **state)
{
	struct store_zone z = {
	    .database = 1, .name = "SharedSync-1", .kind = 2};
	struct bench b;
	int64_t own;

	(void)state;
	bench_start(&b);
	own = b.zone;
	put_one(
	    &b, "A1", "1", "one", NULL, (struct store_asset){.taken_ms = 1000});
	next_run(&b);
	must(store_zone_put(b.s, &z, e));
	b.zone = z.zone;
	put_one(
	    &b, "A2", "1", "two", NULL, (struct store_asset){.taken_ms = 2000});
	/* The same bytes in both are one file of each. */
	put_one(&b, "A3", "1", "one", NULL,
	    (struct store_asset){.taken_ms = 3000, .hidden = true});
	put_album(&b, "B1", "1", "Theirs", NULL, 0, 1, false);
	next_run(&b);
	must(store_zone_gone(b.s, z.zone, true, e));
	next_run(&b);
	must(store_zone_gone(b.s, z.zone, false, e));
	next_run(&b);
	must(store_zone_gone(b.s, z.zone, true, e));

	assert_libraries(
	    &b, 1, "PrimarySync assets 1,0,0 files 1,1 albums 0\n");
	assert_libraries(&b, 2,
	    "PrimarySync assets 1,0,0 files 1,1 albums 0\n"
	    "SharedSync-1 assets 2,1,0 files 2,2 albums 1\n");
	assert_libraries(&b, 3,
	    "PrimarySync assets 1,0,0 files 1,1 albums 0\n"
	    "SharedSync-1 gone assets 0,0,0 files 0,0 albums 0\n");
	assert_libraries(&b, 4,
	    "PrimarySync assets 1,0,0 files 1,1 albums 0\n"
	    "SharedSync-1 assets 2,1,0 files 2,2 albums 1\n");
	assert_libraries(&b, 0,
	    "PrimarySync assets 1,0,0 files 1,1 albums 0\n"
	    "SharedSync-1 gone assets 0,0,0 files 0,0 albums 0\n");
	assert_files(&b, 0, "2024/07/A1.JPG 3\n2024/07/A2.JPG 3 gone\n");
	assert_files(&b, 4, "2024/07/A1.JPG 3\n2024/07/A2.JPG 3\n");
	assert_files(&b, 3, "2024/07/A1.JPG 3\n2024/07/A2.JPG 3 gone\n");
	assert_assets(&b, 2,
	    "A1 A1.JPG 0:2024/07/A1.JPG\nA2 A2.JPG 0:2024/07/A2.JPG\n"
	    "A3 A3.JPG hidden 0:2024/07/A1.JPG\n");
	b.zone = own;
	bench_done(&b);
}

/* ---- beside a run, and its end ---- */

struct beside {
	struct bench *b;
	struct buf out;
	int n;
};

static bool
change_meanwhile(void *arg, const struct store_listed *a)
{
	struct beside *w = arg;

	add_asset(&w->out, a);
	if (w->n++ == 0) { /* the other process */
		put_one(w->b, "A2", "2", "two", NULL,
		    (struct store_asset){.taken_ms = 2000, .hidden = true});
		put_one(w->b, "A4", "1", "four", NULL,
		    (struct store_asset){.taken_ms = 4000});
		must(store_record_gone(w->b->s, w->b->zone, "A3", e));
	}
	return w->n < 3;
}

/* A reader has no lock, does not stop the run, and tells of the past what was,
 * although it goes on being changed. */
static void
beside_a_run(void **state)
{
	struct store_options o;
	struct beside w = {.n = 0};
	struct store *reader;
	struct bench b;
	char name[] = "A1";

	(void)state;
	bench_start(&b);
	for (int i = 1; i <= 3; i++) {
		name[1] = (char)('0' + i);
		put_one(&b, name, "1",
		    i == 1       ? "one"
			: i == 2 ? "two"
				 : "three",
		    NULL, (struct store_asset){.taken_ms = 1000 * i});
	}
	next_run(&b);
	o = bench_options(&b);
	o.mode = STORE_READ;
	o.work = NULL;
	must(store_open(&reader, &o, e));
	w.b = &b;
	must(store_list_assets(reader, 1, change_meanwhile, &w, e));
	assert_lines(&w.out,
	    "A1 A1.JPG 0:2024/07/A1.JPG\nA2 A2.JPG 0:2024/07/A2.JPG\n"
	    "A3 A3.JPG 0:2024/07/A3.JPG\n",
	    __LINE__);
	/* It can be read again, and still writes nothing. */
	w.n = 9;
	must(store_list_assets(reader, 0, change_meanwhile, &w, e));
	assert_lines(&w.out, "A1 A1.JPG 0:2024/07/A1.JPG\n", __LINE__);
	assert_int_not_equal(
	    sqlite3_exec(reader->db, "DELETE FROM asset", NULL, NULL, NULL),
	    SQLITE_OK);
	store_close(reader);
	buf_clear(&w.out);
	bench_done(&b);
}

static void
runs_and_days(void **state)
{
	int64_t run, began;
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_open(&b);
	must(store_run_before(&run, &began, b.s, INT64_MAX, e));
	assert_int_equal(run, 0);
	bench_begin(&b);
	bench_end(&b);
	must(store_run_begin(&b.run, b.s, "sync", NOW + 500, bench_rule, e));
	must(store_run_before(&run, &began, b.s, NOW, e));
	assert_int_equal(run, 0);
	must(store_run_before(&run, &began, b.s, NOW + 1, e));
	assert_int_equal(run, 1);
	assert_int_equal(began, NOW);
	/* One that has not ended counts as far as it has come. */
	must(store_run_before(&run, &began, b.s, NOW + 501, e));
	assert_int_equal(run, 2);
	assert_int_equal(began, NOW + 500);
	bench_done(&b);
}

/* ---- large ---- */

/* 0 where that is not to be had, or says nothing (ASan keeps what is freed). */
static int64_t
resident_kb(void)
{
	char line[256];
	int64_t kb = 0;
	FILE *f = NULL;

#ifndef ASAN
	f = fopen("/proc/self/status", "r");
#endif

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			(void)sscanf(line, "VmRSS: %" SCNd64, &kb);
	if (f != NULL)
		fclose(f);
	return kb;
}

struct count {
	int64_t n, last_ms, first_kb, last_kb;
};

static bool
count_asset(void *arg, const struct store_listed *a)
{
	struct count *c = arg;

	assert_true(a->taken_ms >= c->last_ms);
	assert_int_equal(a->nfiles, 1);
	if (c->n++ == 0)
		c->first_kb = resident_kb();
	else if (c->n % 1000 == 0)
		c->last_kb = resident_kb();
	c->last_ms = a->taken_ms;
	return true;
}

/* Flat memory; how long it takes is printed, not asserted. */
static void
a_large_list(void **state)
{
	const char *many = getenv("STORE_TEST_ASSETS");
	const int64_t n = many != NULL ? atoi(many) : 20000; /* NOLINT */
	const struct store_filter filter = {
	    .recent = n / 2, .skip_hidden = true, .has_since = true};
	int64_t began;
	struct store_forecast fc;
	struct store_left left;
	struct buf out = {0};
	struct bench b;

	(void)state;
	bench_start(&b);
	must(store_begin(b.s, e));
	for (int64_t i = 0; i < n; i++) {
		uint8_t sum[21] = {1};
		struct store_resource r = {.role = 0,
		    .checksum = sum,
		    .checksum_len = sizeof(sum),
		    .size_bytes = i};
		char name[40], master[40];

		memcpy(sum + 1, &i, sizeof(i));
		snprintf(name, sizeof(name), "%08" PRIX64 "-0000-4000-8000", i);
		snprintf(master, sizeof(master), "AQ%025" PRIX64, i);
		put_master(&b, master, "1", "IMG_0001.JPG", &r, 1);
		put_asset(&b, name, "1", master,
		    (struct store_asset){.has_taken = true,
			.taken_ms = (i * 7919) % n,
			.has_added = true,
			.added_ms = i});
		if (i == n / 2) { /* the rest is of the second run */
			must(store_commit(b.s, e));
			bench_end(&b);
			bench_begin(&b);
			must(store_begin(b.s, e));
		}
	}
	must(store_commit(b.s, e));
	for (int i = 0; i < 4; i++) { /* now, now, as of 2, as of 1 */
		struct count c = {.n = 0};

		began = clock_mono_ms();
		must(store_list_assets(
		    b.s, i < 2 ? 0 : 4 - i, count_asset, &c, e));
		assert_int_equal(c.n, i < 3 ? n : n / 2 + 1);
		print_message("# %d assets in %d ms, %d kB more\n", (int)c.n,
		    (int)(clock_mono_ms() - began),
		    (int)(c.last_kb - c.first_kb));
		/* The first fills the catalogue's cache. */
		if (i > 0)
			assert_true(c.last_kb - c.first_kb < 3000);
	}
	for (int i = 0; i < 2; i++) {
		began = clock_mono_ms();
		must(store_list_libraries(b.s, i, add_library, &out, e));
		print_message(
		    "# libraries in %d ms\n", (int)(clock_mono_ms() - began));
	}
	began = clock_mono_ms();
	must(store_forecast(&fc, b.s, &filter, NOW, e));
	print_message("# forecast with a filter in %d ms\n",
	    (int)(clock_mono_ms() - began));
	assert_int_equal(fc.files, n / 2);
	began = clock_mono_ms();
	must(store_left(&left, b.s, &filter, e));
	print_message(
	    "# left with a filter in %d ms\n", (int)(clock_mono_ms() - began));
	assert_int_equal(left.open, n / 2);
	buf_clear(&out);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(assets_come_and_go),
	    cmocka_unit_test(contents_and_names),
	    cmocka_unit_test(a_master_goes_from_hand_to_hand),
	    cmocka_unit_test(not_here),
	    cmocka_unit_test(albums_are_a_tree),
	    cmocka_unit_test(albums_without_a_top),
	    cmocka_unit_test(a_library_leaves_and_returns),
	    cmocka_unit_test(beside_a_run),
	    cmocka_unit_test(runs_and_days),
	    cmocka_unit_test(a_large_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
