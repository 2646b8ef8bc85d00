#include "proplist_p.h"

#include <plist/plist.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define BYTES_MAX   ((size_t)256 << 10)
#define DEPTH_MAX   16
#define OBJECTS_MAX 8192 /* values, as often as they are named */
#define GROUPS_MAX  256  /* arrays and dictionaries of an XML list */

/* Seconds from 1970 to 2001, where Apple's dates begin. */
#define APPLE_EPOCH_S INT64_C(978307200)

struct proplist {
	plist_t top;
};

/* ---- binary: walked once, with every bound checked [property-list] ---- */

#define TRAILER 32

struct bin {
	const uint8_t *p;
	size_t len; /* up to the table of offsets */
	size_t offset_size, ref_size;
	uint64_t count; /* of objects */
	const uint8_t *table;
	size_t left; /* values that may still come */
};

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static bool
bin_open(struct bin *b, uint64_t *top, const uint8_t *p, size_t len)
{
	const uint8_t *trailer;
	uint64_t at;

	if (len < 8 + 1 + 1 + TRAILER)
		return false;
	trailer = p + len - TRAILER;
	*b = (struct bin){
	    .p = p,
	    .offset_size = trailer[6],
	    .ref_size = trailer[7],
	    .count = big_endian(trailer + 8, 8),
	    .left = OBJECTS_MAX,
	};
	*top = big_endian(trailer + 16, 8);
	at = big_endian(trailer + 24, 8);
	if (b->offset_size < 1 || b->offset_size > 8 || b->ref_size < 1 ||
	    b->ref_size > 8 || b->count < 1 || b->count > len || at < 8 ||
	    at > len - TRAILER ||
	    b->count > (len - TRAILER - at) / b->offset_size)
		return false;
	b->len = (size_t)at;
	b->table = p + at;
	return true;
}

/* The count of an object at *at, which moves behind it. */
static bool
bin_count(uint64_t *count, const struct bin *b, size_t *at, uint8_t marker)
{
	size_t size;

	*count = marker & 0x0f;
	if (*count != 0x0f)
		return true;
	if (*at == b->len || (b->p[*at] & 0xf0) != 0x10)
		return false;
	size = (size_t)1 << (b->p[*at] & 0x0f);
	(*at)++;
	if (size > 8 || size > b->len - *at)
		return false;
	*count = big_endian(b->p + *at, size);
	*at += size;
	return true;
}

static bool bin_object(struct bin *, uint64_t index, int depth);

/* n references from at on. */
static bool
bin_refs(struct bin *b, size_t at, uint64_t n, int depth)
{
	if (depth == DEPTH_MAX || n > (b->len - at) / b->ref_size)
		return false;
	for (; n > 0; n--, at += b->ref_size)
		if (!bin_object(
			b, big_endian(b->p + at, b->ref_size), depth + 1))
			return false;
	return true;
}

static bool
bin_object(struct bin *b, uint64_t index, int depth)
{
	uint64_t offset, n;
	uint8_t marker;
	size_t at;

	if (index >= b->count || b->left-- == 0)
		return false;
	offset = big_endian(b->table + index * b->offset_size, b->offset_size);
	if (offset < 8 || offset >= b->len)
		return false;
	at = (size_t)offset;
	marker = b->p[at++];
	switch (marker >> 4) {
	case 0x0: /* null, false, true */
		return true;
	case 0x1: /* an integer, */
	case 0x2: /* a real, */
	case 0x3: /* a date of 2^n bytes */
		return (marker & 0x0f) <= 4 &&
		    (size_t)1 << (marker & 0x0f) <= b->len - at;
	case 0x8:
		return (size_t)(marker & 0x0f) + 1 <= b->len - at;
	case 0x4: /* data */
	case 0x5: /* ASCII */
	case 0x7: /* UTF-8 */
		return bin_count(&n, b, &at, marker) && n <= b->len - at;
	case 0x6: /* UTF-16 */
		return bin_count(&n, b, &at, marker) && n <= (b->len - at) / 2;
	case 0xa: /* an array, */
	case 0xc: /* a set of n */
		return bin_count(&n, b, &at, marker) &&
		    bin_refs(b, at, n, depth);
	case 0xd: /* a dictionary of n: keys, then values */
		return bin_count(&n, b, &at, marker) && n <= BYTES_MAX &&
		    bin_refs(b, at, 2 * n, depth);
	default:
		return false;
	}
}

