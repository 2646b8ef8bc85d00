#include "civil.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_A_DAY INT64_C(86400000)

/* Days that fit into 64-bit milliseconds whole, and years to count them in. */
#define MAX_DAYS (INT64_MAX / MS_A_DAY - 1)
#define MAX_YEAR INT64_C(300000000)

/* Of places on Earth, either way. */
#define OFFSET_MAX_S 50400

/* Whole days since 1970-01-01; years are counted from March, so that the leap
 * day is the last of its year, in cycles of 400 years (146,097 days). */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t cycle = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of = y - cycle * 400;
	int64_t day_of_year =
	    (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of =
	    year_of * 365 + year_of / 4 - year_of / 100 + day_of_year;

	return cycle * 146097 + day_of - 719468;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
days_in_month(int64_t year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

void
civil_from_ms(struct civil *out, int64_t ms)
{
	int64_t days = ms / MS_A_DAY, rest = ms % MS_A_DAY;
	int64_t shifted, cycle, day_of, year_of, day_of_year, m;

	if (rest < 0) {
		rest += MS_A_DAY;
		days--;
	}
	shifted = days + 719468;
	cycle = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	day_of = shifted - cycle * 146097;
	year_of =
	    (day_of - day_of / 1460 + day_of / 36524 - day_of / 146096) / 365;
	day_of_year = day_of - (365 * year_of + year_of / 4 - year_of / 100);
	m = (5 * day_of_year + 2) / 153;

	out->day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
	out->month = (int)(m < 10 ? m + 3 : m - 9);
	out->year = year_of + cycle * 400 + (out->month <= 2 ? 1 : 0);
	out->hour = (int)(rest / 3600000);
	out->minute = (int)(rest / 60000 % 60);
	out->second = (int)(rest / 1000 % 60);
	out->ms = (int)(rest % 1000);
	out->yearday = (int)(days - days_from_civil(out->year, 1, 1) + 1);
	/* 1970-01-01 was a Thursday. */
	out->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

bool
civil_taken(struct civil *out, int64_t ms, int64_t offset_s)
{
	if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S)
		offset_s = 0;
	if (ms > INT64_MAX / 2 || ms < INT64_MIN / 2)
		offset_s = 0;
	ms += offset_s * 1000;
	civil_from_ms(out, ms);
	return ms >= CIVIL_TAKEN_FIRST && ms < CIVIL_TAKEN_END;
}

int
civil_month(int64_t ms, int64_t offset_s)
{
	struct civil c;

	return civil_taken(&c, ms, offset_s) ? (int)c.year * 100 + c.month : 0;
}

int64_t
civil_to_ms(const struct civil *c)
{
	int64_t days;

	if (c->year > MAX_YEAR)
		return INT64_MAX;
	if (c->year < -MAX_YEAR)
		return INT64_MIN;
	days = days_from_civil(c->year, c->month, c->day);
	if (days > MAX_DAYS)
		return INT64_MAX;
	if (days < -MAX_DAYS)
		return INT64_MIN;
	return days * MS_A_DAY + c->hour * INT64_C(3600000) +
	    c->minute * INT64_C(60000) + c->second * INT64_C(1000) + c->ms;
}

char *
civil_iso(char out[40], int64_t ms)
{
	struct civil c;
	const char *sign = "";

	civil_from_ms(&c, ms);
	if (c.year < 0)
		sign = "-";
	else if (c.year > 9999)
		sign = "+";
	snprintf(out, 40, "%s%04" PRId64 "-%02d-%02dT%02d:%02d:%02dZ", sign,
	    c.year < 0 ? -c.year : c.year, c.month, c.day, c.hour, c.minute,
	    c.second);
	return out;
}

/* min to max digits at *p into *out; *p moves behind them. */
static bool
digits(int64_t *out, const char **p, int min, int max)
{
	int n;

	*out = 0;
	for (n = 0; n < max && isdigit((unsigned char)**p); n++, (*p)++)
		*out = *out * 10 + (**p - '0');
	return n >= min;
}

static bool
two(int *out, const char **p, int min, int max)
{
	int64_t v;

	if (!digits(&v, p, 2, 2) || v < min || v > max)
		return false;
	*out = (int)v;
	return true;
}

static bool
skip(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool
parse_date(struct civil *c, const char **p)
{
	bool minus = **p == '-', sign = minus || **p == '+';

	if (sign)
		(*p)++;
	/* civil_iso() signs years of more digits, and only those. */
	if (!digits(&c->year, p, 4, sign ? 9 : 4) || c->year > MAX_YEAR)
		return false;
	if (minus)
		c->year = -c->year;
	return skip(p, '-') && two(&c->month, p, 1, 12) && skip(p, '-') &&
	    two(&c->day, p, 1, days_in_month(c->year, c->month));
}

static bool
parse_time(struct civil *c, const char **p)
{
	static const int tenth[] = {100, 10, 1};
	int n;

	if (!two(&c->hour, p, 0, 23) || !skip(p, ':') ||
	    !two(&c->minute, p, 0, 59))
		return false;
	if (!skip(p, ':'))
		return true;
	if (!two(&c->second, p, 0, 59))
		return false;
	if (!skip(p, '.'))
		return true;
	for (n = 0; n < 9 && isdigit((unsigned char)**p); n++, (*p)++)
		if (n < 3)
			c->ms += (**p - '0') * tenth[n];
	return n > 0;
}

static bool
parse_zone(int64_t *offset_ms, const char **p)
{
	int hours, minutes, sign;

	*offset_ms = 0;
	if (**p == '\0' || skip(p, 'Z'))
		return true;
	sign = **p == '-' ? -1 : 1;
	if (!skip(p, '+') && !skip(p, '-'))
		return false;
	if (!two(&hours, p, 0, 23) || !skip(p, ':') || !two(&minutes, p, 0, 59))
		return false;
	*offset_ms =
	    sign * (hours * INT64_C(3600000) + minutes * INT64_C(60000));
	return true;
}

/* a - b, or the end that it would pass. */
static int64_t
minus(int64_t a, int64_t b)
{
	if (b < 0 && a > INT64_MAX + b)
		return INT64_MAX;
	if (b > 0 && a < INT64_MIN + b)
		return INT64_MIN;
	return a - b;
}

int
civil_parse(int64_t *out_ms, const char *text)
{
	struct civil c;
	const char *p = text;
	int64_t offset_ms = 0;

	memset(&c, 0, sizeof(c));
	if (!parse_date(&c, &p))
		return -1;
	if (skip(&p, 'T') &&
	    (!parse_time(&c, &p) || !parse_zone(&offset_ms, &p)))
		return -1;
	if (*p != '\0')
		return -1;
	*out_ms = minus(civil_to_ms(&c), offset_ms);
	return 0;
}

int64_t
civil_local_to_ms(int64_t shown_ms)
{
	struct civil c;
	struct tm tm;
	time_t t;

	civil_from_ms(&c, shown_ms);
	if (c.year < 1902 || c.year > 9999) /* zones of then or of never */
		return shown_ms;
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = (int)(c.year - 1900);
	tm.tm_mon = c.month - 1;
	tm.tm_mday = c.day;
	tm.tm_hour = c.hour;
	tm.tm_min = c.minute;
	tm.tm_sec = c.second;
	tm.tm_isdst = -1;
	t = mktime(&tm);
	return t == (time_t)-1 ? shown_ms : (int64_t)t * 1000 + c.ms;
}

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec ts;

	/* Cannot fail for these two clocks. */
	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
clock_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}
