# SPDX-License-Identifier: Apache-2.0
# pg_session_jwt.mode: in a pinned mode, what the mode lacks is an error or no identity, and
# never another mode.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('mode');
my $key = new_key('ours');
my $jwks = key_set($key);
my $token = token_for($key, 'alice');
my $own_key = public_jwk();
my $own_token = sign('{"jti":1,"sub":"mallory"}');
my $claims = q(SET request.jwt.claims = '{"sub":"mallory"}');
my $user = 'SELECT auth.user_id()';
my $status = 'SELECT mode, status FROM auth.jwt_status()';
my $reason = 'SELECT reason FROM auth.jwt_status()';
put_file($node->data_dir . '/jwks.json', $jwks);

my $missing = refused('02000', 'Missing runtime parameter: pg_session_jwt.jwk');
my $no_keys = refused('55000', 'no usable keys',
	detail => 'pg_session_jwt.mode is "issuer", and none of pg_session_jwt.jwks, '
	  . 'pg_session_jwt.jwks_file, pg_session_jwt.jwks_files, pg_session_jwt.jwks_url, pg_session_jwt.discovery and pg_session_jwt.issuers_file is set.');
my $keys_pinned = refused('42501', "pg_session_jwt.jwk is not accepted: this server's keys are pinned",
	hint => 'Connect without pg_session_jwt.jwk.');
my $jwk_refused = refused('42501', 'pg_session_jwt.jwk is not accepted in this mode',
	detail => 'pg_session_jwt.mode is "claims".', hint => 'Connect without pg_session_jwt.jwk.');

sub no_token
{
	return refused('55000', 'JWT is not accepted in this mode', detail => qq(pg_session_jwt.mode is "$_[0]".));
}

sub unused_keys
{
	return refused('55000', 'pinned keys are not used in this mode', detail => qq(pg_session_jwt.mode is "$_[0]".),
		hint => 'Set pg_session_jwt.mode to issuer, or unset the keys.');
}

for my $mode (qw(auto issuer session_key claims none))
{
	$node->safe_psql('postgres', "CREATE DATABASE $mode");
	$node->safe_psql($mode, "CREATE EXTENSION pg_session_jwt");
	$node->safe_psql($mode, "ALTER DATABASE $mode SET pg_session_jwt.mode = '$mode'");
}
$node->safe_psql('postgres', 'CREATE ROLE app_user LOGIN');

# --- nothing is configured but the mode, and the client brings what it likes -------------------

session_ok($node, 'issuer: nothing but a token counts, and each is refused', { db => 'issuer', user => 'app_user' },
	$claims => '',
	$user => 'NULL',
	$status => 'issuer|misconfigured',
	$reason => qr/^no usable keys: pg_session_jwt\.mode is "issuer", and none of /,
	'SELECT auth.init()' => $no_keys,
	init_with($token) => $no_keys,
	init_with($own_token) => $no_keys,
	"SET pg_session_jwt.jwt = '$token'" => '',
	$user => $no_keys);
session_ok($node, "issuer: a client's own key is refused", { db => 'issuer', user => 'app_user', jwk => $own_key },
	$user => $keys_pinned,
	init_with($own_token) => $keys_pinned,
	'SELECT auth.init()' => $keys_pinned,
	$status => 'issuer|misconfigured');
session_ok($node, 'session_key: without a key each token is refused, and claims are not read',
	{ db => 'session_key', user => 'app_user' },
	$claims => '',
	$user => 'NULL',
	'SELECT auth.session()' => 'null',
	$status => 'session key|misconfigured',
	'SELECT auth.init()' => $missing,
	init_with($own_token) => $missing,
	"SET pg_session_jwt.jwt = '$own_token'" => '',
	$user => $missing);
session_ok($node, 'session_key: with a key', { db => 'session_key', user => 'app_user', jwk => $own_key },
	$claims => '',
	$user => 'NULL',
	$status => 'session key|none',
	init_with($own_token) => '',
	$user => 'mallory');
session_ok($node, 'claims: a token is refused', { db => 'claims', user => 'app_user' },
	$user => 'NULL',
	$status => 'claims|none',
	$claims => '',
	$user => 'mallory',
	'SELECT auth.init()' => no_token('claims'),
	init_with($own_token) => no_token('claims'),
	'SET request.jwt.claims = 1' => '',
	q(SET request.jwt.claims = '') => '',
	"SET pg_session_jwt.jwt = '$own_token'" => '',
	$user => 'NULL',
	$reason => 'pg_session_jwt.mode is claims: no token is accepted');
