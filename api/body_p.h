#ifndef BODY_P_H
#define BODY_P_H

#include <cjson/cJSON.h>
#include <stdint.h>

/*
 * Building the JSON of a request.  Running out of memory ends the program, so
 * that no member is ever left out: a request without its token would be
 * another request.
 */
cJSON *body_object(void);
cJSON *body_array(void);
/* Add item, which the object or array then owns; returns item. */
cJSON *body_add(cJSON *object, const char *name, cJSON *item);
cJSON *body_append(cJSON *array, cJSON *item);
void body_text(cJSON *object, const char *name, const char *);
void body_int(cJSON *object, const char *name, int64_t);
void body_true(cJSON *object, const char *name);
void body_append_text(cJSON *array, const char *);
/* The text to send, which the caller ends with cJSON_free(). */
char *body_print(const cJSON *);

#endif
