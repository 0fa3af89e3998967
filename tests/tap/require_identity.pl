# SPDX-License-Identifier: Apache-2.0
# pg_session_jwt.require_identity: a read without an identity is an error. auth.jwt_status() tells why
# there is none, with this setting or without.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $jwk = public_jwk();
my $node = start_node('require_identity');
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app LOGIN;
CREATE TABLE note (owner text DEFAULT auth.user_id(), body text);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = auth.user_id());
GRANT ALL ON note TO app;
CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n;
GRANT SELECT ON numbers TO app;
END

my $jti = 0;
my %token = map { $_ => sign(qq({"jti":@{[++$jti]},"sub":"$_"})) } qw(alice bob);
my $odd = sign(qq({"jti":@{[++$jti]},"sub":7}));
my $no_subject = sign(qq({"jti":@{[++$jti]}}));
my $forged = $token{bob} =~ s/.{6}\z/AAAAAA/r;
my $user = 'SELECT auth.user_id()';
my $status = 'SELECT status, reason, subject FROM auth.jwt_status()';
my %app = (user => 'app', jwk => $jwk);
sub none { return refused('28000', 'no identity', detail => $_[0]) }
my $nothing = none('no token is set');
my $no_claims = none('no keys are pinned in this session, and neither a token nor request.jwt.claims is set');

# What auth.jwt_status() says of claims that name nobody.
my @nobody = (
	'"{\"sub\":\"alice\"}"' => 'request.jwt.claims is not an object',
	'[]' => 'request.jwt.claims is not an object',
	'[{"sub":"alice"}]' => 'request.jwt.claims is not an object',
	'7' => 'request.jwt.claims is not an object',
	'null' => 'request.jwt.claims is not an object',
	'{"sub":7}' => 'request.jwt.claims has no claim "sub" that is a string',
	'{"sub":null}' => 'request.jwt.claims has no claim "sub" that is a string',
	'{"role":"anon"}' => 'request.jwt.claims has no claim "sub" that is a string',
	'{}' => 'request.jwt.claims has no claim "sub" that is a string',
	'{"sub"' => 'request.jwt.claims is too large, or not JSON in the encoding of the database');
my (@status_of_nobody, @refusal_of_nobody);
while (my ($claims, $reason) = splice @nobody, 0, 2)
{
	my $set = "SET request.jwt.claims = '$claims'";
	push @status_of_nobody, $set => '', $status => "none|$reason|NULL", $user => 'NULL';
	push @refusal_of_nobody, $set => '', $status => "none|$reason|NULL", $user => none($reason),
	  'SELECT auth.session()' => none($reason);
}
session_ok($node, 'claims without a user', { user => 'app' },
	@status_of_nobody,
	q(SET request.jwt.claims = '{"sub":"alice"}') => '',
	$status => 'valid|NULL|alice');
session_ok($node, 'tokens', \%app,
	init_with($token{alice}) => '',
	$status => 'valid|NULL|alice',
	init_with($odd) => '',
	$status => 'refused|invalid subject claim in the JWT|NULL',
	$user => refused('42804', 'invalid subject claim in the JWT'),
	init_with($no_subject) => '',
	$status => 'valid|NULL|NULL',
	$user => 'NULL');

$node->safe_psql('postgres', 'ALTER ROLE app SET pg_session_jwt.require_identity = on');
my @reads = map { "SELECT auth.$_" } qw(user_id() uid() session() jwt() organization() organization_id() role() email()
  claim('sub') has_scope('a') has_role('a')), 'issuer()';
session_ok($node, 'each read', \%app,
	'SELECT auth.init()' => '',
	(map { ($_ => $nothing) } @reads),
	$status => 'none|no token is set|NULL',
	'SELECT count(*) FROM note' => $nothing,
	"INSERT INTO note (body) VALUES ('x')" => $nothing,
	init_with($token{alice}) => '',
	(map { ($_ => undef) } @reads),
	"INSERT INTO note (body) VALUES ('x')" => '',
	'SELECT owner FROM note' => 'alice',
	'RESET pg_session_jwt.jwt' => '',
	'SELECT owner FROM note' => $nothing,
	"SET pg_session_jwt.jwt = ''" => '',
	$user => $nothing,
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$token{bob}')" => 'bob',
	$user => 'bob',
	'COMMIT' => '',
	'SELECT owner FROM note' => $nothing,
	# A refused token keeps its own reason.
	"SET pg_session_jwt.jwt = '$forged'" => '',
	$user => refused('23514', 'invalid JWT signature'),
	$status => 'refused|invalid JWT signature|NULL',
	init_with($no_subject) => '',
	$user => 'NULL');
session_ok($node, 'claims', { user => 'app' },
	$user => $no_claims,
	@refusal_of_nobody,
	q(SET request.jwt.claims = '{"sub":"alice"}') => '',
	$user => 'alice',
	"SET pg_session_jwt.jwt = '$token{alice}'; RESET request.jwt.claims" => '',
	$user => none(qr/^Missing runtime parameter: pg_session_jwt\.jwk/));
session_ok($node, 'parallel workers', \%app,
	(map { ($_ => '') } 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
		'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2'),
	'SELECT count(*) FROM numbers WHERE auth.user_id() IS NULL OR n < 0' => $nothing,
	"SELECT count(*) FROM numbers WHERE n::text <> auth.user_id()" => $nothing,
	init_with($token{alice}) => '',
	"SELECT count(*) FROM numbers WHERE n::text <> auth.user_id()" => '1000');
session_ok($node, 'a transaction that lost its sealed identity', { jwk => $jwk },
	'SET pg_session_jwt.seal = on' => '',
	'SET pg_session_jwt.require_identity = on' => '',
	'BEGIN' => '',
	'SAVEPOINT s' => '',
	"SELECT auth.jwt_authenticate('$token{alice}')" => 'alice',
	'ROLLBACK TO s' => '',
	$user => none(qr/^The transaction was rolled back to before/));
session_ok($node, 'not for ordinary roles to set', \%app,
	'SET pg_session_jwt.require_identity = off' => undef,    # the library is not loaded yet
	$user => $nothing,
	'SET pg_session_jwt.require_identity = off' =>
	  refused('42501', 'permission denied to set parameter "pg_session_jwt.require_identity"'),
	'RESET ALL' => '',
	$user => $nothing,
	'DISCARD ALL' => '',
	$user => $nothing);
for my $options ({ user => 'app' }, \%app)
{
	session_ok($node, 'nor when connecting',
		{ %$options, set => { 'pg_session_jwt.require_identity' => 'off', 'request.jwt.claims' => '{"sub":"alice"}' } },
		$user => refused($options->{jwk} ? '42501' : '28000', qr/./));
}
session_ok($node, 'other roles may read without an identity', { jwk => $jwk }, $user => 'NULL');

done_testing();
