# SPDX-License-Identifier: Apache-2.0
# sjwt fetch against servers that do what a fetcher may meet (tests/fetch/hostile.py).
use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use IPC::Open2;
use JSON::PP;
use Sjwt;
use Test::More;
use Time::HiRes qw(sleep time);

my $here = dirname(__FILE__) . '/../fetch';
my $dir = folder() . '/servers';
mkdir $dir or die "$dir: $!";
system('bash', "$here/certificates.sh", $dir) == 0 or die "certificates.sh failed";
my $server = open2(my $from, my $to, 'python3', "$here/hostile.py", $dir);
my $ports = decode_json(scalar <$from>);
my $key = $known{ES256}[0];
my $out = folder() . '/keys.json';

# Nothing of this machine's environment decides.
delete @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY)};

sub url { my ($path, $name) = @_; return ($name // 'good') eq 'http'
    ? "http://localhost:$ports->{http}$path" : "https://localhost:$ports->{ $name // 'good' }$path" }
sub content { open my $file, '<', $out or return; local $/; return scalar <$file> }
sub requests { open my $log, '<', "$dir/requests" or return (); return map { decode_json($_) } <$log> }
sub last_header { my ($name) = @_; return (requests())[-1]{headers}{$name} }

my @trusting = ('--ca-file', "$dir/ca.pem", '--allow', 'private');

# Runs the command; returns its exit code, output and error.
sub fetch { return sjwt(['fetch', '--out', $out, @_]) }

sub fetched
{
    my ($name, @arguments) = @_;
    unlink $out;
    my ($code, $said, $error) = fetch(@arguments);
    is("$code $said$error", "0 1 usable, 0 skipped\n", $name);
    like(content() // '', qr/"kid": "one"/, "$name: the file has the keys");
    return;
}

# The file stays as it was.
sub refused
{
    my ($name, $why, @arguments) = @_;
    system('cp', "$dir/before", $out);
    my ($code, $said, $error) = fetch(@arguments);
    is($code, 1, "$name: exit code");
    is($said, '', "$name: standard output");
    like($error, qr/\Asjwt: not fetched: $why\n\z/, "$name: why");
    is(content(), "before\n", "$name: the file is as it was");
    return;
}

system("echo before >'$dir/before'");

SKIP: {
    skip 'this build has no ES256', 1 if !verifies('ES256');

    # ---- what is fetched -----------------------------------------------------

    fetched('a JWK Set', '--url', url('/keys'), @trusting);
    is((stat $out)[2] & 07777, 0600, 'mode');
    ok(!-e "$out.new", 'no other file remains');
    is(last_header('Accept-Encoding'), 'identity', 'asks for no compression');
    fetched('a set without a fitting type', '--url', url('/binary'), @trusting);
    fetched('the largest answer', '--url', url('/largest'), @trusting);
    fetched('an issuer by OpenID', '--issuer', url('/openid'), @trusting);
    fetched('an issuer at the root', '--issuer', url(''), @trusting);
    fetched('an issuer by RFC 8414', '--issuer', url('/oauth'), @trusting);
    fetched('an issuer whose site answers everything with a page', '--issuer', url('/page'), @trusting);
    fetched('http to loopback', '--url', url('/keys', 'http'), '--allow', 'http');
    fetched('a redirect within the origin', '--url', url('/to-same'), @trusting, '--allow', 'redirects');
    {
        local $ENV{https_proxy} = "http://127.0.0.1:$ports->{http}";
        fetched('without a proxy, whatever the environment says', '--url', url('/keys'), @trusting);
        refused('through a proxy', 'CONNECT .*|.*proxy.*|.*(?:404|501).*', '--url', url('/keys'), @trusting,
            '--allow', 'proxy');
    }
    my ($code, undef, $error) = sjwt(['fetch', '--url', url('/keys'), '--out', "$dir/none/x", @trusting]);
    is($code, 2, 'a directory that is not there');
    like($error, qr/\Asjwt: --out: /, 'a directory that is not there: why');

    # ---- keys that change at each fetch --------------------------------------

    for my $source ([ '--url', url('/changing') ], [ '--issuer', url('/rotating') ]) {
        my @kids = map {
            my ($code, undef, $error) = fetch(@$source, @trusting);
            is("$code $error", '0 ', "$source->[1], keys that change: number $_");
            (content() // '') =~ /"kid": "number (\d+)"/ ? $1 : 0;
        } 1 .. 3;
        ok($kids[0] > 0 && $kids[1] == $kids[0] + 1 && $kids[2] == $kids[1] + 1, "$source->[1]: each fetch replaces the file")
            or diag "@kids";
    }

    # ---- answers that are refused --------------------------------------------

    for my $case (
        [ 'an address that is not public',  'the address is not public', '/keys', '--ca-file', "$dir/ca.pem" ],
        [ 'a page',                         'the answer is text/html',   '/page' ],
        [ 'keys as a page',                 'the answer is text/html',   '/as-page' ],
        [ 'a page as JSON',                 'not strict JSON',   '/page-as-json' ],
        [ 'half a JSON',                    'not strict JSON',   '/half' ],
        [ 'an answer that is cut',          '.*',                        '/cut' ],
        [ 'an empty answer',                'not strict JSON',   '/empty' ],
        [ 'no usable key',                  '.*',                        '/none' ],
        [ 'shared secrets',                 '.*(?:shared secrets, which are never public|no usable key).*', '/secret' ],
        [ 'too large',                      'the answer is larger than 524288 octets', '/large' ],
        [ 'endless',                        'the answer is larger than 524288 octets', '/endless' ],
        [ 'endless headers',                'the answer is larger than 65536 octets', '/endless-headers' ],
        [ 'a gzip bomb',                    'the answer is (?:compressed, which was not asked for|larger than .*)', '/bomb' ],
        [ 'compressed keys',                'the answer is compressed, which was not asked for', '/zipped' ],
        [ 'status 500',                     'the answer has the HTTP status 500', '/status/500' ],
        [ 'status 404',                     'the answer has the HTTP status 404', '/nothing' ],
        [ 'status 203 with keys',           'the answer has the HTTP status 203', '/status/203' ],
        [ 'not modified, unasked',          'the answer has the HTTP status 304', '/unasked-304' ],
        [ 'a closed connection',            '.*',                        '/closed' ],
        [ 'a redirect',                     'the server redirects',      '/to-same' ],
        [ 'a redirect to http',             'the server redirects',      '/to-http' ],
    ) {
        my ($name, $why, $path, @arguments) = @$case;
        refused($name, $why, '--url', url($path), @arguments ? @arguments : @trusting);
    }
    for my $path (qw(/to-http /to-host /to-port /to-file)) {
        refused("$path with redirects", 'the server redirects(?: to another origin)?|.*HTTP status 302',
            '--url', url($path), @trusting, '--allow', 'redirects,http');
    }
    refused('redirects without end', 'the server redirects too often', '--url', url('/to-itself'), @trusting,
        '--allow', 'redirects');

    # ---- time ----------------------------------------------------------------

    # All at once, since each takes as long as a fetch may.
    my $began = time;
    my %slow = map {
        open my $said, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', $ENV{SJWT}, 'fetch', '--out', "$out.$$_", '--url',
            url("/$$_"), @trusting or die;
        $$_ => $said;
    } \(qw(slow-headers slow-body silent));
    for my $path (sort keys %slow) {
        like(join('', readline $slow{$path}), qr/\Asjwt: not fetched: .*[Tt]ime.*\n\z/, "$path: why");
        close $slow{$path};
        is($? >> 8, 1, "$path: exit code");
        my $took = time - $began;
        ok($took > 4.5 && $took < 8, "$path: five seconds") or diag $took;
        ok(!-e "$out.$path", "$path: no file");
    }

    # ---- TLS -----------------------------------------------------------------

    refused('a certificate that has expired', '.*[Cc]ertificate.*', '--url', url('/keys', 'expired'), @trusting);
    refused('a certificate of another authority', '.*[Cc]ertificate.*', '--url', url('/keys', 'stranger'), @trusting);
    refused('a certificate of another host', '.*(?:certificate|host name).*', '--url', url('/keys', 'other'), @trusting);
    refused('the authorities of the system', '.*[Cc]ertificate.*', '--url', url('/keys'), '--allow', 'private');
    refused('TLS 1.1', '.*', '--url', url('/keys', 'old'), @trusting);
    refused('a closed port', '.*', '--url', 'https://localhost:1/keys', @trusting);

    # ---- URLs ----------------------------------------------------------------

    for my $case (
        [ 'http',                   'the URL is not one of https',                'http://localhost/' ],
        [ 'a file',                 'the URL is not one of https|it is not a URL', "file://$dir/before" ],
        [ 'no URL',                 'it is not a URL',                            'keys' ],
        [ 'a password',             'the URL has a user name or a password',      'https://a:b@localhost/' ],
        [ 'a fragment',             'the URL has a fragment',                     'https://localhost/#a' ],
        [ 'a line feed',            'it is not a URL',                            "https://localhost/\n" ],
        [ 'too long',               'the URL is too long',                        'https://localhost/' . 'a' x 2048 ],
    ) {
        my ($name, $why, $url) = @$case;
        refused($name, $why, '--url', $url, @trusting);
    }
    refused('http to an address that is not loopback', 'the address is not a loopback address, as http needs',
        '--url', 'http://192.0.2.1/', '--allow', 'http,private');

    # ---- issuers -------------------------------------------------------------

    for my $case (
        [ 'metadata of another issuer',  'OpenID metadata: the metadata are those of another issuer', '/other' ],
        [ 'another slash at the end',    'OpenID metadata: the metadata are those of another issuer', '/slash' ],
        [ 'another case',                'OpenID metadata: the metadata are those of another issuer', '/case' ],
        [ 'no keys in the metadata',     'OpenID metadata: the metadata have no "jwks_uri"', '/without' ],
        [ 'keys over http',              'the URL is not one of https', '/plain' ],
        [ 'keys in a file',              'the URL is not one of https|it is not a URL', '/file' ],
        [ 'metadata with a repeated member', 'OAuth metadata: the answer has the HTTP status 404', '/twice' ],
        [ 'no metadata',                 'OAuth metadata: the answer has the HTTP status 404', '/nobody' ],
        [ 'metadata that are down',      'OpenID metadata: the answer has the HTTP status 503', '/down' ],
        [ 'an issuer with a query',      'OpenID metadata: the issuer is not a URL without query and fragment', '/openid?a' ],
    ) {
        my ($name, $why, $path) = @$case;
        refused($name, $why, '--issuer', url($path), @trusting);
    }

    # ---- again and again -----------------------------------------------------

    for my $case ([ 'tagged', 'If-None-Match', '"tag"' ],
        [ 'dated', 'If-Modified-Since', 'Sat, 01 Jan 2022 00:00:00 GMT' ]) {
        my ($path, $header, $value) = @$case;
        unlink $out;
        my $pid = open my $said, '-|', $ENV{SJWT}, 'fetch', '--url', url("/$path"), '--out', $out, '--every', '1s',
            @trusting or die;
        my $deadline = time + 10;
        sleep 0.1 while time < $deadline && (last_header($header) // '') ne $value;
        kill 'TERM', $pid;
        is(last_header($header), $value, "--every: the second request has $header");
        is(join('', <$said>), "1 usable, 0 skipped\n", '--every: one line for keys that do not change');
        close $said;
        is($?, 0, '--every: exit code after SIGTERM');
    }
}

# ---- usage -------------------------------------------------------------------

my $hint = 'see sjwt fetch --help';
for my $case (
    [ "one of --issuer and --url is needed; $hint", '--out', $out ],
    [ "one of --issuer and --url is needed; $hint", '--out', $out, '--url', 'a', '--issuer', 'b' ],
    [ "--out is needed; $hint", '--url', 'https://localhost/' ],
    [ '--every needs a time from 1s to 24h, such as 90s, 5m or 1h', '--out', $out, '--url', 'a', '--every', '0' ],
    [ '--every needs a time from 1s to 24h, such as 90s, 5m or 1h', '--out', $out, '--url', 'a', '--every', '25h' ],
    [ '--every needs a time from 1s to 24h, such as 90s, 5m or 1h', '--out', $out, '--url', 'a', '--every', '1d' ],
    [ '--allow: number 2 is not one of private, http, redirects and proxy', '--out', $out, '--url', 'a', '--allow',
        'http,all' ],
) {
    my ($why, @arguments) = @$case;
    my ($code, $said, $error) = sjwt(['fetch', @arguments]);
    is("$code $said$error", "2 sjwt: $why\n", "usage: @arguments[2 .. $#arguments]");
}

close $to;
waitpid $server, 0;
done_testing;
