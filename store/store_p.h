#ifndef STORE_P_H
#define STORE_P_H

/* Private to store/: what its files share.  Nobody else includes this. */

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define ZLIB_CONST /* input is only read */
#include <zlib.h>

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "store.h"

#define APPLICATION_ID 0x69435075 /* "iCPu" */

/* Below ROOT. */
#define DIR_OWN	     ".icloud-pull"
#define PATH_MARKER  DIR_OWN "/copy.json"
#define PATH_SUMS    DIR_OWN "/SHA256SUMS"
#define DIR_PARTIAL  DIR_OWN "/partial.noindex"
#define DIR_UNPROVEN DIR_OWN "/unproven"

#define CHECKSUM_BYTES 64 /* the most that a checksum has */
#define ROLES	       16
#define ROLE_ORIGINAL  0

/* asset.flags */
#define ASSET_HIDDEN	1
#define ASSET_TRASHED	2
#define ASSET_FAVOURITE 4
#define ASSET_GONE	8  /* tombstone */
#define ASSET_NO_ZONE	16 /* its zone left the cloud */
#define ASSET_NOT_LIVE	(ASSET_GONE | ASSET_NO_ZONE)

/* asset.lacks */
enum lack { LACK_NOTHING = 0, LACK_MASTER, LACK_ORIGINAL };

/* content.live */
enum live {
	LIVE_NEVER = 0, /* no asset in the cloud has had it yet */
	LIVE_NOW,
	LIVE_GONE,
};

/* stem.kind */
enum stem_kind {
	STEM_VERSION = 0, /* of an asset's version */
	STEM_EDITED,
	STEM_SINGLE, /* of one file whose place in its stem was taken */
};

/* file.state beside enum store_state */
#define FILE_RESERVED 0

/* event.kind */
enum event_kind {
	EVENT_NEW = 1,
	EVENT_GONE,
	EVENT_BACK,
	EVENT_TRASHED,
	EVENT_UNTRASHED,
	EVENT_HIDDEN,
	EVENT_UNHIDDEN,
	EVENT_NAME,	/* detail: the name before */
	EVENT_CONTENT,	/* detail: "role checksum-size" before */
	EVENT_IN_ALBUM, /* detail: record name of the album */
	EVENT_OUT_OF_ALBUM,
	EVENT_ZONE_GONE, /* rec is NULL, detail: name of the zone */
	EVENT_ZONE_BACK,
	EVENT_ADOPTED, /* a file that was there was taken as it is */
	EVENT_MOVED,   /* detail: the path given up to a foreign file */
};

#define MONTH_ALBUMS  (-1) /* month.month of what belongs to no month */
#define STATEMENT_MAX 512

struct statement {
	const char	*sql;
	sqlite3_stmt	*st;
};

struct batch;

struct store {
	sqlite3		*db;
	struct statement statements[STATEMENT_MAX];
	char		*catalogue; /* path */

	char	*root, *state_dir, *id, *id_dir, *account, *layout;
	int	 root_fd, lock_fd;
	struct work *work;
	void	(*placed)(void *, const struct store_placed *);
	void	(*unplaced)(void *, int64_t, const struct err *);
	void	*arg;
	int64_t	 run; /* 0 outside a run */

	/* records */
	z_stream deflater, inflater;
	struct buf dictionary;

	/* wants: contents given in this run, and the place in their order */
	uint8_t	*given; /* a bit for each */
	size_t	 given_bytes;
	int64_t	 position_want, position_content;
	struct store_filter filter;

	/* files */
	struct batch *open, *first, *last; /* accepted; closed, in order */
	size_t	 jobs;			   /* of ours, with the workers */
	pthread_mutex_t sums_lock;	   /* one appends at a time */
	struct file_volume volume;
	struct err trouble; /* of the whole volume; said once */

	struct buf text; /* what borrowed texts point into */

	/* Tests stop a run here; NULL otherwise. */
	void	(*step)(const char *name);

