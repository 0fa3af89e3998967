# SPDX-License-Identifier: Apache-2.0
# The server fetches keys itself: a rotation, a key taken out, tokens with unknown keys, an
# outage, restarts, the end of the worker, a standby. The provider is tests/fetch/hostile.py.

use strict;
use warnings;

use File::Spec;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use Issuer qw(new_key key_set put_file);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical;
my $user = 'SELECT auth.user_id()';
delete @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY)};

# --- the provider -----------------------------------------------------------------

my $provider = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
system_or_bail('bash', "$ENV{PGSJ_TESTS}/fetch/certificates.sh", $provider);
# The server may run as another user than this test.
chmod 0755, $provider;
my ($in, $out) = ('', '');
my $server = IPC::Run::start([ 'python3', "$ENV{PGSJ_TESTS}/fetch/hostile.py", $provider ],
	'<', \$in, '>', \$out, IPC::Run::timeout(180));
$server->pump until $out =~ /\n/;
my $ports = $json->decode($out);
my $base = "https://localhost:$ports->{good}";
my $issuer = "$base/live";

sub publish { put_file("$provider/live.json", key_set(@_)) }
sub go_down { append_to_file("$provider/down", 'x') }
sub come_back { unlink "$provider/down" }
# How often path was asked for.
sub requests { my ($path) = @_; return scalar grep { /"path": "\Q$path\E"/ }
	  -e "$provider/requests" ? split /\n/, slurp_file("$provider/requests") : () }

# A token of the issuer.
sub token
{
	my ($key, $sub, %claims) = @_;
	return sign(
		$json->encode({ iss => $issuer, sub => $sub, exp => time + 3600, %claims }),
		jwk => $key,
		header => $json->encode({ alg => session_alg(), kid => $key->{kid} }));
}

my ($k1, $k2, $k3, $k4) = map { new_key("k$_") } 1 .. 4;
my ($alice, $bob, $carol, $dave) = (token($k1, 'alice'), token($k2, 'bob'), token($k3, 'carol'), token($k4, 'dave'));
publish($k1);

# --- the server -------------------------------------------------------------------

my $node = PostgreSQL::Test::Cluster->new('fetch');
$node->init(allows_streaming => 1, extra => [ '--no-locale', '--encoding=UTF8' ]);
my $library = $node->pg_version < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
$node->append_conf('postgresql.conf', <<END);
log_statement = none
restart_after_crash = on
shared_preload_libraries = '$library'
pg_session_jwt.issuer = '$issuer'
pg_session_jwt.discovery = on
pg_session_jwt.fetch_ca_file = '$provider/ca.pem'
pg_session_jwt.fetch_allow = 'private'
END
$node->start(fail_ok => 1) or diag slurp_file($node->logfile);
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt; CREATE ROLE app_user LOGIN');

