/*
 * setup.icloud.com/setup/ws/1: a session token becomes a web session, that
 * is cookies and service addresses [account-login] [validate] [cookies].
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_p.h"
#include "json.h"

#define BASE "/setup/ws/1/"

struct call {
	struct account *ac;
	const struct sim_request *r;
	struct sim_response *resp;
	const char *what; /* the path after BASE */
	cJSON *in;
};

static const char *const pcs_names[] = {"Documents", "Photos", "Cloudkit",
    "Safari", "Mail", "Sharing", "Notes", "News"};

/* webservices: the addresses are https://pNN-HOST.icloud.com:443. */
static const struct {
	const char *key, *host;
	bool pcs;
} services[] = {
    {"reminders", "remindersws", false},
    {"ckdatabasews", "ckdatabasews", true},
    {"photosupload", "uploadphotosws", true},
    {"photos", "photosws", true},
    {"drivews", "drivews", true},
    {"uploadimagews", "uploadimagews", false},
    {"cksharews", "ckshare", false},
    {"findme", "fmipweb", false},
    {"iworkthumbnailws", "iworkthumbnailws", false},
    {"mccgateway", "mccgateway", false},
    {"calendar", "calendarws", false},
    {"docws", "docws", true},
    {"settings", "settingsws", false},
    {"premiummailsettings", "maildomainws", false},
    {"ubiquity", "ubiquityws", false},
    {"keyvalue", "keyvalueservice", false},
    {"archivews", "archivews", false},
    {"push", "pushws", false},
    {"iwmb", "iwmb", false},
    {"iworkexportws", "iworkexportws", false},
    {"geows", "geows", false},
    {"account", "setup", false},
    {"contacts", "contactsws", false},
};

static void
fail(struct call *c, int status, const char *error)
{
	cJSON *o = cJSON_CreateObject(), *info;

	cJSON_AddBoolToObject(o, "success", false);
	cJSON_AddStringToObject(o, "error", error);
	if (status == 421) { /* no dsInfo in it [validate] */
		cJSON_AddArrayToObject(o, "trustTokens");
		info = cJSON_AddObjectToObject(o, "requestInfo");
		cJSON_AddStringToObject(info, "country", "US");
		cJSON_AddStringToObject(info, "timeZone", "PST");
		cJSON_AddStringToObject(info, "region", "CA");
	}
	sim_json(c->resp, status, o);
}

static const char *
top_domain(const struct account *ac)
{
	return account_is_china(ac) ? ".cn" : "";
}

static cJSON *
webservices(const struct account *ac)
{
	cJSON *o = cJSON_CreateObject(), *s;
	char url[128];
	size_t i;

	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (!ac->set.photos &&
		    strcmp(services[i].key, "ckdatabasews") == 0)
			continue;
		s = cJSON_AddObjectToObject(o, services[i].key);
		if (services[i].pcs)
			cJSON_AddBoolToObject(s, "pcsRequired", true);
		snprintf(url, sizeof(url), "https://p%d-%s.icloud.com%s:443",
		    ac->partition, services[i].host, top_domain(ac));
		cJSON_AddStringToObject(s, "url", url);
		cJSON_AddStringToObject(s, "status", "active");
	}
	s = cJSON_AddObjectToObject(o, "sharedlibrary");
	cJSON_AddStringToObject(
	    s, "url", "https://sharedlibrary.icloud.com:443");
	cJSON_AddStringToObject(s, "status", "active");
	cJSON_AddObjectToObject(o, "schoolwork");
	return o;
}

