-- The store of undertone in PostgreSQL; everything lives in the schema "undertone". Times: nanoseconds since 1970, UTC
-- (_ns); samples: index at 16 kHz within a segment. What grows with the time on air is partitioned by month of
-- start_ns. Identifiers sort by their bytes, whatever the collation of the database.

-- The id tells stores apart: files derived from one carry it in their name.
CREATE TABLE store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id  uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO store DEFAULT VALUES;

-- Raised by every change of what can be recognised or of what is known of it; indexes carry it.
CREATE TABLE catalogue (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL CHECK (version >= 0)
);
INSERT INTO catalogue (version) VALUES (0);

-- Never deleted: a removed recording loses its fingerprints, but what was on air keeps its title.
CREATE TABLE recording (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audio_sha256 text COLLATE "C" NOT NULL UNIQUE CHECK (audio_sha256 ~ '^[0-9a-f]{64}$'),
    file         text,
    title        text NOT NULL CHECK (title <> ''),
    artist       text,
    album        text,
    isrc         text,
    label        text,
    library      text,
    catalogue_no text,
    work         text,
    iswc         text,
    duration_ms  bigint NOT NULL CHECK (duration_ms >= 0),
    added_ns     bigint NOT NULL,
    removed_ns   bigint NOT NULL DEFAULT 0 -- 0: it is in the catalogue
);
CREATE INDEX recording_isrc ON recording (isrc) WHERE isrc IS NOT NULL;

-- Who has a share in the work of a recording, in the order given.
CREATE TABLE party (
    recording_id bigint NOT NULL REFERENCES recording (id),
    position     bigint NOT NULL CHECK (position >= 0),
    name         text NOT NULL CHECK (name <> ''),
    ipi          text CHECK (ipi ~ '^[0-9]{9,11}$'),
    society      text,
    role         text NOT NULL CHECK (role IN ('composer', 'author', 'arranger', 'publisher', 'subpublisher')),
    share        double precision CHECK (share BETWEEN 0 AND 1), -- of the work; NULL: unknown
    PRIMARY KEY (recording_id, position)
);

-- The digest lets `catalogue verify` find a changed byte; the data is dense already, so the server need not try to
-- compress it.
CREATE TABLE fingerprint (
    recording_id bigint NOT NULL REFERENCES recording (id),
    params       text COLLATE "C" NOT NULL CHECK (params <> ''),
    data         bytea NOT NULL,
    digest       bytea NOT NULL GENERATED ALWAYS AS (sha256(data)) STORED,
    PRIMARY KEY (params, recording_id)
);
ALTER TABLE fingerprint ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX fingerprint_of ON fingerprint (recording_id);

-- Files that `catalogue add` has read: while size and time of change stay, they need no second reading. A path is
-- bytes, not text.
CREATE TABLE source (
    path         bytea PRIMARY KEY,
    size         bigint NOT NULL CHECK (size >= 0),
    mtime_ns     bigint NOT NULL,
    recording_id bigint NOT NULL REFERENCES recording (id)
);
CREATE INDEX source_of ON source (recording_id);

-- Not partitioned: airplays refer to it, and a channel has few a day.
CREATE TABLE segment (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel        text COLLATE "C" NOT NULL CHECK (channel <> ''),
    source         text COLLATE "C" NOT NULL,
    start_ns       bigint NOT NULL,
    sample_count   bigint NOT NULL CHECK (sample_count >= 0), -- 0: not ended
    time_source    text NOT NULL,
    uncertainty_ms bigint NOT NULL CHECK (uncertainty_ms >= 0),
    resume_sample  bigint NOT NULL DEFAULT 0 CHECK (resume_sample >= 0),
    done           boolean NOT NULL DEFAULT false,
    UNIQUE (channel, source, start_ns)
);
CREATE INDEX segment_on_air ON segment (channel, start_ns);

