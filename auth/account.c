#include "auth_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "retry.h"
#include "text.h"

/*
 * What the setup host says of an account: its flags decide whether a session
 * is good for photos, and if not, who can cure it.
 */

#define TOKEN_COOKIE "X-APPLE-WEBAUTH-TOKEN"

/* Known-good values of a browser's icloud.com [logout]. */
#define BUILD_QUERY \
	"clientBuildNumber=2534Project66&clientMasteringNumber=2534B22"

static const char at_icloud[] =
    "Sign in at https://www.icloud.com%s, finish what it asks, then run "
    "icloud-pull login.";

bool
account_has_token(const struct auth *a)
{
	return wire_has_cookie(a, TOKEN_COOKIE);
}

/* An error whose next step is a visit to icloud.com. */
static int
ask_owner(
    const struct auth *a, struct err *e, enum err_code code, const char *what)
{
	char next[160];

	snprintf(next, sizeof(next), at_icloud,
	    a->s->region == SESSION_CN ? ".cn" : "");
	return err_set(e, code, next, "%s", what);
}

/* [region]: only these two; the body counts, whatever the status. */
static bool
other_region(enum session_region *out, const char *domain)
{
	static const char com[] = "icloud.com", cn[] = "icloud.com.cn";
	char lower[sizeof(cn)];
	size_t len = strlen(domain);

	if (len >= sizeof(lower))
		return false;
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)(domain[i] >= 'A' && domain[i] <= 'Z'
			? domain[i] - 'A' + 'a'
			: domain[i]);
	if (strcmp(lower, com) == 0)
		*out = SESSION_COM;
	else if (strcmp(lower, cn) == 0)
		*out = SESSION_CN;
	else
		return false;
	return true;
}

#define HOST_MAX 253 /* of any name */

/* "https://", a name below icloud.com or icloud.com.cn, perhaps ":443". */
static bool
is_icloud_url(const char *url)
{
	static const char scheme[] = "https://";
	const char *host, *end;
	size_t n;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	host = url + sizeof(scheme) - 1;
	n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.");
	end = host + n;
	if (n > HOST_MAX)
		return false;
	if (*end != '\0' && strcmp(end, ":443") != 0)
		return false;
	return (n > 11 && strncmp(end - 11, ".icloud.com", 11) == 0) ||
	    (n > 14 && strncmp(end - 14, ".icloud.com.cn", 14) == 0);
}

static bool
is_false(const cJSON *o, const char *name)
{
	return cJSON_IsFalse(json_get(o, name));
}

/*
 * [account-flags]: what is worth keeping, whatever follows.  The database's
 * address changes when Apple moves an account to another partition.
 */
static void
keep_account(struct session *s, const cJSON *o)
{
	const cJSON *ds = json_object(o, "dsInfo");
	const cJSON *db = json_at(o, "webservices", "ckdatabasews", NULL);
	const char *url = json_str(db, "url");
	char dsid[32];

	if (json_id(dsid, sizeof(dsid), ds, "dsid") &&
	    strspn(dsid, "0123456789") == strlen(dsid))
		session_keep(&s->dsid, dsid);
	if (url != NULL && is_icloud_url(url))
		session_keep(&s->ckdatabase_url, url);
	s->adp = json_bool(ds, "iCDPEnabled");
	s->pcs_required = json_bool(db, "pcsRequired");
	s->no_device = is_false(o, "hasMinimumDeviceForPhotosWeb");
}

/*
 * [pcs]: photos need two cookies.  pcsRequired alone says nothing, and an
 * account without Advanced Data Protection was recorded with only one of
 * them; so one is missing for certain only where both are, or where
 * protection is on.
 */
bool
account_lacks_pcs(const struct auth *a)
{
	bool photos = wire_has_cookie(a, "X-APPLE-WEBAUTH-PCS-Photos");
	bool sharing = wire_has_cookie(a, "X-APPLE-WEBAUTH-PCS-Sharing");

	if (!a->s->pcs_required || (photos && sharing))
		return false;
	return a->s->adp || (!photos && !sharing);
}

static int
no_full_session(const struct auth *a, const cJSON *o, struct err *e)
{
	const cJSON *ds = json_object(o, "dsInfo");
	char what[200], version[8] = "none", status[8] = "none";

	(void)json_id(version, sizeof(version), ds, "hsaVersion");
	(void)json_id(status, sizeof(status), ds, "statusCode");
	snprintf(what, sizeof(what),
	    "Apple gave no full session for %.*s (two-factor %s, trusted %s, "
	    "status %s).",
	    (int)text_cut(a->s->account, 80), a->s->account,
	    text_is_utf8(version, strlen(version)) ? version : "odd",
	    json_bool(o, "hsaTrustedBrowser") ? "yes" : "no",
	    text_is_utf8(status, strlen(status)) ? status : "odd");
	return ask_owner(a, e, ERR_TERMS, what);
}

