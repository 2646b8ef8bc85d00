#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stop.h"
#include "text.h"

/*
 * Sidecars (docs/design.md, "Sidecars"): PATH.xmp beside files of the copy.
 * Which may have to be written is a table, filled in the transaction of the
 * change; a pass takes them in batches.  What a batch is about to write is
 * noted before the first rename, so that after a crash the bytes under a name
 * are known as ours, be they the old ones or the new.
 */

#define EXTENSION  ".xmp"
#define NAME_BYTES 255
#define BYTES_MAX  ((off_t)16 << 20) /* what is larger is none of ours */
#define BATCH      64
#define ASSETS_MAX 100
#define LOOKS      4096 /* how many are looked for in a pass */

/* ---- what may have to be written ---- */

static const char sql_kept[] = "SELECT 1 FROM sidecars LIMIT 1";

static int
learn(struct store *s, struct err *e)
{
	int rc;

	if (s->sidecars != SIDECARS_UNKNOWN)
		return 0;
	rc = sql_first(s, e, sql_kept, ">");
	if (rc == -1)
		return -1;
	s->sidecars = rc == 0 ? SIDECARS_KEPT : SIDECARS_NONE;
	return 0;
}

static const char sql_of_asset[] =
    "INSERT OR IGNORE INTO sidecar_due(file)"
    " SELECT f.file FROM stem t JOIN file f ON f.stem = t.stem"
    "  WHERE t.asset = ?1 AND f.state > 0"
    " UNION SELECT f.file FROM asset a"
    "  JOIN resource r ON r.rec IN (a.rec, a.master)"
    "  JOIN file f ON f.content = r.content"
    "  WHERE a.rec = ?1 AND f.state > 0";

int
sidecars_of_asset(struct store *s, int64_t asset, struct err *e)
{
	if (learn(s, e) == -1)
		return -1;
	return s->sidecars == SIDECARS_KEPT
	    ? sql_run(s, e, sql_of_asset, "i", asset)
	    : 0;
}

static const char sql_is_at[] =
    "SELECT 1 FROM sidecar WHERE key = ?1 AND fault IN (0, 2)";

int
sidecar_is_at(bool *out, struct store *s, const char *path, struct err *e)
{
	char *key = text_fold(path);
	int rc = sql_first(s, e, sql_is_at, "t>", key);

	free(key);
	*out = rc == 0;
	return rc == -1 ? -1 : 0;
}

static const char sql_begin[] = "INSERT INTO sidecars(look) VALUES('')";
static const char sql_all_due[] = "INSERT OR IGNORE INTO sidecar_due(file)"
				  " SELECT file FROM file WHERE state > 0";

/* The first pass of this copy: all of them. */
static int
begin_keeping(struct store *s, struct err *e)
{
	bool own;
	int rc;

	if (learn(s, e) == -1 || s->sidecars == SIDECARS_KEPT)
		return s->sidecars == SIDECARS_KEPT ? 0 : -1;
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_run(s, e, sql_begin, "");
	if (rc == 0)
		rc = sql_run(s, e, sql_all_due, "");
	rc = tx_end(s, own, rc, e);
	if (rc == 0)
		s->sidecars = SIDECARS_KEPT;
	return rc;
}

static const char sql_look[] = "SELECT look FROM sidecars LIMIT 1";
static const char sql_look_put[] = "UPDATE sidecars SET look = ?1";
static const char sql_next_look[] =
    "SELECT key, path, file FROM sidecar WHERE key > ?1 AND fault <> 3"
    " ORDER BY key LIMIT 1";
static const char sql_due[] =
    "INSERT OR IGNORE INTO sidecar_due(file) VALUES(?1)";

/* Go round and see whether they are still there. */
static int
look_around(struct store *s, struct err *e)
{
	char *key = NULL, *next, *path;
	int64_t file = 0;
	struct stat st;
	bool own;
	int i, rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_first(s, e, sql_look, ">t", &key);
	for (i = 0; rc == 0 && i < LOOKS && !stop_is_set(); i++) {
		next = path = NULL;
		rc = sql_first(
		    s, e, sql_next_look, "t>tti", key, &next, &path, &file);
		if (rc == 0 && file_stat(&st, s->root_fd, path) == -1 &&
		    errno == ENOENT)
			rc = sql_run(s, e, sql_due, "i", file);
		free(path);
		if (next != NULL) {
			free(key);
			key = next;
		}
	}
	if (rc == 1) { /* the round begins anew */
		free(key);
		key = xstrdup("");
		rc = 0;
	}
	if (rc == 0)
		rc = sql_run(s, e, sql_look_put, "t", key);
	free(key);
	return tx_end(s, own, rc, e);
}

