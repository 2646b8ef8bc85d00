#ifndef CLOUDKIT_H
#define CLOUDKIT_H

#include <cjson/cJSON.h>

#include "http.h"
#include "zone.h"

struct cloudkit_net;
struct json_span;
struct session;

/*
 * CloudKit's envelope: addresses, headers, errors.  Read only: api_rules names
 * every host and path that can be sent at all, and nothing that writes is
 * among them [read-only].
 */
extern const struct http_rule api_rules[];

struct cloudkit {
	struct http		*http;	  /* borrowed */
	const struct session	*session; /* borrowed; its host may change */
	const struct cloudkit_net *net;	  /* NULL, but in tests */
	/* How often the service has asked for rest, and until when (monotonic)
	 * nothing new is sent to it for that. */
	unsigned		 throttled;
	int64_t			 not_before_ms;
};

/*
 * POST body (taken over and deleted) to .../{database}/{path}.  done() gets
 * the answer of a request that CloudKit accepted; an error of CloudKit, of the
 * front end or of the network comes as e, already told apart
 * [cloudkit-errors].  The body stays text; walk it with spans.  What may pass
 * is tried again as retry_default says, a wait stated in header or body is
 * kept, and an answer that is no JSON object is asked for three times; so there
 * is no one handle to cancel, and only http_interrupt() ends it early.
 */
typedef void cloudkit_done(void *arg, struct http_response *resp,
	    const struct err *e);
void	cloudkit_start(struct cloudkit *, enum database, const char *path,
	    cJSON *body, cloudkit_done *, void *arg);

/*
 * Read an error out of an answer, or out of one entry of zones[], batch[] or
 * records[].  0: it is none; -1: e says which (ERR_SESSION for 401, 421, 450
 * and a bare 403; ERR_THROTTLED with wait_ms; ERR_TOKEN; ERR_NOT_FOUND;
 * ERR_WEB_ACCESS, in done() ERR_ADP if the session's account has that on;
 * ERR_TOO_MUCH; ERR_UNAVAILABLE; ERR_PROTOCOL for the rest).  Its http_status
 * is the one that CloudKit documents for the code, also when it came with 200.
 */
int	cloudkit_answer_error(struct err *e, const struct http_response *);
int	cloudkit_entry_error(struct err *e, struct json_span entry);

#endif
