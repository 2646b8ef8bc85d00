#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "buf.h"
#include "civil.h"
#include "err.h"
#include "notify.h"
#include "stop.h"
#include "sync.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR   (INT64_C(3600) * 1000)
#define DAY    (24 * HOUR)
#define NOW    (INT64_C(20000) * DAY)

#define ALARM      (1U << NOTIFY_ALARM)
#define PERSON     (1U << NOTIFY_PERSON)
#define INCOMPLETE (1U << NOTIFY_INCOMPLETE)
#define REPAIRED   (1U << NOTIFY_REPAIRED)
#define WELL       (1U << NOTIFY_WELL)
#define TRUST      (1U << NOTIFY_TRUST)

/* When the last success was: last night; more than a week ago; nobody knows. */
#define LAST    (NOW - DAY)
#define LONG    (NOW - 7 * DAY - 1)
#define UNKNOWN 0

static const struct {
	const char *what;
	enum err_code code;
	int before; /* status of the run before */
	bool told;
	int64_t since, trust, trust_told, repaired;
	unsigned news;
} rows[] = {
    {"a good night", ERR_NONE, 0, false, LAST, 0, 0, 0, 0},
    {"the first run of all", ERR_NONE, -1, false, 0, 0, 0, 0, 0},

    /* A person is needed, whatever for. */
    {"code", ERR_CODE, 0, false, LAST, 0, 0, 0, PERSON},
    {"password", ERR_PASSWORD, 0, false, LAST, 0, 0, 0, PERSON},
    {"session", ERR_SESSION, 0, false, LAST, 0, 0, 0, PERSON},
    {"locked", ERR_LOCKED, 0, false, LAST, 0, 0, 0, PERSON},
    {"terms", ERR_TERMS, 0, false, LAST, 0, 0, 0, PERSON},
    {"web access", ERR_WEB_ACCESS, 0, false, LAST, 0, 0, 0, PERSON},
    {"adp", ERR_ADP, 0, false, LAST, 0, 0, 0, PERSON},
    {"security key", ERR_SECURITY_KEY, 0, false, LAST, 0, 0, 0, PERSON},
    {"again the next night", ERR_CODE, 3, true, LAST, 0, 0, 0, PERSON},

    {"alarm", ERR_ALARM, 0, false, LAST, 0, 0, 0, ALARM},

    {"incomplete", ERR_INCOMPLETE, 0, false, LAST, 0, 0, 0, INCOMPLETE},
    {"not mounted", ERR_NOT_MOUNTED, -1, false, UNKNOWN, 0, 0, 0, INCOMPLETE},
    {"full", ERR_DISK_FULL, 0, false, LAST, 0, 0, 0, INCOMPLETE},
    {"bad catalogue", ERR_BAD_STATE, -1, false, UNKNOWN, 0, 0, 0, INCOMPLETE},
    {"not understood", ERR_PROTOCOL, 0, false, LAST, 0, 0, 0, INCOMPLETE},
    {"again the next night", ERR_INCOMPLETE, 1, true, LAST, 0, 0, 0,
	INCOMPLETE},

    /* What passes by itself is news after a week. */
    {"no network", ERR_NETWORK, 0, false, LAST, 0, 0, 0, 0},
    {"no network for a week", ERR_NETWORK, 4, false, LONG + 1, 0, 0, 0, 0},
    {"and for longer", ERR_NETWORK, 4, false, LONG, 0, 0, 0, INCOMPLETE},
    {"Apple away for longer", ERR_UNAVAILABLE, 4, false, LONG, 0, 0, 0,
	INCOMPLETE},
    {"throttled for longer", ERR_THROTTLED, 4, false, LONG, 0, 0, 0,
	INCOMPLETE},
    {"no network; nobody knows how long", ERR_NETWORK, -1, false, UNKNOWN, 0, 0,
	0, 0},
    {"no network; the clock was set back", ERR_NETWORK, 4, false,
	NOW + 300 * DAY, 0, 0, 0, 0},
    {"beside another run", ERR_BUSY, 0, false, LAST, 0, 0, 0, 0},
    {"and for longer", ERR_BUSY, 0, false, LONG, 0, 0, 0, INCOMPLETE},

    /* Well again: once, after what was told or should have been. */
    {"after what was told", ERR_NONE, -1, true, LAST, 0, 0, 0, WELL},
    {"after it was incomplete", ERR_NONE, 1, false, LAST, 0, 0, 0, WELL},
    {"after a person was needed", ERR_NONE, 3, false, LAST, 0, 0, 0, WELL},
    {"after the disk was full", ERR_NONE, 5, false, LAST, 0, 0, 0, WELL},
    {"after an odd answer", ERR_NONE, 6, false, LAST, 0, 0, 0, WELL},
    {"after an alarm", ERR_NONE, 7, false, LAST, 0, 0, 0, WELL},
    {"after a night without network", ERR_NONE, 4, false, LAST, 0, 0, 0, 0},
    {"after many, and told", ERR_NONE, 4, true, LONG, 0, 0, 0, WELL},
    {"after Ctrl-C", ERR_NONE, 130, false, LAST, 0, 0, 0, 0},
    {"after trouble and Ctrl-C", ERR_NONE, 130, true, LAST, 0, 0, 0, WELL},

    /* Somebody is there. */
    {"Ctrl-C", ERR_INTERRUPTED, 1, true, LONG, NOW, 0, 2, 0},
    {"usage", ERR_USAGE, 1, true, LONG, NOW, 0, 0, 0},

    {"repaired", ERR_NONE, 0, false, LAST, 0, 0, 2, REPAIRED},
    {"repaired, and not all", ERR_INCOMPLETE, 0, false, LAST, 0, 0, 2,
	REPAIRED | INCOMPLETE},
    {"repaired, and well with it", ERR_NONE, 0, true, LAST, 0, 0, 2,
	REPAIRED | WELL},

    /* Trust: from 14 days on, once a day. */
    {"15 days", ERR_NONE, 0, false, LAST, NOW + 15 * DAY, 0, 0, 0},
    {"not quite", ERR_NONE, 0, false, LAST, NOW + 15 * DAY - 1, 0, 0, TRUST},
    {"a day", ERR_NONE, 0, false, LAST, NOW + DAY, 0, 0, TRUST},
    {"none since yesterday", ERR_NONE, 0, false, LAST, NOW - DAY, 0, 0, TRUST},
    {"told an hour ago", ERR_NONE, 0, false, LAST, NOW + DAY, NOW - HOUR, 0, 0},
    {"told last night", ERR_NONE, 0, false, LAST, NOW + DAY, NOW - 21 * HOUR, 0,
	TRUST},
    {"told in the future", ERR_NONE, 0, false, LAST, NOW + DAY, NOW + DAY, 0,
	TRUST},
    {"beside other news", ERR_INCOMPLETE, 0, false, LAST, NOW + DAY, 0, 0,
	TRUST | INCOMPLETE},
    {"no network", ERR_NETWORK, 0, false, LAST, NOW + DAY, 0, 0, TRUST},
    {"who must sign in anyway", ERR_CODE, 0, false, LAST, NOW - DAY, 0, 0,
	PERSON},
    {"not in an alarm", ERR_ALARM, 0, false, LAST, NOW + DAY, 0, 0, ALARM},
};

