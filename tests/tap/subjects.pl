# SPDX-License-Identifier: Apache-2.0
# Several issuers: what auth.user_id() and auth.uid() return for a subject of one is never
# what they return for a subject of another, unless both say that they share their subjects.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Encode qw(encode_utf8);
use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('subjects');
my $data = $node->data_dir;
my $json = JSON::PP->new->canonical->utf8;
my $names = 'SELECT auth.user_id(), auth.uid(), auth.issuer()';
my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';

my ($plain, $url, $odd, $one, $two) = ('https://plain.example', 'https://url.example/', "b|c%\x{e9}", 'one', 'two');
my %key = map { ($_ => new_key("k-$_")) } qw(plain url odd one two);
my %name = (plain => $plain, url => $url, odd => $odd, one => $one, two => $two);

sub issuers
{
	my @entries;
	while (my ($id, $subjects) = splice @_, 0, 2)
	{
		push @entries, {
			issuer => $name{$id},
			jwks => $json->decode(key_set($key{$id})),
			$subjects ? (subjects => $subjects) : ()
		};
	}
	return $json->encode({ issuers => \@entries });
}

# A token of an issuer; sub in Perl's characters, or a reference to JSON.
sub token_of
{
	my ($id, $sub, %claims) = @_;
	return sign(
		$json->encode({ iss => $name{$id}, sub => ref $sub ? $json->decode("[$$sub]")->[0] : $sub, exp => time + 3600, %claims }),
		jwk => $key{$id},
		header => $json->encode({ alg => session_alg(), kid => "k-$id" }));
}

# The uid as docs/reference.md describes it.
sub uid_of
{
	my ($id, $sub) = @_;
	my $octets = substr sha256(join '', map { pack('Q>', length $_) . $_ } encode_utf8($name{$id}), encode_utf8($sub)), 0, 16;
	substr($octets, 6, 1) = chr(ord(substr $octets, 6, 1) & 0x0F | 0x80);
	substr($octets, 8, 1) = chr(ord(substr $octets, 8, 1) & 0x3F | 0x80);
	return join '-', unpack('H8 H4 H4 H4 H12', $octets);
}

$node->safe_psql('postgres', 'CREATE ROLE app_user LOGIN');
$node->safe_psql('postgres', "CREATE DATABASE $_->[0] ENCODING '$_->[1]' LOCALE 'C' TEMPLATE template0")
  for [ app => 'UTF8' ], [ latin1 => 'LATIN1' ], [ ascii => 'SQL_ASCII' ];
for (qw(app latin1 ascii))
{
	$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt');
	$node->safe_psql($_, "ALTER DATABASE $_ SET pg_session_jwt.issuers_file = 'issuers.json'");
}

# --- one of them is plain -----------------------------------------------------------------

put_file("$data/issuers.json", issuers(plain => 'plain', url => undef, odd => 'qualified'));
my $uuid = '123e4567-e89b-42d3-a456-426614174000';
my $quoted = encode_utf8("b%7Cc%25\x{e9}");
my $utf8_odd = encode_utf8($odd);
my %app = (db => 'app', user => 'app_user');
my $subject_refused = refused('23514', 'JWT subject refused', detail => "subject has the form of another issuer's");
session_ok($node, 'the same subject of three issuers is three users', \%app,
	init_with(token_of(plain => '1001')) => '',
	$names => "1001|NULL|$plain",
	init_with(token_of(url => '1001')) => '',
	$names => "$url|1001|" . uid_of(url => '1001') . "|$url",
	init_with(token_of(odd => '1001')) => '',
	$names => "$quoted|1001|" . uid_of(odd => '1001') . "|$utf8_odd",
	init_with(token_of(plain => $uuid)) => '',
	$names => "$uuid|$uuid|$plain",
	init_with(token_of(url => $uuid)) => '',
	$names => "$url|$uuid|" . uid_of(url => $uuid) . "|$url",
	'SELECT issuer, subject FROM auth.jwt_status()' => "$url|$url|$uuid",
	q(SELECT auth.claim('sub'), auth.jwt() ->> 'sub') => "$uuid|$uuid");
session_ok($node, 'a plain subject cannot be made to look like one of another issuer', \%app,
	init_with(token_of(plain => "$url|1001")) => $subject_refused,
	init_with(token_of(plain => "b%7Cc%25\x{e9}|1001")) => $subject_refused,
	init_with(token_of(plain => 'https://gone.example|1001')) => $subject_refused,
	init_with(token_of(plain => 'auth0|1001')) => '',
	$names => "auth0|1001|NULL|$plain",
	init_with(token_of(plain => "b|c%\x{e9}|1001")) => '',
	$names => "$utf8_odd|1001|NULL|$plain");
my $uid = uid_of(url => '1001');
session_ok($node, 'nor has it a uid that another has', \%app,
	init_with(token_of(plain => $uid)) => '',
	$names => "$uid|NULL|$plain",
	init_with(token_of(plain => uc $uid)) => '',
	$names => uc($uid) . "|NULL|$plain",
	init_with(token_of(plain => 'f81d4fae-7dec-81d0-7765-00a0c91e6bf6')) => '',
	$names => "f81d4fae-7dec-81d0-7765-00a0c91e6bf6|f81d4fae-7dec-81d0-7765-00a0c91e6bf6|$plain");
