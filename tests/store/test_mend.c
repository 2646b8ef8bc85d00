#include "bench.h"

#include <sys/ioctl.h>
#ifdef __linux__
#include <linux/fs.h>
#endif

#include "version_1.h"

/* Damage: noted, told, mended; and what lies beside the copy. */

static const struct store_filter only_mend = {.mend = true};

/* The number of the file that holds these bytes. */
static int64_t
file_of(struct bench *b, const char *path)
{
	char sql[300];

	snprintf(
	    sql, sizeof(sql), "SELECT file FROM file WHERE path = '%s'", path);
	return ask(b, sql);
}

static void
note(struct bench *b, const char *path, enum store_damage damage)
{
	struct store_note n = {.file = file_of(b, path), .damage = damage};

	must(store_file_note(b->s, &n, NOW + 5, e));
}

static void
sh(struct bench *b, const char *script)
{
	char cmd[700];

	snprintf(cmd, sizeof(cmd), "cd '%s' && %s", b->root, script);
	assert_int_equal(system(cmd), 0); /* NOLINT(cert-env33-c) */
}

/* Two photos of one month, and a movie's worth of another. */
static void
start(struct bench *b)
{
	bench_start(b);
	put_photo(b, "A1", "IMG_1.JPG", "one", 1000);
	put_photo(b, "A2", "IMG_2.JPG", "two two", 900);
	put_photo(b, "A3", "IMG_3.JPG", "three!", 800);
	assert_int_equal(fetch_all(b), 3);
	b->placed = 0;
}

static struct store_totals
totals(struct bench *b)
{
	struct store_totals t;

	must(store_totals(&t, b->s, e));
	assert_int_equal(
	    t.resources, t.held + t.missing + t.damaged - t.damaged_gone);
	assert_int_equal(t.held, t.proven + t.size_verified);
	return t;
}

static int64_t
mend(struct bench *b, unsigned kinds, int64_t *kept)
{
	int64_t n, none;

	must(store_mend(&n, kept != NULL ? kept : &none, b->s, kinds, e));
	assert_sound(b);
	return n;
}

/* Fetch what is to be mended and nothing else. */
static int
fetch_mended(struct bench *b)
{
	struct store_want w;
	size_t got;
	int n = 0;

	for (;;) {
		must(store_wants(&w, 1, &got, b->s, &only_mend, NOW, e));
		if (got == 0)
			break;
		free(fetch_one(b, &w));
		store_want_clear(&w);
		n++;
	}
	must(store_flush(b->s, e));
	return n;
}

struct told {
	struct buf text;
};

static void
tell(void *arg, const struct store_damaged *d)
{
	struct told *t = arg;

	buf_addf(&t->text, "%s %d%s%s%s%s%s %s;", d->path, (int)d->damage,
	    d->to != NULL ? " to " : "", d->to != NULL ? d->to : "",
	    d->has_changed ? " changed" : "", d->gone ? " gone" : "",
	    d->mending ? " mending" : "",
	    d->record != NULL ? d->record : "(none)");
}

static void
assert_told(struct bench *b, int64_t since_ms, const char *all)
{
	struct told t = {{0}};

	must(store_damaged(b->s, since_ms, tell, &t, e));
	assert_string_equal(buf_text(&t.text), all);
	buf_clear(&t.text);
}

/* ---- notes ---- */

/* Known to be damaged is neither held nor proven, until it is found good. */
static void
damage_is_known_until_it_is_gone(void **state)
{
	struct store_totals t;
	struct bench b;

	(void)state;
	start(&b);
	t = totals(&b);
	assert_int_equal(t.held, 3);
	assert_int_equal(t.damaged, 0);
	note(&b, "2024/07/IMG_3.JPG", STORE_TRUNCATED);
	note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
	t = totals(&b);
	assert_int_equal(t.files, 3);
	assert_int_equal(t.damaged, 2);
	assert_int_equal(t.damaged_gone, 0);
	assert_int_equal(t.held, 1);
	assert_int_equal(t.held_bytes, 7);
	assert_int_equal(t.missing, 0);
	assert_told(&b, 0, "2024/07/IMG_1.JPG 1 MA1;2024/07/IMG_3.JPG 3 MA3;");
	assert_told(&b, NOW + 6, "");
	bench_end(&b);
	bench_reopen(&b);
	assert_int_equal(totals(&b).damaged, 2);
	note(&b, "2024/07/IMG_1.JPG", STORE_GOOD);
	note(&b, "2024/07/IMG_3.JPG", STORE_GOOD);
	assert_int_equal(totals(&b).held, 3);
	assert_told(&b, 0, "");
	bench_done(&b);
}

