#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER prepare|test: ../run.sh calls it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1

prepare() {
    if ! cmp -s "$here/pom.xml" "$folder/installed"; then
        rm -rf "$folder/installed" "${folder:?}/lib"
        cp "$here/pom.xml" "$folder/"
        # --strict-checksums: a file without the right sum is an error.
        mvn --batch-mode --quiet --strict-checksums --file "$folder/pom.xml" \
            org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DoutputDirectory="$folder/lib"
        # The sums of all files stand for the lock file that Maven does not have.
        (cd "$folder/lib" && sha256sum -- *.jar) | diff "$here/jars.sha256" -
        cp "$here/pom.xml" "$folder/installed"
    fi
    rm -rf "$folder/source"
    mkdir -p "$folder/source"
    {
        cat "$here/imports"
        "$here/../shown.sh" "$here/../../../docs/drivers/java.md" java "All of them" HikariCP Spring
    } >"$folder/source/Shown.java"
    cp "$here/Test.java" "$folder/source/"
    javac -Xlint:all,-serial,-auxiliaryclass -Werror -cp "$folder/lib/*" -d "$folder/source" "$folder/source"/*.java
}

case $2 in
prepare) prepare >&2 ;;
test) java -cp "$folder/source:$folder/lib/*" Test ;;
esac
