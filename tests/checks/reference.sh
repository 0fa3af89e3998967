#!/bin/bash
# reference.sh SOURCE-DIR: docs/reference.md and the sources name the same
# functions, settings, error messages and reasons, and no link between the
# documents leads nowhere.
set -euo pipefail
export LC_ALL=C

cd "$1"
reference=docs/reference.md
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" sql/pg_session_jwt.control)
base=sql/pg_session_jwt--$version.sql
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# What each side says, one a line. C's adjacent strings are one string.
perl -0777 -ne '
    s/--[^\n]*//g;
    while (/CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(\S+?)\s*\(([^)]*)\)/gi) {
        my ($name, $arguments) = ($1, $2);
        $arguments =~ s/\s+/ /g;
        $arguments =~ s/^ | $//g;
        $arguments = join ", ", grep { !/^OUT /i } split / ?, ?/, $arguments;
        print "$name($arguments)\n";
    }' "$base" | sort -u >"$work/functions.source"
perl -ne 'while (/`(auth\.\w+\([^)`]*\))`/g) { print "$1\n" }
    print "$1\n" if /^\*\*`(auth\.\w+\([^)`]*\))/' "$reference" | sort -u >"$work/functions.reference"

perl -0777 -ne 's|/\*.*?\*/||gs; while (/"((?:pg_session_jwt|request)\.[a-z_.]+)"/g) { print "$1\n" }' \
    extension/*.c | sort -u >"$work/settings.source"
perl -ne 'while (/`((?:pg_session_jwt|request)\.[a-z_.]+)`/g) { print "$1\n" }' "$reference" | sort -u >"$work/settings.reference"

perl -0777 -ne '
    while (/\berrmsg(?:_internal)?\s*\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/g) {
        my $text = join "", $1 =~ /"((?:[^"\\]|\\.)*)"/g;
        $text =~ s/\\(.)/$1/g;
        print "$text\n";
    }' extension/*.c | sort -u >"$work/messages.source"
perl -ne 'print "$1\n" if /^\| [0-9A-Z]{5} \| `([^`]+)` \|/' "$reference" | sort -u >"$work/messages.reference"

perl -ne 'print "$1\n" if /^    X\(JW[TK]_\w+, "([^"]*)"\)/' jwt/jwt.h | sort -u >"$work/reasons.source"
perl -ne 'print "$1\n" if /^\| `JW[TK]_\w+` \| `([^`]+)` \|/' "$reference" | sort -u >"$work/reasons.reference"

for what in functions settings messages reasons; do
    if [[ ! -s $work/$what.source ]]; then
        echo "reference.sh: found no $what in the sources" >&2
        failed=1
    elif ! diff -u --label "$what of the sources" --label "$what of $reference" \
        "$work/$what.source" "$work/$what.reference"; then
        failed=1
    fi
done

# Links: [text](path#anchor), an anchor being a heading as GitHub writes it.
documents=(README.md docs/*.md crypto/*.md)
perl -e '
    my (%anchors, @links);
    for my $file (@ARGV) {
        open my $in, "<", $file or die "$file: $!\n";
        my $code = 0;
        while (<$in>) {
            $code = !$code if /^```/;
            next if $code;
            if (/^#+ +(.*?)\s*$/) {
                my $anchor = lc $1;
                $anchor =~ s/[^\w\- ]//g;
                $anchor =~ tr/ /-/;
                $anchors{$file}{$anchor} = 1;
            }
            push @links, [$file, $., $1] while /\]\(([^)\s]+)\)/g;
        }
    }
    my $wrong = 0;
    for (@links) {
        my ($file, $line, $link) = @$_;
        next if $link =~ m{^https?://};
        my ($path, $anchor) = split /#/, $link, 2;
        my $target = $file;
        if ($path ne "") {
            ($target = $file) =~ s{[^/]*$}{$path};
            1 while $target =~ s{(^|/)[^/.]+/\.\./}{$1};
        }
        if (!-e $target) { print "$file:$line: no file $target\n"; $wrong = 1 }
        elsif (defined $anchor && !$anchors{$target}{$anchor}) { print "$file:$line: no heading #$anchor in $target\n"; $wrong = 1 }
    }
    print scalar(@links), " links\n";
    exit $wrong;
' "${documents[@]}" || failed=1

for what in functions settings messages reasons; do
    echo "$(wc -l <"$work/$what.source") $what"
done
exit "$failed"
