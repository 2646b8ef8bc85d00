#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "opt.h"

#define LEN(a)    (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX 12

static char folder[] = "/tmp/test_opt.XXXXXX";
static char config[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(config, sizeof(config), "%s/config", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(config);
	return rmdir(folder);
}

static void
write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
assert_file(const char *path, const char *text)
{
	char got[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

/* Words divided by '|', as from a shell.  getopt remembers where it stood, so
 * that words once given stay as they are. */
static int
read_words(struct options *out, const char **command, const char *words,
    const char *path, struct err *e)
{
	static char copies[256][128];
	static size_t used;
	char *argv[WORDS_MAX + 2] = {(char[]){"icloud-pull"}}, *p;
	int argc = 1;

	assert_true(used < LEN(copies));
	p = copies[used++];
	snprintf(p, sizeof(copies[0]), "%s", words);
	while (*words != '\0' && argc <= WORDS_MAX && p != NULL)
		argv[argc++] = strsep(&p, "|");
	err_clear(e);
	return opt_read(out, command, argc, argv, path, e);
}

static void
has_its_defaults(void **state)
{
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	assert_int_equal(read_words(&o, &command, "", config, &e), 0);
	assert_null(command);
	assert_int_equal(o.jobs, 8);
	assert_int_equal(o.file_mode, 0444);
	assert_int_equal(o.limit_rate, 0);
	assert_int_equal(o.sms, 0);
	assert_null(o.root);
	assert_null(o.layout);
	assert_false(o.json || o.quiet || o.dry_run || o.strict || o.help);
	opt_clear(&o);
	opt_clear(&o);
}

static void
reads_the_command_line(void **state)
{
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	assert_int_equal(read_words(&o, &command,
			     "--root|/mnt/photos|--json|sync|-nqvv|-j|4|"
			     "--limit-rate=1.5M|--file-mode=0600|--strict",
			     config, &e),
	    0);
	assert_string_equal(command, "sync");
	assert_string_equal(o.root, "/mnt/photos");
	assert_true(o.json && o.dry_run && o.quiet && o.strict);
	assert_int_equal(o.verbose, 2);
	assert_int_equal(o.jobs, 4);
	assert_int_equal(o.limit_rate, 1500000);
	assert_int_equal(o.file_mode, 0600);
	opt_clear(&o);

	/* the last one counts; more of -v is no more */
	assert_int_equal(read_words(&o, &command,
			     "--root=a|--root=b|-vvvv|--|login", config, &e),
	    0);
	assert_string_equal(o.root, "b");
	assert_string_equal(command, "login");
	assert_int_equal(o.verbose, 2);
	opt_clear(&o);

	assert_int_equal(
	    read_words(&o, &command, "login|--sms", config, &e), 0);
	assert_int_equal(o.sms, 1);
	opt_clear(&o);
	assert_int_equal(
	    read_words(&o, &command, "login|--sms=3", config, &e), 0);
	assert_int_equal(o.sms, 3);
	opt_clear(&o);
}

static void
refuses_wrong_usage(void **state)
{
	static const struct {
		const char *words, *what; /* what: a part of the sentence */
	} table[] = {
	    {"--bogus", "\"--bogus\""},
	    {"sync|--bogus=3", "\"--bogus=3\""},
	    {"-x", "\"-x\""},
	    {"--root", "\"--root\" needs a value"},
	    {"-j", "\"-j\" needs a value"},
	    {"--root=", "not a value for --root"},
	    {"--json=yes", "--json takes no value"},
	    {"sync|verify", "\"verify\" is one word too many"},
	    {"login|--sms|2", "\"2\" is one word too many"},
	    {"-j|0", "\"0\" is not a value for --jobs"},
	    {"-j|33", "--jobs"},
	    {"-j|-1", "--jobs"},
	    {"-j|4x", "--jobs"},
	    {"-j| 4", "--jobs"},
	    {"-j|99999999999999999999", "--jobs"},
	    {"--limit-rate=fast", "--limit-rate"},
	    {"--limit-rate=-1", "--limit-rate"},
	    {"--limit-rate=9223372036854775808", "--limit-rate"},
	    {"--file-mode=888", "--file-mode"},
	    {"--file-mode=044", "--file-mode"},
	    {"--file-mode=1777", "--file-mode"},
	    {"--file-mode=-444", "--file-mode"},
	    {"--file-mode=0444x", "--file-mode"},
	    {"--sms=0", "--sms"},
	    {"--sms=100", "--sms"},
	    {"--sms=", "--sms"},
	    {"--connect-to=127.0.0.1:1", "only together with --ca-file"},
	    {"--config=/nowhere/at/all", "/nowhere/at/all"},
	    {"sync|--config=/nowhere/at/all", "/nowhere/at/all"},
	    /* last: getopt stands within a group */
	    {"-qxv", "\"-x\""},
	};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		if (read_words(&o, &command, table[i].words, config, &e) != -1)
			fail_msg("taken: %s", table[i].words);
		opt_clear(&o);
		if (e.code != ERR_USAGE ||
		    strstr(e.what, table[i].what) == NULL)
			fail_msg("%s: %s", table[i].words, e.what);
	}
}

/* Asking for help needs no sound configuration. */
static void
helps_whatever_is_wrong(void **state)
{
	static const char *const words[] = {
	    "--help", "-h", "--version", "-V", "sync|--help"};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	write_file(config, "nonsense\n", 9);
	setenv("ICLOUD_PULL_JOBS", "many", 1);
	for (size_t i = 0; i < LEN(words); i++) {
		assert_int_equal(
		    read_words(&o, &command, words[i], config, &e), 0);
		assert_true(o.help || o.version);
		opt_clear(&o);
	}
	unsetenv("ICLOUD_PULL_JOBS");
	unlink(config);
}

static void
keeps_scopes_apart(void **state)
{
	static const struct {
		const char *words;
		enum opt_scope scope;
		int rc;
	} table[] = {
	    {"--json|--root=x", OPT_LOGIN, 0},
	    {"--jobs=3", OPT_SYNC, 0},
	    {"--jobs=3", OPT_VERIFY, -1},
	    {"--stdin", OPT_LOGIN, 0},
	    {"--stdin", OPT_SYNC, -1},
	    {"--code|--jobs=3", OPT_LOGIN, -1},
	    {"--gaps", OPT_STATUS, 0},
	    {"--gaps", OPT_GLOBAL, -1},
	};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		assert_int_equal(
		    read_words(&o, &command, table[i].words, config, &e), 0);
		assert_int_equal(
		    opt_check_scope(&o, table[i].scope, &e), table[i].rc);
		assert_int_equal(
		    e.code, table[i].rc == 0 ? ERR_NONE : ERR_USAGE);
		opt_clear(&o);
	}
	/* Settings for another command are nobody's fault. */
	setenv("ICLOUD_PULL_JOBS", "3", 1);
	assert_int_equal(read_words(&o, &command, "", config, &e), 0);
	assert_int_equal(opt_check_scope(&o, OPT_LOGIN, &e), 0);
	opt_clear(&o);
	unsetenv("ICLOUD_PULL_JOBS");
}

/* Command line beats environment beats file. */
static void
weighs_its_sources(void **state)
{
	static const char text[] = "root = /file\n"
				   "account = file@example.com\n"
				   "jobs = 5\n"
				   "strict = yes\n"
				   "verbose = 2\n";
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	write_file(config, text, strlen(text));
	setenv("ICLOUD_PULL_ROOT", "/environment", 1);
	setenv("ICLOUD_PULL_ACCOUNT", "env@example.com", 1);
	setenv("ICLOUD_PULL_DRY_RUN", "yes", 1);
	setenv("ICLOUD_PULL_STRICT", "no", 1);
	assert_int_equal(
	    read_words(&o, &command, "--root=/line|-v", config, &e), 0);
	assert_string_equal(o.root, "/line");
	assert_string_equal(o.account, "env@example.com");
	assert_int_equal(o.jobs, 5);
	assert_true(o.dry_run);
	assert_false(o.strict);
	assert_int_equal(o.verbose, 1);
	opt_clear(&o);

	/* A file named in the environment, and one named on the line. */
	setenv("ICLOUD_PULL_CONFIG", config, 1);
	assert_int_equal(read_words(&o, &command, "", "/nowhere", &e), 0);
	assert_int_equal(o.jobs, 5);
	opt_clear(&o);
	assert_int_equal(
	    read_words(&o, &command, "--config=/nowhere", NULL, &e), -1);
	opt_clear(&o);

	/* What is only for the command line is not looked for elsewhere. */
	setenv("ICLOUD_PULL_HELP", "yes", 1);
	setenv("ICLOUD_PULL_STDIN", "yes", 1);
	assert_int_equal(read_words(&o, &command, "", NULL, &e), 0);
	assert_false(o.help || o.from_stdin);
	opt_clear(&o);

	setenv("ICLOUD_PULL_STRICT", "perhaps", 1);
	assert_int_equal(read_words(&o, &command, "", config, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_non_null(strstr(e.what, "ICLOUD_PULL_STRICT"));
	opt_clear(&o);
	unsetenv("ICLOUD_PULL_ROOT");
	unsetenv("ICLOUD_PULL_ACCOUNT");
	unsetenv("ICLOUD_PULL_DRY_RUN");
	unsetenv("ICLOUD_PULL_STRICT");
	unsetenv("ICLOUD_PULL_CONFIG");
	unsetenv("ICLOUD_PULL_HELP");
	unsetenv("ICLOUD_PULL_STDIN");
	unlink(config);
}

/* A file that is absent is empty; one that was named must be there, but for
 * login, which writes it. */
static void
bears_an_absent_file(void **state)
{
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	assert_int_equal(
	    read_words(&o, &command, "", "/nowhere/at/all", &e), 0);
	opt_clear(&o);
	assert_int_equal(read_words(&o, &command, "", NULL, &e), 0);
	opt_clear(&o);
	assert_int_equal(
	    read_words(&o, &command, "login|--config=/nowhere", NULL, &e), 0);
	assert_string_equal(o.config, "/nowhere");
	opt_clear(&o);
	/* What is there and no file is an error for all. */
	assert_int_equal(read_words(&o, &command, "", folder, &e), -1);
	opt_clear(&o);
}

static void
reads_the_file(void **state)
{
	static const struct {
		const char *text, *root, *command;
		int jobs;
	} table[] = {
	    {"", NULL, NULL, 8},
	    {"\n\n  \n\t\n", NULL, NULL, 8},
	    {"root = /a\n", "/a", NULL, 8},
	    {"root=/a", "/a", NULL, 8},
	    {"  root\t=\t/a b \t\r\njobs = 3\r\n", "/a b", NULL, 3},
	    {"\xEF\xBB\xBFjobs = 3\n", NULL, NULL, 3},
	    {"# root = /no\n; root = /no\n   # jobs = no\njobs = 3\n", NULL,
		NULL, 3},
	    /* a line that begins with blanks is a line of its own */
	    {"root = /a\n  jobs = 3\n", "/a", NULL, 3},
	    /* a value goes to the end of its line */
	    {"password-command = pass a ; echo b # c = d\n", NULL,
		"pass a ; echo b # c = d", 8},
	    {"root = /a=b:c\n", "/a=b:c", NULL, 8},
	    {"root = [a]\n", "[a]", NULL, 8},
	    {"root = \xe5\x81\x87\n", "\xe5\x81\x87", NULL, 8},
	};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		write_file(config, table[i].text, strlen(table[i].text));
		if (read_words(&o, &command, "", config, &e) != 0)
			fail_msg("row %zu: %s", i, e.what);
		if (table[i].root != NULL)
			assert_string_equal(o.root, table[i].root);
		else
			assert_null(o.root);
		if (table[i].command != NULL)
			assert_string_equal(
			    o.password_command, table[i].command);
		assert_int_equal(o.jobs, table[i].jobs);
		opt_clear(&o);
	}
	unlink(config);
}

/* Errors as file:line. */
static void
names_the_line_at_fault(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *what;
	} table[] = {
	    {"bogus = 1\n", 1, "no setting \"bogus\""},
	    {"\n# x\n\nbogus = 1\n", 4, "no setting \"bogus\""},
	    /* no password in the file */
	    {"password = x\n", 1, "no setting \"password\""},
	    {"config = x\n", 1, "no setting \"config\""},
	    {"help = yes\n", 1, "no setting \"help\""},
	    {"stdin = yes\n", 1, "no setting \"stdin\""},
	    {"= x\n", 1, "no setting \"\""},
	    {"Root = /a\n", 1, "no setting \"Root\""},
	    {"--root = /a\n", 1, "no setting \"--root\""},
	    {"root = /a\n[sync]\n", 2, "no [sections]"},
	    {"[sync = a]\n", 1, "no [sections]"},
	    {"root = /a\nroot\n", 2, "not understood"},
	    {"root /a\n", 1, "not understood"},
	    {"root : /a\n", 1, "not understood"},
	    {"root =\n", 1, "\"\" is not a value for root"},
	    {"jobs = 3\njobs = 4\n", 2, "second time"},
	    {"jobs = 3\n\njobs = 99\n", 3, "second time"},
	    {"jobs = 99\n", 1, "\"99\" is not a value for jobs"},
	    {"jobs = 8 # night\n", 1, "not a value for jobs"},
	    {"json = maybe\n", 1, "not a value for json"},
	    {"verbose = 3\n", 1, "not a value for verbose"},
	};
	struct options o;
	const char *command;
	struct err e;
	char where[96];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		write_file(config, table[i].text, strlen(table[i].text));
		if (read_words(&o, &command, "", config, &e) != -1)
			fail_msg("taken: %s", table[i].text);
		opt_clear(&o);
		snprintf(
		    where, sizeof(where), "%s:%d: ", config, table[i].line);
		if (e.code != ERR_USAGE || strstr(e.what, where) != e.what ||
		    strstr(e.what, table[i].what) == NULL)
			fail_msg("row %zu: %s", i, e.what);
	}
	unlink(config);
}

