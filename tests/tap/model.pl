# SPDX-License-Identifier: Apache-2.0

# Random sequences of statements, compared with a model of who the user must be.
#
# Environment
#   PGSJ_MODEL_SEQUENCES  how many sequences (default: 500)
#   PGSJ_MODEL_SEED       the number of the first one (default: 1)
#   PGSJ_MODEL_LOGIN      if set, each connection logs in with a token
#
# A sequence is made from its number alone. One that fails is shortened and printed, with its number:
# "./dev model 1 NUMBER" runs it again.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Protocol;
use SessionJwt;
use Test::More;

my $sequences = $ENV{PGSJ_MODEL_SEQUENCES} // 500;
my $first = $ENV{PGSJ_MODEL_SEED} // 1;
my $logs_in = $ENV{PGSJ_MODEL_LOGIN};
my $longest = 24;
my $secret = 'the secret of the pool';

# --- tokens -----------------------------------------------------------------------

# In the mode session key the order of jti counts. Users may have several tokens.
my $exp = time + 86400;
my @good = map { { user => $_->[0], jti => $_->[1] } } [ alice => 1 ], [ bob => 2 ], [ alice => 3 ], [ carol => 4 ];
my %token;
# What a login asks for.
my $claims = '"iss":"https://issuer.example.com","scope":"notes"';
for my $n (1 .. @good)
{
	my $t = $good[ $n - 1 ];
	$token{"t$n"} = { %$t, text => sign(qq({"jti":$t->{jti},"sub":"$t->{user}","exp":$exp,$claims})) };
}
$token{forged} = { refused => '23514' };
$token{forged}{text} = $token{t1}{text} =~ s/\.[^.]*$//r . '.' . (split /\./, $token{t2}{text})[2];
$token{expired} = { refused => '23514', jti => 9, text => sign(qq({"jti":9,"sub":"dave","exp":1000000000,$claims})) };
$token{garbage} = { refused => '42804', text => 'garbage' };
my @tokens = sort keys %token;
my @good_tokens = map { "t$_" } 1 .. @good;

# --- the server ---------------------------------------------------------------------

my $node = start_node('model', $logs_in ? "oauth_validator_libraries = 'pg_session_jwt'\npg_session_jwt.jwks = '@{[ public_jwk() ]}'\n" : '');
# Debian's extension_destdir, which stands in before 18, prepends to absolute paths only.
my $library = $node->pg_version < 18 ? '$libdir/pg_session_jwt' : 'pg_session_jwt';
my $jwk = public_jwk();
# With late_ the library is loaded when it is first called; values from before are placeholders.
my @databases = $logs_in ? 'login' : qw(issuer late_issuer session_key late_session_key);
my $functions = '';
for my $name (@tokens)
{
	my $text = $token{$name}{text};
	$functions .= <<"END";
CREATE FUNCTION with_$name() RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '$text' AS
	\$\$ BEGIN RETURN auth.user_id(); END \$\$;
CREATE FUNCTION with_$name(text, boolean) RETURNS text LANGUAGE plpgsql SET pg_session_jwt.jwt = '$text' AS
	\$\$ BEGIN PERFORM set_config('pg_session_jwt.jwt', \$1, \$2); RETURN auth.user_id(); END \$\$;
END
}
$node->safe_psql('postgres', <<'END');
CREATE DATABASE model;
CREATE ROLE other;
CREATE ROLE open LOGIN IN ROLE other;
CREATE ROLE sealed LOGIN IN ROLE other;
CREATE ROLE strict LOGIN IN ROLE other;
END
$node->safe_psql('model', <<"END");
CREATE EXTENSION pg_session_jwt;
GRANT EXECUTE ON FUNCTION auth.jwt_seal(text) TO PUBLIC;
CREATE TABLE note (owner text);
INSERT INTO note VALUES ('alice'), ('bob'), ('carol'), ('dave');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = auth.user_id());
GRANT SELECT ON note TO PUBLIC;
CREATE FUNCTION setting(text, boolean) RETURNS void LANGUAGE plpgsql AS
	\$\$ BEGIN PERFORM set_config('pg_session_jwt.jwt', \$1, \$2); END \$\$;
