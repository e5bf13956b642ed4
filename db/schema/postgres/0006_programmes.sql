-- What was shown, and when. A programme is shown any number of times; the airings of a channel never overlap.

CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA undertone; -- text beside a range in one exclusion

CREATE TABLE programme (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key           text COLLATE "C" NOT NULL UNIQUE CHECK (key <> ''),
    title         text NOT NULL CHECK (title <> ''),
    aka           text,
    episode       text,
    episode_aka   text,
    episode_no    text,
    production_no text,
    category      text,
    version       text,
    company       text,
    crid          text
);

CREATE TABLE airing (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme_id bigint NOT NULL REFERENCES programme (id),
    channel      text COLLATE "C" NOT NULL CHECK (channel <> ''),
    start_ns     bigint NOT NULL,
    end_ns       bigint NOT NULL CHECK (end_ns > start_ns),
    source       text NOT NULL CHECK (source IN ('manual', 'as-run', 'eit', 'xmltv')),
    boundary     text NOT NULL CHECK (boundary IN ('logged', 'announced', 'scheduled', 'guessed')),
    UNIQUE (channel, start_ns),
    EXCLUDE USING gist (channel WITH =, int8range(start_ns, end_ns) WITH &&)
);
CREATE INDEX airing_programme ON airing (programme_id);