/* The time that a file was given, and one that somebody else gave it. */
static void
changed_by_somebody_else(void **state)
{
	static const struct {
		int64_t off_ms;
		bool has, changed;
	} table[] = {
	    {0, true, false},
	    /* B032: seconds only, or even seconds only */
	    {-999, true, false},
	    {2000, true, false},
	    {2001, true, true},
	    {-2001, true, true},
	    {INT64_C(100000000), true, true},
	    {INT64_C(100000000), false, false},
	};
	struct bench b;
	size_t i;

	(void)state;
	start(&b);
	/* put_photo() dates it with the time at which it was added. */
	assert_int_equal(ask(&b,
			     "SELECT mtime_ms FROM file WHERE"
			     " path = '2024/07/IMG_1.JPG'"),
	    1000);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct store_note n = {
		    .file = file_of(&b, "2024/07/IMG_1.JPG"),
		    .damage = STORE_ALTERED,
		    .has_mtime = table[i].has,
		    .mtime_ms = 1000 + table[i].off_ms,
		};

		must(store_file_note(b.s, &n, NOW + 5, e));
		assert_told(&b, 0,
		    table[i].changed ? "2024/07/IMG_1.JPG 4 changed MA1;"
				     : "2024/07/IMG_1.JPG 4 MA1;");
	}
	/* Good with another time: it is what counts from now on. */
	{
		struct store_note n = {
		    .file = file_of(&b, "2024/07/IMG_1.JPG"),
		    .has_mtime = true,
		    .mtime_ms = 77000,
		};

		must(store_file_note(b.s, &n, NOW + 6, e));
		n.damage = STORE_ALTERED;
		must(store_file_note(b.s, &n, NOW + 7, e));
		assert_told(&b, 0, "2024/07/IMG_1.JPG 4 MA1;");
	}
	/* Not known (a catalogue of before): nothing is said. */
	assert_int_equal(
	    sqlite3_exec(
		b.s->db, "UPDATE file SET mtime_ms = NULL", NULL, NULL, NULL),
	    SQLITE_OK);
	{
		struct store_note n = {
		    .file = file_of(&b, "2024/07/IMG_1.JPG"),
		    .damage = STORE_ALTERED,
		    .has_mtime = true,
		    .mtime_ms = 5,
		};

		must(store_file_note(b.s, &n, NOW + 8, e));
		assert_told(&b, 0, "2024/07/IMG_1.JPG 4 MA1;");
	}
	bench_done(&b);
}

struct order {
	struct bench *b;
	char text[300];
	int left;
	int64_t now_ms;
};

static bool
in_order(void *arg, const struct store_file *f)
{
	struct order *o = arg;
	struct store_note n = {.file = f->file};
	size_t at = strlen(o->text);

	snprintf(o->text + at, sizeof(o->text) - at, "%c", f->path[12]);
	must(store_file_note(o->b->s, &n, o->now_ms, e));
	return --o->left > 0;
}

static void
unchecked(struct bench *b, int64_t now_ms, int most, const char *order)
{
	struct order o = {.b = b, .left = most, .now_ms = now_ms};

	must(store_files_unchecked(b->s, now_ms, in_order, &o, e));
	assert_string_equal(o.text, order);
}

