/*
 * idmsa.apple.com/appleauth/auth: from name and password to a session token
 * and a trust token, as in 2026 [signin-init] [signin-complete]
 * [code-request] [code-submit] [escrow] [trust].
 */

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_p.h"
#include "civil.h"
#include "json.h"
#include "tally.h"
#include "text.h"

#define BASE "/appleauth/auth"

/* The public id of icloud.com's sign-in widget [idmsa-headers]. */
static const char widget_key[] =
    "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d";

#define BULLET "\xe2\x80\xa2"

static const struct phone {
	int id;
	const char *digits;
	bool non_fteu;
} phones[] = {
    {3, "42", false},
    {7, "17", true},
};

/* A request with all that its handler needs. */
struct call {
	struct account *ac;
	const struct sim_request *r;
	struct sim_response *resp;
	const char *what;  /* the path after /appleauth/auth */
	struct sign_in *s; /* NULL: none known */
	cJSON *in;         /* the body; NULL if none */
	bool stale;        /* scnt missing or not the last */
	bool aside;        /* found without cookie aasp */
	bool new_cookie;
};

/* Errors: serviceErrors at sign-in, service_errors at codes [error-shapes]. */
static void
fail(struct call *c, int status, const char *list, const char *code,
    const char *title, const char *message)
{
	cJSON *o = cJSON_CreateObject(), *e = cJSON_CreateObject();

	if (code != NULL) {
		cJSON_AddStringToObject(e, "code", code);
		if (title != NULL)
			cJSON_AddStringToObject(e, "title", title);
		cJSON_AddStringToObject(e, "message", message);
		cJSON_AddBoolToObject(e, "suppressDismissal", false);
		sim_add_header(c->resp, "X-Apple-I-Ercd", "%s", code);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(o, list), e);
		if (strcmp(list, "service_errors") == 0)
			cJSON_AddBoolToObject(o, "hasError", true);
	} else
		cJSON_Delete(e);
	sim_json(c->resp, status, o);
}

static void
fail_sign_in(struct call *c, int status, const char *code, const char *message)
{
	fail(c, status, "serviceErrors", code, NULL, message);
}

static void
fail_context(struct call *c)
{
	fail_sign_in(c, 401, NULL, NULL);
}

static void
need_header(const struct call *c, const char *name, const char *value)
{
	const char *got = sim_header(c->r, name);

	if (got == NULL || got[0] == '\0')
		sim_violation("%s: header %s is missing", c->what, name);
	else if (value != NULL && strcmp(got, value) != 0)
		sim_violation("%s: header %s is %s", c->what, name, got);
}

static bool
is_home(const char *url)
{
	return url != NULL &&
	    (strcmp(url, "https://www.icloud.com") == 0 ||
		strcmp(url, "https://www.icloud.com.cn") == 0);
}

/* Clients disagree whether it is idmsa's origin or icloud.com's; Apple takes
 * both [idmsa-headers]. */
static void
check_origin(const struct call *c)
{
	const char *origin = sim_header(c->r, "Origin");
	const char *referer = sim_header(c->r, "Referer");

	if (origin == NULL ||
	    (!is_home(origin) &&
		strcmp(origin, "https://idmsa.apple.com") != 0 &&
		strcmp(origin, "https://idmsa.apple.com.cn") != 0))
		sim_violation("%s: Origin is %s", c->what,
		    origin != NULL ? origin : "missing");
	else if (referer == NULL ||
	    strncmp(referer, origin, strlen(origin)) != 0)
		sim_violation("%s: Referer does not fit Origin", c->what);
}

static void
check_same(
    struct call *c, char *kept, size_t size, const char *now, const char *name)
{
	if (now == NULL)
		return;
	if (kept[0] != '\0' && strcmp(kept, now) != 0)
		sim_violation("%s: %s changed within a sign-in", c->what, name);
	snprintf(kept, size, "%s", now);
}

/* Header set A. */
static void
check_headers(struct call *c)
{
	const char *state = sim_header(c->r, "X-Apple-OAuth-State");
	const char *frame = sim_header(c->r, "X-Apple-Frame-Id");
	const char *uri = sim_header(c->r, "X-Apple-OAuth-Redirect-URI");
	const char *type = sim_header(c->r, "Content-Type");

	account_check_browser(c->r, c->what);
	check_origin(c);
	need_header(c, "X-Apple-Widget-Key", widget_key);
	need_header(c, "X-Apple-OAuth-Client-Id", widget_key);
	need_header(c, "X-Apple-OAuth-Client-Type", "firstPartyAuth");
	need_header(c, "X-Apple-OAuth-Require-Grant-Code", "true");
	need_header(c, "X-Apple-OAuth-Response-Mode", "web_message");
	need_header(c, "X-Apple-OAuth-Response-Type", "code");
	need_header(c, "X-Apple-OAuth-State", NULL);
	if (!is_home(uri))
		sim_violation("%s: X-Apple-OAuth-Redirect-URI is %s", c->what,
		    uri != NULL ? uri : "missing");
	if (frame != NULL && (state == NULL || strcmp(frame, state) != 0))
		sim_violation("%s: X-Apple-Frame-Id is not the state", c->what);
	if (c->r->body_len > 0 &&
	    (type == NULL || strncmp(type, "application/json", 16) != 0))
		sim_violation("%s: Content-Type of the body is %s", c->what,
		    type != NULL ? type : "missing");
	if (c->s != NULL) {
		check_same(c, c->s->frame, sizeof(c->s->frame), state,
		    "X-Apple-OAuth-State");
		check_same(c, c->s->agent, sizeof(c->s->agent),
		    sim_header(c->r, "User-Agent"), "User-Agent");
	}
}

static struct sign_in *
find_by_id(struct account *ac, const char *id)
{
	const struct session_token *t;
	size_t i;

	for (i = 0; i < MANY_SIGN_INS; i++)
		if (ac->sign_ins[i].serial != 0 &&
		    strcmp(ac->sign_ins[i].id, id) == 0)
			return &ac->sign_ins[i];
	/* Some clients send their session token as the session's id. */
	t = account_find_token(ac, id);
	for (i = 0; t != NULL && i < MANY_SIGN_INS; i++)
		if (ac->sign_ins[i].serial == t->serial)
			return &ac->sign_ins[i];
	return NULL;
}

