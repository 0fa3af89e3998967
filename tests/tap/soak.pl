# SPDX-License-Identifier: Apache-2.0
# Many clients with tokens of all kinds, while keys rotate, tokens are revoked, and sessions are
# cancelled, terminated and killed: no verdict is wrong, and no session sees a row of another user.
#
# Environment
#   PGSJ_SOAK_SECONDS  how long (default: 20)
#   PGSJ_SOAK_CLIENTS  how many clients (default: 32)

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use HmacToken;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{PGSJ_SOAK_SECONDS} // 20;
my $clients = $ENV{PGSJ_SOAK_CLIENTS} // 32;
my $ROWS = 5;
my $USERS = 40;

my ($major) = `"$ENV{PG_CONFIG}" --version` =~ /(\d+)/;
my $library = $major < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
# Small tables, so that entries are evicted.
my $node = start_node('soak', <<END);
shared_preload_libraries = '$library'
pg_session_jwt.algorithms = 'HS256'
pg_session_jwt.leeway = 0
pg_session_jwt.cache_size = 64
pg_session_jwt.shared_cache_size = 64
pg_session_jwt.jwks_files = 'keep.json, rotate.json'
pg_session_jwt.revoked_file = 'revoked.jsonl'
client_min_messages = error
log_min_messages = fatal
log_min_error_statement = panic
restart_after_crash = on
max_connections = 100
END
my $data = $node->data_dir;

# Key k1 stays. Key k2 is in the file at times.
my %keys = (1 => hmac_key('b', 'k2'), 0 => hmac_key('x', 'k9'));
my $revoked = '{"iss":"","jti":["at times"]}' . "\n";
my %lists = (1 => qq($revoked\{"end":true}\n), 0 => qq({"end":true}\n));
put_file("$data/keep.json", hmac_key('s', 'k1'));
put_file("$data/rotate.json", $keys{1});
put_file("$data/revoked.jsonl", $lists{0});

$node->safe_psql('postgres', <<END);
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app_user LOGIN;
CREATE TABLE note (owner text NOT NULL, n int);
INSERT INTO note SELECT 'user' || u, n FROM generate_series(1, $USERS) AS u, generate_series(1, $ROWS) AS n;
CREATE INDEX ON note (owner);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note TO app_user USING (owner = auth.user_id());
GRANT SELECT ON note TO app_user;
-- The user and the rows, those of others, and all of them; or the error.
CREATE FUNCTION verdict() RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	identity text := auth.user_id();
	foreign_rows int;
	all_rows int;
BEGIN
	SELECT count(*) FILTER (WHERE owner IS DISTINCT FROM identity), count(*) INTO foreign_rows, all_rows FROM note;
	RETURN format('%s %s %s', coalesce(identity, '-'), foreign_rows, all_rows);
END \$\$;
-- An error of a declaration is not caught by the same block.
CREATE FUNCTION outcome() RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	RETURN verdict();
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END \$\$;
END

# --- tokens, and the outcomes that each may have ------------------------------------

my $exp = int(time) + 86400;
my @tokens;
for my $n (1 .. $USERS)
{
	my $user = "user$n";
	my $good = "$user 0 $ROWS";
	my $token = hmac_token($user, kid => 'k1', exp => $exp);
	my $other = hmac_token("user" . ($n % $USERS + 1), kid => 'k1', exp => $exp);
	push @tokens, [ good => $token, $good ], [ good => $token, $good ],
	  [ rotating => hmac_token($user, kid => 'k2', letter => 'b', exp => $exp), $good, 'no key for this JWT' ],
	  [ revoked => hmac_token($user, exp => $exp, claims => ',"jti":"at times"'), $good, 'JWT is revoked' ],
	  [ forged => join('.', (split /\./, $other)[ 0, 1 ], (split /\./, $token)[2]), 'invalid JWT signature' ],
	  [ expired => hmac_token($user, exp => int(time) - 10), 'Token used after it has expired' ],
	  [ nobody => '', '- 0 0' ];
}

sub new_token
{
	my ($user) = @_;
	return hmac_token($user, kid => 'k1', size => 800, exp => $exp + int rand 1e8);
}

# --- clients ------------------------------------------------------------------------

# Of a session that was cancelled, terminated or lost: also what follows in an aborted transaction.
my $interrupted = qr/^57014|^57P0[123]|^25P02|^terminating connection|^the database system is/;

