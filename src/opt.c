#include "opt.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "civil.h"
#include "err.h"
#include "file.h"
#include "text.h"

enum opt_type {
	OPT_FLAG,       /* bool */
	OPT_COUNT,      /* int64_t: times given */
	OPT_TEXT,       /* char * */
	OPT_INT,        /* int64_t within min..max */
	OPT_BYTES,      /* int64_t: "500k", "2M" */
	OPT_OCTAL,      /* int64_t */
	OPT_PERCENT,    /* int64_t: hundredths of "5%" or "0.5" */
	OPT_DATE,       /* struct opt_date */
	OPT_TEXTS,      /* struct opt_list: may be given again */
	OPT_MAYBE,      /* int64_t: with an argument or, without one, min */
	OPT_MAYBE_WORD, /* char *: the same with the first of words */
};

struct opt {
	const char *name;
	char letter; /* 0: none */
	enum opt_type type;
	unsigned scopes; /* a bit for each enum opt_scope */
	size_t at;       /* in struct options */
	int64_t min, max, standard;
	const char *arg;   /* its name in --help; NULL: takes none */
	const char *words; /* all that its value can be; NULL: no such list */
	const char *help;
	bool command_line_only;
};

#define AT(member) offsetof(struct options, member)
#define IN(scope)  (1U << OPT_##scope)

