# SPDX-License-Identifier: Apache-2.0
# sjwt sign: its tokens, octet by octet if the algorithm is deterministic.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Sjwt;
use Test::More;

my $key = file($hmac{jwk});
my @sign = ('sign', '--key', $key);

sub header_of
{
    my ($head) = split /\./, made([@_]);
    return decode_base64url($head);
}

# ---- known tokens ----------------------------------------------------------

expect('RFC 7515 A.1', [@sign, '--header', $hmac{header}, '--claims', $hmac{payload}],
    out => "$hmac{token}\n");
expect('claims from standard input', [@sign, '--header', $hmac{header}, '--claims', '-'],
    in => $hmac{payload}, out => "$hmac{token}\n");
# The largest token that it signs from claims, and one more octet.
my $empty = length made([@sign, '--raw-payload', file('')]);
my $room = int((65536 - $empty) * 3 / 4) - length '{"a":""}';
my $largest = made([@sign, '--claims', '-'], in => sprintf '{"a":"%s"}', 'x' x $room);
cmp_ok(65536 - length $largest, '<', 2, 'a token of 64 KiB');
expect('a token that would be too large', [@sign, '--claims', '-'], code => 2,
    in => sprintf('{"a":"%s"}', 'x' x ($room + 1)), err => '--claims: token is too large');
cmp_ok(length made([@sign, '--raw-payload', '-'], in => 'x' x 100_000), '>', 65536,
    'any octets may be more');

expect('the payload from a file', [@sign, '--header', $hmac{header}, '--raw-payload',
    file($hmac{payload})], out => "$hmac{token}\n");
expect('the payload from standard input', [@sign, '--header', $hmac{header}, '--raw-payload', '-'],
    in => $hmac{payload}, out => "$hmac{token}\n");
expect('the key from standard input', ['sign', '--key', '-', '--header', $hmac{header},
    '--claims', $hmac{payload}], in => $hmac{jwk}, out => "$hmac{token}\n");
SKIP: {
    skip 'this build does not sign with EdDSA', 1 if !signs('EdDSA');
    expect('RFC 8037 A.4', ['sign', '--key', file($ed25519{jwk}), '--raw-payload',
        file($ed25519{payload})], out => "$ed25519{token}\n");
}
SKIP: {
    skip 'this build does not sign with ES256', 1 if !signs('ES256');
    my $token = made(['sign', '--key', file($p256{jwk}), '--claims', $hmac{payload}]);
    expect('RFC 7515 A.3: a signature of its key', ['verify', '--now', 0, '--keys',
        file($p256{public}), $token], out => "$hmac{payload}\n");
    isnt($token, $p256{token}, 'RFC 7515 A.3: its own signature');
}

# ---- the header ------------------------------------------------------------

my @claims = ('--claims', '{}');
is(header_of(@sign, @claims), '{"alg":"HS256"}', 'a plain header');
is(header_of(@sign, @claims, '--typ', 'JWT', '--kid', 'k'),
    '{"alg":"HS256","typ":"JWT","kid":"k"}', 'typ and kid');
