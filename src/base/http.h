#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct retry_policy;

/*
 * The loop: one curl_multi, HTTP/1.1 over TLS to every host, on the main
 * thread.  A request is copied when it starts and ends in exactly one
 * callback, also when it is cancelled.  Nothing is ever paused; whoever wants
 * less starts less.  Redirects are never followed [redirects].
 */
struct http;
struct http_call;

/*
 * What may be sent at all.  A request that fits no rule is never sent:
 * ERR_REFUSED.  host is a whole name or, with a leading dot or dash, the end of
 * one ("-ckdatabasews.icloud.com"); path is a whole path or, ending in '*', the
 * beginning of one.  Ends with a rule whose method is NULL.
 */
struct http_rule {
	const char *method, *host, *path;
};

struct http_options {
	const struct http_rule *const *rules; /* lists, NULL at the end; kept */
	const char	*user_agent;
	const char	*ca_file;    /* PEM; NULL: the system's authorities */
	const char	*connect_to; /* "HOST:PORT" for every connection; NULL */
	int64_t		 rate_bytes; /* content, bytes a second; 0: no limit */
	int64_t		 patience_ms; /* go on trying so long until a first
					 answer comes (retry_patience()) */
};

int	http_new(struct http **out, const struct http_options *, struct err *);
void	http_free(struct http *); /* cancels what runs; callbacks are called */

enum http_kind {
	HTTP_JSON,    /* cookies, gzip, body kept (up to 16 MiB), 60 s in all */
	HTTP_CONTENT, /* no cookies, no encoding, body to sink, stall limit */
};

struct http_response {
	int	 status;	 /* 0 until a status line came */
	int64_t	 retry_after_ms; /* Retry-After in seconds or as a date; -1 */
	int64_t	 date_ms;	 /* Date; -1 if none */
	int64_t	 length;	 /* Content-Length; -1 if none */
	int64_t	 range_start, range_total; /* Content-Range; -1 if none */
	struct buf headers;	 /* "Name: value\n" lines, as received */
	struct buf body;	 /* kept body; of content only what is no file,
				    of that its first 64 KiB */
};

/* The first header of that name, any case; false if there is none.  Blanks
 * around the value are cut.  A value that does not fit counts as absent. */
bool	http_header(char *out, size_t size, const struct http_response *,
	    const char *name);

/*
 * Bytes of a content answer, as they come.  Called only for status 200 and
 * 206 whose Content-Type is neither text nor JSON; head is the answer so far.
 * -1 ends the transfer, which then ends with the sink's own *e.
 */
typedef int http_sink(void *arg, const struct http_response *head,
	    const uint8_t *, size_t, struct err *e);
/*
 * The end.  e is ERR_NONE if an answer came whole, whatever its status.
 * resp is never NULL and dies after the call; its body may be taken.
 */
typedef void http_done(void *arg, struct http_response *resp,
	    const struct err *e);

struct http_request {
	enum http_kind	 kind;
	const char	*method, *url;
	const char *const *headers;	/* "Name: value", NULL at the end */
	const void	*body;		/* NULL: none ("" and 0: an empty one) */
	size_t		 body_len;
	int64_t		 resume_from;	/* content: Range from here; 0: none */
	bool		 fresh;		/* on a new connection */
	const struct retry_policy *retry; /* NULL: one try; JSON only */
	http_sink	*sink;		/* content only */
	http_done	*done;
	void		*arg;		/* for sink and done */
};

/* Queue a request.  Never calls back before it has returned. */
struct http_call *http_start(struct http *, const struct http_request *);
/* End it now; done() is called with ERR_INTERRUPTED before this returns. */
void	http_cancel(struct http *, struct http_call *);
/* Run the loop until this one request is done (done and arg are ignored).
 * The caller ends resp with http_response_clear(), always.  Not from inside
 * a callback. */
int	http_call(struct http *, struct http_response *resp,
	    const struct http_request *, struct err *);
void	http_response_clear(struct http_response *);

/* One turn: wait up to timeout_ms for anything, then call what is due. */
void	http_turn(struct http *, int timeout_ms);
/* Call cb once, after_ms from now; never before this returns. */
void	http_after(struct http *, int64_t after_ms, void (*cb)(void *),
	    void *arg);
void	http_after_cancel(struct http *, void (*cb)(void *), void *arg);
/* Call cb in each turn in which fd is readable (or at its end).  Another fd
 * for the same cb and arg replaces the first; fd -1 removes it. */
void	http_watch(struct http *, int fd, void (*cb)(void *), void *arg);

/*
 * From a watcher: all calls end now with ERR_INTERRUPTED, later ones at once.
 */
void	http_interrupt(struct http *);
bool	http_interrupted(const struct http *);

/* Requests, retries included, that ended without success since the last one
 * that did (any status below 500 other than 408 and 429 is a success).  Those
 * that were under way when one failed count with it: a line that drops cuts
 * all transfers at once. */
unsigned http_failures_in_row(const struct http *);
/* Requests sent so far, retries included. */
uint64_t http_count(const struct http *);

/*
 * The cookie jar of HTTP_JSON requests, as lines of the Netscape format
 * (libcurl's COOKIELIST), quotes and domain included.  Cookies with an empty
 * value are removed after each answer [cookies].
 */
void	http_cookies_get(struct buf *out, struct http *); /* lines with '\n' */
int	http_cookie_set(struct http *, const char *line); /* -1: no cookie */
void	http_cookies_clear(struct http *, const char *domain_suffix); /* NULL: all */
/* Is there an unexpired cookie of this name (prefix: name begins so)?  The
 * latest expiry of all that fit goes to *expires_ms (NULL is fine), -1 for one
 * that ends with the session. */
bool	http_cookie_has(struct http *, const char *name, bool prefix,
	    int64_t now_ms, int64_t *expires_ms);

#endif
