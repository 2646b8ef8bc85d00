#ifndef WITNESS_H
#define WITNESS_H

#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct err;
struct report;
struct store;
struct zone_id;

/*
 * The proof of completeness (docs/design.md): a zone's indexes are read beside
 * its feed, both are compared, and names that one of them alone has are looked
 * up.
 */
struct witness;

/*
 * Start to read the indexes, Recently Deleted first, then the newest; on the
 * loop.  first: whole records, several pages at once, and what is absent is
 * added, so that fetching can begin long before the feed has come to its end;
 * else names alone, one page at a time.
 */
struct witness *witness_begin(struct cloud *, struct store *,
    int64_t zone, const struct zone_id *, bool first);

/* Nothing is on its way: it came to its end, or witness_is_lost(). */
bool witness_is_idle(const struct witness *);
/* The session has ended; after its recovery witness_resume() goes on. */
bool witness_is_lost(const struct witness *);
void witness_resume(struct witness *);
/* Ask for no more; what is on its way still comes. */
void witness_stop(struct witness *);
/* Assets seen so far, for the progress line. */
int64_t witness_seen(const struct witness *);

/*
 * What turns the loop for it, and brings the feed to its end again.  ERR_NONE
 * in *end, or how the request ended (a lost session is not among it).
 */
struct witness_host {
	void (*turn)(void *arg);
	int (*recover)(void *arg, struct err *);
	int (*feed)(void *arg, struct err *end, struct err *);
	void *arg;
};
/*
 * Once it is idle and the feed was read: compare, look up, keep the result.
 * *changes grows by the records that came so.  -1: the catalogue, or no way on;
 * what else prevents it is in *end, and it is due again some days later.
 */
int witness_compare(struct witness *, const struct witness_host *,
    int64_t *changes, struct err *end, struct err *);

void witness_free(struct witness *); /* idle; NULL is fine */

#endif
