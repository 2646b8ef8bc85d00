#include "bench.h"

#include <sys/wait.h>

/* A run is killed at every step in turn; the next one puts it in order. */

static int steps_left;

static void
die_at_step(const char *name)
{
	(void)name;
	/* Also reached on workers, one at a time in this scenario. */
	if (--steps_left == 0)
		_exit(42);
}

/* The cloud of all runs. */
static void
cloud(struct bench *b)
{
	struct store_resource r[2];

	r[0] = resource(0, thing(b, "still"));
	r[1] = resource(LIVE_ROLE, thing(b, "movie"));
	put_master(b, "M1", "t", "IMG_1.HEIC", r, 2);
	r[0] = resource(EDIT_ROLE, thing(b, "edit"));
	put_asset(b, "A1", "t", "M1",
	    (struct store_asset){.res = r,
		.nres = 1,
		.has_taken = true,
		.taken_ms = NOW,
		.month = 202407});
	put_photo(b, "A2", "IMG_1.HEIC", "namesake", 1000);
	put_photo(b, "A3", "IMG_2.HEIC", "three", 900);
	r[0] = resource(0, thing_kind(b, "cannot be computed", 9));
	put_master(b, "M4", "t", "IMG_3.HEIC", r, 1);
	put_asset(b, "A4", "t", "M4", (struct store_asset){.month = 202407});
}

/* One run: two batches. */
static void
run(struct bench *b)
{
	struct store_want w;
	int i;

	bench_open(b);
	b->s->step = steps_left > 0 ? die_at_step : NULL;
	bench_begin(b);
	bench_zone(b);
	must(store_begin(b->s, e));
	cloud(b);
	must(store_zone_token(b->s, b->zone, "t", true, 1, NOW, e));
	must(store_commit(b->s, e));
	for (i = 0; i < 3 && next_want(&w, b); i++) {
		free(fetch_one(b, &w));
		store_want_clear(&w);
	}
	must(store_flush(b->s, e));
	fetch_all(b);
	bench_end(b);
	store_close(b->s);
	b->s = NULL;
}

/* In a process of its own; its exit status. */
static int
run_apart(struct bench *b)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		b->work = work_new(1);
		run(b);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
each_file(void *arg, const struct store_file *f)
{
	struct bench *b = arg;

	assert_file(b, f->path, thing_of(b, f->checksum)->bytes);
}

/* All is held and proven, under the names of a run that lived. */
static void
assert_whole(struct bench *b)
{
	struct store_totals t;
	char suffix[33], path[200];

	must(store_totals(&t, b->s, e));
	assert_int_equal(t.missing, 0);
	assert_int_equal(t.held, 6);
	assert_int_equal(t.proven, 5);
	must(store_files(b->s, each_file, b, e));
	assert_sums(b, 6);
	assert_sound(b);
	assert_file(b, "2024/07/IMG_1.HEIC", "still");
	assert_file(b, "2024/07/IMG_1.MOV", "movie");
	assert_file(b, "2024/07/IMG_1_edited.HEIC", "edit");
	assert_file(b, "2024/07/IMG_2.HEIC", "three");
	text_base32(suffix, 32, thing(b, "namesake")->checksum + 1, 20);
	snprintf(path, sizeof(path), "2024/07/IMG_1-%.8s.HEIC", suffix);
	assert_file(b, path, "namesake");
	snprintf(
	    path, sizeof(path), "%s/.icloud-pull/partial.noindex", b->root);
	assert_int_equal(rmdir(path), 0); /* it is empty */
	assert_int_equal(mkdir(path, 0777), 0);
}

/* Killed at step first, and the next run at step second; then left alone. */
static bool
killed_at(int first, int second)
{
	struct buf before = {0}, after = {0};
	struct bench b;
	int status;

	bench_init(&b);
	work_free(b.work);
	b.work = NULL;
	steps_left = first;
	status = run_apart(&b);
	assert_true(status == 42 || status == 0);
	if (status == 42 && second > 0) {
		steps_left = second;
		(void)run_apart(&b);
	}
	steps_left = 0;
	b.work = work_new(2);
	run(&b);
	bench_open(&b);
	assert_whole(&b);
	store_close(b.s);
	b.s = NULL;
	tree(&before, b.root);
	run(&b);
	tree(&after, b.root);
	assert_string_equal(buf_text(&before), buf_text(&after));
	buf_clear(&before);
	buf_clear(&after);
	bench_done(&b);
	return status == 42;
}

