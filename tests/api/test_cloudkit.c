#include "test.h"

#include "api/script.h"

#include "text.h"

static struct json_span
span_of(const char *text)
{
	struct json_span span;

	assert_int_equal(json_span_all(&span, text, strlen(text), NULL), 0);
	return span;
}

/* [cloudkit-errors]: section by section, as entries of an answer with 200. */
static void
entries(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
		int status;
		int64_t wait_ms;
	} cases[] = {
	    {"{\"recordName\":\"A\"}", ERR_NONE, 0, -1},
	    {"{}", ERR_NONE, 0, -1},
	    {"{\"serverErrorCode\":null,\"reason\":\"x\"}", ERR_NONE, 0, -1},
	    {"{\"serverErrorCode\":\"\"}", ERR_NONE, 0, -1},
	    {"{\"serverErrorCode\":\"ACCESS_DENIED\",\"reason\":\"private db "
	     "access disabled for this account\"}",
		ERR_WEB_ACCESS, 403, -1},
	    {"{\"serverErrorCode\":\"UNKNOWN_CODE\",\"reason\":\"private db "
	     "access disabled for this account\"}",
		ERR_WEB_ACCESS, 0, -1},
	    {"{\"serverErrorCode\":\"AUTHENTICATION_FAILED\",\"reason\":"
	     "\"no auth method found\"}",
		ERR_SESSION, 401, -1},
	    {"{\"serverErrorCode\":\"AUTHENTICATION_REQUIRED\"}", ERR_SESSION,
		421, -1},
	    {"{\"reason\":\"Missing X-APPLE-WEBAUTH-TOKEN cookie\","
	     "\"error\":1}",
		ERR_SESSION, 0, -1},
	    {"{\"reason\":\"Invalid global session\",\"error\":2}", ERR_SESSION,
		0, -1},
	    {"{\"serverErrorCode\":\"ZONE_NOT_FOUND\"}", ERR_NOT_FOUND, 404,
		-1},
	    {"{\"serverErrorCode\":\"NOT_FOUND\"}", ERR_NOT_FOUND, 404, -1},
	    {"{\"serverErrorCode\":\"INTERNAL_ERROR\"}", ERR_UNAVAILABLE, 500,
		-1},
	    {"{\"serverErrorCode\":\"THROTTLED\",\"retryAfter\":30}",
		ERR_THROTTLED, 503, 30000},
	    {"{\"serverErrorCode\":\"THROTTLED\",\"retryAfter\":\"30\"}",
		ERR_THROTTLED, 503, 30000},
	    {"{\"serverErrorCode\":\"THROTTLED\",\"retryAfter\":-1}",
		ERR_THROTTLED, 503, -1},
	    {"{\"serverErrorCode\":\"THROTTLED\",\"retryAfter\":1e15}",
		ERR_THROTTLED, 503, 86400000},
	    {"{\"serverErrorCode\":\"TRY_AGAIN_LATER\",\"reason\":\"Service "
	     "Unavailable\"}",
		ERR_THROTTLED, 503, -1},
	    {"{\"serverErrorCode\":\"TRY_AGAIN_LATER\",\"reason\":\"Sync zone "
	     "CAS Op-Lock failed\"}",
		ERR_UNAVAILABLE, 503, -1},
	    {"{\"serverErrorCode\":\"RETRY_LATER\",\"reason\":\"busy\"}",
		ERR_UNAVAILABLE, 503, -1},
	    {"{\"serverErrorCode\":\"CAS_OP_LOCK\"}", ERR_UNAVAILABLE, 503, -1},
	    {"{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":\"Unknown sync "
	     "continuation type\"}",
		ERR_TOKEN, 400, -1},
	    {"{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":\"Invalid "
	     "continuation format\"}",
		ERR_TOKEN, 400, -1},
	    {"{\"serverErrorCode\":\"CHANGE_TOKEN_EXPIRED\"}", ERR_TOKEN, 0,
		-1},
	    {"{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":\"array "
	     "'records' length is greater than max size\"}",
		ERR_TOO_MUCH, 400, -1},
	    {"{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":\"syncToken "
	     "operations supported only in SyncZone\"}",
		ERR_PROTOCOL, 400, -1},
	    {"{\"serverErrorCode\":\"BAD_REQUEST\",\"reason\":\"Type is not "
	     "marked indexable: CPLMaster\"}",
		ERR_PROTOCOL, 400, -1},
	    {"{\"serverErrorCode\":\"QUOTA_EXCEEDED\"}", ERR_PROTOCOL, 413, -1},
	    {"{\"serverErrorCode\":\"CONFLICT\"}", ERR_PROTOCOL, 409, -1},
	    {"{\"serverErrorCode\":\"SOMETHING_NEW\"}", ERR_PROTOCOL, 0, -1},
	    {"{\"hasError\":true}", ERR_PROTOCOL, 0, -1},
	    {"{\"hasError\":false}", ERR_NONE, 0, -1},
	    {"{\"service_errors\":[]}", ERR_NONE, 0, -1},
	    {"{\"service_errors\":[{\"code\":\"ZONE_NOT_FOUND\"}]}",
		ERR_NOT_FOUND, 404, -1},
	    {"{\"serviceErrors\":[{\"code\":\"AUTH-401\"}]}", ERR_SESSION, 0,
		-1},
	    {"{\"errors\":[{}]}", ERR_PROTOCOL, 0, -1},
	    {"{\"error\":0}", ERR_NONE, 0, -1},
	    {"[]", ERR_NONE, 0, -1},
	};
	struct err e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err_clear(&e);
		rc = cloudkit_entry_error(&e, span_of(cases[i].text));
		if (e.code != cases[i].code || e.http_status != cases[i].status)
			fail_msg("%s: code %d, status %d", cases[i].text,
			    e.code, e.http_status);
		assert_int_equal(rc, cases[i].code == ERR_NONE ? 0 : -1);
		assert_int_equal(e.wait_ms, cases[i].wait_ms);
	}
	/* Without a place for it. */
	assert_int_equal(
	    cloudkit_entry_error(NULL, span_of("{\"serverErrorCode\":\"X\"}")),
	    -1);
}

