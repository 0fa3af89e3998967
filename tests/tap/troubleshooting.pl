# SPDX-License-Identifier: Apache-2.0
# docs/troubleshooting.md: each symptom occurs as its heading has it, and the query below it tells
# what the page says.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $page = slurp_file("$FindBin::RealBin/../troubleshooting.md");
my %query = $page =~ /^## ([^\n]+)\n(?:(?!^## ).)*?^```sql\n(.*?);\n```$/msg;
is(scalar keys %query, scalar(() = $page =~ /^## /mg), 'each section has a query');

my $node = start_node('troubleshooting');
my $key = new_key('k1');
my $other_key = new_key('k1');
my $alice = token_for($key, 'alice');
put_file($node->data_dir . '/jwks.json', key_set($key));

$node->safe_psql('postgres', <<"END");
CREATE ROLE app LOGIN;
CREATE DATABASE pinned;
CREATE DATABASE plain;
CREATE DATABASE taken;
CREATE DATABASE without;
@{[trust('pinned')]}
END
for my $db (qw(pinned plain))
{
	$node->safe_psql($db, <<'END');
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
CREATE TABLE note (owner text NOT NULL DEFAULT auth.user_id(), body text);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = auth.user_id());
GRANT ALL ON note TO app;
INSERT INTO note VALUES ('alice', 'hello');
END
}
$node->safe_psql('taken', 'CREATE SCHEMA auth; CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql AS $$SELECT NULL::uuid$$');

my %shown;

# The section's steps, then its query.
sub section
{
	my ($heading, $options, @steps) = @_;
	my $expected = pop @steps;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$shown{$heading} = 1;
	return session_ok($node, $heading, { db => 'pinned', user => 'app', %$options }, @steps,
		$query{$heading} // die("no section \"$heading\"\n") => $expected);
}

# Its heading is the start of the error's message.
sub symptom
{
	my ($heading, $state) = @_;
	return refused($state, qr/^\Q$heading\E/);
}

my $heading = 'Missing runtime parameter: pg_session_jwt.jwk';
section($heading, { db => 'plain' },
	init_with($alice) => symptom($heading, '02000'),
	qr/^claims\|none\|no keys are pinned in this session, .* Hint: Another database/);
$heading = 'new row violates row-level security policy for table';
section($heading, {},
	"INSERT INTO note VALUES ('bob', 'x')" => symptom($heading, '42501'),
	'NULL|no token is set|own|(owner = auth.user_id())');
section($heading, {},
	init_with($alice) => '',
	"INSERT INTO note VALUES ('bob', 'x')" => symptom($heading, '42501'),
	'alice|NULL|own|(owner = auth.user_id())');
section('0 rows, and no error', {},
	'SELECT count(*) FROM note' => '0',
	'NULL|issuer|none|no token is set');
section('0 rows, and no error', {},
	init_with(token_for($key, 'carol')) => '',
	'SELECT count(*) FROM note' => '0',
	'carol|issuer|valid|NULL');
section('Rows of all users are visible', { user => 'postgres' },
	'SELECT count(*) FROM note' => '1',
	'postgres|f|t|t|t|f');
section('Rows of all users are visible', {},
	'SELECT count(*) FROM note' => '0',
	'app|t|f|f|t|f');
$heading = 'permission denied for schema auth';
$node->safe_psql('pinned', 'REVOKE USAGE ON SCHEMA auth FROM PUBLIC');
section($heading, {}, 'SELECT auth.user_id()' => symptom($heading, '42501'), qr/^auth\|postgres\|f\|/);
$node->safe_psql('pinned', 'GRANT USAGE ON SCHEMA auth TO app');
session_ok($node, 'the mend', { db => 'pinned', user => 'app' }, 'SELECT auth.user_id()' => 'NULL');
$heading = 'permission denied for table';
$node->safe_psql('pinned', 'REVOKE ALL ON note FROM app');
section($heading, {}, 'SELECT * FROM note' => symptom($heading, '42501'), qr/^app\|postgres\|\{postgres=/);
$node->safe_psql('pinned', 'GRANT SELECT, INSERT, UPDATE, DELETE ON note TO app');
$node->safe_psql('without', 'CREATE SCHEMA auth');
$heading = 'function auth.user_id() does not exist';
section($heading, { db => 'without', user => 'postgres' }, 'SELECT auth.user_id()' => symptom($heading, '42883'), '');
$heading = 'schema "auth" already exists';
section($heading, { db => 'taken', user => 'postgres' },
	'CREATE EXTENSION pg_session_jwt' =>
	  { %{ symptom($heading, '42P06') }, hint => qr/ALTER SCHEMA auth RENAME TO auth_old; policies/ },
	'postgres|uid');
session_ok($node, 'the mend of it', { db => 'taken' },
	'ALTER SCHEMA auth RENAME TO auth_old' => '',
	'CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog' => '');
my $past = time - 1000;
section('JWT expired: Token used after it has expired', {},
	init_with(token_for($key, 'alice', exp => $past)) => symptom('Token used after it has expired', '23514'),
	"SET pg_session_jwt.jwt = '@{[token_for($key, 'alice', exp => $past)]}'" => '',
	qr/^refused\|Token used after it has expired: exp=$past\|/);
$heading = 'invalid JWT signature';
section($heading, {},
	init_with(token_for($other_key, 'alice')) => symptom($heading, '23514'),
	"$ISSUER|jwks.json|1|NULL");
$heading = 'no key for this JWT';
section($heading, {},
	init_with(token_for({ %$key, kid => 'k9' }, 'alice')) => symptom($heading, '23514'),
	"$ISSUER|jwks.json|1|[]|NULL|NULL");
$heading = 'JWT audience refused';
section($heading, {}, init_with(token_for($key, 'alice', aud => 'other')) => symptom($heading, '23514'),
	"pg_session_jwt.audience|$AUDIENCE\npg_session_jwt.issuers_file|");
$heading = 'JWT issuer refused';
section($heading, {}, init_with(token_for($key, 'alice', iss => 'https://other.example.com')) => symptom($heading, '23514'),
	"pg_session_jwt.issuer|$ISSUER\npg_session_jwt.issuers_file|");
$heading = 'could not decode JWT component';
section($heading, {},
	init_with("Bearer $alice") => symptom($heading, '42804'),
	"SET pg_session_jwt.jwt = 'Bearer $alice'" => '',
	qr/Hint: Give the token alone: the text begins with "Bearer "\.$/);
$heading = 'Token ID must be strictly monotonically increasing';
section($heading, { db => 'plain', jwk => public_jwk() },
	init_with(sign('{"jti":2,"sub":"alice"}')) => '',
	init_with(sign('{"jti":2,"sub":"bob"}')) => symptom($heading, '23514'),
	'session key|valid|NULL');
$heading = 'pg_session_jwt.jwk is not accepted';
section($heading, { jwk => public_jwk() },
	'SELECT auth.user_id()' => symptom($heading, '42501'),
	qr/^issuer\|misconfigured\|pg_session_jwt\.jwk is not accepted: .* Hint: Connect without /);
$heading = 'jwt_authenticate() can only be used in transaction blocks';
section($heading, {},
	"SELECT auth.jwt_authenticate('$alice')" => 'alice',
	't|none|no token is set');

is_deeply([ sort keys %query ], [ sort keys %shown ], 'each section was shown');

$node->stop;
done_testing();
