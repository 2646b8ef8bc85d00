#include "store_p.h"

#include <stdlib.h>

/*
 * The catalogue's tables, as numbered migrations: version N is made by the
 * first N lists of statements.  What was released is never changed.
 *
 * Sizes matter (docs/design.md, "Numbers to reach"): what a night without
 * changes or a status asks for is kept as a count or in a partial index.
 */

static const char *const version_1[] = {
    /* Single values: "repair". */
    "CREATE TABLE meta("
    "  name TEXT PRIMARY KEY,"
    "  value"
    ") WITHOUT ROWID;",

    "CREATE TABLE database("
    "  database INTEGER PRIMARY KEY," /* 0 private, 1 shared */
    "  token TEXT"
    ");",

    "CREATE TABLE run("
    "  run INTEGER PRIMARY KEY,"
    "  command TEXT NOT NULL,"
    "  began_ms INTEGER NOT NULL,"
    "  ended_ms INTEGER NOT NULL DEFAULT 0," /* 0: did not end */
    "  exit_status INTEGER,"
    "  summary TEXT" /* JSON */
    ");",

    "CREATE TABLE zone("
    "  zone INTEGER PRIMARY KEY,"
    "  database INTEGER NOT NULL,"
    "  owner TEXT,"
    "  name TEXT NOT NULL,"
    "  type TEXT,"
    "  kind INTEGER NOT NULL," /* the caller's number */
    "  token TEXT,"
    "  walked INTEGER NOT NULL DEFAULT 0,"
    "  keys INTEGER NOT NULL DEFAULT 0,"
    "  gone_run INTEGER,"
    "  walked_ms INTEGER NOT NULL DEFAULT 0,"
    "  indexing TEXT," /* state of Apple's index as last told */
    "  stated TEXT,"   /* Apple's counts as last told, JSON */
    "  proof INTEGER NOT NULL DEFAULT 0," /* number of the last witness */
    "  proof_ms INTEGER NOT NULL DEFAULT 0"
    ");",
    "CREATE UNIQUE INDEX zone_name"
    "  ON zone(database, ifnull(owner, ''), name);",

    /* Records of other types are counted only. */
    "CREATE TABLE other("
    "  zone INTEGER NOT NULL REFERENCES zone,"
    "  type_name TEXT NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  PRIMARY KEY(zone, type_name)"
    ") WITHOUT ROWID;",

    /* As received.  Without bytes: named by another record, not come yet. */
    "CREATE TABLE record("
    "  rec INTEGER PRIMARY KEY,"
    "  zone INTEGER NOT NULL REFERENCES zone,"
    "  name TEXT NOT NULL,"
    "  type INTEGER NOT NULL," /* enum store_type */
    "  tag TEXT,"
    "  gone_run INTEGER," /* of its tombstone */
    "  first_run INTEGER NOT NULL,"
    "  changed_run INTEGER NOT NULL,"
    "  seen_index INTEGER," /* never used: asset.seen */
    "  dict INTEGER,"       /* 0: bytes are plain; else deflated with it */
    "  size INTEGER,"       /* of the bytes, inflated */
    "  bytes BLOB,"
    "  UNIQUE(zone, name)"
    ");",

    "CREATE TABLE master("
    "  rec INTEGER PRIMARY KEY REFERENCES record,"
    "  filename TEXT,"
    "  created_ms INTEGER"
    ");",

    "CREATE TABLE asset("
    "  rec INTEGER PRIMARY KEY REFERENCES record,"
    "  zone INTEGER NOT NULL REFERENCES zone,"
    "  master INTEGER REFERENCES record,"
    "  flags INTEGER NOT NULL,"
    "  want INTEGER NOT NULL,"  /* what it brings to content.want */
    "  lacks INTEGER NOT NULL," /* enum lack */
    "  month INTEGER NOT NULL," /* yyyymm; 0: undated */
    "  taken_ms INTEGER,"
    "  added_ms INTEGER,"
    "  offset_s INTEGER,"
    "  expunged_ms INTEGER,"
    "  title TEXT,"
    "  burst TEXT"
    ");",
    "CREATE INDEX asset_master ON asset(master) WHERE master IS NOT NULL;",
    "CREATE INDEX asset_lacks ON asset(lacks) WHERE lacks > 0;",

    "CREATE TABLE album("
    "  rec INTEGER PRIMARY KEY REFERENCES record,"
    "  title TEXT,"
    "  parent INTEGER REFERENCES record,"
    "  type INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  trashed INTEGER NOT NULL"
    ");",

    "CREATE TABLE relation("
    "  rec INTEGER PRIMARY KEY REFERENCES record,"
    "  asset INTEGER REFERENCES record,"
    "  album INTEGER REFERENCES record,"
    "  position INTEGER NOT NULL,"
    "  trashed INTEGER NOT NULL" /* 0: in; 1: trashed; 2: tombstone */
    ");",
    "CREATE INDEX relation_asset ON relation(asset);",
    "CREATE INDEX relation_album ON relation(album);",

    /* Bytes, wherever they are named. */
    "CREATE TABLE content("
    "  content INTEGER PRIMARY KEY,"
    "  checksum BLOB NOT NULL,"
    "  size INTEGER NOT NULL,"  /* as stated; -1 if not */
    "  bytes INTEGER NOT NULL," /* of the file once held; till then stated */
    "  state INTEGER NOT NULL DEFAULT 0," /* 0, or enum store_state */
    "  live INTEGER NOT NULL DEFAULT 0,"  /* enum live */
    "  want INTEGER," /* order of what is to fetch; NULL: nothing to */
    "  failures INTEGER NOT NULL DEFAULT 0,"
    "  failure INTEGER," /* enum store_failure */
    "  detail TEXT,"
    "  not_before_ms INTEGER,"
    "  UNIQUE(checksum, size)"
    ");",
    "CREATE INDEX content_want ON content(want) WHERE want IS NOT NULL;",
    "CREATE INDEX content_failure ON content(failure)"
    "  WHERE failure IS NOT NULL;",

    "CREATE TABLE resource("
    "  rec INTEGER NOT NULL REFERENCES record," /* a master or an asset */
    "  role INTEGER NOT NULL,"
    "  content INTEGER REFERENCES content," /* NULL: mentioned only */
    "  uti TEXT,"
    "  PRIMARY KEY(rec, role)"
    ") WITHOUT ROWID;",
    "CREATE INDEX resource_content ON resource(content)"
    "  WHERE content IS NOT NULL;",
    "CREATE INDEX resource_empty ON resource(rec) WHERE content IS NULL;",

    /* A stem in a folder, taken for ever. */
    "CREATE TABLE stem("
    "  stem INTEGER PRIMARY KEY,"
    "  key TEXT NOT NULL UNIQUE," /* text_fold(folder/name) */
    "  folder TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  kind INTEGER NOT NULL," /* enum stem_kind */
    "  month INTEGER NOT NULL,"
    "  asset INTEGER NOT NULL REFERENCES record," /* the first */
    "  version INTEGER NOT NULL REFERENCES content"
    ");",
    "CREATE INDEX stem_version ON stem(version);",
    "CREATE INDEX stem_asset ON stem(asset);",

    "CREATE TABLE file("
    "  file INTEGER PRIMARY KEY,"
    "  content INTEGER NOT NULL UNIQUE REFERENCES content,"
    "  stem INTEGER NOT NULL REFERENCES stem,"
    "  role INTEGER NOT NULL,"
    "  path TEXT NOT NULL,"
    "  key TEXT NOT NULL UNIQUE,"         /* text_fold(path) */
    "  state INTEGER NOT NULL DEFAULT 0," /* 0 reserved; enum store_state */
    "  size INTEGER,"
    "  sha256 BLOB,"
    "  placed_run INTEGER,"
    "  checked_ms INTEGER"
    ");",
    "CREATE INDEX file_reserved ON file(state) WHERE state = 0;",
    "CREATE INDEX file_stem ON file(stem);",

    "CREATE TABLE event("
    "  event INTEGER PRIMARY KEY,"
    "  run INTEGER NOT NULL,"
    "  rec INTEGER,"
    "  kind INTEGER NOT NULL," /* enum event_kind */
    "  detail TEXT"
    ");",
    "CREATE INDEX event_rec ON event(rec);",

    /* Of an asset as a whole, or of a content. */
    "CREATE TABLE gap("
    "  gap INTEGER PRIMARY KEY,"
    "  rec INTEGER NOT NULL," /* 0 if of a content */
    /* 0 if of an asset; -role of a part that is named and has no file */
    "  content INTEGER NOT NULL,"
    "  role INTEGER NOT NULL,"
    "  why INTEGER NOT NULL," /* enum store_failure */
    "  detail TEXT,"
    "  first_run INTEGER NOT NULL,"
    "  seen_run INTEGER NOT NULL,"
    "  closed_run INTEGER,"
    "  UNIQUE(rec, content)"
    ");",
    "CREATE INDEX gap_open ON gap(first_run) WHERE closed_run IS NULL;",

    /* Counts, kept with every change, so that a library of any size is
       counted at once. */
    "CREATE TABLE asset_count("
    "  flags INTEGER PRIMARY KEY,"
    "  n INTEGER NOT NULL"
    ");",
    "CREATE TRIGGER asset_new AFTER INSERT ON asset BEGIN"
    "  INSERT INTO asset_count(flags, n) VALUES(new.flags, 1)"
    "    ON CONFLICT(flags) DO UPDATE SET n = n + 1;"
    "END;",
    "CREATE TRIGGER asset_changed AFTER UPDATE OF flags ON asset"
    "  WHEN old.flags <> new.flags BEGIN"
    "  UPDATE asset_count SET n = n - 1 WHERE flags = old.flags;"
    "  INSERT INTO asset_count(flags, n) VALUES(new.flags, 1)"
    "    ON CONFLICT(flags) DO UPDATE SET n = n + 1;"
    "END;",
    "CREATE TABLE content_count("
    "  live INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  n INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  PRIMARY KEY(live, state)"
    ") WITHOUT ROWID;",
    "CREATE TRIGGER content_new AFTER INSERT ON content BEGIN"
    "  INSERT INTO content_count(live, state, n, bytes)"
    "    VALUES(new.live, new.state, 1, new.bytes)"
    "    ON CONFLICT(live, state)"
    "    DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;"
    "END;",
    "CREATE TRIGGER content_changed"
    "  AFTER UPDATE OF live, state, bytes ON content"
    "  WHEN old.live <> new.live OR old.state <> new.state"
    "    OR old.bytes <> new.bytes BEGIN"
    "  UPDATE content_count SET n = n - 1, bytes = bytes - old.bytes"
    "    WHERE live = old.live AND state = old.state;"
    "  INSERT INTO content_count(live, state, n, bytes)"
    "    VALUES(new.live, new.state, 1, new.bytes)"
    "    ON CONFLICT(live, state)"
    "    DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;"
    "END;",

    /* What of the manifest and the records is to be written anew. */
    "CREATE TABLE month("
    "  month INTEGER PRIMARY KEY," /* yyyymm; 0 undated; -1 albums */
    "  dirty INTEGER NOT NULL"     /* enum month_dirty */
    ");",
    NULL,
};

