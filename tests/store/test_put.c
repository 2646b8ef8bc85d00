#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "stop.h"

/* Part files, proof, batches: docs/design.md, "Durable order". */

/* One want of bytes and kind of checksum, reserved; the caller clears w. */
static void
want_one(struct store_want *w, struct digest_rule *rule, struct bench *b,
    const char *bytes, uint8_t kind, int64_t stated)
{
	char stem[256], suffix[33], edit[33];
	struct store_resource r = resource(0, thing_kind(b, bytes, kind));
	struct store_name name;
	const char *path;
	bool adopted;

	r.size_bytes = stated;
	put_master(b, "M1", "t1", "a.JPG", &r, 1);
	put_asset(b, "A1", "t1", "M1", (struct store_asset){.month = 202401});
	assert_true(next_want(w, b));
	bench_rule(rule, w->checksum, w->checksum_len);
	wish(&name, stem, suffix, edit, w);
	must(store_reserve(&path, &adopted, b->s, w, &name, rule, e));
	assert_false(adopted);
}

static void
put_bytes(struct store_put *p, const char *bytes)
{
	/* In two pieces, as a network would. */
	size_t n = strlen(bytes), half = n / 2;

	must(store_put_write(p, (const uint8_t *)bytes, half, e));
	must(store_put_write(p, (const uint8_t *)bytes + half, n - half, e));
	assert_int_equal(store_put_size(p), n);
}

static void
proofs(void **state)
{
	static const struct {
		uint8_t kind;
		int64_t stated;
		const char *bytes, *got;
		enum store_proof proof;
	} table[] = {
	    {1, 6, "abcdef", "abcdef", STORE_PROVEN},
	    /* A matching checksum outweighs a wrong stated size. */
	    {1, 7, "abcdef", "abcdef", STORE_PROVEN},
	    {1, 5, "abcdef", "abcdef", STORE_PROVEN},
	    {1, -1, "abcdef", "abcdef", STORE_PROVEN},
	    {1, 6, "abcdef", "abcde", STORE_SHORT},
	    {1, 6, "abcdef", "", STORE_SHORT},
	    {1, 6, "abcdef", "abcdeX", STORE_DIFFERS},
	    {1, 6, "abcdef", "abcdefg", STORE_DIFFERS},
	    {1, -1, "abcdef", "abcde", STORE_DIFFERS},
	    {1, 0, "", "", STORE_PROVEN},
	    /* No checksum that can be computed: the size, at best. */
	    {9, 6, "abcdef", "fedcba", STORE_SIZE_ONLY},
	    {9, 6, "abcdef", "abc", STORE_SHORT},
	    {9, 6, "abcdef", "abcdefg", STORE_DIFFERS},
	    {9, -1, "abcdef", "abc", STORE_SIZE_ONLY},
	    /* B040: a rule that is only believed never damns. */
	    {3, 6, "abcdef", "abcdef", STORE_PROVEN},
	    {3, 6, "abcdef", "fedcba", STORE_SIZE_ONLY},
	    {3, 6, "abcdef", "abc", STORE_SHORT},
	    {3, 6, "abcdef", "abcdefg", STORE_DIFFERS},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum store_proof proof;
		struct digest_sum sum, again;
		struct digest_rule rule;
		struct store_want w;
		struct store_put *p;
		struct bench b;
		int64_t have;

		bench_start(&b);
		want_one(&w, &rule, &b, table[i].bytes, table[i].kind,
		    table[i].stated);
		must(store_put_open(&p, &have, b.s, &w, &rule, e));
		assert_int_equal(have, 0);
		put_bytes(p, table[i].got);
		must(store_put_prove(&proof, &sum, p, e));
		if (proof != table[i].proof)
			fprintf(stderr, "row %zu\n", i);
		assert_int_equal(proof, table[i].proof);
		assert_int_equal(sum.size_bytes, strlen(table[i].got));
		must(store_put_prove(&proof, &again, p, e));
		assert_int_equal(proof, table[i].proof);
		assert_memory_equal(&sum, &again, sizeof(sum));
		store_put_close(p);
		store_want_clear(&w);
		bench_done(&b);
	}
}

