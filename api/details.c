#include "details.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "proplist_p.h"
#include "record.h"
#include "text.h"

#define KEYWORDS_MAX 1000

/* The property list in a field; NULL if it is none. */
static struct proplist *
list_of(const struct record *r, const char *field)
{
	struct proplist *l = NULL;
	struct buf bytes = {0};

	if (record_bytes(&bytes, r, field))
		l = proplist_read(bytes.data, bytes.len);
	buf_clear(&bytes);
	return l;
}

static char *
text_of(const struct record *r, const char *field)
{
	struct buf text = {0};

	if (record_text(&text, r, field))
		return buf_take(&text);
	buf_clear(&text);
	return NULL;
}

/* [location] */
static void
read_place(struct place *out, const struct record *r)
{
	struct proplist *l = list_of(r, "locationEnc");

	if (l == NULL)
		return;
	out->present = proplist_number(&out->latitude, l, "lat") &&
	    proplist_number(&out->longitude, l, "lon") &&
	    out->latitude >= -90 && out->latitude <= 90 &&
	    out->longitude >= -180 && out->longitude <= 180;
	out->has_altitude = proplist_number(&out->altitude_m, l, "alt");
	out->has_speed =
	    proplist_number(&out->speed_mps, l, "speed") && out->speed_mps >= 0;
	out->has_course = proplist_number(&out->course_deg, l, "course") &&
	    out->course_deg >= 0 && out->course_deg <= 360;
	out->has_accuracy = proplist_number(&out->accuracy_m, l, "horzAcc") &&
	    out->accuracy_m >= 0;
	out->has_time = proplist_date(&out->time_ms, l, "timestamp");
	proplist_free(l);
}

static void
read_keywords(struct details *out, const struct record *r)
{
	struct proplist *l = list_of(r, "keywordsEnc");
	const char *word;
	size_t it = 0;
	struct buf text;

	if (l == NULL)
		return;
	while (out->nkeywords < KEYWORDS_MAX &&
	    (word = proplist_next(l, &it)) != NULL) {
		buf_init(&text, 0);
		text_utf8(&text, word, strlen(word));
		out->keywords = xreallocarray(
		    out->keywords, out->nkeywords + 1, sizeof(*out->keywords));
		out->keywords[out->nkeywords++] = buf_take(&text);
	}
	proplist_free(l);
}

void
details_read(struct details *out, const struct record *asset,
    const struct record *master)
{
	const char *adjustment = record_str(asset, "adjustmentType");

	memset(out, 0, sizeof(*out));
	out->title = text_of(asset, "captionEnc");
	out->caption = text_of(asset, "extendedDescEnc");
	out->time_zone = text_of(asset, "timeZoneNameEnc");
	out->adjustment = xstrdup(adjustment);
	out->burst = xstrdup(record_str(asset, "burstId"));
	(void)record_int(&out->duration_ms, asset, "duration");
	(void)record_int(&out->subtype, asset, "assetSubtype");
	out->has_orientation =
	    record_int(&out->orientation, asset, "orientation");
	if (master != NULL)
		out->has_created = record_int(
		    &out->created_ms, master, "originalCreationDate");
	read_keywords(out, asset);
	read_place(&out->place, asset);
}

void
details_clear(struct details *d)
{
	free(d->title);
	free(d->caption);
	free(d->time_zone);
	free(d->adjustment);
	free(d->burst);
	for (size_t i = 0; i < d->nkeywords; i++)
		free(d->keywords[i]);
	free(d->keywords);
	memset(d, 0, sizeof(*d));
}
