#include "auth_p.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "civil.h"
#include "stop.h"

/*
 * A proof of work [hashcash]: a text whose SHA-1 begins with so many zero
 * bits.  Other widgets of Apple's demand one; the one of iCloud may some day.
 */

#define SHA1_BYTES      20
#define CHALLENGE_BYTES 64
/* One in 2^bits fits; that none of so many times that does is one chance in
 * nine millions. */
#define TRIES 16

static int
leading_zeros(const uint8_t hash[SHA1_BYTES])
{
	int n = 0;

	while (n < 8 * SHA1_BYTES && (hash[n / 8] >> (7 - n % 8) & 1) == 0)
		n++;
	return n;
}

/* It goes into a header: a plain word. */
static bool
is_plain(const char *challenge)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t n = strspn(challenge, digits);

	return n > 0 && n <= CHALLENGE_BYTES && challenge[n] == '\0';
}

/* The hash of begin, which all have in common, and of a counter. */
static int
zeros_of(EVP_MD_CTX *ctx, const EVP_MD_CTX *begun, const char *counter)
{
	uint8_t hash[SHA1_BYTES];

	if (EVP_MD_CTX_copy_ex(ctx, begun) != 1 ||
	    EVP_DigestUpdate(ctx, counter, strlen(counter)) != 1 ||
	    EVP_DigestFinal_ex(ctx, hash, NULL) != 1)
		return -1;
	return leading_zeros(hash);
}

int
hashcash_mint(
    char *out, size_t size, int64_t bits, const char *challenge, int64_t now_ms)
{
	EVP_MD_CTX *begun = EVP_MD_CTX_new(), *ctx = EVP_MD_CTX_new();
	char begin[128], counter[24];
	struct civil t;
	int rc = -1, zeros = 0;

	if (begun == NULL || ctx == NULL || bits < 0 ||
	    bits > HASHCASH_BITS_MAX || !is_plain(challenge))
		goto out;
	civil_from_ms(&t, now_ms);
	(void)snprintf(begin, sizeof(begin),
	    "1:%d:%04d%02d%02d%02d%02d%02d:%s::", (int)bits, (int)t.year,
	    t.month, t.day, t.hour, t.minute, t.second, challenge);
	if (EVP_DigestInit_ex(begun, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestUpdate(begun, begin, strlen(begin)) != 1)
		goto out;
	for (int64_t i = 0; i < TRIES * (INT64_C(1) << bits); i++) {
		(void)snprintf(counter, sizeof(counter), "%lld", (long long)i);
		zeros = stop_is_set() ? -1 : zeros_of(ctx, begun, counter);
		if (zeros == -1 || zeros >= bits)
			break;
	}
	if (zeros >= bits &&
	    (size_t)snprintf(out, size, "%s%s", begin, counter) < size)
		rc = 0;
out:
	EVP_MD_CTX_free(begun);
	EVP_MD_CTX_free(ctx);
	return rc;
}
