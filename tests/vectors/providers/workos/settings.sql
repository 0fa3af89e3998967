ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/workos.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://api.workos.com/user_management/client_01GE57RE0P6QCNEV0NS6DYMM9M';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
ALTER DATABASE app SET pg_session_jwt.claims = '{"client_id": "client_01GE57RE0P6QCNEV0NS6DYMM9M"}';
