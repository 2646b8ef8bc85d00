#include "link.h"

#include <string.h>
#include <strings.h>

#include "buf.h"
#include "text.h"

/* [download-link]: what a link needs to have left before it is begun with. */
#define SPARE_MS    ((int64_t)120 * 1000)
#define SPARE_SHARE 4
/* The shortest life that was reported, for a link that does not tell. */
#define LIFE_LEAST_MS ((int64_t)15 * 60 * 1000)

static const char placeholder[] = "${f}", encoded[] = "%24%7Bf%7D";

static bool
ends_with(const char *s, size_t n, const char *end)
{
	size_t len = strlen(end);

	/* Longer than the end: a name has to stand before the dot. */
	return n > len && strncasecmp(s + n - len, end, len) == 0;
}

static bool
is_content_host(const char *host, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			   "YZ0123456789-.",
			host[i]) == NULL)
			return false;
	return ends_with(host, n, ".icloud-content.com") ||
	    ends_with(host, n, ".icloud-content.com.cn");
}

/* Where the path begins, if it is an address we would ask for; else NULL. */
static const char *
path_of(const char *url)
{
	static const char scheme[] = "https://";
	const char *host, *p;
	size_t i;

	for (i = 0; url[i] != '\0'; i++)
		if (url[i] <= ' ' || url[i] >= 0x7f || url[i] == '\\')
			return NULL;
	if (strncasecmp(url, scheme, strlen(scheme)) != 0)
		return NULL;
	host = url + strlen(scheme);
	p = host + strcspn(host, ":/?#@");
	if (!is_content_host(host, (size_t)(p - host)))
		return NULL;
	if (strncmp(p, ":443/", 5) == 0)
		p += 4;
	return strncmp(p, "/B/", 3) == 0 ? p : NULL;
}

int
link_request(struct buf *out, const char *url)
{
	const char *path = path_of(url), *end, *p;

	if (path == NULL)
		return -1;
	if (buf_add(out, url, (size_t)(path - url)) == -1)
		return -1;
	/* Nothing behind the path may change: it is signed. */
	end = path + strcspn(path, "?#");
	while ((p = strstr(path, placeholder)) != NULL && p < end) {
		if (buf_add(out, path, (size_t)(p - path)) == -1 ||
		    buf_adds(out, encoded) == -1)
			return -1;
		path = p + strlen(placeholder);
	}
	return buf_adds(out, path);
}

int64_t
link_expires_s(const char *url)
{
	const char *p = strchr(url, '?');
	char digits[24];
	int64_t s;
	size_t n;

	for (; p != NULL; p = strchr(p, '&')) {
		p++;
		if (strncmp(p, "e=", 2) != 0)
			continue;
		p += 2;
		n = strcspn(p, "&#");
		if (n >= sizeof(digits))
			return -1;
		memcpy(digits, p, n);
		digits[n] = '\0';
		return text_int(&s, digits, 0, INT64_MAX / 1000) == 0 ? s : -1;
	}
	return -1;
}

bool
link_is_fresh(
    const char *url, int64_t date_ms, int64_t mono_ms_then, int64_t mono_ms_now)
{
	int64_t expires_s = link_expires_s(url);
	int64_t life_ms = LIFE_LEAST_MS, age_ms, spare_ms;

	if (expires_s >= 0 && date_ms >= 0)
		life_ms = expires_s * 1000 - date_ms;
	if (life_ms <= 0)
		return false;
	age_ms = mono_ms_now > mono_ms_then ? mono_ms_now - mono_ms_then : 0;
	spare_ms = life_ms / SPARE_SHARE;
	if (spare_ms > SPARE_MS)
		spare_ms = SPARE_MS;
	return age_ms < life_ms && life_ms - age_ms > spare_ms;
}
