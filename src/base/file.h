#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buf;
struct err;

/*
 * Files below one directory's descriptor.  A path is relative, its parts
 * divided by '/'; every part is opened from the one before without following
 * a link, so that an unmounted volume or a planted link is an error and never
 * another place.  A path that is absolute, empty, or has an empty, "." or ".."
 * part fails with EINVAL.  Functions return -1 with errno unless they take an
 * err.  All descriptors are close-on-exec.
 */

/* The directory that holds the last part: its descriptor (the caller closes),
 * and *name, that part inside path.  mkdirs: make missing ones (0777). */
int	file_parent(const char **name, int dir, const char *path, bool mkdirs);
int	file_open(int dir, const char *path, int flags, mode_t mode);
int	file_stat(struct stat *out, int dir, const char *path); /* no follow */
int	file_mkdirs(int dir, const char *path); /* and fsync what was made */
int	file_unlink(int dir, const char *path);

/* Flush a file's bytes and attributes; a directory's entries (EINVAL and
 * ENOTSUP from a volume that cannot are success).  full: through the drive's
 * cache where the system can (F_FULLFSYNC). */
int	file_sync(int fd, bool full);
int	file_sync_dir(int dir, const char *path); /* "." is allowed here */

/* All n bytes, however many calls it takes. */
int	file_write_all(int fd, const void *, size_t n);
/* Whole, or not at all: written beside, flushed, renamed over, folder
 * flushed. */
int	file_write_whole(int dir, const char *path, const void *, size_t,
	    mode_t mode, struct err *);
/* Remove what a program that was killed has left of that in this folder.  Only
 * where nobody else writes. */
void	file_sweep(int dir);
/* Appends to out.  ENOENT leaves e alone and returns 1.  More than out->max
 * bytes is ERR_BAD_STATE. */
int	file_read_whole(struct buf *out, int dir, const char *path,
	    struct err *e);

/* What the volume can do, found by trying in a scratch folder (which is
 * removed) below path; nothing is believed by name. */
enum file_rename {
	FILE_RENAME_EXCLUSIVE, /* renameat2 or renamex_np */
	FILE_RENAME_LINK,      /* link, then unlink */
	FILE_RENAME_CHECK,     /* look, then rename; under the copy's lock */
};
struct file_volume {
	enum file_rename rename;
	bool	hard_links, symlinks, modes, ignores_case;
};
int	file_probe(struct file_volume *out, int dir, const char *path,
	    struct err *);

/* Can it clone files?  Tried likewise. */
int	file_probe_clones(bool *out, int dir, const char *path, struct err *);

/* Rename without overwriting: EEXIST if to is there.  Both below dir. */
int	file_rename_new(int dir, const char *from, const char *to,
	    enum file_rename);
int	file_rename_over(int dir, const char *from, const char *to);

/* Bytes that this user may still write on the volume of fd, and its size. */
int	file_space(int64_t *free_bytes, int64_t *total_bytes, int fd);

/*
 * An exclusive lock (flock) on a file made for it, which nothing else opens.
 * The descriptor, or -1: ERR_BUSY if another process holds it (the text names
 * whose words stand in the file), else ERR_DISK.  whose is written into it.
 * wait_ms: how long to go on trying, unless stopped (stop.h).
 */
int	file_lock(const char *path, const char *whose, int64_t wait_ms,
	    struct err *);
void	file_unlock(int fd);

/* Make a directory and its parents by absolute path, the last with mode. */
int	file_mkdirs_abs(const char *path, mode_t mode, struct err *);

#endif