/* The sign-in that cookie or header name, if it is still alive. */
static void
find_sign_in(struct call *c)
{
	const char *header = sim_header(c->r, "X-Apple-ID-Session-Id");
	const char *scnt = sim_header(c->r, "scnt");
	char aasp[128];
	bool cookie = sim_cookie(aasp, sizeof(aasp), c->r, "aasp");
	struct sign_in *s = NULL;

	if (cookie)
		s = find_by_id(c->ac, aasp);
	if (s == NULL && header != NULL)
		s = find_by_id(c->ac, header);
	if (s == NULL || c->r->now_ms - s->last_ms > SIGN_IN_LIFE)
		return;
	c->s = s;
	if (!cookie)
		sim_violation("%s: cookie aasp was not sent", c->what);
	/* The id is given with the answer to signin/complete. */
	if (s->told_id && strcmp(c->what, "/signin/init") != 0 &&
	    (header == NULL || strcmp(header, s->id) != 0))
		sim_violation("%s: X-Apple-ID-Session-Id is %s", c->what,
		    header == NULL ? "missing" : "not the last one given");
	c->aside = !cookie;
	c->stale = scnt == NULL ||
	    (strcmp(scnt, s->scnt) != 0 && strcmp(scnt, s->scnt_aside) != 0);
	if (c->stale)
		sim_violation("%s: scnt is %s", c->what,
		    scnt == NULL ? "missing" : "not the last one given");
}

static void
new_sign_in(struct call *c)
{
	struct account *ac = c->ac;
	struct sign_in *s = &ac->sign_ins[0];
	size_t i;

	for (i = 1; i < MANY_SIGN_INS; i++)
		if (ac->sign_ins[i].last_ms < s->last_ms)
			s = &ac->sign_ins[i];
	memset(s, 0, sizeof(*s));
	s->serial = ac->next_serial++;
	account_word(ac, s->id, sizeof(s->id));
	account_word(ac, s->attributes, sizeof(s->attributes));
	c->s = s;
	c->new_cookie = true;
}

/* What an sign-in forgets when it begins once more. */
static void
restart(struct account *ac, struct sign_in *s)
{
	s->serial = ac->next_serial++;
	s->password_ok = s->code_ok = s->full = s->repair_due = false;
	s->escrow_due = s->escrow_started = false;
	s->phone_id = 0;
	if (s->name[0] != '\0')
		s->name[0] = s->frame[0] = s->agent[0] = '\0';
}

/* Zero bits of a hashcash stamp; asked for also where none is demanded. */
static int64_t
stamp_bits(const struct account *ac)
{
	return ac->set.hashcash > 0 ? ac->set.hashcash : 10;
}

/* The domain that both of its hosts' cookies are of. */
static const char *
apple(const struct call *c)
{
	return strstr(c->r->host, ".cn") != NULL ? "apple.com.cn" : "apple.com";
}

/* Headers of every answer; scnt is a new one each time [idmsa-headers]. */
static void
finish(struct call *c)
{
	struct sim_response *resp = c->resp;
	struct sign_in *s = c->s;
	uint8_t challenge[16];
	char id[37], hex[33], *scnt;
	bool cn = strcmp(c->ac->set.country, "CHN") == 0;

	account_uuid(c->ac, id);
	sim_add_header(resp, "X-Apple-I-Request-ID", "%s", id);
	if (c->ac->set.rscd && resp->status >= 400 && resp->status != 404) {
		sim_add_header(resp, "X-Apple-I-Rscd", "%d", resp->status);
		resp->status = 200;
	}
	sim_add_header(resp, "Set-Cookie",
	    "dslang=%s; Domain=%s; Path=/; Secure; HttpOnly",
	    cn ? "CN-ZH" : "US-EN", apple(c));
	sim_add_header(resp, "Set-Cookie",
	    "site=%s; Domain=%s; Path=/; Secure; HttpOnly", c->ac->set.country,
	    apple(c));
	if (s == NULL)
		return;
	s->last_ms = c->r->now_ms;
	sim_secret(s->id);
	sim_secret(s->attributes);
	/* A client that is known to work reads the options without cookies
	 * and goes on with the scnt of before [idmsa-headers]. */
	scnt = c->aside ? s->scnt_aside : s->scnt;
	account_word(c->ac, scnt, sizeof(s->scnt));
	if (!c->aside)
		s->scnt_aside[0] = '\0';
	sim_secret(scnt);
	sim_add_header(resp, "scnt", "%s", scnt);
	sim_add_header(resp, "X-Apple-Auth-Attributes", "%s", s->attributes);
	if (c->new_cookie)
		sim_add_header(resp, "Set-Cookie",
		    "aasp=%s; Domain=%s; Path=/; Secure; HttpOnly", s->id,
		    c->r->host);
	if (s->password_ok) {
		sim_add_header(resp, "X-Apple-ID-Session-Id", "%s", s->id);
		sim_add_header(resp, "X-Apple-ID-Account-Country", "%s",
		    c->ac->set.country);
		s->told_id = true;
	}
	/* The stamp is for the first challenge; later ones mislead. */
	account_random(c->ac, challenge, sizeof(challenge));
	text_hex(hex, challenge, sizeof(challenge));
	if (s->challenge[0] == '\0')
		snprintf(s->challenge, sizeof(s->challenge), "%s", hex);
	sim_add_header(
	    resp, "X-Apple-HC-Bits", "%lld", (long long)stamp_bits(c->ac));
	sim_add_header(resp, "X-Apple-HC-Challenge", "%s", hex);
}

static void
give_token(struct call *c)
{
	sim_add_header(c->resp, "X-Apple-Session-Token", "%s",
	    account_new_token(c->ac, c->s));
}

static void
give_device_cookies(struct call *c)
{
	char word[65], hex[33];
	uint8_t b[16];

	account_word(c->ac, word, sizeof(word));
	sim_secret(word);
	account_random(c->ac, b, sizeof(b));
	text_hex(hex, b, sizeof(b));
	sim_add_header(c->resp, "Set-Cookie",
	    "acn01=%s; Max-Age=31536000; "
	    "Domain=%s; Path=/; Secure; HttpOnly",
	    word, apple(c));
	sim_add_header(c->resp, "Set-Cookie",
	    "DES%s=%s; Max-Age=31536000; "
	    "Domain=%s; Path=/; Secure; HttpOnly",
	    hex, word, c->r->host);
}

