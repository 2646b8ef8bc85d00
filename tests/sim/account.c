#include "account_p.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "json.h"
#include "text.h"

void
account_random(struct account *ac, uint8_t *out, size_t n)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	uint64_t in[3] = {0x69636c6f75640001u, ac->options->seed, 0};
	size_t take;

	for (; n > 0; out += take, n -= take) {
		in[2] = ac->counter++;
		SHA256((const unsigned char *)in, sizeof(in), hash);
		take = n < sizeof(hash) ? n : sizeof(hash);
		memcpy(out, hash, take);
	}
}

void
account_word(struct account *ac, char *out, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t i;

	account_random(ac, (uint8_t *)out, size - 1);
	for (i = 0; i + 1 < size; i++)
		out[i] = letters[(uint8_t)out[i] % (sizeof(letters) - 1)];
	out[size - 1] = '\0';
}

void
account_uuid(struct account *ac, char out[37])
{
	uint8_t b[16];
	char hex[33];

	account_random(ac, b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	text_hex(hex, b, sizeof(b));
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
	    hex + 16, hex + 20);
}

bool
account_is_china(const struct account *ac)
{
	return strcmp(ac->set.country, "CHN") == 0;
}

/* A new password: new verifiers.  The escrow exchange has its own salt and
 * iterations, so a client that takes those of the sign-in fails. */
static void
set_password(struct account *ac, const char *password)
{
	uint8_t salt[16];

	snprintf(ac->password, sizeof(ac->password), "%s", password);
	sim_secret(password);
	account_random(ac, salt, sizeof(salt));
	verifier_set(&ac->verifier, password, salt, 20064, ac->set.hex);
	account_random(ac, salt, sizeof(salt));
	verifier_set(&ac->escrow_verifier, password, salt, 20309, ac->set.hex);
}

struct account *
account_new(const struct sim_options *o)
{
	struct account *ac = xcalloc(1, sizeof(*ac));
	uint8_t b[4];

	pthread_mutex_init(&ac->lock, NULL);
	ac->options = o;
	ac->partition = 61;
	ac->next_serial = 1;
	ac->set = (struct account_settings){
	    .escrow = true,
	    .devices = true,
	    .two_factor = true,
	    .web_access = true,
	    .photos = true,
	    .escrow_header = "X-Apple-EDP",
	    .code_answer = "409",
	    .boot_args = "bridge",
	    .country = "USA",
	    .codes_left = 10,
	    .phones = 2,
	    .domain_status = 302,
	    .cloudkit_status = 421,
	    .session_days = 30,
	    .trust_days = 30,
	    .rotate_every = 25,
	};
	if (o->code != NULL)
		snprintf(ac->set.code, sizeof(ac->set.code), "%s", o->code);
	account_random(ac, b, sizeof(b));
	snprintf(ac->dsid, sizeof(ac->dsid), "2%03u%07u",
	    (b[0] * 256U + b[1]) % 1000, (b[2] * 256U + b[3]) * 100);
	set_password(ac, o->password != NULL ? o->password : "");
	return ac;
}

void
account_free(struct account *ac)
{
	if (ac == NULL)
		return;
	pthread_mutex_destroy(&ac->lock);
	free(ac);
}

const char *
account_new_token(struct account *ac, const struct sign_in *s)
{
	struct session_token *t = &ac->tokens[ac->next_token];

	ac->next_token = (ac->next_token + 1) % MANY_TOKENS;
	account_word(ac, t->text, sizeof(t->text));
	memcpy(t->text, "AAAABLWI", 8);
	sim_secret(t->text);
	t->serial = s->serial;
	t->full = s->full;
	t->dead = false;
	return t->text;
}

void
account_grant(struct account *ac, struct sign_in *s)
{
	size_t i;

	s->full = true;
	for (i = 0; i < MANY_TOKENS; i++)
		if (ac->tokens[i].serial == s->serial)
			ac->tokens[i].full = true;
}

