#include "test.h"

#include "api/script.h"
#include "photos.h"
#include "photos_p.h"
#include "record.h"

static struct json_span
span_of(const char *text)
{
	struct json_span span;

	assert_int_equal(json_span_all(&span, text, strlen(text), NULL), 0);
	return span;
}

/* What callbacks said, as one line of words. */
struct said {
	struct buf words;
	int dones;
	struct err e;
	int stop_after; /* pages; 0: never */
	int pages;
};

static void
said_init(struct said *s)
{
	memset(s, 0, sizeof(*s));
	s->words.max = 1 << 20;
	err_clear(&s->e);
}

static void
said_done(struct said *s, const struct err *e)
{
	s->dones++;
	s->e = *e;
}

#define assert_said(s, text)                                      \
	do {                                                      \
		assert_string_equal(buf_text(&(s)->words), text); \
		assert_int_equal((s)->dones, 1);                  \
	} while (0)

/* Pages. */
static void
pages(void **state)
{
	static const struct {
		const char *text;
		enum err_code code; /* ERR_NONE: it is a page */
		bool more;
		const char *token, *marker;
	} cases[] = {
	    {"{\"records\":[]}", ERR_NONE, false, NULL, NULL},
	    {"{\"records\":[],\"syncToken\":\"T\","
	     "\"continuationMarker\":\"M\"}",
		ERR_NONE, false, "T", "M"},
	    {"{\"moreComing\":true,\"syncToken\":\"T\",\"records\":[]}",
		ERR_NONE, true, "T", NULL},
	    {"{\"moreComing\":false,\"records\":[]}", ERR_NONE, false, NULL,
		NULL},
	    {"{\"moreComing\":null,\"records\":[]}", ERR_NONE, false, NULL,
		NULL},
	    /* What is neither false nor null does not end a walk. */
	    {"{\"moreComing\":\"true\",\"records\":[]}", ERR_NONE, true, NULL,
		NULL},
	    {"{\"syncToken\":\"\",\"continuationMarker\":null,"
	     "\"records\":[]}",
		ERR_NONE, false, NULL, NULL},
	    {"{\"syncToken\":7,\"continuationMarker\":[],\"records\":[]}",
		ERR_NONE, false, NULL, NULL},
	    {"{\"syncToken\":\"a\\u0041\",\"records\":[]}", ERR_NONE, false,
		"aA", NULL},
	    {"{\"records\":null}", ERR_PROTOCOL, false, NULL, NULL},
	    {"{\"records\":{}}", ERR_PROTOCOL, false, NULL, NULL},
	    {"{}", ERR_PROTOCOL, false, NULL, NULL},
	    {"[]", ERR_PROTOCOL, false, NULL, NULL},
	    {"{\"zoneID\":{},\"serverErrorCode\":\"BAD_REQUEST\","
	     "\"reason\":\"Unknown sync continuation type\",\"records\":[]}",
		ERR_TOKEN, false, NULL, NULL},
	};
	struct photos_page page;
	struct err e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err_clear(&e);
		rc = photos_page_read(&page, span_of(cases[i].text), &e);
		assert_int_equal(e.code, cases[i].code);
		assert_int_equal(rc, e.code == ERR_NONE ? 0 : -1);
		if (rc == 0) {
			assert_int_equal(page.more, cases[i].more);
			assert_int_equal(
			    page.token != NULL, cases[i].token != NULL);
			if (page.token != NULL)
				assert_string_equal(page.token, cases[i].token);
			assert_int_equal(
			    page.marker != NULL, cases[i].marker != NULL);
			if (page.marker != NULL)
				assert_string_equal(
				    page.marker, cases[i].marker);
		}
		photos_page_clear(&page);
		photos_page_clear(&page);
	}
}

/* changes/database */
static void
zone_said(void *arg, const struct zone_id *z, bool deleted)
{
	struct said *s = arg;

	buf_addf(&s->words, "%s%s:%s:%s ", deleted ? "-" : "",
	    database_name(z->database), z->name,
	    z->owner != NULL ? z->owner : "?");
}

static void
zones_done(void *arg, const char *token, const struct err *e)
{
	struct said *s = arg;

	buf_addf(&s->words, "token=%s", token != NULL ? token : "none");
	said_done(s, e);
}

static void
list_zones(struct script *s, struct said *said, const char *token)
{
	struct photos_zones cb = {
	    .zone = zone_said, .done = zones_done, .arg = said};

	said_init(said);
	photos_zones(&s->ck, DATABASE_SHARED, token, &cb);
	assert_int_equal(said->dones, 0);
	script_run(s);
}

static void
zones_listed(void **state)
{
	static const struct answer answers[] = {
	    {.status = 200,
		.body = "{\"syncToken\":\"D1\",\"moreComing\":true,\"zones\":["
			"{\"zoneID\":{\"zoneName\":\"PrimarySync\","
			"\"ownerRecordName\":\"_1\"},\"syncToken\":\"x\"}]}"},
	    {.status = 200,
		.body = "{\"syncToken\":\"D2\",\"moreComing\":true,"
			"\"zones\":[]}"},
	    {.status = 200,
		.body = "{\"syncToken\":\"D3\",\"moreComing\":null,\"zones\":["
			"{\"zoneID\":{\"zoneName\":\"SharedSync-1\"},"
			"\"deleted\":true},{\"zoneID\":{\"zoneName\":\"CMM-1\","
			"\"ownerRecordName\":\"_2\"},\"serverErrorCode\":\"X\"}"
			"]}"},
	};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, answers, 3);
	list_zones(&s, &said, NULL);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said,
	    "shared:PrimarySync:_1 -shared:SharedSync-1:? shared:CMM-1:_2 "
	    "token=D3");
	assert_string_equal(s.bodies[0], "{}");
	assert_string_equal(s.bodies[1], "{\"syncToken\":\"D1\"}");
	assert_string_equal(s.bodies[2], "{\"syncToken\":\"D2\"}");
	assert_non_null(strstr(s.urls[0], "/shared/changes/database?"));
	assert_null(strstr(s.urls[0], "getCurrentSyncToken"));
	buf_clear(&said.words);
	script_clear(&s);
}

