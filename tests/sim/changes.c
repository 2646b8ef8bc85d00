#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

/*
 * What happens to a library while nobody looks: operations of the control
 * port, {"op": NAME, ...}.  Which records the feed then sends is
 * [change-effects].
 *
 *   WHICH is "asset": a record name or several, or "nth": the asset made
 *   nth, or "count": so many that fit, by the seed (1).  All take
 *   "zone": "shared" for the shared library instead of PrimarySync.
 *
 *   add              "count" (1), "kind" (see kind_names; else anything),
 *                    "date_ms", "size" in bytes, "name" of the file
 *   sparse           "size": one movie of this size, hashed before it shows;
 *                    "lazy": true: hashed when first asked for
 *   duplicate        WHICH: another asset on the same master
 *   edit             WHICH: a new rendering; "sidecar": true: an AAE too
 *   revert hide unhide favourite unfavourite caption trash restore purge
 *                    WHICH (purge: of the trash, unless named)
 *   mass_trash       "percent"
 *   replace_original WHICH: other bytes, so another master
 *   late_movie       WHICH: a still gets its live movie
 *   late_raw         WHICH: a JPEG gets its RAW twin
 *   album_add        "name", "parent", "folder": true
 *   album_rename     "album", "name"; or "parent": into another folder, "" is
 *                    the top
 *   album_remove     "album"     (albums by name or record name)
 *   album_put        "album", WHICH
 *   album_take       "album", WHICH
 *   shared_library   "as": "owner"|"guest", "assets" (20)
 *   link_share       "assets" (5): a CMM zone
 *   leave_shared     the shared library is no longer there
 *   move_to_shared   WHICH; makes a library of its owner if there is none
 *   plain            "assets": begin again with ordinary things only
 */

static uint64_t
draw(struct cloud *c)
{
	return mix64(c->random++);
}

/* What an operation is given; under the lock. */
struct change {
	struct cloud *cloud;
	struct zone *zone;
	const cJSON *op;
	int64_t now_ms;
	uint32_t *assets; /* chosen; owned */
	size_t count;
};

/* Under the lock, after all changes of a zone: its totals and its state. */
static void
changed(struct cloud *c, struct zone *z, int64_t now_ms)
{
	struct totals t;

	if (z == NULL)
		return;
	zone_totals(&t, z);
	if (memcmp(&t, &z->totals, sizeof(t)) != 0)
		touch_info(z, now_ms);
	z->seen = ++c->database[z->shared];
}

/* --- which assets --- */

typedef bool chooses(const struct asset *, const struct master *);

static bool
is_live(const struct asset *a, const struct master *m)
{
	(void)m;
	return (a->flags & (A_GONE | A_TRASHED)) == 0;
}

static bool
is_trashed(const struct asset *a, const struct master *m)
{
	(void)m;
	return (a->flags & (A_GONE | A_TRASHED)) == A_TRASHED;
}

static bool
is_visible(const struct asset *a, const struct master *m)
{
	return is_live(a, m) && (a->flags & A_HIDDEN) == 0;
}

static bool
is_hidden(const struct asset *a, const struct master *m)
{
	return is_live(a, m) && (a->flags & A_HIDDEN) != 0;
}

static bool
is_edited(const struct asset *a, const struct master *m)
{
	return is_live(a, m) && (a->flags & A_EDITED) != 0;
}

static bool
is_ordinary(const struct asset *a, const struct master *m)
{
	return is_live(a, m) && m->kind != KIND_DATA &&
	    m->kind != KIND_FUTURE && m->kind != KIND_RECORDED;
}

static bool
is_still(const struct asset *a, const struct master *m)
{
	return is_live(a, m) && (m->flags & M_LIVE) == 0 &&
	    (m->kind == KIND_HEIC || m->kind == KIND_JPEG);
}

static bool
is_jpeg(const struct asset *a, const struct master *m)
{
	return is_live(a, m) && m->kind == KIND_JPEG;
}

