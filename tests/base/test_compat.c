#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat.h"

static void
gives_random_bytes(void **state)
{
	uint8_t a[1000], b[1000];
	size_t i, zeros = 0;

	(void)state;
	memset(a, 0, sizeof(a));
	compat_random(a, sizeof(a)); /* more than the system gives at once */
	compat_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	assert_true(zeros < 50);
	for (i = 744, zeros = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	assert_true(zeros < 25);
	compat_random(NULL, 0);
}

static void
names_the_machine(void **state)
{
	char a[64], b[64], small[8];

	(void)state;
	compat_machine(a, sizeof(a));
	compat_machine(b, sizeof(b));
	assert_string_equal(a, b);
	assert_string_not_equal(a, "");
	compat_machine(small, sizeof(small));
	assert_int_equal(strncmp(small, a, sizeof(small) - 1), 0);
}

static void
says_errors(void **state)
{
	char text[128];

	(void)state;
	assert_string_equal(
	    compat_strerror(text, sizeof(text), ENOENT), strerror(ENOENT));
	assert_string_not_equal(compat_strerror(text, sizeof(text), 54321), "");
}

static void
works_on_files(void **state)
{
	char path[] = "/tmp/test-compat-XXXXXX";
	int fd = mkstemp(path);
	int64_t free_bytes, total_bytes;
	struct stat st;

	(void)state;
	assert_true(fd != -1);
	compat_preallocate(fd, 100000);
	compat_preallocate(fd, 0);
	compat_preallocate(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0); /* room, not size */
	assert_true(ST_MTIM(st).tv_sec > 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(compat_sync(fd, false), 0);
	assert_int_equal(compat_sync(fd, true), 0);
	assert_int_equal(compat_set_birth_time(fd, -1500), 0);
	compat_exclude_from_backup(fd);
	compat_forget_cache(fd);
	assert_int_equal(compat_space(&free_bytes, &total_bytes, fd), 0);
	assert_true(total_bytes > 0);
	assert_false(compat_is_foreign_volume(fd));
	assert_false(compat_is_foreign_volume(-1));
	assert_int_equal(compat_sync(-1, true), -1);
	close(fd);
	unlink(path);
}

static void
leaves_no_core(void **state)
{
	struct rlimit limit;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		compat_protect_process();
#ifndef __SANITIZE_ADDRESS__
		if (getrlimit(RLIMIT_CORE, &limit) == -1 || limit.rlim_cur != 0)
			_exit(1);
#else
		(void)limit;
#endif
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Twice at once, and back, in any order; there may be nothing to hold. */
static void
stays_awake(void **state)
{
	uint32_t a = compat_stay_awake(), b = compat_stay_awake();

	(void)state;
	assert_true((a == 0) == (b == 0));
	assert_true(a == 0 || a != b);
	assert_true(a == 0 || compat_has_launchd());
	compat_may_sleep(a);
	compat_may_sleep(b);
	compat_may_sleep(0);
	assert_non_null(strstr(compat_timer_path(), "/usr/bin"));
}

/* Immutable where that is possible; set or not, twice is once. */
static void
makes_immutable(void **state)
{
	char name[] = "/tmp/compat.XXXXXX";
	int fd = mkstemp(name), other;
	bool locked;

	(void)state;
	assert_true(fd >= 0);
	compat_set_immutable(fd, true);
	compat_set_immutable(fd, true);
	other = open(name, O_WRONLY | O_CLOEXEC);
	locked = other == -1;
	assert_int_equal(compat_is_immutable(fd), locked);
	if (locked) {
		assert_int_equal(errno, EPERM);
		assert_int_equal(unlink(name), -1);
	} else {
		assert_int_equal(close(other), 0);
	}
	compat_set_immutable(fd, false);
	compat_set_immutable(fd, false);
	assert_false(compat_is_immutable(fd));
	assert_false(compat_is_immutable(-1));
	other = open(name, O_WRONLY | O_CLOEXEC);
	assert_true(other >= 0);
	assert_int_equal(close(other), 0);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(close(fd), 0);
	compat_set_immutable(-1, true);
	if (!locked)
		skip();
}

/* The same bytes in a file of its own, where the volume can; else nothing. */
static void
clones_or_leaves_nothing(void **state)
{
	char name[] = "/tmp/compat.XXXXXX", to[64], bytes[8] = "";
	int fd = mkstemp(name), out;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "bytes", 5), 5);
	snprintf(to, sizeof(to), "%s.clone", name);
	if (compat_clone(fd, AT_FDCWD, to) == 0) {
		out = open(to, O_RDONLY | O_CLOEXEC);
		assert_true(out >= 0);
		assert_int_equal(read(out, bytes, sizeof(bytes)), 5);
		assert_memory_equal(bytes, "bytes", 5);
		assert_int_equal(close(out), 0);
		assert_int_equal(compat_clone(fd, AT_FDCWD, to), -1);
		assert_int_equal(errno, EEXIST);
		assert_int_equal(unlink(to), 0);
	} else {
		assert_int_equal(unlink(to), -1);
		assert_int_equal(errno, ENOENT);
	}
	assert_int_equal(unlink(name), 0);
	assert_int_equal(close(fd), 0);
}

/* What was just written is in memory; an empty file has nothing there. */
static void
sees_what_is_in_memory(void **state)
{
	char name[] = "/tmp/compat.XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	assert_false(compat_is_cached(fd));
	assert_int_equal(write(fd, "bytes", 5), 5);
#ifdef __linux__
	if (!compat_is_cached(fd))
		print_message("# this volume does not tell\n");
#else
	assert_false(compat_is_cached(fd));
#endif
	assert_false(compat_is_cached(-1));
	assert_int_equal(unlink(name), 0);
	assert_int_equal(close(fd), 0);
}

/* Every limit is kept; a soft one below the hard one is raised. */
static void
counts_descriptors(void **state)
{
	static const struct {
		rlim_t soft, hard;
		int n;
	} table[] = {
	    {1024, 4096, 1024},
	    {64, 4096, 1024},
	    {64, 300, 300},
	    {64, 64, 64},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rlimit l = {table[i].soft, table[i].hard};
		struct rlimit before;

		assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
		if (before.rlim_max < table[i].hard)
			continue; /* no way up */
		l.rlim_max = before.rlim_max;
		if (table[i].hard < 4096)
			l.rlim_max = table[i].hard;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
		assert_int_equal(compat_descriptors(), table[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_random_bytes),
	    cmocka_unit_test(names_the_machine),
	    cmocka_unit_test(says_errors),
	    cmocka_unit_test(works_on_files),
	    cmocka_unit_test(leaves_no_core),
	    cmocka_unit_test(stays_awake),
	    cmocka_unit_test(makes_immutable),
	    cmocka_unit_test(clones_or_leaves_nothing),
	    cmocka_unit_test(sees_what_is_in_memory),
	    cmocka_unit_test(counts_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
