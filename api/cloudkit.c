#include "cloudkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "body_p.h"
#include "buf.h"
#include "civil.h"
#include "cloudkit_p.h"
#include "compat.h"
#include "err.h"
#include "http.h"
#include "json.h"
#include "retry.h"
#include "session.h"
#include "text.h"

#define BASE_PATH "/database/1/com.apple.photos.cloud/production/"

/*
 * [read-only]: all that is ever sent to CloudKit and to the content hosts.
 * records/modify and uploads are absent, and so is every path that no function
 * here asks for.  The hosts are pNN-ckdatabasews.icloud.com and its twin in
 * China; NN comes with the session.
 */
#define READ_RULES(host, database)                                     \
	{"POST", host, BASE_PATH database "/changes/database"},        \
	    {"POST", host, BASE_PATH database "/changes/zone"},        \
	    {"POST", host, BASE_PATH database "/records/query"},       \
	    {"POST", host, BASE_PATH database "/records/lookup"},      \
	{                                                              \
		"POST", host,                                          \
		    BASE_PATH database "/internal/records/query/batch" \
	}

const struct http_rule api_rules[] = {
    READ_RULES("-ckdatabasews.icloud.com", "private"),
    READ_RULES("-ckdatabasews.icloud.com", "shared"),
    READ_RULES("-ckdatabasews.icloud.com.cn", "private"),
    READ_RULES("-ckdatabasews.icloud.com.cn", "shared"),
    {"GET", ".icloud-content.com", "/B/*"},
    {"GET", ".icloud-content.com.cn", "/B/*"},
    {NULL, NULL, NULL},
};

static const struct cloudkit_net net_http = {
    .start = http_start,
    .after = http_after,
    .interrupted = http_interrupted,
};

static const struct cloudkit_net *
net_of(const struct cloudkit *ck)
{
	return ck->net != NULL ? ck->net : &net_http;
}

/*
 * Errors [cloudkit-errors].  The same words stand at the top of an answer with
 * 4xx or 5xx, and in the entries of one with 200.  A code that is known gives
 * the status that CloudKit documents for it, whatever was sent with it.
 */
static const struct {
	const char *code;
	int status;
	enum err_code err;
} codes[] = {
    {"ACCESS_DENIED", 403, ERR_WEB_ACCESS},
    {"AUTHENTICATION_FAILED", 401, ERR_SESSION},
    {"AUTHENTICATION_REQUIRED", 421, ERR_SESSION},
    {"BAD_REQUEST", 400, ERR_PROTOCOL},
    {"ZONE_NOT_FOUND", 404, ERR_NOT_FOUND},
    {"NOT_FOUND", 404, ERR_NOT_FOUND},
    {"INTERNAL_ERROR", 500, ERR_UNAVAILABLE},
    {"THROTTLED", 503, ERR_THROTTLED},
    {"TRY_AGAIN_LATER", 503, ERR_THROTTLED},
    {"RETRY_LATER", 503, ERR_UNAVAILABLE},
    {"CAS_OP_LOCK", 503, ERR_UNAVAILABLE},
    /* Answers to writes; we never write. */
    {"CONFLICT", 409, ERR_PROTOCOL},
    {"EXISTS", 409, ERR_PROTOCOL},
    {"ATOMIC_ERROR", 400, ERR_PROTOCOL},
    {"VALIDATING_REFERENCE_ERROR", 412, ERR_PROTOCOL},
    {"QUOTA_EXCEEDED", 413, ERR_PROTOCOL},
};

/* What the service said of an error; texts are cut. */
struct fault {
	char code[64], reason[160];
	int64_t wait_ms;
};

/* Longer answers hold records; an error of the front end is short. */
#define FRONT_END_MAX 4096
/* More is taken for a day. */
#define WAIT_MAX_S 86400

static void
take_text(char *out, size_t size, const char *s)
{
	struct buf b = {0};

	if (s == NULL)
		return;
	text_utf8(&b, s, strnlen(s, size - 1));
	/* What is no UTF-8 has become longer. */
	snprintf(out, size, "%.*s", (int)text_cut(buf_text(&b), size - 1),
	    buf_text(&b));
	buf_clear(&b);
}

static int64_t
wait_of(const cJSON *json)
{
	int64_t s;

	if (!json_int(&s, json, "retryAfter") || s < 0)
		return -1;
	return (s < WAIT_MAX_S ? s : WAIT_MAX_S) * 1000;
}