struct session_token *
account_find_token(struct account *ac, const char *text)
{
	size_t i;

	for (i = 0; i < MANY_TOKENS; i++)
		if (ac->tokens[i].serial != 0 &&
		    strcmp(ac->tokens[i].text, text) == 0)
			return &ac->tokens[i];
	return NULL;
}

struct trust_token *
account_find_trust(struct account *ac, const char *text, int64_t now_ms)
{
	struct trust_token *t;
	size_t i;

	for (i = 0; i < MANY_TRUSTS; i++) {
		t = &ac->trusts[i];
		if (t->expires_ms > now_ms && strcmp(t->text, text) == 0)
			return t->worth ? t : NULL;
	}
	return NULL;
}

void
account_make_code(struct account *ac, bool by_sms, int64_t now_ms)
{
	unsigned int n = 0;
	uint8_t b[4];
	size_t i;

	account_random(ac, b, sizeof(b));
	for (i = 0; i < sizeof(b); i++)
		n = n << 8 | b[i];
	if (ac->set.code[0] != '\0')
		for (n = 0, i = 0; i < 6; i++)
			n = n * 10 + (unsigned int)(ac->set.code[i] - '0');
	if (by_sms && ac->set.code[0] != '\0')
		n += 111111;
	snprintf(ac->code, sizeof(ac->code), "%06u", n % 1000000);
	sim_secret(ac->code);
	ac->code_by_sms = by_sms;
	ac->code_used = false;
	ac->code_made_ms = now_ms;
}

cJSON *
account_code(struct account *ac)
{
	cJSON *o = NULL;

	pthread_mutex_lock(&ac->lock);
	if (ac->code[0] != '\0') {
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "code", ac->code);
		cJSON_AddStringToObject(
		    o, "via", ac->code_by_sms ? "sms" : "device");
	}
	pthread_mutex_unlock(&ac->lock);
	return o;
}

/* Both forms of a date that Apple writes into cookies [cookies]. */
static void
cookie_date(char *out, size_t size, int64_t ms, bool odd)
{
	static const char days[][4] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c;

	civil_from_ms(&c, ms);
	snprintf(out, size, "%s,%s%02d-%s-%lld %02d:%02d:%02d GMT",
	    days[c.weekday], odd ? "" : " ", c.day, months[c.month - 1],
	    (long long)c.year, c.hour, c.minute, c.second);
}

void
account_cookie(const struct account *ac, struct sim_response *resp,
    const char *name, const char *value, int64_t expires_ms, bool odd_date)
{
	char date[64], expires[80] = "";
	bool readable = strcmp(name, "X-APPLE-UNIQUE-CLIENT-ID") == 0 ||
	    strcmp(name, "X-APPLE-WEBAUTH-VALIDATE") == 0;

	if (value != NULL)
		sim_secret(value);
	if (expires_ms > 0) {
		cookie_date(date, sizeof(date), expires_ms, odd_date);
		snprintf(expires, sizeof(expires), " Expires=%s;", date);
	}
	sim_add_header(resp, "Set-Cookie",
	    "%s=%s%s%s;%s Path=/; Domain=.icloud.com%s; Secure%s", name,
	    value != NULL ? "\"" : "", value != NULL ? value : "",
	    value != NULL ? "\"" : "", expires,
	    account_is_china(ac) ? ".cn" : "", readable ? "" : "; HttpOnly");
}

/* The number after a word of the User-Agent; 0 if it is not there. */
static int
version(const char *agent, const char *word)
{
	const char *p = strstr(agent, word);
	int n = 0;

	if (p == NULL)
		return 0;
	for (p += strlen(word); isdigit((unsigned char)*p) && n < 10000; p++)
		n = n * 10 + (*p - '0');
	return n;
}

