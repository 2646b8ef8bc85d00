#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdint.h>

#include "report.h"

struct buf;
struct store_gap;
struct store_placed;
struct store_totals;
struct verdict;
struct verdict_facts;

/* The words and members that several commands say in the same way. */

const char *summary_role(int role); /* "original", ...; "other" */
const char *summary_state(int state); /* of enum store_state: "proven", ... */
const char *summary_stated(int what); /* of enum store_stated: "Hidden", ... */
void summary_totals(struct report *, const struct store_totals *);
/* A file that lies under its final name now: "file", or "repaired". */
void summary_placed(struct report *, const struct store_placed *);
/* Of what the server wants waited for: "wait_ms", and "not_before" as a time;
 * nothing if it stated no wait (-1).  Inside an open object. */
void summary_wait(struct report *, int64_t wait_ms, int64_t now_ms);
void summary_gap(struct report *, enum report_weight, const struct store_gap *);
void summary_verdict(struct report *, const struct verdict *,
    const struct verdict_facts *, int64_t run);
/* What is kept of a run in the catalogue. */
void summary_json(
    struct buf *out, const struct verdict *, const struct verdict_facts *);

#endif
