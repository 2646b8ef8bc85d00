#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "buf.h"
#include "child.h"
#include "civil.h"
#include "cmd.h"
#include "copy.h"
#include "file.h"
#include "log.h"
#include "session.h"
#include "stop.h"
#include "store.h"
#include "text.h"

#define LIMIT_MS     30000
#define GRACE_MS     2000
#define TRUST_DAYS   14
#define TRUST_AGAIN  ((int64_t)20 * 60 * 60 * 1000) /* a night is not exact */
#define LATE_MS      (7 * CIVIL_DAY_MS)
#define MEMORY_MAX   ((size_t)1 << 20)
#define LOCK_WAIT_MS 1000
#define NOTICES      "notices"

static const char *const words[NOTIFY_EVENTS] = {
    [NOTIFY_ALARM] = "alarm",
    [NOTIFY_PERSON] = "person",
    [NOTIFY_INCOMPLETE] = "incomplete",
    [NOTIFY_REPAIRED] = "repaired",
    [NOTIFY_WELL] = "well",
    [NOTIFY_TRUST] = "trust",
};

const char *
notify_word(enum notify_event event)
{
	return words[event];
}

/* ---- which news there are ---- */

/* A network that is away for a night, and a run beside a long one, cure
 * themselves: they are news only once they have gone on for a week. */
static bool
is_worth_telling(const struct notify_facts *f)
{
	if (err_exit_status(f->code) != 4 && f->code != ERR_BUSY)
		return true;
	return f->since_ms != 0 && f->now_ms - f->since_ms > LATE_MS;
}

static bool
is_trouble(int status)
{
	return status == 1 || status == 3 || (status >= 5 && status <= 7);
}

int64_t
notify_trust_days(int64_t trust_ms, int64_t now_ms)
{
	int64_t left = trust_ms - now_ms;

	return left < 0 ? -1 - (-1 - left) / CIVIL_DAY_MS : left / CIVIL_DAY_MS;
}

static bool
is_trust_news(const struct notify_facts *f)
{
	int64_t ago = f->now_ms - f->trust_told_ms;

	if (f->trust_ms == 0 ||
	    notify_trust_days(f->trust_ms, f->now_ms) > TRUST_DAYS)
		return false;
	/* Told in the future: the clock was set back. */
	return f->trust_told_ms == 0 || ago < 0 || ago > TRUST_AGAIN;
}

unsigned
notify_choose(const struct notify_facts *f)
{
	unsigned news = 0;

	switch (err_exit_status(f->code)) {
	case 0:
		if (f->told || is_trouble(f->before))
			news |= 1U << NOTIFY_WELL;
		break;
	case 3:
		news |= 1U << NOTIFY_PERSON;
		break;
	case 7:
		news |= 1U << NOTIFY_ALARM;
		break;
	case 1:
	case 4:
	case 5:
	case 6:
		if (is_worth_telling(f))
			news |= 1U << NOTIFY_INCOMPLETE;
		break;
	default: /* wrong usage, interrupted: somebody was there */
		return 0;
	}
	if (f->repaired > 0)
		news |= 1U << NOTIFY_REPAIRED;
	/* Who must sign in anyway need not hear when they must. */
	if ((news & (1U << NOTIFY_PERSON | 1U << NOTIFY_ALARM)) == 0 &&
	    is_trust_news(f))
		news |= 1U << NOTIFY_TRUST;
	return news;
}

/* ---- how they are written ---- */

static void
add_text(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, ",\"%s\":", name);
	if (value == NULL)
		buf_adds(out, "null");
	else
		buf_add_json(out, value);
}

void
notify_json(struct buf *out, const struct notify_news *n)
{
	char when[40];

	buf_addf(out, "{\"event\":\"%s\",\"status\":%d", words[n->event],
	    err_exit_status(n->code));
	add_text(out, "reason", err_reason(n->code));
	add_text(out, "text", n->text);
	add_text(out, "next", n->next);
	add_text(out, "account", n->account);
	add_text(out, "root", n->root);
	add_text(out, "command", n->command);
	if (n->run != 0)
		buf_addf(out, ",\"run\":%lld", (long long)n->run);
	else
		buf_adds(out, ",\"run\":null");
	if (n->has_trust_days)
		buf_addf(out, ",\"trust_days\":%lld", (long long)n->trust_days);
	add_text(out, "time", civil_iso(when, n->now_ms));
	buf_adds(out, "}\n");
}

/* ---- handing them over ---- */

/* The last line of what a command said, for a message about it. */
static const char *
last_line(struct buf *said)
{
	char *text = said->data, *line;

	if (said->len == 0)
		return "";
	for (char *end = text + said->len;
	     end > text && strchr(" \t\r\n", end[-1]) != NULL;)
		*--end = '\0';
	line = strrchr(text, '\n');
	return line != NULL ? line + 1 : text;
}

