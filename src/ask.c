#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "stop.h"

#define LINE_MAX_BYTES 4096
#define REST_MAX_BYTES (1 << 20)

bool
ask_is_person(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Until there is something to read: 0; a signal: -1 with EINTR.  mask is in
 * force meanwhile, so that none comes between looking and waiting. */
static int
wait_to_read(int fd, const sigset_t *mask)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return pselect(fd + 1, &set, NULL, NULL, NULL, mask) == -1 ? -1 : 0;
}

/* One line from a descriptor, a byte at a time, so that nothing is read ahead
 * and no copy stays in a stdio buffer.  1: a line; 0: end; -1: errno.  mask:
 * signals that are held back, but not while it waits; NULL: none are. */
static int
read_line(struct buf *out, int fd, const sigset_t *mask)
{
	char c;
	ssize_t n;

	for (;;) {
		if (stop_is_set()) {
			errno = EINTR;
			return -1;
		}
		if (mask != NULL && wait_to_read(fd, mask) == -1)
			return -1;
		n = read(fd, &c, 1);
		if (n == -1)
			return -1;
		if (n == 0)
			return out->len > 0 ? 1 : 0;
		if (c == '\n')
			break;
		if (buf_addc(out, c) == -1) {
			errno = EMSGSIZE;
			return -1;
		}
	}
	if (out->len > 0 && out->data[out->len - 1] == '\r')
		out->data[--out->len] = '\0';
	return 1;
}

char *
ask_line(struct err *e)
{
	struct buf line;
	int got;

	buf_init_secret(&line, LINE_MAX_BYTES);
	got = read_line(&line, STDIN_FILENO, NULL);
	if (got == 1)
		return buf_take(&line);
	if (got == -1 && errno == EINTR)
		err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
	buf_clear(&line);
	return NULL;
}

/* Only that a read returns. */
static void
on_continue(int signo)
{
	(void)signo;
}

/* Ask, and read one line; again, if it was stopped meanwhile and goes on: then
 * a shell has put the terminal back to echoing.  As read_line(). */
static int
converse(struct buf *out, const char *question, const struct termios *quiet)
{
	static const int signals[] = {SIGCONT, SIGINT, SIGTERM, SIGHUP};
	sigset_t held, mask;
	int got, saved;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&held, signals[i]);
	sigprocmask(SIG_BLOCK, &held, &mask);
	do {
		buf_reset(out);
		/* Before the question: some answers come at once. */
		while (quiet != NULL &&
		    tcsetattr(STDIN_FILENO, TCSAFLUSH, quiet) == -1 &&
		    errno == EINTR && !stop_is_set())
			continue;
		fprintf(stderr, "%s", question);
		fflush(stderr);
		got = read_line(out, STDIN_FILENO, &mask);
	} while (got == -1 && errno == EINTR && !stop_is_set());
	saved = errno;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	errno = saved;
	return got;
}

char *
ask_person(const char *question, bool hidden, struct err *e)
{
	const struct sigaction go_on = {.sa_handler = on_continue};
	struct sigaction default_go_on;
	struct termios before, quiet;
	struct buf line;
	bool quieten = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
	int got, saved;

	if (quieten) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	}
	sigaction(SIGCONT, &go_on, &default_go_on);
	buf_init_secret(&line, LINE_MAX_BYTES);
	got = converse(&line, question, quieten ? &quiet : NULL);
	saved = errno;
	sigaction(SIGCONT, &default_go_on, NULL);
	if (quieten) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fprintf(stderr, "\n");
	}
	if (got == 1)
		return buf_take(&line);
	buf_clear(&line);
	if (got == -1 && saved == EINTR)
		err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
	else
		err_set(e, ERR_USAGE, NULL, "There was no answer.");
	return NULL;
}

/* In the child.  A terminal is left to it, for it may ask a person; lines of a
 * script are not, for they are meant for us. */
_Noreturn static void
run_command(const char *command, int out)
{
	int none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (!isatty(STDIN_FILENO)) {
		none = open("/dev/null", O_RDONLY);
		if (none == -1 || dup2(none, STDIN_FILENO) == -1)
			_exit(126);
	}
	if (dup2(out, STDOUT_FILENO) != -1)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

char *
ask_command(const char *command, struct err *e)
{
	struct buf line;
	int fds[2], status = 0, got;
	pid_t pid;
	char c;

	if (pipe(fds) == -1) {
		err_set_errno(e, errno, "Cannot make a pipe");
		return NULL;
	}
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == -1) {
		err_set_errno(e, errno, "Cannot run the password command");
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	if (pid == 0)
		run_command(command, fds[1]);
	close(fds[1]);
	buf_init_secret(&line, LINE_MAX_BYTES);
	do
		got = read_line(&line, fds[0], NULL);
	while (got == -1 && errno == EINTR && line.len == 0 && !stop_is_set());
	/* Let it finish what it has to say, if that has an end. */
	for (int n = 0; got == 1 && n < REST_MAX_BYTES; n++)
		if (read(fds[0], &c, 1) <= 0)
			break;
	close(fds[0]);
	while (
	    !stop_is_set() && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (stop_is_set()) {
		/* Perhaps it waits for a person; it is not waited for. */
		(void)kill(pid, SIGTERM);
		buf_clear(&line);
		err_set(e, ERR_INTERRUPTED, NULL, "Interrupted.");
		return NULL;
	}
	if (got == 1 && line.len > 0 && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0)
		return buf_take(&line);
	buf_clear(&line);
	err_set(e, ERR_PASSWORD,
	    "Run the command by hand and see what it says.",
	    "The password command gave no password (status %d).",
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return NULL;
}
