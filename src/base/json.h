#ifndef JSON_H
#define JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * Reading JSON that somebody else wrote.  A missing or odd member is a value
 * (NULL, false), never an error; only text that is no JSON is one.
 */

#define JSON_MAX_BYTES ((size_t)16 << 20)
#define JSON_MAX_DEPTH 64

/*
 * Parse a whole text (blanks around it allowed).  Refused before parsing:
 * more than JSON_MAX_BYTES, nesting over JSON_MAX_DEPTH.  NULL with e
 * (ERR_PROTOCOL) then; else the caller ends with cJSON_Delete().
 */
cJSON	*json_parse(const char *, size_t, struct err *e);

/* Members by exact name; obj may be NULL or of any type. */
const cJSON *json_get(const cJSON *obj, const char *name);
/* By a path of names: json_at(o, "direct", "twoSV", NULL). */
const cJSON *json_at(const cJSON *obj, ...) __attribute__((sentinel));
const cJSON *json_object(const cJSON *obj, const char *name);
const cJSON *json_array(const cJSON *obj, const char *name);
/* Borrowed until obj is deleted; NULL unless it is a string. */
const char *json_str(const cJSON *obj, const char *name);
/* The text of a string or of a whole number: ids come as both. */
bool	json_id(char *out, size_t size, const cJSON *obj, const char *name);
bool	json_bool(const cJSON *obj, const char *name); /* false unless true */
/* A number without fraction within +-2^53, or a string of digits. */
bool	json_int(int64_t *out, const cJSON *obj, const char *name);
bool	json_value_int(int64_t *out, const cJSON *value);

/*
 * Spans: pieces of a JSON text found by walking over it, without building a
 * tree, so that a page of records is taken one record at a time and a record
 * keeps the bytes it came with.  A span borrows the text.
 */
struct json_span {
	const char	*p; /* first byte of the value; NULL if there is none */
	size_t		 len;
};

/* The whole text as one value, checked as json_parse() does; -1 with e. */
int	json_span_all(struct json_span *out, const char *, size_t,
	    struct err *e);
/* The value of a member of an object span; .p NULL if none or no object. */
struct json_span json_span_get(struct json_span object, const char *name);
/* Walk an array span: start with *it = 0; false at the end or if no array. */
bool	json_span_next(struct json_span *out, struct json_span array,
	    size_t *it);
cJSON	*json_span_parse(struct json_span, struct err *e);

/* Append the span with the value of every member called name, however deep,
 * replaced by "" (the empty string); all other bytes stay as they are. */
void	json_span_blank(struct buf *out, struct json_span, const char *name);

#endif