/* A page of records is not parsed to find an error, but one is still found. */
static void
long_entries(void **state)
{
	struct buf b = {0};
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	buf_adds(&b, "{\"hasError\":true,\"records\":[");
	for (i = 0; i < 1000; i++)
		buf_adds(&b, "{\"recordName\":\"A\"},");
	buf_adds(&b, "1]");
	i = b.len;
	buf_adds(&b, "}");
	assert_int_equal(cloudkit_entry_error(&e, span_of(buf_text(&b))), 0);
	b.len = i;
	buf_adds(&b, ",\"serverErrorCode\":\"ZONE_NOT_FOUND\"}");
	assert_int_equal(cloudkit_entry_error(&e, span_of(buf_text(&b))), -1);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_clear(&b);
}

/* Apple's words are cut between characters, also where they were no UTF-8. */
static void
odd_words(void **state)
{
	struct buf b = {0};
	struct err e = ERR_INIT;
	size_t i, shift;

	(void)state;
	for (shift = 0; shift < 3; shift++) {
		buf_reset(&b);
		buf_adds(&b, "{\"serverErrorCode\":\"X\",\"reason\":\"");
		for (i = 0; i < shift; i++)
			buf_addc(&b, 'a');
		for (i = 0; i < 200; i++)
			buf_addc(&b, '\xff');
		buf_adds(&b, "\"}");
		assert_int_equal(
		    cloudkit_entry_error(&e, span_of(buf_text(&b))), -1);
		assert_non_null(strstr(e.what, "\xef\xbf\xbd"));
		assert_true(text_is_utf8(e.what, strlen(e.what)));
	}
	buf_clear(&b);
}