static bool
is_query(const struct call *c, const char *name, const char *value)
{
	char got[256];

	return sim_query(got, sizeof(got), c->r, name) &&
	    (value == NULL ? got[0] != '\0' : strcmp(got, value) == 0);
}

/* [authorize] */
static void
authorize(struct call *c)
{
	char frame[96] = "", uri[128] = "";
	const char *referer = sim_header(c->r, "Referer");

	account_check_browser(c->r, c->what);
	if (referer == NULL ||
	    strncmp(referer, "https://www.icloud.com", 22) != 0)
		sim_violation("%s: Referer is not icloud.com's", c->what);
	sim_query(frame, sizeof(frame), c->r, "frame_id");
	sim_query(uri, sizeof(uri), c->r, "redirect_uri");
	if (!is_query(c, "client_id", widget_key) || !is_home(uri) ||
	    !is_query(c, "response_type", "code") ||
	    !is_query(c, "response_mode", "web_message") || frame[0] == '\0' ||
	    !is_query(c, "state", frame) ||
	    (!is_query(c, "iframeId", frame) &&
		!is_query(c, "iframeid", frame)))
		sim_violation("%s: query is not a browser's", c->what);
	new_sign_in(c);
	snprintf(c->s->frame, sizeof(c->s->frame), "%s", frame);
	c->resp->status = 200;
	sim_add_header(c->resp, "Content-Type", "text/html;charset=UTF-8");
	buf_adds(&c->resp->body,
	    "<!DOCTYPE html>\n<html><head>"
	    "<title>Sign in to iCloud</title></head><body>"
	    "<div id=\"content\"></div></body></html>\n");
}

/* Base64 of at most size bytes; how many, or -1. */
static int
bytes(uint8_t *out, size_t size, const cJSON *o, const char *name)
{
	const char *text = json_str(o, name);
	struct buf b = {0};
	int n = -1;

	if (text != NULL && text_unbase64(&b, text, strlen(text)) == 0 &&
	    b.len <= size) {
		memcpy(out, buf_text(&b), b.len);
		n = (int)b.len;
	}
	buf_clear(&b);
	return n;
}

static void
add_base64(cJSON *o, const char *name, const uint8_t *p, size_t n)
{
	struct buf b = {0};

	text_base64(&b, p, n);
	cJSON_AddStringToObject(o, name, buf_text(&b));
	buf_clear(&b);
}

/* A name that is no account's has a salt all the same, always the one of its
 * own; no proof will fit. */
static void
stranger(struct verifier *out, struct account *ac, const char *name)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct buf b = {0};

	buf_addf(&b, "%llu %s", (unsigned long long)ac->options->seed, name);
	SHA256((const unsigned char *)buf_text(&b), b.len, hash);
	*out = ac->verifier;
	memcpy(out->salt, hash, sizeof(out->salt));
	memcpy(out->v + 1, hash, sizeof(hash));
	buf_clear(&b);
}

static void
lower(char *out, size_t size, const char *in)
{
	size_t i;

	for (i = 0; in[i] != '\0' && i + 1 < size; i++)
		out[i] =
		    in[i] >= 'A' && in[i] <= 'Z' ? (char)(in[i] + 32) : in[i];
	out[i] = '\0';
}

static bool
is_account(const struct account *ac, const char *name)
{
	char a[256], b[256];

	lower(a, sizeof(a), ac->options->account);
	lower(b, sizeof(b), name);
	return strcmp(a, b) == 0;
}

/* Both init requests: A in, salt, B and c out.  False if refused. */
static bool
start_exchange(struct call *c, const struct verifier *v,
    struct verifier_exchange *x, char *token, size_t token_size)
{
	uint8_t a[SRP_BYTES], secret[SRP_HASH];
	int n = bytes(a, sizeof(a), c->in, "a");
	const cJSON *p, *list = json_array(c->in, "protocols");
	bool s2k = false, fo = false;
	char id[37];
	cJSON *o;

	cJSON_ArrayForEach (p, list) {
		s2k = s2k ||
		    (cJSON_IsString(p) && strcmp(p->valuestring, "s2k") == 0);
		fo = fo ||
		    (cJSON_IsString(p) &&
			strcmp(p->valuestring, "s2k_fo") == 0);
	}
	if (!s2k || !fo)
		sim_violation("%s: protocols are not s2k and s2k_fo", c->what);
	account_random(c->ac, secret, sizeof(secret));
	if (n < 1 || (v->hex ? !fo : !s2k) ||
	    !verifier_start(x, v, a, (size_t)n, secret)) {
		sim_violation("%s: a is no public value", c->what);
		fail_sign_in(c, 400, NULL, NULL);
		return false;
	}
	if (n != SRP_BYTES)
		sim_violation(
		    "%s: a is %d bytes instead of %d", c->what, n, SRP_BYTES);
	account_uuid(c->ac, id);
	snprintf(token, token_size, "d-%d-%s:MSA", c->ac->partition, id);
	o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "iteration", v->iterations);
	add_base64(o, "salt", v->salt, sizeof(v->salt));
	cJSON_AddStringToObject(o, "protocol", v->hex ? "s2k_fo" : "s2k");
	cJSON_AddNumberToObject(o, "version", 1);
	add_base64(o, "b", x->b, sizeof(x->b));
	cJSON_AddStringToObject(o, "c", token);
	/* JSON under this type, as recorded. */
	sim_add_header(c->resp, "Content-Type", "text/html;charset=UTF-8");
	sim_json(c->resp, 200, o);
	return true;
}

/* Do the proofs of a complete request fit? */
static bool
proofs_fit(struct call *c, const struct verifier *v,
    const struct verifier_exchange *x, const char *name, const char *token)
{
	uint8_t m1[SRP_HASH], m2[SRP_HASH], want1[SRP_HASH], want2[SRP_HASH];
	const char *echo = json_str(c->in, "c");

	if (echo == NULL || strcmp(echo, token) != 0) {
		sim_violation("%s: c is not the one given", c->what);
		return false;
	}
	if (bytes(m1, sizeof(m1), c->in, "m1") != SRP_HASH ||
	    bytes(m2, sizeof(m2), c->in, "m2") != SRP_HASH) {
		sim_violation("%s: m1 or m2 is not 32 bytes", c->what);
		return false;
	}
	verifier_proofs(want1, want2, v, x, name);
	if (CRYPTO_memcmp(m1, want1, SRP_HASH) != 0)
		return false;
	if (CRYPTO_memcmp(m2, want2, SRP_HASH) != 0) {
		sim_violation("%s: m1 is right and m2 is wrong", c->what);
		return false;
	}
	return true;
}

