# SPDX-License-Identifier: Apache-2.0
# Revoked tokens: the file of pg_session_jwt.revoked_file, the table auth.revocation, and
# auth.revoke() with Logout Tokens of OpenID Connect Back-Channel Logout.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use Issuer;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;
use Time::HiRes ();

my $node = start_node('revocation');
my $data = $node->data_dir;
my $json = JSON::PP->new->canonical;
my $user = 'SELECT auth.user_id()';
my $key = new_key('one');
my $list = "$data/revoked.jsonl";

# The file's lines: entries, or text as it is; the last line is added.
sub list_of
{
	return join '', map { (ref $_ ? $json->encode($_) : $_) . "\n" } @_, { end => JSON::PP::true };
}

sub revoked
{
	my ($by, $where) = @_;
	return refused('23514', 'JWT is revoked',
		detail => qq(Claim "$by" is in ) . ($where // 'pg_session_jwt.revoked_file') . '.');
}

sub unusable
{
	my ($why) = @_;
	return refused('55000', 'no usable list of revoked tokens', detail => $why);
}

# A step that runs a shell command on the server, in its data directory.
sub shell
{
	my ($command) = @_;
	$command =~ s/'/''/g;
	return ("COPY (SELECT 1) TO PROGRAM '$command'" => '');
}

# Steps that replace the list by one that a file beside it has. Files are made before.
my $made = 0;

sub replace_list
{
	my ($text) = @_;
	my $file = 'list.' . ++$made;
	put_file("$data/$file", $text);
	return shell("cat >/dev/null; cp $file list.new && mv list.new revoked.jsonl");
}

# A step in which another session runs SQL.
my $psql = sprintf 'psql -qX -v ON_ERROR_STOP=1 -h %s -p %s -d app', $node->host, $node->port;

sub other
{
	my ($sql) = @_;
	my $file = 'sql.' . ++$made;
	put_file("$data/$file", $sql);
	return shell("cat >/dev/null; $psql -f $file");
}

put_file("$data/jwks.json", key_set($key));
$node->safe_psql('postgres', 'CREATE ROLE app_user LOGIN');
for my $database ('app', 'file', 'plain')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql('postgres', trust($database));
	$node->safe_psql($database, 'CREATE EXTENSION pg_session_jwt');
}
$node->safe_psql('postgres', "ALTER DATABASE file SET pg_session_jwt.revoked_file = 'revoked.jsonl'");

my $now = time;
my %claims = (jti => 'j-1', sid => 's-1', iat => $now - 100);
my $alice = token_for($key, 'alice', %claims);
my $bob = token_for($key, 'bob', jti => 'j-2', sid => 's-2', iat => $now - 100);
my $timeless = sign(
	$json->encode({ iss => $ISSUER, aud => $AUDIENCE, sub => 'alice', exp => $now + 3600 }),
	jwk => $key,
	header => $json->encode({ alg => session_alg(), kid => 'one' }));
my $numbered = token_for($key, 'alice', jti => 12345678901234567);

sub in_file
{
	my ($name, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return session_ok($node, $name, { db => 'file', user => $ENV{PGUSER} }, @steps);
}

# --- what a line revokes --------------------------------------------------------

put_file($list, list_of());
in_file(
	'from the next message on, and no longer than it is there',
	init_with($alice) => '',
	$user => 'alice',
	replace_list(list_of({ iss => $ISSUER, jti => 'j-1' })),
	$user => revoked('jti'),
	init_with($alice) => revoked('jti'),
	"SELECT auth.jwt_authenticate('$alice')" => revoked('jti'),
	"SET pg_session_jwt.jwt = '$alice'" => '',
	'SELECT status, reason FROM auth.jwt_status()' =>
	  'refused|JWT is revoked: Claim "jti" is in pg_session_jwt.revoked_file.',
	init_with($bob) => '',
	$user => 'bob',
	"SET pg_session_jwt.jwt = '$alice'" => '',
	$user => revoked('jti'),
	replace_list(list_of()),
	$user => 'alice');

sub revokes
{
	my ($name, $entry, @results) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	put_file($list, list_of(ref $entry eq 'ARRAY' ? @$entry : $entry));
	return in_file($name, map { (init_with($_->[0]) => $_->[1]) } @results);
}

my $later = $now + 1000;
revokes('jti: a string, in an array', { iss => $ISSUER, jti => [ 'j-0', 'j-1' ] }, [ $alice, revoked('jti') ], [ $bob, '' ]);
revokes('jti: a number by its digits', { iss => $ISSUER, jti => '12345678901234567' },
	[ $numbered, revoked('jti') ],
	[ $alice, '' ]);
revokes('sid', { iss => $ISSUER, sid => 's-1' }, [ $alice, revoked('sid') ], [ $bob, '' ]);
revokes('sub', { iss => $ISSUER, sub => 'alice' },
	[ $alice, revoked('sub') ], [ $timeless, revoked('sub') ], [ $bob, '' ]);
revokes('another issuer', { iss => "$ISSUER/", sub => 'alice' }, [ $alice, '' ]);
revokes('no issuer', { iss => '', sub => 'alice' }, [ $alice, '' ]);
revokes('another claim', { iss => $ISSUER, sid => [ 'j-1', 'alice' ] }, [ $alice, '' ]);
revokes('issued before', { iss => $ISSUER, sub => 'alice', issued_before => $now - 99 },
	[ $alice, revoked('sub') ],
	[ $timeless, revoked('sub') ]);
revokes('not issued before', { iss => $ISSUER, sub => 'alice', issued_before => $now - 100 },
	[ $alice, '' ],
	[ $timeless, revoked('sub') ]);
revokes('issued before, of two lines', [ map { { iss => $ISSUER, sub => 'alice', issued_before => $_ } } 1, $later, 2 ],
	[ $alice, revoked('sub') ]);
revokes('until', { iss => $ISSUER, sub => 'alice', until => $later }, [ $alice, revoked('sub') ]);
revokes('until is over', { iss => $ISSUER, sub => 'alice', until => $now - 1 }, [ $alice, '' ]);
revokes('times beyond the year 2106', { iss => $ISSUER, sub => 'alice', issued_before => 1e10, until => 1e10 },
	[ $alice, revoked('sub') ]);

# An entry ends while the session runs, and no file changes.
my $soon = time + 2;
put_file($list, list_of({ iss => $ISSUER, sub => 'alice', until => $soon }));
in_file(
	'an entry goes by itself',
	init_with($alice) => revoked('sub'),
	'SELECT pg_sleep(greatest(0, ' . ($soon + 0.2) . ' - extract(epoch FROM clock_timestamp())))' => '',
	init_with($alice) => '',
	$user => 'alice');

# --- sessions, transactions, workers --------------------------------------------

put_file($list, list_of());
in_file(
	'in the middle of a transaction, in each isolation level, and in its cursor',
	'BEGIN ISOLATION LEVEL REPEATABLE READ' => '',
	"SELECT auth.jwt_authenticate('$alice')" => 'alice',
	'DECLARE c CURSOR FOR SELECT auth.user_id() FROM generate_series(1, 3)' => '',
	'FETCH c' => 'alice',
	replace_list(list_of({ iss => $ISSUER, jti => 'j-1' })),
	'SAVEPOINT s' => '',
	'FETCH c' => revoked('jti'),
	'ROLLBACK TO s' => '',
	$user => revoked('jti'),
	'ROLLBACK' => '');

put_file($list, list_of());
$node->safe_psql('file', <<'END');
CREATE TABLE numbers AS SELECT g AS n FROM generate_series(1, 20000) g;
ALTER TABLE numbers SET (parallel_workers = 2);
GRANT SELECT ON numbers TO PUBLIC;
ANALYZE numbers;
END
my @parallel = map { ("SET $_" => '') } 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
  'min_parallel_table_scan_size = 0', 'parallel_leader_participation = off';
my $rows = "SELECT count(*) FROM numbers WHERE auth.user_id() || n <> 'x'";
in_file(
	'parallel workers, with the leader that refuses',
	@parallel,
	init_with($alice) => '',
	"EXPLAIN (COSTS OFF) $rows" => qr/Workers Planned: 2/,
	$rows => '20000',
	replace_list(list_of({ iss => $ISSUER, sub => 'alice' })),
	$rows => revoked('sub'),
	replace_list('half'),
	$rows => revoked('sub'),
	init_with($bob) => '',
	$rows => '20000',
	replace_list(list_of()),
	init_with($alice) => '',
	$rows => '20000');

my $session_alice = sign('{"jti":1,"sub":"alice"}');
put_file($list, list_of());
session_ok(
	$node,
	'tokens of a session key, too',
	{ jwk => public_jwk() },
	"SET pg_session_jwt.revoked_file = 'revoked.jsonl'" => '',
	init_with($session_alice) => '',
	$user => 'alice',
	replace_list(list_of({ iss => '', jti => '1' })),
	$user => revoked('jti'),
	replace_list(list_of()),
	$user => 'alice') if $node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt; SELECT true');

# --- a file that cannot be used -------------------------------------------------

my $half = $json->encode({ iss => $ISSUER, sub => 'bob' }) . "\n";
my @broken = (
	[ 'half a line', $half . '{"iss":', qr/^file revoked\.jsonl: Line 2: line of revoked tokens is not strict JSON, at byte 7\.$/ ],
	[ 'cut after a line', $half, 'file revoked.jsonl: Its last line is not {"end":true}.' ],
	[ 'more after the end', list_of() . $half, 'file revoked.jsonl: Line 2 comes after the end.' ],
	[ 'empty', '', 'file revoked.jsonl: It is empty.' ],
	[ 'blank line', "\n" . list_of(), qr/^file revoked\.jsonl: Line 1: line of revoked tokens is not strict JSON, at byte 0\.$/ ],
	[ 'unknown member', list_of({ iss => $ISSUER, sub => 'bob', exp => 1 }),
		'file revoked.jsonl: Line 1: line of revoked tokens is not as it must be: a member is not known, at byte 7.' ],
	[ 'long line', list_of({ iss => $ISSUER, jti => 'x' x 65536 }), 'file revoked.jsonl: Line 1: line of revoked tokens is too long, at byte 0.' ],
	[ 'a set of keys', key_set($key), qr/^file revoked\.jsonl: Line 1: line of revoked tokens is not as it must be: a member is not known/ ]);
for (@broken)
{
	my ($name, $text, $why) = @$_;
	my $in_use = ref $why ? qr/^valid\|The last valid list of revoked tokens is used\. (?!file)/
	  : 'valid|The last valid list of revoked tokens is used. ' . ($why =~ s/^file revoked.jsonl/File revoked.jsonl/r);
	put_file($list, list_of({ iss => $ISSUER, sub => 'alice' }));
	in_file(
		"$name: the last valid list stays in force",
		init_with($alice) => revoked('sub'),
		init_with($bob) => '',
		replace_list($text),
		$user => 'bob',
		init_with($alice) => revoked('sub'),
		init_with($bob) => '',
		"SELECT status, replace(reason, 'File ', 'File ') FROM auth.jwt_status()" => ref $why ? qr/^valid\|The last valid list/ : $in_use);
	in_file(
		"$name: a new session refuses every token",
		init_with($bob) => unusable($why),
		"SET pg_session_jwt.jwt = '$bob'" => '',
		$user => unusable($why),
		'SELECT status, reason FROM auth.jwt_status()' => qr/^refused\|no usable list of revoked tokens: file revoked\.jsonl: /,
		replace_list(list_of()),
		$user => 'bob');
}

unlink $list;
in_file('gone: a new session refuses every token', init_with($bob) => unusable('file revoked.jsonl: No such file or directory'));
put_file($list, list_of({ iss => $ISSUER, sub => 'alice' }));
in_file(
	'gone, a directory, 100 MB',
	init_with($bob) => '',
	shell("cat >/dev/null; rm revoked.jsonl"),
	init_with($alice) => revoked('sub'),
	'SELECT reason FROM auth.jwt_status()' => qr/revoked/,
	shell("cat >/dev/null; mkdir revoked.jsonl"),
	init_with($alice) => revoked('sub'),
	shell("cat >/dev/null; rmdir revoked.jsonl; truncate -s 100000000 revoked.jsonl"),
	init_with($alice) => revoked('sub'),
	init_with($bob) => '',
	'SELECT status, reason FROM auth.jwt_status()' =>
	  'valid|The last valid list of revoked tokens is used. File revoked.jsonl: It is larger than 95 MiB.');
in_file('100 MB: a new session refuses every token', init_with($bob) => unusable('file revoked.jsonl: It is larger than 95 MiB.'));

my $log = slurp_file($node->logfile);
my $logged = () = $log =~ /could not use file of revoked tokens "revoked\.jsonl"\n.*DETAIL:  It is larger than 95 MiB\.\n.*HINT:  Every token is refused\./g;
is($logged, 1, 'a problem is in the log, once a session');
like($log, qr/could not use file of revoked tokens "revoked\.jsonl"\n.*DETAIL:  It is empty\.\n.*HINT:  The session keeps the last valid list\./, 'also where the last list is used');

# A session and another one see a second change that no time of the file tells, as within one
# tick of the file system's clock: a list is read again until its change is two seconds old.
put_file($list, list_of({ iss => $ISSUER, jti => 'j-1' }));
system_or_bail('mkfifo', '-m', '0666', "$data/asked", "$data/answered");
my $in_place = IPC::Run::start([ 'python3', "$ENV{PGSJ_TESTS}/tap/in_place.py", $list, "$data/asked", "$data/answered" ],
	IPC::Run::timeout(60));

# A step that has the helper do this; its answer goes into a file.
sub ask { return (shell("cat >/dev/null; timeout 10 sh -c 'echo $_[0] >asked; cat answered >>answers'"))[0] }

# The SQLSTATE of each step of a session.
sub states
{
	my (@steps) = @_;
	my (undef, $out) = $node->psql('file', join('', map { "$_;\n\\echo :SQLSTATE\n" } @steps), on_error_stop => 0);
	return $out =~ /^(\w{5})$/mg;
}

my ($ok, $is_revoked) = ('00000', '23514');
my (@states, @answers, $took);
for my $attempt (1 .. 5)
{
	unlink "$data/answers";
	my $began = Time::HiRes::time();
	@states = states(ask('young'), init_with($alice), init_with($bob), ask('j-1 j-2'), init_with($alice), init_with($bob));
	push @states, states(init_with($bob), ask('j-2 j-1'));
	push @states, states(init_with($alice), init_with($bob));
	@answers = split /\n/, slurp_file("$data/answers");
	$took = Time::HiRes::time() - $began;
	last if $took < 1.9;
}
cmp_ok($took, '<', 1.9, 'all within two seconds');
is(scalar @answers, 3, 'the file was changed');
is(scalar(keys %{{ map { $_ => 1 } @answers }}), 1, 'and has the times of before');
is_deeply([ @states[ 0 .. 5 ] ], [ $ok, $is_revoked, $ok, $ok, $ok, $is_revoked ], 'a session sees the change');
is_deeply([ @states[ 6 .. 9 ] ], [ $is_revoked, $ok, $is_revoked, $ok ], 'another session does, too');
(undef) = states(ask('quit'));
$in_place->finish;

# --- who may set it ---------------------------------------------------------------

put_file($list, list_of({ iss => $ISSUER, sub => 'alice' }));
session_ok(
	$node,
	'an ordinary role cannot set it away',
	{ db => 'file', user => 'app_user' },
	init_with($alice) => revoked('sub'),
	"SET pg_session_jwt.revoked_file = ''" => refused('42501', 'permission denied to set parameter "pg_session_jwt.revoked_file"'),
	'RESET ALL' => '',
	'DISCARD ALL' => '',
	init_with($alice) => revoked('sub'));
session_ok(
	$node,
	'nor in its startup packet',
	{ db => 'file', user => 'app_user', set => { 'pg_session_jwt.revoked_file' => '' } },
	init_with($alice) => refused('55000', 'pg_session_jwt is misconfigured', detail => qr/revoked_file/));

# --- the index ----------------------------------------------------------------------

my @index = glob "$data/pg_stat_tmp/pg_session_jwt.*.index";
is(scalar @index, 1, 'one index');
is(sprintf('%o', (stat $index[0])[2] & 07777), '600', 'that only the server reads');
in_file(
	'an index that is lost is made anew',
	init_with($alice) => revoked('sub'),
	shell("cat >/dev/null; rm pg_stat_tmp/*.index"),
	init_with($bob) => sub { ref $_[0] ? $_[0]{state} eq '55000' : $_[0] eq '' },
	init_with($bob) => '',
	init_with($alice) => revoked('sub'));
$node->stop;
put_file($index[0], 'x' x 100000);
$node->start;
in_file('an index of another run of the server is made anew', init_with($alice) => revoked('sub'), init_with($bob) => '');

# --- the table ------------------------------------------------------------------------

my $in_table = 'table auth.revocation';

sub in_app
{
	my ($name, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return session_ok($node, $name, { db => 'app' }, @steps);
}

sub insert
{
	my (%row) = @_;
	$row{iss} //= $ISSUER;
	return 'INSERT INTO auth.revocation (' . join(', ', sort keys %row) . ') VALUES ('
	  . join(', ', map { "'$row{$_}'" } sort keys %row) . ')';
}

my $clear = 'DELETE FROM auth.revocation';
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	in_app(
		"in force from the next message of a transaction: $level",
		"PREPARE p AS $user" => '',
		"BEGIN ISOLATION LEVEL $level" => '',
		"SELECT auth.jwt_authenticate('$alice')" => 'alice',
		'EXECUTE p' => 'alice',
		'SAVEPOINT s' => '',
		other(insert(jti => 'j-1')),
		# It takes no lock, with which the server would take in what others committed.
		'EXECUTE p' => revoked('jti', $in_table),
		'ROLLBACK TO s' => '',
		$user => revoked('jti', $in_table),
		'ROLLBACK TO s' => '',
		other($clear),
		$user => 'alice',
		'COMMIT' => '');
}
in_app(
	'in force from the next message of a session',
	init_with($alice) => '',
	$user => 'alice',
	other(insert(sid => 's-1')),
	$user => revoked('sid', $in_table),
	'SELECT status, reason FROM auth.jwt_status()' => 'refused|JWT is revoked: Claim "sid" is in table auth.revocation.',
	init_with($bob) => '',
	$user => 'bob',
	other("UPDATE auth.revocation SET sid = 's-2'"),
	$user => revoked('sid', $in_table),
	init_with($alice) => '',
	other('TRUNCATE auth.revocation'),
	init_with($bob) => '',
	other("COPY auth.revocation (iss, sub) FROM stdin;\n$ISSUER\tbob\n\\.\n"),
	$user => revoked('sub', $in_table),
	other("SET session_replication_role = replica; $clear"),
	$user => 'bob',
	other('BEGIN; ' . insert(sub => 'bob') . '; ROLLBACK'),
	$user => 'bob');
in_app(
	'rows of its own transaction',
	'BEGIN' => '',
	init_with($alice) => '',
	insert(sub => 'alice') => '',
	'SAVEPOINT s' => '',
	$user => revoked('sub', $in_table),
	'ROLLBACK' => '',
	init_with($alice) => '',
	$user => 'alice');
in_app(
	'times of a row',
	insert(sub => 'alice', issued_before => '2001-01-01') => '',
	init_with($alice) => '',
	init_with($timeless) => revoked('sub', $in_table),
	"UPDATE auth.revocation SET issued_before = to_timestamp($now - 100)" => '',
	init_with($alice) => '',
	"UPDATE auth.revocation SET issued_before = to_timestamp($now - 99.5)" => '',
	init_with($alice) => revoked('sub', $in_table),
	"UPDATE auth.revocation SET issued_before = 'infinity', until = now() + '1 hour'" => '',
	init_with($alice) => revoked('sub', $in_table),
	"UPDATE auth.revocation SET until = now() - interval '1 second'" => '',
	init_with($alice) => '',
	"UPDATE auth.revocation SET until = now() - interval '1 hour'" => '',
	insert(jti => 'x') => '',
	'SELECT jti, sub FROM auth.revocation' => 'x|NULL',
	$clear => '');
in_app(
	'a row is by one claim of an issuer',
	'INSERT INTO auth.revocation (iss) VALUES (1)' => refused('23502', qr/"fingerprint"/),
	insert(jti => 1, sub => 2) => refused('23502', qr/"fingerprint"/),
	"INSERT INTO auth.revocation (jti) VALUES (1)" => refused('23502', qr/"iss"/),
	insert(jti => 1) => '',
	insert(jti => 1) => refused('23505', qr/revocation_key/),
	$clear => '');

$node->safe_psql('app', 'CREATE TABLE numbers AS SELECT g AS n FROM generate_series(1, 20000) g; ALTER TABLE numbers SET (parallel_workers = 2); ANALYZE numbers');
in_app(
	'parallel workers',
	@parallel,
	init_with($alice) => '',
	$rows => '20000',
	other(insert(jti => 'j-1')),
	$rows => revoked('jti', $in_table),
	init_with($bob) => '',
	$rows => '20000',
	$clear => '');

# The session is a superuser's, which may turn the seal on.
in_app(
	'a sealed identity',
	'SET pg_session_jwt.seal = on' => '',
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$alice')" => 'alice',
	$user => 'alice',
	other(insert(jti => 'j-1')),
	$user => revoked('jti', $in_table),
	'ROLLBACK' => '',
	'BEGIN' => '',
	"SELECT auth.jwt_authenticate('$alice')" => revoked('jti', $in_table),
	'ROLLBACK' => '',
	'RESET pg_session_jwt.seal' => '',
	$clear => '');

session_ok(
	$node,
	'an ordinary role can neither read nor write it',
	{ db => 'app', user => 'app_user' },
	insert(jti => 1) => refused('42501', 'permission denied for table revocation'),
	'TABLE auth.revocation' => refused('42501', 'permission denied for table revocation'),
	'CREATE TRIGGER t AFTER INSERT ON auth.revocation EXECUTE FUNCTION auth.revocation_changed()' =>
	  refused('42501', 'permission denied for table revocation'),
	"SELECT auth.revoke('x')" => refused('42501', 'permission denied for function revoke'));

# The database's owner has no other right. Its dump has the rows.
$node->safe_psql('postgres', $_) for 'CREATE ROLE owner LOGIN', 'CREATE DATABASE owned OWNER owner', 'CREATE DATABASE restored OWNER owner', trust('owned'), trust('restored');
session_ok(
	$node,
	"the database's owner may write it",
	{ db => 'owned', user => 'owner' },
	'CREATE EXTENSION pg_session_jwt' => '',
	insert(sub => 'alice') => '',
	init_with($alice) => revoked('sub', $in_table),
	'ALTER TABLE auth.revocation DISABLE TRIGGER ALL' => refused('42501', qr/must be owner/));
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '--no-sync', '-U', 'owner', '-f', $dump, 'owned' ], 'pg_dump');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-U', 'owner', '-d', 'restored', '-f', $dump ], 'restored');
session_ok(
	$node,
	'a dump has the rows, and the owner hands his right on',
	{ db => 'restored', user => 'owner' },
	init_with($alice) => revoked('sub', $in_table),
	init_with($bob) => '',
	'GRANT EXECUTE ON FUNCTION auth.revoke(text) TO app_user' => '');
