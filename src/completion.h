#ifndef COMPLETION_H
#define COMPLETION_H

#include <stddef.h>
#include <stdio.h>

struct cmd;

/*
 * A script that completes our command line in a shell ("bash", "zsh" or
 * "fish"), made of the table of options and of these commands.  Where no
 * command stands yet, the options of standard, which is one of them, belong
 * there too.
 */
void completion_write(FILE *, const char *shell,
    const struct cmd *const *commands, size_t n, const struct cmd *standard);

#endif
