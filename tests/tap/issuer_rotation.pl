# SPDX-License-Identifier: Apache-2.0
# Issuer mode: key files that change or become unusable while sessions run.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;
use Time::HiRes ();

my $node = start_node('issuer_rotation', "max_worker_processes = 8\n");
my $data = $node->data_dir;
my $json = JSON::PP->new->canonical;
my $user = 'SELECT auth.user_id()';
my $absolute = File::Spec->rel2abs("$data/jwks.json");

my ($k1, $k2, $k3) = map { new_key("k$_") } 1 .. 3;
my %set = (1 => key_set($k1), 2 => key_set($k2), 12 => key_set($k1, $k2), 3 => key_set($k3));
put_file("$data/set$_.json", $set{$_}) for keys %set;
put_file("$data/jwks.json", $set{1});
my $alice = token_for($k1, 'alice');
my $bob = token_for($k2, 'bob');
my $carol = token_for($k3, 'carol');
my $later = token_for($k1, 'alice', jti => 'later');
my $forged = join '.', (split /\./, token_for($k1, 'mallory'))[ 0, 1 ], (split /\./, $alice)[2];

$node->safe_psql('postgres', <<END . trust('app'));
CREATE ROLE app_user LOGIN;
CREATE DATABASE app;
CREATE DATABASE several;
ALTER DATABASE several SET pg_session_jwt.issuers_file = 'issuers.json';
END
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(app several);

# A step that changes files between two statements of a session. The commands run in
# the data directory.
sub run_sh { return ("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; $_[0]'" => undef) }
# A statement that follows within a millisecond need not know a change. A program takes longer.
my @wait = ('SELECT pg_sleep(0.001)' => '');
sub install { return run_sh("cp set$_[0].json new.json; mv new.json jwks.json") }

my $no_key = refused('23514', 'no key for this JWT',
	detail => qr/^no key for this token: no key has its "kid".* \(\d+ in [^()]+\)$/);
my %app = (db => 'app');

# --- a running session ------------------------------------------------------------

session_ok(
	$node,
	'a changed file is noticed by the next statement',
	\%app,
	init_with($alice) => '',
	init_with($bob) => $no_key,
	$user => 'alice',
	install(12),
	$user => 'alice',
	init_with($bob) => '',
	$user => 'bob',
	install(2),
	$user => 'bob',
	init_with($alice) => $no_key,
	install(1),
	# The session accepted this token twice before. Its key is removed now.
	$user => $no_key,
	init_with($bob) => $no_key,
	init_with($alice) => '',
	$user => 'alice',
	'SELECT keys_known, key_id FROM auth.jwt_status()' => '1|k1',
	'BEGIN' => '',
	$user => 'alice',
	install(2),
	$user => $no_key,
	'ROLLBACK' => '',
	$user => $no_key,
	install(1),
	$user => 'alice');
session_ok(
	$node,
	'written in place, of the same size, with the same time',
	\%app,
	init_with($alice) => '',
	map {
		(
			run_sh('cat set2.json >jwks.json; touch -d 2020-01-01 jwks.json') => (),
			$user => $no_key,
			run_sh('cat set1.json >jwks.json; touch -d 2020-01-01 jwks.json') => (),
			$user => 'alice')
	} 1 .. 5);
session_ok(
	$node,
	'a statement looks again after each COMMIT that it makes',
	\%app,
	init_with($alice) => '',
	'DO $$ BEGIN PERFORM auth.user_id(); '
	  . (install(2))[0]
	  . '; PERFORM auth.user_id(); COMMIT; RAISE NOTICE $n$committed$n$; PERFORM auth.user_id(); END $$' => $no_key,
	install(1),
	$user => 'alice');