session_ok(
	$node,
	'to a role that may do nothing else',
	{ db => 'restored', user => 'app_user' },
	"SELECT auth.revoke('x')" => refused('42804', 'invalid JWT encoding'),
	'TABLE auth.revocation' => refused('42501', 'permission denied for table revocation'));

# Without the table, with another one of its name, and when it comes while the session runs.
$node->safe_psql('plain', "ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'; CREATE TABLE auth.revocation (fingerprint text)");
$psql =~ s/-d app/-d plain/;
session_ok(
	$node,
	'a catalog of 0.5.0, and its update',
	{ db => 'plain' },
	init_with($alice) => '',
	$user => 'alice',
	other("DROP TABLE auth.revocation; ALTER EXTENSION pg_session_jwt UPDATE"),
	$user => 'alice',
	other(insert(sub => 'alice')),
	$user => revoked('sub', $in_table),
	init_with($bob) => '',
	other('ALTER TABLE auth.revocation DROP CONSTRAINT revocation_key'),
	$user => unusable('table auth.revocation: It is not as the extension made it.'),
	other('ALTER TABLE auth.revocation ADD PRIMARY KEY (fingerprint)'),
	$user => 'bob',
	other("ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'"),
	init_with($alice) => '',
	$user => 'alice');
$psql =~ s/-d plain/-d app/;

