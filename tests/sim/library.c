#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A pseudo-random walk: the next number of a state. */
static uint64_t
draw(uint64_t *state)
{
	return mix64((*state)++);
}

/* --- kinds of assets --- */

static const struct {
	const char *uti, *extension, *alternative;
	enum magic magic, alternative_magic;
} kinds[KIND_COUNT] = {
    [KIND_JPEG] = {"public.jpeg", "JPG", NULL, MAGIC_JPEG, 0},
    [KIND_HEIC] = {"public.heic", "HEIC", NULL, MAGIC_HEIC, 0},
    [KIND_PNG] = {"public.png", "PNG", NULL, MAGIC_PNG, 0},
    [KIND_GIF] = {"com.compuserve.gif", "GIF", NULL, MAGIC_GIF, 0},
    [KIND_WEBP] = {"org.webmproject.webp", "webp", NULL, MAGIC_WEBP, 0},
    [KIND_PANORAMA] = {"public.heic", "HEIC", NULL, MAGIC_HEIC, 0},
    [KIND_MOV] = {"com.apple.quicktime-movie", "MOV", NULL, MAGIC_MOV, 0},
    [KIND_MP4] = {"public.mpeg-4", "MP4", NULL, MAGIC_MP4, 0},
    [KIND_SLOMO] = {"com.apple.quicktime-movie", "MOV", NULL, MAGIC_MOV, 0},
    [KIND_TIMELAPSE] = {"com.apple.quicktime-movie", "MOV", NULL,
	MAGIC_MOV_WIDE, 0},
    [KIND_DNG] = {"com.adobe.raw-image", "DNG", NULL, MAGIC_TIFF, 0},
    [KIND_CR3] = {"com.canon.cr3-raw-image", "CR3", NULL, MAGIC_CR3, 0},
    [KIND_RAW_JPEG] = {"com.canon.cr2-raw-image", "CR2", "public.jpeg",
	MAGIC_CR2, MAGIC_JPEG},
    [KIND_JPEG_RAW] = {"public.jpeg", "JPG", "com.adobe.raw-image", MAGIC_JPEG,
	MAGIC_TIFF},
    [KIND_FUTURE] = {"com.example.future", "FUT", NULL, MAGIC_NONE, 0},
    [KIND_DATA] = {"public.data", "DAT", NULL, MAGIC_NONE, 0},
    [KIND_RECORDED] = {"public.jpeg", "JPG", NULL, MAGIC_RECORDED, 0},
};

bool
kind_is_video(uint8_t kind)
{
	return kind == KIND_MOV || kind == KIND_MP4 || kind == KIND_SLOMO ||
	    kind == KIND_TIMELAPSE;
}

static const char *const role_names[] = {
    [ROLE_ORIGINAL] = "original",
    [ROLE_LIVE] = "live",
    [ROLE_ALTERNATIVE] = "alternative",
    [ROLE_EDITED] = "edited",
    [ROLE_EDITED_VIDEO] = "edited-video",
    [ROLE_SIDECAR] = "sidecar",
};

const char *
role_name(enum role role)
{
	return role_names[role];
}

/* Sizes in bytes: least and most, by how big files are to be. */
enum measure {
	SIZE_PHOTO,
	SIZE_RAW,
	SIZE_VIDEO,
	SIZE_BIG_VIDEO,
	SIZE_LIVE,
	SIZE_SIDECAR,
	SIZE_MED,
	SIZE_THUMB,
	SIZE_VID_MED,
	SIZE_VID_SMALL
};

static const int64_t sizes[][3][2] = {
    [SIZE_PHOTO] = {{100, 2000}, {2000, 200000}, {1000000, 8000000}},
    [SIZE_RAW] = {{100, 2000}, {50000, 200000}, {15000000, 30000000}},
    [SIZE_VIDEO] = {{100, 2000}, {20000, 200000}, {10000000, 100000000}},
    [SIZE_BIG_VIDEO] = {{100, 2000}, {1000000, 2000000},
	{100000000, 400000000}},
    [SIZE_LIVE] = {{100, 2000}, {20000, 120000}, {2000000, 5000000}},
    [SIZE_SIDECAR] = {{60, 600}, {500, 2000}, {2000, 20000}},
    [SIZE_MED] = {{40, 200}, {2000, 6000}, {200000, 600000}},
    [SIZE_THUMB] = {{40, 200}, {500, 2000}, {30000, 60000}},
    [SIZE_VID_MED] = {{40, 200}, {3000, 10000}, {1000000, 3000000}},
    [SIZE_VID_SMALL] = {{40, 200}, {1000, 5000}, {300000, 900000}},
};

static int64_t
size_of(const struct cloud *c, enum measure m, uint64_t key)
{
	const int64_t *range = sizes[m][c->sizes];
	uint64_t r = mix2(key, 0x73697a65), span;

	span = (uint64_t)(range[1] - range[0] + 1);
	if (m == SIZE_PHOTO) /* more of the smaller ones */
		span = (r >> 40) % span + 1;
	return range[0] + (int64_t)(r % span);
}

static enum measure
original_measure(const struct master *m)
{
	if (m->kind == KIND_SLOMO)
		return SIZE_BIG_VIDEO;
	if (kind_is_video(m->kind))
		return mix2(m->key, 0x626967) % 15 == 0 ? SIZE_BIG_VIDEO
							: SIZE_VIDEO;
	if (m->kind == KIND_DNG || m->kind == KIND_CR3 ||
	    m->kind == KIND_RAW_JPEG)
		return SIZE_RAW;
	return SIZE_PHOTO;
}

static void
computed(struct content *out, const struct cloud *c, uint64_t base,
    enum role role, enum measure measure, enum magic magic)
{
	out->key = mix2(base, (uint64_t)role);
	out->size = size_of(c, measure, out->key);
	out->magic = magic;
}

static void
original_content(
    struct content *out, const struct cloud *c, const struct master *m)
{
	computed(out, c, m->key, ROLE_ORIGINAL, original_measure(m),
	    kinds[m->kind].magic);
	if (m->kind == KIND_RECORDED)
		out->size = c->recorded_bytes;
	else if (m->size_bytes >= 0)
		out->size = m->size_bytes;
}

