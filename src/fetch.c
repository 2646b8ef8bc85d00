#include "fetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "checksum.h"
#include "civil.h"
#include "cloud.h"
#include "compat.h"
#include "describe.h"
#include "digest.h"
#include "http.h"
#include "intake.h"
#include "library.h"
#include "link.h"
#include "log.h"
#include "pace.h"
#include "path.h"
#include "photos.h"
#include "proof.h"
#include "record.h"
#include "report.h"
#include "retry.h"
#include "store.h"
#include "text.h"
#include "work.h"

/* Links are asked for just before use: at most two batches ahead. */
#define BATCH     PHOTOS_LOOKUP_MAX
#define AHEAD_MAX (2 * BATCH)
/* New links for one item: expiry is normal, a refusal again and again not. */
#define RELINKS_MAX 4
/* So many files in a row that no link opens: it is not about the files. */
#define REFUSED_MAX 10
/* A try that brought this much was no failure. */
#define PROGRESS_BYTES ((int64_t)1 << 20)
/* A file the cloud has no link for is asked for again after a day, then two,
 * four ... up to thirty. */
/* A link of this age is new, should the server's clocks disagree. */
#define JUST_LINKED_MS 10000
/* --jobs is no larger. */
#define WIRE_MAX        32
#define MONTHS_EVERY_MS INT64_C(600000)
#define MONTHS_LINES    500
/* Beside a listing: when a catalogue that had no more wants is asked again. */
#define ASK_EVERY_MS 250

/* One content on its way. */
struct item {
	struct fetching *run;
	struct store_want want;
	struct digest_rule rule;
	struct store_put *put;
	struct http_call *call;
	char *path;                 /* reserved */
	char *url;                  /* secret */
	int64_t date_ms, linked_ms; /* of the link */
	int64_t owed_bytes;         /* still to write when this try began */
	int64_t from_bytes;         /* where this try began to fetch */
	int64_t due_ms;             /* monotonic; of the next try */
	unsigned tries, relinks;
	int64_t waited_ms;
	bool head_seen, fresh;
	bool seen; /* sha256 of a fetch that was not proven */
	uint8_t sha256[DIGEST_SHA256];
	struct item *next;
};

/* First in, first out. */
struct queue {
	struct item *head, **tail;
	int n;
};

/* A look-up under way. */
struct batch {
	struct fetching *run;
	struct queue items;
	unsigned generation; /* of the session that it began with */
};

struct fetching {
	struct fetch *out;
	struct cloud *cloud;
	struct store *store;
	struct work *work;
	struct report *report;
	struct fetch_options o;
	struct pace pace;
	int64_t months_ms;     /* when manifest and records are written next */
	struct queue unlinked; /* want a link */
	struct queue ready;    /* have one */
	int alive;             /* items, wherever they are */
	struct queue waiting;  /* for the time of their next try */
	int running;           /* of them hashing or on the wire */
	struct item *wire[WIRE_MAX]; /* on the wire; NULL: a free place */
	int lookups;
	int refused;      /* items in a row whose links were all refused */
	bool dry;         /* the catalogue has no more wants */
	bool beside;      /* a listing goes on, which may bring more */
	int64_t asked_ms; /* monotonic; when it was asked for wants */
	bool session_lost;
	unsigned generation; /* of the session that was lost */
	bool stopping;
	int64_t owed_bytes; /* that running items will still write */
	int64_t files_done, bytes_done;
	struct err fatal;
};

/* ---- queues and ends ---- */

static void
queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
}

static void
queue_put(struct queue *q, struct item *it)
{
	it->next = NULL;
	*q->tail = it;
	q->tail = &it->next;
	q->n++;
}

static struct item *
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

static int64_t
still_to_write(const struct item *it)
{
	int64_t have = it->put != NULL ? store_put_size(it->put) : 0;

	return it->want.size_bytes > have ? it->want.size_bytes - have : 0;
}

/* The item is at its end, well or not. */
static void
item_end(struct item *it)
{
	store_put_close(it->put);
	store_want_clear(&it->want);
	secret_free(it->url);
	free(it->path);
	it->run->alive--;
	free(it);
}

