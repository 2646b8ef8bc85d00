#include "store_p.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "civil.h"
#include "compat.h"
#include "json.h"
#include "text.h"

/*
 * Which copy a ROOT is: the marker ROOT/.icloud-pull/copy.json, the list
 * STATE/copies of the copies that this machine writes, and the guard between
 * the two (docs/design.md, "Mount guard").  An unmounted disk must never
 * become a new, empty copy.
 */

#define MARKER_FORMAT 1
#define SMALL_FILE    ((size_t)1 << 20)
#define LIST_WAIT_MS  5000

struct marker {
	bool present;
	char *id, *account, *layout, *machine; /* owned */
};

static void
marker_clear(struct marker *m)
{
	free(m->id);
	free(m->account);
	free(m->layout);
	free(m->machine);
	memset(m, 0, sizeof(*m));
}

/* An id becomes the name of a folder. */
static bool
is_id(const char *id)
{
	size_t n = strlen(id);

	return n >= 8 && n <= 64 &&
	    strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz") == n;
}

static int
marker_parse(struct marker *m, const char *text, size_t len, const char *root,
    struct err *e)
{
	cJSON *json = json_parse(text, len, NULL);
	int64_t format = 0;
	int rc = -1;

	if (json != NULL && json_int(&format, json, "format") &&
	    format > MARKER_FORMAT) {
		err_set(e, ERR_BAD_STATE,
		    "Use the newer icloud-pull that made it.",
		    "The copy %s was made by a newer icloud-pull.", root);
		goto out;
	}
	m->id = xstrdup(json_str(json, "copy"));
	m->account = xstrdup(json_str(json, "account"));
	m->layout = xstrdup(json_str(json, "layout"));
	m->machine = xstrdup(json_str(json, "machine"));
	if (format != MARKER_FORMAT || m->id == NULL || !is_id(m->id) ||
	    m->account == NULL || m->layout == NULL || m->machine == NULL) {
		err_set(e, ERR_BAD_STATE,
		    "Run \"icloud-pull adopt\" with that path.",
		    "The file %s/%s, which marks the copy, is damaged.", root,
		    PATH_MARKER);
		goto out;
	}
	m->present = true;
	rc = 0;
out:
	cJSON_Delete(json);
	return rc;
}

static int
marker_read(struct marker *m, int root_fd, const char *root, struct err *e)
{
	struct buf b;
	int rc;

	memset(m, 0, sizeof(*m));
	buf_init(&b, SMALL_FILE);
	rc = file_read_whole(&b, root_fd, PATH_MARKER, e);
	if (rc == 0)
		rc = marker_parse(m, buf_text(&b), b.len, root, e);
	else if (rc == 1)
		rc = 0; /* none there */
	buf_clear(&b);
	if (rc == -1)
		marker_clear(m);
	return rc;
}

static int
marker_write(
    int root_fd, const char *id, const struct store_options *o, struct err *e)
{
	char machine[256], created[40];
	struct buf b = {0};
	int rc = -1;

	compat_machine(machine, sizeof(machine));
	(void)civil_iso(created, clock_now_ms());
	if (buf_adds(&b, "{\"format\":1,\"copy\":") == -1 ||
	    buf_add_json(&b, id) == -1 || buf_adds(&b, ",\"account\":") == -1 ||
	    buf_add_json(&b, o->account != NULL ? o->account : "") == -1 ||
	    buf_adds(&b, ",\"layout\":") == -1 ||
	    buf_add_json(&b, o->layout != NULL ? o->layout : "%Y/%m") == -1 ||
	    buf_adds(&b, ",\"machine\":") == -1 ||
	    buf_add_json(&b, machine) == -1 ||
	    buf_adds(&b, ",\"created\":") == -1 ||
	    buf_add_json(&b, created) == -1 || buf_adds(&b, "}\n") == -1)
		goto out;
	if (file_mkdirs(root_fd, DIR_OWN) == -1) {
		err_set_errno(
		    e, errno, "%s/%s cannot be made", o->root, DIR_OWN);
		goto out;
	}
	rc = file_write_whole(root_fd, PATH_MARKER, b.data, b.len, 0644, e);
out:
	buf_clear(&b);
	return rc;
}

