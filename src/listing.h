#ifndef LISTING_H
#define LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct cloud;
struct report;
struct store;

/*
 * Bring the catalogue up to date by the change feeds of both databases, a
 * transaction a page, so that it can stop anywhere and go on from there
 * (docs/design.md, "The feed is the list").
 */
struct listing_options {
	/* Compare with Apple's indexes (witness.h): a library that is listed
	 * for the first time, and others when that is due, or now. */
	enum { LISTING_NO_PROOF, LISTING_PROOF_WHEN_DUE, LISTING_PROOF_NOW } proof;
	/* Called between two turns of the loop, outside of any transaction: how
	 * long the next may wait, in ms; -1: the listing is to end, too.  NULL:
	 * nothing goes on beside it. */
	int (*beside)(void *arg);
	void *arg;
};

struct listing {
	int64_t records;    /* received */
	int64_t changes;    /* of them new, changed or gone */
	bool complete;      /* every library's feed was walked to its end */
	struct err trouble; /* the most urgent that did not stop it */
	/* A comparison that was due could not be made; put off, so that a
	 * second listing in the run does not come to it. */
	struct err unproven;
};

/*
 * -1: stopped (disk, catalogue, interrupted, a session that cannot be
 * recovered).  Trouble of one zone or of the shared database is in
 * out->trouble; the rest is listed all the same.
 */
int listing_run(struct listing *out, struct cloud *, struct store *,
    struct report *, const struct listing_options *, struct err *);

#endif