static int
parts(struct bench *b)
{
	char cmd[200];
	FILE *f;
	int n = 0, c;

	snprintf(cmd, sizeof(cmd),
	    "ls -A '%s/.icloud-pull/partial.noindex' 2>/dev/null", b->root);
	f = popen(cmd, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	pclose(f);
	return n;
}

static int rehashed;
static struct err rehash_err;

static void
on_rehash(void *arg, const struct err *e)
{
	(void)arg;
	rehashed++;
	rehash_err = *e;
}

/* A part of before is hashed first, and the rest follows. */
static void
resume(void **state)
{
	enum store_proof proof;
	struct digest_sum sum;
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	put_bytes(p, "abcd");
	store_put_close(p);
	bench_end(&b);
	bench_reopen(&b);
	bench_begin(&b);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	assert_int_equal(have, 4);
	assert_int_equal(store_put_size(p), 4);
	rehashed = 0;
	store_put_rehash(p, on_rehash, NULL);
	while (rehashed == 0)
		work_wait(b.work);
	assert_int_equal(rehash_err.code, ERR_NONE);
	must(store_put_write(p, (const uint8_t *)"ef", 2, e));
	must(store_put_prove(&proof, &sum, p, e));
	assert_int_equal(proof, STORE_PROVEN);
	must(store_put_accept(p, false, 0, e));
	must(store_flush(b.s, e));
	assert_file(&b, "2024/07/a.JPG", "abcdef");
	assert_int_equal(parts(&b), 0);
	store_want_clear(&w);
	bench_done(&b);
}

/* The person wants an end: no hashing goes on, on whatever thread. */
static void
stopped(void **state)
{
	struct digest_sum sum;
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	put_bytes(p, "abcd");
	store_put_close(p);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	rehashed = 0;
	stop_set(true);
	store_put_rehash(p, on_rehash, NULL);
	while (rehashed == 0)
		work_wait(b.work);
	assert_int_equal(rehash_err.code, ERR_INTERRUPTED);
	assert_int_equal(store_hash_at(&sum, store_root_fd(b.s),
			     ".icloud-pull/copy.json", NULL, 0),
	    -1);
	assert_int_equal(errno, ECANCELED);
	stop_set(false);
	store_put_close(p);
	/* The part is as it was. */
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	assert_int_equal(have, 4);
	store_put_close(p);
	store_want_clear(&w);
	bench_done(&b);
}

/* Closed while a worker hashes: nobody is called. */
static void
close_during_rehash(void **state)
{
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	put_bytes(p, "abcd");
	store_put_close(p);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	rehashed = 0;
	store_put_rehash(p, on_rehash, NULL);
	store_put_close(p);
	store_close(b.s);
	b.s = NULL;
	assert_int_equal(rehashed, 0);
	assert_int_equal(work_pending(b.work), 0);
	store_want_clear(&w);
	bench_done(&b);
}

/* A part that is longer than stated is thrown away when opened; one that was
 * finished and not placed can be written again. */
static void
odd_parts(void **state)
{
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	char *part, path[300];
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	part = part_path(w.checksum, w.checksum_len, 6);
	plant(&b, part, "abcdefg");
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	assert_int_equal(have, 0);
	put_bytes(p, "abcdef");
	store_put_close(p);
	snprintf(path, sizeof(path), "%s/%s", b.root, part);
	assert_int_equal(chmod(path, 0444), 0);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	assert_int_equal(have, 6);
	must(store_put_restart(p, e));
	assert_int_equal(store_put_size(p), 0);
	put_bytes(p, "abc");
	must(store_put_restart(p, e));
	put_bytes(p, "abcdef");
	store_put_close(p);
	free(part);
	store_want_clear(&w);
	bench_done(&b);
}

static void
no_part_before_the_first_put(void **state)
{
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	struct stat st;
	char path[300];
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	snprintf(path, sizeof(path), "%s/.icloud-pull/partial.noindex", b.root);
	assert_int_equal(stat(path, &st), -1);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	assert_int_equal(stat(path, &st), 0);
	store_put_close(p);
	store_want_clear(&w);
	bench_done(&b);
}

/* Bytes that Apple's checksum contradicts: kept, under no final name. */
static void
set_aside(void **state)
{
	enum store_proof proof;
	struct digest_sum sum;
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	char cmd[300];
	int64_t have;
	int i;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	for (i = 0; i < 3; i++) {
		must(store_put_open(&p, &have, b.s, &w, &rule, e));
		put_bytes(p, i < 2 ? "fedcba" : "FEDCBA");
		must(store_put_prove(&proof, &sum, p, e));
		assert_int_equal(proof, STORE_DIFFERS);
		must(store_put_set_aside(p, e));
		assert_int_equal(parts(&b), 0);
	}
	/* The same bytes are kept once. */
	snprintf(cmd, sizeof(cmd),
	    "test $(ls '%s/.icloud-pull/unproven' | wc -l) = 2", b.root);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
	assert_absent(&b, "2024/07/a.JPG");
	store_want_clear(&w);
	bench_done(&b);
}

static void
each_file(void *arg, const struct store_file *f)
{
	struct store_file *out = arg;

	*out = *f;
}

/* Size-verified is counted apart, never called proven; in SHA256SUMS too. */
static void
size_verified(void **state)
{
	struct store_totals t;
	struct store_file f;
	struct bench b;
	struct store_resource r;

	(void)state;
	bench_start(&b);
	r = resource(0, thing_kind(&b, "odd kind", 9));
	put_master(&b, "M1", "t1", "a.JPG", &r, 1);
	put_asset(&b, "A1", "t1", "M1", (struct store_asset){.month = 0});
	assert_int_equal(fetch_all(&b), 1);
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.held, 1);
	assert_int_equal(t.proven, 0);
	assert_int_equal(t.size_verified, 1);
	assert_sums(&b, 1);
	must(store_files(b.s, each_file, &f, e));
	assert_int_equal(f.state, STORE_STATE_SIZE_VERIFIED);
	assert_int_equal(f.size_bytes, 8);
	assert_int_equal(f.checksum_len, 21);
	assert_true(f.checked_ms > NOW);
	bench_done(&b);
}