bool
library_content(struct content *out, const char **uti, const struct cloud *c,
    const struct asset *a, const struct master *m, enum role role)
{
	bool video = kind_is_video(m->kind);
	bool heic = kinds[m->kind].magic == MAGIC_HEIC;
	uint32_t edits = a == NULL ? 0 : a->flags;

	*uti = "public.jpeg";
	switch (role) {
	case ROLE_ORIGINAL:
		*uti = kinds[m->kind].uti;
		original_content(out, c, m);
		return true;
	case ROLE_LIVE:
		*uti = "com.apple.quicktime-movie";
		computed(out, c, m->key, role, SIZE_LIVE,
		    m->key % 4 == 0 ? MAGIC_MOV_WIDE : MAGIC_MOV);
		return (m->flags & M_LIVE) != 0;
	case ROLE_ALTERNATIVE:
		if (kinds[m->kind].alternative == NULL)
			return false;
		*uti = kinds[m->kind].alternative;
		computed(out, c, m->key, role,
		    m->kind == KIND_JPEG_RAW ? SIZE_RAW : SIZE_PHOTO,
		    kinds[m->kind].alternative_magic);
		return true;
	case ROLE_EDITED:
		if ((edits & (A_EDIT_STILL | A_EDIT_SHOT)) == 0)
			return false;
		if (heic) /* a HEIC in spite of the field's name
			     [resources] */
			*uti = "public.heic";
		computed(out, c, a->edit_key, role, SIZE_PHOTO,
		    heic ? MAGIC_HEIC : MAGIC_JPEG);
		return true;
	case ROLE_EDITED_VIDEO:
		if ((edits & A_EDIT_VIDEO) == 0)
			return false;
		*uti = "com.apple.quicktime-movie";
		computed(out, c, a->edit_key, role,
		    video ? SIZE_VIDEO : SIZE_LIVE, MAGIC_MOV);
		return true;
	case ROLE_SIDECAR:
		if ((edits & A_SIDECAR) != 0) {
			*uti = "com.apple.photos.apple-adjustment-envelope";
			computed(
			    out, c, a->edit_key, role, SIZE_SIDECAR, MAGIC_AAE);
			return true;
		}
		*uti = "public.xml";
		computed(out, c, m->key, role, SIZE_SIDECAR, MAGIC_XMP);
		return (m->flags & M_SIDECAR) != 0;
	case ROLE_MED:
		computed(out, c, m->key, role, SIZE_MED, MAGIC_JPEG);
		return m->kind != KIND_PNG && m->kind != KIND_DATA &&
		    (m->flags & M_HALF_VARIANT) == 0;
	case ROLE_THUMB:
		computed(out, c, m->key, role, SIZE_THUMB, MAGIC_JPEG);
		return m->kind != KIND_DATA;
	case ROLE_VID_MED:
	case ROLE_VID_SMALL:
		*uti = video ? "public.mpeg-4" : "com.apple.quicktime-movie";
		computed(out, c, m->key, role,
		    role == ROLE_VID_MED ? SIZE_VID_MED : SIZE_VID_SMALL,
		    video ? MAGIC_MP4 : MAGIC_MOV);
		return video || (m->flags & M_LIVE) != 0;
	case ROLE_EDIT_MED:
		if ((edits & (A_EDIT_STILL | A_EDIT_VIDEO)) == 0)
			return false;
		computed(out, c, a->edit_key, role, SIZE_MED, MAGIC_JPEG);
		return true;
	case ROLE_EDIT_THUMB:
		if ((edits & A_EDITED) == 0)
			return false;
		computed(out, c, a->edit_key, role, SIZE_THUMB, MAGIC_JPEG);
		return true;
	}
	return false;
}

/* --- names --- */

/* Stems that people, other systems and bad luck give; "" has no extension
 * added. */
static const struct {
	const char *stem;
	bool bare;
} strange_names[] = {
    {"IMG_0001", false},       /* 0: again and again */
    {"FullSizeRender", false}, /* 1 */
    {"holiday/beach", false},  /* 2 */
    {"1034:4677000000000001", false},
    {"\xf0\x9f\x98\x80 Urlaub \xf0\x9f\x8f\x96", false},
    {"Jo\xcc\x88rg", false}, /* 5: decomposed */
    {"J\xc3\xb6rg", false},  /* 6: composed */
    {"A name that somebody typed without ever stopping, because nothing told "
     "them to stop, and that was then kept through three telephones, two "
     "clouds and a computer, none of which minded, until it met a file system "
     "whose names end after two hundred and fifty-five bytes, as this does",
	false},
    {"..", true},                                   /* 8 */
    {"img_0001", false}, {"..\\..\\escape", false}, /* 10 */
    {"../../escape", false}, {"CON", false}, {"what \"*?<>| not", false},
    {".DS_Store", true}, {"trailing. ", true}, /* 15 */
    {"no extension", true}, {"\xe5\x81\x87\xe6\x9c\x9f_01", false},
    {"\xe5\x81\x87\xe6\x97\xa5_01", false},
    {"Screenshot 2024-01-01 at 9.41.00\xe2\x80\xaf"
     "AM",
	false},
    {"12345__5C0FFEE0-0000-11E8-8000-020000000042", false}, /* 20 */
    {"line\nbreak\x01", false}, {"IMG_E0001", false},
    {"RTL \xe2\x80\xae"
     "gpj",
	false},
    {"-rf", false}, {"$(touch oops) `x` %s", false}, /* 25 */
};

void
library_filename(struct buf *out, const struct cloud *c, const struct master *m)
{
	const char *extension = kinds[m->kind].extension;

	if (m->name_form == NAME_EMPTY || m->name_form == NAME_MISSING)
		return;
	if (m->kind == KIND_RECORDED)
		buf_adds(out, c->recorded_name);
	else if (m->name_form == NAME_NOT_UTF8)
		buf_addf(out, "\xff\xfe%s.%s", "A", extension);
	else if (m->given != 0)
		buf_adds(out, c->given[m->given - 1]);
	else if (m->strange == 0)
		buf_addf(out, "IMG_%04u.%s", m->name % 9999 + 1, extension);
	else if (strange_names[m->strange - 1].bare)
		buf_adds(out, strange_names[m->strange - 1].stem);
	else
		buf_addf(out, "%s.%s", strange_names[m->strange - 1].stem,
		    extension);
}

bool
asset_time_zone(int64_t *out_s, const char **name, const struct asset *a)
{
	static const struct {
		int offset;
		const char *name;
	} zones[] = {
	    {-25200, "America/Los_Angeles"},
	    {25200, "Asia/Bangkok"},
	    {28800, "Asia/Manila"},
	    {39600, "Australia/Sydney"},
	    {3600, "Europe/Berlin"},
	    {0, "Europe/London"},
	    {20700, "Asia/Kathmandu"},
	    {-12600, "America/St_Johns"},
	};
	/* a stay of some dozen photos in each */
	uint64_t r = mix2(0x747a, a->origin / 12) % COUNT(zones);

	if ((a->flags & A_NO_ZONE) != 0)
		return false;
	*out_s = zones[r].offset;
	if (name != NULL)
		*name = zones[r].name;
	return true;
}

/* --- record names --- */

void
uuid_name(char out[40], const struct cloud *c, const struct zone *z,
    enum type type, uint32_t number)
{
	uint64_t key = mix2(c->options.seed, 0x75756964), v, check;

	v = (uint64_t)type << 40 | (uint64_t)z->number << 36 | number;
	v = mix64(v ^ key);
	check = mix64(v ^ ~key);
	snprintf(out, 40, "%08X-%04X-4%03X-%04X-%X%011llX",
	    (unsigned int)(v >> 32), (unsigned int)(v >> 16 & 0xffff),
	    (unsigned int)(v >> 4 & 0xfff),
	    (unsigned int)(0x8000 | (check >> 50)), (unsigned int)(v & 0xf),
	    (unsigned long long)(check & UINT64_C(0xfffffffffff)));
}

bool
uuid_number(uint32_t *out, const struct cloud *c, const struct zone *z,
    enum type type, const char *name)
{
	uint64_t key = mix2(c->options.seed, 0x75756964), v;
	char again[40], digits[33];
	uint8_t id[16];
	size_t i, n = 0;

	if (strlen(name) != 36)
		return false;
	for (i = 0; i < 36 && n < 32; i++)
		if (name[i] != '-')
			digits[n++] = name[i];
	digits[n] = '\0';
	if (text_unhex(id, sizeof(id), digits) == -1)
		return false;
	for (v = 0, i = 0; i < 6; i++)
		v = v << 8 | id[i];
	v = v << 12 | (uint64_t)(id[6] & 0xf) << 8 | id[7];
	v = v << 4 | id[10] >> 4;
	v = unmix64(v) ^ key;
	*out = (uint32_t)v;
	if (v >> 36 != ((uint64_t)type << 4 | z->number))
		return false;
	uuid_name(again, c, z, type, *out);
	return strcmp(again, name) == 0;
}

void
album_record_name(
    char out[40], const struct cloud *c, const struct zone *z, uint32_t number)
{
	if (z->albums[number].record_name != NULL)
		snprintf(out, 40, "%s", z->albums[number].record_name);
	else
		uuid_name(out, c, z, TYPE_ALBUM, number);
}