static void
zones_unchanged(void **state)
{
	static const struct answer answers[] = {{.status = 200,
	    .body = "{\"syncToken\":\"D9\",\"moreComing\":false,"
		    "\"zones\":[]}"}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, answers, 1);
	list_zones(&s, &said, "D8");
	assert_said(&said, "token=D9");
	assert_string_equal(s.bodies[0], "{\"syncToken\":\"D8\"}");
	buf_clear(&said.words);
	script_clear(&s);
	/* The empty text is no token. */
	script_init(&s, answers, 1);
	list_zones(&s, &said, "");
	assert_string_equal(s.bodies[0], "{}");
	buf_clear(&said.words);
	script_clear(&s);
}

static void
zones_failing(void **state)
{
	static const struct answer refused[] = {{.status = 400,
	    .body = "{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
		    "\"Unknown sync continuation type\"}"}};
	static const struct answer expired[] = {{.status = 400,
	    .body = "{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
		    "\"words never seen\"}"}};
	static const struct answer same[] = {
	    {.status = 200,
		.body = "{\"syncToken\":\"D\",\"moreComing\":true,"
			"\"zones\":[]}"},
	    {.status = 200,
		.body = "{\"syncToken\":\"D\",\"moreComing\":true,"
			"\"zones\":[]}"},
	    {.status = 200,
		.body = "{\"syncToken\":\"D\",\"moreComing\":true,"
			"\"zones\":[]}"}};
	static const struct answer nameless[] = {
	    {.status = 200,
		.body = "{\"syncToken\":\"D\",\"zones\":[{\"deleted\":true}]}"},
	    {.status = 200, .body = "{\"syncToken\":\"D\"}"},
	    {.status = 200, .body = "{\"moreComing\":true,\"zones\":[]}"},
	};
	static const struct answer internal[] = {
	    {.status = 200, .body = "{\"serverErrorCode\":\"INTERNAL_ERROR\"}"},
	    {.status = 200, .body = "{\"serverErrorCode\":\"INTERNAL_ERROR\"}"},
	    {.status = 200, .body = "{\"serverErrorCode\":\"INTERNAL_ERROR\"}"},
	    {.status = 200, .body = "{\"serverErrorCode\":\"INTERNAL_ERROR\"}"},
	    {.status = 200, .body = "{\"serverErrorCode\":\"INTERNAL_ERROR\"}"},
	};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, refused, 1);
	list_zones(&s, &said, "D");
	assert_int_equal(said.e.code, ERR_TOKEN);
	assert_said(&said, "token=none");
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, expired, 1);
	list_zones(&s, &said, "D");
	assert_int_equal(said.e.code, ERR_TOKEN);
	buf_clear(&said.words);
	script_clear(&s);
	/* Where none was sent, none was refused. */
	script_init(&s, refused, 1);
	list_zones(&s, &said, NULL);
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, same, 3);
	list_zones(&s, &said, "D");
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	assert_said(&said, "token=none");
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, nameless, 3);
	list_zones(&s, &said, NULL);
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	assert_said(&said, "token=none");
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, internal, 5); /* B010 */
	list_zones(&s, &said, NULL);
	assert_int_equal(said.e.code, ERR_UNAVAILABLE);
	buf_clear(&said.words);
	script_clear(&s);
}

/* changes/zone */
static void
record_said(void *arg, const struct record *r)
{
	struct said *s = arg;

	buf_addf(&s->words, "%s%s ",
	    r->type == RECORD_TOMBSTONE   ? "-"
		: r->type == RECORD_ERROR ? "!"
					  : "",
	    r->name);
}

static bool
page_said(void *arg, const char *token, bool more)
{
	struct said *s = arg;

	buf_addf(&s->words, "|%s%s ", token != NULL ? token : "none",
	    more ? "+" : "");
	s->pages++;
	return s->pages != s->stop_after;
}

static void
feed_done(void *arg, const struct err *e)
{
	said_done(arg, e);
}

static void
walk_zone(struct script *s, struct said *said, const char *token, int stop)
{
	struct photos_feed cb = {.record = record_said,
	    .page = page_said,
	    .done = feed_done,
	    .arg = said};

	said_init(said);
	said->stop_after = stop;
	photos_feed(&s->ck, &script_zone, token, &cb);
	assert_int_equal(said->dones, 0);
	script_run(s);
	assert_int_equal(said->dones, 1);
}

#define ZONE "\"zoneID\":{\"zoneName\":\"PrimarySync\"},"
#define PAGE(token, more, records)                                          \
	"{\"zones\":[{" ZONE "\"moreComing\":" more ",\"syncToken\":" token \
	",\"records\":[" records "]}]}"
#define REC(name)                 \
	"{\"recordName\":\"" name \
	"\",\"recordType\":\"CPLAsset\",\"deleted\":false}"

/* The token and resultsLimit that request n sent. */
static void
assert_sent(const struct script *s, size_t n, const char *token, int limit)
{
	cJSON *body = script_body(s, n);
	const cJSON *zone = cJSON_GetArrayItem(json_array(body, "zones"), 0);
	int64_t sent;

	assert_int_equal(cJSON_GetArraySize(json_array(body, "zones")), 1);
	if (token == NULL)
		assert_null(json_get(zone, "syncToken"));
	else
		assert_string_equal(json_str(zone, "syncToken"), token);
	assert_true(json_int(&sent, zone, "resultsLimit"));
	assert_int_equal(sent, limit);
	cJSON_Delete(body);
}

