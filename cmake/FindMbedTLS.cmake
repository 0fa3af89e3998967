# SPDX-License-Identifier: Apache-2.0
# The PSA crypto library of mbedTLS -> MbedTLS::Crypto
#
# 2.x and 3.x call it mbedcrypto, 4.x tfpsacrypto (a package of its own). Asked
# are, in this order, the library's own CMake package, pkg-config, and the file
# system: Debian 12 has only the last.
set(MbedTLS_target "")
find_package(TF-PSA-Crypto CONFIG QUIET)
if(TARGET TF-PSA-Crypto::tfpsacrypto)
    set(MbedTLS_target TF-PSA-Crypto::tfpsacrypto)
    set(MbedTLS_VERSION ${TF-PSA-Crypto_VERSION})
else()
    find_package(MbedTLS CONFIG QUIET)
    if(TARGET MbedTLS::tfpsacrypto)
        set(MbedTLS_target MbedTLS::tfpsacrypto)
    elseif(TARGET MbedTLS::mbedcrypto)
        set(MbedTLS_target MbedTLS::mbedcrypto)
    endif()
endif()

include(FindPackageHandleStandardArgs)
if(MbedTLS_target)
    find_package_handle_standard_args(MbedTLS
        REQUIRED_VARS MbedTLS_target VERSION_VAR MbedTLS_VERSION)
else()
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
        pkg_search_module(PC_MbedTLS QUIET tfpsacrypto mbedcrypto)
    endif()
    find_path(MbedTLS_INCLUDE_DIR psa/crypto.h HINTS ${PC_MbedTLS_INCLUDE_DIRS})
    find_library(MbedTLS_LIBRARY NAMES tfpsacrypto mbedcrypto HINTS ${PC_MbedTLS_LIBRARY_DIRS})
    mark_as_advanced(MbedTLS_INCLUDE_DIR MbedTLS_LIBRARY)
    # 4.x, 3.x and 2.x; the first two have version.h too, without the version.
    set(MbedTLS_VERSION ${PC_MbedTLS_VERSION})
    foreach(header tf-psa-crypto/build_info.h mbedtls/build_info.h mbedtls/version.h)
        if(NOT MbedTLS_VERSION AND EXISTS ${MbedTLS_INCLUDE_DIR}/${header})
            file(STRINGS ${MbedTLS_INCLUDE_DIR}/${header} line REGEX "define [A-Z_]+_VERSION_STRING ")
            string(REGEX MATCH "[0-9]+[.][0-9.]+" MbedTLS_VERSION "${line}")
        endif()
    endforeach()
    find_package_handle_standard_args(MbedTLS
        REQUIRED_VARS MbedTLS_LIBRARY MbedTLS_INCLUDE_DIR
        VERSION_VAR MbedTLS_VERSION
        REASON_FAILURE_MESSAGE "Debian: libmbedtls-dev")
endif()

if(MbedTLS_FOUND AND NOT TARGET MbedTLS::Crypto)
    if(MbedTLS_target)
        add_library(MbedTLS::Crypto INTERFACE IMPORTED)
        set_target_properties(MbedTLS::Crypto PROPERTIES INTERFACE_LINK_LIBRARIES ${MbedTLS_target})
    else()
        add_library(MbedTLS::Crypto UNKNOWN IMPORTED)
        set_target_properties(MbedTLS::Crypto PROPERTIES
            IMPORTED_LOCATION ${MbedTLS_LIBRARY}
            INTERFACE_INCLUDE_DIRECTORIES ${MbedTLS_INCLUDE_DIR})
    endif()
endif()
unset(MbedTLS_target)