/* [signin-init] */
static void
signin_init(struct call *c)
{
	const char *name = json_str(c->in, "accountName");
	struct verifier v;

	if (c->s != NULL && c->stale) {
		fail_context(c);
		return;
	}
	if (c->s == NULL)
		new_sign_in(c);
	else
		restart(c->ac, c->s);
	check_headers(c);
	if (name == NULL || name[0] == '\0') {
		sim_violation("%s: accountName is missing", c->what);
		fail_sign_in(c, 400, NULL, NULL);
		return;
	}
	if (is_account(c->ac, name))
		v = c->ac->verifier;
	else
		stranger(&v, c->ac, name);
	if (start_exchange(c, &v, &c->s->x, c->s->c, sizeof(c->s->c)))
		snprintf(c->s->name, sizeof(c->s->name), "%s", name);
}

/* A trust token that is worth something, among those sent. */
static struct trust_token *
sent_trust(struct call *c)
{
	const cJSON *list = json_array(c->in, "trustTokens"), *t;
	struct trust_token *found = NULL;

	if (list == NULL)
		sim_violation("%s: trustTokens is missing", c->what);
	cJSON_ArrayForEach (t, list) {
		if (!cJSON_IsString(t) || t->valuestring[0] == '\0')
			sim_violation(
			    "%s: trustTokens has an empty one", c->what);
		else if (found == NULL)
			found = account_find_trust(
			    c->ac, t->valuestring, c->r->now_ms);
	}
	return found;
}

/* All of a right stamp but its counter.  The time is the client's own, which
 * may be some minutes from ours. */
static void
stamp_begin(char *out, size_t size, const struct call *c, const char *stamp)
{
	struct civil t;
	char when[16] = "", now[16];
	int64_t ms = c->r->now_ms;

	if (strlen(stamp) > 5 + sizeof(when))
		snprintf(when, sizeof(when), "%.14s", stamp + 5);
	for (int minutes = -10; minutes <= 10; minutes++) {
		civil_from_ms(&t, ms + minutes * 60 * SECOND);
		snprintf(now, sizeof(now), "%04d%02d%02d%02d%02d", (int)t.year,
		    t.month, t.day, t.hour, t.minute);
		if (strncmp(when, now, 12) == 0)
			break;
		now[0] = '\0';
	}
	snprintf(out, size, "1:%lld:%s%s:%s::", (long long)stamp_bits(c->ac),
	    now, now[0] != '\0' ? when + 12 : "", c->s->challenge);
}

/* Is X-Apple-HC a stamp for the first challenge?  Need there be one?
 * [hashcash] */
static bool
stamp_fits(struct call *c)
{
	const char *stamp = sim_header(c->r, "X-Apple-HC");
	uint8_t hash[SHA_DIGEST_LENGTH];
	int64_t zero = 0;
	char begin[80];

	if (stamp == NULL)
		return c->ac->set.hashcash == 0;
	stamp_begin(begin, sizeof(begin), c, stamp);
	SHA1((const unsigned char *)stamp, strlen(stamp), hash);
	while (zero < 160 && (hash[zero / 8] >> (7 - zero % 8) & 1) == 0)
		zero++;
	if (zero >= stamp_bits(c->ac) &&
	    strncmp(stamp, begin, strlen(begin)) == 0 &&
	    strspn(stamp + strlen(begin), "0123456789") ==
		strlen(stamp + strlen(begin)))
		return true;
	sim_violation(
	    "%s: X-Apple-HC does not fit the first challenge", c->what);
	return c->ac->set.hashcash == 0;
}

static void
add_security_keys(const struct account *ac, cJSON *o)
{
	cJSON *f, *names;

	if (!ac->set.security_keys)
		return;
	f = cJSON_AddObjectToObject(o, "fsaChallenge");
	cJSON_AddStringToObject(
	    f, "challenge", "c2ltdWxhdGVkLWNoYWxsZW5nZS0wMDAwMDAwMDAwMDE");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(f, "keyHandles"),
	    cJSON_CreateString("c2ltdWxhdGVkLWtleS1oYW5kbGUtMQ"));
	cJSON_AddStringToObject(f, "rpId", "apple.com");
	names = cJSON_AddArrayToObject(o, "keyNames");
	cJSON_AddItemToArray(names, cJSON_CreateString("Blue key"));
	cJSON_AddItemToArray(names, cJSON_CreateString("Spare key"));
}

static void
ask_escrow(struct call *c)
{
	c->s->escrow_due = true;
	sim_add_header(c->resp, c->ac->set.escrow_header, "true");
}

/* The password is proven: what now? */
static void
after_password(struct call *c, struct trust_token *trust)
{
	struct account *ac = c->ac;
	cJSON *o = cJSON_CreateObject();
	int status = 409;

	c->s->password_ok = true;
	tally_mail();
	if (trust != NULL && ac->set.trust_rolls)
		trust->expires_ms = c->r->now_ms + ac->set.trust_days * DAY;
	sim_add_header(c->resp, "Location", "/auth");
	sim_add_header(c->resp, "X-Apple-TwoSV-Trust-Eligible", "true");
	if (!ac->set.two_factor || ac->set.interstitial) {
		status = 412;
		c->s->repair_due = true;
		cJSON_AddStringToObject(
		    o, "authType", ac->set.two_factor ? "hsa2" : "sa");
	} else if (trust != NULL && (ac->set.mode_200 || !ac->set.escrow)) {
		status = 200;
		c->s->code_ok = true;
		account_grant(ac, c->s);
		give_device_cookies(c);
		cJSON_AddStringToObject(o, "authType", "hsa2");
	} else if (ac->set.two_step) {
		cJSON_AddStringToObject(o, "authType", "hsa");
	} else {
		cJSON_AddStringToObject(o, "authType", "hsa2");
		add_security_keys(ac, o);
		if (trust != NULL)
			ask_escrow(c);
		else if (ac->set.escrow_always)
			sim_add_header(c->resp, ac->set.escrow_header, "true");
		if (trust == NULL && ac->set.push)
			account_make_code(ac, false, c->r->now_ms);
	}
	give_token(c);
	sim_json(c->resp, status, o);
}

