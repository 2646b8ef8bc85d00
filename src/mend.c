#include "mend.h"

#include <string.h>

#include "log.h"
#include "pull.h"
#include "report.h"
#include "store.h"
#include "text.h"

/* Bits of enum store_damage for store_mend(). */
static unsigned
kinds_of(const char *kind)
{
	if (strcmp(kind, "missing") == 0)
		return STORE_MEND_MISSING;
	if (strcmp(kind, "damaged") == 0)
		return STORE_MEND_DAMAGED;
	return STORE_MEND_ALL;
}

static void
say_followed(void *arg, const char *from, const char *to)
{
	struct mend *m = arg;

	m->followed++;
	report_open(m->report, "repaired");
	report_str(m->report, "path", to);
	report_str(m->report, "from", from);
	report_close(m->report);
	report_text(
	    m->report, REPORT_CHATTER, "%s: is now known as %s", from, to);
}

int
mend_follow(struct mend *m, struct err *e)
{
	if ((kinds_of(m->kind) & 1U << STORE_MISSING) == 0)
		return 0;
	return store_follow(m->store, say_followed, m, e);
}

int
mend_fetch(struct mend *m, struct pull *pull, struct err *e)
{
	int64_t wanted, kept;
	char n[32];

	if (store_mend(&wanted, &kept, m->store, kinds_of(m->kind), e) == -1)
		return -1;
	if (kept > 0)
		log_warn("%s %s: other files of the copy lie in the folder "
			 "that is in its place. Move them out and run again.",
		    text_count(n, kept),
		    kept == 1 ? "file stays as it is"
			      : "files stay as they are");
	return pull_fetch(pull, e);
}