static void
set_checked(struct bench *b, const char *values)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
	    "UPDATE file SET checked_ms ="
	    " json_extract('%s', '$[' || (file - 1) || ']')",
	    values);
	assert_int_equal(
	    sqlite3_exec(b->s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Slices walk the whole copy: what was checked last comes last. */
static void
longest_unchecked_first(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	set_checked(&b, "[30, 10, 20]");
	unchecked(&b, 100, 1, "2");
	unchecked(&b, 101, 1, "3");
	unchecked(&b, 102, 1, "1");
	unchecked(&b, 103, 2, "23");
	unchecked(&b, 104, 99, "123");
	/* Each once, although noting moves it. */
	unchecked(&b, 105, 99, "123");
	/* A clock that went wrong once: not left out for ever. */
	set_checked(&b, "[9000000, 10, 20]");
	unchecked(&b, 106, 2, "12");
	unchecked(&b, 107, 99, "312");
	bench_done(&b);
}

/* ---- mending ---- */

/* B030, B032, B033: what is there stays until the new bytes are proven. */
static void
a_damaged_file_is_mended(void **state)
{
	char path[100];
	struct bench b;

	(void)state;
	start(&b);
	put_photo(&b, "A4", "IMG_4.JPG", "never fetched", 100);
	plant(&b, "2024/07/x", "");
	sh(&b, "chmod u+w 2024/07/IMG_1.JPG && printf 0ne >2024/07/IMG_1.JPG");
	note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_told(&b, 0, "2024/07/IMG_1.JPG 4 mending MA1;");
	assert_int_equal(totals(&b).missing, 2);
	assert_int_equal(totals(&b).damaged, 0);
	assert_file(&b, "2024/07/IMG_1.JPG", "0ne");
	assert_int_equal(fetch_mended(&b), 1);
	assert_int_equal(b.placed, 1);
	assert_int_equal(b.mended, 1);
	assert_file(&b, "2024/07/IMG_1.JPG", "one");
	snprintf(path, sizeof(path),
	    ".icloud-pull/quarantine/%d/2024/07/IMG_1.JPG", (int)b.run);
	assert_file(&b, path, "0ne");
	assert_sums(&b, 3);
	assert_told(&b, 0, "");
	assert_int_equal(totals(&b).held, 3);
	/* Twice is once. */
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 0);
	assert_int_equal(fetch_mended(&b), 0);
	/* The one that was never fetched is nobody's damage. */
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(b.mended, 1);
	assert_sums(&b, 4);
	bench_done(&b);
}

static void
kinds_are_obeyed(void **state)
{
	static const struct {
		enum store_damage damage;
		bool missing, damaged;
	} table[] = {
	    {STORE_MISSING, true, false},
	    {STORE_OBSTRUCTED, true, true},
	    {STORE_TRUNCATED, false, true},
	    {STORE_ALTERED, false, true},
	    {STORE_LONGER, false, true},
	    {STORE_UNREADABLE, false, true},
	};
	struct bench b;
	size_t i;

	(void)state;
	start(&b);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		note(&b, "2024/07/IMG_2.JPG", table[i].damage);
		assert_int_equal(
		    mend(&b, STORE_MEND_MISSING, NULL), table[i].missing);
		if (table[i].missing)
			assert_int_equal(fetch_mended(&b), 1);
		note(&b, "2024/07/IMG_2.JPG", table[i].damage);
		assert_int_equal(
		    mend(&b, STORE_MEND_DAMAGED, NULL), table[i].damaged);
		if (table[i].damaged)
			assert_int_equal(fetch_mended(&b), 1);
		note(&b, "2024/07/IMG_2.JPG", STORE_GOOD);
	}
	bench_done(&b);
}

