#include "verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "checksum.h"
#include "civil.h"
#include "cmd.h"
#include "digest.h"
#include "err.h"
#include "log.h"
#include "report.h"
#include "stop.h"
#include "store.h"
#include "text.h"
#include "work.h"

/* Jobs queued for each core: enough that none waits, few enough that memory
 * does not grow with the copy. */
#define QUEUED_PER_CORE 8

const char *
damage_word(enum damage d)
{
	switch (d) {
	case DAMAGE_NONE:
		return "good";
	case DAMAGE_MISSING:
		return "missing";
	case DAMAGE_TRUNCATED:
		return "truncated";
	case DAMAGE_CHANGED:
		return "damaged";
	case DAMAGE_UNREADABLE:
		return "unreadable";
	}
	return "damaged";
}

enum damage
damage_of(const struct store_file *f, const struct digest_rule *rule,
    int errnum, const struct digest_sum *sum)
{
	switch (errnum) {
	case 0:
		break;
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
		return DAMAGE_MISSING;
	default:
		return DAMAGE_UNREADABLE;
	}
	if (sum->size_bytes < f->size_bytes)
		return DAMAGE_TRUNCATED;
	if (sum->size_bytes > f->size_bytes ||
	    memcmp(sum->sha256, f->sha256, sizeof(f->sha256)) != 0)
		return DAMAGE_CHANGED;
	/* Apple's word has the last say, should the catalogue be wrong. */
	if (f->state == STORE_STATE_PROVEN && rule->checked && rule->strict &&
	    !digest_matches(sum, rule))
		return DAMAGE_CHANGED;
	return DAMAGE_NONE;
}

struct run {
	struct app *app;
	struct store *store;
	struct work *work;
	unsigned queue_most;
	int root;
	int64_t files, file_bytes, files_done, bytes_done, damaged, by_size;
	int64_t *good; /* numbers of files that were proven */
	size_t ngood, good_cap;
	bool interrupted;
};

/* One file to read; plain values for the worker. */
struct check {
	struct run *run;
	struct store_file file; /* path is owned here */
	struct digest_rule rule;
	struct digest_sum sum;
	int errnum;
};

static void
check_file(void *arg)
{
	struct check *c = arg;

	c->errnum = 0;
	if (store_hash_at(&c->sum, c->run->root, c->file.path, c->rule.prefix,
		c->rule.prefix_len) == -1)
		c->errnum = errno;
}

static void
remember_good(struct run *r, int64_t file)
{
	if (r->ngood == r->good_cap) {
		r->good_cap = r->good_cap == 0 ? 1024 : 2 * r->good_cap;
		r->good = xreallocarray(r->good, r->good_cap, sizeof(*r->good));
	}
	r->good[r->ngood++] = file;
}

static void
file_checked(void *arg)
{
	struct check *c = arg;
	struct run *r = c->run;
	enum damage d;

	if (c->errnum == ECANCELED) { /* not read to its end */
		r->interrupted = true;
		free((char *)c->file.path);
		free(c);
		return;
	}
	d = damage_of(&c->file, &c->rule, c->errnum, &c->sum);
	r->files_done++;
	r->bytes_done += c->file.size_bytes;
	if (d == DAMAGE_NONE) {
		r->by_size += c->file.state == STORE_STATE_SIZE_VERIFIED;
		remember_good(r, c->file.file);
	} else {
		r->damaged++;
		report_open(r->app->report, "damage");
		report_str(r->app->report, "path", c->file.path);
		report_str(r->app->report, "why", damage_word(d));
		report_close(r->app->report);
		report_text(r->app->report, REPORT_ASKED, "%s: %s",
		    c->file.path, damage_word(d));
	}
	report_progress(
	    r->app->report, r->files_done, r->bytes_done, clock_mono_ms());
	free((char *)c->file.path);
	free(c);
}

