#include "completion.h"

#include <stdbool.h>
#include <string.h>

#include "cmd.h"
#include "opt.h"

struct commands {
	const struct cmd *const *at;
	size_t n;
	const struct cmd *standard;
};

static bool
has_value(const struct opt_info *o, const char *called)
{
	return o->arg != NULL && strcmp(o->arg, called) == 0;
}

/* Its value may be the next word. */
static bool
needs_value(const struct opt_info *o)
{
	return o->arg != NULL && !o->value_optional;
}

static bool
has_list(const struct opt_info *o)
{
	return o->words != NULL && o->again;
}

/* Those that are the command's own. */
static void
own_options(const struct cmd *cmd,
    void (*each)(void *, const struct opt_info *), FILE *f)
{
	if (cmd->scope != OPT_GLOBAL)
		opt_each(cmd->scope, each, f);
}

/* " --name -letter", if its value may be the next word. */
static void
write_valued(void *arg, const struct opt_info *o)
{
	FILE *f = arg;

	if (!needs_value(o))
		return;
	fprintf(f, " --%s", o->name);
	if (o->letter != 0)
		fprintf(f, " -%c", o->letter);
}

/* ---- bash ---- */

static const char bash_begin[] =
    "# Completions of icloud-pull, written by: icloud-pull --completion bash\n"
    "\n"
    "_icloud_pull()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "\tlocal opt='' front='' cmd='' operand='' words='' i\n";
static const char bash_option[] =
    "\n"
    "\t# An equals sign is a word of its own, or not: COMP_WORDBREAKS.\n"
    "\tif [[ $cur == = ]]; then\n"
    "\t\topt=$prev cur=''\n"
    "\telif [[ $prev == = ]] && ((COMP_CWORD > 1)); then\n"
    "\t\topt=${COMP_WORDS[COMP_CWORD-2]}\n"
    "\telif [[ $cur == --*=* ]]; then\n"
    "\t\topt=${cur%%=*} front=${cur%%=*}= cur=${cur#*=}\n"
    "\telif [[ $valued == *\" $prev \"* ]]; then\n"
    "\t\topt=$prev\n"
    "\tfi\n"
    "\n"
    "\t# Files are completed by bash itself, and nothing else is.\n"
    "\tcase $opt in\n";
static const char bash_value[] = "\tesac\n"
				 "\tcompopt +o default 2>/dev/null\n"
				 "\tcase $opt in\n";
static const char bash_words[] =
    "\t-*)\n"
    "\t\treturn ;;\n"
    "\tesac\n"
    "\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tcase ${COMP_WORDS[i]} in\n"
    "\t\t= | :)\n"
    "\t\t\t((i++)) ;;\n"
    "\t\t-*)\n"
    "\t\t\tif [[ $valued == *\" ${COMP_WORDS[i]} \"* &&\n"
    "\t\t\t    ${COMP_WORDS[i+1]} != = ]]; then\n"
    "\t\t\t\t((i++))\n"
    "\t\t\tfi ;;\n"
    "\t\t*)\n"
    "\t\t\tif [[ -z $cmd ]]; then\n"
    "\t\t\t\tcmd=${COMP_WORDS[i]}\n"
    "\t\t\telse\n"
    "\t\t\t\toperand=${COMP_WORDS[i]}\n"
    "\t\t\tfi ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\n"
    "\tif [[ $cur == -* ]]; then\n";
static const char bash_operand[] = "\t\tesac\n"
				   "\telif [[ -z $cmd ]]; then\n";
static const char bash_end[] =
    "\t\tesac\n"
    "\tfi\n"
    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "}\n"
    "\n"
    "complete -o default -F _icloud_pull icloud-pull\n";

static void
bash_file(void *arg, const struct opt_info *o)
{
	FILE *f = arg;

	if (has_value(o, "FILE"))
		fprintf(f, "\t--%s)\n\t\treturn ;;\n", o->name);
}

static void
bash_choices(void *arg, const struct opt_info *o)
{
	FILE *f = arg;

	if (has_value(o, "DIR"))
		fprintf(f,
		    "\t--%s)\n\t\tcompopt -o dirnames 2>/dev/null\n"
		    "\t\treturn ;;\n",
		    o->name);
	if (o->words == NULL)
		return;
	fprintf(f, "\t--%s)\n", o->name);
	if (has_list(o))
		fputs("\t\tif [[ $cur == *,* ]]; then\n"
		      "\t\t\tfront=$front${cur%,*}, cur=${cur##*,}\n"
		      "\t\tfi\n",
		    f);
	fprintf(f,
	    "\t\tCOMPREPLY=($(compgen -P \"$front\" -W '%s' -- \"$cur\"))\n"
	    "\t\treturn ;;\n",
	    o->words);
}

static void
bash_name(void *arg, const struct opt_info *o)
{
	FILE *f = arg;

	fprintf(f, " --%s", o->name);
}

