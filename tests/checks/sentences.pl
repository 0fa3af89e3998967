#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sentences.pl SOURCE-DIR: counts the words of each sentence of the documents. The mean of a page is
# at most 20, and no sentence has more than 40. No line has more than 120 columns, but rows of tables, which Markdown
# cannot fold, and lines of code. Code blocks and comments have no sentences. A sentence ends in a
# full stop, a question mark or an exclamation mark, or with its paragraph or item; a colon and a
# semicolon do not end it. Headings and the cells of tables count for the greatest length alone. A
# piece of code, a link and a number are a word.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

use constant { MEAN => 20, MOST => 40, COLUMNS => 120 };

my $failed = 0;

sub complain
{
    my ($text) = @_;
    print "$text\n";
    $failed = 1;
    return;
}

# The paragraphs of a page: [number of the first line, text].
sub paragraphs
{
    my ($page, @lines) = @_;
    my @found;
    my ($fence, $open, $comment) = ('', 0, 0);
    for my $n (1 .. @lines) {
        my $line = $lines[ $n - 1 ];
        if ($line =~ /^\s*(```+|~~~+)/) {
            $fence = $fence eq '' ? $1 : $line =~ /^\s*\Q$fence\E\s*$/ ? '' : $fence;
            $open = 0;
            next;
        }
        next if $fence ne '';
        complain("$page:$n: ${\length $line} columns") if length $line > COLUMNS && $line !~ /^\s*\|/;
        $comment = 1 if $line =~ /^\s*<!--/;
        if ($comment) {
            $comment = 0 if $line =~ /-->/;
            $open = 0;
            next;
        }
        next if $line =~ /^\[[^\]]+\]: /;
        if ($line =~ /^\s*\|/) {
            push @found, map { [ $n, $_, 1 ] } split /(?<!\\)\|/, $line =~ s/`[^`]*`/x/gr;
            $open = 0;
        } elsif ($line =~ /^\s*$|^\s*[-=*_]{3,}\s*$/) {
            $open = 0;
        } elsif ($line =~ /^\s*(?:#+ |[-*+] |\d+[.)] |> ?)/ || !$open) {
            push @found, [ $n, $line =~ s/^\s*(?:#+ |[-*+] |\d+[.)] |> ?)//r, $line =~ /^#+ / ];
            $open = $line !~ /^#+ /;
        } else {
            $found[-1][1] .= " $line";
        }
    }
    return @found;
}

# Each sentence, as the list of its words.
sub sentences
{
    my ($text) = @_;
    $text =~ s/(`+)(?:.*?)\1/CODE/g;
    $text =~ s/!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)/$1/g;
    $text =~ s/https?:\S+/LINK/g;
    $text =~ s/<[^>]*>//g;
    $text =~ s/[*_]{1,3}//g;
    # Abbreviations end no sentence.
    $text =~ s/\b(e\.g|i\.e|etc|vs|cf|No)\./$1/g;
    return grep { @$_ > 0 } map { [ grep { /[\p{L}\p{N}]/ } split ] } split /(?<=[.!?])["”')]*\s+/, $text;
}

chdir $ARGV[0] or die "$ARGV[0]: $!\n";
for my $page (map { glob } qw(*.md docs/*.md docs/*/*.md tests/README.md crypto/README.md .ci/README.md)) {
    open my $handle, '<', $page or die "$page: $!\n";
    chomp(my @lines = <$handle>);
    my ($words, $count) = (0, 0);
    for my $paragraph (paragraphs($page, @lines)) {
        my ($n, $text, $is_label) = @$paragraph;
        for my $sentence (sentences($text)) {
            ($words, $count) = ($words + @$sentence, $count + 1) if !$is_label;
            complain("$page:$n: ${\scalar @$sentence} words: @$sentence[0 .. 7] ...") if @$sentence > MOST;
        }
    }
    die "sentences.pl: $page has no sentence\n" if $count == 0;
    my $mean = $words / $count;
    printf "%-28s %5d sentences, mean %.1f\n", $page, $count, $mean;
    complain(sprintf '%s: a mean sentence has %.1f words', $page, $mean) if $mean > MEAN;
}
exit $failed;
