#include "scrub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "checksum.h"
#include "civil.h"
#include "digest.h"
#include "err.h"
#include "log.h"
#include "report.h"
#include "stop.h"
#include "text.h"
#include "work.h"

/* Jobs queued for each thread: enough that none waits, few enough that memory
 * does not grow with the copy. */
#define QUEUED_PER_THREAD 8
/* Results that wait to be noted: so many, or so long. */
#define NOTES_MAX   512
#define NOTES_MS    10000
#define PERCENT_ALL 10000
#define MINUTE_MS   ((int64_t)60 * 1000)

const char *
scrub_word(enum store_damage d)
{
	switch (d) {
	case STORE_GOOD:
		return "good";
	case STORE_MISSING:
	case STORE_OBSTRUCTED:
		return "missing";
	case STORE_TRUNCATED:
		return "truncated";
	case STORE_ALTERED:
	case STORE_LONGER:
		return "damaged";
	case STORE_UNREADABLE:
		return "unreadable";
	}
	return "damaged";
}

enum store_damage
scrub_judge(const struct store_file *f, const struct digest_rule *rule,
    int errnum, const struct digest_sum *sum)
{
	switch (errnum) {
	case 0:
		break;
	case ENOENT:
		return STORE_MISSING;
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
	case ENXIO: /* a socket */
		return STORE_OBSTRUCTED;
	default:
		return STORE_UNREADABLE;
	}
	if (sum->size_bytes < f->size_bytes)
		return STORE_TRUNCATED;
	if (sum->size_bytes > f->size_bytes)
		return STORE_LONGER;
	if (memcmp(sum->sha256, f->sha256, sizeof(f->sha256)) != 0)
		return STORE_ALTERED;
	/* Apple's word has the last say, should the catalogue be wrong. */
	if (f->state == STORE_STATE_PROVEN && rule->checked && rule->strict &&
	    !digest_matches(sum, rule))
		return STORE_ALTERED;
	return STORE_GOOD;
}

int64_t
scrub_share(int64_t bytes, int64_t sample)
{
	int64_t whole = bytes / PERCENT_ALL, rest = bytes % PERCENT_ALL;

	if (sample <= 0 || sample >= PERCENT_ALL)
		return bytes;
	return whole * sample + rest * sample / PERCENT_ALL;
}

struct run {
	struct scrub *out;
	int root;
	unsigned queue_most;
	int64_t most_bytes, until_ms; /* of a slice; 0: no end */
	int64_t queued_bytes;
	struct store_note notes[NOTES_MAX];
	size_t n;
	int64_t flushed_ms;
	bool doubtful; /* of these: one that a lost disk would bring too */
	bool failed;
	struct err *e; /* of the first failure */
};

/* One file to read; plain values for the worker. */
struct check {
	struct run *run;
	struct store_file file; /* path is owned here */
	struct digest_rule rule;
	struct digest_sum sum;
	int64_t mtime_ms;
	int errnum;
};

static void
check_free(struct check *c)
{
	free((char *)c->file.path);
	free(c);
}

static void
check_file(void *arg)
{
	struct check *c = arg;

	if (store_check_at(&c->sum, &c->mtime_ms, c->run->root, c->file.path,
		c->rule.prefix, c->rule.prefix_len) == -1)
		c->errnum = errno;
}

/* Trouble of this process says nothing about a file. */
static bool
is_our_own(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM ||
	    errnum == ECANCELED;
}

static int
note_all(struct run *r, struct err *e)
{
	struct store *s = r->out->store;
	size_t i;

	/* A disk that was pulled out is not a copy without files. */
	if (r->doubtful && store_check_mounted(s, e) == -1)
		return -1;
	if (store_begin(s, e) == -1)
		return -1;
	for (i = 0; i < r->n; i++) {
		if (store_file_note(s, &r->notes[i], r->out->began_ms, e) ==
		    -1) {
			store_rollback(s);
			return -1;
		}
	}
	if (store_commit(s, e) == -1)
		return -1;
	for (i = 0; i < r->n; i++)
		r->out->damaged += r->notes[i].damage != STORE_GOOD;
	return 0;
}

static void
flush_notes(struct run *r)
{
	if (r->n == 0)
		return;
	if (note_all(r, r->failed ? NULL : r->e) == -1)
		r->failed = true;
	r->n = 0;
	r->doubtful = false;
	r->flushed_ms = clock_mono_ms();
}

