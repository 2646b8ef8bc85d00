#include "replay.h"

/*
 * The one original whose bytes were recorded: from its record to a file that
 * is proven, and not so with one bit or byte that is not Apple's.
 */
#include "path.h"
#include "text.h"

#define PAGE "photos/listing_2023/05_query_rank0.json"
#define NAME "IMG_3589.JPG"

struct original {
	struct recording page, vector;
	uint8_t *bytes;
	size_t len;
	struct replay r;
	struct store_want want;
	struct digest_rule rule;
	char *path; /* reserved */
};

static void
find_want(struct original *o, const char *record)
{
	size_t n;

	for (;;) {
		must(store_wants(&o->want, 1, &n, o->r.s, &no_filter, NOW, e));
		assert_int_equal(n, 1);
		if (strcmp(o->want.record, record) == 0 &&
		    o->want.role == RESOURCE_ORIGINAL)
			return;
		store_want_clear(&o->want);
	}
}

static void
reserve(struct original *o)
{
	const struct store_want *w = &o->want;
	const struct path_subject subject = {.filename = w->filename,
	    .record = w->asset_name,
	    .uti = w->uti,
	    .library = "",
	    .is_original = true,
	    .has_taken = w->has_taken,
	    .has_offset = w->has_offset,
	    .taken_ms = w->taken_ms,
	    .offset_s = w->offset_s};
	struct path_wish wish;
	struct store_name name = {
	    .folder = wish.folder, .stem = wish.stem, .ext = wish.ext};
	char suffix[33];
	const char *path;
	bool adopted;

	path_wish(&wish, store_layout(o->r.s), &subject);
	text_base32(suffix, 32, w->checksum + 1, w->checksum_len - 1);
	name.suffix = suffix;
	checksum_rule(&o->rule, w->checksum, w->checksum_len);
	must(store_reserve(&path, &adopted, o->r.s, w, &name, &o->rule, e));
	assert_false(adopted);
	o->path = xstrdup(path);
}

static void
start(struct original *o, const char *page, const char *vector)
{
	recording_open(&o->page, page);
	recording_open(&o->vector, vector);
	o->bytes = (uint8_t *)recorded_read(&o->len, "content/" NAME);
	replay_start(&o->r);
	take_page(&o->r, replay_zone(&o->r, DATABASE_PRIVATE, "PrimarySync"),
	    false, recording_body(&o->page));
	find_want(o, text_of(o->vector.json, "recordName"));
	reserve(o);
}

static void
end(struct original *o)
{
	free(o->path);
	store_want_clear(&o->want);
	replay_done(&o->r);
	free(o->bytes);
	recording_close(&o->vector);
	recording_close(&o->page);
}

static struct store_put *
put(struct original *o, const uint8_t *bytes, size_t n)
{
	struct store_put *p;
	int64_t have;

	must(store_put_open(&p, &have, o->r.s, &o->want, &o->rule, e));
	assert_int_equal(have, 0);
	/* In pieces, as a network would. */
	while (n > 0) {
		size_t piece = n < 16383 ? n : 16383;

		must(store_put_write(p, bytes, piece, e));
		bytes += piece;
		n -= piece;
	}
	return p;
}

static void
assert_proof(struct store_put *p, enum store_proof want, struct digest_sum *sum)
{
	enum store_proof proof;

	must(store_put_prove(&proof, sum, p, e));
	assert_int_equal(proof, want);
}

/* The caller frees; NULL if there is no such file. */
static char *
slurp(size_t *n, const struct original *o, const char *path)
{
	char *whole = xasprintf("%s/%s", o->r.root, path), *p = NULL;
	FILE *f = fopen(whole, "rb");

	*n = 0;
	if (f != NULL) {
		p = xcalloc(1, 1 << 17);
		*n = fread(p, 1, (1 << 17) - 1, f);
		assert_int_equal(fclose(f), 0);
	}
	free(whole);
	return p;
}

static int
files_in(const struct original *o, const char *folder)
{
	char *pattern = xasprintf("%s/%s/*", o->r.root, folder);
	glob_t found;
	int n = 0;

	if (glob(pattern, 0, NULL, &found) == 0) {
		n = (int)found.gl_pathc;
		globfree(&found);
	}
	free(pattern);
	return n;
}

