#include "stop.h"

#include <stdatomic.h>

static atomic_bool flag;

void
stop_set(bool on)
{
	atomic_store(&flag, on);
}

bool
stop_is_set(void)
{
	return atomic_load(&flag);
}
