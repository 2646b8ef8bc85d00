#include "store_p.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/*
 * Records as received, deflated.  A row without bytes keeps the place of a
 * record that another one has named before it came.
 */

#define PLAIN     0 /* record.dict: not deflated */
#define BYTES_MAX ((size_t)16 << 20)

/* ---- bytes ---- */

static const struct buf *
dictionary_now(struct store *s)
{
	if (s->dictionary.len == 0)
		dictionary(&s->dictionary, DICTIONARY_NOW);
	return &s->dictionary;
}

/* Raw deflate: the row says which dictionary, so no header is needed. */
static void
deflate_record(struct buf *out, struct store *s, const void *bytes, size_t len)
{
	const struct buf *dict = dictionary_now(s);
	z_stream *z = &s->deflater;
	uint8_t chunk[4096];
	int rc;

	if (!s->has_deflater) {
		if (deflateInit2(z, 6, Z_DEFLATED, -MAX_WBITS, 8,
			Z_DEFAULT_STRATEGY) != Z_OK)
			abort(); /* out of memory */
		s->has_deflater = true;
	} else if (deflateReset(z) != Z_OK)
		abort();
	if (deflateSetDictionary(
		z, (const Bytef *)dict->data, (uInt)dict->len) != Z_OK)
		abort();
	z->next_in = bytes;
	z->avail_in = (uInt)len;
	do {
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		rc = deflate(z, Z_FINISH);
		if (buf_add(out, chunk, sizeof(chunk) - z->avail_out) == -1)
			abort(); /* bounded by len */
	} while (rc == Z_OK || rc == Z_BUF_ERROR);
	assert(rc == Z_STREAM_END);
}

/* 0, or -1 if these bytes do not inflate to size bytes. */
static int
inflate_record(struct buf *out, struct store *s, int number, const void *bytes,
    size_t len, size_t size)
{
	z_stream *z = &s->inflater;
	const struct buf *dict;
	char *plain;
	int rc = -1;

	/* There is one dictionary so far. */
	if (size > BYTES_MAX || number != DICTIONARY_NOW)
		return -1;
	if (!s->has_inflater) {
		if (inflateInit2(z, -MAX_WBITS) != Z_OK)
			abort(); /* out of memory */
		s->has_inflater = true;
	} else if (inflateReset(z) != Z_OK)
		abort();
	dict = dictionary_now(s);
	if (inflateSetDictionary(
		z, (const Bytef *)dict->data, (uInt)dict->len) != Z_OK)
		abort();
	plain = xmalloc(size + 1);
	z->next_in = bytes;
	z->avail_in = (uInt)len;
	z->next_out = (Bytef *)plain;
	z->avail_out = (uInt)(size + 1);
	if (inflate(z, Z_FINISH) == Z_STREAM_END && z->avail_out == 1)
		rc = buf_add(out, plain, size);
	free(plain);
	return rc;
}

/* ---- rows ---- */

static const char sql_place_find[] =
    "SELECT rec FROM record WHERE zone = ?1 AND name = ?2";
static const char sql_place_add[] =
    "INSERT INTO record(zone, name, type, first_run, changed_run)"
    " VALUES(?1, ?2, ?3, ?4, ?4)";

int
record_place(int64_t *rec, struct store *s, int64_t zone, const char *name,
    enum store_type type, struct err *e)
{
	int rc = sql_first(s, e, sql_place_find, "it>i", zone, name, rec);

