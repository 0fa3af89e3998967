INSERT INTO note (owner, body) VALUES ('60a3c0b2-0295-44af-b7dd-e39ea4e4b140', 'mine'), ('015a9a03-02a9-4b1a-b8fc-b96bacf3c084', 'theirs');
INSERT INTO report (body) VALUES ('ours');
