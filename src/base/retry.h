#ifndef RETRY_H
#define RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * Whether to try again, and when: one pure function.  Numbers from
 * docs/design.md, "Retries".
 */
struct retry_policy {
	unsigned max_tries;	  /* attempts in all, the first included */
	int64_t	 first_wait_ms;	  /* doubled for each further try */
	int64_t	 max_waited_ms;	  /* of waiting in all */
	bool	 heed_throttling; /* 429/503 with a stated wait are tried again;
				     false: they end it (sign-in service) */
};

extern const struct retry_policy retry_default; /* 5 tries; 1, 2, 4, 8 s; 20 s */
extern const struct retry_policy retry_sign_in; /* 3 tries; 2, 4 s; never 429/503 */
extern const struct retry_policy retry_none;

struct retry_case {
	enum err_code	code;	      /* of the transport; ERR_NONE: answered */
	int		status;	      /* HTTP status; 0 if not answered */
	int64_t		stated_ms;    /* Retry-After; -1 if none */
	unsigned	tries;	      /* attempts made so far, at least 1 */
	int64_t		waited_ms;    /* waited so far for this request */
};

/*
 * Milliseconds to wait before the next try, or -1: do not try again.
 * Tried again are ERR_NETWORK and 408, 429, 500, 502, 503, 504; a stated wait
 * is kept exactly (and ends it if max_waited_ms would be passed), otherwise
 * the wait is between 75 % and 125 % of the schedule, by jitter (any number).
 */
int64_t	retry_wait(const struct retry_policy *, const struct retry_case *,
	    uint32_t jitter);
/*
 * The same while no host has answered anything yet, whatever the policy: a
 * computer that has just woken has no network for a minute.  since_ms: from the
 * beginning of the first try until now.  Every 3 s for patience_ms, then -1; -1
 * too for all that is no lack of a connection.
 */
int64_t	retry_patience(const struct retry_case *, int64_t since_ms,
	    int64_t patience_ms);

#endif
