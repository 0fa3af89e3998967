# SPDX-License-Identifier: Apache-2.0
# Each reason to refuse a token: message and SQLSTATE. The session keeps its previous
# token, and the log contains no part of the refused one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Math::BigInt;
use MIME::Base64 qw(decode_base64url encode_base64url encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('refusals', <<END);
log_min_messages = debug1
log_min_error_statement = error
log_error_verbosity = verbose
log_parameter_max_length_on_error = -1
END
$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');

my $alg = session_alg();
my $jwk = public_jwk();
my $kept = sign('{"jti":100,"sub":"kept"}');
my $after = sign('{"jti":101,"sub":"after"}');
my $next = sign('{"jti":9000000000000000000,"sub":"next"}');
my @refused_tokens;
my @refused_jwks;

my $bad_encoding = refused('42804', 'invalid JWT encoding');
my $bad_signature_encoding = refused('42804', 'invalid JWT signature encoding');
my $bad_signature = refused('23514', 'invalid JWT signature');
my $not_decoded_header = refused('42804', 'could not decode JWT component', detail => qr/header/);
my $not_decoded_payload = refused('42804', 'could not decode JWT component', detail => qr/payload/);
my $not_parsed = refused('42804', 'could not parse JWT component');
my $bad_jti = refused('42804', q{JWT payload must contain a valid 'jti' (JWT ID)},
	hint => qr/each token needs a whole number as "jti", greater than /);
my $replayed = refused('23514', 'Token ID must be strictly monotonically increasing.',
	hint => qr/^Each token of a connection needs a greater "jti"/);
my $bad_nbf =
  refused('42804', q{'nbf' (Not Before) must be an integer representing seconds since unix epoch});
my $bad_exp =
  refused('42804', q{'exp' (Expiration) must be an integer representing seconds since unix epoch});
my $bad_sub = refused('42804', 'invalid subject claim in the JWT');

sub expired { return refused('23514', 'Token used after it has expired', detail => "exp=$_[0]") }
sub early { return refused('23514', 'Token used before it is ready', detail => "nbf=$_[0]") }
my %algorithm_hint = (
	'header names no algorithm' => qr/^Name the algorithm in "alg"/,
	'header names no known algorithm' => qr/"none" is never accepted/,
	'algorithm is not allowed here' => qr/must be named in pg_session_jwt\.algorithms/,
	'algorithm does not fit the key' => qr/a key for another algorithm/);
sub bad_algorithm
{
	return refused('23514', 'JWT algorithm refused', detail => $_[0], hint => $algorithm_hint{ $_[0] } // qr/./);
}
sub bad_header { return refused('23514', 'JWT header refused', detail => $_[0]) }

# The token is refused in both ways to set it, and the session state does not change.
sub is_refused
{
	my ($name, $token, $error, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	push @refused_tokens, $token;
	(my $literal = $token) =~ s/'/''/g;
	return session_ok(
		$node, $name,
		{ jwk => $jwk, %options },
		init_with($kept) => '',
		init_with($literal) => $error,
		'SELECT auth.user_id()' => 'kept',
		"SELECT auth.jwt_authenticate('$literal')" => $error,
		'SELECT auth.user_id()' => 'kept',
		"SET pg_session_jwt.jwt = '$literal'" => '',
		'SELECT auth.user_id()' => $error,
		'SELECT auth.session()' => $error,
		'SELECT auth.uid()' => $error,
		'SELECT auth.organization()' => $error,
		'SELECT auth.organization_id()' => $error,
		'RESET pg_session_jwt.jwt' => '',
		'SELECT auth.user_id()' => 'NULL',
		init_with($kept) => '',
		# The jti of a refused token, mostly 1000, is not recorded.
		init_with($after) => '',
		'SELECT auth.user_id()' => 'after');
}

# Accepted tokens, one after the other.
sub are_accepted
{
	my ($name, @tokens) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return session_ok($node, $name, { jwk => $jwk },
		map { (init_with($_) => '') } @tokens);
}

sub payload_refused
{
	my ($name, $payload, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_refused($name, sign($payload), $error);
}

sub header_refused
{
	my ($name, $header, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_refused($name, sign('{"jti":1000,"sub":"mallory"}', header => $header), $error);
}

my $token = sign('{"jti":1000,"sub":"alice in these parts"}');
my ($header, $payload, $signature) = split /\./, $token;

# --- the compact form -----------------------------------------------------

is_refused('no dot', "$header$payload", $bad_encoding);
is_refused('one dot', "$header.$payload", $bad_encoding);
is_refused('three dots', "$token.$signature", $bad_encoding);
is_refused('four dots', "$token.$signature.$signature", $bad_encoding);

is_refused('empty signature', "$header.$payload.", $bad_signature_encoding);
is_refused('padded signature', "$token==", $bad_signature_encoding);
is_refused('signature with the standard alphabet',
	"$header.$payload.+/" . substr($signature, 2), $bad_signature_encoding);
is_refused('newline after the signature', "$token\n", $bad_signature_encoding);
is_refused('blank in the signature',
	"$header.$payload." . substr($signature, 0, 40) . ' ' . substr($signature, 40),
	$bad_signature_encoding);
# With 64 octets, four bits of the last character must be zero.
(my $trailing = $signature) =~ tr/AQgw/BRhx/;
$trailing = substr($signature, 0, -1) . substr($trailing, -1);
is_refused('trailing bits in the signature', "$header.$payload.$trailing", $bad_signature_encoding);

my $octets = decode_base64url($signature);
is(length $octets, 64, 'the signature has 64 octets');
is_refused('63 octets of signature', "$header.$payload." . encode_base64url(substr $octets, 0, 63),
	$bad_signature_encoding);
is_refused('65 octets of signature', "$header.$payload." . encode_base64url("$octets\0"),
	$bad_signature_encoding);

is_refused('padded header', "$header=.$payload.$signature", $not_decoded_header);
is_refused('blank before the header', " $token", $not_decoded_header);
my $odd_header = encode_base64(qq({"alg":"$alg","x":"?>?>?>"}), '');
$odd_header =~ s/=+$//;
like($odd_header, qr([+/]), 'a header that needs the standard alphabet');
is_refused('header with the standard alphabet', "$odd_header.$payload.$signature",
	$not_decoded_header);
# The same holds for 16 octets.
my $long_header = encode_base64url(qq({"alg":"$alg" }));
(my $last = substr $long_header, -1) =~ tr/AQgw/BRhx/;
is_refused('trailing bits in the header', substr($long_header, 0, -1) . "$last.$payload.$signature",
	$not_decoded_header);
is_refused("payload: $_", fixture_token("payload-$_", $alg), $not_decoded_payload)
  for qw(padded standard-alphabet whitespace trailing-bits);

# --- the signature --------------------------------------------------------

sub with_signature { return "$header.$payload." . encode_base64url($_[0]) }

is_refused('flipped bit in the signature', with_signature($octets ^ "\1"), $bad_signature);
is_refused('signature of another payload',
	"$header.$payload." . (split /\./, $kept)[2], $bad_signature);
is_refused('payload of another signature',
	"$header." . encode_base64url('{"jti":1000,"sub":"mallory"}') . ".$signature", $bad_signature);
is_refused('header of another signature',
	encode_base64url(qq({"alg":"$alg","x":1})) . ".$payload.$signature", $bad_signature);
is_refused('signature of zeros', with_signature("\0" x 64), $bad_signature);

if ($alg eq 'EdDSA')
{
	# RFC 8032 section 5.1.7: S below the group's order L, little-endian.
	my $order = Math::BigInt->new(2)**252 + Math::BigInt->new('27742317777372353535851937790883648493');
	my $s = Math::BigInt->from_bytes(scalar reverse substr $octets, 32) + $order;
	my $unreduced = substr("\0" x 32 . $s->to_bytes, -32);
	is_refused('S not reduced', with_signature(substr($octets, 0, 32) . reverse $unreduced),
		$bad_signature);
}
else
{
	my $n = Math::BigInt->from_hex(
		'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
	my %value = ('0' => "\0" x 32, 'n' => $n->to_bytes, 'n + 1' => ($n + 1)->to_bytes);
	for my $name (sort keys %value)
	{
		is_refused("r = $name", with_signature($value{$name} . substr $octets, 32), $bad_signature);
		is_refused("s = $name", with_signature(substr($octets, 0, 32) . $value{$name}),
			$bad_signature);
	}
	my $der = join '', map { "\x02\x21\0$_" } substr($octets, 0, 32), substr($octets, 32);
	is_refused('DER instead of R||S', with_signature("\x30" . chr(length $der) . $der),
		$bad_signature_encoding);
}

# --- the header -----------------------------------------------------------

header_refused("alg $_->[0]", qq({"alg":$_->[1]}), bad_algorithm($_->[2]))
  for ([ 'none', '"none"', qr/./ ], [ 'None', '"None"', qr/./ ], [ 'empty', '""', qr/./ ],
	[ 'unknown', '"XX256"', 'header names no known algorithm' ],
	[ 'in lower case', lc qq("$alg"), 'header names no known algorithm' ],
	[ 'a number', '7', qr/./ ], [ 'null', 'null', qr/./ ], [ 'an array', qq(["$alg"]), qr/./ ],
	[ 'HS256', '"HS256"', qr/./ ], [ 'RS256', '"RS256"', qr/./ ], [ 'ES384', '"ES384"', qr/./ ]);
my $critical = qr/^header has critical extensions/;
header_refused("crit $_->[0]", qq({"alg":"$alg","crit":$_->[1]}), bad_header($_->[2]))
  for ([ 'exp', '["exp"],"exp":1', $critical ], [ 'b64', '["b64"],"b64":false', $critical ],
	[ 'empty', '[]', qr/./ ], [ 'null', 'null', qr/./ ], [ 'a string', '"exp"', qr/./ ]);
header_refused('b64 without crit', qq({"alg":"$alg","b64":false}), bad_header(qr/./));
header_refused("header $_->[0]", $_->[1], $not_parsed)
  for ([ 'empty', '' ], [ 'array', '[]' ], [ 'cut off', qq({"alg":"$alg") ],
	[ 'with a duplicate', qq({"alg":"$alg","alg":"$alg"}) ],
	[ 'with a hidden duplicate', qq({"alg":"$alg","\\u0061lg":"none"}) ],
	[ 'with U+0000', qq({"alg":"$alg\\u0000"}) ], [ 'with a NUL', qq({"alg":"$alg\0"}) ],
	[ 'not UTF-8', qq({"alg":"$alg","x":"\xff"}) ], [ 'with more behind', qq({"alg":"$alg"}x) ]);

# A public key in any form must not work as a shared secret.
my %secret = (
	'the octets of x' => decode_base64url(private_jwk()->{x}),
	'the JWK' => $jwk,
	'PEM' => "-----BEGIN PUBLIC KEY-----\n"
	  . encode_base64(($alg eq 'EdDSA' ? pack('H*', '302a300506032b6570032100') : pack('H*',
			'3059301306072a8648ce3d020106082a8648ce3d03010703420004'))
		. join('', map { decode_base64url(private_jwk()->{$_} // '') } qw(x y)), "\n")
	  . "-----END PUBLIC KEY-----\n");
is_refused("HS256 with $_ as the secret",
	sign('{"jti":1000,"sub":"mallory"}', alg => 'HS256',
		jwk => { kty => 'oct', k => encode_base64url($secret{$_}) }),
	bad_algorithm(qr/./))
  for sort keys %secret;

# A header may omit values that the session's key determines.
are_accepted('headers that only name other things',
	sign('{"jti":1}', header => '{}'), sign('{"jti":2}', header => '{"kid":1}'),
	sign('{"jti":3}', header => qq({"alg":"$alg"})),
	sign('{"jti":4}', header => qq({"typ":"JWT","alg":"$alg","kid":"no such key","jku":"x"})),
	$alg eq 'EdDSA' ? sign('{"jti":5}', header => '{"alg":"Ed25519"}') : ());

# --- the payload ----------------------------------------------------------

payload_refused("payload $_->[0]", $_->[1], $not_parsed)
  for ([ 'empty', '' ], [ 'array', '[1000]' ], [ 'string', '"alice"' ], [ 'number', '1000' ],
	[ 'null', 'null' ], [ 'cut off', '{"jti":1000' ], [ 'with more behind', '{"jti":1000}{}' ],
	[ 'with a BOM', "\xef\xbb\xbf{\"jti\":1000}" ], [ 'with a NUL', "{\"jti\":1000,\"sub\":\"a\0b\"}" ],
	[ 'with a NUL behind', "{\"jti\":1000}\0" ],
	[ 'with U+0000', '{"jti":1000,"sub":"admin\u0000x"}' ],
	[ 'with U+0000 in a name', '{"jti":1000,"sub\u0000x":"admin"}' ],
	[ 'with a bad escape', '{"jti":1000,"sub":"admin\uZZZZx"}' ],
	[ 'with half a surrogate pair', '{"jti":1000,"sub":"\ud800"}' ],
	[ 'not UTF-8', "{\"jti\":1000,\"sub\":\"\xff\"}" ],
	[ 'with a surrogate in UTF-8', "{\"jti\":1000,\"sub\":\"\xed\xa0\x80\"}" ],
	[ 'with an overlong octet', "{\"jti\":1000,\"sub\":\"\xc0\xaf\"}" ],
	[ 'with a duplicate', '{"jti":1000,"sub":"a","sub":"b"}' ],
	[ 'with a hidden duplicate', '{"jti":1000,"sub":"a","s\u0075b":"b"}' ],
	[ 'with a duplicate deep down', '{"jti":1000,"o":{"id":1,"id":2}}' ],
	[ 'with a huge number', '{"jti":1000,"exp":1e999}' ],
	[ 'with a number just too large', '{"jti":1000,"exp":9e308}' ],
	[ 'with a leading zero', '{"jti":01000}' ], [ 'with a leading plus', '{"jti":+1000}' ],
	[ 'with a trailing comma', '{"jti":1000,}' ], [ 'with a raw newline', "{\"jti\":1000,\"sub\":\"\n\"}" ],
	[ '1000 deep', '{"jti":1000,"x":' . '[' x 999 . ']' x 999 . '}' ]);

# --- size: at most 64 KiB -------------------------------------------------

# No base64url text has a length of 4n + 1; blanks in the header compensate for that.
my $limit = 65536;
{
	my %sized;
	for my $blanks (0 .. 3)
	{
		my $h = qq({"alg":"$alg") . ' ' x $blanks . '}';
		my $h_len = int((length($h) * 4 + 2) / 3);
		for my $size ($limit, $limit + 1)
		{
			my $p_len = $size - length($signature) - 2 - $h_len;
			next if $p_len % 4 == 1 || $sized{$size};
			my $octets = int($p_len * 3 / 4);
			my $frame = '{"jti":1000,"sub":"big","pad":""}';
			$sized{$size} = sign(
				'{"jti":1000,"sub":"big","pad":"' . 'x' x ($octets - length $frame) . '"}',
				header => $h);
		}
	}
	is(length $sized{$_}, $_, "a token of $_ octets") for $limit, $limit + 1;
	session_ok($node, '64 KiB are accepted', { jwk => $jwk },
		"SELECT auth.jwt_session_init('$sized{$limit}')" => '',
		'SELECT auth.user_id(), length(auth.session()::text) > 40000' => 'big|t');
	my $too_large = refused('54000', 'JWT is too large', detail => qr/\b65536\b/);
	is_refused('64 KiB and one octet', $sized{ $limit + 1 }, $too_large);
	is_refused('a megabyte', 'A' x 400_000 . '.' . 'A' x 600_000 . ".$signature", $too_large);
}

# --- jti ------------------------------------------------------------------

payload_refused("jti $_->[0]", qq({"jti":$_->[1],"sub":"mallory"}), $bad_jti)
  for ([ 'a string', '"1000"' ], [ 'a fraction', '1000.5' ], [ 'null', 'null' ], [ 'true', 'true' ],
	[ 'an array', '[1000]' ], [ 'an object', '{}' ], [ '2^63', '9223372036854775808' ],
	[ 'far beyond', '1' . '0' x 40 ], [ 'below -2^63', '-9223372036854775809' ]);
payload_refused('jti missing', '{"sub":"mallory"}', $bad_jti);
payload_refused("jti $_", qq({"jti":$_,"sub":"mallory"}), $replayed)
  for qw(0 -1 -9223372036854775808 1 99 100);
are_accepted('the ids of a session grow, to the last',
	map { sign(qq({"jti":$_})) } 1, 2, '9007199254740992', '9007199254740993', '9223372036854775806',
	'9223372036854775807');
session_ok(
	$node,
	'ids above 2^53 are distinguished',
	{ jwk => $jwk },
	init_with(sign('{"jti":9007199254740993}')) => '',
	init_with(sign('{"jti":9007199254740992}')) => $replayed,
	"SELECT auth.session()" => '{"jti": 9007199254740993}');

# --- nbf, exp --------------------------------------------------------

for my $claim ([ 'nbf', $bad_nbf ], [ 'exp', $bad_exp ])
{
	my ($name, $error) = @$claim;
	payload_refused("$name $_", qq({"jti":1000,"sub":"mallory","$name":$_}), $error)
	  for '"4102444800"', 'null', 'true', '[4102444800]', '{}';
}
payload_refused("exp $_->[0]", qq({"jti":1000,"sub":"mallory","exp":$_->[0]}), expired($_->[1]))
  for ([ '0', 0 ], [ '-1', -1 ], [ '1000000000', 1000000000 ], [ '1000000000.5', 1000000000 ],
	[ '1e9', 1000000000 ], [ '-9223372036854775808', '-9223372036854775808' ]);
payload_refused("nbf $_->[0]", qq({"jti":1000,"sub":"mallory","nbf":$_->[0]}), early($_->[1]))
  for ([ '4102444800', 4102444800 ], [ '4102444800.5', 4102444800 ],
	[ '9223372036854775807', '9223372036854775807' ]);
# The original does not check iat, and sessions with a session key do not check it either.
are_accepted('any iat', sign('{"jti":1,"iat":4102444800}'), sign('{"jti":2,"iat":"yesterday"}'));
are_accepted('times far away, and with a fraction',
	sign('{"jti":1,"nbf":0,"exp":9223372036854775807}'), sign('{"jti":2,"nbf":-1e300,"exp":1e300}'),
	sign('{"jti":3,"nbf":1000000000.5,"exp":4102444800.25}'));

# --- several reasons: the error is that of the first check -----------------

my $all_wrong = '{"jti":"x","nbf":"x","exp":"x"}';
my ($wrong_header, $wrong_payload, $wrong_signature) =
  split /\./, sign($all_wrong, header => qq({"alg":"$alg","crit":["x"]}));
is_refused('signature encoding before header', "$wrong_header.$wrong_payload.!",
	$bad_signature_encoding);
is_refused('header before signature', "$wrong_header.$payload.$wrong_signature",
	bad_header($critical));
is_refused('signature before payload', "$header." . encode_base64url('{') . ".$signature",
	$bad_signature);
payload_refused('jti before nbf', '{"jti":"x","nbf":"x","exp":"x"}', $bad_jti);
payload_refused('replay before nbf', '{"jti":1,"nbf":"x","exp":"x"}', $replayed);
payload_refused('nbf before exp', '{"jti":1000,"nbf":4102444800,"exp":"x"}', early(4102444800));

# --- sub ------------------------------------------------------------------

for my $sub ('{"id":"a"}', '7', 'true', 'null', '["a"]')
{
	session_ok(
		$node, "sub $sub",
		{ jwk => $jwk },
		init_with(sign(qq({"jti":1000,"sub":$sub}))) => '',
		'SELECT auth.user_id()' => $bad_sub,
		'SELECT auth.uid()' => 'NULL',
		"SELECT auth.session()->'jti'" => '1000',
		init_with($next) => '',
		'SELECT auth.user_id()' => 'next');
}

# --- o --------------------------------------------------------------------

my $organization = 'SELECT auth.organization(), auth.organization_id()';
my $uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
for my $o (qw(7 -1e9 true null "x" [] [{}]), qq("$uuid"), qq([{"id":"$uuid"}]))
{
	session_ok(
		$node, "o $o",
		{ jwk => $jwk },
		init_with(sign(qq({"jti":1,"sub":"a","o":$o}))) => '',
		$organization => 'NULL|NULL',
		'SELECT auth.user_id()' => 'a',
		init_with($kept) => '',
		'SELECT auth.user_id()' => 'kept');
}
for my $id (qw(7 true null {} [] "" "x"), qq(["$uuid"]), qq({"id":"$uuid"}), qq("$uuid-"))
{
	session_ok(
		$node, "o with id $id",
		{ jwk => $jwk },
		init_with(sign(qq({"jti":1,"o":{"id":$id}}))) => '',
		"SELECT auth.organization() = '{\"id\":$id}', auth.organization_id()" => 't|NULL');
}

# --- the session's key ----------------------------------------------------

sub key_refused
{
	my ($name, $bad_jwk, $detail) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	push @refused_jwks, $bad_jwk;
	my $error = refused('42804', 'pg_session_jwt.jwk is not a usable public key', detail => $detail);
	return session_ok(
		$node,
		"key: $name",
		{ jwk => $bad_jwk },
		'SELECT auth.init()' => $error,
		init_with($kept) => $error,
		"SET request.jwt.claims = '{\"sub\":\"mallory\"}'" => '',
		"SET pg_session_jwt.jwt = '$kept'" => '',
		'SELECT auth.user_id()' => $error,
		'SELECT auth.session()' => $error,
		'SELECT 1' => '1');
}

key_refused('empty', '', qr/./);
key_refused('not JSON', 'secret-key-material', qr/^not strict JSON/);
key_refused('a token', $token, qr/./);
key_refused('cut off', substr($jwk, 0, -1), qr/^not strict JSON/);
key_refused('a duplicate member', substr($jwk, 0, -1) . ',"kty":"oct"}', qr/^not strict JSON/);
key_refused('a set', qq({"keys":[$jwk]}), qr/^not a JWK/);
key_refused('an array', "[$jwk]", qr/^not a JWK/);
key_refused('no kty', public_jwk($alg, kty => undef), qr/./);
key_refused('an unknown kty', public_jwk($alg, kty => 'XX'), qr/^key type \('kty'\) is not known/);
key_refused('no crv', public_jwk($alg, crv => undef), qr/./);
key_refused('an unknown curve', public_jwk($alg, crv => 'X25519'), qr/^curve \('crv'\) is not known/);
key_refused('the curve of another family', public_jwk($alg, kty => 'RSA'), qr/./);
key_refused('x missing', public_jwk($alg, x => undef), qr/./);
key_refused('x a number', public_jwk($alg, x => 7), qr/./);
key_refused('x padded', public_jwk($alg, x => private_jwk()->{x} . '='), qr/./);
key_refused('31 octets', public_jwk($alg, x => encode_base64url("\1" x 31)), qr/^key has the wrong/);
key_refused('33 octets', public_jwk($alg, x => encode_base64url("\1" x 33)), qr/^key has the wrong/);
key_refused('for encryption', public_jwk($alg, use => 'enc'), qr/^key is not for signatures/);
key_refused('another algorithm', public_jwk($alg, alg => 'HS256'), qr/./);
key_refused('alg none', public_jwk($alg, alg => 'none'), qr/./);
key_refused('symmetric', '{"kty":"oct","k":"' . encode_base64url('s' x 64) . '"}',
	qr/^symmetric key/);
key_refused('a symmetric octet', '{"kty":"oct","k":"AA"}', qr/./);

my $verifies = backends();
if ($verifies->{EdDSA})
{
	my %point = ('order 4' => "\0" x 32, 'order 1' => "\1" . "\0" x 31,
		'order 2' => "\xec" . "\xff" x 30 . "\x7f",
		'order 8' => pack('H*', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
	key_refused("a point of $_", public_jwk('EdDSA', x => encode_base64url($point{$_})), qr/./)
	  for sort keys %point;
	key_refused('y = p + 1', public_jwk('EdDSA', x => encode_base64url("\xee" . "\xff" x 30 . "\x7f")),
		qr/./);
}
if ($verifies->{ES256})
{
	my $p256 = private_jwk('ES256');
	my $off = decode_base64url($p256->{y}) ^ ("\0" x 31 . "\1");
	key_refused('a point off the curve', public_jwk('ES256', y => encode_base64url($off)), qr/./);
	key_refused('P-256 under ES384', public_jwk('ES256', alg => 'ES384'), qr/./);
	key_refused('P-256 named P-384', public_jwk('ES256', crv => 'P-384'), qr/./);
}
if ($verifies->{RS256})
{
	my $rsa = private_jwk('RS256');
	my $modulus = sub { encode_base64url("\xc1" x ($_[0] / 8)) };
	key_refused("RSA of $_ bits", public_jwk('RS256', n => $modulus->($_)), qr/./)
	  for 512, 1024, 2040, 8192;
	key_refused('e = 1', public_jwk('RS256', e => 'AQ'), qr/./);
	key_refused('e = 2', public_jwk('RS256', e => 'Ag'), qr/./);
	key_refused('e = 65536', public_jwk('RS256', e => 'AQAA'), qr/./);
	session_ok(
		$node,
		'an RSA key leaves six algorithms',
		{ jwk => public_jwk('RS256') },
		init_with(sign('{"jti":1}', alg => 'RS256', header => '{}')) =>
		  bad_algorithm('header names no algorithm'),
		init_with(sign('{"jti":1}', alg => 'RS256', header => '{"alg":"ES256"}')) =>
		  bad_algorithm(qr/./),
		init_with(sign('{"jti":1}', alg => 'RS256', header => '{"alg":"PS256"}')) =>
		  $bad_signature,
		init_with(fixture_token('pss-salt-0', 'PS256')) => $bad_signature,
		init_with(sign('{"jti":1,"sub":"alice"}', alg => 'PS384')) => '',
		'SELECT auth.user_id()' => 'alice');
	session_ok(
		$node,
		"a key's own alg is the only one",
		{ jwk => public_jwk('RS256', alg => 'RS256') },
		init_with(sign('{"jti":1}', alg => 'PS256')) =>
		  bad_algorithm(qr/./),
		init_with(sign('{"jti":1}', alg => 'RS256', header => '{}')) => '');
}
session_ok(
	$node,
	'members of a key that say nothing, and private ones, are ignored',
	{ jwk => public_jwk($alg, kid => 'a', use => 'sig', key_ops => ['verify'], x5c => []) },
	'SELECT auth.init()' => '',
	init_with($kept) => '',
	'SELECT auth.user_id()' => 'kept');

# --- algorithms and backends ----------------------------------------------

my $names = join '|', sort { $a cmp $b } grep { defined } values %$verifies;
for my $each (sort keys %$verifies)
{
	next if $each =~ /^HS/;
	if ($verifies->{$each})
	{
		session_ok(
			$node,
			"a session with $each",
			{ jwk => public_jwk($each, alg => $each) },
			'SELECT auth.init()' => '',
			init_with(sign('{"jti":1,"sub":"alice"}', alg => $each)) => '',
			'SELECT auth.user_id()' => 'alice',
			init_with(sign('{"jti":2,"sub":"bob"}', alg => $each)) => '',
			'SELECT auth.user_id()' => 'bob');
	}
	else
	{
		my $error = refused('0A000',
			'pg_session_jwt.jwk needs an algorithm that this build does not support',
			hint => qr/\b(?:$names)\b/);
		session_ok(
			$node,
			"no session with $each",
			{ jwk => public_jwk($each, alg => $each) },
			'SELECT auth.init()' => $error,
			init_with($kept) => $error,
			'SELECT 1' => '1');
	}
}
session_ok(
	$node,
	'auth.jwt_algorithms() agrees with the tool',
	{},
	'SELECT algorithm, backend FROM auth.jwt_algorithms() ORDER BY algorithm COLLATE "C"' =>
	  join("\n", map { "$_|" . ($verifies->{$_} // 'NULL') } sort keys %$verifies));

# --- encodings ------------------------------------------------------------

$node->safe_psql('postgres', qq(
	CREATE DATABASE latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
	CREATE DATABASE sql_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;));
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(latin1 sql_ascii);

my $untranslatable =
  refused('22P05', 'JWT cannot be represented in the database encoding', detail => qr/LATIN1/);
session_ok(
	$node, 'LATIN1: what it can say',
	{ db => 'latin1', jwk => $jwk },
	init_with(sign("{\"jti\":1,\"sub\":\"andr\xc3\xa9\"}")) => '',
	'SELECT auth.user_id(), octet_length(auth.user_id()), ascii(right(auth.user_id(), 1))' =>
	  "andr\xc3\xa9|5|233",
	'SELECT auth.session()' => "{\"jti\": 1, \"sub\": \"andr\xc3\xa9\"}",
	init_with(sign('{"jti":2,"sub":"andr\u00e9"}')) => '',
	'SELECT auth.user_id()' => "andr\xc3\xa9",
	"SET request.jwt.claims = '{\"sub\":\"x\"}'" => '',
	"SELECT auth.user_id() = U&'andr\\00E9'" => 't');
is_refused('LATIN1: what it cannot', sign("{\"jti\":1000,\"sub\":\"\xe2\x82\xac uro\"}"),
	$untranslatable, db => 'latin1');
is_refused('LATIN1: what it cannot, escaped', sign('{"jti":1000,"sub":"\u20ac uro"}'),
	refused('22P05', 'JWT cannot be represented in the database encoding'), db => 'latin1');
session_ok(
	$node,
	'SQL_ASCII: the octets as they are',
	{ db => 'sql_ascii', jwk => $jwk, encoding => 'SQL_ASCII' },
	init_with(sign("{\"jti\":1,\"sub\":\"andr\xc3\xa9\"}")) => '',
	'SELECT auth.user_id(), octet_length(auth.user_id())' => "andr\xc3\xa9|6");
is_refused('SQL_ASCII: an escape that has no octets', sign('{"jti":1000,"sub":"andr\u00e9"}'),
	refused('22P05', 'JWT cannot be represented in the database encoding'),
	db => 'sql_ascii', encoding => 'SQL_ASCII');
my $accented = sign('{"jti":1}', header => qq({"alg":"$alg","kid":"k\\u00e9y"}));
my $plain = sign('{"jti":2}', header => qq({"alg":"$alg","kid":"key"}));
for ([ 'postgres', 'UTF8', "k\xc3\xa9y" ], [ 'latin1', 'UTF8', 'NULL' ], [ 'sql_ascii', 'SQL_ASCII', "k\xc3\xa9y" ])
{
	my ($db, $encoding, $kid) = @$_;
	my %there = (db => $db, encoding => $encoding);
	session_ok(
		$node,
		"auth.jwt_status() in $db: a kid is shown if the encoding has its characters",
		{ %there, jwk => $jwk },
		init_with($accented) => '',
		'SELECT key_id FROM auth.jwt_status()' => $kid,
		init_with($plain) => '',
		'SELECT key_id FROM auth.jwt_status()' => 'key');
	session_ok(
		$node,
		"auth.jwt_status() in $db: so is that of a key that was skipped",
		\%there,
		'SELECT auth.user_id()' => 'NULL',
		qq(SET pg_session_jwt.jwks = '{"keys":[$jwk,{"kty":"?","kid":"k\\u00e9y"},{"kty":"?","kid":"key"}]}') => '',
		q(SELECT string_agg(coalesce(key->>'kid', 'NULL'), ' ') FROM auth.jwt_status(), jsonb_array_elements(keys_skipped) key) =>
		  "$kid key");
}
session_ok(
	$node,
	'LATIN1: auth.jwt_verify()',
	{ db => 'latin1' },
	"SELECT valid FROM auth.jwt_verify('$accented', '" . (public_jwk(undef, kid => 'kid') =~ s/"kid"(?!:)/"k\\u00e9y"/r) . "')" => 't',
	map {
		("SELECT * FROM auth.jwt_verify('$_', '$jwk')" =>
			'NULL|NULL|f|JWT cannot be represented in the database encoding: The database encoding is LATIN1.')
	} sign('{"sub":"\u20ac"}'), sign('{}', header => qq({"alg":"$alg","x":"\\u20ac"})));
my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
for (
	[ 'postgres', sign('[1,2,3]'), $not_parsed ],
	[ 'postgres', 'abcdefghijklm' x 6000, refused('54000', 'JWT is too large') ],
	[ 'latin1', sign('{"jti":1,"sub":"\u20ac uro"}'), $untranslatable ])
{
	my ($db, $token, $error) = @$_;
	push @refused_tokens, $token;
	session_ok(
		$node,
		"refused in a parallel query: $error->{message}",
		{ db => $db, jwk => $jwk },
		"SET $force = on" => '',
		"SET pg_session_jwt.jwt = '$token' \\; SELECT auth.user_id()" => $error);
}
my $verified = sign('{"sub":"verified"}');
push @refused_tokens, $verified;
session_ok(
	$node,
	"the server's own errors in auth.jwt_verify() do not log the statement",
	{ db => 'sql_ascii', encoding => 'SQL_ASCII' },
	"SELECT valid FROM auth.jwt_verify('$verified', E'{\"keys\":\"\\377\"}')" => refused('22021', qr/^invalid byte sequence/));
is_refused('octets beyond ASCII in a token', "$header.$payload.\xc3\xa9", $bad_signature_encoding);
session_ok(
	$node,
	'LATIN1: claims of the gateway',
	{ db => 'latin1' },
	"SET request.jwt.claims = '{\"sub\":\"andr\xc3\xa9\"}'" => '',
	'SELECT auth.user_id()' => "andr\xc3\xa9",
	"SET request.jwt.claims = '{\"sub\":\"\\u20ac\"}'" => '',
	'SELECT auth.user_id(), auth.session()' => 'NULL|null');

# --- a token read in a plan, a function, a bound statement -----------------

my $forged = with_signature($octets ^ "\2");
my $nobody = sign('{"jti":1000,"sub":["mallory"]}');
push @refused_tokens, $forged, $nobody;
session_ok(
	$node,
	'refused inside functions and prepared statements',
	{ jwk => $jwk },
	init_with($kept) => '',
	"DO \$\$ BEGIN PERFORM auth.jwt_session_init('$forged'); END \$\$" => $bad_signature,
	"DO \$\$ BEGIN EXECUTE \$q\$SELECT auth.jwt_session_init('$forged')\$q\$; END \$\$" => $bad_signature,
	'PREPARE p(text) AS SELECT auth.jwt_session_init($1)' => '',
	"EXECUTE p('$forged')" => $bad_signature,
	"SET pg_session_jwt.jwt = '$forged' \\; SELECT auth.user_id()" => $bad_signature,
	"SET LOCAL pg_session_jwt.jwt = '$nobody' \\; SELECT auth.user_id()" => $bad_sub,
	# The server can show the whole string as the context of the second statement.
	"DO \$\$ BEGIN EXECUTE \$q\$SET pg_session_jwt.jwt = '$forged'; SELECT auth.user_id()\$q\$; END \$\$" => $bad_signature,
	"DO \$\$ BEGIN EXECUTE \$q\$SET LOCAL pg_session_jwt.jwt = '$nobody'; SELECT auth.user_id()\$q\$; END \$\$" => $bad_sub,
	'SELECT auth.user_id()' => 'kept',
	"DO \$\$ BEGIN
	   BEGIN PERFORM auth.jwt_session_init('$forged'); EXCEPTION WHEN check_violation THEN NULL; END;
	   IF auth.user_id() <> 'kept' THEN RAISE 'lost'; END IF;
	 END \$\$" => '',
	'SELECT auth.user_id()' => 'kept');

# The token is a parameter, as drivers send it. log_parameter_max_length_on_error would log it.
{
	local $ENV{PGOPTIONS} = "-c pg_session_jwt.jwk=$jwk";
	my $script = PostgreSQL::Test::Utils::tempdir() . '/bound.sql';
	append_to_file($script, "SELECT auth.jwt_session_init(:token);\n");
	$node->command_checks_all(
		[ 'pgbench', '-n', '-t', '1', '-M', 'extended', '-D', "token=$forged", '-f', $script, 'postgres' ],
		2, [qr/./], [qr/invalid JWT signature/], 'refused as a parameter');
}

# --- little stack left -----------------------------------------------------

# If the stack is too small, the server raises its own error. The value is built by a
# later call with enough stack.
{
	my $nested = ('[' x 120) . (']' x 120);
	my (@attempts, $token);
	$node->safe_psql('postgres', <<'END');
CREATE TABLE outcomes (outcome text);
CREATE FUNCTION shallow(question text, depth int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    BEGIN
        BEGIN
            IF depth > 0 THEN RETURN shallow(question, depth - 1); END IF;
        END;
    END;
    RETURN CASE question WHEN 'user' THEN coalesce(auth.user_id(), 'nobody') ELSE auth.session() ->> 'sub' END;
END $$;
CREATE FUNCTION deep(question text, depth int, depth_of_shallow int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF depth > 0 THEN RETURN deep(question, depth - 1, depth_of_shallow); END IF;
    RETURN shallow(question, depth_of_shallow);
END $$;
CREATE FUNCTION outcome(depth int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN deep('whole', depth, 0);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
-- From an exhausted stack back to the first successful call.
CREATE FUNCTION first_answer(depth_of_shallow int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR depth IN REVERSE 120 .. 1 LOOP
        BEGIN
            RETURN deep('user', depth, depth_of_shallow);
        EXCEPTION WHEN statement_too_complex THEN NULL;
        END;
    END LOOP;
END $$;
END
	for my $depth (1 .. 100)
	{
		$token = sign(sprintf '{"jti":%d,"sub":"deep","x":%s}', 200 + $depth, $nested);
		push @refused_tokens, $token;
		push @attempts, init_with($token) => '', "INSERT INTO outcomes SELECT outcome($depth)" => '';
	}
	session_ok(
		$node, 'little stack for the jsonb of all claims',
		{ jwk => $jwk },
		"SET max_stack_depth = '100kB'" => '',
		@attempts,
		q{SELECT string_agg(DISTINCT outcome, ' ' ORDER BY outcome) FROM outcomes} => '54001 deep',
		'SELECT auth.user_id()' => 'deep',
		q{SELECT deep('whole', 0, 0)} => 'deep');
	for my $depth (0 .. 8)
	{
		session_ok(
			$node, "little stack without an identity, $depth",
			{},
			"SET max_stack_depth = '100kB'" => '',
			"SELECT first_answer($depth)" => 'nobody');
		session_ok(
			$node, "little stack for a gateway's claims, $depth",
			{},
			"SET max_stack_depth = '100kB'" => '',
			q{SET request.jwt.claims = '{"sub":"alice"}'} => '',
			"SELECT first_answer($depth)" => 'alice');
	}
}

# --- the log --------------------------------------------------------------

my $log = slurp_file($node->logfile);
cmp_ok(scalar(() = $log =~ /ERROR:  \w{5}: /g), '>', 1000, 'the refusals are in the log');
like($log, qr/ERROR:  23514: invalid JWT signature/, 'so is the reason');
is_deeply([ SessionJwt::pieces_in('x=' . substr($payload, 3, 12) . ';', $token) ],
	[ substr($payload, 3, 12) ], 'a piece of a token would be found');
is_deeply([ logged_pieces($node, @refused_tokens) ], [], 'no piece of a refused token in the log');
is_deeply([ logged_pieces($node, map { tr/"{}:,/...../r } @refused_jwks) ],
	[], 'no piece of a refused key in the log');
unlike($log, qr/mallory|alice in these parts/, 'no claim of a refused token in the log');

$node->stop;
done_testing();
