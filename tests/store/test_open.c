#include "bench.h"

/* Mount guard, marker, lock, catalogue: docs/design.md, "On disk". */

static int
try_open(struct err *e, struct bench *b, const char *root, enum store_mode mode)
{
	struct store_options o = bench_options(b);
	struct store *s;
	int rc;

	memset(e, 0, sizeof(*e));
	o.root = root;
	o.mode = mode;
	rc = store_open(&s, &o, e);
	if (rc == 0)
		store_close(s);
	else
		assert_null(s);
	return rc;
}

static void
assert_refused(struct bench *b, const char *root, enum store_mode mode,
    enum err_code code, const char *says)
{
	struct err e;

	assert_int_equal(try_open(&e, b, root, mode), -1);
	if (e.code != code || strstr(e.what, says) == NULL)
		fprintf(
		    stderr, "code %d: %s %s\n", (int)e.code, e.what, e.next);
	assert_int_equal(e.code, code);
	assert_non_null(strstr(e.what, says));
	if (code != ERR_DISK)
		assert_true(e.next[0] != '\0');
}

static void
assert_opens(struct bench *b, const char *root, enum store_mode mode)
{
	struct err e;

	if (try_open(&e, b, root, mode) == -1) {
		fprintf(stderr, "%s\n", e.what);
		fail();
	}
}

