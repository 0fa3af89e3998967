#!/usr/bin/perl
# Makes the document and the plots of what the benchmarks measured.
#
#   report.pl BUILD-DIRECTORY OUTPUT-DIRECTORY COMMAND SERIES-FILE...
#
# A series file is as tests/bench/bench.h describes; a line "# not measured: ..."
# is passed on, "# rows: N" is the size of the table, "# load: N" the machine's load. Writes benchmarks.md
# and benchmarks/*.svg into the output directory.

use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

use File::Path 'make_path';
use List::Util qw(max min);

my ($build, $output, $command, @files) = @ARGV;
die "usage: report.pl BUILD OUTPUT COMMAND FILE...\n" if !@files;

# ---- what was measured ---------------------------------------------------

my (@groups, %series, @missing, @loads, $rows);
for my $file (@files)
{
	open my $handle, '<', $file or die "$file: $!";
	while (my $line = <$handle>)
	{
		chomp $line;
		if ($line =~ /^# not measured: (.*)/) { push @missing, $1; }
		elsif ($line =~ /^# rows: (\d+)/) { $rows = $1; }
		elsif ($line =~ /^# load: ([0-9.]+)/) { push @loads, $1; }
		else
		{
			my ($group, $name, $x, $unit, @values) = split /\t/, $line;
			die "$file:$.: no series: $line\n" if !@values || grep { !/^-?[0-9.]+(e[-+]?\d+)?$/ } @values;
			push @groups, $group if !$series{$group};
			push @{ $series{$group} }, { name => $name, x => $x, unit => $unit, values => \@values };
		}
	}
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub number
{
	my ($value) = @_;
	my $size = abs $value;
	return sprintf $size >= 100 ? '%.0f' : $size >= 10 ? '%.1f' : $size >= 1 ? '%.2f' : '%.3f', $value;
}

sub find
{
	my ($group, $name, $x) = @_;
	my ($found) = grep { $_->{name} eq $name && $_->{x} eq ($x // '-') } @{ $series{$group} // [] };
	return $found;
}

# One by the other, round by round: (median, min, max).
sub ratio
{
	my ($one, $other) = @_;
	# A difference of two measurements can be nothing at all.
	my @rounds = grep { $other->{values}[$_] != 0 } 0 .. $#{ $one->{values} };
	die "$other->{name}: nothing to compare $one->{name} with\n" if !@rounds;
	my @ratios = map { $one->{values}[$_] / $other->{values}[$_] } @rounds;
	return (median(@ratios), min(@ratios), max(@ratios));
}

# Queries of a transaction after the first: a second has how many of them.
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
my @targets = (
	# group, contender, held against, limit; for throughput the limit is a minimum
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
	[ 'core: EdDSA, 600 octets', 'jwt_verify', 'bare libsodium', 1.10 ],
	[ 'core: RS256, 600 octets', 'jwt_verify', 'bare PSA, key imported', 1.10 ],
	[ 'core: ES256, 600 octets', 'jwt_verify', 'bare PSA, key imported', 1.10 ],
	[ 'server: setting a token, less an empty SELECT', 'jwt_session_init($1), new token each time', 'bare libsodium', 1.5 ],
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
	my ($least, $most) = (min(map { $_->{values}[0] } @sizes[ 1 .. $#sizes ]), max(map { $_->{values}[0] } @sizes));
	for ([ 'at most', $most <= 64, '≤ 64 KB', number($most) . ' KB' ],
		[ "after $sizes[1]{x} to $sizes[-1]{x} tokens", $most <= 1.01 * $least, 'flat, within 1 %', number($least) . ' to ' . number($most) . ' KB' ])
	{
		my ($what, $good, $limit, $value) = @$_;
		$good ? $met++ : $missed++;
		push @judged, "| $memory: the extension's contexts, $what | $limit | **$value** | | | " . ($good ? 'met |' : '**missed** |');
	}
}

# ---- slower than a peer ----------------------------------------------------

my @peers = (
	[ qr/^core: (?:RS256|ES256)/, 'jwt_verify', qr/^(?:libjwt|cjose)$/ ],
	[ qr/^server: (?:policy, )?peers$/, qr/^(?:policy with )?auth\./, qr/helper|current_setting/ ],
	[ qr/^server: transactions, .* quer(?:y|ies)$/, 'pg_session_jwt.jwt', qr/^request/ ],
	[ qr/^server: setting a token, .*less/, qr/^jwt_session_init/, qr/^set_config/ ]);
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
				my $line = sprintf '- %s: `%s` takes **%s** times as long as `%s`', $group, $one->{name}, number($median), $other->{name};
				push @{ $median > 1 ? \@slower : \@faster }, "$line.";
			}
		}
	}
}

# ---- the machine -----------------------------------------------------------

sub output_of
{
	my @command = @_;
	open my $handle, '-|', @command or return '';
	local $/;
	my $text = <$handle> // '';
	return $text =~ s/\s+\z//r;
}

sub first_match
{
	my ($path, $pattern) = @_;
	open my $handle, '<', $path or return '?';
	while (my $line = <$handle>) { return $1 if $line =~ $pattern; }
	return '?';
}

my $cache = "$build/CMakeCache.txt";
my ($compiler) = split /\n/, output_of(first_match($cache, qr/^CMAKE_C_COMPILER:\w+=(.*)/), '--version');
my $flags = first_match($cache, qr/^CMAKE_C_FLAGS_RELWITHDEBINFO:\w+=(.*)/);
my %version = map { $_ => output_of('pkg-config', '--modversion', $_) || '(not installed)' } qw(libsodium libjwt cjose libcrypto);
my $mbedtls = '?';
for my $header (qw(build_info.h version.h))
{
	my $found = first_match("/usr/include/mbedtls/$header", qr/define MBEDTLS_VERSION_STRING\s+"(.*)"/);
	$mbedtls = $found if $found ne '?';
}
my @machine = (
	[ 'Processor', first_match('/proc/cpuinfo', qr/^model name\s*: (.*)/) . (first_match('/proc/cpuinfo', qr/^flags.*\b(hypervisor)\b/) eq '?' ? '' : ', of a virtual machine') ],
	[ 'Cores', output_of('nproc') ],
	[ 'Memory', sprintf '%.0f GB', first_match('/proc/meminfo', qr/^MemTotal:\s+(\d+)/) / 1048576 ],
	[ 'Load while single sessions were measured', join(', ', @loads) || '?' ],
	[ 'Load at the end (1, 5, 15 minutes)', first_match('/proc/loadavg', qr/^(\S+ \S+ \S+)/) ],
	[ 'Kernel', output_of('uname', '-srm') ],
	[ 'System', first_match('/etc/os-release', qr/^PRETTY_NAME="(.*)"/) ],
	[ 'Compiler', "$compiler, `$flags`" ],
	[ 'Server', output_of($ENV{PG_CONFIG} // 'pg_config', '--version') ],
	[ 'Crypto', "libsodium $version{libsodium}, mbedTLS $mbedtls" ],
	[ 'Peers', "libjwt $version{libjwt} and cjose $version{cjose}, with OpenSSL $version{libcrypto}" ],
	[ 'Date', output_of('date', '-u', '+%Y-%m-%d %H:%M UTC') ]);

my $busy = max(0, @loads) > 3
  ? "\n**The machine was busy with other work in this run:** see its load below.\n" : '';

# ---- plots -------------------------------------------------------------------

my $plots = "$output/benchmarks";
make_path($plots);

# plot FILE, TITLE, X AXIS, Y AXIS, LOG AXES, GROUP...
sub plot
{
	my ($name, $title, $xlabel, $ylabel, $log, @of) = @_;
	my (@curves, $data, %at);
	for my $group (@of)
	{
		my %seen;
		for my $curve (grep { !$seen{$_}++ } map { $_->{name} } @{ $series{$group} // [] })
		{
			$data .= "\$data" . @curves . " << END\n";
			for (grep { $_->{name} eq $curve } @{ $series{$group} })
			{
				my @values = @{ $_->{values} };
				$at{ $_->{x} } = 1;
				$data .= sprintf "%s %g %g %g\n", $_->{x}, median(@values), min(@values), max(@values);
			}
			$data .= "END\n";
			push @curves, sprintf '$data%d using 1:2:3:4 with yerrorlines lw 2 pt 7 ps 0.5 title "%s"', scalar @curves, $curve;
		}
	}
	return if !@curves;
	# Few places are named each; many, such as sizes, as gnuplot sees fit.
	my $places = keys %at <= 5 || $log =~ /x/ ? 'set xtics (' . join(', ', sort { $a <=> $b } keys %at) . ')' : 'set xrange [0:*]';
	open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!";
	print $gnuplot <<END;
set terminal svg size 720,420 background "white" noenhanced
set output "$plots/$name.svg"
set title "$title"
set xlabel "$xlabel"
set ylabel "$ylabel"
set key left top
set grid
${\($log ? "set logscale $log" : '')}
set yrange [${\($log =~ /y/ ? '*' : 0)}:*]
$places
set offsets graph 0.03, graph 0.03, graph 0.1, 0
$data
plot @{[join ', ', @curves]}
END
	close $gnuplot or die "gnuplot failed\n";
	return "![$title](benchmarks/$name.svg)\n\n";
}

my $growth = '';
for (
	[ 'rows', 'Sequential scan, owner = …', 'rows', 'milliseconds', 'xy', 'server: by rows' ],
	[ 'workers', 'The same scan with parallel workers', 'workers', 'milliseconds', '', 'server: by parallel workers' ],
	[ 'clients', 'Transactions of two queries', 'clients', 'transactions a second', 'x', 'server: by clients, same token, 2 queries' ],
	[ 'token-size', 'Verification of an EdDSA token', 'octets of the token', 'microseconds', '', 'core: by token size' ],
	[ 'keys', 'Verification with a set of keys', 'keys in the set', 'microseconds', 'x', 'core: by keys in the set' ],
	[ 'keys-parsing', 'Parsing a set of keys, once', 'keys in the set', 'microseconds', 'xy', 'core: parsing a set of keys' ])
{
	$growth .= plot(@$_) // '';
}

# ---- in short ----------------------------------------------------------------

# What one takes more than the other, at the median of the rounds; nothing where one was not measured.
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
push @short, sprintf 'A policy that calls `auth.user_id()` costs **%s ns** more for each row than one with a literal, in a scan that takes %s ns a row anyway%s.',
  number($call * $to_ns), number($row * $to_ns), defined $helper ? sprintf('; with the widespread SQL helper it is %s ns', number($helper * $to_ns)) : ''
  if defined $call;
my $setting = 'server: setting a token, less an empty SELECT';
my ($signature, $new, $again) = (once($setting, 'bare libsodium'), once($setting, 'jwt_session_init($1), new token each time'), once($setting, 'jwt_session_init($1), same token'));
push @short, sprintf 'A new token costs **%s µs** once, of which the signature is %s µs; the same token set again costs %s µs.',
  number($new), number($signature), number($again)
  if defined $new;

# ---- the document --------------------------------------------------------------

open my $out, '>', "$output/benchmarks.md" or die "$output/benchmarks.md: $!";
print $out <<END;
# Benchmarks

What it costs that a policy asks who the user is, and that a token is verified.
`$command` measured everything here in one run and wrote this page; nothing in it
was written by hand.

@{[join "\n", map { "- $_" } @short]}

What is compared took turns within the run. A ratio is taken round by round, and
the **median** of these ratios is what counts; least and greatest say how much the
machine let it vary. Where others used the machine meanwhile these lie far apart, and the best
round of one by the best of the other ("best by best") says more of the code; it is not what a
target is judged by. Scans are of $rows rows of a `bigint`, a `text` of 36 characters and a
`uuid` (one row in a thousand is the user's), in the server's memory, without an index,
without JIT and, but for one plot, without parallel workers. Times are what a client waits
over a Unix socket. Where a token is set, client and server share a processor and the
statements take turns one by one, so that what is subtracted was measured under the same
conditions. Tokens are EdDSA of 600 octets unless something else is said.

$busy
## Targets: $met met, $missed missed

| what | target | median | least – greatest | best by best | |
|---|---|---|---|---|---|
END
print $out "$_\n" for @judged;
print $out <<END;

A transaction is `BEGIN`, `SET LOCAL pg_session_jwt.jwt = '…'`, one or more times
`SELECT id FROM note LIMIT 10` under a policy whose call finds the rows by an index, and `COMMIT`,
each sent by itself (`pgbench -n -M simple -T 1`, no more threads than cores). Its peer sets
`request.jwt.claims` and has a policy with the helper. For a new token in each transaction, both
take what they set from a table. "Queries after the first" is the throughput of the second to
fifth query: transactions of five queries less transactions of one. What the first costs, setting
and verifying the token, is not in it; whole transactions follow.

## Slower than a peer

END
print $out @slower ? map { "$_\n" } @slower : "Nothing that was measured.\n";
print $out "\n## Faster than a peer\n\n";
print $out @faster ? map { "$_\n" } @faster : "Nothing that was measured.\n";
print $out <<END;

libjwt reads its PEM key again for each token; cjose keeps it ready and looks at no claim.
Both use OpenSSL's RSA and ECDSA, which are faster than mbedTLS's. `helper.user_id()` is
`current_setting('request.jwt.claims', true)::json ->> 'sub'` in an SQL function;
`helper.uid()` looks at `request.jwt.claim.sub` before that and makes a uuid of it. Helpers like
these are widespread behind gateways that verify tokens themselves; they verify nothing.

## Not measured

END
print $out @missing ? map { "- $_\n" } @missing : "Nothing was left out.\n";
print $out "\n## Machine\n\n| | |\n|---|---|\n";
print $out "| $_->[0] | $_->[1] |\n" for @machine;
print $out <<END;

Run it again with `./dev bench`, or with `./dev bench quick` for a glance in under two minutes
that goes to the build directory. The server is a private one (tests/server.sh) with
`shared_buffers` of 1536 MB and with `fsync`, `jit` and `autovacuum` off. The statements are those of
tests/bench/measure.sh, the core's part is tests/bench/core.c.

## Growth

Points are medians, bars reach from the least to the greatest.

${growth}## Every figure

Ratios are to the first of each table, or to the first at the same place of a plot.
END
for my $group (@groups)
{
	my $with_x = grep { $_->{x} ne '-' } @{ $series{$group} };
	print $out "\n### $group\n\n", $with_x ? '| at ' : '',
	  "| | unit | min | median | max | ratio | least – greatest |\n",
	  $with_x ? '|---' : '', "|---|---|---|---|---|---|---|\n";
	my %first;
	for my $one (@{ $series{$group} })
	{
		my @values = @{ $one->{values} };
		my $first = $first{ $one->{x} } //= $one;
		print $out $with_x ? "| $one->{x} " : '', "| `$one->{name}` | $one->{unit} | ",
		  join(' | ', map { number($_) } min(@values), median(@values), max(@values)),
		  $first == $one
		  ? " | | |\n"
		  : sprintf(" | %.3f | %.3f – %.3f |\n", ratio($one, $first));
	}
}
close $out or die "$output/benchmarks.md: $!";
print "$met targets met, $missed missed\n";
print "$_\n" for grep { /\*\*missed|not measured/ } @judged;
