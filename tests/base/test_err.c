#include "test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"
#include "text.h"

/* Exit status, reason word, and urgency, as err.h lists them. */
static const struct {
	enum err_code code;
	int status;
	const char *reason;
} codes[] = {
    {ERR_NONE, 0, NULL},
    {ERR_INCOMPLETE, 1, "incomplete"},
    {ERR_USAGE, 2, "usage"},
    {ERR_CODE, 3, "code"},
    {ERR_PASSWORD, 3, "password"},
    {ERR_LOCKED, 3, "locked"},
    {ERR_TERMS, 3, "terms"},
    {ERR_WEB_ACCESS, 3, "web-access"},
    {ERR_ADP, 3, "adp"},
    {ERR_SECURITY_KEY, 3, "security-key"},
    {ERR_SESSION, 3, "password"},
    {ERR_NETWORK, 4, "network"},
    {ERR_UNAVAILABLE, 4, "unavailable"},
    {ERR_THROTTLED, 4, "throttled"},
    {ERR_DISK_FULL, 5, "disk-full"},
    {ERR_TOO_LARGE, 5, "too-large"},
    {ERR_DISK, 5, "disk"},
    {ERR_NOT_MOUNTED, 5, "not-mounted"},
    {ERR_BUSY, 5, "busy"},
    {ERR_BAD_STATE, 5, "state"},
    {ERR_PROTOCOL, 6, "protocol"},
    {ERR_ALARM, 7, "alarm"},
    {ERR_INTERRUPTED, 130, "interrupted"},
    {ERR_TOKEN, 6, "protocol"},
    {ERR_NOT_FOUND, 6, "protocol"},
    {ERR_EXPIRED, 6, "protocol"},
    {ERR_TOO_MUCH, 6, "protocol"},
    {ERR_REFUSED, 6, "protocol"},
};

static void
maps_codes(void **state)
{
	const char *reason;
	size_t i;

	(void)state;
	assert_int_equal(sizeof(codes) / sizeof(codes[0]), ERR_REFUSED + 1);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_int_equal(codes[i].code, i);
		assert_int_equal(
		    err_exit_status(codes[i].code), codes[i].status);
		reason = err_reason(codes[i].code);
		if (codes[i].reason == NULL)
			assert_null(reason);
		else
			assert_string_equal(reason, codes[i].reason);
	}
}

static void
knows_the_more_urgent(void **state)
{
	/* One code of each status, the least urgent first. */
	static const enum err_code rising[] = {ERR_NONE, ERR_INCOMPLETE,
	    ERR_THROTTLED, ERR_PROTOCOL, ERR_DISK, ERR_CODE, ERR_ALARM,
	    ERR_USAGE, ERR_INTERRUPTED};
	size_t n = sizeof(rising) / sizeof(rising[0]), i, j;

	(void)state;
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			assert_int_equal(err_worse(rising[i], rising[j]),
			    rising[i > j ? i : j]);
	/* Of equals the one that was first. */
	assert_int_equal(err_worse(ERR_DISK, ERR_BUSY), ERR_DISK);
	assert_int_equal(err_worse(ERR_BUSY, ERR_DISK), ERR_BUSY);
}

static void
keeps_the_worse(void **state)
{
	struct err kept = ERR_INIT, e = ERR_INIT;

	(void)state;
	err_keep_worse(&kept, &e);
	assert_int_equal(kept.code, ERR_NONE);
	err_set(&e, ERR_NETWORK, NULL, "first");
	err_keep_worse(&kept, &e);
	assert_string_equal(kept.what, "first");
	/* As urgent: the first stays, with its wait. */
	err_set(&e, ERR_THROTTLED, NULL, "second");
	err_keep_worse(&kept, &e);
	assert_string_equal(kept.what, "first");
	err_set(&e, ERR_DISK, NULL, "third");
	err_keep_worse(&kept, &e);
	assert_string_equal(kept.what, "third");
	err_set(&e, ERR_INCOMPLETE, NULL, "fourth");
	err_keep_worse(&kept, &e);
	assert_string_equal(kept.what, "third");
}