static bool
is_true(const cJSON *v)
{
	return cJSON_IsTrue(v) || (cJSON_IsNumber(v) && v->valuedouble != 0) ||
	    cJSON_IsString(v) || (cJSON_IsArray(v) && v->child != NULL);
}

/* The words of the front end, and of the sign-in service behind it. */
static bool
front_end_fault(struct fault *out, const cJSON *json)
{
	const cJSON *list = json_array(json, "service_errors");
	const cJSON *first;

	if (list == NULL)
		list = json_array(json, "serviceErrors");
	first = list != NULL ? list->child : NULL;
	take_text(out->code, sizeof(out->code), json_str(first, "code"));
	take_text(out->reason, sizeof(out->reason), json_str(first, "message"));
	if (*out->reason == '\0')
		take_text(
		    out->reason, sizeof(out->reason), json_str(json, "reason"));
	return first != NULL || is_true(json_get(json, "error")) ||
	    is_true(json_get(json, "errors")) || json_bool(json, "hasError");
}

static bool
fault_read(struct fault *out, struct json_span entry)
{
	cJSON *json;
	const char *code;
	bool found = false;

	memset(out, 0, sizeof(*out));
	out->wait_ms = -1;
	/* A page is not parsed to find out that there is nothing to find. */
	if (entry.len > FRONT_END_MAX &&
	    json_span_get(entry, "serverErrorCode").p == NULL)
		return false;
	json = json_span_parse(entry, NULL);
	code = json_str(json, "serverErrorCode");
	if (code != NULL && *code != '\0') {
		take_text(out->code, sizeof(out->code), code);
		take_text(
		    out->reason, sizeof(out->reason), json_str(json, "reason"));
		if (*out->reason == '\0')
			take_text(out->reason, sizeof(out->reason),
			    json_str(json, "serverErrorMessage"));
		found = true;
	} else {
		found = front_end_fault(out, json);
	}
	out->wait_ms = wait_of(json);
	cJSON_Delete(json);
	return found;
}

static bool
has(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Of a refusal as BAD_REQUEST only the reason tells what was refused. */
static enum err_code
bad_request(const struct fault *f)
{
	/* "array 'records' length is greater than max size" */
	if (has(f->reason, "greater than max"))
		return ERR_TOO_MUCH;
	/* "Unknown sync continuation type", "Invalid continuation format" */
	if (has(f->reason, "continuation") || has(f->reason, "token expired"))
		return ERR_TOKEN;
	return ERR_PROTOCOL;
}

static enum err_code
code_of_status(int status, int64_t wait_ms)
{
	switch (status) {
	case 403: /* without a code: stale cookies, most often */
		return ERR_SESSION;
	case 413:
		return ERR_TOO_MUCH;
	case 423: /* "Missing PCS cookies from the request" [pcs] */
		return ERR_ADP;
	case 429:
		return ERR_THROTTLED;
	case 503:
		return wait_ms >= 0 ? ERR_THROTTLED : ERR_UNAVAILABLE;
	case 408:
		return ERR_UNAVAILABLE;
	default:
		return status >= 500 ? ERR_UNAVAILABLE : ERR_PROTOCOL;
	}
}

/* Which error it is; *status becomes that of a code that is known. */
static enum err_code
classify(const struct fault *f, int *status)
{
	enum err_code err = ERR_NONE;
	bool session = *status == 401 || *status == 421 || *status == 450;
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, f->code) == 0) {
			*status = codes[i].status;
			err = codes[i].err;
		}
	/* Told by their reasons, whatever code or status they came with. */
	if (has(f->reason, "private db access disabled"))
		return ERR_WEB_ACCESS;
	if (session || has(f->reason, "X-APPLE-WEBAUTH") ||
	    has(f->reason, "Invalid global session"))
		return err == ERR_WEB_ACCESS ? err : ERR_SESSION;
	if (has(f->reason, "CAS Op-Lock")) {
		*status = 503;
		return ERR_UNAVAILABLE;
	}
	if (strcmp(f->code, "BAD_REQUEST") == 0)
		return bad_request(f);
	if (err != ERR_NONE)
		return err;
	if (begins(f->code, "AUTH"))
		return ERR_SESSION;
	/* Never seen: what an expired token or a zone that was reset says. */
	if (has(f->code, "TOKEN") || has(f->code, "RESET"))
		return ERR_TOKEN;
	if (*f->code != '\0' && *status == 403)
		return ERR_PROTOCOL;
	return code_of_status(*status, f->wait_ms);
}

static const char next_login[] = "Run icloud-pull login.";
static const char next_later[] = "Try again later.";

