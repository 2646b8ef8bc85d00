#include "password.h"

#include "ask.h"
#include "cmd.h"
#include "keystore.h"

int
password_saved(
    char **out, const struct app *app, const char *account, struct err *e)
{
	const char *command = app->opt.password_command;

	if (command == NULL)
		return keystore_get(out, account, e);
	*out = ask_command(command, e);
	return *out == NULL ? -1 : 0;
}
