#include "store_p.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "compat.h"

/* What checks have found, and what is known to be damaged because of them. */

/* Times of FAT are even seconds, and some servers keep no parts of one. */
#define TIME_SLACK_MS 2000

static const char sql_good[] =
    "UPDATE file SET checked_ms = ?2, damage = 0, changed_ms = NULL,"
    " mtime_ms = CASE WHEN ?3 THEN ?4 ELSE mtime_ms END WHERE file = ?1";
static const char sql_bad[] =
    "UPDATE file SET checked_ms = ?2, damage = ?5, changed_ms ="
    " CASE WHEN ?3 AND abs(?4 - mtime_ms) > ?6 THEN ?4 END WHERE file = ?1";

int
store_file_note(
    struct store *s, const struct store_note *n, int64_t now_ms, struct err *e)
{
	assert(s->mode != STORE_READ);
	if (n->damage == STORE_GOOD)
		return sql_run(s, e, sql_good, "iidi", n->file, now_ms,
		    (int)n->has_mtime, n->mtime_ms);
	return sql_run(s, e, sql_bad, "iididi", n->file, now_ms,
	    (int)n->has_mtime, n->mtime_ms, (int)n->damage,
	    (int64_t)TIME_SLACK_MS);
}

int
store_check_mounted(const struct store *s, struct err *e)
{
	int fd = file_open(s->root_fd, PATH_MARKER, O_RDONLY, 0);
	ssize_t got = -1;
	char first;

	if (fd != -1) {
		compat_forget_cache(fd);
		got = read(fd, &first, 1);
		(void)close(fd); /* was only read */
	}
	if (got == 1)
		return 0;
	return err_set(e, ERR_NOT_MOUNTED,
	    "Connect the disk that holds the copy, and run again.",
	    "The copy is not at %s any more.", s->root);
}

static const char sql_known_bad[] =
    "SELECT f.key, f.path, m.path, z.name, n.name, f.damage, f.size,"
    " f.changed_ms, c.live, f.mend FROM file f INDEXED BY file_damaged"
    " JOIN content c ON c.content = f.content"
    " LEFT JOIN temp.moved m ON m.file = f.file"
    " LEFT JOIN record n ON n.rec = (SELECT min(r.rec) FROM resource r"
    "  WHERE r.content = f.content)"
    " LEFT JOIN zone z ON z.zone = n.zone"
    " WHERE f.damage <> 0 AND f.key > ?1 AND f.checked_ms >= ?2"
    " ORDER BY f.key LIMIT 1";

/* One at a time: each() may use the store. */
int
store_damaged(struct store *s, int64_t since_ms,
    void (*each)(void *, const struct store_damaged *), void *arg,
    struct err *e)
{
	char *key = xstrdup(""), *next, *path, *to, *zone, *record;
	struct store_damaged d;
	int rc, kind, live, mend;

	if (moved_table(s, e) == -1) {
		free(key);
		return -1;
	}
	for (;;) {
		rc = sql_first(s, e, sql_known_bad, "ti>tttttdiodd", key,
		    since_ms, &next, &path, &to, &zone, &record, &kind,
		    &d.size_bytes, &d.has_changed, &d.changed_ms, &live, &mend);
		if (rc != 0)
			break;
		d.path = path;
		d.to = to;
		d.zone = zone;
		d.record = record;
		d.damage = (enum store_damage)kind;
		d.gone = live != LIVE_NOW;
		d.mending = mend != 0;
		each(arg, &d);
		free(path);
		free(to);
		free(zone);
		free(record);
		free(key);
		key = next;
	}
	free(key);
	return rc == 1 ? 0 : -1;
}
