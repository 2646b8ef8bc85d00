#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "civil.h"
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
	static char copies[512][128];
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
	assert_int_equal(o.voice, 0);
	assert_int_equal(o.recent, 0);
	assert_int_equal(o.sample, 0);
	assert_int_equal(o.minutes, 0);
	assert_int_equal(o.given, 0);
	assert_null(o.root);
	assert_null(o.layout);
	assert_null(o.repair);
	assert_null(o.sidecar);
	assert_null(o.album_links);
	assert_null(o.operand);
	assert_false(o.json || o.quiet || o.dry_run || o.strict || o.help);
	assert_false(o.since.set || o.until.set || o.as_of.set);
	assert_int_equal(o.libraries.n + o.albums.n + o.skip.n, 0);
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
	    {"list|assets|files", "\"files\" is one word too many"},
	    {"list|-q|assets|--|files", "\"files\" is one word too many"},
	    {"list|--|assets|--json", "\"--json\" is one word too many"},
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
	    {"--voice=0", "--voice"},
	    {"--repair=", "--repair"},
	    {"--repair=everything",
		"\"everything\" is not a value for --repair"},
	    {"--repair=all,missing", "--repair"},
	    {"--repair=all missing", "--repair"},
	    {"--repair=al", "--repair"},
	    {"--sidecar=", "--sidecar"},
	    {"--sidecar=xml", "\"xml\" is not a value for --sidecar"},
	    {"--sidecar=none,xmp", "--sidecar"},
	    {"--albums=", "--albums"},
	    {"--albums=link", "\"link\" is not a value for --albums"},
	    {"--albums=none links", "--albums"},
	    {"--skip=", "--skip"},
	    {"--skip=live,", "--skip"},
	    {"--skip=,live", "--skip"},
	    {"--skip=live,,raw", "--skip"},
	    {"--skip=live raw", "--skip"},
	    {"--skip=Live", "--skip"},
	    {"--skip=liver", "--skip"},
	    {"--library=", "--library"},
	    {"--album|", "\"\" is not a value for --album"},
	    {"--idmsa-host=idmsa.example.com", "--idmsa-host"},
	    {"--completion=ksh", "--completion"},
	    {"--completion", "\"--completion\" needs a value"},
	    {"--recent=0", "--recent"},
	    {"--minutes=0", "--minutes"},
	    {"--minutes=1.5", "--minutes"},
	    {"--sample=0", "--sample"},
	    {"--sample=0.001", "--sample"},
	    {"--sample=1.234", "--sample"},
	    {"--sample=100.01", "--sample"},
	    {"--sample=1000", "--sample"},
	    {"--sample=5.", "--sample"},
	    {"--sample=.5", "--sample"},
	    {"--sample=5%%", "--sample"},
	    {"--sample=%", "--sample"},
	    {"--sample=-5", "--sample"},
	    {"--sample=5 %", "--sample"},
	    {"--sample=", "--sample"},
	    {"--since=", "--since"},
	    {"--since=24", "--since"},
	    {"--since=2024-13", "--since"},
	    {"--since=2024-00", "--since"},
	    {"--since=2023-02-29", "--since"},
	    {"--since=2024-7", "--since"},
	    {"--since=202407", "--since"},
	    {"--since=2024-07-", "--since"},
	    {"--since=2024-07-31T", "--since"},
	    {"--since=2024-07-31T12", "--since"},
	    {"--since=2024-07-31T24:00", "--since"},
	    {"--since=2024-07-31 12:00", "--since"},
	    /* the clock of the place has no zone */
	    {"--since=2024-07-31T12:00Z", "--since"},
	    {"--since=2024-07-31T12:00+02:00", "--since"},
	    {"--since=yesterday", "--since"},
	    {"--since=-999", "--since"},
	    {"--since=+99-07", "--since"},
	    {"--since=2024|--until=2023", "begins behind"},
	    {"--since=2024-07-31|--until=2024-07-30T23:59", "begins behind"},
	    /* names are written out */
	    {"--roo=x", "\"--roo=x\"; --root is meant?"},
	    {"--roo|x", "\"--roo\"; --root is meant?"},
	    {"--roo|--root", "\"--roo\"; --root is meant?"},
	    {"--jso", "--json is meant?"},
	    {"--sm=2", "--sms is meant?"},
	    {"--s", "\"--s\""},
	    {"--jso=yes", "--json takes no value"},
	    {"--no-json", "\"--no-json\""},
	    {"--password_command=x", "\"--password_command=x\""},
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
	static const char *const words[] = {"--help", "-h", "--version", "-V",
	    "sync|--help", "list|what|-h", "--completion=bash",
	    "sync|--completion|fish"};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	write_file(config, "nonsense\n", 9);
	setenv("ICLOUD_PULL_JOBS", "many", 1);
	for (size_t i = 0; i < LEN(words); i++) {
		assert_int_equal(
		    read_words(&o, &command, words[i], config, &e), 0);
		assert_true(o.help || o.version || o.completion != NULL);
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
	    {"--jobs=3", OPT_VERIFY, 0},
	    {"--jobs=3", OPT_LOGIN, -1},
	    {"--repair", OPT_SYNC, 0},
	    {"--repair", OPT_VERIFY, 0},
	    {"--repair", OPT_STATUS, -1},
	    {"--sample=5", OPT_VERIFY, 0},
	    {"--sample=5", OPT_LIST, -1},
	    {"--as-of=2024", OPT_LIST, 0},
	    {"--as-of=2024", OPT_SYNC, -1},
	    {"--as-of=2024", OPT_DOCTOR, -1},
	    {"--skip=live", OPT_SYNC, 0},
	    {"--skip=live", OPT_VERIFY, 0},
	    {"--skip=live", OPT_STATUS, -1},
	    {"-vq", OPT_DOCTOR, 0},
	    {"--completion=zsh", OPT_DOCTOR, 0},
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
	    /* no span of time can begin there */
	    {"since = +300000000-01-01T00:00\n", 1, "is not a value"},
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
	    {"limit-rate = 3\nlimit_rate = 3\n", 2, "second time"},
	    {"limit_rate = fast\n", 1, "not a value for limit_rate"},
	    {"_root = /a\n", 1, "no setting \"_root\""},
	    {"voice = 1\n", 1, "no setting \"voice\""},
	    {"save-password = yes\n", 1, "no setting \"save-password\""},
	    {"completion = bash\n", 1, "no setting \"completion\""},
	    {"gaps = yes\n", 1, "no setting \"gaps\""},
	    {"as_of = 2024\n", 1, "no setting \"as_of\""},
	    {"repair = yes\n", 1, "not a value for repair"},
	    {"skip = live\nskip = no\n", 2, "not a value for skip"},
	    {"library =\n", 1, "\"\" is not a value for library"},
	    {"since = 2024-13\n", 1, "not a value for since"},
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
	    {"notify-command", "mail -s x y"},
	    {"idmsa-host", "idmsa.apple.com.cn"},
	    {"library", "PrimarySync"},
	    {"album", "A, b"},
	    {"since", "2024"},
	    {"until", "2024-07-31"},
	    {"recent", "1000"},
	    {"skip", "live,raw"},
	    {"scheduled", "yes"},
	    {"lock-files", "yes"},
	    {"repair", "missing"},
	    {"sample", "0.5%"},
	    {"minutes", "30"},
	    /* '_' does for '-' */
	    {"password_command", "pass x"},
	    {"limit_rate", "500k"},
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

/* The span of time that a date names, to just behind its end. */
static void
reads_dates(void **state)
{
	static const struct {
		const char *value, *from, *to;
	} table[] = {
	    {"2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
	    {"1969", "1969-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
	    {"9999", "9999-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"},
	    {"0000", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	    {"2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
	    {"2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"},
	    {"2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
	    {"2024-12-31", "2024-12-31T00:00:00Z", "2025-01-01T00:00:00Z"},
	    {"+12024-12-31", "+12024-12-31T00:00:00Z",
		"+12025-01-01T00:00:00Z"},
	    {"2024-07-31T23:59", "2024-07-31T23:59:00Z",
		"2024-08-01T00:00:00Z"},
	    {"2024-07-31T23:59:58", "2024-07-31T23:59:58Z",
		"2024-07-31T23:59:59Z"},
	};
	struct options o;
	const char *command;
	struct err e;
	char words[64], iso[40];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		snprintf(words, sizeof(words), "--since=%s", table[i].value);
		if (read_words(&o, &command, words, NULL, &e) != 0)
			fail_msg("%s", e.what);
		assert_true(o.since.set);
		assert_string_equal(
		    civil_iso(iso, o.since.from_ms), table[i].from);
		assert_string_equal(civil_iso(iso, o.since.to_ms), table[i].to);
		opt_clear(&o);
	}
	/* One day can be asked for. */
	assert_int_equal(read_words(&o, &command,
			     "--since=2024-07-31|--until=2024-07-31", NULL, &e),
	    0);
	opt_clear(&o);
}

static void
reads_shares(void **state)
{
	static const struct {
		const char *value;
		int hundredths;
	} table[] = {
	    {"5%", 500},
	    {"5", 500},
	    {"0.25%", 25},
	    {"0.5", 50},
	    {"0.01", 1},
	    {"99.99%", 9999},
	    {"100", 10000},
	    {"100.00%", 10000},
	    {"005", 500},
	};
	struct options o;
	const char *command;
	struct err e;
	char words[64];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		snprintf(words, sizeof(words), "--sample=%s", table[i].value);
		if (read_words(&o, &command, words, NULL, &e) != 0)
			fail_msg("%s", e.what);
		assert_int_equal(o.sample, table[i].hundredths);
		opt_clear(&o);
	}
}

/* The elements, divided by '|'. */
static void
assert_list(const struct opt_list *l, const char *want)
{
	struct buf got = {0};

	for (size_t i = 0; i < l->n; i++)
		buf_addf(&got, "%s%s", i > 0 ? "|" : "", l->at[i]);
	assert_string_equal(buf_text(&got), want);
	buf_clear(&got);
}

/* Words of a fixed list may stand in one value, a name has commas of its own;
 * a stronger source replaces a weaker one's list. */
static void
reads_lists(void **state)
{
	static const char text[] = "library = A, B\n"
				   "skip = raw\n"
				   "library = C\n"
				   "skip = hidden,trashed\n";
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	assert_int_equal(read_words(&o, &command,
			     "--skip=live,raw|--skip|edited|--album=a,b|"
			     "--album|c|--library=--json",
			     NULL, &e),
	    0);
	assert_list(&o.skip, "live|raw|edited");
	assert_list(&o.albums, "a,b|c");
	assert_list(&o.libraries, "--json");
	opt_clear(&o);
	opt_clear(&o);

	write_file(config, text, strlen(text));
	assert_int_equal(read_words(&o, &command, "", config, &e), 0);
	assert_list(&o.libraries, "A, B|C");
	assert_list(&o.skip, "raw|hidden|trashed");
	opt_clear(&o);

	setenv("ICLOUD_PULL_LIBRARY", "D, E", 1);
	assert_int_equal(
	    read_words(&o, &command, "--skip=video", config, &e), 0);
	assert_list(&o.libraries, "D, E");
	assert_list(&o.skip, "video");
	opt_clear(&o);
	unsetenv("ICLOUD_PULL_LIBRARY");
	unlink(config);
}

/* Without a value the first of its words; never the word that follows. */
static void
reads_what_may_have_a_value(void **state)
{
	static const struct {
		const char *words, *repair, *operand;
		int sms;
	} table[] = {
	    {"verify|--repair", "all", NULL, 0},
	    {"verify|--repair=missing", "missing", NULL, 0},
	    {"verify|--repair=all|--repair=damaged", "damaged", NULL, 0},
	    {"verify|--repair=missing|--repair", "all", NULL, 0},
	    {"verify|--repair|missing", "all", "missing", 0},
	    {"login|--sms|2", NULL, "2", 1},
	    {"login|--sms=2", NULL, NULL, 2},
	};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		assert_int_equal(
		    read_words(&o, &command, table[i].words, NULL, &e), 0);
		if (table[i].repair != NULL)
			assert_string_equal(o.repair, table[i].repair);
		else
			assert_null(o.repair);
		if (table[i].operand != NULL)
			assert_string_equal(o.operand, table[i].operand);
		else
			assert_null(o.operand);
		assert_int_equal(o.sms, table[i].sms);
		opt_clear(&o);
	}
}

/* Options may stand before, between and behind the words; a value that looks
 * like an option is still a value, and its option is not one cut short. */
static void
tells_words_from_options(void **state)
{
	static const struct {
		const char *words, *command, *operand, *root;
		bool json;
	} table[] = {
	    {"", NULL, NULL, NULL, false},
	    {"--json|list|assets|--root|/a", "list", "assets", "/a", true},
	    {"list|--root|/a|assets", "list", "assets", "/a", false},
	    {"--root|--json|list", "list", NULL, "--json", false},
	    {"--root|--root|list", "list", NULL, "--root", false},
	    {"--root=--json|list", "list", NULL, "--json", false},
	    {"--root|-q|--json", NULL, NULL, "-q", true},
	    {"--root|--|list", "list", NULL, "--", false},
	    {"list|--|--json", "list", "--json", NULL, false},
	    {"-|--json", "-", NULL, NULL, true},
	    {"|", "", "", NULL, false},
	    {"list|", "list", "", NULL, false},
	    {"-qj4|sync|--json", "sync", NULL, NULL, true},
	};
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		if (read_words(&o, &command, table[i].words, NULL, &e) != 0)
			fail_msg("%s: %s", table[i].words, e.what);
		if (table[i].command != NULL)
			assert_string_equal(command, table[i].command);
		else
			assert_null(command);
		if (table[i].operand != NULL)
			assert_string_equal(o.operand, table[i].operand);
		else
			assert_null(o.operand);
		if (table[i].root != NULL)
			assert_string_equal(o.root, table[i].root);
		else
			assert_null(o.root);
		assert_int_equal(o.json, table[i].json);
		opt_clear(&o);
	}
}

/* What stood on the command line, and nothing else. */
static void
knows_what_was_given(void **state)
{
	struct options o;
	const char *command;
	struct err e;

	(void)state;
	setenv("ICLOUD_PULL_ALBUM", "a", 1);
	assert_int_equal(
	    read_words(&o, &command, "--skip=raw|-n|--as-of=2024", NULL, &e),
	    0);
	assert_true(opt_given(&o, "skip"));
	assert_true(opt_given(&o, "library since skip"));
	assert_true(opt_given(&o, "dry-run"));
	/* the last of the table has its bit too */
	assert_true(opt_given(&o, "as-of"));
	assert_false(opt_given(&o, "library since until"));
	assert_false(opt_given(&o, "album"));
	assert_false(opt_given(&o, "ski skipp"));
	assert_false(opt_given(&o, ""));
	opt_clear(&o);
	unsetenv("ICLOUD_PULL_ALBUM");
}

static void
finds_a_word_in_words(void **state)
{
	static const struct {
		const char *words, *value;
		bool is;
	} table[] = {
	    {"live raw edited", "live", true},
	    {"live raw edited", "raw", true},
	    {"live raw edited", "edited", true},
	    {"live", "live", true},
	    {"live raw edited", "liv", false},
	    {"live raw edited", "lives", false},
	    {"live raw edited", "ive", false},
	    {"live raw edited", "live raw", false},
	    {"live raw edited", " ", false},
	    {"live raw edited", "", false},
	    {"", "live", false},
	    {"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++)
		if (opt_is_word(table[i].words, table[i].value) != table[i].is)
			fail_msg("row %zu", i);
}

static void
each_of_scope(void *arg, const struct opt_info *o)
{
	struct buf *b = arg;
	bool list = o->again && o->words != NULL;

	assert_true(strlen(o->help) > 0);
	assert_true(o->arg != NULL || (o->words == NULL && !o->value_optional));
	buf_addf(b, "%s%s%s%s%s", b->len > 0 ? " " : "", o->name,
	    o->value_optional    ? "[=]"
		: o->arg != NULL ? "="
				 : "",
	    o->arg != NULL ? o->arg : "", o->again ? "*" : "");
	if (o->letter != 0)
		buf_addf(b, "-%c", o->letter);
	if (o->words != NULL)
		buf_addf(b, "{%s%s}", o->words, list ? "," : "");
}

static void
walks_the_options_of_a_scope(void **state)
{
	static const struct {
		enum opt_scope scope;
		const char *all;
	} table[] = {
	    {OPT_GLOBAL,
		"root=DIR config=FILE account=NAME password-command=CMD "
		"notify-command=CMD json quiet-q verbose*-v ca-file=FILE "
		"connect-to=HOST:PORT "
		"idmsa-host=HOST{idmsa.apple.com idmsa.apple.com.cn} "
		"completion=SHELL{bash zsh fish} help-h version-V"},
	    {OPT_LOGIN, "stdin code sms[=]N voice[=]N save-password"},
	    {OPT_STATUS, "gaps"},
	    {OPT_VERIFY,
		"jobs=N-j limit-rate=BYTES library=NAME* album=NAME* "
		"since=DATE until=DATE recent=N "
		"skip=KIND*{live raw edited video hidden trashed,} "
		"file-mode=MODE lock-files "
		"repair[=]KIND{all missing damaged} sample=PERCENT minutes=N"},
	    {OPT_LIST, "as-of=DATE"},
	    {OPT_DOCTOR, ""},
	};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		buf_reset(&b);
		opt_each(table[i].scope, each_of_scope, &b);
		assert_string_equal(buf_text(&b), table[i].all);
		assert_int_equal(
		    opt_has(table[i].scope), table[i].all[0] != '\0');
	}
	buf_reset(&b);
	opt_each(OPT_SYNC, each_of_scope, &b);
	assert_non_null(strstr(
	    b.data, "skip=KIND*{live raw edited video hidden trashed,}"));
	assert_non_null(strstr(b.data, " sidecar=KIND{none xmp} "));
	assert_non_null(strstr(b.data, " albums=KIND{none links} "));
	assert_non_null(strstr(b.data, " library=NAME* album=NAME* "));
	assert_non_null(strstr(b.data, " repair[=]KIND{all missing damaged}"));
	assert_true(opt_has(OPT_SYNC));
	/* of all, those of several commands once */
	buf_reset(&b);
	opt_each(OPT_SCOPES, each_of_scope, &b);
	assert_string_equal(strstr(b.data, "sample="),
	    "sample=PERCENT minutes=N gaps as-of=DATE");
	buf_clear(&b);
}

/* Every option has its line, which fits a window of 80 columns. */
static void
helps_with_every_scope(void **state)
{
	static const struct {
		const char *line; /* NULL: no option */
	} table[OPT_SCOPES] = {
	    [OPT_GLOBAL] = {"  -v, --verbose  "},
	    [OPT_LOGIN] = {"      --sms[=N]  "},
	    [OPT_SYNC] = {"  -j, --jobs N  "},
	    [OPT_STATUS] = {"      --gaps  "},
	    [OPT_VERIFY] = {"      --repair[=KIND]  "},
	    [OPT_LIST] = {"      --as-of DATE  "},
	};
	char *text, *rest, *line;
	size_t n;

	(void)state;
	for (int i = 0; i < OPT_SCOPES; i++) {
		FILE *f = open_memstream(&text, &n);

		assert_non_null(f);
		opt_help(f, (enum opt_scope)i);
		assert_int_equal(fclose(f), 0);
		if (table[i].line != NULL)
			assert_non_null(strstr(text, table[i].line));
		else
			assert_string_equal(text, "");
		for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
			if (strlen(line) > 79)
				fail_msg("too long: %s", line);
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
	    {"\xEF\xBB\xBFroot = /b\n", "root", "/a", 1, NULL},
	    {"ca_file = /b\n", "ca-file", "/a", 1, NULL},
	    /* a comment and a longer name set nothing */
	    {"# root = /b\n", "root", "/a", 0, "# root = /b\nroot = /a\n"},
	    {"roots = /b\n", "root", "/a", 0, "roots = /b\nroot = /a\n"},
	    {"password_command = a\n", "password-command", "b", 1, NULL},
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
	    cmocka_unit_test(reads_dates),
	    cmocka_unit_test(reads_shares),
	    cmocka_unit_test(reads_lists),
	    cmocka_unit_test(reads_what_may_have_a_value),
	    cmocka_unit_test(tells_words_from_options),
	    cmocka_unit_test(knows_what_was_given),
	    cmocka_unit_test(finds_a_word_in_words),
	    cmocka_unit_test(walks_the_options_of_a_scope),
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
