-- The store of undertone. Times: nanoseconds since 1970, UTC (_ns); samples: index at 16 kHz within a segment.
-- Each row's crc is CRC-32C over its other columns (db/sqlite_verify.c), so that `catalogue verify` finds a bad byte.

-- Raised by every change of what can be recognised or of what is known of it; indexes carry it.
CREATE TABLE catalogue (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL CHECK (version >= 0),
    crc     INTEGER
) STRICT;
INSERT INTO catalogue VALUES (1, 0, row_crc(1, 0));

-- Never deleted: a removed recording loses its fingerprints, but what was on air keeps its title.
CREATE TABLE recording (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    audio_sha256 TEXT NOT NULL UNIQUE CHECK (length(audio_sha256) = 64),
    file         TEXT,
    title        TEXT NOT NULL CHECK (title <> ''),
    artist       TEXT,
    album        TEXT,
    isrc         TEXT,
    label        TEXT,
    library      TEXT,
    catalogue_no TEXT,
    work         TEXT,
    iswc         TEXT,
    duration_ms  INTEGER NOT NULL CHECK (duration_ms >= 0),
    added_ns     INTEGER NOT NULL,
    removed_ns   INTEGER NOT NULL DEFAULT 0, -- 0: it is in the catalogue
    crc          INTEGER
) STRICT;

-- Who has a share in the work of a recording, in the order given.
CREATE TABLE party (
    recording_id INTEGER NOT NULL REFERENCES recording (id),
    position     INTEGER NOT NULL CHECK (position >= 0),
    name         TEXT NOT NULL CHECK (name <> ''),
    ipi          TEXT,
    society      TEXT,
    role         TEXT NOT NULL CHECK (role IN ('composer', 'author', 'arranger', 'publisher', 'subpublisher')),
    share        REAL CHECK (share BETWEEN 0 AND 1), -- of the work; NULL: unknown
    crc          INTEGER,
    UNIQUE (recording_id, position)
) STRICT;

CREATE TABLE fingerprint (
    recording_id INTEGER NOT NULL REFERENCES recording (id),
    params       TEXT NOT NULL CHECK (params <> ''),
    data         BLOB NOT NULL,
    crc          INTEGER,
    UNIQUE (params, recording_id)
) STRICT;
CREATE INDEX fingerprint_of ON fingerprint (recording_id);

-- Files that `catalogue add` has read: while size and time of change stay, they need no second reading.
CREATE TABLE source (
    path         TEXT NOT NULL UNIQUE,
    size         INTEGER NOT NULL CHECK (size >= 0),
    mtime_ns     INTEGER NOT NULL,
    recording_id INTEGER NOT NULL REFERENCES recording (id),
    crc          INTEGER
) STRICT;
CREATE INDEX source_of ON source (recording_id);

CREATE TABLE segment (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    channel        TEXT NOT NULL CHECK (channel <> ''),
    source         TEXT NOT NULL,
    start_ns       INTEGER NOT NULL,
    sample_count   INTEGER NOT NULL CHECK (sample_count >= 0), -- 0: not ended
    time_source    TEXT NOT NULL,
    uncertainty_ms INTEGER NOT NULL CHECK (uncertainty_ms >= 0),
    resume_sample  INTEGER NOT NULL DEFAULT 0 CHECK (resume_sample >= 0),
    done           INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
    crc            INTEGER,
    UNIQUE (channel, source, start_ns)
) STRICT;

CREATE TABLE gap (
    channel  TEXT NOT NULL CHECK (channel <> ''),
    start_ns INTEGER NOT NULL,
    end_ns   INTEGER NOT NULL CHECK (end_ns >= start_ns),
    reason   TEXT NOT NULL,
    crc      INTEGER,
    UNIQUE (channel, start_ns, end_ns, reason)
) STRICT;

-- Written once; a correction is another row.
CREATE TABLE airplay (
    id                TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    channel           TEXT NOT NULL CHECK (channel <> ''),
    segment_id        INTEGER NOT NULL REFERENCES segment (id),
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
    music_lufs        REAL,
    speech_lufs       REAL,
    mix_lufs          REAL,
    engine_version    TEXT NOT NULL,
    model_hash        TEXT NOT NULL,
    params            TEXT NOT NULL,
    catalogue_version INTEGER NOT NULL,
    crc               INTEGER,
    CHECK ((recording_id IS NULL) = (outcome = 'unidentified'))
) STRICT;
CREATE INDEX airplay_on_air ON airplay (channel, start_ns);
CREATE INDEX airplay_length ON airplay (channel, end_ns - start_ns); -- finds the longest of a channel at once
CREATE INDEX airplay_segment ON airplay (segment_id);
CREATE INDEX airplay_recording ON airplay (recording_id);

-- Events not yet acknowledged by their sink. AUTOINCREMENT: a seq is never given twice.
CREATE TABLE outbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    type    TEXT NOT NULL,
    key     TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    json    TEXT NOT NULL,
    crc     INTEGER
) STRICT;
