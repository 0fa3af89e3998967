# SPDX-License-Identifier: Apache-2.0

# A hostile client: SQL of an untrusted program on a connection that has a user's identity, and objects of
# an untrusted role that this SQL uses. Each way to read, change, drop or keep the identity is one row of
# a table, with its outcome in a session that is not sealed and in one that is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;

my $exp = time + 3600;
my %token = map { $_ => sign(qq({"sub":"$_","exp":$exp,"pad":"of user $_"})) } qw(alice mallory);
$token{expired} = sign('{"sub":"alice","exp":1000000000}');
# The signature of another token.
my $signature = (split /\./, sign('{}'))[2];
$token{forged} = $token{alice} =~ s/\.[^.]*$/.$signature/r;
my $secret = 'the secret of the pool, which it keeps';

# <alice> in SQL is a token of alice.
sub with_tokens { return $_[0] =~ s/<(\w+)>/$token{$1}/gr }

my $node = start_node('hostile_client', <<END);
max_prepared_transactions = 4
max_worker_processes = 8
max_parallel_workers = 8
END
my $keys = public_jwk();
$node->safe_psql('postgres', "CREATE DATABASE app; ALTER DATABASE app SET pg_session_jwt.jwks = '$keys'");
$node->safe_psql('app', with_tokens(<<'END'));
CREATE EXTENSION pg_session_jwt;
CREATE ROLE open LOGIN;
CREATE ROLE sealed LOGIN;
ALTER ROLE sealed SET pg_session_jwt.seal = on;
CREATE ROLE pool LOGIN;
GRANT EXECUTE ON FUNCTION auth.jwt_seal(text), auth.jwt_unseal(text) TO pool;
GRANT CREATE ON DATABASE app TO open, sealed, pool;
-- The untrusted role: other sessions use its objects.
CREATE ROLE mallory;
CREATE SCHEMA evil AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE TABLE evil.numbers AS SELECT generate_series(1, 20000) AS n;
ALTER TABLE evil.numbers OWNER TO mallory;
ANALYZE evil.numbers;
SET ROLE mallory;
SET search_path = evil;
CREATE FUNCTION become(anyelement DEFAULT 1) RETURNS anyelement LANGUAGE plpgsql AS
	$$ BEGIN PERFORM set_config('pg_session_jwt.jwt', '<mallory>', true); RETURN $1; END $$;
CREATE FUNCTION become_immutable(int) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
	$$ BEGIN PERFORM set_config('pg_session_jwt.jwt', '<mallory>', true); RETURN $1; END $$;
CREATE FUNCTION become_definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN PERFORM set_config('pg_session_jwt.jwt', '<mallory>', true); RETURN 1; END $$;
CREATE FUNCTION become_sql() RETURNS text LANGUAGE sql AS
	$$ SELECT set_config('pg_session_jwt.jwt', '<mallory>', true) IS NULL; SELECT 'done' $$;
CREATE FUNCTION drop_in_definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN RESET pg_session_jwt.jwt; RETURN 1; END $$;
CREATE FUNCTION reset_in_definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN RESET ALL; RETURN 1; END $$;
CREATE FUNCTION init_in_definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN PERFORM auth.jwt_session_init('<mallory>'); RETURN 1; END $$;
CREATE FUNCTION steal() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('pg_session_jwt.jwt') $$;
CREATE FUNCTION steal_definer() RETURNS text LANGUAGE sql SECURITY DEFINER AS
	$$ SELECT current_setting('pg_session_jwt.jwt') $$;
CREATE FUNCTION steal_immutable(int) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
	$$ BEGIN RETURN current_setting('pg_session_jwt.jwt'); END $$;
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS 'BEGIN RETURN $1; END';
CREATE TABLE loot (t text);
CREATE FUNCTION become_trigger() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN PERFORM evil.become(1); RETURN coalesce(NEW, OLD); END $$;
CREATE FUNCTION steal_trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN DELETE FROM evil.loot;
	INSERT INTO evil.loot VALUES (current_setting('pg_session_jwt.jwt')); RETURN NEW; END $$;
