#include "path.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/sha.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "err.h"
#include "text.h"

/*
 * A component holds 255 bytes, which are 255 of UTF-16's units at most.  Files
 * of a stem differ in their extensions: ".HEIC", ".MOV".
 */
#define NAME_MAX_BYTES 255
#define STEM_MAX       (NAME_MAX_BYTES - 5)
#define EXT_MAX        10
#define PART_MAX       120
#define LAYOUT_MAX     200 /* filled in, it stays far from the folder's 511 */

static bool
is_device_name(const char *s)
{
	static const char *const names[] = {"CON", "PRN", "AUX", "NUL", "COM0",
	    "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8",
	    "COM9", "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6",
	    "LPT7", "LPT8", "LPT9", "CONIN$", "CONOUT$",
	    /* Windows takes superscript one to three for the digits. */
	    "COM\xC2\xB9", "COM\xC2\xB2", "COM\xC2\xB3", "LPT\xC2\xB9",
	    "LPT\xC2\xB2", "LPT\xC2\xB3"};
	size_t n = strcspn(s, ".");
	char head[8];

	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n >= sizeof(head))
		return false;
	for (size_t i = 0; i < n; i++)
		head[i] = (char)toupper((unsigned char)s[i]);
	head[n] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(head, names[i]) == 0)
			return true;
	return false;
}

/* How much of s is left without trailing dots and blanks, which Windows and
 * SMB servers drop. */
static size_t
trimmed(const char *s, size_t n)
{
	while (n > 0 && (s[n - 1] == '.' || s[n - 1] == ' '))
		n--;
	return n;
}

/* What Windows forbids, control characters, and what Unicode has made no
 * character of. */
static bool
is_forbidden(uint32_t cp)
{
	if (cp < 0x80)
		return cp < 0x20 || cp == 0x7F ||
		    strchr("\"*/:<>?\\|", (int)cp) != NULL;
	return cp <= 0x9F || (cp >= 0xFDD0 && cp <= 0xFDEF) ||
	    (cp & 0xFFFE) == 0xFFFE;
}

void
path_safe(char *out, size_t max, const char *utf8)
{
	struct buf valid = {0};
	char *nfc, *p, *to;
	size_t n, len;
	uint32_t cp;

	text_utf8(&valid, utf8, strlen(utf8));
	nfc = text_nfc(buf_text(&valid));
	n = strlen(nfc);
	for (p = to = nfc; n > 0; p += len, n -= len) {
		len = text_next(&cp, p, n);
		if (is_forbidden(cp)) {
			*to++ = '_';
		} else {
			memmove(to, p, len);
			to += len;
		}
	}
	*to = '\0';
	if (*nfc == '.')
		*nfc = '_';
	n = trimmed(nfc, text_cut(nfc, max));
	nfc[n] = '\0';
	if (is_device_name(nfc) && max > 1) {
		n = trimmed(nfc, text_cut(nfc, max - 1));
		out[0] = '_';
		memcpy(out + 1, nfc, n);
		out[n + 1] = '\0';
	} else {
		memcpy(out, nfc, n + 1);
	}
	free(nfc);
	buf_clear(&valid);
}

int
path_month(bool has_taken, int64_t taken_ms, int64_t offset_s)
{
	return has_taken ? civil_month(taken_ms, offset_s) : 0;
}

/* What a letter of the layout stands for; false: no such letter. */
static bool
add_letter(struct buf *out, char letter, const struct civil *c)
{
	static const char *const months[] = {"January", "February", "March",
	    "April", "May", "June", "July", "August", "September", "October",
	    "November", "December"};

	switch (letter) {
	case 'Y':
		buf_addf(out, "%04d", (int)c->year);
		return true;
	case 'y':
		buf_addf(out, "%02d", (int)(c->year % 100));
		return true;
	case 'm':
		buf_addf(out, "%02d", c->month);
		return true;
	case 'd':
		buf_addf(out, "%02d", c->day);
		return true;
	case 'j':
		buf_addf(out, "%03d", c->yearday);
		return true;
	case 'H':
		buf_addf(out, "%02d", c->hour);
		return true;
	case 'M':
		buf_addf(out, "%02d", c->minute);
		return true;
	case 'S':
		buf_addf(out, "%02d", c->second);
		return true;
	case 'B':
		buf_adds(out, months[c->month - 1]);
		return true;
	case 'b':
		buf_addf(out, "%.3s", months[c->month - 1]);
		return true;
	case 'F':
		buf_addf(out, "%04d-%02d-%02d", (int)c->year, c->month, c->day);
		return true;
	case '%':
		buf_addc(out, '%');
		return true;
	default:
		return false;
	}
}

