# SPDX-License-Identifier: Apache-2.0
# An independent issuer behind https, whose keys the server finds and fetches by itself.

use strict;
use warnings;

use File::Spec;
use FindBin;
use lib "$FindBin::RealBin/..";
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;
use Time::HiRes qw(sleep time);

delete @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY)};
my $tls = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
system_or_bail('bash', "$ENV{PGSJ_TESTS}/fetch/certificates.sh", $tls);
my $out = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
my %issuer = (in => '', out => '', round => -1);
{
	local @ENV{qw(ISSUER_TLS ISSUER_CA)} = ("$tls/good.pem", "$tls/ca.pem");
	$issuer{run} = IPC::Run::start([ 'node', "$ENV{PGSJ_ISSUERS}/oidc-provider.mjs", $out ],
		'<', \$issuer{in}, '>', \$issuer{out}, IPC::Run::timeout(120));
}
my $alg = backends()->{ES256} ? 'ES256' : 'EdDSA';

# Runs a command of the issuer, and returns alice's access token of the round after it.
sub round
{
	my ($command) = @_;
	$issuer{in} .= "$command\n" if defined $command;
	$issuer{round}++;
	$issuer{run}->pump until $issuer{out} =~ /^ready $issuer{round} (\S+)$/m;
	my $top = "$out/$issuer{round}/access-$alg/alice";
	return { token => slurp_file("$top/token.jwt"), %{ JSON::PP::decode_json(slurp_file("$top/expected.json")) } };
}

my $first = round();
like($first->{iss}, qr{^https://localhost:\d+$}, 'the issuer is behind https');
my $node = PostgreSQL::Test::Cluster->new('fetch_real');
$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
my $library = $node->pg_version < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
$node->append_conf('postgresql.conf', <<END);
log_statement = none
shared_preload_libraries = '$library'
pg_session_jwt.issuer = '$first->{iss}'
pg_session_jwt.discovery = on
pg_session_jwt.audience = '$first->{aud}'
pg_session_jwt.fetch_ca_file = '$tls/ca.pem'
pg_session_jwt.fetch_allow = 'private'
pg_session_jwt.unknown_kid_interval = 0
END
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt; CREATE ROLE app LOGIN');
is($node->poll_query_until('postgres', 'SELECT keys > 0 FROM auth.jwt_key_sources()'), 1, 'its keys are fetched');

my %app = (user => 'app');
my $user = 'SELECT auth.user_id()';
my $no_key = refused('23514', 'no key for this JWT');
session_ok($node, 'a token', \%app, init_with($first->{token}) => '', $user => $first->{sub});
my $second = round('rotate');
session_ok($node, 'a token of a new key, and one of the old key', \%app,
	init_with($second->{token}) => $no_key,
	'SELECT pg_sleep(1)' => undef,
	init_with($second->{token}) => '',
	$user => $second->{sub},
	init_with($first->{token}) => '',
	$user => $first->{sub});
my $third = round('retire');
session_ok($node, 'a token of a retired key', \%app,
	init_with($first->{token}) => '',
	init_with('eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vbmUifQ.' . (split /\./, $second->{token}, 2)[1]) => $no_key,
	'SELECT pg_sleep(1)' => undef,
	init_with($first->{token}) => $no_key,
	init_with($third->{token}) => '',
	$user => $third->{sub});
$issuer{in} .= "quit\n";
$issuer{run}->finish;
is_deeply([ logged_pieces($node, map { $_->{token} } $first, $second, $third) ], [], 'no part of a token is in the log');
$node->stop;
done_testing();