/* Mode, file time; absurd dates are no failure (B057, B058). */
static void
mode_and_time(void **state)
{
	static const int64_t times[] = {INT64_C(1500000000123),
	    INT64_C(-63849600000), INT64_MAX, INT64_MIN, 0, -1};
	mode_t mask = umask(027);
	struct stat st;
	struct bench b;
	char path[200], name[32], bytes[32];
	int i;

	(void)state;
	bench_start(&b);
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "a%d.JPG", i);
		snprintf(bytes, sizeof(bytes), "bytes %d", i);
		put_photo(&b, name, name, bytes, times[i]);
	}
	assert_int_equal(fetch_all(&b), 6);
	assert_int_equal(b.placed, 6);
	for (i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/2024/07/a%d.JPG", b.root, i);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0440);
		if (i == 0) {
			assert_int_equal(ST_MTIM(st).tv_sec, 1500000000);
			assert_int_equal(ST_MTIM(st).tv_nsec, 123000000);
		}
		if (i == 1)
			assert_int_equal(ST_MTIM(st).tv_sec, -63849600);
		if (i == 5)
			assert_int_equal(ST_MTIM(st).tv_sec, -1);
	}
	(void)umask(mask);
	bench_done(&b);
}

/* 64 files close a batch; so do 2 s, by the clock of the ticks. */
static void
batches(void **state)
{
	struct store_want w;
	char name[32];
	struct bench b;
	int i;

	(void)state;
	bench_start(&b);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		put_photo(&b, name, name, name, 1000 + i);
		assert_true(next_want(&w, &b));
		free(fetch_one(&b, &w));
		store_want_clear(&w);
	}
	must(store_tick(b.s, 50000, e));
	must(store_tick(b.s, 51999, e));
	while (work_pending(b.work) > 0)
		work_wait(b.work);
	assert_int_equal(b.placed, 0);
	assert_sums(&b, 0);
	must(store_tick(b.s, 52000, e));
	while (work_pending(b.work) > 0)
		work_wait(b.work);
	assert_int_equal(b.placed, 3);
	assert_sums(&b, 3);
	bench_done(&b);
}

static void
a_full_batch(void **state)
{
	struct store_want w;
	char name[32];
	struct bench b;
	int i;

	(void)state;
	bench_start(&b);
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		put_photo(&b, name, name, name, 1000 + i);
	}
	for (i = 0; i < 64; i++) {
		assert_true(next_want(&w, &b));
		free(fetch_one(&b, &w));
		store_want_clear(&w);
	}
	while (work_pending(b.work) > 0)
		work_wait(b.work);
	assert_int_equal(b.placed, 64);
	assert_sums(&b, 64);
	assert_sound(&b);
	bench_done(&b);
}

/* ---- order, and faults in it ---- */

static char steps[512];
static struct bench *at_step;
static const char *fault_step;
static void (*fault)(struct bench *);

static void
note_step(const char *name)
{
	size_t n = strlen(steps);

	snprintf(steps + n, sizeof(steps) - n, "%s ", name);
	if (fault_step != NULL && strcmp(name, fault_step) == 0) {
		fault_step = NULL;
		fault(at_step);
	}
}