static void
feed_walk(void **state)
{
	/* Empty pages at the beginning and in the middle go on; each request
	 * sends the token of the page before. */
	static const struct answer answers[] = {
	    {.status = 200, .body = PAGE("\"T1\"", "true", "")},
	    {.status = 200,
		.body = PAGE("\"T2\"", "true",
		    REC("A") "," REC(
			"B") ",{\"recordName\":\"C\",\"recordType\":null,"
			     "\"deleted\":true}")},
	    {.status = 200, .body = PAGE("\"T3\"", "true", "")},
	    {.status = 200, .body = PAGE("\"T4\"", "true", "")},
	    {.status = 200, .body = PAGE("\"T5\"", "true", REC("A"))},
	    {.status = 200, .body = PAGE("\"T6\"", "null", REC("D"))},
	};
	struct script s;
	struct said said;
	cJSON *body;
	const cJSON *zone;

	(void)state;
	script_init(&s, answers, 6);
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "|T1+ A B -C |T2+ |T3+ |T4+ A |T5+ D |T6 ");
	assert_sent(&s, 0, NULL, 200);
	assert_sent(&s, 1, "T1", 200);
	assert_sent(&s, 5, "T5", 200);
	assert_non_null(strstr(s.urls[0], "/private/changes/zone?"));
	assert_null(strstr(s.urls[0], "getCurrentSyncToken"));
	body = script_body(&s, 0);
	zone = cJSON_GetArrayItem(json_array(body, "zones"), 0);
	/* The zone goes back whole. */
	assert_string_equal(
	    json_str(json_get(zone, "zoneID"), "zoneName"), "PrimarySync");
	assert_string_equal(
	    json_str(json_get(zone, "zoneID"), "ownerRecordName"),
	    script_zone.owner);
	assert_string_equal(
	    json_str(json_get(zone, "zoneID"), "zoneType"), script_zone.type);
	/* [desired-keys] */
	assert_int_equal(
	    cJSON_GetArraySize(json_array(zone, "desiredKeys")), 118);
	assert_null(json_get(zone, "reverse"));
	assert_null(json_get(zone, "desiredRecordTypes"));
	cJSON_Delete(body);
	buf_clear(&said.words);
	script_clear(&s);
}

static void
feed_ends(void **state)
{
	static const struct answer absent[] = {{.status = 200,
	    .body =
		"{\"zones\":[{" ZONE "\"syncToken\":\"T\",\"records\":[]}]}"}};
	static const struct answer answers[] = {
	    {.status = 200, .body = PAGE("\"T1\"", "true", REC("A"))},
	    {.status = 200, .body = PAGE("\"T2\"", "true", REC("B"))}};
	static const struct answer no_token[] = {
	    {.status = 200, .body = PAGE("null", "false", REC("A"))}};
	struct script s;
	struct said said;

	(void)state;
	/* Caught up: the same token comes back. */
	script_init(&s, absent, 1);
	walk_zone(&s, &said, "T", 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "|T ");
	assert_sent(&s, 0, "T", 200);
	buf_clear(&said.words);
	script_clear(&s);
	/* The empty token is none [changes-zone]. */
	script_init(&s, absent, 1);
	walk_zone(&s, &said, "", 0);
	assert_sent(&s, 0, NULL, 200);
	buf_clear(&said.words);
	script_clear(&s);
	/* page() says stop. */
	script_init(&s, answers, 2);
	walk_zone(&s, &said, NULL, 2);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "A |T1+ B |T2+ ");
	buf_clear(&said.words);
	script_clear(&s);
	/* An end without a token: the one that led there is kept. */
	script_init(&s, no_token, 1);
	walk_zone(&s, &said, "T0", 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "A |T0 ");
	buf_clear(&said.words);
	script_clear(&s);
}

static void
feed_in_circles(void **state)
{
	static const struct answer answers[] = {
	    {.status = 200, .body = PAGE("\"T\"", "true", "")},
	    {.status = 200, .body = PAGE("\"T\"", "true", "")},
	    {.status = 200, .body = PAGE("\"T\"", "true", "")}};
	static const struct answer broken[] = {
	    {.status = 200, .body = PAGE("\"T\"", "true", "")},
	    {.status = 200, .body = PAGE("\"T\"", "true", "")},
	    {.status = 200, .body = PAGE("\"U\"", "true", "")},
	    {.status = 200, .body = PAGE("\"U\"", "true", "")},
	    {.status = 200, .body = PAGE("\"U\"", "true", "")},
	    {.status = 200, .body = PAGE("\"U\"", "false", "")},
	};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, answers, 3);
	walk_zone(&s, &said, "T", 0);
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	assert_int_equal(said.pages, 3);
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, broken, 6);
	walk_zone(&s, &said, "T", 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_int_equal(said.pages, 6);
	buf_clear(&said.words);
	script_clear(&s);
}

/* 10,000 empty pages, each with its own token, are walked. */
static char *
empty_pages(struct script *s, const cJSON *body, int *status)
{
	(void)body;
	(void)status;
	return xasprintf("{\"zones\":[{" ZONE "\"moreComing\":%s,"
			 "\"syncToken\":\"T%zu\",\"records\":[]}]}",
	    s->asked < 10000 ? "true" : "false", s->asked);
}

static void
feed_long_and_empty(void **state)
{
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, NULL, 0);
	s.make = empty_pages;
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_int_equal(said.pages, 10000);
	buf_clear(&said.words);
	script_clear(&s);
}

