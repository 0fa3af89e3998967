# SPDX-License-Identifier: Apache-2.0
# Which copies of a database keep the settings that decide whom it trusts, and what a copy
# does that lost them: docs/operations.md, "Backups".

use strict;
use warnings;

use File::Copy qw(copy);
use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $key = new_key('ours');
my $token = token_for($key, 'alice');
my $own_key = public_jwk();
my $own_token = sign('{"jti":1,"sub":"mallory"}');
my $user = 'SELECT auth.user_id()';
my $line = "pg_session_jwt.mode = 'issuer'\n";

# What a database does with a token of the issuer, and whether a client can take another
# identity with claims or with its own key.
sub outcome
{
	my ($node, $db) = @_;
	my @identities;
	for (
		[ "SELECT auth.jwt_session_init('$token')" ],
		[ q(SET request.jwt.claims = '{"sub":"mallory"}') ],
		[ "SELECT auth.jwt_session_init('$own_token')", "-c pg_session_jwt.jwk=$own_key" ])
	{
		my ($statement, $options) = @$_;
		local $ENV{PGOPTIONS} = $options // '';
		my ($status, $out, $err) = $node->psql($db, "$statement; $user", extra_params => [ '-U', 'app_user' ]);
		push @identities, $out =~ /(\w+)\s*\z/ ? $1 : 'none';
	}
	my $open = join ' and ', (qw(claims key))[ grep { $identities[ $_ + 1 ] eq 'mallory' } 0, 1 ];
	return "token: $identities[0], open: " . ($open || 'no');
}

my $trusted = 'token: alice, open: no';
my $closed = 'token: none, open: no';
my $open = 'token: none, open: claims and key';

# A cluster without key files and without the line in postgresql.conf.
sub new_cluster
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
	return $node;
}

# --- the recommended settings ---------------------------------------------------------------

my $old = new_cluster('old');
$old->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 4\n$line");
put_file($old->data_dir . '/jwks.json', key_set($key));
$old->start;
$old->safe_psql('postgres', <<END . trust('app'));
CREATE ROLE app_user LOGIN;
CREATE ROLE everywhere LOGIN;
ALTER ROLE everywhere SET pg_session_jwt.audience = 'everywhere';
CREATE DATABASE app;
CREATE DATABASE bare;
ALTER DATABASE app SET pg_session_jwt.mode = 'issuer';
ALTER ROLE app_user IN DATABASE app SET pg_session_jwt.required_claims = 'exp,sub';
END
$old->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(app bare);
is(outcome($old, 'app'), $trusted, 'the original, with its settings');
is(outcome($old, 'bare'), $closed, 'the line in postgresql.conf closes a database that has no settings');

my $stored = q(SELECT coalesce(string_agg(concat_ws(' ', datname, rolname, split_part(name, '=', 1)), ', '
	ORDER BY datname, rolname, name), 'none') FROM pg_db_role_setting
	LEFT JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole, unnest(setconfig) name);
my $of_database = join ', ', map { "app pg_session_jwt.$_" } qw(algorithms audience issuer jwks_file mode);
my $of_both = "app app_user pg_session_jwt.required_claims, $of_database";
my $of_role = 'everywhere pg_session_jwt.audience';
is($old->safe_psql('postgres', $stored), "$of_both, $of_role", 'what the catalog stores');

$old->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE app');
is($old->safe_psql('postgres', $stored), "$of_both, $of_role", 'TEMPLATE: the copy has no settings');
is(outcome($old, 'copy'), $closed, 'and the line closes it');

# --- dumps ------------------------------------------------------------------------------------

my $dumps = PostgreSQL::Test::Utils::tempdir();
$old->command_ok([ 'pg_dump', '--no-sync', '-f', "$dumps/plain.sql", 'app' ], 'pg_dump');
$old->command_ok([ 'pg_dump', '--no-sync', '--create', '-f', "$dumps/create.sql", 'app' ], 'pg_dump --create');
$old->safe_psql('postgres', 'DROP DATABASE copy');
$old->command_ok([ 'pg_dumpall', '--no-sync', '-f', "$dumps/all.sql" ], 'pg_dumpall');

