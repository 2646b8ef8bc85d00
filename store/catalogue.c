#include "store_p.h"

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"
#include "work.h"

/*
 * Opening and closing the store, and SQLite in short: a cache of statements,
 * bindings by format, one place where its failures become sentences.
 */

#define BUSY_MS 10000

int
sql_damaged(const struct store *s, struct err *e)
{
	return err_set(e, ERR_BAD_STATE,
	    "Move that file away and run \"icloud-pull adopt\" with the "
	    "copy's path: it is built anew from the copy.",
	    "The catalogue %s is damaged.", s->catalogue);
}

int
sql_fail(const struct store *s, struct err *e)
{
	int rc = sqlite3_extended_errcode(s->db);

	switch (rc & 0xff) {
	case SQLITE_FULL:
		return err_set(e, ERR_DISK_FULL,
		    "Make room on that disk and run again.",
		    "The disk with %s is full.", s->catalogue);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(e, ERR_DISK,
		    "Check that disk and the rights on that file.",
		    "The catalogue %s cannot be read or written: %s.",
		    s->catalogue, sqlite3_errmsg(s->db));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_BUSY, "Wait for it to end.",
		    "Another process is using the catalogue %s.", s->catalogue);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return sql_damaged(s, e);
	default:
		return err_set(e, ERR_BAD_STATE,
		    "Run again; if it happens again, report it.",
		    "The catalogue %s could not be used: %s.", s->catalogue,
		    sqlite3_errmsg(s->db));
	}
}

static struct statement *
statement_slot(struct store *s, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) * 2654435761u % STATEMENT_MAX;
	size_t n;

	for (n = 0; n < STATEMENT_MAX; n++) {
		struct statement *c = &s->statements[i];

		if (c->sql == NULL || c->sql == sql)
			return c;
		i = (i + 1) % STATEMENT_MAX;
	}
	abort(); /* fewer statements than slots exist */
}

static int
bind_all(sqlite3_stmt *st, const char *fmt, va_list *ap)
{
	int i, rc = SQLITE_OK;

	for (i = 1; *fmt != '\0' && *fmt != '>' && rc == SQLITE_OK; fmt++) {
		const void *p;
		size_t n;
		int has;

		switch (*fmt) {
		case 'i':
			rc = sqlite3_bind_int64(st, i++, va_arg(*ap, int64_t));
			break;
		case 'd':
			rc = sqlite3_bind_int(st, i++, va_arg(*ap, int));
			break;
		case 't':
			rc = sqlite3_bind_text(st, i++,
			    va_arg(*ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'b':
			p = va_arg(*ap, const void *);
			n = va_arg(*ap, size_t);
			rc = sqlite3_bind_blob64(st, i++, p, n, SQLITE_STATIC);
			break;
		case 'o':
			has = va_arg(*ap, int);
			if (has)
				rc = sqlite3_bind_int64(
				    st, i++, va_arg(*ap, int64_t));
			else {
				(void)va_arg(*ap, int64_t);
				rc = sqlite3_bind_null(st, i++);
			}
			break;
		default:
			abort();
		}
	}
	return rc == SQLITE_OK ? 0 : -1;
}

static int
sql_vopen(sqlite3_stmt **out, struct store *s, struct err *e, const char *sql,
    const char *fmt, va_list *ap)
{
	struct statement *c = statement_slot(s, sql);

	*out = NULL;
	if (c->st == NULL) {
		if (sqlite3_prepare_v3(s->db, sql, -1,
			SQLITE_PREPARE_PERSISTENT, &c->st, NULL) != SQLITE_OK)
			return sql_fail(s, e);
		c->sql = sql;
	}
	assert(!sqlite3_stmt_busy(c->st));
	if (bind_all(c->st, fmt, ap) == -1) {
		sql_end(c->st);
		return sql_fail(s, e);
	}
	*out = c->st;
	return 0;
}

int
sql_open(sqlite3_stmt **out, struct store *s, struct err *e, const char *sql,
    const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = sql_vopen(out, s, e, sql, fmt, &ap);
	va_end(ap);
	return rc;
}

int
sql_row(struct store *s, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE) {
		sql_end(st);
		return 0;
	}
	(void)sql_fail(s, e);
	sql_end(st);
	return -1;
}

void
sql_end(sqlite3_stmt *st)
{
	if (st == NULL)
		return;
	/* Both repeat what the last step said. */
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}

int
sql_run(struct store *s, struct err *e, const char *sql, const char *fmt, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = sql_vopen(&st, s, e, sql, fmt, &ap);
	va_end(ap);
	if (rc == -1)
		return -1;
	do
		rc = sql_row(s, st, e);
	while (rc == 1);
	return rc;
}

const char *
sql_text(sqlite3_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st, column);
}

