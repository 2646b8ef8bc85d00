#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"
#include "work.h"

/*
 * Proven files into the copy, in batches (docs/design.md, "Durable order"):
 * mode, time and fsync for each file on a worker; then, for a batch, the
 * renames, one fsync a folder, and the lines of SHA256SUMS on a worker; then
 * the rows in one transaction on the main thread.  A crash leaves a file or a
 * line without a row, never a row without its file.
 * Before a file that is mended takes its name, what stands there goes to
 * quarantine; the line of before stays, if it says the same.
 */

#define BATCH_FILES 64
#define BATCH_BYTES (INT64_C(256) << 20)
#define BATCH_MS    2000
#define TRIES_MAX   8

struct batch {
	struct store *s;
	struct batch *next;
	struct finish *head, **tail;
	size_t files, pending;   /* of these, still with workers */
	int64_t bytes, began_ms; /* -1: the next tick tells */
	/* out, of the whole batch */
	int errnum;
	const char *what; /* below ROOT */
};

/* Faults of the volume, which the next file would meet too. */
static bool
of_volume(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
	case EROFS:
	case EIO:
	case ENXIO:
	case ENODEV:
		return true;
	default:
		return false;
	}
}

static void
finish_free(struct finish *f)
{
	if (f->fd != -1)
		(void)close(f->fd); /* its part stays for later */
	free(f->part);
	free(f->path);
	free(f);
}

static void
trouble(struct store *s, const struct err *e)
{
	if (!s->has_trouble) {
		s->has_trouble = true;
		s->trouble = *e;
	}
}

static int
trouble_once(struct store *s, struct err *e)
{
	if (!s->has_trouble)
		return 0;
	s->has_trouble = false;
	if (e != NULL)
		*e = s->trouble;
	return -1;
}

/* ---- one file, on a worker ---- */

/* Mode and times are never a condition of success. */
static void
dress(const struct finish *f)
{
	const int64_t least = INT64_C(-62135596800),
		      most = INT64_C(253402300799);
	struct timespec ts[2];
	int64_t s = f->taken_ms / 1000, ms = f->taken_ms % 1000;

	(void)!fchmod(f->fd, f->store->file_mode);
	if (!f->has_taken)
		return;
	if (ms < 0) {
		ms += 1000;
		s--;
	}
	s = s < least ? least : s > most ? most : s;
	ts[0].tv_sec = (time_t)s;
	ts[0].tv_nsec = (long)ms * 1000000;
	ts[1] = ts[0];
	/* The time first: it pulls a later birth time down. */
	(void)!futimens(f->fd, ts);
	(void)compat_set_birth_time(f->fd, s * 1000 + ms);
}

static void
finish_run(void *arg)
{
	struct finish *f = arg;
	struct stat st;

	dress(f);
	f->has_mtime = fstat(f->fd, &st) == 0;
	if (f->has_mtime)
		f->mtime_ms = file_mtime_ms(&st);
	if (compat_sync(f->fd, false) == -1)
		f->errnum = errno;
	if (close(f->fd) == -1 && f->errnum == 0)
		f->errnum = errno;
	f->fd = -1;
}

static void pump(struct store *);

static void
finish_done(void *arg)
{
	struct finish *f = arg;
	struct store *s = f->store;

	s->jobs--;
	f->batch->pending--;
	step_reached(s, "finished");
	pump(s);
}

/* ---- a batch, on a worker ---- */

/* An interrupted link-and-unlink leaves both names of one file. */
static bool
same_file(int dir, const char *a, const char *b)
{
	struct stat x, y;

	return file_stat(&x, dir, a) == 0 && file_stat(&y, dir, b) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int
into_place(const struct store *s, const struct finish *f)
{
	char *folder = folder_of(f->path);
	int rc = 0;

	if (f->mend) {
		rc = quarantine(s, f->path);
		step_reached(s, "quarantined");
	}
	if (rc == 0 && strchr(f->path, '/') != NULL)
		rc = file_mkdirs(s->root_fd, folder);
	/* EEXIST is kept for the file's own place. */
	if (rc == -1 && errno == EEXIST)
		errno = ENOTDIR;
	else if (rc == 0)
		rc = file_rename_new(
		    s->root_fd, f->part, f->path, s->volume.rename);
	if (rc == -1 && errno == EEXIST &&
	    same_file(s->root_fd, f->part, f->path))
		rc = file_unlink(s->root_fd, f->part);
	free(folder);
	return rc;
}

/* The length of the folder in path; 0: it lies in ROOT itself. */
static size_t
folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? 0 : (size_t)(slash - path);
}

