#include "auth_p.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "err.h"
#include "json.h"
#include "log.h"
#include "retry.h"
#include "text.h"

/*
 * The second factor: where a code can go [code-options], asking for it
 * [code-request], handing it in [code-submit], and the trust that follows
 * [trust].
 */

#define PHONES_MAX 16
#define KEYS_MAX   8

/*
 * Hardware keys [security-keys].
 */

/* Where their names or their challenge may stand in an answer. */
static const cJSON *
keys_in(const cJSON *o)
{
	const cJSON *places[3];

	places[0] = o;
	places[1] = json_object(o, "direct");
	places[2] = json_at(o, "direct", "twoSV", NULL);
	for (size_t i = 0; i < 3; i++)
		if (cJSON_IsObject(json_get(places[i], "fsaChallenge")) ||
		    cJSON_GetArraySize(json_array(places[i], "keyNames")) > 0)
			return places[i];
	return NULL;
}

int
factor_no_keys(const cJSON *o, struct err *e)
{
	const cJSON *place = keys_in(o), *name;
	struct buf names, clean = {0};
	unsigned n = 0;

	if (place == NULL)
		return 0;
	buf_init(&names, 120);
	cJSON_ArrayForEach (name, json_array(place, "keyNames")) {
		if (!cJSON_IsString(name) || n == KEYS_MAX)
			break;
		buf_reset(&clean);
		text_utf8(&clean, name->valuestring, strlen(name->valuestring));
		if (buf_addf(&names, "%s%s", n == 0 ? " (" : ", ",
			buf_text(&clean)) == -1)
			break;
		n++;
	}
	err_set(e, ERR_SECURITY_KEY,
	    "A code cannot replace a key. To use icloud-pull, remove the keys: "
	    "Settings > your name > Sign-In & Security > Security Keys.",
	    "This account signs in with security keys%s%s.", buf_text(&names),
	    n > 0 ? ")" : "");
	buf_clear(&names);
	buf_clear(&clean);
	return -1;
}

/*
 * [code-options]: the page holds its facts in a script of class boot_args.
 * Attributes may come in any order, the class may have more words.
 */
static const char *
find_no_case(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	for (; (size_t)(end - p) >= n; p++)
		if (strncasecmp(p, word, n) == 0)
			return p;
	return NULL;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool
has_word(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word), i = 0;

	while (i < len) {
		size_t start;

		while (i < len && is_space(p[i]))
			i++;
		start = i;
		while (i < len && !is_space(p[i]))
			i++;
		if (i - start == n && strncmp(p + start, word, n) == 0)
			return true;
	}
	return false;
}

/* Walk the attributes of a tag up to its '>', which *p is left on. */
static bool
tag_has_class(const char **p, const char *end, const char *word)
{
	const char *name, *value, *q = *p;
	size_t name_len, value_len;
	bool found = false;
	char quote;

	while (q < end && *q != '>') {
		if (is_space(*q) || *q == '/' || *q == '=') {
			q++;
			continue;
		}
		name = q;
		while (q < end && !is_space(*q) && *q != '=' && *q != '>')
			q++;
		name_len = (size_t)(q - name);
		while (q < end && is_space(*q))
			q++;
		if (q == end || *q != '=')
			continue;
		for (q++; q < end && is_space(*q);)
			q++;
		quote = '\0';
		if (q < end && (*q == '"' || *q == '\''))
			quote = *q++;
		value = q;
		while (q < end &&
		    (quote != '\0' ? *q != quote : !is_space(*q) && *q != '>'))
			q++;
		value_len = (size_t)(q - value);
		if (quote != '\0' && q < end)
			q++;
		if (name_len == 5 && strncasecmp(name, "class", 5) == 0 &&
		    has_word(value, value_len, word))
			found = true;
	}
	*p = q;
	return found;
}

static cJSON *
boot_args(const struct buf *body)
{
	const char *p = buf_text(body), *end = p + body->len, *close;

	while ((p = find_no_case(p, end, "<script")) != NULL) {
		p += strlen("<script");
		if (!tag_has_class(&p, end, "boot_args"))
			continue;
		if (p == end)
			break;
		p++;
		close = find_no_case(p, end, "</script");
		if (close == NULL)
			break;
		return json_parse(p, (size_t)(close - p), NULL);
	}
	return NULL;
}

