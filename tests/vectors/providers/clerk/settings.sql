ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/clerk.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://clerk.example.com';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
