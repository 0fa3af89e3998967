# SPDX-License-Identifier: Apache-2.0
# A sealed identity: SQL of the session can neither change, drop nor read its token.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('seal', "max_prepared_transactions = 2\n");
my $json = public_jwk();
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app LOGIN;
CREATE ROLE definer;
CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n;
ANALYZE numbers;
CREATE TABLE log (who text DEFAULT auth.user_id(), what text);
GRANT ALL ON log, numbers TO app;
GRANT CREATE ON SCHEMA public TO app, definer;
ALTER DATABASE postgres SET pg_session_jwt.seal = on;
CREATE FUNCTION identity() RETURNS text STABLE PARALLEL SAFE LANGUAGE plpgsql COST 1000 AS $$
BEGIN RETURN auth.user_id() || ' ' || current_setting('pg_session_jwt.jwt'); END $$;
END

my $jti = 0;
my %token = map { $_ => sign(qq({"jti":@{[++$jti]},"sub":"$_"})) } qw(start alice bob carol);
my $short = sign(qq({"jti":@{[++$jti]},"sub":"short","exp":@{[ time + 3600 ]}}));
my %app = (user => 'app', jwk => $json);
my $user = 'SELECT auth.user_id()';
my $sealed = refused('42501', 'identity is sealed',
	detail => 'auth.jwt_authenticate() sealed it until the end of the transaction.');
my $rolled_back = refused('42501', 'identity is sealed', detail => qr/^The transaction was rolled back to before/);

sub authenticate { return "SELECT auth.jwt_authenticate('$token{$_[0]}')" }
sub begin { return ('BEGIN' => '', authenticate($_[0]) => $_[0], 'SAVEPOINT s' => '') }

# Each statement is refused, and the identity is that of alice afterwards.
sub refuses
{
	return map { ($_ => $sealed, 'ROLLBACK TO s' => '', $user => 'alice') } @_;
}

my $bob = $token{bob};
session_ok($node, 'statements that set or unset the token', \%app,
	begin('alice'),
	refuses(
		"SET pg_session_jwt.jwt = '$bob'",
		"SET SESSION pg_session_jwt.jwt = '$bob'",
		"SET LOCAL pg_session_jwt.jwt = '$bob'",
		"SET LOCAL Pg_Session_Jwt.JWT = '$bob'",
		"SET pg_session_jwt.jwt = ''",
		'SET pg_session_jwt.jwt = DEFAULT',
		'SET pg_session_jwt.jwt TO DEFAULT',
		'SET LOCAL pg_session_jwt.jwt TO DEFAULT',
		'RESET pg_session_jwt.jwt',
		'RESET "Pg_session_jwt.jwt"',
		'RESET ALL',
		"SELECT set_config('pg_session_jwt.jwt', '$bob', true)",
		"SELECT set_config('pg_session_jwt.jwt', '$bob', false)",
		"SELECT set_config('pg_session_jwt.jwt', '', true)",
		"SELECT set_config('pg_session_jwt.jwt', NULL, true)",
		"SELECT set_config('pg_session_jwt.jwt', NULL, false)",
		"UPDATE pg_settings SET setting = '$bob' WHERE name = 'pg_session_jwt.jwt'",
		"UPDATE pg_settings SET setting = NULL WHERE name = 'pg_session_jwt.jwt'",
		init_with($bob),
		init_with(''),
		"SELECT auth.jwt_authenticate('$bob')",
		"SELECT auth.jwt_authenticate('$token{alice}')"),
	'COMMIT' => '',
	$user => 'NULL',
	'DISCARD ALL' => '');