static void
durable_order(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 1000);
	steps[0] = '\0';
	fault_step = NULL;
	b.s->step = note_step;
	assert_int_equal(fetch_all(&b), 1);
	assert_string_equal(steps,
	    "reserved part proven finished rename "
	    "renamed folders lines committed ");
	bench_done(&b);
}

static void
break_sums(struct bench *b)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd),
	    "cd '%s/.icloud-pull' && rm -f SHA256SUMS && mkdir SHA256SUMS",
	    b->root);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
}

static void
break_folder(struct bench *b)
{
	plant(b, "2024", "a file where the folder should be");
}

static void
break_catalogue(struct bench *b)
{
	/* Whatever it is that makes the transaction fail. */
	assert_int_equal(sqlite3_exec(b->s->db,
			     "CREATE TEMP TRIGGER t BEFORE UPDATE ON "
			     "main.content BEGIN SELECT "
			     "raise(FAIL, 'broken'); END",
			     NULL, NULL, NULL),
	    SQLITE_OK);
}

/* A fault leaves nothing recorded; the next run finds everything. */
static void
faults(void **state)
{
	static const struct {
		const char *step;
		void (*fault)(struct bench *);
		const char *mend;
		int lost; /* files that wait for the next run */
	} table[] = {
	    {"finished", break_folder, "rm 2024", 1},
	    {"finished", break_sums, "rmdir .icloud-pull/SHA256SUMS", 1},
	    {"lines", break_catalogue, "true", 1},
	};
	struct err err;
	struct store_want w;
	struct bench b;
	char cmd[300];
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bench_start(&b);
		put_photo(&b, "A1", "a.JPG", "one", 1000);
		at_step = &b;
		fault_step = table[i].step;
		fault = table[i].fault;
		b.s->step = note_step;
		assert_true(next_want(&w, &b));
		free(fetch_one(&b, &w));
		store_want_clear(&w);
		memset(&err, 0, sizeof(err));
		rc = store_flush(b.s, &err);
		assert_int_equal(b.placed, 0);
		assert_int_equal(b.unplaced, 1);
		assert_true(b.unplaced_err.what[0] != '\0');
		/* Not of one file: said by the store, and once. */
		assert_int_equal(rc, i == 0 ? 0 : -1);
		assert_int_equal(store_flush(b.s, &err), 0);
		assert_sound(&b);
		must(store_run_end(b.s, 5, "{}", NOW, e));
		snprintf(
		    cmd, sizeof(cmd), "cd '%s' && %s", b.root, table[i].mend);
		assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
		bench_reopen(&b);
		bench_begin(&b);
		assert_int_equal(fetch_all(&b), i == 0 ? 1 : 0);
		assert_file(&b, "2024/07/a.JPG", "one");
		assert_int_equal(ask(&b,
				     "SELECT count(*) FROM file"
				     " WHERE state = 1"),
		    1);
		assert_sums(&b, 1);
		assert_int_equal(parts(&b), 0);
		assert_sound(&b);
		bench_done(&b);
	}
}

/* One file fails, the others of its batch do not. */
static void
one_of_many(void **state)
{
	struct store_want w;
	struct bench b;
	int i;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "a.JPG", "one", 3000);
	put_photo(&b, "A2", "b.JPG", "two", 2000);
	put_photo(&b, "A3", "c.JPG", "three", 1000);
	for (i = 0; i < 3; i++) {
		char *part, whole[300];

		assert_true(next_want(&w, &b));
		free(fetch_one(&b, &w));
		if (i == 1) {
			while (work_pending(b.work) > 0)
				work_wait(b.work);
			part =
			    part_path(w.checksum, w.checksum_len, w.size_bytes);
			snprintf(whole, sizeof(whole), "%s/%s", b.root, part);
			assert_int_equal(unlink(whole), 0);
			free(part);
		}
		store_want_clear(&w);
	}
	must(store_flush(b.s, e));
	assert_int_equal(b.placed, 2);
	assert_int_equal(b.unplaced, 1);
	assert_sums(&b, 2);
	assert_sound(&b);
	bench_done(&b);
}

