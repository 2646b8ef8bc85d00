#include "secrets.h"

#include <pthread.h>
#include <stdlib.h>

#include "buf.h"
#include "sim.h"

#define KEPT 16384

static struct {
	pthread_mutex_t lock;
	char *text[KEPT];
	size_t next;
} secrets = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
sim_secret(const char *text)
{
	if (text[0] == '\0')
		return;
	pthread_mutex_lock(&secrets.lock);
	free(secrets.text[secrets.next]);
	secrets.text[secrets.next] = xstrdup(text);
	secrets.next = (secrets.next + 1) % KEPT;
	pthread_mutex_unlock(&secrets.lock);
}

void
secrets_list(struct buf *out)
{
	size_t i;

	pthread_mutex_lock(&secrets.lock);
	for (i = 0; i < KEPT; i++)
		if (secrets.text[i] != NULL) {
			buf_add_json(out, secrets.text[i]);
			buf_addc(out, '\n');
		}
	pthread_mutex_unlock(&secrets.lock);
}