CREATE FUNCTION setting_definer(text, boolean) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS
	\$\$ BEGIN PERFORM set_config('pg_session_jwt.jwt', \$1, \$2); END \$\$;
CREATE FUNCTION reading() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN auth.user_id(); END \$\$;
CREATE FUNCTION reading_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
	\$\$ BEGIN RETURN auth.user_id(); END \$\$;
$functions
END
$node->safe_psql('model', "ALTER ROLE $_ = on")
  for 'sealed SET pg_session_jwt.seal', 'strict SET pg_session_jwt.require_identity';
for my $db (@databases)
{
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE model");
	$node->safe_psql('postgres', "ALTER DATABASE $db SET pg_session_jwt.jwks = '$jwk'") if $db =~ /issuer/;
	$node->safe_psql('postgres', "ALTER DATABASE $db SET session_preload_libraries = '$library'") if $db !~ /late/;
}

if ($logs_in)
{
	my $data = $node->data_dir;
	write_file("$data/pg_hba.conf", "local all @{[ scalar getpwuid $< ]} trust\n"
		  . 'local all all oauth issuer="https://issuer.example.com" scope=notes map=users');
	write_file("$data/pg_ident.conf", join "\n", map { my $role = $_; map { "users $_ $role" } qw(alice bob carol) }
		  qw(open sealed strict));
	$node->restart;
}

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print $file "$text\n";
	close $file or die "$path: $!";
	return;
}

# --- the generator --------------------------------------------------------------------

sub one_of { return $_[ int rand @_ ] }

sub any_token { return one_of(rand() < 0.8 ? @good_tokens : @tokens) }

sub token_or_none { return rand() < 0.15 ? '' : any_token() }

# A step: an operation and its arguments. No step depends on what came before, so that a sequence of fewer
# steps is a sequence, too.
my @operations = (
	[ 3, sub { [ 'begin' ] } ],
	[ 2, sub { [ one_of(qw(commit commit commit rollback rollback chain)) ] } ],
	[ 3, sub { [ 'savepoint', one_of(qw(a b c)) ] } ],
	[ 2, sub { [ 'rollback_to', one_of(qw(a b c)) ] } ],
	[ 1, sub { [ 'release', one_of(qw(a b c)) ] } ],
	[ 5, sub { [ 'set', one_of(qw(SET set_config function DO caught)), token_or_none(), one_of(0, 1) ] } ],
	[ 1, sub { [ 'undone', token_or_none(), one_of(0, 1) ] } ],
	[ 1, sub { [ 'definer', token_or_none(), one_of(0, 1) ] } ],
	[ 2, sub { [ 'init', any_token() ] } ],
	[ 4, sub { [ 'authenticate', any_token() ] } ],
	[ 2, sub { [ 'reset', one_of('RESET pg_session_jwt.jwt', 'SET pg_session_jwt.jwt TO DEFAULT') ] } ],
	[ 1, sub { [ 'null', one_of(qw(set_config DO caught assigned)), one_of(0, 1) ] } ],
	[ 1, sub { [ 'reset_all' ] } ],
	[ 1, sub { [ 'discard_all' ] } ],
	[ 1, sub { [ 'role', one_of('SET ROLE other', 'SET LOCAL ROLE other', 'RESET ROLE') ] } ],
	[ 1, sub { [ 'claims', one_of(0, 1) ] } ],
	[ 1, sub { [ 'fail' ] } ],
	[ 2, sub { [ 'seal' ] } ],
	$logs_in ? [ 3, sub { [ 'refresh', any_token() ] } ] : (),
	[ 1, sub { [ 'unseal', one_of(0, 1, 1) ] } ],
	[ 2, sub { [ 'with', any_token() ] } ],
	[ 1, sub { [ 'with_and_set', any_token(), token_or_none(), one_of(0, 1) ] } ],
	[ 1, sub { [ 'bind', one_of(qw(p q)) ] } ],
	[ 2, sub { [ 'execute', one_of(qw(p q)) ] } ],
	[ 2, sub { [ 'string', token_or_none(), one_of(0, 1), one_of(qw(read fail)) ] } ],
	[ 8, sub { [ 'read', one_of(qw(user_id function definer policy claim)) ] } ],
	[ 4, sub { [ 'status' ] } ]);

