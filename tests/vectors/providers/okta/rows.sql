INSERT INTO note (owner, body) VALUES ('00u4dff6eLoKmblQDKbr', 'mine'), ('00uM2oIXvQfjkRzzQsre', 'theirs');
INSERT INTO report (body) VALUES ('ours');
