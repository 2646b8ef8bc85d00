#include "store_p.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stop.h"
#include "text.h"

/*
 * What lies below ROOT and is of no row: other people's files, and files of
 * the copy that somebody has moved, which are found by their bytes.
 */

/* What systems, drives and file servers put beside other people's files; '*'
 * at the end stands for anything.  Compared without regard to case. */
static const char *const of_nobody[] = {".DS_Store", "._*", ".apdisk",
    ".localized", "Icon\r", ".Spotlight-V100", ".Trashes", ".Trash",
    ".fseventsd", ".TemporaryItems", ".DocumentRevisions-V100", "Thumbs.db",
    "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
    "@eaDir", "@SynoResource", "#recycle", "#snapshot", "@Recycle",
    "@Recently-Snapshot", ".@__thumb", "lost+found", ".Trash-*", ".directory",
    ".nfs*", ".fuse_hidden*", ".smbdelete*", ".snapshot", ".zfs", ".stfolder",
    ".stversions", NULL};

static bool
is_of_nobody(const char *name)
{
	const char *const *p;
	size_t n;

	for (p = of_nobody; *p != NULL; p++) {
		n = strlen(*p);
		if ((*p)[n - 1] == '*' ? strncasecmp(name, *p, n - 1) == 0
				       : strcasecmp(name, *p) == 0)
			return true;
	}
	return false;
}

struct walk {
	struct store *s;
	void (*each)(void *, const struct store_stray *);
	void *arg;
	char **folders; /* still to look into; "" is ROOT; owned */
	size_t n, cap;
};

static void
put_folder(struct walk *w, char *path)
{
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 64 : 2 * w->cap;
		w->folders =
		    xreallocarray(w->folders, w->cap, sizeof(*w->folders));
	}
	w->folders[w->n++] = path;
}

static bool
is_in_albums(const char *path)
{
	char *key = text_fold(path), *albums = text_fold(DIR_ALBUMS "/");
	bool in = strncmp(key, albums, strlen(albums)) == 0;

	free(albums);
	free(key);
	return in;
}

static const char sql_path[] = "SELECT path FROM file WHERE key = ?1";

/* Is it a file of the copy, or reserved for one? */
static int
is_ours(bool *out, struct store *s, const char *path, const struct stat *st,
    struct err *e)
{
	char *key = text_fold(path), *ours = NULL;
	struct stat other;
	int rc = sql_first(s, e, sql_path, "t>t", key, &ours);

	/* Two spellings are two files on some volumes, and one on others. */
	*out = rc == 0 &&
	    (strcmp(ours, path) == 0 ||
		(file_stat(&other, s->root_fd, ours) == 0 &&
		    other.st_dev == st->st_dev && other.st_ino == st->st_ino));
	free(ours);
	free(key);
	if (rc == 1)
		rc = sidecar_is_at(out, s, path, e);
	if (rc == 0 && !*out && is_in_albums(path))
		rc = link_is_at(out, s, path, st, e);
	return rc;
}

static const char sql_as_large[] =
    "SELECT 1 FROM file INDEXED BY file_damaged_size"
    " WHERE damage <> 0 AND size = ?1 LIMIT 1";

/* May it be a file that has moved?  Any empty file looks like every other, and
 * not every name fits into SHA256SUMS; no file of the copy lies in Albums. */
static int
may_be_moved(bool *out, struct store *s, const char *path,
    const struct stat *st, struct err *e)
{
	int rc;

	*out = false;
	if (!S_ISREG(st->st_mode) || st->st_size == 0 || is_in_albums(path) ||
	    strpbrk(path, "\r\n\\") != NULL ||
	    !text_is_utf8(path, strlen(path)))
		return 0;
	rc = sql_first(s, e, sql_as_large, "i>", (int64_t)st->st_size);
	*out = rc == 0;
	return rc == -1 ? -1 : 0;
}

static int
look_at_entry(struct walk *w, int dir, const char *folder, const char *name,
    struct err *e)
{
	struct store_stray stray;
	char *path = NULL;
	bool ours = false;
	struct stat st;
	int rc = 0;

