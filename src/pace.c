#include "pace.h"

#include <string.h>

#define START     4
#define WINDOW_MS 250
/* A further transfer pays if it brings this much more. */
#define GAIN 1.03
/* Without gain for so many windows, one step back and rest ... */
#define SETTLE 3
/* ... and try again after so many, since lines change over a night. */
#define TRY_AGAIN 120

void
pace_start(struct pace *out, int most, int64_t mono_ms)
{
	memset(out, 0, sizeof(*out));
	out->most = most;
	out->now = most < START ? most : START;
	out->best_jobs = out->now;
	out->window_ms = mono_ms;
}

int
pace_allowed(const struct pace *p, int64_t mono_ms)
{
	return mono_ms < p->not_before_ms ? 0 : p->now;
}

void
pace_measure(struct pace *p, int64_t work, int running, int64_t mono_ms)
{
	int64_t span = mono_ms - p->window_ms;
	double rate;

	if (span < WINDOW_MS)
		return;
	rate = (double)(work - p->window_work) / (double)span;
	p->window_ms = mono_ms;
	p->window_work = work;
	/* Only a full house tells whether a larger one would pay. */
	if (running < p->now || mono_ms < p->not_before_ms)
		return;
	if (rate > p->best_rate * GAIN) {
		p->best_rate = rate;
		p->best_jobs = p->now;
		p->settled = 0;
	} else {
		p->settled++;
	}
	if (p->settled == SETTLE && p->now > p->best_jobs) {
		p->now = p->best_jobs;
	} else if (p->settled >= TRY_AGAIN) {
		p->settled = 0;
		p->best_rate = rate;
		p->best_jobs = p->now;
	}
	if (p->settled < SETTLE && p->now < p->most)
		p->now++;
}

void
pace_throttled(struct pace *p, int64_t wait_ms, int64_t mono_ms)
{
	if (mono_ms < p->not_before_ms) {
		/* The answers of transfers that began before: one event. */
		if (mono_ms + wait_ms > p->not_before_ms)
			p->not_before_ms = mono_ms + wait_ms;
		return;
	}
	p->not_before_ms = mono_ms + wait_ms;
	p->now = p->now > 1 ? p->now / 2 : 1;
	p->best_jobs = p->now;
	p->best_rate = 0;
	p->settled = 0;
}
