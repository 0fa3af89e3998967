# SPDX-License-Identifier: Apache-2.0
# Issuer mode: only a superuser decides which issuers the server trusts. The tests try to
# set each setting in each way that an ordinary role has.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('issuer_settings');
my $data = $node->data_dir;
my $alg = session_alg();
my $user = 'SELECT auth.user_id()';
my $claims = q(SET request.jwt.claims = '{"sub":"mallory"}');

my $key = new_key('ours');
my $evil_key = new_key('theirs');
put_file("$data/jwks.json", key_set($key));
put_file("$data/evil.json", key_set($evil_key));
put_file("$data/evil_issuers.json",
	qq({"issuers":[{"issuer":"$ISSUER","jwks_file":"evil.json"}]}));

my $alice = token_for($key, 'alice');
my $evil = token_for($evil_key, 'mallory');
my $endless = sign(qq({"iss":"$ISSUER","aud":"$AUDIENCE","sub":"mallory"}), jwk => $key,
	header => qq({"alg":"$alg","kid":"ours"}));
# Each of these tokens is accepted only if a setting differs from the superuser's value.
my @bad = (
	[ $evil, 'no key for this JWT' ],
	[ token_for($key, 'mallory', iss => 'https://evil.example.com'), 'JWT issuer refused' ],
	[ token_for($key, 'mallory', aud => 'evil'), 'JWT audience refused' ],
	[ token_for($key, 'mallory', exp => time - 100), 'Token used after it has expired' ],
	[ $endless, 'JWT lacks a required claim' ]);

# The value that an attacker wants for each setting.
my %attack = (
	jwks => key_set($evil_key),
	jwks_file => 'evil.json',
	jwks_files => 'evil.json',
	issuers_file => 'evil_issuers.json',
	issuer => 'https://evil.example.com',
	audience => 'evil',
	algorithms => 'HS256',
	leeway => '3600',
	required_claims => 'sub',
	claims => '{"sub": "mallory"}',
	max_lifetime => '2000000000',
	token_types => 'evil',
	mode => 'claims',
	jwks_url => 'https://evil.example.com/',
	discovery => 'on',
	stale_grace => '-1',
	revoked_file => 'evil.json');

$node->safe_psql('postgres', <<END . trust('pinned'));
CREATE ROLE app_user LOGIN;
CREATE ROLE owner LOGIN;
CREATE DATABASE pinned OWNER owner;
CREATE DATABASE closed OWNER owner;
CREATE DATABASE plain;
ALTER DATABASE closed SET pg_session_jwt.mode = none;
END
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(pinned closed plain);

# This must hold after each attempt: alice's token is accepted, mallory's is not.
my @unharmed = (
	init_with($alice) => '',
	$user => 'alice',
	(map { (init_with($_->[0]) => refused('23514', $_->[1])) } @bad),
	$user => 'alice',
	"SET pg_session_jwt.jwt = ''" => '',
	$claims => '',
	$user => 'NULL',
	'SELECT mode, status FROM auth.jwt_status()' => 'issuer|none',
	'RESET request.jwt.claims' => '');
my @closed = (
	$claims => '',
	$user => 'NULL',
	'SELECT mode, status FROM auth.jwt_status()' => 'none|none',
	init_with($evil) => refused('55000', 'JWT is not accepted in this mode', detail => 'pg_session_jwt.mode is "none".'),
	'RESET request.jwt.claims' => '');

# --- each setting in each way -------------------------------------------------

