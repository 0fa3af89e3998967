ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/clerk.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://clerk.example.com';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
ALTER DATABASE app SET pg_session_jwt.claims = '{"azp": "https://app.example.com", "sts": "active"}';
