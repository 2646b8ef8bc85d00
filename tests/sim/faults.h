#ifndef FAULTS_H
#define FAULTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* Faults armed over the control port: which request, how often, what happens.
 * Matching only; the server does what a fault says. */

enum fault_kind {
	FAULT_STATUS,	 /* another status, instead of the answer */
	FAULT_CUT,	 /* close after after_bytes of the body */
	FAULT_CUT_CLEAN, /* Content-Length is after_bytes, and so many come */
	FAULT_STALL,	 /* send no more after after_bytes, keep it open */
	FAULT_DRIP,	 /* the body at bytes_per_s */
	FAULT_FLIP,	 /* the body's byte at offset is inverted */
	FAULT_HTML,	 /* a page with status 200 instead of the answer */
	FAULT_HOOK,	 /* whoever answers asks for it by name */
	FAULT_DELAY,	 /* ms before the answer */
	FAULT_RESET,	 /* no answer at all */
};

struct fault {
	enum fault_kind	 kind;
	char		*at;	/* counter name, or "*" */
	char		*match; /* part of the path; NULL: any */
	int64_t		 skip;	/* matching requests still let through */
	int64_t		 times; /* firings left; -1: for ever */
	int		 status;
	int64_t		 retry_after_s; /* -1: no such header */
	int64_t		 after_bytes, offset, ms, bytes_per_s;
	bool		 size_like_file; /* html: as long as the answer */
	bool		 done; /* reset, status: do what was asked before */
	char		*body, *content_type, *hook, *value;
	cJSON		*headers; /* {"Name": "value"}; NULL: none */
	int		 uses;	  /* by whom it is held; faults.c's own */
};

struct faults;
struct faults *faults_new(void);
void	faults_free(struct faults *);
/* Arm one; NULL on success, else why not (static text). */
const char *faults_arm(struct faults *, const cJSON *);
void	faults_clear(struct faults *);

/*
 * The fault for this request, or NULL.  The first that fits fires; the others
 * that fit only count the request among those to let through.  The caller
 * ends with faults_release().  Thread-safe.
 */
struct fault *faults_take(struct faults *, const char *name,
    const char *path);
void	faults_release(struct faults *, struct fault *);

#endif