static void
say(struct err *e, enum err_code code, const char *detail)
{
	switch (code) {
	case ERR_SESSION:
		err_set(e, code, next_login,
		    "The session with iCloud has ended%s.", detail);
		break;
	case ERR_WEB_ACCESS:
		err_set(e, code,
		    "On an iPhone or iPad, in Settings, your name, iCloud, "
		    "switch on \"Access iCloud Data on the Web\"; wait a day "
		    "before trying again if it is on.",
		    "Apple does not give iCloud Photos of this account to the "
		    "web%s.",
		    detail);
		break;
	case ERR_ADP:
		err_set(e, code,
		    "Run icloud-pull on a terminal and tap Allow on one of "
		    "your devices; it lasts for about an hour.",
		    "Advanced Data Protection keeps iCloud Photos of this "
		    "account from the web%s.",
		    detail);
		break;
	case ERR_THROTTLED:
		err_set(e, code, next_later,
		    "Apple asks to wait before asking for more%s.", detail);
		break;
	case ERR_TOKEN:
		err_set(e, code, NULL,
		    "iCloud does not know the place in the list from which to "
		    "go on%s.",
		    detail);
		break;
	case ERR_NOT_FOUND:
		err_set(e, code, NULL, "iCloud does not have it%s.", detail);
		break;
	case ERR_TOO_MUCH:
		err_set(e, code, NULL, "iCloud finds that too much at once%s.",
		    detail);
		break;
	case ERR_UNAVAILABLE:
		err_set(e, code, next_later,
		    "iCloud Photos does not answer properly now%s.", detail);
		break;
	default:
		err_set(e, ERR_PROTOCOL,
		    "Look for a newer version of icloud-pull.",
		    "iCloud Photos gave an answer that is not understood%s.",
		    detail);
		break;
	}
}

/* [security-keys]: a session that is as it should be, refused. */
static bool
may_be_keys(const struct fault *f, int status)
{
	return has(f->reason, "no auth method") ||
	    (status == 403 && *f->code == '\0' && *f->reason == '\0');
}

static void
say_keys(struct err *e, const char *detail)
{
	err_set(e, ERR_SESSION,
	    "Run icloud-pull login. If it stays so, security keys on the "
	    "account may be the reason, which icloud-pull cannot use: "
	    "Settings > your name > Sign-In & Security > Security Keys.",
	    "iCloud does not let this session see the photos%s.", detail);
}

static int
fault_set(struct err *e, const struct fault *f, int status, bool adp)
{
	enum err_code code = classify(f, &status);
	char detail[256];

	/* [cloudkit-errors]: the account's own flag tells these apart. */
	if (adp &&
	    (code == ERR_WEB_ACCESS ||
		(code == ERR_SESSION && has(f->reason, "PCS"))))
		code = ERR_ADP;
	if (*f->code != '\0')
		snprintf(detail, sizeof(detail), " (%s%s%s)", f->code,
		    *f->reason != '\0' ? ": " : "", f->reason);
	else if (*f->reason != '\0')
		snprintf(detail, sizeof(detail), " (%s)", f->reason);
	else if (status != 0)
		snprintf(detail, sizeof(detail), " (status %d)", status);
	else
		detail[0] = '\0';
	if (e == NULL)
		return -1;
	if (code == ERR_SESSION && may_be_keys(f, status))
		say_keys(e, detail);
	else
		say(e, code, detail);
	e->http_status = status;
	e->wait_ms = f->wait_ms;
	return -1;
}

int
cloudkit_entry_error(struct err *e, struct json_span entry)
{
	struct fault f;

	return fault_read(&f, entry) ? fault_set(e, &f, 0, false) : 0;
}

/* A 200 can have its true status beside it. */
static int
status_of(const struct http_response *resp)
{
	char text[8];
	int64_t n;

	if (resp->status / 100 == 2 &&
	    http_header(text, sizeof(text), resp, "X-Apple-I-Rscd") &&
	    text_int(&n, text, 400, 599) == 0)
		return (int)n;
	return resp->status;
}

/* body: the answer's JSON object; none (.p NULL) if it is something else. */
static int
answer_error(struct err *e, struct json_span *body,
    const struct http_response *resp, bool adp)
{
	struct fault f = {.wait_ms = -1};
	int status = status_of(resp);
	bool found = false;

	*body = (struct json_span){NULL, 0};
	if (json_span_all(body, buf_text(&resp->body), resp->body.len, NULL) ==
		-1 ||
	    *body->p != '{')
		*body = (struct json_span){NULL, 0};
	if (body->p != NULL)
		found = fault_read(&f, *body);
	if (f.wait_ms < resp->retry_after_ms)
		f.wait_ms = resp->retry_after_ms;
	if (status / 100 == 2 && body->p != NULL && !found)
		return 0;
	return fault_set(e, &f, status, adp);
}

