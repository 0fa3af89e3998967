# SPDX-License-Identifier: Apache-2.0
# A dump restores every privilege on schema auth that the owner gave or took, in
# each version and on each way between versions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('privileges');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
my $control = "$ENV{PGSJ_EXTENSIONS}/pg_session_jwt.control";
my $shipped = slurp_file($control);

$node->safe_psql('postgres', <<'END_SQL');
CREATE DATABASE restored;
CREATE ROLE app;
CREATE ROLE "App ""two""";
CREATE ROLE other;
CREATE ROLE leaver;
CREATE ROLE "Admin" SUPERUSER;
CREATE ROLE owner LOGIN;
END_SQL

# The server installs this version where no version is named, as in a dump.
sub set_default_version
{
	my ($version) = @_;
	(my $text = $shipped) =~ s/^default_version.*/default_version = '$version'/m;
	open my $handle, '>', $control or die "$control: $!";
	print $handle $text;
	close $handle;
	return;
}

# The extension's version and every privilege, one a line: on the schema, on each function that has not
# the default ones; what pg_dump takes for granted (initial); what each role may do.
my $state = <<'END_SQL';
WITH auth AS (SELECT oid, nspacl, nspowner FROM pg_namespace WHERE nspname = 'auth'),
acls (object, acl) AS (
	SELECT 'schema', coalesce(nspacl, acldefault('n', nspowner)) FROM auth
	UNION ALL
	SELECT p.oid::regprocedure::text, proacl FROM pg_proc p JOIN auth ON pronamespace = auth.oid
	WHERE proacl <> acldefault('f', proowner)
	UNION ALL
	SELECT 'initial', coalesce(initprivs, acldefault('n', nspowner))
	FROM auth LEFT JOIN pg_init_privs ON classoid = 'pg_namespace'::regclass AND objoid = oid)
SELECT 'version ' || extversion FROM pg_extension WHERE extname = 'pg_session_jwt'
UNION ALL
SELECT object || ': ' || pg_get_userbyid(grantor) || ' grants ' || privilege_type || ' to '
	|| CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END
	|| CASE WHEN is_grantable THEN ' with grant option' ELSE '' END
FROM acls, aclexplode(acl)
UNION ALL
SELECT rolname || ' can use: ' || has_schema_privilege(r.oid, auth.oid, 'USAGE')
	|| ', create: ' || has_schema_privilege(r.oid, auth.oid, 'CREATE')
FROM auth, pg_roles r WHERE rolname IN ('app', 'App "two"', 'other', 'owner')
ORDER BY 1
END_SQL

sub state { return $node->safe_psql($_[0], $state) }

chomp(my $superuser = $node->safe_psql('postgres', 'SELECT current_user'));
my $to_public = "schema: $superuser grants USAGE to PUBLIC";
my $databases = 0;

sub new_database
{
	my $db = 'db' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	return $db;
}

# Dumps database $db and restores it where its version of the extension is the installed one. Returns
# the state of both.
sub dump_and_restore
{
	my ($db, @options) = @_;
	my $old = state($db);
	my ($version) = $old =~ /^version (.*)$/m;
	set_default_version($version);
	command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr($db) ], "pg_dump of $version");
	command_ok(
		[   'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'),
			'-c', 'DROP EXTENSION IF EXISTS pg_session_jwt', @options, '-f', $dump ],
		'restored');
	return ($old, state('restored'));
}

my %fresh;

