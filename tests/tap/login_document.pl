# SPDX-License-Identifier: Apache-2.0
# docs/login.md: each example of a configuration file, as it is written there, and what the document says of it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use Login;
use Pool;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

# The blocks of a section, by the name of the file in their first line. The document is in our directory.
my $document = slurp_file("$ENV{PGSJ_WORK}/login.md");
my $used = 0;

sub blocks
{
	my ($section) = @_;
	my ($text) = $document =~ /^##+ \Q$section\E\n(.*?)(?=^##|\z)/ms or die "no section $section";
	my %block;
	while ($text =~ /^```\n# (\S+)\n(.*?)^```$/msg) { $block{$1} = $2; $used++ }
	return %block;
}

my $key = new_key('k1');
my $node = start_login_node('login_document', $key);
my $data = $node->data_dir;
# hostssl needs a server with TLS.
system_or_bail('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj',
	'/CN=localhost', '-keyout', "$data/server.key", '-out', "$data/server.crt");
chmod 0600, "$data/server.key" or die;
$node->append_conf('postgresql.conf', "ssl = on\n");
mkdir "$data/jwks", 0700 or die;
put_file("$data/jwks/$_.json", key_set($key)) for qw(login cluster);
$node->restart;
my @roles = qw(alice bob app reader writer owner importer web);
$node->safe_psql('postgres', notes_table(1, qw(248289761001 bob@staff.example u)) . 'DROP POLICY own_notes ON note;' . join ' ',
	map { "CREATE ROLE $_ LOGIN; GRANT SELECT ON note TO $_;" } @roles);
my ($policy) = $document =~ /^(CREATE POLICY .*;)$/m or die 'no policy';
$node->safe_psql('postgres', $policy);

my $settings = slurp_file("$data/postgresql.conf");

sub configure
{
	my ($conf, $hba, $ident) = @_;
	put_file("$data/postgresql.conf", $settings . $conf);
	set_ident($node, $ident // '');
	set_hba($node, $hba);
}

# A token of the type that the document asks for.
sub token
{
	my ($sub, %claims) = @_;
	my %all = (iss => $ISSUER, aud => $AUDIENCE, sub => $sub, scope => 'notes', iat => time, exp => time + 3600, %claims);
	delete @all{ grep { !defined $all{$_} } keys %all };
	return sign(JSON::PP::encode_json(\%all), jwk => $key,
		header => JSON::PP::encode_json({ alg => session_alg(), kid => 'k1', typ => 'at+jwt' }));
}
sub as { return { user => shift, token => token(@_) } }
my $who = 'SELECT session_user, auth.user_id()';
my $notes = 'SELECT body FROM note';

# --- the server -------------------------------------------------------------------------

my %server = blocks('The server');
configure(@server{qw(postgresql.conf pg_hba.conf pg_ident.conf)});
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL'), '0', 'the lines are right');
login_ok($node, 'one user, by name', as('alice', '248289761001'), $notes => '248289761001 1', $who => 'alice|248289761001');
login_ok($node, 'the role from the name', as('bob', 'bob@staff.example'), $who => 'bob|bob@staff.example');
login_ok($node, 'each user as app', as('app', 'u'), $notes => 'u 1', $who => 'app|u');
login_refused($node, 'another user as alice', as('alice', 'u'), qr/no match in usermap "people"/);
login_refused($node, 'without the scope', as('app', 'u', scope => 'wiki'), qr/has the scope "notes"/);
login_refused($node, 'an ID token', { user => 'app', token => token_for($key, 'u', scope => 'notes') },
	qr/token type is not accepted/);
login_ok($node, 'no other token counts', as('app', 'u'),
	"SET pg_session_jwt.jwt = '" . token('bob@staff.example') . "'" => refused('42501', 'identity is sealed'), $who => 'app|u');

my %service = blocks('Service accounts');
configure($server{'postgresql.conf'} . $service{'postgresql.conf'}, $server{'pg_hba.conf'}, $service{'pg_ident.conf'});
login_ok($node, 'a service account', as('importer', 'notes-importer', client_id => 'notes-importer'),
	$who => 'importer|notes-importer');
login_refused($node, 'another client', as('importer', 'notes-importer', client_id => 'wiki-web'), qr/JWT claim refused/);

my %roles = blocks('The token names the role');
configure($server{'postgresql.conf'} . $roles{'postgresql.conf'}, $roles{'pg_hba.conf'});
login_ok($node, 'the token names the role', as('reader', 'u', roles => [ 'reader', 'owner' ]), $who => 'reader|u');
login_refused($node, 'a role that is not in the list', as('owner', 'u', roles => ['owner']), qr/login_roles/);
login_refused($node, 'a role that the token does not name', as('writer', 'u', roles => ['reader']), qr/does not name the role/);

my %end = blocks('The end of the token');
configure($server{'postgresql.conf'} . $end{'postgresql.conf'} . "pg_session_jwt.leeway = 0\n",
	@server{qw(pg_hba.conf pg_ident.conf)});
login_ok($node, 'the session ends with the token', as('app', 'u', exp => young_second() + 2),
	$who => 'app|u', '\sleep 3' => '', 'SELECT 1' => refused('57P01', qr/^terminating connection/));
my ($refresh) = $document =~ /^(SELECT auth\.jwt_session_refresh)\(\$1\);$/m or die 'no refresh';
login_ok($node, 'a fresh token in time', as('app', 'u', exp => young_second() + 2),
	"$refresh('" . token('u') . "')" => '', '\sleep 3' => '', $who => 'app|u');

my %kubernetes = blocks('Kubernetes');
my %pod = (
	iss => 'https://kubernetes.default.svc.cluster.local', aud => ['notes'], scope => undef, jti => '0a1b', nbf => time,
	'kubernetes.io' => { namespace => 'shop', serviceaccount => { name => 'web' } });
my $pod = 'system:serviceaccount:shop:web';
configure(@kubernetes{qw(postgresql.conf pg_hba.conf pg_ident.conf)});
login_ok($node, 'a projected token', { %{ as('web', $pod, %pod) }, issuer => $pod{iss} }, $who => "web|$pod");
login_refused($node, 'of another service account', { %{ as('web', 'system:serviceaccount:shop:cron', %pod) }, issuer => $pod{iss} },
	qr/no match in usermap "pods"/);

# --- PgBouncer --------------------------------------------------------------------------

configure(@server{qw(postgresql.conf pg_hba.conf pg_ident.conf)});
{
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	put_file("$dir/users", qq("app" ""\n));
	put_file("$dir/pgbouncer.ini", <<END);
[databases]
notes = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=postgres
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users
query_wait_timeout = 3
END
	my $bouncer = start_pool("$dir/.s.PGSQL.$port", "$dir/log", 'pgbouncer', "$dir/pgbouncer.ini");
	my ($out, $err);
	IPC::Run::run([ 'psql', '-X', '-w', '-c', 'SELECT 1', "host=$dir port=$port dbname=notes user=app" ], '>', \$out, '2>', \$err);
	$bouncer->kill_kill;
	like($err, qr/none of the server's SASL authentication mechanisms are supported/, 'PgBouncer cannot log in with a token');
}

my $all = () = $document =~ /^```\n# /mg;
is($used, $all, 'each example of a configuration file is here');
$node->stop;
done_testing();
