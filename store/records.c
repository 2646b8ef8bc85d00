#include "store_p.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

/*
 * The lines of records/: each kept record as it came, after where it lives.
 * A line end between its members becomes a blank; inside of a text there is
 * none.  And reading of what months.c has written, line by line.
 */

/* ---- writing ---- */

static const char sql_record[] =
    "SELECT z.database, z.name, z.owner, r.gone_run IS NOT NULL,"
    " r.dict, r.size, r.bytes FROM record r JOIN zone z ON z.zone = r.zone"
    " WHERE r.rec = ?1 AND r.size > 0 AND r.dict IS NOT NULL"
    " AND ((?2 = 0 AND r.type > 2) OR r.type = ?2)";

static int
add_envelope(struct buf *out, sqlite3_stmt *st)
{
	int rc = 0;

	rc |= buf_addf(out, "{\"database\":\"%s\",\"zone\":",
	    line_database(sqlite3_column_int(st, 0)));
	rc |= buf_add_json(out, sql_text(st, 1));
	if (sqlite3_column_type(st, 2) != SQLITE_NULL) {
		rc |= buf_adds(out, ",\"owner\":");
		rc |= buf_add_json(out, sql_text(st, 2));
	}
	rc |= buf_addf(out, ",\"gone\":%s,\"record\":",
	    sqlite3_column_int(st, 3) ? "true" : "false");
	return rc;
}

/* Append the line of a record, if it is of this type and has come; 0: of any
 * that is neither an asset nor a master. */
static int
add_record(
    struct buf *out, struct store *s, int64_t rec, int type, struct err *e)
{
	sqlite3_stmt *st;
	size_t i, from;
	int rc;

	if (sql_open(&st, s, e, sql_record, "id", rec, type) == -1)
		return -1;
	rc = sql_row(s, st, e);
	if (rc != 1)
		return rc;
	if (add_envelope(out, st) == -1)
		abort(); /* far from the maximum */
	from = out->len;
	rc = record_column(out, s, st, 4, e);
	sql_end(st);
	if (rc == -1)
		return -1;
	for (i = from; i < out->len; i++)
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	if (buf_adds(out, "}\n") == -1)
		abort();
	return 0;
}

/* An asset of the month and, with the first that has it, its master. */
static const char sql_next_asset[] =
    "SELECT a.rec, CASE WHEN NOT EXISTS(SELECT 1 FROM asset b"
    "  WHERE b.master = a.master AND b.month = a.month AND b.rec < a.rec)"
    "  THEN a.master END FROM asset a"
    " WHERE a.month = ?1 AND a.rec > ?2 ORDER BY a.rec LIMIT 1";
static const char sql_next_rest[] =
    "SELECT rec FROM record WHERE type > 2 AND rec > ?1 ORDER BY rec LIMIT 1";
static const char sql_next_lonely[] =
    "SELECT rec FROM master m WHERE rec > ?1 AND NOT EXISTS("
    " SELECT 1 FROM asset a WHERE a.master = m.rec) ORDER BY rec LIMIT 1";

/* Albums, relations, library infos; then masters without an asset. */
static int
next_of_none(
    struct buf *out, struct line_place *at, struct store *s, struct err *e)
{
	int rc;

	if (at->major == 0) {
		rc = sql_first(
		    s, e, sql_next_rest, "i>i", at->minor, &at->minor);
		if (rc == 0)
			rc = add_record(out, s, at->minor, 0, e);
		if (rc != 1)
			return rc;
		at->major = 1;
		at->minor = 0;
	}
	rc = sql_first(s, e, sql_next_lonely, "i>i", at->minor, &at->minor);
	return rc == 0 ? add_record(out, s, at->minor, STORE_MASTER, e) : rc;
}

