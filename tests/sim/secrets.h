#ifndef SECRETS_H
#define SECRETS_H

struct buf;

/* What sim_secret() was told, each a JSON text on a line. */
void	secrets_list(struct buf *out);

#endif
