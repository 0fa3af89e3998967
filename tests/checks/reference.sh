#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# reference.sh SOURCE-DIR ERRCODES-H: docs/reference.md and the sources must have the same
# functions, settings, messages with their SQLSTATEs, and reasons. Each link between the
# documents must have a target. ERRCODES-H is utils/errcodes.h of a server's headers.
set -euo pipefail
export LC_ALL=C

cd "$1"
errcodes=$2
reference=docs/reference.md
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" sql/pg_session_jwt.control)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# The items of each side, one on each line.
perl -0777 -ne '
    s/--[^\n]*//g;
    while (/CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(\S+?)\s*\(([^)]*)\)/gi) {
        my ($name, $arguments) = ($1, $2);
        $arguments =~ s/\s+/ /g;
        $arguments =~ s/^ | $//g;
        $arguments = join ", ", grep { !/^OUT /i } split / ?, ?/, $arguments;
        print "$name($arguments)\n";
    }' "sql/pg_session_jwt--$version.sql" | sort -u >"$work/functions.source"
perl -ne 'print "$1\n" if /^(?:\*\*|\| )`(auth\.\w+\([^)`]*\))/' "$reference" |
    sort -u >"$work/functions.reference"

perl -0777 -ne 's|/\*.*?\*/||gs; while (/"((?:pg_session_jwt|request)\.[a-z_.]+)"/g) { print "$1\n" }' \
    extension/setting_table.h | sort -u >"$work/settings.source"
perl -ne 'while (/`((?:pg_session_jwt|request)\.[a-z_.]+)`/g) { print "$1\n" }' "$reference" |
    sort -u >"$work/settings.reference"

perl -ne 'print "$1\n" if /^    X\(SJWT_\w+, "([^"]*)"\)/' jwt/include/sjwt/status.h | sort -u >"$work/reasons.source"
perl -ne 'print "$1\n" if /^\| `SJWT_\w+` \| `([^`]+)` \|/' "$reference" | sort -u >"$work/reasons.reference"

for what in functions settings reasons; do
    if [[ ! -s $work/$what.source ]]; then
        echo "reference.sh: found no $what in the sources" >&2
        failed=1
    elif ! diff -u --label "$what of the sources" --label "$what of $reference" \
        "$work/$what.source" "$work/$what.reference"; then
        failed=1
    fi
    echo "$(wc -l <"$work/$what.source") $what"
done

# Messages: in the sources the text follows its ERRCODE_..., or has level LOG; in the
# reference a row starts with the SQLSTATE and the text.
perl -e '
    my ($errcodes, $reference, @sources) = @ARGV;
    sub slurp { open my $in, "<", $_[0] or die "$_[0]: $!\n"; local $/; <$in> }
    my (%state, @said, $wrong);
    my $codes = slurp($errcodes);
    while ($codes =~ /^#define (ERRCODE_\w+) MAKE_SQLSTATE\(([^)]*)\)/mg) {
        my ($name, $characters) = ($1, $2);
        $characters =~ s/[^0-9A-Z]//g;
        $state{$name} = $characters;
    }
    for my $file (@sources) {
        my ($text, $code) = (slurp($file), "no SQLSTATE");
        $text =~ s{/\*.*?\*/}{}gs;
        while ($text =~ /\b(ERRCODE_[A-Z_]+)|\bereport\((LOG)\b
                        |(?:\berrmsg(?:_internal)?|\bGUC_check_errmsg)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)
                        |\bset\(out,\s*(ERRCODE_\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)/gx) {
            if (defined $1) { $code = $state{$1}; next }
            if (defined $2) { $code = "00000"; next }
            my $sqlstate = (defined $4 ? $state{$4} : $code) // "unknown SQLSTATE";
            my $message = join "", ($3 // $5) =~ /"((?:[^"\\]|\\.)*)"/g;
            $message =~ s/\\(.)/$1/g;
            push @said, [$file, $sqlstate, $message] if $message ne "%s";
        }
    }
    my @written = map { [$1, $2] if /^\| ([0-9A-Z]{5}) \| `([^`]+)` \|/ } split /\n/, slurp($reference);
    @written = grep { ref } @written;
    for my $said (@said) {
        my ($file, $sqlstate, $message) = @$said;
        my $pattern = join "\\S+", map { quotemeta } split /%\w/, $message, -1;
        my @rows = grep { $_->[1] =~ /^$pattern$/ } @written;
        $_->[2] = 1 for grep { $_->[0] eq $sqlstate } @rows;
        next if grep { $_->[2] } @rows;
        print "$file: $sqlstate \"$message\" is not in $reference\n";
        $wrong = 1;
    }
    for (grep { !$_->[2] } @written) {
        print "$reference: $_->[0] \"$_->[1]\" is in no source\n";
        $wrong = 1;
    }
    print scalar(@said), " messages\n";
    exit($wrong || !@said);
' "$errcodes" "$reference" extension/*.c || failed=1

# Links: [text](path#anchor). An anchor is a heading in GitHub's form.
documents=(README.md docs/*.md crypto/README.md)
perl -e '
    my (%anchors, @links, $wrong);
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
    for (@links) {
        my ($file, $line, $link) = @$_;
        next if $link =~ m{^https?://};
        my ($path, $anchor) = split /#/, $link, 2;
        my $target = $file;
        if ($path ne "") {
            ($target = $file) =~ s{[^/]*$}{$path};
            1 while $target =~ s{(^|/)[^/.]+/\.\./}{$1};
        }
        my $lack = !-e $target ? "file $target"
            : defined $anchor && !$anchors{$target}{$anchor} ? "heading #$anchor in $target" : next;
        print "$file:$line: no $lack\n";
        $wrong = 1;
    }
    print scalar(@links), " links\n";
    exit($wrong || !@links);
' "${documents[@]}" || failed=1
exit "$failed"
