# SPDX-License-Identifier: Apache-2.0
# A token or claims that ALTER ROLE, ALTER DATABASE or the configuration file stored are no identity.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $jwk = public_jwk();
my $node = start_node('stored');
$node->safe_psql('postgres', <<'END');
CREATE ROLE app LOGIN;
CREATE DATABASE other;
CREATE EXTENSION pg_session_jwt;
CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n;
GRANT SELECT ON numbers TO app;
CREATE FUNCTION identity() RETURNS text STABLE PARALLEL SAFE LANGUAGE plpgsql COST 1000 AS $$
BEGIN RETURN auth.user_id(); END $$;
\c other
CREATE EXTENSION pg_session_jwt;
END

my $stored = sign('{"jti":1,"sub":"stored"}');
my $alice = sign('{"jti":2,"sub":"alice"}');
my $claims = '{"sub":"stored"}';
my $user = 'SELECT auth.user_id()';
my %value = ('pg_session_jwt.jwt' => $stored, 'request.jwt.claims' => $claims);

# The warnings of a session are these, of stored values of these settings.
sub warns
{
	my ($messages, $name, @settings) = @_;
	my @warnings = map { $_->{message} } grep { $_->{severity} eq 'WARNING' } @$messages;
	is_deeply(\@warnings, [ map { qq(stored value of "$_" is ignored) } @settings ], "$name: the warnings");
	return;
}

