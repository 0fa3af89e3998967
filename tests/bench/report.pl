#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes the document and the plots from the measured series.
#
#   report.pl BUILD-DIRECTORY OUTPUT-DIRECTORY COMMAND SERIES-FILE...
#
# tests/bench/bench.h describes a series file. The document repeats a line
# "# not measured: ...". "# rows: N" is the size of the table, "# load: N" the load
# of the machine. Writes benchmarks.md and benchmarks/*.svg into the output directory.

use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

use File::Path 'make_path';
use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(max min);
use Report;

my ($build, $output, $command, @files) = @ARGV;
die "usage: report.pl BUILD OUTPUT COMMAND FILE...\n" if !@files;

# ---- the measured series ---------------------------------------------------

read_series(@files);

# Queries per second, without the first query of each transaction.
for my $group (@groups)
{
	next unless $group =~ /^(server: transactions, .*), 5 queries$/;
	my $after = "$1, queries after the first";
	for my $five (@{ $series{$group} })
	{
		my $one = find("$1, 1 query", $five->{name});
		my @values = map { 4 / (1 / $five->{values}[$_] - 1 / $one->{values}[$_]) } 0 .. $#{ $one->{values} };
		push @groups, $after if !$series{$after};
		push @{ $series{$after} }, { %$five, unit => 'queries/s', values => \@values };
	}
}

# ---- targets -------------------------------------------------------------

my @clients = map { /^server: transactions, (\d+) clients, same token, 1 query$/ ? $1 : () } @groups;
my @fast = qw(RS256 PS256 ES256);
my @targets = (
	# group, contender, reference, limit; for throughput the limit is a minimum
	[ 'server: owner as text', 'auth.user_id()', 'literal', 1.10 ],
	[ 'server: owner as uuid', 'auth.uid()', 'literal', 1.10 ],
	[ 'server: auth.role()', 'auth.role()', 'literal', 1.25 ],
	[ q{server: auth.claim('email')}, q{auth.claim('email')}, 'literal', 1.25 ],
	[ 'server: organization', 'auth.organization_id()', 'literal', 1.25 ],
	[ 'server: ->> on the claims', 'auth.session()', 'a jsonb literal, as a parameter', 1.15 ],
	[ 'server: policy', 'policy with auth.user_id()', 'policy with a literal', 1.10 ],
	[ 'server: policy, uuid', 'policy with auth.uid()', 'policy with a uuid literal', 1.10 ],
	[ 'server: owner as text', 'auth.user_id()', '(select auth.user_id())', 1.10 ],
	[ 'server: owner as uuid', 'auth.uid()', '(select auth.uid())', 1.10 ],
	[ 'server: policy', 'policy with auth.user_id()', 'policy with (select auth.user_id())', 1.10 ],
	[ 'core: EdDSA, 600 octets, sodium', 'sjwt_verify', 'bare libsodium', 1.10 ],
	(map { [ "core: $_, 600 octets, openssl", 'sjwt_verify', 'bare OpenSSL, context ready', 1.10 ] } @fast),
	(map { [ "core: $_, 600 octets, openssl", 'sjwt_verify', 'cjose', 1.10 ] } @fast),
	(map { [ "core, Debian sid: $_, 600 octets, openssl", 'sjwt_verify', 'libjwt 3', 0.85 ] } @fast),
	(map { [ "core: $_, 600 octets, mbedtls", 'sjwt_verify', 'bare PSA, key imported', 1.10 ] } @fast),
	[ 'server: setting a token, less an empty SELECT', 'jwt_session_init($1), new token each time', 'bare libsodium', 1.5 ],
	[ 'server: setting ES256 token, less an empty SELECT', 'jwt_session_init($1), new token each time', 'bare OpenSSL, context ready', 1.5 ],
	[ 'server: setting a token, less an empty SELECT', 'jwt_session_init($1), same token', 'bare libsodium', 0.10 ],
	(
		map {
			my $n = $_;
			map { [ "server: transactions, $n clients, $_ token, queries after the first", 'pg_session_jwt.jwt', 'request.jwt.claims, unverified', 1.0 ] } qw(same new)
		} @clients
	));

my ($met, $missed) = (0, 0);
my @judged;
for my $target (@targets)
{
	my ($group, $name, $against, $limit) = @$target;
	my ($one, $other) = (find($group, $name), find($group, $against));
	if (!$one || !$other)
	{
		push @judged, "| $group: `$name` | | | | | not measured |";
		$missed++;
		next;
	}
	my $throughput = $one->{unit} =~ m{^tps$|/s$};
	my ($median, $min, $max) = ratio($one, $other);
	my $good = $throughput ? $median >= $limit : $median <= $limit;
	$good ? $met++ : $missed++;
	my $best = $throughput ? max(@{ $one->{values} }) / max(@{ $other->{values} }) : min(@{ $one->{values} }) / min(@{ $other->{values} });
	push @judged, sprintf '| %s: `%s` against `%s` | %s %.2f | **%.3f** | %.3f – %.3f | %s | %s |',
	  $group, $name, $against, $throughput ? '≥' : '≤', $limit, $median, $min, $max,
	  $group =~ /less an empty/ ? '' : sprintf('%.3f', $best),
	  $good ? 'met' : '**missed**';
}