static const char *const version_2[] = {
    /* What the last check found, and what is done about it. */
    "ALTER TABLE file ADD COLUMN damage INTEGER NOT NULL DEFAULT 0;",
    /* Wanted anew: the enum store_state that it had; else 0. */
    "ALTER TABLE file ADD COLUMN mend INTEGER NOT NULL DEFAULT 0;",
    /* Its time when its bytes were last right; NULL: not known. */
    "ALTER TABLE file ADD COLUMN mtime_ms INTEGER;",
    /* Its time if it is damaged and bears another than that. */
    "ALTER TABLE file ADD COLUMN changed_ms INTEGER;",
    "CREATE INDEX file_damaged ON file(key) WHERE damage <> 0;",
    "CREATE INDEX file_damaged_size ON file(size) WHERE damage <> 0;",
    "CREATE INDEX file_mend ON file(content) WHERE mend <> 0;",
    /* The longest unchecked first. */
    "CREATE INDEX file_checked ON file(checked_ms) WHERE state > 0;",
    /* What is written down of a month, and what belongs to none. */
    "CREATE INDEX stem_month ON stem(month);",
    "CREATE INDEX asset_month ON asset(month);",
    "CREATE INDEX record_rest ON record(rec) WHERE type > 2;",
    "CREATE INDEX album_parent ON album(parent) WHERE parent IS NOT NULL;",
    "INSERT OR REPLACE INTO month(month, dirty) SELECT month, 1 FROM stem;",
    "INSERT OR REPLACE INTO month(month, dirty) SELECT month, 1 FROM asset;",
    "INSERT OR REPLACE INTO month(month, dirty) VALUES(-1, 1);",
    NULL,
};

