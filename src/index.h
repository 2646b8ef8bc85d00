#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct err;
struct record;
struct zone_id;

/*
 * Read one of a zone's indexes whole [records-query].  Ranks shift when
 * something leaves an index while it is read, continuation markers do not: so
 * it is read in windows of ranks, each from its first rank on by markers and
 * some way into the next window.  One window is a plain walk by markers.
 *
 * Runs on the loop.  A page that says nothing before the stated count is asked
 * for again and then passed, a page that stays unreadable is passed, and a
 * marker that is refused is replaced by a rank: what is left out then is for
 * the feed and for look-ups by name, and the comparison tells.
 */
struct index_walk;

#define INDEX_WIDTH_MAX 12

struct index_options {
	struct cloud *cloud;
	const struct zone_id *zone;
	const char *index; /* "CPLAssetAndMasterByAddedDate", ... */
	bool names_only; /* what assets say of themselves is left out */
	bool joint; /* a position has two records: an asset and its master */
	int64_t expected; /* positions, as stated; -1: not known */
	/* Windows side by side: begins with first, grows to width with each page
	 * that comes well, and is halved when the service asks for rest. */
	int first, width;
	void (*record)(void *arg, const struct record *);
	void (*page)(void *arg); /* after the records of each page */
	/* Nothing is on its way any more: it came to its end, and index_end()
	 * may be called, or index_is_lost(). */
	void (*idle)(void *arg);
	void *arg;
};

/* The options are copied.  Never calls back before it has returned. */
struct index_walk *index_begin(const struct index_options *);
/* The session has ended; after its recovery index_resume() goes on, or calls
 * idle() if there is nothing to go on with. */
bool index_is_lost(const struct index_walk *);
void index_resume(struct index_walk *);
/* How wide it has become. */
int index_width(const struct index_walk *);
/* Ask for no more; what is on its way still comes. */
void index_stop(struct index_walk *);
/* How it ended; frees it.  In idle(), or after that was called. */
int index_end(struct index_walk *, struct err *);

#endif
