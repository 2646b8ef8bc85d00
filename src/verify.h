#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stdint.h>

struct app;
struct digest_rule;
struct digest_sum;
struct err;
struct store_file;

/* What is wrong with a file of the copy. */
enum damage {
	DAMAGE_NONE = 0,
	DAMAGE_MISSING,    /* nothing, or something that is no file */
	DAMAGE_TRUNCATED,  /* shorter than it was */
	DAMAGE_CHANGED,    /* other bytes */
	DAMAGE_UNREADABLE, /* the disk gives an error */
};
const char *damage_word(enum damage); /* "missing", "truncated", ... */

/*
 * Pure: compare what was read (errnum 0, sum) or why it could not be (errnum)
 * with what the catalogue and Apple's checksum say.
 */
enum damage damage_of(const struct store_file *, const struct digest_rule *,
    int errnum, const struct digest_sum *);

/*
 * Re-read every file of the copy, on all cores, and name what is missing,
 * truncated or damaged.  Writes nothing under ROOT.  -1 with ERR_INCOMPLETE if
 * something is wrong with a file.
 */
int verify_run(struct app *, struct err *);

#endif
