# SPDX-License-Identifier: Apache-2.0
# Catalogs of older releases work as they are, and update; and there is a way back.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('upgrade');
my $key = { jwk => public_jwk() };
my $alice_id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
my $team_id = 'b1ffcd00-9c0b-4ef8-bb6d-6bb9bd380a11';
my $alice = sign(qq({"jti":1,"sub":"$alice_id","o":{"id":"$team_id"}}));
my $latest = '1.0.0';

$node->safe_psql('postgres', 'CREATE ROLE app_user LOGIN');

# All that the catalog says of the extension's objects, but for object ids.
my $catalog = <<'END';
WITH ext AS (SELECT * FROM pg_extension WHERE extname = 'pg_session_jwt'),
member AS (
	SELECT d.classid, d.objid, d.deptype FROM pg_depend d JOIN ext ON d.refobjid = ext.oid
	WHERE d.refclassid = 'pg_extension'::regclass),
acl AS (
	SELECT classoid, objoid, privtype, initprivs::text AS privs FROM pg_init_privs)
SELECT line FROM (
	SELECT format('function %s -> %s|%s|', p.oid::regprocedure, pg_get_function_result(p.oid),
			pg_get_function_arguments(p.oid))
		|| concat_ws('|', l.lanname, provolatile, proparallel, proisstrict, prosecdef, proleakproof,
			procost, prorows, proretset, prokind, prosupport, coalesce(proconfig::text, '-'), prosrc,
			probin, coalesce(proacl::text, '-'), pg_get_userbyid(proowner),
			coalesce(obj_description(p.oid, 'pg_proc'), '-'), deptype, coalesce(privs, '-')) AS line
	FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
	JOIN pg_language l ON l.oid = prolang LEFT JOIN acl ON acl.objoid = p.oid
	UNION ALL
	-- GRANT and REVOKE leave in writing what was implied before.
	SELECT 'schema ' || concat_ws('|', nspname, coalesce(nspacl, acldefault('n', nspowner)),
			pg_get_userbyid(nspowner), coalesce(obj_description(n.oid, 'pg_namespace'), '-'), deptype,
			coalesce(privs, acldefault('n', nspowner)::text))
	FROM pg_namespace n JOIN member m ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
	LEFT JOIN acl ON acl.objoid = n.oid
	UNION ALL
	SELECT 'other member ' || pg_describe_object(classid, objid, 0) FROM member
	WHERE classid NOT IN ('pg_proc'::regclass, 'pg_namespace'::regclass)
	UNION ALL
	SELECT 'extension ' || concat_ws('|', extversion, extrelocatable, extnamespace::regnamespace,
			coalesce((SELECT string_agg(t::regclass::text, ',') FROM unnest(extconfig) t), '-'), coalesce(obj_description(oid, 'pg_extension'), '-')) FROM ext
) t ORDER BY line
END

sub catalog { return $node->safe_psql($_[0], $catalog) }

