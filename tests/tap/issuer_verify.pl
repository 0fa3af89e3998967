# SPDX-License-Identifier: Apache-2.0
# Issuer mode: refused tokens and their errors in SQL; several issuers; the functions
# for claims; auth.jwt_status() and auth.jwt_verify().

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('issuer_verify');
my $data = $node->data_dir;
my $alg = session_alg();
my $json = JSON::PP->new->canonical;
my $user = 'SELECT auth.user_id()';
my $set_claims = q(SET request.jwt.claims = '{"sub":"mallory"}');

my $key = new_key('k1');
my $second_key = new_key('k2');
my $stranger = new_key('k9');
put_file("$data/jwks.json", key_set($key, $second_key));

$node->safe_psql('postgres', <<END . trust('app') . trust('typed'));
CREATE ROLE app_user LOGIN;
CREATE DATABASE app;
CREATE DATABASE typed;
CREATE DATABASE several;
CREATE DATABASE plain;
CREATE DATABASE secret;
ALTER DATABASE typed SET pg_session_jwt.token_types = 'at+jwt, "application/x"';
ALTER DATABASE typed SET pg_session_jwt.required_claims = 'exp, client_id';
ALTER DATABASE typed SET pg_session_jwt.leeway = 0;
ALTER DATABASE typed RESET pg_session_jwt.algorithms;
ALTER DATABASE several SET pg_session_jwt.issuers_file = 'issuers.json';
END
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(app typed several plain secret);

my %app = (db => 'app', user => 'app_user');
my @tokens;

# A token with exactly these members of header and claims.
sub token
{
	my ($signer, $header, $claims) = @_;
	my $token = sign($json->encode($claims), jwk => $signer, header => $json->encode($header));
	push @tokens, $token;
	return $token;
}