static void
forget_phones(struct auth *a)
{
	for (size_t i = 0; i < a->n_phones; i++) {
		free(a->phones[i].id);
		free(a->phones[i].label);
	}
	free(a->phones);
	a->phones = NULL;
	a->n_phones = 0;
}

void
factor_clear(struct auth *a)
{
	forget_phones(a);
	a->no_devices = false;
}

static char *
phone_label(const cJSON *phone)
{
	const char *s = json_str(phone, "numberWithDialCode");
	struct buf label = {0};

	if (s == NULL)
		s = json_str(phone, "obfuscatedNumber");
	if (s == NULL && (s = json_str(phone, "lastTwoDigits")) != NULL)
		buf_adds(&label, "...");
	if (s == NULL)
		s = "a trusted number";
	text_utf8(&label, s, strlen(s));
	return buf_take(&label);
}

/* The id goes back as it came: a number stays one, a text stays one. */
static void
add_phone(struct auth *a, const cJSON *phone)
{
	const cJSON *id = json_get(phone, "id");
	const cJSON *non_fteu = json_get(phone, "nonFTEU");
	const char *mode = json_str(phone, "pushMode");
	struct auth_phone *new;
	char *text;

	if (a->n_phones == PHONES_MAX ||
	    (!cJSON_IsNumber(id) && !cJSON_IsString(id)))
		return;
	text = cJSON_PrintUnformatted(id);
	if (text == NULL || !session_can_keep(text)) {
		cJSON_free(text);
		return;
	}
	a->phones =
	    xreallocarray(a->phones, a->n_phones + 1, sizeof(*a->phones));
	new = &a->phones[a->n_phones++];
	new->id = xstrdup(text);
	cJSON_free(text);
	new->label = phone_label(phone);
	new->non_fteu = cJSON_IsBool(non_fteu) ? cJSON_IsTrue(non_fteu) : -1;
	new->voice_only = mode != NULL &&strcmp(mode, "voice") == 0;
}

/* [code-options]: four places for the list, then the same for a single one. */
static void
read_phones(struct auth *a, const cJSON *const places[4])
{
	const cJSON *list = NULL, *phone = NULL;

	for (size_t i = 0; i < 4 && cJSON_GetArraySize(list) == 0; i++)
		list = json_array(places[i], "trustedPhoneNumbers");
	cJSON_ArrayForEach (phone, list) {
		add_phone(a, phone);
	}
	for (size_t i = 0; i < 4 && a->n_phones == 0; i++)
		add_phone(a, json_object(places[i], "trustedPhoneNumber"));
}

/* Neither device nor number, but a way to recover the account: its owner is on
 * that way, and until its end no code can come. */
static int
read_options(struct auth *a, const cJSON *o, struct err *e)
{
	const cJSON *places[4];
	const cJSON *direct = json_object(o, "direct");
	const char *recovery = NULL;

	places[0] = o;
	places[1] = json_object(o, "phoneNumberVerification");
	places[2] = json_at(direct, "twoSV", "phoneNumberVerification", NULL);
	places[3] = json_at(direct, "twoSV", "bridgeInitiateData",
	    "phoneNumberVerification", NULL);
	factor_clear(a);
	read_phones(a, places);
	a->no_devices = cJSON_IsFalse(json_get(direct, "hasTrustedDevices")) ||
	    cJSON_IsFalse(json_get(o, "hasTrustedDevices"));
	for (size_t i = 0; i < 4; i++) {
		if (json_bool(places[i], "noTrustedDevices"))
			a->no_devices = true;
		if (recovery == NULL)
			recovery = json_str(places[i], "recoveryUrl");
	}
	if (!a->no_devices || a->n_phones > 0 || recovery == NULL)
		return 0;
	return err_set(e, ERR_LOCKED,
	    "Finish the recovery at https://iforgot.apple.com, then run "
	    "icloud-pull login.",
	    "No code can come for %s: Apple offers nothing but to recover the "
	    "account.",
	    a->s->account);
}

/*
 * Asked for as a page, since JSON may show only what fits text messages.
 * Without an answer that helps, the code from a device still works.
 */
