#ifndef RECORD_H
#define RECORD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "json.h"

struct buf;
struct err;

/*
 * One record of CloudKit, and typed reading of its fields.  A field that is
 * missing, has no value, or another type than expected is a value (false,
 * NULL), never an error [record-typing].
 */
enum record_type {
	RECORD_OTHER = 0, /* known or not, none of those below; only counted */
	RECORD_MASTER,
	RECORD_ASSET,
	RECORD_ALBUM,
	RECORD_RELATION,     /* CPLContainerRelation */
	RECORD_LIBRARY_INFO, /* CPLLibraryInfo */
	RECORD_TOMBSTONE,    /* deleted: true; what it was is not told */
	RECORD_ERROR,	     /* serverErrorCode instead of a record */
};

struct record {
	enum record_type  type;
	const char	 *name;	     /* recordName; borrowed from json */
	const char	 *type_name; /* recordType; "" if none */
	const char	 *tag;	     /* recordChangeTag; "" if none */
	const cJSON	 *fields;    /* NULL if none */
	int64_t		  created_ms;	/* created.timestamp; 0 if none */
	int64_t		  expiration_s; /* expirationTime; 0 if none */
	struct json_span  raw;	     /* the bytes it came with; borrowed */
	cJSON		 *json;	     /* owned */
};

/* -1 (ERR_PROTOCOL) only if span is no object or has no recordName. */
int	record_read(struct record *out, struct json_span, struct err *);
void	record_clear(struct record *);

/* The bytes to keep: raw, with the value of every downloadURL blanked. */
void	record_kept_bytes(struct buf *out, const struct record *);

/* Any int64_t, exactly; of a fraction the whole number below, of true 1. */
bool	record_int(int64_t *out, const struct record *, const char *field);
/* A number that may have a fraction. */
bool	record_double(double *out, const struct record *, const char *field);
const char *record_str(const struct record *, const char *field);
/* recordName of a REFERENCE. */
const char *record_ref(const struct record *, const char *field);
/* An *Enc field or a STRING as text [enc-decoding]: valid UTF-8, without
 * trailing NULs (one inside becomes '_'); false if absent or empty.  Appends
 * to out. */
bool	record_text(struct buf *out, const struct record *, const char *field);
/* The decoded bytes of an ENCRYPTED_BYTES or BYTES field. */
bool	record_bytes(struct buf *out, const struct record *, const char *field);

#endif
