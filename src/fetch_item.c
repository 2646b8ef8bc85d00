#include "fetch_p.h"

#include <stdlib.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "log.h"
#include "text.h"

void
queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
}

void
queue_put(struct queue *q, struct item *it)
{
	it->next = NULL;
	*q->tail = it;
	q->tail = &it->next;
	q->n++;
}

struct item *
queue_take(struct queue *q)
{
	struct item *it = q->head;

	if (it == NULL)
		return NULL;
	q->head = it->next;
	if (q->head == NULL)
		q->tail = &q->head;
	q->n--;
	it->next = NULL;
	return it;
}

int64_t
item_owed(const struct item *it)
{
	int64_t have = it->put != NULL ? store_put_size(it->put) : 0;

	return it->want.size_bytes > have ? it->want.size_bytes - have : 0;
}

/* The item is at its end, well or not. */
void
item_end(struct item *it)
{
	store_put_close(it->put);
	store_want_clear(&it->want);
	secret_free(it->url);
	free(it->path);
	it->run->alive--;
	free(it);
}

void
fetching_stop(struct fetching *r, const struct err *e)
{
	if (r->fatal.code == ERR_NONE)
		r->fatal = *e;
	r->stopping = true;
}

/* The run ends without a failure of this machine. */
void
fetching_stop_for(struct fetching *r, const struct err *e)
{
	err_keep_worse(&r->out->trouble, e);
	r->stopping = true;
}

static int64_t
put_off_until(const struct item *it)
{
	int64_t days = 1;

	for (unsigned i = 0; i < it->want.failures && days < 30; i++)
		days *= 2;
	return clock_now_ms() + (days < 30 ? days : 30) * CIVIL_DAY_MS;
}

static const char *
item_name(const struct item *it)
{
	return it->want.filename != NULL ? it->want.filename
					 : it->want.asset_name;
}

/* Not this time: keep why, and end. */
void
item_failed(struct item *it, enum store_failure why, const char *detail)
{
	struct fetching *r = it->run;
	bool closed_here = why == STORE_FAILED || why == STORE_VANISHED;
	struct err e = ERR_INIT;

	if (why == STORE_VANISHED)
		r->out->vanished++;
	else
		r->out->failed++;
	log_warn("%s (%s): %s", item_name(it),
	    resource_role_name((enum resource_role)it->want.role), detail);
	if (store_want_failed(r->store, it->want.content, why, detail,
		closed_here ? 0 : put_off_until(it), &e) == -1)
		fetching_stop(r, &e);
	item_end(it);
}

void
item_failed_by(struct item *it, const struct err *e)
{
	item_failed(it, STORE_FAILED, e->what);
}

/* Its record is not what was listed.  A new listing tells what became of it;
 * what that still lists as it was is not to be had. */
void
item_vanished(struct item *it, bool changed)
{
	if (it->run->o.relisted)
		item_failed(it, STORE_NO_ORIGINAL,
		    changed ? "iCloud lists one file and gives another."
			    : "iCloud lists it and does not find it.");
	else
		item_failed(it, STORE_VANISHED,
		    changed ? "It is no longer as iCloud listed it."
			    : "iCloud did not find it.");
}