# The same where the statement follows another one so closely that it does not look at first.
{
	my $client = Protocol->connect($node, db => 'app');
	my ($change) = install(2);
	my @after;
	for (1 .. 5)
	{
		put_file("$data/jwks.json", $set{1});
		$client->simple('SELECT pg_sleep(0.01)');
		$client->simple("SET pg_session_jwt.jwt = '$alice'");
		# Both are sent at once.
		$client->write(join '', map { Protocol::message('Q', "$_\0") } $user,
			"DO \$\$ BEGIN PERFORM auth.user_id(); $change; COMMIT; PERFORM auth.user_id(); END \$\$");
		push @after, join ' ', map { @{ $client->answer->{lines} } } 1 .. 2;
	}
	is_deeply(\@after, [ ('alice 23514: no key for this JWT') x 5 ], 'after a COMMIT in a statement that did not look at first');
	$client->disconnect;
	put_file("$data/jwks.json", $set{1});
}
# Two changes within one tick of the file system's clock.
session_ok(
	$node,
	'written in place, of the same size, many times within a second',
	\%app,
	init_with($alice) => '',
	map {
		(
			"COPY (SELECT '$set{2}') TO '$absolute'" => '',
			@wait,
			$user => $no_key,
			"COPY (SELECT '$set{1}') TO '$absolute'" => '',
			@wait,
			$user => 'alice')
	} 1 .. 50);
is(length $set{1}, length $set{2}, 'they are of the same size');
session_ok(
	$node,
	'a link that is turned to another file',
	\%app,
	run_sh('ln -s set1.json link.json') => (),
	"SET pg_session_jwt.jwks_file = 'link.json'" => '',
	init_with($alice) => '',
	run_sh('ln -s set2.json link2.json; mv link2.json link.json') => (),
	$user => $no_key,
	init_with($bob) => '',
	"SET pg_session_jwt.jwks_file = '$absolute'" => '',
	$user => $no_key,
	init_with($alice) => '',
	run_sh('rm link.json') => (),
	$user => 'alice');
