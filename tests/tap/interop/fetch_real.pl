# SPDX-License-Identifier: Apache-2.0
# Independent issuers behind https, whose keys the server finds and fetches by itself.

use strict;
use warnings;

use File::Spec;
use FindBin;
use lib "$FindBin::RealBin/..";
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

delete @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY)};
my $tls = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
system_or_bail('bash', "$ENV{PGSJ_TESTS}/fetch/certificates.sh", $tls);
my $alg = backends()->{ES256} ? 'ES256' : 'EdDSA';

# An issuer that runs: its program, and which of its tokens are used.
sub start_issuer
{
	my ($program, $tokens) = @_;
	my $issuer = { in => '', out => '', round => -1, tokens => $tokens,
		dir => File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir()) };
	local @ENV{qw(ISSUER_TLS ISSUER_CA)} = ("$tls/good.pem", "$tls/ca.pem");
	$issuer->{run} = IPC::Run::start([ 'node', "$ENV{PGSJ_ISSUERS}/$program.mjs", $issuer->{dir} ],
		'<', \$issuer->{in}, '>', \$issuer->{out}, IPC::Run::timeout(120));
	return $issuer;
}

# Runs a command of the issuer, and returns alice's token of the round after it.
sub round
{
	my ($issuer, $command) = @_;
	$issuer->{in} .= "$command\n" if defined $command;
	$issuer->{round}++;
	$issuer->{run}->pump until $issuer->{out} =~ /^ready $issuer->{round} (\S+)$/m;
	my $url = $1;
	my $top = "$issuer->{dir}/$issuer->{round}/$issuer->{tokens}/alice";
	return { url => $url, token => slurp_file("$top/token.jwt"), %{ JSON::PP::decode_json(slurp_file("$top/expected.json")) } };
}

my $node = PostgreSQL::Test::Cluster->new('fetch_real');
$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
my $library = $node->pg_version < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
$node->append_conf('postgresql.conf', <<END);
log_statement = none
shared_preload_libraries = '$library'
pg_session_jwt.fetch_ca_file = '$tls/ca.pem'
pg_session_jwt.fetch_allow = 'private'
pg_session_jwt.unknown_kid_interval = 0
END
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt; CREATE ROLE app LOGIN');

my %app = (user => 'app');
my $user = 'SELECT auth.user_id()';
my $no_key = refused('23514', 'no key for this JWT');
my @tokens;

# $conf->($token): the settings that name the issuer.
sub real_issuer
{
	my ($name, $issuer, $conf) = @_;
	my $first = round($issuer);
	like($first->{iss}, qr{^https://localhost:\d+$}, "$name: the issuer is behind https");
	$node->append_conf('postgresql.conf',
		"pg_session_jwt.issuer = '$first->{iss}'\npg_session_jwt.audience = '$first->{aud}'\n" . $conf->($first));
	# The server starts a worker again that had nothing to fetch.
	$node->restart;
	is($node->poll_query_until('postgres', 'SELECT keys > 0 FROM auth.jwt_key_sources()'), 1, "$name: its keys are fetched");

	session_ok($node, "$name: a token", \%app, init_with($first->{token}) => '', $user => $first->{sub});
	my $second = round($issuer, 'rotate');
	session_ok($node, "$name: a token of a new key, and one of the old key", \%app,
		init_with($second->{token}) => $no_key,
		'SELECT pg_sleep(1)' => undef,
		init_with($second->{token}) => '',
		$user => $second->{sub},
		init_with($first->{token}) => '',
		$user => $first->{sub});
	my $third = round($issuer, 'retire');
	my $unknown = encode_base64url(qq({"alg":"$first->{alg}","kid":"none"}));
	session_ok($node, "$name: a token of a retired key", \%app,
		init_with($first->{token}) => '',
		init_with("$unknown." . (split /\./, $second->{token}, 2)[1]) => $no_key,
		'SELECT pg_sleep(1)' => undef,
		init_with($first->{token}) => $no_key,
		init_with($third->{token}) => '',
		$user => $third->{sub});
	$issuer->{in} .= "quit\n";
	$issuer->{run}->finish;
	push @tokens, map { $_->{token} } $first, $second, $third;
}

my ($oidc_provider, $better_auth) = (start_issuer('oidc-provider', "access-$alg"), start_issuer('better-auth', 'session'));
real_issuer('oidc-provider', $oidc_provider, sub { return "pg_session_jwt.discovery = on\n" });
# It has no metadata, and signs with Ed25519.
real_issuer('Better Auth', $better_auth, sub { return "pg_session_jwt.discovery = off\npg_session_jwt.jwks_url = '$_[0]{url}'\n" });
is_deeply([ logged_pieces($node, @tokens) ], [], 'no part of a token is in the log');
$node->stop;
done_testing();
