#ifndef VERIFIER_H
#define VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The server's side of SRP-6a as Apple's accounts use it [srp]: the 2048-bit
 * group of RFC 5054, SHA-256, every number padded to 256 bytes wherever it is
 * hashed.  It knows salt, iterations and verifier, never the password.
 */

#define SRP_BYTES 256 /* of a number of the group */
#define SRP_HASH  32

struct verifier {
	uint8_t	salt[16];
	int	iterations;
	bool	hex; /* protocol s2k_fo: the digits of the hash, not its bytes */
	uint8_t	v[SRP_BYTES];
};

/* What a server derives when the password is set; the password is then gone. */
void	verifier_set(struct verifier *out, const char *password,
	    const uint8_t salt[16], int iterations, bool hex);

/* One exchange. */
struct verifier_exchange {
	uint8_t	a[SRP_BYTES], b[SRP_BYTES]; /* the public values A and B */
	uint8_t	key[SRP_HASH];		    /* K */
};

/* From the client's A (up to 256 bytes) and the server's secret b; false if
 * A is nothing a client may send (0 mod N). */
bool	verifier_start(struct verifier_exchange *out, const struct verifier *,
	    const uint8_t *a, size_t a_len, const uint8_t secret[SRP_HASH]);

/* The proofs that a client who knows the password sends; name is I: the lower
 * case account name, or "" in the escrow exchange [escrow]. */
void	verifier_proofs(uint8_t m1[SRP_HASH], uint8_t m2[SRP_HASH],
	    const struct verifier *, const struct verifier_exchange *,
	    const char *name);

#endif
