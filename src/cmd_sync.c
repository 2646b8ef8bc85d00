#include "cmd.h"
#include "sync.h"

const struct cmd cmd_sync = {
    .name = "sync",
    .help = "list what is new, fetch it, prove it, record it",
    .scope = OPT_SYNC,
    .run = sync_run,
};
