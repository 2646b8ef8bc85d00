#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "http.h"
#include "intake.h"
#include "log.h"
#include "photos.h"
#include "record.h"
#include "report.h"
#include "store.h"
#include "witness.h"

/* One database of the account: what changed in it, and how far that is. */
struct base {
	enum database database;
	char *token; /* new database token; NULL: none */
	bool listed; /* changes/database was answered */
	bool failed; /* something in it was not listed */
};

/* A zone that is to be walked. */
struct walk {
	struct zone_id id;
	bool listed; /* the server has named it in this run */
	bool deleted;
	struct walk *next;
};

struct run {
	struct listing *out;
	const struct listing_options *o;
	struct cloud *cloud;
	struct store *store;
	struct report *report;
	struct base bases[DATABASE_COUNT];
	struct walk *walks;
	/* of the request or walk under way */
	bool done;
	struct err end;   /* how it ended */
	struct err fatal; /* of the catalogue, inside a callback */
	struct base *base;
	struct intake intake;
	bool in_page;
	/* Records that came as errors; while one is unread, no token moves on,
	 * so that the next run asks for its page again. */
	struct unread *unread;
	bool stuck;
	char *last_token;        /* of the page that ended the walk */
	unsigned generation;     /* of the session, as requests began with it */
	bool halt;               /* what goes on beside it has failed */
	struct witness *witness; /* of the zone under way; NULL */
	const struct zone_id *id; /* that zone */
};

/* A record that was listed but could not be read; "" if not even its name. */
struct unread {
	char *name;
	bool read; /* by a look-up since */
	struct unread *next;
};

/* Errors after which nothing else can succeed either.  What the shared database
 * refuses says nothing of the private one, which has just answered. */
static bool
ends_everything(enum database database, enum err_code code)
{
	switch (err_exit_status(code)) {
	case 5:
	case 130:
		return true;
	case 3:
		return database == DATABASE_PRIVATE;
	default:
		return code == ERR_NETWORK || code == ERR_THROTTLED;
	}
}

static void
turn(void *arg)
{
	struct run *r = arg;
	int wait_ms = 1000;

	if (r->o->beside != NULL && !r->halt) {
		wait_ms = r->o->beside(r->o->arg);
		if (wait_ms == -1) {
			r->halt = true;
			wait_ms = 0;
		}
	}
	http_turn(r->cloud->http, wait_ms);
}

static void
spin(struct run *r)
{
	while (!r->done)
		turn(r);
}

/* What has failed beside it says why. */
static int
halted(struct err *e)
{
	return err_set(
	    e, ERR_INCOMPLETE, NULL, "The listing was not brought to its end.");
}

static void
begin_request(struct run *r)
{
	r->done = false;
	r->generation = r->cloud->generation;
}

/* Back in, and on with what waits for it. */
static int
recover(void *arg, struct err *e)
{
	struct run *r = arg;

	if (cloud_recover(r->cloud, r->generation, e) == -1)
		return -1;
	r->generation = r->cloud->generation;
	if (r->witness != NULL && witness_is_lost(r->witness))
		witness_resume(r->witness);
	return 0;
}

/* ---- which zones have changed ---- */

/* Where the walk of a zone is in the list, or would be. */
static struct walk **
find_walk(struct run *r, const struct zone_id *id)
{
	struct walk **w = &r->walks;

	while (*w != NULL && !zone_id_equal(&(*w)->id, id))
		w = &(*w)->next;
	return w;
}

/* What is known from before; what the server says of it now has the last
 * word. */
static void
add_walk(struct run *r, const struct zone_id *id)
{
	struct walk **w = find_walk(r, id);

	if (*w != NULL)
		return;
	*w = xcalloc(1, sizeof(**w));
	zone_id_copy(&(*w)->id, id);
}

static void
add_row(struct run *r, const struct store_zone *z)
{
	struct zone_id id;

	intake_zone_id(&id, z);
	add_walk(r, &id);
	zone_id_clear(&id);
}

static bool
is_library(const char *zone_name)
{
	enum zone_kind kind = zone_kind(zone_name);

	return kind == ZONE_PRIMARY || kind == ZONE_SHARED;
}

