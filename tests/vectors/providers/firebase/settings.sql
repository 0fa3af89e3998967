ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/firebase.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://securetoken.google.com/example-app-4f2a1';
ALTER DATABASE app SET pg_session_jwt.audience = 'example-app-4f2a1';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
