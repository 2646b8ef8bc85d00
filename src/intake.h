#ifndef INTAKE_H
#define INTAKE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct record;
struct store;
struct store_bytes;
struct store_zone;
struct zone_id;

/*
 * A record of the feed, or of an index, becomes rows of the catalogue: the one place where
 * api's structs turn into the store's.  Inside the caller's transaction.
 */
struct intake {
	struct store *store;
	int64_t zone;
	bool anew;       /* take records whose tag is the same */
	bool absent;     /* out of an index: only those that are absent */
	int64_t changes; /* records that were new, changed or gone */
};

void intake_begin(struct intake *out, struct store *, int64_t zone, bool anew);
void intake_begin_index(struct intake *out, struct store *, int64_t zone);
int intake_record(struct intake *, const struct record *, struct err *);

/* And back: a record as the store kept it; the caller ends with
 * record_clear().  false: there is none, or it cannot be read. */
bool intake_kept(struct record *out, const struct store_bytes *);
/* A zone of the catalogue as api asks for it.  The caller ends with
 * zone_id_clear(). */
void intake_zone_id(struct zone_id *out, const struct store_zone *);

#endif