static void
stop(struct fetching *r, const struct err *e)
{
	if (r->fatal.code == ERR_NONE)
		r->fatal = *e;
	r->stopping = true;
}

/* The run ends without a failure of this machine. */
static void
stop_for(struct fetching *r, const struct err *e)
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
static void
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
		stop(r, &e);
	item_end(it);
}

static void
item_failed_by(struct item *it, const struct err *e)
{
	item_failed(it, STORE_FAILED, e->what);
}

/* Its record is not what was listed.  A new listing tells what became of it;
 * what that still lists as it was is not to be had. */
static void
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

/* ---- links ---- */

static void
want_link(struct item *it)
{
	secret_free(it->url);
	it->url = NULL;
	queue_put(&it->run->unlinked, it);
}

/* The link was refused. */
static void
relink(struct item *it)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;

	if (it->relinks++ < RELINKS_MAX) {
		want_link(it);
		return;
	}
	item_failed(it, STORE_FAILED, "Apple refused every link for it.");
	if (++r->refused >= REFUSED_MAX) {
		err_set(&e, ERR_UNAVAILABLE, "Try again later.",
		    "Apple's file servers refuse one file after the other.");
		stop_for(r, &e);
	}
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
	bool lost = cloud_lost(r->cloud, b->generation, e);

	if (lost) {
		r->session_lost = true;
		r->generation = b->generation;
	} else if (e->code == ERR_NOT_FOUND)
		log_debug(
		    "A look-up failed: %s", e->what); /* the zone is gone */
	else if (err_exit_status(e->code) == 6)
		err_keep_worse(&r->out->trouble, e);
	else if (e->code != ERR_NONE && e->code != ERR_INTERRUPTED)
		stop_for(r, e);
	while ((it = queue_take(&b->items)) != NULL) {
		if (lost)
			queue_put(&r->unlinked, it);
		else if (e->code == ERR_NOT_FOUND)
			item_vanished(it, false);
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

static bool
has_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* One look-up for items of one zone, in their order. */
static void
look_up(struct fetching *r)
{
	const char *names[BATCH];
	size_t n = 0;
	struct batch *b = xcalloc(1, sizeof(*b));
	struct zone_search s = {.zone = r->unlinked.head->want.zone};
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
		if (it->want.zone != s.zone || n == BATCH) {
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
	if (store_zones(r->store, match_zone, &s, &r->fatal) == -1 ||
	    s.found.name == NULL) {
		r->stopping = true;
		while ((it = queue_take(&b->items)) != NULL)
			item_end(it);
		zone_id_clear(&s.found);
		free(b);
		return;
	}
	r->lookups++;
	photos_lookup(&r->cloud->ck, &s.found, names, n, false, &cb);
	zone_id_clear(&s.found);
}

/* More wants from the catalogue, and look-ups for what lacks a link. */
static void
top_up(struct fetching *r)
{
	struct store_want wants[BATCH];
	int64_t now = clock_mono_ms();
	size_t n = 0;

	if (r->beside && now - r->asked_ms >= ASK_EVERY_MS)
		r->dry = false;
	while (!r->dry && r->alive + BATCH <= AHEAD_MAX) {
		r->asked_ms = now;
		if (store_wants(wants, BATCH, &n, r->store, r->o.filter,
			clock_now_ms(), &r->fatal) == -1) {
			r->stopping = true;
			return;
		}
		r->dry = n < BATCH;
		for (size_t i = 0; i < n; i++) {
			struct item *it = xcalloc(1, sizeof(*it));

			it->run = r;
			it->want = wants[i];
			checksum_rule(&it->rule, it->want.checksum,
			    it->want.checksum_len);
			r->alive++;
			/* A file without bytes needs no link. */
			queue_put(checksum_of_nothing(it->want.checksum,
				      it->want.checksum_len) &&
				    it->want.size_bytes <= 0
				? &r->ready
				: &r->unlinked,
			    it);
		}
	}
	while (!r->session_lost && r->lookups < 2 && r->unlinked.n > 0)
		look_up(r);
}

/* ---- from bytes to a file ---- */

/* What an item still owes the volume is booked while it runs. */
static void
enter_running(struct item *it)
{
	it->run->running++;
	it->owed_bytes = still_to_write(it);
	it->run->owed_bytes += it->owed_bytes;
}

static void
leave_running(struct item *it)
{
	it->run->running--;
	it->run->owed_bytes -= it->owed_bytes;
}

static void
enter_wire(struct item *it)
{
	for (int i = 0; i < WIRE_MAX; i++)
		if (it->run->wire[i] == NULL) {
			it->run->wire[i] = it;
			return;
		}
	assert(!"more transfers than --jobs allows");
}

static void
leave_wire(struct item *it)
{
	for (int i = 0; i < WIRE_MAX; i++)
		if (it->run->wire[i] == it)
			it->run->wire[i] = NULL;
}

static void
accept(struct item *it)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;

	r->files_done++;
	log_debug("Fetched %s.", it->path);
	if (store_put_accept(
		it->put, it->want.has_taken, it->want.taken_ms, &e) == -1)
		stop(r, &e);
	it->put = NULL;
	item_end(it);
}

/* Of bytes that were not proven: are the next ones the same? */
static void
remember_sum(struct item *it, const struct digest_sum *sum)
{
	memcpy(it->sha256, sum->sha256, sizeof(it->sha256));
	it->seen = true;
}

/* Throw its bytes away; false: it came to its end over that. */
static bool
begin_anew(struct item *it)
{
	struct err e = ERR_INIT;

	if (store_put_restart(it->put, &e) == 0)
		return true;
	stop(it->run, &e);
	item_end(it);
	return false;
}

/* From the start, by another link. */
static void
fetch_again(struct item *it)
{
	it->tries++;
	if (begin_anew(it))
		want_link(it);
}

static void
retry(struct item *it, enum err_code code, int status, int64_t stated_ms);

static void
facts_of(struct proof_case *out, const struct item *it, enum store_proof proof,
    const struct digest_sum *sum)
{
	*out = (struct proof_case){
	    .proof = proof,
	    .strict = it->rule.strict,
	    .size_right = sum->size_bytes == it->want.size_bytes,
	    .whole = it->from_bytes == 0,
	    .progress = sum->size_bytes > it->from_bytes,
	    .seen = it->seen,
	    .same = it->seen &&
		memcmp(it->sha256, sum->sha256, sizeof(it->sha256)) == 0,
	    .may_try = it->tries < retry_default.max_tries,
	};
}

/* Into unproven/, and never lost. */
static void
set_aside(struct item *it)
{
	struct err e = ERR_INIT;

	if (store_put_set_aside(it->put, &e) == -1)
		stop(it->run, &e);
	it->put = NULL;
	item_failed(it, STORE_UNPROVEN,
	    "Apple sends the same bytes twice, but its checksum contradicts "
	    "them. They lie in .icloud-pull/unproven.");
}

/* All bytes are there, as far as the sender is concerned. */
static void
conclude(struct item *it)
{
	struct digest_sum sum;
	struct proof_case facts;
	enum store_proof proof;
	struct err e = ERR_INIT;

	if (store_put_prove(&proof, &sum, it->put, &e) == -1) {
		stop(it->run, &e);
		item_end(it);
		return;
	}
	facts_of(&facts, it, proof, &sum);
	switch (proof_judge(&facts)) {
	case PROOF_ACCEPT:
	case PROOF_ACCEPT_BY_SIZE:
		accept(it);
		break;
	case PROOF_GO_ON:
		if (facts.whole)
			remember_sum(it, &sum);
		/* What is there is hashed anew and gone on with. */
		store_put_close(it->put);
		it->put = NULL;
		retry(it, ERR_NETWORK, 0, -1);
		break;
	case PROOF_AGAIN:
		if (proof != STORE_SHORT)
			remember_sum(it, &sum);
		fetch_again(it);
		break;
	case PROOF_SET_ASIDE:
		set_aside(it);
		break;
	case PROOF_NOT_VERIFIABLE:
		item_failed(it, STORE_UNKNOWN_KIND,
		    "Its checksum is of an unknown kind, and no two fetches "
		    "are alike.");
		break;
	case PROOF_GIVE_UP:
		item_failed(it, STORE_FAILED,
		    proof == STORE_SHORT
			? "It ends too early each time."
			: "What arrives differs from Apple's checksum each "
			  "time.");
		break;
	}
}

static void
retry(struct item *it, enum err_code code, int status, int64_t stated_ms)
{
	struct retry_case c = {.code = code,
	    .status = status,
	    .stated_ms = stated_ms,
	    .waited_ms = it->waited_ms};
	uint32_t jitter;
	int64_t wait;

	if (it->run->stopping) {
		item_end(it);
		return;
	}
	c.tries = ++it->tries;
	compat_random(&jitter, sizeof(jitter));
	wait = retry_wait(&retry_default, &c, jitter);
	if (wait == -1) {
		item_failed(it, STORE_FAILED,
		    code != ERR_NONE ? "The connection broke each time."
				     : "Apple's file server refused it.");
	} else {
		it->waited_ms += wait;
		it->due_ms = clock_mono_ms() + wait;
		queue_put(&it->run->waiting, it);
	}
}

/* ---- the transfer ---- */

static int
on_bytes(void *arg, const struct http_response *head, const uint8_t *data,
    size_t len, struct err *e)
{
	struct item *it = arg;

	if (!it->head_seen) {
		it->head_seen = true;
		/* 200 in answer to a range is the file from its start; a range
		 * that starts elsewhere is of no use [content-range]. */
		if (head->status == 200 && store_put_size(it->put) > 0) {
			if (store_put_restart(it->put, e) == -1)
				return -1;
			it->from_bytes = 0;
		}
		if (head->status == 206 &&
		    head->range_start != store_put_size(it->put))
			return err_set(e, ERR_EXPIRED, NULL,
			    "The file server sent another part than asked.");
	}
	it->run->bytes_done += (int64_t)len;
	return store_put_write(it->put, data, len, e);
}

/* The volume takes no file of this size; what it took is given back. */
static void
too_large(struct item *it)
{
	struct err e = ERR_INIT;

	if (store_put_restart(it->put, &e) == -1)
		log_warn("%s", e.what);
	item_failed(
	    it, STORE_TOO_LARGE, "The volume takes no file as large as this.");
}

static void
transfer_broke(struct item *it, const struct err *e)
{
	struct fetching *r = it->run;

	switch (e->code) {
	case ERR_INTERRUPTED:
		item_end(it);
		break;
	case ERR_TOO_LARGE:
		too_large(it);
		break;
	case ERR_DISK_FULL:
	case ERR_DISK:
	case ERR_NOT_MOUNTED:
	case ERR_BAD_STATE:
		stop(r, e);
		item_end(it);
		break;
	case ERR_UNAVAILABLE:
		stop_for(r, e);
		item_end(it);
		break;
	case ERR_EXPIRED:
		if (begin_anew(it))
			retry(it, ERR_NETWORK, 0, -1);
		break;
	case ERR_NETWORK:
		retry(it, ERR_NETWORK, 0, -1);
		break;
	default: /* not understood: a certificate, a head without an end */
		err_keep_worse(&r->out->trouble, e);
		item_failed_by(it, e);
		break;
	}
}

/* Waits that a run can sit out are kept; a longer one is the next run's. */
static void
throttled(struct item *it, int64_t stated_ms)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;

	if (stated_ms > retry_default.max_waited_ms) {
		err_set(&e, ERR_THROTTLED, "Try again later.",
		    "Apple asks to wait before fetching more.");
		e.wait_ms = stated_ms;
		stop_for(r, &e);
		item_end(it);
		return;
	}
	pace_throttled(
	    &r->pace, stated_ms >= 0 ? stated_ms : 1000, clock_mono_ms());
	retry(it, ERR_NONE, 503, stated_ms);
}

