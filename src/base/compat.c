#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/param.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>

#ifdef __APPLE__
#include <IOKit/pwr_mgt/IOPMLib.h>
#include <sys/attr.h>
#include <sys/clonefile.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <uuid/uuid.h>
#else
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#endif

#include <openssl/evp.h>

#include "err.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

const char *
compat_state_dir(void)
{
#ifdef __APPLE__
	return "Library/Application Support";
#else
	return ".local/state";
#endif
}

int
compat_rename_excl(int fromdir, const char *from, int todir, const char *to)
{
#ifdef __APPLE__
	return renameatx_np(fromdir, from, todir, to, RENAME_EXCL);
#else
	return renameat2(fromdir, from, todir, to, RENAME_NOREPLACE);
#endif
}

int
compat_sync(int fd, bool full)
{
	int rc;

#ifdef F_FULLFSYNC
	if (full && fcntl(fd, F_FULLFSYNC) != -1)
		return 0;
#else
	(void)full;
#endif
	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

int
compat_set_birth_time(int fd, int64_t ms)
{
#ifdef __APPLE__
	struct attrlist what = {
	    .bitmapcount = ATTR_BIT_MAP_COUNT,
	    .commonattr = ATTR_CMN_CRTIME,
	};
	struct timespec ts;
	int64_t second = ms / 1000, rest = ms % 1000;

	if (rest < 0) {
		rest += 1000;
		second--;
	}
	ts.tv_sec = (time_t)second;
	ts.tv_nsec = (long)rest * 1000000;
	if (fsetattrlist(fd, &what, &ts, sizeof(ts), 0) == -1)
		return errno == ENOTSUP || errno == EINVAL ? 0 : -1;
#else
	(void)fd;
	(void)ms;
#endif
	return 0;
}

void
compat_set_immutable(int fd, bool on)
{
#ifdef __APPLE__
	struct stat st;

	if (fstat(fd, &st) == 0 && on != ((st.st_flags & UF_IMMUTABLE) != 0))
		(void)fchflags(fd, st.st_flags ^ UF_IMMUTABLE);
#else
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
	    on != ((flags & FS_IMMUTABLE_FL) != 0)) {
		flags ^= FS_IMMUTABLE_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
#endif
}

bool
compat_is_immutable(int fd)
{
#ifdef __APPLE__
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_flags & UF_IMMUTABLE) != 0;
#else
	int flags = 0;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
	    (flags & FS_IMMUTABLE_FL) != 0;
#endif
}

int
compat_clone(int fd, int todir, const char *to)
{
#ifdef __APPLE__
	return fclonefileat(fd, todir, to, 0);
#else
	int out, rc, keep;

	out = openat(todir, to,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out == -1)
		return -1;
	rc = ioctl(out, FICLONE, fd);
	keep = errno;
	if (close(out) == -1 && rc == 0) {
		rc = -1;
		keep = errno;
	}
	if (rc == -1)
		(void)unlinkat(todir, to, 0);
	errno = keep;
	return rc;
#endif
}

void
compat_exclude_from_backup(int fd)
{
#ifdef __APPLE__
	/* The binary property list of the string "com.apple.backupd". */
	static const char value[] =
	    "bplist00_\x10\x11"
	    "com.apple.backupd\x08\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x01"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1c";

	(void)fsetxattr(fd, "com.apple.metadata:com_apple_backup_excludeItem",
	    value, sizeof(value) - 1, 0, 0);
#else
	(void)fd;
#endif
}

void
compat_preallocate(int fd, int64_t bytes)
{
	if (bytes <= 0)
		return;
#ifdef __APPLE__
	fstore_t store = {
	    .fst_flags = F_ALLOCATECONTIG,
	    .fst_posmode = F_PEOFPOSMODE,
	    .fst_length = (off_t)bytes,
	};

	if (fcntl(fd, F_PREALLOCATE, &store) == -1) {
		store.fst_flags = F_ALLOCATEALL;
		(void)fcntl(fd, F_PREALLOCATE, &store);
	}
#else
	/* The size must stay what was written: a part is resumed from there. */
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes);
#endif
}

bool
compat_is_cached(int fd)
{
#ifdef RWF_NOWAIT
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};

	return preadv2(fd, &iov, 1, 0, RWF_NOWAIT) == 1;
#else
	(void)fd;
	return false;
#endif
}

void
compat_forget_cache(int fd)
{
#ifdef __APPLE__
	(void)fcntl(fd, F_NOCACHE, 1);
#else
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#endif
}