enum notify_sent
notify_send(
    const char *command, const char *text, int64_t limit_ms, struct err *e)
{
	static const char next[] = "Run it by hand and see what it says.";
	const char *const argv[] = {"/bin/sh", "-c", command, NULL};
	const struct child child = {.argv = argv,
	    .input = text,
	    .limit_ms = limit_ms,
	    .grace_ms = GRACE_MS};
	struct child_result r;
	enum notify_sent sent = NOTIFY_FAILED;
	const char *said;

	if (child_run(&r, &child, e) == -1) {
		buf_clear(&r.said);
		return NOTIFY_FAILED;
	}
	said = last_line(&r.said);
	if (r.end == CHILD_STOPPED)
		sent = NOTIFY_STOPPED;
	else if (r.end == CHILD_LATE) {
		sent = NOTIFY_LATE;
		err_set(e, ERR_INCOMPLETE, next,
		    "The notify command took longer than %lld s and was "
		    "ended.",
		    (long long)(limit_ms + 999) / 1000);
	} else if (r.status == 0)
		sent = NOTIFY_SENT;
	else
		err_set(e, ERR_INCOMPLETE, next,
		    "The notify command failed (status %d%s%s).", r.status,
		    *said != '\0' ? ": " : "", said);
	buf_clear(&r.said);
	return sent;
}

/* ---- what was told before ---- */

/*
 * STATE/notices, a line for each command of each copy:
 * "<command>\t<trouble was told: 0 or 1>\t<trust told, ms>\t<root>".  In STATE
 * and not in the catalogue, since a disk that is not there is news too.
 */
struct memory {
	bool told;
	int64_t trust_told_ms;
};

/* Whose line it is. */
struct whose {
	const char *state_dir, *command, *root;
};

/* Take a line apart in place; its root, or NULL if it is no such line. */
static const char *
parse_line(struct memory *out, const char **command, char *line)
{
	char *told, *trust;
	int64_t n;

	*command = strsep(&line, "\t");
	told = strsep(&line, "\t");
	trust = strsep(&line, "\t");
	if (line == NULL || text_int(&n, told, 0, 1) == -1 ||
	    text_int(&out->trust_told_ms, trust, 0, INT64_MAX) == -1)
		return NULL;
	out->told = n != 0;
	return line;
}

static int
read_notices(struct buf *out, int *dir, const char *state_dir, struct err *e)
{
	buf_init(out, MEMORY_MAX);
	*dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir == -1)
		return err_set_errno(e, errno, "Cannot open %s", state_dir);
	return file_read_whole(out, *dir, NOTICES, e) == -1 ? -1 : 0;
}

/* Of the trust it is enough that any command has told. */
static void
recall(struct memory *out, const struct whose *w)
{
	const char *command, *root;
	char *rest, *line;
	struct memory m;
	struct buf all;
	int dir;

	memset(out, 0, sizeof(*out));
	if (read_notices(&all, &dir, w->state_dir, NULL) == 0) {
		rest = all.data;
		while ((line = strsep(&rest, "\n")) != NULL) {
			root = parse_line(&m, &command, line);
			if (root == NULL || strcmp(root, w->root) != 0)
				continue;
			if (m.trust_told_ms > out->trust_told_ms)
				out->trust_told_ms = m.trust_told_ms;
			if (strcmp(command, w->command) == 0)
				out->told = m.told;
		}
	}
	if (dir != -1)
		close(dir);
	buf_clear(&all);
}

/* All other lines, and this one anew. */
static void
replace_line(struct buf *out, struct buf *all, const struct whose *w,
    const struct memory *m)
{
	const char *command, *root;
	char *rest = all->data, *line, *copy;
	struct memory other;

	while ((line = strsep(&rest, "\n")) != NULL) {
		copy = xstrdup(line);
		root = parse_line(&other, &command, copy);
		if (root != NULL &&
		    (strcmp(root, w->root) != 0 ||
			strcmp(command, w->command) != 0))
			buf_addf(out, "%s\n", line);
		free(copy);
	}
	buf_addf(out, "%s\t%d\t%lld\t%s\n", w->command, m->told,
	    (long long)m->trust_told_ms, w->root);
}

static int
keep(const struct whose *w, const struct memory *m, struct err *e)
{
	struct buf all = {0}, now;
	char *path = NULL;
	int lock = -1, dir = -1, rc = -1;

	buf_init(&now, MEMORY_MAX);
	if (file_mkdirs_abs(w->state_dir, 0700, e) == -1)
		goto out;
	path = xasprintf("%s/%s.lock", w->state_dir, NOTICES);
	lock = file_lock(path, "news", LOCK_WAIT_MS, e);
	if (lock == -1 || read_notices(&all, &dir, w->state_dir, e) == -1)
		goto out;
	replace_line(&now, &all, w, m);
	rc = file_write_whole(dir, NOTICES, now.data, now.len, 0600, e);
out:
	if (dir != -1)
		close(dir);
	if (lock != -1)
		file_unlock(lock);
	free(path);
	buf_clear(&all);
	buf_clear(&now);
	return rc;
}

