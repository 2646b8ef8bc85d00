#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stop.h"

/*
 * The files of manifest/ and records/, one of each for a month: written beside,
 * flushed, renamed over what was there, and only then is the month's mark taken
 * away.  A call goes on where the one before has stopped; what changes in
 * between marks the month again.
 */

#define PIECE ((size_t)64 << 10)
#define LEVEL 6 /* of deflate */

/* ---- one file ---- */

struct sheet {
	const char *folder;
	char *path, *temp; /* owned */
	int fd;            /* of temp; -1 */
	bool packed, any;  /* gzip; something was written */
	z_stream z;
	uint8_t *out; /* owned, PIECE bytes; n of them are waiting */
	size_t n;
};

static char *
month_path(const char *folder, int64_t month, const char *kind)
{
	if (month == MONTH_ALBUMS)
		return xasprintf("%s/albums.%s", folder, kind);
	if (month == 0)
		return xasprintf("%s/undated.%s", folder, kind);
	return xasprintf("%s/%04d-%02d.%s", folder, (int)(month / 100),
	    (int)(month % 100), kind);
}

static char *
manifest_path(int64_t month)
{
	return month_path(DIR_MANIFEST, month, "jsonl");
}

static char *
records_path(int64_t month)
{
	return month_path(DIR_RECORDS, month, "jsonl.gz");
}

static int
sheet_fail(const struct sheet *sh, const struct store *s, struct err *e)
{
	return err_set_errno(
	    e, errno, "%s/%s cannot be written", s->root, sh->path);
}