sub make_step
{
	my $total = 0;
	$total += $_->[0] for @operations;
	my $pick = rand $total;
	for (@operations)
	{
		$pick -= $_->[0];
		return { how => one_of(qw(simple extended)), do => $_->[1]->() } if $pick < 0;
	}
}

sub make_sequence
{
	my ($number) = @_;
	srand $number;
	my $db = one_of(@databases);
	my @steps = (map { make_step() } 1 .. 4 + int rand($longest - 4));
	# Most sequences have an identity early. The rest is left to chance.
	my @early = ([ 'begin' ], [ 'savepoint', 'a' ], [ 'authenticate', any_token() ], [ 'seal' ]);
	pop @early if rand() < 0.5;
	unshift @steps, map { { how => one_of(qw(simple extended)), do => $_ } } grep { rand() < 0.6 } @early;
	# A function with SECURITY DEFINER can set a placeholder.
	@steps = grep { $_->{do}[0] ne 'definer' } @steps if $db =~ /late/;
	return {
		db => $db,
		user => one_of(qw(open open sealed sealed strict)),
		guarded => rand() < 0.5 ? 1 : 0,
		begins_with => rand() < 0.3 ? any_token() : '',
		login => $logs_in ? one_of(@good_tokens) : '',
		steps => [ @steps, { how => 'simple', do => ['status'] } ]
	};
}

# --- the model ----------------------------------------------------------------------

# The value of the setting is { token => NAME or '', accepted => was it verified }: the flag belongs to the
# value and comes back with it.
sub value { return { token => $_[0], accepted => 0 } }

sub new_model
{
	my ($sequence) = @_;
	# A token of the startup packet does not take the place of the login's.
	my $value = value($sequence->{login} || $sequence->{begins_with});
	return {
		ordered => scalar($sequence->{db} =~ /session_key/),
		seals => $sequence->{user} eq 'sealed',
		requires => $sequence->{user} eq 'strict',
		guarded => $sequence->{guarded},
		# The login seals the session, too.
		login_sealed => $logs_in && $sequence->{user} eq 'sealed',
		reset => $value,     # with a login: what stands for its token, also in the other members
		now => $value,       # the value now
		stays => $value,     # the value when the transaction commits
		open => 0,           # is a transaction block open?
		failed => 0,         # has it failed?
		sealed => undef,     # the value that jwt_seal() sealed; no rollback undoes that
		seal => '',          # or "sealed", or "spent": the identity was rolled back
		savepoints => [],
		portals => {},
		last_jti => 0,
		last_text => ''
	};
}

# These raise { state => SQLSTATE }.
sub refuse { die { state => $_[0] } }

# The user of a value: undef for none.
sub user_of
{
	my ($m, $value) = @_;
	return undef if $value->{token} eq '';
	my $token = $token{ $value->{token} };
	refuse($token->{refused}) if $token->{refused};
	if ($m->{ordered} && !$value->{accepted})
	{
		if ($token->{jti} > $m->{last_jti})
		{
			$m->{last_jti} = $token->{jti};
			$m->{last_text} = $token->{text};
		}
		elsif ($token->{text} ne $m->{last_text})
		{
			refuse('23514');
		}
	}
	$value->{accepted} = 1;
	return $token->{user};
}

sub is_sealed_by_function { return $_[0]{seal} ne '' || defined $_[0]{sealed} }

sub is_sealed { return $_[0]{login_sealed} || is_sealed_by_function($_[0]) }

sub refuse_if_sealed { refuse('sealed') if is_sealed($_[0]); return }

# The user of the session.
sub current_user { my ($m) = @_; return user_of($m, current_value($m)) }

