#include "store_p.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "text.h"

/*
 * Names (docs/design.md, "Names"): a stem in a folder is reserved for one
 * version of an asset, and all its files use it.  Decided by text_fold() in
 * the catalogue, and by stat() on the disk; foreign files keep their places.
 */

#define NAME_BYTES 255 /* a component, on every volume */
#define SUFFIX_MIN 8
#define SUFFIX_MAX 32

enum look { LOOK_FREE = 0, LOOK_RIGHT, LOOK_OTHER };

int
look_at(struct digest_sum *sum, struct store *s, const char *path,
    int64_t size_bytes, const struct digest_rule *rule, struct err *e)
{
	struct stat st;

	if (file_stat(&st, s->root_fd, path) == -1) {
		if (errno == ENOENT)
			return LOOK_FREE;
		return err_set_errno(
		    e, errno, "%s/%s cannot be looked at", s->root, path);
	}
	if (!S_ISREG(st.st_mode) || !rule->checked ||
	    (size_bytes >= 0 && (int64_t)st.st_size != size_bytes))
		return LOOK_OTHER;
	if (store_hash_at(
		sum, s->root_fd, path, rule->prefix, rule->prefix_len) == -1) {
		/* Unreadable is not ours, and in the way. */
		if (errno == EACCES || errno == EPERM || errno == ENOENT)
			return LOOK_OTHER;
		return err_set_errno(
		    e, errno, "%s/%s cannot be read", s->root, path);
	}
	return digest_matches(sum, rule) ? LOOK_RIGHT : LOOK_OTHER;
}

/* Another file of the same asset, which has no place yet. */
struct other {
	int64_t content, size_bytes;
	struct store_other is;
};

/* A resource whose place is sought. */
struct seek {
	int64_t content, asset, version, month;
	int role;
	int64_t size_bytes;
	const struct digest_rule *rule; /* NULL: do not hash what is there */
	const char *folder, *ext;
	char own[SUFFIX_MAX + 1]; /* of its own checksum */
	struct other others[2 * ROLES];
	size_t nothers, ext_bytes; /* of the longest extension of them all */
	/* out */
	int64_t stem;
	char *path; /* owned */
	bool adopt;
	struct digest_sum sum;
};

/* 32 base32 characters for any checksum: its hash is its last 20 bytes. */
static void
own_suffix(char out[SUFFIX_MAX + 1], const uint8_t *checksum, size_t len)
{
	const size_t n = (size_t)SUFFIX_MAX * 5 / 8;
	struct digest_sum sum;
	struct digest *d;

	if (len >= n) {
		text_base32(out, SUFFIX_MAX, checksum + len - n, n);
		return;
	}
	d = digest_new(NULL, 0);
	digest_add(d, checksum, len);
	digest_end(&sum, d);
	digest_free(d);
	text_base32(out, SUFFIX_MAX, sum.sha256, sizeof(sum.sha256));
}

/* base and tail, with room for an extension in one component; base is cut on
 * a character. */
static char *
component(const char *base, const char *tail, size_t ext_bytes)
{
	size_t n = strlen(base), rest = strlen(tail) + 1;

	/* Files of a stem differ in their extensions: ".HEIC", ".MOV". */
	rest += ext_bytes > 4 ? ext_bytes : 4;
	if (rest < NAME_BYTES && n + rest > NAME_BYTES) {
		n = NAME_BYTES - rest;
		while (n > 0 && ((unsigned char)base[n] & 0xc0) == 0x80)
			n--;
		while (n > 0 && (base[n - 1] == ' ' || base[n - 1] == '.'))
			n--;
	}
	return xasprintf("%.*s%s", (int)n, base, tail);
}

static const char sql_stem_taken[] = "SELECT 1 FROM stem WHERE key = ?1";
static const char sql_stem_add[] =
    "INSERT INTO stem(key, folder, name, kind, month, asset, version)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";

static const char sql_others[] =
    "SELECT r.role, r.uti, r.content, c.checksum, c.size FROM resource r"
    " JOIN content c ON c.content = r.content"
    " WHERE r.rec IN (?1, ?2) AND r.content <> ?3 AND NOT EXISTS("
    "  SELECT 1 FROM file f WHERE f.content = r.content)";