int
factor_options(struct auth *a, struct err *e)
{
	struct wire_request r = {.method = "GET",
	    .path = "",
	    .accept = "text/html",
	    .origin = WIRE_HOME,
	    .retry = &retry_sign_in};
	struct wire_answer ans;
	cJSON *page = NULL;
	int rc;

	rc = wire_idmsa(&ans, a, &r, e);
	if (rc == 0 && (ans.status == 429 || ans.status == 503))
		rc = wire_refused(a, &ans, "the sign-in", e);
	else if (rc == 0 && ans.status == 200) {
		page = boot_args(&ans.resp.body);
		rc = factor_no_keys(page != NULL ? page : ans.json, e);
		if (rc == 0)
			rc = read_options(a, page != NULL ? page : ans.json, e);
	}
	cJSON_Delete(page);
	wire_clear(&ans);
	return rc;
}

const struct auth_phone *
auth_phones(size_t *n, const struct auth *a)
{
	*n = a->n_phones;
	return a->phones;
}

bool
auth_has_devices(const struct auth *a)
{
	return !a->no_devices;
}

/*
 * What Apple says of codes, beside the status: the flags of securityCode, at
 * the top or in phoneNumberVerification.
 */
static bool
flag(const struct wire_answer *ans, const char *name)
{
	return json_bool(json_object(ans->json, "securityCode"), name) ||
	    json_bool(json_at(ans->json, "phoneNumberVerification",
			  "securityCode", NULL),
		name);
}

/* [code-flags]: used up, locked, or a pause; false if nothing of it is said. */
static bool
code_flags(const struct wire_answer *ans, struct err *e)
{
	if (flag(ans, "securityCodeLocked"))
		err_set(e, ERR_CODE,
		    "Wait up to 24 hours, sign in at https://www.icloud.com, "
		    "then run icloud-pull login.",
		    "Apple has locked codes for this account.%s", ans->says);
	else if (flag(ans, "tooManyCodesValidated") ||
	    strcmp(ans->code, "-22982") == 0)
		err_set(e, ERR_CODE,
		    "Wait an hour or longer, then run icloud-pull login.",
		    "Too many codes were tried.%s", ans->says);
	else if (flag(ans, "securityCodeCooldown") &&
	    !flag(ans, "tooManyCodesSent"))
		err_set(e, ERR_CODE, "Wait a minute, then ask again.",
		    "Apple wants a pause before the next code.%s", ans->says);
	else if (flag(ans, "tooManyCodesSent") || ans->status == 423)
		err_set(e, ERR_CODE,
		    "Enter the last code you received, or wait an hour or, "
		    "better, a day.",
		    "Apple has sent too many codes.%s", ans->says);
	else
		return false;
	if (e != NULL)
		e->http_status = ans->status;
	return true;
}

/* The half-finished sign-in is of no more use; what worked before still is. */
static int
sign_in_lost(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	session_forget_code(a->s);
	a->s->stage = SESSION_NONE;
	err_set(e, ERR_CODE, "Run icloud-pull login again.",
	    "Apple has forgotten the sign-in that this code belongs to.%s",
	    ans->says);
	if (e != NULL)
		e->http_status = ans->status;
	return -1;
}

/*
 * Asking for a code.
 */

static const char *
mode_of(enum session_code_via via)
{
	return via == SESSION_CODE_VOICE ? "voice" : "sms";
}

/* "phoneNumber":{...},"mode":"sms": the same to ask and to hand in. */
static void
add_phone_json(struct buf *out, const char *id, int non_fteu)
{
	buf_addf(out, "\"phoneNumber\":{\"id\":%s", id);
	if (non_fteu != -1)
		buf_addf(out, ",\"nonFTEU\":%s", non_fteu ? "true" : "false");
	buf_addc(out, '}');
}

