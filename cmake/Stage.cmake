# SPDX-License-Identifier: Apache-2.0
# cmake -D BINARY_DIR=... -D STAGE=... [-D MODULE=... -D PKGLIBDIR=...] -P Stage.cmake:
# a fresh staged install; MODULE takes the extension's place.
file(REMOVE_RECURSE ${STAGE})
set(ENV{DESTDIR} ${STAGE})
foreach(component IN ITEMS "" "--component;fixtures")
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY_DIR} ${component}
        COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(MODULE)
    # Not file(COPY): it takes two modules of the same second for the same.
    cmake_path(GET MODULE FILENAME name)
    file(COPY_FILE ${MODULE} ${STAGE}${PKGLIBDIR}/${name})
endif()
