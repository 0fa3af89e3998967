# SPDX-License-Identifier: Apache-2.0
# A streaming hot standby verifies tokens as the primary does, with its own key file.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Issuer;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '--no-locale', '--encoding=UTF8' ]);
$primary->append_conf('postgresql.conf', 'log_statement = none');
$primary->start;

my ($old, $new) = map { new_key($_) } qw(old new);
put_file($primary->data_dir . '/jwks.json', key_set($old));
$primary->safe_psql('postgres', "CREATE EXTENSION pg_session_jwt;\n" . trust('postgres'));
$primary->safe_psql('postgres', notes_table(2, qw(alice bob)) . 'CREATE ROLE app LOGIN; GRANT ALL ON note TO app');

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', "INSERT INTO note VALUES ('alice', 'alice 3')");
$primary->wait_for_catchup($standby);

my $notes = 'SELECT body FROM note ORDER BY body';
my %rows = (alice => "alice 1\nalice 2\nalice 3", bob => "bob 1\nbob 2");
my $no_key = refused('23514', 'no key for this JWT');
my %app = (user => 'app');
my %token;
for my $user (qw(alice bob))
{
	$token{old}{$user} = token_for($old, $user);
	$token{new}{$user} = token_for($new, $user);
}
my @tokens = map { values %$_ } values %token;

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'it is a standby');
session_ok($standby, 'standby: each user reads rows that came by streaming', \%app,
	$notes, '',
	(map { (init_with($token{old}{$_}), undef, $notes, $rows{$_}, 'SELECT auth.user_id()', $_) } qw(alice bob)),
	"INSERT INTO note (body) VALUES ('written')",
	refused('25006', 'cannot execute INSERT in a read-only transaction'));

session_ok($standby, 'standby: for one transaction', \%app,
	'BEGIN', undef,
	"SELECT auth.jwt_authenticate('$token{old}{bob}')", undef,
	$notes, $rows{bob},
	'COMMIT', undef,
	$notes, '',
	"SET pg_session_jwt.jwt = '$token{old}{alice}'", undef,
	$notes, $rows{alice});

session_ok($standby, 'standby: what is refused there', \%app,
	init_with($token{new}{alice}), $no_key,
	init_with(token_for($old, 'alice', iss => 'https://other.example.com')), refused('23514', 'JWT issuer refused'),
	init_with(token_for($old, 'alice', exp => time - 3600)), refused('23514', 'Token used after it has expired'),
	"SET pg_session_jwt.jwks_file = 'mine.json'", refused('42501', qr/^permission denied/),
	$notes, '');

# Keys rotate on the standby; an open session uses the new keys from its next statement on.
my $directory = $standby->data_dir;
put_file("$directory/both.json", key_set($old, $new));
put_file("$directory/late.json", key_set($new));
session_ok($standby, 'standby: its key file rotates', \%app,
	init_with($token{old}{alice}), undef,
	$notes, $rows{alice},
	"\\! mv '$directory/both.json' '$directory/jwks.json'\n$notes", $rows{alice},
	init_with($token{new}{bob}), undef,
	$notes, $rows{bob},
	init_with($token{old}{alice}), undef,
	"\\! mv '$directory/late.json' '$directory/jwks.json'\n$notes", $no_key,
	init_with($token{new}{alice}), undef,
	$notes, $rows{alice});

session_ok($primary, 'primary: key files are not replicated', \%app,
	init_with($token{new}{alice}), $no_key,
	init_with($token{old}{alice}), undef,
	$notes, $rows{alice});

# ALTER DATABASE is replicated, and new connections to the standby have it.
$primary->safe_psql('postgres', "ALTER DATABASE postgres SET pg_session_jwt.audience = 'other'");
$primary->wait_for_catchup($standby);
session_ok($standby, 'standby: settings of the database are replicated', \%app,
	init_with($token{new}{alice}), refused('23514', 'JWT audience refused'),
	init_with(token_for($new, 'alice', aud => 'other')), undef,
	$notes, $rows{alice});

# Keys in a setting are replicated too.
my $keys = key_set($old);
$primary->safe_psql('postgres', <<END);
ALTER DATABASE postgres RESET pg_session_jwt.jwks_file;
ALTER DATABASE postgres SET pg_session_jwt.jwks = '$keys';
END
$primary->wait_for_catchup($standby);
session_ok($standby, 'standby: keys in a setting are replicated', \%app,
	init_with(token_for($new, 'alice', aud => 'other')), $no_key,
	init_with(token_for($old, 'bob', aud => 'other')), undef,
	$notes, $rows{bob});

# A session that is open on the standby notices a revocation on the primary when it has come.
my ($at_primary, $at_standby) = map { "psql -X -q -A -t -d '" . $_->connstr('postgres') . "' -c" } $primary, $standby;
my $revoke = "$at_primary \"INSERT INTO auth.revocation (iss, sub) VALUES ('$ISSUER', 'bob')\"";
my $wait = "until $at_standby 'TABLE auth.revocation' | grep -q bob; do sleep 0.1; done";
session_ok($standby, 'standby: a revocation in the table is replicated', \%app,
	init_with(token_for($old, 'bob', aud => 'other')), undef,
	'SELECT auth.user_id()', 'bob',
	"\\! $revoke\n\\! $wait\nSELECT auth.user_id()", refused('23514', 'JWT is revoked'));
$primary->safe_psql('postgres', 'DELETE FROM auth.revocation');
$primary->wait_for_catchup($standby);

$standby->promote;
session_ok($standby, 'after a promotion it verifies tokens, and writes', \%app,
	init_with(token_for($old, 'bob', aud => [ 'other', 'more' ])), undef,
	"INSERT INTO note (body) VALUES ('bob 3')", undef,
	$notes, "$rows{bob}\nbob 3");

is_deeply([ map { logged_pieces($_, @tokens) } $primary, $standby ], [], 'no part of a token is in a log');

done_testing();