static int
request_refused(
    struct auth *a, const struct wire_answer *ans, bool phone, struct err *e)
{
	if (ans->status == 429 || ans->status == 503)
		return wire_refused(a, ans, "to send a code", e);
	if (code_flags(ans, e))
		return -1;
	if (strcmp(ans->code, "-20209") == 0)
		return wire_refused(a, ans, "to send a code", e);
	if (ans->status == 401 || ans->status == 403)
		return sign_in_lost(a, ans, e);
	if (ans->status == 405) /* [code-request]: an address of old */
		return wire_refused(a, ans, "the request for a code", e);
	if (phone)
		err_set(e, ERR_CODE,
		    "Use a code of a device: Settings > your name > Sign-In & "
		    "Security > Get Verification Code. Accept terms that wait "
		    "at icloud.com.",
		    "Apple cannot send a code to that number now.%s",
		    ans->says);
	else
		err_set(e, ERR_CODE,
		    "On a device: Settings > your name > Sign-In & Security > "
		    "Get Verification Code. Or ask for a text message.",
		    "Apple cannot send a code to the devices now.%s",
		    ans->says);
	if (e != NULL)
		e->http_status = ans->status;
	return -1;
}

/* [code-request]: since 2026 no device shows a code unless it is asked to. */
static int
request_device(struct auth *a, struct err *e)
{
	struct wire_request r = {.method = "PUT",
	    .path = "/verify/trusteddevice/securitycode",
	    .body = "",
	    .origin = WIRE_HOME,
	    .retry = &retry_sign_in};
	struct wire_answer ans;
	int rc;

	rc = wire_idmsa(&ans, a, &r, e);
	if (rc == 0 &&
	    (ans.status < 200 || ans.status > 299 || wire_has_errors(&ans) ||
		code_flags(&ans, NULL)))
		rc = request_refused(a, &ans, false, e);
	wire_clear(&ans);
	return rc;
}

/* Never tried twice: each message counts against a small allowance. */
static int
request_phone(struct auth *a, const struct auth_phone *phone,
    enum session_code_via via, struct err *e)
{
	struct wire_request r = {
	    .method = "PUT", .path = "/verify/phone", .origin = WIRE_HOME};
	struct wire_answer ans;
	struct buf body;
	int rc;

	buf_init(&body, 0);
	buf_addc(&body, '{');
	add_phone_json(&body, phone->id, phone->non_fteu);
	buf_addf(&body, ",\"mode\":\"%s\"}", mode_of(via));
	r.body = buf_text(&body);
	r.body_len = body.len;
	rc = wire_idmsa(&ans, a, &r, e);
	if (rc == 0 &&
	    (ans.status < 200 || ans.status > 299 || wire_has_errors(&ans) ||
		code_flags(&ans, NULL)))
		rc = request_refused(a, &ans, true, e);
	wire_clear(&ans);
	buf_clear(&body);
	return rc;
}

int
auth_request_code(struct auth *a, const struct auth_phone *phone, struct err *e)
{
	struct session *s = a->s;
	enum session_code_via via = SESSION_CODE_DEVICE;
	int rc;

	if (s->stage != SESSION_NEEDS_CODE)
		return err_set(e, ERR_CODE, wire_login,
		    "No sign-in of %s waits for a code.", s->account);
	a->who = AUTH_PERSON;
	if (phone == NULL) {
		log_debug("sign-in: asking for a code on the devices");
		rc = request_device(a, e);
	} else {
		via = phone->voice_only ? SESSION_CODE_VOICE : SESSION_CODE_SMS;
		log_debug("sign-in: asking for a code by phone");
		rc = request_phone(a, phone, via, e);
	}
	if (rc == -1)
		return -1;
	s->code_via = via;
	s->code_asked_ms = a->now_ms();
	session_keep(&s->phone_id, phone != NULL ? phone->id : NULL);
	s->phone_non_fteu = phone != NULL ? phone->non_fteu : -1;
	return 0;
}

/*
 * Handing it in.
 */

int
factor_digits(char out[FACTOR_DIGITS + 1], const char *typed, struct err *e)
{
	size_t n = 0;

	for (; *typed != '\0'; typed++) {
		if (is_space(*typed) || *typed == '-')
			continue;
		if (*typed < '0' || *typed > '9' || n == FACTOR_DIGITS)
			break;
		out[n++] = *typed;
	}
	out[n] = '\0';
	if (n == FACTOR_DIGITS && *typed == '\0')
		return 0;
	secret_wipe(out, FACTOR_DIGITS + 1);
	return err_set(e, ERR_CODE, "Enter the six digits that Apple shows.",
	    "A code has six digits.");
}

bool
auth_is_code(const char *typed)
{
	char digits[FACTOR_DIGITS + 1];
	bool is = factor_digits(digits, typed, NULL) == 0;

	secret_wipe(digits, sizeof(digits));
	return is;
}

