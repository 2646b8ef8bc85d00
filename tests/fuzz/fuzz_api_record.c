#include "fuzz.h"

#include "asset.h"
#include "buf.h"
#include "details.h"
#include "err.h"
#include "json.h"
#include "record.h"
#include "text.h"

/*
 * A record: what is read of it keeps to its bounds, and the bytes that are kept
 * say the same as those that came, without a link.
 */

#define DAY_S 86400

/* A text that is kept is UTF-8 and not empty. */
static void
look_at_text(const char *text)
{
	if (text != NULL)
		must(*text != '\0' && text_is_utf8(text, strlen(text)));
}

static void
look_at_resources(const struct resource res[RESOURCE_COUNT])
{
	size_t i;

	for (i = 0; i < RESOURCE_COUNT; i++) {
		must(res[i].size_bytes >= -1);
		must(res[i].present == (res[i].checksum.len > 0));
		must(res[i].checksum.len <= CHECKSUM_MAX);
		must(res[i].uti == NULL || *res[i].uti != '\0');
		must(res[i].url == NULL || *res[i].url != '\0');
		must(res[i].uti == NULL || uti_extension(res[i].uti) == NULL ||
		    *uti_extension(res[i].uti) != '\0');
	}
}

/* kept: of the same record as it was kept, so without links. */
static void
same_resources(const struct resource a[RESOURCE_COUNT],
    const struct resource kept[RESOURCE_COUNT])
{
	size_t i;

	for (i = 0; i < RESOURCE_COUNT; i++) {
		must(kept[i].url == NULL);
		must(a[i].present == kept[i].present);
		must(a[i].mentioned == kept[i].mentioned);
		must(a[i].size_bytes == kept[i].size_bytes);
		must(fuzz_same(a[i].uti, kept[i].uti));
		must(memcmp(&a[i].checksum, &kept[i].checksum,
			 sizeof(a[i].checksum)) == 0);
	}
}

static void
look_at_master(const struct record *r, const struct record *kept)
{
	struct master a, b;

	master_read(&a, r);
	master_read(&b, kept);
	look_at_text(a.filename);
	look_at_resources(a.res);
	must(!a.res[RESOURCE_EDITED].mentioned);
	must(fuzz_same(a.name, b.name) && fuzz_same(a.filename, b.filename));
	must(fuzz_same(a.item_type, b.item_type));
	must(a.has_created == b.has_created && a.created_ms == b.created_ms);
	same_resources(a.res, b.res);
	master_clear(&a);
	master_clear(&b);
}

static void
look_at_asset(const struct record *r, const struct record *kept)
{
	struct asset a, b;

	asset_read(&a, r);
	asset_read(&b, kept);
	look_at_text(a.title);
	look_at_text(a.caption);
	look_at_resources(a.res);
	must(a.master == NULL || *a.master != '\0');
	must(!a.res[RESOURCE_ORIGINAL].mentioned);
	must(a.offset_s >= -DAY_S && a.offset_s <= DAY_S);
	must(a.duration_ms >= 0);
	must(fuzz_same(a.name, b.name) && fuzz_same(a.master, b.master));
	must(fuzz_same(a.burst, b.burst) && fuzz_same(a.title, b.title));
	must(fuzz_same(a.caption, b.caption));
	must(a.has_taken == b.has_taken && a.taken_ms == b.taken_ms);
	must(a.has_added == b.has_added && a.added_ms == b.added_ms);
	must(a.has_offset == b.has_offset && a.offset_s == b.offset_s);
	must(a.has_expunged == b.has_expunged);
	must(a.expunged_ms == b.expunged_ms);
	must(a.hidden == b.hidden && a.trashed == b.trashed);
	must(a.favourite == b.favourite && a.expunged == b.expunged);
	must(a.duration_ms == b.duration_ms);
	same_resources(a.res, b.res);
	asset_clear(&a);
	asset_clear(&b);
}

static void
look_at_place(const struct place *p)
{
	const struct place none = {0};

	if (!p->present && !p->has_time)
		return;
	must(!p->present || (p->latitude >= -90 && p->latitude <= 90));
	must(!p->present || (p->longitude >= -180 && p->longitude <= 180));
	must(!p->has_speed || p->speed_mps >= 0);
	must(!p->has_course || (p->course_deg >= 0 && p->course_deg <= 360));
	must(!p->has_accuracy || p->accuracy_m >= 0);
	must(!p->has_altitude || p->altitude_m - p->altitude_m == 0);
	must(p->has_time || p->time_ms == none.time_ms);
}

