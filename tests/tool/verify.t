# SPDX-License-Identifier: Apache-2.0
# sjwt verify: accepted tokens, refused tokens and the messages.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Sjwt;
use Test::More;

my $key = file($hmac{jwk});
my @hmac = ('verify', '--keys', $key, '--alg', 'HS256');
my @valid = (@hmac, '--now', $hmac{expires});
my $payload = "$hmac{payload}\n";

sub token
{
    my ($claims, @more) = @_;
    return made(['sign', '--key', $key, '--claims', $claims, @more]);
}

# Expects a refusal with this reason (a text or a pattern).
sub refused
{
    my ($name, $why, $arguments, %given) = @_;
    $why = ref $why ? qr/\Arefused: $why\z/ : "refused: $why";
    expect($name, $arguments, %given, code => 1, err => $why);
    return;
}

# ---- the source of the token -----------------------------------------------

expect('RFC 7515 A.1', [@valid, $hmac{token}], out => $payload);
expect('token from standard input', [@valid], in => $hmac{token}, out => $payload);
expect('token from -', [@valid, '-'], in => $hmac{token}, out => $payload);
expect('white space around it', [@valid], in => " \t\r\n$hmac{token}\r\n\n", out => $payload);
my $not_three = 'token is not three parts separated by dots';
refused('white space around an argument', qr/.*/, [@valid, "$hmac{token}\n"]);
refused('nothing on standard input', $not_three, [@valid]);
refused('an empty argument', $not_three, [@valid, '']);
refused('with its scheme', 'header is not unpadded base64url: the text begins with "Bearer "',
    [@valid, "Bearer $hmac{token}"]);
refused('in quotes', qr/signature is not .*: the text begins with a quote/, [@valid, "\"$hmac{token}\""]);
refused('an argument with a line end', qr/signature is not .*: the text ends with a line end/,
    [@valid, "$hmac{token}\n"]);
refused('white space within', qr/(?:token|header|payload|signature) is not .*/, [@valid],
    in => $hmac{token} =~ s/\./.\n/r);

# ---- which algorithms ------------------------------------------------------

my $secrets = '--keys: shared secrets only; name their algorithms with --alg';
expect('a shared secret needs --alg', ['verify', '--keys', $key, $hmac{token}], code => 2,
    err => $secrets);
refused('another algorithm', qr/algorithm is not allowed here(: HS256)?/,
    ['verify', '--keys', $key, '--alg', 'HS512', $hmac{token}]);
expect('one of several', ['verify', '--keys', $key, '--alg', 'ES256, HS256 ,RS256', '--now', 0,
    $hmac{token}], out => $payload);

# The signer that this build has for a public-key algorithm.
my ($algorithm, $pair) = signs('EdDSA') ? ('EdDSA', \%ed25519) : ('ES256', \%p256);
my ($private, $public) = (file($pair->{jwk}), file($pair->{public}));
my $signed = made(['sign', '--key', $private, '--claims', '{"sub":"a"}']);
expect('a public key needs none', ['verify', '--keys', $public, $signed], out => qq({"sub":"a"}\n));
expect('a private JWK serves too', ['verify', '--keys', $private, $signed],
    out => qq({"sub":"a"}\n));
expect('named', ['verify', '--keys', $public, '--alg', $algorithm, $signed],
    out => qq({"sub":"a"}\n));
refused('not named', qr/algorithm is not allowed here(: $algorithm)?/,
    ['verify', '--keys', $public, '--alg', 'HS256', $signed]);
my $both = file(qq({"keys":[$hmac{jwk},$pair->{public}]}));
expect('a mixed set: the public key by default', ['verify', '--keys', $both, $signed],
    out => qq({"sub":"a"}\n));
refused('a mixed set: the secret not by default', qr/algorithm is not allowed here(: HS256)?/,
    ['verify', '--keys', $both, $hmac{token}]);

# A public key in any form must not work as a shared secret.
for my $text ($pair->{public}, $pair->{public} =~ /"x":"([^"]+)"/) {
    my $secret = file(sprintf '{"kty":"oct","k":"%s"}', encode_base64url($text));
    my $forged = made(['sign', '--key', $secret, '--claims', '{"sub":"admin"}']);
    refused('algorithm confusion', qr/algorithm is not allowed here(: HS256)?/,
        ['verify', '--keys', $public, $forged]);
    refused('algorithm confusion with --alg', qr/(no key for this token|algorithm does not fit the key)(: .*)?/,
        ['verify', '--keys', $public, '--alg', "HS256,$algorithm", $forged]);
}

