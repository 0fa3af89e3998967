# SPDX-License-Identifier: Apache-2.0
# A stand-in for Citus, which is not here: two servers, a coordinator and a worker that has a shard.
# The test sends the worker what Citus' documents say that a coordinator sends in a transaction:
# BEGIN, with citus.propagate_set_commands = 'local' each SET LOCAL, then the query on the shard.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $ROWS = 3;
my $key = new_key('key-1');
my %token = map { $_ => token_for($key, $_) } qw(alice bob);
my %node;
for my $name (qw(coordinator worker))
{
	my $node = $node{$name} = start_node($name);
	put_file($node->data_dir . '/jwks.json', key_set($key));
	$node->safe_psql('postgres', "CREATE EXTENSION pg_session_jwt;\n" . trust('postgres'));
	$node->safe_psql('postgres', 'CREATE ROLE app LOGIN');
}
# A distributed table has its policies on each shard. The coordinator's table is empty.
$node{coordinator}->safe_psql('postgres', notes_table(0, qw(alice bob)) . 'GRANT ALL ON note TO app');
$node{worker}->safe_psql('postgres', notes_table($ROWS, qw(alice bob))
	  . 'ALTER TABLE note RENAME TO note_102008; GRANT ALL ON note_102008 TO app');

my $begin = 'BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED';
my $query = 'SELECT count(*), min(owner), max(owner) FROM public.note_102008 note WHERE true';

# What the worker answers to one session of the coordinator; each transaction is a list of statements.
sub worker
{
	my ($out, $err);
	my $sql = join '', map { "$_;\n" } map { ($begin, @$_, 'COMMIT') } @_;
	$node{worker}->psql('postgres', $sql, stdout => \$out, stderr => \$err,
		connstr => $node{worker}->connstr('postgres') . ' user=app', on_error_stop => 0);
	return ($out, $err);
}

# The coordinator, where the user's transaction runs.
is($node{coordinator}->safe_psql('postgres', "SET ROLE app; BEGIN; SELECT auth.jwt_authenticate('$token{alice}'); COMMIT"),
	'alice', 'the coordinator knows the user');

# jwt_authenticate() is a function: Citus sends no SET for it.
is_deeply([ worker([ $query ]) ], [ '0||', '' ], 'the worker, without SET LOCAL: no row');
is_deeply([ worker([ "SET LOCAL pg_session_jwt.jwt TO '$token{alice}'", $query ]) ],
	[ "$ROWS|alice|alice", '' ], 'with the SET LOCAL that Citus sends: the rows of the user');
# Citus keeps the connections to its workers.
is_deeply([
		worker(
			[ "SET LOCAL pg_session_jwt.jwt TO '$token{alice}'", $query ],
			[ $query ],
			[ "SET LOCAL pg_session_jwt.jwt TO '$token{bob}'", $query ],
			[ $query ])
	],
	[ "$ROWS|alice|alice\n0||\n$ROWS|bob|bob\n0||", '' ], 'users in turn on one connection to the worker');
like((worker([ "SET LOCAL pg_session_jwt.jwt TO 'x$token{alice}'", $query ]))[1],
	qr/ERROR:  /, 'the worker verifies the token itself');
$node{worker}->safe_psql('postgres', "ALTER DATABASE postgres SET pg_session_jwt.audience = 'other'");
like((worker([ "SET LOCAL pg_session_jwt.jwt TO '$token{alice}'", $query ]))[1],
	qr/ERROR:  JWT audience refused/, 'by its own settings');
is_deeply([ map { logged_pieces($_, values %token) } values %node ], [], "no part of a token is in the servers' logs");

done_testing();