void
account_check_browser(const struct sim_request *r, const char *what)
{
	const char *agent = sim_header(r, "User-Agent");

	if (agent == NULL)
		sim_violation("%s: no User-Agent", what);
	else if (strncmp(agent, "Mozilla/5.0 (", 13) != 0 ||
	    (version(agent, "Chrome/") < 120 &&
		version(agent, "Firefox/") < 120 &&
		(version(agent, "Version/") < 17 ||
		    strstr(agent, "Safari/") == NULL)))
		sim_violation("%s: User-Agent is no current browser's", what);
	if (sim_header(r, "Accept") == NULL)
		sim_violation("%s: no Accept header", what);
}

void
account_check_home(const struct sim_request *r, const char *what)
{
	const char *origin = sim_header(r, "Origin");
	const char *referer = sim_header(r, "Referer");
	const char *cn = strstr(r->host, ".cn") != NULL ? ".cn" : "";
	char home[64];

	snprintf(home, sizeof(home), "https://www.icloud.com%s/", cn);
	if (referer == NULL || strcmp(referer, home) != 0)
		sim_violation("%s: Referer is not %s", what, home);
	home[strlen(home) - 1] = '\0';
	if (origin == NULL || strcmp(origin, home) != 0)
		sim_violation("%s: Origin is not %s", what, home);
}

bool
account_same_value(const char *cookie, const char *value, const char *name)
{
	size_t n = strlen(value);

	if (value[0] == '\0')
		return false;
	if (cookie[0] == '"' && strncmp(cookie + 1, value, n) == 0 &&
	    strcmp(cookie + 1 + n, "\"") == 0)
		return true;
	if (strcmp(cookie, value) == 0)
		sim_violation("cookie %s came back without its quotes", name);
	return false;
}

struct web_session *
account_find_web(
    struct account *ac, const struct sim_request *r, const char **why)
{
	char token[256], user[256];
	struct web_session *w;
	size_t i, k;

	if (!sim_cookie(user, sizeof(user), r, "X-APPLE-WEBAUTH-USER")) {
		*why = "Missing X-APPLE-WEBAUTH-USER cookie";
		return NULL;
	}
	if (!sim_cookie(token, sizeof(token), r, "X-APPLE-WEBAUTH-TOKEN")) {
		*why = "Missing X-APPLE-WEBAUTH-TOKEN cookie";
		return NULL;
	}
	*why = "Invalid global session";
	for (i = 0; i < MANY_WEBS; i++) {
		w = &ac->webs[i];
		if (!w->used)
			continue;
		for (k = 0; k < WEB_TOKENS; k++)
			if (account_same_value(
				token, w->token[k], "X-APPLE-WEBAUTH-TOKEN"))
				break;
		if (k == WEB_TOKENS)
			continue;
		if (w->dead || w->expires_ms <= r->now_ms)
			return NULL;
		if (!account_same_value(user, w->user, "X-APPLE-WEBAUTH-USER"))
			return NULL;
		return w;
	}
	return NULL;
}

void
account_rotate(struct account *ac, struct web_session *w, int64_t now_ms,
    struct sim_response *resp)
{
	char word[65];
	char *token;

	w->newest = (w->newest + 1) % WEB_TOKENS;
	token = w->token[w->newest];
	account_word(ac, word, sizeof(word));
	snprintf(token, sizeof(w->token[0]), "v=2:t=QA==BST_%s~~", word);
	w->expires_ms = now_ms + ac->set.session_days * DAY;
	account_cookie(
	    ac, resp, "X-APPLE-WEBAUTH-TOKEN", token, w->expires_ms, true);
}

/* Cookies that a right client never sends to CloudKit or setup. */
static void
check_cookies(const struct sim_request *r, const char *what)
{
	char value[512];

	if (sim_cookie(value, sizeof(value), r, "aasp"))
		sim_violation(
		    "%s: cookie of apple.com sent to %s", what, r->host);
	if (sim_cookie(value, sizeof(value), r, "X-APPLE-WEBAUTH-HSA-LOGIN") &&
	    value[0] == '\0')
		sim_violation("%s: a deleted cookie was sent", what);
}

