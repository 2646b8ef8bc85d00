#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "file.h"

struct buf;
struct cJSON;
struct err;
struct work;

/*
 * The catalogue and the files of one copy.  Knows nothing of HTTP or of
 * Apple's JSON: records are bytes, a resource's role is a small number of the
 * caller's, a checksum is bytes whose rule the caller gives.
 *
 * All on the main thread, except store_hash_at().  Texts in structs that a
 * function fills are borrowed until the next call on the store, unless said
 * otherwise.  Times are ms since 1970 UTC.
 */
struct store;

enum store_mode {
	STORE_READ,  /* the catalogue read only, no lock (status, list) */
	STORE_CHECK, /* the lock; the catalogue is written, ROOT never (verify) */
	STORE_MEND,  /* as STORE_WRITE, but of a copy that is there (verify
			--repair) */
	STORE_WRITE, /* the lock; may make a new copy (sync) */
};

enum store_state { STORE_STATE_PROVEN = 1, STORE_STATE_SIZE_VERIFIED = 2 };

/* A file that lies under its final name now, and its row is committed. */
struct store_placed {
	int64_t		 content, size_bytes;
	const char	*path;	/* from ROOT; borrowed */
	enum store_state state;
	bool		 mended; /* in place of a damaged or missing one */
};

struct store_options {
	const char	*root;	    /* as the person gave it */
	const char	*state_dir; /* STATE */
	const char	*account;   /* account name; for the marker of a new copy */
	const char	*layout;    /* for a new copy; NULL: "%Y/%m" */
	enum store_mode	 mode;
	unsigned	 file_mode; /* before umask; 0: 0444 */
	bool		 lock_files; /* make placed files immutable, if possible */
	struct work	*work;	    /* for finishing files; NULL in READ, CHECK */
	/* The mark of a file under its final name: called by store_flush() and
	 * by work_collect(), after the transaction that records it. */
	void		(*placed)(void *arg, const struct store_placed *);
	/* A finished file that could not be placed after all. */
	void		(*unplaced)(void *arg, int64_t content,
			    const struct err *);
	void		*arg;
};

/*
 * Mount guard, marker, lock, catalogue with migrations (docs/design.md, "On
 * disk").  ERR_NOT_MOUNTED, ERR_BUSY, ERR_BAD_STATE (damaged, newer), ERR_DISK.
 * A ROOT that is no copy yet is ERR_USAGE ("no copy there yet") unless
 * STORE_WRITE.
 * A new copy is known in STATE before its marker is written.
 */
int	store_open(struct store **out, const struct store_options *,
	    struct err *);
/* Without store_flush(), what is not recorded yet is left to the next run. */
void	store_close(struct store *);

const char *store_root(const struct store *); /* canonical path */
int	store_root_fd(const struct store *);
const char *store_layout(const struct store *);
const char *store_copy_account(const struct store *);
/* Bytes that may be written on ROOT's volume, and its size. */
int	store_space(int64_t *free_bytes, int64_t *total_bytes,
	    const struct store *, struct err *);

/* ---- runs ---- */

/*
 * Begin run number *run.  If the last one did not end, what it left is put in
 * order first: a half line of SHA256SUMS cut off, files under reserved names
 * hashed and adopted (rule gives the proof for a checksum), lines without rows
 * and rows without lines mended.  ERR_INTERRUPTED if the program is to stop
 * before that is done (stop.h): no run has begun then.
 * In STORE_CHECK nothing of it is done, and the next run that may write does it.
 */
typedef void store_rule(struct digest_rule *out, const uint8_t *checksum,
	    size_t len);
int	store_run_begin(int64_t *run, struct store *, const char *command,
	    int64_t now_ms, store_rule *, struct err *);
/* summary: JSON text, kept as it is. */
int	store_run_end(struct store *, int exit_status, const char *summary,
	    int64_t now_ms, struct err *);

struct store_run {
	int64_t	run, began_ms, ended_ms; /* ended 0: did not end */
	const char *command, *summary;	 /* summary "" if none */
	int	exit_status;		 /* -1 if it did not end */
};
/* The newest first, at most n. */
int	store_runs(struct store *, size_t n,
	    void (*each)(void *, const struct store_run *), void *arg,
	    struct err *);

/* What the runs of one command were, before number before (INT64_MAX: all). */
struct store_history {
	int64_t	first_ms;	/* when the first began; 0: there is none */
	int64_t	success_ms;	/* when the newest with status 0 began; 0 */
	int64_t	success_end_ms;	/* and when that ended */
	int	status;		/* of the newest that ended; -1: none did */
};
int	store_history(struct store_history *out, struct store *,
	    const char *command, int64_t before, struct err *);

/* ---- looking whether a run could work, from any mode ---- */

/* ERR_BAD_STATE: another machine writes this copy. */
int	store_check_machine(const struct store *, struct err *);
/* ERR_BUSY: a run holds the lock; the text says which. */
int	store_check_lock(const struct store *, struct err *);
/* What the volume can do; tried in a folder that is made and removed again. */
int	store_check_volume(struct file_volume *out, const struct store *,
	    struct err *);
/* Files of transfers that have begun, and their bytes so far. */
int	store_check_parts(int64_t *files, int64_t *bytes, const struct store *,
	    struct err *);
/* Read the whole catalogue for damage (ERR_BAD_STATE).  *whole is false if it
 * was too much for most_ms; what was read until then is sound. */
int	store_check_catalogue(bool *whole, struct store *, int64_t most_ms,
	    struct err *);

