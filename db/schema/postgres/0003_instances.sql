-- Several processes on one store: who does what, and who alone may.

-- Held until until_ns unless renewed, by the clock of the server. Names: "outbox", "channel/ID".
CREATE TABLE lease (
    name     text PRIMARY KEY CHECK (name <> ''),
    owner    text NOT NULL CHECK (owner <> ''),
    until_ns bigint NOT NULL
);

-- Processes at work, by their own word.
CREATE TABLE instance (
    id         text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    kind       text NOT NULL,
    host       text NOT NULL,
    pid        bigint NOT NULL,
    started_ns bigint NOT NULL,
    beat_ns    bigint NOT NULL,
    state      text NOT NULL
);