static bool
has_pcs(const struct sim_request *r)
{
	char value[512];

	return sim_cookie(
		   value, sizeof(value), r, "X-APPLE-WEBAUTH-PCS-Photos") &&
	    sim_cookie(value, sizeof(value), r, "X-APPLE-WEBAUTH-PCS-Sharing");
}

static void
refuse(
    struct sim_response *resp, int status, const char *code, const char *reason)
{
	cJSON *o = cJSON_CreateObject();

	if (code != NULL) {
		cJSON_AddStringToObject(
		    o, "uuid", "00000000-0000-4000-8000-000000000000");
		cJSON_AddStringToObject(o, "serverErrorCode", code);
	}
	cJSON_AddStringToObject(o, "reason", reason);
	if (code == NULL)
		cJSON_AddNumberToObject(o, "error", 1);
	sim_json(resp, status, o);
}

/* With the lock held. */
static bool
admits(
    struct account *ac, const struct sim_request *r, struct sim_response *resp)
{
	const char *why;
	struct web_session *w = account_find_web(ac, r, &why);
	char host[64];
	int status = (int)ac->set.cloudkit_status;

	snprintf(host, sizeof(host), "p%d-ckdatabasews.icloud.com%s",
	    ac->partition, account_is_china(ac) ? ".cn" : "");
	if (w == NULL && strncmp(why, "Missing", 7) == 0)
		refuse(resp, 421, NULL, why);
	else if (w == NULL)
		refuse(resp, status,
		    status == 401 ? "AUTHENTICATION_FAILED" : NULL,
		    status == 401 ? "no auth method found" : why);
	else if (strcmp(r->host, host) != 0) /* [partition] */
		refuse(resp, 421, NULL, "Missing X-APPLE-WEBAUTH-USER cookie");
	else if (!ac->set.web_access)
		refuse(resp, 403, "ACCESS_DENIED",
		    "private db access disabled for this account");
	else if (ac->set.security_keys)
		refuse(
		    resp, 401, "AUTHENTICATION_FAILED", "no auth method found");
	else if (ac->set.adp && (w->pcs_until_ms <= r->now_ms || !has_pcs(r)))
		refuse(resp, 423, NULL, "Missing PCS cookies from the request");
	else {
		if (!has_pcs(r))
			sim_violation("CloudKit: PCS cookies were not sent");
		sim_add_header(
		    resp, "x-apple-user-partition", "%d", ac->partition);
		if (ac->set.rotate_every > 0 &&
		    ++w->admitted % ac->set.rotate_every == 0)
			account_rotate(ac, w, r->now_ms, resp);
		return true;
	}
	return false;
}

void
account_by_person(const struct account *ac, const char *what)
{
	if (ac->unattended)
		sim_violation("%s: nobody is there to ask for that", what);
}

/*
 * Does this host want to be left alone?  Then the answer is 503.  Whoever does
 * not heed it waits twice as long [throttling].
 */
static bool
throttled(struct account *ac, int which, const struct sim_request *r,
    struct sim_response *resp)
{
	struct hold *h = &ac->holds[which];

	if (h->wait_ms == 0)
		return false;
	if (h->until_ms != 0 && h->until_ms <= r->now_ms) {
		*h = (struct hold){0, 0};
		return false;
	}
	if (h->until_ms != 0) {
		sim_violation("%s %s: %lld s before Retry-After was over",
		    r->host, r->path,
		    (long long)(h->until_ms - r->now_ms) / 1000);
		h->wait_ms *= 2;
	}
	h->until_ms = r->now_ms + h->wait_ms;
	resp->status = 503;
	sim_add_header(
	    resp, "Retry-After", "%lld", (long long)(h->wait_ms + 999) / 1000);
	sim_add_header(resp, "Content-Type", "text/html");
	buf_adds(&resp->body, "Service Temporary Unavailable\n");
	return true;
}

bool
account_admits(
    struct account *ac, const struct sim_request *r, struct sim_response *resp)
{
	bool ok;

