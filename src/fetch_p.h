#ifndef FETCH_P_H
#define FETCH_P_H

#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "err.h"
#include "fetch.h"
#include "pace.h"
#include "photos.h"
#include "store.h"
#include "zone.h"

/*
 * Inside of a fetch: fetch.c has the loop and what is begun, fetch_links.c asks
 * for links, fetch_transfer.c gets bytes and makes files of them, fetch_item.c
 * has what all of them need.
 */

/* Links are asked for just before use: at most two batches ahead. */
#define BATCH	  PHOTOS_LOOKUP_MAX
#define AHEAD_MAX (2 * BATCH)
/* --jobs is no larger. */
#define WIRE_MAX 32

/* One content on its way. */
struct item {
	struct fetching *run;
	struct store_want want;
	struct digest_rule rule;
	struct store_put *put;
	struct http_call *call;
	char *path;                 /* reserved */
	char *url;                  /* secret */
	int64_t date_ms, linked_ms; /* of the link */
	int64_t owed_bytes;         /* still to write when this try began */
	int64_t from_bytes;         /* where this try began to fetch */
	int64_t due_ms;             /* monotonic; of the next try */
	unsigned tries, relinks;
	unsigned wrong; /* times that what came was not it */
	int64_t waited_ms;
	bool head_seen, fresh;
	bool seen; /* sha256 of a fetch that was not proven */
	uint8_t sha256[DIGEST_SHA256];
	struct item *next;
};

/* First in, first out. */
struct queue {
	struct item *head, **tail;
	int n;
};

struct fetching {
	struct fetch *out;
	struct cloud *cloud;
	struct store *store;
	struct work *work;
	struct report *report;
	struct fetch_options o;
	struct pace pace;
	int64_t months_ms;     /* when manifest and records are written next */
	struct queue unlinked; /* want a link */
	struct queue ready;    /* have one */
	int alive;             /* items, wherever they are */
	struct queue waiting;  /* for the time of their next try */
	int running;           /* of them hashing or on the wire */
	struct item *wire[WIRE_MAX]; /* on the wire; NULL: a free place */
	int lookups;
	int refused;      /* items in a row whose links were all refused */
	bool dry;         /* the catalogue has no more wants */
	bool beside;      /* a listing goes on, which may bring more */
	int64_t asked_ms; /* monotonic; when it was asked for wants */
	bool session_lost;
	unsigned generation; /* of the session that was lost */
	bool stopping;
	int64_t owed_bytes; /* that running items will still write */
	int64_t files_done, bytes_done;
	struct err fatal;
};

/* ---- fetch_item.c ---- */

void queue_init(struct queue *);
void queue_put(struct queue *, struct item *);
struct item *queue_take(struct queue *); /* NULL: it is empty */

/* The item is at its end, well or not. */
void item_end(struct item *);
/* Not this time: keep why, and end. */
void item_failed(struct item *, enum store_failure, const char *detail);
void item_failed_by(struct item *, const struct err *);
/* Its record is not what was listed, or not there; end. */
void item_vanished(struct item *, bool changed);
/* Bytes that it will still write. */
int64_t item_owed(const struct item *);

/* The whole ends, for a failure of this machine or for another reason. */
void fetching_stop(struct fetching *, const struct err *);
void fetching_stop_for(struct fetching *, const struct err *);

/* ---- fetch_links.c ---- */

/* It has none, or that is too old; or it was refused; or its time was over. */
void item_want_link(struct item *);
void item_relink(struct item *);
void item_expired(struct item *);
/* One look-up for items without a link, of one zone and in their order. */
void fetching_look_up(struct fetching *);
/* A zone by its number; its name is NULL if there is none. */
int fetching_zone(struct zone_id *out, struct fetching *, int64_t zone);

/* ---- fetch_transfer.c ---- */

/* What it still owes the volume is booked while it runs. */
void item_enter_running(struct item *);
/* The part file of the item arg is open, and what is in it is hashed: go on from
 * there. */
void item_opened(void *arg, const struct err *);

#endif
