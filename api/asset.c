#include "asset.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "record.h"

/*
 * [resources]: a group has the members <prefix>Res, <prefix>FileType and so
 * on.  What a person edited lies on the asset; editing never touches the
 * master.
 */
static const struct {
	const char *name, *prefix;
	bool on_master, on_asset;
} roles[RESOURCE_COUNT] = {
    [RESOURCE_ORIGINAL] = {"original", "resOriginal", true, false},
    [RESOURCE_LIVE] = {"live", "resOriginalVidCompl", true, false},
    [RESOURCE_ALTERNATIVE] = {"alternative", "resOriginalAlt", true, false},
    [RESOURCE_SIDECAR] = {"sidecar", "resSidecar", true, true},
    [RESOURCE_EDITED] = {"edited", "resJPEGFull", false, true},
    [RESOURCE_EDITED_VIDEO] = {"edited-video", "resVidFull", false, true},
};

const char *
resource_role_name(enum resource_role role)
{
	return roles[role].name;
}

static char *
own(const char *s)
{
	return s != NULL && *s != '\0' ? xstrdup(s) : NULL;
}

static char *
own_text(const struct record *r, const char *field)
{
	struct buf b = {0};
	char *s = NULL;

	if (record_text(&b, r, field))
		s = buf_take(&b);
	buf_clear(&b);
	return s;
}

static bool
is_set(const struct record *r, const char *field)
{
	int64_t n;

	return record_int(&n, r, field) && n != 0;
}

/* Names such as "resOriginalVidComplFingerprint". */
#define MEMBER_MAX 64

static const char *
member(char out[MEMBER_MAX], const char *prefix, const char *what)
{
	int n = snprintf(out, MEMBER_MAX, "%s%s", prefix, what);

	assert(n > 0 && n < MEMBER_MAX);
	(void)n;
	return out;
}

/* Does anything of the group with this prefix have a value? */
static bool
is_mentioned(const struct record *r, const char *prefix)
{
	static const char *const members[] = {
	    "Res", "FileType", "Fingerprint", "Width", "Height", "FileSize"};
	const size_t len = strlen(prefix);
	const cJSON *field, *value;
	size_t i;

	cJSON_ArrayForEach (field, r->fields) {
		if (strncmp(field->string, prefix, len) != 0)
			continue;
		value = json_get(field, "value");
		if (value == NULL || cJSON_IsNull(value))
			continue;
		for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
			if (strcmp(field->string + len, members[i]) == 0)
				return true;
	}
	return false;
}

/*
 * The fingerprint equals fileChecksum wherever both were seen, so it stands in
 * for one that is missing; alone, without a ...Res, it is half a resource and
 * offers no bytes.
 */
static bool
read_checksum(struct checksum *out, const struct record *r, const cJSON *res,
    const char *prefix)
{
	const char *s = json_str(res, "fileChecksum");
	char name[MEMBER_MAX];

	if (s == NULL || *s == '\0')
		s = record_str(r, member(name, prefix, "Fingerprint"));
	return checksum_read(out, s);
}

static void
resource_read(struct resource *out, const struct record *r, const char *prefix)
{
	char name[MEMBER_MAX];
	const cJSON *res = json_object(
	    json_get(r->fields, member(name, prefix, "Res")), "value");

	out->size_bytes = -1;
	out->mentioned = is_mentioned(r, prefix);
	out->uti = own(record_str(r, member(name, prefix, "FileType")));
	if (res == NULL)
		return;
	out->present = read_checksum(&out->checksum, r, res, prefix);
	if (!json_int(&out->size_bytes, res, "size") || out->size_bytes < 0)
		out->size_bytes = -1;
	out->url = own(json_str(res, "downloadURL"));
}

void
resource_clear(struct resource *res)
{
	free(res->uti);
	secret_free(res->url);
	memset(res, 0, sizeof(*res));
	res->size_bytes = -1;
}

static void
resources_read(struct resource out[RESOURCE_COUNT], const struct record *r,
    bool from_master)
{
	size_t i;

	for (i = 0; i < RESOURCE_COUNT; i++) {
		out[i].size_bytes = -1;
		if (from_master ? roles[i].on_master : roles[i].on_asset)
			resource_read(&out[i], r, roles[i].prefix);
	}
}

static void
resources_clear(struct resource res[RESOURCE_COUNT])
{
	size_t i;

	for (i = 0; i < RESOURCE_COUNT; i++)
		resource_clear(&res[i]);
}

void
master_read(struct master *out, const struct record *r)
{
	memset(out, 0, sizeof(*out));
	out->name = xstrdup(r->name);
	out->filename = own_text(r, "filenameEnc");
	out->item_type = own(record_str(r, "itemType"));
	out->has_created =
	    record_int(&out->created_ms, r, "originalCreationDate");
	resources_read(out->res, r, true);
	/* The item's own type may be missing or have no value. */
	if (out->item_type == NULL)
		out->item_type = xstrdup(out->res[RESOURCE_ORIGINAL].uti);
}

