# SPDX-License-Identifier: Apache-2.0
# auth.jwt_authenticate(): an identity for one transaction, its result, its errors and its warning.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use SessionJwt;
use Test::More;

my $node = start_node('authenticate', "log_min_messages = warning\nlog_min_error_statement = warning\n");
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

my %key = (jwk => public_jwk());
my $jti = 0;
my %token = map { $_ => sign(qq({"jti":@{[++$jti]},"sub":"user $_"})) } 'a' .. 'e';
my $no_subject = sign(qq({"jti":@{[++$jti]}}));
my $odd_subject = sign(qq({"jti":@{[++$jti]},"sub":7}));
my $forged = $token{b} =~ s/.{6}\z/AAAAAA/r;
my $user = 'SELECT auth.user_id()';

sub authenticate { return "SELECT auth.jwt_authenticate('$token{$_[0]}')" }

# The warnings of a session's messages.
sub warnings_of { return [ map { "$_->{state}|$_->{message}" } grep { $_->{severity} eq 'WARNING' } @_ ] }

my @messages = session_ok($node, 'an identity for one transaction', \%key,
	$user => 'NULL',
	'BEGIN' => '',
	authenticate('a') => 'user a',
	$user => 'user a',
	"SHOW pg_session_jwt.jwt" => $token{a},
	'COMMIT' => '',
	$user => 'NULL',
	'BEGIN' => '',
	'SAVEPOINT s' => '',
	authenticate('b') => 'user b',
	'ROLLBACK TO s' => '',
	$user => 'NULL',
	'ROLLBACK' => '',
	# One message with two statements is a transaction. psql 14 prints the last result only.
	authenticate('b') . "\\; $user" => qr/user b\z/,
	$user => 'NULL');
is_deeply(warnings_of(@messages), [], 'no warning in a transaction block');

@messages = session_ok($node, 'an identity for the session is back after the transaction', \%key,
	init_with($token{a}) => '',
	'BEGIN' => '',
	authenticate('b') => 'user b',
	'ROLLBACK' => '',
	$user => 'user a');

# The warning is that of SET LOCAL, also of the call that loads the library.
for my $set ('SET LOCAL work_mem = 1024', authenticate('a'))
{
	my ($state) = map { $_->{state} } grep { $_->{severity} eq 'WARNING' }
	  session_ok($node, 'outside of a block', \%key, $set => undef, $user => 'NULL');
	is($state, '25P01', "a warning for @{[substr $set, 0, 20]}...");
}
@messages = session_ok($node, 'for each statement', \%key,
	"$user" => 'NULL',
	authenticate('a') => 'user a',
	"SELECT auth.jwt_authenticate('$token{a}'), auth.user_id()" => 'user a|user a',
	$user => 'NULL');
is_deeply(warnings_of(@messages), [ ('25P01|auth.jwt_authenticate() can only be used in transaction blocks') x 2 ],
	'one warning for each');

@messages = session_ok($node, 'inside of functions and DO', \%key,
	$user => 'NULL',
	"DO \$\$ BEGIN IF auth.jwt_authenticate('$token{a}') <> auth.user_id() THEN RAISE 'not the user'; END IF; END \$\$" => '',
	"DO \$\$ BEGIN EXECUTE 'SELECT auth.jwt_authenticate(''$token{a}'')'; END \$\$" => '',
	"CREATE FUNCTION pg_temp.by_sql() RETURNS text VOLATILE LANGUAGE sql AS \$\$ SELECT max(auth.jwt_authenticate('$token{a}')) \$\$" => '',
	"CREATE FUNCTION pg_temp.by_pl() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN auth.jwt_authenticate('$token{a}'); END \$\$" => '',
	'SELECT pg_temp.by_sql(), auth.user_id()' => 'user a|user a',
	'SELECT pg_temp.by_pl(), auth.user_id()' => 'user a|user a',
	$user => 'NULL');
is_deeply(warnings_of(@messages), [], 'no warning inside of functions and DO');

session_ok($node, 'what is refused', \%key,
	'BEGIN' => '',
	authenticate('a') => 'user a',
	'SAVEPOINT s' => '',
	"SELECT auth.jwt_authenticate('$no_subject') IS NULL" => 't',
	'ROLLBACK TO s' => '',
	(map { (@$_, 'ROLLBACK TO s' => '', $user => 'user a') }
		[ 'SELECT auth.jwt_authenticate(NULL)' => refused('22004', 'JWT to authenticate with is NULL') ],
		[ "SELECT auth.jwt_authenticate('')" => refused('22023', 'JWT to authenticate with is empty') ],
		[ "SELECT auth.jwt_authenticate('$forged')" => refused('23514', 'invalid JWT signature') ],
		[ "SELECT auth.jwt_authenticate('garbage')" => refused('42804', 'invalid JWT encoding') ],
		[ "SELECT auth.jwt_authenticate('$odd_subject')" => refused('42804', 'invalid subject claim in the JWT') ]),
	'ROLLBACK' => '');
session_ok($node, 'in claims mode', { set => { 'request.jwt.claims' => '{"sub":"x"}' } },
	'BEGIN' => '',
	authenticate('a') => refused('02000', 'Missing runtime parameter: pg_session_jwt.jwk'));

is_deeply([ logged_pieces($node, values %token, $forged) ], [], 'no part of a token is in the log');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/jwt_authenticate\('/, 'nor is a statement with one');

done_testing();
