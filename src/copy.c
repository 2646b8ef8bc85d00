#include "copy.h"

#include <stddef.h>

#include "cmd.h"
#include "err.h"
#include "store.h"

int
copy_read(struct store **out, const struct app *app, struct err *e)
{
	const struct store_options o = {
	    .root = app->opt.root,
	    .state_dir = app->state_dir,
	    .account = app->opt.account,
	    .mode = STORE_READ,
	};

	if (app->opt.root == NULL)
		return err_set(e, ERR_USAGE, "Give --root DIR.",
		    "Where the copy lies is not known.");
	return store_open(out, &o, e);
}
