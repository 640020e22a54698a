# What a builder may choose, and the flags that every file of ours is compiled with.
set(SANITIZE "" CACHE STRING "sanitizers to build with, as -fsanitize takes them: address,undefined or thread")
option(FUZZ "build the fuzz targets (clang only)" OFF)
option(COVERAGE "count which lines the tests run" OFF)
option(WERROR "treat warnings as errors" ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# assert stays on in release builds: a standby is better than a wrong master.
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()

add_compile_definitions(MESOS_VERSION="${PROJECT_VERSION}")
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

set(HOUSE_FLAGS -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wswitch-enum -Wformat=2 -Wpointer-arith -Wvla -fno-strict-aliasing -fstack-protector-strong
    -D_GNU_SOURCE)
if(WERROR)
    list(APPEND HOUSE_FLAGS -Werror)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # Designated initialisers leave the rest zero on purpose; a cut message is still a message.
    list(APPEND HOUSE_FLAGS -Wno-missing-field-initializers -Wno-format-truncation)
else()
    list(APPEND HOUSE_FLAGS -Wno-missing-field-initializers -Wno-gnu-statement-expression
         -Wno-gnu-zero-variadic-macro-arguments)
endif()
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    list(APPEND HOUSE_FLAGS -D_FORTIFY_SOURCE=2)
endif()
if(SANITIZE)
    list(REMOVE_ITEM HOUSE_FLAGS -D_FORTIFY_SOURCE=2)
    add_compile_options(-fsanitize=${SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SANITIZE})
endif()
if(COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
if(FUZZ)
    # Coverage for the fuzzer in every library; the targets themselves bring its main.
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
