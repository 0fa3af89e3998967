# SPDX-License-Identifier: Apache-2.0
# Shared by the TAP tests: clusters, keys, tokens, and sessions as a list of
# statements with their expected results.
package SessionJwt;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run ();
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(
  start_node backends backend_with_module session_alg public_jwk private_jwk sign young_second fixture_token
  refused if_loadable_in_parallel init_with session_ok logged_pieces
);

my $json = JSON::PP->new->canonical;
my $fixtures = "$ENV{PGSJ_TESTS}/fixtures";

# A running server that finds the staged extension; conf: more lines for postgresql.conf.
sub start_node
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "log_statement = none\n" . ($conf // ''));
	$node->start;
	return $node;
}

# Runs sjwt on $input; dies if it fails.
sub sjwt
{
	my ($input, @arguments) = @_;
	my ($out, $err);
	IPC::Run::run([ $ENV{SJWT}, @arguments ], '<', \$input, '>', \$out, '2>', \$err)
	  or die "sjwt @arguments: $err";
	chomp $out;
	return $out;
}

# Algorithm => the backend that verifies it, or undef, from the output of this build's tool.
my %backends;
# Backend => "backend: module", where its library names one.
my %modules;

sub backends
{
	if (!%backends)
	{
		my ($table, $modules) = split /\n\n/, sjwt('', 'backends');
		%modules = map { /^([a-z-]+): (.*)/ ? ($1 => $_) : () } split /\n/, $modules // '';
		for my $line (split /\n/, $table)
		{
			my ($algorithm, $verifies) = split ' ', $line;
			next unless $algorithm =~ /^(EdDSA|[HREP]S\d{3}|ES256K)$/;
			$backends{$algorithm} = $verifies eq '-' ? undef : $verifies;
		}
	}
	return \%backends;
}

# What auth.jwt_status() calls the backend of an algorithm: with the module of its library.
sub backend_with_module
{
	my $name = backends()->{ $_[0] };
	return $modules{$name} // $name;
}

# The algorithm of the session's key.
sub session_alg
{
	return backends()->{EdDSA} ? 'EdDSA' : 'ES256';
}

sub key_file
{
	my ($alg) = @_;
	return "$fixtures/keys/" . ($alg =~ /^[RP]S/ ? 'RSA' : $alg) . '.jwk';
}

