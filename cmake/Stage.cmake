# cmake -D BINARY_DIR=... -D STAGE=... -P Stage.cmake: a fresh staged install.
file(REMOVE_RECURSE ${STAGE})
set(ENV{DESTDIR} ${STAGE})
foreach(component IN ITEMS "" "--component;fixtures")
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY_DIR} ${component}
        COMMAND_ERROR_IS_FATAL ANY)
endforeach()
