#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "child.h"
#include "civil.h"
#include "err.h"
#include "stop.h"

/* Nothing here takes longer, unless it hangs. */
#define SOON_MS 5000

static struct child_result r;

static int64_t
run(const char *command, const char *input, int64_t limit_ms, int64_t grace_ms)
{
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	const struct child c = {.argv = argv,
	    .input = input,
	    .limit_ms = limit_ms,
	    .grace_ms = grace_ms};
	int64_t began = clock_mono_ms();
	struct err e = ERR_INIT;

	buf_clear(&r.said);
	assert_int_equal(child_run(&r, &c, &e), 0);
	return clock_mono_ms() - began;
}

static void
says_how_it_ended(void **state)
{
	static const struct {
		const char *command;
		int status;
		const char *said;
	} table[] = {
	    {"true", 0, ""},
	    {"exit 7", 7, ""},
	    {"kill -9 $$", 137, ""},
	    {"echo out; echo err >&2", 0, "out\nerr\n"},
	    {"cat", 0, "news\n"},
	    {"exec 0<&- 1>&- 2>&-; sleep 0.1; exit 3", 3, ""},
	    {"printf 'no end of line'", 0, "no end of line"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(
		    run(table[i].command, "news\n", 60000, 0) < SOON_MS);
		assert_int_equal(r.end, CHILD_EXITED);
		assert_int_equal(r.status, table[i].status);
		assert_string_equal(buf_text(&r.said), table[i].said);
	}
}

static void
a_program_that_is_not_there(void **state)
{
	const char *const argv[] = {"/nowhere/at/all", NULL};
	const struct child c = {.argv = argv, .limit_ms = 60000};
	struct err e = ERR_INIT;

	(void)state;
	buf_clear(&r.said);
	assert_int_equal(child_run(&r, &c, &e), 0);
	assert_int_equal(r.end, CHILD_EXITED);
	assert_int_equal(r.status, 127);
}

/* More than a pipe holds, to one that reads it and to one that does not;
 * and one that talks without end is heard only at its beginning. */
static void
much_to_read_and_to_say(void **state)
{
	struct buf much = {0};

	(void)state;
	for (int i = 0; i < 30000; i++)
		buf_adds(&much, "0123456789");
	(void)run("wc -c", buf_text(&much), 60000, 0);
	assert_int_equal(atoi(buf_text(&r.said)), 300000);
	assert_true(run("exit 0", buf_text(&much), 60000, 0) < SOON_MS);
	assert_int_equal(r.status, 0);
	(void)run("head -c 1000000 /dev/zero | tr '\\0' x", NULL, 60000, 0);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.said.len, 4096);
	buf_clear(&much);
}

/* The process that a command wrote of, if it is there. */
static pid_t
named(const char *path)
{
	FILE *f = fopen(path, "r");
	int pid = 0;

	if (f != NULL) {
		assert_int_equal(fscanf(f, "%d", &pid), 1);
		fclose(f);
	}
	return pid;
}

static bool
is_alive(pid_t pid)
{
	/* A process that has ended stays until its new parent looks. */
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++) {
		char path[64], state = 'R';
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		f = fopen(path, "r");
		if (f != NULL) {
			if (fscanf(f, "%*d %*s %c", &state) != 1)
				state = 'R';
			fclose(f);
		}
		if (state == 'Z' || state == 'X')
			return false;
		usleep(10000);
	}
	return kill(pid, 0) == 0;
}

/* It and what it has started are ended, whether they want or not. */
static void
late_is_ended_with_its_group(void **state)
{
	static const char *const commands[] = {
	    "sleep 60 & echo $! >%s; wait",
	    "trap '' TERM; sleep 60 & echo $! >%s; while :; do sleep 1; done",
	    "sh -c 'trap \"\" TERM; echo $$ >%s; sleep 60; sleep 60' & wait",
	};
	char path[] = "/tmp/test_child.XXXXXX", command[200];
	int fd = mkstemp(path);
	int64_t took;
	pid_t pid;

	(void)state;
	assert_true(fd != -1);
	close(fd);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		unlink(path);
		/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
		snprintf(command, sizeof(command), commands[i], path);
		took = run(command, NULL, 300, 200);
		assert_int_equal(r.end, CHILD_LATE);
		assert_in_range(took, 300, SOON_MS);
		pid = named(path);
		assert_true(pid > 1);
		assert_false(is_alive(pid));
	}
	unlink(path);
}

/* What asks nobody to wait for it goes on. */
static void
what_is_left_behind_runs_on(void **state)
{
	char path[] = "/tmp/test_child.XXXXXX", command[200];
	int fd = mkstemp(path);
	pid_t pid;

	(void)state;
	assert_true(fd != -1);
	close(fd);
	snprintf(command, sizeof(command), "sleep 60 & echo $! >%s", path);
	assert_true(run(command, NULL, 60000, 0) < SOON_MS);
	assert_int_equal(r.end, CHILD_EXITED);
	assert_int_equal(r.status, 0);
	pid = named(path);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0); /* so it was there */
	unlink(path);
}

static void
stops_at_once(void **state)
{
	int64_t took;

	(void)state;
	stop_set(true);
	took =
	    run("trap '' TERM; while :; do sleep 1; done", NULL, 60000, 60000);
	stop_set(false);
	assert_int_equal(r.end, CHILD_STOPPED);
	assert_true(took < SOON_MS);
}

static void
gives_it_the_usual_signals(void **state)
{
	(void)state;
	(void)run("(yes; echo $? >&2) 2>&1 | head -n 1", NULL, 60000, 0);
	assert_int_equal(r.end, CHILD_EXITED);
	assert_string_equal(buf_text(&r.said), "y\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_how_it_ended),
	    cmocka_unit_test(a_program_that_is_not_there),
	    cmocka_unit_test(much_to_read_and_to_say),
	    cmocka_unit_test(late_is_ended_with_its_group),
	    cmocka_unit_test(what_is_left_behind_runs_on),
	    cmocka_unit_test(stops_at_once),
	    cmocka_unit_test(gives_it_the_usual_signals),
	};
	int failed;

	signal(SIGPIPE, SIG_IGN); /* as in main() */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_clear(&r.said);
	return failed;
}