static void
whole_answers(void **state)
{
	static const struct {
		int status;
		const char *body, *headers;
		int64_t retry_after_ms;
		enum err_code code;
		int64_t wait_ms;
	} cases[] = {
	    {200, "{\"zones\":[]}", "", -1, ERR_NONE, -1},
	    {200, " {\"zones\":[]}\n", "", -1, ERR_NONE, -1},
	    /* protocol 9.8 */
	    {404,
		"{\"uuid\":\"0\",\"serverErrorCode\":\"ZONE_NOT_FOUND\","
		"\"reason\":\"Zone 'PrimarySync' does not exist\"}",
		"", -1, ERR_NOT_FOUND, -1},
	    {403,
		"{\"serverErrorCode\":\"ACCESS_DENIED\",\"reason\":\"private "
		"db access disabled for this account\"}",
		"", -1, ERR_WEB_ACCESS, -1},
	    {401,
		"{\"serverErrorCode\":\"AUTHENTICATION_FAILED\","
		"\"reason\":\"no auth method found\"}",
		"", -1, ERR_SESSION, -1},
	    {421,
		"{\"reason\":\"Missing X-APPLE-WEBAUTH-TOKEN cookie\","
		"\"error\":1}",
		"", -1, ERR_SESSION, -1},
	    {503,
		"{\"serverErrorCode\":\"THROTTLED\",\"reason\":\"\","
		"\"retryAfter\":30}",
		"", -1, ERR_THROTTLED, 30000},
	    /* The longer of two waits. */
	    {503, "{\"serverErrorCode\":\"THROTTLED\",\"retryAfter\":3}", "",
		60000, ERR_THROTTLED, 60000},
	    {429, "", "", 7000, ERR_THROTTLED, 7000},
	    {503, "<html>", "", -1, ERR_UNAVAILABLE, -1},
	    {503, "<html>", "", 1000, ERR_THROTTLED, 1000},
	    {500, "{\"serverErrorCode\":\"NEW_ONE\"}", "", -1, ERR_UNAVAILABLE,
		-1},
	    {502, "<html>", "", -1, ERR_UNAVAILABLE, -1},
	    {408, "", "", -1, ERR_UNAVAILABLE, -1},
	    {401, "", "", -1, ERR_SESSION, -1},
	    {421, "<html>", "", -1, ERR_SESSION, -1},
	    {450, "{}", "", -1, ERR_SESSION, -1},
	    {421, "{\"serverErrorCode\":\"NOT_FOUND\"}", "", -1, ERR_SESSION,
		-1},
	    {401, "{\"serverErrorCode\":\"ACCESS_DENIED\"}", "", -1,
		ERR_WEB_ACCESS, -1},
	    {403, "", "", -1, ERR_SESSION, -1},
	    {403, "{\"serverErrorCode\":\"NEW_ONE\"}", "", -1, ERR_PROTOCOL,
		-1},
	    {413, "", "", -1, ERR_TOO_MUCH, -1},
	    {423, "{\"reason\":\"Missing PCS cookies from the request\"}", "",
		-1, ERR_ADP, -1},
	    {400, "{\"serverErrorCode\":\"NEW_ONE\"}", "", -1, ERR_PROTOCOL,
		-1},
	    {404, "{\"x\":1}", "", -1, ERR_PROTOCOL, -1},
	    {302, "", "", -1, ERR_PROTOCOL, -1},
	    {200, "<html>service unavailable</html>", "", -1, ERR_PROTOCOL, -1},
	    {200, "", "", -1, ERR_PROTOCOL, -1},
	    {200, "{\"zones\":[", "", -1, ERR_PROTOCOL, -1},
	    {200, "[]", "", -1, ERR_PROTOCOL, -1},
	    {200, "null", "", -1, ERR_PROTOCOL, -1},
	    /* B010 */
	    {200, "{\"serverErrorCode\":\"INTERNAL_ERROR\"}", "", -1,
		ERR_UNAVAILABLE, -1},
	    /* The true status beside a 200. */
	    {200, "{}", "X-Apple-I-Rscd: 401\n", -1, ERR_SESSION, -1},
	    {200, "{}", "X-Apple-I-Rscd: 200\n", -1, ERR_NONE, -1},
	    {200, "{}", "X-Apple-I-Rscd: x\n", -1, ERR_NONE, -1},
	};
	struct http_response resp;
	struct err e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&resp, 0, sizeof(resp));
		resp.status = cases[i].status;
		resp.retry_after_ms = cases[i].retry_after_ms;
		buf_adds(&resp.body, cases[i].body);
		buf_adds(&resp.headers, cases[i].headers);
		err_clear(&e);
		rc = cloudkit_answer_error(&e, &resp);
		if (e.code != cases[i].code)
			fail_msg("%d %s: %d", cases[i].status, cases[i].body,
			    e.code);
		assert_int_equal(rc, e.code == ERR_NONE ? 0 : -1);
		assert_int_equal(e.wait_ms, cases[i].wait_ms);
		/* Perhaps it is not the session that is lacking. */
		assert_int_equal(strstr(e.next, "security keys") != NULL,
		    strstr(cases[i].body, "no auth method") != NULL ||
			(cases[i].status == 403 && cases[i].body[0] == '\0'));
		buf_clear(&resp.body);
		buf_clear(&resp.headers);
	}
}

