#include "digest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "buf.h"
#include "err.h"

struct digest {
	EVP_MD_CTX *sha1, *sha256;
	int64_t size_bytes;
};

/* OpenSSL fails here only without memory or without its own providers. */
static void
must(int ok)
{
	if (ok != 1)
		err_fatal("OpenSSL cannot compute SHA-1 and SHA-256.");
}

struct digest *
digest_new(const uint8_t *prefix, size_t prefix_len)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->sha1 = EVP_MD_CTX_new();
	d->sha256 = EVP_MD_CTX_new();
	must(d->sha1 != NULL && d->sha256 != NULL);
	must(EVP_DigestInit_ex(d->sha1, EVP_sha1(), NULL));
	must(EVP_DigestInit_ex(d->sha256, EVP_sha256(), NULL));
	if (prefix_len != 0)
		must(EVP_DigestUpdate(d->sha1, prefix, prefix_len));
	return d;
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	if (n == 0)
		return;
	must(EVP_DigestUpdate(d->sha1, p, n));
	must(EVP_DigestUpdate(d->sha256, p, n));
	d->size_bytes += (int64_t)n;
}

void
digest_end(struct digest_sum *out, struct digest *d)
{
	must(EVP_DigestFinal_ex(d->sha1, out->sha1, NULL));
	must(EVP_DigestFinal_ex(d->sha256, out->sha256, NULL));
	out->size_bytes = d->size_bytes;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->sha1);
	EVP_MD_CTX_free(d->sha256);
	free(d);
}

bool
digest_matches(const struct digest_sum *sum, const struct digest_rule *rule)
{
	return rule->checked &&
	    memcmp(sum->sha1, rule->sha1, sizeof(rule->sha1)) == 0;
}
