ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/stack-auth.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://api.stack-auth.com/api/v1/projects/4e4de981-3098-4517-9df7-a743ebc6da38';
ALTER DATABASE app SET pg_session_jwt.audience = '4e4de981-3098-4517-9df7-a743ebc6da38';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'ES256';
