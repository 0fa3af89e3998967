# SPDX-License-Identifier: Apache-2.0
# sjwt explain: the checks of a token up to the first that fails, and how to mend it.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use JSON::PP;
use Sjwt;
use Test::More;

my ($alg) = grep { signs($_) && verifies($_) } qw(EdDSA ES256);
my $other_alg = 'HS256';
my ($iss, $aud) = ('https://issuer.example.com', 'notes');
my ($key, $other) = map { file(made(['keygen', '--alg', $alg, '--kid', $_])) } qw(a a);
my $public = file(made(['public', '--key', $key]));
my %claims = (iss => $iss, aud => $aud, sub => 'alice', exp => 4000000000);
my @policy = ('--keys', $public, '--iss', $iss, '--aud', $aud, '--now', 3000000000);
my @order = qw(form algorithm issuer key signature payload times required audience values subject);

sub token
{
    my ($with, $changed, @options) = @_;
    my %all = (%claims, %$changed);
    delete $all{$_} for grep { !defined $all{$_} } keys %all;
    return made(['sign', '--key', $with, '--claims', encode_json(\%all), @options]);
}

# The outcomes, in the order in which they are printed.
sub outcomes
{
    my ($arguments, %given) = @_;
    my ($code, $out, $err) = sjwt(['explain', @$arguments], %given);
    my @rows = $out =~ /^(\w+) +(passed|FAILED|not set|-) +\S/mg;
    my ($mend) = $out =~ /\n\n(\S.*)\n\z/;
    unlike($out, qr/\033/, 'no colours, where no terminal is');
    return ($code, \@rows, $mend, $err);
}

sub fails
{
    my ($name, $check, $mend, $reason, $arguments, %given) = @_;
    my @wanted;
    my $outcome = 'passed';
    my @rows = @{ $given{order} // \@order };
    for my $row (@rows) {
        $outcome = $row eq $check ? 'FAILED' : $outcome eq 'passed' ? 'passed' : '-';
        push @wanted, $row, $row eq 'values' && $outcome eq 'passed' && !$given{order} ? 'not set' : $outcome;
    }
    my ($code, $rows, $found, $err) = outcomes($arguments, %given);
    is($code, 1, "$name: refused");
    is_deeply($rows, \@wanted, "$name: $check fails");
    like($found // '', $mend, "$name: the mend");
    like($err, qr/\Asjwt: refused: $reason/, "$name: the reason");
    return;
}

my $good = token($key, {});
my ($code, $rows, $mend) = outcomes([@policy, $good]);
is($code, 0, 'a good token');
is_deeply($rows, [ map { ($_ => $_ eq 'values' ? 'not set' : 'passed') } @order ], 'all checks are passed');
is($mend, undef, 'and there is nothing to mend');
($code) = outcomes([@policy, '-'], in => "$good\n");
is($code, 0, 'from standard input');
($code) = outcomes(\@policy, in => "$good\n");
is($code, 0, 'without an argument');
($code, $rows) = outcomes(['--keys', $public, $good]);
is_deeply({ @$rows }, { (map { ($_ => 'passed') } @order), map { ($_ => 'not set') } qw(issuer audience values) },
    'what is not asked for');

fails('Bearer', 'form', qr/no "Bearer "/, qr/header is not/, [@policy, "Bearer $good"]);
fails('a word', 'form', qr/the token alone/, qr/token is not three parts/, [@policy, 'token']);
fails('no algorithm', 'algorithm', qr/"alg" of the header/, qr/header names no algorithm/,
    [@policy, token($key, {}, '--header', '{"kid":"a"}')]);
fails('another issuer', 'issuer', qr/exactly as claim "iss"/, qr/issuer is not trusted/,
    [@policy, token($key, { iss => 'https://other.example.com' })]);
fails('another kid', 'key', qr/current keys/, qr/no key for this token/, [@policy, token($key, {}, '--kid', 'b')]);
fails('another key', 'signature', qr/another issuer's/, qr/signature is not valid/, [@policy, token($other, {})]);
fails('expired', 'times', qr/\AGet a new token/, qr/token has expired/, [@policy, token($key, { exp => 2000000000 })]);
fails('too early', 'times', qr/\AWait/, qr/token is not valid yet/, [@policy, token($key, { nbf => 3500000000 })]);
fails('no exp', 'required', qr/tokens with that claim/, qr/a required claim is missing/,
    [@policy, token($key, { exp => undef })]);
fails('another audience', 'audience', qr/for this audience/, qr/token is not for this audience/,
    [@policy, token($key, { aud => 'other' })]);

# ---- a document of issuers -------------------------------------------------

my $dir = folder();
open my $handle, '>', "$dir/keys.json" or die $!;
print $handle made(['public', '--key', $key]);
close $handle or die $!;
sub issuers { return file(encode_json({ issuers => [@_] })) }
my %one = (issuer => $iss, jwks_file => 'keys.json', audiences => [$aud], claims => { azp => ['app'] });
my %two = (issuer => 'https://two.example.com', jwks => decode_json(made(['public', '--key', $other])));
my @document = ('--issuers', issuers(\%one, \%two), '--data-directory', $dir, '--now', 3000000000);
my @issuer_first = ('form', 'issuer', 'algorithm', @order[ 3 .. $#order ]);
my $azp = token($key, { azp => 'app' });
($code, $rows) = outcomes([@document, $azp]);
is($code, 0, 'a good token of an issuer');
is_deeply($rows, [ map { ($_ => 'passed') } @issuer_first ], 'the issuer is found first');
fails('a claim', 'values', qr/what the policy asks for/, qr/a claim has a value/,
    [@document, token($key, { azp => 'else' })], order => \@issuer_first);
fails('the key of the other', 'signature', qr/another issuer's/, qr/signature is not valid/,
    [@document, token($other, {})], order => \@issuer_first);
fails('a third issuer', 'issuer', qr/exactly as claim "iss"/, qr/issuer is not trusted/,
    [@document, token($key, { iss => 'https://other.example.com' })], order => \@issuer_first);

# ---- usage -------------------------------------------------------------------

my $see = 'see sjwt explain --help';
expect('no keys', ['explain', $good], code => 2, err => "--keys or --issuers is needed; $see");
expect('both', ['explain', '--keys', $public, '--issuers', $public, $good], code => 2,
    err => "--keys or --issuers is needed; $see");
expect('--iss with a document', ['explain', '--issuers', $public, '--iss', 'x', $good], code => 2,
    err => "--iss, --aud and --alg go with --keys; $see");
expect('a directory without one', ['explain', '--keys', $public, '--data-directory', '.', $good], code => 2,
    err => "--data-directory goes with --issuers; $see");
expect('twice from standard input', ['explain', '--keys', '-'], code => 2,
    err => 'standard input cannot be both the keys and the token');

# ---- colours -----------------------------------------------------------------

# script(1) gives the command a terminal.
sub on_terminal
{
    my ($environment) = @_;
    return `$environment script --quiet --return --command "'$ENV{SJWT}' explain --keys '$public' '$good'" /dev/null </dev/null`;
}
# A chroot need not have pseudo-terminals.
SKIP: {
    skip 'no /dev/pts here' if !-e '/dev/pts/ptmx';
    like(on_terminal('env -u NO_COLOR TERM=xterm'), qr/\033\[32mpassed/, 'colours on a terminal');
    unlike(on_terminal('env NO_COLOR=1 TERM=xterm'), qr/\033/, 'but not with NO_COLOR');
    unlike(on_terminal('env -u NO_COLOR TERM=dumb'), qr/\033/, 'nor on a dumb one');
}
done_testing;