bool
album_number(uint32_t *out, const struct cloud *c, const struct zone *z,
    const char *record_name)
{
	uint32_t i;

	for (i = 0; i < 2 && i < z->album_count; i++)
		if (strcmp(record_name, z->albums[i].record_name) == 0) {
			*out = i;
			return true;
		}
	return uuid_number(out, c, z, TYPE_ALBUM, record_name) &&
	    *out < z->album_count;
}

bool
relation_find(uint32_t *out, const struct cloud *c, const struct zone *z,
    const char *record_name)
{
	const struct album *al;
	uint32_t asset, album;
	char name[40];
	size_t i;

	/* "{asset}-IN-{album}" [container-relation] */
	if (strlen(record_name) < 40 ||
	    strncmp(record_name + 36, "-IN-", 4) != 0)
		return false;
	snprintf(name, sizeof(name), "%.36s", record_name);
	if (!uuid_number(&asset, c, z, TYPE_ASSET, name) ||
	    !album_number(&album, c, z, record_name + 40))
		return false;
	al = &z->albums[album];
	for (i = 0; i < al->relation_count; i++)
		if (z->relations[al->relations[i]].asset == asset) {
			*out = al->relations[i];
			return true;
		}
	return false;
}

/* --- names of masters --- */

static uint64_t
first8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
name_insert(struct zone *z, uint32_t number)
{
	size_t i, mask = z->by_name_cap - 1;

	for (i = first8(z->masters[number].sha1) & mask; z->by_name[i] != 0;
	     i = (i + 1) & mask)
		;
	z->by_name[i] = number + 1;
}

/* Under the lock: the hash of a master is known. */
static void
name_known(struct zone *z, uint32_t number, const uint8_t sha1[SHA1_LEN])
{
	struct master *m = &z->masters[number];
	uint32_t *old;
	size_t i, n;

	if ((m->flags & M_HASHED) != 0)
		return;
	memcpy(m->sha1, sha1, SHA1_LEN);
	m->flags |= M_HASHED;
	if (++z->by_name_count * 2 > z->by_name_cap) {
		old = z->by_name;
		n = z->by_name_cap;
		z->by_name_cap = n == 0 ? 256 : n * 2;
		z->by_name = xcalloc(z->by_name_cap, sizeof(*z->by_name));
		for (i = 0; i < n; i++)
			if (old[i] != 0)
				name_insert(z, old[i] - 1);
		free(old);
	}
	name_insert(z, number);
}

bool
master_find(uint32_t *out, const struct zone *z, const uint8_t sha1[SHA1_LEN])
{
	const struct master *m;
	size_t i, mask = z->by_name_cap - 1;
	bool found = false;

	if (z->by_name_cap == 0)
		return false;
	/* bytes that went and came again have two rows: the living one */
	for (i = first8(sha1) & mask; z->by_name[i] != 0; i = (i + 1) & mask) {
		m = &z->masters[z->by_name[i] - 1];
		if (memcmp(m->sha1, sha1, SHA1_LEN) != 0)
			continue;
		if (!found || (m->flags & M_GONE) == 0)
			*out = z->by_name[i] - 1;
		found = true;
	}
	return found;
}

void
master_hash(
    struct cloud *c, struct zone *z, struct master *copy, uint32_t number)
{
	struct content f;
	struct sums s;

	if ((copy->flags & M_HASHED) != 0)
		return;
	original_content(&f, c, copy);
	content_sums(&s, c, &f, false);
	memcpy(copy->sha1, s.sha1, SHA1_LEN);
	copy->flags |= M_HASHED;
	pthread_mutex_lock(&c->lock);
	if (number < z->master_count && z->masters[number].key == copy->key)
		name_known(z, number, copy->sha1);
	pthread_mutex_unlock(&c->lock);
}

void
masters_hash_all(struct cloud *c, struct zone *z)
{
	struct master copy;
	uint32_t i;
	bool more = true;

	pthread_mutex_lock(&c->hash_lock);
	for (i = 0; more; i++) {
		pthread_mutex_lock(&c->lock);
		while (i < z->master_count &&
		    (z->masters[i].flags & M_HASHED) != 0)
			i++;
		more = i < z->master_count;
		if (more)
			copy = z->masters[i];
		pthread_mutex_unlock(&c->lock);
		if (more)
			master_hash(c, z, &copy, i);
	}
	pthread_mutex_unlock(&c->hash_lock);
}

/* --- rows --- */

static void *
row(void *array, size_t *count, size_t *cap, size_t size)
{
	void **p = array;
	uint8_t *r;

	if (*count == *cap) {
		*cap = *cap == 0 ? 64 : *cap + *cap / 2;
		*p = xreallocarray(*p, *cap, size);
	}
	r = (uint8_t *)*p + (*count)++ * size;
	memset(r, 0, size);
	return r;
}