/* [signin-complete] */
static void
signin_complete(struct call *c)
{
	const char *name = json_str(c->in, "accountName");
	struct trust_token *trust;
	char hashed[256];

	check_headers(c);
	if (c->ac->unattended && ++c->ac->proofs > 1)
		sim_violation(
		    "%s: the second proof in one unattended run", c->what);
	if (c->s == NULL || c->s->name[0] == '\0') {
		fail_context(c);
		return;
	}
	/* A missing or older scnt is let pass here, alone of all: recorded
	 * requests without one were served [signin-complete]. */
	if (!is_query(c, "isRememberMeEnabled", "true") ||
	    !json_bool(c->in, "rememberMe"))
		sim_violation("%s: does not ask to be remembered", c->what);
	if (name == NULL || strcmp(name, c->s->name) != 0)
		sim_violation("%s: accountName is not init's", c->what);
	trust = sent_trust(c);
	if (!stamp_fits(c)) {
		fail_sign_in(c, 403, NULL, NULL);
		return;
	}
	lower(hashed, sizeof(hashed), c->s->name);
	if (!is_account(c->ac, c->s->name) ||
	    !proofs_fit(c, &c->ac->verifier, &c->s->x, hashed, c->s->c)) {
		restart(c->ac, c->s);
		if (++c->ac->wrong_passwords >= WRONG_PASSWORDS)
			c->ac->set.locked = true;
		fail_sign_in(c, 401, "-20101",
		    "Enter the email or phone "
		    "number and password for your Apple Account.");
		return;
	}
	c->ac->wrong_passwords = 0;
	if (c->ac->set.locked)
		fail_sign_in(c, 403, "-20209",
		    "This Apple Account has been "
		    "locked for security reasons.");
	else if (c->ac->set.inactive)
		fail_sign_in(c, 403, "-20751",
		    "Your Apple Account or "
		    "password was incorrect.");
	else
		after_password(c, trust);
}

/* [repair] */
static void
repair_complete(struct call *c)
{
	check_headers(c);
	if (c->s == NULL || c->stale || !c->s->repair_due) {
		fail_context(c);
		return;
	}
	if (c->ac->set.interstitial) {
		fail_sign_in(c, 412, NULL, NULL);
		return;
	}
	c->s->repair_due = false;
	account_grant(c->ac, c->s);
	sim_add_header(c->resp, "Location", "/auth");
	give_token(c);
	sim_json(c->resp, 200, cJSON_CreateObject());
}

static cJSON *
phone_json(const struct phone *p)
{
	cJSON *o = cJSON_CreateObject();
	char text[96];

	snprintf(text, sizeof(text),
	    "+1 (" BULLET BULLET BULLET ") " BULLET BULLET BULLET
	    "-" BULLET BULLET "%s",
	    p->digits);
	cJSON_AddStringToObject(o, "numberWithDialCode", text);
	cJSON_AddStringToObject(o, "pushMode", "sms");
	cJSON_AddStringToObject(o, "obfuscatedNumber", text + 3);
	cJSON_AddStringToObject(o, "lastTwoDigits", p->digits);
	cJSON_AddNumberToObject(o, "id", p->id);
	if (p->non_fteu)
		cJSON_AddBoolToObject(o, "nonFTEU", true);
	return o;
}

static bool
codes_locked(const struct call *c)
{
	return c->ac->codes_locked_until_ms > c->r->now_ms;
}

static cJSON *
security_code(const struct call *c)
{
	cJSON *o = cJSON_CreateObject();
	bool locked = codes_locked(c);

	cJSON_AddNumberToObject(o, "length", 6);
	cJSON_AddBoolToObject(
	    o, "tooManyCodesSent", c->ac->set.codes_left == 0);
	cJSON_AddBoolToObject(o, "tooManyCodesValidated", locked);
	cJSON_AddBoolToObject(o, "securityCodeLocked", locked);
	cJSON_AddBoolToObject(o, "securityCodeCooldown", c->ac->set.cooldown);
	return o;
}

/* The object P of [code-options]. */
static cJSON *
phone_verification(const struct call *c)
{
	const struct account *ac = c->ac;
	cJSON *o = cJSON_CreateObject(), *list;
	int64_t i;

	if (ac->set.recovery) {
		cJSON_AddStringToObject(o, "recoveryUrl",
		    "https://iforgot.apple.com/phone/add?autoSubmitAccount="
		    "true");
		cJSON_AddBoolToObject(o, "noTrustedDevices", true);
		return o;
	}
	if (strcmp(ac->set.boot_args, "single") != 0) {
		list = cJSON_AddArrayToObject(o, "trustedPhoneNumbers");
		for (i = 0; i < ac->set.phones; i++)
			cJSON_AddItemToArray(list, phone_json(&phones[i]));
	}
	if (ac->set.phones > 0)
		cJSON_AddItemToObject(
		    o, "trustedPhoneNumber", phone_json(&phones[0]));
	cJSON_AddItemToObject(o, "securityCode", security_code(c));
	cJSON_AddStringToObject(o, "authenticationType", "hsa2");
	cJSON_AddStringToObject(o, "recoveryUrl",
	    "https://iforgot.apple.com/phone/add?autoSubmitAccount=true");
	cJSON_AddBoolToObject(o, "autoVerified", false);
	cJSON_AddBoolToObject(o, "showAutoVerificationUI", false);
	cJSON_AddBoolToObject(o, "hideSendSMSCodeOption", false);
	cJSON_AddBoolToObject(o, "supportsRecovery", true);
	cJSON_AddBoolToObject(o, "hsa2Account", true);
	cJSON_AddBoolToObject(o, "restrictedAccount", false);
	cJSON_AddBoolToObject(o, "managedAccount", false);
	cJSON_AddBoolToObject(o, "noTrustedDevices", !ac->set.devices);
	return o;
}

static bool
where(const struct call *c, const char *place)
{
	return strcmp(c->ac->set.boot_args, place) == 0;
}

/* Move the members of from to the end of to. */
static void
merge(cJSON *to, cJSON *from)
{
	cJSON *m;

	while ((m = from->child) != NULL)
		cJSON_AddItemToObject(
		    to, m->string, cJSON_DetachItemViaPointer(from, m));
	cJSON_Delete(from);
}

