#include "store_p.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the catalogue knows, one by one, for people and scripts: libraries,
 * albums, assets, files.  As it is, or as it was (past.c).
 */

static const char sql_run_before[] =
    "SELECT run, began_ms FROM run WHERE began_ms < ?1"
    " ORDER BY run DESC LIMIT 1";

int
store_run_before(
    int64_t *run, int64_t *began_ms, struct store *s, int64_t ms, struct err *e)
{
	*run = *began_ms = 0;
	return sql_first(s, e, sql_run_before, "i>ii", ms, run, began_ms) == -1
	    ? -1
	    : 0;
}

/* ---- the tree of albums ---- */

#define PARENT_THEN WAS("a.rec", PAST_PARENT, "ifnull(a.parent, 0)")
#define TITLE_THEN  WAS_NAMED("a.rec", "a.title")
#define ALBUM_LIVE                                                         \
	WAS_THERE "AND NOT" WAS("a.rec", PAST_GONE,                        \
	    "n.gone_run IS NOT NULL") "AND NOT" WAS("a.rec", PAST_TRASHED, \
	    "a.trashed") "AND NOT" WAS("-n.zone", PAST_GONE,               \
	    "z.gone_run IS NOT NULL")

static const char sql_nodes[] =
    "INSERT INTO temp.node(album, zone, parent, title, name, type, position)"
    " SELECT a.rec, n.zone," PARENT_THEN "," TITLE_THEN ","
    " n.name, a.type, a.position FROM album a"
    " JOIN record n ON n.rec = a.rec JOIN zone z ON z.zone = n.zone"
    " WHERE" ALBUM_LIVE;
static const char sql_orphans[] =
    "UPDATE temp.node SET parent = 0"
    " WHERE parent NOT IN (SELECT album FROM temp.node)";
/* Depth first, by the order that each folder gives what is in it.  One without
 * a name adds nothing: what lies at the top lies in such a one, or in none. */
static const char sql_tree[] =
    "INSERT INTO temp.tree(album, depth, path)"
    " WITH RECURSIVE walk(level, zone, position, name, album, depth, path) AS ("
    "  SELECT 0, zone, position, name, album, title IS NOT NULL,"
    "   ifnull(title, '') FROM temp.node WHERE parent = 0"
    "  UNION ALL"
    "  SELECT w.level + 1, c.zone, c.position, c.name, c.album,"
    "   w.depth + 1,"
    "   w.path || CASE WHEN c.title IS NULL OR w.path = '' THEN '' ELSE '/' END"
    "    || ifnull(c.title, '')"
    "  FROM walk w JOIN temp.node c ON c.parent = w.album"
    "  WHERE w.level < 99"
    "  ORDER BY 1 DESC, 2, 3, 4)"
    " SELECT album, depth, path FROM walk";
/* Folders that lie in each other. */
static const char sql_rings[] =
    "INSERT INTO temp.tree(album, depth, path)"
    " SELECT album, title IS NOT NULL, ifnull(title, '') FROM temp.node"
    " WHERE album NOT IN (SELECT album FROM temp.tree)"
    " ORDER BY zone, position, name";

static int
plant_tree(struct store *s, struct err *e)
{
	if (sql_run(s, e, sql_nodes, "") == -1 ||
	    sql_run(s, e, sql_orphans, "") == -1 ||
	    sql_run(s, e, sql_tree, "") == -1)
		return -1;
	return sql_run(s, e, sql_rings, "");
}

static const char sql_album[] =
    "SELECT t.album, t.depth, t.path, n.title, n.name, n.type, z.zone, z.name"
    " FROM temp.tree t JOIN temp.node n ON n.album = t.album"
    " JOIN zone z ON z.zone = n.zone WHERE t.n = ?1";
static const char sql_members[] =
    "SELECT count(*) FROM ("
    " SELECT asset FROM relation WHERE album = ?1 AND trashed = 0"
    " EXCEPT SELECT asset FROM temp.past_member WHERE album = ?1 AND NOT member"
    " UNION SELECT asset FROM temp.past_member WHERE album = ?1 AND member) m"
    " JOIN asset a ON a.rec = m.asset WHERE" WAS_LIVE;

struct album_texts {
	char *path, *title, *record, *zone; /* owned */
};

static void
album_texts_clear(struct album_texts *t)
{
	free(t->path);
	free(t->title);
	free(t->record);
	free(t->zone);
}

