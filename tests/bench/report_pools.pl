#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes the document and the plots of ./dev bench pools from the measured series.
#
#   report_pools.pl BUILD-DIRECTORY OUTPUT-DIRECTORY COMMAND SERIES-FILE
#
# Writes benchmarks-pools.md and benchmarks/pool-*.svg into the output directory.

use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

use File::Path 'make_path';
use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(max min);
use Report;

my ($build, $output, $command, $file) = @ARGV;
die "usage: report_pools.pl BUILD OUTPUT COMMAND FILE\n" if !defined $file;
read_series($file);

my $turn = 'jwt_session_init($1), users in turn';
my $elsewhere = 'jwt_session_init($1), verified by another session';
my $openssl = 'bare OpenSSL, context ready';
my $claims = 'request.jwt.claims, unverified';
my $pool = 'pool: 8 connections behind PgBouncer, users';
my ($cluster) = grep { /^cluster: 500/ } @groups;
my ($control) = grep { /^cluster: a statement/ } @groups;
my ($many) = map { $_->{name} } grep { $_->{name} =~ /clients/ } @{ $series{$cluster} };
my ($one) = map { $_->{name} } grep { $_->{name} =~ /1 client/ } @{ $series{$cluster} };
my $transaction = 'transaction with a new token of 370 octets';

# ---- targets -------------------------------------------------------------------

my ($met, $missed) = (0, 0);
my @judged;

sub judge
{
	my ($what, $limit, $value, $good) = @_;
	$good ? $met++ : $missed++;
	push @judged, "| $what | $limit | $value | " . ($good ? 'met |' : '**missed** |');
}

# group, at, contender, reference, limit; at least: the ratio is one of throughput
sub judge_ratio
{
	my ($group, $x, $name, $against, $limit, $at_least) = @_;
	my ($first, $other) = (find($group, $name, $x), find($group, $against, $x));
	my $what = "$group" . ($x eq '-' ? '' : ", $x") . ": `$name` against `$against`";
	return judge($what, '', 'not measured', 0) if !$first || !$other;
	my ($median, $min, $max) = ratio($first, $other);
	judge($what, sprintf('%s %.2f', $at_least ? '≥' : '≤', $limit), sprintf('**%.3f** (%.3f – %.3f)', $median, $min, $max),
		$at_least ? $median >= $limit : $median <= $limit);
}

judge_ratio('one connection: ES256, users in turn, less an empty SELECT', 400, $turn, $openssl, 0.05);
judge_ratio('cluster: ES256, less an empty SELECT', '-', $elsewhere, $openssl, 0.35);
judge_ratio('cluster: ES256, mbedTLS, less an empty SELECT', '-', $elsewhere, 'bare PSA, key imported', 0.02);
judge_ratio($pool, 200, 'pg_session_jwt.jwt', $claims, 0.95, 1);
judge_ratio($cluster, '-', $many, $one, 0.9, 1);
judge_ratio("one connection: $_, $transaction", '-', 'SET LOCAL pg_session_jwt.jwt, less the bare verification',
	q{set_config('request.jwt.claims', …)}, 1)
  for qw(EdDSA ES256);