my $new = new_cluster('new');
$new->start;
$new->safe_psql('postgres', 'CREATE ROLE app_user LOGIN; CREATE DATABASE plain');
sub restore
{
	my ($db, $dump) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $new->connstr($db), '-f', "$dumps/$dump.sql" ], '>', \$out, '2>', \$err)
	  or die $err;
}

restore('plain', 'plain');
is($new->safe_psql('postgres', $stored), 'none', 'pg_dump: no setting is restored');
is(outcome($new, 'plain'), $open, 'and without the line the copy is open');
$new->append_conf('postgresql.conf', $line);
$new->reload;
is(outcome($new, 'plain'), $closed, 'with the line it is not');
$new->adjust_conf('postgresql.conf', 'pg_session_jwt.mode', undef);
$new->reload;

restore('postgres', 'create');
is($new->safe_psql('postgres', $stored), $of_both, 'pg_dump --create: the settings of the database are restored');
is(outcome($new, 'app'), $closed, 'the key file is not there: it is closed');
put_file($new->data_dir . '/jwks.json', key_set($key));
is(outcome($new, 'app'), $trusted, 'with the key file it trusts what the original trusts');
unlink $new->data_dir . '/jwks.json';
$new->safe_psql('postgres', 'DROP DATABASE app; DROP ROLE app_user');

restore('postgres', 'all');
is($new->safe_psql('postgres', $stored), "$of_both, $of_role", 'pg_dumpall: also those of roles');
is(outcome($new, 'app'), $closed, 'the key file is not there: it is closed');
is(outcome($new, 'bare'), $open, 'a database without settings of its own is open until the line is there');
$new->stop;

# --- a base backup -------------------------------------------------------------------------------

$old->backup('base');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($old, 'base');
$copy->start;
is(outcome($copy, 'app'), $trusted, 'base backup: the settings, postgresql.conf and the key file are there');
is(outcome($copy, 'bare'), $closed, 'and the line closes the other database');
$copy->stop;

# From 18 on the server looks for $libdir/pg_session_jwt in dynamic_library_path too, where
# this test has it, and pg_upgrade does not.
if ($old->pg_version >= 18)
{
	$old->safe_psql($_, q(UPDATE pg_proc SET probin = 'pg_session_jwt' WHERE probin = '$libdir/pg_session_jwt'))
	  for qw(app bare);
}
$old->stop;

# --- pg_upgrade -------------------------------------------------------------------------------------

my $upgraded = new_cluster('upgraded');
chomp(my $bin = `"$ENV{PG_CONFIG}" --bindir`);
my ($out, $err);
my $done = IPC::Run::run(
	[
		'pg_upgrade', '-b', $bin, '-B', $bin, '-d', $old->data_dir, '-D', $upgraded->data_dir,
		'-s', $old->host, '-p', $old->port, '-P', $upgraded->port
	],
	'>', \$out, '2>', \$err);
ok($done, 'pg_upgrade') or diag "$out\n$err";
$upgraded->start;
is($upgraded->safe_psql('postgres', $stored), "$of_both, $of_role", 'pg_upgrade: the settings in the catalog are kept');
is(outcome($upgraded, 'app'), $closed, 'the key file is not: it is closed');
is(outcome($upgraded, 'bare'), $open, 'nor is postgresql.conf: a database without settings of its own is open');
$upgraded->append_conf('postgresql.conf', $line);
$upgraded->reload;
copy($old->data_dir . '/jwks.json', $upgraded->data_dir . '/jwks.json') or die $!;
is(outcome($upgraded, 'app'), $trusted, 'with the key file and the line it does what the original does');
is(outcome($upgraded, 'bare'), $closed, 'in each database');
$upgraded->stop;
done_testing();
