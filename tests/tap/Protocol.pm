# SPDX-License-Identifier: Apache-2.0

# A client of the server's protocol, for what psql cannot do: portals, bound parameters, calls of
# functions by their number (the fast path), and a startup packet of any content.
package Protocol;

use strict;
use warnings;

use IO::Socket::UNIX;
use Test::More ();

# Connects as user to database db of a node. set: settings of the startup packet (a hash). token: what to log in
# with where the server asks for it by OAUTHBEARER (RFC 7628); $client->{refusal} is then what the server says of a
# token that it refuses. The answer to the startup packet is $client->{answer}.
sub connect
{
	my ($class, $node, %o) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port)
	  or die "cannot connect: $!";
	my $set = $o{set} // {};
	my $options = join ' ', map { "-c $_=" . $set->{$_} =~ s/([\\\s])/\\$1/gr } sort keys %$set;
	my $startup = join "\0", 'user', $o{user} // 'postgres', 'database', $o{db} // 'postgres', 'options', $options, '', '';
	my $self = bless { socket => $socket, token => $o{token} }, $class;
	$self->{answer} = $self->exchange(message('', pack('N', 3 << 16) . $startup));
	return $self;
}

sub disconnect
{
	my ($self) = @_;
	$self->write(message('X', ''));
	# The server closes the connection when the session has ended.
	$self->{socket}->read(my $rest, 1);
	$self->{socket}->close;
	return;
}

# --- messages -----------------------------------------------------------------

sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', 4 + length $body) . $body;
}

sub parse { my ($name, $sql) = @_; return message('P', "$name\0$sql\0\0\0") }
sub sync { return message('S', '') }

sub values_of
{
	return pack('n', scalar @_) . join '', map { defined ? pack('N', length) . $_ : pack('l>', -1) } @_;
}

# All parameters and results are text.
sub bind_statement
{
	my ($portal, $statement, @values) = @_;
	return message('B', "$portal\0$statement\0\0\0" . values_of(@values) . "\0\0");
}

