#ifndef VERSION_1_H
#define VERSION_1_H

/* The catalogue as version 1 made it.  Frozen: catalogues of that time are on
 * people's disks. */
static const char *const version_1[] = {
    "CREATE TABLE meta("
    " name TEXT PRIMARY KEY,"
    " value"
    ") WITHOUT ROWID;",
    "CREATE TABLE database("
    " database INTEGER PRIMARY KEY,"
    " token TEXT"
    ");",
    "CREATE TABLE run("
    " run INTEGER PRIMARY KEY,"
    " command TEXT NOT NULL,"
    " began_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL DEFAULT 0,"
    " exit_status INTEGER,"
    " summary TEXT"
    ");",
    "CREATE TABLE zone("
    " zone INTEGER PRIMARY KEY,"
    " database INTEGER NOT NULL,"
    " owner TEXT,"
    " name TEXT NOT NULL,"
    " type TEXT,"
    " kind INTEGER NOT NULL,"
    " token TEXT,"
    " walked INTEGER NOT NULL DEFAULT 0,"
    " keys INTEGER NOT NULL DEFAULT 0,"
    " gone_run INTEGER,"
    " walked_ms INTEGER NOT NULL DEFAULT 0,"
    " indexing TEXT,"
    " stated TEXT,"
    " proof INTEGER NOT NULL DEFAULT 0,"
    " proof_ms INTEGER NOT NULL DEFAULT 0"
    ");",
    "CREATE UNIQUE INDEX zone_name"
    " ON zone(database, ifnull(owner, ''), name);",
    "CREATE TABLE other("
    " zone INTEGER NOT NULL REFERENCES zone,"
    " type_name TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " PRIMARY KEY(zone, type_name)"
    ") WITHOUT ROWID;",
    "CREATE TABLE record("
    " rec INTEGER PRIMARY KEY,"
    " zone INTEGER NOT NULL REFERENCES zone,"
    " name TEXT NOT NULL,"
    " type INTEGER NOT NULL,"
    " tag TEXT,"
    " gone_run INTEGER,"
    " first_run INTEGER NOT NULL,"
    " changed_run INTEGER NOT NULL,"
    " seen_index INTEGER,"
    " dict INTEGER,"
    " size INTEGER,"
    " bytes BLOB,"
    " UNIQUE(zone, name)"
    ");",
    "CREATE TABLE master("
    " rec INTEGER PRIMARY KEY REFERENCES record,"
    " filename TEXT,"
    " created_ms INTEGER"
    ");",
    "CREATE TABLE asset("
    " rec INTEGER PRIMARY KEY REFERENCES record,"
    " zone INTEGER NOT NULL REFERENCES zone,"
    " master INTEGER REFERENCES record,"
    " flags INTEGER NOT NULL,"
    " want INTEGER NOT NULL,"
    " lacks INTEGER NOT NULL,"
    " month INTEGER NOT NULL,"
    " taken_ms INTEGER,"
    " added_ms INTEGER,"
    " offset_s INTEGER,"
    " expunged_ms INTEGER,"
    " title TEXT,"
    " burst TEXT"
    ");",
    "CREATE INDEX asset_master ON asset(master) WHERE master IS NOT NULL;",
    "CREATE INDEX asset_lacks ON asset(lacks) WHERE lacks > 0;",
    "CREATE TABLE album("
    " rec INTEGER PRIMARY KEY REFERENCES record,"
    " title TEXT,"
    " parent INTEGER REFERENCES record,"
    " type INTEGER NOT NULL,"
    " position INTEGER NOT NULL,"
    " trashed INTEGER NOT NULL"
    ");",
    "CREATE TABLE relation("
    " rec INTEGER PRIMARY KEY REFERENCES record,"
    " asset INTEGER REFERENCES record,"
    " album INTEGER REFERENCES record,"
    " position INTEGER NOT NULL,"
    " trashed INTEGER NOT NULL"
    ");",
    "CREATE INDEX relation_asset ON relation(asset);",
    "CREATE INDEX relation_album ON relation(album);",
    "CREATE TABLE content("
    " content INTEGER PRIMARY KEY,"
    " checksum BLOB NOT NULL,"
    " size INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " live INTEGER NOT NULL DEFAULT 0,"
    " want INTEGER,"
    " failures INTEGER NOT NULL DEFAULT 0,"
    " failure INTEGER,"
    " detail TEXT,"
    " not_before_ms INTEGER,"
    " UNIQUE(checksum, size)"
    ");",
    "CREATE INDEX content_want ON content(want) WHERE want IS NOT NULL;",
    "CREATE INDEX content_failure ON content(failure)"
    " WHERE failure IS NOT NULL;",
    "CREATE TABLE resource("
    " rec INTEGER NOT NULL REFERENCES record,"
    " role INTEGER NOT NULL,"
    " content INTEGER REFERENCES content,"
    " uti TEXT,"
    " PRIMARY KEY(rec, role)"
    ") WITHOUT ROWID;",
    "CREATE INDEX resource_content ON resource(content)"
    " WHERE content IS NOT NULL;",
    "CREATE INDEX resource_empty ON resource(rec) WHERE content IS NULL;",
    "CREATE TABLE stem("
    " stem INTEGER PRIMARY KEY,"
    " key TEXT NOT NULL UNIQUE,"
    " folder TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " kind INTEGER NOT NULL,"
    " month INTEGER NOT NULL,"
    " asset INTEGER NOT NULL REFERENCES record,"
    " version INTEGER NOT NULL REFERENCES content"
    ");",
    "CREATE INDEX stem_version ON stem(version);",
    "CREATE INDEX stem_asset ON stem(asset);",
    "CREATE TABLE file("
    " file INTEGER PRIMARY KEY,"
    " content INTEGER NOT NULL UNIQUE REFERENCES content,"
    " stem INTEGER NOT NULL REFERENCES stem,"
    " role INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " key TEXT NOT NULL UNIQUE,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " size INTEGER,"
    " sha256 BLOB,"
    " placed_run INTEGER,"
    " checked_ms INTEGER"
    ");",
    "CREATE INDEX file_reserved ON file(state) WHERE state = 0;",
    "CREATE INDEX file_stem ON file(stem);",
    "CREATE TABLE event("
    " event INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL,"
    " rec INTEGER,"
    " kind INTEGER NOT NULL,"
    " detail TEXT"
    ");",
    "CREATE INDEX event_rec ON event(rec);",
    "CREATE TABLE gap("
    " gap INTEGER PRIMARY KEY,"
    " rec INTEGER NOT NULL,"
    " content INTEGER NOT NULL,"
    " role INTEGER NOT NULL,"
    " why INTEGER NOT NULL,"
    " detail TEXT,"
    " first_run INTEGER NOT NULL,"
    " seen_run INTEGER NOT NULL,"
    " closed_run INTEGER,"
    " UNIQUE(rec, content)"
    ");",
    "CREATE INDEX gap_open ON gap(first_run) WHERE closed_run IS NULL;",
    "CREATE TABLE asset_count("
    " flags INTEGER PRIMARY KEY,"
    " n INTEGER NOT NULL"
    ");",
    "CREATE TRIGGER asset_new AFTER INSERT ON asset BEGIN"
    " INSERT INTO asset_count(flags, n) VALUES(new.flags, 1)"
    " ON CONFLICT(flags) DO UPDATE SET n = n + 1;"
    "END;",
    "CREATE TRIGGER asset_changed AFTER UPDATE OF flags ON asset"
    " WHEN old.flags <> new.flags BEGIN"
    " UPDATE asset_count SET n = n - 1 WHERE flags = old.flags;"
    " INSERT INTO asset_count(flags, n) VALUES(new.flags, 1)"
    " ON CONFLICT(flags) DO UPDATE SET n = n + 1;"
    "END;",
    "CREATE TABLE content_count("
    " live INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " PRIMARY KEY(live, state)"
    ") WITHOUT ROWID;",
    "CREATE TRIGGER content_new AFTER INSERT ON content BEGIN"
    " INSERT INTO content_count(live, state, n, bytes)"
    " VALUES(new.live, new.state, 1, new.bytes)"
    " ON CONFLICT(live, state)"
    " DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;"
    "END;",
    "CREATE TRIGGER content_changed"
    " AFTER UPDATE OF live, state, bytes ON content"
    " WHEN old.live <> new.live OR old.state <> new.state"
    " OR old.bytes <> new.bytes BEGIN"
    " UPDATE content_count SET n = n - 1, bytes = bytes - old.bytes"
    " WHERE live = old.live AND state = old.state;"
    " INSERT INTO content_count(live, state, n, bytes)"
    " VALUES(new.live, new.state, 1, new.bytes)"
    " ON CONFLICT(live, state)"
    " DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;"
    "END;",
    "CREATE TABLE month("
    " month INTEGER PRIMARY KEY,"
    " dirty INTEGER NOT NULL"
    ");",
    NULL,
};

#endif
