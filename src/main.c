#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "civil.h"
#include "cmd.h"
#include "compat.h"
#include "completion.h"
#include "dirs.h"
#include "err.h"
#include "log.h"
#include "notify.h"
#include "report.h"
#include "stop.h"
#include "summary.h"

static const struct cmd *const commands[] = {&cmd_login, &cmd_logout, &cmd_sync,
    &cmd_verify, &cmd_status, &cmd_list, &cmd_doctor};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The write end of the pipe that wakes the loop; -1 until it is made. */
static volatile sig_atomic_t signal_pipe = -1;
static volatile sig_atomic_t signals_seen;

/* The first signal asks for an orderly end; the second does not wait. */
static void
on_signal(int signo)
{
	int saved = errno;

	(void)signo;
	if (signals_seen++ > 0)
		_exit(130);
	stop_set(true);
	if (write(signal_pipe, "x", 1) == -1)
		_exit(130);
	errno = saved;
}

/* Should 0, 1 or 2 be closed, the catalogue must not get their numbers.  What
 * is written to a closed standard output is lost, and that shows: its stand-in
 * takes nothing.  A closed standard error is nobody's error. */
static void
keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null",
			fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) == -1)
			_exit(5);
}

static int
catch_signals(int *out, struct err *e)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_signal}, before;
	int fds[2];

	if (pipe(fds) == -1)
		return err_set_errno(e, errno, "Cannot make a pipe");
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	signal_pipe = fds[1];
	*out = fds[0];
	/* No SA_RESTART: a question on the terminal ends too. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* A run under nohup(1) outlives its terminal. */
		if (signals[i] == SIGHUP &&
		    sigaction(SIGHUP, NULL, &before) == 0 &&
		    before.sa_handler == SIG_IGN)
			continue;
		if (sigaction(signals[i], &act, NULL) == -1)
			return err_set_errno(e, errno, "Cannot catch signals");
	}
	/* A limit on the size of files is an error of that file (EFBIG). */
	signal(SIGXFSZ, SIG_IGN);
	return 0;
}

