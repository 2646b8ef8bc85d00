#include "library.h"

#include <stddef.h>

#include "zone.h"

const char *
library_word(const char *zone_name)
{
	return zone_name != NULL && zone_kind(zone_name) == ZONE_SHARED
	    ? "Shared"
	    : "Personal";
}
