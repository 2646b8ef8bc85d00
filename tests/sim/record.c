#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

/*
 * Records as the service writes them: field sets, types and the envelope are
 * those of the recordings [record-typing], [master-fields], [asset-fields].
 */

/* --- desiredKeys --- */

struct keys {
	const char **slot;
	size_t cap;
};

static size_t
text_hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ (h >> 29));
}

struct keys *
keys_new(const cJSON *array)
{
	const cJSON *e;
	struct keys *k;
	size_t i, n;

	if (!cJSON_IsArray(array))
		return NULL;
	k = xcalloc(1, sizeof(*k));
	n = (size_t)cJSON_GetArraySize(array);
	for (k->cap = 64; k->cap < 4 * n;)
		k->cap *= 2;
	k->slot = xcalloc(k->cap, sizeof(*k->slot));
	cJSON_ArrayForEach (e, array) {
		if (!cJSON_IsString(e))
			continue;
		for (i = text_hash(e->valuestring) & (k->cap - 1);
		     k->slot[i] != NULL; i = (i + 1) & (k->cap - 1))
			;
		k->slot[i] = e->valuestring;
	}
	return k;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	free(k->slot);
	free(k);
}

static bool
wanted(const struct keys *k, const char *name)
{
	size_t i;

	if (k == NULL)
		return true;
	for (i = text_hash(name) & (k->cap - 1); k->slot[i] != NULL;
	     i = (i + 1) & (k->cap - 1))
		if (strcmp(k->slot[i], name) == 0)
			return true;
	return false;
}

/* --- faults --- */

static bool
in_list(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *p;

	for (p = list; (p = strstr(p, name)) != NULL; p += n)
		if ((p == list || p[-1] == ',') &&
		    (p[n] == '\0' || p[n] == ','))
			return true;
	return false;
}

bool
fault_chooses(const char *value, const char *record_name)
{
	int64_t n;

	if (value[0] == '\0')
		return true;
	if (text_int(&n, value, 1, INT32_MAX) == 0)
		return mix64(text_hash(record_name)) % (uint64_t)n == 0;
	return in_list(value, record_name);
}

void
fault_value(char out[64], const char *value)
{
	snprintf(out, 64, "%.*s", (int)strcspn(value, "@"), value);
}

bool
fault_value_chooses(const char *value, const char *record_name)
{
	const char *at = strchr(value, '@');

	return fault_chooses(at != NULL ? at + 1 : "", record_name);
}

/* --- fields --- */

struct out {
	struct buf *buf;
	const struct page *page;
	bool some; /* fields were written */
	bool odd_types;
};

static bool
field(struct out *o, const char *name)
{
	if (!wanted(o->page->keys, name))
		return false;
	if (o->some)
		buf_addc(o->buf, ',');
	o->some = true;
	buf_addf(o->buf, "\"%s\":{\"value\":", name);
	return true;
}

static void
put_number(struct out *o, const char *name, int64_t v, const char *type)
{
	if (!field(o, name))
		return;
	buf_addf(o->buf,
	    o->odd_types ? "\"%lld\",\"type\":\"%s\"}"
			 : "%lld,\"type\":\"%s\"}",
	    (long long)v, type);
}

static void
put_int(struct out *o, const char *name, int64_t v)
{
	put_number(o, name, v, "INT64");
}

static void
put_time(struct out *o, const char *name, int64_t ms)
{
	put_number(o, name, ms, "TIMESTAMP");
}

static void
put_text(struct out *o, const char *name, const char *text)
{
	if (!field(o, name))
		return;
	if (o->odd_types)
		buf_addf(o->buf, "[null,%d]", (int)strlen(text));
	else
		buf_add_json(o->buf, text);
	buf_adds(o->buf, ",\"type\":\"STRING\"}");
}

/* ENCRYPTED_BYTES: plain bytes in spite of the name [enc-decoding]. */
static void
put_bytes(struct out *o, const char *name, const void *p, size_t len)
{
	if (!field(o, name))
		return;
	buf_addc(o->buf, '"');
	text_base64(o->buf, p, len);
	buf_adds(o->buf, "\",\"type\":\"ENCRYPTED_BYTES\"}");
}

static void
put_text_bytes(struct out *o, const char *name, const char *text)
{
	put_bytes(o, name, text, strlen(text));
}

static void
put_reference(struct out *o, const char *name, const char *record_name)
{
	if (!field(o, name))
		return;
	buf_addf(o->buf,
	    "{\"recordName\":\"%s\",\"action\":\"DELETE_SELF\",\"zoneID\":%s},"
	    "\"type\":\"REFERENCE\"}",
	    record_name, o->page->zone->id_json);
}

static void
put_contributors(struct out *o)
{
	const struct zone *z = o->page->zone;

	if (strncmp(z->name, "SharedSync-", 11) != 0 ||
	    !field(o, "contributors"))
		return;
	buf_addf(o->buf,
	    "[{\"recordName\":\"%s\",\"action\":\"NONE\",\"zoneID\":%s}],"
	    "\"type\":\"REFERENCE_LIST\"}",
	    z->owner, z->id_json);
}

/* --- property lists --- */

static void
big_endian(uint8_t *out, uint64_t v, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++)
		out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

struct plist {
	struct buf buf;
	uint8_t offsets[32];
	int count;
};

static void
plist_begin(struct plist *p)
{
	memset(p, 0, sizeof(*p));
	buf_adds(&p->buf, "bplist00");
}

static void
plist_object(struct plist *p)
{
	p->offsets[p->count++] = (uint8_t)p->buf.len;
}

