#include "fetch_p.h"

#include <assert.h>
#include <string.h>

#include "asset.h"
#include "buf.h"
#include "civil.h"
#include "cloud.h"
#include "compat.h"
#include "http.h"
#include "link.h"
#include "log.h"
#include "proof.h"
#include "retry.h"
#include "text.h"

/* A try that brought this much was no failure. */
#define PROGRESS_BYTES ((int64_t)1 << 20)

/* What an item still owes the volume is booked while it runs. */
void
item_enter_running(struct item *it)
{
	it->run->running++;
	it->owed_bytes = item_owed(it);
	it->run->owed_bytes += it->owed_bytes;
}

static void
leave_running(struct item *it)
{
	it->run->running--;
	it->run->owed_bytes -= it->owed_bytes;
}

static void
enter_wire(struct item *it)
{
	for (int i = 0; i < WIRE_MAX; i++)
		if (it->run->wire[i] == NULL) {
			it->run->wire[i] = it;
			return;
		}
	assert(!"more transfers than --jobs allows");
}

static void
leave_wire(struct item *it)
{
	for (int i = 0; i < WIRE_MAX; i++)
		if (it->run->wire[i] == it)
			it->run->wire[i] = NULL;
}

static void
accept(struct item *it)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;

	r->files_done++;
	log_debug("Fetched %s.", it->path);
	if (store_put_accept(
		it->put, it->want.has_taken, it->want.taken_ms, &e) == -1)
		fetching_stop(r, &e);
	it->put = NULL;
	item_end(it);
}

/* Of bytes that were not proven: are the next ones the same? */
static void
remember_sum(struct item *it, const struct digest_sum *sum)
{
	memcpy(it->sha256, sum->sha256, sizeof(it->sha256));
	it->seen = true;
}

/* Throw its bytes away; false: it came to its end over that. */
static bool
begin_anew(struct item *it)
{
	struct err e = ERR_INIT;

	if (store_put_restart(it->put, &e) == 0)
		return true;
	fetching_stop(it->run, &e);
	item_end(it);
	return false;
}

/* From the start, by another link. */
static void
fetch_again(struct item *it)
{
	it->tries++;
	it->wrong++;
	if (begin_anew(it))
		item_want_link(it);
}

static void
retry(struct item *it, enum err_code code, int status, int64_t stated_ms);

static void
facts_of(struct proof_case *out, const struct item *it, enum store_proof proof,
    const struct digest_sum *sum)
{
	*out = (struct proof_case){
	    .proof = proof,
	    .strict = it->rule.strict,
	    .size_right = sum->size_bytes == it->want.size_bytes,
	    .whole = it->from_bytes == 0,
	    .progress = sum->size_bytes > it->from_bytes,
	    .seen = it->seen,
	    .same = it->seen &&
		memcmp(it->sha256, sum->sha256, sizeof(it->sha256)) == 0,
	    .may_try = it->tries < retry_default.max_tries &&
		it->wrong < retry_default.max_tries,
	};
}

/* Into unproven/, and never lost. */
static void
set_aside(struct item *it)
{
	struct err e = ERR_INIT;

	if (store_put_set_aside(it->put, &e) == -1)
		fetching_stop(it->run, &e);
	it->put = NULL;
	item_failed(it, STORE_UNPROVEN,
	    "Apple sends the same bytes twice, but its checksum contradicts "
	    "them. They lie in .icloud-pull/unproven.");
}