/* What other clients' authors have written down of errors: each body gives a
 * code that is meant, at the top or in its first zone. */
static void
documented_bodies(void **state)
{
	char *text = NULL;
	size_t len, it = 0, zit = 0;
	struct json_span all, bodies, body, zone;
	struct err e;
	cJSON *json;
	const char *code;

	(void)state;
	text = recorded_read(&len, "documented/kei_error_bodies.json");
	assert_int_equal(json_span_all(&all, text, len, NULL), 0);
	bodies = json_span_get(all, "bodies");
	while (json_span_next(&body, bodies, &it)) {
		body = json_span_get(body, "json");
		zit = 0;
		if (json_span_next(&zone, json_span_get(body, "zones"), &zit))
			body = zone;
		err_clear(&e);
		cloudkit_entry_error(&e, body);
		json = json_span_parse(body, NULL);
		code = json_str(json, "serverErrorCode");
		if (code == NULL)
			code =
			    json_str(cJSON_GetArrayItem(
					 json_array(json, "service_errors"), 0),
				"code");
		if (code == NULL)
			code =
			    json_str(cJSON_GetArrayItem(
					 json_array(json, "serviceErrors"), 0),
				"code");
		if (code == NULL)
			assert_int_equal(e.code,
			    json_bool(json, "hasError") ? ERR_PROTOCOL
							: ERR_NONE);
		else if (strncmp(code, "AUTH", 4) == 0)
			assert_int_equal(e.code, ERR_SESSION);
		else if (strcmp(code, "ZONE_NOT_FOUND") == 0)
			assert_int_equal(e.code, ERR_NOT_FOUND);
		else if (strcmp(code, "BAD_REQUEST") == 0)
			assert_int_equal(e.code, ERR_TOKEN);
		else if (strcmp(code, "ACCESS_DENIED") == 0 ||
		    strcmp(code, "UNKNOWN_CODE") == 0)
			assert_int_equal(e.code, ERR_WEB_ACCESS);
		else if (strcmp(code, "THROTTLED") == 0)
			assert_int_equal(e.code, ERR_THROTTLED);
		else if (strcmp(code, "RETRY_LATER") == 0 ||
		    strcmp(code, "CAS_OP_LOCK") == 0)
			assert_int_equal(e.code, ERR_UNAVAILABLE);
		else if (strcmp(code, "TRY_AGAIN_LATER") == 0)
			assert_true(e.code == ERR_THROTTLED ||
			    e.code == ERR_UNAVAILABLE);
		else
			assert_int_equal(e.code, ERR_PROTOCOL);
		cJSON_Delete(json);
	}
	assert_true(it > 0);
	free(text);
}

struct got {
	int calls;
	struct err e;
	int status;
};

static void
got_done(void *arg, struct http_response *resp, const struct err *e)
{
	struct got *g = arg;

	g->calls++;
	g->e = *e;
	g->status = resp->status;
}

