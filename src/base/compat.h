#ifndef COMPAT_H
#define COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Where Linux and macOS differ, behind names of what is wanted.  All #ifdef
 * of systems is in compat.c (and for ST_MTIM here).
 */

#ifdef __APPLE__
#define ST_MTIM(st) ((st).st_mtimespec)
#else
#define ST_MTIM(st) ((st).st_mtim)
#endif

/* renameat2(RENAME_NOREPLACE) / renameatx_np(RENAME_EXCL): errno ENOSYS,
 * EINVAL or ENOTSUP where the volume has none. */
int	compat_rename_excl(int fromdir, const char *from, int todir,
	    const char *to);
/* fsync; with full, F_FULLFSYNC where there is one and it works. */
int	compat_sync(int fd, bool full);
/* Birth time of an open file; 0 where the system cannot (not an error). */
int	compat_set_birth_time(int fd, int64_t ms);
/* Keep a folder out of Time Machine; nothing elsewhere. */
void	compat_exclude_from_backup(int fd);
/* Ask for room in one piece; failure is not an error. */
void	compat_preallocate(int fd, int64_t bytes);
/* The bytes of fd will not be needed again (page cache). */
void	compat_forget_cache(int fd);
/* No core dump, no ptrace by other processes of this user. */
void	compat_protect_process(void);
/* Secure random bytes; ends the program where there are none. */
void	compat_random(void *, size_t);
/* The system's words for errnum, from any thread; returns out. */
char	*compat_strerror(char *out, size_t size, int errnum);
/* Bytes free to this user and in all, of any volume's size; -1 with errno. */
int	compat_space(int64_t *free_bytes, int64_t *total_bytes, int fd);
/* Where programs keep state, from a home directory. */
const char *compat_state_dir(void);
/* A name of this machine that stays (machine id, else host name). */
void	compat_machine(char *out, size_t size);
/* A volume type on which SQLite must not lie (SMB, NFS, exFAT, FAT...). */
bool	compat_is_foreign_volume(int fd);

#endif
