# The server that the extension is built for, as its pg_config tells it
# -> PostgresServer::Headers
#
# PG_CONFIG chooses one of several. Sets PostgresServer_VERSION, _MAJOR, _BINDIR,
# _PKGLIBDIR, _SHAREDIR and _PGXS_DIR (where its test programs are, or empty).
# FindPostgreSQL, CMake's own, looks for the client library: another matter.
if(NOT PG_CONFIG)
    # The presets hand over the environment's, which may be none.
    unset(PG_CONFIG CACHE)
endif()
find_program(PG_CONFIG NAMES pg_config DOC "pg_config of the server to build for")

if(PG_CONFIG)
    foreach(key VERSION BINDIR PKGLIBDIR SHAREDIR INCLUDEDIR-SERVER PGXS)
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

if(PostgresServer_FOUND AND NOT TARGET PostgresServer::Headers)
    add_library(PostgresServer::Headers INTERFACE IMPORTED)
    set_target_properties(PostgresServer::Headers PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES ${PostgresServer_INCLUDE_DIR}
        INTERFACE_COMPILE_DEFINITIONS _GNU_SOURCE)
endif()