	enum store_mode mode;
	mode_t	 file_mode; /* after umask */
	bool	 making;    /* a copy whose making has not ended */
	bool	 has_deflater, has_inflater;
	bool	 has_position;
	bool	 has_partial; /* the folder is known to be there */
	bool	 has_volume;
	bool	 has_trouble;
	bool	 placing;  /* a batch is with a worker */
	bool	 closing;
	bool	 sums_odd; /* lines that cannot stay, seen by sums_load() */
};

static inline void
step_reached(const struct store *s, const char *name)
{
	if (s->step != NULL)
		s->step(name);
}

/* ---- catalogue.c: SQLite in short ---- */

int	catalogue_open(struct store *, bool fresh, struct err *);
void	catalogue_close(struct store *);

/* What SQLite's last failure means for the person; always -1. */
int	sql_fail(const struct store *, struct err *);

/*
 * Statements are kept, found by the address of their text, which must be
 * static.  fmt says what is bound: i int64_t, d int, t const char * (NULL
 * possible), b const void * and size_t (NULL possible), o int (a bool) and
 * int64_t: NULL if false.
 */
int	sql_open(sqlite3_stmt **out, struct store *, struct err *,
	    const char *sql, const char *fmt, ...);
/* 1: a row; 0: the end, and the statement is free again; -1. */
int	sql_row(struct store *, sqlite3_stmt *, struct err *);
void	sql_end(sqlite3_stmt *); /* before the end; NULL is fine */
int	sql_run(struct store *, struct err *, const char *sql,
	    const char *fmt, ...);
/*
 * The first row: fmt is bindings, '>', results: i int64_t *, d int *, t char
 * ** (owned by the caller, NULL for NULL), b uint8_t[CHECKSUM_BYTES] and
 * size_t *, o bool * and int64_t *, . skips one.  NULL gives 0.  1: no row.
 */
int	sql_first(struct store *, struct err *, const char *sql,
	    const char *fmt, ...);
const char *sql_text(sqlite3_stmt *, int column); /* NULL for NULL */
/* A blob of at most max bytes, and no more of a longer one; its length. */
size_t	sql_blob(uint8_t *out, size_t max, sqlite3_stmt *, int column);
int	sql_exec(struct store *, const char *sql, struct err *);

/* A transaction, or part of the one that is open already. */
int	tx_begin(bool *own, struct store *, struct err *);
/* Commits if rc is 0, else takes back what is its own; returns rc or -1. */
int	tx_end(struct store *, bool own, int rc, struct err *);

/* ---- schema.c ---- */

#define SCHEMA_VERSION 1
int	schema_migrate(struct store *, struct err *);

/* ---- copy.c ---- */

/* Find or make the copy: fills root, root_fd, id, id_dir, account, layout,
 * lock_fd. */
int	copy_open(struct store *, const struct store_options *,
	    struct err *);
/* A new copy has its catalogue: it is made. */
int	copy_made(struct store *, struct err *);

/* ---- dictionary.c, record_row.c ---- */

void	dictionary(struct buf *out, int number);
#define DICTIONARY_NOW 1
/* Find the number of a record, or keep its place until it comes. */
int	record_place(int64_t *rec, struct store *, int64_t zone,
	    const char *name, enum store_type, struct err *);

/* ---- asset_row.c, album_row.c ---- */

int	asset_gone(struct store *, int64_t rec, struct err *);
int	relation_gone(struct store *, int64_t rec, struct err *);
/* All assets of a zone: in the cloud or not. */
int	assets_of_zone(struct store *, int64_t zone, bool gone,
	    struct err *);
/* The master of an asset; 0 if it has none. */
int	asset_master(int64_t *master, struct store *, int64_t asset,
	    struct err *);

/* ---- content_row.c ---- */

int	content_put(int64_t *content, struct store *, const uint8_t *,
	    size_t, int64_t size_bytes, struct err *);
/* Who has it has changed: live and want follow. */
int	content_refresh(struct store *, int64_t content, struct err *);
/* The same for all contents of a record. */
int	content_refresh_of(struct store *, int64_t rec, struct err *);
/* Forget why the contents of a record could not be fetched. */
int	content_reset_of(struct store *, int64_t rec, struct err *);
void	wants_begin(struct store *); /* nothing is given yet */

