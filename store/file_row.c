#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "civil.h"
#include "compat.h"
#include "text.h"

/* Files: reserved paths, and what lies under them. */

char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? xstrdup(".")
			     : xstrndup(path, (size_t)(slash - path));
}

int64_t
file_mtime_ms(const struct stat *st)
{
	return (int64_t)ST_MTIM(*st).tv_sec * 1000 +
	    ST_MTIM(*st).tv_nsec / 1000000;
}

void
file_row_clear(struct file_row *f)
{
	free(f->path);
	memset(f, 0, sizeof(*f));
}

static const char sql_of_content[] =
    "SELECT file, content, stem, role, state, mend, path, sha256 FROM file"
    " WHERE content = ?1";

int
file_of_content(
    struct file_row *out, struct store *s, int64_t content, struct err *e)
{
	memset(out, 0, sizeof(*out));
	return sql_first(s, e, sql_of_content, "i>iiidddtb", content,
	    &out->file, &out->content, &out->stem, &out->role, &out->state,
	    &out->mend, &out->path, out->sha256, &out->sha256_len);
}

static const char sql_reserve[] =
    "INSERT INTO file(content, stem, role, path, key)"
    " VALUES(?1, ?2, ?3, ?4, ?5)";

int
file_reserve(struct store *s, int64_t content, int64_t stem, int role,
    const char *path, struct err *e)
{
	char *key = text_fold(path);
	int rc =
	    sql_run(s, e, sql_reserve, "iidtt", content, stem, role, path, key);

	free(key);
	return rc;
}

static const char sql_repath[] =
    "UPDATE file SET stem = ?2, path = ?3, key = ?4 WHERE file = ?1";

int
file_repath(struct store *s, int64_t file, int64_t stem, const char *path,
    struct err *e)
{
	char *key = text_fold(path);
	int rc = sql_run(s, e, sql_repath, "iitt", file, stem, path, key);

	free(key);
	return rc;
}

static const char sql_taken[] =
    "SELECT 1 FROM file WHERE key = ?1 AND content <> ?2";

int
file_path_taken(bool *out, struct store *s, const char *path, int64_t content,
    struct err *e)
{
	char *key = text_fold(path);
	int rc = sql_first(s, e, sql_taken, "ti>", key, content);

	free(key);
	*out = rc == 0;
	return rc == 1 ? sidecar_is_at(out, s, path, e) : rc;
}

static const char sql_placed[] =
    "UPDATE file SET state = ?2, size = ?3, sha256 = ?4,"
    " placed_run = ifnull(placed_run, ?5), checked_ms = ?6, damage = 0,"
    " mend = 0, mtime_ms = NULL, changed_ms = NULL WHERE content = ?1";
static const char sql_held[] =
    "UPDATE content SET state = ?2, bytes = ?3, want = NULL," FORGET_FAILURE
    " WHERE content = ?1";
static const char sql_held_month[] =
    "SELECT s.month FROM file f JOIN stem s ON s.stem = f.stem"
    " WHERE f.content = ?1";

int
file_month_changed(struct store *s, int64_t content, struct err *e)
{
	int64_t month;

	if (sql_first(s, e, sql_held_month, "i>i", content, &month) != 0)
		return -1;
	return month_changed(s, month, e);
}

/* File and content together, or neither: half of it would be a file that is
 * held and wanted. */
static int
record_both(struct store *s, int64_t content, enum store_state state,
    const struct digest_sum *sum, struct err *e)
{
	if (sql_run(s, e, sql_placed, "idibii", content, (int)state,
		sum->size_bytes, sum->sha256, sizeof(sum->sha256), s->run,
		clock_now_ms()) == -1 ||
	    sql_run(s, e, sql_held, "idi", content, (int)state,
		sum->size_bytes) == -1)
		return -1;
	return file_month_changed(s, content, e);
}

int
file_record(struct store *s, int64_t content, enum store_state state,
    const struct digest_sum *sum, struct err *e)
{
	bool own;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	return tx_end(s, own, record_both(s, content, state, sum, e), e);
}

static const char sql_time[] =
    "UPDATE file SET mtime_ms = ?2 WHERE content = ?1";

int
file_time(struct store *s, int64_t content, int64_t mtime_ms, struct err *e)
{
	return sql_run(s, e, sql_time, "ii", content, mtime_ms);
}

bool
file_has_line(const struct file_row *f, const struct digest_sum *sum)
{
	return f->mend != 0 && f->sha256_len == sizeof(sum->sha256) &&
	    memcmp(f->sha256, sum->sha256, sizeof(sum->sha256)) == 0;
}

static const char sql_file_asset[] =
    "SELECT s.asset FROM file f JOIN stem s ON s.stem = f.stem"
    " WHERE f.content = ?1";

/* Bytes that were found may have reached no disk yet, nor their names. */
int
file_durable(struct store *s, const char *path, struct err *e)
{
	int fd = file_open(s->root_fd, path, O_RDONLY, 0), rc;
	char *folder;

	if (fd == -1)
		return err_set_errno(
		    e, errno, "%s/%s cannot be opened", s->root, path);
	rc = compat_sync(fd, false);
	if (rc == -1)
		err_set_errno(
		    e, errno, "%s/%s cannot be flushed", s->root, path);
	(void)close(fd); /* was only read */
	if (rc == -1)
		return -1;
	folder = folder_of(path);
	if (file_sync_dir(s->root_fd, folder) == -1)
		rc = err_set_errno(
		    e, errno, "%s/%s cannot be flushed", s->root, folder);
	free(folder);
	return rc;
}

