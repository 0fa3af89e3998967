INSERT INTO note (owner, body) VALUES ('d1dd668a-be03-4069-aeae-da24ef412ba3', 'mine'), ('abf81fdc-6966-4449-97ce-993df5951420', 'theirs');
INSERT INTO report (organization, body) VALUES ('a58e9f5c-2871-43c3-9b8b-4d74181be579', 'ours'), ('54225fbc-aba0-4f26-a6d7-bdb3cc6b9c55', 'theirs');
