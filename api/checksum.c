#include "checksum.h"

#include <string.h>

#include "buf.h"
#include "digest.h"
#include "text.h"

/*
 * [file-checksum]: kind 0x01 is SHA-1 over this salt, both NULs included, and
 * the bytes of the file.  Other clients of Apple's store take kinds 0x02 and
 * 0x0b, and each with bit 7 set, for the same rule, but nobody has seen them
 * here: a match proves, a mismatch says nothing.
 */
static const uint8_t salt[] =
    "com.apple.XattrObjectSalt\0com.apple.DataObjectSalt";
#define KIND_MASK 0x7f

static const uint8_t sha1_of_nothing[DIGEST_SHA1] = {0x6d, 0x9c, 0x59, 0x3d,
    0x8f, 0xc7, 0x35, 0xa2, 0xc4, 0xc2, 0xae, 0xb8, 0xd3, 0x13, 0x1c, 0x9f,
    0x02, 0x27, 0x7b, 0x07};

bool
checksum_read(struct checksum *out, const char *base64)
{
	/* Four characters make three bytes; as much again for blanks. */
	const size_t most = 8 * (size_t)CHECKSUM_MAX / 3;
	struct buf b;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (base64 == NULL || (n = strlen(base64)) > most)
		return false;
	buf_init(&b, CHECKSUM_MAX);
	if (text_unbase64(&b, base64, n) == 0 && b.len > 0) {
		memcpy(out->bytes, b.data, b.len);
		out->len = b.len;
	}
	buf_clear(&b);
	return out->len > 0;
}

static bool
is_salted_sha1(const uint8_t *bytes, size_t len)
{
	if (len != 1 + DIGEST_SHA1)
		return false;
	switch (bytes[0] & KIND_MASK) {
	case 0x01:
	case 0x02:
	case 0x0b:
		return true;
	default:
		return false;
	}
}

void
checksum_rule(struct digest_rule *out, const uint8_t *bytes, size_t len)
{
	memset(out, 0, sizeof(*out));
	if (!is_salted_sha1(bytes, len))
		return;
	out->prefix = salt;
	out->prefix_len = sizeof(salt); /* the last NUL belongs to it */
	out->checked = true;
	out->strict = bytes[0] == 0x01;
	memcpy(out->sha1, bytes + 1, DIGEST_SHA1);
}

bool
checksum_of_nothing(const uint8_t *bytes, size_t len)
{
	return is_salted_sha1(bytes, len) &&
	    memcmp(bytes + 1, sha1_of_nothing, DIGEST_SHA1) == 0;
}
