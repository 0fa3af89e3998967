BEGIN;
SELECT auth.jwt_session_init($1, true);
INSERT INTO far_identity VALUES (current_setting('pg_session_jwt.jwt'));
SELECT body FROM far_note;
COMMIT;
