# SPDX-License-Identifier: Apache-2.0
# Shared by the tests that need many tokens: HS256 tokens and keys, made without a program.
package HmacToken;

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use Exporter 'import';
use MIME::Base64 qw(encode_base64url);

our @EXPORT = qw(hmac_key hmac_token visit $USER);

our $USER = 'SELECT auth.user_id()';

# A JWK Set with a key whose octets are the same character.
sub hmac_key
{
	my ($letter, $kid) = @_;
	return sprintf '{"keys":[{"kty":"oct","alg":"HS256","k":"%s","kid":"%s"}]}', encode_base64url($letter x 32), $kid // 'k1';
}

# A token of that user. Options: letter (of the key), kid; size: it has about as many octets;
# exp; claims: more members of the payload, beginning with a comma.
sub hmac_token
{
	my ($sub, %o) = @_;
	my $header = encode_base64url(sprintf '{"alg":"HS256","kid":"%s"}', $o{kid} // 'k1');
	my $payload = sprintf '{"sub":"%s","exp":%d%s,"pad":""}', $sub, $o{exp} // time + 3600, $o{claims} // '';
	# Header, dots and signature have about 85 of the octets.
	my $pad = 'x' x (($o{size} // 0) < 300 ? 0 : ($o{size} - 85) * 3 / 4 - length $payload);
	$payload =~ s/"pad":""/"pad":"$pad"/;
	my $letter = $o{letter} // 's';
	my $message = $header . '.' . encode_base64url($payload);
	return $message . '.' . encode_base64url(hmac_sha256($message, $letter x 32));
}

# Statements for session_ok that set each of these tokens and read its user: user => token, ...
sub visit
{
	my %token = @_;
	return map { ("SET pg_session_jwt.jwt = '$token{$_}'" => '', $USER => $_) } sort keys %token;
}

1;