sub same_catalog
{
	my ($db, $wanted, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(catalog($db), $wanted, $name);
	return;
}

# The functions of a release, in the order in which they came.
my @calls = ([ 'auth.user_id()', $alice_id ],
	[ "auth.session()->>'sub'", $alice_id ],
	[ "auth.jwt()->>'sub'", $alice_id ], [ 'auth.uid()', $alice_id ],
	[ "auth.organization()->>'id'", $team_id ], [ 'auth.organization_id()', $team_id ]);

sub works
{
	my ($db, $version, $count) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $select = 'SELECT ' . join ', ', map { $_->[0] } @calls[ 0 .. $count - 1 ];
	my $row = join '|', map { $_->[1] } @calls[ 0 .. $count - 1 ];
	session_ok(
		$node,
		"the functions of $version work",
		{ %$key, db => $db },
		'SELECT extversion FROM pg_extension WHERE extname = $$pg_session_jwt$$' => $version,
		'SELECT auth.init()' => '',
		init_with($alice) => '',
		$select => $row);
	session_ok(
		$node,
		"also with the gateway's claims",
		{ db => $db },
		'SELECT auth.session(), auth.session() IS NULL, auth.user_id()' => 'null|f|NULL',
		qq(SET request.jwt.claims = '{"sub":"$alice_id","o":{"id":"$team_id"}}') => '',
		$select => $row);
	return;
}

# --- the fresh catalog --------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION pg_session_jwt');
works('fresh', $latest, 6);
my $fresh = catalog('fresh');

# Name, arguments => result, strict, volatility, parallel safety, symbol.
my %wanted = (
	'auth.init()' => 'void|t|v|u|init_wrapper',
	'auth.jwt_session_init(text)' => 'void|t|v|u|jwt_session_init_wrapper',
	'auth.jwt_authenticate(text)' => 'text|f|v|u|jwt_authenticate_wrapper',
	'auth.jwt_seal(text)' => 'void|f|v|u|jwt_seal_wrapper',
	'auth.jwt_session_refresh(text)' => 'void|f|v|u|jwt_session_refresh_wrapper',
	'auth.jwt_unseal(text)' => 'void|f|v|u|jwt_unseal_wrapper',
	'auth.jwt_token()' => 'text|f|s|r|jwt_token_wrapper',
	'auth.session()' => 'jsonb|t|s|s|session_wrapper',
	'auth.jwt()' => 'jsonb|t|s|s|jwt_wrapper',
	'auth.user_id()' => 'text|t|s|s|user_id_wrapper',
	'auth.uid()' => 'uuid|t|s|s|uid_wrapper',
	'auth.organization()' => 'jsonb|t|s|s|organization_wrapper',
	'auth.organization_id()' => 'uuid|t|s|s|organization_id_wrapper',
	'auth.claim(text[])' => 'text|t|s|s|claim_wrapper',
	'auth.role()' => 'text|t|s|s|role_wrapper',
	'auth.email()' => 'text|t|s|s|email_wrapper',
	'auth.issuer()' => 'text|t|s|s|issuer_wrapper',
	'auth.has_scope(text)' => 'boolean|t|s|s|has_scope_wrapper',
	'auth.has_role(text)' => 'boolean|t|s|s|has_role_wrapper',
	'auth.jwt_status()' => 'record|f|s|r|jwt_status_wrapper',
	'auth.jwt_stats()' => 'record|f|v|s|jwt_stats_wrapper',
	'auth.jwt_stats_reset()' => 'void|f|v|u|jwt_stats_reset_wrapper',
	'auth.jwt_sessions()' => 'record|f|v|s|jwt_sessions_wrapper',
	'auth.jwt_key_sources()' => 'record|f|s|r|jwt_key_sources_wrapper',
	'auth.revocation_changed()' => 'trigger|f|v|u|revocation_changed_wrapper',
	'auth.revocation_fingerprint(text,text,text,text)' => 'bytea|f|i|s|revocation_fingerprint_wrapper',
	'auth.revoke(text)' => 'boolean|f|v|u|revoke_wrapper',
	'auth.jwt_verify(text,jsonb)' => 'record|t|s|s|jwt_verify_wrapper');
my %got = map { split /\t/ } split /\n/, $node->safe_psql('fresh', <<'END');
SELECT p.oid::regprocedure || E'\t'
	|| concat_ws('|', prorettype::regtype, proisstrict, provolatile, proparallel, prosrc)
FROM pg_proc p WHERE pronamespace = 'auth'::regnamespace AND proname <> 'jwt_algorithms'
END
is_deeply(\%got, \%wanted, 'names, marks and symbols are those of the contract');
is( $node->safe_psql('fresh', <<'END'), 'jwt', 'so is the name of the argument');
SELECT array_to_string(proargnames, ', ') FROM pg_proc
WHERE oid = 'auth.jwt_authenticate(text)'::regprocedure
END
is( $node->safe_psql('fresh', <<'END'), 'auth.jwt_session_init', 'a name alone says which function');
CREATE ROLE grantee;
GRANT EXECUTE ON FUNCTION auth.jwt_session_init TO grantee;
REVOKE EXECUTE ON FUNCTION auth.jwt_session_init FROM grantee;
DROP ROLE grantee;
SELECT 'auth.jwt_session_init'::regproc
END
is( $node->safe_psql('fresh', <<'END'), '', 'every function is described');
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'auth'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
END
is( $node->safe_psql('fresh', <<'END'), '0', 'no function is a copy of the symbol of another');
SELECT count(*) - count(DISTINCT prosrc) FROM pg_proc WHERE pronamespace = 'auth'::regnamespace
END
session_ok(
	$node,
	'the extension stays where it is',
	{ db => 'fresh' },
	'CREATE SCHEMA elsewhere' => '',
	'ALTER EXTENSION pg_session_jwt SET SCHEMA elsewhere' =>
	  refused('0A000', 'extension "pg_session_jwt" does not support SET SCHEMA'),
	'DROP SCHEMA elsewhere' => '');
is( $node->safe_psql('fresh', <<'END'), '', 'from every release in the field there is a way to the latest');
SELECT v FROM unnest('{0.0.1,0.1.0,0.1.1,0.1.2,0.2.0,0.3.0,0.3.1,0.4.0,0.5.0}'::text[]) v
WHERE NOT EXISTS (SELECT FROM pg_extension_update_paths('pg_session_jwt')
	WHERE source = v AND target = '1.0.0' AND path IS NOT NULL)
END

# --- from each fixture to the latest ------------------------------------------

my %calls_of = ('0.1.0' => 2, '0.1.2' => 2, '0.5.0' => 6);
my %original;
for my $version (sort keys %calls_of)
{
	my $db = "from $version";
	$node->safe_psql('postgres', qq(CREATE DATABASE "$db"));
	$node->safe_psql($db, "CREATE EXTENSION pg_session_jwt VERSION '$version'");
	$original{$version} = catalog($db);
	works($db, $version, $calls_of{$version});

	# What users built on it stays.
	$node->safe_psql($db, <<'END');
CREATE TABLE notes (owner text DEFAULT auth.user_id(), body text);
INSERT INTO notes VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'mine'), ('bob', 'his');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = auth.user_id());
GRANT SELECT, INSERT ON notes TO app_user;
CREATE VIEW me AS SELECT auth.user_id(), auth.session();
END
	my @policy = (
		'SET ROLE app_user' => '',
		'SELECT body FROM notes' => '',
		init_with($alice) => '',
		'SELECT body FROM notes' => 'mine');
	# Here the old catalog keeps ordinary roles from naming schema auth, not from its policies.
	session_ok(
		$node,
		"a policy made under $version",
		{ %$key, db => $db },
		init_with($alice) => '',
		'SET ROLE app_user' => '',
		'SELECT body FROM notes' => 'mine',
		'SELECT auth.user_id()' => refused('42501', 'permission denied for schema auth'));

	# A session that is running keeps its token over the update.
	session_ok(
		$node,
		"ALTER EXTENSION UPDATE from $version, in a session with a token",
		{ %$key, db => $db },
		init_with($alice) => '',
		'ALTER EXTENSION pg_session_jwt UPDATE' => '',
		'SELECT auth.uid()' => $alice_id,
		'SELECT body FROM notes' => "mine\nhis",
		'SELECT user_id FROM me' => $alice_id);
	works($db, $latest, 6);
	same_catalog($db, $fresh, "updated from $version, the catalog is that of a fresh $latest");
	session_ok($node, 'its policy serves every role now', { %$key, db => $db }, @policy);
}

