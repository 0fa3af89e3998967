# SPDX-License-Identifier: Apache-2.0
# An ERROR in the middle of a verification releases the keys that were prepared for it. The
# module is linked with memory.c, and with fake.c as its crypto library, which counts its handles.

use strict;
use warnings;

use lib "$ENV{PGSJ_TESTS}/tap";
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('handles');
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE FUNCTION fake_handles() RETURNS int LANGUAGE c AS '$libdir/pg_session_jwt';
END

my $key = sprintf '{"kty":"OKP","crv":"Ed25519","x":"%s"}', encode_base64url("\xff" x 32);
my $token = join '.', map { encode_base64url($_) } '{"alg":"EdDSA"}', '{"jti":1,"sub":"alice"}', "\0" x 64;

# Each allocation of auth.jwt_verify() fails in turn. "n failures, at most m handles".
my $sweep = <<"END";
DO \$\$
DECLARE
	failures int := 0;
	handles int := 0;
	failed bool := true;
BEGIN
	FOR n IN 1 .. 200 LOOP
		EXIT WHEN NOT failed;
		failed := false;
		BEGIN
			PERFORM set_config('fake.fails', n::text, false);
			PERFORM * FROM auth.jwt_verify('$token', '$key');
		EXCEPTION WHEN out_of_memory THEN
			failed := true;
			failures := failures + 1;
		END;
		PERFORM set_config('fake.fails', '', false);
		handles := greatest(handles, fake_handles());
	END LOOP;
	RAISE NOTICE 'failures: %, handles: %, failed: %', failures, handles, failed;
END \$\$
END

my ($code, $out, $err) = $node->psql('postgres', $sweep);
is($code, 0, 'the sweep ends') or diag $err;
my ($failures, $handles, $failed) = $err =~ /failures: (\d+), handles: (\d+), failed: ([tf])/;
cmp_ok($failures, '>', 3, 'allocations failed');
is($failed, 'f', 'the last call did not fail');
is($handles, 0, 'no handle is left after an error, nor after a verification');

# A session key is prepared once, and stays.
session_ok(
	$node, 'a session key',
	{ jwk => $key },
	'SELECT auth.init()' => '',
	init_with($token) => '',
	'SELECT auth.user_id()' => 'alice',
	'SELECT fake_handles()' => '1');

done_testing();
