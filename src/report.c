#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "log.h"
#include "progress.h"
#include "text.h"

#define DRAW_EVERY_MS  100
#define PLAIN_EVERY_MS 30000

struct report {
	bool json, quiet, failed;
	bool terminal; /* standard error, with a cursor to move */
	bool shown;    /* a progress line stands there */
	bool running;
	bool first; /* no member in the object yet */
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

static void
erase(struct report *r)
{
	if (!r->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	r->shown = false;
}

static void
draw(struct report *r)
{
	if (!r->terminal || r->quiet || r->line[0] == '\0')
		return;
	fprintf(stderr, "\r%s\033[K", r->line);
	fflush(stderr);
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

	r->json = json;
	r->quiet = quiet;
	r->terminal = isatty(STDERR_FILENO) && term != NULL &&
	    strcmp(term, "dumb") != 0 && term[0] != '\0';
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

	if (r->json || (r->quiet && weight == REPORT_CHATTER))
		return;
	va_start(ap, fmt);
	buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_printable(&safe, buf_text(&raw), raw.len);
	buf_addc(&safe, '\n');
	step_aside(r, 1);
	put(r, &safe);
	step_aside(r, 0);
	buf_clear(&raw);
	buf_clear(&safe);
}

/*
 * JSON may hold these characters as they are, but the reader may be a person
 * at a terminal: DEL, C1 (U+0080 to U+009F) and those that turn the writing
 * (U+202A to U+202E, U+2066 to U+2069) are written as \uNNNN.  p is a
 * terminated UTF-8 text; 0: none of them begins here, else its bytes.
 */
static size_t
hidden_char(unsigned *out, const unsigned char *p)
{
	if (p[0] == 0x7F) {
		*out = 0x7F;
		return 1;
	}
	if (p[0] == 0xC2 && p[1] <= 0x9F && p[1] != '\0') {
		*out = p[1];
		return 2;
	}
	if (p[0] != 0xE2 || p[1] == '\0' || p[2] == '\0')
		return 0;
	*out = 0x2000 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
	return (*out >= 0x202A && *out <= 0x202E) ||
		(*out >= 0x2066 && *out <= 0x2069)
	    ? 3
	    : 0;
}

static void
add_json(struct buf *out, const char *text)
{
	struct buf json = {0};
	const char *p;
	unsigned c;
	size_t n;

	buf_add_json(&json, text);
	for (p = buf_text(&json); *p != '\0'; p += n) {
		n = hidden_char(&c, (const unsigned char *)p);
		if (n > 0) {
			buf_addf(out, "\\u%04x", c);
		} else {
			buf_addc(out, *p);
			n = 1;
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
		add_json(&r->object, value);
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

static int
columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col - 1;
	return 79;
}

void
report_progress_start(
    struct report *r, int64_t files, int64_t bytes, int64_t mono_ms)
{
	progress_start(&r->progress, files, bytes, mono_ms);
	r->running = true;
	r->last_draw_ms = mono_ms;
}

void
report_progress(struct report *r, int64_t files, int64_t bytes, int64_t mono_ms)
{
	if (!r->running ||
	    mono_ms - r->last_draw_ms <
		(r->terminal ? DRAW_EVERY_MS : PLAIN_EVERY_MS))
		return;
	r->last_draw_ms = mono_ms;
	progress_update(&r->progress, files, bytes, mono_ms);
	progress_line(r->line, sizeof(r->line), &r->progress,
	    r->terminal ? columns() : 0);
	if (r->terminal)
		draw(r);
	else
		log_note("%s", r->line);
}

void
report_busy(struct report *r, const char *what, int64_t count, int64_t mono_ms)
{
	char number[32];

	r->running = true;
	if (mono_ms - r->last_draw_ms < DRAW_EVERY_MS || !r->terminal)
		return;
	r->last_draw_ms = mono_ms;
	snprintf(r->line, sizeof(r->line), "%s: %s", what,
	    text_count(number, count));
	draw(r);
}

void
report_progress_end(struct report *r)
{
	erase(r);
	r->running = false;
	r->line[0] = '\0';
}