static void
fills(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(e.code, ERR_NONE);
	e.http_status = 401;
	e.wait_ms = 5;
	assert_int_equal(
	    err_set(&e, ERR_CODE, "Do it again.", "Code %d of %s.", 7, "you"),
	    -1);
	assert_int_equal(e.code, ERR_CODE);
	assert_string_equal(e.what, "Code 7 of you.");
	assert_string_equal(e.next, "Do it again.");
	assert_int_equal(e.http_status, 0);
	assert_int_equal(e.wait_ms, -1);
	assert_int_equal(err_set(NULL, ERR_CODE, NULL, "x"), -1);
	assert_int_equal(err_set(&e, ERR_DISK, NULL, "%s", ""), -1);
	assert_string_equal(e.next, "");
	assert_string_equal(e.what, "");
	err_clear(&e);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(e.wait_ms, -1);
}

static void
may_quote_itself(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_NETWORK, "Wait.", "No answer.");
	err_set(&e, ERR_UNAVAILABLE, e.next, "While listing: %s", e.what);
	assert_string_equal(e.what, "While listing: No answer.");
	assert_string_equal(e.next, "Wait.");
	err_set_errno(&e, ENOENT, "%s", e.what);
	assert_non_null(strstr(e.what, "While listing: No answer.: "));
}

static void
cuts_on_a_character(void **state)
{
	char text[600];
	struct err e = ERR_INIT;
	size_t lead, i;

	(void)state;
	for (lead = 0; lead < 4; lead++) {
		memset(text, 'x', lead);
		for (i = lead; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 5);
		err_set(&e, ERR_DISK, text, "%s", text);
		assert_true(text_is_utf8(e.what, strlen(e.what)));
		assert_true(text_is_utf8(e.next, strlen(e.next)));
		assert_in_range(strlen(e.what), 250, 255);
		assert_string_equal(e.what + strlen(e.what) - 3, "...");
		assert_string_equal(e.next + strlen(e.next) - 3, "...");
	}
	memset(text, 'y', 255);
	text[255] = '\0';
	err_set(&e, ERR_DISK, NULL, "%s", text);
	assert_string_equal(e.what, text);
	text[255] = 'y';
	text[256] = '\0';
	err_set(&e, ERR_DISK, NULL, "%s", text);
	assert_int_equal(strlen(e.what), 255);
	assert_string_equal(e.what + 252, "...");
}

/* What stopped because the person wants an end is no fault of the disk. */
static void
tells_an_interruption(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set_errno(&e, ECANCELED, "%s cannot be read", "a.jpg");
	assert_int_equal(e.code, ERR_INTERRUPTED);
	assert_string_equal(e.what, "Interrupted.");
}

static void
tells_a_full_disk(void **state)
{
	static const struct {
		int errnum;
		enum err_code code;
	} table[] = {
	    {ENOSPC, ERR_DISK_FULL},
	    {EDQUOT, ERR_DISK_FULL},
	    {EFBIG, ERR_TOO_LARGE},
	    {EIO, ERR_DISK},
	    {EACCES, ERR_DISK},
	    {ENOENT, ERR_DISK},
	    {12345, ERR_DISK},
	};
	char text[600];
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(err_set_errno(&e, table[i].errnum,
				     "Cannot write %s", "a/b"),
		    -1);
		assert_int_equal(e.code, table[i].code);
		assert_memory_equal(e.what, "Cannot write a/b: ", 18);
		assert_string_not_equal(e.what + 18, "");
		if (e.code == ERR_DISK_FULL)
			assert_string_not_equal(e.next, "");
	}
	assert_int_equal(err_set_errno(NULL, EIO, "x"), -1);
	/* The reason is there even when the sentence has to be cut. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set_errno(&e, ENOENT, "%s", text);
	assert_non_null(strstr(e.what, "...: "));
	assert_string_equal(strstr(e.what, "...: ") + 5, strerror(ENOENT));
}

static void
ends_the_program(void **state)
{
	char said[128];
	int fd[2], status;
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		err_fatal("No more.");
	}
	close(fd[1]);
	n = read(fd[0], said, sizeof(said) - 1);
	assert_true(n > 0);
	said[n] = '\0';
	assert_string_equal(said, "icloud-pull: error: No more.\n");
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(maps_codes),
	    cmocka_unit_test(knows_the_more_urgent),
	    cmocka_unit_test(keeps_the_worse),
	    cmocka_unit_test(fills),
	    cmocka_unit_test(may_quote_itself),
	    cmocka_unit_test(cuts_on_a_character),
	    cmocka_unit_test(tells_an_interruption),
	    cmocka_unit_test(tells_a_full_disk),
	    cmocka_unit_test(ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
