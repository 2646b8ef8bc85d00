#include "test.h"

#include <pthread.h>
#include <signal.h>

#include "stop.h"

static void
on_signal(int signo)
{
	(void)signo;
	stop_set(true);
}

static void *
ask(void *arg)
{
	*(bool *)arg = stop_is_set();
	return NULL;
}

/* Set in a signal handler, seen on another thread. */
static void
is_seen_everywhere(void **state)
{
	void (*before)(int) = signal(SIGUSR1, on_signal);
	bool seen = false;
	pthread_t thread;

	(void)state;
	assert_false(stop_is_set());
	assert_int_equal(raise(SIGUSR1), 0);
	assert_true(stop_is_set());
	assert_int_equal(pthread_create(&thread, NULL, ask, &seen), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(seen);
	stop_set(false);
	assert_false(stop_is_set());
	signal(SIGUSR1, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_seen_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
