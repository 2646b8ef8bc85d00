#ifndef MEND_H
#define MEND_H

#include <stdint.h>

struct err;
struct pull;
struct report;
struct store;

/* Mending what is known to be damaged; what sync and verify have in common. */
struct mend {
	/* set by the caller */
	const char *kind; /* --repair: "all", "missing", "damaged" */
	struct store *store;
	struct report *report;
	/* out */
	int64_t followed; /* files that had moved, and are followed */
};

/* The rows of files that have moved (scrub_around) follow them, unless only
 * damaged ones are to be mended.  Needs no cloud. */
int mend_follow(struct mend *, struct err *);

/*
 * Fetch anew what is damaged and of that kind, through a pull whose list is up
 * to date and whose filter is the caller's.  What the cloud has no more, or
 * cannot give, stays as it is, and is still known to be damaged.
 */
int mend_fetch(struct mend *, struct pull *, struct err *);

#endif
