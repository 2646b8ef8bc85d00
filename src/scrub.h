#ifndef SCRUB_H
#define SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct digest_rule;
struct digest_sum;
struct err;
struct report;
struct work;

/*
 * Reading the copy's files again, all of them or a slice, and saying what is
 * wrong with them.  What is found is noted in the catalogue as it goes, so
 * memory stays the same for any number of files; nothing under ROOT is
 * written.
 */
struct scrub {
	/* set by the caller */
	struct store *store;
	struct work *work;
	struct report *report;
	unsigned threads; /* of the pool, to be kept busy */
	bool verbose;	  /* name strays in text too */
	/* out */
	int64_t began_ms;	/* what is noted bears this time */
	int64_t files, bytes;	/* of the copy */
	int64_t checked, checked_bytes;
	int64_t damaged;	/* of checked */
	int64_t size_verified;	/* of checked and good: not provable */
	int64_t strays, stray_bytes;
};

/*
 * Pure: what is wrong with a file, from what was read (errnum 0, sum) or why it
 * could not be (errnum), and what the catalogue and Apple's checksum say.
 */
enum store_damage scrub_judge(const struct store_file *,
    const struct digest_rule *, int errnum, const struct digest_sum *);
/* The word of --json: "missing", "truncated", "damaged", "unreadable". */
const char *scrub_word(enum store_damage);

/* Pure: so many bytes are this share (hundredths of a percent) of a copy; all
 * if sample is 0. */
int64_t scrub_share(int64_t bytes, int64_t sample);

/*
 * Read every file, by path.  With sample (hundredths of a percent of the
 * bytes) or minutes the longest unchecked first, until either is used up, and
 * one file at least.  ERR_INTERRUPTED, or ERR_NOT_MOUNTED if the disk is gone:
 * what was read until then is noted.
 */
int scrub_files(struct scrub *, int64_t sample, int64_t minutes,
    struct err *);

/*
 * Walk ROOT: damaged files that have moved are found by their bytes
 * (store_found); with say other people's files are counted and told
 * ("foreign").
 */
int scrub_around(struct scrub *, bool say, struct err *);

/* Name what is damaged, a line each: what this scrub has noted, or all. */
int scrub_tell(struct scrub *, bool all, struct err *);

#endif
