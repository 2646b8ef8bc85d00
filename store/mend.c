#include "store_p.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "text.h"

/*
 * Mending: a damaged file becomes one that is reserved and wanted again, keeps
 * its path and what stands there, and gets that path when its bytes are proven
 * (place.c); or its row follows the file to where somebody has moved it.
 */

#define AT_ONCE 256

/* ---- what is moved ---- */

static const char sql_next_moved[] =
    "SELECT m.file, m.path, f.path, f.content, f.stem, s.asset"
    " FROM temp.moved m JOIN file f ON f.file = m.file"
    " JOIN stem s ON s.stem = f.stem WHERE m.file > ?1"
    " ORDER BY m.file LIMIT 1";
static const char sql_arrive[] =
    "UPDATE file SET state = max(state, mend), mend = 0, damage = 0,"
    " changed_ms = NULL, checked_ms = ?2 WHERE file = ?1";
static const char sql_held_again[] =
    "UPDATE content SET want = NULL," FORGET_FAILURE ","
    " state = (SELECT f.state FROM file f WHERE f.content = ?1)"
    " WHERE content = ?1";
static const char sql_forget_moved[] = "DELETE FROM temp.moved WHERE file = ?1";

struct move {
	int64_t file, content, stem, asset;
	char *from, *to; /* owned */
};

static int
follow(struct store *s, const struct move *m, struct err *e)
{
	struct stat st;

	if (file_repath(s, m->file, m->stem, m->to, e) == -1 ||
	    sql_run(s, e, sql_arrive, "ii", m->file, clock_now_ms()) == -1 ||
	    sql_run(s, e, sql_held_again, "i", m->content) == -1 ||
	    event_add(s, m->asset, EVENT_MOVED, m->from, e) == -1 ||
	    file_month_changed(s, m->content, e) == -1 ||
	    sql_run(s, e, sql_forget_moved, "i", m->file) == -1)
		return -1;
	if (file_stat(&st, s->root_fd, m->to) == -1)
		return 0; /* it moves again: the next check sees it */
	return file_time(s, m->content, file_mtime_ms(&st), e);
}

/* The next few, each durable before its row says so; 1: there are no more. */
static int
follow_some(struct store *s, int64_t *last,
    void (*moved)(void *, const char *, const char *), void *arg, struct err *e)
{
	struct move m;
	bool own;
	int i, rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	for (i = rc = 0; rc == 0 && i < AT_ONCE; i++) {
		rc = sql_first(s, e, sql_next_moved, "i>ittiii", *last, &m.file,
		    &m.to, &m.from, &m.content, &m.stem, &m.asset);
		if (rc != 0)
			break;
		*last = m.file;
		rc = file_durable(s, m.to, e);
		if (rc == 0)
			rc = follow(s, &m, e);
		if (rc == 0)
			moved(arg, m.from, m.to);
		free(m.from);
		free(m.to);
	}
	if (tx_end(s, own, rc == 1 ? 0 : rc, e) == -1)
		return -1;
	step_reached(s, "followed");
	return rc;
}

int
store_follow(struct store *s, void (*moved)(void *, const char *, const char *),
    void *arg, struct err *e)
{
	int64_t last = 0, before;
	bool any = false;
	int rc;

	assert(mode_writes(s->mode) && s->run != 0);
	if (moved_table(s, e) == -1)
		return -1;
	do {
		before = last;
		rc = follow_some(s, &last, moved, arg, e);
		any = any || last != before;
	} while (rc == 0);
	/* Rows before lines: a run that dies here is put in order by them. */
	if (rc == 1)
		rc = any ? sums_anew(s, e) : 0;
	return rc;
}

/* ---- what is fetched anew ---- */

static const char sql_give_up_content[] =
    "UPDATE content SET want = NULL," FORGET_FAILURE ","
    " state = (SELECT f.mend FROM file f WHERE f.content = ?1)"
    " WHERE content = ?1 AND EXISTS(SELECT 1 FROM file f"
    "  WHERE f.content = ?1 AND f.mend <> 0)";
