# SPDX-License-Identifier: Apache-2.0
# Runs the tool (its path is in SJWT) and compares its output with the expectation. No
# eight octets of its input, or of a file of file(), may appear on standard error.
package Sjwt;

use strict;
use warnings;

use Exporter 'import';
use File::Temp;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;

our @EXPORT = qw(sjwt expect file folder made verifies signs encode_base64url decode_base64url
    %hmac %ed25519 %p256 %known);

# RFC 7515 appendix A.1.
our %hmac = (
    jwk => '{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iP'
        . 'S4hcgUuTwjAzZr1Z9CAow"}',
    header  => qq({"typ":"JWT",\r\n "alg":"HS256"}),
    payload => qq({"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}),
    expires => 1300819380,
    token   => 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTk'
        . 'zODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_'
        . 'wW1gFWFOEjXk',
);

# RFC 8037 appendix A.1, A.2 and A.4; and RFC 7515's payload signed with that key by OpenSSL.
our %ed25519 = (
    jwk => '{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",'
        . '"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    public  => '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    payload => 'Example of Ed25519 signing',
    token   => 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1P'
        . 'POt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    claims_token => 'eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA'
        . '6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ._vSpFAYzQd76KTga_fKXdhrh3C0FWu4LvjqsxWd4NRyBOrKT'
        . 'dBeh_PkyRQtFmRgGKgdW5upgieZM67Gbz4AtAA',
);

# RFC 7515 appendix A.3; the payload is A.1's.
our %p256 = (
    jwk => '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
        . '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",'
        . '"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}',
    public => '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
        . '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
    token => 'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9le'
        . 'GFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5'
        . 'djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
);

# For each algorithm: a key, and a token with the payload of RFC 7515.
our %known = (
    HS256 => [$hmac{jwk}, $hmac{token}],
    EdDSA => [@ed25519{qw(jwk claims_token)}],
    ES256 => [@p256{qw(jwk token)}],
);

my $tool = $ENV{SJWT} or die "SJWT is the path of the tool\n";
my $folder = File::Temp->newdir;
my $files = 0;
my @secrets;

sub folder { return "$folder" }

sub slurp
{
    my ($path) = @_;
    open my $handle, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$handle> // '';
}

sub write_to
{
    my ($path, $content) = @_;
    open my $handle, '>:raw', $path or die "$path: $!";
    print $handle $content;
    close $handle or die "$path: $!";
    return;
}

# A new file of this content; returns its path.
sub file
{
    my ($content) = @_;
    my $path = "$folder/" . ++$files;
    write_to($path, $content);
    push @secrets, $content;
    return $path;
}

# The tool's exit code, standard output and standard error. in: text to read, or
# '&-'; to: a path to write to, or '&-'; err: '&-'. '&-' is a closed descriptor.
sub sjwt
{
    my ($arguments, %given) = @_;
    my ($in, $out, $err) = map { "$folder/std$_" } qw(in out err);
    my $to = $given{to} // $out;

    write_to($in, $given{in} // '');
    write_to($err, '');
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        # by number, so that a closed descriptor stays closed in the tool
        open STDIN, '<', $in or die;
        open STDOUT, '>', $to eq '&-' ? $out : $to or die "$to: $!";
        open STDERR, '>', $err or die;
        require POSIX;
        POSIX::close(0) if ($given{in} // '') eq '&-';
        POSIX::close(1) if $to eq '&-';
        POSIX::close(2) if ($given{err} // '') eq '&-';
        exec { $tool } 'sjwt', @$arguments or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $code = $? & 127 ? "signal $?" : $? >> 8;
    return ($code, defined $given{to} ? '' : slurp($out), slurp($err));
}

sub piece_of
{
    my ($secret, $text) = @_;
    for my $i (0 .. length($secret) - 8) {
        my $piece = substr $secret, $i, 8;
        return $piece if index($text, $piece) >= 0;
    }
    return;
}

sub complaint
{
    my ($what, $got, $wanted) = @_;
    my $same = ref $wanted ? $got =~ $wanted : $got eq $wanted;
    return $same ? () : "$what is:\n$got\nand should be:\n$wanted";
}

# expect(name, [arguments], code => 0, out => '', err => '', and the options of sjwt()):
# out and err are texts or patterns, of err without "sjwt: " and the newline.
# Returns standard output.
sub expect
{
    my ($name, $arguments, %wanted) = @_;
    my ($code, $out, $err) = sjwt($arguments, %wanted);
    my $line = $err;
    my @complaints;

    $line =~ s/\Asjwt: ([^\n]*)\n\z/$1/ or $err eq '' or push @complaints, "not one line: $err";
    push @complaints, complaint('exit code', $code, $wanted{code} // 0);
    push @complaints, complaint('standard output', $out, $wanted{out} // '');
    push @complaints, complaint('standard error', $line, $wanted{err} // '')
        if ($wanted{err} // '') ne '&-';
    my (undef, @given) = map { /\A--[a-z-]+(?:=(.*))?\z/s ? $1 // '' : $_ } @$arguments;
    for my $secret (@secrets, @given, $wanted{in} // '') {
        my $piece = piece_of($secret, $err);
        push @complaints, "standard error holds \"$piece\", which was given" if defined $piece;
    }
    ok(!@complaints, $name) or diag(join "\n", @complaints);
    return $out;
}

# The output of the tool without the newline; dies if the tool fails.
sub made
{
    my ($arguments, %given) = @_;
    my ($code, $out, $err) = sjwt($arguments, %given);
    die "sjwt @$arguments: $code $err" if $code ne '0';
    chomp $out;
    return $out;
}

my %build = map { my ($algorithm, @names) = split / +/; $algorithm => \@names }
    split /\n/, made(['backends']);
$build{Ed25519} = $build{EdDSA};

# Does this build verify, or sign, with the algorithm? keys.t compares the tool's answer
# with the configuration of the build.
sub verifies { return $build{ $_[0] }[0] ne '-' }
sub signs { return $build{ $_[0] }[1] ne '-' }

1;
