#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest_rule;

/*
 * Reads Apple's fileChecksum [file-checksum]; computes nothing.  The bytes
 * after base64: a kind byte, then its hash.
 */
#define CHECKSUM_MAX 64

struct checksum {
	uint8_t	bytes[CHECKSUM_MAX];
	size_t	len;	/* 0: there is none */
};

/* From the base64 text of a record; false (len 0) if it is none or longer. */
bool	checksum_read(struct checksum *out, const char *base64);
/* How a file with this checksum is proven. */
void	checksum_rule(struct digest_rule *out, const uint8_t *bytes,
	    size_t len);
/* Is it the checksum of a file without bytes? */
bool	checksum_of_nothing(const uint8_t *bytes, size_t len);

#endif