size_t
sql_blob(uint8_t *out, size_t max, sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);
	size_t n = (size_t)sqlite3_column_bytes(st, column);

	n = n < max ? n : max;
	if (p != NULL)
		memcpy(out, p, n);
	return n;
}

static void
take_result(sqlite3_stmt *st, int i, char kind, va_list *ap)
{
	bool *has;
	size_t *len;
	uint8_t *bytes;

	switch (kind) {
	case 'i':
		*va_arg(*ap, int64_t *) = sqlite3_column_int64(st, i);
		break;
	case 'd':
		*va_arg(*ap, int *) = sqlite3_column_int(st, i);
		break;
	case 't':
		*va_arg(*ap, char **) = xstrdup(sql_text(st, i));
		break;
	case 'b':
		bytes = va_arg(*ap, uint8_t *);
		len = va_arg(*ap, size_t *);
		*len = sql_blob(bytes, CHECKSUM_BYTES, st, i);
		break;
	case 'o':
		has = va_arg(*ap, bool *);
		*has = sqlite3_column_type(st, i) != SQLITE_NULL;
		*va_arg(*ap, int64_t *) = sqlite3_column_int64(st, i);
		break;
	case '.':
		break;
	default:
		abort();
	}
}

int
sql_first(struct store *s, struct err *e, const char *sql, const char *fmt, ...)
{
	const char *results = strchr(fmt, '>');
	sqlite3_stmt *st = NULL;
	va_list ap;
	int i, rc;

	assert(results != NULL);
	va_start(ap, fmt);
	rc = sql_vopen(&st, s, e, sql, fmt, &ap);
	if (rc == 0)
		rc = sql_row(s, st, e);
	if (rc == 1) {
		for (i = 0; results[i + 1] != '\0'; i++)
			take_result(st, i, results[i + 1], &ap);
		sql_end(st);
		rc = 0;
	} else if (rc == 0)
		rc = 1;
	va_end(ap);
	return rc;
}

int
sql_exec(struct store *s, const char *sql, struct err *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(s, e);
	return 0;
}

/* ---- transactions ---- */

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";

int
tx_begin(bool *own, struct store *s, struct err *e)
{
	*own = sqlite3_get_autocommit(s->db) != 0;
	return *own ? sql_run(s, e, sql_begin, "") : 0;
}

int
tx_end(struct store *s, bool own, int rc, struct err *e)
{
	if (!own)
		return rc;
	if (rc == 0)
		rc = sql_run(s, e, sql_commit, "");
	if (rc != 0)
		store_rollback(s);
	return rc;
}

int
store_begin(struct store *s, struct err *e)
{
	assert(sqlite3_get_autocommit(s->db) != 0);
	return sql_run(s, e, sql_begin, "");
}

int
store_commit(struct store *s, struct err *e)
{
	return tx_end(s, true, 0, e);
}

void
store_rollback(struct store *s)
{
	/* Some failures have rolled back already. */
	if (sqlite3_get_autocommit(s->db) == 0)
		(void)sql_run(s, NULL, sql_rollback, "");
}

