#ifndef AUTH_P_H
#define AUTH_P_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth.h"
#include "buf.h"
#include "http.h"
#include "session.h"
#include "srp.h"

/* What the files of auth say to one another. */

struct retry_policy;

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

/* An unattended sign-in comes this long after the last one, or later. */
#define UNATTENDED_GAP_MS (15 * MINUTE_MS)

struct auth {
	struct http *http;
	struct session *s;
	int64_t (*now_ms)(void);
	/* http_call(); tests answer in its place */
	int (*call)(struct http *, struct http_response *,
	    const struct http_request *, struct err *);
	enum auth_who who; /* of the sign-in under way */
	bool unattended;   /* an unattended SRP exchange was made */
	bool proved;       /* a proof was accepted by this struct auth */
	bool no_devices;   /* Apple says that there is no trusted device */
	bool consent_asked; /* the devices show the question [pcs] */
	bool pcs_asked;     /* and the cookies were asked for */
	bool begin_cn;      /* the next sign-in is with that host [region] */
	bool host_chosen;   /* and with no other */
	int64_t stamp_bits; /* of the sign-in's page [hashcash]; 0: none */
	char stamp_challenge[65];
	struct auth_phone *phones; /* owned */
	size_t n_phones;
};

/*
 * wire.c: one request to one of the two hosts, and its answer.
 */

/* The next step that most errors end with. */
extern const char wire_login[]; /* "Run icloud-pull login." */
/* Where the owner lets the web see iCloud data. */
extern const char wire_web_data[];

extern const char wire_widget_key[];

enum wire_origin { WIRE_IDMSA, WIRE_HOME };

struct wire_request {
	const char *method;
	const char *path; /* below the service's base, with '/' and query */
	const void *body; /* JSON; NULL: none */
	size_t body_len;
	const char *accept;      /* NULL: application/json */
	enum wire_origin origin; /* idmsa only: Origin and Referer */
	bool bare;               /* idmsa only: no headers but Referer */
	bool fresh;              /* on a new connection */
	const char *stamp;       /* X-Apple-HC; NULL: none */
	const struct retry_policy *retry; /* NULL: one try */
};

struct wire_answer {
	int status;     /* effective [effective-status] */
	cJSON *json;    /* NULL if the body is none */
	char code[32];  /* Apple's error code, "-20101"; "" if none */
	char says[112]; /* " Apple says: ..."; "" if nothing */
	struct http_response resp;
};

/*
 * -1: no answer came.  Whatever its status, what an answer brings is in the
 * session afterwards.  The caller ends out with wire_clear(), always.
 */
int wire_idmsa(struct wire_answer *out, struct auth *,
    const struct wire_request *, struct err *);
int wire_setup(struct wire_answer *out, struct auth *,
    const struct wire_request *, struct err *);
void wire_clear(struct wire_answer *);

/* Of a new sign-in: the host is the chosen one, or the first. */
void wire_first_idmsa(struct auth *);
/* The host could not be reached: is there another one to try [region]?  Then
 * it is used from now on. */
bool wire_other_idmsa(struct auth *);

/*
 * How long to keep away, for a refusal that states so much (or -1) and comes
 * after so many others in a row [throttling]: first is what a person waits.
 */
struct wire_wait {
	int64_t first_ms, doubled_ms;
};
struct wire_wait wire_wait(int64_t stated_ms, unsigned failures);

bool wire_has_header(const struct wire_answer *, const char *name);
/* Errors in the body, which a 200 may carry too [error-shapes]. */
bool wire_has_errors(const struct wire_answer *);
/* Does the answer ask for the second proof [escrow]? */
bool wire_wants_escrow(const struct wire_answer *);

/*
 * The rows of the error table that are the same after every request to idmsa;
 * always -1.  what: "the sign-in", "the code"; what Apple refused.
 */
int wire_refused(
    struct auth *, const struct wire_answer *, const char *what, struct err *);

/* The session's cookies into http's jar, in place of what is there. */
void wire_load_cookies(struct auth *);
bool wire_has_cookie(const struct auth *, const char *name);
/* Forget all cookies whose name begins so. */
void wire_drop_cookies(struct auth *, const char *prefix);

/* The site of the session's region: "https://www.icloud.com". */
const char *wire_home(const struct auth *);

