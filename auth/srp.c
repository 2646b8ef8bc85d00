#include <openssl/bn.h>
#include <openssl/evp.h>

#include "srp.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "compat.h"
#include "err.h"

#define SRP_MAX_ITERATIONS 1000000

struct srp {
	BIGNUM *a;
	uint8_t pub[SRP_BYTES]; /* PAD(A) */
};

/* RFC 5054, 2048 bits; the generator is 2. */
static const char group_n[] =
    "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050"
    "A37329CBB4A099ED8193E0757767A13DD52312AB4B03310DCD7F48A9DA04FD50"
    "E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B8"
    "55F97993EC975EEAA80D740ADBF4FF747359D041D5C33EA71D281E446B14773B"
    "CA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E688F87748"
    "544523B524B0D57D5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6"
    "AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C38271AE35F8E9DBFBB6"
    "94B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73";

/* H(PAD(N) | PAD(g)), and H(PAD(N)) xor H(PAD(g)). */
static const uint8_t group_k[SRP_HASH] = {0x05, 0xb9, 0xe8, 0xef, 0x05, 0x9c,
    0x6b, 0x32, 0xea, 0x59, 0xfc, 0x1d, 0x32, 0x2d, 0x37, 0xf0, 0x4a, 0xa3,
    0x0b, 0xae, 0x5a, 0xa9, 0x00, 0x3b, 0x83, 0x21, 0xe2, 0x1d, 0xdb, 0x04,
    0xe3, 0x00};
static const uint8_t group_xor[SRP_HASH] = {0xa2, 0xb8, 0x0e, 0xe3, 0xd9, 0x57,
    0xed, 0xe6, 0xb0, 0x72, 0xf7, 0x6f, 0x67, 0x41, 0x5f, 0x3d, 0x1a, 0x71,
    0x58, 0xbb, 0x8f, 0x0e, 0x76, 0x5e, 0x34, 0xd8, 0x78, 0x44, 0x03, 0x1a,
    0xcc, 0x9c};

/* What is hashed: pieces one after another, up to one with p NULL. */
struct piece {
	const void *p;
	size_t len;
};

static bool
hash(uint8_t out[SRP_HASH], const struct piece *pieces)
{
	EVP_MD_CTX *ctx;
	bool ok;

	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (; ok && pieces->p != NULL; pieces++)
		ok = EVP_DigestUpdate(ctx, pieces->p, pieces->len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx); /* wipes its state */
	return ok;
}

static BIGNUM *
modulus(void)
{
	BIGNUM *n = NULL;

	return BN_hex2bn(&n, group_n) == 0 ? NULL : n;
}

/* out = 2^e mod N; e is secret. */
static bool
power_of_g(BIGNUM *out, BIGNUM *e, const BIGNUM *n, BN_CTX *ctx)
{
	BIGNUM *g = BN_new();
	bool ok;

	BN_set_flags(e, BN_FLG_CONSTTIME);
	ok = g != NULL && BN_set_word(g, 2) == 1 &&
	    BN_mod_exp(out, g, e, n, ctx) == 1;
	BN_free(g);
	return ok;
}

static bool
draw(struct srp *s, const uint8_t given[32])
{
	BIGNUM *n = modulus(), *pub = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	uint8_t a[32];
	bool ok;

	ok = n != NULL && pub != NULL && ctx != NULL;
	do {
		if (given != NULL)
			memcpy(a, given, sizeof(a));
		else
			compat_random(a, sizeof(a));
		BN_clear_free(s->a);
		s->a = ok ? BN_bin2bn(a, sizeof(a), NULL) : NULL;
		ok = s->a != NULL && power_of_g(pub, s->a, n, ctx) &&
		    BN_bn2binpad(pub, s->pub, SRP_BYTES) == SRP_BYTES;
		/*
		 * [srp]: clients disagree on leading zeros of A; one that has
		 * none is the same to all of them.
		 */
	} while (ok && given == NULL && s->pub[0] == 0);
	secret_wipe(a, sizeof(a));
	BN_CTX_free(ctx);
	BN_clear_free(pub);
	BN_free(n);
	return ok;
}

struct srp *
srp_new(const uint8_t a[32])
{
	struct srp *s = xcalloc(1, sizeof(*s));

	if (!draw(s, a))
		err_fatal("Out of memory.");
	return s;
}

void
srp_free(struct srp *s)
{
	if (s == NULL)
		return;
	BN_clear_free(s->a);
	secret_wipe(s, sizeof(*s));
	free(s);
}

void
srp_public(uint8_t out[SRP_BYTES], const struct srp *s)
{
	memcpy(out, s->pub, SRP_BYTES);
}

/*
 * x = H(salt | H(":" | p)), p = PBKDF2(SHA-256 of the password).  For s2k_fo
 * the hash goes in as 64 lower-case hex digits.  The account name is not in x
 * [srp].
 */
