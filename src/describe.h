#ifndef DESCRIBE_H
#define DESCRIBE_H

struct err;
struct report;
struct store;
struct store_words;

/* The words of the manifest for what only api can read in a record, and for
 * the numbers of roles. */
extern const struct store_words describe_words;

/* Write all months that have changed in these words. */
int describe_months(struct store *, struct report *, struct err *);

#endif