static const char *
choose_named(struct change *ch, const cJSON *name)
{
	const struct zone *z = ch->zone;
	uint32_t n;

	if (!cJSON_IsString(name) ||
	    !uuid_number(&n, ch->cloud, z, TYPE_ASSET, name->valuestring) ||
	    n >= z->asset_count || (z->assets[n].flags & A_GONE) != 0)
		return "no such asset";
	ch->assets = xreallocarray(ch->assets, ch->count + 1, sizeof(n));
	ch->assets[ch->count++] = n;
	return NULL;
}

static const char *
choose_random(struct change *ch, int64_t wanted, chooses *fits)
{
	const struct zone *z = ch->zone;
	uint32_t n, t;
	size_t have = 0, i, j;

	ch->assets = xreallocarray(NULL, z->asset_count + 1, sizeof(uint32_t));
	for (n = 0; n < z->asset_count; n++)
		if (fits(&z->assets[n], &z->masters[z->assets[n].master]))
			ch->assets[have++] = n;
	for (i = 0; i < have && (int64_t)i < wanted; i++) {
		j = i + (size_t)(draw(ch->cloud) % (have - i));
		t = ch->assets[i];
		ch->assets[i] = ch->assets[j];
		ch->assets[j] = t;
	}
	ch->count = i;
	return i == 0 && wanted > 0 ? "no such asset" : NULL;
}

/* "asset" (a record name, or several), "nth", or "count" random ones. */
static const char *
choose(struct change *ch, chooses *fits)
{
	const cJSON *named = json_get(ch->op, "asset"), *e;
	const struct zone *z = ch->zone;
	const char *why = NULL;
	int64_t nth, count = 1;

	if (cJSON_IsArray(named)) {
		cJSON_ArrayForEach (e, named)
			if ((why = choose_named(ch, e)) != NULL)
				return why;
		return NULL;
	}
	if (named != NULL)
		return choose_named(ch, named);
	if (json_get(ch->op, "nth") != NULL) {
		if (!json_int(&nth, ch->op, "nth") || nth < 0 ||
		    nth >= (int64_t)z->asset_count ||
		    (z->assets[nth].flags & A_GONE) != 0)
			return "no such asset";
		ch->assets = xmalloc(sizeof(uint32_t));
		ch->assets[0] = (uint32_t)nth;
		ch->count = 1;
		return NULL;
	}
	if (json_get(ch->op, "count") != NULL &&
	    (!json_int(&count, ch->op, "count") || count < 0))
		return "\"count\" is no number";
	return choose_random(ch, count, fits);
}

