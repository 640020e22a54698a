foreach(name lease log spec)
    house_test(init/${name} LINKS init_parts base)
endforeach()
