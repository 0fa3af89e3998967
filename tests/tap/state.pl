# SPDX-License-Identifier: Apache-2.0
# The state of a token follows its setting, in each context that reads it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('state', <<END);
log_min_messages = debug1
max_worker_processes = 8
max_parallel_workers = 8
END
my $key = { jwk => public_jwk() };
my $replayed = refused('23514', 'Token ID must be strictly monotonically increasing.');
my $bad_signature = refused('23514', 'invalid JWT signature');

# The tokens of these tests: $token{a} has jti 1 and sub "user a", $token{b} jti 2, ...
my %token = map { $_ => sign(sprintf '{"jti":%d,"sub":"user %s"}', ord($_) - ord('a') + 1, $_) } 'a' .. 'z';
my $forged = $token{z} =~ s/\.[^.]*$//r . '.' . (split /\./, $token{y})[2];
my $no_subject = sign('{"jti":1,"sub":7,"padding":"of more than twelve octets"}');

sub init { return init_with($token{ $_[0] }) }
sub set { return "SET pg_session_jwt.jwt = '$token{$_[0]}'" }
sub set_local { return "SET LOCAL pg_session_jwt.jwt = '$token{$_[0]}'" }
my $anything = sub { 1 };
my $user = 'SELECT auth.user_id()';

$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE TABLE big (owner text, n int);
INSERT INTO big SELECT 'user ' || chr(97 + i % 26), i FROM generate_series(1, 26000) i;
CREATE TABLE indexed AS SELECT * FROM big WHERE n <= 260
	UNION ALL SELECT 'someone ' || i, i FROM generate_series(1, 20000) i;
CREATE INDEX ON indexed (owner);
CREATE TABLE plain AS SELECT * FROM big;
CREATE ROLE app_user LOGIN;
GRANT SELECT ON big, indexed, plain TO app_user;
ALTER TABLE big ENABLE ROW LEVEL SECURITY;
ALTER TABLE indexed ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON big USING (owner = auth.user_id());
CREATE POLICY own ON indexed USING (owner = auth.user_id());
VACUUM ANALYZE big, indexed, plain;

CREATE FUNCTION who() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN auth.user_id(); END $$;
CREATE FUNCTION who_at(t timestamptz) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS
	$$ BEGIN PERFORM pg_sleep_until(t); RETURN auth.user_id(); END $$;