static bool
bin_is_bounded(const uint8_t *p, size_t len)
{
	struct bin b;
	uint64_t top;

	return bin_open(&b, &top, p, len) && bin_object(&b, top, 0);
}

/* ---- XML ---- */

/* Does the list begin with this, after blanks? */
static bool
begins(const char *p, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(p, with, n) == 0;
}

static bool
is_xml(const char *p, size_t len)
{
	static const char *const starts[] = {
	    "<?xml", "<!DOCTYPE plist", "<plist"};
	size_t i;

	while (len > 0 && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++, len--;
	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (begins(p, len, starts[i]))
			return true;
	return false;
}

/* It is no deeper than it has groups. */
static bool
xml_is_bounded(const char *p, size_t len)
{
	const char *end = p + len;
	size_t groups = 0;

	while ((p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		p++;
		if (begins(p, (size_t)(end - p), "array") ||
		    begins(p, (size_t)(end - p), "dict"))
			groups++;
	}
	return groups <= GROUPS_MAX;
}

/* ---- reading ---- */

struct proplist *
proplist_read(const void *bytes, size_t len)
{
	struct proplist *l;
	plist_t top = NULL;

	if (len == 0 || len > BYTES_MAX)
		return NULL;
	if (begins(bytes, len, "bplist00") && bin_is_bounded(bytes, len))
		plist_from_bin(bytes, (uint32_t)len, &top);
	else if (is_xml(bytes, len) && xml_is_bounded(bytes, len))
		plist_from_xml(bytes, (uint32_t)len, &top);
	if (top == NULL)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->top = top;
	return l;
}

void
proplist_free(struct proplist *l)
{
	if (l == NULL)
		return;
	plist_free(l->top);
	free(l);
}

/* NULL unless node is a dictionary that has it, as this type. */
static plist_t
member(plist_t node, const char *key, plist_type type)
{
	plist_t value;

	if (node == NULL || plist_get_node_type(node) != PLIST_DICT)
		return NULL;
	value = plist_dict_get_item(node, key);
	return value != NULL && plist_get_node_type(value) == type ? value
								   : NULL;
}

bool
proplist_number(double *out, const struct proplist *l, const char *key)
{
	plist_t node = member(l->top, key, PLIST_REAL);
	uint64_t n = 0;
	double d = 0;

	if (node != NULL)
		plist_get_real_val(node, &d);
	else if ((node = member(l->top, key, PLIST_UINT)) != NULL) {
		plist_get_uint_val(node, &n);
		d = (double)(int64_t)n;
	}
	/* Neither infinite nor what is no number. */
	if (node == NULL || !(d - d == 0))
		return false;
	*out = d;
	return true;
}

bool
proplist_date(int64_t *out_ms, const struct proplist *l, const char *key)
{
	plist_t node = member(l->top, key, PLIST_DATE);
	int32_t s = 0, us = 0;

	if (node == NULL)
		return false;
		/* Its successor is in no release that Debian has. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	plist_get_date_val(node, &s, &us);
#pragma GCC diagnostic pop
	/* What does not fit becomes one of these. */
	if (s == INT32_MIN || s == INT32_MAX)
		return false;
	*out_ms = (APPLE_EPOCH_S + s) * 1000;
	return true;
}

const char *
proplist_text(const struct proplist *l, const char *group, const char *key)
{
	plist_t node = l->top;

	if (group != NULL)
		node = member(node, group, PLIST_DICT);
	node = member(node, key, PLIST_STRING);
	return node != NULL ? plist_get_string_ptr(node, NULL) : NULL;
}

const char *
proplist_next(const struct proplist *l, size_t *it)
{
	plist_t node;

	if (plist_get_node_type(l->top) != PLIST_ARRAY)
		return NULL;
	while (*it < plist_array_get_size(l->top)) {
		node = plist_array_get_item(l->top, (uint32_t)(*it)++);
		if (node != NULL && plist_get_node_type(node) == PLIST_STRING)
			return plist_get_string_ptr(node, NULL);
	}
	return NULL;
}