static void
ask(struct script *s, struct got *g, const char *path)
{
	cJSON *body = cJSON_CreateObject();

	memset(g, 0, sizeof(*g));
	cJSON_AddStringToObject(body, "a", "b");
	cloudkit_start(&s->ck, DATABASE_SHARED, path, body, got_done, g);
	assert_int_equal(g->calls, 0);
	script_run(s);
	assert_int_equal(g->calls, 1);
}

/* Parameters and headers. */
static void
addresses(void **state)
{
	static const struct answer answers[] = {
	    {.status = 200, .body = "{}"}, {.status = 200, .body = "{}"}};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, answers, 2);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	assert_string_equal(s.urls[0],
	    "https://p61-ckdatabasews.icloud.com:443/database/1/"
	    "com.apple.photos.cloud/production/shared/records/query"
	    "?remapEnums=true&getCurrentSyncToken=true&clientId=auth-5c0ffee0"
	    "&dsid=20000000042");
	assert_string_equal(s.bodies[0], "{\"a\":\"b\"}");
	assert_string_equal(s.headers[0],
	    "Content-Type: text/plain\nAccept: */*\n"
	    "Origin: https://www.icloud.com\n"
	    "Referer: https://www.icloud.com/\n");
	/* China; no zone in the request; odd texts are encoded. */
	s.session.region = SESSION_CN;
	s.session.ckdatabase_url =
	    (char *)(uintptr_t) "https://p1-ckdatabasews.icloud.com.cn/";
	s.session.client_id = (char *)(uintptr_t) "a b&c";
	s.session.dsid = NULL;
	ask(&s, &g, "changes/database");
	assert_string_equal(s.urls[1],
	    "https://p1-ckdatabasews.icloud.com.cn/database/1/"
	    "com.apple.photos.cloud/production/shared/changes/database"
	    "?remapEnums=true&clientId=a%20b%26c");
	assert_string_equal(s.headers[1],
	    "Content-Type: text/plain\nAccept: */*\n"
	    "Origin: https://www.icloud.com.cn\n"
	    "Referer: https://www.icloud.com.cn/\n");
	script_clear(&s);
}

/* [read-only] */
static void
rules(void **state)
{
	const struct http_rule *r;
	size_t n = 0;

	(void)state;
	for (r = api_rules; r->method != NULL; r++, n++) {
		assert_null(strstr(r->path, "modify"));
		assert_null(strstr(r->path, "upload"));
		assert_non_null(r->host);
		if (strcmp(r->method, "GET") == 0) {
			assert_string_equal(r->path, "/B/*");
			assert_true(
			    strcmp(r->host, ".icloud-content.com") == 0 ||
			    strcmp(r->host, ".icloud-content.com.cn") == 0);
		} else {
			assert_string_equal(r->method, "POST");
			assert_null(strchr(r->path, '*'));
			assert_true(
			    strcmp(r->host, "-ckdatabasews.icloud.com") == 0 ||
			    strcmp(r->host, "-ckdatabasews.icloud.com.cn") ==
				0);
		}
	}
	assert_int_equal(n, 2 * 2 * 5 + 2);
}

/* The rules as http reads them: what fits goes out (to a port where nobody
 * answers), what does not is refused. */
