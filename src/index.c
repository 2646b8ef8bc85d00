#include "index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "log.h"
#include "photos.h"
#include "text.h"

/* Pages of a window at most, and how many positions it reads into the next one:
 * as many may leave the index meanwhile without a gap between the two. */
#define SHARE_PAGES 20
#define OVERLAP     20
/* Of a page that cannot be read, the smallest that was tried. */
#define BAD_PAGE 2
/* How often an empty page is not believed; how much of an index may be passed. */
#define EMPTIES_MAX  2
#define PASSES_MAX   50
#define RESTARTS_MAX 5

struct window {
	struct index_walk *walk;
	int64_t start, share; /* positions; share INT64_MAX: to the end */
	int64_t covered;
	int64_t rank; /* of its last page by rank; its marker belongs to that */
	char *marker; /* where it goes on; NULL: by rank */
	int empties;  /* in a row */
	int restarts;
	unsigned generation; /* of the session, as the request began */
	bool open, busy;
};

struct index_walk {
	struct index_options o;
	struct zone_id zone;
	char *index;
	struct window windows[INDEX_WIDTH_MAX];
	int64_t next; /* first rank of the next window; -1: none is left */
	int width, busy, passes;
	unsigned throttled; /* as it was when a page came last */
	bool lost, stopping;
	struct err err;
};

static void fill(struct index_walk *);

/* Positions of a page. */
static int64_t
page_of(const struct index_walk *x)
{
	return x->o.joint ? PHOTOS_PAGE_MAX / 2 : PHOTOS_PAGE_MAX;
}

static void
close_window(struct window *w)
{
	free(w->marker);
	memset(w, 0, sizeof(*w));
}

static void
by_rank(struct window *w)
{
	free(w->marker);
	w->marker = NULL;
}

/* Go on behind what cannot be had; false: too much of that. */
static bool
pass(struct window *w, int64_t positions)
{
	struct index_walk *x = w->walk;

	if (++x->passes > PASSES_MAX)
		return false;
	log_debug(
	    "%lld positions of %s are passed.", (long long)positions, x->index);
	by_rank(w);
	w->covered += positions;
	w->empties = 0;
	return true;
}

/* Is a page without anything the end of the window?  It is not believed at
 * once. */
static bool
is_over(struct window *w)
{
	struct index_walk *x = w->walk;

	return ++w->empties > EMPTIES_MAX && !pass(w, page_of(x));
}

/* The index says that it ends here. */
static void
take_end(struct window *w)
{
	int64_t expected = w->walk->o.expected;

	by_rank(w);
	if (w->covered >= w->share || w->start + w->covered >= expected ||
	    is_over(w) || w->start + w->covered >= expected)
		close_window(w);
}

static void
take_page(struct window *w, const char *next, size_t assets)
{
	struct index_walk *x = w->walk;

	w->covered += (int64_t)assets;
	if (x->throttled != x->o.cloud->ck.throttled)
		x->width = x->width > 1 ? x->width / 2 : 1;
	else if (x->width < x->o.width)
		x->width++;
	x->throttled = x->o.cloud->ck.throttled;
	if (assets > 0)
		w->empties = 0;
	if (next == NULL) {
		take_end(w);
		return;
	}
	free(w->marker);
	w->marker = xstrdup(next);
	if ((w->share != INT64_MAX && w->covered >= w->share + OVERLAP) ||
	    (assets == 0 && is_over(w)))
		close_window(w);
}

static void
take_error(struct window *w, const struct err *e)
{
	struct index_walk *x = w->walk;

	if (cloud_lost(x->o.cloud, x->zone.database, w->generation, e)) {
		x->lost = true;
		return;
	}
	if (x->width > 1)
		x->width /= 2;
	if (e->code == ERR_TOKEN && w->restarts++ < RESTARTS_MAX) {
		by_rank(w);
		w->covered -= w->covered < OVERLAP ? w->covered : OVERLAP;
		return;
	}
	if (photos_may_pass(e) && pass(w, BAD_PAGE))
		return;
	err_keep_worse(&x->err, e);
	x->stopping = true;
}

