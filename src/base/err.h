#ifndef ERR_H
#define ERR_H

#include <stdint.h>

/*
 * The one error type: filled once, where the cause is known, and printed once,
 * in main().  It holds no memory, so it works when memory is short.
 */

/* Decides exit status, the reason word of --json, and retrying. */
enum err_code {
	ERR_NONE = 0,
	ERR_INCOMPLETE,	  /* 1: something asked for is not here or not proven */
	ERR_USAGE,	  /* 2: command line, environment, configuration */
	ERR_CODE,	  /* 3: a second-factor code is needed or was refused */
	ERR_PASSWORD,	  /* 3: the password is needed or was refused */
	ERR_LOCKED,	  /* 3: the account is locked, inactive or recovering */
	ERR_TERMS,	  /* 3: terms or another page wait at icloud.com */
	ERR_WEB_ACCESS,	  /* 3: iCloud data on the web is switched off */
	ERR_ADP,	  /* 3: Advanced Data Protection wants consent */
	ERR_SECURITY_KEY, /* 3: the account wants a hardware key */
	ERR_SESSION,	  /* 3: the session has ended; recovery may cure it */
	ERR_NETWORK,	  /* 4: no answer: name, connection, time-out, cut */
	ERR_UNAVAILABLE,  /* 4: 5xx, or too many failures in a row */
	ERR_THROTTLED,	  /* 4: told to wait; see wait_ms */
	ERR_DISK_FULL,	  /* 5: no space, or a quota is used up */
	ERR_TOO_LARGE,	  /* 5: the volume takes no file of this size */
	ERR_DISK,	  /* 5: any other failure of a file operation */
	ERR_NOT_MOUNTED,  /* 5: ROOT is not the copy it should be */
	ERR_BUSY,	  /* 5: another run holds the lock */
	ERR_BAD_STATE,	  /* 5: catalogue or state damaged, or newer than we */
	ERR_PROTOCOL,	  /* 6: an answer that is not understood */
	ERR_ALARM,	  /* 7: the cloud changed as after a theft */
	ERR_INTERRUPTED,  /* 130 */
	/* Of one request or record; whoever asked turns these into one above. */
	ERR_TOKEN,     /* a sync token was refused: walk the zone anew */
	ERR_NOT_FOUND, /* zone, record or object is not there */
	ERR_EXPIRED,   /* a signed link is too old or was refused */
	ERR_TOO_MUCH,  /* "too many" in one request: halve it */
	ERR_REFUSED,   /* a request we must never send; a bug of ours */
};

struct err {
	enum err_code	code;
	int		http_status; /* of the answer behind it; 0 if none */
	int64_t		wait_ms;     /* stated by the server; -1 if none */
	char		what[256];   /* the user's sentence, UTF-8 */
	char		next[256];   /* the next step; "" if none */
};

#define ERR_INIT {.code = ERR_NONE, .wait_ms = -1}

void	err_clear(struct err *);

/*
 * Fill e (which may be NULL) and return -1, always.  next may be NULL.
 * what names things the user knows (file, album, account), never a function,
 * an address or a token.  A text that is too long ends in "...".  The
 * arguments may be texts of e itself; http_status and wait_ms start anew.
 */
int	err_set(struct err *e, enum err_code, const char *next,
	    const char *what_fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * The same for a failed system call: code and next step come from errnum
 * (ENOSPC and EDQUOT give ERR_DISK_FULL, EFBIG ERR_TOO_LARGE, ECANCELED (see
 * stop.h) ERR_INTERRUPTED, all else ERR_DISK), and ": <reason>" is added to the
 * sentence.
 */
int	err_set_errno(struct err *e, int errnum, const char *what_fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* The exit status of a code (README.md). */
int	err_exit_status(enum err_code);

/* The fixed reason word of --json ("code", "throttled"); NULL if it has none. */
const char *err_reason(enum err_code);

/*
 * For what leaves no way on (no memory, no randomness): say it and end the
 * program at once with status 5.  All state is transactional, so that is safe.
 */
_Noreturn void err_fatal(const char *what);

/* Of two codes the more urgent: by exit status 130, 2, 7, 3, 5, 6, 4, 1. */
enum err_code err_worse(enum err_code, enum err_code);
/* Keep e if it is the more urgent; of equals the first, which is the cause. */
void	err_keep_worse(struct err *kept, const struct err *e);

#endif
