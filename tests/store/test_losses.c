#include "bench.h"

/* What has gone from the cloud: store.h, "What looks like a theft". */

static void
put_one(struct bench *b, const char *name, const char *tag, const char *bytes,
    bool trashed)
{
	struct store_resource r[1];
	char master[64];

	r[0] = resource(0, thing(b, bytes));
	snprintf(master, sizeof(master), "M%s", name);
	put_master(b, master, "1", "IMG.JPG", r, 1);
	put_asset(b, name, tag, master,
	    (struct store_asset){
		.has_taken = true, .taken_ms = NOW, .trashed = trashed});
}

static void
assert_losses(struct bench *b, int64_t lost, int64_t left)
{
	struct store_losses l;

	must(store_losses(&l, b->s, e));
	assert_int_equal(l.lost, lost);
	assert_int_equal(l.left, left);
}

static void
losses_seen(struct bench *b)
{
	struct store_losses l;

	must(store_losses(&l, b->s, e));
	must(store_losses_seen(b->s, l.upto, e));
}

static void
next_run(struct bench *b)
{
	bench_end(b);
	bench_begin(b);
}

static void
counts_what_has_left(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(&b, "A1", "1", "one", false);
	put_one(&b, "A2", "1", "two", false);
	put_one(&b, "A3", "1", "three", true); /* it came so */
	assert_losses(&b, 0, 2);
	next_run(&b);
	assert_losses(&b, 0, 2);
	put_one(&b, "A1", "2", "one", true);
	assert_losses(&b, 1, 1);
	must(store_record_gone(b.s, b.zone, "A2", e)); /* at once */
	must(store_record_gone(b.s, b.zone, "A3", e)); /* out of the trash */
	assert_losses(&b, 2, 0);
	must(store_record_gone(b.s, b.zone, "A1", e));
	assert_losses(&b, 2, 0); /* not twice */
	bench_done(&b);
}

static void
forgets_what_was_seen(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_one(&b, "A1", "1", "one", false);
	put_one(&b, "A2", "1", "two", false);
	losses_seen(&b);
	next_run(&b);
	put_one(&b, "A1", "2", "one", true);
	/* A run that did not look does not hide it from the next. */
	next_run(&b);
	assert_losses(&b, 1, 1);
	losses_seen(&b);
	assert_losses(&b, 0, 1);
	must(store_record_gone(b.s, b.zone, "A1", e));
	assert_losses(&b, 0, 1);
	/* Back, and away once more. */
	put_one(&b, "A2", "2", "two", true);
	put_one(&b, "A2", "3", "two", false);
	assert_losses(&b, 0, 1);
	bench_done(&b);
}

static void
leaves_out_what_is_elsewhere(void **state)
{
	struct bench b;
	struct store_zone shared = {
	    .database = 1, .name = "SharedSync-1", .owner = "_o", .kind = 2};
	int64_t own;

	(void)state;
	bench_start(&b);
	own = b.zone;
	put_one(&b, "A1", "1", "one", false);
	put_one(&b, "A2", "1", "two", false);
	put_one(&b, "A3", "1", "two", false); /* the same bytes */
	next_run(&b);
	/* Moved to the shared library. */
	must(store_zone_put(b.s, &shared, e));
	b.zone = shared.zone;
	put_one(&b, "S1", "1", "one", false);
	b.zone = own;
	must(store_record_gone(b.s, own, "A1", e));
	assert_losses(&b, 0, 3);
	put_one(&b, "A2", "2", "two", true);
	assert_losses(&b, 0, 2);
	put_one(&b, "A3", "2", "two", true);
	assert_losses(&b, 2, 1);
	/* A library that was left is no mass of deletions; but what had moved
	 * there is nowhere now. */
	must(store_zone_gone(b.s, shared.zone, true, e));
	assert_losses(&b, 3, 0);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_what_has_left),
	    cmocka_unit_test(forgets_what_was_seen),
	    cmocka_unit_test(leaves_out_what_is_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