static void
on_record(void *arg, const struct record *r)
{
	struct window *w = arg;

	w->walk->o.record(w->walk->o.arg, r);
}

static void
on_done(void *arg, const char *next, size_t assets, const struct err *e)
{
	struct window *w = arg;
	struct index_walk *x = w->walk;

	w->busy = false;
	x->busy--;
	if (e->code == ERR_NONE) {
		x->o.page(x->o.arg);
		take_page(w, next, assets);
	} else {
		take_error(w, e);
	}
	fill(x);
	if (x->busy == 0)
		x->o.idle(x->o.arg); /* may be the end of x */
}

static void
ask(struct window *w)
{
	struct index_walk *x = w->walk;

	w->busy = true;
	w->generation = x->o.cloud->generation;
	x->busy++;
	if (w->marker == NULL)
		w->rank = w->start + w->covered;
	photos_query(&x->o.cloud->ck, &x->zone,
	    &(struct photos_query){
		.index = x->index,
		.rank = w->rank,
		.marker = w->marker,
		.names_only = x->o.names_only,
		.record = on_record,
		.done = on_done,
		.arg = w,
	    });
}

/* Positions from one window to the next: with the overlap whole pages, large
 * ones where there are many, and enough windows for all where there are few. */
static int64_t
share_of(const struct index_walk *x)
{
	int64_t page = page_of(x), pages = x->o.expected / (page * x->o.width);

	if (pages < 1)
		pages = 1;
	if (pages > SHARE_PAGES)
		pages = SHARE_PAGES;
	return pages * page - OVERLAP;
}

static void
open_window(struct window *w, struct index_walk *x)
{
	int64_t share = share_of(x);
	bool last = x->o.width == 1 || x->next + share >= x->o.expected;

	*w = (struct window){.walk = x,
	    .open = true,
	    .start = x->next,
	    .share = last ? INT64_MAX : share};
	x->next = last ? -1 : x->next + share;
}

/* As many requests as may be: those of open windows, the first before all
 * others, then new ones. */
static void
fill(struct index_walk *x)
{
	for (int i = 0; i < INDEX_WIDTH_MAX; i++) {
		struct window *w = &x->windows[i];

		if (x->stopping || x->lost || x->busy >= x->width)
			return;
		if (w->busy)
			continue;
		if (!w->open && x->next >= 0)
			open_window(w, x);
		if (w->open)
			ask(w);
	}
}

struct index_walk *
index_begin(const struct index_options *o)
{
	struct index_walk *x = xcalloc(1, sizeof(*x));

	assert(o->width >= 1 && o->width <= INDEX_WIDTH_MAX);
	x->o = *o;
	zone_id_copy(&x->zone, o->zone);
	x->index = xstrdup(o->index);
	x->throttled = o->cloud->ck.throttled;
	x->width = o->width < o->first ? o->width : o->first;
	err_clear(&x->err);
	fill(x);
	return x;
}

bool
index_is_lost(const struct index_walk *x)
{
	return x->lost;
}

void
index_resume(struct index_walk *x)
{
	x->lost = false;
	fill(x);
	if (x->busy == 0) /* something else had ended it meanwhile */
		x->o.idle(x->o.arg);
}

int
index_width(const struct index_walk *x)
{
	return x->width;
}

void
index_stop(struct index_walk *x)
{
	x->stopping = true;
}

int
index_end(struct index_walk *x, struct err *e)
{
	struct err end = x->err;

	assert(x->busy == 0);
	for (int i = 0; i < INDEX_WIDTH_MAX; i++)
		free(x->windows[i].marker);
	zone_id_clear(&x->zone);
	free(x->index);
	free(x);
	if (end.code == ERR_NONE)
		return 0;
	*e = end;
	return -1;
}