/* ---- STATE/copies: lines "<copy id>\t<canonical root>" ---- */

struct list {
	int dir; /* STATE */
	struct buf text;
};

/* Walk the lines; *pos starts with 0.  id and root end with a NUL each. */
static bool
list_next(char **id, char **root, struct buf *copy, size_t *pos)
{
	while (*pos < copy->len) {
		char *line = copy->data + *pos, *end, *tab;

		end = memchr(line, '\n', copy->len - *pos);
		if (end == NULL)
			return false;
		*pos = (size_t)(end - copy->data) + 1;
		*end = '\0';
		tab = strchr(line, '\t');
		if (tab == NULL)
			continue;
		*tab = '\0';
		if (!is_id(line))
			continue;
		*id = line;
		*root = tab + 1;
		return true;
	}
	return false;
}

/* The id that stands for root, or the root that stands for id; NULL.  The
 * caller frees. */
static char *
list_find(const struct list *l, const char *id, const char *root)
{
	struct buf copy = {0};
	char *line_id, *line_root, *found = NULL;
	size_t pos = 0;

	if (l->text.len == 0 || buf_add(&copy, l->text.data, l->text.len) == -1)
		return NULL;
	while (found == NULL && list_next(&line_id, &line_root, &copy, &pos)) {
		if (root != NULL && strcmp(line_root, root) == 0)
			found = xstrdup(line_id);
		else if (id != NULL && strcmp(line_id, id) == 0)
			found = xstrdup(line_root);
	}
	buf_clear(&copy);
	return found;
}

/* It is written whole: a line that is none was written by somebody else, and
 * without it an unmounted copy would be taken for a new one. */
static int
list_check(const struct list *l, const char *state_dir, struct err *e)
{
	struct buf copy = {0};
	char *id, *root;
	size_t pos = 0, lines = 0, taken = 0, i;

	for (i = 0; i < l->text.len; i++)
		lines += l->text.data[i] == '\n';
	if (l->text.len > 0) {
		lines += l->text.data[l->text.len - 1] != '\n';
		if (buf_add(&copy, l->text.data, l->text.len) == -1)
			return -1;
	}
	while (list_next(&id, &root, &copy, &pos))
		taken++;
	buf_clear(&copy);
	if (taken == lines)
		return 0;
	return err_set(e, ERR_BAD_STATE,
	    "Correct it: a line is a copy's id, a tab, and its path.",
	    "The list of copies %s/copies is damaged.", state_dir);
}

/* Write the list with id standing for root, and for nothing else. */
static int
list_put(struct list *l, const char *id, const char *root, struct err *e)
{
	struct buf copy = {0}, out = {0};
	char *line_id, *line_root;
	size_t pos = 0;
	int rc = -1;

	if (l->text.len > 0 && buf_add(&copy, l->text.data, l->text.len) == -1)
		goto out;
	while (list_next(&line_id, &line_root, &copy, &pos)) {
		if (strcmp(line_id, id) != 0 &&
		    buf_addf(&out, "%s\t%s\n", line_id, line_root) == -1)
			goto out;
	}
	if (buf_addf(&out, "%s\t%s\n", id, root) == -1)
		goto out;
	if (file_write_whole(l->dir, "copies", out.data, out.len, 0600, e) ==
	    -1)
		goto out;
	buf_reset(&l->text);
	rc = buf_add(&l->text, out.data, out.len);
out:
	buf_clear(&copy);
	buf_clear(&out);
	return rc;
}

/* ---- the guard ---- */

/*
 * The canonical path of ROOT, whether it is there or not: a missing one is
 * the canonical path of its parent and its last component.
 */
