# SPDX-License-Identifier: Apache-2.0
# A session that is sealed with a secret, and SECURITY DEFINER with RESET ALL.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('seal_session', "log_min_messages = info\nlog_min_error_statement = info\n");
my $jwk = public_jwk();
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app LOGIN;
CREATE ROLE other LOGIN;
GRANT EXECUTE ON FUNCTION auth.jwt_seal TO app;
CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n;
GRANT SELECT ON numbers TO app;
CREATE FUNCTION identity() RETURNS text STABLE PARALLEL SAFE LANGUAGE plpgsql COST 1000 AS $$
BEGIN RETURN auth.user_id() || ' ' || current_setting('pg_session_jwt.jwt'); END $$;
CREATE FUNCTION reset_all() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN RESET ALL; RETURN auth.user_id(); END $$;
END

my $jti = 0;
my %token = map { $_ => sign(qq({"jti":@{[++$jti]},"sub":"$_"})) } qw(start alice bob);
my %app = (user => 'app', jwk => $jwk);
my $user = 'SELECT auth.user_id()';
my $secret = 'correct horse battery';
my $seal = "SELECT auth.jwt_seal('$secret')";
my $unseal = "SELECT auth.jwt_unseal('$secret')";
my $sealed = refused('42501', 'identity is sealed',
	detail => 'auth.jwt_seal() sealed it until auth.jwt_unseal() or the end of the connection.');
my $wrong = refused('42501', 'secret is not the one that sealed the session');
my $bob = $token{bob};
my @attempts = (
	"SET pg_session_jwt.jwt = '$bob'", "SET pg_session_jwt.jwt = ''", 'SET pg_session_jwt.jwt = DEFAULT',
	'RESET pg_session_jwt.jwt', 'RESET ALL', 'DISCARD ALL', init_with($bob), init_with(''),
	"SELECT auth.jwt_authenticate('$bob')", "SELECT auth.jwt_authenticate('$token{alice}')",
	"SELECT set_config('pg_session_jwt.jwt', '$bob', false)", "SELECT set_config('pg_session_jwt.jwt', '', false)",
	"SELECT set_config('pg_session_jwt.jwt', NULL, false)", "SELECT set_config('pg_session_jwt.jwt', NULL, true)",
	"DO \$\$ BEGIN IF set_config('pg_session_jwt.jwt', NULL, false) = '' THEN NULL; END IF; END \$\$",
	"DO \$\$ BEGIN EXECUTE 'RESET ALL'; END \$\$",
	$seal, "SELECT auth.jwt_seal('another secret of mine')");

session_ok($node, 'a sealed session', \%app,
	init_with($token{alice}) => '',
	$seal => '',
	$user => 'alice',
	(map { ($_ => $sealed, $user => 'alice') } @attempts),
	'DISCARD PLANS' => '',
	'RESET work_mem' => '',
	'SHOW pg_session_jwt.jwt' => '(sealed)',
	"SELECT current_setting('pg_session_jwt.jwt')" => '(sealed)',
	"SELECT setting, reset_val FROM pg_settings WHERE name = 'pg_session_jwt.jwt'" => '(sealed)|NULL',
	'SELECT auth.jwt_token()' => refused('42501', 'permission denied for function jwt_token'),
	# Transactions, committed or not, do not end it.
	'BEGIN' => '',
	'SAVEPOINT s' => '',
	'RESET ALL' => $sealed,
	'ROLLBACK TO s' => '',
	$user => 'alice',
	'ROLLBACK' => '',
	$user => 'alice',
	'BEGIN' => '',
	$user => 'alice',
	'COMMIT' => '',
	"DO \$\$ BEGIN COMMIT; ROLLBACK; END \$\$" => '',
	$user => 'alice',
	# Only the secret does.
	(map { ($_ => $wrong, $user => 'alice') }
		"SELECT auth.jwt_unseal('correct horse batterx')", "SELECT auth.jwt_unseal('$secret ')",
		"SELECT auth.jwt_unseal('')", "SELECT auth.jwt_unseal('correct horse batter')"),
	'SELECT auth.jwt_unseal(NULL)' => refused('22004', 'secret to seal with is NULL'),
	$unseal => '',
	$user => 'alice',
	'SHOW pg_session_jwt.jwt' => $token{alice},
	$unseal => refused('55000', 'auth.jwt_seal() has not sealed this session'),
	'DISCARD ALL' => '',
	$user => 'NULL',
	# And again, for the next user.
	init_with($bob) => '',
	"SELECT auth.jwt_seal('another secret of mine')" => '',
	$unseal => $wrong,
	$user => 'bob',
	"SELECT auth.jwt_unseal('another secret of mine')" => '',
	'RESET pg_session_jwt.jwt' => '',
	$user => 'NULL');