static void
write_bash(FILE *f, const struct commands *c)
{
	const struct cmd *cmd;

	fputs(bash_begin, f);
	fputs("\tlocal valued='", f);
	opt_each(OPT_SCOPES, write_valued, f);
	fputs(" '\n", f);
	fputs(bash_option, f);
	opt_each(OPT_SCOPES, bash_file, f);
	fputs(bash_value, f);
	opt_each(OPT_SCOPES, bash_choices, f);
	fputs(bash_words, f);
	fputs("\t\twords='", f);
	opt_each(OPT_GLOBAL, bash_name, f);
	fputs("'\n\t\tcase ", f);
	fprintf(f, "${cmd:-%s} in\n", c->standard->name);
	for (size_t i = 0; i < c->n; i++) {
		cmd = c->at[i];
		fprintf(f, "\t\t%s)\n\t\t\twords+='", cmd->name);
		own_options(cmd, bash_name, f);
		fputs("' ;;\n", f);
	}
	fputs(bash_operand, f);
	fputs("\t\twords='", f);
	for (size_t i = 0; i < c->n; i++)
		fprintf(f, " %s", c->at[i]->name);
	fputs("'\n\telif [[ -z $operand ]]; then\n\t\tcase $cmd in\n", f);
	for (size_t i = 0; i < c->n; i++)
		if (c->at[i]->words != NULL)
			fprintf(f, "\t\t%s)\n\t\t\twords='%s' ;;\n",
			    c->at[i]->name, c->at[i]->words);
	fputs(bash_end, f);
}

/* ---- zsh ---- */

/* Within '...', with a backslash before each of special. */
static void
write_quoted(FILE *f, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			fputs("'\\''", f);
			continue;
		}
		if (strchr(special, *text) != NULL)
			fputc('\\', f);
		fputc(*text, f);
	}
}

/* What completes the value: ":NAME:ACTION". */
static void
zsh_action(FILE *f, const struct opt_info *o)
{
	if (o->arg == NULL)
		return;
	fputs(o->value_optional ? "::" : ":", f);
	write_quoted(f, o->arg, ":");
	if (has_list(o))
		fprintf(f, ":_values -s , %s %s", o->arg, o->words);
	else if (o->words != NULL)
		fprintf(f, ":(%s)", o->words);
	else if (has_value(o, "DIR"))
		fputs(":_files -/", f);
	else if (has_value(o, "FILE"))
		fputs(":_files", f);
	else
		fputs(": ", f);
}

static void
zsh_option(void *arg, const struct opt_info *o)
{
	FILE *f = arg;
	const char *equals = o->value_optional ? "=-"
	    : o->arg != NULL                   ? "="
					       : "";

	fputs("\t\t", f);
	if (o->letter == 0) {
		fprintf(f, "'%s--%s%s", o->again ? "*" : "", o->name, equals);
	} else {
		if (o->again)
			fputs("'*'", f);
		else
			fprintf(f, "'(-%c --%s)'", o->letter, o->name);
		fprintf(f, "{-%c%s,--%s%s}'", o->letter,
		    o->arg != NULL ? "+" : "", o->name, equals);
	}
	fputc('[', f);
	write_quoted(f, o->help, "[]:\\");
	fputc(']', f);
	zsh_action(f, o);
	fputs("'\n", f);
}

static void
write_zsh(FILE *f, const struct commands *c)
{
	const struct cmd *cmd;

	fputs("#compdef icloud-pull\n"
	      "# Completions of icloud-pull, written by: icloud-pull "
	      "--completion zsh\n"
	      "\n"
	      "_icloud_pull() {\n"
	      "\tlocal curcontext=$curcontext state state_descr line ret=1\n"
	      "\tlocal -A opt_args\n"
	      "\tlocal -a commands every own\n"
	      "\n"
	      "\tcommands=(\n",
	    f);
	for (size_t i = 0; i < c->n; i++) {
		fprintf(f, "\t\t'%s:", c->at[i]->name);
		write_quoted(f, c->at[i]->help, ":\\");
		fputs("'\n", f);
	}
	fputs("\t)\n\tevery=(\n", f);
	opt_each(OPT_GLOBAL, zsh_option, f);
	fputs("\t)\n\town=(\n", f);
	own_options(c->standard, zsh_option, f);
	fputs("\t)\n"
	      "\n"
	      "\t_arguments -C -S $every $own '1: :->command' "
	      "'*:: :->rest' && ret=0\n"
	      "\tcase $state in\n"
	      "\tcommand)\n"
	      "\t\t_describe -t commands command commands && ret=0\n"
	      "\t\treturn ret\n"
	      "\t\t;;\n"
	      "\trest)\n"
	      "\t\t;;\n"
	      "\t*)\n"
	      "\t\treturn ret\n"
	      "\t\t;;\n"
	      "\tesac\n"
	      "\n"
	      "\tcase $words[1] in\n",
	    f);
	for (size_t i = 0; i < c->n; i++) {
		cmd = c->at[i];
		fprintf(f, "\t%s)\n\t\town=(\n", cmd->name);
		own_options(cmd, zsh_option, f);
		if (cmd->words != NULL)
			fprintf(f, "\t\t'1:WHAT:(%s)'\n", cmd->words);
		fputs("\t\t)\n\t\t;;\n", f);
	}
	fputs("\t*)\n"
	      "\t\treturn 1\n"
	      "\t\t;;\n"
	      "\tesac\n"
	      "\t_arguments -S $every $own\n"
	      "}\n"
	      "\n"
	      "# Loaded by the completion system as a function, or sourced.\n"
	      "if [[ $funcstack[1] == _icloud-pull ]]; then\n"
	      "\t_icloud_pull \"$@\"\n"
	      "else\n"
	      "\tcompdef _icloud_pull icloud-pull\n"
	      "fi\n",
	    f);
}

