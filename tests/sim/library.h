#ifndef LIBRARY_H
#define LIBRARY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "buf.h"
#include "sim.h"

/*
 * The inside of struct cloud, for library.c, changes.c, record.c, cloudkit.c
 * and content.c only.
 *
 * A library holds what can change in small fixed rows; everything else (names,
 * places, titles, bytes) is a pure function of the seed and the row's number,
 * so that a million assets start in a second.  Two things follow:
 *
 * A master's record name is its fileChecksum, hence it is known only once its
 * bytes were hashed.  That is done when a record first leaves, or all at once
 * when somebody asks for a name that has never left.
 *
 * Hashing takes long, so the lock is never held for it: what an answer needs
 * is copied under the lock (struct item), hashed and written without it.
 */

/* --- computed bytes (content.c) --- */

#define SHA1_LEN     20
#define SHA256_LEN   32
#define CHECKSUM_MAX 48 /* text of a fileChecksum, NUL included */

enum magic {
	MAGIC_NONE,
	MAGIC_JPEG,
	MAGIC_HEIC,
	MAGIC_PNG,
	MAGIC_GIF,
	MAGIC_WEBP,
	MAGIC_MOV,
	MAGIC_MOV_WIDE,
	MAGIC_MP4,
	MAGIC_TIFF,
	MAGIC_CR2,
	MAGIC_CR3,
	MAGIC_AAE,
	MAGIC_XMP,
	MAGIC_RECORDED
};

/* The bytes of a file, wholly determined by these three. */
struct content {
	uint64_t key;
	int64_t size; /* bytes */
	enum magic magic;
};

struct sums {
	uint8_t sha1[SHA1_LEN]; /* of Apple's salt and the bytes
				   [file-checksum] */
	uint8_t sha256[SHA256_LEN];
	bool has_sha256;
};

/* --- rows --- */

enum kind {
	KIND_JPEG,
	KIND_HEIC,
	KIND_PNG,
	KIND_GIF,
	KIND_WEBP,
	KIND_PANORAMA,
	KIND_MOV,
	KIND_MP4,
	KIND_SLOMO,
	KIND_TIMELAPSE,
	KIND_DNG,
	KIND_CR3,
	KIND_RAW_JPEG,
	KIND_JPEG_RAW,
	KIND_FUTURE,
	KIND_DATA,
	KIND_RECORDED,
	KIND_COUNT
};

/* Which file of an asset. */
enum role {
	ROLE_ORIGINAL,
	ROLE_LIVE,
	ROLE_ALTERNATIVE,
	ROLE_EDITED,
	ROLE_EDITED_VIDEO,
	ROLE_SIDECAR,
	/* no originals, no part of the truth: */
	ROLE_MED,
	ROLE_THUMB,
	ROLE_VID_MED,
	ROLE_VID_SMALL,
	ROLE_EDIT_MED,
	ROLE_EDIT_THUMB
};

/* How filenameEnc comes [enc-decoding]. */
enum name_form {
	NAME_PADDED,
	NAME_STRING,
	NAME_MISSING,
	NAME_NOT_UTF8,
	NAME_UNPADDED,
	NAME_EMPTY
};

#define M_LIVE         0x01u /* has a movie */
#define M_GONE         0x02u /* a tombstone now */
#define M_TRASHED      0x04u
#define M_HASHED       0x08u /* sha1 is known */
#define M_SIDECAR      0x10u
#define M_NO_ITEM_TYPE 0x20u
#define M_HALF_VARIANT 0x40u /* resJPEGMedWidth without resJPEGMedRes */
#define M_UPLOADED     0x80u /* from a computer: the camera's date is another */

struct master {
	uint64_t key;
	int64_t size_bytes, modified_ms, trashed_ms;
	uint32_t name;     /* number in IMG_nnnn, or of a strange name */
	uint32_t position; /* in the feed */
	uint32_t tag;
	uint32_t assets; /* that refer to it and are not gone */
	uint32_t first;  /* the asset it came with */
	uint32_t flags;
	uint32_t given; /* number of a name that op_add was given + 1; 0: none */
	uint8_t kind, name_form, strange;
	uint8_t sha1[SHA1_LEN];
};

