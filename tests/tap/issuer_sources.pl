# SPDX-License-Identifier: Apache-2.0
# Several sources of one issuer's keys: inline, a file, further files, in any combination.
# Each has its own rotation and its own last valid keys.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $node = start_node('issuer_sources');
my $data = $node->data_dir;
my $json = JSON::PP->new->canonical;
my $user = 'SELECT auth.user_id()';
my $force = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';

my %key = map { ($_ => new_key($_)) } qw(inline file more most);
my %token = map { ($_ => token_for($key{$_}, $_)) } keys %key;
my $forged = token_for({ %{ new_key('file') } }, 'mallory');
put_file("$data/$_.json", key_set($key{$_})) for qw(file more most);
my $inline = key_set($key{inline});
my $no_key = refused('23514', 'no key for this JWT',
	detail => qr/^no key for this token: no key has its "kid".* \(\d+ in [^()]+\)$/);

sub run_sh { return ("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; $_[0]'" => undef) }

$node->safe_psql('postgres', <<END);
CREATE ROLE app_user LOGIN;
CREATE DATABASE app;
CREATE DATABASE document;
CREATE DATABASE plain;
ALTER DATABASE app SET pg_session_jwt.jwks = '$inline';
ALTER DATABASE app SET pg_session_jwt.jwks_file = 'file.json';
ALTER DATABASE app SET pg_session_jwt.jwks_files = 'more.json, most.json';
ALTER DATABASE document SET pg_session_jwt.issuers_file = 'issuers.json';
END
$node->safe_psql($_, 'CREATE EXTENSION pg_session_jwt') for qw(app document plain);
put_file("$data/issuers.json", $json->encode({ issuers => [ { issuer => $ISSUER, jwks => $json->decode($inline),
	jwks_file => 'file.json', jwks_files => [ 'more.json', 'most.json' ] } ] }));

