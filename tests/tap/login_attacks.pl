# SPDX-License-Identifier: Apache-2.0
# Logins that must be refused, and ways to become somebody else than the login's token says.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use Login;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $json = JSON::PP->new->canonical;
my ($key, $stranger) = (new_key('k1'), new_key('k1'));
my $node = start_login_node('login_attacks', $key, conf => <<'END', hba => hba_line(scope => 'notes:read notes:write'));
pg_session_jwt.token_types = 'at+jwt'
pg_session_jwt.claims = '{"client_id": "notes-client"}'
pg_session_jwt.revoked_file = 'revoked.jsonl'
END
my $data = $node->data_dir;

sub revoke
{
	put_file("$data/revoked.jsonl", join '', map { $json->encode($_) . "\n" } @_, { end => JSON::PP::true });
}
revoke();
$node->safe_psql('postgres', <<'END' . notes_table(1, qw(alice bob)));
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
CREATE DATABASE other;
END
$node->safe_psql('postgres', 'GRANT SELECT ON note TO alice, bob');
$node->safe_psql('other', 'CREATE EXTENSION pg_session_jwt');

my @tokens;

# A token of that user. Claims replace or add claims; typ and key: of another kind.
sub token
{
	my ($sub, %claims) = @_;
	my $typ = exists $claims{typ} ? delete $claims{typ} : 'at+jwt';
	my $signer = delete $claims{key} // $key;
	my %all = (
		iss => $ISSUER, aud => $AUDIENCE, sub => $sub, iat => time, exp => time + 3600, jti => 'j' . @tokens, sid => 's1',
		scope => 'notes:read notes:write other', client_id => 'notes-client', %claims);
	delete @all{ grep { !defined $all{$_} } keys %all };
	push @tokens, sign($json->encode(\%all), jwk => $signer,
		header => $json->encode({ alg => session_alg(), kid => $signer->{kid}, $typ ? (typ => $typ) : () }));
	return $tokens[-1];
}

sub alice { return { user => 'alice', token => token('alice', @_) } }
my $notes = 'SELECT body FROM note';
my @is_alice = ($notes => 'alice 1', 'SELECT auth.user_id(), session_user' => 'alice|alice');

# --- tokens that are refused ----------------------------------------------------------

login_ok($node, 'a good token', alice(), @is_alice);
my $now = time;
for my $case (
	[ 'a token of another issuer', { iss => 'https://other.example.com' }, qr/JWT issuer refused/ ],
	[ 'a token without an issuer', { iss => undef }, qr/JWT issuer refused|lacks a required claim/ ],
	[ 'a token with another key', { key => $stranger }, qr/JWT failed cryptographic verification|signature/i ],
	[ 'a token for another audience', { aud => 'wiki' }, qr/JWT audience refused/ ],
	[ 'a token for no audience', { aud => undef }, qr/JWT audience refused|lacks a required claim/ ],
	[ 'an ID token', { typ => 'JWT', aud => $AUDIENCE, scope => undef }, qr/JWT header refused: token type is not accepted/ ],
	[ 'a token without a type', { typ => undef }, qr/JWT header refused: token type is not accepted/ ],
	[ 'an expired token', { iat => $now - 7200, exp => $now - 3600 }, qr/Token used after it has expired/ ],
	[ 'a token without an end', { exp => undef }, qr/lacks a required claim/ ],
	[ 'a token of tomorrow', { nbf => $now + 86400 }, qr/Token used before it is ready/ ],
	[ 'a token of another client', { client_id => 'evil-client' }, qr/JWT claim refused/ ],
	[ 'one scope of two', { scope => 'notes:read' }, qr/has the scope "notes:write"/ ],
	[ 'a scope that begins alike', { scope => 'notes:read notes:write2 notes:writ' }, qr/has the scope "notes:write"/ ],
	[ 'no scope', { scope => undef }, qr/has the scope "notes:read"/ ])
{
	my ($name, $claims, $reason) = @$case;
	login_refused($node, $name, alice(%$claims), $reason);
}
login_ok($node, 'scopes as an array in scp', alice(scope => undef, scp => [ 'notes:write', 'notes:read' ]), @is_alice);
login_refused($node, "another user's token", { user => 'alice', token => token('bob') }, qr/do not match/);
my ($head, $payload, $signature) = split /\./, token('alice');
my $none = encode_base64url('{"alg":"none","typ":"at+jwt"}');
for my $case ([ 'a token without a signature', "$head.$payload." ], [ 'alg none', "$none.$payload." ],
	[ 'a changed payload', "$head." . encode_base64url(q({"sub":"alice"})) . ".$signature" ],
	[ 'no token', 'x' ], [ 'two parts', "$head.$payload" ])
{
	login_refused($node, $case->[0], { user => 'alice', token => $case->[1] }, qr/login with a token was refused|DETAIL:  JWT|invalid/);
}

# --- revoked ----------------------------------------------------------------------------

