#include "store_p.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stop.h"
#include "text.h"

/*
 * What links to the copy's files there should be below Albums/ (links.c makes
 * them).  An album keeps the name it has in its folder for as long as title and
 * folder stay, and a stem the one it has in an album: so which of two of one
 * name came first is decided once.  All in SQL and temporary tables, row by
 * row: memory does not grow with the library.
 */

#define SUFFIX     8
#define EXT_BYTES  11 /* ".HEIC"; what path.c lets be one, with its dot */
#define NAME_BYTES 255
#define TAIL_SIZE  48
#define DEEPEST    99

static const char sql_tables[] =
    "CREATE TEMP TABLE IF NOT EXISTS album_node("
    "  album INTEGER PRIMARY KEY,"
    "  parent INTEGER NOT NULL,"
    "  clear INTEGER NOT NULL," /* a nameless folder: what is in it is beside */
    "  title TEXT,"
    "  record TEXT NOT NULL"
    ");"
    "CREATE TEMP TABLE IF NOT EXISTS album_path("
    "  album INTEGER PRIMARY KEY,"
    "  path TEXT NOT NULL"
    ");"
    "CREATE TEMP TABLE IF NOT EXISTS member("
    "  album INTEGER NOT NULL,"
    "  stem INTEGER NOT NULL,"
    "  file INTEGER NOT NULL,"
    "  PRIMARY KEY(album, stem, file)"
    ") WITHOUT ROWID;"
    "CREATE TEMP TABLE IF NOT EXISTS link_wish("
    "  key TEXT PRIMARY KEY,"
    "  path TEXT NOT NULL,"
    "  file INTEGER NOT NULL,"
    "  source TEXT NOT NULL"
    ") WITHOUT ROWID;"
    "DELETE FROM temp.album_node;"
    "DELETE FROM temp.album_path;"
    "DELETE FROM temp.member;"
    "DELETE FROM temp.link_wish;";

/* What is put behind a name that is taken, for the nth try; "" for the first.
 * By what names its owner in iCloud, never by order alone. */
static void
tail_for(char out[TAIL_SIZE], const char *owner, int n)
{
	char suffix[SUFFIX + 1];
	struct digest_sum sum;
	struct digest *d;

	*out = '\0';
	if (n == 0)
		return;
	d = digest_new(NULL, 0);
	digest_add(d, owner, strlen(owner));
	digest_end(&sum, d);
	digest_free(d);
	text_base32(suffix, SUFFIX, sum.sha256, sizeof(sum.sha256));
	if (n == 1)
		(void)snprintf(out, TAIL_SIZE, "-%s", suffix);
	else
		(void)snprintf(out, TAIL_SIZE, "-%s-%d", suffix, n);
}

/* ---- albums ---- */

static const char sql_nodes[] =
    "INSERT INTO temp.album_node(album, parent, clear, title, record)"
    " SELECT a.rec, ifnull(a.parent, 0), a.title IS NULL AND a.type = ?1,"
    "  a.title, n.name FROM album a JOIN record n ON n.rec = a.rec"
    "  JOIN zone z ON z.zone = n.zone"
    " WHERE a.trashed = 0 AND n.gone_run IS NULL AND z.gone_run IS NULL"
    "  AND a.type <> ?2";
static const char sql_orphans[] =
    "UPDATE temp.album_node SET parent = 0"
    " WHERE parent NOT IN (SELECT album FROM temp.album_node)";
/* Folders that lie in each other, or deeper than anybody can look. */
static const char sql_rings[] =
    "WITH RECURSIVE reached(album, level) AS ("
    "  SELECT album, 0 FROM temp.album_node WHERE parent = 0 UNION ALL"
    "  SELECT c.album, r.level + 1 FROM reached r"
    "   JOIN temp.album_node c ON c.parent = r.album WHERE r.level < ?1)"
    " UPDATE temp.album_node SET parent = 0"
    " WHERE album NOT IN (SELECT album FROM reached)";
