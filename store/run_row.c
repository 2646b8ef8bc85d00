#include "store_p.h"

#include <assert.h>
#include <stdlib.h>

/* Runs, numbered. */

static const char sql_last[] =
    "SELECT run, ended_ms = 0 FROM run ORDER BY run DESC LIMIT 1";
static const char sql_repair[] = "SELECT 1 FROM meta WHERE name = 'repair'";
static const char sql_begin[] =
    "INSERT INTO run(run, command, began_ms) VALUES(?1, ?2, ?3)";
static const char sql_end_run[] =
    "UPDATE run SET ended_ms = ?2, exit_status = ?3, summary = ?4"
    " WHERE run = ?1";

/* That a run has begun must outlive a power cut, or it is not missed. */
static int
begin_durably(
    struct store *s, const char *command, int64_t now_ms, struct err *e)
{
	int rc;

	if (sql_exec(s, "PRAGMA synchronous = FULL", e) == -1)
		return -1;
	rc = sql_run(s, e, sql_begin, "iti", s->run, command, now_ms);
	if (sql_exec(s, "PRAGMA synchronous = NORMAL", rc == 0 ? e : NULL) ==
	    -1)
		rc = -1;
	return rc;
}

int
store_run_begin(int64_t *run, struct store *s, const char *command,
    int64_t now_ms, store_rule *rule, struct err *e)
{
	bool writes = mode_writes(s->mode);
	int64_t last = 0;
	int rc, unended = 0;

	assert(s->run == 0 && s->mode != STORE_READ);
	assert(!writes || s->work != NULL);
	if (sql_first(s, e, sql_last, ">id", &last, &unended) == -1)
		return -1;
	rc = sql_first(s, e, sql_repair, ">");
	if (rc == -1)
		return -1;
	s->run = last + 1;
	if (writes)
		rc = repair(s, unended || rc == 0, rule, e);
	else
		rc = unended ? repair_wanted(s, true, e) : 0;
	if (rc == -1 || begin_durably(s, command, now_ms, e) == -1) {
		s->run = 0;
		return -1;
	}
	wants_begin(s);
	*run = s->run;
	return 0;
}

int
store_run_end(struct store *s, int exit_status, const char *summary,
    int64_t now_ms, struct err *e)
{
	assert(s->run != 0);
	if (exit_status == 0 && mode_writes(s->mode))
		part_sweep(s);
	if (sql_run(s, e, sql_end_run, "iidt", s->run, now_ms > 0 ? now_ms : 1,
		exit_status, summary) == -1)
		return -1;
	s->run = 0;
	return 0;
}

static const char sql_run_now[] = "SELECT ifnull(max(run), 0) FROM run";

int
run_now(int64_t *run, struct store *s, struct err *e)
{
	*run = s->run;
	return s->run != 0 ? 0 : sql_first(s, e, sql_run_now, ">i", run);
}

static const char sql_runs[] =
    "SELECT run, began_ms, ended_ms, command, ifnull(summary, ''),"
    " CASE WHEN ended_ms = 0 THEN -1 ELSE exit_status END FROM run"
    " WHERE run < ?1 ORDER BY run DESC LIMIT 1";

int
store_runs(struct store *s, size_t n,
    void (*each)(void *, const struct store_run *), void *arg, struct err *e)
{
	struct store_run r = {.run = INT64_MAX};
	char *command, *summary;
	int rc = 0;

	while (n-- > 0 && rc == 0) {
		rc = sql_first(s, e, sql_runs, "i>iiittd", r.run, &r.run,
		    &r.began_ms, &r.ended_ms, &command, &summary,
		    &r.exit_status);
		if (rc == 0) {
			r.command = command;
			r.summary = summary;
			each(arg, &r);
			free(command);
			free(summary);
		}
	}
	return rc == -1 ? -1 : 0;
}

static const char sql_first_of[] =
    "SELECT began_ms FROM run WHERE command = ?1 AND run < ?2"
    " ORDER BY run LIMIT 1";
static const char sql_success_of[] =
    "SELECT began_ms, ended_ms FROM run WHERE command = ?1 AND run < ?2"
    " AND ended_ms <> 0 AND exit_status = 0 ORDER BY run DESC LIMIT 1";
static const char sql_status_of[] =
    "SELECT exit_status FROM run WHERE command = ?1 AND run < ?2"
    " AND ended_ms <> 0 ORDER BY run DESC LIMIT 1";

int
store_history(struct store_history *out, struct store *s, const char *command,
    int64_t before, struct err *e)
{
	*out = (struct store_history){.status = -1};
	if (sql_first(s, e, sql_first_of, "ti>i", command, before,
		&out->first_ms) == -1 ||
	    sql_first(s, e, sql_success_of, "ti>ii", command, before,
		&out->success_ms, &out->success_end_ms) == -1 ||
	    sql_first(s, e, sql_status_of, "ti>d", command, before,
		&out->status) == -1)
		return -1;
	return 0;
}