static void
on_zone(void *arg, const struct zone_id *id, bool deleted)
{
	struct walk *w;

	if (!is_library(id->name))
		return;
	add_walk(arg, id);
	w = *find_walk(arg, id);
	w->listed = true;
	w->deleted = deleted;
}

static void
on_zones_done(void *arg, const char *token, const struct err *e)
{
	struct run *r = arg;

	r->end = *e;
	r->done = true;
	free(r->base->token);
	r->base->token = xstrdup(token);
}

static void
ask_zones(struct run *r, struct base *b, const char *token)
{
	const struct photos_zones cb = {
	    .zone = on_zone, .done = on_zones_done, .arg = r};

	r->base = b;
	begin_request(r);
	photos_zones(&r->cloud->ck, b->database, token, &cb);
	spin(r);
}

/* A whole list of zones leaves out those that are gone, and a token that was
 * refused cannot tell which: those that are known are asked themselves. */
struct known {
	struct run *run;
	int database;
};

static void
add_known(void *arg, const struct store_zone *z)
{
	struct known *k = arg;

	if (z->database == k->database && !z->gone && is_library(z->name))
		add_row(k->run, z);
}

/* Ask, once more after a recovery, and without a token that was refused. */
static int
list_zones(struct run *r, struct base *b, struct err *e)
{
	struct known known = {.run = r, .database = (int)b->database};
	char *token = NULL;
	int rc = -1;

	if (store_database_token(&token, r->store, (int)b->database, e) == -1)
		return -1;
	ask_zones(r, b, token);
	if (cloud_lost(r->cloud, b->database, r->generation, &r->end)) {
		if (recover(r, e) == -1)
			goto out;
		ask_zones(r, b, token);
	}
	if (r->end.code == ERR_TOKEN && token != NULL) {
		log_note("Apple no longer knows how far the list was; all "
			 "zones are compared anew.");
		ask_zones(r, b, NULL);
		if (store_zones(r->store, add_known, &known, e) == -1)
			goto out;
	}
	b->listed = r->end.code == ERR_NONE;
	rc = 0;
out:
	free(token);
	return rc;
}

/* ---- one zone's feed ---- */

static void
add_unread(void *arg, const char *name)
{
	struct run *r = arg;
	struct unread *u = xcalloc(1, sizeof(*u));

	u->name = xstrdup(name);
	u->next = r->unread;
	r->unread = u;
}

static void
clear_unread(struct run *r)
{
	struct unread *u;

	while ((u = r->unread) != NULL) {
		r->unread = u->next;
		free(u->name);
		free(u);
	}
	r->stuck = false;
	free(r->last_token);
	r->last_token = NULL;
}

static void
on_record(void *arg, const struct record *rec)
{
	struct run *r = arg;

	if (r->fatal.code != ERR_NONE)
		return;
	if (!r->in_page && store_begin(r->store, &r->fatal) == -1)
		return;
	r->in_page = true;
	if (rec->type == RECORD_ERROR) {
		add_unread(r, rec->name);
		r->stuck = true;
		return;
	}
	if (intake_record(&r->intake, rec, &r->fatal) == -1)
		return;
	r->out->records++;
}

static bool
on_page(void *arg, const char *token, bool more)
{
	struct run *r = arg;
	int64_t now = clock_now_ms();

	if (r->fatal.code == ERR_NONE && !r->in_page)
		r->in_page = store_begin(r->store, &r->fatal) == 0;
	if (r->fatal.code == ERR_NONE &&
	    (r->stuck ||
		store_zone_token(r->store, r->intake.zone, token, !more,
		    PHOTOS_KEYS_NUMBER, now, &r->fatal) == 0))
		(void)store_commit(r->store, &r->fatal);
	if (r->fatal.code != ERR_NONE)
		store_rollback(r->store);
	r->in_page = false;
	if (!more) {
		free(r->last_token);
		r->last_token = xstrdup(token);
	}
	report_busy(r->report, "Listing",
	    r->out->records +
		(r->witness != NULL ? witness_seen(r->witness) : 0),
	    clock_mono_ms());
	return r->fatal.code == ERR_NONE && !r->halt &&
	    !http_interrupted(r->cloud->http);
}

