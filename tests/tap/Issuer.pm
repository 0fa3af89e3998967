# SPDX-License-Identifier: Apache-2.0
# Shared by the tests of issuer mode: keys and tokens of a test issuer, and key files
# as an administrator writes them.
package Issuer;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use SessionJwt;

our @EXPORT = qw(new_key key_set put_file token_for trust notes_table $ISSUER $AUDIENCE);

our $ISSUER = 'https://issuer.example.com';
our $AUDIENCE = 'notes';

my $json = JSON::PP->new->canonical->ascii;

# A new private key with that id, as a hash.
sub new_key
{
	my ($kid) = @_;
	return $json->decode(SessionJwt::sjwt('', 'keygen', '--alg', session_alg(), '--kid', $kid));
}

# The JWK Set with the public keys of these keys.
sub key_set
{
	my @keys;
	for (@_)
	{
		my %jwk = %$_;
		delete $jwk{d};
		push @keys, \%jwk;
	}
	return $json->encode({ keys => \@keys });
}

# Replaces a file in one step.
sub put_file
{
	my ($path, $text) = @_;
	open my $handle, '>', "$path.new" or die "$path.new: $!";
	print $handle $text;
	close $handle or die "$path.new: $!";
	rename "$path.new", $path or die "$path: $!";
}

# A token of the test issuer, valid for an hour; further claims replace or add claims.
sub token_for
{
	my ($key, $sub, %claims) = @_;
	return sign(
		$json->encode({
			iss => $ISSUER, aud => $AUDIENCE, sub => $sub, iat => time, exp => time + 3600, %claims }),
		jwk => $key,
		header => $json->encode({ alg => session_alg(), kid => $key->{kid} }));
}

# The statements that make a database trust the test issuer's keys in jwks.json.
sub trust
{
	my ($database) = @_;
	my $alg = session_alg();
	return <<END;
ALTER DATABASE $database SET pg_session_jwt.jwks_file = 'jwks.json';
ALTER DATABASE $database SET pg_session_jwt.issuer = '$ISSUER';
ALTER DATABASE $database SET pg_session_jwt.audience = '$AUDIENCE';
ALTER DATABASE $database SET pg_session_jwt.algorithms = '$alg';
END
}

# A table of notes, with the given number of notes for each owner.
sub notes_table
{
	my ($count, @owners) = @_;
	my $owners = join ', ', map { "('$_')" } @owners;
	return <<END;
CREATE TABLE note (owner text NOT NULL DEFAULT auth.user_id(), body text NOT NULL);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.user_id());
INSERT INTO note SELECT owner, owner || ' ' || n
	FROM (VALUES $owners) AS owners (owner), generate_series(1, $count) n;
END
}

1;
