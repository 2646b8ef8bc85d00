#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct session;

/*
 * The files of one account below STATE: its session, a sign-in that waits for
 * its code, and the lock that is held around each exchange with the sign-in
 * service and never while a person is asked.  All 0600 in a 0700 directory;
 * written whole or not at all.
 */
struct account {
	char *name; /* trimmed, lower case */
	char *path; /* STATE/accounts/NAME */
	int dir;    /* its descriptor */
	int lock;   /* -1: not held */
};

/* Makes the directory if it is not there; account_find() does not, and says
 * ERR_PASSWORD, since nobody was ever signed in then. */
int account_open(
    struct account *out, const char *state_dir, const char *name, struct err *);
int account_find(
    struct account *out, const char *state_dir, const char *name, struct err *);
void account_close(struct account *); /* harmless when not opened */

int account_lock(struct account *, struct err *); /* waits a minute */
void account_unlock(struct account *);

/* *out is NULL if there is none. */
int account_load(struct session **out, const struct account *, struct err *);
int account_save(const struct account *, const struct session *, struct err *);

/* The half-finished sign-in; *out is NULL if there is none or it is older than
 * ten minutes [code-lifetime] (it is removed then). */
int account_load_pending(
    struct session **out, const struct account *, int64_t now_ms, struct err *);
int account_save_pending(
    const struct account *, const struct session *, struct err *);
void account_drop_pending(const struct account *);

#endif
