#ifndef OPT_H
#define OPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct err;

/* Whose option it is: everybody's, or one command's. */
enum opt_scope {
	OPT_GLOBAL,
	OPT_LOGIN,
	OPT_SYNC,
	OPT_STATUS,
	OPT_VERIFY,
	OPT_SCOPES
};

/*
 * One table of options feeds command line, environment (ICLOUD_PULL_<NAME>),
 * configuration file (name = value) and --help.  Command line beats
 * environment beats file.  No option takes a secret.
 */
struct options {
	/* global */
	char *root;   /* the copy */
	char *config; /* configuration file */
	char *account;
	char *password_command;
	char *ca_file, *connect_to;
	bool json, help, version;
	bool quiet;
	int64_t verbose; /* times -v was given */
	/* login */
	bool from_stdin; /* --stdin */
	bool code;       /* --code */
	int64_t sms;     /* --sms[=N]: number N from 1; 0: devices */
	/* sync */
	bool dry_run, strict;
	int64_t jobs;
	int64_t limit_rate; /* bytes a second; 0: none */
	int64_t file_mode;  /* before umask */
	char *layout;
	/* status */
	bool gaps;
	/* An option of each scope that stood on the command line; NULL. */
	const char *given[OPT_SCOPES];
};

/*
 * Read everything: command line, environment, configuration file (config_path
 * unless --config says otherwise).  A file that is absent is empty; one given
 * by name must be there, except for login, which makes it.  *command: the word
 * that names the command, NULL if none was given; more words are an error.
 * ERR_USAGE with a sentence; a configuration error names file:line.  The
 * caller ends with opt_clear(), after a failure too.
 */
int opt_read(struct options *out, const char **command, int argc,
    char *const argv[], const char *config_path, struct err *);
void opt_clear(struct options *);
/* The options on the command line all belong to scope, or ERR_USAGE. */
int opt_check_scope(const struct options *, enum opt_scope, struct err *);

/* The lines of --help for the options of one scope. */
void opt_help(FILE *, enum opt_scope);

/*
 * Write "name = value" into a configuration file where that name is not set
 * yet, keeping all other lines and the file's mode.  1: it is set already to
 * another value, which is left.  A value that would not be read back as it is
 * (line breaks, blanks at its ends) is ERR_USAGE.
 */
int opt_config_set(
    const char *path, const char *name, const char *value, struct err *);

#endif