/* 1: there is no nth. */
static int
read_album(struct store_album *out, struct album_texts *t, struct store *s,
    int64_t n, struct err *e)
{
	int rc;

	memset(out, 0, sizeof(*out));
	memset(t, 0, sizeof(*t));
	rc = sql_first(s, e, sql_album, "i>idtttiit", n, &out->album,
	    &out->depth, &t->path, &t->title, &t->record, &out->type,
	    &out->zone, &t->zone);
	if (rc == 0)
		rc = sql_first(
		    s, e, sql_members, "i>i", out->album, &out->assets);
	out->path = t->path;
	out->title = t->title;
	out->record = t->record;
	out->zone_name = t->zone;
	return rc;
}

int
store_list_albums(struct store *s, int64_t as_of,
    bool (*each)(void *, const struct store_album *), void *arg, struct err *e)
{
	struct store_album album;
	struct album_texts texts;
	bool more = true;
	int64_t n;
	int rc;

	if (past_begin(s, as_of, e) == -1)
		return -1;
	rc = past_read(s, e);
	if (rc == 0)
		rc = past_read_end(s, plant_tree(s, e), e);
	for (n = 1; rc == 0 && more; n++) {
		rc = past_read(s, e);
		if (rc != 0)
			break;
		rc = read_album(&album, &texts, s, n, e);
		if (past_read_end(s, rc == 1 ? 0 : rc, e) == -1)
			rc = -1;
		if (rc == 0)
			more = each(arg, &album);
		album_texts_clear(&texts);
	}
	return past_end(s, rc == 1 ? 0 : rc, e);
}

/* ---- libraries ---- */

#define ZONE_GONE WAS("-z.zone", PAST_GONE, "z.gone_run IS NOT NULL")
#define KNOWN_THEN                                                      \
	" (?3 OR EXISTS(SELECT 1 FROM record n WHERE n.rec = m.rec AND" \
	" n.first_run <= ?2)) "
#define HIDDEN_THEN  WAS("a.rec", PAST_HIDDEN, "(a.flags & 1) > 0")
#define TRASHED_THEN WAS("a.rec", PAST_TRASHED, "(a.flags & 2) > 0")
#define GONE_THEN                                                     \
	" max(" WAS("a.rec", PAST_GONE, "(a.flags & 8) > 0") "," WAS( \
	    "-a.zone", PAST_GONE, "(a.flags & 16) > 0") ") "

static const char sql_library[] =
    "SELECT z.zone, z.name, z.database," ZONE_GONE ", z.walked_ms FROM zone z"
    " WHERE z.zone > ?1 AND (?3 OR EXISTS(SELECT 1 FROM record r"
    "  WHERE r.zone = z.zone AND r.first_run <= ?2))"
    " ORDER BY z.zone LIMIT 1";
static const char sql_library_assets[] =
    "SELECT count(*), total(" HIDDEN_THEN "), total(" TRASHED_THEN ")"
    " FROM asset a WHERE a.zone = ?1 AND" WAS_LIVE;
/* Distinct contents of its assets, by their own records and their masters'. */
static const char sql_library_files[] =
    "WITH mine(rec) AS ("
    "  SELECT a.rec FROM asset a WHERE a.zone = ?1 AND" WAS_LIVE "  UNION ALL"
    "  SELECT" WAS_MASTER "FROM asset a WHERE a.zone = ?1 AND" WAS_LIVE "),"
    " theirs(content) AS ("
    "  SELECT r.content FROM mine m JOIN resource r ON r.rec = m.rec"
    "   WHERE r.content IS NOT NULL AND" KNOWN_THEN "AND NOT EXISTS(SELECT 1"
    "    FROM temp.past_content p WHERE p.rec = r.rec AND p.role = r.role)"
    "  UNION SELECT p.content FROM mine m"
    "   JOIN temp.past_content p ON p.rec = m.rec"
    "   WHERE p.content > 0 AND" KNOWN_THEN ")"
    " SELECT count(*), count(f.file), total(f.size) FROM theirs x"
    "  LEFT JOIN file f ON f.content = x.content AND f.state > 0"
    "   AND f.damage = 0 AND f.placed_run <= ?2";
static const char sql_library_albums[] =
    "SELECT count(*) FROM temp.node WHERE zone = ?1 AND type <> ?2";