int
records_next(struct buf *out, struct line_place *at, struct store *s,
    int64_t month, struct err *e)
{
	int64_t master = 0;
	int rc;

	if (month == MONTH_ALBUMS)
		return next_of_none(out, at, s, e);
	rc = sql_first(s, e, sql_next_asset, "ii>ii", month, at->minor,
	    &at->minor, &master);
	if (rc == 0)
		rc = add_record(out, s, at->minor, STORE_ASSET, e);
	if (rc == 0 && master != 0)
		rc = add_record(out, s, master, STORE_MASTER, e);
	return rc;
}

/* ---- reading: the bytes ---- */

#define PIECE ((size_t)64 << 10)

struct source {
	int fd;
	bool packed, ended; /* gzip; all of it was read */
	z_stream z;
	uint8_t in[PIECE];
};

int
source_open(struct source **out, int root, const char *path, bool packed)
{
	struct source *src;
	struct stat st;
	int fd = file_open(root, path, O_RDONLY | O_NONBLOCK, 0);

	*out = NULL;
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)close(fd); /* was only opened */
		errno = EISDIR;
		return -1;
	}
	src = xcalloc(1, sizeof(*src));
	src->fd = fd;
	src->packed = packed;
	/* 16: a head of gzip, and nothing else. */
	if (packed && inflateInit2(&src->z, MAX_WBITS + 16) != Z_OK)
		abort(); /* out of memory */
	*out = src;
	return 0;
}

void
source_close(struct source *src)
{
	if (src == NULL)
		return;
	if (src->packed)
		(void)inflateEnd(&src->z);
	(void)close(src->fd); /* was only read */
	free(src);
}

static ssize_t
read_some(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got == -1 && errno == EINTR);
	return got;
}

/* Bytes behind the end of gzip are no part of it. */
static ssize_t
source_end(struct source *src)
{
	src->ended = true;
	if (src->z.avail_in == 0 && read_some(src->fd, src->in, 1) == 0)
		return 0;
	errno = EILSEQ;
	return -1;
}

ssize_t
source_read(struct source *src, void *p, size_t n)
{
	z_stream *z = &src->z;
	ssize_t got;
	int rc;

	if (!src->packed)
		return read_some(src->fd, p, n);
	if (src->ended)
		return 0;
	z->next_out = p;
	z->avail_out = (uInt)n;
	while (z->avail_out == (uInt)n) {
		if (z->avail_in == 0) {
			got = read_some(src->fd, src->in, sizeof(src->in));
			if (got == 0) /* its end is missing */
				errno = EILSEQ;
			if (got <= 0)
				return -1;
			z->next_in = src->in;
			z->avail_in = (uInt)got;
		}
		rc = inflate(z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END && z->avail_out == (uInt)n)
			return source_end(src);
		if (rc == Z_STREAM_END) {
			if (source_end(src) == -1)
				return -1;
			break;
		}
		if (rc != Z_OK && rc != Z_BUF_ERROR) {
			errno = EILSEQ;
			return -1;
		}
	}
	return (ssize_t)(n - z->avail_out);
}

/* ---- reading: lines ---- */

/* 1: it is none. */
typedef int take_line(void *arg, const char *line, size_t len);

static int
bad_line(const char *path, int64_t number, struct err *e)
{
	return err_set(e, ERR_BAD_STATE, NULL,
	    "%s is damaged: line %lld of it cannot be read.", path,
	    (long long)number);
}

