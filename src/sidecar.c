#include "sidecar.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "details.h"
#include "intake.h"
#include "log.h"
#include "record.h"
#include "report.h"
#include "store.h"
#include "text.h"
#include "xmp.h"

#define KEYWORDS_MAX 10000          /* of all assets of a file together */
#define OFFSET_MOST  INT64_C(50400) /* 14 hours; more is no zone */

struct pass {
	struct report *report;
	int64_t made, changed;
};

/* False if there is nothing that can be read. */
static bool
read_details(struct details *out, const struct store_sidecar_asset *a)
{
	struct record asset, master;
	bool has_master;

	if (!intake_kept(&asset, &a->asset))
		return false;
	has_master = intake_kept(&master, &a->master);
	details_read(out, &asset, has_master ? &master : NULL);
	record_clear(&asset);
	if (has_master)
		record_clear(&master);
	return true;
}

static void
take_date(struct xmp *x, const struct store_sidecar_asset *a)
{
	const int64_t offset = a->has_offset ? a->offset_s : 0;
	struct civil c;

	/* When something came into the library is not when it was taken. */
	x->has_taken = a->has_taken && a->dated <= STORE_DATE_MASTER &&
	    civil_taken(&c, a->taken_ms, offset);
	x->taken_ms = a->taken_ms;
	x->offset_s = a->offset_s;
	x->has_offset =
	    a->has_offset && offset >= -OFFSET_MOST && offset <= OFFSET_MOST;
}

/* Append those of one asset to all. */
static void
add_keywords(struct xmp *x, const char ***all, const struct details *d)
{
	for (size_t i = 0; i < d->nkeywords && x->nkeywords < KEYWORDS_MAX;
	     i++) {
		*all = xreallocarray(*all, x->nkeywords + 1, sizeof(**all));
		(*all)[x->nkeywords++] = d->keywords[i];
	}
}

static void
write_xmp(void *arg, struct buf *out, const struct store_sidecar_asset *assets,
    size_t n)
{
	struct pass *p = arg;
	struct details *d = xcalloc(n, sizeof(*d));
	const char **keywords = NULL;
	struct xmp x = {0};

	for (size_t i = 0; i < n; i++)
		if (read_details(&d[i], &assets[i]))
			add_keywords(&x, &keywords, &d[i]);
	x.title = d[0].title;
	x.caption = d[0].caption;
	x.keywords = keywords;
	x.has_place = d[0].place.present;
	x.latitude = d[0].place.latitude;
	x.longitude = d[0].place.longitude;
	x.has_altitude = d[0].place.has_altitude;
	x.altitude_m = d[0].place.altitude_m;
	x.favourite = assets[0].favourite;
	take_date(&x, &assets[0]);
	xmp_write(out, &x);
	for (size_t i = 0; i < n; i++)
		details_clear(&d[i]);
	free(keywords);
	free(d);
	report_busy(p->report, "Sidecars", ++p->made, clock_mono_ms());
}

/* ---- what is in the way ---- */

static void
on_fault(void *arg, const char *path, enum store_sidecar_fault fault)
{
	struct pass *p = arg;

	if (fault == STORE_SIDECAR_CHANGED)
		p->changed++;
	else if (fault == STORE_SIDECAR_FOREIGN)
		log_warn("%s is not of icloud-pull and stays as it is: that "
			 "picture gets no sidecar. Move it away to get one.",
		    path);
	else
		log_warn("%s would be too long a name: that picture gets no "
			 "sidecar.",
		    path);
}

int
sidecar_write(struct store *s, struct report *report, struct err *e)
{
	struct pass p = {.report = report};
	const struct store_sidecar_words words = {
	    .roles = 1U << RESOURCE_ORIGINAL | 1U << RESOURCE_ALTERNATIVE |
		1U << RESOURCE_EDITED | 1U << RESOURCE_EDITED_VIDEO,
	    .write = write_xmp,
	    .fault = on_fault,
	    .arg = &p,
	};
	char n[32];
	int rc = store_sidecars_write(s, &words, e);

	report_busy_end(report);
	if (p.changed > 0)
		log_warn("%s %s changed by another program and %s as %s. "
			 "Delete what icloud-pull shall write anew.",
		    text_count(n, p.changed),
		    p.changed == 1 ? "sidecar was" : "sidecars were",
		    p.changed == 1 ? "stays" : "stay",
		    p.changed == 1 ? "it is" : "they are");
	return rc;
}
