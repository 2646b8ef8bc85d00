#include "json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "text.h"

/* Whole numbers up to here are exact in a double. */
#define MAX_EXACT 9007199254740992.0

/*
 * A walk over a text: one cursor, no recursion, never past the end.  Each
 * take_*() moves it behind what it names, or says false.
 */
struct scan {
	const char *p, *end;
	bool odd; /* a half of a surrogate pair was met: see whole_pairs() */
};

static void
skip_blanks(struct scan *s)
{
	while (s->p < s->end &&
	    (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool
take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* The value of four hexadecimal digits at p; -1 if they are none. */
static int32_t
hex4(const char *p, const char *end)
{
	char digits[5];
	uint8_t b[2];

	if (end - p < 4)
		return -1;
	memcpy(digits, p, 4);
	digits[4] = '\0';
	if (text_unhex(b, 2, digits) == -1)
		return -1;
	return b[0] << 8 | b[1];
}

static bool
is_high(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/*
 * At "\uNNNN": the character it means and the bytes it takes, 6 or for a pair
 * 12; a half of a pair alone means U+FFFD.  0 if it is no such escape.
 */
static size_t
unicode_escape(uint32_t *cp, const char *p, const char *end)
{
	int32_t unit, second = -1;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return 0;
	unit = hex4(p + 2, end);
	if (unit == -1)
		return 0;
	*cp = (uint32_t)unit;
	if (is_high(unit) && end - p >= 12 && p[6] == '\\' && p[7] == 'u')
		second = hex4(p + 8, end);
	if (is_low(second)) {
		*cp = 0x10000 + (((uint32_t)unit & 0x3ff) << 10) +
		    ((uint32_t)second & 0x3ff);
		return 12;
	}
	if (is_high(unit) || is_low(unit))
		*cp = 0xfffd;
	return 6;
}

static bool
take_escape(struct scan *s)
{
	uint32_t cp;
	size_t n;

	if (s->end - s->p >= 2 && s->p[1] != '\0' &&
	    strchr("\"\\/bfnrt", s->p[1]) != NULL) {
		s->p += 2;
		return true;
	}
	n = unicode_escape(&cp, s->p, s->end);
	if (n == 6 && cp == 0xfffd)
		s->odd = true;
	s->p += n;
	return n != 0;
}

static bool
take_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	while (s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return false;
		if (*s->p != '\\')
			s->p++;
		else if (!take_escape(s))
			return false;
	}
	return take(s, '"');
}

static bool
take_digits(struct scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > start;
}

static bool
take_number(struct scan *s)
{
	(void)take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return false;
	if (take(s, '.') && !take_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			(void)take(s, '-');
		return take_digits(s);
	}
	return true;
}

static bool
take_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

static bool
take_scalar(struct scan *s)
{
	if (s->p == s->end)
		return false;
	switch (*s->p) {
	case '"':
		return take_string(s);
	case 't':
		return take_word(s, "true");
	case 'f':
		return take_word(s, "false");
	case 'n':
		return take_word(s, "null");
	default:
		return take_number(s);
	}
}

/* A member's name, its colon and the blanks around it. */
static bool
take_name(struct scan *s)
{
	skip_blanks(s);
	if (!take_string(s))
		return false;
	skip_blanks(s);
	if (!take(s, ':'))
		return false;
	skip_blanks(s);
	return true;
}

enum scanned { SCAN_OK, SCAN_BAD, SCAN_DEEP };

/* One whole value by the grammar of RFC 8259, to the depth we allow. */
static enum scanned
check_value(struct scan *s)
{
	char closing[JSON_MAX_DEPTH];
	size_t depth = 0;

	for (;;) {
		if (s->p < s->end && (*s->p == '{' || *s->p == '[')) {
			if (depth == JSON_MAX_DEPTH)
				return SCAN_DEEP;
			closing[depth++] = *s->p++ == '{' ? '}' : ']';
			skip_blanks(s);
			if (!take(s, closing[depth - 1])) {
				if (closing[depth - 1] == '}' && !take_name(s))
					return SCAN_BAD;
				continue;
			}
			depth--;
		} else if (!take_scalar(s)) {
			return SCAN_BAD;
		}
		/* Behind a value: close what ends here, or go on to the next. */
		for (;; depth--) {
			if (depth == 0)
				return SCAN_OK;
			skip_blanks(s);
			if (!take(s, closing[depth - 1]))
				break;
		}
		if (!take(s, ','))
			return SCAN_BAD;
		if (closing[depth - 1] == '}') {
			if (!take_name(s))
				return SCAN_BAD;
		} else {
			skip_blanks(s);
		}
	}
}

/* out and *odd: as the members of scan; both only on success. */
static int
check_text(
    struct json_span *out, bool *odd, const char *text, size_t n, struct err *e)
{
	struct scan s = {text, text + n, false};
	const char *start;
	enum scanned scanned;

	if (n > JSON_MAX_BYTES)
		return err_set(e, ERR_PROTOCOL, NULL,
		    "An answer is larger than what can be right (%zu bytes).",
		    n);
	skip_blanks(&s);
	start = s.p;
	scanned = check_value(&s);
	if (scanned == SCAN_DEEP)
		return err_set(e, ERR_PROTOCOL, NULL,
		    "An answer is nested deeper than what can be right.");
	out->p = start;
	out->len = (size_t)(s.p - start);
	skip_blanks(&s);
	if (scanned == SCAN_BAD || s.p != s.end) {
		out->p = NULL;
		out->len = 0;
		return err_set(e, ERR_PROTOCOL, NULL,
		    "An answer is not valid JSON (at byte %zu of %zu).",
		    (size_t)(s.p - text), n);
	}
	*odd = s.odd;
	return 0;
}

/*
 * A copy of a checked text with each half of a surrogate pair as \ufffd.
 * cJSON would refuse the whole text for such a half, but one odd name must not
 * cost a page.
 */
static char *
whole_pairs(struct json_span span)
{
	char *copy = xstrndup(span.p, span.len), *p;
	const char *end = copy + span.len;
	uint32_t cp;
	size_t n;

	for (p = copy; p < end; p += n) {
		n = 1;
		if (*p != '\\')
			continue;
		n = unicode_escape(&cp, p, end);
		if (n == 6 && cp == 0xfffd)
			p[2] = p[3] = p[4] = 'f', p[5] = 'd';
		else if (n == 0)
			n = 2;
	}
	return copy;
}

cJSON *
json_parse(const char *text, size_t n, struct err *e)
{
	struct json_span span = {NULL, 0};
	char *copy = NULL;
	bool odd = false;
	cJSON *json;

	if (check_text(&span, &odd, text, n, e) == -1)
		return NULL;
	if (odd)
		copy = whole_pairs(span);
	json = cJSON_ParseWithLength(copy != NULL ? copy : span.p, span.len);
	free(copy);
	if (json == NULL)
		err_set(e, ERR_PROTOCOL, NULL,
		    "An answer holds JSON that cannot be read.");
	return json;
}

const cJSON *
json_get(const cJSON *obj, const char *name)
{
	if (!cJSON_IsObject(obj))
		return NULL;
	return cJSON_GetObjectItemCaseSensitive(obj, name);
}

const cJSON *
json_at(const cJSON *obj, ...)
{
	const char *name;
	va_list ap;

	va_start(ap, obj);
	while (obj != NULL && (name = va_arg(ap, const char *)) != NULL)
		obj = json_get(obj, name);
	va_end(ap);
	return obj;
}

const cJSON *
json_object(const cJSON *obj, const char *name)
{
	const cJSON *v = json_get(obj, name);

	return cJSON_IsObject(v) ? v : NULL;
}

const cJSON *
json_array(const cJSON *obj, const char *name)
{
	const cJSON *v = json_get(obj, name);

	return cJSON_IsArray(v) ? v : NULL;
}

const char *
json_str(const cJSON *obj, const char *name)
{
	return cJSON_GetStringValue(json_get(obj, name));
}

static bool
exact_number(double *out, const cJSON *value)
{
	if (!cJSON_IsNumber(value))
		return false;
	*out = value->valuedouble;
	return *out >= -MAX_EXACT && *out <= MAX_EXACT &&
	    *out == (double)(int64_t)*out;
}

bool
json_id(char *out, size_t size, const cJSON *obj, const char *name)
{
	const cJSON *v = json_get(obj, name);
	const char *text = cJSON_GetStringValue(v);
	double d;
	int n;

	if (text != NULL)
		n = snprintf(out, size, "%s", text);
	else if (exact_number(&d, v))
		n = snprintf(out, size, "%lld", (long long)d);
	else
		return false;
	return n >= 0 && (size_t)n < size;
}

bool
json_bool(const cJSON *obj, const char *name)
{
	return cJSON_IsTrue(json_get(obj, name));
}

bool
json_value_int(int64_t *out, const cJSON *value)
{
	double d;

	if (cJSON_IsString(value) && value->valuestring != NULL)
		return text_int(
			   out, value->valuestring, INT64_MIN, INT64_MAX) == 0;
	if (!exact_number(&d, value))
		return false;
	*out = (int64_t)d;
	return true;
}

bool
json_int(int64_t *out, const cJSON *obj, const char *name)
{
	return json_value_int(out, json_get(obj, name));
}

int
json_span_all(struct json_span *out, const char *text, size_t n, struct err *e)
{
	bool odd;

	return check_text(out, &odd, text, n, e);
}

/* Over one value of a checked text; bounded even if it was not checked. */
static bool
take_value(struct scan *s)
{
	size_t depth = 0;

	do {
		skip_blanks(s);
		if (s->p == s->end)
			return false;
		switch (*s->p) {
		case '{':
		case '[':
			depth++;
			s->p++;
			break;
		case '}':
		case ']':
			if (depth == 0)
				return false;
			depth--;
			s->p++;
			break;
		case ',':
		case ':':
			if (depth == 0)
				return false;
			s->p++;
			break;
		default:
			if (!take_scalar(s))
				return false;
		}
	} while (depth > 0);
	return true;
}

static void
add_char(struct buf *out, uint32_t cp)
{
	if (cp < 0x80) {
		buf_addc(out, (char)cp);
	} else if (cp < 0x800) {
		buf_addc(out, (char)(0xc0 | cp >> 6));
		buf_addc(out, (char)(0x80 | (cp & 0x3f)));
	} else if (cp < 0x10000) {
		buf_addc(out, (char)(0xe0 | cp >> 12));
		buf_addc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (cp & 0x3f)));
	} else {
		buf_addc(out, (char)(0xf0 | cp >> 18));
		buf_addc(out, (char)(0x80 | (cp >> 12 & 0x3f)));
		buf_addc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (cp & 0x3f)));
	}
}

