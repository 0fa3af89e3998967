#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shown.sh SOURCE-DIR PAGE: a comment in PAGE names a file, and the block after it must
# show this file octet by octet, so that the page shows what the tests run.
set -euo pipefail

cd "$1"
perl -e '
    local $/;
    open my $page, "<", $ARGV[0] or die "$ARGV[0]: $!\n";
    my $text = <$page>;
    my $announced = () = $text =~ /<!--/g;
    my ($shown, $failed) = (0, 0);
    while ($text =~ /^<!-- (\S+) -->\n```\w+\n(.*?)^```$/msg) {
        my ($path, $block) = ($1, $2);
        $shown++;
        open my $file, "<", $path or die "$path: $!\n";
        next if <$file> eq $block;
        print STDERR "shown.sh: $ARGV[0] does not show $path as it is\n";
        $failed = 1;
    }
    die "shown.sh: $announced comments, $shown blocks\n" if !$shown || $shown != $announced;
    exit $failed;
' "$2"
