# SPDX-License-Identifier: Apache-2.0
# sjwt check: whether the server would accept a file of keys, or of issuers.
use strict;
use warnings;
use Cwd;
use File::Basename;
use lib dirname(__FILE__);
use JSON::PP;
use Sjwt;
use Test::More;

# The algorithms in the tool's order, and those that this build verifies.
my ($table) = split /\n\n/, made(['backends']);
my (undef, @rows) = map { [split / +/] } split /\n/, $table;
my %verifies = map { $_->[0] => $_->[1] ne '-' } @rows;

sub in_order
{
    my %named = map { $_ => 1 } @_;
    return join ' ', grep { $named{$_} } map { $_->[0] } @rows;
}

sub usable { return in_order(grep { $verifies{$_} } @_) }

my @rsa = qw(RS256 RS384 RS512 PS256 PS384 PS512);
my ($algorithm, $pair) = $verifies{EdDSA} ? ('EdDSA', \%ed25519) : ('ES256', \%p256);
my $refused = 'key has the wrong length, is too weak or is not on the curve';
my $lacking = 'key is for an algorithm that this build does not support';
my $shared = '(a shared secret: only where algorithms are named)';
my $hs = usable(qw(HS256 HS384 HS512));
# The output for the secret with the kid "c" and the alg HS256.
my $hs256 = verifies('HS256') ? qq(usable   kid "c": HS256 $shared) : qq(skipped  kid "c": $lacking: HS256);

# The key with these additional members; a set of such keys.
sub with { my ($jwk, $members) = @_; return "{$members," . substr $jwk, 1 }
sub set { return sprintf '{"keys":[%s]}', join ',', @_ }

sub check
{
    my ($name, $text, %wanted) = @_;
    return expect($name, ['check', file($text)], %wanted);
}

# ---- keys ------------------------------------------------------------------

check('one key', with($pair->{public}, '"kid":"a"'),
    out => qq(key  usable   kid "a": $algorithm\n));
expect('one from standard input', ['check', '-'], in => $pair->{public},
    out => "key  usable   no kid: $algorithm\n");
check('a private key, of which the server uses the public key', $pair->{jwk},
    out => "key  usable   no kid: $algorithm\n");
check('a shared secret', $hmac{jwk}, out => "key  usable   no kid: $hs $shared\n")
    if verifies('HS256');
check('a set, in its order', set('{"kty":"oct","kid":"short","k":"AA"}', $pair->{jwk},
    with($pair->{public}, '"use":"enc","kid":"for secrets"'), '1', '{"kty":"new","kid":["a"]}',
    with($pair->{public}, '"kid":"b","alg":"none"'), with($hmac{jwk}, '"kid":"c","alg":"HS256"'),
    with($pair->{public}, '"kid":"b"')),
    out => <<"END");
keys[0]  skipped  kid "short": $refused: "k" must have at least 32 octets
keys[1]  usable   no kid: $algorithm
keys[2]  skipped  kid "for secrets": key is not for signatures: "use" is not "sig"
keys[3]  skipped  no kid: not a JWK: it is not an object
keys[4]  skipped  no kid: key type ('kty') is not known
keys[5]  skipped  kid "b": key is for an algorithm ('alg') that is not known
keys[6]  $hs256
keys[7]  usable   kid "b": $algorithm
END
check('a kid that would move the cursor', with($pair->{public}, '"kid":"\u001b[2J\nkeys[9]\u00e9"'),
    out => qq(key  usable   kid "\\x1B[2J\\x0Akeys[9]\xc3\xa9": $algorithm\n));
