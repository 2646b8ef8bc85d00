#include "test.h"

#include <fcntl.h>
#include <unistd.h>

#include "log.h"

static int saved = -1, ends[2];

static void
catch_begin(void)
{
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

static void
catch_end(char *out, size_t size)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(ends[0], out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	close(ends[0]);
}

static void
speaks_by_level(void **state)
{
	static const struct {
		enum log_level level;
		const char *said;
	} table[] = {
	    {LOG_QUIET, "icloud-pull: error: e 1\n"},
	    {LOG_WARNINGS,
		"icloud-pull: error: e 1\n"
		"icloud-pull: warning: w 2\n"},
	    {LOG_NORMAL,
		"icloud-pull: error: e 1\n"
		"icloud-pull: warning: w 2\n"
		"icloud-pull: n 3\n"},
	    {LOG_VERBOSE,
		"icloud-pull: error: e 1\n"
		"icloud-pull: warning: w 2\n"
		"icloud-pull: n 3\n"
		"icloud-pull: d 4\n"},
	    {LOG_TRACE,
		"icloud-pull: error: e 1\n"
		"icloud-pull: warning: w 2\n"
		"icloud-pull: n 3\n"
		"icloud-pull: d 4\n"
		"icloud-pull: GET h.example/p 200 5 ms\n"},
	};
	char said[1024];
	size_t i;

	(void)state;
	assert_int_equal(log_level(), LOG_NORMAL);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		log_set_level(table[i].level);
		assert_int_equal(log_level(), table[i].level);
		catch_begin();
		log_error("e %d", 1);
		log_warn("w %d", 2);
		log_note("n %d", 3);
		log_debug("d %d", 4);
		log_http("GET", "https://h.example/p", 200, 5, "");
		catch_end(said, sizeof(said));
		assert_string_equal(said, table[i].said);
	}
}

static void
escapes(void **state)
{
	char said[1024];

	(void)state;
	log_set_level(LOG_NORMAL);
	catch_begin();
	log_note("a\x1b[2Jb\nc\xff%s", "\xc2\x9b");
	catch_end(said, sizeof(said));
	assert_string_equal(
	    said, "icloud-pull: a\\x1b[2Jb\\x0ac\\xff\\u{009b}\n");

	/* for a terminal that shows no more than ASCII */
	for (int ascii = 1; ascii >= 0; ascii--) {
		log_set_ascii(ascii);
		catch_begin();
		log_warn("caf\xc3\xa9 %s", "\xc3\x9b");
		catch_end(said, sizeof(said));
		assert_string_equal(said,
		    ascii ? "icloud-pull: warning: caf\\u{00e9} \\u{00db}\n"
			  : "icloud-pull: warning: caf\xc3\xa9 \xc3\x9b\n");
	}
}

static void
traces_no_query(void **state)
{
	static const struct {
		const char *url, *shown;
	} table[] = {
	    {"https://setup.icloud.com/setup/ws/1/validate?token=SECRET",
		"setup.icloud.com/setup/ws/1/validate"},
	    {"https://setup.icloud.com?SECRET", "setup.icloud.com"},
	    {"https://setup.icloud.com/a#SECRET", "setup.icloud.com/a"},
	    {"https://me:SECRET@setup.icloud.com/a", "setup.icloud.com/a"},
	    {"https://me@x:SECRET@setup.icloud.com/a", "setup.icloud.com/a"},
	    {"https://p12-x.icloud.com:443/database/1?SECRET",
		"p12-x.icloud.com:443/database/1"},
	    {"https://cvws.icloud-content.com/B/SECRET?o=SECRET",
		"cvws.icloud-content.com/B/..."},
	    {"https://CVWS.iCloud-Content.com/B/SECRET",
		"CVWS.iCloud-Content.com/B/..."},
	    {"https://cvws.icloud-content.com.cn/B/SECRET",
		"cvws.icloud-content.com.cn/B/..."},
	    {"https://cvws.icloud-content.com:443/B/SECRET",
		"cvws.icloud-content.com:443/B/..."},
	    {"https://cvws.icloud-content.com/SECRET",
		"cvws.icloud-content.com/..."},
	    {"SECRET", "-"},
	};
	char said[1024], expected[1024];
	size_t i;

	(void)state;
	log_set_level(LOG_TRACE);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		catch_begin();
		log_http("POST", table[i].url, 0, 12, "id-1");
		catch_end(said, sizeof(said));
		assert_null(strstr(said, "SECRET"));
		snprintf(expected, sizeof(expected),
		    "icloud-pull: POST %s 0 12 ms id-1\n", table[i].shown);
		assert_string_equal(said, expected);
	}
}

static void
note_hook(void *arg, int before)
{
	char *order = arg;

	order[strlen(order)] = before ? '<' : '>';
	if (write(STDERR_FILENO, before ? "<" : ">", 1) != 1)
		fail();
}

static void
calls_the_hook_around(void **state)
{
	char said[64], order[8] = "";

	(void)state;
	log_set_level(LOG_NORMAL);
	log_set_hook(note_hook, order);
	catch_begin();
	log_note("x");
	log_debug("not shown");
	catch_end(said, sizeof(said));
	log_set_hook(NULL, NULL);
	assert_string_equal(order, "<>");
	assert_string_equal(said, "<icloud-pull: x\n>");
}

static void
survives_a_closed_stderr(void **state)
{
	int keep = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	log_error("nobody hears this");
	dup2(keep, STDERR_FILENO);
	close(keep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(speaks_by_level),
	    cmocka_unit_test(escapes),
	    cmocka_unit_test(traces_no_query),
	    cmocka_unit_test(calls_the_hook_around),
	    cmocka_unit_test(survives_a_closed_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
