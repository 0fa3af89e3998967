# SPDX-License-Identifier: Apache-2.0
# CRYPTO_BACKENDS -> the build's table of backends, in order of preference.
#
# Sets CRYPTO_BACKEND_SOURCES, CRYPTO_SIGNER_SOURCES and CRYPTO_BACKEND_LIBRARIES,
# CRYPTO_SIGNED (the algorithms that the build signs) and CRYPTO_TABLE (what
# `sjwt backends` is to print, "<algorithm> <backend> <signer>" each, - for none),
# and writes into ${PROJECT_BINARY_DIR}/generated:
#   crypto_backends.h     SJWT_CRYPTO_BACKEND_NAMES, "sodium, mbedtls";
#                         SJWT_CRYPTO_BACKEND_LIST(X) and SJWT_CRYPTO_SIGNER_LIST(X), one X(name) each;
#                         the symbols are sjwt_crypto_<name>_backend and sjwt_crypto_<name>_signer
#   crypto_expectation.h  SJWT_CRYPTO_EXPECTATION_LIST(X), one X(alg, "backend" or NULL, "signer" or NULL)
#                         each: the table printed below, which a unit test holds against the
#                         backends' own bits

include(CheckSymbolExists)

# crypto_backend(<name> <package> <target> SIGNER|VERIFIER <algorithm>...)
# A backend is crypto/<name>.c, and crypto/<name>_sign.c where it is also a SIGNER:
# that signs all that it verifies, unless crypto_signer_needs() says otherwise.
# The algorithms are those of its .c, as in enum sjwt_crypto_alg without the prefix.
function(crypto_backend name package target role)
    set_property(GLOBAL APPEND PROPERTY crypto_known ${name})
    set_property(GLOBAL PROPERTY crypto_${name}_package ${package})
    set_property(GLOBAL PROPERTY crypto_${name}_target ${target})
    set_property(GLOBAL PROPERTY crypto_${name}_role ${role})
    set_property(GLOBAL PROPERTY crypto_${name}_verifies ${ARGN})
endfunction()

# One line a backend.
crypto_backend(sodium Sodium Sodium::Sodium SIGNER EDDSA HS256 HS512)
crypto_backend(mbedtls MbedTLS MbedTLS::Crypto SIGNER RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 ES256K HS256 HS384 HS512)
crypto_backend(openssl OpenSSL OpenSSL::Crypto SIGNER EDDSA ES256 ES384 ES512 ES256K RS256 RS384 RS512 PS256 PS384 PS512 HS256 HS384 HS512)

# The oldest version of the library that will do.
set_property(GLOBAL PROPERTY crypto_openssl_version 3.0)
if(CRYPTO_OPENSSL_FIPS)
    # OSSL_PROVIDER_load_ex() is from 3.2.
    set_property(GLOBAL PROPERTY crypto_openssl_version 3.2)
endif()

# crypto_backend_needs(<name> <algorithm> <header> <macro>)
# The algorithm is served only where the library's <header> defines <macro>.
function(crypto_backend_needs name algorithm header macro)
    set_property(GLOBAL PROPERTY crypto_${name}_${algorithm}_needs ${header} ${macro})
endfunction()

crypto_backend_needs(mbedtls ES256K psa/crypto.h PSA_WANT_ECC_SECP_K1_256)

# crypto_signer_needs(<name> <algorithm> <header> <macro>)
# Likewise, but it is only not signed.
function(crypto_signer_needs name algorithm header macro)
    set_property(GLOBAL PROPERTY crypto_${name}_${algorithm}_signer_needs ${header} ${macro})
endfunction()

foreach(algorithm ES256 ES384 ES512 ES256K)
    crypto_signer_needs(mbedtls ${algorithm} psa/crypto.h PSA_WANT_ALG_DETERMINISTIC_ECDSA)
endforeach()

# Takes out of the list <variable> what this machine's library of backend <name> lacks,
# by <property>: needs or signer_needs.
function(crypto_remove_lacking name variable property)
    get_property(target GLOBAL PROPERTY crypto_${name}_target)
    set(served ${${variable}})
    foreach(algorithm IN LISTS served)
        get_property(needs GLOBAL PROPERTY crypto_${name}_${algorithm}_${property})
        if(needs)
            list(POP_FRONT needs header macro)
            set(CMAKE_REQUIRED_LIBRARIES ${target})
            set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
            check_symbol_exists(${macro} ${header} CRYPTO_HAS_${macro})
            if(NOT CRYPTO_HAS_${macro})
                list(REMOVE_ITEM ${variable} ${algorithm})
            endif()
        endif()
    endforeach()
    set(${variable} ${${variable}} PARENT_SCOPE)
endfunction()

# The names of enum sjwt_crypto_alg, in its order: the one list there is.
function(crypto_algorithm_names variable)
    set(header ${PROJECT_SOURCE_DIR}/crypto/crypto.h)
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    file(READ ${header} text)
    if(NOT text MATCHES "typedef enum sjwt_crypto_alg {([^}]*)}")
        message(FATAL_ERROR "crypto/crypto.h has no enum sjwt_crypto_alg")
    endif()
    string(REGEX MATCHALL "SJWT_CRYPTO_ALG_[A-Z0-9]+" names "${CMAKE_MATCH_1}")
    list(TRANSFORM names REPLACE "^SJWT_CRYPTO_ALG_" "")
    list(REMOVE_ITEM names COUNT)
    set(${variable} ${names} PARENT_SCOPE)