static void
transfer_answered(struct item *it, const struct http_response *resp)
{
	int64_t size = store_put_size(it->put);

	switch (resp->status) {
	case 200:
	case 206:
		it->run->refused = 0;
		if (it->head_seen || resp->length == 0)
			conclude(it);
		else /* a page where the file should be */
			retry(it, ERR_NONE, 503, -1);
		return;
	case 416:
		/* There is no more: all of it, if the size is not known. */
		if (size > 0 &&
		    (it->want.size_bytes < 0 || size == it->want.size_bytes)) {
			conclude(it);
		} else if (begin_anew(it)) {
			retry(it, ERR_NETWORK, 0, -1);
		}
		return;
	case 401:
	case 403:
	case 404:
	case 410:
		relink(it);
		return;
	case 421:
		it->fresh = true;
		retry(it, ERR_NETWORK, 0, -1);
		return;
	case 429:
	case 450:
	case 503:
		throttled(it, resp->retry_after_ms);
		return;
	default:
		retry(it, ERR_NONE, resp->status, resp->retry_after_ms);
		return;
	}
}

static void
on_transfer_done(void *arg, struct http_response *resp, const struct err *e)
{
	struct item *it = arg;
	int64_t got;

	it->call = NULL;
	leave_wire(it);
	leave_running(it);
	got = it->owed_bytes - still_to_write(it);
	if (got >= PROGRESS_BYTES) { /* a long file over a bad line */
		it->tries = it->relinks = 0;
		it->waited_ms = 0;
	}
	if (e->code != ERR_NONE)
		transfer_broke(it, e);
	else
		transfer_answered(it, resp);
}

