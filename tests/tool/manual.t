# SPDX-License-Identifier: Apache-2.0
# docs/sjwt.1 and --help name the same commands and options.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Sjwt;
use Test::More;

my $path = dirname(__FILE__) . '/../../docs/sjwt.1';
open my $handle, '<', $path or die "$path: $!";
my ($synopsis, $description) = do { local $/; <$handle> } =~ /^\.Sh SYNOPSIS\n(.*?)^\.Sh DESC(.*)/ms;

my @commands = made(['--help']) =~ /^  ([a-z]+) +\S/mg;
my %in_synopsis;
for my $usage (split /^\.Nm\n/m, $synopsis) {
    my ($command) = $usage =~ /^\.Cm (\S+)/m or next;
    $in_synopsis{$command}{"--$_"} = 1 for $usage =~ /Fl -([a-z-]+)/g;
    $in_synopsis{$command} //= {};
}
is_deeply([sort keys %in_synopsis], [sort @commands], 'the commands of the synopsis');
for my $command (@commands) {
    my @options = made([$command, '--help']) =~ /^  (--[a-z-]+)/mg;
    is_deeply([sort keys %{ $in_synopsis{$command} }], [sort @options], "$command: the synopsis");
    my ($section) = $description =~ /^\.Ss sjwt $command\n(.*?)^\.S[sh] /ms;
    ok(defined $section, "$command has a section") or next;
    for my $option (@options) {
        like($section, qr/^\.It Fl \Q@{[substr $option, 1]}\E\b/m, "$command: $option is described");
    }
}
done_testing;
