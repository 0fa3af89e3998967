# SPDX-License-Identifier: Apache-2.0
# Which role can set which setting, in each way; the audit log; which role can call.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('settings');
my $jwk = public_jwk();
my $alice = sign('{"jti":1,"sub":"alice"}');
my $bob = sign('{"jti":2,"sub":"bob","aud":["x","y"]}');
my $user = 'SELECT auth.user_id()';
my $claims = '{"sub":"gateway"}';

$node->safe_psql('postgres', <<'END');
CREATE ROLE app_user LOGIN;
CREATE ROLE owner LOGIN;
CREATE DATABASE owned OWNER owner;
CREATE DATABASE other;
END

# --- a trusted extension, for each role -------------------------------------

session_ok(
	$node,
	'a role with CREATE on the database creates the extension',
	{ db => 'owned', user => 'owner' },
	'CREATE EXTENSION pg_session_jwt' => '',
	$user => 'NULL');
session_ok(
	$node,
	'and every role calls its functions',
	{ db => 'owned', user => 'app_user', jwk => $jwk },
	'CREATE EXTENSION pg_session_jwt' => refused('42710', qr/already exists/),
	'SELECT auth.init()' => '',
	init_with($alice) => '',
	'SELECT auth.user_id(), auth.uid(), auth.session(), auth.jwt(), auth.organization(), auth.organization_id()' =>
	  'alice|NULL|{"jti": 1, "sub": "alice"}|{"jti": 1, "sub": "alice"}|NULL|NULL',
	"SELECT auth.jwt_session_init('$bob')" => '',
	$user => 'bob',
	'SELECT count(*) > 0 FROM auth.jwt_algorithms()' => 't');
session_ok(
	$node,
	'but makes nothing in its schema',
	{ db => 'owned', user => 'app_user' },
	'CREATE FUNCTION auth.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$' =>
	  refused('42501', 'permission denied for schema auth'),
	"CREATE OR REPLACE FUNCTION auth.user_id() RETURNS text LANGUAGE sql AS \$\$ SELECT 'root' \$\$" =>
	  refused('42501', 'permission denied for schema auth'));
session_ok(
	$node, 'a role without CREATE on the database does not',
	{ db => 'other', user => 'app_user' },
	'CREATE EXTENSION pg_session_jwt' =>
	  refused('42501', 'permission denied to create extension "pg_session_jwt"'));
session_ok(
	$node, 'nothing depends on the search path',
	{ db => 'owned', user => 'owner', jwk => $jwk },
	'CREATE SCHEMA evil' => '',
	"CREATE FUNCTION evil.user_id() RETURNS text LANGUAGE sql AS \$\$ SELECT 'evil' \$\$" => '',
	"CREATE FUNCTION evil.jsonb_in(cstring) RETURNS jsonb LANGUAGE internal IMMUTABLE AS 'jsonb_in'" =>
	  refused('42501', 'permission denied for language internal'),
	'SET search_path = evil' => '',
	init_with($alice) => '',
	'SELECT auth.user_id(), auth.jwt()' => 'alice|{"jti": 1, "sub": "alice"}',
	'DROP SCHEMA evil CASCADE' => '');

$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

# --- pg_session_jwt.jwk: only at connection start -----------------------------