static void
file_checked(void *arg)
{
	struct check *c = arg;
	struct run *r = c->run;
	struct store_note *note;

	if (is_our_own(c->errnum)) {
		if (!r->failed)
			err_set_errno(
			    r->e, c->errnum, "%s cannot be read", c->file.path);
		r->failed = true;
		check_free(c);
		return;
	}
	note = &r->notes[r->n++];
	*note = (struct store_note){.file = c->file.file,
	    .damage = scrub_judge(&c->file, &c->rule, c->errnum, &c->sum),
	    .has_mtime = c->errnum == 0,
	    .mtime_ms = c->mtime_ms};
	r->doubtful = r->doubtful || note->damage == STORE_MISSING ||
	    note->damage == STORE_UNREADABLE;
	r->out->size_verified += note->damage == STORE_GOOD &&
	    c->file.state == STORE_STATE_SIZE_VERIFIED;
	r->out->checked++;
	r->out->checked_bytes += c->file.size_bytes;
	if (r->n == NOTES_MAX || clock_mono_ms() - r->flushed_ms > NOTES_MS)
		flush_notes(r);
	report_progress(r->out->report, r->out->checked, r->out->checked_bytes,
	    clock_mono_ms());
	check_free(c);
}

static void
queue_file(void *arg, const struct store_file *f)
{
	struct run *r = arg;
	struct check *c;

	if (!r->failed && stop_is_set())
		r->failed = err_set_errno(r->e, ECANCELED, "%s", f->path) != 0;
	if (r->failed)
		return;
	while (work_pending(r->out->work) >= r->queue_most)
		work_wait(r->out->work);
	c = xcalloc(1, sizeof(*c));
	c->run = r;
	c->file = *f;
	c->file.path = xstrdup(f->path);
	checksum_rule(&c->rule, c->file.checksum, c->file.checksum_len);
	work_submit(r->out->work, check_file, file_checked, c);
}

static bool
queue_slice(void *arg, const struct store_file *f)
{
	struct run *r = arg;

	queue_file(r, f);
	r->queued_bytes += f->size_bytes;
	return !r->failed && r->queued_bytes < r->most_bytes &&
	    (r->until_ms == 0 || clock_mono_ms() < r->until_ms);
}

static int
read_files(struct run *r, int64_t sample, int64_t minutes, struct err *e)
{
	struct scrub *out = r->out;
	int64_t share = scrub_share(out->bytes, sample);
	int rc;

	r->most_bytes = share > 0 ? share : 1;
	r->until_ms = minutes > 0 ? clock_mono_ms() + minutes * MINUTE_MS : 0;
	/* Of a slice no more than what is read at once lies behind its end. */
	r->queue_most = sample > 0 || minutes > 0
	    ? out->threads + 1
	    : out->threads * QUEUED_PER_THREAD;
	r->flushed_ms = clock_mono_ms();
	report_progress_start(out->report, out->files, share, r->flushed_ms);
	rc = sample > 0 || minutes > 0
	    ? store_files_unchecked(
		  out->store, out->began_ms, queue_slice, r, e)
	    : store_files(out->store, queue_file, r, e);
	while (work_pending(out->work) > 0)
		work_wait(out->work);
	flush_notes(r);
	report_progress_end(out->report);
	return rc == -1 || r->failed ? -1 : 0;
}

int
scrub_files(struct scrub *s, int64_t sample, int64_t minutes, struct err *e)
{
	struct run *r = xcalloc(1, sizeof(*r));
	struct store_totals t;
	int rc = -1;

	s->began_ms = clock_now_ms();
	if (store_totals(&t, s->store, e) == 0) {
		s->files = t.files;
		s->bytes = t.file_bytes;
		r->out = s;
		r->e = e;
		r->root = store_root_fd(s->store);
		rc = read_files(
		    r, sample >= PERCENT_ALL ? 0 : sample, minutes, e);
	}
	free(r);
	return rc;
}

/* ---- what lies beside ---- */

struct walk {
	struct scrub *s;
	int root;
	bool say, failed;
	struct err *e;
};

struct look {
	struct walk *walk;
	char *path; /* owned */
	int64_t size_bytes;
	struct digest_sum sum;
	int errnum;
};

