# SPDX-License-Identifier: Apache-2.0
# docs/migrating: the scripts, each on a database of the shape that it migrates, with data.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
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

done_testing();