my %header = (alg => $alg, kid => 'k1');
my $now = young_second();
my %claims = (iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', iat => $now, exp => $now + 3600);
my $alice = token($key, \%header, \%claims);

sub with { return token($key, \%header, { %claims, @_ }) }
sub without
{
	my %fewer = %claims;
	delete @fewer{@_};
	return token($key, \%header, \%fewer);
}
sub headed { return token($key, { %header, @_ }, \%claims) }

# --- accepted -------------------------------------------------------------------

my %accepted = (
	'as issued' => $alice,
	'the same again' => $alice,
	'signed with the second key' => token($second_key, { alg => $alg, kid => 'k2' }, \%claims),
	'without kid' => token($key, { alg => $alg }, \%claims),
	'audiences in an array' => with(aud => [ 'other', $AUDIENCE ]),
	'jti of any type' => with(jti => 'a string'),
	'no iat' => without('iat'),
	'expired less than the leeway ago' => with(exp => $now - 20),
	'not before, within the leeway' => with(nbf => $now + 40),
	'any typ' => headed(typ => 'whatever'),
	'no typ' => headed());
session_ok(
	$node, 'accepted tokens, in any order',
	\%app,
	$set_claims => '',
	$user => 'NULL',
	'SELECT auth.init()' => '',
	(map { (init_with($accepted{$_}) => '', $user => 'alice') } sort keys %accepted),
	"SET pg_session_jwt.jwt = '$alice'" => '',
	$user => 'alice',
	'DISCARD ALL' => '',
	$user => 'NULL',
	"SET pg_session_jwt.jwt = '$alice'" => '',
	$user => 'alice',
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('@{[with(sub => 'bob')]}')" => 'bob',
	$user => 'bob',
	'COMMIT' => '',
	$user => 'alice');

# --- refused --------------------------------------------------------------------

my $public = $json->encode({ map { $_ => $key->{$_} } grep { !/^(d|kid)$/ } keys %$key });
my $confused = do
{
	# HS256 with the public key as the secret.
	require Digest::SHA;
	my $input = join '.', map { encode_base64url($json->encode($_)) } { alg => 'HS256', kid => 'k1' }, \%claims;
	"$input." . encode_base64url(Digest::SHA::hmac_sha256($input, $public));
};
push @tokens, $confused;
my $none = join '.', (map { encode_base64url($json->encode($_)) } { alg => 'none' }, \%claims), '';
my $tampered = join '.', (split /\./, with(sub => 'bob'))[ 0, 1 ], (split /\./, $alice)[2];
push @tokens, $none, $tampered;

my $issuer = refused('23514', 'JWT issuer refused', detail => 'issuer is not trusted',
	hint => qr/^Only issuers named by pg_session_jwt\.issuer /);
my $audience = refused('23514', 'JWT audience refused', detail => 'token is not for this audience',
	hint => qr/^The token is for another service, or pg_session_jwt\.audience lacks this one/);
my $not_an_audience =
  refused('23514', 'JWT audience refused', detail => q('aud' is not a string or an array of strings), hint => undef);
my $header = 'JWT header refused';
sub nearly
{
	my ($what, $how) = @_;
	return refused('23514', "JWT $what refused", detail => qr/: differs only in $how$/,
		hint => qr/^The $what is compared octet by octet: /);
}
sub lacks { return refused('23514', 'JWT lacks a required claim', detail => qr/^"?$_[0]"?$/) }
my $algorithm = 'JWT algorithm refused';

my @refused = (
	[ 'a wrong issuer', with(iss => 'https://evil.example.com'), $issuer ],
	[ 'no issuer', without('iss'), refused('23514', 'JWT issuer refused',
		detail => q(token names no issuer: claim 'iss' is missing), hint => undef) ],
	[ 'an issuer of another type', with(iss => [$ISSUER]), $issuer ],
	[ 'an issuer with a slash more', with(iss => "$ISSUER/"), nearly('issuer', 'a trailing slash') ],
	[ 'an issuer in capitals', with(iss => uc $ISSUER), nearly('issuer', 'letter case') ],
	[ 'an issuer over http', with(iss => $ISSUER =~ s/^https/http/r), nearly('issuer', 'the scheme') ],
	[ 'a wrong audience', with(aud => 'other'), $audience ],
	[ 'several wrong audiences', with(aud => [ 'other', 'another' ]), $audience ],
	[ 'no audiences', with(aud => []), $audience ],
	[ 'no audience', without('aud'), refused('23514', 'JWT audience refused',
		detail => q(token names no audience: claim 'aud' is missing), hint => qr/"client_id" or "azp"/) ],
	[ 'an audience in capitals', with(aud => uc $AUDIENCE), nearly('audience', 'letter case') ],
	(map { [ "aud: " . $json->allow_nonref->encode($_), with(aud => $_), $not_an_audience ] }
		1, 1.5, JSON::PP::true, { $AUDIENCE => 1 }, [1], [ $AUDIENCE, 1 ], [ [$AUDIENCE] ]),
	[ 'aud: null', with(aud => undef), refused('23514', 'JWT audience refused') ],
	[ 'no exp', without('exp'), lacks('exp') ],
	[ 'exp is null', with(exp => undef), refused('42804',
		q('exp' (Expiration) must be an integer representing seconds since unix epoch)) ],
	[ 'exp in letters', with(exp => 'soon'), refused('42804',
		q('exp' (Expiration) must be an integer representing seconds since unix epoch)) ],
	[ 'nbf in letters', with(nbf => 'soon'), refused('42804',
		q('nbf' (Not Before) must be an integer representing seconds since unix epoch)) ],
	[ 'iat in letters', with(iat => 'then'), refused('42804',
		q('iat' (Issued At) must be a number of seconds since unix epoch)) ],
	[ 'expired', with(exp => $now - 61), refused('23514', 'Token used after it has expired',
		detail => 'exp=' . ($now - 61)) ],
	[ 'not yet valid', with(nbf => $now + 1000), refused('23514', 'Token used before it is ready',
		detail => 'nbf=' . ($now + 1000)) ],
	[ 'an unknown kid', token($key, { %header, kid => 'k3' }, \%claims),
		refused('23514', 'no key for this JWT',
			detail => qr/^no key for this token: no key has its "kid".* \(\d+ in [^()]+\)$/) ],
	[ "another key's kid", token($key, { %header, kid => 'k2' }, \%claims), refused('23514', 'invalid JWT signature') ],
	[ "a stranger's key", token($stranger, \%header, \%claims), refused('23514', 'invalid JWT signature') ],
	[ "a stranger's key without kid", token($stranger, { alg => $alg }, \%claims),
		refused('23514', 'invalid JWT signature') ],
	[ 'a kid that is no string', headed(kid => 1), refused('23514', $header, detail => 'key id is not a string') ],
	[ 'critical extensions', headed(crit => ['x'], x => 1),
		refused('23514', $header, detail => 'header has critical extensions') ],
	[ 'HS256 with the public key', $confused,
		refused('23514', $algorithm, detail => 'algorithm is not allowed here') ],
	[ 'none', $none, refused('23514', $algorithm, detail => 'header names no known algorithm') ],
	[ 'no alg', token($key, { kid => 'k1' }, \%claims),
		refused('23514', $algorithm, detail => 'header names no algorithm') ],
	[ "another token's signature", $tampered, refused('23514', 'invalid JWT signature') ],
	[ 'no token', 'hello', refused('42804', 'invalid JWT encoding') ],
	[ 'a large one', 'a' x 70000, refused('54000', 'JWT is too large') ]);
for (@refused)
{
	my ($name, $token, $refusal) = @$_;
	my $reason = ref $refusal->{message} ? '%' : $refusal->{message} =~ s/'/''/gr;
	session_ok(
		$node,
		"refused: $name",
		\%app,
		$set_claims => '',
		init_with($alice) => '',
		init_with($token) => $refusal,
		$user => 'alice',
		"SET pg_session_jwt.jwt = '$token'" => '',
		$user => $refusal,
		$user => $refusal,
		"SELECT status, reason LIKE '$reason%', issuer, subject, algorithm, key_id, expires_at, keys_known FROM auth.jwt_status()" =>
		  'refused|t|NULL|NULL|NULL|NULL|NULL|2',
		'RESET pg_session_jwt.jwt' => '',
		$user => 'NULL');
}

my $second = young_second();
session_ok(
	$node,
	'a token expires while it is the current one',
	\%app,
	init_with(with(exp => $second - 57)) => '',
	$user => 'alice',
	'SELECT pg_sleep(4.5)' => '',
	$user => refused('23514', 'Token used after it has expired', detail => 'exp=' . ($second - 57)),
	'SELECT status FROM auth.jwt_status()' => 'refused');

# --- types, required claims, leeway ---------------------------------------------

my %typed = (db => 'typed', user => 'app_user');
my %client = (%claims, client_id => 'c');
sub typed { return token($key, { %header, @_ }, \%client) }
my $type = refused('23514', $header, detail => 'token type is not accepted');
session_ok(
	$node, 'types of token', \%typed,
	(map { (init_with(typed(typ => $_)) => '') } 'at+jwt', 'AT+JWT', 'application/at+jwt', 'x', 'application/x'),
	(map { (init_with(typed(typ => $_)) => $type) } 'JWT', 'at', 'at+jwt2', 'text/at+jwt', ''),
	init_with(typed()) => $type);
session_ok(
	$node,
	'required claims, and no leeway',
	\%typed,
	(map { (init_with(token($key, { %header, typ => 'at+jwt' }, $_->[0])) => $_->[1]) }
		[ \%claims, lacks('client_id') ],
		[ { %client, client_id => undef }, lacks('client_id') ],
		[ { %client, client_id => '' }, '' ],
		[ { %client, exp => $now - 1 }, refused('23514', 'Token used after it has expired') ],
		[ { %client, nbf => $now + 1000 }, refused('23514', 'Token used before it is ready') ]));
session_ok(
	$node,
	'the leeway of a session is that of its identity',
	{ db => 'typed' },
	'SET pg_session_jwt.leeway = 3600' => '',
	init_with(token($key, { %header, typ => 'at+jwt' }, { %client, exp => $now - 1000 })) => '',
	$user => 'alice',
	'SET pg_session_jwt.leeway = 100' => '',
	$user => refused('23514', 'Token used after it has expired'));

# --- several issuers ------------------------------------------------------------

my ($a, $b, $d, $e) = map { "https://$_.example.com" } qw(a b d e);
my ($key_a, $key_b, $key_c, $key_d, $key_e) = map { new_key('k1') } 1 .. 5;
put_file("$data/b.json", key_set($key_b));
put_file("$data/issuers.json", $json->encode({ issuers => [
	{ issuer => $a, jwks => $json->decode(key_set($key_a)), audiences => ['for a'], algorithms => [$alg] },
	{ issuer => $b, jwks_file => 'b.json', required_claims => ['client_id'] },
	{ issuer => $d, jwks => $json->decode(key_set($key_d)), token_types => ['at+jwt'] },
	{ issuer => $e, jwks => $json->decode(key_set($key_e)), algorithms => ['HS256'] },
	{ issuer => 'https://c.example.com', jwks_file => 'c.json' } ] }));

sub of
{
	my ($signer, $iss, %more) = @_;
	return token($signer, \%header, { %claims, iss => $iss, %more });
}
my $of_c = of($key_c, 'https://c.example.com');
my $of_d = token($key_d, { %header, typ => 'at+jwt' }, { %claims, iss => $d });
# The error names the file and its problem, and nothing of its content.
sub no_keys_of_c
{
	return refused('23514', 'no key for this JWT',
		detail => qq(its issuer's key file "c.json" cannot be used: $_[0]), hint => undef);
}
sub of_another_key
{
	my ($signer, $iss) = @_;
	return token($signer, { %header, kid => 'k3' }, { %claims, iss => $iss, aud => 'for a' });
}
my $no_key = refused('23514', 'no key for this JWT',
	detail => qr/^no key for this token: no key has its "kid".* \(\d+ in [^()]+\)$/,
	hint => qr/sjwt decode/);
my $not_allowed = refused('23514', $algorithm, detail => 'algorithm is not allowed here');
session_ok(
	$node,
	'each issuer with its own keys and terms',
	{ db => 'several', user => 'app_user' },
	init_with(of($key_a, $a, aud => 'for a')) => '',
	init_with(of($key_a, $a)) => $audience,
	init_with($of_d) => '',
	init_with(of($key_d, $d)) => $type,
	init_with(of($key_e, $e)) => $not_allowed,
	init_with(of($key_b, $b, client_id => 'c')) => '',
	init_with(of($key_b, $b)) => lacks('client_id'),
	init_with(of($key_b, $a, aud => 'for a')) => refused('23514', 'invalid JWT signature'),
	init_with(of($key_a, $b, client_id => 'c')) => refused('23514', 'invalid JWT signature'),
	init_with(of($key_a, $ISSUER, aud => 'for a')) => $issuer,
	init_with(of($key_a, "$a/", aud => 'for a')) => nearly('issuer', 'a trailing slash'),
	init_with($of_c) => no_keys_of_c('No such file or directory'),
	'SELECT status, issuer, keys_known FROM auth.jwt_status()' => "valid|$b|4");
for ([ '', 'It is empty.' ], [ '{"keys":secret}', 'not strict JSON, at byte 8.' ], [ '[]', 'not a JWK or JWK Set: it is not an object.' ])
{
	my ($text, $problem) = @$_;
	put_file("$data/c.json", $text);
	session_ok(
		$node,
		"the key file of one issuer is of no use: $problem",
		{ db => 'several', user => 'app_user' },
		init_with($of_c) => no_keys_of_c($problem),
		"SET pg_session_jwt.jwt = '$of_c'" => '',
		$user => no_keys_of_c($problem),
		'SELECT status, reason FROM auth.jwt_status()' =>
		  qq(refused|no key for this JWT: its issuer's key file "c.json" cannot be used: $problem),
		# This file is not the reason why the other issuers lack a key.
		init_with(of_another_key($key_a, $a)) => $no_key,
		init_with(of_another_key($key_b, $b)) => $no_key,
		init_with(of($key_a, $a, aud => 'for a')) => '');
}
put_file("$data/c.json", key_set($key_c));
session_ok($node, 'the keys of the third have come', { db => 'several', user => 'app_user' },
	init_with($of_c) => '', $user => 'https://c.example.com|alice');
session_ok(
	$node,
	'what an issuer has not of its own is what the settings say',
	{ db => 'several' },
	"SET pg_session_jwt.audience = 'x'" => '',
	init_with($of_c) => $audience,
	init_with(of($key_a, $a, aud => 'for a')) => '',
	"SET pg_session_jwt.audience = '$AUDIENCE'" => '',
	"SET pg_session_jwt.required_claims = 'tenant'" => '',
	init_with($of_c) => lacks('tenant'),
	init_with(of($key_b, $b, client_id => 'c')) => '',
	'RESET pg_session_jwt.required_claims' => '',
	"SET pg_session_jwt.token_types = 'x'" => '',
	init_with($of_c) => $type,
	init_with($of_d) => '',
	'RESET pg_session_jwt.token_types' => '',
	"SET pg_session_jwt.algorithms = 'HS256'" => '',
	init_with($of_c) => $not_allowed,
	init_with(of($key_a, $a, aud => 'for a')) => '');
for (
	[ 'no JSON', '{"issuers":', qr/^file issuers\.json: document of issuers is not strict JSON.*, at byte \d+\.$/ ],
	[ 'a member unknown', '{"issuers":[{"issuer":"a","jwks_file":"b.json","audience":"x"}]}',
		qr/^file issuers\.json: document of issuers is not as it must be: issuers\[0\]/ ],
	[ 'no keys at all', '{"issuers":[{"issuer":"a","jwks_file":"gone.json"}]}',
		qr/^file gone\.json: No such file or directory$/ ],
	[ 'itself for keys', '{"issuers":[{"issuer":"a","jwks_file":"issuers.json"}]}',
		qr/^file issuers\.json: not a JWK or JWK Set: it is a document of issuers\.$/ ])
{
	my ($name, $text, $detail) = @$_;
	put_file("$data/issuers.json", $text);
	my $no_keys = refused('55000', 'no usable keys', detail => $detail);
	session_ok(
		$node,
		"a document of issuers that is of no use: $name",
		{ db => 'several', user => 'app_user' },
		$set_claims => '',
		$user => 'NULL',
		'SELECT auth.init()' => $no_keys,
		init_with($of_c) => $no_keys,
		"SELECT mode, status, reason LIKE 'no usable keys: %' FROM auth.jwt_status()" => 'issuer|misconfigured|t');
}

# --- a shared secret --------------------------------------------------------------

my $oct = $json->decode(SessionJwt::sjwt('', 'keygen', '--alg', 'HS256', '--kid', 's'));
put_file("$data/secret.json", $json->encode($oct));
my $shared = sign($json->encode(\%claims), jwk => $oct, alg => 'HS256', header => '{"alg":"HS256","kid":"s"}');
push @tokens, $shared;
$node->safe_psql('postgres', "ALTER DATABASE secret SET pg_session_jwt.jwks_file = 'secret.json'");
session_ok(
	$node,
	'a shared secret is used when its algorithm is named',
	{ db => 'secret' },
	init_with($shared) => refused('23514', $algorithm, detail => 'algorithm is not allowed here'),
	"SET pg_session_jwt.algorithms = 'HS256'" => '',
	init_with($shared) => '',
	$user => 'alice');

# --- claims in SQL ----------------------------------------------------------------

my %rich = (
	%claims,
	role => 'editor', email => 'alice@example.com', age => 42, ok => JSON::PP::true, nothing => undef,
	nested => { deep => [ 'x', { y => 'z' } ] },
	scope => 'read:notes write:notes', scp => [ 'openid', 'two words' ],
	roles => [ 'admin', 'user' ], realm_access => { roles => ['realm'] },
	o => { id => 'org_1', slg => 'acme', rol => 'owner', per => 'a' });
my @ask = (
	"auth.claim('sub')" => 'alice',
	"auth.claim('age')" => '42',
	"auth.claim('ok')" => 'true',
	"auth.claim('nothing')" => 'NULL',
	"auth.claim('missing')" => 'NULL',
	"auth.claim('nested', 'deep', '0')" => 'x',
	"auth.claim('nested', 'deep', '1', 'y')" => 'z',
	"auth.claim('nested', 'deep', '-1')" => '{"y": "z"}',
	"auth.claim('sub', 'x')" => 'NULL',
	"auth.claim(VARIADIC ARRAY['nested', 'deep'])" => '["x", {"y": "z"}]',
	'auth.claim(VARIADIC NULL)' => 'NULL',
	"auth.claim('nested', NULL)" => 'NULL',
	'auth.role()' => 'editor',
	'auth.email()' => 'alice@example.com',
	(map { ("auth.has_scope('$_')" => 't') } 'read:notes', 'write:notes', 'openid', 'two words'),
	(map { ("auth.has_scope('$_')" => 'f') } 'read', '', 'read:notes write:notes', 'two', 'OPENID'),
	'auth.has_scope(NULL)' => 'NULL',
	(map { ("auth.has_role('$_')" => 't') } 'admin', 'user', 'realm'),
	(map { ("auth.has_role('$_')" => 'f') } 'editor', '', 'Admin', 'adm'),
	'auth.has_role(NULL)' => 'NULL',
	'auth.organization()' => '{"id": "org_1", "per": "a", "rol": "owner", "slg": "acme", "role": "owner", "slug": "acme"}',
	'auth.organization_id()' => 'NULL');
my $rich = token($key, \%header, \%rich);
my $rich_json = $json->encode(\%rich);
my $asked = sub { map { ("SELECT $ask[2 * $_]" => $ask[ 2 * $_ + 1 ]) } 0 .. $#ask / 2 };
session_ok($node, 'what can be asked of the claims', \%app, init_with($rich) => '', $asked->());
session_ok($node, 'also of those of a gateway', { db => 'plain', user => 'app_user' },
	"SET request.jwt.claims = '$rich_json'" => '', $asked->());

my $null_row = 'SELECT ' . join ', ', map { "$_ IS NULL" } "auth.claim('sub')", 'auth.claim(VARIADIC $$' . '{}$$)',
  'auth.role()', 'auth.email()', "auth.has_scope('a')", "auth.has_role('a')";
my %poor = (
	'string roles' => [ { roles => 'admin' }, "auth.has_role('admin')", 't' ],
	'string roles are one' => [ { roles => 'admin user' }, "auth.has_role('user')", 'f' ],
	'scope of another type' => [ { scope => { a => 1 } }, "auth.has_scope('a')", 'f' ],
	'scope array' => [ { scope => [ 'a', 1, ['b'] ] }, "auth.has_scope('b')", 'f' ],
	'scp string' => [ { scp => ' a  b ' }, "auth.has_scope('b')", 't' ],
	'realm_access of another type' => [ { realm_access => ['roles'] }, "auth.has_role('roles')", 'f' ],
	'role of another type' => [ { role => ['a'] }, 'auth.role()', 'NULL' ],
	'email of another type' => [ { email => 1 }, 'auth.email()', 'NULL' ],
	'an organization with slug and role' => [ { o => { slg => 'a', slug => 'b', rol => 'c', role => 1 } },
		'auth.organization()', '{"rol": "c", "slg": "a", "role": 1, "slug": "b"}' ],
	'an organization with other types' => [ { o => { slg => 1, rol => undef } },
		'auth.organization()', '{"rol": null, "slg": 1}' ]);
session_ok(
	$node, 'no identity, no claims', \%app,
	$null_row => 't|t|t|t|t|t',
	init_with($alice) => '',
	$null_row => 'f|f|t|t|f|f',
	map { (init_with(with(%{ $_->[0] })) => '', "SELECT $_->[1]" => $_->[2]) } map { $poor{$_} } sort keys %poor);

# One call for each row, while the identity changes.
session_ok(
	$node,
	'a result is that of the current identity, for each row',
	\%app,
	"PREPARE change AS SELECT auth.claim('sub'), auth.has_role('admin'), auth.claim(VARIADIC ARRAY[c]), auth.user_id()"
	  . ' FROM (VALUES (1, $1, $$sub$$), (2, $2, $$sub$$), (3, $1, $$aud$$), (4, $2, $$sub$$), (5, $3, $$sub$$)) v(n, t, c)'
	  . q( WHERE set_config('pg_session_jwt.jwt', t, false) IS NOT NULL) => '',
	"EXECUTE change('$rich', '@{[with(sub => 'bob')]}', '')" =>
	  "alice|t|alice|alice\nbob|f|bob|bob\nalice|t|$AUDIENCE|alice\nbob|f|bob|bob\nNULL|NULL|NULL|NULL",
	'CREATE TEMP TABLE seen AS SELECT auth.claim($$sub$$) AS who FROM generate_series(1, 1000)' => '',
	'SELECT count(*), count(who) FROM seen' => '1000|0');

# PL/pgSQL keeps the state of an expression for the whole transaction, while its
# variables get other values.
$node->safe_psql('app', <<'END');
CREATE FUNCTION may(needed text) RETURNS boolean STABLE LANGUAGE plpgsql AS 'BEGIN RETURN auth.has_role(needed); END';
CREATE FUNCTION in_scope(needed text) RETURNS boolean STABLE LANGUAGE plpgsql AS 'BEGIN RETURN auth.has_scope(needed); END';
CREATE FUNCTION claim_at(path text[]) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN auth.claim(VARIADIC path); END';
CREATE FUNCTION named(claim text) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN auth.claim(claim); END';
CREATE TABLE doc (id int, needs text);
INSERT INTO doc VALUES (1, 'user'), (2, 'nobody'), (3, 'admin'), (4, 'root');
ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY needs ON doc USING (may(needs));
GRANT SELECT ON doc TO PUBLIC;
END
session_ok(
	$node,
	'a result is that for the argument of the call',
	\%app,
	init_with($rich) => '',
	'SELECT id FROM doc ORDER BY id' => "1\n3",
	q(SELECT may(r) FROM (VALUES ('user'), ('root'), ('admin')) v(r)) => "t\nf\nt",
	q(SELECT in_scope(s) FROM (VALUES ('openid'), ('read'), ('two words')) v(s)) => "t\nf\nt",
	q(SELECT claim_at(p), named(p[1]) FROM (VALUES ('{sub}'::text[]), ('{age}'), ('{missing}'), ('{ok}')) v(p)) =>
	  "alice|alice\n42|42\nNULL|NULL\ntrue|true",
	'BEGIN' => '',
	q(SELECT may('root'), may('admin')) => 'f|t',
	q(SELECT may('root'), named('sub')) => 'f|alice',
	q(SELECT may('user'), named('age')) => 't|42',
	'COMMIT' => '',
	'PREPARE role_of(text) AS SELECT auth.has_role($1), auth.claim(VARIADIC ARRAY[$1])' => '',
	q(SET plan_cache_mode = force_generic_plan) => '',
	q(EXECUTE role_of('sub')) => 'f|alice',
	q(EXECUTE role_of('admin')) => 't|NULL',
	q(EXECUTE role_of('age')) => 'f|42');

# Cached results must not accumulate in memory.
session_ok(
	$node,
	'a hundred thousand results leave nothing in memory',
	{ db => 'app' },
	"CREATE TEMP TABLE t AS SELECT n, CASE n % 2 WHEN 0 THEN '$rich' ELSE '$alice' END AS t FROM generate_series(1, 100000) n" => '',
	# The test reads the memory of the query with its last row.
	q(SELECT count(auth.claim('nested')), max(CASE WHEN n = 100000 THEN
		(SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'ExecutorState') END) < 1000000
	  FROM t WHERE set_config('pg_session_jwt.jwt', t, false) <> '') => '50000|t',
	q(SELECT sum(total_bytes) < 65536 FROM pg_backend_memory_contexts WHERE name LIKE 'pg\_session\_jwt%') => 't');

# --- parallel workers ---------------------------------------------------------------

my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
session_ok(
	$node,
	'a parallel worker has the settings, and verifies for itself',
	\%app,
	"SET $force = on" => '',
	$set_claims => '',
	$user => 'NULL',
	init_with($rich) => '',
	'SELECT auth.user_id(), auth.claim($$role$$), auth.has_scope($$openid$$)' => 'alice|editor|t',
	init_with($alice) => '',
	init_with($rich) => '',
	$user => 'alice',
	"SET pg_session_jwt.jwt = '@{[with(iss => 'https://evil.example.com')]}'" => '',
	$user => $issuer,
	"SET pg_session_jwt.jwt = '@{[with(jti => 5)]}'" => '',
	$user => 'alice',
	"SET pg_session_jwt.jwt = '@{[with(jti => 4)]}'" => '',
	$user => 'alice');

# --- auth.jwt_status() ------------------------------------------------------------

put_file("$data/mixed.json", $json->encode({ keys => [
	$json->decode(key_set($key))->{keys}[0], { kty => 'XX', kid => "a \"quoted\"\n" }, { kty => 'oct' } ] }));
# What it says of the cache that sessions share is a matter of tap_shared_cache.
my $row = 'SELECT mode, status, reason, issuer, subject, algorithm, key_id, backend, issued_at, expires_at, '
  . 'keys_known, keys_skipped FROM auth.jwt_status()';
session_ok(
	$node,
	'auth.jwt_status()',
	{ db => 'app' },
	$row => 'issuer|none|no token is set|NULL|NULL|NULL|NULL|NULL|NULL|NULL|2|[]',
	"SET timezone = 'UTC'" => '',
	init_with(with(iat => 1700000000, exp => 4102444800)) => '',
	$row =>
	  "issuer|valid|NULL|$ISSUER|alice|$alg|k1|@{[backend_with_module($alg)]}|2023-11-14 22:13:20+00|2100-01-01 00:00:00+00|2|[]",
	init_with(with(exp => 9e18, iat => -9e18)) => '',
	'SELECT issued_at, expires_at FROM auth.jwt_status()' => '-infinity|infinity',
	init_with(with(iat => 1)) => '',
	'SELECT issued_at FROM auth.jwt_status()' => '1970-01-01 00:00:01+00',
	"SET pg_session_jwt.jwks_file = 'mixed.json'" => '',
	'SELECT status, keys_known, keys_skipped FROM auth.jwt_status()' =>
	  'valid|1|[{"kid": "a \"quoted\"\n", "index": 1, "reason": "key type (\'kty\') is not known"}, '
	  . '{"kid": null, "index": 2, "reason": "a member of the key is invalid: \"k\" is missing"}]');
my $unset = 'claims|none|no keys are pinned in this session, and neither a token nor request.jwt.claims is set. '
  . 'Hint: Another database of this server has keys pinned by ALTER DATABASE. A dump restored without --create does '
  . 'not bring them: pin them for this database too.';
session_ok(
	$node,
	'auth.jwt_status() in the other modes',
	{ db => 'plain' },
	$row => $unset . '|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL',
	q(SET request.jwt.claims = '{"sub":"a","iss":"b"}') => '',
	$row => 'claims|valid|NULL|b|a|NULL|NULL|NULL|NULL|NULL|NULL|NULL',
	q(SET request.jwt.claims = '') => '',
	'SELECT mode, status, reason FROM auth.jwt_status()' => $unset,
	q(SET request.jwt.claims = '{') => '',
	'SELECT status, reason FROM auth.jwt_status()' =>
	  'none|request.jwt.claims is too large, or not JSON in the encoding of the database',
	"SET pg_session_jwt.jwt = '$alice'" => '',
	'SELECT mode, status, reason FROM auth.jwt_status()' =>
	  qr/^claims\|none\|Missing runtime parameter: pg_session_jwt\.jwk: The session is in claims mode: .* Hint: Another database /,
	'RESET pg_session_jwt.jwt' => '',
	'SET pg_session_jwt.mode = none' => '',
	'SELECT mode, status, reason FROM auth.jwt_status()' =>
	  'none|none|pg_session_jwt.mode is none: no identity is accepted',
	'RESET request.jwt.claims' => '',
	'SELECT mode, status, reason FROM auth.jwt_status()' =>
	  'none|none|pg_session_jwt.mode is none: no identity is accepted',
	"SET pg_session_jwt.jwt = '$alice'" => '',
	$user => 'NULL',
	'SELECT mode, status, reason FROM auth.jwt_status()' =>
	  'none|none|pg_session_jwt.mode is none: no identity is accepted');
my $session_key = token($key, { alg => $alg }, { jti => 1, sub => 'alice' });
session_ok(
	$node,
	'and with a session key',
	{ db => 'plain', jwk => $public },
	'SELECT mode, status, keys_known FROM auth.jwt_status()' => 'session key|none|1',
	init_with($session_key) => '',
	'SELECT mode, status, reason, subject, algorithm, key_id, expires_at FROM auth.jwt_status()' =>
	  "session key|valid|NULL|alice|$alg|NULL|NULL",
	'SET pg_session_jwt.mode = session_key' => '',
	$user => 'alice',
	"SET pg_session_jwt.jwt = '$alice'" => '',
	q(SELECT status, reason FROM auth.jwt_status()) =>
	  qr/^refused\|JWT payload must contain a valid 'jti' \(JWT ID\)\. Hint: With pg_session_jwt\.jwk, /);

# --- auth.jwt_verify() ------------------------------------------------------------

my $keys = "'" . key_set($key, $second_key) . "'::jsonb";
sub verify_call { return "SELECT * FROM auth.jwt_verify('$_[0]', " . ($_[1] // $keys) . ')' }
session_ok(
	$node,
	'auth.jwt_verify()',
	{ db => 'plain', user => 'app_user' },
	"SELECT header, payload, valid, reason FROM auth.jwt_verify('$session_key', '$public')" =>
	  qq({"alg": "$alg"}|{"jti": 1, "sub": "alice"}|t|NULL),
	"SELECT payload->>'sub', valid FROM auth.jwt_verify('$alice', $keys)" => 'alice|t',
	verify_call(with(exp => $now - 90)) => 'NULL|NULL|f|Token used after it has expired: exp=' . ($now - 90),
	"SELECT valid FROM auth.jwt_verify('@{[with(exp => time - 20)]}', $keys)" => 't',
	verify_call(token($stranger, \%header, \%claims)) => 'NULL|NULL|f|invalid JWT signature',
	verify_call($confused) => qr/^NULL\|NULL\|f\|JWT algorithm refused: /,
	verify_call($none) => qr/^NULL\|NULL\|f\|JWT algorithm refused: /,
	verify_call('') => 'NULL|NULL|f|invalid JWT encoding',
	"SELECT valid FROM auth.jwt_verify('@{[with(iss => 'anybody', aud => 'anything')]}', $keys)" => 't',
	'SELECT valid FROM auth.jwt_verify(NULL, ' . $keys . ')' => 'NULL',
	verify_call($alice, q('{"keys":[]}')) =>
	  refused('22023', 'no usable keys to verify with', detail => qr/^no usable key in the set/),
	verify_call($alice, q('"x"')) => refused('22023', 'no usable keys to verify with'),
	$user => 'NULL');
session_ok(
	$node,
	'auth.jwt_verify() does not ask whom the session trusts',
	\%app,
	init_with($alice) => '',
	"SELECT valid FROM auth.jwt_verify('@{[token($stranger, \%header, \%claims)]}', '@{[key_set($stranger)]}')" => 'f',
	"SELECT valid FROM auth.jwt_verify('@{[token($stranger, { %header, kid => 'k9' }, \%claims)]}', '@{[key_set($stranger)]}')" => 't',
	$user => 'alice');

# The keys with an additional unused member, as text with this number of octets.
sub padded_to
{
	my ($octets, $character) = @_;
	$character //= q('x');
	return "(SELECT k || jsonb_build_object('z', repeat($character, ($octets - octet_length((k || '{\"z\":\"\"}')::text)) / "
	  . "octet_length($character))) FROM (SELECT $keys) AS k (k))";
}
my $too_large = refused('54000', 'keys to verify with are too large', detail => 'The limit is 262144 bytes.', hint => undef);
session_ok(
	$node,
	'auth.jwt_verify() accepts 256 KiB of keys',
	{ db => 'plain', user => 'app_user' },
	'SELECT octet_length((' . padded_to(262144) . ')::text)' => '262144',
	'SELECT valid FROM auth.jwt_verify(' . "'$alice', " . padded_to(262144) . ')' => 't',
	verify_call($alice, padded_to(262145)) => $too_large,
	# Octets, not characters.
	verify_call($alice, padded_to(262146, 'chr(233)')) => $too_large,
	verify_call($alice, padded_to(5_000_000)) => $too_large);

is_deeply([ logged_pieces($node, @tokens) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
