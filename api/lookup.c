#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "body_p.h"
#include "buf.h"
#include "cloudkit.h"
#include "cloudkit_p.h"
#include "err.h"
#include "http.h"
#include "photos.h"
#include "photos_p.h"
#include "record.h"
#include "zone.h"

/*
 * records/lookup.  Batches wait in a queue: the halves of one that failed go
 * to its end, so that after a failure something else gets a chance to succeed
 * before the run gives up on the service.
 */
struct batch {
	struct batch *next;
	char **names; /* owned; NULL where answered */
	size_t n;
	unsigned round; /* times its records asked to come again */
	bool is_half;
};

struct lookup {
	struct cloudkit *ck;
	struct zone_id zone;
	bool all_keys;
	struct batch *now, *first, **last;
	struct photos_page page;
	struct photos_lookup cb;
};

/* Records that said "later" [cloudkit-errors]: again so often, after so long. */
#define ROUNDS   2
#define ROUND_MS 5000

static void lookup_next(struct lookup *);

static struct batch *
batch_new(char **names, size_t n)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	size_t i;

	b->names = xcalloc(n, sizeof(*b->names));
	for (i = 0; i < n; i++)
		b->names[i] = names[i];
	b->n = n;
	return b;
}

static void
batch_free(struct batch *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < b->n; i++)
		free(b->names[i]);
	free(b->names);
	free(b);
}

static void
lookup_queue(struct lookup *l, struct batch *b)
{
	*l->last = b;
	l->last = &b->next;
}

static void
lookup_end(struct lookup *l, const struct err *e)
{
	struct photos_lookup cb = l->cb;
	struct batch *b;

	batch_free(l->now);
	while ((b = l->first) != NULL) {
		l->first = b->next;
		batch_free(b);
	}
	photos_page_clear(&l->page);
	zone_id_clear(&l->zone);
	free(l);
	cb.done(cb.arg, e);
}

static int
lookup_read(void *arg, struct json_span answer, bool last, struct err *e)
{
	struct lookup *l = arg;

	(void)last;
	photos_page_clear(&l->page);
	return photos_page_read(&l->page, answer, e);
}

/* The name is answered, as often as it was asked for; NULL: it was not. */
static char *
batch_take(struct batch *b, const char *name)
{
	char *taken = NULL;
	size_t i;

	for (i = 0; i < b->n; i++) {
		if (b->names[i] == NULL || strcmp(b->names[i], name) != 0)
			continue;
		free(taken);
		taken = b->names[i];
		b->names[i] = NULL;
	}
	return taken;
}

struct walk {
	struct lookup *l;
	int64_t date_ms;
	char *later[PHOTOS_LOOKUP_MAX];
	size_t n_later;
};

/* true: the name was kept, to be asked for again. */
static bool
walk_error(struct walk *w, const struct record *r, char *name)
{
	struct lookup *l = w->l;
	struct err e = ERR_INIT;

	if (cloudkit_entry_error(&e, r->raw) == 0)
		err_set(&e, ERR_PROTOCOL, NULL,
		    "What iCloud Photos says of it is not understood.");
	if (e.code == ERR_NOT_FOUND) {
		l->cb.missing(l->cb.arg, name);
		return false;
	}
	if ((e.code == ERR_UNAVAILABLE || e.code == ERR_THROTTLED) &&
	    l->now->round < ROUNDS) {
		w->later[w->n_later++] = name;
		return true;
	}
	l->cb.failed(l->cb.arg, name, &e);
	return false;
}

static void
walk_record(void *arg, const struct record *r)
{
	struct walk *w = arg;
	struct lookup *l = w->l;
	char *name = batch_take(l->now, r->name);

	if (name == NULL)
		return; /* not asked for, or answered twice */
	if (r->type == RECORD_TOMBSTONE)
		l->cb.missing(l->cb.arg, name);
	else if (r->type != RECORD_ERROR)
		l->cb.record(l->cb.arg, r, w->date_ms);
	else if (walk_error(w, r, name))
		return;
	free(name);
}