/*
 * {type}, from the asset's own name where that has an extension: all files of
 * a Live Photo are of one type, whichever of them comes first.
 */
static const char *
type_word(const char *given, const char *type_ext)
{
	static const char *const videos[] = {"mov", "qt", "mp4", "m4v", "3gp",
	    "3g2", "avi", "mpg", "mpeg", "m2v", "ts", "mts", "m2ts", "wmv",
	    "mkv", "webm"};
	const char *ext = given[0] != '\0' ? given : type_ext;

	for (size_t i = 0;
	     ext != NULL && i < sizeof(videos) / sizeof(videos[0]); i++)
		if (strcasecmp(ext, videos[i]) == 0)
			return "Videos";
	return "Photos";
}

/* The layout filled in.  -1: e says what is wrong with it. */
static int
expand(struct buf *out, const char *layout, const struct civil *c,
    const char *library, const char *type, struct err *e)
{
	for (const char *p = layout; *p != '\0'; p++) {
		if (*p == '%') {
			p++;
			if (*p == '\0' || !add_letter(out, *p, c))
				return err_set(e, ERR_USAGE,
				    "Letters are %Y %y %m %d %j %H %M %S %B %b "
				    "%F, and {library} and {type}.",
				    "The layout \"%s\" has a letter that is "
				    "not known.",
				    layout);
		} else if (strncmp(p, "{library}", 9) == 0) {
			buf_adds(out, library);
			p += 8;
		} else if (strncmp(p, "{type}", 6) == 0) {
			buf_adds(out, type);
			p += 5;
		} else if (*p == '{' || *p == '}') {
			return err_set(e, ERR_USAGE,
			    "Words are {library} and {type}.",
			    "The layout \"%s\" has a word that is not known.",
			    layout);
		} else {
			buf_addc(out, *p);
		}
	}
	return 0;
}

/* Each part made safe; empty parts are dropped. */
static void
safe_folder(char *out, size_t size, const char *folder)
{
	char part[PART_MAX + 1], *copy = xstrdup(folder), *rest = copy, *word;
	size_t used = 0;

	out[0] = '\0';
	while ((word = strsep(&rest, "/")) != NULL) {
		path_safe(part, PART_MAX, word);
		if (part[0] == '\0' || used + strlen(part) + 2 > size)
			continue;
		used += (size_t)snprintf(
		    out + used, size - used, "%s%s", used > 0 ? "/" : "", part);
	}
	free(copy);
}

static void
make_folder(char *out, size_t size, const char *layout,
    const struct path_subject *s, const char *type)
{
	struct buf text = {0};
	struct civil c = {.year = 0};

	out[0] = '\0';
	if (s->has_taken &&
	    civil_taken(&c, s->taken_ms, s->has_offset ? s->offset_s : 0) &&
	    expand(&text, layout, &c, s->library, type, NULL) == 0)
		safe_folder(out, size, buf_text(&text));
	if (out[0] == '\0')
		snprintf(out, size, "undated");
	buf_clear(&text);
}

/* Is name the first part of the folder? Both folded. */
static bool
begins_with(const char *folder, const char *name)
{
	size_t n = strlen(name);

	return strncmp(folder, name, n) == 0 &&
	    (folder[n] == '\0' || folder[n] == '/');
}

/* A part "." or "..", or a path from the top: meant to lead out of the copy. */
static bool
leads_out(const char *layout)
{
	size_t n;

	if (*layout == '/')
		return true;
	for (;; layout += n + 1) {
		n = strcspn(layout, "/");
		if ((n == 1 || n == 2) && strncmp(layout, "..", n) == 0)
			return true;
		if (layout[n] == '\0')
			return false;
	}
}

