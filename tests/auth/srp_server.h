#ifndef SRP_SERVER_H
#define SRP_SERVER_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * The server's side of the exchange, written from the formulas of [srp] and
 * not from srp.c: S = (A * v^u)^b.  It knows the verifier only.
 */
struct srp_server {
	BIGNUM *n, *v, *b;
	uint8_t pub[256]; /* PAD(B) */
	uint8_t salt[64];
	size_t salt_len;
};

static const char srp_server_n[] =
    "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050A37329CB"
    "B4A099ED8193E0757767A13DD52312AB4B03310DCD7F48A9DA04FD50E8083969EDB767B0"
    "CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B855F97993EC975EEAA80D740A"
    "DBF4FF747359D041D5C33EA71D281E446B14773BCA97B43A23FB801676BD207A436C6481"
    "F1D2B9078717461A5B9D32E688F87748544523B524B0D57D5EA77A2775D2ECFA032CFBDB"
    "F52FB3786160279004E57AE6AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C382"
    "71AE35F8E9DBFBB694B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F"
    "9E4AFF73";

/* One SHA-256 over up to six pieces, as (pointer, length) pairs. */
struct srp_bytes {
	const void *p;
	size_t n;
};

static inline void
srp_sha256(uint8_t out[32], const struct srp_bytes *in, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	assert(EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < n; i++)
		assert(EVP_DigestUpdate(c, in[i].p, in[i].n) == 1);
	assert(EVP_DigestFinal_ex(c, out, NULL) == 1);
	EVP_MD_CTX_free(c);
}

#define SRP_SHA256(out, ...)                               \
	srp_sha256(out, (struct srp_bytes[]){__VA_ARGS__}, \
	    sizeof((struct srp_bytes[]){__VA_ARGS__}) /    \
		sizeof(struct srp_bytes))

/* x of the password, as whoever sets it computes it. */
static inline void
srp_server_x(uint8_t x[32], const char *password, bool fo, const uint8_t *salt,
    size_t salt_len, int iterations)
{
	uint8_t h[32], p[32], inner[32];
	char hex[65];

	SRP_SHA256(h, {password, strlen(password)});
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", h[i]);
	assert(PKCS5_PBKDF2_HMAC(fo ? hex : (char *)h, fo ? 64 : 32, salt,
		   (int)salt_len, iterations, EVP_sha256(), 32, p) == 1);
	SRP_SHA256(inner, {":", 1}, {p, 32});
	SRP_SHA256(x, {salt, salt_len}, {inner, 32});
}

/* B = k * v + g^b; b of 32 bytes. */
static inline void
srp_server_init(struct srp_server *s, const char *password, bool fo,
    const uint8_t *salt, size_t salt_len, int iterations,
    const uint8_t b_bytes[32])
{
	BN_CTX *c = BN_CTX_new();
	BIGNUM *g = BN_new(), *k, *x, *pub = BN_new();
	uint8_t pad_n[256], pad_g[256] = {0}, hash[32], xb[32];

	memset(s, 0, sizeof(*s));
	assert(salt_len <= sizeof(s->salt));
	memcpy(s->salt, salt, salt_len);
	s->salt_len = salt_len;
	assert(BN_hex2bn(&s->n, srp_server_n) > 0);
	BN_set_word(g, 2);
	pad_g[255] = 2;
	BN_bn2binpad(s->n, pad_n, 256);
	SRP_SHA256(hash, {pad_n, 256}, {pad_g, 256});
	k = BN_bin2bn(hash, 32, NULL);
	srp_server_x(xb, password, fo, salt, salt_len, iterations);
	x = BN_bin2bn(xb, 32, NULL);
	s->v = BN_new();
	s->b = BN_bin2bn(b_bytes, 32, NULL);
	BN_mod_exp(s->v, g, x, s->n, c);
	BN_mod_exp(pub, g, s->b, s->n, c);
	BN_mul(k, k, s->v, c);
	BN_mod_add(pub, pub, k, s->n, c);
	BN_bn2binpad(pub, s->pub, 256);
	BN_free(g);
	BN_free(k);
	BN_free(x);
	BN_free(pub);
	BN_CTX_free(c);
}

static inline void
srp_server_clear(struct srp_server *s)
{
	BN_free(s->n);
	BN_free(s->v);
	BN_free(s->b);
	memset(s, 0, sizeof(*s));
}

/* What the client must prove; secret gets PAD(S) unless NULL. */
static inline void
srp_server_expect(uint8_t m1[32], uint8_t m2[32], uint8_t key[32],
    uint8_t secret[256], const struct srp_server *s, const uint8_t a_pub[256],
    const char *account)
{
	BN_CTX *c = BN_CTX_new();
	BIGNUM *a = BN_bin2bn(a_pub, 256, NULL), *u, *t = BN_new();
	uint8_t hash[32], pad[256], hn[32], hg[32], hi[32];

	SRP_SHA256(hash, {a_pub, 256}, {s->pub, 256});
	u = BN_bin2bn(hash, 32, NULL);
	BN_mod_exp(t, s->v, u, s->n, c);
	BN_mod_mul(t, t, a, s->n, c);
	BN_mod_exp(t, t, s->b, s->n, c);
	BN_bn2binpad(t, pad, 256);
	if (secret != NULL)
		memcpy(secret, pad, 256);
	SRP_SHA256(key, {pad, 256});
	BN_bn2binpad(s->n, pad, 256);
	SRP_SHA256(hn, {pad, 256});
	memset(pad, 0, 256);
	pad[255] = 2;
	SRP_SHA256(hg, {pad, 256});
	for (int i = 0; i < 32; i++)
		hn[i] ^= hg[i];
	SRP_SHA256(hi, {account, strlen(account)});
	SRP_SHA256(m1, {hn, 32}, {hi, 32}, {s->salt, s->salt_len}, {a_pub, 256},
	    {s->pub, 256}, {key, 32});
	SRP_SHA256(m2, {a_pub, 256}, {m1, 32}, {key, 32});
	BN_free(a);
	BN_free(u);
	BN_free(t);
	BN_CTX_free(c);
}

#endif