unlike(slurp_file($node->logfile), qr/link\.json"$/m, 'a file that no setting names any more is not checked');
put_file("$data/padded.json", $set{2} . ' ' x (4 * 1024 * 1024 + 1 - length $set{2}));
session_ok(
	$node,
	'a file of 4 MiB, and not an octet more',
	\%app,
	init_with($alice) => '',
	run_sh('mv padded.json jwks.json') => (),
	init_with($bob) => refused('23514', 'no key for this JWT',
		detail => q(its issuer's key file "jwks.json" cannot be used: It is larger than 4 MiB.)),
	run_sh('truncate -s 4M jwks.json') => (),
	init_with($bob) => '');

# --- unusable files -----------------------------------------------------------------

my @broken = (
	[ 'half written', 'head -c 60 set1.json >new.json; mv new.json jwks.json', 'not strict JSON, at byte 60.' ],
	[ 'empty', ': >new.json; mv new.json jwks.json', 'It is empty.' ],
	[ 'gone', 'rm jwks.json', 'No such file or directory' ],
	[ 'a directory', 'rm jwks.json; mkdir jwks.json', 'It is not a regular file.' ],
	[ 'a FIFO', 'rm jwks.json; mkfifo jwks.json', 'It is not a regular file.' ],
	[ 'a link to nothing', 'rm jwks.json; ln -s nothing jwks.json', 'No such file or directory' ],
	[ 'not readable', 'chmod 000 jwks.json', 'Permission denied' ],
	[ 'of 10 MB', 'truncate -s 10M jwks.json', 'It is larger than 4 MiB.' ],
	[ 'no keys', 'echo [] >jwks.json', 'not a JWK or JWK Set' ],
	[ 'no usable keys', 'echo "{\"keys\":[{\"kty\":\"none\"}]}" >jwks.json', 'no usable key in the set' ]);
for (@broken)
{
	my ($name, $command, $reason) = @$_;
	my $mark = -s $node->logfile;
	put_file("$data/jwks.json", $set{1});
	session_ok(
		$node,
		"a file that is $name: the session keeps the last valid keys",
		\%app,
		init_with($alice) => '',
		run_sh($command) => (),
		$user => 'alice',
		$user => 'alice',
		init_with($later) => '',
		$user => 'alice',
		init_with($bob) => refused('23514', 'no key for this JWT',
			detail => qr/^its issuer's key file "jwks\.json" cannot be used: \Q$reason\E/),
		'SELECT status, keys_known FROM auth.jwt_status()' => 'valid|1');
	my @log = split /\n/, slurp_file($node->logfile, $mark);
	my @said = grep { $log[$_] =~ /LOG:  could not use key file "jwks\.json"$/ } 0 .. $#log;
	is(scalar @said, 1, 'which is logged once');
	my ($detail) = $log[ $said[0] + 1 ] =~ /DETAIL:  (.*)$/;
	like($detail, qr/^\Q$reason\E/, 'with the reason');
	like($log[ $said[0] + 2 ], qr/HINT:  The session keeps the last valid keys\.$/, 'and what that means');
	unlike(join("\n", @log), qr/STATEMENT|$k1->{x}/, 'and nothing else');

	session_ok(
		$node,
		'a session that starts now has no keys',
		{ db => 'app', user => 'app_user' },
		q(SET request.jwt.claims = '{"sub":"mallory"}') => '',
		$user => 'NULL',
		'SELECT auth.init()' => refused('55000', 'no usable keys', detail => qr/^file jwks\.json: \Q$reason\E/),
		init_with($alice) => refused('55000', 'no usable keys'),
		'SELECT mode, status FROM auth.jwt_status()' => 'issuer|misconfigured');
	system_or_bail('sh', '-c', "cd $data && if [ -f jwks.json ]; then chmod 600 jwks.json; fi; rm -rf jwks.json");
}

my $mark = -s $node->logfile;
session_ok(
	$node,
	'the error of a session that started without keys has the current problem',
	\%app,
	init_with($alice) => refused('55000', 'no usable keys', detail => 'file jwks.json: No such file or directory'),
	run_sh(': >jwks.json') => (),
	init_with($alice) => refused('55000', 'no usable keys', detail => 'file jwks.json: It is empty.'),
	install(1),
	init_with($alice) => '');
is(scalar(() = slurp_file($node->logfile, $mark) =~ /HINT:  Tokens that need its keys are refused\.\n/g), 2, 'and so is the log');

put_file("$data/jwks.json", $set{1});
$mark = -s $node->logfile;
session_ok(
	$node,
	'one state after the other, and good again',
	\%app,
	init_with($alice) => '',
	run_sh('rm jwks.json') => (),
	$user => 'alice',
	$user => 'alice',
	run_sh(': >jwks.json') => (),
	$user => 'alice',
	$user => 'alice',
	install(12),
	init_with($bob) => '',
	run_sh('rm jwks.json') => (),
	$user => 'bob',
	$user => 'bob',
	install(2),
	$user => 'bob',
	init_with($alice) => $no_key);
my @states = slurp_file($node->logfile, $mark) =~ /could not use key file "jwks\.json"\n.*DETAIL:  (.*)\n/g;
is_deeply(\@states, [ 'No such file or directory', 'It is empty.', 'No such file or directory' ],
	'each is logged once');

my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
put_file("$data/jwks.json", $set{1});
$mark = -s $node->logfile;
session_ok(
	$node,
	'a parallel worker, which has no last good keys, goes by what the session accepted',
	{ db => 'app' },
	"SET $force = on" => '',
	init_with($alice) => '',
	$user => 'alice',
	run_sh('rm jwks.json') => (),
	$user => 'alice',
	'SELECT auth.claim($$sub$$)' => 'alice',
	"SET pg_session_jwt.jwt = '$later'" => '',
	$user => 'alice',
	"SET pg_session_jwt.jwt = '$forged'" => '',
	$user => refused('23514', 'invalid JWT signature'),
	"SET pg_session_jwt.jwt = '$bob'" => '',
	$user => refused('23514', 'no key for this JWT', detail => qr/^its issuer's key file "jwks\.json" cannot be used:/),
	install(2),
	$user => 'bob',
	"SET pg_session_jwt.jwt = '$alice'" => '',
	$user => $no_key);
is(scalar(() = slurp_file($node->logfile, $mark) =~ /could not use key file/g), 1, 'and only the session writes it to the log');

session_ok(
	$node,
	'a running statement goes on with the keys that it began with, also in parallel workers',
	{ db => 'app' },
	install(1),
	init_with($alice) => '',
	# One message, of which the worker starts after the keys have changed.
	join(' \\; ', $user, (install(2))[0], "SET $force = on", 'SELECT auth.user_id()') => qr/alice\z/,
	"SET $force = on" => '',
	$user => $no_key);

# Keys for more than a hundred milliseconds of parsing. A cancelled statement leaves no keys
# behind, so that the next one parses them from the beginning.
put_file("$data/jwks.json", $set{1} =~ s/\]\}$/',{}' x 1_000_000 . ']}'/er);
my $cancelled = refused('57014', 'canceling statement due to statement timeout');
session_ok(
	$node,
	'parsing keys can be cancelled',
	{ db => 'app' },
	"SET statement_timeout = '20ms'" => '',
	'SELECT auth.init()' => $cancelled,
	'SELECT auth.init()' => $cancelled,
	'RESET statement_timeout' => '',
	init_with($alice) => '',
	$user => 'alice',
	install(2),
	"SET statement_timeout = '1s'" => '',
	$user => $no_key);

# --- several issuers ------------------------------------------------------------------

sub issuers
{
	my %file = @_;
	return $json->encode({ issuers => [ map { { issuer => "https://$_", jwks_file => $file{$_} } } sort keys %file ] });
}
my %of = (a => token_for($k1, 'a', iss => 'https://a'), b => token_for($k2, 'b', iss => 'https://b'));
put_file("$data/a.json", $set{1});
put_file("$data/b.json", $set{2});
put_file("$data/both.json", issuers(a => 'a.json', b => 'b.json'));
put_file("$data/only_a.json", issuers(a => 'a.json'));
put_file("$data/crossed.json", issuers(a => 'b.json', b => 'a.json'));
put_file("$data/issuers.json", issuers(a => 'a.json', b => 'b.json'));
my $no_issuer = refused('23514', 'JWT issuer refused');
session_ok(
	$node,
	'a document of issuers, and the files that it names',
	{ db => 'several' },
	init_with($of{b}) => '',
	run_sh('cp only_a.json new; mv new issuers.json') => (),
	'SELECT auth.user_id()' => $no_issuer,
	init_with($of{a}) => '',
	run_sh('cp both.json new; mv new issuers.json') => (),
	init_with($of{b}) => '',
	run_sh('cp set3.json new; mv new b.json') => (),
	$user => $no_key,
	run_sh('rm b.json') => (),
	$user => refused('23514', 'no key for this JWT',
		detail => q(its issuer's key file "b.json" cannot be used: No such file or directory)),
	init_with($of{a}) => '',
	run_sh('cp set2.json new; mv new b.json') => (),
	init_with($of{b}) => '',
	run_sh('rm b.json; echo broken >issuers.json') => (),
	$user => 'https://b|b',
	init_with($of{a}) => '',
	run_sh('cp set2.json b.json; cp crossed.json new; mv new issuers.json') => (),
	$user => $no_key,
	init_with($of{b}) => $no_key);

# --- a hundred rotations under load ---------------------------------------------------

# Version v of the file has keys v and v + 1; token n is signed with key n.
my $rotations = 100;
my @keys = map { new_key("r$_") } 0 .. $rotations + 1;
my @tokens = map { token_for($keys[$_], "$_") } 0 .. $#keys;
sub version
{
	my ($v) = @_;
	my $keys = $json->decode(key_set(@keys[ $v, $v + 1 ]));
	return $json->encode({ %$keys, version => $v });
}
put_file("$data/jwks.json", version(0));
put_file("$data/tokens", join '', map { "$_\t$tokens[$_]\n" } 0 .. $#tokens);
$node->safe_psql('app', <<'END');
CREATE TABLE token (n int PRIMARY KEY, token text);
COPY token FROM PROGRAM 'cat tokens';
CREATE TABLE verdict (before int, n int, first int, between int, second int, after int);
CREATE FUNCTION file_version() RETURNS int LANGUAGE sql AS $$ SELECT (pg_read_file('jwks.json')::jsonb->>'version')::int $$;
-- The number of the user; -1: no key; -2: refused for another reason.
CREATE FUNCTION verdict() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN auth.user_id()::int;
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN SQLERRM = 'no key for this JWT' THEN -1 ELSE -2 END;
END $$;
END
my $script = "$PostgreSQL::Test::Utils::tmp_check/rotation.sql";
put_file($script, <<'END');
SELECT file_version() AS before \gset
SELECT n FROM token WHERE n BETWEEN :before - 1 AND :before + 2 ORDER BY random() LIMIT 1 \gset
SELECT set_config('pg_session_jwt.jwt', token, false) FROM token WHERE n = :n;
SELECT file_version() AS before \gset
\sleep 1 ms
SELECT verdict() AS first \gset
SELECT file_version() AS between \gset
\sleep 1 ms
SELECT verdict() AS second \gset
SELECT file_version() AS after \gset
INSERT INTO verdict VALUES (:before, :n, :first, :between, :second, :after);
END
my $seconds = 10;
my ($out, $err) = ('', '');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-c', 4, '-j', 1, '-T', $seconds, '-f', $script, '-h', $node->host, '-p', $node->port, 'app' ],
	'>', \$out, '2>', \$err);
for my $v (1 .. $rotations)
{
	Time::HiRes::sleep(0.8 * $seconds / $rotations);
	put_file("$data/jwks.json", version($v));
}
ok($load->finish, 'clients verify all the time') or diag $err;

# If the version did not change during the read, the result must be that of this version, which was
# there a millisecond before.
$node->safe_psql('app', <<'END');
CREATE VIEW judged AS
SELECT v, n, verdict, verdict = CASE WHEN n - v IN (0, 1) THEN n ELSE -1 END AS fits
FROM (SELECT before AS v, n, first AS verdict FROM verdict WHERE before = between
	UNION ALL SELECT between, n, second FROM verdict WHERE between = after) t;
END
is($node->safe_psql('app', 'SELECT v, n, verdict FROM judged WHERE fits IS NOT TRUE LIMIT 5'), '', 'not one wrong verdict');
is( $node->safe_psql('app', <<'END'), '0', 'nor one for another reason');
SELECT count(*) FROM verdict, unnest(ARRAY[first, second]) AS v
WHERE v NOT IN (n, -1)
END
my ($count, $versions, $good, $changed) = split /\|/, $node->safe_psql('app', <<'END');
SELECT (SELECT count(*) FROM judged), (SELECT count(DISTINCT v) FROM judged),
	(SELECT count(*) FROM judged WHERE verdict >= 0), (SELECT count(*) FROM verdict WHERE first <> second)
END
note("$count verdicts, $good of them good, on $versions versions; $changed changed between two statements");
cmp_ok($count, '>', 400, 'of hundreds');
cmp_ok($versions, '>', $rotations / 2, 'on most versions of the file');
cmp_ok($good, '>', $count / 10, 'many of them accepted');
cmp_ok($count - $good, '>', $count / 10, 'and many refused');
cmp_ok($changed, '>', 0, 'the verdict on a token changes with the keys');

is_deeply([ logged_pieces($node, $alice, $bob, $carol, $later, $forged, values %of, @tokens) ],
	[], 'no piece of a token in the log');

$node->stop;
done_testing();
