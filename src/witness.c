#include "witness.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "http.h"
#include "index.h"
#include "intake.h"
#include "log.h"
#include "photos.h"
#include "record.h"
#include "store.h"
#include "text.h"

/* So often the feed and the counts are read until they stand still. */
#define ROUNDS_MAX  3
#define WIDTH_START 2

/* Which index is read, and of which count it is [records-query]. */
struct source {
	const char *whole; /* records of both types */
	const char *names; /* assets alone */
	const char *joint; /* where the server knows no such index */
	enum store_stated stated;
	enum store_stated first_stated;
};
static const struct source sources[] = {
    {"CPLAssetAndMasterDeletedByExpungedDate", "CPLAssetDeletedByExpungedDate",
	"CPLAssetAndMasterDeletedByExpungedDate", STORE_STATED_TRASHED,
	STORE_STATED_TRASHED},
    {"CPLAssetAndMasterByAddedDate",
	"CPLAssetByAssetDateWithoutHiddenOrDeleted",
	"CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted",
	STORE_STATED_VISIBLE, STORE_STATED_ADDED},
    {"CPLAssetAndMasterHiddenByAssetDate", "CPLAssetHiddenByAssetDate",
	"CPLAssetAndMasterHiddenByAssetDate", STORE_STATED_HIDDEN,
	STORE_STATED_HIDDEN},
};
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

struct witness {
	struct cloud *cloud;
	struct store *store;
	int64_t zone, number;
	struct zone_id id;
	bool first;

	/* the walk */
	struct index_walk *walk;
	size_t at;  /* of sources */
	int width;  /* pages side by side that went well */
	bool joint; /* names out of the joint index */
	bool asking, lost, stopping, over;
	unsigned generation; /* of the session, as the request began */
	char *indexing;      /* state of the index, as told last; NULL */
	int64_t counts[PHOTOS_COUNTS];
	bool counted;
	struct intake intake;
	bool in_page;
	int64_t seen;

	struct err end;   /* how a request ended */
	struct err fatal; /* of the catalogue, inside a callback */

	/* look-ups */
	char *names[PHOTOS_LOOKUP_MAX];
	size_t n;
	enum store_side side;
	int64_t found, missing;
};

static void go_on(struct witness *);

/* A request has ended; false: that was all of it. */
static bool
went_well(struct witness *w, const struct err *e)
{
	if (cloud_lost(w->cloud, w->id.database, w->generation, e)) {
		w->lost = true;
		return false;
	}
	w->end = *e;
	return e->code == ERR_NONE;
}

/* ---- the indexes ---- */

static void
on_record(void *arg, const struct record *r)
{
	struct witness *w = arg;

	if (w->fatal.code != ERR_NONE)
		return;
	if (!w->in_page && store_begin(w->store, &w->fatal) == -1)
		return;
	w->in_page = true;
	if (w->first && intake_record(&w->intake, r, &w->fatal) == -1)
		return;
	if (r->type != RECORD_ASSET)
		return;
	w->seen++;
	(void)store_witness_name(
	    w->store, w->zone, r->name, w->number, &w->fatal);
}

static void
on_page(void *arg)
{
	struct witness *w = arg;

	if (w->in_page && w->fatal.code == ERR_NONE)
		(void)store_commit(w->store, &w->fatal);
	if (w->in_page && w->fatal.code != ERR_NONE)
		store_rollback(w->store);
	w->in_page = false;
	if (w->fatal.code != ERR_NONE)
		index_stop(w->walk);
}

static void
on_idle(void *arg)
{
	struct witness *w = arg;
	struct err e = ERR_INIT;

	if (index_is_lost(w->walk) && !w->stopping) {
		w->lost = true;
		return;
	}
	w->width = index_width(w->walk);
	if (index_end(w->walk, &e) == -1)
		w->end = e;
	w->walk = NULL;
	/* Not every server knows the indexes of assets alone. */
	if (e.code == ERR_PROTOCOL && e.http_status == 400 && !w->first &&
	    !w->joint) {
		err_clear(&w->end);
		w->joint = true;
	} else {
		w->at++;
	}
	go_on(w);
}

static void
walk_index(struct witness *w)
{
	const struct source *s = &sources[w->at];

	w->walk = index_begin(&(struct index_options){
	    .cloud = w->cloud,
	    .zone = &w->id,
	    .index = w->first ? s->whole
		: w->joint    ? s->joint
			      : s->names,
	    .names_only = !w->first,
	    .joint = w->first || w->joint,
	    .expected = w->counts[w->first ? s->first_stated : s->stated],
	    .first = w->width,
	    .width = w->first ? INDEX_WIDTH_MAX : 1,
	    .record = on_record,
	    .page = on_page,
	    .idle = on_idle,
	    .arg = w,
	});
}

static void
on_indexing(void *arg, const char *state, const struct err *e)
{
	struct witness *w = arg;

	w->asking = false;
	if (went_well(w, e)) {
		free(w->indexing);
		w->indexing = xstrdup(state);
	}
	if (!w->over)
		go_on(w);
}

