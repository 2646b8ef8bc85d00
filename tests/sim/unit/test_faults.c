/* Which request an armed fault meets, and how often. */

#include "test.h"

#include "faults.h"
#include "sim.h"

static struct faults *
armed(const char *text)
{
	struct faults *fs = faults_new();
	cJSON *list = cJSON_Parse(text), *o;

	assert_non_null(list);
	cJSON_ArrayForEach (o, list)
		assert_null(faults_arm(fs, o));
	cJSON_Delete(list);
	return fs;
}

/* The status of the fault that this request meets; 0: none. */
static int
met(struct faults *fs, const char *name, const char *path)
{
	struct fault *f = faults_take(fs, name, path);
	int status = f == NULL ? 0 : f->status;

	faults_release(fs, f);
	return status;
}

static void
test_skip_and_times(void **state)
{
	static const int want[] = {0, 0, 500, 500, 500, 0, 0};
	struct faults *fs = armed("[{\"at\":\"content\",\"kind\":\"status\","
				  "\"status\":500,\"skip\":2,\"times\":3}]");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(met(fs, "validate", "/x"), 0);
		assert_int_equal(met(fs, "content", "/x"), want[i]);
	}
	faults_free(fs);
}

static void
test_match(void **state)
{
	struct faults *fs =
	    armed("[{\"at\":\"content\",\"match\":\"/B/AY\","
		  "\"kind\":\"status\",\"status\":410,\"skip\":1}]");

	(void)state;
	assert_int_equal(met(fs, "content", "/B/AZ"), 0);
	assert_int_equal(met(fs, "content", "/B/AYa"), 0); /* let through */
	assert_int_equal(met(fs, "content", "/B/AZ"), 0);
	assert_int_equal(met(fs, "content", "/B/AYb"), 410);
	assert_int_equal(met(fs, "content", "/B/AYb"), 0);
	faults_free(fs);
}

static void
test_for_ever_and_any(void **state)
{
	struct faults *fs = armed("[{\"at\":\"*\",\"kind\":\"status\","
				  "\"times\":-1}]");
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(met(fs, "validate", "/"), 503);
	faults_clear(fs);
	assert_int_equal(met(fs, "validate", "/"), 0);
	faults_free(fs);
}

/* One fault a request; a later one still counts the requests before it. */
static void
test_order(void **state)
{
	struct faults *fs = armed(
	    "["
	    "{\"at\":\"trust\",\"kind\":\"status\",\"status\":501},"
	    "{\"at\":\"trust\",\"kind\":\"status\",\"status\":502,\"skip\":1},"
	    "{\"at\":\"trust\",\"kind\":\"status\",\"status\":503}]");

	(void)state;
	assert_int_equal(met(fs, "trust", "/"), 501);
	assert_int_equal(met(fs, "trust", "/"), 502);
	assert_int_equal(met(fs, "trust", "/"), 503);
	assert_int_equal(met(fs, "trust", "/"), 0);
	faults_free(fs);
}

/* What was taken stays whole when all are cleared meanwhile. */
static void
test_held(void **state)
{
	struct faults *fs =
	    armed("[{\"at\":\"content\",\"kind\":\"status\","
		  "\"body\":{\"reason\":\"x\"},\"retry_after\":30,"
		  "\"headers\":{\"X\":\"y\"}}]");
	struct fault *f = faults_take(fs, "content", "/");

	(void)state;
	assert_non_null(f);
	faults_clear(fs);
	assert_string_equal(f->body, "{\"reason\":\"x\"}");
	assert_int_equal(f->retry_after_s, 30);
	assert_string_equal(
	    cJSON_GetObjectItem(f->headers, "X")->valuestring, "y");
	faults_release(fs, f);
	faults_free(fs);
}

static void
test_members(void **state)
{
	struct faults *fs =
	    armed("["
		  "{\"at\":\"a\",\"kind\":\"cut\",\"after_bytes\":5000000000},"
		  "{\"at\":\"a\",\"kind\":\"flip\",\"offset\":7},"
		  "{\"at\":\"a\",\"kind\":\"html\",\"size_like_file\":true},"
		  "{\"at\":\"a\",\"kind\":\"reset\",\"done\":true}]");
	struct fault *f[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		f[i] = faults_take(fs, "a", "/");
	assert_int_equal(f[0]->kind, FAULT_CUT);
	assert_true(f[0]->after_bytes == 5000000000);
	assert_int_equal(f[1]->kind, FAULT_FLIP);
	assert_int_equal(f[1]->offset, 7);
	assert_int_equal(f[2]->kind, FAULT_HTML);
	assert_true(f[2]->size_like_file);
	assert_int_equal(f[3]->kind, FAULT_RESET);
	assert_true(f[3]->done);
	for (i = 0; i < 4; i++)
		faults_release(fs, f[i]);
	faults_free(fs);
}

static void
test_hook(void **state)
{
	struct faults *fs =
	    armed("["
		  "{\"at\":\"q\",\"kind\":\"empty_page\"},"
		  "{\"at\":\"q\",\"kind\":\"hook\",\"hook\":\"late\","
		  "\"value\":\"3\"}]");
	struct sim_request r = {.path = "/"};
	struct fault *f;

	(void)state;
	assert_null(sim_fault_hook(&r, "empty_page"));
	r.fault = f = faults_take(fs, "q", "/");
	assert_string_equal(sim_fault_hook(&r, "empty_page"), "");
	assert_null(sim_fault_hook(&r, "late"));
	faults_release(fs, f);
	r.fault = f = faults_take(fs, "q", "/");
	assert_string_equal(sim_fault_hook(&r, "late"), "3");
	faults_release(fs, f);
	faults_free(fs);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
	    "null",
	    "{}",
	    "{\"kind\":\"cut\"}",
	    "{\"at\":\"a\"}",
	    "{\"at\":\"a\",\"kind\":\"explode\"}",
	    "{\"at\":\"a\",\"kind\":\"hook\"}",
	    "{\"at\":\"a\",\"kind\":\"status\",\"status\":99}",
	    "{\"at\":\"a\",\"kind\":\"cut\",\"after_bytes\":-1}",
	    "{\"at\":\"a\",\"kind\":\"cut\",\"times\":-2}",
	    "{\"at\":\"a\",\"kind\":\"cut\",\"skip\":\"x\"}",
	};
	struct faults *fs = faults_new();
	cJSON *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o = cJSON_Parse(bad[i]);
		assert_non_null(faults_arm(fs, o));
		cJSON_Delete(o);
	}
	assert_null(faults_take(fs, "a", "/"));
	faults_release(fs, NULL);
	faults_free(fs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_skip_and_times),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_for_ever_and_any),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_held),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_hook),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
