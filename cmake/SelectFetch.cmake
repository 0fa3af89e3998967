# SPDX-License-Identifier: Apache-2.0
# BUILD_FETCH -> WITH_FETCH: is the library fetch/ built, and what uses it?
#
# AUTO leaves it out where libcurl is not found, and in a build of static libraries alone: an
# archive of libcurl needs a dozen others.
set(WITH_FETCH OFF)
if(BUILD_FETCH STREQUAL "AUTO" AND NOT STATIC_LIBRARIES)
    find_package(CURL 7.66 QUIET)
    set(WITH_FETCH ${CURL_FOUND})
elseif(BUILD_FETCH AND NOT BUILD_FETCH STREQUAL "AUTO")
    find_package(CURL 7.66)
    if(NOT CURL_FOUND)
        message(FATAL_ERROR "BUILD_FETCH is ON, but libcurl was not found (Debian: libcurl4-openssl-dev).")
    endif()
    set(WITH_FETCH ON)
endif()
if(WITH_FETCH)
    message(STATUS "Keys over HTTPS: with libcurl ${CURL_VERSION_STRING}")
else()
    message(STATUS "Keys over HTTPS: not built (BUILD_FETCH=${BUILD_FETCH})")
endif()
