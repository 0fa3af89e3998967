INSERT INTO note (owner, body) VALUES ('f08a626c-491f-47fe-a934-161470df5e57', 'mine'), ('40495d68-f377-4313-adb3-d0b54975015f', 'theirs');
INSERT INTO report (body) VALUES ('ours');
