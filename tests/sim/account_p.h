#ifndef ACCOUNT_P_H
#define ACCOUNT_P_H

#include <pthread.h>

#include "sim.h"
#include "verifier.h"

/*
 * What account.c, idmsa.c and setup.c share: one account, its sign-ins and its
 * sessions.  Everything happens with the account's lock held.
 *
 * A sign-in (idmsa.apple.com) yields session tokens; accountLogin
 * (setup.icloud.com) turns one into a web session, that is cookies.
 */

#define SECOND	((int64_t)1000)
#define HOUR	(SECOND * 3600)
#define DAY	(HOUR * 24)

#define SIGN_IN_LIFE (SECOND * 60 * 10) /* without a request [code-lifetime] */
#define CODE_LIFE    (SECOND * 60 * 10)
#define WRONG_CODES  3
#define WRONG_PASSWORDS 10

#define MANY_SIGN_INS 32
#define MANY_TOKENS   64
#define MANY_TRUSTS   32
#define MANY_WEBS     32
#define WEB_TOKENS    2 /* of one web session that are still good: the last
			   one, and the one before for what is on its way */

/* What a test can set; main.c's help explains each. */
struct account_settings {
	bool	 mode_200, escrow, escrow_always, push, cooldown, devices,
		 sms_refused, rscd, security_keys, two_factor, interstitial,
		 locked, inactive, terms, repair, web_access, photos, adp,
		 two_step, recovery, arming, trust_rolls;
	bool	 hex; /* protocol s2k_fo */
	char	 escrow_header[16], code_answer[16], boot_args[8], country[4];
	char	 code[8]; /* fixed; "" for new ones each time */
	int64_t	 codes_left, phones, hashcash, domain_status, cloudkit_status,
		 session_days, trust_days, rotate_every;
};

struct sign_in {
	int64_t	 serial;	  /* 0: free */
	int64_t	 last_ms;
	char	 id[48];	  /* cookie aasp and X-Apple-ID-Session-Id */
	char	 scnt[56];
	char	 scnt_aside[56];  /* given where the cookie did not come */
	char	 attributes[24], challenge[33];
	char	 frame[96];	  /* X-Apple-OAuth-State */
	char	 agent[256];
	bool	 told_id;	  /* the client has been given the id */

	char	 name[256];	  /* as sent to signin/init; "" before */
	char	 c[64];
	struct verifier_exchange x;
	bool	 password_ok, code_ok, full, repair_due;
	bool	 escrow_due, escrow_started;
	char	 escrow_c[64];
	struct verifier_exchange escrow;
	char	 mode[8];	  /* of the message asked for */
	int	 phone_id;
};

struct session_token {
	char	 text[160];
	int64_t	 serial;	  /* of its sign-in */
	bool	 full, dead;
};

struct trust_token {
	char	 text[240];
	int64_t	 expires_ms;
	bool	 worth;		  /* not if escrow was asked for and left out */
};

struct web_session {
	bool	 used, dead, trusted;
	int64_t	 expires_ms;
	char	 token[WEB_TOKENS][128]; /* without quotes; token[newest] is it */
	int	 newest;
	char	 user[64], validate[128];
	int64_t	 admitted;
	int64_t	 pcs_until_ms;	  /* of the cookies of ADP; 0: never given */
	int64_t	 trust_until_ms;  /* 0: not trusted */
};

/* Hosts that can want to be left alone, each for itself. */
enum { HOLD_IDMSA, HOLD_SETUP, HOLD_CLOUDKIT, HOLDS };

struct hold {
	int64_t	 wait_ms;  /* of the next refusal; 0: none is due */
	int64_t	 until_ms; /* 0: nobody was told yet */
};

struct account {
	pthread_mutex_t		 lock;
	const struct sim_options *options;
	uint64_t		 counter; /* of the random numbers */
	struct account_settings	 set;
	char			 dsid[16];
	char			 password[256];
	struct verifier		 verifier, escrow_verifier;
	int			 partition;

	struct sign_in		 sign_ins[MANY_SIGN_INS];
	struct session_token	 tokens[MANY_TOKENS];
	struct trust_token	 trusts[MANY_TRUSTS];
	struct web_session	 webs[MANY_WEBS];
	/* The cookie that was given last where the second factor is due. */
	char			 half_validate[128];
	int64_t			 next_serial;
	size_t			 next_token, next_trust, next_web;

	char			 code[8]; /* "" if none was asked for */
	bool			 code_by_sms, code_used;
	int64_t			 code_made_ms, codes_locked_until_ms;
	int			 wrong_codes, wrong_passwords;

	bool			 consent_given, consent_asked;
	int64_t			 consent_until_ms;

	struct hold		 holds[HOLDS];
	bool			 unattended; /* the run that is said to be under
					        way is one */
	int			 proofs;     /* of the password in it */
};

/* Random numbers that come from the seed. */
void	account_random(struct account *, uint8_t *out, size_t n);
/* size - 1 letters and digits. */
void	account_word(struct account *, char *out, size_t size);
void	account_uuid(struct account *, char out[37]);

bool	account_is_china(const struct account *);

/* A new session token of the sign-in, and whether it is a whole session. */
const char *account_new_token(struct account *, const struct sign_in *);
/* The sign-in is through: all its tokens are good for a whole session. */
void	account_grant(struct account *, struct sign_in *);
struct session_token *account_find_token(struct account *, const char *text);
struct trust_token *account_find_trust(struct account *, const char *text,
	    int64_t now_ms);
/* What only a person may do, in a run that has none, is a violation. */
void	account_by_person(const struct account *, const char *what);
void	account_make_code(struct account *, bool by_sms, int64_t now_ms);

/* The web session of the cookies; NULL with *why ("Missing ... cookie", or
 * "Invalid global session"), static text. */
struct web_session *account_find_web(struct account *,
	    const struct sim_request *, const char **why);
/* A new X-APPLE-WEBAUTH-TOKEN for the session, as a Set-Cookie header. */
void	account_rotate(struct account *, struct web_session *,
	    int64_t now_ms, struct sim_response *);
/* Set-Cookie of .icloud.com; expires_ms 0: a session cookie.  The value gets
 * its quotes here; NULL: an empty value without quotes, which deletes. */
void	account_cookie(const struct account *, struct sim_response *,
	    const char *name, const char *value, int64_t expires_ms,
	    bool odd_date);

/* Is it a current browser's User-Agent?  Else, or if a header that every
 * browser sends is missing, a violation. */
void	account_check_browser(const struct sim_request *, const char *what);
/* Origin and Referer of icloud.com pages [setup-headers]. */
void	account_check_home(const struct sim_request *, const char *what);
/* Is the cookie's text the value with its quotes?  Without is a violation. */
bool	account_same_value(const char *cookie, const char *value,
	    const char *name);

void	idmsa_answer(struct account *, const struct sim_request *,
	    struct sim_response *);
void	setup_answer(struct account *, const struct sim_request *,
	    struct sim_response *);

#endif