my $too_late = refused('55P02', 'parameter "pg_session_jwt.jwk" cannot be set after connection start');
for my $role ('app_user', undef)
{
	my $who = $role // 'a superuser';
	session_ok(
		$node,
		"jwk of a running session: $who",
		{ user => $role, jwk => $jwk },
		'SELECT auth.init()' => '',
		"SET pg_session_jwt.jwk = ''" => $too_late,
		"SELECT set_config('pg_session_jwt.jwk', '', true)" => $too_late,
		'RESET pg_session_jwt.jwk' => $too_late,
		'SET pg_session_jwt.jwk TO DEFAULT' => $too_late,
		'DISCARD ALL' => '',
		'RESET ALL' => '',
		'SELECT auth.init()' => '',
		init_with($alice) => '',
		$user => 'alice',
		"SELECT current_setting('pg_session_jwt.jwk')" => $jwk);

	my @messages = session_ok(
		$node,
		"jwk by SET before the library is loaded: $who",
		{ user => $role },
		"SET pg_session_jwt.jwk = '$jwk'" => '',
		"SET request.jwt.claims = '$claims'" => '',
		$user => 'gateway',
		"SELECT current_setting('pg_session_jwt.jwk', true)" => qr/^(NULL)?$/,
		init_with($alice) =>
		  refused('02000', 'Missing runtime parameter: pg_session_jwt.jwk', hint => qr/./));
	is_deeply(
		[ map { "$_->{severity} $_->{message}" } grep { $_->{severity} eq 'WARNING' } @messages ],
		['WARNING parameter "pg_session_jwt.jwk" cannot be set after connection start'],
		'and the server says so');

	session_ok(
		$node,
		"jwk by SET LOCAL over that of the connection, before the library is loaded: $who",
		{ user => $role, jwk => $jwk },
		'BEGIN' => '',
		"SET LOCAL pg_session_jwt.jwk = ''" => '',
		'SAVEPOINT s' => '',
		"SET LOCAL pg_session_jwt.jwk = '{}'" => '',
		init_with($alice) => '',
		'ROLLBACK TO s' => '',
		init_with($alice) => '',
		'ROLLBACK' => '',
		"SELECT current_setting('pg_session_jwt.jwk')" => $jwk,
		init_with($alice) => '',
		$user => 'alice');

	session_ok(
		$node,
		"jwk by SET over that of the connection, before the library is loaded: $who",
		{ user => $role, jwk => $jwk },
		"SET pg_session_jwt.jwk = ''" => '',
		init_with($alice) => '',
		$user => 'alice');
}

# A value that a superuser stores in the catalog hides the key of the configuration file.
# The server refuses it when the library loads. The session then refuses every token.
my $mode = 'SELECT mode, status FROM auth.jwt_status()';
my $in_catalog = refused('55000', 'pg_session_jwt is misconfigured',
	detail => 'The value of pg_session_jwt.jwk that this connection began with was refused: '
	  . 'ALTER ROLE and ALTER DATABASE cannot set it. Take it away there with RESET, '
	  . 'and set it in postgresql.conf or when connecting.');
my @claims = ("SET request.jwt.claims = '$claims'" => '');
my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
$node->safe_psql('other', 'CREATE EXTENSION pg_session_jwt');
for my $file ('', "pg_session_jwt.jwk = '$jwk'\n")
{
	my $in_file = $file ? 'over that of the configuration file' : 'and nowhere else';
	$node->append_conf('postgresql.conf', $file);
	$node->restart;
	for (
		[ 'ALTER ROLE app_user', { user => 'app_user' } ],
		[ 'ALTER DATABASE other', { db => 'other' } ],
		[ 'ALTER ROLE app_user IN DATABASE other', { db => 'other', user => 'app_user' } ],
		[ 'ALTER ROLE ALL', { user => 'owner' } ])
	{
		my ($alter, $who) = @$_;
		for my $value ($jwk, '')
		{
			my $name = ($value ? 'jwk' : 'an empty jwk') . " by $alter, $in_file";
			$node->safe_psql('postgres', "$alter SET pg_session_jwt.jwk = '$value'");
			my @messages = session_ok(
				$node, $name, $who,
				@claims,
				$user => 'NULL',
				$mode => 'issuer|misconfigured',
				'SELECT auth.init()' => $in_catalog,
				init_with($alice) => $in_catalog,
				'RESET ALL' => '',
				'DISCARD ALL' => '',
				@claims,
				$user => 'NULL',
				"SET $force = on" => '',
				$user => 'NULL',
				"SET pg_session_jwt.jwt = '$alice'" => '',
				$user => { %$in_catalog, context => undef });
			ok((grep { $_->{severity} eq 'WARNING' && $_->{message} eq $too_late->{message} } @messages),
				'and the server says so');
			session_ok(
				$node,
				"$name: the key of the connection is over it",
				{ %$who, jwk => $jwk },
				@claims,
				$user => 'NULL',
				$mode => 'session key|none',
				init_with($alice) => '',
				"SET $force = on" => '',
				$user => 'alice');
		}
		$node->safe_psql('postgres', "$alter RESET pg_session_jwt.jwk");
		session_ok($node, "$alter RESET, $in_file", $who, @claims, $user => $file ? 'NULL' : 'gateway');
	}
}
session_ok(
	$node,
	'jwk by SET over that of the configuration file, before the library is loaded',
	{ user => 'app_user' },
	"SET pg_session_jwt.jwk = ''" => '',
	@claims,
	$user => 'NULL',
	init_with($alice) => '',
	$user => 'alice');
$node->adjust_conf('postgresql.conf', 'pg_session_jwt.jwk', undef);
$node->restart;