/* A failing zone is an error inside a 200 [changes-zone]; B077 */
static void
feed_refused(void **state)
{
	static const struct {
		const char *token, *entry;
		enum err_code code;
		size_t asked;
	} cases[] = {
	    {"garbage",
		ZONE "\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
		     "\"Unknown sync continuation type\"",
		ERR_TOKEN, 1},
	    {"trunc",
		"\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
		"\"Invalid continuation format\"",
		ERR_TOKEN, 1},
	    {"old",
		ZONE "\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
		     "\"words never seen\"",
		ERR_TOKEN, 1},
	    {"old", ZONE "\"serverErrorCode\":\"CHANGE_TOKEN_EXPIRED\"",
		ERR_TOKEN, 1},
	    {NULL,
		ZONE "\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
		     "\"Unknown sync continuation type\"",
		ERR_PROTOCOL, 1},
	    {NULL, ZONE "\"serverErrorCode\":\"BAD_REQUEST\"", ERR_PROTOCOL, 1},
	    {NULL, ZONE "\"serverErrorCode\":\"ZONE_NOT_FOUND\"", ERR_NOT_FOUND,
		1},
	    {NULL, ZONE "\"serverErrorCode\":\"ACCESS_DENIED\"", ERR_WEB_ACCESS,
		1},
	    {NULL, ZONE "\"serverErrorCode\":\"AUTHENTICATION_FAILED\"",
		ERR_SESSION, 1},
	    {NULL, ZONE "\"serverErrorCode\":\"THROTTLED\",\"retryAfter\":60",
		ERR_THROTTLED, 1},
	    {NULL, ZONE "\"serverErrorCode\":\"RETRY_LATER\"", ERR_UNAVAILABLE,
		5},
	};
	struct answer answers[8];
	struct script s;
	struct said said;
	char *text;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = xasprintf("{\"zones\":[{%s,\"syncToken\":\"\","
				 "\"moreComing\":false}]}",
		    cases[i].entry);
		for (j = 0; j < 8; j++)
			answers[j] =
			    (struct answer){.status = 200, .body = text};
		script_init(&s, answers, 8);
		walk_zone(&s, &said, cases[i].token, 0);
		if (said.e.code != cases[i].code)
			fail_msg("%s: %d", text, said.e.code);
		assert_int_equal(s.asked, cases[i].asked);
		assert_int_equal(said.pages, 0);
		buf_clear(&said.words);
		script_clear(&s);
		free(text);
	}
}

/* A token that is refused in mid-walk. */
static void
feed_refused_later(void **state)
{
	static const struct answer answers[] = {
	    {.status = 200, .body = PAGE("\"T1\"", "true", REC("A"))},
	    {.status = 400, .body = "{\"serverErrorCode\":\"BAD_REQUEST\"}"}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, answers, 2);
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_TOKEN);
	assert_said(&said, "A |T1+ ");
	buf_clear(&said.words);
	script_clear(&s);
}

/* The records of a page of at most limit that begins at position at of ten;
 * the one at position 7 cannot be delivered together with more than one. */
struct bad_page {
	int failing; /* status where the bad record is on a large page */
	int bad, total, smallest;
};

static char *
bad_page_make(struct script *s, const cJSON *body, int *status)
{
	const struct bad_page *b = s->arg;
	const cJSON *zone = cJSON_GetArrayItem(json_array(body, "zones"), 0);
	const char *token = json_str(zone, "syncToken");
	int64_t limit, at = 0, to, i;
	struct buf out = {0};

	assert_true(json_int(&limit, zone, "resultsLimit"));
	if (token != NULL)
		at = atoi(token);
	to = at + limit < b->total ? at + limit : b->total;
	if (at <= b->bad && b->bad < to && limit > b->smallest) {
		*status = b->failing;
		return xstrdup("<html>");
	}
	buf_addf(&out,
	    "{\"zones\":[{" ZONE "\"moreComing\":%s,\"syncToken\":\"%d\","
	    "\"records\":[",
	    to < b->total ? "true" : "false", (int)to);
	for (i = at; i < to; i++)
		buf_addf(&out,
		    "%s{\"recordName\":\"%d\",\"recordType\":\"CPLAsset\"}",
		    i > at ? "," : "", (int)i);
	buf_adds(&out, "]}]}");
	return buf_take(&out);
}

static void
feed_smaller_pages(void **state)
{
	static const int failures[] = {408, 500, 502, 200};
	struct bad_page b = {.bad = 777, .total = 1200, .smallest = 2};
	struct script s;
	struct said said;
	struct buf want = {0};
	const char *p;
	int i, n;

	(void)state;
	for (i = 0; i < 4; i++) {
		b.failing = failures[i];
		script_init(&s, NULL, 0);
		s.make = bad_page_make;
		s.arg = &b;
		walk_zone(&s, &said, NULL, 0);
		assert_int_equal(said.e.code, ERR_NONE);
		/* Every record, once, in order. */
		n = 0;
		for (p = buf_text(&said.words); *p != '\0';
		     p = strchr(p, ' ') + 1)
			if (*p != '|')
				assert_int_equal(atoi(p), n++);
		assert_int_equal(n, b.total);
		/* And back to large pages behind it. */
		assert_true(s.asked < 60);
		assert_non_null(
		    strstr(s.bodies[s.asked - 1], "\"resultsLimit\":200"));
		buf_clear(&said.words);
		script_clear(&s);
	}
	buf_clear(&want);
}

/* The end of the ladder: the error stays, the token too. */
static void
feed_stuck(void **state)
{
	static const int limits[] = {200, 200, 200, 200, 200, 50, 10, 2};
	struct bad_page b = {
	    .bad = 1, .total = 500, .smallest = 0, .failing = 500};
	struct script s;
	struct said said;
	size_t i;

	(void)state;
	script_init(&s, NULL, 0);
	s.make = bad_page_make;
	s.arg = &b;
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_UNAVAILABLE);
	assert_int_equal(said.pages, 0);
	/* Fewer than the ten failures in a row that end a run. */
	assert_int_equal(s.asked, 8);
	for (i = 0; i < s.asked; i++)
		assert_sent(&s, i, NULL, limits[i]);
	buf_clear(&said.words);
	script_clear(&s);
}