session_ok($node, 'functions, DO, EXECUTE, triggers and SET clauses', \%app,
	$user => 'NULL',
	"CREATE FUNCTION pg_temp.set_clause() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '$bob' AS \$\$
	 BEGIN RETURN auth.user_id(); END \$\$" => '',
	"CREATE FUNCTION public.definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \$\$
	 BEGIN RESET ALL; RETURN auth.user_id(); END \$\$" => '',
	'CREATE FUNCTION pg_temp.trigger() RETURNS trigger LANGUAGE plpgsql AS $$
	 BEGIN PERFORM set_config(\'pg_session_jwt.jwt\', NULL, false); RETURN NEW; END $$' => '',
	'CREATE TEMP TABLE attacked (who text)' => '',
	'CREATE TRIGGER attack BEFORE INSERT ON attacked FOR EACH ROW EXECUTE FUNCTION pg_temp.trigger()' => '',
	begin('alice'),
	refuses(
		'SELECT pg_temp.set_clause()',
		'SELECT public.definer()',
		'INSERT INTO attacked VALUES (auth.user_id())',
		"DO \$\$ BEGIN PERFORM set_config('pg_session_jwt.jwt', NULL, true); END \$\$",
		"DO \$\$ BEGIN PERFORM set_config('pg_session_jwt.jwt', '$bob', true); END \$\$",
		"DO \$\$ BEGIN EXECUTE 'RESET ALL'; END \$\$",
		"DO \$\$ BEGIN EXECUTE 'SET LOCAL pg_session_jwt.jwt = DEFAULT'; END \$\$",
		# The identity stays even where nobody raises an error yet.
		"DO \$\$ BEGIN
		   IF set_config('pg_session_jwt.jwt', NULL, true) = '' THEN NULL; END IF;
		   IF auth.user_id() IS DISTINCT FROM 'alice' THEN RAISE 'another user'; END IF;
		 END \$\$"),
	# A handler that undoes the attack leaves nothing to refuse.
	"DO \$\$ BEGIN
	   BEGIN IF set_config('pg_session_jwt.jwt', NULL, true) = '' THEN NULL; END IF; RAISE 'undo'; EXCEPTION WHEN raise_exception THEN NULL; END;
	   BEGIN PERFORM set_config('pg_session_jwt.jwt', NULL, true); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
	   BEGIN EXECUTE 'RESET ALL'; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
	   IF auth.user_id() <> 'alice' THEN RAISE 'another user'; END IF;
	 END \$\$" => '',
	$user => 'alice',
	'COMMIT' => '');

session_ok($node, 'savepoints', \%app,
	'BEGIN' => '',
	'SAVEPOINT before' => '',
	authenticate('alice') => 'alice',
	'SAVEPOINT after' => '',
	'ROLLBACK TO after' => '',
	$user => 'alice',
	'RELEASE before' => '',
	$user => 'alice',
	'COMMIT' => '',
	$user => 'NULL',
	'BEGIN' => '',
	'SAVEPOINT before' => '',
	authenticate('alice') => 'alice',
	'ROLLBACK TO before' => '',
	$user => 'NULL',
	'SHOW pg_session_jwt.jwt' => '(sealed)',
	'SELECT auth.session(), status, reason FROM auth.jwt_status()' => qr/^null\|none\|The transaction was rolled back/,
	(map { ($_ => $rolled_back, 'ROLLBACK TO before' => '', $user => 'NULL') }
		authenticate('alice'), authenticate('bob'), "SET LOCAL pg_session_jwt.jwt = '$bob'",
		init_with($bob), 'RESET pg_session_jwt.jwt', "SELECT set_config('pg_session_jwt.jwt', NULL, true)"),
	'COMMIT' => '',
	'BEGIN' => '',
	authenticate('bob') => 'bob',
	'COMMIT' => '',
	# An exception's handler is a savepoint.
	"DO \$\$ BEGIN
	   BEGIN PERFORM auth.jwt_authenticate('$token{carol}'); RAISE 'undo'; EXCEPTION WHEN raise_exception THEN NULL; END;
	   IF auth.user_id() IS NOT NULL THEN RAISE 'a user'; END IF;
	 END \$\$" => '');

# An identity of the session neither takes the place of the sealed one nor is it lost.
my %started = (%app, set => { 'pg_session_jwt.jwt' => $token{start} });
session_ok($node, 'an identity of the session beside it', \%started,
	$user => 'start',
	begin('alice'),
	refuses('RESET pg_session_jwt.jwt', "SELECT set_config('pg_session_jwt.jwt', NULL, false)"),
	'ROLLBACK' => '',
	$user => 'start',
	'SHOW pg_session_jwt.jwt' => $token{start},
	'BEGIN' => '',
	'SAVEPOINT before' => '',
	authenticate('alice') => 'alice',
	'ROLLBACK TO before' => '',
	$user => 'NULL',
	'COMMIT' => '',
	$user => 'start',
	# A refused token seals nothing, and leaves the identity that was there.
	'BEGIN' => '',
	'SAVEPOINT s' => '',
	"SELECT auth.jwt_authenticate('garbage')" => refused('42804', 'invalid JWT encoding'),
	'ROLLBACK TO s' => '',
	$user => 'start',
	authenticate('alice') => 'alice',
	$user => 'alice',
	'COMMIT' => '',
	'DISCARD ALL' => '',
	$user => 'start');

# What shows settings.
my $shows = "SELECT current_setting('pg_session_jwt.jwt')";
my $settings = "SELECT setting, boot_val, reset_val FROM pg_settings WHERE name = 'pg_session_jwt.jwt'";
session_ok($node, 'nothing shows the token', \%started,
	$user => 'start',
	$shows => $token{start},
	# Also without a seal, the token that RESET goes back to is not shown.
	$settings => "$token{start}|NULL|(sealed)",
	begin('alice'),
	'SHOW pg_session_jwt.jwt' => '(sealed)',
	$shows => '(sealed)',
	$settings => '(sealed)|NULL|(sealed)',
	"SELECT count(*) FROM pg_settings s WHERE s::text LIKE '%eyJ%'" => '0',
	"SELECT count(*) FROM pg_show_all_settings() s WHERE s::text LIKE '%eyJ%'" => '0',
	'SHOW pg_session_jwt.parallel_state' => '',
	"SELECT current_setting('pg_session_jwt.parallel_state')" => '',
	'EXPLAIN (SETTINGS) SELECT auth.user_id()' => qr/\A(?!.*eyJ)/s,
	"CREATE FUNCTION pg_temp.copy() RETURNS text LANGUAGE sql SET pg_session_jwt.jwt FROM CURRENT AS 'SELECT 1'" => $sealed,
	'ROLLBACK TO s' => '',
	'SELECT auth.jwt_token()' => refused('42501', 'permission denied for function jwt_token'),
	'ROLLBACK' => '');
session_ok($node, 'whom a superuser lets read it', { jwk => $json },
	'SELECT auth.jwt_token() IS NULL' => 't',
	init_with($token{start}) => '',
	'SELECT auth.jwt_token()' => $token{start},
	begin('alice'),
	'SELECT auth.jwt_token()' => $token{alice},
	'SHOW pg_session_jwt.jwt' => '(sealed)',
	'COMMIT' => '');

# Superusers are sealed too, and so is what was sealed before the setting changes.
session_ok($node, 'the setting pg_session_jwt.seal', { jwk => $json },
	begin('alice'),
	'SET LOCAL pg_session_jwt.seal = off' => '',
	"SET LOCAL pg_session_jwt.jwt = ''" => $sealed,
	'ROLLBACK TO s' => '',
	'RESET ALL' => $sealed,
	'ROLLBACK' => '',
	'SET pg_session_jwt.seal = off' => '',
	begin('bob'),
	'SHOW pg_session_jwt.jwt' => $bob,
	'RESET pg_session_jwt.jwt' => '',
	$user => 'NULL',
	'ROLLBACK' => '');
session_ok($node, 'is not for ordinary roles', \%app,
	'SET pg_session_jwt.seal = off' => undef,    # the library is not loaded yet
	$user => 'NULL',
	'SHOW pg_session_jwt.seal' => 'on',
	'SET pg_session_jwt.seal = off' => refused('42501', 'permission denied to set parameter "pg_session_jwt.seal"'),
	begin('alice'),
	"SET LOCAL pg_session_jwt.jwt = ''" => $sealed,
	'ROLLBACK' => '');
session_ok($node, 'nor when connecting: no token is accepted then', { %app, set => { 'pg_session_jwt.seal' => 'off' } },
	'BEGIN' => '',
	authenticate('alice') => refused('42501', "pg_session_jwt.jwk is not accepted: this server's keys are pinned"));

# Parallel workers.
my @parallel = map { ($_ => '') } 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
  'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2', 'SET parallel_leader_participation = off';
my $in_parallel = 'SELECT min(identity()), max(identity()) FROM numbers';
session_ok($node, 'parallel workers', \%started,
	$user => 'start',
	@parallel,
	"EXPLAIN (COSTS OFF) $in_parallel" => qr/Workers Planned/,
	$in_parallel => "start $token{start}|start $token{start}",
	begin('alice'),
	$in_parallel => 'alice (sealed)|alice (sealed)',
	"SELECT min(current_setting('pg_session_jwt.parallel_state')) FROM numbers" => '',
	"DO \$\$ BEGIN PERFORM set_config('pg_session_jwt.jwt', NULL, true); PERFORM max(identity()) FROM numbers; END \$\$" => $sealed,
	'ROLLBACK TO s' => '',
	$in_parallel => 'alice (sealed)|alice (sealed)',
	'ROLLBACK' => '',
	'BEGIN' => '',
	'SAVEPOINT before' => '',
	authenticate('alice') => 'alice',
	'ROLLBACK TO before' => '',
	$in_parallel => 'NULL|NULL',
	'SELECT count(auth.user_id()) FROM numbers' => '0',
	'ROLLBACK' => '',
	$in_parallel => "start $token{start}|start $token{start}");

# Ends of transactions.
session_ok($node, 'PREPARE TRANSACTION ends the seal and the identity', \%app,
	begin('alice'),
	"INSERT INTO log (what) VALUES ('prepared')" => '',
	"PREPARE TRANSACTION 'p'" => '',
	$user => 'NULL',
	"SET pg_session_jwt.jwt = '$bob'" => '',
	$user => 'bob',
	"COMMIT PREPARED 'p'" => '',
	'SELECT who FROM log' => 'alice',
	$user => 'bob',
	begin('carol'),
	'RESET ALL' => $sealed,
	"PREPARE TRANSACTION 'p'" => '',
	$user => 'bob');
session_ok($node, 'a cursor WITH HOLD keeps rows, not the identity', \%app,
	begin('alice'),
	"DECLARE held CURSOR WITH HOLD FOR SELECT identity() FROM numbers LIMIT 2" => '',
	'COMMIT' => '',
	$user => 'NULL',
	begin('bob'),
	'FETCH 1 FROM held' => 'alice (sealed)',
	$user => 'bob',
	"DECLARE own CURSOR FOR SELECT identity() FROM numbers" => '',
	'FETCH 1 FROM own' => 'bob (sealed)',
	'COMMIT' => '');
session_ok($node, 'a procedure that commits ends it', \%app,
	"DO \$\$ BEGIN
	   PERFORM auth.jwt_authenticate('$token{alice}');
	   COMMIT;
	   IF auth.user_id() IS NOT NULL THEN RAISE 'a user'; END IF;
	   PERFORM auth.jwt_authenticate('$bob');
	   IF auth.user_id() <> 'bob' THEN RAISE 'another user'; END IF;
	 END \$\$" => '',
	$user => 'NULL');
session_ok($node, 'one statement, which is a transaction', \%app,
	"SELECT auth.jwt_authenticate('$token{alice}'), auth.user_id(), set_config('pg_session_jwt.jwt', '', false)" => $sealed,
	$user => 'NULL',
	"SELECT auth.jwt_authenticate('$token{alice}'), auth.user_id()" => 'alice|alice',
	"SET pg_session_jwt.jwt = '$bob'" => '',
	$user => 'bob');

# Expiry holds, and what the client sets for itself before the seal is no way around it.
my $now = young_second();
my $expiring = sign(qq({"jti":@{[++$jti]},"sub":"expiring","exp":@{[ $now - 57 ]}}));
session_ok($node, 'a sealed token expires', \%app,
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$expiring')" => 'expiring',
	'SELECT pg_sleep(4)' => '',
	$user => refused('23514', 'Token used after it has expired'));

is_deeply([ logged_pieces($node, values %token, $short, $expiring) ], [], 'no part of a token is in the log');

done_testing();
