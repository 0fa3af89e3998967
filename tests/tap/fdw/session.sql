BEGIN;
SELECT auth.jwt_authenticate($1);
INSERT INTO far_identity VALUES (current_setting('pg_session_jwt.jwt'));
SELECT body FROM far_note;
COMMIT;
