# SPDX-License-Identifier: Apache-2.0
# A real Odyssey: users take turns on one server connection, and no user sees data or an identity
# that another user left.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use Pool;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $ROWS = 10;
my $CLIENTS = 8;

my $node = start_node('pooled');
my $key = new_key('key-1');
put_file($node->data_dir . '/jwks.json', key_set($key));
my %token = map { $_ => token_for($key, $_) } qw(alice bob);
$node->safe_psql('postgres', "CREATE EXTENSION pg_session_jwt;\n" . trust('postgres'));
$node->safe_psql('postgres', notes_table($ROWS, qw(alice bob)) . 'CREATE ROLE app LOGIN; GRANT ALL ON note TO app');

# Odyssey has one directory for its own socket and for those of servers.
my $dir = $node->host;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $work = PostgreSQL::Test::Utils::tempdir_short();
my $pool = sub {
	my ($name, $mode, $options) = @_;
	return <<END;
database "$name" {
	user "app" {
		authentication "none"
		storage "server"
		storage_db "postgres"
		storage_user "app"
		pool "$mode"
		pool_size 1
		$options
	}
}
END
};
put_file("$work/odyssey.conf", <<END
daemonize no
unix_socket_dir "$dir"
unix_socket_mode "0600"
log_format "%p %t %l %m\\n"
log_to_stdout yes
log_session no
workers 1
listen {
	port $port
}
storage "server" {
	type "remote"
	port @{[ $node->port ]}
}
END
	  . $pool->('transaction', 'transaction', "pool_discard no\n\t\tpool_reserve_prepared_statement yes")
	  . $pool->('discarding', 'transaction', 'pool_discard yes')
	  . $pool->('session', 'session', 'pool_discard yes'));

my $log = "$work/log";
my $odyssey = start_pool("$dir/.s.PGSQL.$port", $log, 'odyssey', "$work/odyssey.conf");
END { local $?; $odyssey->kill_kill if $odyssey }

# Runs one client's session on a pool; returns its output and its errors.
sub client
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql,
		connstr => "host=$dir port=$port dbname=$database user=app", on_error_stop => 0);
	return ($out, $err);
}

my $count = 'SELECT count(*), min(owner), max(owner) FROM note';
my ($pid) = client('transaction', 'SELECT pg_backend_pid()');
like($pid, qr/^\d+$/, 'Odyssey is there') or BAIL_OUT(slurp_file($log));

my @scripts = write_scripts($work, rows => $ROWS, token => \%token, condition => "pg_backend_pid() = $pid");
my %run = (connect => [ '-h', $dir, '-p', $port, '-U', 'app', 'transaction' ], scripts => \@scripts, clients => $CLIENTS);
run_scripts($work, %run, protocol => $_, transactions => 100) for qw(extended prepared);
my %done = run_scripts($work, %run, protocol => 'simple', transactions => 500);
cmp_ok($done{$_} // 0, '>=', 50, "$_ was among them") for @scripts;
is((client('transaction', 'SELECT pg_backend_pid()'))[0], $pid, 'all of it on one server connection');

# A client disconnects in the middle of a transaction.
client('transaction', "BEGIN; SELECT auth.jwt_authenticate('$token{alice}');");
is((client('transaction', $count))[0], '0||', 'a client that disconnects in a transaction leaves no identity');

# The documents warn of this case. It also proves that this test detects rows of another user.
client('transaction', "SET pg_session_jwt.jwt = '$token{alice}'");
is((client('transaction', $count))[0], "$ROWS|alice|alice",
	'transaction mode without pool_discard: the next client gets the identity of a plain SET');
client('discarding', "SET pg_session_jwt.jwt = '$token{alice}'");
is((client('discarding', $count))[0], '0||', 'with pool_discard it does not');

like((client('session', "SELECT auth.jwt_session_init('$token{alice}'); $count"))[0],
	qr/^$ROWS\|alice\|alice$/m, 'session mode: a token for the session');
is((client('session', $count))[0], '0||', 'session mode: the next client starts without an identity');

$odyssey->signal('TERM');
$odyssey->finish;
undef $odyssey;
is_deeply([ logged_pieces($node, values %token) ], [], "no part of a token is in the server's log");
is_deeply([ SessionJwt::pieces_in(slurp_file($log), values %token) ], [], "nor in Odyssey's");

done_testing();
