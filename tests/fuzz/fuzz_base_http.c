#include "fuzz.h"

/* What is looked at has no other way in than the network. */
#include "http.c"

/*
 * What an address and the head of an answer become.  An address that a rule
 * lets pass is, to libcurl, one of the same host and path, over TLS, with
 * nothing else in it.
 */

static const struct http_rule test_rules[] = {
    {"POST", "setup.icloud.com", "/setup/ws/1/validate"},
    {"POST", "-ckdatabasews.icloud.com", "/database/1/changes/zone"},
    {"GET", ".icloud-content.com", "/B/*"},
    {NULL, NULL, NULL},
};
static const struct http_rule *const test_lists[] = {test_rules, NULL};

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcasecmp(s + n - m, end) == 0;
}

static char *
part_of(CURLU *u, CURLUPart part)
{
	char *text = NULL;

	(void)curl_url_get(u, part, &text, 0);
	return text;
}

static void
look_at_url(const char *url)
{
	struct http h = {.rules = test_lists};
	struct url_parts parts;
	char *host, *path, *port, *user, *fragment;
	bool post, get;
	CURLU *u;

	if (!url_split(&parts, url))
		return;
	must(!is_allowed(&h, "PUT", &parts));
	post = is_allowed(&h, "POST", &parts);
	get = is_allowed(&h, "GET", &parts);
	if (!post && !get)
		return;
	u = curl_url();
	must(u != NULL);
	must(curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK);
	host = part_of(u, CURLUPART_HOST);
	path = part_of(u, CURLUPART_PATH);
	port = part_of(u, CURLUPART_PORT);
	user = part_of(u, CURLUPART_USER);
	fragment = part_of(u, CURLUPART_FRAGMENT);
	must(host != NULL && path != NULL);
	must(user == NULL && fragment == NULL);
	must(port == NULL || strcmp(port, "443") == 0);
	must(strlen(host) == parts.host_len &&
	    strncasecmp(host, parts.host, parts.host_len) == 0);
	must(strlen(path) == parts.path_len &&
	    strncmp(path, parts.path, parts.path_len) == 0);
	must(!get ||
	    (ends_with(host, ".icloud-content.com") &&
		strncmp(path, "/B/", 3) == 0 && strstr(path, "/../") == NULL));
	must(!post || strcmp(path, "/setup/ws/1/validate") == 0 ||
	    (strcmp(path, "/database/1/changes/zone") == 0 &&
		ends_with(host, "-ckdatabasews.icloud.com")));
	curl_free(host);
	curl_free(path);
	curl_free(port);
	curl_free(user);
	curl_free(fragment);
	curl_url_cleanup(u);
}

/* One line of the head, as libcurl hands it over: it takes no NUL. */
static void
give_line(struct http_call *c, const char *text)
{
	char *line = xasprintf("%s\r\n", text);
	size_t n = strlen(line);

	must(header_cb(line, 1, n, c) == n || c->err.code == ERR_PROTOCOL);
	free(line);
}

/* Each header is found by its name in any case, without blanks around it. */
static void
look_at_headers(const struct http_response *resp)
{
	char *value = xmalloc(resp->headers.len + 1), few[4], *name, *p;
	struct fuzz_in all = {buf_text(&resp->headers), NULL}, line;
	size_t n;

	all.end = all.p + resp->headers.len;
	while ((line = fuzz_span(&all)).p != NULL) {
		name = fuzz_text(line);
		n = strcspn(name, ":");
		if (name[n] == ':') {
			name[n] = '\0';
			for (p = name; *p != '\0'; p++)
				if (*p >= 'a' && *p <= 'z')
					*p = (char)(*p - 'a' + 'A');
			must(http_header(
			    value, resp->headers.len + 1, resp, name));
			n = strlen(value);
			must(n == 0 || strchr(" \t", value[0]) == NULL);
			must(n == 0 || strchr(" \t", value[n - 1]) == NULL);
			must(strchr(value, '\n') == NULL);
			must(http_header(few, sizeof(few), resp, name) ==
			    (n < sizeof(few)));
		}
		free(name);
	}
	free(value);
}

static void
look_at_head(struct fuzz_in in)
{
	struct http_call c = {.kind = HTTP_CONTENT, .state = RUNNING};
	const struct http_response *r = &c.resp;
	char *line;

	response_init(&c.resp, c.kind);
	give_line(&c, "HTTP/1.1 100 Continue");
	give_line(&c, "Retry-After: 7");
	give_line(&c, "");
	must(!c.in_head && !c.is_file && r->retry_after_ms == -1);
	give_line(&c, "HTTP/1.1 206 Partial Content");
	must(c.in_head && r->status == 206);
	while (c.in_head) {
		line = fuzz_line(&in);
		give_line(&c, line);
		free(line);
	}
	must(r->status == 206);
	must(r->retry_after_ms >= -1);
	must(r->date_ms >= -1);
	must(r->length >= -1);
	must(r->range_start >= -1);
	must(r->range_total >= -1);
	must(r->headers.len <= MAX_HEADER_BYTES);
	look_at_headers(r);
	http_response_clear(&c.resp);
}

/* An address, then the lines of a head. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	char *url = fuzz_line(&in);

	look_at_url(url);
	if (in.p != in.end)
		look_at_head(in);
	free(url);
	return 0;
}
