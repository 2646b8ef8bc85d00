#include "bench.h"

#include "civil.h"

/* Apple's index as a witness: store.h, "the witness". */

#define DAY CIVIL_DAY_MS

static int64_t witness;

static void
begin(struct bench *b)
{
	must(store_witness_begin(&witness, b->s, b->zone, e));
}

static void
see(struct bench *b, const char *name)
{
	must(store_witness_name(b->s, b->zone, name, witness, e));
}

/* A photo, an original each, that the feed brings. */
static void
feed(struct bench *b, const char *name, struct store_asset a)
{
	struct store_resource r = resource(0, thing(b, name));
	char master[64];

	snprintf(master, sizeof(master), "M%s", name);
	put_master(b, master, "1", "IMG.JPG", &r, 1);
	a.has_taken = true;
	a.taken_ms = NOW;
	put_asset(b, name, "1", master, a);
}

/* The same out of an index. */
static enum store_change
list(struct bench *b, const char *name)
{
	struct store_resource res = resource(0, thing(b, name));
	struct store_record r = {.zone = b->zone,
	    .type = STORE_MASTER,
	    .tag = "1",
	    .bytes = "{}",
	    .len = 2};
	struct store_master m = {.filename = "IMG.JPG", .res = &res, .nres = 1};
	struct store_asset a = {
	    .zone = b->zone, .has_taken = true, .taken_ms = NOW};
	enum store_change change;
	char master[64];

	snprintf(master, sizeof(master), "M%s", name);
	r.name = a.master = master;
	must(store_witness_record(&change, &m.rec, b->s, &r, e));
	if (change == STORE_NEW)
		must(store_master_put(b->s, &m, e));
	r.name = name;
	r.type = STORE_ASSET;
	must(store_witness_record(&change, &a.rec, b->s, &r, e));
	if (change == STORE_NEW)
		must(store_asset_put(b->s, &a, e));
	see(b, name);
	return change;
}

/* Names of one side, "A1 A2 ", read two at a time. */
static void
assert_names_(
    struct bench *b, enum store_side side, const char *names, int line)
{
	struct buf out = {0};
	char *some[2], *last = NULL;
	size_t n;

	do {
		n = 2;
		must(store_witness_names(
		    some, &n, b->s, b->zone, witness, side, last, e));
		free(last);
		last = NULL;
		for (size_t i = 0; i < n; i++) {
			buf_addf(&out, "%s ", some[i]);
			free(last);
			last = some[i];
		}
	} while (n == 2);
	free(last);
	if (strcmp(buf_text(&out), names) != 0)
		fail_msg("line %d: got %s", line, buf_text(&out));
	buf_clear(&out);
}
#define assert_names(b, side, names) assert_names_(b, side, names, __LINE__)

static void
answer(struct bench *b, const char *name, enum store_side side,
    enum store_answer a)
{
	must(store_witness_answer(b->s, b->zone, witness, name, side, a, e));
}

static struct store_witness
stating(int64_t added, int64_t visible, int64_t hidden, int64_t trashed)
{
	return (struct store_witness){.witness = witness,
	    .indexing = "FINISHED",
	    .finished = true,
	    .stated = {added, visible, hidden, trashed, -1, -1}};
}

static void
end(struct bench *b, struct store_witness w, int64_t now_ms)
{
	must(store_witness_end(b->s, b->zone, &w, now_ms, e));
	must(store_gaps_refresh(b->s, e));
}

static void
take(void *arg, const struct store_compared *c)
{
	struct store_compared *out = arg;

	*out = *c;
	out->zone_name = out->indexing = NULL;
}

static struct store_compared
compared(struct bench *b)
{
	struct store_compared c = {.zone = -1};

	int64_t ms;
	bool agrees;

	must(store_compared(b->s, take, &c, e));
	must(store_agreement(&ms, &agrees, b->s, e));
	assert_true(ms == c.proof_ms);
	assert_int_equal(agrees, c.agrees || c.proof_ms == 0);
	return c;
}

static void
add_gap(void *arg, const struct store_gap *g)
{
	buf_addf(arg, "%s %s%d %d%s|", g->zone, g->record, (int)g->why,
	    g->stated, g->known ? " known" : "");
}

static void
assert_gaps_(struct bench *b, const char *gaps, int line)
{
	struct buf out = {0};

	must(store_gaps(b->s, add_gap, &out, e));
	if (strcmp(buf_text(&out), gaps) != 0)
		fail_msg("line %d: got %s", line, buf_text(&out));
	buf_clear(&out);
}
#define assert_gaps(b, gaps) assert_gaps_(b, gaps, __LINE__)

