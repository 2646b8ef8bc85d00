#ifndef SCRIPT_H
#define SCRIPT_H

/*
 * A network without network: answers come from a list or a function, and what
 * was asked is kept.  Nothing is called back before script_run().
 */
#include "test.h"

#include <cjson/cJSON.h>

#include "buf.h"
#include "cloudkit.h"
#include "cloudkit_p.h"
#include "err.h"
#include "http.h"
#include "json.h"
#include "session.h"
#include "zone.h"

#define SCRIPT_MAX 256

struct answer {
	int status;
	const char *body;
	const char *headers;
	enum err_code net;      /* ERR_NONE: an answer came */
	int64_t retry_after_ms; /* 0: none */
};

struct script {
	struct cloudkit ck;
	struct session session;
	const struct answer *answers;
	size_t n_answers;
	/* Instead of answers: takes the request, gives text (freed). */
	char *(*make)(struct script *, const cJSON *body, int *status);
	void *arg;
	size_t asked;
	char *urls[SCRIPT_MAX], *bodies[SCRIPT_MAX];
	char *headers[SCRIPT_MAX];
	int64_t waited_ms;
	bool interrupted;
	/* What is due; a state machine has one thing under way. */
	http_done *done;
	void *done_arg;
	void (*timer)(void *);
	void *timer_arg;
};

static inline struct http_call *
script_start(struct http *http, const struct http_request *req)
{
	struct script *s = (void *)http;
	struct buf b = {0};
	size_t i, at = s->asked % SCRIPT_MAX;

	assert_null(s->done);
	assert_null(s->timer);
	assert_int_equal(req->kind, HTTP_JSON);
	assert_string_equal(req->method, "POST");
	assert_null(req->retry);
	for (i = 0; req->headers[i] != NULL; i++)
		buf_addf(&b, "%s\n", req->headers[i]);
	free(s->urls[at]);
	free(s->bodies[at]);
	free(s->headers[at]);
	s->urls[at] = xstrdup(req->url);
	s->bodies[at] = xstrndup(req->body, req->body_len);
	s->headers[at] = buf_take(&b);
	s->asked++;
	s->done = req->done;
	s->done_arg = req->arg;
	return NULL;
}

static inline void
script_after(struct http *http, int64_t ms, void (*cb)(void *), void *arg)
{
	struct script *s = (void *)http;

	assert_null(s->done);
	assert_null(s->timer);
	assert_true(ms >= 0);
	s->waited_ms += ms;
	s->timer = cb;
	s->timer_arg = arg;
}

static inline bool
script_interrupted(const struct http *http)
{
	return ((const struct script *)(const void *)http)->interrupted;
}

static const struct cloudkit_net script_net = {
    .start = script_start,
    .after = script_after,
    .interrupted = script_interrupted,
};

static inline void
script_init(struct script *s, const struct answer *answers, size_t n)
{
	memset(s, 0, sizeof(*s));
	s->answers = answers;
	s->n_answers = n;
	s->session.ckdatabase_url =
	    (char *)(uintptr_t) "https://p61-ckdatabasews.icloud.com:443";
	s->session.client_id = (char *)(uintptr_t) "auth-5c0ffee0";
	s->session.dsid = (char *)(uintptr_t) "20000000042";
	s->ck.http = (void *)s;
	s->ck.session = &s->session;
	s->ck.net = &script_net;
}

static inline void
script_clear(struct script *s)
{
	size_t i;

	for (i = 0; i < SCRIPT_MAX; i++) {
		free(s->urls[i]);
		free(s->bodies[i]);
		free(s->headers[i]);
	}
}

static inline void
script_answer(struct script *s)
{
	http_done *done = s->done;
	struct http_response resp = {
	    .retry_after_ms = -1,
	    .date_ms = 1700000000000,
	    .length = -1,
	    .range_start = -1,
	    .range_total = -1,
	};
	struct err e = ERR_INIT;
	const struct answer *a;
	char *made = NULL;
	cJSON *body;

	s->done = NULL;
	if (s->interrupted) {
		err_set(&e, ERR_INTERRUPTED, NULL, "Interrupted.");
	} else if (s->make != NULL) {
		body = cJSON_Parse(s->bodies[(s->asked - 1) % SCRIPT_MAX]);
		resp.status = 200;
		made = s->make(s, body, &resp.status);
		buf_adds(&resp.body, made);
		cJSON_Delete(body);
		free(made);
	} else {
		if (s->asked > s->n_answers)
			fail_msg(
			    "asked once more: %s", s->bodies[s->asked - 1]);
		a = &s->answers[s->asked - 1];
		if (a->net != ERR_NONE)
			err_set(&e, a->net, NULL, "No answer.");
		resp.status = a->status;
		buf_adds(&resp.body, a->body != NULL ? a->body : "");
		buf_adds(&resp.headers, a->headers != NULL ? a->headers : "");
		if (a->retry_after_ms != 0)
			resp.retry_after_ms = a->retry_after_ms;
	}
	done(s->done_arg, &resp, &e);
	buf_clear(&resp.body);
	buf_clear(&resp.headers);
}

static inline void
script_run(struct script *s)
{
	void (*timer)(void *);

	while (s->done != NULL || s->timer != NULL) {
		if (s->done != NULL) {
			script_answer(s);
			continue;
		}
		timer = s->timer;
		s->timer = NULL;
		timer(s->timer_arg);
	}
}

/* The request body of ask n, and that it was the last one to be expected. */
static inline cJSON *
script_body(const struct script *s, size_t n)
{
	cJSON *json;

	assert_true(n < s->asked);
	json = cJSON_Parse(s->bodies[n]);
	assert_non_null(json);
	return json;
}

static const struct zone_id script_zone = {
    .database = DATABASE_PRIVATE,
    .name = (char *)"PrimarySync",
    .owner = (char *)"_00000000000000000000000000000001",
    .type = (char *)"REGULAR_CUSTOM_ZONE",
};

#endif