#define ROW(z, what)                                             \
	row(&(z)->what##s, &(z)->what##_count, &(z)->what##_cap, \
	    sizeof(*(z)->what##s))

static uint32_t
feed_add(struct zone *z, enum type type, uint32_t number)
{
	if (z->feed_count == z->feed_cap) {
		z->feed_cap = z->feed_cap == 0 ? 256 : z->feed_cap * 2;
		z->feed = xreallocarray(z->feed, z->feed_cap, sizeof(*z->feed));
	}
	z->feed[z->feed_count] = (uint32_t)type << 28 | number;
	return (uint32_t)z->feed_count++;
}

void
touch_asset(struct zone *z, uint32_t n, int64_t now_ms)
{
	struct asset *a = &z->assets[n];

	a->position = feed_add(z, TYPE_ASSET, n);
	a->tag = ++z->tag;
	a->modified_ms = now_ms;
	z->change++;
}

void
touch_master(struct zone *z, uint32_t n, int64_t now_ms)
{
	struct master *m = &z->masters[n];

	m->position = feed_add(z, TYPE_MASTER, n);
	m->tag = ++z->tag;
	m->modified_ms = now_ms;
	z->change++;
}

void
touch_album(struct zone *z, uint32_t n, int64_t now_ms)
{
	struct album *al = &z->albums[n];

	al->position = feed_add(z, TYPE_ALBUM, n);
	al->tag = ++z->tag;
	al->modified_ms = now_ms;
	z->change++;
}

void
touch_relation(struct zone *z, uint32_t n, int64_t now_ms)
{
	struct relation *r = &z->relations[n];

	r->position = feed_add(z, TYPE_RELATION, n);
	r->tag = ++z->tag;
	r->modified_ms = now_ms;
	z->change++;
}

void
touch_info(struct zone *z, int64_t now_ms)
{
	zone_totals(&z->totals, z);
	z->info_position = feed_add(z, TYPE_INFO, 0);
	z->info_tag = ++z->tag;
	z->info_modified_ms = now_ms;
	z->change++;
}

uint32_t
album_make(struct zone *z, const char *name, uint8_t type, uint32_t parent,
    int64_t now_ms)
{
	struct album *al = ROW(z, album);

	al->name = xstrdup(name);
	al->type = type;
	al->parent = parent;
	al->modified_ms = now_ms;
	al->place = (uint32_t)z->album_count * 1024;
	return (uint32_t)z->album_count - 1;
}

uint32_t
relation_make(struct zone *z, uint32_t asset, uint32_t album, int64_t now_ms)
{
	struct relation *r = ROW(z, relation);
	struct album *al = &z->albums[album];
	uint32_t n = (uint32_t)z->relation_count - 1;

	r->asset = asset;
	r->album = album;
	r->modified_ms = now_ms;
	r->place = (uint32_t)(al->relation_count + 1) * 1024;
	if (al->relation_count == al->relation_cap) {
		al->relation_cap =
		    al->relation_cap == 0 ? 8 : al->relation_cap * 2;
		al->relations = xreallocarray(
		    al->relations, al->relation_cap, sizeof(*al->relations));
	}
	al->relations[al->relation_count++] = n;
	return n;
}

static uint32_t
master_make(struct zone *z, const struct wish *w, uint64_t key, uint32_t first,
    int64_t now_ms)
{
	struct master *m = ROW(z, master);

	m->key = key;
	m->kind = (uint8_t)w->kind;
	m->flags = w->master_flags;
	m->name_form = (uint8_t)w->name_form;
	m->strange = w->strange;
	m->given = w->given;
	m->name = z->names++;
	m->size_bytes = w->size_bytes;
	m->first = first;
	m->modified_ms = now_ms;
	return (uint32_t)z->master_count - 1;
}

uint32_t
master_again(
    struct zone *z, const struct master *like, uint64_t key, int64_t now_ms)
{
	struct master copy = *like, *m = ROW(z, master);

	*m = copy;
	m->key = key;
	m->flags &= ~(M_HASHED | M_GONE | M_TRASHED);
	m->assets = 0;
	m->modified_ms = now_ms;
	return (uint32_t)z->master_count - 1;
}

uint32_t
asset_make(struct cloud *c, struct zone *z, const struct wish *w,
    int64_t date_ms, int64_t added_ms)
{
	uint32_t n = (uint32_t)z->asset_count;
	uint64_t key = mix2(c->options.seed ^ z->number, n);
	struct asset *a = ROW(z, asset);

	a->date_ms = w->date_ms != INT64_MIN ? w->date_ms : date_ms;
	a->added_ms = added_ms;
	a->modified_ms = added_ms + 4000;
	a->flags = w->asset_flags;
	a->origin = n;
	if ((a->flags & A_TRASHED) != 0)
		a->trashed_ms =
		    CLOUD_BORN_MS - (int64_t)(mix64(key) % 29) * DAY_MS;
	if ((a->flags & (A_EDITED | A_SIDECAR)) != 0)
		a->edit_key = mix2(key, 0x65646974);
	if ((a->flags & A_BURST) != 0)
		a->burst = w->same_burst ? z->burst_count : ++z->burst_count;
	if (w->same_master && n > 0)
		a->master = z->assets[n - 1].master;
	else
		a->master = master_make(z, w, key, n, added_ms + 4000);
	z->masters[a->master].assets++;
	if ((a->flags & A_TRASHED) != 0 && !w->same_master &&
	    mix64(key) % 16 != 0) {
		/* nearly always on the master too [trash] */
		z->masters[a->master].flags |= M_TRASHED;
		z->masters[a->master].trashed_ms = a->trashed_ms;
	}
	return n;
}

uint32_t
asset_again(struct zone *z, const struct asset *like, uint32_t master)
{
	struct asset copy = *like, *a = ROW(z, asset);

	*a = copy;
	a->master = master;
	a->burst = 0;
	a->flags &= ~(A_BURST | A_BURST_KEY | A_TRASHED);
	z->masters[master].assets++;
	return (uint32_t)z->asset_count - 1;
}

/* --- what a library is made of --- */

#define USUAL      .size_bytes = -1, .date_ms = INT64_MIN
#define STRANGE(n) .strange = (n) + 1

/* The first assets of a mixed library: each kind of thing once at least. */
static const struct wish script[] = {
    {.kind = KIND_HEIC, .asset_flags = A_PLACE, USUAL},
    {.kind = KIND_JPEG, USUAL},
    {.kind = KIND_HEIC, .master_flags = M_LIVE, .asset_flags = A_PLACE, USUAL},
    {.kind = KIND_MOV, .asset_flags = A_PLACE, USUAL},
    {.kind = KIND_PNG, USUAL},
    {.kind = KIND_JPEG, .asset_flags = A_FAVORITE | A_PLACE, USUAL},
    {.kind = KIND_JPEG, .master_flags = M_LIVE, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_EDIT_STILL | A_DEPTH, USUAL},
    {.kind = KIND_MP4, USUAL},
    {.kind = KIND_RAW_JPEG, USUAL},
    {.kind = KIND_JPEG_RAW, USUAL},
    {.kind = KIND_HEIC,
	.master_flags = M_LIVE,
	.asset_flags = A_EDIT_STILL | A_EDIT_VIDEO | A_EXPOSURE,
	USUAL},
    {.kind = KIND_MOV, .asset_flags = A_EDIT_VIDEO, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_HIDDEN, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_TRASHED, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_BURST | A_BURST_KEY, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_BURST, .same_burst = true, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_BURST, .same_burst = true, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_BURST, .same_burst = true, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_BURST, .same_burst = true, USUAL},
    {.kind = KIND_JPEG, USUAL},
    {.kind = KIND_JPEG,
	.same_master = true,
	.asset_flags = A_EDIT_STILL,
	USUAL},
    {.kind = KIND_JPEG, .same_master = true, .asset_flags = A_TRASHED, USUAL},
    /* equal in name and size, not in bytes */
    {.kind = KIND_JPEG, STRANGE(0), .size_bytes = 1500, .date_ms = INT64_MIN},
    {.kind = KIND_JPEG, STRANGE(0), .size_bytes = 1500, .date_ms = INT64_MIN},
    {.kind = KIND_JPEG, STRANGE(2), USUAL},
    {.kind = KIND_MP4, STRANGE(3), USUAL},
    {.kind = KIND_HEIC, STRANGE(4), USUAL},
    {.kind = KIND_JPEG, STRANGE(5), USUAL},
    {.kind = KIND_JPEG, STRANGE(6), USUAL},
    {.kind = KIND_JPEG, STRANGE(7), USUAL},
    {.kind = KIND_JPEG, STRANGE(8), USUAL},
    {.kind = KIND_HEIC, .name_form = NAME_MISSING, USUAL},
    {.kind = KIND_JPEG, .name_form = NAME_STRING, USUAL},
    {.kind = KIND_JPEG, .name_form = NAME_NOT_UTF8, USUAL},
    {.kind = KIND_JPEG, .name_form = NAME_UNPADDED, USUAL},
    {.kind = KIND_JPEG, .name_form = NAME_EMPTY, USUAL},
    {.kind = KIND_JPEG, .size_bytes = -1, .date_ms = INT64_C(-63849600000)},
    {.kind = KIND_JPEG,
	.size_bytes = -1,
	.date_ms = INT64_C(86525000000000000)}, /* the year 2743924 */
    {.kind = KIND_JPEG, .size_bytes = -1, .date_ms = INT64_MAX},
    {.kind = KIND_HEIC, .asset_flags = A_NO_DATE, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_NO_ZONE, USUAL},
    {.kind = KIND_JPEG, .size_bytes = 0, .date_ms = INT64_MIN},
    {.kind = KIND_FUTURE, USUAL},
    {.kind = KIND_DATA, .master_flags = M_NO_ITEM_TYPE, USUAL},
    {.kind = KIND_PANORAMA, USUAL},
    {.kind = KIND_SLOMO, USUAL},
    {.kind = KIND_TIMELAPSE, USUAL},
    {.kind = KIND_PNG, .asset_flags = A_EDIT_SHOT, USUAL},
    {.kind = KIND_HEIC, .master_flags = M_LIVE, STRANGE(1), USUAL},
    {.kind = KIND_HEIC, .master_flags = M_LIVE, STRANGE(1), USUAL},
    {.kind = KIND_DNG, .master_flags = M_SIDECAR, USUAL},
    {.kind = KIND_HEIC, .asset_flags = A_EDIT_STILL | A_SIDECAR, USUAL},
    {.kind = KIND_GIF, USUAL},
    {.kind = KIND_WEBP, .master_flags = M_HALF_VARIANT, USUAL},
    {.kind = KIND_HEIC,
	.asset_flags = A_CAPTION | A_DESCRIPTION | A_KEYWORDS,
	USUAL},
    {.kind = KIND_JPEG, .asset_flags = A_KEYWORDS_EMPTY | A_PLACE_XML, USUAL},
    {.kind = KIND_HEIC, .master_flags = M_LIVE, .asset_flags = A_HIDDEN, USUAL},
    {.kind = KIND_MOV, .asset_flags = A_TRASHED, USUAL},
    {.kind = KIND_JPEG, STRANGE(9), .asset_flags = A_PLACE_JUNK, USUAL},
};

static void
wish_clear(struct wish *w)
{
	memset(w, 0, sizeof(*w));
	w->size_bytes = -1;
	w->date_ms = INT64_MIN;
}

void
wish_plain(struct wish *w, uint64_t r)
{
	static const uint8_t usual[] = {KIND_HEIC, KIND_HEIC, KIND_HEIC,
	    KIND_HEIC, KIND_JPEG, KIND_JPEG, KIND_HEIC, KIND_HEIC, KIND_PNG,
	    KIND_MOV};

	wish_clear(w);
	w->kind = (enum kind)usual[r % 10];
	if (r % 10 == 6 || r % 10 == 7)
		w->master_flags = M_LIVE;
	if (r >> 32 & 1)
		w->asset_flags = A_PLACE;
}

static enum kind
random_kind(uint64_t r)
{
	static const struct {
		uint16_t below; /* of 1000 */
		enum kind kind;
	} t[] = {
	    {480, KIND_HEIC},
	    {740, KIND_JPEG},
	    {810, KIND_PNG},
	    {890, KIND_MOV},
	    {910, KIND_MP4},
	    {930, KIND_RAW_JPEG},
	    {950, KIND_JPEG_RAW},
	    {960, KIND_DNG},
	    {965, KIND_CR3},
	    {973, KIND_SLOMO},
	    {976, KIND_TIMELAPSE},
	    {984, KIND_PANORAMA},
	    {990, KIND_GIF},
	    {997, KIND_WEBP},
	    {999, KIND_FUTURE},
	    {1000, KIND_DATA},
	};
	size_t i = 0;

	while (r % 1000 >= t[i].below)
		i++;
	return t[i].kind;
}

void
wish_random(struct wish *w, uint64_t r)
{
	static const uint32_t words[] = {A_CAPTION, A_DESCRIPTION, A_KEYWORDS,
	    A_KEYWORDS_EMPTY, A_CAPTION | A_DESCRIPTION | A_KEYWORDS,
	    A_PLACE_XML, A_PLACE_JUNK};
	uint64_t s = mix64(r);
	bool still;

	wish_clear(w);
	w->kind = random_kind(draw(&s));
	still = !kind_is_video((uint8_t)w->kind);
	if ((w->kind == KIND_HEIC || w->kind == KIND_JPEG) && draw(&s) % 3 == 0)
		w->master_flags |= M_LIVE;
	if (draw(&s) % 100 < 58)
		w->asset_flags |= A_PLACE;
	if (draw(&s) % 100 < 3)
		w->asset_flags |= A_HIDDEN;
	else if (draw(&s) % 100 < 4)
		w->asset_flags |= A_TRASHED;
	if (draw(&s) % 100 < 5)
		w->asset_flags |= A_FAVORITE;
	if (draw(&s) % 100 < 8) {
		if (w->kind == KIND_PNG)
			w->asset_flags |= A_EDIT_SHOT;
		else if (still)
			w->asset_flags |= A_EDIT_STILL;
		if (!still || (w->master_flags & M_LIVE) != 0)
			w->asset_flags |= A_EDIT_VIDEO;
		if (draw(&s) % 4 == 0)
			w->asset_flags |= A_SIDECAR;
	} else if (w->kind == KIND_DNG && draw(&s) % 2 == 0) {
		w->master_flags |= M_SIDECAR;
	}
	if (draw(&s) % 100 < 4)
		w->asset_flags |= words[draw(&s) % COUNT(words)];
	if (draw(&s) % 100 < 2)
		w->strange = (uint8_t)(1 + draw(&s) % COUNT(strange_names));
	else if (draw(&s) % 100 < 1)
		w->name_form = (enum name_form)(draw(&s) % (NAME_EMPTY + 1));
	if (draw(&s) % 300 == 0)
		w->asset_flags |= A_NO_DATE;
	else if (draw(&s) % 500 == 0)
		w->date_ms = (int64_t)(draw(&s) >> 1) * (draw(&s) % 2 ? 1 : -1);
	else if (draw(&s) % 200 == 0)
		w->date_ms = -(int64_t)(draw(&s) % UINT64_C(2000000000000));
	if (draw(&s) % 100 == 0)
		w->asset_flags |= A_NO_ZONE;
	if (draw(&s) % 100 == 0)
		w->same_master = true;
}

/* The wish for asset n of a mixed library; bursts go over several. */
static void
wish_mixed(struct wish *w, uint32_t n, uint64_t r, uint32_t *burst_left)
{
	if (n < COUNT(script)) {
		*w = script[n];
		return;
	}
	wish_random(w, r);
	if (*burst_left == 0 && mix2(r, 0x6275) % 200 != 0)
		return;
	wish_clear(w);
	w->kind = KIND_HEIC;
	w->asset_flags = A_BURST;
	w->same_burst = *burst_left != 0;
	if (*burst_left == 0) {
		w->asset_flags |= A_BURST_KEY;
		*burst_left = 2 + (uint32_t)(mix2(r, 0x6276) % 8);
	} else {
		(*burst_left)--;
	}
}

static void
fill_assets(struct cloud *c, struct zone *z, int64_t count)
{
	/* from 2008 on; the last week is for changes */
	const int64_t first_ms = INT64_C(1199145600000);
	const int64_t last_ms = CLOUD_BORN_MS - 7 * DAY_MS;
	uint64_t s = mix2(c->options.seed, 0x6c696200u + z->number), r;
	uint32_t burst_left = 0;
	int64_t step, date_ms, added_ms, i;
	struct wish w;

	step = count > 0 ? (last_ms - first_ms) / count : 0;
	z->masters =
	    xreallocarray(NULL, (size_t)count + 64, sizeof(*z->masters));
	z->master_cap = (size_t)count + 64;
	z->assets = xreallocarray(NULL, (size_t)count + 64, sizeof(*z->assets));
	z->asset_cap = (size_t)count + 64;
	for (i = 0; i < count; i++) {
		r = draw(&s);
		if (z->plain)
			wish_plain(&w, r);
		else
			wish_mixed(&w, (uint32_t)i, r, &burst_left);
		date_ms = first_ms + i * step +
		    (int64_t)(r >> 20) % (step > 0 ? step : 1);
		added_ms = date_ms + 1500 + (int64_t)(r % 9000);
		if (mix64(r) % 40 == 0) /* an old photo, brought in late */
			added_ms +=
			    (last_ms - added_ms) * (int64_t)(r % 100) / 100;
		if (w.same_burst)
			date_ms = z->assets[i - 1].date_ms + 100;
		asset_make(c, z, &w, date_ms, added_ms);
	}
	if (c->recorded != NULL && z->number == 0) {
		wish_clear(&w);
		w.kind = KIND_RECORDED;
		/* when it was taken, as recorded */
		asset_make(c, z, &w, INT64_C(1686106167436), last_ms + 1000);
	}
	if (!z->plain && count >= (int64_t)COUNT(script)) {
		/* an import that never got its asset [asset-master] */
		wish_clear(&w);
		master_make(
		    z, &w, mix2(c->options.seed, 0x6f727068), 0, last_ms);
	}
}

static void
put_some(struct cloud *c, struct zone *z, uint32_t album, uint32_t wanted)
{
	uint64_t s = mix2(c->options.seed, 0x616c0000u + album);
	uint32_t i, n, step;

	if (z->asset_count == 0)
		return;
	step = (uint32_t)z->asset_count / (wanted + 1) + 1;
	n = (uint32_t)(draw(&s) % step);
	for (i = 0; i < wanted && n < z->asset_count; i++) {
		relation_make(z, n, album, CLOUD_BORN_MS - 6 * DAY_MS);
		n += 1 + (uint32_t)(draw(&s) % step);
	}
}

static void
fill_albums(struct cloud *c, struct zone *z)
{
	const int64_t then_ms = CLOUD_BORN_MS - 6 * DAY_MS;
	uint32_t trips, europe, i, more;
	char name[32];

	/* the sentinels, nameless [album-tree] */
	album_make(z, NULL, 3, 0, then_ms);
	z->albums[0].record_name = "----Root-Folder----";
	album_make(z, NULL, 3, 0, then_ms);
	z->albums[1].record_name = "----Project-Root-Folder----";
	if (z->shared || z->link_share || z->number != 0)
		return; /* a shared library has no albums */
	put_some(c, z, album_make(z, "Holidays", 0, 0, then_ms), 8);
	if (z->plain)
		return;
	put_some(c, z, album_make(z, "Jo\xcc\x88rg", 0, 0, then_ms), 5);
	trips = album_make(z, "Trips", 3, 0, then_ms);
	put_some(c, z, album_make(z, "2024", 0, trips, then_ms), 4);
	europe = album_make(z, "Europe", 3, trips, then_ms);
	put_some(c, z, album_make(z, "2024", 0, europe, then_ms), 3);
	album_make(z, "Big files", 6, 0, then_ms);
	album_make(z, "Empty", 0, 0, then_ms);
	more = (uint32_t)(z->asset_count / 300);
	for (i = 0; i < more && i < 400; i++) {
		snprintf(name, sizeof(name), "Album %u", i + 1);
		put_some(c, z, album_make(z, name, 0, 0, then_ms), 25);
	}
}

static void
shuffle(uint32_t *v, size_t n, uint64_t *s)
{
	uint32_t t;
	size_t i, j;

	for (i = n; i > 1; i--) {
		j = (size_t)(draw(s) % i);
		t = v[i - 1];
		v[i - 1] = v[j];
		v[j] = t;
	}
}

/* Not by date, types interleaved, but what belongs together is never very far
 * apart [changes-zone]. */
static void
disorder(uint32_t *v, size_t n, uint64_t *s)
{
	enum { BLOCK = 1024 };
	size_t i, blocks = n / BLOCK;
	uint32_t *order, *copy;

	if (n <= (size_t)2 * BLOCK) {
		shuffle(v, n, s);
		return;
	}
	order = xreallocarray(NULL, blocks, sizeof(*order));
	copy = xreallocarray(NULL, n, sizeof(*copy));
	for (i = 0; i < blocks; i++)
		order[i] = (uint32_t)i;
	shuffle(order, blocks, s);
	memcpy(copy, v, n * sizeof(*v));
	for (i = 0; i < blocks; i++)
		memcpy(v + i * BLOCK, copy + (size_t)order[i] * BLOCK,
		    BLOCK * sizeof(*v));
	free(order);
	free(copy);
	for (i = 0; i + BLOCK <= n; i += BLOCK)
		shuffle(v + i, BLOCK, s);
	for (i = BLOCK / 2; i + BLOCK <= n; i += BLOCK)
		shuffle(v + i, BLOCK, s);
}

static void
place(struct zone *z, uint32_t ref)
{
	uint32_t n = ref & 0xfffffff;
	uint32_t position = feed_add(z, (enum type)(ref >> 28), n);

	switch ((enum type)(ref >> 28)) {
	case TYPE_MASTER:
		z->masters[n].position = position;
		z->masters[n].tag = ++z->tag;
		break;
	case TYPE_ASSET:
		z->assets[n].position = position;
		z->assets[n].tag = ++z->tag;
		break;
	case TYPE_ALBUM:
		z->albums[n].position = position;
		z->albums[n].tag = ++z->tag;
		break;
	case TYPE_RELATION:
		z->relations[n].position = position;
		z->relations[n].tag = ++z->tag;
		break;
	case TYPE_INFO:
		z->info_position = position;
		z->info_tag = ++z->tag;
		break;
	case TYPE_QUOTA:
		z->quota_position = position;
		z->quota_tag = ++z->tag;
		break;
	default:
		++z->tag;
		break;
	}
}

static void
fill_feed(struct cloud *c, struct zone *z)
{
	uint64_t s = mix2(c->options.seed, 0x66656500u + z->number);
	size_t n, i, at, gaps;
	uint32_t *v, j, k;

	z->other_count = (uint32_t)(z->asset_count / 3);
	z->tombstone_count = (uint32_t)(z->asset_count / 4 + 5);
	n = z->master_count + z->asset_count + z->album_count +
	    z->relation_count + z->other_count + z->tombstone_count + 2;
	v = xreallocarray(NULL, n, sizeof(*v));
	at = 0;
	/* what belongs together side by side first */
	for (j = 0, k = 0; j < z->asset_count; j++) {
		for (; k < z->master_count && z->masters[k].first <= j; k++)
			v[at++] = (uint32_t)TYPE_MASTER << 28 | k;
		v[at++] = (uint32_t)TYPE_ASSET << 28 | j;
		if (j % 3 == 2)
			v[at++] = (uint32_t)TYPE_OTHER << 28 | j / 3;
		if (j % 4 == 3)
			v[at++] = (uint32_t)TYPE_TOMBSTONE << 28 | j / 4;
	}
	for (; k < z->master_count; k++)
		v[at++] = (uint32_t)TYPE_MASTER << 28 | k;
	for (j = (uint32_t)z->asset_count / 4; j < z->tombstone_count; j++)
		v[at++] = (uint32_t)TYPE_TOMBSTONE << 28 | j;
	for (j = 0; j < z->album_count; j++)
		v[at++] = (uint32_t)TYPE_ALBUM << 28 | j;
	for (j = 0; j < z->relation_count; j++)
		v[at++] = (uint32_t)TYPE_RELATION << 28 | j;
	v[at++] = (uint32_t)TYPE_INFO << 28;
	if (z->number != 0)
		v[at++] = (uint32_t)TYPE_QUOTA << 28;
	n = at;
	disorder(v, n, &s);
	/* stretches of history in which nothing is left: pages without
	 * records [changes-zone] */
	gaps = 2 + n / 5000;
	for (i = 0; i < n; i++) {
		if (i % (n / gaps + 1) == n / gaps / 2)
			for (j = 450 + (uint32_t)(draw(&s) % 300) +
				 (n > 5000 && i < n / gaps ? 2400u : 0u);
			     j > 0; j--)
				feed_add(z, TYPE_NONE, 0);
		place(z, v[i]);
	}
	free(v);
}

static void
zone_empty(struct zone *z)
{
	size_t i;

	for (i = 0; i < z->album_count; i++) {
		free(z->albums[i].name);
		free(z->albums[i].relations);
	}
	for (i = 0; i < INDEX_COUNT; i++) {
		free(z->index[i].v);
		memset(&z->index[i], 0, sizeof(z->index[i]));
	}
	free(z->by_added.v);
	free(z->by_date.v);
	memset(&z->by_added, 0, sizeof(z->by_added));
	memset(&z->by_date, 0, sizeof(z->by_date));
	free(z->masters);
	free(z->assets);
	free(z->albums);
	free(z->relations);
	free(z->feed);
	free(z->by_name);
	z->masters = NULL;
	z->assets = NULL;
	z->albums = NULL;
	z->relations = NULL;
	z->feed = z->by_name = NULL;
	z->master_count = z->master_cap = z->asset_count = z->asset_cap = 0;
	z->album_count = z->album_cap = z->relation_count = 0;
	z->relation_cap = z->feed_count = z->feed_cap = 0;
	z->by_name_cap = z->by_name_count = 0;
	z->burst_count = z->names = 0;
}

void
zone_refill(struct cloud *c, struct zone *z, int64_t assets, bool plain)
{
	zone_empty(z);
	z->plain = plain;
	z->tag = 4000 + 100 * z->number;
	z->change++;
	fill_assets(c, z, assets);
	fill_albums(c, z);
	fill_feed(c, z);
	z->info_modified_ms = CLOUD_BORN_MS - 5 * DAY_MS;
	zone_totals(&z->totals, z);
	z->seen = ++c->database[z->shared];
}

struct zone *
zone_new(struct cloud *c, const char *name, const char *owner, bool shared,
    int64_t assets, bool plain)
{
	struct zone *z;
	uint64_t s;
	struct buf b = {0};
	size_t i;

	if (c->zone_count == ZONES_MAX)
		return NULL;
	z = xcalloc(1, sizeof(*z));
	z->number = (uint8_t)c->zone_count;
	z->shared = shared;
	z->link_share = strncmp(name, "CMM-", 4) == 0;
	snprintf(z->name, sizeof(z->name), "%s", name);
	snprintf(z->owner, sizeof(z->owner), "%s", owner);
	s = mix2(c->options.seed, 0x746f6b00u + z->number);
	for (i = 0; i < sizeof(z->token); i++)
		z->token[i] = (uint8_t)draw(&s);
	z->counter = 0x1000 + draw(&s) % 0x4000;
	buf_addf(&b,
	    "{\"zoneName\":\"%s\",\"ownerRecordName\":\"%s\","
	    "\"zoneType\":\"REGULAR_CUSTOM_ZONE\"}",
	    z->name, z->owner);
	z->id_json = buf_take(&b);
	c->zones[c->zone_count++] = z;
	zone_refill(c, z, assets, plain);
	return z;
}

struct zone *
cloud_zone(struct cloud *c, bool shared, const char *name)
{
	size_t i;

	for (i = 0; i < c->zone_count; i++)
		if (c->zones[i]->shared == shared &&
		    strcmp(c->zones[i]->name, name) == 0)
			return c->zones[i];
	return NULL;
}

/* --- indexes --- */

bool
index_holds(const struct zone *z, enum index ix, uint32_t n)
{
	const struct asset *a = &z->assets[n];
	const struct master *m = &z->masters[a->master];
	bool rest = (a->flags & (A_BURST | A_BURST_KEY)) == A_BURST;

	if ((a->flags & A_GONE) != 0)
		return false;
	if ((a->flags & A_TRASHED) != 0 || ix == INDEX_DELETED)
		return (a->flags & A_TRASHED) != 0 && ix == INDEX_DELETED;
	if (ix == INDEX_ADDED)
		return !rest;
	if ((a->flags & A_HIDDEN) != 0 || ix == INDEX_HIDDEN)
		return (a->flags & A_HIDDEN) != 0 && ix == INDEX_HIDDEN;
	if (ix == INDEX_BURST)
		return (a->flags & A_BURST) != 0;
	if (rest) /* [burst]: only the key frame is shown */
		return false;
	switch (ix) {
	case INDEX_VISIBLE:
		return true;
	case INDEX_TIMELAPSE:
		return m->kind == KIND_TIMELAPSE;
	case INDEX_VIDEO:
		return kind_is_video(m->kind);
	case INDEX_SLOMO:
		return m->kind == KIND_SLOMO;
	case INDEX_FAVORITE:
		return (a->flags & A_FAVORITE) != 0;
	case INDEX_PANORAMA:
		return m->kind == KIND_PANORAMA;
	case INDEX_SCREENSHOT:
		return m->kind == KIND_PNG;
	case INDEX_LIVE:
		return (m->flags & M_LIVE) != 0;
	case INDEX_DEPTH:
		return (a->flags & A_DEPTH) != 0;
	case INDEX_EXPOSURE:
		return (a->flags & A_EXPOSURE) != 0;
	case INDEX_ANIMATED:
		return m->kind == KIND_GIF;
	default:
		return false;
	}
}

int64_t
index_key(const struct zone *z, enum index ix, uint32_t n)
{
	const struct asset *a = &z->assets[n];

	if (ix == INDEX_DELETED)
		return a->trashed_ms;
	if (ix == INDEX_ADDED || (a->flags & A_NO_DATE) != 0)
		return a->added_ms;
	return a->date_ms;
}

struct ranked {
	int64_t key;
	uint32_t n;
};

static int
newest_first(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? 1 : -1;
	return a->n < b->n ? 1 : -1;
}

static void
sort_all(struct ranks *out, const struct zone *z, enum index ix)
{
	struct ranked *r;
	uint32_t i;

	if (out->built && out->count == z->asset_count)
		return;
	r = xreallocarray(NULL, z->asset_count + 1, sizeof(*r));
	for (i = 0; i < z->asset_count; i++) {
		r[i].key = index_key(z, ix, i);
		r[i].n = i;
	}
	qsort(r, z->asset_count, sizeof(*r), newest_first);
	out->v = xreallocarray(out->v, z->asset_count + 1, sizeof(*out->v));
	for (i = 0; i < z->asset_count; i++)
		out->v[i] = r[i].n;
	out->count = z->asset_count;
	out->built = true;
	free(r);
}

static void
sort_deleted(struct ranks *out, const struct zone *z)
{
	struct ranked *r;
	size_t i;

	r = xreallocarray(NULL, out->count + 1, sizeof(*r));
	for (i = 0; i < out->count; i++) {
		r[i].key = index_key(z, INDEX_DELETED, out->v[i]);
		r[i].n = out->v[i];
	}
	qsort(r, out->count, sizeof(*r), newest_first);
	for (i = 0; i < out->count; i++)
		out->v[i] = r[i].n;
	free(r);
}

const struct ranks *
zone_index(struct zone *z, enum index ix)
{
	struct ranks *out = &z->index[ix];
	struct ranks *all = ix == INDEX_ADDED ? &z->by_added : &z->by_date;
	size_t i, n = 0;

	if (out->built && out->change == z->change)
		return out;
	sort_all(all, z, ix == INDEX_ADDED ? INDEX_ADDED : INDEX_VISIBLE);
	for (i = 0; i < all->count; i++)
		n += index_holds(z, ix, all->v[i]);
	out->v = xreallocarray(out->v, n + 1, sizeof(*out->v));
	out->count = 0;
	for (i = 0; i < all->count; i++)
		if (index_holds(z, ix, all->v[i]))
			out->v[out->count++] = all->v[i];
	if (ix == INDEX_DELETED)
		sort_deleted(out, z);
	out->change = z->change;
	out->built = true;
	return out;
}

void
zone_totals(struct totals *out, const struct zone *z)
{
	const struct asset *a;
	const struct master *m;
	size_t i;
	bool video;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < z->asset_count; i++) {
		a = &z->assets[i];
		m = &z->masters[a->master];
		if ((a->flags & (A_GONE | A_TRASHED)) != 0)
			continue;
		video = kind_is_video(m->kind);
		if ((a->flags & (A_BURST | A_BURST_KEY)) == A_BURST)
			out->burst_rest++;
		else if (m->kind == KIND_DATA)
			out->others++;
		else if ((a->flags & A_HIDDEN) != 0)
			*(video ? &out->hidden_videos : &out->hidden_photos) +=
			    1;
		else
			*(video ? &out->videos : &out->photos) += 1;
		if ((m->flags & M_LIVE) != 0)
			out->live++;
	}
	for (i = 2; i < z->album_count; i++)
		out->albums += !z->albums[i].trashed;
}

/* --- the cloud --- */

static void
load_recorded(struct cloud *c, const char *folder)
{
	char path[1024];
	uint8_t *p;
	FILE *f;
	long n;

	snprintf(path, sizeof(path), "%s/content/IMG_3589.JPG", folder);
	f = fopen(path, "rb");
	if (f == NULL)
		return;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0 &&
	    fseek(f, 0, SEEK_SET) == 0) {
		p = xmalloc((size_t)n);
		if (fread(p, 1, (size_t)n, f) == (size_t)n) {
			c->recorded = p;
			c->recorded_bytes = n;
			c->recorded_name = xstrdup("IMG_3589.JPG");
		} else {
			free(p);
		}
	}
	fclose(f);
}

