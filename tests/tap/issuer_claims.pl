# SPDX-License-Identifier: Apache-2.0
# Values of claims, issuers that are patterns, and the greatest lifetime: as settings of one
# issuer, and of each issuer in a document.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $json = JSON::PP->new->canonical;
my $node = start_node('issuer_claims');
my $data = $node->data_dir;
my $key = new_key('k1');
my $user = 'SELECT auth.user_id()';
my %app = (db => 'app', user => 'app');
my %admin = (db => 'app');
my $value_is_secret = 'zebra-client';
my @tokens;

sub token { push @tokens, token_for($key, @_); return $tokens[-1] }

put_file("$data/jwks.json", key_set($key));
$node->safe_psql('postgres', "CREATE ROLE app LOGIN; CREATE DATABASE app;\n" . trust('app'));
$node->safe_psql('app', <<'END' . notes_table(1, qw(alice bob)));
CREATE EXTENSION pg_session_jwt;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;
CREATE TABLE report (body text);
ALTER TABLE report ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON report USING (auth.has_scope('reports/read'));
INSERT INTO report VALUES ('r');
GRANT SELECT ON report TO app;
END
$node->safe_psql('app', 'GRANT SELECT ON note TO app');

sub claim_refused { return refused('23514', 'JWT claim refused', detail => $_[0], hint => undef) }
sub claim_missing { return refused('23514', 'JWT lacks a required claim', detail => $_[0]) }

# --- values ----------------------------------------------------------------------

my $claims = q({"client_id": ["one", "two"], "groups": "staff", "verified": true});
$node->safe_psql('postgres', "ALTER DATABASE app SET pg_session_jwt.claims = '$claims'");
my %good = (client_id => 'two', groups => [ 'x', 'staff' ], verified => JSON::PP::true, scope => 'reports/read');
session_ok(
	$node,
	'a token of another client reads no table',
	\%app,
	init_with(token('alice', %good)) => '',
	$user => 'alice',
	'SELECT body FROM note' => 'alice 1',
	'SELECT body FROM report' => 'r',
	init_with(token('alice', %good, client_id => $value_is_secret)) => claim_refused('client_id'),
	"SET pg_session_jwt.jwt = '" . token('alice', %good, client_id => $value_is_secret) . "'" => '',
	$user => claim_refused('client_id'),
	'SELECT body FROM note' => claim_refused('client_id'),
	'SELECT body FROM report' => claim_refused('client_id'),
	'SELECT status, reason FROM auth.jwt_status()' => 'refused|JWT claim refused: client_id',
	init_with(token('alice', %good, groups => ['x'])) => claim_refused('groups'),
	init_with(token('alice', %good, groups => 'staff')) => '',
	init_with(token('alice', %good, verified => 'true')) => claim_refused('verified'),
	init_with(token('alice', %good, verified => undef)) => claim_missing('verified'));

# --- a changed setting, and who may change it ------------------------------------

my $alice = token('alice', %good);
session_ok(
	$node,
	'a changed value holds for a token that was accepted before',
	\%admin,
	init_with($alice) => '',
	$user => 'alice',
	q(SET pg_session_jwt.claims = '{"client_id": "one"}') => '',
	$user => claim_refused('client_id'),
	q(SET pg_session_jwt.claims = '{"client_id": "*"}') => '',
	$user => 'alice',
	'SET pg_session_jwt.max_lifetime = 3599' => '',
	$user => refused('23514', 'JWT is valid for too long', hint => qr/pg_session_jwt\.max_lifetime/),
	'SET pg_session_jwt.max_lifetime = 3600' => '',
	$user => 'alice',
	'RESET ALL' => '',
	'SHOW pg_session_jwt.claims' => '{"client_id": "*"}');
session_ok(
	$node,
	'an ordinary role changes neither',
	\%app,
	$user => 'NULL',
	map { ($_ => refused('42501', qr/^permission denied to set parameter/)) }
	  q(SET pg_session_jwt.claims = ''),
	'SET pg_session_jwt.max_lifetime = 0');

# --- what is refused where it is set ----------------------------------------------