static bool
due(struct bench *b, int64_t now_ms)
{
	bool is;

	must(store_witness_due(&is, b->s, b->zone, now_ms, e));
	return is;
}

static void
next_run(struct bench *b)
{
	bench_end(b);
	bench_begin(b);
}

static void
both_agree(void **state)
{
	struct store_compared c;
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){0});
	feed(&b, "A2", (struct store_asset){.hidden = true});
	feed(&b, "A3", (struct store_asset){.trashed = true});
	c = compared(&b);
	assert_false(c.agrees);
	assert_int_equal(c.proof_ms, 0);
	assert_int_equal(c.stated[STORE_STATED_VISIBLE], -1);
	begin(&b);
	assert_names(&b, STORE_ONLY_FEED, "A1 A2 A3 ");
	see(&b, "A1");
	see(&b, "A2");
	see(&b, "A3");
	see(&b, "A1");
	assert_names(&b, STORE_ONLY_FEED, "");
	assert_names(&b, STORE_ONLY_INDEX, "");
	end(&b, stating(1, 1, 1, 1), NOW);
	assert_gaps(&b, "");
	c = compared(&b);
	assert_true(c.agrees);
	assert_int_equal(c.proof_ms, NOW);
	assert_int_equal(c.listed, 3);
	assert_int_equal(c.held, 0);
	assert_int_equal(c.seen[STORE_STATED_HIDDEN], 1);
	fetch_all(&b);
	c = compared(&b);
	assert_int_equal(c.held, 3);
	assert_int_equal(c.proven, 3);
	/* By date added the hidden ones may be counted, or not. */
	end(&b, stating(2, 1, 1, 1), NOW);
	assert_true(compared(&b).agrees);
	bench_done(&b);
}

static void
comes_again_when_it_is_due(void **state)
{
	struct store_witness w;
	struct bench b;

	(void)state;
	bench_start(&b);
	assert_true(due(&b, NOW));
	begin(&b);
	assert_true(due(&b, NOW)); /* it has not ended */
	end(&b, stating(0, 0, 0, 0), NOW);
	assert_false(due(&b, NOW + 30 * DAY - 1));
	assert_true(due(&b, NOW + 30 * DAY));
	assert_true(due(&b, NOW - 1)); /* the clock was set back */
	/* Not finished: a day, two, four; then it is. */
	begin(&b);
	w = stating(0, 0, 0, 0);
	w.finished = false;
	w.indexing = "RUNNING";
	end(&b, w, NOW);
	assert_false(due(&b, NOW + DAY - 1));
	assert_true(due(&b, NOW + DAY));
	must(store_witness_failed(b.s, b.zone, NOW, e));
	assert_false(due(&b, NOW + 2 * DAY - 1));
	assert_true(due(&b, NOW + 2 * DAY));
	for (int i = 0; i < 70; i++)
		must(store_witness_failed(b.s, b.zone, NOW, e));
	assert_false(due(&b, NOW + 30 * DAY - 1));
	assert_true(due(&b, NOW + 30 * DAY));
	begin(&b);
	end(&b, stating(0, 0, 0, 0), NOW);
	must(store_witness_failed(b.s, b.zone, NOW, e));
	assert_true(due(&b, NOW + DAY));
	/* Or a name without an answer is left. */
	begin(&b);
	end(&b, stating(0, 0, 0, 0), NOW);
	begin(&b);
	see(&b, "G1");
	end(&b, stating(-1, -1, -1, -1), NOW);
	assert_false(due(&b, NOW + DAY - 1));
	assert_true(due(&b, NOW + DAY));
	bench_done(&b);
}

