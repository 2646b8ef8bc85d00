#include "server.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "civil.h"
#include "tally.h"

#define BODY_MAX   ((size_t)16 << 20)
#define BLOCK_SIZE ((size_t)64 << 10)

static const char page[] =
    "<!DOCTYPE html>\n<html><head><title>iCloud</title></head>"
    "<body><h1>Service Temporarily Unavailable</h1></body></html>\n";

struct server {
	const struct server_parts *parts;
	struct MHD_Daemon *daemon;
	uint16_t port;
	atomic_llong advanced_ms;
	atomic_bool stopping;
};

/* A request from its first line to its end. */
struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	char *uri;
	struct buf body;
	bool seen;
};

/* The body of an answer while it is sent. */
struct sending {
	struct server *server;
	struct sim_response resp;
	struct fault *fault;
	int64_t len;
	int fd;
	bool html, content;
};

/* Wait, but not beyond the server's end. */
static void
pause_ms(struct server *s, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms, left;
	struct timespec t;

	while (
	    (left = end - clock_mono_ms()) > 0 && !atomic_load(&s->stopping)) {
		if (left > 20)
			left = 20;
		t.tv_sec = 0;
		t.tv_nsec = (long)left * 1000000;
		nanosleep(&t, NULL);
	}
}

/* Until the client closes; data from it means that as well, since it has
 * nothing to say before the answer ends but its farewell. */
static void
pause_until_left(struct server *s, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!atomic_load(&s->stopping))
		if (poll(&p, 1, 50) != 0)
			return;
}

static void
response_clear(struct sim_response *resp)
{
	buf_clear(&resp->headers);
	buf_clear(&resp->body);
	if (resp->bytes_free != NULL)
		resp->bytes_free(resp->bytes_arg);
	memset(resp, 0, sizeof(*resp));
}

static void
sending_free(void *arg)
{
	struct sending *w = arg;

	faults_release(w->server->parts->faults, w->fault);
	response_clear(&w->resp);
	free(w);
}

static void
fill(const struct sending *w, int64_t pos, char *out, size_t n)
{
	size_t have;

	if (w->html) {
		memset(out, ' ', n);
		if ((size_t)pos < sizeof(page) - 1) {
			have = sizeof(page) - 1 - (size_t)pos;
			memcpy(out, page + pos, have < n ? have : n);
		}
	} else if (w->resp.bytes != NULL)
		w->resp.bytes(w->resp.bytes_arg, w->resp.bytes_offset + pos,
		    (uint8_t *)out, n);
	else
		memcpy(out, w->resp.body.data + pos, n);
}

/* How many bytes may go out now; 0: none any more, close. */
static size_t
allowed(const struct sending *w, int64_t pos, size_t max)
{
	const struct fault *f = w->fault;
	size_t n = max;

	if (w->len - pos < (int64_t)n)
		n = (size_t)(w->len - pos);
	if (f == NULL)
		return n;
	switch (f->kind) {
	case FAULT_CUT:
	case FAULT_STALL:
		if (pos >= f->after_bytes) {
			if (f->kind == FAULT_STALL)
				pause_until_left(w->server, w->fd);
			return 0;
		}
		if (f->after_bytes - pos < (int64_t)n)
			n = (size_t)(f->after_bytes - pos);
		break;
	case FAULT_DRIP:
		if (pos > 0)
			pause_ms(w->server,
			    f->bytes_per_s < 10 ? 1000 / f->bytes_per_s : 100);
		if (atomic_load(&w->server->stopping))
			return 0;
		if (f->bytes_per_s / 10 < (int64_t)n)
			n = f->bytes_per_s < 10 ? 1
						: (size_t)(f->bytes_per_s / 10);
		break;
	default:
		break;
	}
	return n;
}