static const struct opt table[] = {
    {"root", 0, OPT_TEXT, IN(GLOBAL), AT(root), 0, 0, 0, "DIR", NULL,
	"where the copy lies", false},
    {"config", 0, OPT_TEXT, IN(GLOBAL), AT(config), 0, 0, 0, "FILE", NULL,
	"configuration file to read", true},
    {"account", 0, OPT_TEXT, IN(GLOBAL), AT(account), 0, 0, 0, "NAME", NULL,
	"the Apple Account", false},
    {"password-command", 0, OPT_TEXT, IN(GLOBAL), AT(password_command), 0, 0, 0,
	"CMD", NULL, "run CMD for the password when one is needed", false},
    {"notify-command", 0, OPT_TEXT, IN(GLOBAL), AT(notify_command), 0, 0, 0,
	"CMD", NULL, "run CMD with news as JSON on its standard input", false},
    {"json", 0, OPT_FLAG, IN(GLOBAL), AT(json), 0, 0, 0, NULL, NULL,
	"write one JSON object a line to standard output", false},
    {"quiet", 'q', OPT_FLAG, IN(GLOBAL), AT(quiet), 0, 0, 0, NULL, NULL,
	"say nothing but errors and what was asked for", false},
    {"verbose", 'v', OPT_COUNT, IN(GLOBAL), AT(verbose), 0, 2, 0, NULL, NULL,
	"say what is being done; twice: every request", false},
    {"ca-file", 0, OPT_TEXT, IN(GLOBAL), AT(ca_file), 0, 0, 0, "FILE", NULL,
	"trust the authorities in this PEM file", false},
    {"connect-to", 0, OPT_TEXT, IN(GLOBAL), AT(connect_to), 0, 0, 0,
	"HOST:PORT", NULL, "send every connection there (needs --ca-file)",
	false},
    {"idmsa-host", 0, OPT_TEXT, IN(GLOBAL), AT(idmsa_host), 0, 0, 0, "HOST",
	"idmsa.apple.com idmsa.apple.com.cn",
	"sign in at idmsa.apple.com or idmsa.apple.com.cn", false},
    {"completion", 0, OPT_TEXT, IN(GLOBAL), AT(completion), 0, 0, 0, "SHELL",
	"bash zsh fish", "print completions for bash, zsh or fish", true},
    {"help", 'h', OPT_FLAG, IN(GLOBAL), AT(help), 0, 0, 0, NULL, NULL,
	"show this", true},
    {"version", 'V', OPT_FLAG, IN(GLOBAL), AT(version), 0, 0, 0, NULL, NULL,
	"show the version", true},

    {"stdin", 0, OPT_FLAG, IN(LOGIN), AT(from_stdin), 0, 0, 0, NULL, NULL,
	"read account, password, code as lines from stdin", true},
    {"code", 0, OPT_FLAG, IN(LOGIN), AT(code), 0, 0, 0, NULL, NULL,
	"finish a sign-in that waits for its code", true},
    {"sms", 0, OPT_MAYBE, IN(LOGIN), AT(sms), 1, 99, 0, "N", NULL,
	"send the code by message to trusted number N", true},
    {"voice", 0, OPT_MAYBE, IN(LOGIN), AT(voice), 1, 99, 0, "N", NULL,
	"say the code in a call to trusted number N", true},
    {"save-password", 0, OPT_FLAG, IN(LOGIN), AT(save_password), 0, 0, 0, NULL,
	NULL, "keep the password in the system's key store", true},

    {"dry-run", 'n', OPT_FLAG, IN(SYNC), AT(dry_run), 0, 0, 0, NULL, NULL,
	"list and say what would be fetched; fetch nothing", false},
    {"jobs", 'j', OPT_INT, IN(SYNC) | IN(VERIFY), AT(jobs), 1, 32, 8, "N", NULL,
	"most transfers at once", false},
    {"limit-rate", 0, OPT_BYTES, IN(SYNC) | IN(VERIFY), AT(limit_rate), 0, 0, 0,
	"BYTES", NULL, "fetch no more than BYTES a second (500k, 2M)", false},
    {"library", 0, OPT_TEXTS, IN(SYNC) | IN(VERIFY), AT(libraries), 0, 0, 0,
	"NAME", NULL, "fetch only this library (repeatable)", false},
    {"album", 0, OPT_TEXTS, IN(SYNC) | IN(VERIFY), AT(albums), 0, 0, 0, "NAME",
	NULL, "fetch only what is in this album (repeatable)", false},
    {"since", 0, OPT_DATE, IN(SYNC) | IN(VERIFY), AT(since), 0, 0, 0, "DATE",
	NULL, "fetch what was taken on DATE or later (2024-07)", false},
    {"until", 0, OPT_DATE, IN(SYNC) | IN(VERIFY), AT(until), 0, 0, 0, "DATE",
	NULL, "fetch what was taken on DATE or earlier", false},
    {"recent", 0, OPT_INT, IN(SYNC) | IN(VERIFY), AT(recent), 1, 1000000000, 0,
	"N", NULL, "fetch only the N that were added last", false},
    {"skip", 0, OPT_TEXTS, IN(SYNC) | IN(VERIFY), AT(skip), 0, 0, 0, "KIND",
	"live raw edited video hidden trashed",
	"leave out live,raw,edited,video,hidden,trashed", false},
    {"layout", 0, OPT_TEXT, IN(SYNC), AT(layout), 0, 0, 0, "TEMPLATE", NULL,
	"folders of a new copy (default %Y/%m)", false},
    {"file-mode", 0, OPT_OCTAL, IN(SYNC) | IN(VERIFY), AT(file_mode), 0400,
	0777, 0444, "MODE", NULL, "mode of new files before the umask (0444)",
	false},
    {"lock-files", 0, OPT_FLAG, IN(SYNC) | IN(VERIFY), AT(lock_files), 0, 0, 0,
	NULL, NULL, "make new files immutable, where the system can", false},
    {"sidecar", 0, OPT_TEXT, IN(SYNC), AT(sidecar), 0, 0, 0, "KIND", "none xmp",
	"xmp: write captions, places, dates beside files", false},
    {"albums", 0, OPT_TEXT, IN(SYNC), AT(album_links), 0, 0, 0, "KIND",
	"none links", "links: albums as folders of links, in Albums", false},
    {"scheduled", 0, OPT_FLAG, IN(SYNC), AT(scheduled), 0, 0, 0, NULL, NULL,
	"for timers: quiet, and not twice within 20 hours", false},
    {"prove", 0, OPT_FLAG, IN(SYNC), AT(prove), 0, 0, 0, NULL, NULL,
	"compare the list with iCloud's own index now", false},
    {"strict", 0, OPT_FLAG, IN(SYNC), AT(strict), 0, 0, 0, NULL, NULL,
	"end with status 1 for known gaps too", false},

    {"repair", 0, OPT_MAYBE_WORD, IN(VERIFY) | IN(SYNC), AT(repair), 0, 0, 0,
	"KIND", "all missing damaged",
	"fetch anew what is missing or damaged (all)", false},
    {"sample", 0, OPT_PERCENT, IN(VERIFY) | IN(SYNC), AT(sample), 1, 10000, 0,
	"PERCENT", NULL, "check this share of the copy, oldest checks first",
	false},
    {"minutes", 0, OPT_INT, IN(VERIFY) | IN(SYNC), AT(minutes), 1, 10000, 0,
	"N", NULL, "check for N minutes, oldest checks first", false},

    {"gaps", 0, OPT_FLAG, IN(STATUS), AT(gaps), 0, 0, 0, NULL, NULL,
	"name everything that is missing, and why", true},
    {"as-of", 0, OPT_DATE, IN(LIST), AT(as_of), 0, 0, 0, "DATE", NULL,
	"what runs had seen by the end of DATE", true},
};
#define NOPTS (sizeof(table) / sizeof(table[0]))

