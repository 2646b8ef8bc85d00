#include "retry.h"

#define PATIENT_WAIT_MS 3000

const struct retry_policy retry_default = {
    .max_tries = 5,
    .first_wait_ms = 1000,
    .max_waited_ms = 20000,
    .heed_throttling = true,
};

const struct retry_policy retry_sign_in = {
    .max_tries = 3,
    .first_wait_ms = 2000,
    .max_waited_ms = 20000,
    .heed_throttling = false,
};

const struct retry_policy retry_none = {.max_tries = 1};

static bool
worth_it(const struct retry_policy *policy, const struct retry_case *c)
{
	if ((c->status == 429 || c->status == 503) && !policy->heed_throttling)
		return false;
	if (c->code != ERR_NONE)
		return c->code == ERR_NETWORK;
	switch (c->status) {
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

int64_t
retry_patience(
    const struct retry_case *c, int64_t since_ms, int64_t patience_ms)
{
	if (c->code != ERR_NETWORK || c->status != 0 ||
	    since_ms > patience_ms - PATIENT_WAIT_MS)
		return -1;
	return PATIENT_WAIT_MS;
}

int64_t
retry_wait(const struct retry_policy *policy, const struct retry_case *c,
    uint32_t jitter)
{
	int64_t wait = policy->first_wait_ms;
	unsigned i;

	if (c->tries >= policy->max_tries || !worth_it(policy, c))
		return -1;
	if (c->stated_ms >= 0) {
		wait = c->stated_ms;
	} else {
		for (i = 1; i < c->tries && wait < INT64_C(1) << 60; i++)
			wait *= 2;
		wait = wait - wait / 4 +
		    (int64_t)(jitter % (uint64_t)(wait / 2 + 1));
	}
	if (wait > policy->max_waited_ms - c->waited_ms)
		return -1;
	return wait;
}
