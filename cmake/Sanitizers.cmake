# SPDX-License-Identifier: Apache-2.0
# SANITIZE reaches every target made after this; a finding ends the program.
if(SANITIZE)
    add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SANITIZE})
    if(BUILD_EXTENSION)
        message(FATAL_ERROR
            "SANITIZE needs -DBUILD_EXTENSION=OFF: the server that would load the module is built without.")
    endif()
endif()
