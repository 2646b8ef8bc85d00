#include "bench.h"

#include <sys/wait.h>

/*
 * Sidecars: who has one, when it is written anew, whose bytes are never
 * replaced, and what a run that was killed leaves.
 */

#define WITH_SIDECAR (1U << 0 | 1U << ALT_ROLE | 1U << EDIT_ROLE)

struct told {
	int wrote, faults;
	enum store_sidecar_fault fault;
	char path[300];
};

/* The sums would do; plain words are easier to read. */
static void
write_words(void *arg, struct buf *out,
    const struct store_sidecar_asset *assets, size_t n)
{
	struct told *t = arg;

	t->wrote++;
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%.*s%s%s%lld;", (int)assets[i].asset.len,
		    (const char *)assets[i].asset.p,
		    assets[i].master.p != NULL ? "+m" : "",
		    assets[i].favourite ? "*" : "",
		    assets[i].has_taken ? (long long)assets[i].taken_ms : -1);
}

static void
take_fault(void *arg, const char *path, enum store_sidecar_fault fault)
{
	struct told *t = arg;

	t->faults++;
	t->fault = fault;
	snprintf(t->path, sizeof(t->path), "%s", path);
}

static struct told
write_all(struct bench *b)
{
	struct told t = {0};
	const struct store_sidecar_words words = {.roles = WITH_SIDECAR,
	    .write = write_words,
	    .fault = take_fault,
	    .arg = &t};

	must(store_sidecars_write(b->s, &words, e));
	return t;
}

/* Its record says something, and its master's file has a name. */
static void
photo(struct bench *b, const char *name, const char *tag, const char *filename,
    const char *bytes, const char *says, bool favourite)
{
	struct store_resource r = resource(0, thing(b, bytes));
	struct store_record rec = {.zone = b->zone,
	    .name = name,
	    .type = STORE_ASSET,
	    .tag = tag,
	    .bytes = says,
	    .len = strlen(says)};
	struct store_asset a = {.zone = b->zone,
	    .has_taken = true,
	    .taken_ms = 5,
	    .month = 202407,
	    .favourite = favourite};
	enum store_change change;
	char master[64];

	snprintf(master, sizeof(master), "M%s", bytes);
	put_master(b, master, "t", filename, &r, 1);
	must(store_record_put(&change, &a.rec, b->s, &rec, false, e));
	a.master = master;
	if (change != STORE_SAME)
		must(store_asset_put(b->s, &a, e));
}

/* Two photos and what hangs on one of them. */
static void
library(struct bench *b)
{
	struct store_resource r[2] = {resource(LIVE_ROLE, thing(b, "movie")),
	    resource(EDIT_ROLE, thing(b, "edit"))};
	int64_t rec;

	photo(b, "A1", "t", "IMG_1.HEIC", "one", "first", false);
	photo(b, "A2", "t", "IMG_2.HEIC", "two", "second", true);
	r[0] = resource(0, thing(b, "three"));
	r[1] = resource(LIVE_ROLE, thing(b, "movie"));
	put_master(b, "M3", "t", "IMG_3.HEIC", r, 2);
	r[0] = resource(EDIT_ROLE, thing(b, "edit"));
	rec = put_asset(b, "A3", "t", "M3",
	    (struct store_asset){.res = r, .nres = 1, .month = 202407});
	assert_true(rec > 0);
}

#define ONE   "2024/07/IMG_1.HEIC.xmp"
#define TWO   "2024/07/IMG_2.HEIC.xmp"
#define THREE "2024/07/IMG_3.HEIC.xmp"

static void
start(struct bench *b)
{
	bench_start(b);
	library(b);
	assert_int_equal(fetch_all(b), 5);
}

static void
each_good_file_of_these_roles(void **state)
{
	struct bench b;
	struct told t;
	struct stat st;

	(void)state;
	start(&b);
	assert_int_equal(ask(&b, "SELECT count(*) FROM sidecar_due"), 0);
	t = write_all(&b);
	assert_int_equal(t.wrote, 4);
	assert_int_equal(t.faults, 0);
	assert_file(&b, ONE, "first+m5;");
	assert_file(&b, TWO, "second+m*5;");
	assert_file(&b, THREE, "{}+m-1;");
	assert_file(&b, "2024/07/IMG_3_edited.HEIC.xmp", "{}+m-1;");
	assert_absent(&b, "2024/07/IMG_3.MOV.xmp");
	assert_int_equal(file_stat(&st, b.s->root_fd, ONE), 0);
	assert_int_equal(st.st_mode & 0777, 0644 & ~umask(umask(0)));
	assert_sums(&b, 5);
	/* and then nothing is even looked at */
	assert_int_equal(write_all(&b).wrote, 0);
	bench_reopen(&b);
	bench_begin(&b);
	assert_int_equal(write_all(&b).wrote, 0);
	bench_done(&b);
}