/* Whatever stands in the place of a file, or of its folder. */
static void
what_stands_in_its_place(void **state)
{
	static const struct {
		const char *script, *in_quarantine, *test;
	} table[] = {
	    {"rm -f 2024/07/IMG_1.JPG", NULL, NULL},
	    {"rm -f 2024/07/IMG_1.JPG && mkdir -p 2024/07/IMG_1.JPG/a &&"
	     " echo mine >2024/07/IMG_1.JPG/a/b",
		"2024/07/IMG_1.JPG/a/b", "-f"},
	    {"rm -f 2024/07/IMG_1.JPG && ln -s /etc/hosts 2024/07/IMG_1.JPG",
		"2024/07/IMG_1.JPG", "-h"},
	    {"rm -f 2024/07/IMG_1.JPG && mkfifo 2024/07/IMG_1.JPG",
		"2024/07/IMG_1.JPG", "-p"},
	    {"rm -f 2024/07/IMG_1.JPG && mv 2024/07 2024/was &&"
	     " ln -s was 2024/07",
		"2024/07", "-h"},
	    {"rm -rf 2024 && echo mine >2024", "2024", "-f"},
	    {"rm -rf 2024", NULL, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bench b;
		char script[300];

		bench_start(&b);
		put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
		assert_int_equal(fetch_all(&b), 1);
		sh(&b, table[i].script);
		note(&b, "2024/07/IMG_1.JPG",
		    table[i].test == NULL ? STORE_MISSING : STORE_OBSTRUCTED);
		assert_int_equal(mend(&b, STORE_MEND_MISSING, NULL), 1);
		assert_int_equal(fetch_mended(&b), 1);
		assert_int_equal(b.unplaced, 0);
		assert_file(&b, "2024/07/IMG_1.JPG", "one");
		assert_sums(&b, 1);
		if (table[i].test != NULL)
			snprintf(script, sizeof(script),
			    "test %s .icloud-pull/quarantine/%d/%s",
			    table[i].test, (int)b.run, table[i].in_quarantine);
		else
			snprintf(script, sizeof(script),
			    "test ! -e .icloud-pull/quarantine");
		sh(&b, script);
		bench_done(&b);
	}
}

/* Once more in the same run: nothing in quarantine is replaced. */
static void
quarantine_keeps_all(void **state)
{
	struct bench b;
	char script[300];

	(void)state;
	start(&b);
	sh(&b,
	    "rm -f 2024/07/IMG_*.JPG && rmdir 2024/07 && rmdir 2024 &&"
	    " echo first >2024");
	note(&b, "2024/07/IMG_1.JPG", STORE_OBSTRUCTED);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_int_equal(fetch_mended(&b), 1);
	sh(&b, "rm -f 2024/07/IMG_1.JPG && echo second >2024/07/IMG_1.JPG");
	note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_int_equal(fetch_mended(&b), 1);
	sh(&b, "rm -f 2024/07/IMG_1.JPG && echo third >2024/07/IMG_1.JPG");
	note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_int_equal(fetch_mended(&b), 1);
	assert_file(&b, "2024/07/IMG_1.JPG", "one");
	snprintf(script, sizeof(script),
	    "cd .icloud-pull/quarantine && test \"$(cat %d/2024 "
	    "%d-2/2024/07/IMG_1.JPG %d-3/2024/07/IMG_1.JPG)\" ="
	    " \"$(printf 'first\\nsecond\\nthird')\"",
	    (int)b.run, (int)b.run, (int)b.run);
	sh(&b, script);
	bench_done(&b);
}

/* What has left the cloud cannot be fetched: it stays, and damage is known. */
static void
left_the_cloud(void **state)
{
	struct store_totals t;
	struct bench b;

	(void)state;
	start(&b);
	note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
	note(&b, "2024/07/IMG_2.JPG", STORE_ALTERED);
	must(store_record_gone(b.s, b.zone, "A1", e));
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	t = totals(&b);
	assert_int_equal(t.damaged, 1);
	assert_int_equal(t.damaged_gone, 1);
	assert_int_equal(t.gone_kept, 0);
	assert_int_equal(t.missing, 1);
	/* While it waits to be fetched. */
	must(store_record_gone(b.s, b.zone, "A2", e));
	assert_sound(&b);
	t = totals(&b);
	assert_int_equal(t.damaged, 2);
	assert_int_equal(t.damaged_gone, 2);
	assert_int_equal(t.gone_unfetched, 0);
	assert_int_equal(t.missing, 0);
	assert_int_equal(t.files, 3);
	assert_int_equal(fetch_mended(&b), 0);
	assert_told(&b, 0,
	    "2024/07/IMG_1.JPG 4 gone MA1;2024/07/IMG_2.JPG 4 gone MA2;");
	assert_sums(&b, 3);
	bench_done(&b);
}

/* What Apple cannot give is no gap that is known one day: it is damaged. */
static void
not_to_be_had(void **state)
{
	static const struct {
		enum store_failure why;
		bool given_up;
	} table[] = {
	    {STORE_FAILED, false},
	    {STORE_VANISHED, false},
	    {STORE_NO_ORIGINAL, true},
	    {STORE_UNPROVEN, true},
	    {STORE_UNKNOWN_KIND, true},
	    {STORE_TOO_LARGE, true},
	};
	struct bench b;
	int64_t content;
	size_t i;

	(void)state;
	start(&b);
	content = ask(
	    &b, "SELECT content FROM file WHERE path = '2024/07/IMG_1.JPG'");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		sh(&b,
		    "chmod u+w 2024/07/IMG_1.JPG &&"
		    " printf 0ne >2024/07/IMG_1.JPG");
		note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
		assert_int_equal(
		    mend(&b, STORE_MEND_ALL, NULL), i == 1 ? 0 : 1);
		must(store_want_failed(
		    b.s, content, table[i].why, "no", NOW, e));
		assert_sound(&b);
		must(store_gaps_refresh(b.s, e));
		assert_int_equal(totals(&b).gaps, 0);
		assert_int_equal(totals(&b).damaged, table[i].given_up);
		assert_int_equal(totals(&b).missing, !table[i].given_up);
		if (i == 1) { /* the next run tries again */
			bench_end(&b);
			bench_reopen(&b);
			bench_begin(&b);
			assert_int_equal(fetch_all(&b), 1);
			assert_int_equal(totals(&b).held, 3);
		}
	}
	bench_done(&b);
}

/* ---- what has moved ---- */

static void
each_stray(void *arg, const struct store_stray *y)
{
	struct bench *b = arg;
	struct digest_sum sum;
	char *stray = NULL;

	if (!y->look) {
		buf_addf(&b->strays, "%s %d;", y->path, (int)y->size_bytes);
		return;
	}
	assert_int_equal(
	    store_hash_at(&sum, store_root_fd(b->s), y->path, NULL, 0), 0);
	must(store_found(&stray, b->s, y->path, &sum, e));
	if (stray != NULL)
		buf_addf(&b->strays, "%s;", stray);
	free(stray);
}

static void
look_around(struct bench *b, const char *strays)
{
	buf_reset(&b->strays);
	must(store_strays(b->s, each_stray, b, e));
	assert_string_equal(buf_text(&b->strays), strays);
}

