#ifndef PATH_H
#define PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * From what is known of an asset to the folder and stem it would like; pure,
 * the same on every machine, in every zone and locale.  Reserving is the
 * store's.  Rules: docs/design.md, "Names" and "Layout".
 */
struct path_wish {
	char folder[512]; /* "2024/07", "undated"; never "" */
	char stem[256];   /* "IMG_0123" */
	char ext[32];     /* "HEIC", as the name has it; "" if none */
};

struct path_subject {
	const char *filename; /* true name, UTF-8; NULL if none */
	const char *record;   /* record name: names what has no name */
	const char *uti;      /* of the resource; NULL */
	const char *library;  /* for {library}: "Personal", "Shared" */
	bool is_original;     /* its extension comes from the name */
	bool has_taken, has_offset;
	int64_t taken_ms, offset_s;
};

void path_wish(
    struct path_wish *out, const char *layout, const struct path_subject *);

/* Is this a layout that gives safe folders? ERR_USAGE with a sentence. */
int path_check_layout(const char *layout, struct err *);

/* yyyymm of the capture date in the asset's own zone; 0: undated. */
int path_month(bool has_taken, int64_t taken_ms, int64_t offset_s);

/*
 * One name made safe for every volume: NFC, no separator, no control
 * character, nothing that Windows forbids, no device name, no leading dot, no
 * trailing dot or blank; at most max bytes, cut on a character.  "" if nothing
 * is left.  out has room for max + 1.
 */
void path_safe(char *out, size_t max, const char *utf8);

/* 12 hexadecimal digits of a record name: stable, and safe where it is not; for
 * what has no name.  size is 13 at least. */
void path_of_record(char *out, size_t size, const char *record);

#endif
