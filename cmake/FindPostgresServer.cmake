# SPDX-License-Identifier: Apache-2.0
# The server that the extension is built for, as its pg_config tells it
# -> PostgresServer::Headers
#
# PG_CONFIG chooses one of several. Sets PostgresServer_VERSION, _MAJOR, _BINDIR,
# _PKGLIBDIR, _SHAREDIR and _PGXS_DIR (where its test programs are, or empty).
# Stops where the version is not one of those that extension/compat.h knows.
#
# What links PostgresServer::Headers is compiled as PGXS compiles it: with the flags of
# the server's CFLAGS that change what code means or that harden it. Optimization,
# debug information and other warnings are this build's own. The headers need GNU C
# from 19 on: set the target's C_EXTENSIONS.
#
# FindPostgreSQL, CMake's own, looks for the client library: another matter.
if(NOT PG_CONFIG)
    # The presets hand over the environment's, which may be none.
    unset(PG_CONFIG CACHE)
endif()
find_program(PG_CONFIG NAMES pg_config DOC "pg_config of the server to build for")

if(PG_CONFIG)
    foreach(key VERSION BINDIR PKGLIBDIR SHAREDIR INCLUDEDIR-SERVER PGXS CFLAGS CPPFLAGS)
        string(TOLOWER ${key} option)
        execute_process(COMMAND ${PG_CONFIG} --${option}
            OUTPUT_VARIABLE value OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        set(PostgresServer_${key} "${value}")
    endforeach()
    if(PostgresServer_VERSION MATCHES "([0-9]+)[.0-9a-z]*")
        set(PostgresServer_VERSION ${CMAKE_MATCH_0})
        set(PostgresServer_MAJOR ${CMAKE_MATCH_1})
    endif()
    if(EXISTS "${PostgresServer_INCLUDEDIR-SERVER}/postgres.h")
        set(PostgresServer_INCLUDE_DIR ${PostgresServer_INCLUDEDIR-SERVER})
    endif()
    cmake_path(SET PostgresServer_PGXS_DIR NORMALIZE "${PostgresServer_PGXS}/../../..")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PostgresServer
    REQUIRED_VARS PG_CONFIG PostgresServer_INCLUDE_DIR PostgresServer_PKGLIBDIR PostgresServer_SHAREDIR
    VERSION_VAR PostgresServer_VERSION
    REASON_FAILURE_MESSAGE
        "Debian: postgresql-server-dev-NN (-DPG_CONFIG=... chooses one, -DBUILD_EXTENSION=OFF does without)")

if(PostgresServer_FOUND AND NOT PostgresServer_MAJOR MATCHES "^1[4-9]$")
    message(FATAL_ERROR "pg_session_jwt supports PostgreSQL 14 to 19, and ${PG_CONFIG} belongs to "
        "${PostgresServer_VERSION}. -DPG_CONFIG=... chooses another server, -DBUILD_EXTENSION=OFF does without.")
endif()

if(PostgresServer_FOUND AND NOT TARGET PostgresServer::Headers)
    include(CheckCCompilerFlag)
    set(CMAKE_REQUIRED_FLAGS -Wformat) # -Wformat-security needs it
    set(flags "")
    separate_arguments(server_flags UNIX_COMMAND "${PostgresServer_CFLAGS} ${PostgresServer_CPPFLAGS}")
    foreach(flag IN LISTS server_flags)
        # Not: paths of the machine that built the server, frame pointers, and what all
        # objects of a program must agree on.
        if(flag MATCHES "^-(f.*|W(error=)?format(-security)?)$"
                AND NOT flag MATCHES "prefix-map|frame-pointer|lto|profile|sanitize")
            # The server's compiler may be another than this one.
            string(MAKE_C_IDENTIFIER "accepts${flag}" accepted)
            check_c_compiler_flag(${flag} ${accepted})
            if(${accepted})
                list(APPEND flags ${flag})
            endif()
        elseif(flag MATCHES "^-D_FORTIFY_SOURCE=" AND NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
            # It needs an optimizing compiler.
            list(APPEND flags $<$<NOT:$<CONFIG:Debug>>:${flag}>)
        endif()
    endforeach()
    unset(CMAKE_REQUIRED_FLAGS)
    list(REMOVE_DUPLICATES flags)
    add_library(PostgresServer::Headers INTERFACE IMPORTED)
    set_target_properties(PostgresServer::Headers PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES ${PostgresServer_INCLUDE_DIR}
        INTERFACE_COMPILE_DEFINITIONS _GNU_SOURCE
        INTERFACE_COMPILE_OPTIONS "${flags}")
endif()