/* ---- fish ---- */

static void
fish_string(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
	fputc('\'', f);
}

/* Behind "complete -c icloud-pull -n ..." or, for all, without a condition. */
static void
fish_option(void *arg, const struct opt_info *o)
{
	FILE *f = arg;

	fprintf(f, " -l %s", o->name);
	if (o->letter != 0)
		fprintf(f, " -s %c", o->letter);
	if (has_value(o, "FILE"))
		fputs(" -r -F", f);
	else if (has_value(o, "DIR"))
		fputs(" -x -a '(__fish_complete_directories)'", f);
	else if (has_list(o))
		fprintf(f,
		    " -x -a '(__fish_complete_list , \"string split -- \\\" "
		    "\\\" \\\"%s\\\"\")'",
		    o->words);
	else if (o->words != NULL)
		fprintf(f, "%s -a '%s'", needs_value(o) ? " -x" : "", o->words);
	else if (needs_value(o))
		fputs(" -x", f);
	fputs(" -d ", f);
	fish_string(f, o->help);
	fputc('\n', f);
}

static void
fish_of_all(void *arg, const struct opt_info *o)
{
	fputs("complete -c icloud-pull", arg);
	fish_option(arg, o);
}

struct fish_own {
	FILE *f;
	const char *condition;
};

static void
fish_of_one(void *arg, const struct opt_info *o)
{
	const struct fish_own *own = arg;

	fprintf(own->f, "complete -c icloud-pull -n '__icloud_pull_in %s'",
	    own->condition);
	fish_option(own->f, o);
}

static void
write_fish(FILE *f, const struct commands *c)
{
	char both[64];
	const struct cmd *cmd;
	struct fish_own own = {.f = f};

	fputs("# Completions of icloud-pull, written by: icloud-pull "
	      "--completion fish\n"
	      "\n"
	      "# The words of the line that are no options.\n"
	      "function __icloud_pull_words\n"
	      "    set -l skip no\n"
	      "    for word in (commandline -opc)[2..-1]\n"
	      "        if test $skip = yes\n"
	      "            set skip no\n"
	      "            continue\n"
	      "        end\n"
	      "        switch $word\n"
	      "            case",
	    f);
	opt_each(OPT_SCOPES, write_valued, f);
	fputs("\n"
	      "                set skip yes\n"
	      "            case '-*'\n"
	      "            case '*'\n"
	      "                echo $word\n"
	      "        end\n"
	      "    end\n"
	      "end\n"
	      "\n"
	      "# Is the command one of these? \"none\": it is still to come.\n"
	      "function __icloud_pull_in\n"
	      "    set -l words (__icloud_pull_words)\n"
	      "    test (count $words) -gt 0; or set words none\n"
	      "    contains -- $words[1] $argv\n"
	      "end\n"
	      "\n"
	      "# The same, with nothing behind it yet.\n"
	      "function __icloud_pull_at\n"
	      "    __icloud_pull_in $argv\n"
	      "    and test (count (__icloud_pull_words)) -lt 2\n"
	      "end\n"
	      "\n"
	      "complete -c icloud-pull -f\n",
	    f);
	for (size_t i = 0; i < c->n; i++) {
		fprintf(f,
		    "complete -c icloud-pull -n '__icloud_pull_in none' "
		    "-a %s -d ",
		    c->at[i]->name);
		fish_string(f, c->at[i]->help);
		fputc('\n', f);
	}
	opt_each(OPT_GLOBAL, fish_of_all, f);
	for (size_t i = 0; i < c->n; i++) {
		cmd = c->at[i];
		snprintf(both, sizeof(both), "%s%s",
		    cmd == c->standard ? "none " : "", cmd->name);
		own.condition = both;
		if (cmd->scope != OPT_GLOBAL)
			opt_each(cmd->scope, fish_of_one, &own);
		if (cmd->words != NULL)
			fprintf(f,
			    "complete -c icloud-pull -n '__icloud_pull_at %s' "
			    "-a '%s'\n",
			    cmd->name, cmd->words);
	}
}

void
completion_write(FILE *f, const char *shell, const struct cmd *const *commands,
    size_t n, const struct cmd *standard)
{
	const struct commands c = {
	    .at = commands, .n = n, .standard = standard};

	if (strcmp(shell, "zsh") == 0)
		write_zsh(f, &c);
	else if (strcmp(shell, "fish") == 0)
		write_fish(f, &c);
	else
		write_bash(f, &c);
}
