# SPDX-License-Identifier: Apache-2.0
# Sessions without a client: a background worker sets a token and reads it. It has no
# startup packet, so its key comes from the configuration. The server does not know when
# a statement starts there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $jwk = public_jwk();
my $node = start_node('worker', <<END);
log_min_messages = debug1
log_error_verbosity = verbose
dynamic_library_path = '$ENV{PGSJ_MODULES}:\$libdir'
pg_session_jwt.jwk = '$jwk'
END
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE TABLE job (step bigint PRIMARY KEY, statement text);
CREATE TABLE seen (step bigint PRIMARY KEY, answer text);
CREATE TABLE timed (second bigint PRIMARY KEY, token text);
CREATE TABLE owned (owner text);
INSERT INTO owned VALUES ('alice'), ('alice'), ('bob');
CREATE TABLE plain AS SELECT generate_series(1, 1000) AS n;
CREATE FUNCTION run_worker() RETURNS void LANGUAGE c AS 'pg_session_jwt_test_worker', 'test_worker_run';
END

my $user = 'SELECT auth.user_id()';
my @tokens;

# A token that only a parallel worker of the background worker reads. With one parallel
# worker only: a second one might still be starting when the first fails, and the server
# logs that.
my @parallel = map { ($_ => undef) } 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
  'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2',
  'SET max_parallel_workers = 1', 'SET parallel_leader_participation = off';
my $in_parallel = 'SELECT min(auth.user_id()) FROM plain';

sub token
{
	push @tokens, sign($_[0]);
	return $tokens[-1];
}

sub set { return "SET pg_session_jwt.jwt = '$_[0]'" }

# Tokens with times. How long a worker needs to start is not known, so there is a token for each
# of the next seconds, and the worker chooses that of the second in which it runs.
my $leeway = 60;
my $set_chosen = q{SELECT NULL FROM set_config('pg_session_jwt.jwt',
	(SELECT token FROM timed WHERE second = current_setting('test.second')::bigint), false)};
# Until so many seconds after the chosen one began.
my $later = q{SELECT pg_sleep_until(to_timestamp(current_setting('test.second')::float8 + %s))};

# Makes the tokens; $payload->($second) is the payload of one. Returns the step that chooses.
sub at_a_second
{
	my ($payload) = @_;
	my $now = time;
	my $values = join ', ', map { "($_, '" . token($payload->($_)) . "')" } $now .. $now + 12;
	$node->safe_psql('postgres', "TRUNCATE timed; INSERT INTO timed VALUES $values");
	return q{SELECT NULL FROM set_config('test.second', floor(extract(epoch FROM clock_timestamp()))::text, false)} => undef;
}