static void
on_moved(void *arg, const char *from, const char *to)
{
	struct bench *b = arg;

	buf_addf(&b->strays, "%s -> %s;", from, to);
}

static void
follow(struct bench *b, const char *moves)
{
	buf_reset(&b->strays);
	must(store_follow(b->s, on_moved, b, e));
	assert_string_equal(buf_text(&b->strays), moves);
	assert_sound(b);
}

static void
rows_follow_files(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	assert_int_equal(
	    sqlite3_exec(b.s->db, "DELETE FROM month", NULL, NULL, NULL),
	    SQLITE_OK);
	sh(&b,
	    "mkdir -p 'best of' && mv 2024/07/IMG_1.JPG 'best of/first.jpeg' &&"
	    " mv 2024/07/IMG_3.JPG top.JPG && echo else >2024/07/IMG_3.JPG");
	note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
	note(&b, "2024/07/IMG_3.JPG", STORE_TRUNCATED);
	look_around(&b, "");
	assert_told(&b, 0,
	    "2024/07/IMG_1.JPG 1 to best of/first.jpeg MA1;"
	    "2024/07/IMG_3.JPG 3 to top.JPG MA3;");
	follow(&b,
	    "2024/07/IMG_1.JPG -> best of/first.jpeg;"
	    "2024/07/IMG_3.JPG -> top.JPG;");
	assert_told(&b, 0, "");
	assert_int_equal(totals(&b).held, 3);
	assert_sums(&b, 3);
	assert_int_equal(ask(&b,
			     "SELECT dirty FROM month WHERE month ="
			     " 202407"),
	    1);
	assert_int_equal(
	    ask(&b, "SELECT count(*) FROM event WHERE kind = 15"), 2);
	/* What stands where it was is somebody else's now. */
	look_around(&b, "2024/07/IMG_3.JPG 5;");
	follow(&b, "");
	/* One that lies in ROOT itself can be damaged and mended too. */
	sh(&b, "chmod u+w top.JPG && echo bad >top.JPG");
	note(&b, "top.JPG", STORE_TRUNCATED);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_int_equal(fetch_mended(&b), 1);
	assert_file(&b, "top.JPG", "three!");
	assert_sums(&b, 3);
	/* No name is taken twice. */
	put_photo(&b, "A9", "IMG_1.JPG", "nine", 1);
	assert_int_equal(fetch_all(&b), 1);
	assert_absent(&b, "2024/07/IMG_1.JPG");
	assert_sums(&b, 4);
	bench_done(&b);
}

/* One that was to be fetched anew, and is found. */
static void
found_while_mending(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	sh(&b, "mv 2024/07/IMG_1.JPG found.JPG");
	note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	look_around(&b, "");
	follow(&b, "2024/07/IMG_1.JPG -> found.JPG;");
	assert_int_equal(fetch_all(&b), 0);
	assert_int_equal(totals(&b).held, 3);
	assert_sums(&b, 3);
	bench_done(&b);
}

