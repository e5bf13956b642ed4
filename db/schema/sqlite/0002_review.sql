-- What became of an airplay after it was recognised, and what is kept to recognise it again.

-- Airplays are written once: this is what they are now. Whole, so that the last row is all there is to read.
CREATE TABLE revision (
    airplay_id        TEXT NOT NULL REFERENCES airplay (id),
    number            INTEGER NOT NULL CHECK (number >= 2), -- 1 is the airplay itself
    channel           TEXT NOT NULL CHECK (channel <> ''),
    review            TEXT NOT NULL CHECK (review IN ('final', 'approved', 'corrected', 'rejected')),
    start_ns          INTEGER NOT NULL,
    end_ns            INTEGER NOT NULL CHECK (end_ns >= start_ns),
    outcome           TEXT NOT NULL CHECK (outcome IN ('identified', 'ambiguous', 'unidentified')),
    witness           TEXT NOT NULL CHECK (witness IN ('none', 'mix', 'music', 'both')),
    start_sample      INTEGER NOT NULL,
    end_sample        INTEGER NOT NULL CHECK (end_sample >= start_sample),
    recording_id      INTEGER REFERENCES recording (id),
    ref_start_s       REAL,
    ref_end_s         REAL,
    time_scale        REAL,
    log10_e           REAL,
    score             REAL,
    usage_code        TEXT NOT NULL,
    catalogue_version INTEGER NOT NULL,
    cause             TEXT NOT NULL CHECK (cause IN ('person', 'rule', 'label', 'reidentify')),
    cause_id          INTEGER NOT NULL,
    who               TEXT NOT NULL CHECK (who <> ''),
    why               TEXT NOT NULL,
    at_ns             INTEGER NOT NULL,
    crc               INTEGER,
    CHECK ((recording_id IS NULL) = (outcome = 'unidentified')),
    UNIQUE (airplay_id, number)
) STRICT;
CREATE INDEX revision_on_air ON revision (channel, start_ns);
CREATE INDEX revision_cause ON revision (cause, cause_id);

-- Peaks of stretches that nothing, or more than one recording, explained (fingerprint/trail.h). In order of arrival.
CREATE TABLE trail (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    airplay_id      TEXT NOT NULL UNIQUE REFERENCES airplay (id),
    params          TEXT NOT NULL CHECK (params <> ''),
    matched_version INTEGER NOT NULL, -- of the catalogue that it was last matched against
    data            BLOB NOT NULL,
    crc             INTEGER
) STRICT;
CREATE INDEX trail_matched ON trail (params, matched_version);

-- The catalogue version that a recording's newest fingerprint came with; those from before this table count as 0.
CREATE TABLE growth (
    recording_id INTEGER NOT NULL UNIQUE REFERENCES recording (id),
    version      INTEGER NOT NULL,
    crc          INTEGER
) STRICT;
CREATE INDEX growth_since ON growth (version);