# An ordinary role cannot store a value, neither for itself nor as the owner of a database.
my $not_theirs = refused('42501', 'permission denied to set parameter "pg_session_jwt.jwk"');
for my $role ('app_user', 'owner')
{
	session_ok(
		$node,
		"no jwk by ALTER before the library is loaded: $role",
		{ db => 'owned', user => $role },
		"SET pg_session_jwt.jwk = '$jwk'" => '',
		"ALTER ROLE $role SET pg_session_jwt.jwk = ''" => $not_theirs,
		"ALTER ROLE $role SET pg_session_jwt.jwk FROM CURRENT" => $not_theirs,
		"ALTER ROLE $role IN DATABASE owned SET pg_session_jwt.jwk = ''" => $not_theirs,
		'ALTER DATABASE owned SET pg_session_jwt.jwk FROM CURRENT' =>
		  refused('42501', qr/^(permission denied to set parameter "pg_session_jwt\.jwk"|must be owner of database owned)$/),
		@claims,
		$user => 'gateway',
		$mode => 'claims|valid');
	session_ok(
		$node,
		'and the next session is not affected',
		{ db => 'owned', user => $role },
		@claims,
		$user => 'gateway',
		'SELECT count(*) FROM pg_db_role_setting' => '0');
}
session_ok(
	$node,
	'no jwk by ALTER ROLE with the library loaded',
	{},
	'SELECT auth.user_id()' => 'NULL',
	"ALTER ROLE app_user SET pg_session_jwt.jwk = ''" => $too_late);

# --- pg_session_jwt.jwt and request.jwt.claims: every role --------------------

session_ok(
	$node,
	'a token in the startup packet',
	{ user => 'app_user', jwk => $jwk, set => { 'pg_session_jwt.jwt' => $alice } },
	$user => 'alice',
	"SET pg_session_jwt.jwt = '$bob'" => '',
	$user => 'bob',
	# RESET restores the token of connection start, which the session accepted before.
	'RESET pg_session_jwt.jwt' => '',
	$user => 'alice');
session_ok(
	$node,
	'claims in the startup packet',
	{ user => 'app_user', set => { 'request.jwt.claims' => $claims } },
	$user => 'gateway');

# RESET in the transaction that loads the library.
for (
	[ 'pg_session_jwt.jwt', $alice, { jwk => $jwk } ],
	[ 'request.jwt.claims', '{"sub":"alice"}', {} ])
{
	my ($name, $value, $options) = @$_;
	for my $reset ("RESET $name", "SET LOCAL $name TO DEFAULT", 'RESET ALL')
	{
		session_ok(
			$node,
			"$reset before the library is loaded: $name",
			$options,
			"SET $name = '$value'" => '',
			'BEGIN' => '',
			$reset => '',
			$user => 'NULL',
			'ROLLBACK' => '',
			$user => 'alice');
	}
}

# Claims of the gateway have at most 1 MiB. The first value is that of a placeholder.
sub claims_of
{
	my ($size) = @_;
	return '{"sub":"large","pad":"' . 'x' x ($size - length '{"sub":"large","pad":""}') . '"}';
}
my $too_large = refused(
	'22023',
	'invalid value for parameter "request.jwt.claims"',
	detail => 'The limit is 1048576 bytes.');
my $mark = -s $node->logfile;
session_ok(
	$node,
	'claims of more than 1 MiB',
	{},
	"SET request.jwt.claims = '" . claims_of(1048577) . "'" => '',
	$user => 'NULL',
	'SELECT status, reason FROM auth.jwt_status()' =>
	  'none|request.jwt.claims is too large, or not JSON in the encoding of the database',
	"SET request.jwt.claims = '" . claims_of(1048576) . "'" => '',
	$user => 'large',
	"SET request.jwt.claims = '" . claims_of(1048577) . "'" => $too_large,
	"SELECT set_config('request.jwt.claims', repeat('x', 1048577), true)" => $too_large,
	$user => 'large');
cmp_ok((-s $node->logfile) - $mark, '<', 10000, 'and the log does not get them');