/* ---- run_row.c, event_row.c ---- */

/* The run that is on; else the last one, 0 if there was none. */
int	run_now(int64_t *run, struct store *, struct err *);

/* rec 0: of no record.  detail may be NULL. */
int	event_add(struct store *, int64_t rec, enum event_kind,
	    const char *detail, struct err *);
int	month_changed(struct store *, int64_t month, struct err *);
/* The months in which the files of an asset are written down. */
int	months_of_asset(struct store *, int64_t asset, struct err *);

/* ---- names.c, file_row.c ---- */

/* Another path for a reserved file whose place was taken. */
int	name_again(struct store *, int64_t content, struct err *);
/* What stands at path: 0 nothing, 1 the very bytes (sum filled), 2 something
 * else, -1. */
int	look_at(struct digest_sum *sum, struct store *, const char *path,
	    int64_t size_bytes, const struct digest_rule *, struct err *);

struct file_row {
	int64_t	file, content, stem;
	int	role, state;
	char	*path; /* owned */
};
void	file_row_clear(struct file_row *);
/* 1: none. */
int	file_of_content(struct file_row *out, struct store *,
	    int64_t content, struct err *);
int	file_reserve(struct store *, int64_t content, int64_t stem, int role,
	    const char *path, struct err *);
int	file_repath(struct store *, int64_t file, int64_t stem,
	    const char *path, struct err *);
/* Is the path in use by a file of another content? */
int	file_path_taken(bool *out, struct store *, const char *path,
	    int64_t content, struct err *);
/* The row of a file under its final name, and all that follows from it.
 * Within a transaction. */
int	file_record(struct store *, int64_t content, enum store_state,
	    const struct digest_sum *, struct err *);
int	file_durable(struct store *, const char *path, struct err *);
/* A file that was there: line first, then its row. */
int	file_adopt(struct store *, int64_t content, const char *path,
	    enum store_state, const struct digest_sum *, struct err *);

/* ---- part.c ---- */

/* The name of a content's part file below ROOT; the caller frees. */
char	*part_path(const uint8_t *checksum, size_t len, int64_t size_bytes);
int	part_folder(struct store *, struct err *);
/* Remove parts of what is not wanted any more; as far as that works. */
void	part_sweep(struct store *);

/* ---- place.c ---- */

struct finish {
	struct store	*store;
	struct batch	*batch;
	struct finish	*next;
	int64_t		 content;
	enum store_state state;
	struct digest_sum sum;
	int		 fd; /* of the part; -1 once it is finished */
	char		*part, *path; /* owned */
	bool		 has_taken;
	int64_t		 taken_ms;
	unsigned	 tries;
	/* out */
	int		 errnum;
	bool		 renamed;
};
/* Takes f, which has all but store, batch and next. */
int	place_file(struct store *, struct finish *f, struct err *);
/* Wait for our jobs without looking at what they bring. */
void	place_abandon(struct store *);

/* ---- sums.c ---- */

void	sums_line(struct buf *out, const uint8_t sha256[DIGEST_SHA256],
	    const char *path);
/* Append whole lines and flush; errno on -1, and nothing is added then.
 * Workers too. */
int	sums_append(struct store *, const char *lines, size_t len);
/* Cut off a half last line; read all lines into a table of their own. */
int	sums_load(struct store *, struct err *);
/* Make the file and the rows agree, and drop that table. */
int	sums_mend(struct store *, struct err *);
/* Does a line say this of path? */
int	sums_has(bool *out, struct store *, const char *path,
	    const uint8_t sha256[DIGEST_SHA256], struct err *);

/* ---- repair.c ---- */

/* After a run that did not end (whole), or did: reserved names only. */
int	repair(struct store *, bool whole, store_rule *, struct err *);
/* The next run must look at everything. */
int	repair_wanted(struct store *, bool wanted, struct err *);

#endif