#define A_HIDDEN         0x000001u
#define A_TRASHED        0x000002u
#define A_GONE           0x000004u
#define A_FAVORITE       0x000008u
#define A_BURST          0x000010u
#define A_BURST_KEY      0x000020u
#define A_EDIT_STILL     0x000040u
#define A_EDIT_VIDEO     0x000080u
#define A_EDIT_SHOT      0x000100u /* ScreenshotServices' own rendering */
#define A_SIDECAR        0x000200u
#define A_NO_DATE        0x000400u
#define A_NO_ZONE        0x000800u
#define A_PLACE          0x001000u
#define A_PLACE_XML      0x002000u
#define A_PLACE_JUNK     0x004000u
#define A_CAPTION        0x008000u
#define A_DESCRIPTION    0x010000u
#define A_KEYWORDS       0x020000u
#define A_KEYWORDS_EMPTY 0x040000u
#define A_DEPTH          0x080000u
#define A_EXPOSURE       0x100000u
#define A_RESTORED       0x200000u /* was in the trash: isDeleted is 0 */
#define A_EDITED         (A_EDIT_STILL | A_EDIT_VIDEO | A_EDIT_SHOT)

struct asset {
	int64_t date_ms, added_ms, modified_ms, trashed_ms;
	uint64_t edit_key;
	uint32_t master, position, tag, burst, flags;
	uint32_t origin; /* its number where it was made */
	uint16_t caption;
};

struct album {
	char *name;              /* UTF-8; NULL for the two sentinels */
	const char *record_name; /* of a sentinel; else NULL */
	int64_t modified_ms, trashed_ms;
	uint32_t parent; /* number of an album; 0 is the root */
	uint32_t position, tag, place;
	uint8_t type; /* 0 album, 3 folder, 6 smart [album-tree] */
	bool trashed;
	uint32_t *relations;
	size_t relation_count, relation_cap;
};

struct relation {
	int64_t modified_ms;
	uint32_t asset, album, position, tag, place;
	bool gone;
};

enum type {
	TYPE_NONE, /* a place in the feed that something has left */
	TYPE_MASTER,
	TYPE_ASSET,
	TYPE_ALBUM,
	TYPE_RELATION,
	TYPE_OTHER,
	TYPE_TOMBSTONE,
	TYPE_INFO,
	TYPE_QUOTA,
	TYPE_BURST
};

enum index {
	INDEX_ADDED,
	INDEX_VISIBLE,
	INDEX_HIDDEN,
	INDEX_DELETED,
	INDEX_BURST,
	INDEX_TIMELAPSE,
	INDEX_VIDEO,
	INDEX_SLOMO,
	INDEX_FAVORITE,
	INDEX_PANORAMA,
	INDEX_SCREENSHOT,
	INDEX_LIVE,
	INDEX_DEPTH,
	INDEX_EXPOSURE,
	INDEX_ANIMATED,
	INDEX_COUNT
};

struct ranks {
	uint32_t *v; /* assets, rank 0 first (the newest) */
	size_t count;
	uint64_t change; /* of which state of the zone */
	bool built;
};

struct totals {
	int64_t photos, videos, hidden_photos, hidden_videos, albums, live,
	    burst_rest, others;
};

struct zone {
	uint8_t number; /* in struct cloud */
	bool shared;    /* in which database */
	bool plain;
	bool link_share; /* CMM-...: no library of the account */
	bool left;       /* no longer there */
	char name[64], owner[40];
	char *id_json;     /* the zoneID object */
	uint8_t token[16]; /* the constant part of its tokens */
	uint64_t counter;  /* of position 0 */

	struct master *masters;
	struct asset *assets;
	struct album *albums;
	struct relation *relations;
	uint32_t *feed; /* position -> type and number */
	size_t master_count, master_cap, asset_count, asset_cap, album_count,
	    album_cap, relation_count, relation_cap, feed_count, feed_cap;
	uint32_t other_count, tombstone_count, burst_count, names;
	uint32_t info_position, info_tag, quota_position, quota_tag;
	int64_t info_modified_ms;
	uint32_t tag;    /* last change tag given */
	uint64_t change; /* counts changes of anything */
	uint64_t seen;   /* database counter of its last change */

	uint32_t *by_name; /* hash table: master + 1; 0 is free */
	size_t by_name_cap, by_name_count;
	struct ranks by_added, by_date, index[INDEX_COUNT];
	struct totals totals; /* as the library info last said */
};

#define ZONES_MAX 8
#define GIVEN_MAX 256

struct cloud {
	struct sim_options options; /* sizes and recorded are copies */
	struct account *account;
	pthread_mutex_t lock;      /* all below but sums */
	pthread_mutex_t hash_lock; /* one hashes all names */
	pthread_mutex_t sums_lock;
	struct zone *zones[ZONES_MAX];
	size_t zone_count;
	uint64_t database[2]; /* counts changes; [1] shared */
	uint64_t uuids;       /* given out so far */
	uint64_t random;      /* for changes */
	int sizes;            /* 0 tiny, 1 small, 2 real */
	char *given[GIVEN_MAX]; /* names; an entry never changes once it is there */
	size_t given_count;
	uint8_t *recorded;    /* bytes of the recorded JPEG */
	int64_t recorded_bytes;
	char *recorded_name;
	EVP_MD *sha1, *sha256;
	/* of big files, so that they are hashed once */
	struct sums_entry {
		uint64_t key;
		int64_t size;
		struct sums sums;
	} * sums;
	size_t sums_count, sums_cap;
};