/* Flush each folder that got a file, once. */
static int
sync_folders(const struct batch *b)
{
	const struct finish *f, *g;
	char *folder;
	size_t n;
	int rc = 0;

	for (f = b->head; f != NULL && rc == 0; f = f->next) {
		if (!f->renamed)
			continue;
		n = folder_length(f->path);
		for (g = b->head; g != f; g = g->next) {
			if (g->renamed && folder_length(g->path) == n &&
			    memcmp(g->path, f->path, n) == 0)
				break;
		}
		if (g != f)
			continue;
		folder = folder_of(f->path);
		rc = file_sync_dir(b->s->root_fd, folder);
		free(folder);
	}
	return rc == 0 ? file_sync_dir(b->s->root_fd, DIR_PARTIAL) : rc;
}

/* Last of all: such a file has no other name any more. */
static void
lock_files(const struct batch *b)
{
	const struct finish *f;
	int fd;

	for (f = b->head; f != NULL; f = f->next) {
		if (!f->renamed)
			continue;
		fd =
		    file_open(b->s->root_fd, f->path, O_RDONLY | O_NONBLOCK, 0);
		if (fd == -1)
			continue;
		compat_set_immutable(fd, true);
		(void)close(fd); /* nothing was written */
	}
}

static void
batch_run(void *arg)
{
	struct batch *b = arg;
	struct store *s = b->s;
	struct buf lines = {0};
	struct finish *f;
	bool any = false;
	int volume = 0;

	for (f = b->head; f != NULL; f = f->next) {
		if (f->errnum == 0)
			f->errnum = volume;
		if (f->errnum != 0)
			continue;
		step_reached(s, "rename");
		if (into_place(s, f) == -1) {
			f->errnum = errno;
			if (of_volume(f->errnum))
				volume = f->errnum;
			continue;
		}
		f->renamed = any = true;
		if (!f->has_line)
			sums_line(&lines, f->sum.sha256, f->path);
		step_reached(s, "renamed");
	}
	if (any) {
		if (sync_folders(b) == -1) {
			b->errnum = errno;
			b->what = "its folders";
		} else {
			step_reached(s, "folders");
			if (lines.len > 0 &&
			    sums_append(s, lines.data, lines.len) == -1) {
				b->errnum = errno;
				b->what = PATH_SUMS;
			}
			step_reached(s, "lines");
		}
		if (s->lock_files)
			lock_files(b);
	}
	buf_clear(&lines);
}

/* ---- what became of a batch, on the main thread ---- */

static int
record_file(struct store *s, const struct finish *f, struct err *e)
{
	if (file_record(s, f->content, f->state, &f->sum, e) == -1)
		return -1;
	return f->has_mtime ? file_time(s, f->content, f->mtime_ms, e) : 0;
}

static int
record_batch(struct store *s, const struct batch *b, struct err *e)
{
	const struct finish *f;
	bool own, odd = false;
	int rc = 0;

	if (b->errnum != 0)
		return err_set_errno(
		    e, b->errnum, "%s/%s cannot be written", s->root, b->what);
	if (tx_begin(&own, s, e) == -1)
		return -1;
	for (f = b->head; f != NULL && rc == 0; f = f->next) {
		if (!f->renamed)
			continue;
		rc = record_file(s, f, e);
		odd = odd || (f->mend && !f->has_line);
	}
	rc = tx_end(s, own, rc, e);
	if (rc == 0)
		step_reached(s, "committed");
	/* Two lines for one path: the first says what it was before. */
	return rc == 0 && odd ? sums_anew(s, e) : rc;
}

static void requeue(struct store *, struct finish *);

/* Its place was taken in between: another one, with the next batch. */
static int
try_again(struct store *s, struct finish *f, struct err *e)
{
	struct file_row row;

	if (++f->tries > TRIES_MAX)
		return err_set(e, ERR_DISK,
		    "See what else makes files there, and run again.",
		    "%s/%s was taken again and again.", s->root, f->path);
	f->errnum = 0;
	if (f->mend) { /* its place is its own: out of the way once more */
		requeue(s, f);
		return 0;
	}
	if (name_again(s, f->content, e) == -1 ||
	    file_of_content(&row, s, f->content, e) != 0)
		return -1;
	free(f->path);
	f->path = row.path;
	requeue(s, f);
	return 0;
}

static void
tell(struct store *s, struct finish *f, const struct err *batch_err)
{
	struct err e = ERR_INIT;

	if (f->renamed && batch_err == NULL) {
		if (s->placed != NULL)
			s->placed(s->arg,
			    &(struct store_placed){
				.content = f->content,
				.size_bytes = f->sum.size_bytes,
				.path = f->path,
				.state = f->state,
				.mended = f->mend,
			    });
		finish_free(f);
		return;
	}
	if (f->errnum == EEXIST && batch_err == NULL) {
		if (try_again(s, f, &e) == 0)
			return;
	} else if (f->errnum != 0) {
		err_set_errno(
		    &e, f->errnum, "%s/%s cannot be written", s->root, f->path);
		if (of_volume(f->errnum))
			trouble(s, &e);
	} else if (batch_err != NULL)
		e = *batch_err;
	if (s->unplaced != NULL)
		s->unplaced(s->arg, f->content, &e);
	finish_free(f);
}

