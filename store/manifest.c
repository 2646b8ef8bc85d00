#include "store_p.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "json.h"
#include "text.h"

/*
 * The lines of manifest/: an object for each file of the copy, with all that
 * is known of it in plain words, so that it can be read without this program.
 */

#define TEXT_BYTES  4096              /* of a name or a title */
#define LINE_BYTES  ((size_t)4 << 20) /* then no further asset is begun */
#define ASSETS_MAX  1000
#define ALBUMS_MAX  1000
#define FOLDERS_MAX 32 /* albums in folders, and a circle of them */

static const char *const states[] = {
    [STORE_STATE_PROVEN] = "proven",
    [STORE_STATE_SIZE_VERIFIED] = "size-verified",
};
static const char *const databases[] = {"private", "shared"};
#define STATES    (sizeof(states) / sizeof(states[0]))
#define DATABASES (sizeof(databases) / sizeof(databases[0]))

/* What an asset, or the file as a whole, is in the cloud. */
enum cloud { CLOUD_GONE = 0, CLOUD_REPLACED, CLOUD_TRASHED, CLOUD_PRESENT };
static const char *const clouds[] = {"gone", "replaced", "trashed", "present"};

const char *
line_database(int database)
{
	return databases[database == 0 ? 0 : 1];
}

/* ---- members ---- */

/* Every line is far below the buffer's maximum; see LINE_BYTES. */
static void
add(struct buf *out, const char *text)
{
	if (buf_adds(out, text) == -1)
		abort();
}

