#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shown.sh PAGE LANGUAGE HEADING...: prints the blocks of code in LANGUAGE of these sections of PAGE. Fails where a
# section has none.
set -euo pipefail
page=$1 language=$2
shift 2
for heading in "$@"; do
    awk -v own="## $heading" -v start="\`\`\`$language" '
        /^## / { below = $0 == own }
        /^```$/ { printing = 0 }
        printing { print }
        below && $0 == start { printing = 1; blocks++ }
        END { exit blocks == 0 }
    ' "$page" || {
        echo "shown.sh: $page has no $language below \"$heading\"" >&2
        exit 1
    }
done
