#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "buf.h"
#include "err.h"
#include "session.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NAME   "ann@example.com"

/* Each test has a STATE of its own. */
struct fixture {
	char state[32], dir[96];
	struct account account;
};

static int
open_account(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	strcpy(f->state, "/tmp/test_account.XXXXXX");
	if (mkdtemp(f->state) == NULL)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "%s/accounts/" NAME, f->state);
	*state = f;
	return account_open(&f->account, f->state, "  Ann@Example.COM\t", &e);
}

static const char *
file_of(const struct fixture *f, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static int
remove_account(void **state)
{
	static const char *const names[] = {"session", "pending", "lock"};
	struct fixture *f = *state;
	char accounts[64];

	account_close(&f->account);
	for (size_t i = 0; i < LEN(names); i++)
		unlink(file_of(f, names[i]));
	snprintf(accounts, sizeof(accounts), "%s/accounts", f->state);
	/* Nothing else may have been left. */
	if (rmdir(f->dir) == -1 || rmdir(accounts) == -1 ||
	    rmdir(f->state) == -1)
		return -1;
	free(f);
	return 0;
}

static void
assert_mode(const char *path, unsigned mode)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void
opens_a_directory_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct account again;
	struct err e = ERR_INIT;

	assert_string_equal(f->account.name, NAME);
	assert_string_equal(f->account.path, f->dir);
	assert_mode(f->dir, 0700);
	/* A second time, and with what a backup made of it. */
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(account_open(&again, f->state, NAME, &e), 0);
	assert_mode(f->dir, 0700);
	account_close(&again);
	account_close(&again);
}

