# SPDX-License-Identifier: Apache-2.0
# Sourced by dev, after matrix.sh: the core on other processors and with another C
# library, in a chroot of Debian 12. The unit tests run under qemu-user, with
# TEST_LAUNCHER.
# shellcheck shell=bash disable=SC2154  # variables of dev and matrix.sh

# A target is a preset: a processor as Debian names it, or musl, which is static
# libraries and the tool for this machine's processor.
cross_targets=(arm64 armhf i386 s390x musl)

cross() {
    local target
    if (($# == 0)); then set -- "${cross_targets[@]}"; fi
    for target in "$@"; do
        [[ " ${cross_targets[*]} " == *" $target "* ]] ||
            die "there is no target \"$target\" (there are: ${cross_targets[*]})"
    done
    targets=("$@")
    setup matrix
    start_results cross
    run_place cross
    summary
}

place_cross() {
    local target library libraries=()
    bare_chroot bookworm
    for target in "${targets[@]}"; do
        if [[ $target == musl ]]; then continue; fi
        in_chroot dpkg --add-architecture "$target"
        for library in libc6 libmbedtls libcjson libcmocka libsodium libssl; do
            libraries+=("$library-dev:$target")
        done
    done
    echo "deb-src $(mirror) bookworm main" |
        as_root tee "$root/etc/apt/sources.list.d/sources.list" >/dev/null
    update_chroot
    in_chroot ./dev setup cross
    if ((${#libraries[@]})); then
        in_chroot apt-get -q -q -y install --no-install-recommends "${libraries[@]}"
    fi
    if [[ " ${targets[*]} " == *" musl "* ]]; then
        quietly musl-libraries in_chroot .ci/musl.sh build/musl-libraries
    fi
    chroot_jobs "${targets[@]}"
}