/* "album": a record name or a name. */
static bool
choose_album(uint32_t *out, const struct change *ch, const char *member)
{
	const char *name = json_str(ch->op, member);
	const struct zone *z = ch->zone;
	uint32_t i;

	if (name == NULL)
		return false;
	if (album_number(out, ch->cloud, z, name))
		return true;
	for (i = 2; i < z->album_count; i++)
		if (!z->albums[i].trashed &&
		    strcmp(z->albums[i].name, name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

/* --- adding --- */

static const struct {
	const char *name;
	enum kind kind;
	uint32_t asset_flags, master_flags;
} kind_names[] = {
    {"photo", KIND_HEIC, A_PLACE, 0},
    {"heic", KIND_HEIC, 0, 0},
    {"jpeg", KIND_JPEG, 0, 0},
    {"uploaded", KIND_JPEG, 0, M_UPLOADED},
    {"png", KIND_PNG, 0, 0},
    {"screenshot", KIND_PNG, A_EDIT_SHOT, 0},
    {"gif", KIND_GIF, 0, 0},
    {"live", KIND_HEIC, 0, M_LIVE},
    {"live_edited", KIND_HEIC, A_EDIT_STILL | A_EDIT_VIDEO, M_LIVE},
    {"raw", KIND_RAW_JPEG, 0, 0},
    {"raw_alt", KIND_JPEG_RAW, 0, 0},
    {"dng", KIND_DNG, 0, 0},
    {"video", KIND_MOV, 0, 0},
    {"video_edited", KIND_MOV, A_EDIT_VIDEO, 0},
    {"mp4", KIND_MP4, 0, 0},
    {"slomo", KIND_SLOMO, 0, 0},
    {"burst", KIND_HEIC, A_BURST, 0},
    {"edited", KIND_HEIC, A_EDIT_STILL, 0},
    {"hidden", KIND_HEIC, A_HIDDEN, 0},
    {"webp", KIND_WEBP, 0, 0},
    {"mp4", KIND_MP4, 0, 0},
    {"cr3", KIND_CR3, 0, 0},
    {"data", KIND_DATA, 0, 0},
    {"future", KIND_FUTURE, 0, 0},
};

static const char *
wish_named(struct wish *w, const char *name)
{
	size_t i;

	wish_plain(w, 0);
	for (i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
		if (strcmp(name, kind_names[i].name) != 0)
			continue;
		w->kind = kind_names[i].kind;
		w->asset_flags = kind_names[i].asset_flags;
		w->master_flags = kind_names[i].master_flags;
		return NULL;
	}
	return "\"kind\" is unknown";
}

/* Records of a new asset, in either order. */
static void
announce(struct change *ch, uint32_t n)
{
	struct zone *z = ch->zone;

	if (n % 2 == 0)
		touch_master(z, z->assets[n].master, ch->now_ms);
	touch_asset(z, n, ch->now_ms);
	if (n % 2 != 0)
		touch_master(z, z->assets[n].master, ch->now_ms);
}

/* Keep a name that an operation gives; 0 if there is none. */
static const char *
take_name(uint32_t *out, struct change *ch)
{
	const char *name = json_str(ch->op, "name");
	struct cloud *c = ch->cloud;

	*out = 0;
	if (name == NULL)
		return NULL;
	if (c->given_count == GIVEN_MAX)
		return "too many names";
	c->given[c->given_count++] = xstrdup(name);
	*out = (uint32_t)c->given_count;
	return NULL;
}

static const char *
op_add(struct change *ch)
{
	const char *kind = json_str(ch->op, "kind"), *why;
	int64_t count = 1, date_ms, size = -1, i;
	bool dated = json_int(&date_ms, ch->op, "date_ms");
	struct wish w;
	uint32_t n, given;

	if (json_get(ch->op, "count") != NULL &&
	    (!json_int(&count, ch->op, "count") || count < 0))
		return "\"count\" is no number";
	if ((why = take_name(&given, ch)) != NULL)
		return why;
	if (json_get(ch->op, "size") != NULL &&
	    (!json_int(&size, ch->op, "size") || size < 1))
		return "\"size\" is no number";
	for (i = 0; i < count; i++) {
		if (kind == NULL && ch->zone->plain)
			wish_plain(&w, draw(ch->cloud));
		else if (kind == NULL)
			wish_random(&w, draw(ch->cloud));
		else if ((why = wish_named(&w, kind)) != NULL)
			return why;
		if ((w.asset_flags & A_BURST) != 0) {
			w.same_burst = i > 0;
			w.asset_flags |= i == 0 ? A_BURST_KEY : 0;
		}
		w.asset_flags &= ~A_TRASHED;
		if (size >= 0)
			w.size_bytes = size;
		w.given = given;
		n = asset_make(ch->cloud, ch->zone, &w,
		    dated ? date_ms : ch->now_ms - 60000 + i, ch->now_ms + i);
		announce(ch, n);
	}
	return NULL;
}

static const char *
op_sparse(struct change *ch)
{
	struct wish w;
	int64_t size;

	if (!json_int(&size, ch->op, "size") || size < 0)
		return "\"size\" is missing";
	wish_plain(&w, 0);
	w.kind = KIND_MOV;
	w.size_bytes = size;
	announce(
	    ch, asset_make(ch->cloud, ch->zone, &w, ch->now_ms, ch->now_ms));
	return NULL;
}

/* Both hashes of what op_sparse() will add, before it is there and without the
 * lock: they take seconds per gigabyte. */
static void
hash_sparse(struct cloud *c, struct zone *z, const cJSON *op)
{
	struct master m = {0};
	struct content f;
	struct sums s;
	const char *uti;
	int64_t size;

	if (!json_int(&size, op, "size") || size < 0)
		return;
	pthread_mutex_lock(&c->lock);
	m.key = mix2(c->options.seed ^ z->number, z->asset_count);
	pthread_mutex_unlock(&c->lock);
	m.kind = KIND_MOV;
	m.size_bytes = size;
	library_content(&f, &uti, c, NULL, &m, ROLE_ORIGINAL);
	content_sums(&s, c, &f, true);
}

/* "Duplicate" on a device: another asset on the same master. */
static const char *
op_duplicate(struct change *ch)
{
	struct zone *z = ch->zone;
	const char *why = choose(ch, is_live);
	const struct asset *a;
	uint32_t n;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		a = &z->assets[ch->assets[i]];
		n = asset_again(z, a, a->master);
		z->assets[n].flags &= ~(A_EDITED | A_SIDECAR);
		z->assets[n].added_ms = ch->now_ms;
		announce(ch, n);
	}
	return why;
}

/* --- changes of the asset alone --- */

static const char *
set_flags(struct change *ch, chooses *fits, uint32_t set, uint32_t clear)
{
	const char *why = choose(ch, fits);
	struct asset *a;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		a = &ch->zone->assets[ch->assets[i]];
		a->flags = (a->flags & ~clear) | set;
		touch_asset(ch->zone, ch->assets[i], ch->now_ms);
	}
	return why;
}

static const char *
op_hide(struct change *ch)
{
	return set_flags(ch, is_visible, A_HIDDEN, 0);
}

static const char *
op_unhide(struct change *ch)
{
	return set_flags(ch, is_hidden, 0, A_HIDDEN);
}

static const char *
op_favourite(struct change *ch)
{
	return set_flags(ch, is_visible, A_FAVORITE, 0);
}

static const char *
op_unfavourite(struct change *ch)
{
	return set_flags(ch, is_visible, 0, A_FAVORITE);
}

static const char *
op_revert(struct change *ch)
{
	return set_flags(ch, is_edited, 0, A_EDITED | A_SIDECAR);
}

static const char *
op_caption(struct change *ch)
{
	const char *why = choose(ch, is_live);
	struct asset *a;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		a = &ch->zone->assets[ch->assets[i]];
		a->flags |= A_CAPTION;
		a->caption++;
		touch_asset(ch->zone, ch->assets[i], ch->now_ms);
	}
	return why;
}

