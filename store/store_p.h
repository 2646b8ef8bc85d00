#ifndef STORE_P_H
#define STORE_P_H

/* Private to store/: what its files share.  Nobody else includes this. */

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
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
#define DIR_MANIFEST DIR_OWN "/manifest"
#define DIR_RECORDS  DIR_OWN "/records"
#define DIR_QUARANTINE DIR_OWN "/quarantine"
/* Of links only; no file of the copy ever lies there. */
#define DIR_ALBUMS "Albums"

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

/* Of a content: why it could not be fetched is forgotten. */
#define FORGET_FAILURE \
	" failures = 0, failure = NULL, detail = NULL, not_before_ms = NULL"

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
	EVENT_MOVED,   /* detail: the path that it had before */
	EVENT_MASTER,  /* detail: record name of the master before; NULL */
	EVENT_PARENT,  /* detail: record name of the folder before; NULL */
};

#define MONTH_ALBUMS  (-1) /* month.month of what belongs to no month */

/* month.dirty */
enum month_dirty {
	MONTH_CLEAN = 0,
	MONTH_CHANGED,
	MONTH_LEFT,    /* and a record has gone to another: written after it */
	MONTH_WRITING, /* not changed since it is being written */
};

#define STATEMENT_MAX 512

struct statement {
	const char	*sql;
	sqlite3_stmt	*st;
};

struct batch;
struct months;

/* Has this copy sidecars? */
enum sidecars { SIDECARS_UNKNOWN = 0, SIDECARS_NONE, SIDECARS_KEPT };

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
	struct months *months; /* being written; NULL: none */

	/* records */
	z_stream deflater, inflater;
	struct buf dictionary;

	/* wants: contents given in this run, and the place in their order */
	uint8_t	*given; /* a bit for each */
	size_t	 given_bytes;
	int64_t	 position_want, position_content;
	struct store_filter filter;	 /* of that place */
	struct store_filter filter_used; /* in the temporary tables */

	/* lists: the run as of which, INT64_MAX: now; the last event undone */
	int64_t	past_run, past_event;

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
	bool	 listing; /* goes on: store_wants_listing() */
	bool	 has_filter_tables;
	bool	 has_past_tables;
	bool	 has_partial; /* the folder is known to be there */
	bool	 has_volume;
	bool	 has_trouble;
	bool	 placing;  /* a batch is with a worker */
	bool	 closing;
	bool	 sums_odd; /* lines that cannot stay, seen by sums_load() */
	bool	 lock_files;
	enum sidecars sidecars;
};

/* May this mode write under ROOT? */
static inline bool
mode_writes(enum store_mode mode)
{
	return mode == STORE_MEND || mode == STORE_WRITE;
}

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
int	sql_damaged(const struct store *, struct err *);

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

#define SCHEMA_VERSION 4
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
/* Append the bytes that a statement gives as dict, size, bytes from column at
 * on. */
int	record_column(struct buf *out, struct store *, sqlite3_stmt *, int at,
	    struct err *);

/* Fill the row of a record that is absent, or has a place only; rec is then its
 * number. */
int	record_add(int64_t *rec, struct store *, const struct store_record *,
	    bool index_only, struct err *);

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

int	content_put(int64_t *content, struct store *, bool sure,
	    const uint8_t *, size_t, int64_t size_bytes, struct err *);
/* Who has it has changed: live and want follow. */
int	content_refresh(struct store *, int64_t content, struct err *);
/* The same for all contents of a record. */
int	content_refresh_of(struct store *, int64_t rec, struct err *);
/* Forget why the contents of a record could not be fetched. */
int	content_reset_of(struct store *, int64_t rec, struct err *);
void	wants_begin(struct store *); /* nothing is given yet */
/* This one may be given once more. */
void	want_again(struct store *, int64_t content);

/* ---- filter.c ---- */

bool	filter_is_none(const struct store_filter *);
bool	filter_is_same(const struct store_filter *,
	    const struct store_filter *);
/* Fill the temporary tables that FILTER_LETS asks; none of them if the filter
 * is none. */
int	filter_use(struct store *, const struct store_filter *, struct err *);

/* May content be fetched, as filter_use() said?  0, 1. */
int	content_is_let(int *let, struct store *, int64_t content,
	    struct err *);
