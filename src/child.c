#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "civil.h"
#include "err.h"
#include "stop.h"

#define SAID_MAX_BYTES 4096
#define LOOK_EVERY_MS  10
#define STOP_GRACE_MS  200

/* What of it is ours; descriptors are -1 once closed. */
struct side {
	pid_t pid;
	int in, out; /* its standard input; what it says */
	const char *input;
	size_t left; /* of input */
};

static void
end_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static int
make_pipe(int ends[2])
{
	if (pipe(ends) == -1)
		return -1;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return 0;
}

/* In the child. */
_Noreturn static void
become(const char *const *argv, int in, int out)
{
	(void)setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (dup2(in, STDIN_FILENO) != -1 && dup2(out, STDOUT_FILENO) != -1 &&
	    dup2(out, STDERR_FILENO) != -1)
		execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int
begin(struct side *out, const struct child *c, struct err *e)
{
	int in[2] = {-1, -1}, said[2] = {-1, -1}, rc = -1;

	out->in = out->out = -1;
	out->input = c->input != NULL ? c->input : "";
	out->left = strlen(out->input);
	if (make_pipe(in) == -1 || make_pipe(said) == -1) {
		err_set_errno(e, errno, "Cannot make a pipe");
		goto out;
	}
	out->pid = fork();
	if (out->pid == 0)
		become(c->argv, in[0], said[1]);
	if (out->pid == -1) {
		err_set_errno(e, errno, "Cannot run %s", c->argv[0]);
		goto out;
	}
	/* Both do it, so that it is done before either goes on. */
	(void)setpgid(out->pid, out->pid);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(said[0], F_SETFL, O_NONBLOCK);
	out->in = in[1];
	out->out = said[0];
	in[1] = said[0] = -1;
	rc = 0;
out:
	end_fd(&in[0]);
	end_fd(&in[1]);
	end_fd(&said[0]);
	end_fd(&said[1]);
	return rc;
}

static void
give(struct side *s)
{
	ssize_t n = 0;

	if (s->in == -1)
		return;
	if (s->left > 0)
		n = write(s->in, s->input, s->left);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		s->input += n;
		s->left -= (size_t)n;
	}
	/* All of it, or it does not want to read (EPIPE). */
	if (n == -1 || s->left == 0)
		end_fd(&s->in);
}

static void
take(struct side *s, struct buf *said)
{
	char block[1024];
	ssize_t n = -1;
	size_t room;

	while (s->out != -1 && (n = read(s->out, block, sizeof(block))) > 0) {
		room = SAID_MAX_BYTES - said->len;
		(void)buf_add(said, block, (size_t)n < room ? (size_t)n : room);
	}
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		end_fd(&s->out);
}

/* Has it ended?  It stays a zombie, so that its number stays its own. */
static bool
has_ended(const struct side *s)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)s->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) == -1
	    ? errno != EINTR
	    : info.si_pid == s->pid;
}

/* Talk with it until it has ended or its time is over. */
static bool
attend(struct side *s, struct buf *said, int64_t until_ms, bool heed_stop)
{
	struct pollfd fds[2];
	bool ended;

	for (;;) {
		ended = has_ended(s);
		give(s);
		take(s, said);
		if (ended || clock_mono_ms() >= until_ms ||
		    (heed_stop && stop_is_set()))
			return ended;
		fds[0] = (struct pollfd){.fd = s->in, .events = POLLOUT};
		fds[1] = (struct pollfd){.fd = s->out, .events = POLLIN};
		(void)poll(fds, 2, LOOK_EVERY_MS);
	}
}

static void
put_down(struct side *s, struct buf *said, int64_t grace_ms)
{
	(void)kill(-s->pid, SIGTERM);
	(void)attend(s, said, clock_mono_ms() + grace_ms, false);
	/* The leader is not reaped yet: the group is still this one. */
	(void)kill(-s->pid, SIGKILL);
}

int
child_run(struct child_result *out, const struct child *c, struct err *e)
{
	struct side s;
	int status = 0;

	memset(out, 0, sizeof(*out));
	buf_init(&out->said, SAID_MAX_BYTES);
	if (begin(&s, c, e) == -1)
		return -1;
	if (!attend(&s, &out->said, clock_mono_ms() + c->limit_ms, true)) {
		out->end = stop_is_set() ? CHILD_STOPPED : CHILD_LATE;
		put_down(&s, &out->said,
		    out->end == CHILD_STOPPED && c->grace_ms > STOP_GRACE_MS
			? STOP_GRACE_MS
			: c->grace_ms);
	}
	while (waitpid(s.pid, &status, 0) == -1 && errno == EINTR)
		continue;
	out->status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	end_fd(&s.in);
	end_fd(&s.out);
	return 0;
}
