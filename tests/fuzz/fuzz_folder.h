#ifndef FUZZ_FOLDER_H
#define FUZZ_FOLDER_H

/* A folder for targets that read files: made when first asked for, below
 * TMPDIR, and removed at the end with all that lies in it. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "file.h"

static struct {
	char path[256];
	int fd;
} fuzz_dir;

static inline void
fuzz_folder_remove(void)
{
	DIR *dir = opendir(fuzz_dir.path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		(void)unlinkat(fuzz_dir.fd, entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	close(fuzz_dir.fd);
	rmdir(fuzz_dir.path);
}

/* Its path, and with fd its descriptor, which stays open. */
static inline const char *
fuzz_folder(int *fd)
{
	const char *tmp = getenv("TMPDIR");

	if (fuzz_dir.path[0] == '\0') {
		snprintf(fuzz_dir.path, sizeof(fuzz_dir.path),
		    "%s/fuzz-XXXXXX", tmp != NULL ? tmp : "/tmp");
		must(mkdtemp(fuzz_dir.path) != NULL);
		fuzz_dir.fd = open(
		    fuzz_dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(fuzz_dir.fd != -1);
		must(atexit(fuzz_folder_remove) == 0);
	}
	if (fd != NULL)
		*fd = fuzz_dir.fd;
	return fuzz_dir.path;
}

/* A file in it, whole. */
static inline void
fuzz_file(const char *name, const void *p, size_t n)
{
	int fd;

	(void)fuzz_folder(NULL);
	fd = openat(fuzz_dir.fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd != -1);
	must(n == 0 || file_write_all(fd, p, n) == 0);
	must(close(fd) == 0);
}

#endif