static void
on_counts(void *arg, const int64_t counts[PHOTOS_COUNTS], const struct err *e)
{
	struct witness *w = arg;

	w->asking = false;
	if (went_well(w, e)) {
		memcpy(w->counts, counts, sizeof(w->counts));
		w->counted = true;
	}
	if (!w->over)
		go_on(w);
}

static void
begin_request(struct witness *w)
{
	w->asking = true;
	w->generation = w->cloud->generation;
}

static void
ask_indexing(struct witness *w)
{
	begin_request(w);
	photos_indexing(&w->cloud->ck, &w->id, on_indexing, w);
}

static void
ask_counts(struct witness *w)
{
	begin_request(w);
	photos_counts(&w->cloud->ck, &w->id, on_counts, w);
}

/* The next request of the walk, if there is one. */
static void
go_on(struct witness *w)
{
	if (w->lost)
		return;
	if (w->stopping || w->end.code != ERR_NONE ||
	    w->fatal.code != ERR_NONE || w->at == SOURCES)
		w->over = true;
	else if (w->indexing == NULL)
		ask_indexing(w);
	else if (!w->counted)
		ask_counts(w);
	else
		walk_index(w);
}

struct witness *
witness_begin(struct cloud *cloud, struct store *store, int64_t zone,
    const struct zone_id *id, bool first)
{
	struct witness *w = xcalloc(1, sizeof(*w));

	_Static_assert(STORE_STATED_ADDED == 0 && STORE_STATED_VISIBLE == 1 &&
		STORE_STATED_HIDDEN == 2 && STORE_STATED_TRASHED == 3,
	    "in the order of photos_count_ids");
	w->cloud = cloud;
	w->store = store;
	w->zone = zone;
	w->first = first;
	w->width = WIDTH_START;
	zone_id_copy(&w->id, id);
	err_clear(&w->end);
	err_clear(&w->fatal);
	intake_begin_index(&w->intake, store, zone);
	if (store_witness_begin(&w->number, store, zone, &w->fatal) == -1)
		w->over = true;
	else
		go_on(w);
	return w;
}

bool
witness_is_idle(const struct witness *w)
{
	return w->over || w->lost;
}

bool
witness_is_lost(const struct witness *w)
{
	return w->lost;
}

void
witness_resume(struct witness *w)
{
	w->lost = false;
	if (w->over)
		return;
	if (w->walk != NULL)
		index_resume(w->walk);
	else
		go_on(w);
}

void
witness_stop(struct witness *w)
{
	w->stopping = true;
	if (w->walk == NULL)
		return;
	index_stop(w->walk);
	if (w->lost) { /* nothing more of it comes */
		(void)index_end(w->walk, &w->end);
		w->walk = NULL;
		w->lost = false;
		w->over = true;
	}
}

int64_t
witness_seen(const struct witness *w)
{
	return w->seen;
}

void
witness_free(struct witness *w)
{
	if (w == NULL)
		return;
	assert(!w->asking && w->walk == NULL);
	zone_id_clear(&w->id);
	free(w->indexing);
	free(w);
}

/* ---- the comparison ---- */

/* Ask until it is answered, also by a session that ends meanwhile. */
static int
ask(struct witness *w, const struct witness_host *host,
    void (*request)(struct witness *), struct err *e)
{
	bool again;

	do {
		w->lost = false;
		request(w);
		while (w->asking)
			host->turn(host->arg);
		again = w->lost; /* a recovery takes it back */
		if (again && host->recover(host->arg, e) == -1)
			return -1;
	} while (again);
	if (w->fatal.code == ERR_NONE)
		return 0;
	*e = w->fatal;
	return -1;
}

/* The feed to its end, and the counts, until they stand still. */
static int
settle(struct witness *w, const struct witness_host *host, struct err *e)
{
	int64_t before[PHOTOS_COUNTS];

	for (int i = 0; i < ROUNDS_MAX && w->end.code == ERR_NONE; i++) {
		memcpy(before, w->counts, sizeof(before));
		if (host->feed(host->arg, &w->end, e) == -1)
			return -1;
		if (w->end.code != ERR_NONE)
			return 0;
		if (ask(w, host, ask_counts, e) == -1)
			return -1;
		if (memcmp(before, w->counts, sizeof(before)) == 0)
			break;
	}
	return 0;
}

static void
answer(struct witness *w, const char *name, enum store_answer is)
{
	if (w->fatal.code != ERR_NONE)
		return;
	w->found += is == STORE_FOUND;
	w->missing += is == STORE_NOT_FOUND;
	(void)store_witness_answer(
	    w->store, w->zone, w->number, name, w->side, is, &w->fatal);
}

static void
on_found(void *arg, const struct record *r, int64_t date_ms)
{
	struct witness *w = arg;

	(void)date_ms;
	if (w->fatal.code != ERR_NONE)
		return;
	/* What the feed has brought only the feed may change. */
	if (w->side == STORE_ONLY_INDEX &&
	    intake_record(&w->intake, r, &w->fatal) == -1)
		return;
	answer(w, r->name, STORE_FOUND);
}

