#include "fuzz.h"

#include <errno.h>
#include <inttypes.h>

#include "buf.h"
#include "json.h"
#include "text.h"

/* Decoders and what makes texts safe to show, to compare and to send. */

static bool
is_bytes(const struct buf *b, const void *p, size_t n)
{
	return b->len == n && (n == 0 || memcmp(b->data, p, n) == 0);
}

static void
look_at_base64(const uint8_t *data, size_t n)
{
	struct buf text = {0}, back = {0}, again = {0};

	text_base64(&text, data, n);
	must(text.len == (n + 2) / 3 * 4);
	must(text_unbase64(&back, buf_text(&text), text.len) == 0);
	must(is_bytes(&back, data, n));
	buf_reset(&text);
	buf_reset(&back);
	text_base64url(&text, data, n);
	must(text_unbase64(&back, buf_text(&text), text.len) == 0);
	must(is_bytes(&back, data, n));

	/* The input as base64: all of it, or nothing. */
	buf_reset(&back);
	buf_adds(&back, "kept");
	if (text_unbase64(&back, (const char *)data, n) == -1) {
		must(is_bytes(&back, "kept", 4));
	} else {
		must(back.len - 4 <= n / 4 * 3 + 2);
		buf_reset(&text);
		text_base64(
		    &text, (const uint8_t *)back.data + 4, back.len - 4);
		must(text_unbase64(&again, buf_text(&text), text.len) == 0);
		must(is_bytes(&again, back.data + 4, back.len - 4));
	}
	buf_clear(&text);
	buf_clear(&back);
	buf_clear(&again);
}

static void
look_at_utf8(const char *p, size_t n)
{
	struct buf valid = {0}, again = {0};
	size_t whole = n;

	while (whole > 0 && p[whole - 1] == '\0')
		whole--;
	text_utf8(&valid, p, n);
	must(text_is_utf8(buf_text(&valid), valid.len));
	must(is_bytes(&valid, p, whole) == text_is_utf8(p, whole));
	text_utf8(&again, buf_text(&valid), valid.len);
	must(is_bytes(&again, buf_text(&valid), valid.len));
	buf_clear(&valid);
	buf_clear(&again);
}

/* One form for each text, and one key for all forms of it. */
static void
look_at_forms(const char *text)
{
	char *nfc = text_nfc(text), *fold = text_fold(text);
	char *nfc_again = text_nfc(nfc), *fold_of_nfc = text_fold(nfc);
	char *fold_again = text_fold(fold);

	if (text_is_utf8(text, strlen(text))) {
		must(text_is_utf8(nfc, strlen(nfc)));
		must(text_is_utf8(fold, strlen(fold)));
	} else {
		must(strcmp(nfc, text) == 0 && strcmp(fold, text) == 0);
	}
	must(strcmp(nfc_again, nfc) == 0);
	must(strcmp(fold_of_nfc, fold) == 0);
	must(strcmp(fold_again, fold) == 0);
	free(nfc);
	free(fold);
	free(nfc_again);
	free(fold_of_nfc);
	free(fold_again);
}

static void
look_at_printable(const char *p, size_t n)
{
	struct buf out = {0}, again = {0};
	size_t i;

	text_printable(&out, p, n, false);
	must(text_is_utf8(buf_text(&out), out.len));
	for (i = 0; i < out.len; i++) {
		must((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
		/* C1, and what turns the direction of a line round */
		must((unsigned char)out.data[i] != 0xc2 ||
		    (unsigned char)out.data[i + 1] >= 0xa0);
		must(strncmp(out.data + i, "\xe2\x80\xae", 3) != 0);
	}
	text_printable(&again, buf_text(&out), out.len, false);
	must(is_bytes(&again, buf_text(&out), out.len));
	buf_reset(&again);
	text_printable(&again, p, n, true);
	for (i = 0; i < again.len; i++)
		must(again.data[i] >= 0x20 && again.data[i] < 0x7f);
	buf_clear(&out);
	buf_clear(&again);
}

static void
look_at_json_string(const char *text)
{
	struct buf out = {0}, valid = {0};
	cJSON *json;

	must(buf_add_json(&out, text) == 0);
	text_utf8(&valid, text, strlen(text));
	json = json_parse(buf_text(&out), out.len, NULL);
	must(cJSON_IsString(json));
	must(strcmp(json->valuestring, buf_text(&valid)) == 0);
	cJSON_Delete(json);
	buf_clear(&out);
	buf_clear(&valid);
}

static void
look_at_numbers(const char *text)
{
	const char *digits = text + (*text == '-');
	bool well_formed =
	    *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0';
	int64_t n = 42;
	intmax_t right;

	errno = 0;
	right = strtoimax(text, NULL, 10);
	if (text_int(&n, text, INT64_MIN, INT64_MAX) == 0)
		must(well_formed && errno == 0 && n == right);
	else
		must(n == 42 && (!well_formed || errno == ERANGE));
	if (text_int(&n, text, -5, 7) == 0)
		must(n >= -5 && n <= 7);
	if (text_bytes(&n, text) == 0)
		must(n >= 0 && *text >= '0' && *text <= '9');
}

static void
look_at_hex(const uint8_t *data, size_t n, const char *text)
{
	char hex[2 * 64 + 1], base32[64];
	uint8_t back[64];
	size_t few = n < 32 ? n : 32;

	text_hex(hex, data, few);
	must(text_unhex(back, few, hex) == 0);
	must(memcmp(back, data, few) == 0);
	few = strlen(text) / 2;
	if (few <= sizeof(back) && text_unhex(back, few, text) == 0) {
		text_hex(hex, back, few);
		must(strspn(text, "0123456789abcdefABCDEF") == 2 * few);
	}
	few = n < 35 ? n : 35;
	text_base32(base32, 8 * few / 5, data, few);
	must(strlen(base32) == 8 * few / 5);
	must(strspn(base32, "abcdefghijklmnopqrstuvwxyz234567") == 8 * few / 5);
}

static void
look_at_words(int64_t v)
{
	char out[32], plain[32], *p = plain;
	const char *q;

	must(strlen(text_size(out, v)) < 12);
	must(strlen(text_span(out, v)) < sizeof(out));
	text_count(out, v);
	for (q = out; *q != '\0'; q++)
		if (*q != ',')
			*p++ = *q;
	*p = '\0';
	must(strtoimax(plain, NULL, 10) == v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	char *text = fuzz_text(in);
	int64_t v = 0;

	look_at_base64(data, n);
	look_at_utf8((const char *)data, n);
	look_at_forms(text);
	look_at_printable((const char *)data, n);
	look_at_json_string(text);
	look_at_numbers(text);
	look_at_hex(data, n, text);
	memcpy(&v, data, n < sizeof(v) ? n : sizeof(v));
	look_at_words(v);
	free(text);
	return 0;
}
