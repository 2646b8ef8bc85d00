#include "replay.h"

/*
 * The recorded pages through api and intake into a catalogue, which is then
 * compared with the pages, record by record.
 */

struct page {
	const char *file;
	bool shared;
};

#define PAGES_MAX 2
struct flow {
	const char *name;
	struct page pages[PAGES_MAX];
};

enum { LISTING, LISTING_2023, DELETED_2018, DELETED_2023, ALBUMS, FLOWS };

static struct flow flows[FLOWS] = {
    {"listing",
	{{"photos/listing/09_query_rank0.json", false},
	    {"photos/listing/10_shared_query_rank0.json", true}}},
    {"listing_2023", {{"photos/listing_2023/05_query_rank0.json", false}}},
    {"deleted_2018",
	{{"photos/deleted_2018/05_query_rank0.json", false},
	    {"photos/deleted_2018/06_query_rank32.json", false}}},
    {"deleted_2023",
	{{"photos/deleted_2023/05_query_rank0.json", false},
	    {"photos/deleted_2023/06_query_rank79.json", false}}},
    {"albums", {{"photos/albums/06_albums.json", false}}},
};

/* A flow's pages, open as long as what they say is compared. */
struct opened {
	struct recording pages[PAGES_MAX];
	int n;
};

static void
flow_open(struct opened *out, const struct flow *f)
{
	out->n = 0;
	while (out->n < PAGES_MAX && f->pages[out->n].file != NULL) {
		recording_open(&out->pages[out->n], f->pages[out->n].file);
		out->n++;
	}
}

static void
flow_close(struct opened *o)
{
	while (o->n > 0)
		recording_close(&o->pages[--o->n]);
}

/* Take all pages and keep in m (NULL: not) what they say; how many records
 * changed. */
static int64_t
flow_take(struct replay *r, struct model *m, const struct flow *f,
    const struct opened *o, bool anew)
{
	int64_t zone, changes = 0;
	struct taken t;
	int i;

	for (i = 0; i < o->n; i++) {
		cJSON *records = recording_records(&o->pages[i]);

		zone = f->pages[i].shared
		    ? replay_zone(r, DATABASE_SHARED, SHARED)
		    : replay_zone(r, DATABASE_PRIVATE, "PrimarySync");
		t = take_page(r, zone, anew, recording_body(&o->pages[i]));
		/* Nothing is dropped on the way. */
		assert_int_equal(t.of[RECORD_MASTER] + t.of[RECORD_ASSET] +
			t.of[RECORD_ALBUM],
		    cJSON_GetArraySize(records));
		assert_int_equal(t.unreadable, 0);
		assert_false(t.more);
		changes += t.changes;
		if (m != NULL)
			model_add(m, zone, records);
	}
	return changes;
}

/* Every record comes as new; the same again changes nothing at all; with a
 * longer list of keys all are taken, but nothing has happened to them. */
static void
flow(void **state)
{
	const struct flow *f = *state;
	struct model *m;
	struct buf before = {0}, after = {0};
	struct replay r;
	struct opened o;
	int64_t changes, events;

	flow_open(&o, f);
	m = xcalloc(1, sizeof(*m));
	replay_start(&r);
	changes = flow_take(&r, m, f, &o, false);
	assert_int_equal(changes, m->n);
	check_catalogue(&r, m);
	check_wants(&r, m);
	dump(&before, &r);
	replay_again(&r);
	assert_int_equal(flow_take(&r, NULL, f, &o, false), 0);
	dump(&after, &r);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	check_catalogue(&r, m);
	check_wants(&r, m);
	events = ask_int(&r, "SELECT count(*) FROM event");
	assert_int_equal(flow_take(&r, NULL, f, &o, true), m->n);
	assert_int_equal(ask_int(&r, "SELECT count(*) FROM event"), events);
	check_catalogue(&r, m);
	replay_done(&r);
	buf_clear(&before);
	buf_clear(&after);
	flow_close(&o);
	free(m);
}