int
cloudkit_answer_error(struct err *e, const struct http_response *resp)
{
	struct json_span body;

	return answer_error(e, &body, resp, false);
}

bool
cloudkit_is_bad_request(const struct err *e)
{
	return e->code == ERR_PROTOCOL && e->http_status == 400;
}

bool
cloudkit_less_may_help(const struct err *e)
{
	switch (e->code) {
	case ERR_TOO_MUCH:
		return true;
	case ERR_PROTOCOL:
		return e->http_status < 400;
	case ERR_UNAVAILABLE: /* without a status nothing was sent */
		return e->http_status != 503 && e->http_status != 0;
	default:
		return false;
	}
}

/* One request under way. */
struct ask {
	struct cloudkit *ck;
	enum database database;
	char *path, *body;
	struct retry_policy policy;
	unsigned tries;      /* made */
	unsigned unreadable; /* answers that were not understood */
	int64_t waited_ms;   /* so far */
	int64_t pause_ms;    /* still to wait before the next try */
	cloudkit_read *read;
	cloudkit_done *done;
	void *arg;
};

/* Answers that are not understood, before it is taken for a change of the
 * service. */
#define UNREADABLE_MAX 3
/* Waits are cut, so that an interrupt does not wait for them. */
#define SLICE_MS ((int64_t)200)

static void ask_answered(void *, struct http_response *, const struct err *);

static void
add_query(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "&%s=", name);
	for (; *value != '\0'; value++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
			   "xyz0123456789-._~",
			*value) != NULL)
			buf_addc(out, *value);
		else
			buf_addf(out, "%%%02X", (unsigned char)*value);
}

/*
 * getCurrentSyncToken brings the token of the zone that the body names, and is
 * an error where it names none at its top; changes/... answer with tokens
 * without being asked.
 */
static void
add_url(struct buf *out, const struct ask *a)
{
	const struct session *s = a->ck->session;
	const char *host = s->ckdatabase_url != NULL ? s->ckdatabase_url : "";
	size_t len = strlen(host);

	while (len > 0 && host[len - 1] == '/')
		len--;
	buf_add(out, host, len);
	buf_addf(out, BASE_PATH "%s/%s?remapEnums=true",
	    database_name(a->database), a->path);
	if (!begins(a->path, "changes/"))
		buf_adds(out, "&getCurrentSyncToken=true");
	if (s->client_id != NULL)
		add_query(out, "clientId", s->client_id);
	if (s->dsid != NULL)
		add_query(out, "dsid", s->dsid);
}

static void
ask_send(struct ask *a)
{
	static const char *const headers_com[] = {"Content-Type: text/plain",
	    "Accept: */*", "Origin: https://www.icloud.com",
	    "Referer: https://www.icloud.com/", NULL};
	static const char *const headers_cn[] = {"Content-Type: text/plain",
	    "Accept: */*", "Origin: https://www.icloud.com.cn",
	    "Referer: https://www.icloud.com.cn/", NULL};
	struct buf url = {0};
	struct http_request req = {
	    .kind = HTTP_JSON,
	    .method = "POST",
	    .body = a->body,
	    .body_len = strlen(a->body),
	    .done = ask_answered,
	    .arg = a,
	};

	/* The address may be another one than at the last try. */
	add_url(&url, a);
	req.url = buf_text(&url);
	req.headers =
	    a->ck->session->region == SESSION_CN ? headers_cn : headers_com;
	net_of(a->ck)->start(a->ck->http, &req);
	buf_clear(&url);
}

static void
ask_pause(void *arg)
{
	struct ask *a = arg;
	int64_t ms;

	if (a->pause_ms <= 0 || net_of(a->ck)->interrupted(a->ck->http)) {
		ask_send(a);
		return;
	}
	ms = a->pause_ms < SLICE_MS ? a->pause_ms : SLICE_MS;
	a->pause_ms -= ms;
	net_of(a->ck)->after(a->ck->http, ms, ask_pause, a);
}

static void
ask_end(struct ask *a, struct http_response *resp, const struct err *e)
{
	cloudkit_done *done = a->done;
	void *arg = a->arg;

	free(a->path);
	cJSON_free(a->body);
	free(a);
	done(arg, resp, e);
}

