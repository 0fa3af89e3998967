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

# private_libraries(<variable> <backends>): the archives, of STATIC_BACKENDS and of cJSON,
# that stand beside the shared libraries of the same version, and the backends among
# them. Warns where there is none.
function(private_libraries variable backends)
    set(archives "")
    set(found "")
    foreach(name IN LISTS STATIC_BACKENDS)
        if(NOT name IN_LIST CRYPTO_BACKENDS)
            continue()
        endif()
        get_property(target GLOBAL PROPERTY crypto_${name}_target)
        library_file(file ${target})
        if(file)
            cmake_path(GET file STEM stem)
            cmake_path(REPLACE_FILENAME file ${stem}.a)
        endif()
        if(file AND EXISTS ${file})
            list(APPEND archives ${file})
            list(APPEND found ${name})
        else()
            message(WARNING
                "The library of crypto backend \"${name}\" has no archive (${file}). The module links the shared "
                "library: another module that exports functions of the same names takes its place. "
                "Install the archive, or accept this: leave ${name} out of -DSTATIC_BACKENDS=...")
        endif()
    endforeach()
    if(cJSON_ARCHIVE)
        list(APPEND archives ${cJSON_ARCHIVE})
    endif()
    set(${variable} ${archives} PARENT_SCOPE)
    set(${backends} ${found} PARENT_SCOPE)
endfunction()
