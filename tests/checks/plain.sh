#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# plain.sh SOURCE-DIR: the documents use plain words and short lines, and the sources use the
# field's names. Checks three rules:
#   1. README.md, docs/*.md and those of docs/drivers and docs/migrating have no line of more than 120 characters, except in tables and
#      in fenced code.
#   2. They have no word of the list below, except in code and in links.
#   3. No source file, script or document has a name of the second list. These are old names
#      of the project for which PostgreSQL or JOSE has a word.
set -euo pipefail

cd "$1"
failed=0
documents=(README.md docs/*.md docs/drivers/*.md docs/migrating/*.md)

# Words with a plainer substitute: "in force" is "current", "nobody" is "no role" or "no
# identity", "looked at" is "checked".
words='in force|nobody|anybody|to the letter|looked at|vouch(?:es)?|let go|rubbish|whose word|(?:is|are|be) told'

perl -CSD -Mutf8 -e '
    my ($words, @documents) = @ARGV;
    my ($lines, $wrong) = (0, 0);
    for my $document (@documents) {
        open my $in, "<", $document or die "$document: $!\n";
        my $code = 0;
        while (my $line = <$in>) {
            chomp $line;
            $lines++;
            if ($line =~ /^\s*```/) { $code = !$code; next }
            next if $code;
            if (length $line > 120 && $line !~ /^\|/) {
                print "$document:$.: ", length $line, " characters\n";
                $wrong = 1;
            }
            $line =~ s/`[^`]*`|\]\([^)]*\)//g;
            if ($line =~ /\b($words)\b/i) {
                print "$document:$.: \"$1\"\n";
                $wrong = 1;
            }
        }
        die "$document: a code block does not end\n" if $code;
    }
    print "$lines lines of ", scalar @documents, " documents\n";
    exit($wrong || !$lines);
' "$words" "${documents[@]}" || failed=1

names='psj_|PSJ_|pgsj_mark|mark_in_force|accepted_as|leaders_word|nobody_at_all|made_of|let_go|forget_ready'
names+='|pgsj_running_claims|handed_out|usable_until|whole_claims|make_in_scratch|jwt_trust|remake_pinned|look_again'
names+='|looked_at|lacks_files|trust_in_force|mode_in_force|rising_jti|agreed_key|jti_after|to_be_judged|is_another'
names+='|unflag|begin_use|keep_used|spell_out|is_sound_point|make_ready'
sources=(extension jwt crypto sql tests cmake .ci dev README.md docs)
status=0
grep -rnIE --exclude=plain.sh --exclude-dir=node_modules -- "(^|[^A-Za-z])($names)" "${sources[@]}" || status=$?
case $status in
0) failed=1 ;;
1) echo "no old name" ;;
*) exit "$status" ;;
esac
exit "$failed"
