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
/* Make an open file immutable, or no longer so, where system, volume and
 * rights allow it; failure is not an error. */
void	compat_set_immutable(int fd, bool on);
/* Is it so?  False where the system does not tell. */
bool	compat_is_immutable(int fd);
/* A new file, durable or not, that shares its blocks with an open one, where
 * volume and system can; -1 with errno, and nothing is left. */
int	compat_clone(int fd, int todir, const char *to);
/* Keep a folder out of Time Machine; nothing elsewhere. */
void	compat_exclude_from_backup(int fd);
/* Ask for room in one piece; failure is not an error. */
void	compat_preallocate(int fd, int64_t bytes);
/* Is the beginning of this file in memory, because somebody else uses it?
 * False where the system does not tell. */
bool	compat_is_cached(int fd);
/* The bytes of fd will not be needed again (page cache). */
void	compat_forget_cache(int fd);
/* No core dump, no ptrace by other processes of this user. */
void	compat_protect_process(void);
/* Keep the computer from going to sleep by itself until compat_may_sleep(), as
 * far as the system has a call for that (a Mac with its lid closed sleeps all
 * the same; elsewhere whoever starts the program sees to it).  0: not kept. */
uint32_t compat_stay_awake(void);
void	compat_may_sleep(uint32_t);
/* Does launchd start programs here?  And the PATH of what a timer starts. */
bool	compat_has_launchd(void);
const char *compat_timer_path(void);
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

/*
 * How many descriptors this process may hold: its soft limit, raised as far as
 * the hard one and as is of use.  Connections and files under way are counted
 * by it.
 */
int	compat_descriptors(void);

#endif
