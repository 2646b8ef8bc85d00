#include "fuzz.h"

#include "buf.h"
#include "err.h"
#include "json.h"
#include "text.h"

/*
 * A JSON text as a tree and as spans: both say the same of every value, spans
 * lie within the text, and blanking changes nothing but the values asked for.
 */

static bool
lies_in(struct json_span inner, struct json_span outer)
{
	return inner.p != NULL && inner.len > 0 && inner.p >= outer.p &&
	    inner.p + inner.len <= outer.p + outer.len;
}

static void
look_at_number(const cJSON *v)
{
	int64_t n;
	double d;

	if (!json_value_int(&n, v))
		return;
	must(cJSON_IsNumber(v) || cJSON_IsString(v));
	if (cJSON_IsString(v)) {
		must(strspn(v->valuestring, "-0123456789") ==
		    strlen(v->valuestring));
		return;
	}
	d = (double)n;
	must(d == v->valuedouble && n >= -((int64_t)1 << 53) &&
	    n <= (int64_t)1 << 53);
}

static void look_at(const cJSON *, struct json_span);

static void
look_at_member(const cJSON *v, struct json_span span)
{
	cJSON *again = json_span_parse(span, NULL);

	must(again != NULL);
	must(fuzz_same_json(v, again, NULL));
	cJSON_Delete(again);
	look_at(v, span);
}

static void
look_at(const cJSON *json, struct json_span span)
{
	struct json_span inner;
	const cJSON *v;
	const char *before = span.p;
	char id[64];
	size_t it = 0;

	if (!cJSON_IsObject(json)) {
		must(json_span_get(span, "").p == NULL);
		must(json_get(json, "") == NULL);
	}
	if (!cJSON_IsArray(json))
		must(!json_span_next(&inner, span, &it));
	look_at_number(json);
	cJSON_ArrayForEach (v, json) {
		if (cJSON_IsObject(json)) {
			/* Of several by one name both take the first. */
			if (json_get(json, v->string) != v)
				continue;
			inner = json_span_get(span, v->string);
			if (json_id(id, sizeof(id), json, v->string))
				must(strlen(id) < sizeof(id));
		} else {
			must(json_span_next(&inner, span, &it));
			must(inner.p > before);
			before = inner.p;
		}
		must(lies_in(inner, span));
		look_at_member(v, inner);
	}
	if (cJSON_IsArray(json))
		must(!json_span_next(&inner, span, &it));
}

static void
look_at_blanked(const cJSON *json, struct json_span span, const char *name)
{
	struct buf once = {0}, twice = {0};
	struct json_span all;
	cJSON *blanked;

	json_span_blank(&once, span, name);
	blanked = json_parse(buf_text(&once), once.len, NULL);
	must(blanked != NULL);
	must(fuzz_same_json(json, blanked, name));
	must(json_span_all(&all, buf_text(&once), once.len, NULL) == 0);
	json_span_blank(&twice, all, name);
	must(twice.len == once.len &&
	    memcmp(twice.data, once.data, once.len) == 0);
	cJSON_Delete(blanked);
	buf_clear(&twice);
	buf_clear(&once);
}

/* The innermost first member of all. */
static const char *
some_name(const cJSON *json)
{
	const char *name = "downloadURL";

	for (; json != NULL; json = json->child)
		if (json->string != NULL)
			name = json->string;
	return name;
}

/* What nobody has checked: spans stay within it all the same. */
static void
look_at_anything(const char *text, size_t n)
{
	struct json_span raw = {text, n}, inner;
	struct buf b = {0};
	size_t it = 0, before;

	if (n == 0)
		return;
	inner = json_span_get(raw, "a");
	must(inner.p == NULL || lies_in(inner, raw));
	for (before = 0; json_span_next(&inner, raw, &it); before = it) {
		must(it > before && it <= n);
		must(lies_in(inner, raw));
	}
	json_span_blank(&b, raw, "a");
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct err e = ERR_INIT;
	struct json_span all = {NULL, 0};
	cJSON *json = json_parse(text, n, &e);
	int rc;

	must((json == NULL) == (e.code == ERR_PROTOCOL));
	must(text_is_utf8(e.what, strlen(e.what)));
	err_clear(&e);
	rc = json_span_all(&all, text, n, &e);
	must((rc == -1) == (e.code == ERR_PROTOCOL));
	must((rc == -1) == (all.p == NULL));
	must(json == NULL || rc == 0);
	if (json != NULL) {
		must(lies_in(all, (struct json_span){text, n}));
		look_at(json, all);
		look_at_blanked(json, all, "downloadURL");
		look_at_blanked(json, all, some_name(json));
	}
	look_at_anything(text, n);
	cJSON_Delete(json);
	return 0;
}