static const char *
op_edit(struct change *ch)
{
	const char *why = choose(ch, is_ordinary);
	struct zone *z = ch->zone;
	const struct master *m;
	struct asset *a;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		a = &z->assets[ch->assets[i]];
		m = &z->masters[a->master];
		a->flags &= ~(A_EDITED | A_SIDECAR);
		a->edit_key = draw(ch->cloud);
		if (!kind_is_video(m->kind))
			a->flags |= A_EDIT_STILL;
		if (kind_is_video(m->kind) || (m->flags & M_LIVE) != 0)
			a->flags |= A_EDIT_VIDEO;
		if (json_bool(ch->op, "sidecar") && (m->flags & M_SIDECAR) == 0)
			a->flags |= A_SIDECAR;
		touch_asset(z, ch->assets[i], ch->now_ms);
	}
	return why;
}

/* --- trash and the end --- */

/* Has the master an asset that is neither gone nor in the trash? */
static bool
in_use(const struct zone *z, uint32_t master)
{
	size_t i;

	if (z->masters[master].assets <= 1) /* asked for its last one */
		return false;
	for (i = 0; i < z->asset_count; i++)
		if (z->assets[i].master == master &&
		    (z->assets[i].flags & (A_GONE | A_TRASHED)) == 0)
			return true;
	return false;
}

