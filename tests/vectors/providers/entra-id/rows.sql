INSERT INTO note (owner, body) VALUES ('b7b22c15-2888-467f-84c7-c34990ae509d', 'mine'), ('b6449ca1-65a5-4022-84f5-10261f47633f', 'theirs');
INSERT INTO report (body) VALUES ('ours');
