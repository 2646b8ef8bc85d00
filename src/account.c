#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "dirs.h"
#include "err.h"
#include "file.h"
#include "session.h"

#define SESSION_FILE "session"
#define PENDING_FILE "pending"
#define LOCK_WAIT_MS 60000
#define PENDING_MS   INT64_C(600000)
#define SESSION_MAX  ((size_t)1 << 20)

static int
name_account(
    struct account *out, const char *state_dir, const char *name, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->dir = out->lock = -1;
	out->name = session_account_name(name);
	out->path = dirs_account(state_dir, out->name);
	if (out->name[0] == '\0')
		return err_set(e, ERR_USAGE, "Give --account NAME.",
		    "No Apple Account was named.");
	return 0;
}

static int
open_dir(struct account *out, struct err *e)
{
	struct stat st;

	out->dir = open(out->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->dir == -1 || fstat(out->dir, &st) == -1)
		return err_set_errno(e, errno, "Cannot open %s", out->path);
	/* Brought back from a backup, it may be open to others. */
	if ((st.st_mode & 077) != 0 && fchmod(out->dir, 0700) == -1)
		return err_set_errno(e, errno, "Cannot protect %s", out->path);
	return 0;
}

int
account_open(
    struct account *out, const char *state_dir, const char *name, struct err *e)
{
	if (name_account(out, state_dir, name, e) == -1 ||
	    file_mkdirs_abs(out->path, 0700, e) == -1)
		return -1;
	return open_dir(out, e);
}

int
account_find(
    struct account *out, const char *state_dir, const char *name, struct err *e)
{
	if (name_account(out, state_dir, name, e) == -1)
		return -1;
	if (access(out->path, F_OK) == -1 && errno == ENOENT)
		return err_set(e, ERR_PASSWORD, "Run icloud-pull login.",
		    "%s is not signed in yet.", out->name);
	return open_dir(out, e);
}

void
account_close(struct account *a)
{
	if (a->path == NULL)
		return;
	account_unlock(a);
	if (a->dir != -1)
		close(a->dir);
	free(a->name);
	free(a->path);
	memset(a, 0, sizeof(*a));
	a->dir = a->lock = -1;
}

int
account_lock(struct account *a, struct err *e)
{
	char *path, *whose;

	if (a->lock != -1)
		return 0;
	path = xasprintf("%s/lock", a->path);
	whose = xasprintf("process %ld", (long)getpid());
	a->lock = file_lock(path, whose, LOCK_WAIT_MS, e);
	free(path);
	free(whose);
	if (a->lock == -1)
		return -1;
	file_sweep(a->dir);
	return 0;
}

void
account_unlock(struct account *a)
{
	if (a->lock != -1)
		file_unlock(a->lock);
	a->lock = -1;
}

static int
load(struct session **out, const struct account *a, const char *name,
    struct err *e)
{
	struct buf bytes;
	int rc;

	*out = NULL;
	buf_init_secret(&bytes, SESSION_MAX);
	rc = file_read_whole(&bytes, a->dir, name, e);
	if (rc == 0)
		rc = session_read(out, buf_text(&bytes), bytes.len, e);
	else if (rc == 1)
		rc = 0;
	buf_clear(&bytes);
	return rc;
}

static int
save(
    struct account *a, const char *name, const struct session *s, struct err *e)
{
	bool held = a->lock != -1;
	struct buf now, old;
	int rc = 0;

	if (account_lock(a, e) == -1)
		return -1;
	buf_init_secret(&now, SESSION_MAX);
	buf_init_secret(&old, SESSION_MAX);
	session_write(&now, s);
	/* The same again writes nothing. */
	if (file_read_whole(&old, a->dir, name, NULL) != 0 ||
	    old.len != now.len || memcmp(old.data, now.data, now.len) != 0)
		rc = file_write_whole(a->dir, name, now.data, now.len, 0600, e);
	buf_clear(&now);
	buf_clear(&old);
	if (!held)
		account_unlock(a);
	return rc;
}

int
account_load(struct session **out, const struct account *a, struct err *e)
{
	return load(out, a, SESSION_FILE, e);
}

int
account_save(struct account *a, const struct session *s, struct err *e)
{
	return save(a, SESSION_FILE, s, e);
}

int
account_save_after(
    int rc, struct account *a, const struct session *s, struct err *e)
{
	return account_save(a, s, rc == 0 ? e : NULL) == -1 ? -1 : rc;
}

int
account_load_pending(struct session **out, const struct account *a,
    int64_t now_ms, struct err *e)
{
	struct stat st;
	int64_t age_ms;

	*out = NULL;
	if (file_stat(&st, a->dir, PENDING_FILE) == -1)
		return errno == ENOENT
		    ? 0
		    : err_set_errno(e, errno, "Cannot read %s", a->path);
	/* From the future: the clock was set, and its age is not known. */
	age_ms = now_ms - (int64_t)st.st_mtime * 1000;
	if (age_ms > PENDING_MS || age_ms < -PENDING_MS) {
		account_drop_pending(a);
		return 0;
	}
	return load(out, a, PENDING_FILE, e);
}

int
account_save_pending(struct account *a, const struct session *s, struct err *e)
{
	return save(a, PENDING_FILE, s, e);
}

void
account_drop_pending(const struct account *a)
{
	(void)file_unlink(a->dir, PENDING_FILE);
}

int
account_stat(struct stat *dir, struct stat *session, const char *state_dir,
    const char *name)
{
	char *account = session_account_name(name);
	char *folder = dirs_account(state_dir, account);
	char *file = xasprintf("%s/%s", folder, SESSION_FILE);
	int rc = 0;

	if (lstat(folder, dir) == -1 || lstat(file, session) == -1)
		rc = -1;
	free(account);
	free(folder);
	free(file);
	return rc;
}

bool
account_trust(int64_t *expires_ms, const char *state_dir, const char *name)
{
	struct account a = {.dir = -1, .lock = -1};
	struct session *s = NULL;
	bool signed_in;

	signed_in = account_find(&a, state_dir, name, NULL) == 0 &&
	    account_load(&s, &a, NULL) == 0 && s != NULL &&
	    s->stage == SESSION_SIGNED_IN;
	*expires_ms = signed_in ? s->trust_expires_ms : 0;
	session_free(s);
	account_close(&a);
	return signed_in;
}