#define CONFIG_MAX ((size_t)1 << 20)
#define LINE_BYTES 4096
#define MINUTE_MS  ((int64_t)60000)

/* What each source has set, so that a weaker one does not set it again. */
struct sources {
	struct options *out;
	bool set[NOPTS];
	const char *file;
	struct err *e;
};

static void *
member(struct options *o, const struct opt *opt)
{
	return (char *)o + opt->at;
}

static int
parse_flag(bool *out, const char *value)
{
	if (value == NULL || strcmp(value, "yes") == 0 ||
	    strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*out = true;
	else if (strcmp(value, "no") == 0 || strcmp(value, "false") == 0 ||
	    strcmp(value, "0") == 0)
		*out = false;
	else
		return -1;
	return 0;
}

static int
parse_octal(int64_t *out, const char *value, const struct opt *opt)
{
	char *end;

	if (*value < '0' || *value > '7')
		return -1;
	errno = 0;
	*out = strtol(value, &end, 8);
	return errno != 0 || *end != '\0' || *out < opt->min || *out > opt->max
	    ? -1
	    : 0;
}

/* "5%", "5", "0.25%": hundredths. */
static int
parse_percent(int64_t *out, const char *value, const struct opt *opt)
{
	size_t whole = strspn(value, "0123456789");
	const char *rest = value + whole;
	int64_t n = 0, hundredths = 0, scale = 10;

	if (whole == 0 || whole > 3)
		return -1;
	while (whole-- > 0)
		n = 10 * n + (*value++ - '0');
	if (*rest == '.') {
		if (!isdigit((unsigned char)rest[1]))
			return -1;
		for (rest++; isdigit((unsigned char)*rest) && scale > 0;
		     rest++, scale /= 10)
			hundredths += scale * (*rest - '0');
	}
	if (*rest == '%')
		rest++;
	*out = 100 * n + hundredths;
	return *rest != '\0' || *out < opt->min || *out > opt->max ? -1 : 0;
}

/* Behind "2024-07-31T": hours and minutes, perhaps seconds.  What a clock on
 * the wall shows has no zone. */
static int64_t
time_span(const char *time)
{
	const char *colon = strchr(time, ':');

	if (strspn(time, "0123456789:.") != strlen(time) || colon == NULL)
		return -1;
	return strchr(colon + 1, ':') == NULL ? MINUTE_MS : 1000;
}

/* The span that a date names: a year, a month, a day, or a moment. */
static int
parse_date(struct opt_date *out, const char *value)
{
	struct civil c;
	size_t n = strlen(value);
	const char *time = strchr(value, 'T');
	int64_t span = time == NULL ? CIVIL_DAY_MS : time_span(time + 1);
	char whole[48];

	if (n > 32 || span == -1)
		return -1;
	snprintf(whole, sizeof(whole), "%s%s", value,
	    n == strlen("2024")          ? "-01-01"
		: n == strlen("2024-07") ? "-01"
					 : "");
	if (civil_parse(&out->from_ms, whole) == -1 ||
	    out->from_ms > INT64_MAX - CIVIL_DAY_MS)
		return -1;
	out->to_ms = out->from_ms + span;
	out->set = true;
	if (n != strlen("2024") && n != strlen("2024-07"))
		return 0;
	civil_from_ms(&c, out->from_ms);
	if (n == strlen("2024") || c.month == 12) {
		c.year++;
		c.month = 1;
	} else {
		c.month++;
	}
	out->to_ms = civil_to_ms(&c);
	return 0;
}

static bool
is_word(const char *words, const char *value, size_t len)
{
	for (size_t n; *words != '\0'; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		if (n == len && strncmp(words, value, n) == 0)
			return true;
	}
	return false;
}

bool
opt_is_word(const char *words, const char *value)
{
	return is_word(words, value, strlen(value));
}

static void
list_add(struct opt_list *l, const char *value, size_t len)
{
	l->at = xreallocarray(l->at, l->n + 1, sizeof(*l->at));
	l->at[l->n++] = xstrndup(value, len);
}

/* Words of a fixed list can stand in one value, divided by commas; a name has
 * commas of its own. */
static int
parse_list(struct opt_list *l, const char *value, const struct opt *opt)
{
	size_t n;

	if (*value == '\0')
		return -1;
	if (opt->words == NULL) {
		list_add(l, value, strlen(value));
		return 0;
	}
	for (;; value += n + 1) {
		n = strcspn(value, ",");
		if (!is_word(opt->words, value, n))
			return -1;
		list_add(l, value, n);
		if (value[n] == '\0')
			return 0;
	}
}

/* Set one option from text; NULL: given without an argument. */
static int
set_value(struct options *o, const struct opt *opt, const char *value)
{
	void *to = member(o, opt);
	char **text = to;
	int64_t *number = to;

	switch (opt->type) {
	case OPT_FLAG:
		return parse_flag(to, value);
	case OPT_COUNT:
		if (value != NULL)
			return text_int(number, value, opt->min, opt->max);
		if (*number < opt->max)
			(*number)++;
		return 0;
	case OPT_TEXT:
		free(*text);
		*text = xstrdup(value);
		if (opt->words != NULL && value != NULL &&
		    !opt_is_word(opt->words, value))
			return -1;
		return value == NULL || *value == '\0' ? -1 : 0;
	case OPT_INT:
		return text_int(number, value, opt->min, opt->max);
	case OPT_BYTES:
		return text_bytes(number, value);
	case OPT_OCTAL:
		return parse_octal(number, value, opt);
	case OPT_PERCENT:
		return parse_percent(number, value, opt);
	case OPT_DATE:
		return parse_date(to, value);
	case OPT_TEXTS:
		return parse_list(to, value, opt);
	case OPT_MAYBE_WORD:
		free(*text);
		*text = value != NULL
		    ? xstrdup(value)
		    : xstrndup(opt->words, strcspn(opt->words, " "));
		return opt_is_word(opt->words, *text) ? 0 : -1;
	case OPT_MAYBE:
		*number = opt->min;
		return value == NULL
		    ? 0
		    : text_int(number, value, opt->min, opt->max);
	}
	return -1;
}

/* In a configuration '_' does for '-'. */
static bool
same_name(const char *a, const char *b)
{
	for (; *a != '\0' && (*a == *b || (*a == '-' && *b == '_')); a++)
		b++;
	return *a == *b;
}

static const struct opt *
find(const char *name)
{
	for (size_t i = 0; i < NOPTS; i++)
		if (same_name(table[i].name, name))
			return &table[i];
	return NULL;
}

static bool
has_optional_value(const struct opt *o)
{
	return o->type == OPT_MAYBE || o->type == OPT_MAYBE_WORD;
}

/* ---- command line ---- */

static void
make_getopt(struct option *longs, char *shorts)
{
	/* Words come in their order, whatever POSIXLY_CORRECT says. */
	*shorts++ = '-';
	*shorts++ = ':';
	for (size_t i = 0; i < NOPTS; i++) {
		longs[i] = (struct option){
		    .name = table[i].name,
		    .has_arg = has_optional_value(&table[i]) ? optional_argument
			: table[i].arg != NULL               ? required_argument
							     : no_argument,
		    .val = (int)i + 256,
		};
		if (table[i].letter != 0) {
			*shorts++ = table[i].letter;
			if (table[i].arg != NULL)
				*shorts++ = ':';
		}
	}
	*shorts = '\0';
}

static size_t
index_of(int got)
{
	if (got >= 256)
		return (size_t)got - 256;
	for (size_t i = 0; i < NOPTS; i++)
		if (table[i].letter == got)
			return i;
	return NOPTS;
}

/*
 * What getopt did not like: '?' or, for a value that is missing, ':' (and on
 * BSD also for one too many).  It stands behind a long option, but within a
 * group of letters.
 */
static int
say_wrong(int got, char *const argv[], struct err *e)
{
	const char *next = "icloud-pull --help shows all options.";
	const char *word = optind > 1 ? argv[optind - 1] : "";

	if (optopt >= 256 && table[optopt - 256].arg == NULL)
		return err_set(e, ERR_USAGE, next,
		    "The option --%s takes no value.",
		    table[optopt - 256].name);
	if (got == ':')
		return err_set(e, ERR_USAGE, next,
		    "The option \"%s\" needs a value.", word);
	if (optopt != 0)
		return err_set(
		    e, ERR_USAGE, next, "There is no option \"-%c\".", optopt);
	return err_set(e, ERR_USAGE, next, "There is no option \"%s\".", word);
}

/* getopt takes a long option's first letters for it; a script that was written
 * so would mean another one some day. */
static bool
is_cut_short(const struct opt *o, char *const argv[])
{
	const char *word = argv[optind - 1];

	if (optarg == word) /* its value stands on its own */
		word = argv[optind - 2];
	return strncmp(word, "--", 2) != 0 ||
	    strcspn(word + 2, "=") != strlen(o->name);
}

/* The command, and what may stand behind it. */
static int
take_word(struct sources *s, const char **command, const char *word)
{
	if (*command == NULL)
		*command = word;
	else if (s->out->operand == NULL)
		s->out->operand = word;
	else
		return err_set(s->e, ERR_USAGE,
		    "icloud-pull --help shows what there is.",
		    "\"%s\" is one word too many.", word);
	return 0;
}

static int
read_command_line(
    struct sources *s, const char **command, int argc, char *const argv[])
{
	struct option longs[NOPTS + 1] = {{0}};
	char shorts[2 * NOPTS + 3];
	size_t i;
	int got;

	make_getopt(longs, shorts);
	optind = 1;
	opterr = 0;
	*command = NULL;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (got == 1 && take_word(s, command, optarg) == -1)
			return -1;
		if (got == 1)
			continue;
		if (got == '?' || got == ':')
			return say_wrong(got, argv, s->e);
		i = index_of(got);
		if (got >= 256 && is_cut_short(&table[i], argv))
			return err_set(s->e, ERR_USAGE,
			    "Option names are written out.",
			    "There is no option \"%s\"; --%s is meant?",
			    argv[optind - (optarg == argv[optind - 1] ? 2 : 1)],
			    table[i].name);
		if (i == NOPTS || set_value(s->out, &table[i], optarg) == -1)
			return err_set(s->e, ERR_USAGE,
			    "icloud-pull --help shows what it takes.",
			    "\"%s\" is not a value for --%s.",
			    optarg != NULL ? optarg : "",
			    i < NOPTS ? table[i].name : "");
		s->set[i] = true;
		s->out->given |= UINT64_C(1) << i;
	}
	while (optind < argc)
		if (take_word(s, command, argv[optind++]) == -1)
			return -1;
	return 0;
}