/* ,"name":"text" with what is too long cut on a character. */
static void
add_text(struct buf *out, const char *name, const char *text)
{
	size_t n = strlen(text);
	char *cut = NULL;

	if (n > TEXT_BYTES) {
		for (n = TEXT_BYTES; ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
		text = cut = xstrndup(text, n);
	}
	add(out, ",\"");
	add(out, name);
	add(out, "\":");
	if (buf_add_json(out, text) == -1)
		abort();
	free(cut);
}

static void
add_number(struct buf *out, const char *name, int64_t n)
{
	if (buf_addf(out, ",\"%s\":%" PRId64, name, n) == -1)
		abort();
}

static void
add_flag(struct buf *out, const char *name, bool set)
{
	if (!set)
		return;
	add(out, ",\"");
	add(out, name);
	add(out, "\":true");
}

/* ,"name":"2024-07-31T14:00:00.250+02:00": as the clocks there had it; without
 * an offset in UTC. */
static void
add_time(struct buf *out, const char *name, int64_t ms, bool has_offset,
    int64_t offset_s)
{
	const char *sign = "";
	struct civil c;
	int64_t off;
	int rc = 0;

	/* Dates that are none have no offset either. */
	if (ms > INT64_MAX / 2 || ms < INT64_MIN / 2)
		has_offset = false;
	civil_from_ms(&c, has_offset ? ms + offset_s * 1000 : ms);
	if (c.year < 0)
		sign = "-";
	else if (c.year > 9999)
		sign = "+";
	rc |=
	    buf_addf(out, ",\"%s\":\"%s%04" PRId64 "-%02d-%02dT%02d:%02d:%02d",
		name, sign, c.year < 0 ? -c.year : c.year, c.month, c.day,
		c.hour, c.minute, c.second);
	if (c.ms != 0)
		rc |= buf_addf(out, ".%03d", c.ms);
	if (!has_offset)
		rc |= buf_addc(out, 'Z');
	else {
		off = offset_s < 0 ? -offset_s : offset_s;
		rc |= buf_addf(out, "%c%02d:%02d", offset_s < 0 ? '-' : '+',
		    (int)(off / 3600), (int)(off / 60 % 60));
		if (off % 60 != 0)
			rc |= buf_addf(out, ":%02d", (int)(off % 60));
	}
	rc |= buf_addc(out, '"');
	if (rc != 0)
		abort();
}

/* ---- albums ---- */

/* Texts, each once, in the order in which they came. */
struct set {
	char **v; /* owned */
	size_t n;
};

static void
set_put(struct set *t, char *text)
{
	size_t i;

	for (i = 0; i < t->n && strcmp(t->v[i], text) != 0; i++)
		;
	if (i < t->n || t->n == ALBUMS_MAX) {
		free(text);
		return;
	}
	t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = text;
}

static void
set_clear(struct set *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	memset(t, 0, sizeof(*t));
}

/* ,"name":["Trips/Italy"], nothing if there are none. */
static void
add_set(struct buf *out, const char *name, const struct set *t)
{
	size_t i;

	if (t->n == 0)
		return;
	add(out, ",\"");
	add(out, name);
	add(out, "\":[");
	for (i = 0; i < t->n; i++) {
		if (i > 0)
			add(out, ",");
		if (buf_add_json(out, t->v[i]) == -1)
			abort();
	}
	add(out, "]");
}

/* Those that an asset is in, and those that it was in. */
struct albums {
	struct set now, before;
};

static void
albums_clear(struct albums *a)
{
	set_clear(&a->now);
	set_clear(&a->before);
}

static void
add_albums(struct buf *out, const struct albums *a)
{
	add_set(out, "albums", &a->now);
	add_set(out, "albums_before", &a->before);
}

static const char sql_album[] =
    "SELECT al.title, al.parent, al.trashed OR n.gone_run IS NOT NULL"
    " FROM album al JOIN record n ON n.rec = al.rec WHERE al.rec = ?1";

/* "Trips/Italy": its folders and itself; NULL if it has no title.  *ended: it
 * or a folder of it was deleted. */
static int
album_path(
    char **out, bool *ended, struct store *s, int64_t album, struct err *e)
{
	char *title = NULL, *path = NULL, *whole;
	int64_t parent = 0;
	int i, gone = 0, rc = 0;

	for (i = 0; i < FOLDERS_MAX && album != 0; i++, album = parent) {
		parent = 0;
		rc = sql_first(
		    s, e, sql_album, "i>tid", album, &title, &parent, &gone);
		if (rc != 0)
			break;
		/* A folder without a name is the top. */
		if (title == NULL)
			break;
		*ended = *ended || gone;
		whole = path == NULL
		    ? xstrdup(title)
		    : xasprintf("%.*s/%s", TEXT_BYTES, title, path);
		free(title);
		free(path);
		title = NULL;
		path = whole;
		if (strlen(path) > TEXT_BYTES)
			break;
	}
	free(title);
	if (rc == -1) {
		free(path);
		path = NULL;
	}
	*out = path;
	return rc == -1 ? -1 : 0;
}

static const char sql_in_album[] =
    "SELECT rec, album, trashed <> 0 FROM relation"
    " WHERE asset = ?1 AND rec > ?2 AND album IS NOT NULL"
    " ORDER BY rec LIMIT 1";

static int
albums_of(struct albums *out, struct store *s, int64_t asset, struct err *e)
{
	int64_t relation = 0, album = 0;
	int rc, out_of = 0;
	bool ended;
	char *path;

	while ((rc = sql_first(s, e, sql_in_album, "ii>iid", asset, relation,
		    &relation, &album, &out_of)) == 0) {
		ended = out_of != 0;
		if (album_path(&path, &ended, s, album, e) == -1)
			return -1;
		if (path != NULL)
			set_put(ended ? &out->before : &out->now, path);
	}
	return rc == 1 ? 0 : -1;
}

/* ---- assets ---- */

struct holder {
	int64_t asset;
	int role;
};

static const char sql_holders[] =
    "SELECT rec, min(role) FROM ("
    " SELECT a.rec AS rec, r.role AS role FROM resource r"
    "  JOIN asset a ON a.rec = r.rec WHERE r.content = ?1"
    " UNION ALL SELECT a.rec, r.role FROM resource r"
    "  JOIN asset a ON a.master = r.rec WHERE r.content = ?1)"
    " GROUP BY rec ORDER BY rec <> ?2, rec";

/* The assets that have a content, the stem's first.  *all: how many they are,
 * if not all fit. */
static int
holders_of(struct holder out[ASSETS_MAX], size_t *n, int64_t *all,
    struct store *s, int64_t content, int64_t first, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	*n = 0;
	*all = 0;
	if (sql_open(&st, s, e, sql_holders, "ii", content, first) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		if ((*all)++ >= ASSETS_MAX)
			continue;
		out[*n].asset = sqlite3_column_int64(st, 0);
		out[(*n)++].role = sqlite3_column_int(st, 1);
	}
	return rc;
}

static const char sql_asset[] =
    "SELECT z.database, z.name, z.owner, n.name, k.name, m.filename, a.flags,"
    " a.taken_ms, a.offset_s, a.added_ms, a.expunged_ms,"
    " n.dict, n.size, n.bytes, k.dict, k.size, k.bytes, a.dated"
    " FROM asset a JOIN record n ON n.rec = a.rec JOIN zone z ON z.zone ="
    " a.zone LEFT JOIN record k ON k.rec = a.master"
    " LEFT JOIN master m ON m.rec = a.master WHERE a.rec = ?1";

static bool
has(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) != SQLITE_NULL;
}

