#ifndef TIMER_H
#define TIMER_H

#include "child.h"

struct err;

/* What the system says of the timer that starts the nightly run, and of the
 * commands that such a run would start.  Nothing is changed by looking. */

enum timer_state {
	TIMER_ON,
	TIMER_OFF,
	TIMER_NO_MANAGER, /* neither systemd nor launchd: cron, or something else */
	TIMER_UNKNOWN,    /* out->said tells why */
};
/* out: the caller ends with buf_clear(&out->said). */
enum timer_state timer_look(struct child_result *out);
/* Does it run while nobody is logged in?  (systemd's lingering.) */
enum timer_state timer_lingers(struct child_result *out);
/* The next step: how to switch it on; how to let it run without a login. */
const char *timer_enable(void);
const char *timer_linger(void);

enum timer_command {
	TIMER_COMMAND_FOUND,
	TIMER_COMMAND_HERE_ONLY, /* by our PATH, but not by a timer's */
	TIMER_COMMAND_MISSING,
	TIMER_COMMAND_BROKEN, /* no shell command at all */
	TIMER_COMMAND_OPAQUE, /* begins with more than a plain word */
};
/* Is what `sh -c command` starts first a program?  It is not run. */
enum timer_command timer_command(const char *command);

#endif
