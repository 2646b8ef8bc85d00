#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct err;
struct options;

/*
 * What --library, --album, --since, --until, --recent and --skip leave out of
 * fetching, never of knowing (docs/design.md, "Filters").
 */
struct filter {
	struct store_filter of; /* borrows from the rest */
	char *text; /* as options, for people; NULL: nothing is left out */
	int64_t *zones, *albums;
};

/* Do the options, from wherever they came, leave anything out? */
bool filter_is_wanted(const struct options *);
/*
 * After the listing: libraries and albums are looked up by name.  One that is
 * not there is ERR_USAGE, naming what there is; out leaves nothing out then.
 * The caller ends with filter_clear() in any case.
 */
int filter_make(struct filter *out, struct store *, const struct options *,
    struct err *);
void filter_clear(struct filter *); /* harmless when zeroed */

/* Kinds of files, of store_filter.kinds. */
#define FILTER_LIVE   1U /* movies of Live Photos, edited ones too */
#define FILTER_RAW    2U /* what a camera's RAW type says */
#define FILTER_EDITED 4U /* renderings of edits */
#define FILTER_VIDEO  8U /* videos, with all that belongs to them */
/* Of these kinds?  Pure.  role: enum resource_role; types by UTI, NULL if
 * unknown, and what is unknown is of no kind. */
bool filter_skips(
    unsigned kinds, int role, const char *uti, const char *original_uti);

/* Does name mean the album with this path?  The title alone does, and with the
 * last of the folders it is in, "Europe/2024"; with a "/" before it the whole
 * path is meant.  Case and composition of characters make no difference. */
bool filter_means(const char *name, const char *path);

#endif