/* 1: there is none after the one that out has. */
static int
read_library(
    struct store_library *out, char **name, struct store *s, struct err *e)
{
	int64_t zone = out->zone;
	int rc, gone = 0;

	memset(out, 0, sizeof(*out));
	rc = sql_first(s, e, sql_library, "iid>itddi", zone, s->past_run,
	    (int)(s->past_run == INT64_MAX), &out->zone, name, &out->database,
	    &gone, &out->walked_ms);
	if (rc != 0)
		return rc;
	out->zone_name = *name;
	out->gone = gone != 0;
	if (sql_first(s, e, sql_library_assets, "i>iii", out->zone,
		&out->assets, &out->hidden, &out->trashed) != 0 ||
	    sql_first(s, e, sql_library_files, "iid>iii", out->zone,
		s->past_run, (int)(s->past_run == INT64_MAX), &out->files,
		&out->held, &out->held_bytes) != 0 ||
	    sql_first(s, e, sql_library_albums, "id>i", out->zone,
		STORE_ALBUM_FOLDER, &out->albums) != 0)
		return -1;
	return 0;
}

int
store_list_libraries(struct store *s, int64_t as_of,
    bool (*each)(void *, const struct store_library *), void *arg,
    struct err *e)
{
	struct store_library library = {.zone = 0};
	bool more = true;
	char *name;
	int rc;

	if (past_begin(s, as_of, e) == -1)
		return -1;
	rc = past_read(s, e);
	if (rc == 0)
		rc = past_read_end(s, plant_tree(s, e), e);
	while (rc == 0 && more) {
		name = NULL;
		rc = past_read(s, e);
		if (rc != 0)
			break;
		rc = read_library(&library, &name, s, e);
		if (past_read_end(s, rc == 1 ? 0 : rc, e) == -1)
			rc = -1;
		if (rc == 0)
			more = each(arg, &library);
		free(name);
	}
	return past_end(s, rc == 1 ? 0 : rc, e);
}

/* ---- assets ---- */

#define FILENAME_THEN WAS_NAMED("m.rec", "m.filename")

static const char sql_order[] =
    "INSERT INTO temp.listing(rec)"
    " SELECT a.rec FROM asset a JOIN record n ON n.rec = a.rec"
    " WHERE" WAS_THERE
    " ORDER BY a.taken_ms IS NULL, a.taken_ms, n.name, a.rec";
static const char sql_listed[] = "SELECT rec FROM temp.listing WHERE n = ?1";
static const char sql_asset[] =
    "SELECT n.name, z.name," WAS_MASTER "," TITLE_THEN "," HIDDEN_THEN
    "," TRASHED_THEN "," GONE_THEN ", (a.flags & 4) > 0, a.dated,"
    " a.taken_ms, a.added_ms, a.offset_s FROM asset a JOIN record n ON n.rec = "
    "a.rec"
    " JOIN zone z ON z.zone = a.zone WHERE a.rec = ?1";
/* A master that had not come was known by its name alone. */
static const char sql_master[] =
    "SELECT n.name," FILENAME_THEN ", n.dict IS NOT NULL AND n.first_run <= ?2"
    " FROM record n LEFT JOIN master m ON m.rec = n.rec WHERE n.rec = ?1";
static const char sql_asset_files[] =
    "SELECT x.role, ifnull(f.size, c.size), f.path,"
    " CASE WHEN f.file IS NULL THEN 0 WHEN f.damage > 0 THEN -1"
    "  ELSE f.state END FROM ("
    " SELECT r.role, r.content FROM resource r WHERE r.rec IN (?1, ?2)"
    "  AND r.content IS NOT NULL AND NOT EXISTS(SELECT 1"
    "   FROM temp.past_content p WHERE p.rec = r.rec AND p.role = r.role)"
    " UNION ALL"
    " SELECT p.role, p.content FROM temp.past_content p"
    "  WHERE p.rec IN (?1, ?2) AND p.content > 0) x"
    " JOIN content c ON c.content = x.content"
    " LEFT JOIN file f ON f.content = x.content AND f.state > 0"
    "  AND f.placed_run <= ?3"
    " ORDER BY x.role, x.content";