for my $db ([ 'pinned', \@unharmed ], [ 'closed', \@closed ])
{
	my ($dbname, $probe) = @$db;
	for my $short (sort keys %attack)
	{
		my $name = "pg_session_jwt.$short";
		my $value = "'$attack{$short}'";
		my $denied = refused('42501', qq(permission denied to set parameter "$name"));
		my @mine = (db => $dbname, user => 'app_user');
		my @owns = (db => $dbname, user => 'owner');

		my @always_denied = (
			"ALTER ROLE CURRENT_USER SET $name = $value" => $denied,
			"ALTER ROLE CURRENT_USER IN DATABASE $dbname SET $name = $value" => $denied,
			"ALTER DATABASE $dbname SET $name = $value" => $denied,
			"CREATE FUNCTION attack() RETURNS text LANGUAGE sql SET $name = $value AS 'SELECT auth.user_id()'" => $denied);

		session_ok(
			$node,
			"$dbname: $short, the library loaded",
			{@owns},
			$user => 'NULL',
			"SET $name = $value" => $denied,
			"SET $name TO DEFAULT" => $denied,
			"RESET $name" => $denied,
			"SELECT set_config('$name', $value, false)" => $denied,
			"SELECT set_config('$name', $value, true)" => $denied,
			'BEGIN' => '',
			"SET LOCAL $name = $value" => $denied,
			'ROLLBACK' => '',
			@always_denied,
			@$probe,
			'RESET ALL' => '',
			@$probe,
			'DISCARD ALL' => '',
			@$probe);

		session_ok($node, "$dbname: $short, in the catalog before the library is loaded",
			{@owns}, @always_denied, @$probe);

		my @messages = session_ok(
			$node,
			"$dbname: $short, by SET before the library is loaded",
			{@mine},
			"SET $name = $value" => '',
			@$probe);
		ok((grep { $_->{severity} eq 'WARNING' && $_->{message} eq $denied->{message} } @messages),
			'and the server says so');

		session_ok(
			$node,
			"$dbname: $short, by SET LOCAL and set_config before the library is loaded",
			{@mine},
			'BEGIN' => '',
			"SET LOCAL $name = $value" => '',
			"SELECT set_config('$name', $value, true) IS NULL" => 'f',
			$claims => '',
			$user => 'NULL',
			'COMMIT' => '',
			@$probe);

		session_ok(
			$node,
			"$dbname: $short, RESET before the library is loaded",
			{@mine},
			"SET $name = $value" => '',
			"RESET $name" => '',
			'RESET ALL' => '',
			@$probe);

		# The value of the startup packet hides the value of the superuser until the
		# library loads: such a session accepts no token.
		my $locked_out = refused('55000', 'pg_session_jwt is misconfigured',
			detail => "The value of $name that this connection began with was refused.");
		for my $started ($attack{$short}, '')
		{
			session_ok(
				$node,
				"$dbname: $short, in the startup packet: '" . substr($started, 0, 10) . "'",
				{ @mine, set => { $name => $started } },
				$user => 'NULL',
				$claims => '',
				$user => 'NULL',
				'SELECT mode, status FROM auth.jwt_status()' => 'issuer|misconfigured',
				(map { (init_with($_) => $locked_out) } $alice, map { $_->[0] } @bad),
				'RESET ALL' => '',
				"RESET $name" => $denied,
				'DISCARD ALL' => '',
				$claims => '',
				$user => 'NULL',
				init_with($evil) => $locked_out);
		}
	}
}

# A parallel worker does not get the startup packet.
my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
session_ok(
	$node,
	'nor is the identity found in a parallel worker',
	{ db => 'closed', user => 'app_user', set => { 'pg_session_jwt.mode' => 'claims' } },
	$user => 'NULL',
	$claims => '',
	"SET $force = on" => '',
	$user => 'NULL',
	"SET pg_session_jwt.jwt = '$evil' \\; $user" => refused('55000', 'pg_session_jwt is misconfigured'));

# --- a client's own key --------------------------------------------------------

my $pinned = refused('42501', "pg_session_jwt.jwk is not accepted: this server's keys are pinned",
	hint => 'Connect without pg_session_jwt.jwk.');
my $token_as_key = 'pg_session_jwt.jwk has what looks like a token. '
  . 'A token belongs in pg_session_jwt.jwt, and the public key that verifies it here.';
