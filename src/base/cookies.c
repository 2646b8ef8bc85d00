#include "http_p.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "text.h"
#include "url.h"

/* The cookie jar, which is libcurl's, as lines of the Netscape format. */

enum { DOMAIN, TAIL, PATH, SECURE, EXPIRES, NAME, VALUE, N_FIELDS };

#define HTTP_ONLY "#HttpOnly_"

/* Cut a line of the Netscape format into its fields, in place. */
static bool
cookie_split(char *field[N_FIELDS], char *line)
{
	int i;

	line[strcspn(line, "\r\n")] = '\0';
	for (i = 0; i < N_FIELDS; i++) {
		field[i] = line;
		if (i + 1 == N_FIELDS)
			break;
		line = strchr(line, '\t');
		if (line == NULL)
			return false;
		*line++ = '\0';
	}
	return field[DOMAIN][0] != '\0' && field[NAME][0] != '\0' &&
	    strchr(field[VALUE], '\t') == NULL;
}

static bool
cookie_expires(int64_t *out_s, char *field[N_FIELDS])
{
	return text_int(out_s, field[EXPIRES], 0, INT64_MAX / 1000) == 0;
}

/* Call each() for every cookie.  libcurl lists expired ones until it next has
 * a reason to drop them. */
static void
cookie_walk(struct http *h,
    void (*each)(struct http *, char *field[N_FIELDS], void *), void *arg)
{
	struct curl_slist *all = NULL, *l;
	char *field[N_FIELDS];
	int64_t now_s = clock_now_ms() / 1000, expires_s;
	size_t n;

	if (curl_easy_getinfo(http_jar(h), CURLINFO_COOKIELIST, &all) !=
	    CURLE_OK)
		err_fatal("Out of memory.");
	for (l = all; l != NULL; l = l->next) {
		n = strlen(l->data);
		if (cookie_split(field, l->data) &&
		    cookie_expires(&expires_s, field) &&
		    (expires_s == 0 || expires_s > now_s))
			each(h, field, arg);
		secret_wipe(l->data, n);
	}
	curl_slist_free_all(all);
}

static void
jar_set(struct http *h, const char *line)
{
	if (curl_easy_setopt(http_jar(h), CURLOPT_COOKIELIST, line) != CURLE_OK)
		err_fatal("Out of memory.");
}

/* Setting it anew as long expired removes it. */
static void
cookie_remove(struct http *h, char *field[N_FIELDS])
{
	char *line = xasprintf("%s\t%s\t%s\t%s\t1\t%s\tx", field[DOMAIN],
	    field[TAIL], field[PATH], field[SECURE], field[NAME]);

	jar_set(h, line);
	free(line);
}

static void
remove_if_empty(struct http *h, char *field[N_FIELDS], void *arg)
{
	(void)arg;
	if (field[VALUE][0] == '\0')
		cookie_remove(h, field);
}

void
http_cookies_remove_empty(struct http *h)
{
	cookie_walk(h, remove_if_empty, NULL);
}

/* libcurl lists a path as it came and not as it takes it: without a quote
 * before it, and from the top. */
static const char *
cookie_path(const char *path)
{
	if (*path == '"')
		path++;
	return *path == '/' ? path : "/";
}

static void
add_cookie(struct http *h, char *field[N_FIELDS], void *arg)
{
	struct buf *out = arg;
	int i;

	(void)h;
	for (i = 0; i < N_FIELDS; i++) {
		(void)buf_adds(
		    out, i == PATH ? cookie_path(field[i]) : field[i]);
		(void)buf_addc(out, i + 1 < N_FIELDS ? '\t' : '\n');
	}
}

void
http_cookies_get(struct buf *out, struct http *h)
{
	cookie_walk(h, add_cookie, out);
}

/* Without its marks: the name alone. */
static const char *
cookie_domain(const char *domain)
{
	if (strncmp(domain, HTTP_ONLY, strlen(HTTP_ONLY)) == 0)
		domain += strlen(HTTP_ONLY);
	return *domain == '.' ? domain + 1 : domain;
}

static bool
is_flag(const char *s)
{
	return strcmp(s, "TRUE") == 0 || strcmp(s, "FALSE") == 0;
}

int
http_cookie_set(struct http *h, const char *line)
{
	char *copy = xstrdup(line), *field[N_FIELDS];
	const char *domain;
	int64_t expires_s;
	int rc = -1;

	copy[strcspn(copy, "\r\n")] = '\0';
	/* The jar has no comments: '#' begins nothing but HTTP_ONLY. */
	if (line[0] == '#' && strncmp(line, HTTP_ONLY, strlen(HTTP_ONLY)) != 0)
		goto out;
	if (!cookie_split(field, copy))
		goto out;
	domain = cookie_domain(field[DOMAIN]);
	if (!url_is_host(domain, strlen(domain)) || !is_flag(field[TAIL]) ||
	    field[PATH][0] != '/' || !is_flag(field[SECURE]) ||
	    !cookie_expires(&expires_s, field))
		goto out;
	if (field[VALUE][0] != '\0')
		jar_set(h, line);
	rc = 0;
out:
	secret_free(copy);
	return rc;
}

static void
remove_if_below(struct http *h, char *field[N_FIELDS], void *arg)
{
	const char *suffix = arg, *domain = cookie_domain(field[DOMAIN]);
	size_t n, m;

	suffix += *suffix == '.';
	n = strlen(domain);
	m = strlen(suffix);
	if (n < m || strcasecmp(domain + n - m, suffix) != 0 ||
	    (n > m && domain[n - m - 1] != '.'))
		return;
	cookie_remove(h, field);
}

void
http_cookies_clear(struct http *h, const char *domain_suffix)
{
	char *suffix;

	if (domain_suffix == NULL) {
		jar_set(h, "ALL");
		return;
	}
	suffix = xstrdup(domain_suffix);
	cookie_walk(h, remove_if_below, suffix);
	free(suffix);
}

struct search {
	const char *name;
	bool prefix, found;
	int64_t now_ms, expires_ms;
};

static void
search_cookie(struct http *h, char *field[N_FIELDS], void *arg)
{
	struct search *s = arg;
	int64_t expires_s;

	(void)h;
	if (strncmp(field[NAME], s->name, strlen(s->name)) != 0 ||
	    (!s->prefix && strcmp(field[NAME], s->name) != 0) ||
	    !cookie_expires(&expires_s, field))
		return;
	if (expires_s != 0 && expires_s * 1000 <= s->now_ms)
		return;
	s->found = true;
	if (expires_s != 0 && expires_s * 1000 > s->expires_ms)
		s->expires_ms = expires_s * 1000;
}

bool
http_cookie_has(struct http *h, const char *name, bool prefix, int64_t now_ms,
    int64_t *expires_ms)
{
	struct search s = {
	    .name = name,
	    .prefix = prefix,
	    .now_ms = now_ms,
	    .expires_ms = -1,
	};

	cookie_walk(h, search_cookie, &s);
	if (s.found && expires_ms != NULL)
		*expires_ms = s.expires_ms;
	return s.found;
}