/* ---- listing: one transaction a page ---- */

int	store_begin(struct store *, struct err *);
int	store_commit(struct store *, struct err *);
void	store_rollback(struct store *); /* harmless outside a transaction */

struct store_zone {
	int64_t	 zone;	    /* small integer; 0 when asking for a new one */
	int	 database;  /* 0 private, 1 shared */
	const char *name, *owner, *type; /* owner and type may be NULL */
	int	 kind;	    /* the caller's number */
	const char *token;  /* where the feed goes on; NULL: from the start */
	bool	 walked;    /* reached the end of the feed at least once */
	int	 keys;	    /* number of the key list of its records */
	bool	 gone;	    /* left the cloud, or access was lost */
	int64_t	 walked_ms; /* when the end was last reached; 0 never */
};
/* Find or add by (database, owner, name); fills zone and all that is kept of
 * it from before. */
int	store_zone_put(struct store *, struct store_zone *, struct err *);
int	store_zones(struct store *, void (*each)(void *,
	    const struct store_zone *), void *arg, struct err *);
/* The token that follows the records of this transaction; NULL drops it and
 * makes the zone unwalked (all rows stay).  end: the feed's end was reached
 * with key list number keys. */
int	store_zone_token(struct store *, int64_t zone, const char *token,
	    bool end, int keys, int64_t now_ms, struct err *);
int	store_zone_gone(struct store *, int64_t zone, bool gone, struct err *);
/* Database tokens; *out is the caller's to free, NULL if none. */
int	store_database_token(char **out, struct store *, int database,
	    struct err *);
int	store_database_token_put(struct store *, int database,
	    const char *token, struct err *);

enum store_type { STORE_UNKNOWN = 0, STORE_MASTER, STORE_ASSET, STORE_ALBUM,
	STORE_RELATION, STORE_LIBRARY_INFO };

enum store_change { STORE_SAME, STORE_NEW, STORE_CHANGED };

struct store_record {
	int64_t		 zone;
	const char	*name;
	enum store_type	 type;
	const char	*tag;	/* change tag */
	const void	*bytes;	/* as received, links blanked; kept deflated */
	size_t		 len;
};
/*
 * Keep a record.  The same tag as before (and not anew) writes nothing:
 * STORE_SAME, and the typed put below is not needed.  *rec: its number.
 * anew: the key list grew, take the bytes although the tag is the same.
 */
int	store_record_put(enum store_change *out, int64_t *rec, struct store *,
	    const struct store_record *, bool anew, struct err *);
/* A tombstone: the row is marked with this run.  Unknown names are nothing. */
int	store_record_gone(struct store *, int64_t zone, const char *name,
	    struct err *);
/* Records that are of no type above, counted by name of type. */
int	store_count_other(struct store *, int64_t zone, const char *type_name,
	    struct err *);
/* The kept bytes, inflated, appended to out; 1 if there is no such record. */
int	store_record_bytes(struct buf *out, struct store *, int64_t zone,
	    const char *name, struct err *);
/* The same of the zone's library info. */
int	store_info_bytes(struct buf *out, struct store *, int64_t zone,
	    struct err *);

struct store_resource {
	int		 role;	/* the caller's number, 0..15; 0: original */
	const uint8_t	*checksum; /* NULL: mentioned, but without a checksum */
	size_t		 checksum_len;
	int64_t		 size_bytes; /* -1 if not stated */
	const char	*uti;	/* NULL if absent */
	bool		 sure;	/* a match of the checksum alone is proof: two
				   sizes stated for it are one content */
};
struct store_master {
	int64_t		 rec;
	const char	*filename; /* true name, UTF-8; NULL */
	bool		 has_created;
	int64_t		 created_ms;
	const struct store_resource *res;
	size_t		 nres;
};
/* Where a capture date is from: of these the first that there is. */
enum store_date {
	STORE_DATE_ASSET = 0,
	STORE_DATE_MASTER = 1, /* what store_master calls created */
	STORE_DATE_ADDED = 2,
	STORE_DATE_RECORD = 3, /* the asset's record was made then */
	STORE_DATE_NONE = 4,
};
struct store_asset {
	int64_t		 rec, zone;
	const char	*master; /* record name; NULL if the asset names none */
	/* Of taken_ms.  Unless it is the asset's own, that of the master comes
	 * before it, whenever the master comes. */
	enum store_date	 dated;
	bool		 has_taken, has_added, has_offset, has_expunged;
	int64_t		 taken_ms, added_ms, offset_s, expunged_ms;
	bool		 hidden, trashed, favourite;
	const char	*title, *burst; /* NULL if absent */
	int		 month;	 /* yyyymm of taken_ms; 0: undated */
	const struct store_resource *res;
	size_t		 nres;
};
/* What the record says now replaces what it said before; each change of
 * existence, trash, hidden, name and content becomes a row of history.  What
 * is to fetch follows at once: contents of assets in the cloud that are not
 * held.  A master may come before or after its assets. */
int	store_master_put(struct store *, const struct store_master *,
	    struct err *);
int	store_asset_put(struct store *, const struct store_asset *,
	    struct err *);
/* Names of the masters that assets in the cloud of this zone refer to and that
 * have not come.  each() must not use the store. */
int	store_masters_lacking(struct store *, int64_t zone,
	    void (*each)(void *, const char *name), void *arg, struct err *);
int	store_album_put(struct store *, int64_t rec, int64_t zone,
	    const char *title, const char *parent, int64_t type,
	    int64_t position, bool trashed, struct err *);
