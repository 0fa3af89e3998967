# SPDX-License-Identifier: Apache-2.0
# The plans for a call of a function in a condition: an index, pruning at run time,
# parallel workers.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('explain');
my $user = '6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007';
my $jwk = public_jwk();
my $token = sign(qq({"jti":1,"sub":"$user","role":"$user","email":"$user","o":{"id":"$user"}}));
my %app = (user => 'app', jwk => $jwk);

# note: 100,000 rows of 1,000 users; one plain table, one partitioned by user.
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app LOGIN;
CREATE TABLE note (id bigint, owner text, owner_uuid uuid);
INSERT INTO note SELECT i, u, u::uuid
    FROM (SELECT i, '6f0c1d6e-8c1a-4a5e-9b1e-3d2f' || lpad(to_hex(i % 1000), 8, '0') AS u
        FROM generate_series(1, 100000) AS i) AS made;
CREATE INDEX by_owner ON note (owner);
CREATE INDEX by_uuid ON note (owner_uuid);
CREATE TABLE plain (LIKE note);
INSERT INTO plain SELECT * FROM note;
CREATE POLICY own ON plain USING (owner = auth.user_id());
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
CREATE TABLE part (LIKE note) PARTITION BY HASH (owner);
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE part_3 PARTITION OF part FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO part SELECT * FROM note;
CREATE TABLE part_uuid (LIKE note) PARTITION BY HASH (owner_uuid);
CREATE TABLE part_uuid_0 PARTITION OF part_uuid FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_uuid_1 PARTITION OF part_uuid FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part_uuid SELECT * FROM note;
CREATE TABLE policed (LIKE note);
INSERT INTO policed SELECT * FROM note;
CREATE INDEX policed_by_owner ON policed (owner);
CREATE POLICY own ON policed USING (owner = auth.user_id());
ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON note, plain, part, part_uuid, policed TO app;
ANALYZE;
END

# plan_ok(NAME, STATEMENT, SETTINGS, PATTERN...): each pattern must match the executed
# plan; a pattern in brackets must not match.
sub plan_ok
{
	my ($name, $statement, $settings, @patterns) = @_;
	session_ok(
		$node, $name, \%app,
		init_with($token) => '',
		(map { $_ => undef } @$settings),
		"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $statement" => sub {
			my ($plan) = @_;
			return !ref $plan && !grep { ref $_ eq 'ARRAY' ? $plan =~ $_->[0] : $plan !~ $_ } @patterns;
		},
		# The plan must also return the right rows.
		"SELECT count(*) FROM ($statement) AS s" => '100');
}

# --- an index ----------------------------------------------------------------

for my $call ('auth.user_id()', 'auth.role()', 'auth.email()', q{auth.claim('email')}, q{(auth.session() ->> 'sub')})
{
	plan_ok("$call: an index", "SELECT * FROM note WHERE owner = $call", [],
		qr/Scan (?:using|on) by_owner\b/, qr/Index Cond: \(owner = /, [qr/Seq Scan/]);
}
for my $call ('auth.uid()', 'auth.organization_id()')
{
	plan_ok("$call: an index", "SELECT * FROM note WHERE owner_uuid = $call", [],
		qr/Scan (?:using|on) by_uuid\b/, qr/Index Cond: \(owner_uuid = /, [qr/Seq Scan/]);
}
plan_ok('the call of a policy: an index, and nothing that is run before', 'SELECT * FROM policed', [],
	qr/Scan (?:using|on) policed_by_owner\b/, qr/Index Cond: \(owner = auth\.user_id\(\)\)/, [qr/Seq Scan|InitPlan/]);

# --- partitions ----------------------------------------------------------------

for ([ 'part', 'owner = auth.user_id()', 3 ], [ 'part', q{owner = auth.claim('email')}, 3 ],
	[ 'part_uuid', 'owner_uuid = auth.uid()', 1 ])
{
	my ($table, $condition, $removed) = @$_;
	plan_ok("$condition: only the user's partition of $table is read", "SELECT * FROM $table WHERE $condition",
		[], qr/Subplans Removed: $removed\b/, qr/Seq Scan on ${table}_\d/);
}

# --- workers -------------------------------------------------------------------

my @parallel = (
	'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0',
	'SET max_parallel_workers_per_gather = 2', 'SET enable_indexscan = off', 'SET enable_bitmapscan = off');
for my $call ('auth.user_id()', 'auth.role()', q{auth.claim('email')}, q{(auth.session() ->> 'sub')})
{
	plan_ok("$call: parallel workers", "SELECT * FROM note WHERE owner = $call", \@parallel,
		qr/Gather/, qr/Workers Launched: [12]/, qr/Parallel Seq Scan on note/);
}
for my $call ('auth.uid()', 'auth.organization_id()')
{
	plan_ok("$call: parallel workers", "SELECT * FROM note WHERE owner_uuid = $call", \@parallel,
		qr/Gather/, qr/Workers Launched: [12]/, qr/Parallel Seq Scan on note/);
}
plan_ok('the call of a policy: parallel workers', 'SELECT * FROM plain', \@parallel,
	qr/Gather/, qr/Workers Launched: [12]/, qr/Parallel Seq Scan on plain/, qr/Filter: \(owner = auth\.user_id\(\)\)/);

done_testing();
