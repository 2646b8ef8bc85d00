#ifndef PACE_H
#define PACE_H

#include <stdint.h>

/*
 * How many transfers at once; pure.  Starts at 4, grows to the most while
 * throughput grows; after throttling nothing starts until the stated wait has
 * passed, and then half as many (docs/design.md, "One loop, one pool").
 */
struct pace {
	int most, now;
	int best_jobs;    /* with which the best rate was seen */
	double best_rate; /* bytes a ms; files count as 64 KiB more each */
	int64_t window_ms,
	    window_work;       /* where the window of measuring began */
	int64_t not_before_ms; /* monotonic; 0: start at once */
	int settled;           /* windows in a row without gain */
};

#define PACE_FILE_WORK ((int64_t)64 << 10)

void pace_start(struct pace *out, int most, int64_t mono_ms);
/* How many may run now; 0 while throttled. */
int pace_allowed(const struct pace *, int64_t mono_ms);
/* Total work done so far (bytes + PACE_FILE_WORK a file), and how many ran. */
void pace_measure(struct pace *, int64_t work, int running, int64_t mono_ms);
void pace_throttled(struct pace *, int64_t wait_ms, int64_t mono_ms);

#endif