/* All bytes are there, as far as the sender is concerned. */
static void
conclude(struct item *it)
{
	struct digest_sum sum;
	struct proof_case facts;
	enum store_proof proof;
	struct err e = ERR_INIT;

	if (store_put_prove(&proof, &sum, it->put, &e) == -1) {
		fetching_stop(it->run, &e);
		item_end(it);
		return;
	}
	facts_of(&facts, it, proof, &sum);
	switch (proof_judge(&facts)) {
	case PROOF_ACCEPT:
	case PROOF_ACCEPT_BY_SIZE:
		accept(it);
		break;
	case PROOF_GO_ON:
		if (facts.whole)
			remember_sum(it, &sum);
		/* What is there is hashed anew and gone on with. */
		store_put_close(it->put);
		it->put = NULL;
		retry(it, ERR_NETWORK, 0, -1);
		break;
	case PROOF_AGAIN:
		if (proof != STORE_SHORT)
			remember_sum(it, &sum);
		fetch_again(it);
		break;
	case PROOF_SET_ASIDE:
		set_aside(it);
		break;
	case PROOF_NOT_VERIFIABLE:
		item_failed(it, STORE_UNKNOWN_KIND,
		    "Its checksum is of an unknown kind, and no two fetches "
		    "are alike.");
		break;
	case PROOF_GIVE_UP:
		item_failed(it, STORE_FAILED,
		    proof == STORE_SHORT
			? "It ends too early each time."
			: "What arrives differs from Apple's checksum each "
			  "time.");
		break;
	}
}

static void
retry(struct item *it, enum err_code code, int status, int64_t stated_ms)
{
	struct retry_case c = {.code = code,
	    .status = status,
	    .stated_ms = stated_ms,
	    .waited_ms = it->waited_ms};
	uint32_t jitter;
	int64_t wait;

	if (it->run->stopping) {
		item_end(it);
		return;
	}
	c.tries = ++it->tries;
	compat_random(&jitter, sizeof(jitter));
	wait = retry_wait(&retry_default, &c, jitter);
	if (wait == -1) {
		item_failed(it, STORE_FAILED,
		    code != ERR_NONE ? "The connection broke each time."
				     : "Apple's file server refused it.");
	} else {
		it->waited_ms += wait;
		it->due_ms = clock_mono_ms() + wait;
		queue_put(&it->run->waiting, it);
	}
}

static int
on_bytes(void *arg, const struct http_response *head, const uint8_t *data,
    size_t len, struct err *e)
{
	struct item *it = arg;

	if (!it->head_seen) {
		it->head_seen = true;
		/* 200 in answer to a range is the file from its start; a range
		 * that starts elsewhere is of no use [content-range]. */
		if (head->status == 200 && store_put_size(it->put) > 0) {
			if (store_put_restart(it->put, e) == -1)
				return -1;
			it->from_bytes = 0;
		}
		if (head->status == 206 &&
		    head->range_start != store_put_size(it->put))
			return err_set(e, ERR_EXPIRED, NULL,
			    "The file server sent another part than asked.");
	}
	it->run->bytes_done += (int64_t)len;
	return store_put_write(it->put, data, len, e);
}

/* The volume takes no file of this size; what it took is given back. */
static void
too_large(struct item *it)
{
	struct err e = ERR_INIT;

	if (store_put_restart(it->put, &e) == -1)
		log_warn("%s", e.what);
	item_failed(
	    it, STORE_TOO_LARGE, "The volume takes no file as large as this.");
}

static void
transfer_broke(struct item *it, const struct err *e)
{
	struct fetching *r = it->run;

	switch (e->code) {
	case ERR_INTERRUPTED:
		item_end(it);
		break;
	case ERR_TOO_LARGE:
		too_large(it);
		break;
	case ERR_DISK_FULL:
	case ERR_DISK:
	case ERR_NOT_MOUNTED:
	case ERR_BAD_STATE:
		fetching_stop(r, e);
		item_end(it);
		break;
	case ERR_UNAVAILABLE:
		fetching_stop_for(r, e);
		item_end(it);
		break;
	case ERR_EXPIRED:
		if (begin_anew(it))
			retry(it, ERR_NETWORK, 0, -1);
		break;
	case ERR_NETWORK:
		retry(it, ERR_NETWORK, 0, -1);
		break;
	default: /* not understood: a certificate, a head without an end */
		err_keep_worse(&r->out->trouble, e);
		item_failed_by(it, e);
		break;
	}
}