static void
plist_ascii(struct plist *p, const char *text)
{
	const size_t len = strlen(text);

	plist_object(p);
	if (len < 15) {
		buf_addc(&p->buf, (char)(0x50 | len));
	} else {
		buf_adds(&p->buf, "\x5f\x10");
		buf_addc(&p->buf, (char)len);
	}
	buf_adds(&p->buf, text);
}

/* marker 0x23 for a number, 0x33 for a date */
static void
plist_double(struct plist *p, uint8_t marker, double d)
{
	uint8_t bytes[9];
	uint64_t bits;

	plist_object(p);
	memcpy(&bits, &d, sizeof(bits));
	bytes[0] = marker;
	big_endian(bytes + 1, bits, 8);
	buf_add(&p->buf, bytes, sizeof(bytes));
}

static void
plist_int(struct plist *p, uint64_t v)
{
	uint8_t bytes[5] = {0x12};

	plist_object(p);
	big_endian(bytes + 1, v, 4);
	buf_add(&p->buf, bytes, sizeof(bytes));
}

/* The offset table and the trailer; object 0 is the top. */
static void
plist_end(struct plist *p)
{
	uint8_t trailer[32] = {0};
	size_t table = p->buf.len;

	buf_add(&p->buf, p->offsets, (size_t)p->count);
	trailer[6] = trailer[7] = 1;
	big_endian(trailer + 8, (uint64_t)p->count, 8);
	big_endian(trailer + 24, table, 8);
	buf_add(&p->buf, trailer, sizeof(trailer));
}

/* Object 0, a dictionary of n keys (objects 1 to n) and n values after them. */
static void
plist_dictionary(struct plist *p, int n)
{
	int i;

	plist_object(p);
	buf_addc(&p->buf, (char)(0xd0 | n));
	for (i = 1; i <= 2 * n; i++)
		buf_addc(&p->buf, (char)i);
}

/* Where an asset was taken; xml: as that form of it has it, in thousandths, so
 * that no locale turns a point into a comma. */
struct place {
	double lat, lon, alt;
	struct {
		unsigned int lat, lat_parts, lon, lon_parts;
	} xml;
};

static void
place_of(struct place *out, const struct cloud *c, const struct asset *a)
{
	uint64_t r = mix2(c->options.seed, a->origin / 5);

	out->lat = (double)(r % 170000) / 1000 - 85;
	out->lon = (double)(r / 170000 % 359000) / 1000 - 179.5;
	out->alt = (double)(r >> 40) / 10000;
	out->xml.lat = (unsigned int)(r % 85);
	out->xml.lat_parts = (unsigned int)(r >> 8) % 1000;
	out->xml.lon = (unsigned int)(r >> 20) % 180;
	out->xml.lon_parts = (unsigned int)(r >> 30) % 1000;
}

static void
put_place(struct out *o, const struct asset *a)
{
	static const char *const names[] = {"course", "speed", "alt", "lon",
	    "vertAcc", "lat", "timestamp", "horzAcc"};
	struct place at;
	double values[] = {-1, -1, 0, 0, 0, 0, 0, 65};
	struct plist p;
	char xml[512];
	size_t i;

	place_of(&at, o->page->cloud, a);
	values[2] = at.alt;
	values[3] = at.lon;
	values[5] = at.lat;
	if ((a->flags & A_PLACE_JUNK) != 0) {
		put_text_bytes(o, "locationEnc", "\x01\x02 no property list");
		return;
	}
	if ((a->flags & A_PLACE_XML) != 0) {
		snprintf(xml, sizeof(xml),
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<plist version=\"1.0\"><dict><key>lat</key><real>%u.%03u"
		    "</real><key>lon</key><real>%u.%03u</real></dict></plist>",
		    at.xml.lat, at.xml.lat_parts, at.xml.lon, at.xml.lon_parts);
		put_text_bytes(o, "locationEnc", xml);
		return;
	}
	if ((a->flags & A_PLACE) == 0)
		return;
	plist_begin(&p);
	plist_dictionary(&p, 8);
	for (i = 0; i < 8; i++)
		plist_ascii(&p, names[i]);
	for (i = 0; i < 8; i++)
		plist_double(&p, i == 6 ? 0x33 : 0x23, values[i]);
	plist_end(&p);
	put_bytes(o, "locationEnc", p.buf.data, p.buf.len);
	buf_clear(&p.buf);
}

static const char *
second_keyword(const struct asset *a)
{
	return a->origin % 2 ? "garden" : "lake";
}

static void
put_keywords(struct out *o, const struct asset *a)
{
	struct plist p;
	int i, count = (a->flags & A_KEYWORDS) != 0 ? 2 : 0;

	if ((a->flags & (A_KEYWORDS | A_KEYWORDS_EMPTY)) == 0)
		return;
	plist_begin(&p);
	plist_object(&p);
	buf_addc(&p.buf, (char)(0xa0 | count));
	for (i = 1; i <= count; i++)
		buf_addc(&p.buf, (char)i);
	if (count > 0) {
		plist_ascii(&p, "family");
		plist_ascii(&p, second_keyword(a));
	}
	plist_end(&p);
	put_bytes(o, "keywordsEnc", p.buf.data, p.buf.len);
	buf_clear(&p.buf);
}

/* [media-data] */
static void
put_media_data(
    struct out *o, const struct master *m, int64_t width, int64_t height)
{
	const bool dated = (m->flags & M_UPLOADED) != 0;
	struct plist p;