int	store_relation_put(struct store *, int64_t rec, int64_t zone,
	    const char *asset, const char *album, int64_t position,
	    bool trashed, struct err *);

/* ---- the witness: Apple's indexes beside its feed ---- */

/*
 * The feed is the list.  Whether it has left something out is seen by reading
 * the zone's indexes too, as a witness, and comparing both sets here
 * (docs/design.md, "The proof of completeness").  In order:
 *
 *	store_witness_begin()
 *	store_witness_record(), store_witness_name(): each page a transaction
 *	(the feed goes on to its end)
 *	store_witness_names(), store_witness_answer(): looked up by name, and
 *	what is found put as if the feed had brought it
 *	store_witness_end()
 *
 * A walk that was not ended leaves marks that the next one does not mistake
 * for its own.
 */
enum store_side {
	STORE_ONLY_INDEX = 1, /* an index lists it, the feed does not */
	STORE_ONLY_FEED,      /* in the cloud by the feed, in no index */
};
enum store_answer {
	STORE_UNANSWERED = 0, /* not asked, or an error of that record */
	STORE_FOUND,	      /* the look-up gave it: it is there */
	STORE_NOT_FOUND,
};
/* What a zone states of itself.  Assets, not files. */
enum store_stated {
	STORE_STATED_ADDED,	/* index by date added: all but the trash */
	STORE_STATED_VISIBLE,	/* index without hidden and deleted */
	STORE_STATED_HIDDEN,
	STORE_STATED_TRASHED,
	STORE_STATED_INFO,	/* library info: photos, videos and others */
	STORE_STATED_INFO_HIDDEN,
	STORE_STATED_COUNT
};

/* Is it time for one?  Of a zone of which none has been ended it is. */
int	store_witness_due(bool *due, struct store *, int64_t zone,
	    int64_t now_ms, struct err *);
int	store_witness_begin(int64_t *witness, struct store *, int64_t zone,
	    struct err *);
/*
 * A whole record out of an index.  One that is absent is added, and *out is
 * STORE_NEW: the typed put must follow.  One that is there is left as it is,
 * whatever its tag, also if a tombstone has ended it: STORE_SAME.
 */
int	store_witness_record(enum store_change *out, int64_t *rec,
	    struct store *, const struct store_record *, struct err *);
/* The name of an asset in an index, after its puts if there were any.  Marks
 * it; one that the catalogue does not have is kept as a stranger. */
int	store_witness_name(struct store *, int64_t zone, const char *name,
	    int64_t witness, struct err *);

/*
 * After the feed has reached its end again: names that this witness saw and
 * that are not in the cloud by the feed (STORE_ONLY_INDEX); or assets in the
 * cloud by the feed that it did not see.  Those that are not answered yet, by
 * name: the first n after `after` (NULL: from the first); *n becomes their
 * number, the caller frees the names.
 */
int	store_witness_names(char **names, size_t *n, struct store *,
	    int64_t zone, int64_t witness, enum store_side, const char *after,
	    struct err *);
/* What the look-up of such a name said. */
int	store_witness_answer(struct store *, int64_t zone, int64_t witness,
	    const char *name, enum store_side, enum store_answer,
	    struct err *);

/*
 * The walk is whole: compare and keep the result.  stated: -1 where nothing was
 * told.  What differs and is not explained becomes gaps with the next
 * store_gaps_refresh(): Apple states another number than it lists, a name that
 * no look-up finds, an index that is not finished.  Due again after thirty
 * days; if it is not finished, or a name has no answer, as if it had failed.
 */
struct store_witness {
	int64_t	 witness;
	const char *indexing;	/* state of the index as told last */
	bool	 finished;	/* is it whole, by that? */
	int64_t	 stated[STORE_STATED_COUNT];
};
int	store_witness_end(struct store *, int64_t zone,
	    const struct store_witness *, int64_t now_ms, struct err *);
/* It could not be ended: due again after a day, then two, four, up to thirty. */
int	store_witness_failed(struct store *, int64_t zone, int64_t now_ms,
	    struct err *);

/* What is known of one library in the cloud. */
struct store_compared {
	int64_t	 zone;
	const char *zone_name;
	int	 database;
	int64_t	 stated[STORE_STATED_COUNT]; /* by the last witness; -1 */
	int64_t	 seen[STORE_STATED_COUNT];   /* by it, of the same kind; -1 */
	int64_t	 listed;	/* assets in the cloud by the catalogue, now */
	/* Of them: all their files are here; and proven.  -1: too much is
	 * missing to count it in passing. */
	int64_t	 held, proven;
	int64_t	 only_index, only_feed; /* names that one side alone has */
	int64_t	 bursts;	/* of only_feed: an index shows key frames */
	int64_t	 ghosts;	/* of both: no look-up finds them */
	int64_t	 proof_ms;	/* when the last one ended; 0: never */
	bool	 agrees;	/* it left no difference that is not explained */
	const char *indexing;	/* NULL: never told */
};
int	store_compared(struct store *, void (*each)(void *,
	    const struct store_compared *), void *arg, struct err *);
/* Of all libraries together: when the oldest comparison ended (0: one was never
 * compared, or there is none), and whether each that was agrees. */
int	store_agreement(int64_t *compared_ms, bool *agrees, struct store *,
	    struct err *);
/* Each name that differs, explained or not, by name. */
struct store_difference {
	const char *name;
	enum store_side side;
	enum store_answer answer;
	bool	 burst;
};
int	store_differences(struct store *, int64_t zone, void (*each)(void *,
	    const struct store_difference *), void *arg, struct err *);

