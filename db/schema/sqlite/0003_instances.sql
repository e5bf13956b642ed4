-- Several processes on one store: who does what, and who alone may.

-- Held until until_ns unless renewed. Names: "outbox", "channel/ID".
CREATE TABLE lease (
    name     TEXT PRIMARY KEY CHECK (name <> ''),
    owner    TEXT NOT NULL CHECK (owner <> ''),
    until_ns INTEGER NOT NULL
) STRICT;

-- Processes at work, by their own word.
CREATE TABLE instance (
    id         TEXT PRIMARY KEY CHECK (id <> ''),
    kind       TEXT NOT NULL,
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    started_ns INTEGER NOT NULL,
    beat_ns    INTEGER NOT NULL,
    state      TEXT NOT NULL
) STRICT;
