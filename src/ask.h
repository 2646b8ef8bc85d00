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
/* The next line of standard input, without its end; NULL at the end. */
char *ask_line(void);
/* The first line that a command prints (sh -c).  ERR_USAGE if it fails. */
char *ask_command(const char *command, struct err *);

#endif
