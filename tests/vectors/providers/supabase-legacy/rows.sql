INSERT INTO note (owner, body) VALUES ('93269bca-11da-43e0-975b-8fdc795f5857', 'mine'), ('9705e25f-c166-49f8-a795-579a42a41c3d', 'theirs');
INSERT INTO report (organization, body) VALUES ('443c8ed3-c453-4b30-b6b7-d14a2af18ff3', 'ours'), ('a986fd4f-bae1-419f-a896-c23a7248b1a6', 'theirs');
