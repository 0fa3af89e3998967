INSERT INTO note (owner, body) VALUES ('j8QLeoTUzUzdDyh8hoh8VOOggsrkAd2F', 'mine'), ('kAHXMzqNLRT5VmjOCJeRM3CE5aWLTPTI', 'theirs');
