#include "err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"

void
err_clear(struct err *e)
{
	memset(e, 0, sizeof(*e));
	e->wait_ms = -1;
}

/* End text, which lost its tail at size bytes, in "..." after a character. */
static void
mark_cut(char *text, size_t size)
{
	size_t at = size - sizeof("...");
	int steps;

	for (steps = 0; steps < 3 && at > 0; steps++, at--)
		if (((unsigned char)text[at] & 0xc0) != 0x80)
			break;
	memcpy(text + at, "...", sizeof("..."));
}

static void
copy_cut(char *out, size_t size, const char *text)
{
	if ((size_t)snprintf(out, size, "%s", text) >= size)
		mark_cut(out, size);
}

static void format_cut(char *out, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
format_cut(char *out, size_t size, const char *fmt, va_list ap)
{
	int n;

	out[0] = '\0';
	n = vsnprintf(out, size, fmt, ap);
	if (n >= 0 && (size_t)n >= size)
		mark_cut(out, size);
}

/* what and next lie outside of e. */
static void
fill(struct err *e, enum err_code code, const char *what, const char *next)
{
	err_clear(e);
	e->code = code;
	copy_cut(e->what, sizeof(e->what), what);
	copy_cut(e->next, sizeof(e->next), next);
}

int
err_set(struct err *e, enum err_code code, const char *next,
    const char *what_fmt, ...)
{
	char what[sizeof(e->what)], step[sizeof(e->next)];
	va_list ap;

	assert(code != ERR_NONE);
	if (e == NULL)
		return -1;
	va_start(ap, what_fmt);
	format_cut(what, sizeof(what), what_fmt, ap);
	va_end(ap);
	copy_cut(step, sizeof(step), next != NULL ? next : "");
	fill(e, code, what, step);
	return -1;
}

static const char *
next_step(int errnum)
{
	switch (errnum) {
	case ENOSPC:
		return "Free some space, then run icloud-pull again.";
	case EDQUOT:
		return "The quota of this user is used up. Free some space, "
		       "then run icloud-pull again.";
	case EFBIG:
		return "This volume cannot hold a file of this size. Use a "
		       "volume of another format (APFS, exFAT, ext4).";
	case EACCES:
	case EPERM:
		return "Check owner and permissions; on a Mac also System "
		       "Settings, Privacy & Security, Full Disk Access.";
	case EROFS:
		return "The volume is mounted read-only.";
	case EIO:
	case ENXIO:
		return "Check the disk and its cable, then run icloud-pull "
		       "again.";
	case EMFILE:
	case ENFILE:
		return "Raise the limit of open files (ulimit -n) or use "
		       "fewer --jobs.";
	default:
		return "";
	}
}

int
err_set_errno(struct err *e, int errnum, const char *what_fmt, ...)
{
	char what[sizeof(e->what)], full[sizeof(e->what)], reason[80];
	enum err_code code = ERR_DISK;
	size_t room;
	va_list ap;

	if (e == NULL)
		return -1;
	if (errnum == ECANCELED)
		return err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
	if (errnum == ENOSPC || errnum == EDQUOT)
		code = ERR_DISK_FULL;
	else if (errnum == EFBIG)
		code = ERR_TOO_LARGE;
	compat_strerror(reason, sizeof(reason), errnum);
	/* The reason is what helps: it is the sentence that is cut. */
	room = sizeof(what) - strlen(": ") - strlen(reason);
	va_start(ap, what_fmt);
	format_cut(what, room, what_fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%.*s: %s", (int)room, what, reason);
	fill(e, code, full, next_step(errnum));
	return -1;
}

int
err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_INCOMPLETE:
		return 1;
	case ERR_USAGE:
		return 2;
	case ERR_CODE:
	case ERR_PASSWORD:
	case ERR_LOCKED:
	case ERR_TERMS:
	case ERR_WEB_ACCESS:
	case ERR_ADP:
	case ERR_SECURITY_KEY:
	case ERR_SESSION:
		return 3;
	case ERR_NETWORK:
	case ERR_UNAVAILABLE:
	case ERR_THROTTLED:
		return 4;
	case ERR_DISK_FULL:
	case ERR_TOO_LARGE:
	case ERR_DISK:
	case ERR_NOT_MOUNTED:
	case ERR_BUSY:
	case ERR_BAD_STATE:
		return 5;
	case ERR_PROTOCOL:
	case ERR_TOKEN:
	case ERR_NOT_FOUND:
	case ERR_EXPIRED:
	case ERR_TOO_MUCH:
	case ERR_REFUSED:
		return 6;
	case ERR_ALARM:
		return 7;
	case ERR_INTERRUPTED:
		return 130;
	}
	return 6;
}

const char *
err_reason(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return NULL;
	case ERR_INCOMPLETE:
		return "incomplete";
	case ERR_USAGE:
		return "usage";
	case ERR_CODE:
		return "code";
	case ERR_PASSWORD:
	case ERR_SESSION:
		return "password";
	case ERR_LOCKED:
		return "locked";
	case ERR_TERMS:
		return "terms";
	case ERR_WEB_ACCESS:
		return "web-access";
	case ERR_ADP:
		return "adp";
	case ERR_SECURITY_KEY:
		return "security-key";
	case ERR_NETWORK:
		return "network";
	case ERR_UNAVAILABLE:
		return "unavailable";
	case ERR_THROTTLED:
		return "throttled";
	case ERR_DISK_FULL:
		return "disk-full";
	case ERR_TOO_LARGE:
		return "too-large";
	case ERR_DISK:
		return "disk";
	case ERR_NOT_MOUNTED:
		return "not-mounted";
	case ERR_BUSY:
		return "busy";
	case ERR_BAD_STATE:
		return "state";
	case ERR_PROTOCOL:
	case ERR_TOKEN:
	case ERR_NOT_FOUND:
	case ERR_EXPIRED:
	case ERR_TOO_MUCH:
	case ERR_REFUSED:
		return "protocol";
	case ERR_ALARM:
		return "alarm";
	case ERR_INTERRUPTED:
		return "interrupted";
	}
	return NULL;
}

void
err_fatal(const char *what)
{
	char line[256];
	int n;

	n = snprintf(line, sizeof(line), "icloud-pull: error: %s\n", what);
	if (n > 0) {
		if ((size_t)n >= sizeof(line))
			n = sizeof(line) - 1;
		/* Nothing is left to do if even this fails. */
		if (write(STDERR_FILENO, line, (size_t)n) == -1)
			_exit(err_exit_status(ERR_BAD_STATE));
	}
	_exit(err_exit_status(ERR_BAD_STATE));
}

static int
urgency(enum err_code code)
{
	static const int order[] = {1, 4, 6, 5, 3, 7, 2, 130};
	int status = err_exit_status(code), i;

	for (i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
		if (order[i] == status)
			return i + 1;
	return 0;
}

enum err_code
err_worse(enum err_code a, enum err_code b)
{
	return urgency(b) > urgency(a) ? b : a;
}

void
err_keep_worse(struct err *kept, const struct err *e)
{
	if (urgency(e->code) > urgency(kept->code))
		*kept = *e;
}