static void
on_feed_done(void *arg, const struct err *e)
{
	struct run *r = arg;

	r->end = *e;
	r->done = true;
}

static void
feed(struct run *r, const struct zone_id *id, const char *token)
{
	const struct photos_feed cb = {.record = on_record,
	    .page = on_page,
	    .done = on_feed_done,
	    .arg = r};

	begin_request(r);
	r->in_page = false;
	err_clear(&r->fatal);
	photos_feed(&r->cloud->ck, id, token, &cb);
	spin(r);
	if (r->in_page)
		store_rollback(r->store);
	r->in_page = false;
	if (r->fatal.code == ERR_NONE && r->end.code == ERR_NONE &&
	    http_interrupted(r->cloud->http))
		err_set(&r->end, ERR_INTERRUPTED, NULL, "Interrupted.");
	if (r->halt)
		(void)halted(&r->fatal);
}

/* The zone's row as it is now, and the token to go on from; the caller frees
 * the token. */
static int
zone_row(struct store_zone *out, char **token, struct run *r,
    const struct zone_id *id, struct err *e)
{
	*token = NULL;
	*out = (struct store_zone){
	    .database = (int)id->database,
	    .name = id->name,
	    .owner = id->owner,
	    .type = id->type,
	    .kind = (int)zone_kind(id->name),
	};
	if (store_zone_put(r->store, out, e) == -1)
		return -1;
	*token = out->token != NULL && out->token[0] != '\0'
	    ? xstrdup(out->token)
	    : NULL;
	return 0;
}

static int
drop_token(struct run *r, int64_t zone, int keys, struct err *e)
{
	if (store_begin(r->store, e) == -1)
		return -1;
	if (store_zone_token(
		r->store, zone, NULL, false, keys, clock_now_ms(), e) == -1 ||
	    store_commit(r->store, e) == -1) {
		store_rollback(r->store);
		return -1;
	}
	return 0;
}

/* ---- records that came as errors ---- */

static void
on_reread(void *arg, const struct record *rec, int64_t date_ms)
{
	struct run *r = arg;

	(void)date_ms;
	if (rec->type == RECORD_ERROR || r->fatal.code != ERR_NONE)
		return;
	if (intake_record(&r->intake, rec, &r->fatal) == -1)
		return;
	for (struct unread *u = r->unread; u != NULL; u = u->next)
		if (strcmp(u->name, rec->name) == 0)
			u->read = true;
}

/* Gone since: there is nothing left to read. */
static void
on_reread_missing(void *arg, const char *name)
{
	struct run *r = arg;

	for (struct unread *u = r->unread; u != NULL; u = u->next)
		if (strcmp(u->name, name) == 0)
			u->read = true;
}

static void
on_reread_failed(void *arg, const char *name, const struct err *e)
{
	(void)arg;
	(void)name;
	log_debug("A record cannot be read: %s", e->what);
}

/* Look a batch of them up; *from is where the next one begins. */
static void
reread_batch(struct run *r, const struct zone_id *id, struct unread **from)
{
	const struct photos_lookup cb = {.record = on_reread,
	    .missing = on_reread_missing,
	    .failed = on_reread_failed,
	    .done = on_feed_done,
	    .arg = r};
	const char *names[PHOTOS_LOOKUP_MAX];
	size_t n = 0;

	for (; *from != NULL && n < PHOTOS_LOOKUP_MAX; *from = (*from)->next)
		if ((*from)->name[0] != '\0' && !(*from)->read)
			names[n++] = (*from)->name;
	if (n == 0)
		return;
	begin_request(r);
	photos_lookup(&r->cloud->ck, id, names, n, false, &cb);
	spin(r);
}

/* Ask for them by name; what stays unread keeps the token.  Each is kept as it
 * comes: if the program ends in between, they are only read once more. */
