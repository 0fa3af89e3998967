# SPDX-License-Identifier: Apache-2.0
# What a session without keys is told: which mode it is in, and why somebody's keys are not there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('advice');
my $key = new_key('ours');
my $alice = token_for($key, 'alice');
my $user = 'SELECT auth.user_id()';
my $init = 'SELECT auth.init()';
my $status = 'SELECT mode, status, reason FROM auth.jwt_status()';
my $claims = q(SET request.jwt.claims = '{"sub":"alice"}');
put_file($node->data_dir . '/jwks.json', key_set($key));

my $message = 'Missing runtime parameter: pg_session_jwt.jwk';
my $in_claims_mode = 'The session is in claims mode: pg_session_jwt.mode is auto, no keys are pinned in this session, '
  . 'and pg_session_jwt.jwk is not set.';
my $unset = 'no keys are pinned in this session, and neither a token nor request.jwt.claims is set';
my $general = qr/^Pin the keys of the issuer, .* --create has no settings of ALTER DATABASE\.$/;
my $stored = 'A value of pg_session_jwt.jwks_file is stored for this database or role. '
  . 'It takes effect in new connections: connect again.';
my $elsewhere = 'Another database of this server has keys pinned by ALTER DATABASE. A dump restored without --create '
  . 'does not bring them: pin them for this database too.';

sub missing { return refused('02000', $message, detail => $in_claims_mode, hint => $_[0]) }
sub perhaps { return qq(There is no setting "pg_session_jwt.$_[0]". Perhaps you meant "pg_session_jwt.$_[1]".) }

for my $db (qw(first second))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION pg_session_jwt');
}
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE other LOGIN');
my %app = (db => 'first', user => 'app');

# --- nothing is configured ------------------------------------------------------------------------

session_ok($node, 'nothing is configured', \%app,
	$init => missing($general),
	init_with($alice) => missing($general),
	"SET pg_session_jwt.jwt = '$alice'" => '',
	$status => qr/^claims\|none\|\Q$message: $in_claims_mode\E Hint: Pin the keys /,
	'RESET pg_session_jwt.jwt' => '',
	$status => "claims|none|$unset",
	$claims => '',
	$status => 'claims|valid|NULL');

# --- a name that is nearly right ------------------------------------------------------------------

for my $case ([ 'jwk_file', 'jwks_file' ], [ 'jwks_uri', 'jwks_url' ], [ 'JWKS_FIEL', 'jwks_file' ],
	[ 'issuer_file', 'issuers_file' ])
{
	my ($wrong, $right) = @$case;
	session_ok($node, "$wrong when connecting", { %app, set => { "pg_session_jwt.$wrong" => 'jwks.json' } },
		$init => missing(perhaps($wrong, $right)),
		$status => "claims|none|$unset. Hint: " . perhaps($wrong, $right));
}
session_ok($node, 'a name that is not nearly right', { %app, set => { 'pg_session_jwt.something' => 'jwks.json' } },
	$init => missing($general));
session_ok($node, 'a name of another extension', { %app, set => { 'pg_session.jwk_file' => 'jwks.json' } },
	$init => missing($general));

my $secret = 'c2VjcmV0IHZhbHVl';
$node->safe_psql('postgres', "ALTER DATABASE first SET pg_session_jwt.jwk_file = '$secret'");
session_ok($node, 'stored for the database', \%app, $init => missing(perhaps('jwk_file', 'jwks_file')));
$node->safe_psql('postgres', 'ALTER DATABASE first RESET ALL');
$node->safe_psql('postgres', "ALTER ROLE other SET pg_session_jwt.jwk_file = '$secret'");
session_ok($node, 'stored for another role', \%app, $init => missing($general));
session_ok($node, 'stored for the role', { %app, user => 'other' }, $init => missing(perhaps('jwk_file', 'jwks_file')));
$node->safe_psql('postgres', 'ALTER ROLE other RESET ALL');

# --- stored, and not yet effective -----------------------------------------------------------------

session_ok($node, 'ALTER DATABASE takes effect in new connections', { db => 'first' },
	$init => missing($general),
	"ALTER DATABASE first SET pg_session_jwt.jwks_file = 'jwks.json'" => '',
	$init => missing($stored),
	$status => "claims|none|$unset. Hint: $stored",
	init_with($alice) => missing($stored));
session_ok($node, 'a new connection', \%app,
	$init => '',
	init_with($alice) => '',
	$user => 'alice');
# --- a dump was restored ---------------------------------------------------------------------------

$node->safe_psql('postgres', q(ALTER DATABASE second SET pg_session_jwt.jwks_file = ''));
session_ok($node, 'another database has keys, and an empty value pins none', { db => 'second', user => 'app' },
	$init => missing($elsewhere),
	$status => "claims|none|$unset. Hint: $elsewhere");

# --- other modes ------------------------------------------------------------------------------------

session_ok($node, 'issuer mode does not use the claims of a gateway', \%app,
	$status => 'issuer|none|no token is set',
	$claims => '',
	$user => 'NULL',
	$status => 'issuer|none|no token is set; this mode does not use request.jwt.claims');
session_ok($node, 'session key mode, without a key', { db => 'second' },
	'SET pg_session_jwt.mode = session_key' => '',
	$init => refused('02000', $message,
		detail => 'pg_session_jwt.mode is "session_key", and pg_session_jwt.jwk is not set.',
		hint => qr/^Set it when connecting, for instance with options='-c pg_session_jwt\.jwk=/),
	$status => qr/^session key\|misconfigured\|\Q$message\E/);
session_ok($node, 'session key mode, without a token', { db => 'second', user => 'app', jwk => public_jwk() },
	$status => 'session key|none|no token is set');
session_ok($node, 'issuer mode, and no keys', { db => 'second' },
	'SET pg_session_jwt.mode = issuer' => '',
	$init => refused('55000', 'no usable keys', hint => $elsewhere));
session_ok($node, 'claims mode', { db => 'second' },
	'SET pg_session_jwt.mode = claims' => '',
	$status => 'claims|none|request.jwt.claims is not set');
session_ok($node, 'mode none', { db => 'second' },
	'SET pg_session_jwt.mode = none' => '',
	$status => 'none|none|pg_session_jwt.mode is none: no identity is accepted');

session_ok($node, 'a key in PEM', { db => 'second', jwk => '-----BEGIN_PUBLIC_KEY-----' },
	$init => refused('42804', 'pg_session_jwt.jwk is not a usable public key',
		detail => 'not strict JSON: the text is PEM, not JSON: sjwt jwk FILE converts it'));

my $log = slurp_file($node->logfile);
unlike($log =~ s/^.*(?:STATEMENT|statement): .*\n//mgr, qr/\Q$secret\E/, 'no value of a setting is shown');

$node->stop;
done_testing();
