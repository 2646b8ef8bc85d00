#include "work.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"

struct job {
	struct job *next;
	void (*run)(void *);
	void (*done)(void *);
	void *arg;
};

struct queue {
	struct job *first, **last;
};

struct work {
	pthread_mutex_t lock; /* of todo, finished, stop and the pipe */
	pthread_cond_t work_waits, job_finished;
	struct queue todo, finished;
	bool stop;
	int pipe[2]; /* holds one byte while finished is not empty */
	struct queue
	    taken; /* this and pending: the collecting thread's alone */
	size_t pending;
	pthread_t *threads;
	unsigned n_threads;
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void
queue_add(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

static struct job *
queue_take(struct queue *q)
{
	struct job *job = q->first;

	if (job == NULL)
		return NULL;
	q->first = job->next;
	if (q->first == NULL)
		q->last = &q->first;
	return job;
}

/* Nothing here can fail but by a bug of ours. */
static void
must(int rc)
{
	if (rc != 0)
		err_fatal("A thread operation failed.");
}

static void
signal_finished(struct work *w)
{
	while (write(w->pipe[1], "", 1) == -1)
		if (errno != EINTR)
			err_fatal("Cannot write to a pipe of our own.");
}

static void
drain_finished(struct work *w)
{
	char c;

	while (read(w->pipe[0], &c, 1) == -1)
		if (errno != EINTR)
			err_fatal("Cannot read from a pipe of our own.");
}

static void *
worker(void *arg)
{
	struct work *w = arg;
	struct job *job;

	must(pthread_mutex_lock(&w->lock));
	for (;;) {
		while (w->todo.first == NULL && !w->stop)
			must(pthread_cond_wait(&w->work_waits, &w->lock));
		job = queue_take(&w->todo);
		if (job == NULL)
			break;
		must(pthread_mutex_unlock(&w->lock));
		job->run(job->arg);
		must(pthread_mutex_lock(&w->lock));
		if (w->finished.first == NULL)
			signal_finished(w);
		queue_add(&w->finished, job);
		must(pthread_cond_signal(&w->job_finished));
	}
	must(pthread_mutex_unlock(&w->lock));
	return NULL;
}

static void
open_pipe(int fd[2])
{
	int i;

	if (pipe(fd) == -1)
		err_fatal("Cannot make a pipe: too many open files.");
	for (i = 0; i < 2; i++)
		if (fcntl(fd[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(fd[i], F_SETFL, O_NONBLOCK) == -1)
			err_fatal("Cannot set up a pipe of our own.");
}

struct work *
work_new(unsigned threads)
{
	struct work *w = xcalloc(1, sizeof(*w));
	sigset_t all, before;

	assert(threads >= 1);
	must(pthread_mutex_init(&w->lock, NULL));
	must(pthread_cond_init(&w->work_waits, NULL));
	must(pthread_cond_init(&w->job_finished, NULL));
	queue_init(&w->todo);
	queue_init(&w->finished);
	queue_init(&w->taken);
	open_pipe(w->pipe);
	w->threads = xcalloc(threads, sizeof(*w->threads));
	/* Signals are the main thread's: workers inherit a full mask. */
	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &before));
	while (w->n_threads < threads) {
		if (pthread_create(
			&w->threads[w->n_threads], NULL, worker, w) != 0)
			break;
		w->n_threads++;
	}
	must(pthread_sigmask(SIG_SETMASK, &before, NULL));
	/* Fewer than asked for are slower, none is no pool. */
	if (w->n_threads == 0)
		err_fatal("Cannot start a thread.");
	return w;
}

void
work_free(struct work *w)
{
	unsigned i;

	if (w == NULL)
		return;
	while (w->pending > 0)
		work_wait(w);
	must(pthread_mutex_lock(&w->lock));
	w->stop = true;
	must(pthread_cond_broadcast(&w->work_waits));
	must(pthread_mutex_unlock(&w->lock));
	for (i = 0; i < w->n_threads; i++)
		must(pthread_join(w->threads[i], NULL));
	pthread_cond_destroy(&w->work_waits);
	pthread_cond_destroy(&w->job_finished);
	pthread_mutex_destroy(&w->lock);
	close(w->pipe[0]);
	close(w->pipe[1]);
	free(w->threads);
	free(w);
}

void
work_submit(
    struct work *w, void (*run)(void *), void (*done)(void *), void *arg)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->done = done;
	job->arg = arg;
	w->pending++;
	must(pthread_mutex_lock(&w->lock));
	queue_add(&w->todo, job);
	must(pthread_cond_signal(&w->work_waits));
	must(pthread_mutex_unlock(&w->lock));
}

int
work_fd(const struct work *w)
{
	return w->pipe[0];
}

/* Move all finished jobs over to taken; wait: until there is one at least. */
static void
take_finished(struct work *w, bool wait)
{
	struct job *job;

	must(pthread_mutex_lock(&w->lock));
	while (wait && w->finished.first == NULL)
		must(pthread_cond_wait(&w->job_finished, &w->lock));
	if (w->finished.first != NULL)
		drain_finished(w);
	while ((job = queue_take(&w->finished)) != NULL)
		queue_add(&w->taken, job);
	must(pthread_mutex_unlock(&w->lock));
}

static size_t
collect(struct work *w, bool wait)
{
	struct job *job;
	size_t n = 0;

	/* done() may collect or wait itself: it finds what is still taken. */
	take_finished(w, wait && w->taken.first == NULL);
	while ((job = queue_take(&w->taken)) != NULL) {
		w->pending--;
		n++;
		job->done(job->arg);
		free(job);
	}
	return n;
}

size_t
work_collect(struct work *w)
{
	return collect(w, false);
}

size_t
work_pending(const struct work *w)
{
	return w->pending;
}

void
work_wait(struct work *w)
{
	/* Without a job there is none to wait for. */
	collect(w, w->pending > 0);
}

unsigned
work_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n >= 1 && n <= 4096 ? (unsigned)n : 1;
}