	account_check_browser(r, "CloudKit");
	account_check_home(r, "CloudKit");
	check_cookies(r, "CloudKit");
	pthread_mutex_lock(&ac->lock);
	ok = !throttled(ac, HOLD_CLOUDKIT, r, resp) && admits(ac, r, resp);
	pthread_mutex_unlock(&ac->lock);
	return ok;
}

static bool
host_is(const char *host, const char *name)
{
	size_t n = strlen(name);

	return strncmp(host, name, n) == 0 &&
	    (host[n] == '\0' || strcmp(host + n, ".cn") == 0);
}

/* setup.icloud.com, and p61-setup.icloud.com, which webservices name. */
static bool
is_setup(const char *host)
{
	if (host[0] == 'p' && isdigit((unsigned char)host[1])) {
		host += 1 + strspn(host + 1, "0123456789");
		if (*host++ != '-')
			return false;
	}
	return host_is(host, "setup.icloud.com");
}

bool
account_answer(
    struct account *ac, const struct sim_request *r, struct sim_response *resp)
{
	bool mine = true;

	pthread_mutex_lock(&ac->lock);
	if (host_is(r->host, "idmsa.apple.com")) {
		if (!throttled(ac, HOLD_IDMSA, r, resp))
			idmsa_answer(ac, r, resp);
	} else if (is_setup(r->host)) {
		check_cookies(r, r->path);
		if (!throttled(ac, HOLD_SETUP, r, resp))
			setup_answer(ac, r, resp);
	} else if (host_is(r->host, "www.icloud.com")) {
		resp->status = 200;
		sim_add_header(resp, "Content-Type", "text/html");
		buf_adds(&resp->body,
		    "<!DOCTYPE html>\n<html><head>"
		    "<title>iCloud</title></head><body></body></html>\n");
	} else
		mine = false;
	pthread_mutex_unlock(&ac->lock);
	return mine;
}

void
account_told_to_wait(
    struct account *ac, const struct sim_request *r, int64_t wait_ms)
{
	int which = host_is(r->host, "idmsa.apple.com") ? HOLD_IDMSA
	    : is_setup(r->host)                         ? HOLD_SETUP
							: HOLDS;

	pthread_mutex_lock(&ac->lock);
	if (which != HOLDS)
		ac->holds[which] = (struct hold){wait_ms, r->now_ms + wait_ms};
	pthread_mutex_unlock(&ac->lock);
}

static const char *
throttle(struct account *ac, const cJSON *o)
{
	static const char *const names[HOLDS] = {"idmsa", "setup", "cloudkit"};
	const char *host = json_str(o, "host");
	int64_t s;

	if (!json_int(&s, o, "seconds") || s < 0 || s > 1000000)
		return "\"seconds\" is missing or out of range";
	for (int i = 0; i < HOLDS; i++)
		if (host != NULL && strcmp(host, names[i]) == 0) {
			ac->holds[i] = (struct hold){s * SECOND, 0};
			return NULL;
		}
	return "\"host\" is none of idmsa, setup, cloudkit";
}

static void
end_webs(struct account *ac)
{
	size_t i;

	for (i = 0; i < MANY_WEBS; i++)
		ac->webs[i].dead = true;
}

static void
end_tokens(struct account *ac)
{
	size_t i;

	for (i = 0; i < MANY_TOKENS; i++)
		ac->tokens[i].dead = true;
}

static void
end_trust(struct account *ac)
{
	size_t i;

	for (i = 0; i < MANY_TRUSTS; i++)
		ac->trusts[i].expires_ms = 0;
}