static void sh(struct bench *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void
sh(struct bench *b, const char *format, ...)
{
	char cmd[512], whole[700];
	va_list ap;

	va_start(ap, format);
	vsnprintf(cmd, sizeof(cmd), format, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "cd '%s' && %s", b->dir, cmd);
	assert_int_equal(system(whole), 0); /* NOLINT(cert-env33-c) */
}

/* A copy with one file in it, closed. */
static void
made(struct bench *b)
{
	bench_start(b);
	put_photo(b, "A1", "a.JPG", "one", 2000);
	assert_int_equal(fetch_all(b), 1);
	bench_end(b);
	store_close(b->s);
	b->s = NULL;
}

static void
a_new_copy(void **state)
{
	struct bench b;
	struct stat st;
	char *marker, *list, path[200];

	(void)state;
	bench_init(&b);
	/* Who reads or checks makes none, and leaves nothing behind. */
	assert_refused(&b, b.root, STORE_READ, ERR_USAGE, "no copy");
	assert_refused(&b, b.root, STORE_CHECK, ERR_USAGE, "no copy");
	assert_int_equal(stat(b.root, &st), -1);
	assert_int_equal(stat(b.state, &st), -1);
	bench_open(&b);
	assert_string_equal(store_root(b.s), b.root);
	assert_string_equal(store_layout(b.s), "%Y/%m");
	assert_string_equal(store_copy_account(b.s), "jd@example.com");
	marker = slurp(&b, ".icloud-pull/copy.json");
	assert_non_null(strstr(marker, "{\"format\":1,\"copy\":\""));
	assert_non_null(strstr(marker, b.s->id));
	free(marker);
	snprintf(path, sizeof(path), "%s/copies", b.state);
	list = xasprintf("%s\t%s\n", b.s->id, b.root);
	memcpy(b.root, b.state, sizeof(b.root));
	assert_file(&b, "copies", list);
	free(list);
	snprintf(path, sizeof(path), "%s/%s", b.state, b.s->id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(b.state, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	bench_done(&b);
}

static void
layout_and_account_are_the_copys(void **state)
{
	struct store_options o;
	struct bench b;

	(void)state;
	bench_init(&b);
	o = bench_options(&b);
	o.layout = "%Y";
	must(store_open(&b.s, &o, e));
	store_close(b.s);
	o.layout = "%Y/%m/%d";
	o.account = "other@example.com";
	must(store_open(&b.s, &o, e));
	assert_string_equal(store_layout(b.s), "%Y");
	assert_string_equal(store_copy_account(b.s), "jd@example.com");
	bench_done(&b);
}

/* B085: an empty mount point is never a new, empty copy. */
static void
guard(void **state)
{
	struct bench b;
	struct stat st;
	char path[200];
	int mode;

	(void)state;
	made(&b);
	/* The marker is gone, the folder there: another disk's place. */
	sh(&b, "mv root away && mkdir root");
	for (mode = STORE_READ; mode <= STORE_WRITE; mode++)
		assert_refused(&b, b.root, (enum store_mode)mode,
		    ERR_NOT_MOUNTED, "not mounted");
	sh(&b, "test -z \"$(ls -A root)\"");
	/* The folder itself is gone: never made. */
	sh(&b, "rmdir root");
	for (mode = STORE_READ; mode <= STORE_WRITE; mode++)
		assert_refused(&b, b.root, (enum store_mode)mode,
		    ERR_NOT_MOUNTED, "not there");
	assert_int_equal(stat(b.root, &st), -1);
	/* Another copy in its place. */
	snprintf(path, sizeof(path), "%s/second", b.dir);
	assert_opens(&b, path, STORE_WRITE);
	sh(&b, "cp -R second root");
	assert_refused(
	    &b, b.root, STORE_WRITE, ERR_NOT_MOUNTED, "another copy");
	/* The right one is back, whatever its device. */
	sh(&b, "rm -rf root && cp -R away root");
	assert_opens(&b, b.root, STORE_WRITE);
	/* With a half marker. */
	sh(&b, "printf '{\"format\":1,' >root/.icloud-pull/copy.json");
	assert_refused(&b, b.root, STORE_WRITE, ERR_BAD_STATE, "damaged");
	sh(&b,
	    "printf '{\"format\":2,\"copy\":\"x\"}' "
	    ">root/.icloud-pull/copy.json");
	assert_refused(&b, b.root, STORE_WRITE, ERR_BAD_STATE, "newer");
	bench_done(&b);
}

/* The folder above ROOT is a mount point that is not there. */
static void
no_parent(void **state)
{
	struct bench b;
	char path[200];
	struct stat st;

	(void)state;
	bench_init(&b);
	snprintf(path, sizeof(path), "%s/volume/copy", b.dir);
	assert_refused(&b, path, STORE_WRITE, ERR_NOT_MOUNTED, "above it");
	snprintf(path, sizeof(path), "%s/volume", b.dir);
	assert_int_equal(stat(path, &st), -1);
	/* A link that leads to a volume that is away. */
	sh(&b, "ln -s volume link");
	snprintf(path, sizeof(path), "%s/link", b.dir);
	assert_refused(&b, path, STORE_WRITE, ERR_NOT_MOUNTED, "link");
	sh(&b, "test ! -e state/copies");
	sh(&b, "touch file");
	snprintf(path, sizeof(path), "%s/file", b.dir);
	assert_refused(&b, path, STORE_WRITE, ERR_DISK, "cannot be opened");
	bench_done(&b);
}

static void
canonical_paths(void **state)
{
	struct bench b;
	char path[300];

	(void)state;
	bench_init(&b);
	snprintf(path, sizeof(path), "%s/./root///", b.dir);
	assert_opens(&b, path, STORE_WRITE);
	sh(&b, "ln -s root alias");
	snprintf(path, sizeof(path), "%s/alias/../alias/", b.dir);
	assert_opens(&b, path, STORE_WRITE);
	sh(&b, "test $(wc -l <state/copies) = 1");
	bench_done(&b);
}

/* A copy that was moved is the copy; two of one are not. */
static void
moved(void **state)
{
	struct bench b;
	char path[200];

	(void)state;
	made(&b);
	snprintf(path, sizeof(path), "%s/moved", b.dir);
	sh(&b, "mv root moved");
	assert_opens(&b, path, STORE_READ);
	sh(&b, "grep -q 'root$' state/copies");
	assert_opens(&b, path, STORE_WRITE);
	sh(&b, "grep -q 'moved$' state/copies");
	sh(&b, "test $(wc -l <state/copies) = 1");
	/* The old path is free for a new one. */
	sh(&b, "cp -R moved twin");
	snprintf(path, sizeof(path), "%s/twin", b.dir);
	assert_refused(&b, path, STORE_WRITE, ERR_NOT_MOUNTED, "the same copy");
	assert_refused(&b, path, STORE_READ, ERR_NOT_MOUNTED, "the same copy");
	bench_done(&b);
}

/* A marker of a copy that STATE does not know: adopt. */
static void
unknown_copy(void **state)
{
	struct bench b;
	struct err e;

	(void)state;
	made(&b);
	sh(&b, "mv state lost");
	assert_refused(
	    &b, b.root, STORE_WRITE, ERR_NOT_MOUNTED, "does not know");
	assert_refused(
	    &b, b.root, STORE_READ, ERR_NOT_MOUNTED, "does not know");
	assert_int_equal(try_open(&e, &b, b.root, STORE_WRITE), -1);
	assert_non_null(strstr(e.next, "adopt"));
	/* Its marker lost, too: no new copy on top of the old. */
	sh(&b, "rm root/.icloud-pull/copy.json");
	assert_refused(&b, b.root, STORE_WRITE, ERR_BAD_STATE, "held a copy");
	bench_done(&b);
}

static void
another_machine(void **state)
{
	struct bench b;

	(void)state;
	made(&b);
	sh(&b,
	    "sed -i 's/\"machine\":\"[^\"]*\"/\"machine\":\"other\"/' "
	    "root/.icloud-pull/copy.json");
	assert_refused(
	    &b, b.root, STORE_WRITE, ERR_BAD_STATE, "another machine");
	assert_opens(&b, b.root, STORE_READ);
	assert_opens(&b, b.root, STORE_CHECK);
	bench_done(&b);
}

/* Killed while a copy was being made: the next one goes on. */
static void
half_made(void **state)
{
	struct bench b;
	int stage;

	(void)state;
	for (stage = 0; stage < 3; stage++) {
		made(&b);
		sh(&b, "touch state/$(ls state | grep -E '^.{16}$')/making");
		if (stage <= 1)
			sh(&b,
			    "rm root/.icloud-pull/copy.json && "
			    "rm state/*/catalogue.sqlite*");
		if (stage == 0)
			sh(&b, "rm -r root");
		assert_refused(&b, b.root, STORE_READ, ERR_USAGE, "no copy");
		bench_open(&b);
		bench_done(&b);
	}
}

static void
locks(void **state)
{
	struct store_options o;
	struct bench b;
	struct store *s;
	struct err err;

	(void)state;
	bench_init(&b);
	bench_open(&b);
	assert_refused(&b, b.root, STORE_WRITE, ERR_BUSY, "run");
	assert_refused(&b, b.root, STORE_CHECK, ERR_BUSY, "run");
	assert_opens(&b, b.root, STORE_READ);
	store_close(b.s);
	b.s = NULL;
	o = bench_options(&b);
	o.mode = STORE_CHECK;
	must(store_open(&s, &o, e));
	assert_int_equal(try_open(&err, &b, b.root, STORE_WRITE), -1);
	store_close(s);
	assert_opens(&b, b.root, STORE_WRITE);
	bench_done(&b);
}

/* A reader reads what a run writes, and writes nothing. */
static void
a_reader_beside_a_run(void **state)
{
	struct store_options o;
	struct store_totals t;
	struct store *s;
	struct bench b;
	struct err err = ERR_INIT;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 2000);
	o = bench_options(&b);
	o.mode = STORE_READ;
	must(store_open(&s, &o, e));
	must(store_totals(&t, s, e));
	assert_int_equal(t.assets, 1);
	assert_int_equal(store_database_token_put(s, 0, "x", &err), -1);
	store_close(s);
	bench_done(&b);
}

/* ---- catalogue ---- */

static void
sql(struct bench *b, const char *text)
{
	char path[300];
	sqlite3 *db;

	snprintf(path, sizeof(path),
	    "ls %s/*/catalogue.sqlite >%s/name 2>/dev/null", b->state, b->dir);
	assert_int_equal(system(path), 0); /* NOLINT(cert-env33-c) */
	{
		char name[300];
		FILE *f;

		snprintf(name, sizeof(name), "%s/name", b->dir);
		f = fopen(name, "r");
		assert_non_null(f);
		assert_non_null(fgets(path, sizeof(path), f));
		path[strcspn(path, "\n")] = '\0';
		fclose(f);
	}
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
catalogue_states(void **state)
{
	struct bench b;
	struct err e;

	(void)state;
	made(&b);
	sql(&b, "PRAGMA user_version = 99");
	assert_refused(&b, b.root, STORE_WRITE, ERR_BAD_STATE, "newer");
	assert_refused(&b, b.root, STORE_READ, ERR_BAD_STATE, "newer");
	sql(&b, "PRAGMA user_version = 3; PRAGMA application_id = 5");
	assert_refused(
	    &b, b.root, STORE_WRITE, ERR_BAD_STATE, "not a catalogue");
	sql(&b, "PRAGMA application_id = 1766019189"); /* APPLICATION_ID */
	assert_opens(&b, b.root, STORE_READ);
	/* Bytes of something else. */
	sh(&b,
	    "cp state/*/catalogue.sqlite good && "
	    "printf 'this is no database at all, far from it' "
	    ">$(ls state/*/catalogue.sqlite)");
	assert_refused(&b, b.root, STORE_WRITE, ERR_BAD_STATE, "damaged");
	assert_int_equal(try_open(&e, &b, b.root, STORE_READ), -1);
	assert_non_null(strstr(e.next, "adopt"));
	/* Missing: never made anew beside the files. */
	sh(&b, "rm state/*/catalogue.sqlite");
	assert_refused(&b, b.root, STORE_WRITE, ERR_BAD_STATE, "missing");
	sh(&b, "cp good $(ls -d state/*/ | head -1)catalogue.sqlite");
	assert_opens(&b, b.root, STORE_WRITE);
	bench_done(&b);
}

/* Version 0 is an empty database; whoever comes first makes it. */
static void
migration(void **state)
{
	struct bench b;
	int mode;

	(void)state;
	for (mode = STORE_READ; mode <= STORE_WRITE; mode++) {
		made(&b);
		sh(&b, ": >$(ls state/*/catalogue.sqlite)");
		assert_opens(&b, b.root, (enum store_mode)mode);
		bench_open(&b);
		assert_int_equal(
		    ask(&b, "PRAGMA user_version"), SCHEMA_VERSION);
		assert_int_equal(
		    ask(&b, "PRAGMA application_id"), APPLICATION_ID);
		assert_int_equal(ask(&b, "PRAGMA synchronous"), 1);
		bench_done(&b);
	}
}

/* ---- runs ---- */

static void
each_run(void *arg, const struct store_run *r)
{
	char **out = arg;
	char *line = xasprintf("%s%d %s %s %d %d;", *out, (int)r->run,
	    r->command, r->summary, r->exit_status, r->ended_ms != 0);

	free(*out);
	*out = line;
}

static void
runs(void **state)
{
	char *out = xstrdup("");
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_open(&b);
	bench_begin(&b);
	bench_end(&b);
	bench_begin(&b);
	bench_reopen(&b);
	must(store_runs(b.s, 10, each_run, &out, e));
	assert_string_equal(out, "2 sync  -1 0;1 sync {} 0 1;");
	bench_begin(&b);
	assert_int_equal(b.run, 3);
	free(out);
	out = xstrdup("");
	must(store_runs(b.s, 1, each_run, &out, e));
	assert_string_equal(out, "3 sync  -1 0;");
	free(out);
	bench_done(&b);
}

/* A night without changes changes nothing under ROOT, no time stamp. */
static void
idle(void **state)
{
	struct buf before = {0}, after = {0};
	struct bench b;
	int night;

	(void)state;
	made(&b);
	tree(&before, b.root);
	for (night = 0; night < 3; night++) {
		bench_open(&b);
		bench_begin(&b);
		bench_zone(&b);
		put_photo(&b, "A1", "a.JPG", "one", 2000);
		must(store_zone_token(b.s, b.zone, "t", true, 1, NOW, e));
		assert_int_equal(fetch_all(&b), 0);
		must(store_gaps_refresh(b.s, e));
		must(store_tick(b.s, 10000 * night, e));
		/* A run that does not end changes nothing either. */
		if (night != 1)
			bench_end(&b);
		store_close(b.s);
		b.s = NULL;
		buf_reset(&after);
		tree(&after, b.root);
		assert_string_equal(buf_text(&before), buf_text(&after));
	}
	buf_clear(&before);
	buf_clear(&after);
	bench_done(&b);
}

/* A damaged list of copies is no reason to make new ones. */
static void
damaged_list(void **state)
{
	static const char *const lists[] = {"garbage", "garbage\n",
	    "abcdefghijklmnop\t/x\nabcdefghijk", "ABCDEFGHIJK\t/x\n"};
	struct bench b;
	char path[200];
	size_t i;
	FILE *f;

	(void)state;
	made(&b);
	snprintf(path, sizeof(path), "%s/copies", b.state);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(lists[i], f) >= 0);
		assert_int_equal(fclose(f), 0);
		assert_refused(
		    &b, b.root, STORE_WRITE, ERR_BAD_STATE, "damaged");
		assert_refused(
		    &b, b.root, STORE_READ, ERR_BAD_STATE, "damaged");
	}
	bench_done(&b);
}

static void
space(void **state)
{
	int64_t free_bytes, total_bytes;
	struct bench b;

	(void)state;
	bench_start(&b);
	must(store_space(&free_bytes, &total_bytes, b.s, e));
	assert_true(free_bytes > 0 && free_bytes <= total_bytes);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_copy),
	    cmocka_unit_test(layout_and_account_are_the_copys),
	    cmocka_unit_test(guard),
	    cmocka_unit_test(no_parent),
	    cmocka_unit_test(canonical_paths),
	    cmocka_unit_test(moved),
	    cmocka_unit_test(unknown_copy),
	    cmocka_unit_test(another_machine),
	    cmocka_unit_test(half_made),
	    cmocka_unit_test(locks),
	    cmocka_unit_test(a_reader_beside_a_run),
	    cmocka_unit_test(catalogue_states),
	    cmocka_unit_test(migration),
	    cmocka_unit_test(runs),
	    cmocka_unit_test(idle),
	    cmocka_unit_test(damaged_list),
	    cmocka_unit_test(space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