static int
find_others(struct seek *k, struct store *s, int64_t master,
    const struct store_name *name, struct err *e)
{
	struct store_resource res;
	struct other *o;
	sqlite3_stmt *st;
	int rc;

	k->ext_bytes = strlen(k->ext);
	if (name->other == NULL)
		return 0;
	if (sql_open(&st, s, e, sql_others, "iii", k->asset, master,
		k->content) == -1)
		return -1;
	while ((rc = sql_row(s, st, e)) == 1) {
		assert(k->nothers < sizeof(k->others) / sizeof(k->others[0]));
		res = (struct store_resource){
		    .role = sqlite3_column_int(st, 0),
		    .uti = sql_text(st, 1),
		    .checksum = sqlite3_column_blob(st, 3),
		    .checksum_len = (size_t)sqlite3_column_bytes(st, 3),
		    .size_bytes = sqlite3_column_int64(st, 4),
		};
		o = &k->others[k->nothers++];
		o->content = sqlite3_column_int64(st, 2);
		o->size_bytes = res.size_bytes;
		name->other(&o->is, name->arg, &res);
		if (strlen(o->is.ext) > k->ext_bytes)
			k->ext_bytes = strlen(o->is.ext);
	}
	return rc;
}

/* Is the place of a file in this stem free, or has its very bytes? */
static int
look_for(int *look, struct digest_sum *sum, struct store *s, const char *path,
    int64_t content, int64_t size_bytes, const struct digest_rule *rule,
    struct err *e)
{
	bool taken;

	if (file_path_taken(&taken, s, path, content, e) == -1)
		return -1;
	*look = taken ? LOOK_OTHER : look_at(sum, s, path, size_bytes, rule, e);
	return *look == -1 ? -1 : 0;
}

/* Is there room in this stem for the other files as well, so that a Live Photo
 * does not fall apart?  Two of one extension cannot share it anyway. */
static int
look_for_others(int *look, struct store *s, const struct seek *k,
    enum stem_kind kind, const char *whole, bool with_file, struct err *e)
{
	struct digest_sum sum;
	size_t i;
	char *path;
	int rc = 0;

	*look = LOOK_FREE;
	for (i = 0; rc == 0 && *look != LOOK_OTHER && i < k->nothers; i++) {
		const struct other *o = &k->others[i];

		if (o->is.edited != (kind == STEM_EDITED) ||
		    (with_file && strcasecmp(o->is.ext, k->ext) == 0))
			continue;
		path = xasprintf(
		    "%s%s%s", whole, *o->is.ext != '\0' ? "." : "", o->is.ext);
		rc = look_for(look, &sum, s, path, o->content, o->size_bytes,
		    &o->is.rule, e);
		free(path);
	}
	return rc;
}

/*
 * Try one stem.  0: reserved (k->stem set); 1: it is taken.  with_file: the
 * seeker's file shall lie there, so its path and the disk are looked at too.
 */
static int
try_stem(struct store *s, struct seek *k, enum stem_kind kind, const char *name,
    bool with_file, struct err *e)
{
	char *whole = xasprintf("%s/%s", k->folder, name);
	char *key = text_fold(whole), *file = NULL;
	int rc, look = LOOK_FREE;

	rc = sql_first(s, e, sql_stem_taken, "t>", key);
	if (rc != 1) {
		rc = rc == 0 ? 1 : -1;
		goto out;
	}
	if (with_file) {
		file = xasprintf(
		    "%s%s%s", whole, *k->ext != '\0' ? "." : "", k->ext);
		rc = look_for(&look, &k->sum, s, file, k->content,
		    k->size_bytes, k->rule, e);
		if (rc == -1)
			goto out;
		k->adopt = look == LOOK_RIGHT;
	}
	if (look != LOOK_OTHER && kind != STEM_SINGLE &&
	    look_for_others(&look, s, k, kind, whole, with_file, e) == -1) {
		rc = -1;
		goto out;
	}
	if (look == LOOK_OTHER) {
		rc = 1;
		goto out;
	}
	rc = sql_run(s, e, sql_stem_add, "tttdiii", key, k->folder, name,
	    (int)kind, k->month, k->asset, k->version);
	if (rc == 0) {
		k->stem = sqlite3_last_insert_rowid(s->db);
		if (with_file) {
			free(k->path);
			k->path = file;
			file = NULL;
		}
	}
out:
	free(whole);
	free(key);
	free(file);
	return rc;
}

/*
 * A stem that is free: base, unless plain is false; else with '-' and 8 or
 * more characters of suffix; else with a number behind all of them.
 */
