-- The shares of a work in one role are no more than the whole; thirds may be rounded up.
CREATE TRIGGER party_shares AFTER INSERT ON party WHEN (SELECT sum(share) FROM party
    WHERE recording_id = new.recording_id AND role = new.role) > 1.0001
BEGIN
    SELECT RAISE(ABORT, 'party_shares: shares add up to more than the whole work');
END;
CREATE TRIGGER party_shares_changed AFTER UPDATE OF recording_id, role, share ON party WHEN (SELECT sum(share) FROM party
    WHERE recording_id = new.recording_id AND role = new.role) > 1.0001
BEGIN
    SELECT RAISE(ABORT, 'party_shares: shares add up to more than the whole work');
END;
