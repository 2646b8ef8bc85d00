#include "auth_p.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "retry.h"

/*
 * Advanced Data Protection: the photos stay closed on the web until the owner
 * taps Allow on a device, and then open for about an hour [pcs].
 */

static const char web_access_state[] = "requestWebAccessState";

/* One of the three requests; all take the query of a browser.  Only a look is
 * tried again by itself: each of the others may show on the devices. */
static int
ask(struct wire_answer *out, struct auth *a, const char *name, const char *body,
    struct err *e)
{
	struct wire_request r = {.method = "POST", .body = body};
	char *path = account_query(a, name);
	int rc;

	if (strcmp(name, web_access_state) == 0)
		r.retry = &retry_sign_in;
	r.path = path;
	r.body_len = body != NULL ? strlen(body) : 0;
	rc = wire_setup(out, a, &r, e);
	free(path);
	return rc;
}

/* What none of the three can be answered with, or is the end of it. */
static enum consent_result
refused(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	const char *body = buf_text(&ans->resp.body);

	if (ans->status == 421 || ans->status == 401 || ans->status == 450)
		err_set(e, ERR_SESSION, wire_login,
		    "The session of %s has ended.", a->s->account);
	else if (strstr(body, "Missing X-APPLE-WEBAUTH-TOKEN") != NULL)
		err_set(e, ERR_TERMS,
		    "Sign in at https://www.icloud.com, finish what it asks, "
		    "then run icloud-pull login.",
		    "Apple wants something of the owner before it lets photos "
		    "out.");
	else if (strstr(body, "IDMS for arming") != NULL)
		err_set(e, ERR_ADP,
		    "Wait some hours, then run icloud-pull again and tap "
		    "Allow on the device.",
		    "Apple asks no device of %s for consent now: there were "
		    "many sign-ins lately.",
		    a->s->account);
	else if (ans->status == 429 || ans->status >= 500)
		account_unavailable(a, ans, e);
	else if (ans->status == 200)
		err_set(e, ERR_PROTOCOL,
		    "Try again later; if it stays so, look for a newer "
		    "icloud-pull.",
		    "iCloud's answer about the consent of a device was not "
		    "understood.");
	else
		err_set(e, ERR_ADP,
		    "Try again on a terminal, with the device at hand.",
		    "iCloud keeps the photos of %s closed (status %d).%s",
		    a->s->account, ans->status, ans->says);
	if (e != NULL)
		e->http_status = ans->status;
	return CONSENT_FAILED;
}

enum access {
	ACCESS_OPEN, /* without a device's consent */
	ACCESS_CONSENTED,
	ACCESS_CLOSED, /* until a device consents */
	ACCESS_FAILED, /* with an error */
};

static enum access
access_state(struct auth *a, struct err *e)
{
	enum access rc = ACCESS_FAILED;
	struct wire_answer ans;

	if (ask(&ans, a, web_access_state, NULL, e) == -1)
		rc = ACCESS_FAILED;
	else if (ans.status != 200 || ans.json == NULL)
		refused(a, &ans, e);
	else if (cJSON_IsFalse(json_get(ans.json, "isWebAccessAllowed")))
		err_set(e, ERR_WEB_ACCESS, wire_web_data,
		    "Access to iCloud data on the web is switched off for %s.",
		    a->s->account);
	else if (!json_bool(ans.json, "isICDRSDisabled"))
		rc = ACCESS_OPEN;
	else if (json_bool(ans.json, "isDeviceConsentedForPCS"))
		rc = ACCESS_CONSENTED;
	else
		rc = ACCESS_CLOSED;
	wire_clear(&ans);
	return rc;
}

/* Make the devices show the question, once. */
static enum consent_result
notify(struct auth *a, struct err *e)
{
	enum consent_result rc = CONSENT_WAITS;
	struct wire_answer ans;

	if (a->consent_asked)
		return rc;
	if (ask(&ans, a, "enableDeviceConsentForPCS", NULL, e) == -1)
		rc = CONSENT_FAILED;
	else if (ans.status != 200 || ans.json == NULL)
		rc = refused(a, &ans, e);
	else if (!json_bool(ans.json, "isDeviceConsentNotificationSent")) {
		err_set(e, ERR_ADP,
		    "Have an iPhone, iPad or Mac of the account switched on "
		    "and on line, then run icloud-pull again.",
		    "Apple could ask no device of %s for consent.%s",
		    a->s->account, ans.says);
		rc = CONSENT_FAILED;
	} else
		a->consent_asked = true;
	wire_clear(&ans);
	return rc;
}

/* The device hands the cookies over, which takes it some seconds. */
static enum consent_result
request_cookies(struct auth *a, bool by_person, struct err *e)
{
	enum consent_result rc = CONSENT_WAITS;
	struct wire_answer ans;
	const char *status, *message;

	if (ask(&ans, a, "requestPCS",
		by_person && !a->pcs_asked
		    ? "{\"appName\":\"photos\",\"derivedFromUserAction\":true}"
		    : "{\"appName\":\"photos\",\"derivedFromUserAction\":"
		      "false}",
		e) == -1) {
		wire_clear(&ans);
		return CONSENT_FAILED;
	}
	a->pcs_asked = true;
	status = json_str(ans.json, "status");
	message = json_str(ans.json, "message");
	if (ans.status != 200 || status == NULL)
		rc = refused(a, &ans, e);
	else if (strcmp(status, "success") == 0) {
		rc = CONSENT_READY;
		if (account_lacks_pcs(a)) {
			err_set(e, ERR_PROTOCOL,
			    "Look for a newer icloud-pull.",
			    "A device of %s consented, but iCloud gave no "
			    "access to the photos.",
			    a->s->account);
			rc = CONSENT_FAILED;
		}
	} else if (message == NULL ||
	    (strstr(message, "upload cookies") == NULL &&
		strstr(message, "not available yet") == NULL)) {
		err_set(e, ERR_ADP, "Try again later.",
		    "iCloud keeps the photos of %s closed.%s", a->s->account,
		    ans.says);
		rc = CONSENT_FAILED;
	}
	wire_clear(&ans);
	return rc;
}

enum consent_result
consent_round(struct auth *a, bool by_person, struct err *e)
{
	switch (access_state(a, e)) {
	case ACCESS_OPEN:
		return CONSENT_READY;
	case ACCESS_CONSENTED:
		return request_cookies(a, by_person, e);
	case ACCESS_CLOSED:
		return by_person ? notify(a, e) : CONSENT_WAITS;
	case ACCESS_FAILED:
		break;
	}
	return CONSENT_FAILED;
}