CREATE TABLE before_row (n int);
CREATE TRIGGER t BEFORE INSERT ON before_row FOR EACH ROW EXECUTE FUNCTION become_trigger();
CREATE TABLE after_statement (n int);
CREATE TRIGGER t AFTER INSERT ON after_statement FOR EACH STATEMENT EXECUTE FUNCTION become_trigger();
CREATE TABLE on_truncate (n int);
CREATE TRIGGER t BEFORE TRUNCATE ON on_truncate FOR EACH STATEMENT EXECUTE FUNCTION become_trigger();
CREATE TABLE deferred (n int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON deferred INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION become_trigger();
CREATE TABLE stealing (n int);
CREATE TRIGGER t BEFORE INSERT ON stealing FOR EACH ROW EXECUTE FUNCTION steal_trigger();
CREATE TABLE defaults (n int DEFAULT become(1), m int);
CREATE TABLE stolen_default (t text DEFAULT steal(), m int);
CREATE TABLE generated (n int, m int GENERATED ALWAYS AS (become_immutable(n)) STORED);
CREATE TABLE checked (n int CHECK (become_immutable(n) IS NOT NULL));
CREATE TABLE indexed (n int);
CREATE INDEX ON indexed (become_immutable(n));
CREATE DOMAIN checked_domain AS int CHECK (become_immutable(VALUE) IS NOT NULL);
CREATE TABLE policied (n int);
INSERT INTO policied VALUES (1);
ALTER TABLE policied ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON policied USING (become(n) = n);
CREATE VIEW viewed AS SELECT become(1) AS n;
CREATE VIEW stolen_view AS SELECT steal() AS t;
CREATE TABLE ruled (n int);
CREATE RULE r AS ON INSERT TO ruled DO ALSO SELECT become(1);
CREATE OPERATOR ### (RIGHTARG = int, FUNCTION = become_immutable);
CREATE TYPE pair AS (n int);
CREATE FUNCTION become_cast(pair) RETURNS int LANGUAGE sql AS 'SELECT evil.become(1)';
CREATE CAST (pair AS int) WITH FUNCTION become_cast(pair);
CREATE FUNCTION become_state(int, int) RETURNS int LANGUAGE sql AS 'SELECT evil.become($2)';
CREATE AGGREGATE becoming(int) (SFUNC = become_state, STYPE = int);
CREATE FUNCTION support() RETURNS SETOF int LANGUAGE plpgsql AS
	$$ BEGIN RETURN NEXT 1; PERFORM evil.become(1); RETURN NEXT 2; END $$;
CREATE PROCEDURE commits() LANGUAGE plpgsql AS
	$$ BEGIN COMMIT; PERFORM set_config('pg_session_jwt.jwt', '<mallory>', false); END $$;
RESET ROLE;
GRANT ALL ON ALL TABLES IN SCHEMA evil TO open, sealed, pool;
SET search_path = public;
-- What an administrator wrote carelessly.
CREATE FUNCTION super_definer(t text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
	$$ BEGIN PERFORM set_config('pg_session_jwt.jwt', t, true); RETURN 1; END $$;
CREATE FUNCTION as_mallory() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '<mallory>' AS
	$$ BEGIN RETURN 'the user is ' || coalesce(auth.user_id(), 'nobody'); END $$;
CREATE FUNCTION as_nobody() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '' AS
	$$ BEGIN RETURN 'the user is ' || coalesce(auth.user_id(), 'nobody'); END $$;
CREATE FUNCTION authenticating() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '' AS
	$$ BEGIN RETURN auth.jwt_authenticate('<alice>'); END $$;
CREATE FUNCTION user_immutable() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN auth.user_id(); END $$;
CREATE TABLE note (owner text DEFAULT auth.user_id(), body text);
INSERT INTO note VALUES ('alice', 'of alice'), ('mallory', 'of mallory');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = auth.user_id());
-- The server refuses COPY FROM where row-level security is on.
CREATE TABLE diary (owner text DEFAULT auth.user_id(), body text);
GRANT ALL ON note, diary TO open, sealed, pool;
END

$node->safe_psql('postgres', 'CREATE DATABASE short TEMPLATE app');
$node->safe_psql('postgres', "ALTER DATABASE short SET pg_session_jwt.$_") for "jwks = '$keys'", 'leeway = 0';

# --- the ways -------------------------------------------------------------------

# [ NAME, STEPS, OPEN, SEALED ]: the outcome where the session is not sealed, and where it is.
#   STEPS    SQL of one statement, for either protocol; or [ METHOD, ARGUMENT, ... ] of a client; or
#            several of these in an array. They run in a transaction in which alice has authenticated.
#   outcome  what the steps show, if they show anything, and the user afterwards if that is not alice:
#              refused     error 42501 "identity is sealed"
#              SQLSTATE    another error
#              token       alice's token, in a row, a message or a notification
#              (sealed)    that, where a token would be
#              as USER     a row or message with "the user is USER"
#              mallory, none, alice  the user afterwards
#            >USER: the user when the transaction has ended, if that is not none
my @set_claims = q(SET LOCAL request.jwt.claims = '{"sub":"mallory"}');
my $parallel = [
	map { "SET LOCAL $_" } 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0',
	'parallel_leader_participation = off' ];
my @ways = (
	# Change: settings.
	[ 'SET', q(SET pg_session_jwt.jwt = '<mallory>'), 'mallory>mallory', 'refused' ],
	[ 'SET SESSION', q(SET SESSION pg_session_jwt.jwt TO '<mallory>'), 'mallory>mallory', 'refused' ],
	[ 'SET LOCAL', q(SET LOCAL pg_session_jwt.jwt = '<mallory>'), 'mallory', 'refused' ],
	[ 'SET of a forged token', q(SET LOCAL pg_session_jwt.jwt = '<forged>'), 'error 23514', 'refused' ],
	[ 'set_config',
		q(SELECT set_config('pg_session_jwt.jwt', '<mallory>', false) IS NULL), 'mallory>mallory', 'refused' ],
	[ 'set_config, local',
		q(SELECT set_config('pg_session_jwt.jwt', '<mallory>', true) IS NULL), 'mallory', 'refused' ],
	[ 'UPDATE pg_settings',
		q(UPDATE pg_settings SET setting = '<mallory>' WHERE name = 'pg_session_jwt.jwt'),
		'mallory>mallory', 'refused' ],
	[ 'a bound parameter',
		[ [ 'extended', q(SELECT set_config('pg_session_jwt.jwt', $1, true) IS NULL), '<mallory>' ] ],
		'mallory', 'refused' ],
	[ 'jwt_session_init', q(SELECT auth.jwt_session_init('<mallory>')), 'mallory>mallory', 'refused' ],
	[ 'jwt_authenticate', q(SELECT auth.jwt_authenticate('<mallory>') IS NULL), 'mallory', 'refused' ],
	[ 'claims of a gateway', [@set_claims], 'alice', 'alice' ],
	[ 'an own key', q(SET pg_session_jwt.jwk = '{}'), '55P02', '55P02' ],
	[ 'own keys', q(SET pg_session_jwt.jwks = '{}'), '42501', '42501' ],
	[ 'an own key file', q(SET pg_session_jwt.jwks_file = 'x'), '42501', '42501' ],
	[ 'an own issuer', q(SET pg_session_jwt.issuer = 'x'), '42501', '42501' ],
	[ 'more leeway', q(SET pg_session_jwt.leeway = 3600), '42501', '42501' ],
	[ 'another mode', q(SET pg_session_jwt.mode = 'claims'), '42501', '42501' ],
	[ 'no seal', q(SET pg_session_jwt.seal = off), '42501', '42501' ],
	[ 'no seal, local', q(SELECT set_config('pg_session_jwt.seal', 'off', true)), '42501', '42501' ],
	[ 'a state for workers', q(SET pg_session_jwt.parallel_state = 'x'), '42501', '42501' ],

	# Drop.
	[ 'RESET', q(RESET pg_session_jwt.jwt), 'none', 'refused' ],
	[ 'SET TO DEFAULT', q(SET pg_session_jwt.jwt TO DEFAULT), 'none', 'refused' ],
	[ 'SET LOCAL TO DEFAULT', q(SET LOCAL pg_session_jwt.jwt TO DEFAULT), 'none', 'refused' ],
	[ 'SET to nothing', q(SET LOCAL pg_session_jwt.jwt = ''), 'none', 'refused' ],
	[ 'set_config to NULL', q(SELECT set_config('pg_session_jwt.jwt', NULL, true)), 'none', 'refused' ],
	[ 'RESET ALL', q(RESET ALL), 'none', 'refused' ],
	[ 'DISCARD ALL in a transaction', q(DISCARD ALL), '25001', 'refused' ],
	[ 'jwt_session_init of nothing', q(SELECT auth.jwt_session_init('')), 'none', 'refused' ],
	[ 'jwt_session_init of NULL', q(SELECT auth.jwt_session_init(NULL)), 'alice', 'alice' ],
	[ 'DROP EXTENSION', q(DROP EXTENSION pg_session_jwt CASCADE), '42501', '42501' ],
	[ 'DROP FUNCTION', q(DROP FUNCTION auth.user_id() CASCADE), '42501', '42501' ],
	[ 'CREATE OR REPLACE FUNCTION',
		q(CREATE OR REPLACE FUNCTION auth.user_id() RETURNS text LANGUAGE sql AS $$ SELECT 'mallory' $$),
		'42501', '42501' ],
	[ 'ALTER FUNCTION SET', q(ALTER FUNCTION auth.user_id() SET pg_session_jwt.jwt = 'x'), '42501', '42501' ],
	[ 'DISABLE ROW LEVEL SECURITY', q(ALTER TABLE note DISABLE ROW LEVEL SECURITY), '42501', '42501' ],
	[ 'row_security = off', [ q(SET LOCAL row_security = off), q(SELECT * FROM note) ], '42501', '42501' ],

	# The same from within.
	[ 'DO', q(DO $$ BEGIN SET LOCAL pg_session_jwt.jwt = '<mallory>'; END $$), 'mallory', 'refused' ],
	[ 'DO and EXECUTE',
		q(DO $$ BEGIN EXECUTE 'SET LOCAL pg_session_jwt.jwt = ''<mallory>'''; END $$), 'mallory', 'refused' ],
	[ 'DO that catches the error',
		q(DO $$ BEGIN SET LOCAL pg_session_jwt.jwt = '<mallory>'; EXCEPTION WHEN OTHERS THEN NULL; END $$),
		'mallory', 'alice' ],
	[ 'DO that catches an error after',
		q(DO $$ BEGIN SET LOCAL pg_session_jwt.jwt = '<mallory>'; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END $$),
		'alice', 'alice' ],
	[ 'a function in PL/pgSQL', q(SELECT evil.become(1)), 'mallory', 'refused' ],
	[ 'a function in SQL', q(SELECT evil.become_sql()), 'mallory', 'refused' ],
	[ 'a function with SET', q(SELECT as_mallory()), 'as mallory', 'refused' ],
	[ 'a function with SET to nothing', q(SELECT as_nobody()), 'as nobody', 'refused' ],
	[ 'an own function with SET',
		[ q(CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '<mallory>'
		    AS $$ BEGIN RETURN 'the user is ' || auth.user_id(); END $$),
		  q(SELECT pg_temp.f()) ],
		'as mallory', 'refused' ],
	[ 'a SECURITY DEFINER function', q(SELECT evil.become_definer()), '42501', '42501' ],
	[ 'a SECURITY DEFINER function of a superuser', q(SELECT super_definer('<mallory>')), '42501', '42501' ],
	[ 'RESET in a SECURITY DEFINER function', q(SELECT evil.drop_in_definer()), '42501', 'refused' ],
	[ 'RESET ALL in a SECURITY DEFINER function', q(SELECT evil.reset_in_definer()), '42501', 'refused' ],
	[ 'jwt_session_init in a SECURITY DEFINER function', q(SELECT evil.init_in_definer()), '42501', '42501' ],
	[ 'a trigger for a row', q(INSERT INTO evil.before_row VALUES (1)), 'mallory', 'refused' ],
	[ 'a trigger for a statement', q(INSERT INTO evil.after_statement VALUES (1)), 'mallory', 'refused' ],
	[ 'a trigger of TRUNCATE', q(TRUNCATE evil.on_truncate), 'mallory', 'refused' ],
	[ 'a deferred trigger',
		[ q(INSERT INTO evil.deferred VALUES (1)), q(SET CONSTRAINTS ALL IMMEDIATE) ], 'mallory', 'refused' ],
	[ 'a trigger of COPY', [ [ 'simple', q(COPY evil.before_row FROM STDIN), "1\n" ] ], 'mallory', 'refused' ],
	[ 'a default', q(INSERT INTO evil.defaults (m) VALUES (1)), 'mallory', 'refused' ],
	[ 'a default in COPY', [ [ 'simple', q(COPY evil.defaults (m) FROM STDIN), "1\n" ] ], 'mallory', 'refused' ],
	[ 'a generated column', q(INSERT INTO evil.generated VALUES (1)), 'mallory', 'refused' ],
	[ 'a constraint', q(INSERT INTO evil.checked VALUES (1)), 'mallory', 'refused' ],
	[ 'a domain', q(SELECT 1::evil.checked_domain), 'mallory', 'refused' ],
	[ 'an index', q(INSERT INTO evil.indexed VALUES (1)), 'mallory', 'refused' ],
	[ 'a policy', q(SELECT * FROM evil.policied), 'mallory', 'refused' ],
	[ 'a view', q(SELECT * FROM evil.viewed), 'mallory', 'refused' ],
	[ 'a rule', q(INSERT INTO evil.ruled VALUES (1)), 'mallory', 'refused' ],
	[ 'an operator', q(SELECT OPERATOR(evil.###) 1), 'mallory', 'refused' ],
	[ 'a cast', q(SELECT ROW(1)::evil.pair::int), 'mallory', 'refused' ],
	[ 'an aggregate', q(SELECT evil.becoming(n) FROM generate_series(1, 3) n), 'mallory', 'refused' ],
	[ 'a set', q(SELECT * FROM evil.support()), 'mallory', 'refused' ],
	[ 'a common table expression',
		q(WITH w AS MATERIALIZED (SELECT evil.become(1)) SELECT * FROM w), 'mallory', 'refused' ],
	[ 'the planner', q(SELECT 1 FROM evil.numbers WHERE n = evil.become_immutable(1)), 'mallory', 'refused' ],
	[ 'EXPLAIN', q(EXPLAIN SELECT evil.become_immutable(1)), 'mallory', 'refused' ],
	[ 'parallel workers',
		[ @$parallel, q(SELECT max(evil.become_immutable(n)) FROM evil.numbers) ], '25000', '25000|refused' ],
	[ 'PREPARE', [ q(PREPARE p AS SELECT evil.become(1)), q(EXECUTE p) ], 'mallory', 'refused' ],
	[ 'a cursor', [ q(DECLARE c CURSOR FOR SELECT evil.become(1)), q(FETCH c) ], 'mallory', 'refused' ],
	[ 'a portal',
		[ [ 'bind_portal', 'p', q(SELECT evil.become(1)) ], [ 'execute_portal', 'p' ] ], 'mallory', 'refused' ],
	[ 'a portal in parts',
		[ [ 'bind_portal', 'p', q(SELECT evil.become(n) FROM generate_series(1, 3) n) ],
		  [ 'execute_portal', 'p', 1 ],
		  [ 'execute_portal', 'p', 1 ] ],
		'mallory', 'refused' ],
	[ 'a statement of the protocol',
		[ [ 'prepare', 's', q(SELECT evil.become(1)) ], [ 'execute_prepared', 's' ] ], 'mallory', 'refused' ],
	[ 'two statements in a string',
		[ [ 'simple', q(SET LOCAL pg_session_jwt.jwt = '<mallory>'; SELECT 1) ] ], 'mallory', 'refused' ],
	[ 'the fast path',
		[ [ 'call', 'set_config(text,text,boolean)', 'pg_session_jwt.jwt', '<mallory>', 't' ] ], 'mallory', 'refused' ],
	[ 'jwt_session_init by the fast path',
		[ [ 'call', 'auth.jwt_session_init(text)', '<mallory>' ] ], 'mallory>mallory', 'refused' ],
	[ 'jwt_authenticate by the fast path',
		[ [ 'call', 'auth.jwt_authenticate(text)', '<mallory>' ] ], 'mallory', 'refused' ],

	# Roles and storage.
	[ 'SET ROLE', q(SET LOCAL ROLE NONE), 'alice', 'alice' ],
	[ 'SET SESSION AUTHORIZATION', q(SET SESSION AUTHORIZATION DEFAULT), 'alice', 'alice' ],
	[ 'SET ROLE of another role', q(SET ROLE postgres), '42501', '42501' ],
	[ 'ALTER SYSTEM', q(ALTER SYSTEM SET pg_session_jwt.jwt = 'x'), '55P02', '55P02' ],
	[ 'pg_reload_conf', q(SELECT pg_reload_conf()), '42501', '42501' ],
	[ 'LOAD', q(LOAD 'pg_session_jwt'), '42501', '42501' ],

	# Savepoints.
	[ 'a savepoint from after', [ q(SAVEPOINT x), q(ROLLBACK TO x) ], 'alice', 'alice' ],
	[ 'a savepoint with another token',
		[ q(SAVEPOINT x), q(SELECT evil.become(1)), q(ROLLBACK TO x) ], 'alice', 'refused' ],
	[ 'a released savepoint with another token',
		[ q(SAVEPOINT x), q(SELECT evil.become(1)), q(RELEASE x) ], 'mallory', 'refused' ],

	# Read.
	[ 'SHOW', q(SHOW pg_session_jwt.jwt), 'token', '(sealed)' ],
	[ 'SHOW ALL', q(SHOW ALL), 'token', '(sealed)' ],
	[ 'current_setting', q(SELECT current_setting('pg_session_jwt.jwt')), 'token', '(sealed)' ],
	[ 'pg_settings', q(SELECT setting FROM pg_settings WHERE name = 'pg_session_jwt.jwt'), 'token', '(sealed)' ],
	[ 'EXPLAIN (SETTINGS)', q(EXPLAIN (SETTINGS) SELECT 1), 'alice', 'alice' ],
	[ 'an error that quotes it',
		q(SELECT current_setting('pg_session_jwt.jwt')::int), 'token 22P02', '(sealed) 22P02' ],
	[ 'a NOTICE', q(DO $$ BEGIN RAISE NOTICE '%', current_setting('pg_session_jwt.jwt'); END $$), 'token', '(sealed)' ],
	[ 'COPY TO', q(COPY (SELECT current_setting('pg_session_jwt.jwt')) TO STDOUT), 'token', '(sealed)' ],
	[ 'a function that reads', q(SELECT evil.steal()), 'token', '(sealed)' ],
	[ 'a SECURITY DEFINER function that reads', q(SELECT evil.steal_definer()), 'token', '(sealed)' ],
	[ 'a view that reads', q(SELECT * FROM evil.stolen_view), 'token', '(sealed)' ],
	[ 'a default that reads', q(INSERT INTO evil.stolen_default (m) VALUES (1) RETURNING t), 'token', '(sealed)' ],
	[ 'a trigger that reads',
		[ q(INSERT INTO evil.stealing VALUES (1)), q(SELECT t FROM evil.loot) ], 'token', '(sealed)' ],
	[ 'parallel workers that read',
		[ @$parallel, q(SELECT max(evil.steal_immutable(n)) FROM evil.numbers) ], 'token', '(sealed)' ],
	[ 'the state of parallel workers', q(SHOW pg_session_jwt.parallel_state), 'alice', 'alice' ],
	[ 'the state of parallel workers, in one',
		[ @$parallel, q(SELECT max(current_setting('pg_session_jwt.parallel_state')) FROM evil.numbers) ],
		'alice', 'alice' ],
	[ 'the state of parallel workers, in the leader',
		[ (grep { !/leader/ } @$parallel),
		  q(SELECT max(current_setting('pg_session_jwt.parallel_state')), max(evil.slow(n)) FROM evil.numbers) ],
		'alice', 'alice' ],
	[ 'the fast path, reading', [ [ 'call', 'current_setting(text)', 'pg_session_jwt.jwt' ] ], 'token', '(sealed)' ],
	[ 'SET FROM CURRENT',
		[ q(CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt FROM CURRENT
		    AS 'BEGIN RETURN 1; END'),
		  q(SELECT proconfig FROM pg_proc WHERE proname = 'f' AND pronamespace = pg_my_temp_schema()) ],
		'token', 'refused' ],
	[ 'SHOW by set_config',
		q(SELECT set_config('x.y', current_setting('pg_session_jwt.jwt'), true)), 'token', '(sealed)' ],
	[ 'jwt_token', q(SELECT auth.jwt_token()), '42501', '42501' ],
	[ 'pg_file_settings', q(SELECT * FROM pg_file_settings), '42501', '42501' ],
	[ 'the catalog', q(SELECT * FROM pg_db_role_setting), 'alice', 'alice' ],
	[ 'jwt_status', q(SELECT * FROM auth.jwt_status()), 'alice', 'alice' ],
	[ 'the claims', q(SELECT auth.session() ->> 'pad'), 'alice', 'alice' ],
	[ 'identities of other sessions', q(SELECT * FROM auth.jwt_sessions()), '42501', '42501' ],
	[ 'counters of other sessions', q(SELECT * FROM auth.jwt_stats()), '42501', '42501' ],
	[ 'jwt_stats_reset', q(SELECT auth.jwt_stats_reset()), '42501', '42501' ],
	[ 'pg_prepared_statements',
		[ q(PREPARE p AS SELECT auth.user_id()), q(SELECT statement FROM pg_prepared_statements) ], 'alice', 'alice' ],

	# Keep: the steps run, the transaction ends.
	[ 'a row of another user', q(INSERT INTO note (owner, body) VALUES ('mallory', 'x')), '42501', '42501' ],
	[ 'PREPARE and a kept plan', [ q(PREPARE p AS SELECT auth.user_id()), q(EXECUTE p) ], 'alice', 'alice' ],
	[ 'LISTEN and NOTIFY', [ q(LISTEN c), q(NOTIFY c, 'x') ], 'alice', 'alice' ],
);

# --- one way --------------------------------------------------------------------------

# The user, or the SQLSTATE of the error: "none", "alice", "error 23514".
sub user_of
{
	my ($client) = @_;
	my $answer = $client->simple(q(SELECT coalesce(auth.user_id(), 'none')));
	return $answer->{error} ? "error $answer->{error}{C}" : $answer->{lines}[0];
}

# What an answer shows of the identity: see "outcome".
sub shown
{
	my ($answer) = @_;
	my $error = $answer->{error};
	return 'refused' if $error && $error->{C} eq '42501' && $error->{M} eq 'identity is sealed';
	my $text = join "\n", @{ $answer->{lines} }, @{ $answer->{notified} }, map { values %$_ } @{ $answer->{notices} };
	my @shown;
	push @shown, 'token' if index($text, $token{alice}) >= 0;
	push @shown, '(sealed)' if index($text, '(sealed)') >= 0;
	push @shown, "as $1" if $text =~ /\bthe user is (\w+)/;
	push @shown, $error->{C} if $error;
	return join ' ', @shown;
}

# Runs a step by a protocol, which is the method for SQL.
sub run_step
{
	my ($client, $protocol, $step) = @_;
	my ($method, @arguments) = ref $step ? @$step : ($protocol, $step);
	return $client->$method(map { with_tokens($_) } @arguments);
}

my %role = (open => 'open', sealed => 'sealed', session => 'pool');

# Ways in which a session gets its identity. Each leaves a transaction open.
my %begin = (
	open => [ 'BEGIN', q(SELECT auth.jwt_authenticate('<alice>')) ],
	sealed => [ 'BEGIN', q(SELECT auth.jwt_authenticate('<alice>')) ],
	session => [ q(SELECT auth.jwt_session_init('<alice>')), "SELECT auth.jwt_seal('$secret')", 'BEGIN' ]);

# One connection of each kind, which is cleaned up after each way.
my %connection;

sub clean_up
{
	my ($kind, $client) = @_;
	for my $sql (($kind eq 'session' ? "SELECT auth.jwt_unseal('$secret')" : ()), 'DISCARD ALL')
	{
		my $error = $client->simple($sql)->{error};
		die "$sql: $error->{M}" if $error;
	}
	return;
}

sub outcome_of
{
	my ($kind, $protocol, $steps) = @_;
	my $client = $connection{$kind} //= Protocol->connect($node, user => $role{$kind}, db => 'app');
	my @outcome;
	for my $sql (@{ $begin{$kind} }, 'SAVEPOINT begun')
	{
		my $error = $client->simple(with_tokens($sql))->{error};
		die "$sql: $error->{M}" if $error;
	}
	for my $step (ref $steps && ref $steps eq 'ARRAY' ? @$steps : $steps)
	{
		my $answer = run_step($client, $protocol, $step);
		my $shown = shown($answer);
		push @outcome, $shown if $shown ne '';
		if ($answer->{error})
		{
			$client->simple('ROLLBACK TO begun');
			last;
		}
	}
	my $user = user_of($client);
	push @outcome, $user if $user ne 'alice' || !@outcome;
	$client->simple('ROLLBACK TO begun') if $user =~ /^error/;
	$client->simple('COMMIT');
	my $after = user_of($client);
	my $wanted = $kind eq 'session' ? 'alice' : 'none';
	clean_up($kind, $client);
	return join(' ', @outcome) . ($after eq $wanted ? '' : ">$after");
}

my %names;
my @kinds = qw(open sealed session);
for my $way (@ways)
{
	my ($name, $steps, $open, $sealed) = @$way;
	die "two ways are called $name" if $names{$name}++;
	my @complaints;
	for my $kind (@kinds)
	{
		my %wanted = map { $_ => 1 } split /\|/, $kind eq 'open' ? $open : $sealed;
		# Where each step names its method, there is no protocol to choose.
		my @protocols = grep({ !ref } ref $steps ? @$steps : $steps) ? qw(simple extended) : 'simple';
		for my $protocol (@protocols)
		{
			my $got = outcome_of($kind, $protocol, $steps);
			push @complaints, "$kind, $protocol: got \"$got\", wanted \"" . join('" or "', sort keys %wanted) . '"'
			  if !$wanted{$got};
		}
	}
	ok(!@complaints, $name) or diag join "\n", @complaints;
}
cmp_ok(scalar @ways, '>=', 60, 'at least 60 ways');
$_->disconnect for values %connection;

# --- scenes: what needs the borders of transactions, or other sessions -----------------------

# [ NAME, STEP => ANSWER, ... ]. An answer is that of each kind of session, or [ OPEN, SEALED ]: rows with
# <alice> in place of a token, or what shown() says of an error. A step may begin with the name of another
# session, "other:".
my $user = q(SELECT coalesce(auth.user_id(), 'none'));
my $alice = q(SELECT auth.jwt_authenticate('<alice>'));
my $mallory = q(SELECT auth.jwt_authenticate('<mallory>'));
my $set_mallory = q(SET LOCAL pg_session_jwt.jwt = '<mallory>');
my @scenes = (
	[ 'a savepoint from before the identity, and SET',
		'BEGIN' => '', 'SAVEPOINT s' => '', $alice => 'alice', 'ROLLBACK TO s' => '', $user => 'none',
		$set_mallory => [ '', 'refused' ], $user => [ 'mallory', '25P02' ], 'COMMIT' => '', $user => 'none' ],
	[ 'a savepoint from before the identity, and jwt_authenticate',
		'BEGIN' => '', 'SAVEPOINT s' => '', $alice => 'alice', 'ROLLBACK TO s' => '',
		$mallory => [ 'mallory', 'refused' ], 'ROLLBACK' => '', $user => 'none' ],
	[ 'an error and a savepoint from before the identity',
		'BEGIN' => '', 'SAVEPOINT s' => '', $alice => 'alice', 'SELECT 1/0' => '22012', 'ROLLBACK TO s' => '',
		$user => 'none',
		'SAVEPOINT t' => '', $mallory => [ 'mallory', 'refused' ], 'ROLLBACK TO t' => '', $user => 'none',
		'ROLLBACK' => '' ],
	[ 'an exception handler around the identity',
		'BEGIN' => '',
		q(DO $$ BEGIN BEGIN PERFORM auth.jwt_authenticate('<alice>'); RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END;
			PERFORM set_config('pg_session_jwt.jwt', '<mallory>', true); END $$) => [ '', 'refused' ],
		$user => [ 'mallory', '25P02' ], 'ROLLBACK' => '', $user => 'none' ],
	[ 'a portal from before the identity',
		'BEGIN' => '', [ 'bind_portal', 'p', q(SELECT evil.become(1)) ] => '', [ 'bind_portal', 'q', $user ] => '',
		$alice => 'alice', [ 'execute_portal', 'q' ] => 'alice', [ 'execute_portal', 'p' ] => [ 1, 'refused' ],
		$user => [ 'mallory', '25P02' ], 'COMMIT' => '' ],
	[ 'a cursor from before the identity',
		'BEGIN' => '', 'DECLARE c CURSOR FOR SELECT evil.become(n) FROM generate_series(1, 2) n' => '',
		$alice => 'alice', 'FETCH c' => [ 1, 'refused' ], $user => [ 'mallory', '25P02' ], 'COMMIT' => '' ],
	[ 'a prepared statement from before the identity',
		'PREPARE p AS SELECT evil.become(1)' => '', 'BEGIN' => '', $alice => 'alice', 'EXECUTE p' => [ 1, 'refused' ],
		'COMMIT' => '', $user => 'none' ],
	[ 'SET in the transaction before the identity',
		'BEGIN' => '', $set_mallory => '', $user => 'mallory', $alice => 'alice', 'SAVEPOINT s' => '',
		'RELEASE s' => '',
		$user => 'alice', 'RESET pg_session_jwt.jwt' => [ '', 'refused' ], 'COMMIT' => '', $user => 'none' ],
	[ 'SET of the session before the identity',
		q(SET pg_session_jwt.jwt = '<mallory>') => '', 'BEGIN' => '', $alice => 'alice', 'COMMIT' => '',
		$user => 'mallory' ],
	[ 'no seal, before the library is loaded',
		'SET pg_session_jwt.seal = off' => '', 'BEGIN' => '', $alice => 'alice', $set_mallory => [ '', 'refused' ],
		'COMMIT' => '' ],
	[ 'another mode, before the library is loaded',
		q(SET pg_session_jwt.mode = 'claims') => '', q(SET request.jwt.claims = '{"sub":"mallory"}') => '',
		$user => 'none' ],
	# The end of the function takes the value back, which is a change.
	[ 'a function with SET around the identity',
		'BEGIN' => '', q(SELECT authenticating()) => 'alice', $user => [ 'none', 'refused' ],
		'ROLLBACK' => '', $user => 'none' ],
	[ 'a pipeline',
		[ 'pipeline', $alice, $set_mallory, $user ] => [ "alice\nmallory", 'refused' ], $user => 'none' ],
	[ 'statements of one string',
		[ 'simple', "$alice; $set_mallory; $user" ] => [ "alice\nmallory", 'refused' ], $user => 'none' ],
	[ 'another token in the next transaction',
		'BEGIN' => '', $alice => 'alice', 'COMMIT' => '', $user => 'none',
		'BEGIN' => '', $mallory => 'mallory', 'COMMIT' => '', $user => 'none' ],
	[ 'COMMIT AND CHAIN',
		'BEGIN' => '', $alice => 'alice', 'COMMIT AND CHAIN' => '', $user => 'none', $mallory => 'mallory',
		'COMMIT' => '' ],
	[ 'ROLLBACK AND CHAIN',
		'BEGIN' => '', $alice => 'alice', 'ROLLBACK AND CHAIN' => '', $user => 'none', $mallory => 'mallory',
		'COMMIT' => '' ],
	[ 'a deferred trigger at COMMIT',
		'BEGIN' => '', $alice => 'alice', 'INSERT INTO evil.deferred VALUES (1)' => '', 'COMMIT' => [ '', 'refused' ],
		$user => 'none' ],
	[ 'a procedure that commits',
		'BEGIN' => '', $alice => 'alice', 'CALL evil.commits()' => '2D000', 'ROLLBACK' => '', $user => 'none' ],
	[ 'a DO block that commits',
		q(DO $$ BEGIN PERFORM auth.jwt_authenticate('<alice>'); COMMIT;
			IF auth.user_id() IS NOT NULL THEN RAISE 'kept'; END IF; END $$) => '',
		$user => 'none' ],
	[ 'PREPARE TRANSACTION',
		'BEGIN' => '', $alice => 'alice', q(INSERT INTO note (body) VALUES ('prepared')) => '',
		q(PREPARE TRANSACTION 'x') => '', $user => 'none',
		'BEGIN' => '', $mallory => 'mallory', 'COMMIT' => '', q(COMMIT PREPARED 'x') => '', $user => 'none',
		'BEGIN' => '', $alice => 'alice', q(DELETE FROM note WHERE body = 'prepared' RETURNING owner) => 'alice',
		'COMMIT' => '' ],
	[ 'a cursor WITH HOLD keeps its rows',
		'BEGIN' => '', $alice => 'alice',
		q(DECLARE h CURSOR WITH HOLD FOR SELECT auth.user_id(), current_setting('pg_session_jwt.jwt')) => '',
		'COMMIT' => '', $user => 'none', 'FETCH h' => [ 'alice|<alice>', 'alice|(sealed)' ], $user => 'none' ],
	[ 'a temporary table keeps its rows',
		'BEGIN' => '', $alice => 'alice',
		q(CREATE TEMP TABLE kept AS SELECT current_setting('pg_session_jwt.jwt') AS t) => '',
		'COMMIT' => '', 'SELECT t FROM kept' => [ '<alice>', '(sealed)' ] ],
	[ 'a prepared statement reads anew',
		'BEGIN' => '', $alice => 'alice', "PREPARE p AS $user" => '', 'EXECUTE p' => 'alice', 'COMMIT' => '',
		'EXECUTE p' => 'none' ],
	[ 'a plan with an IMMUTABLE function keeps the user',
		'BEGIN' => '', $alice => 'alice', 'PREPARE p AS SELECT user_immutable()' => '',
		'EXECUTE p' => 'alice', 'COMMIT' => '',
		'EXECUTE p' => 'alice', $user => 'none' ],
	[ 'a notification',
		'other: LISTEN c' => '', 'BEGIN' => '', $alice => 'alice',
		q(SELECT FROM pg_notify('c', current_setting('pg_session_jwt.jwt'))) => '', 'COMMIT' => '',
		'other: SELECT 1' => [ "1\nc: <alice>", "1\nc: (sealed)" ] ],
	[ 'pg_stat_activity, a token in the statement',
		'BEGIN' => '', $alice => 'alice',
		'other: SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user' => $alice,
		'COMMIT' => '' ],
	[ 'pg_stat_activity, a token as a parameter',
		'BEGIN' => '', [ 'extended', 'SELECT auth.jwt_authenticate($1)', '<alice>' ] => 'alice',
		'other: SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user' =>
		  'SELECT auth.jwt_authenticate($1)',
		'COMMIT' => '' ],
);

# The answer in words: see @scenes.
sub words
{
	my ($answer) = @_;
	return shown($answer) if $answer->{error};
	my $text = join "\n", grep { $_ ne '' } @{ $answer->{lines} }, @{ $answer->{notified} };
	$text =~ s/\Q$token{$_}\E/<$_>/g for qw(alice mallory);
	return $text;
}

sub complaints_of
{
	my ($kind, $protocol, $set, @steps) = @_;
	my (%client, @complaints);
	while (my ($step, $wanted) = splice @steps, 0, 2)
	{
		my $name = !ref $step && $step =~ s/^(other): // ? $1 : 'first';
		$client{$name} //= Protocol->connect($node, user => $role{$kind}, db => 'app', set => $set);
		my $got = words(run_step($client{$name}, $protocol, $step));
		$wanted = $wanted->[ $kind eq 'open' ? 0 : 1 ] if ref $wanted;
		push @complaints, "$kind, $protocol: " . (ref $step ? "@$step" : $step) . "\n     got: $got\n  wanted: $wanted"
		  if $got ne $wanted;
	}
	$_->disconnect for values %client;
	return @complaints;
}

sub scene_ok
{
	my ($name, $kinds, $set, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @complaints = map {
		my $kind = $_;
		map { complaints_of($kind, $_, $set, @steps) } qw(simple extended)
	} @$kinds;
	ok(!@complaints, $name) or diag join "\n", @complaints;
	return;
}

my @with_transactions = grep { $_ ne 'session' } @kinds;
for my $scene (@scenes)
{
	my ($name, @steps) = @$scene;
	scene_ok($name, \@with_transactions, {}, @steps);
}
scene_ok(
	'a token of the startup packet',
	\@with_transactions,
	{ 'pg_session_jwt.jwt' => $token{mallory} },
	$user => 'mallory',
	'BEGIN' => '',
	$alice => 'alice',
	q(SELECT reset_val FROM pg_settings WHERE name = 'pg_session_jwt.jwt') => '(sealed)',
	'RESET pg_session_jwt.jwt' => [ '', 'refused' ],
	$user => [ 'mallory', '25P02' ],
	'COMMIT' => '',
	$user => 'mallory');

scene_ok(
	'no seal, in the startup packet',
	\@with_transactions,
	{ 'pg_session_jwt.seal' => 'off' },
	'BEGIN' => '',
	$alice => '55000',
	'ROLLBACK' => '',
	$user => 'none');

# A session that its pool sealed.
my $seal = "SELECT auth.jwt_seal('$secret')";
my @begin_session = (q(SELECT auth.jwt_session_init('<alice>')) => '', $seal => '');
for my $sql (
	'DISCARD ALL', 'RESET ALL', 'RESET pg_session_jwt.jwt', q(SET pg_session_jwt.jwt = '<mallory>'),
	q(SELECT auth.jwt_session_init('<mallory>')), $mallory, $seal, 'CALL evil.commits()',
	q(DO $$ BEGIN ROLLBACK; PERFORM set_config('pg_session_jwt.jwt', '<mallory>', false); END $$))
{
	scene_ok("a sealed session: $sql", ['session'], {}, @begin_session, $sql => 'refused', $user => 'alice');
}
scene_ok(
	'a sealed session: transactions and secrets',
	['session'],
	{ 'pg_session_jwt.jwt' => $token{mallory} },
	"SELECT auth.jwt_seal('too short')" => '22023',
	'BEGIN' => '',
	@begin_session,
	'ROLLBACK' => '',
	$user => 'alice',
	q(SELECT auth.jwt_unseal('a guess at the secret')) => '42501',
	"SELECT auth.jwt_unseal('" . lc($secret) . "x')" => '42501',
	$user => 'alice',
	"SELECT auth.jwt_unseal('$secret')" => '',
	$user => 'mallory',
	"SELECT auth.jwt_unseal('$secret')" => '55000');
scene_ok('a client may not seal', [ 'open', 'sealed' ], {},
	q(SELECT auth.jwt_session_init('<alice>')) => '', q(SELECT auth.jwt_seal('of no pool at all')) => '42501',
		$user => 'alice');

# Every setting that an ordinary role cannot set: the list is the server's, so that new ones are in it.
my $settings = q(SELECT name, CASE vartype WHEN 'enum' THEN enumvals[1] WHEN 'string' THEN 'x' ELSE '1' END
	FROM pg_settings WHERE name LIKE 'pg\_session\_jwt.%' AND context = 'superuser' ORDER BY name);
my @settings = split /\n/, $node->safe_psql('app', "SELECT auth.user_id() IS NULL; $settings");
shift @settings;
cmp_ok(scalar @settings, '>', 10, 'settings of an administrator');
my $denied = refused('42501', qr/^permission denied to set parameter/);
for (@settings)
{
	my ($name, $value) = split /\|/;
	session_ok(
		$node,
		"$name is not a client's to set",
		{ db => 'app', user => 'open' },
		$user => 'none',
		"SET $name = '$value'" => $denied,
		"SET LOCAL $name TO DEFAULT" => $denied,
		"RESET $name" => $denied,
		"SELECT set_config('$name', NULL, false)" => $denied,
		"ALTER ROLE CURRENT_USER SET $name = '$value'" => $denied,
		"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET $name = '$value' AS 'SELECT 1'" => $denied);
}

# --- what is not prevented -----------------------------------------------------------------

my $client = Protocol->connect($node, user => 'open', db => 'short');
is(words($client->simple('COPY note (body) FROM STDIN', "x\n")), '0A000', 'no COPY FROM with row-level security');
# COPY is one statement for as long as its client sends rows.
$exp = young_second() + 2;
$client->simple(sprintf q(SELECT auth.jwt_session_init('%s')), sign(qq({"sub":"alice","exp":$exp})));
my $answer = $client->simple(
	'COPY diary (body) FROM STDIN',
	sub {
		my ($send) = @_;
		$send->("before\n");
		sleep 1 while time < $exp + 1;
		$send->("after\n");
	});
is(words($answer) . user_of($client), 'error 23514', 'COPY ends well, the next statement finds an expired token');
is( $node->safe_psql('short', q(SELECT string_agg(body || ' of ' || owner, ', ') FROM diary)),
	'before of alice, after of alice',
	'rows of COPY that arrive after the expiry are those of its user');
$client->disconnect;

# The role that creates a trusted extension owns it.
$node->safe_psql('app', 'CREATE ROLE installer LOGIN; CREATE DATABASE trusted OWNER installer');
my $fake = q(CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql AS $$ SELECT 'anybody' $$);
session_ok(
	$node,
	'the role that installed the extension drops it, and what depends on it',
	{ db => 'trusted', user => 'installer' },
	'CREATE EXTENSION pg_session_jwt' => '',
	'CREATE TABLE note (owner text)' => '',
	q(INSERT INTO note VALUES ('alice')) => '',
	'ALTER TABLE note ENABLE ROW LEVEL SECURITY' => '',
	'CREATE POLICY own ON note USING (owner = auth.user_id())' => '',
	'GRANT SELECT ON note TO PUBLIC' => '',
	$fake => refused('42501', 'permission denied for schema auth'),
	'DROP EXTENSION pg_session_jwt' => refused('2BP01', qr/^cannot drop extension pg_session_jwt/),
	'DROP EXTENSION pg_session_jwt CASCADE' => '',
	'CREATE SCHEMA auth' => '',
	$fake => '',
	'SELECT auth.user_id()' => 'anybody');
session_ok($node, 'a table whose policy was dropped shows no rows',
	{ db => 'trusted', user => 'open' }, 'SELECT count(*) FROM note' => '0');
$node->safe_psql('trusted', 'DROP SCHEMA auth CASCADE; CREATE EXTENSION pg_session_jwt');
session_ok(
	$node,
	'the owner of the database does not drop an extension of a superuser',
	{ db => 'trusted', user => 'installer' },
	'DROP EXTENSION pg_session_jwt' => refused('42501', 'must be owner of extension pg_session_jwt'),
	'DROP SCHEMA auth CASCADE' => refused('42501', 'must be owner of schema auth'),
	$fake => refused('42501', 'permission denied for schema auth'));

# 14 has no such privilege.
if ($node->pg_version >= 15)
{
	$node->safe_psql('app', 'CREATE ROLE granted LOGIN');
	session_ok($node, 'a privilege on a parameter of the library, loaded', { db => 'app' },
		$user => 'none', 'GRANT SET ON PARAMETER pg_session_jwt.leeway TO granted' => '');
	session_ok($node, 'a role with SET on a parameter sets it', { db => 'app', user => 'granted' },
		$user => 'none', 'SET pg_session_jwt.leeway = 1' => '',
		'SET pg_session_jwt.seal = on' => refused('42501', qr/^permission denied to set parameter/));
}

# --- logs -----------------------------------------------------------------------------------

# A token as a bound parameter of a statement that auto_explain logs.
sub logged_with
{
	my (@settings) = @_;
	my $token = sign(sprintf '{"sub":"%s","exp":%d}', 'logged' x 5, time + 3600);
	my $superuser = Protocol->connect($node, db => 'app');
	return 'no auto_explain' if $superuser->simple(q(LOAD 'auto_explain'))->{error};
	for my $set ('auto_explain.log_min_duration = 0', 'log_parameter_max_length = 0', @settings)
	{
		my $error = $superuser->simple("SET $set")->{error};
		die $error->{M} if $error;
	}
	my $before = -s $node->logfile;
	$superuser->extended('SELECT auth.jwt_authenticate($1)', $token);
	$superuser->disconnect;
	my $log = slurp_file($node->logfile, $before);
	return 'the statement is not logged' if $log !~ /Query Text: SELECT auth\.jwt_authenticate/;
	return index($log, $token) >= 0 ? 'the token is logged' : '';
}
# Before 16, auto_explain logs no parameters.
my $own = $node->pg_version >= 16;
like(logged_with(), $own ? qr/^(no auto_explain|the token is logged)$/ : qr/^(no auto_explain)?$/,
	'auto_explain logs parameters unless its own setting forbids it');
like(logged_with($own ? 'auto_explain.log_parameter_max_length = 0' : ()), qr/^(no auto_explain)?$/,
	'auto_explain logs no parameters');

is_deeply([ logged_pieces($node, $signature) ], [], 'no part of a refused token is in the log');
is(index(slurp_file($node->logfile), $secret), -1, 'the secret of a seal is not in the log');
$node->stop;
done_testing();
