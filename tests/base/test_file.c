#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "civil.h"
#include "compat.h"
#include "err.h"
#include "file.h"
#include "stop.h"

/* Each test has a folder of its own: its path and its descriptor. */
struct place {
	char path[64];
	int dir;
};

static int
set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	const char *tmp = getenv("TMPDIR");

	snprintf(p->path, sizeof(p->path), "%.40s/test-file-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(p->path) == NULL)
		return -1;
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->dir == -1 ? -1 : 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	char *command =
	    xasprintf("chmod -R u+rwx '%s'; rm -rf '%s'", p->path, p->path);
	int rc;

	close(p->dir);
	rc = system(command);
	free(command);
	free(p);
	return rc;
}

static void
put(int dir, const char *path, const char *text)
{
	int fd = file_open(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
assert_holds(int dir, const char *path, const char *text)
{
	struct buf b = {0};
	struct err e = ERR_INIT;

	assert_int_equal(file_read_whole(&b, dir, path, &e), 0);
	assert_string_equal(buf_text(&b), text);
	buf_clear(&b);
}

static size_t
entries(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
refuses_what_is_no_path(void **state)
{
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".",
	    "..", "./a", "a/.", "a/..", "a/../b", "a/./b", "../a"};
	struct place *p = *state;
	const char *name;
	struct stat st;
	size_t i;

	assert_int_equal(file_mkdirs(p->dir, "a/b"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
#define REFUSED(call)                            \
	do {                                     \
		errno = 0;                       \
		assert_int_equal(call, -1);      \
		assert_int_equal(errno, EINVAL); \
	} while (0)
		REFUSED(file_parent(&name, p->dir, bad[i], true));
		REFUSED(file_open(p->dir, bad[i], O_RDONLY, 0));
		REFUSED(file_stat(&st, p->dir, bad[i]));
		REFUSED(file_mkdirs(p->dir, bad[i]));
		REFUSED(file_unlink(p->dir, bad[i]));
		REFUSED(file_rename_over(p->dir, bad[i], "x"));
		REFUSED(file_rename_new(
		    p->dir, "a/b", bad[i], FILE_RENAME_EXCLUSIVE));
		if (strcmp(bad[i], ".") != 0)
			REFUSED(file_sync_dir(p->dir, bad[i]));
#undef REFUSED
	}
	/* Dots in names are names. */
	put(p->dir, "a/..b", "x");
	put(p->dir, "a/...", "x");
	put(p->dir, ".a", "x");
}

static void
gives_the_parent(void **state)
{
	struct place *p = *state;
	const char *path = "x/y/name", *name = NULL;
	struct stat a, b;
	int fd;

	errno = 0;
	assert_int_equal(file_parent(&name, p->dir, path, false), -1);
	assert_int_equal(errno, ENOENT);
	fd = file_parent(&name, p->dir, path, true);
	assert_true(fd != -1);
	assert_ptr_equal(name, path + 4);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(file_stat(&b, p->dir, "x/y"), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	close(fd);
	fd = file_parent(&name, p->dir, "alone", false);
	assert_true(fd != -1 && fd != p->dir);
	assert_string_equal(name, "alone");
	close(fd);
}

static void
follows_no_link(void **state)
{
	struct place *p = *state;
	struct buf b = {0};
	struct err e = ERR_INIT;
	struct stat st;

	assert_int_equal(file_mkdirs(p->dir, "real/sub"), 0);
	put(p->dir, "real/sub/f", "x");
	assert_int_equal(symlinkat("real", p->dir, "link"), 0);
	assert_int_equal(symlinkat("sub", p->dir, "real/link"), 0);
	assert_int_equal(symlinkat("f", p->dir, "real/sub/link"), 0);
	assert_int_equal(file_open(p->dir, "link/sub/f", O_RDONLY, 0), -1);
	assert_int_equal(file_open(p->dir, "real/link/f", O_RDONLY, 0), -1);
	assert_int_equal(file_open(p->dir, "real/sub/link", O_RDONLY, 0), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(file_stat(&st, p->dir, "link/sub"), -1);
	assert_int_equal(file_stat(&st, p->dir, "link"), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(file_mkdirs(p->dir, "link/new"), -1);
	assert_int_equal(file_unlink(p->dir, "link/sub/f"), -1);
	assert_int_equal(file_rename_over(p->dir, "link/sub/f", "g"), -1);
	assert_int_equal(file_read_whole(&b, p->dir, "real/sub/link", &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	assert_int_equal(file_sync_dir(p->dir, "link"), -1);
	assert_int_equal(file_unlink(p->dir, "link"), 0);
	assert_holds(p->dir, "real/sub/f", "x");
	buf_clear(&b);
}

static void
makes_folders(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	struct stat st;
	char *path;

	assert_int_equal(file_mkdirs(p->dir, "2024/07/x"), 0);
	assert_int_equal(file_mkdirs(p->dir, "2024/07/x"), 0);
	assert_int_equal(file_sync_dir(p->dir, "2024/07"), 0);
	assert_int_equal(file_sync_dir(p->dir, "."), 0);
	put(p->dir, "file", "");
	assert_int_equal(file_mkdirs(p->dir, "file/x"), -1);
	assert_int_equal(file_mkdirs(p->dir, "file"), -1);
	errno = 0;
	path = xmalloc(400);
	memset(path, 'n', 399);
	path[399] = '\0';
	path[300] = '/';
	assert_int_equal(file_mkdirs(p->dir, path), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	free(path);

	path = xasprintf("%s/one/two/three", p->path);
	assert_int_equal(file_mkdirs_abs(path, 0700, &e), 0);
	assert_int_equal(file_mkdirs_abs(path, 0700, &e), 0);
	assert_int_equal(file_mkdirs_abs("/", 0700, &e), 0);
	assert_int_equal(file_stat(&st, p->dir, "one/two/three"), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(path);
	path = xasprintf("%s/file/x", p->path);
	assert_int_equal(file_mkdirs_abs(path, 0700, &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	path[strlen(path) - 2] = '\0';
	assert_int_equal(file_mkdirs_abs(path, 0700, &e), -1);
	free(path);
}

static void
writes_whole(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	struct stat st;

	assert_int_equal(
	    file_write_whole(p->dir, "session", "one", 3, 0600, &e), 0);
	assert_holds(p->dir, "session", "one");
	assert_int_equal(file_stat(&st, p->dir, "session"), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(
	    file_write_whole(p->dir, "session", "", 0, 0600, &e), 0);
	assert_holds(p->dir, "session", "");
	assert_int_equal(entries(p->dir), 1);
	/* What cannot be written leaves what was there, and nothing beside. */
	assert_int_equal(
	    file_write_whole(p->dir, "absent/x", "two", 3, 0600, &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	assert_int_equal(file_mkdirs(p->dir, "folder/inside"), 0);
	assert_int_equal(
	    file_write_whole(p->dir, "folder", "two", 3, 0600, &e), -1);
	assert_int_equal(entries(p->dir), 2);
	/* A link in its place is replaced, not followed. */
	put(p->dir, "target", "mine");
	assert_int_equal(symlinkat("target", p->dir, "link"), 0);
	assert_int_equal(
	    file_write_whole(p->dir, "link", "two", 3, 0600, &e), 0);
	assert_holds(p->dir, "target", "mine");
	assert_holds(p->dir, "link", "two");
}

/* A program that was killed between writing and renaming. */
static void
sweeps_what_was_left(void **state)
{
	struct place *p = *state;

	put(p->dir, ".icloud-pull-new-0123456789abcdef", "secret");
	put(p->dir, ".icloud-pull-new-fedcba9876543210", "secret");
	put(p->dir, ".icloud-pull-newer", "mine");
	put(p->dir, "session", "mine");
	assert_int_equal(file_mkdirs(p->dir, ".icloud-pull-new-folder"), 0);
	file_sweep(p->dir);
	assert_int_equal(entries(p->dir), 3);
	assert_holds(p->dir, "session", "mine");
	assert_holds(p->dir, ".icloud-pull-newer", "mine");
	file_sweep(-1); /* harmless */
}

static void
says_a_full_disk(void **state)
{
	struct place *p = *state;
	struct rlimit limit = {4096, 4096};
	struct err e = ERR_INIT;
	pid_t pid;
	int status;

	/* A limit on the size of files stands for a volume's (EFBIG). */
	put(p->dir, "kept", "old");
	pid = fork();
	if (pid == 0) {
		char *big = xcalloc(1, 100000);

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
			_exit(8);
		if (file_write_whole(p->dir, "kept", big, 100000, 0600, &e) !=
		    -1)
			_exit(7);
		_exit(e.code == ERR_TOO_LARGE ? 0 : 6);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_holds(p->dir, "kept", "old");
	assert_int_equal(entries(p->dir), 1);
}

static void
reads_whole(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	struct buf b;
	char big[40000];
	int fd;

	buf_init(&b, 20);
	assert_int_equal(file_read_whole(&b, p->dir, "absent", &e), 1);
	assert_int_equal(file_read_whole(&b, p->dir, "no/absent", &e), 1);
	assert_int_equal(e.code, ERR_NONE);
	put(p->dir, "small", "0123456789");
	buf_adds(&b, "kept ");
	assert_int_equal(file_read_whole(&b, p->dir, "small", &e), 0);
	assert_string_equal(buf_text(&b), "kept 0123456789");
	assert_int_equal(file_read_whole(&b, p->dir, "small", &e), -1);
	assert_int_equal(e.code, ERR_BAD_STATE);
	assert_string_equal(buf_text(&b), "kept 0123456789");
	buf_clear(&b);
	buf_init(&b, 0);
	memset(big, 'b', sizeof(big));
	assert_int_equal(
	    file_write_whole(p->dir, "big", big, sizeof(big), 0600, &e), 0);
	assert_int_equal(file_read_whole(&b, p->dir, "big", &e), 0);
	assert_int_equal(b.len, sizeof(big));
	assert_memory_equal(b.data, big, sizeof(big));
	buf_reset(&b);
	/* Neither a folder nor a pipe without a writer is waited for. */
	assert_int_equal(file_mkdirs(p->dir, "folder"), 0);
	assert_int_equal(file_read_whole(&b, p->dir, "folder", &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	assert_int_equal(mkfifoat(p->dir, "pipe", 0600), 0);
	assert_int_equal(file_read_whole(&b, p->dir, "pipe", &e), -1);
	assert_int_equal(file_read_whole(&b, p->dir, "small/x", &e), -1);
	buf_clear(&b);
	fd = file_open(p->dir, "small", O_RDONLY, 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(file_sync(fd, true), 0);
	close(fd);
}

static void
renames_without_overwriting(void **state)
{
	struct place *p = *state;
	int how;

	assert_int_equal(file_mkdirs(p->dir, "a"), 0);
	assert_int_equal(file_mkdirs(p->dir, "b"), 0);
	for (how = FILE_RENAME_EXCLUSIVE; how <= FILE_RENAME_CHECK; how++) {
		put(p->dir, "a/from", "new");
		put(p->dir, "b/to", "old");
		errno = 0;
		assert_int_equal(file_rename_new(p->dir, "a/from", "b/to",
				     (enum file_rename)how),
		    -1);
		assert_int_equal(errno, EEXIST);
		assert_holds(p->dir, "a/from", "new");
		assert_holds(p->dir, "b/to", "old");
		/* A dangling link is there, too. */
		assert_int_equal(symlinkat("nowhere", p->dir, "b/dangling"), 0);
		assert_int_equal(file_rename_new(p->dir, "a/from", "b/dangling",
				     (enum file_rename)how),
		    -1);
		assert_int_equal(errno, EEXIST);
		assert_int_equal(file_unlink(p->dir, "b/dangling"), 0);
		assert_int_equal(file_unlink(p->dir, "b/to"), 0);
		assert_int_equal(file_rename_new(p->dir, "a/from", "b/to",
				     (enum file_rename)how),
		    0);
		assert_holds(p->dir, "b/to", "new");
		errno = 0;
		assert_int_equal(file_rename_new(p->dir, "a/from", "b/other",
				     (enum file_rename)how),
		    -1);
		assert_int_equal(errno, ENOENT);
		assert_int_equal(file_rename_new(p->dir, "b/to", "no/to",
				     (enum file_rename)how),
		    -1);
		assert_int_equal(errno, ENOENT);
		/* A folder has no hard links: the next way is taken. */
		assert_int_equal(
		    file_rename_new(p->dir, "a", "c", (enum file_rename)how),
		    0);
		assert_int_equal(file_rename_over(p->dir, "c", "a"), 0);
		assert_int_equal(file_unlink(p->dir, "b/to"), 0);
	}
	put(p->dir, "a/from", "new");
	put(p->dir, "b/to", "old");
	assert_int_equal(file_rename_over(p->dir, "a/from", "b/to"), 0);
	assert_holds(p->dir, "b/to", "new");
	assert_int_equal(file_unlink(p->dir, "a/from"), -1);
}

static void
probes_the_volume(void **state)
{
	struct place *p = *state;
	struct file_volume v;
	struct err e = ERR_INIT;
	bool clones = true;

	assert_int_equal(file_mkdirs(p->dir, "sub"), 0);
	assert_int_equal(file_probe(&v, p->dir, "sub", &e), 0);
#ifdef __linux__
	assert_int_equal(v.rename, FILE_RENAME_EXCLUSIVE);
	assert_true(v.hard_links && v.symlinks && v.modes);
	assert_false(v.ignores_case);
#endif
	assert_int_equal(file_probe(&v, p->dir, ".", &e), 0);
	assert_int_equal(entries(p->dir), 1);
	assert_int_equal(file_unlink(p->dir, "sub/x"), -1);
	assert_int_equal(file_probe_clones(&clones, p->dir, "sub", &e), 0);
	assert_int_equal(entries(p->dir), 1);
	assert_int_equal(unlinkat(p->dir, "sub", AT_REMOVEDIR), 0);
	clones = true;
	assert_int_equal(file_probe_clones(&clones, p->dir, "sub", &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	assert_false(clones);
	err_clear(&e);
	assert_int_equal(file_mkdirs(p->dir, "sub"), 0);
	assert_int_equal(file_probe(&v, p->dir, "absent", &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	assert_int_equal(v.rename, FILE_RENAME_CHECK);
}

static void
tells_the_space(void **state)
{
	struct place *p = *state;
	int64_t free_bytes = -1, total_bytes = -1;

	assert_int_equal(file_space(&free_bytes, &total_bytes, p->dir), 0);
	assert_true(free_bytes >= 0 && total_bytes >= free_bytes);
	assert_int_equal(file_space(&free_bytes, &total_bytes, -1), -1);
}

static void
locks_one_at_a_time(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	char *path = xasprintf("%s/lock", p->path);
	int64_t start;
	int fd, status;
	pid_t pid;

	fd = file_lock(path, "process 17, sync", 0, &e);
	assert_true(fd != -1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	/* Another description of the same file is another holder. */
	assert_int_equal(file_lock(path, "other", 0, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_non_null(strstr(e.what, "process 17, sync"));
	start = clock_mono_ms();
	assert_int_equal(file_lock(path, "other", 60, &e), -1);
	assert_true(clock_mono_ms() - start >= 60);
	assert_holds(p->dir, "lock", "process 17, sync");
	/* Nobody waits who is to stop. */
	stop_set(true);
	assert_int_equal(file_lock(path, "other", 60000, &e), -1);
	assert_int_equal(e.code, ERR_INTERRUPTED);
	stop_set(false);
	/* A lock that is let go while one waits is had. */
	pid = fork();
	if (pid == 0) {
		close(fd); /* else the child holds it, too */
		_exit(file_lock(path, "child", 10000, &e) != -1 ? 0 : 1);
	}
	(void)poll(NULL, 0, 30);
	file_unlock(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	/* The child is gone without a word; its lock with it. */
	fd = file_lock(path, "x", 0, &e);
	assert_true(fd != -1);
	assert_holds(p->dir, "lock", "x");
	file_unlock(fd);
	assert_holds(p->dir, "lock", "");
	assert_int_equal(file_unlink(p->dir, "lock"), 0);
	path[strlen(path) - 5] = '\0';
	assert_int_equal(file_lock(path, "x", 0, &e), -1);
	assert_int_equal(e.code, ERR_DISK);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    TEST(refuses_what_is_no_path),
	    TEST(gives_the_parent),
	    TEST(follows_no_link),
	    TEST(makes_folders),
	    TEST(writes_whole),
	    TEST(sweeps_what_was_left),
	    TEST(says_a_full_disk),
	    TEST(reads_whole),
	    TEST(renames_without_overwriting),
	    TEST(probes_the_volume),
	    TEST(tells_the_space),
	    TEST(locks_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
