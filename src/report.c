#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "file.h"
#include "log.h"
#include "progress.h"
#include "text.h"

#define DRAW_EVERY_MS  100
#define PLAIN_EVERY_MS 30000

struct report {
	bool json, quiet, failed;
	bool ascii;    /* standard output is a terminal that shows no more */
	bool terminal; /* standard error, with a cursor to move */
	bool shown;    /* a progress line stands there */
	bool running;
	bool fetching; /* totals are known */
	bool first;    /* no member in the object yet */
	struct buf object;
	struct progress progress;
	char line[256];
	int64_t last_draw_ms;
};

static void
put(struct report *r, const struct buf *b)
{
	if (b->len == 0 || r->failed)
		return;
	if (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout) != 0)
		r->failed = true;
}

/* In the background the cursor is somebody else's. */
static bool
has_cursor(void)
{
	pid_t front = tcgetpgrp(STDERR_FILENO);

	return front == -1 || front == getpgrp();
}

/*
 * The progress line stands to the right of the cursor and, where a window that
 * has become narrower has made several rows of it, below: so what is erased is
 * all from the cursor on, and nothing above it ever.
 */
static void
erase(struct report *r)
{
	static const char all[] = "\r\033[J";

	if (!r->shown)
		return;
	if (has_cursor())
		(void)file_write_all(STDERR_FILENO, all, strlen(all));
	r->shown = false;
}

/* Columns that may be written without coming to the window's edge. */
static int
columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == -1 || w.ws_col == 0)
		return 79;
	return w.ws_col > 1 ? w.ws_col - 1 : 1;
}

/* A line of a wider window waits for the next one.  A terminal can be narrower
 * already than it says: it shall cut, not wrap. */
static void
draw(struct report *r)
{
	char out[sizeof(r->line) + 32];
	int n;

	if (!r->terminal || r->quiet || r->line[0] == '\0' || !has_cursor())
		return;
	if (strlen(r->line) > (size_t)columns()) {
		erase(r);
		return;
	}
	n = snprintf(out, sizeof(out), "\r\033[?7l%s\033[J\033[?7h\r", r->line);
	(void)file_write_all(STDERR_FILENO, out, (size_t)n);
	r->shown = true;
}

/* log's hook: messages appear above the line. */
static void
step_aside(void *arg, int before)
{
	struct report *r = arg;

	if (before)
		erase(r);
	else if (r->running)
		draw(r);
}