# One worker, one test: worker_ok($name, $error, STATEMENT => ANSWER, ...), see
# tests/worker/worker.c; undef: SQL NULL, or no row. $error is a regexp for the
# log text after "ERROR:". With it the worker must end with this error. The answers of its
# last transaction are then lost and not compared.
sub worker_ok
{
	my ($name, $error, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my (@job, @wanted);
	while (my ($statement, $answer) = splice @steps, 0, 2)
	{
		push @job, $statement;
		push @wanted, scalar(@job) . '|' . ($answer // 'NULL') if $statement !~ /^[A-Z]+$/;
	}
	if (defined $error)
	{
		my $end = 0;
		for (0 .. $#job) { $end = $_ + 1 if $job[$_] =~ /^(COMMIT|ROLLBACK)$/ }
		@wanted = grep { /^(\d+)/ && $1 <= $end } @wanted;
	}
	my $values = join ', ', map { "($_, \$jwt\$$job[$_ - 1]\$jwt\$)" } 1 .. @job;
	my $before = -s $node->logfile;
	$node->safe_psql('postgres',
		"TRUNCATE job, seen; INSERT INTO job VALUES $values; SELECT run_worker()");
	my $seen = $node->safe_psql('postgres',
		"SELECT step, coalesce(answer, 'NULL') FROM seen ORDER BY step");
	is($seen, join("\n", @wanted), $name);
	# The postmaster reports the end of the worker before it logs it.
	$node->wait_for_log(qr/"test worker" \(PID \d+\) exited/, $before);
	my $log = slurp_file($node->logfile, $before);
	my @errors = $log =~ /(?:ERROR|FATAL|PANIC|WARNING): +(.*)/g;
	if (defined $error)
	{
		ok(@errors && !(grep { !/$error/ } @errors), "$name: the error") or diag join "\n", @errors;
		like($log, qr/"test worker" \(PID \d+\) exited with exit code 1$/m, "$name: the worker's end");
	}
	else
	{
		is_deeply(\@errors, [], "$name: no error");
		like($log, qr/"test worker" \(PID \d+\) exited with exit code 0$/m, "$name: the worker's end");
	}
	return if !grep { $_ eq $in_parallel } @job;
	my $starts = qr/starting background worker process "parallel worker/;
	# No parallel worker starts with a refused token.
	if (defined $error) { unlike($log, $starts, "$name: before workers start") }
	else { like($log, $starts, "$name: in parallel") }
	return;
}

my $alice = token('{"jti":1,"sub":"alice"}');
my $bob = token('{"jti":2,"sub":"bob"}');
my $mallory = token('{"jti":3,"sub":"mallory"}');
my $forged = $mallory =~ s/\.[^.]*$//r . '.' . (split /\./, $bob)[2];

my $invalid = qr/^23514: invalid JWT signature$/;
my $replayed = qr/^23514: Token ID must be strictly monotonically increasing\.$/;

sub tests
{
	my ($how) = @_;

	worker_ok(
		"$how: a token, and none", undef,
		$user => undef,
		'SELECT auth.session()' => 'null',
		set($alice) => undef,
		$user => 'alice',
		'SELECT auth.session()' => '{"jti": 1, "sub": "alice"}',
		'SELECT count(*) FROM owned WHERE owner = auth.user_id()' => '2',
		'COMMIT' => undef,
		$user => 'alice',
		'RESET pg_session_jwt.jwt' => undef,
		$user => undef,
		'COMMIT' => undef);

	worker_ok(
		"$how: two tokens in turn", undef,
		set($alice) => undef,
		$user => 'alice',
		set($bob) => undef,
		$user => 'bob',
		'COMMIT' => undef,
		"SELECT auth.jwt_session_init('$mallory')" => '',
		$user => 'mallory',
		'COMMIT' => undef);

	my $seal = 'SET pg_session_jwt.seal = on';
	my $authenticate = "SELECT auth.jwt_authenticate('$alice')";
	worker_ok(
		"$how: a sealed transaction", undef,
		$seal => undef,
		$authenticate => 'alice',
		$user => 'alice',
		'SHOW pg_session_jwt.jwt' => '(sealed)',
		'COMMIT' => undef,
		$user => undef,
		"SELECT auth.jwt_authenticate('$bob')" => 'bob',
		'ROLLBACK' => undef,
		set($mallory) => undef,
		$user => 'mallory',
		'COMMIT' => undef);
	worker_ok("$how: another token in a sealed transaction", qr/^42501: identity is sealed$/,
		$seal => undef, $authenticate => 'alice', set($bob) => undef);
	worker_ok("$how: no token in a sealed transaction", qr/^42501: identity is sealed$/,
		$seal => undef, $authenticate => 'alice', "SELECT set_config('pg_session_jwt.jwt', NULL, true)" => undef);

	worker_ok(
		"$how: a token again that was before the last", $replayed,
		set($alice) => undef,
		$user => 'alice',
		set($bob) => undef,
		$user => 'bob',
		'COMMIT' => undef,
		set($alice) => undef,
		'COMMIT' => undef,
		$user => undef);

	worker_ok(
		"$how: a rollback", undef,
		set($alice) => undef,
		$user => 'alice',
		'COMMIT' => undef,
		set($bob) => undef,
		$user => 'bob',
		'ROLLBACK' => undef,
		$user => 'alice',
		"SET LOCAL pg_session_jwt.jwt = '$mallory'" => undef,
		$user => 'mallory',
		'COMMIT' => undef,
		$user => 'alice',
		'ROLLBACK' => undef,
		$user => 'alice',
		'COMMIT' => undef);

	worker_ok(
		"$how: a rollback to no token", undef,
		set($alice) => undef,
		$user => 'alice',
		'ROLLBACK' => undef,
		$user => undef,
		'COMMIT' => undef);

	worker_ok(
		"$how: a forged token, where it is read", $invalid,
		set($alice) => undef,
		$user => 'alice',
		'COMMIT' => undef,
		set($forged) => undef,
		'COMMIT' => undef,
		$user => undef);

	# The token is in the text of the failing statement.
	worker_ok(
		"$how: a forged token, handed over", $invalid,
		"SELECT auth.jwt_session_init('$forged')" => undef);
	worker_ok(
		"$how: a forged token in the text of what reads it", $invalid,
		"DO \$\$ BEGIN SET LOCAL pg_session_jwt.jwt = '$forged'; PERFORM auth.user_id(); END \$\$" => undef);

	worker_ok(
		"$how: the claims of a gateway mean nothing beside a key", undef,
		q(SET request.jwt.claims = '{"sub":"mallory"}') => undef,
		$user => undef,
		'COMMIT' => undef);

	# A second passes at most between the choice of a token and its use.
	my $expired = qr/^23514: Token used after it has expired$/;
	worker_ok(
		"$how: a token expires between transactions", $expired,
		at_a_second(sub { return sprintf '{"jti":4,"sub":"alice","exp":%d}', $_[0] + 2 - $leeway }),
		$set_chosen => undef,
		$user => 'alice',
		'COMMIT' => undef,
		sprintf($later, 2.1) => '',
		'COMMIT' => undef,
		$user => undef);
	worker_ok(
		"$how: an expired token", $expired,
		set(token(sprintf '{"jti":4,"sub":"alice","exp":%d}', time - $leeway - 1)) => undef,
		'COMMIT' => undef,
		$user => undef);

	# A worker that reports the start of its statements behaves like any other session.
	worker_ok(
		"$how: a token expires between statements", $expired,
		'STATEMENT' => undef,
		at_a_second(sub { return sprintf '{"jti":4,"sub":"alice","exp":%d}', $_[0] + 2 - $leeway }),
		$set_chosen => undef,
		$user => 'alice',
		'COMMIT' => undef,
		$user => undef,
		sprintf($later, 2.1) => undef,
		'STATEMENT' => undef,
		$user => undef);

	# Then its parallel workers also know the start, although they start later. The start of the
	# worker is before both times, the start of the statement is after them.
	my $valid_later = sub { return sprintf '{"jti":5,"sub":"alice","nbf":%d.01}', $_[0] + 1 + $leeway };
	my $expires_soon = sub { return sprintf '{"jti":4,"sub":"alice","exp":%d.01}', $_[0] + 1 - $leeway };
	worker_ok(
		"$how: a token becomes valid before a parallel worker reads it", undef,
		@parallel,
		at_a_second($valid_later),
		sprintf($later, 1.1) => '',
		'COMMIT' => undef,
		'STATEMENT' => undef,
		$set_chosen => undef,
		$in_parallel => 'alice',
		'COMMIT' => undef);
	worker_ok(
		"$how: a token expires before a parallel worker reads it", $expired,
		@parallel,
		at_a_second($expires_soon),
		sprintf($later, 1.1) => '',
		'COMMIT' => undef,
		'STATEMENT' => undef,
		$set_chosen => undef,
		$in_parallel => undef);

	# So do the parallel workers of a worker that does not report the start.
	worker_ok(
		"$how: a token becomes valid, unsaid, before a parallel worker reads it", undef,
		@parallel,
		at_a_second($valid_later),
		sprintf($later, 1.1) => '',
		'COMMIT' => undef,
		$set_chosen => undef,
		$in_parallel => 'alice',
		'COMMIT' => undef);
	worker_ok(
		"$how: a token expires, unsaid, before a parallel worker reads it", $expired,
		@parallel,
		at_a_second($expires_soon),
		sprintf($later, 1.1) => '',
		'COMMIT' => undef,
		$set_chosen => undef,
		$in_parallel => undef);
	return;
}

tests('loaded at the first call');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_session_jwt'");
$node->restart;
tests('loaded by the server');

is_deeply([ logged_pieces($node, $forged, @tokens) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
