#include "bench.h"

#include <dirent.h>
#include <sys/wait.h>

/*
 * Albums on the disk: which links there are and what they are called, what is
 * never touched, what makes a pass look again, and what a run that was killed
 * leaves.
 */

struct told {
	struct store_links links;
	int in_the_way, refused;
};

static void
name_it(void *arg, char out[STORE_ALBUM_NAME + 1], const char *title,
    const char *record)
{
	(void)arg;
	snprintf(out, STORE_ALBUM_NAME + 1, "%s%s",
	    title != NULL ? title : "no name ", title != NULL ? "" : record);
}

static void
take_fault(void *arg, const char *path, bool in_the_way)
{
	struct told *t = arg;

	assert_int_equal(strncmp(path, "Albums/", 7), 0);
	t->in_the_way += in_the_way;
	t->refused += !in_the_way;
}

static struct told
link_all(struct bench *b)
{
	struct told t = {0};
	const struct store_links_words words = {
	    .name = name_it, .fault = take_fault, .arg = &t};

	must(store_links_write(&t.links, b->s, &words, e));
	return t;
}

static void
exec(struct bench *b, const char *sql)
{
	assert_int_equal(
	    sqlite3_exec(b->s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

#define ALBUM  0
#define FOLDER STORE_ALBUM_FOLDER

static void
album(struct bench *b, const char *name, const char *title, const char *parent,
    int64_t type, bool trashed)
{
	static int tag;
	char text[16];
	int64_t rec;

	snprintf(text, sizeof(text), "t%d", ++tag);
	put_record(&rec, b, name, STORE_ALBUM, text);
	must(store_album_put(
	    b->s, rec, b->zone, title, parent, type, 1, trashed, e));
}

static void
member(struct bench *b, const char *asset, const char *in, bool out)
{
	static int tag;
	char name[64], text[16];
	int64_t rec;

	snprintf(text, sizeof(text), "r%d", ++tag);
	snprintf(name, sizeof(name), "%s-IN-%s", asset, in);
	put_record(&rec, b, name, STORE_RELATION, text);
	must(store_relation_put(b->s, rec, b->zone, asset, in, 1, out, e));
}

/* The text of a link in Albums, without the way up to ROOT. */
static const char *
from_root(const char *target, const char *path)
{
	for (; path != NULL; path = strchr(path + 1, '/')) {
		assert_int_equal(strncmp(target, "../", 3), 0);
		target += 3;
	}
	assert_int_not_equal(*target, '.');
	return target;
}

/* "A/IMG_1.JPG>2024/07/IMG_1.JPG\n" of each link, and "A/x\n" of what is
 * none; "A/\n" of an empty folder. */
static void
list_into(struct buf *out, const char *top, const char *path)
{
	char *whole = xasprintf("%s/%s", top, path), target[512];
	struct dirent **names;
	int i, n = scandir(whole, &names, NULL, alphasort);
	ssize_t len;

	if (n == 2)
		buf_addf(out, "%s/\n", path);
	for (i = 0; i < n; i++) {
		char *child = xasprintf(
		    "%s%s%s", path, *path ? "/" : "", names[i]->d_name);
		char *at = xasprintf("%s/%s", top, child);
		struct stat st;

		assert_int_equal(lstat(at, &st), 0);
		if (strcmp(names[i]->d_name, ".") == 0 ||
		    strcmp(names[i]->d_name, "..") == 0)
			;
		else if (S_ISDIR(st.st_mode))
			list_into(out, top, child);
		else if (S_ISLNK(st.st_mode)) {
			len = readlink(at, target, sizeof(target) - 1);
			assert_true(len > 0);
			target[len] = '\0';
			buf_addf(out, "%s>%s\n", child,
			    *target == '/' ? target : from_root(target, child));
		} else
			buf_addf(out, "%s\n", child);
		free(at);
		free(child);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	free(whole);
}

static void
assert_albums_at(struct bench *b, const char *want, int line)
{
	char *top = xasprintf("%s/Albums", b->root);
	struct buf have = {0};

	list_into(&have, top, "");
	if (strcmp(buf_text(&have), want) != 0)
		fail_msg("line %d: there is\n%sand not\n%s", line,
		    buf_text(&have), want);
	buf_clear(&have);
	free(top);
}
#define assert_albums(b, want) assert_albums_at(b, want, __LINE__)

/* Two photos, and a Live Photo with an edit. */
static void
start(struct bench *b)
{
	struct store_resource r[2];

	bench_start(b);
	put_photo(b, "A1", "IMG_1.JPG", "one", 1);
	put_photo(b, "A2", "IMG_2.JPG", "two", 2);
	r[0] = resource(0, thing(b, "three"));
	r[1] = resource(LIVE_ROLE, thing(b, "movie"));
	put_master(b, "MA3", "t1", "IMG_3.HEIC", r, 2);
	r[0] = resource(EDIT_ROLE, thing(b, "edit"));
	put_asset(b, "A3", "t1", "MA3",
	    (struct store_asset){.res = r, .nres = 1, .month = 202407});
	assert_int_equal(fetch_all(b), 5);
}

/* How often what albums are made of has changed since. */
static bool
is_dirty(struct bench *b)
{
	return ask(b, "SELECT dirty FROM links") != 0;
}

static void
the_tree(void **state)
{
	struct bench b;
	struct told t;

	(void)state;
	start(&b);
	album(&b, "F1", "Trips", NULL, FOLDER, false);
	album(&b, "F2", "Europe", "F1", FOLDER, false);
	album(&b, "B1", "2024", "F1", ALBUM, false);
	album(&b, "B2", "2024", "F2", ALBUM, false); /* B018 */
	album(&b, "B3", "Top", NULL, ALBUM, false);
	album(&b, "B4", "Empty", NULL, ALBUM, false);
	album(&b, "B5", "Big", NULL, STORE_ALBUM_SMART, false);
	album(&b, "B6", "Gone", NULL, ALBUM, true);
	/* iCloud's own folder has no name; what is in it is at the top */
	album(&b, "F3", NULL, NULL, FOLDER, false);
	album(&b, "B7", "Project", "F3", ALBUM, false);
	album(&b, "B8", NULL, NULL, ALBUM, false);
	/* folders in each other, and one in what is not there */
	album(&b, "F4", "Ring", "F5", FOLDER, false);
	album(&b, "F5", "Rang", "F4", FOLDER, false);
	album(&b, "B9", "Lost", "F5", ALBUM, false);
	album(&b, "B10", "Orphan", "F9", ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A3", "B2", false);
	member(&b, "A2", "B3", false);
	member(&b, "A1", "B3", true);
	member(&b, "A1", "B5", false);
	member(&b, "A1", "B6", false);
	member(&b, "A1", "B7", false);
	member(&b, "A1", "B8", false);
	member(&b, "A1", "B9", false);
	member(&b, "A1", "B10", false);
	member(&b, "A9", "B3", false); /* has not come yet */
	t = link_all(&b);
	assert_int_equal(t.in_the_way + t.refused, 0);
	assert_int_equal(t.links.kind, STORE_LINK_SYMBOLIC);
	assert_int_equal(t.links.made, 9);
	assert_int_equal(t.links.links, 9);
	assert_albums(&b,
	    "Lost/IMG_1.JPG>2024/07/IMG_1.JPG\n"
	    "Orphan/IMG_1.JPG>2024/07/IMG_1.JPG\n"
	    "Project/IMG_1.JPG>2024/07/IMG_1.JPG\n"
	    "Top/IMG_2.JPG>2024/07/IMG_2.JPG\n"
	    "Trips/2024/IMG_1.JPG>2024/07/IMG_1.JPG\n"
	    "Trips/Europe/2024/IMG_3.HEIC>2024/07/IMG_3.HEIC\n"
	    "Trips/Europe/2024/IMG_3.MOV>2024/07/IMG_3.MOV\n"
	    "Trips/Europe/2024/IMG_3_edited.HEIC>2024/07/IMG_3_edited.HEIC\n"
	    "no name B8/IMG_1.JPG>2024/07/IMG_1.JPG\n");
	bench_done(&b);
}

static void
names_stay_with_their_albums(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	album(&b, "B1", "Juli", NULL, ALBUM, false);
	album(&b, "B2", "other", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A2", "B2", false);
	link_all(&b);
	/* The first keeps it, whatever comes. */
	album(&b, "B2", "JULI", NULL, ALBUM, false);
	link_all(&b);
	assert_albums(&b,
	    "JULI-vpn4fnom/IMG_2.JPG>2024/07/IMG_2.JPG\n"
	    "Juli/IMG_1.JPG>2024/07/IMG_1.JPG\n");
	/* It is free for a third, and the second stays what it is. */
	album(&b, "B1", "Mai", NULL, ALBUM, false);
	album(&b, "B3", "Juli", NULL, ALBUM, false);
	member(&b, "A3", "B3", false);
	link_all(&b);
	album(&b, "B1", "Juli", NULL, ALBUM, true);
	link_all(&b);
	assert_albums(&b,
	    "JULI-vpn4fnom/IMG_2.JPG>2024/07/IMG_2.JPG\n"
	    "Juli/IMG_3.HEIC>2024/07/IMG_3.HEIC\n"
	    "Juli/IMG_3.MOV>2024/07/IMG_3.MOV\n"
	    "Juli/IMG_3_edited.HEIC>2024/07/IMG_3_edited.HEIC\n");
	/* Two change names; a new spelling of letters is followed. */
	album(&b, "B3", "JULI", NULL, ALBUM, false);
	album(&b, "B2", "juli", NULL, ALBUM, true);
	link_all(&b);
	assert_albums(&b,
	    "JULI/IMG_3.HEIC>2024/07/IMG_3.HEIC\n"
	    "JULI/IMG_3.MOV>2024/07/IMG_3.MOV\n"
	    "JULI/IMG_3_edited.HEIC>2024/07/IMG_3_edited.HEIC\n");
	/* One whose title looks like another's with a suffix. */
	album(&b, "B4", "juli-vpn4fnom", NULL, ALBUM, false);
	album(&b, "B2", "juli", NULL, ALBUM, false);
	member(&b, "A1", "B4", false);
	link_all(&b);
	assert_int_equal(
	    ask(&b, "SELECT count(DISTINCT key) FROM album_place"), 3);
	bench_done(&b);
}

#define LONG10 "0123456789"
#define LONG   LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10
/* Three of them are 240. */

static void
pairs_keep_one_stem(void **state)
{
	struct bench b;
	char *name, *text;

	(void)state;
	start(&b);
	album(&b, "B1", "A", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A3", "B1", false);
	/* The same stem from another month. */
	exec(&b,
	    "UPDATE stem SET name = 'IMG_3', key = '2024/08/img_3'"
	    " WHERE name = 'IMG_1';"
	    "UPDATE file SET path = '2024/08/IMG_3.JPG',"
	    " key = '2024/08/img_3.jpg' WHERE path LIKE '%IMG_1.JPG'");
	plant(&b, "2024/08/IMG_3.JPG", "one");
	link_all(&b);
	assert_albums(&b,
	    "A/IMG_3-comlg5x5.HEIC>2024/07/IMG_3.HEIC\n"
	    "A/IMG_3-comlg5x5.MOV>2024/07/IMG_3.MOV\n"
	    "A/IMG_3.JPG>2024/08/IMG_3.JPG\n"
	    "A/IMG_3_edited.HEIC>2024/07/IMG_3_edited.HEIC\n");
	/* Once given, it stays, also when the first has left. */
	member(&b, "A1", "B1", true);
	assert_int_equal(link_all(&b).links.removed, 1);
	assert_albums(&b,
	    "A/IMG_3-comlg5x5.HEIC>2024/07/IMG_3.HEIC\n"
	    "A/IMG_3-comlg5x5.MOV>2024/07/IMG_3.MOV\n"
	    "A/IMG_3_edited.HEIC>2024/07/IMG_3_edited.HEIC\n");
	bench_done(&b);
	/* A name that is long already is cut for it. */
	start(&b);
	album(&b, "B1", "A", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A2", "B1", false);
	exec(&b,
	    "UPDATE stem SET key = stem, name = '" LONG LONG LONG "'"
	    " WHERE name LIKE 'IMG__';"
	    "UPDATE file SET key = file, path = file || '/" LONG LONG LONG
	    ".JPEG' WHERE path LIKE '%IMG__.JPG'");
	assert_int_equal(link_all(&b).refused, 0);
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM link WHERE length(path)"
			     " <= 9 + 255 AND path LIKE '%89.JPEG'"),
	    1);
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM link WHERE length(path)"
			     " <= 9 + 255 AND path LIKE '%-________.JPEG'"),
	    1);
	bench_done(&b);
	/* A file that somebody has moved keeps the name it was given. */
	start(&b);
	album(&b, "B1", "A", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A2", "B1", false);
	exec(&b,
	    "UPDATE file SET path = 'x/mine.JPG', key = 'x/mine.jpg'"
	    " WHERE path LIKE '%IMG_1.JPG';"
	    "UPDATE file SET path = 'y/MINE.JPG', key = 'y/mine.jpg'"
	    " WHERE path LIKE '%IMG_2.JPG'");
	link_all(&b);
	name = xasprintf("%s/Albums/A/MINE.JPG", b.root);
	text = xcalloc(1, 64);
	assert_true(readlink(name, text, 63) > 0);
	assert_string_equal(text, "../../y/MINE.JPG");
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM link WHERE path LIKE"
			     " 'Albums/A/mine-________.JPG'"),
	    1);
	free(text);
	free(name);
	bench_done(&b);
}

/* What changes the albums is seen, and nothing else is. */
static void
only_changes_are_looked_at(void **state)
{
	static const struct {
		const char *sql;
		bool dirty;
	} table[] = {
	    {"UPDATE album SET title = 'B'", true},
	    {"UPDATE album SET title = 'B', position = 9", false},
	    {"UPDATE album SET parent = rec", true},
	    {"UPDATE album SET parent = NULL", true},
	    {"UPDATE album SET type = 3", true},
	    {"UPDATE album SET type = 0", true},
	    {"UPDATE album SET trashed = 1", true},
	    {"UPDATE album SET trashed = 0", true},
	    {"UPDATE relation SET position = 7", false},
	    {"UPDATE relation SET trashed = 2", true},
	    {"UPDATE relation SET trashed = 0", true},
	    {"UPDATE asset SET flags = flags | 1, title = 'x'", false},
	    {"UPDATE asset SET flags = flags | 2", true},
	    {"UPDATE asset SET flags = flags & 1", true},
	    {"UPDATE asset SET flags = flags | 8", true},
	    {"UPDATE asset SET flags = 0", true},
	    {"UPDATE asset SET master = NULL", true},
	    {"UPDATE file SET checked_ms = 9, mtime_ms = 3", false},
	    {"UPDATE file SET damage = 1 WHERE file = 1", true},
	    {"UPDATE file SET damage = 0", true},
	    {"UPDATE file SET path = 'x' WHERE file = 1", true},
	    {"UPDATE resource SET uti = 'x'", false},
	    {"UPDATE resource SET content = NULL", true},
	    {"DELETE FROM resource WHERE role = 1", true},
	    {"UPDATE record SET gone_run = 1 WHERE type = 4", false},
	    {"UPDATE record SET gone_run = 1 WHERE type = 3", true},
	    {"UPDATE record SET gone_run = 2 WHERE type = 3", false},
	    {"UPDATE record SET gone_run = NULL WHERE type = 3", true},
	    {"UPDATE zone SET token = 'x'", false},
	    {"UPDATE zone SET gone_run = 1", true},
	};
	struct bench b;
	struct buf before = {0}, after = {0};

	(void)state;
	start(&b);
	album(&b, "B1", "A", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A3", "B1", false);
	/* Who never wants links pays nothing for them. */
	assert_int_equal(ask(&b, "SELECT count(*) FROM links"), 0);
	assert_int_equal(link_all(&b).links.made, 4);
	assert_false(is_dirty(&b));
	tree(&before, b.root);
	assert_false(link_all(&b).links.tried);
	bench_reopen(&b);
	bench_begin(&b);
	assert_int_equal(link_all(&b).links.links, 4);
	tree(&after, b.root);
	assert_string_equal(buf_text(&before), buf_text(&after));
	buf_clear(&before);
	buf_clear(&after);
	/* A new one that is already here, in an album that has it. */
	album(&b, "B2", "New", NULL, ALBUM, false);
	assert_true(is_dirty(&b));
	link_all(&b);
	member(&b, "A4", "B2", false);
	assert_true(is_dirty(&b));
	assert_int_equal(link_all(&b).links.made, 0);
	put_asset(&b, "A4", "t1", "MA1", (struct store_asset){.month = 202407});
	assert_true(is_dirty(&b));
	assert_int_equal(link_all(&b).links.made, 1);
	put_photo(&b, "A5", "IMG_5.JPG", "five", 5);
	member(&b, "A5", "B2", false);
	assert_int_equal(link_all(&b).links.made, 0);
	assert_int_equal(fetch_all(&b), 1);
	assert_true(is_dirty(&b));
	assert_int_equal(link_all(&b).links.made, 1);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		exec(&b, "UPDATE links SET dirty = 0");
		exec(&b, table[i].sql);
		if (is_dirty(&b) != table[i].dirty)
			fail_msg("%s", table[i].sql);
	}
	store_close(b.s); /* not sound any more, on purpose */
	b.s = NULL;
	bench_done(&b);
}

static void
nothing_of_others_is_touched(void **state)
{
	struct bench b;
	struct told t;
	bool ours;
	struct stat st;

	(void)state;
	start(&b);
	album(&b, "F1", "F", NULL, FOLDER, false);
	album(&b, "B1", "A", "F1", ALBUM, false);
	album(&b, "B2", "B", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A2", "B1", false);
	member(&b, "A2", "B2", false);
	plant(&b, "Albums/F/A/IMG_1.JPG", "mine");
	plant(&b, "Albums/B", "mine");
	t = link_all(&b);
	assert_int_equal(t.in_the_way, 2);
	assert_int_equal(t.links.in_the_way, 2);
	assert_int_equal(t.links.made, 1);
	t = link_all(&b); /* told once */
	assert_int_equal(t.in_the_way, 0);
	assert_int_equal(t.links.in_the_way, 2);
	assert_false(t.links.tried);
	assert_file(&b, "Albums/F/A/IMG_1.JPG", "mine");
	assert_file(&b, "Albums/B", "mine");
	/* Which are ours? */
	assert_int_equal(
	    file_stat(&st, b.s->root_fd, "Albums/F/A/IMG_2.JPG"), 0);
	must(link_is_at(&ours, b.s, "Albums/F/A/IMG_2.JPG", &st, e));
	assert_true(ours);
	must(link_is_at(&ours, b.s, "albums/f/a/img_2.jpg", &st, e));
	assert_true(ours);
	must(link_is_at(&ours, b.s, "Albums/F/A/IMG_3.JPG", &st, e));
	assert_false(ours);
	assert_int_equal(
	    file_stat(&st, b.s->root_fd, "Albums/F/A/IMG_1.JPG"), 0);
	must(link_is_at(&ours, b.s, "Albums/F/A/IMG_1.JPG", &st, e));
	assert_false(ours);
	/* The place is free: they come. */
	assert_int_equal(file_unlink(b.s->root_fd, "Albums/B"), 0);
	t = link_all(&b);
	assert_int_equal(t.links.made, 1);
	assert_int_equal(t.links.in_the_way, 1);
	/* A link of ours that says something else now is nobody's but theirs;
	 * and folders go only if they are empty and were made for links. */
	assert_int_equal(file_unlink(b.s->root_fd, "Albums/F/A/IMG_2.JPG"), 0);
	assert_int_equal(
	    symlinkat("/etc/passwd", b.s->root_fd, "Albums/F/A/IMG_2.JPG"), 0);
	album(&b, "B1", "A", "F1", ALBUM, true);
	album(&b, "B2", "B", NULL, ALBUM, true);
	t = link_all(&b);
	assert_int_equal(t.links.removed, 1);
	assert_int_equal(t.links.links + t.links.in_the_way, 0);
	assert_albums(&b,
	    "F/A/IMG_1.JPG\n"
	    "F/A/IMG_2.JPG>/etc/passwd\n");
	assert_int_equal(file_unlink(b.s->root_fd, "Albums/F/A/IMG_2.JPG"), 0);
	assert_int_equal(file_unlink(b.s->root_fd, "Albums/F/A/IMG_1.JPG"), 0);
	album(&b, "B2", "B", NULL, ALBUM, false);
	link_all(&b);
	album(&b, "B2", "B", NULL, ALBUM, true);
	link_all(&b);
	assert_albums(&b, "F/A/\n"); /* theirs */
	/* A link out of the copy is not followed. */
	assert_int_equal(unlinkat(b.s->root_fd, "Albums/F/A", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(b.s->root_fd, "Albums/F", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(b.s->root_fd, "Albums", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat(b.state, b.s->root_fd, "Albums"), 0);
	album(&b, "B2", "B", NULL, ALBUM, false);
	t = link_all(&b);
	assert_int_equal(t.in_the_way, 1);
	assert_int_equal(unlinkat(b.s->root_fd, "Albums", 0), 0);
	bench_done(&b);
}

/* Where there are no symbolic ones. */
static void
hard_links(void **state)
{
	struct bench b;
	struct told t;
	struct stat st, other;
	bool ours;
	int fd;

	(void)state;
	start(&b);
	b.s->has_volume = true;
	must(file_probe(&b.s->volume, b.s->root_fd, ".icloud-pull", e));
	b.s->volume.symlinks = false;
	album(&b, "B1", "A", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	member(&b, "A2", "B1", false);
	t = link_all(&b);
	assert_int_equal(t.links.kind, STORE_LINK_HARD);
	assert_int_equal(t.links.made, 2);
	assert_int_equal(file_stat(&st, b.s->root_fd, "Albums/A/IMG_1.JPG"), 0);
	assert_int_equal(
	    file_stat(&other, b.s->root_fd, "2024/07/IMG_1.JPG"), 0);
	assert_int_equal(st.st_ino, other.st_ino);
	must(link_is_at(&ours, b.s, "Albums/A/IMG_1.JPG", &st, e));
	assert_true(ours);
	/* The last name of its bytes is no link any more, and stays. */
	assert_int_equal(file_unlink(b.s->root_fd, "2024/07/IMG_1.JPG"), 0);
	exec(&b, "UPDATE file SET damage = 1 WHERE path LIKE '%IMG_1.JPG'");
	assert_int_equal(file_stat(&st, b.s->root_fd, "Albums/A/IMG_1.JPG"), 0);
	must(link_is_at(&ours, b.s, "Albums/A/IMG_1.JPG", &st, e));
	assert_false(ours);
	t = link_all(&b);
	assert_int_equal(t.links.removed, 0);
	assert_file(&b, "Albums/A/IMG_1.JPG", "one");
	/* A file that was replaced, and one that is locked. */
	assert_int_equal(file_unlink(b.s->root_fd, "2024/07/IMG_2.JPG"), 0);
	plant(&b, "2024/07/IMG_2.JPG", "two");
	plant(&b, "elsewhere", "x");
	fd = file_open(b.s->root_fd, "Albums/A/IMG_2.JPG", O_RDONLY, 0);
	assert_int_equal(
	    linkat(b.s->root_fd, "Albums/A/IMG_2.JPG", b.s->root_fd, "kept", 0),
	    0);
	compat_set_immutable(fd, true);
	assert_int_equal(close(fd), 0);
	fd = file_open(b.s->root_fd, "2024/07/IMG_2.JPG", O_RDONLY, 0);
	compat_set_immutable(fd, true);
	exec(&b, "UPDATE links SET dirty = 1");
	t = link_all(&b);
	assert_int_equal(t.links.removed, 1);
	assert_int_equal(t.links.made, 1);
	assert_int_equal(t.refused, 0);
	assert_int_equal(file_stat(&st, b.s->root_fd, "Albums/A/IMG_2.JPG"), 0);
	assert_int_equal(fstat(fd, &other), 0);
	assert_int_equal(st.st_ino, other.st_ino);
	compat_set_immutable(fd, false);
	assert_int_equal(close(fd), 0);
	fd = file_open(b.s->root_fd, "kept", O_RDONLY, 0);
	compat_set_immutable(fd, false);
	assert_int_equal(close(fd), 0);
	/* With symbolic ones at hand, those; with neither, nothing. */
	b.s->volume.symlinks = true;
	exec(&b, "UPDATE links SET dirty = 1");
	t = link_all(&b);
	assert_int_equal(t.links.kind, STORE_LINK_SYMBOLIC);
	assert_albums(&b,
	    "A/IMG_1.JPG\n"
	    "A/IMG_2.JPG>2024/07/IMG_2.JPG\n");
	b.s->volume.symlinks = b.s->volume.hard_links = false;
	exec(&b, "UPDATE links SET dirty = 1");
	t = link_all(&b);
	assert_int_equal(t.links.kind, STORE_LINK_NONE);
	assert_true(t.links.tried);
	assert_false(link_all(&b).links.tried);
	bench_done(&b);
}

/* A file that is locked stays locked. */
static void
locked_files(void **state)
{
	struct bench b;
	int fd;

	(void)state;
	start(&b);
	fd = file_open(b.s->root_fd, "2024/07/IMG_1.JPG", O_RDONLY, 0);
	compat_set_immutable(fd, true);
	if (!compat_is_immutable(fd)) {
		assert_int_equal(close(fd), 0);
		bench_done(&b);
		skip();
	}
	b.s->has_volume = true;
	must(file_probe(&b.s->volume, b.s->root_fd, ".icloud-pull", e));
	b.s->volume.symlinks = false;
	album(&b, "B1", "A", NULL, ALBUM, false);
	member(&b, "A1", "B1", false);
	assert_int_equal(link_all(&b).links.made, 1);
	assert_true(compat_is_immutable(fd));
	member(&b, "A1", "B1", true);
	assert_int_equal(link_all(&b).links.removed, 1);
	assert_true(compat_is_immutable(fd));
	compat_set_immutable(fd, false);
	assert_false(compat_is_immutable(fd));
	assert_int_equal(close(fd), 0);
	bench_done(&b);
}

/* ---- killed at each step ---- */

static int steps_left;

static void
die_at_step(const char *name)
{
	(void)name;
	if (--steps_left == 0)
		_exit(42);
}

static void
change(struct bench *b)
{
	album(b, "B1", "New", NULL, ALBUM, false);
	album(b, "B2", "A", NULL, ALBUM, false);
	member(b, "A2", "B1", true);
}

/* As pass of a process of its own that dies at a step; false: there are not so
 * many. */
static bool
killed(struct bench *b, int step)
{
	int status;
	pid_t pid;

	store_close(b->s);
	b->s = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		b->work = work_new(1);
		bench_open(b);
		bench_begin(b);
		steps_left = step;
		b->s->step = die_at_step;
		(void)link_all(b);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	bench_open(b);
	bench_begin(b);
	return WEXITSTATUS(status) == 42;
}

static void
killed_at_any_step(void **state)
{
	struct bench b;
	struct told t;
	int step = 0;
	bool more = true;

	(void)state;
	while (more) {
		start(&b);
		album(&b, "B1", "A", NULL, ALBUM, false);
		album(&b, "B2", "B", NULL, ALBUM, false);
		member(&b, "A1", "B1", false);
		member(&b, "A2", "B1", false);
		member(&b, "A2", "B2", false);
		more = killed(&b, ++step);
		t = link_all(&b);
		assert_int_equal(t.in_the_way + t.refused, 0);
		assert_albums(&b,
		    "A/IMG_1.JPG>2024/07/IMG_1.JPG\n"
		    "A/IMG_2.JPG>2024/07/IMG_2.JPG\n"
		    "B/IMG_2.JPG>2024/07/IMG_2.JPG\n");
		change(&b);
		more = killed(&b, step) || more;
		t = link_all(&b);
		assert_int_equal(t.in_the_way + t.refused, 0);
		assert_albums(&b,
		    "A/IMG_2.JPG>2024/07/IMG_2.JPG\n"
		    "New/IMG_1.JPG>2024/07/IMG_1.JPG\n");
		assert_false(is_dirty(&b));
		assert_int_equal(
		    ask(&b, "SELECT count(*) FROM link WHERE state <> 1"), 0);
		album(&b, "B1", "New", NULL, ALBUM, true);
		album(&b, "B2", "A", NULL, ALBUM, true);
		assert_int_equal(link_all(&b).links.removed, 2);
		assert_albums(&b, "");
		assert_int_equal(
		    ask(&b, "SELECT count(*) FROM link_folder"), 0);
		bench_done(&b);
	}
	assert_true(step > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_tree),
	    cmocka_unit_test(names_stay_with_their_albums),
	    cmocka_unit_test(pairs_keep_one_stem),
	    cmocka_unit_test(only_changes_are_looked_at),
	    cmocka_unit_test(nothing_of_others_is_touched),
	    cmocka_unit_test(hard_links),
	    cmocka_unit_test(locked_files),
	    cmocka_unit_test(killed_at_any_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