struct cloud *
cloud_new(const struct sim_options *o, struct account *account)
{
	struct cloud *c = xcalloc(1, sizeof(*c));
	const char *sizes_name = o->sizes != NULL ? o->sizes : "small";
	char owner[40];

	c->options = *o;
	if (c->options.link_life_s <= 0)
		c->options.link_life_s = 3600;
	c->account = account;
	c->sizes = strcmp(sizes_name, "tiny") == 0 ? 0
	    : strcmp(sizes_name, "real") == 0      ? 2
						   : 1;
	c->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (c->sha1 == NULL || c->sha256 == NULL)
		abort();
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->hash_lock, NULL);
	pthread_mutex_init(&c->sums_lock, NULL);
	c->random = mix2(o->seed, 0x6368616e6765);
	if (o->recorded != NULL)
		load_recorded(c, o->recorded);
	snprintf(owner, sizeof(owner), "_%016llx%016llx",
	    (unsigned long long)mix2(o->seed, 1),
	    (unsigned long long)mix2(o->seed, 2));
	zone_new(c, "PrimarySync", owner, false, o->assets, false);
	return c;
}

void
cloud_free(struct cloud *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->zone_count; i++) {
		zone_empty(c->zones[i]);
		free(c->zones[i]->id_json);
		free(c->zones[i]);
	}
	EVP_MD_free(c->sha1);
	EVP_MD_free(c->sha256);
	free(c->recorded);
	free(c->recorded_name);
	for (i = 0; i < c->given_count; i++)
		free(c->given[i]);
	free(c->sums);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->hash_lock);
	pthread_mutex_destroy(&c->sums_lock);
	free(c);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

