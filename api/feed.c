#include <stdlib.h>
#include <string.h>

#include "body_p.h"
#include "buf.h"
#include "cloudkit.h"
#include "cloudkit_p.h"
#include "err.h"
#include "photos.h"
#include "photos_p.h"
#include "record.h"
#include "zone.h"

/*
 * changes/zone, one zone a request [changes-zone].  A page that stays
 * unreadable is asked for in smaller ones, from the same token; once as many
 * records have come in small pages as the next larger size holds, that size is
 * tried again.
 */
static const size_t sizes[] = {PHOTOS_PAGE_MAX, 50, 10, 2};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* Runs of 70 empty pages were seen in a library of 7,300 photos. */
#define EMPTY_MAX 100000

struct feed {
	struct cloudkit *ck;
	struct zone_id zone;
	char *token;       /* of the page before; NULL: from the beginning */
	size_t size;       /* index into sizes */
	size_t passed;     /* room for records in pages of this size */
	struct err larger; /* why the pages became smaller */
	unsigned same;     /* pages in a row that gave their token back */
	unsigned empty;    /* pages in a row without a record */
	struct photos_page page;
	struct photos_feed cb;
};

static const char not_understood[] = "The list of %s is not understood (%s).";

static void feed_ask(struct feed *);

static void
feed_end(struct feed *f, const struct err *e)
{
	struct photos_feed cb = f->cb;

	photos_page_clear(&f->page);
	zone_id_clear(&f->zone);
	free(f->token);
	free(f);
	cb.done(cb.arg, e);
}

/* The entry of our zone: of several the one with its name; a failing one may
 * come without a zoneID. */
static struct json_span
feed_entry(const struct feed *f, struct json_span answer)
{
	struct json_span list = json_span_get(answer, "zones"), entry, id;
	struct json_span found = {NULL, 0};
	char *name;
	size_t it = 0;
	bool ours;

	while (found.p == NULL && json_span_next(&entry, list, &it)) {
		id = json_span_get(entry, "zoneID");
		name = photos_span_text(json_span_get(id, "zoneName"));
		ours = name == NULL || strcmp(name, f->zone.name) == 0;
		free(name);
		if (ours)
			found = entry;
	}
	return found;
}

static int
feed_read(void *arg, struct json_span answer, bool last, struct err *e)
{
	struct feed *f = arg;
	struct json_span entry = feed_entry(f, answer);

	photos_page_clear(&f->page);
	if (entry.p == NULL)
		return err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    f->zone.name, "it is not in the answer");
	if (photos_page_read(&f->page, entry, e) == -1)
		return -1;
	if (f->page.more && f->page.token == NULL)
		return err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    f->zone.name, "more to come, but no token");
	/* What cannot be named cannot be looked up either: ask anew while that
	 * may help, but never hold up the walk for it. */
	if (!last && photos_nameless(f->page.records) > 0)
		return err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    f->zone.name, "records without names");
	return 0;
}

static bool
feed_shrink(struct feed *f, const struct err *e)
{
	if (!cloudkit_less_may_help(e) || f->size + 1 == SIZES)
		return false;
	if (f->size == 0)
		f->larger = *e;
	f->size++;
	f->passed = 0;
	return true;
}

static void
feed_grow(struct feed *f)
{
	if (f->size == 0)
		return;
	f->passed += sizes[f->size];
	if (f->passed >= sizes[f->size - 1]) {
		f->size--;
		f->passed = 0;
	}
}

static void
feed_failed(struct feed *f, const struct err *net)
{
	struct err e = *net;

	if (feed_shrink(f, &e)) {
		feed_ask(f);
		return;
	}
	if (f->token == NULL && e.code == ERR_TOKEN)
		e.code = ERR_PROTOCOL; /* no walk anew can cure that */
	else if (cloudkit_is_bad_request(&e) && f->size > 0)
		e = f->larger; /* it is the small page that is refused */
	else if (cloudkit_is_bad_request(&e) && f->token != NULL)
		e.code = ERR_TOKEN; /* expiry was never seen [changes-zone] */
	feed_end(f, &e);
}

struct feed_count {
	struct feed *feed;
	size_t n;
};

static void
feed_record(void *arg, const struct record *r)
{
	struct feed_count *c = arg;

	c->n++;
	c->feed->cb.record(c->feed->cb.arg, r);
}

/* A walk that goes round in circles ends.  The page itself was taken. */
static int
feed_goes_on(struct feed *f, const char *token, size_t records, struct err *e)
{
	bool same = f->token != NULL && strcmp(f->token, token) == 0;

	f->same = same ? f->same + 1 : 0;
	f->empty = records == 0 ? f->empty + 1 : 0;
	if (f->same >= PHOTOS_SAME_MAX || f->empty >= EMPTY_MAX)
		return err_set(e, ERR_PROTOCOL, NULL, not_understood,
		    f->zone.name, "it does not end");
	return 0;
}

static void
feed_answered(void *arg, struct http_response *resp, const struct err *net)
{
	struct feed *f = arg;
	struct feed_count c = {.feed = f};
	struct err e = ERR_INIT;
	const char *token;

	(void)resp;
	if (net->code != ERR_NONE) {
		feed_failed(f, net);
		return;
	}
	photos_each(f->page.records, feed_record, &c);
	/* Without a token of its own it is repeated by the one that led here. */
	token = f->page.token != NULL ? f->page.token : f->token;
	if (!f->cb.page(f->cb.arg, token, f->page.more) || !f->page.more ||
	    feed_goes_on(f, token, c.n, &e) == -1) {
		feed_end(f, &e);
		return;
	}
	feed_grow(f);
	free(f->token);
	f->token = f->page.token;
	f->page.token = NULL;
	feed_ask(f);
}

/* While nothing comes at all, a smaller page gets one try, so that the end of
 * the ladder is reached before the run gives up on the service. */
static unsigned
feed_tries(const struct feed *f)
{
	if (f->size == 0)
		return 0;
	return f->passed > 0 ? 3 : 1;
}

static void
feed_ask(struct feed *f)
{
	cJSON *body = body_object();
	cJSON *zone =
	    body_append(body_add(body, "zones", body_array()), body_object());

	photos_zone_add(zone, &f->zone);
	if (f->token != NULL)
		body_text(zone, "syncToken", f->token);
	body_int(zone, "resultsLimit", (int64_t)sizes[f->size]);
	photos_keys_add(zone);
	cloudkit_ask(f->ck,
	    &(struct cloudkit_request){
		.database = f->zone.database,
		.path = "changes/zone",
		.body = body,
		.tries = feed_tries(f),
		.read = feed_read,
		.done = feed_answered,
		.arg = f,
	    });
}

void
photos_feed(struct cloudkit *ck, const struct zone_id *zone, const char *token,
    const struct photos_feed *cb)
{
	struct feed *f = xcalloc(1, sizeof(*f));

	f->ck = ck;
	zone_id_copy(&f->zone, zone);
	/* The empty token is answered as if nothing had changed, ever. */
	f->token = token != NULL && *token != '\0' ? xstrdup(token) : NULL;
	f->cb = *cb;
	feed_ask(f);
}
