# SPDX-License-Identifier: Apache-2.0
# Independent issuers log users in, and their tokens read rows. The keys come from the
# address where the issuer publishes them, also after a change of the keys.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/..";
use HTTP::Tiny;
use Issuer;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('real');
my $data = $node->data_dir;
mkdir "$data/jwks", 0700 or die "jwks: $!";
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN');
my @all_tokens;

# Starts an issuer, in a hash; see tests/issuers/README.md.
sub start_issuer
{
	my ($script, @arguments) = @_;
	my %issuer = (dir => PostgreSQL::Test::Utils::tempdir(), round => 0, in => '', out => '');
	$issuer{run} = IPC::Run::start(
		[ 'node', "$ENV{PGSJ_ISSUERS}/$script", $issuer{dir}, @arguments ],
		'<', \$issuer{in}, '>', \$issuer{out},
		$issuer{timer} = IPC::Run::timeout(120));
	return await(\%issuer);
}

# Waits until the issuer has logged its users in, and reads their tokens:
# { case => { user => { token, iss, sub, aud, alg, ... } } }.
sub await
{
	my ($issuer) = @_;
	$issuer->{run}->pump until $issuer->{out} =~ /^ready $issuer->{round} (\S+)$/m;
	$issuer->{url} = $1;
	my $top = "$issuer->{dir}/$issuer->{round}";
	my %users;
	for my $file (glob "$top/*/*/token.jwt")
	{
		my ($case, $user) = $file =~ m{([^/]+)/([^/]+)/token\.jwt$};
		my $token = slurp_file($file);
		push @all_tokens, $token;
		$users{$case}{$user} =
		  { token => $token, %{ JSON::PP::decode_json(slurp_file("$top/$case/$user/expected.json")) } };
	}
	push @{ $issuer->{users} }, \%users;
	return $issuer;
}

sub command
{
	my ($issuer, $command) = @_;
	$issuer->{in} .= "$command\n";
	$issuer->{round}++;
	return await($issuer);
}

# Writes the key set that the issuer publishes now beside the current file.
# Returns the shell command that replaces the current file.
sub fetch
{
	my ($issuer, $file) = @_;
	my $answer = HTTP::Tiny->new->get($issuer->{url});
	die "$issuer->{url}: $answer->{status} $answer->{reason}" unless $answer->{success};
	append_to_file("$data/jwks/$file.new", $answer->{content});
	return "mv '$data/jwks/$file.new' '$data/jwks/$file'";
}

# A step in which psql runs a shell command, and then a statement.
sub psql_does
{
	my ($command, $sql) = @_;
	return "\\! $command\n" . ($sql // 'SELECT 1');
}

# A database that trusts the issuer, with the rows of two users.
sub create_database
{
	my ($name, $settings, $users) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, "CREATE EXTENSION pg_session_jwt;\n"
		. join '', map { "ALTER DATABASE $name SET pg_session_jwt.$_ = '$settings->{$_}';\n" } sort keys %$settings);
	$node->safe_psql($name, notes_table(2, map { $_->{sub} } values %$users) . 'GRANT ALL ON note TO app');
}

sub rows { return join "\n", map { "$_[0]{sub} $_" } 1, 2 }
my $notes = 'SELECT body FROM note ORDER BY body';
my $no_key = refused('23514', 'no key for this JWT');

