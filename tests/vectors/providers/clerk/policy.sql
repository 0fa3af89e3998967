CREATE TABLE note (
    owner text NOT NULL DEFAULT auth.user_id(),
    body  text NOT NULL
);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app;

CREATE TABLE report (organization text NOT NULL, body text NOT NULL);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON report FOR SELECT
    USING (organization = auth.claim('o', 'id') AND auth.claim('o', 'rol') = 'admin');
GRANT SELECT ON report TO app;