/* What is found must be one file, with bytes, under a name that can be kept. */
static void
not_every_file_is_found(void **state)
{
	struct bench b;

	(void)state;
	bench_start(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	put_photo(&b, "A2", "IMG_2.JPG", "", 900);
	assert_int_equal(fetch_all(&b), 2);
	sh(&b,
	    "rm -f 2024/07/IMG_* && : >empty && printf one >'b\\s' &&"
	    " printf one >\"$(printf 'n\\nl')\" && printf eno >other &&"
	    " printf 'one ' >longer");
	note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
	note(&b, "2024/07/IMG_2.JPG", STORE_MISSING);
	look_around(&b, "b\\s 3;empty 0;longer 4;n\nl 3;other;");
	/* Two with the same bytes: the first by name, whichever was read
	 * first. */
	sh(&b, "printf one >b && printf one >a && printf one >c");
	look_around(&b, "b;b\\s 3;c;empty 0;longer 4;n\nl 3;other;");
	{
		struct digest_sum sum;
		char *stray;

		assert_int_equal(
		    store_hash_at(&sum, store_root_fd(b.s), "b", NULL, 0), 0);
		must(store_found(&stray, b.s, "0", &sum, e));
		assert_string_equal(stray, "a");
		free(stray);
		must(store_found(&stray, b.s, "b", &sum, e));
		assert_string_equal(stray, "b");
		free(stray);
		must(store_found(&stray, b.s, "a", &sum, e));
		assert_string_equal(stray, "a");
		free(stray);
	}
	bench_done(&b);
}

/* Other people's files are named, what systems leave everywhere is not. */
static void
strays(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	look_around(&b, "");
	sh(&b,
	    "mkdir -p 2024/07/@eaDir .Trashes/501 2024/a/b &&"
	    " touch .DS_Store ._x 2024/Thumbs.db 2024/07/desktop.ini"
	    " 2024/07/@eaDir/y .Trashes/501/z 2024/thumbs.DB"
	    " .localized");
	look_around(&b, "");
	sh(&b,
	    "echo m >2024/a/b/mine && ln -s /etc 2024/a/link && mkfifo"
	    " 2024/07/fifo && echo 1 >z && mkdir 2024/07/Albums &&"
	    " mkdir -p Albums/x && echo l >Albums/x/l &&"
	    " echo n >2024/07/Albums/k && echo 2 >2024/07/img_1.jpg");
	/* A folder's own first, then its folders, all by name. */
	look_around(&b,
	    "z 2;2024/07/fifo 0;2024/07/img_1.jpg 2;2024/07/Albums/k 2;"
	    "2024/a/link 4;2024/a/b/mine 2;Albums/x/l 2;");
	bench_done(&b);
}

/* What lies in Albums is no file of the copy, whatever its bytes. */
static void
none_lies_in_albums(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	sh(&b, "mkdir -p aLBUMS/x && mv 2024/07/IMG_1.JPG aLBUMS/x/y.JPG");
	note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
	look_around(&b, "aLBUMS/x/y.JPG 3;");
	follow(&b, "");
	bench_done(&b);
}

/* Nothing of the copy goes to quarantine with what is in its way. */
static void
other_files_in_the_way(void **state)
{
	int64_t kept = 0;
	struct bench b;

	(void)state;
	start(&b);
	/* A folder with another file of the copy in it. */
	sh(&b,
	    "rm -f 2024/07/IMG_1.JPG && mkdir 2024/07/IMG_1.JPG &&"
	    " mv 2024/07/IMG_2.JPG 2024/07/IMG_1.JPG/");
	note(&b, "2024/07/IMG_1.JPG", STORE_OBSTRUCTED);
	note(&b, "2024/07/IMG_2.JPG", STORE_MISSING);
	look_around(&b, "");
	follow(&b, "2024/07/IMG_2.JPG -> 2024/07/IMG_1.JPG/IMG_2.JPG;");
	assert_int_equal(mend(&b, STORE_MEND_ALL, &kept), 0);
	assert_int_equal(kept, 1);
	assert_int_equal(totals(&b).damaged, 1);
	/* A file of the copy where a folder was. */
	sh(&b, "mv 2024/07/IMG_1.JPG/IMG_2.JPG x && rm -rf 2024 && mv x 2024");
	note(&b, "2024/07/IMG_1.JPG/IMG_2.JPG", STORE_MISSING);
	note(&b, "2024/07/IMG_3.JPG", STORE_OBSTRUCTED);
	look_around(&b, "");
	follow(&b, "2024/07/IMG_1.JPG/IMG_2.JPG -> 2024;");
	assert_int_equal(mend(&b, STORE_MEND_ALL, &kept), 0);
	assert_int_equal(kept, 2);
	assert_file(&b, "2024", "two two");
	bench_done(&b);
}

/* Of a kind that cannot be computed Apple may send other bytes: one line. */
static void
other_bytes_of_an_unknown_kind(void **state)
{
	struct store_resource r;
	struct thing *t;
	struct bench b;

	(void)state;
	start(&b);
	r = resource(0, thing_kind(&b, "odd kind", 9));
	put_master(&b, "M9", "t1", "a.JPG", &r, 1);
	put_asset(&b, "A9", "t1", "M9", (struct store_asset){.month = 202407});
	assert_int_equal(fetch_all(&b), 1);
	sh(&b, "rm -f 2024/07/a.JPG");
	note(&b, "2024/07/a.JPG", STORE_MISSING);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	t = &b.things[b.nthings - 1];
	memcpy(t->bytes, "odd mind", 8);
	assert_int_equal(fetch_mended(&b), 1);
	assert_file(&b, "2024/07/a.JPG", "odd mind");
	assert_sums(&b, 4);
	assert_int_equal(totals(&b).size_verified, 1);
	bench_done(&b);
}

/* A person put the right bytes back before the next run. */
static void
put_right_by_hand(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	sh(&b, "mv 2024/07/IMG_1.JPG away");
	note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	bench_end(&b);
	sh(&b, "mv away 2024/07/IMG_1.JPG");
	bench_reopen(&b);
	bench_begin(&b);
	assert_int_equal(totals(&b).held, 3);
	assert_told(&b, 0, "");
	assert_int_equal(fetch_all(&b), 0);
	assert_sums(&b, 3);
	bench_done(&b);
}

/* ---- modes ---- */

static void
open_in(struct bench *b, enum store_mode mode)
{
	struct store_options o = bench_options(b);

	store_close(b->s);
	b->s = NULL;
	o.mode = mode;
	must(store_open(&b->s, &o, e));
}

/* A check writes rows, and nothing under ROOT; what a crash has left stays
 * for a run that may write. */
static void
a_check_leaves_root_alone(void **state)
{
	struct buf before = {0}, after = {0};
	struct bench b;
	int64_t run;

	(void)state;
	start(&b);
	/* The run does not end, and leaves half a line. */
	store_close(b.s);
	b.s = NULL;
	sh(&b, "printf half >>.icloud-pull/SHA256SUMS");
	tree(&before, b.root);
	bench_open(&b);
	open_in(&b, STORE_CHECK);
	must(store_run_begin(&run, b.s, "verify", NOW, bench_rule, e));
	note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
	put_photo(&b, "A7", "IMG_7.JPG", "seven", 10);
	must(store_gaps_refresh(b.s, e));
	must(store_run_end(b.s, 0, "{}", NOW + 9, e));
	store_close(b.s);
	b.s = NULL;
	tree(&after, b.root);
	assert_string_equal(buf_text(&before), buf_text(&after));
	open_in(&b, STORE_MEND);
	bench_begin(&b);
	assert_int_equal(b.run, run + 1);
	assert_sums(&b, 3);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_int_equal(fetch_mended(&b), 1);
	assert_sums(&b, 3);
	buf_clear(&before);
	buf_clear(&after);
	bench_done(&b);
}

/* STORE_MEND makes no copy. */
static void
mending_makes_no_copy(void **state)
{
	struct store_options o;
	struct bench b;
	struct err e;

	(void)state;
	bench_init(&b);
	o = bench_options(&b);
	o.mode = STORE_MEND;
	assert_int_equal(store_open(&b.s, &o, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_non_null(strstr(e.what, "no copy"));
	assert_int_equal(access(b.root, F_OK), -1);
	bench_done(&b);
}

/* ---- immutable files ---- */

static bool
is_immutable(struct bench *b, const char *path)
{
	int fd = file_open(store_root_fd(b->s), path, O_RDONLY, 0);
	bool locked;

	assert_true(fd >= 0);
#ifdef __linux__
	int flags = 0;

	locked = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
	    (flags & FS_IMMUTABLE_FL) != 0;
#else
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	locked = (st.st_flags & UF_IMMUTABLE) != 0;
#endif
	assert_int_equal(close(fd), 0);
	return locked;
}

static void
unlock(struct bench *b, const char *path)
{
	int fd = file_open(store_root_fd(b->s), path, O_RDONLY, 0);

	if (fd == -1)
		return;
	compat_set_immutable(fd, false);
	assert_int_equal(close(fd), 0);
}

/* --lock-files: no rename by hand, and mending unlocks what it moves. */
static void
locked_files(void **state)
{
	char path[100], from[200], to[200];
	struct store_options o;
	struct bench b;
	bool can;

	(void)state;
	bench_start(&b);
	bench_end(&b);
	store_close(b.s);
	o = bench_options(&b);
	o.lock_files = true;
	must(store_open(&b.s, &o, e));
	bench_begin(&b);
	put_photo(&b, "A1", "IMG_1.JPG", "one", 1000);
	assert_int_equal(fetch_all(&b), 1);
	assert_int_equal(b.unplaced, 0);
	can = is_immutable(&b, "2024/07/IMG_1.JPG");
	snprintf(from, sizeof(from), "%s/2024/07/IMG_1.JPG", b.root);
	snprintf(to, sizeof(to), "%s/away", b.root);
	if (can)
		assert_int_equal(rename(from, to), -1);
	note(&b, "2024/07/IMG_1.JPG", STORE_ALTERED);
	assert_int_equal(mend(&b, STORE_MEND_ALL, NULL), 1);
	assert_int_equal(fetch_mended(&b), 1);
	assert_int_equal(b.unplaced, 0);
	snprintf(path, sizeof(path),
	    ".icloud-pull/quarantine/%d/2024/07/IMG_1.JPG", (int)b.run);
	assert_file(&b, path, "one");
	assert_false(is_immutable(&b, path));
	assert_int_equal(is_immutable(&b, "2024/07/IMG_1.JPG"), can);
	unlock(&b, "2024/07/IMG_1.JPG");
	bench_done(&b);
	if (!can)
		skip();
}

/* ---- catalogues of before ---- */

static const char *const of_before =
    "INSERT INTO zone(zone, database, name, kind) VALUES(1, 0, 'Z', 1);"
    "INSERT INTO record(rec, zone, name, type, first_run, changed_run)"
    " VALUES(1, 1, 'M', 1, 1, 1), (2, 1, 'A', 2, 1, 1);"
    "INSERT INTO master(rec, filename) VALUES(1, 'IMG_1.JPG');"
    "INSERT INTO asset(rec, zone, master, flags, want, lacks, month)"
    " VALUES(2, 1, 1, 0, 5, 0, 202407);"
    "INSERT INTO content(content, checksum, size, bytes, state, live)"
    " VALUES(1, x'0102', 3, 3, 1, 1);"
    "INSERT INTO resource(rec, role, content) VALUES(1, 0, 1);"
    "INSERT INTO stem(stem, key, folder, name, kind, month, asset, version)"
    " VALUES(1, '2024/07/img_1', '2024/07', 'IMG_1', 0, 202407, 2, 1);"
    "INSERT INTO file(file, content, stem, role, path, key, state, size,"
    " sha256, placed_run, checked_ms) VALUES(1, 1, 1, 0,"
    " '2024/07/IMG_1.JPG', '2024/07/img_1.jpg', 1, 3, zeroblob(32), 1, 7);"
    "INSERT INTO run(run, command, began_ms, ended_ms, exit_status)"
    " VALUES(1, 'sync', 1, 2, 0);";

/* An asset that had no date gets its master's when that is seen again; its
 * path stays. */
static void
dated_again(struct bench *b)
{
	const struct store_master m = {.rec = 1,
	    .filename = "IMG_1.JPG",
	    .has_created = true,
	    .created_ms = INT64_C(1600000000000)};

	assert_int_equal(ask(b, "SELECT dated FROM asset"), STORE_DATE_NONE);
	bench_begin(b);
	must(store_master_put(b->s, &m, e));
	assert_int_equal(ask(b, "SELECT dated FROM asset"), STORE_DATE_MASTER);
	assert_int_equal(ask(b, "SELECT month FROM asset"), 202009);
	assert_int_equal(ask(b,
			     "SELECT count(*) FROM file"
			     " WHERE path = '2024/07/IMG_1.JPG'"),
	    1);
}

/* Version 1 is brought up to date by whoever opens it, and keeps all. */
static void
a_catalogue_of_version_1(void **state)
{
	const char *const *sql;
	struct bench b;
	sqlite3 *db;
	char *path;
	int mode;

	(void)state;
	for (mode = STORE_READ; mode <= STORE_WRITE; mode++) {
		bench_init(&b);
		bench_open(&b);
		path = xstrdup(b.s->catalogue);
		store_close(b.s);
		b.s = NULL;
		assert_int_equal(unlink(path), 0);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		for (sql = version_1; *sql != NULL; sql++)
			assert_int_equal(
			    sqlite3_exec(db, *sql, NULL, NULL, NULL),
			    SQLITE_OK);
		assert_int_equal(
		    sqlite3_exec(db, of_before, NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db,
				     "PRAGMA application_id = 1766019189;"
				     "PRAGMA user_version = 1",
				     NULL, NULL, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		free(path);
		open_in(&b, (enum store_mode)mode);
		assert_int_equal(
		    ask(&b, "PRAGMA user_version"), SCHEMA_VERSION);
		assert_int_equal(totals(&b).held, 1);
		assert_int_equal(totals(&b).damaged, 0);
		open_in(&b, STORE_WRITE);
		unchecked(&b, 100, 9, "1");
		note(&b, "2024/07/IMG_1.JPG", STORE_MISSING);
		assert_told(&b, 0, "2024/07/IMG_1.JPG 1 M;");
		dated_again(&b);
		bench_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(damage_is_known_until_it_is_gone),
	    cmocka_unit_test(changed_by_somebody_else),
	    cmocka_unit_test(longest_unchecked_first),
	    cmocka_unit_test(a_damaged_file_is_mended),
	    cmocka_unit_test(kinds_are_obeyed),
	    cmocka_unit_test(what_stands_in_its_place),
	    cmocka_unit_test(quarantine_keeps_all),
	    cmocka_unit_test(left_the_cloud),
	    cmocka_unit_test(not_to_be_had),
	    cmocka_unit_test(rows_follow_files),
	    cmocka_unit_test(found_while_mending),
	    cmocka_unit_test(not_every_file_is_found),
	    cmocka_unit_test(strays),
	    cmocka_unit_test(none_lies_in_albums),
	    cmocka_unit_test(other_files_in_the_way),
	    cmocka_unit_test(other_bytes_of_an_unknown_kind),
	    cmocka_unit_test(put_right_by_hand),
	    cmocka_unit_test(a_check_leaves_root_alone),
	    cmocka_unit_test(mending_makes_no_copy),
	    cmocka_unit_test(locked_files),
	    cmocka_unit_test(a_catalogue_of_version_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
