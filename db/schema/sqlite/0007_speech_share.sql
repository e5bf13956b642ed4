-- How much of a stretch had speech over it. What was stored before has none; its rows get their checksum anew.
ALTER TABLE airplay ADD COLUMN speech_share REAL CHECK (speech_share BETWEEN 0 AND 1);
UPDATE airplay SET crc = row_crc(id, channel, segment_id, start_ns, end_ns, outcome, witness, start_sample, end_sample,
    recording_id, ref_start_s, ref_end_s, time_scale, log10_e, score, music_lufs, speech_lufs, mix_lufs, engine_version,
    model_hash, params, catalogue_version, speech_share);