session_ok(
	$node,
	"a client's own key is an error, with a token and without",
	{ db => 'pinned', user => 'app_user', jwk => public_jwk() },
	(map { ("SELECT $_" => $pinned) }
		'auth.init()', 'auth.user_id()', 'auth.uid()', 'auth.session()', 'auth.jwt()',
		'auth.organization()', 'auth.organization_id()', "auth.claim('sub')", 'auth.role()',
		'auth.email()', "auth.has_scope('a')", "auth.has_role('a')"),
	init_with($alice) => $pinned,
	init_with(sign('{"jti":1,"sub":"mallory"}')) => $pinned,
	"SELECT mode, status, reason LIKE 'pg_session_jwt.jwk is not accepted:%' FROM auth.jwt_status()" =>
	  'issuer|misconfigured|t',
	"SET $force = on" => '',
	"SET pg_session_jwt.jwt = '$alice' \\; $user" => $pinned);
session_ok(
	$node,
	'a token in its place gets a hint',
	{ db => 'pinned', user => 'app_user', jwk => $alice },
	$user => { %$pinned, hint => $token_as_key });
session_ok(
	$node,
	'also in session key mode',
	{ db => 'plain', user => 'app_user', jwk => $alice },
	'SELECT auth.init()' => refused('42804', 'pg_session_jwt.jwk is not a usable public key',
		hint => $token_as_key),
	'SELECT mode, status, reason FROM auth.jwt_status()' =>
	  "session key|misconfigured|pg_session_jwt.jwk is not a usable public key: not strict JSON. Hint: $token_as_key");

# --- superusers ----------------------------------------------------------------

