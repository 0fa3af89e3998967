CREATE TABLE note (
    owner uuid NOT NULL DEFAULT auth.uid(),
    body  text NOT NULL
);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.uid());
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app;

CREATE TABLE report (body text NOT NULL);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON report FOR SELECT
    USING (auth.has_scope('reports/read'));
GRANT SELECT ON report TO app;
