# SPDX-License-Identifier: Apache-2.0
# A real Pgpool-II in front of a server and its standby: clients take turns on its server
# connections, reads are sent to either server, and no user sees data or an identity that another
# user left.

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
my $CLIENTS = 4;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1, extra => [ '--no-locale', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "log_statement = none\n");
$node->start;
my $key = new_key('key-1');
put_file($node->data_dir . '/jwks.json', key_set($key));
my %token = map { $_ => token_for($key, $_) } qw(alice bob);
$node->safe_psql('postgres', "CREATE EXTENSION pg_session_jwt;\n" . trust('postgres'));
$node->safe_psql('postgres', notes_table($ROWS, qw(alice bob)) . 'CREATE ROLE app LOGIN; GRANT ALL ON note TO app');
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);

# As many processes as clients: each process serves one client at a time.
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $backends = join '', map {
	my $server = ($node, $standby)[$_];
	"backend_hostname$_ = '" . $server->host . "'\nbackend_port$_ = " . $server->port . "\nbackend_weight$_ = 1\n"
} 0, 1;
put_file("$dir/$_", '') for qw(pcp.conf pool_hba.conf);
put_file("$dir/pgpool.conf", <<END);
backend_clustering_mode = 'streaming_replication'
$backends
listen_addresses = ''
port = $port
unix_socket_directories = '$dir'
pcp_listen_addresses = ''
pcp_port = @{[ PostgreSQL::Test::Cluster::get_free_port() ]}
pcp_socket_dir = '$dir'
wd_ipc_socket_dir = '$dir'
pid_file_name = '$dir/pid'
work_dir = '$dir'
logdir = '$dir'
num_init_children = $CLIENTS
max_pool = 2
load_balance_mode = on
sr_check_user = '$superuser'
sr_check_period = 0
END

my $log = "$dir/log";
local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
my $pgpool = start_pool("$dir/.s.PGSQL.$port", $log,
	'pgpool', '-n', '-f', "$dir/pgpool.conf", '-F', "$dir/pcp.conf", '-a', "$dir/pool_hba.conf");
END { local $?; $pgpool->kill_kill(grace => 5) if $pgpool }

# Runs one client's session; returns its output and its errors.
sub client
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql,
		connstr => "host=$dir port=$port dbname=postgres user=app", on_error_stop => 0);
	return ($out, $err);
}

my $count = 'SELECT count(*), min(owner), max(owner) FROM note';
my ($pid) = client('SELECT pg_backend_pid()');
like($pid, qr/^\d+$/, 'Pgpool-II is there') or BAIL_OUT(slurp_file($log));

my @scripts = write_scripts($dir, rows => $ROWS, token => \%token);
my %run = (connect => [ '-h', $dir, '-p', $port, '-U', 'app', 'postgres' ], scripts => \@scripts, clients => $CLIENTS);
run_scripts($dir, %run, protocol => $_, transactions => 100) for qw(extended prepared);
my %done = run_scripts($dir, %run, protocol => 'simple', transactions => 500);
cmp_ok($done{$_} // 0, '>=', 20, "$_ was among them") for @scripts;
# Each transaction on a connection of its own, so that server connections change hands.
$run{connect} = [ '--connect', @{ $run{connect} } ];
run_scripts($dir, %run, protocol => 'simple', transactions => 100);
my $nodes = (client('SHOW pool_nodes'))[0];
like($nodes, qr{^0\|.*\|primary\|unknown\|[1-9]\d*\|}m, 'reads went to the primary');
like($nodes, qr{^1\|.*\|standby\|unknown\|[1-9]\d*\|}m, 'and to the standby');

client("BEGIN; SELECT auth.jwt_authenticate('$token{alice}');");
is((client($count))[0], '0||', 'a client that disconnects in a transaction leaves no identity') for 1 .. $CLIENTS;
# SET goes to all servers. A function runs on one, and without a transaction a later read may go
# to another, which knows no identity: it shows no row.
is((client("SET pg_session_jwt.jwt = '$token{alice}'; $count"))[0], "$ROWS|alice|alice", 'SET: on each server') for 1 .. 8;
like((client("SELECT auth.jwt_session_init('$token{alice}'); $count"))[0],
	qr/^($ROWS\|alice\|alice|0\|\|)$/m, 'jwt_session_init: the user, or no row') for 1 .. 8;
is((client($count))[0], '0||', 'the next client starts without an identity') for 1 .. $CLIENTS;

$pgpool->signal('INT');
$pgpool->finish;
undef $pgpool;
is_deeply([ map { logged_pieces($_, values %token) } $node, $standby ], [], "no part of a token is in the servers' logs");
is_deeply([ SessionJwt::pieces_in(slurp_file($log), values %token) ], [], "nor in Pgpool-II's");

done_testing();