static int
new_stem(struct store *s, struct seek *k, enum stem_kind kind, const char *base,
    const char *suffix, bool plain, bool with_file, struct err *e)
{
	const size_t most = strlen(suffix);
	char tail[SUFFIX_MAX + 16] = "", *name;
	size_t n = plain ? 0 : SUFFIX_MIN;
	int rc, number = 1;

	for (;;) {
		if (n > 0 && n <= SUFFIX_MAX && n <= most)
			(void)snprintf(
			    tail, sizeof(tail), "-%.*s", (int)n, suffix);
		else if (n > 0)
			(void)snprintf(tail, sizeof(tail), "-%.*s-%d",
			    SUFFIX_MAX, suffix, ++number);
		name = component(base, tail, k->ext_bytes);
		rc = try_stem(s, k, kind, name, with_file, e);
		free(name);
		if (rc != 1)
			return rc;
		n = n == 0 ? SUFFIX_MIN : n + 1;
		if (number > 1000)
			return err_set(e, ERR_DISK, NULL,
			    "No free name was found for %s in %s/%s.", base,
			    s->root, k->folder);
	}
}

/* ---- versions ---- */

/* The original's content, else that of the first role that has one. */
static const char sql_version[] =
    "SELECT content FROM resource WHERE rec IN (?1, ?2)"
    " AND content IS NOT NULL ORDER BY role LIMIT 1";
static const char sql_checksum_of[] =
    "SELECT checksum FROM content WHERE content = ?1";
static const char sql_stem_of_version[] =
    "SELECT stem, folder, name FROM stem WHERE version = ?1 AND kind = 0"
    " LIMIT 1";
/* A stem of this asset, made for something that it still has. */
static const char sql_stem_of_asset[] =
    "SELECT s.stem, s.folder, s.name FROM stem s WHERE s.asset = ?1"
    " AND s.kind = ?3 AND EXISTS(SELECT 1 FROM resource r"
    "  WHERE r.rec IN (?1, ?2) AND r.content = s.version)"
    " ORDER BY s.stem DESC LIMIT 1";
static const char sql_stem_get[] =
    "SELECT stem, folder, name FROM stem WHERE stem = ?1";
static const char sql_file_stem[] =
    "SELECT s.stem, s.folder, s.name FROM file f"
    " JOIN stem s ON s.stem = f.stem WHERE f.content = ?1";

struct stem {
	int64_t stem;
	char *folder, *name; /* owned */
};

static void
stem_clear(struct stem *m)
{
	free(m->folder);
	free(m->name);
	memset(m, 0, sizeof(*m));
}

/*
 * The stem of the asset's version, 1 if it has none yet.  A version that is
 * known under another asset's stem keeps it; one that was first known without
 * its original keeps the stem of then.
 */
static int
version_stem(struct stem *out, int64_t *version, struct store *s, int64_t asset,
    int64_t master, struct err *e)
{
	int rc;

	rc = sql_first(s, e, sql_version, "ii>i", asset, master, version);
	if (rc == 0)
		rc = sql_first(s, e, sql_file_stem, "i>itt", *version,
		    &out->stem, &out->folder, &out->name);
	if (rc == 1)
		rc = sql_first(s, e, sql_stem_of_version, "i>itt", *version,
		    &out->stem, &out->folder, &out->name);
	if (rc == 1)
		rc = sql_first(s, e, sql_stem_of_asset, "iid>itt", asset,
		    master, (int)STEM_VERSION, &out->stem, &out->folder,
		    &out->name);
	return rc;
}

/*
 * The suffix of a new stem: of its version, also if another of its files comes
 * first (an original that a filter leaves out), so that the name is the same.
 */
static int
version_suffix(char out[SUFFIX_MAX + 1], struct store *s, const struct seek *k,
    const struct store_name *name, struct err *e)
{
	uint8_t checksum[CHECKSUM_BYTES];
	size_t len = 0;

	if (k->version == k->content) {
		(void)snprintf(out, SUFFIX_MAX + 1, "%s", name->suffix);
		return 0;
	}
	if (sql_first(
		s, e, sql_checksum_of, "i>b", k->version, checksum, &len) != 0)
		return -1;
	own_suffix(out, checksum, len);
	return 0;
}