static void
refuses_what_is_too_long_or_no_text(void **state)
{
	struct options o;
	const char *command;
	struct err e;
	struct buf text = {0};

	(void)state;
	/* 4,096 bytes are a line, 4,097 are none. */
	for (int extra = 0; extra < 2; extra++) {
		buf_reset(&text);
		buf_adds(&text, "jobs = 3\nroot = /");
		for (int i = 0; i < 4088 + extra; i++)
			buf_addc(&text, 'a');
		buf_adds(&text, "\nstrict = yes\n");
		write_file(config, text.data, text.len);
		assert_int_equal(
		    read_words(&o, &command, "", config, &e), -extra);
		if (extra == 0) {
			assert_int_equal(strlen(o.root), 4089);
			assert_true(o.strict);
		} else {
			assert_non_null(strstr(e.what, ":2: a line may have"));
		}
		opt_clear(&o);
	}
	write_file(config, "jobs = 3\n\0jobs = x\n", 19);
	assert_int_equal(read_words(&o, &command, "", config, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	opt_clear(&o);

	buf_reset(&text);
	while (text.len <= 1 << 20)
		buf_adds(&text, "# a comment, again and again\n");
	write_file(config, text.data, text.len);
	assert_int_equal(read_words(&o, &command, "", config, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	opt_clear(&o);
	buf_clear(&text);
	unlink(config);
}

/* Every setting in the file and in the environment, as on the line. */
static void
takes_every_option_everywhere(void **state)
{
	static const struct {
		const char *name, *value;
	} table[] = {
	    {"root", "/a"},
	    {"account", "a@example.com"},
	    {"password-command", "pass x"},
	    {"json", "yes"},
	    {"quiet", "true"},
	    {"verbose", "1"},
	    {"ca-file", "/a.pem"},
	    {"dry-run", "1"},
	    {"jobs", "32"},
	    {"limit-rate", "500k"},
	    {"layout", "%Y"},
	    {"file-mode", "0400"},
	    {"strict", "no"},
	};
	struct options o;
	const char *command;
	struct err e;
	char line[64], name[64];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		snprintf(line, sizeof(line), "%s = %s\n", table[i].name,
		    table[i].value);
		write_file(config, line, strlen(line));
		if (read_words(&o, &command, "", config, &e) != 0)
			fail_msg("%s", e.what);
		opt_clear(&o);
		unlink(config);

		snprintf(name, sizeof(name), "ICLOUD_PULL_%s", table[i].name);
		for (char *p = name; *p != '\0'; p++)
			*p = *p == '-'  ? '_'
			    : *p >= 'a' ? (char)(*p - 'a' + 'A')
					: *p;
		setenv(name, table[i].value, 1);
		if (read_words(&o, &command, "", NULL, &e) != 0)
			fail_msg("%s", e.what);
		opt_clear(&o);
		setenv(name, "", 1);
		if (read_words(&o, &command, "", NULL, &e) != -1)
			fail_msg("%s: taken empty", name);
		opt_clear(&o);
		unsetenv(name);
	}
}

static void
helps_with_every_scope(void **state)
{
	static const char *const words[] = {
	    [OPT_GLOBAL] = "  -v, --verbose",
	    [OPT_LOGIN] = "      --sms[=N]",
	    [OPT_SYNC] = "  -j, --jobs N",
	    [OPT_STATUS] = "      --gaps",
	    [OPT_VERIFY] = "",
	};
	char *text;
	size_t n;

	(void)state;
	for (int i = 0; i < OPT_SCOPES; i++) {
		FILE *f = open_memstream(&text, &n);

		assert_non_null(f);
		opt_help(f, (enum opt_scope)i);
		assert_int_equal(fclose(f), 0);
		assert_non_null(strstr(text, words[i]));
		free(text);
	}
}

/* ---- writing ---- */

static void
sets_what_is_not_set(void **state)
{
	static const struct {
		const char *before, *name, *value;
		int rc;
		const char *after; /* NULL: as before */
	} table[] = {
	    {"", "root", "/a", 0, "root = /a\n"},
	    {"# mine\n\njobs = 3\n", "root", "/a b", 0,
		"# mine\n\njobs = 3\nroot = /a b\n"},
	    {"jobs = 3", "root", "/a", 0, "jobs = 3\nroot = /a\n"},
	    {"jobs = 3\r\n", "root", "/a", 0, "jobs = 3\r\nroot = /a\n"},
	    /* set already: left, to the byte */
	    {"root = /a\n", "root", "/a", 0, NULL},
	    {"  root\t=\t/a \r\n", "root", "/a", 0, NULL},
	    {"root = /b\n", "root", "/a", 1, NULL},
	    {"root = /a b\n", "root", "/a", 1, NULL},
	    {"root = /ab", "root", "/a", 1, NULL},
	    {"jobs = 3\nroot=/b", "root", "/a", 1, NULL},
	    /* a comment and a longer name set nothing */
	    {"# root = /b\n", "root", "/a", 0, "# root = /b\nroot = /a\n"},
	    {"roots = /b\n", "root", "/a", 0, "roots = /b\nroot = /a\n"},
	    {"layout = root = /b\n", "root", "/a", 0,
		"layout = root = /b\nroot = /a\n"},
	    /* what would not be read back is not written */
	    {"", "root", "", -1, NULL},
	    {"", "root", "/a\nca-file = /b", -1, NULL},
	    {"", "root", "/a\rb", -1, NULL},
	    {"", "root", "/a ", -1, NULL},
	    {"", "root", " /a", -1, NULL},
	    {"", "root", "/a\t", -1, NULL},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		write_file(config, table[i].before, strlen(table[i].before));
		err_clear(&e);
		if (opt_config_set(config, table[i].name, table[i].value, &e) !=
		    table[i].rc)
			fail_msg("row %zu: %s", i, e.what);
		assert_file(config,
		    table[i].after != NULL ? table[i].after : table[i].before);
		assert_int_equal(
		    e.code, table[i].rc == -1 ? ERR_USAGE : ERR_NONE);
	}
	unlink(config);
}

/* What login writes is what the next run reads, however long the path. */
static void
reads_what_it_wrote(void **state)
{
	struct options o;
	const char *command;
	struct err e;
	char root[4200];

	(void)state;
	root[0] = '/';
	for (size_t n = 1; n < sizeof(root) - 1; n += 97) {
		memset(root + 1, 'a', n);
		root[n + 1] = '\0';
		unlink(config);
		err_clear(&e);
		if (opt_config_set(config, "root", root, &e) == -1) {
			assert_true(n > 4000);
			assert_int_equal(access(config, F_OK), -1);
			continue;
		}
		assert_int_equal(read_words(&o, &command, "", config, &e), 0);
		assert_string_equal(o.root, root);
		opt_clear(&o);
	}
	unlink(config);
}

static void
makes_the_folder(void **state)
{
	char path[128], dir[96];
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/new", folder);
	snprintf(path, sizeof(path), "%s/deep/config", dir);
	assert_int_equal(opt_config_set(path, "root", "/a", &e), 0);
	assert_file(path, "root = /a\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0133, 0);
	unlink(path);
	path[strlen(path) - strlen("/config")] = '\0';
	rmdir(path);
	rmdir(dir);

	/* By a path from here: made in place, or refused; never a crash. */
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(opt_config_set("config", "root", "/a", &e), 0);
	assert_file(config, "root = /a\n");
	assert_int_equal(
	    opt_config_set("not/there/config", "root", "/a", &e), -1);
	assert_int_equal(chdir("/"), 0);
	unlink(config);
}

/* A file that others may not read stays so; a link stays a link. */
static void
keeps_mode_and_link(void **state)
{
	char link[96];
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	write_file(config, "jobs = 3\n", 9);
	assert_int_equal(chmod(config, 0600), 0);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink("config", link), 0);
	assert_int_equal(opt_config_set(link, "root", "/a", &e), 0);
	assert_file(config, "jobs = 3\nroot = /a\n");
	assert_int_equal(stat(config, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(link);
	unlink(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_its_defaults),
	    cmocka_unit_test(reads_the_command_line),
	    cmocka_unit_test(helps_whatever_is_wrong),
	    cmocka_unit_test(keeps_scopes_apart),
	    cmocka_unit_test(weighs_its_sources),
	    cmocka_unit_test(bears_an_absent_file),
	    cmocka_unit_test(reads_the_file),
	    cmocka_unit_test(names_the_line_at_fault),
	    cmocka_unit_test(refuses_what_is_too_long_or_no_text),
	    cmocka_unit_test(takes_every_option_everywhere),
	    cmocka_unit_test(helps_with_every_scope),
	    cmocka_unit_test(sets_what_is_not_set),
	    cmocka_unit_test(reads_what_it_wrote),
	    cmocka_unit_test(makes_the_folder),
	    cmocka_unit_test(keeps_mode_and_link),
	    cmocka_unit_test(refuses_wrong_usage),
	};
	extern char **environ;

	/* The environment of whoever runs this is not part of it. */
	for (char **p = environ; *p != NULL;)
		if (strncmp(*p, "ICLOUD_PULL_", 12) == 0) {
			char name[128];

			snprintf(name, sizeof(name), "%.*s",
			    (int)strcspn(*p, "="), *p);
			unsetenv(name);
		} else {
			p++;
		}
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