static void
only_what_changes(void **state)
{
	struct stat before, after;
	struct bench b;
	struct told t;

	(void)state;
	start(&b);
	write_all(&b);
	assert_int_equal(file_stat(&before, b.s->root_fd, TWO), 0);
	/* Its words, and its star; the same bytes are not written again. */
	photo(&b, "A1", "t2", "IMG_1.HEIC", "one", "first again", false);
	photo(&b, "A2", "t2", "IMG_2.HEIC", "two", "second", true);
	t = write_all(&b);
	assert_int_equal(t.wrote, 2);
	assert_file(&b, ONE, "first again+m5;");
	assert_int_equal(file_stat(&after, b.s->root_fd, TWO), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	photo(&b, "A1", "t3", "IMG_1.HEIC", "one", "first again", true);
	assert_int_equal(write_all(&b).wrote, 1);
	assert_file(&b, ONE, "first again+m*5;");
	/* A file that comes later, and one that two assets have. */
	photo(&b, "A4", "t", "IMG_4.HEIC", "four", "fourth", false);
	photo(&b, "A5", "t", "IMG_1.HEIC", "one", "fifth", false);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(write_all(&b).wrote, 2);
	assert_file(&b, "2024/07/IMG_4.HEIC.xmp", "fourth+m5;");
	assert_file(&b, ONE, "first again+m*5;fifth+m5;");
	bench_done(&b);
}

static void
what_is_gone_is_written_again(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	write_all(&b);
	assert_int_equal(file_unlink(b.s->root_fd, ONE), 0);
	assert_int_equal(write_all(&b).wrote, 1); /* before the round's end */
	assert_file(&b, ONE, "first+m5;");
	assert_int_equal(file_unlink(b.s->root_fd, TWO), 0);
	assert_int_equal(write_all(&b).wrote, 1);
	assert_file(&b, TWO, "second+m*5;");
	bench_done(&b);
}

static void
other_peoples_bytes_stay(void **state)
{
	struct bench b;
	struct told t;
	char path[200];

	(void)state;
	start(&b);
	plant(&b, ONE, "foreign");
	t = write_all(&b);
	assert_int_equal(t.faults, 1);
	assert_int_equal(t.fault, STORE_SIDECAR_FOREIGN);
	assert_string_equal(t.path, ONE);
	assert_file(&b, ONE, "foreign");
	/* Said once, until there is room. */
	photo(&b, "A1", "t2", "IMG_1.HEIC", "one", "news", false);
	assert_int_equal(write_all(&b).faults, 0);
	assert_file(&b, ONE, "foreign");
	assert_int_equal(file_unlink(b.s->root_fd, ONE), 0);
	write_all(&b);
	assert_file(&b, ONE, "news+m5;");

	/* Ours, and somebody has written into it. */
	plant(&b, TWO, "theirs");
	photo(&b, "A2", "t2", "IMG_2.HEIC", "two", "news", false);
	t = write_all(&b);
	assert_int_equal(t.faults, 1);
	assert_int_equal(t.fault, STORE_SIDECAR_CHANGED);
	photo(&b, "A2", "t3", "IMG_2.HEIC", "two", "more news", false);
	assert_int_equal(write_all(&b).faults, 0);
	assert_file(&b, TWO, "theirs");
	/* The very bytes are nobody's. */
	plant(&b, TWO, "more news+m5;");
	photo(&b, "A2", "t4", "IMG_2.HEIC", "two", "more news", false);
	assert_int_equal(write_all(&b).faults, 0);
	photo(&b, "A2", "t5", "IMG_2.HEIC", "two", "the last", false);
	assert_int_equal(write_all(&b).faults, 0);
	assert_file(&b, TWO, "the last+m5;");

	/* A folder, and a link that leads away. */
	assert_int_equal(file_unlink(b.s->root_fd, ONE), 0);
	assert_int_equal(file_mkdirs(b.s->root_fd, ONE), 0);
	assert_int_equal(file_unlink(b.s->root_fd, THREE), 0);
	snprintf(path, sizeof(path), "%s/%s", b.root, THREE);
	assert_int_equal(symlink("/dev/null", path), 0);
	photo(&b, "A1", "t9", "IMG_1.HEIC", "one", "x", false);
	put_asset(&b, "A3", "t9", "M3",
	    (struct store_asset){.month = 202407, .favourite = true});
	assert_int_equal(write_all(&b).faults, 2);
	bench_done(&b);
}

/* Its name is taken, for a picture too. */
static void
a_name_is_of_one(void **state)
{
	struct bench b;
	bool taken;

	(void)state;
	start(&b);
	must(file_path_taken(&taken, b.s, ONE, 0, e));
	assert_false(taken);
	write_all(&b);
	must(file_path_taken(&taken, b.s, "2024/07/img_1.heic.XMP", 0, e));
	assert_true(taken);
	/* A picture of this name was there first. */
	photo(&b, "A6", "t", "IMG_7.HEIC.xmp", "a picture", "six", false);
	assert_int_equal(fetch_all(&b), 1);
	photo(&b, "A7", "t", "IMG_7.HEIC", "seven", "seven", false);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(write_all(&b).faults, 1);
	assert_file(&b, "2024/07/IMG_7.HEIC.xmp", "a picture");
	bench_done(&b);
}

static void
damaged_files_wait(void **state)
{
	struct store_note note = {.damage = STORE_MISSING};
	struct bench b;

	(void)state;
	start(&b);
	note.file =
	    ask(&b, "SELECT file FROM file WHERE path LIKE '%IMG_1.HEIC'");
	must(store_file_note(b.s, &note, NOW, e));
	write_all(&b);
	assert_absent(&b, ONE);
	note.damage = STORE_GOOD;
	must(store_file_note(b.s, &note, NOW, e));
	assert_int_equal(write_all(&b).wrote, 1);
	assert_file(&b, ONE, "first+m5;");
	bench_done(&b);
}

/* ---- killed at each step ---- */

#define STEPS 3

static int steps_left;

static void
die_at_step(const char *name)
{
	if (strncmp(name, "sidecars", 8) == 0 && --steps_left == 0)
		_exit(42);
}

/* A pass in a process of its own that is killed at a step; false: there are
 * not so many. */
static bool
killed(struct bench *b, int step, const char *tag, const char *says)
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
		photo(b, "A1", tag, "IMG_1.HEIC", "one", says, false);
		steps_left = step;
		b->s->step = die_at_step;
		(void)write_all(b);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	bench_open(b);
	bench_begin(b);
	return WEXITSTATUS(status) == 42;
}