static void
an_index_brings_what_the_feed_has_not(void **state)
{
	struct store_compared c;
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){0});
	begin(&b);
	assert_int_equal(list(&b, "A1"), STORE_SAME);
	assert_int_equal(list(&b, "A2"), STORE_NEW);
	assert_int_equal(list(&b, "A3"), STORE_NEW);
	assert_int_equal(list(&b, "A3"), STORE_SAME);
	assert_names(&b, STORE_ONLY_INDEX, "A2 A3 ");
	/* The feed comes to it after all, and says nothing new. */
	feed(&b, "A2", (struct store_asset){0});
	assert_int_equal(
	    ask(&b, "SELECT changed_run FROM record WHERE name = 'A2'"), b.run);
	assert_names(&b, STORE_ONLY_INDEX, "A3 ");
	answer(&b, "A3", STORE_ONLY_INDEX, STORE_FOUND);
	assert_names(&b, STORE_ONLY_INDEX, "");
	end(&b, stating(3, 3, 0, 0), NOW);
	assert_gaps(&b, "");
	c = compared(&b);
	assert_true(c.agrees); /* it was explained */
	assert_int_equal(c.only_index, 1);
	assert_int_equal(c.listed, 3);
	/* Its bytes are wanted like any other's. */
	fetch_all(&b);
	assert_int_equal(compared(&b).held, 3);
	next_run(&b);
	/* No index has it any more: as if a tombstone had come. */
	begin(&b);
	see(&b, "A1");
	see(&b, "A2");
	end(&b, stating(2, 2, 0, 0), NOW);
	c = compared(&b);
	assert_true(c.agrees);
	assert_int_equal(c.listed, 2);
	assert_int_equal(c.only_index, 0);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM file WHERE state = 1"), 3);
	bench_done(&b);
}

/* It is known once it was told: by a run that came to its end. */
static void
a_gap_of_a_run_that_was_killed_is_new(void **state)
{
	struct store_totals t;
	struct bench b;

	(void)state;
	bench_start(&b);
	next_run(&b);
	feed(&b, "A1", (struct store_asset){0});
	begin(&b);
	see(&b, "A1");
	end(&b, stating(34, 34, -1, -1), NOW);
	for (int i = 0; i < 2; i++) {
		store_close(b.s);
		bench_open(&b);
		bench_begin(&b);
		must(store_gaps_refresh(b.s, e));
		must(store_totals(&t, b.s, e));
		assert_int_equal(t.gaps, 2);
		assert_int_equal(t.gaps_new, 2);
	}
	next_run(&b);
	must(store_gaps_refresh(b.s, e));
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.gaps, 2);
	assert_int_equal(t.gaps_new, 0);
	bench_done(&b);
}

/* A whole walk that has seen A1, which is there, and G1, which is not. */
static void
meet_ghost(struct bench *b)
{
	feed(b, "A1", (struct store_asset){0});
	begin(b);
	see(b, "A1");
	see(b, "G1");
	answer(b, "G1", STORE_ONLY_INDEX, STORE_NOT_FOUND);
	end(b, stating(-1, -1, -1, -1), NOW);
}

/* A walk that breaks off takes nothing back of what the last whole one found. */
static void
a_walk_that_is_not_ended_changes_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	meet_ghost(&b);
	assert_gaps(&b, "PrimarySync G17 -1|");
	next_run(&b);
	begin(&b);
	see(&b, "G1");
	see(&b, "G2");
	must(store_witness_failed(b.s, b.zone, NOW, e));
	must(store_gaps_refresh(b.s, e));
	assert_gaps(&b, "PrimarySync G17 -1 known|");
	assert_false(compared(&b).agrees);
	assert_int_equal(compared(&b).ghosts, 1);
	next_run(&b);
	begin(&b);
	assert_int_equal(ask(&b, "SELECT count(*) FROM difference"), 1);
	see(&b, "A1");
	see(&b, "G1");
	assert_names(&b, STORE_ONLY_INDEX, "G1 ");
	answer(&b, "G1", STORE_ONLY_INDEX, STORE_NOT_FOUND);
	end(&b, stating(-1, -1, -1, -1), NOW);
	assert_gaps(&b, "PrimarySync G17 -1 known|");
	bench_done(&b);
}