static void
begin_transfer(struct item *it)
{
	struct fetching *r = it->run;
	struct buf url;
	struct http_request req = {
	    .kind = HTTP_CONTENT,
	    .method = "GET",
	    .resume_from = store_put_size(it->put),
	    .fresh = it->fresh,
	    .sink = on_bytes,
	    .done = on_transfer_done,
	    .arg = it,
	};

	buf_init_secret(&url, 16384);
	if (link_request(&url, it->url) == -1) {
		leave_running(it);
		item_failed(it, STORE_FAILED,
		    "Apple's link leads to an unknown place.");
		buf_clear(&url);
		return;
	}
	req.url = buf_text(&url);
	it->head_seen = false;
	it->from_bytes = req.resume_from;
	enter_wire(it);
	it->call = http_start(r->cloud->http, &req);
	buf_clear(&url);
}

/* The part file is open and hashed. */
static void
on_opened(void *arg, const struct err *e)
{
	struct item *it = arg;
	int64_t size = store_put_size(it->put);

	if (e->code != ERR_NONE) {
		leave_running(it);
		stop(it->run, e);
		item_end(it);
	} else if (it->run->stopping) {
		leave_running(it);
		item_end(it);
	} else if (it->url == NULL ||
	    (size > 0 && size == it->want.size_bytes)) {
		leave_running(it);
		it->from_bytes = size;
		conclude(it);
	} else {
		begin_transfer(it);
	}
}

