-- What was shown, and when. A programme is shown any number of times; the airings of a channel never overlap.

CREATE TABLE programme (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    key           TEXT NOT NULL UNIQUE CHECK (key <> ''),
    title         TEXT NOT NULL CHECK (title <> ''),
    aka           TEXT,
    episode       TEXT,
    episode_aka   TEXT,
    episode_no    TEXT,
    production_no TEXT,
    category      TEXT,
    version       TEXT,
    company       TEXT,
    crid          TEXT,
    crc           INTEGER
) STRICT;

CREATE TABLE airing (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    programme_id INTEGER NOT NULL REFERENCES programme (id),
    channel      TEXT NOT NULL CHECK (channel <> ''),
    start_ns     INTEGER NOT NULL,
    end_ns       INTEGER NOT NULL CHECK (end_ns > start_ns),
    source       TEXT NOT NULL CHECK (source IN ('manual', 'as-run', 'eit', 'xmltv')),
    boundary     TEXT NOT NULL CHECK (boundary IN ('logged', 'announced', 'scheduled', 'guessed')),
    crc          INTEGER,
    UNIQUE (channel, start_ns)
) STRICT;
CREATE INDEX airing_programme ON airing (programme_id);

-- Since none overlaps, the last that begins before the new one ends is the only one that could.
CREATE TRIGGER airing_overlap BEFORE INSERT ON airing
WHEN (SELECT end_ns FROM airing WHERE channel = NEW.channel AND start_ns < NEW.end_ns ORDER BY start_ns DESC LIMIT 1)
    > NEW.start_ns
BEGIN
    SELECT RAISE(ABORT, 'airings of a channel overlap');
END;
