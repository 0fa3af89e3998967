# SPDX-License-Identifier: Apache-2.0
# Every algorithm with published tokens: those that the build verifies, and the error for
# an algorithm that it does not verify, or does not sign with.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Sjwt;
use Test::More;

# tests/vectors/jws/README.md describes the form of the files.
sub vector
{
    my ($path) = @_;
    my (%fields, $name);

    open my $handle, '<:raw', $path or die "$path: $!";
    while (my $line = <$handle>) {
        chomp $line;
        next if $line =~ /\A#/;
        $name = $1 if $line =~ s/\A([a-z]+)://;
        $fields{$name} .= $line =~ s/\A +//r;
    }
    return %fields;
}

my @files = glob dirname(__FILE__) . '/../vectors/jws/valid/*.txt';
cmp_ok(scalar @files, '>', 10, 'there are vectors');
for my $path (@files) {
    my %f = vector($path);
    my $alg = $f{alg};
    my @verify = ('verify', '--jws', '--keys', file($f{key}), '--alg', $alg);
    if (!verifies($alg)) {
        expect(basename($path) . ": a build without $alg", [@verify, $f{token}], code => 2,
            err => qr/\A--keys: (no usable key in the set: .*)?key is for an algorithm that this build does not support/);
        next;
    }
    expect(basename($path), [@verify, $f{token}], out => decode_base64url($f{payload}));
    my ($head, $body, $signature) = split /\./, $f{token};
    expect(basename($path) . ': another payload',
        [@verify, join '.', $head, encode_base64url('{"sub":"admin"}'), $signature], code => 1,
        err => 'refused: signature is not valid');
}

for my $alg (sort keys %known) {
    my ($jwk, $token) = @{ $known{$alg} };
    my $key = file($jwk);
    my @verify = ('verify', '--keys', $key, '--alg', $alg, '--leeway', 0, '--now');
    if (verifies($alg)) {
        expect("$alg: its last second", [@verify, $hmac{expires}, $token],
            out => "$hmac{payload}\n");
        expect("$alg: a second later", [@verify, $hmac{expires} + 1, $token], code => 1,
            err => 'refused: token has expired: 1 s ago');
    }
    if (signs($alg)) {
        my $made = made(['sign', '--key', $key, '--claims', $hmac{payload}]);
        expect("$alg: a token made here", [@verify, 0, $made], out => "$hmac{payload}\n");
        next;
    }
    my $unsupported = 'algorithm is not supported by this build';
    my @sign = ('sign', '--key', $key, '--claims', '{}');
    expect("$alg: a build that does not sign", [@sign], code => 2, err => "--key: $unsupported");
    expect("$alg: a build that does not sign, asked for", [@sign, '--alg', $alg], code => 2,
        err => "--alg: $unsupported");
}

done_testing;