my $jwks = key_set($key);
session_ok(
	$node,
	'a superuser sets them in a session, and they take effect at once',
	{ db => 'plain' },
	"SET pg_session_jwt.jwks = '$jwks'" => '',
	$claims => '',
	$user => 'NULL',
	init_with($alice) => '',
	init_with($evil) => refused('23514', 'no key for this JWT'),
	"SET pg_session_jwt.jwks = '" . key_set($evil_key) . q(') => '',
	$user => refused('23514', 'no key for this JWT'),
	init_with($evil) => '',
	$user => 'mallory',
	"SET pg_session_jwt.issuer = 'https://evil.example.com'" => '',
	$user => refused('23514', 'JWT issuer refused'),
	'SELECT status FROM auth.jwt_status()' => 'refused',
	'RESET pg_session_jwt.jwks' => '',
	# The claims of the session again, with mallory's identity.
	$user => 'mallory',
	'SET pg_session_jwt.mode = none' => '',
	$user => 'NULL',
	'RESET pg_session_jwt.mode' => '',
	$user => 'mallory');
session_ok(
	$node,
	'RESET ALL by an ordinary role in the same session does not change them',
	{ db => 'plain' },
	"SET pg_session_jwt.jwks = '$jwks'" => '',
	$user => 'NULL',
	'SET SESSION AUTHORIZATION app_user' => '',
	'RESET ALL' => '',
	$claims => '',
	$user => 'NULL',
	init_with($alice) => '',
	$user => 'alice');

my %refused_value = (
	jwks => [ '{"keys":[]}', '{"keys":[', 'secret', $jwks . 'x' ],
	algorithms => [ 'none', 'RS256,', 'secret', 'rs256' ],
	audience => [ 'secret,', '"secret', ',', ' ', "\t\n" ],
	required_claims => [ 'secret,', '"secret', ' ' ],
	token_types => [ 'secret,,secret', ' ' ]);
for my $short (sort keys %refused_value)
{
	my $refused = refused('22023', qq(invalid value for parameter "pg_session_jwt.$short"));
	my @messages = session_ok(
		$node,
		"$short: what does not parse is refused when it is set",
		{ db => 'plain' },
		$user => 'NULL',
		(map {
			("SET pg_session_jwt.$short = '$_'" => $refused,
				"SELECT set_config('pg_session_jwt.$short', '$_', true)" => $refused,
				"ALTER DATABASE plain SET pg_session_jwt.$short = '$_'" => $refused,
				"ALTER SYSTEM SET pg_session_jwt.$short = '$_'" => $refused)
		} @{ $refused_value{$short} }),
		"SELECT setting = boot_val FROM pg_settings WHERE name = 'pg_session_jwt.$short'" => 't');
	is(scalar(grep { show_all($_) =~ /secret/ } @messages), 0, 'and is not shown');
	is(scalar(grep { /SET pg_session_jwt\.$short = .*secret/ && !/SYSTEM/ } split /\n/, slurp_file($node->logfile)),
		0, 'nor logged');
}

sub show_all { return join ' ', map { $_[0]{$_} // '' } qw(message detail hint context) }

# The position is that of the wrong name, or of the end if a name is missing.
for ([ 'none', 0 ], [ 'RS256,none', 6 ], [ 'RS256, HS-256, ES256', 7 ], [ 'RS256,', 6 ])
{
	my ($value, $position) = @$_;
	my $refused = refused('22023', 'invalid value for parameter "pg_session_jwt.algorithms"',
		detail => "What this list has at byte $position is not the name of an algorithm that is known.",
		hint => 'auth.jwt_algorithms() tells the names. "none" is not one of them.');
	session_ok($node, "algorithms = '$value': the detail is about the setting", { db => 'plain' },
		$user => 'NULL', "SET pg_session_jwt.algorithms = '$value'" => $refused);
}
session_ok(
	$node,
	'a token in the place of keys gets a hint',
	{ db => 'plain' },
	$user => 'NULL',
	"SET pg_session_jwt.jwks = '$alice'" => refused('22023', 'invalid value for parameter "pg_session_jwt.jwks"',
		hint => 'This looks like a token. It belongs in pg_session_jwt.jwt.'));

# A value set before the library loads has not been checked.
for (
	[ jwks => '{"keys":[]}', 'no usable keys', 'pg_session_jwt.jwks: no usable key in the set' ],
	[ algorithms => 'none', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.algorithms has a name that is not one of an algorithm.' ],
	[ audience => 'a,', 'pg_session_jwt is misconfigured', 'The value of pg_session_jwt.audience is not a list.' ],
	[ required_claims => 'a,', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.required_claims is not a list.' ],
	[ token_types => 'a,', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.token_types is not a list.' ],
	[ jwks_files => 'a,', 'pg_session_jwt is misconfigured', 'The value of pg_session_jwt.jwks_files is not a list.' ],
	[ audience => ' ', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.audience is a list with no item.' ],
	[ required_claims => ' ', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.required_claims is a list with no item.' ],
	[ token_types => ' ', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.token_types is a list with no item.' ],
	[ leeway => 'a while', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.leeway that this connection began with was refused.' ],
	[ mode => 'never', 'pg_session_jwt is misconfigured',
		'The value of pg_session_jwt.mode that this connection began with was refused.' ])
{
	my ($short, $value, $message, $detail) = @$_;
	$node->safe_psql('plain', "ALTER DATABASE plain SET pg_session_jwt.$short = '$value'");
	$node->safe_psql('plain', "ALTER DATABASE plain SET pg_session_jwt.jwks_file = 'jwks.json'")
	  if $short ne 'jwks';
	my $refused = refused('55000', $message, detail => $detail);
	session_ok(
		$node,
		"$short in the catalog does not parse: every token is refused",
		{ db => 'plain', user => 'app_user' },
		$claims => '',
		$user => 'NULL',
		'SELECT auth.init()' => $refused,
		init_with($alice) => $refused,
		'SELECT mode, status FROM auth.jwt_status()' => 'issuer|misconfigured');
	$node->safe_psql('plain', 'ALTER DATABASE plain RESET ALL');
}

session_ok(
	$node,
	'nor does a parallel worker look at it',
	{ db => 'plain' },
	"SET pg_session_jwt.audience = 'a,'" => '',
	$user => 'NULL',
	"SET $force = on" => '',
	$user => 'NULL');

put_file("$data/issuers.json", qq({"issuers":[{"issuer":"$ISSUER","jwks_file":"jwks.json"}]}));
for (
	[ [qw(jwks issuers_file)], qr/^pg_session_jwt\.issuers_file is set beside / ],
	[ [qw(jwks_file issuers_file)], qr/^pg_session_jwt\.issuers_file is set beside / ],
	[ [qw(jwks_files issuers_file)], qr/^pg_session_jwt\.issuers_file is set beside / ],
	[ [qw(issuer issuers_file)], qr/^pg_session_jwt\.issuer is set beside / ])
{
	my ($both, $detail) = @$_;
	my %value = (jwks => $jwks, jwks_file => 'jwks.json', jwks_files => 'jwks.json', issuers_file => 'issuers.json', issuer => $ISSUER);
	session_ok(
		$node,
		"@$both contradict each other",
		{ db => 'plain' },
		$user => 'NULL',
		(map { ("SET pg_session_jwt.$_ = '$value{$_}'" => '') } @$both),
		init_with($alice) => refused('55000', 'pg_session_jwt is misconfigured', detail => $detail),
		"SET pg_session_jwt.$both->[0] = ''" => '',
		init_with($alice) => '',
		$user => 'alice');
}

session_ok(
	$node,
	'lists are lists',
	{ db => 'plain' },
	$user => 'NULL',
	map { ("SET pg_session_jwt.$_->[0] = $_->[1]" => '', "SHOW pg_session_jwt.$_->[0]" => $_->[2]) }
	  [ audience => "a, 'b'", 'a, b' ],
	[ algorithms => "'RS256', 'ES256'", 'RS256, ES256' ],
	[ required_claims => 'exp, sub', 'exp, sub' ],
	[ token_types => "'at+jwt', x", 'at+jwt, x' ]);
session_ok(
	$node,
	'the leeway is an hour at most',
	{ db => 'plain' },
	$user => 'NULL',
	'SHOW pg_session_jwt.leeway' => '1min',
	'SET pg_session_jwt.leeway = 3600' => '',
	'SET pg_session_jwt.leeway = 3601' => refused('22023', qr/outside the valid range/));
session_ok(
	$node,
	'the error for unusable keys is raised at SET',
	{ db => 'plain' },
	$user => 'NULL',
	q(SET pg_session_jwt.jwks = '{"keys":[]}') => refused('22023', 'invalid value for parameter "pg_session_jwt.jwks"',
		detail => 'no usable key in the set: the set is empty.'),
	q(SET pg_session_jwt.jwks = '{"keys":[') => refused('22023', 'invalid value for parameter "pg_session_jwt.jwks"',
		detail => 'not strict JSON, at byte 9.'));
session_ok(
	$node,
	'thousands of keys, files and documents, one after the other, leave nothing behind',
	{ db => 'plain' },
	q(DO $$
		DECLARE keys text := ') . $jwks . q(';
		BEGIN
			FOR i IN 1..3000 LOOP
				PERFORM set_config('pg_session_jwt.jwks', CASE i % 3 WHEN 0 THEN keys ELSE '' END, false),
					set_config('pg_session_jwt.jwks_file', CASE i % 3 WHEN 1 THEN 'jwks.json' ELSE '' END, false),
					set_config('pg_session_jwt.issuers_file', CASE i % 3 WHEN 2 THEN 'issuers.json' ELSE '' END, false);
				PERFORM auth.init();
			END LOOP;
		END $$) => '',
	q(SELECT sum(total_bytes) BETWEEN 1 AND 65536 FROM pg_backend_memory_contexts WHERE name LIKE 'pg\_session\_jwt%') => 't');

# --- who can read the keys ------------------------------------------------------

$node->safe_psql('plain', "ALTER DATABASE plain SET pg_session_jwt.jwks = '$jwks'");
session_ok(
	$node,
	'keys are hidden from ordinary roles',
	{ db => 'plain', user => 'app_user' },
	$user => 'NULL',
	'SHOW pg_session_jwt.jwks' => refused('42501', qr/examine "pg_session_jwt\.jwks"/),
	"SELECT current_setting('pg_session_jwt.jwks')" => refused('42501', qr/examine "pg_session_jwt\.jwks"/),
	"SELECT count(*) FROM pg_settings WHERE name = 'pg_session_jwt.jwks'" => '0',
	init_with($alice) => '',
	"SET $force = on" => '',
	$user => 'alice');
session_ok($node, 'not from superusers', { db => 'plain' }, $user => 'NULL', 'SHOW pg_session_jwt.jwks' => $jwks);
$node->safe_psql('plain', 'ALTER DATABASE plain RESET ALL');

session_ok(
	$node,
	'the settings are described',
	{ db => 'plain' },
	$user => 'NULL',
	q(SELECT count(*), bool_and(short_desc <> ''), min(context), max(context) FROM pg_settings
	  WHERE name LIKE 'pg\_session\_jwt.%' AND name NOT IN
		('pg_session_jwt.jwk', 'pg_session_jwt.jwt', 'pg_session_jwt.audit_log', 'pg_session_jwt.parallel_state',
		'pg_session_jwt.cache_size', 'pg_session_jwt.seal', 'pg_session_jwt.require_identity',
		'pg_session_jwt.unknown_kid_wait',
		'pg_session_jwt.shared_cache', 'pg_session_jwt.shared_cache_size') AND context <> 'sighup') =>
	  scalar(keys %attack) . '|t|superuser|superuser');

# --- the configuration file, and the library loaded later ------------------------

$node->append_conf('postgresql.conf', "pg_session_jwt.jwks_file = 'evil.json'\n");
$node->restart;
session_ok($node, 'a key file in the configuration file', { db => 'plain', user => 'app_user' },
	init_with($evil) => '', $user => 'mallory');
my $reloaded = -s $node->logfile;
$node->append_conf('postgresql.conf', "pg_session_jwt.jwks_file = 'jwks.json'\n");
$node->reload;
$node->wait_for_log(qr/reloading configuration files/, $reloaded);
session_ok(
	$node,
	'and in one that is read again',
	{ db => 'plain', user => 'app_user' },
	$claims => '',
	init_with($alice) => '',
	$user => 'alice',
	init_with($evil) => refused('23514', 'no key for this JWT'));
$node->adjust_conf('postgresql.conf', 'pg_session_jwt.jwks_file', undef);
$node->restart;

# --- the library loaded when the server starts ------------------------------------

my $library = $node->pg_version < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
$node->append_conf('postgresql.conf', <<END);
shared_preload_libraries = '$library'
pg_session_jwt.jwks = '$jwks'
pg_session_jwt.issuer = '$ISSUER'
pg_session_jwt.audience = '$AUDIENCE, "another, one"'
END
$node->safe_psql('postgres', 'ALTER DATABASE pinned RESET ALL; ALTER DATABASE closed RESET ALL');
$node->restart;
session_ok($node, 'keys for every database, from the configuration file',
	{ db => 'pinned', user => 'app_user' }, $user => 'NULL', @unharmed);
session_ok(
	$node,
	'a list with a comma in an item',
	{ db => 'plain', user => 'app_user' },
	init_with(token_for($key, 'alice', aud => [ 'a', 'another, one' ])) => '',
	$user => 'alice');
for my $short (sort keys %attack)
{
	my ($status, $out, $err);
	{
		local $ENV{PGOPTIONS} = "-c pg_session_jwt.$short=" . ($attack{$short} =~ s/([\\\s])/\\$1/gr);
		($status, $out, $err) = $node->psql('plain', undef, extra_params => [ '-U', 'app_user' ]);
	}
	ok($status != 0 && $err =~ /FATAL:  permission denied to set parameter "pg_session_jwt\.$short"/,
		"$short in the startup packet: no connection");
}

# A reload ignores a value that does not parse.
my $mark = -s $node->logfile;
$node->append_conf('postgresql.conf', "pg_session_jwt.audience = 'evil,'\n");
$node->reload;
ok($node->wait_for_log(qr/invalid value for parameter "pg_session_jwt\.audience"/, $mark), 'what does not parse is logged');
session_ok($node, 'and the previous settings stay', { db => 'pinned', user => 'app_user' }, $user => 'NULL', @unharmed);
# If the server starts with such a value, it refuses every token.
$node->restart;
session_ok(
	$node,
	'if the server starts with it, every token is refused',
	{ db => 'pinned', user => 'app_user' },
	$claims => '',
	$user => 'NULL',
	init_with($alice) => refused('55000', 'pg_session_jwt is misconfigured',
		detail => 'The value of pg_session_jwt.audience is not a list.'));

is_deeply([ logged_pieces($node, $alice, $evil) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
