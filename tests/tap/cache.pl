# SPDX-License-Identifier: Apache-2.0
# The identities that a session remembers: bounded memory, eviction, and rows that point to an
# identity which is evicted.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use HmacToken;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $jwks = hmac_key('s');
my $node = start_node('cache', <<END);
pg_session_jwt.jwks = '$jwks'
pg_session_jwt.algorithms = 'HS256'
pg_session_jwt.leeway = 0
client_min_messages = error
END
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

my $taken = q(SELECT sum(total_bytes) <= %d FROM pg_backend_memory_contexts WHERE name LIKE 'pg_session_jwt%%');

# With auditing on, a read logs one line, and a verification one more before it. Returns how many
# tokens were verified by the statements, which read as many identities.
sub verified
{
	my ($name, $options, $before, $counted) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @messages = session_ok($node, $name, $options, 'SET pg_session_jwt.audit_log = on' => '', @$before,
		'SET client_min_messages = log' => '', @$counted);
	my $lines = grep { $_->{message} =~ /^JWT claims/ || $_->{message} =~ /sub=/ } @messages;
	return $lines - grep { $_ eq $USER } @$counted;
}

my %kilobyte = map { sprintf('user %03d', $_) => hmac_token(sprintf('user %03d', $_), size => 1024) } 1 .. 400;
is(length $kilobyte{'user 007'} > 1000 && length $kilobyte{'user 007'} < 1050, 1, 'tokens have about 1 KB');

is(verified('400 tokens of 1 KB', {}, [ visit(%kilobyte) ], [ visit(%kilobyte) ]), 0, 'are remembered by default');
is(verified('without a cache', { set => { 'pg_session_jwt.cache_size' => 0 } },
		[ visit(a => hmac_token('a')) ], [ (visit(a => hmac_token('a'), b => hmac_token('b'))) x 2 ]),
	4, 'each token is verified each time it is set');

# --- memory ---------------------------------------------------------------------

for my $size (0, 64, 256)
{
	my %varied = map { ("user $_" => hmac_token("user $_", size => 200 + 37 * ($_ % 100))) } 1 .. 1000;
	my @statements = visit(%varied);
	# Half of them also make their claims as jsonb.
	my @with_jsonb = map { my ($sql, $want) = @statements[ 2 * $_, 2 * $_ + 1 ];
		($sql => $want, $sql eq $USER && $_ % 4 == 1 ? ('SELECT auth.session() IS NULL' => 'f') : ()) } 0 .. $#statements / 2;
	session_ok($node, "memory with a cache of $size kB",
		{ set => { 'pg_session_jwt.cache_size' => $size } },
		@with_jsonb, sprintf($taken, ($size + 64) * 1024) => 't');
}
session_ok($node, 'a cache that is made smaller gives memory back', {},
	visit(%kilobyte), sprintf($taken, 512 * 1024) => 'f',
	"SET pg_session_jwt.cache_size = '64kB'" => '', visit(a => hmac_token('a')), sprintf($taken, 128 * 1024) => 't',
	'SET pg_session_jwt.cache_size = 0' => '', visit(a => hmac_token('a')), sprintf($taken, 64 * 1024) => 't');
session_ok($node, 'a token larger than the cache is accepted', { set => { 'pg_session_jwt.cache_size' => 64 } },
	visit(a => hmac_token('a', size => 60000), b => hmac_token('b', size => 60000)), visit(c => hmac_token('c')));

# --- eviction -------------------------------------------------------------------

my %hot = map { ("hot $_" => hmac_token("hot $_", size => 1024)) } 1 .. 5;
my %cold = map { ("cold $_" => hmac_token("cold $_", size => 1024)) } 1 .. 300;
my @cold = visit(%cold);
my @mixed;
# The five are set again after each 12 others; the cache has room for about 26.
while (my @some = splice @cold, 0, 48)
{
	push @mixed, @some, visit(%hot);
}
is(verified('tokens in use', { set => { 'pg_session_jwt.cache_size' => 64 } }, [ visit(%hot), visit(%hot) ], \@mixed),
	keys %cold, 'stay while others pass through the cache');

my $soon = young_second() + 6;
my %short = map { ("short $_" => hmac_token("short $_", size => 1024, exp => $soon)) } 1 .. 12;
my %long = map { ("long $_" => hmac_token("long $_", size => 1024)) } 1 .. 12;
my %more = map { ("more $_" => hmac_token("more $_", size => 1024)) } 1 .. 8;
# Without expiry, eviction would begin with the oldest, which are not set again before.
is(verified('expired tokens', { set => { 'pg_session_jwt.cache_size' => 64 } },
		[ visit(%long), visit(%short), visit(%short), '\! sleep 7' => '', visit(%more) ], [ visit(%long) ]),
	0, 'are evicted first');

# --- rows -----------------------------------------------------------------------

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION flood(tokens text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE token text; names text := '';
BEGIN
	FOREACH token IN ARRAY tokens LOOP
		PERFORM set_config('pg_session_jwt.jwt', token, false);
		names := names || auth.user_id() || (auth.session() ->> 'sub');
	END LOOP;
	RETURN length(names);
END $$;
END
for my $size (0, 64, 1024)
{
	my $all = join ',', map { "'$kilobyte{$_}'" } sort keys %kilobyte;
	session_ok($node, "rows keep their values, cache_size $size", { set => { 'pg_session_jwt.cache_size' => $size } },
		visit(a => hmac_token('a')),
		"SELECT auth.user_id(), auth.session() ->> 'sub', flood(ARRAY[$all]), auth.user_id()" => 'a|a|6400|user 400',
		"SELECT auth.user_id(), auth.session(), flood(ARRAY[$all])" => qr/^user 400\|.*"sub": "user 400".*\|6400$/,
		visit(a => hmac_token('a')));
}

# --- sizes that are refused -----------------------------------------------------

session_ok($node, 'sizes', {},
	$USER => 'NULL',
	'SET pg_session_jwt.cache_size = 63' => refused('22023', 'invalid value for parameter "pg_session_jwt.cache_size": 63',
		detail => 'It must be 0 or at least 64 kB.'),
	'SET pg_session_jwt.cache_size = -1' => refused('22023', qr/^-1 kB is outside the valid range/),
	"SET pg_session_jwt.cache_size = '1025MB'" => refused('22023', qr/^1049600 kB is outside the valid range/),
	"SET pg_session_jwt.cache_size = '1GB'" => '',
	'SHOW pg_session_jwt.cache_size' => '1GB',
	'SET pg_session_jwt.cache_size = 64' => '',
	'SHOW pg_session_jwt.cache_size' => '64kB');

$node->stop;
done_testing();