/* What account_set knows; a text's choices are divided by blanks. */
#define MEMBER(m) offsetof(struct account_settings, m)
static const struct setting {
	const char *name;
	enum { IS_BOOL, IS_TEXT, IS_NUMBER } kind;
	size_t at, size;
	const char *choices;
	int64_t min, max;
} settings[] = {
    {"escrow", IS_BOOL, MEMBER(escrow), 0, NULL, 0, 0},
    {"escrow_always", IS_BOOL, MEMBER(escrow_always), 0, NULL, 0, 0},
    {"push", IS_BOOL, MEMBER(push), 0, NULL, 0, 0},
    {"cooldown", IS_BOOL, MEMBER(cooldown), 0, NULL, 0, 0},
    {"devices", IS_BOOL, MEMBER(devices), 0, NULL, 0, 0},
    {"sms_refused", IS_BOOL, MEMBER(sms_refused), 0, NULL, 0, 0},
    {"rscd", IS_BOOL, MEMBER(rscd), 0, NULL, 0, 0},
    {"security_keys", IS_BOOL, MEMBER(security_keys), 0, NULL, 0, 0},
    {"two_factor", IS_BOOL, MEMBER(two_factor), 0, NULL, 0, 0},
    {"interstitial", IS_BOOL, MEMBER(interstitial), 0, NULL, 0, 0},
    {"locked", IS_BOOL, MEMBER(locked), 0, NULL, 0, 0},
    {"inactive", IS_BOOL, MEMBER(inactive), 0, NULL, 0, 0},
    {"terms", IS_BOOL, MEMBER(terms), 0, NULL, 0, 0},
    {"repair", IS_BOOL, MEMBER(repair), 0, NULL, 0, 0},
    {"web_access", IS_BOOL, MEMBER(web_access), 0, NULL, 0, 0},
    {"photos", IS_BOOL, MEMBER(photos), 0, NULL, 0, 0},
    {"adp", IS_BOOL, MEMBER(adp), 0, NULL, 0, 0},
    {"two_step", IS_BOOL, MEMBER(two_step), 0, NULL, 0, 0},
    {"recovery", IS_BOOL, MEMBER(recovery), 0, NULL, 0, 0},
    {"arming", IS_BOOL, MEMBER(arming), 0, NULL, 0, 0},
    {"trust_rolls", IS_BOOL, MEMBER(trust_rolls), 0, NULL, 0, 0},
    {"escrow_header", IS_TEXT, MEMBER(escrow_header), 16,
	"X-Apple-EDP X-Apple-PDP", 0, 0},
    {"code_answer", IS_TEXT, MEMBER(code_answer), 16,
	"409 409-no-token 204 200 412", 0, 0},
    {"boot_args", IS_TEXT, MEMBER(boot_args), 8,
	"bridge twosv phone top single", 0, 0},
    {"country", IS_TEXT, MEMBER(country), 4, "USA CHN", 0, 0},
    {"codes_left", IS_NUMBER, MEMBER(codes_left), 0, NULL, 0, 1000},
    {"phones", IS_NUMBER, MEMBER(phones), 0, NULL, 0, 2},
    {"hashcash", IS_NUMBER, MEMBER(hashcash), 0, NULL, 0, 24},
    {"domain_status", IS_NUMBER, MEMBER(domain_status), 0, NULL, 200, 302},
    {"cloudkit_status", IS_NUMBER, MEMBER(cloudkit_status), 0, NULL, 401, 450},
    {"session_days", IS_NUMBER, MEMBER(session_days), 0, NULL, 1, 3650},
    {"trust_days", IS_NUMBER, MEMBER(trust_days), 0, NULL, 1, 3650},
    {"rotate_every", IS_NUMBER, MEMBER(rotate_every), 0, NULL, 0, 1000000},
};

static bool
is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text), len;

	for (; *choices != '\0'; choices += len + (choices[len] == ' ')) {
		len = strcspn(choices, " ");
		if (len == n && memcmp(choices, text, n) == 0)
			return true;
	}
	return false;
}

static const char *
set_one(
    struct account_settings *set, const struct setting *s, const cJSON *value)
{
	char *at = (char *)set + s->at;
	bool flag = cJSON_IsTrue(value);
	int64_t n;

