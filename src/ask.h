#ifndef ASK_H
#define ASK_H

#include <stdbool.h>

struct err;

/* Answers from a person or a script.  What comes back is a secret: the caller
 * ends with secret_free(). */

/* Is there a person to ask? Standard input and error are a terminal. */
bool ask_is_person(void);
/* Ask on the terminal; hidden: without echo.  NULL with e (ERR_INTERRUPTED
 * for Ctrl-C, ERR_USAGE for end of input). */
char *ask_person(const char *question, bool hidden, struct err *);
/* The next line of standard input, without its end.  NULL at the end, or with
 * e (ERR_INTERRUPTED) for a signal. */
char *ask_line(struct err *);
/* The first line that a command prints (sh -c); it may ask on a terminal, but
 * reads none of our standard input.  ERR_PASSWORD if it gives none. */
char *ask_command(const char *command, struct err *);

#endif
