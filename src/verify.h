#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct app;

/*
 * How a verify ends: one line and one exit status, from plain facts.  Pure, so
 * that every combination is a row of a table.
 */
struct verify_facts {
	struct err stopped;	/* what ended it early; ERR_NONE */
	bool slice;		/* only a part was to be read */
	bool asked;		/* iCloud's list was compared, to its end */
	int64_t files, bytes;	/* of the copy */
	int64_t checked, checked_bytes;
	int64_t damaged;	/* known now, after the repair */
	int64_t moved;		/* of them: found elsewhere below ROOT */
	int64_t damaged_gone;	/* of them: have left iCloud */
	int64_t repaired;
	int64_t missing;	/* iCloud has it; never fetched */
	int64_t filtered;	/* the same, but left out by the filter */
	int64_t gaps;		/* open, known ones too */
	int64_t size_verified;	/* of checked: not provable */
	int64_t gone_kept, strays, months;
	const char *filter;	/* as options; NULL: none */
};
struct verify_verdict {
	enum err_code code; /* decides the status; ERR_NONE: all is well */
	char line[1024];
	const char *next; /* the next step; "" if none */
};
void verify_verdict(struct verify_verdict *out, const struct verify_facts *);

/*
 * Re-read the copy, all of it or a slice, name what is not as it should be;
 * then compare with the cloud's list, without downloading.  If the cloud cannot
 * be asked the local result stands.  Without --repair nothing under ROOT is
 * written.  -1 with the verdict's code and an empty sentence if it said what is
 * wrong.  ERR_USAGE before the first sync.
 */
int verify_run(struct app *, struct err *);

#endif