/* Is asset a let have its resource r?  q is temp.filter. */
#define FILTER_LETS \
	" a.flags & q.flags = 0 AND (q.roles >> r.role) & 1 = 0" \
	" AND (NOT q.zones OR a.zone IN temp.filter_zone)" \
	" AND (q.since IS NULL OR" \
	"  a.taken_ms + 1000 * ifnull(a.offset_s, 0) >= q.since)" \
	" AND (q.until IS NULL OR" \
	"  a.taken_ms + 1000 * ifnull(a.offset_s, 0) < q.until)" \
	" AND (q.want IS NULL OR (a.want, a.rec) <= (q.want, q.rec))" \
	" AND (NOT q.albums OR EXISTS(SELECT 1 FROM relation l" \
	"  WHERE l.asset = a.rec AND l.trashed = 0" \
	"   AND l.album IN temp.filter_album))" \
	" AND (NOT q.types OR NOT filter_skips(r.role, r.uti," \
	"  (SELECT o.uti FROM resource o" \
	"   WHERE o.rec = a.master AND o.role = 0)))"

/* ---- past.c ---- */

/* past.what; as texts for statements, too. */
#define PAST_THERE   1 /* 0: it had not come yet */
#define PAST_GONE    2
#define PAST_TRASHED 3
#define PAST_HIDDEN  4
#define PAST_NAME    5
#define PAST_PARENT  6
#define PAST_TEXT_(n) #n
#define PAST_TEXT(n)  PAST_TEXT_(n)

/* SQL: how it was, in a list; now: SQL for how it is. */
#define WAS(rec, what, now)                                                   \
	" ifnull((SELECT p.value FROM temp.past p WHERE p.rec = " rec         \
	" AND p.what = " PAST_TEXT(what) "), " now ") "
#define WAS_NAMED(rec, now) " nullif(" WAS(rec, PAST_NAME, now) ", x'') "
/* Of asset a: its master, 0 or NULL if none. */
#define WAS_MASTER                                                            \
	" ifnull((SELECT p.master FROM temp.past_master p"                    \
	" WHERE p.asset = a.rec), a.master) "
/* Was it known, and in the cloud? */
#define WAS_THERE WAS("a.rec", PAST_THERE, "1")
#define WAS_LIVE                                                              \
	WAS_THERE "AND NOT" WAS("a.rec", PAST_GONE, "a.flags & 8")            \
	"AND NOT" WAS("-a.zone", PAST_GONE, "a.flags & 16")

/* A list as of a run (0: now) begins; all reading is between past_read() and
 * past_read_end(), short, so that the log of a run beside it can be emptied.
 * Both ends return rc or -1. */
int	past_begin(struct store *, int64_t as_of, struct err *);
int	past_read(struct store *, struct err *);
int	past_read_end(struct store *, int rc, struct err *);
int	past_end(struct store *, int rc, struct err *);

/* ---- run_row.c, event_row.c ---- */

/* The run that is on; else the last one, 0 if there was none. */
int	run_now(int64_t *run, struct store *, struct err *);

/* rec 0: of no record.  detail may be NULL. */
int	event_add(struct store *, int64_t rec, enum event_kind,
	    const char *detail, struct err *);
/* detail: the record name of another record; NULL if that is 0. */
int	event_add_named(struct store *, int64_t rec, enum event_kind,
	    int64_t other, struct err *);

/* ---- month_row.c: within the transaction of the change ---- */

int	month_changed(struct store *, int64_t month, struct err *);
/* A record goes to another month, which gets it on the disk before this one
 * loses it. */
int	month_left(struct store *, int64_t month, struct err *);
/* The months in which the files of an asset are written down. */
int	months_of_asset(struct store *, int64_t asset, struct err *);
/* The same for all assets of a master; for all members of an album and of
 * what is in it. */
int	months_of_master(struct store *, int64_t master, struct err *);
int	months_of_album(struct store *, int64_t album, struct err *);
/* Whatever a record is. */
int	months_of_record(struct store *, int64_t rec, enum store_type,
	    struct err *);

/* ---- sidecar.c ---- */

#define SIDECAR_TEMP "sidecar-" /* in DIR_PARTIAL, and a number */

/* Sidecars of an asset's files may have to be written; within the transaction
 * of the change. */