/* ---- opening ---- */

static const char sql_set_up[] = "PRAGMA journal_mode = WAL;"
				 "PRAGMA synchronous = NORMAL;"
				 "PRAGMA fullfsync = 1;"
				 "PRAGMA checkpoint_fullfsync = 1;"
				 "PRAGMA mmap_size = 0;"
				 "PRAGMA cache_size = -8192;"
				 "PRAGMA temp_store = FILE;";

int
catalogue_open(struct store *s, bool fresh, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	struct stat st;

	/*
	 * A catalogue that is missing is not made silently: names would be
	 * chosen anew beside the files that are there.
	 */
	if (!fresh && stat(s->catalogue, &st) == -1)
		return err_set(e, ERR_BAD_STATE,
		    "Run \"icloud-pull adopt\" with the copy's path: it is "
		    "built anew from the copy.",
		    "The catalogue of the copy %s is missing (%s).", s->root,
		    s->catalogue);
	if (fresh)
		flags |= SQLITE_OPEN_CREATE;
	if (sqlite3_open_v2(s->catalogue, &s->db, flags, NULL) != SQLITE_OK)
		return sql_fail(s, e);
	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, BUSY_MS);
	if (sql_exec(s, sql_set_up, e) == -1)
		return -1;
	if (schema_migrate(s, e) == -1)
		return -1;
	return s->mode == STORE_READ ? sql_exec(s, "PRAGMA query_only = 1", e)
				     : 0;
}

void
catalogue_close(struct store *s)
{
	size_t i;

	for (i = 0; i < STATEMENT_MAX; i++)
		(void)sqlite3_finalize(s->statements[i].st);
	/* Harmless on NULL; with all statements gone it cannot fail. */
	(void)sqlite3_close(s->db);
	s->db = NULL;
}

int
store_open(struct store **out, const struct store_options *o, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	mode_t mask;
	int rc = -1;

	*out = NULL;
	s->root_fd = s->lock_fd = -1;
	s->mode = o->mode;
	s->work = o->work;
	s->lock_files = o->lock_files;
	s->placed = o->placed;
	s->unplaced = o->unplaced;
	s->arg = o->arg;
	if (pthread_mutex_init(&s->sums_lock, NULL) != 0)
		abort();
	/* umask() can only be read by setting it. */
	mask = umask(077);
	(void)umask(mask);
	s->file_mode = (o->file_mode != 0 ? o->file_mode : 0444) & ~mask;

	if (copy_open(s, o, e) == -1)
		goto out;
	s->catalogue = xasprintf("%s/catalogue.sqlite", s->id_dir);
	if (catalogue_open(s, s->making, e) == -1)
		goto out;
	if (s->making && copy_made(s, e) == -1)
		goto out;
	*out = s;
	s = NULL;
	rc = 0;
out:
	store_close(s);
	return rc;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	place_abandon(s);
	months_abandon(s);
	if (s->db != NULL)
		store_rollback(s);
	catalogue_close(s);
	if (s->has_deflater)
		(void)deflateEnd(&s->deflater);
	if (s->has_inflater)
		(void)inflateEnd(&s->inflater);
	if (s->root_fd != -1)
		(void)close(s->root_fd);
	if (s->lock_fd != -1)
		file_unlock(s->lock_fd);
	(void)pthread_mutex_destroy(&s->sums_lock);
	buf_clear(&s->dictionary);
	buf_clear(&s->text);
	free(s->given);
	free(s->catalogue);
	free(s->root);
	free(s->state_dir);
	free(s->id);
	free(s->id_dir);
	free(s->account);
	free(s->layout);
	free(s);
}

const char *
store_root(const struct store *s)
{
	return s->root;
}

int
store_root_fd(const struct store *s)
{
	return s->root_fd;
}

const char *
store_layout(const struct store *s)
{
	return s->layout;
}

const char *
store_copy_account(const struct store *s)
{
	return s->account;
}