is(header_of(@sign, @claims, '--kid', qq(a"b\\c\n\x1f/\x{c3}\x{a9}), '--typ', ''),
    qq({"alg":"HS256","typ":"","kid":"a\\"b\\\\c\\u000a\\u001f/\x{c3}\x{a9}"}), 'escapes');
is(header_of(@sign, @claims, '--header', 'anything'), 'anything', 'any header');
is(header_of(@sign, @claims, '--header', ''), '', 'no header');
my $named = file(made(['keygen', '--alg', 'HS256', '--kid', 'my-own-id']));
is(header_of('sign', '--key', $named, @claims), '{"alg":"HS256","kid":"my-own-id"}',
    "the key's kid");
is(header_of('sign', '--key', $named, @claims, '--kid', 'mine'), '{"alg":"HS256","kid":"mine"}',
    'another kid');
my $escaped = file('{"kid":"\u0041\n\ud83d\udd11",' . substr $hmac{jwk}, 1);
is(header_of('sign', '--key', $escaped, @claims),
    qq({"alg":"HS256","kid":"A\\u000a\xf0\x9f\x94\x91"}), "the key's kid, unescaped");

# ---- the algorithm ---------------------------------------------------------

my %default = (
    EdDSA => 'EdDSA', ES256 => 'ES256', ES384 => 'ES384', ES512 => 'ES512', ES256K => 'ES256K',
    RS256 => 'RS256', PS512 => 'RS256', HS256 => 'HS256', HS512 => 'HS256',
);
for my $alg (grep { signs($_) } sort keys %default) {
    my $jwk = made(['keygen', '--alg', $alg]);
    is(header_of('sign', '--key', file($jwk), @claims), qq({"alg":"$alg"}), "alg of the key: $alg");
    $jwk =~ s/"alg":"[^"]*",// or die;
    next if !signs($default{$alg});
    is(header_of('sign', '--key', file($jwk), @claims), qq({"alg":"$default{$alg}"}),
        "a key for $alg that does not say so");
    is(header_of('sign', '--key', file($jwk), @claims, '--alg', $alg), qq({"alg":"$alg"}),
        "--alg $alg");
}
SKIP: {
    skip 'this build does not sign with EdDSA', 2 if !signs('EdDSA');
    is(header_of('sign', '--key', file($ed25519{jwk}), @claims, '--alg', 'Ed25519'),
        '{"alg":"Ed25519"}', 'the second name of EdDSA');
    my $jwk = file(made(['keygen', '--alg', 'Ed25519']));
    is(header_of('sign', '--key', $jwk, @claims), '{"alg":"Ed25519"}', 'and as the key has it');
}
my $mismatch = '--alg: algorithm does not fit the key';
expect('an algorithm of another family', [@sign, @claims, '--alg', 'RS256'], code => 2,
    err => $mismatch);
expect('another algorithm than the key is for', ['sign', '--key', $named, @claims, '--alg',
    'HS512'], code => 2, err => $mismatch);
expect('a secret too short for the algorithm', ['sign', '--key',
    file('{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}'), @claims, '--alg',
    'HS512'], code => 2, err => signs('HS512')
        ? '--key: key has the wrong length, is too weak or is not on the curve'
        : '--alg: algorithm is not supported by this build');
for my $alg (grep { !signs($_) } qw(EdDSA ES256)) {
    my $lacking = $alg eq 'EdDSA' ? \%ed25519 : \%p256;
    my $file = file($lacking->{jwk});
    expect("a build without $alg", ['sign', '--key', $file, @claims], code => 2,
        err => '--key: algorithm is not supported by this build');
    expect("a build without $alg that is asked for", ['sign', '--key', $file, @claims, '--alg',
        $alg], code => 2, err => '--alg: algorithm is not supported by this build');
}

# ---- payloads --------------------------------------------------------------

for my $text ('', 'text', '[]', '"a"', '{"a":1,"a":2}', '{"a":"\u0000"}', '{"a":01}', '{} {}',
    "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}") {
    expect('claims ' . ($text =~ s/[^ -~]/?/gr), [@sign, '--claims', $text], code => 2,
        err => qr/\A--claims: payload is not a strict JSON object(, at octet \d+)?\z/);
}
my $octets = join '', map { chr } 0 .. 255;
for my $text ('', 'text', $octets, $octets x 1000) {
    my $token = made([@sign, '--raw-payload', '-'], in => $text);
    is(decode_base64url((split /\./, $token)[1]), $text, length($text) . ' octets');
    expect('and their signature', ['verify', '--jws', '--alg', 'HS256', '--keys', $key],
        in => $token, out => $text) if length $text < 40_000;
}
my $spaced = qq({ "b" : 1,\n "a" : 1e2 }\n);
is(decode_base64url((split /\./, made([@sign, '--claims', $spaced]))[1]), $spaced,
    'claims are signed as they stand');

# ---- text that is not a string -----------------------------------------------------

expect('kid that is not UTF-8', [@sign, @claims, '--kid', "a\xff"], code => 2,
    err => '--kid: key id is not a string: not UTF-8');
expect('typ that is not UTF-8', [@sign, @claims, '--typ', "a\xff"], code => 2,
    err => '--typ: header is not a strict JSON object: not UTF-8');

# ---- keys ------------------------------------------------------------------

my $member = 'a member of the key is invalid';
my $refused = 'key has the wrong length, is too weak or is not on the curve';
my $rsa = '"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB","p":"AQAB","q":"AQAB","dp":"AQAB",'
    . '"dq":"AQAB","qi":"AQAB"';
my @bad_keys = (
    ['nothing', '', 'not strict JSON: the text is empty'],
    ['not JSON', '{"kty":"oct"', 'not strict JSON, at octet 12'],
    ['a member twice', '{"kty":"oct","kty":"oct"}', qr/not strict JSON.*/],
    ['not an object', "[$hmac{jwk}]", 'not a JWK: it is not an object'],
    ['a set', qq({"keys":[$hmac{jwk}]}), 'not a JWK: "kty" is missing'],
    ['no type', '{"k":"AAAA"}', 'not a JWK: "kty" is missing'],
    ['a type that is no string', '{"kty":1}', qq($member: "kty" is not a string)],
    ['an unknown type', '{"kty":"oct2"}', "key type ('kty') is not known"],
    ['no curve', '{"kty":"EC"}', qq($member: "crv" is missing)],
    ['an unknown curve', '{"kty":"EC","crv":"P-257"}', "curve ('crv') is not known"],
    ['a curve of another type', '{"kty":"OKP","crv":"P-256"}', "curve ('crv') is not known"],
    ['encryption', '{"use":"enc",' . substr($hmac{jwk}, 1), 'key is not for signatures: "use" is not "sig"'],
    ['use that is no string', '{"use":1,' . substr($hmac{jwk}, 1), qq($member: "use" is not a string)],
    # the name is escaped, because its octets are part of the message
    ['only to verify', '{"key\u005fops":["verify"],' . substr($hmac{jwk}, 1),
        'key is not for signatures: "key_ops" lacks "sign"'],
    ['operations that are no array', '{"key\u005fops":"sign",' . substr($hmac{jwk}, 1),
        qq($member: "key_ops" is not an array)],
    ['operations that are no strings', '{"key\u005fops":["sign",1],' . substr($hmac{jwk}, 1),
        qq($member: "key_ops" has an item that is not a string)],
    ['an unknown algorithm', '{"alg":"none",' . substr($hmac{jwk}, 1),
        "key is for an algorithm ('alg') that is not known"],
    ['an algorithm that is no string', '{"alg":1,' . substr($hmac{jwk}, 1), qq($member: "alg" is not a string)],
    ['an algorithm of another type', '{"alg":"RS256",' . substr($hmac{jwk}, 1),
        "key is for an algorithm ('alg') of another key type"],
    ['a kid that is no string', '{"kid":1,' . substr($hmac{jwk}, 1), qq($member: "kid" is not a string)],
    ['a public key', $ed25519{public}, qq($member: "d" is missing)],
    ['a public key', $p256{public}, qq($member: "d" is missing)],
    ['a private half alone', $p256{jwk} =~ s/"y":"[^"]*",//r, qq($member: "y" is missing)],
    ['padding', '{"kty":"oct","k":"AA=="}', qq($member: "k" is not unpadded base64url)],
    ['trailing bits', '{"kty":"oct","k":"AB"}', qq($member: "k" is not unpadded base64url)],
    ['no octets', '{"kty":"oct","k":""}', qq($member: "k" is empty)],
    ['a secret of an octet', '{"kty":"oct","k":"AA"}', $refused],
    ['RSA without a member', "{$rsa}" =~ s/,"qi":"AQAB"//r, qq($member: "qi" is missing)],
    ['RSA with a zero', "{$rsa}" =~ s/"p":"AQAB"/"p":"AAAA"/r, qq($member: "p" is zero)],
    ['RSA of three primes', "{$rsa,\"oth\":[]}", qq($refused: it has "oth": more than two primes)],
    ['RSA of 17 bits', "{$rsa}", signs('RS256') ? $refused
        : qr/(\Q$refused\E|algorithm is not supported by this build)/],
);
for my $case (@bad_keys) {
    my ($name, $text, $why) = @$case;
    my $pattern = ref $why ? $why : qr/\Q$why\E/;
    expect("key: $name", ['sign', '--key', file($text), @claims], code => 2,
        err => qr/\A--key: $pattern\z/);
}
# Zeros before an RSA number do not count, in a private key either.
if (signs('RS256')) {
    my $zeros = made(['keygen', '--alg', 'RS256']);
    $zeros =~ s/"(n|e|d|p|q|dp|dq|qi)":"([^"]*)"/qq("$1":") . encode_base64url("\0" . decode_base64url($2)) . '"'/ge;
    my $key = file($zeros);
    is(made(['verify', '--keys', $key, made(['sign', '--key', $key, @claims])]), "{}",
        'key: RSA with leading zeros');
}
# With a public point of another key, an EdDSA signature would reveal the private key.
for my $pair (grep { signs($_->[0]) } ['EdDSA', \%ed25519], ['ES256', \%p256]) {
    my $other = made(['keygen', '--alg', $pair->[0]]);
    my ($d) = $pair->[1]{jwk} =~ /"d":"([^"]*)"/;
    $other =~ s/"d":"[^"]*"/"d":"$d"/ or die;
    expect("key: halves of two keys ($pair->[0])", ['sign', '--key', file($other), @claims],
        code => 2, err => "--key: $refused");
    expect("public: halves of two keys ($pair->[0])", ['public', '--key', file($other)],
        code => 2, err => "--key: $refused");
}
is(header_of('sign', '--key', file('{"use":"sig","key_ops":["sign","verify"],"x5t":"?","ext":true,'
    . substr $hmac{jwk}, 1), @claims), '{"alg":"HS256"}', 'members that allow it, and others');

done_testing;
