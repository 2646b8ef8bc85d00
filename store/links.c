#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat.h"
#include "stop.h"
#include "text.h"

/*
 * Links to the copy's files below Albums/ (docs/design.md, "Albums on disk").
 * A pass looks at each link that there is; if one is gone, or if what albums
 * are made of has changed (a trigger says so), it compares them with what there
 * should be (link_wish.c), both in the order of their keys, and makes the
 * difference.  A row says that a link is intended before it is made and that it
 * is made after its folder is flushed, and goes after the link has gone: so a
 * crash leaves no link that is not known as ours.
 */

#define BATCH 256

/* link.state */
enum link_state {
	LINK_INTENDED = 0,
	LINK_MADE,
	LINK_BLOCKED, /* something else has its name, or its folder's */
};

struct link {
	char *key, *path, *source; /* owned */
	int64_t file, ino, mtime_ns, source_ino;
	int kind, state;
	int errnum; /* why it was not made */
	char *temp; /* a clone before it has its name; owned */
	bool keep;  /* what is left of a file: not removed yet */
};

#define COLUMNS                                                              \
	" l.key, l.path, l.source, l.file, l.ino, l.mtime_ns, l.source_ino," \
	" l.kind, l.state "

/* sql gives COLUMNS.  1: no row. */
static int
link_get(struct link *l, struct store *s, struct err *e, const char *sql,
    const char *key, int kind)
{
	memset(l, 0, sizeof(*l));
	return sql_first(s, e, sql, "td>tttiiiidd", key, kind, &l->key,
	    &l->path, &l->source, &l->file, &l->ino, &l->mtime_ns,
	    &l->source_ino, &l->kind, &l->state);
}

static void
link_clear(struct link *l)
{
	free(l->key);
	free(l->path);
	free(l->source);
	free(l->temp);
	memset(l, 0, sizeof(*l));
}

static int
cannot(const struct store *s, const char *path, struct err *e)
{
	return err_set_errno(
	    e, errno, "%s/%s cannot be written", s->root, path);
}

/* Nothing is there, or something that is no folder is in its way. */
static bool
is_absent(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP;
}

/* ---- the folder at work ---- */

/* Links come in the order of their keys: the folder of one is mostly that of
 * the last. */
struct place {
	char *folder; /* owned; NULL: none yet */
	int fd;
	int errnum;   /* why it cannot be opened */
	bool changed; /* not flushed yet */
};

/* Flush it.  -1 with errno. */
static int
place_sync(struct place *p)
{
	if (!p->changed)
		return 0;
	p->changed = false;
	return file_sync(p->fd, false);
}

static int
place_leave(struct place *p)
{
	int rc = place_sync(p), keep = errno;

	if (p->fd != -1)
		(void)close(p->fd); /* was only read */
	free(p->folder);
	*p = (struct place){.fd = -1};
	errno = keep;
	return rc;
}