session_ok($node, "claims: a client's own key is refused, and its claims with it",
	{ db => 'claims', user => 'app_user', jwk => $own_key },
	$claims => '',
	$user => $jwk_refused,
	'SELECT auth.init()' => $jwk_refused,
	init_with($own_token) => $jwk_refused,
	$status => 'claims|misconfigured');
session_ok($node, 'none: there is no identity, whatever the client brings',
	{ db => 'none', user => 'app_user', jwk => $own_key },
	$claims => '',
	$user => 'NULL',
	'SELECT auth.session()' => 'null',
	$status => 'none|none',
	'SELECT auth.init()' => no_token('none'),
	init_with($own_token) => no_token('none'),
	"SET pg_session_jwt.jwt = '$own_token'" => '',
	$user => 'NULL',
	$reason => 'pg_session_jwt.mode is none: no identity is accepted');
session_ok($node, 'auto: the order of the original', { db => 'auto', user => 'app_user' },
	$claims => '', $user => 'mallory', $status => 'claims|valid', init_with($own_token) => $missing);
session_ok($node, 'auto, with a key', { db => 'auto', user => 'app_user', jwk => $own_key },
	$claims => '', $user => 'NULL', init_with($own_token) => '', $user => 'mallory');

# --- keys are pinned too --------------------------------------------------------------------------

$node->safe_psql('postgres', "ALTER DATABASE $_ SET pg_session_jwt.jwks_file = 'jwks.json'")
  for qw(auto issuer session_key claims none);
for my $mode (qw(auto issuer))
{
	session_ok($node, "$mode, with pinned keys", { db => $mode, user => 'app_user' },
		$claims => '',
		$user => 'NULL',
		init_with($token) => '',
		$user => 'alice',
		init_with($own_token) => refused('23514', 'invalid JWT signature'));
	session_ok($node, "$mode, with pinned keys and a client's own key",
		{ db => $mode, user => 'app_user', jwk => $own_key },
		$user => $keys_pinned,
		init_with($own_token) => $keys_pinned);
}
for my $mode (qw(session_key claims))
{
	session_ok($node, "$mode: pinned keys contradict it", { db => $mode, user => 'app_user', },
		$claims => '',
		$user => unused_keys($mode),
		init_with($token) => unused_keys($mode),
		'SELECT auth.init()' => unused_keys($mode),
		'SELECT status FROM auth.jwt_status()' => 'misconfigured');
	session_ok($node, "$mode: also with a client's key", { db => $mode, user => 'app_user', jwk => $own_key },
		$user => unused_keys($mode), init_with($own_token) => unused_keys($mode));
}
session_ok($node, 'none turns a database off that has keys', { db => 'none', user => 'app_user' },
	$claims => '', $user => 'NULL', init_with($token) => no_token('none'), $status => 'none|none');

# --- in a session, and in parallel workers --------------------------------------------------------

my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
session_ok($node, 'a superuser changes the mode in a session: it holds at once, also in parallel workers',
	{ db => 'auto' },
	"SET $force = on" => '',
	$claims => '',
	init_with($token) => '',
	$user => 'alice',
	'SET pg_session_jwt.mode = none' => '',
	$user => 'NULL',
	'SET pg_session_jwt.mode = claims' => '',
	$user => unused_keys('claims'),
	"SET pg_session_jwt.jwks_file = ''" => '',
	$user => 'mallory',
	'SET pg_session_jwt.mode = issuer' => '',
	$user => $no_keys,
	'RESET pg_session_jwt.jwks_file' => '',
	$user => 'alice');
session_ok($node, 'the values', { db => 'auto' },
	$user => 'NULL',
	'SHOW pg_session_jwt.mode' => 'auto',
	q(SELECT enumvals, boot_val FROM pg_settings WHERE name = 'pg_session_jwt.mode') =>
	  '{auto,none,claims,session_key,issuer}|auto',
	'SET pg_session_jwt.mode = isuer' => refused('22023', 'invalid value for parameter "pg_session_jwt.mode": "isuer"',
		hint => 'Available values: auto, none, claims, session_key, issuer.'),
	'SET pg_session_jwt.claims_fallback = on' => $node->pg_version < 15
	  ? '' : refused('42602', 'invalid configuration parameter name "pg_session_jwt.claims_fallback"'));

is_deeply([ logged_pieces($node, $token, $own_token) ], [], 'no piece of a token in the log');
$node->stop;
done_testing();
