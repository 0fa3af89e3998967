# SPDX-License-Identifier: Apache-2.0
# sjwt keygen, public, keys and backends.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use JSON::PP;
use Sjwt;
use Test::More;

# RFC 7518 section 6, RFC 8037 section 2, RFC 8812 section 3: type, curve, members
# and the length in octets of those whose length is fixed.
my @rsa = (RSA => undef, 'n e', 'd p q dp dq qi', { n => 256, p => 128, q => 128 });
my %shapes = (
    EdDSA => ['OKP', 'Ed25519', 'x', 'd', { x => 32, d => 32 }],
    Ed25519 => ['OKP', 'Ed25519', 'x', 'd', { x => 32, d => 32 }],
    ES256 => ['EC', 'P-256', 'x y', 'd', { x => 32, y => 32, d => 32 }],
    ES384 => ['EC', 'P-384', 'x y', 'd', { x => 48, y => 48, d => 48 }],
    ES512 => ['EC', 'P-521', 'x y', 'd', { x => 66, y => 66, d => 66 }],
    ES256K => ['EC', 'secp256k1', 'x y', 'd', { x => 32, y => 32, d => 32 }],
    (map { $_ => [@rsa] } qw(RS256 RS384 RS512 PS256 PS384 PS512)),
    HS256 => ['oct', undef, '', 'k', { k => 32 }],
    HS384 => ['oct', undef, '', 'k', { k => 48 }],
    HS512 => ['oct', undef, '', 'k', { k => 64 }],
);
my $unsupported = 'algorithm is not supported by this build';
my $refused = 'key has the wrong length, is too weak or is not on the curve';

# ---- backends --------------------------------------------------------------

my ($table, $modules) = split /\n\n/, made(['backends']);
my ($titles, @rows) = split /\n/, $table;
like($titles, qr/\Aalgorithm +verifies +signs\z/, 'the titles');
is_deeply([sort map { (split / +/)[0] } @rows], [sort grep { $_ ne 'Ed25519' } keys %shapes],
    'a row an algorithm');
my ($version) = made(['--version']) =~ /\((.*)\)/;
my %backends = map { $_ => 1 } split /, /, $version;
my %configured = map { my ($algorithm, @names) = split / /; $algorithm => \@names }
    split /,/, $ENV{SJWT_BACKENDS} // die "SJWT_BACKENDS is what the build was configured to\n";
for my $row (@rows) {
    my ($algorithm, $verifies, $signs, @more) = split / +/, $row;
    ok(!@more && ($verifies eq '-' || $backends{$verifies}), "$algorithm is verified by $verifies");
    my $configured = $configured{$algorithm};
    # A FIPS module may not offer it.
    $configured = ['-', '-'] if $verifies eq '-' && $configured->[0] eq 'openssl-fips';
    is_deeply([$verifies, $signs], $configured, "$algorithm: as it was configured");
}

like($modules // '', ($version =~ /openssl/ ? qr/\Aopenssl(-fips)?: OpenSSL .+ [0-9.]+\n?\z/ : qr/\A\z/),
    'the module of a library that has one');

# ---- keygen, public --------------------------------------------------------

for my $alg (sort keys %shapes) {
    if (!signs($alg)) {
        expect("keygen: a build that does not sign with $alg", ['keygen', '--alg', $alg], code => 2,
            err => "--alg: $unsupported");
        next;
    }
    my ($kty, $crv, $public, $private, $lengths) = @{ $shapes{$alg} };
    my @public = ('kty', 'alg', 'kid', split(/ /, $public), defined $crv ? 'crv' : ());
    my $text = made(['keygen', '--alg', $alg, '--kid', "kid \"$alg\""]);
    my $jwk = decode_json($text);
    unlike($text, qr/\n/, "$alg: one line");
    is_deeply([sort keys %$jwk], [sort @public, split / /, $private], "$alg: the members");
    is($jwk->{kty}, $kty, "$alg: kty");
    is($jwk->{crv}, $crv, "$alg: crv");
    is($jwk->{alg}, $alg, "$alg: alg");
    is($jwk->{kid}, "kid \"$alg\"", "$alg: kid");
    for my $member (sort keys %$lengths) {
        is(length decode_base64url($jwk->{$member}), $lengths->{$member}, "$alg: octets of $member");
    }

    my $file = file($text);
    if ($kty eq 'oct') {
        expect("$alg: no public half", ['public', '--key', $file], code => 2,
            err => '--key: symmetric key where a public key is needed');
        next;
    }
    my $half = decode_json(made(['public', '--key', $file]));
    is_deeply($half, { map { $_ => $jwk->{$_} } @public }, "$alg: the public half");
    expect("$alg: no private half in it", ['public', '--key', file(encode_json($half))],
        code => 2, err => '--key: a member of the key is invalid: "d" is missing');
    expect("$alg: the half from standard input", ['public', '--key', '-'], in => $text,
        out => made(['public', '--key', $file]) . "\n");
}