static const char sql_clear[] =
    "UPDATE temp.album_node SET parent = (SELECT p.parent"
    "  FROM temp.album_node p WHERE p.album = album_node.parent)"
    " WHERE parent IN (SELECT album FROM temp.album_node WHERE clear)";

static int
gather_albums(struct store *s, struct err *e)
{
	int i;

	if (sql_run(s, e, sql_nodes, "dd", STORE_ALBUM_FOLDER,
		STORE_ALBUM_SMART) == -1 ||
	    sql_run(s, e, sql_orphans, "") == -1 ||
	    sql_run(s, e, sql_rings, "d", DEEPEST) == -1)
		return -1;
	for (i = 0; i <= DEEPEST; i++) {
		if (sql_run(s, e, sql_clear, "") == -1)
			return -1;
		if (sqlite3_changes(s->db) == 0)
			break;
	}
	return 0;
}

struct node {
	int64_t album, parent, was_parent;
	char *title, *record, *was_wish; /* owned */
	char wish[STORE_ALBUM_NAME + 1];
};

static void
node_clear(struct node *n)
{
	free(n->title);
	free(n->record);
	free(n->was_wish);
}

static const char sql_next_node[] =
    "SELECT n.album, n.parent, n.title, n.record, p.parent, p.wish"
    " FROM temp.album_node n LEFT JOIN album_place p ON p.album = n.album"
    " WHERE n.album > ?1 AND NOT n.clear ORDER BY n.album LIMIT 1";

/* 1: there are no more. */
static int
next_node(struct node *n, struct store *s, int64_t after,
    const struct store_links_words *words, struct err *e)
{
	int rc;

	memset(n, 0, sizeof(*n));
	rc = sql_first(s, e, sql_next_node, "i>iittit", after, &n->album,
	    &n->parent, &n->title, &n->record, &n->was_parent, &n->was_wish);
	if (rc == 0)
		words->name(words->arg, n->wish, n->title, n->record);
	return rc;
}

static const char sql_forget_gone[] =
    "DELETE FROM album_place WHERE album NOT IN"
    " (SELECT album FROM temp.album_node WHERE NOT clear)";
static const char sql_forget_place[] =
    "DELETE FROM album_place WHERE album = ?1";
static const char sql_name_taken[] =
    "SELECT 1 FROM album_place WHERE parent = ?1 AND key = ?2";
static const char sql_take_place[] =
    "INSERT INTO album_place(album, parent, wish, name, key)"
    " VALUES(?1, ?2, ?3, ?4, ?5)";

/* The names of those that are gone, or called otherwise, are free. */
static int
free_places(
    struct store *s, const struct store_links_words *words, struct err *e)
{
	struct node n;
	int64_t after = 0;
	int rc = sql_run(s, e, sql_forget_gone, "");

	while (rc == 0) {
		rc = next_node(&n, s, after, words, e);
		if (rc == 0 && n.was_wish != NULL &&
		    (n.was_parent != n.parent ||
			strcmp(n.was_wish, n.wish) != 0))
			rc = sql_run(s, e, sql_forget_place, "i", n.album);
		after = n.album;
		node_clear(&n);
	}
	return rc == 1 ? 0 : rc;
}

static int
take_place(struct store *s, const struct node *n, struct err *e)
{
	char tail[TAIL_SIZE], *name, *key;
	int i, rc = 0;

	for (i = 0; rc == 0; i++) {
		tail_for(tail, n->record, i);
		name = xasprintf("%s%s", n->wish, tail);
		key = text_fold(name);
		rc = sql_first(s, e, sql_name_taken, "it>", n->parent, key);
		if (rc == 1 &&
		    sql_run(s, e, sql_take_place, "iittt", n->album, n->parent,
			n->wish, name, key) == -1)
			rc = -1;
		free(name);
		free(key);
	}
	return rc == 1 ? 0 : rc;
}

