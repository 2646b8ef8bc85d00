#ifndef SRP_H
#define SRP_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The client's side of SRP-6a as Apple's sign-in wants it [srp]: RFC 5054
 * 2048-bit group, SHA-256, every public value padded to 256 bytes.  Pure; no
 * network.
 */
#define SRP_BYTES 256
#define SRP_HASH  32

enum srp_protocol { SRP_S2K, SRP_S2K_FO };

struct srp; /* the private ephemeral value a, and A; wiped when freed */

/* a: 32 secret bytes, or NULL to draw them. */
struct srp *srp_new(const uint8_t a[32]);
void	srp_free(struct srp *);
void	srp_public(uint8_t out[SRP_BYTES], const struct srp *); /* PAD(A) */

struct srp_challenge {
	enum srp_protocol protocol;
	const uint8_t	*salt; /* as received, never via an integer */
	size_t		 salt_len;
	const uint8_t	*b;    /* server's public value, as received */
	size_t		 b_len;
	int64_t		 iterations; /* 1 .. 1,000,000 */
};

struct srp_proof { /* secret; the caller wipes */
	uint8_t	m1[SRP_HASH], m2[SRP_HASH], k[SRP_HASH];
};

/*
 * account: the name to hash ("" for escrow [escrow]); it is lower-cased here.
 * password: UTF-8 exactly as typed.  ERR_PROTOCOL for values out of range
 * (B = 0 mod N, B >= N, u = 0, iterations, empty salt).
 */
int	srp_prove(struct srp_proof *out, const struct srp *,
	    const char *account, const char *password,
	    const struct srp_challenge *, struct err *);

#endif