static void
refuses_a_name_that_is_none(void **state)
{
	static const char *const names[] = {"", " ", "\t \r\n"};
	struct fixture *f = *state;

	for (size_t i = 0; i < LEN(names); i++) {
		struct account a;
		struct err e = ERR_INIT;

		assert_int_equal(account_open(&a, f->state, names[i], &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
		account_close(&a);
	}
	assert_int_equal(access(file_of(f, "../session"), F_OK), -1);
}

static struct session *
some_session(const char *token)
{
	struct session *s = session_new(NAME);

	s->session_token = xstrdup(token);
	s->trust_token = xstrdup("trust");
	s->stage = SESSION_SIGNED_IN;
	s->trust_expires_ms = 1722427200000;
	return s;
}

static void
keeps_a_session(void **state)
{
	struct fixture *f = *state;
	struct session *s, *back;
	struct err e = ERR_INIT;
	struct stat before, after;
	mode_t mask = umask(0);

	/* None is no error. */
	assert_int_equal(account_load(&back, &f->account, &e), 0);
	assert_null(back);

	s = some_session("first");
	assert_int_equal(account_save(&f->account, s, &e), 0);
	assert_mode(file_of(f, "session"), 0600);
	assert_int_equal(account_load(&back, &f->account, &e), 0);
	assert_string_equal(back->account, NAME);
	assert_string_equal(back->session_token, "first");
	assert_string_equal(back->trust_token, "trust");
	assert_string_equal(back->client_id, s->client_id);
	assert_true(back->trust_expires_ms == s->trust_expires_ms);
	session_free(back);

	/* The same again writes nothing; another one replaces the file. */
	assert_int_equal(stat(file_of(f, "session"), &before), 0);
	assert_int_equal(account_save(&f->account, s, &e), 0);
	assert_int_equal(stat(file_of(f, "session"), &after), 0);
	assert_true(before.st_ino == after.st_ino);
	free(s->session_token);
	s->session_token = xstrdup("second");
	assert_int_equal(account_save(&f->account, s, &e), 0);
	assert_mode(file_of(f, "session"), 0600);
	assert_int_equal(account_load(&back, &f->account, &e), 0);
	assert_string_equal(back->session_token, "second");
	session_free(back);
	session_free(s);
	umask(mask);
}

static void
says_what_is_damaged(void **state)
{
	static const char *const texts[] = {
	    "", "{", "[]", "{}", "null", "x", "{\"version\":999}"};
	struct fixture *f = *state;
	struct session *s;

	for (size_t i = 0; i < LEN(texts); i++) {
		struct err e = ERR_INIT;
		int fd = open(
		    file_of(f, "session"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		size_t n = strlen(texts[i]);

		assert_true(fd != -1);
		assert_int_equal(write(fd, texts[i], n), n);
		close(fd);
		if (account_load(&s, &f->account, &e) != -1)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(e.code, ERR_BAD_STATE);
		assert_null(s);
	}
}

/* A link in place of the session leads nowhere. */
static void
follows_no_link(void **state)
{
	struct fixture *f = *state;
	struct session *s;
	struct err e = ERR_INIT;

	assert_int_equal(symlink("/etc/passwd", file_of(f, "session")), 0);
	assert_int_equal(account_load(&s, &f->account, &e), -1);
	assert_null(s);
	/* Saving takes its place and writes through to nothing. */
	s = some_session("x");
	assert_int_equal(account_save(&f->account, s, &e), 0);
	session_free(s);
	assert_mode(file_of(f, "session"), 0600);
}

/* [code-lifetime]: ten minutes, and not for ever when the clock was set. */
static void
forgets_a_sign_in_that_waits(void **state)
{
	static const struct {
		int64_t age_ms;
		bool kept;
	} table[] = {
	    {0, true},
	    {599000, true},
	    {600000, true},
	    {600001, false},
	    {86400000, false},
	    {-1, true}, /* clocks of file systems run a little apart */
	    {-599000, true},
	    {-601000, false},
	};
	struct fixture *f = *state;
	struct session *s = some_session("half"), *back;
	struct err e = ERR_INIT;
	struct stat st;

	assert_int_equal(
	    account_load_pending(&back, &f->account, 1722427200000, &e), 0);
	assert_null(back);
	account_drop_pending(&f->account); /* harmless */
	for (size_t i = 0; i < LEN(table); i++) {
		int64_t now_ms;

		assert_int_equal(account_save_pending(&f->account, s, &e), 0);
		assert_mode(file_of(f, "pending"), 0600);
		assert_int_equal(stat(file_of(f, "pending"), &st), 0);
		now_ms = (int64_t)st.st_mtime * 1000 + table[i].age_ms;
		assert_int_equal(
		    account_load_pending(&back, &f->account, now_ms, &e), 0);
		if ((back != NULL) != table[i].kept)
			fail_msg("row %zu", i);
		session_free(back);
		assert_int_equal(access(file_of(f, "pending"), F_OK),
		    table[i].kept ? 0 : -1);
		account_drop_pending(&f->account);
		assert_int_equal(access(file_of(f, "pending"), F_OK), -1);
	}
	/* It is not the session. */
	assert_int_equal(account_load(&back, &f->account, &e), 0);
	assert_null(back);
	session_free(s);
}

/* Nobody else writes while one saves, and what a kill has left is secret. */
static void
saves_under_the_lock(void **state)
{
	struct fixture *f = *state;
	struct session *s = some_session("one");
	struct err e = ERR_INIT;
	int fd =
	    open(file_of(f, ".icloud-pull-new-01"), O_WRONLY | O_CREAT, 0600);

	assert_true(fd != -1);
	close(fd);
	assert_int_equal(account_save(&f->account, s, &e), 0);
	assert_int_equal(f->account.lock, -1);
	assert_int_equal(access(file_of(f, ".icloud-pull-new-01"), F_OK), -1);
	assert_int_equal(account_lock(&f->account, &e), 0);
	assert_int_equal(account_save_pending(&f->account, s, &e), 0);
	assert_true(f->account.lock != -1);
	account_unlock(&f->account);
	session_free(s);
}

/* B102: the lock keeps a second process out only while it is held. */
static void
locks_out_another_process(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	int go[2], ready[2], status;
	pid_t pid;
	char c;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		struct account other;

		if (account_open(&other, f->state, NAME, &e) == -1 ||
		    account_lock(&other, &e) == -1 ||
		    write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		account_unlock(&other);
		/* Now that the first one holds it, this one waits. */
		if (write(ready[1], "y", 1) != 1 || read(go[0], &c, 1) != 1 ||
		    account_lock(&other, &e) == -1)
			_exit(2);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_mode(file_of(f, "lock"), 0600);
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(account_lock(&f->account, &e), 0);
	assert_int_equal(account_lock(&f->account, &e), 0); /* held already */
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(write(go[1], "y", 1), 1);
	usleep(50000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	account_unlock(&f->account);
	account_unlock(&f->account); /* harmless */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* Whoever dies holding it holds it no more. */
	assert_int_equal(account_lock(&f->account, &e), 0);
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, open_account, remove_account)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(opens_a_directory_of_its_own),
	    TEST(refuses_a_name_that_is_none),
	    TEST(keeps_a_session),
	    TEST(says_what_is_damaged),
	    TEST(follows_no_link),
	    TEST(forgets_a_sign_in_that_waits),
	    TEST(saves_under_the_lock),
	    TEST(locks_out_another_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
