#include "albums.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "buf.h"
#include "log.h"
#include "path.h"
#include "report.h"
#include "store.h"
#include "text.h"

void
albums_name(char *out, size_t max, const char *title, const char *record)
{
	assert(max >= 12);
	*out = '\0';
	if (title != NULL)
		path_safe(out, max, title);
	/* No two of such a kind could be told from each other. */
	if (text_is_blank(out))
		path_of_record(out, max + 1, record);
}

static void
name_album(void *arg, char out[STORE_ALBUM_NAME + 1], const char *title,
    const char *record)
{
	(void)arg;
	albums_name(out, STORE_ALBUM_NAME, title, record);
}

/* Of each kind one sentence, with the first of them. */
struct faults {
	int64_t in_the_way, refused;
	char first_in_the_way[512], first_refused[512];
};

static void
on_fault(void *arg, const char *path, bool in_the_way)
{
	struct faults *f = arg;
	int64_t *n = in_the_way ? &f->in_the_way : &f->refused;
	char *first = in_the_way ? f->first_in_the_way : f->first_refused;

	if (++*n == 1)
		snprintf(first, sizeof(f->first_refused), "%.*s",
		    (int)text_cut(path, sizeof(f->first_refused) - 1), path);
}

static void
tell_faults(const struct faults *f)
{
	char n[32];

	if (f->in_the_way > 0)
		log_warn("%s of the albums' links could not be made, because "
			 "something that is not of icloud-pull has the name. "
			 "Move it away to get them. The first is %s.",
		    text_count(n, f->in_the_way), f->first_in_the_way);
	if (f->refused > 0)
		log_warn("The disk has refused %s of the albums' links, which "
			 "are tried again when an album changes. The first is "
			 "%s.",
		    text_count(n, f->refused), f->first_refused);
}

static const char *
kind_word(enum store_link_kind kind)
{
	switch (kind) {
	case STORE_LINK_SYMBOLIC:
		return "symbolic";
	case STORE_LINK_HARD:
		return "hard";
	case STORE_LINK_CLONE:
		return "clone";
	case STORE_LINK_NONE:
		break;
	}
	return NULL;
}

static const char *
things_word(enum store_link_kind kind)
{
	return kind == STORE_LINK_SYMBOLIC ? "symbolic links"
	    : kind == STORE_LINK_HARD      ? "hard links"
					   : "clones";
}

static void
tell(struct report *r, const struct store_links *l)
{
	const char *word = kind_word(l->kind);
	char made[32], removed[32];

	report_open(r, "albums");
	report_str(r, "kind", word);
	report_int(r, "links", l->links);
	report_int(r, "made", l->made);
	report_int(r, "removed", l->removed);
	report_int(r, "in_the_way", l->in_the_way);
	report_close(r);
	if (word == NULL && l->tried)
		log_warn("This disk has neither symbolic nor hard links nor "
			 "clones, so there are no albums on it. Leave --albums "
			 "out, or "
			 "keep the copy on another disk.");
	else if (l->made + l->removed > 0)
		report_text(r, REPORT_CHATTER,
		    "Albums: %s %s made, %s removed.",
		    text_count(made, l->made), things_word(l->kind),
		    text_count(removed, l->removed));
}

int
albums_link(struct store *s, struct report *r, struct err *e)
{
	struct faults faults = {0};
	const struct store_links_words words = {
	    .name = name_album, .fault = on_fault, .arg = &faults};
	struct store_links links;

	if (store_links_write(&links, s, &words, e) == -1)
		return -1;
	tell_faults(&faults);
	tell(r, &links);
	return 0;
}
