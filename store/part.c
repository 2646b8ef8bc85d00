#include "store_p.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"
#include "stop.h"
#include "text.h"
#include "work.h"

/* Part files: transfers under way, named by what they shall become. */

#define CHUNK ((size_t)256 << 10)

struct rehash;

struct store_put {
	struct store *s;
	int64_t content, stated_bytes, size_bytes;
	struct digest_rule rule;
	struct file_row row; /* its reserved place */
	char *part;          /* below ROOT; owned */
	char *hex;           /* of the checksum; owned */
	int fd;
	struct digest *digest; /* NULL: bytes are there, not hashed */
	struct rehash *rehash; /* with a worker */
	bool proven;           /* asked store_put_prove() */
	enum store_proof proof;
	struct digest_sum sum;
};

struct rehash {
	struct store *s;
	struct store_put *put; /* NULL once it is closed */
	struct digest *digest;
	int fd; /* a copy of its own */
	int64_t size_bytes;
	int errnum;
	void (*done)(void *, const struct err *);
	void *arg;
};

char *
part_path(const uint8_t *checksum, size_t len, int64_t size_bytes)
{
	char hex[2 * CHECKSUM_BYTES + 1];

	text_hex(hex, checksum, len);
	if (size_bytes < 0)
		return xasprintf("%s/%s-x", DIR_PARTIAL, hex);
	return xasprintf("%s/%s-%lld", DIR_PARTIAL, hex, (long long)size_bytes);
}

int
part_folder(struct store *s, struct err *e)
{
	struct stat st;
	int fd;

	if (s->has_partial)
		return 0;
	if (file_stat(&st, s->root_fd, DIR_PARTIAL) == -1) {
		if (errno != ENOENT ||
		    file_mkdirs(s->root_fd, DIR_PARTIAL) == -1)
			return err_set_errno(e, errno, "%s/%s cannot be made",
			    s->root, DIR_PARTIAL);
		fd = file_open(
		    s->root_fd, DIR_PARTIAL, O_RDONLY | O_DIRECTORY, 0);
		if (fd != -1) {
			compat_exclude_from_backup(fd);
			(void)close(fd); /* nothing was written */
		}
	}
	s->has_partial = true;
	return 0;
}

static const char sql_wanted[] =
    "SELECT 1 FROM content WHERE checksum = ?1 AND size = ?2"
    " AND want IS NOT NULL";

/* Is it a name that part_path() makes, of nothing that is wanted? */
static bool
is_stale(struct store *s, const char *name)
{
	uint8_t checksum[CHECKSUM_BYTES];
	const char *dash = strchr(name, '-');
	size_t n = dash != NULL ? (size_t)(dash - name) : 0;
	int64_t size = -1;
	bool stale = false;
	char *hex;

	/* What a sidecar or a clone is made of lies there only while it is
	 * made. */
	if (strncmp(name, SIDECAR_TEMP, strlen(SIDECAR_TEMP)) == 0 ||
	    strncmp(name, LINK_TEMP, strlen(LINK_TEMP)) == 0)
		return true;
	if (n == 0 || n % 2 != 0 || n / 2 > sizeof(checksum) ||
	    (strcmp(dash + 1, "x") != 0 &&
		text_int(&size, dash + 1, 0, INT64_MAX) == -1))
		return false;
	hex = xstrndup(name, n);
	if (text_unhex(checksum, n / 2, hex) == 0)
		stale = sql_first(s, NULL, sql_wanted, "bi>", checksum, n / 2,
			    size) == 1;
	free(hex);
	return stale;
}

void
part_sweep(struct store *s)
{
	int fd = file_open(s->root_fd, DIR_PARTIAL, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	char *path;

	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!is_stale(s, entry->d_name))
			continue;
		path = xasprintf("%s/%s", DIR_PARTIAL, entry->d_name);
		(void)file_unlink(s->root_fd, path);
		free(path);
	}
	(void)closedir(dir);
}

/* A part that was finished but not placed has lost the right to be written. */
static int
open_part(struct store *s, const char *part)
{
	int fd = file_open(s->root_fd, part, O_RDWR | O_CREAT, 0600);

	if (fd != -1 || errno != EACCES)
		return fd;
	fd = file_open(s->root_fd, part, O_RDONLY, 0);
	if (fd == -1)
		return -1;
	if (fchmod(fd, 0600) == -1) {
		(void)close(fd);
		errno = EACCES;
		return -1;
	}
	(void)close(fd); /* nothing was written */
	return file_open(s->root_fd, part, O_RDWR, 0);
}

