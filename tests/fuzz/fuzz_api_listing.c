#include "fuzz_answer.h"

#include "cloudkit.h"
#include "cloudkit_p.h"
#include "photos.h"
#include "record.h"
#include "session.h"
#include "zone.h"

/*
 * Everything that lists and looks up, against any answers: each ends exactly
 * once, and hands on only what was in an answer.  The first line says what is
 * asked ("feed TOKEN", "zones TOKEN", "lookup NAME NAME", "query", "counts",
 * "indexing"); the answers follow.  Where they end, so does the run.
 */

#define NAMES_MAX 8

static struct {
	struct fuzz_in in;
	struct session session;
	struct cloudkit ck;
	struct http_request asked; /* what is due: an answer, */
	void (*timer)(void *);     /* or a time */
	void *timer_arg;
	bool asking, interrupted;
	size_t requests, answers;
	/* Of the request under way. */
	struct http_response resp;
	size_t done, records, pages;
	char *names[NAMES_MAX];
	unsigned told[NAMES_MAX];
	size_t n_names;
} g;

static struct http_call *
net_start(struct http *http, const struct http_request *req)
{
	(void)http;
	must(!g.asking && g.timer == NULL && g.done == 0);
	fuzz_look_at_request(req, api_rules);
	must(!fuzz_holds(req->body, req->body_len, "\"syncToken\":\"\""));
	must(!fuzz_holds(
	    req->body, req->body_len, "\"continuationMarker\":\"\""));
	g.requests++;
	g.asked = *req;
	g.asking = true;
	return NULL;
}

static void
net_after(struct http *http, int64_t ms, void (*cb)(void *), void *arg)
{
	(void)http;
	must(!g.asking && g.timer == NULL && g.done == 0);
	must(ms >= 0 && ms <= 1000);
	g.timer = cb;
	g.timer_arg = arg;
}

static bool
net_interrupted(const struct http *http)
{
	(void)http;
	return g.interrupted;
}

static const struct cloudkit_net net = {
    .start = net_start,
    .after = net_after,
    .interrupted = net_interrupted,
};

static void
answer(void)
{
	struct err e = ERR_INIT;

	g.asking = false;
	g.interrupted = g.in.p == g.in.end;
	if (g.interrupted) {
		memset(&g.resp, 0, sizeof(g.resp));
		g.resp.retry_after_ms = g.resp.date_ms = -1;
		err_set(&e, ERR_INTERRUPTED, NULL, "Interrupted.");
	} else {
		g.answers++;
		(void)fuzz_answer(&g.resp, &g.in, &e);
	}
	g.asked.done(g.asked.arg, &g.resp, &e);
	http_response_clear(&g.resp);
}

static void
run(void)
{
	void (*timer)(void *);

	while (g.asking || g.timer != NULL) {
		if (g.asking) {
			answer();
			continue;
		}
		timer = g.timer;
		g.timer = NULL;
		timer(g.timer_arg);
	}
	must(g.done == 1);
	/* Nothing is asked again without an answer to the one before. */
	must(g.requests <= g.answers + 1);
}

static void
ended(const struct err *e)
{
	must(g.done++ == 0);
	if (e->code != ERR_NONE)
		fuzz_look_at_error(e);
	else
		must(g.answers > 0);
}

static void
look_at_record(const struct record *r)
{
	struct buf kept = {0};
	const char *body = buf_text(&g.resp.body);

	must(g.done == 0);
	must(r->name != NULL && r->type_name != NULL && r->tag != NULL);
	must(*r->name != '\0' || r->type == RECORD_ERROR);
	must(r->raw.p >= body &&
	    r->raw.p + r->raw.len <= body + g.resp.body.len);
	record_kept_bytes(&kept, r);
	must(kept.len > 0);
	buf_clear(&kept);
	g.records++;
}

static void
feed_record(void *arg, const struct record *r)
{
	(void)arg;
	look_at_record(r);
}

static bool
feed_page(void *arg, const char *token, bool more)
{
	(void)arg;
	must(g.done == 0);
	must(token == NULL ? !more : *token != '\0');
	return ++g.pages < 6;
}

static void
feed_done(void *arg, const struct err *e)
{
	(void)arg;
	must(e->code != ERR_NONE || g.pages > 0);
	ended(e);
}

static void
zones_zone(void *arg, const struct zone_id *id, bool deleted)
{
	struct zone_id copy;

	(void)arg;
	(void)deleted;
	must(g.done == 0);
	must(id->name != NULL && *id->name != '\0');
	must(id->database == DATABASE_SHARED);
	zone_id_copy(&copy, id);
	must(zone_id_equal(&copy, id));
	zone_id_clear(&copy);
}