static const char sql_paths[] =
    "INSERT INTO temp.album_path(album, path)"
    " WITH RECURSIVE walk(album, level, path) AS ("
    "  SELECT album, 0, ?1 || '/' || name FROM album_place WHERE parent = 0"
    "  UNION ALL"
    "  SELECT c.album, w.level + 1, w.path || '/' || c.name FROM walk w"
    "   JOIN album_place c ON c.parent = w.album WHERE w.level < ?2)"
    " SELECT album, path FROM walk";

static int
place_albums(
    struct store *s, const struct store_links_words *words, struct err *e)
{
	struct node n;
	int64_t after = 0;
	int rc = free_places(s, words, e);

	while (rc == 0) {
		rc = next_node(&n, s, after, words, e);
		if (rc == 0 &&
		    (n.was_wish == NULL || n.was_parent != n.parent ||
			strcmp(n.was_wish, n.wish) != 0))
			rc = take_place(s, &n, e);
		after = n.album;
		node_clear(&n);
	}
	return rc == 1 ? sql_run(s, e, sql_paths, "td", DIR_ALBUMS, DEEPEST)
		       : rc;
}

/* ---- what is in them ---- */

static const char sql_members[] =
    "INSERT OR IGNORE INTO temp.member(album, stem, file)"
    " SELECT l.album, f.stem, f.file FROM relation l"
    "  JOIN temp.album_path p ON p.album = l.album"
    "  JOIN asset a ON a.rec = l.asset AND a.flags & ?1 = 0"
    "  JOIN resource r ON r.rec IN (a.rec, a.master)"
    "  JOIN file f ON f.content = r.content"
    " WHERE l.trashed = 0 AND f.state > 0 AND f.damage = 0";
static const char sql_forget_stems[] =
    "DELETE FROM link_stem WHERE NOT EXISTS(SELECT 1 FROM temp.member m"
    " WHERE m.album = link_stem.album AND m.stem = link_stem.stem)";
static const char sql_next_stem[] =
    "SELECT m.album, m.stem, t.name, n.name FROM temp.member m"
    " JOIN stem t ON t.stem = m.stem JOIN record n ON n.rec = t.asset"
    " WHERE (m.album, m.stem) > (?1, ?2) AND NOT EXISTS("
    "  SELECT 1 FROM link_stem l WHERE l.album = m.album AND l.stem = m.stem)"
    " ORDER BY m.album, m.stem LIMIT 1";
static const char sql_stem_taken[] =
    "SELECT 1 FROM link_stem WHERE album = ?1 AND key = ?2";
static const char sql_take_stem[] =
    "INSERT INTO link_stem(album, stem, name, key) VALUES(?1, ?2, ?3, ?4)";

/* A stem with that behind it, cut so that every extension has room. */
static char *
stem_with(const char *stem, const char *tail)
{
	size_t n = strlen(stem);

	if (*tail != '\0') {
		n = text_cut(stem, NAME_BYTES - EXT_BYTES - strlen(tail));
		while (n > 0 && (stem[n - 1] == ' ' || stem[n - 1] == '.'))
			n--;
	}
	return xasprintf("%.*s%s", (int)n, stem, tail);
}

static int
take_stem(struct store *s, int64_t album, int64_t stem, const char *base,
    const char *owner, struct err *e)
{
	char tail[TAIL_SIZE], *name, *key;
	int i, rc = 0;

	for (i = 0; rc == 0; i++) {
		tail_for(tail, owner, i);
		name = stem_with(base, tail);
		key = text_fold(name);
		rc = sql_first(s, e, sql_stem_taken, "it>", album, key);
		if (rc == 1 &&
		    sql_run(s, e, sql_take_stem, "iitt", album, stem, name,
			key) == -1)
			rc = -1;
		free(name);
		free(key);
	}
	return rc == 1 ? 0 : rc;
}

