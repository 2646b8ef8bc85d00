#ifndef STOP_H
#define STOP_H

#include <stdbool.h>

/*
 * That the person wants an end: the one flag of the program that a signal
 * sets.  The loop is woken by a pipe of its own; this is for what runs outside
 * of it and may take long: hashing a large file on a worker, waiting for a
 * lock, for a command or for a line.  They end with ERR_INTERRUPTED, or with
 * errno ECANCELED where errno is all they have.
 */
void	stop_set(bool); /* from a signal handler too */
bool	stop_is_set(void); /* on any thread */

#endif
