#include "fuzz.h"

#include <strings.h>

#include "buf.h"
#include "link.h"

/* A download link: where it may lead, and how long it lives. */

#define MINUTE_MS ((int64_t)60 * 1000)

/* Only to Apple's content hosts, over TLS; nothing changes but ${f}. */
static void
look_at_request(const char *link, const char *asked)
{
	const char *host = asked + strlen("https://"), *end, *p, *q;
	size_t n;

	must(strncasecmp(asked, "https://", strlen("https://")) == 0);
	n = strspn(host,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
	end = host + n;
	must(
	    (n > 19 && strncasecmp(end - 19, ".icloud-content.com", 19) == 0) ||
	    (n > 22 &&
		strncasecmp(end - 22, ".icloud-content.com.cn", 22) == 0));
	if (strncmp(end, ":443", 4) == 0)
		end += 4;
	must(strncmp(end, "/B/", 3) == 0);
	for (p = asked; *p != '\0'; p++)
		must(*p > ' ' && *p < 0x7f && *p != '\\');
	n = strcspn(end, "?#");
	must(!fuzz_holds(end, n, "${f}"));
	for (p = link, q = asked; *p != '\0';) {
		if (strncmp(p, "${f}", 4) == 0 &&
		    strncmp(q, "%24%7Bf%7D", 10) == 0) {
			p += 4;
			q += 10;
		} else {
			must(*p++ == *q++);
		}
	}
	must(*q == '\0');
}

static void
look_at_life(const char *link, int64_t date_ms)
{
	int64_t expires_s = link_expires_s(link), minute, left_ms;
	bool fresh, was = true;

	must(expires_s >= -1 && expires_s <= INT64_MAX / 1000);
	for (minute = 0; minute < 40; minute++) {
		fresh = link_is_fresh(
		    link, date_ms, 7 * MINUTE_MS, (7 + minute) * MINUTE_MS);
		must(was || !fresh); /* what is stale stays so */
		must(!fresh || expires_s != -1 || minute < 15);
		if (expires_s != -1 && date_ms >= 0) {
			left_ms = expires_s * 1000 - date_ms;
			must(!fresh || left_ms > minute * MINUTE_MS);
			must(fresh || left_ms <= (minute + 2) * MINUTE_MS ||
			    minute > 0);
		}
		was = fresh;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *link = fuzz_text(fuzz_begin(data, n));
	struct buf asked = {0}, again = {0};

	buf_adds(&asked, "kept ");
	if (link_request(&asked, link) == 0) {
		must(strncmp(buf_text(&asked), "kept ", 5) == 0);
		look_at_request(link, buf_text(&asked) + 5);
		must(link_request(&again, buf_text(&asked) + 5) == 0);
		must(strcmp(buf_text(&again), buf_text(&asked) + 5) == 0);
	}
	look_at_life(link, -1);
	look_at_life(link, 0);
	look_at_life(link, (int64_t)1790000000 * 1000);
	buf_clear(&asked);
	buf_clear(&again);
	free(link);
	return 0;
}
