#include "timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "compat.h"
#include "err.h"

#define LIMIT_MS     10000
#define GRACE_MS     500
#define WORD_BYTES   256
#define NOT_FOUND    127 /* of env(1) */
#define SYSTEMD_UNIT "icloud-pull.timer"

const char *
timer_enable(void)
{
	return compat_has_launchd()
	    ? "Switch it on as the README says, \"Every night\"."
	    : "Run: systemctl --user enable --now " SYSTEMD_UNIT;
}

const char *
timer_linger(void)
{
	return "Run: loginctl enable-linger";
}

/* Keeps the first line of what it says.  False: it could not be begun, or did
 * not end by itself. */
static bool
ask(struct child_result *out, const char *const *argv)
{
	const struct child c = {
	    .argv = argv, .limit_ms = LIMIT_MS, .grace_ms = GRACE_MS};

	if (child_run(out, &c, NULL) == -1 || out->end != CHILD_EXITED)
		return false;
	if (out->said.len > 0) {
		out->said.len = strcspn(out->said.data, "\r\n");
		out->said.data[out->said.len] = '\0';
	}
	return true;
}

static enum timer_state
look_launchd(struct child_result *out)
{
	/* That of docs/packaging, and what "brew services" makes. */
	static const char *const labels[] = {
	    "org.icloud-pull.nightly", "homebrew.mxcl.icloud-pull"};
	char service[64];
	const char *const argv[] = {"/bin/launchctl", "print", service, NULL};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		snprintf(service, sizeof(service), "gui/%lu/%s",
		    (unsigned long)getuid(), labels[i]);
		if (i > 0)
			buf_clear(&out->said);
		if (!ask(out, argv))
			return TIMER_UNKNOWN;
		if (out->status == 0)
			return TIMER_ON;
	}
	return TIMER_OFF;
}

enum timer_state
timer_look(struct child_result *out)
{
	static const char *const argv[] = {"/usr/bin/env", "systemctl",
	    "--user", "is-enabled", SYSTEMD_UNIT, NULL};
	static const char *const off[] = {
	    "disabled", "masked", "not-found", "static", "linked", "indirect"};
	const char *said;

	if (compat_has_launchd())
		return look_launchd(out);
	if (!ask(out, argv))
		return TIMER_UNKNOWN;
	if (out->status == NOT_FOUND)
		return TIMER_NO_MANAGER;
	said = buf_text(&out->said);
	if (out->status == 0 && strncmp(said, "enabled", 7) == 0)
		return TIMER_ON;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (strcmp(said, off[i]) == 0)
			return TIMER_OFF;
	/* Versions before 253 have a sentence for what is not installed. */
	return strstr(said, "No such file") != NULL ? TIMER_OFF : TIMER_UNKNOWN;
}

enum timer_state
timer_lingers(struct child_result *out)
{
	char user[32];
	const char *const argv[] = {"/usr/bin/env", "loginctl", "show-user",
	    user, "--property=Linger", NULL};

	/* A launch agent runs while its user is logged in, and that is it. */
	if (compat_has_launchd())
		return TIMER_NO_MANAGER;
	snprintf(user, sizeof(user), "%lu", (unsigned long)getuid());
	if (!ask(out, argv))
		return TIMER_UNKNOWN;
	if (out->status == NOT_FOUND)
		return TIMER_NO_MANAGER;
	if (strcmp(buf_text(&out->said), "Linger=yes") == 0)
		return TIMER_ON;
	/* Whoever lingers is known to it, so who is not known does not. */
	if (strcmp(buf_text(&out->said), "Linger=no") == 0 ||
	    strstr(buf_text(&out->said), "not logged in") != NULL)
		return TIMER_OFF;
	return TIMER_UNKNOWN;
}

/* ---- commands ---- */

/* The first word, if the shell takes it as it stands. */
static bool
first_word(char out[WORD_BYTES], const char *command)
{
	size_t n;

	command += strspn(command, " \t");
	n = strcspn(command, " \t\r\n;|&()<>$`\"'\\=*?[]~#{}!");
	if (n == 0 || n >= WORD_BYTES ||
	    (command[n] != '\0' && strchr(" \t\n;|&", command[n]) == NULL))
		return false;
	memcpy(out, command, n);
	out[n] = '\0';
	return true;
}

static bool
succeeds(const char *const *argv)
{
	struct child_result r;
	bool ok = ask(&r, argv) && r.status == 0;

	buf_clear(&r.said);
	return ok;
}

enum timer_command
timer_command(const char *command)
{
	char word[WORD_BYTES], *path;
	const char *const parse[] = {"/bin/sh", "-n", "-c", command, NULL};
	const char *const here[] = {
	    "/bin/sh", "-c", "command -v \"$1\"", "sh", word, NULL};
	const char *there[] = {"/usr/bin/env", NULL, "/bin/sh", "-c",
	    "command -v \"$1\"", "sh", word, NULL};
	bool found;

	if (!succeeds(parse))
		return TIMER_COMMAND_BROKEN;
	if (!first_word(word, command))
		return TIMER_COMMAND_OPAQUE;
	if (!succeeds(here))
		return TIMER_COMMAND_MISSING;
	path = xasprintf("PATH=%s", compat_timer_path());
	there[1] = path;
	found = succeeds(there);
	free(path);
	return found ? TIMER_COMMAND_FOUND : TIMER_COMMAND_HERE_ONLY;
}