static void
trash(struct change *ch, uint32_t n)
{
	struct zone *z = ch->zone;
	struct asset *a = &z->assets[n];
	struct master *m = &z->masters[a->master];

	a->flags |= A_TRASHED;
	a->flags &= ~A_RESTORED;
	a->trashed_ms = ch->now_ms;
	touch_asset(z, n, ch->now_ms);
	if (!in_use(z, a->master)) {
		m->flags |= M_TRASHED;
		m->trashed_ms = ch->now_ms;
	}
	touch_master(z, a->master, ch->now_ms);
}

static const char *
op_trash(struct change *ch)
{
	const char *why = choose(ch, is_live);
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++)
		trash(ch, ch->assets[i]);
	return why;
}

void
trash_newest(struct cloud *c, struct zone *z, int64_t now_ms)
{
	const struct ranks *r = zone_index(z, INDEX_VISIBLE);
	struct change ch = {0};

	if (r->count == 0)
		return;
	ch.cloud = c;
	ch.zone = z;
	ch.now_ms = now_ms;
	trash(&ch, r->v[0]);
	changed(c, z, now_ms);
}

static const char *
op_mass_trash(struct change *ch)
{
	const struct zone *z = ch->zone;
	int64_t percent, live = 0;
	const char *why;
	size_t i;

	if (!json_int(&percent, ch->op, "percent") || percent < 0 ||
	    percent > 100)
		return "\"percent\" is missing";
	for (i = 0; i < z->asset_count; i++)
		live += is_live(&z->assets[i], NULL);
	why = choose_random(ch, live * percent / 100, is_live);
	for (i = 0; why == NULL && i < ch->count; i++)
		trash(ch, ch->assets[i]);
	return why;
}

static const char *
op_restore(struct change *ch)
{
	const char *why = choose(ch, is_trashed);
	struct zone *z = ch->zone;
	struct asset *a;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		a = &z->assets[ch->assets[i]];
		a->flags &= ~A_TRASHED;
		if (ch->assets[i] % 2 == 0) /* isDeleted is 0, or absent */
			a->flags |= A_RESTORED;
		z->masters[a->master].flags &= ~M_TRASHED;
		touch_master(z, a->master, ch->now_ms);
		touch_asset(z, ch->assets[i], ch->now_ms);
	}
	return why;
}

static void
drop_master(struct change *ch, uint32_t n)
{
	struct master *m = &ch->zone->masters[n];

	if (--m->assets > 0)
		return;
	m->flags |= M_GONE;
	touch_master(ch->zone, n, ch->now_ms);
}

static void
purge(struct change *ch, uint32_t n)
{
	struct zone *z = ch->zone;
	uint32_t i;

	for (i = 0; i < z->relation_count; i++)
		if (z->relations[i].asset == n && !z->relations[i].gone) {
			z->relations[i].gone = true;
			touch_relation(z, i, ch->now_ms);
		}
	z->assets[n].flags |= A_GONE;
	touch_asset(z, n, ch->now_ms);
	drop_master(ch, z->assets[n].master);
}

static const char *
op_purge(struct change *ch)
{
	const char *why = choose(ch, is_trashed);
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++)
		purge(ch, ch->assets[i]);
	return why;
}

/* --- originals --- */

static const char *
op_replace_original(struct change *ch)
{
	const char *why = choose(ch, is_ordinary);
	struct zone *z = ch->zone;
	uint32_t n, old, new;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		n = ch->assets[i];
		old = z->assets[n].master;
		new = master_again(
		    z, &z->masters[old], draw(ch->cloud), ch->now_ms);
		z->masters[new].first = n;
		z->masters[new].assets = 1;
		z->masters[new].size_bytes = -1;
		if (z->masters[new].kind == KIND_RECORDED)
			z->masters[new].kind = KIND_JPEG;
		z->assets[n].master = new;
		announce(ch, n);
		drop_master(ch, old);
	}
	return why;
}