my ($algorithm, $pair) = signs('EdDSA') ? ('EdDSA', \%ed25519) : ('ES256', \%p256);
SKIP: {
    skip 'this build signs neither with EdDSA nor with ES256', 3 if !signs($algorithm);
    is_deeply(decode_json(made(['public', '--key', file($pair->{jwk})])),
        decode_json($pair->{public}), 'public: the half of a known key, nothing added');
    my $used = file('{"use":"sig","key_ops":["sign"],"ext":true,"kid":"a",'
        . substr $pair->{jwk}, 1);
    is_deeply(decode_json(made(['public', '--key', $used])),
        { %{ decode_json($pair->{public}) }, use => 'sig', kid => 'a' },
        'public: use and kid stay, other members do not');
    isnt(made(['keygen', '--alg', $algorithm]), made(['keygen', '--alg', $algorithm]),
        'no two keys are the same');
}
for my $lacking (grep { !signs($_->[0]) } ['EdDSA', \%ed25519], ['ES256', \%p256]) {
    expect("public: a build that does not sign with $lacking->[0]",
        ['public', '--key', file($lacking->[1]{jwk})], code => 2, err => "--key: $unsupported");
}

my $size = '--bits: not a size of keys for this algorithm';
SKIP: {
    skip 'this build does not sign with HS256', 5 if !signs('HS256');
    ok(!exists decode_json(made(['keygen', '--alg', 'HS256']))->{kid}, 'no kid unless asked for');
    for my $bits (256, 264, 512, 4096) {
        my $jwk = decode_json(made(['keygen', '--alg', 'HS256', '--bits', $bits]));
        is(8 * length decode_base64url($jwk->{k}), $bits, "HS256 of $bits bits");
    }
}
for my $bits (8, 248, 257, 4104, 32768) {
    expect("HS256 of $bits bits", ['keygen', '--alg', 'HS256', '--bits', $bits], code => 2,
        err => $size);
}
expect("$algorithm has one size", ['keygen', '--alg', $algorithm, '--bits', 256], code => 2,
    err => $size);
SKIP: {
    skip 'this build does not sign with RSA', 5 if !signs('RS256');
    my $jwk = decode_json(made(['keygen', '--alg', 'RS256', '--bits', 3072]));
    is(8 * length decode_base64url($jwk->{n}), 3072, 'RSA of 3072 bits');
    for my $bits (1024, 2040, 2049, 4104) {
        expect("RSA of $bits bits", ['keygen', '--alg', 'RS256', '--bits', $bits], code => 2,
            err => $size);
    }
}
expect('kid that is not UTF-8', ['keygen', '--alg', 'HS256', '--kid', "\xc3"], code => 2,
    err => '--kid: key id is not a string: not UTF-8');

# ---- keys ------------------------------------------------------------------

SKIP: {
    skip 'this build has no HS256', 3 if !verifies('HS256');
    my $hs = join ' ', grep { verifies($_) } qw(HS256 HS384 HS512);
    expect('keys: one', ['keys', file($hmac{jwk})], out => "usable   no kid: $hs\n");
    expect('keys: one with a kid', ['keys',
        file('{"kid":"a","alg":"HS256",' . substr $hmac{jwk}, 1)],
        out => qq(usable   kid "a": HS256\n));
    expect('keys: a kid that would move the cursor', ['keys',
        file('{"kid":"\u001b[2J\nusable\u0007\u00e9\u0085","alg":"HS256",'
            . substr $hmac{jwk}, 1)],
        out => qq(usable   kid "\\x1B[2J\\x0Ausable\\x07\xc3\xa9\\xC2\\x85": HS256\n));
}
expect('keys: none usable', ['keys', file('{"keys":[{"kty":"new"}]}')], code => 2,
    err => 'FILE: no usable key in the set: 1 skipped, the first: key type (\'kty\') is not known');

