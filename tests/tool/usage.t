# SPDX-License-Identifier: Apache-2.0
# The command line: wrong arguments, unreadable input and unwritable output. Exit code 2,
# one line on standard error, nothing on standard output.
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Sjwt;
use Test::More;

# An algorithm that this build verifies.
my ($alg) = grep { verifies($_) } qw(HS256 EdDSA ES256);
my ($jwk, $token) = @{ $known{$alg} };
my $key = file($jwk);
my @verify = ('verify', '--keys', $key, '--alg', $alg, '--now', $hmac{expires});
my @sign = ('sign', '--key', $key, '--claims', '{}');
my $payload = "$hmac{payload}\n";

# ---- help ------------------------------------------------------------------

my @commands = qw(verify explain sign keygen public jwk decode check keys fetch backends);
my $overview = made(['--help']);
like($overview, qr/\Ausage: sjwt COMMAND \[ARGUMENT\]\.\.\.\n/, 'sjwt --help');
for my $command (@commands) {
    like($overview, qr/^  \Q$command\E +\S/m, "sjwt --help names $command");
    expect("sjwt $command --help", [$command, '--help'],
        out => qr/\Ausage: sjwt \Q$command\E( .+)?\n\n\S.*\n/);
    unlike(made([$command, '--help']), qr/^.{81}/m, "sjwt $command --help fits the page");
}
my %options = (
    verify => [qw(--keys --alg --iss --aud --typ --require --claim-values --max-lifetime --leeway --now --jws)],
    sign   => [qw(--key --claims --raw-payload --alg --kid --typ --header)],
    explain => [qw(--keys --issuers --data-directory --iss --aud --alg --now)],
    keygen => [qw(--alg --kid --bits --out)],
    public => [qw(--key)],
    jwk    => [qw(--alg --kid --private --pem)],
    decode => [], keys => [], backends => [],
    check  => [qw(--issuers --data-directory --revoked --quiet)],
    fetch  => [qw(--issuer --url --out --every --ca-file --allow)],
);
for my $command (@commands) {
    my @named = made([$command, '--help']) =~ /^  (--[a-z-]+)/mg;
    is_deeply([sort @named], [sort @{ $options{$command} }], "the options of sjwt $command");
}
like(made(['verify', '--help']), qr/--leeway.*default: 60/, 'the default leeway is said');
expect('help wins over what is missing', ['sign', '--key', 'x', '--help'], out => qr/\Ausage: /);
like(made(['--version']), qr/\Asjwt \d+\.\d+\.\d+ \([a-z, -]+\)\z/, 'sjwt --version');

# ---- commands, options, arguments ------------------------------------------

expect('no command', [], code => 2, err => 'a command is needed; see sjwt --help');
expect('unknown command', [$hmac{token}], code => 2, err => 'unknown command; see sjwt --help');
expect('an option before the command', ['--keys', $key, 'verify'], code => 2,
    err => 'unknown command; see sjwt --help');
for my $command (@commands) {
    my $unknown = "unknown option; see sjwt $command --help";
    expect("$command: unknown option", [$command, "--$hmac{token}"], code => 2, err => $unknown);
    expect("$command: unknown option with a value", [$command, "--token=$hmac{token}"], code => 2,
        err => $unknown);
    expect("$command: one dash", [$command, '-k', $key], code => 2, err => $unknown);
}
expect('an option cut short', ['verify', '--key', $key], code => 2,
    err => 'unknown option; see sjwt verify --help');
for my $command (grep { @{ $options{$_} } } @commands) {
    for my $option (grep { !/\A--(jws|issuers|revoked|quiet|private|pem)\z/ } @{ $options{$command} }) {
        expect("$command: $option without a value", [$command, $option], code => 2,
            err => "$option needs a value; see sjwt $command --help");
        next if $option =~ /\A--(aud|require|allow)\z/ || ($command eq 'verify' && $option eq '--typ');
        expect("$command: $option twice", [$command, $option, 'a', $option, 'b'], code => 2,
            err => "$option may be given only once; see sjwt $command --help");
    }
}
expect('a flag with a value', [@verify, '--jws=yes'], code => 2,
    err => '--jws takes no value; see sjwt verify --help');
