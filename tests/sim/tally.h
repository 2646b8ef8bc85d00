#ifndef TALLY_H
#define TALLY_H

#include <stdint.h>

struct buf;

/* What has been asked of the simulated iCloud: counters by name, the last
 * requests, violations.  One per process, since sim_violation() is called
 * from everywhere.  Thread-safe. */

/* The counter name of a request: "signin_init", ..., "other"; static. */
const char *tally_name(const char *method, const char *host,
    const char *path);

/* status 0: closed without an answer. */
void	tally_request(const char *name, const char *method, const char *host,
	    const char *path, int status);
void	tally_content_bytes(int64_t);
/* Apple mails the owner: somebody has signed in with the password. */
void	tally_mail(void);
void	tally_reset(void);

void	tally_counters(struct buf *out); /* one JSON object */
void	tally_requests(struct buf *out); /* a JSON object a line */

#endif
