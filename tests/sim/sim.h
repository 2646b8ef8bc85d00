#ifndef SIM_H
#define SIM_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * The simulated iCloud: what its parts say to one another.
 *
 *   server.c   TLS and HTTP/1.1 (libmicrohttpd), certificates made at start,
 *              the control port, delay, faults, counters
 *   faults.c   armed faults: which request, how often, what happens
 *   account.c  idmsa.apple.com and setup.icloud.com: sign-in, session, cookies
 *   verifier.c the server's side of SRP-6a, from the formulas alone
 *   library.c  a library made from a seed; its indexes; the truth
 *   changes.c  what happens to it: operations of the control port
 *   record.c   its records as JSON
 *   cloudkit.c pNN-ckdatabasews.icloud.com: zones, feed, queries, look-ups
 *   content.c  cvws.icloud-content.com: signed links, ranges, computed bytes
 *   tally.c    what was asked for, how often, and what should not have been
 *   secrets.c  all that a client must keep to itself
 *
 * Facts come from docs/protocol.md; it is written apart from the client and
 * shares with it only src/base's text helpers (buf, text, civil, json).
 */

struct fault;

struct sim_request {
	const char	*host;	/* lower case, without port */
	const char	*method;
	const char	*path;	/* as sent, without query */
	const char	*query;	/* as sent, without '?'; "" if none */
	const char	*body;	/* NUL-terminated */
	size_t		 body_len;
	const char	*(*header)(void *, const char *name); /* NULL if absent */
	void		*header_arg;
	int64_t		 now_ms; /* the simulated clock */
	const struct fault *fault; /* armed for this request; mostly NULL */
};

/* Produce bytes of a computed body: exactly len bytes from offset. */
typedef void sim_bytes(void *arg, int64_t offset, uint8_t *out, size_t len);

struct sim_response {
	int		 status;
	struct buf	 headers; /* "Name: value\n" lines */
	struct buf	 body;	  /* used unless bytes is set */
	sim_bytes	*bytes;	  /* computed body of length bytes_len */
	void		*bytes_arg;
	void		(*bytes_free)(void *);
	int64_t		 bytes_offset, bytes_len;
};

static inline const char *
sim_header(const struct sim_request *r, const char *name)
{
	return r->header(r->header_arg, name);
}

/* "Name: value", printf-like; and the body as JSON text (takes the tree). */
void	sim_add_header(struct sim_response *, const char *name,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void	sim_json(struct sim_response *, int status, cJSON *tree);
/* The decoded value of a query parameter into out; false if absent. */
bool	sim_query(char *out, size_t size, const struct sim_request *,
	    const char *name);
/* The value of a cookie in the Cookie header, quotes kept; false if absent. */
bool	sim_cookie(char *out, size_t size, const struct sim_request *,
	    const char *name);

/*
 * A client did what a correct client never does (stale scnt, a header left
 * out, a code asked for without need, records/modify, ...).  Counted and kept
 * with its text; tests demand that there are none.  Thread-safe.
 */
void	sim_violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Something that opens the account: a test looks for it where it must not be.
 * The last thousands are remembered.  Thread-safe. */
void	sim_secret(const char *text);

/*
 * Is a fault of kind "hook" with this name armed for this request?  Its
 * "value" text ("" if it has none), or NULL.  Fires once per arming request:
 * the server has matched it already, asking does not use it up.
 */
const char *sim_fault_hook(const struct sim_request *, const char *name);

struct sim_options {
	uint64_t	 seed;
	int64_t		 assets;
	const char	*sizes;	   /* "tiny", "small" (default), "real" */
	const char	*account, *password, *code; /* code shown on devices */
	const char	*recorded; /* folder of recordings to serve originals
				      from as well; NULL: none */
	int		 delay_ms; /* before each answer */
	int64_t		 link_life_s; /* default 3600 */
};

/* account.c: true if the host is one of its own and resp was filled. */
struct account;
struct account *account_new(const struct sim_options *);
void	account_free(struct account *);
bool	account_answer(struct account *, const struct sim_request *,
	    struct sim_response *);
/* {"op": ...} from the control port; NULL on success, else why not (static). */
const char *account_control(struct account *, const cJSON *op);
/* For cloudkit.c: does the request carry the cookies of a whole, unexpired
 * session, and is it sent to the partition host that session was given?
 * If not, resp is filled as Apple does (401, 421, ...). */
bool	account_admits(struct account *, const struct sim_request *,
	    struct sim_response *);
/* A fault has answered 429 or 503 with Retry-After: requests to idmsa or setup
 * that come sooner are violations, and refused. */
void	account_told_to_wait(struct account *, const struct sim_request *,
	    int64_t wait_ms);
/* The code last shown on the devices or sent by message; NULL if none asked
 * for.  {"code": "...", "via": "device"|"sms"}; the caller deletes. */
cJSON	*account_code(struct account *);

/* library.c, cloudkit.c, content.c */
struct cloud;
struct cloud *cloud_new(const struct sim_options *, struct account *);
void	cloud_free(struct cloud *);
bool	cloud_answer(struct cloud *, const struct sim_request *,
	    struct sim_response *);
const char *cloud_control(struct cloud *, const cJSON *op, int64_t now_ms);
/* Every resource that a complete copy must hold, one JSON object a line. */
void	cloud_truth(struct cloud *, struct buf *out);
/* A link to each of them, a line each, for who shall only download. */
void	cloud_links(struct cloud *, int64_t now_ms, struct buf *out);

#endif