# A statement cannot take memory without limit by replacing identities: rows may point into each of them.
session_ok(
	$node,
	'a loop that replaces large claims',
	{},
	'CREATE PROCEDURE pg_temp.replace(n int, size int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. n LOOP
		PERFORM set_config($c$request.jwt.claims$c$, format($c${"sub":"%s","pad":[0%s]}$c$, i, repeat($c$,0$c$, size)), true);
		PERFORM auth.user_id(); END LOOP; END $$' => '',
	'CALL pg_temp.replace(10000, 0)' => '',
	'CALL pg_temp.replace(20, 500000)' => refused(
		'54000', 'too many identities in one transaction',
		detail => qr/^Those that were replaced take more than 64 MB/),
	$user => 'NULL',
	q(SELECT sum(total_bytes) < 16 * 1024 * 1024 FROM pg_backend_memory_contexts WHERE name LIKE 'pg_session_jwt%') => 't',
	'CALL pg_temp.replace(5, 500000)' => '');

# --- pg_session_jwt.audit_log: superusers ------------------------------------

my $denied = refused('42501', 'permission denied to set parameter "pg_session_jwt.audit_log"');
my @silent = (
	"SET request.jwt.claims = '$claims'" => '',
	$user => 'gateway',
	"SELECT coalesce(nullif(current_setting('pg_session_jwt.audit_log'), 'off'), '')" => '');
session_ok(
	$node,
	'audit_log by SET',
	{ user => 'app_user' },
	$user => 'NULL',
	'SET pg_session_jwt.audit_log = on' => $denied,
	"SELECT set_config('pg_session_jwt.audit_log', 'on', true)" => $denied,
	'ALTER ROLE app_user SET pg_session_jwt.audit_log = on' => $denied,
	@silent);
my @messages = session_ok(
	$node,
	'audit_log by SET before the library is loaded',
	{ user => 'app_user' },
	'SET pg_session_jwt.audit_log = on' => '',
	'ALTER ROLE app_user SET pg_session_jwt.audit_log = on' => $denied,
	@silent);
is_deeply(
	[ map { "$_->{severity} $_->{message}" } grep { $_->{severity} eq 'WARNING' } @messages ],
	['WARNING permission denied to set parameter "pg_session_jwt.audit_log"'],
	'and the server says so');
session_ok(
	$node,
	'audit_log by the owner of a database',
	{ db => 'owned', user => 'owner' },
	'ALTER DATABASE owned SET pg_session_jwt.audit_log = on' => $denied,
	$user => 'NULL',
	'ALTER DATABASE owned SET pg_session_jwt.audit_log = on' => $denied,
	'CREATE FUNCTION audited() RETURNS text LANGUAGE sql SET pg_session_jwt.audit_log = on'
	  . q( AS 'SELECT auth.user_id()') => $denied);

# Lines of the log since an offset that mention tokens or claims.
sub audit_lines
{
	my ($offset) = @_;
	return map { /LOG:  (.*)/ ? $1 : () }
	  grep { /JWT/ && !/FATAL|ERROR/ } split /\n/, slurp_file($node->logfile, $offset);
}

is_deeply([ audit_lines(0) ], [], 'the audit log is empty so far');

$mark = -s $node->logfile;
session_ok(
	$node,
	'audit_log on',
	{ jwk => $jwk, set => { 'pg_session_jwt.audit_log' => 'on' } },
	init_with($alice) => '',
	$user => 'alice',
	init_with($bob) => '',
	"SELECT auth.session()->>'sub'" => 'bob',
	init_with(sign('{"jti":3,"sub":"two\nlines","aud":"\"quoted\""}')) => '',
	init_with(sign('{"jti":4}')) => '',
	init_with($bob) =>
	  refused('23514', 'Token ID must be strictly monotonically increasing.'),
	"SELECT status FROM auth.jwt_status()" => 'valid',
	'SET pg_session_jwt.audit_log = off' => '',
	$user => 'NULL');
is_deeply(
	[ audit_lines($mark) ],
	[
		(map { "JWT issued for sub=$_ was successfully validated" }
			  ('"alice" and aud=""') x 2, ('"bob" and aud=["x", "y"]') x 2,
			'"two\nlines" and aud="\"quoted\""', ('"" and aud=""') x 2)
	],
	'a line for each verification and each read, that of auth.jwt_status() too');

# A claim cannot write a line of its own, or make a line look like another one: control characters (C0, DEL,
# C1), separators of lines, marks of direction, and characters that are not seen.
my $unseen = join '', map { sprintf '\u%04x', $_ }
  0x01, 0x1b, 0x7f, 0x80, 0x85, 0x9b, 0xad, 0x61c, 0x200b, 0x200e, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0xfeff,
  0xfff9, 0xffff, 0xdb40, 0xdc41;