static enum cloud
cloud_of(int64_t flags)
{
	return flags & ASSET_NOT_LIVE ? CLOUD_GONE
	    : flags & ASSET_TRASHED   ? CLOUD_TRASHED
				      : CLOUD_PRESENT;
}

/* Whose it is, and where in the cloud. */
static void
add_names(struct buf *out, sqlite3_stmt *st)
{
	add(out, "{\"database\":\"");
	add(out, line_database(sqlite3_column_int(st, 0)));
	add(out, "\"");
	add_text(out, "zone", sql_text(st, 1));
	if (has(st, 2))
		add_text(out, "owner", sql_text(st, 2));
	add_text(out, "record", sql_text(st, 3));
	if (has(st, 4))
		add_text(out, "master", sql_text(st, 4));
	if (has(st, 5))
		add_text(out, "filename", sql_text(st, 5));
}

static void
add_taken(struct buf *out, sqlite3_stmt *st)
{
	if (has(st, 7))
		add_time(out, "taken", sqlite3_column_int64(st, 7), has(st, 8),
		    sqlite3_column_int64(st, 8));
}

/* Where a capture date is from that is not the asset's own: its words are those
 * of the other dates. */
static const char *const date_words[] = {
    [STORE_DATE_MASTER] = "created",
    [STORE_DATE_ADDED] = "added",
    [STORE_DATE_RECORD] = "record",
};

static void
add_state(struct buf *out, sqlite3_stmt *st, int64_t flags)
{
	add_taken(out, st);
	if (has(st, 7))
		add_number(out, "taken_ms", sqlite3_column_int64(st, 7));
	if (has(st, 7) && sqlite3_column_int(st, 17) != STORE_DATE_ASSET)
		add_text(out, "taken_from",
		    date_words[sqlite3_column_int(st, 17) & 3]);
	if (has(st, 9))
		add_time(out, "added", sqlite3_column_int64(st, 9), false, 0);
	add_text(out, "cloud", clouds[cloud_of(flags)]);
	if (cloud_of(flags) == CLOUD_TRASHED && has(st, 10))
		add_time(out, "leaves_trash", sqlite3_column_int64(st, 10),
		    false, 0);
	add_flag(out, "hidden", flags & ASSET_HIDDEN);
	add_flag(out, "favourite", flags & ASSET_FAVOURITE);
}

/* What is only in the records, in the caller's words. */
static int
add_described(struct buf *out, struct store *s, sqlite3_stmt *st,
    const struct store_words *words, struct err *e)
{
	struct buf asset = {0}, master = {0};
	struct store_bytes a = {0}, m = {0};
	int rc = -1;

	if (has(st, 11)) {
		if (record_column(&asset, s, st, 11, e) == -1)
			goto out;
		a = (struct store_bytes){buf_text(&asset), asset.len};
	}
	if (has(st, 14)) {
		if (record_column(&master, s, st, 14, e) == -1)
			goto out;
		m = (struct store_bytes){buf_text(&master), master.len};
	}
	words->asset(words->arg, out, &a, &m);
	rc = 0;
out:
	buf_clear(&asset);
	buf_clear(&master);
	return rc;
}

/* What the line as a whole says of its assets. */
struct summary {
	struct buf taken; /* of the first that has a date */
	enum cloud cloud;
	struct albums albums;
};

static int
add_asset(struct buf *out, struct summary *sum, struct store *s,
    const struct holder *h, bool replaced, bool several, int file_role,
    const struct store_words *words, struct err *e)
{
	struct albums albums = {0};
	enum cloud cloud;
	sqlite3_stmt *st;
	int64_t flags;
	int rc;

	if (sql_open(&st, s, e, sql_asset, "i", h->asset) == -1)
		return -1;
	rc = sql_row(s, st, e);
	if (rc != 1)
		return rc == 0 ? sql_damaged(s, e) : -1;
	flags = sqlite3_column_int64(st, 6);
	if (sum->taken.len == 0)
		add_taken(&sum->taken, st);
	add_names(out, st);
	if (h->role != file_role && !replaced)
		add_text(out, "role", words->role(h->role));
	add_state(out, st, flags);
	add_flag(out, "replaced", replaced);
	rc = add_described(out, s, st, words, e);
	sql_end(st);
	cloud = cloud_of(flags);
	if (replaced && cloud != CLOUD_GONE)
		cloud = CLOUD_REPLACED;
	if (cloud > sum->cloud)
		sum->cloud = cloud;
	if (rc == 0 && several)
		rc = albums_of(&albums, s, h->asset, e);
	if (rc == 0)
		rc = albums_of(&sum->albums, s, h->asset, e);
	add_albums(out, &albums);
	add(out, "}");
	albums_clear(&albums);
	return rc;
}