CREATE FUNCTION who_sql() RETURNS text LANGUAGE sql STABLE AS 'SELECT auth.user_id()';
CREATE FUNCTION who_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN RETURN auth.user_id() || ' for ' || current_setting('role'); END $$;
CREATE FUNCTION set_in_definer(t text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN EXECUTE format('SELECT auth.jwt_session_init(%L)', t); END $$;

-- Keeps its argument while many tokens replace one another.
CREATE PROCEDURE keep(who text, claims jsonb, tokens text[], ends_with text, OUT seen text) LANGUAGE plpgsql AS $$
DECLARE
	held text := auth.user_id();
	t text;
BEGIN
	FOREACH t IN ARRAY tokens LOOP
		PERFORM auth.jwt_session_init(t);
		PERFORM auth.user_id(), auth.session();
		IF ends_with = 'commit' THEN COMMIT; ELSE ROLLBACK; END IF;
	END LOOP;
	seen := concat_ws(', ', who, claims->>'sub', held, auth.user_id());
END $$;
END

# --- transactions ---------------------------------------------------------

session_ok(
	$node, 'SET, RESET and DISCARD ALL',
	$key,
	set('a') => '',
	$user => 'user a',
	'RESET pg_session_jwt.jwt' => '',
	$user => 'NULL',
	init('b') => '',
	'DISCARD ALL' => '',
	$user => 'NULL',
	'SELECT auth.session()' => 'null',
	init('a') => $replayed,
	init('b') => '',
	$user => 'user b',
	'RESET ALL' => '',
	$user => 'NULL',
	"SET pg_session_jwt.jwt = ''" => '',
	$user => 'NULL',
	init_with('') => '',
	$user => 'NULL',
	init('c') => '',
	'SET pg_session_jwt.jwt TO DEFAULT' => '',
	$user => 'NULL');

session_ok(
	$node,
	"a re-signing proxy's way: init once, then each request a token on a clean session",
	$key,
	'SELECT auth.init()' => '',
	(map { ('DISCARD ALL' => '', $user => 'NULL', init($_) => '', $user => "user $_") } 'a' .. 'j'),
	'DISCARD ALL' => '',
	init('i') => $replayed);

session_ok(
	$node, 'a rollback brings back the token before, though ids grow',
	$key,
	init('a') => '',
	'BEGIN' => '',
	init('b') => '',
	$user => 'user b',
	'ROLLBACK' => '',
	$user => 'user a',
	init('a') => $replayed,
	$user => 'user a',
	set('a') => '',
	$user => $replayed,
	init('b') => '',
	$user => 'user b');

session_ok(
	$node,
	'savepoints',
	$key,
	init('a') => '',
	'BEGIN' => '',
	init('b') => '',
	'SAVEPOINT one' => '',
	set_local('c') => '',
	$user => 'user c',
	'SAVEPOINT two' => '',
	init('d') => '',
	$user => 'user d',
	'ROLLBACK TO two' => '',
	$user => 'user c',
	'ROLLBACK TO one' => '',
	$user => 'user b',
	set_local('e') => '',
	$user => 'user e',
	'SELECT 1/0' => refused('22012', 'division by zero'),
	'ROLLBACK TO one' => '',
	$user => 'user b',
	'RELEASE one' => '',
	'COMMIT' => '',
	$user => 'user b',
	set('e') => '',
	$user => 'user e',
	set('d') => '',
	$user => $replayed);

session_ok(
	$node,
	'SET LOCAL over SET, and SET over SET LOCAL',
	$key,
	set('a') => '',
	$user => 'user a',
	'BEGIN' => '',
	set_local('b') => '',
	$user => 'user b',
	'COMMIT' => '',
	$user => 'user a',
	'BEGIN' => '',
	set_local('c') => '',
	set('d') => '',
	$user => 'user d',
	'COMMIT' => '',
	$user => 'user d',
	'BEGIN' => '',
	set('e') => '',
	set_local('f') => '',
	$user => 'user f',
	'COMMIT' => '',
	# This token was not read before, and a later one was.
	$user => $replayed);

session_ok(
	$node,
	'the form for one transaction',
	$key,
	init('a') => '',
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$token{b}')" => 'user b',
	$user => 'user b',
	"SELECT auth.jwt_authenticate('$forged')" => $bad_signature,
	'ROLLBACK' => '',
	$user => 'user a',
	"SELECT auth.jwt_authenticate('$token{c}'), auth.user_id()" => 'user c|user c',
	$user => 'user a',
	'SELECT auth.jwt_authenticate(NULL)' => refused('22004', 'JWT to authenticate with is NULL'),
	"SELECT auth.jwt_authenticate('')" => refused('22023', 'JWT to authenticate with is empty'),
	$user => 'user a');

session_ok(
	$node,
	'a token set before the library is loaded, for one transaction',
	$key,
	'BEGIN' => '',
	set_local('a') => '',
	'SAVEPOINT s' => '',
	set_local('b') => '',
	$user => 'user b',
	'ROLLBACK TO s' => '',
	$user => $replayed,
	'ROLLBACK' => '',
	$user => 'NULL');

session_ok(
	$node,
	'a refused token changes nothing that was',
	$key,
	init('b') => '',
	'BEGIN' => '',
	"SET LOCAL pg_session_jwt.jwt = '$forged'" => '',
	'SAVEPOINT s' => '',
	$user => $bad_signature,
	'ROLLBACK TO s' => '',
	$user => $bad_signature,
	'ROLLBACK' => '',
	$user => 'user b',
	init('a') => $replayed,
	init('c') => '');

# Far more tokens than the cache holds: a rollback restores the older ones too.
session_ok(
	$node,
	'a deep stack of tokens, unwound',
	$key,
	'BEGIN' => '',
	(map { ("SAVEPOINT $_" => '', set_local($_) => '', $user => "user $_") } 'a' .. 'l'),
	(map { ("ROLLBACK TO $_" => '', $user => $_ eq 'a' ? 'NULL' : 'user ' . chr(ord($_) - 1)) }
		  reverse 'a' .. 'l'),
	'ROLLBACK' => '',
	$user => 'NULL',
	init('l') => '',
	init('k') => $replayed,
	init('m') => '');

# --- plans and functions --------------------------------------------------

session_ok(
	$node,
	'prepared statements, functions and cached plans see the current token',
	$key,
	'SET plan_cache_mode = force_generic_plan' => '',
	'PREPARE q AS SELECT auth.user_id(), (SELECT count(*) FROM big WHERE owner = auth.user_id())' => '',
	'PREPARE own AS SELECT count(*), min(owner) FROM indexed' => '',
	'SET ROLE app_user' => '',
	'EXECUTE q' => 'NULL|0',
	'EXECUTE own' => '0|NULL',
	'SELECT who(), who_sql()' => 'NULL|NULL',
	(
		map {
			(
				init($_) => '',
				'EXECUTE q' => "user $_|1000",
				'EXECUTE own' => "10|user $_",
				'SELECT who(), who_sql(), who_definer()' => "user $_|user $_|user $_ for app_user")
		} 'a' .. 'c'),
	'BEGIN' => '',
	init('d') => '',
	'EXECUTE q' => 'user d|1000',
	'ROLLBACK' => '',
	'EXECUTE q' => 'user c|1000',
	'SELECT who(), who_sql()' => 'user c|user c',
	"SELECT set_in_definer('$token{e}')" => refused('42501',
		'cannot set parameter "pg_session_jwt.jwt" within security-definer function'),
	'EXECUTE q' => 'user c|1000',
	"SET pg_session_jwt.jwt = '$forged'" => '',
	'EXECUTE q' => $bad_signature,
	'EXECUTE own' => $bad_signature,
	'SELECT who_sql()' => $bad_signature,
	'RESET pg_session_jwt.jwt' => '',
	'EXECUTE own' => '0|NULL');

session_ok(
	$node,
	"a function's own SET",
	$key,
	init('a') => '',
	"CREATE FUNCTION pg_temp.as_b() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '$token{b}'"
	  . ' AS $$ BEGIN RETURN auth.user_id(); END $$' => '',
	'SELECT auth.user_id(), pg_temp.as_b(), auth.user_id()' => 'user a|user b|user a',
	'SELECT pg_temp.as_b(), auth.user_id()' => 'user b|user a');

session_ok(
	$node,
	'two tokens in one plpgsql block',
	$key,
	"DO \$\$
	 DECLARE seen text[];
	 BEGIN
	   PERFORM auth.jwt_session_init('$token{a}'); seen := seen || auth.user_id();
	   BEGIN
	     PERFORM auth.jwt_session_init('$token{b}'); seen := seen || auth.user_id();
	     RAISE EXCEPTION 'undo';
	   EXCEPTION WHEN raise_exception THEN seen := seen || auth.user_id();
	   END;
	   PERFORM auth.jwt_authenticate('$token{c}'); seen := seen || auth.user_id();
	   RAISE NOTICE '%', seen;
	   IF seen <> '{user a,user b,user a,user c}' THEN RAISE 'saw %', seen; END IF;
	 END \$\$" => '',
	$user => 'user a');

# --- values that outlive their token ----------------------------------------

session_ok(
	$node,
	'one row of several tokens',
	$key,
	init('a') => '',
	'SELECT auth.user_id(), auth.session(), '
	  . join(', ', map { "auth.jwt_session_init('$token{$_}'), auth.user_id()" } 'b' .. 'i') =>
	  'user a|{"jti": 1, "sub": "user a"}' . join('', map { "||user $_" } 'b' .. 'i'),
	'WITH w AS MATERIALIZED (SELECT auth.user_id() AS u, auth.session() AS s) SELECT '
	  . join(', ', map { "auth.jwt_session_init('$token{$_}')" } 'j' .. 'q')
	  . ', u, s, auth.user_id() FROM w' => '||||||||user i|{"jti": 9, "sub": "user i"}|user q');

my $many = 'ARRAY[' . join(', ', map { "'$token{$_}'" } 'b' .. 'k') . ']';
session_ok(
	$node,
	"a procedure's arguments, over its own commits",
	$key,
	init('a') => '',
	"CALL keep(auth.user_id(), auth.session(), $many, 'commit', NULL)" =>
	  'user a, user a, user a, user k',
	$user => 'user k');
session_ok(
	$node,
	"a procedure's arguments, over its own rollbacks",
	$key,
	init('a') => '',
	"CALL keep(auth.user_id(), auth.session(), $many, 'rollback', NULL)" =>
	  'user a, user a, user a, user a',
	$user => 'user a');

session_ok(
	$node,
	'cursors',
	$key,
	init('a') => '',
	'BEGIN' => '',
	'DECLARE held CURSOR WITH HOLD FOR SELECT auth.user_id(), auth.session() FROM generate_series(1, 2)' => '',
	'DECLARE plain CURSOR FOR SELECT auth.user_id() FROM generate_series(1, 3)' => '',
	'FETCH plain' => 'user a',
	init('b') => '',
	'FETCH plain' => 'user b',
	'SAVEPOINT s' => '',
	init('c') => '',
	'ROLLBACK TO s' => '',
	'FETCH plain' => 'user b',
	'COMMIT' => '',
	init('d') => '',
	# The cursor's rows were read at the commit.
	'FETCH ALL held' => qq(user b|{"jti": 2, "sub": "user b"}\nuser b|{"jti": 2, "sub": "user b"}),
	$user => 'user d');

session_ok(
	$node,
	'a scan keeps the token that it started with',
	$key,
	'SET enable_seqscan = off' => '',
	'SET enable_bitmapscan = off' => '',
	init('a') => '',
	'BEGIN' => '',
	'DECLARE scan CURSOR FOR SELECT owner FROM indexed WHERE owner = auth.user_id()' => '',
	'FETCH scan' => 'user a',
	(map { (init($_) => '', $user => "user $_") } 'b' .. 'k'),
	'FETCH ALL scan' => join("\n", ('user a') x 9),
	'COMMIT' => '',
	'CREATE TEMP TABLE kept AS SELECT auth.user_id(), auth.session(), auth.uid()' => '',
	(map { (init($_) => '', $user => "user $_") } 'l' .. 'p'),
	'SELECT * FROM kept' => 'user k|{"jti": 11, "sub": "user k"}|NULL');

# --- policies, plans and parallel workers -----------------------------------

my @parallel = (
	'SET parallel_setup_cost = 0' => '',
	'SET parallel_tuple_cost = 0' => '',
	'SET min_parallel_table_scan_size = 0' => '',
	'SET max_parallel_workers_per_gather = 2' => '',
	'SET parallel_leader_participation = off' => '');
my $count = 'SELECT count(*), min(owner) FROM big';

session_ok(
	$node,
	'a policy uses an index, and workers',
	$key,
	'SET ROLE app_user' => '',
	'SET enable_bitmapscan = off' => '',
	'EXPLAIN (COSTS OFF) SELECT n FROM indexed' => qr/Index Scan.*\n\s+Index Cond: \(owner = auth\.user_id\(\)\)/,
	@parallel,
	"EXPLAIN (COSTS OFF) $count" => qr/Gather.*Parallel Seq Scan on big.*Filter: \(owner = auth\.user_id\(\)\)/s,
	init('a') => '',
	"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $count" => qr/Workers Launched: [12]/,
	$count => '1000|user a',
	'SELECT count(*), min(owner) FROM indexed' => '10|user a',
	init('b') => '',
	$count => '1000|user b',
	'RESET pg_session_jwt.jwt' => '',
	$count => '0|NULL',
	"SET pg_session_jwt.jwt = '$forged'" => '',
	$count => $bad_signature);

# The planner also reads a token, to estimate the number of rows. So a call that only a
# worker makes is in the target list, or in an earlier plan.
my $in_worker = 'SELECT min(auth.user_id()), max(auth.user_id()), count(*) FROM plain';
my @workers_only = (
	'SET plan_cache_mode = force_generic_plan' => '',
	@parallel,
	"PREPARE named AS $in_worker" => '',
	"PREPARE owned AS SELECT min(owner), count(*) FROM plain WHERE owner = auth.user_id()" => '',
	"EXPLAIN (COSTS OFF) $in_worker" => qr/Aggregate\n +-> +Gather\n/,
	'EXPLAIN (COSTS OFF) EXECUTE owned' => qr/Aggregate\n +-> +Gather\n/);

sub reads
{
	my $row = "user $_[0]|user $_[0]|26000";
	return ($in_worker => $row, 'EXECUTE named' => $row, 'EXECUTE owned' => "user $_[0]|1000");
}

# No worker starts with a refused token: its errors have the context "parallel worker".
sub refuses
{
	my $error = { %{ $_[0] }, context => undef };
	return ($in_worker => $error, 'EXECUTE named' => $error, 'EXECUTE owned' => $error);
}

session_ok(
	$node,
	'a worker makes the first read of a token',
	$key,
	@workers_only,
	set('c') => '',
	reads('c'),
	$user => 'user c',
	set('d') => '',
	reads('d'),
	"SET pg_session_jwt.jwt = '$forged'" => '',
	refuses($bad_signature),
	'RESET pg_session_jwt.jwt' => '',
	$in_worker => 'NULL|NULL|26000');

session_ok(
	$node,
	'a replay is refused where only a worker reads it',
	$key,
	@workers_only,
	init('a') => '',
	init('b') => '',
	set('a') => '',
	refuses($replayed),
	'BEGIN' => '',
	set_local('b') => '',
	reads('b'),
	'COMMIT' => '',
	refuses($replayed),
	'RESET pg_session_jwt.jwt' => '',
	'EXECUTE owned' => 'NULL|0',
	set('b') => '',
	reads('b'),
	set('c') => '',
	reads('c'));

session_ok(
	$node,
	'also where only workers read any of the tokens',
	$key,
	@workers_only,
	set('a') => '',
	reads('a'),
	set('b') => '',
	reads('b'),
	set('a') => '',
	refuses($replayed),
	set('c') => '',
	reads('c'));

session_ok(
	$node,
	'a worker accepts a token that the session accepted before its last one',
	$key,
	@workers_only,
	init('b') => '',
	'BEGIN' => '',
	init('d') => '',
	reads('d'),
	'ROLLBACK' => '',
	reads('b'),
	$user => 'user b',
	set('c') => '',
	refuses($replayed),
	set('e') => '',
	reads('e'));

session_ok(
	$node,
	'a worker starts its own transaction with the token of the statement',
	$key,
	@workers_only,
	init('a') => '',
	'DECLARE held CURSOR WITH HOLD FOR ' . $in_worker => '',
	'BEGIN' => '',
	set_local('b') => '',
	reads('b'),
	'SAVEPOINT s' => '',
	set_local('c') => '',
	reads('c'),
	'ROLLBACK TO s' => '',
	reads('b'),
	'ROLLBACK' => '',
	reads('a'),
	'FETCH held' => 'user a|user a|26000');

# The ways in which a client might send its own state to a worker.
my $state = 'pg_session_jwt.parallel_state';
my @lies = map { "$_" . '0' x 20 } '+', '-';
for my $role ('app_user', undef)
{
	my @options = (%$key, user => $role);
	session_ok(
		$node,
		"no client sends the workers a state: " . ($role // 'a superuser'),
		{ @options, set => { $state => $lies[0] } },
		(map { ("SET $state = '$_'" => '') } @lies),
		@workers_only,
		init('a') => '',
		init('b') => '',
		set('a') => '',
		refuses($replayed),
		(map { ("SET $state = '$_'" => refused(qr/^(42501|55P02)$/, qr/$state/), refuses($replayed)) } @lies),
		"SET LOCAL $state = '$lies[0]' \\; $in_worker" => refused(qr/^(42501|55P02)$/, qr/$state/),
		"SELECT set_config('$state', '$lies[0]', false)" => refused(qr/^(42501|55P02)$/, qr/$state/),
		refuses($replayed),
		"RESET $state" => $anything,
		refuses($replayed),
		'RESET ALL' => '',
		@parallel,
		set('a') => '',
		$in_worker => $replayed,
		"SELECT count(*) FROM pg_settings WHERE name = '$state'" => '0');
}

# Statement and token in one string. The server would log the statement of each worker that another
# worker's error ends, so that no worker may start. A statement that reads no identity runs all the same.
session_ok(
	$node,
	'a token that came with the statement is refused before workers start',
	$key,
	@parallel,
	'SET plan_cache_mode = force_generic_plan' => '',
	"PREPARE named AS $in_worker" => '',
	'PREPARE counted AS SELECT count(*) FROM plain' => '',
	'EXECUTE named' => 'NULL|NULL|26000',
	"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE named" => qr/Workers Launched: 2/,
	(
		map {
			my $text = "SET pg_session_jwt.jwt = '$_' \\; EXECUTE";
			my $error = $_ eq $forged ? $bad_signature : refused('42804', 'invalid subject claim in the JWT');
			map {
				("$text named" => { %$error, context => undef })
			} 1 .. 10
		} $forged,
		$no_subject),
	"SET pg_session_jwt.jwt = '$forged'" => '',
	'EXECUTE counted' => '26000',
	"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE counted" => qr/Workers Launched: 0/,
	set('b') => '',
	"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE counted" => qr/Workers Launched: 2/,
	'EXECUTE named' => 'user b|user b|26000');

# The workers also get the claims of a gateway.
session_ok(
	$node,
	'workers read the claims of the gateway',
	{},
	@parallel,
	'SET ROLE app_user' => '',
	q(SET request.jwt.claims = '{"sub":"user x"}') => '',
	$count => '1000|user x',
	'RESET request.jwt.claims' => '',
	$count => '0|NULL');

# --- time -------------------------------------------------------------------

# Accepted for two more seconds, then refused by each function that reads it.
my $now = young_second();
my $short = sign(sprintf '{"jti":5,"sub":"user e","exp":%d}', $now - 57);
my $expired = refused('23514', 'Token used after it has expired', detail => sprintf 'exp=%d', $now - 57);
my $later = sprintf 'pg_sleep_until(to_timestamp(%d))', $now + 4;
my %open = (
	by_key => 'SELECT owner FROM indexed',
	by_row => 'SELECT auth.user_id() FROM generate_series(1, 4)',
	at_once => 'SELECT (SELECT auth.user_id()) FROM generate_series(1, 4)');
session_ok(
	$node,
	'a token expires in use',
	$key,
	@parallel,
	'SET ROLE app_user' => '',
	'SET enable_bitmapscan = off' => '',
	"EXPLAIN (COSTS OFF) $open{by_key}" => qr/Index Cond: \(owner = auth\.user_id\(\)\)/,
	init('a') => '',
	'PREPARE q AS SELECT auth.user_id()' => '',
	'PREPARE p AS ' . $count => '',
	'BEGIN' => '',
	init_with($short) => '',
	'EXECUTE q' => 'user e',
	'EXECUTE p' => '1000|user e',
	'SELECT who()' => 'user e',
	(map { ("DECLARE $_ CURSOR FOR $open{$_}" => '', "FETCH $_" => 'user e') } sort keys %open),
	'SAVEPOINT s' => '',
	# A message that arrives in time succeeds completely.
	"SELECT auth.user_id(), $later, auth.user_id(), who() \\; SELECT clock_timestamp() > to_timestamp($now + 3.5), auth.user_id()" =>
	  qr/^(user e\|\|user e\|user e\n)?t\|user e\z/,
	# So does a value computed when the first row was fetched.
	'FETCH by_key' => 'user e',
	'FETCH at_once' => 'user e',
	'FETCH by_row' => $expired,
	'ROLLBACK TO s' => '',
	'FETCH ALL at_once' => "user e\nuser e",
	'RESET pg_session_jwt.jwt' => '',
	$user => 'NULL',
	'FETCH ALL by_key' => join("\n", ('user e') x 8),
	'ROLLBACK TO s' => '',
	(map { ($_ => $expired, 'ROLLBACK TO s' => '') } 'EXECUTE q', 'EXECUTE p', 'SELECT who()',
		'SELECT auth.session()', 'SELECT auth.jwt()', 'SELECT auth.uid()', 'SELECT auth.organization()',
		'SELECT auth.organization_id()', init_with($short),
		"SELECT auth.jwt_authenticate('$short')"),
	'ROLLBACK' => '',
	'EXECUTE q' => 'user a',
	"SET pg_session_jwt.jwt = '$short'" => '',
	'EXECUTE q' => $expired,
	'RESET pg_session_jwt.jwt' => '',
	'EXECUTE q' => 'NULL');

# All transactions of one message share its start time. Rows that a cursor holds stay the
# rows of the user who opened it, also for the next user.
$now = young_second();
$short = sign(sprintf '{"jti":6,"sub":"user f","exp":%d}', $now - 58);
session_ok(
	$node,
	'a token expires between two transactions of one message',
	$key,
	init_with($short) => '',
	'DECLARE held CURSOR WITH HOLD FOR SELECT owner FROM indexed WHERE owner = auth.user_id()' => '',
	"DO \$\$ BEGIN
	   PERFORM pg_sleep_until(to_timestamp($now + 2.1)); COMMIT;
	   IF clock_timestamp() <= to_timestamp($now + 2) OR auth.user_id() <> 'user f' THEN RAISE 'another user'; END IF;
	 END \$\$" => '',
	$user => { %$expired, detail => sprintf 'exp=%d', $now - 58 },
	'FETCH held' => 'user f',
	init('g') => '',
	'FETCH held' => 'user f',
	'RESET ALL' => '',
	'SET ROLE app_user' => '',
	$user => 'NULL',
	'FETCH held' => 'user f',
	'DISCARD ALL' => '',
	'FETCH held' => refused('34000', 'cursor "held" does not exist'));

# Also if only PL/pgSQL reads it: the executor does not run such expressions.
$now = young_second();
$short = sign(sprintf '{"jti":6,"sub":"user f","exp":%d}', $now - 58);
my $expression = q{DO $$ DECLARE name text := auth.user_id(); BEGIN IF name <> 'user f' THEN RAISE 'another user'; END IF; END $$};
session_ok(
	$node,
	'a token expires where the executor does not run',
	$key,
	'BEGIN' => '',
	"SET LOCAL pg_session_jwt.jwt = '$short'" => '',
	$expression => '',
	$expression => '',
	'\\! sleep 3' => '',
	$expression => { %$expired, detail => sprintf 'exp=%d', $now - 58 });

# Also if the first read is late, in a parallel worker.
$now = young_second();
$short = sign(sprintf '{"jti":6,"sub":"user f","exp":%d}', $now - 58);
my $query = sprintf 'SELECT min(who_at(to_timestamp(%d))) FROM plain', $now + 4;
session_ok(
	$node,
	"a worker's clock is that of the statement",
	$key,
	@parallel,
	"EXPLAIN (COSTS OFF) $query" => qr/Finalize Aggregate\n +-> +Gather\n/,
	"SET pg_session_jwt.jwt = '$short'" => '',
	$query => if_loadable_in_parallel('user f'),
	$query => if_loadable_in_parallel({ %$expired, detail => sprintf 'exp=%d', $now - 58 }));

# --- memory -------------------------------------------------------------------

# Tokens of two kilobytes, and more identities than the cache holds.
my %small_cache = ('pg_session_jwt.cache_size' => 64);
my %large =
  map { $_ => sign(sprintf '{"jti":%d,"sub":"user %d","pad":"%s"}', $_, $_, 'x' x 1400) } 1 .. 60;
my $claims = q(SET request.jwt.claims = '{"sub":"user %d","pad":"%s"}');
my $taken = q(SELECT sum(total_bytes) BETWEEN 1 AND 131072 FROM pg_backend_memory_contexts
	WHERE name LIKE 'pg_session_jwt%');
session_ok(
	$node,
	'memory does not grow with the number of tokens',
	{ %$key, set => \%small_cache },
	(
		map { (init_with($large{$_}) => '', 'SELECT auth.user_id(), auth.session() IS NULL' => "user $_|f") }
		  1 .. 60),
	$taken => 't');
session_ok(
	$node,
	'nor with the number of claims of the gateway',
	{ set => \%small_cache },
	(
		map { (sprintf($claims, $_, 'x' x 1400) => '', $user => "user $_") } 1 .. 200),
	$taken => 't');

# --- the log ------------------------------------------------------------------

is_deeply([ logged_pieces($node, $forged, $no_subject, values %token) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
