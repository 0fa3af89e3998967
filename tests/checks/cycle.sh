#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cycle.sh COMPILER: arrows.sh fails on a cycle and names its files, and no other
# one; it takes the same files without the call that closes the cycle, and it
# fails where no file uses another one.
set -euo pipefail

compiler=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "cycle.sh: $*" >&2
    exit 1
}

cat >upper.c <<'END'
int lower(void);
int upper(void);
int upper(void) { return lower(); }
END
cat >lower.c <<'END'
int value;
int lower(void);
int lower(void) { return value; }
END
cat >closing.c <<'END'
int upper(void);
int lower(void);
int lower(void) { return upper(); }
END
cat >outside.c <<'END'
int upper(void);
int outside(void);
int outside(void) { return upper(); }
END
"$compiler" -c upper.c lower.c closing.c outside.c

"$here/arrows.sh" outside.o upper.o lower.o || fail "refused files without a cycle"
if "$here/arrows.sh" outside.o upper.o closing.o 2>message; then fail "missed the cycle"; fi
cat message
for name in upper closing; do
    grep -qx "  $name" message || fail "did not name $name"
done
! grep -qx "  outside" message || fail "named a file that is not in the cycle"
if "$here/arrows.sh" outside.o lower.o 2>message; then fail "missed that there was nothing to check"; fi
grep -q "no file uses another" message || fail "gave another reason"
