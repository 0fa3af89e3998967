# SPDX-License-Identifier: Apache-2.0
# The session after a login with a token: what its identity is, what may take its place, what happens when the
# token expires, and how a fresh token takes its place.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use Login;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;

my $key = new_key('k1');
my $node = start_login_node('login_session', $key, streaming => 1, conf => <<END, hba => hba_line(map => 'users'),
pg_session_jwt.leeway = 0
max_connections = 30
max_worker_processes = 8
max_parallel_workers = 8
END
	ident => join "\n", map { "users alice $_" } qw(app stored));
my $major = $node->pg_version->major;
$node->safe_psql('postgres', <<"END");
CREATE ROLE app LOGIN;
CREATE ROLE stored LOGIN;
CREATE TABLE notes (owner text, note text);
INSERT INTO notes VALUES ('alice', 'of alice'), ('bob', 'of bob');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = auth.user_id());
CREATE TABLE numbers AS SELECT generate_series(1, 20000) AS n;
ANALYZE numbers;
GRANT SELECT ON notes, numbers TO PUBLIC;
CREATE FUNCTION slow_user() RETURNS text STABLE PARALLEL SAFE LANGUAGE plpgsql COST 10000 AS 'BEGIN RETURN auth.user_id(); END';
CREATE DATABASE other;
CREATE DATABASE claims;
CREATE DATABASE none;
CREATE DATABASE sealed;
END
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(other claims none sealed);
$node->safe_psql('postgres', <<"END");
ALTER DATABASE other SET pg_session_jwt.issuer = 'https://other.example.com';
ALTER DATABASE claims SET pg_session_jwt.mode = claims;
ALTER DATABASE none SET pg_session_jwt.mode = none;
ALTER DATABASE sealed SET pg_session_jwt.seal = on;
END

my @tokens;

sub token
{
	my ($sub, %claims) = @_;
	push @tokens, token_for($key, $sub, scope => 'notes', %claims);
	return $tokens[-1];
}

