#ifndef WORK_H
#define WORK_H

#include <stddef.h>

/*
 * The one pool of worker threads.  A job gets plain values and hands back
 * plain values in its own argument; it sees neither SQLite nor curl, and logs
 * nothing.  run() is called on a worker, done() on the thread that calls
 * work_collect(), in the order in which jobs finish.
 */
struct work;

struct work *work_new(unsigned threads); /* at least 1 */
void	work_free(struct work *); /* runs and collects all that is queued */

void	work_submit(struct work *, void (*run)(void *), void (*done)(void *),
	    void *arg);
/* A descriptor that is readable while finished jobs wait to be collected. */
int	work_fd(const struct work *);
/* Call done() of every finished job; returns how many. */
size_t	work_collect(struct work *);
/* Jobs submitted and not yet collected. */
size_t	work_pending(const struct work *);
/* Block until at least one job has finished, then collect. */
void	work_wait(struct work *);

unsigned work_cores(void);

#endif
