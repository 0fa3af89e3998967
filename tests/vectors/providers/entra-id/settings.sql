ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/entra-id.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://login.microsoftonline.com/250e1e90-f2f3-4aa4-bf97-3d4d5af85929/v2.0';
ALTER DATABASE app SET pg_session_jwt.audience = '620809c4-b68c-4315-99ba-fb6885fce5a0';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'RS256';
