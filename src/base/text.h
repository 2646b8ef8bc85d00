#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Base64 (RFC 4648).  Encoding uses the standard alphabet with padding, or the
 * URL alphabet without.  Decoding takes both alphabets, missing padding and
 * blanks or line breaks anywhere, as Apple's servers and clients need
 * [enc-decoding]; any other character, or a lone last character, is -1.
 */
void	text_base64(struct buf *out, const uint8_t *, size_t);
void	text_base64url(struct buf *out, const uint8_t *, size_t);
int	text_unbase64(struct buf *out, const char *, size_t);

void	text_hex(char *out, const uint8_t *, size_t); /* 2n + 1 bytes, lower */
int	text_unhex(uint8_t *out, size_t n, const char *); /* exactly 2n digits */

/* The first chars characters of RFC 4648 base32, lower case; chars + 1 bytes.
 * chars is at most 8 * n / 5. */
void	text_base32(char *out, size_t chars, const uint8_t *, size_t n);

bool	text_is_utf8(const char *, size_t);
/* Append in with what is no UTF-8 (surrogates and overlong forms too) as
 * U+FFFD, one for each maximal subpart (Unicode, 3.9), and without trailing
 * NULs. */
void	text_utf8(struct buf *out, const char *in, size_t);

/* Bytes of the longest beginning that has at most max and ends between
 * characters. */
size_t	text_cut(const char *utf8, size_t max);

/*
 * Unicode NFC of valid UTF-8; and the key by which two file names are one on
 * every volume: NFC of the case-folded text (docs/design.md, Names).
 * The caller frees.  Text that is no UTF-8 comes back unchanged.
 */
char	*text_nfc(const char *utf8);
char	*text_fold(const char *utf8);

/* Take one character off the text: how many bytes it has (at least 1), *cp
 * what it is; UINT32_MAX: none begins here, and the bytes are a maximal subpart
 * of one (Unicode, 3.9). */
size_t	text_next(uint32_t *cp, const char *, size_t);
/* Does it move a terminal, or turn the writing?  C0, DEL, C1, U+202A to U+202E,
 * U+2066 to U+2069. */
bool	text_is_control(uint32_t);
/* Is there nothing in it to see or to tell it by: only blanks, format characters
 * such as those that join or turn the writing, and U+FFFD?  "" too. */
bool	text_is_blank(const char *utf8);
/* Append text as a terminal may see it: control characters and bytes that are
 * no UTF-8 as \xNN or \u{NNNN}; with ascii all that is no ASCII as well. */
void	text_printable(struct buf *out, const char *, size_t, bool ascii);
/* Is the locale's text UTF-8?  By the values of LC_ALL, LC_CTYPE and LANG, of
 * which the first that is neither NULL nor empty counts (POSIX, 8.2). */
bool	text_is_utf8_locale(
	    const char *lc_all, const char *lc_ctype, const char *lang);

/* A decimal number that fills the whole text; -1 if it is none or out of
 * range.  No sign other than '-', no blanks. */
int	text_int(int64_t *out, const char *, int64_t min, int64_t max);
/* "500", "64k", "1.5M", "2G": bytes, powers of 1000.  -1 if it is none. */
int	text_bytes(int64_t *out, const char *);

/* For people: "1.9 TB", "412 kB", "87 bytes" (powers of 1000), and
 * "412,330".  Each returns out. */
char	*text_size(char out[32], int64_t bytes);
char	*text_count(char out[32], int64_t);
/* Append "1 file", "412,330 files". */
void	text_add_count(struct buf *out, int64_t n, const char *one,
	    const char *many);
/* "3 h 12 min", "45 s". */
char	*text_span(char out[32], int64_t ms);

#endif
