#include "fuzz.h"

#include <strings.h>

#include "asset.h"
#include "err.h"
#include "path.h"
#include "text.h"

/*
 * Any name and any layout give folders and names that are safe on every
 * volume, within their bounds, and that stay as they are when made safe anew.
 */

#define NAME_BYTES 255 /* that file systems have for one component */

static const char *const devices[] = {"con", "prn", "aux", "nul", "com0",
    "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8",
    "lpt9", "conin$", "conout$"};

/* Windows looks at what stands before the first dot, without blanks. */
static bool
is_device(const char *name)
{
	size_t n = strcspn(name, "."), i;

	while (n > 0 && name[n - 1] == ' ')
		n--;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (strlen(devices[i]) == n &&
		    strncasecmp(devices[i], name, n) == 0)
			return true;
	return false;
}

static void
look_at_name(const char *name, size_t max)
{
	char *nfc = text_nfc(name), again[NAME_BYTES + 1];
	size_t n = strlen(name), i;

	must(n <= max && text_is_utf8(name, n));
	must(strcmp(nfc, name) == 0);
	for (i = 0; i < n; i++) {
		must((unsigned char)name[i] >= 0x20 && name[i] != 0x7f);
		must(strchr("\"*/:<>?\\|", name[i]) == NULL);
		must((unsigned char)name[i] != 0xc2 ||
		    (unsigned char)name[i + 1] >= 0xa0);
	}
	if (n > 0) {
		must(name[0] != '.');
		must(name[n - 1] != '.' && name[n - 1] != ' ');
	}
	must(!is_device(name));
	path_safe(again, max, name);
	must(strcmp(again, name) == 0);
	free(nfc);
}

static void
look_at_safe(const char *text)
{
	static const size_t sizes[] = {NAME_BYTES, 250, 12, 4, 3, 1};
	char out[NAME_BYTES + 2];
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(out, 'x', sizeof(out));
		path_safe(out, sizes[i], text);
		must(out[sizes[i] + 1] == 'x');
		look_at_name(out, sizes[i]);
	}
}

static void
look_at_folder(const char *folder, bool checked)
{
	char *copy = strdup(folder), *rest = copy, *part, *key;
	bool first = true;

	must(copy != NULL && *folder != '\0');
	while ((part = strsep(&rest, "/")) != NULL) {
		must(*part != '\0');
		look_at_name(part, 120);
		key = text_fold(part);
		if (first && checked)
			must(strcmp(key, "albums") != 0 &&
			    strcmp(key, "sha256sums") != 0);
		first = false;
		free(key);
	}
	free(copy);
}

static void
look_at_wish(const struct path_wish *w)
{
	size_t i;

	must(w->stem[0] != '\0');
	look_at_name(w->stem, 250);
	/* One component with its extension; the store cuts what it adds to. */
	must(strlen(w->stem) + 1 + strlen(w->ext) <= NAME_BYTES);
	must(strlen(w->ext) <= 10);
	for (i = 0; w->ext[i] != '\0'; i++)
		must(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			    "WXYZ0123456789",
			 w->ext[i]) != NULL);
}

/* Three numbers: what is known, the date, the offset. */
static void
take_numbers(struct path_subject *s, char *line)
{
	char *word;
	int64_t flags = 0;

	if ((word = strsep(&line, " ")) != NULL)
		(void)text_int(&flags, word, 0, 15);
	if ((word = strsep(&line, " ")) != NULL)
		(void)text_int(&s->taken_ms, word, INT64_MIN, INT64_MAX);
	if (line != NULL)
		(void)text_int(&s->offset_s, line, INT64_MIN, INT64_MAX);
	s->has_taken = flags & 1;
	s->has_offset = flags & 2;
	s->is_original = flags & 4;
	s->library = flags & 8 ? "Shared" : "Personal";
}

/* Five lines: numbers, layout, record name, type, file name. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_begin(data, n);
	char *numbers = fuzz_line(&in), *layout = fuzz_line(&in);
	char *record = fuzz_line(&in), *uti = fuzz_line(&in);
	char *filename = fuzz_text(in);
	struct path_subject s = {.record = record};
	struct path_wish wish, again;
	struct err e = ERR_INIT;
	bool checked;
	int month;

	take_numbers(&s, numbers);
	s.filename = in.p != in.end ? filename : NULL;
	s.uti = *uti != '\0' ? uti : NULL;
	checked = path_check_layout(layout, &e) == 0;
	must(checked == (e.code == ERR_NONE));
	must(checked || (e.code == ERR_USAGE && e.next[0] != '\0'));
	look_at_safe(filename);
	month = path_month(s.has_taken, s.taken_ms, s.offset_s);
	must(month == 0 || (month >= 180001 && month <= 220012));

	memset(&wish, 0x55, sizeof(wish));
	path_wish(&wish, layout, &s);
	look_at_wish(&wish);
	look_at_folder(wish.folder, checked);
	if (!s.has_taken)
		must(strcmp(wish.folder, "undated") == 0);
	path_wish(&again, layout, &s);
	must(memcmp(&wish, &again, sizeof(wish)) == 0);
	free(numbers);
	free(layout);
	free(record);
	free(uti);
	free(filename);
	return 0;
}