SKIP: {
    skip 'this build has EdDSA and ES256', 1 if verifies('EdDSA') && verifies('ES256');
    my $other = verifies('EdDSA') ? \%p256 : \%ed25519;
    expect('a key of an algorithm that this build lacks', ['verify', '--keys',
        file($other->{public}), $other->{token}], code => 2,
        err => qr/\A--keys: key is for an algorithm that this build does not support/);
}
SKIP: {
    skip 'this build has no EdDSA', 1 if !verifies('EdDSA');
    expect('RFC 8037 A.4', ['verify', '--jws', '--keys', file($ed25519{public}), $ed25519{token}],
        out => $ed25519{payload});
}
SKIP: {
    skip 'this build has no ES256', 1 if !verifies('ES256');
    expect('RFC 7515 A.3', ['verify', '--keys', file($p256{public}), '--now', 0, $p256{token}],
        out => $payload);
}

# ---- times -----------------------------------------------------------------

my $exp = $hmac{expires};
expect('the last second of the default leeway', [@hmac, '--now', $exp + 60, $hmac{token}],
    out => $payload);
refused('a second later', 'token has expired: 61 s ago', [@hmac, '--now', $exp + 61, $hmac{token}]);
expect('no leeway: its last second', [@hmac, '--leeway', 0, '--now', $exp, $hmac{token}],
    out => $payload);
refused('no leeway: a second later', 'token has expired: 1 s ago',
    [@hmac, '--leeway', 0, '--now', $exp + 1, $hmac{token}]);
expect('a longer leeway', [@hmac, '--leeway', 2147483647, '--now', $exp + 2147483647,
    $hmac{token}], out => $payload);
refused('the clock, without --now', qr/token has expired: \d{9,} s ago/, [@hmac, $hmac{token}]);
my $later = token('{"nbf":1000}');
expect('nbf: the first second', [@hmac, '--now', 940, $later], out => qq({"nbf":1000}\n));
refused('nbf: a second earlier', 'token is not valid yet: in 61 s', [@hmac, '--now', 939, $later]);
refused('nbf: without leeway', 'token is not valid yet: in 1 s',
    [@hmac, '--leeway', 0, '--now', 999, $later]);
refused('nbf: before the epoch', 'token is not valid yet: in 2000 s',
    [@hmac, '--now', -1000, $later]);
refused('the end of time', 'token has expired: 8111111111112 s ago',
    [@hmac, '--now', 9222222222223, token('{"exp":1111111111111}')]);
