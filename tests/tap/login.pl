# SPDX-License-Identifier: Apache-2.0
# The login with a token: who may log in as whom, what the client hears, and what the server's log has.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use Login;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;

my $key = new_key('k1');
my $map = hba_line(map => 'users');
my $node = start_login_node('login', $key, hba => $map, ident => "users alice app\nusers alice\@example.com app\n"
	  . "users https://issuer.example.com|alice app\nusers \"/^(.*)\$\" \\1");
my $major = $node->pg_version->major;
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE alice LOGIN; CREATE ROLE boss LOGIN SUPERUSER');

my %notes = (scope => 'other notes');
my @tokens;

sub token
{
	my ($sub, %claims) = @_;
	push @tokens, token_for($key, $sub, %notes, %claims);
	return $tokens[-1];
}

# conf: settings of the configuration file for the following logins.
sub configure
{
	my (%conf) = @_;
	$node->append_conf('postgresql.conf', "pg_session_jwt.$_ = $conf{$_}") for keys %conf;
	reload($node);
	return;
}

sub log_in
{
	my ($token, $user) = @_;
	return Protocol->connect($node, user => $user // 'app', token => $token);
}

sub accepted
{
	my ($name, $token, %o) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $client = log_in($token, $o{user});
	$client->steps($name, 'SELECT system_user, auth.jwt_status()' => qr/^oauth:\Q@{[ $o{name} \/\/ 'alice' ]}\E\|\(issuer,valid,.*,t\)$/);
	$client->disconnect if !$client->{answer}{error};
	return;
}

# The client hears what RFC 6750 has, and no reason; the log has the reason.
sub refused_login
{
	my ($name, $token, $reason, %o) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $user = $o{user} // 'app';
	my ($client, @wrong);
	my $log = logged($node, sub { $client = log_in($token, $user) });
	my $error = $client->{answer}{error} // { C => 'none', M => 'connected' };
	push @wrong, "error: $error->{C}: $error->{M}"
	  if "$error->{C}: $error->{M}" ne qq(28000: OAuth bearer authentication failed for user "$user");
	push @wrong, "further fields: " . join ' ', sort keys %$error if grep { /[DHW]/ } keys %$error;
	push @wrong, "refusal: " . ($client->{refusal} // '(none)')
	  if ($client->{refusal} // '') !~ /^\{ "status": "invalid_token", "openid-configuration": "https:[^"]*", "scope": "[^"]*" \}$/;
	push @wrong, "log: $log" if $log !~ $reason;
	ok(!@wrong, $name) or diag @wrong;
	return;
}

# --- the user ---------------------------------------------------------------------

my $alice = token('alice');
accepted('the subject is mapped by pg_ident.conf', $alice);
accepted('and to a role of its own name', token('alice', jti => 'x'), user => 'alice');
refused_login('another role', $alice, qr/no match in usermap "users" for user "boss" authenticated as "alice"/, user => 'boss');
refused_login('no subject', token_for($key, undef, %notes), qr/Claim "sub" is not a string that names who logs in\./);
refused_login('a subject that is no string', token(17), qr/JWT is not accepted for this login: Claim "sub" is not a string/);
refused_login('an empty subject', token(''), qr/Claim "sub" is not a string that names who logs in\./);
refused_login('a subject with a line end', token("alice\nLOG: forged"), qr/Claim "sub" has a character that a log does not show\./);
refused_login('a subject with an invisible character', token("alice\x{200b}"), qr/Claim "sub" has a character that a log does not/);
configure(login_claim => "'email'");
accepted('another claim', token('1', email => 'alice@example.com'), name => 'alice@example.com');
refused_login('without that claim', $alice, qr/Claim "email" is not a string that names who logs in\./);
refused_login('with an array', token('1', email => ['alice@example.com']), qr/Claim "email" is not a string that names who/);
configure(login_claim => "''");
refused_login('no claim', $alice, qr/pg_session_jwt\.login_claim is empty\./);
configure(login_claim => "'sub'");

# --- the token --------------------------------------------------------------------

my $other_key = new_key('k1');
refused_login('a forged token', token_for($other_key, 'alice', %notes), qr/JWT signature is not valid|signature/);
refused_login('an expired token', token('alice', exp => time - 3600), qr/Token used after it has expired/);
refused_login('another issuer', token('alice', iss => 'https://other.example.com'), qr/issuer/i);
refused_login('another audience', token('alice', aud => 'other'), qr/audience/i);
refused_login('no token', 'abc', qr/JWT/);
set_hba($node, hba_line(map => 'users', issuer => "$ISSUER/"));
refused_login('another issuer in pg_hba.conf', $alice, qr/Claim "iss" is not the issuer of the line in pg_hba\.conf\./);
set_hba($node, $map);

put_file($node->data_dir . '/revoked', qq({"iss":"$ISSUER","jti":"stolen","until":@{[ time + 3600 ]}}\n{"end":true}\n));
configure(revoked_file => "'revoked'");
refused_login('a token that a file revokes', token('alice', jti => 'stolen'), qr/JWT is revoked: Claim "jti" is in pg_session_jwt\.revoked_file/);
accepted('another token', token('alice', jti => 'mine'));
configure(revoked_file => "''");

# --- scopes -----------------------------------------------------------------------

accepted('claim scope', token('alice', scope => 'notes'));
accepted('claim scope, an array', token('alice', scope => [ 'a', 'notes' ]));
accepted('claim scp', token('alice', scope => undef, scp => 'a notes b'));
accepted('claim scp, an array', token('alice', scope => 'a', scp => ['notes']));
my $no_scope = qr/Neither claim "scope" nor "scp" has the scope "notes"\./;
refused_login('no scope', token('alice', scope => undef), $no_scope);
refused_login('the start of a scope', token('alice', scope => 'note notes2 xnotes'), $no_scope);
refused_login('other letters', token('alice', scope => 'NOTES'), $no_scope);
refused_login('a scope in an object', token('alice', scope => { notes => 'notes' }), $no_scope);
set_hba($node, hba_line(map => 'users', scope => 'notes write'));
accepted('two scopes', token('alice', scope => 'write', scp => 'notes'));
refused_login('one of two', $alice, qr/Neither claim "scope" nor "scp" has the scope "write"\./);

# --- roles ------------------------------------------------------------------------

set_hba($node, hba_line(delegate_ident_mapping => 1));
refused_login('no claim for the role is set', $alice, qr/delegate_ident_mapping=1, and pg_session_jwt\.login_role_claim is not set/);
configure(login_role_claim => "'roles'");
accepted('a role in an array', token('alice', roles => [ 'x', 'app' ]));
accepted('a role as a string', token('alice', roles => 'app'));
my $no_role = qr/Claim "roles" does not name the role\./;
refused_login('no such claim', $alice, $no_role);
refused_login('another role', token('alice', roles => 'alice'), $no_role);
refused_login('other letters', token('alice', roles => ['APP']), $no_role);
refused_login('not only strings', token('alice', roles => [ 'app', 1 ]), $no_role);
refused_login('a superuser', token('alice', roles => ['boss']),
	qr/The role is a superuser, and pg_session_jwt\.login_roles does not name it\./, user => 'boss');
configure(login_roles => "'alice, boss'");
accepted('a superuser who is in the list', token('alice', roles => ['boss']), user => 'boss');
refused_login('not in the list', token('alice', roles => ['app']), qr/The role is not in pg_session_jwt\.login_roles\./);
configure(login_roles => "''");

SKIP:
{
	skip "PostgreSQL $major knows no options of validators in pg_hba.conf: they begin with 19", 4 if $major < 19;
	set_hba($node,
		hba_line(
			delegate_ident_mapping => 1,
			'validator.login_claim' => 'email',
			'validator.login_role_claim' => 'groups',
			'validator.login_roles' => 'app'));
	my %claims = (email => 'a@example.com', groups => [ 'app', 'boss' ]);
	accepted('the options of a line', token('1', %claims), name => 'a@example.com');
	refused_login('its claim for the user', token('1', %claims, email => undef), qr/Claim "email" is not a string/);
	refused_login('its claim for the role', token('1', %claims, groups => 'x', roles => 'app'), qr/Claim "groups" does not name/);
	refused_login('its list', token('1', %claims), qr/The role is not in pg_session_jwt\.login_roles/, user => 'boss');
}

# --- several issuers --------------------------------------------------------------

set_hba($node, $map);
sub issuers
{
	my @subjects = @_;
	my @entries = map { qq({"issuer":"$_","jwks":) . key_set($key) . (shift(@subjects) // '') . '}' } $ISSUER, 'https://b.example.com';
	put_file($node->data_dir . '/issuers.json', '{"issuers":[' . join(',', @entries) . ']}');
	return;
}
issuers();
configure(issuer => "''", jwks_file => "''", issuers_file => "'issuers.json'");
accepted('a name that is qualified', $alice, name => 'https://issuer.example.com|alice');
issuers(',"subjects":"plain"');
accepted('a name that is not', $alice);
configure(login_claim => "'email'");
my $posing = 'https://b.example.com|alice';
refused_login('a subject like a name that is qualified', token($posing, email => 'a'), qr/JWT subject refused/);
refused_login('another claim like that', token('alice', email => $posing), qr/Claim "email" has the form of a name that is qualified\./);
accepted('and one that is none', token('alice', email => 'alice@example.com'), name => 'alice@example.com');
configure(issuers_file => "''", issuer => "'$ISSUER'", jwks_file => "'jwks.json'");

# --- what is counted and logged ---------------------------------------------------

is($node->safe_psql('postgres', "SELECT count(*) FROM auth.jwt_stats() WHERE value > 0 AND
	(counter IN ('logins', 'logins_refused') OR counter = 'refused' AND reason = 'LOGIN')"), 3, 'logins are counted');
is_deeply([ logged_pieces($node, @tokens) ], [], 'no piece of a token is in the log');
$node->stop;
done_testing();