/* All rows of an adopted file. */
static int
adopted(struct store *s, int64_t content, const char *path,
    enum store_state state, const struct digest_sum *sum, struct err *e)
{
	int64_t asset = 0;
	struct stat st;

	if (file_record(s, content, state, sum, e) == -1 ||
	    sql_first(s, e, sql_file_asset, "i>i", content, &asset) != 0)
		return -1;
	if (file_stat(&st, s->root_fd, path) == 0 &&
	    file_time(s, content, file_mtime_ms(&st), e) == -1)
		return -1;
	return event_add(s, asset, EVENT_ADOPTED, path, e);
}

int
file_adopt(struct store *s, int64_t content, const char *path,
    enum store_state state, const struct digest_sum *sum, struct err *e)
{
	struct buf line = {0};
	struct file_row row;
	bool own, has_line, mended;
	int rc;

	if (file_durable(s, path, e) == -1 ||
	    file_of_content(&row, s, content, e) != 0)
		return -1;
	has_line = file_has_line(&row, sum);
	mended = row.mend != 0;
	file_row_clear(&row);
	if (!has_line) {
		sums_line(&line, sum->sha256, path);
		rc = sums_append(s, line.data, line.len);
		buf_clear(&line);
		if (rc == -1)
			return err_set_errno(e, errno,
			    "%s/%s cannot be written", s->root, PATH_SUMS);
	}
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = tx_end(s, own, adopted(s, content, path, state, sum, e), e);
	/* Its line of before says something else. */
	return rc == 0 && mended && !has_line ? sums_anew(s, e) : rc;
}

/* ---- looking ---- */

#define PAGE 256

struct file_page {
	struct store_file file;
	char *path, *key; /* owned */
};

#define FILE_COLUMNS                                                      \
	"SELECT f.file, f.content, f.path, c.checksum, f.size, f.sha256," \
	" f.state, f.role, f.checked_ms, f.key FROM file f"               \
	" JOIN content c ON c.content = f.content"

static const char sql_files[] =
    FILE_COLUMNS " WHERE f.state > 0 AND f.key > ?1 ORDER BY f.key LIMIT 256";
/* What is dated in the future would never be the longest unchecked. */
static const char sql_undate[] =
    "UPDATE file SET checked_ms = 0 WHERE state > 0 AND checked_ms >= ?1";
static const char sql_unchecked[] =
    FILE_COLUMNS " WHERE f.state > 0 AND f.checked_ms < ?3"
		 " AND (f.checked_ms, f.file) > (?1, ?2)"
		 " ORDER BY f.checked_ms, f.file LIMIT 256";

static void
take_file(struct file_page *p, sqlite3_stmt *st)
{
	struct store_file *f = &p->file;

	memset(p, 0, sizeof(*p));
	f->file = sqlite3_column_int64(st, 0);
	f->content = sqlite3_column_int64(st, 1);
	p->path = xstrdup(sql_text(st, 2));
	f->path = p->path;
	f->checksum_len = sql_blob(f->checksum, sizeof(f->checksum), st, 3);
	f->size_bytes = sqlite3_column_int64(st, 4);
	(void)sql_blob(f->sha256, sizeof(f->sha256), st, 5);
	f->state = sqlite3_column_int(st, 6);
	f->role = sqlite3_column_int(st, 7);
	f->checked_ms = sqlite3_column_int64(st, 8);
	p->key = xstrdup(sql_text(st, 9));
}

/* The rows of a statement that gives a page. */
static int
take_page(struct file_page *page, size_t *n, struct store *s, sqlite3_stmt *st,
    struct err *e)
{
	int rc;

	while ((rc = sql_row(s, st, e)) == 1)
		take_file(&page[(*n)++], st);
	return rc;
}

/*
 * A page at a time, with no statement open while each() works: a reader that
 * stays would keep the log of a long verify from being emptied.
 */
int
store_files(struct store *s, void (*each)(void *, const struct store_file *),
    void *arg, struct err *e)
{
	struct file_page *page = xcalloc(PAGE, sizeof(*page));
	char *last = xstrdup("");
	sqlite3_stmt *st;
	size_t n, i;
	int rc;

	do {
		n = 0;
		rc = sql_open(&st, s, e, sql_files, "t", last);
		if (rc == 0)
			rc = take_page(page, &n, s, st, e);
		for (i = 0; i < n; i++) {
			if (rc == 0)
				each(arg, &page[i].file);
			free(page[i].path);
			free(last);
			last = page[i].key;
		}
	} while (rc == 0 && n > 0);
	free(last);
	free(page);
	return rc;
}

int
store_files_unchecked(struct store *s, int64_t now_ms,
    bool (*each)(void *, const struct store_file *), void *arg, struct err *e)
{
	struct file_page *page = xcalloc(PAGE, sizeof(*page));
	int64_t last_ms = INT64_MIN, last = 0;
	bool more = true;
	sqlite3_stmt *st;
	size_t n, i;
	int rc = sql_run(s, e, sql_undate, "i", now_ms);

	while (rc == 0 && more) {
		n = 0;
		rc = sql_open(
		    &st, s, e, sql_unchecked, "iii", last_ms, last, now_ms);
		if (rc == 0)
			rc = take_page(page, &n, s, st, e);
		more = n > 0;
		for (i = 0; i < n; i++) {
			if (rc == 0 && more)
				more = each(arg, &page[i].file);
			last_ms = page[i].file.checked_ms;
			last = page[i].file.file;
			free(page[i].path);
			free(page[i].key);
		}
	}
	free(page);
	return rc;
}
