#include "test.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "buf.h"
#include "civil.h"
#include "err.h"
#include "http.h"
#include "log.h"
#include "retry.h"

/*
 * A small TLS server on loopback, reached under Apple's names by connect_to.
 * What it answers to a path stands in the table of routes:
 *	"200\nName: value\n\nbody"	Content-Length is added unless given
 *	"=..."				exactly these bytes
 *	"!200\n..."			and then the connection is cut
 *	"HANG"				nothing, until the client goes
 *	"...\n\n@N"			a body of N bytes
 * The n-th request of a path gets its n-th answer, later ones the last.
 */
struct route {
	const char *path, *answers[4];
};

static const struct route routes[] = {
    {"/json",
	{"200\nX-Test:  two words \t\nDate: Wed, 31 Jul 2024 12:00:00 "
	 "GMT\nContent-Type: application/json\n\n{\"ok\":true}"}},
    {"/status/401", {"401\n\n{\"hasError\":true}"}},
    {"/status/421", {"421\n\n"}},
    {"/status/500", {"500\n\n"}},
    {"/status/408", {"408\n\n"}},
    {"/status/429", {"429\n\n"}},
    {"/status/302", {"302\nLocation: https://setup.icloud.com/json\n\n"}},
    {"/early",
	{"=HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
	 "HTTP/1.1 200 OK\r\nX-Late: 1\r\nContent-Length: 2\r\n\r\nok"}},
    {"/trailer",
	{"=HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"}},
    {"/cookies/set",
	{"200\nSet-Cookie: A=\"quoted value\"; Domain=.icloud.com; Path=/; "
	 "Secure; HttpOnly; Expires=Fri, 12-Jan-2046 05:06:31 GMT\n"
	 "Set-Cookie: B=2; Domain=.icloud.com; Path=/; Secure\n"
	 "Set-Cookie: PRE-one=1; Domain=.icloud.com; Path=/; "
	 "Expires=Fri,12-Jan-2046 05:06:32 GMT\n"
	 "Set-Cookie: EMPTY=; Domain=.icloud.com; Path=/\n"
	 "Set-Cookie: HOST=only; Path=/\n\n{}"}},
    {"/cookies/paths",
	{"200\nSet-Cookie: C1=1; Domain=.icloud.com; Path=x\n"
	 "Set-Cookie: C2=1; Domain=.icloud.com; Path=\"/y\"\n\n{}"}},
    {"/cookies/delete",
	{"200\nSet-Cookie: A=; Domain=.icloud.com; Path=/; "
	 "Secure; HttpOnly\n\n{}"}},
    {"/cookies/error", {"503\nSet-Cookie: B=; Domain=.icloud.com; Path=/\n\n"}},
    {"/B/cookie",
	{"200\nContent-Type: image/jpeg\nSet-Cookie: EVIL=1; "
	 "Path=/\n\nphoto"}},
    {"/retry/503", {"503\nRetry-After: 0\n\nlater", "200\n\nnow"}},
    {"/retry/second", {"503\nRetry-After: 1\n\nlater", "200\n\nnow"}},
    {"/retry/date",
	{"429\nDate: Wed, 31 Jul 2024 12:00:00 GMT\nRetry-After: "
	 "Wed, 31 Jul 2024 12:00:01 GMT\n\n",
	    "200\n\nnow"}},
    {"/retry/long", {"503\nRetry-After: 120\n\n"}},
    {"/retry/past",
	{"503\nDate: Wed, 31 Jul 2024 12:00:00 GMT\nRetry-After: "
	 "Wed, 31 Jul 2024 11:00:00 GMT\n\n"}},
    {"/retry/odd", {"503\nRetry-After: soon\n\n"}},
    {"/retry/1960",
	{"503\nDate: Sun, 06 Nov 1960 08:49:37 GMT\nRetry-After: "
	 "Sun, 06 Nov 1960 08:49:38 GMT\n\n"}},
    {"/retry/cut", {"!200\nContent-Length: 100\n\nhalf", "200\n\nwhole"}},
    {"/retry/nothing", {"!", "200\n\nwhole"}},
    {"/hang", {"HANG"}},
    {"/hang/half",
	{"=HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
	 "Content-Length: 100\r\n\r\nhalf"}},
    {"/nonsense", {"=hello\r\n\r\n"}},
    {"/big/16M", {"200\n\n@16777216"}},
    {"/big/16M1", {"200\n\n@16777217"}},
    {"/B/photo", {"200\nContent-Type: image/jpeg\n\n0123456789"}},
    {"/B/typeless", {"200\n\n0123456789"}},
    {"/B/empty", {"200\nContent-Type: image/jpeg\n\n"}},
    {"/B/part",
	{"206\nContent-Type: video/quicktime\n"
	 "Content-Range: bytes 4-9/10\n\n456789"}},
    {"/B/html", {"200\nContent-Type: Text/HTML; charset=utf-8\n\n<p>busy"}},
    {"/B/error", {"200\nContent-Type: application/problem+JSON\n\n{}"}},
    {"/B/416", {"416\nContent-Range: bytes */10\n\n"}},
    {"/B/410", {"410\nContent-Type: image/jpeg\n\ngone"}},
    {"/B/cut", {"!200\nContent-Type: image/jpeg\nContent-Length: 100\n\nhalf"}},
    {"/B/gzip",
	{"200\nContent-Type: image/jpeg\nContent-Encoding: gzip\n\n"
	 "not unzipped"}},
    {"/B/page", {"200\nContent-Type: text/plain\n\n@1000000"}},
    {"/B/big", {"200\nContent-Type: image/jpeg\n\n@3000000"}},
    {"/B/slow", {"200\nContent-Type: image/jpeg\n\n@300000"}},
};

static const uint8_t zipped[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x03, 0xab, 0x56, 0xaa, 0xca, 0x2c, 0x28, 0x48, 0x4d, 0x51, 0xb2,
    0x2a, 0x29, 0x2a, 0x4d, 0xad, 0x05, 0x00, 0x84, 0x28, 0xbc, 0x08, 0x0f,
    0x00, 0x00, 0x00};

static const struct http_rule rules_setup[] = {
    {"GET", "setup.icloud.com", "*"},
    {"POST", "setup.icloud.com", "*"},
    {"PUT", "setup.icloud.com", "*"},
    {"DELETE", "setup.icloud.com", "/json"},
    {"HEAD", "setup.icloud.com", "/json"},
    {"GET", "idmsa.apple.com", "/json"},
    {"GET", "stranger.example", "/json"},
    {NULL, NULL, NULL},
};
static const struct http_rule rules_content[] = {
    {"GET", ".icloud.com", "/database/*"},
    {"GET", ".icloud-content.com", "/B/*"},
    {"GET", ".icloud-content.com", "/hang*"},
    {NULL, NULL, NULL},
};
static const struct http_rule *const rules[] = {
    rules_setup, rules_content, NULL};

struct seen {
	char *head, *body;
};

static struct {
	int fd;
	SSL_CTX *tls;
	char ca[64], other_ca[64], at[32];
	pthread_mutex_t lock;
	struct seen seen[256];
	size_t n_seen;
	unsigned hits[sizeof(routes) / sizeof(routes[0])];
	atomic_uint connections, open;
} server;

/*
 * The server.
 */

static X509 *
make_certificate(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
    const char *name, const char *alt_names)
{
	X509 *x = X509_new();
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), alt_names != NULL ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    x, X509_get_subject_name(issuer != NULL ? issuer : x));
	X509V3_set_ctx(&ctx, issuer != NULL ? issuer : x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx,
	    alt_names != NULL ? NID_subject_alt_name : NID_basic_constraints,
	    alt_names != NULL ? alt_names : "critical,CA:TRUE");
	assert_non_null(ext);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);
	return x;
}