static bool
code_is_valid(const struct wire_answer *ans)
{
	return json_bool(json_object(ans->json, "securityCode"), "valid");
}

static bool
is_wrong_code(const struct wire_answer *ans)
{
	return strcmp(ans->code, "-21669") == 0;
}

/*
 * [code-submit]: 204 and 200 accept a code, and since mid-2026 a 409 does that
 * says so or that brings a session token.
 */
static enum factor_result
read_submitted(struct auth *a, const struct wire_answer *ans, struct err *e)
{
	bool accepted = false;

	if (ans->status == 204 || ans->status == 200)
		accepted = !wire_has_errors(ans);
	else if (ans->status == 409)
		accepted = code_is_valid(ans) ||
		    wire_has_header(ans, "X-Apple-Session-Token");
	else if (ans->status == 412 && code_is_valid(ans))
		return FACTOR_WANTS_REPAIR;

	if (accepted)
		return ans->status == 409 && wire_wants_escrow(ans)
		    ? FACTOR_WANTS_ESCROW
		    : FACTOR_ACCEPTED;
	if (ans->status == 429 || ans->status >= 500 ||
	    strcmp(ans->code, "-20209") == 0) {
		wire_refused(a, ans, "the code", e);
		return FACTOR_FAILED;
	}
	if (code_flags(ans, e))
		return FACTOR_FAILED;
	if (is_wrong_code(ans) || ans->status == 409)
		return FACTOR_WRONG;
	if (ans->status == 401 || ans->status == 403)
		sign_in_lost(a, ans, e);
	else
		wire_refused(a, ans, "the code", e);
	return FACTOR_FAILED;
}

/* A code goes back the way it came: by device or by phone. */
enum factor_result
factor_submit(struct auth *a, const char *digits, struct err *e)
{
	const struct session *s = a->s;
	bool phone = s->phone_id != NULL &&
	    (s->code_via == SESSION_CODE_SMS ||
		s->code_via == SESSION_CODE_VOICE);
	struct wire_request r = {.method = "POST",
	    .path = phone ? "/verify/phone/securitycode"
			  : "/verify/trusteddevice/securitycode",
	    .origin = WIRE_HOME,
	    .retry = &retry_sign_in};
	struct wire_answer ans;
	enum factor_result rc = FACTOR_FAILED;
	struct buf body;

	buf_init_secret(&body, 0);
	buf_addc(&body, '{');
	if (phone) {
		add_phone_json(&body, s->phone_id, s->phone_non_fteu);
		buf_addc(&body, ',');
	}
	buf_addf(&body, "\"securityCode\":{\"code\":\"%s\"}", digits);
	if (phone)
		buf_addf(&body, ",\"mode\":\"%s\"", mode_of(s->code_via));
	buf_addc(&body, '}');
	r.body = buf_text(&body);
	r.body_len = body.len;
	if (wire_idmsa(&ans, a, &r, e) == 0)
		rc = read_submitted(a, &ans, e);
	wire_clear(&ans);
	buf_clear(&body);
	return rc;
}

/*
 * Trust.  A failure is no end, since the code was accepted: the session works
 * until it expires, and only the next sign-in needs a code [trust].
 */
int
factor_trust(struct auth *a, struct err *e)
{
	struct wire_request r = {.method = "GET",
	    .path = "/2sv/trust",
	    .origin = WIRE_HOME,
	    .retry = &retry_sign_in};
	struct err why = ERR_INIT;
	struct wire_answer ans;
	int rc = 0;

	if (wire_idmsa(&ans, a, &r, &why) == -1) {
		if (why.code == ERR_INTERRUPTED) {
			rc = -1;
			if (e != NULL)
				*e = why;
		}
	} else if (ans.status == 200 || ans.status == 204) {
		rc = 1;
	} else if (ans.status == 429 || ans.status == 503) {
		/* Kept in the session: it holds the next sign-in back. */
		(void)wire_refused(a, &ans, "to trust this computer", NULL);
	}
	if (rc == 0)
		log_warn("Apple did not remember this computer (status %d): "
			 "the next sign-in will need a code again",
		    ans.status);
	wire_clear(&ans);
	return rc;
}
