# SPDX-License-Identifier: Apache-2.0
# docs/migrating: the scripts, each on a database of the shape that it migrates, with data.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $scripts = "$FindBin::RealBin/../migrating";
my $node = start_node('migrating');
my $key = new_key('k1');
put_file($node->data_dir . '/jwks.json', key_set($key));
my ($alice, $bob) = ('a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002');

sub run_script
{
	my ($db, $script) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([
			'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-d', $node->connstr($db),
			'-f', "$scripts/$script" ], '>', \$out, '2>', \$err);
	return ($ok, $err);
}

$node->safe_psql('postgres', 'CREATE ROLE authenticated LOGIN; CREATE ROLE anon; CREATE ROLE supabase_admin');

# The shape of Supabase's schema: a table of users, and helpers that read the settings of PostgREST.
my $supabase = <<'END';
CREATE SCHEMA auth AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA auth TO anon, authenticated;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$
  select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'))::text $$;
CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS $$
  select coalesce(nullif(current_setting('request.jwt.claim.email', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'))::text $$;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
  select coalesce(nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
ALTER FUNCTION auth.uid() OWNER TO supabase_admin;
CREATE TABLE note (
  owner uuid NOT NULL DEFAULT auth.uid() REFERENCES auth.users, author text DEFAULT auth.email(), body text);
INSERT INTO auth.users VALUES ('ALICE', 'alice@example.test'), ('BOB', 'bob@example.test');
INSERT INTO note VALUES ('ALICE', 'alice@example.test', 'of alice'), ('BOB', 'bob@example.test', 'of bob');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note TO authenticated USING (owner = auth.uid()) WITH CHECK (owner = (SELECT auth.uid()));
CREATE POLICY support ON note FOR SELECT USING (auth.role() = 'support' OR auth.jwt() ->> 'level' = '2');
CREATE VIEW me AS SELECT auth.uid() AS id, auth.role() AS role, auth.email() AS email, auth.jwt() IS NULL AS none;
GRANT SELECT, INSERT ON note, me TO authenticated, anon;
END
$supabase =~ s/ALICE/$alice/g;
$supabase =~ s/BOB/$bob/g;

my $state = <<'END';
SELECT md5(string_agg(o, E'\n' ORDER BY o)) FROM (
  SELECT format('%s %s %s', tablename, policyname, coalesce(qual, '') || coalesce(with_check, '')) AS o FROM pg_policies
  UNION ALL SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
  UNION ALL SELECT pg_get_functiondef(oid) || proowner::regrole FROM pg_proc WHERE pronamespace = 'auth'::regnamespace
  UNION ALL SELECT format('%s %s', nspowner::regrole, nspacl) FROM pg_namespace WHERE nspname = 'auth'
  UNION ALL SELECT pg_get_viewdef('me'::regclass)) AS objects
END

# What a user sees and what a new row becomes, after the statement that says who he is.
sub effect
{
	my ($db, $about, $identity) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	session_ok($node, "$db: $about", { db => $db, user => 'authenticated' },
		'BEGIN' => '',
		$identity->($alice, role => 'authenticated', email => 'alice@example.test') => qr//,
		'TABLE me' => "$alice|authenticated|alice\@example.test|f",
		'SELECT body FROM note' => 'of alice',
		"INSERT INTO note (body) VALUES ('new') RETURNING owner, author" => "$alice|alice\@example.test",
		"INSERT INTO note (owner, body) VALUES ('$bob', 'forged')" =>
		  refused('42501', 'new row violates row-level security policy for table "note"'),
		'ROLLBACK' => '',
		'BEGIN' => '',
		$identity->($bob, level => '2', role => 'authenticated') => qr//,
		'SELECT count(*) FROM note' => '2',
		'ROLLBACK' => '',
		'SELECT id, none FROM me' => 'NULL|t',
		'SELECT count(*) FROM note' => '0');
	return;
}

# As PostgREST hands claims over.
sub claims
{
	my ($sub, %claims) = @_;
	my $members = join ', ', map { "\"$_\": \"$claims{$_}\"" } sort keys %claims;
	return qq{SELECT set_config('request.jwt.claims', '{"sub": "$sub", $members}', true)};
}

sub token
{
	my ($sub, %claims) = @_;
	return sprintf q{SELECT auth.jwt_authenticate('%s')}, token_for($key, $sub, %claims);
}

$node->safe_psql('postgres', 'CREATE DATABASE supabase');
$node->safe_psql('supabase', $supabase);
my $before = $node->safe_psql('supabase', $state);
effect('supabase', 'before', \&claims);
my ($ok, $err) = run_script('supabase', 'supabase.sql');
ok($ok, 'supabase.sql runs') or diag($err);
effect('supabase', 'afterwards, in claims mode', \&claims);
$node->safe_psql('postgres', trust('supabase'));
effect('supabase', 'in issuer mode', \&token);
session_ok($node, 'supabase: in issuer mode the setting has no effect', { db => 'supabase', user => 'authenticated' },
	'BEGIN' => '', claims($alice) =~ s/, \}/}/r => qr//, 'SELECT count(*) FROM note' => '0', 'ROLLBACK' => '');
$node->safe_psql('supabase', 'CREATE POLICY later ON note USING (owner = auth.uid())');
my ($undone) = run_script('supabase', 'supabase-undo.sql');
ok(!$undone, 'supabase-undo.sql fails where a newer policy uses the extension');
effect('supabase', 'after that', \&token);
$node->safe_psql('supabase', 'DROP POLICY later ON note');
($ok, $err) = run_script('supabase', 'supabase-undo.sql');
ok($ok, 'supabase-undo.sql runs') or diag($err);
$node->safe_psql('postgres', 'ALTER DATABASE supabase RESET ALL');
is($node->safe_psql('supabase', $state), $before, 'supabase: every definition is as before');
effect('supabase', 'undone', \&claims);

# A helper of another type: nothing changes.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other',
	q{CREATE SCHEMA auth; CREATE FUNCTION auth.uid() RETURNS text LANGUAGE sql AS $$SELECT 'x'::text$$});
($ok, $err) = run_script('other', 'supabase.sql');
ok(!$ok, 'supabase.sql fails where a helper has another type');
like($err, qr/cannot change return type/, 'and says so');
is($node->safe_psql('other', q{SELECT string_agg(nspname, ',') FROM pg_namespace WHERE nspname ~ 'auth'}),
	'auth', 'and has changed nothing');

# An application's own tables in auth: the statements of the page.
my ($statements) = slurp_file("$scripts/supabase.md") =~ /^## An application.*?```sql\n(.*?)```/ms;
$node->safe_psql('postgres', 'CREATE DATABASE application');
$node->safe_psql('application', <<'END');
CREATE SCHEMA auth;
CREATE TABLE auth.account (id int PRIMARY KEY, name text);
CREATE TABLE login (account int REFERENCES auth.account);
CREATE VIEW names AS SELECT name FROM auth.account;
INSERT INTO auth.account VALUES (1, 'alice');
INSERT INTO login VALUES (1);
END
$node->safe_psql('application', "BEGIN; $statements COMMIT");
session_ok($node, 'application: its tables under the new name, and the extension', { db => 'application' },
	'SELECT name FROM names' => 'alice',
	'INSERT INTO accounts.account VALUES (2) RETURNING id' => '2',
	'INSERT INTO login VALUES (3)' => refused('23503', qr/violates foreign key constraint/),
	'SELECT auth.user_id()' => 'NULL');
$node->safe_psql('application', 'DROP EXTENSION pg_session_jwt; ALTER SCHEMA accounts RENAME TO auth');
is($node->safe_psql('application', 'SELECT name FROM auth.account WHERE id = 1'), 'alice', 'application: and back');

# The blocks of SQL of a page.
sub blocks { return slurp_file("$scripts/$_[0]") =~ /^```sql\n(.*?)```/msg; }

# pgjwt: its verify() with the same arguments.
if (backends()->{HS256})
{
	my $secret = 'a secret of at least 32 octets!!+';
	my %signed = map {
		$_->[0] => sign(qq({"sub":"alice","exp":@{[time + $_->[1]]}}), alg => 'HS256',
			jwk => { kty => 'oct', k => encode_base64url($secret) })
	} ([ good => 600 ], [ old => -600 ]);
	$node->safe_psql('postgres', 'CREATE DATABASE pgjwt');
	$node->safe_psql('pgjwt', (blocks('pgjwt.md'))[0]);
	my $verify = q{SELECT payload ->> 'sub', valid FROM verify('%s', '%s'%s)};
	session_ok($node, 'pgjwt: verify()', { db => 'pgjwt' },
		sprintf($verify, $signed{good}, $secret, '') => 'alice|t',
		sprintf($verify, $signed{good}, $secret, q{, 'HS512'}) => refused('22023', qr/no usable keys/),
		sprintf($verify, $signed{good}, $secret x 2, q{, 'HS512'}) => 'NULL|f',
		sprintf($verify, $signed{good}, "$secret.", '') => 'NULL|f',
		sprintf($verify, $signed{old}, $secret, '') => 'NULL|f',
		sprintf($verify, $signed{good}, 'short', '') => refused('22023', qr/no usable keys/));
	$node->safe_psql('pgjwt', 'DROP FUNCTION verify; DROP EXTENSION pg_session_jwt');
}

# PostgREST's convention. What it sends before a request: the role, the claims, the headers.
sub request
{
	my ($claims, $token) = @_;
	return (
		'BEGIN' => '',
		sprintf(q{SELECT set_config('role', 'authenticated', true) || set_config('request.jwt.claims', '%s', true) ||
			set_config('request.headers', '{"authorization": "Bearer %s"}', true)}, $claims, $token) => qr//);
}
my ($create, $list, $alter, $function) = blocks('postgrest.md');
my $claims = '{"sub": "alice", "role": "authenticated"}';
my $token = token_for($key, 'alice', role => 'authenticated');
my @sees_own = (
	'SELECT body FROM note' => 'of alice',
	q{INSERT INTO note (body) VALUES ('new') RETURNING owner} => 'alice',
	'ROLLBACK' => '');
$node->safe_psql('postgres', 'CREATE DATABASE postgrest');
$node->safe_psql('postgrest', <<'END');
CREATE TABLE note (owner text DEFAULT current_setting('request.jwt.claims', true)::json ->> 'sub', body text);
INSERT INTO note VALUES ('alice', 'of alice'), ('bob', 'of bob');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');
GRANT SELECT, INSERT ON note TO authenticated;
END
session_ok($node, 'postgrest: before', { db => 'postgrest' }, request($claims, $token), @sees_own);
$node->safe_psql('postgrest', $create);
session_ok($node, 'postgrest: with the extension', { db => 'postgrest' }, request($claims, $token), @sees_own);
session_ok($node, 'postgrest: the query finds the policy', { db => 'postgrest' },
	$list =~ s/;\n//r => qr/^note\|own\|/);
$node->safe_psql('postgrest', $alter);
session_ok($node, 'postgrest: it finds no more', { db => 'postgrest' }, $list =~ s/;\n//r => '');
session_ok($node, 'postgrest: with new policies', { db => 'postgrest' }, request($claims, $token), @sees_own,
	request('', ''), 'SELECT count(*) FROM note' => '0');
session_ok($node, 'postgrest: settings of one claim are not read', { db => 'postgrest' },
	request('', ''), q{SELECT set_config('request.jwt.claim.sub', 'alice', true)} => 'alice',
	'SELECT count(*) FROM note' => '0');
$node->safe_psql('postgrest', $function . trust('postgrest'));
session_ok($node, 'postgrest: issuer mode', { db => 'postgrest' },
	request($claims, $token), 'SELECT authenticate()' => qr//, @sees_own,
	request('{"sub": "bob"}', $token), 'SELECT authenticate()' => qr//, @sees_own,
	request($claims, $token), 'SELECT count(*) FROM note' => '0', 'ROLLBACK' => '',
	request($claims, token_for(new_key('k1'), 'alice')), 'SELECT authenticate()' => refused('23514', qr/signature/),
	'ROLLBACK' => '');

# From a proxy that signs again: its session key, then the provider's keys.
my $signed_again = sign(qq({"sub":"alice","jti":1,"exp":@{[time + 600]}}));
my %proxy = (db => 'app', user => 'authenticated', jwk => public_jwk());
my ($pin) = slurp_file("$scripts/proxy.md") =~ /^ +```sql\n(.*?)```/ms;
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('app', <<'END');
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
CREATE TABLE note (owner text DEFAULT auth.user_id(), body text);
INSERT INTO note VALUES ('alice', 'of alice'), ('bob', 'of bob');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = auth.user_id());
GRANT SELECT, INSERT ON note TO authenticated;
END
my @by_proxy = ('SELECT auth.init()' => '', 'BEGIN' => '', "SELECT auth.jwt_authenticate('$signed_again')" => 'alice',
	@sees_own);
my @by_user = ('BEGIN' => '', "SELECT auth.jwt_authenticate('$token')" => 'alice', @sees_own);
session_ok($node, 'proxy: before', \%proxy, @by_proxy);
$node->safe_psql('postgres', $pin);
my $not_accepted = refused('42501', qr/^pg_session_jwt.jwk is not accepted/);
session_ok($node, 'proxy: its key is refused where keys are pinned', \%proxy,
	"SELECT auth.jwt_authenticate('$signed_again')" => $not_accepted,
	"SELECT auth.jwt_authenticate('$token')" => $not_accepted);
session_ok($node, 'proxy: without it', { %proxy, jwk => undef }, @by_user);
$node->safe_psql('postgres', "ALTER DATABASE app RESET pg_session_jwt.$_") for qw(jwks_file issuer audiences);
session_ok($node, 'proxy: and back', \%proxy, @by_proxy);

done_testing();
