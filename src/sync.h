#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>
#include <stdint.h>

struct app;
struct err;

/* The name in the table of runs of one that leaves nothing out by hand; the
 * nightly ones bear it. */
#define SYNC_RUN "sync"
/* A scheduled run has nothing to do so soon after such a one began that was
 * complete. */
#define SYNC_FRESH_MS (INT64_C(20) * 60 * 60 * 1000)

/* Pure: success_ms is when the last complete run began (0: never). */
bool sync_is_due(int64_t success_ms, int64_t now_ms);

/*
 * One run: list -> forecast -> fetch -> verdict (docs/design.md walks through
 * it).  0: complete.  -1: e has the code of the verdict; its sentence is empty
 * if the verdict line has said it already.  A scheduled run for which nothing
 * is due does nothing.
 */
int sync_run(struct app *, struct err *);

#endif
