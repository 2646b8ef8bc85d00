#include "cmd.h"
#include "verify.h"

const struct cmd cmd_verify = {
    .name = "verify",
    .help = "re-read the copy and compare it with Apple's checksums",
    .scope = OPT_VERIFY,
    .run = verify_run,
};