/* ---- what is to fetch ---- */

/* One content that an asset in the cloud has and the copy lacks. */
struct store_want {
	int64_t		 content;
	uint8_t		 checksum[64];
	size_t		 checksum_len;
	int64_t		 size_bytes; /* as stated; -1 if not */
	int64_t		 zone;	     /* where to look it up: */
	char		*record;     /* name of the record that carries it */
	int		 role;
	unsigned	 failures;   /* runs in which it could not be fetched */
	/* Of the first asset that has it, for its name: */
	int64_t		 asset;	     /* its rec */
	char		*asset_name; /* record name */
	char		*filename;   /* of its master; NULL */
	char		*uti;	     /* of the resource; NULL */
	bool		 has_taken, has_offset;
	int64_t		 taken_ms, offset_s;
	bool		 trashed, hidden;
};
void	store_want_clear(struct store_want *); /* texts are owned */

/*
 * What a filter leaves out of fetching (never of knowing).  All conditions hold
 * at once, for one asset in the cloud that has the content; a content that one
 * such asset is let have is fetched.  The arrays stay the caller's, unchanged
 * while the filter is in use.
 */
struct store_filter {
	unsigned	 skip_roles;	/* bit 1 << role */
	bool		 skip_hidden, skip_trashed;
	const int64_t	*zones;		/* only these, if there are any */
	size_t		 nzones;
	const int64_t	*albums;	/* their recs; the same */
	size_t		 nalbums;
	/* Capture date as its place's clocks had it, as ms since 1970 there;
	 * what has none, or an absurd one, is left out.  until itself is out. */
	bool		 has_since, has_until;
	int64_t		 since_ms, until_ms;
	int64_t		 recent;	/* the n added last, none in the trash; 0:
					   all.  Counted when wants begin */
	/* Is this resource left out?  By its type and the type of its asset's
	 * original (NULL: unknown); kinds is handed on.  NULL: no. */
	bool		(*skips)(unsigned kinds, int role, const char *uti,
			    const char *original_uti);
	unsigned	 kinds;
	bool		 mend;	/* only what store_mend() wants anew, which
				   none of the others leaves out */
};
struct store_forecast {
	int64_t	files, bytes;	/* to fetch now; stated sizes */
	int64_t	later;		/* put off (store_want_failed), not due yet */
	int64_t	filtered;	/* left out by the filter */
};
int	store_forecast(struct store_forecast *out, struct store *,
	    const struct store_filter *, int64_t now_ms, struct err *);

/* Of what is missing (store_totals): why a run is not to blame, or is. */
struct store_left {
	int64_t	filtered, filtered_bytes; /* left out by the filter */
	int64_t	open;	/* neither that, nor explained by an open gap */
};
int	store_left(struct store_left *out, struct store *,
	    const struct store_filter *, struct err *);

/*
 * The next wants that this run has not been given yet, in order: Recently
 * Deleted by date of expiry, then the newest added.  Fills up to max; returns
 * their number in *n.  Each is given once a run.
 */
int	store_wants(struct store_want *out, size_t max, size_t *n,
	    struct store *, const struct store_filter *, int64_t now_ms,
	    struct err *);

/* While a listing goes on, what is of an asset whose master has not come is not
 * given: its name is not known yet.  When that ends it is, too. */
void	store_wants_listing(struct store *, bool goes_on);

/*
 * After a new listing within the run: what vanished or has changed since it was
 * given (no other failure is kept for it), and is still wanted, is given once
 * more.
 */
int	store_wants_again(struct store *, struct err *);

enum store_failure {
	STORE_NOT_YET = 0, /* none: it has not been tried yet */
	STORE_FAILED = 1, /* try again in the next run: status 1 */
	STORE_NO_ORIGINAL, /* the cloud has none, or gives no link: a gap */
	STORE_UNPROVEN,	  /* same bytes twice against the checksum: a gap */
	STORE_UNKNOWN_KIND, /* checksum kind not computable and fetches differ */
	STORE_TOO_LARGE,  /* for this volume: a gap */
	STORE_VANISHED,	  /* its record is gone; the feed will tell */
	/* of a zone or a name, by the witness; never of a content: */
	STORE_GHOST,	  /* listed, and no look-up finds it: a gap */
	STORE_MISCOUNTED, /* Apple states another number than it lists: a gap */
	STORE_UNINDEXED,  /* its index is not finished: a gap */
};
/* Keep why, and when to try again (0: the next run). detail: a sentence. */
int	store_want_failed(struct store *, int64_t content, enum store_failure,
	    const char *detail, int64_t not_before_ms, struct err *);

/* ---- names ---- */

/* Another file of the same asset. */
struct store_other {
	char	ext[32];	/* as of store_name */
	bool	edited;
	struct digest_rule rule;
};
/*
 * A wish for a name, made by the caller from what is known of the asset; all
 * parts are safe for every volume already.  suffix: 32 base32 characters of
 * the version's checksum, of which 8 or more are used if the stem is taken.
 */
struct store_name {
	const char *folder;  /* "2024/07"; never "" */
	const char *stem;    /* "IMG_0123" */
	const char *suffix;  /* of the original (or first resource) */
	const char *ext;     /* "HEIC" or "" */
	bool	    edited;  /* a rendering: STEM_edited */
	const char *edit_suffix; /* of the rendering; NULL unless edited */
	/* Fills what another resource of the same asset will be called by, so
	 * that a new stem is free for all files that are known; NULL: only for
	 * this one. */
	void	    (*other)(struct store_other *out, void *arg,
			const struct store_resource *);
	void	    *arg;
};
/*
 * Reserve the path of a want: the stem of its asset's version if there is one,
 * else a new stem, in the catalogue and against the disk.  Chosen once, never
 * recomputed.  *path is borrowed until the next call.  If a file with these
 * very bytes is already there, it is adopted: *adopted, and nothing is to
 * fetch.
 */
