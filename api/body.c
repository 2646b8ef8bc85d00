#include "body_p.h"

#include <stdlib.h>

static void *
have(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

cJSON *
body_object(void)
{
	return have(cJSON_CreateObject());
}

cJSON *
body_array(void)
{
	return have(cJSON_CreateArray());
}

cJSON *
body_add(cJSON *object, const char *name, cJSON *item)
{
	if (!cJSON_AddItemToObject(object, name, have(item)))
		abort();
	return item;
}

cJSON *
body_append(cJSON *array, cJSON *item)
{
	if (!cJSON_AddItemToArray(array, have(item)))
		abort();
	return item;
}

void
body_text(cJSON *object, const char *name, const char *text)
{
	body_add(object, name, cJSON_CreateString(text));
}

void
body_int(cJSON *object, const char *name, int64_t n)
{
	body_add(object, name, cJSON_CreateNumber((double)n));
}

void
body_true(cJSON *object, const char *name)
{
	body_add(object, name, cJSON_CreateTrue());
}

void
body_append_text(cJSON *array, const char *text)
{
	body_append(array, cJSON_CreateString(text));
}

char *
body_print(const cJSON *body)
{
	return have(cJSON_PrintUnformatted(body));
}
