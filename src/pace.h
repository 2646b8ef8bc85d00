#ifndef PACE_H
#define PACE_H

#include <stdint.h>

/*
 * How many transfers at once; pure.  Starts at 4 and grows by half as long as
 * that brings more; then rests, and tries again later, since lines change over
 * a night.  After throttling nothing starts until the stated wait has passed,
 * and then half as many for a minute (docs/design.md, "One loop, one pool").
 */
struct pace {
	int	most, now;
	int	best_jobs;	/* with which the best rate was seen */
	int	misses;		/* windows in a row that brought no more */
	double	best_rate;	/* work a ms; 0: nothing measured yet */
	int64_t	window_ms, window_work; /* where the window of measuring began */
	int64_t	rest_until_ms;	/* monotonic; no growth before */
	int64_t	not_before_ms;	/* monotonic; nothing starts before */
};

/* Work is bytes, and a file counts as so many more. */
#define PACE_FILE_WORK ((int64_t)64 << 10)

void	pace_start(struct pace *out, int most, int64_t mono_ms);
/* How many may run now; 0 while throttled. */
int	pace_allowed(const struct pace *, int64_t mono_ms);
/* Total work done so far, and how many run at this moment. */
void	pace_measure(struct pace *, int64_t work, int running,
	    int64_t mono_ms);
void	pace_throttled(struct pace *, int64_t wait_ms, int64_t mono_ms);

#endif
