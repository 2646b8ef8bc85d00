#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

struct err;
struct session;

/*
 * From Apple Account and password to a session that works.  Never asks a
 * person and never touches a file: each step returns what is needed next, and
 * the caller saves the session after every call, also a failed one.
 * Steps run the loop (http_call) and must not be called from its callbacks.
 * The state machine is in sign_in.c [sign-in-states].
 */
struct auth;

/* What this part may send; for http_options.rules. */
extern const struct http_rule auth_rules[];
/* The browser we say we are; constant over a session [user-agent]. */
extern const char auth_user_agent[];

/*
 * http and session stay the caller's and outlive auth.  The session's cookies
 * go into http's jar now and come back into the session after every step.
 * now_ms is the clock (clock_now_ms in earnest).
 */
struct auth *auth_new(struct http *, struct session *, int64_t (*now_ms)(void));
/*
 * With which of idmsa's hosts the next sign-in is made, from its first request
 * to its last one, perhaps in another process: "idmsa.apple.com" or
 * "idmsa.apple.com.cn".  NULL: the first, and for accounts of mainland China
 * the second where the first cannot be reached [region].
 */
void	auth_use_host(struct auth *, const char *idmsa_host);
/* Go on with another session of the account.  What this run has done already
 * still counts, its one proof above all. */
void	auth_take(struct auth *, struct session *);
void	auth_free(struct auth *);

/* What is needed next. */
enum auth_next {
	AUTH_READY,	    /* nothing: the session works */
	AUTH_NEED_PASSWORD, /* auth_sign_in() */
	AUTH_NEED_CODE,	    /* auth_request_code(), auth_submit_code() */
	AUTH_NEED_CONSENT,  /* a tap on a device: auth_consent() */
};

/*
 * Bring a stored session to life without a password [session-start]: validate,
 * else accountLogin with the stored token (on a fresh connection where the
 * first answer was 421).  A partition host that has changed is taken over.
 * Throttling and 5xx end it (ERR_THROTTLED, ERR_UNAVAILABLE) without going
 * further, and before Apple's wait is over nothing is sent [setup-throttling].
 * What only the owner can cure is its own error: ERR_TERMS, ERR_LOCKED,
 * ERR_WEB_ACCESS.  AUTH_NEED_CONSENT: no device was asked.
 */
int	auth_resume(enum auth_next *out, struct auth *, struct err *);

enum auth_who {
	AUTH_PERSON,	 /* `login`: only Apple's own throttling holds it back */
	AUTH_UNATTENDED, /* 15 minutes after the last one at the earliest */
};

/*
 * One SRP exchange with the stored trust token, escrow if it is asked for, and
 * accountLogin.  At most one for each struct auth in an unattended run.
 * AUTH_NEED_CODE: the second factor is pending; nothing was asked for yet.
 * ERR_PASSWORD (401; an unattended run does not try again after one of its own
 * until a proof was accepted), ERR_LOCKED (403 that says so), ERR_THROTTLED
 * (429, 503, 403 without a reason; the wait is kept in the session, doubling
 * for unattended runs), ERR_TERMS (412), ERR_SECURITY_KEY, and what
 * auth_resume() says of the account; session_learn() keeps of all of these what
 * must be kept.  That a device could not be asked for its consent is no failure:
 * AUTH_NEED_CONSENT, and auth_consent() says it.
 */
int	auth_sign_in(enum auth_next *out, struct auth *, const char *password,
	    enum auth_who, struct err *);

/* Where a code can go, known once auth_sign_in() said AUTH_NEED_CODE. */
struct auth_phone {
	char	*id;	    /* as JSON text; owned by auth */
	char	*label;	    /* "+1 (...) ...-..42", as Apple shows it; UTF-8 */
	int	 non_fteu;  /* -1 absent, 0, 1 */
	bool	 voice_only;
};
/* Borrowed until the next call on auth; *n may be 0. */
const struct auth_phone *auth_phones(size_t *n, const struct auth *);
bool	auth_has_devices(const struct auth *); /* true unless told otherwise */

/*
 * Ask for a code on the trusted devices (phone NULL), or by message to a
 * number.  Only for a person, once [code-request].  Failure is no end: a code
 * can be made by hand on a device; ERR_CODE with that advice.  How it was
 * asked for is kept in the session, for a second process.
 */
int	auth_request_code(struct auth *, const struct auth_phone *,
	    struct err *);

/* Six digits, blanks and dashes aside? */
bool	auth_is_code(const char *typed);

/*
 * Hand in what the person typed (blanks and dashes are dropped), then escrow,
 * trust, accountLogin.  The session must be in SESSION_NEEDS_CODE, also from
 * another process.  The password is needed again for escrow; NULL if it is not
 * at hand (ERR_PASSWORD if escrow then asks for it).
 * AUTH_NEED_CODE: the code was wrong, another may be typed.  ERR_CODE: wrong
 * too often (3), locked, or no six digits.  After an error a session that is in
 * SESSION_NEEDS_CODE still can be given another code.
 */
int	auth_submit_code(enum auth_next *out, struct auth *, const char *code,
	    const char *password, struct err *);

/*
 * The session works but for photos under Advanced Data Protection, which wait
 * for a tap on one of the owner's devices [pcs].  The first call makes the
 * devices show the question; each says AUTH_READY, or AUTH_NEED_CONSENT: call
 * again in AUTH_CONSENT_PAUSE_MS, for five minutes or so.  Only for a person
 * who is there.  Consent lasts about an hour.
 */
#define AUTH_CONSENT_PAUSE_MS INT64_C(5000)
int	auth_consent(enum auth_next *out, struct auth *, struct err *);
/* CloudKit wants consent anew: what it gave before is of no use. */
void	auth_drop_consent(struct auth *);

/*
 * Prolong the trust of this browser [renewal]: one proof of the password in an
 * unattended run, half-way through the life of the trust; once for each trust,
 * and after a failure not within a day.  false: not due, or held back.
 */
bool	auth_renewal_due(const struct auth *);
/* -1: it did not work, which ends nothing: the session is as it was, but for
 * what session_learn() keeps. */
int	auth_renew(struct auth *, const char *password, struct err *);

/* Tell Apple; then the session is without its login.  Best effort: an answer
 * that says "not signed in" is success. */
int	auth_logout(struct auth *, struct err *);

#endif
