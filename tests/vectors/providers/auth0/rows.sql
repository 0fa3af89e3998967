INSERT INTO note (owner, body) VALUES ('auth0|1b7743ac8c99b36e1c48c951', 'mine'), ('auth0|000000000000000000000000', 'theirs');
INSERT INTO report (organization, body) VALUES ('org_17oltntYNapmcKbM', 'ours'), ('org_other', 'theirs');
