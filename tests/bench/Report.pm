# SPDX-License-Identifier: Apache-2.0
# Shared by the reports: reads the measured series, and prints tables and plots.
#
# tests/bench/bench.h describes a series file. A document repeats a line "# not measured: ...".
# "# rows: N" is the size of a table, "# load: N" the load of the machine.
package Report;

use strict;
use warnings;
use utf8;

use Exporter 'import';
use List::Util qw(max min);
use open qw(:std :encoding(UTF-8));

our @EXPORT = qw(@groups %series @missing @loads @peer_versions $rows read_series median number find ratio machine plot
  print_series);
our (@groups, %series, @missing, @loads, @peer_versions, $rows);

sub read_series
{
	for my $file (@_)
	{
		open my $handle, '<', $file or die "$file: $!";
		while (my $line = <$handle>)
		{
			chomp $line;
			if ($line =~ /^# not measured: (.*)/) { push @missing, $1; }
			elsif ($line =~ /^# rows: (\d+)/) { $rows = $1; }
			elsif ($line =~ /^# load: ([0-9.]+)/) { push @loads, $1; }
			elsif ($line =~ /^# peers: (.*)/) { push @peer_versions, $1; }
			else
			{
				my ($group, $name, $x, $unit, @values) = split /\t/, $line;
				die "$file:$.: no series: $line\n" if !@values || grep { !/^-?[0-9.]+(e[-+]?\d+)?$/ } @values;
				push @groups, $group if !$series{$group};
				push @{ $series{$group} }, { name => $name, x => $x, unit => $unit, values => \@values };
			}
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

# Divides one series by the other, round by round. Returns (median, min, max).
sub ratio
{
	my ($one, $other) = @_;
	# A difference of two measurements can be 0.
	my @rounds = grep { $other->{values}[$_] != 0 } 0 .. $#{ $one->{values} };
	die "$other->{name}: every round is 0, nothing to compare $one->{name} with\n" if !@rounds;
	my @ratios = map { $one->{values}[$_] / $other->{values}[$_] } @rounds;
	return (median(@ratios), min(@ratios), max(@ratios));
}

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

# The machine, compiler and libraries: rows of a table.
sub machine
{
	my ($build) = @_;
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
	return (
		[ 'Processor', first_match('/proc/cpuinfo', qr/^model name\s*: (.*)/) . (first_match('/proc/cpuinfo', qr/^flags.*\b(hypervisor)\b/) eq '?' ? '' : ', of a virtual machine') ],
		[ 'Cores', output_of('nproc') ],
		[ 'Memory', sprintf '%.0f GB', first_match('/proc/meminfo', qr/^MemTotal:\s+(\d+)/) / 1048576 ],
		[ 'Load while single sessions were measured', join(', ', @loads) || '?' ],
		[ 'Load at the end (1, 5, 15 minutes)', first_match('/proc/loadavg', qr/^(\S+ \S+ \S+)/) ],
		[ 'Kernel', output_of('uname', '-srm') ],
		[ 'System', first_match('/etc/os-release', qr/^PRETTY_NAME="(.*)"/) ],
		[ 'Compiler', "$compiler, `$flags`" ],
		[ 'Server', output_of($ENV{PG_CONFIG} // 'pg_config', '--version') ],
		[ 'Crypto', "libsodium $version{libsodium}, OpenSSL $version{libcrypto}, mbedTLS $mbedtls" ],
		[ 'Peers', join('; ', "libjwt $version{libjwt} and cjose $version{cjose}, with the same OpenSSL", @peer_versions) ],
		[ 'Date', output_of('date', '-u', '+%Y-%m-%d %H:%M UTC') ]);

}

# name_plot FILE, TITLE: gnuplot's own title of each file is "Gnuplot".
sub name_plot
{
	my ($file, $title) = @_;
	local ($^I, @ARGV) = ('', $file);
	while (<>)
	{
		s{<title>Gnuplot</title>}{<title>$title</title>};
		print;
	}
}

# plot DIRECTORY, FILE, TITLE, X AXIS, Y AXIS, LOG AXES, GROUP...
sub plot
{
	my ($plots, $name, $title, $xlabel, $ylabel, $log, @of) = @_;
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
	# Name each point of the x axis if there are few; else gnuplot chooses.
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
	name_plot("$plots/$name.svg", $title);
	return "![$title](benchmarks/$name.svg)\n\n";
}

# Prints a table of each group.
sub print_series
{
	my ($out, @of) = @_;
	for my $group (@of)
	{
		my $with_x = grep { $_->{x} ne '-' } @{ $series{$group} };
		print $out "\n### $group\n\n", $with_x ? '| at ' : '',
		  "| | unit | min | median | max | ratio | min – max |\n",
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
}

1;