/* ,"assets":[...], into a text of its own: the summary stands before it. */
static int
add_assets(struct buf *out, struct summary *sum, struct store *s,
    int64_t content, int64_t first, int role, const struct store_words *words,
    struct err *e)
{
	struct holder *h = xcalloc(ASSETS_MAX + 1, sizeof(*h));
	size_t n, i;
	int64_t all;
	bool replaced;
	int rc = -1;

	if (holders_of(h + 1, &n, &all, s, content, first, e) == -1)
		goto out;
	/* The one that it was fetched for has another version since. */
	h[0].asset = first;
	h[0].role = role;
	replaced = n == 0 || h[1].asset != first;
	add(out, ",\"assets\":[");
	for (i = replaced ? 0 : 1; i <= n && out->len < LINE_BYTES; i++) {
		if (i > 1 || (i == 1 && replaced))
			add(out, ",");
		if (add_asset(out, sum, s, &h[i], i == 0, n + replaced > 1,
			role, words, e) == -1)
			goto out;
	}
	add(out, "]");
	if (all > (int64_t)i - 1)
		add_number(out, "more_assets", all - ((int64_t)i - 1));
	rc = 0;
out:
	free(h);
	return rc;
}

/* ---- files ---- */

struct file_line {
	int64_t stem, file, content, asset, size, stated;
	int role, state;
	char *path, *folder, *name, *uti; /* owned */
	uint8_t sha256[CHECKSUM_BYTES], checksum[CHECKSUM_BYTES];
	size_t sha256_len, checksum_len;
};

/* One that is being mended is written down as before. */
static const char sql_next_file[] =
    "SELECT t.stem, f.file, f.content, t.asset, f.size, c.size, f.role,"
    " max(f.state, f.mend), f.path, t.folder, t.name, f.sha256, c.checksum,"
    " (SELECT r.uti FROM resource r WHERE r.content = f.content"
    "  ORDER BY r.rec LIMIT 1)"
    " FROM stem t JOIN file f ON f.stem = t.stem"
    " JOIN content c ON c.content = f.content"
    " WHERE t.month = ?1 AND t.stem >= ?2 AND (t.stem > ?2 OR f.file > ?3)"
    " AND f.state + f.mend > 0 ORDER BY t.stem, f.file LIMIT 1";

static void
add_file(
    struct buf *out, const struct file_line *f, const struct store_words *words)
{
	char hex[2 * CHECKSUM_BYTES + 1];
	struct buf b64 = {0};
	char *stem = xasprintf("%s/%s", f->folder, f->name);

	add(out, "{\"path\":");
	if (buf_add_json(out, f->path) == -1)
		abort();
	add_text(out, "stem", stem);
	add_text(out, "role", words->role(f->role));
	if (f->uti != NULL)
		add_text(out, "type", f->uti);
	add_number(out, "size", f->size);
	if (f->stated < 0)
		add(out, ",\"stated_size\":null");
	else if (f->stated != f->size)
		add_number(out, "stated_size", f->stated);
	text_hex(hex, f->sha256, f->sha256_len);
	add_text(out, "sha256", hex);
	text_base64(&b64, f->checksum, f->checksum_len);
	add_text(out, "fileChecksum", buf_text(&b64));
	add_text(out, "state",
	    states[f->state == STORE_STATE_SIZE_VERIFIED
		    ? STORE_STATE_SIZE_VERIFIED
		    : STORE_STATE_PROVEN]);
	buf_clear(&b64);
	free(stem);
}

static int
add_line(struct buf *out, struct store *s, const struct file_line *f,
    const struct store_words *words, struct err *e)
{
	struct summary sum = {.cloud = CLOUD_GONE};
	struct buf assets = {0};
	int rc = add_assets(
	    &assets, &sum, s, f->content, f->asset, f->role, words, e);

	if (rc == 0) {
		add_file(out, f, words);
		add(out, buf_text(&sum.taken));
		add_text(out, "cloud", clouds[sum.cloud]);
		add_albums(out, &sum.albums);
		add(out, buf_text(&assets));
		add(out, "}\n");
	}
	buf_clear(&sum.taken);
	buf_clear(&assets);
	albums_clear(&sum.albums);
	return rc;
}