/* ---- starting ---- */

static const char *
library_of(const struct fetching *r, int64_t zone)
{
	struct zone_search s = {.zone = zone};
	const char *word;

	(void)store_zones(r->store, match_zone, &s, NULL);
	word = library_word(s.found.name);
	zone_id_clear(&s.found);
	return word;
}

static void
suffix_of(char out[33], const struct store_want *w)
{
	/* The kind byte is the same for all; what tells files apart follows. */
	size_t kind = w->checksum_len > 1 ? 1 : 0;
	size_t n = w->checksum_len - kind, chars = n * 8 / 5;

	text_base32(out, chars < 32 ? chars : 32, w->checksum + kind, n);
}

static bool
is_edited(int role)
{
	return role == RESOURCE_EDITED || role == RESOURCE_EDITED_VIDEO;
}

/* Another file of the asset that arg is about. */
static void
other_file(struct store_other *out, void *arg, const struct store_resource *res)
{
	struct path_subject subject = *(const struct path_subject *)arg;
	struct path_wish wish;

	subject.uti = res->uti;
	subject.is_original = res->role == RESOURCE_ORIGINAL;
	path_wish(&wish, "", &subject);
	*out = (struct store_other){.edited = is_edited(res->role)};
	memcpy(out->ext, wish.ext, sizeof(out->ext));
	checksum_rule(&out->rule, res->checksum, res->checksum_len);
}