/* What the recordings' own inventory counts is what the catalogue holds. */
static void
inventory(void **state)
{
	static const struct {
		const char *type, *sql;
	} counts[] = {
	    {"CPLMaster", "SELECT count(*) FROM master"},
	    {"CPLAsset", "SELECT count(*) FROM asset"},
	    {"CPLAlbum", "SELECT count(*) FROM album"},
	};
	int64_t got[3] = {0};
	struct recording fields;
	struct replay r;
	struct opened o;
	size_t i, k;

	(void)state;
	recording_open(&fields, "fields.json");
	for (i = 0; i < FLOWS; i++) {
		flow_open(&o, &flows[i]);
		replay_start(&r);
		flow_take(&r, NULL, &flows[i], &o, false);
		for (k = 0; k < 3; k++)
			got[k] += ask_int(&r, counts[k].sql);
		replay_done(&r);
		flow_close(&o);
	}
	for (k = 0; k < 3; k++) {
		const cJSON *n =
		    member(member(fields.json, "records"), counts[k].type);

		assert_true(cJSON_IsNumber(n));
		assert_int_equal(got[k], n->valueint);
	}
	assert_int_equal(got[0], 296);
	assert_int_equal(got[1], 296);
	assert_int_equal(got[2], 17);
	recording_close(&fields);
}

/*
 * Five years of one library in one copy.  Between listing_2023 and
 * deleted_2023 its owner deleted one picture.
 */
static void
one_library(void **state)
{
	static const int order[FLOWS] = {
	    LISTING, DELETED_2018, ALBUMS, LISTING_2023, DELETED_2023};
	static const char deleted[] = "A5A7C0F1-BE37-46D8-9A99-400AD6DC2351";
	struct model *m;
	struct opened o[FLOWS];
	struct replay r;
	size_t i, before;
	int64_t changes;

	(void)state;
	for (i = 0; i < FLOWS; i++)
		flow_open(&o[i], &flows[order[i]]);
	m = xcalloc(1, sizeof(*m));
	replay_start(&r);
	for (i = 0; i < FLOWS; i++) {
		before = m->n;
		changes = flow_take(&r, m, &flows[order[i]], &o[i], false);
		/* Of the last flow two records were known: the deleted
		 * picture and its master. */
		assert_int_equal(changes,
		    m->n - before + (order[i] == DELETED_2023 ? 2 : 0));
		check_catalogue(&r, m);
		replay_again(&r);
	}
	check_wants(&r, m);
	/* History: new once, and that one went to the trash (kind 4). */
	assert_int_equal(
	    ask_int(&r, "SELECT count(*) FROM event WHERE kind > 1"), 1);
	assert_ask(&r,
	    "SELECT n.name FROM event v JOIN record n ON n.rec = v.rec"
	    " WHERE v.kind = 4",
	    0, NULL, deleted);
	replay_done(&r);
	for (i = 0; i < FLOWS; i++)
		flow_close(&o[i]);
	free(m);
}

/* The feed's order is not the index's: assets may come before masters. */
static void
backwards(void **state)
{
	struct model *m;
	struct recording page;
	struct json_span span;
	struct replay r;
	cJSON *body, *list, *records;
	char *text;
	int64_t zone;

	(void)state;
	recording_open(&page, flows[DELETED_2023].pages[0].file);
	records = recording_records(&page);
	body = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(body, "records");
	while (cJSON_GetArraySize(records) > 0)
		cJSON_AddItemToArray(list,
		    cJSON_DetachItemFromArray(
			records, cJSON_GetArraySize(records) - 1));
	text = cJSON_PrintUnformatted(body);
	m = xcalloc(1, sizeof(*m));
	replay_start(&r);
	zone = replay_zone(&r, DATABASE_PRIVATE, "PrimarySync");
	must(json_span_all(&span, text, strlen(text), e));
	take_page(&r, zone, false, span);
	model_add(m, zone, list);
	check_catalogue(&r, m);
	check_wants(&r, m);
	replay_done(&r);
	free(m);
	cJSON_free(text);
	cJSON_Delete(body);
	recording_close(&page);
}

/* The one name with an umlaut is kept as it was sent: decomposed. */
static void
decomposed_name(void **state)
{
	struct replay r;
	struct opened o;

	(void)state;
	flow_open(&o, &flows[ALBUMS]);
	replay_start(&r);
	flow_take(&r, NULL, &flows[ALBUMS], &o, false);
	assert_ask(&r, "SELECT t.title" FROM_RECORD("album"),
	    replay_zone(&r, DATABASE_PRIVATE, "PrimarySync"),
	    "1EB42751-25E0-437F-951D-5A5EB7140BD5", "Mo\xcc\x88we");
	replay_done(&r);
	flow_close(&o);
}

int
main(void)
{
	struct CMUnitTest tests[FLOWS + 4] = {
	    [FLOWS] = cmocka_unit_test(inventory),
	    cmocka_unit_test(one_library),
	    cmocka_unit_test(backwards),
	    cmocka_unit_test(decomposed_name),
	};
	size_t i;

	for (i = 0; i < FLOWS; i++)
		tests[i] = (struct CMUnitTest){.name = flows[i].name,
		    .test_func = flow,
		    .initial_state = &flows[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