int
manifest_next(struct buf *out, struct line_place *at, struct store *s,
    int64_t month, const struct store_words *words, struct err *e)
{
	struct file_line f;
	int rc;

	memset(&f, 0, sizeof(f));
	rc = sql_first(s, e, sql_next_file, "iii>iiiiiiddtttbbt", month,
	    at->major, at->minor, &f.stem, &f.file, &f.content, &f.asset,
	    &f.size, &f.stated, &f.role, &f.state, &f.path, &f.folder, &f.name,
	    f.sha256, &f.sha256_len, f.checksum, &f.checksum_len, &f.uti);
	if (rc == 0) {
		at->major = f.stem;
		at->minor = f.file;
		rc = add_line(out, s, &f, words, e);
	}
	free(f.path);
	free(f.folder);
	free(f.name);
	free(f.uti);
	return rc;
}

/* ---- and back ---- */

bool
line_owner(
    int *database, const char **zone, const char **owner, const cJSON *object)
{
	const char *name = json_str(object, "database");

	*zone = json_str(object, "zone");
	*owner = json_str(object, "owner");
	for (*database = 0; *database < (int)DATABASES; (*database)++)
		if (name != NULL && strcmp(name, databases[*database]) == 0)
			return *zone != NULL;
	return false;
}

static bool
read_state(enum store_state *out, const cJSON *object)
{
	const char *word = json_str(object, "state");
	size_t i;

	for (i = 1; i < STATES; i++) {
		if (word != NULL && strcmp(word, states[i]) == 0) {
			*out = (enum store_state)i;
			return true;
		}
	}
	return false;
}

static bool
read_sizes(struct store_manifest_line *out)
{
	const cJSON *stated = json_get(out->json, "stated_size");

	if (!json_int(&out->size_bytes, out->json, "size") ||
	    out->size_bytes < 0)
		return false;
	out->stated_bytes = out->size_bytes;
	if (cJSON_IsNull(stated))
		out->stated_bytes = -1;
	else if (stated != NULL)
		return json_value_int(&out->stated_bytes, stated) &&
		    out->stated_bytes >= 0;
	return true;
}

static bool
read_sums(struct store_manifest_line *out)
{
	const char *hex = json_str(out->json, "sha256");
	const char *b64 = json_str(out->json, "fileChecksum");
	struct buf bytes;
	bool good;

	if (hex == NULL || b64 == NULL ||
	    text_unhex(out->sha256, sizeof(out->sha256), hex) == -1)
		return false;
	buf_init(&bytes, sizeof(out->checksum));
	good = text_unbase64(&bytes, b64, strlen(b64)) == 0 && bytes.len > 0;
	if (good) {
		memcpy(out->checksum, bytes.data, bytes.len);
		out->checksum_len = bytes.len;
	}
	buf_clear(&bytes);
	return good;
}

static bool
read_assets(struct store_manifest_line *out)
{
	const cJSON *list = json_array(out->json, "assets"), *object;
	struct store_manifest_asset *a;

	if (list == NULL)
		return false;
	out->assets =
	    xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*out->assets));
	cJSON_ArrayForEach (object, list) {
		a = &out->assets[out->nassets++];
		a->record = json_str(object, "record");
		if (!line_owner(&a->database, &a->zone, &a->owner, object) ||
		    a->record == NULL)
			return false;
	}
	return true;
}

int
store_manifest_line_read(
    struct store_manifest_line *out, const char *line, size_t len)
{
	memset(out, 0, sizeof(*out));
	out->json = json_parse(line, len, NULL);
	out->path = json_str(out->json, "path");
	out->stem = json_str(out->json, "stem");
	out->role = json_str(out->json, "role");
	if (out->path != NULL && out->stem != NULL && out->role != NULL &&
	    read_state(&out->state, out->json) && read_sizes(out) &&
	    read_sums(out) && read_assets(out))
		return 0;
	store_manifest_line_clear(out);
	return -1;
}

void
store_manifest_line_clear(struct store_manifest_line *l)
{
	free(l->assets);
	cJSON_Delete(l->json);
	memset(l, 0, sizeof(*l));
}