int
store_put_open(struct store_put **out, int64_t *have, struct store *s,
    const struct store_want *w, const struct digest_rule *rule, struct err *e)
{
	char hex[2 * CHECKSUM_BYTES + 1];
	struct store_put *p = NULL;
	struct file_row f;
	struct stat st;
	int rc;

	assert(mode_writes(s->mode) && s->work != NULL);
	*out = NULL;
	*have = 0;
	rc = file_of_content(&f, s, w->content, e);
	assert(rc != 1); /* must be reserved */
	if (rc != 0 || part_folder(s, e) == -1)
		goto out;
	p = xcalloc(1, sizeof(*p));
	p->s = s;
	p->fd = -1;
	p->content = w->content;
	p->stated_bytes = w->size_bytes;
	p->rule = *rule;
	text_hex(hex, w->checksum, w->checksum_len);
	p->hex = xstrdup(hex);
	p->part = part_path(w->checksum, w->checksum_len, w->size_bytes);
	p->row = f;
	memset(&f, 0, sizeof(f));
	p->fd = open_part(s, p->part);
	if (p->fd == -1 || fstat(p->fd, &st) == -1) {
		err_set_errno(
		    e, errno, "%s/%s cannot be opened", s->root, p->part);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_DISK, "Move it away and run again.",
		    "%s/%s is not a file.", s->root, p->part);
		goto out;
	}
	p->size_bytes = (int64_t)st.st_size;
	if (p->stated_bytes >= 0 && p->size_bytes > p->stated_bytes &&
	    store_put_restart(p, e) == -1)
		goto out;
	*have = p->size_bytes;
	if (p->size_bytes == 0 && p->digest == NULL)
		p->digest = digest_new(rule->prefix, rule->prefix_len);
	step_reached(s, "part");
	*out = p;
	p = NULL;
out:
	store_put_close(p);
	file_row_clear(&f);
	return *out != NULL ? 0 : -1;
}

/* ---- hashing what is there ---- */

static void
rehash_run(void *arg)
{
	struct rehash *r = arg;
	uint8_t *chunk = xmalloc(CHUNK);
	int64_t at = 0;

	while (at < r->size_bytes && r->errnum == 0) {
		size_t n = CHUNK;
		ssize_t got;

		if (stop_is_set()) {
			r->errnum = ECANCELED;
			break;
		}
		if ((int64_t)n > r->size_bytes - at)
			n = (size_t)(r->size_bytes - at);
		got = pread(r->fd, chunk, n, (off_t)at);
		if (got > 0) {
			digest_add(r->digest, chunk, (size_t)got);
			at += got;
		} else if (got == 0)
			r->errnum = EIO; /* shorter than it was */
		else if (errno != EINTR)
			r->errnum = errno;
	}
	free(chunk);
}

static void
rehash_done(void *arg)
{
	struct rehash *r = arg;
	struct err e = ERR_INIT;

	r->s->jobs--;
	(void)close(r->fd); /* was only read */
	if (r->put != NULL) {
		r->put->rehash = NULL;
		if (r->errnum != 0)
			err_set_errno(&e, r->errnum, "%s/%s cannot be read",
			    r->s->root, r->put->part);
		else {
			r->put->digest = r->digest;
			r->digest = NULL;
		}
		if (!r->s->closing)
			r->done(r->arg, &e);
	}
	digest_free(r->digest);
	free(r);
}

void
store_put_rehash(
    struct store_put *p, void (*done)(void *, const struct err *), void *arg)
{
	struct rehash *r = xcalloc(1, sizeof(*r));

	assert(p->digest == NULL && p->rehash == NULL && !p->proven);
	r->s = p->s;
	r->put = p;
	r->digest = digest_new(p->rule.prefix, p->rule.prefix_len);
	r->size_bytes = p->size_bytes;
	r->done = done;
	r->arg = arg;
	r->fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	if (r->fd == -1) {
		r->errnum = errno;
		r->size_bytes = 0;
	}
	p->rehash = r;
	p->s->jobs++;
	work_submit(p->s->work, rehash_run, rehash_done, r);
}

int
store_put_restart(struct store_put *p, struct err *e)
{
	assert(p->rehash == NULL);
	if (ftruncate(p->fd, 0) == -1)
		return err_set_errno(
		    e, errno, "%s/%s cannot be emptied", p->s->root, p->part);
	digest_free(p->digest);
	p->digest = digest_new(p->rule.prefix, p->rule.prefix_len);
	p->size_bytes = 0;
	p->proven = false;
	return 0;
}

