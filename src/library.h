#ifndef LIBRARY_H
#define LIBRARY_H

/* The name that people know a library by, from that of its zone: "Personal",
 * "Shared". */
const char *library_word(const char *zone_name);

#endif