/* Its place in a stem that is there; beside it if that place is taken. */
static int
in_stem(struct store *s, struct seek *k, const struct stem *m, struct err *e)
{
	int look = LOOK_OTHER;

	k->folder = m->folder;
	free(k->path);
	k->path = xasprintf("%s/%s%s%s", m->folder, m->name,
	    *k->ext != '\0' ? "." : "", k->ext);
	if (strlen(m->name) + 1 + strlen(k->ext) <= NAME_BYTES &&
	    look_for(&look, &k->sum, s, k->path, k->content, k->size_bytes,
		k->rule, e) == -1)
		return -1;
	if (look != LOOK_OTHER) {
		k->stem = m->stem;
		k->adopt = look == LOOK_RIGHT;
		return 0;
	}
	k->version = k->content;
	return new_stem(s, k, STEM_SINGLE, m->name, k->own, false, true, e);
}

/* Find the stem and path of k; base: the wished stem. */
static int
seek_original(struct store *s, struct seek *k, int64_t master,
    const struct store_name *name, struct err *e)
{
	struct stem m = {0};
	char suffix[SUFFIX_MAX + 1];
	int rc;

	rc = version_stem(&m, &k->version, s, k->asset, master, e);
	if (rc == 0)
		rc = in_stem(s, k, &m, e);
	else if (rc == 1 && (rc = version_suffix(suffix, s, k, name, e)) == 0)
		rc = new_stem(
		    s, k, STEM_VERSION, name->stem, suffix, true, true, e);
	stem_clear(&m);
	return rc;
}

static int
seek_edited(struct store *s, struct seek *k, int64_t master,
    const struct store_name *name, struct err *e)
{
	struct stem original = {0}, m = {0};
	char suffix[SUFFIX_MAX + 1], *base = NULL;
	int rc;

	/* Still and video of one edit are one version. */
	rc = sql_first(s, e, sql_stem_of_asset, "iid>itt", k->asset, master,
	    (int)STEM_EDITED, &m.stem, &m.folder, &m.name);
	if (rc == 0)
		rc = in_stem(s, k, &m, e);
	if (rc != 1)
		goto out;
	rc = version_stem(&original, &k->version, s, k->asset, master, e);
	if (rc == 1 && (rc = version_suffix(suffix, s, k, name, e)) == 0) {
		rc = new_stem(
		    s, k, STEM_VERSION, name->stem, suffix, true, false, e);
		if (rc == 0)
			rc = sql_first(s, e, sql_stem_get, "i>itt", k->stem,
			    &original.stem, &original.folder, &original.name);
	}
	if (rc != 0)
		goto out;
	k->version = k->content;
	k->folder = original.folder;
	base = component(original.name, "_edited", k->ext_bytes);
	rc = new_stem(s, k, STEM_EDITED, base,
	    name->edit_suffix != NULL ? name->edit_suffix : k->own, true, true,
	    e);
out:
	stem_clear(&m);
	stem_clear(&original);
	free(base);
	return rc;
}

/* ---- reserving ---- */

static const char sql_month_of[] = "SELECT month FROM asset WHERE rec = ?1";
static const char sql_month_of_stem[] =
    "SELECT month, asset, folder, name FROM stem WHERE stem = ?1";
static const char sql_content_of[] =
    "SELECT checksum, size FROM content WHERE content = ?1";

/* The extension that a path was given: what stands behind its stem. */
static const char *
extension_of(const char *path, const char *folder, const char *stem)
{
	size_t n = strlen(folder) + 1 + strlen(stem);

	return strlen(path) > n && path[n] == '.' ? path + n + 1 : "";
}

/* Give a reserved file another place, beside the one it had. */
static int
move_aside(char **path, bool *adopt, struct digest_sum *sum, struct store *s,
    const struct file_row *f, const struct digest_rule *rule, struct err *e)
{
	struct seek k = {.content = f->content,
	    .version = f->content,
	    .role = f->role,
	    .rule = rule};
	uint8_t checksum[CHECKSUM_BYTES];
	struct stem m = {.stem = f->stem};
	char *ext = NULL;
	size_t len = 0;
	int rc = -1;

	if (sql_first(s, e, sql_content_of, "i>bi", f->content, checksum, &len,
		&k.size_bytes) != 0 ||
	    sql_first(s, e, sql_month_of_stem, "i>iitt", f->stem, &k.month,
		&k.asset, &m.folder, &m.name) != 0)
		goto out;
	own_suffix(k.own, checksum, len);
	ext = xstrdup(extension_of(f->path, m.folder, m.name));
	k.ext = ext;
	k.ext_bytes = strlen(ext);
	k.folder = m.folder;
	if (new_stem(s, &k, STEM_SINGLE, m.name, k.own, false, true, e) == -1 ||
	    file_repath(s, f->file, k.stem, k.path, e) == -1 ||
	    event_add(s, k.asset, EVENT_MOVED, f->path, e) == -1)
		goto out;
	*path = k.path;
	k.path = NULL;
	*adopt = k.adopt;
	*sum = k.sum;
	rc = 0;
out:
	free(k.path);
	free(ext);
	stem_clear(&m);
	return rc;
}