# Sessions of these options have no identity from what is stored, and go on as if it were not there.
sub ignored
{
	my ($name, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @settings = @{ delete $options{settings} // [ 'request.jwt.claims', 'pg_session_jwt.jwt' ] };
	my @messages = session_ok($node, "$name: token", { %options, jwk => $jwk },
		$user => 'NULL',
		'SELECT auth.session()' => 'null',
		'SHOW pg_session_jwt.jwt' => '',
		"SELECT reset_val FROM pg_settings WHERE name = 'pg_session_jwt.jwt'" => '',
		init_with($alice) => '',
		$user => 'alice',
		'RESET pg_session_jwt.jwt' => '',
		$user => 'NULL',
		init_with($alice) => '',
		'RESET ALL' => '',
		$user => 'NULL',
		init_with($alice) => '',
		'DISCARD ALL' => '',
		$user => 'NULL',
		"SET pg_session_jwt.jwt = DEFAULT" => '',
		$user => 'NULL');
	warns(\@messages, $name, @settings);
	@messages = session_ok($node, "$name: claims", {%options},
		$user => 'NULL',
		'SHOW request.jwt.claims' => '',
		q(SET request.jwt.claims = '{"sub":"gateway"}') => '',
		$user => 'gateway',
		'RESET request.jwt.claims' => '',
		$user => 'NULL',
		q(SET request.jwt.claims = '{"sub":"gateway"}') => '',
		'RESET ALL' => '',
		$user => 'NULL',
		"SELECT set_config('request.jwt.claims', NULL, false)" => '',
		$user => 'NULL');
	warns(\@messages, "$name, claims", @settings);
	# What the client brings counts.
	session_ok($node, "$name: what the client brings", { %options, jwk => $jwk, set => { 'pg_session_jwt.jwt' => $alice } },
		$user => 'alice',
		'DISCARD ALL' => '',
		$user => 'alice');
	session_ok($node, "$name: before the library is loaded", { %options, jwk => $jwk },
		"SET pg_session_jwt.jwt = '$alice'" => '',
		$user => 'alice',
		'RESET pg_session_jwt.jwt' => '',
		$user => 'NULL');
	return;
}

# Stored where the library is not loaded, and nobody refuses it.
sub store
{
	my ($what) = @_;
	$node->safe_psql('postgres', "$what SET $_ = '$value{$_}'") for sort keys %value;
	return;
}
sub forget { $node->safe_psql('postgres', "$_[0] RESET ALL"); return }

my %where = (
	'ALTER ROLE' => [ 'ALTER ROLE app', user => 'app' ],
	'ALTER DATABASE' => [ 'ALTER DATABASE other', db => 'other' ],
	'ALTER ROLE IN DATABASE' => [ 'ALTER ROLE app IN DATABASE other', db => 'other', user => 'app' ],
	'ALTER ROLE ALL' => ['ALTER ROLE ALL']);
sub ignored_everywhere
{
	my ($about) = @_;
	for my $name (sort keys %where)
	{
		my ($what, %options) = @{ $where{$name} };
		store($what);
		ignored("$about$name", %options);
		forget($what);
	}
	return;
}
ignored_everywhere('');

# Parallel workers read the catalog for themselves.
store('ALTER ROLE app');
my @parallel = map { ($_ => '') } 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
  'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2', 'SET parallel_leader_participation = off';
for my $load (0, 1)
{
	for my $options ({ jwk => $jwk }, {})
	{
		my @messages = session_ok($node, "parallel workers, library loaded: $load", { %$options, user => 'app' },
			@parallel,
			($load ? ($user => 'NULL') : ()),
			'EXPLAIN SELECT count(identity()) FROM numbers' => qr/Workers Planned/,
			'SELECT count(identity()) FROM numbers' => $load ? '0' : if_loadable_in_parallel('0'));
		warns(\@messages, "parallel workers, loaded: $load", 'request.jwt.claims', 'pg_session_jwt.jwt') if $load;
	}
}
forget('ALTER ROLE app');

# Refused where the library is loaded.
my @refused = map {
	my $setting = $_;
	map { ("$_ SET $setting = '$value{$setting}'" => refused('55P02', qq(parameter "$setting" cannot be stored))) }
	  'ALTER ROLE postgres', 'ALTER ROLE ALL', 'ALTER USER CURRENT_USER', 'ALTER DATABASE other',
	  'ALTER ROLE app IN DATABASE other', 'ALTER SYSTEM'
} sort keys %value;
session_ok($node, 'refused when stored', {},
	$user => 'NULL',
	@refused,
	'ALTER ROLE app SET "PG_session_jwt.jwt" = 1' => refused('55P02', 'parameter "PG_session_jwt.jwt" cannot be stored'),
	"SET request.jwt.claims = '$claims'" => '',
	'ALTER ROLE app SET request.jwt.claims FROM CURRENT' => refused('55P02', qr/cannot be stored/),
	'SELECT count(*) FROM pg_db_role_setting' => '0',
	# Taking it away is allowed.
	'ALTER ROLE app RESET pg_session_jwt.jwt' => '',
	'ALTER SYSTEM RESET pg_session_jwt.jwt' => '',
	'ALTER ROLE app SET work_mem = 1024' => '');
forget('ALTER ROLE app');

# The configuration file. The server reads no name with two dots there: only the token.
$node->append_conf('postgresql.conf', "pg_session_jwt.jwt = '$stored'");
$node->restart;
ignored('postgresql.conf', settings => ['pg_session_jwt.jwt']);
$node->append_conf('postgresql.conf', "shared_preload_libraries = '$ENV{PGSJ_MODULES}/pg_session_jwt'");
my $mark = -s $node->logfile;
$node->restart;
is( scalar(() = slurp_file($node->logfile, $mark) =~ /WARNING:  stored value of "pg_session_jwt\.jwt" is ignored/g),
	1, 'shared_preload_libraries: one warning at the start of the server');
session_ok($node, 'shared_preload_libraries, postgresql.conf', { jwk => $jwk },
	$user => 'NULL', 'SHOW pg_session_jwt.jwt' => '', init_with($alice) => '', 'RESET ALL' => '', $user => 'NULL');
# A reload neither brings it back nor takes away what the session has.
session_ok($node, 'reload', { jwk => $jwk },
	init_with($alice) => '', 'SELECT pg_reload_conf()' => 't', 'SELECT pg_sleep(0.2)' => '', $user => 'alice',
	'RESET ALL' => '', $user => 'NULL');
$node->adjust_conf('postgresql.conf', 'pg_session_jwt.jwt', undef);
$node->restart;
{
	# The server refuses to store it at once, whatever the session has loaded.
	my ($status, $out, $err) = $node->psql('postgres', "ALTER ROLE app SET pg_session_jwt.jwt = '$stored'");
	like($err, qr/parameter "pg_session_jwt\.jwt" cannot be stored/, 'shared_preload_libraries: refused when stored');
	unlike($err, qr/eyJ/, 'without the token');
}
$node->safe_psql('postgres', <<END);
INSERT INTO pg_db_role_setting VALUES (0, 'app'::regrole,
	ARRAY['pg_session_jwt.jwt=$stored', 'request.jwt.claims=$claims']);
END
$mark = -s $node->logfile;
session_ok($node, 'shared_preload_libraries: in the catalog', { user => 'app', jwk => $jwk },
	$user => 'NULL', init_with($alice) => '', 'DISCARD ALL' => '', $user => 'NULL');
is(scalar(() = slurp_file($node->logfile, $mark) =~ /WARNING:  stored value/g), 2, 'one warning for each');

is_deeply([ logged_pieces($node, $alice) ], [], 'no part of the token is in the log');

done_testing();
