#include "fuzz.h"

/* A server's cookies have no other way in than the network. */
#include "cookies.c"
#include "http.c"

/*
 * Cookies that a server sets, and those that were kept: what the jar gives out
 * it takes back, and then gives out the same.
 */

static struct http *
jar(void)
{
	static const struct http_rule no_rules[] = {{NULL, NULL, NULL}};
	static const struct http_rule *const rules[] = {no_rules, NULL};
	static struct http *h;
	struct http_options o = {.rules = rules, .user_agent = "test"};

	if (h == NULL)
		must(http_new(&h, &o, NULL) == 0);
	http_cookies_clear(h, NULL);
	return h;
}

static int
compare(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* One without a value is none; and a domain that is no host's cannot come to a
 * jar from a host. */
static bool
is_kept(const char *line)
{
	char *copy = xstrdup(line), *field[N_FIELDS];
	const char *domain;
	bool kept;

	must(cookie_split(field, copy));
	domain = cookie_domain(field[DOMAIN]);
	kept = field[VALUE][0] != '\0' && url_is_host(domain, strlen(domain));
	free(copy);
	return kept;
}

/* Lines that are kept, in an order of their own. */
static char *
sorted(const struct buf *lines, bool names)
{
	char *copy = xstrdup(buf_text(lines)), *rest = copy, *line;
	char *all[256], *field[N_FIELDS];
	struct buf out = {0};
	size_t n = 0, i;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0' || !is_kept(line))
			continue;
		must(n < sizeof(all) / sizeof(all[0]));
		all[n] = xstrdup(line);
		/* What tells cookies apart, each once. */
		if (names) {
			must(cookie_split(field, line));
			free(all[n]);
			all[n] = xasprintf("%s\t%s\t%s",
			    cookie_domain(field[DOMAIN]), field[PATH],
			    field[NAME]);
		}
		n++;
	}
	qsort(all, n, sizeof(all[0]), compare);
	for (i = 0; i < n; i++)
		if (!names || i == 0 || strcasecmp(all[i - 1], all[i]) != 0)
			buf_addf(&out, "%s\n", all[i]);
	while (n > 0)
		free(all[--n]);
	free(copy);
	return buf_take(&out);
}

static size_t
count(const char *lines)
{
	size_t n = 0;

	for (; *lines != '\0'; lines++)
		n += *lines == '\n';
	return n;
}

static void
same(const struct buf *before, const struct buf *after)
{
	char *a = sorted(before, false), *b = sorted(after, false);
	char *names_a = sorted(before, true), *names_b = sorted(after, true);

	must(strcasecmp(names_a, names_b) == 0);
	/* libcurl can hold two of one name, which come back as one. */
	must(count(a) != count(names_a) || strcmp(a, b) == 0);
	free(a);
	free(b);
	free(names_a);
	free(names_b);
}

/* By a handle of its own, as a request has one: libcurl counts what comes to
 * one, and takes 50.  A request also gives each cookie a path. */
static void
set_cookie(struct http *h, const char *given)
{
	int n = (int)strcspn(given, ";");
	char *line = xasprintf("%.*s; Path=/%s", n, given, given + n);
	CURL *easy = curl_easy_init();

	must(easy != NULL);
	must(curl_easy_setopt(easy, CURLOPT_SHARE, h->shares[HTTP_JSON]) ==
	    CURLE_OK);
	must(curl_easy_setopt(easy, CURLOPT_COOKIEFILE, "") == CURLE_OK);
	must(curl_easy_setopt(easy, CURLOPT_COOKIELIST, line) == CURLE_OK);
	curl_easy_cleanup(easy);
	free(line);
}

static void
give(struct http *h, const char *line)
{
	if (strncasecmp(line, "Set-Cookie:", 11) == 0)
		set_cookie(h, line);
	else if (*line != '\0')
		(void)http_cookie_set(h, line);
}

static void
put_back(struct http *h, const char *lines)
{
	char *copy = xstrdup(lines), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			must(http_cookie_set(h, line) == 0 || !is_kept(line));
	free(copy);
}

/* Whoever clears a domain leaves nothing of it. */
static void
look_at_clear(struct http *h)
{
	static const char domain[] = ".icloud.com";
	const size_t n = strlen(domain);
	struct buf left = {0};
	const char *line, *tab;

	http_cookies_clear(h, "icloud.com");
	http_cookies_get(&left, h);
	for (line = buf_text(&left); *line != '\0';
	     line += strcspn(line, "\n") + 1) {
		tab = line + strcspn(line, "\t");
		must((size_t)(tab - line) < n ||
		    strncasecmp(tab - n, domain, n) != 0);
	}
	buf_clear(&left);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	struct http *h = jar();
	struct buf first = {0}, second = {0};
	char *line;
	unsigned left = 100;
	int64_t expires_ms;

	while (in.p != in.end && left-- > 0) {
		line = fuzz_line(&in);
		give(h, line);
		free(line);
	}
	http_cookies_get(&first, h);
	http_cookies_remove_empty(h);
	if (http_cookie_has(h, "X-APPLE", true, clock_now_ms(), &expires_ms))
		must(expires_ms == -1 || expires_ms > clock_now_ms());
	http_cookies_clear(h, NULL);
	put_back(h, buf_text(&first));
	http_cookies_get(&second, h);
	same(&first, &second);
	look_at_clear(h);
	buf_clear(&first);
	buf_clear(&second);
	return 0;
}