int
opt_check_scope(const struct options *o, enum opt_scope scope, struct err *e)
{
	for (size_t i = 0; i < NOPTS; i++)
		if ((o->given >> i & 1) != 0 &&
		    (table[i].scopes & (IN(GLOBAL) | 1U << scope)) == 0)
			return err_set(e, ERR_USAGE,
			    "COMMAND --help shows the options of a command.",
			    "The option --%s does not belong to this command.",
			    table[i].name);
	return 0;
}

bool
opt_given(const struct options *o, const char *names)
{
	for (size_t i = 0; i < NOPTS; i++)
		if ((o->given >> i & 1) != 0 &&
		    opt_is_word(names, table[i].name))
			return true;
	return false;
}

/* ---- environment ---- */

static int
read_environment(struct sources *s)
{
	char name[64];
	const char *value;
	size_t n;

	for (size_t i = 0; i < NOPTS; i++) {
		if (table[i].command_line_only &&
		    strcmp(table[i].name, "config") != 0)
			continue;
		n = (size_t)snprintf(
		    name, sizeof(name), "ICLOUD_PULL_%s", table[i].name);
		for (size_t k = 0; k < n; k++)
			name[k] = name[k] == '-'
			    ? '_'
			    : (char)toupper((unsigned char)name[k]);
		value = getenv(name);
		if (value == NULL || s->set[i])
			continue;
		if (set_value(s->out, &table[i], value) == -1)
			return err_set(s->e, ERR_USAGE, "Correct or unset it.",
			    "\"%s\" is not a value for %s in the environment.",
			    value, name);
		s->set[i] = true;
	}
	return 0;
}