static int
reread(struct run *r, const struct zone_id *id, struct err *e)
{
	struct unread *next = r->unread;
	size_t left = 0;

	while (next != NULL && r->end.code == ERR_NONE &&
	    r->fatal.code == ERR_NONE) {
		reread_batch(r, id, &next);
		if (!cloud_lost(r->cloud, id->database, r->generation, &r->end))
			continue;
		if (recover(r, e) == -1)
			return -1;
		err_clear(&r->end);
		next = r->unread;
	}
	for (struct unread *u = r->unread; u != NULL; u = u->next)
		left += r->stuck && !u->read;
	if (r->stuck && left == 0 && r->last_token != NULL &&
	    r->fatal.code == ERR_NONE)
		(void)store_zone_token(r->store, r->intake.zone, r->last_token,
		    true, PHOTOS_KEYS_NUMBER, clock_now_ms(), &r->fatal);
	if (r->fatal.code != ERR_NONE) {
		*e = r->fatal;
		return -1;
	}
	if (left > 0 && r->end.code == ERR_NONE)
		err_set(&r->end, ERR_INCOMPLETE, NULL,
		    "%zu of its records cannot be read.", left);
	return 0;
}

/* Masters that the feed has left out, of assets that it has listed: those that
 * can be had by name are no gap. */
static int
ask_for_masters(struct run *r, const struct zone_id *id, struct err *e)
{
	clear_unread(r);
	if (store_masters_lacking(r->store, r->intake.zone, add_unread, r, e) ==
	    -1)
		return -1;
	return r->unread != NULL ? reread(r, id, e) : 0;
}

/* From where it was left to its end, whatever that takes; r->end tells how it
 * ended. */
static int
walk_feed(struct run *r, const struct zone_id *id, struct err *e)
{
	struct store_zone row;
	char *token;
	bool again, anew = false;

	do {
		if (zone_row(&row, &token, r, id, e) == -1)
			return -1;
		feed(r, id, token);
		free(token);
		again = false;
		if (r->fatal.code != ERR_NONE) {
			*e = r->fatal;
			return -1;
		}
		if (cloud_lost(
			r->cloud, id->database, r->generation, &r->end)) {
			if (recover(r, e) == -1)
				return -1;
			again = true;
		} else if (r->end.code == ERR_TOKEN && !anew) {
			log_note("Apple no longer knows how far the list of %s "
				 "was; it is listed anew, nothing is fetched "
				 "twice.",
			    id->name);
			if (drop_token(r, row.zone, row.keys, e) == -1)
				return -1;
			again = anew = true;
		}
	} while (again);
	return r->stuck && r->end.code == ERR_NONE ? reread(r, id, e) : 0;
}

/* ---- its proof ---- */

static int
feed_again(void *arg, struct err *end, struct err *e)
{
	struct run *r = arg;

	clear_unread(r);
	if (walk_feed(r, r->id, e) == -1)
		return -1;
	*end = r->end;
	return 0;
}

/* Until the indexes are read. */
static int
wait_for_witness(struct run *r, struct err *e)
{
	while (!witness_is_idle(r->witness) || witness_is_lost(r->witness)) {
		if (witness_is_lost(r->witness) && recover(r, e) == -1)
			return -1;
		turn(r);
		if (r->halt)
			return halted(e);
		report_busy(r->report, "Comparing", witness_seen(r->witness),
		    clock_mono_ms());
	}
	return 0;
}

/* The feed is at its end; are both sides alike? */
static int
prove(struct run *r, const struct zone_id *id, struct err *e)
{
	const struct witness_host host = {
	    .turn = turn, .recover = recover, .feed = feed_again, .arg = r};
	struct err end = ERR_INIT;

	if (wait_for_witness(r, e) == -1 ||
	    witness_compare(r->witness, &host, &r->intake.changes, &end, e) ==
		-1)
		return -1;
	if (end.code == ERR_NONE)
		return 0;
	if (ends_everything(id->database, end.code)) {
		r->end = end;
		return 0;
	}
	log_warn("%s could not be compared with iCloud's index: %s", id->name,
	    end.what);
	err_set(&end, ERR_INCOMPLETE, NULL,
	    "The list of %s could not be compared with iCloud's index.",
	    id->name);
	err_keep_worse(&r->out->unproven, &end);
	err_clear(&r->end);
	return 0;
}

/* Whatever is on its way has come. */
static void
drop_witness(struct run *r)
{
	if (r->witness == NULL)
		return;
	witness_stop(r->witness);
	while (!witness_is_idle(r->witness))
		turn(r);
	witness_free(r->witness);
	r->witness = NULL;
}

