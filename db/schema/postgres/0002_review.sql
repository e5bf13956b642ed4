-- What became of an airplay after it was recognised, and what is kept to recognise it again. An airplay is referred to by
-- its id and the start it was recognised with: that is its key.

-- Airplays are written once: this is what they are now. Whole, so that the last row is all there is to read.
CREATE TABLE revision (
    airplay_id        text COLLATE "C" NOT NULL,
    airplay_start_ns  bigint NOT NULL,
    number            bigint NOT NULL CHECK (number >= 2), -- 1 is the airplay itself
    channel           text COLLATE "C" NOT NULL CHECK (channel <> ''),
    review            text NOT NULL CHECK (review IN ('final', 'approved', 'corrected', 'rejected')),
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
    usage_code        text NOT NULL,
    catalogue_version bigint NOT NULL,
    cause             text NOT NULL CHECK (cause IN ('person', 'rule', 'label', 'reidentify')),
    cause_id          bigint NOT NULL,
    who               text NOT NULL CHECK (who <> ''),
    why               text NOT NULL,
    at_ns             bigint NOT NULL,
    PRIMARY KEY (airplay_id, number),
    FOREIGN KEY (airplay_id, airplay_start_ns) REFERENCES airplay (id, start_ns),
    CHECK ((recording_id IS NULL) = (outcome = 'unidentified'))
);
CREATE INDEX revision_on_air ON revision (channel, start_ns);
CREATE INDEX revision_cause ON revision (cause, cause_id);

-- Peaks of stretches that nothing, or more than one recording, explained (fingerprint/trail.h). In order of arrival.
CREATE TABLE trail (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    airplay_id       text COLLATE "C" NOT NULL UNIQUE,
    airplay_start_ns bigint NOT NULL,
    params           text COLLATE "C" NOT NULL CHECK (params <> ''),
    matched_version  bigint NOT NULL, -- of the catalogue that it was last matched against
    data             bytea NOT NULL,
    FOREIGN KEY (airplay_id, airplay_start_ns) REFERENCES airplay (id, start_ns)
);
ALTER TABLE trail ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX trail_matched ON trail (params, matched_version);

-- The catalogue version that a recording's newest fingerprint came with; those from before this table count as 0.
CREATE TABLE growth (
    recording_id bigint PRIMARY KEY REFERENCES recording (id),
    version      bigint NOT NULL
);
CREATE INDEX growth_since ON growth (version);
