-- How much of a stretch had speech over it. What was stored before has none.
ALTER TABLE airplay ADD COLUMN speech_share double precision CHECK (speech_share BETWEEN 0 AND 1);