/* ---- one sidecar ---- */

/* What a batch does with one. */
enum step {
	STEP_NOTHING = 0,
	STEP_NEW,
	STEP_OVER,
	STEP_KNOWN,
	STEP_FAULT,
	STEP_LATER /* its file is not there */
};

struct one {
	int64_t file;
	char *path, *key, *temp; /* owned */
	enum step step;
	enum store_sidecar_fault fault;
	bool told; /* the fault was told before */
	uint8_t sha256[DIGEST_SHA256];
	uint8_t was[DIGEST_SHA256]; /* of what STEP_OVER replaces */
	bool renamed;
};

static void
one_clear(struct one *o)
{
	free(o->path);
	free(o->key);
	free(o->temp);
	memset(o, 0, sizeof(*o));
}

static int
cannot(const struct store *s, const char *path, struct err *e)
{
	return err_set_errno(
	    e, errno, "%s/%s cannot be written", s->root, path);
}

static const char sql_assets[] =
    "SELECT a.rec, a.flags, a.dated, a.taken_ms, a.offset_s,"
    " n.dict, n.size, n.bytes, k.dict, k.size, k.bytes"
    " FROM asset a JOIN record n ON n.rec = a.rec"
    " LEFT JOIN record k ON k.rec = a.master"
    " WHERE a.rec IN (SELECT a.rec FROM resource r"
    "   JOIN asset a ON a.rec = r.rec WHERE r.content = ?1"
    "  UNION SELECT a.rec FROM resource r"
    "   JOIN asset a ON a.master = r.rec WHERE r.content = ?1"
    "  UNION SELECT ?2)"
    " ORDER BY a.rec <> ?2, a.rec LIMIT ?3";

static bool
has(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) != SQLITE_NULL;
}

static int
take_record(struct buf *text, struct store_bytes *out, struct store *s,
    sqlite3_stmt *st, int column, struct err *e)
{
	if (!has(st, column))
		return 0;
	if (record_column(text, s, st, column, e) == -1)
		return -1;
	*out = (struct store_bytes){buf_text(text), text->len};
	return 0;
}

/* The bytes that a file's sidecar should have; none without an asset. */
static int
make(struct buf *out, struct store *s, int64_t content, int64_t first,
    const struct store_sidecar_words *words, struct err *e)
{
	struct store_sidecar_asset *assets =
	    xcalloc(ASSETS_MAX, sizeof(*assets));
	struct buf *texts = xcalloc(2 * (size_t)ASSETS_MAX, sizeof(*texts));
	struct store_sidecar_asset *a;
	sqlite3_stmt *st;
	size_t n = 0, i;
	int64_t flags;
	int rc;

	rc = sql_open(&st, s, e, sql_assets, "iid", content, first, ASSETS_MAX);
	while (rc == 0 && (rc = sql_row(s, st, e)) == 1) {
		a = &assets[n];
		flags = sqlite3_column_int64(st, 1);
		a->favourite = (flags & ASSET_FAVOURITE) != 0;
		a->dated = (enum store_date)sqlite3_column_int(st, 2);
		a->has_taken = has(st, 3);
		a->taken_ms = sqlite3_column_int64(st, 3);
		a->has_offset = has(st, 4);
		a->offset_s = sqlite3_column_int64(st, 4);
		rc = take_record(&texts[2 * n], &a->asset, s, st, 5, e);
		if (rc == 0)
			rc = take_record(
			    &texts[2 * n + 1], &a->master, s, st, 8, e);
		if (rc == -1)
			sql_end(st);
		n++;
	}
	if (rc == 0 && n > 0)
		words->write(words->arg, out, assets, n);
	for (i = 0; i < 2 * n; i++)
		buf_clear(&texts[i]);
	free(texts);
	free(assets);
	return rc;
}

