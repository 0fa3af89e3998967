# SPDX-License-Identifier: Apache-2.0
# Key sets as providers publish them: the same key twice, several keys of one kid, keys without
# kid, members that are null; and texts that are nearly a token or a key set.
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

my $json = JSON::PP->new->canonical;
my $alg = session_alg();
my $node = start_node('issuer_keys');
my $data = $node->data_dir;
my $key = new_key('k1');
my %app = (db => 'app');
my $user = 'SELECT auth.user_id()';
my $kid_refusal = refused('23514', 'no key for this JWT',
	detail => 'no key for this token: no key has its "kid" (1 in pg_session_jwt.jwks)', hint => qr/sjwt decode/);

put_file("$data/jwks.json", key_set($key));
$node->safe_psql('postgres', "CREATE DATABASE app;\n" . trust('app'));
$node->safe_psql('app', 'CREATE EXTENSION pg_session_jwt');

# A key set of these public keys, each with other members. undef is null; '' takes the member away.
sub set_of
{
	my @keys;
	while (my ($jwk, $members) = splice @_, 0, 2)
	{
		my %made = (%$jwk, %$members);
		delete @made{ 'd', grep { defined $made{$_} && $made{$_} eq '' } keys %made };
		push @keys, \%made;
	}
	return "SET pg_session_jwt.jwks = '" . $json->encode({ keys => \@keys }) . "'";
}

sub token_of
{
	my ($jwk, %header) = @_;
	return sign(
		$json->encode({ iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', exp => time + 3600 }),
		jwk => $jwk,
		header => $json->encode({ alg => $alg, %header }));
}

sub skipped { return "SELECT keys_known, keys_skipped FROM auth.jwt_status()" }

my $off = "SET pg_session_jwt.jwks_file = ''";
my @keys = map { new_key('k1') } 1 .. 9;
session_ok(
	$node,
	'the same key twice is one key',
	\%app,
	$off => '',
	set_of($key => {}, $key => {}, new_key('k2') => {}) => '',
	init_with(token_of($key, kid => 'k1')) => '',
	$user => 'alice',
	skipped() => '2|[{"kid": "k1", "index": 1, "reason": "the same key is in the set before"}]');
session_ok(
	$node,
	'several keys of one kid',
	\%app,
	$off => '',
	set_of(map { $_ => {} } @keys[ 0 .. 7 ], new_key('k2')) => '',
	(map { (init_with(token_of($keys[$_], kid => 'k1')) => '') } 0 .. 7),
	init_with(token_of($keys[8], kid => 'k1')) => refused('23514', 'invalid JWT signature'),
	init_with(token_of($keys[0], kid => 'k2')) => refused('23514', 'invalid JWT signature'),
	# Neither is the ninth tried, nor is its token called a forged one.
	set_of(map { $_ => {} } @keys) => '',
	init_with(token_of($keys[8], kid => 'k1')) => refused('23514', 'no key for this JWT',
		detail => 'signature is by none of the first 8 keys; not all were tried', hint => qr/"kid"/));
session_ok(
	$node,
	'a token names a kid, and a key has none',
	\%app,
	$off => '',
	set_of($key => { kid => '' }, new_key('k2') => {}) => '',
	init_with(token_of($key, kid => 'k1')) => '',
	$user => 'alice',
	init_with(token_of($keys[0], kid => 'k1')) => refused('23514', 'no key for this JWT',
		detail => qr/no key has its "kid", and the signature is by none without one \(2 in pg_session_jwt\.jwks\)$/),
	init_with(token_of($key, kid => 'k2')) => refused('23514', 'invalid JWT signature'),
	set_of($key => {}) => '',
	init_with(token_of($key, kid => 'k3')) => $kid_refusal);
session_ok(
	$node,
	'members that are null, and the use of SPIFFE',
	\%app,
	$off => '',
	set_of($key => { kid => undef, alg => undef, use => undef, key_ops => undef, x5c => undef }) => '',
	init_with(token_of($key, kid => undef)) => '',
	init_with(token_of($key)) => '',
	set_of($key => { use => 'jwt-svid' }) => '',
	init_with(token_of($key, kid => 'k1')) => '',
	set_of($key => { use => 'x509-svid' }) => refused('22023',
		'invalid value for parameter "pg_session_jwt.jwks"',
		detail => 'no usable key in the set: 1 skipped, the first: key is not for signatures: "use" is not "sig".'));

# --- nearly a token ---------------------------------------------------------------

my $token = token_of($key, kid => 'k1');
my @texts = (
	[ "Bearer $token", 'the text begins with "Bearer "' ],
	[ "bearer $token", 'the text begins with "Bearer "' ],
	[ "\"$token\"", 'the text begins with a quote' ],
	[ " $token", 'the text begins with a blank' ],
	[ "$token ", 'the text ends with a blank' ],
	[ "$token\n", 'the text ends with a line end' ],
	[ "\x{FEFF}$token", 'the text begins with a byte order mark' ]);
for (@texts)
{
	my ($text, $fault) = @$_;
	utf8::encode($text) if utf8::is_utf8($text);
	session_ok(
		$node,
		"a hint: $fault",
		\%app,
		"SET pg_session_jwt.jwt = '$text'" => '',
		$user => refused('42804', qr/^(invalid JWT (signature )?encoding|could not decode JWT component)$/,
			hint => "Give the token alone: $fault."),
		'SELECT status FROM auth.jwt_status()' => 'refused');
}

# --- nearly a key set -------------------------------------------------------------

my @files = (
	[ "\xEF\xBB\xBF" . key_set($key), 'not strict JSON: byte order mark at octet 1' ],
	[ "-----BEGIN PUBLIC KEY-----\n", 'not strict JSON: the text is PEM, not JSON: sjwt jwk FILE converts it' ],
	[ '<html>', 'not strict JSON: the text is HTML or XML, not JSON' ],
	[ '{"issuer":"a","jwks_uri":"b"}',
		'not a JWK or JWK Set: it is a discovery document, which tells where the keys are' ]);
for (@files)
{
	my ($text, $fault) = @$_;
	put_file("$data/nearly.json", $text);
	session_ok(
		$node,
		"a key file: $fault",
		\%app,
		"SET pg_session_jwt.jwks_file = 'nearly.json'" => '',
		"SET pg_session_jwt.jwt = '$token'" => '',
		$user => refused('55000', 'no usable keys', detail => "file nearly.json: $fault."));
}

done_testing();