# --- by an owner who is no superuser --------------------------------------------

$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE owned OWNER owner');
session_ok(
	$node,
	'the owner of a database creates and updates',
	{ %$key, db => 'owned', user => 'owner' },
	"CREATE EXTENSION pg_session_jwt VERSION '0.5.0'" => '',
	'ALTER EXTENSION pg_session_jwt UPDATE' => '',
	init_with($alice) => '',
	'SELECT auth.uid()' => $alice_id);
session_ok(
	$node,
	'and everybody calls',
	{ %$key, db => 'owned', user => 'app_user' },
	init_with($alice) => '',
	'SELECT auth.uid()' => $alice_id);

# --- the way back, release by release -----------------------------------------

my $db = 'from 0.5.0';
$node->safe_psql($db, "ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'");
same_catalog($db, $original{'0.5.0'}, 'back to 0.5.0, the catalog is as it was');
works($db, '0.5.0', 6);
$node->safe_psql('postgres', 'CREATE DATABASE chain');
$node->safe_psql('chain', "CREATE EXTENSION pg_session_jwt VERSION '0.0.1'");
my %forth;
for my $version (qw(0.1.0 0.1.1 0.1.2 0.2.0 0.3.0 0.3.1 0.4.0 0.5.0))
{
	$node->safe_psql('chain', "ALTER EXTENSION pg_session_jwt UPDATE TO '$version'");
	$forth{$version} = catalog('chain');
}
is($forth{'0.1.0'}, $original{'0.1.0'}, 'the chain of updates passes 0.1.0 as it was');
is($forth{'0.1.2'}, $original{'0.1.2'}, 'and 0.1.2');
# The original's update from 0.4.0 forgets STRICT in these two functions.
(my $updated = $original{'0.5.0'}) =~
  s/^(function auth\.organization(_id)?\(\) .*\|c\|s\|s\|)t\|/$1f|/mg;