my $invalid = 'values of claims are not as they must be: ';
for (
	[ '[]', "${invalid}must be an object, and not empty." ],
	[ '{}', "${invalid}must be an object, and not empty." ],
	[ '{"a": 1}', "${invalid}has a value that is no string, true or false, at byte 6." ],
	[ '{"a": {"b": "c"}}', "${invalid}has a value that is no string, true or false, at byte 6." ],
	[ '{"a": ["b", "*"]}', "${invalid}has \"*\" among other values, at byte 12." ],
	[ '{"a": []}', "${invalid}has a claim without a value, at byte 6." ],
	[ '{"a": "b", "a": "c"}', 'values of claims are not strict JSON.' ],
	[ 'azp=x', 'values of claims are not strict JSON.' ],
	[ $json->encode({ map { ("c$_" => 'v') } 1 .. 33 }), qr/^${invalid}has too many claims, at byte \d+\.$/ ],
	[ $json->encode({ c => [ map { "v$_" } 1 .. 1001 ] }), qr/^${invalid}has too many values of one claim, at byte \d+\.$/ ])
{
	my ($value, $detail) = @$_;
	my $refusal = refused('22023', 'invalid value for parameter "pg_session_jwt.claims"', detail => $detail);
	session_ok(
		$node,
		'refused where it is set: ' . substr($value, 0, 20),
		\%admin,
		$user => 'NULL',
		"SET pg_session_jwt.claims = '$value'" => $refusal,
		"ALTER DATABASE app SET pg_session_jwt.claims = '$value'" => $refusal);
}
session_ok(
	$node,
	'a lifetime out of range',
	\%admin,
	$user => 'NULL',
	'SET pg_session_jwt.max_lifetime = -1' => refused('22023', qr/^-1 s? ?is outside the valid range/),
	q(SET pg_session_jwt.max_lifetime = '1h') => '',
	'SHOW pg_session_jwt.max_lifetime' => '1h');

# --- lifetime ----------------------------------------------------------------------

