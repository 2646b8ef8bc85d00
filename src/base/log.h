#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

/*
 * Messages for the person, on standard error.  What was asked for goes to
 * standard output and never through here.
 *
 * Every message is escaped (text_printable()), so that names from the server
 * reach no terminal raw; after log_set_ascii(true) all that is no ASCII, too.  Secrets do not pass here at all: nothing logs a
 * header, a body, a cookie or a query; log_http() takes only what is listed.
 */

enum log_level {
	LOG_QUIET = 0, /* errors only (-q) */
	LOG_WARNINGS,  /* + warnings (a scheduled run) */
	LOG_NORMAL,    /* + notes */
	LOG_VERBOSE,   /* + what is being done (-v) */
	LOG_TRACE,     /* + one line a request (-vv) */
};

void	log_set_level(enum log_level);
void	log_set_ascii(bool);
enum log_level log_level(void);

/*
 * Called before and after each message, so that a progress line can step
 * aside.  The one hook; NULL removes it.  Main thread only, like all of log.
 */
void	log_set_hook(void (*hook)(void *arg, int before), void *arg);

void	log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * One line of the http trace: method, host, path without its query (for a
 * content host only "/B/..."), status (0: no answer), milliseconds, and
 * Apple's request id ("" if none).
 */
void	log_http(const char *method, const char *url, int status,
	    long long took_ms, const char *request_id);

#endif
