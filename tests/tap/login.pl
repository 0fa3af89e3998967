# SPDX-License-Identifier: Apache-2.0
# The login with a token: who may log in as whom, and the identity that the connection gets.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;

my ($major) = `"$ENV{PG_CONFIG}" --version` =~ /(\d+)/;
plan skip_all => "PostgreSQL $major has no login by OAuth: that begins with 18" if $major < 18;

my $node = PostgreSQL::Test::Cluster->new('login');
$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
my $keys = '{"keys":[' . public_jwk() . ']}';
$node->append_conf('postgresql.conf', <<"END");
log_statement = none
oauth_validator_libraries = 'pg_session_jwt'
pg_session_jwt.jwks = '$keys'
pg_session_jwt.issuer = '$ISSUER'
pg_session_jwt.audience = '$AUDIENCE'
END
# The superuser of the test logs in without a token.
my $admin = getpwuid $<;
sub set_hba
{
	my (@lines) = @_;
	open my $hba, '>', $node->data_dir . '/pg_hba.conf' or die;
	print $hba map { "$_\n" } "local all $admin trust", @lines;
	close $hba;
	return;
}
my $line = qq(oauth issuer="$ISSUER" scope="notes");
set_hba("local all all $line map=users");
open my $ident, '>', $node->data_dir . '/pg_ident.conf' or die;
print $ident "users alice alice\nusers alice app\nusers https://issuer.test/|alice app\n";
close $ident;
$node->start;
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE ROLE alice LOGIN;
CREATE ROLE app LOGIN;
CREATE ROLE admin LOGIN SUPERUSER;
END

my $now = time;
sub token
{
	my ($claims) = @_;
	return sign(qq({"iss":"$ISSUER","aud":"$AUDIENCE","iat":$now,"exp":@{[ $now + 3600 ]},$claims}));
}
my $USER = 'SELECT auth.user_id()';
my $alice = token('"sub":"alice","scope":"other notes"');

sub log_in
{
	my ($token, %o) = @_;
	return Protocol->connect($node, user => 'app', token => $token, %o);
}

# One session: each statement has this result, whose lines are joined.
sub session_is
{
	my ($name, $client, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @wrong;
	if ($client->{answer}{error}) { push @wrong, "login: $client->{answer}{error}{M}" }
	while (!@wrong && @steps)
	{
		my ($sql, $wanted) = splice @steps, 0, 2;
		my $got = join "\n", @{ $client->simple($sql)->{lines} };
		push @wrong, "$sql\n     got: $got\n  wanted: $wanted" if ref $wanted ? $got !~ $wanted : $got ne $wanted;
	}
	ok(!@wrong, $name) or diag @wrong;
	$client->disconnect if !$client->{answer}{error};
	return;
}

session_is('the login is the identity', log_in($alice), $USER => 'alice', 'SELECT system_user' => 'oauth:alice',
	'SELECT status, login, mode, subject FROM auth.jwt_status()' => 'valid|t|issuer|alice');
done_testing();