static void
on_missing(void *arg, const char *name)
{
	answer(arg, name, STORE_NOT_FOUND);
}

static void
on_failed(void *arg, const char *name, const struct err *e)
{
	log_debug("A record cannot be read: %s", e->what);
	answer(arg, name, STORE_UNANSWERED);
}

static void
on_lookup_done(void *arg, const struct err *e)
{
	struct witness *w = arg;

	w->asking = false;
	(void)went_well(w, e);
}

static void
ask_batch(struct witness *w)
{
	const struct photos_lookup cb = {.record = on_found,
	    .missing = on_missing,
	    .failed = on_failed,
	    .done = on_lookup_done,
	    .arg = w};

	begin_request(w);
	photos_lookup(&w->cloud->ck, &w->id, (const char *const *)w->names,
	    w->n, false, &cb);
}

/* All names that one side alone has. */
static int
look_up(struct witness *w, const struct witness_host *host,
    enum store_side side, struct err *e)
{
	char *last = NULL;
	int rc = 0;

	w->side = side;
	w->found = w->missing = 0;
	do {
		w->n = PHOTOS_LOOKUP_MAX;
		rc = store_witness_names(w->names, &w->n, w->store, w->zone,
		    w->number, side, last, e);
		free(last);
		last = NULL;
		if (rc == -1)
			return -1;
		if (w->n > 0) {
			last = xstrdup(w->names[w->n - 1]);
			rc = ask(w, host, ask_batch, e);
		}
		for (size_t i = 0; i < w->n; i++)
			free(w->names[i]);
	} while (
	    rc == 0 && w->n == PHOTOS_LOOKUP_MAX && w->end.code == ERR_NONE);
	free(last);
	return rc;
}

/* Totals of the library's own record; -1 where it has none [library-info]. */
static int
read_info(struct witness *w, int64_t stated[STORE_STATED_COUNT], struct err *e)
{
	struct buf bytes = {0};
	struct library_info info;
	struct store_bytes kept;
	struct record r;
	int rc = store_info_bytes(&bytes, w->store, w->zone, e);

	kept = (struct store_bytes){bytes.data, bytes.len};
	if (rc == 0 && intake_kept(&r, &kept)) {
		library_info_read(&info, &r);
		if (info.photos >= 0 && info.videos >= 0)
			stated[STORE_STATED_INFO] = info.photos + info.videos +
			    (info.others > 0 ? info.others : 0);
		if (info.hidden_photos >= 0 && info.hidden_videos >= 0)
			stated[STORE_STATED_INFO_HIDDEN] =
			    info.hidden_photos + info.hidden_videos;
		record_clear(&r);
	}
	buf_clear(&bytes);
	return rc == -1 ? -1 : 0;
}

static int
conclude(struct witness *w, struct err *e)
{
	struct store_witness result = {.witness = w->number,
	    .indexing = w->indexing,
	    .finished = strcmp(w->indexing, "FINISHED") == 0};

	for (int i = 0; i < STORE_STATED_COUNT; i++)
		result.stated[i] = i < PHOTOS_COUNTS ? w->counts[i] : -1;
	if (read_info(w, result.stated, e) == -1)
		return -1;
	return store_witness_end(w->store, w->zone, &result, clock_now_ms(), e);
}

static int
compare(struct witness *w, const struct witness_host *host, struct err *e)
{
	char n[32];

	if (w->fatal.code != ERR_NONE) {
		*e = w->fatal;
		return -1;
	}
	if (w->end.code != ERR_NONE)
		return 0;
	if (settle(w, host, e) == -1)
		return -1;
	if (w->end.code != ERR_NONE)
		return 0;
	/* A look-up brings what the feed did not: from here on as if it had. */
	intake_begin(&w->intake, w->store, w->zone, false);
	if (look_up(w, host, STORE_ONLY_INDEX, e) == -1)
		return -1;
	if (w->found > 0)
		log_warn("iCloud's index has %s %s that its list of changes "
			 "has left out; taken in by name.",
		    text_count(n, w->found),
		    w->found == 1 ? "photo" : "photos");
	if (w->end.code == ERR_NONE &&
	    look_up(w, host, STORE_ONLY_FEED, e) == -1)
		return -1;
	if (w->end.code == ERR_NONE && strcmp(w->indexing, "FINISHED") != 0 &&
	    ask(w, host, ask_indexing, e) == -1)
		return -1;
	return w->end.code == ERR_NONE ? conclude(w, e) : 0;
}

int
witness_compare(struct witness *w, const struct witness_host *host,
    int64_t *changes, struct err *end, struct err *e)
{
	int rc;

	assert(w->over);
	rc = compare(w, host, e);
	*changes += w->intake.changes;
	*end = w->end;
	if (rc == 0 && w->end.code != ERR_NONE)
		rc = store_witness_failed(w->store, w->zone, clock_now_ms(), e);
	return rc;
}
