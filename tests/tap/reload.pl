# SPDX-License-Identifier: Apache-2.0
# A reload of the configuration file while sessions run: without a change no token is
# verified again, and a change takes effect.

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

# Reloads with these settings in trust.conf. The plain setting beside them shows that the
# session has processed the reload.
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
	leeway => '30',
	issuer => $ISSUER,
	audience => $AUDIENCE,
	algorithms => $alg,
	required_claims => 'exp,sub',
	token_types => 'JWT');
my %session_terms = (%terms, mode => 'session_key');
write_conf('session', %session_terms);
write_conf('session_in_file', %session_terms, jwk => public_jwk());

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
				"SELECT auth.jwt_authenticate('$key_token'), auth.user_id()" => 'alice|alice',
				$user => 'alice',
				init_with($older) => refused('23514', 'Token ID must be strictly monotonically increasing.'))
		} 1 .. 2));
	return;
}

token_stays('the token that was accepted last can be set again', 'session', { jwk => public_jwk() });
# The setting is a placeholder here, because no function has been called yet.
session_ok($node, 'the key moves into the file', {}, reload('session_in_file'));
token_stays('with the key in the file', 'session_in_file', {});

# A setting that does not decide whether a token is accepted does not affect an accepted one.
my %changes = (
	leeway => [ leeway => '31' ],
	mode => [ mode => 'auto' ],
	issuer => [ issuer => '', required_claims => '', token_types => '' ]);
write_conf("session_$_", %session_terms, @{ $changes{$_} }) for keys %changes;
session_ok(
	$node,
	'a session key: the last accepted token stays accepted when other settings change',
	{ jwk => public_jwk() },
	reload('session'),
	init_with($key_token) => '',
	map({
		(
			reload("session_$_"),
			init_with($key_token) => '',
			$user => 'alice',
			init_with($older) => refused('23514', 'Token ID must be strictly monotonically increasing.'))
	} sort keys %changes));

# The session verified nothing under the settings in between, and then has the same key again.
write_conf('session_none', %session_terms, mode => 'none');
write_conf('session_issuer', %session_terms, mode => 'issuer', jwks => key_set(new_key('pinned')));
session_ok(
	$node,
	'a session key: the last accepted token can be set again when other modes came and went',
	{ jwk => public_jwk() },
	reload('session'),
	init_with($key_token) => '',
	$user => 'alice',
	map({
		my ($other, $refused) = @$_;
		(
			reload($other),
			init_with($key_token) => $refused,
			'DISCARD ALL' => '',
			reload('session'),
			$user => 'NULL',
			init_with($key_token) => '',
			$user => 'alice',
			init_with($older) => refused('23514', 'Token ID must be strictly monotonically increasing.'))
	}
		[ session_none => refused('55000', 'JWT is not accepted in this mode') ],
		[ session_issuer => refused('42501', "pg_session_jwt.jwk is not accepted: this server's keys are pinned") ]));

# The current leeway decides whether an accepted token has expired.
my $exp = time - 1;
my $expired = sign(qq({"jti":2,"sub":"alice","exp":$exp}));
write_conf('session_strict', %session_terms, leeway => '0');
session_ok(
	$node,
	'a session key: the current leeway decides when an accepted token expires',
	{ jwk => public_jwk() },
	reload('session'),
	init_with($expired) => '',
	$user => 'alice',
	reload('session_strict'),
	$user => refused('23514', 'Token used after it has expired', detail => "exp=$exp"),
	reload('session'),
	init_with($expired) => '',
	$user => 'alice');

# It also decides whether an accepted token is valid yet.
my $nbf = time + 25;
my $early = sign(qq({"jti":2,"sub":"alice","nbf":$nbf}));
session_ok(
	$node,
	'a session key: the current leeway decides when an accepted token begins to be valid',
	{ jwk => public_jwk() },
	reload('session'),
	init_with($early) => '',
	$user => 'alice',
	reload('session_strict'),
	$user => refused('23514', 'Token used before it is ready', detail => "nbf=$nbf"),
	reload('session'),
	$user => 'alice');

