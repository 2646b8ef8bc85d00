#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

#include "server.h"

/* The control port: plain HTTP for whoever runs the tests; see --help. */

struct control;
/* quit_fd gets one byte when /quit is asked for.  NULL if it cannot. */
struct control *control_start(const struct server_parts *, struct server *,
    int quit_fd);
void	control_stop(struct control *);
uint16_t control_port(const struct control *);

#endif