expect('--require too often', [@verify, '--require', join(',', ('sub') x 65)], code => 2,
    err => '--require is given too often; see sjwt verify --help');
for my $names ('', ',', 'exp,', ',exp', 'exp,,sub') {
    expect("--require '$names'", [@verify, '--require', $names], code => 2,
        err => '--require has an empty name; see sjwt verify --help');
}
expect('--aud too often', [@verify, ('--aud', 'x') x 65], code => 2,
    err => '--aud is given too often; see sjwt verify --help');
expect('two tokens', [@verify, $hmac{token}, $hmac{token}], code => 2,
    err => 'too many arguments; see sjwt verify --help');
expect('sign has no argument', [@sign, $hmac{token}], code => 2,
    err => 'too many arguments; see sjwt sign --help');
expect('-- ends the options', [@verify, '--', $token], out => $payload);
expect('behind -- all is an argument', [@verify, '--', '--jws'], code => 1,
    err => 'refused: token is not three parts separated by dots');
expect('--option=value', ['verify', "--keys=$key", "--alg=$alg", "--now=$hmac{expires}",
    $token], out => $payload);

expect('verify needs keys', ['verify', $hmac{token}], code => 2,
    err => '--keys is needed; see sjwt verify --help');
expect('sign needs a key', ['sign', '--claims', '{}'], code => 2,
    err => '--key is needed; see sjwt sign --help');
expect('sign needs a payload', ['sign', '--key', $key], code => 2,
    err => 'one of --claims and --raw-payload is needed; see sjwt sign --help');
expect('sign accepts one payload', [@sign, '--raw-payload', $key], code => 2,
    err => 'one of --claims and --raw-payload is needed; see sjwt sign --help');
expect('keygen needs an algorithm', ['keygen'], code => 2,
    err => '--alg is needed; see sjwt keygen --help');
expect('public needs a key', ['public'], code => 2,
    err => '--key is needed; see sjwt public --help');
expect('keys needs a file', ['keys'], code => 2, err => 'FILE is needed; see sjwt keys --help');

my $no_claims = '--jws looks at no claims: --iss, --aud, --require, --claim-values, --max-lifetime, --leeway and --now do not go'
    . ' with it';
for my $option (qw(--iss --aud --require --claim-values --max-lifetime --leeway --now)) {
    expect("--jws with $option", ['verify', '--keys', $key, '--jws', $option, '1'], code => 2,
        err => $no_claims);
}
for my $option (qw(--kid --typ)) {
    expect("--header with $option", [@sign, '--header', '{}', $option, 'x'], code => 2,
        err => '--header is the whole header: --kid and --typ do not go with it');
}

# ---- values ----------------------------------------------------------------

for my $names ('', 'none', 'hs256', 'HS256,', ',', 'HS256 HS512', 'A128KW', $hmac{token}) {
    expect("verify --alg \"$names\"", ['verify', '--keys', $key, '--alg', $names, $token],
        code => 2, err => '--alg: not a known algorithm; see sjwt backends');
}
for my $command (['keygen'], [@sign]) {
    expect("$command->[0] --alg none", [@$command, '--alg', 'none'], code => 2,
        err => '--alg: not a known algorithm; see sjwt backends');
}
my %numbers = (
    '--leeway' => ['0 to 2147483647', '-1', '3000000000'],
    '--now' => ['-9223372036854 to 9223372036854', '-9300000000000', '9300000000000'],
);
for my $option (sort keys %numbers) {
    my ($range, @beyond) = @{ $numbers{$option} };
    for my $value (@beyond, '', '-', '1.5', '1e3', ' 1', '1 ', '+1', '0x10', '9' x 30, 'now') {
        expect("$option \"$value\"", ['verify', '--keys', $key, '--alg', $alg, $option, $value,
            $token], code => 2, err => "$option needs a whole number from $range");
    }
}
expect('--bits is a number', ['keygen', '--alg', 'HS256', '--bits', 'many'], code => 2,
    err => '--bits needs a whole number from 8 to 32768');

