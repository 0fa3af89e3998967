# SPDX-License-Identifier: Apache-2.0
# Another module that exports the names of the extension's functions, and of its libraries', is
# loaded first. It takes the place of none of them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('hostile', "dynamic_library_path = '$ENV{PGSJ_MODULES}:\$libdir'\n");
my $hostile = 'pg_session_jwt_test_hostile';
my %first = (set => { session_preload_libraries => $hostile });

$node->safe_psql('postgres', <<"END_SQL");
CREATE EXTENSION pg_session_jwt;
CREATE FUNCTION hostile_user() RETURNS text LANGUAGE c AS '$hostile', 'user_id_wrapper';
CREATE FUNCTION load(text) RETURNS void LANGUAGE c AS 'pg_session_jwt_test_loader', 'test_load';
END_SQL

# The token with another payload, under the old signature.
sub forge
{
	my ($token) = @_;
	my $payload = encode_base64url('{"jti":9,"sub":"mallory"}');
	return $token =~ s/\.(.*?)\./.$payload./r;
}

# The backends whose library is linked from its archive, or is the server's own. Of another library, the
# functions are those of the first module that exports them: configuring warns of it.
my %private = map { $_ => 1 } split /,/, $ENV{PGSJ_PRIVATE_BACKENDS};
my $backends = backends();

for my $alg (sort grep { defined $backends->{$_} } keys %$backends)
{
	if (!$private{ $backends->{$alg} })
	{
		diag "$alg: this build links the shared library of $backends->{$alg}, which another module can replace";
		next;
	}
	my %secret = $alg =~ /^HS/ ? (jwk => { kty => 'oct', k => encode_base64url('s' x 64) }) : ();
	my $token = sign('{"jti":1,"sub":"alice","aud":["a","b"]}', alg => $alg, %secret);
	my $keys = %secret ? JSON::PP::encode_json($secret{jwk}) : public_jwk($alg);
	my $verify = "SELECT valid, reason, payload->>'sub' FROM auth.jwt_verify('%s', '$keys')";
	session_ok(
		$node,
		"$alg: the verdict is the extension's",
		\%first,
		'SELECT hostile_user()' => 'mallory',
		sprintf($verify, forge($token)) => 'f|invalid JWT signature|NULL',
		sprintf($verify, $token) => 't|NULL|alice',
		'SELECT hostile_user()' => 'mallory');
}

my $alice = sign('{"jti":1,"sub":"alice","o":{"id":"b1ffcd00-9c0b-4ef8-bb6d-6bb9bd380a11"}}');
if ($private{ $backends->{ session_alg() } })
{
	session_ok(
		$node,
		'the identity is of the token',
		{ %first, jwk => public_jwk() },
		'SELECT auth.init()' => '',
		init_with(forge($alice)) => refused('23514', 'invalid JWT signature'),
		init_with($alice) => '',
		"SELECT auth.jwt()->>'sub', auth.session()->>'sub', auth.user_id(), auth.claim('sub')" =>
		  'alice|alice|alice|alice',
		'SELECT auth.organization_id(), (auth.jwt_status()).status' =>
		  qr/^b1ffcd00-9c0b-4ef8-bb6d-6bb9bd380a11\|/,
		'SELECT hostile_user()' => 'mallory');
	session_ok(
		$node,
		'JSON is read and released',
		{ %first, jwk => public_jwk() },
		init_with(sign('{"jti":2,"sub":"bob",}')) => refused('42804', 'could not parse JWT component'),
		init_with(sign('{"jti":3,"sub":"bob","sub":"eve"}')) => refused('42804', 'could not parse JWT component'),
		init_with(sign('{"jti":4,"sub":"bob","x":[{"y":[1,{}]},null]}')) => '',
		'SELECT auth.user_id()' => 'bob');
}

# cJSON's library is shared by all modules of a process unless its archive is linked.
my $load = "SELECT load('" . ($ENV{PGSJ_CJSON} // '') . "')";
session_ok(
	$node,
	'another module may use cJSON',
	{ jwk => public_jwk() },
	$load => '',
	init_with($alice) => '',
	'SELECT auth.user_id()' => 'alice') if $ENV{PGSJ_CJSON};
session_ok(
	$node,
	'but if a third one takes the place of its functions, the extension refuses to load',
	{ %first, jwk => public_jwk() },
	$load => '',
	init_with($alice) => refused(
		'58000',
		'could not load the cJSON library',
		detail => qr/^Another module exports cJSON_\w+, and cJSON may use it\.$/),
	'SELECT hostile_user()' => 'mallory') if $ENV{PGSJ_CJSON};

$node->stop;
done_testing();