/* A service that is down is no reason for smaller pages. */
static void
feed_down(void **state)
{
	static const struct answer answers[] = {{.status = 503},
	    {.status = 503}, {.status = 503}, {.status = 503},
	    {.net = ERR_NETWORK}};
	static const struct answer given_up[] = {{.net = ERR_UNAVAILABLE}};
	static const struct answer small_refused[] = {{.status = 408},
	    {.status = 408}, {.status = 408}, {.status = 408}, {.status = 408},
	    {.status = 400, .body = "{\"serverErrorCode\":\"BAD_REQUEST\"}"}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, answers, 5);
	walk_zone(&s, &said, "T", 0);
	assert_int_equal(said.e.code, ERR_NETWORK);
	buf_clear(&said.words);
	script_clear(&s);
	/* http itself sends no more. */
	script_init(&s, given_up, 1);
	walk_zone(&s, &said, "T", 0);
	assert_int_equal(said.e.code, ERR_UNAVAILABLE);
	buf_clear(&said.words);
	script_clear(&s);
	/* A small page that is refused says nothing of the token. */
	script_init(&s, small_refused, 6);
	walk_zone(&s, &said, "T", 0);
	assert_int_equal(said.e.code, ERR_UNAVAILABLE);
	assert_int_equal(said.e.http_status, 408);
	buf_clear(&said.words);
	script_clear(&s);
}

/* HTML three times, in each size of page. */
static void
feed_not_understood(void **state)
{
	static const struct answer html = {.status = 200, .body = "<html>"};
	struct answer answers[6];
	struct script s;
	struct said said;
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++)
		answers[i] = html;
	script_init(&s, answers, 6);
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	assert_int_equal(s.asked, 3 + 3);
	buf_clear(&said.words);
	script_clear(&s);

	/* Another zone, no zone, no records, more without a token: none of
	 * them is an end. */
	answers[0].body = "{\"zones\":[{\"zoneID\":{\"zoneName\":\"X\"},"
			  "\"records\":[],\"syncToken\":\"T\"}]}";
	answers[1].body = "{\"zones\":[]}";
	answers[2].body = "{}";
	answers[3].body = "{\"zones\":[{" ZONE "\"syncToken\":\"T\"}]}";
	answers[4].body = PAGE("null", "true", "");
	answers[5].body = PAGE("\"T\"", "false", REC("A"));
	script_init(&s, answers, 6);
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "A |T ");
	buf_clear(&said.words);
	script_clear(&s);
}

/* Records without a name are asked for again, then passed on as gaps; they
 * never hold up the page. */
static void
feed_nameless(void **state)
{
	static const char bad[] = PAGE("\"T\"", "false",
	    REC("A") ",{\"recordType\":\"CPLAsset\"},7,"
		     "{\"serverErrorCode\":\"RETRY_LATER\"},"
		     "{\"recordName\":\"E\",\"serverErrorCode\":\"X\"}," REC(
			 "B"));
	static const struct answer lasting[] = {{.status = 200, .body = bad},
	    {.status = 200, .body = bad}, {.status = 200, .body = bad}};
	static const struct answer passing[] = {{.status = 200, .body = bad},
	    {.status = 200, .body = PAGE("\"T\"", "false", REC("A"))}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, lasting, 3);
	walk_zone(&s, &said, NULL, 0);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "A ! ! ! !E B |T ");
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, passing, 2);
	walk_zone(&s, &said, NULL, 0);
	assert_said(&said, "A |T ");
	buf_clear(&said.words);
	script_clear(&s);
}

/* records/lookup */
static void
lookup_record(void *arg, const struct record *r, int64_t date_ms)
{
	struct said *s = arg;

	assert_int_equal(date_ms, 1700000000000);
	buf_addf(&s->words, "%s ", r->name);
}

static void
lookup_missing(void *arg, const char *name)
{
	struct said *s = arg;

	buf_addf(&s->words, "-%s ", name);
}

static void
lookup_failed(void *arg, const char *name, const struct err *e)
{
	struct said *s = arg;

	buf_addf(&s->words, "!%s=%d ", name, (int)e->code);
}

static void
look_up(struct script *s, struct said *said, const char *const *names, size_t n,
    bool all_keys)
{
	struct photos_lookup cb = {.record = lookup_record,
	    .missing = lookup_missing,
	    .failed = lookup_failed,
	    .done = feed_done,
	    .arg = said};

	said_init(said);
	photos_lookup(&s->ck, &script_zone, names, n, all_keys, &cb);
	assert_int_equal(said->dones, 0);
	script_run(s);
	assert_int_equal(said->dones, 1);
}

static void
lookup_answers(void **state)
{
	static const char *const names[] = {"A", "B+/", "C", "D", "E"};
	/* In another order, with a stranger, and without D. */
	static const struct answer answers[] = {
	    {.status = 200,
		.body =
		    "{\"records\":["
		    "{\"recordName\":\"C\",\"deleted\":true},"
		    "{\"recordName\":\"B+/\",\"serverErrorCode\":"
		    "\"NOT_FOUND\",\"reason\":\"Record not found\"}," REC(
			"X") "," REC("A") "," REC("A") ",{\"recordName\":\"E\","
						       "\"serverErrorCode\":"
						       "\"ACCESS_DENIED\"}]}"},
	};
	struct script s;
	struct said said;
	char want[64];
	cJSON *body;

	(void)state;
	script_init(&s, answers, 1);
	look_up(&s, &said, names, 5, false);
	assert_int_equal(said.e.code, ERR_NONE);
	snprintf(want, sizeof(want), "-C -B+/ A !E=%d !D=%d ",
	    (int)ERR_WEB_ACCESS, (int)ERR_UNAVAILABLE);
	assert_said(&said, want);
	body = script_body(&s, 0);
	assert_int_equal(cJSON_GetArraySize(json_array(body, "records")), 5);
	assert_string_equal(
	    json_str(cJSON_GetArrayItem(json_array(body, "records"), 1),
		"recordName"),
	    "B+/");
	/* [records-lookup]: the zone at the top, not in each record. */
	assert_string_equal(
	    json_str(json_get(body, "zoneID"), "zoneName"), "PrimarySync");
	assert_int_equal(
	    cJSON_GetArraySize(json_array(body, "desiredKeys")), 118);
	cJSON_Delete(body);
	assert_non_null(strstr(s.urls[0], "/private/records/lookup?"));
	assert_non_null(strstr(s.urls[0], "getCurrentSyncToken=true"));
	buf_clear(&said.words);
	script_clear(&s);

	script_init(&s, answers, 1);
	look_up(&s, &said, names, 1, true);
	assert_said(&said, "A ");
	assert_null(strstr(s.bodies[0], "desiredKeys"));
	buf_clear(&said.words);
	script_clear(&s);
}

