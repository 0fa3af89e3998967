INSERT INTO note (owner, body) VALUES ('user_OfiljhqeLL6OsYPwLsPYds3eHWr', 'mine'), ('user_GtRBZsXZFCPehNT4BaIvCTXMijH', 'theirs');
INSERT INTO report (organization, body) VALUES ('org_jFTLia8KN1bOrYUfmmRNKRq0VHM', 'ours'), ('org_other', 'theirs');
