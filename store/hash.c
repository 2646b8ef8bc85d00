#include "store_p.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "compat.h"
#include "stop.h"

#define CHUNK ((size_t)256 << 10)

int
store_hash_at(struct digest_sum *out, int dir, const char *path,
    const uint8_t *prefix, size_t prefix_len)
{
	int64_t mtime_ms;

	return store_check_at(out, &mtime_ms, dir, path, prefix, prefix_len);
}

int
store_check_at(struct digest_sum *out, int64_t *mtime_ms, int dir,
    const char *path, const uint8_t *prefix, size_t prefix_len)
{
	struct digest *d = NULL;
	uint8_t *chunk = NULL;
	struct stat st;
	ssize_t got;
	bool cached;
	int fd, errnum = 0;

	/* Not waiting, should a fifo be in the file's place. */
	fd = file_open(dir, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1) {
		errnum = errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		errnum = EISDIR;
		goto out;
	}
	*mtime_ms = file_mtime_ms(&st);
	cached = compat_is_cached(fd);
	chunk = xmalloc(CHUNK);
	d = digest_new(prefix, prefix_len);
	for (;;) {
		if (stop_is_set()) {
			errnum = ECANCELED;
			goto out;
		}
		got = read(fd, chunk, CHUNK);
		if (got == 0)
			break;
		if (got > 0)
			digest_add(d, chunk, (size_t)got);
		else if (errno != EINTR) {
			errnum = errno;
			goto out;
		}
	}
	digest_end(out, d);
	/* Reading a whole library must not push everything else out, nor what
	 * somebody else has just read. */
	if (!cached)
		compat_forget_cache(fd);
out:
	digest_free(d);
	free(chunk);
	(void)close(fd); /* was only read */
	errno = errnum;
	return errnum == 0 ? 0 : -1;
}