static void
killed_at_every_step(void **state)
{
	int at = 1;

	(void)state;
	while (killed_at(at, 0))
		at++;
	print_message("# killed at %d steps\n", at - 1);
	assert_true(at > 40);
}

static void
killed_again_in_the_repair(void **state)
{
	int at, again;

	(void)state;
	for (at = 3; at < 42; at += 3) {
		for (again = 1; again < 8; again++)
			(void)killed_at(at, again);
	}
}

/* ---- killed while mending ---- */

static void
sh(struct bench *b, const char *script)
{
	char cmd[700];

	snprintf(cmd, sizeof(cmd), "cd '%s' && %s", b->root, script);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
}

/* Flipped, replaced by a folder, gone, moved. */
static void
do_damage(struct bench *b)
{
	sh(b,
	    "cd 2024/07 && chmod u+w * && printf stiLL >IMG_1.HEIC &&"
	    " rm IMG_1.MOV && mkdir IMG_1.MOV && echo mine >IMG_1.MOV/mine &&"
	    " rm IMG_1_edited.HEIC && mkdir ../../kept &&"
	    " mv IMG_2.HEIC ../../kept/");
}

static void
check(void *arg, const struct store_file *f)
{
	struct bench *b = arg;
	struct store_note n = {.file = f->file};
	struct digest_sum sum;

	if (store_check_at(
		&sum, &n.mtime_ms, store_root_fd(b->s), f->path, NULL, 0) == -1)
		n.damage = errno == ENOENT ? STORE_MISSING : STORE_OBSTRUCTED;
	else if (memcmp(sum.sha256, f->sha256, sizeof(sum.sha256)) != 0)
		n.damage = STORE_ALTERED;
	must(store_file_note(b->s, &n, NOW, e));
}

static void
stray(void *arg, const struct store_stray *y)
{
	struct bench *b = arg;
	struct digest_sum sum;
	char *other;

	if (!y->look)
		return;
	assert_int_equal(
	    store_hash_at(&sum, store_root_fd(b->s), y->path, NULL, 0), 0);
	must(store_found(&other, b->s, y->path, &sum, e));
	free(other);
}

static void
moved(void *arg, const char *from, const char *to)
{
	(void)arg;
	(void)from;
	(void)to;
}

/* As verify --repair does it. */
static void
run_repair(struct bench *b)
{
	struct store_options o = bench_options(b);
	int64_t n, kept;

	o.mode = STORE_MEND;
	must(store_open(&b->s, &o, e));
	b->s->step = steps_left > 0 ? die_at_step : NULL;
	bench_begin(b);
	must(store_files(b->s, check, b, e));
	must(store_strays(b->s, stray, b, e));
	must(store_follow(b->s, moved, b, e));
	must(store_mend(&n, &kept, b->s, STORE_MEND_ALL, e));
	assert_int_equal(kept, 0);
	fetch_all(b);
	bench_end(b);
	store_close(b->s);
	b->s = NULL;
}

static void
assert_mended(struct bench *b)
{
	struct store_totals t;

	must(store_totals(&t, b->s, e));
	assert_int_equal(t.held, 6);
	assert_int_equal(t.damaged, 0);
	must(store_files(b->s, each_file, b, e));
	assert_sums(b, 6);
	assert_sound(b);
	assert_file(b, "2024/07/IMG_1.HEIC", "still");
	assert_file(b, "2024/07/IMG_1.MOV", "movie");
	assert_file(b, "2024/07/IMG_1_edited.HEIC", "edit");
	assert_file(b, "kept/IMG_2.HEIC", "three");
	assert_absent(b, "2024/07/IMG_2.HEIC");
	/* What was damaged is kept, and what was not is not there twice. */
	sh(b,
	    "test \"$(cat .icloud-pull/quarantine/*/2024/07/IMG_1.HEIC)\" ="
	    " stiLL &&"
	    " test \"$(cat .icloud-pull/quarantine/*/2024/07/IMG_1.MOV/mine)\""
	    " = mine && test $(find .icloud-pull/quarantine -type f | wc -l)"
	    " -eq 2 && test -z \"$(ls .icloud-pull/partial.noindex)\"");
}