/* Of version 3, which had one row a name: what was found stays found. */
static void
differences_of_version_3(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	meet_ghost(&b);
	bench_end(&b);
	must(sql_exec(b.s,
	    "CREATE TABLE old(zone, name, witness, side, answer,"
	    " PRIMARY KEY(zone, name)) WITHOUT ROWID;"
	    "INSERT INTO old SELECT * FROM difference;"
	    "DROP TABLE difference; ALTER TABLE old RENAME TO difference;"
	    "PRAGMA user_version = 3",
	    e));
	store_close(b.s);
	bench_open(&b);
	bench_begin(&b);
	assert_int_equal(ask(&b, "PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(compared(&b).ghosts, 1);
	begin(&b);
	see(&b, "G1");
	assert_int_equal(ask(&b, "SELECT count(*) FROM difference"), 2);
	bench_done(&b);
}

/* Only an index had brought it; this one passes it over, and a look-up has it. */
static void
what_is_found_by_name_is_not_ended(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	begin(&b);
	assert_int_equal(list(&b, "A1"), STORE_NEW);
	assert_int_equal(list(&b, "A2"), STORE_NEW);
	assert_int_equal(list(&b, "A3"), STORE_NEW);
	next_run(&b); /* the walk broke off */
	begin(&b);
	assert_names(&b, STORE_ONLY_FEED, "A1 A2 A3 ");
	answer(&b, "A1", STORE_ONLY_FEED, STORE_FOUND);
	answer(&b, "A2", STORE_ONLY_FEED, STORE_NOT_FOUND);
	answer(&b, "A3", STORE_ONLY_FEED, STORE_UNANSWERED);
	end(&b, stating(-1, -1, -1, -1), NOW);
	assert_int_equal(compared(&b).listed, 2);
	assert_int_equal(
	    ask(&b,
		"SELECT count(*) FROM record WHERE gone_run IS NULL"
		" AND name IN ('A1', 'A3')"),
	    2);
	bench_done(&b);
}

/* B013: it stands in the index for ever, and nothing else knows it. */
static void
ghosts_are_gaps_by_name(void **state)
{
	struct store_totals t;
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){0});
	begin(&b);
	see(&b, "A1");
	see(&b, "G1");
	see(&b, "G2");
	assert_names(&b, STORE_ONLY_INDEX, "G1 G2 ");
	answer(&b, "G1", STORE_ONLY_INDEX, STORE_NOT_FOUND);
	answer(&b, "G2", STORE_ONLY_INDEX, STORE_NOT_FOUND);
	end(&b, stating(-1, -1, -1, -1), NOW);
	assert_gaps(&b, "PrimarySync G17 -1|PrimarySync G27 -1|");
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.gaps, 2);
	assert_int_equal(t.gaps_new, 2);
	assert_int_equal(t.gap_contents, 0);
	assert_int_equal(t.assets, 1);
	assert_false(compared(&b).agrees);
	assert_int_equal(compared(&b).ghosts, 2);
	next_run(&b);
	must(store_gaps_refresh(b.s, e));
	assert_gaps(&b, "PrimarySync G17 -1 known|PrimarySync G27 -1 known|");
	/* One of them is a photo now; the other has gone from the index. */
	feed(&b, "G1", (struct store_asset){0});
	begin(&b);
	see(&b, "A1");
	see(&b, "G1");
	end(&b, stating(2, 2, 0, 0), NOW);
	assert_gaps(&b, "");
	assert_true(compared(&b).agrees);
	bench_done(&b);
}

/* B013, B015. */
static void
numbers_that_differ_are_gaps_of_the_zone(void **state)
{
	struct store_witness w;
	struct store_left left;
	struct store_filter none = {0};
	struct store_totals t;
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){0});
	feed(&b, "A2", (struct store_asset){0});
	fetch_all(&b);
	begin(&b);
	see(&b, "A1");
	see(&b, "A2");
	end(&b, stating(35, 2, 0, 12), NOW);
	assert_gaps(&b, "PrimarySync 8 0|PrimarySync 8 3|");
	must(store_totals(&t, b.s, e));
	assert_int_equal(t.gaps_new, 2);
	assert_int_equal(t.gap_contents, 0); /* no content is behind it */
	must(store_left(&left, b.s, &none, e));
	assert_int_equal(left.open, 0);
	next_run(&b);
	must(store_gaps_refresh(b.s, e));
	assert_gaps(&b, "PrimarySync 8 0 known|PrimarySync 8 3 known|");
	/* Fewer is a difference as well. */
	begin(&b);
	see(&b, "A1");
	see(&b, "A2");
	end(&b, stating(2, 1, 0, 0), NOW);
	assert_gaps(&b, "PrimarySync 8 1|");
	/* The library's own totals say only what is missing. */
	begin(&b);
	see(&b, "A1");
	see(&b, "A2");
	w = stating(2, 2, 0, 0);
	w.stated[STORE_STATED_INFO] = 1;
	w.stated[STORE_STATED_INFO_HIDDEN] = 0;
	end(&b, w, NOW);
	assert_gaps(&b, "");
	w.stated[STORE_STATED_INFO] = 3;
	end(&b, w, NOW);
	assert_gaps(&b, "PrimarySync 8 4|");
	/* What has left the cloud states nothing. */
	must(store_zone_gone(b.s, b.zone, true, e));
	must(store_gaps_refresh(b.s, e));
	assert_gaps(&b, "");
	assert_int_equal(compared(&b).zone, -1);
	bench_done(&b);
}

