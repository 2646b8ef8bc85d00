#ifndef SYNC_H
#define SYNC_H

struct app;
struct err;

/*
 * One run: list -> forecast -> fetch -> verdict (docs/design.md walks through
 * it).  0: complete.  -1: e has the code of the verdict; its sentence is empty
 * if the verdict line has said it already.
 */
int sync_run(struct app *, struct err *);

#endif
