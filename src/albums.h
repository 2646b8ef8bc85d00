#ifndef ALBUMS_H
#define ALBUMS_H

#include <stddef.h>

struct err;
struct report;
struct store;

/*
 * Albums on the disk, as folders of links in ROOT/Albums (docs/design.md,
 * "Albums on disk"): the words and names for what the store makes.
 */

/* Pure: the name that an album's folder would like; never "".  title: as iCloud
 * has it, NULL if none.  out has room for max + 1, and max is 12 at least. */
void	albums_name(char *out, size_t max, const char *title,
	    const char *record);

/* Make the links that are missing and remove those that should not be; say so,
 * and what they are.  What the disk cannot do is a warning. */
int	albums_link(struct store *, struct report *, struct err *);

#endif