/* B109 */
static void
an_index_that_is_not_finished_is_a_gap(void **state)
{
	struct store_witness w;
	struct bench b;

	(void)state;
	bench_start(&b);
	begin(&b);
	w = stating(0, 0, 0, 0);
	w.finished = false;
	w.indexing = "RUNNING";
	end(&b, w, NOW);
	assert_gaps(&b, "PrimarySync 9 -1|");
	assert_false(compared(&b).agrees);
	next_run(&b);
	must(store_gaps_refresh(b.s, e));
	assert_gaps(&b, "PrimarySync 9 -1 known|");
	begin(&b);
	end(&b, stating(0, 0, 0, 0), NOW);
	assert_gaps(&b, "");
	assert_true(compared(&b).agrees);
	bench_done(&b);
}

static void
what_the_feed_alone_has_is_kept(void **state)
{
	struct store_compared c;
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){.burst = "B"}); /* the key frame */
	feed(&b, "A2", (struct store_asset){.burst = "B"});
	feed(&b, "A3", (struct store_asset){0});
	feed(&b, "A4", (struct store_asset){0});
	fetch_all(&b);
	begin(&b);
	see(&b, "A1");
	assert_names(&b, STORE_ONLY_FEED, "A2 A3 A4 ");
	answer(&b, "A2", STORE_ONLY_FEED, STORE_FOUND);
	answer(&b, "A3", STORE_ONLY_FEED, STORE_FOUND);
	answer(&b, "A4", STORE_ONLY_FEED, STORE_NOT_FOUND);
	assert_names(&b, STORE_ONLY_FEED, "");
	/* A3 was found by name, so it is no difference that it is counted. */
	end(&b, stating(2, 2, 0, 0), NOW);
	assert_gaps(&b, ""); /* A4's file is here: nothing is missing */
	c = compared(&b);
	assert_int_equal(c.only_feed, 3);
	assert_int_equal(c.bursts, 1);
	assert_int_equal(c.ghosts, 1);
	assert_false(c.agrees);
	assert_int_equal(c.listed, 4);
	assert_int_equal(c.held, 4);
	bench_done(&b);
}

static void
a_walk_that_did_not_end_leaves_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){0});
	begin(&b);
	see(&b, "A1");
	see(&b, "G1");
	bench_end(&b);
	bench_reopen(&b);
	bench_begin(&b);
	begin(&b);
	assert_names(&b, STORE_ONLY_FEED, "A1 ");
	assert_names(&b, STORE_ONLY_INDEX, "");
	see(&b, "A1");
	end(&b, stating(1, 1, 0, 0), NOW);
	assert_true(compared(&b).agrees);
	assert_int_equal(ask(&b, "SELECT count(*) FROM difference"), 0);
	bench_done(&b);
}

/* A tombstone came meanwhile, or the index lags behind one. */
static void
what_has_gone_is_no_ghost(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	feed(&b, "A1", (struct store_asset){0});
	fetch_all(&b);
	must(store_record_gone(b.s, b.zone, "A1", e));
	begin(&b);
	see(&b, "A1");
	assert_names(&b, STORE_ONLY_INDEX, "A1 ");
	answer(&b, "A1", STORE_ONLY_INDEX, STORE_NOT_FOUND);
	assert_names(&b, STORE_ONLY_INDEX, "");
	end(&b, stating(0, 0, 0, 0), NOW);
	assert_gaps(&b, "");
	assert_true(compared(&b).agrees);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_agree),
	    cmocka_unit_test(comes_again_when_it_is_due),
	    cmocka_unit_test(an_index_brings_what_the_feed_has_not),
	    cmocka_unit_test(a_walk_that_is_not_ended_changes_nothing),
	    cmocka_unit_test(what_is_found_by_name_is_not_ended),
	    cmocka_unit_test(differences_of_version_3),
	    cmocka_unit_test(a_gap_of_a_run_that_was_killed_is_new),
	    cmocka_unit_test(ghosts_are_gaps_by_name),
	    cmocka_unit_test(numbers_that_differ_are_gaps_of_the_zone),
	    cmocka_unit_test(an_index_that_is_not_finished_is_a_gap),
	    cmocka_unit_test(what_the_feed_alone_has_is_kept),
	    cmocka_unit_test(a_walk_that_did_not_end_leaves_nothing),
	    cmocka_unit_test(what_has_gone_is_no_ghost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