static const char *const version_3[] = {
    /* The witness (witness.c): the last one begun; when the next is due. */
    "ALTER TABLE zone ADD COLUMN witness INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE zone ADD COLUMN due_ms INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE zone ADD COLUMN unproven INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE zone ADD COLUMN finished INTEGER NOT NULL DEFAULT 0;",
    /* An index or a look-up has brought it, and no feed yet. */
    "ALTER TABLE record ADD COLUMN index_only INTEGER NOT NULL DEFAULT 0;",
    "CREATE INDEX record_index_only ON record(zone)"
    "  WHERE index_only <> 0;",
    "CREATE INDEX record_info ON record(zone) WHERE type = 5;",
    "CREATE INDEX asset_zone ON asset(zone, flags);",
    /* Number of the last witness that saw it. */
    "ALTER TABLE asset ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;",
    "CREATE INDEX content_sized ON content(content) WHERE state = 2;",
    /* Names that an index has and the catalogue has not; then what a look-up
       said of a name that only one side has. */
    "CREATE TABLE difference("
    "  zone INTEGER NOT NULL REFERENCES zone,"
    "  name TEXT NOT NULL,"
    "  witness INTEGER NOT NULL,"
    "  side INTEGER NOT NULL,"   /* enum store_side */
    "  answer INTEGER NOT NULL," /* enum store_answer */
    "  PRIMARY KEY(zone, name)"
    ") WITHOUT ROWID;",
    /* What Apple stated and what the walk saw, of the last whole witness. */
    "CREATE TABLE stated("
    "  zone INTEGER NOT NULL REFERENCES zone,"
    "  what INTEGER NOT NULL,"    /* enum store_stated */
    "  stated INTEGER NOT NULL,"  /* -1: not told */
    "  seen INTEGER NOT NULL,"    /* -1: nothing is counted that way */
    "  differs INTEGER NOT NULL," /* and that is a gap; by so many */
    "  PRIMARY KEY(zone, what)"
    ") WITHOUT ROWID;",
    /* Where taken_ms is from, and would be from without a master. */
    "ALTER TABLE asset ADD COLUMN dated INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE asset ADD COLUMN dated_alone INTEGER NOT NULL DEFAULT 0;",
    "UPDATE asset SET dated = 4, dated_alone = 4 WHERE taken_ms IS NULL;",
    /* The sidecars of this copy (sidecar.c); a row once there are any.  look:
       how far their round has come. */
    "CREATE TABLE sidecars(look TEXT NOT NULL);",
    "CREATE TABLE sidecar("
    "  key TEXT PRIMARY KEY," /* text_fold(path) */
    "  path TEXT NOT NULL,"
    "  file INTEGER NOT NULL REFERENCES file,"
    "  sha256 BLOB,"            /* as written; NULL: never */
    "  next BLOB,"              /* as about to be written */
    "  fault INTEGER NOT NULL," /* enum store_sidecar_fault */
    "  run INTEGER NOT NULL"    /* that wrote it, or met the fault */
    ") WITHOUT ROWID;",
    /* Files whose sidecar may have to be written. */
    "CREATE TABLE sidecar_due(file INTEGER PRIMARY KEY REFERENCES file);",
    "CREATE TRIGGER file_sidecar AFTER UPDATE OF state, path, damage ON file"
    "  WHEN new.state > 0 AND new.damage = 0 AND EXISTS(SELECT 1 FROM sidecars)"
    "   AND (old.state <> new.state OR old.path <> new.path"
    "    OR old.damage <> new.damage) BEGIN"
    "  INSERT OR IGNORE INTO sidecar_due(file) VALUES(new.file);"
    "END;",
    /* Albums on this disk (links.c); a row once they were wanted.  dirty: what
       they are made of has changed. */
    "CREATE TABLE links("
    "  dirty INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL" /* enum store_link_kind, of the last time */
    ");",
    /* The name that an album has in its folder there. */
    "CREATE TABLE album_place("
    "  album INTEGER PRIMARY KEY REFERENCES album,"
    "  parent INTEGER NOT NULL," /* 0: at the top */
    "  wish TEXT NOT NULL,"      /* without a suffix */
    "  name TEXT NOT NULL,"
    "  key TEXT NOT NULL," /* text_fold(name) */
    "  UNIQUE(parent, key)"
    ");",
    /* The name that a stem has in an album. */
    "CREATE TABLE link_stem("
    "  album INTEGER NOT NULL REFERENCES album,"
    "  stem INTEGER NOT NULL REFERENCES stem,"
    "  name TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  PRIMARY KEY(album, stem),"
    "  UNIQUE(album, key)"
    ") WITHOUT ROWID;",
    "CREATE TABLE link("
    "  key TEXT PRIMARY KEY," /* text_fold(path) */
    "  path TEXT NOT NULL,"
    "  file INTEGER NOT NULL REFERENCES file,"
    "  source TEXT NOT NULL,"       /* that file's path */
    "  kind INTEGER NOT NULL,"      /* enum store_link_kind */
    "  state INTEGER NOT NULL,"     /* enum link_state */
    "  ino INTEGER NOT NULL,"       /* of a hard link or clone; 0: not yet */
    "  mtime_ns INTEGER NOT NULL,"  /* of a clone */
    "  source_ino INTEGER NOT NULL" /* which that file had then */
    ") WITHOUT ROWID;",
    /* Folders that were made for them. */
    "CREATE TABLE link_folder("
    "  key TEXT PRIMARY KEY,"
    "  path TEXT NOT NULL"
    ") WITHOUT ROWID;",
#define DIRTY " UPDATE links SET dirty = 1 WHERE dirty = 0; END;"
    "CREATE TRIGGER links_album_new AFTER INSERT ON album BEGIN" DIRTY,
    "CREATE TRIGGER links_album"
    "  AFTER UPDATE OF title, parent, type, trashed ON album"
    "  WHEN old.title IS NOT new.title OR old.parent IS NOT new.parent"
    "    OR old.type <> new.type OR old.trashed <> new.trashed BEGIN" DIRTY,
    "CREATE TRIGGER links_relation_new AFTER INSERT ON relation BEGIN" DIRTY,
    "CREATE TRIGGER links_relation"
    "  AFTER UPDATE OF asset, album, trashed ON relation"
    "  WHEN old.asset IS NOT new.asset OR old.album IS NOT new.album"
    "    OR old.trashed <> new.trashed BEGIN" DIRTY,
    "CREATE TRIGGER links_asset_new AFTER INSERT ON asset BEGIN" DIRTY,
    "CREATE TRIGGER links_asset AFTER UPDATE OF flags, master ON asset"
    "  WHEN (old.flags & 26) <> (new.flags & 26)"
    "    OR old.master IS NOT new.master BEGIN" DIRTY,
    "CREATE TRIGGER links_resource_new AFTER INSERT ON resource BEGIN" DIRTY,
    "CREATE TRIGGER links_resource AFTER UPDATE OF content ON resource"
    "  WHEN old.content IS NOT new.content BEGIN" DIRTY,
    "CREATE TRIGGER links_resource_gone AFTER DELETE ON resource BEGIN" DIRTY,
    "CREATE TRIGGER links_file AFTER UPDATE OF state, path, damage ON file"
    "  WHEN old.state <> new.state OR old.path <> new.path"
    "    OR old.damage <> new.damage BEGIN" DIRTY,
    "CREATE TRIGGER links_record AFTER UPDATE OF gone_run ON record"
    "  WHEN new.type = 3 AND (old.gone_run IS NULL) <> (new.gone_run IS NULL)"
    "  BEGIN" DIRTY,
    "CREATE TRIGGER links_zone AFTER UPDATE OF gone_run ON zone"
    "  WHEN (old.gone_run IS NULL) <> (new.gone_run IS NULL) BEGIN" DIRTY,
#undef DIRTY
    NULL,
};