static const char *
op_late_movie(struct change *ch)
{
	const char *why = choose(ch, is_still);
	struct zone *z = ch->zone;
	uint32_t master;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		master = z->assets[ch->assets[i]].master;
		z->masters[master].flags |= M_LIVE;
		touch_master(z, master, ch->now_ms);
	}
	return why;
}

static const char *
op_late_raw(struct change *ch)
{
	const char *why = choose(ch, is_jpeg);
	struct zone *z = ch->zone;
	uint32_t master;
	size_t i;

	for (i = 0; why == NULL && i < ch->count; i++) {
		master = z->assets[ch->assets[i]].master;
		if (z->masters[master].kind != KIND_JPEG)
			return "it is no JPEG";
		z->masters[master].kind = KIND_JPEG_RAW;
		touch_master(z, master, ch->now_ms);
	}
	return why;
}

/* --- albums --- */

static const char *
op_album_add(struct change *ch)
{
	const char *name = json_str(ch->op, "name");
	uint32_t parent = 0;

	if (name == NULL)
		return "\"name\" is missing";
	if (json_get(ch->op, "parent") != NULL &&
	    !choose_album(&parent, ch, "parent"))
		return "no such folder";
	touch_album(ch->zone,
	    album_make(ch->zone, name, json_bool(ch->op, "folder") ? 3 : 0,
		parent, ch->now_ms),
	    ch->now_ms);
	return NULL;
}

static const char *
op_album_rename(struct change *ch)
{
	const char *name = json_str(ch->op, "name");
	const char *into = json_str(ch->op, "parent");
	uint32_t n, parent = 0;

	if (!choose_album(&n, ch, "album") || n < 2)
		return "no such album";
	if (name == NULL && into == NULL)
		return "\"name\" is missing";
	if (into != NULL && *into != '\0' &&
	    !choose_album(&parent, ch, "parent"))
		return "no such folder";
	if (into != NULL)
		ch->zone->albums[n].parent = parent;
	if (name != NULL) {
		free(ch->zone->albums[n].name);
		ch->zone->albums[n].name = xstrdup(name);
	}
	touch_album(ch->zone, n, ch->now_ms);
	return NULL;
}

static const char *
op_album_remove(struct change *ch)
{
	struct zone *z = ch->zone;
	struct album *al;
	uint32_t n, r;
	size_t i;

	if (!choose_album(&n, ch, "album") || n < 2)
		return "no such album";
	al = &z->albums[n];
	al->trashed = true;
	al->trashed_ms = ch->now_ms;
	touch_album(z, n, ch->now_ms);
	for (i = 0; i < al->relation_count; i++) {
		r = al->relations[i];
		if (z->relations[r].gone)
			continue;
		z->relations[r].gone = true;
		touch_relation(z, r, ch->now_ms);
	}
	return NULL;
}

/* The relation of an asset to an album; false if there never was one. */
static bool
find_relation(
    uint32_t *out, const struct zone *z, uint32_t asset, uint32_t album)
{
	const struct album *al = &z->albums[album];
	size_t i;

	for (i = 0; i < al->relation_count; i++)
		if (z->relations[al->relations[i]].asset == asset) {
			*out = al->relations[i];
			return true;
		}
	return false;
}

static const char *
op_album_put(struct change *ch)
{
	struct zone *z = ch->zone;
	const char *why;
	uint32_t album, r;
	size_t i;

	if (!choose_album(&album, ch, "album") || album < 2)
		return "no such album";
	why = choose(ch, is_live);
	for (i = 0; why == NULL && i < ch->count; i++) {
		if (!find_relation(&r, z, ch->assets[i], album))
			r = relation_make(z, ch->assets[i], album, ch->now_ms);
		z->relations[r].gone = false;
		touch_relation(z, r, ch->now_ms);
	}
	if (why == NULL)
		touch_album(z, album, ch->now_ms);
	return why;
}

