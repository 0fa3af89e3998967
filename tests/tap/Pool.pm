# SPDX-License-Identifier: Apache-2.0
# Shared by the tests of connection pools: clients that take turns, each with the token of one of
# several users or without one, and none of which may see a row of another user.
package Pool;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run ();
use Issuer;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(start_pool write_scripts run_scripts);

# Starts a pool's program, which writes into a log file, and waits until its socket is there.
# Returns its handle.
sub start_pool
{
	my ($socket, $log, @command) = @_;
	my $pool = IPC::Run::start(\@command, '<', '/dev/null', '>', $log, '2>&1');
	for (1 .. 600)
	{
		return $pool if -S $socket;
		die "$command[0] ended: " . slurp_file($log) unless $pool->pumpable;
		Time::HiRes::sleep(0.05);
	}
	die "$command[0] does not listen: " . slurp_file($log);
}

# Writes pgbench's scripts into the directory and returns their names. If an expectation fails,
# a division by zero ends the run.
#   rows       the rows of each user in the table note
#   token      user => token
#   condition  another condition that each statement checks
sub write_scripts
{
	my ($dir, %o) = @_;
	my $condition = $o{condition} // 'true';
	my $hold = sub { "SELECT 1 / ($_[0] AND $condition)::int FROM note;\n" };
	my $nobody = $hold->('count(*) = 0') . "SELECT 1 / (auth.user_id() IS NULL)::int;\n";
	my %script = (nobody => $nobody, nobody_in_transaction => "BEGIN;\n${nobody}COMMIT;\n");
	for my $user (sort keys %{ $o{token} })
	{
		my $token = $o{token}{$user};
		my $is = $hold->("count(*) = $o{rows} AND bool_and(owner = '$user') AND min(auth.user_id()) = '$user'");
		$script{"init_$user"} = "BEGIN;\nSELECT auth.jwt_authenticate('$token');\n${is}COMMIT;\n";
		$script{"set_$user"} = "BEGIN;\nSET LOCAL pg_session_jwt.jwt = '$token';\n${is}COMMIT;\n";
		# A transaction that is rolled back.
		$script{"undo_$user"} = "BEGIN;\nSELECT auth.jwt_authenticate('$token');\n${is}ROLLBACK;\n";
	}
	put_file("$dir/$_.sql", $script{$_}) for keys %script;
	return sort keys %script;
}

# Runs the scripts in random order, and returns the number of transactions of each.
#   connect    where and as whom, as pgbench takes it
#   scripts    the names
#   protocol   of pgbench; clients, transactions (of each client)
sub run_scripts
{
	my ($dir, %o) = @_;
	my ($out, $err);
	# pgbench waits in PQprepare(): a client of the same thread could not end its transaction.
	my $threads = $o{protocol} eq 'prepared' ? $o{clients} : 2;
	my $passed = IPC::Run::run([
			'pgbench', '--no-vacuum', '--random-seed=1', "--protocol=$o{protocol}",
			'-c', $o{clients}, '-j', $threads, '-t', $o{transactions},
			(map { ('-f', "$dir/$_.sql\@" . (/nobody|undo/ ? 1 : 5)) } @{ $o{scripts} }),
			@{ $o{connect} } ],
		'>', \$out, '2>', \$err);
	ok($passed, "$o{protocol} protocol: not one row of another user") or diag $err;
	my $total = $o{clients} * $o{transactions};
	like($out, qr{^number of transactions actually processed: $total/$total$}m, "$total transactions");
	return $out =~ m{^SQL script \d+: $dir/(\w+)\.sql\n(?: - .*\n)*? - (\d+) transactions}mg;
}

1;
