#ifndef DESCRIBE_H
#define DESCRIBE_H

struct store_words;

/* The words of the manifest for what only api can read in a record, and for
 * the numbers of roles. */
extern const struct store_words describe_words;

#endif
