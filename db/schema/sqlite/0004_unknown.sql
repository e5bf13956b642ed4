-- Where the same unknown tune was heard. Found by matching trails against the founders of clusters (pipeline/cluster.h).
CREATE TABLE hearing (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    trail_id    INTEGER NOT NULL REFERENCES trail (id),
    cluster_id  INTEGER NOT NULL REFERENCES hearing (id), -- the hearing that founded it; its own id for a founder
    from_sample INTEGER NOT NULL,
    to_sample   INTEGER NOT NULL CHECK (to_sample >= from_sample),
    ref_from    INTEGER NOT NULL, -- the same music in the founder; its own for a founder
    ref_to      INTEGER NOT NULL,
    log10_e     REAL,             -- NULL for a founder
    crc         INTEGER
) STRICT;
CREATE INDEX hearing_cluster ON hearing (cluster_id);
CREATE INDEX hearing_trail ON hearing (trail_id);

-- What a cluster is, once somebody said so.
CREATE TABLE cluster_label (
    cluster_id   INTEGER NOT NULL UNIQUE REFERENCES hearing (id),
    recording_id INTEGER NOT NULL REFERENCES recording (id),
    who          TEXT NOT NULL CHECK (who <> ''),
    at_ns        INTEGER NOT NULL,
    crc          INTEGER
) STRICT;
