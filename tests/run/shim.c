/*
 * Preloaded into the program under test: counts the calls by which it changes
 * the disk, and stops it at one of them as a power cut would, or makes one
 * fail.  Linux only, like the tests that use it.
 *
 *	SHIM_KILL_AT=N	     SIGKILL before call number N (from 1)
 *	SHIM_FAIL=NAME:N:E   call number N of that name fails with errno E
 *			     (N 0: all of them); NAMEs of their own are "part",
 *			     "month" and "sidecar": a write to a file that is
 *			     being fetched; to one of manifest or records; to a
 *			     sidecar
 *	SHIM_COUNT=FILE	     append the number of calls when the program ends
 *	SHIM_DNS=S	     a name is found after so many seconds
 *	SHIM_SLOW=MS	     each large read of a file takes so long
 *	SHIM_FAST=N	     the program's own clock for measuring, and no
 *			     library's, runs so many times as fast
 *	SHIM_FS=TYPE	     volumes are of this type (statfs(2), in hexadecimal)
 *	SHIM_NOLINK=NAMES    volumes have no such links: "symlink", "link", or
 *			     both, divided by a comma
 *	SHIM_CLONE=1	     volumes can clone files: ioctl(FICLONE) copies
 *	SHIM_CLOCK=S	     the clock on the wall is so many seconds ahead;
 *			     the times on the disk are not
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Smaller reads are of the catalogue and of certificates. */
#define SLOW_BYTES ((size_t)128 << 10)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long calls, kill_at, fail_at, fail_calls;
static int fail_errno;
static useconds_t slow_us;
static time_t ahead_s;
static unsigned dns_s;
static long fast = 1;
static char fail_name[32];

__attribute__((constructor)) static void
shim_begin(void)
{
	const char *text = getenv("SHIM_KILL_AT");

	if (text != NULL)
		kill_at = atol(text);
	text = getenv("SHIM_DNS");
	if (text != NULL)
		dns_s = (unsigned)atol(text);
	text = getenv("SHIM_SLOW");
	if (text != NULL)
		slow_us = (useconds_t)atol(text) * 1000;
	text = getenv("SHIM_CLOCK");
	if (text != NULL)
		ahead_s = atol(text);
	text = getenv("SHIM_FAST");
	if (text != NULL)
		fast = atol(text);
	text = getenv("SHIM_FAIL");
	if (text != NULL)
		sscanf(
		    text, "%31[^:]:%ld:%d", fail_name, &fail_at, &fail_errno);
}

__attribute__((destructor)) static void
shim_end(void)
{
	const char *path = getenv("SHIM_COUNT");
	FILE *f = path != NULL ? fopen(path, "a") : NULL;

	if (f != NULL) {
		fprintf(f, "%ld\n", calls);
		fclose(f);
	}
}

/* Is the descriptor a file or a folder?  Pipes and sockets change no disk. */
static int
on_disk(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* Is it a file of this folder, in a test that asks for those? */
static int
lies_in(int fd, const char *name, const char *folder)
{
	char link[64], path[4096];
	ssize_t n;

	if (strcmp(fail_name, name) != 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return 0;
	path[n] = '\0';
	return strstr(path, folder) != NULL;
}

static int
is_part(int fd)
{
	return lies_in(fd, "part", "/partial.noindex/");
}

static int
is_sidecar(int fd)
{
	return lies_in(fd, "sidecar", "/partial.noindex/sidecar-");
}

static int
is_month(int fd)
{
	return lies_in(fd, "month", "/.icloud-pull/manifest/") ||
	    lies_in(fd, "month", "/.icloud-pull/records/");
}

/* Count this call; 1: it shall fail. */
static int
step(const char *name)
{
	int fails = 0;

	pthread_mutex_lock(&mutex);
	calls++;
	if (calls == kill_at)
		kill(getpid(), SIGKILL);
	if (strcmp(name, fail_name) == 0) {
		fail_calls++;
		fails = fail_at == 0 || fail_calls == fail_at;
	}
	pthread_mutex_unlock(&mutex);
	if (fails)
		errno = fail_errno;
	return fails;
}

#define REAL(name)                       \
	static __typeof__(&(name)) real; \
	if (real == NULL)                \
	real = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name)

int
fsync(int fd)
{
	REAL(fsync);
	return step("fsync") ? -1 : real(fd);
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	return step("fdatasync") ? -1 : real(fd);
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	REAL(renameat2);
	return step("rename") ? -1 : real(a, from, b, to, flags);
}

int
renameat(int a, const char *from, int b, const char *to)
{
	REAL(renameat);
	return step("rename") ? -1 : real(a, from, b, to);
}

/* Is it one of SHIM_NOLINK? */
static int
has_no(const char *name)
{
	const char *all = getenv("SHIM_NOLINK");
	size_t n = strlen(name);

	for (; all != NULL; all = strchr(all, ',')) {
		all += *all == ',';
		if (strncmp(all, name, n) == 0 &&
		    (all[n] == '\0' || all[n] == ','))
			break;
	}
	if (all != NULL)
		errno = EPERM;
	return all != NULL;
}

int
symlinkat(const char *target, int dir, const char *path)
{
	REAL(symlinkat);
	if (has_no("symlink"))
		return -1;
	return step("symlink") ? -1 : real(target, dir, path);
}

int
linkat(int a, const char *from, int b, const char *to, int flags)
{
	REAL(linkat);
	if (has_no("link"))
		return -1;
	return step("link") ? -1 : real(a, from, b, to, flags);
}

int
ioctl(int fd, unsigned long request, ...)
{
	char bytes[65536];
	off_t at = 0;
	ssize_t n;
	va_list ap;
	void *arg;

	REAL(ioctl);
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request != FICLONE || getenv("SHIM_CLONE") == NULL)
		return real(fd, request, arg);
	if (step("clone"))
		return -1;
	while ((n = pread((int)(intptr_t)arg, bytes, sizeof(bytes), at)) > 0) {
		if (pwrite(fd, bytes, (size_t)n, at) != n)
			return -1;
		at += n;
	}
	return n == 0 ? 0 : -1;
}