/* ---- configuration file ---- */

/*
 * Take a line apart in place: name and value without blanks around them.
 * value NULL: there is no '='; name "": nothing but blanks or a comment.  A
 * value goes to the end of its line, so that a command can hold any character.
 */
static void
split_line(char **name, char **value, char *line)
{
	char *equals, *end;

	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && strchr(" \t\r", end[-1]) != NULL)
		end--;
	*end = '\0';
	*name = line;
	*value = NULL;
	if (*line == '#' || *line == ';')
		*line = '\0';
	equals = strchr(line, '=');
	if (equals == NULL || *line == '[')
		return;
	*value = equals + 1 + strspn(equals + 1, " \t");
	while (equals > line && strchr(" \t", equals[-1]) != NULL)
		equals--;
	*equals = '\0';
}

/* One line of the configuration; seen: what lines before it have set. */
static int
config_line(struct sources *s, bool seen[NOPTS], char *line, int number)
{
	const struct opt *opt;
	char *name, *value;

	if (strlen(line) > LINE_BYTES)
		return err_set(s->e, ERR_USAGE, "Make the line shorter.",
		    "%s:%d: a line may have %d bytes.", s->file, number,
		    LINE_BYTES);
	split_line(&name, &value, line);
	if (*name == '\0' && value == NULL)
		return 0;
	if (*name == '[')
		return err_set(s->e, ERR_USAGE,
		    "Write name = value lines only.",
		    "%s:%d: there are no [sections].", s->file, number);
	if (value == NULL)
		return err_set(s->e, ERR_USAGE,
		    "Write name = value lines only.",
		    "%s:%d: this line is not understood.", s->file, number);
	opt = find(name);
	if (opt == NULL || opt->command_line_only)
		return err_set(s->e, ERR_USAGE,
		    "icloud-pull --help shows all options.",
		    "%s:%d: there is no setting \"%s\".", s->file, number,
		    name);
	if (seen[opt - table])
		return err_set(s->e, ERR_USAGE, "Keep one of the lines.",
		    "%s:%d: %s is set for the second time.", s->file, number,
		    name);
	seen[opt - table] = opt->type != OPT_TEXTS;
	if (!s->set[opt - table] && set_value(s->out, opt, value) == -1)
		return err_set(s->e, ERR_USAGE,
		    "icloud-pull --help shows what it takes.",
		    "%s:%d: \"%s\" is not a value for %s.", s->file, number,
		    value, name);
	return 0;
}

