#ifndef DETAILS_H
#define DETAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;

/*
 * What is known of a photo or video beside its bytes and the columns of struct
 * asset: what a person has written, and what a device has noted.  Read from
 * the records as they were received, whenever it is wanted; a field that is
 * missing, odd or too large is a value, never an error [enc-decoding].
 */
struct place {
	bool	present;	/* latitude and longitude */
	double	latitude, longitude; /* degrees */
	bool	has_altitude, has_speed, has_course, has_accuracy, has_time;
	double	altitude_m, speed_mps, course_deg, accuracy_m;
	int64_t	time_ms;	/* of the fix */
};

struct details {
	char	*title, *caption; /* UTF-8; NULL if absent */
	char	**keywords;	/* UTF-8 */
	size_t	 nkeywords;
	char	*time_zone;	/* "Europe/Rome"; NULL */
	char	*adjustment;	/* who edited it: "com.apple.photo"; NULL */
	char	*burst;		/* id that the frames of a burst share; NULL */
	int64_t	 duration_ms;	/* 0 for a still */
	int64_t	 subtype;	/* assetSubtype; 0: none */
	const char *kind;	/* "panorama", "slow-motion", "time-lapse",
				   "live", "screenshot"; NULL: none of these */
	char	*camera;	/* date that the camera has written into the
				   file, by its own clock:
				   "2021-09-29T12:00:00"; NULL */
	bool	 has_orientation, has_created;
	int64_t	 orientation;	/* EXIF, as displayed */
	int64_t	 created_ms;	/* originalCreationDate, of the master */
	struct place place;
};

/* master may be NULL.  The caller ends with details_clear(). */
void	details_read(struct details *out, const struct record *asset,
	    const struct record *master);
void	details_clear(struct details *);

#endif