($algorithm, $pair) = verifies('EdDSA') ? ('EdDSA', \%ed25519) : ('ES256', \%p256);
SKIP: {
    skip 'this build has neither EdDSA nor ES256', 5 if !verifies($algorithm);
    # The secret is too short for any algorithm, in each build.
    expect('keys: usable and not', ['keys', file(sprintf '{"keys":[%s]}', join ',',
        '{"kty":"oct","kid":"short","k":"AA"}', $pair->{public},
        '{"use":"enc","kid":"for secrets",' . substr($pair->{public}, 1), '1', '{"kty":"new"}',
        '{"kid":"b",' . substr($pair->{public}, 1))],
        out => <<"END");
usable   no kid: $algorithm
usable   kid "b": $algorithm
skipped  kid "short", keys[0]: $refused: "k" must have at least 32 octets
skipped  kid "for secrets", keys[2]: key is not for signatures: "use" is not "sig"
skipped  no kid, keys[3]: not a JWK: it is not an object
skipped  no kid, keys[4]: key type ('kty') is not known
END
    expect('keys: a kid that would speak for the tool', ['keys',
        file('{"kid":"a\": HS256 \\\\\u202e",' . substr $pair->{public}, 1)],
        out => qq(usable   kid "a\\": HS256 \\\\\\u202E": $algorithm\n));
    my $many = made(['keys', file(sprintf '{"keys":[%s]}', join ',', $pair->{public},
        ('{}') x 150)]);
    my @many = split /\n/, $many;
    is(scalar @many, 102, 'keys: a hundred skipped ones are shown');
    is($many[-1], 'skipped  50 more', 'keys: the others are counted');
    expect('keys: two alike', ['keys', file(sprintf '{"keys":[%s,%s]}',
        ('{"kid":"a",' . substr $pair->{public}, 1) x 2)], out => <<"END");
usable   kid "a": $algorithm
skipped  kid "a", keys[1]: the same key is in the set before
END
}
SKIP: {
    skip 'this build has both or neither of EdDSA and ES256', 1
        if verifies('EdDSA') == verifies('ES256');
    my $other = verifies('EdDSA') ? \%p256 : \%ed25519;
    expect('keys: of an algorithm that this build lacks', ['keys',
        file(sprintf '{"keys":[%s,%s]}', $pair->{public}, $other->{public})], out => <<"END");
usable   no kid: $algorithm
skipped  no kid, keys[1]: key is for an algorithm that this build does not support: ${\(verifies('EdDSA') ? 'ES256' : 'EdDSA')}
END
}

# ---- where the key goes ------------------------------------------------------

my ($generated) = grep { signs($_) } qw(EdDSA ES256 HS256 RS256);
if (defined $generated) {
    my $dir = folder();
    my @keygen = ('keygen', '--alg', $generated);
    umask 0;
    expect('keygen --out', [@keygen, '--out', "$dir/out.jwk"]);
    is(sprintf('%o', (stat "$dir/out.jwk")[2] & 07777), '600', 'only its owner can read the file');
    my $made = do { local (@ARGV, $/) = "$dir/out.jwk"; <> };
    like($made, qr/\A\{"kty":.*\}\n\z/, 'it has the key');
    expect('a file that exists', [@keygen, '--out', "$dir/out.jwk"], code => 2, err => '--out: File exists');
    is(do { local (@ARGV, $/) = "$dir/out.jwk"; <> }, $made, 'it stays as it is');
    expect('a directory that does not', [@keygen, '--out', "$dir/no/out.jwk"], code => 2,
        err => '--out: No such file or directory');
    my $warning = qr/^sjwt: warning: others can read the file that standard output is;/;
    for my $mask (0, 077) {
        umask $mask;
        my $err = `'$ENV{SJWT}' @keygen 2>&1 >'$dir/$mask.jwk'`;
        $mask ? is($err, '', 'a file of its owner') : like($err, $warning, 'a file that others can read');
    }
    is(`'$ENV{SJWT}' @keygen 2>&1 >/dev/null`, '', 'no file');
}
done_testing;
