# SPDX-License-Identifier: Apache-2.0
# A real PgBouncer: users take turns on one server connection, and no user sees data or
# an identity that another user left.

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
my $TRANSACTIONS = 1500; # of each client

my $node = start_node('pooled');
my $key = new_key('key-1');
put_file($node->data_dir . '/jwks.json', key_set($key));
my %token = map { $_ => token_for($key, $_) } qw(alice bob);
$node->safe_psql('postgres', "CREATE EXTENSION pg_session_jwt;\n" . trust('postgres'));
$node->safe_psql('postgres', notes_table($ROWS, qw(alice bob)) . 'CREATE ROLE app LOGIN; GRANT ALL ON note TO app');

local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
my ($minor) = `pgbouncer --version` =~ /^PgBouncer 1\.(\d+)/ or die 'no PgBouncer 1';
# Prepared statements reach the server in transaction mode from 1.21 on.
my $prepared = $minor >= 21 ? 'max_prepared_statements = 100' : '';
diag "PgBouncer 1.$minor";

# One server connection for each pool. The sockets are in a separate directory.
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $server = 'host=' . $node->host . ' port=' . $node->port . ' dbname=postgres pool_size=1';
put_file("$dir/users", qq("app" ""\n));
put_file("$dir/pgbouncer.ini", <<END);
[databases]
transaction = $server pool_mode=transaction
session = $server pool_mode=session
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users
admin_users = app
max_client_conn = 50
$prepared
END

my $log = "$dir/log";
my $bouncer = start_pool("$dir/.s.PGSQL.$port", $log, 'pgbouncer', "$dir/pgbouncer.ini");
END { local $?; $bouncer->kill_kill if $bouncer }

# Runs one client's session on a pool; returns its output and its errors.
sub client
{
	my ($pool, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql,
		connstr => "host=$dir port=$port dbname=$pool user=app", on_error_stop => 0);
	return ($out, $err);
}

my $count = 'SELECT count(*), min(owner), max(owner) FROM note';
my ($pid) = client('transaction', 'SELECT pg_backend_pid()');
like($pid, qr/^\d+$/, 'PgBouncer is there') or BAIL_OUT(slurp_file($log));

my @scripts = write_scripts($dir, rows => $ROWS, token => \%token, condition => "pg_backend_pid() = $pid");
my %run = (connect => [ '-h', $dir, '-p', $port, '-U', 'app', 'transaction' ], scripts => \@scripts, clients => $CLIENTS);

run_scripts($dir, %run, protocol => 'extended', transactions => 100);
run_scripts($dir, %run, protocol => 'prepared', transactions => 100) if $prepared;
my %done = run_scripts($dir, %run, protocol => 'simple', transactions => $TRANSACTIONS);
my $with_token = 0;
$with_token += $done{$_} // 0 for grep { !/nobody/ } @scripts;
cmp_ok($with_token, '>=', 10_000, "$with_token of them with a token");
cmp_ok($done{$_} // 0, '>=', 100, "$_ was among them") for @scripts;
my ($last) = client('transaction', 'SELECT pg_backend_pid()');
is($last, $pid, 'all of it on one server connection');

# Keys and settings change while the pool runs.
sub as_alice
{
	my ($key) = @_;
	return join "\n", client('transaction',
		"BEGIN; SELECT auth.jwt_authenticate('" . token_for($key, 'alice') . "'); $count; COMMIT; SELECT pg_backend_pid()");
}
my $new = new_key('key-2');
put_file($node->data_dir . '/jwks.json', key_set($new));
like(as_alice($key), qr/\A$pid\n.*ERROR:  no key for this JWT$/m, 'a key that was taken out, on the same server connection');
like(as_alice($new), qr/^$ROWS\|alice\|alice\n$pid$/m, 'a new one');
put_file($node->data_dir . '/jwks.json', key_set($key));
$node->safe_psql('postgres', "ALTER DATABASE postgres SET pg_session_jwt.audience = 'other'");
like(as_alice($key), qr/^$ROWS\|alice\|alice\n$pid$/m, 'settings of the database do not reach a server connection that is open');
client('pgbouncer', 'RECONNECT');
like(as_alice($key), qr/ERROR:  JWT audience refused$/m, 'but the one after RECONNECT');
$node->safe_psql('postgres', "ALTER DATABASE postgres SET pg_session_jwt.audience = '$AUDIENCE'");
client('pgbouncer', 'RECONNECT');

# A client disconnects in the middle of a transaction: PgBouncer closes the server connection.
client('transaction', "BEGIN; SELECT auth.jwt_authenticate('$token{alice}');");
is((client('transaction', $count))[0], '0||', 'a client that disconnects in a transaction leaves no identity');

# The documents warn of this case. It also proves that this test detects rows of another user.
client('transaction', "SET pg_session_jwt.jwt = '$token{alice}'");
is((client('transaction', $count))[0], "$ROWS|alice|alice", 'transaction mode: the next client gets the identity of a plain SET');

like((client('session', "SELECT auth.jwt_session_init('$token{alice}'); $count"))[0],
	qr/^$ROWS\|alice\|alice$/m, 'session mode: a token for the session');
is((client('session', $count))[0], '0||', 'session mode: the next client starts without an identity');

$bouncer->signal('INT');
$bouncer->finish;
undef $bouncer;
is_deeply([ logged_pieces($node, values %token) ], [], "no part of a token is in the server's log");
is_deeply([ SessionJwt::pieces_in(slurp_file($log), values %token) ], [], "nor in PgBouncer's");

done_testing();
