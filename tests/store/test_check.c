#include "bench.h"

#include "stop.h"

/* Looking whether a run could work: store.h, "looking". */

static struct store *
reader(struct bench *b)
{
	struct store_options o = bench_options(b);
	struct store *s;

	o.mode = STORE_READ;
	must(store_open(&s, &o, e));
	return s;
}

static void
run_of(struct bench *b, const char *command, int64_t began_ms, int status)
{
	must(store_run_begin(&b->run, b->s, command, began_ms, bench_rule, e));
	must(store_run_end(b->s, status, "{}", began_ms + 10, e));
}

static void
knows_what_runs_were(void **state)
{
	static const struct {
		const char *command;
		int64_t before;
		struct store_history is;
	} table[] = {
	    {"sync", 1, {0, 0, 0, -1}},
	    {"sync", 2, {1000, 0, 0, 4}},
	    {"sync", 3, {1000, 2000, 2010, 0}},
	    {"sync", 4, {1000, 2000, 2010, 0}},
	    {"sync", 5, {1000, 4000, 4010, 0}},
	    /* the newest by number, whatever the clock said */
	    {"sync", 6, {1000, 500, 510, 0}},
	    {"sync", INT64_MAX, {1000, 500, 510, 3}},
	    {"verify", INT64_MAX, {3000, 0, 0, 1}},
	    {"sync (dry run)", INT64_MAX, {0, 0, 0, -1}},
	};
	struct store_history h;
	struct bench b;

	(void)state;
	bench_init(&b);
	bench_open(&b);
	run_of(&b, "sync", 1000, 4);
	run_of(&b, "sync", 2000, 0);
	run_of(&b, "verify", 3000, 1);
	run_of(&b, "sync", 4000, 0);
	run_of(&b, "sync", 500, 0);
	run_of(&b, "sync", 6000, 3);
	/* One that did not end is neither success nor status. */
	must(store_run_begin(&b.run, b.s, "sync", 7000, bench_rule, e));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		must(store_history(
		    &h, b.s, table[i].command, table[i].before, e));
		assert_int_equal(h.first_ms, table[i].is.first_ms);
		assert_int_equal(h.success_ms, table[i].is.success_ms);
		assert_int_equal(h.success_end_ms, table[i].is.success_end_ms);
		assert_int_equal(h.status, table[i].is.status);
	}
	bench_done(&b);
}

static void
knows_who_may_write(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	struct store *s;
	char cmd[600];

	(void)state;
	bench_start(&b);
	s = reader(&b);
	assert_int_equal(store_check_lock(s, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_non_null(strstr(err.what, "run "));
	must(store_check_lock(b.s, e)); /* it is its own */
	must(store_check_machine(s, e));
	store_close(b.s);
	b.s = NULL;
	must(store_check_lock(s, e));
	bench_open(&b); /* the look has let go */
	snprintf(cmd, sizeof(cmd),
	    "sed -i 's/\"machine\":\"[^\"]*\"/\"machine\":\"other\"/' "
	    "'%s'/.icloud-pull/copy.json",
	    b.root);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
	assert_int_equal(store_check_machine(s, &err), -1);
	assert_int_equal(err.code, ERR_BAD_STATE);
	assert_non_null(strstr(err.next, "--take-over"));
	snprintf(cmd, sizeof(cmd), "rm '%s'/.icloud-pull/copy.json", b.root);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
	assert_int_equal(store_check_machine(s, &err), -1);
	assert_int_equal(err.code, ERR_NOT_MOUNTED);
	store_close(s);
	bench_done(&b);
}

static void
counts_parts(void **state)
{
	int64_t files, bytes;
	struct bench b;
	char cmd[600];

	(void)state;
	bench_start(&b);
	must(store_check_parts(&files, &bytes, b.s, e));
	assert_int_equal(files, 0);
	assert_int_equal(bytes, 0);
	snprintf(cmd, sizeof(cmd),
	    "mkdir -p '%s'/.icloud-pull/partial.noindex/folder && cd "
	    "'%s'/.icloud-pull/partial.noindex && printf 123 >a && printf "
	    "45 >b && ln -s a link",
	    b.root, b.root);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
	must(store_check_parts(&files, &bytes, b.s, e));
	assert_int_equal(files, 2);
	assert_int_equal(bytes, 5);
	bench_done(&b);
}

static void
tries_the_volume(void **state)
{
	struct file_volume v;
	struct bench b;
	char cmd[600];

	(void)state;
	bench_start(&b);
	must(store_check_volume(&v, b.s, e));
	assert_true(v.modes && v.hard_links && v.symlinks);
	/* Nothing of it stays. */
	snprintf(cmd, sizeof(cmd), "test \"$(ls -A '%s'/.icloud-pull)\" = '%s'",
	    b.root, "copy.json");
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
	bench_done(&b);
}

static void
reads_the_catalogue_through(void **state)
{
	static const char many[] =
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 200000) INSERT INTO event(run, kind, rec)"
	    " SELECT 1, 1, i FROM n";
	struct err err = ERR_INIT;
	struct bench b;
	bool whole = false;

	(void)state;
	bench_start(&b);
	must(store_check_catalogue(&whole, b.s, 60000, e));
	assert_true(whole);
	must(sql_exec(b.s, many, e));
	must(store_check_catalogue(&whole, b.s, 60000, e));
	assert_true(whole);
	must(store_check_catalogue(&whole, b.s, 0, e));
	assert_false(whole);
	stop_set(true);
	assert_int_equal(store_check_catalogue(&whole, b.s, 60000, &err), -1);
	stop_set(false);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	/* It is as usable as before. */
	assert_int_equal(ask(&b, "SELECT count(*) FROM event"), 200000);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_what_runs_were),
	    cmocka_unit_test(knows_who_may_write),
	    cmocka_unit_test(counts_parts),
	    cmocka_unit_test(tries_the_volume),
	    cmocka_unit_test(reads_the_catalogue_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
