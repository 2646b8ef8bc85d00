#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct app;
struct buf;

/*
 * The news of a run for --notify-command: which there are (pure), how they are
 * written, and handing them over.  Nothing here changes how the run ended.
 */
enum notify_event {
	NOTIFY_ALARM,
	NOTIFY_PERSON,
	NOTIFY_INCOMPLETE,
	NOTIFY_REPAIRED,
	NOTIFY_WELL,
	NOTIFY_TRUST,
	NOTIFY_EVENTS
};
const char *notify_word(enum notify_event); /* "alarm", "person", ... */

/* Plain facts; times are ms since 1970, and 0 where there is none. */
struct notify_facts {
	enum err_code code; /* how this run ended */
	int before;         /* status of the run before it; -1: none */
	bool told;          /* trouble was told, and no success since */
	int64_t now_ms;
	int64_t since_ms;       /* last success; without one the first run */
	int64_t trust_ms;       /* when the trust of this computer ends */
	int64_t trust_told_ms;  /* when that was told last */
	int64_t repaired;       /* files */
};
/* What is to be told: a bit 1 << event for each, in the order of the enum. */
unsigned notify_choose(const struct notify_facts *);
/* Whole days of trust that are left; below 0: it has ended. */
int64_t notify_trust_days(int64_t trust_ms, int64_t now_ms);

/* One piece of news; texts may be NULL where none is known. */
struct notify_news {
	enum notify_event event;
	enum err_code code; /* status and reason of the run */
	const char *text, *next, *account, *root, *command;
	int64_t run;          /* its number; 0: it did not get that far */
	int64_t now_ms;
	bool has_trust_days;
	int64_t trust_days;
};
void notify_json(struct buf *out, const struct notify_news *); /* and '\n' */

enum notify_sent {
	NOTIFY_SENT,
	NOTIFY_FAILED, /* e says how */
	NOTIFY_LATE,   /* took longer than limit_ms and was ended; e says so */
	NOTIFY_STOPPED /* the program is to stop */
};
/* Run `sh -c command` with text on its standard input. */
enum notify_sent notify_send(const char *command, const char *text,
    int64_t limit_ms, struct err *e);

/*
 * Tell what the run of app (its outcome) and e say, if there is a command and
 * anything to tell: 30 s for all of it together.  What goes wrong is a warning.
 */
void notify_run(const struct app *, const struct err *e);

#endif