isnt($updated, $original{'0.5.0'}, 'a new 0.5.0 has strict functions');
is($forth{'0.5.0'}, $updated, 'and 0.5.0, but two of its functions are not strict');
$node->safe_psql('chain', "ALTER EXTENSION pg_session_jwt UPDATE TO '1.0.0'");
same_catalog('chain', $fresh, 'and ends as a fresh one');
$forth{'0.5.0'} = $original{'0.5.0'};
for my $version (qw(0.5.0 0.4.0 0.3.1))
{
	$node->safe_psql('chain', "ALTER EXTENSION pg_session_jwt UPDATE TO '$version'");
	same_catalog('chain', $forth{$version}, "the way back passes $version as it was");
}
works('chain', '0.3.1', 2);
$node->safe_psql('chain', 'ALTER EXTENSION pg_session_jwt UPDATE');
same_catalog('chain', $fresh, 'and forth again');
$node->safe_psql('chain', 'DROP EXTENSION pg_session_jwt');
is($node->safe_psql('chain', "SELECT count(*) FROM pg_namespace WHERE nspname = 'auth'"),
	'0', 'DROP EXTENSION leaves nothing');

# --- dump and restore ---------------------------------------------------------

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
for my $source ('from 0.1.2', 'from 0.5.0')
{
	my $restored = "restored $source";
	$node->command_ok([ 'pg_dump', '--no-sync', '-f', $dump, $source ], "pg_dump $source");
	$node->safe_psql('postgres', qq(CREATE DATABASE "$restored"));
	$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $restored, '-f', $dump ], 'restored');
	same_catalog($restored, $fresh, "the dump $source restores to a fresh $latest");
	works($restored, $latest, 6);
	session_ok(
		$node,
		'with its policy',
		{ %$key, db => $restored },
		'SET ROLE app_user' => '',
		init_with($alice) => '',
		'SELECT body FROM notes' => 'mine');
}

# In a schema that nobody can drop, as a database's owner creates it.
my $where = "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_session_jwt'";
$node->safe_psql('postgres', $_) for 'CREATE ROLE db_owner LOGIN',
  map { "CREATE DATABASE $_ OWNER db_owner" } 'lasting', 'restored_lasting';
session_ok(
	$node,
	'with schema pg_catalog',
	{ user => 'db_owner', db => 'lasting' },
	'CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog' => '',
	"ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'" => '',
	'ALTER EXTENSION pg_session_jwt UPDATE' => '',
	$where => 'pg_catalog',
	'DROP SCHEMA pg_catalog CASCADE' => refused('42501', 'must be owner of schema pg_catalog'));
session_ok($node, 'nor can a superuser drop that', { db => 'lasting' },
	'DROP SCHEMA pg_catalog CASCADE' => refused('2BP01', qr/pg_catalog/));
$node->command_ok([ 'pg_dump', '--no-sync', '-U', 'db_owner', '-f', $dump, 'lasting' ], 'pg_dump');
$node->command_ok(
	[ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-U', 'db_owner', '-d', 'restored_lasting', '-f', $dump ],
	'restored by the owner');
is($node->safe_psql('restored_lasting', $where), 'pg_catalog', 'into the same schema');
same_catalog('restored_lasting', catalog('lasting'), 'and with the same catalog');

$node->stop;
done_testing();