/* The library in which a cloud begins, and how old it says it is. */
#define CLOUD_BORN_MS INT64_C(1793491200000) /* 2026-11-01 */
#define DAY_MS        INT64_C(86400000)

/* --- content.c --- */

/* A mapping of numbers onto numbers that looks random, and its inverse. */
uint64_t mix64(uint64_t);
uint64_t unmix64(uint64_t);
static inline uint64_t
mix2(uint64_t a, uint64_t b)
{
	return mix64(a ^ mix64(b));
}

void content_bytes(const struct cloud *, const struct content *, int64_t offset,
    uint8_t *out, size_t len);
/* Never with a lock held.  SHA-256 only if asked for. */
void content_sums(
    struct sums *out, struct cloud *, const struct content *, bool with_sha256);
/* fileChecksum of kind 0x01 from its hash. */
void checksum_text(char out[CHECKSUM_MAX], const uint8_t sha1[SHA1_LEN]);
void content_wrapping_key(uint8_t out[16], const struct content *);
void content_reference(char out[CHECKSUM_MAX], const struct content *);
/* Append a signed downloadURL [download-link]. */
void content_link(struct buf *out, struct cloud *, const struct content *,
    const char *checksum, const char *zone, int64_t expires_s,
    const char *request_uuid, int partition);
void content_answer(
    struct cloud *, const struct sim_request *, struct sim_response *);

/* --- library.c --- */

/* What the asset and its master have in this role; false if nothing.  The
 * content and its UTI. */
bool
library_content(struct content *out, const char **uti, const struct cloud *,
    const struct asset *, const struct master *, enum role);
const char *role_name(enum role);
bool kind_is_video(uint8_t kind);
/* The name a device gave it, as bytes (not always UTF-8). */
void
library_filename(struct buf *out, const struct cloud *, const struct master *);
/* Seconds east of UTC; false if the asset says none.  name may be NULL. */
bool asset_time_zone(int64_t *out_s, const char **name, const struct asset *);
/* Append what the truth says of the words and the place that are sent of an
 * asset: members, a comma before each. */
void record_truth(struct buf *, const struct cloud *, const struct asset *);

/* A record name in UUID form, and back: false if it is none of this zone. */
void uuid_name(char out[40], const struct cloud *, const struct zone *,
    enum type, uint32_t number);
bool uuid_number(uint32_t *out, const struct cloud *, const struct zone *,
    enum type, const char *name);
void album_record_name(
    char out[40], const struct cloud *, const struct zone *, uint32_t number);
bool album_number(uint32_t *out, const struct cloud *, const struct zone *,
    const char *record_name);

/* Under the lock: the master with this hash, if its name has ever left. */
bool
master_find(uint32_t *out, const struct zone *, const uint8_t sha1[SHA1_LEN]);
/* Without the lock: the hash of a copy of a master, remembered. */
void master_hash(
    struct cloud *, struct zone *, struct master *copy, uint32_t number);
/* Without the lock: hash all masters of the zone whose name is not known. */
void masters_hash_all(struct cloud *, struct zone *);
bool relation_find(uint32_t *out, const struct cloud *, const struct zone *,
    const char *record_name);

/* Under the lock: an index as it is now, borrowed until the lock is left. */
const struct ranks *zone_index(struct zone *, enum index);
/* The key by which an asset stands in it; the newest has the greatest. */
int64_t index_key(const struct zone *, enum index, uint32_t asset);
bool index_holds(const struct zone *, enum index, uint32_t asset);
void zone_totals(struct totals *out, const struct zone *);

struct zone *zone_new(struct cloud *, const char *name, const char *owner,
    bool shared, int64_t assets, bool plain);
/* Start the zone's library again, with ordinary things only. */
void zone_refill(struct cloud *, struct zone *, int64_t assets, bool plain);
struct zone *cloud_zone(struct cloud *, bool shared, const char *name);

/* Under the lock: the record is sent (again) by the feed, with a new tag. */
void touch_asset(struct zone *, uint32_t, int64_t now_ms);
void touch_master(struct zone *, uint32_t, int64_t now_ms);
void touch_album(struct zone *, uint32_t, int64_t now_ms);
void touch_relation(struct zone *, uint32_t, int64_t now_ms);
void touch_info(struct zone *, int64_t now_ms);