/* Take the whole lines of text; what remains is the beginning of one. */
static int
take_lines(struct buf *text, int64_t *number, take_line *take, void *arg,
    const char *path, struct err *e)
{
	char *line = text->data, *end;
	size_t left = text->len;
	int rc = 0;

	while (
	    rc == 0 && left > 0 && (end = memchr(line, '\n', left)) != NULL) {
		rc = take(arg, line, (size_t)(end - line));
		(*number)++;
		left -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	if (rc == 1)
		return bad_line(path, *number, e);
	memmove(text->data, line, left);
	text->data[left] = '\0';
	text->len = left;
	return rc;
}

static int
read_lines(int root, const char *path, bool packed, take_line *take, void *arg,
    struct err *e)
{
	struct source *src;
	int64_t number = 0;
	char *piece = NULL;
	struct buf text;
	ssize_t got;
	int rc = -1;

	if (source_open(&src, root, path, packed) == -1) {
		if (errno == ENOENT)
			return 1;
		return err_set_errno(e, errno, "%s cannot be read", path);
	}
	buf_init(&text, JSON_MAX_BYTES + PIECE);
	piece = xmalloc(PIECE);
	while ((got = source_read(src, piece, PIECE)) > 0) {
		if (buf_add(&text, piece, (size_t)got) == -1) {
			bad_line(path, number + 1, e);
			goto out;
		}
		if (take_lines(&text, &number, take, arg, path, e) == -1)
			goto out;
	}
	if (got == -1 && errno != EILSEQ)
		err_set_errno(e, errno, "%s cannot be read", path);
	else if (got == -1 || text.len > 0) /* its end is missing */
		bad_line(path, number + 1, e);
	else
		rc = 0;
out:
	buf_clear(&text);
	free(piece);
	source_close(src);
	return rc;
}

/* ---- reading: records ---- */

/* The members of the envelope, all but the record. */
static cJSON *
read_envelope(struct json_span line)
{
	static const char *const names[] = {"database", "zone", "owner"};
	cJSON *out = cJSON_CreateObject(), *value;
	struct json_span span;
	size_t i;

	for (i = 0; out != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		span = json_span_get(line, names[i]);
		if (span.p == NULL)
			continue;
		value = json_span_parse(span, NULL);
		if (value == NULL ||
		    !cJSON_AddItemToObject(out, names[i], value))
			cJSON_Delete(value);
	}
	return out;
}

int
store_record_line_read(
    struct store_record_line *out, const char *line, size_t len)
{
	struct json_span all, gone, record;

	memset(out, 0, sizeof(*out));
	if (json_span_all(&all, line, len, NULL) == -1)
		return -1;
	gone = json_span_get(all, "gone");
	record = json_span_get(all, "record");
	out->json = read_envelope(all);
	out->gone = gone.p != NULL && *gone.p == 't';
	out->bytes = record.p;
	out->len = record.len;
	if (line_owner(&out->database, &out->zone, &out->owner, out->json) &&
	    gone.p != NULL && (*gone.p == 't' || *gone.p == 'f') &&
	    record.p != NULL && *record.p == '{')
		return 0;
	store_record_line_clear(out);
	return -1;
}

void
store_record_line_clear(struct store_record_line *l)
{
	cJSON_Delete(l->json);
	memset(l, 0, sizeof(*l));
}

struct taker {
	int (*record)(void *, const struct store_record_line *);
	int (*file)(void *, const struct store_manifest_line *);
	void *arg;
};

static int
take_record(void *arg, const char *line, size_t len)
{
	const struct taker *t = arg;
	struct store_record_line l;
	int rc = 1;

	if (store_record_line_read(&l, line, len) == 0)
		rc = t->record(t->arg, &l);
	store_record_line_clear(&l);
	return rc;
}

static int
take_file(void *arg, const char *line, size_t len)
{
	const struct taker *t = arg;
	struct store_manifest_line l;
	int rc = 1;

	if (store_manifest_line_read(&l, line, len) == 0)
		rc = t->file(t->arg, &l);
	store_manifest_line_clear(&l);
	return rc;
}

int
store_records_read(int root, const char *path,
    int (*each)(void *, const struct store_record_line *), void *arg,
    struct err *e)
{
	struct taker t = {.record = each, .arg = arg};

	return read_lines(root, path, true, take_record, &t, e);
}

int
store_manifest_read(int root, const char *path,
    int (*each)(void *, const struct store_manifest_line *), void *arg,
    struct err *e)
{
	struct taker t = {.file = each, .arg = arg};

	return read_lines(root, path, false, take_file, &t, e);
}
