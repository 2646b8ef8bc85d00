#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "text.h"

static enum log_level level = LOG_NORMAL;
static bool ascii;
static void (*step_aside)(void *arg, int before);
static void *step_aside_arg;

void
log_set_level(enum log_level to)
{
	level = to;
}

void
log_set_ascii(bool to)
{
	ascii = to;
}

enum log_level
log_level(void)
{
	return level;
}

void
log_set_hook(void (*hook)(void *arg, int before), void *arg)
{
	step_aside = hook;
	step_aside_arg = arg;
}

static void emit(const char *kind, const char *fmt, va_list)
    __attribute__((format(printf, 2, 0)));

static void
emit(const char *kind, const char *fmt, va_list ap)
{
	struct buf raw, line;
	int keep = errno;

	buf_init(&raw, 0);
	buf_init(&line, 0);
	if (buf_vaddf(&raw, fmt, ap) == -1)
		goto out;
	buf_addf(&line, "icloud-pull: %s", kind);
	text_printable(&line, buf_text(&raw), raw.len, ascii);
	buf_addc(&line, '\n');
	if (step_aside != NULL)
		step_aside(step_aside_arg, 1);
	/* One write() if possible: lines of several processes stay lines.  A
	 * closed standard error is nobody's error. */
	(void)file_write_all(STDERR_FILENO, line.data, line.len);
	if (step_aside != NULL)
		step_aside(step_aside_arg, 0);
out:
	buf_clear(&raw);
	buf_clear(&line);
	errno = keep;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("error: ", fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_WARNINGS)
		return;
	va_start(ap, fmt);
	emit("warning: ", fmt, ap);
	va_end(ap);
}

void
log_note(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_NORMAL)
		return;
	va_start(ap, fmt);
	emit("", fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_VERBOSE)
		return;
	va_start(ap, fmt);
	emit("", fmt, ap);
	va_end(ap);
}

static void trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
trace(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("", fmt, ap);
	va_end(ap);
}

static bool
ends_in(const char *s, size_t n, const char *end)
{
	size_t m = strlen(end);

	return n >= m && strncasecmp(s + n - m, end, m) == 0;
}

void
log_http(const char *method, const char *url, int status, long long took_ms,
    const char *request_id)
{
	const char *host, *path, *at;
	size_t host_len, path_len;

	if (level < LOG_TRACE)
		return;
	/* Whatever cannot be told apart safely is not shown at all. */
	host = strstr(url, "://");
	host = host != NULL ? host + 3 : "-";
	host_len = strcspn(host, "/?#\\");
	path = host + host_len;
	while ((at = memchr(host, '@', host_len)) != NULL) {
		host_len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	path_len = *path == '/' ? strcspn(path, "?#\\") : 0;
	if (ends_in(host, host_len, "icloud-content.com") ||
	    ends_in(host, host_len, "icloud-content.com.cn") ||
	    ends_in(host, host_len, "icloud-content.com:443") ||
	    ends_in(host, host_len, "icloud-content.com.cn:443")) {
		/* The path names the object and is half of its signature. */
		path = path_len >= 3 && memcmp(path, "/B/", 3) == 0 ? "/B/..."
								    : "/...";
		path_len = strlen(path);
	}
	trace("%s %.*s%.*s %d %lld ms%s%s", method, (int)host_len, host,
	    (int)path_len, path, status, took_ms,
	    request_id[0] != '\0' ? " " : "", request_id);
}