int
name_again(struct store *s, int64_t content, struct err *e)
{
	/* Nothing is hashed: whatever is there makes a name taken. */
	const struct digest_rule nothing = {.checked = false};
	struct digest_sum sum;
	struct file_row f;
	char *path = NULL;
	bool own, adopt;
	int rc;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = file_of_content(&f, s, content, e);
	if (rc == 0)
		rc = move_aside(&path, &adopt, &sum, s, &f, &nothing, e);
	free(path);
	file_row_clear(&f);
	return tx_end(s, own, rc == 1 ? -1 : rc, e);
}

/* A row is there: its path stands, unless somebody else has come to it. */
static int
reserve_again(char **path, bool *adopt, struct digest_sum *sum, struct store *s,
    const struct file_row *f, const struct store_want *w,
    const struct digest_rule *rule, struct err *e)
{
	int look;

	if (f->mend != 0) { /* what is there was looked at, and makes room */
		*path = xstrdup(f->path);
		return 0;
	}
	look = look_at(sum, s, f->path, w->size_bytes, rule, e);
	if (look == -1)
		return -1;
	if (look == LOOK_OTHER)
		return move_aside(path, adopt, sum, s, f, rule, e);
	*path = xstrdup(f->path);
	*adopt = look == LOOK_RIGHT;
	return 0;
}

static int
reserve_new(char **path, bool *adopt, struct digest_sum *sum, struct store *s,
    const struct store_want *w, const struct store_name *name,
    const struct digest_rule *rule, struct err *e)
{
	struct seek k = {.content = w->content,
	    .asset = w->asset,
	    .role = w->role,
	    .size_bytes = w->size_bytes,
	    .rule = rule,
	    .folder = name->folder,
	    .ext = name->ext};
	int64_t master;
	int rc;

	own_suffix(k.own, w->checksum, w->checksum_len);
	k.version = w->content;
	if (asset_master(&master, s, w->asset, e) == -1 ||
	    find_others(&k, s, master, name, e) == -1 ||
	    sql_first(s, e, sql_month_of, "i>i", w->asset, &k.month) == -1)
		return -1;
	rc = name->edited ? seek_edited(s, &k, master, name, e)
			  : seek_original(s, &k, master, name, e);
	if (rc == 0)
		rc = file_reserve(s, k.content, k.stem, k.role, k.path, e);
	if (rc == 0) {
		*path = k.path;
		k.path = NULL;
		*adopt = k.adopt;
		*sum = k.sum;
	}
	free(k.path);
	return rc;
}

int
store_reserve(const char **path, bool *adopted, struct store *s,
    const struct store_want *w, const struct store_name *name,
    const struct digest_rule *rule, struct err *e)
{
	struct digest_sum sum;
	struct file_row f;
	char *chosen = NULL;
	bool own;
	int rc;

	assert(mode_writes(s->mode) && s->run != 0);
	assert(*name->folder != '\0' && *name->stem != '\0');
	*adopted = false;
	if (tx_begin(&own, s, e) == -1)
		return -1;
	rc = file_of_content(&f, s, w->content, e);
	if (rc == 0 && f.state != FILE_RESERVED) {
		/* Held since the want was read. */
		chosen = xstrdup(f.path);
	} else if (rc == 0)
		rc = reserve_again(&chosen, adopted, &sum, s, &f, w, rule, e);
	else if (rc == 1)
		rc = reserve_new(&chosen, adopted, &sum, s, w, name, rule, e);
	rc = tx_end(s, own, rc, e);
	if (rc == 0)
		step_reached(s, "reserved");
	/* Line before row: after the reservation, in its own transaction. */
	if (rc == 0 && *adopted)
		rc = file_adopt(
		    s, w->content, chosen, STORE_STATE_PROVEN, &sum, e);
	if (rc == 0) {
		if (f.state != FILE_RESERVED)
			*adopted = true;
		buf_reset(&s->text);
		if (buf_adds(&s->text, chosen) == -1)
			abort();
		*path = buf_text(&s->text);
	}
	free(chosen);
	file_row_clear(&f);
	return rc;
}
