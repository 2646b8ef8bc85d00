#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"
#include "text.h"

/*
 * SHA256SUMS: a line for each file under a final name, as "sha256sum -c" and
 * "shasum -a 256 -c" read it.  Appended to; after a run that did not end,
 * compared with the rows, and written anew only if a line cannot stay.  A file
 * that is being mended keeps its line, which says what is wrong with it.
 */

#define HEX       (2 * (size_t)DIGEST_SHA256)
#define PIECE     ((size_t)64 << 10)
#define PATH_ANEW PATH_SUMS ".new"

void
sums_line(
    struct buf *out, const uint8_t sha256[DIGEST_SHA256], const char *path)
{
	char hex[2 * DIGEST_SHA256 + 1];

	/* Neither needs the escaped form of a line: names are safe. */
	assert(strpbrk(path, "\n\\") == NULL);
	text_hex(hex, sha256, DIGEST_SHA256);
	if (buf_addf(out, "%s  %s\n", hex, path) == -1)
		abort(); /* a batch is small */
}

/* Where the last whole line ends; -1. */
static off_t
whole_lines(int fd, off_t size)
{
	char piece[4096];
	off_t at = size;

	while (at > 0) {
		size_t n =
		    at < (off_t)sizeof(piece) ? (size_t)at : sizeof(piece);
		ssize_t got = pread(fd, piece, n, at - (off_t)n);

		if (got != (ssize_t)n) {
			if (got >= 0)
				errno = EIO;
			return -1;
		}
		while (n > 0 && piece[n - 1] != '\n')
			n--, at--;
		if (n > 0)
			return at;
	}
	return 0;
}

/* Open it and cut off what a crash has left of a line. */
static int
open_sums(off_t *size, const struct store *s)
{
	struct stat st;
	off_t whole;
	int fd =
	    file_open(s->root_fd, PATH_SUMS, O_RDWR | O_CREAT | O_APPEND, 0644);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		goto fail;
	whole = whole_lines(fd, st.st_size);
	if (whole == -1 || (whole != st.st_size && ftruncate(fd, whole) == -1))
		goto fail;
	*size = whole;
	return fd;
fail : {
	int errnum = errno;

	(void)close(fd);
	errno = errnum;
}
	return -1;
}

static int
append_locked(const struct store *s, const char *lines, size_t len)
{
	int errnum = 0, fd;
	off_t size = 0;

	fd = open_sums(&size, s);
	if (fd == -1)
		return -1;
	/* All of it or nothing; a half line is cut off later if need be. */
	if (file_write_all(fd, lines, len) == -1) {
		errnum = errno;
		(void)!ftruncate(fd, size);
	} else if (compat_sync(fd, true) == -1)
		errnum = errno;
	if (close(fd) == -1 && errnum == 0)
		errnum = errno;
	if (errnum == 0 && size == 0 &&
	    file_sync_dir(s->root_fd, DIR_OWN) == -1)
		errnum = errno;
	errno = errnum;
	return errnum == 0 ? 0 : -1;
}

int
sums_append(struct store *s, const char *lines, size_t len)
{
	int rc, errnum;

	if (pthread_mutex_lock(&s->sums_lock) != 0)
		abort();
	rc = append_locked(s, lines, len);
	errnum = errno;
	if (pthread_mutex_unlock(&s->sums_lock) != 0)
		abort();
	errno = errnum;
	return rc;
}

/* ---- comparing ---- */

static const char sql_make[] =
    "DROP TABLE IF EXISTS temp.line;"
    "CREATE TEMP TABLE line(path TEXT PRIMARY KEY, key TEXT NOT NULL,"
    " sha256 BLOB NOT NULL) WITHOUT ROWID;";
static const char sql_line[] =
    "INSERT OR IGNORE INTO temp.line(path, key, sha256) VALUES(?1, ?2, ?3)";

/* Take one line; what is none, or stands twice, is odd. */
static int
load_line(struct store *s, char *line, size_t len, struct err *e)
{
	uint8_t sha256[DIGEST_SHA256];
	char *path = line + HEX + 2, *key;
	int rc;

	if (len < HEX + 3 || line[len - 1] != '\n' ||
	    memchr(line, '\0', len) != NULL || line[HEX] != ' ' ||
	    line[HEX + 1] != ' ') {
		s->sums_odd = true;
		return 0;
	}
	line[len - 1] = line[HEX] = '\0';
	if (text_unhex(sha256, sizeof(sha256), line) == -1) {
		s->sums_odd = true;
		return 0;
	}
	key = text_fold(path);
	rc = sql_run(s, e, sql_line, "ttb", path, key, sha256, sizeof(sha256));
	if (rc == 0 && sqlite3_changes(s->db) == 0)
		s->sums_odd = true;
	free(key);
	return rc;
}

