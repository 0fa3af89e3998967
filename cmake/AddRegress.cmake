# SPDX-License-Identifier: Apache-2.0
# Tests that need a server: they run from the staged install, through
# tests/server.sh, labelled "server".

# stage_install(<name> [<target>]): fixture <name>, `cmake --install` into the
# DESTDIR <name> in the build directory, with the tests' fixtures (catalogs of
# old versions), and with the module of <target> in the extension's place. The
# server tests that are added next use it.
function(stage_install name)
    set(options -D BINARY_DIR=${PROJECT_BINARY_DIR} -D STAGE=${PROJECT_BINARY_DIR}/${name})
    if(ARGN)
        list(APPEND options -D MODULE=$<TARGET_FILE:${ARGV1}> -D PKGLIBDIR=${PostgresServer_PKGLIBDIR})
    endif()
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} ${options} -P ${PROJECT_SOURCE_DIR}/cmake/Stage.cmake)
    set_tests_properties(${name} PROPERTIES FIXTURES_SETUP ${name} LABELS server)
    set(SERVER_STAGE ${name} PARENT_SCOPE)
endfunction()

# add_server_test(<name> run|exec|- <command>...): the command in a mode of
# tests/server.sh; with - it calls that by itself.
function(add_server_test name mode)
    set(command ${PROJECT_SOURCE_DIR}/tests/server.sh ${mode} --)
    if(mode STREQUAL "-")
        set(command "")
    endif()
    set(environment PGSJ_STAGE=${PROJECT_BINARY_DIR}/${SERVER_STAGE} PG_CONFIG=${PG_CONFIG})
    if(TARGET sjwt)
        list(APPEND environment SJWT=$<TARGET_FILE:sjwt>)
    endif()
    add_test(NAME ${name} COMMAND ${command} ${ARGN})
    set_tests_properties(${name} PROPERTIES
        LABELS server FIXTURES_REQUIRED ${SERVER_STAGE} ENVIRONMENT "${environment}" TIMEOUT 600
        COST 10)
endfunction()

# add_regress(<name> <dir>): pg_regress over <dir>/sql/*.sql, in the order of
# their names; <dir> is relative to tests/.
function(add_regress name dir)
    file(GLOB cases CONFIGURE_DEPENDS
        RELATIVE ${PROJECT_SOURCE_DIR}/tests/${dir}/sql ${PROJECT_SOURCE_DIR}/tests/${dir}/sql/*.sql)
    list(TRANSFORM cases REPLACE "\\.sql$" "")
    if(cases)
        add_server_test(${name} run tests/regress.sh ${dir} ${cases})
    endif()
endfunction()

# add_tap(<dir> [<excluded>...]): a test for each <dir>/*.pl, relative to tests/. Who
# excludes one prints a line "EXCLUDED: NAME, because ...": the summaries repeat it.
function(add_tap dir)
    file(GLOB cases CONFIGURE_DEPENDS
        RELATIVE ${PROJECT_SOURCE_DIR}/tests/${dir} ${PROJECT_SOURCE_DIR}/tests/${dir}/*.pl)
    foreach(case IN LISTS cases)
        cmake_path(GET case STEM stem)
        if(stem IN_LIST ARGN)
            continue()
        endif()
        add_server_test(${dir}_${stem} exec prove --verbose tests/${dir}/${case})
    endforeach()
endfunction()
