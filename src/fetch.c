#include "fetch_p.h"

#include <stdlib.h>
#include <string.h>

#include "asset.h"
#include "checksum.h"
#include "civil.h"
#include "cloud.h"
#include "describe.h"
#include "http.h"
#include "library.h"
#include "link.h"
#include "log.h"
#include "path.h"
#include "report.h"
#include "text.h"
#include "work.h"

/* A link of this age is new, should the server's clocks disagree. */
#define JUST_LINKED_MS  10000
#define MONTHS_EVERY_MS INT64_C(600000)
#define MONTHS_LINES    500
/* Beside a listing: when a catalogue that had no more wants is asked again. */
#define ASK_EVERY_MS 250

/* ---- what is begun ---- */

static const char *
library_of(struct fetching *r, int64_t zone)
{
	struct zone_id id;
	const char *word;

	(void)fetching_zone(&id, r, zone);
	word = library_word(id.name);
	zone_id_clear(&id);
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
	return space - it->run->owed_bytes - item_owed(it) < fetch_air(total);
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
		item_want_link(it);
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
			fetching_stop(r, &e);
			item_end(it);
			return;
		}
	}
	if (it->put != NULL) { /* another try */
		item_enter_running(it);
		item_opened(it, &e);
		return;
	}
	if (lacks_room(it)) {
		r->out->no_room++;
		item_end(it);
		return;
	}
	if (store_put_open(
		&it->put, &have, r->store, &it->want, &it->rule, &e) == -1) {
		fetching_stop(r, &e);
		item_end(it);
		return;
	}
	item_enter_running(it);
	if (have > 0)
		store_put_rehash(it->put, item_opened, it);
	else
		item_opened(it, &e);
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
		fetching_look_up(r);
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
		fetching_stop(r, &e);
	report_progress(r->report, r->files_done, r->bytes_done, now);
	if (r->session_lost && r->lookups == 0 && !r->stopping) {
		r->session_lost = false;
		if (cloud_recover(r->cloud, r->generation, &e) == -1)
			fetching_stop_for(r, &e);
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
