#ifndef BENCH_H
#define BENCH_H

/* A store in a temporary folder, and a cloud that is an array in memory. */

#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "compat.h"
#include "digest.h"
#include "err.h"
#include "store.h"
#include "store_p.h"
#include "text.h"
#include "work.h"

#define NOW	  INT64_C(1700000000000)
#define LIVE_ROLE 1
#define ALT_ROLE  2
#define EDIT_ROLE 4
#define EDIT_VIDEO_ROLE 5

struct thing {
	char	 bytes[64];
	size_t	 len;
	uint8_t	 checksum[21];
};

struct bench {
	char		 dir[64];
	char		 root[96], state[96];
	struct work	*work;
	struct store	*s;
	int64_t		 run, zone;
	struct thing	 things[64];
	size_t		 nthings;
	int		 placed, mended, unplaced, adopted;
	struct buf	 strays; /* what test_mend.c was told */
	/* Of struct store_name. */
	void		(*other)(struct store_other *, void *,
			    const struct store_resource *);
	struct err	 unplaced_err;
};

static inline void
bench_placed(void *arg, const struct store_placed *p)
{
	struct bench *b = arg;

	assert_true(p->content > 0);
	assert_true(p->size_bytes >= 0);
	assert_true(*p->path != '\0' && *p->path != '/');
	assert_in_range(p->state, STORE_STATE_PROVEN,
	    STORE_STATE_SIZE_VERIFIED);
	b->placed++;
	b->mended += p->mended;
}

static inline void
bench_unplaced(void *arg, int64_t content, const struct err *e)
{
	struct bench *b = arg;

	assert_true(content > 0);
	b->unplaced++;
	b->unplaced_err = *e;
}

/* Kind 1: strict SHA-1; kind 3: believed only; others cannot be computed. */
static inline void
bench_rule(struct digest_rule *out, const uint8_t *checksum, size_t len)
{
	memset(out, 0, sizeof(*out));
	if (len != 21 || (checksum[0] != 1 && checksum[0] != 3))
		return;
	out->checked = true;
	out->strict = checksum[0] == 1;
	memcpy(out->sha1, checksum + 1, DIGEST_SHA1);
}

static inline struct store_options
bench_options(struct bench *b)
{
	struct store_options o = {.root = b->root, .state_dir = b->state,
	    .account = "jd@example.com", .mode = STORE_WRITE, .work = b->work,
	    .placed = bench_placed, .unplaced = bench_unplaced, .arg = b};

	return o;
}

static inline void
must_(int rc, const struct err *e, const char *file, int line)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line, e->what);
	_fail(file, line);
}
#define must(call)                                                             \
	do {                                                                   \
		struct err e_ = ERR_INIT, *e = &e_;                            \
		must_((call), e, __FILE__, __LINE__);                          \
	} while (0)

static inline void
bench_open(struct bench *b)
{
	struct store_options o = bench_options(b);

	must(store_open(&b->s, &o, e));
}

static inline void
bench_begin(struct bench *b)
{
	must(store_run_begin(&b->run, b->s, "sync", NOW, bench_rule, e));
}

static inline void
bench_end(struct bench *b)
{
	must(store_flush(b->s, e));
	must(store_run_end(b->s, 0, "{}", NOW + 1000, e));
}

static inline void
bench_init(struct bench *b)
{
	char name[] = "/tmp/store.XXXXXX", *real;

	memset(b, 0, sizeof(*b));
	assert_non_null(mkdtemp(name));
	real = realpath(name, NULL); /* /tmp may be a link */
	assert_non_null(real);
	assert_true(strlen(real) < sizeof(b->dir));
	snprintf(b->dir, sizeof(b->dir), "%s", real);
	free(real);
	snprintf(b->root, sizeof(b->root), "%s/root", b->dir);
	snprintf(b->state, sizeof(b->state), "%s/state", b->dir);
	b->work = work_new(2);
}