# The steps in which a user's token reads that user's rows, or is refused if the build
# does not verify its algorithm.
sub reads
{
	my ($user) = @_;
	return (init_with($user->{token}), refused('0A000', 'JWT algorithm is not supported by this build'))
	  unless backends()->{ $user->{alg} };
	return (
		init_with($user->{token}), undef,
		$notes, rows($user),
		'SELECT auth.user_id(), auth.email()', "$user->{sub}|" . ($user->{email} // 'NULL'),
		'SELECT status, issuer, subject, algorithm FROM auth.jwt_status()',
		"valid|$user->{iss}|$user->{sub}|$user->{alg}");
}

sub supported { return grep { backends()->{ $_->{alg} } } @_ }
sub both { return @{ $_[0] }{qw(alice bob)} }

for my $version ('', '1.2')
{
	my $name = 'better_auth' . $version =~ s/\./_/r;
	my $issuer = start_issuer('better-auth.mjs', $version || ());
	my $first = $issuer->{users}[0]{session};
	my ($alice, $bob) = both($first);
	create_database($name,
		{ jwks_file => "jwks/$name.json", issuer => $alice->{iss}, audience => $alice->{aud}, algorithms => 'EdDSA' },
		$first);
	my %app = (db => $name, user => 'app');

	system_or_bail(fetch($issuer, "$name.json"));
	if (!backends()->{EdDSA})
	{
		session_ok($node, "$name: EdDSA, which this build lacks", \%app,
			(map { (init_with($_->{token}), refused('55000', 'no usable keys',
				detail => qr/^file jwks\/$name\.json: .*key is for an algorithm that this build does not support/))
			} $alice, $bob),
			$notes, '');
		next;
	}
	session_ok($node, "$name: each user's token, each user's rows", \%app,
		$notes, '', (map { reads($_) } $alice, $bob));
	if (!$version)
	{
		my $rotated = command($issuer, 'rotate')->{users}[1]{session};
		session_ok($node, "$name: a new key is used from the statement after its file changed", \%app,
			reads($alice),
			init_with($rotated->{alice}{token}), $no_key,
			psql_does(fetch($issuer, "$name.json")), '1',
			(map { reads($_) } both($rotated), $alice, $bob));
	}
	my $before = $issuer->{users}[-1]{session};
	my $retired = command($issuer, 'retire')->{users}[-1]{session};
	# With 1.2 all keys are new. Otherwise the keys before the last one are removed.
	my @gone = both($version ? $before : $first);
	session_ok($node, "$name: a retired key is no longer trusted", \%app,
		init_with($gone[0]{token}), undef,
		$notes, rows($gone[0]),
		psql_does(fetch($issuer, "$name.json"), $notes), $no_key,
		(map { (init_with($_->{token}), $no_key) } @gone),
		(map { reads($_) } both($retired)));
	$issuer->{in} .= "quit\n";
	$issuer->{run}->finish;
}

# oidc-provider: access tokens are for one database, ID tokens for another; both
# have the same issuer and the same keys.
my $issuer = start_issuer('oidc-provider.mjs');
my $first = $issuer->{users}[0];
my @algorithms = qw(RS256 ES256 PS256 EdDSA);
my %common = (
	jwks_file => 'jwks/oidc.json',
	issuer => $first->{'id-RS256'}{alice}{iss},
	algorithms => join ', ', @algorithms);
sub audiences { return join ', ', map { qq("$first->{"$_[0]-$_"}{alice}{aud}") } @algorithms }
create_database('api', { %common, audience => audiences('access'), token_types => 'at+jwt' }, $first->{'access-RS256'});
create_database('site', { %common, audience => audiences('id') }, $first->{'id-RS256'});
system_or_bail(fetch($issuer, 'oidc.json'));
my %database = (access => 'api', id => 'site');

sub tokens_of
{
	my ($round, $kind) = @_;
	return map { both($issuer->{users}[$round]{"$kind-$_"}) } @algorithms;
}

for my $kind (qw(access id))
{
	session_ok($node, "oidc-provider: $kind tokens of each algorithm", { db => $database{$kind}, user => 'app' },
		$notes, '', (map { reads($_) } tokens_of(0, $kind)));
}
my @usable = supported(map { $_->{alice} } @$first{ map { "access-$_" } @algorithms });
session_ok($node, 'oidc-provider: scopes of an access token', { db => 'api', user => 'app' },
	map { (init_with($_->{token}), undef, "SELECT auth.has_scope('notes:read'), auth.has_scope('notes')", 't|f') } @usable);
session_ok($node, 'oidc-provider: no ID token where access tokens are wanted', { db => 'api', user => 'app' },
	map { (init_with($_->{token}), refused('23514', 'JWT header refused', detail => qr/^token type is not accepted/)) }
	  supported(tokens_of(0, 'id')));
session_ok($node, 'oidc-provider: no access token of another audience', { db => 'site', user => 'app' },
	map { (init_with($_->{token}), refused('23514', 'JWT audience refused')) } supported(tokens_of(0, 'access')));

command($issuer, 'rotate');
my $put = fetch($issuer, 'oidc.json');
for my $kind (qw(access id))
{
	my %app = (db => $database{$kind}, user => 'app');
	my ($old) = supported(tokens_of(0, $kind));
	my ($new) = supported(tokens_of(1, $kind));
	session_ok($node, "oidc-provider: $kind tokens of new and of old keys", \%app,
		reads($old),
		($kind eq 'access'
			? (init_with($new->{token}), $no_key, psql_does($put), '1')
			: ()),
		(map { reads($_) } tokens_of(1, $kind), tokens_of(0, $kind)));
}

command($issuer, 'retire');
$put = fetch($issuer, 'oidc.json');
for my $kind (qw(access id))
{
	my @old = supported(tokens_of(0, $kind));
	session_ok($node, "oidc-provider: $kind tokens of retired keys", { db => $database{$kind}, user => 'app' },
		($kind eq 'access'
			? (init_with($old[0]{token}), undef, $notes, rows($old[0]), psql_does($put, $notes), $no_key)
			: ()),
		(map { (init_with($_->{token}), $no_key) } @old),
		(map { reads($_) } tokens_of(2, $kind), tokens_of(1, $kind)));
}
$issuer->{in} .= "quit\n";
$issuer->{run}->finish;

# The log contains no refused token either.
is_deeply([ logged_pieces($node, @all_tokens) ], [], 'no part of a token is in the log');

done_testing();
