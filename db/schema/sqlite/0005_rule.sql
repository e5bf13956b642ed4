-- Rules that review cues by themselves. Never deleted: what a removed one did keeps its reason.
CREATE TABLE rule (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT NOT NULL CHECK (kind IN ('approve', 'ignore')),
    channel      TEXT NOT NULL,                              -- '': any
    recording_id INTEGER REFERENCES recording (id),          -- NULL: any
    max_log10_e  REAL,                                       -- NULL: any
    who          TEXT NOT NULL CHECK (who <> ''),
    why          TEXT NOT NULL,
    added_ns     INTEGER NOT NULL,
    removed_ns   INTEGER NOT NULL DEFAULT 0, -- 0: in force
    removed_by   TEXT NOT NULL DEFAULT '',
    crc          INTEGER
) STRICT;
