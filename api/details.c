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

static bool
in_range(double value, double most)
{
	return value >= -most && value <= most;
}

/* [location]: without the list, or with one that is none, the index's own
 * copies do. */
static void
read_position(
    struct place *out, const struct record *r, const struct proplist *l)
{
	out->present = l != NULL && proplist_number(&out->latitude, l, "lat") &&
	    proplist_number(&out->longitude, l, "lon");
	if (!out->present)
		out->present =
		    record_double(&out->latitude, r, "locationLatitude") &&
		    record_double(&out->longitude, r, "locationLongitude");
	out->present = out->present && in_range(out->latitude, 90) &&
	    in_range(out->longitude, 180);
}

static void
read_place(struct place *out, const struct record *r)
{
	struct proplist *l = list_of(r, "locationEnc");

	read_position(out, r, l);
	if (l == NULL)
		return;
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

/* [asset-fields]: two numbers, of which the second came later. */
static const char *
kind_of(const struct record *r)
{
	static const struct {
		const char *field;
		int64_t number;
		const char *kind;
	} kinds[] = {
	    {"assetSubtype", 1, "panorama"},
	    {"assetSubtype", 100, "slow-motion"},
	    {"assetSubtype", 101, "time-lapse"},
	    {"assetSubtypeV2", 2, "live"},
	    {"assetSubtypeV2", 3, "screenshot"},
	    {"assetSubtypeV2", 101, "time-lapse"},
	};
	int64_t number;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (record_int(&number, r, kinds[i].field) &&
		    number == kinds[i].number)
			return kinds[i].kind;
	return NULL;
}

/* [media-data]: "2021:09:29 12:00:00"; zeros, or anything else, are none. */
static char *
camera_date(const struct record *master)
{
	static const char form[] = "dddd:dd:dd dd:dd:dd";
	struct proplist *l = list_of(master, "mediaMetaDataEnc");
	const char *given = NULL;
	char *date = NULL;
	size_t i;

	if (l != NULL)
		given = proplist_text(l, "{Exif}", "DateTimeOriginal");
	if (given != NULL) {
		for (i = 0; form[i] != '\0'; i++)
			if (form[i] == 'd' ? given[i] < '0' || given[i] > '9'
					   : given[i] != form[i])
				break;
		if (form[i] == '\0' && given[i] == '\0' &&
		    strncmp(given, "0000", 4) != 0) {
			date = xstrdup(given);
			date[4] = date[7] = '-';
			date[10] = 'T';
		}
	}
	proplist_free(l);
	return date;
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
	out->kind = kind_of(asset);
	if (master != NULL) {
		out->has_created = record_int(
		    &out->created_ms, master, "originalCreationDate");
		out->camera = camera_date(master);
	}
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
	free(d->camera);
	for (size_t i = 0; i < d->nkeywords; i++)
		free(d->keywords[i]);
	free(d->keywords);
	memset(d, 0, sizeof(*d));
}
