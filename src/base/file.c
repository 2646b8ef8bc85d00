#include "file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/file.h>

#include "buf.h"
#include "civil.h"
#include "compat.h"
#include "err.h"
#include "stop.h"
#include "text.h"

#define NAME_SIZE 256 /* of one part of a path, with its NUL */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* close() on a way out that has an errno to keep. */
static void
close_quietly(int fd)
{
	int keep = errno;

	close(fd);
	errno = keep;
}

static int
open_at(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	while (fd == -1 && errno == EINTR);
	return fd;
}

static int
same_dir(int dir)
{
	if (dir == AT_FDCWD)
		return open_at(dir, ".", DIR_FLAGS, 0);
	return fcntl(dir, F_DUPFD_CLOEXEC, 0);
}

/* Every part is a name: not empty, not "." and not "..". */
static bool
is_path(const char *path)
{
	size_t n;

	for (;; path += n + 1) {
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[n] == '\0')
			return true;
	}
}

/* Open the folder called name in dir; make it, durably, if it is missing and
 * may be made. */
static int
step_into(int dir, const char *name, bool make)
{
	int fd = open_at(dir, name, DIR_FLAGS, 0);
	bool made;

	if (fd != -1 || errno != ENOENT || !make)
		return fd;
	made = mkdirat(dir, name, 0777) == 0;
	if (!made && errno != EEXIST)
		return -1;
	fd = open_at(dir, name, DIR_FLAGS, 0);
	if (fd == -1 || !made)
		return fd;
	if (file_sync(fd, false) == -1 || file_sync(dir, false) == -1) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}

/* Walk down path, up to its last part (*last) or, with last NULL, to its end.
 * Takes fd over. */
static int
walk(const char **last, int fd, const char *path, bool make)
{
	char part[NAME_SIZE];
	size_t n;
	int next;

	while (fd != -1) {
		n = strcspn(path, "/");
		if (path[n] == '\0' && last != NULL) {
			*last = path;
			return fd;
		}
		if (n >= sizeof(part)) {
			errno = ENAMETOOLONG;
			next = -1;
		} else {
			memcpy(part, path, n);
			part[n] = '\0';
			next = step_into(fd, part, make);
		}
		close_quietly(fd);
		fd = next;
		if (path[n] == '\0')
			break;
		path += n + 1;
	}
	return fd;
}

int
file_parent(const char **name, int dir, const char *path, bool mkdirs)
{
	if (!is_path(path)) {
		errno = EINVAL;
		return -1;
	}
	return walk(name, same_dir(dir), path, mkdirs);
}

/* path as a folder; "." is dir itself. */
static int
open_dir(int dir, const char *path)
{
	if (strcmp(path, ".") == 0)
		return same_dir(dir);
	if (!is_path(path)) {
		errno = EINVAL;
		return -1;
	}
	return walk(NULL, same_dir(dir), path, false);
}

int
file_open(int dir, const char *path, int flags, mode_t mode)
{
	const char *name;
	int parent, fd;

	parent = file_parent(&name, dir, path, false);
	if (parent == -1)
		return -1;
	fd = open_at(parent, name, flags, mode);
	close_quietly(parent);
	return fd;
}

int
file_stat(struct stat *out, int dir, const char *path)
{
	const char *name;
	int parent, rc;

	parent = file_parent(&name, dir, path, false);
	if (parent == -1)
		return -1;
	rc = fstatat(parent, name, out, AT_SYMLINK_NOFOLLOW);
	close_quietly(parent);
	return rc;
}

