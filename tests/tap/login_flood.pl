# SPDX-License-Identifier: Apache-2.0
# Many logins with garbage: nothing crashes, no process stays, and the server's memory does not grow.
# PGSJ_LOGINS: how many (500, unless set).

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use Login;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $logins = $ENV{PGSJ_LOGINS} // 500;
my $key = new_key('k1');
# With the library in the postmaster: what leaks there would stay.
my $node = start_login_node('login_flood', $key, conf => <<END);
shared_preload_libraries = 'pg_session_jwt'
# No processes that come and go: those of autovacuum, and on PostgreSQL 19 those for I/O.
autovacuum = off
io_method = sync
END
$node->safe_psql('postgres', 'CREATE ROLE alice LOGIN');

# libpq asks for the token at once if it knows the address of the discovery document.
my %alice = (user => 'alice', issuer => "$ISSUER/.well-known/openid-configuration");
my $good = token_for($key, 'alice', scope => 'notes');
my ($head, $payload, $signature) = split /\./, $good;
srand 1;
sub noise { return join '', map { chr(33 + int rand 94) } 1 .. $_[0] }
sub base64 { return join '', map { ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_')[ int rand 64 ] } 1 .. $_[0] }
# Of what RFC 6750 allows in a token, or else the server refuses it before the validator sees it.
my @garbage = (
	(map { base64($_) } 1, 7, 100, 5000, 60000),
	(map { join '.', base64(40), base64($_), base64(86) } 0, 1, 500, 20000),
	"$head.$payload." . base64(86), "$head.$payload.", "$head..$signature", ".$payload.$signature", '..', '.', "$good.$signature",
	"$good.", "$good=", "$head." . base64(200) . ".$signature", lc $good, noise(300),
	token_for(new_key('k1'), 'alice', scope => 'notes'), token_for(new_key('k9'), 'alice', scope => 'notes'),
	token_for($key, 'alice', scope => 'wiki'), token_for($key, 'alice', scope => 'notes', exp => time - 3600),
	token_for($key, 'alice', scope => [ map { base64(20) } 1 .. 500 ]), token_for($key, 'alice', scope => 'notes', aud => 'wiki'));

my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];

# Kilobytes that the postmaster has for itself, and the number of its children.
sub state_of_server
{
	my ($memory, $children) = (0, 0);
	# Also what it shares with its children, whose number differs.
	$memory = $1 if slurp_file("/proc/$postmaster/status") =~ /^RssAnon:\s+(\d+) kB/m;
	for my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		$children++ if (<$stat> // '') =~ /\) \w $postmaster /;
	}
	return ($memory, $children);
}

login_ok($node, 'a good login', { %alice, token => $good }, 'SELECT auth.user_id()' => 'alice');
is(login_many($node, { %alice, token => \@garbage }, 100), '0 connected, 100 refused, 0 other', 'garbage is refused');
$node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'));
my ($memory, $children) = state_of_server();
is(login_many($node, { %alice, token => \@garbage }, $logins), "0 connected, $logins refused, 0 other",
	"$logins logins with garbage are refused");
$node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'));
my ($memory_after, $children_after) = state_of_server();
# The last of those that were refused may still be ending.
for (1 .. 50)
{
	last if $children_after <= $children;
	select undef, undef, undef, 0.1;
	($memory_after, $children_after) = state_of_server();
}
cmp_ok($children_after, '<=', $children, 'no process stays');
cmp_ok($memory_after, '<', $memory + 512, "the postmaster's memory does not grow ($memory kB, then $memory_after kB)");
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|crash/, 'nothing crashes');
login_ok($node, 'a good login after them', { %alice, token => $good }, 'SELECT auth.user_id()' => 'alice');
my $counted = q(SELECT sum(value) FROM auth.jwt_stats() WHERE counter = 'logins_refused');
cmp_ok($node->safe_psql('postgres', $counted), '>=', $logins * 0.8, 'they are counted');
is_deeply([ logged_pieces($node, grep { length > 40 } @garbage) ], [], 'no part of a token is in the log');
$node->stop;
done_testing();
