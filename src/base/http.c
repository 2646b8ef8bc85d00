#include "http_p.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "civil.h"
#include "compat.h"
#include "log.h"
#include "retry.h"
#include "text.h"
#include "url.h"

#define MAX_JSON_BYTES   ((size_t)16 << 20)
#define MAX_PAGE_BYTES   ((size_t)64 << 10)
#define MAX_HEADER_BYTES ((size_t)256 << 10)
#define MAX_FAILURES     10
#define MAX_CONNECTIONS  48
#define STALL_SECONDS    30L
#define STALL_BYTES      1024
#define N_KINDS          2

/*
 * A call is QUEUED until the next turn (with err filled: it only waits for its
 * callback), then RUNNING as libcurl's, WAITING between tries, and ENDED from
 * just before its callback.
 */
enum call_state { QUEUED, RUNNING, WAITING, ENDED };

struct http_call {
	struct http_call *next, *prev;
	struct http *http;
	enum call_state state;
	uint64_t seq;

	/* The request, copied. */
	enum http_kind kind;
	char *method, *url, *host;
	struct curl_slist *headers;
	struct buf body;
	bool has_body, fresh;
	struct retry_policy retry;
	http_sink *sink;
	http_done *done;
	void *arg;

	/* This try. */
	CURL *easy;
	int64_t started_ms;
	uint64_t falls_seen; /* http's falls when this try began */
	bool in_head;        /* between a status line and the empty line */
	bool is_file;        /* content: the body goes to the sink */
	bool clipped;        /* content: enough of a page was kept */
	struct http_response resp;
	struct err err; /* by our own callbacks, or the end */

	unsigned tries;
	int64_t waited_ms;
};

struct timer {
	struct timer *next;
	int64_t due_ms;
	uint64_t seq;
	void (*cb)(void *);
	void *arg;
};

struct watch {
	int fd;
	void (*cb)(void *);
	void *arg;
};

struct idle {
	CURL **handles;
	size_t n;
};

struct http {
	CURLM *multi;
	CURLSH *shares[N_KINDS]; /* only that of HTTP_JSON has cookies */
	CURL *jar;               /* never sends; reads and sets cookies */
	struct idle idle[N_KINDS];

	const struct http_rule *const *rules;
	char *user_agent, *ca_file;
	struct curl_slist *connect_to;
	int64_t patience_ms;  /* for a first answer; 0: none */
	int64_t first_try_ms; /* when the first of all began */
	int64_t rate_bytes;   /* 0: no limit */
	int64_t budget_bytes; /* below 0: no content call starts */
	int64_t budget_ms;    /* when it was last filled up */

	struct http_call *calls, *last_call; /* in the order of their start */
	struct http_call *zombies;           /* ended, but still libcurl's */
	struct timer *timers;                /* by due time */
	struct watch *watches;
	size_t n_watches;

	uint64_t seq, count;
	unsigned failures;
	uint64_t falls; /* failures counted since the beginning */
	unsigned in_callback;
	bool performing, interrupted;
	bool heard; /* something has answered */
	const struct http_call *in_sink;
};

/*
 * Lists.
 */

static void
call_link(struct http *h, struct http_call *c)
{
	c->prev = h->last_call;
	c->next = NULL;
	if (h->last_call != NULL)
		h->last_call->next = c;
	else
		h->calls = c;
	h->last_call = c;
}

static void
call_unlink(struct http *h, struct http_call *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		h->calls = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		h->last_call = c->prev;
	c->next = c->prev = NULL;
}

/*
 * What may be sent.
 */

static bool
rule_fits(const struct http_rule *rule, const char *method,
    const struct url_parts *url)
{
	size_t n = strlen(rule->host), skip = 0;

	if (strcmp(rule->method, method) != 0)
		return false;
	if (rule->host[0] == '.' || rule->host[0] == '-') {
		if (url->host_len <= n)
			return false;
		skip = url->host_len - n;
	} else if (url->host_len != n) {
		return false;
	}
	if (strncasecmp(url->host + skip, rule->host, n) != 0)
		return false;
	n = strlen(rule->path);
	if (n > 0 && rule->path[n - 1] == '*') {
		n--;
		return url->path_len >= n &&
		    strncmp(url->path, rule->path, n) == 0;
	}
	return url->path_len == n && strncmp(url->path, rule->path, n) == 0;
}

static bool
is_allowed(
    const struct http *h, const char *method, const struct url_parts *url)
{
	const struct http_rule *const *list, *rule;

	for (list = h->rules; *list != NULL; list++)
		for (rule = *list; rule->method != NULL; rule++)
			if (rule_fits(rule, method, url))
				return true;
	return false;
}

/*
 * Answers.
 */

