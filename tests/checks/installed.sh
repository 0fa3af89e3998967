#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# installed.sh SOURCE-DIR BUILD-DIR: what cmake --install --component core puts
# in place is whole: programs are built with it as docs/library.md says and run,
# and the shared library exports what the headers declare. Needs no network.
#   CC, CXX     compilers; CXX may be empty
#   CFLAGS      the flags of the build, for compiling and linking
#   SJWT        the tool, which makes keys and tokens
#   LIB         CMAKE_INSTALL_LIBDIR, relative to the prefix
set -euo pipefail
export LC_ALL=C

source=$1 build=$2
here=$source/tests/checks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "installed.sh: $*" >&2
    exit 1
}
read -ra flags <<<"${CFLAGS-}"

# An installed tree may be moved.
cmake --install "$build" --component core --prefix "$work/first" >"$work/install.log" || {
    cat "$work/install.log"
    fail "cmake --install failed"
}
prefix=$work/prefix
mv "$work/first" "$prefix"
lib=$prefix/$LIB
if grep -rlF -e "$work/first" -e "$build" -e "$source" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h'; then
    fail "these name directories of the build or of the first prefix"
fi
for path in bin share; do [[ ! -e $prefix/$path ]] || fail "the core has brought $path/"; done

# ---- names ----

