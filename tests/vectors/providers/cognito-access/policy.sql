CREATE TABLE note (
    owner uuid NOT NULL DEFAULT auth.uid(),
    body  text NOT NULL
);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.uid());
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app;
CREATE POLICY this_app ON note AS RESTRICTIVE
    USING (auth.claim('token_use') = 'access' AND auth.claim('client_id') = 'cndgjj9q0kcwtly4gx9l7e7v0j');

CREATE TABLE report (body text NOT NULL);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON report FOR SELECT
    USING (auth.has_scope('reports/read'));
GRANT SELECT ON report TO app;
