# SPDX-License-Identifier: Apache-2.0
# cmocka -> Cmocka::Cmocka
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_Cmocka QUIET cmocka)
endif()
find_path(Cmocka_INCLUDE_DIR cmocka.h HINTS ${PC_Cmocka_INCLUDE_DIRS})
find_library(Cmocka_LIBRARY NAMES cmocka HINTS ${PC_Cmocka_LIBRARY_DIRS})
mark_as_advanced(Cmocka_INCLUDE_DIR Cmocka_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Cmocka
    REQUIRED_VARS Cmocka_LIBRARY Cmocka_INCLUDE_DIR
    VERSION_VAR PC_Cmocka_VERSION
    REASON_FAILURE_MESSAGE "Debian: libcmocka-dev")

if(Cmocka_FOUND AND NOT TARGET Cmocka::Cmocka)
    add_library(Cmocka::Cmocka UNKNOWN IMPORTED)
    set_target_properties(Cmocka::Cmocka PROPERTIES
        IMPORTED_LOCATION ${Cmocka_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${Cmocka_INCLUDE_DIR}
        # 2.0 deprecates names for which 1.x has no others.
        INTERFACE_COMPILE_OPTIONS -Wno-deprecated-declarations)
endif()
