ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/keycloak.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://sso.example.com/realms/acme';
ALTER DATABASE app SET pg_session_jwt.audience = 'notes';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