my $memory = 'memory: of a session, tokens of 1 KB';
if (my @sizes = grep { $_->{unit} eq 'KB' } @{ $series{$memory} // [] })
{
	my $most = max(map { $_->{values}[0] } @sizes);
	judge("$memory: the extension's contexts, after up to $sizes[-1]{x} tokens", '≤ 1 MB + 64 KB', '**' . number($most) . ' KB**', $most <= 1024 + 64);
}
my $hostile = 'hostile: one session sets new valid tokens';
if (my @of = grep { $_->{unit} eq 'KB' } @{ $series{$hostile} // [] })
{
	my ($half, $all) = map { $_->{values}[0] } @of;
	judge("$hostile: its memory, after $of[0]{x} to $of[1]{x}", 'flat, within 1 %', '**' . number($half) . ' to ' . number($all) . ' KB**', $all <= 1.01 * $half);
}

# ---- tables --------------------------------------------------------------------

sub once
{
	my ($group, $name, $x) = @_;
	my $found = find($group, $name, $x);
	return $found ? number(median(@{ $found->{values} })) : '';
}

sub points
{
	my ($group) = @_;
	my %seen;
	return grep { !$seen{$_}++ } map { $_->{x} } @{ $series{$group} // [] };
}

my @algorithms = qw(EdDSA RS256 ES256);
my $single = "| users | " . join(' | ', @algorithms, 'unverified claims') . " |\n|---|" . '---|' x (1 + @algorithms) . "\n";
my $group_of = sub { "one connection: $_[0], users in turn, less an empty SELECT" };
for my $x (points($group_of->('ES256')))
{
	$single .= "| $x | " . join(' | ', (map { once($group_of->($_), $turn, $x) } @algorithms),
		once($group_of->('EdDSA'), q{set_config('request.jwt.claims', $1)}, $x)) . " |\n";
}
$single .= '| the first time, verified elsewhere | ' . join(' | ', map { once("cluster: $_, less an empty SELECT", $elsewhere) } @algorithms) . " | |\n";
$single .= '| the bare verification | ' . join(' | ', map { my $g = $group_of->($_); once($g, $series{$g}[0]{name}, 1) } @algorithms) . " | |\n";

my $pools = "| connections | users | unverified claims | pg_session_jwt.jwt | ratio |\n|---|---|---|---|---|\n";
for my $group (grep { /^pool:/ } @groups)
{
	my ($connections) = $group =~ /(\d+)/;
	for my $x (points($group))
	{
		my ($median) = ratio(find($group, 'pg_session_jwt.jwt', $x), find($group, $claims, $x));
		$pools .= sprintf "| %d | %s | %s | %s | %.3f |\n", $connections, $x, once($group, $claims, $x), once($group, 'pg_session_jwt.jwt', $x), $median;
	}
}

my $requests = "| request | requests a second | against no token |\n|---|---|---|\n";
my ($requests_group) = grep { /^requests/ } @groups;
for my $kind (@{ $series{$requests_group} })
{
	my ($median) = ratio($kind, $series{$requests_group}[0]);
	$requests .= sprintf "| %s | %s | %.3f |\n", $kind->{name}, number(median(@{ $kind->{values} })), $median;
}

my ($hits) = grep { $_->{unit} eq '%' } @{ $series{$hostile} // [] };
my $hits_text = $hits ? number($hits->{values}[0]) . ' %' : 'not measured';
my ($of_control) = ratio(find($control, $many), find($control, $one));
my @machine = machine($build);
my $busy = max(0, @loads) > 3 ? "\n**The machine was busy with other work in this run:** see its load below.\n" : '';

# ---- plots ---------------------------------------------------------------------

my $plots = "$output/benchmarks";
make_path($plots);
my $plotted = '';
for ([ 'pool-users', 'Time to set a known ES256 token, by users in turn on one connection', 'users in turn', 'microseconds', 'xy', $group_of->('ES256') ],
	[ 'pool-users-8', 'Transactions on 8 pooled connections, by users', 'users', 'transactions a second', 'x', $pool ],
	[ 'pool-memory', 'Memory of a session, by the tokens it has verified', 'different tokens', 'KB', 'x', $memory ])
{
	$plotted .= plot($plots, @$_) // '';
}

# ---- the document --------------------------------------------------------------

open my $out, '>', "$output/benchmarks-pools.md" or die "$output/benchmarks-pools.md: $!";
print $out <<END;
# Benchmarks: pools

This page shows what a token costs where many users share connections. `$command` measures all figures
in one run and writes this page. [benchmarks.md](benchmarks.md) says how to read the figures.
$busy
## Targets: $met met, $missed missed

| what | target | median (min – max) | |
|---|---|---|---|
END
print $out "$_\n" for @judged;
print $out <<END;

## Users in turn on one connection

Microseconds of `auth.jwt_session_init(\$1)` beyond an empty `SELECT`, with tokens of 1 KB and the key in a file. A
session remembers about 400 such tokens with the default `pg_session_jwt.cache_size`. With more users it finds a token
in the table of the cluster. The last column is `set_config('request.jwt.claims', \$1, false)`.

$single
## Connections behind PgBouncer

Transactions a second in transaction mode, twice as many clients as connections. A transaction sets the token or the
claims of one of the users, which it reads from a table by an index, and reads 10 rows under a policy.

$pools
## Requests

What a request costs in the terms of PostgREST: a transaction with its settings (`search_path`, `request.method`,
`request.path`, `request.headers`, `request.cookies`, `request.jwt.claims`) and one query that returns JSON, with
prepared statements on 10 connections. PostgREST itself does not run here. With 200 users, each connection knows the
tokens; with more, most tokens are new to it, and new to the cluster the first time.

$requests
## Hostile clients

One session sets valid tokens that are new to the server. After each 100 of them, one of 200 other users sets a token
on a session that remembers nothing itself. In **$hits_text** of the cases, these users found their token in the table
of the cluster. In a bucket of 16 entries, an entry that was found since the last eviction stays once more.

## Clients at once

The target compares $many with 1 client × cores. One client does not keep a processor busy all the time. A
statement that computes hashes and shares nothing reaches **@{[sprintf '%.3f', $of_control]}** in the same comparison.

## Machine

| | |
|---|---|
END
print $out "| $_->[0] | $_->[1] |\n" for grep { $_->[0] ne 'Peers' } @machine;
print $out <<END;

The statements are in tests/bench/pools.sh and tests/bench/pools.c. The server has `shared_preload_libraries`, so that
the table of the cluster is there before PostgreSQL 17, too; `fsync`, `jit` and `autovacuum` are off.

## Growth

Points show medians. Bars show minimum and maximum.

${plotted}## Every figure

A ratio compares a row with the first row of its table, or with the first row at the same point of a plot.
END
print_series($out, @groups);
close $out or die "$output/benchmarks-pools.md: $!";
print "$met targets met, $missed missed\n";
print "$_\n" for grep { /\*\*missed|not measured/ } @judged;
