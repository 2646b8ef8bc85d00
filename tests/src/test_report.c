#include "test.h"

#include <fcntl.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "asset.h"
#include "buf.h"
#include "err.h"
#include "report.h"
#include "store.h"
#include "summary.h"
#include "text.h"
#include "verdict.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Standard output goes into a file while a report is written. */
static char path[] = "/tmp/test_report.XXXXXX";
static int stdout_before;
static char *said;

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd == -1 || close(fd) == -1 ? -1 : 0;
}

static int
remove_file(void **state)
{
	(void)state;
	free(said);
	return unlink(path);
}

static struct report *
begin(bool json, bool quiet)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd != -1);
	fflush(stdout);
	stdout_before = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	return report_new(json, quiet);
}

/* What was written until now; valid until the next call. */
static const char *
end(struct report *r)
{
	FILE *f;
	size_t n;
	int rc = report_end(r);

	dup2(stdout_before, STDOUT_FILENO);
	close(stdout_before);
	assert_int_equal(rc, 0);
	free(said);
	said = calloc(1, 1 << 16);
	f = fopen(path, "rb");
	assert_true(said != NULL && f != NULL);
	n = fread(said, 1, (1 << 16) - 1, f);
	said[n] = '\0';
	fclose(f);
	return said;
}

/* One line, one object, nothing in it that moves a terminal. */
static void
assert_one_json_line(const char *text)
{
	size_t n = strlen(text);
	struct buf printable = {0};
	cJSON *json;

	assert_true(n > 1 && text[n - 1] == '\n');
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	text_printable(&printable, text, n - 1, false);
	assert_int_equal(printable.len, n - 1);
	buf_clear(&printable);
	json = cJSON_Parse(text);
	assert_true(cJSON_IsObject(json));
	cJSON_Delete(json);
}

