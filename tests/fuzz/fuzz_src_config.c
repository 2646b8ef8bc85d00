#include "fuzz_folder.h"

#include "err.h"
#include "opt.h"

/*
 * A configuration file: what is taken keeps to its bounds, comments and the
 * kind of line ends change nothing, and a setting that is added is read back.
 */

extern char **environ;

static char path[300];

/* A folder of its own, and no settings but the file's. */
static void
begin(void)
{
	char name[64];
	size_t i = 0, n;

	if (path[0] != '\0')
		return;
	snprintf(path, sizeof(path), "%s/config", fuzz_folder(NULL));
	while (environ != NULL && environ[i] != NULL) {
		n = strcspn(environ[i], "=");
		if (strncmp(environ[i], "ICLOUD_PULL_", 12) != 0 ||
		    n >= sizeof(name)) {
			i++;
			continue;
		}
		memcpy(name, environ[i], n);
		name[n] = '\0';
		must(unsetenv(name) == 0);
		i = 0;
	}
}

static int
read_options(struct options *o, struct err *e)
{
	char *argv[] = {(char *)"icloud-pull", (char *)"sync", NULL};
	const char *command = NULL;
	int rc;

	rc = opt_read(o, &command, 2, argv, path, e);
	must(fuzz_same(command, "sync"));
	if (rc == -1) {
		must(e->code == ERR_USAGE && e->what[0] != '\0');
		must(strstr(e->what, path) != NULL ||
		    strstr(e->what, "--connect-to") != NULL ||
		    strlen(path) > 200);
	}
	return rc;
}

static void
look_at_text(const char *s)
{
	if (s == NULL)
		return;
	must(*s != '\0' && strchr(s, '\n') == NULL);
	must(strchr(" \t", *s) == NULL);
	must(strchr(" \t\r", s[strlen(s) - 1]) == NULL);
}

static void
look_at_list(const struct opt_list *l, const char *words)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		look_at_text(l->at[i]);
		must(words == NULL || opt_is_word(words, l->at[i]));
	}
}

static void
look_at(const struct options *o)
{
	struct err e = ERR_INIT;

	look_at_text(o->root);
	look_at_text(o->account);
	look_at_text(o->password_command);
	look_at_text(o->ca_file);
	look_at_text(o->connect_to);
	look_at_text(o->notify_command);
	look_at_text(o->layout);
	look_at_list(&o->libraries, NULL);
	look_at_list(&o->albums, NULL);
	look_at_list(&o->skip, "live raw edited video hidden trashed");
	must(o->connect_to == NULL || o->ca_file != NULL);
	must(o->jobs >= 1 && o->jobs <= 32);
	must(o->file_mode >= 0400 && o->file_mode <= 0777);
	must(o->verbose >= 0 && o->verbose <= 2);
	must(o->limit_rate >= 0);
	must(o->recent >= 0 && o->minutes >= 0);
	must(o->sample >= 0 && o->sample <= 10000);
	must(
	    o->repair == NULL || opt_is_word("all missing damaged", o->repair));
	must(!o->since.set || o->since.from_ms < o->since.to_ms);
	must(!o->until.set || o->until.from_ms < o->until.to_ms);
	/* Of the command line alone; and that is empty. */
	must(!o->help && !o->version && !o->from_stdin && !o->code);
	must(o->config == NULL && o->completion == NULL && o->sms == 0);
	must(o->given == 0 && opt_check_scope(o, OPT_SYNC, &e) == 0);
}

static void
same_list(const struct opt_list *a, const struct opt_list *b)
{
	size_t i;

	must(a->n == b->n);
	for (i = 0; i < a->n; i++)
		must(fuzz_same(a->at[i], b->at[i]));
}

static void
same(const struct options *a, const struct options *b)
{
	must(fuzz_same(a->root, b->root));
	must(fuzz_same(a->account, b->account));
	must(fuzz_same(a->password_command, b->password_command));
	must(fuzz_same(a->ca_file, b->ca_file));
	must(fuzz_same(a->connect_to, b->connect_to));
	must(fuzz_same(a->layout, b->layout));
	same_list(&a->libraries, &b->libraries);
	same_list(&a->skip, &b->skip);
	must(a->json == b->json && a->quiet == b->quiet);
	must(a->strict == b->strict && a->dry_run == b->dry_run);
	must(a->jobs == b->jobs && a->limit_rate == b->limit_rate);
	must(a->file_mode == b->file_mode && a->verbose == b->verbose);
	must(a->since.from_ms == b->since.from_ms);
	must(a->sample == b->sample);
}

/* Line ends of Windows, and a comment before. */
static void
look_at_line_ends(const struct options *right, struct fuzz_in in)
{
	char *text = malloc(2 * (size_t)(in.end - in.p) + 32), *to = text;
	struct err e = ERR_INIT;
	struct options o;

	must(text != NULL);
	to += snprintf(to, 32, "# first\r\n\r\n");
	for (; in.p < in.end; in.p++) {
		if (*in.p == '\n')
			*to++ = '\r';
		*to++ = *in.p;
	}
	fuzz_file("config", text, (size_t)(to - text));
	must(read_options(&o, &e) == 0);
	same(right, &o);
	opt_clear(&o);
	free(text);
}

/* An account is added to a file that has none, and to no other. */
static void
look_at_setting(const struct options *before, const char *account)
{
	struct err e = ERR_INIT;
	struct options o;
	int rc;

	rc = opt_config_set(path, "account", account, &e);
	must((rc == -1) == (e.code != ERR_NONE));
	err_clear(&e);
	must(read_options(&o, &e) == 0);
	if (rc == 0)
		must(fuzz_same(o.account, account));
	else
		must(fuzz_same(o.account, before->account));
	must(rc != 1 || before->account != NULL);
	must(fuzz_same(o.root, before->root) && o.jobs == before->jobs);
	opt_clear(&o);
}

static bool
has_long_line(struct fuzz_in in)
{
	struct fuzz_in line;

	while ((line = fuzz_span(&in)).p != NULL)
		if (line.end - line.p > 4000)
			return true;
	return false;
}

/* An account, or an empty line; then the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	char *account = fuzz_line(&in);
	struct err e = ERR_INIT;
	struct options o;

	begin();
	fuzz_file("config", in.p, (size_t)(in.end - in.p));
	if (read_options(&o, &e) == 0) {
		look_at(&o);
		if (*account != '\0')
			look_at_setting(&o, account);
		if (!has_long_line(in) && (in.p == in.end || *in.p != '\xef'))
			look_at_line_ends(&o, in);
	}
	opt_clear(&o);
	free(account);
	return 0;
}