static void
response_init(struct http_response *resp, enum http_kind kind)
{
	memset(resp, 0, sizeof(*resp));
	resp->retry_after_ms = resp->date_ms = resp->length = -1;
	resp->range_start = resp->range_total = -1;
	buf_init(&resp->headers, MAX_HEADER_BYTES);
	buf_init(
	    &resp->body, kind == HTTP_JSON ? MAX_JSON_BYTES : MAX_PAGE_BYTES);
	/* Tokens and cookies come in both. */
	resp->headers.secret = resp->body.secret = kind == HTTP_JSON;
}

void
http_response_clear(struct http_response *resp)
{
	buf_clear(&resp->headers);
	buf_clear(&resp->body);
}

bool
http_header(
    char *out, size_t size, const struct http_response *resp, const char *name)
{
	const char *line = buf_text(&resp->headers), *value, *end;
	size_t n = strlen(name);

	for (; *line != '\0'; line = end + 1) {
		end = line + strcspn(line, "\n");
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			value = line + n + 1;
			value += strspn(value, " \t");
			while (
			    end > value && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			if ((size_t)(end - value) >= size)
				return false;
			memcpy(out, value, (size_t)(end - value));
			out[end - value] = '\0';
			return true;
		}
		if (*end == '\0')
			break;
	}
	return false;
}

static int64_t
header_date(const struct http_response *resp, const char *name)
{
	char value[64];
	time_t t;

	if (!http_header(value, sizeof(value), resp, name))
		return -1;
	t = curl_getdate(value, NULL);
	return t < 0 || t > INT64_MAX / 1000 ? -1 : (int64_t)t * 1000;
}

static int64_t
header_int(const struct http_response *resp, const char *name, int64_t max)
{
	char value[64];
	int64_t n;

	if (!http_header(value, sizeof(value), resp, name) ||
	    text_int(&n, value, 0, max) == -1)
		return -1;
	return n;
}

/* A date is compared with the server's own clock if it has sent one. */
static int64_t
retry_after(const struct http_response *resp)
{
	int64_t n = header_int(resp, "Retry-After", INT64_MAX / 1000), now;

	if (n != -1)
		return n * 1000;
	n = header_date(resp, "Retry-After");
	if (n == -1)
		return -1;
	now = resp->date_ms != -1 ? resp->date_ms : clock_now_ms();
	return n > now ? n - now : 0;
}

