#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <utf8proc.h>

#include "buf.h"
#include "err.h"

static void
base64(
    struct buf *out, const uint8_t *p, size_t n, const char *alphabet, bool pad)
{
	uint32_t v;
	char quad[4];
	size_t chars;

	for (; n > 0; p += 3, n -= n < 3 ? n : 3) {
		v = (uint32_t)p[0] << 16;
		if (n > 1)
			v |= (uint32_t)p[1] << 8;
		if (n > 2)
			v |= p[2];
		chars = n < 3 ? n + 1 : 4;
		quad[0] = alphabet[v >> 18];
		quad[1] = alphabet[v >> 12 & 63];
		quad[2] = chars > 2 ? alphabet[v >> 6 & 63] : '=';
		quad[3] = chars > 3 ? alphabet[v & 63] : '=';
		buf_add(out, quad, pad ? 4 : chars);
		if (n < 3)
			break;
	}
}

void
text_base64(struct buf *out, const uint8_t *p, size_t n)
{
	base64(out, p, n,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	    true);
}

void
text_base64url(struct buf *out, const uint8_t *p, size_t n)
{
	base64(out, p, n,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
	    false);
}

/* The six bits of a character of either alphabet; -1 if it is in neither. */
static int
base64_bits(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
text_unbase64(struct buf *out, const char *in, size_t n)
{
	size_t before = out->len, i, chars = 0, pads = 0;
	uint32_t v = 0;
	int bits;

	for (i = 0; i < n; i++) {
		if (is_blank(in[i]))
			continue;
		if (in[i] == '=') {
			pads++;
			continue;
		}
		bits = base64_bits(in[i]);
		if (bits == -1 || pads != 0)
			goto bad;
		v = v << 6 | (uint32_t)bits;
		if (chars++ % 4 != 0 &&
		    buf_addc(out, (char)(v >> (6 - 2 * ((chars - 1) % 4)))) ==
			-1)
			goto bad;
	}
	/* Padding may be absent, but never more than what is due. */
	if (chars % 4 == 1 || pads > (4 - chars % 4) % 4)
		goto bad;
	return 0;
bad:
	if (out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return -1;
}

void
text_hex(char *out, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
text_unhex(uint8_t *out, size_t n, const char *in)
{
	size_t i;
	int high, low;

	if (strlen(in) != 2 * n)
		return -1;
	for (i = 0; i < n; i++) {
		high = hex_value(in[2 * i]);
		low = hex_value(in[2 * i + 1]);
		if (high == -1 || low == -1)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void
text_base32(char *out, size_t chars, const uint8_t *p, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t i, bit;
	unsigned v;

	for (i = 0; i < chars; i++) {
		bit = 5 * i;
		v = (unsigned)p[bit / 8] << 8;
		if (bit / 8 + 1 < n)
			v |= p[bit / 8 + 1];
		out[i] = alphabet[v >> (11 - bit % 8) & 31];
	}
	out[chars] = '\0';
}

size_t
text_next(uint32_t *cp, const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text;
	uint8_t low = 0x80, high = 0xbf;
	size_t len, i;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] < 0xc2 || p[0] > 0xf4) {
		*cp = UINT32_MAX;
		return 1;
	}
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	*cp = p[0] & (0x7fU >> len);
	for (i = 1; i < len; i++, low = 0x80, high = 0xbf) {
		if (i == n || p[i] < low || p[i] > high) {
			*cp = UINT32_MAX;
			return i;
		}
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return len;
}

bool
text_is_utf8(const char *text, size_t n)
{
	size_t len;
	uint32_t cp;

	for (; n > 0; text += len, n -= len) {
		len = text_next(&cp, text, n);
		if (cp == UINT32_MAX)
			return false;
	}
	return true;
}

void
text_utf8(struct buf *out, const char *in, size_t n)
{
	size_t len;
	uint32_t cp;

	while (n > 0 && in[n - 1] == '\0')
		n--;
	for (; n > 0; in += len, n -= len) {
		len = text_next(&cp, in, n);
		if (cp == UINT32_MAX)
			buf_adds(out, "\xef\xbf\xbd");
		else
			buf_add(out, in, len);
	}
}

size_t
text_cut(const char *utf8, size_t max)
{
	size_t n = strlen(utf8);

	if (n <= max)
		return n;
	for (n = max; n > 0 && ((unsigned char)utf8[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

static char *
map(const char *utf8, utf8proc_option_t options)
{
	utf8proc_uint8_t *out = NULL;

	/* The input is known to be UTF-8: only memory can be missing. */
	if (utf8proc_map((const utf8proc_uint8_t *)utf8, 0, &out,
		UTF8PROC_NULLTERM | UTF8PROC_STABLE | options) < 0)
		err_fatal("Out of memory.");
	return (char *)out;
}

char *
text_nfc(const char *utf8)
{
	if (!text_is_utf8(utf8, strlen(utf8)))
		return xstrdup(utf8);
	return map(utf8, UTF8PROC_COMPOSE);
}

char *
text_fold(const char *utf8)
{
	char *decomposed, *folded;

	if (!text_is_utf8(utf8, strlen(utf8)))
		return xstrdup(utf8);
	/* Decomposed first (Unicode, D145): folding U+0345 makes a letter of a
	 * mark, so marks must be in their order before. */
	decomposed = map(utf8, UTF8PROC_DECOMPOSE);
	folded = map(decomposed, UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
	free(decomposed);
	return folded;
}

bool
text_is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) ||
	    (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

static bool
is_unseen(uint32_t cp)
{
	const utf8proc_property_t *p;

	if (cp == UINT32_MAX || cp == 0xFFFD || cp == 0x2800)
		return true; /* 2800 is the Braille pattern without a dot */
	p = utf8proc_get_property((utf8proc_int32_t)cp);
	switch (p->category) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
		return true;
	default:
		return p->ignorable;
	}
}

bool
text_is_blank(const char *utf8)
{
	size_t n = strlen(utf8), len;
	uint32_t cp;

	for (; n > 0; utf8 += len, n -= len) {
		len = text_next(&cp, utf8, n);
		if (!is_unseen(cp))
			return false;
	}
	return true;
}

void
text_printable(struct buf *out, const char *text, size_t n, bool ascii)
{
	size_t len, i;
	uint32_t cp;

	for (; n > 0; text += len, n -= len) {
		len = text_next(&cp, text, n);
		if (cp == UINT32_MAX || (cp < 0x80 && text_is_control(cp))) {
			for (i = 0; i < len; i++)
				buf_addf(out, "\\x%02x",
				    (unsigned)(unsigned char)text[i]);
		} else if (text_is_control(cp) || (ascii && cp >= 0x80)) {
			buf_addf(out, "\\u{%04" PRIx32 "}", cp);
		} else {
			buf_add(out, text, len);
		}
	}
}

bool
text_is_utf8_locale(const char *lc_all, const char *lc_ctype, const char *lang)
{
	const char *locale = lc_all != NULL && lc_all[0] != '\0' ? lc_all
	    : lc_ctype != NULL && lc_ctype[0] != '\0'            ? lc_ctype
	    : lang != NULL                                       ? lang
								 : "";

	for (; *locale != '\0'; locale++)
		if (strncasecmp(locale, "UTF-8", 5) == 0 ||
		    strncasecmp(locale, "UTF8", 4) == 0)
			return true;
	return false;
}

int
text_int(int64_t *out, const char *text, int64_t min, int64_t max)
{
	bool minus = *text == '-';
	const char *p = text + (minus ? 1 : 0);
	int64_t v = 0;
	int digit;

	if (*p == '\0')
		return -1;
	for (; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		digit = *p - '0';
		/* Counted downwards: INT64_MIN has no positive twin. */
		if (v < (INT64_MIN + digit) / 10)
			return -1;
		v = v * 10 - digit;
	}
	if (!minus) {
		if (v == INT64_MIN)
			return -1;
		v = -v;
	}
	if (v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

static int64_t
unit_size(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 1000;
	case 'm':
	case 'M':
		return 1000000;
	case 'g':
	case 'G':
		return 1000000000;
	case 't':
	case 'T':
		return INT64_C(1000000000000);
	default:
		return 0;
	}
}

int
text_bytes(int64_t *out, const char *text)
{
	char whole[24];
	size_t n = strlen(text), digits;
	int64_t unit, v, part = 0, place;
	const char *p;

	unit = n > 0 ? unit_size(text[n - 1]) : 0;
	if (unit != 0)
		n--;
	else
		unit = 1;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits >= sizeof(whole))
		return -1;
	memcpy(whole, text, digits);
	whole[digits] = '\0';
	if (text_int(&v, whole, 0, INT64_MAX / unit) == -1)
		return -1;
	p = text + digits;
	if (*p == '.') {
		/* Only as many places as make whole bytes. */
		for (place = unit / 10, p++; p < text + n; p++, place /= 10) {
			if (*p < '0' || *p > '9' || place == 0)
				return -1;
			part += (*p - '0') * place;
		}
		if (p[-1] == '.')
			return -1;
	}
	if (p != text + n || part > INT64_MAX - v * unit)
		return -1;
	*out = v * unit + part;
	return 0;
}

char *
text_size(char out[32], int64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t v = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
	uint64_t unit = 1000;
	const char *sign = bytes < 0 ? "-" : "";
	size_t i = 0;

	if (v < 1000) {
		snprintf(out, 32, "%s%" PRIu64 " %s", sign, v,
		    v == 1 ? "byte" : "bytes");
		return out;
	}
	/* What would be rounded to "1000 kB" is "1.0 MB". */
	while (i + 1 < sizeof(units) / sizeof(units[0]) &&
	    v >= unit * 1000 - unit / 2) {
		unit *= 1000;
		i++;
	}
	if (v < unit * 10 - unit / 20) {
		v = (v + unit / 20) / (unit / 10);
		snprintf(out, 32, "%s%u.%u %s", sign, (unsigned)(v / 10 % 10),
		    (unsigned)(v % 10), units[i]);
	} else {
		v = (v + unit / 2) / unit;
		snprintf(out, 32, "%s%u %s", sign, (unsigned)v, units[i]);
	}
	return out;
}

char *
text_count(char out[32], int64_t n)
{
	char digits[24];
	uint64_t v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	size_t len, i, o = 0;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, v);
	if (n < 0)
		out[o++] = '-';
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = '\0';
	return out;
}

void
text_add_count(struct buf *out, int64_t n, const char *one, const char *many)
{
	char number[32];

	buf_addf(out, "%s %s", text_count(number, n), n == 1 ? one : many);
}

char *
text_span(char out[32], int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0, big, small;
	const char *big_name, *small_name;

	if (s < 60) {
		snprintf(out, 32, "%" PRId64 " s", s);
		return out;
	}
	if (s < 3600) {
		big = s / 60, small = s % 60;
		big_name = "min", small_name = "s";
	} else if (s < 86400) {
		big = s / 3600, small = s / 60 % 60;
		big_name = "h", small_name = "min";
	} else {
		big = s / 86400, small = s / 3600 % 24;
		big_name = "d", small_name = "h";
	}
	if (small == 0)
		snprintf(out, 32, "%" PRId64 " %s", big, big_name);
	else
		snprintf(out, 32, "%" PRId64 " %s %" PRId64 " %s", big,
		    big_name, small, small_name);
	return out;
}