# The restored database, and what pg_dump takes for granted, are as they must be.
sub restores
{
	my ($db, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($old, $restored) = dump_and_restore($db);
	my ($version) = $old =~ /^version (.*)$/m;
	my @initial = $old =~ /^initial: (.*)$/mg;
	is($restored, $old, "$version $name: the dump restores every privilege");
	is_deeply(\@initial, $fresh{$version}, 'initial privileges are those of a fresh one');
	return $old;
}

# Every version and every way between them: 0.5.0, 1.0.0, back, and 1.0.0 again. The
# owner's statements run in one after the other.
sub restores_everywhere
{
	my ($name, @statements) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $db = new_database();
	$node->safe_psql($db, "CREATE EXTENSION pg_session_jwt VERSION '0.5.0'; " . shift @statements);
	my %old = map { $_ => 1 } split /\n/, restores($db, $name);
	for my $version ('1.0.0', '0.5.0', '1.0.0')
	{
		$node->safe_psql($db, "ALTER EXTENSION pg_session_jwt UPDATE TO '$version'");
		my %new = map { $_ => 1 } split /\n/, restores($db, "$name, updated");
		# 0.5.0 lacks the functions that are not granted to PUBLIC.
		my @lost = grep { / grants / && !/^initial|^auth\.(?:jwt_|revo)/ && !$new{$_} && $_ ne $to_public } sort keys %old;
		is_deeply(\@lost, [], 'the update takes away no privilege');
		is($new{$to_public} // 0, $version eq '1.0.0' ? 1 : 0, 'every role may use the schema in 1.0.0 alone');
		if (defined(my $statement = shift @statements))
		{
			$node->safe_psql($db, $statement);
			%new = map { $_ => 1 } split /\n/, restores($db, "after $statement");
		}
		%old = %new;
	}
	return;
}

for my $version ('0.5.0', '1.0.0')
{
	$node->safe_psql('restored',
		"DROP EXTENSION IF EXISTS pg_session_jwt; CREATE EXTENSION pg_session_jwt VERSION '$version'");
	$fresh{$version} = [ state('restored') =~ /^initial: (.*)$/mg ];
}

# --- a fresh 1.0.0 --------------------------------------------------------------

my $db = new_database();
$node->safe_psql($db, 'CREATE EXTENSION pg_session_jwt');
restores($db, 'as created');
$node->safe_psql($db, 'GRANT USAGE ON SCHEMA auth TO app; REVOKE USAGE ON SCHEMA auth FROM PUBLIC');
restores($db, 'with another grant instead of that to PUBLIC');

# --- the owner's own grants, over updates ---------------------------------------

restores_everywhere('untouched', '');
restores_everywhere(
	'with a grant',
	'GRANT USAGE ON SCHEMA auth TO app; GRANT CREATE ON SCHEMA auth TO "App ""two"""',
	'GRANT USAGE ON SCHEMA auth TO "App ""two"""',
	'GRANT USAGE ON SCHEMA auth TO other',
	'REVOKE ALL ON SCHEMA auth FROM app');
restores_everywhere('with a grant that is granted on', <<'END_SQL', 'REVOKE USAGE ON SCHEMA auth FROM PUBLIC');
GRANT USAGE ON SCHEMA auth TO app WITH GRANT OPTION;
SET ROLE app;
GRANT USAGE ON SCHEMA auth TO "App ""two""";
END_SQL
restores_everywhere('with a grant to PUBLIC', 'GRANT ALL ON SCHEMA auth TO PUBLIC',
	'REVOKE CREATE ON SCHEMA auth FROM PUBLIC');
restores_everywhere('with less for the owner', 'REVOKE CREATE ON SCHEMA auth FROM CURRENT_USER',
	'GRANT CREATE ON SCHEMA auth TO other', 'GRANT CREATE ON SCHEMA auth TO CURRENT_USER');
restores_everywhere('with nothing for the owner', 'REVOKE ALL ON SCHEMA auth FROM CURRENT_USER');
restores_everywhere(
	'with grants on functions',
	'REVOKE ALL ON FUNCTION auth.organization() FROM PUBLIC; GRANT EXECUTE ON FUNCTION auth.organization() TO app',
	'REVOKE ALL ON FUNCTION auth.user_id() FROM PUBLIC');

# --- another superuser's, and a database's owner's --------------------------------

my $admins = new_database();
$node->safe_psql($admins, <<'END_SQL');
SET ROLE "Admin";
CREATE EXTENSION pg_session_jwt VERSION '0.5.0';
GRANT USAGE ON SCHEMA auth TO app;
ALTER EXTENSION pg_session_jwt UPDATE TO '1.0.0';
END_SQL
my ($old, $restored) = dump_and_restore($admins, '-c', 'SET ROLE "Admin"');
is($restored, $old, q(the dump of another superuser's restores every privilege));

$db = new_database();
$node->safe_psql('postgres', "ALTER DATABASE $db OWNER TO owner");
session_ok(
	$node,
	'an owner who is no superuser',
	{ db => $db, user => 'owner' },
	"CREATE EXTENSION pg_session_jwt VERSION '0.5.0'" => '');
$node->safe_psql($db, 'GRANT USAGE ON SCHEMA auth TO app, leaver');
session_ok(
	$node,
	'updates, goes back and updates',
	{ db => $db, user => 'owner' },
	"ALTER EXTENSION pg_session_jwt UPDATE TO '1.0.0'" => '',
	"ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'" => '',
	"ALTER EXTENSION pg_session_jwt UPDATE TO '1.0.0'" => '');

# The server still knows which role has a privilege, and of no other.
session_ok(
	$node,
	'a role can be dropped as soon as it has no privilege',
	{ db => $db },
	'DROP ROLE leaver' => refused('2BP01', qr/role "leaver" cannot be dropped/),
	'REVOKE ALL ON SCHEMA auth FROM leaver' => '',
	'DROP ROLE leaver' => '');
restores($db, q(of a database's owner));

$node->stop;
done_testing();
