#include "filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "err.h"
#include "library.h"
#include "opt.h"
#include "text.h"
#include "zone.h"

bool
filter_skips(
    unsigned kinds, int role, const char *uti, const char *original_uti)
{
	bool video = uti_is_movie(original_uti);
	bool still = !video &&
	    (uti_is_raw(original_uti) || uti_extension(original_uti) != NULL);

	if ((kinds & FILTER_RAW) != 0 && uti_is_raw(uti))
		return true;
	if ((kinds & FILTER_VIDEO) != 0 && video)
		return true;
	switch ((enum resource_role)role) {
	case RESOURCE_LIVE:
		return (kinds & FILTER_LIVE) != 0;
	case RESOURCE_EDITED:
		return (kinds & FILTER_EDITED) != 0;
	case RESOURCE_EDITED_VIDEO:
		return (kinds & FILTER_EDITED) != 0 ||
		    ((kinds & FILTER_LIVE) != 0 && still);
	default:
		return false;
	}
}

bool
filter_means(const char *name, const char *path)
{
	char *n = text_fold(name), *p = text_fold(path), *end;
	bool means = strcmp(n, p) == 0;

	if (!means && *n == '/')
		means = strcmp(n + 1, p) == 0;
	if (!means && strlen(p) > strlen(n)) {
		end = p + strlen(p) - strlen(n);
		means = end[-1] == '/' && strcmp(end, n) == 0;
	}
	free(n);
	free(p);
	return means;
}

/* ---- names ---- */

/* Names that were given, and what they mean among all that there is. */
struct search {
	const char *what; /* "album" */
	const struct opt_list *names;
	unsigned *found; /* for each name, how often */
	int *depth;      /* for each, of the folder it means that we are in */
	int64_t **out;   /* what they mean; grown */
	size_t *n;
	struct buf there; /* what there is, for the sentence */
	int64_t more;     /* that did not fit there */
	bool smart;       /* a smart album was meant */
};

static void
add(struct search *s, int64_t number)
{
	*s->out = xreallocarray(*s->out, *s->n + 1, sizeof(**s->out));
	(*s->out)[(*s->n)++] = number;
}

static void
add_there(struct search *s, const char *name)
{
	const size_t room = 160;

	if (s->more > 0 || s->there.len + strlen(name) > room) {
		s->more++;
		return;
	}
	buf_addf(&s->there, "%s%s", s->there.len > 0 ? ", " : "", name);
}

static void
on_zone(void *arg, const struct store_zone *z)
{
	struct search *s = arg;
	const char *word = library_word(z->name);
	enum zone_kind kind = zone_kind(z->name);

	if (kind != ZONE_PRIMARY && kind != ZONE_SHARED)
		return;
	if (!z->gone)
		add_there(s, word);
	/* What has left the cloud is still a name; nothing is wanted of it. */
	for (size_t i = 0; i < s->names->n; i++)
		if (strcasecmp(s->names->at[i], word) == 0 ||
		    strcasecmp(s->names->at[i], z->name) == 0) {
			s->found[i]++;
			add(s, z->zone);
		}
}

static bool
on_album(void *arg, const struct store_album *a)
{
	struct search *s = arg;
	bool smart = a->type == STORE_ALBUM_SMART;

	if (a->title != NULL && a->type != STORE_ALBUM_FOLDER)
		add_there(s, a->path);
	for (size_t i = 0; i < s->names->n; i++) {
		bool inside = s->depth[i] > 0 && a->depth > s->depth[i];
		bool means =
		    a->title != NULL && filter_means(s->names->at[i], a->path);

		if (!inside)
			s->depth[i] = 0;
		if (!means && !inside)
			continue;
		if (means && smart)
			s->smart = true;
		if (smart)
			continue;
		if (means)
			s->found[i]++;
		if (means && a->type == STORE_ALBUM_FOLDER && !inside)
			s->depth[i] = a->depth;
		add(s, a->album);
	}
	return true;
}

static int
not_found(const struct search *s, const char *name, struct err *e)
{
	char next[256], more[64] = "", n[32];

	if (s->smart)
		return err_set(e, ERR_USAGE, "Choose another album.",
		    "\"%s\" is a smart album: iCloud does not tell what is in "
		    "it.",
		    name);
	if (s->more > 0)
		snprintf(more, sizeof(more),
		    " and %s more (icloud-pull list albums)",
		    text_count(n, s->more));
	if (s->there.len > 0)
		snprintf(next, sizeof(next), "There are: %s%s.",
		    buf_text(&s->there), more);
	else
		snprintf(next, sizeof(next), "There is none at all.");
	return err_set(e, ERR_USAGE, next,
	    "There is no %s \"%s\"; nothing was fetched.", s->what, name);
}

