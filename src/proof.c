#include "proof.h"

static enum proof_action
judge_short(const struct proof_case *c)
{
	if (c->whole && c->seen && c->same)
		return PROOF_SET_ASIDE;
	if (!c->may_try)
		return PROOF_GIVE_UP;
	return c->progress ? PROOF_GO_ON : PROOF_AGAIN;
}

static enum proof_action
judge_by_size(const struct proof_case *c)
{
	if (c->seen && c->same)
		return PROOF_ACCEPT_BY_SIZE;
	if (c->may_try)
		return PROOF_AGAIN;
	return c->seen ? PROOF_NOT_VERIFIABLE : PROOF_GIVE_UP;
}

static enum proof_action
judge_different(const struct proof_case *c)
{
	/* A kind whose mismatch means nothing is judged by size. */
	if (!c->strict && c->size_right)
		return judge_by_size(c);
	if (c->seen && c->same)
		return PROOF_SET_ASIDE;
	return c->may_try ? PROOF_AGAIN : PROOF_GIVE_UP;
}

enum proof_action
proof_judge(const struct proof_case *c)
{
	switch (c->proof) {
	case STORE_PROVEN:
		return PROOF_ACCEPT;
	case STORE_SIZE_ONLY:
		return judge_by_size(c);
	case STORE_SHORT:
		return judge_short(c);
	case STORE_DIFFERS:
		return judge_different(c);
	}
	return PROOF_GIVE_UP;
}
