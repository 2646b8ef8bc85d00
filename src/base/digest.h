#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SHA1   20
#define DIGEST_SHA256 32

/*
 * What the bytes of a file must hash to.  api reads it out of a fileChecksum;
 * everyone else only carries it.  checked is false for a kind that cannot be
 * computed.  strict: a mismatch means damage; else only "not verifiable".
 */
struct digest_rule {
	const uint8_t	*prefix; /* hashed before the bytes; static memory */
	size_t		 prefix_len;
	bool		 checked, strict;
	uint8_t		 sha1[DIGEST_SHA1];
};

/* Two hashes in one pass: SHA-1 of prefix and bytes, SHA-256 of the bytes. */
struct digest;

struct digest_sum {
	int64_t	size_bytes;
	uint8_t	sha1[DIGEST_SHA1];
	uint8_t	sha256[DIGEST_SHA256];
};

struct digest *digest_new(const uint8_t *prefix, size_t prefix_len);
void	digest_add(struct digest *, const void *, size_t);
/* May be called once; then only digest_free(). */
void	digest_end(struct digest_sum *out, struct digest *);
void	digest_free(struct digest *); /* NULL is fine */

/* Does sum obey rule?  Only meaningful if rule->checked. */
bool	digest_matches(const struct digest_sum *, const struct digest_rule *);

#endif
