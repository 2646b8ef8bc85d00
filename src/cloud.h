#ifndef CLOUD_H
#define CLOUD_H

#include "account.h"
#include "cloudkit.h"

struct app;
struct auth;
struct err;
struct http;
struct session;
struct work;

/*
 * The signed-in cloud of one run: the loop, the session, and how to get back
 * in when the session ends in the middle.
 */
struct cloud {
	struct app *app;
	struct http *http;
	struct account account;
	struct session *session;
	struct auth *auth;
	struct cloudkit ck;
	unsigned recoveries;
};

/* The loop alone, with the rules of auth and api, and a watch on signals. */
int cloud_http(struct http **out, const struct app *, struct err *);

/*
 * Open the stored session of the account, which is named, and make it work: validate, else
 * accountLogin, else one password proof if --password-command gives the
 * password.  Asks no person and requests no code: ERR_PASSWORD or ERR_CODE say
 * what a person must do.  A locked account, and a saved password that worked
 * before and is refused, are ERR_ALARM; of cloud_recover() too.
 */
int cloud_open(struct cloud *out, struct app *, struct err *);
/*
 * The session ended in mid-run: the same order once more, with a session that
 * a `login` has written meanwhile if there is one.  At most three times a run.
 * Not from a callback.
 */
int cloud_recover(struct cloud *, struct err *);
/* Saves rotated cookies; harmless when not opened. */
void cloud_close(struct cloud *);

#endif