static void
queue_file(void *arg, const struct store_file *f)
{
	struct run *r = arg;
	struct check *c;

	r->interrupted = r->interrupted || stop_is_set();
	if (r->interrupted)
		return;
	while (work_pending(r->work) >= r->queue_most)
		work_wait(r->work);
	c = xcalloc(1, sizeof(*c));
	c->run = r;
	c->file = *f;
	c->file.path = xstrdup(f->path);
	checksum_rule(&c->rule, c->file.checksum, c->file.checksum_len);
	work_submit(r->work, check_file, file_checked, c);
}

/* When each file was last proven, for `status` and later scrubs. */
static int
record_good(struct run *r, struct err *e)
{
	int64_t now = clock_now_ms();

	if (store_begin(r->store, e) == -1)
		return -1;
	for (size_t i = 0; i < r->ngood; i++)
		if (store_file_checked(r->store, r->good[i], now, e) == -1) {
			store_rollback(r->store);
			return -1;
		}
	return store_commit(r->store, e);
}

/* The one line. */
static void
verdict_line(struct buf *out, const struct run *r)
{
	char n[32], m[32], d[32], size[32];

	text_count(n, r->files);
	text_count(m, r->files_done);
	text_count(d, r->damaged);
	if (r->interrupted)
		buf_addf(out,
		    "Interrupted: %s of %s files were read, %s not as they "
		    "should be.",
		    m, n, d);
	else if (r->damaged > 0)
		buf_addf(out,
		    "Damage: %s of %s files are not as they should be.", d, n);
	else if (r->files == 0)
		buf_adds(out, "There are no files in the copy yet.");
	else
		buf_addf(out,
		    "Verified: all files (%s, %s) are as Apple holds "
		    "them.",
		    n, text_size(size, r->file_bytes));
	if (r->by_size > 0)
		buf_addf(out,
		    " Of %s only the size is Apple's word; the bytes are as "
		    "they were fetched.",
		    text_count(n, r->by_size));
}

static void
say_verdict(struct run *r, enum err_code code)
{
	struct report *out = r->app->report;
	struct buf line = {0};

	verdict_line(&line, r);
	report_open(out, "verdict");
	report_bool(out, "complete", code == ERR_NONE);
	report_int(out, "status", err_exit_status(code));
	report_str(out, "reason", err_reason(code));
	report_str(out, "text", buf_text(&line));
	report_int(out, "files", r->files);
	report_int(out, "checked", r->files_done);
	report_int(out, "damaged", r->damaged);
	report_int(out, "size_verified", r->by_size);
	report_close(out);
	report_text(out, REPORT_ASKED, "%s", buf_text(&line));
	buf_clear(&line);
}

int
verify_run(struct app *app, struct err *e)
{
	struct store_options o = {
	    .root = app->opt.root,
	    .state_dir = app->state_dir,
	    .account = app->opt.account,
	    .mode = STORE_CHECK,
	};
	struct run r = {.app = app};
	struct store_totals t;
	enum err_code code;
	int rc = -1;

	if (app->opt.root == NULL)
		return err_set(e, ERR_USAGE, "Give --root DIR.",
		    "Where the copy lies is not known.");
	if (store_open(&r.store, &o, e) == -1 ||
	    store_totals(&t, r.store, e) == -1)
		goto out;
	r.root = store_root_fd(r.store);
	r.files = t.files;
	r.file_bytes = t.file_bytes;
	r.work = work_new(work_cores());
	r.queue_most = work_cores() * QUEUED_PER_CORE;
	report_progress_start(
	    app->report, r.files, r.file_bytes, clock_mono_ms());
	rc = store_files(r.store, queue_file, &r, e);
	while (work_pending(r.work) > 0)
		work_wait(r.work);
	report_progress_end(app->report);
	if (rc == -1 || record_good(&r, e) == -1) {
		rc = -1;
		goto out;
	}
	code = r.interrupted ? ERR_INTERRUPTED
	    : r.damaged > 0  ? ERR_INCOMPLETE
			     : ERR_NONE;
	say_verdict(&r, code);
	if (code != ERR_NONE)
		rc = err_set(e, code, NULL, "%s", "");
out:
	work_free(r.work);
	store_close(r.store);
	free(r.good);
	return rc;
}
