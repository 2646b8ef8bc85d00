#ifndef OPT_H
#define OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

/* Whose option it is: everybody's, or that of some commands. */
enum opt_scope {
	OPT_GLOBAL,
	OPT_LOGIN,
	OPT_SYNC,
	OPT_STATUS,
	OPT_VERIFY,
	OPT_LIST,
	OPT_DOCTOR,
	OPT_SCOPES
};

/* An option that may be given several times; owned. */
struct opt_list {
	char **at;
	size_t n;
};

/* A date as given: "2024", "2024-07", "2024-07-31", or with a time of day, is
 * the span of time that it names, in ms since 1970 of a calendar without a
 * zone: from its first, to just behind its last. */
struct opt_date {
	bool set;
	int64_t from_ms, to_ms;
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
	char *notify_command;
	char *idmsa_host; /* of Apple's two; NULL: by itself */
	char *completion; /* shell to write completions for */
	bool json, help, version;
	bool quiet;
	int64_t verbose; /* times -v was given */
	/* login */
	bool from_stdin; /* --stdin */
	bool code;       /* --code */
	bool save_password;
	int64_t sms;     /* --sms[=N]: number N from 1; 0: devices */
	int64_t voice;   /* the same by a call */
	/* sync */
	bool dry_run, strict, scheduled, prove;
	bool lock_files; /* make new files immutable */
	struct opt_list libraries, albums;
	struct opt_list skip; /* live raw edited video hidden trashed */
	struct opt_date since, until; /* capture date, both included */
	int64_t recent;              /* newest added; 0: all */
	int64_t jobs;
	int64_t limit_rate; /* bytes a second; 0: none */
	int64_t file_mode;  /* before umask */
	char *layout;
	char *sidecar; /* "none", "xmp"; NULL: none */
	char *album_links; /* "none", "links"; NULL: none */
	/* status */
	bool gaps;
	/* verify; and sync, which can check a slice of the copy too */
	char *repair;      /* "all", "missing", "damaged"; NULL: do not */
	int64_t sample;    /* hundredths of a percent of the copy; 0: all */
	int64_t minutes;   /* most time for checking; 0: no limit */
	/* list */
	struct opt_date as_of;

	const char *operand; /* the word behind the command; borrowed, or NULL */
	uint64_t given;      /* bit for each option of the command line */
};

/*
 * Read everything: command line, environment, configuration file (config_path
 * unless --config says otherwise).  A file that is absent is empty; one given
 * by name must be there, except for login, which makes it.  *command: the word
 * that names the command, NULL if none was given; a word behind it is
 * out->operand; more words are an error.
 * ERR_USAGE with a sentence; a configuration error names file:line.  The
 * caller ends with opt_clear(), after a failure too.
 */
int opt_read(struct options *out, const char **command, int argc,
    char *const argv[], const char *config_path, struct err *);
void opt_clear(struct options *);
/* The options on the command line all belong to scope, or ERR_USAGE. */
int opt_check_scope(const struct options *, enum opt_scope, struct err *);

/* Was one of these, divided by blanks, given on the command line? */
bool opt_given(const struct options *, const char *names);

/* The lines of --help for the options of one scope. */
void opt_help(FILE *, enum opt_scope);
/* Has this scope options of its own? */
bool opt_has(enum opt_scope);

/* Is it one of the words of a list divided by blanks? */
bool opt_is_word(const char *words, const char *value);

/* An option as completions need it. */
struct opt_info {
	const char *name, *help;
	char letter;      /* 0: none */
	const char *arg;  /* its value's name ("FILE", "DIR"); NULL: takes none */
	bool value_optional; /* --name or --name=VALUE */
	bool again;          /* may be given several times */
	const char *words;   /* all that its value can be, divided by blanks,
	                      * of one that may be given again also several
	                      * with commas; NULL: anything */
};
/* Those of one scope, in the order of --help; OPT_SCOPES: of all. */
void opt_each(enum opt_scope, void (*each)(void *, const struct opt_info *),
    void *arg);

/*
 * Write "name = value" into a configuration file where that name is not set
 * yet, keeping all other lines and the file's mode.  1: it is set already to
 * another value, which is left.  A value that would not be read back as it is
 * (line breaks, blanks at its ends) is ERR_USAGE.
 */
int opt_config_set(
    const char *path, const char *name, const char *value, struct err *);

#endif
