#include "test.h"

#include "proof.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Every line of the rule; the fields are those of struct proof_case. */
static void
judges(void **state)
{
	static const struct {
		const char *what;
		struct proof_case c;
		enum proof_action action;
	} table[] = {
	    {"right", {.proof = STORE_PROVEN}, PROOF_ACCEPT},
	    {"right, though something else came before",
		{.proof = STORE_PROVEN, .seen = true}, PROOF_ACCEPT},
	    /* B023: cut off; the rest is asked for. */
	    {"short",
		{.proof = STORE_SHORT,
		    .strict = true,
		    .whole = true,
		    .progress = true,
		    .may_try = true},
		PROOF_GO_ON},
	    {"short after going on, with more than before",
		{.proof = STORE_SHORT,
		    .strict = true,
		    .progress = true,
		    .seen = true,
		    .may_try = true},
		PROOF_GO_ON},
	    {"nothing more comes",
		{.proof = STORE_SHORT,
		    .strict = true,
		    .seen = true,
		    .same = true,
		    .may_try = true},
		PROOF_AGAIN},
	    {"as short again, from the start",
		{.proof = STORE_SHORT,
		    .strict = true,
		    .whole = true,
		    .progress = true,
		    .seen = true,
		    .same = true,
		    .may_try = true},
		PROOF_SET_ASIDE},
	    {"short, no tries left",
		{.proof = STORE_SHORT, .strict = true, .progress = true},
		PROOF_GIVE_UP},
	    {"other bytes, first",
		{.proof = STORE_DIFFERS,
		    .strict = true,
		    .size_right = true,
		    .whole = true,
		    .may_try = true},
		PROOF_AGAIN},
	    {"other bytes, others than before",
		{.proof = STORE_DIFFERS,
		    .strict = true,
		    .size_right = true,
		    .whole = true,
		    .seen = true,
		    .may_try = true},
		PROOF_AGAIN},
	    {"other bytes, twice alike",
		{.proof = STORE_DIFFERS,
		    .strict = true,
		    .size_right = true,
		    .whole = true,
		    .seen = true,
		    .same = true},
		PROOF_SET_ASIDE},
	    {"other bytes, no tries left",
		{.proof = STORE_DIFFERS, .strict = true, .seen = true},
		PROOF_GIVE_UP},
	    /* B040: kinds that cannot be computed, or whose mismatch means
	     * nothing. */
	    {"unknown kind, first",
		{.proof = STORE_SIZE_ONLY, .size_right = true, .may_try = true},
		PROOF_AGAIN},
	    {"unknown kind, first, no tries left",
		{.proof = STORE_SIZE_ONLY, .size_right = true}, PROOF_GIVE_UP},
	    {"unknown kind, twice alike",
		{.proof = STORE_SIZE_ONLY,
		    .size_right = true,
		    .seen = true,
		    .same = true},
		PROOF_ACCEPT_BY_SIZE},
	    {"unknown kind, not alike: one of them is wrong, a third tells",
		{.proof = STORE_SIZE_ONLY,
		    .size_right = true,
		    .seen = true,
		    .may_try = true},
		PROOF_AGAIN},
	    {"unknown kind, never alike",
		{.proof = STORE_SIZE_ONLY, .size_right = true, .seen = true},
		PROOF_NOT_VERIFIABLE},
	    {"soft kind, mismatch, first",
		{.proof = STORE_DIFFERS, .size_right = true, .may_try = true},
		PROOF_AGAIN},
	    {"soft kind, mismatch, twice alike",
		{.proof = STORE_DIFFERS,
		    .size_right = true,
		    .seen = true,
		    .same = true},
		PROOF_ACCEPT_BY_SIZE},
	    {"soft kind, mismatch, wrong size, twice alike",
		{.proof = STORE_DIFFERS, .seen = true, .same = true},
		PROOF_SET_ASIDE},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		print_message("# %s\n", table[i].what);
		assert_int_equal(proof_judge(&table[i].c), table[i].action);
	}
}

/* Over all cases: proven is only what is, and no bytes are lost that came
 * twice alike. */
static void
never_lies(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 4u << 7; bits++) {
		struct proof_case c = {
		    .proof = (enum store_proof)(bits >> 7),
		    .strict = bits & 1,
		    .size_right = bits & 2,
		    .whole = bits & 4,
		    .progress = bits & 8,
		    .seen = bits & 16,
		    .same = bits & 32,
		    .may_try = bits & 64,
		};
		enum proof_action a = proof_judge(&c);

		assert_int_equal(a == PROOF_ACCEPT, c.proof == STORE_PROVEN);
		if (a == PROOF_ACCEPT_BY_SIZE)
			assert_true(c.seen && c.same &&
			    c.proof != STORE_SHORT &&
			    (c.proof == STORE_SIZE_ONLY ||
				(!c.strict && c.size_right)));
		if (c.proof == STORE_DIFFERS && c.strict && c.seen && c.same)
			assert_int_equal(a, PROOF_SET_ASIDE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(judges),
	    cmocka_unit_test(never_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
