#include "fuzz.h"

#include "civil.h"

/* Times as numbers, as calendar and as text: each is the others. */

#define SECOND_MS ((int64_t)1000)
#define DAY_MS    ((int64_t)86400 * SECOND_MS)

static int64_t
second_of(int64_t ms)
{
	int64_t rest = ms % SECOND_MS;

	return ms - (rest < 0 ? rest + SECOND_MS : rest);
}

static void
look_at_time(int64_t ms)
{
	struct civil c;
	char text[40], again[40];
	int64_t back;

	civil_from_ms(&c, ms);
	must(c.month >= 1 && c.month <= 12);
	must(c.day >= 1 && c.day <= 31);
	must(c.hour >= 0 && c.hour <= 23);
	must(c.minute >= 0 && c.minute <= 59);
	must(c.second >= 0 && c.second <= 59);
	must(c.ms >= 0 && c.ms <= 999);
	must(c.yearday >= 1 && c.yearday <= 366);
	must(c.weekday >= 0 && c.weekday <= 6);
	civil_iso(text, ms);
	must(strlen(text) < sizeof(text));
	/* At the ends of 64 bits a day does not fit any more. */
	if (ms < INT64_MIN + 2 * DAY_MS || ms > INT64_MAX - 2 * DAY_MS)
		return;
	must(civil_to_ms(&c) == ms);
	must(civil_parse(&back, text) == 0);
	must(back == second_of(ms));
	must(strcmp(civil_iso(again, back), text) == 0);
}

static void
look_at_text(const char *text)
{
	int64_t ms = 42, longer;
	char more[64];

	if (civil_parse(&ms, text) == -1) {
		must(ms == 42);
		return;
	}
	must(strspn(text, "0123456789+-:.TZ") == strlen(text));
	if (strlen(text) < sizeof(more) - 1) {
		snprintf(more, sizeof(more), "%s ", text);
		must(civil_parse(&longer, more) == -1);
	}
	look_at_time(ms);
}

/* A time in eight bytes, then a text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	char *text;
	int64_t ms;

	if (n >= sizeof(ms)) {
		memcpy(&ms, data, sizeof(ms));
		look_at_time(ms);
		in.p += sizeof(ms);
	}
	text = fuzz_text(in);
	look_at_text(text);
	free(text);
	return 0;
}
