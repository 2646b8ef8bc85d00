#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "auth_p.h"
#include "compat.h"
#include "err.h"
#include "json.h"
#include "text.h"

#define SESSION_VERSION   1
#define SESSION_MAX_BYTES ((size_t)1 << 20)
#define COOKIES_MAX_BYTES (SESSION_MAX_BYTES / 2)
#define TEXT_MAX          ((size_t)16 << 10) /* of one member */
#define TIME_MAX_MS       (INT64_C(1) << 53) /* read back exactly */

/*
 * [session-record]: every text and number that is kept, by the name it has in
 * the file.  Cookies are apart.
 */
static const struct {
	const char *name;
	size_t offset;
} texts[] = {
    {"account", offsetof(struct session, account)},
    {"client_id", offsetof(struct session, client_id)},
    {"session_token", offsetof(struct session, session_token)},
    {"session_id", offsetof(struct session, session_id)},
    {"scnt", offsetof(struct session, scnt)},
    {"auth_attributes", offsetof(struct session, auth_attributes)},
    {"account_country", offsetof(struct session, account_country)},
    {"trust_token", offsetof(struct session, trust_token)},
    {"dsid", offsetof(struct session, dsid)},
    {"ckdatabase_url", offsetof(struct session, ckdatabase_url)},
    {"phone_id", offsetof(struct session, phone_id)},
};

static const struct {
	const char *name;
	size_t offset;
} times[] = {
    {"code_asked_ms", offsetof(struct session, code_asked_ms)},
    {"trust_expires_ms", offsetof(struct session, trust_expires_ms)},
    {"last_validate_ms", offsetof(struct session, last_validate_ms)},
    {"last_srp_ms", offsetof(struct session, last_srp_ms)},
    {"last_unattended_srp_ms",
	offsetof(struct session, last_unattended_srp_ms)},
    {"srp_not_before_ms", offsetof(struct session, srp_not_before_ms)},
    {"login_not_before_ms", offsetof(struct session, login_not_before_ms)},
    {"trust_began_ms", offsetof(struct session, trust_began_ms)},
    {"last_renewal_ms", offsetof(struct session, last_renewal_ms)},
    {"renewed_until_ms", offsetof(struct session, renewed_until_ms)},
    {"trust_warned_ms", offsetof(struct session, trust_warned_ms)},
    {"setup_refused_ms", offsetof(struct session, setup_refused_ms)},
    {"setup_not_before_ms", offsetof(struct session, setup_not_before_ms)},
    {"setup_login_not_before_ms",
	offsetof(struct session, setup_login_not_before_ms)},
    {"cloud_refused_ms", offsetof(struct session, cloud_refused_ms)},
    {"cloud_not_before_ms", offsetof(struct session, cloud_not_before_ms)},
};

static const struct {
	const char *name;
	size_t offset;
} flags[] = {
    {"trusted_sent", offsetof(struct session, trusted_sent)},
    {"password_refused", offsetof(struct session, password_refused)},
    {"password_worked", offsetof(struct session, password_worked)},
    {"idmsa_cn", offsetof(struct session, idmsa_cn)},
    {"stamp_wanted", offsetof(struct session, stamp_wanted)},
    {"adp", offsetof(struct session, adp)},
    {"pcs_required", offsetof(struct session, pcs_required)},
    {"no_device", offsetof(struct session, no_device)},
};

#define N(table)         (sizeof(table) / sizeof((table)[0]))
#define AT(type, s, off) ((type *)(void *)((char *)(s) + (off)))
#define AT_CONST(type, s, off) \
	((const type *)(const void *)((const char *)(s) + (off)))

static char *
new_client_id(void)
{
	uint8_t r[16];
	char hex[2 * sizeof(r) + 1];

	compat_random(r, sizeof(r));
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* UUID, version 4 */
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	text_hex(hex, r, sizeof(r));
	return xasprintf("auth-%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

static struct session *
session_empty(void)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->phone_non_fteu = -1;
	buf_init_secret(&s->cookies, COOKIES_MAX_BYTES);
	return s;
}

struct session *
session_new(const char *account)
{
	struct session *s = session_empty();

	s->account = session_account_name(account);
	s->client_id = new_client_id();
	return s;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < N(texts); i++)
		session_keep(AT(char *, s, texts[i].offset), NULL);
	buf_clear(&s->cookies);
	free(s);
}

void
session_swap(struct session *a, struct session *b)
{
	struct session kept = *a;

	*a = *b;
	*b = kept;
	secret_wipe(&kept, sizeof(kept));
}

