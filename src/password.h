#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>

struct app;
struct err;

/*
 * The password that is at hand without a person: what --password-command
 * prints, else what the system's key store keeps for the account.  A secret:
 * the caller ends with secret_free().  1: there is none.
 */
int password_saved(
    char **out, const struct app *, const char *account, struct err *);

#endif