# --- pinned keys --------------------------------------------------------------------

# With the audit log on, each read writes one line, and each verification another one.
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
my $more = key_set($key, new_key('more'));
put_file("$data/$_.json", $jwks) for qw(jwks same);
put_file("$data/more.json", $more);
put_file("$data/$_.json", qq({"issuers":[{"issuer":"$ISSUER","jwks_file":"jwks.json"}]})) for qw(issuers alike);

# The token is also valid with the other value of each setting.
my @of_file = (%terms, jwks_file => 'jwks.json');
my @of_issuers = (issuers_file => 'issuers.json', issuer => '');
for (
	[ 0, jwks_file => 'same.json', @of_file ],
	[ 1, jwks_file => 'more.json', @of_file ],
	[ 0, jwks => "$jwks ", @of_file, jwks => $jwks, jwks_file => '' ],
	[ 1, jwks => $more, @of_file, jwks => $jwks, jwks_file => '' ],
	[ 0, issuers_file => 'alike.json', @of_file, @of_issuers, jwks_file => '' ],
	[ 1, issuer => '', @of_file ],
	[ 1, audience => "another,$AUDIENCE", @of_file ],
	[ 1, algorithms => "$alg,RS512", @of_file ],
	[ 0, leeway => '31', @of_file ],
	[ 1, required_claims => 'exp', @of_file ],
	[ 1, token_types => 'JWT,at+jwt', @of_file ],
	[ 0, mode => 'issuer', @of_file ])
{
	my ($decides, $setting, $other, %settings) = @$_;
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
		[ 1, 1, 1, 1 + $decides, 1 ],
		$decides ? 'the token is verified again after the change, and at no other time' : 'the token is not verified again');
}

# --- a key file is rewritten ------------------------------------------------------------

# The steps that replace the server's key file by a copy of another file.
sub rewrite
{
	my ($name) = @_;
	return ("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; cp $name.json new.json; mv new.json keys.json'" => '');
}

my %public = %$key;
delete $public{d};
my @members = map { sprintf '"%s" : "%s"', $_, $public{$_} } reverse sort keys %public;
put_file("$data/spaced.json", "{ \"keys\" :\n\t[ { " . join(" ,\n", @members) . ' , "use" : "sig" } ] }');
put_file("$data/renamed.json", key_set({ %$key, kid => 'renamed' }));
put_file("$data/keys.json", $jwks);
write_conf('rewritten', @of_file, jwks_file => 'keys.json');
is_deeply(
	lines_of(
		'a key file is rewritten',
		reload('rewritten'),
		init_with($token) => '',
		$user => 'alice',
		@now,
		map({ (rewrite($_), @now) } qw(spaced more)),
		rewrite('renamed'),
		$user => refused('23514', 'no key for this JWT'),
		rewrite('spaced'),
		@now),
	[ 1, 1, 2, 1 ],
	'the token is verified again if the keys change, and not if only their text changes');

# The last valid keys of a file outlast a reload that changes other settings.
write_conf('leeway', @of_file, jwks_file => 'keys.json', leeway => '31');
write_conf('audience', @of_file, jwks_file => 'keys.json', audience => "another,$AUDIENCE");
put_file("$data/keys.json", $jwks);
put_file("$data/broken.json", substr $jwks, 0, 20);
session_ok(
	$node,
	'a broken key file and a reload: the last valid keys stay',
	{},
	reload('rewritten'),
	init_with($token) => '',
	$user => 'alice',
	rewrite('broken'),
	$user => 'alice',
	map { (reload($_), $user => 'alice', 'DISCARD ALL' => '', init_with($token) => '', $user => 'alice') }
	  qw(leeway audience rewritten));

# --- changes that refuse the token -------------------------------------------------------------

put_file("$data/theirs.json", key_set(new_key('theirs')));
write_conf('ours', @of_file);
write_conf('theirs', @of_file, jwks_file => 'theirs.json');
write_conf('none', mode => 'none');
session_ok(
	$node,
	'keys that the file no longer contains are not trusted',
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