static cJSON *
ds_info(const struct account *ac)
{
	cJSON *o = cJSON_CreateObject(), *list, *e;

	cJSON_AddStringToObject(o, "lastName", "Roe");
	cJSON_AddStringToObject(o, "firstName", "Jane");
	cJSON_AddStringToObject(o, "fullName", "Jane Roe");
	cJSON_AddBoolToObject(o, "iCDPEnabled", ac->set.adp);
	cJSON_AddStringToObject(o, "dsid", ac->dsid);
	if (ac->set.two_factor) {
		cJSON_AddBoolToObject(o, "hsaEnabled", true);
		cJSON_AddNumberToObject(
		    o, "hsaVersion", ac->set.two_step ? 1 : 2);
	}
	cJSON_AddStringToObject(
	    o, "locale", account_is_china(ac) ? "zh-cn_CN" : "en-us_US");
	cJSON_AddStringToObject(
	    o, "languageCode", account_is_china(ac) ? "zh-cn" : "en-us");
	cJSON_AddStringToObject(o, "countryCode", ac->set.country);
	cJSON_AddBoolToObject(o, "isManagedAppleID", false);
	cJSON_AddStringToObject(o, "ICDRSCapableDeviceList", "");
	cJSON_AddNumberToObject(o, "ICDRSCapableDeviceCount", 0);
	cJSON_AddBoolToObject(o, "locked", ac->set.locked);
	cJSON_AddBoolToObject(o, "hasICloudQualifyingDevice", ac->set.devices);
	cJSON_AddBoolToObject(o, "isWebAccessAllowed", ac->set.web_access);
	cJSON_AddStringToObject(o, "appleId", ac->options->account);
	cJSON_AddStringToObject(o, "primaryEmail", ac->options->account);
	cJSON_AddBoolToObject(o, "primaryEmailVerified", true);
	list = cJSON_AddArrayToObject(o, "appleIdEntries");
	e = cJSON_CreateObject();
	cJSON_AddBoolToObject(e, "isPrimary", true);
	cJSON_AddStringToObject(e, "type", "EMAIL");
	cJSON_AddStringToObject(e, "value", ac->options->account);
	cJSON_AddItemToArray(list, e);
	cJSON_AddArrayToObject(o, "appleIdAliases");
	cJSON_AddBoolToObject(o, "isPaidDeveloper", false);
	cJSON_AddBoolToObject(cJSON_AddObjectToObject(o, "beneficiaryInfo"),
	    "isBeneficiary", false);
	cJSON_AddBoolToObject(o, "pcsDeleted", false);
	cJSON_AddBoolToObject(o, "brMigrated", true);
	cJSON_AddBoolToObject(o, "notesMigrated", true);
	cJSON_AddBoolToObject(o, "familyEligible", true);
	cJSON_AddNumberToObject(o, "statusCode", 2);
	return o;
}

static cJSON *
config_bag(const struct account *ac)
{
	static const struct {
		const char *key, *path;
	} urls[] = {
	    {"accountLogin", "accountLogin"},
	    {"repairDone", "repairDone"},
	    {"getICloudTerms", "getTerms"},
	    {"downloadICloudTerms", "downloadLiteTerms"},
	};
	cJSON *o = cJSON_CreateObject(), *u;
	char url[128];
	size_t i;

	u = cJSON_AddObjectToObject(o, "urls");
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		snprintf(url, sizeof(url),
		    "https://setup.icloud.com%s/setup/ws/1/%s", top_domain(ac),
		    urls[i].path);
		cJSON_AddStringToObject(u, urls[i].key, url);
	}
	cJSON_AddBoolToObject(o, "accountCreateEnabled", true);
	return o;
}