static const char *const version_4[] = {
    /* What the last whole witness found stays while the next one walks. */
    "ALTER TABLE difference RENAME TO difference_3;",
    "CREATE TABLE difference("
    "  zone INTEGER NOT NULL REFERENCES zone,"
    "  name TEXT NOT NULL,"
    "  witness INTEGER NOT NULL,"
    "  side INTEGER NOT NULL,"   /* enum store_side */
    "  answer INTEGER NOT NULL," /* enum store_answer */
    "  PRIMARY KEY(zone, name, witness)"
    ") WITHOUT ROWID;",
    "INSERT INTO difference(zone, name, witness, side, answer)"
    " SELECT zone, name, witness, side, answer FROM difference_3;",
    "DROP TABLE difference_3;",
    NULL,
};

static const char *const *const versions[] = {
    version_1, version_2, version_3, version_4};

static const char sql_application[] = "PRAGMA application_id";
static const char sql_version[] = "PRAGMA user_version";

/* PRAGMA takes no bindings. */
static int
set_pragma(struct store *s, const char *name, int value, struct err *e)
{
	char *sql = xasprintf("PRAGMA %s = %d", name, value);
	int rc = sql_exec(s, sql, e);

	free(sql);
	return rc;
}

static int
apply(struct store *s, struct err *e)
{
	const char *const *sql;
	int version = 0, rc = -1;
	bool own;

	if (tx_begin(&own, s, e) == -1)
		return -1;
	/* Somebody else may have been here first. */
	if (sql_first(s, e, sql_version, ">d", &version) == -1)
		goto out;
	if (version == 0 &&
	    set_pragma(s, "application_id", APPLICATION_ID, e) == -1)
		goto out;
	for (; version < SCHEMA_VERSION; version++) {
		for (sql = versions[version]; *sql != NULL; sql++) {
			if (sql_exec(s, *sql, e) == -1)
				goto out;
		}
	}
	rc = set_pragma(s, "user_version", SCHEMA_VERSION, e);
out:
	return tx_end(s, own, rc, e);
}

