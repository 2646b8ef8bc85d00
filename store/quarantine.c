#include "store_p.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compat.h"

/*
 * What makes room for a file that is mended: .icloud-pull/quarantine/RUN/PATH,
 * whatever it is.  Nothing here takes anything away for good.
 */

#define TRIES_MAX 1000

/* A file that was made immutable (--lock-files) cannot be renamed. */
static void
unlock(const struct store *s, const char *path)
{
	int fd = file_open(s->root_fd, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd == -1)
		return; /* then the rename says why */
	compat_set_immutable(fd, false);
	(void)close(fd); /* nothing was written */
}

/* Something else lies in quarantine under that name, or in its folder's. */
static bool
is_in_the_way(int errnum)
{
	return errnum == EEXIST || errnum == ENOTDIR || errnum == ELOOP ||
	    errnum == ENOTEMPTY;
}

static int
put_away(const struct store *s, const char *path)
{
	char *folder, *to;
	int n, rc = -1, errnum = EEXIST;

	unlock(s, path);
	for (n = 1; n <= TRIES_MAX && rc == -1 && is_in_the_way(errnum); n++) {
		to = n == 1 ? xasprintf("%s/%lld/%s", DIR_QUARANTINE,
				  (long long)s->run, path)
			    : xasprintf("%s/%lld-%d/%s", DIR_QUARANTINE,
				  (long long)s->run, n, path);
		folder = folder_of(to);
		rc = file_mkdirs(s->root_fd, folder);
		if (rc == 0)
			rc = file_rename_new(
			    s->root_fd, path, to, s->volume.rename);
		errnum = errno;
		/* Before another file takes the name: it is found there. */
		if (rc == 0 && file_sync_dir(s->root_fd, folder) == -1) {
			errnum = errno;
			n = TRIES_MAX;
			rc = -1;
		}
		free(folder);
		free(to);
	}
	errno = errnum;
	return rc;
}

int
quarantine(const struct store *s, const char *path)
{
	bool in_the_way = false;
	struct stat st;
	size_t n = 0;
	char *part;
	int rc, errnum;

	/* A folder's place first: what is below it cannot be seen. */
	do {
		n += strcspn(path + n, "/");
		part = xstrndup(path, n);
		rc = file_stat(&st, s->root_fd, part);
		in_the_way =
		    rc == 0 && (path[n] == '\0' || !S_ISDIR(st.st_mode));
		if (in_the_way)
			rc = put_away(s, part);
		errnum = errno;
		free(part);
	} while (rc == 0 && !in_the_way && path[n++] != '\0');
	errno = errnum;
	return rc == -1 && errnum == ENOENT ? 0 : rc;
}