/* Waits that a run can sit out are kept; a longer one is the next run's. */
static void
throttled(struct item *it, int64_t stated_ms)
{
	struct fetching *r = it->run;
	struct err e = ERR_INIT;

	if (stated_ms > retry_default.max_waited_ms) {
		err_set(&e, ERR_THROTTLED, "Try again later.",
		    "Apple asks to wait before fetching more.");
		e.wait_ms = stated_ms;
		fetching_stop_for(r, &e);
		item_end(it);
		return;
	}
	pace_throttled(
	    &r->pace, stated_ms >= 0 ? stated_ms : 1000, clock_mono_ms());
	retry(it, ERR_NONE, 503, stated_ms);
}

static void
transfer_answered(struct item *it, const struct http_response *resp)
{
	int64_t size = store_put_size(it->put);

	switch (resp->status) {
	case 200:
	case 206:
		it->run->refused = 0;
		if (it->head_seen || resp->length == 0)
			conclude(it);
		else /* a page where the file should be */
			retry(it, ERR_NONE, 503, -1);
		return;
	case 416:
		/* There is no more: all of it, if the size is not known. */
		if (size > 0 &&
		    (it->want.size_bytes < 0 || size == it->want.size_bytes)) {
			conclude(it);
		} else if (begin_anew(it)) {
			retry(it, ERR_NETWORK, 0, -1);
		}
		return;
	case 401:
	case 403:
	case 404:
		item_relink(it);
		return;
	case 410: /* [download-link] */
		item_expired(it);
		return;
	case 421:
		it->fresh = true;
		retry(it, ERR_NETWORK, 0, -1);
		return;
	case 429:
	case 450:
	case 503:
		throttled(it, resp->retry_after_ms);
		return;
	default:
		retry(it, ERR_NONE, resp->status, resp->retry_after_ms);
		return;
	}
}

static void
on_transfer_done(void *arg, struct http_response *resp, const struct err *e)
{
	struct item *it = arg;
	int64_t got;

	it->call = NULL;
	leave_wire(it);
	leave_running(it);
	got = it->owed_bytes - item_owed(it);
	if (got >= PROGRESS_BYTES) { /* a long file over a bad line */
		it->tries = it->relinks = 0;
		it->waited_ms = 0;
	}
	if (e->code != ERR_NONE)
		transfer_broke(it, e);
	else
		transfer_answered(it, resp);
}

static void
begin_transfer(struct item *it)
{
	struct fetching *r = it->run;
	struct buf url;
	struct http_request req = {
	    .kind = HTTP_CONTENT,
	    .method = "GET",
	    .resume_from = store_put_size(it->put),
	    .fresh = it->fresh,
	    .sink = on_bytes,
	    .done = on_transfer_done,
	    .arg = it,
	};

	buf_init_secret(&url, 16384);
	if (link_request(&url, it->url) == -1) {
		leave_running(it);
		item_failed(it, STORE_FAILED,
		    "Apple's link leads to an unknown place.");
		buf_clear(&url);
		return;
	}
	req.url = buf_text(&url);
	it->head_seen = false;
	it->from_bytes = req.resume_from;
	enter_wire(it);
	it->call = http_start(r->cloud->http, &req);
	buf_clear(&url);
}

/* The part file is open and hashed. */
void
item_opened(void *arg, const struct err *e)
{
	struct item *it = arg;
	int64_t size = store_put_size(it->put);

	if (e->code != ERR_NONE) {
		leave_running(it);
		fetching_stop(it->run, e);
		item_end(it);
	} else if (it->run->stopping) {
		leave_running(it);
		item_end(it);
	} else if (it->url == NULL ||
	    (size > 0 && size == it->want.size_bytes)) {
		leave_running(it);
		it->from_bytes = size;
		conclude(it);
	} else {
		begin_transfer(it);
	}
}