bool
cloud_answer(
    struct cloud *c, const struct sim_request *r, struct sim_response *resp)
{
	if (r->host[0] == 'p' &&
	    (ends_with(r->host, "-ckdatabasews.icloud.com") ||
		ends_with(r->host, "-ckdatabasews.icloud.com.cn"))) {
		if (account_admits(c->account, r, resp))
			cloudkit_answer(c, r, resp);
		return true;
	}
	if (ends_with(r->host, ".icloud-content.com")) {
		content_answer(c, r, resp);
		return true;
	}
	return false;
}

/* --- the truth --- */

static void
truth_line(struct buf *out, struct cloud *c, const struct zone *z,
    const struct asset *a, const struct master *m, uint32_t n, enum role role)
{
	char checksum[CHECKSUM_MAX], hex[2 * SHA256_LEN + 1], name[40];
	struct buf file = {0}, text = {0};
	const char *uti;
	struct content f;
	struct sums s;
	int64_t offset_s;

	if (!library_content(&f, &uti, c, a, m, role))
		return;
	content_sums(&s, c, &f, true);
	uuid_name(name, c, z, TYPE_ASSET, n);
	checksum_text(checksum, m->sha1);
	buf_addf(out,
	    "{\"database\":\"%s\",\"zone\":\"%s\",\"asset\":\"%s\","
	    "\"master\":\"%s\",\"role\":\"%s\",\"filename\":",
	    z->shared ? "shared" : "private", z->name, name, checksum,
	    role_name(role));
	if (m->name_form == NAME_MISSING) {
		buf_adds(out, "null");
	} else {
		library_filename(&file, c, m);
		text_utf8(&text, buf_text(&file), file.len);
		buf_add_json(out, buf_text(&text));
		buf_clear(&file);
		buf_clear(&text);
	}
	checksum_text(checksum, s.sha1);
	text_hex(hex, s.sha256, SHA256_LEN);
	buf_addf(out,
	    ",\"size\":%lld,\"fileChecksum\":\"%s\",\"sha256\":\"%s\","
	    "\"state\":\"%s\",\"assetDate_ms\":",
	    (long long)f.size, checksum, hex,
	    (a->flags & A_TRASHED) != 0      ? "trashed"
		: (a->flags & A_HIDDEN) != 0 ? "hidden"
					     : "live");
	if ((a->flags & A_NO_DATE) != 0)
		buf_adds(out, "null");
	else
		buf_addf(out, "%lld", (long long)a->date_ms);
	buf_addf(
	    out, ",\"originalCreationDate_ms\":%lld", (long long)a->date_ms);
	buf_adds(out, ",\"timeZoneOffset_s\":");
	if (asset_time_zone(&offset_s, NULL, a))
		buf_addf(out, "%lld", (long long)offset_s);
	else
		buf_adds(out, "null");
	record_truth(out, c, a);
	buf_addf(out, ",\"uti\":\"%s\"}\n", uti);
}

