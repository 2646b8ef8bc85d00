#ifndef ALARM_H
#define ALARM_H

#include <stdbool.h>

struct err;
struct store_losses;

/*
 * Has the cloud changed as after a theft?  Pure.  A person tidies up by dozens;
 * a fifth of a library at once, or two thousand and a twentieth, is worth a
 * call in the night, once.
 */
bool alarm_is_due(const struct store_losses *);
/* What it says: fills e with ERR_ALARM; -1. */
int alarm_sound(const struct store_losses *, struct err *e);

#endif