sub current_value { my ($m) = @_; return $m->{sealed} // ($m->{login_sealed} ? $m->{reset} : $m->{now}) }

# What a function that reads the identity returns.
sub read_user
{
	my ($m, $value) = @_;
	my $user = user_of($m, $value // current_value($m));
	refuse('28000') if $m->{requires} && !defined $user;
	return $user;
}

sub set_value
{
	my ($m, $value, $is_local) = @_;
	refuse_if_sealed($m);
	$m->{now} = $value;
	$m->{stays} = $value if !$is_local;
	return;
}

# The login's seal allows that: the identity is the same afterwards.
sub reset_value
{
	my ($m, $is_local) = @_;
	return if $m->{login_sealed};
	set_value($m, $m->{reset}, $is_local);
	return;
}

sub show { return defined $_[0] ? $_[0] : 'NULL' }

my @kept = qw(now stays seal);

sub snapshot { my ($m) = @_; return { (map { $_ => $m->{$_} } @kept), portals => { %{ $m->{portals} } } } }

# The state after a rollback to a snapshot of the same transaction.
sub restore
{
	my ($m, $snapshot) = @_;
	my $was_sealed = $m->{seal} ne '';
	$m->{$_} = $snapshot->{$_} for @kept;
	# A portal that was opened since is gone; one that was executed stays executed.
	delete @{ $m->{portals} }{ grep { !$snapshot->{portals}{$_} } keys %{ $m->{portals} } };
	if ($was_sealed && $m->{seal} eq '')
	{
		$m->{seal} = 'spent';
		$m->{now} = value('');
	}
	return;
}

sub begin_transaction
{
	my ($m) = @_;
	$m->{begun} = snapshot($m);
	return;
}

sub end_transaction
{
	my ($m, $commits) = @_;
	$m->{now} = $m->{stays} = $commits ? $m->{stays} : $m->{begun}{stays};
	$m->{seal} = '';
	$m->{failed} = $m->{open} = 0;
	$m->{savepoints} = [];
	$m->{portals} = {};
	return;
}

sub find_savepoint
{
	my ($m, $name) = @_;
	refuse('25P01') if !$m->{open};
	my $list = $m->{savepoints};
	for my $i (reverse 0 .. $#$list)
	{
		return $i if $list->[$i]{name} eq $name;
	}
	refuse('3B001');
}

# What a step returns: the rows, joined by newlines.
my %do = (
	begin => sub { my ($m) = @_; begin_transaction($m) if !$m->{open}; $m->{open} = 1; return '' },
	commit => sub { my ($m) = @_; end_transaction($m, !$m->{failed}); return '' },
	rollback => sub { my ($m) = @_; end_transaction($m, 0); return '' },
	chain => sub {
		my ($m) = @_;
		refuse('25P01') if !$m->{open};
		end_transaction($m, !$m->{failed});
		begin_transaction($m);
		$m->{open} = 1;
		return '';
	},
	savepoint => sub {
		my ($m, $name) = @_;
		refuse('25P01') if !$m->{open};
		push @{ $m->{savepoints} }, { name => $name, %{ snapshot($m) } };
		return '';
	},
	rollback_to => sub {
		my ($m, $name) = @_;
		my $i = find_savepoint($m, $name);
		$m->{failed} = 0;
		$#{ $m->{savepoints} } = $i;
		restore($m, $m->{savepoints}[$i]);
		return '';
	},
	release => sub {
		my ($m, $name) = @_;
		my $i = find_savepoint($m, $name);
		$#{ $m->{savepoints} } = $i - 1;
		return '';
	},
	set => sub {
		my ($m, $way, $token, $is_local) = @_;
		return '' if $way eq 'caught' && is_sealed($m);
		set_value($m, value($token), $is_local);
		return '';
	},
	undone => sub { return '' },
	definer => sub { refuse('42501') },
	init => sub { my ($m, $token) = @_; set_value($m, value($token), 0); read_user($m); return '' },
	authenticate => sub {
		my ($m, $token) = @_;
		set_value($m, value($token), 1);
		my $user = read_user($m);
		$m->{seal} = 'sealed' if $m->{seals};
		return show($user);
	},
	reset => sub { my ($m) = @_; reset_value($m, 0); return '' },
	reset_all => sub { my ($m) = @_; reset_value($m, 0); return '' },
	refresh => sub {
		my ($m, $token) = @_;
		refuse('sealed') if is_sealed_by_function($m);
		refuse('28000') if user_of($m, value($token)) ne $token{ $m->{reset}{token} }{user};
		$m->{reset}{token} = $token;
		return '';
	},
	discard_all => sub {
		my ($m) = @_;
		refuse('25001') if $m->{open} && !is_sealed_by_function($m);
		reset_value($m, 0);
		return '';
	},
	null => sub {
		my ($m, $way, $is_local) = @_;
		return '' if $way eq 'caught' && is_sealed($m);
		reset_value($m, $is_local);
		return '';
	},
	seal => sub {
		my ($m) = @_;
		refuse_if_sealed($m);
		refuse('55000') if $m->{now}{token} eq '';
		user_of($m, $m->{now});
		$m->{sealed} = { %{ $m->{now} } };
		return '';
	},
	unseal => sub {
		my ($m, $knows) = @_;
		refuse('55000') if !$m->{sealed};
		refuse('42501') if !$knows;
		$m->{sealed} = undef;
		return '';
	},
	role => sub { return '' },
	claims => sub { return '' },
	fail => sub { refuse('22012') },
	with => sub {
		my ($m, $token) = @_;
		refuse_if_sealed($m);
		return show(read_user($m, value($token)));
	},
	with_and_set => sub {
		my ($m, undef, $token, $is_local) = @_;
		refuse_if_sealed($m);
		my $value = value($token);
		my $user = read_user($m, $value);
		set_value($m, $value, 0) if !$is_local;
		return show($user);
	},
	bind => sub {
		my ($m, $portal) = @_;
		refuse('42P03') if $m->{portals}{$portal};
		$m->{portals}{$portal} = { done => 0 } if $m->{open};
		return '';
	},
	execute => sub {
		my ($m, $name) = @_;
		my $portal = $m->{portals}{$name};
		refuse('34000') if !$portal;
		refuse('55000') if $portal->{failed};
		return '' if $portal->{done};
		$portal->{failed} = 1;
		my $user = read_user($m);
		@$portal{qw(failed done)} = (0, 1);
		return show($user);
	},
	string => sub {
		my ($m, $token, $is_local, $then) = @_;
		set_value($m, value($token), $is_local);
		refuse('22012') if $then eq 'fail';
		return show(read_user($m));
	},
	read => sub {
		my ($m, $way) = @_;
		my $user = read_user($m);
		return $way eq 'policy' ? $user // '' : show($user);
	},
	status => sub {
		my ($m) = @_;
		my $user = eval { show(current_user($m)) } // 'refused';
		return $user eq 'NULL' ? 'none|NULL' : $user eq 'refused' ? 'refused|NULL' : "valid|$user";
	});

my %ends = map { $_ => 1 } qw(commit rollback chain rollback_to);
my %controls = map { $_ => 1 } qw(begin savepoint release discard_all), keys %ends;

# In a guarded sequence, a step in a transaction has a savepoint of its own, and an error goes back to it.
sub is_guarded
{
	my ($sequence, $step) = @_;
	return $sequence->{guarded} && !$controls{ $step->{do}[0] };
}

# Returns what the step must give: rows, or "error SQLSTATE".
sub predict
{
	my ($m, $step) = @_;
	my ($operation, @arguments) = @{ $step->{do} };
	if ($m->{failed} && !$ends{$operation})
	{
		# A portal is looked up before the server looks at the transaction.
		return $operation eq 'execute' && !$m->{portals}{ $arguments[0] } ? 'error 34000' : 'error 25P02';
	}
	my $single = !$m->{open};
	begin_transaction($m) if $single;
	my $guard = snapshot($m);
	my $result = eval { $do{$operation}->($m, @arguments) };
	if (my $error = $@)
	{
		die $error if !ref $error;
		if ($m->{open} && is_guarded($m, $step)) { restore($m, $guard) }
		elsif ($m->{open}) { $m->{failed} = 1 }
		else { end_transaction($m, 0) }
		return "error $error->{state}";
	}
	end_transaction($m, 1) if $single && !$m->{open};
	return $result;
}

# --- the same, done ---------------------------------------------------------------------

sub text_of { return $_[0] eq '' ? '' : $token{ $_[0] }{text} }

my %read = (
	user_id => 'SELECT auth.user_id()',
	function => 'SELECT reading()',
	definer => 'SELECT reading_definer()',
	policy => 'SELECT owner FROM note',
	claim => q(SELECT auth.claim('sub')));

# SQL, or the calls of a client's methods.
my %sql = (
	begin => sub { 'BEGIN' },
	commit => sub { 'COMMIT' },
	rollback => sub { 'ROLLBACK' },
	chain => sub { 'COMMIT AND CHAIN' },
	savepoint => sub { "SAVEPOINT $_[0]" },
	rollback_to => sub { "ROLLBACK TO $_[0]" },
	release => sub { "RELEASE $_[0]" },
	set => sub {
		my ($way, $token, $is_local) = @_;
		my $text = text_of($token);
		my $local = $is_local ? 'true' : 'false';
		return 'SET ' . ($is_local ? 'LOCAL ' : '') . "pg_session_jwt.jwt = '$text'" if $way eq 'SET';
		return "SELECT FROM set_config('pg_session_jwt.jwt', '$text', $local)" if $way eq 'set_config';
		return "SELECT FROM setting('$text', $local)" if $way eq 'function';
		my $perform = "PERFORM set_config('pg_session_jwt.jwt', '$text', $local)";
		return "DO \$\$ BEGIN $perform; END \$\$" if $way eq 'DO';
		return "DO \$\$ BEGIN $perform; EXCEPTION WHEN OTHERS THEN NULL; END \$\$";
	},
	undone => sub {
		my ($token, $is_local) = @_;
		my $text = text_of($token);
		my $local = $is_local ? 'true' : 'false';
		return "DO \$\$ BEGIN PERFORM setting('$text', $local); RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END \$\$";
	},
	definer => sub { sprintf "SELECT FROM setting_definer('%s', %s)", text_of($_[0]), $_[1] ? 'true' : 'false' },
	init => sub { sprintf "SELECT FROM auth.jwt_session_init('%s')", text_of($_[0]) },
	authenticate => sub { sprintf "SELECT auth.jwt_authenticate('%s')", text_of($_[0]) },
	reset => sub { $_[0] },
	null => sub {
		my ($way, $is_local) = @_;
		my $call = sprintf q(set_config('pg_session_jwt.jwt', NULL, %s)), $is_local ? 'true' : 'false';
		return "SELECT FROM $call" if $way eq 'set_config';
		return "DO \$\$ DECLARE x text; BEGIN x := $call; EXCEPTION WHEN OTHERS THEN NULL; END \$\$"
		  if $way eq 'assigned';
		return "DO \$\$ BEGIN PERFORM $call; END \$\$" if $way eq 'DO';
		return "DO \$\$ BEGIN PERFORM $call; EXCEPTION WHEN OTHERS THEN NULL; END \$\$";
	},
	reset_all => sub { 'RESET ALL' },
	refresh => sub { sprintf "SELECT FROM auth.jwt_session_refresh('%s')", text_of($_[0]) },
	discard_all => sub { 'DISCARD ALL' },
	seal => sub { "SELECT FROM auth.jwt_seal('$secret')" },
	unseal => sub { sprintf "SELECT FROM auth.jwt_unseal('%s')", $_[0] ? $secret : scalar reverse $secret },
	role => sub { $_[0] },
	claims => sub { 'SET ' . ($_[0] ? 'LOCAL ' : '') . q(request.jwt.claims = '{"sub":"eve"}') },
	fail => sub { 'SELECT 1/0' },
	with => sub { "SELECT with_$_[0]()" },
	with_and_set => sub { sprintf "SELECT with_$_[0]('%s', %s)", text_of($_[1]), $_[2] ? 'true' : 'false' },
	bind => sub { [ 'bind_portal', $_[0], 'SELECT auth.user_id()' ] },
	execute => sub { [ 'execute_portal', $_[0] ] },
	string => sub {
		my ($token, $is_local, $then) = @_;
		return [
			'simple',
			'SET ' . ($is_local ? 'LOCAL ' : '')
			  . "pg_session_jwt.jwt = '" . text_of($token) . "'; SELECT "
			  . ($then eq 'fail' ? '1/0' : 'auth.user_id()') ];
	},
	read => sub { $read{ $_[0] } },
	status => sub { 'SELECT status, subject FROM auth.jwt_status()' });

sub call_of
{
	my ($step) = @_;
	my ($operation, @arguments) = @{ $step->{do} };
	my $call = $sql{$operation}->(@arguments);
	return ref $call ? $call : [ $step->{how}, $call ];
}

# Returns what the step gave, in the terms of predict().
sub perform
{
	my ($client, $sequence, $step) = @_;
	my ($method, @arguments) = @{ call_of($step) };
	my $guarded = is_guarded($sequence, $step) && $client->{state} eq 'T';
	$client->simple('SAVEPOINT guard') if $guarded;
	my $answer = $client->$method(@arguments);
	$client->{state} = $answer->{state};
	my $release = $answer->{error} ? 'ROLLBACK TO guard; RELEASE guard' : 'RELEASE guard';
	$client->{state} = $client->simple($release)->{state} if $guarded;
	if (my $error = $answer->{error})
	{
		return 'error sealed' if $error->{C} eq '42501' && $error->{M} eq 'identity is sealed';
		return "error $error->{C}";
	}
	# SELECT FROM f() gives a row without columns.
	return join "\n", grep { $_ ne '' } @{ $answer->{lines} };
}

# --- comparison -----------------------------------------------------------------------

# Runs a sequence. Returns the number of the first step that differs, counted from 0, and what was
# got and wanted; or nothing.
sub difference
{
	my ($sequence) = @_;
	my %set;
	$set{'pg_session_jwt.jwk'} = $jwk if $sequence->{db} =~ /session_key/;
	$set{'pg_session_jwt.jwt'} = $token{ $sequence->{begins_with} }{text} if $sequence->{begins_with} ne '';
	my $client = Protocol->connect($node, user => $sequence->{user}, db => $sequence->{db}, set => \%set,
		token => text_of($sequence->{login}));
	$client->{state} = 'I';
	my $model = new_model($sequence);
	my @found;
	for my $i (0 .. $#{ $sequence->{steps} })
	{
		my $step = $sequence->{steps}[$i];
		my $wanted = predict($model, $step);
		my $got = perform($client, $sequence, $step);
		next if $got eq $wanted;
		@found = ($i, $got, $wanted);
		last;
	}
	$client->disconnect;
	return @found;
}

# Takes steps away for as long as a difference remains.
sub shorten
{
	my ($sequence, $end) = @_;
	my @steps = @{ $sequence->{steps} }[ 0 .. $end ];
	for (my $i = $#steps; $i >= 0; $i--)
	{
		my @fewer = @steps;
		splice @fewer, $i, 1;
		my ($where) = difference({ %$sequence, steps => \@fewer });
		next if !defined $where;
		@steps = @fewer[ 0 .. $where ];
		$i = @steps if $i > @steps;
	}
	return { %$sequence, steps => \@steps };
}

# SQL with the names of tokens in place of their texts.
sub readable
{
	my ($text) = @_;
	for my $name (@tokens)
	{
		$text =~ s/\Q$token{$name}{text}\E/<$name>/g;
	}
	return $text;
}

sub report
{
	my ($number, $sequence) = @_;
	my ($where, $got, $wanted) = difference($sequence);
	my @lines = "sequence $number: $sequence->{user} in $sequence->{db}"
	  . ($sequence->{guarded} ? ', each step with a savepoint' : '')
	  . ($sequence->{begins_with} eq '' ? '' : ", began with <$sequence->{begins_with}>");
	$lines[0] .= ", logged in with <$sequence->{login}>" if $sequence->{login} ne '';
	push @lines, map { my ($method, @arguments) = @{ call_of($_) }; readable("  $method: " . join ', ', @arguments) }
	  @{ $sequence->{steps} };
	push @lines, '     got: ' . ($got // '(no difference this time)'), '  wanted: ' . ($wanted // '');
	diag join "\n", @lines;
	return;
}

my $failed = 0;
my $steps = 0;
for my $number ($first .. $first + $sequences - 1)
{
	my $sequence = make_sequence($number);
	$steps += @{ $sequence->{steps} };
	my ($where) = difference($sequence);
	next if !defined $where;
	report($number, shorten($sequence, $where));
	last if ++$failed == 5;
}
is($failed, 0, "the user is as the model says: $sequences sequences from number $first");
diag "$sequences sequences, $steps steps";

$node->stop;
done_testing();
