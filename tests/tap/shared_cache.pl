# SPDX-License-Identifier: Apache-2.0
# The table of the cluster: a token that one session verified is not verified by another one, and
# everything but its signature is judged anew. The statistics that show it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use HmacToken;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my ($major) = `"$ENV{PG_CONFIG}" --version` =~ /(\d+)/;
my $library = $major < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
my $preload = "shared_preload_libraries = '$library'\n";
my $node = start_node('shared_cache', <<END . $preload);
pg_session_jwt.algorithms = 'HS256'
pg_session_jwt.leeway = 0
client_min_messages = error
restart_after_crash = on
END
my $data = $node->data_dir;
put_file("$data/keys.json", hmac_key('s'));
$node->safe_psql('postgres', <<END);
CREATE ROLE app_user LOGIN;
CREATE ROLE monitor LOGIN IN ROLE pg_read_all_stats;
CREATE DATABASE one;
CREATE DATABASE two;
CREATE DATABASE other;
CREATE DATABASE off;
ALTER DATABASE one SET pg_session_jwt.jwks_file = 'keys.json';
ALTER DATABASE two SET pg_session_jwt.jwks_file = 'keys.json';
ALTER DATABASE other SET pg_session_jwt.jwks = '${\hmac_key('o')}';
ALTER DATABASE off SET pg_session_jwt.jwks_file = 'keys.json';
ALTER DATABASE off SET pg_session_jwt.shared_cache = off;
END
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(one two other off postgres);

