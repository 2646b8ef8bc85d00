#include "fuzz.h"

#include <dirent.h>

/*
 * Give a fuzz target called fuzz_NAME the files of tests/fuzz/corpus/NAME, or
 * those named on the command line.  What happens is told as TAP, in one test.
 */

/* Exactly its bytes, so that a sanitizer sees each step past them. */
static void
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	long size;
	size_t n;

	/* Said before: of a target that dies nothing comes afterwards. */
	printf("# %s\n", path);
	fflush(stdout);
	must(f != NULL && fseek(f, 0, SEEK_END) == 0);
	size = ftell(f);
	must(size >= 0 && fseek(f, 0, SEEK_SET) == 0);
	n = (size_t)size;
	bytes = malloc(n > 0 ? n : 1);
	must(bytes != NULL && fread(bytes, 1, n, f) == n);
	fclose(f);
	LLVMFuzzerTestOneInput(bytes, n);
	free(bytes);
}

static unsigned
replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[1024];
	unsigned n = 0;

	must(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		replay(path);
		n++;
	}
	closedir(dir);
	return n;
}

int
main(int argc, char *argv[])
{
	const char *name = strrchr(argv[0], '/');
	char folder[512];
	unsigned n = 0;
	int i;

	name = name != NULL ? name + 1 : argv[0];
	must(strncmp(name, "fuzz_", 5) == 0);
	name += 5;
	/* Nothing at all is an input as well. */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (i = 1; i < argc; i++, n++)
		replay(argv[i]);
	if (argc == 1) {
		snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
		n = replay_folder(folder);
	}
	must(n > 0);
	printf("ok 1 - %s holds for %u inputs\n1..1\n", name, n);
	return 0;
}
