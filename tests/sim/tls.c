#include "tls.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

static const char hosts[] =
    "DNS:idmsa.apple.com,DNS:idmsa.apple.com.cn,"
    "DNS:setup.icloud.com,DNS:setup.icloud.com.cn,"
    "DNS:www.icloud.com,DNS:www.icloud.com.cn,"
    "DNS:*.icloud.com,DNS:*.icloud.com.cn,"
    "DNS:*.icloud-content.com,DNS:*.icloud-content.com.cn";

static int
extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	int ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (ext == NULL)
		return 0;
	ok = X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

/* Name, number, key and 300 days, so that a test can play as many nights;
 * browsers and Apple's own libraries refuse a certificate that is good for much
 * more than a year. */
static X509 *
unsigned_cert(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();
	uint64_t serial;
	X509_NAME *subject;

	if (cert == NULL ||
	    RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		goto fail;
	subject = X509_get_subject_name(cert);
	if (!X509_set_version(cert, 2) ||
	    !ASN1_INTEGER_set_uint64(
		X509_get_serialNumber(cert), (serial >> 1) | 1) ||
	    X509_gmtime_adj(X509_getm_notBefore(cert), -86400) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(cert), 300L * 86400) == NULL ||
	    !X509_set_pubkey(cert, key) ||
	    !X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0))
		goto fail;
	return cert;
fail:
	X509_free(cert);
	return NULL;
}

static X509 *
make_ca(EVP_PKEY *key)
{
	X509 *ca = unsigned_cert(key, "Simulated iCloud");

	if (ca == NULL)
		return NULL;
	if (!X509_set_issuer_name(ca, X509_get_subject_name(ca)) ||
	    !extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE") ||
	    !extend(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !extend(ca, ca, NID_subject_key_identifier, "hash") ||
	    !X509_sign(ca, key, EVP_sha256())) {
		X509_free(ca);
		return NULL;
	}
	return ca;
}

static X509 *
make_leaf(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	X509 *leaf = unsigned_cert(key, "idmsa.apple.com");

	if (leaf == NULL)
		return NULL;
	if (!X509_set_issuer_name(leaf, X509_get_subject_name(ca)) ||
	    !extend(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") ||
	    !extend(leaf, ca, NID_key_usage, "critical,digitalSignature") ||
	    !extend(leaf, ca, NID_ext_key_usage, "serverAuth") ||
	    !extend(leaf, ca, NID_subject_key_identifier, "hash") ||
	    !extend(leaf, ca, NID_authority_key_identifier, "keyid:always") ||
	    !extend(leaf, ca, NID_subject_alt_name, hosts) ||
	    !X509_sign(leaf, ca_key, EVP_sha256())) {
		X509_free(leaf);
		return NULL;
	}
	return leaf;
}

static char *
take_text(BIO *b)
{
	char *p, *text;
	long n = BIO_get_mem_data(b, &p);

	text = n > 0 ? xstrndup(p, (size_t)n) : NULL;
	BIO_free(b);
	return text;
}

static char *
cert_pem(X509 *cert)
{
	BIO *b = BIO_new(BIO_s_mem());

	if (b != NULL)
		PEM_write_bio_X509(b, cert);
	return b != NULL ? take_text(b) : NULL;
}

static char *
key_pem(EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());

	if (b != NULL)
		PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
	return b != NULL ? take_text(b) : NULL;
}

int
tls_make(struct tls *out)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = NULL, *leaf = NULL;

	memset(out, 0, sizeof(*out));
	if (ca_key != NULL && key != NULL)
		ca = make_ca(ca_key);
	if (ca != NULL)
		leaf = make_leaf(key, ca, ca_key);
	if (leaf != NULL) {
		out->ca = cert_pem(ca);
		out->certificate = cert_pem(leaf);
		out->key = key_pem(key);
	}
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	if (out->ca == NULL || out->certificate == NULL || out->key == NULL) {
		tls_clear(out);
		return -1;
	}
	return 0;
}

void
tls_clear(struct tls *t)
{
	free(t->ca);
	free(t->certificate);
	secret_free(t->key);
	memset(t, 0, sizeof(*t));
}