/* 1: the file was there already and is adopted. */
static int
reserve(struct item *it, struct err *e)
{
	struct fetching *r = it->run;
	const struct store_want *w = &it->want;
	struct path_subject subject = {
	    .filename = w->filename,
	    .record = w->asset_name,
	    .uti = w->uti,
	    .library = strstr(r->o.layout, "{library}") != NULL
		? library_of(r, w->zone)
		: "",
	    .is_original = w->role == RESOURCE_ORIGINAL,
	    .has_taken = w->has_taken,
	    .has_offset = w->has_offset,
	    .taken_ms = w->taken_ms,
	    .offset_s = w->offset_s,
	};
	struct path_wish wish;
	char suffix[33];
	struct store_name name;
	const char *path;
	bool adopted = false;

	path_wish(&wish, r->o.layout, &subject);
	suffix_of(suffix, w);
	name = (struct store_name){
	    .folder = wish.folder,
	    .stem = wish.stem,
	    .suffix = suffix,
	    .ext = wish.ext,
	    .edited = is_edited(w->role),
	    .edit_suffix = suffix,
	    .other = other_file,
	    .arg = &subject,
	};
	if (store_reserve(&path, &adopted, r->store, w, &name, &it->rule, e) ==
	    -1)
		return -1;
	it->path = xstrdup(path);
	return adopted ? 1 : 0;
}

int64_t
fetch_air(int64_t total_bytes)
{
	const int64_t gb = INT64_C(1000000000);

	return total_bytes / 20 < gb ? total_bytes / 20 : gb;
}

/* Would this item leave the volume without air? */
static bool
lacks_room(const struct item *it)
{
	int64_t space, total;

	if (it->want.size_bytes <= 0 ||
	    store_space(&space, &total, it->run->store, NULL) == -1)
		return false;
	return space - it->run->owed_bytes - still_to_write(it) <
	    fetch_air(total);
}

static void
start_item(struct item *it)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;
	int64_t have;
	int there;

	/* [download-link]: one just looked up is used whatever it says. */
	if (it->url != NULL &&
	    clock_mono_ms() - it->linked_ms > JUST_LINKED_MS &&
	    !link_is_fresh(
		it->url, it->date_ms, it->linked_ms, clock_mono_ms())) {
		want_link(it);
		return;
	}
	if (it->path == NULL) {
		there = reserve(it, &e);
		if (there == 1) {
			log_debug(
			    "Found %s, which is right already.", it->path);
			r->files_done++;
			item_end(it);
			return;
		}
		if (there == -1) {
			stop(r, &e);
			item_end(it);
			return;
		}
	}
	if (it->put != NULL) { /* another try */
		enter_running(it);
		on_opened(it, &e);
		return;
	}
	if (lacks_room(it)) {
		r->out->no_room++;
		item_end(it);
		return;
	}
	if (store_put_open(
		&it->put, &have, r->store, &it->want, &it->rule, &e) == -1) {
		stop(r, &e);
		item_end(it);
		return;
	}
	enter_running(it);
	if (have > 0)
		store_put_rehash(it->put, on_opened, it);
	else
		on_opened(it, &e);
}

static void
start_items(struct fetching *r)
{
	int64_t now = clock_mono_ms();

	/* Bounded: an item may come back to the queue at once. */
	for (int n = r->ready.n; n > 0 && !r->stopping; n--) {
		if (r->running >= pace_allowed(&r->pace, now) ||
		    store_is_behind(r->store))
			return;
		start_item(queue_take(&r->ready));
	}
}

/* ---- the loop ---- */

static void
on_work(void *arg)
{
	work_collect(arg);
}

/* Everything that waits goes, what is on the wire is cut; part files stay. */
static void
drain(struct fetching *r)
{
	struct item *it;

	while ((it = queue_take(&r->unlinked)) != NULL)
		item_end(it);
	while ((it = queue_take(&r->ready)) != NULL)
		item_end(it);
	while ((it = queue_take(&r->waiting)) != NULL)
		item_end(it);
	for (int i = 0; i < WIRE_MAX; i++)
		if (r->wire[i] != NULL)
			http_cancel(r->cloud->http, r->wire[i]->call);
}

/* Items whose next try is due. */
static void
wake_up(struct fetching *r, int64_t now)
{
	struct item *it;

	for (int n = r->waiting.n; n > 0; n--) {
		it = queue_take(&r->waiting);
		queue_put(it->due_ms <= now ? &r->ready : &r->waiting, it);
	}
}