static void
says_what_was_asked_for(void **state)
{
	static const struct {
		bool json, quiet;
		const char *said;
	} table[] = {
	    {false, false, "chat 1\nasked 2\n"},
	    {false, true, "asked 2\n"},
	    {true, false, "{\"event\":\"x\",\"n\":3}\n"},
	    {true, true, "{\"event\":\"x\",\"n\":3}\n"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct report *r = begin(table[i].json, table[i].quiet);

		assert_int_equal(report_is_json(r), table[i].json);
		report_text(r, REPORT_CHATTER, "chat %d", 1);
		report_open(r, "x");
		report_int(r, "n", 3);
		report_close(r);
		report_text(r, REPORT_ASKED, "asked %d", 2);
		assert_string_equal(end(r), table[i].said);
	}
}

static void
writes_every_kind_of_member(void **state)
{
	struct report *r = begin(true, false);

	(void)state;
	report_open(r, "a");
	report_str(r, "text", "b");
	report_str(r, "none", NULL);
	report_int(r, "most", INT64_MAX);
	report_int(r, "least", INT64_MIN);
	report_bool(r, "yes", true);
	report_bool(r, "no", false);
	report_raw(r, "raw", "{\"x\":[1]}");
	report_close(r);
	report_open(r, "b");
	report_close(r);
	assert_string_equal(end(r),
	    "{\"event\":\"a\",\"text\":\"b\",\"none\":null,"
	    "\"most\":9223372036854775807,\"least\":-9223372036854775808,"
	    "\"yes\":true,\"no\":false,\"raw\":{\"x\":[1]}}\n"
	    "{\"event\":\"b\"}\n");
}

/* Names come from whoever sent a photo. */
static const struct {
	const char *name, *text, *json;
} hostile[] = {
    {"IMG_0001.JPG", "IMG_0001.JPG", "IMG_0001.JPG"},
    {"caf\xc3\xa9 \xe5\x81\x87 \xf0\x9f\x8f\x96",
	"caf\xc3\xa9 \xe5\x81\x87 \xf0\x9f\x8f\x96",
	"caf\xc3\xa9 \xe5\x81\x87 \xf0\x9f\x8f\x96"},
    {"a\"b\\c/d", "a\"b\\c/d", "a\\\"b\\\\c/d"},
    {"\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07",
	"\\u001b[2J\\u001b]0;x\\u0007"},
    {"a\nicloud-pull: error: b\r\t\b\f",
	"a\\x0aicloud-pull: error: b\\x0d\\x09\\x08\\x0c",
	"a\\nicloud-pull: error: b\\r\\t\\b\\f"},
    {"\",\"complete\":true,\"x\":\"", "\",\"complete\":true,\"x\":\"",
	"\\\",\\\"complete\\\":true,\\\"x\\\":\\\""},
    {"\x7f", "\\x7f", "\\u007f"},
    /* C1: U+009B begins a terminal's command as ESC [ does */
    {"\xc2\x9b"
     "2J\xc2\x80",
	"\\u{009b}2J\\u{0080}", "\\u009b2J\\u0080"},
    {"\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
    {"\xe2\x80\xaegpj.exe\xe2\x80\xac\xe2\x81\xa6\xe2\x81\xa9",
	"\\u{202e}gpj.exe\\u{202c}\\u{2066}\\u{2069}",
	"\\u202egpj.exe\\u202c\\u2066\\u2069"},
    {"\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
	"\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
	"\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"},
    {"\xff\xfe"
     "A\xe2\x80",
	"\\xff\\xfeA\\xe2\\x80",
	"\xef\xbf\xbd\xef\xbf\xbd"
	"A\xef\xbf\xbd"},
    {"%s%n%d", "%s%n%d", "%s%n%d"},
};

static void
shows_no_name_raw(void **state)
{
	char want[256];

	(void)state;
	for (size_t i = 0; i < LEN(hostile); i++) {
		struct report *r = begin(false, false);

		report_text(r, REPORT_ASKED, "%s", hostile[i].name);
		snprintf(want, sizeof(want), "%s\n", hostile[i].text);
		assert_string_equal(end(r), want);

		r = begin(true, false);
		report_open(r, "x");
		report_str(r, "name", hostile[i].name);
		report_close(r);
		snprintf(want, sizeof(want),
		    "{\"event\":\"x\",\"name\":\"%s\"}\n", hostile[i].json);
		assert_string_equal(end(r), want);
		assert_one_json_line(said);
	}
}

/* What was asked for and could not be written is no success; and nobody's
 * reading it does not end a run. */
static void
notices_a_full_disk(void **state)
{
	int fd = open("/dev/full", O_WRONLY), before = dup(STDOUT_FILENO), rc;
	struct report *r;

	(void)state;
	if (fd == -1)
		skip();
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	r = report_new(false, false);
	report_text(r, REPORT_ASKED, "a");
	report_text(r, REPORT_ASKED, "b");
	rc = report_end(r);
	dup2(before, STDOUT_FILENO);
	close(before);
	clearerr(stdout);
	assert_int_equal(rc, -1);
}

/* ---- summary ---- */

static void
names_a_gap(void **state)
{
	static const struct {
		struct store_gap gap;
		const char *text, *role, *why;
	} table[] = {
	    {{"PrimarySync", "R1", "IMG_1.JPG", RESOURCE_ORIGINAL,
		 STORE_NO_ORIGINAL, "", 1, true, -1},
		"Known gap: IMG_1.JPG (original): no-original\n", "original",
		"no-original"},
	    /* B014, B053: no name, no role, no detail */
	    {{"PrimarySync", "R2", NULL, -1, STORE_FAILED, NULL, 2, false, -1},
		"Missing: R2 (asset): failed\n", "asset", "failed"},
	    {{"PrimarySync", "R3", "a\x1b[2J", RESOURCE_LIVE, STORE_UNPROVEN,
		 "twice alike", 2, false, -1},
		"Missing: a\\x1b[2J (live): twice alike\n", "live", "unproven"},
	    {{"SharedSync-1", "R4", "b", 99, STORE_TOO_LARGE, NULL, 2, false,
		 -1},
		"Missing: b (asset): too-large\n", "asset", "too-large"},
	    {{"SharedSync-1", "R5", "b", RESOURCE_EDITED, STORE_UNKNOWN_KIND,
		 NULL, 2, false, -1},
		"Missing: b (edited): unknown-checksum\n", "edited",
		"unknown-checksum"},
	    {{"SharedSync-1", "R6", "b", RESOURCE_SIDECAR, STORE_VANISHED, NULL,
		 2, false, -1},
		"Missing: b (sidecar): vanished\n", "sidecar", "vanished"},
	    {{"SharedSync-1", "R7", "b", RESOURCE_ALTERNATIVE,
		 (enum store_failure)77, NULL, 2, false, -1},
		"Missing: b (alternative): failed\n", "alternative", "failed"},
	    /* what the witness has found */
	    {{"PrimarySync", "G1", NULL, -1, STORE_GHOST, "no look-up", 2,
		 false, -1},
		"Missing: G1 (asset): no look-up\n", "asset", "ghost"},
	    {{"PrimarySync", "", NULL, -1, STORE_MISCOUNTED,
		 "12 stated, 0 listed.", 2, false, STORE_STATED_TRASHED},
		"Not proven: Recently Deleted of PrimarySync: "
		"12 stated, 0 listed.\n",
		"library", "miscounted"},
	    {{"SharedSync-1", "", NULL, -1, STORE_MISCOUNTED,
		 "5 stated, 4 listed.", 2, true, STORE_STATED_INFO},
		"Known gap: the total of SharedSync-1: 5 stated, 4 listed.\n",
		"library", "miscounted"},
	    {{"PrimarySync", "", NULL, -1, STORE_UNINDEXED, "RUNNING", 2, false,
		 -1},
		"Not proven: PrimarySync: RUNNING\n", "library", "unindexed"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct report *r = begin(false, true);
		cJSON *json;

		summary_gap(r, REPORT_ASKED, &table[i].gap);
		summary_gap(r, REPORT_CHATTER, &table[i].gap);
		assert_string_equal(end(r), table[i].text);

		r = begin(true, false);
		summary_gap(r, REPORT_CHATTER, &table[i].gap);
		end(r);
		assert_one_json_line(said);
		json = cJSON_Parse(said);
		assert_string_equal(
		    cJSON_GetStringValue(cJSON_GetObjectItem(json, "role")),
		    table[i].role);
		assert_string_equal(
		    cJSON_GetStringValue(cJSON_GetObjectItem(json, "why")),
		    table[i].why);
		assert_int_equal(
		    cJSON_IsTrue(cJSON_GetObjectItem(json, "known")),
		    table[i].gap.known);
		if (table[i].gap.name == NULL)
			assert_true(
			    cJSON_IsNull(cJSON_GetObjectItem(json, "name")));
		else
			assert_string_equal(
			    cJSON_GetStringValue(
				cJSON_GetObjectItem(json, "name")),
			    table[i].gap.name);
		cJSON_Delete(json);
	}
}

static int64_t
number(const cJSON *json, const char *name)
{
	const cJSON *v = cJSON_GetObjectItem(json, name);

	return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : -1;
}

static void
gives_the_verdict_to_scripts(void **state)
{
	static const struct {
		enum err_code code;
		int64_t wait_ms;
		int status;
		const char *reason; /* NULL: null */
	} table[] = {
	    {ERR_NONE, -1, 0, NULL},
	    {ERR_INCOMPLETE, -1, 1, "incomplete"},
	    {ERR_THROTTLED, 90000, 4, "throttled"},
	    {ERR_THROTTLED, INT64_MAX, 4, "throttled"},
	    {ERR_CODE, -1, 3, "code"},
	    {ERR_DISK_FULL, -1, 5, "disk-full"},
	    {ERR_ALARM, -1, 7, "alarm"},
	    {ERR_INTERRUPTED, -1, 130, "interrupted"},
	};
	const struct store_totals t = {.assets = 10, .held = 9, .missing = 1};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct verdict_facts f = {.totals = &t,
		    .stopped = {.code = table[i].code,
			.wait_ms = table[i].wait_ms},
		    .fetched = 7,
		    .fetched_bytes = 700};
		struct verdict v = {table[i].code, "The \"line\"."};
		struct report *r = begin(true, false);
		const cJSON *reason;
		cJSON *json;

		summary_verdict(r, &v, &f, 42);
		end(r);
		assert_one_json_line(said);
		json = cJSON_Parse(said);
		assert_string_equal(
		    cJSON_GetStringValue(cJSON_GetObjectItem(json, "event")),
		    "verdict");
		assert_string_equal(
		    cJSON_GetStringValue(cJSON_GetObjectItem(json, "text")),
		    "The \"line\".");
		assert_int_equal(number(json, "run"), 42);
		assert_int_equal(number(json, "status"), table[i].status);
		assert_int_equal(number(json, "fetched"), 7);
		assert_int_equal(number(json, "assets"), 10);
		assert_int_equal(number(json, "missing"), 1);
		assert_int_equal(
		    cJSON_IsTrue(cJSON_GetObjectItem(json, "complete")),
		    table[i].code == ERR_NONE);
		reason = cJSON_GetObjectItem(json, "reason");
		if (table[i].reason == NULL)
			assert_true(cJSON_IsNull(reason));
		else
			assert_string_equal(
			    cJSON_GetStringValue(reason), table[i].reason);
		/* A wait goes with the time when it is over (design, exit
		 * status 4). */
		assert_int_equal(cJSON_HasObjectItem(json, "wait_ms"),
		    table[i].wait_ms >= 0);
		assert_int_equal(cJSON_HasObjectItem(json, "not_before"),
		    table[i].wait_ms >= 0 && table[i].wait_ms < INT64_MAX);
		cJSON_Delete(json);

		r = begin(false, true);
		summary_verdict(r, &v, &f, 42);
		assert_string_equal(end(r), "The \"line\".\n");
		r = begin(false, false);
		summary_verdict(r, &v, &f, 42);
		assert_string_equal(
		    end(r), "Fetched 7 files, 700 bytes.\nThe \"line\".\n");
	}
}

static void
tells_when_to_come_back(void **state)
{
	static const struct {
		int64_t wait_ms, now_ms;
		const char *said;
	} table[] = {
	    {-1, 0, "{\"event\":\"x\"}\n"},
	    {0, 1722427200000,
		"{\"event\":\"x\",\"wait_ms\":0,"
		"\"not_before\":\"2024-07-31T12:00:00Z\"}\n"},
	    {90000, 1722427200000,
		"{\"event\":\"x\",\"wait_ms\":90000,"
		"\"not_before\":\"2024-07-31T12:01:30Z\"}\n"},
	    {INT64_MAX, 1,
		"{\"event\":\"x\",\"wait_ms\":9223372036854775807}\n"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct report *r = begin(true, false);

		report_open(r, "x");
		summary_wait(r, table[i].wait_ms, table[i].now_ms);
		report_close(r);
		assert_string_equal(end(r), table[i].said);
	}
}

/* What is kept of a run is JSON whatever stood in its sentence. */
static void
keeps_a_run_as_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(hostile); i++) {
		const struct store_totals t = {.missing = INT64_MAX, .gaps = 3};
		const struct verdict_facts f = {
		    .totals = &t, .fetched = 5, .fetched_bytes = 6};
		struct verdict v = {.code = ERR_NONE};
		struct buf b = {0};
		cJSON *json;

		snprintf(v.line, sizeof(v.line), "%s", hostile[i].name);
		summary_json(&b, &v, &f);
		assert_null(strchr(b.data, '\n'));
		json = cJSON_Parse(b.data);
		assert_true(cJSON_IsObject(json));
		assert_int_equal(number(json, "fetched"), 5);
		assert_int_equal(number(json, "fetched_bytes"), 6);
		assert_int_equal(number(json, "gaps"), 3);
		assert_true(cJSON_IsString(cJSON_GetObjectItem(json, "text")));
		cJSON_Delete(json);
		buf_clear(&b);
	}
}

/* What a progress line says where there is no terminal: a message. */
static void
goes_on_after_something_in_between(void **state)
{
	static char text[4096];
	int fds[2], before;
	struct report *r;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	fflush(stderr);
	before = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	r = report_new(true, false);
	/* Alone, its end is the end. */
	report_busy(r, "Waiting", 5, 0);
	report_busy_end(r);
	report_progress(r, 1, 10, 90000);
	/* Within a fetch that goes on. */
	report_progress_start(r, 7, 70, 100000);
	report_busy(r, "Waiting", 4, 140000);
	report_busy_end(r);
	report_progress(r, 2, 20, 180000);
	report_progress_end(r);
	report_progress(r, 3, 30, 220000);
	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	close(fds[0]);
	assert_null(strstr(text, "1 of"));
	assert_non_null(strstr(text, "Waiting: 4"));
	assert_non_null(strstr(text, "2 of 7"));
	assert_null(strstr(text, "3 of"));
	assert_int_equal(report_end(r), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_what_was_asked_for),
	    cmocka_unit_test(goes_on_after_something_in_between),
	    cmocka_unit_test(writes_every_kind_of_member),
	    cmocka_unit_test(shows_no_name_raw),
	    cmocka_unit_test(notices_a_full_disk),
	    cmocka_unit_test(names_a_gap),
	    cmocka_unit_test(gives_the_verdict_to_scripts),
	    cmocka_unit_test(tells_when_to_come_back),
	    cmocka_unit_test(keeps_a_run_as_json),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