void
master_clear(struct master *m)
{
	free(m->name);
	free(m->filename);
	free(m->item_type);
	resources_clear(m->res);
	m->name = m->filename = m->item_type = NULL;
}

/* Seconds east of UTC; what is more than 14 hours is no zone on Earth. */
static bool
read_offset(int64_t *out, const struct record *r)
{
	const int64_t most_s = 50400;
	int64_t n;

	if (!record_int(&n, r, "timeZoneOffset") || n < -most_s || n > most_s)
		return false;
	*out = n;
	return true;
}

void
asset_read(struct asset *out, const struct record *r)
{
	memset(out, 0, sizeof(*out));
	out->name = xstrdup(r->name);
	out->master = own(record_ref(r, "masterRef"));
	/* Any value at all may come, year 0 and year 2,743,924 included. */
	out->has_taken = record_int(&out->taken_ms, r, "assetDate");
	out->has_added = record_int(&out->added_ms, r, "addedDate");
	if (!out->has_added && r->created_ms != 0) {
		out->added_ms = r->created_ms;
		out->has_added = out->added_by_record = true;
	}
	out->has_offset = read_offset(&out->offset_s, r);
	out->has_expunged = record_int(&out->expunged_ms, r, "dateExpunged");
	out->hidden = is_set(r, "isHidden");
	out->trashed = is_set(r, "isDeleted");
	out->favourite = is_set(r, "isFavorite");
	out->expunged = is_set(r, "isExpunged");
	out->burst = own(record_str(r, "burstId"));
	out->title = own_text(r, "captionEnc");
	out->caption = own_text(r, "extendedDescEnc");
	if (!record_int(&out->duration_ms, r, "duration") ||
	    out->duration_ms < 0)
		out->duration_ms = 0;
	resources_read(out->res, r, false);
}

void
asset_clear(struct asset *a)
{
	free(a->name);
	free(a->master);
	free(a->burst);
	free(a->title);
	free(a->caption);
	resources_clear(a->res);
	a->name = a->master = a->burst = a->title = a->caption = NULL;
}

/* The name of another record, whether as a text or as a reference. */
static char *
own_name(const struct record *r, const char *field)
{
	const char *s = record_str(r, field);

	return own(s != NULL ? s : record_ref(r, field));
}

void
album_read(struct album *out, const struct record *r)
{
	memset(out, 0, sizeof(*out));
	out->name = xstrdup(r->name);
	out->title = own_text(r, "albumNameEnc");
	out->parent = own_name(r, "parentId");
	/* The root folder is no folder that anybody sees. */
	if (out->parent != NULL &&
	    strcmp(out->parent, "----Root-Folder----") == 0) {
		free(out->parent);
		out->parent = NULL;
	}
	if (!record_int(&out->type, r, "albumType"))
		out->type = -1;
	if (!record_int(&out->position, r, "position"))
		out->position = 0;
	out->trashed = is_set(r, "isDeleted");
}

void
album_clear(struct album *a)
{
	free(a->name);
	free(a->title);
	free(a->parent);
	a->name = a->title = a->parent = NULL;
}

void
relation_read(struct relation *out, const struct record *r)
{
	const char *at, *next, *in = NULL;

	memset(out, 0, sizeof(*out));
	out->name = xstrdup(r->name);
	out->asset = own_name(r, "itemId");
	out->album = own_name(r, "containerId");
	if (!record_int(&out->position, r, "position"))
		out->position = 0;
	out->trashed = is_set(r, "isDeleted");
	/* [tombstone]: only the name tells, divided at its last "-IN-". */
	for (at = r->name; (next = strstr(at, "-IN-")) != NULL; at = next + 1)
		in = next;
	if (in == NULL)
		return;
	if (out->asset == NULL && in > r->name)
		out->asset = xstrndup(r->name, (size_t)(in - r->name));
	if (out->album == NULL)
		out->album = own(in + strlen("-IN-"));
}

void
relation_clear(struct relation *rel)
{
	free(rel->name);
	free(rel->asset);
	free(rel->album);
	rel->name = rel->asset = rel->album = NULL;
}

static int64_t
read_count(const struct record *r, const char *field)
{
	int64_t n;

	return record_int(&n, r, field) && n >= 0 ? n : -1;
}

void
library_info_read(struct library_info *out, const struct record *r)
{
	out->photos = read_count(r, "photosCount");
	out->videos = read_count(r, "videosCount");
	out->hidden_photos = read_count(r, "hiddenPhotosCount");
	out->hidden_videos = read_count(r, "hiddenVideosCount");
	out->albums = read_count(r, "albumsCount");
	out->others = read_count(r, "othersCount");
}