check('a kid that would speak for the tool', with($pair->{public}, '"kid":"a\": HS256 \\\\"'),
    out => qq(key  usable   kid "a\\": HS256 \\\\": $algorithm\n));
# The characters as JSON escapes, and their output.
my @rearranging = map { sprintf '\\u%04X', $_ } 0x061c, 0x200e, 0x200f, 0x2028 .. 0x202e,
    0x2066 .. 0x2069;
check("a kid with $_", with($pair->{public}, qq("kid":"a${_}b")),
    out => qq(key  usable   kid "a${_}b": $algorithm\n)) for @rearranging;
# Their neighbours, which are printed unchanged: U+061B, U+200D, U+2010, U+2027, U+202F, U+2065, U+206A.
my @neighbours = ("\xd8\x9b", map { "\xe2$_" } "\x80\x8d", "\x80\x90", "\x80\xa7", "\x80\xaf",
    "\x81\xa5", "\x81\xaa");
check('a kid of other characters', with($pair->{public}, sprintf '"kid":"%s"', join '', @neighbours),
    out => sprintf qq(key  usable   kid "%s": $algorithm\n), join '', @neighbours);
check('more than a hundred that are skipped', set(('{}') x 150, $pair->{public}),
    out => join '', (map { "keys[$_]  skipped  no kid: not a JWK: \"kty\" is missing\n" } 0 .. 149),
    "keys[150]  usable   no kid: $algorithm\n");

for my $row (['EdDSA', 'EdDSA', $ed25519{public}], ['ES256', 'ES256', $p256{public}],
    ['RSA', \@rsa, '{"kty":"RSA","e":"AQAB","n":"' . encode_base64url("\xc1" x 256) . '"}']) {
    my ($name, $algorithms, $jwk) = @$row;
    my $lacks = ref $algorithms ? $algorithms->[0] : $algorithms;
    my $can = usable(ref $algorithms ? @$algorithms : $algorithms);
    my ($out, $err) = $can ? ("usable   no kid: $can\n", '') : ("skipped  no kid: $lacking: $lacks\n",
        "FILE: no usable key in the set: 1 skipped, the first: $lacking: $lacks");
    check("$name, in this build", set($jwk), code => $can ? 0 : 1, out => "keys[0]  $out",
        err => $err);
}
my $weak = '{"kty":"RSA","e":"AQAB","n":"' . encode_base64url("\xc1" x 128) . '"}';
check('RSA of 1024 bits beside a good key', set($weak, $pair->{public}),
    out => "keys[0]  skipped  no kid: $refused: \"n\" must have at least 2048 bits\nkeys[1]  usable   no kid: $algorithm\n");
check('RSA of 1024 bits alone', $weak, code => 1, err => "FILE: $refused: \"n\" must have at least 2048 bits");

check('an empty set', set(), code => 1,
    err => 'FILE: no usable key in the set: the set is empty');
check('none usable', set('{"kty":"new"}', with($pair->{jwk}, '"use":"enc","kid":"a"')), code => 1,
    err => 'FILE: no usable key in the set: 2 skipped, the first: key type (\'kty\') is not known',
    out => <<'END');
keys[0]  skipped  no kid: key type ('kty') is not known
keys[1]  skipped  kid "a": key is not for signatures: "use" is not "sig"
END
check('the same key twice', set((with($pair->{public}, '"kid":"a"')) x 2),
    out => qq(keys[0]  usable   kid "a": $algorithm\n)
        . qq(keys[1]  skipped  kid "a": the same key is in the set before\n));
check('members that are null', with($pair->{public}, '"kid":null,"use":null,"alg":null'),
    out => "key  usable   no kid: $algorithm\n");
check('a key of SPIFFE', with($pair->{public}, '"use":"jwt-svid"'),
    out => "key  usable   no kid: $algorithm\n");
check('two of one kid, for different algorithms', set(with($pair->{public}, '"kid":"a"'),
    with($hmac{jwk}, '"kid":"a","alg":"HS256"')), out => <<"END") if verifies('HS256');
keys[0]  usable   kid "a": $algorithm
keys[1]  usable   kid "a": HS256 $shared
END
check('one of a type that is not known', '{"kty":"new"}', code => 1,
    err => "FILE: key type ('kty') is not known");
check('one for an algorithm that is not known', with($pair->{public}, '"alg":"ES256X"'), code => 1,
    err => "FILE: key is for an algorithm ('alg') that is not known");
check('no keys at all', '{"jwks":[]}', code => 1, err => 'FILE: not a JWK or JWK Set: it has neither "keys" nor "kty"');
check('nothing', '', code => 1, err => 'FILE: not strict JSON: the text is empty');
check('a byte order mark', "\xEF\xBB\xBF$pair->{public}", code => 1,
    err => 'FILE: not strict JSON: byte order mark at octet 1');
check('a discovery document', '{"\\u006awks_uri":"https://a"}', code => 1,
    err => 'FILE: not a JWK or JWK Set: it is a discovery document, which tells where the keys are');
my $open = '{"keys":[' . $pair->{public};
check('half written', $open, code => 1,
    err => 'FILE: not strict JSON, at octet ' . length $open);
check('not JSON, with a private key', "{\"keys\":[$pair->{jwk}}", code => 1,
    err => 'FILE: not strict JSON, at octet ' . length "{\"keys\":[$pair->{jwk}");
check('a member twice', with($pair->{public}, '"kty":"OKP"'), code => 1,
    err => 'FILE: not strict JSON');
my $limit = 4 * 1024 * 1024;
for my $more (0, 1) {
    my $filled = file($pair->{public} . "\n");
    open my $handle, '>>', $filled or die;
    print $handle ' ' x ($limit - (-s $filled) + $more);
    close $handle or die;
    expect("4 MiB and $more", ['check', $filled], code => $more,
        out => $more ? '' : "key  usable   no kid: $algorithm\n",
        err => $more ? 'FILE: key set is too large' : '');
}

# ---- issuers ---------------------------------------------------------------

my @issuers = ('check', '--issuers');

# A new file with this content. Messages may name its members. They contain no part of its
# keys, because each key is in a file() too.
my $documents = 0;

sub document
{
    my ($content) = @_;
    my $path = folder() . '/d' . ++$documents;
    open my $out, '>', $path or die "$path: $!";
    print $out $content;
    close $out or die "$path: $!";
    return $path;
}

sub issuers { return sprintf '{"issuers":[%s]}', join ',', @_ }
sub terms { return join '', map { sprintf "  %-17sas pg_session_jwt.%s says\n", @$_ } @_ }
my @audiences = ('audiences', 'audience');
my ($algorithms, $claims, $types) = map { [$_, $_] } qw(algorithms required_claims token_types);
my @last = map { [$_, $_] } qw(claims max_lifetime);
my $defaults = terms(\@audiences, $algorithms, $claims, $types, @last);

my $inline = '{"issuer":"https://a","jwks":' . $pair->{public} . '}';
my $inline_out = qq("https://a"\n$defaults  jwks             1 usable for $algorithm\n);
expect('an issuer with its key', [@issuers, document(issuers($inline))],
    out => "issuers[0]  $inline_out");
expect('a document from standard input', [@issuers, '-'], in => issuers($inline),
    out => "issuers[0]  $inline_out");
expect('an issuer with terms of its own', [@issuers, document(issuers('{"issuer":"b\u0007",'
    . '"audiences":["one","two\n"],"algorithms":["RS256","ES256","HS256"],'
    . '"required_claims":["exp","sub"],"token_types":["at+jwt"],"jwks":'
    . set($pair->{jwk}, '{"kty":"new","kid":"c\u0007"}', with($hmac{jwk}, '"alg":"HS256"')) . '}',
    $inline))], out => <<"END" . "issuers[1]  $inline_out") if verifies('HS256');
issuers[0]  "b\\x07"
  audiences        "one" "two\\x0A"
  algorithms       @{[in_order(qw(RS256 ES256 HS256))]}
  required_claims  "exp" "sub"
  token_types      "at+jwt"
@{[terms(@last)]}  jwks             2 usable for @{[in_order($algorithm, 'HS256')]}, 1 skipped
    skipped  kid "c\\x07", keys[1]: key type ('kty') is not known
END

expect('an issuer with values of claims', [@issuers, document(issuers('{"issuer":"https://a/{t}",'
    . '"claims":{"azp":["a","b\u0007"],"t":"*","v":true},"max_lifetime":3600,"jwks":' . $pair->{public} . '}'))],
    out => qq(issuers[0]  "https://a/{t}"\n) . terms(\@audiences, $algorithms, $claims, $types) . <<"END");
  claims           "azp": "a" or "b\\x07", "t": any value, "v": true
  max_lifetime     3600 s
  jwks             1 usable for $algorithm
END

# The server would accept these documents, and refuse each token of "b".
my $others = join ',', map { qq("$_") } grep { $_ ne $algorithm } map { $_->[0] } @rows;
my $not_served = 'issuers[0]: none of its keys serves one of its "algorithms"';
my $accepting = qq{issuers[0]  "b"\n} . terms(\@audiences) . '  algorithms       %s' . "\n"
    . terms($claims, $types, @last);
sub accepting { return sprintf $accepting, in_order(@_) }
expect('an issuer whose keys are for no algorithm that it names', [@issuers, document(issuers(
    qq({"issuer":"b","algorithms":[$others],"jwks":$pair->{public}})))], code => 1,
    err => $not_served, out => accepting(grep { $_ ne $algorithm } map { $_->[0] } @rows)
        . "  jwks             1 usable for $algorithm (none of which it accepts)\n");
expect('one of several algorithms is served', [@issuers, document(issuers(
    qq({"issuer":"b","algorithms":[$others,"$algorithm"],"jwks":$pair->{public}})))],
    out => accepting(map { $_->[0] } @rows) . "  jwks             1 usable for $algorithm\n");
if (verifies('HS256')) {
    my $secret = with($hmac{jwk}, '"alg":"HS256"');
    expect('an issuer with a shared secret, naming no algorithm', [@issuers,
        document(issuers(qq({"issuer":"b","jwks":$secret})))], out => qq(issuers[0]  "b"\n$defaults)
            . "  jwks             1 usable for HS256 (shared secrets: only where algorithms are"
            . " named)\n");
    expect('an issuer with a shared secret, naming its algorithm', [@issuers,
        document(issuers(qq({"issuer":"b","algorithms":["HS256"],"jwks":$secret})))],
        out => accepting('HS256') . "  jwks             1 usable for HS256\n");
    expect('an issuer with a public key as well, naming no algorithm', [@issuers,
        document(issuers(sprintf '{"issuer":"b","jwks":%s}', set($secret, $pair->{public})))],
        out => qq(issuers[0]  "b"\n$defaults  jwks             2 usable for )
            . in_order($algorithm, 'HS256') . "\n");
}

for my $row (
    ['an algorithm that is not known', '"algorithms":["ES256","RS255"],"jwks":' . $pair->{public},
        '"RS255"', 'issuers[1]: "algorithms" names one that is not known'],
    ['claims that are no object', '"claims":["azp"],"jwks":' . $pair->{public}, '["azp"]',
        'issuers[1]: "claims" must be an object, and not empty'],
    ['a claim that is a number', '"claims":{"azp":[1]},"jwks":' . $pair->{public}, '1]}',
        'issuers[1]: "claims" has a value that is no string, true or false'],
    ['a lifetime of nothing', '"max_lifetime":0,"jwks":' . $pair->{public}, '0,',
        'issuers[1]: "max_lifetime" must be a whole number of seconds from 1 up'],
    ['a member that is not known', '"audience":["a"],"jwks":' . $pair->{public}, '["a"]',
        'issuers[1]: a member is not known'],
    ['no keys', '"audiences":["a"]', '{"issuer":"b"',
        'issuers[1]: "jwks", "jwks_file", "jwks_files", "jwks_url" or "discovery" is missing'],
) {
    my ($name, $members, $at, $detail) = @$row;
    my $text = issuers($inline, "{\"issuer\":\"b\",$members}");
    expect("issuers: $name", [@issuers, document($text)], code => 1,
        err => "FILE: document of issuers is not as it must be: $detail, at octet "
            . index $text, $at);
}
expect('issuers: a pattern whose claim is not named', [@issuers, document(issuers(
    '{"issuer":"https://a/{t}","claims":{"u":"*"},"jwks":' . $pair->{public} . '}'))], code => 1,
    err => 'FILE: document of issuers is not as it must be: issuers[0]: "issuer" has a claim in braces'
        . ' that is not in "claims", at octet ' . length '{"issuers":[');
my $repeated = issuers($inline, $inline);
expect('an issuer twice', [@issuers, document($repeated)], code => 1,
    err => 'FILE: document of issuers is not as it must be: issuers[1]: is of the same "issuer" as'
        . ' issuers[0], at octet ' . rindex $repeated, $inline);
my $unusable = issuers('{"issuer":"b","jwks":' . set() . '}');
expect('an issuer with an empty set', [@issuers, document($unusable)], code => 1,
    err => 'FILE: no usable key in the set: issuers[0]: the set is empty, at octet '
        . index $unusable, '{"keys"');
expect('no issuers', [@issuers, document(issuers())], code => 1,
    err => 'FILE: document of issuers is not as it must be: "issuers" must be an array, and not'
        . ' empty, at octet ' . length '{"issuers":');
expect('half a document', [@issuers, document("{\"issuers\":[$inline")], code => 1,
    err => 'FILE: document of issuers is not strict JSON, at octet '
        . length "{\"issuers\":[$inline");
expect('keys instead of issuers', [@issuers, file($pair->{jwk})], code => 1,
    err => 'FILE: document of issuers is not as it must be: it must be an object with "issuers"');
expect('issuers instead of keys', ['check', document(issuers($inline))], code => 1,
    err => 'FILE: not a JWK or JWK Set: it is a document of issuers');
expect('a document of more than 4 MiB', [@issuers, document(issuers($inline) . ' ' x $limit)],
    code => 1, err => 'FILE: document of issuers is too large');

expect('issuers whose keys the server fetches', [@issuers,
    document(issuers('{"issuer":"u","jwks_url":"https://a/\\u0022"}', '{"issuer":"d","discovery":true}'))],
    out => qq(issuers[0]  "u"\n${defaults}  jwks_url         "https://a/\\"", not fetched\n)
        . qq(issuers[1]  "d"\n${defaults}  discovery        its metadata tell where its keys are, not fetched\n));

# ---- key files of issuers --------------------------------------------------

# A document with one issuer, whose keys are in this file.
sub named { my ($path) = @_; return issuers(encode_json({ issuer => 'f', jwks_file => $path })) }
sub named_out { my ($path, $what) = @_; return <<"END" }
issuers[0]  "f"
$defaults  jwks_file        "$path", $what
END

my $directory = folder() . '/data';
mkdir $_ or die for $directory, "$directory/jwks";
my $keys = file(set($pair->{jwk}, '{"kty":"new"}'));
rename $keys, "$directory/jwks/a.json" or die;
my $counts = "1 usable for $algorithm, 1 skipped\n"
    . q(    skipped  no kid, keys[1]: key type ('kty') is not known);

sub named_file
{
    my ($name, $path, $what, %wanted) = @_;
    return expect($name, [@issuers, '--data-directory', $directory, document(named($path))],
        out => named_out($path, $what), %wanted);
}

sub broken_file
{
    my ($name, $path, $why) = @_;
    return named_file($name, $path, 'of no use', code => 1, err => "issuers[0]: jwks_file: $why");
}

expect('a file that is not looked for', [@issuers, document(named('jwks/none.json'))],
    out => named_out('jwks/none.json', 'not opened'));
expect('nor is one of an absolute path', [@issuers, document(named('/none.json'))],
    out => named_out('/none.json', 'not opened'));
named_file('a file below the data directory', 'jwks/a.json', $counts);
named_file('a file of an absolute path', "$directory/jwks/a.json", $counts);
expect('a file whose keys are for no algorithm that the issuer names', [@issuers,
    '--data-directory', $directory, document(issuers(
        qq({"issuer":"b","algorithms":[$others],"jwks_file":"jwks/a.json"})))], code => 1,
    err => $not_served, out => accepting(grep { $_ ne $algorithm } map { $_->[0] } @rows)
        . qq(  jwks_file        "jwks/a.json", 1 usable for $algorithm (none of which it accepts))
        . ", 1 skipped\n    skipped  no kid, keys[1]: key type ('kty') is not known\n");
symlink 'a.json', "$directory/jwks/link" or die;
named_file('a link to a file', 'jwks/link', $counts);
broken_file('a file that is elsewhere', 'a.json', 'No such file or directory');
broken_file('a directory', 'jwks', 'not a regular file');
broken_file('standard input is none of its files', '-', 'No such file or directory');
rename file(set()), "$directory/-" or die;
broken_file('a file with an empty set', '-', 'no usable key in the set: the set is empty');
system('mkfifo', "$directory/fifo") == 0 or die;
broken_file('a FIFO, which is not waited for', 'fifo', 'not a regular file');
rename file("{\"keys\":[$pair->{jwk}"), "$directory/half" or die;
broken_file('a file that is half written', 'half',
    'not strict JSON, at octet ' . length "{\"keys\":[$pair->{jwk}");
rename file(''), "$directory/large" or die;
truncate "$directory/large", $limit + 1 or die;
broken_file('a file of more than 4 MiB', 'large', 'key set is too large');
my $here = getcwd;
chdir $directory or die;
expect('a relative path is not of the current directory', [@issuers, '--data-directory',
    "$directory/jwks", document(named('jwks/a.json'))], code => 1,
    out => named_out('jwks/a.json', 'of no use'),
    err => 'issuers[0]: jwks_file: No such file or directory');
chdir $here or die;

my @several = map { { issuer => "f$_", jwks_file => $_ } } qw(none half jwks/a.json);
my ($code, $out, $err) = sjwt([@issuers, '--data-directory', $directory,
    document(encode_json({ issuers => \@several }))]);
is($code, 1, 'several issuers: one that has no keys is enough to refuse');
is_deeply([$out =~ /^  jwks_file +"[^"]*", (.*)/mg],
    ['of no use', 'of no use', "1 usable for $algorithm, 1 skipped"],
    'several issuers: each is listed');
is($err, "sjwt: issuers[0]: jwks_file: No such file or directory\nsjwt: issuers[1]: jwks_file: "
    . 'not strict JSON, at octet ' . length("{\"keys\":[$pair->{jwk}") . "\n",
    'several issuers: a line for each that has no keys');

expect('an issuer with several sources of keys', [@issuers, '--data-directory', $directory,
    document(issuers(qq({"issuer":"f","jwks":$pair->{public},"jwks_file":"jwks/a.json",)
        . '"jwks_files":["jwks/link","none"]}'))], code => 1,
    err => 'issuers[0]: jwks_files: No such file or directory',
    out => qq(issuers[0]  "f"\n$defaults  jwks             1 usable for $algorithm\n)
        . qq(  jwks_file        "jwks/a.json", $counts\n  jwks_files       "jwks/link", $counts\n)
        . qq(  jwks_files       "none", of no use\n));
expect('one source has keys for an algorithm that the issuer names', [@issuers,
    '--data-directory', $directory, document(issuers(sprintf '{"issuer":"b","algorithms":["%s",'
        . '%s],"jwks":%s,"jwks_files":["jwks/a.json"]}', $algorithm, $others, $pair->{public}))],
    out => accepting(map { $_->[0] } @rows) . "  jwks             1 usable for $algorithm\n"
        . qq(  jwks_files       "jwks/a.json", $counts\n));
# ---- revoked tokens --------------------------------------------------------

sub check_revoked
{
    my ($name, $text, %wanted) = @_;
    return expect("revoked tokens: $name", ['check', '--revoked', file($text)], %wanted);
}

my $end = qq({"end":true}\n);
my $bob = qq({"iss":"https://a","sub":"bob"}\n);
check_revoked('none', $end, out => "jti  0\nsid  0\nsub  0\nended  0\n");
check_revoked('no line feed at the end', '{"end":true}', out => "jti  0\nsid  0\nsub  0\nended  0\n");
check_revoked('values and ends', $bob . qq({"iss":"","jti":["a","1","b"],"until":1}\n)
    . qq({"sid":"s","iss":"c","until":99999999999}\r\n$end), out => "jti  3\nsid  1\nsub  1\nended  3\n");
my $not = 'FILE: line 2: line of revoked tokens is';
check_revoked('half a line', $bob . '{"iss":', code => 1, err => "$not not strict JSON, at octet 7");
check_revoked('a member', qq($bob\{"iss":"a","exp":1}\n$end), code => 1,
    err => "$not not as it must be: a member is not known, at octet 17");
check_revoked('a blank line', "$bob\n$end", code => 1, err => "$not not strict JSON");
check_revoked('a long line', $bob . '{' . ' ' x 65536 . "\n$end", code => 1, err => "$not too long");
check_revoked('no end', $bob, code => 1, err => 'FILE: the line that marks the end is missing');
check_revoked('empty', '', code => 1, err => 'FILE: the line that marks the end is missing');
check_revoked('after the end', $end . $bob, code => 1, err => 'FILE: line 2 comes after the end');
expect('revoked tokens or issuers', ['check', '--revoked', '--issuers', '-'], code => 2,
    err => '--revoked and --issuers exclude each other; see sjwt check --help');

# ---- usage -----------------------------------------------------------------

expect('a file is needed', ['check'], code => 2, err => 'FILE is needed; see sjwt check --help');
expect('--data-directory without --issuers', ['check', '--data-directory', '/', $keys], code => 2,
    err => '--data-directory goes with --issuers; see sjwt check --help');
expect('one file at a time', ['check', $keys, $keys], code => 2,
    err => 'too many arguments; see sjwt check --help');
for my $options ([], ['--issuers']) {
    my $with_options = join ' ', 'check', @$options;
    expect("$with_options: no such file", ['check', @$options, folder() . '/none'], code => 2,
        err => 'FILE: No such file or directory');
    expect("$with_options: a directory", ['check', @$options, folder()], code => 2,
        err => 'FILE: Is a directory');
    expect("$with_options: input closed", ['check', @$options, '-'], in => '&-', code => 2,
        err => 'FILE: Bad file descriptor');
    expect("$with_options: a full disk", ['check', @$options, document(@$options ? issuers($inline)
        : $pair->{public})], to => '/dev/full', code => 2,
        err => 'standard output: No space left on device');
}
# ---- --quiet -----------------------------------------------------------------

expect('all is well', ['check', '--quiet', file($pair->{public})]);
expect('nothing is usable', ['check', '--quiet', file('{"keys":[]}')], code => 1, err => qr/./);

done_testing;
