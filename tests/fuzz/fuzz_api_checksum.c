#include "fuzz.h"

#include "buf.h"
#include "checksum.h"
#include "digest.h"
#include "text.h"

/* A fileChecksum from its text, and how it is proven. */

static void
look_at_rule(const uint8_t *bytes, size_t len)
{
	struct digest_rule rule;
	struct digest_sum sum = {0};
	bool known;

	checksum_rule(&rule, bytes, len);
	known = len == 21 &&
	    (bytes[0] == 0x01 || bytes[0] == 0x02 || bytes[0] == 0x0b ||
		bytes[0] == 0x81 || bytes[0] == 0x82 || bytes[0] == 0x8b);
	must(rule.checked == known);
	must(rule.strict == (known && bytes[0] == 0x01));
	if (!known) {
		must(!checksum_of_nothing(bytes, len));
		return;
	}
	must(rule.prefix != NULL && rule.prefix_len == 51);
	must(memcmp(rule.sha1, bytes + 1, sizeof(rule.sha1)) == 0);
	memcpy(sum.sha1, bytes + 1, sizeof(sum.sha1));
	must(digest_matches(&sum, &rule));
	sum.sha1[19] ^= 1;
	must(!digest_matches(&sum, &rule));
}

static void
look_at_text(const char *text)
{
	struct checksum c, again;
	struct buf b = {0};

	memset(&c, 0x55, sizeof(c));
	must(checksum_read(&c, text) == (c.len > 0));
	must(c.len <= CHECKSUM_MAX);
	look_at_rule(c.bytes, c.len);
	if (c.len == 0)
		return;
	text_base64(&b, c.bytes, c.len);
	must(checksum_read(&again, buf_text(&b)));
	must(again.len == c.len && memcmp(again.bytes, c.bytes, c.len) == 0);
	buf_clear(&b);
}

/* The input as bytes, which is what the catalogue keeps, and as text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_text(fuzz_begin(data, n));

	look_at_rule(data, n);
	look_at_text(text);
	free(text);
	return 0;
}
