#include "fuzz_folder.h"

#include <zlib.h>

#include <cjson/cJSON.h>

#include "buf.h"
#include "err.h"
#include "json.h"
#include "store.h"

/*
 * The lines of manifest/ and records/: what is read of one keeps to its
 * bounds, a member that is not known changes nothing, and a file is read as
 * its lines are.
 */

static bool
lies_in(const char *p, size_t n, const char *line, size_t len)
{
	return p >= line && n <= len && p + n <= line + len;
}

/* The line with one more member, which the caller frees. */
static char *
with_member(size_t *len, const char *line, size_t n)
{
	static const char member[] = "\"of a later version\":[{}],";
	const char *brace = memchr(line, '{', n);
	size_t head = (size_t)(brace + 1 - line);
	char *out;

	must(brace != NULL);
	*len = n + strlen(member);
	out = malloc(*len);
	must(out != NULL);
	memcpy(out, line, head);
	memcpy(out + head, member, strlen(member));
	memcpy(out + head + strlen(member), line + head, n - head);
	return out;
}

static void
look_at_file(const struct store_manifest_line *l)
{
	size_t i;

	must(l->path != NULL && l->stem != NULL && l->role != NULL);
	must(l->size_bytes >= 0 && l->stated_bytes >= -1);
	must(l->checksum_len >= 1 && l->checksum_len <= sizeof(l->checksum));
	must(l->state == STORE_STATE_PROVEN ||
	    l->state == STORE_STATE_SIZE_VERIFIED);
	for (i = 0; i < l->nassets; i++) {
		must(l->assets[i].zone != NULL);
		must(l->assets[i].record != NULL);
		must(l->assets[i].database == 0 || l->assets[i].database == 1);
	}
}

static bool
read_file_line(const char *line, size_t n)
{
	struct store_manifest_line a, b;
	size_t more;
	char *other;

	memset(&a, 0x55, sizeof(a));
	if (store_manifest_line_read(&a, line, n) == -1) {
		must(a.json == NULL && a.assets == NULL);
		return false;
	}
	look_at_file(&a);
	other = with_member(&more, line, n);
	must(store_manifest_line_read(&b, other, more) == 0);
	must(fuzz_same(a.path, b.path) && fuzz_same(a.stem, b.stem));
	must(fuzz_same(a.role, b.role) && a.state == b.state);
	must(a.size_bytes == b.size_bytes && a.nassets == b.nassets);
	must(memcmp(a.sha256, b.sha256, sizeof(a.sha256)) == 0);
	store_manifest_line_clear(&a);
	store_manifest_line_clear(&b);
	free(other);
	return true;
}

static bool
read_record_line(const char *line, size_t n)
{
	struct store_record_line a, b;
	struct json_span span;
	size_t more;
	char *other;

	memset(&a, 0x55, sizeof(a));
	if (store_record_line_read(&a, line, n) == -1) {
		must(a.json == NULL && a.bytes == NULL);
		return false;
	}
	must(a.zone != NULL && (a.database == 0 || a.database == 1));
	must(lies_in(a.bytes, a.len, line, n));
	must(json_span_all(&span, a.bytes, a.len, NULL) == 0);
	must(*span.p == '{' && span.len == a.len);
	other = with_member(&more, line, n);
	must(store_record_line_read(&b, other, more) == 0);
	must(fuzz_same(a.zone, b.zone) && fuzz_same(a.owner, b.owner));
	must(a.gone == b.gone && a.len == b.len);
	must(memcmp(a.bytes, b.bytes, a.len) == 0);
	store_record_line_clear(&a);
	store_record_line_clear(&b);
	free(other);
	return true;
}

/* ---- whole files ---- */

static int
count_file(void *arg, const struct store_manifest_line *l)
{
	look_at_file(l);
	++*(size_t *)arg;
	return 0;
}

static int
count_record(void *arg, const struct store_record_line *l)
{
	must(l->zone != NULL && l->len > 0);
	++*(size_t *)arg;
	return 0;
}

/* How many lines are good before the first that is not, and whether that is
 * all there is. */
static size_t
good_lines(bool *all, struct fuzz_in in, bool (*read)(const char *, size_t))
{
	struct fuzz_in line;
	size_t n = 0;

	*all = true;
	while ((line = fuzz_span(&in)).p != NULL) {
		/* The last line has its end too. */
		*all = line.end < in.end &&
		    read(line.p, (size_t)(line.end - line.p));
		if (!*all)
			break;
		n++;
	}
	return n;
}

static void
check_end(int rc, bool all, const struct err *e)
{
	must(rc == (all ? 0 : -1));
	must((e->code == ERR_NONE) == all);
	must(all || e->code == ERR_BAD_STATE);
}

/* As gzip; the caller frees. */
static uint8_t *
packed(size_t *len, const void *p, size_t n)
{
	z_stream z = {0};
	uint8_t *out;
	size_t room = n + n / 100 + 128;

	out = malloc(room);
	must(out != NULL);
	must(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8,
		 Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	must(deflate(&z, Z_FINISH) == Z_STREAM_END);
	*len = room - z.avail_out;
	(void)deflateEnd(&z);
	return out;
}

static void
look_at_files(struct fuzz_in in)
{
	const size_t n = (size_t)(in.end - in.p);
	struct err e = ERR_INIT;
	size_t good, seen = 0, len;
	uint8_t *gz;
	bool all;
	int root, rc;

	(void)fuzz_folder(&root);
	must(store_manifest_read(root, "absent", count_file, NULL, &e) == 1);
	good = good_lines(&all, in, read_file_line);
	fuzz_file("manifest", in.p, n);
	rc = store_manifest_read(root, "manifest", count_file, &seen, &e);
	check_end(rc, all, &e);
	must(seen == good);

	good = good_lines(&all, in, read_record_line);
	gz = packed(&len, in.p, n);
	fuzz_file("records", gz, len);
	free(gz);
	err_clear(&e);
	seen = 0;
	rc = store_records_read(root, "records", count_record, &seen, &e);
	check_end(rc, all, &e);
	must(seen == good);

	/* What is no gzip, or no whole one. */
	err_clear(&e);
	seen = 0;
	rc = store_records_read(root, "manifest", count_record, &seen, &e);
	must(rc == 0 || (rc == -1 && e.code == ERR_BAD_STATE));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	(void)read_file_line((const char *)data, n);
	(void)read_record_line((const char *)data, n);
	look_at_files(fuzz_begin(data, n));
	return 0;
}
