# SPDX-License-Identifier: Apache-2.0
# The first call of a function loads the library, in any context. Settings made before
# that must stay effective: if a key were lost, the session would use the client's claims.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('loading', "max_worker_processes = 8\nmax_parallel_workers = 8\n");
my $jwk = public_jwk();
my $alice = sign('{"jti":1,"sub":"alice"}');
my $bob = sign('{"jti":2,"sub":"bob"}');
my $mallory = '{"sub":"mallory"}';
my $user = 'SELECT auth.user_id()';

$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app_user LOGIN;
CREATE TABLE plain AS SELECT generate_series(1, 10000) n;
ANALYZE plain;
CREATE FUNCTION who_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN RETURN auth.user_id(); END $$;
CREATE FUNCTION set_in_definer(t text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN PERFORM auth.jwt_session_init(t); END $$;
-- PL/pgSQL looks up auth.user_id() only when this function is called.
CREATE FUNCTION who() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS
	$$ BEGIN RETURN auth.user_id(); END $$;
GRANT SELECT ON plain TO app_user;
END

# --- inside a SECURITY DEFINER function --------------------------------------

my %app = (user => 'app_user', jwk => $jwk, set => { 'request.jwt.claims' => $mallory });
session_ok(
	$node,
	'first called inside a SECURITY DEFINER function',
	\%app,
	'SELECT who_definer()' => 'NULL',
	"SELECT current_setting('pg_session_jwt.jwk')" => $jwk,
	$user => 'NULL',
	init_with($alice) => '',
	'SELECT who_definer(), auth.user_id()' => 'alice|alice');
session_ok(
	$node,
	'the same with a token from the startup packet',
	{ %app, set => { %{ $app{set} }, 'pg_session_jwt.jwt' => $alice } },
	'SELECT who_definer()' => 'alice');
session_ok(
	$node,
	'nothing can be set there, though the library is loaded by it',
	\%app,
	"SELECT set_in_definer('$alice')" =>
	  refused('42501', 'cannot set parameter "pg_session_jwt.jwt" within security-definer function'),
	$user => 'NULL',
	"SELECT set_in_definer('$alice')" =>
	  refused('42501', 'cannot set parameter "pg_session_jwt.jwt" within security-definer function'),
	init_with($bob) => '',
	$user => 'bob');
session_ok(
	$node,
	'without a key, the claims of the gateway',
	{ user => 'app_user', set => { 'request.jwt.claims' => '{"sub":"gateway"}' } },
	'SELECT who_definer()' => 'gateway');

# --- in the middle of a parallel query ----------------------------------------

my @parallel = (
	'SET parallel_setup_cost = 0' => '',
	'SET parallel_tuple_cost = 0' => '',
	'SET min_parallel_table_scan_size = 0' => '');
my %where = (
	'by a worker' => 'SET parallel_leader_participation = off',
	'by the leader' => 'SET max_parallel_workers = 0');

for my $loaded (sort keys %where)
{
	my @first = (@parallel, $where{$loaded} => '');
	my $query = 'SELECT min(who()), max(who()), count(*) FROM plain';
	session_ok(
		$node,
		"loaded $loaded of a parallel query, with a key and a token",
		{ %app, set => { %{ $app{set} }, 'pg_session_jwt.jwt' => $alice } },
		@first,
		"EXPLAIN (COSTS OFF) $query" => qr/Aggregate\n +-> +Gather\n/,
		$query => if_loadable_in_parallel('alice|alice|10000'),
		$query => if_loadable_in_parallel('alice|alice|10000'),
		"SELECT current_setting('pg_session_jwt.jwk')" => $jwk,
		$user => 'alice',
		$query => 'alice|alice|10000',
		init_with($bob) => '',
		$query => 'bob|bob|10000');
	session_ok(
		$node,
		"loaded $loaded of a parallel query, with a key and no token",
		\%app,
		@first,
		$query => if_loadable_in_parallel('NULL|NULL|10000'),
		$user => 'NULL');
	session_ok(
		$node,
		"loaded $loaded of a parallel query, with claims of the gateway",
		{ user => 'app_user', set => { 'request.jwt.claims' => '{"sub":"gateway"}' } },
		@first,
		$query => if_loadable_in_parallel('gateway|gateway|10000'),
		$user => 'gateway');
}

# --- what the server knows of the library ---------------------------------------

SKIP:
{
	skip 'pg_get_loaded_modules() is there since 18', 1 if $node->pg_version < 18;
	session_ok(
		$node,
		'the name and the version of the module',
		\%app,
		$user => 'NULL',
		'SELECT version = (SELECT default_version FROM pg_available_extensions WHERE name = module_name)'
		  . " FROM pg_get_loaded_modules() WHERE module_name = 'pg_session_jwt'" => 't');
}

# --- claims that no statement has read ----------------------------------------

for my $octets ("\xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf")
{
	session_ok(
		$node,
		'claims in the startup packet that are not UTF-8: ' . unpack('H*', $octets),
		{ user => 'app_user', set => { 'request.jwt.claims' => qq({"sub":"mallory$octets"}) } },
		'SELECT auth.user_id(), auth.session(), auth.organization()' => 'NULL|null|NULL',
		q(SET request.jwt.claims = '{"sub":"gateway"}') => '',
		$user => 'gateway');
}

# --- a key from the configuration file, after a reload --------------------------

$node->append_conf('postgresql.conf', "pg_session_jwt.jwk = '$jwk'\n");
my %file = (user => 'app_user', set => { 'request.jwt.claims' => $mallory });
my @has_key = (
	$user => 'NULL',
	"SELECT current_setting('pg_session_jwt.jwk')" => $jwk,
	init_with($alice) => '',
	$user => 'alice');
$node->restart;
session_ok($node, 'a key from the configuration file', \%file, @has_key);
session_ok(
	$node,
	'the file is read again before the library is loaded',
	{ set => $file{set} },
	'SELECT pg_reload_conf()' => 't',
	'SELECT pg_sleep(0.5)' => '',
	@has_key);
session_ok($node, 'the file was read again before the connection', \%file, @has_key);
session_ok(
	$node,
	'and the library is loaded inside a SECURITY DEFINER function',
	\%file,
	'SELECT who_definer()' => 'NULL',
	@has_key);
session_ok(
	$node,
	"a client's key is over it all the same",
	{ %file, jwk => public_jwk(undef, kid => 'mine') },
	$user => 'NULL',
	"SELECT current_setting('pg_session_jwt.jwk')::jsonb->>'kid'" => 'mine');

session_ok(
	$node,
	'also where the file is read again',
	{ set => $file{set}, jwk => public_jwk(undef, kid => 'mine') },
	'SELECT pg_reload_conf()' => 't',
	'SELECT pg_sleep(0.5)' => '',
	$user => 'NULL',
	"SELECT current_setting('pg_session_jwt.jwk')::jsonb->>'kid'" => 'mine');

is_deeply([ logged_pieces($node, $alice, $bob) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
