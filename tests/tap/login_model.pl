# SPDX-License-Identifier: Apache-2.0
# The random sequences of model.pl on connections that log in with a token.

use strict;
use warnings;

use FindBin;

$ENV{PGSJ_MODEL_LOGIN} = 1;
$ENV{PGSJ_MODEL_SEQUENCES} //= 300;
exec $^X, "$FindBin::RealBin/model.pl" or die $!;
