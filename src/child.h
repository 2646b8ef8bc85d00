#ifndef CHILD_H
#define CHILD_H

#include <stdint.h>

#include "buf.h"

struct err;

/*
 * A program of somebody else's beside ours: what it reads, what it says, and
 * how long it may take.  It gets a process group of its own and none of our
 * descriptors.  That SIGPIPE is ignored is the caller's to see to.
 */
struct child {
	const char *const *argv; /* first a whole path; NULL at the end */
	const char *input;       /* for its standard input; NULL: nothing */
	int64_t limit_ms;        /* then it is asked to end (SIGTERM), */
	int64_t grace_ms;        /* and after this killed; its group too */
};

enum child_end {
	CHILD_EXITED, /* status: of exit(), or 128 and the signal's number */
	CHILD_LATE,
	CHILD_STOPPED, /* stop.h: ended at once */
};

struct child_result {
	enum child_end end;
	int status;
	struct buf said; /* the beginning of what it wrote, errors too */
};

/*
 * Run it to its end.  What it has started itself and left behind runs on, and
 * is not waited for.  -1 if it could not be begun (a program that is not there
 * is status 127).  The caller ends out->said with buf_clear(), always.
 */
int child_run(struct child_result *out, const struct child *, struct err *);

#endif