	if (is_of_nobody(name) ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	if (*folder == '\0' && strcmp(name, DIR_OWN) == 0)
		return 0;
	path =
	    *folder == '\0' ? xstrdup(name) : xasprintf("%s/%s", folder, name);
	if (S_ISDIR(st.st_mode)) {
		put_folder(w, path);
		return 0;
	}
	if (is_ours(&ours, w->s, path, &st, e) == -1)
		rc = -1;
	else if (!ours) {
		stray.path = path;
		stray.size_bytes = (int64_t)st.st_size;
		rc = may_be_moved(&stray.look, w->s, path, &st, e);
		if (rc == 0)
			w->each(w->arg, &stray);
	}
	free(path);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, in order; a folder that cannot be read has none. */
static char **
read_names(size_t *n, DIR *dir)
{
	char **names = NULL;
	struct dirent *entry;
	size_t cap = 0;

	*n = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (*n == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			names = xreallocarray(names, cap, sizeof(*names));
		}
		names[(*n)++] = xstrdup(entry->d_name);
	}
	if (*n > 0)
		qsort(names, *n, sizeof(*names), by_name);
	return names;
}

static int
look_into(struct walk *w, const char *folder, struct err *e)
{
	int fd = *folder == '\0'
	    ? fcntl(w->s->root_fd, F_DUPFD_CLOEXEC, 0)
	    : file_open(w->s->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	size_t n, i, before = w->n;
	char **names;
	int rc = 0;

	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd); /* was only read */
		return 0;
	}
	rewinddir(dir); /* a copy of ROOT's descriptor stands where it stood */
	names = read_names(&n, dir);
	for (i = 0; i < n; i++) {
		if (rc == 0 && stop_is_set())
			rc = err_set_errno(
			    e, ECANCELED, "%s/%s", w->s->root, folder);
		if (rc == 0)
			rc = look_at_entry(w, fd, folder, names[i], e);
		free(names[i]);
	}
	free(names);
	(void)closedir(dir);
	/* The last one put is the next one taken: in order. */
	for (i = 0; i < (w->n - before) / 2; i++) {
		char *swap = w->folders[before + i];

		w->folders[before + i] = w->folders[w->n - 1 - i];
		w->folders[w->n - 1 - i] = swap;
	}
	return rc;
}

static const char sql_moved_table[] = "CREATE TEMP TABLE IF NOT EXISTS moved("
				      "  file INTEGER PRIMARY KEY,"
				      "  path TEXT NOT NULL UNIQUE"
				      ");";
static const char sql_moved_clear[] = "DELETE FROM temp.moved";

int
moved_table(struct store *s, struct err *e)
{
	return sql_exec(s, sql_moved_table, e);
}

int
store_strays(struct store *s, void (*each)(void *, const struct store_stray *),
    void *arg, struct err *e)
{
	struct walk w = {.s = s, .each = each, .arg = arg};
	char *folder;
	int rc = 0;

	if (moved_table(s, e) == -1 || sql_exec(s, sql_moved_clear, e) == -1)
		return -1;
	put_folder(&w, xstrdup(""));
	while (w.n > 0) {
		folder = w.folders[--w.n];
		if (rc == 0)
			rc = look_into(&w, folder, e);
		free(folder);
	}
	free(w.folders);
	return rc;
}

/* Of damaged files with these bytes: one that is not found yet, else the one
 * that was found under the last path. */
static const char sql_match[] =
    "SELECT f.file, f.content, m.path"
    " FROM file f INDEXED BY file_damaged_size"
    " LEFT JOIN temp.moved m ON m.file = f.file"
    " WHERE f.damage <> 0 AND f.size = ?1 AND f.sha256 = ?2"
    " ORDER BY m.path IS NOT NULL, m.path DESC, f.key LIMIT 1";
static const char sql_moved[] =
    "INSERT INTO temp.moved(file, path) VALUES(?1, ?2)"
    " ON CONFLICT(file) DO UPDATE SET path = ?2";

int
store_found(char **stray, struct store *s, const char *path,
    const struct digest_sum *sum, struct err *e)
{
	int64_t file = 0, content = 0;
	char *before = NULL;
	bool taken = false;
	int rc;

	*stray = NULL;
	rc = sql_first(s, e, sql_match, "ib>iit", sum->size_bytes, sum->sha256,
	    sizeof(sum->sha256), &file, &content, &before);
	if (rc == 0 && file_path_taken(&taken, s, path, content, e) == -1)
		rc = -1;
	if (rc == 1 ||
	    (rc == 0 &&
		(taken || (before != NULL && strcmp(path, before) > 0)))) {
		*stray = xstrdup(path);
		rc = 0;
	} else if (rc == 0) {
		rc = sql_run(s, e, sql_moved, "it", file, path);
		if (rc == 0) {
			*stray = before;
			before = NULL;
		}
	}
	free(before);
	return rc;
}