static void
chooses_as_the_table_says(void **state)
{
	unsigned news;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct notify_facts facts = {.code = rows[i].code,
		    .before = rows[i].before,
		    .told = rows[i].told,
		    .now_ms = NOW,
		    .since_ms = rows[i].since,
		    .trust_ms = rows[i].trust,
		    .trust_told_ms = rows[i].trust_told,
		    .repaired = rows[i].repaired};

		news = notify_choose(&facts);
		if (news != rows[i].news)
			fail_msg("%s: %#x, not %#x", rows[i].what, news,
			    rows[i].news);
	}
}

static void
counts_days_of_trust(void **state)
{
	(void)state;
	assert_int_equal(notify_trust_days(NOW + DAY, NOW), 1);
	assert_int_equal(notify_trust_days(NOW + DAY - 1, NOW), 0);
	assert_int_equal(notify_trust_days(NOW, NOW), 0);
	assert_int_equal(notify_trust_days(NOW - 1, NOW), -1);
	assert_int_equal(notify_trust_days(NOW - DAY, NOW), -1);
	assert_int_equal(notify_trust_days(NOW - DAY - 1, NOW), -2);
}

static void
is_one_object_on_a_line(void **state)
{
	static const struct notify_news person = {
	    .event = NOTIFY_PERSON,
	    .code = ERR_CODE,
	    .text = "Apple wants a \"code\"\nfor jd.",
	    .next = "Run icloud-pull login.",
	    .account = "jd@example.com",
	    .root = "/media/\xff disk",
	    .command = "sync",
	    .run = 17,
	    .now_ms = 1700000000000,
	};
	static const struct notify_news least = {.event = NOTIFY_TRUST,
	    .has_trust_days = true,
	    .trust_days = -3,
	    .command = "sync"};
	struct buf out = {0};
	cJSON *o;

	(void)state;
	notify_json(&out, &person);
	assert_string_equal(buf_text(&out),
	    "{\"event\":\"person\",\"status\":3,\"reason\":\"code\","
	    "\"text\":\"Apple wants a \\\"code\\\"\\nfor jd.\","
	    "\"next\":\"Run icloud-pull login.\","
	    "\"account\":\"jd@example.com\","
	    "\"root\":\"/media/\xef\xbf\xbd disk\",\"command\":\"sync\","
	    "\"run\":17,\"time\":\"2023-11-14T22:13:20Z\"}\n");
	buf_reset(&out);
	notify_json(&out, &least);
	o = cJSON_Parse(buf_text(&out));
	assert_non_null(o);
	assert_string_equal(
	    cJSON_GetObjectItem(o, "event")->valuestring, "trust");
	assert_int_equal(cJSON_GetObjectItem(o, "status")->valueint, 0);
	assert_int_equal(cJSON_GetObjectItem(o, "trust_days")->valueint, -3);
	for (size_t i = 0; i < 4; i++) {
		static const char *const none[] = {
		    "reason", "account", "root", "run"};

		assert_true(cJSON_IsNull(cJSON_GetObjectItem(o, none[i])));
	}
	cJSON_Delete(o);
	buf_clear(&out);
}

