# SPDX-License-Identifier: Apache-2.0
# postgres_fdw hands the user's token to a second server, which verifies it: the setup
# of docs/operations.md, and its limits.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $key = new_key('key-1');
# The first server trusts one more key than the second one.
my $other = new_key('key-2');
my ($near, $far) = map { start_node($_) } qw(near far);
put_file($near->data_dir . '/jwks.json', key_set($key, $other));
put_file($far->data_dir . '/jwks.json', key_set($key));
for my $node ($near, $far)
{
	$node->safe_psql('postgres', "CREATE EXTENSION pg_session_jwt;\n" . trust('postgres'));
	$node->safe_psql('postgres', 'CREATE ROLE app LOGIN');
}

# The statements are those of docs/operations.md.
sub documented { return slurp_file("$FindBin::RealBin/fdw/$_[0].sql") }

$far->safe_psql('postgres', notes_table(2, qw(alice bob)) . documented('far'));
my ($host, $port) = ($far->host, $far->port);
$near->safe_psql('postgres', <<END);
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'app', password_required 'false');
END
$near->safe_psql('postgres', documented('near'));

my %app = (user => 'app');
my %token = map { $_ => token_for($key, $_) } qw(alice bob);
$token{elsewhere} = token_for($other, 'alice');
# bob's claims with the signature that alice's token has
my $forged = join '.', (split /\./, $token{bob})[ 0, 1 ], (split /\./, $token{alice})[2];

my ($init, $hand_over) = documented('session') =~ /\ABEGIN;\n(.*);\n(.*);\n.*;\nCOMMIT;\n\z/
  or die 'session.sql is not as it was';
sub init_local { return $init =~ s/\$1/'$token{$_[0]}'/r }
my $notes = 'SELECT body FROM far_note ORDER BY body';
my %rows = map { $_ => "$_ 1\n$_ 2" } qw(alice bob);
my $denied = refused('42501', qr/^new row violates row-level security policy/);

session_ok($near, 'users take turns on one connection between the servers', \%app,
	(map {
		my ($user, $another) = $_ == 1 ? qw(bob alice) : qw(alice bob);
		('BEGIN', undef,
			init_local($user), undef,
			$hand_over, undef,
			$notes, $rows{$user},
			"SELECT body FROM far_note WHERE owner = '$another'", '',
			"SELECT body FROM far_note WHERE owner = auth.user_id() AND body LIKE '% 1'", "$user 1",
			'COMMIT', undef,
			$notes, '')
	} 0 .. 2),
	'SELECT count(*) FROM postgres_fdw_get_connections()', '1');
ok($far->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'postgres_fdw'"),
	'which is closed with the session');

my $sealed_hand_over = 'INSERT INTO far_identity VALUES (auth.jwt_token())';
$near->safe_psql('postgres', 'ALTER ROLE app SET pg_session_jwt.seal = on');
session_ok($near, 'a sealed identity, without the right to hand it over', \%app,
	'BEGIN', undef,
	init_local('alice'), undef,
	'SAVEPOINT s', undef,
	$hand_over, refused('42804', 'invalid JWT encoding'),
	'ROLLBACK TO s', undef,
	$sealed_hand_over, refused('42501', 'permission denied for function jwt_token'),
	'ROLLBACK', undef);
$near->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION auth.jwt_token TO app');
session_ok($near, 'a sealed identity', \%app,
	map {
		('BEGIN', undef,
			init_local($_), undef,
			$sealed_hand_over, undef,
			$notes, $rows{$_},
			'SHOW pg_session_jwt.jwt', '(sealed)',
			'COMMIT', undef,
			$notes, '')
	} qw(alice bob));
$near->safe_psql('postgres', 'ALTER ROLE app RESET ALL');

session_ok($near, 'without a hand-over the second server has no identity', \%app,
	'BEGIN', undef,
	init_local('alice'), undef,
	'SELECT auth.user_id()', 'alice',
	$notes, '',
	"INSERT INTO far_note VALUES ('alice', 'written')", $denied,
	'ROLLBACK', undef);

session_ok($near, 'rows are written as the user, and only the own ones', \%app,
	'BEGIN', undef,
	init_local('bob'), undef,
	$hand_over, undef,
	"INSERT INTO far_note VALUES ('bob', 'bob 0')", undef,
	$notes, "bob 0\n$rows{bob}",
	'SAVEPOINT s', undef,
	"INSERT INTO far_note VALUES ('alice', 'forged')", $denied,
	'ROLLBACK TO s', undef,
	$notes, "bob 0\n$rows{bob}",
	'ROLLBACK', undef,
	$notes, '');

session_ok($near, 'the identity there follows savepoints, and can be dropped', \%app,
	'BEGIN', undef,
	init_local('alice'), undef,
	$hand_over, undef,
	'SAVEPOINT s', undef,
	init_local('bob'), undef,
	$hand_over, undef,
	$notes, $rows{bob},
	'ROLLBACK TO s', undef,
	$notes, $rows{alice},
	'INSERT INTO far_identity VALUES (NULL)', undef,
	$notes, '',
	'COMMIT', undef);

# The second server checks the value that it gets. The first one hands over values that
# it has not verified.
my @bad = (
	[ 'a forged token', $forged, '23514', 'invalid JWT signature' ],
	[ 'a token of a key that only the first server knows', $token{elsewhere}, '23514', 'no key for this JWT' ],
	[ 'an expired token', token_for($key, 'alice', exp => time - 3600), '23514', 'Token used after it has expired' ],
	[ 'a token for another audience', token_for($key, 'alice', aud => 'other'), '23514', 'JWT audience refused' ],
	[ 'no token at all', 'alice', '42804', 'invalid JWT encoding' ]);
for (@bad)
{
	my ($name, $text, @refusal) = @$_;
	session_ok($near, "$name is refused there", \%app,
		'BEGIN', undef,
		"SET LOCAL pg_session_jwt.jwt = '$text'", undef,
		$hand_over, refused(@refusal),
		'ROLLBACK', undef,
		$notes, '');
}
session_ok($near, 'accepted by the first server, refused by the second', \%app,
	'BEGIN', undef,
	init_local('elsewhere'), undef,
	'SELECT auth.user_id()', 'alice',
	$hand_over, refused('23514', 'no key for this JWT'),
	'ROLLBACK', undef);

session_ok($near, 'a limit: no hand-over in a transaction that only reads', \%app,
	'BEGIN READ ONLY', undef,
	init_local('alice'), undef,
	$hand_over, refused('25006', 'cannot execute INSERT in a read-only transaction'),
	'ROLLBACK', undef);

my @tokens = (values %token, map { $_->[1] } @bad);
is_deeply([ map { logged_pieces($_, @tokens) } $near, $far ], [], 'no part of a token is in a log');

done_testing();