# The test key for an algorithm, as a hash.
sub private_jwk
{
	my ($alg) = @_;
	return $json->decode(slurp_file(key_file($alg // session_alg())));
}

# Its public key as JSON; further members replace or add members (undef: remove).
sub public_jwk
{
	my ($alg, %members) = @_;
	my %jwk = (%{ private_jwk($alg) }, %members);
	delete @jwk{ grep { !defined $jwk{$_} } keys %jwk };
	delete @jwk{qw(d p q dp dq qi)};
	return $json->encode(\%jwk);
}

# A token with exactly these octets as payload.
#   alg     default: the session's
#   header  exactly these octets as header
#   jwk     sign with this private key (a hash), not with the test key for alg
sub sign
{
	my ($payload, %o) = @_;
	my $alg = $o{alg} // session_alg();
	my $file = key_file($alg);
	if ($o{jwk})
	{
		$file = PostgreSQL::Test::Utils::tempdir() . '/key.jwk';
		open my $handle, '>', $file or die "$file: $!";
		print $handle $json->encode($o{jwk});
		close $handle;
	}
	return sjwt($payload, 'sign', '--key', $file, '--alg', $alg, '--raw-payload', '-',
		defined $o{header} ? ('--header', $o{header}) : ());
}

# Epoch seconds at the start of a second, so that a test has a whole second to use a
# token with times computed from it.
sub young_second
{
	my $fraction = Time::HiRes::time() - int(Time::HiRes::time());
	Time::HiRes::sleep(1 - $fraction) if $fraction > 0.2;
	return time;
}

# A token that sjwt refuses to sign; see tests/fixtures/README.md.
sub fixture_token
{
	my ($name, $alg) = @_;
	my $token = slurp_file("$fixtures/tokens/$name.$alg.jwt");
	chomp $token;
	return $token;
}

# An expected error: SQLSTATE, primary message and, if given, detail and hint
# (undef: there must be none). A string must be equal, a regexp must match.
sub refused
{
	my ($state, $message, %rest) = @_;
	return { state => $state, message => $message, %rest };
}

# What comes of a statement that loads the library in a parallel operation: $wanted, unless
# the server cannot apply settings there. That depends on the minor release of its headers.
sub if_loadable_in_parallel
{
	my ($wanted) = @_;
	chomp(my $headers = `"$ENV{PG_CONFIG}" --includedir-server`);
	return $wanted if slurp_file("$headers/utils/guc.h") =~ /GUC_ALLOW_IN_PARALLEL/;
	return refused('25000', 'pg_session_jwt cannot be loaded during a parallel operation',
		hint => qr/session_preload_libraries/);
}

# The statement that sets a token.
sub init_with
{
	my ($token) = @_;
	return "SELECT auth.jwt_session_init('$token')";
}

sub fits
{
	my ($got, $wanted) = @_;
	return !defined $got if !defined $wanted;
	return 0 if !defined $got;
	return ref $wanted ? $got =~ $wanted : $got eq $wanted;
}

sub show
{
	my ($value) = @_;
	return '(nothing)' if !defined $value;
	return $value if ref $value ne 'HASH';
	return join ', ', map { "$_: " . ($value->{$_} // '(none)') }
	  grep { exists $value->{$_} } qw(severity state message detail hint context);
}

# What is to say of a statement's result, the rows or an error as a hash: nothing if it is the expected one.
sub complaint
{
	my ($sql, $got, $wanted) = @_;
	my $fits;
	if (ref $wanted eq 'CODE')
	{
		$fits = $wanted->($got);
	}
	elsif (ref $wanted eq 'HASH')
	{
		$fits = ref $got && !grep { !fits($got->{$_}, $wanted->{$_}) } keys %$wanted;
	}
	else
	{
		$fits = defined $got && !ref $got && (!defined $wanted || fits($got, $wanted));
	}
	return () if $fits;
	return (length $sql > 200 ? substr($sql, 0, 200) . '...' : $sql)
	  . "\n     got: " . show($got)
	  . "\n  wanted: " . show($wanted);
}

# psql's verbose messages as a list of hashes.
sub parse_messages
{
	my ($text) = @_;
	my (@messages, $field);
	for my $line (split /\n/, $text)
	{
		if ($line =~ /^psql:<stdin>:\d+: (\w+):  (\w{5}): (.*)$/)
		{
			push @messages, { severity => $1, state => $2, message => $3 };
			$field = 'message';
		}
		elsif (@messages && $line =~ /^(DETAIL|HINT|CONTEXT|LOCATION|QUERY|LINE \d+): +(.*)$/)
		{
			$field = lc $1;
			$messages[-1]{$field} = $2;
		}
		elsif (@messages)
		{
			$messages[-1]{$field} .= "\n$line";
		}
		else
		{
			push @messages, { severity => 'psql', state => '', message => $line };
			$field = 'message';
		}
	}
	return @messages;
}

# One session, one test: session_ok($node, $name, \%options, SQL => RESULT, ...).
#   options  db, user; set: settings of the startup packet (a hash); jwk: the
#            setting pg_session_jwt.jwk among them; encoding: of the client
#   RESULT   the rows as one string (lines; columns divided by |; NULL), a regexp,
#            refused(...), undef for any result but an error, or a function that
#            checks the result (the rows, or the error as a hash)
# Returns the messages that the server sent, as a list of hashes.
sub session_ok
{
	my ($node, $name, $options, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my %set = %{ $options->{set} // {} };
	$set{'pg_session_jwt.jwk'} = $options->{jwk} if defined $options->{jwk};
	local $ENV{PGCLIENTENCODING} = $options->{encoding} // 'UTF8';
	local $ENV{PGOPTIONS} = join ' ', map {
		my $value = $set{$_};
		$value =~ s/([\\\s])/\\$1/g;
		"-c $_=$value"
	} sort keys %set;

	my $script = "\\set VERBOSITY verbose\n\\pset null NULL\n";
	for (my $i = 0; $i < @steps; $i += 2)
	{
		$script .= "$steps[$i];\n\\echo #$i# :SQLSTATE\n";
	}
	my ($status, $out, $err) = $node->psql(
		$options->{db} // 'postgres',
		$script,
		on_error_stop => 0,
		extra_params => [ $options->{user} ? ('-U', $options->{user}) : () ]);

	my @messages = parse_messages($err);
	my @errors = grep { $_->{severity} =~ /^(ERROR|FATAL|PANIC|psql)$/ } @messages;
	my @complaints;
	my $rest = "$out\n";
	for (my $i = 0; $i < @steps; $i += 2)
	{
		my ($sql, $wanted) = @steps[ $i, $i + 1 ];
		my $got;
		if ($rest =~ s/\A(.*?)\n?^#$i# (\w{5})\n//ms)
		{
			$got = $2 eq '00000' ? $1 : shift @errors;
		}
		else
		{
			$got = shift @errors;
		}
		push @complaints, complaint($sql, $got, $wanted);
	}
	ok(!@complaints, $name) or diag join "\n", @complaints;
	return @messages;
}

# Returns every run of 12 characters of a token's parts that is in the server's log.
sub logged_pieces
{
	my ($node, @tokens) = @_;
	return pieces_in(slurp_file($node->logfile), @tokens);
}

sub pieces_in
{
	my ($text, @tokens) = @_;
	my (%piece, %found);
	for my $part (map { split /\./ } @tokens)
	{
		$piece{ substr $part, $_, 12 } = 1 for 0 .. length($part) - 12;
	}
	while ($text =~ /([A-Za-z0-9_+\/=-]{12,})/g)
	{
		my $run = $1;
		for (0 .. length($run) - 12)
		{
			my $piece = substr $run, $_, 12;
			$found{$piece} = 1 if $piece{$piece};
		}
	}
	return sort keys %found;
}

1;
