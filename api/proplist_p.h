#ifndef PROPLIST_P_H
#define PROPLIST_P_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A property list out of a field of a record, XML or binary [property-list].
 * It is foreign: how large, how deep and how long it becomes when it is read is
 * known before libplist gets it, whose reader repeats what a list names twice
 * (20 nested pairs are a million values).
 */
struct proplist;

/* NULL if it is none that we read; the caller ends with proplist_free(). */
struct proplist *proplist_read(const void *, size_t);
void	proplist_free(struct proplist *); /* NULL is fine */

/*
 * Members of the dictionary that the list is; with a group, of the one that
 * stands in it under that name.  False and NULL: it is not there, or something
 * else.  Texts are borrowed from the list.
 */
bool	proplist_number(double *out, const struct proplist *, const char *key);
/* A date, as ms since 1970 UTC, to the second. */
bool	proplist_date(int64_t *out_ms, const struct proplist *,
	    const char *key);
const char *proplist_text(const struct proplist *, const char *group,
	    const char *key);
/* The texts of the array that the list is, in order; NULL at the end.  What is
 * no text is passed over.  *it starts with 0. */
const char *proplist_next(const struct proplist *, size_t *it);

#endif