/* Records that say "later" are asked for again after a while, twice. */
static void
lookup_later(void **state)
{
	static const char *const names[] = {"A", "B"};
#define LATER(name) \
	"{\"recordName\":\"" name "\",\"serverErrorCode\":\"RETRY_LATER\"}"
	static const struct answer passing[] = {
	    {.status = 200,
		.body = "{\"records\":[" LATER("A") "," REC("B") "]}"},
	    {.status = 200, .body = "{\"records\":[" REC("A") "]}"}};
	static const struct answer lasting[] = {
	    {.status = 200,
		.body = "{\"records\":[" LATER("A") "," REC("B") "]}"},
	    {.status = 200, .body = "{\"records\":[" LATER("A") "]}"},
	    {.status = 200, .body = "{\"records\":[" LATER("A") "]}"}};
	struct script s;
	struct said said;
	char want[64];

	(void)state;
	script_init(&s, passing, 2);
	look_up(&s, &said, names, 2, false);
	assert_said(&said, "B A ");
	assert_int_equal(s.waited_ms, 5000);
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, lasting, 3);
	look_up(&s, &said, names, 2, false);
	snprintf(want, sizeof(want), "B !A=%d ", (int)ERR_UNAVAILABLE);
	assert_said(&said, want);
	assert_int_equal(s.waited_ms, 10000);
	buf_clear(&said.words);
	script_clear(&s);
}

/* A batch with this name in it, or with more names than this, fails. */
struct spoiled {
	const char *name;
	int most, status;
	unsigned in_row, worst;
};

static char *
spoiled_make(struct script *s, const cJSON *body, int *status)
{
	struct spoiled *x = s->arg;
	const cJSON *records = json_array(body, "records"), *r;
	struct buf out = {0};
	bool bad = cJSON_GetArraySize(records) > x->most;
	const char *sep = "";

	cJSON_ArrayForEach (r, records) {
		if (x->name != NULL &&
		    strcmp(json_str(r, "recordName"), x->name) == 0)
			bad = true;
	}
	if (bad) {
		*status = x->status;
		if (++x->in_row > x->worst)
			x->worst = x->in_row;
		return xstrdup(x->status != 400 ? "<html>"
			: x->name != NULL
			? "{\"serverErrorCode\":\"BAD_REQUEST\"}"
			: "{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":"
			  "\"array 'records' length is greater than max "
			  "size\"}");
	}
	x->in_row = 0;
	buf_adds(&out, "{\"records\":[");
	cJSON_ArrayForEach (r, records) {
		buf_addf(&out, "%s{\"recordName\":\"%s\"}", sep,
		    json_str(r, "recordName"));
		sep = ",";
	}
	buf_adds(&out, "]}");
	return buf_take(&out);
}

static void
lookup_halved(void **state)
{
	struct spoiled cases[] = {
	    {.name = NULL, .most = 30, .status = 400},
	    {.name = "n0", .most = 100, .status = 500},
	    {.name = "n57", .most = 100, .status = 200},
	    {.name = "n99", .most = 100, .status = 400},
	};
	char names[100][8];
	const char *list[100];
	struct script s;
	struct said said;
	char *want;
	size_t i, j;
	const char *p;

	(void)state;
	for (i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		list[i] = names[i];
	}
	for (j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
		script_init(&s, NULL, 0);
		s.make = spoiled_make;
		s.arg = &cases[j];
		look_up(&s, &said, list, 100, false);
		assert_int_equal(said.e.code, ERR_NONE);
		for (i = 0; i < 100; i++) {
			bool bad = cases[j].name != NULL &&
			    strcmp(names[i], cases[j].name) == 0;

			want = xasprintf("%s%s%s", bad ? "!" : "", names[i],
			    bad ? "=" : " ");
			p = strstr(buf_text(&said.words), want);
			assert_non_null(p);
			assert_null(strstr(p + 1, want));
			free(want);
		}
		/* Ten failures in a row would end the run. */
		assert_true(cases[j].worst < 10);
		buf_clear(&said.words);
		script_clear(&s);
	}
}

static void
lookup_ended(void **state)
{
	static const char *const names[] = {"A", "B"};
	static const struct answer ended[] = {{.status = 401}};
	static const struct answer no_zone[] = {{.status = 404,
	    .body = "{\"serverErrorCode\":\"ZONE_NOT_FOUND\"}"}};
	static const struct answer throttled[] = {
	    {.status = 503, .retry_after_ms = 60000}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, ended, 1);
	look_up(&s, &said, names, 2, false);
	assert_int_equal(said.e.code, ERR_SESSION);
	assert_said(&said, "");
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, no_zone, 1);
	look_up(&s, &said, names, 2, false);
	assert_int_equal(said.e.code, ERR_NOT_FOUND);
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, throttled, 1);
	look_up(&s, &said, names, 2, false);
	assert_int_equal(said.e.code, ERR_THROTTLED);
	assert_int_equal(said.e.wait_ms, 60000);
	buf_clear(&said.words);
	script_clear(&s);
}

