#ifndef TEST_H
#define TEST_H

/* What every unit test includes: cmocka and what cmocka needs before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Recorded answers of Apple's servers lie outside the project.  A test that
 * needs them opens them here and is skipped where they are absent.
 */
#define RECORDED "../shared/recorded"

static inline FILE *
recorded_open(const char *name)
{
	const char *dir = getenv("ICLOUD_PULL_RECORDED");
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : RECORDED,
	    name);
	f = fopen(path, "rb");
	if (f == NULL) {
		fprintf(stderr, "# skipped: %s is absent\n", path);
		skip();
	}
	return f;
}

/* The whole file; the caller frees. */
static inline char *
recorded_read(size_t *len, const char *name)
{
	FILE *f = recorded_open(name);
	char *p = NULL;
	size_t cap = 0, n = 0, got;

	do {
		cap += 1 << 16;
		p = realloc(p, cap + 1);
		assert_non_null(p);
		got = fread(p + n, 1, cap - n, f);
		n += got;
	} while (n == cap);
	assert_int_equal(ferror(f), 0);
	fclose(f);
	p[n] = '\0';
	if (len != NULL)
		*len = n;
	return p;
}

#endif