/* What stands under its name. */
enum there { THERE_NOTHING, THERE_FILE, THERE_OTHER };

static int
look_there(enum there *out, uint8_t sha256[DIGEST_SHA256], struct store *s,
    const char *path, struct err *e)
{
	struct digest_sum sum;
	struct stat st;

	*out = THERE_OTHER;
	if (file_stat(&st, s->root_fd, path) == -1) {
		if (errno != ENOENT)
			return cannot(s, path, e);
		*out = THERE_NOTHING;
		return 0;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > BYTES_MAX)
		return 0;
	if (store_hash_at(&sum, s->root_fd, path, NULL, 0) == -1)
		return errno == EACCES || errno == EPERM || errno == ENOENT
		    ? 0
		    : cannot(s, path, e);
	*out = THERE_FILE;
	memcpy(sha256, sum.sha256, DIGEST_SHA256);
	return 0;
}

struct row {
	bool present;
	int64_t file;
	int fault;
	uint8_t sha256[CHECKSUM_BYTES], next[CHECKSUM_BYTES];
	size_t sha256_len, next_len;
};

static const char sql_row_get[] =
    "SELECT file, fault, sha256, next FROM sidecar WHERE key = ?1";
static const char sql_file_there[] = "SELECT 1 FROM file WHERE key = ?1";

static bool
is_sum(const uint8_t *sum, size_t len, const uint8_t sha256[DIGEST_SHA256])
{
	return len == DIGEST_SHA256 && memcmp(sum, sha256, len) == 0;
}

static void
fault(struct one *o, enum store_sidecar_fault f, const struct row *row)
{
	o->step = STEP_FAULT;
	o->fault = f;
	o->told = row->present && row->file == o->file && row->fault == (int)f;
}

/* What is to be done so that its bytes are those of o->sha256. */
static int
decide(struct one *o, struct store *s, struct err *e)
{
	const char *slash = strrchr(o->path, '/');
	const char *name = slash != NULL ? slash + 1 : o->path;
	uint8_t now[DIGEST_SHA256];
	struct row row = {0};
	enum there there;
	int rc;

	rc = sql_first(s, e, sql_row_get, "t>idbb", o->key, &row.file,
	    &row.fault, row.sha256, &row.sha256_len, row.next, &row.next_len);
	if (rc == -1)
		return -1;
	row.present = rc == 0;
	if (strlen(name) > NAME_BYTES) {
		fault(o, STORE_SIDECAR_NO_NAME, &row);
		return 0;
	}
	rc = sql_first(s, e, sql_file_there, "t>", o->key);
	if (rc == -1)
		return -1;
	if (rc == 0 || (row.present && row.file != o->file)) {
		fault(o, STORE_SIDECAR_FOREIGN, &row);
		return 0;
	}
	if (look_there(&there, now, s, o->path, e) == -1)
		return -1;
	if (there == THERE_NOTHING)
		o->step = STEP_NEW;
	else if (there == THERE_FILE &&
	    memcmp(now, o->sha256, sizeof(now)) == 0)
		o->step =
		    is_sum(row.sha256, row.sha256_len, now) && row.fault == 0
		    ? STEP_NOTHING
		    : STEP_KNOWN;
	else if (there == THERE_FILE &&
	    (is_sum(row.sha256, row.sha256_len, now) ||
		is_sum(row.next, row.next_len, now))) {
		o->step = STEP_OVER;
		memcpy(o->was, now, sizeof(now));
	} else
		fault(o,
		    row.sha256_len > 0 ? STORE_SIDECAR_CHANGED
				       : STORE_SIDECAR_FOREIGN,
		    &row);
	return 0;
}

/* Durable, but under no final name. */
static int
write_temp(struct one *o, struct store *s, const struct buf *b, int number,
    struct err *e)
{
	int fd, rc;

