#include "faults.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "sim.h"

#define FAULTS_MAX 256

struct faults {
	pthread_mutex_t lock;
	struct fault *armed[FAULTS_MAX];
	size_t count;
};

static const struct {
	const char *name;
	enum fault_kind kind;
	const char *hook; /* a short name of this hook */
} kinds[] = {
    {"status", FAULT_STATUS, NULL},
    {"cut", FAULT_CUT, NULL},
    {"cut_clean", FAULT_CUT_CLEAN, NULL},
    {"stall", FAULT_STALL, NULL},
    {"drip", FAULT_DRIP, NULL},
    {"flip", FAULT_FLIP, NULL},
    {"html", FAULT_HTML, NULL},
    {"hook", FAULT_HOOK, NULL},
    {"empty_page", FAULT_HOOK, "empty_page"},
    {"delay", FAULT_DELAY, NULL},
    {"reset", FAULT_RESET, NULL},
};

struct faults *
faults_new(void)
{
	struct faults *fs = xcalloc(1, sizeof(*fs));

	pthread_mutex_init(&fs->lock, NULL);
	return fs;
}

/* With the lock held. */
static void
drop(struct fault *f)
{
	if (--f->uses > 0)
		return;
	free(f->at);
	free(f->match);
	free(f->body);
	free(f->content_type);
	free(f->hook);
	free(f->value);
	cJSON_Delete(f->headers);
	free(f);
}

void
faults_clear(struct faults *fs)
{
	size_t i;

	pthread_mutex_lock(&fs->lock);
	for (i = 0; i < fs->count; i++)
		drop(fs->armed[i]);
	fs->count = 0;
	pthread_mutex_unlock(&fs->lock);
}

void
faults_free(struct faults *fs)
{
	if (fs == NULL)
		return;
	faults_clear(fs);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

/* A member that is a whole number in its range; fallback where it is absent.
 * False if it is there and is something else. */
static bool
number(int64_t *out, const cJSON *o, const char *name, int64_t fallback,
    int64_t min, int64_t max)
{
	if (json_get(o, name) == NULL) {
		*out = fallback;
		return true;
	}
	return json_int(out, o, name) && *out >= min && *out <= max;
}

static bool
is_kind(struct fault *f, const char *kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) != 0)
			continue;
		f->kind = kinds[i].kind;
		if (kinds[i].hook != NULL) {
			free(f->hook);
			f->hook = xstrdup(kinds[i].hook);
		}
		return true;
	}
	return false;
}

static const char *
read_fault(struct fault *f, const cJSON *o)
{
	const char *kind = json_str(o, "kind");
	int64_t status;

	f->at = xstrdup(json_str(o, "at"));
	f->match = xstrdup(json_str(o, "match"));
	f->hook = xstrdup(json_str(o, "hook"));
	f->value = xstrdup(json_str(o, "value"));
	f->content_type = xstrdup(json_str(o, "content_type"));
	if (json_object(o, "body") != NULL)
		f->body = cJSON_PrintUnformatted(json_object(o, "body"));
	else
		f->body = xstrdup(json_str(o, "body"));
	f->headers = cJSON_Duplicate(json_object(o, "headers"), true);
	f->size_like_file = json_bool(o, "size_like_file");
	f->done = json_bool(o, "done");
	if (f->at == NULL)
		return "\"at\" is missing";
	if (kind == NULL || !is_kind(f, kind))
		return "\"kind\" is missing or unknown";
	if (f->kind == FAULT_HOOK && f->hook == NULL)
		return "\"hook\" is missing";
	if (!number(&f->skip, o, "skip", 0, 0, INT32_MAX) ||
	    !number(&f->times, o, "times", 1, -1, INT32_MAX) ||
	    !number(&status, o, "status", 503, 200, 599) ||
	    !number(&f->retry_after_s, o, "retry_after", -1, 0, INT32_MAX) ||
	    !number(&f->after_bytes, o, "after_bytes", 0, 0, INT64_MAX) ||
	    !number(&f->offset, o, "offset", 0, 0, INT64_MAX) ||
	    !number(&f->ms, o, "ms", 1000, 0, INT64_C(3600) * 1000) ||
	    !number(&f->bytes_per_s, o, "bytes_per_s", 100, 1, INT32_MAX))
		return "a number is out of range";
	f->status = (int)status;
	return NULL;
}

const char *
faults_arm(struct faults *fs, const cJSON *o)
{
	struct fault *f = xcalloc(1, sizeof(*f));
	const char *why;

	f->uses = 1;
	why = read_fault(f, o);
	pthread_mutex_lock(&fs->lock);
	if (why == NULL && fs->count == FAULTS_MAX)
		why = "too many faults are armed";
	if (why == NULL)
		fs->armed[fs->count++] = f;
	else
		drop(f);
	pthread_mutex_unlock(&fs->lock);
	return why;
}

static bool
fits(const struct fault *f, const char *name, const char *path)
{
	if (strcmp(f->at, "*") != 0 && strcmp(f->at, name) != 0)
		return false;
	return f->match == NULL || strstr(path, f->match) != NULL;
}

struct fault *
faults_take(struct faults *fs, const char *name, const char *path)
{
	struct fault *f, *taken = NULL;
	size_t i;

	pthread_mutex_lock(&fs->lock);
	for (i = 0; i < fs->count; i++) {
		f = fs->armed[i];
		if (f->times == 0 || !fits(f, name, path))
			continue;
		if (f->skip > 0) {
			f->skip--;
			continue;
		}
		if (taken != NULL)
			continue;
		taken = f;
		if (f->times > 0)
			f->times--;
	}
	if (taken != NULL)
		taken->uses++;
	pthread_mutex_unlock(&fs->lock);
	return taken;
}

void
faults_release(struct faults *fs, struct fault *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&fs->lock);
	drop(f);
	pthread_mutex_unlock(&fs->lock);
}

const char *
sim_fault_hook(const struct sim_request *r, const char *name)
{
	if (r->fault == NULL || r->fault->kind != FAULT_HOOK ||
	    strcmp(r->fault->hook, name) != 0)
		return NULL;
	return r->fault->value != NULL ? r->fault->value : "";
}
