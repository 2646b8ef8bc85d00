#ifndef PHOTOS_P_H
#define PHOTOS_P_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "json.h"

struct err;
struct record;
struct zone_id;

/* An index or feed page that gives no progress is believed so often. */
#define PHOTOS_SAME_MAX 3

/* Add desiredKeys: all that listings ask for. */
void photos_keys_add(cJSON *body);
void photos_zone_add(cJSON *body, const struct zone_id *);

/* The text of a string span, which the caller frees; NULL if it is none, is
 * empty, or is longer than any token may be. */
char *photos_span_text(struct json_span);

/* Records of the array that have neither a name nor an excuse. */
size_t photos_nameless(struct json_span records);
/* Read each record of the array and hand it on; what cannot be read comes as
 * RECORD_ERROR without a name. */
void photos_each(struct json_span records,
    void (*record)(void *arg, const struct record *), void *arg);

#endif
