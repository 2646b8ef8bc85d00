#ifndef FETCH_H
#define FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct cloud;
struct report;
struct store;
struct store_filter;
struct work;

/*
 * Fetch what the catalogue wants: links by look-up, transfers side by side,
 * each original from its link to store_put_accept().  Writes no file itself.
 */
struct fetch_options {
	int jobs;           /* most transfers at once */
	const char *layout; /* of the copy */
	const struct store_filter *filter;
	int64_t files, bytes; /* forecast, for the progress line; files -1:
				 not known, for a listing goes on beside it */
	bool relisted;        /* not the first fetch: vanished is lost now */
};

struct fetch {
	int64_t failed;     /* wants that could not be fetched */
	int64_t vanished;   /* records gone or changed meanwhile */
	int64_t no_room;    /* left out so that the volume keeps air */
	/* Why it ended early, or what else deserves more than "incomplete" (an
	 * answer that is not understood); ERR_NONE. */
	struct err trouble;
};

/*
 * A fetch under way.  Nothing of it blocks but fetch_end(), so that it can go on
 * beside a listing: whoever turns the loop calls fetch_step() between two turns,
 * outside of any transaction.
 */
struct fetching;
struct fetching *fetch_begin(struct fetch *out, struct cloud *, struct store *,
    struct work *, struct report *, const struct fetch_options *);
/* Do what can be done.  How long the next turn may wait, in ms; -1: the disk or
 * the catalogue failed, fetch_end() says how. */
int fetch_step(struct fetching *);
/* The listing beside it has come to its end: what there is still to fetch. */
void fetch_listed(struct fetching *, int64_t files, int64_t bytes);
/* Begin no more, cut what is on the wire. */
void fetch_stop(struct fetching *);
/*
 * Until nothing is left to do; frees it.  -1: the disk, the catalogue, or an
 * interruption; what was finished is kept.  A network that is gone or a service
 * that wants rest is out->trouble.
 */
int fetch_end(struct fetching *, struct err *);

/* How much of a volume stays free: 1 GB or 5 %, whichever is less. */
int64_t fetch_air(int64_t total_bytes);

#endif