/* What the names mean, by walk() over all that there is. */
static int
look_up(int64_t **out, size_t *n, const char *what,
    const struct opt_list *names,
    int (*walk)(struct search *, struct store *, struct err *),
    struct store *store, struct err *e)
{
	struct search s = {.what = what, .names = names, .out = out, .n = n};
	int rc;

	if (names->n == 0)
		return 0;
	s.found = xcalloc(names->n, sizeof(*s.found));
	s.depth = xcalloc(names->n, sizeof(*s.depth));
	rc = walk(&s, store, e);
	for (size_t i = 0; rc == 0 && i < names->n; i++)
		if (s.found[i] == 0)
			rc = not_found(&s, names->at[i], e);
	buf_clear(&s.there);
	free(s.found);
	free(s.depth);
	return rc;
}

static int
walk_zones(struct search *s, struct store *store, struct err *e)
{
	return store_zones(store, on_zone, s, e);
}

static int
walk_albums(struct search *s, struct store *store, struct err *e)
{
	return store_list_albums(store, 0, on_album, s, e);
}

/* ---- the whole ---- */

static void
add_option(struct buf *out, const char *name, const char *value)
{
	const char *quote = strpbrk(value, " \"'$*?") != NULL ? "\"" : "";

	buf_addf(out, "%s--%s %s%s%s", out->len > 0 ? " " : "", name, quote,
	    value, quote);
}

static void
add_options(struct buf *out, const char *name, const struct opt_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		add_option(out, name, l->at[i]);
}

/* The last second before to_ms is of the date that was given. */
static void
add_date(struct buf *out, const char *name, int64_t ms)
{
	char text[40], *end;

	civil_iso(text, ms);
	end = strstr(text, name[0] == 's' ? "T00:00:00Z" : "T23:59:59Z");
	if (end != NULL)
		*end = '\0';
	add_option(out, name, text);
}

static void
take_kinds(struct store_filter *f, const struct opt_list *skip)
{
	static const struct {
		const char *word;
		unsigned kind;
	} kinds[] = {{"live", FILTER_LIVE}, {"raw", FILTER_RAW},
	    {"edited", FILTER_EDITED}, {"video", FILTER_VIDEO}};

	for (size_t i = 0; i < skip->n; i++) {
		const char *word = skip->at[i];

		f->skip_hidden = f->skip_hidden || strcmp(word, "hidden") == 0;
		f->skip_trashed =
		    f->skip_trashed || strcmp(word, "trashed") == 0;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (strcmp(word, kinds[k].word) == 0)
				f->kinds |= kinds[k].kind;
	}
	if (f->kinds != 0)
		f->skips = filter_skips;
}

static char *
text_of(const struct options *o)
{
	struct buf out = {0};
	char n[32];

	add_options(&out, "library", &o->libraries);
	add_options(&out, "album", &o->albums);
	if (o->since.set)
		add_date(&out, "since", o->since.from_ms);
	if (o->until.set)
		add_date(&out, "until", o->until.to_ms - 1000);
	if (o->recent > 0) {
		snprintf(n, sizeof(n), "%lld", (long long)o->recent);
		add_option(&out, "recent", n);
	}
	add_options(&out, "skip", &o->skip);
	if (out.len == 0)
		return NULL;
	return buf_take(&out);
}

bool
filter_is_wanted(const struct options *o)
{
	char *text = text_of(o);
	bool wanted = text != NULL;

	free(text);
	return wanted;
}

int
filter_make(struct filter *out, struct store *store, const struct options *o,
    struct err *e)
{
	struct store_filter *f = &out->of;
	size_t nzones = 0, nalbums = 0;

	memset(out, 0, sizeof(*out));
	if (look_up(&out->zones, &nzones, "library", &o->libraries, walk_zones,
		store, e) == -1 ||
	    look_up(&out->albums, &nalbums, "album", &o->albums, walk_albums,
		store, e) == -1)
		return -1;
	take_kinds(f, &o->skip);
	f->zones = out->zones;
	f->nzones = nzones;
	f->albums = out->albums;
	f->nalbums = nalbums;
	f->has_since = o->since.set;
	f->since_ms = o->since.from_ms;
	f->has_until = o->until.set;
	f->until_ms = o->until.to_ms;
	f->recent = o->recent;
	out->text = text_of(o);
	return 0;
}

void
filter_clear(struct filter *f)
{
	free(f->text);
	free(f->zones);
	free(f->albums);
	memset(f, 0, sizeof(*f));
}