static const char sql_give_up_file[] = "UPDATE file SET state = mend, mend = 0"
				       " WHERE content = ?1 AND mend <> 0";

int
mend_give_up(struct store *s, int64_t content, struct err *e)
{
	bool own;
	int rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = sql_run(s, e, sql_give_up_content, "i", content);
	if (rc == 0)
		rc = sql_run(s, e, sql_give_up_file, "i", content);
	return tx_end(s, own, rc, e);
}

static const char sql_below[] =
    "SELECT 1 FROM file WHERE key > ?1 AND key < ?2 AND state + mend > 0"
    " LIMIT 1";
static const char sql_above[] =
    "SELECT 1 FROM file WHERE key = ?1 AND state + mend > 0";

/* Would other files of the copy go to quarantine with what is in its place?
 * Only where somebody has moved files, and rows have followed. */
static int
holds_others(bool *out, struct store *s, const char *path, struct err *e)
{
	char *key = text_fold(path), *from = xasprintf("%s/", key), *to, *p;
	int rc;

	to = xasprintf("%s%c", key, '/' + 1);
	rc = sql_first(s, e, sql_below, "tt>", from, to);
	while (rc == 1 && (p = strrchr(key, '/')) != NULL) {
		*p = '\0';
		rc = sql_first(s, e, sql_above, "t>", key);
	}
	*out = rc == 0;
	free(key);
	free(from);
	free(to);
	return rc == -1 ? -1 : 0;
}

static const char sql_next_damaged[] =
    "SELECT f.file, f.content, f.key, f.path FROM file f INDEXED BY"
    " file_damaged JOIN content c ON c.content = f.content"
    " WHERE f.damage <> 0 AND f.key > ?1 AND f.state > 0 AND c.live = 1"
    " AND (?2 >> f.damage) & 1 ORDER BY f.key LIMIT 1";
static const char sql_mend_file[] =
    "UPDATE file SET mend = state, state = 0 WHERE file = ?1";
static const char sql_mend_content[] =
    "UPDATE content SET state = 0," FORGET_FAILURE " WHERE content = ?1";

static int
want_anew(struct store *s, int64_t file, int64_t content, struct err *e)
{
	if (sql_run(s, e, sql_mend_file, "i", file) == -1 ||
	    sql_run(s, e, sql_mend_content, "i", content) == -1)
		return -1;
	want_again(s, content);
	return content_refresh(s, content, e);
}

/* The next few damaged files; 1: there are no more. */
static int
mend_some(char **key, int64_t *n, int64_t *kept, struct store *s,
    unsigned kinds, struct err *e)
{
	int64_t file, content;
	char *next, *path;
	bool own, others;
	int i, rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	for (i = rc = 0; rc == 0 && i < AT_ONCE; i++) {
		rc = sql_first(s, e, sql_next_damaged, "ti>iitt", *key,
		    (int64_t)kinds, &file, &content, &next, &path);
		if (rc != 0)
			break;
		free(*key);
		*key = next;
		rc = holds_others(&others, s, path, e);
		if (rc == 0 && others)
			(*kept)++;
		else if (rc == 0) {
			(*n)++;
			rc = want_anew(s, file, content, e);
		}
		free(path);
	}
	if (tx_end(s, own, rc == 1 ? 0 : rc, e) == -1)
		return -1;
	step_reached(s, "mending");
	return rc;
}

int
store_mend(
    int64_t *n, int64_t *kept, struct store *s, unsigned kinds, struct err *e)
{
	char *key = xstrdup("");
	int rc;

	assert(mode_writes(s->mode) && s->run != 0);
	*n = *kept = 0;
	do
		rc = mend_some(&key, n, kept, s, kinds, e);
	while (rc == 0);
	free(key);
	return rc == 1 ? 0 : -1;
}