static void
write_pem(char path[64], X509 *x)
{
	int fd;
	FILE *f;

	snprintf(path, 64, "/tmp/test-http-ca-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd != -1);
	f = fdopen(fd, "w");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
}

static void
make_tls(void)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca, *other, *leaf;

	ca = make_certificate(ca_key, NULL, ca_key, "Test CA", NULL);
	other = make_certificate(key, NULL, key, "Other CA", NULL);
	leaf = make_certificate(key, ca, ca_key, "server",
	    "DNS:*.icloud.com,DNS:idmsa.apple.com,DNS:*.icloud-content.com");
	write_pem(server.ca, ca);
	write_pem(server.other_ca, other);
	server.tls = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(server.tls, leaf), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server.tls, key), 1);
	X509_free(ca);
	X509_free(other);
	X509_free(leaf);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

static bool
send_all(SSL *ssl, const char *p, size_t n)
{
	int sent;

	while (n > 0) {
		sent = SSL_write(ssl, p, n > 16384 ? 16384 : (int)n);
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static void
add_body(struct buf *out, const char *body)
{
	static const char block[1000] = "block";
	size_t n, part;

	if (body[0] != '@') {
		buf_adds(out, body);
		return;
	}
	for (n = strtoul(body + 1, NULL, 10); n > 0; n -= part) {
		part = n < sizeof(block) ? n : sizeof(block);
		buf_add(out, block, part);
	}
}

/* Says if the connection stays open. */
static bool
answer(SSL *ssl, const char *text, bool is_head)
{
	struct buf out = {0}, body = {0};
	bool cut = text[0] == '!', ok = false;
	const char *line = text + cut, *end;
	char c;

	if (strcmp(text, "HANG") == 0) {
		(void)SSL_read(ssl, &c, 1);
		return false;
	}
	if (text[0] == '=')
		return send_all(ssl, text + 1, strlen(text + 1));
	if (*line == '\0')
		return false;
	add_body(&body, strstr(line, "\n\n") + 2);
	buf_addf(&out, "HTTP/1.1 %.3s Some Reason\r\n", line);
	for (line = strchr(line, '\n') + 1; *line != '\n'; line = end + 1) {
		end = strchr(line, '\n');
		buf_addf(&out, "%.*s\r\n", (int)(end - line), line);
	}
	if (strstr(text, "Content-Length") == NULL)
		buf_addf(&out, "Content-Length: %zu\r\n", body.len);
	buf_adds(&out, "\r\n");
	ok = send_all(ssl, out.data, out.len) &&
	    (is_head || send_all(ssl, buf_text(&body), body.len)) && !cut;
	buf_clear(&out);
	buf_clear(&body);
	return ok;
}

static bool
serve(SSL *ssl, char *head, char *body)
{
	struct buf long_head = {0};
	char path[512], method[16];
	const char *text = "404\n\n";
	bool ok;
	size_t i;

	if (sscanf(head, "%15s %511[^? ]", method, path) != 2)
		return false;
	pthread_mutex_lock(&server.lock);
	if (server.n_seen == 256)
		abort();
	server.seen[server.n_seen].head = head;
	server.seen[server.n_seen++].body = body;
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		text = routes[i].answers[server.hits[i]];
		if (server.hits[i] < 3 &&
		    routes[i].answers[server.hits[i] + 1] != NULL)
			server.hits[i]++;
	}
	pthread_mutex_unlock(&server.lock);
	if (strcmp(path, "/gzip") == 0) {
		buf_addf(&long_head,
		    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip"
		    "\r\nContent-Length: %zu\r\n\r\n",
		    sizeof(zipped));
		buf_add(&long_head, zipped, sizeof(zipped));
		ok = send_all(ssl, long_head.data, long_head.len);
		buf_clear(&long_head);
		return ok;
	}
	if (strcmp(path, "/headers/many") == 0) {
		buf_adds(
		    &long_head, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
		for (i = 0; i < 290; i++)
			buf_addf(&long_head, "X-%zu: %0900d\r\n", i, 1);
		buf_adds(&long_head, "\r\n");
		ok = send_all(ssl, long_head.data, long_head.len);
		buf_clear(&long_head);
		return ok;
	}
	return answer(ssl, text, strcmp(method, "HEAD") == 0);
}

static void *
connection(void *arg)
{
	int fd = *(int *)arg;
	SSL *ssl = SSL_new(server.tls);
	struct buf in = {0};
	char c, *head, *body;
	const char *length;
	size_t want;
	bool open;

	free(arg);
	SSL_set_fd(ssl, fd);
	open = SSL_accept(ssl) == 1;
	while (open) {
		buf_reset(&in);
		while (strstr(buf_text(&in), "\r\n\r\n") == NULL &&
		    SSL_read(ssl, &c, 1) == 1)
			buf_addc(&in, c);
		if (strstr(buf_text(&in), "\r\n\r\n") == NULL)
			break;
		head = xstrdup(in.data);
		length = strstr(head, "Content-Length: ");
		want = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
		buf_reset(&in);
		while (in.len < want && SSL_read(ssl, &c, 1) == 1)
			buf_addc(&in, c);
		body = xstrdup(buf_text(&in));
		open = serve(ssl, head, body);
	}
	buf_clear(&in);
	SSL_free(ssl);
	shutdown(fd, SHUT_RDWR);
	close(fd);
	atomic_fetch_sub(&server.open, 1);
	return NULL;
}

static void *
listener(void *arg)
{
	pthread_t thread;
	int fd, *own;

	(void)arg;
	while ((fd = accept(server.fd, NULL, NULL)) != -1) {
		atomic_fetch_add(&server.connections, 1);
		atomic_fetch_add(&server.open, 1);
		own = xmalloc(sizeof(*own));
		*own = fd;
		if (pthread_create(&thread, NULL, connection, own) != 0)
			abort();
		pthread_detach(thread);
	}
	return NULL;
}

static int
start_server(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t len = sizeof(to);
	pthread_t thread;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	make_tls();
	pthread_mutex_init(&server.lock, NULL);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(server.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(server.fd, 64), 0);
	assert_int_equal(
	    getsockname(server.fd, (struct sockaddr *)&to, &len), 0);
	snprintf(
	    server.at, sizeof(server.at), "127.0.0.1:%d", ntohs(to.sin_port));
	assert_int_equal(pthread_create(&thread, NULL, listener, NULL), 0);
	pthread_detach(thread);
	return 0;
}

static void
forget_requests(void)
{
	size_t i;

	pthread_mutex_lock(&server.lock);
	for (i = 0; i < server.n_seen; i++) {
		free(server.seen[i].head);
		free(server.seen[i].body);
	}
	server.n_seen = 0;
	memset(server.hits, 0, sizeof(server.hits));
	atomic_store(&server.connections, 0);
	pthread_mutex_unlock(&server.lock);
}

static int
stop_server(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 1000 && atomic_load(&server.open) > 0; i++)
		(void)poll(NULL, 0, 5);
	forget_requests();
	unlink(server.ca);
	unlink(server.other_ca);
	shutdown(server.fd, SHUT_RDWR);
	return 0;
}

static struct seen
request(size_t i)
{
	struct seen s;

	pthread_mutex_lock(&server.lock);
	assert_true(i < server.n_seen);
	s = server.seen[i];
	pthread_mutex_unlock(&server.lock);
	return s;
}

static size_t
requests(void)
{
	size_t n;

	pthread_mutex_lock(&server.lock);
	n = server.n_seen;
	pthread_mutex_unlock(&server.lock);
	return n;
}

static bool
has_header(size_t i, const char *line)
{
	struct buf b = {0};
	bool has;

	buf_addf(&b, "\r\n%s", line);
	has = strcasestr(request(i).head, buf_text(&b)) != NULL;
	buf_clear(&b);
	return has;
}

/*
 * The client.
 */

static struct http *
client(const struct http_options *more)
{
	struct http_options o = {0};
	struct err e = ERR_INIT;
	struct http *h = NULL;

	if (more != NULL)
		o = *more;
	o.rules = rules;
	o.user_agent = "test/1";
	if (o.ca_file == NULL)
		o.ca_file = server.ca;
	if (o.connect_to == NULL)
		o.connect_to = server.at;
	assert_int_equal(http_new(&h, &o, &e), 0);
	return h;
}

static int
set_up(void **state)
{
	forget_requests();
	*state = client(NULL);
	return 0;
}

static int
tear_down(void **state)
{
	http_free(*state);
	return 0;
}

/* One JSON request; the status, or minus the code of its error. */
static int
get(struct http *h, const char *url, struct http_response *resp)
{
	struct http_request req = {.method = "GET", .url = url};
	struct http_response own;
	struct err e = ERR_INIT;
	int rc, status;

	rc = http_call(h, resp != NULL ? resp : &own, &req, &e);
	status = resp != NULL ? resp->status : own.status;
	if (resp == NULL)
		http_response_clear(&own);
	assert_true((rc == 0) == (e.code == ERR_NONE));
	return rc == 0 ? status : -(int)e.code;
}

/* What a request with callbacks has come to. */
struct outcome {
	struct http *h;
	struct http_call *call, *other; /* other: cancelled by the sink */
	struct outcome *others;
	int called, status;
	struct err err;
	struct buf bytes, body;
	int64_t range_start, range_total, length;
	int sink_calls;
	bool sink_fails, starts_again;
};

static void
done(void *arg, struct http_response *resp, const struct err *e)
{
	struct outcome *o = arg;
	struct http_request again = {.method = "GET",
	    .url = "https://setup.icloud.com/json",
	    .done = done,
	    .arg = o};

	o->called++;
	o->call = NULL;
	o->status = resp->status;
	o->err = *e;
	o->range_start = resp->range_start;
	o->range_total = resp->range_total;
	o->length = resp->length;
	buf_reset(&o->body);
	buf_add(&o->body, buf_text(&resp->body), resp->body.len);
	if (o->starts_again) {
		o->starts_again = false;
		o->call = http_start(o->h, &again);
	}
}

static int
sink(void *arg, const struct http_response *head, const uint8_t *p, size_t n,
    struct err *e)
{
	struct outcome *o = arg;

	assert_true(head->status == 200 || head->status == 206);
	o->sink_calls++;
	if (o->sink_fails)
		return err_set(e, ERR_DISK_FULL, "Free some.", "Disk is full.");
	buf_add(&o->bytes, p, n);
	if (o->other != NULL) {
		http_cancel(o->h, o->other);
		o->other = NULL;
		assert_int_equal(o->others->called, 1);
	}
	return 0;
}

static void
start(struct outcome *o, struct http *h, enum http_kind kind, const char *url)
{
	struct http_request req = {.kind = kind,
	    .method = "GET",
	    .url = url,
	    .sink = kind == HTTP_CONTENT ? sink : NULL,
	    .done = done,
	    .arg = o};

	o->h = h;
	o->call = http_start(h, &req);
	assert_non_null(o->call);
	assert_int_equal(o->called, 0);
}

static void
finish(struct http *h, const struct outcome *o)
{
	int64_t until = clock_mono_ms() + 20000;

	while (o->called == 0 && clock_mono_ms() < until)
		http_turn(h, 100);
	assert_int_equal(o->called, 1);
}

static void
outcome_clear(struct outcome *o)
{
	buf_clear(&o->bytes);
	buf_clear(&o->body);
	memset(o, 0, sizeof(*o));
}

/*
 * The tests.
 */

static void
sends_only_what_a_rule_allows(void **state)
{
	static const char *const refused[] = {"", "/json",
	    "http://setup.icloud.com/json", "HTTPS://setup.icloud.com/json",
	    "https:/setup.icloud.com/json", "https://setup.icloud.com",
	    "https://setup.icloud.com?x", "https://setup.icloud.com:444/json",
	    "https://setup.icloud.com:80/json",
	    "https://setup.icloud.com:/json",
	    "https://setup.icloud.com:4430/json",
	    "https://setup.icloud.com:443@evil.example/json",
	    "https://user@setup.icloud.com/json",
	    "https://user:pw@setup.icloud.com/json",
	    "https://setup.icloud.com@evil.example/json",
	    "https://evil.example/json", "https://setup.icloud.com.evil/json",
	    "https://evilsetup.icloud.com/json",
	    "https://idmsa.apple.com/other", "https://idmsa.apple.com/json/",
	    "https://idmsa.apple.com/jsonx", "https://icloud.com/database/1",
	    "https://.icloud.com/database/1",
	    "https://evilicloud.com/database/1",
	    "https://p1..icloud.com/database/1",
	    "https://p1.icloud.com./database/1",
	    "https://p1.icloud.com/databases/1",
	    "https://p1.icloud.com/database",
	    "https://p1.icloud.com/Database/1",
	    "https://p1.icloud.com/database/../setup",
	    "https://p1.icloud.com/database/./x",
	    "https://p1.icloud.com/database/..",
	    "https://p1.icloud.com/database/.",
	    "https://p1.icloud.com/database/..;x/y",
	    "https://p1.icloud.com/database/%2e%2e/setup",
	    "https://p1.icloud.com/database/%2E./setup",
	    "https://p1.icloud.com/database/.%2e",
	    "https://p1.icloud.com/database/%252e%252e/setup",
	    "https://p1.icloud.com/database/a%2fb",
	    "https://p1.icloud.com/database/a%2Fb",
	    "https://p1.icloud.com/database/a%5cb",
	    "https://p1.icloud.com/database/a%252fb",
	    "https://p1.icloud.com/database/a%255Cb",
	    "https://p1.icloud.com/database/a\\b",
	    "https://p1.icloud.com/database/a%00",
	    "https://p1.icloud.com/database/a%0d%0a",
	    "https://p1.icloud.com/database/a%",
	    "https://p1.icloud.com/database/a%4",
	    "https://p1.icloud.com/database/a%zz",
	    "https://p1.icloud.com/database/a b",
	    "https://p1.icloud.com/database/a\tb",
	    "https://p1.icloud.com/database/a\r\nX: y",
	    "https://p1.icloud.com/database/caf\xc3\xa9",
	    "https://p1.icloud.com/database/a#b",
	    "https://p1.icloud.com/database/a?b#c",
	    "https://p1.icloud.com/database/a?b c", "https://[::1]/database/1",
	    "https://p1%2eicloud.com/database/1",
	    "https://p1_x.icloud.com/database/1",
	    " https://setup.icloud.com/json"};
	static const char *const allowed[] = {"https://setup.icloud.com/json",
	    "https://setup.icloud.com:443/json",
	    "https://setup.icloud.com/json?a=%2e%2f&b=../x:y@z",
	    "https://idmsa.apple.com/json", "https://idmsa.apple.com/json?x",
	    "https://p1-ckdatabasews.icloud.com/database/1/x",
	    "https://p1.icloud.com:443/database/",
	    "https://p1.icloud.com/database/..a/b../.x/a.b/...",
	    "https://p1.icloud.com/database/a%20b%2eJPG",
	    "https://p1.icloud.com/database/${f}//x"};
	struct http *h = *state;
	struct http_request req = {.method = "POST",
	    .url = "https://idmsa.apple.com/json",
	    .done = done};
	struct outcome o = {0};
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		start(&o, h, HTTP_JSON, refused[i]);
		http_turn(h, 1000);
		if (o.called != 1 || o.err.code != ERR_REFUSED)
			fail_msg("not refused: %s", refused[i]);
		outcome_clear(&o);
	}
	/* The method counts, and its case. */
	req.arg = &o;
	http_start(h, &req);
	finish(h, &o);
	assert_int_equal(o.err.code, ERR_REFUSED);
	outcome_clear(&o);
	req.method = "get";
	http_start(h, &req);
	finish(h, &o);
	assert_int_equal(o.err.code, ERR_REFUSED);
	outcome_clear(&o);
	assert_int_equal(requests(), 0);
	assert_int_equal(http_count(h), 0);
	assert_int_equal(http_failures_in_row(h), 0);
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int status = get(h, allowed[i], NULL);

		if (status != 200 && status != 404)
			fail_msg("refused: %s", allowed[i]);
	}
	assert_int_equal(http_count(h), i);
	/* As it was written, byte for byte. */
	assert_non_null(strstr(request(i - 1).head, "GET /database/${f}//x "));
	assert_non_null(strstr(request(i - 3).head, "/..a/b../.x/a.b/... "));
}