/* again: the run behind it is a repair too; else a sync that goes on with what
 * was wanted, and a repair that finds the rest. */
static bool
mending_killed_at(int step, bool again)
{
	struct buf before = {0}, after = {0};
	struct bench b;
	int status;
	pid_t pid;

	bench_init(&b);
	steps_left = 0;
	run(&b);
	do_damage(&b);
	work_free(b.work);
	b.work = NULL;
	steps_left = step;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		b.work = work_new(1);
		run_repair(&b);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	status = WEXITSTATUS(status);
	assert_true(status == 42 || status == 0);
	steps_left = 0;
	b.work = work_new(2);
	if (!again)
		run(&b);
	run_repair(&b);
	bench_open(&b);
	assert_mended(&b);
	store_close(b.s);
	b.s = NULL;
	/* Twice in a row is once. */
	tree(&before, b.root);
	run_repair(&b);
	tree(&after, b.root);
	assert_string_equal(buf_text(&before), buf_text(&after));
	buf_clear(&before);
	buf_clear(&after);
	bench_done(&b);
	return status == 42;
}

static void
killed_at_every_step_of_mending(void **state)
{
	int at = 1;

	(void)state;
	while (mending_killed_at(at, at % 2 == 0))
		at++;
	print_message("# killed at %d steps of mending\n", at - 1);
	assert_true(at > 20);
	for (at = 2; at < 20; at += 5)
		(void)mending_killed_at(at, at % 2 != 0);
}

/* ---- SHA256SUMS after a run that did not end ---- */

static void
edit_sums(struct bench *b, const char *script)
{
	char cmd[700];

	snprintf(
	    cmd, sizeof(cmd), "cd '%s/.icloud-pull' && %s", b->root, script);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
}

