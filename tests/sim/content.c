#include "library.h"

#include <openssl/hmac.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "civil.h"
#include "text.h"

/* Files of this size and more are hashed once and remembered. */
#define REMEMBER_BYTES ((int64_t)32 << 10)

/* [file-checksum]: hashed before the bytes; both NULs count. */
static const uint8_t salt[51] = "com.apple.XattrObjectSalt\0"
				"com.apple.DataObjectSalt";

/* splitmix64's last step, which can be undone. */
uint64_t
mix64(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
unmix64(uint64_t z)
{
	z ^= (z >> 31) ^ (z >> 62);
	z *= UINT64_C(0x319642b2d24d8ec3);
	z ^= (z >> 27) ^ (z >> 54);
	z *= UINT64_C(0x96de1b173f119089);
	z ^= (z >> 30) ^ (z >> 60);
	return z - UINT64_C(0x9e3779b97f4a7c15);
}

/* How files of a type begin. */
static const struct {
	const char *bytes;
	size_t len;
} heads[] = {
    [MAGIC_NONE] = {"", 0},
    [MAGIC_JPEG] = {"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0H\0H\0\0", 20},
    [MAGIC_HEIC] = {"\0\0\0\x18"
		    "ftypheic\0\0\0\0mif1heic",
	24},
    [MAGIC_PNG] = {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16},
    [MAGIC_GIF] = {"GIF89a", 6},
    [MAGIC_WEBP] = {"RIFF\x10\x20\0\0WEBPVP8 ", 16},
    [MAGIC_MOV] = {"\0\0\0\x14"
		   "ftypqt  \0\0\0\0qt  \0\0\0\x08wide",
	28},
    [MAGIC_MOV_WIDE] = {"\0\0\0\x08wide\0\0\x10\0mdat", 16},
    [MAGIC_MP4] = {"\0\0\0\x18"
		   "ftypmp42\0\0\0\0mp42isom",
	24},
    [MAGIC_TIFF] = {"II*\0\x08\0\0\0", 8},
    [MAGIC_CR2] = {"II*\0\x10\0\0\0CR\2\0", 12},
    [MAGIC_CR3] = {"\0\0\0\x18"
		   "ftypcrx \0\0\0\1crx isom",
	24},
    [MAGIC_AAE] =
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist", 54},
    [MAGIC_XMP] = {"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">", 36},
    [MAGIC_RECORDED] = {"", 0},
};

static uint64_t
word(uint64_t key, uint64_t i)
{
	return mix64(key ^ (i * UINT64_C(0xd1342543de82ef95)));
}

void
content_bytes(const struct cloud *c, const struct content *f, int64_t offset,
    uint8_t *out, size_t len)
{
	uint64_t i, w;
	size_t n, at, skip;

	if (f->magic == MAGIC_RECORDED) {
		memcpy(out, c->recorded + offset, len);
		return;
	}
	i = (uint64_t)offset / 8;
	skip = (size_t)offset % 8;
	for (at = 0; at < len; at += n, i++) {
		if (skip == 0 && len - at >= 8) {
			/* the fast way, unhindered by what is above */
			for (; len - at >= 8; at += 8, i++) {
				w = word(f->key, i);
				memcpy(out + at, &w, 8);
			}
			if (at == len)
				break;
		}
		w = word(f->key, i);
		n = 8 - skip < len - at ? 8 - skip : len - at;
		memcpy(out + at, (uint8_t *)&w + skip, n);
		skip = 0;
	}
	if (offset < (int64_t)heads[f->magic].len) {
		n = heads[f->magic].len - (size_t)offset;
		memcpy(out, heads[f->magic].bytes + offset, n < len ? n : len);
	}
}

static void
hash(struct sums *out, const struct cloud *c, const struct content *f,
    bool with_sha256)
{
	EVP_MD_CTX *salted = EVP_MD_CTX_new(), *plain = NULL;
	uint8_t small[4096], *block = small;
	size_t size = sizeof(small), n;
	int64_t at;

	if (salted == NULL)
		abort();
	if (f->size > (int64_t)sizeof(small)) {
		size = (size_t)64 << 10;
		block = xmalloc(size);
	}
	EVP_DigestInit_ex(salted, c->sha1, NULL);
	EVP_DigestUpdate(salted, salt, sizeof(salt));
	if (with_sha256) {
		plain = EVP_MD_CTX_new();
		if (plain == NULL)
			abort();
		EVP_DigestInit_ex(plain, c->sha256, NULL);
	}
	for (at = 0; at < f->size; at += (int64_t)n) {
		n = f->size - at < (int64_t)size ? (size_t)(f->size - at)
						 : size;
		content_bytes(c, f, at, block, n);
		EVP_DigestUpdate(salted, block, n);
		if (plain != NULL)
			EVP_DigestUpdate(plain, block, n);
	}
	EVP_DigestFinal_ex(salted, out->sha1, NULL);
	if (plain != NULL)
		EVP_DigestFinal_ex(plain, out->sha256, NULL);
	out->has_sha256 = with_sha256;
	EVP_MD_CTX_free(salted);
	EVP_MD_CTX_free(plain);
	if (block != small)
		free(block);
}

/* With sums_lock: where this file's sums are or would be. */
static struct sums_entry *
sums_slot(struct cloud *c, const struct content *f)
{
	size_t i;

	if (c->sums_cap == 0)
		return NULL;
	for (i = mix64(f->key) & (c->sums_cap - 1); c->sums[i].size != 0;
	     i = (i + 1) & (c->sums_cap - 1))
		if (c->sums[i].key == f->key && c->sums[i].size == f->size)
			break;
	return &c->sums[i];
}

static void
sums_remember(struct cloud *c, const struct content *f, const struct sums *s)
{
	struct sums_entry *old, *e;
	size_t i, n;

	if (c->sums_count * 2 >= c->sums_cap) {
		old = c->sums;
		n = c->sums_cap;
		c->sums_cap = n == 0 ? 1024 : n * 2;
		c->sums = xcalloc(c->sums_cap, sizeof(*c->sums));
		for (i = 0; i < n; i++) {
			struct content g = {old[i].key, old[i].size, 0};

			if (old[i].size != 0)
				*sums_slot(c, &g) = old[i];
		}
		free(old);
	}
	e = sums_slot(c, f);
	if (e->size == 0)
		c->sums_count++;
	else if (e->sums.has_sha256)
		return;
	e->key = f->key;
	e->size = f->size;
	e->sums = *s;
}

void
content_sums(struct sums *out, struct cloud *c, const struct content *f,
    bool with_sha256)
{
	const struct sums_entry *e;
	bool known = false;

	if (f->size < REMEMBER_BYTES) {
		hash(out, c, f, with_sha256);
		return;
	}
	pthread_mutex_lock(&c->sums_lock);
	e = sums_slot(c, f);
	if (e != NULL && e->size != 0 && (e->sums.has_sha256 || !with_sha256)) {
		*out = e->sums;
		known = true;
	}
	pthread_mutex_unlock(&c->sums_lock);
	if (known)
		return;
	hash(out, c, f, with_sha256);
	pthread_mutex_lock(&c->sums_lock);
	sums_remember(c, f, out);
	pthread_mutex_unlock(&c->sums_lock);
}

static void
kinded_text(char out[CHECKSUM_MAX], uint8_t kind, const uint8_t *hash20)
{
	struct buf b = {0};
	uint8_t bytes[1 + SHA1_LEN];

	bytes[0] = kind;
	memcpy(bytes + 1, hash20, SHA1_LEN);
	text_base64(&b, bytes, sizeof(bytes));
	snprintf(out, CHECKSUM_MAX, "%s", buf_text(&b));
	buf_clear(&b);
}

void
checksum_text(char out[CHECKSUM_MAX], const uint8_t sha1[SHA1_LEN])
{
	kinded_text(out, 0x01, sha1);
}

static void
fill(uint8_t *out, size_t len, uint64_t key)
{
	uint64_t w;
	size_t i;

	for (i = 0; i < len; i++) {
		w = word(key, i / 8);
		out[i] = (uint8_t)(w >> (i % 8 * 8));
	}
}

void
content_wrapping_key(uint8_t out[16], const struct content *f)
{
	fill(out, 16, f->key ^ 0x77726170);
}

void
content_reference(char out[CHECKSUM_MAX], const struct content *f)
{
	uint8_t bytes[SHA1_LEN];

	fill(bytes, sizeof(bytes), f->key ^ 0x726566);
	kinded_text(out, 0x01, bytes);
}

/*
 * The parameter o says, sealed by the signature, which bytes the link is for,
 * so that any process of the same seed can serve it: 0x02, key, size, magic.
 */
#define O_LEN 33

static void
pack(uint8_t out[O_LEN], const struct content *f, uint64_t seed)
{
	int i;

	fill(out, O_LEN, f->key ^ seed);
	out[0] = 0x02;
	for (i = 0; i < 8; i++) {
		out[1 + i] = (uint8_t)(f->key >> (56 - 8 * i));
		out[9 + i] = (uint8_t)((uint64_t)f->size >> (56 - 8 * i));
	}
	out[17] = (uint8_t)f->magic;
}

static bool
unpack(struct content *out, const char *text)
{
	struct buf b = {0};
	const uint8_t *p;
	uint64_t key = 0, size = 0;
	bool ok = false;
	int i;

	if (text_unbase64(&b, text, strlen(text)) == 0 && b.len == O_LEN) {
		p = (const uint8_t *)b.data;
		for (i = 0; i < 8; i++) {
			key = key << 8 | p[1 + i];
			size = size << 8 | p[9 + i];
		}
		out->key = key;
		out->size = (int64_t)size;
		out->magic = (enum magic)p[17];
		ok = p[0] == 0x02 && p[17] <= MAGIC_RECORDED;
	}
	buf_clear(&b);
	return ok;
}

/* What s is over: the path without the name, and all parameters before it. */
static void
sign(struct buf *out, const struct cloud *c, const char *checksums,
    const char *query, size_t query_len)
{
	struct buf text = {0};
	uint8_t key[32], mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	fill(key, sizeof(key), mix2(c->options.seed, 0x7369676e));
	buf_add(&text, checksums, 56);
	buf_add(&text, "?", 1);
	buf_add(&text, query, query_len);
	HMAC(c->sha1, key, sizeof(key), (const uint8_t *)text.data, text.len,
	    mac, &len);
	text_base64url(out, mac, len);
	buf_clear(&text);
}

/* Standard base64 to the alphabet of addresses. */
static void
add_url_text(struct buf *out, const char *text)
{
	char ch;

	for (; *text != '\0'; text++) {
		ch = *text == '+' ? '-' : *text;
		if (ch != '=')
			buf_addc(out, ch == '/' ? '_' : ch);
	}
}

void
content_link(struct buf *out, struct cloud *c, const struct content *f,
    const char *checksum, const char *zone, int64_t expires_s,
    const char *request_uuid, int partition)
{
	char reference[CHECKSUM_MAX];
	uint8_t o[O_LEN], a[32], k[16];
	size_t path, query;

	content_reference(reference, f);
	buf_adds(out, "https://cvws.icloud-content.com/B/");
	path = out->len;
	add_url_text(out, checksum);
	add_url_text(out, reference);
	buf_adds(out, "/${f}?");
	query = out->len;
	pack(o, f, c->options.seed);
	buf_adds(out, "o=");
	text_base64url(out, o, sizeof(o));
	fill(a, sizeof(a), f->key ^ (uint64_t)expires_s);
	buf_adds(out, "&v=1&x=3&a=");
	text_base64url(out, a, sizeof(a));
	content_wrapping_key(k, f);
	buf_addf(
	    out, "&e=%lld&fl=&r=%s-1&k=", (long long)expires_s, request_uuid);
	text_base64url(out, k, sizeof(k));
	buf_addf(out, "&ckc=com.apple.photos.cloud&ckz=%s&y=1&p=%d", zone,
	    partition);
	{
		struct buf s = {0};

		sign(&s, c, out->data + path, out->data + query,
		    out->len - query);
		buf_addf(out, "&s=%s", buf_text(&s));
		sim_secret(buf_text(&s));
		buf_clear(&s);
	}
}

/* --- the content host --- */

struct body {
	const struct cloud *cloud;
	struct content content;
};

static void
produce(void *arg, int64_t offset, uint8_t *out, size_t len)
{
	const struct body *b = arg;

	content_bytes(b->cloud, &b->content, offset, out, len);
}

static void
refuse(struct sim_response *resp, int status, const char *text)
{
	resp->status = status;
	sim_add_header(resp, "Content-Type", "text/plain;charset=UTF-8");
	buf_adds(&resp->body, text);
}

static bool
signature_holds(
    const struct cloud *c, const struct sim_request *r, const char *checksums)
{
	const char *s = strstr(r->query, "&s=");
	struct buf want = {0};
	bool ok = false;

	if (s != NULL) {
		sign(&want, c, checksums, r->query, (size_t)(s - r->query));
		ok = strcmp(s + 3, buf_text(&want)) == 0;
	}
	buf_clear(&want);
	return ok;
}

/* "bytes=N-", "bytes=N-M", "bytes=-N": from and len.  1 if there is a range,
 * 0 if there is none (or one that is not understood), -1 if it lies outside. */
static int
parse_range(int64_t *from, int64_t *len, const char *text, int64_t size)
{
	int64_t first, last = size - 1;
	const char *dash;
	char number[24];

	*from = 0;
	*len = size;
	if (text == NULL || strncmp(text, "bytes=", 6) != 0)
		return 0;
	text += 6;
	dash = strchr(text, '-');
	if (dash == NULL || strchr(text, ',') != NULL ||
	    (size_t)(dash - text) >= sizeof(number))
		return 0;
	if (dash[1] != '\0' && text_int(&last, dash + 1, 0, INT64_MAX) == -1)
		return 0;
	if (dash == text) { /* the last so many */
		if (dash[1] == '\0')
			return 0;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else {
		memcpy(number, text, (size_t)(dash - text));
		number[dash - text] = '\0';
		if (text_int(&first, number, 0, INT64_MAX) == -1)
			return 0;
	}
	if (last > size - 1)
		last = size - 1;
	if (first > last)
		return -1;
	*from = first;
	*len = last - first + 1;
	return 1;
}

/* The name in the path, decoded and encoded again, as recorded. */
static void
add_disposition(struct sim_response *resp, const char *name)
{
	struct buf b = {0};
	uint8_t ch, decoded;
	char two[3];

	for (; *name != '\0'; name++) {
		ch = (uint8_t)*name;
		snprintf(two, sizeof(two), "%.2s", name + 1);
		if (ch == '%' && strlen(two) == 2 &&
		    text_unhex(&decoded, 1, two) == 0) {
			ch = decoded;
			name += 2;
		}
		if ((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= 'a' && ch <= 'z') ||
		    (ch != 0 && strchr("-._~", ch) != NULL))
			buf_addc(&b, (char)ch);
		else
			buf_addf(&b, "%%%02X", ch);
	}
	sim_add_header(resp, "Content-Disposition",
	    "attachment; filename=\"%s\"; filename*=UTF-8''%s", buf_text(&b),
	    buf_text(&b));
	buf_clear(&b);
}

static void
add_last_modified(struct sim_response *resp, int64_t now_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil t;

	/* the time of the request, whatever was asked for [content-answer] */
	civil_from_ms(&t, now_ms);
	sim_add_header(resp, "Last-Modified",
	    "%.3s, %d %.3s %lld %02d:%02d:%02d GMT",
	    &days[(size_t)t.weekday * 3], t.day,
	    &months[((size_t)t.month - 1) * 3], (long long)t.year, t.hour,
	    t.minute, t.second);
}

/* The fileChecksum in the path, in standard base64. */
static void
path_checksum(char out[CHECKSUM_MAX], const char *checksums)
{
	int i;
	char ch;

	for (i = 0; i < 28; i++) {
		ch = checksums[i] == '-' ? '+' : checksums[i];
		out[i] = (char)(ch == '_' ? '/' : ch);
	}
	out[28] = '\0';
}

static void
serve(struct cloud *c, const struct sim_request *r, struct sim_response *resp,
    const char *checksums, const struct content *f)
{
	const char *wrong = sim_fault_hook(r, "wrong_checksum");
	char checksum[CHECKSUM_MAX];
	struct body *b;
	int64_t from, len;
	int range = parse_range(&from, &len, sim_header(r, "Range"), f->size);

	sim_add_header(resp, "Accept-Ranges", "bytes");
	if (range == -1) {
		sim_add_header(
		    resp, "Content-Range", "bytes */%lld", (long long)f->size);
		refuse(resp, 416, "");
		return;
	}
	resp->status = range == 1 ? 206 : 200;
	if (range == 1)
		sim_add_header(resp, "Content-Range", "bytes %lld-%lld/%lld",
		    (long long)from, (long long)(from + len - 1),
		    (long long)f->size);
	sim_add_header(resp, "Content-Type", "application/octet-stream");
	sim_add_header(resp, "Cache-Control", "max-age=2592000");
	add_disposition(resp, checksums + 57);
	add_last_modified(resp, r->now_ms);
	if (f->size == 0)
		return;
	b = xcalloc(1, sizeof(*b));
	b->cloud = c;
	b->content = *f;
	path_checksum(checksum, checksums);
	if (wrong != NULL && fault_chooses(wrong, checksum)) {
		b->content.key = mix64(f->key);
		if (f->magic == MAGIC_RECORDED)
			b->content.magic = MAGIC_JPEG;
	}
	resp->bytes = produce;
	resp->bytes_arg = b;
	resp->bytes_free = free;
	resp->bytes_offset = from;
	resp->bytes_len = len;
}

void
content_answer(
    struct cloud *c, const struct sim_request *r, struct sim_response *resp)
{
	const char *checksums = r->path + 3;
	char e[24], o[64];
	struct content f;
	int64_t expires_s;

	if (sim_header(r, "Cookie") != NULL)
		sim_violation("cookies were sent to %s", r->host);
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
		sim_violation("%s to %s", r->method, r->host);
		refuse(resp, 405, "");
		return;
	}
	if (strncmp(r->path, "/B/", 3) != 0 || strlen(checksums) < 58 ||
	    checksums[56] != '/') {
		refuse(resp, 400, "");
		return;
	}
	if (!signature_holds(c, r, checksums) ||
	    !sim_query(o, sizeof(o), r, "o") || !unpack(&f, o) ||
	    !sim_query(e, sizeof(e), r, "e") ||
	    text_int(&expires_s, e, 0, INT64_MAX / 1000) == -1) {
		refuse(resp, 403, "");
		return;
	}
	if (expires_s * 1000 < r->now_ms) { /* [download-link] */
		refuse(resp, 410, "");
		return;
	}
	if (f.magic == MAGIC_RECORDED && c->recorded == NULL) {
		refuse(resp, 404, "");
		return;
	}
	serve(c, r, resp, checksums, &f);
}