static bool
private_x(
    uint8_t x[SRP_HASH], const char *password, const struct srp_challenge *ch)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t h[SRP_HASH] = {0}, p[SRP_HASH], inner[SRP_HASH];
	char pw[2 * SRP_HASH];
	int pw_len = SRP_HASH;
	bool ok;

	ok = hash(h, (struct piece[]){{password, strlen(password)}, {0}});
	memcpy(pw, h, SRP_HASH);
	if (ch->protocol == SRP_S2K_FO) {
		for (size_t i = 0; i < SRP_HASH; i++) {
			pw[2 * i] = digits[h[i] >> 4];
			pw[2 * i + 1] = digits[h[i] & 15];
		}
		pw_len = 2 * SRP_HASH;
	}
	ok = ok &&
	    PKCS5_PBKDF2_HMAC(pw, pw_len, ch->salt, (int)ch->salt_len,
		(int)ch->iterations, EVP_sha256(), SRP_HASH, p) == 1 &&
	    hash(inner, (struct piece[]){{":", 1}, {p, SRP_HASH}, {0}}) &&
	    hash(x,
		(struct piece[]){
		    {ch->salt, ch->salt_len}, {inner, SRP_HASH}, {0}});
	secret_wipe(h, sizeof(h));
	secret_wipe(pw, sizeof(pw));
	secret_wipe(p, sizeof(p));
	secret_wipe(inner, sizeof(inner));
	return ok;
}

/* out = PAD((B - k * g^x) ^ (a + u * x) mod N) */
static bool
shared_secret(uint8_t out[SRP_BYTES], const struct srp *s, const BIGNUM *b,
    const BIGNUM *n, const uint8_t u_bytes[SRP_HASH],
    const uint8_t x_bytes[SRP_HASH])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *k = BN_bin2bn(group_k, SRP_HASH, NULL);
	BIGNUM *u = BN_bin2bn(u_bytes, SRP_HASH, NULL);
	BIGNUM *x = BN_bin2bn(x_bytes, SRP_HASH, NULL);
	BIGNUM *base = BN_new(), *e = BN_new();
	bool ok;

	ok = ctx != NULL && k != NULL && u != NULL && x != NULL &&
	    base != NULL && e != NULL && power_of_g(base, x, n, ctx) &&
	    BN_mod_mul(base, k, base, n, ctx) == 1 &&
	    BN_mod_sub(base, b, base, n, ctx) == 1 &&
	    BN_mul(e, u, x, ctx) == 1 && BN_add(e, e, s->a) == 1;
	if (ok) {
		BN_set_flags(e, BN_FLG_CONSTTIME);
		ok = BN_mod_exp(base, base, e, n, ctx) == 1 &&
		    BN_bn2binpad(base, out, SRP_BYTES) == SRP_BYTES;
	}
	BN_clear_free(e);
	BN_clear_free(base);
	BN_clear_free(x);
	BN_free(u);
	BN_free(k);
	BN_CTX_free(ctx);
	return ok;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n-- > 0)
		any |= *p++;
	return any == 0;
}

static int
out_of_range(struct err *e, const char *what)
{
	return err_set(e, ERR_PROTOCOL,
	    "Try again later; if it stays so, look for a newer icloud-pull.",
	    "Apple's sign-in sent %s that cannot be right.", what);
}

int
srp_prove(struct srp_proof *out, const struct srp *s, const char *account,
    const char *password, const struct srp_challenge *ch, struct err *e)
{
	BIGNUM *n = NULL, *b = NULL;
	uint8_t x[SRP_HASH], u[SRP_HASH], name[SRP_HASH];
	uint8_t shared[SRP_BYTES], b_padded[SRP_BYTES];
	char *lower = NULL;
	bool ok;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (ch->iterations < 1 || ch->iterations > SRP_MAX_ITERATIONS)
		return out_of_range(e, "a number of rounds");
	if (ch->salt_len == 0 || ch->salt_len > SRP_BYTES)
		return out_of_range(e, "a salt");
	if (ch->b_len == 0 || ch->b_len > SRP_BYTES)
		return out_of_range(e, "a public value");

	lower = xstrdup(account);
	for (char *p = lower; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');

	n = modulus();
	b = BN_bin2bn(ch->b, (int)ch->b_len, NULL);
	if (n == NULL || b == NULL)
		goto broken;
	if (BN_is_zero(b) || BN_cmp(b, n) >= 0) {
		out_of_range(e, "a public value");
		goto out;
	}
	if (BN_bn2binpad(b, b_padded, SRP_BYTES) != SRP_BYTES ||
	    !hash(u,
		(struct piece[]){
		    {s->pub, SRP_BYTES}, {b_padded, SRP_BYTES}, {0}}))
		goto broken;
	if (all_zero(u, sizeof(u))) {
		out_of_range(e, "a public value");
		goto out;
	}
	/* [srp]: B goes into M1 as received, everything else padded. */
	ok = private_x(x, password, ch) &&
	    shared_secret(shared, s, b, n, u, x) &&
	    hash(out->k, (struct piece[]){{shared, SRP_BYTES}, {0}}) &&
	    hash(name, (struct piece[]){{lower, strlen(lower)}, {0}}) &&
	    hash(out->m1,
		(struct piece[]){{group_xor, SRP_HASH}, {name, SRP_HASH},
		    {ch->salt, ch->salt_len}, {s->pub, SRP_BYTES},
		    {ch->b, ch->b_len}, {out->k, SRP_HASH}, {0}}) &&
	    hash(out->m2,
		(struct piece[]){{s->pub, SRP_BYTES}, {out->m1, SRP_HASH},
		    {out->k, SRP_HASH}, {0}});
	if (!ok)
		goto broken;
	rc = 0;
	goto out;
broken:
	err_set(e, ERR_BAD_STATE, "Check the OpenSSL of this system.",
	    "The sign-in could not be computed.");
out:
	if (rc == -1)
		secret_wipe(out, sizeof(*out));
	secret_wipe(x, sizeof(x));
	secret_wipe(shared, sizeof(shared));
	free(lower);
	BN_free(b);
	BN_free(n);
	return rc;
}
