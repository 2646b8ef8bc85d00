#ifndef COPY_H
#define COPY_H

struct app;
struct err;
struct store;

/* Open the copy that was named, to look at its catalogue only: no lock, and
 * beside a run that goes on.  ERR_USAGE if none was named.  The caller ends
 * with store_close(). */
int copy_read(struct store **out, const struct app *, struct err *);

#endif