int	sidecars_of_asset(struct store *, int64_t asset, struct err *);
/* Was this path given to a sidecar? */
int	sidecar_is_at(bool *out, struct store *, const char *path,
	    struct err *);

/* ---- links.c, link_wish.c ---- */

#define LINK_TEMP "link-" /* in DIR_PARTIAL, and a number */

/* Is this one of our links?  A hard link that is the only name that is left of
 * its bytes is none. */
int	link_is_at(bool *out, struct store *, const char *path,
	    const struct stat *, struct err *);
/* Fill temp.link_wish(key, path, file, source): what links there should be. */
int	link_wishes(struct store *, const struct store_links_words *,
	    struct err *);

/* ---- manifest.c, records.c: the lines of a month, one by one ---- */

struct line_place {
	int64_t	major, minor; /* 0 and 0: before the first line */
};
/* Append the next line or lines; nothing may be appended.  1: no more. */
int	manifest_next(struct buf *out, struct line_place *, struct store *,
	    int64_t month, const struct store_words *, struct err *);
int	records_next(struct buf *out, struct line_place *, struct store *,
	    int64_t month, struct err *);
const char *line_database(int database);
/* Whose line it is; false if it does not say. */
struct cJSON;
bool	line_owner(int *database, const char **zone, const char **owner,
	    const struct cJSON *object);
/* A file of lines, perhaps gzip: -1 with errno, EILSEQ for bytes that are no
 * such file or end too early. */
struct source;
int	source_open(struct source **out, int root, const char *path,
	    bool packed);
ssize_t	source_read(struct source *, void *, size_t);
void	source_close(struct source *); /* NULL is fine */

/* ---- months.c ---- */

/* What store_months_write() has begun is given up. */
void	months_abandon(struct store *);


/* ---- names.c, file_row.c ---- */

/* Another path for a reserved file whose place was taken. */
int	name_again(struct store *, int64_t content, struct err *);
/* What stands at path: 0 nothing, 1 the very bytes (sum filled), 2 something
 * else, -1. */
int	look_at(struct digest_sum *sum, struct store *, const char *path,
	    int64_t size_bytes, const struct digest_rule *, struct err *);

/* The folder of a path, "." if it has none; the caller frees. */
char	*folder_of(const char *path);
int64_t	file_mtime_ms(const struct stat *);

struct file_row {
	int64_t	file, content, stem;
	int	role, state;
	int	mend;  /* 0, or the state it had before it was to be mended */
	char	*path; /* owned */
	uint8_t	sha256[CHECKSUM_BYTES];
	size_t	sha256_len; /* 0: was never held */
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
/* The time that the file bears, with which its bytes are right. */
int	file_time(struct store *, int64_t content, int64_t mtime_ms,
	    struct err *);
int	file_month_changed(struct store *, int64_t content, struct err *);
/* Has SHA256SUMS its line already?  That of a file to mend has stayed. */
bool	file_has_line(const struct file_row *, const struct digest_sum *);
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
	bool		 mend;	   /* what is under path makes room */
	bool		 has_line; /* in SHA256SUMS already */
	bool		 has_taken;
	int64_t		 taken_ms;
	unsigned	 tries;
	/* out */
	int		 errnum;
	bool		 renamed;
	bool		 has_mtime;
	int64_t		 mtime_ms; /* as the volume keeps it */
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
/* Write it anew from the rows, by rename. */
int	sums_anew(struct store *, struct err *);
/* Does a line say this of path? */
int	sums_has(bool *out, struct store *, const char *path,
	    const uint8_t sha256[DIGEST_SHA256], struct err *);

/* ---- stray.c, mend.c, quarantine.c ---- */

/* The temporary table of what store_found() has found: file, path. */
int	moved_table(struct store *, struct err *);

/* A content that was to be mended cannot be: as before, and damaged. */
int	mend_give_up(struct store *, int64_t content, struct err *);
/* Move what is under path, or in the place of its folders, to quarantine, and
 * flush that; nothing there is success.  errno on -1.  Workers too. */
int	quarantine(const struct store *, const char *path);

/* ---- repair.c ---- */

/* After a run that did not end (whole), or did: reserved names only. */
int	repair(struct store *, bool whole, store_rule *, struct err *);
/* The next run must look at everything. */
int	repair_wanted(struct store *, bool wanted, struct err *);

#endif