static void
no_file(const struct original *o)
{
	struct store_totals totals;
	size_t n;

	assert_null(slurp(&n, o, o->path));
	assert_null(slurp(&n, o, ".icloud-pull/SHA256SUMS"));
	must(store_totals(&totals, o->r.s, e));
	assert_int_equal(totals.files, 0);
	assert_int_equal(o->r.placed, 0);
}

static void
seen(void *arg, const struct store_file *f)
{
	const struct original *o = arg;
	char hex[2 * DIGEST_SHA256 + 1];

	text_hex(hex, f->sha256, DIGEST_SHA256);
	assert_string_equal(hex, text_of(o->vector.json, "sha256"));
	assert_string_equal(f->path, o->path);
	assert_int_equal(f->size_bytes, o->len);
	assert_int_equal(f->state, STORE_STATE_PROVEN);
	assert_int_equal(f->role, RESOURCE_ORIGINAL);
	assert_memory_equal(
	    f->checksum, o->want.checksum, o->want.checksum_len);
}

/* The file under its name, its line, its row, and nothing left over. */
static void
placed(struct original *o)
{
	struct store_totals totals;
	struct stat st;
	char *got, *line, *whole;
	size_t n;

	assert_int_equal(o->r.placed, 1);
	got = slurp(&n, o, o->path);
	assert_non_null(got);
	assert_int_equal(n, o->len);
	assert_memory_equal(got, o->bytes, n);
	free(got);
	whole = xasprintf("%s/%s", o->r.root, o->path);
	assert_int_equal(stat(whole, &st), 0);
	assert_int_equal(st.st_mtime, o->want.taken_ms / 1000);
	assert_int_equal(st.st_mode & 0222, 0);
	free(whole);
	got = slurp(&n, o, ".icloud-pull/SHA256SUMS");
	line =
	    xasprintf("%s  %s\n", text_of(o->vector.json, "sha256"), o->path);
	assert_non_null(got);
	assert_string_equal(got, line);
	free(line);
	free(got);
	must(store_files(o->r.s, seen, o, e));
	must(store_totals(&totals, o->r.s, e));
	assert_int_equal(totals.files, 1);
	assert_int_equal(totals.proven, 1);
	assert_int_equal(totals.held_bytes, o->len);
	assert_int_equal(files_in(o, ".icloud-pull/partial.noindex"), 0);
	assert_int_equal(files_in(o, ".icloud-pull/unproven"), 0);
}

static void
proven(void **state)
{
	struct original o = {.len = 0};
	char hex[2 * DIGEST_SHA1 + 1];
	struct digest_sum sum;
	struct store_put *p;
	struct store_want w;
	size_t n;

	(void)state;
	start(&o, PAGE, "content/" NAME ".json");
	assert_string_equal(o.path, "2023/06/" NAME);
	assert_int_equal(o.len, o.want.size_bytes);
	assert_true(o.rule.checked && o.rule.strict);
	p = put(&o, o.bytes, o.len);
	assert_proof(p, STORE_PROVEN, &sum);
	/* The rule hashes a salt first, so this is not the bytes' own SHA-1. */
	text_hex(hex, sum.sha1, DIGEST_SHA1);
	assert_string_not_equal(hex, text_of(o.vector.json, "sha1"));
	assert_memory_equal(sum.sha1, o.want.checksum + 1, DIGEST_SHA1);
	must(store_put_accept(p, o.want.has_taken, o.want.taken_ms, e));
	must(store_flush(o.r.s, e));
	placed(&o);
	/* Nobody wants it again; the same record tomorrow changes nothing. */
	replay_again(&o.r);
	assert_int_equal(
	    take_page(&o.r, o.want.zone, false, recording_body(&o.page))
		.changes,
	    0);
	for (;;) {
		must(store_wants(&w, 1, &n, o.r.s, &no_filter, NOW, e));
		if (n == 0)
			break;
		assert_int_not_equal(w.content, o.want.content);
		store_want_clear(&w);
	}
	placed(&o);
	end(&o);
}

