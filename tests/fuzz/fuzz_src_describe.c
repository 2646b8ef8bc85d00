#include "fuzz.h"

#include "buf.h"
#include "describe.h"
#include "json.h"
#include "store.h"

/*
 * What the manifest says of any two records: members of an object on one line,
 * each once, or nothing.
 */

static void
look_at_members(const cJSON *json)
{
	const cJSON *v, *w;

	cJSON_ArrayForEach (v, json) {
		for (w = v->next; w != NULL; w = w->next)
			must(strcmp(v->string, w->string) != 0);
		/* No link of any kind gets into it. */
		must(strcmp(v->string, "downloadURL") != 0);
	}
}

/* The first record ends with a line "----". */
static struct fuzz_in
first_of(struct fuzz_in *in)
{
	struct fuzz_in first = {in->p, in->end}, line;

	while ((line = fuzz_span(in)).p != NULL)
		if (line.end - line.p == 4 && memcmp(line.p, "----", 4) == 0) {
			first.end = line.p;
			break;
		}
	return first;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in rest = fuzz_begin(data, n), first = first_of(&rest);
	struct store_bytes asset = {first.p, (size_t)(first.end - first.p)};
	struct store_bytes master = {rest.p, (size_t)(rest.end - rest.p)};
	struct buf out = {0}, again = {0};
	cJSON *json;
	int role;

	if (rest.p == rest.end)
		master.p = NULL;
	must(buf_adds(&out, "{\"first\":true") == 0);
	describe_words.asset(describe_words.arg, &out, &asset, &master);
	must(buf_adds(&out, "}") == 0);
	must(strchr(buf_text(&out), '\n') == NULL);
	json = json_parse(buf_text(&out), out.len, NULL);
	must(json != NULL && json_bool(json, "first"));
	look_at_members(json);
	cJSON_Delete(json);

	must(buf_adds(&again, "{\"first\":true") == 0);
	describe_words.asset(describe_words.arg, &again, &asset, &master);
	must(buf_adds(&again, "}") == 0);
	must(strcmp(buf_text(&out), buf_text(&again)) == 0);
	buf_clear(&out);
	buf_clear(&again);
	for (role = -1; role < 10; role++)
		must(*describe_words.role(role) != '\0');
	return 0;
}