struct report *
report_new(bool json, bool quiet)
{
	struct report *r = xcalloc(1, sizeof(*r));
	const char *term = getenv("TERM");
	bool ascii = !text_is_utf8_locale(
	    getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG"));

	r->json = json;
	r->quiet = quiet;
	r->terminal = isatty(STDERR_FILENO) && term != NULL &&
	    strcmp(term, "dumb") != 0 && term[0] != '\0';
	r->ascii = ascii && isatty(STDOUT_FILENO);
	log_set_ascii(ascii && isatty(STDERR_FILENO));
	log_set_hook(step_aside, r);
	return r;
}

int
report_end(struct report *r)
{
	int rc;

	erase(r);
	log_set_hook(NULL, NULL);
	if (fflush(stdout) != 0)
		r->failed = true;
	rc = r->failed ? -1 : 0;
	buf_clear(&r->object);
	free(r);
	return rc;
}

bool
report_is_json(const struct report *r)
{
	return r->json;
}

void
report_text(struct report *r, enum report_weight weight, const char *fmt, ...)
{
	struct buf raw = {0}, safe = {0};
	va_list ap;

	if (r->json || weight == REPORT_NEVER ||
	    (r->quiet && weight == REPORT_CHATTER))
		return;
	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_printable(&safe, buf_text(&raw), raw.len, r->ascii);
	buf_addc(&safe, '\n');
	step_aside(r, 1);
	put(r, &safe);
	step_aside(r, 0);
	buf_clear(&raw);
	buf_clear(&safe);
}

/* JSON may hold any character but a few as it is, but the reader may be a
 * person at a terminal: what text_printable() escapes becomes \uNNNN. */
static void
add_json(struct report *r, const char *text)
{
	struct buf json = {0};
	const char *p;
	size_t n, left;
	uint32_t c;

	buf_add_json(&json, text);
	for (p = buf_text(&json), left = json.len; left > 0;
	     p += n, left -= n) {
		n = text_next(&c, p, left);
		if (!text_is_control(c) && (!r->ascii || c < 0x80)) {
			buf_add(&r->object, p, n);
		} else if (c > 0xffff) {
			c -= 0x10000;
			buf_addf(&r->object, "\\u%04x\\u%04x",
			    0xd800U | (unsigned)(c >> 10),
			    0xdc00U | (unsigned)(c & 0x3ff));
		} else {
			buf_addf(&r->object, "\\u%04x", (unsigned)c);
		}
	}
	buf_clear(&json);
}

void
report_open(struct report *r, const char *event)
{
	buf_reset(&r->object);
	r->first = true;
	buf_adds(&r->object, "{");
	report_str(r, "event", event);
}

static void
name_member(struct report *r, const char *name)
{
	if (!r->first)
		buf_adds(&r->object, ",");
	r->first = false;
	buf_add_json(&r->object, name);
	buf_adds(&r->object, ":");
}

void
report_str(struct report *r, const char *name, const char *value)
{
	name_member(r, name);
	if (value == NULL)
		buf_adds(&r->object, "null");
	else
		add_json(r, value);
}

void
report_int(struct report *r, const char *name, int64_t value)
{
	name_member(r, name);
	buf_addf(&r->object, "%lld", (long long)value);
}

void
report_bool(struct report *r, const char *name, bool value)
{
	name_member(r, name);
	buf_adds(&r->object, value ? "true" : "false");
}

void
report_raw(struct report *r, const char *name, const char *json)
{
	name_member(r, name);
	buf_adds(&r->object, json);
}

void
report_list_open(struct report *r, const char *name)
{
	name_member(r, name);
	buf_adds(&r->object, "[");
	r->first = true;
}

void
report_item_open(struct report *r)
{
	buf_adds(&r->object, r->first ? "{" : ",{");
	r->first = true;
}

void
report_item_close(struct report *r)
{
	buf_adds(&r->object, "}");
	r->first = false;
}

void
report_list_close(struct report *r)
{
	buf_adds(&r->object, "]");
	r->first = false;
}

void
report_strs(
    struct report *r, const char *name, const char *const *values, size_t n)
{
	report_list_open(r, name);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_adds(&r->object, ",");
		add_json(r, values[i]);
	}
	report_list_close(r);
}

bool
report_has_failed(const struct report *r)
{
	return r->failed;
}

void
report_close(struct report *r)
{
	buf_adds(&r->object, "}\n");
	if (r->json) {
		step_aside(r, 1);
		put(r, &r->object);
		step_aside(r, 0);
	}
}

/* ---- progress ---- */

void
report_progress_start(
    struct report *r, int64_t files, int64_t bytes, int64_t mono_ms)
{
	progress_start(&r->progress, files, bytes, mono_ms);
	r->running = r->fetching = true;
	r->last_draw_ms = mono_ms;
}

void
report_progress_totals(struct report *r, int64_t files, int64_t bytes)
{
	progress_totals(&r->progress, files, bytes);
}

/* Is a new line due?  Without a terminal it is a message like others. */
static bool
is_due(struct report *r, int64_t mono_ms)
{
	if (mono_ms - r->last_draw_ms <
	    (r->terminal ? DRAW_EVERY_MS : PLAIN_EVERY_MS))
		return false;
	r->last_draw_ms = mono_ms;
	return true;
}

static void
show(struct report *r)
{
	if (r->terminal)
		draw(r);
	else
		log_note("%s", r->line);
}

void
report_progress(struct report *r, int64_t files, int64_t bytes, int64_t mono_ms)
{
	if (!r->running || !is_due(r, mono_ms))
		return;
	progress_update(&r->progress, files, bytes, mono_ms);
	progress_line(r->line, sizeof(r->line), &r->progress,
	    r->terminal ? columns() : 0);
	show(r);
}

void
report_busy(struct report *r, const char *what, int64_t count, int64_t mono_ms)
{
	char number[32];
	int n;

	if (r->fetching && r->progress.files < 0) {
		r->progress.listed = count;
		return;
	}
	if (!r->running && !r->terminal)
		r->last_draw_ms = mono_ms;
	r->running = true;
	if (!is_due(r, mono_ms))
		return;
	text_count(number, count);
	n = snprintf(r->line, sizeof(r->line), "%s: %s", what, number);
	if (r->terminal && n > columns())
		snprintf(r->line, sizeof(r->line), "%s", number);
	show(r);
}

void
report_busy_end(struct report *r)
{
	erase(r);
	r->running = r->fetching;
	r->line[0] = '\0';
}

void
report_progress_end(struct report *r)
{
	r->fetching = false;
	report_busy_end(r);
}