int
schema_migrate(struct store *s, struct err *e)
{
	int application = 0, version = 0;
	char *lock;
	int fd, rc;

	_Static_assert(sizeof(versions) / sizeof(versions[0]) == SCHEMA_VERSION,
	    "one list a version");
	if (sql_first(s, e, sql_application, ">d", &application) == -1 ||
	    sql_first(s, e, sql_version, ">d", &version) == -1)
		return -1;
	if (application != APPLICATION_ID && (application | version) != 0)
		return err_set(e, ERR_BAD_STATE,
		    "Move that file away and run \"icloud-pull adopt\" with "
		    "the copy's path.",
		    "%s is not a catalogue of icloud-pull.", s->catalogue);
	if (version > SCHEMA_VERSION)
		return err_set(e, ERR_BAD_STATE,
		    "Use the newer icloud-pull that wrote it.",
		    "The catalogue %s was written by a newer icloud-pull "
		    "(format %d, this one knows %d).",
		    s->catalogue, version, SCHEMA_VERSION);
	if (version == SCHEMA_VERSION)
		return 0;
	if (s->lock_fd != -1)
		return apply(s, e);
	/* Who only reads changes it under the lock, like everybody. */
	lock = xasprintf("%s/lock", s->id_dir);
	fd = file_lock(lock, "upgrade", 0, e);
	free(lock);
	if (fd == -1)
		return -1;
	rc = apply(s, e);
	file_unlock(fd);
	return rc;
}