int
file_mkdirs(int dir, const char *path)
{
	int fd;

	if (!is_path(path)) {
		errno = EINVAL;
		return -1;
	}
	fd = walk(NULL, same_dir(dir), path, true);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

int
file_unlink(int dir, const char *path)
{
	const char *name;
	int parent, rc;

	parent = file_parent(&name, dir, path, false);
	if (parent == -1)
		return -1;
	rc = unlinkat(parent, name, 0);
	close_quietly(parent);
	return rc;
}

int
file_sync(int fd, bool full)
{
	if (compat_sync(fd, full) == 0)
		return 0;
	/* The volume has no such thing: nothing more can be done. */
	return errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

int
file_sync_dir(int dir, const char *path)
{
	int fd, rc;

	fd = open_dir(dir, path);
	if (fd == -1)
		return -1;
	rc = file_sync(fd, false);
	close_quietly(fd);
	return rc;
}

#define SCRATCH     ".icloud-pull-"
#define SCRATCH_NEW SCRATCH "new-"

/* A name that nobody else uses; begins so that a leftover is recognised. */
static void
scratch_name(char out[NAME_SIZE], const char *kind)
{
	uint8_t random[8];
	char hex[2 * sizeof(random) + 1];

	compat_random(random, sizeof(random));
	text_hex(hex, random, sizeof(random));
	snprintf(out, NAME_SIZE, SCRATCH "%s-%s", kind, hex);
}

int
file_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	ssize_t put;

	while (n > 0) {
		put = write(fd, p, n);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* A new file with these bytes, flushed and closed; -1 leaves it behind. */
static int
write_new(int dir, const char *name, const void *p, size_t n, mode_t mode)
{
	int fd;

	fd = open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd == -1)
		return -1;
	if (file_write_all(fd, p, n) == -1 || file_sync(fd, true) == -1) {
		close_quietly(fd);
		return -1;
	}
	return close(fd);
}

int
file_write_whole(int dir, const char *path, const void *p, size_t n,
    mode_t mode, struct err *e)
{
	char temp[NAME_SIZE];
	const char *name;
	int parent, errnum = 0;

	parent = file_parent(&name, dir, path, false);
	if (parent == -1)
		return err_set_errno(e, errno, "Cannot write %s", path);
	scratch_name(temp, "new");
	if (write_new(parent, temp, p, n, mode) == -1 ||
	    renameat(parent, temp, parent, name) == -1) {
		errnum = errno;
		(void)unlinkat(parent, temp, 0);
	} else if (file_sync(parent, false) == -1) {
		errnum = errno;
	}
	close(parent);
	if (errnum != 0)
		return err_set_errno(e, errnum, "Cannot write %s", path);
	return 0;
}

void
file_sweep(int dir)
{
	int fd = open_at(dir, ".", DIR_FLAGS, 0);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, SCRATCH_NEW, strlen(SCRATCH_NEW)) ==
		    0)
			(void)unlinkat(dir, entry->d_name, 0);
	closedir(d);
}

static int
read_regular(struct buf *out, int fd, const char *path, struct err *e)
{
	char chunk[16384];
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) == -1)
		return err_set_errno(e, errno, "Cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    e, ERR_DISK, NULL, "%s is no regular file.", path);
	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return err_set_errno(e, errno, "Cannot read %s", path);
		if (got == 0)
			return 0;
		if (buf_add(out, chunk, (size_t)got) == -1)
			return err_set(e, ERR_BAD_STATE, NULL,
			    "%s is larger than it can be.", path);
	}
}

int
file_read_whole(struct buf *out, int dir, const char *path, struct err *e)
{
	size_t before = out->len;
	int fd, rc;

	/* Without O_NONBLOCK the open of a pipe would wait for its writer. */
	fd = file_open(dir, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1 && errno == ENOENT)
		return 1;
	if (fd == -1)
		return err_set_errno(e, errno, "Cannot read %s", path);
	rc = read_regular(out, fd, path, e);
	if (rc == -1 && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	close(fd);
	return rc;
}

static bool
touch(int dir, const char *name)
{
	int fd = open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd != -1 && close(fd) == 0;
}

static bool
is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
keeps_mode(int dir, const char *name, mode_t mode)
{
	struct stat st;

	return fchmodat(dir, name, mode, 0) == 0 &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (st.st_mode & 0777) == mode;
}

/* Renames, and refuses to rename over what is there? */
static bool
renames_excl(int dir)
{
	return touch(dir, "from") && touch(dir, "taken") &&
	    compat_rename_excl(dir, "from", dir, "taken") == -1 &&
	    errno == EEXIST &&
	    compat_rename_excl(dir, "from", dir, "to") == 0 &&
	    is_there(dir, "to") && !is_there(dir, "from");
}

static int
probe(struct file_volume *out, int dir)
{
	static const char *const names[] = {
	    "Aa", "aA", "hard", "soft", "from", "taken", "to"};
	size_t i;

	if (!touch(dir, "Aa"))
		return -1;
	out->ignores_case = is_there(dir, "aA");
	out->modes = keeps_mode(dir, "Aa", 0640) && keeps_mode(dir, "Aa", 0400);
	out->hard_links =
	    linkat(dir, "Aa", dir, "hard", 0) == 0 && is_there(dir, "hard");
	out->symlinks =
	    symlinkat("Aa", dir, "soft") == 0 && is_there(dir, "soft");
	if (renames_excl(dir))
		out->rename = FILE_RENAME_EXCLUSIVE;
	else if (out->hard_links)
		out->rename = FILE_RENAME_LINK;
	else
		out->rename = FILE_RENAME_CHECK;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dir, names[i], 0);
	return 0;
}