static void
rules_obeyed(void **state)
{
#define PHOTOS "/database/1/com.apple.photos.cloud/production/"
	static const struct {
		const char *method, *url;
		bool sent;
	} cases[] = {
	    {"POST",
		"https://p61-ckdatabasews.icloud.com:443" PHOTOS
		"private/changes/zone?remapEnums=true",
		true},
	    {"POST",
		"https://p7-ckdatabasews.icloud.com.cn" PHOTOS
		"shared/internal/records/query/batch?a=b",
		true},
	    {"GET", "https://cvws.icloud-content.com/B/x/%24%7Bf%7D?e=1", true},
	    {"POST",
		"https://p61-ckdatabasews.icloud.com" PHOTOS
		"private/records/modify",
		false},
	    {"POST",
		"https://p61-ckdatabasews.icloud.com" PHOTOS
		"public/records/query",
		false},
	    {"POST",
		"https://p61-ckdatabasews.icloud.com" PHOTOS
		"private/records/query/../modify",
		false},
	    {"GET",
		"https://p61-ckdatabasews.icloud.com" PHOTOS
		"private/records/query",
		false},
	    {"POST", "https://cvws.icloud-content.com/B/x", false},
	    {"GET", "https://cvws.icloud-content.com/C/x", false},
	    {"POST",
		"https://p61-photosupload.icloud.com" PHOTOS
		"private/records/query",
		false},
	    {"POST",
		"https://icloud.com.evil.org" PHOTOS "private/records/query",
		false},
	    {"POST", PHOTOS "private/records/query?remapEnums=true", false},
	};
	static const struct http_rule *const lists[] = {api_rules, NULL};
	const struct http_options options = {
	    .rules = lists,
	    .user_agent = "test",
	    .connect_to = "127.0.0.1:1",
	};
	struct http *http = NULL;
	struct http_response resp;
	struct err e = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(http_new(&http, &options, &e), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_request req = {
		    .kind = HTTP_JSON,
		    .method = cases[i].method,
		    .url = cases[i].url,
		    .body = "{}",
		    .body_len = 2,
		};

		if (strcmp(req.method, "GET") == 0)
			req.body = NULL;
		err_clear(&e);
		assert_int_equal(http_call(http, &resp, &req, &e), -1);
		if (e.code != (cases[i].sent ? ERR_NETWORK : ERR_REFUSED))
			fail_msg("%s: %d", cases[i].url, e.code);
		http_response_clear(&resp);
	}
	http_free(http);
}

static void
tried_again(void **state)
{
	static const struct answer passing[] = {
	    {.net = ERR_NETWORK},
	    {.status = 503, .body = "<html>"},
	    {.status = 408},
	    {.status = 500, .body = "{\"serverErrorCode\":\"X\"}"},
	    {.status = 200, .body = "{}"},
	};
	static const struct answer lasting[] = {
	    {.status = 500},
	    {.status = 502},
	    {.status = 504},
	    {.status = 500},
	    {.status = 503, .body = "<html>"},
	};
	static const struct answer html[] = {
	    {.status = 200, .body = "<html>"},
	    {.status = 200, .body = "{\"x\":"},
	    {.status = 404, .body = "<html>"},
	};
	static const struct answer html_once[] = {
	    {.status = 200, .body = "<html>"},
	    {.status = 200, .body = "{}"},
	};
	static const struct answer refused[] = {
	    {.status = 400, .body = "{\"serverErrorCode\":\"BAD_REQUEST\"}"}};
	static const struct answer ended[] = {{.status = 421}};
	static const struct answer inside[] = {
	    {.status = 200, .body = "{\"serverErrorCode\":\"CAS_OP_LOCK\"}"},
	    {.status = 200, .body = "{}"},
	};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, passing, 5);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	assert_int_equal(g.status, 200);
	assert_string_equal(s.bodies[4], s.bodies[0]);
	/* 1, 2, 4, 8 s with a quarter of jitter. */
	assert_in_range(s.waited_ms, 11250, 18750);
	script_clear(&s);

	script_init(&s, lasting, 5);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_UNAVAILABLE);
	assert_int_equal(g.e.http_status, 503);
	script_clear(&s);

	script_init(&s, html, 3);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_PROTOCOL);
	script_clear(&s);

	script_init(&s, html_once, 2);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	script_clear(&s);

	script_init(&s, refused, 1);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_PROTOCOL);
	assert_int_equal(g.e.http_status, 400);
	script_clear(&s);

	script_init(&s, ended, 1);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_SESSION);
	script_clear(&s);

	script_init(&s, inside, 2);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	script_clear(&s);
}

/* A wait that is stated is kept, also one that only the body states; one that
 * is too long to sit through ends the request. */
