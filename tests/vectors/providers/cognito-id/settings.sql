ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/cognito.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_cSxvjhqTv';
ALTER DATABASE app SET pg_session_jwt.audience = 'cndgjj9q0kcwtly4gx9l7e7v0j';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
ALTER DATABASE app SET pg_session_jwt.claims = '{"token_use": "id"}';
