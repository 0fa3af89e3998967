CREATE TABLE note (
    owner text NOT NULL DEFAULT auth.user_id(),
    body  text NOT NULL
);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app;
CREATE POLICY not_anonymous ON note AS RESTRICTIVE
    USING (auth.claim('firebase', 'sign_in_provider') <> 'anonymous');

CREATE TABLE report (body text NOT NULL);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON report FOR SELECT
    USING (auth.role() = 'editor');
GRANT SELECT ON report TO app;