static int
probe_clones(bool *out, int dir)
{
	int fd = open_at(dir, "from", O_RDWR | O_CREAT | O_EXCL, 0600), rc;

	if (fd == -1)
		return -1;
	rc = file_write_all(fd, "x", 1);
	*out = rc == 0 && compat_clone(fd, dir, "to") == 0;
	close_quietly(fd);
	(void)unlinkat(dir, "from", 0);
	(void)unlinkat(dir, "to", 0);
	return rc;
}

/* Try something in a scratch folder below path: what the volume can do, or
 * whether it can clone. */
static int
try_in_scratch(struct file_volume *volume, bool *clones, int dir,
    const char *path, struct err *e)
{
	char scratch[NAME_SIZE];
	int parent, fd = -1, errnum = 0;

	parent = open_dir(dir, path);
	if (parent == -1)
		return err_set_errno(e, errno, "Cannot write to %s", path);
	scratch_name(scratch, "probe");
	if (mkdirat(parent, scratch, 0700) == -1) {
		errnum = errno;
		goto out;
	}
	fd = open_at(parent, scratch, DIR_FLAGS, 0);
	if (fd == -1 ||
	    (volume != NULL ? probe(volume, fd) : probe_clones(clones, fd)) ==
		-1)
		errnum = errno;
	if (fd != -1)
		close(fd);
	if (unlinkat(parent, scratch, AT_REMOVEDIR) == -1 && errnum == 0)
		errnum = errno;
out:
	close(parent);
	if (errnum != 0)
		return err_set_errno(e, errnum, "Cannot write to %s", path);
	return 0;
}

int
file_probe(struct file_volume *out, int dir, const char *path, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->rename = FILE_RENAME_CHECK;
	return try_in_scratch(out, NULL, dir, path, e);
}

int
file_probe_clones(bool *out, int dir, const char *path, struct err *e)
{
	*out = false;
	return try_in_scratch(NULL, out, dir, path, e);
}

/* Errors by which a volume says that it has no such way to rename. */
static bool
is_unsupported(int errnum)
{
	static const int all[] = {
	    ENOSYS, EINVAL, ENOTSUP, EOPNOTSUPP, EPERM, EMLINK};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (errnum == all[i])
			return true;
	return false;
}

static int
rename_link(int fromdir, const char *from, int todir, const char *to)
{
	if (linkat(fromdir, from, todir, to, 0) == -1)
		return -1;
	if (unlinkat(fromdir, from, 0) == -1) {
		int keep = errno;

		(void)unlinkat(todir, to, 0);
		errno = keep;
		return -1;
	}
	return 0;
}

