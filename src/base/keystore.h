#ifndef KEYSTORE_H
#define KEYSTORE_H

#include <stdbool.h>

struct err;

/*
 * Secrets that the system keeps for this user: the login Keychain on macOS
 * (KEYSTORE_KEYCHAIN), the Secret Service over libsecret where the program was
 * built with it (KEYSTORE_LIBSECRET), and nothing else: a file of ours would be
 * no store.  Kept under the program's name and an account's.  A store that is
 * locked may ask the person at the desktop to open it.
 */

/* The store's name for people, "the Keychain"; NULL if there is none in this
 * build. */
const char *keystore_name(void);

/* *out is the caller's, to be ended with secret_free().  1: none is kept (and
 * always, if there is no store). */
int	keystore_get(char **out, const char *account, struct err *);
int	keystore_put(const char *account, const char *secret, struct err *);
/* 1: there was none. */
int	keystore_drop(const char *account, struct err *);

#endif