static void
refuses_headers_of_two_lines(void **state)
{
	static const char *const headers[] = {"A: b\r\nC: d", NULL};
	static const char *const no_colon[] = {"A", NULL};
	struct http_request req = {.method = "GET",
	    .url = "https://setup.icloud.com/json",
	    .headers = headers};
	struct http_response resp;
	struct err e = ERR_INIT;

	assert_int_equal(http_call(*state, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	http_response_clear(&resp);
	req.headers = no_colon;
	assert_int_equal(http_call(*state, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	http_response_clear(&resp);
	assert_int_equal(requests(), 0);
}

static void
gives_the_answer(void **state)
{
	struct http_response resp;
	char value[64], small[9];

	assert_int_equal(
	    get(*state, "https://setup.icloud.com/json?q=1", &resp), 200);
	assert_string_equal(buf_text(&resp.body), "{\"ok\":true}");
	assert_int_equal(resp.length, 11);
	assert_int_equal(resp.date_ms, 1722427200000);
	assert_int_equal(resp.retry_after_ms, -1);
	assert_int_equal(resp.range_start, -1);
	assert_int_equal(resp.range_total, -1);
	assert_true(http_header(value, sizeof(value), &resp, "x-tEST"));
	assert_string_equal(value, "two words");
	assert_false(http_header(small, sizeof(small), &resp, "X-Test"));
	assert_false(http_header(value, sizeof(value), &resp, "X-Tes"));
	assert_false(http_header(value, sizeof(value), &resp, "two words"));
	assert_non_null(
	    strstr(buf_text(&resp.headers), "Content-Length: 11\n"));
	http_response_clear(&resp);
	http_response_clear(&resp);
	assert_memory_equal(request(0).head, "GET /json?q=1 HTTP/1.1\r\n", 24);
	assert_true(has_header(0, "Host: setup.icloud.com\r\n"));
	assert_true(has_header(0, "User-Agent: test/1\r\n"));
	assert_true(has_header(0, "Accept-Encoding: "));
	/* Any status is an answer, and no redirect is followed. */
	assert_int_equal(
	    get(*state, "https://setup.icloud.com/status/401", &resp), 401);
	assert_string_equal(buf_text(&resp.body), "{\"hasError\":true}");
	http_response_clear(&resp);
	assert_int_equal(
	    get(*state, "https://setup.icloud.com/status/302", NULL), 302);
	assert_int_equal(requests(), 3);
	/* The last head counts, and trailers are not in it. */
	assert_int_equal(
	    get(*state, "https://setup.icloud.com/early", &resp), 200);
	assert_false(http_header(value, sizeof(value), &resp, "X-Early"));
	assert_true(http_header(value, sizeof(value), &resp, "X-Late"));
	http_response_clear(&resp);
	assert_int_equal(
	    get(*state, "https://setup.icloud.com/trailer", &resp), 200);
	assert_string_equal(buf_text(&resp.body), "ok");
	assert_false(http_header(value, sizeof(value), &resp, "X-Trailer"));
	http_response_clear(&resp);
	assert_int_equal(
	    get(*state, "https://setup.icloud.com/gzip", &resp), 200);
	assert_string_equal(buf_text(&resp.body), "{\"zipped\":true}");
	http_response_clear(&resp);
	/* All of it over one connection. */
	assert_int_equal(atomic_load(&server.connections), 1);
}

static void
sends_methods_and_bodies(void **state)
{
	static const char *const headers[] = {
	    "Content-Type: application/json", "X-Empty:", "X-Full: a b", NULL};
	static const struct {
		const char *method, *body;
		size_t len;
		const char *length; /* as sent; NULL: none */
		bool typed;
	} table[] = {
	    {"POST", "{\"a\":1}", 7, "7", true},
	    {"POST", "{\"a\":1}", 7, "7", false},
	    {"POST", NULL, 0, "0", false},
	    {"POST", "", 0, "0", false},
	    {"PUT", "body", 4, "4", true},
	    {"PUT", "", 0, "0", false},
	    {"PUT", NULL, 0, NULL, false},
	    {"DELETE", NULL, 0, NULL, false},
	    {"HEAD", NULL, 0, NULL, false},
	    {"GET", NULL, 0, NULL, true},
	};
	struct http_request req = {.url = "https://setup.icloud.com/json"};
	struct http_response resp;
	struct err e = ERR_INIT;
	static char body[2000000];
	char line[64];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		req.method = table[i].method;
		req.body = table[i].body;
		req.body_len = table[i].len;
		req.headers = table[i].typed ? headers : NULL;
		assert_int_equal(http_call(*state, &resp, &req, &e), 0);
		assert_int_equal(resp.status, 200);
		http_response_clear(&resp);
		snprintf(line, sizeof(line), "%s /json HTTP/1.1\r\n",
		    table[i].method);
		assert_memory_equal(request(i).head, line, strlen(line));
		assert_false(has_header(i, "Expect:"));
		assert_false(has_header(i, "Transfer-Encoding:"));
		snprintf(line, sizeof(line), "Content-Length: %s",
		    table[i].length != NULL ? table[i].length : "");
		assert_int_equal(has_header(i, line), table[i].length != NULL);
		assert_int_equal(
		    has_header(i, "Content-Type: application/json"),
		    table[i].typed);
		assert_int_equal(has_header(i, "Content-Type"), table[i].typed);
		assert_int_equal(has_header(i, "X-Empty:\r\n"), table[i].typed);
		assert_string_equal(request(i).body,
		    table[i].body != NULL ? table[i].body : "");
	}
	/* Over a megabyte libcurl would like to say "Expect". */
	memset(body, 'b', sizeof(body));
	req.method = "POST";
	req.body = body;
	req.body_len = sizeof(body);
	assert_int_equal(http_call(*state, &resp, &req, &e), 0);
	http_response_clear(&resp);
	assert_false(has_header(i, "Expect:"));
	assert_int_equal(strlen(request(i).body), sizeof(body));
}

static size_t
lines(const struct buf *b)
{
	const char *p;
	size_t n = 0;

	for (p = buf_text(b); (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

static void
shares_cookies_among_json(void **state)
{
	struct http *h = *state, *second;
	struct buf jar = {0}, again = {0};
	struct outcome o = {0};
	int64_t expires = 0;
	char *line, *next;

	assert_int_equal(
	    get(h, "https://setup.icloud.com/cookies/set", NULL), 200);
	assert_false(has_header(0, "Cookie:"));
	/* Two at once use two handles and two connections. */
	start(&o, h, HTTP_JSON, "https://p1.icloud.com/database/x");
	assert_int_equal(get(h, "https://setup.icloud.com/json", NULL), 200);
	finish(h, &o);
	outcome_clear(&o);
	assert_int_equal(get(h, "https://idmsa.apple.com/json", NULL), 200);
	assert_true(has_header(1, "Cookie: "));
	assert_true(has_header(2, "Cookie: "));
	assert_non_null(strstr(request(1).head, "A=\"quoted value\""));
	assert_non_null(strstr(request(2).head, "A=\"quoted value\""));
	assert_non_null(strstr(request(1).head, "B=2"));
	assert_null(strstr(request(1).head, "EMPTY"));
	assert_null(strstr(request(2).head, "EMPTY"));
	assert_true((strstr(request(1).head, "HOST=only") != NULL) !=
	    (strstr(request(2).head, "HOST=only") != NULL));
	assert_false(has_header(3, "Cookie:"));

	assert_true(http_cookie_has(h, "A", false, 0, &expires));
	assert_int_equal(expires, 2399346391000);
	assert_false(http_cookie_has(h, "A", false, 2399346391000, NULL));
	assert_true(http_cookie_has(h, "B", false, 2399346391000, &expires));
	assert_int_equal(expires, -1);
	assert_false(http_cookie_has(h, "PRE", false, 0, NULL));
	assert_true(http_cookie_has(h, "PRE", true, 0, &expires));
	assert_int_equal(expires, 2399346392000);
	assert_false(http_cookie_has(h, "EMPTY", false, 0, NULL));

	/* To lines and back into another jar. */
	http_cookies_get(&jar, h);
	assert_int_equal(lines(&jar), 4);
	assert_non_null(strstr(buf_text(&jar),
	    "#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t2399346391\tA\t\"quoted "
	    "value\"\n"));
	second = client(NULL);
	for (line = jar.data; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		assert_int_equal(http_cookie_set(second, line), 0);
	}
	http_cookies_get(&again, second);
	assert_int_equal(again.len, jar.len);
	assert_int_equal(lines(&again), 4);
	assert_int_equal(
	    get(second, "https://p9.icloud.com/database/x", NULL), 404);
	assert_non_null(
	    strstr(request(requests() - 1).head, "A=\"quoted value\""));
	http_free(second);

	/* An empty value deletes, whatever the status. */
	assert_int_equal(
	    get(h, "https://setup.icloud.com/cookies/delete", NULL), 200);
	assert_false(http_cookie_has(h, "A", false, 0, NULL));
	assert_true(http_cookie_has(h, "B", false, 0, NULL));
	assert_int_equal(
	    get(h, "https://setup.icloud.com/cookies/error", NULL), 503);
	assert_false(http_cookie_has(h, "B", false, 0, NULL));
	assert_int_equal(get(h, "https://p1.icloud.com/database/x", NULL), 404);
	assert_null(strstr(request(requests() - 1).head, "A="));
	assert_null(strstr(request(requests() - 1).head, "B="));
	buf_clear(&jar);
	buf_clear(&again);
}

/* A path that is none is the top, and quotes are no part of it; either way the
 * cookie comes back from its line. */
static void
writes_paths_as_they_are_meant(void **state)
{
	struct http *h = *state;
	struct buf jar = {0};
	char *line, *next;

	assert_int_equal(
	    get(h, "https://setup.icloud.com/cookies/paths", NULL), 200);
	http_cookies_get(&jar, h);
	assert_int_equal(lines(&jar), 2);
	assert_non_null(strstr(buf_text(&jar), "\tTRUE\t/\tFALSE\t0\tC1"));
	http_cookies_clear(h, NULL);
	for (line = jar.data; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		assert_int_equal(http_cookie_set(h, line), 0);
	}
	assert_true(http_cookie_has(h, "C1", false, 0, NULL));
	assert_true(http_cookie_has(h, "C2", false, 0, NULL));
	assert_int_equal(get(h, "https://setup.icloud.com/json", NULL), 200);
	assert_non_null(strstr(request(requests() - 1).head, "C1=1"));
	assert_null(strstr(request(requests() - 1).head, "C2"));
	assert_int_equal(
	    get(h, "https://setup.icloud.com/y/unknown", NULL), 404);
	assert_non_null(strstr(request(requests() - 1).head, "C2=1"));
	buf_clear(&jar);
}

static void
keeps_cookies_from_content(void **state)
{
	struct http *h = *state;
	struct outcome o = {0};
	struct buf jar = {0};

	assert_int_equal(http_cookie_set(h,
			     ".icloud-content.com\tTRUE\t/\tTRUE"
			     "\t0\tTOKEN\tsecret"),
	    0);
	start(&o, h, HTTP_CONTENT, "https://cvws.icloud-content.com/B/cookie");
	finish(h, &o);
	assert_int_equal(o.err.code, ERR_NONE);
	outcome_clear(&o);
	assert_false(has_header(0, "Cookie:"));
	assert_null(strstr(request(0).head, "secret"));
	start(&o, h, HTTP_CONTENT, "https://cvws.icloud-content.com/B/cookie");
	finish(h, &o);
	assert_false(has_header(1, "Cookie:"));
	http_cookies_get(&jar, h);
	assert_int_equal(lines(&jar), 1);
	buf_clear(&jar);
	outcome_clear(&o);
}

static void
sets_and_clears_cookies(void **state)
{
	static const char *const bad[] = {"", "# comment", "A=1",
	    ".icloud.com\tTRUE\t/\tTRUE\t0\tA",
	    ".icloud.com\tTRUE\t/\tTRUE\t0\t\tv", "\tTRUE\t/\tTRUE\t0\tA\tv",
	    ".icloud.com\tYES\t/\tTRUE\t0\tA\tv",
	    ".icloud.com\tTRUE\tx\tTRUE\t0\tA\tv",
	    ".icloud.com\tTRUE\t/\t1\t0\tA\tv",
	    ".icloud.com\tTRUE\t/\tTRUE\tsoon\tA\tv",
	    ".icloud.com\tTRUE\t/\tTRUE\t-5\tA\tv",
	    ".icloud.com\tTRUE\t/\tTRUE\t0\tA\tv\tw",
	    "Set-Cookie: A=1; Domain=.icloud.com",
	    "Set-Cookie: A=1\tTRUE\t/\tTRUE\t0\tA\tv",
	    ".\tTRUE\t/\tTRUE\t0\tA\tv", "#HttpOnly_\tTRUE\t/\tTRUE\t0\tA\tv",
	    "..icloud.com\tTRUE\t/\tTRUE\t0\tA\tv",
	    ".Set-Cookie:icloud.com\tTRUE\t/\tTRUE\t0\tA\tv"};
	static const char *const good[] = {
	    ".icloud.com\tTRUE\t/\tTRUE\t0\tA\tv",
	    "#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t2399346391\tB\t\"w\"",
	    "idmsa.apple.com\tFALSE\t/\tTRUE\t0\tC\tx",
	    ".apple.com\tTRUE\t/\tTRUE\t0\tD\ty",
	    "evilapple.com\tFALSE\t/\tTRUE\t0\tE\tz"};
	struct http *h = *state;
	struct buf jar = {0};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_cookie_set(h, bad[i]) != -1)
			fail_msg("taken: %s", bad[i]);
	http_cookies_get(&jar, h);
	assert_int_equal(jar.len, 0);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(http_cookie_set(h, good[i]), 0);
	http_cookies_get(&jar, h);
	assert_int_equal(lines(&jar), 5);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_non_null(strstr(buf_text(&jar), good[i]));
	http_cookies_clear(h, "apple.com");
	assert_false(http_cookie_has(h, "C", false, 0, NULL));
	assert_false(http_cookie_has(h, "D", false, 0, NULL));
	assert_true(http_cookie_has(h, "E", false, 0, NULL));
	http_cookies_clear(h, ".icloud.com");
	assert_false(http_cookie_has(h, "A", false, 0, NULL));
	assert_false(http_cookie_has(h, "B", false, 0, NULL));
	assert_true(http_cookie_has(h, "E", false, 0, NULL));
	http_cookies_clear(h, NULL);
	buf_reset(&jar);
	http_cookies_get(&jar, h);
	assert_int_equal(jar.len, 0);
	/* One that has expired, or is empty, is no cookie. */
	assert_int_equal(
	    http_cookie_set(h, ".icloud.com\tTRUE\t/\tTRUE\t1\tA\tv"), 0);
	assert_int_equal(
	    http_cookie_set(h, ".icloud.com\tTRUE\t/\tTRUE\t0\tA\t"), 0);
	http_cookies_get(&jar, h);
	assert_int_equal(jar.len, 0);
	buf_clear(&jar);
}

static void
tries_again(void **state)
{
	static const struct {
		const char *path;
		int tries, status;
		int64_t least_ms, most_ms;
	} table[] = {
	    {"retry/503", 2, 200, 0, 700},
	    {"retry/second", 2, 200, 1000, 1700},
	    {"retry/date", 2, 200, 1000, 1700},
	    {"retry/cut", 2, 200, 750, 1950},
	    /* libcurl itself repeats on a connection that had died idle. */
	    {"retry/nothing", 2, 200, 0, 700},
	    {"retry/long", 1, 503, 0, 700},
	    {"status/401", 1, 401, 0, 700},
	};
	struct http *h = *state;
	struct http_request req = {.method = "GET", .retry = &retry_default};
	struct http_response resp;
	struct err e = ERR_INIT;
	char url[100];
	int64_t took;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		forget_requests();
		snprintf(url, sizeof(url), "https://setup.icloud.com/%s",
		    table[i].path);
		req.url = url;
		took = -clock_mono_ms();
		assert_int_equal(http_call(h, &resp, &req, &e), 0);
		took += clock_mono_ms();
		assert_int_equal(resp.status, table[i].status);
		assert_int_equal(requests(), table[i].tries);
		if (took < table[i].least_ms || took > table[i].most_ms)
			fail_msg(
			    "%s took %lld ms", table[i].path, (long long)took);
		/* Nothing of the first try is left. */
		if (table[i].status == 200)
			assert_in_range(resp.body.len, 3, 5);
		http_response_clear(&resp);
	}
}

static void
reads_retry_after(void **state)
{
	static const struct {
		const char *path;
		int64_t ms;
	} table[] = {{"retry/long", 120000}, {"retry/date", 1000},
	    {"retry/past", 0}, {"retry/odd", -1}, {"retry/1960", -1},
	    {"status/500", -1}};
	struct http_response resp;
	char url[100];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(url, sizeof(url), "https://setup.icloud.com/%s",
		    table[i].path);
		(void)get(*state, url, &resp);
		assert_int_equal(resp.retry_after_ms, table[i].ms);
		assert_true(resp.date_ms >= -1);
		http_response_clear(&resp);
	}
	/* Without a policy there is one try. */
	assert_int_equal(requests(), i);
}

static void
says_why_there_is_no_answer(void **state)
{
	struct http_options nowhere = {0};
	struct http_response resp;
	struct http_request req = {
	    .method = "GET", .url = "https://idmsa.apple.com/json"};
	struct err e = ERR_INIT;
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t len = sizeof(to);
	char at[32];
	struct http *h;
	int fd;

	/* A port that is bound but not listened to refuses. */
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	snprintf(at, sizeof(at), "127.0.0.1:%d", ntohs(to.sin_port));
	nowhere.connect_to = at;
	h = client(&nowhere);
	assert_int_equal(http_call(h, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_NETWORK);
	assert_string_equal(e.what,
	    "The connection to idmsa.apple.com failed: could not connect.");
	assert_int_equal(resp.status, 0);
	http_response_clear(&resp);
	http_free(h);
	close(fd);
	(void)get(*state, "https://setup.icloud.com/retry/cut", &resp);
	http_response_clear(&resp);
	req.url = "https://setup.icloud.com/nonsense";
	assert_int_equal(http_call(*state, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
	http_response_clear(&resp);
}

static void
never_retries_a_certificate(void **state)
{
	struct http_options other = {.ca_file = server.other_ca};
	struct http_request req = {.method = "GET",
	    .url = "https://stranger.example/json",
	    .retry = &retry_default};
	struct http_response resp;
	struct err e = ERR_INIT;
	struct http *h;

	/* Another name than those of the certificate. */
	assert_int_equal(http_call(*state, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
	assert_string_equal(
	    e.what, "The certificate of stranger.example was not accepted.");
	assert_string_not_equal(e.next, "");
	assert_int_equal(http_count(*state), 1);
	http_response_clear(&resp);
	/* An authority that is not ours. */
	h = client(&other);
	req.url = "https://setup.icloud.com/json";
	assert_int_equal(http_call(h, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_PROTOCOL);
	assert_int_equal(http_count(h), 1);
	http_response_clear(&resp);
	http_free(h);
	assert_int_equal(requests(), 0);
	/* A file of authorities that is absent is found at once. */
	other.ca_file = "/nonexistent";
	other.rules = rules;
	assert_int_equal(http_new(&h, &other, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
}

static void
gives_content_to_the_sink(void **state)
{
	static const struct {
		const char *path, *bytes, *body;
		int status;
		enum err_code code;
	} table[] = {
	    {"photo", "0123456789", "", 200, ERR_NONE},
	    {"typeless", "0123456789", "", 200, ERR_NONE},
	    {"empty", "", "", 200, ERR_NONE},
	    {"part", "456789", "", 206, ERR_NONE},
	    {"html", "", "<p>busy", 200, ERR_NONE},
	    {"error", "", "{}", 200, ERR_NONE},
	    {"416", "", "", 416, ERR_NONE},
	    {"410", "", "gone", 410, ERR_NONE},
	    {"cut", "half", "", 200, ERR_NETWORK},
	    {"gzip", "not unzipped", "", 200, ERR_NONE},
	};
	struct outcome o = {0};
	char url[100];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(url, sizeof(url),
		    "https://cvws.icloud-content.com/B/%s?o=1&s=2",
		    table[i].path);
		start(&o, *state, HTTP_CONTENT, url);
		finish(*state, &o);
		assert_int_equal(o.err.code, table[i].code);
		assert_int_equal(o.status, table[i].status);
		assert_string_equal(buf_text(&o.bytes), table[i].bytes);
		assert_string_equal(buf_text(&o.body), table[i].body);
		assert_false(has_header(i, "Accept-Encoding:"));
		assert_false(has_header(i, "Range:"));
		if (table[i].code != ERR_NONE)
			assert_int_equal(o.err.http_status, 200);
		if (strcmp(table[i].path, "part") == 0) {
			assert_int_equal(o.range_start, 4);
			assert_int_equal(o.range_total, 10);
			assert_int_equal(o.length, 6);
		}
		if (strcmp(table[i].path, "416") == 0) {
			assert_int_equal(o.range_start, -1);
			assert_int_equal(o.range_total, 10);
		}
		outcome_clear(&o);
	}
}

static void
asks_for_the_rest(void **state)
{
	static const char *const paths[] = {"part", "photo"};
	struct http_request req = {.kind = HTTP_CONTENT,
	    .method = "GET",
	    .resume_from = INT64_C(5000000000),
	    .sink = sink,
	    .done = done};
	struct outcome o = {0};
	char url[100];
	size_t i;

	/* A 206 and a 200 alike: what to make of it is the sink's. */
	for (i = 0; i < 2; i++) {
		snprintf(url, sizeof(url),
		    "https://cvws.icloud-content.com/B/%s", paths[i]);
		req.url = url;
		req.arg = &o;
		http_start(*state, &req);
		finish(*state, &o);
		assert_int_equal(o.err.code, ERR_NONE);
		assert_int_equal(o.status, i == 0 ? 206 : 200);
		assert_int_equal(o.sink_calls, 1);
		assert_true(has_header(i, "Range: bytes=5000000000-\r\n"));
		outcome_clear(&o);
	}
}

static void
ends_with_the_sinks_own_error(void **state)
{
	struct outcome o = {.sink_fails = true};

	start(
	    &o, *state, HTTP_CONTENT, "https://cvws.icloud-content.com/B/big");
	finish(*state, &o);
	assert_int_equal(o.err.code, ERR_DISK_FULL);
	assert_string_equal(o.err.what, "Disk is full.");
	assert_int_equal(o.sink_calls, 1);
	/* That is no failure of the service. */
	assert_int_equal(http_failures_in_row(*state), 0);
	outcome_clear(&o);
}

static void
keeps_its_bounds(void **state)
{
	struct http_response resp;
	struct outcome o = {0};

	assert_int_equal(
	    get(*state, "https://setup.icloud.com/big/16M", &resp), 200);
	assert_int_equal(resp.body.len, 16777216);
	http_response_clear(&resp);
	assert_int_equal(get(*state, "https://setup.icloud.com/big/16M1", NULL),
	    -ERR_PROTOCOL);
	assert_int_equal(
	    get(*state, "https://setup.icloud.com/headers/many", NULL),
	    -ERR_PROTOCOL);
	/* Of a page instead of a file the beginning is enough. */
	start(
	    &o, *state, HTTP_CONTENT, "https://cvws.icloud-content.com/B/page");
	finish(*state, &o);
	assert_int_equal(o.err.code, ERR_NONE);
	assert_int_equal(o.body.len, 65536);
	assert_int_equal(o.sink_calls, 0);
	outcome_clear(&o);
}

static void
cancels(void **state)
{
	struct http *h = *state;
	struct outcome a = {0}, b = {0};
	int i;

	/* Before it was sent. */
	start(&a, h, HTTP_JSON, "https://setup.icloud.com/json");
	http_cancel(h, a.call);
	assert_int_equal(a.called, 1);
	assert_int_equal(a.err.code, ERR_INTERRUPTED);
	outcome_clear(&a);
	/* While it waits for an answer. */
	start(&a, h, HTTP_JSON, "https://setup.icloud.com/hang");
	for (i = 0; i < 1000 && requests() == 0; i++)
		http_turn(h, 10);
	http_cancel(h, a.call);
	assert_int_equal(a.called, 1);
	assert_int_equal(a.err.code, ERR_INTERRUPTED);
	outcome_clear(&a);
	/* By the sink of another, in the middle of its body. */
	start(&a, h, HTTP_CONTENT, "https://cvws.icloud-content.com/hang/half");
	for (i = 0; i < 1000 && a.bytes.len == 0; i++)
		http_turn(h, 10);
	start(&b, h, HTTP_CONTENT, "https://cvws.icloud-content.com/B/big");
	b.other = a.call;
	b.others = &a;
	finish(h, &b);
	assert_int_equal(b.err.code, ERR_NONE);
	assert_int_equal(b.bytes.len, 3000000);
	assert_int_equal(a.called, 1);
	assert_int_equal(a.err.code, ERR_INTERRUPTED);
	assert_string_equal(buf_text(&a.bytes), "half");
	outcome_clear(&a);
	outcome_clear(&b);
	/* While it waits for its second try. */
	{
		struct http_request req = {.method = "GET",
		    .url = "https://setup.icloud.com/status/500",
		    .retry = &retry_default,
		    .done = done,
		    .arg = &a};
		size_t before = requests();

		a.call = http_start(h, &req);
		for (i = 0; i < 30; i++)
			http_turn(h, 10);
		assert_int_equal(requests(), before + 1);
		assert_int_equal(a.called, 0);
		http_cancel(h, a.call);
		assert_int_equal(a.called, 1);
		for (i = 0; i < 12; i++)
			http_turn(h, 100);
		assert_int_equal(requests(), before + 1);
	}
	assert_int_equal(a.called, 1);
	assert_int_equal(get(h, "https://setup.icloud.com/json", NULL), 200);
	outcome_clear(&a);
}

struct tick {
	struct http *h;
	char *order, name;
	int again;
	int64_t at_ms;
};

static void
tick(void *arg)
{
	struct tick *t = arg;
	size_t n = strlen(t->order);

	t->order[n] = t->name;
	t->order[n + 1] = '\0';
	t->at_ms = clock_mono_ms();
	if (t->again-- > 0)
		http_after(t->h, 0, tick, t);
}

static void
keeps_time(void **state)
{
	struct http *h = *state;
	char order[32] = "";
	struct tick a = {h, order, 'a', 0, 0}, b = {h, order, 'b', 0, 0};
	struct tick c = {h, order, 'c', 0, 0}, d = {h, order, 'd', 2, 0};
	int64_t start_ms = clock_mono_ms();

	http_after(h, 60, tick, &a);
	http_after(h, 20, tick, &b);
	http_after(h, 30, tick, &c);
	http_after(h, 20, tick, &a); /* behind b: it came later */
	http_after_cancel(h, tick, &c);
	assert_string_equal(order, "");
	while (strlen(order) < 3)
		http_turn(h, 10000);
	assert_string_equal(order, "baa");
	assert_true(b.at_ms - start_ms >= 20);
	assert_in_range(a.at_ms - start_ms, 60, 2000);
	http_turn(h, 50);
	assert_string_equal(order, "baa");
	/* One that sets itself again has to wait for the next turn. */
	order[0] = '\0';
	http_after(h, -5, tick, &d);
	http_turn(h, 1000);
	assert_string_equal(order, "d");
	http_turn(h, 1000);
	assert_string_equal(order, "dd");
	http_turn(h, 1000);
	http_turn(h, 10);
	assert_string_equal(order, "ddd");
	/* A turn with nothing in it takes its time. */
	start_ms = clock_mono_ms();
	http_turn(h, 50);
	assert_in_range(clock_mono_ms() - start_ms, 45, 2000);
}

struct watcher {
	struct http *h;
	int fd[2], calls, reads;
	struct watcher *removes;
};

static void
on_readable(void *arg)
{
	struct watcher *w = arg;
	char c;

	w->calls++;
	if (w->removes != NULL)
		http_watch(w->h, -1, on_readable, w->removes);
	else if (w->reads && read(w->fd[0], &c, 1) != 1)
		http_watch(w->h, -1, on_readable, w);
}

static void
watches_descriptors(void **state)
{
	struct http *h = *state;
	struct watcher a = {.h = h, .reads = true}, b = {.h = h};

	assert_int_equal(pipe(a.fd), 0);
	assert_int_equal(pipe(b.fd), 0);
	http_watch(h, a.fd[0], on_readable, &a);
	http_watch(h, b.fd[0], on_readable, &b);
	http_turn(h, 10);
	assert_int_equal(a.calls, 0);
	assert_int_equal(write(a.fd[1], "xy", 2), 2);
	http_turn(h, 10000);
	http_turn(h, 10000);
	http_turn(h, 10);
	assert_int_equal(a.calls, 2);
	assert_int_equal(b.calls, 0);
	/* The end of a pipe is to be read, too. */
	close(a.fd[1]);
	http_turn(h, 10000);
	assert_int_equal(a.calls, 3);
	http_turn(h, 10);
	assert_int_equal(a.calls, 3);
	/* One that another has removed in the same turn is not called. */
	http_watch(h, -1, on_readable, &b);
	a.reads = false;
	a.removes = &b;
	assert_int_equal(write(b.fd[1], "x", 1), 1);
	http_watch(h, a.fd[0], on_readable, &a);
	http_watch(h, b.fd[0], on_readable, &b);
	http_turn(h, 10000);
	assert_int_equal(a.calls, 4);
	assert_int_equal(b.calls, 0);
	http_watch(h, -1, on_readable, &a);
	http_watch(h, -1, on_readable, &a);
	http_turn(h, 10);
	assert_int_equal(a.calls, 4);
	close(a.fd[0]);
	close(b.fd[0]);
	close(b.fd[1]);
}

static void
on_signal(void *arg)
{
	struct watcher *w = arg;
	char c;

	assert_int_equal(read(w->fd[0], &c, 1), 1);
	http_interrupt(w->h);
}

static void
write_later(void *arg)
{
	struct watcher *w = arg;

	assert_int_equal(write(w->fd[1], "x", 1), 1);
}

static void
is_interrupted(void **state)
{
	struct http *h = *state;
	struct watcher w = {.h = h};
	struct outcome a = {.starts_again = true}, b = {0};
	struct http_request req = {
	    .method = "GET", .url = "https://setup.icloud.com/hang"};
	struct http_response resp;
	struct err e = ERR_INIT;
	uint64_t sent;

	assert_int_equal(pipe(w.fd), 0);
	http_watch(h, w.fd[0], on_signal, &w);
	assert_false(http_interrupted(h));
	start(&a, h, HTTP_JSON, "https://setup.icloud.com/hang");
	start(&b, h, HTTP_CONTENT, "https://cvws.icloud-content.com/hang/half");
	http_after(h, 100, write_later, &w);
	assert_int_equal(http_call(h, &resp, &req, &e), -1);
	assert_int_equal(e.code, ERR_INTERRUPTED);
	http_response_clear(&resp);
	assert_true(http_interrupted(h));
	assert_int_equal(a.called, 1);
	assert_int_equal(a.err.code, ERR_INTERRUPTED);
	assert_int_equal(b.called, 1);
	assert_int_equal(b.err.code, ERR_INTERRUPTED);
	/* What was started out of a callback ends as well, one turn later. */
	sent = http_count(h);
	http_turn(h, 1000);
	assert_int_equal(a.called, 2);
	assert_int_equal(a.err.code, ERR_INTERRUPTED);
	assert_int_equal(
	    get(h, "https://setup.icloud.com/json", NULL), -ERR_INTERRUPTED);
	assert_int_equal(http_count(h), sent);
	outcome_clear(&a);
	outcome_clear(&b);
	close(w.fd[0]);
	close(w.fd[1]);
}

static void
stops_after_ten_failures(void **state)
{
	struct http *h = *state;
	struct http_request req = {.method = "GET",
	    .url = "https://setup.icloud.com/status/500",
	    .retry = &retry_default};
	struct http_response resp;
	struct err e = ERR_INIT;
	int i;

	for (i = 1; i <= 9; i++) {
		assert_int_equal(
		    get(h, "https://setup.icloud.com/status/500", NULL), 500);
		assert_int_equal(http_failures_in_row(h), i);
	}
	/* Any answer below 500 ends the row. */
	assert_int_equal(
	    get(h, "https://setup.icloud.com/status/421", NULL), 421);
	assert_int_equal(http_failures_in_row(h), 0);
	for (i = 1; i <= 10; i++)
		(void)get(h,
		    i % 2 == 0 ? "https://setup.icloud.com/retry/long"
			       : "https://setup.icloud.com/retry/cut",
		    NULL);
	/* retry/cut is cut once only. */
	assert_int_equal(http_failures_in_row(h), 1);
	(void)get(h, "https://setup.icloud.com/status/408", NULL);
	(void)get(h, "https://setup.icloud.com/status/429", NULL);
	for (i = 4; i <= 9; i++)
		(void)get(h, "https://setup.icloud.com/retry/long", NULL);
	assert_int_equal(http_failures_in_row(h), 9);
	/* The tenth is the last, also for one that would try again. */
	assert_int_equal(http_call(h, &resp, &req, &e), 0);
	assert_int_equal(resp.status, 500);
	http_response_clear(&resp);
	assert_int_equal(http_failures_in_row(h), 10);
	forget_requests();
	assert_int_equal(
	    get(h, "https://setup.icloud.com/json", NULL), -ERR_UNAVAILABLE);
	assert_int_equal(requests(), 0);
	assert_int_equal(http_failures_in_row(h), 10);
}

/* A line that drops cuts all transfers at once: one failure. */
static void
counts_what_fell_together_once(void **state)
{
	struct http *h = client(NULL);
	struct outcome o[12] = {{0}};
	size_t i;

	(void)state;
	for (i = 0; i < 12; i++)
		start(
		    &o[i], h, HTTP_JSON, "https://setup.icloud.com/status/500");
	for (i = 0; i < 12; i++)
		finish(h, &o[i]);
	assert_in_range(http_failures_in_row(h), 1, 3);
	for (i = 0; i < 12; i++) {
		assert_int_equal(o[i].status, 500);
		outcome_clear(&o[i]);
	}
	http_free(h);
}

static void
calls_back_when_freed(void **state)
{
	struct http *h = client(NULL);
	struct outcome a = {.starts_again = true}, b = {0}, c = {0};
	char order[8] = "";
	struct tick t = {h, order, 't', 0, 0};
	int i;

	(void)state;
	start(&a, h, HTTP_JSON, "https://setup.icloud.com/hang");
	start(&b, h, HTTP_CONTENT, "https://cvws.icloud-content.com/hang/half");
	for (i = 0; i < 1000 && b.bytes.len == 0; i++)
		http_turn(h, 10);
	start(&c, h, HTTP_JSON, "http://not.allowed/");
	http_after(h, 0, tick, &t);
	http_free(h);
	http_free(NULL);
	assert_int_equal(a.called, 2);
	assert_int_equal(b.called, 1);
	assert_int_equal(c.called, 1);
	assert_int_equal(b.err.code, ERR_INTERRUPTED);
	assert_string_equal(order, "");
	outcome_clear(&a);
	outcome_clear(&b);
	outcome_clear(&c);
}

static void
keeps_to_the_rate(void **state)
{
	struct http_options slow = {.rate_bytes = 2000000};
	struct outcome a = {0}, b = {0};
	struct http *h = client(&slow);
	int64_t took = -clock_mono_ms();
	int i;

	(void)state;
	start(&a, h, HTTP_CONTENT, "https://cvws.icloud-content.com/B/big");
	start(&b, h, HTTP_CONTENT, "https://cvws.icloud-content.com/B/big");
	finish(h, &a);
	finish(h, &b);
	took += clock_mono_ms();
	assert_int_equal(a.bytes.len + b.bytes.len, 6000000);
	/* 3 s, but for what libcurl lets through at the beginning. */
	assert_in_range(took, 1000, 5000);
	outcome_clear(&a);
	outcome_clear(&b);
	http_free(h);
	/* Many small ones, of which libcurl would slow down none. */
	h = client(&slow);
	took = -clock_mono_ms();
	for (i = 0; i < 10; i++) {
		start(&a, h, HTTP_CONTENT,
		    "https://cvws.icloud-content.com/B/slow");
		finish(h, &a);
		assert_int_equal(a.bytes.len, 300000);
		outcome_clear(&a);
	}
	took += clock_mono_ms();
	assert_in_range(took, 1000, 3000);
	http_free(h);
}

static void
opens_a_fresh_connection(void **state)
{
	struct http_request req = {
	    .method = "GET", .url = "https://setup.icloud.com/json"};
	struct http_response resp;
	struct err e = ERR_INIT;
	int i;

	for (i = 0; i < 3; i++) {
		req.fresh = i == 2;
		assert_int_equal(http_call(*state, &resp, &req, &e), 0);
		http_response_clear(&resp);
		assert_int_equal(
		    atomic_load(&server.connections), req.fresh ? 2 : 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    TEST(sends_only_what_a_rule_allows),
	    TEST(refuses_headers_of_two_lines),
	    TEST(gives_the_answer),
	    TEST(sends_methods_and_bodies),
	    TEST(shares_cookies_among_json),
	    TEST(writes_paths_as_they_are_meant),
	    TEST(keeps_cookies_from_content),
	    TEST(sets_and_clears_cookies),
	    TEST(tries_again),
	    TEST(reads_retry_after),
	    TEST(says_why_there_is_no_answer),
	    TEST(never_retries_a_certificate),
	    TEST(gives_content_to_the_sink),
	    TEST(asks_for_the_rest),
	    TEST(ends_with_the_sinks_own_error),
	    TEST(keeps_its_bounds),
	    TEST(cancels),
	    TEST(keeps_time),
	    TEST(watches_descriptors),
	    TEST(is_interrupted),
	    TEST(stops_after_ten_failures),
	    TEST(counts_what_fell_together_once),
	    TEST(calls_back_when_freed),
	    TEST(keeps_to_the_rate),
	    TEST(opens_a_fresh_connection),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
