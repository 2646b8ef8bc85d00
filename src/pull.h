#ifndef PULL_H
#define PULL_H

#include "err.h"
#include "fetch.h"
#include "listing.h"
#include "store.h"

struct app;
struct cloud;
struct work;

/*
 * From the cloud into the copy: list, say what there is to fetch, fetch it;
 * what sync and verify --repair have in common.
 */
struct pull {
	/* set by the caller */
	struct app *app;
	struct cloud *cloud; /* open */
	struct store *store;
	struct work *work;
	const struct store_filter *filter;
	struct listing_options list;
	struct fetching *beside; /* of pull_begin(); NULL */
	/* out */
	struct listing listing;
	struct store_forecast forecast; /* of the last round */
	struct fetch fetch;		/* the same */
	struct err trouble; /* the most urgent that ended or marred it */
};

/* How many workers finish files: they wait for the drive, not for a core
 * (docs/design.md, "One pool"). */
unsigned pull_workers(void);

/* A copy is of one account, for ever: zones of two have the same names.
 * ERR_USAGE if it is of another one. */
int pull_check_account(const struct store *, const char *account,
    struct err *);

/* A library that was never listed to its end may be fetched while that is done:
 * if there is one, begin, for pull_fetch() to end.  pull_list() goes on with it.
 * Only without a filter. */
int pull_begin(struct pull *, struct err *);

/* Bring the catalogue up to date. */
int pull_list(struct pull *, struct err *);

/* Fetch what the filter lets through; if something changed under our hands,
 * list and fetch once more.  With --dry-run it is only said. */
int pull_fetch(struct pull *, struct err *);

/* Nothing goes on any more, whatever came of it. */
void pull_end(struct pull *);

#endif
