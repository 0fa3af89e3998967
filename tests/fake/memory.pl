# SPDX-License-Identifier: Apache-2.0
# Out of memory: the session raises an error and keeps its previous state. The module is
# linked with memory.c, and with fake.c as its crypto library.

use strict;
use warnings;

use lib "$ENV{PGSJ_TESTS}/tap";
use File::Spec;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('memory', <<END);
log_min_messages = debug1
log_error_verbosity = verbose
END
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

my @tokens;

# A token whose signature the backend accepts.
sub token
{
	my ($payload) = @_;
	push @tokens, join '.', map { encode_base64url($_) } '{"alg":"EdDSA"}', $payload, "\0" x 64;
	return $tokens[-1];
}

my $user = 'SELECT auth.user_id()';
my $good = { jwk => sprintf '{"kty":"OKP","crv":"Ed25519","x":"%s"}', encode_base64url("\xff" x 32) };
my $kept = token('{"jti":1,"sub":"kept"}');
my $next = token('{"jti":2,"sub":"next"}');

# Each allocation of @$tried fails in turn, each in a separate session: survives($name,
# \%options, \@before, \@tried, \@then). before and tried: SQL => RESULT; a tried
# statement has its result or fails with 53200. then: SQL => [RESULT after a failure,
# RESULT otherwise].
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
	[ "SELECT auth.jwt_authenticate('$next'), auth.user_id()" => 'next|next' ],
	[ $user => [ 'kept', 'kept' ], init_with($next) => [ '', '' ], $user => [ 'next', 'next' ] ]);
survives(
	'reading a token',
	$good,
	[ init_with($kept) => '', "SET pg_session_jwt.jwt = '$next'" => '' ],
	[ $user => 'next' ],
	[ $user => [ 'next', 'next' ], 'RESET pg_session_jwt.jwt' => [ '', '' ], init_with($next) => [ '', '' ] ]);
# If SET itself fails, the error is the server's own, and the server logs the statement.
survives(
	'setting a token',
	{ %$good, set => { log_min_error_statement => 'panic' } },
	[ init_with($kept) => '' ],
	[ "SET pg_session_jwt.jwt = '$next'" => '' ],
	[ $user => [ 'kept', 'next' ] ]);
survives(
	'the first call of a session',
	{ %$good, set => { 'request.jwt.claims' => '{"sub":"mallory"}' } },
	[],
	[ 'SELECT auth.init()' => '', init_with($kept) => '' ],
	[ 'SELECT auth.init()' => [ '', '' ], init_with($next) => [ '', '' ], $user => [ 'next', 'next' ] ]);
survives(
	'the claims of a gateway',
	{},
	[ q(SET request.jwt.claims = '{"sub":"kept"}') => '', $user => 'kept' ],
	[ q(SET request.jwt.claims = '{"sub":"next"}') => '', $user => 'next' ],
	[ $user => [ 'next', 'next' ] ]);

# --- the keys of an issuer -------------------------------------------------------

# A set with one key of this id, and a token whose header names this key.
sub key_set
{
	return sprintf '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"%s","x":"%s"}]}', $_[0],
	  encode_base64url("\xff" x 32);
}

sub token_of
{
	my ($kid) = @_;
	push @tokens, join '.',
	  map { encode_base64url($_) } qq({"alg":"EdDSA","kid":"$kid"}), qq({"sub":"$kid"}), "\0" x 64;
	return $tokens[-1];
}

my $file = File::Spec->rel2abs($node->data_dir . '/keys.json');
my ($old, $new) = map { token_of($_) } qw(old new);
my $no_key = refused('23514', 'no key for this JWT', detail => qr{^no key for this token: no key has its "kid"});
$node->safe_psql('postgres', "ALTER DATABASE postgres SET pg_session_jwt.required_claims = ''");

# $change replaces the key "old" by "new". Each allocation fails in turn while a session
# applies it, each in a separate session. As soon as there is memory again, the new key is
# used without a further change. Until then the old key may still be used if $lasts.
sub replaced
{
	my ($name, $options, $start, $change, $lasts) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $failures = 0;
	for (my $failed = 1; $failed; $failures += $failed)
	{
		my $n = $failures + 1;
		$failed = 0;
		session_ok(
			$node,
			"$name: allocation $n",
			$options,
			@$start,
			init_with($old) => '',
			$user => 'old',
			@$change,
			"SET fake.fails = '$n'" => '',
			$user => sub {
				my ($got) = @_;
				return $got->{state} eq $no_key->{state} && $got->{message} eq $no_key->{message}
				  if ref $got && $got->{state} ne '53200';
				$failed = 1;
				return ref $got ? $got->{message} eq 'out of memory' : $lasts && $got eq 'old';
			},
			"SET fake.fails = ''" => '',
			$user => $no_key,
			init_with($old) => $no_key,
			init_with($new) => '',
			$user => 'new');
		last if $n > 300;
	}
	ok($failures > 3 && $failures < 300, "$name: memory ran out $failures times");
	return;
}

# A statement that follows within a millisecond need not know a change.
my @rotate = map {
	my $kid = $_;
	[ "COPY (SELECT '" . key_set($kid) . "') TO '$file'" => '', 'SELECT pg_sleep(0.001)' => '' ]
} qw(old new);
replaced(
	'a key file that is replaced',
	{ set => { 'pg_session_jwt.jwks_file' => 'keys.json' } },
	$rotate[0], $rotate[1], 1);
replaced(
	'keys in a setting that is changed',
	{ set => { 'pg_session_jwt.jwks' => key_set('old') } },
	[],
	[ "SET pg_session_jwt.jwks = '" . key_set('new') . q(') => '' ],
	0);

survives(
	'verifying a token that is not that of the session',
	{ set => { 'request.jwt.claims' => '{"sub":"kept"}' } },
	[ $user => 'kept' ],
	[ "SELECT payload, valid, reason FROM auth.jwt_verify('$next', '$good->{jwk}')" =>
		  '{"jti": 2, "sub": "next"}|t|NULL' ],
	[ $user => [ 'kept', 'kept' ] ]);

is_deeply([ logged_pieces($node, @tokens) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