int	store_reserve(const char **path, bool *adopted, struct store *,
	    const struct store_want *, const struct store_name *,
	    const struct digest_rule *, struct err *);

/* ---- bytes ---- */

/* One part file under way.  Its want must be reserved. */
struct store_put;

/*
 * Open the part file.  *have: bytes in it from before, which must be hashed
 * first with store_put_rehash() unless 0.
 */
int	store_put_open(struct store_put **out, int64_t *have, struct store *,
	    const struct store_want *, const struct digest_rule *,
	    struct err *);
/* Hash the bytes of before on a worker; then done(), from work_collect():
 * with ERR_INTERRUPTED soon after the program is to stop (stop.h). */
void	store_put_rehash(struct store_put *, void (*done)(void *arg,
	    const struct err *), void *arg);
/* Throw the bytes so far away. */
int	store_put_restart(struct store_put *, struct err *);
int	store_put_write(struct store_put *, const uint8_t *, size_t,
	    struct err *);
int64_t	store_put_size(const struct store_put *); /* bytes so far */
/* Leave the part file for later and forget it; NULL is fine. */
void	store_put_close(struct store_put *);

enum store_proof {
	STORE_PROVEN,	   /* checksum matches (whatever the stated size) */
	STORE_SIZE_ONLY,   /* no checksum can be computed; the size is right */
	STORE_SHORT,	   /* fewer bytes than stated, checksum not right */
	STORE_DIFFERS,	   /* the size is right or more, the checksum is not */
};
/* Look at what is there now; sum gets its hashes.  The put stays open and can
 * be accepted, set aside, restarted, closed, but not written on. */
int	store_put_prove(enum store_proof *out, struct digest_sum *sum,
	    struct store_put *, struct err *);
/*
 * Into the copy under its final name, in the next batch (docs/design.md,
 * "Durable order"); ends the put.  Only if proven, or size-verified by the
 * caller (twice alike).  taken_ms: file time; placed() or unplaced() follows.
 */
int	store_put_accept(struct store_put *, bool has_taken, int64_t taken_ms,
	    struct err *);
/* Into unproven/: kept, never under a final name; ends the put. */
int	store_put_set_aside(struct store_put *, struct err *);

/* Finish all accepted files: returns when their rows are committed. */
int	store_flush(struct store *, struct err *);
/* So many accepted files wait for the drive that no more should be opened: each
 * holds a descriptor. */
bool	store_is_behind(const struct store *);
/* Due by time or number?  Called in each turn of the loop. */
int	store_tick(struct store *, int64_t mono_ms, struct err *);

/* ---- looking ---- */

struct store_file {
	int64_t	 file, content;
	const char *path;
	uint8_t	 checksum[64];
	size_t	 checksum_len;
	int64_t	 size_bytes;
	uint8_t	 sha256[DIGEST_SHA256];
	int	 state;		/* enum store_state */
	int	 role;
	int64_t	 checked_ms;	/* when its bytes were last compared */
};
/* Every file under a final name, by path, damaged or not. */
int	store_files(struct store *, void (*each)(void *,
	    const struct store_file *), void *arg, struct err *);
/* The same, the longest unchecked first, as long as each() says true.  Those
 * of now_ms are left out: noted with it while this walk goes on. */
int	store_files_unchecked(struct store *, int64_t now_ms,
	    bool (*each)(void *, const struct store_file *), void *arg,
	    struct err *);

/*
 * Hash a file below dir.  For workers: touches no store.  0; -1 with errno
 * (ENOENT; ELOOP and EISDIR: something that is no file is in its place;
 * ECANCELED: the program is to stop).
 */
int	store_hash_at(struct digest_sum *out, int dir, const char *path,
	    const uint8_t *prefix, size_t prefix_len);
/* The same, and the time that the file bears. */
int	store_check_at(struct digest_sum *out, int64_t *mtime_ms, int dir,
	    const char *path, const uint8_t *prefix, size_t prefix_len);

/* ---- damage ---- */

/* What is wrong with a file under a final name.  The catalogue keeps it until
 * a check finds the file good, or it is mended. */
enum store_damage {
	STORE_GOOD = 0,
	STORE_MISSING,	  /* nothing is there */
	STORE_OBSTRUCTED, /* what is there, or is its folder, is no such thing */
	STORE_TRUNCATED,  /* shorter than it was */
	STORE_ALTERED,	  /* other bytes, as many */
	STORE_LONGER,	  /* other bytes, and more */
	STORE_UNREADABLE, /* the disk gives an error */
};

/* What a check found.  Many in one transaction (store_begin) is fast. */
struct store_note {
	int64_t	 file;
	enum store_damage damage;
	int64_t	 mtime_ms;	/* as read; only if has_mtime */
	bool	 has_mtime;
};
int	store_file_note(struct store *, const struct store_note *,
	    int64_t now_ms, struct err *);

/* Is ROOT still there?  Asks the disk and not what is remembered of it:
 * ERR_NOT_MOUNTED. */
int	store_check_mounted(const struct store *, struct err *);

