# SPDX-License-Identifier: Apache-2.0
# sjwt decode: prints a token for a person to read, and says that nothing is verified.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Sjwt;
use Test::More;

my $warning = 'nothing was verified: anybody may have written this token';

sub shown
{
    my ($header, $payload) = @_;
    return <<"END";
NOT VERIFIED: anybody may have written this.
header:
  $header
payload:
  $payload
END
}

sub token
{
    my ($header, $payload) = @_;
    return join '.', encode_base64url($header), encode_base64url($payload), 'AAAA';
}

my $rfc = shown(qq({"typ":"JWT",\\x0D\n   "alg":"HS256"}),
    qq({"iss":"joe",\\x0D\n   "exp":1300819380,\\x0D\n   "http://example.com/is_root":true}));
expect('an argument', ['decode', $hmac{token}], out => $rfc, err => $warning);
expect('standard input', ['decode'], in => "\n$hmac{token} \n", out => $rfc, err => $warning);
expect('-', ['decode', '-'], in => $hmac{token}, out => $rfc, err => $warning);

expect('no algorithm', ['decode', token('{"alg":"none"}', '{}')],
    out => shown('{"alg":"none"}', '{}'), err => $warning);
expect('a payload that is not JSON', ['decode', token('{}', 'text')], out => shown('{}', 'text'),
    err => $warning);
expect('no payload', ['decode', token('{}', '')], out => shown('{}', ''), err => $warning);
expect('letters of all kinds', ['decode', token('{}', "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x94\x91")],
    out => shown('{}', "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x94\x91"), err => $warning);

# No output may move the cursor, or look like a line of the tool itself.
my %escaped = (
    "\e[2J\r\t\0\x7f"              => '\x1B[2J\x0D\x09\x00\x7F',
    "\nNOT VERIFIED"               => "\n  NOT VERIFIED",
    "\xc2\x9b1m"                   => '\xC2\x9B1m',
    "\xff\xfe\x80"                 => '\xFF\xFE\x80',
    "\xc0\x80\xe0\x80\x80"         => '\xC0\x80\xE0\x80\x80',
    "\xe0\x82\xa0\xf0\x8f\xbf\xbf" => '\xE0\x82\xA0\xF0\x8F\xBF\xBF',
    "\xed\xa0\x80\xf4\x90\x80\x80" => '\xED\xA0\x80\xF4\x90\x80\x80',
    "\xf0\x80\x80\x80\xe2\x82"     => '\xF0\x80\x80\x80\xE2\x82',
    # U+061C, U+200F, U+2028, U+202E and U+2066
    "a\xd8\x9c\xe2\x80\x8f"         => 'a\u061C\u200F',
    "\xe2\x80\xa8\xe2\x80\xae"     => '\u2028\u202E',
    "\xe2\x81\xa6\"\\"             => '\u2066"\\',
    "\xc2\xa0\xf4\x8f\xbf\xbf"     => "\xc2\xa0\xf4\x8f\xbf\xbf",
);
for my $text (sort keys %escaped) {
    expect('octets ' . ($text =~ s/([^ -~])/sprintf '%02x', ord $1/ger),
        ['decode', token('{}', $text)], out => shown('{}', $escaped{$text}), err => $warning);
}
expect('a header of many lines', ['decode', token("{\n}", '')], out => shown("{\n  }", ''),
    err => $warning);

my $refused = 'refused: ';
my ($head, $body) = split /\./, $hmac{token};
my %malformed = (
    ''                                        => qr/token is not three parts separated by dots/,
    $head                                     => qr/token is not three parts separated by dots/,
    "$head.$body"                             => qr/token is not three parts separated by dots/,
    "$head.$body.AAAA.AAAA"                   => qr/token is not three parts separated by dots/,
    "$head=.$body.AAAA"                       => qr/header is not unpadded base64url/,
    "$head.$body=.AAAA"                       => qr/payload is not unpadded base64url/,
    encode_base64url('text') . ".$body.AAAA"  => qr/header is not a strict JSON object/,
    encode_base64url('[]') . ".$body.AAAA"    => qr/header is not a strict JSON object/,
);
for my $text (sort keys %malformed) {
    expect('malformed: ' . substr($text, 0, 20), ['decode', $text], code => 1,
        err => qr/\Arefused: $malformed{$text}/);
}

done_testing;
