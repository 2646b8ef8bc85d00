#include "intake.h"

#include <string.h>

#include "asset.h"
#include "buf.h"
#include "checksum.h"
#include "digest.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "path.h"
#include "record.h"
#include "store.h"
#include "zone.h"

void
intake_begin(struct intake *out, struct store *s, int64_t zone, bool anew)
{
	*out = (struct intake){.store = s, .zone = zone, .anew = anew};
}

void
intake_begin_index(struct intake *out, struct store *s, int64_t zone)
{
	*out = (struct intake){.store = s, .zone = zone, .absent = true};
}

static size_t
take_resources(struct store_resource out[RESOURCE_COUNT],
    const struct resource res[RESOURCE_COUNT])
{
	struct digest_rule rule;
	size_t n = 0;

	for (int role = 0; role < RESOURCE_COUNT; role++) {
		if (!res[role].present && !res[role].mentioned)
			continue;
		if (res[role].present)
			checksum_rule(&rule, res[role].checksum.bytes,
			    res[role].checksum.len);
		out[n++] = (struct store_resource){
		    .sure = res[role].present && rule.checked && rule.strict,
		    .role = role,
		    .checksum =
			res[role].present ? res[role].checksum.bytes : NULL,
		    .checksum_len =
			res[role].present ? res[role].checksum.len : 0,
		    .size_bytes = res[role].size_bytes,
		    .uti = res[role].uti,
		};
	}
	return n;
}

static int
take_master(
    struct intake *in, int64_t rec, const struct record *r, struct err *e)
{
	struct store_resource res[RESOURCE_COUNT];
	struct master m;
	struct store_master row;
	int rc;

	master_read(&m, r);
	row = (struct store_master){
	    .rec = rec,
	    .filename = m.filename,
	    .has_created = m.has_created,
	    .created_ms = m.created_ms,
	    .res = res,
	    .nres = take_resources(res, m.res),
	};
	rc = store_master_put(in->store, &row, e);
	master_clear(&m);
	return rc;
}

static int
take_asset(
    struct intake *in, int64_t rec, const struct record *r, struct err *e)
{
	struct store_resource res[RESOURCE_COUNT];
	struct asset a;
	struct store_asset row;
	bool has_date;
	int64_t date_ms;
	int rc;

	asset_read(&a, r);
	has_date = a.has_taken || a.has_added;
	date_ms = a.has_taken ? a.taken_ms : a.added_ms;
	row = (struct store_asset){
	    .rec = rec,
	    .zone = in->zone,
	    .master = a.master,
	    .dated = a.has_taken    ? STORE_DATE_ASSET
		: !a.has_added      ? STORE_DATE_NONE
		: a.added_by_record ? STORE_DATE_RECORD
				    : STORE_DATE_ADDED,
	    .has_taken = has_date,
	    .has_added = a.has_added,
	    .has_offset = a.has_offset,
	    .has_expunged = a.has_expunged,
	    .taken_ms = date_ms,
	    .added_ms = a.added_ms,
	    .offset_s = a.offset_s,
	    .expunged_ms = a.expunged_ms,
	    .hidden = a.hidden,
	    .trashed = a.trashed,
	    .favourite = a.favourite,
	    .title = a.title,
	    .burst = a.burst,
	    .month =
		path_month(has_date, date_ms, a.has_offset ? a.offset_s : 0),
	    .res = res,
	    .nres = take_resources(res, a.res),
	};
	rc = store_asset_put(in->store, &row, e);
	asset_clear(&a);
	return rc;
}

static int
take_album(
    struct intake *in, int64_t rec, const struct record *r, struct err *e)
{
	struct album a;
	int rc;

	album_read(&a, r);
	rc = store_album_put(in->store, rec, in->zone, a.title, a.parent,
	    a.type, a.position, a.trashed, e);
	album_clear(&a);
	return rc;
}

static int
take_relation(
    struct intake *in, int64_t rec, const struct record *r, struct err *e)
{
	struct relation rel;
	int rc;

	relation_read(&rel, r);
	rc = store_relation_put(in->store, rec, in->zone, rel.asset, rel.album,
	    rel.position, rel.trashed, e);
	relation_clear(&rel);
	return rc;
}

static int
take(struct intake *in, const struct record *r, enum store_type type,
    struct err *e)
{
	struct buf bytes = {0};
	struct store_record row;
	enum store_change change;
	int64_t rec;
	int rc = -1;

	record_kept_bytes(&bytes, r);
	row = (struct store_record){
	    .zone = in->zone,
	    .name = r->name,
	    .type = type,
	    .tag = r->tag,
	    .bytes = bytes.data,
	    .len = bytes.len,
	};
	rc = in->absent
	    ? store_witness_record(&change, &rec, in->store, &row, e)
	    : store_record_put(&change, &rec, in->store, &row, in->anew, e);
	if (rc == -1 || change == STORE_SAME)
		goto out;
	in->changes++;
	if (type == STORE_MASTER)
		rc = take_master(in, rec, r, e);
	else if (type == STORE_ASSET)
		rc = take_asset(in, rec, r, e);
	else if (type == STORE_ALBUM)
		rc = take_album(in, rec, r, e);
	else if (type == STORE_RELATION)
		rc = take_relation(in, rec, r, e);
out:
	buf_clear(&bytes);
	return rc;
}

int
intake_record(struct intake *in, const struct record *r, struct err *e)
{
	/* An index ends nothing. */
	if (in->absent && r->type != RECORD_MASTER && r->type != RECORD_ASSET)
		return 0;
	switch (r->type) {
	case RECORD_MASTER:
		return take(in, r, STORE_MASTER, e);
	case RECORD_ASSET:
		return take(in, r, STORE_ASSET, e);
	case RECORD_ALBUM:
		return take(in, r, STORE_ALBUM, e);
	case RECORD_RELATION:
		return take(in, r, STORE_RELATION, e);
	case RECORD_LIBRARY_INFO:
		return take(in, r, STORE_LIBRARY_INFO, e);
	case RECORD_TOMBSTONE:
		in->changes++;
		return store_record_gone(in->store, in->zone, r->name, e);
	case RECORD_OTHER:
		return store_count_other(in->store, in->zone, r->type_name, e);
	case RECORD_ERROR:
		log_debug("A record of the list came as an error.");
		return 0;
	}
	return 0;
}

bool
intake_kept(struct record *out, const struct store_bytes *b)
{
	struct json_span span;

	return b->p != NULL && json_span_all(&span, b->p, b->len, NULL) == 0 &&
	    record_read(out, span, NULL) == 0;
}

void
intake_zone_id(struct zone_id *out, const struct store_zone *z)
{
	*out = (struct zone_id){
	    .database = (enum database)z->database,
	    .name = xstrdup(z->name),
	    .owner = xstrdup(z->owner),
	    .type = xstrdup(z->type),
	};
}
