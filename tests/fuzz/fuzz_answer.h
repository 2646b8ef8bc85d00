#ifndef FUZZ_ANSWER_H
#define FUZZ_ANSWER_H

/*
 * Answers of a service out of an input.  Each is a line with its status (below
 * 200: no answer comes), lines of its head up to an empty one, and its body up
 * to a line "----".
 */
#include "fuzz.h"

#include <strings.h>

#include "buf.h"
#include "err.h"
#include "http.h"
#include "json.h"
#include "text.h"

#define FUZZ_DATE_MS ((int64_t)1790000000 * 1000)

static inline void
fuzz_answer_body(struct http_response *out, struct fuzz_in *in)
{
	const char *start = in->p, *end = in->end;
	struct fuzz_in line;

	while ((line = fuzz_span(in)).p != NULL)
		if (line.end - line.p == 4 && memcmp(line.p, "----", 4) == 0) {
			end = line.p > start ? line.p - 1 : start;
			break;
		}
	if (start != NULL)
		must(buf_add(&out->body, start, (size_t)(end - start)) == 0);
}

/* As the network hands it over: no line holds a NUL. */
static inline void
fuzz_answer_head(struct http_response *out, struct fuzz_in *in)
{
	struct fuzz_in line;
	char value[64];
	int64_t s;

	while ((line = fuzz_span(in)).p != NULL && line.end > line.p) {
		if (memchr(line.p, '\0', (size_t)(line.end - line.p)) != NULL)
			continue;
		must(buf_add(&out->headers, line.p,
			 (size_t)(line.end - line.p)) == 0);
		must(buf_addc(&out->headers, '\n') == 0);
	}
	if (http_header(value, sizeof(value), out, "Retry-After") &&
	    text_int(&s, value, 0, INT64_MAX / 1000) == 0)
		out->retry_after_ms = s * 1000;
}

/* The next one, which the caller clears.  -1: none came, and e is filled. */
static inline int
fuzz_answer(struct http_response *out, struct fuzz_in *in, struct err *e)
{
	char *line = fuzz_line(in);
	int64_t status = 0;

	memset(out, 0, sizeof(*out));
	out->retry_after_ms = out->length = -1;
	out->range_start = out->range_total = -1;
	out->date_ms = FUZZ_DATE_MS;
	(void)text_int(&status, line, 200, 999);
	out->status = (int)status;
	free(line);
	fuzz_answer_head(out, in);
	fuzz_answer_body(out, in);
	if (status != 0)
		return 0;
	buf_clear(&out->headers);
	buf_clear(&out->body);
	return err_set(
	    e, ERR_NETWORK, "Check the network.", "There was no answer.");
}

/* Does a rule name this method and address? */
static inline bool
fuzz_allowed(
    const struct http_rule *rule, const char *method, const char *url)
{
	const char *host = url + strlen("https://"), *path, *end;
	size_t n, len;

	if (strncmp(url, "https://", strlen("https://")) != 0)
		return false;
	n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.");
	path = host + n;
	if (strncmp(path, ":443/", 5) == 0)
		path += 4;
	end = path + strcspn(path, "?");
	for (; rule->method != NULL; rule++) {
		len = strlen(rule->host);
		if (strcmp(rule->method, method) != 0 || len > n ||
		    (strchr(".-", *rule->host) == NULL && len != n) ||
		    strncmp(host + n - len, rule->host, len) != 0)
			continue;
		if (strlen(rule->path) == (size_t)(end - path) &&
		    strncmp(rule->path, path, strlen(rule->path)) == 0)
			return true;
	}
	return false;
}

/* What every request keeps to: its rules, whole lines, a body that is JSON. */
static inline void
fuzz_look_at_request(
    const struct http_request *req, const struct http_rule *rules)
{
	const char *p;
	cJSON *json;
	size_t i;

	must(req->kind == HTTP_JSON);
	must(fuzz_allowed(rules, req->method, req->url));
	for (p = req->url; *p != '\0'; p++)
		must(*p > ' ' && *p < 0x7f);
	for (i = 0; req->headers != NULL && req->headers[i] != NULL; i++) {
		must(strstr(req->headers[i], ": ") != NULL);
		must(strpbrk(req->headers[i], "\r\n") == NULL);
	}
	if (req->body_len == 0)
		return;
	json = json_parse(req->body, req->body_len, NULL);
	must(json != NULL);
	cJSON_Delete(json);
}

/* An error has a code and a sentence. */
static inline void
fuzz_look_at_error(const struct err *e)
{
	must(e->code != ERR_NONE && e->code != ERR_REFUSED);
	must(e->what[0] != '\0');
	must(text_is_utf8(e->what, strlen(e->what)));
	must(text_is_utf8(e->next, strlen(e->next)));
	must(e->wait_ms >= -1);
}

#endif
