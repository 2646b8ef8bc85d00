#ifndef PHOTOS_H
#define PHOTOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "zone.h"

struct cloudkit;
struct err;
struct record;

/*
 * Listing.  Every function starts one request (or one state machine of them)
 * on the loop and ends in exactly one call of its done().  Callbacks borrow
 * what they are given until they return.
 *
 * The keys that listings ask for have a number; it grows when the list does,
 * and a zone listed with a smaller number is walked again [desired-keys].
 */
#define PHOTOS_KEYS_NUMBER 1

/* changes/database: which zones have changed since a token [changes-database].
 * token NULL: all zones.  Follows moreComing to the end. */
struct photos_zones {
	void	(*zone)(void *arg, const struct zone_id *, bool deleted);
	/* e ERR_NONE: token is the new database token.  ERR_TOKEN: ask anew
	 * without a token. */
	void	(*done)(void *arg, const char *token, const struct err *e);
	void	*arg;
};
void	photos_zones(struct cloudkit *, enum database, const char *token,
	    const struct photos_zones *);

/*
 * changes/zone: walk one zone from a token (NULL: from the beginning) until
 * there is no more [changes-zone].  Each page: record() for every record, then
 * page() with the token that follows it; page() says whether to go on.  Empty
 * pages with moreComing are passed (page() is called for them too); the empty
 * token is never sent.  A page that stays unreadable is asked for in smaller
 * pages (200, 50, 10, 2).  What is listed but cannot be read comes to record()
 * as RECORD_ERROR: by its name to look it up, or with the name "" if not even
 * that is known, which leaves a gap that nothing here can close.
 */
struct photos_feed {
	void	(*record)(void *arg, const struct record *);
	bool	(*page)(void *arg, const char *token, bool more);
	/* e ERR_NONE: the end was reached (or page() said stop). */
	void	(*done)(void *arg, const struct err *e);
	void	*arg;
};
void	photos_feed(struct cloudkit *, const struct zone_id *,
	    const char *token, const struct photos_feed *);

/*
 * records/lookup: 1 to PHOTOS_LOOKUP_MAX records by name, with fresh links
 * [records-lookup].  Each name ends in exactly one of record(), missing() (not
 * found, or a tombstone) and failed() (an error of that record, or no answer
 * for it), unless done() has an error, which ends it all.  A batch that fails
 * as a whole by its size or one bad record is halved, down to the one name.
 * date_ms: the server's clock of the answer, -1 if unknown.  Fields: those
 * that listings ask for, or with all_keys whatever the server has.
 */
#define PHOTOS_LOOKUP_MAX 100
struct photos_lookup {
	void	(*record)(void *arg, const struct record *, int64_t date_ms);
	void	(*missing)(void *arg, const char *name);
	void	(*failed)(void *arg, const char *name, const struct err *);
	void	(*done)(void *arg, const struct err *e);
	void	*arg;
};
void	photos_lookup(struct cloudkit *, const struct zone_id *,
	    const char *const *names, size_t n, bool all_keys,
	    const struct photos_lookup *);

/* CheckIndexingState [indexing-state]: "FINISHED", "RUNNING", ...; "" if the
 * answer does not say. */
void	photos_indexing(struct cloudkit *, const struct zone_id *,
	    void (*done)(void *arg, const char *state, const struct err *),
	    void *arg);

/* Counts of a zone by index name [counts]; -1 where none was given. */
#define PHOTOS_COUNTS 4
extern const char *const photos_count_ids[PHOTOS_COUNTS];
	/* by date added, visible, hidden, recently deleted */
void	photos_counts(struct cloudkit *, const struct zone_id *,
	    void (*done)(void *arg, const int64_t counts[PHOTOS_COUNTS],
		const struct err *),
	    void *arg);

/* The server sends no more records in one page, whatever is asked
 * [records-query]. */
#define PHOTOS_PAGE_MAX 200
/* Of an error of one page: is it about what stands on it, so that others may be
 * read? */
bool	photos_may_pass(const struct err *);

/*
 * records/query: one page of an index [records-query].  By rank (marker NULL),
 * or by the continuation marker of the page before with all else unchanged
 * (ERR_TOKEN: it is no longer accepted, begin again).  next is the marker that
 * follows, NULL at the end.  assets: CPLAsset records on the page, which is how
 * far ranks advance.  A page that stays unreadable is asked for in smaller
 * pages.
 */
struct photos_query {
	const char	*index;	/* "CPLAssetAndMasterByAddedDate", ... */
	int64_t		 rank;	/* -1: an index that has none (albums) */
	const char	*marker;
	const char	*parent; /* parentId filter; NULL: none */
	bool		 names_only; /* masterRef, isDeleted, isHidden only */
	void	(*record)(void *arg, const struct record *);
	void	(*done)(void *arg, const char *next, size_t assets,
		    const struct err *e);
	void	*arg;
};
void	photos_query(struct cloudkit *, const struct zone_id *,
	    const struct photos_query *);

/*
 * Reading answers, apart from the requests: the pages of recordings go through
 * these too.  -1 with e as cloudkit_entry_error() or ERR_PROTOCOL.
 */
struct photos_page {
	struct json_span records;   /* array; walk with json_span_next() */
	char	*token;		    /* syncToken; owned; NULL */
	char	*marker;	    /* continuationMarker; owned; NULL */
	bool	 more;		    /* moreComing; null or absent is false */
};
int	photos_page_read(struct photos_page *out, struct json_span, struct err *);
void	photos_page_clear(struct photos_page *);

#endif