static const char sql_asset_albums[] =
    "SELECT t.path FROM temp.tree t WHERE t.path <> '' AND t.album IN ("
    " SELECT album FROM relation WHERE asset = ?1 AND trashed = 0"
    " EXCEPT SELECT album FROM temp.past_member WHERE asset = ?1 AND NOT member"
    " UNION SELECT album FROM temp.past_member WHERE asset = ?1 AND member)"
    " ORDER BY t.n";

/* One asset with all its texts; kept from one to the next. */
struct listed {
	struct store_listed asset;
	char *record, *zone, *title, *master, *filename; /* owned */
	struct store_listed_file files[2 * ROLES];
	char *paths[2 * ROLES]; /* owned */
	char **albums;          /* owned, and what they point to */
	size_t nalbums, albums_max;
};

static void
listed_reset(struct listed *l)
{
	size_t i;

	free(l->record);
	free(l->zone);
	free(l->title);
	free(l->master);
	free(l->filename);
	l->record = l->zone = l->title = l->master = l->filename = NULL;
	for (i = 0; i < l->asset.nfiles; i++)
		free(l->paths[i]);
	for (i = 0; i < l->nalbums; i++)
		free(l->albums[i]);
	l->nalbums = 0;
	memset(&l->asset, 0, sizeof(l->asset));
}

static int
read_files(struct listed *l, struct store *s, int64_t rec, int64_t master,
    struct err *e)
{
	size_t *n = &l->asset.nfiles;
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_asset_files, "iii", rec, master,
		s->past_run) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		struct store_listed_file *f = &l->files[*n];

		l->paths[*n] = xstrdup(sql_text(st, 2));
		f->role = sqlite3_column_int(st, 0);
		f->size_bytes = sqlite3_column_int64(st, 1);
		f->path = l->paths[*n];
		f->damaged = sqlite3_column_int(st, 3) == -1;
		f->state = f->damaged ? 0 : sqlite3_column_int(st, 3);
		if (++*n == sizeof(l->files) / sizeof(l->files[0])) {
			/* A role of each record, and no more. */
			sql_end(st);
			return 0;
		}
	}
	return rc;
}

static int
read_albums(struct listed *l, struct store *s, int64_t rec, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_asset_albums, "i", rec) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		if (l->nalbums == l->albums_max) {
			l->albums_max = 2 * l->albums_max + 8;
			l->albums = xreallocarray(
			    l->albums, l->albums_max, sizeof(*l->albums));
		}
		l->albums[l->nalbums++] = xstrdup(sql_text(st, 0));
	}
	return rc;
}

/* 1: there is no nth; a row that has gone is an asset without a record. */
static int
read_asset(struct listed *l, struct store *s, int64_t n, struct err *e)
{
	int64_t rec = 0, master = 0;
	struct store_listed *a = &l->asset;
	int rc, hidden = 0, trashed = 0, gone = 0, favourite = 0, known = 0;
	int dated = 0;

	listed_reset(l);
	rc = sql_first(s, e, sql_listed, "i>i", n, &rec);
	if (rc != 0)
		return rc;
	rc = sql_first(s, e, sql_asset, "i>ttitdddddooo", rec, &l->record,
	    &l->zone, &master, &l->title, &hidden, &trashed, &gone, &favourite,
	    &dated, &a->has_taken, &a->taken_ms, &a->has_added, &a->added_ms,
	    &a->has_offset, &a->offset_s);
	if (rc == 0 && master != 0)
		rc = sql_first(s, e, sql_master, "ii>ttd", master, s->past_run,
		    &l->master, &l->filename, &known);
	if (rc == 0)
		rc = read_files(l, s, rec, known ? master : rec, e);
	if (rc == 0)
		rc = read_albums(l, s, rec, e);
	if (rc != 0)
		return -1;
	a->record = l->record;
	a->zone_name = l->zone;
	a->title = l->title;
	a->master = l->master;
	a->filename = known ? l->filename : NULL;
	a->hidden = hidden != 0;
	a->trashed = trashed != 0;
	a->gone = gone != 0;
	a->favourite = favourite != 0;
	a->dated = (enum store_date)dated;
	a->files = l->files;
	a->albums = (const char *const *)l->albums;
	a->nalbums = l->nalbums;
	return 0;
}