	if (part_folder(s, e) == -1)
		return -1;
	o->temp = xasprintf("%s/" SIDECAR_TEMP "%d", DIR_PARTIAL, number);
	/* Of a run that died: perhaps with another mode. */
	if (file_unlink(s->root_fd, o->temp) == -1 && errno != ENOENT)
		return cannot(s, o->path, e);
	fd = file_open(s->root_fd, o->temp, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd == -1)
		return cannot(s, o->path, e);
	rc = file_write_all(fd, b->data, b->len);
	if (rc == 0)
		rc = file_sync(fd, false);
	if (rc == -1)
		rc = cannot(s, o->path, e);
	if (close(fd) == -1 && rc == 0)
		rc = cannot(s, o->path, e);
	return rc;
}

/* ---- a batch ---- */

struct due {
	int64_t file, content, first;
	int role, state, damage;
	char *path; /* owned */
};

static const char sql_next_due[] =
    "SELECT f.file, f.content, t.asset, f.role, f.state, f.damage, f.path"
    " FROM sidecar_due d JOIN file f ON f.file = d.file"
    " JOIN stem t ON t.stem = f.stem WHERE d.file > ?1"
    " ORDER BY d.file LIMIT 1";

/* Decide about one, and have its bytes ready. */
static int
prepare(struct one *o, struct store *s, const struct due *d, int number,
    const struct store_sidecar_words *words, struct err *e)
{
	struct digest_sum sum;
	struct digest *digest;
	struct buf bytes = {0};
	struct stat st;
	int rc = 0;

	o->file = d->file;
	if (d->state == FILE_RESERVED || d->damage != STORE_GOOD ||
	    (words->roles >> d->role & 1) == 0)
		return 0;
	if (file_stat(&st, s->root_fd, d->path) == -1) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return cannot(s, d->path, e);
		o->step = STEP_LATER;
		return 0;
	}
	o->path = xasprintf("%s%s", d->path, EXTENSION);
	o->key = text_fold(o->path);
	rc = make(&bytes, s, d->content, d->first, words, e);
	if (rc == 0 && bytes.len > 0) {
		digest = digest_new(NULL, 0);
		digest_add(digest, bytes.data, bytes.len);
		digest_end(&sum, digest);
		digest_free(digest);
		memcpy(o->sha256, sum.sha256, DIGEST_SHA256);
		rc = decide(o, s, e);
		if (rc == 0 && (o->step == STEP_NEW || o->step == STEP_OVER))
			rc = write_temp(o, s, &bytes, number, e);
	}
	buf_clear(&bytes);
	return rc;
}

static const char sql_announce[] =
    "INSERT INTO sidecar(key, path, file, sha256, next, fault, run)"
    " VALUES(?1, ?2, ?3, ?6, ?4, 0, ?5) ON CONFLICT(key) DO UPDATE"
    " SET path = ?2, file = ?3, sha256 = ifnull(?6, sha256), next = ?4";
static const char sql_written[] =
    "INSERT INTO sidecar(key, path, file, sha256, fault, run)"
    " VALUES(?1, ?2, ?3, ?4, 0, ?5) ON CONFLICT(key) DO UPDATE SET path = ?2,"
    " file = ?3, sha256 = ?4, next = NULL, fault = 0, run = ?5";
static const char sql_fault[] =
    "INSERT INTO sidecar(key, path, file, fault, run)"
    " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(key) DO UPDATE SET fault = ?4,"
    " run = ?5 WHERE file = ?3";
static const char sql_done[] = "DELETE FROM sidecar_due WHERE file = ?1";

/* Before the first rename. */
static int
announce(struct store *s, const struct one *all, int n, struct err *e)
{
	const struct one *o;
	bool own;
	int rc = 0;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	for (o = all; o < all + n && rc == 0; o++)
		if (o->step == STEP_NEW || o->step == STEP_OVER)
			rc = sql_run(s, e, sql_announce, "ttibib", o->key,
			    o->path, o->file, o->sha256, (size_t)DIGEST_SHA256,
			    s->run, o->step == STEP_OVER ? o->was : NULL,
			    (size_t)DIGEST_SHA256);
	return tx_end(s, own, rc, e);
}