sub execute
{
	my ($portal, $rows) = @_;
	return message('E', "$portal\0" . pack 'N', $rows // 0);
}

# --- exchanges; each returns an answer ------------------------------------------

# One string of the simple protocol. copy: the data for COPY FROM STDIN, or a function that is called with a
# function that sends data.
sub simple
{
	my ($self, $sql, $copy) = @_;
	my $end = message(defined $copy ? ('c', '') : ('f', "no data\0"));
	$self->{copy} = sub {
		if (ref $copy) { $copy->(sub { $self->write(message('d', $_[0])) }) }
		elsif (defined $copy) { $self->write(message('d', $copy)) }
		$self->write($end);
	};
	return $self->exchange(message('Q', "$sql\0"));
}

# One test: each string of the simple protocol has this result, whose lines are joined, or which matches.
sub steps
{
	my ($self, $name, @steps) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @wrong;
	push @wrong, "connection: $self->{answer}{error}{M}" if $self->{answer}{error};
	while (!@wrong && @steps)
	{
		my ($sql, $wanted) = splice @steps, 0, 2;
		my $got = join "\n", @{ $self->simple($sql)->{lines} };
		push @wrong, "$sql\n     got: $got\n  wanted: $wanted" if ref $wanted ? $got !~ $wanted : $got ne $wanted;
	}
	Test::More::ok(!@wrong, $name) or Test::More::diag(@wrong);
	return $self;
}

# One statement of the extended protocol.
sub extended
{
	my ($self, $sql, @values) = @_;
	$self->{copy} = sub { $self->write(message('f', "no data\0") . sync()) };
	return $self->exchange(parse('', $sql) . bind_statement('', '', @values) . execute('') . sync());
}

# Statements of the extended protocol, all sent before the first answer.
sub pipeline
{
	my ($self, @sql) = @_;
	return $self->exchange(join '', (map { parse('', $_) . bind_statement('', '') . execute('') } @sql), sync());
}

# Binds a portal, executes it (rows: at most so many), or both in parts.
sub bind_portal
{
	my ($self, $portal, $sql, @values) = @_;
	return $self->exchange(parse('', $sql) . bind_statement($portal, '', @values) . sync());
}

sub execute_portal
{
	my ($self, $portal, $rows) = @_;
	return $self->exchange(execute($portal, $rows) . sync());
}

sub prepare
{
	my ($self, $name, $sql) = @_;
	return $self->exchange(parse($name, $sql) . sync());
}

sub execute_prepared
{
	my ($self, $name, @values) = @_;
	return $self->exchange(bind_statement('', $name, @values) . execute('') . sync());
}

# The fast path. The function's number is looked up on the same connection.
sub call
{
	my ($self, $function, @values) = @_;
	my $found = $self->simple("SELECT '$function'::regprocedure::oid");
	return $found if $found->{error};
	return $self->exchange(message('F', pack('N', $found->{lines}[0]) . "\0\0" . values_of(@values) . "\0\0"));
}

sub write
{
	my ($self, $octets) = @_;
	$self->{socket}->print($octets);
	$self->{socket}->flush;
	return;
}

sub exchange
{
	my ($self, $octets) = @_;
	$self->write($octets);
	return $self->answer;
}

# The server asks for a token (10), or says why it refuses it (11), which the client confirms.
sub authenticate
{
	my ($self, $request, $data) = @_;
	if ($request == 10)
	{
		my $first = "n,,\x01auth=Bearer $self->{token}\x01\x01";
		$self->write(message('p', "OAUTHBEARER\0" . pack('N', length $first) . $first));
	}
	elsif ($request == 11)
	{
		$self->{refusal} = $data;
		$self->write(message('p', "\x01"));
	}
	return;
}

# --- answers --------------------------------------------------------------------

sub receive
{
	my ($self, $length) = @_;
	my $octets = '';
	while (length $octets < $length)
	{
		$self->{socket}->read($octets, $length - length $octets, length $octets)
		  or die 'the server has closed the connection';
	}
	return $octets;
}

sub fields
{
	return map { /^(.)(.*)/s } split /\0/, $_[0];
}

sub row
{
	my ($columns, $rest) = unpack 'n a*', $_[0];
	my @row;
	for (1 .. $columns)
	{
		(my $size, $rest) = unpack 'l> a*', $rest;
		push @row, $size < 0 ? 'NULL' : substr $rest, 0, $size, '';
	}
	return join '|', @row;
}

# Everything up to ReadyForQuery:
#   lines    rows (columns separated by |; NULL), and errors as "SQLSTATE: message", in their order
#   error    the fields of the last error (a hash of the protocol's letters), or undef
#   notices  likewise, of notices and warnings
#   notified "channel: payload" of each notification
#   state    of the transaction: I (none), T (open), E (failed)
sub answer
{
	my ($self) = @_;
	my %answer = (lines => [], notices => [], notified => []);
	while (1)
	{
		my ($type, $length) = unpack 'a N', $self->receive(5);
		my $body = $self->receive($length - 4);
		if ($type eq 'D') { push @{ $answer{lines} }, row($body) }
		elsif ($type eq 'd') { push @{ $answer{lines} }, $body =~ s/\n\z//r }
		elsif ($type eq 'V')
		{
			my ($size, $value) = unpack 'l> a*', $body;
			push @{ $answer{lines} }, $size < 0 ? 'NULL' : $value;
		}
		elsif ($type eq 'R') { $self->authenticate(unpack 'N a*', $body) }
		elsif ($type eq 'N') { push @{ $answer{notices} }, { fields($body) } }
		elsif ($type eq 'A')
		{
			my ($channel, $payload) = (unpack 'N Z* Z*', $body)[ 1, 2 ];
			push @{ $answer{notified} }, "$channel: $payload";
		}
		elsif ($type eq 'G')
		{
			$self->{copy}->();
		}
		elsif ($type eq 'E')
		{
			$answer{error} = { fields($body) };
			push @{ $answer{lines} }, "$answer{error}{C}: $answer{error}{M}";
			# The connection ends with this error.
			return \%answer if $answer{error}{S} =~ /^(FATAL|PANIC)$/;
		}
		elsif ($type eq 'Z')
		{
			$answer{state} = $body;
			return \%answer;
		}
	}
}

1;
