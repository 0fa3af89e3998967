# A crypto library that fails, and memory that runs out: the session says so and
# goes on with what it had. The module here is linked with fake.c, which answers
# as the first octet of key and signature tell it, and with memory.c.

use strict;
use warnings;

use lib "$ENV{PGSJ_TESTS}/tap";
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('failures', <<END);
log_min_messages = debug1
log_error_verbosity = verbose
END
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

my @tokens;

# enum crypto_status
my %status = (
	OK => 0, BAD_SIGNATURE => 1, BAD_KEY => 2, UNSUPPORTED => 3, NO_MEMORY => 4, INTERNAL => 5);

sub token
{
	my ($payload, $told) = @_;
	push @tokens, join '.', map { encode_base64url($_) } '{"alg":"EdDSA"}', $payload,
	  pack 'C a63', $status{$told}, 'x' x 63;
	return $tokens[-1];
}

sub key
{
	my ($first) = @_;
	return sprintf '{"kty":"OKP","crv":"Ed25519","x":"%s"}', encode_base64url(pack 'C a31', $first, 'x' x 31);
}

my $user = 'SELECT auth.user_id()';
my $good = { jwk => key(255) };
my $kept = token('{"jti":1,"sub":"kept"}', 'OK');
my $next = token('{"jti":2,"sub":"next"}', 'OK');
my $no_memory = refused('53200', 'out of memory', detail => undef, hint => undef);
my $backend_failed = refused('XX000', 'crypto backend failed');

# --- the crypto library -----------------------------------------------------

session_ok(
	$node, 'the algorithms of this build', {},
	'SELECT algorithm, backend FROM auth.jwt_algorithms() WHERE backend IS NOT NULL ORDER BY algorithm COLLATE "C"' =>
	  "EdDSA|fake\nHS256|fake\nRS256|fake");

my %of_signature = (
	BAD_SIGNATURE => refused('23514', 'invalid JWT signature'),
	# It was good when it was parsed.
	BAD_KEY => $backend_failed,
	UNSUPPORTED => refused('0A000', 'JWT algorithm is not supported by this build', hint => qr/: fake\./),
	NO_MEMORY => $no_memory,
	INTERNAL => $backend_failed);
for my $told (sort keys %of_signature)
{
	my $error = $of_signature{$told};
	my $token = token('{"jti":9,"sub":"mallory"}', $told);
	session_ok(
		$node,
		"verifying: $told",
		$good,
		init_with($kept) => '',
		$user => 'kept',
		init_with($token) => $error,
		$user => 'kept',
		"SELECT auth.jwt_session_init('$token', true)" => $error,
		$user => 'kept',
		'BEGIN' => '',
		"SET LOCAL pg_session_jwt.jwt = '$token'" => '',
		'SAVEPOINT s' => '',
		(map { ($_ => $error, 'ROLLBACK TO s' => '') } $user, 'SELECT auth.session()', 'SELECT auth.uid()'),
		'ROLLBACK' => '',
		$user => 'kept',
		# Its id was not taken for the last one.
		init_with($next) => '',
		$user => 'next');
}

my %of_key = (
	BAD_KEY => refused('42804', 'pg_session_jwt.jwk is not a usable public key'),
	UNSUPPORTED => refused('0A000', 'pg_session_jwt.jwk needs an algorithm that this build does not support',
		hint => qr/: fake\./),
	NO_MEMORY => $no_memory,
	INTERNAL => $backend_failed);
for my $told (sort keys %of_key)
{
	session_ok(
		$node,
		"the key: $told",
		{ jwk => key($status{$told}), set => { 'request.jwt.claims' => '{"sub":"mallory"}' } },
		map { ($_ => $of_key{$told}) } ('SELECT auth.init()', init_with($kept)) x 2);
	session_ok(
		$node,
		"the key, where a token is there that was not verified: $told",
		{ jwk => key($status{$told}), set => { 'pg_session_jwt.jwt' => $kept } },
		map { ($_ => $of_key{$told}) } ($user) x 2);
}

# --- memory -------------------------------------------------------------------

# Each allocation of @$tried fails in a session of its own: survives($name,
# \%options, \@before, \@tried, \@then). before and tried: SQL => RESULT; what is
# tried has its result or fails with 53200. then: SQL => [RESULT after a failure,
# RESULT else].
sub survives
{
	my ($name, $options, $before, $tried, $then) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $failures = 0;
	for (my $failed = 1; $failed; $failures += $failed)
	{
		my $n = $failures + 1;
		my (@tried, @then);
		$failed = 0;
		for (my $i = 0; $i < @$tried; $i += 2)
		{
			my $wanted = $tried->[ $i + 1 ];
			push @tried, $tried->[$i] => sub {
				return $_[0] eq $wanted if !ref $_[0];
				$failed = 1;
				return $_[0]{state} eq '53200' && $_[0]{message} eq 'out of memory';
			};
		}
		for (my $i = 0; $i < @$then; $i += 2)
		{
			my ($after_failure, $else) = @{ $then->[ $i + 1 ] };
			push @then, $then->[$i] => sub { return $_[0] eq ($failed ? $after_failure : $else) };
		}
		session_ok($node, "$name: allocation $n", $options, @$before, "SET fake.fails = '$n'" => '',
			@tried, "SET fake.fails = ''" => '', @then);
		last if $n > 300;
	}
	ok($failures > 0 && $failures < 300, "$name: memory ran out $failures times");
	return;
}

survives(
	'handing over a token',
	$good,
	[ init_with($kept) => '' ],
	[ init_with($next) => '' ],
	[
		$user => [ 'kept', 'next' ],
		'SELECT auth.session()' => [ '{"jti": 1, "sub": "kept"}', '{"jti": 2, "sub": "next"}' ],
		init_with($next) => [ '', '' ],
		$user => [ 'next', 'next' ]
	]);
survives(
	'handing over a token for one transaction',
	$good,
	[ init_with($kept) => '' ],
	[ "SELECT auth.jwt_session_init('$next', true), auth.user_id()" => '|next' ],
	[ $user => [ 'kept', 'kept' ], init_with($next) => [ '', '' ], $user => [ 'next', 'next' ] ]);
survives(
	'reading a token',
	$good,
	[ init_with($kept) => '', "SET pg_session_jwt.jwt = '$next'" => '' ],
	[ $user => 'next' ],
	[ $user => [ 'next', 'next' ], 'RESET pg_session_jwt.jwt' => [ '', '' ], init_with($next) => [ '', '' ] ]);
# Where the SET itself fails the error is the server's, which logs the statement.
survives(
	'setting a token',
	{ %$good, set => { log_min_error_statement => 'panic' } },
	[ init_with($kept) => '' ],
	[ "SET pg_session_jwt.jwt = '$next'" => '' ],
	[ $user => [ 'kept', 'next' ] ]);
survives(
	'the claims of a gateway',
	{},
	[ q(SET request.jwt.claims = '{"sub":"kept"}') => '', $user => 'kept' ],
	[ q(SET request.jwt.claims = '{"sub":"next"}') => '', $user => 'next' ],
	[ $user => [ 'next', 'next' ] ]);

is_deeply([ logged_pieces($node, @tokens) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