static void
hash_at(void **state)
{
	struct digest_sum sum;
	struct bench b;
	char path[200];
	int dir;

	(void)state;
	bench_start(&b);
	dir = store_root_fd(b.s);
	plant(&b, "a/b", "bytes");
	assert_int_equal(store_hash_at(&sum, dir, "a/b", NULL, 0), 0);
	assert_int_equal(sum.size_bytes, 5);
	assert_int_equal(store_hash_at(&sum, dir, "a/c", NULL, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(store_hash_at(&sum, dir, "a", NULL, 0), -1);
	assert_int_equal(errno, EISDIR);
	snprintf(path, sizeof(path), "%s/l", b.root);
	assert_int_equal(symlink("a/b", path), 0);
	assert_int_equal(store_hash_at(&sum, dir, "l", NULL, 0), -1);
	assert_int_equal(errno, ELOOP);
	snprintf(path, sizeof(path), "%s/fifo", b.root);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(store_hash_at(&sum, dir, "fifo", NULL, 0), -1);
	assert_int_equal(errno, EISDIR);
	bench_done(&b);
}

/* Where a volume has no exclusive rename, and where it has no links. */
static void
ways_to_rename(void **state)
{
	static const enum file_rename ways[] = {
	    FILE_RENAME_EXCLUSIVE, FILE_RENAME_LINK, FILE_RENAME_CHECK};
	struct store_want w;
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		bench_start(&b);
		b.s->has_volume = true;
		b.s->volume.rename = ways[i];
		put_photo(&b, "A1", "a.JPG", "one", 3000);
		put_photo(&b, "A2", "b.JPG", "two", 2000);
		while (next_want(&w, &b)) {
			free(fetch_one(&b, &w));
			store_want_clear(&w);
		}
		plant(&b, "2024/07/b.JPG", "foreign");
		must(store_flush(b.s, e));
		assert_int_equal(b.placed, 2);
		assert_file(&b, "2024/07/a.JPG", "one");
		assert_file(&b, "2024/07/b.JPG", "foreign");
		assert_sums(&b, 2);
		assert_int_equal(parts(&b), 0);
		assert_sound(&b);
		bench_done(&b);
	}
}

/* A write that fails in the middle: what is there goes on from there. */
static void
a_write_fails(void **state)
{
	struct rlimit limit, small;
	struct err err = ERR_INIT;
	enum store_proof proof;
	struct digest_sum sum;
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(
	    store_put_write(p, (const uint8_t *)"abcdef", 6, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	assert_int_equal(store_put_size(p), 4);
	must(store_put_write(p, (const uint8_t *)"ef", 2, e));
	must(store_put_prove(&proof, &sum, p, e));
	assert_int_equal(proof, STORE_PROVEN);
	store_put_close(p);
	store_want_clear(&w);
	bench_done(&b);
}

/* partial.noindex is empty after a complete run: parts of what nobody has
 * any more go, others stay, and so does what is no part of ours. */
static void
parts_are_swept(void **state)
{
	struct digest_rule rule;
	struct store_want w;
	struct store_put *p;
	struct bench b;
	int64_t have;

	(void)state;
	bench_start(&b);
	want_one(&w, &rule, &b, "abcdef", 1, 6);
	must(store_put_open(&p, &have, b.s, &w, &rule, e));
	put_bytes(p, "abc");
	store_put_close(p);
	plant(&b, ".icloud-pull/partial.noindex/foreign", "x");
	plant(&b, ".icloud-pull/partial.noindex/00-x", "x");
	bench_end(&b);
	assert_int_equal(parts(&b), 2);
	bench_begin(&b);
	must(store_record_gone(b.s, b.zone, "A1", e));
	must(store_run_end(b.s, 1, "{}", NOW, e));
	assert_int_equal(parts(&b), 2);
	bench_begin(&b);
	bench_end(&b);
	assert_int_equal(parts(&b), 1);
	store_want_clear(&w);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(proofs),
	    cmocka_unit_test(resume),
	    cmocka_unit_test(stopped),
	    cmocka_unit_test(close_during_rehash),
	    cmocka_unit_test(odd_parts),
	    cmocka_unit_test(no_part_before_the_first_put),
	    cmocka_unit_test(set_aside),
	    cmocka_unit_test(size_verified),
	    cmocka_unit_test(mode_and_time),
	    cmocka_unit_test(batches),
	    cmocka_unit_test(a_full_batch),
	    cmocka_unit_test(durable_order),
	    cmocka_unit_test(faults),
	    cmocka_unit_test(one_of_many),
	    cmocka_unit_test(ways_to_rename),
	    cmocka_unit_test(a_write_fails),
	    cmocka_unit_test(parts_are_swept),
	    cmocka_unit_test(hash_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