# One without that claim.
sub token_without
{
	my ($claim) = @_;
	my %claims = (iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', scope => 'notes', iat => time, exp => time + 3600);
	delete $claims{$claim};
	push @tokens, sign(JSON::PP->new->encode(\%claims), jwk => $key, header => qq({"alg":"@{[ session_alg() ]}","kid":"k1"}));
	return $tokens[-1];
}

sub log_in
{
	my ($token, %o) = @_;
	return Protocol->connect($o{node} // $node, user => 'app', token => $token, %o);
}

# conf: settings of the configuration file, also of sessions that are connected.
sub configure
{
	my (%conf) = @_;
	$node->append_conf('postgresql.conf', "pg_session_jwt.$_ = $conf{$_}") for keys %conf;
	reload($node);
	return;
}

my $start = time;
my $alice = token('alice');
my $bob = token('bob');
my $USER = 'SELECT auth.user_id()';
my $LOGIN = 'SELECT status, subject, login FROM auth.jwt_status()';
my $refused = qr/^42501: identity is sealed$/;

# --- the identity -------------------------------------------------------------------

log_in($alice)->steps('the policy reads the token before any function is called',
	'SELECT note FROM notes' => 'of alice',
	$LOGIN => 'valid|alice|t',
	"SELECT sealed, subject FROM auth.jwt_sessions() WHERE pid = pg_backend_pid()" => qr/^42501/)->disconnect;
log_in($alice)->steps('what returns to the login',
	"SET pg_session_jwt.jwt = '$bob'" => '', $LOGIN => 'valid|bob|f',
	'RESET pg_session_jwt.jwt' => '', $LOGIN => 'valid|alice|t',
	init_with($bob) => '', $USER => 'bob',
	'RESET ALL' => '', $LOGIN => 'valid|alice|t',
	"SET pg_session_jwt.jwt = ''" => '', $LOGIN => 'none|NULL|NULL',
	'DISCARD ALL' => '', $LOGIN => 'valid|alice|t',
	"SELECT set_config('pg_session_jwt.jwt', NULL, false)" => qr//, $LOGIN => 'valid|alice|t',
	'SET pg_session_jwt.jwt TO DEFAULT' => '', $LOGIN => 'valid|alice|t')->disconnect;
log_in($alice)->steps('another token for a transaction',
	'BEGIN' => '', "SELECT auth.jwt_authenticate('$bob')" => 'bob', $LOGIN => 'valid|bob|f', 'COMMIT' => '',
	$LOGIN => 'valid|alice|t',
	'BEGIN' => '', "SET LOCAL pg_session_jwt.jwt = '$bob'" => '', 'ROLLBACK' => '', $LOGIN => 'valid|alice|t',
	'BEGIN' => '', 'SAVEPOINT s' => '', "SET pg_session_jwt.jwt = '$bob'" => '', 'ROLLBACK TO s' => '',
	$USER => 'alice', 'COMMIT' => '')->disconnect;
log_in($alice, set => { 'pg_session_jwt.jwt' => $bob })->steps('a token of the startup packet', $LOGIN => 'valid|alice|t',
	'DISCARD ALL' => '', $USER => 'alice')->disconnect;
log_in($alice, set => { 'pg_session_jwt.jwk' => public_jwk() })->steps('a key of the startup packet',
	$USER => qr/^42501: pg_session_jwt.jwk is not accepted/)->disconnect;
log_in($alice, set => { 'request.jwt.claims' => '{"sub":"bob"}' })->steps('claims of the startup packet', $USER => 'alice')
  ->disconnect;
is(log_in($alice, set => { 'pg_session_jwt.login' => 'any' })->{answer}{error}{C}, '55P02', 'a setting of the login');
is(log_in($alice, set => { 'pg_session_jwt.mode' => 'claims' })->{answer}{error}{C}, '42501', 'a setting of the trust');
# The server refuses to store it, so the catalog is changed.
$node->safe_psql('postgres', "SET allow_system_table_mods = on; INSERT INTO pg_db_role_setting
	SELECT 0, oid, ARRAY['pg_session_jwt.jwt=$bob'] FROM pg_roles WHERE rolname = 'stored'");
log_in($alice, user => 'stored')->steps('a token stored for the role', $USER => 'alice', 'DISCARD ALL' => '', $USER => 'alice')
  ->disconnect;
log_in($alice)->steps('what a role may not set', map { ("SET pg_session_jwt.$_" => qr/^55P02/) }
	"login = 'any'", "login_claim = 'email'", "login_roles = 'app'", "login_role_claim = 'r'", 'login_expiry = refuse')->disconnect;

my @parallel = (
	'SET max_parallel_workers_per_gather = 2' => '', 'SET parallel_setup_cost = 0' => '', 'SET parallel_tuple_cost = 0' => '',
	'SET min_parallel_table_scan_size = 0' => '',
	'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT DISTINCT slow_user() FROM numbers' => qr/Workers Launched: [12]/,
	"SELECT count(*) FROM numbers WHERE slow_user() = 'alice'" => 20000);
log_in($alice)->steps('parallel workers have it', @parallel)->disconnect;

# --- databases ----------------------------------------------------------------------

log_in($alice, db => 'other')->steps('a database with another issuer: the login succeeds, reads raise an error',
	'SELECT system_user' => 'oauth:alice', $USER => qr/^23514: JWT issuer/, $LOGIN => 'refused|NULL|NULL')->disconnect;
log_in($alice, db => 'claims')->steps('a database in claims mode', $USER => qr/^55000: pinned keys are not used in this mode/)
  ->disconnect;
log_in($alice, db => 'none')->steps('a database in mode none', $USER => 'NULL', $LOGIN => 'none|NULL|NULL')->disconnect;

$node->safe_psql('postgres', "INSERT INTO auth.revocation (iss, jti, until) VALUES ('$ISSUER', 'tabled', now() + '1 hour')");
log_in(token('alice', jti => 'tabled'))->steps('a token that a table revokes',
	'SELECT system_user' => 'oauth:alice', $USER => qr/^23514: JWT is revoked/)->disconnect;

# --- sealed -------------------------------------------------------------------------

my @sealed = (
	(map { ($_ => $refused, $LOGIN => 'valid|alice|t') }
		"SET pg_session_jwt.jwt = '$bob'", "SET LOCAL pg_session_jwt.jwt = '$bob'", "SET pg_session_jwt.jwt = ''",
		init_with($bob), "SELECT auth.jwt_authenticate('$bob')", "SELECT set_config('pg_session_jwt.jwt', '$bob', false)"),
	(map { ($_ => qr/^[^:]*$/, $LOGIN => 'valid|alice|t') }
		'RESET pg_session_jwt.jwt', 'SET pg_session_jwt.jwt TO DEFAULT', 'RESET ALL', 'DISCARD ALL',
		"SELECT set_config('pg_session_jwt.jwt', NULL, false)"),
	'SHOW pg_session_jwt.jwt' => '(sealed)',
	"SELECT reset_val FROM pg_settings WHERE name = 'pg_session_jwt.jwt'" => '(sealed)',
	'SET pg_session_jwt.seal = off' => qr/^42501: permission denied/,
	'SELECT auth.jwt_token()' => qr/^42501/,
	"SET request.jwt.claims = '{\"sub\":\"bob\"}'" => '', $USER => 'alice');
log_in($alice, db => 'sealed')->steps('the login seals the identity', @sealed)->disconnect;
log_in($alice, db => 'sealed', set => { 'pg_session_jwt.jwt' => $bob })->steps('also against the startup packet', $USER => 'alice')
  ->disconnect;

my $early = log_in($alice)->steps('another token is set', "SET pg_session_jwt.jwt = '$bob'" => '', $USER => 'bob');
configure(login => 'only');
$early->steps('only the login counts from the next message on', $LOGIN => 'valid|alice|t', @sealed)->disconnect;
log_in($alice)->steps('only the login counts', @sealed)->disconnect;
log_in($alice)->steps('parallel workers have it, too', @parallel)->disconnect;
log_in($alice, db => 'claims')->steps('also where gateways are believed',
	"SET request.jwt.claims = '{\"sub\":\"bob\"}'" => '', $USER => qr/^55000/)->disconnect;
my $admin = getpwuid $<;
for my $set ({}, { 'pg_session_jwt.jwt' => $bob }, { 'request.jwt.claims' => '{"sub":"bob"}' })
{
	Protocol->connect($node, user => $admin, set => $set)->steps(
		'a login without a token has no identity' . join('', map { ", with $_" } keys %$set),
		$USER => 'NULL',
		'SELECT status, reason FROM auth.jwt_status()' =>
		  'none|Setting pg_session_jwt.login allows only the token of a login, and this connection logged in without one.',
		"SET pg_session_jwt.jwt = '$bob'" => $refused, $USER => 'NULL',
		"SELECT auth.jwt_authenticate('$bob')" => $refused, $USER => 'NULL',
		'DISCARD ALL' => '', $USER => 'NULL',
		'SET debug_parallel_query = on' => '', 'SELECT slow_user()' => 'NULL')->disconnect;
}
configure(login => 'any');

$node->safe_psql('postgres', 'GRANT SET ON PARAMETER pg_session_jwt.seal TO app');
log_in($alice)->steps('who may set that, seals and ends it at any time',
	"SET pg_session_jwt.jwt = '$bob'" => '', $USER => 'bob', 'SET pg_session_jwt.seal = on' => '', $USER => 'alice',
	"SET pg_session_jwt.jwt = '$bob'" => $refused, 'SET pg_session_jwt.seal = off' => '', $USER => 'bob',
	'BEGIN' => '', 'SET LOCAL pg_session_jwt.seal = on' => '', $USER => 'alice', 'COMMIT' => '', $USER => 'bob',
	'DISCARD ALL' => '', $USER => 'alice')->disconnect;
$node->safe_psql('postgres', 'REVOKE SET ON PARAMETER pg_session_jwt.seal FROM app');

# --- a fresh token ------------------------------------------------------------------

sub refresh { return "SELECT auth.jwt_session_refresh('$_[0]')" }
my $fresh = token('alice', iat => $start + 10, exp => $start + 7200, jti => 'fresh', nbf => $start - 10);
my $JTI = q(SELECT auth.session() ->> 'jti', login FROM auth.jwt_status());
my $not = qr/^28000: JWT is not accepted for this login$/;
log_in($alice)->steps('a fresh token', $JTI => 'NULL|t', refresh($fresh) => '', $JTI => 'fresh|t', 'DISCARD ALL' => '',
	$JTI => 'fresh|t', refresh($alice) => $not, $JTI => 'fresh|t', refresh($fresh) => '', $JTI => 'fresh|t')->disconnect;
log_in($alice)->steps('a rollback does not undo it', 'BEGIN' => '', refresh($fresh) => '', 'ROLLBACK' => '', $JTI => 'fresh|t')
  ->disconnect;
log_in($alice)->steps('under another token', "SET pg_session_jwt.jwt = '$bob'" => '', refresh($fresh) => '', $USER => 'bob',
	'RESET pg_session_jwt.jwt' => '', $JTI => 'fresh|t',
	'BEGIN' => '', "SELECT auth.jwt_authenticate('$bob')" => 'bob', refresh(token('alice', iat => $start + 20, exp => $start + 7300, jti => 'later')) => '',
	$USER => 'bob', 'COMMIT' => '', $JTI => 'later|t')->disconnect;
log_in($alice, db => 'sealed')->steps('in a sealed session', refresh($fresh) => '', $JTI => 'fresh|t', @sealed)->disconnect;
log_in($alice)->steps('in the middle of a query',
	"SELECT auth.user_id(), auth.jwt_session_refresh('$fresh'), auth.user_id() FROM generate_series(1, 2)" => "alice||alice\nalice||alice",
	$JTI => 'fresh|t', 'SELECT count(*) FROM notes' => 1)->disconnect;
log_in($alice)->steps('what is no fresh token of this login',
	(map { (refresh($_->[0]) => $_->[1], $JTI => 'NULL|t') }
		[ $bob, $not ],
		[ token('alice', iat => $start - 100), $not ],
		[ token_without('iat'), $not ],
		[ token('alice', exp => $start + 1000), $not ],
		[ token('alice', scope => 'write'), $not ],
		[ token('alice', iss => 'https://other.example.com'), qr/^23514/ ],
		[ token('alice', exp => $start - 10), qr/^23514/ ],
		[ token_for(new_key('k1'), 'alice', scope => 'notes'), qr/^23514/ ],
		[ 'abc', qr/^\w{5}: / ],
		[ '', qr/^22023/ ]),
	'SELECT auth.jwt_session_refresh(NULL)' => qr/^22004/)->disconnect;
Protocol->connect($node, user => $admin)->steps('without a login by token',
	refresh($fresh) => '55000: connection did not log in with a token', init_with($bob) => '', $USER => 'bob',
	"SELECT auth.jwt_seal('0123456789abcdef')" => '', refresh($fresh) => '55000: connection did not log in with a token')->disconnect;
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION auth.jwt_seal(text), auth.jwt_unseal(text) TO app');
log_in($alice)->steps('a function sealed the session', "SELECT auth.jwt_seal('0123456789abcdef')" => '', $LOGIN => 'valid|alice|t',
	refresh($fresh) => $refused, 'DISCARD ALL' => $refused,
	"SELECT auth.jwt_unseal('0123456789abcdef')" => '', refresh($fresh) => '', $JTI => 'fresh|t')->disconnect;

$node->safe_psql('postgres', "CREATE FUNCTION refresh_definer(text) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT auth.jwt_session_refresh(\$1)'");
log_in($alice)->steps('as definer', "SELECT refresh_definer('$fresh')" => 'NULL', $JTI => 'fresh|t', $USER => 'alice')->disconnect;

set_ident($node, 'users a@example.com app');
configure(login_claim => 'email');
log_in(token('1', email => 'a@example.com'))->steps('another claim names who logs in',
	refresh(token('2', email => 'a@example.com', iat => $start + 10, exp => $start + 7200)) => $not,
	refresh(token('1', email => 'b@example.com', iat => $start + 10, exp => $start + 7200)) => $not, $USER => '1',
	refresh(token('1', email => 'a@example.com', iat => $start + 10, exp => $start + 7200, jti => 'same')) => '', $JTI => 'same|t')
  ->disconnect;
configure(login_claim => 'sub');
set_ident($node, map { "users alice $_" } qw(app stored));

set_hba($node, hba_line(delegate_ident_mapping => 1));
configure(login_role_claim => 'roles');
log_in(token('alice', roles => ['app']))->steps('the role must still be in the claim',
	refresh($fresh) => $not, refresh(token('alice', roles => ['other'])) => $not,
	refresh(token('alice', iat => $start + 10, exp => $start + 7200, jti => 'role', roles => [ 'other', 'app' ])) => '',
	$JTI => 'role|t')->disconnect;
set_hba($node, hba_line(map => 'users'));

# --- expiry -------------------------------------------------------------------------

# Tokens that are good for some seconds.
sub short
{
	my ($seconds, %claims) = @_;
	return token('alice', exp => time + $seconds, %claims);
}
my $ended = '57P01: terminating connection because the token of its login has expired';
my $expired = qr/^23514: Token used after it has expired$/;

my $refuse = log_in(short(2));
my $busy = log_in(short(2));
$refuse->steps('before it expires', $USER => 'alice');
sleep 3;
$refuse->steps('the session goes on without an identity', $USER => $expired, 'SELECT system_user' => 'oauth:alice',
	'SELECT note FROM notes' => $expired, refresh($fresh) => '', $USER => 'alice')->disconnect;

# What the server sends while the client is silent.
sub last_words
{
	my ($client) = @_;
	my $answer = eval { local $SIG{ALRM} = sub { die "nothing\n" }; alarm 20; my $got = $client->answer; alarm 0; $got };
	alarm 0;
	return $answer ? join "\n", @{ $answer->{lines} } : "no message: $@";
}

configure(login_expiry => 'disconnect');
$busy->steps('the setting is read at the next message', 'SELECT 1' => $ended);
# Errors of this role are not logged.
$node->safe_psql('postgres', 'ALTER ROLE stored SET log_min_messages = fatal');
my %idle = map { $_ => log_in(short(3)) } qw(idle transaction failed outside aborted refreshed running);
$idle{quiet} = log_in(short(3), user => 'stored');
$idle{quiet}->steps('a statement failed, and the log does not have it', 'SELECT 1/0' => qr/^22012/);
$idle{transaction}->steps('a transaction is open', 'BEGIN' => '', $USER => 'alice');
$idle{failed}->steps('statements failed', 'SELECT 1/0' => qr/^22012/, 'BEGIN' => '', 'SELECT 1/0' => qr/^22012/,
	'ROLLBACK' => '', 'SELECT 1/0' => qr/^22012/);
is($idle{outside}->execute_portal('none')->{error}{C}, '34000', 'a statement failed outside of a transaction');
$idle{aborted}->steps('and in a transaction that had failed', 'BEGIN' => '', 'SELECT 1/0' => qr/^22012/, 'SELECT 1' => qr/^25P02/);
$idle{refreshed}->steps('a fresh token', refresh($fresh) => '', $JTI => 'fresh|t');
$idle{running}->steps('a running statement goes on to its end',
	'BEGIN' => '', 'SELECT pg_sleep(4.5), auth.user_id()' => '|alice');
is(last_words($idle{$_}), $ended, "the session ends: $_") for qw(running idle transaction failed outside aborted quiet);
$idle{refreshed}->steps('the session with the fresh token goes on', $USER => 'alice')->disconnect;
my $message = log_in(short(2));
$message->steps('one message', 'SELECT pg_sleep(3); SELECT auth.user_id()' => "\nalice");
is(join("\n", @{ $message->simple('SELECT 1')->{lines} }), $ended, 'and the next one');
log_in(token('alice', exp => $start + 100000000))->steps('far in the future', $USER => 'alice')->disconnect;
configure(required_claims => "'sub'");
log_in(token_without('exp'))->steps('a token that does not expire', $USER => 'alice',
	refresh(token('alice', iat => time + 5, jti => 'exp')) => '', $JTI => 'exp|t')->disconnect;

# --- a standby ----------------------------------------------------------------------

$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('login_standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
log_in($alice, node => $standby)->steps('a standby', 'SELECT pg_is_in_recovery()' => 't', $LOGIN => 'valid|alice|t',
	'SELECT note FROM notes' => 'of alice', "SET pg_session_jwt.jwt = '$bob'" => '', 'DISCARD ALL' => '', $USER => 'alice',
	refresh($fresh) => '', $JTI => 'fresh|t', @parallel)->disconnect;
is(last_words(log_in(short(2), node => $standby)), $ended, 'a session on a standby ends');
is_deeply([ logged_pieces($standby, @tokens) ], [], 'no piece of a token is in the log of the standby');
$standby->stop;

# --- the library in the postmaster, and a key that is no issuer's -------------------

configure(mode => 'session_key', jwks_file => "''", issuer => "''", jwk => "'@{[ public_jwk() ]}'");
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_session_jwt'");
$node->restart;
# In this mode a token has a number, and a later one has a greater one.
my @numbered = map { sign(qq({"iss":"$ISSUER","scope":"notes","sub":"alice","jti":$_,"exp":@{[ time + 10 + $_ ]}})) } 1 .. 3;
push @tokens, @numbered;
log_in($numbered[1])->steps('the mode session key', $LOGIN => 'valid|alice|t', init_with($numbered[0]) => qr/^23514/,
	init_with($numbered[2]) => '', $USER => 'alice', 'DISCARD ALL' => '', $LOGIN => 'valid|alice|t', refresh($numbered[2]) => '',
	'SELECT note FROM notes' => 'of alice', @parallel)->disconnect;
my $last = sign(qq({"iss":"$ISSUER","scope":"notes","sub":"alice","jti":9,"exp":@{[ time + 2 ]}}));
is(last_words(log_in($last)), $ended, 'the session ends');
log_in($numbered[1], set => { 'pg_session_jwt.jwk' => public_jwk(undef, kid => 'other') })->steps(
	"with the client's own key that key verifies the login's token", $USER => 'alice')->disconnect;
log_in($numbered[1], set => { 'pg_session_jwt.jwk' => key_set($key) })->steps(
	'and another key refuses it', $USER => qr/^(42804|23514)/)->disconnect;

is_deeply([ logged_pieces($node, @tokens, $last) ], [], 'no piece of a token is in the log');
$node->stop;
done_testing();