/* "bytes 5-9/100"; either side of the slash may be unknown ("*"). */
static void
parse_range(struct http_response *resp)
{
	char value[96], *p, *dash, *slash;

	if (!http_header(value, sizeof(value), resp, "Content-Range") ||
	    strncasecmp(value, "bytes ", 6) != 0)
		return;
	p = value + 6;
	p += strspn(p, " ");
	slash = strchr(p, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	dash = strchr(p, '-');
	if (dash != NULL) {
		*dash = '\0';
		if (text_int(&resp->range_start, p, 0, INT64_MAX) == -1)
			resp->range_start = -1;
	}
	if (text_int(&resp->range_total, slash + 1, 0, INT64_MAX) == -1)
		resp->range_total = -1;
}

/* Is the body of this content answer the file that was asked for? */
static bool
is_file(const struct http_response *resp)
{
	char type[256];
	const char *p;

	if (resp->status != 200 && resp->status != 206)
		return false;
	if (!http_header(type, sizeof(type), resp, "Content-Type"))
		return true;
	if (strncasecmp(type, "text/", 5) == 0)
		return false;
	for (p = type; *p != '\0'; p++)
		if (strncasecmp(p, "json", 4) == 0)
			return false;
	return true;
}

static void
head_complete(struct http_call *c)
{
	struct http_response *resp = &c->resp;

	resp->date_ms = header_date(resp, "Date");
	resp->retry_after_ms = retry_after(resp);
	resp->length = header_int(resp, "Content-Length", INT64_MAX);
	parse_range(resp);
	c->is_file = c->kind == HTTP_CONTENT && is_file(resp);
}

/* "HTTP/1.1 200 OK" */
static int
status_of(const char *line, size_t n)
{
	const char *blank = memchr(line, ' ', n);
	int status = 0, i;

	if (blank == NULL || line + n - blank < 4)
		return 0;
	for (i = 1; i <= 3; i++) {
		if (blank[i] < '0' || blank[i] > '9')
			return 0;
		status = status * 10 + (blank[i] - '0');
	}
	return status;
}

static size_t
header_cb(char *line, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	struct http_response *resp = &c->resp;
	size_t all = size * n, len = all;

	if (c->state == ENDED)
		return 0;
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	if (!c->in_head) {
		if (len < 5 || memcmp(line, "HTTP/", 5) != 0)
			return all; /* a trailer behind the body */
		/* A second head follows one of 100 to 199. */
		buf_reset(&resp->headers);
		resp->status = status_of(line, len);
		c->in_head = true;
		return all;
	}
	if (len == 0) {
		c->in_head = false;
		if (resp->status >= 200)
			head_complete(c);
		return all;
	}
	if (buf_add(&resp->headers, line, len) == -1 ||
	    buf_addc(&resp->headers, '\n') == -1) {
		err_set(&c->err, ERR_PROTOCOL, NULL,
		    "The answer of %s has a head that is too long.", c->host);
		return 0;
	}
	return all;
}

static size_t
give_sink(struct http_call *c, const char *p, size_t n)
{
	struct http *h = c->http;
	int rc;

	if (h->rate_bytes > 0)
		h->budget_bytes -= (int64_t)n;
	h->in_sink = c;
	h->in_callback++;
	rc = c->sink(c->arg, &c->resp, (const uint8_t *)p, n, &c->err);
	h->in_callback--;
	h->in_sink = NULL;
	if (rc == 0)
		return n;
	assert(c->err.code != ERR_NONE);
	return 0;
}

static size_t
body_cb(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	struct buf *body = &c->resp.body;
	size_t len = size * n;

	if (c->state == ENDED)
		return 0;
	if (c->is_file)
		return give_sink(c, p, len);
	if (buf_add(body, p, len) == 0)
		return len;
	if (c->kind == HTTP_CONTENT) {
		/* What a page says stands at its beginning. */
		(void)buf_add(body, p, body->max - body->len);
		c->clipped = true;
		return 0;
	}
	err_set(&c->err, ERR_PROTOCOL, NULL, "The answer of %s is too large.",
	    c->host);
	return 0;
}

/*
 * Handles of libcurl.
 */

/* Of every handle, also of one that never sends. */
static bool
configure(const struct http *h, CURL *easy, enum http_kind kind)
{
	bool json = kind == HTTP_JSON, ok = true;

#define SET(option, value) \
	(ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK)
	SET(CURLOPT_SHARE, h->shares[kind]);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* A name that is still being looked up holds up nobody who stops. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, json ? 30L : 15L);
	if (json) {
		/* No file: only so does libcurl use the cookies of the share. */
		SET(CURLOPT_COOKIEFILE, "");
		SET(CURLOPT_TIMEOUT, 60L);
		SET(CURLOPT_ACCEPT_ENCODING, "");
	} else {
		SET(CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
		SET(CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
	}
	if (h->user_agent != NULL)
		SET(CURLOPT_USERAGENT, h->user_agent);
	if (h->ca_file != NULL) {
		SET(CURLOPT_CAINFO, h->ca_file);
		/* These authorities and no others. */
		SET(CURLOPT_CAPATH, NULL);
	}
	if (h->connect_to != NULL) {
		SET(CURLOPT_CONNECT_TO, h->connect_to);
		SET(CURLOPT_PROXY, "");
	}
	return ok;
}

static bool
configure_call(struct http_call *c)
{
	CURL *easy = c->easy;
	bool ok = configure(c->http, easy, c->kind);

	SET(CURLOPT_URL, c->url);
	SET(CURLOPT_HTTPHEADER, c->headers);
	SET(CURLOPT_PRIVATE, c);
	SET(CURLOPT_HEADERFUNCTION, header_cb);
	SET(CURLOPT_HEADERDATA, c);
	SET(CURLOPT_WRITEFUNCTION, body_cb);
	SET(CURLOPT_WRITEDATA, c);
	/* What was cut once is not tried again on the same kind of wire. */
	SET(CURLOPT_FRESH_CONNECT, c->fresh || c->tries > 0 ? 1L : 0L);
	if (c->has_body) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.len);
		SET(CURLOPT_POSTFIELDS, buf_text(&c->body));
		if (strcmp(c->method, "POST") != 0)
			SET(CURLOPT_CUSTOMREQUEST, c->method);
	} else if (strcmp(c->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else {
		SET(CURLOPT_HTTPGET, 1L);
		if (strcmp(c->method, "GET") != 0)
			SET(CURLOPT_CUSTOMREQUEST, c->method);
	}
#undef SET
	return ok;
}

static CURL *
take_easy(struct http *h, enum http_kind kind)
{
	struct idle *idle = &h->idle[kind];
	CURL *easy;

	if (idle->n > 0)
		return idle->handles[--idle->n];
	easy = curl_easy_init();
	if (easy == NULL)
		err_fatal("Out of memory.");
	return easy;
}

static void
give_back(struct http *h, enum http_kind kind, CURL *easy)
{
	struct idle *idle = &h->idle[kind];

	/* 7.88 loses the list of cookie files at a reset.  The cookies are the
	 * share's and stay. */
	if (kind == HTTP_JSON)
		(void)curl_easy_setopt(easy, CURLOPT_COOKIEFILE, NULL);
	curl_easy_reset(easy);
	idle->handles =
	    xreallocarray(idle->handles, idle->n + 1, sizeof(CURL *));
	idle->handles[idle->n++] = easy;
}

/*
 * The rate is kept twice over.  libcurl slows down each transfer, but lets a
 * megabyte or so through at its beginning, which is a whole photo; so none
 * begins while more has come than the rate allows.
 */
static void
fill_budget(struct http *h)
{
	int64_t now = clock_mono_ms(), passed = now - h->budget_ms, more;

	if (passed > 1000)
		passed = 1000;
	more = h->rate_bytes * passed / 1000;
	if (more == 0)
		return;
	h->budget_ms = now;
	h->budget_bytes += more;
	if (h->budget_bytes > h->rate_bytes)
		h->budget_bytes = h->rate_bytes;
}

static bool
is_held_back(const struct http *h, const struct http_call *c)
{
	return c->kind == HTTP_CONTENT && h->budget_bytes < 0;
}

/* An equal share of the rate for each content transfer that runs. */
static void
share_rate(struct http *h)
{
	struct http_call *c;
	int64_t n = 0, rate;

	if (h->rate_bytes <= 0)
		return;
	for (c = h->calls; c != NULL; c = c->next)
		n += c->kind == HTTP_CONTENT && c->state == RUNNING;
	if (n == 0)
		return;
	rate = h->rate_bytes / n > 0 ? h->rate_bytes / n : 1;
	for (c = h->calls; c != NULL; c = c->next) {
		if (c->kind != HTTP_CONTENT || c->state != RUNNING)
			continue;
		(void)curl_easy_setopt(
		    c->easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)rate);
		/* Slowed down by us is not stalled. */
		(void)curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT,
		    rate / 2 < STALL_BYTES ? (long)(rate / 2)
					   : (long)STALL_BYTES);
	}
}