/* A file that is known to be damaged. */
struct store_damaged {
	const char *path;
	const char *to;		/* where store_found() has it; NULL */
	const char *zone, *record; /* of the first record that has it */
	enum store_damage damage;
	int64_t	 size_bytes;	/* as it should be */
	bool	 has_changed;	/* its time is not the one it was given: */
	int64_t	 changed_ms;	/* somebody else wrote it then */
	bool	 gone;		/* has left the cloud: cannot be fetched */
	bool	 mending;	/* is wanted anew already */
};
/* By path; those that were noted at since_ms or later (0: all). */
int	store_damaged(struct store *, int64_t since_ms, void (*each)(void *,
	    const struct store_damaged *), void *arg, struct err *);

/* Something below ROOT, and no folder, that is of no row.  What systems and
 * drives put everywhere (.DS_Store, Thumbs.db, @eaDir) is left out. */
struct store_stray {
	const char *path;
	int64_t	 size_bytes;
	bool	 look;		/* as large as a damaged file: hash it, and ask
				   store_found() */
};
/* Walk ROOT for them, folder by folder.  each() may use the store. */
int	store_strays(struct store *, void (*each)(void *,
	    const struct store_stray *), void *arg, struct err *);
/*
 * Are these the bytes of a damaged file?  Then it has moved there.  If two
 * have them the first path counts.  *stray: the path that is none after all,
 * this or an earlier one; NULL; the caller frees.
 */
int	store_found(char **stray, struct store *, const char *path,
	    const struct digest_sum *, struct err *);

/* ---- mending ---- */

/* Of store_damage, as bits 1 << damage. */
#define STORE_MEND_MISSING (1U << STORE_MISSING | 1U << STORE_OBSTRUCTED)
#define STORE_MEND_DAMAGED (1U << STORE_OBSTRUCTED | 1U << STORE_TRUNCATED | \
	1U << STORE_ALTERED | 1U << STORE_LONGER | 1U << STORE_UNREADABLE)
#define STORE_MEND_ALL (1U << STORE_MISSING | STORE_MEND_DAMAGED)

/* Rows follow the files that store_found() has found, and SHA256SUMS follows
 * them.  Calls moved(from, to) of each. */
int	store_follow(struct store *, void (*moved)(void *, const char *from,
	    const char *to), void *arg, struct err *);
/*
 * Want the damaged files of these kinds (bits) anew, if the cloud has them.
 * What stands under their paths stays until the new bytes are proven and goes
 * to .icloud-pull/quarantine/RUN/PATH then; the row becomes a reserved one
 * that keeps its path.  A run that dies in between is gone on with by the next.
 * *n: how many are wanted; *kept: how many cannot be, because other files of
 * the copy lie in the folder that is in their place.
 */
int	store_mend(int64_t *n, int64_t *kept, struct store *, unsigned kinds,
	    struct err *);

/* ---- manifest and records: the disk alone is enough ---- */

/*
 * .icloud-pull/manifest/MONTH.jsonl has a line for each file of the copy,
 * .icloud-pull/records/MONTH.jsonl.gz one for each kept record
 * (docs/design.md, "On disk").  What the store cannot say itself: words for
 * its numbers, and what is only in the records.
 */
struct store_bytes {
	const void *p;	/* NULL: there is no such record */
	size_t	    len;
};
struct store_words {
	const char *(*role)(int role);
	/* Append members of an asset's object, a comma before each, of less
	 * than a megabyte in all.  The records are as received. */
	void	    (*asset)(void *arg, struct buf *out,
			const struct store_bytes *asset,
			const struct store_bytes *master);
	void	    *arg;
};
/*
 * Write the months that have changed, the newest first, whole and by rename;
 * one that would be as it is stays untouched.  About so many lines in this
 * call, 0: all of them; *more: go on with another call, which takes no month
 * twice.  A month is marked until it is durable, so that nothing stops being
 * known to be behind.  Not within a transaction.  ERR_DISK_FULL, ERR_DISK;
 * ERR_INTERRUPTED soon after the program is to stop (stop.h).
 */
int	store_months_write(bool *more, struct store *,
	    const struct store_words *, size_t lines, struct err *);

/*
 * A sidecar beside each good file of some roles, PATH.xmp.  Its bytes are the
 * caller's, made of the records of the assets that have the file; the same
 * records must give the same bytes.
 */
struct store_sidecar_asset {
	struct store_bytes asset, master; /* as received */
	enum store_date	 dated;	/* where taken_ms is from */
	bool		 has_taken, has_offset, favourite;
	int64_t		 taken_ms, offset_s;
};
enum store_sidecar_fault {
	STORE_SIDECAR_FOREIGN = 1, /* something else has its name */
	STORE_SIDECAR_CHANGED, /* somebody has changed it since: it stays */
	STORE_SIDECAR_NO_NAME, /* its name would be too long */
};
struct store_sidecar_words {
	unsigned roles;		/* a bit for each */
	/* Append the bytes, of less than 16 MB.  assets: at least one; the one
	 * that gave the file its name first. */
	void	(*write)(void *arg, struct buf *out,
		    const struct store_sidecar_asset *assets, size_t n);
	/* A sidecar that cannot be written: told once, when that is met. */
	void	(*fault)(void *arg, const char *path,
		    enum store_sidecar_fault);
	void	*arg;
};
/*
 * Write those that may not be as they should: of files that were placed or
 * moved and of assets that have changed since the last call, whoever saw it;
 * of all files in the first; and of some thousands each time if they are gone.
 * Only what would get other bytes is touched.  Interrupted or failed, the next
 * call goes on.  Not within a transaction.  ERR_DISK_FULL, ERR_DISK;
 * ERR_INTERRUPTED soon after the program is to stop (stop.h).
 */
