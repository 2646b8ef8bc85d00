#ifndef SIDECAR_H
#define SIDECAR_H

struct err;
struct report;
struct store;

/* Write the sidecars that are not as they should be, in XMP; what cannot be
 * written because of somebody else's file is a warning. */
int	sidecar_write(struct store *, struct report *, struct err *);

#endif
