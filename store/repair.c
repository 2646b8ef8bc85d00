#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "work.h"

/*
 * What a run that did not end has left: files under reserved names without
 * their rows, lines without rows, rows without lines.  A file is taken for
 * ours only if its bytes prove it.
 */

#define AT_ONCE 256

struct look {
	struct store *s;
	int64_t content, size_bytes;
	char *path; /* owned */
	struct digest_rule rule;
	uint8_t checksum[CHECKSUM_BYTES];
	size_t checksum_len;
	/* out */
	struct digest_sum sum;
	int errnum;
};

static void
look_run(void *arg)
{
	struct look *l = arg;

	if (store_hash_at(&l->sum, l->s->root_fd, l->path, l->rule.prefix,
		l->rule.prefix_len) == -1)
		l->errnum = errno;
}

static void
look_done(void *arg)
{
	struct look *l = arg;

	l->s->jobs--;
}

static const char sql_reserved[] =
    "SELECT f.content, f.path, c.checksum, c.size, f.file FROM file f"
    " JOIN content c ON c.content = f.content"
    " WHERE f.state = 0 AND f.file > ?1 ORDER BY f.file LIMIT 256";

/* The next reserved rows under whose paths there is a file. */
static int
next_looks(struct look looks[AT_ONCE], size_t *n, int64_t *last,
    struct store *s, bool whole, store_rule *rule, struct err *e)
{
	sqlite3_stmt *st;
	struct stat sb;
	size_t i, rows = 0;
	int rc;

	*n = 0;
	if (sql_open(&st, s, e, sql_reserved, "i", *last) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		struct look *l = &looks[*n];
		const char *path = sql_text(st, 1);

		rows++;
		*last = sqlite3_column_int64(st, 4);
		if (file_stat(&sb, s->root_fd, path) == -1 ||
		    !S_ISREG(sb.st_mode))
			continue;
		/* Nothing was interrupted: a foreign file, as every night. */
		if (!whole && sqlite3_column_int64(st, 3) >= 0 &&
		    sqlite3_column_int64(st, 3) != (int64_t)sb.st_size)
			continue;
		memset(l, 0, sizeof(*l));
		l->s = s;
		l->content = sqlite3_column_int64(st, 0);
		l->path = xstrdup(path);
		l->size_bytes = sqlite3_column_int64(st, 3);
		l->checksum_len =
		    sql_blob(l->checksum, sizeof(l->checksum), st, 2);
		(*n)++;
	}
	for (i = 0; i < *n; i++) {
		if (rule != NULL)
			rule(&looks[i].rule, looks[i].checksum,
			    looks[i].checksum_len);
	}
	return rc == -1 ? -1 : rows > 0;
}

/* Adopt what its bytes prove; a line of before proves it was ours. */
static int
judge(struct store *s, const struct look *l, bool whole, struct err *e)
{
	enum store_state state;
	bool ours = false;

	if (l->errnum == ECANCELED) /* not looked at: the next run does it */
		return err_set_errno(e, l->errnum, "%s", l->path);
	if (l->errnum != 0)
		return 0; /* left alone; its name is taken */
	if (l->rule.checked && digest_matches(&l->sum, &l->rule))
		state = STORE_STATE_PROVEN;
	else {
		if (whole &&
		    sums_has(&ours, s, l->path, l->sum.sha256, e) == -1)
			return -1;
		if (!ours || (l->rule.checked && l->rule.strict) ||
		    (l->size_bytes >= 0 && l->size_bytes != l->sum.size_bytes))
			return 0;
		state = STORE_STATE_SIZE_VERIFIED;
	}
	if (whole) {
		/* The lines are mended next, before the run begins. */
		if (file_durable(s, l->path, e) == -1)
			return -1;
		step_reached(s, "adopt");
		return file_record(s, l->content, state, &l->sum, e);
	}
	return file_adopt(s, l->content, l->path, state, &l->sum, e);
}

static int
reserved_names(struct store *s, bool whole, store_rule *rule, struct err *e)
{
	struct look *looks = xcalloc(AT_ONCE, sizeof(*looks));
	int64_t last = 0;
	int more, rc = 0;
	size_t n, i;

	do {
		more = next_looks(looks, &n, &last, s, whole, rule, e);
		for (i = 0; i < n && more != -1; i++) {
			s->jobs++;
			work_submit(s->work, look_run, look_done, &looks[i]);
		}
		while (s->jobs > 0)
			work_wait(s->work);
		for (i = 0; i < n; i++) {
			if (rc == 0 && more != -1)
				rc = judge(s, &looks[i], whole, e);
			free(looks[i].path);
		}
	} while (more == 1 && rc == 0);
	free(looks);
	return more == -1 ? -1 : rc;
}

int
repair(struct store *s, bool whole, store_rule *rule, struct err *e)
{
	if (!whole)
		return reserved_names(s, false, rule, e);
	if (sums_load(s, e) == -1 || reserved_names(s, true, rule, e) == -1 ||
	    sums_mend(s, e) == -1)
		return -1;
	return repair_wanted(s, false, e);
}

static const char sql_wanted[] =
    "INSERT INTO meta(name, value) VALUES('repair', 1)"
    " ON CONFLICT(name) DO NOTHING";
static const char sql_unwanted[] = "DELETE FROM meta WHERE name = 'repair'";

int
repair_wanted(struct store *s, bool wanted, struct err *e)
{
	return sql_run(s, e, wanted ? sql_wanted : sql_unwanted, "");
}