/* Into the folder of path; -1 with errno. */
static int
place_go(struct place *p, const struct store *s, const char *path, bool make)
{
	char *folder = folder_of(path);

	if (p->folder != NULL && strcmp(p->folder, folder) == 0 &&
	    (p->fd != -1 || !make)) {
		free(folder);
		errno = p->errnum;
		return p->fd != -1 ? 0 : -1;
	}
	if (place_leave(p) == -1) {
		free(folder);
		return -1;
	}
	p->folder = folder;
	p->fd = file_open(s->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	if (p->fd == -1 && errno == ENOENT && make &&
	    file_mkdirs(s->root_fd, folder) == 0)
		p->fd =
		    file_open(s->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	p->errnum = p->fd == -1 ? errno : 0;
	return p->fd == -1 ? -1 : 0;
}

static const char *
name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* ---- what a link is ---- */

/* The text of a symbolic link; the caller frees. */
static char *
target_of(const char *path, const char *source)
{
	struct buf b = {0};
	char *out;

	for (path = strchr(path, '/'); path != NULL;
	     path = strchr(path + 1, '/'))
		buf_adds(&b, "../");
	buf_adds(&b, source);
	out = xstrdup(buf_text(&b));
	buf_clear(&b);
	return out;
}

static bool
is_symlink_to(int dir, const char *name, const char *target)
{
	size_t len = strlen(target);
	char *text = xcalloc(1, len + 1);
	ssize_t n = readlinkat(dir, name, text, len + 1);
	bool same = n == (ssize_t)len && memcmp(text, target, len) == 0;

	free(text);
	return same;
}

static int64_t
mtime_ns(const struct stat *st)
{
	return (int64_t)ST_MTIM(*st).tv_sec * 1000000000 + ST_MTIM(*st).tv_nsec;
}

/* Is what stands there this link?  A hard link is told by its inode, a clone by
 * its time as well: who has changed it has made it theirs. */
static bool
is_this(
    const struct store *s, int dir, const struct stat *st, const struct link *l)
{
	struct stat other;
	char *target;
	bool same;

	if (l->kind == STORE_LINK_SYMBOLIC) {
		target = target_of(l->path, l->source);
		same = S_ISLNK(st->st_mode) &&
		    is_symlink_to(dir, name_in(l->path), target);
		free(target);
		return same;
	}
	if (!S_ISREG(st->st_mode) ||
	    (l->kind == STORE_LINK_CLONE &&
		(l->ino == 0 || l->mtime_ns != mtime_ns(st))))
		return false;
	/* Where a copy was put back, the links go with their files. */
	if (l->kind == STORE_LINK_HARD && *l->source != '\0' &&
	    file_stat(&other, s->root_fd, l->source) == 0 &&
	    other.st_dev == st->st_dev && other.st_ino == st->st_ino)
		return true;
	return l->ino != 0 && fstat(s->root_fd, &other) == 0 &&
	    other.st_dev == st->st_dev && (int64_t)st->st_ino == l->ino;
}

static const char sql_get[] =
    "SELECT" COLUMNS "FROM link l WHERE l.key = ?1 AND l.kind <> ?2";

int
link_is_at(bool *out, struct store *s, const char *path, const struct stat *st,
    struct err *e)
{
	struct link l;
	const char *name = NULL;
	char *key = text_fold(path);
	int dir, rc;

	*out = false;
	rc = link_get(&l, s, e, sql_get, key, STORE_LINK_NONE);
	if (rc == 0 && l.state != LINK_BLOCKED &&
	    (l.kind != STORE_LINK_HARD || st->st_nlink > 1)) {
		dir = file_parent(&name, s->root_fd, l.path, false);
		*out = dir != -1 && is_this(s, dir, st, &l);
		if (dir != -1)
			(void)close(dir); /* was only read */
	}
	link_clear(&l);
	free(key);
	return rc == -1 ? -1 : 0;
}

/* ---- what has changed ---- */

static const char sql_links[] = "SELECT dirty, kind FROM links";
static const char sql_links_begin[] =
    "INSERT INTO links(dirty, kind) VALUES(1, 0)";
static const char sql_links_put[] = "UPDATE links SET dirty = ?1, kind = ?2";

static int
begin_keeping(bool *dirty, int *kind, struct store *s, struct err *e)
{
	int value = 0, rc = sql_first(s, e, sql_links, ">dd", &value, kind);

	*dirty = rc == 1 || value != 0;
	if (rc == 1) {
		*kind = STORE_LINK_NONE;
		rc = sql_run(s, e, sql_links_begin, "");
	}
	return rc;
}

static const char sql_next[] =
    "SELECT" COLUMNS "FROM link l WHERE l.key > ?1 AND l.kind <> ?2"
    " ORDER BY l.key LIMIT 1";
static const char sql_forget[] = "DELETE FROM link WHERE key = ?1";
static const char sql_made[] =
    "UPDATE link SET state = 1, ino = ?2, source_ino = ?3 WHERE key = ?1";
/* With the first row that goes, not after it. */
static const char sql_dirty[] = "UPDATE links SET dirty = 1 WHERE dirty = 0";
static const char sql_stale[] = "UPDATE link SET source = '' WHERE key = ?1";

/* A file that was replaced leaves hard links and clones of the old one. */
static bool
is_stale(const struct store *s, const struct link *l, const struct stat *there)
{
	struct stat st;

	return l->kind != STORE_LINK_SYMBOLIC && *l->source != '\0' &&
	    file_stat(&st, s->root_fd, l->source) == 0 &&
	    (l->kind == STORE_LINK_HARD ? st.st_ino != there->st_ino
					: (int64_t)st.st_ino != l->source_ino);
}

/* *lost: it is not there, or another thing is. */
static int
look_at_link(bool *lost, struct store *s, struct place *p, const struct link *l,
    bool dirty, struct err *e)
{
	struct stat st;
	bool there;

	there = place_go(p, s, l->path, false) == 0 &&
	    fstatat(p->fd, name_in(l->path), &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!there && !is_absent(errno))
		return cannot(s, l->path, e);
	if (l->state == LINK_BLOCKED ? !there && errno == ENOENT
				     : !there || !is_this(s, p->fd, &st, l)) {
		*lost = true;
		return sql_run(s, e, sql_dirty, "") == -1
		    ? -1
		    : sql_run(s, e, sql_forget, "t", l->key);
	}
	if (l->state == LINK_INTENDED)
		return sql_run(s, e, sql_made, "tii", l->key,
		    (int64_t)st.st_ino,
		    l->kind == STORE_LINK_CLONE ? l->source_ino
						: (int64_t)st.st_ino);
	if (l->state == LINK_MADE && dirty && is_stale(s, l, &st))
		return sql_run(s, e, sql_stale, "t", l->key);
	return 0;
}

static int
interrupted(struct err *e)
{
	return err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
}

/* Read only, but for the catalogue. */
static int
look_around(bool *lost, struct store *s, bool dirty, struct err *e)
{
	struct place p = {.fd = -1};
	char *after = xstrdup("");
	struct link l;
	bool own;
	int rc;

	*lost = false;
	if (tx_begin(&own, s, e) == -1) {
		free(after);
		return -1;
	}
	do {
		if (stop_is_set()) {
			rc = interrupted(e);
			break;
		}
		rc = link_get(&l, s, e, sql_next, after, STORE_LINK_NONE);
		if (rc == 0) {
			rc = look_at_link(lost, s, &p, &l, dirty, e);
			free(after);
			after = xstrdup(l.key);
		}
		link_clear(&l);
	} while (rc == 0);
	free(after);
	(void)place_leave(&p); /* nothing was written */
	return tx_end(s, own, rc == 1 ? 0 : rc, e);
}

/* ---- the difference ---- */

struct pass {
	struct store *s;
	const struct store_links_words *words;
	struct store_links *out;
	struct place place;
	struct link *all; /* of a batch; owned */
	int n;
	char *after; /* key; owned */
};

/* The next few that a statement gives, in order. */
static int
take_batch(struct pass *p, const char *sql, struct err *e)
{
	struct link *l;
	int rc = 0;

	for (p->n = 0; rc == 0 && p->n < BATCH; p->n += rc == 0) {
		if (stop_is_set())
			return interrupted(e);
		l = &p->all[p->n];
		rc = link_get(l, p->s, e, sql, p->after, (int)p->out->kind);
		if (rc == 0) {
			free(p->after);
			p->after = xstrdup(l->key);
		}
	}
	return rc == -1 ? -1 : 0;
}

static void
drop_batch(struct pass *p)
{
	for (int i = 0; i < p->n; i++) {
		if (p->all[i].temp != NULL)
			(void)file_unlink(p->s->root_fd, p->all[i].temp);
		link_clear(&p->all[i]);
	}
	p->n = 0;
}

/* As unlinkat(); of an immutable file, which stays so under its other name. */
static int
unlink_locked(int dir, const char *name)
{
	int rc = unlinkat(dir, name, 0), fd, keep = errno;

	if (rc == 0 || keep != EPERM)
		return rc;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1 && compat_is_immutable(fd)) {
		compat_set_immutable(fd, false);
		rc = unlinkat(dir, name, 0);
		keep = errno;
		compat_set_immutable(fd, true);
	}
	if (fd != -1)
		(void)close(fd); /* was only read */
	errno = keep;
	return rc;
}

static const char sql_is_good[] =
    "SELECT 1 FROM file WHERE file = ?1 AND state > 0 AND damage = 0";

/* Only what is still that link, and not the last name of its bytes. */
static int
remove_link(struct pass *p, struct link *l, struct err *e)
{
	const char *name = name_in(l->path);
	struct stat st;
	int rc;

	if (l->state == LINK_BLOCKED)
		return 0;
	if (place_go(&p->place, p->s, l->path, false) == -1 ||
	    fstatat(p->place.fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return is_absent(errno) ? 0 : cannot(p->s, l->path, e);
	if (!is_this(p->s, p->place.fd, &st, l) ||
	    (l->kind == STORE_LINK_HARD && st.st_nlink < 2))
		return 0;
	if (l->kind == STORE_LINK_CLONE) {
		rc = sql_first(p->s, e, sql_is_good, "i>", l->file);
		l->keep = rc == 1;
		if (rc != 0)
			return rc == 1 ? 0 : -1;
	}
	if (unlink_locked(p->place.fd, name) == -1)
		return cannot(p->s, l->path, e);
	p->place.changed = true;
	p->out->removed++;
	step_reached(p->s, "unlinked");
	return 0;
}

static int
forget_batch(struct pass *p, struct err *e)
{
	bool own;
	int i, rc = 0;

	if (tx_begin(&own, p->s, e) == -1)
		return -1;
	for (i = 0; i < p->n && rc == 0; i++)
		if (!p->all[i].keep)
			rc = sql_run(p->s, e, sql_forget, "t", p->all[i].key);
	return tx_end(p->s, own, rc, e);
}

static const char sql_next_old[] =
    "SELECT" COLUMNS "FROM link l LEFT JOIN temp.link_wish w ON w.key = l.key"
    " WHERE l.key > ?1 AND (w.key IS NULL OR w.path <> l.path"
    "  OR w.file <> l.file OR w.source <> l.source OR l.kind <> ?2)"
    " ORDER BY l.key LIMIT 1";

static int
flush(struct pass *p, struct err *e)
{
	const char *folder = p->place.folder != NULL ? p->place.folder : "";

	return place_sync(&p->place) == -1 ? cannot(p->s, folder, e) : 0;
}

static int
remove_old(struct pass *p, struct err *e)
{
	int i, rc = 0;

	do {
		rc = take_batch(p, sql_next_old, e);
		for (i = 0; i < p->n && rc == 0; i++)
			rc = remove_link(p, &p->all[i], e);
		if (rc == 0)
			rc = flush(p, e);
		if (rc == 0)
			rc = forget_batch(p, e);
		i = p->n;
		drop_batch(p);
	} while (rc == 0 && i == BATCH);
	return rc;
}

static const char sql_next_empty[] =
    "SELECT key, path FROM link_folder f WHERE key < ?1 AND NOT EXISTS("
    "  SELECT 1 FROM link l WHERE l.key > f.key || '/'"
    "   AND l.key < f.key || '0' AND l.state <> 2)"
    " ORDER BY key DESC LIMIT 1";
static const char sql_forget_folder[] =
    "DELETE FROM link_folder WHERE key = ?1";

/* Of a folder that was made for links: 1 if others have put something in. */
static int
remove_folder(struct store *s, const char *path, struct err *e)
{
	const char *name;
	int dir = file_parent(&name, s->root_fd, path, false), rc = 0;

	if (dir == -1)
		return is_absent(errno) ? 0 : cannot(s, path, e);
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0) {
		step_reached(s, "folder removed");
		rc = file_sync(dir, false) == -1 ? cannot(s, path, e) : 0;
	} else if (errno == ENOTEMPTY || errno == EEXIST)
		rc = 1;
	else if (!is_absent(errno))
		rc = cannot(s, path, e);
	(void)close(dir); /* was only read */
	return rc;
}

/* The deepest first: what lies in a folder comes behind it. */
static int
remove_folders(struct pass *p, struct err *e)
{
	char *before = xstrdup("\x7f"), *key, *path;
	int rc;

	if (place_leave(&p->place) == -1) {
		free(before);
		return cannot(p->s, DIR_ALBUMS, e);
	}
	while ((rc = sql_first(p->s, e, sql_next_empty, "t>tt", before, &key,
		    &path)) == 0) {
		rc = remove_folder(p->s, path, e);
		if (rc == 0)
			rc = sql_run(p->s, e, sql_forget_folder, "t", key);
		free(path);
		free(before);
		before = key;
		if (rc == -1)
			break;
	}
	free(before);
	return rc == -1 ? -1 : 0;
}

static const char sql_intend[] =
    "INSERT INTO link(key, path, file, source, kind, state, ino, mtime_ns,"
    "  source_ino) VALUES(?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0)";
static const char sql_folder[] =
    "INSERT OR REPLACE INTO link_folder(key, path) VALUES(?1, ?2)";

/* Which of its folders will be made for it. */
static int
intend_folders(struct store *s, const char *path, struct err *e)
{
	char *folder = folder_of(path), *key, *slash;
	struct stat st;
	int rc = 0;

	while (rc == 0 && file_stat(&st, s->root_fd, folder) == -1 &&
	    errno == ENOENT) {
		key = text_fold(folder);
		rc = sql_run(s, e, sql_folder, "tt", key, folder);
		free(key);
		slash = strrchr(folder, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	free(folder);
	return rc;
}

static int
intend_batch(struct pass *p, struct err *e)
{
	const struct link *l;
	const char *last = NULL;
	size_t n = 0;
	bool own;
	int rc = 0;

	if (tx_begin(&own, p->s, e) == -1)
		return -1;
	for (l = p->all; l < p->all + p->n && rc == 0; l++) {
		if (last == NULL || strncmp(last, l->path, n) != 0 ||
		    strchr(l->path + n, '/') != NULL)
			rc = intend_folders(p->s, l->path, e);
		last = l->path;
		n = (size_t)(name_in(l->path) - l->path);
		if (rc == 0)
			rc = sql_run(p->s, e, sql_intend, "ttitd", l->key,
			    l->path, l->file, l->source, (int)p->out->kind);
	}
	return tx_end(p->s, own, rc, e);
}

/* As linkat(); an immutable file is unlocked for it. */
static int
link_locked(int from, const char *name, int to, const char *as)
{
	int rc = linkat(from, name, to, as, 0), fd, keep = errno;

	if (rc == 0 || keep != EPERM)
		return rc;
	fd = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1 && compat_is_immutable(fd)) {
		compat_set_immutable(fd, false);
		rc = linkat(from, name, to, as, 0);
		keep = errno;
		compat_set_immutable(fd, true);
	}
	if (fd != -1)
		(void)close(fd); /* was only read */
	errno = keep;
	return rc;
}

static int
make_hard(const struct store *s, int dir, const struct link *l)
{
	const char *name;
	struct stat st;
	int from = file_parent(&name, s->root_fd, l->source, false), rc, keep;

	if (from == -1)
		return -1;
	rc = fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW);
	if (rc == 0 && !S_ISREG(st.st_mode)) {
		errno = ENOENT;
		rc = -1;
	}
	if (rc == 0)
		rc = link_locked(from, name, dir, name_in(l->path));
	keep = errno;
	(void)close(from); /* was only read */
	errno = keep;
	return rc;
}

/* The bytes and the dress of a file under no final name; it is known by inode
 * and time before it gets that. */
static int
clone_to_temp(struct store *s, struct link *l, int number)
{
	int from = file_open(s->root_fd, l->source, O_RDONLY | O_NONBLOCK, 0);
	int to = -1, dir = -1, rc = -1, keep;
	const char *name;
	struct timespec ts[2];
	struct stat st;

	if (from == -1 || fstat(from, &st) == -1)
		goto out;
	l->temp = xasprintf("%s/" LINK_TEMP "%d", DIR_PARTIAL, number);
	dir = file_parent(&name, s->root_fd, l->temp, false);
	if (dir == -1 || (unlinkat(dir, name, 0) == -1 && errno != ENOENT) ||
	    compat_clone(from, dir, name) == -1)
		goto out;
	l->source_ino = (int64_t)st.st_ino;
	ts[0] = ts[1] = ST_MTIM(st);
	to = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (to == -1)
		goto out;
	/* As with a file of the copy, never a condition. */
	(void)!fchmod(to, s->file_mode);
	(void)!futimens(to, ts);
	if (file_sync(to, false) == -1 || fstat(to, &st) == -1)
		goto out;
	l->ino = (int64_t)st.st_ino;
	l->mtime_ns = mtime_ns(&st);
	rc = 0;
out:
	keep = errno;
	if (from != -1)
		(void)close(from);
	if (to != -1)
		(void)close(to);
	if (dir != -1)
		(void)close(dir);
	errno = keep;
	return rc;
}

/* Faults of this link, and not of the volume. */
static bool
is_refused(int errnum)
{
	static const int all[] = {EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK,
	    ENAMETOOLONG, EINVAL, EXDEV, ENOENT};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (errnum == all[i])
			return true;
	return false;
}

static const char sql_cloned[] =
    "UPDATE link SET ino = ?2, mtime_ns = ?3, source_ino = ?4 WHERE key = ?1";

static int
clone_batch(struct pass *p, struct err *e)
{
	struct link *l;
	bool own;
	int i, rc = 0;

	if (part_folder(p->s, e) == -1)
		return -1;
	for (i = 0; i < p->n; i++) {
		l = &p->all[i];
		if (clone_to_temp(p->s, l, i) == 0)
			continue;
		l->errnum = errno;
		if (!is_refused(errno))
			return cannot(p->s, l->path, e);
	}
	if (tx_begin(&own, p->s, e) == -1)
		return -1;
	for (i = 0; i < p->n && rc == 0; i++) {
		l = &p->all[i];
		rc = sql_run(p->s, e, sql_cloned, "tiii", l->key, l->ino,
		    l->mtime_ns, l->source_ino);
	}
	rc = tx_end(p->s, own, rc, e);
	if (rc == 0)
		step_reached(p->s, "cloned");
	return rc;
}

static int
make_clone(const struct store *s, const struct link *l)
{
	if (l->errnum == 0)
		return file_rename_new(
		    s->root_fd, l->temp, l->path, s->volume.rename);
	errno = l->errnum;
	return -1;
}

static int
make_symbolic(int dir, const struct link *l)
{
	char *target = target_of(l->path, l->source);
	int rc = symlinkat(target, dir, name_in(l->path)), keep = errno;

	free(target);
	errno = keep;
	return rc;
}

static int
make_link(struct pass *p, struct link *l, struct err *e)
{
	struct stat st;
	int rc;

	l->kind = (int)p->out->kind;
	if (place_go(&p->place, p->s, l->path, true) == -1) {
		l->errnum = errno;
		if (errno != EEXIST && errno != ENOTDIR && errno != ELOOP &&
		    !is_refused(errno))
			return cannot(p->s, l->path, e);
		l->state = is_refused(errno) ? LINK_INTENDED : LINK_BLOCKED;
		return 0;
	}
	rc = l->kind == STORE_LINK_HARD   ? make_hard(p->s, p->place.fd, l)
	    : l->kind == STORE_LINK_CLONE ? make_clone(p->s, l)
					  : make_symbolic(p->place.fd, l);
	l->errnum = rc == -1 ? errno : 0;
	/* One that is there already is as good. */
	if (fstatat(p->place.fd, name_in(l->path), &st, AT_SYMLINK_NOFOLLOW) ==
		0 &&
	    is_this(p->s, p->place.fd, &st, l)) {
		l->state = LINK_MADE;
		l->ino = (int64_t)st.st_ino;
		if (l->kind != STORE_LINK_CLONE)
			l->source_ino = l->ino;
		p->place.changed = true;
		p->out->made += rc == 0;
		step_reached(p->s, "linked");
	} else if (l->errnum == EEXIST)
		l->state = LINK_BLOCKED;
	else if (rc == -1 && !is_refused(l->errnum)) {
		errno = l->errnum;
		return cannot(p->s, l->path, e);
	}
	return 0;
}

static const char sql_blocked[] = "UPDATE link SET state = 2 WHERE key = ?1";

/* What became of them, once it is durable. */
static int
record_batch(struct pass *p, struct err *e)
{
	const struct link *l;
	bool own;
	int rc = 0;

	if (tx_begin(&own, p->s, e) == -1)
		return -1;
	for (l = p->all; l < p->all + p->n && rc == 0; l++)
		rc = l->state == LINK_MADE
		    ? sql_run(p->s, e, sql_made, "tii", l->key, l->ino,
			  l->source_ino)
		    : sql_run(p->s, e,
			  l->state == LINK_BLOCKED ? sql_blocked : sql_forget,
			  "t", l->key);
	return tx_end(p->s, own, rc, e);
}

static const char sql_next_new[] =
    "SELECT w.key, w.path, w.source, w.file, 0, 0, 0, ?2, 0"
    " FROM temp.link_wish w"
    " LEFT JOIN link l ON l.key = w.key WHERE w.key > ?1 AND l.key IS NULL"
    " ORDER BY w.key LIMIT 1";

static int
make_batch(struct pass *p, struct err *e)
{
	int i;

	if (take_batch(p, sql_next_new, e) == -1 || intend_batch(p, e) == -1)
		return -1;
	step_reached(p->s, "intended");
	if (p->out->kind == STORE_LINK_CLONE && clone_batch(p, e) == -1)
		return -1;
	for (i = 0; i < p->n; i++)
		if (make_link(p, &p->all[i], e) == -1)
			return -1;
	if (flush(p, e) == -1 || record_batch(p, e) == -1)
		return -1;
	for (i = 0; i < p->n; i++)
		if (p->all[i].state != LINK_MADE)
			p->words->fault(p->words->arg, p->all[i].path,
			    p->all[i].state == LINK_BLOCKED);
	return 0;
}

static int
make_new(struct pass *p, struct err *e)
{
	int n, rc;

	do {
		rc = make_batch(p, e);
		n = p->n;
		drop_batch(p);
	} while (rc == 0 && n == BATCH);
	return rc;
}

static void
from_start(struct pass *p)
{
	free(p->after);
	p->after = xstrdup("");
}

static int
follow(struct store_links *out, struct store *s,
    const struct store_links_words *words, struct err *e)
{
	struct pass p = {.s = s,
	    .words = words,
	    .out = out,
	    .place = {.fd = -1},
	    .all = xcalloc(BATCH, sizeof(*p.all))};
	int rc = link_wishes(s, words, e);

	from_start(&p);
	if (rc == 0)
		rc = remove_old(&p, e);
	if (rc == 0)
		rc = remove_folders(&p, e);
	from_start(&p);
	if (rc == 0)
		rc = make_new(&p, e);
	drop_batch(&p);
	if (place_leave(&p.place) == -1 && rc == 0)
		rc = cannot(s, DIR_ALBUMS, e);
	free(p.all);
	free(p.after);
	return rc;
}

static int
find_kind(int *kind, struct store *s, struct err *e)
{
	bool clones = false;

	if (!s->has_volume &&
	    file_probe(&s->volume, s->root_fd, DIR_OWN, e) == -1)
		return -1;
	s->has_volume = true;
	if (!s->volume.symlinks && !s->volume.hard_links &&
	    file_probe_clones(&clones, s->root_fd, DIR_OWN, e) == -1)
		return -1;
	*kind = s->volume.symlinks ? STORE_LINK_SYMBOLIC
	    : s->volume.hard_links ? STORE_LINK_HARD
	    : clones               ? STORE_LINK_CLONE
				   : STORE_LINK_NONE;
	return 0;
}

static const char sql_count[] = "SELECT count(*) FROM link WHERE state = ?1";

int
store_links_write(struct store_links *out, struct store *s,
    const struct store_links_words *words, struct err *e)
{
	bool dirty, lost = false;
	int kind = 0;

	assert(mode_writes(s->mode) && s->run != 0);
	assert(sqlite3_get_autocommit(s->db) != 0);
	memset(out, 0, sizeof(*out));
	if (begin_keeping(&dirty, &kind, s, e) == -1 ||
	    look_around(&lost, s, dirty, e) == -1)
		return -1;
	if (dirty || lost) {
		if (find_kind(&kind, s, e) == -1)
			return -1;
		out->tried = true;
		out->kind = (enum store_link_kind)kind;
		if (kind != STORE_LINK_NONE && follow(out, s, words, e) == -1)
			return -1;
		if (sql_run(s, e, sql_links_put, "dd", 0, kind) == -1)
			return -1;
	}
	out->kind = (enum store_link_kind)kind;
	if (sql_first(s, e, sql_count, "d>i", (int)LINK_MADE, &out->links) !=
		0 ||
	    sql_first(s, e, sql_count, "d>i", (int)LINK_BLOCKED,
		&out->in_the_way) != 0)
		return -1;
	return 0;
}