static int
rename_check(int fromdir, const char *from, int todir, const char *to)
{
	struct stat st;

	if (fstatat(todir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (errno != ENOENT)
		return -1;
	return renameat(fromdir, from, todir, to);
}

/* The first way that this volume knows, from how on. */
static int
rename_new(int fromdir, const char *from, int todir, const char *to,
    enum file_rename how)
{
	if (how == FILE_RENAME_EXCLUSIVE) {
		if (compat_rename_excl(fromdir, from, todir, to) == 0)
			return 0;
		if (!is_unsupported(errno))
			return -1;
	}
	if (how != FILE_RENAME_CHECK) {
		if (rename_link(fromdir, from, todir, to) == 0)
			return 0;
		if (!is_unsupported(errno))
			return -1;
	}
	return rename_check(fromdir, from, todir, to);
}

int
file_rename_new(int dir, const char *from, const char *to, enum file_rename how)
{
	const char *from_name = NULL, *to_name = NULL;
	int from_dir, to_dir = -1, rc = -1;

	from_dir = file_parent(&from_name, dir, from, false);
	if (from_dir == -1)
		return -1;
	to_dir = file_parent(&to_name, dir, to, false);
	if (to_dir != -1)
		rc = rename_new(from_dir, from_name, to_dir, to_name, how);
	close_quietly(from_dir);
	if (to_dir != -1)
		close_quietly(to_dir);
	return rc;
}

int
file_rename_over(int dir, const char *from, const char *to)
{
	const char *from_name = NULL, *to_name = NULL;
	int from_dir, to_dir = -1, rc = -1;

	from_dir = file_parent(&from_name, dir, from, false);
	if (from_dir == -1)
		return -1;
	to_dir = file_parent(&to_name, dir, to, false);
	if (to_dir != -1)
		rc = renameat(from_dir, from_name, to_dir, to_name);
	close_quietly(from_dir);
	if (to_dir != -1)
		close_quietly(to_dir);
	return rc;
}

int
file_space(int64_t *free_bytes, int64_t *total_bytes, int fd)
{
	return compat_space(free_bytes, total_bytes, fd);
}

/* Is what path names still the file behind fd? */
static bool
is_same_file(const char *path, int fd)
{
	struct stat named, open;

	return fstat(fd, &open) == 0 && lstat(path, &named) == 0 &&
	    open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/* The words of the process that holds the lock, on one line. */
static void
read_holder(char *out, size_t size, int fd)
{
	ssize_t n = pread(fd, out, size - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
}

static int
say_busy(int fd, struct err *e)
{
	char holder[128];

	read_holder(holder, sizeof(holder), fd);
	close(fd);
	if (holder[0] == '\0')
		snprintf(holder, sizeof(holder), "icloud-pull");
	return err_set(e, ERR_BUSY, "Wait until it has ended, then try again.",
	    "Another run is at work here: %s.", holder);
}

int
file_lock(const char *path, const char *whose, int64_t wait_ms, struct err *e)
{
	int64_t until = clock_mono_ms() + wait_ms;
	int fd, errnum;

	for (;;) {
		fd = open_at(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
		if (fd == -1)
			return err_set_errno(e, errno, "Cannot lock %s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (is_same_file(path, fd))
				break;
			/* It was removed under our hands: lock the new one. */
			close(fd);
			continue;
		}
		errnum = errno;
		if (errnum != EWOULDBLOCK && errnum != EINTR) {
			close(fd);
			return err_set_errno(e, errnum, "Cannot lock %s", path);
		}
		if (clock_mono_ms() >= until)
			return say_busy(fd, e);
		close(fd);
		if (stop_is_set())
			return err_set(
			    e, ERR_INTERRUPTED, NULL, "Interrupted.");
		(void)poll(NULL, 0, 10);
	}
	/* The lock holds without these words: a full disk is no obstacle. */
	if (ftruncate(fd, 0) == 0)
		(void)file_write_all(fd, whose, strlen(whose));
	return fd;
}

void
file_unlock(int fd)
{
	/* Old words would name a process that is long gone. */
	(void)!ftruncate(fd, 0);
	close(fd);
}

int
file_mkdirs_abs(const char *path, mode_t mode, struct err *e)
{
	char *copy = xstrdup(path), *p;
	struct stat st;
	int rc = -1, errnum;

	assert(path[0] == '/');
	for (p = copy + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(copy, 0777) == -1 && errno != EEXIST) {
			errnum = errno;
			/* A parent that is there may be in a read-only place. */
			if (stat(copy, &st) == -1) {
				err_set_errno(e, errnum,
				    "Cannot make the folder %s", copy);
				goto out;
			}
		}
		*p = '/';
	}
	errnum = mkdir(copy, mode) == -1 ? errno : 0;
	if (errnum != 0 && (stat(copy, &st) == -1 || !S_ISDIR(st.st_mode))) {
		err_set_errno(e, errnum, "Cannot make the folder %s", copy);
		goto out;
	}
	rc = 0;
out:
	free(copy);
	return rc;
}