static int
interrupted(struct err *e)
{
	return err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
}

static int
place_stems(struct store *s, struct err *e)
{
	int64_t album = 0, stem = 0;
	char *base, *owner;
	int rc;

	if (sql_run(s, e, sql_members, "d", ASSET_TRASHED | ASSET_NOT_LIVE) ==
		-1 ||
	    sql_run(s, e, sql_forget_stems, "") == -1)
		return -1;
	do {
		if (stop_is_set())
			return interrupted(e);
		rc = sql_first(s, e, sql_next_stem, "ii>iitt", album, stem,
		    &album, &stem, &base, &owner);
		if (rc != 0)
			break;
		rc = take_stem(s, album, stem, base, owner, e);
		free(base);
		free(owner);
	} while (rc == 0);
	return rc == 1 ? 0 : rc;
}

static const char sql_all[] =
    "SELECT p.path, l.name, t.name, f.path, f.file FROM temp.member m"
    " JOIN temp.album_path p ON p.album = m.album"
    " JOIN link_stem l ON l.album = m.album AND l.stem = m.stem"
    " JOIN stem t ON t.stem = m.stem JOIN file f ON f.file = m.file"
    " ORDER BY m.album, m.stem, m.file";
static const char sql_wish[] =
    "INSERT OR IGNORE INTO temp.link_wish(key, path, file, source)"
    " VALUES(?1, ?2, ?3, ?4)";

/* The name in the album: that of the file, its stem as it is there.  tail: for
 * a file that somebody has moved to a name that another stem has there. */
static char *
link_name(const char *stem_there, const char *stem, const char *source,
    const char *tail)
{
	const char *slash = strrchr(source, '/'), *dot;
	const char *base = slash != NULL ? slash + 1 : source;
	size_t n = strlen(stem);
	char *whole, *name;

	if (strncmp(base, stem, n) == 0)
		whole = xasprintf("%s%s", stem_there, base + n);
	else
		whole = xstrdup(base);
	dot = strrchr(whole, '.');
	if (*tail == '\0' || dot == NULL || dot == whole)
		name = xasprintf("%s%s", whole, tail);
	else
		name =
		    xasprintf("%.*s%s%s", (int)(dot - whole), whole, tail, dot);
	free(whole);
	return name;
}

static int
wish_for(struct store *s, sqlite3_stmt *st, struct err *e)
{
	const char *source = sql_text(st, 3);
	char tail[TAIL_SIZE], *name, *path, *key;
	int i, rc = 0, changed = 0;

	for (i = 0; rc == 0 && changed == 0; i++) {
		tail_for(tail, source, i);
		name =
		    link_name(sql_text(st, 1), sql_text(st, 2), source, tail);
		path = xasprintf("%s/%s", sql_text(st, 0), name);
		key = text_fold(path);
		rc = sql_run(s, e, sql_wish, "ttit", key, path,
		    sqlite3_column_int64(st, 4), source);
		changed = sqlite3_changes(s->db);
		free(name);
		free(path);
		free(key);
	}
	return rc;
}

static int
wish_all(struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (sql_open(&st, s, e, sql_all, "") == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		rc = stop_is_set() ? interrupted(e) : wish_for(s, st, e);
		if (rc == -1) {
			sql_end(st);
			break;
		}
	}
	return rc;
}

int
link_wishes(
    struct store *s, const struct store_links_words *words, struct err *e)
{
	bool own;
	int rc;

	assert(sqlite3_get_autocommit(s->db) != 0);
	if (sql_exec(s, sql_tables, e) == -1 || tx_begin(&own, s, e) == -1)
		return -1;
	rc = gather_albums(s, e);
	if (rc == 0)
		rc = place_albums(s, words, e);
	if (rc == 0)
		rc = place_stems(s, e);
	if (rc == 0)
		rc = wish_all(s, e);
	return tx_end(s, own, rc, e);
}
