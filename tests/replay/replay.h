#ifndef REPLAY_H
#define REPLAY_H

/*
 * Recorded pages into a copy in a temporary folder, and what they say, read a
 * second time with cJSON and OpenSSL alone, to compare the catalogue with.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <glob.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "asset.h"
#include "buf.h"
#include "checksum.h"
#include "digest.h"
#include "err.h"
#include "intake.h"
#include "json.h"
#include "photos.h"
#include "record.h"
#include "store.h"
#include "work.h"
#include "zone.h"

#define NOW    INT64_C(1700000000000)
#define OWNER  "_0413431608b5e60e664366eb5c00b685"
#define SHARED "SharedSync-00000000-1111-2222-3333-444444444444"

static inline void
must_(int rc, const struct err *e, const char *file, int line)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line, e->what);
	_fail(file, line);
}
#define must(call)                                    \
	do {                                          \
		struct err e_ = ERR_INIT, *e = &e_;   \
		must_((call), e, __FILE__, __LINE__); \
	} while (0)

/* ---- recordings ---- */

struct recording {
	char *text;
	size_t len;
	cJSON *json;
};

static inline void
recording_open(struct recording *out, const char *name)
{
	out->text = recorded_read(&out->len, name);
	out->json = cJSON_ParseWithLength(out->text, out->len);
	assert_non_null(out->json);
}

static inline void
recording_close(struct recording *r)
{
	cJSON_Delete(r->json);
	free(r->text);
}

static inline const cJSON *
member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static inline const char *
text_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(member(json, name));
}

/* The body of an exchange: as spans for us, and as cJSON reads it. */
static inline struct json_span
recording_body(const struct recording *r)
{
	struct json_span all;

	must(json_span_all(&all, r->text, r->len, e));
	return json_span_get(json_span_get(all, "response"), "body");
}

static inline cJSON *
recording_records(const struct recording *r)
{
	const cJSON *body = member(member(r->json, "response"), "body");

	return (cJSON *)member(body, "records");
}

/* ---- a copy ---- */

struct replay {
	char dir[64], root[96], state[96];
	struct work *work;
	struct store *s;
	sqlite3 *db; /* the catalogue, as anybody else may read it */
	int64_t run;
	int placed;
};

static inline void
replay_placed(void *arg, const struct store_placed *p)
{
	struct replay *r = arg;

	assert_true(p->content > 0 && p->size_bytes >= 0);
	r->placed++;
}

static inline void
replay_unplaced(void *arg, int64_t content, const struct err *e)
{
	(void)arg;
	(void)content;
	fail_msg("%s", e->what);
}