int	store_sidecars_write(struct store *, const struct store_sidecar_words *,
	    struct err *);

/*
 * Albums on the disk: ROOT/Albums/FOLDER/ALBUM/NAME, a link to each good file of
 * each member that is in the cloud and not in the trash.
 */
enum store_link_kind {
	STORE_LINK_NONE = 0, /* the volume has none of them */
	STORE_LINK_SYMBOLIC, /* relative */
	STORE_LINK_HARD,     /* where there are none of those */
	STORE_LINK_CLONE,    /* where there are neither: files of their own
				that share the bytes on the disk */
};
#define STORE_ALBUM_NAME 200 /* bytes */
struct store_links_words {
	/* The name of an album's folder: never "", safe on every volume.
	 * title: NULL if it has none. */
	void	(*name)(void *arg, char out[STORE_ALBUM_NAME + 1],
		    const char *title, const char *record);
	/* A link that cannot be made.  in_the_way: something else has its
	 * name, or that of its folder, which is told once; else the volume
	 * refuses it. */
	void	(*fault)(void *arg, const char *path, bool in_the_way);
	void	*arg;
};
struct store_links {
	enum store_link_kind kind;
	int64_t	links;		/* that there are now */
	int64_t	in_the_way;	/* that cannot be, for what has their names */
	int64_t	made, removed;	/* by this call */
	bool	tried;		/* kind was found in this call */
};
/*
 * Make those that are missing and remove those that should not be; only what
 * is known as made here and is still that link, and folders that were made
 * for them and are empty.  If nothing has changed since the last call each
 * link is looked at, and nothing is written.  Interrupted or failed, the next
 * call goes on.  Not within a transaction.  ERR_DISK_FULL, ERR_DISK;
 * ERR_INTERRUPTED soon after the program is to stop (stop.h).
 */
int	store_links_write(struct store_links *out, struct store *,
	    const struct store_links_words *, struct err *);

enum store_month_fault {
	STORE_MONTH_MISSING = 1,
	STORE_MONTH_UNREADABLE, /* damaged: a line of it cannot be read */
	STORE_MONTH_DIFFERS,	/* says something else than the catalogue */
};
/* Compare all that is on the disk with the catalogue, but for the months that
 * are marked anyway.  mark: those with a fault too, for store_months_write().
 * Calls each(path) of a file with one. */
int	store_months_check(struct store *, const struct store_words *,
	    bool mark, void (*each)(void *, const char *path,
	    enum store_month_fault), void *arg, struct err *);

/* And back, without a catalogue: from the disk alone. */
struct store_manifest_asset {
	int		 database;
	const char	*zone, *owner, *record; /* owner NULL if it has none */
};
struct store_manifest_line {
	const char	*path, *stem;	/* from ROOT */
	const char	*role;		/* as store_words had it */
	int64_t		 size_bytes;
	int64_t		 stated_bytes;	/* by the cloud; -1: not stated */
	uint8_t		 sha256[DIGEST_SHA256];
	uint8_t		 checksum[64];
	size_t		 checksum_len;
	enum store_state state;
	struct store_manifest_asset *assets; /* owned; the stem's first */
	size_t		 nassets;
	struct cJSON	*json;		/* owned; what the texts point into */
};
struct store_record_line {
	int		 database;
	const char	*zone, *owner;	/* owner NULL if it has none */
	bool		 gone;		/* a tombstone has ended it */
	const char	*bytes;		/* the record; borrowed from the line */
	size_t		 len;
	struct cJSON	*json;		/* owned */
};
/* One line, without its end.  -1: it is none.  Members that are not known are
 * passed over. */
int	store_manifest_line_read(struct store_manifest_line *out,
	    const char *line, size_t len);
void	store_manifest_line_clear(struct store_manifest_line *);
int	store_record_line_read(struct store_record_line *out,
	    const char *line, size_t len);
void	store_record_line_clear(struct store_record_line *);
/*
 * A file of them below root, line by line, as long as each() returns 0.
 * 1: it is not there.  -1: ERR_BAD_STATE names the line that cannot be read;
 * or each() returned -1, having filled the err itself.
 */
int	store_manifest_read(int root, const char *path,
	    int (*each)(void *, const struct store_manifest_line *),
	    void *arg, struct err *);
int	store_records_read(int root, const char *path,
	    int (*each)(void *, const struct store_record_line *),
	    void *arg, struct err *);

struct store_totals {
	int64_t	assets, hidden, trashed; /* in the cloud now; assets are all */
	int64_t	resources;	/* distinct contents of those */
	int64_t	resource_bytes;
	/* resources = held + missing + damaged - damaged_gone: what is known
	 * to be damaged is neither held nor proven; what is being mended is
	 * missing. */
	int64_t	held, held_bytes; /* of those: under a final name */
	int64_t	proven, size_verified; /* held = proven + size_verified */
	int64_t	missing, missing_bytes; /* still to fetch */
	int64_t	damaged;	/* of files: not as they should be */
	int64_t	damaged_gone;	/* of damaged: not in the cloud any more */
	int64_t	mending;	/* of missing: what is there waits for its
				   replacement */
	int64_t	gap_contents;	/* of missing: explained by an open gap */
	int64_t	files, file_bytes; /* all files, also of what left the cloud */
	int64_t	gone_kept;	/* good ones whose assets have all left the cloud */
	int64_t	gone_unfetched;	/* contents that left before being fetched */
	int64_t	albums, other_records;
	int64_t	gaps, gaps_new;	/* open; of those first seen in this run */
};
int	store_totals(struct store_totals *out, struct store *, struct err *);