soname=$(readelf -d "$lib/libsjwt.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[[ $soname =~ ^libsjwt\.so\.[0-9]+$ ]] || fail "the shared library's name is \"$soname\""
[[ -e $lib/$soname ]] || fail "there is no $soname"

"$CC" -E -P -I "$prefix/include" -include sjwt.h -x c /dev/null |
    grep -oE '\bsjwt_\w+ *\(' | tr -d ' (' | sort -u >"$work/declared"
[[ $(wc -l <"$work/declared") -gt 30 ]] || fail "found only $(wc -l <"$work/declared") functions in the headers"
nm -D --defined-only --format=just-symbols "$lib/libsjwt.so" | sed 's/@.*//' | grep -v '^SJWT_[0-9]*$' |
    sort >"$work/exported"
diff -u "$work/declared" "$work/exported" || fail "the shared library does not export what the headers declare"
echo "$(wc -l <"$work/exported") functions, declared and exported"

# The headers of the tree are all in the umbrella header.
"$CC" -E -I "$prefix/include" -include sjwt.h -x c /dev/null | grep -oE 'sjwt/\w+\.h' | sort -u >"$work/included"
(cd "$prefix/include" && find sjwt -name '*.h' | sort) | diff -u "$work/included" - ||
    fail "sjwt.h does not include every header"

nm --defined-only --extern-only --format=just-symbols "$lib/libsjwt.a" | grep -v ':$\|^$' | sort -u >"$work/archive"
if grep -v '^sjwt_' "$work/archive"; then fail "these names in libsjwt.a may be another library's"; fi
if grep -E '_signer$|_sign$|generate|private' "$work/archive"; then fail "libsjwt.a can sign"; fi

# ---- tokens ----

cd "$work"
alg=$("$SJWT" backends | awk '$1 ~ /^(EdDSA|ES256|RS256)$/ && $2 != "-" && $3 != "-" { print $1; exit }')
"$SJWT" keygen --alg "$alg" >issuer.jwk
"$SJWT" keygen --alg "$alg" >mallory.jwk
"$SJWT" public --key issuer.jwk >keys.json
token() { # KEY ISSUER EXPIRES-IN-SECONDS
    "$SJWT" sign --key "$1.jwk" --claims "{\"iss\":\"$2\",\"sub\":\"alice\",\"exp\":$(($(date +%s) + $3))}"
}
good=$(token issuer https://id.example 900)
forged=$(token mallory https://id.example 900)
expired=$(token issuer https://id.example -900)
other=$(token issuer https://other.example 900)

# expect STATUS OUTPUT COMMAND...
expect() {
    local status=0 output
    output=$("${@:3}" 2>&1) || status=$?
    [[ $status == "$1" && $output == "$2" ]] || fail "$3: status $status, \"$output\""
}
# try PROGRAM: it verifies what is to be verified and nothing else.
try() {
    expect 0 alice "$1" keys.json "$good"
    expect 1 "refused: signature is not valid" "$1" keys.json "$forged"
    expect 1 "refused: token has expired" "$1" keys.json "$expired"
    expect 1 "refused: issuer is not trusted" "$1" keys.json "$other"
    expect 1 "refused: token is not three parts separated by dots" "$1" keys.json x
    tried=$((${tried:-0} + 1))
}
# linked PROGRAM shared|static
linked() {
    local found=static
    if readelf -d "$1" | grep -q "NEEDED.*$soname"; then found=shared; fi
    [[ $found == "$2" ]] || fail "$1 is linked to the $found library"
}

# ---- with pkg-config ----

export PKG_CONFIG_PATH=$lib/pkgconfig
read -ra cflags < <(pkg-config --cflags sjwt)
read -ra shared < <(pkg-config --libs sjwt)
read -ra static < <(pkg-config --static --libs sjwt | sed 's/-lsjwt/-l:libsjwt.a/')
# A library that the program does not use is not linked to it.
[[ ${shared[*]} == "-L"*" -lsjwt" ]] || fail "pkg-config --libs says ${shared[*]}"
warnings=(-Wall -Wextra -Wpedantic -Werror)
compilers=("c|$CC|-std=c11")
if [[ -n ${CXX-} ]]; then
    compilers+=("cc|$CXX|-std=c++17")
else
    echo "no C++ compiler is installed: verify.cc is not built"
fi
for row in "${compilers[@]}"; do
    IFS='|' read -r suffix compiler standard <<<"$row"
    program=("$compiler" "$standard" "${warnings[@]}" "${flags[@]}" "${cflags[@]}"
        "$source/docs/examples/verify.$suffix")
    "${program[@]}" -o "shared_$suffix" "${shared[@]}" -Wl,-rpath,"$lib"
    linked "shared_$suffix" shared
    try "./shared_$suffix"
    "${program[@]}" -o "static_$suffix" "${static[@]}"
    linked "static_$suffix" static
    try "./static_$suffix"
done

# ---- with CMake, where a prefix before ours has libraries of the old names ----

mkdir -p foreign/include/crypto foreign/include/jwt "foreign/$LIB"
for header in jwt.h crypto/crypto.h jwt/jwt.h; do echo '#error "a foreign header"' >"foreign/include/$header"; done
names=(jwt sjwt_crypto)
# A build with OpenSSL asks for a libcrypto, and would rightly find this one.
if ! grep -q libcrypto "$prefix/$LIB/pkgconfig/sjwt.pc"; then names+=(crypto); fi
for name in "${names[@]}"; do echo "not a library" >"foreign/$LIB/lib$name.a"; done
languages=C
if [[ -n ${CXX-} ]]; then languages='C;CXX'; fi
configure=(cmake -S "$here/installed" -DEXAMPLES="$source/docs/examples" -DLANGUAGES="$languages"
    -DCMAKE_C_COMPILER="$CC" "-DCMAKE_C_FLAGS=${CFLAGS-}" "-DCMAKE_CXX_FLAGS=${CFLAGS-}"
    "-DCMAKE_PREFIX_PATH=$work/foreign;$prefix")
if [[ -n ${CXX-} ]]; then configure+=(-DCMAKE_CXX_COMPILER="$CXX"); fi
unset PKG_CONFIG_PATH
if ! { "${configure[@]}" -B user && cmake --build user; } >cmake.log 2>&1; then
    cat cmake.log
    fail "a project that finds the package is not built"
fi
for program in user/verify_*_sjwt user/verify_*_static; do
    kind=${program##*_}
    linked "$program" "${kind/sjwt/shared}"
    try "$program"
done
sed 's/find_package(sjwt 1.0/find_package(sjwt 2.0/' "$here/installed/CMakeLists.txt" >"$work/CMakeLists.txt"
if "${configure[@]}" -S "$work" -B other >cmake.log 2>&1; then fail "version 2.0 was found"; fi
grep -q 'version: 1\.' cmake.log || {
    cat cmake.log
    fail "version 2.0 was refused for another reason"
}

# ---- beside libjwt and libcrypto ----

export PKG_CONFIG_PATH=$lib/pkgconfig
if pkg-config --exists 'libjwt < 3' libcrypto && "$SJWT" backends | grep -q '^HS256 *[a-z]'; then
    read -ra beside < <(pkg-config --cflags --libs sjwt libjwt libcrypto)
    "$CC" -std=c11 "${warnings[@]}" "${flags[@]}" -o beside "$here/installed/beside.c" "${beside[@]}" -Wl,-rpath,"$lib"
    expect 0 alice ./beside alice
    read -ra beside < <(pkg-config --cflags --libs libjwt libcrypto)
    "$CC" -std=c11 "${warnings[@]}" "${flags[@]}" "${cflags[@]}" -o beside_static "$here/installed/beside.c" \
        "${static[@]}" "${beside[@]}"
    linked beside_static static
    expect 0 alice ./beside_static alice
    echo "beside libjwt $(pkg-config --modversion libjwt) and libcrypto $(pkg-config --modversion libcrypto)"
else
    echo "libjwt 1 or 2 and libcrypto are not installed: nothing is linked beside them"
fi
echo "$tried programs"
