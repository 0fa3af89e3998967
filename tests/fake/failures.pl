# SPDX-License-Identifier: Apache-2.0
# Each status of a crypto library raises its own error in SQL, and the session keeps its
# previous token. The backend is that of fake.c.

use strict;
use warnings;

use lib "$ENV{PGSJ_TESTS}/tap";
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('failures');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

# Values of enum sjwt_crypto_status; NONE is not a status.
my %status = (OK => 0, BAD_SIGNATURE => 1, BAD_KEY => 2, UNSUPPORTED => 3, NO_MEMORY => 4,
	INTERNAL => 5, NONE => 200);

sub octets { return encode_base64url(chr($status{ $_[0] }) . 'x' x ($_[1] - 1)) }
sub okp_key { return sprintf '{"kty":"OKP","crv":"Ed25519","x":"%s"}', octets($_[0], 32) }

sub rsa_key
{
	return sprintf '{"kty":"RSA","alg":"RS256","n":"%s","e":"AQAB"}',
	  encode_base64url(chr($status{ $_[0] }) . "\xff" x 256);
}

my $jti = 0;
my @tokens;

# A token for whose signature the backend returns this status.
sub token
{
	my ($verdict, $sub) = @_;
	$jti++;
	push @tokens, join '.', encode_base64url('{"alg":"EdDSA"}'),
	  encode_base64url(qq({"jti":$jti,"sub":"$sub"})), octets($verdict, 64);
	return $tokens[-1];
}

my $no_memory = refused('53200', 'out of memory', detail => undef);
my $internal = refused('XX000', 'crypto backend failed', detail => undef);
my $bad_signature = refused('23514', 'invalid JWT signature');
my %refusal = (
	BAD_SIGNATURE => $bad_signature,
	BAD_KEY => $internal,    # the key was usable when it was parsed
	UNSUPPORTED => refused('0A000', 'JWT algorithm is not supported by this build',
		hint => 'This build verifies with: fake. See auth.jwt_algorithms().'),
	NO_MEMORY => $no_memory,
	INTERNAL => $internal,
	NONE => $bad_signature);

for my $verdict (sort keys %refusal)
{
	my $kept = token('OK', 'kept');
	my $token = token($verdict, 'mallory');
	my $next = token('OK', 'next');
	session_ok(
		$node,
		"verify: $verdict",
		{ jwk => okp_key('NONE'), set => { 'request.jwt.claims' => '{"sub":"mallory"}' } },
		'SELECT auth.init()' => '',
		init_with($kept) => '',
		init_with($token) => $refusal{$verdict},
		'SELECT auth.user_id()' => 'kept',
		"SELECT auth.jwt_authenticate('$token')" => $refusal{$verdict},
		"SET pg_session_jwt.jwt = '$token'" => '',
		map({ ("SELECT auth.$_()" => $refusal{$verdict}) }
			qw(user_id uid session jwt organization organization_id)),
		'RESET pg_session_jwt.jwt' => '',
		init_with($next) => '',
		'SELECT auth.user_id()' => 'next');
}

# If the library fails, neither the token nor the keys are reported as bad.
for my $verdict (sort keys %status)
{
	my $whole = $verdict eq 'NO_MEMORY' ? $no_memory : $verdict =~ /^(INTERNAL|BAD_KEY)$/ ? $internal : undef;
	my $answer = $verdict eq 'OK' ? 't|NULL'
	  : $verdict eq 'UNSUPPORTED' ? qr/^f\|JWT algorithm is not supported by this build/
	  : 'f|invalid JWT signature';
	my $token = token($verdict, 'mallory');
	session_ok($node, "auth.jwt_verify(): $verdict", {},
		"SELECT valid, reason FROM auth.jwt_verify('$token', '@{[okp_key('NONE')]}')" => $whole // $answer);
}
my $of_no_use = refused('22023', 'no usable keys to verify with', detail => qr/^key /);
for my $verdict (qw(BAD_KEY UNSUPPORTED NO_MEMORY INTERNAL))
{
	my $refusal = $verdict eq 'NO_MEMORY' ? $no_memory : $verdict eq 'INTERNAL' ? $internal : $of_no_use;
	my $token = token('OK', 'mallory');
	my $bad = okp_key($verdict);
	session_ok(
		$node,
		"auth.jwt_verify(), prepare: $verdict",
		{},
		"SELECT valid FROM auth.jwt_verify('$token', '$bad')" => $refusal,
		# An unusable key of a set is skipped.
		"SELECT valid FROM auth.jwt_verify('$token', '{\"keys\":[$bad,@{[okp_key('NONE')]}]}')" =>
		  $refusal == $of_no_use ? 't' : $refusal);
}

my $unusable = refused('42804', 'pg_session_jwt.jwk is not a usable public key', detail => qr/^key /);
my %key_refusal = (
	BAD_SIGNATURE => $internal,    # says nothing of a key
	BAD_KEY => $unusable,
	UNSUPPORTED => refused('0A000',
		'pg_session_jwt.jwk needs an algorithm that this build does not support',
		hint => 'This build verifies with: fake. See auth.jwt_algorithms().'),
	NO_MEMORY => $no_memory,
	INTERNAL => $internal);

sub key_refused
{
	my ($name, $key, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $token = token('OK', 'mallory');
	session_ok(
		$node, $name,
		{ jwk => $key, set => { 'request.jwt.claims' => '{"sub":"mallory"}' } },
		'SELECT auth.init()' => $error,
		'SELECT auth.init()' => $error,
		init_with($token) => $error,
		"SET pg_session_jwt.jwt = '$token'" => '',
		'SELECT auth.user_id()' => $error,
		'SELECT auth.session()' => $error,
		'SELECT 1' => '1');
	return;
}

for my $verdict (sort keys %key_refusal)
{
	key_refused("prepare: $verdict", okp_key($verdict), $key_refusal{$verdict});
}
# An RSA modulus has no leading zero; its first octet selects the backend's status.
key_refused("prepare of an RSA key: $_", rsa_key($_), $key_refusal{$_})
  for qw(BAD_KEY UNSUPPORTED NO_MEMORY INTERNAL);

my $point = encode_base64url('x' x 32);
key_refused('an algorithm that no backend serves',
	qq({"kty":"EC","crv":"P-256","x":"$point","y":"$point"}), $key_refusal{UNSUPPORTED});
session_ok(
	$node,
	'auth.jwt_algorithms() lists what the build verifies',
	{},
	'SELECT string_agg(algorithm, $$ $$ ORDER BY algorithm COLLATE "C") FROM auth.jwt_algorithms() WHERE backend = $$fake$$'
	  => 'EdDSA HS256 RS256',
	'SELECT count(*) FROM auth.jwt_algorithms() WHERE backend IS NULL' => '11');

is_deeply([ logged_pieces($node, @tokens) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