static cJSON *
boot_args(const struct call *c)
{
	cJSON *o = cJSON_CreateObject(), *direct, *two, *bridge, *list;

	direct = cJSON_AddObjectToObject(o, "direct");
	cJSON_AddStringToObject(
	    direct, "module", "widget/auth/components/hsa2/hsa2");
	cJSON_AddBoolToObject(direct, "isReact", true);
	cJSON_AddStringToObject(direct, "authUserType", "hsa2");
	cJSON_AddBoolToObject(direct, "hasTrustedDevices",
	    c->ac->set.devices && !c->ac->set.recovery);
	two = cJSON_AddObjectToObject(direct, "twoSV");
	list = cJSON_AddArrayToObject(two, "supportedPushModes");
	cJSON_AddItemToArray(list, cJSON_CreateString("voice"));
	cJSON_AddItemToArray(list, cJSON_CreateString("sms"));
	list = cJSON_AddArrayToObject(two, "authFactors");
	cJSON_AddItemToArray(list, cJSON_CreateString("robocall"));
	cJSON_AddItemToArray(list, cJSON_CreateString("sms"));
	cJSON_AddItemToArray(list, cJSON_CreateString("generatedcode"));
	if (where(c, "bridge")) {
		bridge = cJSON_AddObjectToObject(two, "bridgeInitiateData");
		cJSON_AddStringToObject(
		    bridge, "apnsTopic", "com.apple.idmsauthwidget");
		cJSON_AddStringToObject(bridge, "apnsEnvironment", "prod");
		cJSON_AddStringToObject(
		    bridge, "webSocketUrl", "websocket.push.apple.com");
		cJSON_AddItemToObject(
		    bridge, "phoneNumberVerification", phone_verification(c));
	} else if (where(c, "phone"))
		cJSON_AddItemToObject(
		    o, "phoneNumberVerification", phone_verification(c));
	else if (where(c, "top"))
		merge(o, phone_verification(c));
	else /* "twosv", "single" */
		cJSON_AddItemToObject(
		    two, "phoneNumberVerification", phone_verification(c));
	add_security_keys(c->ac, two);
	cJSON_AddStringToObject(
	    two, "source_returnurl", "https://idmsa.apple.com/");
	cJSON_AddNumberToObject(two, "sourceAppId", 1159);
	cJSON_AddStringToObject(direct, "referrerQuery", "");
	cJSON_AddStringToObject(direct, "urlContext", "/appleauth");
	cJSON_AddStringToObject(direct, "tag",
	    "<hsa2 class='auth-v1' skip-trust-browser-step=\"{x}\"></hsa2>");
	cJSON_AddStringToObject(direct, "authType", "hsa2");
	cJSON_AddStringToObject(direct, "authInitialRoute",
	    where(c, "bridge") ? "auth/bridge/step" : "auth/verify/phone");
	cJSON_AddBoolToObject(
	    cJSON_AddObjectToObject(o, "additional"), "canRoute2sv", true);
	return o;
}

static void
boot_page(struct call *c)
{
	cJSON *o = boot_args(c);
	char *text = cJSON_PrintUnformatted(o), *p;
	struct buf *out = &c->resp->body;

	c->resp->status = 200;
	sim_add_header(c->resp, "Content-Type", "text/html; charset=UTF-8");
	buf_adds(out,
	    "<!DOCTYPE html>\n<html><head><title>Sign in to "
	    "iCloud</title>\n<script type=\"text/javascript\">var boot = "
	    "\"boot_args\";</script>\n<script type=\"application/json\" "
	    "class=\"boot_args\">");
	for (p = text; *p != '\0'; p++) {
		if (*p == '<' || *p == '>' || *p == '\'')
			buf_addf(out, "\\u%04X", (unsigned int)*p);
		else
			buf_addc(out, *p);
	}
	buf_adds(out, "</script>\n</head><body></body></html>\n");
	cJSON_free(text);
	cJSON_Delete(o);
}

/* [code-options] */
static void
auth_options(struct call *c)
{
	const char *accept = sim_header(c->r, "Accept");
	cJSON *o;

	check_headers(c);
	/* It may make the devices show a code [code-options]. */
	account_by_person(c->ac, c->what);
	if (c->s == NULL || !c->s->password_ok) {
		fail_context(c);
		return;
	}
	if (accept == NULL || strstr(accept, "application/json") == NULL ||
	    strstr(accept, "text/html") != NULL) {
		boot_page(c);
		return;
	}
	if (where(c, "top") || where(c, "single"))
		o = phone_verification(c);
	else {
		o = cJSON_CreateObject();
		cJSON_AddItemToObject(
		    o, "phoneNumberVerification", phone_verification(c));
	}
	cJSON_AddStringToObject(o, "authType", "hsa2");
	add_security_keys(c->ac, o);
	sim_json(c->resp, 200, o);
}

/* 423 with its flags, if no code may be asked for or tried now. */
static bool
refused_by_flags(struct call *c, bool asks)
{
	bool locked = codes_locked(c);
	const char *code = "-22982",
		   *text = "You have entered an incorrect "
			   "verification code too many times.";
	cJSON *o, *e;

	if (!locked &&
	    !(asks && (c->ac->set.cooldown || c->ac->set.codes_left == 0)))
		return false;
	if (!locked && c->ac->set.codes_left > 0) {
		code = NULL;
	} else if (!locked) {
		code = "-22981";
		text = "Too many verification codes have been sent. Enter the "
		       "last code you received or try again later.";
	}
	o = cJSON_CreateObject();
	e = cJSON_CreateObject();
	cJSON_AddItemToObject(o, "securityCode", security_code(c));
	if (code != NULL) {
		cJSON_AddStringToObject(e, "code", code);
		cJSON_AddStringToObject(e, "message", text);
		cJSON_AddBoolToObject(e, "suppressDismissal", false);
		cJSON_AddItemToArray(
		    cJSON_AddArrayToObject(o, "service_errors"), e);
		sim_add_header(c->resp, "X-Apple-I-Ercd", "%s", code);
	} else
		cJSON_Delete(e);
	cJSON_AddBoolToObject(o, "hasError", true);
	sim_json(c->resp, 423, o);
	return true;
}

/* May this sign-in have to do with codes at all? */
static bool
wants_code(struct call *c)
{
	check_headers(c);
	if (c->s != NULL && c->s->password_ok && !c->s->code_ok &&
	    !c->s->repair_due && !c->ac->set.security_keys)
		return true;
	if (c->s != NULL)
		sim_violation("%s: nobody waits for a code", c->what);
	fail_context(c);
	return false;
}