static const char *
op_album_take(struct change *ch)
{
	struct zone *z = ch->zone;
	const struct album *al;
	int64_t count = 1;
	uint32_t album, r;
	size_t i;

	if (!choose_album(&album, ch, "album") || album < 2)
		return "no such album";
	al = &z->albums[album];
	if (json_get(ch->op, "asset") != NULL ||
	    json_get(ch->op, "nth") != NULL) {
		const char *why = choose(ch, is_live);

		if (why != NULL)
			return why;
		if (!find_relation(&r, z, ch->assets[0], album) ||
		    z->relations[r].gone)
			return "the asset is not in the album";
		z->relations[r].gone = true;
		touch_relation(z, r, ch->now_ms);
		return NULL;
	}
	json_int(&count, ch->op, "count");
	for (i = 0; i < al->relation_count && count > 0; i++) {
		r = al->relations[i];
		if (z->relations[r].gone)
			continue;
		z->relations[r].gone = true;
		touch_relation(z, r, ch->now_ms);
		count--;
	}
	return count > 0 ? "the album holds no more" : NULL;
}

/* --- zones --- */

static struct zone *
shared_zone(struct cloud *c)
{
	size_t i;

	for (i = 0; i < c->zone_count; i++)
		if (strncmp(c->zones[i]->name, "SharedSync-", 11) == 0 &&
		    !c->zones[i]->left)
			return c->zones[i];
	return NULL;
}

static struct zone *
make_zone(struct cloud *c, const char *prefix, bool guest, int64_t assets)
{
	uint64_t a = mix2(c->options.seed, 0x7a6f6e00u + c->zone_count);
	uint64_t b = mix64(a);
	char name[64], owner[40];

	snprintf(name, sizeof(name), "%s%08X-%04X-4%03X-%04X-%012llX", prefix,
	    (unsigned int)(a >> 32), (unsigned int)(a >> 16 & 0xffff),
	    (unsigned int)(a & 0xfff), (unsigned int)(0x8000 | (b >> 50)),
	    (unsigned long long)(b & UINT64_C(0xffffffffffff)));
	snprintf(owner, sizeof(owner), "_%016llx%016llx", (unsigned long long)a,
	    (unsigned long long)b);
	return zone_new(c, name, guest ? owner : c->zones[0]->owner, guest,
	    assets, c->zones[0]->plain);
}

static const char *
op_shared_library(struct change *ch)
{
	const char *as = json_str(ch->op, "as");
	int64_t assets = 20;

	if (as == NULL ||
	    (strcmp(as, "owner") != 0 && strcmp(as, "guest") != 0))
		return "\"as\" is \"owner\" or \"guest\"";
	json_int(&assets, ch->op, "assets");
	if (assets < 0 || shared_zone(ch->cloud) != NULL)
		return "there is one already";
	if (make_zone(ch->cloud, "SharedSync-", strcmp(as, "guest") == 0,
		assets) == NULL)
		return "too many zones";
	return NULL;
}

static const char *
op_link_share(struct change *ch)
{
	int64_t assets = 5;

	json_int(&assets, ch->op, "assets");
	return assets < 0 || make_zone(ch->cloud, "CMM-", false, assets) == NULL
	    ? "too many zones"
	    : NULL;
}

static const char *
op_leave_shared(struct change *ch)
{
	struct zone *z = shared_zone(ch->cloud);

	if (z == NULL)
		return "there is no shared library";
	z->left = true;
	z->seen = ++ch->cloud->database[z->shared];
	return NULL;
}

/* The master of these bytes in another zone, made if need be: it bears the
 * same name there [shared-library]. */