/* b is out of the list. */
static void
batch_end(struct store *s, struct batch *b, const struct err *batch_err)
{
	struct finish *f = b->head, *next;

	free(b);
	if (batch_err != NULL)
		trouble(s, batch_err);
	for (; f != NULL; f = next) {
		next = f->next;
		f->next = NULL;
		tell(s, f, batch_err);
	}
}

static struct batch *
take_first(struct store *s)
{
	struct batch *b = s->first;

	s->first = b->next;
	if (s->first == NULL)
		s->last = NULL;
	return b;
}

static void
batch_done(void *arg)
{
	struct batch *b = arg;
	struct store *s = b->s;
	struct err e = ERR_INIT;
	int rc;

	s->jobs--;
	s->placing = false;
	if (s->closing)
		return;
	assert(sqlite3_get_autocommit(s->db) != 0);
	b = take_first(s);
	rc = record_batch(s, b, &e);
	/* Files are in their places without rows: the next run looks. */
	if (rc == -1)
		(void)repair_wanted(s, true, NULL);
	batch_end(s, b, rc == -1 ? &e : NULL);
	pump(s);
}

/* Hand the next closed batch to a worker, if it is finished. */
static void
pump(struct store *s)
{
	struct err e = ERR_INIT;

	while (!s->closing && !s->placing && s->first != NULL &&
	    s->first->pending == 0) {
		if (!s->has_volume &&
		    file_probe(&s->volume, s->root_fd, DIR_OWN, &e) == -1) {
			batch_end(s, take_first(s), &e);
			continue;
		}
		s->has_volume = true;
		s->placing = true;
		s->jobs++;
		work_submit(s->work, batch_run, batch_done, s->first);
	}
}

static void
close_batch(struct store *s)
{
	struct batch *b = s->open;

	if (b == NULL)
		return;
	s->open = NULL;
	if (s->last != NULL)
		s->last->next = b;
	else
		s->first = b;
	s->last = b;
	pump(s);
}

static struct batch *
open_batch(struct store *s)
{
	struct batch *b = s->open;

	if (b == NULL) {
		b = s->open = xcalloc(1, sizeof(*b));
		b->s = s;
		b->tail = &b->head;
		b->began_ms = -1;
	}
	return b;
}

static void
append(struct batch *b, struct finish *f)
{
	f->batch = b;
	f->next = NULL;
	*b->tail = f;
	b->tail = &f->next;
	b->files++;
	b->bytes += f->sum.size_bytes;
}

/* Each holds a descriptor until it is finished: an eighth of those there are. */
static size_t
batch_files(void)
{
	size_t n = (size_t)compat_descriptors() / 8;

	return n < BATCH_FILES ? n : BATCH_FILES;
}

static void
close_if_full(struct store *s)
{
	if (s->open != NULL &&
	    (s->open->files >= batch_files() || s->open->bytes >= BATCH_BYTES))
		close_batch(s);
}

static void
requeue(struct store *s, struct finish *f)
{
	append(open_batch(s), f);
	close_if_full(s);
}

int
place_file(struct store *s, struct finish *f, struct err *e)
{
	struct batch *b = open_batch(s);

	(void)e;
	assert(strpbrk(f->path, "\n\\") == NULL);
	f->store = s;
	append(b, f);
	b->pending++;
	s->jobs++;
	work_submit(s->work, finish_run, finish_done, f);
	close_if_full(s);
	return 0;
}

bool
store_is_behind(const struct store *s)
{
	return s->jobs >= batch_files();
}

int
store_flush(struct store *s, struct err *e)
{
	while (s->open != NULL || s->first != NULL) {
		close_batch(s);
		if (s->first != NULL)
			work_wait(s->work);
	}
	return trouble_once(s, e);
}

int
store_tick(struct store *s, int64_t mono_ms, struct err *e)
{
	struct batch *b = s->open;

	if (b != NULL && b->began_ms == -1)
		b->began_ms = mono_ms;
	else if (b != NULL && mono_ms - b->began_ms >= BATCH_MS)
		close_batch(s);
	return trouble_once(s, e);
}

static void
batch_free(struct batch *b)
{
	struct finish *f, *next;

	for (f = b != NULL ? b->head : NULL; f != NULL; f = next) {
		next = f->next;
		finish_free(f);
	}
	free(b);
}

void
place_abandon(struct store *s)
{
	s->closing = true;
	while (s->jobs > 0)
		work_wait(s->work);
	while (s->first != NULL)
		batch_free(take_first(s));
	batch_free(s->open);
	s->open = NULL;
}