static void
stated_waits(void **state)
{
	static const struct answer brief[] = {
	    {.status = 503,
		.body = "{\"serverErrorCode\":\"THROTTLED\","
			"\"retryAfter\":12}"},
	    {.status = 429, .retry_after_ms = 5000},
	    {.status = 200, .body = "{}"},
	};
	static const struct answer lengthy[] = {
	    {.status = 503,
		.body = "{\"serverErrorCode\":\"THROTTLED\","
			"\"retryAfter\":30}"},
	};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, brief, 3);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	assert_int_equal(s.waited_ms, 17000);
	script_clear(&s);

	script_init(&s, lengthy, 1);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_THROTTLED);
	assert_int_equal(g.e.wait_ms, 30000);
	assert_int_equal(s.waited_ms, 0);
	script_clear(&s);
}

/* What one request was told, others heed: nothing new starts before. */
static void
others_rest_too(void **state)
{
	static const struct answer answers[] = {
	    {.status = 503,
		.body = "{\"serverErrorCode\":\"THROTTLED\","
			"\"retryAfter\":12}"},
	    {.status = 200, .body = "{}"},
	    {.status = 200, .body = "{}"},
	    {.status = 200, .body = "{}"},
	};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, answers, 4);
	assert_int_equal(s.ck.throttled, 0);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	assert_int_equal(s.ck.throttled, 1);
	assert_int_equal(s.waited_ms, 12000);
	/* The clock of the script stands still, ours goes on. */
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	assert_in_range(s.waited_ms, 12000 + 11000, 24000);
	/* A rest that is over holds nobody up. */
	s.ck.not_before_ms = 1;
	s.waited_ms = 0;
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_NONE);
	assert_int_equal(s.waited_ms, 0);
	script_clear(&s);
}

/* B098: the account's flag tells why the web gets nothing. */
static void
protected_accounts(void **state)
{
	static const struct answer denied[] = {
	    {.status = 403, .body = "{\"serverErrorCode\":\"ACCESS_DENIED\"}"}};
	static const struct answer pcs[] = {{.status = 421,
	    .body = "{\"reason\":\"Missing X-APPLE-WEBAUTH-PCS-Photos "
		    "cookie\",\"error\":1}"}};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, denied, 1);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_WEB_ACCESS);
	script_clear(&s);
	script_init(&s, denied, 1);
	s.session.adp = true;
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_ADP);
	script_clear(&s);
	script_init(&s, pcs, 1);
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_SESSION);
	script_clear(&s);
	script_init(&s, pcs, 1);
	s.session.adp = true;
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_ADP);
	script_clear(&s);
}

static void
interrupted(void **state)
{
	static const struct answer answers[] = {{.status = 503}};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, answers, 1);
	memset(&g, 0, sizeof(g));
	cloudkit_start(&s.ck, DATABASE_PRIVATE, "records/query",
	    cJSON_CreateObject(), got_done, &g);
	script_answer(&s);
	assert_int_equal(g.calls, 0);
	assert_non_null(s.timer);
	s.interrupted = true;
	script_run(&s);
	assert_int_equal(g.calls, 1);
	assert_int_equal(g.e.code, ERR_INTERRUPTED);
	assert_true(s.waited_ms <= 400);
	script_clear(&s);
}

/* Without an address no rule lets the request out; that is no bug of ours. */
static void
no_address(void **state)
{
	static const struct answer answers[] = {{.net = ERR_REFUSED}};
	struct script s;
	struct got g;

	(void)state;
	script_init(&s, answers, 1);
	s.session.ckdatabase_url = NULL;
	ask(&s, &g, "records/query");
	assert_int_equal(g.e.code, ERR_SESSION);
	script_clear(&s);
	script_init(&s, answers, 1);
	ask(&s, &g, "records/modify");
	assert_int_equal(g.e.code, ERR_REFUSED);
	script_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries),
	    cmocka_unit_test(long_entries),
	    cmocka_unit_test(odd_words),
	    cmocka_unit_test(whole_answers),
	    cmocka_unit_test(documented_bodies),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(rules_obeyed),
	    cmocka_unit_test(tried_again),
	    cmocka_unit_test(stated_waits),
	    cmocka_unit_test(others_rest_too),
	    cmocka_unit_test(protected_accounts),
	    cmocka_unit_test(interrupted),
	    cmocka_unit_test(no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