static inline void
bench_zone(struct bench *b)
{
	struct store_zone z = {.database = 0, .name = "PrimarySync",
	    .owner = "_o", .kind = 1};

	must(store_zone_put(b->s, &z, e));
	b->zone = z.zone;
}

/* Open, begin, one zone. */
static inline void
bench_start(struct bench *b)
{
	bench_init(b);
	bench_open(b);
	bench_begin(b);
	bench_zone(b);
}

/* One number out of the catalogue. */
static inline int64_t
ask(struct bench *b, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n;

	if (sqlite3_prepare_v2(b->s->db, sql, -1, &st, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(b->s->db));
		fail();
	}
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* Whatever happened: no reference leads nowhere. */
static inline void
assert_sound(struct bench *b)
{
	assert_int_equal(
	    ask(b, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(
	    ask(b, "SELECT count(*) FROM file f JOIN content c"
		   " ON c.content = f.content WHERE f.state <> c.state"),
	    0);
	assert_int_equal(
	    ask(b, "SELECT count(*) FROM content WHERE (want IS NOT NULL)"
		   " <> (state = 0 AND live = 1)"),
	    0);
	assert_int_equal(
	    ask(b, "SELECT count(*) FROM (SELECT live, state, n, bytes"
		   " FROM content_count WHERE n <> 0 EXCEPT"
		   " SELECT live, state, count(*), sum(bytes) FROM content"
		   " GROUP BY live, state)"),
	    0);
	assert_int_equal(
	    ask(b, "SELECT count(*) FROM (SELECT flags, n FROM asset_count"
		   " WHERE n <> 0 EXCEPT"
		   " SELECT flags, count(*) FROM asset GROUP BY flags)"),
	    0);
	assert_int_equal(ask(b, "SELECT total(n) FROM asset_count"),
	    ask(b, "SELECT count(*) FROM asset"));
	assert_int_equal(ask(b, "SELECT total(n) FROM content_count"),
	    ask(b, "SELECT count(*) FROM content"));
}

static inline void
bench_done(struct bench *b)
{
	char cmd[128];

	if (b->s != NULL)
		assert_sound(b);
	store_close(b->s);
	b->s = NULL;
	work_free(b->work);
	buf_clear(&b->strays);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", b->dir);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
}

static inline void
bench_reopen(struct bench *b)
{
	store_close(b->s);
	b->s = NULL;
	bench_open(b);
}

/* Bytes that the cloud has. */
static inline const struct thing *
thing_kind(struct bench *b, const char *bytes, uint8_t kind)
{
	struct thing *t;
	struct digest_sum sum;
	struct digest *d;
	size_t i;

	for (i = 0; i < b->nthings; i++) {
		t = &b->things[i];
		if (strcmp(t->bytes, bytes) == 0 && t->checksum[0] == kind)
			return t;
	}
	assert_true(b->nthings < sizeof(b->things) / sizeof(b->things[0]));
	t = &b->things[b->nthings++];
	t->len = strlen(bytes);
	assert_true(t->len < sizeof(t->bytes));
	memcpy(t->bytes, bytes, t->len + 1);
	d = digest_new(NULL, 0);
	digest_add(d, bytes, t->len);
	digest_end(&sum, d);
	digest_free(d);
	t->checksum[0] = kind;
	memcpy(t->checksum + 1, sum.sha1, DIGEST_SHA1);
	return t;
}

static inline const struct thing *
thing(struct bench *b, const char *bytes)
{
	return thing_kind(b, bytes, 1);
}

static inline const struct thing *
thing_of(struct bench *b, const uint8_t *checksum)
{
	size_t i;

	for (i = 0; i < b->nthings; i++) {
		if (memcmp(b->things[i].checksum, checksum, 21) == 0)
			return &b->things[i];
	}
	fail();
	return NULL;
}

static inline struct store_resource
resource(int role, const struct thing *t)
{
	struct store_resource r = {.role = role, .checksum = t->checksum,
	    .checksum_len = sizeof(t->checksum),
	    .size_bytes = (int64_t)t->len, .uti = "public.jpeg"};

	return r;
}

static inline enum store_change
put_record(int64_t *rec, struct bench *b, const char *name,
    enum store_type type, const char *tag)
{
	struct store_record r = {.zone = b->zone, .name = name, .type = type,
	    .tag = tag, .bytes = "{}", .len = 2};
	enum store_change change;

	must(store_record_put(&change, rec, b->s, &r, false, e));
	return change;
}

static inline void
put_master(struct bench *b, const char *name, const char *tag,
    const char *filename, const struct store_resource *res, size_t n)
{
	struct store_master m = {.filename = filename, .res = res, .nres = n};

	if (put_record(&m.rec, b, name, STORE_MASTER, tag) != STORE_SAME)
		must(store_master_put(b->s, &m, e));
}

/* An asset of that name and master; the rest as in *a. */
static inline int64_t
put_asset(struct bench *b, const char *name, const char *tag,
    const char *master, struct store_asset a)
{
	a.zone = b->zone;
	a.master = master;
	if (put_record(&a.rec, b, name, STORE_ASSET, tag) != STORE_SAME)
		must(store_asset_put(b->s, &a, e));
	return a.rec;
}

/* A photo: master "M<name>" with one original, asset name. */
static inline void
put_photo(struct bench *b, const char *name, const char *filename,
    const char *bytes, int64_t added_ms)
{
	struct store_resource r = resource(0, thing(b, bytes));
	char master[64];

	snprintf(master, sizeof(master), "M%s", name);
	put_master(b, master, "t1", filename, &r, 1);
	put_asset(b, name, "t1", master,
	    (struct store_asset){.has_added = true, .added_ms = added_ms,
		.month = 202407, .has_taken = true, .taken_ms = added_ms});
}

/* The wish that src would make: no rules of layout or cutting. */
static inline void
wish(struct store_name *out, char stem[256], char suffix[33], char edit[33],
    const struct store_want *w)
{
	const char *name = w->filename != NULL ? w->filename : "x.JPG";
	const char *dot = strrchr(name, '.');

	memset(out, 0, sizeof(*out));
	snprintf(stem, 256, "%.*s",
	    (int)(dot != NULL ? (size_t)(dot - name) : strlen(name)), name);
	text_base32(suffix, 32, w->checksum + 1, 20);
	text_base32(edit, 32, w->checksum + 1, 20);
	out->folder = "2024/07";
	out->stem = stem;
	out->suffix = suffix;
	out->edited = w->role >= EDIT_ROLE;
	out->edit_suffix = out->edited ? edit : NULL;
	out->ext = w->role == LIVE_ROLE || w->role == EDIT_VIDEO_ROLE ? "MOV"
	    : dot != NULL					      ? dot + 1
								      : "";
}

/* Fetch one want, as far as accepting it; its path is the caller's. */
static inline char *
fetch_one(struct bench *b, const struct store_want *w)
{
	const struct thing *t = thing_of(b, w->checksum);
	char stem[256], suffix[33], edit[33], *path;
	struct digest_rule rule;
	struct digest_sum sum;
	struct store_name name;
	struct store_put *p;
	enum store_proof proof;
	const char *got;
	bool adopted;
	int64_t have;

	bench_rule(&rule, w->checksum, w->checksum_len);
	wish(&name, stem, suffix, edit, w);
	name.other = b->other;
	must(store_reserve(&got, &adopted, b->s, w, &name, &rule, e));
	path = xstrdup(got);
	if (adopted) {
		b->adopted++;
		return path;
	}
	must(store_put_open(&p, &have, b->s, w, &rule, e));
	if (have > 0)
		must(store_put_restart(p, e));
	must(store_put_write(p, (const uint8_t *)t->bytes, t->len, e));
	must(store_put_prove(&proof, &sum, p, e));
	assert_true(proof == STORE_PROVEN || proof == STORE_SIZE_ONLY);
	must(store_put_accept(p, w->has_taken, w->taken_ms, e));
	return path;
}

static const struct store_filter no_filter;

/* The next want; false if there is none. */
static inline bool
next_want(struct store_want *w, struct bench *b)
{
	size_t n;

	must(store_wants(w, 1, &n, b->s, &no_filter, NOW, e));
	return n == 1;
}

/* Fetch all that is wanted; returns how many. */
static inline int
fetch_all(struct bench *b)
{
	struct store_want w;
	int n = 0;

	while (next_want(&w, b)) {
		free(fetch_one(b, &w));
		store_want_clear(&w);
		n++;
	}
	must(store_flush(b->s, e));
	return n;
}

/* A file below ROOT, made by somebody else. */
static inline void
plant(struct bench *b, const char *path, const char *bytes)
{
	char whole[512], cmd[640], *slash;
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", b->root, path);
	slash = strrchr(whole, '/');
	*slash = '\0';
	snprintf(cmd, sizeof(cmd), "mkdir -p '%s'", whole);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
	*slash = '/';
	f = fopen(whole, "w");
	assert_non_null(f);
	assert_int_equal(fputs(bytes, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

/* What a file below ROOT holds; NULL if there is none.  The caller frees. */
static inline char *
slurp(struct bench *b, const char *path)
{
	char whole[512], *p;
	FILE *f;
	size_t n;

	snprintf(whole, sizeof(whole), "%s/%s", b->root, path);
	f = fopen(whole, "r");
	if (f == NULL)
		return NULL;
	p = xcalloc(1, 1 << 16);
	n = fread(p, 1, (1 << 16) - 1, f);
	p[n] = '\0';
	assert_int_equal(fclose(f), 0);
	return p;
}

static inline void
assert_file(struct bench *b, const char *path, const char *bytes)
{
	char *p = slurp(b, path);

	if (p == NULL)
		fprintf(stderr, "%s is not there\n", path);
	assert_non_null(p);
	assert_string_equal(p, bytes);
	free(p);
}

static inline void
assert_absent(struct bench *b, const char *path)
{
	char *p = slurp(b, path);

	assert_null(p);
}

/* SHA256SUMS has n lines, as sha256sum -c reads them, and all are right. */
static inline void
assert_sums(struct bench *b, int n)
{
	char *p = slurp(b, ".icloud-pull/SHA256SUMS"), *line = p, *end;
	char hex[2 * DIGEST_SHA256 + 1];
	struct digest_sum sum;
	int lines = 0;

	for (; line != NULL && *line != '\0'; line = end + 1, lines++) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		assert_true(end - line > 66);
		assert_memory_equal(line + 64, "  ", 2);
		assert_int_equal(store_hash_at(&sum, store_root_fd(b->s),
				     line + 66, NULL, 0),
		    0);
		text_hex(hex, sum.sha256, DIGEST_SHA256);
		assert_memory_equal(line, hex, 64);
	}
	free(p);
	assert_int_equal(lines, n);
}

/* What lies below a directory, with all that a run could change of it. */
static inline void
tree(struct buf *out, const char *path)
{
	struct dirent **names;
	int i, n = scandir(path, &names, NULL, alphasort);

	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		char *child = xasprintf("%s/%s", path, names[i]->d_name);
		struct stat st;

		if (strcmp(names[i]->d_name, "..") != 0) {
			assert_int_equal(lstat(child, &st), 0);
			assert_int_equal(
			    buf_addf(out, "%s %llu %o %lld %lld.%ld %lld\n",
				child, (unsigned long long)st.st_ino,
				(unsigned)st.st_mode, (long long)st.st_size,
				(long long)ST_MTIM(st).tv_sec,
				(long)ST_MTIM(st).tv_nsec,
				(long long)st.st_ctime),
			    0);
			if (S_ISDIR(st.st_mode) &&
			    strcmp(names[i]->d_name, ".") != 0)
				tree(out, child);
		}
		free(child);
		free(names[i]);
	}
	free(names);
}

#endif