session_ok($node, 'the uid is the one that SQL computes as documented', \%app,
	init_with(token_of(odd => "\x{20ac}|x")) => '',
	q(SELECT auth.user_id(), auth.uid() = encode(set_byte(set_byte(h, 6, get_byte(h, 6) & 15 | 128), 8,
		get_byte(h, 8) & 63 | 128), 'hex')::uuid
	  FROM substr(sha256(int8send(octet_length(auth.issuer())) || convert_to(auth.issuer(), 'UTF8') ||
		int8send(octet_length(auth.claim('sub'))) || convert_to(auth.claim('sub'), 'UTF8')), 1, 16) AS h) =>
	  "$quoted|" . encode_utf8("\x{20ac}|x") . '|t');
session_ok($node, 'issuer and subject cannot be moved into each other', \%app,
	init_with(token_of(url => 'a')) => '',
	q(SELECT auth.uid() = ') . uid_of(url => 'a') . q(') => 't');
isnt(uid_of(one => 'a'), do { local $name{one} = 'onea'; uid_of(one => '') }, 'the lengths are part of the uid');
session_ok($node, 'subjects that are absent, empty or no string', \%app,
	init_with(token_of(url => \'null')) => '',
	'SELECT auth.uid(), auth.issuer()' => "NULL|$url",
	'SELECT auth.user_id()' => refused('42804', 'invalid subject claim in the JWT'),
	init_with(token_of(url => '')) => '',
	$names => "$url||" . uid_of(url => '') . "|$url",
	init_with(token_of(plain => '')) => '',
	$names => "|NULL|$plain");

# --- other encodings ------------------------------------------------------------------------

my $accent = token_of(odd => "\x{e9}1");
session_ok($node, "$_: the same uid", { db => $_, user => 'app_user', encoding => 'UTF8' },
	init_with($accent) => '', $names => encode_utf8("b%7Cc%25\x{e9}|\x{e9}1|") . uid_of(odd => "\x{e9}1") . "|$utf8_odd")
  for qw(app latin1 ascii);

# --- parallel workers, the audit log ------------------------------------------------------------

my $of_url = token_of(url => $uuid);
my $named = "$url|$uuid|" . uid_of(url => $uuid) . "|$url";
session_ok($node, 'parallel workers name the user as their leader does', { db => 'app' },
	"SET $force = on" => '',
	init_with($of_url) => '',
	$names => $named,
	"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; mv issuers.json away.json'" => undef,
	$names => $named,
	"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; mv away.json issuers.json'" => undef,
	$names => $named);
session_ok($node, 'the audit log changes nothing', { db => 'app', set => { 'pg_session_jwt.audit_log' => 'on' } },
	init_with($of_url) => '', $names => $named);

# --- several share their subjects ------------------------------------------------------------------

put_file("$data/issuers.json", issuers(one => 'shared', two => 'shared', url => undef));
session_ok($node, 'two issuers share their subjects', \%app,
	init_with(token_of(one => $uuid)) => '',
	$names => "$uuid|$uuid|one",
	init_with(token_of(two => $uuid)) => '',
	$names => "$uuid|$uuid|two",
	init_with($of_url) => '',
	$names => $named,
	init_with(token_of(two => "$url|1001")) => $subject_refused,
	init_with(token_of(two => $uid)) => '',
	$names => "$uid|NULL|two");

# --- the document --------------------------------------------------------------------------------------

put_file("$data/issuers.json", issuers(one => undef));
session_ok($node, 'the only issuer is plain', \%app, init_with(token_of(one => '1001')) => '', $names => '1001|NULL|one');
put_file("$data/issuers.json", issuers(one => 'qualified'));
session_ok($node, 'unless its entry says otherwise', \%app,
	init_with(token_of(one => '1001')) => '', $names => 'one|1001|' . uid_of(one => '1001') . '|one');
put_file("$data/issuers.json", issuers(one => undef, two => undef));
session_ok($node, 'an accepted token is named anew when the document changes', { db => 'app' },
	init_with(token_of(one => '1001')) => '',
	$names => 'one|1001|' . uid_of(one => '1001') . '|one',
	"COPY (SELECT \$\$" . issuers(one => 'plain', two => undef) . "\$\$) TO PROGRAM 'cat >new; mv new issuers.json'" => undef,
	$names => '1001|NULL|one');
for (
	[ [ one => 'plain', two => 'plain' ], 'issuers[1]: equal subjects of issuers[0] would be one user, which "shared" in both allows' ],
	[ [ one => 'shared', two => 'plain' ], 'issuers[1]: equal subjects of issuers[0] would be one user, which "shared" in both allows' ],
	[ [ one => 'both' ], 'issuers[0]: "subjects" must be "plain", "qualified" or "shared"' ])
{
	my ($entries, $why) = @$_;
	put_file("$data/issuers.json", issuers(@$entries));
	session_ok($node, "refused: @$entries", \%app, init_with(token_of(one => '1001')) =>
		  refused('55000', 'no usable keys',
			detail => qr/^file issuers\.json: document of issuers is not as it must be: \Q$why\E, at byte \d+\.$/));
}

$node->stop;
done_testing();
