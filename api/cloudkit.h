#ifndef CLOUDKIT_H
#define CLOUDKIT_H

#include <cjson/cJSON.h>

#include "zone.h"

struct err;
struct http;
struct http_response;
struct http_rule;
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
};

/*
 * POST body (taken over and deleted) to .../{database}/{path}.  done() gets
 * the answer of a request that CloudKit accepted; an error of CloudKit, of the
 * front end or of the network comes as e, already told apart
 * [cloudkit-errors].  The body stays text; walk it with spans.
 */
typedef void cloudkit_done(void *arg, struct http_response *resp,
	    const struct err *e);
struct http_call *cloudkit_start(struct cloudkit *, enum database,
	    const char *path, cJSON *body, cloudkit_done *, void *arg);

/*
 * Read an error out of an answer, or out of one entry of zones[], batch[] or
 * records[].  0: it is none; -1: e says which (ERR_SESSION for 401, 421, 450;
 * ERR_THROTTLED with wait_ms; ERR_TOKEN; ERR_NOT_FOUND; ERR_WEB_ACCESS;
 * ERR_TOO_MUCH; ERR_UNAVAILABLE; ERR_PROTOCOL for the rest).
 */
int	cloudkit_answer_error(struct err *e, const struct http_response *);
int	cloudkit_entry_error(struct err *e, struct json_span entry);

#endif