# The values that are not 0, as "counter value" or "counter reason value".
sub counted
{
	my ($from) = @_;
	return $from->safe_psql('postgres', q(SELECT string_agg(concat_ws(' ', counter, reason, value), ', '
		ORDER BY counter, reason) FROM auth.jwt_stats() WHERE value > 0 AND counter <> 'key_reloads'));
}
sub counted_is
{
	my ($wanted, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(counted($node), $wanted, "$name: counters");
	$node->safe_psql('postgres', 'SELECT auth.jwt_stats_reset()');
}

my %one = (db => 'one', user => 'app_user');
my $invalid = refused('23514', 'invalid JWT signature');

# --- a hit ----------------------------------------------------------------------

my $alice = hmac_token('alice');
session_ok($node, 'the first session', \%one, visit(alice => $alice), visit(alice => $alice));
counted_is('session_hits 1, verified 1', 'the first session');
session_ok($node, 'the second session', \%one, visit(alice => $alice),
	'SELECT status, algorithm, key_id, shared_cache FROM auth.jwt_status()' => 'valid|HS256|k1|on');
counted_is('shared_hits 1', 'the second session');
session_ok($node, 'a database with the same policy', { db => 'two' }, visit(alice => $alice));
counted_is('shared_hits 1', 'a database with the same policy');
session_ok($node, 'turned off', { db => 'off' }, visit(alice => $alice),
	'SELECT shared_cache FROM auth.jwt_status()' => 'off: pg_session_jwt.shared_cache is off');
counted_is('verified 1', 'turned off');
session_ok($node, 'only superusers turn it off', \%one, $USER => 'NULL',
	'SET pg_session_jwt.shared_cache = off' => refused('42501', qr/permission denied to set parameter/));

# --- misses ---------------------------------------------------------------------

session_ok($node, 'another database with another key of the same id', { db => 'other' },
	"SET pg_session_jwt.jwt = '$alice'" => '', $USER => $invalid, $USER => $invalid,
	visit(bob => hmac_token('bob', letter => 'o')));
counted_is('refused SJWT_SIGNATURE_INVALID 2, verified 1', 'another key');

my $forged = substr($alice, 0, -20) . ('A' x 20);
session_ok($node, 'a forged token', \%one, "SET pg_session_jwt.jwt = '$forged'" => '', $USER => $invalid)
  for 1 .. 2;
counted_is('refused SJWT_SIGNATURE_INVALID 2', 'a forged token never enters');

put_file("$data/keys.json", hmac_key('n', 'k2'));
session_ok($node, 'a key that is taken out', \%one, "SET pg_session_jwt.jwt = '$alice'" => '',
	$USER => refused('23514', 'no key for this JWT'),
	visit(carol => hmac_token('carol', letter => 'n', kid => 'k2')));
counted_is('refused SJWT_KEY_NOT_FOUND 1, verified 1', 'a key that is taken out');
put_file("$data/keys.json", hmac_key('s'));

$node->safe_psql('postgres', "ALTER DATABASE one SET pg_session_jwt.algorithms = 'HS512'");
session_ok($node, 'an algorithm that is not allowed any more', \%one, "SET pg_session_jwt.jwt = '$alice'" => '',
	$USER => refused('23514', qr/algorithm/));
counted_is('refused SJWT_ALG_NOT_ALLOWED 1', 'an algorithm that is not allowed any more');
$node->safe_psql('postgres', 'ALTER DATABASE one RESET pg_session_jwt.algorithms');

# --- what is judged anew --------------------------------------------------------

for my $change (
	[ 'audience', "'notes'", 'SJWT_AUDIENCE_MISSING' ],
	[ 'issuer', "'https://issuer.example.com'", 'SJWT_ISSUER_MISSING' ],
	[ 'required_claims', "'exp, client_id'", 'SJWT_CLAIM_MISSING' ],
	[ 'token_types', "'at+jwt'", 'SJWT_TYPE_REFUSED' ])
{
	my ($setting, $value, $reason) = @$change;
	$node->safe_psql('postgres', "ALTER DATABASE one SET pg_session_jwt.$setting = $value");
	session_ok($node, "$setting changes", \%one, "SET pg_session_jwt.jwt = '$alice'" => '',
		$USER => refused('23514', qr/./));
	counted_is("refused $reason 1", "$setting changes");
	$node->safe_psql('postgres', "ALTER DATABASE one RESET pg_session_jwt.$setting");
}

my $now = young_second();
my $short = hmac_token('short', exp => $now + 3);
session_ok($node, 'a token that expires soon', \%one, visit(short => $short));
sleep 5;
my $expired = refused('23514', 'Token used after it has expired', detail => 'exp=' . ($now + 3));
session_ok($node, 'is refused after its expiry', \%one, "SET pg_session_jwt.jwt = '$short'" => '', $USER => $expired);
counted_is('refused SJWT_EXPIRED 1, verified 1', 'expiry');
# A hit, since the entry is still good, whose times are compared with the leeway of this session.
$short = hmac_token('short', exp => time - 20);
session_ok($node, 'with a leeway', { db => 'one', set => { 'pg_session_jwt.leeway' => 3600 } }, visit(short => $short));
session_ok($node, 'without one', \%one, "SET pg_session_jwt.jwt = '$short'" => '',
	$USER => refused('23514', 'Token used after it has expired'));
counted_is('refused SJWT_EXPIRED 1, shared_hits 1, verified 1', 'a hit is no verdict');

# --- session keys ---------------------------------------------------------------

my $session_token = sign('{"sub":"alice","jti":1}');
session_ok($node, 'a session key', { db => 'postgres', jwk => public_jwk() }, visit(alice => $session_token)) for 1 .. 2;
counted_is('verified 2', 'a session key');

# --- sessions -------------------------------------------------------------------

my $sessions = q(SELECT database, mode, issuer, subject, key_id, expires_at > now() FROM auth.jwt_sessions()
	WHERE subject IS NOT NULL);
session_ok($node, 'its own session', { db => 'one' }, visit(alice => $alice),
	$sessions => 'one|issuer|NULL|alice|k1|t',
	'SELECT pid = pg_backend_pid() FROM auth.jwt_sessions()' => 't',
	'RESET pg_session_jwt.jwt' => '', $USER => 'NULL', $sessions => '');
is($node->safe_psql('postgres', 'SELECT count(*) FROM auth.jwt_sessions()'), 0, 'sessions that ended are gone');
session_ok($node, 'a sealed identity', { db => 'one', set => { 'pg_session_jwt.seal' => 'on' } },
	'BEGIN' => '', "SELECT auth.jwt_authenticate('$alice')" => 'alice',
	'SELECT subject, sealed FROM auth.jwt_sessions()' => 'alice|t', 'COMMIT' => '',
	$USER => 'NULL', 'SELECT subject, sealed FROM auth.jwt_sessions()' => 'NULL|NULL');
my $long = 'x' x 126 . "\x{c3}\x{a4}y";
session_ok($node, 'a long subject is cut at the end of a character', { db => 'one' },
	visit($long => hmac_token($long)), 'SELECT subject FROM auth.jwt_sessions()' => 'x' x 126);
session_ok($node, 'who may see it', { db => 'one', user => 'app_user' },
	map { ("SELECT count(*) FROM auth.$_()" => refused('42501', 'permission denied for statistics of all sessions')) }
	  qw(jwt_stats jwt_sessions jwt_stats_reset));
session_ok($node, 'and who does', { db => 'one', user => 'monitor' },
	'SELECT count(*) > 40 FROM auth.jwt_stats()' => 't',
	'SELECT count(*) FROM auth.jwt_sessions()' => '0',
	'SELECT auth.jwt_stats_reset()' => refused('42501', 'permission denied for statistics of all sessions',
		detail => 'This is for superusers.'));

# --- a crash --------------------------------------------------------------------

session_ok($node, 'before the crash', \%one, visit(alice => $alice));
$node->safe_psql('postgres', 'SELECT auth.jwt_stats_reset()');
my $pid = $node->safe_psql('postgres', q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'));
kill 'KILL', $pid;
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'walwriter' AND pid <> $pid")
  or die 'the server did not restart';
session_ok($node, 'after a crash', \%one, visit(alice => $alice));
session_ok($node, 'after a crash, again', \%one, visit(alice => $alice));
is(counted($node), 'shared_hits 1, verified 1', 'after a crash the table is empty and works');

# --- a full table ---------------------------------------------------------------

$node->append_conf('postgresql.conf', "pg_session_jwt.shared_cache_size = '64kB'\n");
$node->restart;
my %many = map { ("user $_" => hmac_token("user $_")) } 1 .. 3000;
session_ok($node, 'more tokens than the table holds', \%one, visit(%many));
like(counted($node), qr/shared_evictions 1\d\d\d, verified 3000$/, 'evict others');
my @last = sort keys %many;
session_ok($node, 'some are found', \%one, visit(map { $_ => $many{$_} } @last[2500 .. 2999]));
my ($hits) = counted($node) =~ /shared_hits (\d+)/;
cmp_ok($hits, '>', 300, 'most of the last tokens are found');

$node->append_conf('postgresql.conf', "pg_session_jwt.shared_cache_size = 0\n");
$node->restart;
session_ok($node, 'no table', \%one, visit(alice => $alice), 'SELECT shared_cache FROM auth.jwt_status()' =>
	  'off: pg_session_jwt.shared_cache_size was 0 when the server started');
session_ok($node, 'no table, again', \%one, visit(alice => $alice));
counted_is('verified 2', 'no table');
session_ok($node, 'sizes', { db => 'postgres' },
	$USER => 'NULL',
	'SET pg_session_jwt.shared_cache_size = 64' => refused('55P02', qr/cannot be changed now/),
	"ALTER SYSTEM SET pg_session_jwt.shared_cache_size = 63" => refused('22023', qr/invalid value for parameter/,
		detail => 'It must be 0 or at least 64 kB.'),
	"ALTER SYSTEM SET pg_session_jwt.shared_cache_size = '17GB'" => refused('22023', qr/outside the valid range/));
$node->stop;

# --- not loaded at the server's start -------------------------------------------

my $late = start_node('shared_cache_late', <<END);
pg_session_jwt.algorithms = 'HS256'
pg_session_jwt.jwks = '${\hmac_key('s')}'
END
$late->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');
my $named_segments = $major >= 17;
session_ok($late, 'not preloaded', {}, visit(alice => $alice),
	'SELECT shared_cache FROM auth.jwt_status()' => $named_segments ? 'on'
	: 'off: there is no shared memory; see shared_preload_libraries and the server\'s log');
session_ok($late, 'not preloaded, again', {}, visit(alice => $alice));
if ($named_segments)
{
	is(counted($late), 'shared_hits 1, verified 1', 'not preloaded: counters');
}
else
{
	session_ok($late, 'there are no statistics', {},
		map { ("SELECT count(*) FROM auth.$_()" => refused('55000', 'there is no shared memory for statistics',
			hint => qr/shared_preload_libraries/)) } qw(jwt_stats jwt_sessions jwt_stats_reset));
}
$late->stop;
done_testing();
