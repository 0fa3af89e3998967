#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# musl.sh PREFIX: static libraries for musl, built with musl-gcc from Debian's source
# packages, below PREFIX. Needs the group "cross" of .ci/packages, and deb-src lines in
# apt's sources.
set -euo pipefail

mkdir -p "$1/source"
prefix=$(realpath "$1")
export CC=musl-gcc CFLAGS="-Os -fPIC -ffunction-sections -fdata-sections"
cd "$prefix/source"

# with_cmake NAME OPTION...
with_cmake() {
    cmake -G Ninja -S "$1"-*/ -B "build-$1" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
        -DCMAKE_BUILD_TYPE=None -DBUILD_SHARED_LIBS=OFF "${@:2}"
    cmake --build "build-$1" --target install
}

apt-get -q source libsodium mbedtls cjson cmocka
with_cmake mbedtls -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF
with_cmake cjson -DENABLE_CJSON_TEST=OFF -DENABLE_CUSTOM_COMPILER_FLAGS=OFF
with_cmake cmocka -DWITH_STATIC_LIB=ON -DUNIT_TESTING=OFF -DWITH_EXAMPLES=OFF
# It has no other name for its archive, and builds a shared library too.
rm "$prefix"/lib/libcmocka.so*
mv "$prefix/lib/libcmocka-static.a" "$prefix/lib/libcmocka.a"
cd libsodium-*/
autoreconf -fi
./configure --prefix="$prefix" --disable-shared --enable-static
make -j"${JOBS:-$(nproc)}" install
