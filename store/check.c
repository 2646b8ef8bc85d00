#include "store_p.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "civil.h"
#include "stop.h"

/* Looking whether a run could work; what a copy is, is looked at in copy.c. */

#define STEPS_A_LOOK 20000 /* SQLite's; some milliseconds */

int
store_check_volume(
    struct file_volume *out, const struct store *s, struct err *e)
{
	if (file_probe(out, s->root_fd, DIR_OWN, e) == 0)
		return 0;
	if (e != NULL && e->code == ERR_DISK)
		return err_set(e, ERR_DISK, e->next,
		    "The copy %s cannot be written: %s", s->root, e->what);
	return -1;
}

static bool
count_part(int64_t *files, int64_t *bytes, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT; /* it got its final name just now */
	if (S_ISREG(st.st_mode)) {
		(*files)++;
		*bytes += st.st_size;
	}
	return true;
}

int
store_check_parts(
    int64_t *files, int64_t *bytes, const struct store *s, struct err *e)
{
	int fd = file_open(s->root_fd, DIR_PARTIAL, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int rc = 0;

	*files = *bytes = 0;
	if (dir == NULL) {
		if (fd == -1 && errno == ENOENT)
			return 0;
		rc = err_set_errno(
		    e, errno, "%s/%s cannot be opened", s->root, DIR_PARTIAL);
		if (fd != -1)
			(void)close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (!count_part(files, bytes, dirfd(dir), entry->d_name))
			rc = err_set_errno(e, errno, "%s/%s cannot be read",
			    s->root, DIR_PARTIAL);
	(void)closedir(dir);
	return rc;
}

/* SQLite asks now and then whether to go on; 0: yes. */
static int
is_enough(void *until_ms)
{
	return stop_is_set() || clock_mono_ms() >= *(const int64_t *)until_ms;
}

int
store_check_catalogue(
    bool *whole, struct store *s, int64_t most_ms, struct err *e)
{
	int64_t until_ms = clock_mono_ms() + most_ms;
	sqlite3_stmt *st = NULL;
	const char *says;
	int rc = -1, got;

	*whole = true;
	sqlite3_progress_handler(s->db, STEPS_A_LOOK, is_enough, &until_ms);
	got = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (got == SQLITE_OK)
		got = sqlite3_step(st);
	if (got == SQLITE_INTERRUPT && stop_is_set()) {
		err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
		goto out;
	}
	if (got == SQLITE_INTERRUPT) {
		*whole = false;
		rc = 0;
		goto out;
	}
	if (got != SQLITE_ROW) {
		sql_fail(s, e);
		goto out;
	}
	says = (const char *)sqlite3_column_text(st, 0);
	if (says != NULL && strcmp(says, "ok") == 0)
		rc = 0;
	else
		sql_damaged(s, e);
out:
	(void)sqlite3_finalize(st);
	sqlite3_progress_handler(s->db, 0, NULL, NULL);
	return rc;
}
