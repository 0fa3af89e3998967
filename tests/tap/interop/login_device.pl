# SPDX-License-Identifier: Apache-2.0
# psql logs in with the device authorization grant (RFC 8628) of an independent issuer behind
# https, and the token that it gets is the session's identity.

use strict;
use warnings;

use File::Spec;
use FindBin;
use lib "$FindBin::RealBin/..";
use IPC::Run ();
use Issuer;
use JSON::PP ();
use Login;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

delete @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY)};
my $tls = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
system_or_bail('bash', "$ENV{PGSJ_TESTS}/fetch/certificates.sh", $tls);
my $out = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
my %issuer = (in => '', out => '');
{
	local @ENV{qw(ISSUER_TLS ISSUER_CA)} = ("$tls/good.pem", "$tls/ca.pem");
	$issuer{run} = IPC::Run::start([ 'node', "$ENV{PGSJ_ISSUERS}/oidc-provider.mjs", $out ],
		'<', \$issuer{in}, '>', \$issuer{out}, IPC::Run::timeout(120));
}
$issuer{run}->pump until $issuer{out} =~ /^ready 0 /m;
my %alice = %{ JSON::PP::decode_json(slurp_file("$out/0/access-ES256/alice/expected.json")) };

my $node = start_login_node('login_device', new_key('unused'),
	conf => <<END, hba => hba_line(issuer => $alice{iss}, scope => 'notes:read', map => 'people'), ident => "people $alice{sub} alice");
pg_session_jwt.issuer = '$alice{iss}'
pg_session_jwt.audience = '$alice{aud}'
pg_session_jwt.algorithms = 'ES256'
pg_session_jwt.token_types = 'at+jwt'
END
put_file($node->data_dir . '/jwks.json', slurp_file("$out/0/jwks.json"));
$node->safe_psql('postgres', 'CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN');

# libpq 18 takes another authority only from the environment, and only together with PGOAUTHDEBUG;
# from 19 on a connection parameter names it.
my $authority = $node->pg_version < 19 ? '' : "oauth_ca_file=$tls/ca.pem";
local @ENV{qw(PGOAUTHDEBUG PGOAUTHCAFILE)} = ('UNSAFE', "$tls/ca.pem") if $authority eq '';

# Runs psql as this role; alice enters the code that psql shows. Returns what psql printed.
sub log_in_as
{
	my ($role, $sql) = @_;
	my ($printed, $told) = ('', '');
	my $psql = IPC::Run::start(
		[
			'psql', '-X', '-A', '-t', '-w', '-c', $sql,
			"host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=postgres user=$role "
			  . "oauth_issuer=$alice{iss} oauth_client_id=psql $authority"
		],
		'>', \$printed, '2>', \$told, IPC::Run::timeout(60));
	$psql->pump until $told =~ m{Visit \Q$alice{iss}\E/device and enter the code: (\S+)\n} || !$psql->pumpable;
	if (defined $1)
	{
		$issuer{in} .= "device $1\n";
		$issuer{run}->pump until $issuer{out} =~ /^ready \d+ .*\n\z/m && $issuer{in} eq '';
	}
	$psql->finish;
	return ($printed, $told);
}

my ($printed, $told) = log_in_as('alice', 'SELECT auth.user_id(), system_user, login, mode, status FROM auth.jwt_status()');
is($printed, "$alice{sub}|oauth:$alice{sub}|t|issuer|valid\n", 'psql logs in with the device flow') or diag $told;
($printed, $told) = log_in_as('bob', 'SELECT 1');
is($printed, '', 'the same user is not let in as another role');
like($told, qr/FATAL:  OAuth bearer authentication failed for user "bob"$/, 'psql says so');
$issuer{in} .= "quit\n";
$issuer{run}->finish;
unlike(slurp_file($node->logfile), qr/eyJ/, 'no part of a token is in the log');
$node->stop;
done_testing();
