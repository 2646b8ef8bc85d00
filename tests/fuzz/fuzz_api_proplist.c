#include "fuzz.h"

#include "proplist_p.h"

/*
 * A property list, XML or binary: it is read within bounds of time and memory,
 * reading it twice gives the same, and what has another type is absent.
 */

static const char *const keys[] = {
    "lat", "lon", "timestamp", "title", "name", "adjustmentFormatIdentifier"};

static void
same_members(
    const struct proplist *a, const struct proplist *b, const char *key)
{
	const char *text = proplist_text(a, NULL, key), *inner;
	double x = 0, y = 0;
	int64_t at = 0, at_b = 0;
	bool has, has_date;

	has = proplist_number(&x, a, key);
	must(has == proplist_number(&y, b, key));
	must(x == y && x - x == 0);
	has_date = proplist_date(&at, a, key);
	must(has_date == proplist_date(&at_b, b, key));
	must(at == at_b && at % 1000 == 0);
	must(fuzz_same(text, proplist_text(b, NULL, key)));
	inner = proplist_text(a, "group", key);
	must(fuzz_same(inner, proplist_text(b, "group", key)));
	/* A member is one thing. */
	must(has + has_date + (text != NULL) <= 1);
}

static void
same_items(const struct proplist *a, const struct proplist *b, size_t n)
{
	size_t i = 0, j = 0, before = 0;
	const char *text;

	while ((text = proplist_next(a, &i)) != NULL) {
		must(i > before && i <= n);
		before = i;
		must(fuzz_same(text, proplist_next(b, &j)));
		must(i == j);
	}
	must(proplist_next(b, &j) == NULL);
	must(proplist_next(a, &i) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct proplist *a = proplist_read(data, n), *b;
	size_t i;

	b = proplist_read(data, n);
	must((a == NULL) == (b == NULL));
	if (a == NULL)
		return 0;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		same_members(a, b, keys[i]);
	/* Each item has a byte of its own at least. */
	same_items(a, b, n);
	proplist_free(a);
	proplist_free(b);
	proplist_free(NULL);
	return 0;
}