/* Indexing state and counts. */
static void
indexing_done(void *arg, const char *state, const struct err *e)
{
	struct said *s = arg;

	buf_addf(&s->words, "<%s>", state);
	said_done(s, e);
}

static void
indexing(void **state)
{
	static const struct answer finished[] = {{.status = 200,
	    .body = "{\"records\":[{\"recordName\":\"_1\",\"recordType\":"
		    "\"CheckIndexingState\",\"fields\":{\"progress\":"
		    "{\"value\":100},\"state\":{\"value\":\"FINISHED\","
		    "\"type\":\"STRING\"}}}],\"syncToken\":\"T\"}"}};
	static const struct answer odd[] = {
	    {.status = 200, .body = "{\"records\":[]}"}};
	static const struct answer none[] = {{.status = 404,
	    .body = "{\"serverErrorCode\":\"ZONE_NOT_FOUND\"}"}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, finished, 1);
	said_init(&said);
	photos_indexing(&s.ck, &script_zone, indexing_done, &said);
	script_run(&s);
	assert_said(&said, "<FINISHED>");
	assert_string_equal(s.bodies[0],
	    "{\"query\":{\"recordType\":\"CheckIndexingState\"},\"zoneID\":{"
	    "\"zoneName\":\"PrimarySync\",\"ownerRecordName\":"
	    "\"_00000000000000000000000000000001\","
	    "\"zoneType\":\"REGULAR_CUSTOM_ZONE\"}}");
	buf_clear(&said.words);
	script_clear(&s);

	script_init(&s, odd, 1);
	said_init(&said);
	photos_indexing(&s.ck, &script_zone, indexing_done, &said);
	script_run(&s);
	assert_said(&said, "<>");
	assert_int_equal(said.e.code, ERR_NONE);
	buf_clear(&said.words);
	script_clear(&s);

	script_init(&s, none, 1);
	said_init(&said);
	photos_indexing(&s.ck, &script_zone, indexing_done, &said);
	script_run(&s);
	assert_int_equal(said.e.code, ERR_NOT_FOUND);
	buf_clear(&said.words);
	script_clear(&s);
}

static void
counts_done(void *arg, const int64_t n[PHOTOS_COUNTS], const struct err *e)
{
	struct said *s = arg;

	buf_addf(&s->words, "%d %d %d %d", (int)n[0], (int)n[1], (int)n[2],
	    (int)n[3]);
	said_done(s, e);
}

#define COUNT(id, n)                                                         \
	"{\"records\":[{\"recordName\":\"" id                                \
	"\",\"recordType\":\"IndexCountResult\",\"fields\":{\"itemCount\":{" \
	"\"value\":" n ",\"type\":\"INT64\"}}}],\"syncToken\":\"T\"}"

static void
counts(void **state)
{
	static const struct answer answers[] = {{.status = 200,
	    .body = "{\"batch\":[" COUNT("CPLAssetHiddenByAssetDate",
		"3") "," COUNT("CPLAssetByAddedDate",
		"7840") ",{\"serverErrorCode"
			"\":\"BAD_"
			"REQUEST\"}," COUNT(
			    "CPLAssetDeletedByExpungedDate", "-4") "]}"}};
	static const struct answer refused[] = {{.status = 200,
	    .body = "{\"batch\":[{\"serverErrorCode\":\"ZONE_NOT_FOUND\"},"
		    "{\"serverErrorCode\":\"ZONE_NOT_FOUND\"}]}"}};
	struct script s;
	struct said said;
	cJSON *body;
	const cJSON *entry, *filter;
	int i;

	(void)state;
	script_init(&s, answers, 1);
	said_init(&said);
	photos_counts(&s.ck, &script_zone, counts_done, &said);
	script_run(&s);
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "7840 -1 3 -1");
	assert_non_null(
	    strstr(s.urls[0], "/private/internal/records/query/batch?"));
	body = script_body(&s, 0);
	assert_int_equal(cJSON_GetArraySize(json_array(body, "batch")), 4);
	for (i = 0; i < 4; i++) {
		entry = cJSON_GetArrayItem(json_array(body, "batch"), i);
		assert_true(json_bool(entry, "zoneWide"));
		assert_non_null(json_object(entry, "zoneID"));
		assert_string_equal(
		    json_str(json_get(entry, "query"), "recordType"),
		    "HyperionIndexCountLookup");
		/* An object here, an array in records/query [counts]. */
		filter = json_object(json_get(entry, "query"), "filterBy");
		assert_non_null(filter);
		assert_string_equal(
		    json_str(filter, "fieldName"), "indexCountID");
		assert_string_equal(json_str(filter, "comparator"), "IN");
		assert_string_equal(
		    json_str(json_get(filter, "fieldValue"), "type"),
		    "STRING_LIST");
		assert_string_equal(
		    cJSON_GetArrayItem(
			json_at(filter, "fieldValue", "value", NULL), 0)
			->valuestring,
		    photos_count_ids[i]);
	}
	cJSON_Delete(body);
	buf_clear(&said.words);
	script_clear(&s);

	script_init(&s, refused, 1);
	said_init(&said);
	photos_counts(&s.ck, &script_zone, counts_done, &said);
	script_run(&s);
	assert_int_equal(said.e.code, ERR_NOT_FOUND);
	assert_said(&said, "-1 -1 -1 -1");
	buf_clear(&said.words);
	script_clear(&s);
}

/* records/query */
static void
query_done(void *arg, const char *next, size_t n, const struct err *e)
{
	struct said *s = arg;

	buf_addf(&s->words, "|%zu next=%s", n, next != NULL ? next : "none");
	said_done(s, e);
}

