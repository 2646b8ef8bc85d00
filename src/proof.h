#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>

#include "store.h"

/*
 * What to do with bytes that have arrived, from plain facts; pure.  The rule
 * it holds: nothing is called proven that is not, nothing that Apple sends
 * twice alike is thrown away, and a short file is gone on with before it is
 * begun again (docs/design.md, "The promise", rule 3).
 */
enum proof_action {
	PROOF_ACCEPT,	     /* proven */
	PROOF_ACCEPT_BY_SIZE, /* size-verified: right size, twice alike */
	PROOF_GO_ON,	     /* short: ask for the rest */
	PROOF_AGAIN,	     /* from the start, by another link */
	PROOF_SET_ASIDE,     /* twice alike against the checksum: unproven */
	PROOF_NOT_VERIFIABLE, /* kind not computable, and no two fetches alike */
	PROOF_GIVE_UP,	     /* for this run */
};

struct proof_case {
	enum store_proof proof;
	bool	 strict;     /* a mismatch of this kind of checksum is damage */
	bool	 size_right; /* exactly the stated size */
	bool	 whole;	     /* this fetch began at the first byte */
	bool	 progress;   /* and brought at least one */
	bool	 seen, same; /* the fetch before was not proven; it was the same */
	bool	 may_try;    /* there are tries left */
};

enum proof_action proof_judge(const struct proof_case *);

#endif