static void
link_line(struct buf *out, struct cloud *c, const struct zone *z,
    const struct asset *a, const struct master *m, enum role role,
    int64_t expires_s)
{
	static const char uuid[] = "00000000-0000-4000-8000-000000000000";
	char checksum[CHECKSUM_MAX];
	const char *uti;
	struct content f;
	struct sums s;

	if (!library_content(&f, &uti, c, a, m, role))
		return;
	content_sums(&s, c, &f, false);
	checksum_text(checksum, s.sha1);
	content_link(out, c, &f, checksum, z->name, expires_s, uuid, 62);
	buf_addc(out, '\n');
}

/* expires_s: not 0: links until then instead. */
static void
truth_zone(struct buf *out, struct cloud *c, struct zone *z, int64_t expires_s)
{
	struct asset a;
	struct master m;
	uint32_t n;
	int role;
	bool more = true;

	for (n = 0; more; n++) {
		pthread_mutex_lock(&c->lock);
		more = n < z->asset_count;
		if (more) {
			a = z->assets[n];
			m = z->masters[a.master];
		}
		pthread_mutex_unlock(&c->lock);
		if (!more || (a.flags & A_GONE) != 0)
			continue;
		master_hash(c, z, &m, a.master);
		for (role = ROLE_ORIGINAL; role <= ROLE_SIDECAR; role++)
			if (expires_s == 0)
				truth_line(
				    out, c, z, &a, &m, n, (enum role)role);
			else
				link_line(out, c, z, &a, &m, (enum role)role,
				    expires_s);
	}
}

static void
truth(struct cloud *c, int64_t expires_s, struct buf *out)
{
	struct zone *zones[ZONES_MAX];
	size_t i, count = 0;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < c->zone_count; i++)
		/* a link share holds copies, no library of the account */
		if (!c->zones[i]->link_share && !c->zones[i]->left)
			zones[count++] = c->zones[i];
	pthread_mutex_unlock(&c->lock);
	for (i = 0; i < count; i++)
		truth_zone(out, c, zones[i], expires_s);
}

void
cloud_truth(struct cloud *c, struct buf *out)
{
	truth(c, 0, out);
}

void
cloud_links(struct cloud *c, int64_t now_ms, struct buf *out)
{
	truth(c, now_ms / 1000 + c->options.link_life_s, out);
}