int
store_list_assets(struct store *s, int64_t as_of,
    bool (*each)(void *, const struct store_listed *), void *arg, struct err *e)
{
	struct listed l = {.nalbums = 0};
	bool more = true;
	int64_t n;
	int rc;

	if (past_begin(s, as_of, e) == -1)
		return -1;
	rc = past_read(s, e);
	if (rc == 0)
		rc = plant_tree(s, e);
	if (rc == 0)
		rc = past_read_end(s, sql_run(s, e, sql_order, ""), e);
	for (n = 1; rc == 0 && more; n++) {
		rc = past_read(s, e);
		if (rc != 0)
			break;
		rc = read_asset(&l, s, n, e);
		if (past_read_end(s, rc == 1 ? 0 : rc, e) == -1)
			rc = -1;
		if (rc == 0)
			more = each(arg, &l.asset);
	}
	listed_reset(&l);
	free(l.albums);
	return past_end(s, rc == 1 ? 0 : rc, e);
}

/* ---- files ---- */

static const char sql_file[] =
    "SELECT f.content, f.path, f.size, f.state, f.damage > 0, f.role,"
    " f.sha256, c.live = 1, f.key FROM file f"
    " JOIN content c ON c.content = f.content"
    " WHERE f.state > 0 AND f.key > ?1 AND f.placed_run <= ?2"
    " ORDER BY f.key LIMIT 1";
/* Had an asset that was in the cloud this content, by its own record or by its
 * master's? */
static const char sql_file_live[] =
    "WITH had(rec) AS ("
    "  SELECT r.rec FROM resource r WHERE r.content = ?1 AND NOT EXISTS("
    "   SELECT 1 FROM temp.past_content p"
    "   WHERE p.rec = r.rec AND p.role = r.role)"
    "  UNION SELECT p.rec FROM temp.past_content p WHERE p.content = ?1)"
    " SELECT EXISTS(SELECT 1 FROM had h JOIN asset a ON a.rec = h.rec"
    "  WHERE" WAS_LIVE ")"
    " OR EXISTS(SELECT 1 FROM had h JOIN record n ON n.rec = h.rec"
    "  JOIN asset a ON a.master = h.rec WHERE n.first_run <= ?2"
    "  AND a.rec NOT IN (SELECT asset FROM temp.past_master) AND" WAS_LIVE ")"
    " OR EXISTS(SELECT 1 FROM had h JOIN record n ON n.rec = h.rec"
    "  JOIN temp.past_master q ON q.master = h.rec"
    "  JOIN asset a ON a.rec = q.asset WHERE n.first_run <= ?2 AND" WAS_LIVE
    ")";

struct kept {
	struct store_kept file;
	char *path, *key; /* owned */
};

/* 1: there is none behind the key of k. */
static int
read_kept(struct kept *k, struct store *s, struct err *e)
{
	uint8_t sha256[CHECKSUM_BYTES];
	char *key = k->key;
	int64_t content;
	size_t len;
	int rc, damaged = 0, live = 0;

	free(k->path);
	k->path = k->key = NULL;
	memset(&k->file, 0, sizeof(k->file));
	rc = sql_first(s, e, sql_file, "ti>itidddbdt", key, s->past_run,
	    &content, &k->path, &k->file.size_bytes, &k->file.state, &damaged,
	    &k->file.role, sha256, &len, &live, &k->key);
	free(key);
	if (rc == 0 && s->past_run != INT64_MAX &&
	    sql_first(
		s, e, sql_file_live, "ii>d", content, s->past_run, &live) != 0)
		rc = -1;
	if (rc != 0)
		return rc;
	memcpy(k->file.sha256, sha256, sizeof(k->file.sha256));
	k->file.path = k->path;
	k->file.damaged = damaged != 0;
	k->file.live = live != 0;
	return 0;
}

int
store_list_files(struct store *s, int64_t as_of,
    bool (*each)(void *, const struct store_kept *), void *arg, struct err *e)
{
	struct kept k = {.key = xstrdup("")};
	bool more = true;
	int rc = past_begin(s, as_of, e);

	while (rc == 0 && more) {
		rc = past_read(s, e);
		if (rc != 0)
			break;
		rc = read_kept(&k, s, e);
		if (past_read_end(s, rc == 1 ? 0 : rc, e) == -1)
			rc = -1;
		if (rc == 0)
			more = each(arg, &k.file);
	}
	free(k.path);
	free(k.key);
	return past_end(s, rc == 1 ? 0 : rc, e);
}