/* Hand the call to libcurl. */
static void
call_send(struct http *h, struct http_call *c)
{
	c->easy = take_easy(h, c->kind);
	if (!configure_call(c) ||
	    curl_multi_add_handle(h->multi, c->easy) != CURLM_OK)
		err_fatal("Out of memory.");
	c->state = RUNNING;
	c->tries++;
	c->started_ms = clock_mono_ms();
	if (h->count == 0)
		h->first_try_ms = c->started_ms;
	c->falls_seen = h->falls;
	h->count++;
	share_rate(h);
}

static void
take_back(struct http *h, struct http_call *c)
{
	(void)curl_multi_remove_handle(h->multi, c->easy);
	give_back(h, c->kind, c->easy);
	c->easy = NULL;
}

/*
 * The end of a call.
 */

static void
call_free(struct http_call *c)
{
	struct curl_slist *l;

	for (l = c->headers; l != NULL; l = l->next)
		secret_wipe(l->data, strlen(l->data));
	curl_slist_free_all(c->headers);
	buf_clear(&c->body);
	http_response_clear(&c->resp);
	secret_free(c->url);
	free(c->method);
	free(c->host);
	free(c);
}

static void
reap_zombies(struct http *h)
{
	struct http_call *c;

	while ((c = h->zombies) != NULL) {
		h->zombies = c->next;
		take_back(h, c);
		call_free(c);
	}
}

static void call_retry(void *arg);

/* Call back with what stands in resp and err; c is gone then. */
static void
call_end(struct http *h, struct http_call *c)
{
	if (c->state == WAITING)
		http_after_cancel(h, call_retry, c);
	call_unlink(h, c);
	c->state = ENDED;
	/* Within its own callbacks libcurl lets no handle go. */
	if (c->easy != NULL && !h->performing)
		take_back(h, c);
	share_rate(h);
	h->in_callback++;
	c->done(c->arg, &c->resp, &c->err);
	h->in_callback--;
	if (c->easy == NULL) {
		call_free(c);
		return;
	}
	c->next = h->zombies;
	h->zombies = c;
}

static void
call_abort(struct http *h, struct http_call *c, const char *what)
{
	err_set(&c->err, ERR_INTERRUPTED, NULL, "%s", what);
	call_end(h, c);
}

/* Of a certificate: never tried again, since it will not get better. */
static bool
is_about_certificate(CURLcode rc)
{
	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return true;
	default:
		return false;
	}
}

static const char *
cause(CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "could not resolve host";
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "could not resolve proxy";
	case CURLE_COULDNT_CONNECT:
		return "could not connect";
	case CURLE_OPERATION_TIMEDOUT:
		return "no answer in time";
	case CURLE_SSL_CONNECT_ERROR:
		return "no secure connection was made";
	case CURLE_GOT_NOTHING:
		return "it was closed without an answer";
	case CURLE_SEND_ERROR:
		return "sending failed";
	case CURLE_RECV_ERROR:
		return "receiving failed";
	case CURLE_PARTIAL_FILE:
		return "it ended before the answer was whole";
	default:
		return curl_easy_strerror(rc);
	}
}

