#include "progress.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* More than ten years is no estimate (and stated sizes may be absurd). */
#define LEFT_MAX_MS (10 * 365.0 * 86400 * 1000)

void
progress_start(
    struct progress *p, int64_t files, int64_t bytes, int64_t mono_ms)
{
	memset(p, 0, sizeof(*p));
	p->files = files;
	p->bytes = bytes;
	p->began_ms = p->last_ms = mono_ms;
}

void
progress_totals(struct progress *p, int64_t files, int64_t bytes)
{
	p->files = files;
	p->bytes = bytes;
}

void
progress_update(
    struct progress *p, int64_t files, int64_t bytes, int64_t mono_ms)
{
	int64_t span = mono_ms - p->last_ms;
	double now, weight;

	p->files_done = files;
	p->bytes_done = bytes;
	if (span < 500)
		return;
	now = (double)(bytes - p->last_bytes) * 1000.0 / (double)span;
	/* The first ten seconds are a plain mean; then the old rate fades. */
	if (mono_ms - p->began_ms <= 10000 || p->rate <= 0)
		p->rate =
		    (double)bytes * 1000.0 / (double)(mono_ms - p->began_ms);
	else {
		weight = (double)span / 10000.0;
		if (weight > 1)
			weight = 1;
		p->rate += (now - p->rate) * weight;
	}
	p->last_ms = mono_ms;
	p->last_bytes = bytes;
}

int64_t
progress_left_ms(const struct progress *p)
{
	int64_t left = p->bytes - p->bytes_done;
	double ms;

	if (p->rate < 1 || left < 0)
		return -1;
	ms = (double)left / p->rate * 1000.0;
	return ms < LEFT_MAX_MS ? (int64_t)ms : -1;
}

/* Of the bytes; of the files, where no size is known. */
static int
percent(const struct progress *p)
{
	double all = (double)(p->bytes > 0 ? p->bytes : p->files);
	double done = (double)(p->bytes > 0 ? p->bytes_done : p->files_done);

	if (all <= 0 || done <= 0)
		return 0;
	return done < all ? (int)(done * 100 / all) : 100;
}

/* The longest way to say how far it is that fits. */
static void
begin_line(char *out, size_t size, const struct progress *p, size_t room)
{
	char done[32], all[32], line[80];
	int n = 0;

	text_count(done, p->files_done);
	text_count(all, p->files < 0 ? p->listed : p->files);
	for (int i = 0; i < 4; i++) {
		if (p->files < 0)
			n = i == 0
			    ? snprintf(line, sizeof(line),
				  "%s records listed, %s files", all, done)
			    : i == 1
			    ? snprintf(line, sizeof(line), "%s files", done)
			    : snprintf(line, sizeof(line), "%s", done);
		else if (i == 0)
			n = snprintf(
			    line, sizeof(line), "%s of %s files", done, all);
		else if (i == 1)
			n = snprintf(line, sizeof(line), "%s of %s", done, all);
		else if (i == 2)
			n = snprintf(line, sizeof(line), "%s/%s", done, all);
		else
			n = snprintf(line, sizeof(line), "%d%%", percent(p));
		if ((size_t)n <= room)
			break;
	}
	snprintf(out, size, "%s", (size_t)n <= room ? line : "");
}

void
progress_line(char *out, size_t size, const struct progress *p, int columns)
{
	char a[32], part[128];
	char sizes[2][32];
	int64_t left = p->files < 0 ? -1 : progress_left_ms(p);
	size_t room =
	    columns > 0 && (size_t)columns < size ? (size_t)columns : size - 1;
	size_t used;

	begin_line(out, size, p, room);
	/* Each further part is added only while it fits whole. */
	for (int i = 0; i < 3; i++) {
		if (i == 0 && p->files < 0)
			snprintf(part, sizeof(part), ", %s",
			    text_size(sizes[0], p->bytes_done));
		else if (i == 0)
			snprintf(part, sizeof(part), ", %s of %s",
			    text_size(sizes[0], p->bytes_done),
			    text_size(sizes[1], p->bytes));
		else if (i == 1 && p->rate >= 1)
			snprintf(part, sizeof(part), ", %s/s",
			    text_size(a, (int64_t)p->rate));
		else if (i == 2 && left >= 0)
			snprintf(part, sizeof(part), ", %s left",
			    text_span(a, left));
		else
			continue;
		used = strlen(out);
		if (used + strlen(part) > room)
			break;
		snprintf(out + used, size - used, "%s", part);
	}
}