/* The account object of accountLogin and validate. */
static cJSON *
account_json(const struct account *ac, bool full, bool trusted)
{
	static const char *const apps[] = {"mail", "contacts", "calendar",
	    "photos", "iclouddrive", "notes3", "reminders", "find", "settings"};
	cJSON *o = cJSON_CreateObject(), *order, *list, *info;
	size_t i;

	cJSON_AddItemToObject(o, "dsInfo", ds_info(ac));
	cJSON_AddBoolToObject(
	    o, "hasMinimumDeviceForPhotosWeb", ac->set.photos);
	cJSON_AddBoolToObject(o, "iCDPEnabled", ac->set.adp);
	cJSON_AddItemToObject(o, "webservices", webservices(ac));
	cJSON_AddBoolToObject(o, "pcsEnabled", true);
	if (ac->set.terms)
		cJSON_AddBoolToObject(o, "termsUpdateNeeded", true);
	if (ac->set.repair)
		cJSON_AddBoolToObject(o, "isRepairNeeded", true);
	cJSON_AddItemToObject(o, "configBag", config_bag(ac));
	if (ac->set.two_factor) {
		cJSON_AddBoolToObject(o, "hsaTrustedBrowser", trusted);
		cJSON_AddBoolToObject(o, "hsaChallengeRequired", !full);
	}
	order = cJSON_AddArrayToObject(o, "appsOrder");
	list = cJSON_AddObjectToObject(o, "apps");
	for (i = 0; i < sizeof(apps) / sizeof(apps[0]); i++) {
		cJSON_AddItemToArray(order, cJSON_CreateString(apps[i]));
		cJSON_AddObjectToObject(list, apps[i]);
	}
	cJSON_AddNumberToObject(o, "version", 2);
	cJSON_AddBoolToObject(o, "isExtendedLogin", true);
	cJSON_AddBoolToObject(o, "pcsServiceIdentitiesIncluded", false);
	cJSON_AddBoolToObject(o, "pcsDeleted", false);
	info = cJSON_AddObjectToObject(o, "requestInfo");
	cJSON_AddStringToObject(info, "country", "US");
	cJSON_AddStringToObject(info, "timeZone", "PST");
	cJSON_AddStringToObject(info, "region", "CA");
	cJSON_AddBoolToObject(cJSON_AddObjectToObject(o, "iCloudInfo"),
	    "SafariBookmarksHasMigratedToCloudKit", false);
	return o;
}

/* A cookie whose text nobody reads. */
static void
opaque_cookie(struct call *c, const char *name, const char *form,
    int64_t expires_ms, bool odd_date)
{
	char word[129], value[256];

	account_word(c->ac, word, sizeof(word));
	snprintf(value, sizeof(value), "%s%s%s", form, word,
	    form[0] != '\0' ? "~~" : "=");
	account_cookie(c->ac, c->resp, name, value, expires_ms, odd_date);
}

static void
pcs_cookies(struct call *c, int64_t expires_ms)
{
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(pcs_names) / sizeof(pcs_names[0]); i++) {
		snprintf(
		    name, sizeof(name), "X-APPLE-WEBAUTH-PCS-%s", pcs_names[i]);
		opaque_cookie(c, name, "", expires_ms, true);
	}
}

static struct web_session *
new_web(struct call *c, bool trusted)
{
	struct account *ac = c->ac;
	struct web_session *w = &ac->webs[ac->next_web];

	ac->next_web = (ac->next_web + 1) % MANY_WEBS;
	memset(w, 0, sizeof(*w));
	w->used = true;
	w->trusted = trusted;
	snprintf(w->user, sizeof(w->user), "v=1:s=1:d=%s", ac->dsid);
	return w;
}

/* What accountLogin and validate renew of a whole session. */
static void
whole_cookies(struct call *c, struct web_session *w)
{
	char word[65];
	int64_t until = c->r->now_ms + c->ac->set.session_days * DAY;

	account_word(c->ac, word, sizeof(word));
	snprintf(w->validate, sizeof(w->validate), "v=1:t=QA==BST_%s~~", word);
	account_cookie(
	    c->ac, c->resp, "X-APPLE-WEBAUTH-VALIDATE", w->validate, 0, false);
	account_rotate(c->ac, w, c->r->now_ms, c->resp);
	opaque_cookie(c, "X-APPLE-DS-WEB-SESSION-TOKEN", "", until, true);
	if (!c->ac->set.adp)
		pcs_cookies(c, until);
}