/* What a new asset is to be. */
struct wish {
	enum kind kind;
	enum name_form name_form;
	uint32_t asset_flags, master_flags;
	int64_t size_bytes; /* -1: as usual */
	int64_t date_ms;    /* INT64_MIN: as usual */
	uint8_t strange;    /* number of a strange name + 1; 0: none */
	uint32_t given;     /* the same of a given name */
	bool same_master;   /* as the asset made before */
	bool same_burst;
};
/* Makes rows, gives them no place in the feed. */
uint32_t asset_make(struct cloud *, struct zone *, const struct wish *,
    int64_t date_ms, int64_t added_ms);
/* A new master like another, with other bytes or (same key) the same. */
uint32_t master_again(
    struct zone *, const struct master *, uint64_t key, int64_t now_ms);
/* A new asset like another (perhaps of another zone) on this master. */
uint32_t asset_again(struct zone *, const struct asset *like, uint32_t master);
uint32_t album_make(struct zone *, const char *name, uint8_t type,
    uint32_t parent, int64_t now_ms);
uint32_t
relation_make(struct zone *, uint32_t asset, uint32_t album, int64_t now_ms);
void wish_plain(struct wish *, uint64_t random);
void wish_random(struct wish *, uint64_t random);

/* --- record.c: records as JSON --- */

/* A record on its way out: copies, so that no lock is needed to write it. */
struct item {
	enum type type;
	uint32_t number;
	struct asset asset;
	struct master master; /* of a TYPE_ASSET too */
	char *text;           /* of all other types: the record; owned */
	char *missing;        /* a name that has no record; owned */
};

struct items {
	struct item *v;
	size_t count, cap;
};

void items_clear(struct items *);

struct keys;                               /* desiredKeys; NULL means all */
struct keys *keys_new(const cJSON *array); /* NULL if it is no array */
void keys_free(struct keys *);

struct page {
	struct cloud *cloud;
	const struct sim_request *request;
	const struct zone *zone; /* its constants only */
	const struct keys *keys;
	int64_t expires_s; /* of links */
	char uuid[40];     /* of the request */
	int partition;
};

/* Under the lock: add a copy of a record. */
void items_add(struct items *, const struct page *, const struct zone *,
    enum type, uint32_t number);
void items_add_missing(struct items *, const char *name);
/* Without it. */
void items_hash(struct items *, struct cloud *, struct zone *);
void item_write(struct buf *out, const struct page *, const struct item *);
/* The name under which an item goes out; after items_hash(). */
void item_name(char out[256], const struct page *, const struct item *);

/* Does a fault's value choose this record name?  "" all, "7" about one in
 * seven, else a list with commas.  With a value before it: "VALUE@CHOICE". */
bool fault_chooses(const char *value, const char *record_name);
/* The part before '@' (or all of it if there is none) of a fault's value. */
void fault_value(char out[64], const char *value);
bool fault_value_chooses(const char *value, const char *record_name);

/* --- changes.c --- */

/* Under the lock: the newest visible asset goes to the trash. */
void trash_newest(struct cloud *, struct zone *, int64_t now_ms);

/* --- cloudkit.c ---
 *
 * Faults of kind "hook", by name, and what their value says.  CHOICE is ""
 * (all), a number (one in so many, always the same ones) or record names with
 * commas; for counts the ids, for zones their names.
 *
 *   empty_page        a page of an index or of the feed comes without records
 *   no_master         CHOICE: left out of pages, given by look-ups
 *   lookup_not_found  CHOICE: NOT_FOUND by look-ups
 *   bad_record        HOW@CHOICE: "error" in its place, "fields" null,
 *                     "types" that are wrong, "junk" that spoils the page
 *   token_refused     BAD_REQUEST for any token
 *   zone_error        CODE@CHOICE, for zone lists @private or @shared
 *   count_offset      N@CHOICE: added to counts
 *   not_indexed       the indexing state is RUNNING
 *   joint_only        indexes of assets alone are not known
 *   trash_one         the newest asset leaves before each page of an index
 *   wrong_size        N@CHOICE: added to the stated size of originals
 *   no_url            CHOICE: originals without downloadURL
 *   no_original       CHOICE: masters without resOriginal*
 *   checksum_kind     KK@CHOICE or KK/LEN@CHOICE: first byte (hex) and bytes
 *                     of the fileChecksum of originals
 *   wrong_checksum    (content) CHOICE of fileChecksums: other bytes
 */

void cloudkit_answer(
    struct cloud *, const struct sim_request *, struct sim_response *);

#endif