	switch (s->kind) {
	case IS_BOOL:
		if (!cJSON_IsBool(value))
			return "a setting is no boolean";
		memcpy(at, &flag, sizeof(flag));
		break;
	case IS_TEXT:
		if (!cJSON_IsString(value) ||
		    !is_choice(s->choices, value->valuestring))
			return "a setting has a value it cannot have";
		snprintf(at, s->size, "%s", value->valuestring);
		break;
	case IS_NUMBER:
		if (!json_value_int(&n, value) || n < s->min || n > s->max)
			return "a setting's number is out of range";
		memcpy(at, &n, sizeof(n));
		break;
	}
	return NULL;
}

/* The settings that are more than a value of their own. */
static const char *
set_special(struct account *ac, const cJSON *value)
{
	const char *name = value->string, *text;
	char password[sizeof(ac->password)];

	memcpy(password, ac->password, sizeof(password));
	if (!cJSON_IsString(value))
		return "a setting is unknown or no text";
	text = value->valuestring;
	if (strcmp(name, "mode") == 0 && is_choice("409 200", text))
		ac->set.mode_200 = strcmp(text, "200") == 0;
	else if (strcmp(name, "protocol") == 0 &&
	    is_choice("s2k s2k_fo", text)) {
		ac->set.hex = strcmp(text, "s2k_fo") == 0;
		set_password(ac, password);
	} else if (strcmp(name, "password") == 0) {
		set_password(ac, text);
		end_webs(ac);
		end_tokens(ac);
		end_trust(ac);
	} else if (strcmp(name, "code") == 0 &&
	    (text[0] == '\0' ||
		(strlen(text) == 6 && strspn(text, "0123456789") == 6)))
		snprintf(ac->set.code, sizeof(ac->set.code), "%s", text);
	else
		return "a setting is unknown or has a value it cannot have";
	return NULL;
}

static const char *
set_all(struct account *ac, const cJSON *op)
{
	const cJSON *value;
	const char *why;
	size_t i;

	cJSON_ArrayForEach (value, op) {
		if (strcmp(value->string, "op") == 0)
			continue;
		for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
			if (strcmp(settings[i].name, value->string) == 0)
				break;
		if (i < sizeof(settings) / sizeof(settings[0]))
			why = set_one(&ac->set, &settings[i], value);
		else
			why = set_special(ac, value);
		if (why != NULL)
			return why;
	}
	return NULL;
}

static const char *
control(struct account *ac, const char *op, const cJSON *o)
{
	int64_t n;

	if (strcmp(op, "account_set") == 0)
		return set_all(ac, o);
	if (strcmp(op, "account_partition") == 0) {
		if (!json_int(&n, o, "partition") || n < 1 || n > 999)
			return "\"partition\" is missing or out of range";
		ac->partition = (int)n;
	} else if (strcmp(op, "account_expire_session") == 0)
		end_webs(ac);
	else if (strcmp(op, "account_expire_tokens") == 0) {
		end_webs(ac);
		end_tokens(ac);
	} else if (strcmp(op, "account_expire_trust") == 0)
		end_trust(ac);
	else if (strcmp(op, "account_unlock") == 0) {
		ac->wrong_codes = ac->wrong_passwords = 0;
		ac->codes_locked_until_ms = 0;
		ac->set.locked = false;
	} else if (strcmp(op, "account_consent") == 0) {
		ac->consent_given = json_bool(o, "given");
		ac->consent_until_ms = 0;
		ac->consent_asked = false;
	} else if (strcmp(op, "account_run") == 0) {
		ac->unattended = json_bool(o, "unattended");
		ac->proofs = 0;
	} else if (strcmp(op, "account_throttle") == 0) {
		return throttle(ac, o);
	} else
		return "\"op\" is unknown";
	return NULL;
}

const char *
account_control(struct account *ac, const cJSON *o)
{
	const char *op = json_str(o, "op"), *why;

	if (op == NULL)
		return "\"op\" is missing";
	pthread_mutex_lock(&ac->lock);
	why = control(ac, op, o);
	pthread_mutex_unlock(&ac->lock);
	return why;
}
