# SPDX-License-Identifier: Apache-2.0
# Shared by the tests of logins with a token: a server that asks for one, and sessions that
# tests/login/client.c opens.
package Login;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run ();
use Issuer;
use PostgreSQL::Test::Utils;
use SessionJwt;
use Test::More;

our @EXPORT = qw(start_login_node set_hba set_ident hba_line reload login_conf login_ok login_refused login_many logged
  run_client start_client finish_client);

# The settings of postgresql.conf that trust the test issuer's keys in jwks.json.
sub login_conf
{
	my $alg = session_alg();
	return <<END;
oauth_validator_libraries = 'pg_session_jwt'
pg_session_jwt.mode = 'issuer'
pg_session_jwt.jwks_file = 'jwks.json'
pg_session_jwt.issuer = '$ISSUER'
pg_session_jwt.audience = '$AUDIENCE'
pg_session_jwt.algorithms = '$alg'
END
}

# A server that trusts a key. Superusers who connect without a token: the one of the test alone.
#   conf  more lines for postgresql.conf;  hba, ident  the lines of pg_hba.conf and pg_ident.conf
sub start_login_node
{
	my ($name, $key, %o) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--no-locale', '--encoding=UTF8' ], allows_streaming => $o{streaming} // 0);
	$node->append_conf('postgresql.conf', "log_statement = none\n" . login_conf() . ($o{conf} // ''));
	put_file($node->data_dir . '/jwks.json', key_set($key));
	write_hba($node, $o{hba} // hba_line());
	write_ident($node, $o{ident} // '');
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_session_jwt');
	return $node;
}

# A line of pg_hba.conf: hba_line(OPTION => VALUE, ...); database, role: all, unless named.
sub hba_line
{
	my %o = (issuer => $ISSUER, scope => 'notes', @_);
	my ($database, $role) = map { delete $o{$_} // 'all' } qw(database role);
	return join ' ', 'local', $database, $role, 'oauth', map { qq($_="$o{$_}") } sort keys %o;
}

sub write_hba
{
	my ($node, @lines) = @_;
	my $admin = getpwuid $<;
	put_file($node->data_dir . '/pg_hba.conf',
		join '', map { "$_\n" } "local all $admin trust", "local replication $admin trust", @lines);
}

sub write_ident
{
	my ($node, @lines) = @_;
	put_file($node->data_dir . '/pg_ident.conf', join '', map { "$_\n" } @lines);
}

# New connections have what was changed.
sub reload
{
	my ($node) = @_;
	my $before = $node->safe_psql('postgres', 'SELECT pg_conf_load_time()');
	$node->reload;
	$node->poll_query_until('postgres', "SELECT pg_conf_load_time() <> '$before'") or die 'the server reads no configuration';
}

sub set_hba
{
	my ($node, @lines) = @_;
	write_hba($node, @lines);
	reload($node);
}

sub set_ident
{
	my ($node, @lines) = @_;
	write_ident($node, @lines);
	reload($node);
}

# ---- clients -------------------------------------------------------------------

sub quoted
{
	my ($value) = @_;
	$value =~ s/([\\'])/\\$1/g;
	return "'$value'";
}

# Starts the client; returns a hash: run, the process; in and out, its input and output. Options as
# of login_ok, and count.
sub start_client
{
	my ($node, $options, $input) = @_;
	my $tokens = PostgreSQL::Test::Utils::tempdir() . '/tokens';
	put_file($tokens, join '', map { "$_\n" } ref $options->{token} ? @{ $options->{token} } : $options->{token});
	my %set = %{ $options->{set} // {} };
	my %connection = (
		host => $node->host,
		port => $node->port,
		dbname => $options->{db} // 'postgres',
		user => $options->{user},
		oauth_issuer => $options->{issuer} // $ISSUER,
		oauth_client_id => 'notes-client',
		options => join(' ', map { (my $value = $set{$_}) =~ s/([\\\s])/\\$1/g; "-c $_=$value" } sort keys %set));
	my %client = (in => $input, out => '', err => '');
	$client{run} = IPC::Run::start(
		[
			"$ENV{PGSJ_MODULES}/login_client", $tokens,
			join(' ', map { "$_=" . quoted($connection{$_}) } sort keys %connection),
			$options->{count} // ()
		],
		'<', \$client{in}, '>', \$client{out}, '2>', \$client{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%client;
}

# Waits for the end of the client; returns its output as lines.
sub finish_client
{
	my ($client) = @_;
	$client->{run}->finish;
	# libpq prints the warnings of a login there.
	die $client->{err} if $client->{err} =~ /^login_client: /m;
	return split /\n/, $client->{out};
}

sub run_client { return finish_client(start_client(@_)) }

# What the server wrote into its log while $run ran.
sub logged
{
	my ($node, $run) = @_;
	my $from = -s $node->logfile;
	$run->();
	return slurp_file($node->logfile, $from);
}

sub unescaped
{
	my ($text) = @_;
	$text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
	return $text;
}

# Logs in and runs statements: login_ok($node, $name, \%options, SQL => RESULT, ...).
#   options  token, user; db; issuer: of libpq; set: settings of the startup packet (a hash)
#   RESULT   as of session_ok; a "statement" \sleep SECONDS waits while the session is idle
# Returns the notices that the server sent, as a list of hashes.
sub login_ok
{
	my ($node, $name, $options, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my (@statements, @complaints, @results, @notices, @rows, $error);
	for (my $i = 0; $i < @steps; $i += 2)
	{
		(my $line = $steps[$i]) =~ s/\s+/ /g;
		push @statements, "$line\n";
	}
	for my $line (run_client($node, $options, join '', @statements))
	{
		my ($kind, $text) = split / /, $line, 2;
		$text = unescaped($text // '');
		if ($kind eq 'row') { push @rows, $text }
		elsif ($kind eq 'refused') { push @complaints, "refused: $text" }
		elsif ($kind eq 'done')
		{
			push @results, $error // join "\n", @rows;
			@rows = ();
			$error = undef;
		}
		elsif ($kind eq 'notice' || $kind eq 'error')
		{
			my %message;
			@message{qw(severity state message)} = split / /, $text, 3;
			if ($kind eq 'error') { $error = \%message }
			else { push @notices, \%message }
		}
		else { $error->{$kind} = $text }
	}
	for (my $i = 0; $i < @steps && !grep { /^refused/ } @complaints; $i += 2)
	{
		push @complaints, SessionJwt::complaint($steps[$i], $results[ $i / 2 ], $steps[ $i + 1 ]);
	}
	ok(!@complaints, $name) or diag join "\n", @complaints;
	return @notices;
}

# A login that is refused. The client gets libpq's and the server's own words and no more; the
# server's log has a line like $reason.
sub login_refused
{
	my ($node, $name, $options, $reason) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my (@told, @complaints);
	my $log = logged($node, sub { @told = run_client($node, $options, '') });
	my $last = $told[-1] // '';
	push @complaints, "told the client: " . join "\n", @told
	  if $last !~ /^refused .*FATAL:  OAuth bearer authentication failed for user "\Q$options->{user}\E"$/ || @told > 2;
	push @complaints, "logged: $log" if $log !~ $reason;
	ok(!@complaints, $name) or diag join "\n", @complaints;
}

# Logs in so often, with each token in turn; returns what the client counted.
sub login_many
{
	my ($node, $options, $count) = @_;
	return join "\n", run_client($node, { %$options, count => $count }, '');
}

1;
