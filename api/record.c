#include "record.h"

#include <string.h>

#include "buf.h"
#include "err.h"
#include "text.h"

static const struct {
	const char *name;
	enum record_type type;
} types[] = {
    {"CPLMaster", RECORD_MASTER},
    {"CPLAsset", RECORD_ASSET},
    {"CPLAlbum", RECORD_ALBUM},
    {"CPLContainerRelation", RECORD_RELATION},
    {"CPLLibraryInfo", RECORD_LIBRARY_INFO},
};

static enum record_type
type_of(const cJSON *json, const char *type_name)
{
	size_t i;

	if (json_str(json, "serverErrorCode") != NULL)
		return RECORD_ERROR;
	/* [tombstone]: recordType is null or absent then, and there are no
	 * fields; what is only in the trash has deleted false. */
	if (json_bool(json, "deleted"))
		return RECORD_TOMBSTONE;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, type_name) == 0)
			return types[i].type;
	return RECORD_OTHER;
}

static const char *
text_or_empty(const cJSON *json, const char *name)
{
	const char *s = json_str(json, name);

	return s != NULL ? s : "";
}

int
record_read(struct record *out, struct json_span span, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->json = json_span_parse(span, e);
	if (out->json == NULL)
		return -1;
	out->name = text_or_empty(out->json, "recordName");
	if (*out->name == '\0') {
		record_clear(out);
		return err_set(e, ERR_PROTOCOL, NULL,
		    "iCloud sent a record without a name.");
	}
	out->raw = span;
	out->type_name = text_or_empty(out->json, "recordType");
	out->tag = text_or_empty(out->json, "recordChangeTag");
	out->fields = json_object(out->json, "fields");
	out->type = type_of(out->json, out->type_name);
	json_int(
	    &out->created_ms, json_object(out->json, "created"), "timestamp");
	json_int(&out->expiration_s, out->json, "expirationTime");
	return 0;
}

void
record_clear(struct record *r)
{
	cJSON_Delete(r->json);
	memset(r, 0, sizeof(*r));
}

void
record_kept_bytes(struct buf *out, const struct record *r)
{
	json_span_blank(out, r->raw, "downloadURL");
}

/* [record-typing]: {"value": ..., "type": ...}; either may be missing. */
static const cJSON *
value_of(const struct record *r, const char *field)
{
	return json_get(json_object(r->fields, field), "value");
}

/* The digits as they were sent: a double holds only 53 bits of them. */
static bool
exact_int(int64_t *out, const struct record *r, const char *field)
{
	struct json_span v;
	char digits[24];

	v = json_span_get(r->raw, "fields");
	v = json_span_get(json_span_get(v, field), "value");
	if (v.p == NULL || v.len >= sizeof(digits))
		return false;
	memcpy(digits, v.p, v.len);
	digits[v.len] = '\0';
	return text_int(out, digits, INT64_MIN, INT64_MAX) == 0;
}

#define TWO_TO_53 9007199254740992.0 /* below it a double is exact */
#define TWO_TO_63 9223372036854775808.0

/* The whole number at or below d, if an int64_t can hold it. */
static bool
int_below(int64_t *out, double d)
{
	int64_t n;

	if (!(d > -TWO_TO_63 && d < TWO_TO_63))
		return false;
	n = (int64_t)d;
	if ((double)n > d)
		n--;
	*out = n;
	return true;
}

bool
record_int(int64_t *out, const struct record *r, const char *field)
{
	const cJSON *v = value_of(r, field);

	if (cJSON_IsBool(v)) {
		*out = cJSON_IsTrue(v);
		return true;
	}
	if (!cJSON_IsNumber(v))
		return json_value_int(out, v);
	if (v->valuedouble > -TWO_TO_53 && v->valuedouble < TWO_TO_53)
		return int_below(out, v->valuedouble);
	return exact_int(out, r, field) || int_below(out, v->valuedouble);
}

bool
record_double(double *out, const struct record *r, const char *field)
{
	const cJSON *v = value_of(r, field);

	/* cJSON reads 1e999 as infinity. */
	if (!cJSON_IsNumber(v) || !(v->valuedouble - v->valuedouble == 0))
		return false;
	*out = v->valuedouble;
	return true;
}

const char *
record_str(const struct record *r, const char *field)
{
	return json_str(json_object(r->fields, field), "value");
}

const char *
record_ref(const struct record *r, const char *field)
{
	const char *name = json_str(value_of(r, field), "recordName");

	return name != NULL && *name != '\0' ? name : NULL;
}

/* Append valid UTF-8 without its NULs: whoever takes it for a C string would
 * lose the rest, the extension of a file name with it. */
static bool
add_text(struct buf *out, const char *p, size_t n)
{
	size_t i, before = out->len;

	text_utf8(out, p, n);
	for (i = before; i < out->len; i++)
		if (out->data[i] == '\0')
			out->data[i] = '_';
	return out->len > before;
}

static bool
is_plain(const struct record *r, const char *field)
{
	const char *type = json_str(json_object(r->fields, field), "type");

	return type != NULL && strcmp(type, "STRING") == 0;
}

/*
 * [enc-decoding]: the type is trusted first; a name like "IMG1234" is base64
 * by accident.  What calls itself encrypted and is no base64 is plain text.
 */
bool
record_text(struct buf *out, const struct record *r, const char *field)
{
	const char *s = record_str(r, field);
	struct buf bytes = {0};
	bool found;

	if (s == NULL)
		return false;
	if (is_plain(r, field) || text_unbase64(&bytes, s, strlen(s)) == -1)
		found = add_text(out, s, strlen(s));
	else
		found = add_text(out, buf_text(&bytes), bytes.len);
	buf_clear(&bytes);
	return found;
}

bool
record_bytes(struct buf *out, const struct record *r, const char *field)
{
	const char *s = record_str(r, field);
	struct buf bytes = {0};
	bool found;

	if (s == NULL || is_plain(r, field))
		return false;
	found = text_unbase64(&bytes, s, strlen(s)) == 0 && bytes.len > 0 &&
	    buf_add(out, bytes.data, bytes.len) == 0;
	buf_clear(&bytes);
	return found;
}