static bool
is_last(const struct ask *a)
{
	return a->unreadable + 1 >= UNREADABLE_MAX ||
	    a->tries >= a->policy.max_tries;
}

/* Tell the errors of the network apart from those of the service, and both
 * from an answer. */
static int
ask_judge(struct ask *a, struct http_response *resp, const struct err *net,
    struct err *e)
{
	const struct session *s = a->ck->session;
	struct json_span body;

	if (net->code == ERR_REFUSED && s->ckdatabase_url == NULL)
		return err_set(e, ERR_SESSION, next_login,
		    "The session does not say where iCloud Photos is.");
	if (net->code != ERR_NONE) {
		*e = *net;
		return -1;
	}
	if (answer_error(e, &body, resp, s->adp) == -1) {
		/* Neither CloudKit nor its front end speaks like this. */
		if (body.p == NULL && e->code == ERR_PROTOCOL)
			e->http_status = 0;
		return -1;
	}
	return a->read != NULL ? a->read(a->arg, body, is_last(a), e) : 0;
}

static bool
was_not_understood(const struct err *e)
{
	return e->code == ERR_PROTOCOL && e->http_status < 400;
}

/* How long to wait before asking again; -1 for not at all. */
static int64_t
ask_again_ms(struct ask *a, const struct err *e)
{
	struct retry_case c = {
	    .code = ERR_NONE,
	    .status = e->http_status,
	    .stated_ms = e->wait_ms,
	    .tries = a->tries,
	    .waited_ms = a->waited_ms,
	};
	uint32_t jitter;

	if (was_not_understood(e)) {
		if (++a->unreadable >= UNREADABLE_MAX)
			return -1;
		c.status = 500; /* wait as for any other failure of theirs */
	} else if (e->code == ERR_NETWORK) {
		c.code = ERR_NETWORK;
	} else if (e->code != ERR_UNAVAILABLE && e->code != ERR_THROTTLED) {
		return -1;
	}
	compat_random(&jitter, sizeof(jitter));
	return retry_wait(&a->policy, &c, jitter);
}

/* Others heed what one was told. */
static void
heed(struct cloudkit *ck, const struct err *e)
{
	int64_t until;

	if (e->code != ERR_THROTTLED &&
	    !(e->code == ERR_UNAVAILABLE && e->http_status == 503))
		return;
	ck->throttled++;
	if (e->wait_ms <= 0 || e->wait_ms > retry_default.max_waited_ms)
		return;
	until = clock_mono_ms() + e->wait_ms;
	if (until > ck->not_before_ms)
		ck->not_before_ms = until;
}

static int64_t
rest_ms(const struct cloudkit *ck)
{
	int64_t left =
	    ck->not_before_ms != 0 ? ck->not_before_ms - clock_mono_ms() : 0;

	return left > 0 ? left : 0;
}

static void
ask_answered(void *arg, struct http_response *resp, const struct err *net)
{
	struct ask *a = arg;
	struct err e = ERR_INIT;
	int64_t wait_ms;

	a->tries++;
	if (ask_judge(a, resp, net, &e) == 0) {
		ask_end(a, resp, &e);
		return;
	}
	heed(a->ck, &e);
	wait_ms = ask_again_ms(a, &e);
	if (wait_ms < 0 || net_of(a->ck)->interrupted(a->ck->http)) {
		ask_end(a, resp, &e);
		return;
	}
	a->waited_ms += wait_ms;
	a->pause_ms = wait_ms;
	ask_pause(a);
}

void
cloudkit_ask(struct cloudkit *ck, const struct cloudkit_request *req)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	a->ck = ck;
	a->database = req->database;
	a->path = xstrdup(req->path);
	a->body = body_print(req->body);
	a->policy = retry_default;
	if (req->tries != 0)
		a->policy.max_tries = req->tries;
	a->pause_ms = rest_ms(ck);
	if (a->pause_ms < req->wait_ms)
		a->pause_ms = req->wait_ms;
	a->read = req->read;
	a->done = req->done;
	a->arg = req->arg;
	cJSON_Delete(req->body);
	ask_pause(a);
}

void
cloudkit_start(struct cloudkit *ck, enum database database, const char *path,
    cJSON *body, cloudkit_done *done, void *arg)
{
	cloudkit_ask(ck,
	    &(struct cloudkit_request){
		.database = database,
		.path = path,
		.body = body,
		.done = done,
		.arg = arg,
	    });
}
