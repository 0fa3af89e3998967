# SPDX-License-Identifier: Apache-2.0
# cJSON without cJSON_Utils -> cJSON::cJSON. The headers are <cjson/cJSON.h>.
#
# Sets cJSON_ARCHIVE (its static library, if there is one beside the other) and
# cJSON_SONAME (the name by which a program opens the shared library, if that is
# what cJSON::cJSON links).
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_cJSON QUIET libcjson)
endif()
find_path(cJSON_INCLUDE_DIR cjson/cJSON.h HINTS ${PC_cJSON_INCLUDEDIR})
find_library(cJSON_LIBRARY NAMES cjson HINTS ${PC_cJSON_LIBRARY_DIRS})
mark_as_advanced(cJSON_INCLUDE_DIR cJSON_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cJSON
    REQUIRED_VARS cJSON_LIBRARY cJSON_INCLUDE_DIR
    VERSION_VAR PC_cJSON_VERSION
    REASON_FAILURE_MESSAGE "Debian: libcjson-dev")

if(cJSON_FOUND)
    cmake_path(GET cJSON_LIBRARY PARENT_PATH directory)
    find_library(cJSON_ARCHIVE NAMES libcjson.a HINTS ${directory} NO_DEFAULT_PATH)
    mark_as_advanced(cJSON_ARCHIVE)
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${cJSON_LIBRARY} OUTPUT_VARIABLE headers ERROR_QUIET)
    set(cJSON_SONAME "")
    if(headers MATCHES "SONAME +([^ \n]+)")
        set(cJSON_SONAME ${CMAKE_MATCH_1})
    endif()
endif()

if(cJSON_FOUND AND NOT TARGET cJSON::cJSON)
    add_library(cJSON::cJSON UNKNOWN IMPORTED)
    set_target_properties(cJSON::cJSON PROPERTIES
        IMPORTED_LOCATION ${cJSON_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${cJSON_INCLUDE_DIR})
endif()