/* Cookies of every accountLogin, and those of its kind [cookies]. */
static void
login_cookies(struct call *c, bool full, const struct trust_token *trust)
{
	struct account *ac = c->ac;
	int64_t until = c->r->now_ms + ac->set.session_days * DAY;
	bool held = ac->set.terms || ac->set.repair || !ac->set.web_access;
	struct web_session *w;
	char word[28], half[65], name[64];

	opaque_cookie(c, "X-APPLE-UNIQUE-CLIENT-ID", "", 0, false);
	opaque_cookie(c, "X-APPLE-WEBAUTH-LOGIN", "v=1:t=QA==BST_", 0, false);
	account_word(ac, word, sizeof(word));
	snprintf(name, sizeof(name), "X_APPLE_WEB_KB-%s", word);
	opaque_cookie(
	    c, name, "v=1:t=QA==BST_", c->r->now_ms + 60 * DAY, false);
	w = new_web(c, trust != NULL);
	w->trust_until_ms = trust != NULL ? trust->expires_ms : 0;
	account_cookie(
	    ac, c->resp, "X-APPLE-WEBAUTH-USER", w->user, until, false);
	if (!full) {
		w->used = false;
		account_word(ac, half, sizeof(half));
		snprintf(ac->half_validate, sizeof(ac->half_validate),
		    "v=1:t=QA==BST_%s~~", half);
		account_cookie(ac, c->resp, "X-APPLE-WEBAUTH-VALIDATE",
		    ac->half_validate, 0, false);
		opaque_cookie(
		    c, "X-APPLE-WEBAUTH-HSA-LOGIN", "v=2:t=QA==BST_", 0, false);
		opaque_cookie(
		    c, "X-APPLE-DS-WEB-SESSION-TOKEN", "", until, false);
		return;
	}
	account_cookie(
	    ac, c->resp, "X-APPLE-WEBAUTH-HSA-LOGIN", NULL, 0, false);
	if (trust != NULL)
		opaque_cookie(c, "X-APPLE-WEBAUTH-HSA-TRUST", "",
		    trust->expires_ms, false);
	if (held) { /* no -TOKEN while something waits at icloud.com */
		w->used = false;
		if (ac->set.repair)
			opaque_cookie(
			    c, "X-APPLE-WEBAUTH-REPAIR", "", 0, false);
		return;
	}
	whole_cookies(c, w);
}

/* Is this the host of the account's region?  If not, the answer says which
 * is [region]. */
static bool
right_region(struct call *c)
{
	bool cn = strstr(c->r->host, ".cn") != NULL;
	cJSON *o;

	if (cn == account_is_china(c->ac))
		return true;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(
	    o, "domainToUse", cn ? "iCloud.com" : "iCloud.com.cn");
	sim_json(c->resp, (int)c->ac->set.domain_status, o);
	return false;
}

/* [account-login] */
static void
account_login(struct call *c)
{
	const char *text = json_str(c->in, "dsWebAuthToken");
	const char *trust_text = json_str(c->in, "trustToken");
	const char *country = json_str(c->in, "accountCountryCode");
	const struct session_token *t;
	const struct trust_token *trust = NULL;
	bool full;

	if (text == NULL || trust_text == NULL || country == NULL ||
	    !json_bool(c->in, "extended_login"))
		sim_violation("%s: a member of the body is missing", c->what);
	else if (strcmp(country, c->ac->set.country) != 0)
		sim_violation("%s: accountCountryCode is %s", c->what, country);
	if (!right_region(c))
		return;
	t = text != NULL ? account_find_token(c->ac, text) : NULL;
	if (t == NULL) {
		fail(c, 400, "Invalid Session Token");
		return;
	}
	if (t->dead) {
		fail(c, 421, "Missing X-APPLE-WEBAUTH-TOKEN cookie");
		return;
	}
	if (trust_text != NULL && trust_text[0] != '\0')
		trust = account_find_trust(c->ac, trust_text, c->r->now_ms);
	/* With a trust that is over the second factor is due again. */
	full = t->full &&
	    (trust != NULL || trust_text == NULL || trust_text[0] == '\0');
	login_cookies(c, full, trust);
	sim_add_header(
	    c->resp, "x-apple-user-partition", "%d", c->ac->partition);
	sim_json(c->resp, 200, account_json(c->ac, full, full));
}

/* The whole session that the cookies stand for; else the answer is 421. */
static struct web_session *
need_web(struct call *c)
{
	const char *why;
	struct web_session *w = account_find_web(c->ac, c->r, &why);

	if (w == NULL)
		fail(c, 421, why);
	else if (!c->ac->set.web_access) {
		w = NULL;
		fail(c, 421, "Missing X-APPLE-WEBAUTH-TOKEN cookie");
	}
	return w;
}