static int
canonical(char **out, bool *missing, const char *root, struct err *e)
{
	char *copy = NULL, *parent = NULL, *slash;
	size_t n = strlen(root);
	struct stat st;
	int rc = -1;

	*missing = false;
	*out = realpath(root, NULL);
	if (*out != NULL)
		return 0;
	if (errno != ENOENT)
		return err_set_errno(e, errno, "%s cannot be opened", root);
	if (lstat(root, &st) == 0)
		return err_set(e, ERR_NOT_MOUNTED,
		    "Connect the disk that it leads to.",
		    "%s is a link that leads to nothing.", root);
	*missing = true;
	while (n > 1 && root[n - 1] == '/')
		n--;
	copy = xstrndup(root, n);
	slash = strrchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	parent = realpath(slash == NULL ? "."
		: *copy == '\0'         ? "/"
					: copy,
	    NULL);
	if (parent == NULL) {
		/* Not made: a disk that is not connected looks like this. */
		if (errno == ENOENT)
			err_set(e, ERR_NOT_MOUNTED,
			    "Connect its disk, or make the folder above it.",
			    "%s is not there, nor is the folder above it.",
			    root);
		else
			err_set_errno(e, errno, "%s cannot be opened", root);
		goto out;
	}
	*out = xasprintf("%s/%s", strcmp(parent, "/") == 0 ? "" : parent,
	    slash == NULL ? copy : slash + 1);
	rc = 0;
out:
	free(copy);
	free(parent);
	return rc;
}

static int
open_root(struct store *s, struct err *e)
{
	s->root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root_fd == -1)
		return err_set_errno(e, errno, "%s cannot be opened", s->root);
	return 0;
}

/* Does the old path still hold the copy id? */
static bool
still_there(const char *root, const char *id)
{
	struct marker m = {0};
	bool there = false;
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return false;
	/* A marker that cannot be read may be the one. */
	if (marker_read(&m, fd, root, NULL) == -1)
		there = true;
	else
		there = m.present && strcmp(m.id, id) == 0;
	marker_clear(&m);
	(void)close(fd);
	return there;
}

static int
check_machine(const struct store *s, const struct marker *m, struct err *e)
{
	char machine[256];

	compat_machine(machine, sizeof(machine));
	if (strcmp(machine, m->machine) == 0)
		return 0;
	return err_set(e, ERR_BAD_STATE,
	    "To go on from this machine, run \"icloud-pull adopt --take-over\" "
	    "with that path.",
	    "The copy %s is written by another machine.", s->root);
}

static int
wrong_machine(const struct store *s, const struct marker *m, struct err *e)
{
	return mode_writes(s->mode) ? check_machine(s, m, e) : 0;
}

int
store_check_machine(const struct store *s, struct err *e)
{
	struct marker m;
	int rc;

	if (marker_read(&m, s->root_fd, s->root, e) == -1)
		return -1;
	rc = m.present ? check_machine(s, &m, e)
		       : err_set(e, ERR_NOT_MOUNTED, NULL,
			     "The copy is not at %s any more.", s->root);
	marker_clear(&m);
	return rc;
}

/* A copy whose making was cut short has this file in its folder in STATE. */
static char *
making_path(const struct store *s)
{
	return xasprintf("%s/making", s->id_dir);
}

static void
set_id(struct store *s, const char *id)
{
	s->id = xstrdup(id);
	s->id_dir = xasprintf("%s/%s", s->state_dir, id);
}

/* ROOT is in the list. */
static int
open_known(struct store *s, bool missing, struct marker *m, struct err *e)
{
	static const char connect[] = "Connect or mount the disk that holds "
				      "the copy, and run again.";
	struct stat st;
	char *making;

	making = making_path(s);
	s->making = stat(making, &st) == 0;
	free(making);
	if (missing && !s->making)
		return err_set(e, ERR_NOT_MOUNTED, connect,
		    "The copy %s is not there.", s->root);
	if (missing)
		return 0;
	if (open_root(s, e) == -1 ||
	    marker_read(m, s->root_fd, s->root, e) == -1)
		return -1;
	if (!m->present && s->making)
		return 0;
	if (!m->present)
		return err_set(e, ERR_NOT_MOUNTED, connect,
		    "The copy is not at %s: its disk is not mounted.", s->root);
	if (strcmp(m->id, s->id) != 0)
		return err_set(e, ERR_NOT_MOUNTED,
		    "Mount the right disk there; or, if this other copy is "
		    "meant, run \"icloud-pull adopt\" with its path.",
		    "At %s lies another copy than the one that belongs there.",
		    s->root);
	return wrong_machine(s, m, e);
}

/* ROOT is not in the list, but has a marker. */
static int
open_marked(
    struct store *s, struct list *l, const struct marker *m, struct err *e)
{
	static const char adopt[] = "Run \"icloud-pull adopt\" with that path.";
	char *old = list_find(l, m->id, NULL);
	int rc = -1;