int
unlinkat(int dir, const char *path, int flags)
{
	REAL(unlinkat);
	return step("unlink") ? -1 : real(dir, path, flags);
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
	REAL(mkdirat);
	return step("mkdir") ? -1 : real(dir, path, mode);
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	REAL(write);
	return on_disk(fd) &&
		step(is_month(fd)        ? "month"
			: is_sidecar(fd) ? "sidecar"
					 : "write")
	    ? -1
	    : real(fd, bytes, n);
}

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **out)
{
	REAL(getaddrinfo);
	sleep(dns_s);
	return real(host, port, hints, out);
}

int
fstatfs64(int fd, struct statfs64 *out)
{
	const char *type = getenv("SHIM_FS");
	int rc;

	REAL(fstatfs64);
	rc = real(fd, out);
	if (rc == 0 && type != NULL)
		out->f_type = (__typeof__(out->f_type))strtoul(type, NULL, 16);
	return rc;
}

ssize_t
read(int fd, void *bytes, size_t n)
{
	REAL(read);
	if (n >= SLOW_BYTES && slow_us > 0 && on_disk(fd))
		usleep(slow_us);
	return real(fd, bytes, n);
}

ssize_t
pread64(int fd, void *bytes, size_t n, off64_t at)
{
	REAL(pread64);
	if (n >= SLOW_BYTES && slow_us > 0 && on_disk(fd))
		usleep(slow_us);
	return real(fd, bytes, n, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	REAL(pwrite64);
	return step(is_part(fd) ? "part" : "pwrite") ? -1
						     : real(fd, bytes, n, at);
}

int
ftruncate64(int fd, off64_t size)
{
	REAL(ftruncate64);
	return step("truncate") ? -1 : real(fd, size);
}

int
openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	REAL(openat64);
	va_start(ap, flags);
	mode = flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
	va_end(ap);
	if (flags & O_CREAT && step("create"))
		return -1;
	return real(dir, path, flags, mode);
}

/* Is this address in the program itself, and in no library? */
static int
is_program(const void *address)
{
	Dl_info where;

	return dladdr(address, &where) != 0 &&
	    strstr(where.dli_fname, ".so") == NULL;
}

static void
hurry(struct timespec *t)
{
	long long ns = ((long long)t->tv_sec * 1000000000 + t->tv_nsec) * fast;

	t->tv_sec = (time_t)(ns / 1000000000);
	t->tv_nsec = (long)(ns % 1000000000);
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	int rc;

	REAL(clock_gettime);
	rc = real(id, out);
	if (rc == 0 && id == CLOCK_REALTIME)
		out->tv_sec += ahead_s;
	if (rc == 0 && id == CLOCK_MONOTONIC && fast > 1 &&
	    is_program(__builtin_return_address(0)))
		hurry(out);
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}
