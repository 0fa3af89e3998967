# SPDX-License-Identifier: Apache-2.0
# enable_warnings(<target>): the warnings that this project's own code is free of.
function(enable_warnings target)
    target_compile_options(${target} PRIVATE
        -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        $<$<BOOL:${WARNINGS_AS_ERRORS}>:-Werror>)
endfunction()