static int
load_file(struct store *s, FILE *f, struct err *e)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	bool own;
	int rc = 0;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	while (rc == 0 && (len = getline(&line, &cap, f)) != -1)
		rc = load_line(s, line, (size_t)len, e);
	if (rc == 0 && ferror(f))
		rc = err_set_errno(
		    e, errno, "%s/%s cannot be read", s->root, PATH_SUMS);
	free(line);
	return tx_end(s, own, rc, e);
}

int
sums_load(struct store *s, struct err *e)
{
	off_t size = 0;
	FILE *f;
	int fd, rc;

	s->sums_odd = false;
	if (sql_exec(s, sql_make, e) == -1)
		return -1;
	fd = open_sums(&size, s);
	f = fd == -1 ? NULL : fdopen(fd, "r");
	if (f == NULL) {
		(void)err_set_errno(
		    e, errno, "%s/%s cannot be read", s->root, PATH_SUMS);
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	rc = load_file(s, f, e);
	(void)fclose(f); /* was only read */
	return rc;
}

static const char sql_has[] =
    "SELECT 1 FROM temp.line WHERE path = ?1 AND sha256 = ?2";

int
sums_has(bool *out, struct store *s, const char *path,
    const uint8_t sha256[DIGEST_SHA256], struct err *e)
{
	int rc = sql_first(
	    s, e, sql_has, "tb>", path, sha256, (size_t)DIGEST_SHA256);

	*out = rc == 0;
	return rc == -1 ? -1 : 0;
}

static const char sql_stray[] =
    "SELECT 1 FROM temp.line l WHERE NOT EXISTS(SELECT 1 FROM file f"
    " WHERE f.key = l.key AND f.path = l.path AND f.state + f.mend > 0"
    " AND f.sha256 = l.sha256) LIMIT 1";
static const char sql_missing[] =
    "SELECT path, sha256 FROM file f WHERE state + mend > 0 AND file > ?1"
    " AND NOT EXISTS(SELECT 1 FROM temp.line l WHERE l.path = f.path)"
    " ORDER BY file";
static const char sql_all[] =
    "SELECT path, sha256 FROM file WHERE state + mend > 0 AND file > ?1"
    " ORDER BY file";

/* Lines of the rows that sql gives, written by put() in pieces. */
static int
write_rows(struct store *s, const char *sql,
    int (*put)(struct store *, int fd, const char *, size_t), int fd,
    struct err *e)
{
	struct buf lines = {0};
	sqlite3_stmt *st;
	int rc, errnum = 0;

	if (sql_open(&st, s, e, sql, "i", (int64_t)0) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		if (sqlite3_column_bytes(st, 1) != DIGEST_SHA256)
			continue;
		sums_line(&lines, sqlite3_column_blob(st, 1), sql_text(st, 0));
		if (lines.len < PIECE)
			continue;
		if (put(s, fd, lines.data, lines.len) == -1) {
			errnum = errno;
			sql_end(st);
			break;
		}
		buf_reset(&lines);
	}
	if (rc == 0 && lines.len > 0 && put(s, fd, lines.data, lines.len) == -1)
		errnum = errno;
	buf_clear(&lines);
	if (errnum != 0)
		return err_set_errno(
		    e, errnum, "%s/%s cannot be written", s->root, PATH_SUMS);
	return rc;
}

static int
put_append(struct store *s, int fd, const char *p, size_t n)
{
	(void)fd;
	return sums_append(s, p, n);
}

static int
put_plain(struct store *s, int fd, const char *p, size_t n)
{
	(void)s;
	return file_write_all(fd, p, n);
}

int
sums_anew(struct store *s, struct err *e)
{
	int fd, rc, errnum = 0;

	fd = file_open(
	    s->root_fd, PATH_ANEW, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd == -1)
		return err_set_errno(
		    e, errno, "%s/%s cannot be written", s->root, PATH_ANEW);
	rc = write_rows(s, sql_all, put_plain, fd, e);
	if (rc == 0 && compat_sync(fd, true) == -1)
		errnum = errno;
	if (close(fd) == -1 && errnum == 0)
		errnum = errno;
	if (rc == -1)
		return -1;
	if (errnum == 0 &&
	    (file_rename_over(s->root_fd, PATH_ANEW, PATH_SUMS) == -1 ||
		file_sync_dir(s->root_fd, DIR_OWN) == -1))
		errnum = errno;
	if (errnum != 0)
		return err_set_errno(
		    e, errnum, "%s/%s cannot be written", s->root, PATH_SUMS);
	return 0;
}

int
sums_mend(struct store *s, struct err *e)
{
	bool odd = s->sums_odd;
	int rc = odd ? 0 : sql_first(s, e, sql_stray, ">");

	if (rc == 0)
		rc = sums_anew(s, e);
	else if (rc == 1)
		rc = write_rows(s, sql_missing, put_append, -1, e);
	if (rc == 0)
		rc = sql_exec(s, "DROP TABLE temp.line", e);
	return rc;
}