static int
read_whole(struct buf *out, const char *path, struct err *e)
{
	char block[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

	if (fd == -1 && errno == ENOENT)
		return 1;
	if (fd == -1)
		return err_set_errno(e, errno, "Cannot read %s", path);
	while ((n = read(fd, block, sizeof(block))) > 0)
		if (buf_add(out, block, (size_t)n) == -1) {
			err_set(e, ERR_USAGE, NULL, "%s is too long.", path);
			goto out;
		}
	if (n == -1) {
		err_set_errno(e, errno, "Cannot read %s", path);
		goto out;
	}
	rc = 0;
out:
	close(fd);
	return rc;
}

/* Some editors begin a file with a mark. */
static char *
behind_mark(char *text)
{
	return strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
}

static int
config_lines(struct sources *s, struct buf *text)
{
	bool seen[NOPTS] = {false};
	char *rest = text->data, *line;

	if (rest == NULL)
		return 0;
	if (strlen(rest) != text->len)
		return err_set(s->e, ERR_USAGE,
		    "Write name = value lines only.", "%s is no text.",
		    s->file);
	rest = behind_mark(rest);
	for (int n = 1; (line = strsep(&rest, "\n")) != NULL; n++)
		if (config_line(s, seen, line, n) == -1)
			return -1;
	return 0;
}

/* may_lack: a file that is named need not be there yet. */
static int
read_config(struct sources *s, bool may_lack)
{
	struct buf text;
	int rc;

	buf_init(&text, CONFIG_MAX);
	rc = read_whole(&text, s->file, s->e);
	if (rc == 0)
		rc = config_lines(s, &text);
	else if (rc == 1)
		rc = may_lack ? 0
			      : err_set(s->e, ERR_USAGE,
				    "Check the path given with --config.",
				    "There is no file %s.", s->file);
	buf_clear(&text);
	return rc;
}

int
opt_read(struct options *out, const char **command, int argc,
    char *const argv[], const char *config_path, struct err *e)
{
	struct sources s = {.out = out, .e = e};
	bool may_lack;

	_Static_assert(NOPTS <= 64, "a bit for each in options.given");
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < NOPTS; i++)
		if (table[i].type == OPT_INT || table[i].type == OPT_OCTAL)
			*(int64_t *)member(out, &table[i]) = table[i].standard;
	if (read_command_line(&s, command, argc, argv) == -1)
		return -1;
	if (out->help || out->version || out->completion != NULL)
		return 0;
	if (read_environment(&s) == -1)
		return -1;
	s.file = out->config != NULL ? out->config : config_path;
	/* The standard one need not be there; login makes the one named. */
	may_lack = out->config == NULL ||
	    (*command != NULL && strcmp(*command, "login") == 0);
	if (s.file != NULL && read_config(&s, may_lack) == -1)
		return -1;
	if (out->connect_to != NULL && out->ca_file == NULL)
		return err_set(e, ERR_USAGE, "Give --ca-file FILE as well.",
		    "--connect-to is accepted only together with --ca-file.");
	if (out->since.set && out->until.set &&
	    out->since.from_ms >= out->until.to_ms)
		return err_set(e, ERR_USAGE, "Give an earlier one to --since.",
		    "--since begins behind the end of --until.");
	return 0;
}