my $seen = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
$mark = -s $node->logfile;
session_ok(
	$node,
	'claims that are not one visible line',
	{ jwk => $jwk, set => { 'pg_session_jwt.audit_log' => 'on' } },
	init_with(sign(qq({"jti":5,"sub":"a$unseen","aud":["$seen$unseen"]}))) => '');
is_deeply(
	[ audit_lines($mark) ],
	[qq(JWT issued for sub="a$unseen" and aud=["$seen$unseen"] was successfully validated)],
	'what is not shown is escaped');
for (
	[ 'LATIN1', "\xe9\x85\xad", '\xe9\x85\xad' ],
	[ 'SQL_ASCII', "$seen\xe2\x80\xa8\xe9\x85", $seen . '\u2028\xe9\x85' ])
{
	my ($encoding, $octets, $shown) = @$_;
	my $db = lc "audited_$encoding";
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding'");
	$node->safe_psql($db, 'CREATE EXTENSION pg_session_jwt');
	$mark = -s $node->logfile;
	session_ok(
		$node,
		"claims in $encoding",
		{ db => $db, encoding => $encoding, set => { 'pg_session_jwt.audit_log' => 'on' } },
		qq(SET request.jwt.claims = '{"sub":"$octets"}') => '',
		$user => $octets);
	is_deeply(
		[ audit_lines($mark) ],
		[qq(JWT claims from setting "request.jwt.claims": sub="$shown" and aud="")],
		"$encoding: octets whose meaning is not known are escaped");
}

$mark = -s $node->logfile;
session_ok(
	$node,
	'audit_log on, claims of the gateway',
	{},
	'SET pg_session_jwt.audit_log = on' => '',
	q(SET request.jwt.claims = '{"sub":"gateway","aud":"app"}') => '',
	$user => 'gateway',
	q(SET request.jwt.claims = '{"x":1}') => '',
	$user => 'NULL',
	'RESET request.jwt.claims' => '',
	'SELECT auth.session()' => 'null',
	"SET pg_session_jwt.audit_log = 'ON'" => '',
	$user => 'NULL');
is_deeply(
	[ audit_lines($mark) ],
	[
		'JWT claims from setting "request.jwt.claims": sub="gateway" and aud="app"',
		'JWT claims from setting "request.jwt.claims": sub="" and aud=""',
		'no JWT claims found in setting "request.jwt.claims"'
	],
	'a line for each read');

$node->safe_psql('postgres', 'ALTER ROLE app_user SET pg_session_jwt.audit_log = on');
$mark = -s $node->logfile;
session_ok($node, 'a superuser audits a role', { user => 'app_user' }, $user => 'NULL');
is_deeply([ audit_lines($mark) ],
	['no JWT claims found in setting "request.jwt.claims"'], 'by ALTER ROLE');

# A value that an ordinary role sends in the startup packet replaces the stored value and
# is then refused. It must not turn the audit log off.
foreach my $value (qw(off on))
{
	$mark = -s $node->logfile;
	session_ok(
		$node,
		"audit_log = $value in the startup packet of an audited role",
		{ user => 'app_user', set => { 'pg_session_jwt.audit_log' => $value } },
		$user => 'NULL',
		'SET pg_session_jwt.audit_log = off' => $denied,
		'RESET pg_session_jwt.audit_log' => $denied,
		'RESET ALL' => '',
		$user => 'NULL');
	is_deeply([ audit_lines($mark) ],
		[ ('no JWT claims found in setting "request.jwt.claims"') x 2 ], 'is audited all the same');
}
$node->safe_psql('postgres', 'ALTER ROLE app_user RESET ALL');

# --- reserved names ----------------------------------------------------------

session_ok(
	$node,
	'what is not a setting of ours cannot look like one',
	{},
	$user => 'NULL',
	# 14 reserves no names.
	'SET pg_session_jwt.jkw = 1' => $node->pg_version < 15
	? ''
	: refused('42602', 'invalid configuration parameter name "pg_session_jwt.jkw"'),
	'SET request.headers = 1' => '',
	'SELECT current_setting($$request.headers$$)' => '1');
