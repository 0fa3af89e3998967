ALTER DATABASE app SET pg_session_jwt.jwks_file = 'jwks/supabase-legacy.json';
ALTER DATABASE app SET pg_session_jwt.issuer = 'https://ekvlflnzijykfdnlvtoc.supabase.co/auth/v1';
ALTER DATABASE app SET pg_session_jwt.audience = 'authenticated';
ALTER DATABASE app SET pg_session_jwt.algorithms = 'HS256';