my $stolen = token('alice', jti => 'stolen', sid => 's2');
login_ok($node, 'a token before its revocation', { user => 'alice', token => $stolen }, @is_alice);
revoke({ iss => $ISSUER, jti => 'stolen' });
login_refused($node, 'a revoked token', { user => 'alice', token => $stolen }, qr/JWT is revoked/);
login_ok($node, 'another token of the same user', alice(), @is_alice);
my $revoked = qr/^error ERROR 23514 JWT is revoked$/m;
my $client = start_client($node, alice(jti => 'open'), "$notes\n");
$client->{run}->pump until $client->{out} =~ /^done/m;
revoke({ iss => $ISSUER, jti => 'open' });
$client->{in} .= "$notes\n";
like(join("\n", finish_client($client)), qr/^row alice 1\ndone\n.*${revoked}/s, 'revoked while the session is open');

# A Logout Token revokes in the database, which a login cannot read yet: it reads nothing there.
my $logged_out = alice(sid => 's9');
login_ok($node, 'a token before the logout', $logged_out, @is_alice);
my $logout = token(undef, typ => 'logout+jwt', sid => 's9', events => { 'http://schemas.openid.net/event/backchannel-logout' => {} });
is($node->safe_psql('postgres', "SELECT auth.revoke('$logout')"), 't', 'a logout');
my $refused = refused('23514', 'JWT is revoked', detail => 'Claim "sid" is in table auth.revocation.');
login_ok($node, 'a replay after the logout reads nothing', $logged_out,
	$notes => $refused, 'SELECT auth.user_id()' => $refused, 'DISCARD ALL' => '', $notes => $refused,
	'SELECT status FROM auth.jwt_status()' => 'refused');
login_ok($node, 'another session of the user after the logout', alice(), @is_alice);

# --- a good login, and another identity beside it ---------------------------------------

my $bob = token('bob');
login_ok($node, 'startup packet: a token of another user', { %{ alice() }, set => { 'pg_session_jwt.jwt' => $bob } }, @is_alice);
login_ok($node, 'startup packet: no token', { %{ alice() }, set => { 'pg_session_jwt.jwt' => '' } }, @is_alice);
login_ok($node, 'startup packet: claims', { %{ alice() }, set => { 'request.jwt.claims' => '{"sub":"bob"}' } }, @is_alice);
login_ok($node, 'startup packet: a key of its own',
	{ %{ alice() }, set => { 'pg_session_jwt.jwk' => public_jwk(), 'pg_session_jwt.jwt' => sign('{"jti":1,"sub":"bob"}') } },
	$notes => refused('42501', "pg_session_jwt.jwk is not accepted: this server's keys are pinned"));
for my $setting (
	[ mode => 'claims' ], [ issuer => 'https://other.example.com' ], [ jwks => key_set($stranger) ], [ token_types => 'JWT' ],
	[ revoked_file => '' ], [ seal => 'off' ], [ login => 'any' ], [ login_claim => 'aud' ], [ login_role_claim => 'sub' ],
	[ login_roles => 'alice' ], [ login_expiry => 'refuse' ])
{
	my ($name, $value) = @$setting;
	my @told = run_client($node, { %{ alice() }, set => { "pg_session_jwt.$name" => $value } }, '');
	like($told[-1] // '', qr/FATAL:  (permission denied to set parameter "pg_session_jwt.$name"|parameter "pg_session_jwt.$name" cannot be changed now)$/,
		"startup packet: pg_session_jwt.$name");
}

# What a role stores for itself or its database.
$node->safe_psql('postgres', <<END);
ALTER ROLE alice SET pg_session_jwt.jwt = '$bob';
ALTER ROLE alice SET request.jwt.claims = '{"sub":"bob"}';
END
login_ok($node, 'ALTER ROLE: a token of another user', alice(), @is_alice, 'DISCARD ALL' => '', @is_alice);
$node->safe_psql('postgres', "ALTER ROLE alice RESET ALL; ALTER DATABASE postgres SET pg_session_jwt.jwt = '$bob'");
login_ok($node, 'ALTER DATABASE: a token of another user', alice(), @is_alice, 'RESET ALL' => '', @is_alice);
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET ALL');
$node->safe_psql('other', "ALTER DATABASE other SET pg_session_jwt.issuer = 'https://other.example.com'");
login_ok($node, 'a database that pins another issuer', { %{ alice() }, db => 'other' },
	'SELECT auth.user_id()' => refused('23514', 'JWT issuer refused'));

# --- large and many ----------------------------------------------------------------------

# The server reads at most 65,535 octets of the answer, with the 20 octets around the token.
login_ok($node, 'a good token of 60,000 octets', alice(pad => 'x' x 44_000), @is_alice);
my @told = run_client($node, { user => 'alice', token => 'x' x 65_536 }, '');
like($told[-1], qr/^refused /, 'a token of 64 KiB');
@told = run_client($node, alice(pad => 'x' x 49_200), '');
like($told[-1], qr/^refused /, 'a good token of more than 64 KiB');
login_refused($node, 'garbage of 65,000 octets', { user => 'alice', token => 'x' x 65_000 }, qr/JWT|OAuth/);
is_deeply([ logged_pieces($node, @tokens) ], [], 'no part of a token is in the log');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_activity WHERE backend_type = $$client backend$$'), '1',
	'no session is left');
$node->stop;
done_testing();