static inline void
replay_open(struct replay *r)
{
	struct store_options o = {.root = r->root,
	    .state_dir = r->state,
	    .account = "jd@example.com",
	    .mode = STORE_WRITE,
	    .work = r->work,
	    .placed = replay_placed,
	    .unplaced = replay_unplaced,
	    .arg = r};
	char pattern[160];
	glob_t found;

	must(store_open(&r->s, &o, e));
	must(store_run_begin(&r->run, r->s, "sync", NOW, checksum_rule, e));
	snprintf(pattern, sizeof(pattern), "%s/*/catalogue.sqlite", r->state);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_int_equal(sqlite3_open_v2(found.gl_pathv[0], &r->db,
			     SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	globfree(&found);
}

static inline void
replay_start(struct replay *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->dir, sizeof(r->dir), "/tmp/replay.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->root, sizeof(r->root), "%s/root", r->dir);
	snprintf(r->state, sizeof(r->state), "%s/state", r->dir);
	r->work = work_new(2);
	replay_open(r);
}

static inline void
replay_close(struct replay *r)
{
	assert_int_equal(sqlite3_close(r->db), SQLITE_OK);
	must(store_flush(r->s, e));
	must(store_run_end(r->s, 0, "{}", NOW + 1000, e));
	store_close(r->s);
}

/* The next night. */
static inline void
replay_again(struct replay *r)
{
	replay_close(r);
	replay_open(r);
}

static inline void
replay_done(struct replay *r)
{
	char cmd[128];

	replay_close(r);
	work_free(r->work);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", r->dir);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
}

static inline int64_t
replay_zone(struct replay *r, enum database database, const char *name)
{
	struct store_zone z = {.database = database,
	    .name = name,
	    .owner = OWNER,
	    .kind = zone_kind(name)};

	must(store_zone_put(r->s, &z, e));
	return z.zone;
}

/* What came of the records of a page. */
struct taken {
	int of[RECORD_ERROR + 1]; /* by enum record_type */
	int unreadable;           /* neither a name nor an excuse */
	int64_t changes;
	bool more;
};

/* What was put was kept, to the byte. */
static inline void
check_bytes(struct replay *r, int64_t zone, const struct record *rec)
{
	struct buf want = {0}, got = {0};

	record_kept_bytes(&want, rec);
	must(store_record_bytes(&got, r->s, zone, rec->name, e));
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	buf_clear(&want);
	buf_clear(&got);
}

/* One page into the catalogue, as listing does it: with its token, at once. */
static inline struct taken
take_page(struct replay *r, int64_t zone, bool anew, struct json_span span)
{
	struct taken out = {.changes = 0};
	struct photos_page page;
	struct json_span rec;
	struct intake in;
	struct record record;
	size_t it = 0;

	intake_begin(&in, r->s, zone, anew);
	must(photos_page_read(&page, span, e));
	must(store_begin(r->s, e));
	while (json_span_next(&rec, page.records, &it)) {
		if (record_read(&record, rec, NULL) == -1) {
			out.unreadable++;
			continue;
		}
		out.of[record.type]++;
		must(intake_record(&in, &record, e));
		if (in.changes > out.changes && record.type != RECORD_TOMBSTONE)
			check_bytes(r, zone, &record);
		out.changes = in.changes;
		record_clear(&record);
	}
	must(store_zone_token(
	    r->s, zone, page.token, !page.more, PHOTOS_KEYS_NUMBER, NOW, e));
	must(store_commit(r->s, e));
	out.more = page.more;
	photos_page_clear(&page);
	return out;
}

/* ---- the catalogue ---- */

/*
 * One value of a SELECT whose ?1 and ?2 are zone and name; "" if there is no
 * row.  The caller frees.
 */
static inline char *
ask(struct replay *r, const char *sql, int64_t zone, const char *name)
{
	sqlite3_stmt *st;
	const unsigned char *text = NULL;
	char *out;

	if (sqlite3_prepare_v2(r->db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(r->db));
	if (sqlite3_bind_parameter_count(st) > 0) {
		(void)sqlite3_bind_int64(st, 1, zone);
		(void)sqlite3_bind_text(st, 2, name, -1, SQLITE_STATIC);
	}
	if (sqlite3_step(st) == SQLITE_ROW)
		text = sqlite3_column_text(st, 0);
	out = xstrdup(text != NULL ? (const char *)text : "");
	(void)sqlite3_finalize(st);
	return out;
}

static inline void
assert_ask(struct replay *r, const char *sql, int64_t zone, const char *name,
    const char *want)
{
	char *got = ask(r, sql, zone, name);

	assert_string_equal(got, want);
	free(got);
}

static inline int64_t
ask_int(struct replay *r, const char *sql)
{
	char *text = ask(r, sql, 0, NULL);
	int64_t n = strtoll(text, NULL, 10);

	free(text);
	return n;
}

/* All that records have made of the catalogue, as text. */
static inline void
dump(struct buf *out, struct replay *r)
{
	static const char *const tables[] = {"record", "master", "asset",
	    "album", "relation", "content", "resource", "event", "gap"};
	sqlite3_stmt *st;
	char sql[80];
	size_t t;
	int i;

	for (t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1, 2",
		    tables[t]);
		assert_int_equal(
		    sqlite3_prepare_v2(r->db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			buf_addf(out, "\n%s", tables[t]);
			for (i = 0; i < sqlite3_column_count(st); i++) {
				const void *p = sqlite3_column_blob(st, i);

				buf_addc(out, '|');
				buf_add(out, p != NULL ? p : "",
				    (size_t)sqlite3_column_bytes(st, i));
			}
		}
		(void)sqlite3_finalize(st);
	}
}

static inline void
assert_sound(struct replay *r)
{
	assert_int_equal(
	    ask_int(r, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* ---- what the recordings say, read a second time ---- */

struct told {
	int64_t zone;
	const cJSON *record; /* borrowed from its recording */
	const char *type, *name;
	/* Where the file name is not for plain reading: what it must be. */
	const char *filename;
	bool is_odd;
};

#define TOLD_MAX 800
struct model {
	struct told told[TOLD_MAX];
	size_t n;
};

static inline struct told *
told_find(struct model *m, int64_t zone, const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < m->n; i++)
		if (m->told[i].zone == zone &&
		    strcmp(m->told[i].name, name) == 0)
			return &m->told[i];
	return NULL;
}

/* What is told of a name later takes the place of what was told before. */
static inline void
model_add(struct model *m, int64_t zone, const cJSON *records)
{
	const cJSON *record;
	struct told *t;

	cJSON_ArrayForEach (record, records) {
		const char *name = text_of(record, "recordName");

		assert_non_null(name);
		t = told_find(m, zone, name);
		if (t == NULL) {
			assert_true(m->n < TOLD_MAX);
			t = &m->told[m->n++];
		}
		*t = (struct told){.zone = zone,
		    .record = record,
		    .name = name,
		    .type = text_of(record, "recordType")};
	}
}

static inline bool
told_is(const struct told *t, const char *type)
{
	return strcmp(t->type, type) == 0;
}

static inline int
model_count(const struct model *m, const char *type)
{
	size_t i;
	int n = 0;

	for (i = 0; i < m->n; i++)
		n += told_is(&m->told[i], type);
	return n;
}

static inline const cJSON *
told_value(const struct told *t, const char *field)
{
	return member(member(member(t->record, "fields"), field), "value");
}

/* Also of a field that is not there: 0. */
static inline int64_t
told_int(const struct told *t, const char *field)
{
	const cJSON *v = told_value(t, field);

	return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : 0;
}

/* Standard base64 with padding; returns the number of bytes. */
static inline size_t
decode(uint8_t *out, size_t size, const char *base64)
{
	size_t n = strlen(base64), bytes;

	assert_true(n % 4 == 0 && n / 4 * 3 <= size);
	bytes = n / 4 * 3;
	assert_int_equal(
	    EVP_DecodeBlock(out, (const unsigned char *)base64, (int)n), bytes);
	while (n > 0 && base64[--n] == '=')
		bytes--;
	return bytes;
}

/* The caller frees; NULL if the field is not there. */
static inline char *
told_text(const struct told *t, const char *field)
{
	const char *v = cJSON_GetStringValue(told_value(t, field));
	uint8_t bytes[512];

	if (v == NULL)
		return NULL;
	return xstrndup((const char *)bytes, decode(bytes, sizeof(bytes), v));
}

static inline char *
told_filename(const struct told *t)
{
	return t->is_odd ? xstrdup(t->filename) : told_text(t, "filenameEnc");
}

static inline struct tm
told_date(const struct told *asset)
{
	time_t when = (time_t)(told_int(asset, "assetDate") / 1000 +
	    told_int(asset, "timeZoneOffset"));
	struct tm tm;

	assert_non_null(gmtime_r(&when, &tm));
	return tm;
}

static inline struct told *
told_master(struct model *m, const struct told *asset)
{
	const cJSON *ref = told_value(asset, "masterRef");

	return told_find(m, asset->zone, text_of(ref, "recordName"));
}

/* The resources that are kept (protocol: resources), by role. */
static const struct {
	const char *prefix;
	const char *type; /* of the record that carries it */
} told_roles[] = {
    {"resOriginal", "CPLMaster"},
    {"resOriginalVidCompl", "CPLMaster"},
    {"resOriginalAlt", "CPLMaster"},
    {"resSidecar", "CPLMaster"},
    {"resJPEGFull", "CPLAsset"},
    {"resVidFull", "CPLAsset"},
};
#define TOLD_ROLES (sizeof(told_roles) / sizeof(told_roles[0]))

static inline const cJSON *
told_resource(const struct told *t, size_t role)
{
	char field[64];

	if (t == NULL || !told_is(t, told_roles[role].type))
		return NULL;
	snprintf(field, sizeof(field), "%sRes", told_roles[role].prefix);
	return told_value(t, field);
}

static inline const char *
told_uti(const struct told *t, size_t role)
{
	char field[64];

	snprintf(field, sizeof(field), "%sFileType", told_roles[role].prefix);
	return cJSON_GetStringValue(told_value(t, field));
}

/* ---- what must be wanted ---- */

struct expected {
	uint8_t checksum[64];
	size_t len;
	int64_t size;
	bool trashed;
	int64_t when; /* smaller is sooner */
	int given;
};

struct expectation {
	struct expected of[2 * TOLD_MAX];
	size_t n;
	int64_t bytes;
};

static inline struct expected *
expected_find(
    struct expectation *x, const uint8_t *checksum, size_t len, int64_t size)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (x->of[i].len == len && x->of[i].size == size &&
		    memcmp(x->of[i].checksum, checksum, len) == 0)
			return &x->of[i];
	return NULL;
}

/* Recently Deleted by expiry, then the newest added. */
static inline bool
is_sooner(const struct expected *a, const struct expected *b)
{
	return a->trashed != b->trashed ? a->trashed : a->when < b->when;
}

static inline void
expect_resource(
    struct expectation *x, const cJSON *res, const struct told *asset)
{
	const char *checksum = text_of(res, "fileChecksum");
	struct expected new = {.trashed = told_int(asset, "isDeleted") != 0},
			*old;

	if (checksum == NULL)
		return;
	new.len = decode(new.checksum, sizeof(new.checksum), checksum);
	new.size = (int64_t)member(res, "size")->valuedouble;
	new.when = new.trashed ? told_int(asset, "dateExpunged")
			       : -told_int(asset, "addedDate");
	old = expected_find(x, new.checksum, new.len, new.size);
	if (old == NULL) {
		x->bytes += new.size;
		x->of[x->n++] = new;
	} else if (is_sooner(&new, old)) {
		*old = new;
	}
}

static inline void
expect(struct expectation *x, struct model *m)
{
	size_t i, role;

	memset(x, 0, sizeof(*x));
	for (i = 0; i < m->n; i++) {
		const struct told *asset = &m->told[i], *master;

		if (!told_is(asset, "CPLAsset"))
			continue;
		master = told_master(m, asset);
		for (role = 0; role < TOLD_ROLES; role++) {
			expect_resource(x, told_resource(master, role), asset);
			expect_resource(x, told_resource(asset, role), asset);
		}
	}
}

/* ---- comparing ---- */

static inline void
assert_opt_string(const char *got, const char *want)
{
	if (got == NULL || want == NULL)
		assert_ptr_equal(got, want);
	else
		assert_string_equal(got, want);
}

/* The want leads to the record that carries its bytes, and names its asset. */
static inline void
check_want(struct model *m, const struct store_want *w)
{
	const struct told *carrier = told_find(m, w->zone, w->record);
	const struct told *asset = told_find(m, w->zone, w->asset_name);
	const struct told *master = told_master(m, asset);
	const cJSON *res = told_resource(carrier, (size_t)w->role);
	uint8_t checksum[64];
	char *filename;

	assert_non_null(asset);
	assert_true(carrier == asset || carrier == master);
	assert_int_equal(
	    decode(checksum, sizeof(checksum), text_of(res, "fileChecksum")),
	    w->checksum_len);
	assert_memory_equal(checksum, w->checksum, w->checksum_len);
	assert_opt_string(w->uti, told_uti(carrier, (size_t)w->role));
	filename = told_filename(master);
	assert_opt_string(w->filename, filename);
	free(filename);
	assert_int_equal(w->taken_ms, told_int(asset, "assetDate"));
	assert_int_equal(w->offset_s, told_int(asset, "timeZoneOffset"));
	assert_int_equal(w->trashed, told_int(asset, "isDeleted"));
	assert_int_equal(w->hidden, told_int(asset, "isHidden"));
	assert_int_equal(w->failures, 0);
}

static const struct store_filter no_filter;

/* Everything that is expected is wanted once, in order, and nothing else. */
static inline void
check_wants(struct replay *r, struct model *m)
{
	struct expectation *x = xcalloc(1, sizeof(*x));
	struct expected *now, *last = NULL;
	struct store_forecast forecast;
	struct store_want wants[7];
	size_t i, n, total = 0;

	expect(x, m);
	must(store_forecast(&forecast, r->s, &no_filter, NOW, e));
	assert_int_equal(forecast.files, x->n);
	assert_int_equal(forecast.bytes, x->bytes);
	assert_int_equal(forecast.later + forecast.filtered, 0);
	do {
		must(store_wants(wants, 7, &n, r->s, &no_filter, NOW, e));
		for (i = 0; i < n; i++, total++) {
			check_want(m, &wants[i]);
			now = expected_find(x, wants[i].checksum,
			    wants[i].checksum_len, wants[i].size_bytes);
			assert_non_null(now);
			assert_int_equal(now->given++, 0);
			if (last != NULL)
				assert_false(is_sooner(now, last));
			last = now;
			store_want_clear(&wants[i]);
		}
	} while (n > 0);
	assert_int_equal(total, x->n);
	free(x);
}

static inline void
blank_links(cJSON *json)
{
	cJSON *child;

	cJSON_ArrayForEach (child, json) {
		if (child->string != NULL &&
		    strcmp(child->string, "downloadURL") == 0)
			cJSON_SetValuestring(child, "");
		blank_links(child);
	}
}

/* What is kept is the whole record, but not one link. */
static inline void
check_kept(struct replay *r, const struct told *t)
{
	struct buf kept = {0};
	cJSON *now, *all = cJSON_Duplicate(t->record, true);

	blank_links(all);
	must(store_record_bytes(&kept, r->s, t->zone, t->name, e));
	assert_null(strstr(buf_text(&kept), "://"));
	now = cJSON_ParseWithLength(buf_text(&kept), kept.len);
	assert_true(cJSON_Compare(now, all, true));
	cJSON_Delete(now);
	cJSON_Delete(all);
	buf_clear(&kept);
}

#define FROM_RECORD(table)                                 \
	" FROM " table " t JOIN record r ON r.rec = t.rec" \
	" WHERE r.zone = ?1 AND r.name = ?2"
static const char sql_record[] =
    "SELECT printf('%d %s', type, ifnull(tag, '-')) FROM record"
    " WHERE zone = ?1 AND name = ?2 AND gone_run IS NULL";
static const char sql_asset[] =
    "SELECT printf('%s %d%d%d %d %d %d %d %d',"
    " (SELECT name FROM record WHERE rec = t.master),"
    " t.flags & 1, t.flags & 2, t.flags & 4, t.month, t.taken_ms, t.added_ms,"
    " ifnull(t.offset_s, -1), ifnull(t.expunged_ms, -1))" FROM_RECORD("asset");
static const char sql_master[] = "SELECT t.filename" FROM_RECORD("master");
static const char sql_album[] =
    "SELECT printf('%s|%d|%d|%d|%d', ifnull(t.title, '-'), t.type, t.position,"
    " t.trashed, t.parent IS NULL)" FROM_RECORD("album");
static const char sql_roles[] =
    "SELECT group_concat(role, '') FROM (SELECT t.role, r.zone, r.name"
    " FROM resource t JOIN record r ON r.rec = t.rec"
    " WHERE t.content IS NOT NULL ORDER BY t.role)"
    " WHERE zone = ?1 AND name = ?2";

static inline void
check_row(struct replay *r, struct model *m, const struct told *t)
{
	char line[256], *text = NULL;
	struct tm tm;

	if (told_is(t, "CPLAsset")) {
		tm = told_date(t);
		snprintf(line, sizeof(line), "%s %d%d%d %d %lld %lld %lld %lld",
		    told_master(m, t)->name,
		    told_int(t, "isHidden") != 0 ? 1 : 0,
		    told_int(t, "isDeleted") != 0 ? 2 : 0,
		    told_int(t, "isFavorite") != 0 ? 4 : 0,
		    (tm.tm_year + 1900) * 100 + tm.tm_mon + 1,
		    (long long)told_int(t, "assetDate"),
		    (long long)told_int(t, "addedDate"),
		    told_value(t, "timeZoneOffset") != NULL
			? (long long)told_int(t, "timeZoneOffset")
			: -1LL,
		    told_value(t, "dateExpunged") != NULL
			? (long long)told_int(t, "dateExpunged")
			: -1LL);
		assert_ask(r, sql_asset, t->zone, t->name, line);
	} else if (told_is(t, "CPLMaster")) {
		text = told_filename(t);
		assert_ask(
		    r, sql_master, t->zone, t->name, text != NULL ? text : "");
	} else if (told_is(t, "CPLAlbum")) {
		text = told_text(t, "albumNameEnc");
		snprintf(line, sizeof(line), "%s|%lld|%lld|%d|1",
		    text != NULL ? text : "-",
		    (long long)told_int(t, "albumType"),
		    (long long)told_int(t, "position"),
		    (int)told_int(t, "isDeleted"));
		assert_ask(r, sql_album, t->zone, t->name, line);
	} else {
		fail_msg("%s", t->type);
	}
	free(text);
}

static inline void
check_record(struct replay *r, struct model *m, const struct told *t)
{
	static const char *const types[] = {
	    [STORE_MASTER] = "CPLMaster",
	    [STORE_ASSET] = "CPLAsset",
	    [STORE_ALBUM] = "CPLAlbum",
	};
	char line[256], roles[TOLD_ROLES + 1] = "";
	int type = STORE_MASTER;
	size_t role, n = 0;

	while (!told_is(t, types[type]))
		type++;
	snprintf(line, sizeof(line), "%d %s", type,
	    text_of(t->record, "recordChangeTag"));
	assert_ask(r, sql_record, t->zone, t->name, line);
	for (role = 0; role < TOLD_ROLES; role++)
		if (told_resource(t, role) != NULL)
			roles[n++] = (char)('0' + role);
	assert_ask(r, sql_roles, t->zone, t->name, roles);
	check_row(r, m, t);
	check_kept(r, t);
}

/* The catalogue is what the recordings say: no more and no less. */
static inline void
check_catalogue(struct replay *r, struct model *m)
{
	struct expectation *x = xcalloc(1, sizeof(*x));
	struct store_totals totals;
	int64_t trashed = 0;
	size_t i;

	for (i = 0; i < m->n; i++) {
		check_record(r, m, &m->told[i]);
		trashed += told_is(&m->told[i], "CPLAsset") &&
		    told_int(&m->told[i], "isDeleted") != 0;
	}
	expect(x, m);
	assert_int_equal(ask_int(r, "SELECT count(*) FROM record"), m->n);
	assert_int_equal(ask_int(r, "SELECT count(*) FROM master"),
	    model_count(m, "CPLMaster"));
	must(store_gaps_refresh(r->s, e));
	must(store_totals(&totals, r->s, e));
	assert_int_equal(totals.assets, model_count(m, "CPLAsset"));
	assert_int_equal(totals.albums, model_count(m, "CPLAlbum"));
	assert_int_equal(totals.trashed, trashed);
	assert_int_equal(totals.hidden, 0);
	assert_int_equal(totals.resources, x->n);
	assert_int_equal(totals.resource_bytes, x->bytes);
	assert_int_equal(totals.missing, x->n);
	assert_int_equal(totals.missing_bytes, x->bytes);
	assert_int_equal(totals.other_records, 0);
	assert_int_equal(totals.gone_unfetched, 0);
	assert_int_equal(totals.gaps, 0);
	assert_sound(r);
	free(x);
}

#endif
