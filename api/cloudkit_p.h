#ifndef CLOUDKIT_P_H
#define CLOUDKIT_P_H

#include <stdbool.h>
#include <stdint.h>

#include "cloudkit.h"
#include "json.h"

struct http_request;

/* The network as cloudkit.c uses it.  A test puts its own into struct cloudkit
 * and answers what is asked. */
struct cloudkit_net {
	struct http_call *(*start)(struct http *, const struct http_request *);
	void (*after)(
	    struct http *, int64_t after_ms, void (*cb)(void *), void *arg);
	bool (*interrupted)(const struct http *);
};

/*
 * Understand an answer that CloudKit accepted, and keep what done() needs; the
 * span lives until done() returns.  -1 with e: ERR_PROTOCOL for an answer that
 * makes no sense, which is asked for again, or an error found in an entry of
 * it.  last: it will not be asked for again.
 */
typedef int
cloudkit_read(void *arg, struct json_span answer, bool last, struct err *e);

/*
 * One request, asked for until it is answered and understood: a stated wait is
 * kept, otherwise retry_default decides; an answer that is not understood is
 * asked for three times.
 */
struct cloudkit_request {
	enum database database;
	const char *path;    /* "changes/zone" */
	cJSON *body;         /* taken over and deleted */
	unsigned tries;      /* at most; 0: as retry_default */
	int64_t wait_ms;     /* before the first try */
	cloudkit_read *read; /* NULL: any JSON object will do */
	cloudkit_done *done;
	void *arg; /* for read and done */
};
void cloudkit_ask(struct cloudkit *, const struct cloudkit_request *);

/*
 * Of an error: could asking for less help?  Not where it is about the session,
 * the network, a wait or the request itself.  The http_status of an error that
 * came in an entry is the one that CloudKit documents for its code.
 */
bool cloudkit_less_may_help(const struct err *);
/* Is it BAD_REQUEST without a reason that is known? */
bool cloudkit_is_bad_request(const struct err *);

#endif
