# SPDX-License-Identifier: Apache-2.0
# include_root(<variable> <name> <path>...)
#
# Makes an include directory that holds links to these files and folders of the
# source tree, under their own names, and nothing else. What a target does not
# get this way it cannot include: crypto/ does not see jwt/, the extension sees
# of the core only jwt/include.
function(include_root variable name)
    set(root ${PROJECT_BINARY_DIR}/include/${name})
    file(REMOVE_RECURSE ${root})
    foreach(path IN LISTS ARGN)
        cmake_path(GET path PARENT_PATH parent)
        file(MAKE_DIRECTORY ${root}/${parent})
        file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${path} ${root}/${path} SYMBOLIC)
    endforeach()
    set(${variable} ${root} PARENT_SCOPE)
endfunction()
