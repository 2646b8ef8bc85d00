/*
 * What verify is measured against: OpenSSL's SHA-1 and SHA-256 over files, in
 * so many threads, and nothing else.
 *	hash THREADS <LIST	a path a line; prints files, bytes, seconds
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#define BLOCK ((size_t)64 << 10)

static char **paths;
static size_t n;
static atomic_size_t next;
static atomic_llong bytes;

static void
must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void
hash_file(const char *path, unsigned char *block)
{
	EVP_MD_CTX *sha1 = EVP_MD_CTX_new(), *sha256 = EVP_MD_CTX_new();
	unsigned char out[EVP_MAX_MD_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	must(fd != -1, path);
	EVP_DigestInit_ex(sha1, EVP_sha1(), NULL);
	EVP_DigestInit_ex(sha256, EVP_sha256(), NULL);
	while ((got = read(fd, block, BLOCK)) > 0) {
		EVP_DigestUpdate(sha1, block, (size_t)got);
		EVP_DigestUpdate(sha256, block, (size_t)got);
		atomic_fetch_add(&bytes, got);
	}
	must(got == 0, path);
	EVP_DigestFinal_ex(sha1, out, NULL);
	EVP_DigestFinal_ex(sha256, out, NULL);
	EVP_MD_CTX_free(sha1);
	EVP_MD_CTX_free(sha256);
	close(fd);
}

static void *
work(void *arg)
{
	unsigned char *block = malloc(BLOCK);
	size_t i;

	(void)arg;
	must(block != NULL, "memory");
	while ((i = atomic_fetch_add(&next, 1)) < n)
		hash_file(paths[i], block);
	free(block);
	return NULL;
}

static void
read_list(void)
{
	char *line = NULL;
	size_t cap = 0, room = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (n == room) {
			room = room == 0 ? 1024 : 2 * room;
			paths = realloc(paths, room * sizeof(*paths));
			must(paths != NULL, "memory");
		}
		paths[n] = strdup(line);
		must(paths[n++] != NULL, "memory");
	}
	free(line);
}

int
main(int argc, char *argv[])
{
	long threads = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct timespec from, to;
	pthread_t *t;
	size_t i;
	long k;

	if (threads < 1 || threads > 4096) {
		fprintf(stderr, "usage: hash THREADS <LIST\n");
		return 2;
	}
	read_list();
	t = calloc((size_t)threads, sizeof(*t));
	must(t != NULL, "memory");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (k = 0; k < threads; k++)
		must(pthread_create(&t[k], NULL, work, NULL) == 0, "thread");
	for (k = 0; k < threads; k++)
		pthread_join(t[k], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%zu %lld %.4f\n", n, atomic_load(&bytes),
	    (double)(to.tv_sec - from.tv_sec) +
		(double)(to.tv_nsec - from.tv_nsec) / 1e9);
	for (i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	free(t);
	return 0;
}