static void
list_clear(struct opt_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
}

void
opt_clear(struct options *o)
{
	for (size_t i = 0; i < NOPTS; i++)
		switch (table[i].type) {
		case OPT_TEXT:
		case OPT_MAYBE_WORD:
			free(*(char **)member(o, &table[i]));
			break;
		case OPT_TEXTS:
			list_clear(member(o, &table[i]));
			break;
		default:
			break;
		}
	memset(o, 0, sizeof(*o));
}

bool
opt_has(enum opt_scope scope)
{
	for (size_t i = 0; i < NOPTS; i++)
		if (table[i].scopes & 1U << scope)
			return true;
	return false;
}

void
opt_each(enum opt_scope scope, void (*each)(void *, const struct opt_info *),
    void *arg)
{
	for (size_t i = 0; i < NOPTS; i++) {
		const struct opt *o = &table[i];

		if (scope != OPT_SCOPES && (o->scopes & 1U << scope) == 0)
			continue;
		each(arg,
		    &(struct opt_info){
			.name = o->name,
			.help = o->help,
			.letter = o->letter,
			.arg = o->arg,
			.value_optional = has_optional_value(o),
			.again = o->type == OPT_TEXTS || o->type == OPT_COUNT,
			.words = o->words,
		    });
	}
}

void
opt_help(FILE *f, enum opt_scope scope)
{
	char left[64];

	for (size_t i = 0; i < NOPTS; i++) {
		const struct opt *o = &table[i];

		if ((o->scopes & 1U << scope) == 0)
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s%s",
		    o->letter != 0 ? '-' : ' ',
		    o->letter != 0 ? o->letter : ' ',
		    o->letter != 0 ? ", " : "  ", o->name,
		    o->arg == NULL              ? ""
			: has_optional_value(o) ? "[="
						: " ",
		    o->arg != NULL ? o->arg : "",
		    has_optional_value(o) ? "]" : "");
		fprintf(f, "  %-27s %s\n", left, o->help);
	}
}

