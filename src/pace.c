#include "pace.h"

#include <string.h>

#define START     4
#define WINDOW_MS 250
/* Half as many more must bring this much more to be worth it. */
#define GAIN 1.08
/* One window may be a hiccup. */
#define MISSES_MAX 3
#define REST_MS    30000
#define MEEK_MS    60000

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

static int
half_more(const struct pace *p)
{
	int more = p->now + (p->now > 1 ? p->now / 2 : 1);

	return more < p->most ? more : p->most;
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
	/* Only a full house tells whether a larger one would pay; some have
	 * just ended whenever one looks. */
	if (running + running / 3 < p->now || mono_ms < p->not_before_ms ||
	    mono_ms < p->rest_until_ms)
		return;
	if (p->best_rate <= 0 || rate > p->best_rate * GAIN) {
		p->best_rate = rate;
		p->best_jobs = p->now;
		p->misses = 0;
		p->now = half_more(p);
	} else if (++p->misses >= MISSES_MAX) {
		p->now = p->best_jobs;
		p->misses = 0;
		p->best_rate = 0;
		p->rest_until_ms = mono_ms + REST_MS;
	}
}

void
pace_throttled(struct pace *p, int64_t wait_ms, int64_t mono_ms)
{
	/* The wait is the server's word: it may be any number. */
	int64_t until =
	    wait_ms > INT64_MAX - mono_ms ? INT64_MAX : mono_ms + wait_ms;

	if (mono_ms < p->not_before_ms) {
		/* The answers of transfers that began before: one event. */
		if (until > p->not_before_ms)
			p->not_before_ms = until;
		return;
	}
	p->not_before_ms = until;
	p->rest_until_ms =
	    until > INT64_MAX - MEEK_MS ? INT64_MAX : until + MEEK_MS;
	p->now = p->now > 1 ? p->now / 2 : 1;
	p->best_jobs = p->now;
	p->best_rate = 0;
	p->misses = 0;
}