# The process of the worker, which no view shows: it has no connection to a database.
sub worker_of
{
	my ($of) = @_;
	my ($postmaster) = slurp_file($of->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	for my $status (glob '/proc/[0-9]*/stat')
	{
		open my $file, '<', $status or next;
		my ($pid, undef, $parent) = (<$file> // '') =~ /^(\d+) \((.*)\) \S (\d+)/s or next;
		next if $parent != $postmaster;
		open my $title, '<', "/proc/$pid/cmdline" or next;
		return $pid if (<$title> // '') =~ /pg_session_jwt fetcher/;
	}
	return '';
}

sub wait_for_worker
{
	my ($name, $of, $wanted) = @_;
	my $began = time;
	sleep 0.05 while time - $began < 15 && (worker_of($of) ne '') != $wanted;
	is(worker_of($of) ne '', $wanted, $name);
}

my $sources = 'SELECT issuer, source, keys, problem FROM auth.jwt_key_sources()';
my $no_key = refused('23514', 'no key for this JWT');

# Waits until the statement has a result without an error; returns how long that took.
sub wait_for
{
	my ($name, $sql, $wanted) = @_;
	my $began = time;
	my $got = '';
	while (time - $began < 15)
	{
		my ($code, $result, $error) = $node->psql('postgres', $sql);
		$got = $code == 0 ? $result : $error;
		last if $got eq $wanted;
		sleep 0.05;
	}
	is($got, $wanted, $name);
	return time - $began;
}

# What auth.jwt_stats() counts of fetches: the values that are not 0.
my $counted = q(SELECT string_agg(concat_ws(' ', counter, reason, value), ', ' ORDER BY counter, reason)
	FROM auth.jwt_stats() WHERE value > 0 AND counter ~ 'fetch|keys_not');

wait_for('keys are fetched at the start, and SQL tells', $sources, "$issuer|$issuer|1|");
is($node->safe_psql('postgres', $counted), 'keys_fetched 1', 'the fetch is counted');
session_ok(
	$node,
	'an issuer, and no file or script',
	{ user => 'app_user' },
	init_with($alice) => '',
	$user => 'alice',
	init_with($bob) => $no_key);
wait_for('a fetch that changes nothing is counted', $counted, 'keys_fetched 1, keys_not_modified 1, unknown_kid_fetches 1');
$node->safe_psql('postgres', 'SELECT auth.jwt_stats_reset()');
is($node->safe_psql('postgres', $counted), '', 'and forgotten with the other counters');
my ($keys_file) = glob $node->data_dir . '/pg_session_jwt/*.jwks';
is((stat $keys_file)[2] & 07777, 0600, 'mode of the file');
is((stat $node->data_dir . '/pg_session_jwt')[2] & 07777, 0700, 'mode of the directory');
like($node->safe_psql('postgres', 'SELECT fetched_at > now() - interval $$1 min$$, next_fetch_at > now(), stale_since
	FROM auth.jwt_key_sources()'), qr/^t\|t\|$/, 'when it was fetched, and will be');

# --- libcurl stays out of the backends ----------------------------------------------

my $mapped = $node->safe_psql('postgres', <<END);
SELECT auth.jwt_session_init('$alice');
CREATE TEMP TABLE maps (line text);
DO \$\$ BEGIN EXECUTE format('COPY maps FROM %L', '/proc/' || pg_backend_pid() || '/maps'); END \$\$;
SELECT count(*) FILTER (WHERE line LIKE '%pg_session_jwt.so%') > 0, count(*) FILTER (WHERE line ~ 'curl|_fetch') FROM maps;
END
is($mapped, "\nt|0", 'a backend has the library, and neither libcurl nor the module of the worker');
my $worker_pid = worker_of($node);
like(slurp_file("/proc/$worker_pid/maps"), qr/libcurl.*pg_session_jwt_fetch/s, 'the worker has them');

# --- rotation -----------------------------------------------------------------------

# The ring of bob's token above is answered; the next one waits for the interval.
$node->append_conf('postgresql.conf', 'pg_session_jwt.unknown_kid_interval = 0');
$node->reload;
wait_for('a reload changes the settings of the worker', 'SHOW pg_session_jwt.unknown_kid_interval', '0');
sub run_sh { return ("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; $_[0]'" => undef) }
put_file("$provider/two.json", key_set($k1, $k2));
put_file("$provider/three.json", key_set($k2, $k3));
my $install = sub { return run_sh("cp $provider/$_[0].json $provider/new.json; mv $provider/new.json $provider/live.json") };
session_ok(
	$node,
	'a new key is accepted after the first token that needs it, a removed one refused, in an open session',
	{},
	init_with($alice) => '',
	$install->('two'),
	init_with($bob) => $no_key,
	'SELECT pg_sleep(0.5)' => undef,
	init_with($bob) => '',
	$user => 'bob',
	init_with($alice) => '',
	$install->('three'),
	$user => 'alice',
	init_with($carol) => $no_key,
	'SELECT pg_sleep(0.5)' => undef,
	$user => $no_key,
	init_with($carol) => '',
	$user => 'carol',
	"SELECT set_config('pg_session_jwt.unknown_kid_wait', '5s', false)" => '5s',
	run_sh("sed s/k3/none/ $provider/live.json > $provider/new.json; mv $provider/new.json $provider/live.json"),
	init_with($dave) => $no_key);
put_file("$provider/four.json", key_set($k3, $k4));
my $began = time;
session_ok(
	$node,
	'unknown_kid_wait: the first token that needs the key is accepted',
	{ set => { 'pg_session_jwt.unknown_kid_wait' => '5s' } },
	$install->('four'),
	init_with($dave) => '',
	$user => 'dave');
cmp_ok(time - $began, '<', 4, 'it waits for the key only');
$began = time;
session_ok(
	$node,
	'unknown_kid_wait: a token of which nobody knows the key',
	{ set => { 'pg_session_jwt.unknown_kid_wait' => '5s' } },
	init_with($alice) => $no_key);
cmp_ok(time - $began, '<', 4, 'it ends with the fetch, not with the time');

# --- a key taken out, in sessions that are open --------------------------------------------

my @psql = ('psql', '-XAtq', '-d', $node->connstr('postgres'));
my @open = map { my $open = { in => '', out => '', err => '' };
	$open->{run} = IPC::Run::start(\@psql, '<', \$open->{in}, '>', \$open->{out}, '2>', \$open->{err}, IPC::Run::timeout(60));
	$open } 1 .. 4;

# Runs SQL in an open session; returns its rows, or the SQLSTATE of its error.
sub ask
{
	my ($open, $sql) = @_;
	$open->{out} = '';
	$open->{in} .= "$sql;\n\\echo END :SQLSTATE\n";
	$open->{run}->pump until $open->{out} =~ /^(.*?)\n?END (\w{5})$/ms;
	return $2 eq '00000' ? $1 : $2;
}

ask($_, init_with($carol)) for @open;
# One of them is in the middle of a transaction.
ask($open[3], 'BEGIN');
is_deeply([ map { ask($_, $user) } @open ], [ ('carol') x 4 ], 'open sessions of a key');
publish($k4);
session_ok($node, 'the fetch that shows that it was taken out', {}, init_with($alice) => $no_key);
wait_for('ends', 'SELECT keys FROM auth.jwt_key_sources()', '1');
$began = time;
is_deeply([ map { ask($_, $user) } @open ], [ ('23514') x 4 ], 'each refuses its token');
cmp_ok(time - $began, '<', 2, 'within 2 s of the fetch');
for my $open (@open)
{
	$open->{in} .= "\\q\n";
	$open->{run}->finish;
}

# --- many rotations while others work -------------------------------------------------------

# PGSJ_ROTATIONS=100 is for a person who waits.
my $rotations = $ENV{PGSJ_ROTATIONS} // 10;
my @round = map { my $key = new_key("round$_"); [ $key, token($key, "user$_") ] } 0 .. $rotations;
publish($k4, $round[0][0]);
my $work = "SELECT auth.jwt_session_init('$dave'); SELECT auth.user_id();\n" x (100 * $rotations);
wait_for('the first round', "SELECT auth.jwt_session_init('$dave'); SELECT auth.jwt_session_init('$round[0][1]'); $user", "\n\nuser0");
push @psql, '-v', 'ON_ERROR_STOP=1';
my @load = map { my $load = { in => $work, out => '', err => '' };
	$load->{run} = IPC::Run::start(\@psql, '<', \$load->{in}, '>', \$load->{out}, '2>', \$load->{err}); $load } 1, 2;
my ($slowest, $late_verdicts) = (0, 0);
for my $n (1 .. $rotations)
{
	publish($k4, $round[$n][0]);
	my $began = time;
	my $code = $node->psql('postgres', "SELECT auth.jwt_session_init('$round[$n][1]')");
	while ($code != 0 && time - $began < 10)
	{
		sleep 0.02;
		$code = $node->psql('postgres', "SELECT auth.jwt_session_init('$round[$n][1]')");
	}
	my $took = time - $began;
	$slowest = $took if $took > $slowest;
	$late_verdicts++ if $node->psql('postgres', "SELECT auth.jwt_session_init('$round[$n - 1][1]')") == 0;
}
note "the slowest of $rotations rotations took $slowest s";
cmp_ok($slowest, '<', 2, 'each rotation is noticed within 2 s of the first token that needs it');
is($late_verdicts, 0, 'no token of a key that was taken out was accepted');
for my $load (@load)
{
	$load->{run}->finish;
	is($load->{err}, '', 'no token of a key that stayed was refused');
	is(scalar(() = $load->{out} =~ /^dave$/mg), 100 * $rotations, 'each statement had its identity');
}
publish($k3, $k4);
wait_for('the last round', "SELECT auth.jwt_session_init('$carol')", '');

# --- many unknown keys ----------------------------------------------------------------

# A restart forgets the rings before.
$node->append_conf('postgresql.conf', 'pg_session_jwt.unknown_kid_interval = 30s');
$node->restart;
wait_for_worker('the worker runs', $node, 1);
sleep 0.5;
my $before = requests('/live');
my (undef, $payload, $signature) = split /\./, $dave;
$node->safe_psql('postgres', <<END);
CREATE FUNCTION flood(count int) RETURNS int LANGUAGE plpgsql AS \$\$
DECLARE
	refused int := 0;
BEGIN
	FOR i IN 1 .. count LOOP
		BEGIN
			PERFORM auth.jwt_session_init(replace(translate(encode(convert_to(
				format('{"alg":"%s","kid":"%s"}', '@{[session_alg()]}', gen_random_uuid()), 'UTF8'), 'base64'), E'+/=\\n', '-_'),
				E'\\n', '') || '.$payload.$signature');
		EXCEPTION WHEN check_violation THEN
			refused := refused + 1;
		END;
	END LOOP;
	RETURN refused;
END \$\$;
END
is($node->safe_psql('postgres', 'SELECT flood(5000)'), '5000', 'unknown keys are refused');
sleep 1;
is($node->safe_psql('postgres', 'SELECT flood(5000)'), '5000', 'and again');
sleep 1;
is(requests('/live') - $before, 1, '10,000 tokens with unknown keys cause one fetch');
is($node->safe_psql('postgres', $counted), 'keys_not_modified 1, unknown_kid_fetches 1', 'which is counted');

# --- outage ---------------------------------------------------------------------------

go_down();
session_ok($node, 'an outage', {}, init_with($dave) => '', $user => 'dave');
$node->restart;
wait_for('an outage and a restart: the last good keys stand', "SELECT auth.jwt_session_init('$dave'); $user", "\ndave");
wait_for_worker('the worker runs', $node, 1);
# Killed like this, a process with access to shared memory takes all others with it.
kill 'KILL', worker_of($node);
sleep 0.2;
wait_for('the end of the worker: the last good keys stand', "SELECT auth.jwt_session_init('$dave'); $user", "\ndave");
wait_for_worker('it was started again', $node, 1);
$node->append_conf('postgresql.conf', 'pg_session_jwt.unknown_kid_interval = 0');
$node->reload;
session_ok($node, 'a ring during the outage', {}, init_with($alice) => $no_key);
wait_for('SQL tells of the outage', "SELECT keys, problem <> '', stale_since <= now() FROM auth.jwt_key_sources()", '2|t|t');
like($node->safe_psql('postgres', $counted), qr/^fetches_failed UNREACHABLE \d+, unknown_kid_fetches 1$/, 'a failure is counted');
session_ok($node, 'a failed fetch changes nothing', {}, init_with($dave) => '', $user => 'dave');
session_ok(
	$node,
	'keys that are too old do not count',
	{ set => { 'pg_session_jwt.stale_grace' => '1s' } },
	'SELECT pg_sleep(1.5)' => undef,
	init_with($dave) =>
	  refused('55000', 'no usable keys', detail => qr/fetched longer ago than/));
session_ok(
	$node,
	'they count for ever if that is wanted',
	{ set => { 'pg_session_jwt.stale_grace' => '-1' } },
	init_with($dave) => '');
come_back();
publish($k3, $k4, $k1);
wait_for('the provider is back', "SELECT keys, problem FROM auth.jwt_key_sources()", '3|');

# --- answers that replace nothing ---------------------------------------------------------

$node->safe_psql('postgres', 'SELECT auth.jwt_stats_reset()');
for my $bad ('', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"' . 'A' x 86 . '"}]}', '<html>', '{"keys":[{"kty"')
{
	my $before = requests('/live');
	put_file("$provider/live.json", $bad);
	session_ok($node, 'a token that asks for a fetch', {}, init_with($bob) => $no_key);
	sleep 0.05 until requests('/live') > $before;
	sleep 0.1;
	session_ok($node, "keys outlive: $bad", {}, init_with($dave) => '', $user => 'dave');
}
like($node->safe_psql('postgres', $counted), qr/^fetches_failed UNUSABLE ([5-9]|\d\d), unknown_kid_fetches 5$/, 'each is counted');

# Something is where the worker writes.
$node->safe_psql('postgres', 'SELECT auth.jwt_stats_reset()');
mkdir "$keys_file.new" or die "$keys_file.new: $!";
publish($k3, $k4);
session_ok($node, 'keys that cannot be stored', {}, init_with($bob) => $no_key);
wait_for('are a failure', "SELECT problem ~ '^could not write file' FROM auth.jwt_key_sources()", 't');
like($node->safe_psql('postgres', $counted), qr/^fetches_failed NOT_STORED \d, unknown_kid_fetches 1$/, 'that is counted');
session_ok($node, 'and replace nothing', {}, init_with($dave) => '', $user => 'dave');
rmdir "$keys_file.new" or die "$keys_file.new: $!";

# --- several issuers, and a database's own choice -------------------------------------------

put_file($node->data_dir . '/issuers.json', $json->encode({ issuers => [
	{ issuer => $issuer, discovery => JSON::PP::true },
	{ issuer => "$base/other", jwks_url => "$base/slow-body" },
	{ issuer => "$base/plain", jwks_url => 'http://localhost/keys' },
	{ issuer => 'inline', jwks => $json->decode(key_set($k1)) } ] }));
put_file($node->data_dir . '/own.json', $json->encode({ issuers => [
	{ issuer => 'mine', jwks_url => "$base/never" },
	{ issuer => $issuer, discovery => JSON::PP::true } ] }));
$node->append_conf('postgresql.conf', <<END);
pg_session_jwt.issuer = ''
pg_session_jwt.discovery = off
pg_session_jwt.issuers_file = 'issuers.json'
END
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE own');
$node->safe_psql('own', "CREATE EXTENSION pg_session_jwt; ALTER DATABASE own SET pg_session_jwt.issuers_file = 'own.json'");
wait_for('a document of issuers',
	"SELECT string_agg(concat_ws(' ', replace(issuer, '$base', ''), replace(source, '$base', ''), keys), ', ') FROM auth.jwt_key_sources()",
	'/live /live 2, /other /slow-body 0, /plain http://localhost/keys 0, inline pg_session_jwt.issuers_file 1');
like($node->safe_psql('postgres', $counted), qr/fetches_failed FORBIDDEN \d/, 'what the server does not permit is counted');
# Users of several issuers are named with their issuer.
session_ok($node, 'a slow issuer holds up no other', {}, init_with($dave) => '', $user => "$issuer|dave");
session_ok($node, "a database's own document names an issuer that the server fetches",
	{ db => 'own' }, init_with($dave) => '', $user => "$issuer|dave");
session_ok($node, 'and one that the server does not fetch', { db => 'own' },
	init_with(token($k1, 'eve', iss => 'mine')) => refused('23514', 'no key for this JWT', detail => qr/not been fetched yet/));
is(requests('/never'), 0, 'nothing is fetched that the configuration of the server does not name');

# --- a standby --------------------------------------------------------------------------------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
ok(-e $standby->data_dir . '/pg_session_jwt/' . (split m{/}, $keys_file)[-1], 'a base backup has the keys');
go_down();
$standby->start;
session_ok($standby, 'a standby without the provider', {}, init_with($dave) => '', $user => "$issuer|dave");
come_back();
publish($k1, $k4);
wait_for_worker('a standby fetches for itself', $standby, 1);
session_ok($standby, 'a rotation', {}, init_with($alice) => $no_key, 'SELECT pg_sleep(0.5)' => undef,
	init_with($alice) => '', $user => "$issuer|alice");
$standby->promote;
session_ok($standby, 'promotion changes nothing', {}, init_with($alice) => '', $user => "$issuer|alice");
$standby->stop;

# --- a server that loads the library late -----------------------------------------------------

my $late = PostgreSQL::Test::Cluster->new('late');
$late->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
$late->append_conf('postgresql.conf', <<END);
pg_session_jwt.jwks_url = '$issuer'
pg_session_jwt.issuer = '$issuer'
pg_session_jwt.fetch_ca_file = '$provider/ca.pem'
pg_session_jwt.fetch_allow = 'private'
END
$late->start;
$late->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');
session_ok($late, 'no keys yet', {}, init_with($alice) =>
	refused('55000', 'no usable keys', detail => qr/not been fetched yet/));
if ($late->pg_version >= 17)
{
	wait_for_worker('the first session starts the worker', $late, 1);
	session_ok($late, 'its keys count', {}, 'SELECT pg_sleep(1)' => undef, init_with($alice) => '', $user => 'alice',
		init_with($dave) => '', $user => 'dave');
}
else
{
	is(worker_of($late), '', 'before 17 there is no worker without shared_preload_libraries');
}
$late->stop;

# --- nothing is told that must not be ------------------------------------------------------------

is_deeply([ logged_pieces($node, $alice, $bob, $carol, $dave) ], [], 'no piece of a token in the log');
unlike(slurp_file($node->logfile), qr/PANIC|FATAL: +terminating connection due to unexpected/, 'no other failure');
$node->append_conf('postgresql.conf', 'pg_session_jwt.fetch = off');
$node->reload;
wait_for_worker('switched off, the worker ends', $node, '');
session_ok($node, 'and the keys count on', {}, init_with($dave) => '', $user => "$issuer|dave");

$node->stop;
$in = undef;
$server->kill_kill;
done_testing();
