# SPDX-License-Identifier: Apache-2.0
# sjwt jwk: keys in PEM and DER to JWKs, and back. Without OpenSSL, that it says so.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Sjwt;
use Test::More;

my $no_key = 'FILE: no key in PEM or DER that can be used; a key with a passphrase cannot';

sub pem
{
    my ($label, $der) = @_;
    return "-----BEGIN $label-----\n" . (encode_base64($der, '') =~ s/(.{1,64})/$1\n/gr) . "-----END $label-----\n";
}

# RFC 8410 section 4; RFC 5480 section 2.
my $ed25519 = pack('H*', '302a300506032b6570032100') . decode_base64url($1)
  if $ed25519{public} =~ /"x":"([^"]+)"/;
my ($x, $y) = map { decode_base64url($_) } $p256{public} =~ /"x":"([^"]+)","y":"([^"]+)"/;
my $p256 = pack('H*', '3059301306072a8648ce3d020106082a8648ce3d03010703420004') . $x . $y;

if ((made(['--version']) !~ /openssl/)) {
    expect('a build without OpenSSL', ['jwk', file(pem('PUBLIC KEY', $ed25519))], code => 2,
        err => 'this build reads and writes no PEM and DER: that needs OpenSSL');
    my $key = verifies('EdDSA') ? $ed25519{public} : $p256{public};
    expect('likewise, back', ['jwk', '--pem', file($key)], code => 2,
        err => 'this build reads and writes no PEM and DER: that needs OpenSSL');
    done_testing;
    exit;
}

# ---- public keys -----------------------------------------------------------

# The thumbprint of RFC 8037 appendix A.3.
my $thumbprint = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';
my $members = substr($ed25519{public}, length '{"kty":"OKP","crv":"Ed25519"');
my $jwk = qq({"kty":"OKP","crv":"Ed25519","kid":"$thumbprint","use":"sig"$members\n);
expect('PEM', ['jwk', file(pem('PUBLIC KEY', $ed25519))], out => $jwk);
expect('DER', ['jwk', file($ed25519)], out => $jwk);
expect('text before it', ['jwk', file("a comment\n" . pem('PUBLIC KEY', $ed25519))], out => $jwk);
expect('from standard input', ['jwk', '-'], in => pem('PUBLIC KEY', $ed25519), out => $jwk);
expect('with a name and an algorithm', ['jwk', '--kid', 'a', '--alg', 'EdDSA', file($ed25519)],
    out => qq({"kty":"OKP","crv":"Ed25519","kid":"a","use":"sig","alg":"EdDSA"$members\n));
like(made(['jwk', file(pem('PUBLIC KEY', $p256))]), qr/"crv":"P-256",.*"x":"f83OJ3D2/, 'a key on P-256');

# ---- back ------------------------------------------------------------------

expect('to PEM', ['jwk', '--pem', file($ed25519{public})], out => pem('PUBLIC KEY', $ed25519));
expect('a private JWK', ['jwk', '--pem', file($ed25519{jwk})], out => pem('PUBLIC KEY', $ed25519));
expect('a set', ['jwk', '--pem', file(qq({"keys":[$ed25519{public},$p256{public}]}))],
    out => pem('PUBLIC KEY', $ed25519) . pem('PUBLIC KEY', $p256));
expect('a shared secret', ['jwk', '--pem', file($hmac{jwk})], code => 2,
    err => 'FILE: symmetric key where a public key is needed');
expect('PEM is no JWK', ['jwk', '--pem', file(pem('PUBLIC KEY', $ed25519))], code => 2,
    err => 'FILE: not strict JSON: the text is PEM, not JSON: sjwt jwk FILE converts it');
expect('--pem with another option', ['jwk', '--pem', '--kid', 'a', file($ed25519{public})], code => 2,
    err => '--pem takes no other option');

# ---- what is refused -------------------------------------------------------

expect('no file', ['jwk'], code => 2, err => 'FILE is needed; see sjwt jwk --help');
expect('an empty file', ['jwk', file('')], code => 2, err => $no_key);
expect('a JWK', ['jwk', file($ed25519{public})], code => 2, err => $no_key);
expect('an algorithm of other keys', ['jwk', '--alg', 'RS256', file($ed25519)], code => 2,
    err => 'FILE: key has the wrong length, is too weak or is not on the curve');
expect('no algorithm', ['jwk', '--alg', 'XX', file($ed25519)], code => 2, err => qr/algorithm/);
expect('a point that is not on the curve', ['jwk', file(substr($p256, 0, -1) . chr(1 ^ ord substr $p256, -1))],
    code => 2, err => $no_key);
expect('no private half', ['jwk', '--private', file($ed25519)], code => 2, err => $no_key);
expect('cut short', ['jwk', file(substr $ed25519, 0, -1)], code => 2, err => $no_key);

# ---- what OpenSSL's own program makes ---------------------------------------

my $dir = folder();
sub openssl
{
    my (@arguments) = @_;
    return system("cd '$dir' && openssl @arguments >/dev/null 2>&1") == 0;
}
SKIP: {
    skip 'no openssl(1)' if !openssl('version');
    ok(openssl(@$_), "openssl @$_") for
        ['genrsa -out rsa.pem 2048'], ['rsa -in rsa.pem -pubout -out public.pem'],
        ['rsa -in rsa.pem -RSAPublicKey_out -out pkcs1.pem'], ['req -x509 -key rsa.pem -subj /CN=a -out cert.pem'],
        ['x509 -in cert.pem -outform DER -out cert.der'], ['ecparam -name secp384r1 -genkey -out ec.pem'],
        ['rsa -in rsa.pem -aes128 -passout pass:x -out secret.pem'], ['genrsa -out small.pem 1024'],
        ['genpkey -algorithm x25519 -out x25519.pem'];
    my $rsa = made(['jwk', "$dir/public.pem"]);
    like($rsa, qr/\A\{"kty":"RSA","kid":"[\w-]{43}","use":"sig","n":"[\w-]{342}","e":"AQAB"\}\z/, 'an RSA key');
    is(made(['jwk', "$dir/$_"]), $rsa, "$_: the same") for qw(pkcs1.pem rsa.pem cert.pem cert.der);
    is(made(['jwk', '--pem', file($rsa)]) . "\n", do { local (@ARGV, $/) = "$dir/public.pem"; <> }, 'and back');
    like(made(['jwk', "$dir/ec.pem"]), qr/"crv":"P-384"/, 'parameters of the curve before the key');
    expect("$_: refused", ['jwk', "$dir/$_"], code => 2, err => $no_key) for qw(secret.pem x25519.pem);
    expect('a small key', ['jwk', "$dir/small.pem"], code => 2,
        err => 'FILE: key has the wrong length, is too weak or is not on the curve');
    my $private = file(made(['jwk', '--private', "$dir/rsa.pem"]));
    my $token = made(['sign', '--key', $private, '--claims', '{"sub":"alice"}']);
    expect('a token by the private half', ['verify', '--keys', file($rsa), $token], out => qq({"sub":"alice"}\n));
}
done_testing;
