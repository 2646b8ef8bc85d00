#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * A signed download link [download-link].  It is a bearer secret.
 *
 * link_request() appends the address to ask for: the literal placeholder
 * ${f} encoded, all else untouched.  -1 if it is not https, not on a content
 * host of Apple's, not below /B/, or holds what no address may.
 * link_expires_s() reads e=; -1 if there is none.
 * link_is_fresh(): is there enough life left to begin (more than 120 s or a
 * quarter of it, whichever is less)?  date_ms: server's clock when it was
 * given, mono_ms_then and mono_ms_now: our own monotonic clock then and now.
 * Without e= or date (-1) it is taken to live 15 minutes.
 */
int	link_request(struct buf *out, const char *url);
int64_t	link_expires_s(const char *url);
bool	link_is_fresh(const char *url, int64_t date_ms, int64_t mono_ms_then,
	    int64_t mono_ms_now);

#endif
