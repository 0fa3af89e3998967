CREATE FOREIGN TABLE far_note (owner text, body text) SERVER far OPTIONS (table_name 'note');
CREATE FOREIGN TABLE far_identity (token text) SERVER far OPTIONS (table_name 'identity');
GRANT SELECT, INSERT ON far_note TO app;
GRANT INSERT ON far_identity TO app;
