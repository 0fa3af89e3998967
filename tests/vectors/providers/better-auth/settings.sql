ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/better-auth.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://app.example.com';
ALTER DATABASE app SET pg_session_jwt.audience = 'https://app.example.com';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'EdDSA';
