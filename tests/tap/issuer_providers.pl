# SPDX-License-Identifier: Apache-2.0
# Tokens with the form of each known provider, with the settings and the policies of
# docs/providers.md.

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

my $vectors = "$ENV{PGSJ_TESTS}/vectors/providers";
my @providers = map { m{([^/]+)/settings\.sql$} } glob "$vectors/*/settings.sql";
cmp_ok(@providers, '>=', 13, 'there are providers');

my $node = start_node('providers');
my $data = $node->data_dir;
mkdir "$data/jwks", 0700 or die "jwks: $!";
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN');

sub text_of { return slurp_file("$vectors/$_[0]/$_[1]") }

sub token_of
{
	my ($provider, @now) = @_;
	my ($out, $err);
	IPC::Run::run([ "$vectors/sign.sh", $provider, @now ], '<', \'', '>', \$out, '2>', \$err)
	  or die "sign.sh $provider: $err";
	chomp $out;
	return $out;
}

sub unsigned_token_of
{
	my ($provider) = @_;
	my $claims = text_of($provider, 'claims.json') =~ s/"now([+-]\d+)"/time + $1/ger;
	return join '.', map { encode_base64url($_) } text_of($provider, 'header.json') =~ s/\n\z//r, $claims,
	  "\0" x (alg_of($provider) =~ /^RS/ ? 256 : 64);
}

# Its algorithm, from its settings.
sub alg_of
{
	my ($provider) = @_;
	return text_of($provider, 'settings.sql') =~ /algorithms = '([^',]+)'/ ? $1 : die "$provider: no algorithm";
}

# The tool signs every algorithm that the build verifies. Without the algorithm, the
# test only checks that the token is refused: its signature has just the right length.
my %token = map { $_ => backends()->{ alg_of($_) } ? token_of($_) : unsigned_token_of($_) } @providers;
my @all = values %token;

for my $provider (@providers)
{
	my $settings = text_of($provider, 'settings.sql');
	my ($file) = $settings =~ /jwks_file = '([^']+)'/ or die "$provider: no jwks_file";
	my $alg = alg_of($provider);
	my $policy = text_of($provider, 'policy.sql');
	my $expected = JSON::PP->new->canonical->decode(text_of($provider, 'expected.json'));
	my %app = (db => 'app', user => 'app');

	$node->safe_psql('postgres', 'CREATE DATABASE app');
	$node->safe_psql('app', "CREATE EXTENSION pg_session_jwt;\n$settings");
	put_file("$data/$file", text_of($provider, 'jwks.json'));
	$node->safe_psql('app', $_) for $policy, text_of($provider, 'rows.sql');

	my @tables = $policy =~ /CREATE TABLE report/ ? qw(note report) : qw(note);
	my %body = (note => 'mine', report => 'ours');
	my @nothing = map { ("SELECT body FROM $_", '') } @tables;
	session_ok($node, "$provider: nothing without a token", \%app, 'SELECT auth.user_id()', 'NULL', @nothing);

	if (backends()->{$alg})
	{
		session_ok($node, "$provider: its token", \%app,
			init_with($token{$provider}), undef,
			(map { ("SELECT ($_)::text", $expected->{$_} // 'NULL') } sort keys %$expected),
			(map { ("SELECT body FROM $_", $body{$_}) } @tables),
			'SELECT mode, status, reason, algorithm FROM auth.jwt_status()', "issuer|valid|NULL|$alg");

		session_ok($node, "$provider: for one transaction", \%app,
			'BEGIN', undef,
			"SELECT auth.jwt_authenticate('$token{$provider}')", undef,
			'SELECT body FROM note', 'mine',
			'COMMIT', undef,
			@nothing);

		session_ok($node, "$provider: no other provider's token", \%app,
			init_with(token_of($provider, time - 30 * 86400)),
			refused('23514', 'Token used after it has expired', detail => qr/^exp=\d+$/),
			(map { (init_with($token{$_}), refused('23514', qr/ refused$|^JWT lacks a required claim$/)) }
				grep { $_ ne $provider } @providers),
			@nothing);
	}
	else
	{
		session_ok($node, "$provider: $alg, which this build lacks", \%app,
			init_with($token{$provider}),
			refused('55000', 'no usable keys',
				detail => qr/^file \Q$file\E: .*key is for an algorithm that this build does not support/),
			'SELECT auth.user_id()', 'NULL',
			@nothing,
			"SET pg_session_jwt.jwt = '$token{$provider}'", undef,
			'SELECT mode, status, reason FROM auth.jwt_status()',
			qr/^issuer\|\w+\|.*key is for an algorithm that this build does not support/,
			'SELECT body FROM note', refused('55000', 'no usable keys'));
	}

	# A row written with the token of a user is visible to that user only.
	my ($other) = text_of($provider, 'rows.sql') =~ /\('([^']+)', 'theirs'\)/;
	session_ok($node, "$provider: a row of one's own, none of another's", \%app,
		init_with($token{$provider}), undef,
		"INSERT INTO note (body) VALUES ('written')", undef,
		'SELECT body FROM note ORDER BY 1', "mine\nwritten",
		"INSERT INTO note (owner, body) VALUES ('$other', 'forged')",
		refused('42501', qr/^new row violates row-level security policy/))
	  if backends()->{$alg};

	$node->safe_psql('postgres', 'DROP DATABASE app');
}

is_deeply([ logged_pieces($node, @all) ], [], 'no part of a token is in the log');

done_testing();