/* What it was about to write is its own, also if the words have changed since;
 * and nothing is lost. */
static void
killed_at(int first, int second)
{
	struct bench b;
	struct told t;

	start(&b);
	assert_true(killed(&b, first, "t2", "first"));
	assert_true(killed(&b, second, "t3", "second thought"));
	photo(&b, "A1", "t4", "IMG_1.HEIC", "one", "third", false);
	t = write_all(&b);
	assert_int_equal(t.faults, 0);
	assert_file(&b, ONE, "third+m5;");
	assert_file(&b, TWO, "second+m*5;");
	assert_file(&b, THREE, "{}+m-1;");
	assert_int_equal(ask(&b, "SELECT count(*) FROM sidecar_due"), 0);
	assert_int_equal(ask(&b,
			     "SELECT count(*) FROM sidecar"
			     " WHERE next IS NOT NULL OR sha256 IS NULL"),
	    0);
	bench_done(&b);
}

static void
killed_at_any_step(void **state)
{
	struct bench b;

	(void)state;
	for (int first = 1; first <= STEPS; first++)
		for (int second = 1; second <= STEPS; second++)
			killed_at(first, second);
	/* What a batch leaves that no later one writes over goes, too. */
	start(&b);
	plant(&b, ".icloud-pull/partial.noindex/sidecar-63", "left");
	write_all(&b);
	bench_end(&b);
	assert_absent(&b, ".icloud-pull/partial.noindex/sidecar-63");
	bench_done(&b);
	start(&b);
	assert_false(killed(&b, STEPS + 1, "t2", "first"));
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_good_file_of_these_roles),
	    cmocka_unit_test(only_what_changes),
	    cmocka_unit_test(what_is_gone_is_written_again),
	    cmocka_unit_test(other_peoples_bytes_stay),
	    cmocka_unit_test(a_name_is_of_one),
	    cmocka_unit_test(damaged_files_wait),
	    cmocka_unit_test(killed_at_any_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
