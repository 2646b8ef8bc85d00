#include "verifier.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* RFC 5054, appendix A, 2048 bits; the generator is 2. */
static const char prime_hex[] =
    "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050"
    "A37329CBB4A099ED8193E0757767A13DD52312AB4B03310DCD7F48A9DA04FD50"
    "E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B8"
    "55F97993EC975EEAA80D740ADBF4FF747359D041D5C33EA71D281E446B14773B"
    "CA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E688F87748"
    "544523B524B0D57D5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6"
    "AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C38271AE35F8E9DBFBB6"
    "94B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73";

/* Running out of memory inside OpenSSL ends the program, as our own does. */
static void
must(int ok)
{
	if (!ok)
		abort();
}

static BIGNUM *
number(const uint8_t *p, size_t n)
{
	BIGNUM *b = BN_bin2bn(p, (int)n, NULL);

	must(b != NULL);
	return b;
}

struct group {
	BN_CTX *ctx;
	BIGNUM *prime, *base;
	uint8_t prime_pad[SRP_BYTES], base_pad[SRP_BYTES];
};

static void
group_init(struct group *g)
{
	g->prime = NULL;
	must((g->ctx = BN_CTX_new()) != NULL);
	must(BN_hex2bn(&g->prime, prime_hex) > 0);
	must((g->base = BN_new()) != NULL && BN_set_word(g->base, 2));
	must(BN_bn2binpad(g->prime, g->prime_pad, SRP_BYTES) == SRP_BYTES);
	must(BN_bn2binpad(g->base, g->base_pad, SRP_BYTES) == SRP_BYTES);
}

static void
group_clear(struct group *g)
{
	BN_free(g->prime);
	BN_free(g->base);
	BN_CTX_free(g->ctx);
}

/* SHA-256 of two runs of bytes. */
static void
hash2(uint8_t out[SRP_HASH], const void *p, size_t n, const void *q, size_t m)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	must(c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(c, p, n) && EVP_DigestUpdate(c, q, m) &&
	    EVP_DigestFinal_ex(c, out, NULL));
	EVP_MD_CTX_free(c);
}

/* x = H(salt | H(":" | PBKDF2(H(password)))) [srp] */
static void
private_key(
    uint8_t x[SRP_HASH], const char *password, const struct verifier *ver)
{
	uint8_t h[SRP_HASH], p[SRP_HASH], inner[SRP_HASH];
	char hex[2 * SRP_HASH + 1];

	hash2(h, password, strlen(password), "", 0);
	text_hex(hex, h, sizeof(h));
	must(PKCS5_PBKDF2_HMAC(ver->hex ? hex : (const char *)h,
	    ver->hex ? 2 * SRP_HASH : SRP_HASH, ver->salt, sizeof(ver->salt),
	    ver->iterations, EVP_sha256(), sizeof(p), p));
	hash2(inner, ":", 1, p, sizeof(p));
	hash2(x, ver->salt, sizeof(ver->salt), inner, sizeof(inner));
}

void
verifier_set(struct verifier *out, const char *password, const uint8_t salt[16],
    int iterations, bool hex)
{
	uint8_t x[SRP_HASH];
	struct group g;
	BIGNUM *bx, *v;

	memcpy(out->salt, salt, sizeof(out->salt));
	out->iterations = iterations;
	out->hex = hex;
	private_key(x, password, out);
	group_init(&g);
	bx = number(x, sizeof(x));
	v = BN_new();
	must(v != NULL && BN_mod_exp(v, g.base, bx, g.prime, g.ctx));
	must(BN_bn2binpad(v, out->v, SRP_BYTES) == SRP_BYTES);
	BN_free(v);
	BN_clear_free(bx);
	group_clear(&g);
	OPENSSL_cleanse(x, sizeof(x));
}

bool
verifier_start(struct verifier_exchange *out, const struct verifier *ver,
    const uint8_t *a, size_t a_len, const uint8_t secret[SRP_HASH])
{
	uint8_t hash[SRP_HASH], pad[SRP_BYTES];
	BIGNUM *ba, *bb, *u, *k, *v, *s, *t;
	struct group g;
	bool ok = false;

	if (a_len > SRP_BYTES)
		return false;
	group_init(&g);
	ba = number(a, a_len);
	bb = number(secret, SRP_HASH);
	v = number(ver->v, SRP_BYTES);
	s = BN_new();
	t = BN_new();
	must(s != NULL && t != NULL);
	must(BN_bn2binpad(ba, out->a, SRP_BYTES) == SRP_BYTES);
	hash2(hash, g.prime_pad, SRP_BYTES, g.base_pad, SRP_BYTES);
	k = number(hash, sizeof(hash));

	/* B = k v + g^b */
	must(BN_mod_mul(s, k, v, g.prime, g.ctx));
	must(BN_mod_exp(t, g.base, bb, g.prime, g.ctx));
	must(BN_mod_add(s, s, t, g.prime, g.ctx));
	must(BN_bn2binpad(s, out->b, SRP_BYTES) == SRP_BYTES);

	/* S = (A v^u)^b */
	hash2(hash, out->a, SRP_BYTES, out->b, SRP_BYTES);
	u = number(hash, sizeof(hash));
	must(BN_nnmod(t, ba, g.prime, g.ctx));
	if (!BN_is_zero(t) && !BN_is_zero(u)) {
		must(BN_mod_exp(s, v, u, g.prime, g.ctx));
		must(BN_mod_mul(s, s, t, g.prime, g.ctx));
		must(BN_mod_exp(t, s, bb, g.prime, g.ctx));
		must(BN_bn2binpad(t, pad, SRP_BYTES) == SRP_BYTES);
		hash2(out->key, pad, SRP_BYTES, "", 0);
		ok = true;
	}
	BN_free(ba);
	BN_clear_free(bb);
	BN_free(u);
	BN_free(k);
	BN_free(v);
	BN_clear_free(s);
	BN_clear_free(t);
	group_clear(&g);
	return ok;
}

void
verifier_proofs(uint8_t m1[SRP_HASH], uint8_t m2[SRP_HASH],
    const struct verifier *ver, const struct verifier_exchange *x,
    const char *name)
{
	uint8_t hn[SRP_HASH], hg[SRP_HASH], hi[SRP_HASH];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	struct group g;
	size_t i;

	group_init(&g);
	hash2(hn, g.prime_pad, SRP_BYTES, "", 0);
	hash2(hg, g.base_pad, SRP_BYTES, "", 0);
	hash2(hi, name, strlen(name), "", 0);
	for (i = 0; i < SRP_HASH; i++)
		hn[i] ^= hg[i];
	must(c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(c, hn, SRP_HASH) &&
	    EVP_DigestUpdate(c, hi, SRP_HASH) &&
	    EVP_DigestUpdate(c, ver->salt, sizeof(ver->salt)) &&
	    EVP_DigestUpdate(c, x->a, SRP_BYTES) &&
	    EVP_DigestUpdate(c, x->b, SRP_BYTES) &&
	    EVP_DigestUpdate(c, x->key, SRP_HASH) &&
	    EVP_DigestFinal_ex(c, m1, NULL));
	must(EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(c, x->a, SRP_BYTES) &&
	    EVP_DigestUpdate(c, m1, SRP_HASH) &&
	    EVP_DigestUpdate(c, x->key, SRP_HASH) &&
	    EVP_DigestFinal_ex(c, m2, NULL));
	EVP_MD_CTX_free(c);
	group_clear(&g);
}
