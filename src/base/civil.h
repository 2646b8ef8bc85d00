#ifndef CIVIL_H
#define CIVIL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Calendar arithmetic on 64-bit milliseconds since 1970-01-01 UTC, for any
 * year, without the host's zone, locale or time_t functions.
 */
#define CIVIL_DAY_MS INT64_C(86400000)

struct civil {
	int64_t	year; /* proleptic Gregorian; 0 and below exist */
	int	month, day, hour, minute, second, ms, yearday, weekday;
	/* month and day from 1, yearday from 1, weekday 0 is Sunday */
};

void	civil_from_ms(struct civil *out, int64_t ms);
int64_t	civil_to_ms(const struct civil *); /* ignores yearday and weekday */

/*
 * When a picture was taken, as the clocks there had it, offset_s east of UTC;
 * an offset of more than 14 hours is that of no place, and counts as none.
 * False if the year is absurd, before 1800 or after 2200 [dates].
 */
#define CIVIL_TAKEN_FIRST INT64_C(-5364662400000) /* 1800-01-01 */
#define CIVIL_TAKEN_END   INT64_C(7289654400000)  /* 2201-01-01 */
bool	civil_taken(struct civil *out, int64_t ms, int64_t offset_s);
/* The same as yyyymm; 0 if it is absurd. */
int	civil_month(int64_t ms, int64_t offset_s);

/* "2024-07-31T12:00:00Z"; years outside 0..9999 get a sign.  Returns out. */
char	*civil_iso(char out[40], int64_t ms);
/* The same read back ("2024-07-31", "...T12:00", with seconds, ms, "Z" or
 * "+02:00"; no zone means UTC).  -1 if it is none. */
int	civil_parse(int64_t *out_ms, const char *);

/* What a calendar in the host's own zone shows as this, in ms of a calendar
 * without a zone, as ms since 1970 UTC. */
int64_t	civil_local_to_ms(int64_t shown_ms);

/* Now, by the system's clock; and a clock for measuring, from any start. */
int64_t	clock_now_ms(void);
int64_t	clock_mono_ms(void);

#endif
