#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct err;

/*
 * What is kept of one account between runs [session-record].  Where it lies is
 * for the caller; it is a secret: 0600, never logged.  Texts are owned and
 * NULL when unknown.  Never in it: password, code, SRP values.
 */
enum session_stage {
	SESSION_NONE = 0,   /* nothing that works is known */
	SESSION_NEEDS_CODE, /* password accepted, second factor pending */
	SESSION_SIGNED_IN,
};

enum session_region { SESSION_COM = 0, SESSION_CN };

enum session_code_via { SESSION_CODE_NONE = 0, SESSION_CODE_DEVICE,
	SESSION_CODE_SMS, SESSION_CODE_VOICE };

struct session {
	char	*account;	  /* trimmed, ASCII lower case */
	char	*client_id;	  /* "auth-" and a random UUID; for ever */
	char	*session_token;	  /* secret; dsWebAuthToken of accountLogin */
	char	*session_id;	  /* secret; X-Apple-ID-Session-Id */
	char	*scnt;		  /* secret; of the last idmsa answer */
	char	*auth_attributes; /* secret */
	char	*account_country; /* "USA" */
	char	*trust_token;	  /* secret; kept until Apple refuses it */
	char	*dsid;		  /* decimal account id */
	char	*ckdatabase_url;  /* "https://p61-ckdatabasews.icloud.com:443" */
	enum session_region region;
	enum session_stage stage;
	bool	 trusted_sent;	  /* a trust token went with the last proof */
	/* A code that was asked for, while stage is SESSION_NEEDS_CODE. */
	enum session_code_via code_via;
	int64_t	 code_asked_ms;
	char	*phone_id;	  /* of the number, as JSON ("1"); NULL: device */
	int	 phone_non_fteu;  /* -1 absent, else 0 or 1, as it was given */
	unsigned code_tries;	  /* wrong codes so far */
	/* Times by the caller's clock, ms since 1970; 0 is never. */
	int64_t	 trust_expires_ms, last_validate_ms, last_srp_ms;
	int64_t	 trust_began_ms;  /* when that trust was given */
	int64_t	 last_renewal_ms; /* when prolonging it was tried last */
	int64_t	 renewed_until_ms; /* the end of the trust for which that was
				      answered: not again for this one */
	int64_t	 trust_warned_ms; /* of the last warning; kept by src */
	int64_t	 last_unattended_srp_ms, srp_not_before_ms;
	int64_t	 login_not_before_ms; /* the same for a person: not doubled */
	unsigned srp_failures;	  /* in a row */
	/* The same of the setup host [setup-throttling]. */
	int64_t	 setup_refused_ms, setup_not_before_ms;
	int64_t	 setup_login_not_before_ms;
	unsigned setup_failures;
	/* Until when CloudKit wants to be left alone; kept by src. */
	int64_t	 cloud_refused_ms, cloud_not_before_ms;
	bool	 password_refused; /* of an unattended run; until a proof is
				      accepted no such run tries again */
	bool	 idmsa_cn;	  /* the sign-in under way is with idmsa's host
				      of mainland China [region] */
	bool	 stamp_wanted;	  /* a refusal may have meant [hashcash] */
	bool	 password_worked;  /* the saved one was accepted once; kept by src */
	/* Flags of the last accountLogin or validate [account-flags]. */
	bool	 adp;		  /* dsInfo.iCDPEnabled */
	bool	 pcs_required;
	bool	 no_device;	  /* hasMinimumDeviceForPhotosWeb is false */
	struct buf cookies;	  /* secret; Netscape lines, as http gives them */
};

/* A new one for this account, with a client id of its own. */
struct session *session_new(const char *account);
void	session_free(struct session *); /* wipes; NULL is fine */

/* trimmed and ASCII lower-cased [account-name]; the caller frees */
char	*session_account_name(const char *typed);

/* As JSON text with a version number; and back.  ERR_BAD_STATE if it is none of
 * ours, damaged, or of a newer version. */
void	session_write(struct buf *out, const struct session *);
int	session_read(struct session **out, const char *, size_t, struct err *);

/* Forget what an ended session leaves: session_token, session_id, scnt,
 * auth_attributes, code state and idmsa cookies.  Trust token, client id and
 * everything else stay [never-drop-trust]. */
void	session_forget_login(struct session *);

/*
 * What a sign-in that came to nothing leaves to the session of before: how long
 * later ones are held back, and a trust token that it had won already.  The
 * rest of kept stays.
 */
void	session_learn(struct session *kept, const struct session *failed);

#endif
