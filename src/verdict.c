#include "verdict.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "store.h"
#include "text.h"

/* "1 file", "412,330 files" */
static void
add_count(struct buf *out, int64_t n, const char *one, const char *many)
{
	char number[32];

	buf_addf(out, "%s %s", text_count(number, n), n == 1 ? one : many);
}

static void
add_here(struct buf *out, const struct store_totals *t)
{
	char size[32];

	add_count(out, t->assets, "photo or video", "photos and videos");
	buf_adds(out, " in iCloud, ");
	add_count(out, t->held, "file", "files");
	buf_addf(out, " of them here (%s)", text_size(size, t->held_bytes));
	if (t->size_verified > 0) {
		buf_adds(out, ", ");
		add_count(out, t->size_verified, "file", "files");
		buf_adds(out, " verified by size only");
	}
}

void
verdict_make(struct verdict *out, const struct verdict_facts *f)
{
	const struct store_totals *t = f->totals;
	int64_t open_missing = t->missing - f->filtered;
	int64_t known = t->gaps - t->gaps_new;
	struct buf line = {0};
	char size[32];

	memset(out, 0, sizeof(*out));
	out->code = f->stopped.code;
	/* A known gap is missing, named, and no longer a failure. */
	if (!f->listed_all)
		out->code = err_worse(out->code, ERR_INCOMPLETE);
	if (t->gaps_new > 0 || (f->strict && t->gaps > 0))
		out->code = err_worse(out->code, ERR_INCOMPLETE);
	if (!f->dry_run && open_missing > t->gap_contents)
		out->code = err_worse(out->code, ERR_INCOMPLETE);

	if (f->dry_run && out->code == ERR_NONE) {
		buf_adds(&line, "Nothing was fetched (dry run): ");
		add_here(&line, t);
		buf_adds(&line, ".");
	} else if (out->code == ERR_NONE) {
		buf_adds(&line,
		    f->filtered > 0 ? "Complete as filtered: " : "Complete: ");
		add_here(&line, t);
		buf_adds(&line, t->size_verified > 0 ? "." : ", all proven.");
	} else {
		buf_adds(&line,
		    out->code == ERR_INTERRUPTED ? "Interrupted: "
			: out->code == ERR_ALARM ? "Alarm: "
						 : "Incomplete: ");
		add_here(&line, t);
		if (open_missing > 0) {
			buf_adds(&line, "; ");
			add_count(&line, open_missing, "file", "files");
			buf_adds(&line, " missing");
			/* Known for all that is missing, not for a part. */
			if (f->filtered == 0)
				buf_addf(&line, " (%s)",
				    text_size(size, t->missing_bytes));
		}
		if (!f->listed_all)
			buf_adds(&line, "; the list is not complete");
		buf_adds(&line, ".");
	}
	if (f->filtered > 0) {
		buf_adds(&line, " ");
		add_count(&line, f->filtered, "file", "files");
		buf_adds(&line, " left out by a filter.");
	}
	if (t->gaps_new > 0) {
		buf_adds(&line, " ");
		add_count(&line, t->gaps_new, "new gap", "new gaps");
		buf_adds(&line, ".");
	}
	if (known > 0) {
		buf_adds(&line, " ");
		add_count(&line, known, "known gap", "known gaps");
		buf_adds(&line, " (icloud-pull status --gaps).");
	}
	snprintf(out->line, sizeof(out->line), "%s", buf_text(&line));
	buf_clear(&line);
}
