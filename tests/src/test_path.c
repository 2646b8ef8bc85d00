#include "test.h"

#include <ctype.h>

#include "buf.h"
#include "err.h"
#include "path.h"
#include "text.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* 2024-07-31T12:00:00Z */
#define JULY INT64_C(1722427200000)

#define A10  "aaaaaaaaaa"
#define A50  A10 A10 A10 A10 A10
#define A100 A50 A50
#define E3   "\xe5\x81\x87" /* one character of three bytes */
#define E30  E3 E3 E3 E3 E3 E3 E3 E3 E3 E3

static void
makes_names_safe(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
	    {"IMG_0123.HEIC", "IMG_0123.HEIC"},
	    /* B047: what Windows, exFAT and SMB refuse */
	    {"1034:4677000000000001.mp4", "1034_4677000000000001.mp4"},
	    {"a/b.jpg", "a_b.jpg"},
	    {"a\\b.jpg", "a_b.jpg"},
	    {"\"?*<>|", "______"},
	    /* controls, ESC, DEL, C1 */
	    {"a\tb\nc\rd", "a_b_c_d"},
	    {"\x1b[2J\x1b]0;title\x07", "_[2J_]0;title_"},
	    {"\x01\x1f\x7f", "___"},
	    {"a\xc2\x80"
	     "b\xc2\x9f"
	     "c",
		"a_b_c"},
	    {"\xc2\xa0"
	     "x",
		"\xc2\xa0"
		"x"}, /* U+00A0 is no control character */
	    /* nothing that leads out, nothing hidden */
	    {".", "_"},
	    {"..", "_"},
	    {"...", "_"},
	    {"../../etc/passwd", "_._.._etc_passwd"},
	    {"/etc/passwd", "_etc_passwd"},
	    {".hidden", "_hidden"},
	    {".icloud-pull", "_icloud-pull"},
	    {"._IMG_1.JPG", "__IMG_1.JPG"},
	    {"..a", "_.a"},
	    /* trailing dots and blanks */
	    {"a.", "a"},
	    {"a. . .", "a"},
	    {"a  ", "a"},
	    {"   ", ""},
	    {"", ""},
	    {" a", " a"},
	    {"a b.c", "a b.c"},
	    /* device names, in any case and with any extension */
	    {"CON", "_CON"},
	    {"con", "_con"},
	    {"nul.txt", "_nul.txt"},
	    {"COM1.JPG", "_COM1.JPG"},
	    {"Lpt9.tar.gz", "_Lpt9.tar.gz"},
	    {"aux .jpg", "_aux .jpg"},
	    {"CON.", "_CON"},
	    {"PRN ", "_PRN"},
	    {"CONIN$", "_CONIN$"},
	    {"conout$.x", "_conout$.x"},
	    {"com\xc2\xb9.jpg", "_com\xc2\xb9.jpg"},
	    {"LPT\xc2\xb3", "_LPT\xc2\xb3"},
	    {"COM0", "_COM0"},
	    {"LPT9", "_LPT9"},
	    {"clock$", "clock$"},
	    {"CONE", "CONE"},
	    {"COM10", "COM10"},
	    {"COM", "COM"},
	    {"_CON", "_CON"},
	    {"xCON", "xCON"},
	    /* B048: letters of any script stay */
	    {"\xe5\x81\x87\xe6\x9c\x9f_01.jpg",
		"\xe5\x81\x87\xe6\x9c\x9f_01.jpg"},
	    {"\xf0\x9f\x8f\x96\xef\xb8\x8f.png",
		"\xf0\x9f\x8f\x96\xef\xb8\x8f.png"},
	    {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"},
	    /* NFD becomes NFC */
	    {"cafe\xcc\x81", "caf\xc3\xa9"},
	    {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"},
	    {"<\xcc\xb8", "\xe2\x89\xae"}, /* one letter, none of the set */
	    /* writing direction is no control character: kept on disk, escaped
	     * for terminals */
	    {"a\xe2\x80\xaegpj.exe", "a\xe2\x80\xaegpj.exe"},
	    {"\xe2\x81\xa6x\xe2\x81\xa9", "\xe2\x81\xa6x\xe2\x81\xa9"},
	    /* B052: bytes that are no UTF-8; overlong forms are no dots */
	    {"\xff\xfe"
	     "A",
		"\xef\xbf\xbd\xef\xbf\xbd"
		"A"},
	    {"\xc0\xae\xc0\xae/x",
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd_x"},
	    /* what Unicode has made no character of */
	    {"a\xef\xbf\xbe"
	     "b\xef\xb7\x90"
	     "c\xf0\x9f\xbf\xbf",
		"a_b_c_"},
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"a\xe5\x81", "a\xef\xbf\xbd"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		path_safe(out, 255, table[i].in);
		if (strcmp(out, table[i].out) != 0)
			fail_msg("row %zu: \"%s\" became \"%s\", not \"%s\"", i,
			    table[i].in, out, table[i].out);
	}
}

static void
cuts_between_characters(void **state)
{
	static const struct {
		size_t max;
		const char *in, *out;
	} table[] = {
	    {0, "abc", ""},
	    {3, "abcd", "abc"},
	    {3, "ab\xc3\xa9", "ab"},
	    {4, "ab\xc3\xa9x", "ab\xc3\xa9"},
	    {5, E3 E3, E3},
	    {6, E3 E3, E3 E3},
	    {3, "a\xf0\x9f\x8f\x96", "a"},
	    /* what the cut lays bare goes too */
	    {4, "abc .d", "abc"},
	    {4, "a. .d", "a"},
	    /* the mark before a device name takes room as well */
	    {6, "CON.ab", "_CON.a"},
	    {6, "CON.a.b", "_CON.a"},
	    {7, "CON.a.b", "_CON.a"},
	    {7, "CON.a b", "_CON.a"},
	    {3, "CON", "_CO"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		path_safe(out, table[i].max, table[i].in);
		if (strcmp(out, table[i].out) != 0)
			fail_msg("row %zu: \"%s\" became \"%s\", not \"%s\"", i,
			    table[i].in, out, table[i].out);
	}
}

static void
splits_stem_and_extension(void **state)
{
	static const struct {
		const char *filename, *uti;
		bool is_original;
		const char *stem, *ext;
	} table[] = {
	    {"IMG_0123.HEIC", "public.heic", true, "IMG_0123", "HEIC"},
	    {"IMG_0123.HEIC", "com.apple.quicktime-movie", false, "IMG_0123",
		"MOV"},
	    {"IMG_0123.HEIC", "com.adobe.raw-image", false, "IMG_0123", "DNG"},
	    {"IMG_0123.heic", "com.apple.quicktime-movie", false, "IMG_0123",
		"mov"},
	    {"clip.Mov", "public.jpeg", false, "clip", "jpg"},
	    {"1.3gp", "public.jpeg", false, "1", "jpg"},
	    /* B056: the given extension stays, whatever the type */
	    {"a.jpg", "public.heic", true, "a", "jpg"},
	    {"a.xyz", "com.example.future", true, "a", "xyz"},
	    {"a.xyz", NULL, true, "a", "xyz"},
	    {"a.xyz", "com.example.future", false, "a", "bin"},
	    {"a", "com.example.future", true, "a", "bin"},
	    {"a", NULL, true, "a", "bin"},
	    {"a", "public.jpeg", true, "a", "jpg"},
	    {"a", NULL, false, "a", "bin"},
	    /* what is no extension belongs to the stem */
	    {".jpg", "public.jpeg", true, "_jpg", "jpg"},
	    {"a.", "public.jpeg", true, "a", "jpg"},
	    {"a.b c", NULL, true, "a.b c", "bin"},
	    {"a.\xc3\xa9", NULL, true, "a.\xc3\xa9", "bin"},
	    {"a.abcdefghij", NULL, true, "a", "abcdefghij"},
	    {"a.abcdefghijk", NULL, true, "a.abcdefghijk", "bin"},
	    {"a." A50, "public.png", true, "a." A50, "png"},
	    {"a.tar.gz", NULL, true, "a.tar", "gz"},
	    {"a.j/g", NULL, true, "a.j_g", "bin"},
	    /* blanks and dots behind the extension do not hide it */
	    {"IMG_1.JPG ", "public.jpeg", true, "IMG_1", "JPG"},
	    {"IMG_1.JPG. .", "public.jpeg", true, "IMG_1", "JPG"},
	    {"IMG_1 .JPG", "public.jpeg", true, "IMG_1", "JPG"},
	    {"IMG_1...JPG", "public.jpeg", true, "IMG_1", "JPG"},
	    /* the extension cannot hide a device name, or a way out */
	    {"COM1.JPG", "public.jpeg", true, "_COM1", "JPG"},
	    {"nul.txt", NULL, true, "_nul", "txt"},
	    {"...jpg", NULL, true, "_", "jpg"},
	    {"../../x.jpg", NULL, true, "_._.._x", "jpg"},
	    /* a long name is cut, its extension kept */
	    {A100 A100 A50 ".HEIC", "public.heic", true, A100 A100 A50, "HEIC"},
	    {A100 A100 A100 ".HEIC", "public.heic", true, A100 A100 A50,
		"HEIC"},
	    {E30 E30 E30 E30 E30 E30 E30 E30 E30 ".jpg", NULL, true,
		E30 E30 E30 E30 E30 E30 E30 E30 E3 E3 E3, "jpg"},
	    {A100 A100 A50 "aa.abcdefghij", NULL, true,
		A100 A100 A10 A10 A10 A10 "aaaa", "abcdefghij"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		const struct path_subject s = {.filename = table[i].filename,
		    .record = "R",
		    .uti = table[i].uti,
		    .library = "Personal",
		    .is_original = table[i].is_original};
		struct path_wish w;

		path_wish(&w, "%Y/%m", &s);
		if (strcmp(w.stem, table[i].stem) != 0 ||
		    strcmp(w.ext, table[i].ext) != 0)
			fail_msg("row %zu: \"%s\" became \"%s\" + \"%s\"", i,
			    table[i].filename, w.stem, w.ext);
		assert_string_equal(w.folder, "undated");
	}
}

/* B052, B053: an id names what has no name, the same in every run. */
static void
names_from_the_record(void **state)
{
	static const char *const nameless[] = {NULL, "", " ", " . .", ". .",
	    /* what nobody sees: blanks, joiners, marks of direction, a mark of
	     * byte order, a soft hyphen, a Hangul filler, a variation */
	    "\xc2\xa0\xe3\x80\x80", "\xe2\x80\x8b\xe2\x80\x8d.jpg",
	    "\xe2\x80\xae\xe2\x81\xa9.jpg", "\xef\xbb\xbf", "\xc2\xad.jpg",
	    "\xe3\x85\xa4.jpg", "\xef\xb8\x8f.jpg", "\xe2\xa0\x80",
	    /* bytes that were no text */
	    "\xff\xfe", "\xef\xbf\xbd .jpg"};
	char first[256] = "";

	(void)state;
	for (size_t i = 0; i < LEN(nameless); i++) {
		struct path_subject s = {.filename = nameless[i],
		    .record = "E2A0/../..",
		    .uti = "public.jpeg",
		    .library = "Personal",
		    .is_original = true};
		struct path_wish w, other;

		path_wish(&w, "%Y/%m", &s);
		if (i == 0)
			strcpy(first, w.stem);
		assert_string_equal(w.stem, first);
		assert_int_equal(strlen(w.stem), 12);
		assert_int_equal(strspn(w.stem, "0123456789abcdef"), 12);
		assert_string_equal(w.ext, "jpg");
		s.record = "E2A1";
		path_wish(&other, "%Y/%m", &s);
		assert_string_not_equal(other.stem, w.stem);
	}
}

static void
files_by_the_assets_own_day(void **state)
{
	static const struct {
		int64_t taken_ms, offset_s;
		int month; /* 0: undated */
		const char *folder;
	} table[] = {
	    {JULY, 0, 202407, "2024/07"},
	    {0, 0, 197001, "1970/01"},
	    {-1, 0, 196912, "1969/12"},
	    /* B057: before 1970 */
	    {INT64_C(-63849600000), 0, 196712, "1967/12"},
	    {INT64_C(-2082844800000), 0, 190401, "1904/01"},
	    {INT64_C(-5364662400000), 0, 180001, "1800/01"},
	    {INT64_C(-5364662400001), 0, 0, "undated"},
	    /* B058: absurd years, and year 5 */
	    {INT64_C(-62000000000000), 0, 0, "undated"},
	    {INT64_C(86526000000000000), 0, 0, "undated"},
	    {INT64_MAX, 0, 0, "undated"},
	    {INT64_MIN, 0, 0, "undated"},
	    {INT64_MAX, 50400, 0, "undated"},
	    {INT64_MIN, -50400, 0, "undated"},
	    {INT64_C(7289654399999), 0, 220012, "2200/12"},
	    {INT64_C(7289654400000), 0, 0, "undated"},
	    /* B062: the asset's offset decides, at the edge of a month, a
	     * year, a leap day */
	    {JULY, 39600, 202407, "2024/07"},
	    {JULY, 43200, 202408, "2024/08"},
	    {JULY, 50400, 202408, "2024/08"},
	    {INT64_C(1719792000000), 0, 202407, "2024/07"},
	    {INT64_C(1719792000000), -1, 202406, "2024/06"},
	    {INT64_C(1719791999999), 0, 202406, "2024/06"},
	    {INT64_C(1719791999999), 1, 202407, "2024/07"},
	    {INT64_C(1704067200000), -50400, 202312, "2023/12"},
	    {INT64_C(1709164799999), 0, 202402, "2024/02"},
	    {INT64_C(1709251200000), 0, 202403, "2024/03"},
	    /* what is no zone counts as UTC */
	    {INT64_C(1719791999999), 50400, 202407, "2024/07"},
	    {INT64_C(1719791999999), 50401, 202406, "2024/06"},
	    {INT64_C(1719792000000), -50400, 202406, "2024/06"},
	    {INT64_C(1719792000000), -50401, 202407, "2024/07"},
	    {INT64_C(1719791999999), INT64_MAX, 202406, "2024/06"},
	    {INT64_C(1719792000000), INT64_MIN, 202407, "2024/07"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct path_subject s = {.filename = "a.jpg",
		    .record = "R",
		    .library = "Personal",
		    .has_taken = true,
		    .has_offset = true,
		    .taken_ms = table[i].taken_ms,
		    .offset_s = table[i].offset_s};
		struct path_wish w;

		path_wish(&w, "%Y/%m", &s);
		if (strcmp(w.folder, table[i].folder) != 0)
			fail_msg("row %zu: %s", i, w.folder);
		if (path_month(true, table[i].taken_ms, table[i].offset_s) !=
		    table[i].month)
			fail_msg("row %zu: month", i);
	}
	assert_int_equal(path_month(false, JULY, 0), 0);
}

static void
heeds_only_a_stated_offset(void **state)
{
	const struct path_subject s = {.filename = "a.jpg",
	    .record = "R",
	    .library = "Personal",
	    .has_taken = true,
	    .taken_ms = JULY,
	    .offset_s = 50400};
	struct path_wish w;

	(void)state;
	path_wish(&w, "%d", &s);
	assert_string_equal(w.folder, "31");
}

/* B062: zone and locale of the host change nothing. */
static void
does_not_know_the_host(void **state)
{
	static const char *const zones[] = {
	    "UTC", "Pacific/Auckland", "America/Los_Angeles"};
	const struct path_subject s = {.filename = "a.jpg",
	    .record = "R",
	    .library = "Personal",
	    .has_taken = true,
	    .has_offset = true,
	    .taken_ms = JULY,
	    .offset_s = 39600};
	struct path_wish w;

	(void)state;
	for (size_t i = 0; i < LEN(zones); i++) {
		setenv("TZ", zones[i], 1);
		setenv("LC_ALL", "tr_TR.UTF-8", 1);
		path_wish(&w, "%F %H-%M-%S %B", &s);
		assert_string_equal(w.folder, "2024-07-31 23-00-00 July");
	}
	unsetenv("TZ");
	unsetenv("LC_ALL");
}

static void
fills_layouts_in(void **state)
{
	static const struct {
		const char *layout, *filename, *uti, *folder;
	} table[] = {
	    {"%Y/%m", "a.jpg", NULL, "2024/07"},
	    {"%Y/%m/%d", "a.jpg", NULL, "2024/07/31"},
	    {"%y%m%d-%j", "a.jpg", NULL, "240731-213"},
	    {"%F", "a.jpg", NULL, "2024-07-31"},
	    {"%H.%M.%S", "a.jpg", NULL, "12.00.00"},
	    {"%B/%b", "a.jpg", NULL, "July/Jul"},
	    {"100%%", "a.jpg", NULL, "100%"},
	    {"{library}/%Y", "a.jpg", NULL, "Shared Li_rary/2024"},
	    {"{library}{type}", "a.jpg", NULL, "Shared Li_raryPhotos"},
	    {"all", "a.jpg", NULL, "all"},
	    {"Photos \xf0\x9f\x93\xb7/%Y", "a.jpg", NULL,
		"Photos \xf0\x9f\x93\xb7/2024"},
	    /* every part is safe, empty parts are none */
	    {"/%Y//%m/", "a.jpg", NULL, "2024/07"},
	    {"../../%Y", "a.jpg", NULL, "_/_/2024"},
	    {"%H:%M", "a.jpg", NULL, "12_00"},
	    {"CON/%Y.", "a.jpg", NULL, "_CON/2024"},
	    {".git/%Y", "a.jpg", NULL, "_git/2024"},
	    /* a layout that is none files under undated, never elsewhere */
	    {"%Q", "a.jpg", NULL, "undated"},
	    {"{album}", "a.jpg", NULL, "undated"},
	    {"", "a.jpg", NULL, "undated"},
	    {" / ", "a.jpg", NULL, "undated"},
	    /* one type for all files of an asset: by its name, then by UTI */
	    {"{type}", "a.MOV", "public.jpeg", "Videos"},
	    {"{type}", "a.HEIC", "com.apple.quicktime-movie", "Photos"},
	    {"{type}", "a", "com.apple.quicktime-movie", "Videos"},
	    {"{type}", NULL, "public.mpeg-4", "Videos"},
	    {"{type}", NULL, NULL, "Photos"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct path_subject s = {.filename = table[i].filename,
		    .record = "R",
		    .uti = table[i].uti,
		    .library = "Shared Li|rary",
		    .has_taken = true,
		    .taken_ms = JULY};
		struct path_wish w;

		path_wish(&w, table[i].layout, &s);
		if (strcmp(w.folder, table[i].folder) != 0)
			fail_msg("row %zu: %s", i, w.folder);
	}
}

/* A library's word cannot lead out either. */
static void
keeps_libraries_inside(void **state)
{
	const struct path_subject s = {.filename = "a.jpg",
	    .record = "R",
	    .library = "../../etc",
	    .has_taken = true,
	    .taken_ms = JULY};
	struct path_wish w;

	(void)state;
	path_wish(&w, "{library}/%Y", &s);
	assert_string_equal(w.folder, "_/_/etc/2024");
}

static void
checks_layouts(void **state)
{
	static const char *const good[] = {"%Y/%m", "%Y", "all", "%F",
	    "{library}/{type}/%Y", "%Y/%m/%d", "100%%", "Photos/Albums",
	    "Albumsen/%Y", "%Y/..a", "a..b"};
	static const char *const bad[] = {"", "/", " ", "//", "%", "%Y/%", "%Q",
	    "%Y/%k", "%\xc3\xa9", "{album}", "{library", "a}", "{}", "%{type}",
	    "Albums", "albums/%Y", "ALBUMS", "Albums./%Y",
	    "Album\xc5\xbf" /* long s */, "SHA256SUMS", "sha256sums/%Y", "..",
	    "../%Y", "%Y/..", "%Y/../%m", ".", "./%Y", "%Y/.", "/%Y",
	    "/mnt/photos/%Y", A100 A100 "a" /* 201 bytes */};
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(good); i++) {
		err_clear(&e);
		if (path_check_layout(good[i], &e) != 0)
			fail_msg("refused: %s (%s)", good[i], e.what);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		err_clear(&e);
		if (path_check_layout(bad[i], &e) != -1)
			fail_msg("taken: \"%s\"", bad[i]);
		assert_int_equal(e.code, ERR_USAGE);
		assert_true(e.what[0] != '\0' && e.next[0] != '\0');
	}
}

/* ---- any bytes at all ---- */

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Bytes, rich in what makes trouble. */
static void
random_name(char *out, size_t size, uint64_t *seed)
{
	static const char *const pieces[] = {".", "..", "/", "\\", ":", " ",
	    "CON", "nul", "COM1", "LPT\xc2\xb2", "\xc2\x85", "\x1b", "\x7f",
	    "\xf0\x9f\x8f\x96", E3, "e\xcc\x81", "\xcd\x85", "\xe2\x80\xae",
	    "\xff", "\xed\xa0\x80", "\xc0\xae", "\xc3\x9f", "\xc4\xb0", ".JPG",
	    ".heic", "\xef\xbb\xbf", "\xcc\x81", "_", "IMG_0001", A50};
	size_t want = next_random(seed) % (size - 1), n = 0, len;
	const char *piece;

	while (n < want) {
		uint64_t r = next_random(seed);

		if (r % 3 == 0) {
			out[n++] = (char)(1 + r / 3 % 255);
			continue;
		}
		piece = pieces[r / 3 % LEN(pieces)];
		len = strlen(piece);
		if (n + len > want)
			break;
		memcpy(out + n, piece, len);
		n += len;
	}
	out[n] = '\0';
}

/* Written down again, from Microsoft's list, not from the code. */
static bool
is_device(const char *s)
{
	static const char *const names[] = {
	    "con", "prn", "aux", "nul", "conin$", "conout$"};
	char head[16];
	size_t n = strcspn(s, ".");

	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n >= sizeof(head))
		return false;
	for (size_t i = 0; i < n; i++)
		head[i] = (char)tolower((unsigned char)s[i]);
	head[n] = '\0';
	for (size_t i = 0; i < LEN(names); i++)
		if (strcmp(head, names[i]) == 0)
			return true;
	if (strncmp(head, "com", 3) != 0 && strncmp(head, "lpt", 3) != 0)
		return false;
	return (n == 4 && isdigit((unsigned char)head[3])) ||
	    (n == 5 &&
		(strcmp(head + 3, "\xc2\xb9") == 0 ||
		    strcmp(head + 3, "\xc2\xb2") == 0 ||
		    strcmp(head + 3, "\xc2\xb3") == 0));
}

static void
check_component(const char *s, size_t max)
{
	size_t n = strlen(s);
	const unsigned char *p;

	if (n == 0 || n > max || !text_is_utf8(s, n))
		fail_msg("length or encoding of \"%s\"", s);
	for (p = (const unsigned char *)s; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f ||
		    strchr("\"*/:<>?\\|", *p) != NULL ||
		    (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			fail_msg("forbidden in \"%s\"", s);
	if (s[0] == '.' || s[n - 1] == '.' || s[n - 1] == ' ')
		fail_msg("dot or blank at an end of \"%s\"", s);
	if (is_device(s))
		fail_msg("device \"%s\"", s);
}

static void
check_text_is_stable(const char *s)
{
	char again[256];
	char *nfc = text_nfc(s), *once = text_fold(s), *twice = text_fold(once);

	assert_string_equal(nfc, s);
	assert_string_equal(once, twice);
	free(nfc);
	free(once);
	free(twice);
	path_safe(again, 255, s);
	assert_string_equal(again, s);
}

static void
check_wish(const struct path_wish *w)
{
	char name[512], part[512];
	const char *p = w->folder;
	size_t n;

	check_component(w->stem, 255);
	check_text_is_stable(w->stem);
	if (w->ext[0] != '\0')
		assert_int_equal(strspn(w->ext,
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				     "mnopqrstuvwxyz0123456789"),
		    strlen(w->ext));
	snprintf(name, sizeof(name), "%s%s%s", w->stem,
	    w->ext[0] != '\0' ? "." : "", w->ext);
	check_component(name, 255);
	assert_true(w->folder[0] != '\0');
	do {
		n = strcspn(p, "/");
		snprintf(part, sizeof(part), "%.*s", (int)n, p);
		check_component(part, 255);
		p += n;
	} while (*p++ == '/');
}

static void
any_bytes_give_a_good_path(void **state)
{
	static const char *const utis[] = {
	    NULL, "public.jpeg", "com.apple.quicktime-movie", "dyn.x"};
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	char name[400], library[60], layout[60], again[256];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct path_subject s = {.filename = name,
		    .record = "R",
		    .uti = utis[i % (int)LEN(utis)],
		    .library = library,
		    .is_original = i % 3 != 0,
		    .has_taken = i % 5 != 0,
		    .has_offset = i % 7 != 0};
		struct path_wish w, same;

		random_name(name, sizeof(name), &seed);
		random_name(library, sizeof(library), &seed);
		random_name(layout, sizeof(layout), &seed);
		s.taken_ms = (int64_t)next_random(&seed);
		s.offset_s = (int64_t)next_random(&seed);
		if (i % 2 == 0) {
			s.taken_ms %= INT64_C(4000000000000);
			s.offset_s %= 60000;
		}
		path_wish(&w, i % 4 == 0 ? layout : "{library}/%Y/%m", &s);
		check_wish(&w);
		path_wish(&same, i % 4 == 0 ? layout : "{library}/%Y/%m", &s);
		assert_memory_equal(&w, &same, sizeof(w));

		path_safe(again, (size_t)(i % 255) + 1, name);
		if (again[0] != '\0')
			check_component(again, (size_t)(i % 255) + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_names_safe),
	    cmocka_unit_test(cuts_between_characters),
	    cmocka_unit_test(splits_stem_and_extension),
	    cmocka_unit_test(names_from_the_record),
	    cmocka_unit_test(files_by_the_assets_own_day),
	    cmocka_unit_test(heeds_only_a_stated_offset),
	    cmocka_unit_test(does_not_know_the_host),
	    cmocka_unit_test(fills_layouts_in),
	    cmocka_unit_test(keeps_libraries_inside),
	    cmocka_unit_test(checks_layouts),
	    cmocka_unit_test(any_bytes_give_a_good_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