void
compat_protect_process(void)
{
#ifndef UNDER_SANITIZER
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef __APPLE__
	/* macOS guards processes of one user from one another by itself. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
#endif
}

uint32_t
compat_stay_awake(void)
{
#ifdef __APPLE__
	IOPMAssertionID id;

	if (IOPMAssertionCreateWithName(kIOPMAssertPreventUserIdleSystemSleep,
		kIOPMAssertionLevelOn, CFSTR("icloud-pull is copying"),
		&id) == kIOReturnSuccess)
		return id;
#endif
	return 0;
}

void
compat_may_sleep(uint32_t id)
{
#ifdef __APPLE__
	if (id != 0)
		(void)IOPMAssertionRelease(id);
#else
	(void)id;
#endif
}

bool
compat_has_launchd(void)
{
#ifdef __APPLE__
	return true;
#else
	return false;
#endif
}

const char *
compat_timer_path(void)
{
#ifdef __APPLE__
	return "/usr/bin:/bin:/usr/sbin:/sbin";
#else
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
#endif
}

void
compat_random(void *out, size_t n)
{
	uint8_t *p = out;
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = n < 256 ? n : 256; /* what getentropy() gives at once */
		if (getentropy(p, part) == -1)
			err_fatal("The system has no random numbers.");
	}
}

char *
compat_strerror(char *out, size_t size, int errnum)
{
#ifdef __GLIBC__
	char room[128];

	snprintf(out, size, "%s", strerror_r(errnum, room, sizeof(room)));
#else
	if (strerror_r(errnum, out, size) != 0)
		snprintf(out, size, "error %d", errnum);
#endif
	return out;
}

static int64_t
product(uint64_t blocks, uint64_t size)
{
	if (size != 0 && blocks > (uint64_t)INT64_MAX / size)
		return INT64_MAX;
	return (int64_t)(blocks * size);
}

int
compat_space(int64_t *free_bytes, int64_t *total_bytes, int fd)
{
#ifdef __APPLE__
	/* statvfs() there counts blocks in 32 bits. */
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return -1;
	*free_bytes = product(fs.f_bavail, fs.f_bsize);
	*total_bytes = product(fs.f_blocks, fs.f_bsize);
#else
	struct statvfs fs;

	if (fstatvfs(fd, &fs) == -1)
		return -1;
	*free_bytes = product(fs.f_bavail, fs.f_frsize);
	*total_bytes = product(fs.f_blocks, fs.f_frsize);
#endif
	return 0;
}

/* What the system calls this machine; -1 if it has no name for it. */
static int
machine_id(char *out, size_t size)
{
#ifdef __APPLE__
	const struct timespec wait = {5, 0};
	uuid_t id;
	size_t i;

	if (size < 2 * sizeof(id) + 1 || gethostuuid(id, &wait) == -1)
		return -1;
	for (i = 0; i < sizeof(id); i++)
		snprintf(out + 2 * i, 3, "%02x", (unsigned)id[i]);
	return 0;
#else
	static const char *const files[] = {
	    "/etc/machine-id", "/var/lib/dbus/machine-id"};
	size_t i;
	FILE *f;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		f = fopen(files[i], "re");
		if (f == NULL)
			continue;
		if (fgets(out, (int)size, f) == NULL)
			out[0] = '\0';
		fclose(f);
		out[strcspn(out, "\r\n")] = '\0';
		if (strlen(out) >= 32)
			return 0;
	}
	return -1;
#endif
}

void
compat_machine(char *out, size_t size)
{
	static const char salt[] = "icloud-pull";
	char raw[128], name[33];
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t i;

	if (machine_id(raw, sizeof(raw)) == -1) {
		if (gethostname(raw, sizeof(raw)) == -1)
			snprintf(raw, sizeof(raw), "unknown");
		raw[sizeof(raw) - 1] = '\0';
		snprintf(out, size, "%s", raw);
		return;
	}
	/* machine-id(5): it is private and leaves the machine only hashed. */
	strncat(raw, salt, sizeof(raw) - strlen(raw) - 1);
	if (EVP_Digest(raw, strlen(raw), hash, NULL, EVP_sha256(), NULL) != 1)
		err_fatal("OpenSSL cannot compute SHA-256.");
	for (i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", (unsigned)hash[i]);
	snprintf(out, size, "%s", name);
}

bool
compat_is_foreign_volume(int fd)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) == -1)
		return false;
#ifdef __APPLE__
	static const char *const foreign[] = {
	    "smbfs", "nfs", "afpfs", "webdav", "exfat", "msdos"};

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strcmp(fs.f_fstypename, foreign[i]) == 0)
			return true;
#else
	static const uint32_t foreign[] = {
	    0xff534d42, /* cifs */
	    0xfe534d42, /* smb2 */
	    0x0000517b, /* smb */
	    0x00006969, /* nfs */
	    0x2011bab0, /* exfat */
	    0x00004d44, /* vfat */
	    0x01021997, /* 9p: a virtual machine's view of its host */
	};

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if ((uint32_t)fs.f_type == foreign[i])
			return true;
#endif
	return false;
}

/* More is of no use to us. */
#define DESCRIPTORS_MAX 1024

int
compat_descriptors(void)
{
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 256;
	raised = limit;
	raised.rlim_cur =
	    limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (limit.rlim_cur < raised.rlim_cur &&
	    setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	return limit.rlim_cur < DESCRIPTORS_MAX ? (int)limit.rlim_cur
						: DESCRIPTORS_MAX;
}
