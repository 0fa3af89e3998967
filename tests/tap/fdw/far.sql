CREATE VIEW identity AS SELECT NULL::text AS token WHERE false;
CREATE FUNCTION take_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('pg_session_jwt.jwt', NEW.token, true);
    PERFORM auth.user_id();  -- refuses a bad token now, not later
    RETURN NEW;
END $$;
CREATE TRIGGER take_identity INSTEAD OF INSERT ON identity
    FOR EACH ROW EXECUTE FUNCTION take_identity();
GRANT INSERT ON identity TO app;
GRANT SELECT, INSERT ON note TO app;