	if (rc != 1)
		return rc;
	if (sql_run(s, e, sql_place_add, "itdi", zone, name, (int)type,
		s->run) == -1)
		return -1;
	*rec = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static const char sql_find[] =
    "SELECT rec, type, tag, gone_run IS NOT NULL, dict IS NOT NULL, index_only"
    " FROM record WHERE zone = ?1 AND name = ?2";
static const char sql_fed[] = "UPDATE record SET index_only = 0 WHERE rec = ?1";
static const char sql_add[] =
    "INSERT INTO record(zone, name, type, tag, first_run, changed_run,"
    " dict, size, bytes, index_only)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)";
static const char sql_fill[] =
    "UPDATE record SET type = ?2, tag = ?3, gone_run = NULL,"
    " first_run = ?4, changed_run = ?4, dict = ?5, size = ?6, bytes = ?7,"
    " index_only = ?8 WHERE rec = ?1";
static const char sql_change[] =
    "UPDATE record SET type = ?2, tag = ?3, gone_run = NULL,"
    " changed_run = ?4, dict = ?5, size = ?6, bytes = ?7, index_only = 0"
    " WHERE rec = ?1";

/* As a row keeps them. */
struct kept {
	struct buf deflated; /* owned */
	const void *bytes;
	size_t len;
	int dict;
};

static void
keep(struct kept *out, struct store *s, const struct store_record *r)
{
	*out = (struct kept){.bytes = r->bytes, .len = r->len, .dict = PLAIN};
	assert(r->len <= BYTES_MAX);
	if (r->len == 0) {
		out->bytes = "";
		return;
	}
	deflate_record(&out->deflated, s, r->bytes, r->len);
	if (out->deflated.len < r->len) {
		out->bytes = out->deflated.data;
		out->len = out->deflated.len;
		out->dict = DICTIONARY_NOW;
	}
}

int
record_add(int64_t *rec, struct store *s, const struct store_record *r,
    bool index_only, struct err *e)
{
	struct kept k;
	int rc;

	keep(&k, s, r);
	if (*rec != 0) {
		rc = sql_run(s, e, sql_fill, "idtidibd", *rec, (int)r->type,
		    r->tag, s->run, k.dict, (int64_t)r->len, k.bytes, k.len,
		    (int)index_only);
	} else {
		rc = sql_run(s, e, sql_add, "itdtidibd", r->zone, r->name,
		    (int)r->type, r->tag, s->run, k.dict, (int64_t)r->len,
		    k.bytes, k.len, (int)index_only);
		*rec = sqlite3_last_insert_rowid(s->db);
	}
	buf_clear(&k.deflated);
	if (rc == 0 && r->type > STORE_ASSET)
		rc = month_changed(s, MONTH_ALBUMS, e);
	return rc;
}

/* What was there, filled, says something else now. */
static int
record_change(struct store *s, int64_t rec, const struct store_record *r,
    enum store_type was, bool gone, struct err *e)
{
	struct kept k;
	int rc;

	/* It is written down elsewhere from now on. */
	if (was != r->type && months_of_record(s, rec, was, e) == -1)
		return -1;
	/* A name that now stands for something else: no asset any more. */
	if (!gone && was == STORE_ASSET && r->type != STORE_ASSET &&
	    asset_gone(s, rec, e) == -1)
		return -1;
	keep(&k, s, r);
	rc = sql_run(s, e, sql_change, "idtidib", rec, (int)r->type, r->tag,
	    s->run, k.dict, (int64_t)r->len, k.bytes, k.len);
	buf_clear(&k.deflated);
	/* An asset's return is seen by its flags. */
	if (rc == 0 && gone && was == STORE_ALBUM)
		rc = event_add(s, rec, EVENT_BACK, NULL, e);
	if (rc == 0 && gone)
		rc = months_of_record(s, rec, was, e);
	if (rc == 0 && r->type > STORE_ASSET)
		rc = month_changed(s, MONTH_ALBUMS, e);
	return rc;
}

int
store_record_put(enum store_change *out, int64_t *rec, struct store *s,
    const struct store_record *r, bool anew, struct err *e)
{
	int rc, type = 0, gone = 0, filled = 0, index_only = 0;
	char *tag = NULL;
	bool own;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	*rec = 0;
	rc = sql_first(s, e, sql_find, "it>idtddd", r->zone, r->name, rec,
	    &type, &tag, &gone, &filled, &index_only);
	if (rc == -1)
		goto out;
	if (!filled) {
		*out = STORE_NEW;
		rc = record_add(rec, s, r, false, e);
	} else if (!gone && !anew && type == (int)r->type && tag != NULL &&
	    *tag != '\0' && r->tag != NULL && strcmp(tag, r->tag) == 0) {
		*out = STORE_SAME;
		if (index_only)
			rc = sql_run(s, e, sql_fed, "i", *rec);
	} else {
		*out = STORE_CHANGED;
		rc = record_change(
		    s, *rec, r, (enum store_type)type, gone != 0, e);
	}
out:
	free(tag);
	return tx_end(s, own, rc, e);
}

int
store_witness_record(enum store_change *out, int64_t *rec, struct store *s,
    const struct store_record *r, struct err *e)
{
	int rc, filled = 0;
	bool own;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	*rec = 0;
	*out = STORE_SAME;
	rc = sql_first(
	    s, e, sql_find, "it>i...d", r->zone, r->name, rec, &filled);
	if (rc != -1 && !filled) {
		*out = STORE_NEW;
		rc = record_add(rec, s, r, true, e);
	}
	return tx_end(s, own, rc, e);
}

static const char sql_tombstone[] =
    "UPDATE record SET gone_run = ?2, changed_run = ?2 WHERE rec = ?1";

int
store_record_gone(
    struct store *s, int64_t zone, const char *name, struct err *e)
{
	int64_t rec = 0;
	int rc, type = 0, gone = 0, filled = 0;
	bool own;