static int
into_place(struct one *o, struct store *s, struct err *e)
{
	int rc;

	if (!s->has_volume &&
	    file_probe(&s->volume, s->root_fd, DIR_OWN, e) == -1)
		return -1;
	s->has_volume = true;
	rc = o->step == STEP_OVER
	    ? file_rename_over(s->root_fd, o->temp, o->path)
	    : file_rename_new(s->root_fd, o->temp, o->path, s->volume.rename);
	if (rc == -1 && errno == EEXIST) { /* just now */
		o->step = STEP_FAULT;
		o->fault = STORE_SIDECAR_FOREIGN;
		(void)file_unlink(s->root_fd, o->temp);
		return 0;
	}
	if (rc == -1)
		return cannot(s, o->path, e);
	o->renamed = true;
	return 0;
}

/* Each folder that got one, once. */
static int
sync_folders(struct store *s, const struct one *all, int n, struct err *e)
{
	char *folder, *last = NULL;
	int i, rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		if (!all[i].renamed)
			continue;
		folder = folder_of(all[i].path);
		if ((last == NULL || strcmp(last, folder) != 0) &&
		    file_sync_dir(s->root_fd, folder) == -1)
			rc = cannot(s, all[i].path, e);
		free(last);
		last = folder;
	}
	free(last);
	return rc;
}

/* All is durable: the rows. */
static int
record(struct store *s, const struct one *all, int n, struct err *e)
{
	const struct one *o;
	bool own;
	int rc = 0;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	for (o = all; o < all + n && rc == 0; o++) {
		if (o->renamed || o->step == STEP_KNOWN)
			rc = sql_run(s, e, sql_written, "ttibi", o->key,
			    o->path, o->file, o->sha256, (size_t)DIGEST_SHA256,
			    s->run);
		else if (o->step == STEP_FAULT)
			rc = sql_run(s, e, sql_fault, "ttidi", o->key, o->path,
			    o->file, (int)o->fault, s->run);
		if (rc == 0 && o->step != STEP_LATER)
			rc = sql_run(s, e, sql_done, "i", o->file);
	}
	return tx_end(s, own, rc, e);
}

static int
finish(struct store *s, struct one *all, int n,
    const struct store_sidecar_words *words, struct err *e)
{
	int i;

	if (announce(s, all, n, e) == -1)
		return -1;
	step_reached(s, "sidecars announced");
	for (i = 0; i < n; i++)
		if ((all[i].step == STEP_NEW || all[i].step == STEP_OVER) &&
		    into_place(&all[i], s, e) == -1)
			return -1;
	step_reached(s, "sidecars renamed");
	if (sync_folders(s, all, n, e) == -1 || record(s, all, n, e) == -1)
		return -1;
	step_reached(s, "sidecars recorded");
	for (i = 0; i < n; i++)
		if (all[i].step == STEP_FAULT && !all[i].told)
			words->fault(words->arg, all[i].path, all[i].fault);
	return 0;
}

/* 1: there are no more. */
static int
write_batch(struct store *s, int64_t *after,
    const struct store_sidecar_words *words, struct err *e)
{
	struct one *all = xcalloc(BATCH, sizeof(*all));
	struct due d = {0};
	int i, n = 0, rc = 0;

	while (n < BATCH && rc == 0) {
		if (stop_is_set()) {
			rc = err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
			break;
		}
		rc = sql_first(s, e, sql_next_due, "i>iiidddt", *after, &d.file,
		    &d.content, &d.first, &d.role, &d.state, &d.damage,
		    &d.path);
		if (rc != 0)
			break;
		*after = d.file;
		rc = prepare(&all[n], s, &d, n, words, e);
		free(d.path);
		n++;
	}
	if (rc != -1 && n > 0 && finish(s, all, n, words, e) == -1)
		rc = -1;
	for (i = 0; i < n; i++) {
		if (all[i].temp != NULL && !all[i].renamed)
			(void)file_unlink(s->root_fd, all[i].temp);
		one_clear(&all[i]);
	}
	free(all);
	return rc;
}

int
store_sidecars_write(
    struct store *s, const struct store_sidecar_words *words, struct err *e)
{
	int64_t after = 0;
	int rc;

	assert(mode_writes(s->mode) && s->run != 0);
	assert(sqlite3_get_autocommit(s->db) != 0);
	if (begin_keeping(s, e) == -1 || look_around(s, e) == -1)
		return -1;
	do
		rc = write_batch(s, &after, words, e);
	while (rc == 0);
	return rc == 1 ? 0 : -1;
}