static void
set_transport_error(struct http_call *c, CURLcode rc)
{
	if (is_about_certificate(rc)) {
		err_set(&c->err, ERR_PROTOCOL,
		    "Check this computer's clock, and whether a proxy or virus "
		    "scanner looks into its connections.",
		    "The certificate of %s was not accepted.", c->host);
		return;
	}
	switch (rc) {
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_OUT_OF_MEMORY: /* so 7.88 calls a header line over 100 kB */
		err_set(&c->err, ERR_PROTOCOL, NULL,
		    "The answer of %s was not understood: %s.", c->host,
		    curl_easy_strerror(rc));
		break;
	default:
		err_set(&c->err, ERR_NETWORK, NULL,
		    "The connection to %s failed: %s.", c->host, cause(rc));
		break;
	}
}

static void
trace(const struct http_call *c)
{
	char id[80];

	if (!http_header(id, sizeof(id), &c->resp, "X-Apple-Request-UUID") &&
	    !http_header(id, sizeof(id), &c->resp, "X-Apple-I-Request-ID"))
		id[0] = '\0';
	log_http(c->method, c->url, c->resp.status,
	    (long long)(clock_mono_ms() - c->started_ms), id);
}

/* Milliseconds until the next try; -1: this was the last. */
static int64_t
next_try(const struct http *h, const struct http_call *c)
{
	struct retry_case this_try = {
	    .code = c->err.code,
	    .status = c->resp.status,
	    .stated_ms = c->resp.retry_after_ms,
	    .tries = c->tries,
	    .waited_ms = c->waited_ms,
	};
	uint32_t jitter;

	if (c->kind != HTTP_JSON || h->interrupted ||
	    h->failures >= MAX_FAILURES)
		return -1;
	compat_random(&jitter, sizeof(jitter));
	return retry_wait(&c->retry, &this_try, jitter);
}

/* The same for a network that is not there yet. */
static int64_t
first_try(const struct http *h, const struct http_call *c)
{
	const struct retry_case this_try = {
	    .code = c->err.code, .status = c->resp.status};

	if (h->heard || h->interrupted || c->kind != HTTP_JSON)
		return -1;
	return retry_patience(
	    &this_try, clock_mono_ms() - h->first_try_ms, h->patience_ms);
}

static void
call_retry(void *arg)
{
	struct http_call *c = arg;

	c->state = QUEUED;
}

static void
try_again(struct http *h, struct http_call *c, int64_t wait_ms)
{
	http_response_clear(&c->resp);
	response_init(&c->resp, c->kind);
	err_clear(&c->err);
	c->in_head = false;
	c->state = WAITING;
	http_after(h, wait_ms, call_retry, c);
}

/* libcurl is through with one try. */
static void
try_ended(struct http *h, struct http_call *c, CURLcode rc)
{
	struct http_response *resp = &c->resp;
	bool whole = rc == CURLE_OK || c->clipped || c->err.code != ERR_NONE;
	int64_t wait;

	take_back(h, c);
	if (!whole)
		set_transport_error(c, rc);
	trace(c);
	if (c->kind == HTTP_JSON && resp->status != 0)
		http_cookies_remove_empty(h);
	h->heard = h->heard || resp->status != 0;
	wait = first_try(h, c);
	if (wait != -1) {
		/* It counts neither as a try nor as a failure. */
		log_debug("There is no connection yet; trying again.");
		c->tries--;
		try_again(h, c, wait);
		return;
	}
	if (whole && resp->status != 0 && resp->status < 500 &&
	    resp->status != 408 && resp->status != 429)
		h->failures = 0;
	else if (c->falls_seen == h->falls) {
		h->failures++;
		h->falls++;
	}
	wait = next_try(h, c);
	if (wait != -1) {
		c->waited_ms += wait;
		try_again(h, c, wait);
		return;
	}
	if (c->err.code != ERR_NONE && c->err.http_status == 0)
		c->err.http_status = resp->status;
	call_end(h, c);
}

/*
 * Calls as others see them.
 */

static void
add_header(struct http_call *c, const char *line)
{
	struct curl_slist *l;
	const char *colon = strchr(line, ':');
	char *empty = NULL;

	/* To libcurl "Name:" means to leave it out; "Name;" is empty. */
	if (colon != NULL && colon[1 + strspn(colon + 1, " \t")] == '\0')
		empty = xasprintf("%.*s;", (int)(colon - line), line);
	l = curl_slist_append(c->headers, empty != NULL ? empty : line);
	free(empty);
	if (l == NULL)
		err_fatal("Out of memory.");
	c->headers = l;
}