my $now = young_second();
my $too_long = refused('23514', 'JWT is valid for too long');
session_ok(
	$node,
	'the greatest lifetime',
	\%admin,
	q(SET pg_session_jwt.claims = '') => '',
	q(SET pg_session_jwt.max_lifetime = '10min') => '',
	init_with(token('alice', iat => $now, exp => $now + 600)) => '',
	init_with(token('alice', iat => $now, exp => $now + 601)) => $too_long,
	# The issue time may not be moved to a time to come.
	init_with(token('alice', iat => $now + 86400, exp => $now + 86401)) => $too_long,
	q(SET pg_session_jwt.required_claims = '') => '',
	init_with(sign($json->encode({ iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', exp => $now + 655 }),
		jwk => $key)) => '',
	init_with(sign($json->encode({ iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', exp => $now + 900 }),
		jwk => $key)) => $too_long,
	init_with(sign($json->encode({ iss => $ISSUER, aud => $AUDIENCE, sub => 'alice' }), jwk => $key)) => $too_long);

# --- an issuer that is a pattern ---------------------------------------------------

my $pattern = 'https://login.example/{tid}/v2.0';
sub tenant { return token('alice', iss => "https://login.example/$_[0]/v2.0", tid => $_[1] // $_[0]) }
my $misconfigured = refused('55000', 'pg_session_jwt is misconfigured',
	detail => qr/^pg_session_jwt\.issuer does not go with pg_session_jwt\.claims: "issuer" has a claim in braces/);
my $untrusted = refused('23514', 'JWT issuer refused', detail => 'issuer is not trusted');
session_ok(
	$node,
	'an issuer of several tenants',
	\%admin,
	"SET pg_session_jwt.issuer = '$pattern'" => '',
	init_with(tenant('t1')) => $misconfigured,
	q(SET pg_session_jwt.claims = '{"tid": ["t1", "t2"]}') => '',
	init_with(tenant('t1')) => '',
	'SET pg_session_jwt.discovery = on' => '',
	$user => refused('55000', 'pg_session_jwt is misconfigured', detail => 'pg_session_jwt.discovery is on, and '
		. 'pg_session_jwt.issuer has braces: set pg_session_jwt.jwks_url.'),
	'SET pg_session_jwt.discovery = off' => '',
	# Equal subjects of two tenants are two users.
	$user => 'https://login.example/t1/v2.0|alice',
	init_with(tenant('t2')) => '',
	$user => 'https://login.example/t2/v2.0|alice',
	init_with(tenant('t3')) => claim_refused('tid'),
	init_with(tenant('t1', 't2')) => $untrusted,
	init_with(tenant('{tid}', 't1')) => $untrusted,
	init_with(tenant('a/b')) => $untrusted,
	init_with(token('alice', tid => 't1')) => $untrusted,
	q(SET pg_session_jwt.claims = '{"tid": "*"}') => '',
	init_with(tenant('t3')) => '',
	$user => 'https://login.example/t3/v2.0|alice',
	q(SET pg_session_jwt.claims = '{"tid": "t1"}') => '',
	init_with(tenant('t1')) => '',
	$user => 'alice');

# --- a document of issuers ----------------------------------------------------------

sub document
{
	my (@issuers) = @_;
	put_file("$data/issuers.json",
		$json->encode({ issuers => [ map { +{ jwks_file => 'jwks.json', %$_ } } @issuers ] }));
	return;
}
my @document = (
	q(SET pg_session_jwt.jwks_file = '') => '',
	q(SET pg_session_jwt.issuer = '') => '',
	q(SET pg_session_jwt.issuers_file = 'issuers.json') => '',
	q(SET pg_session_jwt.claims = '{"client_id": "one"}') => '',
	q(SET pg_session_jwt.max_lifetime = 7200) => '');
document(
	{ issuer => 'https://a', claims => { azp => [qw(x y)] }, max_lifetime => 60 },
	{ issuer => 'https://b' },
	{ issuer => 'https://b/{t}', claims => { t => [qw(1 2)] } });
session_ok(
	$node,
	'each issuer has its own values; the settings hold for the others',
	\%admin,
	@document,
	init_with(token('u', iss => 'https://a', azp => 'y', exp => time + 50)) => '',
	init_with(token('u', iss => 'https://a', azp => 'z', exp => time + 50)) => claim_refused('azp'),
	init_with(token('u', iss => 'https://a', azp => 'y', exp => time + 600)) => $too_long,
	init_with(token('u', iss => 'https://b', client_id => 'one')) => '',
	init_with(token('u', iss => 'https://b', client_id => 'two', azp => 'y')) => claim_refused('client_id'),
	init_with(token('u', iss => 'https://b', client_id => 'one', exp => time + 9000)) => $too_long,
	init_with(token('u', iss => 'https://b/2', t => '2')) => '',
	$user => 'https://b/2|u',
	init_with(token('u', iss => 'https://b/3', t => '3')) => claim_refused('t'));
for (
	[ { issuer => 'https://a/{t}' }, '"issuer" has a claim in braces that is not in "claims"' ],
	[ { issuer => 'https://a/{t', claims => { t => '*' } }, '"issuer" has a brace that is not one of "{claim}"' ],
	[ { issuer => 'https://a/{t}', claims => { t => '*' }, subjects => 'plain' },
		'equal subjects of its several issuers would be one user, which "shared" allows' ],
	[ { issuer => 'https://a/{t}', claims => { t => '*' }, discovery => JSON::PP::true },
		'"discovery" needs an "issuer" without braces' ],
	[ { issuer => 'https://a', claims => { t => 1 } }, '"claims" has a value that is no string, true or false' ],
	[ { issuer => 'https://a', max_lifetime => 'x' }, '"max_lifetime" must be a whole number of seconds from 1 up' ])
{
	my ($issuer, $detail) = @$_;
	document($issuer);
	session_ok(
		$node,
		"a document that is refused: $detail",
		\%admin,
		@document,
		init_with($alice) => refused('55000', 'no usable keys',
			detail => qr/^file issuers\.json: document of issuers is not as it must be: issuers\[0\]: \Q$detail\E, at byte \d+\.$/));
}

is_deeply([ logged_pieces($node, @tokens) ], [], 'no part of a token is in the log');
unlike(slurp_file($node->logfile), qr/$value_is_secret/, 'nor the value of a claim');

done_testing();