static void
lookup_walk(struct lookup *l, int64_t date_ms)
{
	struct walk w = {.l = l, .date_ms = date_ms};
	struct err none = ERR_INIT;
	struct batch *again;
	size_t i;

	photos_each(l->page.records, walk_record, &w);
	err_set(&none, ERR_UNAVAILABLE, NULL,
	    "iCloud Photos left it out of its answer.");
	for (i = 0; i < l->now->n; i++)
		if (l->now->names[i] != NULL)
			l->cb.failed(l->cb.arg, l->now->names[i], &none);
	if (w.n_later > 0) {
		again = batch_new(w.later, w.n_later);
		again->round = l->now->round + 1;
		lookup_queue(l, again);
	}
}

static void
lookup_halve(struct lookup *l)
{
	struct batch *b = l->now, *half;
	size_t n = b->n / 2, i;

	for (i = 0; i < 2; i++) {
		half = i == 0 ? batch_new(b->names, n)
			      : batch_new(b->names + n, b->n - n);
		half->round = b->round;
		half->is_half = true;
		lookup_queue(l, half);
	}
	b->n = 0; /* the halves own the names */
}

/* Also BAD_REQUEST: one name that is no name spoils it for the others. */
static bool
is_about_records(const struct err *e)
{
	return cloudkit_less_may_help(e) || e->code == ERR_PROTOCOL;
}

static void
lookup_answered(void *arg, struct http_response *resp, const struct err *e)
{
	struct lookup *l = arg;

	if (e->code == ERR_NONE) {
		lookup_walk(l, resp->date_ms);
	} else if (!is_about_records(e)) {
		lookup_end(l, e);
		return;
	} else if (l->now->n > 1) {
		lookup_halve(l);
	} else {
		l->cb.failed(l->cb.arg, l->now->names[0], e);
	}
	batch_free(l->now);
	l->now = NULL;
	lookup_next(l);
}

/* [records-lookup]: the zone stands at the top, not inside each record. */
static cJSON *
lookup_body(const struct lookup *l)
{
	cJSON *body = body_object();
	cJSON *records = body_add(body, "records", body_array());
	size_t i;

	for (i = 0; i < l->now->n; i++)
		body_text(body_append(records, body_object()), "recordName",
		    l->now->names[i]);
	photos_zone_add(body, &l->zone);
	if (!l->all_keys)
		photos_keys_add(body);
	return body;
}

static void
lookup_next(struct lookup *l)
{
	struct err e = ERR_INIT;

	l->now = l->first;
	if (l->now == NULL) {
		lookup_end(l, &e);
		return;
	}
	l->first = l->now->next;
	if (l->first == NULL)
		l->last = &l->first;
	cloudkit_ask(l->ck,
	    &(struct cloudkit_request){
		.database = l->zone.database,
		.path = "records/lookup",
		.body = lookup_body(l),
		.tries = l->now->is_half ? 1 : 0,
		.wait_ms = l->now->round > 0 ? ROUND_MS : 0,
		.read = lookup_read,
		.done = lookup_answered,
		.arg = l,
	    });
}

void
photos_lookup(struct cloudkit *ck, const struct zone_id *zone,
    const char *const *names, size_t n, bool all_keys,
    const struct photos_lookup *cb)
{
	struct lookup *l = xcalloc(1, sizeof(*l));
	char *copies[PHOTOS_LOOKUP_MAX];
	size_t i;

	assert(n > 0 && n <= PHOTOS_LOOKUP_MAX);
	for (i = 0; i < n; i++)
		copies[i] = xstrdup(names[i]);
	l->ck = ck;
	zone_id_copy(&l->zone, zone);
	l->all_keys = all_keys;
	l->cb = *cb;
	l->last = &l->first;
	lookup_queue(l, batch_new(copies, n));
	lookup_next(l);
}