/* A header of libcurl's own that is not to be sent. */
static void
suppress_header(struct http_call *c, const char *name_colon)
{
	struct curl_slist *l = curl_slist_append(c->headers, name_colon);

	if (l == NULL)
		err_fatal("Out of memory.");
	c->headers = l;
}

/* False if a header could become two. */
static bool
copy_headers(struct http_call *c, const struct http_request *req)
{
	const char *const *line;
	bool typed = false, clean = true;
	char range[64];

	for (line = req->headers; line != NULL && *line != NULL; line++) {
		if (strpbrk(*line, "\r\n") != NULL ||
		    strchr(*line, ':') == NULL)
			clean = false;
		if (strncasecmp(*line, "Content-Type:", 13) == 0)
			typed = true;
		add_header(c, *line);
	}
	if (req->kind == HTTP_CONTENT && req->resume_from > 0) {
		/* Not RESUME_FROM: the sink decides what a 200 means. */
		snprintf(range, sizeof(range), "Range: bytes=%lld-",
		    (long long)req->resume_from);
		add_header(c, range);
	}
	suppress_header(c, "Expect:");
	if (!typed)
		suppress_header(c, "Content-Type:");
	return clean;
}

struct http_call *
http_start(struct http *h, const struct http_request *req)
{
	struct http_call *c = xcalloc(1, sizeof(*c));
	struct url_parts parts;
	bool clean;

	assert(req->done != NULL);
	assert((req->kind == HTTP_CONTENT) == (req->sink != NULL));
	assert(req->kind == HTTP_JSON || req->retry == NULL);
	c->http = h;
	c->seq = h->seq++;
	c->kind = req->kind;
	c->method = xstrdup(req->method);
	c->url = xstrdup(req->url);
	buf_init_secret(&c->body, 0);
	c->has_body = req->body != NULL || strcmp(req->method, "POST") == 0;
	if (req->body != NULL &&
	    buf_add(&c->body, req->body, req->body_len) == -1)
		err_fatal("Out of memory.");
	c->fresh = req->fresh;
	c->retry = req->retry != NULL ? *req->retry : retry_none;
	c->sink = req->sink;
	c->done = req->done;
	c->arg = req->arg;
	response_init(&c->resp, req->kind);
	err_clear(&c->err);
	clean = copy_headers(c, req);
	call_link(h, c);

	/* With err filled it is never sent, only called back. */
	if (!clean || !url_split(&parts, c->url) ||
	    !is_allowed(h, c->method, &parts)) {
		err_set(&c->err, ERR_REFUSED, NULL,
		    "A request was not sent, since it is none that this "
		    "program may make.");
		return c;
	}
	c->host = xstrndup(parts.host, parts.host_len);
	if (h->interrupted)
		err_set(&c->err, ERR_INTERRUPTED, NULL, "Interrupted.");
	else if (h->failures >= MAX_FAILURES)
		err_set(&c->err, ERR_UNAVAILABLE, "Try again later.",
		    "%u requests in a row have failed; no more are made.",
		    h->failures);
	return c;
}

void
http_cancel(struct http *h, struct http_call *c)
{
	assert(c->state != ENDED);
	assert(h->in_sink != c);
	call_abort(h, c, "Cancelled.");
}

struct spin {
	struct http_response *resp;
	struct err err;
	bool done;
};

static void
spin_done(void *arg, struct http_response *resp, const struct err *e)
{
	struct spin *spin = arg;

	*spin->resp = *resp;
	memset(resp, 0, sizeof(*resp));
	spin->err = *e;
	spin->done = true;
}

int
http_call(struct http *h, struct http_response *resp,
    const struct http_request *req, struct err *e)
{
	struct http_request mine = *req;
	struct spin spin = {.resp = resp};

	assert(h->in_callback == 0);
	memset(resp, 0, sizeof(*resp));
	mine.done = spin_done;
	mine.arg = &spin;
	(void)http_start(h, &mine);
	while (!spin.done)
		http_turn(h, 1000);
	if (spin.err.code == ERR_NONE)
		return 0;
	if (e != NULL)
		*e = spin.err;
	return -1;
}

/*
 * The loop.
 */

/* Call back what was refused before this turn; says if there was any. */
static bool
end_refused(struct http *h)
{
	uint64_t limit = h->seq;
	struct http_call *c;
	bool any = false;

	for (;;) {
		for (c = h->calls; c != NULL && c->seq < limit; c = c->next)
			if (c->state == QUEUED && c->err.code != ERR_NONE)
				break;
		if (c == NULL || c->seq >= limit)
			return any;
		call_end(h, c);
		any = true;
	}
}

static void
send_queued(struct http *h)
{
	struct http_call *c;

	fill_budget(h);
	for (c = h->calls; c != NULL; c = c->next)
		if (c->state == QUEUED && c->err.code == ERR_NONE &&
		    !is_held_back(h, c))
			call_send(h, c);
}