/* ---- writing the configuration ---- */

/* The value of a setting in the file's text, or NULL; the caller frees. */
static char *
find_setting(const struct buf *text, const char *wanted)
{
	char *copy = xstrdup(buf_text(text)), *rest = behind_mark(copy), *line;
	char *name, *value, *found = NULL;

	while (found == NULL && (line = strsep(&rest, "\n")) != NULL) {
		split_line(&name, &value, line);
		if (value != NULL && same_name(wanted, name))
			found = xstrdup(value);
	}
	free(copy);
	return found;
}

/* Would this value be read as it was written? */
static bool
can_be_kept(const char *name, const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || strlen(name) + n + strlen(" = ") > LINE_BYTES)
		return false;
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)value[i]))
			return false;
	return value[0] != ' ' && value[n - 1] != ' ';
}

/* In place of a file that is there, through a link, with the mode it had. */
static int
write_config(const char *path, const struct buf *text, struct err *e)
{
	char real[PATH_MAX], *folder;
	const char *slash;
	struct stat st;
	int dir, rc;

	if (realpath(path, real) != NULL)
		path = real;
	slash = strrchr(path, '/');
	folder = slash == NULL ? xstrdup(".")
	    : slash == path    ? xstrdup("/")
			       : xstrndup(path, (size_t)(slash - path));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 && errno == ENOENT && folder[0] == '/' &&
	    file_mkdirs_abs(folder, 0700, e) == 0)
		dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1) {
		rc = err_set_errno(e, errno, "Cannot open %s", folder);
	} else {
		rc = file_write_whole(dir, slash == NULL ? path : slash + 1,
		    text->data, text->len,
		    stat(path, &st) == 0 ? st.st_mode & 0777 : 0644, e);
		close(dir);
	}
	free(folder);
	return rc;
}

int
opt_config_set(
    const char *path, const char *name, const char *value, struct err *e)
{
	struct buf text;
	char *found = NULL;
	int rc = -1;

	buf_init(&text, CONFIG_MAX);
	if (read_whole(&text, path, e) == -1)
		goto out;
	found = find_setting(&text, name);
	if (found != NULL) {
		rc = strcmp(found, value) == 0 ? 0 : 1;
		goto out;
	}
	if (!can_be_kept(name, value)) {
		err_set(e, ERR_USAGE, "Give it on the command line.",
		    "This %s cannot be kept in %s.", name, path);
		goto out;
	}
	if (text.len > 0 && text.data[text.len - 1] != '\n')
		buf_addc(&text, '\n');
	if (buf_addf(&text, "%s = %s\n", name, value) == -1)
		err_set(e, ERR_USAGE, NULL, "%s is too long.", path);
	else
		rc = write_config(path, &text, e);
out:
	free(found);
	buf_clear(&text);
	return rc;
}
