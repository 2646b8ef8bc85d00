#ifndef FUZZ_H
#define FUZZ_H

/*
 * What every fuzz target includes.  A target is one function that takes any
 * bytes and states by must() what holds for all of them.  "make fuzz" calls it
 * from libFuzzer, "make check" with the files of tests/fuzz/corpus/NAME.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static inline _Noreturn void
fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
	abort();
}

/* As assert(), in every build. */
#define must(condition) \
	((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

/* An input is taken apart from its beginning. */
struct fuzz_in {
	const char	*p, *end;
};

static inline struct fuzz_in
fuzz_begin(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;

	return (struct fuzz_in){p, p + n};
}

/* The next line without its end; {NULL, NULL} where no more is left. */
static inline struct fuzz_in
fuzz_span(struct fuzz_in *in)
{
	struct fuzz_in line = {in->p, in->end};
	const char *end;

	if (in->p == NULL || in->p == in->end)
		return (struct fuzz_in){NULL, NULL};
	end = memchr(in->p, '\n', (size_t)(in->end - in->p));
	line.end = end != NULL ? end : in->end;
	in->p = end != NULL ? end + 1 : in->end;
	return line;
}

/* A text of exactly these bytes, up to a NUL among them; the caller frees. */
static inline char *
fuzz_text(struct fuzz_in span)
{
	size_t n = span.p != NULL ? (size_t)(span.end - span.p) : 0;
	const char *nul = n > 0 ? memchr(span.p, '\0', n) : NULL;
	char *text;

	if (nul != NULL)
		n = (size_t)(nul - span.p);
	text = malloc(n + 1);
	must(text != NULL);
	if (n > 0)
		memcpy(text, span.p, n);
	text[n] = '\0';
	return text;
}

/* The next line as a text, "" where no more is left; the caller frees. */
static inline char *
fuzz_line(struct fuzz_in *in)
{
	return fuzz_text(fuzz_span(in));
}

/* Is it this text, or are both absent? */
static inline bool
fuzz_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Do the bytes hold this text? */
static inline bool
fuzz_holds(const void *p, size_t n, const char *text)
{
	const char *at = p, *end;
	size_t len = strlen(text);

	if (n == 0)
		return false;
	end = at + n;
	while (n > 0 && (at = memchr(at, text[0], n)) != NULL) {
		n = (size_t)(end - at);
		if (n >= len && memcmp(at, text, len) == 0)
			return true;
		at++;
		n--;
	}
	return false;
}

/*
 * The same tree, members in the same order and as often?  With blank, every
 * member of that name is "" in b, whatever it is in a.
 */
static inline bool
fuzz_same_json(const cJSON *a, const cJSON *b, const char *blank)
{
	const cJSON *x, *y;

	if (blank != NULL && fuzz_same(a->string, blank))
		return cJSON_IsString(b) && b->valuestring[0] == '\0';
	if ((a->type & 0xff) != (b->type & 0xff))
		return false;
	if (cJSON_IsNumber(a))
		return a->valuedouble == b->valuedouble;
	if (cJSON_IsString(a))
		return strcmp(a->valuestring, b->valuestring) == 0;
	for (x = a->child, y = b->child; x != NULL && y != NULL;
	     x = x->next, y = y->next)
		if (!fuzz_same(x->string, y->string) ||
		    !fuzz_same_json(x, y, blank))
			return false;
	return x == NULL && y == NULL;
}

#endif