int
path_check_layout(const char *layout, struct err *e)
{
	struct buf text = {0};
	struct civil c;
	char folder[512], *key = NULL;
	int rc = -1;

	if (strlen(layout) > LAYOUT_MAX)
		return err_set(e, ERR_USAGE, "The usual layout is %Y/%m.",
		    "A layout may have %d bytes.", LAYOUT_MAX);
	if (leads_out(layout))
		return err_set(e, ERR_USAGE, "The usual layout is %Y/%m.",
		    "The layout \"%s\" leads out of the copy.", layout);
	civil_from_ms(&c, 0);
	if (expand(&text, layout, &c, "Personal", "Photos", e) == -1)
		goto out;
	safe_folder(folder, sizeof(folder), buf_text(&text));
	if (folder[0] == '\0') {
		err_set(e, ERR_USAGE, "The usual layout is %Y/%m.",
		    "The layout \"%s\" names no folder.", layout);
		goto out;
	}
	key = text_fold(folder);
	if (begins_with(key, "albums") || begins_with(key, "sha256sums")) {
		err_set(e, ERR_USAGE, "Choose another first folder.",
		    "The names Albums and SHA256SUMS are kept for other "
		    "things.");
		goto out;
	}
	rc = 0;
out:
	free(key);
	buf_clear(&text);
	return rc;
}

/* An extension is short, and letters and digits only. */
static bool
is_extension(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > EXT_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]))
			return false;
	return true;
}

void
path_of_record(char *out, size_t size, const char *record)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char hex[13];

	SHA256((const unsigned char *)record, strlen(record), hash);
	text_hex(hex, hash, 6);
	snprintf(out, size, "%s", hex);
}

/* Upper case beside names in upper case: IMG_0001.HEIC, IMG_0001.MOV. */
static void
match_case(char *ext, const char *like)
{
	bool upper = false;

	for (; *like != '\0'; like++) {
		if (islower((unsigned char)*like))
			return;
		upper = upper || isupper((unsigned char)*like);
	}
	for (; upper && *ext != '\0'; ext++)
		*ext = (char)toupper((unsigned char)*ext);
}

/*
 * The true name taken apart: stem made safe, extension as given, "" if there
 * is none.  The extension goes first, so that it survives a cut.
 */
static void
split_name(char stem[STEM_MAX + 1], char ext[EXT_MAX + 1], const char *filename)
{
	char *copy = xstrdup(filename), *dot;

	copy[trimmed(copy, strlen(copy))] = '\0';
	dot = strrchr(copy, '.');
	ext[0] = '\0';
	if (dot != NULL && dot != copy && is_extension(dot + 1)) {
		memcpy(ext, dot + 1, strlen(dot + 1) + 1);
		*dot = '\0';
	}
	path_safe(stem,
	    strlen(ext) > 4 ? NAME_MAX_BYTES - 1 - strlen(ext) : STEM_MAX,
	    copy);
	/* No two of such a kind could be told from each other. */
	if (text_is_blank(stem))
		stem[0] = '\0';
	free(copy);
}

void
path_wish(
    struct path_wish *out, const char *layout, const struct path_subject *s)
{
	char stem[STEM_MAX + 1] = "", given[EXT_MAX + 1] = "";
	const char *type_ext = s->uti != NULL ? uti_extension(s->uti) : NULL;

	memset(out, 0, sizeof(*out));
	if (s->filename != NULL)
		split_name(stem, given, s->filename);
	if (stem[0] == '\0')
		path_of_record(stem, sizeof(stem), s->record);
	snprintf(out->stem, sizeof(out->stem), "%s", stem);
	make_folder(out->folder, sizeof(out->folder), layout, s,
	    type_word(given, type_ext));

	if (s->is_original && given[0] != '\0') {
		snprintf(out->ext, sizeof(out->ext), "%s", given);
	} else if (type_ext != NULL) {
		snprintf(out->ext, sizeof(out->ext), "%s", type_ext);
		match_case(out->ext, given);
	} else {
		snprintf(out->ext, sizeof(out->ext), "bin");
	}
}
