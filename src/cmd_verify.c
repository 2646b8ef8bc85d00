#include "cmd.h"
#include "verify.h"

const struct cmd cmd_verify = {
    .name = "verify",
    .help = "re-read the copy, compare it with Apple's checksums and list",
    .scope = OPT_VERIFY,
    .run = verify_run,
};