/* Is a zone that has been listed before to be compared now? */
static int
is_due(bool *due, struct run *r, int64_t zone, struct err *e)
{
	*due = r->o->proof == LISTING_PROOF_NOW;
	if (r->o->proof != LISTING_PROOF_WHEN_DUE)
		return 0;
	return store_witness_due(due, r->store, zone, clock_now_ms(), e);
}

static int
walk_zone(struct run *r, const struct zone_id *id, struct err *e)
{
	struct store_zone row;
	char *token = NULL;
	bool anew, first, due = false;
	int rc = -1;

	if (zone_row(&row, &token, r, id, e) == -1)
		return -1;
	free(token);
	first = !row.walked && row.walked_ms == 0 &&
	    r->o->proof != LISTING_NO_PROOF;
	/* A longer list of keys, or a library that has come back: everything is
	 * asked for once more. */
	anew = row.keys < PHOTOS_KEYS_NUMBER;
	if (((anew && row.walked) || row.gone) &&
	    drop_token(r, row.zone, row.keys, e) == -1)
		return -1;
	clear_unread(r);
	intake_begin(&r->intake, r->store, row.zone, anew);
	r->id = id;
	if (first)
		r->witness =
		    witness_begin(r->cloud, r->store, row.zone, id, true);
	if (walk_feed(r, id, e) == -1)
		goto out;
	if (row.gone && r->end.code == ERR_NONE) {
		log_note("The library %s is in the cloud again.", id->name);
		if (store_zone_gone(r->store, row.zone, false, e) == -1)
			goto out;
	}
	if (r->end.code == ERR_NONE && !first &&
	    is_due(&due, r, row.zone, e) == -1)
		goto out;
	if (due)
		r->witness =
		    witness_begin(r->cloud, r->store, row.zone, id, false);
	if (r->end.code == ERR_NONE && r->witness != NULL &&
	    prove(r, id, e) == -1)
		goto out;
	/* A feed that cannot be passed: what its indexes have is listed all
	 * the same. */
	if (r->end.code != ERR_NONE && r->witness != NULL &&
	    !ends_everything(id->database, r->end.code) &&
	    wait_for_witness(r, e) == -1)
		goto out;
	if (r->intake.changes > 0 && r->end.code == ERR_NONE &&
	    ask_for_masters(r, id, e) == -1)
		goto out;
	r->out->changes += r->intake.changes;
	rc = 0;
out:
	drop_witness(r);
	return rc;
}

static int
mark_gone(struct run *r, const struct zone_id *id, struct err *e)
{
	struct store_zone row;
	char *token = NULL;

	if (zone_row(&row, &token, r, id, e) == -1)
		return -1;
	free(token);
	if (row.gone)
		return 0;
	log_warn("The library %s has left the cloud; everything held of it "
		 "stays here.",
	    id->name);
	return store_zone_gone(r->store, row.zone, true, e);
}

/* ---- the whole ---- */

/* Zones whose walk never came to its end, or with a shorter list of keys. */
static void
add_unfinished(void *arg, const struct store_zone *z)
{
	if (!z->gone && is_library(z->name) &&
	    (!z->walked || z->keys < PHOTOS_KEYS_NUMBER))
		add_row(arg, z);
}

/* Zones whose proof is due, whether they have changed or not. */
static void
add_due(void *arg, const struct store_zone *z)
{
	struct run *r = arg;
	bool due = false;

	if (r->fatal.code == ERR_NONE && !z->gone && is_library(z->name) &&
	    is_due(&due, r, z->zone, &r->fatal) == 0 && due)
		add_row(r, z);
}

static int
add_walks(struct run *r, struct err *e)
{
	err_clear(&r->fatal);
	if (store_zones(r->store, add_unfinished, r, e) == -1 ||
	    store_zones(r->store, add_due, r, e) == -1)
		return -1;
	if (r->fatal.code == ERR_NONE)
		return 0;
	*e = r->fatal;
	return -1;
}

struct held {
	int database;
	bool library;
};

static void
look_for_library(void *arg, const struct store_zone *z)
{
	struct held *h = arg;

	if (z->database == h->database && is_library(z->name))
		h->library = true;
}

