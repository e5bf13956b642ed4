-- Rules that review cues by themselves. Never deleted: what a removed one did keeps its reason.
CREATE TABLE rule (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('approve', 'ignore')),
    channel      text NOT NULL,                     -- '': any
    recording_id bigint REFERENCES recording (id), -- NULL: any
    max_log10_e  double precision,                  -- NULL: any
    who          text NOT NULL CHECK (who <> ''),
    why          text NOT NULL,
    added_ns     bigint NOT NULL,
    removed_ns   bigint NOT NULL DEFAULT 0, -- 0: in force
    removed_by   text NOT NULL DEFAULT ''
);