# ---- files -----------------------------------------------------------------

my %unreadable = (
    folder() . '/there-is-no-such-file' => 'No such file or directory',
    folder()                            => 'Is a directory',
    "$key/below-a-file"                 => 'Not a directory',
    ''                                  => 'No such file or directory',
    $jwk                                => 'No such file or directory',
);
my $huge = file('');
truncate $huge, 4 * 1024 * 1024 + 1 or die;
$unreadable{$huge} = 'larger than 4194304 octets';
$unreadable{'/dev/zero'} = 'larger than 4194304 octets';
for my $path (sort keys %unreadable) {
    my $why = $unreadable{$path};
    my %wanted = (code => 2);
    expect("verify: keys $why", ['verify', '--keys', $path, $hmac{token}], %wanted,
        err => "--keys: $why");
    expect("sign: key $why", ['sign', '--key', $path, '--claims', '{}'], %wanted,
        err => "--key: $why");
    expect("public: key $why", ['public', '--key', $path], %wanted, err => "--key: $why");
    expect("keys: file $why", ['keys', $path], %wanted, err => "FILE: $why");
}
expect('a payload that is not there', ['sign', '--key', $key, '--raw-payload', '/nowhere'],
    code => 2, err => '--raw-payload: No such file or directory');
expect('a payload without end', ['sign', '--key', $key, '--raw-payload', '/dev/zero'],
    code => 2, err => '--raw-payload: larger than 16777216 octets');

expect('keys from standard input', ['keys', '-'], in => $jwk,
    out => qr/\Ausable   no kid: $alg/);
expect('the key from standard input', ['verify', '--keys', '-', '--alg', $alg, '--now', 0,
    $token], in => $jwk, out => $payload);
expect('both keys and token from standard input', ['verify', '--keys', '-'], code => 2,
    err => 'standard input cannot be both the keys and the token');
for my $option (qw(--claims --raw-payload)) {
    expect("both key and $option from standard input", ['sign', '--key', '-', $option, '-'],
        code => 2, err => 'standard input cannot be both the key and the payload');
}

# ---- descriptors -----------------------------------------------------------

my @signing = signs($alg) ? ([@sign], ['keygen', '--alg', $alg]) : ();
for my $arguments ([@verify, $token], @signing, ['keys', $key],
    ['backends'], ['--help'], ['verify', '--help'], ['--version']) {
    my $name = join ' ', grep { /\A-?-?[a-z]+\z/ } @$arguments;
    expect("a full disk: $name", $arguments, to => '/dev/full', code => 2,
        err => 'standard output: No space left on device');
    expect("output closed: $name", $arguments, to => '&-', code => 2,
        err => 'standard output: Bad file descriptor');
}
expect('input closed', [@verify], in => '&-', code => 2,
    err => 'standard input: Bad file descriptor');
expect('input closed and not needed', [@verify, $token], in => '&-', out => $payload);
expect('errors closed', [@verify, 'x'], err => '&-', code => 1);
expect('decode with errors closed', ['decode', $hmac{token}], err => '&-', out => qr/\ANOT VER/);

# A reader that closes the pipe.
SKIP: {
    skip "this build does not sign with $alg", 2 if !signs($alg);
    my $large = file('x' x 200_000);
    my ($tool, $out) = ($ENV{SJWT}, folder() . '/code');
    system 'sh', '-c', '{ "$1" sign --key "$2" --raw-payload "$3" 2>"$4.err"; echo $? >"$4"; }'
        . ' | head -c 1 >/dev/null', 'sh', $tool, $key, $large, $out;
    open my $handle, '<', $out or die;
    is(scalar <$handle>, "2\n", 'a reader that goes away: exit code');
    open $handle, '<', "$out.err" or die;
    is(scalar <$handle>, "sjwt: standard output: Broken pipe\n", 'a reader that goes away: line');
}

done_testing;