static bool
factor_pending(const cJSON *o)
{
	return json_bool(o, "hsaChallengeRequired") ||
	    !json_bool(o, "hsaTrustedBrowser");
}

/* [account-flags]: in this order, since one cause sets several of them. */
static enum account_result
check_account(struct auth *a, const cJSON *o, struct err *e)
{
	const cJSON *ds = json_object(o, "dsInfo");
	const cJSON *db = json_at(o, "webservices", "ckdatabasews", NULL);
	const char *db_status = json_str(db, "status");
	int64_t hsa = 0;

	(void)json_int(&hsa, ds, "hsaVersion");
	if (json_bool(o, "termsUpdateNeeded"))
		ask_owner(a, e, ERR_TERMS,
		    "Apple has new iCloud terms that only the owner can "
		    "accept.");
	else if (json_bool(o, "isRepairNeeded") ||
	    (wire_has_cookie(a, "X-APPLE-WEBAUTH-REPAIR") &&
		!account_has_token(a)))
		ask_owner(a, e, ERR_TERMS,
		    "Apple wants something of the owner before it lets "
		    "photos out.");
	else if (json_bool(ds, "locked"))
		err_set(e, ERR_LOCKED,
		    "Unlock it at https://iforgot.apple.com, then run "
		    "icloud-pull login.",
		    "Apple has locked the account %s.", a->s->account);
	else if (is_false(ds, "isWebAccessAllowed"))
		err_set(e, ERR_WEB_ACCESS, wire_web_data,
		    "Access to iCloud data on the web is switched off for %s.",
		    a->s->account);
	else if (hsa == 2 && factor_pending(o))
		return ACCOUNT_NEEDS_FACTOR;
	else if (hsa == 1 && factor_pending(o))
		err_set(e, ERR_CODE,
		    "Turn on two-factor authentication for the account, then "
		    "run icloud-pull login.",
		    "%s uses the old two-step verification, which this "
		    "program cannot answer.",
		    a->s->account);
	else if (db_status == NULL || strcmp(db_status, "active") != 0)
		err_set(e, ERR_TERMS,
		    "Open https://www.icloud.com/photos once, then run "
		    "icloud-pull again.",
		    "iCloud Photos was never set up for %s.", a->s->account);
	else if (a->s->ckdatabase_url == NULL)
		err_set(e, ERR_PROTOCOL, "Look for a newer icloud-pull.",
		    "Apple did not say where the photos are.");
	else if (!account_has_token(a))
		no_full_session(a, o, e);
	else
		return account_lacks_pcs(a) ? ACCOUNT_NEEDS_PCS : ACCOUNT_READY;
	return ACCOUNT_FAILED;
}

/* Does Apple's text say that the session is at an end? */
static bool
says_ended(const struct wire_answer *ans)
{
	const char *body = buf_text(&ans->resp.body);

	return strstr(body, "Missing " TOKEN_COOKIE) != NULL ||
	    strstr(body, "Invalid Session Token") != NULL;
}

static enum account_result
not_understood(const struct wire_answer *ans, struct err *e)
{
	err_set(e, ERR_PROTOCOL,
	    "Try again later; if it stays so, look for a newer icloud-pull.",
	    "iCloud's answer about the account was not understood (status "
	    "%d).%s",
	    ans->status, ans->says);
	return ACCOUNT_FAILED;
}

static enum account_result
read_account(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	const char *domain = json_str(ans->json, "domainToUse");
	enum session_region region;

	if (ans->status == 200 && wire_has_errors(ans))
		return says_ended(ans) ? ACCOUNT_ENDED : not_understood(ans, e);
	if (domain != NULL) {
		if (!other_region(&region, domain))
			return not_understood(ans, e);
		if (region != a->s->region) {
			a->s->region = region;
			return ACCOUNT_OTHER_REGION;
		}
	}
	if (ans->status != 200 || json_object(ans->json, "dsInfo") == NULL)
		return not_understood(ans, e);
	keep_account(a->s, ans->json);
	a->s->setup_failures = 0;
	a->s->setup_not_before_ms = a->s->setup_login_not_before_ms = 0;
	return check_account(a, ans->json, e);
}

/* [setup-throttling]: kept apart from sign-ins, and heeded like them. */
static int64_t
hold_back(struct auth *a, int64_t stated_ms)
{
	struct session *s = a->s;
	struct wire_wait w = wire_wait(stated_ms, s->setup_failures);
	int64_t now = a->now_ms();

	s->setup_failures++;
	s->setup_refused_ms = now;
	s->setup_not_before_ms = now + w.doubled_ms;
	s->setup_login_not_before_ms = now + w.first_ms;
	return a->who == AUTH_UNATTENDED ? w.doubled_ms : w.first_ms;
}

int
account_unavailable(
    struct auth *a, const struct wire_answer *ans, struct err *e)
{
	char span[32], next[128];
	int64_t wait = -1;