/* In a long run manifest and records follow now and then, a little in each
 * turn, so that no transfer waits for them. */
static int
write_months(struct fetching *r, int64_t now, struct err *e)
{
	bool more;

	if (r->stopping || now < r->months_ms)
		return 0;
	if (store_months_write(
		&more, r->store, &describe_words, MONTHS_LINES, e) == -1)
		return -1;
	if (!more)
		r->months_ms = now + MONTHS_EVERY_MS;
	return 0;
}

/* What can be begun now. */
static void
begin_more(struct fetching *r)
{
	if (http_interrupted(r->cloud->http))
		r->stopping = true;
	if (r->stopping) {
		drain(r);
		return;
	}
	wake_up(r, clock_mono_ms());
	top_up(r);
	start_items(r);
}

/* What the turn of the loop has brought. */
static void
take_stock(struct fetching *r)
{
	int64_t now = clock_mono_ms();
	struct err e = ERR_INIT;

	pace_measure(&r->pace, r->bytes_done + r->files_done * PACE_FILE_WORK,
	    r->running, now);
	if (store_tick(r->store, now, &e) == -1 ||
	    write_months(r, now, &e) == -1)
		stop(r, &e);
	report_progress(r->report, r->files_done, r->bytes_done, now);
	if (r->session_lost && r->lookups == 0 && !r->stopping) {
		r->session_lost = false;
		if (cloud_recover(r->cloud, r->generation, &e) == -1)
			stop_for(r, &e);
	}
}

static bool
is_under_way(const struct fetching *r)
{
	return r->alive > 0 || r->lookups > 0;
}

struct fetching *
fetch_begin(struct fetch *out, struct cloud *cloud, struct store *store,
    struct work *work, struct report *report, const struct fetch_options *o)
{
	struct fetching *r = xcalloc(1, sizeof(*r));

	memset(out, 0, sizeof(*out));
	err_clear(&out->trouble);
	r->out = out;
	r->cloud = cloud;
	r->store = store;
	r->work = work;
	r->report = report;
	r->o = *o;
	r->beside = o->files < 0;
	err_clear(&r->fatal);
	queue_init(&r->unlinked);
	queue_init(&r->ready);
	queue_init(&r->waiting);
	pace_start(&r->pace, o->jobs, clock_mono_ms());
	r->months_ms = clock_mono_ms() + MONTHS_EVERY_MS;
	store_wants_listing(store, r->beside);
	http_watch(cloud->http, work_fd(work), on_work, work);
	report_progress_start(report, o->files, o->bytes, clock_mono_ms());
	return r;
}

int
fetch_step(struct fetching *r)
{
	take_stock(r);
	begin_more(r);
	if (r->fatal.code != ERR_NONE)
		return -1;
	return r->ready.n > 0 || r->waiting.n > 0 ? 50 : 250;
}

void
fetch_listed(struct fetching *r, int64_t files, int64_t bytes)
{
	r->beside = r->dry = false;
	store_wants_listing(r->store, false);
	report_progress_totals(
	    r->report, r->files_done + files, r->bytes_done + bytes);
}

void
fetch_stop(struct fetching *r)
{
	r->stopping = true;
}

int
fetch_end(struct fetching *r, struct err *e)
{
	struct err flushing = ERR_INIT, end;

	if (r->beside)
		fetch_listed(r, 0, 0);
	do {
		begin_more(r);
		if (!is_under_way(r))
			continue;
		http_turn(r->cloud->http, r->ready.n > 0 ? 50 : 200);
		take_stock(r);
	} while (is_under_way(r) || (!r->dry && !r->stopping));
	report_progress_end(r->report);
	if (store_flush(r->store, &flushing) == -1 && r->fatal.code == ERR_NONE)
		r->fatal = flushing;
	http_watch(r->cloud->http, -1, on_work, r->work);
	if (r->fatal.code == ERR_NONE && http_interrupted(r->cloud->http))
		err_set(&r->fatal, ERR_INTERRUPTED, NULL, "Interrupted.");
	end = r->fatal;
	free(r);
	if (end.code == ERR_NONE)
		return 0;
	*e = end;
	return -1;
}