/* Append what the inside of a checked string means. */
static void
unescape(struct buf *out, const char *p, const char *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at;
	uint32_t cp;
	size_t n;

	while (p < end) {
		if (*p != '\\') {
			buf_addc(out, *p++);
			continue;
		}
		n = unicode_escape(&cp, p, end);
		if (n != 0) {
			add_char(out, cp);
			p += n;
			continue;
		}
		at = memchr(from, p[1], sizeof(from) - 1);
		buf_addc(out, at != NULL ? to[at - from] : p[1]);
		p += 2;
	}
}

/* Does the string token from..end, quotes included, mean name? */
static bool
means(const char *from, const char *end, const char *name)
{
	size_t len = (size_t)(end - from) - 2, want = strlen(name);
	struct buf plain;
	bool same;

	from++;
	if (memchr(from, '\\', len) == NULL)
		return len == want && memcmp(from, name, len) == 0;
	if (len < want)
		return false;
	buf_init(&plain, 0);
	unescape(&plain, from, from + len);
	/* A name ends at its first NUL, as in a tree. */
	same = strcmp(buf_text(&plain), name) == 0;
	buf_clear(&plain);
	return same;
}

struct json_span
json_span_get(struct json_span object, const char *name)
{
	struct json_span none = {NULL, 0}, found;
	struct scan s = {object.p, object.p, false};
	const char *token, *token_end;

	if (object.p == NULL)
		return none;
	s.end = object.p + object.len;
	skip_blanks(&s);
	if (!take(&s, '{'))
		return none;
	do {
		skip_blanks(&s);
		token = s.p;
		if (!take_string(&s))
			return none;
		token_end = s.p;
		skip_blanks(&s);
		if (!take(&s, ':'))
			return none;
		skip_blanks(&s);
		found.p = s.p;
		if (!take_value(&s))
			return none;
		found.len = (size_t)(s.p - found.p);
		if (means(token, token_end, name))
			return found;
		skip_blanks(&s);
	} while (take(&s, ','));
	return none;
}