/* [code-request] */
static void
code_request_device(struct call *c)
{
	cJSON *o;

	account_by_person(c->ac, c->what);
	if (!wants_code(c))
		return;
	if (c->s->escrow_due)
		sim_violation("%s: a code was asked for without need", c->what);
	if (c->r->body_len > 0 && strcmp(c->r->body, "null") != 0)
		sim_violation("%s: the body is not empty", c->what);
	if (c->stale) {
		fail_context(c);
		return;
	}
	if (refused_by_flags(c, true))
		return;
	if (!c->ac->set.devices) {
		fail_sign_in(c, 412, NULL, NULL);
		return;
	}
	c->ac->set.codes_left--;
	account_make_code(c->ac, false, c->r->now_ms);
	o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "trustedDeviceCount", 2);
	cJSON_AddItemToObject(o, "securityCode", security_code(c));
	cJSON_AddItemToObject(
	    o, "phoneNumberVerification", phone_verification(c));
	sim_json(c->resp, 202, o);
}

/* The phone that a body names; NULL if there is none such. */
static const struct phone *
named_phone(struct call *c)
{
	const cJSON *o = json_object(c->in, "phoneNumber");
	const cJSON *flag = json_get(o, "nonFTEU");
	const struct phone *p = NULL;
	int64_t id, i;

	if (!json_int(&id, o, "id"))
		id = -1;
	for (i = 0; i < c->ac->set.phones; i++)
		if (phones[i].id == id)
			p = &phones[i];
	if (p == NULL)
		sim_violation("%s: no phone has this id", c->what);
	else if (p->non_fteu != cJSON_IsTrue(flag) ||
	    (flag != NULL && !p->non_fteu))
		sim_violation("%s: nonFTEU is not as it was given", c->what);
	return p;
}

/* [code-request]: by message */
static void
code_request_phone(struct call *c)
{
	const char *mode = json_str(c->in, "mode");
	const struct phone *p;
	cJSON *o;

	account_by_person(c->ac, c->what);
	if (!wants_code(c))
		return;
	if (c->stale) {
		fail_context(c);
		return;
	}
	p = named_phone(c);
	if (refused_by_flags(c, true))
		return;
	if (p == NULL || mode == NULL || c->ac->set.sms_refused ||
	    (strcmp(mode, "sms") != 0 && strcmp(mode, "voice") != 0)) {
		fail_sign_in(c, 412, "-28248",
		    "Verification codes can't be "
		    "sent to this phone number at this time. Please try "
		    "again later.");
		return;
	}
	c->ac->set.codes_left--;
	account_make_code(c->ac, true, c->r->now_ms);
	c->s->phone_id = p->id;
	snprintf(c->s->mode, sizeof(c->s->mode), "%s", mode);
	o = phone_verification(c);
	cJSON_DeleteItemFromObject(o, "trustedPhoneNumber");
	cJSON_AddItemToObject(o, "trustedPhoneNumber", phone_json(p));
	cJSON_AddStringToObject(o, "mode", mode);
	sim_json(c->resp, 200, o);
}

static void
code_wrong(struct call *c)
{
	if (++c->ac->wrong_codes >= WRONG_CODES) {
		c->ac->wrong_codes = 0;
		c->ac->codes_locked_until_ms = c->r->now_ms + HOUR;
	}
	fail(c, 400, "service_errors", "-21669", "Incorrect Verification Code",
	    "Incorrect verification code.");
}

static bool
code_fits(struct call *c, bool by_sms)
{
	const char *code = json_str(json_object(c->in, "securityCode"), "code");

	if (code == NULL || strlen(code) != 6 ||
	    strspn(code, "0123456789") != 6) {
		sim_violation("%s: the code is no text of six digits", c->what);
		return false;
	}
	if (c->ac->code[0] == '\0') {
		sim_violation(
		    "%s: a code was sent that nobody asked for", c->what);
		return false;
	}
	return !c->stale && !c->ac->code_used && c->ac->code_by_sms == by_sms &&
	    strcmp(c->ac->code, code) == 0 &&
	    c->r->now_ms - c->ac->code_made_ms <= CODE_LIFE;
}

/* The code was right; how that is said has changed over the years and is
 * not the same for all accounts [code-submit]. */
static void
code_right(struct call *c, bool by_sms)
{
	const char *how = c->ac->set.code_answer;
	char grant[33];
	cJSON *o;

	if (by_sms && strcmp(how, "204") == 0)
		how = "200"; /* 204 is for codes of devices [code-submit] */
	c->ac->code_used = true;
	c->ac->set.codes_left++; /* only codes nobody used are counted */
	c->ac->wrong_codes = 0;
	c->s->code_ok = true;
	if (strcmp(how, "412") == 0)
		c->s->repair_due = true;
	else if (c->ac->set.escrow && strncmp(how, "409", 3) == 0)
		ask_escrow(c);
	else
		account_grant(c->ac, c->s);
	if (strcmp(how, "409-no-token") != 0)
		give_token(c);
	account_word(c->ac, grant, sizeof(grant));
	sim_add_header(c->resp, "X-Apple-OAuth-Grant-Code", "%s", grant);
	if (strcmp(how, "204") == 0) {
		c->resp->status = 204;
		return;
	}
	o = cJSON_CreateObject();
	if (strcmp(how, "200") != 0) {
		cJSON *code = security_code(c);

		cJSON_AddBoolToObject(code, "valid", true);
		cJSON_AddItemToObject(o, "securityCode", code);
		cJSON_AddStringToObject(o, "authType", "hsa2");
	}
	sim_json(c->resp, how[0] == '4' ? (how[1] == '1' ? 412 : 409) : 200, o);
}

/* [code-submit] */
static void
code_submit_device(struct call *c)
{
	if (!wants_code(c) || refused_by_flags(c, false))
		return;
	if (code_fits(c, false))
		code_right(c, false);
	else
		code_wrong(c);
}

static void
code_submit_phone(struct call *c)
{
	const char *mode = json_str(c->in, "mode");
	const struct phone *p;

	if (!wants_code(c))
		return;
	p = named_phone(c);
	if (refused_by_flags(c, false))
		return;
	if (p == NULL || mode == NULL || c->s->phone_id != p->id ||
	    strcmp(c->s->mode, mode) != 0) {
		sim_violation("%s: not the phone and mode asked for", c->what);
		code_wrong(c);
	} else if (!code_fits(c, true))
		code_wrong(c);
	else
		code_right(c, true);
}

