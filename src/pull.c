#include "pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "cloud.h"
#include "cmd.h"
#include "report.h"
#include "session.h"
#include "text.h"
#include "work.h"

#define WORKERS_MIN 8

unsigned
pull_workers(void)
{
	unsigned cores = work_cores();

	return cores > WORKERS_MIN ? cores : WORKERS_MIN;
}

int
pull_check_account(
    const struct store *store, const char *account, struct err *e)
{
	const char *of = store_copy_account(store);
	char *name = session_account_name(of), next[256];
	bool same = strcmp(name, account) == 0;

	free(name);
	if (same)
		return 0;
	snprintf(next, sizeof(next),
	    "Give --account %s, or the --root of another copy.", of);
	return err_set(e, ERR_USAGE, next,
	    "The copy at %s is of %s, not of %s.", store_root(store), of,
	    account);
}

static int
go_on_beside(void *arg)
{
	const struct pull *p = arg;

	return fetch_step(p->beside);
}

int
pull_list(struct pull *p, struct err *e)
{
	int rc;

	p->list.beside = p->beside != NULL ? go_on_beside : NULL;
	p->list.arg = p;
	rc = listing_run(
	    &p->listing, p->cloud, p->store, p->app->report, &p->list, e);
	err_keep_worse(&p->trouble, &p->listing.unproven);
	/* Once is enough. */
	if (p->list.proof == LISTING_PROOF_NOW)
		p->list.proof = LISTING_PROOF_WHEN_DUE;
	return rc;
}

/* What may be written on the volume. */
static int
room(int64_t *out, const struct pull *p, struct err *e)
{
	int64_t total = 0;

	if (store_space(out, &total, p->store, e) == -1)
		return -1;
	*out -= fetch_air(total);
	if (*out < 0)
		*out = 0;
	return 0;
}

/* Said before the first byte: what there is to do, and whether it fits. */
static int
say_forecast(struct pull *p, struct err *e)
{
	const struct store_forecast *f = &p->forecast;
	struct report *r = p->app->report;
	int64_t space = 0;
	char n[32], size[32], free_text[32];

	if (store_forecast(
		&p->forecast, p->store, p->filter, clock_now_ms(), e) == -1 ||
	    room(&space, p, e) == -1)
		return -1;
	report_open(r, "forecast");
	report_int(r, "files", f->files);
	report_int(r, "bytes", f->bytes);
	report_int(r, "free_bytes", space);
	report_int(r, "missing_bytes", f->bytes > space ? f->bytes - space : 0);
	/* What is mended leaves all else out, and nobody has asked for that. */
	report_int(r, "filtered", p->filter->mend ? 0 : f->filtered);
	report_close(r);
	if (f->filtered > 0 && !p->filter->mend)
		report_text(r, REPORT_CHATTER, "Left out by the filter: %s %s.",
		    text_count(n, f->filtered),
		    f->filtered == 1 ? "file" : "files");
	if (f->files == 0)
		return 0;
	report_text(r, REPORT_CHATTER, "%s: %s %s, %s; free: %s.%s",
	    p->beside != NULL ? "Still to fetch" : "To fetch",
	    text_count(n, f->files), f->files == 1 ? "file" : "files",
	    text_size(size, f->bytes), text_size(free_text, space),
	    f->bytes > space ? " What fits is fetched, Recently Deleted and "
			       "the newest first."
			     : "");
	return 0;
}

/* What one fetch has come to. */
static void
take_fetch(struct pull *p)
{
	struct err full = ERR_INIT;
	char n[32];

	err_keep_worse(&p->trouble, &p->fetch.trouble);
	if (p->fetch.no_room == 0)
		return;
	err_set(&full, ERR_DISK_FULL,
	    "Make room, or move the copy to a larger disk.",
	    "The disk is full: %s %s not fit.", text_count(n, p->fetch.no_room),
	    p->fetch.no_room == 1 ? "file did" : "files did");
	err_keep_worse(&p->trouble, &full);
}

static struct fetching *
begin(struct pull *p, int64_t files, int64_t bytes, bool relisted)
{
	const struct fetch_options o = {
	    .jobs = (int)p->app->opt.jobs,
	    .layout = store_layout(p->store),
	    .filter = p->filter,
	    .files = files,
	    .bytes = bytes,
	    .relisted = relisted,
	};

	return fetch_begin(
	    &p->fetch, p->cloud, p->store, p->work, p->app->report, &o);
}

struct unlisted {
	bool any, some; /* libraries; of them never listed to the end */
};

static void
look_for_unlisted(void *arg, const struct store_zone *z)
{
	struct unlisted *u = arg;

	u->any = true;
	u->some |= !z->gone && !z->walked && z->walked_ms == 0;
}

int
pull_begin(struct pull *p, struct err *e)
{
	struct unlisted u = {.any = false};
	struct report *r = p->app->report;
	int64_t space = 0;
	char free_text[32];

	if (store_zones(p->store, look_for_unlisted, &u, e) == -1 ||
	    room(&space, p, e) == -1)
		return -1;
	if (u.any && !u.some)
		return 0;
	report_open(r, "listing");
	report_int(r, "free_bytes", space);
	report_close(r);
	report_text(r, REPORT_CHATTER,
	    "Listing and fetching side by side: how much there is to fetch is "
	    "known once the list is complete; free: %s.",
	    text_size(free_text, space));
	p->beside = begin(p, -1, 0, false);
	return 0;
}

void
pull_end(struct pull *p)
{
	struct err e = ERR_INIT;

	if (p->beside == NULL)
		return;
	fetch_stop(p->beside);
	if (fetch_end(p->beside, &e) == -1)
		err_keep_worse(&p->trouble, &e);
	p->beside = NULL;
	take_fetch(p);
}

/* The first round may have begun beside the listing. */
static int
fetch(struct pull *p, bool relisted, struct err *e)
{
	struct fetching *f = p->beside;
	int rc;

	p->beside = NULL;
	if (f == NULL)
		f = begin(p, p->forecast.files, p->forecast.bytes, relisted);
	else
		fetch_listed(f, p->forecast.files, p->forecast.bytes);
	rc = fetch_end(f, e);
	if (rc == 0)
		take_fetch(p);
	return rc;
}

int
pull_fetch(struct pull *p, struct err *e)
{
	for (int round = 0; round < 2; round++) {
		if (round > 0 &&
		    (pull_list(p, e) == -1 ||
			store_wants_again(p->store, e) == -1))
			return -1;
		if (say_forecast(p, e) == -1)
			return -1;
		if (p->app->opt.dry_run ||
		    (p->forecast.files == 0 && p->beside == NULL))
			break;
		if (fetch(p, round > 0, e) == -1)
			return -1;
		if (p->fetch.vanished == 0 || p->fetch.trouble.code != ERR_NONE)
			break;
	}
	err_keep_worse(&p->trouble, &p->listing.trouble);
	return 0;
}
