#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# providers.sh SOURCE-DIR: docs/providers.md must show the settings and policies of
# tests/vectors/providers, which the tests run, octet by octet. A comment with the path of
# the file comes before each block.
set -euo pipefail
export LC_ALL=C

cd "$1"
page=docs/providers.md
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT
failed=0

# Write each block after such a comment to a file of that path below $work.
perl -ne '
    if (defined $out) {
        if (/^```$/) { close $out or die "$!\n"; undef $out } else { print $out $_ }
    } elsif (defined $path) {
        $_ eq "```sql\n" or die "$ARGV:$.: no SQL block follows the comment\n";
        my ($folder) = $path =~ m{^(.*)/};
        system("mkdir", "-p", "$ENV{work}/$folder") == 0 or die "mkdir failed\n";
        -e "$ENV{work}/$path" and die "$ARGV:$.: $path is shown twice\n";
        open $out, ">", "$ENV{work}/$path" or die "$path: $!\n";
        undef $path;
    } elsif (/^<!-- (tests\/vectors\/providers\/[\w-]+\/\w+\.sql) -->$/) {
        $path = $1;
    } elsif (/<!--/) {
        die "$ARGV:$.: a comment that announces no file\n";
    } elsif (/ALTER DATABASE app SET|CREATE POLICY/) {
        die "$ARGV:$.: settings and policies stand in announced blocks\n";
    }
    END { die "a block does not end\n" if defined $out || defined $path }
' "$page" || failed=1

count=0
for file in tests/vectors/providers/*/settings.sql tests/vectors/providers/*/policy.sql; do
    count=$((count + 1))
    if [[ ! -e $work/$file ]]; then
        echo "providers.sh: $page does not show $file" >&2
        failed=1
    elif ! diff -u --label "$file" --label "$page" "$file" "$work/$file"; then
        failed=1
    fi
done
while IFS= read -r file; do
    if [[ ! -e ${file#"$work"/} ]]; then
        echo "providers.sh: $page shows ${file#"$work"/}, which is not there" >&2
        failed=1
    fi
done < <(find "$work" -type f)
echo "$count blocks"
[[ $count -gt 0 ]] || failed=1
exit "$failed"