bool
json_span_next(struct json_span *out, struct json_span array, size_t *it)
{
	struct scan s;

	if (array.p == NULL || *it > array.len)
		return false;
	s.p = array.p + *it;
	s.end = array.p + array.len;
	s.odd = false;
	skip_blanks(&s);
	if (!take(&s, *it == 0 ? '[' : ','))
		return false;
	skip_blanks(&s);
	out->p = s.p;
	if (!take_value(&s))
		return false;
	out->len = (size_t)(s.p - out->p);
	*it = (size_t)(s.p - array.p);
	return true;
}

cJSON *
json_span_parse(struct json_span span, struct err *e)
{
	if (span.p == NULL) {
		err_set(e, ERR_PROTOCOL, NULL, "An answer lacks a value.");
		return NULL;
	}
	return json_parse(span.p, span.len, e);
}

void
json_span_blank(struct buf *out, struct json_span span, const char *name)
{
	struct scan s = {span.p, span.p, false};
	const char *kept = span.p, *token, *token_end;
	int rc = 0;

	if (span.p == NULL)
		return;
	s.end = span.p + span.len;
	while (s.p < s.end) {
		if (*s.p != '"') {
			s.p++;
			continue;
		}
		token = s.p;
		if (!take_string(&s))
			break;
		token_end = s.p;
		/* A string before a colon is a name, any other a value. */
		skip_blanks(&s);
		if (!take(&s, ':') || !means(token, token_end, name))
			continue;
		skip_blanks(&s);
		rc |= buf_add(out, kept, (size_t)(s.p - kept));
		rc |= buf_adds(out, "\"\"");
		/* Not even half a value of what should be blank is kept. */
		kept = take_value(&s) ? s.p : s.end;
		s.p = kept;
	}
	rc |= buf_add(out, kept, (size_t)(s.end - kept));
	assert(rc == 0);
	(void)rc;
}
