#ifndef CMD_H
#define CMD_H

#include <stdint.h>

#include "opt.h"

struct err;
struct report;

/* What a run of sync or verify leaves for those who are told of it. */
struct outcome {
	const char *command; /* as in the table of runs; NULL: no news of it */
	int64_t run;         /* its number; 0: it did not get that far */
	int64_t repaired;    /* files that were fetched anew */
	char text[640];      /* the verdict's line; "" if it came to none */
};

/* What a run needs and every command is given. */
struct app {
	struct options opt;
	char *config_path;     /* --config or CONFIG/config */
	char *state_dir;       /* STATE */
	struct report *report; /* standard output and progress */
	int signal_fd;         /* readable once a signal has come */
	struct outcome outcome;
};

/*
 * A subcommand.  run() returns 0 or -1 with e; a result that is no failure of
 * the program (a verdict of "incomplete") is an e with its code and an empty
 * sentence, the sentence having been printed already.
 */
struct cmd {
	const char *name, *help;
	enum opt_scope scope;
	const char *words; /* what may stand behind it; NULL: nothing */
	int (*run)(struct app *, struct err *);
};

extern const struct cmd cmd_login, cmd_logout, cmd_sync, cmd_verify, cmd_status,
    cmd_list, cmd_doctor;

#endif