CREATE TABLE gap (
    channel  text COLLATE "C" NOT NULL CHECK (channel <> ''),
    start_ns bigint NOT NULL,
    end_ns   bigint NOT NULL CHECK (end_ns >= start_ns),
    reason   text COLLATE "C" NOT NULL,
    PRIMARY KEY (channel, start_ns, end_ns, reason)
) PARTITION BY RANGE (start_ns);

-- Written once; a correction is another row. The id is made of channel, start and recording, so it is unique by itself;
-- the start is in the key because the table is partitioned by it.
CREATE TABLE airplay (
    id                text COLLATE "C" NOT NULL CHECK (length(id) = 36),
    channel           text COLLATE "C" NOT NULL CHECK (channel <> ''),
    segment_id        bigint NOT NULL REFERENCES segment (id),
    start_ns          bigint NOT NULL,
    end_ns            bigint NOT NULL CHECK (end_ns >= start_ns),
    outcome           text NOT NULL CHECK (outcome IN ('identified', 'ambiguous', 'unidentified')),
    witness           text NOT NULL CHECK (witness IN ('none', 'mix', 'music', 'both')),
    start_sample      bigint NOT NULL,
    end_sample        bigint NOT NULL CHECK (end_sample >= start_sample),
    recording_id      bigint REFERENCES recording (id),
    ref_start_s       double precision,
    ref_end_s         double precision,
    time_scale        double precision,
    log10_e           double precision,
    score             double precision,
    music_lufs        double precision,
    speech_lufs       double precision,
    mix_lufs          double precision,
    engine_version    text NOT NULL,
    model_hash        text NOT NULL,
    params            text NOT NULL,
    catalogue_version bigint NOT NULL,
    PRIMARY KEY (id, start_ns),
    CHECK ((recording_id IS NULL) = (outcome = 'unidentified'))
) PARTITION BY RANGE (start_ns);
CREATE INDEX airplay_on_air ON airplay (channel, start_ns);
CREATE INDEX airplay_length ON airplay (channel, (end_ns - start_ns)); -- finds the longest of a channel at once
CREATE INDEX airplay_segment ON airplay (segment_id);
CREATE INDEX airplay_recording ON airplay (recording_id);

-- Events not yet acknowledged by their sink. A seq is never given twice.
CREATE TABLE outbox (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      text COLLATE "C" NOT NULL UNIQUE CHECK (length(id) = 36),
    type    text NOT NULL,
    key     text NOT NULL,
    time_ns bigint NOT NULL,
    json    text NOT NULL
);

-- Makes the partition of the month that holds at_ns, unless it is there. It runs with the rights of its owner, so that
-- a monitor needs none to change tables. A table made apart and then attached does not stop readers of its parent.
CREATE FUNCTION partition_make(parent text, at_ns bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = undertone, pg_catalog, pg_temp AS $$
DECLARE
    month    timestamp := date_trunc('month', timestamp '1970-01-01' + at_ns / 1000 * interval '1 microsecond');
    from_ns  numeric := extract(epoch FROM month) * 1000000000;
    until_ns numeric := extract(epoch FROM month + interval '1 month') * 1000000000;
    name     text := parent || to_char(month, '_YYYY_MM');
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass('undertone.' || quote_ident(parent))) THEN
        RAISE EXCEPTION '% is not a partitioned table of undertone', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(1970563401, 1); -- one at a time
    IF to_regclass('undertone.' || quote_ident(name)) IS NOT NULL THEN
        RETURN;
    END IF;
    from_ns := greatest(from_ns, -9223372036854775808);
    until_ns := least(until_ns, 9223372036854775807);
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, name,
                   trunc(from_ns), trunc(until_ns));
END
$$;

-- What was on air, as people read it.
CREATE VIEW on_air AS
SELECT channel, to_timestamp(start_ns / 1e9) AS starts, to_timestamp(end_ns / 1e9) AS ends, outcome, title, artist, isrc,
       label, log10_e, music_lufs, speech_lufs, airplay.id
FROM airplay LEFT JOIN recording ON recording.id = recording_id;