	if (!wanted(o->page->keys, "mediaMetaDataEnc"))
		return;
	plist_begin(&p);
	plist_dictionary(&p, dated ? 3 : 2);
	plist_ascii(&p, "PixelWidth");
	plist_ascii(&p, "PixelHeight");
	if (dated)
		plist_ascii(&p, "{Exif}");
	plist_int(&p, (uint64_t)width);
	plist_int(&p, (uint64_t)height);
	if (dated) { /* objects 6 to 8: a dictionary of one key */
		plist_object(&p);
		buf_adds(&p.buf, "\xd1\x07\x08");
		plist_ascii(&p, "DateTimeOriginal");
		plist_ascii(&p, "2021:09:29 12:00:01");
	}
	plist_end(&p);
	put_bytes(o, "mediaMetaDataEnc", p.buf.data, p.buf.len);
	put_text(o, "mediaMetaDataType", "CGImageProperties");
	buf_clear(&p.buf);
}

/* --- resources --- */

/* fileChecksum of the kind that a fault asks for: "04" or "81/33" (bytes). */
static void
other_checksum(char out[CHECKSUM_MAX], const struct sums *s, const char *value)
{
	char text[64];
	uint8_t bytes[33];
	struct buf b = {0};
	uint8_t kind = 1;
	int64_t wanted_len;
	size_t len = 1 + SHA1_LEN, i;
	char *slash;

	fault_value(text, value);
	slash = strchr(text, '/');
	if (slash != NULL) {
		*slash = '\0';
		if (text_int(&wanted_len, slash + 1, 1, sizeof(bytes)) == 0)
			len = (size_t)wanted_len;
	}
	if (text_unhex(&kind, 1, text) == -1)
		kind = 1;
	bytes[0] = kind;
	for (i = 1; i < sizeof(bytes); i++)
		/* a keyed hash has nothing to do with ours
		 * [file-checksum] */
		bytes[i] = i > SHA1_LEN || (kind & 0x7f) == 4
		    ? (uint8_t)mix2(s->sha1[i % SHA1_LEN], i)
		    : s->sha1[i - 1];
	text_base64(&b, bytes, len);
	snprintf(out, CHECKSUM_MAX, "%s", buf_text(&b));
	buf_clear(&b);
}

struct resource {
	const char *prefix;
	int64_t width, height;
	bool is_original; /* the master's own */
};

static void
put_asset_id(struct out *o, const char *name, const struct content *f,
    const struct sums *s, const char *checksum, const char *record_name,
    bool is_original)
{
	const struct sim_request *r = o->page->request;
	const char *fault;
	char reference[CHECKSUM_MAX], link_checksum[CHECKSUM_MAX];
	char number[64];
	uint8_t key[16];
	int64_t size = f->size, by;

	if (!field(o, name))
		return;
	fault = is_original ? sim_fault_hook(r, "wrong_size") : NULL;
	if (fault != NULL && fault_value_chooses(fault, record_name)) {
		fault_value(number, fault);
		if (text_int(&by, number, INT32_MIN, INT32_MAX) == -1)
			by = 1;
		size += by;
	}
	content_reference(reference, f);
	content_wrapping_key(key, f);
	buf_addf(o->buf,
	    "{\"fileChecksum\":\"%s\",\"size\":%lld,"
	    "\"wrappingKey\":\"",
	    checksum, (long long)size);
	text_base64(o->buf, key, sizeof(key));
	buf_addf(o->buf, "\",\"referenceChecksum\":\"%s\"", reference);
	fault = is_original ? sim_fault_hook(r, "no_url") : NULL;
	if (fault == NULL || !fault_chooses(fault, record_name)) {
		if (strlen(checksum) == 28)
			snprintf(link_checksum, CHECKSUM_MAX, "%s", checksum);
		else
			checksum_text(link_checksum, s->sha1);
		buf_adds(o->buf, ",\"downloadURL\":\"");
		content_link(o->buf, o->page->cloud, f, link_checksum,
		    o->page->zone->name, o->page->expires_s, o->page->uuid,
		    o->page->partition);
		buf_addc(o->buf, '"');
	}
	buf_adds(o->buf, "},\"type\":\"ASSETID\"}");
}

/* A group: Width, Height, FileType, Fingerprint and Res [resources]. */
static void
put_resource(struct out *o, const struct resource *res, const struct content *f,
    const struct sums *s, const char *uti, const char *record_name)
{
	const char *fault = NULL;
	char name[48], checksum[CHECKSUM_MAX];

	checksum_text(checksum, s->sha1);
	if (res->is_original)
		fault = sim_fault_hook(o->page->request, "checksum_kind");
	if (fault != NULL && fault_value_chooses(fault, record_name))
		other_checksum(checksum, s, fault);
	snprintf(name, sizeof(name), "%sWidth", res->prefix);
	put_int(o, name, res->width);
	snprintf(name, sizeof(name), "%sHeight", res->prefix);
	put_int(o, name, res->height);
	snprintf(name, sizeof(name), "%sFileType", res->prefix);
	put_text(o, name, uti);
	snprintf(name, sizeof(name), "%sFingerprint", res->prefix);
	put_text(o, name, checksum);
	snprintf(name, sizeof(name), "%sRes", res->prefix);
	put_asset_id(o, name, f, s, checksum, record_name, res->is_original);
}

static bool
any_wanted(const struct keys *k, const char *prefix)
{
	static const char *const ends[] = {
	    "Res", "Fingerprint", "FileType", "Width", "Height"};
	char name[48];
	size_t i;

	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, ends[i]);
		if (wanted(k, name))
			return true;
	}
	return false;
}

static void
put_role(struct out *o, const struct item *it, enum role role,
    const char *prefix, int64_t width, int64_t height, const char *record_name)
{
	struct resource res = {prefix, width, height, role == ROLE_ORIGINAL};
	struct content f;
	struct sums s;
	const char *uti;

	if (!any_wanted(o->page->keys, prefix) ||
	    !library_content(&f, &uti, o->page->cloud,
		it->type == TYPE_ASSET ? &it->asset : NULL, &it->master, role))
		return;
	if (role == ROLE_ORIGINAL)
		memcpy(s.sha1, it->master.sha1, SHA1_LEN);
	else
		content_sums(&s, o->page->cloud, &f, false);
	put_resource(o, &res, &f, &s, uti, record_name);
}