/* The same bytes give the same file, everywhere and at any time. */
static void
begin_gzip(struct sheet *sh)
{
	static gz_header head = {.os = 255}; /* no time, no name, any system */

	if (deflateInit2(&sh->z, LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8,
		Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflateSetHeader(&sh->z, &head) != Z_OK)
		abort(); /* out of memory */
}

static int
sheet_open(struct sheet *sh, const struct store *s, struct err *e)
{
	sh->out = xmalloc(PIECE);
	if (sh->packed)
		begin_gzip(sh);
	if (file_mkdirs(s->root_fd, sh->folder) == -1)
		return sheet_fail(sh, s, e);
	sh->fd =
	    file_open(s->root_fd, sh->temp, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	return sh->fd == -1 ? sheet_fail(sh, s, e) : 0;
}

static int
write_out(struct sheet *sh, size_t n)
{
	sh->n = 0;
	return n == 0 ? 0 : file_write_all(sh->fd, sh->out, n);
}

/* p is packed; flush Z_FINISH: and that was all. */
static int
pack(struct sheet *sh, const void *p, size_t len, int flush)
{
	z_stream *z = &sh->z;
	int rc;

	z->next_in = p;
	z->avail_in = (uInt)len;
	do {
		z->next_out = sh->out + sh->n;
		z->avail_out = (uInt)(PIECE - sh->n);
		rc = deflate(z, flush);
		sh->n = PIECE - z->avail_out;
		if (sh->n == PIECE && write_out(sh, PIECE) == -1)
			return -1;
	} while (rc == Z_OK && (z->avail_in > 0 || flush == Z_FINISH));
	assert(rc == (flush == Z_FINISH ? Z_STREAM_END : Z_OK));
	return 0;
}

static int
sheet_add(struct sheet *sh, const struct buf *b)
{
	const char *p = b->data;
	size_t left = b->len, n;

	if (left == 0)
		return 0;
	sh->any = true;
	if (sh->packed)
		return pack(sh, p, left, Z_NO_FLUSH);
	for (; left > 0; p += n, left -= n) {
		n = PIECE - sh->n < left ? PIECE - sh->n : left;
		memcpy(sh->out + sh->n, p, n);
		sh->n += n;
		if (sh->n == PIECE && write_out(sh, PIECE) == -1)
			return -1;
	}
	return 0;
}

/* The last bytes, flushed to the disk. */
static int
sheet_end(struct sheet *sh)
{
	int rc = 0;

	if (sh->packed)
		rc = pack(sh, NULL, 0, Z_FINISH);
	if (rc == 0)
		rc = write_out(sh, sh->n);
	return rc == 0 ? file_sync(sh->fd, true) : -1;
}

/* Has the file under the final name these very bytes? */
static int
is_as_before(bool *out, const struct sheet *sh, const struct store *s)
{
	struct source *a = NULL, *b = NULL;
	char *p = xmalloc(2 * PIECE), *q = p + PIECE;
	struct stat x, y;
	ssize_t n;
	int rc = -1;

	*out = false;
	if (file_stat(&x, s->root_fd, sh->path) == -1 ||
	    file_stat(&y, s->root_fd, sh->temp) == -1 ||
	    x.st_size != y.st_size || !S_ISREG(x.st_mode) ||
	    source_open(&a, s->root_fd, sh->path, false) == -1) {
		rc = 0; /* whatever is there is replaced */
		goto out;
	}
	if (source_open(&b, s->root_fd, sh->temp, false) == -1)
		goto out;
	do {
		n = source_read(b, q, PIECE);
		if (n == -1)
			goto out;
		/* Files of disks are read as far as they go. */
		*out = source_read(a, p, PIECE) == n &&
		    memcmp(p, q, (size_t)n) == 0;
	} while (*out && n > 0);
	rc = 0;
out:
	source_close(a);
	source_close(b);
	free(p);
	return rc;
}

/* Is there something to change under the final name?  Then the bytes are
 * durable. */
static int
sheet_finish(bool *change, struct sheet *sh, const struct store *s)
{
	struct stat st;
	bool same = false;

	*change = false;
	if (!sh->any) { /* nothing is to stand there */
		*change = file_stat(&st, s->root_fd, sh->path) == 0;
		return 0;
	}
	if (sheet_end(sh) == -1 || is_as_before(&same, sh, s) == -1)
		return -1;
	*change = !same;
	return 0;
}

static int
sheet_place(const struct sheet *sh, const struct store *s)
{
	int rc = sh->any ? file_rename_over(s->root_fd, sh->temp, sh->path)
			 : file_unlink(s->root_fd, sh->path);

	return rc == 0 ? file_sync_dir(s->root_fd, sh->folder) : -1;
}

/* A temporary file that was not renamed goes; as far as that works. */
static void
sheet_clear(struct sheet *sh, const struct store *s)
{
	if (sh->fd != -1) {
		(void)close(sh->fd); /* flushed, or of no use */
		(void)file_unlink(s->root_fd, sh->temp);
	}
	if (sh->packed && sh->out != NULL)
		(void)deflateEnd(&sh->z);
	free(sh->path);
	free(sh->temp);
	free(sh->out);
	memset(sh, 0, sizeof(*sh));
	sh->fd = -1;
}

/* ---- one month ---- */

enum part { PART_MANIFEST = 0, PART_RECORDS, PARTS };

struct months {
	/* The round: months with the mark "left" come last, and none twice. */
	bool left;
	int64_t below; /* months from here on are done */
	/* The month that is being written. */
	bool open;
	int64_t month;
	enum part part;
	struct line_place place;
	struct sheet sheets[PARTS];
	struct buf line;
};

void
months_abandon(struct store *s)
{
	struct months *m = s->months;
	int i;

	if (m == NULL)
		return;
	for (i = 0; i < PARTS; i++)
		sheet_clear(&m->sheets[i], s);
	buf_clear(&m->line);
	free(m);
	s->months = NULL;
}

static struct months *
months_begin(void)
{
	struct months *m = xcalloc(1, sizeof(*m));
	int i;

	m->below = INT64_MAX;
	for (i = 0; i < PARTS; i++)
		m->sheets[i].fd = -1;
	return m;
}

/* What comes next in a part of a month.  1: there is no more. */
static int
next_lines(struct buf *out, struct line_place *at, struct store *s,
    int64_t month, enum part part, const struct store_words *words,
    struct err *e)
{
	buf_reset(out);
	return part == PART_MANIFEST
	    ? manifest_next(out, at, s, month, words, e)
	    : records_next(out, at, s, month, e);
}

static const char sql_next[] =
    "SELECT month FROM month WHERE dirty > 0 AND (dirty = 2) = ?1"
    " AND month < ?2 ORDER BY month DESC LIMIT 1";
static const char sql_writing[] = "UPDATE month SET dirty = 3 WHERE month = ?1";
static const char sql_written[] =
    "UPDATE month SET dirty = 0 WHERE month = ?1 AND dirty = 3";

/* 1: none is marked any more. */
static int
open_next(struct months *m, struct store *s, struct err *e)
{
	int i, rc;

	rc = sql_first(
	    s, e, sql_next, "di>i", (int)m->left, m->below, &m->month);
	if (rc == 1 && !m->left) {
		m->left = true;
		m->below = INT64_MAX;
		rc = sql_first(
		    s, e, sql_next, "di>i", (int)m->left, m->below, &m->month);
	}
	if (rc != 0)
		return rc;
	m->open = true;
	m->part = PART_MANIFEST;
	m->place = (struct line_place){0, 0};
	m->sheets[PART_MANIFEST] = (struct sheet){.fd = -1,
	    .folder = DIR_MANIFEST,
	    .path = manifest_path(m->month),
	    .temp = xstrdup(DIR_MANIFEST "/new")};
	m->sheets[PART_RECORDS] = (struct sheet){.fd = -1,
	    .folder = DIR_RECORDS,
	    .packed = true,
	    .path = records_path(m->month),
	    .temp = xstrdup(DIR_RECORDS "/new")};
	for (i = 0; i < PARTS; i++)
		if (sheet_open(&m->sheets[i], s, e) == -1)
			return -1;
	return sql_run(s, e, sql_writing, "i", m->month);
}

/* Both are complete: under their names, then the mark. */
static int
finish_month(struct months *m, struct store *s, struct err *e)
{
	bool change[PARTS];
	int i;

	for (i = 0; i < PARTS; i++)
		if (sheet_finish(&change[i], &m->sheets[i], s) == -1)
			return sheet_fail(&m->sheets[i], s, e);
	step_reached(s, "month written");
	for (i = 0; i < PARTS; i++) {
		if (change[i] && sheet_place(&m->sheets[i], s) == -1)
			return sheet_fail(&m->sheets[i], s, e);
		sheet_clear(&m->sheets[i], s);
	}
	step_reached(s, "month renamed");
	m->open = false;
	m->below = m->month;
	return sql_run(s, e, sql_written, "i", m->month);
}

/* One step; 1: all is done. */
static int
write_step(struct months *m, struct store *s, const struct store_words *words,
    struct err *e)
{
	struct sheet *sh;
	int rc;

	if (stop_is_set())
		return err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
	if (!m->open)
		return open_next(m, s, e);
	sh = &m->sheets[m->part];
	rc = next_lines(&m->line, &m->place, s, m->month, m->part, words, e);
	if (rc == 0 && sheet_add(sh, &m->line) == -1)
		return sheet_fail(sh, s, e);
	if (rc != 1)
		return rc;
	m->place = (struct line_place){0, 0};
	if (++m->part < PARTS)
		return 0;
	return finish_month(m, s, e);
}

int
store_months_write(bool *more, struct store *s, const struct store_words *words,
    size_t lines, struct err *e)
{
	size_t n;
	int rc = 0;

	assert(mode_writes(s->mode) && s->run != 0);
	assert(sqlite3_get_autocommit(s->db) != 0);
	*more = false;
	/* All of them: also those that have changed since a round began. */
	if (lines == 0)
		months_abandon(s);
	if (s->months == NULL)
		s->months = months_begin();
	for (n = 0; rc == 0 && (lines == 0 || n < lines); n++)
		rc = write_step(s->months, s, words, e);
	*more = rc == 0;
	if (rc != 0)
		months_abandon(s);
	return rc == -1 ? -1 : 0;
}

/* ---- comparing ---- */

/* What the disk has, taken in pieces. */
struct reader {
	struct source *src;
	char *piece; /* owned, PIECE bytes */
	size_t at, n;
};

/* Are these the next bytes?  false too when it cannot be read any more. */
static bool
reader_has(struct reader *r, const char *p, size_t len)
{
	ssize_t got;
	size_t n;

	while (len > 0) {
		if (r->at == r->n) {
			got = source_read(r->src, r->piece, PIECE);
			if (got <= 0)
				return false;
			r->at = 0;
			r->n = (size_t)got;
		}
		n = r->n - r->at < len ? r->n - r->at : len;
		if (memcmp(r->piece + r->at, p, n) != 0)
			return false;
		r->at += n;
		p += n;
		len -= n;
	}
	return true;
}

static bool
reader_is_at_end(struct reader *r)
{
	return r->at == r->n && source_read(r->src, r->piece, PIECE) == 0;
}

static int
pass_file(void *arg, const struct store_manifest_line *l)
{
	(void)arg;
	(void)l;
	return 0;
}

static int
pass_record(void *arg, const struct store_record_line *l)
{
	(void)arg;
	(void)l;
	return 0;
}

/* It is not as it should be: can it be read at all? */
static enum store_month_fault
fault_of(const struct store *s, const char *path, enum part part)
{
	int rc = part == PART_MANIFEST
	    ? store_manifest_read(s->root_fd, path, pass_file, NULL, NULL)
	    : store_records_read(s->root_fd, path, pass_record, NULL, NULL);

	return rc == 0 ? STORE_MONTH_DIFFERS
	    : rc == 1  ? STORE_MONTH_MISSING
		       : STORE_MONTH_UNREADABLE;
}

struct check {
	struct store *s;
	const struct store_words *words;
	void (*each)(void *, const char *, enum store_month_fault);
	void *arg;
	struct buf line;
	struct reader reader;
};

/* Compare one file with what it should be. */
static int
check_part(bool *good, struct check *c, int64_t month, enum part part,
    const char *path, struct err *e)
{
	struct line_place at = {0, 0};
	struct reader *r = &c->reader;
	bool there, any = false;
	int rc;

	there = source_open(
		    &r->src, c->s->root_fd, path, part == PART_RECORDS) == 0;
	r->at = r->n = 0;
	*good = true;
	do {
		rc = next_lines(&c->line, &at, c->s, month, part, c->words, e);
		if (rc == 0 && stop_is_set())
			rc = err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
		if (rc != 0 || c->line.len == 0)
			continue;
		any = true;
		*good = there && reader_has(r, c->line.data, c->line.len);
	} while (rc == 0 && *good);
	if (rc == 1 && there)
		*good = any && reader_is_at_end(r);
	source_close(r->src);
	r->src = NULL;
	return rc == -1 ? -1 : 0;
}

static int
check_month(bool *good, struct check *c, int64_t month, struct err *e)
{
	char *paths[PARTS] = {manifest_path(month), records_path(month)};
	bool one;
	int i, rc = 0;

	*good = true;
	for (i = 0; i < PARTS && rc == 0; i++) {
		rc = check_part(&one, c, month, (enum part)i, paths[i], e);
		if (rc == -1 || one)
			continue;
		*good = false;
		c->each(
		    c->arg, paths[i], fault_of(c->s, paths[i], (enum part)i));
	}
	for (i = 0; i < PARTS; i++)
		free(paths[i]);
	return rc;
}

static const char sql_months[] =
    "SELECT month, dirty FROM month WHERE month > ?1 ORDER BY month LIMIT 1";

int
store_months_check(struct store *s, const struct store_words *words, bool mark,
    void (*each)(void *, const char *, enum store_month_fault), void *arg,
    struct err *e)
{
	struct check c = {.s = s, .words = words, .each = each, .arg = arg};
	int64_t month = INT64_MIN;
	int rc, dirty = 0;
	bool good;

	c.reader.piece = xmalloc(PIECE);
	while ((rc = sql_first(
		    s, e, sql_months, "i>id", month, &month, &dirty)) == 0) {
		if (dirty != MONTH_CLEAN)
			continue;
		rc = check_month(&good, &c, month, e);
		if (rc == 0 && mark && !good)
			rc = month_changed(s, month, e);
		if (rc == -1)
			break;
	}
	free(c.reader.piece);
	buf_clear(&c.line);
	return rc == 1 ? 0 : -1;
}