static void
say_stray(struct walk *w, const char *path, int64_t size_bytes)
{
	struct report *r = w->s->report;

	if (!w->say)
		return;
	w->s->strays++;
	w->s->stray_bytes += size_bytes;
	report_open(r, "foreign");
	report_str(r, "path", path);
	report_int(r, "size", size_bytes);
	report_close(r);
	if (w->s->verbose)
		report_text(r, REPORT_ASKED, "%s: not of the copy", path);
}

static void
look_run(void *arg)
{
	struct look *l = arg;

	if (store_hash_at(&l->sum, l->walk->root, l->path, NULL, 0) == -1)
		l->errnum = errno;
}

static void
look_done(void *arg)
{
	struct look *l = arg;
	struct walk *w = l->walk;
	char *stray = NULL;

	if (w->failed) {
		/* nothing more is found */
	} else if (l->errnum == ECANCELED) {
		err_set_errno(w->e, l->errnum, "%s", l->path);
		w->failed = true;
	} else if (l->errnum != 0) {
		say_stray(w, l->path, l->size_bytes);
	} else if (store_found(&stray, w->s->store, l->path, &l->sum, w->e) ==
	    -1) {
		w->failed = true;
	} else if (stray != NULL) {
		say_stray(w, stray, l->size_bytes);
	}
	free(stray);
	free(l->path);
	free(l);
}

static void
each_stray(void *arg, const struct store_stray *y)
{
	struct walk *w = arg;
	struct look *l;

	if (w->failed)
		return;
	if (!y->look) {
		say_stray(w, y->path, y->size_bytes);
		return;
	}
	while (work_pending(w->s->work) >=
	    (size_t)w->s->threads * QUEUED_PER_THREAD)
		work_wait(w->s->work);
	l = xcalloc(1, sizeof(*l));
	l->walk = w;
	l->path = xstrdup(y->path);
	l->size_bytes = y->size_bytes;
	work_submit(w->s->work, look_run, look_done, l);
}

int
scrub_around(struct scrub *s, bool say, struct err *e)
{
	struct walk w = {
	    .s = s, .root = store_root_fd(s->store), .say = say, .e = e};
	int rc;

	s->strays = s->stray_bytes = 0;
	rc = store_strays(s->store, each_stray, &w, e);
	while (work_pending(s->work) > 0)
		work_wait(s->work);
	return rc == -1 || w.failed ? -1 : 0;
}

/* ---- telling ---- */

static const char *
more_words(const struct store_damaged *d)
{
	switch (d->damage) {
	case STORE_OBSTRUCTED:
		return " (something that is no file is in its place)";
	case STORE_ALTERED:
		return " (same size)";
	case STORE_LONGER:
		return " (longer)";
	case STORE_UNREADABLE:
		return " (the disk gives an error)";
	default:
		return "";
	}
}

static void
say_damaged(void *arg, const struct store_damaged *d)
{
	struct report *r = arg;
	struct buf line = {0};
	char when[40];

	civil_iso(when, d->changed_ms);
	report_open(r, "damage");
	report_str(r, "path", d->path);
	report_str(r, "why", d->to != NULL ? "moved" : scrub_word(d->damage));
	if (d->to != NULL)
		report_str(r, "to", d->to);
	report_int(r, "size", d->size_bytes);
	if (d->has_changed)
		report_str(r, "changed", when);
	report_bool(r, "gone", d->gone);
	report_str(r, "zone", d->zone);
	report_str(r, "record", d->record);
	report_close(r);
	buf_addf(&line, "%s: ", d->path);
	if (d->to != NULL)
		buf_addf(&line, "moved to %s", d->to);
	else
		buf_addf(&line, "%s%s", scrub_word(d->damage), more_words(d));
	if (d->has_changed && d->to == NULL)
		buf_addf(&line, ", changed on %.10s by somebody else", when);
	if (d->gone && d->to == NULL)
		buf_adds(
		    &line, "; it has left iCloud, what is left of it stays");
	report_text(r, REPORT_ASKED, "%s", buf_text(&line));
	buf_clear(&line);
}

int
scrub_tell(struct scrub *s, bool all, struct err *e)
{
	return store_damaged(
	    s->store, all ? 0 : s->began_ms, say_damaged, s->report, e);
}