expect('now', [@hmac, token(sprintf '{"exp":%d,"nbf":%d}', time + 100, time - 100)],
    out => qr/\A\{"exp":/);
refused('exp as a string', "'exp' is not a number", [@hmac, token('{"exp":"1"}')]);
refused('nbf as a string', "'nbf' is not a number", [@hmac, token('{"nbf":"1"}')]);
refused('iat as a string', "'iat' is not a number", [@hmac, token('{"iat":"1"}')]);

# ---- claims ----------------------------------------------------------------

my $claims = '{"iss":"https://a.example","aud":["one","two"],"sub":null,"jti":1}';
my $full = token($claims, '--typ', 'at+jwt');
my @full = (@hmac, $full);
expect('iss', [@full, '--iss', 'https://a.example'], out => "$claims\n");
refused('iss: another', 'issuer is not trusted', [@full, '--iss', 'https://b.example']);
refused('iss: none', "token names no issuer: claim 'iss' is missing", [@hmac, token('{}'), '--iss', 'a']);
refused('iss: empty', qr/issuer is not trusted.*/, [@full, '--iss', '']);
expect('aud', [@full, '--aud', 'two'], out => "$claims\n");
expect('aud: one of several', [@full, '--aud', 'x', '--aud', 'one'], out => "$claims\n");
expect('aud: a string', [@hmac, token('{"aud":"x"}'), '--aud', 'x'], out => qq({"aud":"x"}\n));
refused('aud: another', 'token is not for this audience', [@full, '--aud', 'thr', '--aud', 'four']);
refused('aud: none', "token names no audience: claim 'aud' is missing", [@hmac, token('{}'), '--aud', 'x']);
my @values = (@hmac, token('{"azp":"a","groups":["x","y"],"tid":"t1","iss":"https://a/t1","iat":100,"exp":200}'),
    '--now', 100, '--leeway', 0);
expect('values of claims', [@values, '--claim-values', '{"azp":["a","b"],"groups":"y"}'],
    out => qr/\A\{"azp":"a".*\n\z/);
refused('a value of a claim', 'a claim has a value that is not accepted: number 2 of --claim-values',
    [@values, '--claim-values', '{"azp":"a","groups":["z","w"]}']);
refused('a claim with a value is missing', 'a required claim is missing: number 1 of --claim-values',
    [@values, '--require', 'azp', '--claim-values', '{"client":"a"}']);
expect('an issuer that is a pattern', [@values, '--iss', 'https://a/{tid}', '--claim-values', '{"tid":"*"}'],
    out => qr/\A\{"azp":"a".*\n\z/);
refused('an issuer of another tenant', 'a claim has a value that is not accepted: number 1 of --claim-values',
    [@values, '--iss', 'https://a/{tid}', '--claim-values', '{"tid":["t2"]}']);
expect('an issuer that is a pattern, without its claim', [@values, '--iss', 'https://a/{tid}'], code => 2,
    err => '--iss: values of claims are not as they must be: "issuer" has a claim in braces that is not in "claims"');
expect('values of claims that are none', [@values, '--claim-values', '[]'], code => 2,
    err => '--claim-values: values of claims are not as they must be: must be an object, and not empty');
expect('values of claims that are no JSON', [@values, '--claim-values', '{"a":'], code => 2,
    err => '--claim-values: values of claims are not strict JSON, at octet 5');
expect('a lifetime', [@values, '--max-lifetime', 100], out => qr/\A\{"azp":"a".*\n\z/);
refused('a longer lifetime', 'token is valid for longer than is accepted', [@values, '--max-lifetime', 99]);
expect('a lifetime that is no number', [@values, '--max-lifetime', '0'], code => 2, err => qr/max-lifetime/);
refused('aud: a number', "'aud' is not a string or an array of strings",
    [@hmac, token('{"aud":[1]}'), '--aud', '1']);
expect('required claims', [@full, '--require', 'iss,aud', '--require', 'jti'], out => "$claims\n");
refused('a required claim is not there', 'a required claim is missing: number 2 of --require',
    [@full, '--require', 'iss,exp']);
refused('a required claim is null', 'a required claim is missing: number 1 of --require',
    [@full, '--require', 'sub']);
refused('a token where claims should be', 'a required claim is missing: number 3 of --require',
    [@full, '--require', 'iss,aud', '--require', $full]);
expect('typ', [@full, '--typ', 'AT+JWT'], out => "$claims\n");
expect('typ: one of several', [@full, '--typ', 'JWT', '--typ', 'application/at+jwt'],
    out => "$claims\n");
refused('typ: another', qr/token type is not accepted.*/, [@full, '--typ', 'JWT']);
refused('typ: none', qr/token type is not accepted.*/, [@hmac, token('{}'), '--typ', 'JWT']);

# ---- the token's form ------------------------------------------------------

sub parts { return join '.', @_ }
my ($head, $body, $signature) = split /\./, $hmac{token};
my $coding = 'is not unpadded base64url';
refused('one part', $not_three, [@valid, $body]);
refused('two parts', $not_three, [@valid, parts($head, $body)]);
refused('four parts', $not_three, [@valid, parts($head, $body, $signature, '')]);
refused('no signature', qr/signature is not unpadded base64url of the right length/,
    [@valid, parts($head, $body, '')]);
refused('a signature cut short', qr/signature is not .*/,
    [@valid, parts($head, $body, substr $signature, 0, -4)]);
refused('padding', qr/signature $coding.*/, [@valid, "$hmac{token}="]);
refused('the other alphabet', qr/header $coding.*/, [@valid, parts("$head+/+/", $body, $signature)]);
refused('a header that is not JSON', qr/header is not a strict JSON object.*/,
    [@valid, parts(encode_base64url('{'), $body, $signature)]);
refused('another payload', 'signature is not valid',
    [@valid, parts($head, encode_base64url('{"sub":"admin"}'), $signature)]);
refused('another signature', 'signature is not valid',
    [@valid, parts($head, $body, encode_base64url("\0" x 32))]);

my %headers = (
    '{"alg":"none"}'                            => qr/header names no known algorithm.*/,
    '{"alg":"None"}'                            => qr/header names no known algorithm.*/,
    '{"alg":256}'                               => qr/header names no (?:known )?algorithm.*/,
    '{}'                                        => qr/header names no algorithm.*/,
    '{"alg":"HS512"}'                           => qr/algorithm is not allowed here(: HS512)?/,
    '{"alg":"HS256","alg":"HS256"}'             => qr/header is not a strict JSON object.*/,
    '{"alg":"HS256","crit":["exp"],"exp":1}'    => qr/header has critical extensions.*/,
    '{"alg":"HS256","b64":false,"crit":["b64"]}' => qr/header has critical extensions.*/,
    '{"alg":"HS256","kid":1}'                   => qr/key id is not a string.*/,
    '["alg"]'                                   => qr/header is not a strict JSON object.*/,
);
for my $header (sort keys %headers) {
    refused("header $header", $headers{$header},
        [@hmac, made(['sign', '--key', $key, '--claims', '{}', '--header', $header])]);
}

sub raw
{
    my ($octets) = @_;
    return made(['sign', '--key', $key, '--raw-payload', file($octets)]);
}
for my $text ('', 'text', '[]', '{"a":1,"a":2}', '{"a":"\u0000"}', '{"exp":1e999}', "{\"a\":\"\xff\"}",
    '{} x') {
    refused('payload ' . ($text =~ s/[^ -~]/?/gr), qr/payload is not a strict JSON object.*/,
        [@hmac, raw($text)]);
}
my $room = 65536 - length(raw('{}')) + 3;
my $most = sprintf '{%s}', ' ' x ($room / 4 * 3 - 2);
my $largest = raw($most);
is(length $largest, 65536, 'a token of 64 KiB');
expect('64 KiB', [@hmac], in => $largest, out => "$most\n");
refused('64 KiB and an octet', 'token is too large', [@hmac], in => "A$largest");
refused('a token of 100,000 octets', 'token is too large', [@hmac, 'a' x 100_000]);

# ---- the signature alone ---------------------------------------------------

my $octets = join '', map { chr } 0 .. 255;
my @jws = (@hmac, '--jws');
expect('--jws: the octets as they are', [@jws, raw($octets)], out => $octets);
expect('--jws: no octets', [@jws, raw('')], out => '');
expect('--jws: no newline added', [@jws, $hmac{token}], out => $hmac{payload});
expect('--jws: no times are checked', [@jws, token('{"exp":"x","nbf":1e300}')],
    out => '{"exp":"x","nbf":1e300}');
refused('--jws: a bad signature', 'signature is not valid',
    [@jws, parts($head, $body, encode_base64url("\0" x 32))]);
refused('--jws: typ', qr/token type is not accepted.*/, [@jws, '--typ', 'x', $hmac{token}]);
expect('--jws: typ that is', [@jws, '--typ', 'jwt', $hmac{token}], out => $hmac{payload});
expect('--jws: a shared secret needs --alg', ['verify', '--jws', '--keys', $key, $hmac{token}],
    code => 2, err => $secrets);

# ---- keys ------------------------------------------------------------------

my ($one, $two) = map { made(['keygen', '--alg', 'HS256', '--kid', $_]) } qw(one two);
my $set = file(qq({"keys":[$one,$two]}));
my ($first, $second) = map { file($_) } $one, $two;
for my $file ($first, $second) {
    expect('the key id chooses', ['verify', '--alg', 'HS256', '--keys', $set,
        made(['sign', '--key', $file, '--claims', '{}'])], out => "{}\n");
}
refused('the key id of another key', 'signature is not valid', ['verify', '--alg', 'HS256',
    '--keys', $set, made(['sign', '--key', $first, '--kid', 'two', '--claims', '{}'])]);
refused('a key id that is not there', qr/no key for this token.*/, ['verify', '--alg', 'HS256',
    '--keys', $set, made(['sign', '--key', $first, '--kid', 'three', '--claims', '{}'])]);
expect('no key id: each is tried', ['verify', '--alg', 'HS256', '--keys', $set,
    made(['sign', '--key', $second, '--claims', '{}', '--header', '{"alg":"HS256"}'])],
    out => "{}\n");

my %bad_keys = (
    ''                                    => qr/not strict JSON.*/,
    'text'                                => qr/not strict JSON.*/,
    "$hmac{jwk}x"                         => qr/not strict JSON, at octet \d+/,
    '[]'                                  => qr/not a JWK or JWK Set.*/,
    '{}'                                  => qr/not a JWK.*/,
    '{"keys":{}}'                         => qr/not a JWK or JWK Set.*/,
    '{"keys":[]}'                         => qr/no usable key in the set: the set is empty/,
    '{"keys":[{"kty":"x"},{}]}'           => qr/no usable key in the set: 2 skipped.*/,
    '{"kty":"x"}'                         => qr/key type \('kty'\) is not known.*/,
    '{"kty":"EC","crv":"P-1","x":"","y":""}' => qr/curve \('crv'\) is not known.*/,
    '{"kty":"oct"}'                       => qr/a member of the key is invalid: "k" is missing/,
    '{"kty":"oct","k":"AA"}'              => qr/key has the wrong length, is too weak .*/,
    '{"kty":"oct","k":"A"}'               => qr/a member of the key is invalid: "k" is not unpadded base64url/,
    '{"use":"enc",' . substr($hmac{jwk}, 1) => qr/key is not for signatures.*/,
    '{"alg":"x",' . substr($hmac{jwk}, 1) => qr/key is for an algorithm \('alg'\) that is not known.*/,
    '{"alg":"ES256",' . substr($hmac{jwk}, 1) => qr/key is for an algorithm \('alg'\) of another key type.*/,
);
for my $text (sort keys %bad_keys) {
    expect('keys ' . substr($text, 0, 30), ['verify', '--alg', 'HS256', '--keys', file($text), 'x'],
        code => 2, err => qr/\A--keys: $bad_keys{$text}\z/);
}

done_testing;