static void
look_at_details(const struct record *r, const struct record *kept)
{
	struct details a, b;
	size_t i;

	details_read(&a, r, r);
	details_read(&b, kept, NULL);
	look_at_text(a.title);
	look_at_text(a.caption);
	look_at_text(a.time_zone);
	look_at_place(&a.place);
	must(fuzz_same(a.title, b.title) && fuzz_same(a.caption, b.caption));
	must(fuzz_same(a.time_zone, b.time_zone));
	must(fuzz_same(a.adjustment, b.adjustment));
	must(a.nkeywords == b.nkeywords && !b.has_created);
	for (i = 0; i < a.nkeywords; i++) {
		must(text_is_utf8(a.keywords[i], strlen(a.keywords[i])));
		must(fuzz_same(a.keywords[i], b.keywords[i]));
	}
	must(a.place.present == b.place.present);
	must(a.place.latitude == b.place.latitude);
	must(a.orientation == b.orientation && a.subtype == b.subtype);
	details_clear(&a);
	details_clear(&b);
}

static void
look_at_others(const struct record *r, const struct record *kept)
{
	struct album a, b;
	struct relation c, d;
	struct library_info e, f;

	album_read(&a, r);
	album_read(&b, kept);
	look_at_text(a.title);
	must(fuzz_same(a.title, b.title) && fuzz_same(a.parent, b.parent));
	must(a.type == b.type && a.position == b.position);
	must(a.trashed == b.trashed);
	album_clear(&a);
	album_clear(&b);

	relation_read(&c, r);
	relation_read(&d, kept);
	must(c.asset == NULL || *c.asset != '\0');
	must(c.album == NULL || *c.album != '\0');
	must(fuzz_same(c.asset, d.asset) && fuzz_same(c.album, d.album));
	must(c.position == d.position && c.trashed == d.trashed);
	relation_clear(&c);
	relation_clear(&d);

	library_info_read(&e, r);
	library_info_read(&f, kept);
	must(e.photos >= -1 && e.videos >= -1 && e.hidden_photos >= -1);
	must(e.hidden_videos >= -1 && e.albums >= -1 && e.others >= -1);
	must(memcmp(&e, &f, sizeof(e)) == 0);
}

/* The whole number is the one at or below the number with its fraction. */
static void
look_at_field(const struct record *r, const char *name)
{
	struct buf text = {0}, bytes = {0};
	int64_t n;
	double d;

	if (record_double(&d, r, name) && record_int(&n, r, name)) {
		must((double)n <= d || d > 9e15);
		must(d - (double)n < 1 || d < -9e15 || d > 9e15);
	}
	must(record_text(&text, r, name) == (text.len > 0));
	must(text_is_utf8(buf_text(&text), text.len));
	must(strlen(buf_text(&text)) == text.len);
	must(record_bytes(&bytes, r, name) == (bytes.len > 0));
	must(record_ref(r, name) == NULL || *record_ref(r, name) != '\0');
	buf_clear(&text);
	buf_clear(&bytes);
}

/* No link at any depth, of any type of value. */
static bool
has_link(const cJSON *json)
{
	const cJSON *v;

	if (fuzz_same(json->string, "downloadURL"))
		return !cJSON_IsString(json) || json->valuestring[0] != '\0';
	cJSON_ArrayForEach (v, json) {
		if (has_link(v))
			return true;
	}
	return false;
}

static void
look_at_kept(const struct record *r)
{
	struct buf bytes = {0}, again = {0};
	struct json_span span;
	struct record kept;

	record_kept_bytes(&bytes, r);
	must(json_span_all(&span, buf_text(&bytes), bytes.len, NULL) == 0);
	must(record_read(&kept, span, NULL) == 0);
	must(!has_link(kept.json));
	must(fuzz_same_json(r->json, kept.json, "downloadURL"));
	must(kept.type == r->type);
	must(fuzz_same(kept.name, r->name) && fuzz_same(kept.tag, r->tag));
	must(kept.created_ms == r->created_ms);
	record_kept_bytes(&again, &kept);
	must(strcmp(buf_text(&again), buf_text(&bytes)) == 0);
	look_at_master(r, &kept);
	look_at_asset(r, &kept);
	look_at_details(r, &kept);
	look_at_others(r, &kept);
	record_clear(&kept);
	buf_clear(&bytes);
	buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_span span;
	struct err e = ERR_INIT;
	struct record r;
	const cJSON *field;

	if (json_span_all(&span, (const char *)data, n, NULL) == -1)
		return 0;
	if (record_read(&r, span, &e) == -1) {
		must(e.code == ERR_PROTOCOL && r.json == NULL);
		return 0;
	}
	must(r.name != NULL && *r.name != '\0');
	must(r.type_name != NULL && r.tag != NULL);
	must(r.raw.p == span.p && r.raw.len == span.len);
	cJSON_ArrayForEach (field, r.fields) {
		look_at_field(&r, field->string);
	}
	look_at_kept(&r);
	record_clear(&r);
	return 0;
}