/*
 * proof.c: the SRP exchange that signin and escrow share [srp].
 */
struct proof {
	struct srp *srp;
	struct srp_proof values;
	char *c; /* JSON text, as received */
};

/* A new ephemeral value; out gets the body of init. */
void proof_begin(struct proof *, struct buf *out, const char *account);
/* The answer of init, and from it the proof. */
int proof_compute(struct proof *, const struct wire_answer *,
    const char *account, const char *password, struct err *);
/* Append "m1":"...","m2":"...","c":... */
void proof_add(struct buf *out, const struct proof *);
void proof_clear(struct proof *);

/* escrow.c: prove the password a second time [escrow]. */
int escrow_prove(struct auth *, const char *password, struct err *);

/*
 * second_factor.c: how a code can come, and what became of it.
 */
int factor_options(struct auth *, struct err *);
/* The hardware keys that this answer asks for: ERR_SECURITY_KEY, -1; else 0. */
int factor_no_keys(const cJSON *, struct err *);

/* Forget phones and devices. */
void factor_clear(struct auth *);

enum factor_result {
	FACTOR_ACCEPTED,
	FACTOR_WANTS_ESCROW, /* accepted, and asks for the second proof */
	FACTOR_WANTS_REPAIR, /* accepted, and the account needs a repair */
	FACTOR_WRONG,
	FACTOR_FAILED, /* with an error */
};
#define FACTOR_DIGITS 6
/* The digits of what was typed; ERR_CODE if they are not six. */
int factor_digits(char out[FACTOR_DIGITS + 1], const char *typed, struct err *);
enum factor_result
factor_submit(struct auth *, const char *digits, struct err *);
/* 1: this browser is trusted; 0: it is not; -1 only if interrupted. */
int factor_trust(struct auth *, struct err *);

/*
 * account.c: accountLogin and validate, and the account they describe.
 */
enum account_result {
	ACCOUNT_READY,
	ACCOUNT_OTHER_REGION, /* the session has the new region now */
	ACCOUNT_NEEDS_FACTOR, /* the second factor is pending */
	ACCOUNT_NEEDS_PCS,    /* photos want a device's consent */
	ACCOUNT_MISROUTED,    /* 421: perhaps only this connection */
	ACCOUNT_ENDED,        /* the token or the cookies are of no use */
	ACCOUNT_FAILED,       /* with an error */
};
enum account_result account_login(struct auth *, bool fresh, struct err *);
enum account_result account_validate(struct auth *, bool fresh, struct err *);
bool account_has_token(const struct auth *);
/* Is a cookie lacking without which photos stay closed [pcs]? */
bool account_lacks_pcs(const struct auth *);
/* "/NAME" with the query that a browser sends; the caller frees. */
char *account_query(const struct auth *, const char *name);
/* 429 and 5xx of the setup host; always -1. */
int account_unavailable(
    struct auth *, const struct wire_answer *, struct err *);
int account_logout(struct auth *, struct err *);

/*
 * consent.c: the tap on a device that opens protected photos [pcs].
 */
enum consent_result {
	CONSENT_READY,
	CONSENT_WAITS, /* for the tap, or for the device to answer */
	CONSENT_FAILED, /* with an error */
};
/* One round of it; by_person: the devices may show the question. */
enum consent_result consent_round(
    struct auth *, bool by_person, struct err *);

/*
 * hashcash.c: a proof of work [hashcash].
 */
#define HASHCASH_BITS_MAX 24
/* The stamp for a challenge; -1 if it asks for too much, is no word of hex
 * digits, or the program is to stop. */
int hashcash_mint(char *out, size_t size, int64_t bits, const char *challenge,
    int64_t now_ms);

/*
 * session.c: for auth alone.
 */
/* Forget scnt, session id, attributes and idmsa's cookies, but not those by
 * which it remembers the browser. */
void session_forget_context(struct session *);
void session_forget_code(struct session *);
/* What is in one is in the other now. */
void session_swap(struct session *, struct session *);
/* Replace a text; value may be NULL. */
void session_keep(char **field, const char *value);
/* Would it be read back?  UTF-8 on one line, and no more than 16 KiB. */
bool session_can_keep(const char *value);
/* cJSON_Delete() of what may hold tokens. */
void session_wipe_json(cJSON *);

#endif