	if (old == NULL) {
		err_set(e, ERR_NOT_MOUNTED, adopt,
		    "%s holds a copy that this machine does not know.",
		    s->root);
		goto out;
	}
	if (still_there(old, m->id)) {
		err_set(e, ERR_NOT_MOUNTED, adopt,
		    "%s holds the same copy as %s; only one of them can go "
		    "on.",
		    s->root, old);
		goto out;
	}
	set_id(s, m->id);
	if (wrong_machine(s, m, e) == -1)
		goto out;
	rc = s->mode == STORE_READ ? 0 : list_put(l, s->id, s->root, e);
out:
	free(old);
	return rc;
}

/* ROOT is not in the list and has no marker: a new copy, if it may be. */
static int
open_new(struct store *s, struct list *l, bool missing, struct err *e)
{
	char id[17], *making;
	uint8_t random[16];
	struct stat st;
	int fd, rc = -1;

	if (s->mode != STORE_WRITE)
		return err_set(e, ERR_USAGE,
		    "Give the path of a copy with --root, or run "
		    "\"icloud-pull sync\" to make one.",
		    "There is no copy at %s yet.", s->root);
	if (!missing && file_stat(&st, s->root_fd, PATH_SUMS) == 0)
		return err_set(e, ERR_BAD_STATE,
		    "Run \"icloud-pull adopt\" with that path.",
		    "%s held a copy, but the file that marks it (%s) is gone.",
		    s->root, PATH_MARKER);
	compat_random(random, sizeof(random));
	text_base32(id, 16, random, sizeof(random));
	set_id(s, id);
	s->making = true;
	if (file_mkdirs_abs(s->id_dir, 0700, e) == -1)
		return -1;
	making = making_path(s);
	fd = open(making, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1) {
		err_set_errno(e, errno, "%s cannot be made", making);
		goto out;
	}
	if (file_sync(fd, false) == -1) {
		err_set_errno(e, errno, "%s cannot be written", making);
		(void)close(fd);
		goto out;
	}
	if (close(fd) == -1) {
		err_set_errno(e, errno, "%s cannot be written", making);
		goto out;
	}
	/* Known before it is marked: from here on it can be missing. */
	rc = list_put(l, s->id, s->root, e);
out:
	free(making);
	return rc;
}

/* A new ROOT that a power cut took away would look unmounted for ever. */
static int
sync_parent(const char *root)
{
	const char *slash = strrchr(root, '/');
	char *parent =
	    xstrndup(root, slash == root ? 1 : (size_t)(slash - root));
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	free(parent);
	if (fd == -1)
		return -1;
	rc = file_sync_dir(fd, ".");
	(void)close(fd); /* nothing was written */
	return rc;
}

/* The marker of a copy that is being made, and its folder if there is none. */
static int
make(struct store *s, const struct store_options *o, bool missing,
    struct marker *m, struct err *e)
{
	if (missing) {
		if (mkdir(s->root, 0777) == -1 && errno != EEXIST)
			return err_set_errno(
			    e, errno, "%s cannot be made", s->root);
		if (sync_parent(s->root) == -1)
			return err_set_errno(
			    e, errno, "%s cannot be made", s->root);
		if (open_root(s, e) == -1)
			return -1;
	}
	step_reached(s, "listed");
	if (!m->present) {
		if (marker_write(s->root_fd, s->id, o, e) == -1)
			return -1;
		step_reached(s, "marked");
		return marker_read(m, s->root_fd, s->root, e);
	}
	return 0;
}

int
copy_made(struct store *s, struct err *e)
{
	char *making = making_path(s);
	int rc = 0;

	if (unlink(making) == -1 && errno != ENOENT)
		rc = err_set_errno(e, errno, "%s cannot be removed", making);
	free(making);
	if (rc == 0)
		s->making = false;
	return rc;
}

static int
take_lock(struct store *s, struct err *e)
{
	char *path, *whose, now[40];

	if (s->mode == STORE_READ)
		return 0;
	if (file_mkdirs_abs(s->id_dir, 0700, e) == -1)
		return -1;
	path = xasprintf("%s/lock", s->id_dir);
	whose = xasprintf("run %ld, since %s", (long)getpid(),
	    civil_iso(now, clock_now_ms()));
	s->lock_fd = file_lock(path, whose, 0, e);
	free(path);
	free(whose);
	return s->lock_fd == -1 ? -1 : 0;
}