# A claim with a character beyond ASCII is the same in each encoding.
$node->safe_psql('postgres', "CREATE DATABASE latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('postgres', trust('latin1'));
my $rene = token_for($key, "ren\x{e9}");
session_ok(
	$node,
	'in a database of another encoding',
	{ db => 'latin1' },
	'CREATE EXTENSION pg_session_jwt' => '',
	init_with($rene) => '',
	"INSERT INTO auth.revocation (iss, sub) VALUES ('$ISSUER', U&'ren\\00e9')" => '',
	$user => revoked('sub', $in_table),
	"UPDATE auth.revocation SET sub = 'rene'" => '',
	init_with($rene) => '');

# --- auth.revoke() ---------------------------------------------------------------------

my %logout = (
	iss => $ISSUER, aud => $AUDIENCE, iat => $now - 50, exp => $now + 120, jti => 'l-1',
	events => { 'http://schemas.openid.net/event/backchannel-logout' => {} });

sub logout_token
{
	my (%o) = @_;
	my $header = { alg => session_alg(), kid => 'one', typ => 'logout+jwt', %{ delete $o{header} // {} } };
	my %payload = (%logout, %o);
	delete @payload{ grep { !defined $payload{$_} } keys %payload };
	return sign($json->encode(\%payload), jwk => delete $o{key} // $key, header => $json->encode($header));
}

sub revoke { return "SELECT auth.revoke('$_[0]')" }

my $of_session = logout_token(sid => 's-1', sub => 'alice');
my $of_user = logout_token(sub => 'bob', jti => 'l-2');
my $other_session = token_for($key, 'alice', sid => 's-9', iat => $now - 100);
my $bob_later = token_for($key, 'bob', iat => $now - 49);
my $bob_same_second = token_for($key, 'bob', iat => $now - 50);
$node->safe_psql('app', 'GRANT EXECUTE ON FUNCTION auth.revoke(text) TO app_user');
session_ok(
	$node,
	'a logout token: a session with sid, all sessions of a user with sub',
	{ db => 'app', user => 'app_user' },
	init_with($other_session) => '',
	init_with($alice) => '',
	$user => 'alice',
	revoke($of_session) => 't',
	$user => revoked('sid', $in_table),
	init_with($other_session) => '',
	init_with($bob) => '',
	revoke($of_user) => 't',
	$user => revoked('sub', $in_table),
	init_with($bob_same_second) => revoked('sub', $in_table),
	init_with($bob_later) => '',
	$user => 'bob',
	revoke($of_session) => 'f',
	revoke($of_user) => 'f',
	'BEGIN' => '',
	revoke(logout_token(jti => 'l-3', sid => 's-9')) => 't',
	'ROLLBACK' => '',
	init_with($other_session) => '');
in_app(
	'the rows of logout tokens',
	"SELECT jti, sid, sub, extract(epoch FROM issued_before)::bigint - $now, extract(epoch FROM until)::bigint - $now FROM auth.revocation ORDER BY 1, 2, 3" => join("\n",
		'l-1|NULL|NULL|NULL|181', 'l-2|NULL|NULL|NULL|181', 'NULL|s-1|NULL|NULL|NULL', 'NULL|NULL|bob|-49|NULL'),
	# A used token has no effect, also where the row that it made is gone.
	"DELETE FROM auth.revocation WHERE sid = 's-1'" => '',
	revoke($of_session) => 'f',
	init_with($alice) => '',
	# A later logout extends the row, an earlier one does not shorten it.
	revoke(logout_token(jti => 'l-4', sub => 'bob', iat => $now - 60)) => 't',
	init_with($bob) => revoked('sub', $in_table),
	init_with($bob_same_second) => revoked('sub', $in_table),
	revoke(logout_token(jti => 'l-5', sub => 'bob', iat => $now - 40)) => 't',
	init_with($bob_later) => revoked('sub', $in_table),
	"UPDATE auth.revocation SET issued_before = NULL WHERE sub = 'bob'" => '',
	revoke(logout_token(jti => 'l-6', sub => 'bob')) => 't',
	"SELECT issued_before FROM auth.revocation WHERE sub = 'bob'" => 'NULL',
	$clear => '');

my @terms = ("SET pg_session_jwt.max_lifetime = 3600" => '', "SET pg_session_jwt.required_claims = 'exp, iat'" => '', "SET pg_session_jwt.leeway = 10" => '');
my $ends = "SELECT extract(epoch FROM until)::bigint - $now FROM auth.revocation WHERE sid IS NOT NULL";
in_app(
	'a row has an end where tokens have iat and a greatest lifetime',
	@terms,
	revoke(logout_token(jti => 'l-7', sid => 's-1')) => 't',
	$ends => -49 + 3600 + 10,
	revoke(logout_token(jti => 'l-8', sid => 's-1', iat => $now - 40)) => 't',
	$ends => -39 + 3600 + 10,
	revoke(logout_token(jti => 'l-9', sid => 's-1', iat => $now - 45)) => 't',
	$ends => -39 + 3600 + 10,
	"SET pg_session_jwt.required_claims = 'exp'" => '',
	revoke(logout_token(jti => 'l-10', sid => 's-1')) => 't',
	$ends => 'NULL',
	@terms,
	revoke(logout_token(jti => 'l-11', sid => 's-1')) => 't',
	$ends => 'NULL',
	"SET pg_session_jwt.max_lifetime = 0" => '',
	revoke(logout_token(jti => 'l-12', sid => 's-2')) => 't',
	"$ends AND sid = 's-2'" => 'NULL',
	$clear => '');

my $foreign = logout_token(sid => 's-1', key => { %{ new_key('one') } });
in_app(
	'a logout token that is refused',
	revoke(logout_token(sid => 's-1', nonce => 'n')) => refused('23514', 'logout token refused', detail => "'nonce' is present"),
	revoke(logout_token(sid => 's-1', events => undef)) => refused('23514', 'logout token refused', detail => "'events' has no back-channel logout"),
	revoke($alice) => refused('23514', 'logout token refused', detail => "'events' has no back-channel logout"),
	revoke(logout_token()) => refused('23514', 'logout token refused', detail => "both 'sid' and 'sub' are missing"),
	revoke(logout_token(sid => 's-1', header => { typ => 'at+jwt' })) =>
	  refused('23514', 'logout token refused', detail => q('typ' is neither "logout+jwt" nor "JWT")),
	revoke(logout_token(sid => 's-1', aud => 'other')) => refused('23514', 'JWT audience refused'),
	revoke(logout_token(sid => 's-1', iss => 'https://other')) => refused('23514', 'JWT issuer refused'),
	revoke(logout_token(sid => 's-1', exp => $now - 100, iat => $now - 200)) => refused('23514', 'Token used after it has expired'),
	revoke($foreign) => refused('23514', 'invalid JWT signature'),
	revoke('') => refused('42804', 'invalid JWT encoding'),
	'SELECT auth.revoke(NULL)' => refused('22004', 'logout token is NULL'),
	'SELECT count(*) FROM auth.revocation' => '0');
in_app('a logout token is no identity', init_with($of_session) => refused('23514', 'JWT header refused', detail => 'token type is not accepted'));
session_ok($node, 'without pinned issuers', { db => 'postgres' }, revoke($of_session) => refused('55000', 'logout tokens need pinned issuers'));
is(join(' ', logged_pieces($node, $of_session, $of_user, $foreign)), '', 'the log has no piece of a logout token');

$node->stop;
done_testing();