/* [escrow] */
static void
escrow_init(struct call *c)
{
	const char *name = json_str(c->in, "accountName");

	check_headers(c);
	if (c->s == NULL || c->stale || !c->s->escrow_due) {
		if (c->s != NULL && !c->s->escrow_due)
			sim_violation("%s: nobody asked for it", c->what);
		fail_context(c);
		return;
	}
	if (name == NULL || name[0] != '\0')
		sim_violation("%s: accountName is not empty", c->what);
	c->s->escrow_started = start_exchange(c, &c->ac->escrow_verifier,
	    &c->s->escrow, c->s->escrow_c, sizeof(c->s->escrow_c));
	if (c->s->escrow_started &&
	    memcmp(c->s->escrow.a, c->s->x.a, SRP_BYTES) == 0)
		sim_violation("%s: a is the one of signin/init", c->what);
}

static void
escrow_complete(struct call *c)
{
	uint8_t key[SRP_HASH];

	check_headers(c);
	if (c->s == NULL || c->stale || !c->s->escrow_started) {
		fail_context(c);
		return;
	}
	c->s->escrow_started = false;
	if (json_get(c->in, "accountName") != NULL ||
	    json_get(c->in, "trustTokens") != NULL)
		sim_violation("%s: has accountName or trustTokens", c->what);
	if (!proofs_fit(c, &c->ac->escrow_verifier, &c->s->escrow, "",
		c->s->escrow_c) ||
	    bytes(key, sizeof(key), c->in, "k") != SRP_HASH ||
	    CRYPTO_memcmp(key, c->s->escrow.key, SRP_HASH) != 0) {
		sim_violation("%s: m1, m2 or k is wrong", c->what);
		fail_context(c);
		return;
	}
	c->s->escrow_due = false;
	c->s->code_ok = true;
	account_grant(c->ac, c->s);
	give_token(c);
	sim_json(c->resp, 200, cJSON_CreateObject());
}

/* [trust] */
static void
trust(struct call *c)
{
	struct account *ac = c->ac;
	struct trust_token *t = &ac->trusts[ac->next_trust];
	char grant[33];

	check_headers(c);
	if (c->s == NULL || c->stale || !c->s->code_ok) {
		if (c->s != NULL && !c->s->code_ok)
			sim_violation(
			    "%s: before a code was accepted", c->what);
		fail_context(c);
		return;
	}
	ac->next_trust = (ac->next_trust + 1) % MANY_TRUSTS;
	account_word(ac, t->text, sizeof(t->text));
	memcpy(t->text, "HSARMTKNSRV", 11);
	sim_secret(t->text);
	t->expires_ms = c->r->now_ms + ac->set.trust_days * DAY;
	t->worth = !c->s->escrow_due;
	account_word(ac, grant, sizeof(grant));
	sim_add_header(c->resp, "X-Apple-TwoSV-Trust-Token", "%s", t->text);
	sim_add_header(c->resp, "X-Apple-OAuth-Grant-Code", "%s", grant);
	give_token(c);
	give_device_cookies(c);
	c->resp->status = 204;
}

/* Asks whether the account's organisation signs in elsewhere [federate]. */
static void
federate(struct call *c)
{
	cJSON *o = cJSON_CreateObject();

	check_headers(c);
	cJSON_AddBoolToObject(o, "federated", false);
	cJSON_AddBoolToObject(o, "showFederatedIdpConfirmation", false);
	sim_json(c->resp, 200, o);
}

/* Raw passwords have not been taken since October 2024 [legacy-signin]. */
static void
legacy_signin(struct call *c)
{
	sim_violation("%s: a raw password was sent", c->what);
	c->resp->status = 503;
	sim_add_header(c->resp, "Content-Type", "text/html");
	buf_adds(&c->resp->body, "Service Temporary Unavailable\n");
}

static void
old_request(struct call *c)
{
	sim_violation("%s: %s is no more", c->what, c->r->method);
	fail_sign_in(c, 405, NULL, NULL);
}

static const struct {
	const char *method, *path;
	void (*run)(struct call *);
} routes[] = {
    {"GET", "/authorize/signin", authorize},
    {"POST", "/federate", federate},
    {"POST", "/signin/init", signin_init},
    {"POST", "/signin/complete", signin_complete},
    {"POST", "/signin", legacy_signin},
    {"POST", "/repair/complete", repair_complete},
    {"GET", "", auth_options},
    {"PUT", "/verify/trusteddevice/securitycode", code_request_device},
    {"POST", "/verify/trusteddevice/securitycode", code_submit_device},
    {"PUT", "/verify/trusteddevice", old_request},
    {"POST", "/verify/trusteddevice", old_request},
    {"PUT", "/verify/phone", code_request_phone},
    {"POST", "/verify/phone/securitycode", code_submit_phone},
    {"POST", "/escrow/init", escrow_init},
    {"POST", "/escrow/complete", escrow_complete},
    {"GET", "/2sv/trust", trust},
};

void
idmsa_answer(
    struct account *ac, const struct sim_request *r, struct sim_response *resp)
{
	struct call c = {.ac = ac, .r = r, .resp = resp, .what = r->path};
	char cookie[512];
	size_t i, n = sizeof(routes) / sizeof(routes[0]);

	if (strncmp(r->path, BASE, strlen(BASE)) == 0)
		c.what = r->path + strlen(BASE);
	for (i = 0; i < n; i++)
		if (strcmp(routes[i].method, r->method) == 0 &&
		    strcmp(routes[i].path, c.what) == 0)
			break;
	if (i == n || c.what == r->path) {
		sim_violation(
		    "%s %s%s: unknown request", r->method, r->host, r->path);
		fail_sign_in(&c, 404, NULL, NULL);
		return;
	}
	if (c.what[0] == '\0')
		c.what = "/appleauth/auth";
	if (sim_cookie(cookie, sizeof(cookie), r, "X-APPLE-WEBAUTH-TOKEN"))
		sim_violation(
		    "%s: cookie of icloud.com sent to %s", c.what, r->host);
	if (r->body_len > 0)
		c.in = json_parse(r->body, r->body_len, NULL);
	if (routes[i].run != authorize) /* a page, loaded without scnt */
		find_sign_in(&c);
	routes[i].run(&c);
	finish(&c);
	cJSON_Delete(c.in);
}
