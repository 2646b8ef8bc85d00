#include "control.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "secrets.h"
#include "tally.h"

struct control {
	const struct server_parts *parts;
	struct server *server;
	struct MHD_Daemon *daemon;
	uint16_t port;
	int quit_fd;
	bool quits; /* one thread serves all of this port */
};

/* Each fills out with its answer; NULL on success, else why not. */
typedef const char *handler(struct control *, const cJSON *in, struct buf *out);

static const char *
get_truth(struct control *c, const cJSON *in, struct buf *out)
{
	(void)in;
	cloud_truth(c->parts->cloud, out);
	return NULL;
}

static const char *
get_links(struct control *c, const cJSON *in, struct buf *out)
{
	(void)in;
	cloud_links(c->parts->cloud, server_now_ms(c->server), out);
	return NULL;
}

static const char *
get_counters(struct control *c, const cJSON *in, struct buf *out)
{
	(void)c;
	(void)in;
	tally_counters(out);
	return NULL;
}

static const char *
get_requests(struct control *c, const cJSON *in, struct buf *out)
{
	(void)c;
	(void)in;
	tally_requests(out);
	return NULL;
}

static const char *
get_secrets(struct control *c, const cJSON *in, struct buf *out)
{
	(void)c;
	(void)in;
	secrets_list(out);
	return NULL;
}

static const char *
get_code(struct control *c, const cJSON *in, struct buf *out)
{
	cJSON *code = account_code(c->parts->account);
	char *text;

	(void)in;
	if (code == NULL)
		return "no code was asked for";
	text = cJSON_PrintUnformatted(code);
	buf_addf(out, "%s\n", text);
	cJSON_free(text);
	cJSON_Delete(code);
	return NULL;
}

static const char *
post_reset(struct control *c, const cJSON *in, struct buf *out)
{
	(void)c;
	(void)in;
	(void)out;
	tally_reset();
	return NULL;
}

static const char *
post_change(struct control *c, const cJSON *in, struct buf *out)
{
	const char *op = json_str(in, "op");

	(void)out;
	if (op == NULL)
		return "\"op\" is missing";
	if (strncmp(op, "account_", strlen("account_")) == 0)
		return account_control(c->parts->account, in);
	return cloud_control(c->parts->cloud, in, server_now_ms(c->server));
}

static const char *
post_fault(struct control *c, const cJSON *in, struct buf *out)
{
	(void)out;
	return faults_arm(c->parts->faults, in);
}

static const char *
post_faults_clear(struct control *c, const cJSON *in, struct buf *out)
{
	(void)in;
	(void)out;
	faults_clear(c->parts->faults);
	return NULL;
}

static const char *
post_clock(struct control *c, const cJSON *in, struct buf *out)
{
	int64_t s;

	if (!json_int(&s, in, "advance_s") || s < 0 || s > 4000000000)
		return "\"advance_s\" is missing or out of range";
	server_advance(c->server, s * 1000);
	buf_addf(out, "{\"ok\":true,\"now_ms\":%lld}\n",
	    (long long)server_now_ms(c->server));
	return NULL;
}

static const char *
post_quit(struct control *c, const cJSON *in, struct buf *out)
{
	(void)in;
	(void)out;
	c->quits = true;
	return NULL;
}

static const struct {
	const char *method, *path;
	handler *run;
	unsigned int failed; /* status when it says why not */
} routes[] = {
    {"GET", "/truth", get_truth, 500},
    {"GET", "/links", get_links, 500},
    {"GET", "/counters", get_counters, 500},
    {"GET", "/requests", get_requests, 500},
    {"GET", "/secrets", get_secrets, 500},
    {"GET", "/code", get_code, 404},
    {"POST", "/counters/reset", post_reset, 500},
    {"POST", "/change", post_change, 400},
    {"POST", "/fault", post_fault, 400},
    {"POST", "/faults/clear", post_faults_clear, 500},
    {"POST", "/clock", post_clock, 400},
    {"POST", "/quit", post_quit, 500},
};

static unsigned int
route(struct control *c, const char *method, const char *path,
    const struct buf *body, struct buf *out)
{
	unsigned int status = 404;
	const char *why = "no such thing here";
	cJSON *in = NULL;
	size_t i;

	if (body->len > 0)
		in = json_parse(body->data, body->len, NULL);
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].method, method) != 0 ||
		    strcmp(routes[i].path, path) != 0)
			continue;
		why = body->len > 0 && in == NULL ? "the body is no JSON"
						  : routes[i].run(c, in, out);
		status = why == NULL ? 200 : routes[i].failed;
		break;
	}
	if (why != NULL) {
		buf_reset(out);
		buf_adds(out, "{\"error\":");
		buf_add_json(out, why);
		buf_adds(out, "}\n");
	} else if (out->len == 0 && strcmp(method, "POST") == 0)
		buf_adds(out, "{\"ok\":true}\n");
	cJSON_Delete(in);
	return status;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *con, const char *url,
    const char *method, const char *version, const char *data, size_t *data_len,
    void **state)
{
	struct buf *body = *state, out = {0};
	struct MHD_Response *resp;
	enum MHD_Result rc;
	unsigned int status;
	size_t len;

	(void)version;
	if (body == NULL) {
		*state = body = xcalloc(1, sizeof(*body));
		buf_init(body, (size_t)16 << 20);
		return MHD_YES;
	}
	if (*data_len > 0) {
		if (buf_add(body, data, *data_len) == -1)
			return MHD_NO;
		*data_len = 0;
		return MHD_YES;
	}
	status = route(arg, method, url, body, &out);
	len = out.len;
	resp = MHD_create_response_from_buffer(
	    len, buf_take(&out), MHD_RESPMEM_MUST_FREE);
	if (resp == NULL)
		return MHD_NO;
	MHD_add_response_header(resp, "Content-Type", "application/json");
	rc = MHD_queue_response(con, status, resp);
	MHD_destroy_response(resp);
	return rc;
}

static void
on_end(void *arg, struct MHD_Connection *con, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct control *c = arg;
	struct buf *body = *state;

	(void)con;
	(void)why;
	if (body != NULL)
		buf_clear(body);
	free(body);
	*state = NULL;
	/* Not before the answer to /quit is out. */
	if (c->quits && write(c->quit_fd, "q", 1) == 1)
		c->quits = false;
}

struct control *
control_start(
    const struct server_parts *parts, struct server *server, int quit_fd)
{
	struct control *c = xcalloc(1, sizeof(*c));
	struct sockaddr_in at = {.sin_family = AF_INET};
	const union MHD_DaemonInfo *info;

	c->parts = parts;
	c->server = server;
	c->quit_fd = quit_fd;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->daemon = MHD_start_daemon(
	    MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
	    on_request, c, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at,
	    MHD_OPTION_NOTIFY_COMPLETED, on_end, c, MHD_OPTION_END);
	info = c->daemon == NULL
	    ? NULL
	    : MHD_get_daemon_info(c->daemon, MHD_DAEMON_INFO_BIND_PORT);
	if (info == NULL) {
		control_stop(c);
		return NULL;
	}
	c->port = info->port;
	return c;
}

void
control_stop(struct control *c)
{
	if (c == NULL)
		return;
	if (c->daemon != NULL)
		MHD_stop_daemon(c->daemon);
	free(c);
}

uint16_t
control_port(const struct control *c)
{
	return c->port;
}
