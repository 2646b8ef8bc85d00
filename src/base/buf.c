#include "buf.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "err.h"
#include "text.h"

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_init_secret(struct buf *b, size_t max)
{
	buf_init(b, max);
	b->secret = 1;
}

void
buf_clear(struct buf *b)
{
	if (b->secret && b->data != NULL)
		OPENSSL_cleanse(b->data, b->cap);
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void
buf_reset(struct buf *b)
{
	if (b->data == NULL)
		return;
	if (b->secret)
		OPENSSL_cleanse(b->data, b->cap);
	b->len = 0;
	b->data[0] = '\0';
}

/* Make room for n more bytes and the NUL; -1 if that is more than max. */
static int
reserve(struct buf *b, size_t n)
{
	size_t max = b->max != 0 ? b->max : BUF_MAX_DEFAULT;
	size_t cap = b->cap != 0 ? b->cap : 64;
	char *data;

	assert(max < SIZE_MAX / 2);
	if (b->len > max || n > max - b->len)
		return -1;
	if (b->data != NULL && b->len + n < b->cap)
		return 0;
	while (cap <= b->len + n)
		cap *= 2;
	if (b->secret) {
		/* realloc() would leave a copy of the secret behind. */
		data = xmalloc(cap);
		if (b->data != NULL) {
			memcpy(data, b->data, b->len + 1);
			OPENSSL_cleanse(b->data, b->cap);
			free(b->data);
		}
	} else {
		data = xrealloc(b->data, cap);
	}
	data[b->len] = '\0';
	b->data = data;
	b->cap = cap;
	return 0;
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	if (reserve(b, n) == -1)
		return -1;
	if (n != 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || reserve(b, (size_t)n) == -1)
		return -1;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return rc;
}

static int
add_json_char(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		return buf_adds(b, "\\\"");
	case '\\':
		return buf_adds(b, "\\\\");
	case '\b':
		return buf_adds(b, "\\b");
	case '\f':
		return buf_adds(b, "\\f");
	case '\n':
		return buf_adds(b, "\\n");
	case '\r':
		return buf_adds(b, "\\r");
	case '\t':
		return buf_adds(b, "\\t");
	default:
		return buf_addf(b, "\\u%04x", (unsigned int)c);
	}
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

int
buf_add_json(struct buf *b, const char *utf8)
{
	struct buf clean;
	const char *p;
	size_t before = b->len, n;
	int rc = -1;

	buf_init(&clean, 0);
	clean.secret = b->secret;
	if (!text_is_utf8(utf8, strlen(utf8))) {
		text_utf8(&clean, utf8, strlen(utf8));
		utf8 = buf_text(&clean);
	}
	if (buf_addc(b, '"') == -1)
		goto out;
	for (p = utf8; *p != '\0'; p += n) {
		for (n = 0; p[n] != '\0' && is_plain((unsigned char)p[n]);)
			n++;
		if (buf_add(b, p, n) == -1)
			goto out;
		if (p[n] == '\0')
			continue;
		if (add_json_char(b, (unsigned char)p[n]) == -1)
			goto out;
		n++;
	}
	rc = buf_addc(b, '"');
out:
	if (rc == -1 && b->data != NULL) {
		b->len = before;
		b->data[before] = '\0';
	}
	buf_clear(&clean);
	return rc;
}

const char *
buf_text(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *
buf_take(struct buf *b)
{
	char *data = b->data != NULL ? b->data : xstrdup("");

	b->data = NULL;
	b->len = b->cap = 0;
	return data;
}

static void *
or_die(void *p)
{
	if (p == NULL)
		err_fatal("Out of memory.");
	return p;
}

void *
xmalloc(size_t n)
{
	return or_die(malloc(n != 0 ? n : 1));
}

void *
xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n != 0 ? n : 1, size != 0 ? size : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return or_die(realloc(p, n != 0 ? n : 1));
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		err_fatal("Out of memory.");
	return xrealloc(p, n * size);
}

char *
xstrdup(const char *s)
{
	return s != NULL ? or_die(strdup(s)) : NULL;
}

char *
xstrndup(const char *s, size_t n)
{
	return s != NULL ? or_die(strndup(s, n)) : NULL;
}

char *
xasprintf(const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 0);
	va_start(ap, fmt);
	if (buf_vaddf(&b, fmt, ap) == -1)
		err_fatal("Out of memory.");
	va_end(ap);
	return buf_take(&b);
}

void
secret_free(char *s)
{
	if (s == NULL)
		return;
	OPENSSL_cleanse(s, strlen(s));
	free(s);
}

void
secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
