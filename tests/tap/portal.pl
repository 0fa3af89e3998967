# SPDX-License-Identifier: Apache-2.0
# In the extended protocol one message binds a portal and another executes it. A client
# can set another token between them. psql cannot do this, so this file implements the
# protocol.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
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

sub set { return ('Query', "SET pg_session_jwt.jwt = '$token{$_[0]}'") }

# --- the protocol -------------------------------------------------------------

sub receive
{
	my ($socket, $length) = @_;
	my $octets = '';
	while (length $octets < $length)
	{
		$socket->read($octets, $length - length $octets, length $octets)
		  or die 'the server has closed the connection';
	}
	return $octets;
}

# Returns rows (columns separated by |; NULL) and errors, until the server is ready.
sub answer
{
	my ($socket) = @_;
	my @answer;
	while (1)
	{
		my ($type, $length) = unpack 'a N', receive($socket, 5);
		my $body = receive($socket, $length - 4);
		if ($type eq 'D')
		{
			my ($columns, $rest) = unpack 'n a*', $body;
			my @row;
			for (1 .. $columns)
			{
				(my $size, $rest) = unpack 'l> a*', $rest;
				push @row, $size < 0 ? 'NULL' : substr $rest, 0, $size, '';
			}
			push @answer, join '|', @row;
		}
		elsif ($type eq 'E')
		{
			my %field = map { /^(.)(.*)/s } split /\0/, $body;
			push @answer, "$field{C}: $field{M}";
		}
		last if $type eq 'Z';
	}
	return join "\n", @answer;
}

sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', 4 + length $body) . $body;
}

# The messages of a step, up to the one that the server answers.
my %send = (
	Query => sub { return message('Q', "$_[0]\0") },
	Bind => sub {
		my ($portal, $sql) = @_;
		return message('P', "\0$sql\0\0\0") . message('B', "$portal\0\0" . "\0" x 6) . message('S', '');
	},
	Execute => sub { return message('E', "$_[0]\0" . "\0" x 4) . message('S', '') });

# One session, one test: portal_ok($name, [ STEP, ARGUMENT, ... ] => ANSWER, ...).
sub portal_ok
{
	my ($name, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port)
	  or die "cannot connect: $!";
	my $jwk = public_jwk() =~ s/([\\\s])/\\$1/gr;
	my $startup = join "\0", 'user', 'app_user', 'database', 'postgres',
	  'options', "-c pg_session_jwt.jwk=$jwk", '', '';
	$socket->print(message('', pack('N', 3 << 16) . $startup));
	$socket->flush;
	my @complaints = grep { $_ ne '' } answer($socket);
	while (my ($step, $wanted) = splice @steps, 0, 2)
	{
		my ($type, @arguments) = @$step;
		$socket->print($send{$type}->(@arguments));
		$socket->flush;
		my $got = answer($socket);
		push @complaints, "@$step\n     got: $got\n  wanted: $wanted" if $got ne $wanted;
	}
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
		($before ? ([ set($before) ] => '', [ 'Query', $user ] => $before) : ()),
		[ 'Query', 'BEGIN' ] => '',
		[ 'Bind', 'p', $in_workers ] => '',
		[ set('c') ] => '',
		[ 'Execute', 'p' ] => 'c|c|1000',
		[ 'Query', 'COMMIT' ] => '',
		[ set('b') ] => '',
		[ 'Query', $user ] => $replayed,
		[ set('c') ] => '',
		[ 'Query', $user ] => 'c');
}

portal_ok(
	'an older token is refused in workers, too',
	[ set('b') ] => '',
	[ 'Query', $user ] => 'b',
	[ 'Query', 'BEGIN' ] => '',
	[ 'Bind', 'p', $in_workers ] => '',
	[ set('a') ] => '',
	[ 'Execute', 'p' ] => $replayed,
	[ 'Query', 'ROLLBACK' ] => '',
	[ 'Query', $user ] => 'b');

$node->stop;
done_testing();