/* [validate] */
static void
validate(struct call *c)
{
	struct web_session *w;
	char value[256] = "";

	if (strcmp(c->r->body, "null") != 0)
		sim_violation("%s: the body is not null", c->what);
	if (!right_region(c))
		return;
	w = need_web(c);
	if (w == NULL)
		return;
	/* A cookie without expiry, which must outlive the program all the
	 * same [cookies]. */
	if (!sim_cookie(
		value, sizeof(value), c->r, "X-APPLE-WEBAUTH-VALIDATE") ||
	    !account_same_value(
		value, w->validate, "X-APPLE-WEBAUTH-VALIDATE")) {
		if (!account_same_value(value, c->ac->half_validate,
			"X-APPLE-WEBAUTH-VALIDATE"))
			sim_violation("%s: X-APPLE-WEBAUTH-VALIDATE is not the "
				      "last one given",
			    c->what);
		fail(c, 421, "Missing X-APPLE-WEBAUTH-VALIDATE cookie");
		return;
	}
	if (c->ac->set.terms || c->ac->set.repair) {
		sim_json(c->resp, 200, account_json(c->ac, true, true));
		return;
	}
	if (w->trust_until_ms != 0 && w->trust_until_ms <= c->r->now_ms) {
		sim_json(c->resp, 200, account_json(c->ac, false, false));
		return;
	}
	whole_cookies(c, w);
	sim_add_header(
	    c->resp, "x-apple-user-partition", "%d", c->ac->partition);
	sim_json(c->resp, 200, account_json(c->ac, true, true));
}

static void
check_query(struct call *c)
{
	static const char *const names[] = {
	    "clientBuildNumber", "clientMasteringNumber", "clientId", "dsid"};
	char value[128];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!sim_query(value, sizeof(value), c->r, names[i]))
			sim_violation(
			    "%s: parameter %s is missing", c->what, names[i]);
}

/* [logout] */
static void
logout(struct call *c)
{
	struct web_session *w = need_web(c);
	size_t i;

	check_query(c);
	if (w == NULL)
		return;
	w->dead = true;
	if (json_bool(c->in, "allBrowsers")) {
		for (i = 0; i < MANY_WEBS; i++)
			c->ac->webs[i].dead = true;
		for (i = 0; i < MANY_TOKENS; i++)
			c->ac->tokens[i].dead = true;
	}
	if (!json_bool(c->in, "trustBrowser"))
		for (i = 0; i < MANY_TRUSTS; i++)
			c->ac->trusts[i].expires_ms = 0;
	account_cookie(c->ac, c->resp, "X-APPLE-WEBAUTH-TOKEN", NULL, 0, false);
	account_cookie(
	    c->ac, c->resp, "X-APPLE-WEBAUTH-VALIDATE", NULL, 0, false);
	account_cookie(
	    c->ac, c->resp, "X-APPLE-DS-WEB-SESSION-TOKEN", NULL, 0, false);
	cJSON *o = cJSON_CreateObject();
	cJSON_AddBoolToObject(o, "success", true);
	sim_json(c->resp, 200, o);
}

/* Has the owner allowed the web to see data, within the last hour? */
static bool
consented(struct call *c)
{
	struct account *ac = c->ac;

	if (ac->consent_given) {
		ac->consent_given = false;
		ac->consent_until_ms = c->r->now_ms + HOUR;
	}
	return ac->consent_until_ms > c->r->now_ms;
}

/* [pcs] */
static void
web_access_state(struct call *c)
{
	cJSON *o;

	check_query(c);
	if (need_web(c) == NULL)
		return;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "dsid", c->ac->dsid);
	cJSON_AddBoolToObject(o, "isWebAccessAllowed", c->ac->set.web_access);
	if (c->ac->set.adp) {
		cJSON_AddBoolToObject(
		    o, "isDeviceConsentedForPCS", consented(c));
		cJSON_AddBoolToObject(o, "isICDRSDisabled", true);
		cJSON_AddNumberToObject(o, "deviceConsentForPCSExpiry",
		    (double)c->ac->consent_until_ms);
	}
	sim_json(c->resp, 200, o);
}

