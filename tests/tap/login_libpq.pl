# SPDX-License-Identifier: Apache-2.0
# A session that libpq opened with a token, from the login to the end of the token. What the server
# does in detail is in login.pl and login_session.pl.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use Login;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $key = new_key('k1');
my $node = start_login_node('login_libpq', $key, conf => "pg_session_jwt.leeway = 0\n", hba => hba_line(map => 'people'),
	ident => 'people /^ app', streaming => 1);
$node->safe_psql('postgres', notes_table(1000, qw(alice bob)));
$node->safe_psql('postgres', <<'END');
CREATE ROLE app LOGIN;
GRANT SELECT ON note TO app;
ALTER TABLE note SET (parallel_workers = 2);
ANALYZE note;
END

my @tokens;
sub token { push @tokens, token_for($key, shift, scope => 'notes', jti => 'j' . @tokens, @_); return $tokens[-1] }
sub as { return { user => 'app', token => token(@_) } }
my $user = 'SELECT auth.user_id()';
my $count = 'SELECT count(*), min(owner), max(owner) FROM note';
my @alice = ($count => '1000|alice|alice', $user => 'alice', 'SELECT status, login FROM auth.jwt_status()' => 'valid|t');

login_ok($node, 'a policy in the first statement', as('alice'), @alice);
login_ok($node, 'a policy of another user', as('bob'), $count => '1000|bob|bob');
my $bob = token('bob');
login_ok($node, 'RESET, RESET ALL and DISCARD ALL come back to the login', as('alice'),
	map { ("SET pg_session_jwt.jwt = '$bob'" => '', $user => 'bob', $_ => '', @alice) }
	  'RESET pg_session_jwt.jwt', 'RESET ALL', 'DISCARD ALL');
login_ok($node, 'parallel workers', as('alice'),
	'SET parallel_setup_cost = 0' => '', 'SET parallel_tuple_cost = 0' => '', 'SET min_parallel_table_scan_size = 0' => '',
	'SET parallel_leader_participation = off' => '',
	"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $count" => qr/Workers Launched: [1-9]/,
	$count => '1000|alice|alice');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('login_libpq_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
login_ok($standby, 'on a standby', as('alice'), 'SELECT pg_is_in_recovery()' => 't', @alice, 'DISCARD ALL' => '', @alice);
login_refused($standby, 'on a standby, with another scope', as('alice', scope => 'wiki'), qr/has the scope "notes"/);
$standby->stop;

# --- the end of the token ---------------------------------------------------------------

sub short { return as('alice', exp => young_second() + 3) }
sub refresh { return "SELECT auth.jwt_session_refresh('" . token(@_) . "')" }
my $expired = refused('23514', 'Token used after it has expired');
login_ok($node, 'expiry, and a fresh token after it', short(),
	@alice, '\sleep 3.2' => '', $count => $expired, 'SELECT 1' => '1', 'DISCARD ALL' => '', $user => $expired,
	refresh('bob') => refused('28000', 'JWT is not accepted for this login', detail => qr/./),
	refresh('alice') => '', @alice, 'DISCARD ALL' => '', @alice);

$node->append_conf('postgresql.conf', "pg_session_jwt.login_expiry = 'disconnect'");
reload($node);
my $gone = refused(qr/^57P0/, qr/^terminating connection/);
login_ok($node, 'disconnect: at the next message', short(), @alice, 'SELECT pg_sleep(3.2)' => '', 'SELECT 1' => $gone);
login_ok($node, 'disconnect: not after a refresh', short(), refresh('alice') => '', '\sleep 3.2' => '', @alice);
my $client = start_client($node, short(), "$user\n\\sleep 7\nSELECT 1\n");
$client->{run}->pump until $client->{out} =~ /^done/m;
my $sessions = q(SELECT count(*) FROM pg_stat_activity WHERE usename = 'app');
is($node->safe_psql('postgres', $sessions), '1', 'disconnect: an idle session is there before its end');
ok($node->poll_query_until('postgres', $sessions, '0') && $client->{out} !~ /done.*done/s,
	'disconnect: it ends by itself');
like(join("\n", finish_client($client)), qr/^error FATAL 57P0. terminating connection.*\n(detail.*\n)?(hint.*\n)?done$/m,
	'disconnect: its client is told why');

is_deeply([ logged_pieces($node, @tokens) ], [], 'no part of a token is in the log');
$node->stop;
done_testing();