static void
sums_are_mended(void **state)
{
	static const struct {
		const char *script;
		bool anew; /* written by rename */
	} table[] = {
	    {"true", false},
	    {"printf 0123456789abcdef >>SHA256SUMS", false},
	    {"printf '%064d  half/line' 0 >>SHA256SUMS", false},
	    {"sed '$d' SHA256SUMS >x && mv x SHA256SUMS", false},
	    {"rm SHA256SUMS", false},
	    {": >SHA256SUMS", false},
	    {"printf 'x' >SHA256SUMS", false},
	    {"printf '%064d  foreign/line\\n' 0 >>SHA256SUMS", true},
	    {"tail -1 SHA256SUMS >>SHA256SUMS", true},
	    {"sed '1s/^./z/' SHA256SUMS >x && mv x SHA256SUMS", true},
	    {"sed '1s/^......../00000000/' SHA256SUMS >x && mv x SHA256SUMS",
		true},
	    {"printf '\\n' >>SHA256SUMS", true},
	    {"printf 'a\\0b\\n' >>SHA256SUMS", true},
	    {"sed 's/IMG_1/IMG_9/' SHA256SUMS >x && mv x SHA256SUMS", true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bench b;
		char path[200];
		struct stat before, after;

		bench_start(&b);
		put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
		put_photo(&b, "A2", "IMG_2.JPG", "two", 1000);
		assert_int_equal(fetch_all(&b), 2);
		/* The run does not end. */
		store_close(b.s);
		b.s = NULL;
		edit_sums(&b, table[i].script);
		snprintf(
		    path, sizeof(path), "%s/.icloud-pull/SHA256SUMS", b.root);
		memset(&before, 0, sizeof(before));
		(void)!stat(path, &before);
		bench_open(&b);
		bench_begin(&b);
		assert_int_equal(stat(path, &after), 0);
		assert_sums(&b, 2);
		if (before.st_ino != 0)
			assert_int_equal(
			    before.st_ino != after.st_ino, table[i].anew);
		snprintf(path, sizeof(path), "%s/.icloud-pull/SHA256SUMS.new",
		    b.root);
		assert_int_equal(stat(path, &after), -1);
		bench_done(&b);
	}
}

/* After a run that ended, nobody looks: it is only appended to. */
static void
sums_are_left_alone(void **state)
{
	struct bench b;
	char *p;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	bench_end(&b);
	edit_sums(&b,
	    "printf 'ffff  foreign\\n' >>SHA256SUMS && "
	    "printf half >>SHA256SUMS");
	bench_begin(&b);
	put_photo(&b, "A2", "IMG_2.JPG", "two", 1000);
	assert_int_equal(fetch_all(&b), 1);
	p = slurp(&b, ".icloud-pull/SHA256SUMS");
	assert_non_null(strstr(p, "ffff  foreign\n"));
	assert_null(strstr(p, "half"));
	free(p);
	bench_done(&b);
}

/* Who has the reserved place without being right keeps it. */
static void
a_stray_under_a_reserved_name(void **state)
{
	static const char *const strays[] = {"", "on", "ONE", "one more"};
	char stem[256], suffix[33], edit[33];
	struct digest_rule rule;
	struct store_name name;
	struct store_want w;
	struct bench b;
	const char *path;
	bool adopted;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		bench_start(&b);
		put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
		assert_true(next_want(&w, &b));
		bench_rule(&rule, w.checksum, w.checksum_len);
		wish(&name, stem, suffix, edit, &w);
		must(store_reserve(&path, &adopted, b.s, &w, &name, &rule, e));
		store_want_clear(&w);
		store_close(b.s);
		b.s = NULL;
		plant(&b, "2024/07/IMG_1.JPG", strays[i]);
		bench_open(&b);
		bench_begin(&b);
		assert_int_equal(fetch_all(&b), 1);
		assert_file(&b, "2024/07/IMG_1.JPG", strays[i]);
		assert_int_equal(b.adopted, 0);
		assert_int_equal(b.placed, 1);
		assert_sums(&b, 1);
		bench_done(&b);
	}
}

/* The end of a run was lost, and with it its last rows (a power cut). */
static void
rows_that_were_lost(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(sqlite3_exec(b.s->db,
			     "DELETE FROM file; DELETE FROM stem;"
			     "UPDATE content SET state = 0, want = 1",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	bench_reopen(&b);
	bench_begin(&b);
	assert_sums(&b, 0);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(b.adopted, 1);
	assert_sums(&b, 1);
	bench_done(&b);
}

/* A part that a link-and-unlink left beside its file. */
static void
two_names_of_one_file(void **state)
{
	struct store_want w;
	struct bench b;
	char from[300], to[300], *part;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	assert_true(next_want(&w, &b));
	free(fetch_one(&b, &w));
	while (work_pending(b.work) > 0)
		work_wait(b.work);
	part = part_path(w.checksum, w.checksum_len, w.size_bytes);
	snprintf(from, sizeof(from), "%s/%s", b.root, part);
	snprintf(to, sizeof(to), "%s/2024/07/IMG_1.JPG", b.root);
	plant(&b, "2024/07/x", "");
	assert_int_equal(link(from, to), 0);
	must(store_flush(b.s, e));
	assert_int_equal(b.placed, 1);
	assert_file(&b, "2024/07/IMG_1.JPG", "one");
	assert_absent(&b, part);
	assert_sums(&b, 1);
	free(part);
	store_want_clear(&w);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_at_every_step),
	    cmocka_unit_test(killed_again_in_the_repair),
	    cmocka_unit_test(killed_at_every_step_of_mending),
	    cmocka_unit_test(sums_are_mended),
	    cmocka_unit_test(sums_are_left_alone),
	    cmocka_unit_test(a_stray_under_a_reserved_name),
	    cmocka_unit_test(rows_that_were_lost),
	    cmocka_unit_test(two_names_of_one_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
