# The configuration file is read again under running sessions: what it does not
# change is verified no more than before, and what it changes is in force.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('reload', "include_if_exists = 'trust.conf'\n");
my $data = $node->data_dir;
my $alg = session_alg();
my $user = 'SELECT auth.user_id()';

$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

# What reads a file of settings as trust.conf. The plain setting beside them tells
# that it has been read.
my $reads = 0;

sub write_conf
{
	my ($name, %settings) = @_;
	my $text = '';
	for (sort keys %settings)
	{
		my $value = $settings{$_} =~ s/'/''/gr;
		$text .= "pg_session_jwt.$_ = '$value'\n";
	}
	put_file("$data/$name.conf", $text);
	return;
}

sub reload
{
	my ($name) = @_;
	$reads++;
	return (
		"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; (cat $name.conf; echo seq_page_cost = $reads) >trust.conf'" => '',
		'SELECT pg_reload_conf()' => 't',
		'SELECT pg_sleep(0.5)' => '',
		'SHOW seq_page_cost' => $reads);
}

# --- the key of a session ---------------------------------------------------------

my $key_token = sign('{"jti":1,"sub":"alice"}');
my $older = sign('{"jti":0,"sub":"mallory"}');
my %terms = (
	claims_fallback => 'off',
	leeway => '30',
	issuer => $ISSUER,
	audience => $AUDIENCE,
	algorithms => $alg,
	required_claims => 'exp,sub',
	token_types => 'JWT');
write_conf('session', %terms);
write_conf('session_in_file', %terms, jwk => public_jwk());

sub token_stays
{
	my ($name, $conf, $options) = @_;
	session_ok(
		$node, $name, $options,
		reload($conf),
		init_with($key_token) => '',
		$user => 'alice',
		map({
			(
				reload($conf),
				init_with($key_token) => '',
				"SELECT auth.jwt_session_init('$key_token', true), auth.user_id()" => '|alice',
				$user => 'alice',
				init_with($older) => refused('23514', 'Token ID must be strictly monotonically increasing.'))
		} 1 .. 2));
	return;
}

token_stays('the token that was accepted last can be set again', 'session', { jwk => public_jwk() });
# The setting is a placeholder until the first function is called, which is later.
session_ok($node, 'the key moves into the file', {}, reload('session_in_file'));
token_stays('with the key in the file', 'session_in_file', {});

# --- pinned keys --------------------------------------------------------------------

# In an audited session a read is one line, and a verification another.
sub lines_of
{
	my ($name, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @lines;
	for (session_ok(
			$node, $name, { set => { 'pg_session_jwt.audit_log' => 'on', client_min_messages => 'log' } }, @steps))
	{
		push @lines, 0 if $_->{message} eq 'now';
		$lines[-1]++ if @lines && $_->{message} =~ /^JWT issued for sub="alice" /;
	}
	return \@lines;
}

my @now = ('DO $$ BEGIN RAISE NOTICE $n$now$n$; END $$' => '', $user => 'alice');
my $key = new_key('ours');
my $token = sign(
	JSON::PP->new->encode({ iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', exp => time + 3600 }),
	jwk => $key,
	header => qq({"alg":"$alg","kid":"ours","typ":"JWT"}));
my $jwks = key_set($key);
put_file("$data/$_.json", $jwks) for qw(jwks same);
put_file("$data/$_.json", qq({"issuers":[{"issuer":"$ISSUER","jwks_file":"jwks.json"}]})) for qw(issuers alike);

# Each setting's other value lets the token pass as well.
my @of_file = (%terms, jwks_file => 'jwks.json');
my @of_issuers = (issuers_file => 'issuers.json', issuer => '');
for (
	[ jwks_file => 'same.json', @of_file ],
	[ jwks => "$jwks ", @of_file, jwks => $jwks, jwks_file => '' ],
	[ issuers_file => 'alike.json', @of_file, @of_issuers, jwks_file => '' ],
	[ issuer => '', @of_file ],
	[ audience => "another,$AUDIENCE", @of_file ],
	[ algorithms => "$alg,RS512", @of_file ],
	[ leeway => '31', @of_file ],
	[ required_claims => 'exp', @of_file ],
	[ token_types => 'JWT,at+jwt', @of_file ],
	[ claims_fallback => 'on', @of_file ])
{
	my ($setting, $other, %settings) = @$_;
	write_conf('before', %settings);
	write_conf('after', %settings, $setting => $other);
	is_deeply(
		lines_of(
			"$setting stays, and then changes",
			reload('before'),
			init_with($token) => '',
			$user => 'alice',
			@now,
			map { (reload($_), @now, @now) } qw(before after)),
		[ 1, 1, 1, 2, 1 ],
		'the token is verified again where it changed, and not else');
}

# --- what no longer is so -------------------------------------------------------------

put_file("$data/theirs.json", key_set(new_key('theirs')));
write_conf('ours', @of_file);
write_conf('theirs', @of_file, jwks_file => 'theirs.json');
write_conf('none', claims_fallback => 'off');
session_ok(
	$node,
	'keys that the file does not name any more are not believed',
	{},
	reload('ours'),
	init_with($token) => '',
	$user => 'alice',
	reload('theirs'),
	$user => refused('23514', 'no key for this JWT'),
	reload('ours'),
	$user => 'alice',
	reload('none'),
	$user => 'NULL');

is_deeply([ logged_pieces($node, $key_token, $older, $token) ], [], 'no piece of a token in the log');

$node->stop;
done_testing();