static ssize_t
send_some(void *arg, uint64_t at, char *out, size_t max)
{
	const struct sending *w = arg;
	int64_t pos = (int64_t)at, offset;
	size_t n = allowed(w, pos, max);

	if (n == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	fill(w, pos, out, n);
	if (w->fault != NULL && w->fault->kind == FAULT_FLIP) {
		offset = w->fault->offset - pos;
		if (offset >= 0 && offset < (int64_t)n)
			out[offset] = (char)~out[offset];
	}
	if (w->content)
		tally_content_bytes((int64_t)n);
	return (ssize_t)n;
}

static void
add_headers(struct MHD_Response *out, const char *lines)
{
	const char *p, *colon, *end;
	char *name, *value;

	for (p = lines; *p != '\0'; p = end + 1) {
		end = p + strcspn(p, "\n");
		colon = memchr(p, ':', (size_t)(end - p));
		if (colon == NULL)
			continue;
		name = xstrndup(p, (size_t)(colon - p));
		colon += 1 + strspn(colon + 1, " ");
		value = xstrndup(colon, (size_t)(end - colon));
		MHD_add_response_header(out, name, value);
		free(name);
		free(value);
		if (*end == '\0')
			break;
	}
}

/* The Date of an answer is the simulated clock's: links and cookies are
 * measured by it. */
static void
add_date(struct MHD_Response *out, int64_t now_ms)
{
	static const char days[][4] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c;
	char text[64];

	civil_from_ms(&c, now_ms);
	snprintf(text, sizeof(text), "%s, %02d %s %lld %02d:%02d:%02d GMT",
	    days[c.weekday], c.day, months[c.month - 1], (long long)c.year,
	    c.hour, c.minute, c.second);
	MHD_add_response_header(out, MHD_HTTP_HEADER_DATE, text);
}

/* Instead of what was answered, what the fault says. */
static void
replace(struct sim_response *resp, const struct fault *f)
{
	const cJSON *h;

	response_clear(resp);
	resp->status = f->status;
	sim_add_header(resp, "Content-Type", "%s",
	    f->content_type != NULL ? f->content_type : "text/html");
	if (f->retry_after_s >= 0)
		sim_add_header(
		    resp, "Retry-After", "%lld", (long long)f->retry_after_s);
	cJSON_ArrayForEach (h, f->headers)
		if (cJSON_IsString(h))
			sim_add_header(resp, h->string, "%s", h->valuestring);
	buf_adds(&resp->body, f->body != NULL ? f->body : page);
}

static enum MHD_Result
send_response(struct exchange *x, struct sim_response *resp,
    struct fault *fault, bool content)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sending *w = xcalloc(1, sizeof(*w));
	struct MHD_Response *out;
	enum MHD_Result rc;
	int status = resp->status;

	w->server = x->server;
	w->fault = fault;
	w->content = content;
	w->fd = info != NULL ? info->connect_fd : -1;
	w->len =
	    resp->bytes != NULL ? resp->bytes_len : (int64_t)resp->body.len;
	if (fault != NULL && fault->kind == FAULT_HTML) {
		w->html = true;
		status = 200;
		buf_reset(&resp->headers);
		sim_add_header(resp, "Content-Type", "text/html");
		if (!fault->size_like_file)
			w->len = (int64_t)sizeof(page) - 1;
	}
	if (fault != NULL && fault->kind == FAULT_CUT_CLEAN &&
	    fault->after_bytes < w->len)
		w->len = fault->after_bytes;
	if (status == 204 || status == 304)
		w->len = 0;
	w->resp = *resp;
	memset(resp, 0, sizeof(*resp));
	out = MHD_create_response_from_callback(
	    (uint64_t)w->len, BLOCK_SIZE, send_some, w, sending_free);
	if (out == NULL) {
		sending_free(w);
		return MHD_NO;
	}
	add_headers(out, buf_text(&w->resp.headers));
	add_date(out, server_now_ms(x->server));
	rc = MHD_queue_response(x->connection, (unsigned int)status, out);
	MHD_destroy_response(out);
	return rc;
}

/* MHD_NO makes the library close; without waiting for what is unsent, the
 * client sees its connection reset. */