/*
 * What looks like a theft: assets that have gone to the trash or left the cloud
 * since store_losses_seen() was called last, and whose originals no other asset
 * outside the trash has.  Within a run.  Where it was never called, those of
 * this run count.
 */
struct store_losses {
	int64_t	lost;
	int64_t	left;	/* assets in the cloud and not in the trash, now */
	int64_t	upto;	/* how far the history was read */
};
int	store_losses(struct store_losses *out, struct store *, struct err *);
/* They have been told: what came after upto counts the next time. */
int	store_losses_seen(struct store *, int64_t upto, struct err *);

/* ---- lists ---- */

/*
 * What the catalogue knows, one by one, in any mode and beside a run that goes
 * on.  as_of: as the runs up to that number had seen it, by history; 0: as it
 * is.  What has no history is as it is now: dates, favourites, the order and
 * kind of albums, paths and states of files.
 * each() says whether to go on, and must not use the store; texts are borrowed
 * until it returns.  Memory does not grow with the list.
 */

/* The newest run that had begun before a time; 0 if none had. */
int	store_run_before(int64_t *run, int64_t *began_ms, struct store *,
	    int64_t ms, struct err *);

struct store_library {
	int64_t	 zone;
	const char *zone_name;
	int	 database;	/* 0 private, 1 shared: somebody else's */
	bool	 gone;		/* left the cloud, or access was lost */
	int64_t	 assets, hidden, trashed; /* in the cloud; assets are all */
	int64_t	 files, held, held_bytes; /* distinct contents of those */
	int64_t	 albums;	/* folders not counted */
	int64_t	 walked_ms;	/* when last listed to the end; 0: never */
};
int	store_list_libraries(struct store *, int64_t as_of, bool (*each)(void *,
	    const struct store_library *), void *arg, struct err *);

#define STORE_ALBUM_FOLDER 3 /* types, as the records have them */
#define STORE_ALBUM_SMART  6
struct store_album {
	int64_t	 album, zone;	/* album: for struct store_filter */
	const char *zone_name, *record; /* record name */
	const char *title;	/* NULL if it has none */
	const char *path;	/* titles from the top, "Trips/2024" */
	int	 depth;		/* 1 at the top, which may lie in a nameless folder
				   of depth 0 */
	int64_t	 type;
	int64_t	 assets;	/* in the cloud; of a smart album not known */
};
/* The tree: each folder before what lies in it, in its own order.  Those in
 * the trash are left out. */
int	store_list_albums(struct store *, int64_t as_of, bool (*each)(void *,
	    const struct store_album *), void *arg, struct err *);

struct store_listed_file {
	int	 role;
	const char *path;	/* from ROOT; NULL: not here */
	int64_t	 size_bytes;	/* as stated if not here; -1 if not */
	int	 state;		/* enum store_state; 0: not here, or damaged */
	bool	 damaged;
};
struct store_listed {
	const char *record, *zone_name;
	const char *master;	/* record name; NULL if it names none */
	const char *filename;	/* true name; NULL if none, or not known */
	const char *title;	/* NULL */
	enum store_date dated;	/* where taken_ms is from */
	bool	 has_taken, has_added, has_offset;
	int64_t	 taken_ms, added_ms, offset_s;
	bool	 hidden, trashed, favourite;
	bool	 gone;		/* not in the cloud any more */
	const char *const *albums; /* paths, in the order of the tree */
	size_t	 nalbums;
	const struct store_listed_file *files; /* by role */
	size_t	 nfiles;
};
/* Every asset that has ever been listed, by capture date and record name;
 * those without a date last. */
int	store_list_assets(struct store *, int64_t as_of, bool (*each)(void *,
	    const struct store_listed *), void *arg, struct err *);

struct store_kept {
	const char *path;
	int64_t	 size_bytes;
	uint8_t	 sha256[DIGEST_SHA256];
	int	 state;		/* enum store_state: what it was proven by */
	int	 role;
	bool	 damaged;	/* known to be, since the last check */
	bool	 live;		/* an asset in the cloud has it */
};
/* Every file under a final name, by path. */
int	store_list_files(struct store *, int64_t as_of, bool (*each)(void *,
	    const struct store_kept *), void *arg, struct err *);

/* Why one thing the cloud holds is not here. */
struct store_gap {
	/* record: "" of a zone as a whole; name: filename or NULL */
	const char	*zone, *record, *name;
	int		 role;		/* -1: the asset, or the zone, as a whole */
	enum store_failure why;
	const char	*detail;
	int64_t		 first_run;
	bool		 known;	/* seen in a run before this one, closable
				   only by Apple: no longer a failure */
	int		 stated; /* enum store_stated of a zone; else -1 */
};
/* Bring the gaps up to date (assets without an original, contents that
 * failed) and walk them.  Within a run; store_totals() counts them after. */
int	store_gaps_refresh(struct store *, struct err *);
int	store_gaps(struct store *, void (*each)(void *,
	    const struct store_gap *), void *arg, struct err *);
/* Walk what is still to fetch, is not left out by the filter and has not been
 * tried (STORE_NOT_YET); what is being mended is none of it. */
int	store_unfetched(struct store *, const struct store_filter *,
	    void (*each)(void *, const struct store_gap *), void *arg,
	    struct err *);

#endif