session_ok(
	$node,
	'the settings are described, and none is required to be loaded first',
	{ user => 'app_user' },
	"LOAD 'pg_session_jwt'" => refused('42501', qr/^access to library "pg_session_jwt" is not allowed$/),
	$user => 'NULL',
	q(SELECT string_agg(concat_ws(' ', name, context, vartype), ', ' ORDER BY name) FROM pg_settings
	  WHERE name IN ('pg_session_jwt.jwk', 'pg_session_jwt.jwt', 'pg_session_jwt.audit_log', 'request.jwt.claims')
	    AND short_desc <> '') =>
	  'pg_session_jwt.audit_log superuser string, pg_session_jwt.jwk backend string, '
	  . 'pg_session_jwt.jwt user string, request.jwt.claims user string',
	# The description must say that the key verifies: a public key does not sign.
	q(SELECT short_desc FROM pg_settings WHERE name = 'pg_session_jwt.jwk') =>
	  q(The public key that verifies this session's tokens, as a JWK.));

# --- the configuration file, and the library loaded at server start -----------------------

# Debian's extension_destdir, which stands in before 18, prepends to absolute paths only.
my $library = $node->pg_version < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
$node->append_conf('postgresql.conf', <<END);
shared_preload_libraries = '$library'
pg_session_jwt.jwk = '$jwk'
END
$node->safe_psql('postgres', "ALTER DATABASE other SET pg_session_jwt.jwk = '{}'");
$node->restart;
session_ok(
	$node,
	'a key in the catalog hides none that was set with the library loaded',
	{ db => 'other' },
	@claims,
	"SELECT current_setting('pg_session_jwt.jwk')" => $jwk,
	$user => 'NULL',
	init_with($alice) => '',
	$user => 'alice');
$node->safe_psql('postgres', 'ALTER DATABASE other RESET ALL');
session_ok(
	$node,
	'a key for every session, from the configuration file',
	{ user => 'app_user' },
	"SET request.jwt.claims = '$claims'" => '',
	$user => 'NULL',
	init_with($alice) => '',
	$user => 'alice');
session_ok(
	$node,
	"a client's key at connection start is over it",
	{ user => 'app_user', jwk => public_jwk(undef, kid => 'mine') },
	init_with($alice) => '',
	"SELECT current_setting('pg_session_jwt.jwk')::jsonb->>'kid'" => 'mine');

my $late = sign(sprintf '{"jti":1,"sub":"late","exp":%d}', time - 600);
session_ok(
	$node,
	"a superuser's leeway is that of a session with a key of its own, at once",
	{ jwk => $jwk },
	init_with($late) => refused('23514', 'Token used after it has expired'),
	'SET pg_session_jwt.leeway = 3600' => '',
	init_with($late) => '',
	$user => 'late');
session_ok(
	$node,
	'a token that is never read is not accepted, and a token with a lower jti may follow',
	{ jwk => $jwk },
	"SET pg_session_jwt.jwt = '$bob'" => '',
	'SELECT 1' => '1',
	"SET $force = on" => '',
	"EXPLAIN $user" => qr/Single Copy/,
	init_with($alice) => '',
	$user => 'alice',
	init_with($bob) => '');

# --- security-restricted operations ----------------------------------------------

session_ok(
	$node,
	'not in a security-restricted operation',
	{},
	$user => 'NULL',
	'CREATE FUNCTION sets(name text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS '
	  . q($$ BEGIN RETURN set_config(name, 'on', false); END $$) => '',
	map {
		(
			"CREATE TABLE named AS SELECT '$_'::text AS name" => '',
			'CREATE INDEX ON named (sets(name))' =>
			  refused('42501', qq(cannot set parameter "$_" within security-restricted operation)),
			'DROP TABLE named' => '')
	} 'request.jwt.claims', map { "pg_session_jwt.$_" }
	  qw(jwt audit_log jwks jwks_file jwks_files issuers_file issuer audience algorithms leeway required_claims token_types mode));

# --- the log ------------------------------------------------------------------------

$mark = -s $node->logfile;
session_ok(
	$node,
	'errors that are none of a token',
	{ jwk => $jwk },
	'CREATE TABLE checked (n int CHECK (n > 0))' => '',
	'CREATE FUNCTION fails() RETURNS int PARALLEL SAFE LANGUAGE plpgsql AS $$ BEGIN RAISE check_violation; END $$' => '',
	"SET $force = on" => '',
	'SELECT fails()' => refused('23514', 'check_violation'),
	"SET $force = off" => '',
	init_with($alice) => '',
	'INSERT INTO checked VALUES (-1)' => refused('23514', qr/violates check constraint/));
# The worker reports the error, and the leader repeats it.
is_deeply(
	[ slurp_file($node->logfile, $mark) =~ /STATEMENT:  (.*);/g ],
	[ ('SELECT fails()') x 2, 'INSERT INTO checked VALUES (-1)' ],
	'are logged with their statements');

is_deeply([ logged_pieces($node, $alice, $bob) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