static void
ask_index(struct script *s, struct said *said, struct photos_query q)
{
	said_init(said);
	q.record = record_said;
	q.done = query_done;
	q.arg = said;
	photos_query(&s->ck, &script_zone, &q);
	assert_int_equal(said->dones, 0);
	script_run(s);
	assert_int_equal(said->dones, 1);
}

static void
queries(void **state)
{
	/* Two assets share a master; the marker leads on. */
	static const struct answer answers[] = {
	    {.status = 200,
		.body = "{\"records\":[{\"recordName\":\"M\",\"recordType\":"
			"\"CPLMaster\"}," REC("A") "," REC(
			    "B") "],\"continuationMarker\":\"K\"}"},
	    {.status = 200, .body = "{\"records\":[],\"syncToken\":\"T\"}"}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, answers, 2);
	ask_index(&s, &said,
	    (struct photos_query){.index = "CPLAssetAndMasterByAddedDate",
		.rank = 400,
		.names_only = true});
	assert_said(&said, "M A B |2 next=K");
	assert_string_equal(s.bodies[0],
	    "{\"query\":{\"recordType\":\"CPLAssetAndMasterByAddedDate\","
	    "\"filterBy\":[{\"fieldName\":\"startRank\",\"comparator\":"
	    "\"EQUALS\",\"fieldValue\":{\"type\":\"INT64\",\"value\":400}},"
	    "{\"fieldName\":\"direction\",\"comparator\":\"EQUALS\","
	    "\"fieldValue\":{\"type\":\"STRING\",\"value\":\"ASCENDING\"}}]},"
	    "\"resultsLimit\":200,\"desiredKeys\":[\"masterRef\","
	    "\"isDeleted\",\"isHidden\"],\"zoneID\":{\"zoneName\":"
	    "\"PrimarySync\",\"ownerRecordName\":"
	    "\"_00000000000000000000000000000001\","
	    "\"zoneType\":\"REGULAR_CUSTOM_ZONE\"}}");
	buf_clear(&said.words);
	ask_index(&s, &said,
	    (struct photos_query){.index = "CPLAlbumByPositionLive",
		.rank = -1,
		.parent = "F1",
		.marker = "K"});
	assert_said(&said, "|0 next=none");
	assert_non_null(strstr(s.bodies[1],
	    "\"filterBy\":[{\"fieldName\":\"parentId\","
	    "\"comparator\":\"EQUALS\",\"fieldValue\":{\"type\":\"STRING\","
	    "\"value\":\"F1\"}}]},\"continuationMarker\":\"K\","));
	assert_null(strstr(s.bodies[1], "startRank"));
	assert_non_null(strstr(s.bodies[1], "\"resOriginalRes\""));
	buf_clear(&said.words);
	script_clear(&s);
}

static void
queries_failing(void **state)
{
	static const struct answer slow[] = {{.status = 408}, {.status = 408},
	    {.status = 408}, {.status = 408}, {.status = 408},
	    {.status = 200, .body = "{\"records\":[" REC("A") "]}"}};
	static const struct answer marker[] = {
	    {.status = 400, .body = "{\"serverErrorCode\":\"BAD_REQUEST\"}"},
	    {.status = 400, .body = "{\"serverErrorCode\":\"BAD_REQUEST\"}"}};
	static const struct answer html[] = {{.status = 200, .body = "<html>"},
	    {.status = 200, .body = "<html>"},
	    {.status = 200, .body = "<html>"},
	    {.status = 200, .body = "<html>"},
	    {.status = 200, .body = "<html>"},
	    {.status = 200, .body = "<html>"}};
	struct script s;
	struct said said;

	(void)state;
	script_init(&s, slow, 6);
	ask_index(&s, &said, (struct photos_query){.index = "I", .rank = 0});
	assert_int_equal(said.e.code, ERR_NONE);
	assert_said(&said, "A |1 next=none");
	assert_non_null(strstr(s.bodies[4], "\"resultsLimit\":200"));
	assert_non_null(strstr(s.bodies[5], "\"resultsLimit\":100"));
	assert_null(strstr(s.bodies[0], "continuationMarker"));
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, marker, 2);
	ask_index(&s, &said,
	    (struct photos_query){.index = "I", .rank = 0, .marker = "K"});
	assert_int_equal(said.e.code, ERR_TOKEN);
	buf_clear(&said.words);
	ask_index(&s, &said, (struct photos_query){.index = "I", .rank = 0});
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	buf_clear(&said.words);
	script_clear(&s);
	script_init(&s, html, 6);
	ask_index(&s, &said, (struct photos_query){.index = "I", .rank = 0});
	assert_int_equal(said.e.code, ERR_PROTOCOL);
	buf_clear(&said.words);
	script_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pages),
	    cmocka_unit_test(zones_listed),
	    cmocka_unit_test(zones_unchanged),
	    cmocka_unit_test(zones_failing),
	    cmocka_unit_test(feed_walk),
	    cmocka_unit_test(feed_ends),
	    cmocka_unit_test(feed_in_circles),
	    cmocka_unit_test(feed_long_and_empty),
	    cmocka_unit_test(feed_refused),
	    cmocka_unit_test(feed_refused_later),
	    cmocka_unit_test(feed_smaller_pages),
	    cmocka_unit_test(feed_stuck),
	    cmocka_unit_test(feed_down),
	    cmocka_unit_test(feed_not_understood),
	    cmocka_unit_test(feed_nameless),
	    cmocka_unit_test(lookup_answers),
	    cmocka_unit_test(lookup_later),
	    cmocka_unit_test(lookup_halved),
	    cmocka_unit_test(lookup_ended),
	    cmocka_unit_test(indexing),
	    cmocka_unit_test(counts),
	    cmocka_unit_test(queries),
	    cmocka_unit_test(queries_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
