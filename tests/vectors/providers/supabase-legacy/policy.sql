CREATE TABLE note (
    owner uuid NOT NULL DEFAULT auth.uid(),
    body  text NOT NULL
);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.uid());
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app;

CREATE TABLE report (organization uuid NOT NULL, body text NOT NULL);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON report FOR SELECT
    USING (organization = auth.claim('app_metadata', 'organization')::uuid);
GRANT SELECT ON report TO app;
