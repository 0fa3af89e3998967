# SPDX-License-Identifier: Apache-2.0
# In the extended protocol one message binds a portal and another executes it. A client
# can set another token between them. psql cannot do this.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;

my $node = start_node('portal', <<END);
max_worker_processes = 8
max_parallel_workers = 8
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
max_parallel_workers_per_gather = 2
parallel_leader_participation = off
END
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE TABLE plain AS SELECT generate_series(1, 1000) AS n;
CREATE ROLE app_user LOGIN;
GRANT SELECT ON plain TO app_user;
END

# $token{a} has jti 1 and sub "a", $token{b} jti 2, ...
my %token = map { $_ => sign(sprintf '{"jti":%d,"sub":"%s"}', ord($_) - ord('a') + 1, $_) } 'a' .. 'c';
my $user = 'SELECT auth.user_id()';
my $in_workers = 'SELECT min(auth.user_id()), max(auth.user_id()), count(*) FROM plain';
my $replayed = '23514: Token ID must be strictly monotonically increasing.';

sub set { return ('simple', "SET pg_session_jwt.jwt = '$token{$_[0]}'") }

# One session, one test: portal_ok($name, [ STEP, ARGUMENT, ... ] => ANSWER, ...).
sub portal_ok
{
	my ($name, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $client = Protocol->connect($node, user => 'app_user', set => { 'pg_session_jwt.jwk' => public_jwk() });
	my @complaints = @{ $client->{answer}{lines} };
	while (my ($step, $wanted) = splice @steps, 0, 2)
	{
		my ($type, @arguments) = @$step;
		my $got = join "\n", @{ $client->$type(@arguments)->{lines} };
		push @complaints, "@$step\n     got: $got\n  wanted: $wanted" if $got ne $wanted;
	}
	$client->disconnect;
	ok(!@complaints, $name) or diag join "\n", @complaints;
	return;
}

# --- a token between Bind and Execute -----------------------------------------

like(
	$node->safe_psql('postgres', "EXPLAIN (COSTS OFF) $in_workers"),
	qr/Aggregate\n +-> +Gather\n/,
	'what only workers read');

for my $before ('a', undef)
{
	portal_ok(
		'a token that only workers read is the last accepted one: ' . ($before // 'none') . ' before',
		($before ? ([ set($before) ] => '', [ 'simple', $user ] => $before) : ()),
		[ 'simple', 'BEGIN' ] => '',
		[ 'bind_portal', 'p', $in_workers ] => '',
		[ set('c') ] => '',
		[ 'execute_portal', 'p' ] => 'c|c|1000',
		[ 'simple', 'COMMIT' ] => '',
		[ set('b') ] => '',
		[ 'simple', $user ] => $replayed,
		[ set('c') ] => '',
		[ 'simple', $user ] => 'c');
}

portal_ok(
	'an older token is refused in workers, too',
	[ set('b') ] => '',
	[ 'simple', $user ] => 'b',
	[ 'simple', 'BEGIN' ] => '',
	[ 'bind_portal', 'p', $in_workers ] => '',
	[ set('a') ] => '',
	[ 'execute_portal', 'p' ] => $replayed,
	[ 'simple', 'ROLLBACK' ] => '',
	[ 'simple', $user ] => 'b');

$node->stop;
done_testing();