# A client's life, in a process of its own: prints what was wrong, and in the end how often it met
# each kind.
sub client
{
	my ($number, $path, $until) = @_;
	my (%met, @wrong);
	srand $number;
	while (time < $until)
	{
		my @chosen;
		my $sql = "\\set VERBOSITY sqlstate\n";
		for my $n (0 .. 199)
		{
			my $token = $tokens[ rand @tokens ];
			# Half of those are new.
			$token = [ good => new_token($1), $token->[2] ] if $token->[0] eq 'good' && rand() < 0.5 && $token->[2] =~ /^(\S+)/;
			my $set = rand() < 0.5 ? "SET LOCAL pg_session_jwt.jwt = '$token->[1]'" : "SELECT set_config('pg_session_jwt.jwt', '$token->[1]', true)";
			push @chosen, $token;
			$sql .= "BEGIN;\n\\o /dev/null\n$set;\n\\o\nSELECT $n, outcome();\nCOMMIT;\n";
		}
		my ($out, $err) = ('', '');
		put_file("$path.sql", $sql);
		IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-F', ':', '-h', $node->host, '-p', $node->port, '-U', 'app_user', '-f', "$path.sql", 'postgres' ],
			'<', '/dev/null', '>', \$out, '2>', \$err);
		for (split /\n/, $out)
		{
			my ($n, $outcome) = /^(\d+):(.*)/ or next;
			my ($kind, undef, @may) = @{ $chosen[$n] };
			$met{"$kind: $outcome" =~ s/user\d+ //r}++;
			push @wrong, "$kind: $outcome, not one of: @may" if !grep { $_ eq $outcome } @may;
		}
		push @wrong, "error: $_" for grep { !/$interrupted/ } $err =~ /(?:ERROR|FATAL|PANIC): +(.*)/g;
		last if @wrong;
		# The server restarts.
		sleep 0.2 if $err =~ /connection to server/;
	}
	append_to_file($path, join '', (map { "wrong\t$_\n" } @wrong), (map { "$met{$_}\t$_\n" } sort keys %met));
}

my $results = $PostgreSQL::Test::Utils::tmp_check . '/clients';
my $until = time + $seconds;
my @children;
for my $number (1 .. $clients)
{
	my $child = fork // die "fork: $!";
	if ($child == 0)
	{
		eval { client($number, "$results.$number", $until); 1 } or append_to_file("$results.$number", "wrong\tclient: $@\n");
		require POSIX;
		POSIX::_exit(0);
	}
	push @children, $child;
}

# --- what happens to them -----------------------------------------------------------

my %done = map { $_ => 0 } qw(rotations revocations cancels terminations kills);
my $next_kill = time + $seconds / 4;
my $any = q(FROM pg_stat_activity WHERE usename = 'app_user' ORDER BY random() LIMIT 1);
while (time < $until - 2)
{
	my $choice = rand;
	sleep 0.02;
	if ($choice < 0.4) { put_file("$data/rotate.json", $keys{ ++$done{rotations} % 2 }); }
	elsif ($choice < 0.6) { put_file("$data/revoked.jsonl", $lists{ ++$done{revocations} % 2 }); }
	else
	{
		my ($call, $kind) = $choice < 0.85 ? ('pg_cancel_backend(pid)', 'cancels') : ('pg_terminate_backend(pid)', 'terminations');
		my $kills = time > $next_kill && time < $until - 6;
		my ($status, $out) = $node->psql('postgres', $kills ? "SELECT pid $any" : "SELECT $call $any", on_error_die => 0, on_error_stop => 0);
		if ($kills && ($out // '') =~ /^(\d+)$/)
		{
			kill 'KILL', $1;
			$done{kills}++;
			$next_kill = time + max_of(4, $seconds / 20);
		}
		elsif (($out // '') eq 't') { $done{$kind}++; }
	}
}
sub max_of { return $_[0] > $_[1] ? $_[0] : $_[1] }
waitpid $_, 0 for @children;

# --- the verdict --------------------------------------------------------------------

my (%met, @wrong);
for (map { split /\n/, slurp_file("$results.$_") } 1 .. $clients)
{
	my ($count, $what) = split /\t/, $_, 2;
	if ($count eq 'wrong') { push @wrong, $what; }
	else { $met{$what} += $count; }
}
my $total = 0;
$total += $_ for values %met;
note("$total transactions of $clients clients in $seconds s; " . join ', ', map { "$done{$_} $_" } sort keys %done);
note("$met{$_} $_") for sort keys %met;
is(join("\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ]), '', 'no wrong verdict, no row of another user');
cmp_ok($met{$_} // 0, '>', 0, $_)
  for "good: 0 $ROWS", "rotating: 0 $ROWS", 'rotating: no key for this JWT', "revoked: 0 $ROWS", 'revoked: JWT is revoked',
  'forged: invalid JWT signature', 'expired: Token used after it has expired', 'nobody: - 0 0';
cmp_ok($done{$_}, '>', 0, $_) for sort keys %done;

# Each crash made the table anew.
$node->poll_query_until('postgres', 'SELECT true') or BAIL_OUT('the server is not there any more');
my %usable = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
	q(SELECT counter, sum(value) FROM auth.jwt_stats() WHERE counter IN ('verified', 'shared_hits', 'session_evictions') GROUP BY 1));
cmp_ok($usable{$_}, '>', 0, "after the last crash: $_") for qw(verified shared_hits session_evictions);
my $log = slurp_file($node->logfile);
unlike($log, qr/TRAP:|PANIC|signal (?:6|11)\b/, 'no assertion failed, and nothing else crashed');
done_testing();
