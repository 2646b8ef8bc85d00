#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "faults.h"
#include "sim.h"
#include "tls.h"

/* The TLS side: every host of the simulated iCloud behind one port. */

struct server_parts {
	const struct sim_options *options;
	struct account	*account;
	struct cloud	*cloud;
	struct faults	*faults;
};

struct server;
/* Listens on 127.0.0.1; port 0: one that the system chooses.  parts and what
 * it points to must live until server_stop().  NULL if it cannot. */
struct server *server_start(const struct server_parts *, const struct tls *,
	    uint16_t port);
void	server_stop(struct server *); /* waits for its connections */
uint16_t server_port(const struct server *);

/* The simulated clock: the system's, and what it was advanced by. */
int64_t	server_now_ms(struct server *);
void	server_advance(struct server *, int64_t ms);

#endif
