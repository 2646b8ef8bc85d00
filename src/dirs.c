#include "dirs.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "compat.h"

static const char *
home(void)
{
	const char *dir = getenv("HOME");
	const struct passwd *pw;

	if (dir != NULL && dir[0] == '/')
		return dir;
	/* cron and some service managers set no HOME. */
	pw = getpwuid(getuid());
	return pw != NULL && pw->pw_dir != NULL && pw->pw_dir[0] == '/'
	    ? pw->pw_dir
	    : NULL;
}

/* $VARIABLE/icloud-pull, or HOME/fallback/icloud-pull. */
static char *
place(const char *variable, const char *fallback)
{
	const char *dir = getenv(variable);

	if (dir != NULL && dir[0] == '/')
		return xasprintf("%s/icloud-pull", dir);
	dir = home();
	return dir != NULL ? xasprintf("%s/%s/icloud-pull", dir, fallback)
			   : NULL;
}

char *
dirs_state(void)
{
	return place("XDG_STATE_HOME", compat_state_dir());
}

char *
dirs_config_file(void)
{
	char *dir = place("XDG_CONFIG_HOME", ".config"), *file;

	if (dir == NULL)
		return NULL;
	file = xasprintf("%s/config", dir);
	free(dir);
	return file;
}

char *
dirs_account(const char *state, const char *account)
{
	struct buf name = {0};
	char *path;

	for (const char *p = account; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || strchr("@-_+", *p) != NULL ||
		    (*p == '.' && p != account))
			buf_addc(&name, *p);
		else
			buf_addf(&name, "%%%02X", (unsigned char)*p);
	}
	path = xasprintf("%s/accounts/%s", state, buf_text(&name));
	buf_clear(&name);
	return path;
}