my $memory = 'server: memory of a session with tokens of 2 KB';
if (my @sizes = @{ $series{$memory} // [] })
{
	my $most = max(map { $_->{values}[0] } @sizes);
	# Before, the table of identities fills.
	my ($half, $all) = map { $_->{values}[0] } @sizes[ -2, -1 ];
	for ([ 'at most', $most <= 1024 + 64, '≤ 1 MB + 64 KB', number($most) . ' KB' ],
		[ "after $sizes[-2]{x} to $sizes[-1]{x} tokens", $all <= 1.01 * $half, 'flat, within 1 %', number($half) . ' to ' . number($all) . ' KB' ])
	{
		my ($what, $good, $limit, $value) = @$_;
		$good ? $met++ : $missed++;
		push @judged, "| $memory: the extension's contexts, $what | $limit | **$value** | | | " . ($good ? 'met |' : '**missed** |');
	}
}

# ---- slower than a peer ----------------------------------------------------

my @peers = (
	[ qr/^core.*: (?:RS256|PS256|ES256)/, 'sjwt_verify', qr/^(?:libjwt.*|cjose)$/ ],
	[ qr/^server: (?:policy, )?peers$/, qr/^(?:policy with )?auth\./, qr/helper|current_setting/ ],
	[ qr/^server: transactions, .* quer(?:y|ies)$/, 'pg_session_jwt.jwt', qr/^request/ ],
	[ qr/^server: setting .*less/, qr/^jwt_session_init/, qr/^set_config/ ]);
my (@slower, @faster);
for my $group (@groups)
{
	for my $rule (grep { $group =~ $_->[0] } @peers)
	{
		for my $one (grep { $_->{name} =~ /^$rule->[1]/ } @{ $series{$group} })
		{
			for my $other (grep { $_->{name} =~ $rule->[2] } @{ $series{$group} })
			{
				my ($median) = ratio($one, $other);
				$median = 1 / $median if $one->{unit} eq 'tps';
				push @{ $median > 1 ? \@slower : \@faster }, sprintf '| %s | `%s` | `%s` | **%s** |', $group, $one->{name}, $other->{name}, number($median);
			}
		}
	}
}

# ---- the machine -----------------------------------------------------------

my @machine = machine($build);

my $busy = max(0, @loads) > 3
  ? "\n**The machine was busy with other work in this run:** see its load below.\n" : '';

# ---- plots -------------------------------------------------------------------

my $plots = "$output/benchmarks";
make_path($plots);

my $growth = '';
for (
	[ 'rows', 'Scan of a table: a policy with a JWT, a literal, and a SQL helper', 'rows', 'milliseconds', 'xy', 'server: by rows' ],
	[ 'workers', 'Scan of a million rows, by parallel workers', 'workers', 'milliseconds', '', 'server: by parallel workers' ],
	[ 'clients', 'Transactions with a JWT and with unverified claims, by clients', 'clients', 'transactions a second', 'x', 'server: by clients, same token, 2 queries' ],
	[ 'token-size', 'Time to verify an EdDSA token, by its size', 'octets of the token', 'microseconds', '', 'core: by token size' ],
	[ 'keys', 'Time to verify a token, by the keys of its issuer', 'keys in the set', 'microseconds', 'x', 'core: by keys in the set' ],
	[ 'keys-parsing', 'Time to parse a JWK Set, once, by its keys', 'keys in the set', 'microseconds', 'xy', 'core: parsing a set of keys' ])
{
	$growth .= plot($plots, @$_) // '';
}

# ---- summary ----------------------------------------------------------------

# The median of the differences, round by round; empty if one of the two was not measured.
sub more
{
	my ($group, $name, $against) = @_;
	my ($one, $other) = (find($group, $name), find($group, $against));
	return if !$one || !$other;
	return median(map { $one->{values}[$_] - $other->{values}[$_] } 0 .. $#{ $one->{values} });
}

sub once
{
	my ($group, $name) = @_;
	my $found = find($group, $name);
	return $found ? median(@{ $found->{values} }) : undef;
}

my @short;
my $to_ns = 1e6 / ($rows // 1);    # milliseconds of a scan to nanoseconds of a row
my ($call, $helper, $row) = (more('server: owner as text', 'auth.user_id()', 'literal'),
	more('server: policy, peers', 'policy with helper.user_id()', 'policy with a literal'), once('server: owner as text', 'literal'));
push @short, sprintf "A policy that calls `auth.user_id()` costs **%s ns** more for each row than a policy with a literal.\n  The scan itself takes %s ns for each row.%s",
  number($call * $to_ns), number($row * $to_ns), defined $helper ? sprintf(' The widespread SQL helper costs %s ns more.', number($helper * $to_ns)) : ''
  if defined $call;
my $setting = 'server: setting a token, less an empty SELECT';
my ($signature, $new, $again) = (once($setting, 'bare libsodium'), once($setting, 'jwt_session_init($1), new token each time'), once($setting, 'jwt_session_init($1), same token'));
push @short, sprintf 'A new token costs **%s µs** once. The signature takes %s µs of this time.' . "\n  The same token set again costs %s µs.",
  number($new), number($signature), number($again)
  if defined $new;

# ---- the document --------------------------------------------------------------

open my $out, '>', "$output/benchmarks.md" or die "$output/benchmarks.md: $!";
print $out <<END;
# Benchmarks

This page shows the cost of a policy that reads the identity, and the cost of verifying a token. `$command` measures
all figures in one run and writes this page. [benchmarks-pools.md](benchmarks-pools.md) has the cost of tokens with many
users and connections.

@{[join "\n", map { "- $_" } @short]}

How to read the figures:

- The run measures the two sides of a comparison in turns. Each round yields one ratio. The **median** of these ratios
  decides whether a target is met. Minimum and maximum show the noise.
- If other programs used the machine during the run, minimum and maximum are far apart. Then the ratio of the two best
  rounds ("best by best") describes the code better. It does not decide whether a target is met.
- A scan reads $rows rows of a `bigint`, a `text` of 36 characters and a `uuid`. One row in a thousand belongs to the
  user. The rows are in the server's memory. The scan uses no index, no JIT and, except in one plot, no parallel
  workers.
- A time is the time that a client waits over a Unix socket. If a measurement sets a token, client and server share a
  processor and the statements alternate. The subtracted time is therefore measured under the same conditions.
- Tokens are EdDSA tokens of 600 octets unless a row says otherwise.
- Rows of Debian sid are from `./dev bench peers`, a run of its own in a chroot of that system on the same machine.

$busy
## Targets: $met met, $missed missed

| what | target | median | min – max | best by best | |
|---|---|---|---|---|---|
END
print $out "$_\n" for @judged;
print $out <<END;

A transaction is `BEGIN`, `SET LOCAL pg_session_jwt.jwt = '…'`, one or more times `SELECT id FROM note LIMIT 10`, and
`COMMIT`. The policy's function call finds the rows by an index. The client sends each statement separately
(`pgbench -n -M simple -T 1`, with no more threads than cores). The peer sets `request.jwt.claims` and has a policy with
the helper. For a new token in each transaction, both sides read the new value from a table. "Queries after the first"
is the throughput of the second to fifth query: the time of transactions of five queries less the time of transactions
of one query. It does not include setting and verifying the token. The next tables compare whole transactions.

## Slower than a peer

END
my $head = "The last column is the time of the first divided by the time of the peer.\n\n| measurement | this extension | peer | ratio |\n|---|---|---|---|\n";
print $out @slower ? ($head, map { "$_\n" } @slower) : "No measurement.\n";
print $out "\n## Faster than a peer\n\n";
print $out @faster ? ($head, map { "$_\n" } @faster) : "No measurement.\n";
print $out <<END;

libjwt 1 reads its PEM key again for each token. libjwt 3 keeps the key and checks the times. cjose keeps the key and
checks no claim. All use RSA and ECDSA of OpenSSL, which are faster than those of mbedTLS. `helper.user_id()` is an SQL
function with `current_setting('request.jwt.claims', true)::json ->> 'sub'`. `helper.uid()` reads
`request.jwt.claim.sub` first and converts the value to a uuid. Such helpers are widespread behind gateways that verify
tokens themselves. They verify nothing.

## Not measured

END
print $out @missing ? map { "- $_\n" } @missing : "All planned measurements ran.\n";
print $out "\n## Machine\n\n| | |\n|---|---|\n";
print $out "| $_->[0] | $_->[1] |\n" for @machine;
print $out <<END;

`./dev bench` runs the benchmarks again. `./dev bench quick` takes less than two minutes and writes to the build
directory. Both use a private server (tests/server.sh) with `shared_buffers` of 1536 MB and with `fsync`, `jit` and
`autovacuum` off. The statements are in tests/bench/measure.sh. The measurements of the core are in tests/bench/core.c.

## Growth

Points show medians. Bars show minimum and maximum.

${growth}## Every figure

A ratio compares a row with the first row of its table, or with the first row at the same point of a plot.
END
print_series($out, @groups);
close $out or die "$output/benchmarks.md: $!";
print "$met targets met, $missed missed\n";
print "$_\n" for grep { /\*\*missed|not measured/ } @judged;
