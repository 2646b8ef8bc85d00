#ifndef XMP_H
#define XMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * What is known of a photo or video, as an XMP packet: pure, and the same bytes
 * for the same values.  What is absent is left out; so is a text with nothing
 * in it.
 */
struct xmp {
	const char *title, *caption;	/* UTF-8; NULL */
	const char *const *keywords;	/* those that come again count once */
	size_t	nkeywords;
	bool	has_place, has_altitude;
	double	latitude, longitude;	/* degrees, in range */
	double	altitude_m;
	bool	has_taken, has_offset;
	int64_t	taken_ms;		/* since 1970 UTC; years 1 to 9999 */
	int64_t	offset_s;		/* of the clocks there, east of UTC */
	bool	favourite;
};

/*
 * dc:title, dc:description, dc:subject and digiKam:TagsList, exif:GPSLatitude
 * and the like, exif:DateTimeOriginal, photoshop:DateCreated, xmp:CreateDate;
 * xmp:Rating 5 of a favourite.  Characters that XML 1.0 forbids are dropped,
 * bytes that are no UTF-8 become U+FFFD.
 */
void	xmp_write(struct buf *out, const struct xmp *);

#endif
