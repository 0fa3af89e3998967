# SPDX-License-Identifier: Apache-2.0
# Sourced by dev, after matrix.sh: archives and packages, and their tests. A system is a
# release of Debian. Without one, packages are built on this machine and tested in a chroot of
# its release; else they are built in a chroot as well.
# shellcheck shell=bash disable=SC2154  # variables of dev and matrix.sh

release_version() { sed -n 's/^project(pg_session_jwt VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt; }

# ---- archives ------------------------------------------------------------

# In an archive that git did not make there is no commit to pack.
git_here() { git -c "safe.directory=$PWD" "$@"; }

# dist_commit: the commit to pack: HEAD, or where files changed or SOURCE_DATE_EPOCH is set, one
# of the same files and of that date, which no branch has.
dist_commit() {
    local commit
    commit=$(git_here stash create) || die "the archive needs a git checkout"
    if [[ -z $commit && -z ${SOURCE_DATE_EPOCH-} ]]; then
        git_here rev-parse HEAD
        return
    fi
    local date=${SOURCE_DATE_EPOCH:-$(git_here log -1 --format=%ct)}
    GIT_AUTHOR_NAME=dist GIT_AUTHOR_EMAIL=dist GIT_AUTHOR_DATE="@$date +0000" \
        GIT_COMMITTER_NAME=dist GIT_COMMITTER_EMAIL=dist GIT_COMMITTER_DATE="@$date +0000" \
        git_here commit-tree -m "pg_session_jwt $(release_version)" "${commit:-HEAD}^{tree}"
}

# dist FOLDER: pg_session_jwt-VERSION.zip, which is PGXN's distribution, and .tar.gz. Their
# octets depend on the commit, its date and the versions of git and zlib alone.
dist() {
    local commit name
    commit=$(dist_commit)
    name=pg_session_jwt-$(release_version)
    mkdir -p "$1"
    TZ=UTC git_here archive --format=zip --prefix="$name/" -o "$1/$name.zip" "$commit"
    git_here -c tar.umask=0022 archive --format=tar --prefix="$name/" "$commit" | gzip -n -9 >"$1/$name.tar.gz"
}

# The same octets twice, whatever the time zone and the umask are; and each file of the checkout.
test_dist() {
    local once=$1/once twice=$1/twice name
    name=pg_session_jwt-$(release_version)
    rm -rf "$once" "$twice"
    SOURCE_DATE_EPOCH=1700000000 dist "$once"
    sleep 1
    (
        umask 077
        export TZ=Asia/Tokyo SOURCE_DATE_EPOCH=1700000000
        dist "$twice"
    )
    cmp "$once/$name.zip" "$twice/$name.zip"
    cmp "$once/$name.tar.gz" "$twice/$name.tar.gz"
    diff <(git_here ls-files | sort) \
        <(tar -tf "$once/$name.tar.gz" | sed -n "s|^$name/||; /[^/]\$/p" | sort)
    [[ $(tar -tvf "$once/$name.tar.gz" --utc | awk '{ print $4 }' | sort -u) == 2023-11-14 ]]
    SOURCE_DATE_EPOCH=1700000001 dist "$twice"
    ! cmp -s "$once/$name.zip" "$twice/$name.zip"
}

# ---- PGXN ----------------------------------------------------------------

# test_pgxn FOLDER: pgxn install of the zip, into a DESTDIR; then make and make installcheck of
# the same files on a server that finds the extension there.
test_pgxn() {
    local work=$1/pgxn name stage=$1/pgxn/stage
    name=pg_session_jwt-$(release_version)
    rm -rf "$work"
    mkdir -p "$work"
    dist "$work"
    python3 -m pip install -q --root-user-action=ignore --target "$work/client" pgxnclient==1.3.2
    DESTDIR=$stage PYTHONPATH=$work/client python3 "$work/client/bin/pgxn" \
        install --yes --nosudo --pg_config "$PG_CONFIG" "$work/$name.zip"
    diff <(cd sql && printf '%s\n' ./*) \
        <(cd "$stage$("$PG_CONFIG" --sharedir)/extension" && printf '%s\n' ./*)
    [[ $(find "$stage" -type f -not -name '*.so' | wc -l) == $(find sql -type f | wc -l) ]]
    tar -xf "$work/$name.tar.gz" -C "$work"
    make -s -C "$work/$name" PG_CONFIG="$PG_CONFIG"
    chmod -R go+rX "$work/$name"
    # pg_regress runs as another user where this one is root.
    # shellcheck disable=SC2016  # expanded by sh
    PGSJ_STAGE=$stage tests/server.sh run -- env -u MAKEFLAGS -u PGSJ_TESTS -u SJWT sh -eu -c '
        cp -R "$1" checkout
        cd checkout
        make installcheck PG_CONFIG="$PG_CONFIG" || { cat build/make/regression.diffs; exit 1; }' sh "$work/$name"
}

# ---- Debian --------------------------------------------------------------

# build_debs: the packages of this system, in the folder that is named.
build_debs() {
    rm -rf "$1"
    mkdir -p "$1"
    dist "$1/source"
    packaging/build-deb.sh "$1"/source/*.tar.gz "$1/debs"
}

# fresh_chroot SYSTEM: a chroot that has nothing but Debian's essential packages, as $root.
fresh_chroot() {
    local pristine
    pristine=$CHROOTS/pristine-$(suite_of "$1")
    bootstrap "$(suite_of "$1")" "$pristine" || return
    root=$CHROOTS/fresh-$1
    if mountpoint -q "$root/proc"; then as_root umount -l "$root/proc"; fi
    as_root rm -rf "$root"
    as_root cp -a "$pristine" "$root"
    enter_chroot
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$root/usr/sbin/policy-rc.d" >/dev/null
    as_root chmod +x "$root/usr/sbin/policy-rc.d"
    if [[ $1 == experimental ]]; then experimental_server "$newest_server"; fi
    in_chroot apt-get -q -q update
}

# test_debs SYSTEM FOLDER [OTHER-MODULE]
test_debs() {
    fresh_chroot "$1"
    as_root mkdir "$root/debs"
    as_root cp "$2"/*.deb "$root/debs/"
    if [[ -n ${3-} ]]; then as_root cp "$3" "$root/debs/other.so"; fi
    in_chroot env OTHER_MODULE="${3:+/debs/other.so}" \
        packaging/tests/lifecycle.sh /debs tests/fixtures
}

# test_units SYSTEM: in a copy of the chroot that test_debs left.
test_units() {
    root=$CHROOTS/units-$1
    if mountpoint -q "$root/proc"; then as_root umount -l "$root/proc"; fi
    as_root rm -rf "$root"
    as_root cp -a --one-file-system "$CHROOTS/fresh-$1" "$root"
    enter_chroot
    as_root packaging/tests/units.sh "$root"
}

# package_system SYSTEM: in a chroot of this release: build, lintian, autopkgtest; then, in a
# fresh one, installing and removing, and the units.
package_system() {
    local system=$1 debs=$BUILD_DIR/package/$1 other versions=()
    bare_chroot "$(suite_of "$system")" || return
    if [[ $system == experimental ]]; then
        experimental_server "$newest_server"
        versions=(PG_SUPPORTED_VERSIONS="$newest_server")
    fi
    update_chroot && in_chroot ./dev setup build unit package || return
    if ((${#versions[@]})); then
        in_chroot apt-get -q -y install --no-install-recommends "postgresql-server-dev-$newest_server"
    fi
    # The summary's words for this place.
    system() {
        echo "Debian $system, PG $(in_chroot env "${versions[@]}" sh -c 'cd packaging && pg_buildext supported-versions' |
            xargs)"
    }
    dist "$debs/source"
    as_root rm -rf "$root/package"
    as_root mkdir "$root/package"
    as_root cp "$debs"/source/*.tar.gz "$root/package/"
    job "$place-deb" in_chroot env "${versions[@]}" sh -c 'packaging/build-deb.sh /package/*.tar.gz /package/debs'
    rm -rf "$debs/debs"
    mkdir -p "$debs/debs"
    find "$root/package/debs" -maxdepth 1 -type f -exec cp {} "$debs/debs/" \;
    job "$place-autopkgtest" in_chroot env "${versions[@]}" \
        sh -c 'cd /package/debs && autopkgtest -B ./*.deb ./*.dsc -- null'
    other=$(find "$BUILD_DIR/package" -path "*/modules/*" -name '*.so' -not -path "*/$system/*" | head -n 1)
    job "$place-lifecycle" step test_debs "$system" "$debs/debs" "$other"
    job "$place-units" step test_units "$system"
    # For the tests of the other releases.
    mkdir -p "$debs/modules"
    dpkg-deb --fsys-tarfile "$debs"/debs/postgresql-[0-9][0-9]-pg-session-jwt_*.deb |
        tar -x -O --wildcards '*/pg_session_jwt.so' >"$debs/modules/module.so"
}

# Debian experimental is sid with a server that is not released yet: not for a release of ours.
package_systems=(bookworm trixie sid experimental)
release_systems=(bookworm trixie sid)
newest_server=19
suite_of() { echo "${1/experimental/sid}"; }
place_bookworm_package() { package_system bookworm; }
place_trixie_package() { package_system trixie; }
place_sid_package() { package_system sid || exit 75; }
place_experimental_package() { package_system experimental || exit 75; }

# ---- RPM -----------------------------------------------------------------

# test_rpm FOLDER DEBS: see packaging/tests/rpm.sh.
test_rpm() {
    dist "$1/source"
    packaging/tests/rpm.sh "$PG_CONFIG" "$1"/source/*.tar.gz "$2" "$1/rpm"
}

# step FUNCTION [ARGUMENT...]: in a process of its own, which ends where a command fails. In
# a function that a job calls, it would not.
step() { ./dev package_step "$@"; }

# ---- the command ---------------------------------------------------------

package() {
    local system folder=$BUILD_DIR/package short=''
    if [[ ${1-} == short ]]; then
        short=1
        shift
    fi
    for system in "$@"; do
        [[ " ${package_systems[*]} " == *" $system "* ]] ||
            die "there is no system \"$system\" (there are: ${package_systems[*]})"
    done
    setup build unit server package matrix
    start_results package
    if (($#)); then
        for system in "$@"; do run_place "${system}_package"; done
    else
        job dist step test_dist "$folder/dist"
        job refusals packaging/tests/release.sh .
        job pgxn step test_pgxn "$folder"
        job deb step build_debs "$folder/here"
        # shellcheck source=/dev/null
        job lifecycle step test_debs "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$folder/here/debs"
        if [[ -z $short ]]; then
            # shellcheck source=/dev/null
            job units step test_units "$(. /etc/os-release && echo "$VERSION_CODENAME")"
            job docker step env PG_CONFIG="$PG_CONFIG" packaging/tests/docker.sh "$folder/docker"
            job rpm step test_rpm "$folder/rpm" "$folder/here/debs"
        fi
    fi
    summary
}

# ---- releases ------------------------------------------------------------

# sbom_of_source ARCHIVE FILE: SPDX: each file of the source, and its license.
sbom_of_source() {
    local folder=$BUILD_DIR/package/sbom
    rm -rf "$folder"
    mkdir -p "$folder"
    tar -xf "$1" -C "$folder"
    reuse --root "$folder"/* spdx --output "$2"
    grep -A 4 '^FileName: ./jwt/verify.c$' "$2" | grep -q '^LicenseInfoInFile: Apache-2.0$'
}

# sbom_of_system SUITE DEBS FOLDER: SPDX: the packages and what they depend on, as installed
# in the chroot in which they were tested.
sbom_of_system() {
    local client=$BUILD_DIR/package/debsbom
    root=$CHROOTS/fresh-$1
    enter_chroot
    # shellcheck disable=SC2016  # expanded in the chroot
    in_chroot sh -c 'apt-get -q -y install --no-install-recommends $(ls /debs/*.deb | grep -v dbgsym)'
    python3 -m pip install -q --root-user-action=ignore --target "$client" debsbom==0.10.2 spdx-tools==0.8.5
    PYTHONPATH=$client python3 "$client/bin/debsbom" generate --root "$root" --sbom-type spdx --validate \
        --distro-name "pg-session-jwt-$1" --distro-version "$(release_version)" --out "$3/$1"
    grep -q '"name": "libsjwt1"' "$3/$1.spdx.json"
}

# release VERSION
release() {
    local version=$1 out=$BUILD_DIR/release/$1 system systems changes
    read -ra systems <<<"${SYSTEMS:-${release_systems[*]}}"
    changes=$(git_here status --porcelain)
    [[ -z $changes ]] || die "these files are not committed:"$'\n'"$changes"
    packaging/check-version.sh . "$version"
    # Nothing of an earlier commit, should a system be skipped.
    rm -rf "$BUILD_DIR/package"
    setup release
    package
    package "${systems[@]}"
    rm -rf "$out"
    mkdir -p "$out/rpm" "$out/sbom"
    dist "$out"
    for system in "${systems[@]}"; do
        mkdir -p "$out/deb/$system"
        cp "$BUILD_DIR/package/$system/debs"/* "$out/deb/$system/"
        quietly "sbom-$system" step sbom_of_system "$system" "$out/deb/$system" "$out/sbom"
    done
    find "$BUILD_DIR/package/rpm/rpm" -path '*RPMS/*.rpm' -exec cp {} "$out/rpm/" \;
    quietly sbom-source step sbom_of_source "$out"/*.tar.gz "$out/sbom/source.spdx"
    # shellcheck disable=SC2094  # not among its own lines
    (cd "$out" && find . -type f -not -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum >SHA256SUMS)
    cat "$out/SHA256SUMS"
}
