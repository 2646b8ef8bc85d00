#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where a request goes, as every server and proxy on its way would read it.
 * What could be read in two ways is refused: the rules of http.h compare host
 * and path as they stand.
 */
struct url_parts {
	const char *host, *path; /* in the URL; path without its query */
	size_t host_len, path_len;
};

/* false: no plain https URL (another scheme or port, a user, a fragment, ".."
 * in whatever spelling, what is no printable ASCII). */
bool url_split(struct url_parts *out, const char *url);

/* The letters, digits, dots and dashes of a host name, in a sensible order.  A
 * text, of which the first n bytes count. */
bool url_is_host(const char *host, size_t n);

#endif
