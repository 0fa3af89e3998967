ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/okta.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://dev-example.okta.com/oauth2/default';
ALTER DATABASE app SET pg_session_jwt.audience = 'api://default';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