session_ok($node, 'neither to seal nor to unseal depends on the transaction', \%app,
	'BEGIN' => '',
	init_with($token{alice}) => '',
	$seal => '',
	'ROLLBACK' => '',
	$user => 'alice',
	'RESET ALL' => $sealed,
	'BEGIN' => '',
	$unseal => '',
	$user => 'NULL',
	'ROLLBACK' => '',
	$user => 'NULL',
	init_with($token{alice}) => '',
	$user => 'alice');

session_ok($node, 'what cannot be sealed', \%app,
	$seal => refused('55000', 'no token to seal', hint => qr/auth\.jwt_session_init\(\)/),
	init_with($token{alice}) => '',
	'SELECT auth.jwt_seal(NULL)' => refused('22004', 'secret to seal with is NULL'),
	"SELECT auth.jwt_seal('fifteen octets.')" => refused('22023', 'secret to seal with is too short', detail => 'It needs at least 16 bytes.'),
	"SELECT auth.jwt_seal('')" => refused('22023', 'secret to seal with is too short'),
	"SET pg_session_jwt.jwt = 'garbage'" => '',
	$seal => refused('42804', 'invalid JWT encoding'),
	'RESET pg_session_jwt.jwt' => '',
	$user => 'NULL',
	init_with($token{alice}) => '',
	"SELECT auth.jwt_seal('sixteen octets..')" => '',
	'RESET pg_session_jwt.jwt' => $sealed);
session_ok($node, 'claims cannot be sealed', { user => 'app', set => { 'request.jwt.claims' => '{"sub":"x"}' } },
	$seal => refused('55000', 'no token to seal'));
session_ok($node, 'who may seal', { user => 'other', jwk => $jwk },
	init_with($token{alice}) => '',
	# The server's own error logs the statement.
	"SELECT auth.jwt_seal('a secret that is logged')" => refused('42501', 'permission denied for function jwt_seal'));

# With the token of the startup packet, and with seals of transactions.
my %started = (%app, set => { 'pg_session_jwt.jwt' => $token{start} });
session_ok($node, 'the token of the startup packet', \%started,
	$seal => '',
	"SELECT setting, reset_val FROM pg_settings WHERE name = 'pg_session_jwt.jwt'" => '(sealed)|(sealed)',
	"SELECT count(*) FROM pg_settings s WHERE s::text LIKE '%eyJ%'" => '0',
	"SELECT set_config('pg_session_jwt.jwt', NULL, false)" => $sealed,
	$user => 'start',
	$unseal => '',
	$user => 'start');
session_ok($node, 'within a sealed transaction', { jwk => $jwk },
	'SET pg_session_jwt.seal = on' => '',
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$token{alice}')" => 'alice',
	$seal => refused('42501', 'identity is sealed', detail => qr/^auth\.jwt_authenticate\(\) sealed it/),
	'ROLLBACK' => '',
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$token{alice}')" => 'alice',
	$unseal => refused('55000', 'auth.jwt_seal() has not sealed this session'),
	'ROLLBACK' => '');

session_ok($node, 'parallel workers', \%started,
	$seal => '',
	(map { ($_ => '') } 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
		'SET min_parallel_table_scan_size = 0', 'SET max_parallel_workers_per_gather = 2', 'SET parallel_leader_participation = off'),
	'EXPLAIN SELECT max(identity()) FROM numbers' => qr/Workers Planned/,
	'SELECT min(identity()), max(identity()) FROM numbers' => 'start (sealed)|start (sealed)');

my $now = young_second();
my $expiring = sign(qq({"jti":@{[++$jti]},"sub":"expiring","exp":@{[ $now - 57 ]}}));
session_ok($node, 'a sealed token expires, and the secret still ends the seal', \%app,
	init_with($expiring) => '',
	$seal => '',
	$user => 'expiring',
	'SELECT pg_sleep(4)' => '',
	$user => refused('23514', 'Token used after it has expired'),
	'RESET ALL' => $sealed,
	$unseal => '',
	'RESET ALL' => '',
	$user => 'NULL');

# RESET ALL of a function with the rights of another role.
my $as_definer = sub { refused('42501', qq(cannot reset parameter "$_[0]" within security-definer function)) };
session_ok($node, 'SECURITY DEFINER and RESET ALL', \%app,
	$user => 'NULL',
	'SELECT reset_all() IS NULL' => 't',
	init_with($token{alice}) => '',
	'SELECT reset_all()' => $as_definer->('pg_session_jwt.jwt'),
	$user => 'alice',
	'RESET ALL' => '',
	$user => 'NULL');
session_ok($node, 'SECURITY DEFINER and RESET ALL: claims', { user => 'app' },
	$user => 'NULL',
	q(SET request.jwt.claims = '{"sub":"gateway"}') => '',
	'SELECT reset_all()' => $as_definer->('request.jwt.claims'),
	$user => 'gateway');

is_deeply([ logged_pieces($node, values %token, $expiring) ], [], 'no part of a token is in the log');
unlike(slurp_file($node->logfile), qr/correct horse|another secret|fifteen octets/, 'nor is a secret');

done_testing();