static void
enable_consent(struct call *c)
{
	cJSON *o;

	check_query(c);
	if (need_web(c) == NULL)
		return;
	account_by_person(c->ac, c->what);
	c->ac->consent_asked = c->ac->set.devices;
	o = cJSON_CreateObject();
	cJSON_AddBoolToObject(
	    o, "isDeviceConsentNotificationSent", c->ac->set.devices);
	sim_json(c->resp, 200, o);
}

/* true first and false on repeats; true is a person's. */
static void
check_derived(struct call *c)
{
	const cJSON *derived = json_get(c->in, "derivedFromUserAction");

	if (!cJSON_IsBool(derived))
		sim_violation("%s: derivedFromUserAction is missing", c->what);
	else if (cJSON_IsTrue(derived))
		account_by_person(c->ac, c->what);
}

static void
request_pcs(struct call *c)
{
	const char *app = json_str(c->in, "appName");
	struct web_session *w = need_web(c);
	cJSON *o;

	check_query(c);
	if (w == NULL)
		return;
	if (app == NULL || strcmp(app, "photos") != 0)
		sim_violation("%s: appName is not photos", c->what);
	check_derived(c);
	o = cJSON_CreateObject();
	if (c->ac->set.arming) {
		cJSON_AddBoolToObject(o, "isDeviceConsentedForPCS", false);
		cJSON_AddStringToObject(
		    o, "message", "Issue requesting IDMS for arming.");
		sim_json(c->resp, 500, o);
		return;
	}
	if (!c->ac->set.adp || consented(c)) {
		w->pcs_until_ms = c->r->now_ms + HOUR;
		pcs_cookies(c, c->r->now_ms + HOUR);
		cJSON_AddStringToObject(o, "status", "success");
		cJSON_AddStringToObject(o, "message", "");
		cJSON_AddBoolToObject(o, "isWebAccessAllowed", true);
	} else {
		/* Asking for the cookies asks for consent, too. */
		cJSON_AddStringToObject(o, "status", "failure");
		cJSON_AddStringToObject(o, "message",
		    c->ac->consent_asked
			? "Cookies not available yet on server."
			: "Requested the device to upload cookies.");
		c->ac->consent_asked = true;
	}
	sim_json(c->resp, 200, o);
}

static void
terms_read(struct call *c)
{
	sim_violation(
	    "%s: the owner's terms are not a program's to accept", c->what);
	fail(c, 403, "1");
}

static const struct {
	const char *method, *path;
	void (*run)(struct call *);
} routes[] = {
    {"POST", "accountLogin", account_login},
    {"POST", "validate", validate},
    {"POST", "logout", logout},
    {"POST", "requestWebAccessState", web_access_state},
    {"POST", "enableDeviceConsentForPCS", enable_consent},
    {"POST", "requestPCS", request_pcs},
    {"GET", "getTerms", terms_read},
    {"GET", "repairDone", terms_read},
};

static void
check_headers(struct call *c)
{
	const char *type = sim_header(c->r, "Content-Type");

	account_check_browser(c->r, c->what);
	account_check_home(c->r, c->what);
	if (c->r->body_len > 0 && strcmp(c->what, "validate") != 0 &&
	    (type == NULL ||
		(strncmp(type, "application/json", 16) != 0 &&
		    strncmp(type, "text/plain", 10) != 0)))
		sim_violation("%s: Content-Type of the body is %s", c->what,
		    type != NULL ? type : "missing");
}

void
setup_answer(
    struct account *ac, const struct sim_request *r, struct sim_response *resp)
{
	struct call c = {.ac = ac, .r = r, .resp = resp, .what = r->path};
	size_t i, n = sizeof(routes) / sizeof(routes[0]);

	if (strncmp(r->path, BASE, strlen(BASE)) == 0)
		c.what = r->path + strlen(BASE);
	for (i = 0; i < n; i++)
		if (strcmp(routes[i].method, r->method) == 0 &&
		    strcmp(routes[i].path, c.what) == 0)
			break;
	if (i == n) {
		sim_violation(
		    "%s %s%s: unknown request", r->method, r->host, r->path);
		fail(&c, 404, "Not Found");
		return;
	}
	check_headers(&c);
	if (r->body_len > 0)
		c.in = json_parse(r->body, r->body_len, NULL);
	routes[i].run(&c);
	cJSON_Delete(c.in);
}