/* One bit: the first, the last, and one in the middle. */
static void
bit_flipped(void **state)
{
	struct original o = {.len = 0};
	struct digest_sum sum;
	struct store_put *p;
	size_t at[3], i;

	(void)state;
	start(&o, PAGE, "content/" NAME ".json");
	at[0] = 0;
	at[1] = o.len / 2;
	at[2] = o.len - 1;
	for (i = 0; i < 3; i++) {
		o.bytes[at[i]] ^= 0x10;
		p = put(&o, o.bytes, o.len);
		o.bytes[at[i]] ^= 0x10;
		assert_proof(p, STORE_DIFFERS, &sum);
		if (i < 2) {
			must(store_put_restart(p, e));
			store_put_close(p);
			no_file(&o);
			continue;
		}
		/* Kept where it cannot be taken for the picture. */
		must(store_put_set_aside(p, e));
	}
	must(store_flush(o.r.s, e));
	no_file(&o);
	assert_int_equal(files_in(&o, "2023/06"), 0);
	assert_int_equal(files_in(&o, ".icloud-pull/unproven"), 1);
	/* The right bytes are still welcome. */
	p = put(&o, o.bytes, o.len);
	assert_proof(p, STORE_PROVEN, &sum);
	must(store_put_accept(p, o.want.has_taken, o.want.taken_ms, e));
	must(store_flush(o.r.s, e));
	assert_int_equal(o.r.placed, 1);
	assert_int_equal(files_in(&o, ".icloud-pull/unproven"), 1);
	end(&o);
}

static void
rehashed(void *arg, const struct err *e)
{
	*(enum err_code *)arg = e->code;
}

/* Cut off, and the rest of it the next night. */
static void
resumed(void **state)
{
	struct original o = {.len = 0};
	enum err_code code = ERR_INTERRUPTED;
	struct digest_sum sum;
	struct store_put *p;
	int64_t have, half;

	(void)state;
	start(&o, PAGE, "content/" NAME ".json");
	half = (int64_t)o.len / 2;
	p = put(&o, o.bytes, (size_t)half);
	assert_proof(p, STORE_SHORT, &sum);
	store_put_close(p);
	no_file(&o);
	replay_again(&o.r);
	must(store_put_open(&p, &have, o.r.s, &o.want, &o.rule, e));
	assert_int_equal(have, half);
	store_put_rehash(p, rehashed, &code);
	while (work_pending(o.r.work) > 0)
		work_wait(o.r.work);
	assert_int_equal(code, ERR_NONE);
	must(store_put_write(p, o.bytes + half, o.len - (size_t)half, e));
	assert_proof(p, STORE_PROVEN, &sum);
	must(store_put_accept(p, o.want.has_taken, o.want.taken_ms, e));
	must(store_flush(o.r.s, e));
	placed(&o);
	end(&o);
}

/*
 * The recordings' authors cut most downloads: head and tail of the picture,
 * which begin and end like a JPEG.  None of them is it.
 */
static void
truncated(void **state)
{
	struct original o = {.len = 0};
	struct recording downloads;
	struct digest_sum sum;
	struct store_put *p;
	const cJSON *exchange;
	uint8_t bytes[1024];
	int n = 0;

	(void)state;
	recording_open(&downloads, "content/download_exchanges.json");
	start(&o, "photos/listing/09_query_rank0.json",
	    "content/left_out_IMG_7409.json");
	assert_string_equal(o.path, "2018/07/IMG_7409.JPG");
	cJSON_ArrayForEach (exchange, member(downloads.json, "exchanges")) {
		const char *base64 = text_of(
		    member(member(exchange, "response"), "body"), "base64");

		if (base64 == NULL)
			continue;
		p = put(&o, bytes, decode(bytes, sizeof(bytes), base64));
		assert_proof(p, STORE_SHORT, &sum);
		must(store_put_restart(p, e));
		store_put_close(p);
		n++;
	}
	assert_int_equal(n, 7);
	/* Nor is another original, however whole. */
	p = put(&o, o.bytes, o.len);
	assert_proof(p, STORE_SHORT, &sum);
	store_put_close(p);
	must(store_flush(o.r.s, e));
	no_file(&o);
	end(&o);
	recording_close(&downloads);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(proven),
	    cmocka_unit_test(bit_flipped),
	    cmocka_unit_test(resumed),
	    cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
