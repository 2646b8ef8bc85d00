#include "url.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

static const char host_chars[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-";

bool
url_is_host(const char *host, size_t n)
{
	size_t i;

	if (n == 0 || n > 253 || host[0] == '.' || host[0] == '-' ||
	    strspn(host, host_chars) < n)
		return false;
	for (i = 1; i < n; i++)
		if (host[i] == '.' && (host[i - 1] == '.' || i + 1 == n))
			return false;
	return true;
}

/* The byte that "%XX" at p stands for; -1 if it is none. */
static int
percent(const char *p, const char *end)
{
	char digits[3];
	uint8_t byte;

	if (end - p < 3 || p[0] != '%')
		return -1;
	digits[0] = p[1];
	digits[1] = p[2];
	digits[2] = '\0';
	return text_unhex(&byte, 1, digits) == 0 ? byte : -1;
}

static bool
is_separator(int c)
{
	return c == '/' || c == '\\';
}

/*
 * A path in which every server sees the same parts as we: no "." and "..",
 * written plainly or not, no encoded separators, no "%" that is none.
 */
static bool
is_plain_path(const char *p, size_t n)
{
	const char *end = p + n;
	size_t dots = 0;
	bool only_dots = true, parameter = false;
	int c;

	for (; p < end; p++) {
		c = (unsigned char)*p;
		if (c == '%') {
			c = percent(p, end);
			if (c < 0x20 || c == 0x7f || is_separator(c))
				return false;
			/* "%252e" is "." to a server that decodes twice. */
			if (c == '%' && end - p >= 5 && p[3] == '2' &&
			    strchr("eEfF", p[4]) != NULL)
				return false;
			if (c == '%' && end - p >= 5 && p[3] == '5' &&
			    strchr("cC", p[4]) != NULL)
				return false;
			p += 2;
		} else if (c == '/') {
			if (only_dots && (dots == 1 || dots == 2))
				return false;
			dots = 0;
			only_dots = true;
			parameter = false;
			continue;
		}
		/* Some servers cut "..;x" down to "..". */
		if (c == ';')
			parameter = true;
		if (c == '.' && !parameter)
			dots++;
		else if (!parameter)
			only_dots = false;
	}
	return !(only_dots && (dots == 1 || dots == 2));
}

bool
url_split(struct url_parts *out, const char *url)
{
	const char *p;

	if (strncmp(url, "https://", 8) != 0)
		return false;
	out->host = url + 8;
	out->host_len = strspn(out->host, host_chars);
	if (!url_is_host(out->host, out->host_len))
		return false;
	p = out->host + out->host_len;
	if (strncmp(p, ":443/", 5) == 0)
		p += 4;
	if (*p != '/')
		return false;
	out->path = p;
	out->path_len = strcspn(p, "?");
	for (; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == '#' || *p == '\\')
			return false;
	return is_plain_path(out->path, out->path_len);
}
