INSERT INTO note (owner, body) VALUES ('i53rpIxPTSlVDMrSKF3gEj1yIw25', 'mine'), ('23O7fR4XTmTIkTs6IZDMqAdUzGHJ', 'theirs');
INSERT INTO report (body) VALUES ('ours');
