#include "verdict.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "civil.h"
#include "store.h"
#include "text.h"

static void
add_here(struct buf *out, const struct store_totals *t)
{
	char size[32];

	text_add_count(out, t->assets, "photo or video", "photos and videos");
	buf_adds(out, " in iCloud, ");
	text_add_count(out, t->held, "file", "files");
	buf_addf(out, " of them here (%s)", text_size(size, t->held_bytes));
	if (t->size_verified > 0) {
		buf_adds(out, ", ");
		text_add_count(out, t->size_verified, "file", "files");
		buf_adds(out, " verified by size only");
	}
}

/* What the number of photos rests on. */
static void
add_compared(struct buf *out, const struct verdict_facts *f)
{
	char when[40];

	if (f->compared_ms == 0) {
		buf_adds(out,
		    " The list was never compared with iCloud's "
		    "index.");
		return;
	}
	civil_iso(when, f->compared_ms);
	when[strcspn(when, "T")] = '\0';
	if (f->agrees)
		buf_addf(
		    out, " The list agreed with iCloud's index on %s.", when);
	else
		buf_addf(out,
		    " The list differed from iCloud's index on %s (icloud-pull "
		    "status --gaps).",
		    when);
}

void
verdict_make(struct verdict *out, const struct verdict_facts *f)
{
	const struct store_totals *t = f->totals;
	int64_t missing = t->missing - f->filtered;
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
	if (!f->dry_run && f->open > 0)
		out->code = err_worse(out->code, ERR_INCOMPLETE);
	if (t->damaged > 0)
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
		if (missing > 0) {
			buf_adds(&line, "; ");
			text_add_count(&line, missing, "file", "files");
			buf_addf(&line, " missing (%s)",
			    text_size(
				size, t->missing_bytes - f->filtered_bytes));
		}
		if (t->damaged > 0) {
			buf_adds(&line, "; ");
			text_add_count(&line, t->damaged, "file", "files");
			buf_adds(
			    &line, " damaged (icloud-pull verify --repair)");
		}
		if (!f->listed_all)
			buf_adds(&line, "; the list is not complete");
		buf_adds(&line, ".");
	}
	if (f->filtered > 0) {
		buf_adds(&line, " ");
		text_add_count(&line, f->filtered, "file", "files");
		buf_adds(&line, " left out by a filter.");
	}
	if (t->gaps_new > 0) {
		buf_adds(&line, " ");
		text_add_count(&line, t->gaps_new, "new gap", "new gaps");
		buf_adds(&line, ".");
	}
	if (known > 0) {
		buf_adds(&line, " ");
		text_add_count(&line, known, "known gap", "known gaps");
		buf_adds(&line, " (icloud-pull status --gaps).");
	}
	if (out->code == ERR_NONE || !f->agrees)
		add_compared(&line, f);
	if (out->code == ERR_INTERRUPTED)
		buf_adds(&line,
		    " What is here is kept; the next run goes on from there.");
	snprintf(out->line, sizeof(out->line), "%s", buf_text(&line));
	buf_clear(&line);
}