	assert(s->run != 0);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_first(s, e, sql_find, "it>id.dd", zone, name, &rec, &type,
	    &gone, &filled);
	if (rc == 0 && !gone) {
		rc = sql_run(s, e, sql_tombstone, "ii", rec, s->run);
		if (rc == 0 && filled && type == STORE_ASSET)
			rc = asset_gone(s, rec, e);
		else if (rc == 0 && filled && type == STORE_RELATION)
			rc = relation_gone(s, rec, e);
		else if (rc == 0 && filled)
			rc = event_add(s, rec, EVENT_GONE, NULL, e);
		if (rc == 0 && filled)
			rc = months_of_record(s, rec, (enum store_type)type, e);
	}
	return tx_end(s, own, rc == 1 ? 0 : rc, e);
}

static const char sql_other_add[] =
    "INSERT INTO other(zone, type_name, count) VALUES(?1, ?2, 1)"
    " ON CONFLICT(zone, type_name) DO UPDATE SET count = count + 1";

int
store_count_other(
    struct store *s, int64_t zone, const char *type_name, struct err *e)
{
	return sql_run(s, e, sql_other_add, "it", zone, type_name);
}

int
record_column(
    struct buf *out, struct store *s, sqlite3_stmt *st, int at, struct err *e)
{
	int dict = sqlite3_column_int(st, at), rc;
	const void *bytes = sqlite3_column_blob(st, at + 2);
	size_t len = (size_t)sqlite3_column_bytes(st, at + 2);

	if (dict == PLAIN)
		rc = buf_add(out, bytes, len);
	else
		rc = inflate_record(out, s, dict, bytes, len,
		    (size_t)sqlite3_column_int64(st, at + 1));
	if (rc == -1)
		err_set(e, ERR_BAD_STATE,
		    "Move that file away and run \"icloud-pull adopt\" with "
		    "the copy's path.",
		    "The catalogue %s is damaged: a record cannot be read.",
		    s->catalogue);
	return rc;
}

static const char sql_bytes[] =
    "SELECT dict, size, bytes FROM record WHERE zone = ?1 AND name = ?2"
    " AND dict IS NOT NULL";

static const char sql_info_bytes[] =
    "SELECT dict, size, bytes FROM record WHERE zone = ?1 AND type = 5"
    " AND gone_run IS NULL AND dict IS NOT NULL ORDER BY rec LIMIT 1";

static int
bytes_of(struct buf *out, struct store *s, sqlite3_stmt *st, struct err *e)
{
	int rc = sql_row(s, st, e);

	if (rc != 1)
		return rc == 0 ? 1 : -1;
	rc = record_column(out, s, st, 0, e);
	sql_end(st);
	return rc;
}

int
store_record_bytes(struct buf *out, struct store *s, int64_t zone,
    const char *name, struct err *e)
{
	sqlite3_stmt *st;

	if (sql_open(&st, s, e, sql_bytes, "it", zone, name) == -1)
		return -1;
	return bytes_of(out, s, st, e);
}

int
store_info_bytes(struct buf *out, struct store *s, int64_t zone, struct err *e)
{
	sqlite3_stmt *st;

	if (sql_open(&st, s, e, sql_info_bytes, "i", zone) == -1)
		return -1;
	return bytes_of(out, s, st, e);
}
