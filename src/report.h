#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * What the person or the script gets: lines of text, or with --json one object
 * a line, on standard output; and a progress line on standard error while that
 * is a terminal.  Names are escaped for the terminal here, in one place; on one
 * whose locale is not UTF-8 all that is no ASCII is, for a byte of UTF-8 can be
 * a command there.  Into files and pipes goes UTF-8 whatever the locale.
 */
struct report;

struct report *report_new(bool json, bool quiet);
/* -1 if something that was asked for could not be written. */
int report_end(struct report *);
bool report_is_json(const struct report *);

/* A line of text (nothing with --json; with -q only if asked). */
enum report_weight { REPORT_NEVER, REPORT_CHATTER, REPORT_ASKED };
void report_text(struct report *, enum report_weight, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * An object, member by member; nothing without --json.
 *	report_open(r, "verdict"); report_int(r, "files", 3); report_close(r);
 * writes {"event":"verdict","files":3}.
 */
void report_open(struct report *, const char *event);
void report_str(struct report *, const char *name, const char *value);
void report_int(struct report *, const char *name, int64_t value);
void report_bool(struct report *, const char *name, bool value);
void report_raw(struct report *, const char *name, const char *json);
/* Inside of an object: a list, of texts or of objects with members. */
void report_strs(
    struct report *, const char *name, const char *const *values, size_t n);
void report_list_open(struct report *, const char *name);
void report_item_open(struct report *);
void report_item_close(struct report *);
void report_list_close(struct report *);
void report_close(struct report *);
/* Has nobody taken what was asked for?  Then more need not be written. */
bool report_has_failed(const struct report *);

/* ---- progress ---- */

/* Totals of the fetch that begins; the clock is monotonic ms. */
void report_progress_start(
    struct report *, int64_t files, int64_t bytes, int64_t mono_ms);
/* Of a fetch that began before they were known (files -1). */
void report_progress_totals(struct report *, int64_t files, int64_t bytes);
/* Done so far (finished files; bytes received).  Draws at most ten times a
 * second, as wide as the window is then; where standard error is no terminal
 * with a cursor (TERM=dumb) it is a message, every 30 seconds. */
void
report_progress(struct report *, int64_t files, int64_t bytes, int64_t mono_ms);
/* A word for what takes time without known totals: "Listing: 12,000".  Beside a
 * fetch without known totals it is said in that one's line. */
void
report_busy(struct report *, const char *what, int64_t count, int64_t mono_ms);
/* The end of that; a fetch that it came in between goes on to be shown. */
void report_busy_end(struct report *);
void report_progress_end(struct report *);

#endif