/* changes/database failed: how bad is that? */
static int
database_failed(struct run *r, const struct base *b, struct err *e)
{
	struct held held = {.database = (int)b->database};

	if (b->database == DATABASE_PRIVATE ||
	    ends_everything(b->database, r->end.code)) {
		*e = r->end;
		return -1;
	}
	if (store_zones(r->store, look_for_library, &held, e) == -1)
		return -1;
	log_warn(
	    "The list of shared libraries could not be read: %s", r->end.what);
	if (held.library) {
		err_set(&r->end, ERR_INCOMPLETE, NULL,
		    "The shared library could not be listed.");
		err_keep_worse(&r->out->trouble, &r->end);
		r->out->complete = false;
	}
	return 0;
}

static int
walk_all(struct run *r, struct err *e)
{
	for (struct walk *w = r->walks; w != NULL; w = w->next) {
		struct base *b = &r->bases[w->id.database];

		if (w->deleted) {
			if (mark_gone(r, &w->id, e) == -1)
				return -1;
			continue;
		}
		log_debug("Listing %s (%s).", w->id.name,
		    database_name(w->id.database));
		if (walk_zone(r, &w->id, e) == -1)
			return -1;
		if (r->end.code == ERR_NONE)
			continue;
		if (r->end.code == ERR_NOT_FOUND && !w->listed &&
		    zone_kind(w->id.name) != ZONE_PRIMARY) {
			if (mark_gone(r, &w->id, e) == -1)
				return -1;
			continue;
		}
		b->failed = true;
		r->out->complete = false;
		if (ends_everything(w->id.database, r->end.code)) {
			*e = r->end;
			return -1;
		}
		if (r->end.code == ERR_NOT_FOUND &&
		    zone_kind(w->id.name) == ZONE_PRIMARY) {
			return err_set(e, ERR_WEB_ACCESS,
			    "Look at icloud.com/photos in a browser.",
			    "iCloud has no photo library for %s: iCloud Photos "
			    "is switched off, or was never switched on.",
			    r->cloud->account.name);
		}
		log_warn("The library %s could not be listed: %s", w->id.name,
		    r->end.what);
		if (r->end.code == ERR_NOT_FOUND) {
			if (mark_gone(r, &w->id, e) == -1)
				return -1;
			err_set(&r->end, ERR_INCOMPLETE, NULL,
			    "The library %s is no longer there.", w->id.name);
		} else if (err_exit_status(r->end.code) == 3) {
			err_set(&r->end, ERR_INCOMPLETE, NULL,
			    "The library %s could not be listed.", w->id.name);
		}
		err_keep_worse(&r->out->trouble, &r->end);
	}
	return 0;
}

/* Only when every zone of a database was walked to its end. */
static int
keep_tokens(struct run *r, struct err *e)
{
	for (int i = 0; i < DATABASE_COUNT; i++) {
		struct base *b = &r->bases[i];

		if (b->listed && !b->failed && b->token != NULL &&
		    store_database_token_put(
			r->store, (int)b->database, b->token, e) == -1)
			return -1;
	}
	return 0;
}

int
listing_run(struct listing *out, struct cloud *cloud, struct store *store,
    struct report *report, const struct listing_options *o, struct err *e)
{
	struct run r = {.out = out,
	    .o = o,
	    .cloud = cloud,
	    .store = store,
	    .report = report};
	struct walk *w;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	err_clear(&out->trouble);
	err_clear(&out->unproven);
	out->complete = true;
	for (int i = 0; i < DATABASE_COUNT; i++) {
		r.bases[i].database = (enum database)i;
		if (list_zones(&r, &r.bases[i], e) == -1)
			goto out;
		if (r.end.code != ERR_NONE &&
		    database_failed(&r, &r.bases[i], e) == -1)
			goto out;
	}
	if (add_walks(&r, e) == -1 || walk_all(&r, e) == -1 ||
	    keep_tokens(&r, e) == -1)
		goto out;
	rc = 0;
out:
	if (rc == -1)
		out->complete = false;
	report_busy_end(report);
	clear_unread(&r);
	for (int i = 0; i < DATABASE_COUNT; i++)
		free(r.bases[i].token);
	while ((w = r.walks) != NULL) {
		r.walks = w->next;
		zone_id_clear(&w->id);
		free(w);
	}
	return rc;
}
