#ifndef CLOUD_H
#define CLOUD_H

#include "account.h"
#include "auth.h"
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
	unsigned generation; /* of its session: how often it was recovered */
	bool shared_lost;    /* so the shared database has said */
	bool shared_cured;   /* that was why it was recovered last */
	bool consent_lost;    /* CloudKit wants the tap on a device anew */
	int64_t consented_ms; /* when that was cured last, mono; 0: never */
};

/* The loop alone, with the rules of auth and api, and a watch on signals. */
int cloud_http(struct http **out, const struct app *, struct err *);

/*
 * Open the stored session of the account, which is named, and make it work:
 * validate, else accountLogin, else one proof of the password if one is saved.
 * Requests no code: ERR_PASSWORD or ERR_CODE say what a person must do.  Photos
 * under Advanced Data Protection wait for a tap if a person is there
 * (consent.h).  A locked account, and a saved password that worked before and
 * is refused, are ERR_ALARM; of cloud_recover() too.  Before a wait that Apple
 * has stated to an earlier run is over, nothing is sent (ERR_THROTTLED).
 */
int cloud_open(struct cloud *out, struct app *, struct err *);
/*
 * The same and no more than a look: nothing is proven, and what is needed for
 * that is said instead.  A locked account is ERR_LOCKED and no alarm.
 */
int cloud_look(enum auth_next *out, struct app *, struct err *);
/* Told of every error of CloudKit's: may cloud_recover() help?  If the shared
 * database has just been recovered and says the same again, it refuses for
 * itself, and that is an error like any other.  A wait that it states is kept
 * for later runs.  generation: see there. */
bool cloud_lost(struct cloud *, enum database, unsigned generation,
    const struct err *);
/*
 * The session ended in mid-run: the same order once more, with a session that
 * a `login` has written meanwhile if there is one.  At most three times a run,
 * and as often as a person taps on a device.  Not from a callback.  generation:
 * what out->generation was when the request began that found it ended; if
 * somebody has recovered it since, nothing more is done.
 */
int cloud_recover(struct cloud *, unsigned generation, struct err *);
/* Saves rotated cookies; harmless when not opened. */
void cloud_close(struct cloud *);

#endif
