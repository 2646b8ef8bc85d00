#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

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

/* Waits a minute.  What a killed process has left unfinished is removed. */
int account_lock(struct account *, struct err *);
void account_unlock(struct account *);

/* *out is NULL if there is none.  Both kinds of saving take the lock, if it is
 * not held. */
int account_load(struct session **out, const struct account *, struct err *);
int account_save(struct account *, const struct session *, struct err *);
/* Save after a step with this result, 0 or -1; the step's own error is the one
 * that is told.  The result of both. */
int account_save_after(
    int rc, struct account *, const struct session *, struct err *);

/* The half-finished sign-in; *out is NULL if there is none or it is older than
 * ten minutes [code-lifetime] (it is removed then). */
int account_load_pending(
    struct session **out, const struct account *, int64_t now_ms, struct err *);
int account_save_pending(
    struct account *, const struct session *, struct err *);
void account_drop_pending(const struct account *);

/* What its directory and its session's file are; -1 with errno if one is not
 * there.  Changes nothing. */
int account_stat(struct stat *dir, struct stat *session, const char *state_dir,
    const char *name);
/* Is somebody signed in, and until when does no sign-in need a code (0: not
 * known)?  From the stored session alone. */
bool account_trust(
    int64_t *expires_ms, const char *state_dir, const char *name);

#endif
