#include "describe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "details.h"
#include "err.h"
#include "intake.h"
#include "record.h"
#include "report.h"
#include "store.h"
#include "summary.h"

/* A member may be this long; nobody writes more by hand. */
#define TEXT_MAX_BYTES 65536
#define KEYWORD_BYTES  512
/* In a call, so that it can be said how far they are. */
#define LINES 2000

/* Text as JSON, cut on a character if it is too long. */
static void
add_json(struct buf *out, const char *text, size_t most)
{
	size_t n = strlen(text);
	char *cut = NULL;

	if (n > most) {
		for (n = most;
		     n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
		text = cut = xstrndup(text, n);
	}
	buf_add_json(out, text);
	free(cut);
}

static void
add_text(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_addf(out, ",\"%s\":", name);
	add_json(out, text, TEXT_MAX_BYTES);
}

static void
add_number(struct buf *out, const char *name, bool present, double value)
{
	if (present)
		buf_addf(out, ",\"%s\":%.15g", name, value);
}

static void
add_place(struct buf *out, const struct place *p)
{
	char when[40];

	if (!p->present)
		return;
	buf_addf(out, ",\"place\":{\"latitude\":%.15g,\"longitude\":%.15g",
	    p->latitude, p->longitude);
	add_number(out, "altitude_m", p->has_altitude, p->altitude_m);
	add_number(out, "accuracy_m", p->has_accuracy, p->accuracy_m);
	add_number(out, "speed_mps", p->has_speed, p->speed_mps);
	add_number(out, "course_deg", p->has_course, p->course_deg);
	if (p->has_time)
		add_text(out, "time", civil_iso(when, p->time_ms));
	buf_adds(out, "}");
}

static void
add_details(struct buf *out, const struct details *d)
{
	char when[40];

	add_text(out, "title", d->title);
	add_text(out, "caption", d->caption);
	for (size_t i = 0; i < d->nkeywords; i++) {
		buf_adds(out, i == 0 ? ",\"keywords\":[" : ",");
		add_json(out, d->keywords[i], KEYWORD_BYTES);
	}
	if (d->nkeywords > 0)
		buf_adds(out, "]");
	add_place(out, &d->place);
	add_text(out, "time_zone", d->time_zone);
	/* Beside the date that iCloud goes by, those that others knew. */
	add_text(out, "camera", d->camera);
	if (d->has_created)
		add_text(out, "created", civil_iso(when, d->created_ms));
	add_number(
	    out, "duration_ms", d->duration_ms > 0, (double)d->duration_ms);
	add_number(
	    out, "orientation", d->has_orientation, (double)d->orientation);
	add_text(out, "kind", d->kind);
	add_text(out, "burst", d->burst);
	add_text(out, "adjustment", d->adjustment);
}

static void
describe_asset(void *arg, struct buf *out, const struct store_bytes *asset,
    const struct store_bytes *master)
{
	struct record a, m;
	struct details d;
	bool has_master;

	(void)arg;
	if (!intake_kept(&a, asset))
		return;
	has_master = intake_kept(&m, master);
	details_read(&d, &a, has_master ? &m : NULL);
	add_details(out, &d);
	details_clear(&d);
	record_clear(&a);
	if (has_master)
		record_clear(&m);
}

const struct store_words describe_words = {
    .role = summary_role,
    .asset = describe_asset,
};

int
describe_months(struct store *s, struct report *r, struct err *e)
{
	int64_t lines = 0;
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		rc = store_months_write(&more, s, &describe_words, LINES, e);
		lines += LINES;
		if (more)
			report_busy(r, "Manifest and records, lines", lines,
			    clock_mono_ms());
	}
	report_busy_end(r);
	return rc;
}