/* ---- a run ---- */

/* What the runs before this one were; nothing, where the copy is not there. */
static void
look_back(struct notify_facts *f, const struct app *app, const char *command)
{
	int64_t run = app->outcome.run;
	struct store_history h;
	struct store *s = NULL;

	f->before = -1;
	if (copy_read(&s, app, NULL) == -1)
		return;
	if (store_history(&h, s, command, run != 0 ? run : INT64_MAX, NULL) ==
	    0) {
		f->before = h.status;
		f->since_ms = h.success_ms != 0 ? h.success_ms : h.first_ms;
	}
	store_close(s);
}

static void
say_what(struct buf *text, struct notify_news *n, const struct app *app,
    const struct notify_facts *f, const struct err *e)
{
	char number[32];

	n->next = "";
	switch (n->event) {
	case NOTIFY_TRUST:
		n->next = "Run icloud-pull login.";
		if (n->trust_days >= 0)
			buf_addf(text,
			    "The sign-in of this computer is trusted for %lld "
			    "more %s; then Apple asks for a code.",
			    (long long)n->trust_days,
			    n->trust_days == 1 ? "day" : "days");
		else
			buf_adds(text,
			    "The sign-in of this computer is no longer "
			    "trusted: Apple will ask for a code.");
		break;
	case NOTIFY_REPAIRED:
		buf_addf(text, "%s damaged or missing %s fetched anew.",
		    text_count(number, f->repaired),
		    f->repaired == 1 ? "file was" : "files were");
		break;
	case NOTIFY_WELL:
		buf_adds(text, app->outcome.text);
		break;
	default:
		n->next = e->next;
		/* What went wrong, else what is missing. */
		buf_adds(
		    text, e->what[0] != '\0' ? e->what : app->outcome.text);
	}
	n->text = buf_text(text);
}

static enum notify_sent
tell(enum notify_event event, const struct app *app, const char *command,
    const char *account, const struct notify_facts *f, const struct err *e,
    int64_t limit_ms)
{
	struct notify_news n = {.event = event,
	    .code = f->code,
	    .account = account,
	    .root = app->opt.root,
	    .command = command,
	    .run = app->outcome.run,
	    .now_ms = f->now_ms,
	    .has_trust_days = f->trust_ms != 0};
	struct buf text = {0}, json = {0};
	struct err trouble = ERR_INIT;
	enum notify_sent sent;

	n.trust_days = notify_trust_days(f->trust_ms, f->now_ms);
	say_what(&text, &n, app, f, e);
	notify_json(&json, &n);
	sent = notify_send(
	    app->opt.notify_command, buf_text(&json), limit_ms, &trouble);
	if (sent == NOTIFY_FAILED || sent == NOTIFY_LATE)
		log_warn("%s %s", trouble.what, trouble.next);
	buf_clear(&text);
	buf_clear(&json);
	return sent;
}

void
notify_run(const struct app *app, const struct err *e)
{
	const char *command = app->outcome.command;
	char *account = NULL;
	const struct whose whose = {.state_dir = app->state_dir,
	    .command = command,
	    .root = app->opt.root != NULL ? app->opt.root : ""};
	struct notify_facts f = {.code = e->code,
	    .now_ms = clock_now_ms(),
	    .repaired = app->outcome.repaired};
	int64_t until_ms = clock_mono_ms() + LIMIT_MS, left;
	struct memory before, now;
	enum notify_sent sent = NOTIFY_SENT;
	struct err keeping = ERR_INIT;
	unsigned news;

	if (app->opt.notify_command == NULL || command == NULL || stop_is_set())
		return;
	if (app->opt.account != NULL) {
		account = session_account_name(app->opt.account);
		(void)account_trust(&f.trust_ms, app->state_dir, account);
	}
	recall(&before, &whose);
	look_back(&f, app, command);
	f.told = before.told;
	f.trust_told_ms = before.trust_told_ms;
	news = notify_choose(&f);
	now = before;
	for (int i = 0; i < NOTIFY_EVENTS && news != 0; i++) {
		if ((news & 1U << i) == 0)
			continue;
		left = until_ms - clock_mono_ms();
		if (sent == NOTIFY_LATE || sent == NOTIFY_STOPPED || left <= 0)
			break;
		sent = tell(
		    (enum notify_event)i, app, command, account, &f, e, left);
		if (i == NOTIFY_TRUST && sent == NOTIFY_SENT)
			now.trust_told_ms = f.now_ms;
		else if (i == NOTIFY_WELL)
			now.told = false;
		else if (i <= NOTIFY_INCOMPLETE)
			now.told = true;
	}
	if ((now.told != before.told ||
		now.trust_told_ms != before.trust_told_ms) &&
	    keep(&whose, &now, &keeping) == -1)
		log_warn("%s", keeping.what);
	free(account);
}
