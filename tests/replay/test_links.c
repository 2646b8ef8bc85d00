#include "replay.h"

/* Download links as they were recorded [download-link]. */
#include "link.h"

static const char *const pages[] = {"photos/listing/09_query_rank0.json",
    "photos/listing/10_shared_query_rank0.json",
    "photos/listing_2023/05_query_rank0.json",
    "photos/deleted_2018/05_query_rank0.json",
    "photos/deleted_2023/05_query_rank0.json"};
static const char *const variants[] = {"bad_filename",
    "bad_filename_base64_encoding", "bad_filename_utf8_encoding", "chinese",
    "deleted_heic", "filename_string_encoding", "keep_icloud_recent_days",
    "listing_videos", "missing_downloadUrl", "missing_filenameEnc",
    "missing_item_type", "missing_item_type_value", "no_delete", "raw",
    "raw_alt", "raw_alt_adj", "resume", "two_sizes"};

struct tally {
	int ids, links, edited;
};

/* Base64 of a checksum as the path of a link has it. */
static void
add_checksum(struct buf *out, const char *base64)
{
	for (; *base64 != '\0' && *base64 != '='; base64++)
		buf_addc(out,
		    *base64 == '+'       ? '-'
			: *base64 == '/' ? '_'
					 : *base64);
}

/* The address is the link with one thing in it replaced. */
static void
check_request(const char *request, const char *url)
{
	const char *at = strstr(url, "${f}"), *query = strchr(url, '?');
	char *want;

	assert_true(at != NULL && at < query);
	want = xasprintf("%.*s%%24%%7Bf%%7D%s", (int)(at - url), url, at + 4);
	assert_string_equal(request, want);
	free(want);
}

static void
check_link(struct tally *t, const cJSON *id)
{
	const char *url = text_of(id, "downloadURL");
	struct buf path = {0}, request = {0};
	const char *p;
	int64_t s;

	must(link_request(&request, url));
	check_request(buf_text(&request), url);
	buf_adds(&path, "https://cvws.icloud-content.com/B/");
	add_checksum(&path, text_of(id, "fileChecksum"));
	add_checksum(&path, text_of(id, "referenceChecksum"));
	buf_adds(&path, "/%24%7Bf%7D?");
	if (strncmp(buf_text(&request), path.data, path.len) != 0)
		t->edited++;
	/* e= tells when it ends: within the years of the recordings. */
	s = link_expires_s(url);
	assert_in_range(s, 1533000000, 1790000000);
	assert_true(link_is_fresh(url, (s - 3600) * 1000, 0, 0));
	assert_false(link_is_fresh(url, s * 1000, 0, 0));
	/* And k= is the wrapping key, except where the link was edited. */
	buf_reset(&path);
	buf_adds(&path, "&k=");
	add_checksum(&path, text_of(id, "wrappingKey"));
	p = strstr(url, buf_text(&path));
	if (p != NULL)
		assert_non_null(strchr("&", p[path.len]));
	t->links++;
	buf_clear(&path);
	buf_clear(&request);
}

/* Every ASSETID, wherever it stands. */
static void
walk(struct tally *t, const cJSON *json)
{
	const cJSON *child;

	if (member(json, "fileChecksum") != NULL) {
		t->ids++;
		if (member(json, "downloadURL") != NULL)
			check_link(t, json);
	}
	cJSON_ArrayForEach (child, json)
		walk(t, child);
}

/* All lead to the bytes that their records name, but for the pair that was
 * pasted into the shared page. */
static void
recorded(void **state)
{
	struct tally t = {0};
	struct recording r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		int edited = t.edited;

		recording_open(&r, pages[i]);
		walk(&t, recording_records(&r));
		assert_int_equal(t.edited - edited, i == 1 ? 3 : 0);
		recording_close(&r);
	}
	assert_int_equal(t.ids, 1193);
	assert_int_equal(t.links, 1193);
}

static void
edited(void **state)
{
	struct tally t = {0};
	struct recording r;
	const cJSON *entry;
	char file[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		int missing = t.ids - t.links;

		snprintf(
		    file, sizeof(file), "photos/variants/%s.json", variants[i]);
		recording_open(&r, file);
		cJSON_ArrayForEach (
		    entry, member(r.json, "records that differ"))
			walk(&t, member(entry, "record"));
		walk(&t, member(r.json, "their counterparts (unchanged)"));
		assert_int_equal(t.ids - t.links - missing,
		    strcmp(variants[i], "missing_downloadUrl") == 0);
		recording_close(&r);
	}
	assert_true(t.links > 80);
	assert_int_equal(t.edited, 0);
}

/* The address is the one that was asked for in the recordings, whose client
 * left "$" alone. */
static void
asked_for(void **state)
{
	struct recording downloads, page;
	const cJSON *exchange;
	int matched = 0;
	size_t i;

	(void)state;
	recording_open(&downloads, "content/download_exchanges.json");
	cJSON_ArrayForEach (exchange, member(downloads.json, "exchanges")) {
		const char *url = text_of(member(exchange, "request"), "url");
		const char *dollar = strchr(url, '$');
		struct buf request = {0}, want = {0};

		assert_non_null(dollar);
		buf_addf(
		    &want, "%.*s%%24%s", (int)(dollar - url), url, dollar + 1);
		for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
			struct buf link = {0};
			char *at, *end;

			/* The link that this address was made from. */
			buf_addf(&link, "%.*s${f}%s", (int)(dollar - url), url,
			    strchr(url, '?'));
			recording_open(&page, pages[i]);
			at = strstr(page.text, buf_text(&link));
			if (at != NULL && (end = strchr(at, '"')) != NULL) {
				*end = '\0';
				buf_reset(&request);
				must(link_request(&request, at));
				assert_string_equal(
				    buf_text(&request), buf_text(&want));
				matched++;
			}
			recording_close(&page);
			buf_clear(&link);
		}
		buf_clear(&request);
		buf_clear(&want);
	}
	assert_true(matched >= 10);
	recording_close(&downloads);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recorded),
	    cmocka_unit_test(edited),
	    cmocka_unit_test(asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