static void
zones_done(void *arg, const char *token, const struct err *e)
{
	(void)arg;
	must(token == NULL || (e->code == ERR_NONE && *token != '\0'));
	ended(e);
}

/* Which of the names that were asked for. */
static void
tell(const char *name)
{
	size_t i;

	must(g.done == 0);
	for (i = 0; i < g.n_names && strcmp(g.names[i], name) != 0;)
		i++;
	must(i < g.n_names);
	must(g.told[i]++ == 0);
}

static void
lookup_record(void *arg, const struct record *r, int64_t date_ms)
{
	(void)arg;
	must(date_ms == FUZZ_DATE_MS);
	must(r->type != RECORD_ERROR && r->type != RECORD_TOMBSTONE);
	look_at_record(r);
	tell(r->name);
}

static void
lookup_missing(void *arg, const char *name)
{
	(void)arg;
	tell(name);
}

static void
lookup_failed(void *arg, const char *name, const struct err *e)
{
	(void)arg;
	fuzz_look_at_error(e);
	tell(name);
}

static void
lookup_done(void *arg, const struct err *e)
{
	size_t i;

	(void)arg;
	for (i = 0; e->code == ERR_NONE && i < g.n_names; i++)
		must(g.told[i] == 1);
	ended(e);
}

static void
query_done(void *arg, const char *next, size_t assets, const struct err *e)
{
	(void)arg;
	must(next == NULL || (e->code == ERR_NONE && *next != '\0'));
	must(assets <= g.records);
	ended(e);
}

static void
counts_done(void *arg, const int64_t counts[PHOTOS_COUNTS], const struct err *e)
{
	size_t i;

	(void)arg;
	for (i = 0; e->code == ERR_NONE && i < PHOTOS_COUNTS; i++)
		must(counts[i] >= -1);
	ended(e);
}

static void
indexing_done(void *arg, const char *state, const struct err *e)
{
	(void)arg;
	must(state != NULL);
	ended(e);
}

/* Names that are all different. */
static void
take_names(char *rest)
{
	char *name;
	size_t i;

	while ((name = strsep(&rest, " ")) != NULL && g.n_names < NAMES_MAX) {
		for (i = 0; i < g.n_names && strcmp(g.names[i], name) != 0;)
			i++;
		if (*name != '\0' && i == g.n_names)
			g.names[g.n_names++] = name;
	}
}

static void
ask(const char *what, char *rest)
{
	static const struct zone_id zone = {
	    .database = DATABASE_PRIVATE,
	    .name = (char *)"PrimarySync",
	    .owner = (char *)"_00000000000000000000000000000001",
	};
	const struct photos_feed feed = {
	    .record = feed_record, .page = feed_page, .done = feed_done};
	const struct photos_zones zones = {
	    .zone = zones_zone, .done = zones_done};
	const struct photos_lookup lookup = {.record = lookup_record,
	    .missing = lookup_missing,
	    .failed = lookup_failed,
	    .done = lookup_done};
	struct photos_query query = {.index = "CPLAssetAndMasterByAddedDate",
	    .record = feed_record,
	    .done = query_done};

	switch (*what) {
	case 'z':
		photos_zones(&g.ck, DATABASE_SHARED, rest, &zones);
		break;
	case 'l':
		take_names(rest);
		if (g.n_names == 0)
			return;
		photos_lookup(&g.ck, &zone, (const char *const *)g.names,
		    g.n_names, false, &lookup);
		break;
	case 'q':
		query.marker = rest != NULL && *rest != '\0' ? rest : NULL;
		photos_query(&g.ck, &zone, &query);
		break;
	case 'c':
		photos_counts(&g.ck, &zone, counts_done, NULL);
		break;
	case 'i':
		photos_indexing(&g.ck, &zone, indexing_done, NULL);
		break;
	default:
		photos_feed(&g.ck, &zone, rest, &feed);
		break;
	}
	run();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	char *rest = fuzz_line(&in), *line = rest;
	const char *what = strsep(&rest, " ");

	memset(&g, 0, sizeof(g));
	g.in = in;
	g.session.ckdatabase_url =
	    (char *)(uintptr_t) "https://p61-ckdatabasews.icloud.com:443";
	g.session.client_id = (char *)(uintptr_t) "auth-5c0ffee0";
	g.session.dsid = (char *)(uintptr_t) "20000000042";
	g.ck.session = &g.session;
	g.ck.net = &net;
	ask(what, rest);
	free(line);
	return 0;
}