my @all = map { (init_with($token{$_}) => '', $user => $_) } sort keys %token;
for my $db (qw(app document))
{
	my %to = (db => $db);
	session_ok($node, "$db: a token of each source", { %to, user => 'app_user' },
		@all,
		init_with($forged) => refused('23514', 'invalid JWT signature'),
		'SELECT mode, keys_known FROM auth.jwt_status()' => 'issuer|4',
		init_with($token{most}) => '',
		"SET $force = on" => '',
		$user => 'most');

	# One source rotates: its old key is gone at once, and the others are what they were.
	my $next = new_key('next');
	put_file("$data/next.json", key_set($next));
	session_ok($node, "$db: each source rotates by itself", \%to,
		@all,
		run_sh('cp more.json kept.json; cp next.json new.json; mv new.json more.json') => (),
		$user => 'most',
		init_with($token{more}) => $no_key,
		init_with(token_for($next, 'next')) => '',
		$user => 'next',
		(map { (init_with($token{$_}) => '', $user => $_) } qw(inline file most)),
		run_sh('mv kept.json more.json') => (),
		@all);

	# A source that cannot be used keeps what it had; it takes away nothing of the others.
	session_ok($node, "$db: each source keeps its own last valid keys", \%to,
		@all,
		run_sh('cp more.json kept.json; echo broken >more.json') => (),
		@all,
		'SELECT keys_known FROM auth.jwt_status()' => '4',
		run_sh('mv kept.json more.json') => (),
		@all);
	rename "$data/most.json", "$data/away.json" or die;
	session_ok($node, "$db: a source that is not there", { %to, user => 'app_user' },
		(map { (init_with($token{$_}) => '', $user => $_) } qw(inline file more)),
		init_with($token{most}) => refused('23514', 'no key for this JWT',
			detail => q(its issuer's key file "most.json" cannot be used: No such file or directory)),
		'SELECT keys_known FROM auth.jwt_status()' => '3');
	rename "$data/away.json", "$data/most.json" or die;
}

# The same key in two sources is one key, and a token of it is not verified again.
put_file("$data/twice.json", key_set($key{more}, { %{ $key{file} }, use => 'sig' }));
session_ok($node, 'the same key in two sources is one key', { db => 'app' },
	"SELECT auth.init()" => '',
	"SET pg_session_jwt.jwks_files = 'twice.json', 'more.json', 'most.json'" => '',
	@all,
	'SELECT keys_known FROM auth.jwt_status()' => '4');

# A list alone, and no source with keys.
session_ok($node, 'further files alone', { db => 'plain' },
	'SELECT mode FROM auth.jwt_status()' => 'claims',
	"SET pg_session_jwt.jwks_files = 'most.json'" => '',
	'SELECT mode FROM auth.jwt_status()' => 'issuer',
	init_with($token{most}) => '',
	$user => 'most',
	init_with($token{file}) => $no_key,
	"SET pg_session_jwt.jwks_files = 'none.json', 'neither.json'" => '',
	'SELECT auth.init()' => refused('55000', 'no usable keys', detail => 'file none.json: No such file or directory'));
session_ok($node, 'keys in a setting that are of no use are no source that is left out', { db => 'plain' },
	q(SET pg_session_jwt.jwks = '{"keys":[]}') => '',
	"SET pg_session_jwt.jwks_file = 'file.json'" => '',
	init_with($token{file}) => refused('55000', 'no usable keys',
		detail => qr/^pg_session_jwt\.jwks: no usable key in the set/));
$node->safe_psql('plain', q(ALTER DATABASE plain SET pg_session_jwt.jwks = '{"keys":[]}'));
$node->safe_psql('plain', q(ALTER DATABASE plain RESET ALL));
my $many = join ', ', map { "'$_.json'" } 1 .. 17;
session_ok($node, 'contradictions, and too many', { db => 'plain' },
	'SELECT mode FROM auth.jwt_status()' => 'claims',
	(map {
		my ($name, $value) = @$_;
		(
			"SET pg_session_jwt.issuers_file = 'issuers.json'" => '',
			"SET pg_session_jwt.$name = '$value'" => '',
			init_with($token{file}) => refused('55000', 'pg_session_jwt is misconfigured',
				detail => qr/^pg_session_jwt\.issuers_file is set beside /),
			"RESET pg_session_jwt.$name" => '')
	} [ jwks => $inline ], [ jwks_file => 'file.json' ], [ jwks_files => 'file.json' ]),
	init_with($token{file}) => '',
	"SET pg_session_jwt.jwks_files = $many" => refused('22023', 'invalid value for parameter "pg_session_jwt.jwks_files"',
		detail => 'The list has more than 16 items.'),
	"SET pg_session_jwt.jwks_files = 'a,'" => refused('22023', 'invalid value for parameter "pg_session_jwt.jwks_files"'));
session_ok($node, 'too many, set before the library loads', { db => 'plain' },
	'SET pg_session_jwt.jwks_files = ' . ($many =~ s/', '/,/gr) => '',
	init_with($token{file}) => refused('55000', 'pg_session_jwt is misconfigured',
		detail => 'The value of pg_session_jwt.jwks_files has more than 16 items.'));

# From a shared secret to a public key: the new keys come beside the old ones, in a file of
# their own, and later the secret's file goes.
if (backends()->{HS256})
{
	my $secret = { kty => 'oct', alg => 'HS256', kid => 'secret', k => encode_base64url('s' x 32) };
	my $old = sign($json->encode({ iss => $ISSUER, sub => 'old', exp => time + 3600 }), alg => 'HS256',
		jwk => $secret, header => '{"alg":"HS256","kid":"secret"}');
	my $alg = session_alg();
	put_file("$data/secret.json", $json->encode({ keys => [$secret] }));
	session_ok($node, 'from a shared secret to a public key', { db => 'plain' },
		'SELECT mode FROM auth.jwt_status()' => 'claims',
		"SET pg_session_jwt.jwks_file = 'secret.json'" => '',
		q(SET pg_session_jwt.algorithms = 'HS256') => '',
		init_with($old) => '',
		"SET pg_session_jwt.jwks_files = 'file.json'" => '',
		$user => 'old',
		init_with($token{file}) => refused('23514', 'JWT algorithm refused'),
		"SET pg_session_jwt.algorithms = 'HS256', '$alg'" => '',
		init_with($token{file}) => '',
		init_with($old) => '',
		$user => 'old',
		"SET pg_session_jwt.jwks_file = ''" => '',
		$user => $no_key,
		init_with($token{file}) => '',
		$user => 'file');
}

is_deeply([ logged_pieces($node, values %token, $forged) ], [], 'no piece of a token in the log');
$node->stop;
done_testing();
