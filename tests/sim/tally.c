#include "tally.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "sim.h"

#define LOG_SIZE        2000
#define VIOLATIONS_KEPT 500

/* Which request has which name: the host must begin, the path must end so.
 * Both NULL: any.  The first that fits; the order of /counters. */
static const struct rule {
	const char *name, *method, *host, *path;
} rules[] = {
    {"authorize", "GET", "idmsa.", "/auth/authorize/signin"},
    {"signin_init", "POST", "idmsa.", "/auth/signin/init"},
    {"signin_complete", "POST", "idmsa.", "/auth/signin/complete"},
    {"auth_options", "GET", "idmsa.", "/appleauth/auth"},
    {"code_request_device", "PUT", "idmsa.",
	"/verify/trusteddevice/securitycode"},
    {"code_request_phone", "PUT", "idmsa.", "/auth/verify/phone"},
    {"code_submit_device", "POST", "idmsa.",
	"/verify/trusteddevice/securitycode"},
    {"code_submit_phone", "POST", "idmsa.", "/verify/phone/securitycode"},
    {"escrow_init", "POST", "idmsa.", "/auth/escrow/init"},
    {"escrow_complete", "POST", "idmsa.", "/auth/escrow/complete"},
    {"trust", "GET", "idmsa.", "/auth/2sv/trust"},
    {"account_login", "POST", NULL, "/setup/ws/1/accountLogin"},
    {"validate", "POST", NULL, "/setup/ws/1/validate"},
    {"logout", "POST", NULL, "/setup/ws/1/logout"},
    {"web_access_state", "POST", NULL, "/setup/ws/1/requestWebAccessState"},
    {"enable_consent", "POST", NULL, "/setup/ws/1/enableDeviceConsentForPCS"},
    {"request_pcs", "POST", NULL, "/setup/ws/1/requestPCS"},
    {"changes_database", NULL, NULL, "/changes/database"},
    {"changes_zone", NULL, NULL, "/changes/zone"},
    {"records_query", NULL, NULL, "/records/query"},
    {"records_lookup", NULL, NULL, "/records/lookup"},
    {"count_batch", NULL, NULL, "/internal/records/query/batch"},
    {"zones_list", NULL, NULL, "/zones/list"},
    {"records_modify", NULL, NULL, "/records/modify"},
    {"content", NULL, NULL, NULL},
    {"other", NULL, NULL, NULL},
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

struct request {
	int64_t number;
	const char *name;
	char method[8], host[64], path[256];
	int status;
};

static struct {
	pthread_mutex_t lock;
	int64_t requests, content_bytes, mails, by[RULES];
	struct request log[LOG_SIZE];
	int64_t logged;
	char *violations[VIOLATIONS_KEPT];
	size_t violation_count;
} tally = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static size_t
find(const char *method, const char *host, const char *path)
{
	const struct rule *r;
	size_t i;

	for (i = 0; i < RULES - 2; i++) {
		r = &rules[i];
		if ((r->method == NULL || strcmp(r->method, method) == 0) &&
		    (r->host == NULL ||
			strncmp(host, r->host, strlen(r->host)) == 0) &&
		    ends_with(path, r->path))
			return i;
	}
	if (strstr(host, ".icloud-content.com") != NULL)
		return RULES - 2;
	return RULES - 1;
}

const char *
tally_name(const char *method, const char *host, const char *path)
{
	return rules[find(method, host, path)].name;
}

void
tally_request(const char *name, const char *method, const char *host,
    const char *path, int status)
{
	struct request *q;
	size_t i;

	pthread_mutex_lock(&tally.lock);
	tally.requests++;
	for (i = 0; i < RULES; i++)
		if (strcmp(rules[i].name, name) == 0)
			tally.by[i]++;
	q = &tally.log[tally.logged % LOG_SIZE];
	q->number = ++tally.logged;
	q->name = name;
	q->status = status;
	snprintf(q->method, sizeof(q->method), "%s", method);
	snprintf(q->host, sizeof(q->host), "%s", host);
	snprintf(q->path, sizeof(q->path), "%s", path);
	pthread_mutex_unlock(&tally.lock);
}

void
tally_content_bytes(int64_t n)
{
	pthread_mutex_lock(&tally.lock);
	tally.content_bytes += n;
	pthread_mutex_unlock(&tally.lock);
}

void
sim_violation(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&tally.lock);
	if (tally.violation_count < VIOLATIONS_KEPT)
		tally.violations[tally.violation_count++] = xstrdup(text);
	pthread_mutex_unlock(&tally.lock);
}

void
tally_mail(void)
{
	pthread_mutex_lock(&tally.lock);
	tally.mails++;
	pthread_mutex_unlock(&tally.lock);
}

void
tally_reset(void)
{
	size_t i;

	pthread_mutex_lock(&tally.lock);
	tally.requests = tally.content_bytes = tally.logged = 0;
	tally.mails = 0;
	memset(tally.by, 0, sizeof(tally.by));
	for (i = 0; i < tally.violation_count; i++)
		free(tally.violations[i]);
	tally.violation_count = 0;
	pthread_mutex_unlock(&tally.lock);
}

void
tally_counters(struct buf *out)
{
	int64_t sign_ins = 0, codes = 0;
	size_t i;

	pthread_mutex_lock(&tally.lock);
	buf_addf(out, "{\"requests\":%lld,\"by\":{", (long long)tally.requests);
	for (i = 0; i < RULES; i++) {
		buf_addf(out, "%s\"%s\":%lld", i > 0 ? "," : "", rules[i].name,
		    (long long)tally.by[i]);
		if (strcmp(rules[i].name, "signin_complete") == 0)
			sign_ins = tally.by[i];
		if (strncmp(rules[i].name, "code_request_", 13) == 0)
			codes += tally.by[i];
	}
	buf_addf(out,
	    "},\"content_bytes\":%lld,\"srp_sign_ins\":%lld,"
	    "\"code_requests\":%lld,\"mails\":%lld,\"violations\":[",
	    (long long)tally.content_bytes, (long long)sign_ins,
	    (long long)codes, (long long)tally.mails);
	for (i = 0; i < tally.violation_count; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_add_json(out, tally.violations[i]);
	}
	buf_adds(out, "]}\n");
	pthread_mutex_unlock(&tally.lock);
}

void
tally_requests(struct buf *out)
{
	const struct request *q;
	int64_t i;

	pthread_mutex_lock(&tally.lock);
	i = tally.logged > LOG_SIZE ? tally.logged - LOG_SIZE : 0;
	for (; i < tally.logged; i++) {
		q = &tally.log[i % LOG_SIZE];
		buf_addf(out, "{\"n\":%lld,\"name\":\"%s\",\"method\":",
		    (long long)q->number, q->name);
		buf_add_json(out, q->method);
		buf_adds(out, ",\"host\":");
		buf_add_json(out, q->host);
		buf_adds(out, ",\"path\":");
		buf_add_json(out, q->path);
		buf_addf(out, ",\"status\":%d}\n", q->status);
	}
	pthread_mutex_unlock(&tally.lock);
}