endfunction()

function(select_crypto)
    get_property(known GLOBAL PROPERTY crypto_known)
    list(JOIN known ", " known_text)
    if(NOT CRYPTO_BACKENDS)
        message(FATAL_ERROR "CRYPTO_BACKENDS is empty: name at least one of ${known_text}.")
    endif()
    set(unique ${CRYPTO_BACKENDS})
    list(REMOVE_DUPLICATES unique)
    if(NOT "${unique}" STREQUAL "${CRYPTO_BACKENDS}")
        message(FATAL_ERROR "CRYPTO_BACKENDS=\"${CRYPTO_BACKENDS}\" names a backend twice.")
    endif()

    crypto_algorithm_names(algorithms)
    foreach(name IN LISTS CRYPTO_BACKENDS)
        if(NOT name IN_LIST known)
            message(FATAL_ERROR
                "CRYPTO_BACKENDS: there is no crypto backend \"${name}\". Known: ${known_text}.")
        endif()
        get_property(package GLOBAL PROPERTY crypto_${name}_package)
        get_property(target GLOBAL PROPERTY crypto_${name}_target)
        get_property(role GLOBAL PROPERTY crypto_${name}_role)
        get_property(verifies GLOBAL PROPERTY crypto_${name}_verifies)
        get_property(version GLOBAL PROPERTY crypto_${name}_version)
        find_package(${package} ${version})
        if(NOT ${package}_FOUND)
            message(FATAL_ERROR
                "CRYPTO_BACKENDS names \"${name}\", but its library was not found on this machine. "
                "Install its development package, or leave it out: -DCRYPTO_BACKENDS=...")
        endif()
        # What messages and tables call it.
        set(label ${name})
        if(name STREQUAL "openssl" AND CRYPTO_OPENSSL_FIPS)
            set(label openssl-fips)
        endif()
        list(APPEND labels ${label})
        crypto_remove_lacking(${name} verifies needs)
        set(signs)
        list(APPEND sources ${name}.c)
        list(APPEND libraries ${target})
        string(APPEND backends " X(${name})")
        if(role STREQUAL "SIGNER")
            list(APPEND signer_sources ${name}_sign.c)
            if(EXISTS ${PROJECT_SOURCE_DIR}/crypto/${name}_documents.c)
                list(APPEND signer_sources ${name}_documents.c)
            endif()
            string(APPEND signers " X(${name})")
            set(signs ${verifies})
            crypto_remove_lacking(${name} signs signer_needs)
        endif()
        foreach(algorithm IN LISTS verifies)
            if(NOT algorithm IN_LIST algorithms)
                message(FATAL_ERROR "backend ${name}: ${algorithm} is not in enum sjwt_crypto_alg")
            endif()
            if(NOT DEFINED served_${algorithm})
                set(served_${algorithm} ${label})
            endif()
            if(algorithm IN_LIST signs AND NOT DEFINED signed_${algorithm})
                set(signed_${algorithm} ${label})
            endif()
        endforeach()
    endforeach()

    list(JOIN labels ", " chosen)
    message(STATUS "Crypto backends, in order of preference: ${chosen}")
    foreach(algorithm IN LISTS algorithms)
        set(answer "-")
        set(signer "-")
        if(DEFINED served_${algorithm})
            set(answer ${served_${algorithm}})
        endif()
        if(DEFINED signed_${algorithm})
            set(signer ${signed_${algorithm}})
            list(APPEND signed ${algorithm})
        endif()
        set(expected "\"${answer}\", \"${signer}\"")
        string(REPLACE "\"-\"" "NULL" expected ${expected})
        string(APPEND expectation " \\\n    X(SJWT_CRYPTO_ALG_${algorithm}, ${expected})")
        string(REPLACE "EDDSA" "EdDSA" label ${algorithm})
        list(APPEND table "${label} ${answer} ${signer}")
        string(SUBSTRING "${label}        " 0 8 label)
        message(STATUS "  ${label} ${answer}")
    endforeach()

    set(generated ${PROJECT_BINARY_DIR}/generated)
    file(CONFIGURE OUTPUT ${generated}/crypto_backends.h CONTENT
"/* Made by cmake/SelectCrypto.cmake from CRYPTO_BACKENDS. */
#define SJWT_CRYPTO_BACKEND_LIST(X)@backends@
#define SJWT_CRYPTO_BACKEND_NAMES \"@chosen@\"
#define SJWT_CRYPTO_SIGNER_LIST(X)@signers@
" @ONLY)
    file(CONFIGURE OUTPUT ${generated}/crypto_expectation.h CONTENT
"/* Made by cmake/SelectCrypto.cmake from CRYPTO_BACKENDS. */
#define SJWT_CRYPTO_EXPECTATION_LIST(X)@expectation@
" @ONLY)

    set(CRYPTO_BACKEND_SOURCES ${sources} PARENT_SCOPE)
    set(CRYPTO_SIGNER_SOURCES ${signer_sources} PARENT_SCOPE)
    set(CRYPTO_BACKEND_LIBRARIES ${libraries} PARENT_SCOPE)
    set(CRYPTO_SIGNED ${signed} PARENT_SCOPE)
    set(CRYPTO_TABLE ${table} PARENT_SCOPE)
    set(CRYPTO_GENERATED_DIR ${generated} PARENT_SCOPE)
endfunction()

select_crypto()