/* B106: it fails, is missing, or hangs; the caller is told and goes on. */
static void
sends_and_says_what_went_wrong(void **state)
{
	static const struct {
		const char *command;
		int64_t limit_ms;
		enum notify_sent sent;
		const char *says;
	} table[] = {
	    {"read -r line && test \"$line\" = news", 60000, NOTIFY_SENT, ""},
	    {"true", 60000, NOTIFY_SENT, ""},
	    {"exit 1", 60000, NOTIFY_FAILED, "(status 1)"},
	    {"echo first; echo 'no such host' >&2; exit 6", 60000,
		NOTIFY_FAILED, "(status 6: no such host)"},
	    {"/nowhere/at/all", 60000, NOTIFY_FAILED, "(status 127"},
	    {"(", 60000, NOTIFY_FAILED, "(status 2"},
	    {"sleep 60", 200, NOTIFY_LATE, "longer than 1 s"},
	};
	int64_t began;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct err e = ERR_INIT;

		began = clock_mono_ms();
		assert_int_equal(notify_send(table[i].command, "news\n",
				     table[i].limit_ms, &e),
		    table[i].sent);
		assert_true(clock_mono_ms() - began < 5000);
		if (strstr(e.what, table[i].says) == NULL)
			fail_msg("%s: %s", table[i].command, e.what);
		assert_int_equal(
		    e.code == ERR_NONE, table[i].sent == NOTIFY_SENT);
	}
	stop_set(true);
	assert_int_equal(
	    notify_send("sleep 60", "news\n", 60000, NULL), NOTIFY_STOPPED);
	stop_set(false);
}

/* When a scheduled run has something to do. */
static void
is_due_after_twenty_hours(void **state)
{
	(void)state;
	assert_true(sync_is_due(0, NOW));
	assert_false(sync_is_due(NOW, NOW));
	assert_false(sync_is_due(NOW - 20 * HOUR + 1, NOW));
	assert_true(sync_is_due(NOW - 20 * HOUR, NOW));
	assert_true(sync_is_due(NOW - 24 * HOUR, NOW));
	/* The clock was set back: it is not silent until that day. */
	assert_true(sync_is_due(NOW + 1, NOW));
	assert_true(sync_is_due(NOW + 300 * DAY, NOW));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chooses_as_the_table_says),
	    cmocka_unit_test(counts_days_of_trust),
	    cmocka_unit_test(is_one_object_on_a_line),
	    cmocka_unit_test(sends_and_says_what_went_wrong),
	    cmocka_unit_test(is_due_after_twenty_hours),
	};

	signal(SIGPIPE, SIG_IGN); /* as in main() */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