	if (ans->status == 429 || ans->status == 503) {
		wait = hold_back(a, ans->resp.retry_after_ms);
		snprintf(next, sizeof(next),
		    "Try again in %s; trying sooner makes the wait longer.",
		    text_span(span, wait));
		err_set(e, ERR_THROTTLED, next,
		    "iCloud takes no requests for now (status %d).%s",
		    ans->status, ans->says);
	} else {
		err_set(e, ERR_UNAVAILABLE,
		    "Try again later; if it stays so, run icloud-pull login.",
		    "iCloud is out of order (status %d).%s", ans->status,
		    ans->says);
	}
	if (e != NULL) {
		e->wait_ms = wait;
		e->http_status = ans->status;
	}
	return -1;
}

/*
 * [account-login] [validate]: 450 and 401 want a sign-in anew, 400 is a token
 * that is good for nothing; 421 is either the end of the session or a
 * connection to the wrong partition.
 */
static enum account_result
read_answer(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	enum account_result rc;

	switch (ans->status) {
	case 200:
	case 302:
		rc = read_account(a, ans, e);
		break;
	case 400:
	case 401:
	case 450:
		rc = ACCOUNT_ENDED;
		break;
	case 403:
		err_set(e, ERR_SESSION, wire_login,
		    "iCloud refused the stored session of %s.%s", a->s->account,
		    ans->says);
		rc = ACCOUNT_FAILED;
		break;
	case 421:
		rc = ACCOUNT_MISROUTED;
		break;
	default:
		if (ans->status >= 500 && says_ended(ans))
			rc = ACCOUNT_ENDED;
		else if (ans->status >= 500 || ans->status == 429) {
			account_unavailable(a, ans, e);
			rc = ACCOUNT_FAILED;
		} else
			rc = not_understood(ans, e);
	}
	if (rc == ACCOUNT_FAILED && e != NULL && ans->status != 200)
		e->http_status = ans->status;
	return rc;
}

enum account_result
account_login(struct auth *a, bool fresh, struct err *e)
{
	const struct session *s = a->s;
	struct wire_request r = {.method = "POST",
	    .path = "/accountLogin",
	    .fresh = fresh,
	    .retry = &retry_sign_in};
	struct wire_answer ans;
	enum account_result rc = ACCOUNT_FAILED;
	struct buf body;

	buf_init_secret(&body, 0);
	buf_adds(&body, "{\"accountCountryCode\":");
	buf_add_json(&body, s->account_country ? s->account_country : "");
	buf_adds(&body, ",\"dsWebAuthToken\":");
	buf_add_json(&body, s->session_token);
	buf_adds(&body, ",\"extended_login\":true,\"trustToken\":");
	buf_add_json(&body, s->trust_token ? s->trust_token : "");
	buf_addc(&body, '}');
	r.body = buf_text(&body);
	r.body_len = body.len;
	if (wire_setup(&ans, a, &r, e) == 0)
		rc = read_answer(a, &ans, e);
	wire_clear(&ans);
	buf_clear(&body);
	return rc;
}

/* The body is the four bytes "null" [validate]. */
enum account_result
account_validate(struct auth *a, bool fresh, struct err *e)
{
	struct wire_request r = {.method = "POST",
	    .path = "/validate",
	    .body = "null",
	    .body_len = 4,
	    .fresh = fresh,
	    .retry = &retry_sign_in};
	struct wire_answer ans;
	enum account_result rc = ACCOUNT_FAILED;

	if (wire_setup(&ans, a, &r, e) == 0) {
		/* accountLogin takes sessions that validate refuses. */
		if (ans.status == 403 ||
		    (ans.status == 421 && says_ended(&ans)))
			rc = ACCOUNT_ENDED;
		else
			rc = read_answer(a, &ans, e);
	}
	wire_clear(&ans);
	return rc;
}

char *
account_query(const struct auth *a, const char *name)
{
	return xasprintf("/%s?" BUILD_QUERY "&clientId=%s%s%s", name,
	    a->s->client_id, a->s->dsid != NULL ? "&dsid=" : "",
	    a->s->dsid != NULL ? a->s->dsid : "");
}

/* Keeps the trust of this browser [logout]; 421 is "was not signed in". */
int
account_logout(struct auth *a, struct err *e)
{
	static const char body[] =
	    "{\"trustBrowser\":true,\"allBrowsers\":false}";
	struct wire_request r = {.method = "POST",
	    .body = body,
	    .body_len = sizeof(body) - 1,
	    .retry = &retry_sign_in};
	struct wire_answer ans;
	char *path;
	int rc;

	path = account_query(a, "logout");
	r.path = path;
	rc = wire_setup(&ans, a, &r, e);
	if (rc == 0 && ans.status != 200 && ans.status != 421)
		rc = err_set(e, ERR_UNAVAILABLE,
		    "Sign out all browsers at https://www.icloud.com if it "
		    "matters.",
		    "iCloud did not confirm that this session is closed "
		    "(status %d).",
		    ans.status);
	wire_clear(&ans);
	free(path);
	return rc;
}
