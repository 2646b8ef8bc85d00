#include "test.h"

#include "buf.h"
#include "link.h"

/* [download-link] */
static const struct {
	const char *url, *request; /* NULL: refused */
} links[] = {
    {"https://cvws.icloud-content.com/B/AX-YAZ/${f}?o=A_b&e=1&k=x${f}",
	"https://cvws.icloud-content.com/B/AX-YAZ/"
	"%24%7Bf%7D?o=A_b&e=1&k=x${f}"},
    {"https://cvws.icloud-content.com/B/AX/IMG.JPG?e=1",
	"https://cvws.icloud-content.com/B/AX/IMG.JPG?e=1"},
    {"https://cvws-h2.icloud-content.com:443/B/A/${f}",
	"https://cvws-h2.icloud-content.com:443/B/A/%24%7Bf%7D"},
    {"https://cvws.icloud-content.com.cn/B/A/${f}?a=%24%7Bf%7D",
	"https://cvws.icloud-content.com.cn/B/A/%24%7Bf%7D?a=%24%7Bf%7D"},
    {"HTTPS://CVWS.ICLOUD-CONTENT.COM/B/A",
	"HTTPS://CVWS.ICLOUD-CONTENT.COM/B/A"},
    {"http://cvws.icloud-content.com/B/A", NULL},
    {"https://cvws.icloud-content.com:8443/B/A", NULL},
    {"https://cvws.icloud-content.com:443", NULL},
    {"https://cvws.icloud-content.com", NULL},
    {"https://cvws.icloud-content.com/C/A", NULL},
    {"https://cvws.icloud-content.com?/B/A", NULL},
    {"https://cvws.icloud-content.com#/B/A", NULL},
    {"https://icloud-content.com/B/A", NULL},
    {"https://.icloud-content.com/B/A", NULL},
    {"https://evilicloud-content.com/B/A", NULL},
    {"https://cvws.icloud-content.com.evil.org/B/A", NULL},
    {"https://cvws.icloud-content.com@evil.org/B/A", NULL},
    {"https://a:b@cvws.icloud-content.com/B/A", NULL},
    {"https://evil.org/.icloud-content.com/B/A", NULL},
    {"https://evil.org\\.icloud-content.com/B/A", NULL},
    {"https://ev%69l.icloud-content.com/B/A", NULL},
    {"https://cvws.icloud-content.com/B/A b", NULL},
    {"https://cvws.icloud-content.com/B/A\r\nHost: evil.org", NULL},
    {"https://cvws.icloud-content.com/B/\xc3\xa9", NULL},
    {"ftp://cvws.icloud-content.com/B/A", NULL},
    {"cvws.icloud-content.com/B/A", NULL},
    {"", NULL},
};

static void
requests(void **state)
{
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		buf_reset(&b);
		if (links[i].request == NULL) {
			assert_int_equal(link_request(&b, links[i].url), -1);
			assert_int_equal(b.len, 0);
			continue;
		}
		assert_int_equal(link_request(&b, links[i].url), 0);
		assert_string_equal(buf_text(&b), links[i].request);
	}
	buf_clear(&b);
}

static void
expiry(void **state)
{
	static const struct {
		const char *url;
		int64_t s;
	} cases[] = {
	    {"https://h/B/x?o=1&e=1533044225&k=2", 1533044225},
	    {"https://h/B/x?e=7", 7},
	    {"https://h/B/x?fe=9&e=8#e=1", 8},
	    {"https://h/B/x?e=0", 0},
	    {"https://h/B/x", -1},
	    {"https://h/B/e=5", -1},
	    {"https://h/B/x?e=", -1},
	    {"https://h/B/x?e=12x", -1},
	    {"https://h/B/x?e=-5", -1},
	    {"https://h/B/x?e=9223372036854775807", -1},
	    {"https://h/B/x?e=99999999999999999999999999", -1},
	    {"", -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(link_expires_s(cases[i].url), cases[i].s);
}

/* 120 s or a quarter of its life have to be left, whichever is less. */
static void
freshness(void **state)
{
	static const char url[] = "https://h/B/x?e=1700003600";
	const int64_t date = 1700000000000; /* an hour to live */
	static const char brief[] = "https://h/B/x?e=1700000020";
	static const char unknown[] = "https://h/B/x";

	(void)state;
	assert_true(link_is_fresh(url, date, 5000, 5000));
	assert_true(link_is_fresh(url, date, 0, 3479999));
	assert_false(link_is_fresh(url, date, 0, 3480000));
	assert_false(link_is_fresh(url, date, 0, 3600000));
	assert_false(link_is_fresh(url, date, 0, INT64_MAX));
	/* 20 s to live: 5 s are a quarter. */
	assert_true(link_is_fresh(brief, date, 0, 14999));
	assert_false(link_is_fresh(brief, date, 0, 15000));
	/* Dead on arrival, by the server's own clock. */
	assert_false(link_is_fresh(brief, date + 20000, 0, 0));
	assert_false(link_is_fresh(brief, date + 99999999, 0, 0));
	/* Without e= or a date: a quarter of an hour, less two minutes. */
	assert_true(link_is_fresh(unknown, date, 0, 779999));
	assert_false(link_is_fresh(unknown, date, 0, 780000));
	assert_true(link_is_fresh(url, -1, 0, 779999));
	assert_false(link_is_fresh(url, -1, 0, 780000));
	/* A clock that stands or goes back ages nothing. */
	assert_true(link_is_fresh(url, date, 9000, 0));
	assert_true(link_is_fresh(
	    "https://h/B/x?e=9223372036854775", 0, 0, INT64_MAX / 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests),
	    cmocka_unit_test(expiry),
	    cmocka_unit_test(freshness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
