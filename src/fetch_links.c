#include "fetch_p.h"

#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "intake.h"
#include "log.h"
#include "record.h"
#include "text.h"

/* New links for one item: expiry is normal, a refusal again and again not. */
#define RELINKS_MAX 4
/* So many files in a row that no link opens: it is not about the files. */
#define REFUSED_MAX 10

/* A look-up under way. */
struct batch {
	struct fetching *run;
	struct queue items;
	unsigned generation; /* of the session that it began with */
	bool shared;         /* in which database */
};

void
item_want_link(struct item *it)
{
	secret_free(it->url);
	it->url = NULL;
	queue_put(&it->run->unlinked, it);
}

/* The link was refused. */
void
item_relink(struct item *it)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;

	if (it->relinks++ < RELINKS_MAX) {
		item_want_link(it);
		return;
	}
	item_failed(it, STORE_FAILED, "Apple refused every link for it.");
	if (++r->refused >= REFUSED_MAX) {
		err_set(&e, ERR_UNAVAILABLE, "Try again later.",
		    "Apple's file servers refuse one file after the other.");
		fetching_stop_for(r, &e);
	}
}

/* The link is too old, and so are those that Apple gave no later: new ones are
 * asked for together, and not one by one as each is refused. */
void
item_expired(struct item *it)
{
	struct fetching *r = it->run;
	struct queue ready = r->ready;
	struct item *other;

	queue_init(&r->ready);
	while ((other = queue_take(&ready)) != NULL) {
		if (other->url != NULL && other->date_ms <= it->date_ms)
			item_want_link(other);
		else
			queue_put(&r->ready, other);
	}
	item_relink(it);
}

/* The resource that an item wants, out of the record that carries it. */
static void
link_item(struct item *it, const struct resource *res, int64_t date_ms)
{
	if (!res->present || res->checksum.len != it->want.checksum_len ||
	    memcmp(res->checksum.bytes, it->want.checksum,
		it->want.checksum_len) != 0) {
		item_vanished(it, true);
		return;
	}
	if (res->url == NULL) {
		item_failed(it, STORE_NO_ORIGINAL,
		    "iCloud has no file for it (not uploaded yet, or lost).");
		return;
	}
	it->url = xstrdup(res->url);
	it->date_ms = date_ms;
	it->linked_ms = clock_mono_ms();
	queue_put(&it->run->ready, it);
}

/* Take the items of a batch that a name belongs to. */
static void
split_batch(struct queue *out, struct batch *b, const char *name)
{
	struct queue rest;
	struct item *it;

	queue_init(out);
	queue_init(&rest);
	while ((it = queue_take(&b->items)) != NULL)
		queue_put(strcmp(it->want.record, name) == 0 ? out : &rest, it);
	queue_init(&b->items);
	while ((it = queue_take(&rest)) != NULL)
		queue_put(&b->items, it);
}

static void
on_linked(void *arg, const struct record *rec, int64_t date_ms)
{
	struct batch *b = arg;
	struct resource *res = NULL;
	struct master m;
	struct asset a;
	struct queue mine;
	struct item *it;

	split_batch(&mine, b, rec->name);
	if (rec->type == RECORD_MASTER) {
		master_read(&m, rec);
		res = m.res;
	} else if (rec->type == RECORD_ASSET) {
		asset_read(&a, rec);
		res = a.res;
	}
	while ((it = queue_take(&mine)) != NULL) {
		if (res != NULL)
			link_item(it, &res[it->want.role], date_ms);
		else
			item_vanished(it, false);
	}
	if (rec->type == RECORD_MASTER)
		master_clear(&m);
	else if (rec->type == RECORD_ASSET)
		asset_clear(&a);
}

static void
on_link_missing(void *arg, const char *name)
{
	struct queue mine;
	struct item *it;

	split_batch(&mine, arg, name);
	while ((it = queue_take(&mine)) != NULL)
		item_vanished(it, false);
}

static void
on_link_failed(void *arg, const char *name, const struct err *e)
{
	struct batch *b = arg;
	struct queue mine;
	struct item *it;

	split_batch(&mine, b, name);
	while ((it = queue_take(&mine)) != NULL)
		item_failed_by(it, e);
}

static void
on_lookup_done(void *arg, const struct err *e)
{
	struct batch *b = arg;
	struct fetching *r = b->run;
	struct item *it;

	r->lookups--;
	bool lost = cloud_lost(r->cloud,
	    b->shared ? DATABASE_SHARED : DATABASE_PRIVATE, b->generation, e);
	/* Of the shared database alone: nothing of what is one's own. */
	bool refused = !lost && b->shared && err_exit_status(e->code) == 3;

	if (lost) {
		r->session_lost = true;
		r->generation = b->generation;
	} else if (e->code == ERR_NOT_FOUND)
		log_debug(
		    "A look-up failed: %s", e->what); /* the zone is gone */
	else if (err_exit_status(e->code) == 6)
		err_keep_worse(&r->out->trouble, e);
	else if (e->code != ERR_NONE && e->code != ERR_INTERRUPTED && !refused)
		fetching_stop_for(r, e);
	while ((it = queue_take(&b->items)) != NULL) {
		if (lost)
			queue_put(&r->unlinked, it);
		else if (e->code == ERR_NOT_FOUND)
			item_vanished(it, false);
		else if (refused)
			item_failed_by(it, e);
		else if (e->code == ERR_NONE || err_exit_status(e->code) == 6)
			item_failed(
			    it, STORE_FAILED, "Apple gave no answer for it.");
		else
			item_end(it);
	}
	free(b);
}

struct zone_search {
	int64_t zone;
	struct zone_id found;
};

static void
match_zone(void *arg, const struct store_zone *z)
{
	struct zone_search *s = arg;

	if (z->zone == s->zone)
		intake_zone_id(&s->found, z);
}

int
fetching_zone(struct zone_id *out, struct fetching *r, int64_t zone)
{
	struct zone_search s = {.zone = zone};
	int rc = store_zones(r->store, match_zone, &s, &r->fatal);

	*out = s.found;
	return rc;
}

static bool
has_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* One look-up for items of one zone, in their order. */
void
fetching_look_up(struct fetching *r)
{
	const char *names[BATCH];
	size_t n = 0;
	struct batch *b = xcalloc(1, sizeof(*b));
	int64_t zone = r->unlinked.head->want.zone;
	struct zone_id id;
	struct queue rest;
	struct item *it;
	struct photos_lookup cb = {.record = on_linked,
	    .missing = on_link_missing,
	    .failed = on_link_failed,
	    .done = on_lookup_done,
	    .arg = b};

	b->run = r;
	b->generation = r->cloud->generation;
	queue_init(&b->items);
	queue_init(&rest);
	while ((it = queue_take(&r->unlinked)) != NULL) {
		if (it->want.zone != zone || n == BATCH) {
			queue_put(&rest, it);
			continue;
		}
		if (!has_name(names, n, it->want.record))
			names[n++] = it->want.record;
		queue_put(&b->items, it);
	}
	queue_init(&r->unlinked);
	while ((it = queue_take(&rest)) != NULL)
		queue_put(&r->unlinked, it);
	if (fetching_zone(&id, r, zone) == -1 || id.name == NULL) {
		r->stopping = true;
		while ((it = queue_take(&b->items)) != NULL)
			item_end(it);
		zone_id_clear(&id);
		free(b);
		return;
	}
	b->shared = id.database == DATABASE_SHARED;
	r->lookups++;
	photos_lookup(&r->cloud->ck, &id, names, n, false, &cb);
	zone_id_clear(&id);
}
