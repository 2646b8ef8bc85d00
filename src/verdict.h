#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct buf;
struct store_totals;

/*
 * How a run ends: one line and one exit status, from plain facts.  Pure, so
 * that every combination is a row of a table.  Rules: docs/design.md, "Exit
 * status" and "Known gaps".
 */
struct verdict {
	enum err_code code; /* decides the status; ERR_NONE: complete */
	char line[640];     /* "Complete: 2,000 photos and videos ..." */
};

struct verdict_facts {
	const struct store_totals *totals;
	struct err stopped; /* what ended or marred the run; ERR_NONE */
	int64_t fetched, fetched_bytes; /* in this run */
	/* Of what is missing (struct store_left): left out by a filter; and
	 * neither that nor explained by a gap. */
	int64_t filtered, filtered_bytes, open;
	const char *filter; /* its options; NULL: it leaves nothing out */
	bool dry_run, strict;
	bool scheduled;  /* a night without news is not worth a line */
	bool listed_all; /* every zone reached the feed's end */
	/* Of the libraries' comparisons with iCloud's index: the oldest; 0 if one
	 * was never made.  Is there no difference that is not explained? */
	int64_t compared_ms;
	bool agrees;
};

void verdict_make(struct verdict *out, const struct verdict_facts *);

#endif
