# SPDX-License-Identifier: Apache-2.0
# What the extension's module links so that no other module can take its place.
#
# The server loads modules RTLD_GLOBAL. A function of a shared library is therefore
# the one of the first module that exports its name, whatever that does. What is
# linked from an archive with -Wl,--exclude-libs,ALL is out of reach.

# library_file(<variable> <target>): the file of an imported library, or of the first
# library that an interface stands for.
function(library_file variable target)
    get_target_property(file ${target} IMPORTED_LOCATION)
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    if(NOT file AND configurations)
        list(GET configurations 0 configuration)
        get_target_property(file ${target} IMPORTED_LOCATION_${configuration})
    endif()
    get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
    if(NOT file AND libraries)
        foreach(library IN LISTS libraries)
            if(TARGET ${library})
                library_file(file ${library})
                break()
            endif()
        endforeach()
    endif()
    set(${variable} "${file}" PARENT_SCOPE)
endfunction()

# soname(<variable> <file>): the name by which a program needs this shared library, or "".
function(soname variable file)
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${file} OUTPUT_VARIABLE headers ERROR_QUIET)
    set(${variable} "" PARENT_SCOPE)
    if(headers MATCHES "SONAME +([^ \n]+)")
        set(${variable} ${CMAKE_MATCH_1} PARENT_SCOPE)
    endif()
endfunction()

# private_libraries(<variable> <backends>): the archives, of STATIC_BACKENDS and of cJSON,
# and the backends whose library no other module can replace. These have an archive, or
# the server itself needs their shared library, so that it is loaded before any module.
# Warns of each other backend.
function(private_libraries variable backends)
    set(archives "")
    set(private "")
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${PostgresServer_BINDIR}/postgres
        OUTPUT_VARIABLE server ERROR_QUIET)
    foreach(name IN LISTS CRYPTO_BACKENDS)
        get_property(target GLOBAL PROPERTY crypto_${name}_target)
        library_file(library ${target})
        cmake_path(GET library STEM stem)
        cmake_path(REPLACE_FILENAME library ${stem}.a OUTPUT_VARIABLE archive)
        soname(shared "${library}")
        if(name IN_LIST STATIC_BACKENDS AND EXISTS "${archive}")
            list(APPEND archives ${archive})
        elseif(shared STREQUAL "" OR NOT server MATCHES "NEEDED +${shared}\n")
            message(WARNING
                "The module will link the shared library of crypto backend \"${name}\" (${library}). Another module "
                "of the server that exports functions of the same names replaces it, and then a forged token may be "
                "valid. Install the library's archive (${archive}) and name the backend in STATIC_BACKENDS.")
            continue()
        endif()
        list(APPEND private ${name})
    endforeach()
    if(cJSON_ARCHIVE)
        list(APPEND archives ${cJSON_ARCHIVE})
    endif()
    set(${variable} ${archives} PARENT_SCOPE)
    set(${backends} ${private} PARENT_SCOPE)
endfunction()