/* --- the envelope --- */

static void
begin_record(struct out *o, const char *name, const char *type)
{
	buf_addf(
	    o->buf, "{\"recordName\":\"%s\",\"recordType\":\"%s\"", name, type);
	buf_adds(o->buf, ",\"fields\":{");
}

static void
base36(char out[16], uint64_t v)
{
	char digits[16];
	int n = 0, i;

	do
		digits[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36];
	while ((v /= 36) != 0);
	for (i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	out[n] = '\0';
}

static void
put_stamp(struct buf *b, const struct page *p, const char *name, int64_t ms)
{
	uint64_t seed = p->cloud->options.seed;

	buf_addf(b,
	    ",\"%s\":{\"timestamp\":%lld,\"userRecordName\":\"%s\","
	    "\"deviceID\":\"%016llX%016llX%016llX%016llX\"}",
	    name, (long long)ms, p->zone->owner,
	    (unsigned long long)mix2(seed, 11),
	    (unsigned long long)mix2(seed, 12),
	    (unsigned long long)mix2(seed, 13),
	    (unsigned long long)mix2(seed, 14));
}

static void
end_record(struct out *o, uint32_t tag, int64_t created_ms, int64_t modified_ms,
    int64_t trashed_ms)
{
	struct buf *b = o->buf;
	char text[16];

	base36(text, tag);
	buf_addf(b, "},\"pluginFields\":{},\"recordChangeTag\":\"%s\"", text);
	put_stamp(b, o->page, "created", created_ms);
	put_stamp(b, o->page, "modified", modified_ms);
	buf_addf(b, ",\"deleted\":false,\"zoneID\":%s", o->page->zone->id_json);
	if (trashed_ms != 0) /* seconds; 40 days after [trash] */
		buf_addf(b, ",\"expirationTime\":%lld",
		    (long long)((trashed_ms + 40 * DAY_MS) / 1000));
	buf_addc(b, '}');
}

static void
put_tombstone(
    struct buf *b, const struct page *p, const char *name, uint32_t tag)
{
	char text[16];

	base36(text, tag);
	/* type absent or null, no fields [tombstone] */
	if (tag % 2 == 0)
		buf_addf(b,
		    "{\"recordName\":\"%s\",\"recordType\":null,"
		    "\"deleted\":true,\"recordChangeTag\":\"%s\"}",
		    name, text);
	else
		buf_addf(b,
		    "{\"recordName\":\"%s\",\"deleted\":true,\"zoneID\":%s}",
		    name, p->zone->id_json);
}

/* --- CPLMaster --- */

static void
picture_size(int64_t *width, int64_t *height, const struct master *m)
{
	static const int64_t sides[KIND_COUNT][2] = {
	    [KIND_JPEG] = {4032, 3024},
	    [KIND_HEIC] = {4032, 3024},
	    [KIND_PNG] = {1170, 2532},
	    [KIND_GIF] = {480, 270},
	    [KIND_WEBP] = {1600, 1200},
	    [KIND_PANORAMA] = {12012, 3024},
	    [KIND_MOV] = {3840, 2160},
	    [KIND_MP4] = {1280, 720},
	    [KIND_SLOMO] = {1920, 1080},
	    [KIND_TIMELAPSE] = {1920, 1080},
	    [KIND_DNG] = {8064, 6048},
	    [KIND_CR3] = {6000, 4000},
	    [KIND_RAW_JPEG] = {5472, 3648},
	    [KIND_JPEG_RAW] = {5472, 3648},
	    [KIND_FUTURE] = {4032, 3024},
	    [KIND_DATA] = {0, 0},
	    [KIND_RECORDED] = {950, 637},
	};

	*width = sides[m->kind][0];
	*height = sides[m->kind][1];
}

static int64_t
orientation(const struct master *m)
{
	static const uint8_t usual[] = {1, 1, 1, 6, 1, 1, 3, 8};

	if (kind_is_video(m->kind) || m->kind == KIND_PNG)
		return 1;
	return usual[mix2(m->key, 6) % sizeof(usual)];
}

static void
put_filename(struct out *o, const struct master *m)
{
	struct buf b = {0};
	size_t before, len;

	library_filename(&b, o->page->cloud, m);
	switch (m->name_form) {
	case NAME_MISSING:
		break;
	case NAME_STRING:
		put_text(o, "filenameEnc", buf_text(&b));
		break;
	case NAME_UNPADDED:
		/* IMG_nnnn.JPG would need no padding: with a NUL it does */
		if (!field(o, "filenameEnc"))
			break;
		buf_addc(o->buf, '"');
		before = o->buf->len;
		text_base64(o->buf, (const uint8_t *)buf_text(&b), b.len + 1);
		for (len = o->buf->len; len > before; len--)
			if (o->buf->data[len - 1] != '=')
				break;
		o->buf->len = len;
		o->buf->data[len] = '\0';
		buf_adds(o->buf, "\",\"type\":\"ENCRYPTED_BYTES\"}");
		break;
	default:
		put_bytes(o, "filenameEnc", buf_text(&b), b.len);
		break;
	}
	buf_clear(&b);
}

static void
put_master_resources(struct out *o, const struct item *it, const char *name)
{
	const struct master *m = &it->master;
	const char *fault = sim_fault_hook(o->page->request, "no_original");
	int64_t w, h;

	picture_size(&w, &h, m);
	if (fault == NULL || !fault_chooses(fault, name))
		put_role(o, it, ROLE_ORIGINAL, "resOriginal", w, h, name);
	put_role(o, it, ROLE_LIVE, "resOriginalVidCompl", 1308, 980, name);
	put_role(o, it, ROLE_ALTERNATIVE, "resOriginalAlt", w, h, name);
	if ((m->flags & M_SIDECAR) != 0)
		put_role(o, it, ROLE_SIDECAR, "resSidecar", 0, 0, name);
	put_role(o, it, ROLE_MED, "resJPEGMed", 2048, 1536, name);
	if ((m->flags & M_HALF_VARIANT) != 0) { /* half a variant */
		put_int(o, "resJPEGMedWidth", 2048);
		put_int(o, "resJPEGMedHeight", 1536);
	}
	put_role(o, it, ROLE_THUMB, "resJPEGThumb", 480, 360, name);
	put_role(o, it, ROLE_VID_MED, "resVidMed", 1280, 720, name);
	put_role(o, it, ROLE_VID_SMALL, "resVidSmall", 640, 360, name);
}

static void
write_master(struct out *o, const struct item *it)
{
	const struct master *m = &it->master;
	char name[CHECKSUM_MAX];
	struct content f;
	const char *uti;
	int64_t w, h, created_ms = it->asset.added_ms + 3900;

	checksum_text(name, m->sha1);
	if ((m->flags & M_GONE) != 0) {
		put_tombstone(o->buf, o->page, name, m->tag);
		return;
	}
	picture_size(&w, &h, m);
	library_content(&f, &uti, o->page->cloud, NULL, m, ROLE_ORIGINAL);
	begin_record(o, name, "CPLMaster");
	if ((m->flags & M_NO_ITEM_TYPE) == 0)
		put_text(o, "itemType", uti);
	put_filename(o, m);
	put_int(o, "dataClassType",
	    m->kind == KIND_DATA         ? 0
		: kind_is_video(m->kind) ? 2
					 : 1);
	put_int(o, "originalOrientation", orientation(m));
	put_time(o, "originalCreationDate", it->asset.date_ms);
	put_time(o, "importDate", it->asset.added_ms);
	if (!kind_is_video(m->kind))
		put_media_data(o, m, w, h);
	put_text_bytes(o, "importedByBundleIdentifierEnc", "com.apple.camera");
	put_text_bytes(o, "importedByDisplayNameEnc", "Camera");
	put_contributors(o);
	if ((m->flags & M_TRASHED) != 0) {
		put_int(o, "isDeleted", 1);
		put_time(o, "dateExpunged", m->trashed_ms + 30 * DAY_MS);
	}
	put_master_resources(o, it, name);
	end_record(o, m->tag, created_ms, m->modified_ms,
	    (m->flags & M_TRASHED) != 0 ? m->trashed_ms : 0);
}

/* --- CPLAsset --- */

static void
put_adjustment(struct out *o, const struct item *it)
{
	/* three of the recipes that occur: a property list, a drawing, deflated
	 * JSON [adjustment] */
	static const uint8_t deflated[] = {0xab, 0x56, 0x4a, 0x2e, 0xca, 0x2f,
	    0x50, 0xb2, 0x8a, 0x36, 0xd0, 0x31, 0xd0, 0x31, 0xd4, 0x31, 0x8c,
	    0xd5, 0x51, 0x2a, 0xca, 0x2f, 0x49, 0x2c, 0x49, 0x55, 0xb2, 0xb2,
	    0x34, 0xa8, 0x05, 0x00};
	const struct asset *a = &it->asset;

	if ((a->flags & A_EDITED) == 0) {
		put_int(o, "adjustmentRenderType",
		    (a->flags & A_DEPTH) != 0          ? 2
			: (a->flags & A_EXPOSURE) != 0 ? 4
						       : 0);
		/* slow motion bears a type without a rendering [resources] */
		if (it->master.kind == KIND_SLOMO)
			put_text(o, "adjustmentType", "com.apple.video.slomo");
		return;
	}
	if ((a->flags & A_EDIT_SHOT) != 0) {
		put_int(o, "adjustmentRenderType", 0);
		put_text(o, "adjustmentType", "ScreenshotServices");
		return;
	}
	put_int(o, "adjustmentRenderType", 2050);
	put_text(o, "adjustmentType", "com.apple.photo");
	put_text(o, "adjustmentCreatorCode", "com.apple.mobileslideshow");
	put_text(o, "adjustmentCompoundVersion", "1.9.1");
	put_int(o, "adjustmentSourceType", 0);
	switch (a->edit_key % 3) {
	case 0:
		put_bytes(
		    o, "adjustmentSimpleDataEnc", deflated, sizeof(deflated));
		break;
	case 1:
		put_text_bytes(o, "adjustmentSimpleDataEnc", "crdt\x01\x02");
		break;
	default:
		put_text_bytes(o, "adjustmentSimpleDataEnc", "bplist00\xd0");
		break;
	}
}

static void
put_asset_resources(struct out *o, const struct item *it, const char *name)
{
	int64_t w, h;

	picture_size(&w, &h, &it->master);
	put_role(o, it, ROLE_EDITED, "resJPEGFull", w, h, name);
	put_role(o, it, ROLE_EDITED_VIDEO, "resVidFull", 1308, 980, name);
	put_role(o, it, ROLE_EDIT_MED, "resJPEGMed", 2048, 1536, name);
	put_role(o, it, ROLE_EDIT_THUMB, "resJPEGThumb", 480, 360, name);
	if ((it->asset.flags & A_SIDECAR) != 0)
		put_role(o, it, ROLE_SIDECAR, "resSidecar", 0, 0, name);
}

static void
put_kind(struct out *o, const struct item *it)
{
	const struct master *m = &it->master;
	bool live = (m->flags & M_LIVE) != 0;
	int64_t subtype = 0, subtype2 = 0, duration_ms = 0;

	if (kind_is_video(m->kind))
		duration_ms = 1000 + (int64_t)(mix2(m->key, 7) % 60000);
	if (m->kind == KIND_PANORAMA)
		subtype = 1;
	else if (m->kind == KIND_SLOMO)
		subtype = 100;
	else if (m->kind == KIND_TIMELAPSE)
		subtype = subtype2 = 101;
	else if (m->kind == KIND_PNG)
		subtype2 = 3;
	else if (live)
		subtype2 = 2;
	put_int(o, "assetSubtype", subtype);
	put_int(o, "assetSubtypeV2", subtype2);
	put_int(o, "assetHDRType", m->key % 70 == 0);
	put_int(o, "duration", duration_ms);
	put_int(o, "vidComplDurValue",
	    live ? 2000000000 + (int64_t)(m->key % 900000000) : 0);
	put_int(o, "vidComplDurScale", live ? 1000000000 : 0);
	put_int(o, "vidComplDispValue", live ? 1200880290 : 0);
	put_int(o, "vidComplDispScale", live ? 1000000000 : 0);
	put_int(o, "vidComplVisibilityState", 0);
	put_int(o, "customRenderedValue", m->key % 5 == 0 ? 10 : 0);
	put_int(o, "orientation",
	    (it->asset.flags & A_EDITED) != 0 ? 1 : orientation(m));
}

static const char description[] =
    "What one sees, in two lines\nand with \"quotes\".";

static void
title_of(char out[64], const struct asset *a)
{
	snprintf(out, 64, "Title %u.%u \xe2\x9c\x93", a->origin, a->caption);
}

static void
put_words(struct out *o, const struct item *it)
{
	const struct asset *a = &it->asset;
	char text[64];

	if ((a->flags & A_CAPTION) != 0) {
		title_of(text, a);
		put_text_bytes(o, "captionEnc", text);
	}
	if ((a->flags & A_DESCRIPTION) != 0)
		put_text_bytes(o, "extendedDescEnc", description);
	put_keywords(o, a);
	put_place(o, a);
}

void
record_truth(struct buf *out, const struct cloud *c, const struct asset *a)
{
	struct place at;
	char text[64];

	title_of(text, a);
	buf_adds(out, ",\"title\":");
	if ((a->flags & A_CAPTION) != 0)
		buf_add_json(out, text);
	else
		buf_adds(out, "null");
	buf_adds(out, ",\"caption\":");
	if ((a->flags & A_DESCRIPTION) != 0)
		buf_add_json(out, description);
	else
		buf_adds(out, "null");
	buf_adds(out, ",\"keywords\":[");
	if ((a->flags & A_KEYWORDS) != 0)
		buf_addf(out, "\"family\",\"%s\"", second_keyword(a));
	place_of(&at, c, a);
	buf_adds(out, "],\"place\":");
	if ((a->flags & A_PLACE_JUNK) != 0)
		buf_adds(out, "null");
	else if ((a->flags & A_PLACE_XML) != 0)
		buf_addf(out, "[%u.%03u,%u.%03u,null]", at.xml.lat,
		    at.xml.lat_parts, at.xml.lon, at.xml.lon_parts);
	else if ((a->flags & A_PLACE) != 0)
		buf_addf(out, "[%.9f,%.9f,%.9f]", at.lat, at.lon, at.alt);
	else
		buf_adds(out, "null");
	buf_addf(out, ",\"favourite\":%s",
	    (a->flags & A_FAVORITE) != 0 ? "true" : "false");
}

static void
put_burst(struct out *o, const struct item *it)
{
	const struct asset *a = &it->asset;
	char id[40];

	put_int(o, "burstFlags",
	    (a->flags & A_BURST_KEY) != 0   ? 26
		: (a->flags & A_BURST) != 0 ? 2
					    : 0);
	if ((a->flags & A_BURST) == 0)
		return;
	put_int(o, "burstFlagsExt", (a->flags & A_BURST_KEY) != 0 ? 26 : 2);
	uuid_name(id, o->page->cloud, o->page->zone, TYPE_BURST, a->burst);
	put_text(o, "burstId", id);
}

static void
put_asset_state(struct out *o, const struct asset *a)
{
	put_int(o, "isFavorite", (a->flags & A_FAVORITE) != 0);
	put_int(o, "isHidden", (a->flags & A_HIDDEN) != 0);
	if ((a->flags & A_TRASHED) != 0) { /* [trash] */
		put_int(o, "isDeleted", 1);
		put_int(o, "isExpunged", 0);
		put_time(o, "dateExpunged", a->trashed_ms + 30 * DAY_MS);
	} else if ((a->flags & A_RESTORED) != 0) {
		put_int(o, "isDeleted", 0);
	}
}

static void
write_asset(struct out *o, const struct item *it)
{
	const struct asset *a = &it->asset;
	const struct zone *z = o->page->zone;
	const char *zone_name;
	char name[40], master[CHECKSUM_MAX];
	int64_t offset_s;

	uuid_name(name, o->page->cloud, z, TYPE_ASSET, it->number);
	if ((a->flags & A_GONE) != 0) {
		put_tombstone(o->buf, o->page, name, a->tag);
		return;
	}
	checksum_text(master, it->master.sha1);
	begin_record(o, name, "CPLAsset");
	if ((a->flags & A_NO_DATE) == 0)
		put_time(o, "assetDate", a->date_ms);
	put_time(o, "addedDate", a->added_ms);
	put_reference(o, "masterRef", master);
	if (asset_time_zone(&offset_s, &zone_name, a)) {
		put_int(o, "timeZoneOffset", offset_s);
		if (it->number % 3 == 0)
			put_text_bytes(o, "timeZoneNameEnc", zone_name);
	}
	put_asset_state(o, a);
	put_kind(o, it);
	put_burst(o, it);
	put_adjustment(o, it);
	put_words(o, it);
	put_contributors(o);
	put_asset_resources(o, it, name);
	end_record(o, a->tag, a->added_ms + 3900, a->modified_ms,
	    (a->flags & A_TRASHED) != 0 ? a->trashed_ms : 0);
}

/* --- all other types --- */

static void
write_album(struct out *o, const struct zone *z, uint32_t n)
{
	const struct album *al = &z->albums[n];
	char name[40], parent[40];

	album_record_name(name, o->page->cloud, z, n);
	begin_record(o, name, "CPLAlbum");
	if (al->name != NULL)
		put_text_bytes(o, "albumNameEnc", al->name);
	put_int(o, "albumType", al->type);
	if (n > 1 && (al->parent != 0 || n % 2 == 0)) {
		/* at the top: absent, or the root's name [album-tree] */
		album_record_name(parent, o->page->cloud, z, al->parent);
		put_text(o, "parentId", parent);
	}
	put_int(o, "position", al->place);
	put_int(o, "sortAscending", 1);
	put_int(o, "sortType", n > 1);
	put_int(o, "sortTypeExt", 0);
	put_time(o, "recordModificationDate", al->modified_ms);
	if (al->type == 6)
		put_text_bytes(o, "queryParamsEnc", "bplist00\xd0");
	if (al->trashed) {
		put_int(o, "isDeleted", 1);
		put_time(o, "dateExpunged", al->trashed_ms + 30 * DAY_MS);
	}
	end_record(o, al->tag, CLOUD_BORN_MS - 6 * DAY_MS, al->modified_ms,
	    al->trashed ? al->trashed_ms : 0);
}

static void
relation_name(char out[96], const struct page *p, const struct zone *z,
    const struct relation *r)
{
	char asset[40], album[40];

	uuid_name(asset, p->cloud, z, TYPE_ASSET, r->asset);
	album_record_name(album, p->cloud, z, r->album);
	snprintf(out, 96, "%s-IN-%s", asset, album);
}

static void
write_relation(struct out *o, const struct zone *z, uint32_t n)
{
	const struct relation *r = &z->relations[n];
	char name[96], part[40];

	relation_name(name, o->page, z, r);
	if (r->gone) {
		put_tombstone(o->buf, o->page, name, r->tag);
		return;
	}
	begin_record(o, name, "CPLContainerRelation");
	uuid_name(part, o->page->cloud, z, TYPE_ASSET, r->asset);
	put_text(o, "itemId", part);
	album_record_name(part, o->page->cloud, z, r->album);
	put_text(o, "containerId", part);
	put_int(o, "position", r->place);
	put_int(o, "isKeyAsset", 0);
	put_time(o, "recordModificationDate", r->modified_ms);
	end_record(o, r->tag, CLOUD_BORN_MS - 6 * DAY_MS, r->modified_ms, 0);
}

static void
write_other(struct out *o, const struct zone *z, uint32_t n)
{
	static const char *const types[] = {"CPLFaceCrop", "CPLFaceCrop",
	    "CPLFaceCrop", "CPLPerson", "CPLMemory", "CPLSuggestion"};
	const char *type = types[mix2(z->counter, n) % 6];
	char name[40], asset[40];
	int64_t ms;

	uuid_name(name, o->page->cloud, z, TYPE_OTHER, n);
	uuid_name(
	    asset, o->page->cloud, z, TYPE_ASSET, n % (uint32_t)z->asset_count);
	begin_record(o, name, type);
	ms = CLOUD_BORN_MS - (int64_t)n % 3000 * DAY_MS;
	put_time(o, "recordModificationDate", ms);
	if (strcmp(type, "CPLFaceCrop") == 0) {
		put_text(o, "assetIdentifier", asset);
		put_int(o, "state", 1);
	} else if (strcmp(type, "CPLPerson") == 0) {
		put_int(o, "manualSortOrder", n);
	}
	end_record(o, 1000 + n, ms, ms, 0);
}

/* Of records that were gone before anyone looked: assets, masters,
 * relations. */
static void
write_old_tombstone(struct out *o, const struct zone *z, uint32_t n)
{
	char name[96], album[40];
	uint8_t sha1[24];
	uint64_t r;
	size_t i;

	uuid_name(name, o->page->cloud, z, TYPE_TOMBSTONE, n);
	if (n % 3 == 1) {
		for (i = 0; i < 3; i++) {
			r = mix2(z->counter + i, n);
			memcpy(sha1 + 8 * i, &r, 8);
		}
		checksum_text(name, sha1);
	} else if (n % 7 == 2) {
		uuid_name(album, o->page->cloud, z, TYPE_TOMBSTONE, n + 1);
		snprintf(name + 36, sizeof(name) - 36, "-IN-%s", album);
	}
	put_tombstone(o->buf, o->page, name, 2000 + n);
}

static void
write_info(struct out *o, const struct zone *z)
{
	const struct totals *t = &z->totals;
	char name[80];

	snprintf(name, sizeof(name), "%s-0000-LI", z->name);
	begin_record(o, name, "CPLLibraryInfo");
	put_int(o, "photosCount", t->photos);
	put_int(o, "videosCount", t->videos);
	put_int(o, "hiddenPhotosCount", t->hidden_photos);
	put_int(o, "hiddenVideosCount", t->hidden_videos);
	put_int(o, "albumsCount", t->albums);
	put_int(o, "memoriesCount", 0);
	put_int(o, "audiosCount", 0);
	put_int(o, "othersCount", t->others);
	put_int(o, "irisCount", t->live);
	put_int(o, "burstsExcludedFromPhotosCount", t->burst_rest);
	put_int(o, "v2PhotosCount", t->photos);
	put_int(o, "v2VideosCount", t->videos);
	put_int(o, "featureVersion", 1);
	put_int(o, "libraryInfoVersion", 1);
	end_record(
	    o, z->info_tag, CLOUD_BORN_MS - 5 * DAY_MS, z->info_modified_ms, 0);
}

static void
write_quota(struct out *o, const struct zone *z)
{
	char name[80];

	snprintf(name, sizeof(name), "SharedLibraryQuota-%s", z->owner);
	begin_record(o, name, "CPLSharedLibraryQuota");
	put_int(o, "contributedQuotaInSharedLibrary", 19173864);
	end_record(o, z->quota_tag, CLOUD_BORN_MS - 5 * DAY_MS,
	    CLOUD_BORN_MS - 5 * DAY_MS, 0);
}

/* --- items --- */

void
items_clear(struct items *l)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		free(l->v[i].text);
		free(l->v[i].missing);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static struct item *
items_row(struct items *l)
{
	struct item *it;

	if (l->count == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	it = &l->v[l->count++];
	memset(it, 0, sizeof(*it));
	return it;
}

void
items_add(struct items *l, const struct page *p, const struct zone *z,
    enum type type, uint32_t n)
{
	struct item *it = items_row(l);
	struct buf b = {0};
	struct out o = {&b, p, false, false};

	it->type = type;
	it->number = n;
	switch (type) {
	case TYPE_MASTER:
		it->master = z->masters[n];
		if (it->master.first < z->asset_count)
			it->asset = z->assets[it->master.first];
		return;
	case TYPE_ASSET:
		it->asset = z->assets[n];
		it->master = z->masters[it->asset.master];
		return;
	case TYPE_ALBUM:
		write_album(&o, z, n);
		break;
	case TYPE_RELATION:
		write_relation(&o, z, n);
		break;
	case TYPE_OTHER:
		write_other(&o, z, n);
		break;
	case TYPE_TOMBSTONE:
		write_old_tombstone(&o, z, n);
		break;
	case TYPE_INFO:
		write_info(&o, z);
		break;
	case TYPE_QUOTA:
		write_quota(&o, z);
		break;
	case TYPE_NONE:
	case TYPE_BURST:
		break;
	}
	it->text = buf_take(&b);
}

void
items_add_missing(struct items *l, const char *name)
{
	items_row(l)->missing = xstrdup(name);
}

void
items_hash(struct items *l, struct cloud *c, struct zone *z)
{
	struct item *it;
	size_t i;

	for (i = 0; i < l->count; i++) {
		it = &l->v[i];
		if (it->type == TYPE_MASTER)
			master_hash(c, z, &it->master, it->number);
		else if (it->type == TYPE_ASSET &&
		    (it->asset.flags & A_GONE) == 0)
			master_hash(c, z, &it->master, it->asset.master);
	}
}

void
item_name(char out[256], const struct page *p, const struct item *it)
{
	out[0] = '\0';
	if (it->missing != NULL)
		snprintf(out, 256, "%s", it->missing);
	else if (it->type == TYPE_MASTER)
		checksum_text(out, it->master.sha1);
	else if (it->type == TYPE_ASSET)
		uuid_name(out, p->cloud, p->zone, TYPE_ASSET, it->number);
	else if (it->text != NULL)
		sscanf(it->text, "{\"recordName\":\"%255[^\"]", out);
}

static void
write_missing(struct buf *b, const char *name)
{
	buf_adds(b, "{\"recordName\":");
	buf_add_json(b, name);
	buf_adds(b,
	    ",\"serverErrorCode\":\"NOT_FOUND\","
	    "\"reason\":\"Record not found\"}");
}

/* True if the fault took the place of the record. */
static bool
write_bad(struct buf *b, const char *name, const char *fault, struct out *o)
{
	char how[64];

	if (!fault_value_chooses(fault, name))
		return false;
	fault_value(how, fault);
	if (strcmp(how, "types") == 0) {
		o->odd_types = true;
		return false;
	}
	if (strcmp(how, "fields") == 0)
		buf_addf(b,
		    "{\"recordName\":\"%s\",\"recordType\":\"CPLAsset\","
		    "\"fields\":null,\"deleted\":false}",
		    name);
	else if (strcmp(how, "junk") == 0) /* spoils the page */
		buf_addf(
		    b, "{\"recordName\":\"%s\",\"recordType\":\"CPL", name);
	else
		buf_addf(b,
		    "{\"recordName\":\"%s\",\"serverErrorCode\":"
		    "\"RETRY_LATER\",\"reason\":\"busy\"}",
		    name);
	return true;
}

void
item_write(struct buf *out, const struct page *p, const struct item *it)
{
	const char *fault = sim_fault_hook(p->request, "bad_record");
	struct out o = {out, p, false, false};
	char name[256];

	if (it->missing != NULL) {
		write_missing(out, it->missing);
		return;
	}
	if (fault != NULL) {
		item_name(name, p, it);
		if (write_bad(out, name, fault, &o))
			return;
	}
	if (it->type == TYPE_MASTER)
		write_master(&o, it);
	else if (it->type == TYPE_ASSET)
		write_asset(&o, it);
	else
		buf_adds(out, it->text);
}