static enum MHD_Result
send_reset(struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (info != NULL)
		setsockopt(
		    info->connect_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return MHD_NO;
}

static const char *
find_header(void *arg, const char *name)
{
	return MHD_lookup_connection_value(arg, MHD_HEADER_KIND, name);
}

static void
lower_host(char *out, size_t size, const char *host)
{
	size_t i;

	for (i = 0; host[i] != '\0' && host[i] != ':' && i + 1 < size; i++)
		out[i] = (char)tolower((unsigned char)host[i]);
	out[i] = '\0';
}

static void
answer(struct server *s, const struct sim_request *r, struct sim_response *resp)
{
	if (account_answer(s->parts->account, r, resp) ||
	    cloud_answer(s->parts->cloud, r, resp))
		return;
	response_clear(resp);
	resp->status = 404;
	sim_add_header(resp, "Content-Type", "text/html");
	buf_adds(&resp->body, "<html><body>Not Found</body></html>\n");
}

static enum MHD_Result
handle(struct exchange *x, const char *method)
{
	struct server *s = x->server;
	struct sim_response resp = {0};
	struct fault *f;
	const char *host = find_header(x->connection, "Host"), *name;
	char lower[128], *query = strchr(x->uri, '?');
	struct sim_request r = {.host = lower,
	    .method = method,
	    .path = x->uri,
	    .query = "",
	    .body = buf_text(&x->body),
	    .body_len = x->body.len,
	    .header = find_header,
	    .header_arg = x->connection};
	bool asked;

	lower_host(lower, sizeof(lower), host != NULL ? host : "");
	if (query != NULL) {
		*query = '\0';
		r.query = query + 1;
	}
	name = tally_name(method, r.host, r.path);
	if (sim_header(&r, "Expect") != NULL)
		sim_violation("%s: an Expect header was sent", name);
	pause_ms(s, s->parts->options->delay_ms);
	r.fault = f = faults_take(s->parts->faults, name, r.path);
	if (f != NULL && f->kind == FAULT_DELAY)
		pause_ms(s, f->ms);
	r.now_ms = server_now_ms(s);
	asked = f == NULL || f->done ||
	    (f->kind != FAULT_RESET && f->kind != FAULT_STATUS &&
		(f->kind != FAULT_HTML || f->size_like_file));
	if (asked)
		answer(s, &r, &resp);
	if (f != NULL && f->kind == FAULT_RESET) {
		tally_request(name, method, r.host, r.path, 0);
		response_clear(&resp);
		faults_release(s->parts->faults, f);
		return send_reset(x);
	}
	if (f != NULL && f->kind == FAULT_STATUS) {
		replace(&resp, f);
		if (f->retry_after_s >= 0)
			account_told_to_wait(
			    s->parts->account, &r, f->retry_after_s * 1000);
	}
	tally_request(name, method, r.host, r.path,
	    f != NULL && f->kind == FAULT_HTML ? 200 : resp.status);
	return send_response(x, &resp, f, strcmp(name, "content") == 0);
}

static void *
on_uri(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	x->server = arg;
	x->connection = c;
	x->uri = xstrdup(uri);
	buf_init(&x->body, BODY_MAX);
	return x;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *data_len,
    void **state)
{
	struct exchange *x = *state;

	(void)arg;
	(void)c;
	(void)url;
	(void)version;
	if (!x->seen) {
		x->seen = true;
		return MHD_YES;
	}
	if (*data_len > 0) {
		if (buf_add(&x->body, data, *data_len) == -1)
			return MHD_NO;
		*data_len = 0;
		return MHD_YES;
	}
	return handle(x, method);
}

static void
on_end(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *state;

	(void)arg;
	(void)c;
	(void)why;
	if (x == NULL)
		return;
	buf_clear(&x->body);
	free(x->uri);
	free(x);
	*state = NULL;
}

struct server *
server_start(
    const struct server_parts *parts, const struct tls *tls, uint16_t port)
{
	struct server *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in at = {.sin_family = AF_INET};
	const union MHD_DaemonInfo *info;

	s->parts = parts;
	at.sin_port = htons(port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->daemon = MHD_start_daemon(MHD_USE_AUTO |
		MHD_USE_INTERNAL_POLLING_THREAD |
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_TLS |
		MHD_USE_SUPPRESS_DATE_NO_CLOCK,
	    0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR,
	    (struct sockaddr *)&at, MHD_OPTION_HTTPS_MEM_KEY, tls->key,
	    MHD_OPTION_HTTPS_MEM_CERT, tls->certificate,
	    MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED,
	    on_end, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)256 << 10,
	    MHD_OPTION_CONNECTION_LIMIT, 500U, MHD_OPTION_END);
	info = s->daemon == NULL
	    ? NULL
	    : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	if (info == NULL) {
		server_stop(s);
		return NULL;
	}
	s->port = info->port;
	return s;
}

void
server_stop(struct server *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->stopping, true);
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	free(s);
}

uint16_t
server_port(const struct server *s)
{
	return s->port;
}

int64_t
server_now_ms(struct server *s)
{
	return clock_now_ms() + atomic_load(&s->advanced_ms);
}

void
server_advance(struct server *s, int64_t ms)
{
	atomic_fetch_add(&s->advanced_ms, ms);
}
