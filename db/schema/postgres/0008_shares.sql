-- The shares of a work in one role are no more than the whole; thirds may be rounded up.
CREATE FUNCTION party_shares() RETURNS trigger LANGUAGE plpgsql SET search_path = undertone, pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT sum(share) FROM party WHERE recording_id = new.recording_id AND role = new.role) > 1.0001 THEN
        RAISE EXCEPTION 'shares add up to more than the whole work'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'party_shares', TABLE = 'party';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER party_shares AFTER INSERT OR UPDATE OF recording_id, role, share ON party
    FOR EACH ROW EXECUTE FUNCTION party_shares();
