# SPDX-License-Identifier: Apache-2.0
# The client of the other login tests, with a validator that lets everybody in: a login that is
# refused here is not refused by the extension, and what the client prints is what the server sent.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use Login;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_login_node('login_client', new_key('k1'), conf => <<END, hba => hba_line());
oauth_validator_libraries = 'pg_session_jwt_empty_validator'
END
$node->safe_psql('postgres', 'CREATE ROLE alice LOGIN');
my %alice = (token => 'any', user => 'alice');

my @notices = login_ok(
	$node, 'rows, errors and notices', \%alice,
	'SELECT system_user, session_user' => 'oauth:alice|alice',
	q(SELECT * FROM (VALUES (1, NULL), (2, E'two\nlines \\\\')) AS t) => "1|NULL\n2|two\nlines \\",
	'SELECT 1/0' => refused('22012', 'division by zero', detail => undef),
	q(DO $$BEGIN RAISE SQLSTATE 'ABCDE' USING MESSAGE = 'm', DETAIL = 'd', HINT = 'h'; END$$) =>
	  refused('ABCDE', 'm', detail => 'd', hint => 'h'),
	q(DO $$BEGIN RAISE WARNING 'careful'; END$$) => '',
	'\sleep 0.1' => '',
	'SELECT pg_terminate_backend(pg_backend_pid())' => refused('57P01', qr/^terminating connection/));
is_deeply(\@notices, [ { severity => 'WARNING', state => '01000', message => 'careful' } ], 'a notice');
login_ok($node, 'settings of the startup packet', { %alice, set => { 'request.jwt.claims' => '{"a": "b \\ c"}' } },
	'SHOW request.jwt.claims' => '{"a": "b \\ c"}');
my $big = 'x' x 60000;
login_ok($node, 'a token of 60,000 octets', { %alice, token => $big }, 'SELECT 1' => '1');
is(login_many($node, \%alice, 3), '3 connected, 0 refused, 0 other', 'several logins');
is(login_many($node, { %alice, token => [ 'a', 'b b' ] }, 4), '2 connected, 2 refused, 0 other', 'several tokens in turn');
login_refused($node, 'what is no bearer token', { %alice, token => 'b b' }, qr/Bearer token is not in the correct format/);
$node->stop;
done_testing();
