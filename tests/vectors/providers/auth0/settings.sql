ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/auth0.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://dev-example.us.auth0.com/';
ALTER DATABASE app SET pg_session_jwt.audience = 'https://api.example.com';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
