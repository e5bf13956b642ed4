-- Roles with the least rights for a store of undertone in PostgreSQL. Run it as the owner of the schema, once the store
-- was made, and again after an upgrade that brought new tables:
--
--   psql "postgresql://owner@db.example/undertone" -f postgres-roles.sql
--   CREATE ROLE tv_monitor LOGIN PASSWORD '…' IN ROLE undertone_monitor;
--
-- undertone_monitor   writes what is on air: run, replay, worker. Cannot change the catalogue.
-- undertone_operator  that, and looks after the catalogue and what is made by hand: add, remove, copy, edit.
-- undertone_auditor   reads everything, changes nothing.
--
-- None of them may change the schema: an upgrade is for the owner, with any verb that writes, such as `catalogue add`.
BEGIN;
SET LOCAL search_path = undertone;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['undertone_monitor', 'undertone_operator', 'undertone_auditor'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA undertone FROM PUBLIC, undertone_monitor, undertone_operator, undertone_auditor;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA undertone FROM PUBLIC;
GRANT USAGE ON SCHEMA undertone TO undertone_monitor, undertone_operator, undertone_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA undertone TO undertone_monitor, undertone_operator, undertone_auditor;

GRANT INSERT, UPDATE ON segment TO undertone_monitor, undertone_operator;
GRANT INSERT ON gap, airplay, trail TO undertone_monitor, undertone_operator;
GRANT INSERT, DELETE ON outbox TO undertone_monitor, undertone_operator;
GRANT INSERT, UPDATE, DELETE ON lease, instance TO undertone_monitor, undertone_operator;
GRANT EXECUTE ON FUNCTION partition_make(text, bigint) TO undertone_monitor, undertone_operator;

GRANT UPDATE ON catalogue TO undertone_operator;
GRANT INSERT, UPDATE ON recording, growth TO undertone_operator;
GRANT INSERT ON revision TO undertone_operator;
GRANT UPDATE ON trail TO undertone_operator;
GRANT INSERT, UPDATE ON programme TO undertone_operator;
GRANT INSERT, DELETE ON airing TO undertone_operator;
GRANT INSERT, UPDATE ON hearing, cluster_label, rule TO undertone_operator;
GRANT INSERT, UPDATE, DELETE ON party, fingerprint, source TO undertone_operator;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA undertone TO undertone_operator;

COMMIT;
