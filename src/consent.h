#ifndef CONSENT_H
#define CONSENT_H

struct app;
struct account;
struct auth;
struct err;
struct http;
struct session;

/*
 * Photos under Advanced Data Protection wait for a tap on one of the owner's
 * devices (auth_consent()).  With a person at the terminal: have the devices
 * ask, say so, and wait visibly for five minutes.  Without one no device is
 * asked: ERR_ADP says what that means for a nightly run.  The session is saved
 * after each step; the account's lock is let go before any waiting.
 */
int consent_wait(struct app *, struct account *, struct http *,
    struct session *, struct auth *, struct err *);

#endif
