#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "ask.h"
#include "buf.h"
#include "err.h"
#include "stop.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
takes_the_first_line_of_a_command(void **state)
{
	static const struct {
		const char *command, *password; /* NULL: none */
	} table[] = {
	    {"echo secret", "secret"},
	    {"printf 'secret'", "secret"},
	    {"printf 'secret\\r\\n'", "secret"},
	    {"printf 'one\\ntwo\\n'", "one"},
	    {"printf ' a b \\n'", " a b "},
	    {"printf '\\303\\251\\n'", "\xc3\xa9"},
	    {"echo \"$((1 + 1))\" | cat", "2"},
	    /* no password, whatever else it says */
	    {"true", NULL},
	    {"echo", NULL},
	    {"printf '\\nsecret\\n'", NULL},
	    {"echo secret; exit 1", NULL},
	    {"echo secret; kill -9 $$", NULL},
	    {"echo secret >&2", NULL},
	    {"/nowhere/at/all 2>/dev/null", NULL},
	    {"(", NULL},
	    /* more than a password can be; and more than anyone reads */
	    {"head -c 5000 /dev/zero | tr '\\0' a", NULL},
	    {"yes", NULL},
	};
	int quiet = open("/dev/null", O_WRONLY), before = dup(STDERR_FILENO);

	(void)state;
	alarm(60); /* it hangs rather than fails */
	dup2(quiet, STDERR_FILENO);
	for (size_t i = 0; i < LEN(table); i++) {
		struct err e = ERR_INIT;
		char *got = ask_command(table[i].command, &e);

		if (table[i].password == NULL) {
			if (got != NULL)
				fail_msg("%s: %s", table[i].command, got);
			assert_int_equal(e.code, ERR_PASSWORD);
			/* What it printed stays unsaid. */
			assert_null(strstr(e.what, "secret"));
		} else {
			if (got == NULL)
				fail_msg("%s: %s", table[i].command, e.what);
			assert_string_equal(got, table[i].password);
		}
		secret_free(got);
	}
	dup2(before, STDERR_FILENO);
	close(quiet);
	close(before);
	alarm(0);
}

static void
says_how_a_command_ended(void **state)
{
	static const struct {
		const char *command, *words;
	} table[] = {
	    {"exit 7", "(status 7)"},
	    {"kill -15 $$", "(status 143)"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct err e = ERR_INIT;

		assert_null(ask_command(table[i].command, &e));
		assert_non_null(strstr(e.what, table[i].words));
	}
}

/* Put text on standard input for as long as a function needs. */
static int
give(const char *text)
{
	int fds[2], before = dup(STDIN_FILENO);

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	return before;
}

static void
take_back(int before)
{
	dup2(before, STDIN_FILENO);
	close(before);
}

static void
reads_line_by_line(void **state)
{
	static const char *const lines[] = {
	    "ann@example.com", "", "pass word ", "\xc3\xa9", "last"};
	int before = give("ann@example.com\n\npass word \r\n\xc3\xa9\nlast");

	(void)state;
	for (size_t i = 0; i < LEN(lines); i++) {
		char *got = ask_line(NULL);

		assert_non_null(got);
		assert_string_equal(got, lines[i]);
		secret_free(got);
	}
	assert_null(ask_line(NULL));
	assert_null(ask_line(NULL));
	take_back(before);
}

/* The lines of a script are for us: a command reads none of them. */
static void
keeps_the_scripts_lines(void **state)
{
	int before = give("password\n123456\n");
	struct err e = ERR_INIT;
	char *got;

	(void)state;
	got = ask_command("cat; echo secret", &e);
	assert_string_equal(got, "secret");
	secret_free(got);
	got = ask_line(NULL);
	assert_string_equal(got, "password");
	secret_free(got);
	got = ask_line(NULL);
	assert_string_equal(got, "123456");
	secret_free(got);
	take_back(before);
}

static void
knows_when_nobody_is_there(void **state)
{
	int before = give("");

	(void)state;
	assert_false(ask_is_person());
	take_back(before);
}

/* A closed pipe ends the command, though this program ignores SIGPIPE. */
static void
gives_the_command_its_signals(void **state)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	struct err e = ERR_INIT;
	char *got;

	(void)state;
	got = ask_command("(yes; echo \"$?\" >&2) 2>&1 | head -n 1", &e);
	assert_string_equal(got, "y");
	secret_free(got);
	signal(SIGPIPE, old);
}

/* Ctrl-C ends a question, and a command that may never answer. */
static void
ends_when_stopped(void **state)
{
	int before = give("password\n");
	struct err e = ERR_INIT;

	(void)state;
	alarm(10);
	stop_set(true);
	assert_null(ask_command("exec sleep 60", &e));
	assert_int_equal(e.code, ERR_INTERRUPTED);
	err_clear(&e);
	assert_null(ask_line(&e));
	assert_int_equal(e.code, ERR_INTERRUPTED);
	stop_set(false);
	alarm(0);
	take_back(before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_first_line_of_a_command),
	    cmocka_unit_test(says_how_a_command_ended),
	    cmocka_unit_test(reads_line_by_line),
	    cmocka_unit_test(keeps_the_scripts_lines),
	    cmocka_unit_test(knows_when_nobody_is_there),
	    cmocka_unit_test(gives_the_command_its_signals),
	    cmocka_unit_test(ends_when_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
