foreach(name dialer executor reader scheduler)
    house_test(lib/core/${name} LINKS lib_core)
endforeach()