static int
time_to_wait(const struct http *h, int timeout_ms)
{
	const struct http_call *c;
	int64_t left;

	if (h->timers != NULL) {
		left = h->timers->due_ms - clock_mono_ms();
		if (left < timeout_ms)
			timeout_ms = left > 0 ? (int)left : 0;
	}
	for (c = h->calls; c != NULL; c = c->next) {
		if (c->state != QUEUED)
			continue;
		if (c->err.code != ERR_NONE)
			return 0;
		/* Held back: at least look again soon. */
		if (timeout_ms > 20)
			timeout_ms = 20;
	}
	return timeout_ms;
}

static void
wait_for_anything(struct http *h, int timeout_ms)
{
	struct curl_waitfd *fds;
	size_t i;

	fds = xcalloc(h->n_watches, sizeof(*fds));
	for (i = 0; i < h->n_watches; i++) {
		fds[i].fd = h->watches[i].fd;
		fds[i].events = CURL_WAIT_POLLIN;
	}
	if (curl_multi_poll(h->multi, fds, (unsigned)h->n_watches, timeout_ms,
		NULL) != CURLM_OK)
		(void)poll(NULL, 0, timeout_ms < 100 ? timeout_ms : 100);
	free(fds);
}

static void
perform(struct http *h)
{
	struct http_call *c;
	CURLMsg *msg;
	CURLcode rc;
	char *private;
	int n;

	h->performing = true;
	(void)curl_multi_perform(h->multi, &n);
	h->performing = false;
	reap_zombies(h);
	while ((msg = curl_multi_info_read(h->multi, &n)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		/* msg dies with the handle's removal. */
		rc = msg->data.result;
		if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
			&private) != CURLE_OK)
			continue;
		c = (struct http_call *)(void *)private;
		try_ended(h, c, rc);
	}
}

static void
run_timers(struct http *h)
{
	int64_t now = clock_mono_ms();
	uint64_t limit = h->seq;
	struct timer **at, *t;

	/* One that was set in this turn is not for this turn. */
	for (at = &h->timers; (t = *at) != NULL && t->due_ms <= now;) {
		if (t->seq >= limit) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		h->in_callback++;
		t->cb(t->arg);
		h->in_callback--;
		free(t);
		at = &h->timers;
	}
}

static struct watch *
find_watch(struct http *h, void (*cb)(void *), const void *arg)
{
	size_t i;

	for (i = 0; i < h->n_watches; i++)
		if (h->watches[i].cb == cb && h->watches[i].arg == arg)
			return &h->watches[i];
	return NULL;
}

static void
run_watches(struct http *h)
{
	size_t n = h->n_watches, i;
	struct watch *copy, *w;
	struct pollfd *fds;

	if (n == 0)
		return;
	/* libcurl does not tell of POLLHUP, which is readable to us. */
	fds = xcalloc(n, sizeof(*fds));
	copy = xcalloc(n, sizeof(*copy));
	memcpy(copy, h->watches, n * sizeof(*copy));
	for (i = 0; i < n; i++) {
		fds[i].fd = copy[i].fd;
		fds[i].events = POLLIN;
	}
	if (poll(fds, (nfds_t)n, 0) <= 0)
		n = 0;
	for (i = 0; i < n; i++) {
		if (fds[i].revents == 0)
			continue;
		/* A watcher before may have removed this one. */
		w = find_watch(h, copy[i].cb, copy[i].arg);
		if (w == NULL || w->fd != copy[i].fd)
			continue;
		h->in_callback++;
		copy[i].cb(copy[i].arg);
		h->in_callback--;
	}
	free(fds);
	free(copy);
}

void
http_turn(struct http *h, int timeout_ms)
{
	assert(h->in_callback == 0);
	assert(timeout_ms >= 0);
	if (end_refused(h))
		timeout_ms = 0;
	send_queued(h);
	wait_for_anything(h, time_to_wait(h, timeout_ms));
	perform(h);
	run_timers(h);
	run_watches(h);
}