int
store_put_write(
    struct store_put *p, const uint8_t *bytes, size_t n, struct err *e)
{
	assert(p->digest != NULL && !p->proven);
	while (n > 0) {
		ssize_t put = pwrite(p->fd, bytes, n, (off_t)p->size_bytes);

		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return err_set_errno(e, errno,
			    "%s/%s cannot be "
			    "written",
			    p->s->root, p->part);
		/* What was written is hashed, also if the rest fails. */
		digest_add(p->digest, bytes, (size_t)put);
		p->size_bytes += put;
		bytes += put;
		n -= (size_t)put;
	}
	return 0;
}

int64_t
store_put_size(const struct store_put *p)
{
	return p->size_bytes;
}

void
store_put_close(struct store_put *p)
{
	if (p == NULL)
		return;
	if (p->rehash != NULL)
		p->rehash->put = NULL;
	if (p->fd != -1)
		(void)close(p->fd); /* what is lost here will not prove */
	digest_free(p->digest);
	free(p->part);
	free(p->hex);
	file_row_clear(&p->row);
	free(p);
}

int
store_put_prove(enum store_proof *out, struct digest_sum *sum,
    struct store_put *p, struct err *e)
{
	bool right_size;

	assert(p->digest != NULL || p->proven);
	(void)e;
	if (!p->proven) {
		digest_end(&p->sum, p->digest);
		digest_free(p->digest);
		p->digest = NULL;
		p->proven = true;
		right_size =
		    p->stated_bytes < 0 || p->size_bytes == p->stated_bytes;
		if (p->rule.checked && digest_matches(&p->sum, &p->rule))
			p->proof = STORE_PROVEN;
		else if (p->stated_bytes >= 0 &&
		    p->size_bytes < p->stated_bytes)
			p->proof = STORE_SHORT;
		/* A rule that is only believed proves, and never damns. */
		else if (right_size && (!p->rule.checked || !p->rule.strict))
			p->proof = STORE_SIZE_ONLY;
		else
			p->proof = STORE_DIFFERS;
		step_reached(p->s, "proven");
	}
	*out = p->proof;
	*sum = p->sum;
	return 0;
}

int
store_put_accept(
    struct store_put *p, bool has_taken, int64_t taken_ms, struct err *e)
{
	struct finish *f = xcalloc(1, sizeof(*f));
	struct store *s = p->s;
	int rc;

	assert(p->proven &&
	    (p->proof == STORE_PROVEN || p->proof == STORE_SIZE_ONLY));
	f->content = p->content;
	f->state = p->proof == STORE_PROVEN ? STORE_STATE_PROVEN
					    : STORE_STATE_SIZE_VERIFIED;
	f->sum = p->sum;
	f->fd = p->fd;
	f->part = p->part;
	f->path = p->row.path;
	f->mend = p->row.mend != 0;
	f->has_line = file_has_line(&p->row, &p->sum);
	f->has_taken = has_taken;
	f->taken_ms = taken_ms;
	p->fd = -1;
	p->part = p->row.path = NULL;
	rc = place_file(s, f, e);
	store_put_close(p);
	return rc;
}

/* ---- unproven ---- */

int
store_put_set_aside(struct store_put *p, struct err *e)
{
	char hex[2 * DIGEST_SHA256 + 1], *path;
	struct store *s = p->s;
	int rc = -1;

	assert(p->proven);
	/* The same bytes again find themselves there. */
	text_hex(hex, p->sum.sha256, DIGEST_SHA256);
	path = xasprintf("%s/%s-%.16s", DIR_UNPROVEN, p->hex, hex);
	if (compat_sync(p->fd, false) == -1 ||
	    file_mkdirs(s->root_fd, DIR_UNPROVEN) == -1) {
		err_set_errno(
		    e, errno, "%s/%s cannot be written", s->root, path);
		goto out;
	}
	if (!s->has_volume &&
	    file_probe(&s->volume, s->root_fd, DIR_OWN, e) == -1)
		goto out;
	s->has_volume = true;
	if (file_rename_new(s->root_fd, p->part, path, s->volume.rename) ==
	    -1) {
		if (errno != EEXIST || file_unlink(s->root_fd, p->part) == -1) {
			err_set_errno(
			    e, errno, "%s/%s cannot be written", s->root, path);
			goto out;
		}
	}
	if (file_sync_dir(s->root_fd, DIR_UNPROVEN) == -1) {
		err_set_errno(
		    e, errno, "%s/%s cannot be written", s->root, DIR_UNPROVEN);
		goto out;
	}
	rc = 0;
out:
	free(path);
	store_put_close(p);
	return rc;
}
