#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The arithmetic and the words of the progress line; pure.  Rate is smoothed
 * over about ten seconds, so that the time left does not jump.
 */
struct progress {
	int64_t files, bytes; /* in all; files -1: not known yet */
	int64_t listed;	      /* then: records so far */
	int64_t files_done, bytes_done;
	int64_t began_ms, last_ms; /* monotonic */
	int64_t last_bytes;
	double rate; /* bytes a second; 0 unknown */
};

void progress_start(
    struct progress *, int64_t files, int64_t bytes, int64_t mono_ms);
void progress_update(
    struct progress *, int64_t files, int64_t bytes, int64_t mono_ms);
/* Once it is known. */
void progress_totals(struct progress *, int64_t files, int64_t bytes);
/* "1,204 of 412,330 files, 12 GB of 1.9 TB, 41 MB/s, 12 h 43 min left", with
 * less of it in a narrow window, down to "0%", and nothing where that is too
 * wide: at most columns characters (ASCII only; 0: no limit), no number cut.
 * As long as a listing goes on: "120,000 records listed, 1,204 files, 12 GB ...". */
void
progress_line(char *out, size_t size, const struct progress *, int columns);
/* Milliseconds left; -1 unknown. */
int64_t progress_left_ms(const struct progress *);

#endif