void
http_after(struct http *h, int64_t after_ms, void (*cb)(void *), void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t)), **at = &h->timers;

	t->due_ms = clock_mono_ms() + (after_ms > 0 ? after_ms : 0);
	t->seq = h->seq++;
	t->cb = cb;
	t->arg = arg;
	while (*at != NULL && (*at)->due_ms <= t->due_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void
http_after_cancel(struct http *h, void (*cb)(void *), void *arg)
{
	struct timer **at = &h->timers, *t;

	while ((t = *at) != NULL) {
		if (t->cb != cb || t->arg != arg) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		free(t);
	}
}

void
http_watch(struct http *h, int fd, void (*cb)(void *), void *arg)
{
	struct watch *w = find_watch(h, cb, arg);
	size_t i;

	if (fd == -1) {
		if (w == NULL)
			return;
		i = (size_t)(w - h->watches);
		h->n_watches--;
		memmove(w, w + 1, (h->n_watches - i) * sizeof(*w));
		return;
	}
	if (w == NULL) {
		h->watches =
		    xreallocarray(h->watches, h->n_watches + 1, sizeof(*w));
		w = &h->watches[h->n_watches++];
	}
	w->fd = fd;
	w->cb = cb;
	w->arg = arg;
}

void
http_interrupt(struct http *h)
{
	uint64_t limit = h->seq;

	assert(h->in_sink == NULL);
	h->interrupted = true;
	/* Calls that the callbacks start are younger: they end next turn. */
	while (h->calls != NULL && h->calls->seq < limit)
		call_abort(h, h->calls, "Interrupted.");
}

bool
http_interrupted(const struct http *h)
{
	return h->interrupted;
}

unsigned
http_failures_in_row(const struct http *h)
{
	return h->failures;
}

CURL *
http_jar(struct http *h)
{
	return h->jar;
}

uint64_t
http_count(const struct http *h)
{
	return h->count;
}

/*
 * Beginning and end of all.
 */

static CURLSH *
new_share(enum http_kind kind)
{
	CURLSH *share = curl_share_init();

	if (share == NULL ||
	    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) !=
		CURLSHE_OK ||
	    curl_share_setopt(share, CURLSHOPT_SHARE,
		CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
		err_fatal("Out of memory.");
	if (kind == HTTP_JSON &&
	    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) !=
		CURLSHE_OK)
		err_fatal("Out of memory.");
	return share;
}

/* A quarter of the descriptors that there are. */
static long
connections_max(void)
{
	int n = compat_descriptors() / 4;

	return n < MAX_CONNECTIONS ? n : MAX_CONNECTIONS;
}

int
http_new(struct http **out, const struct http_options *options, struct err *e)
{
	long connections = connections_max();
	struct http *h;
	char *to;
	int kind;

	if (options->ca_file != NULL && access(options->ca_file, R_OK) == -1)
		return err_set(e, ERR_USAGE, "Check --ca-file.",
		    "The file of trusted authorities cannot be read: %s.",
		    options->ca_file);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		err_fatal("libcurl could not be started.");
	h = xcalloc(1, sizeof(*h));
	h->rules = options->rules;
	h->user_agent = xstrdup(options->user_agent);
	h->ca_file = xstrdup(options->ca_file);
	/* A limit that no line reaches is none. */
	if (options->rate_bytes > 0 && options->rate_bytes < INT64_C(1) << 40)
		h->rate_bytes = options->rate_bytes;
	h->budget_ms = clock_mono_ms();
	h->patience_ms = options->patience_ms;
	if (options->connect_to != NULL) {
		to = xasprintf("::%s", options->connect_to);
		h->connect_to = curl_slist_append(NULL, to);
		free(to);
		if (h->connect_to == NULL)
			err_fatal("Out of memory.");
	}
	for (kind = 0; kind < N_KINDS; kind++)
		h->shares[kind] = new_share((enum http_kind)kind);
	h->multi = curl_multi_init();
	h->jar = curl_easy_init();
	if (h->multi == NULL || h->jar == NULL ||
	    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, connections) !=
		CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
		connections) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING,
		(long)CURLPIPE_NOTHING) != CURLM_OK)
		err_fatal("libcurl could not be started.");
	if (!configure(h, h->jar, HTTP_CONTENT) ||
	    !configure(h, h->jar, HTTP_JSON)) {
		http_free(h);
		return err_set(e, ERR_USAGE, "Use libcurl 7.88 or later.",
		    "The libcurl of this system lacks what is needed.");
	}
	*out = h;
	return 0;
}

void
http_free(struct http *h)
{
	struct timer *t;
	int kind;

	if (h == NULL)
		return;
	assert(h->in_callback == 0);
	h->interrupted = true;
	while (h->calls != NULL)
		call_abort(h, h->calls, "Cancelled.");
	while ((t = h->timers) != NULL) {
		h->timers = t->next;
		free(t);
	}
	for (kind = 0; kind < N_KINDS; kind++) {
		while (h->idle[kind].n > 0)
			curl_easy_cleanup(
			    h->idle[kind].handles[--h->idle[kind].n]);
		free(h->idle[kind].handles);
	}
	curl_easy_cleanup(h->jar);
	(void)curl_multi_cleanup(h->multi);
	for (kind = 0; kind < N_KINDS; kind++)
		(void)curl_share_cleanup(h->shares[kind]);
	curl_slist_free_all(h->connect_to);
	curl_global_cleanup();
	free(h->watches);
	free(h->user_agent);
	free(h->ca_file);
	free(h);
}