static const struct cmd *
find_command(const char *name)
{
	if (name == NULL)
		return &cmd_sync;
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void
help_all(void)
{
	printf("usage: icloud-pull [options] [command]\n\n"
	       "A complete copy of an iCloud Photos library on a disk of your "
	       "own.\nWithout a command: sync.\n\ncommands:\n");
	for (size_t i = 0; i < NCOMMANDS; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->help);
	printf("\noptions of every command:\n");
	opt_help(stdout, OPT_GLOBAL);
	printf("\nicloud-pull COMMAND --help shows the options of one.\n");
}

static void
help_one(const struct cmd *cmd)
{
	printf("usage: icloud-pull %s%s%s [options]\n\n%s\n", cmd->name,
	    cmd->words != NULL ? " " : "", cmd->words != NULL ? "[WHAT]" : "",
	    cmd->help);
	if (cmd->words != NULL)
		printf("\nWHAT is one of: %s\n", cmd->words);
	if (cmd->scope != OPT_GLOBAL && opt_has(cmd->scope)) {
		printf("\noptions:\n");
		opt_help(stdout, cmd->scope);
	}
	printf("\noptions of every command:\n");
	opt_help(stdout, OPT_GLOBAL);
}

static int
end_of_output(void)
{
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 5;
}

static void
set_log_level(const struct options *o)
{
	log_set_level(o->quiet    ? LOG_QUIET
		: o->verbose >= 2 ? LOG_TRACE
		: o->verbose == 1 ? LOG_VERBOSE
		: o->scheduled    ? LOG_WARNINGS
				  : LOG_NORMAL);
}

static void
say_error(struct app *app, const struct err *e)
{
	if (e->what[0] == '\0')
		return;
	if (e->next[0] != '\0')
		log_error("%s %s", e->what, e->next);
	else
		log_error("%s", e->what);
	report_open(app->report, "error");
	report_int(app->report, "status", err_exit_status(e->code));
	report_str(app->report, "reason", err_reason(e->code));
	summary_wait(app->report, e->wait_ms, clock_now_ms());
	report_str(app->report, "text", e->what);
	report_str(app->report, "next", e->next);
	report_close(app->report);
}

static bool
is_work(const struct cmd *cmd)
{
	return cmd == &cmd_sync || cmd == &cmd_verify;
}

/* What may take hours and is worth telling somebody who is not there. */
static int
work(struct app *app, const struct cmd *cmd, struct err *e)
{
	uint32_t awake = compat_stay_awake();
	int rc;

	app->outcome.command = cmd->name;
	rc = cmd->run(app, e);
	compat_may_sleep(awake);
	return rc;
}

static int
run(struct app *app, const struct cmd *cmd, struct err *e)
{
	if (opt_check_scope(&app->opt, cmd->scope, e) == -1)
		return -1;
	if (app->state_dir == NULL)
		return err_set(e, ERR_USAGE, "Set HOME.",
		    "There is no home directory to keep the session in.");
	if (app->opt.ca_file != NULL && app->opt.connect_to != NULL)
		log_warn("Every connection goes to %s, trusting %s.",
		    app->opt.connect_to, app->opt.ca_file);
	if (catch_signals(&app->signal_fd, e) == -1)
		return -1;
	return is_work(cmd) ? work(app, cmd, e) : cmd->run(app, e);
}

/* The command that argv names, run; or what --help, --version and --completion
 * want. */
static int
obey(struct app *app, const char *word, int *status, struct err *e)
{
	const struct cmd *cmd = find_command(word);

	if (app->opt.version) {
		printf("icloud-pull %s\n", VERSION);
		*status = end_of_output();
		return 0;
	}
	if (app->opt.completion != NULL) {
		completion_write(stdout, app->opt.completion, commands,
		    NCOMMANDS, &cmd_sync);
		*status = end_of_output();
		return 0;
	}
	if (cmd == NULL)
		return err_set(e, ERR_USAGE,
		    "icloud-pull --help shows what there is.",
		    "There is no command \"%s\".", word);
	if (app->opt.help) {
		if (word == NULL)
			help_all();
		else
			help_one(cmd);
		*status = end_of_output();
		return 0;
	}
	if (app->opt.operand != NULL &&
	    (cmd->words == NULL || !opt_is_word(cmd->words, app->opt.operand)))
		return err_set(e, ERR_USAGE,
		    "COMMAND --help shows what can stand there.",
		    "\"%s\" is not understood after %s.", app->opt.operand,
		    cmd->name);
	return run(app, cmd, e);
}

int
main(int argc, char *argv[])
{
	struct app app = {.signal_fd = -1};
	struct err e = ERR_INIT;
	const char *word = NULL;
	char *standard_config;
	int status = 0, rc;

	keep_standard_descriptors();
	/* Nobody may be left who reads, from the first word on. */
	signal(SIGPIPE, SIG_IGN);
	compat_protect_process();
	setlocale(LC_ALL, "C");
	standard_config = dirs_config_file();
	app.state_dir = dirs_state();
	rc = opt_read(&app.opt, &word, argc, argv, standard_config, &e);
	app.config_path =
	    app.opt.config != NULL ? app.opt.config : standard_config;
	/* In the configuration it stands for all, but it is sync's alone. */
	if (find_command(word) != &cmd_sync)
		app.opt.scheduled = false;
	set_log_level(&app.opt);
	app.report = report_new(app.opt.json,
	    app.opt.quiet || (app.opt.scheduled && app.opt.verbose == 0));
	if (rc == 0)
		rc = obey(&app, word, &status, &e);
	if (rc == -1) {
		status = err_exit_status(e.code);
		say_error(&app, &e);
	}
	notify_run(&app, &e);
	if (report_end(app.report) == -1 && status == 0)
		status = 5;
	free(app.state_dir);
	free(standard_config);
	opt_clear(&app.opt);
	return status;
}