void
session_keep(char **field, const char *value)
{
	char *copy = xstrdup(value);

	secret_free(*field);
	*field = copy;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *
session_account_name(const char *typed)
{
	size_t len;
	char *name;

	while (is_blank(*typed))
		typed++;
	len = strlen(typed);
	while (len > 0 && is_blank(typed[len - 1]))
		len--;
	name = xstrndup(typed, len);
	for (char *p = name; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return name;
}

/*
 * Cookies go in as base64, not as text: their bytes must come back exactly,
 * quotes and all [cookies].
 */
void
session_write(struct buf *out, const struct session *s)
{
	buf_addf(out, "{\"version\":%d", SESSION_VERSION);
	for (size_t i = 0; i < N(texts); i++) {
		const char *v = *AT_CONST(char *, s, texts[i].offset);

		if (v == NULL)
			continue;
		buf_addf(out, ",\n\"%s\":", texts[i].name);
		buf_add_json(out, v);
	}
	for (size_t i = 0; i < N(times); i++) {
		int64_t v = *AT_CONST(int64_t, s, times[i].offset);

		buf_addf(out, ",\n\"%s\":%lld", times[i].name,
		    (long long)(v < TIME_MAX_MS ? v : TIME_MAX_MS));
	}
	for (size_t i = 0; i < N(flags); i++)
		buf_addf(out, ",\n\"%s\":%s", flags[i].name,
		    *AT_CONST(bool, s, flags[i].offset) ? "true" : "false");
	buf_addf(out,
	    ",\n\"region\":%d,\n\"stage\":%d,\n\"code_via\":%d"
	    ",\n\"phone_non_fteu\":%d,\n\"code_tries\":%u"
	    ",\n\"srp_failures\":%u,\n\"setup_failures\":%u",
	    (int)s->region, (int)s->stage, (int)s->code_via, s->phone_non_fteu,
	    s->code_tries, s->srp_failures, s->setup_failures);
	buf_adds(out, ",\n\"cookies\":\"");
	text_base64(
	    out, (const uint8_t *)buf_text(&s->cookies), s->cookies.len);
	buf_adds(out, "\"}");
}

/* A whole number in [min, max]; absent is def. */
static bool
read_int(int64_t *out, const cJSON *o, const char *name, int64_t min,
    int64_t max, int64_t def)
{
	*out = def;
	if (json_get(o, name) == NULL)
		return true;
	return json_int(out, o, name) && *out >= min && *out <= max;
}

/* A text becomes a header one day: nothing in it may end a line. */
bool
session_can_keep(const char *v)
{
	size_t n = strlen(v);

	if (n > TEXT_MAX || !text_is_utf8(v, n))
		return false;
	for (; *v != '\0'; v++)
		if ((unsigned char)*v < 0x20 || *v == 0x7f)
			return false;
	return true;
}

static bool
read_text(char **out, const cJSON *o, const char *name)
{
	const char *v = json_str(o, name);

	if (v == NULL)
		return json_get(o, name) == NULL;
	if (!session_can_keep(v))
		return false;
	session_keep(out, v);
	return true;
}

static bool
read_members(struct session *s, const cJSON *o)
{
	const char *cookies = json_str(o, "cookies");
	int64_t v;

	for (size_t i = 0; i < N(texts); i++)
		if (!read_text(
			AT(char *, s, texts[i].offset), o, texts[i].name))
			return false;
	if (s->account == NULL || *s->account == '\0' || s->client_id == NULL)
		return false;
	for (size_t i = 0; i < N(times); i++)
		if (!read_int(AT(int64_t, s, times[i].offset), o, times[i].name,
			0, TIME_MAX_MS, 0))
			return false;
	for (size_t i = 0; i < N(flags); i++)
		*AT(bool, s, flags[i].offset) = json_bool(o, flags[i].name);
	if (!read_int(&v, o, "region", SESSION_COM, SESSION_CN, SESSION_COM))
		return false;
	s->region = (enum session_region)v;
	if (!read_int(
		&v, o, "stage", SESSION_NONE, SESSION_SIGNED_IN, SESSION_NONE))
		return false;
	s->stage = (enum session_stage)v;
	if (!read_int(&v, o, "code_via", SESSION_CODE_NONE, SESSION_CODE_VOICE,
		SESSION_CODE_NONE))
		return false;
	s->code_via = (enum session_code_via)v;
	if (!read_int(&v, o, "phone_non_fteu", -1, 1, -1))
		return false;
	s->phone_non_fteu = (int)v;
	if (!read_int(&v, o, "code_tries", 0, 1000, 0))
		return false;
	s->code_tries = (unsigned)v;
	if (!read_int(&v, o, "srp_failures", 0, 1000000, 0))
		return false;
	s->srp_failures = (unsigned)v;
	if (!read_int(&v, o, "setup_failures", 0, 1000000, 0))
		return false;
	s->setup_failures = (unsigned)v;
	return cookies != NULL &&
	    text_unbase64(&s->cookies, cookies, strlen(cookies)) == 0;
}

int
session_read(struct session **out, const char *p, size_t len, struct err *e)
{
	struct session *s = NULL;
	cJSON *o = NULL;
	int64_t version;
	int rc = -1;

	*out = NULL;
	if (len <= SESSION_MAX_BYTES)
		o = json_parse(p, len, NULL);
	if (!json_int(&version, o, "version") || version < 1) {
		err_set(e, ERR_BAD_STATE, wire_login,
		    "The stored session is damaged.");
		goto out;
	}
	if (version > SESSION_VERSION) {
		err_set(e, ERR_BAD_STATE, "Use that version of icloud-pull.",
		    "The stored session was written by a newer icloud-pull.");
		goto out;
	}
	s = session_empty();
	if (!read_members(s, o)) {
		err_set(e, ERR_BAD_STATE, wire_login,
		    "The stored session is damaged.");
		goto out;
	}
	*out = s;
	s = NULL;
	rc = 0;
out:
	session_free(s);
	session_wipe_json(o);
	return rc;
}

static void
wipe_texts(cJSON *v)
{
	for (; v != NULL; v = v->next) {
		if (v->valuestring != NULL)
			secret_wipe(v->valuestring, strlen(v->valuestring));
		wipe_texts(v->child);
	}
}

void
session_wipe_json(cJSON *v)
{
	wipe_texts(v);
	cJSON_Delete(v);
}

/* The field of a Netscape line: 0 domain, 2 path, 5 name. */
static bool
cookie_field(
    char *out, size_t size, const char *line, size_t len, unsigned field)
{
	const char *end = line + len, *tab;

	for (; field > 0; field--) {
		line = memchr(line, '\t', (size_t)(end - line));
		if (line == NULL)
			return false;
		line++;
	}
	tab = memchr(line, '\t', (size_t)(end - line));
	if (tab == NULL)
		tab = end;
	if ((size_t)(tab - line) >= size)
		return false;
	memcpy(out, line, (size_t)(tab - line));
	out[tab - line] = '\0';
	return true;
}

/* Is it this domain, or one below it?  Lines may mark it as HttpOnly. */
static bool
domain_below(const char *domain, const char *top)
{
	static const char mark[] = "#HttpOnly_";
	size_t n, m = strlen(top);

	if (strncmp(domain, mark, sizeof(mark) - 1) == 0)
		domain += sizeof(mark) - 1;
	if (*domain == '.')
		domain++;
	n = strlen(domain);
	return n >= m && strcmp(domain + n - m, top) == 0 &&
	    (n == m || domain[n - m - 1] == '.');
}

/* [cookies]: acn01 and DES... are the browser that idmsa remembers. */
static bool
is_context_cookie(const char *line, size_t len)
{
	char domain[256], name[256];

	return cookie_field(domain, sizeof(domain), line, len, 0) &&
	    cookie_field(name, sizeof(name), line, len, 5) &&
	    (domain_below(domain, "apple.com") ||
		domain_below(domain, "apple.com.cn")) &&
	    strcmp(name, "acn01") != 0 && strncmp(name, "DES", 3) != 0;
}

void
session_forget_context(struct session *s)
{
	struct buf kept;
	const char *p = buf_text(&s->cookies);

	session_keep(&s->scnt, NULL);
	session_keep(&s->session_id, NULL);
	session_keep(&s->auth_attributes, NULL);
	buf_init_secret(&kept, COOKIES_MAX_BYTES);
	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		if (!is_context_cookie(p, len)) {
			buf_add(&kept, p, len);
			buf_addc(&kept, '\n');
		}
		p += len + (p[len] == '\n');
	}
	buf_clear(&s->cookies);
	s->cookies = kept;
}

void
session_forget_code(struct session *s)
{
	s->code_via = SESSION_CODE_NONE;
	s->code_asked_ms = 0;
	session_keep(&s->phone_id, NULL);
	s->phone_non_fteu = -1;
	s->code_tries = 0;
}

void
session_forget_login(struct session *s)
{
	session_forget_context(s);
	session_forget_code(s);
	session_keep(&s->session_token, NULL);
	s->stage = SESSION_NONE;
}

void
session_learn(struct session *kept, const struct session *failed)
{
	kept->last_srp_ms = failed->last_srp_ms;
	kept->last_unattended_srp_ms = failed->last_unattended_srp_ms;
	kept->srp_not_before_ms = failed->srp_not_before_ms;
	kept->login_not_before_ms = failed->login_not_before_ms;
	kept->srp_failures = failed->srp_failures;
	kept->setup_refused_ms = failed->setup_refused_ms;
	kept->setup_not_before_ms = failed->setup_not_before_ms;
	kept->setup_login_not_before_ms = failed->setup_login_not_before_ms;
	kept->setup_failures = failed->setup_failures;
	kept->password_refused = failed->password_refused;
	kept->stamp_wanted = failed->stamp_wanted;
	kept->last_renewal_ms = failed->last_renewal_ms;
	kept->renewed_until_ms = failed->renewed_until_ms;
	if (failed->trust_token == NULL ||
	    (kept->trust_token != NULL &&
		strcmp(kept->trust_token, failed->trust_token) == 0))
		return;
	session_keep(&kept->trust_token, failed->trust_token);
	session_keep(&kept->account_country, failed->account_country);
	kept->trust_expires_ms = failed->trust_expires_ms;
	kept->trust_began_ms = failed->trust_began_ms;
}
