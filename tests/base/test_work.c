#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "work.h"

struct job {
	struct work *pool;
	pthread_t ran_on;
	bool ran, done, signals_blocked;
	int rounds; /* done() submits the job again so many times */
	int *collected;
	atomic_int *release; /* run() waits until it is not 0 */
};

static void
nap(void)
{
	const struct timespec ms = {0, 1000000};

	nanosleep(&ms, NULL);
}

static void
run(void *arg)
{
	struct job *job = arg;
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	job->signals_blocked = sigismember(&mask, SIGINT) == 1 &&
	    sigismember(&mask, SIGTERM) == 1 &&
	    sigismember(&mask, SIGUSR1) == 1;
	while (job->release != NULL && atomic_load(job->release) == 0)
		nap();
	job->ran_on = pthread_self();
	job->ran = true;
}

static void
done(void *arg)
{
	struct job *job = arg;

	assert_true(job->ran);
	job->done = true;
	++*job->collected;
	if (job->rounds-- > 0)
		work_submit(job->pool, run, done, job);
}

static bool
is_readable(const struct work *w, int timeout_ms)
{
	struct pollfd p = {.fd = work_fd(w), .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static void
hands_back_on_the_collecting_thread(void **state)
{
	struct work *w = work_new(3);
	struct job jobs[50] = {0};
	int collected = 0, i;
	size_t n = 0;

	(void)state;
	assert_false(is_readable(w, 0));
	assert_int_equal(work_collect(w), 0);
	work_wait(w); /* nothing to wait for */
	for (i = 0; i < 50; i++) {
		jobs[i].pool = w;
		jobs[i].collected = &collected;
		work_submit(w, run, done, &jobs[i]);
	}
	assert_int_equal(work_pending(w), 50);
	while (n < 50) {
		assert_true(is_readable(w, 10000));
		n += work_collect(w);
		assert_int_equal(work_pending(w), 50 - n);
	}
	assert_false(is_readable(w, 0));
	assert_int_equal(collected, 50);
	for (i = 0; i < 50; i++) {
		assert_true(jobs[i].done);
		assert_true(jobs[i].signals_blocked);
		assert_false(pthread_equal(jobs[i].ran_on, pthread_self()));
	}
	work_free(w);
}

static void
is_readable_only_while_jobs_wait(void **state)
{
	struct work *w = work_new(1);
	atomic_int release = 0;
	int collected = 0;
	struct job job = {
	    .pool = w, .collected = &collected, .release = &release};

	(void)state;
	work_submit(w, run, done, &job);
	assert_false(is_readable(w, 20));
	assert_int_equal(work_collect(w), 0);
	atomic_store(&release, 1);
	assert_true(is_readable(w, 10000));
	assert_true(is_readable(w, 0));
	assert_false(job.done);
	assert_int_equal(work_collect(w), 1);
	assert_true(job.done);
	assert_false(is_readable(w, 0));
	work_free(w);
}

static void
runs_everything_before_it_ends(void **state)
{
	struct work *w = work_new(2);
	struct job jobs[20] = {0};
	int collected = 0, i;

	(void)state;
	for (i = 0; i < 20; i++) {
		jobs[i].pool = w;
		jobs[i].collected = &collected;
		jobs[i].rounds = 2; /* also what the callbacks submit */
		work_submit(w, run, done, &jobs[i]);
	}
	work_free(w);
	assert_int_equal(collected, 60);
	work_free(NULL);
}

struct turn {
	atomic_int release;
	int id;
	int *ids, *n;
};

static void
run_turn(void *arg)
{
	struct turn *turn = arg;

	while (atomic_load(&turn->release) == 0)
		nap();
}

static void
done_turn(void *arg)
{
	struct turn *turn = arg;

	turn->ids[(*turn->n)++] = turn->id;
}

static void
collects_in_the_order_of_finishing(void **state)
{
	struct work *w = work_new(8);
	struct turn turns[8];
	int ids[8], n = 0, i;

	(void)state;
	for (i = 0; i < 8; i++) {
		atomic_init(&turns[i].release, 0);
		turns[i].id = i;
		turns[i].ids = ids;
		turns[i].n = &n;
		work_submit(w, run_turn, done_turn, &turns[i]);
	}
	for (i = 7; i >= 0; i--) {
		atomic_store(&turns[i].release, 1);
		work_wait(w);
		assert_int_equal(n, 8 - i);
		assert_int_equal(ids[n - 1], i);
	}
	work_free(w);
}

static void
wait_inside(void *arg)
{
	struct job *job = arg;

	++*job->collected;
	/* Finds those that were taken off the pool together with this one. */
	while (work_pending(job->pool) > 0)
		work_wait(job->pool);
}

static void
may_be_waited_for_in_a_callback(void **state)
{
	struct work *w = work_new(1);
	struct job jobs[5] = {0};
	int collected = 0, i;

	(void)state;
	for (i = 0; i < 5; i++) {
		jobs[i].pool = w;
		jobs[i].collected = &collected;
		work_submit(w, run, wait_inside, &jobs[i]);
	}
	assert_true(is_readable(w, 10000));
	while (work_pending(w) > 0)
		work_wait(w);
	assert_int_equal(collected, 5);
	work_free(w);
}

static void
counts_cores(void **state)
{
	(void)state;
	assert_in_range(work_cores(), 1, 4096);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hands_back_on_the_collecting_thread),
	    cmocka_unit_test(is_readable_only_while_jobs_wait),
	    cmocka_unit_test(runs_everything_before_it_ends),
	    cmocka_unit_test(collects_in_the_order_of_finishing),
	    cmocka_unit_test(may_be_waited_for_in_a_callback),
	    cmocka_unit_test(counts_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