int
store_check_lock(const struct store *s, struct err *e)
{
	char *path = xasprintf("%s/lock", s->id_dir);
	int fd = s->lock_fd == -1 ? file_lock(path, "a look", 0, e) : -1;

	free(path);
	if (fd == -1)
		return s->lock_fd == -1 ? -1 : 0;
	file_unlock(fd);
	return 0;
}

/* With the list read (and locked, if we write): which copy, or why not. */
static int
resolve(struct store *s, struct list *l, const struct store_options *o,
    struct marker *m, struct err *e)
{
	bool missing;
	char *id;
	int rc;

	if (canonical(&s->root, &missing, o->root, e) == -1)
		return -1;
	if (strpbrk(s->root, "\n\t") != NULL)
		return err_set(e, ERR_USAGE, "Choose another path.",
		    "The path of a copy cannot have tabs or line ends.");
	id = list_find(l, NULL, s->root);
	if (id != NULL) {
		set_id(s, id);
		free(id);
		if (open_known(s, missing, m, e) == -1)
			return -1;
	} else {
		if (!missing &&
		    (open_root(s, e) == -1 ||
			marker_read(m, s->root_fd, s->root, e) == -1))
			return -1;
		rc = m->present ? open_marked(s, l, m, e)
				: open_new(s, l, missing, e);
		if (rc == -1)
			return -1;
	}
	if (s->making && s->mode != STORE_WRITE)
		return err_set(e, ERR_USAGE,
		    "Run \"icloud-pull sync\" to make it.",
		    "There is no copy at %s yet.", s->root);
	/* Before the marker: two that make one copy meet here. */
	if (take_lock(s, e) == -1)
		return -1;
	return s->making ? make(s, o, missing, m, e) : 0;
}

int
copy_open(struct store *s, const struct store_options *o, struct err *e)
{
	struct list l = {.dir = -1};
	struct marker m = {0};
	char *lock = NULL;
	int lock_fd = -1, rc = -1;

	buf_init(&l.text, SMALL_FILE);
	s->state_dir = xstrdup(o->state_dir);
	if (s->mode == STORE_WRITE &&
	    file_mkdirs_abs(s->state_dir, 0700, e) == -1)
		goto out;
	l.dir = open(s->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l.dir == -1 && (errno != ENOENT || s->mode == STORE_WRITE)) {
		err_set_errno(e, errno, "%s cannot be opened", s->state_dir);
		goto out;
	}
	if (l.dir != -1 && compat_is_foreign_volume(l.dir)) {
		err_set(e, ERR_BAD_STATE,
		    "Set XDG_STATE_HOME to a folder on a disk of this machine.",
		    "%s lies on a volume on which a catalogue would be damaged "
		    "(network, exFAT or FAT).",
		    s->state_dir);
		goto out;
	}
	if (s->mode != STORE_READ && l.dir != -1) {
		lock = xasprintf("%s/copies.lock", s->state_dir);
		lock_fd = file_lock(lock, "copies", LIST_WAIT_MS, e);
		if (lock_fd == -1)
			goto out;
	}
	if (l.dir != -1 &&
	    (file_read_whole(&l.text, l.dir, "copies", e) == -1 ||
		list_check(&l, s->state_dir, e) == -1))
		goto out;
	if (resolve(s, &l, o, &m, e) == -1)
		goto out;
	s->account = xstrdup(m.account);
	s->layout = xstrdup(m.layout);
	rc = 0;
out:
	marker_clear(&m);
	buf_clear(&l.text);
	free(lock);
	if (lock_fd != -1)
		file_unlock(lock_fd);
	if (l.dir != -1)
		(void)close(l.dir);
	return rc;
}

int
store_space(int64_t *free_bytes, int64_t *total_bytes, const struct store *s,
    struct err *e)
{
	if (file_space(free_bytes, total_bytes, s->root_fd) == -1)
		return err_set_errno(
		    e, errno, "The room on the disk of %s", s->root);
	return 0;
}