static uint32_t
same_bytes(struct zone *to, const struct master *m, int64_t now_ms)
{
	uint32_t i;

	for (i = 0; i < to->master_count; i++)
		if (to->masters[i].key == m->key &&
		    (to->masters[i].flags & M_GONE) == 0)
			return i;
	return master_again(to, m, m->key, now_ms);
}

static const char *
op_move_to_shared(struct change *ch)
{
	struct zone *z = ch->zone, *to = shared_zone(ch->cloud);
	const char *why = choose(ch, is_visible);
	const struct asset *a;
	uint32_t n, m;
	size_t i;

	if (why != NULL)
		return why;
	if (to == NULL)
		to = make_zone(ch->cloud, "SharedSync-", false, 0);
	if (to == NULL || to == z)
		return "there is no other zone";
	for (i = 0; i < ch->count; i++) {
		a = &z->assets[ch->assets[i]];
		m = same_bytes(to, &z->masters[a->master], ch->now_ms);
		n = asset_again(to, a, m);
		to->masters[m].first = n;
		touch_master(to, m, ch->now_ms);
		touch_asset(to, n, ch->now_ms);
		purge(ch, ch->assets[i]);
	}
	changed(ch->cloud, to, ch->now_ms);
	return NULL;
}

static const char *
op_plain(struct change *ch)
{
	int64_t assets = ch->cloud->options.assets;

	if (json_get(ch->op, "assets") != NULL &&
	    (!json_int(&assets, ch->op, "assets") || assets < 0))
		return "\"assets\" is no number";
	zone_refill(ch->cloud, ch->zone, assets, true);
	return NULL;
}

static const struct {
	const char *op;
	const char *(*run)(struct change *);
} ops[] = {
    {"add", op_add},
    {"duplicate", op_duplicate},
    {"edit", op_edit},
    {"revert", op_revert},
    {"trash", op_trash},
    {"mass_trash", op_mass_trash},
    {"restore", op_restore},
    {"purge", op_purge},
    {"hide", op_hide},
    {"unhide", op_unhide},
    {"favourite", op_favourite},
    {"unfavourite", op_unfavourite},
    {"caption", op_caption},
    {"replace_original", op_replace_original},
    {"late_movie", op_late_movie},
    {"late_raw", op_late_raw},
    {"album_add", op_album_add},
    {"album_rename", op_album_rename},
    {"album_remove", op_album_remove},
    {"album_put", op_album_put},
    {"album_take", op_album_take},
    {"sparse", op_sparse},
    {"shared_library", op_shared_library},
    {"link_share", op_link_share},
    {"leave_shared", op_leave_shared},
    {"move_to_shared", op_move_to_shared},
    {"plain", op_plain},
};

const char *
cloud_control(struct cloud *c, const cJSON *op, int64_t now_ms)
{
	const char *name = json_str(op, "op"), *zone = json_str(op, "zone");
	struct change ch = {0};
	const char *why = "\"op\" is missing or unknown";
	size_t i;

	for (i = 0; name != NULL && i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].op, name) == 0)
			break;
	if (name == NULL || i == sizeof(ops) / sizeof(ops[0]))
		return why;
	pthread_mutex_lock(&c->lock);
	ch.cloud = c;
	ch.op = op;
	ch.now_ms = now_ms;
	ch.zone = zone != NULL && strcmp(zone, "shared") == 0 ? shared_zone(c)
							      : c->zones[0];
	if (strcmp(name, "sparse") == 0 && ch.zone != NULL &&
	    !json_bool(op, "lazy")) {
		pthread_mutex_unlock(&c->lock);
		hash_sparse(c, ch.zone, op);
		pthread_mutex_lock(&c->lock);
	}
	if (ch.zone == NULL) {
		why = "there is no shared library";
	} else {
		why = ops[i].run(&ch);
		changed(c, ch.zone, now_ms);
	}
	pthread_mutex_unlock(&c->lock);
	free(ch.assets);
	return why;
}
